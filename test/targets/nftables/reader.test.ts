/** The reader of nftables, on hand-written texts: what each construct means, how verdicts run, what is refused. */
import { describe, expect, it } from 'vitest';
import type { Hook, Packet } from '../../../src/packets/packet.ts';
import { empty, full, type Node, PacketSpace } from '../../../src/packets/packet-space.ts';
import { possible } from '../../../src/policy/sets.ts';
import type { ReadContext, ReadResult } from '../../../src/target/target.ts';
import { read } from '../../../targets/nftables/reader.ts';
import {
  accepting,
  all,
  any,
  constructs,
  current,
  from,
  icmp,
  iif,
  interfaces,
  mark,
  type Meaning,
  not,
  protocol,
  rulesetOf,
  state,
  tcp,
  to,
  tracked,
  udp,
} from './constructs.ts';

const space = new PacketSpace(interfaces);
const context: ReadContext = { space, mark };

function readText(text: string, where: ReadContext = context): ReadResult {
  return read([{ name: 'ruleset.nft', text }], where);
}

/** Reads the body of a table; there must be nothing that is refused. */
function readBody(body: string, where: ReadContext = context): ReadResult {
  const result = readText(rulesetOf(body), where);
  expect(result.refusals).toEqual([]);
  expect(result.others).toEqual([]);
  return result;
}

/** A table with a forward chain of the given rules that drops the rest, and further chains. */
function forward(rules: string, more = ''): string {
  return `  chain forward {\n    type filter hook forward priority filter; policy drop;\n${rules}\n  }\n${more}`;
}

function on(hook: Hook, meaning: Meaning = () => full): Node {
  return all(
    (at) => possible(at),
    (at) => at.hook(hook),
    meaning,
  )(space);
}

/** Hooks without a chain accept everything; these sets are of the forward hook. */
function forwarded(set: Node): Node {
  return space.diagram.intersect(set, space.hook('forward'));
}

const packet: Packet = {
  hook: 'forward',
  inInterface: 'eth0',
  outInterface: 'eth1.31',
  source: { family: 4, value: 0x0a000001 },
  destination: { family: 4, value: 0x0a000002 },
  protocol: 6,
  sourcePort: 4000,
  value: 502,
  functionNumber: 0,
  hopLimit: 64,
  state: 'new',
  direction: 'original',
  markCurrent: false,
  local: false,
};

describe('matches', () => {
  it.each(constructs.map((construct) => [construct.rule, construct] as const))('%s', (_, construct) => {
    const result = readText(accepting(construct));
    expect(result.refusals).toEqual([]);
    const hook = construct.hook ?? 'forward';
    expect(space.diagram.intersect(result.accepted, space.hook(hook))).toBe(on(hook, construct.means));
    expect(result.maybe).toBe(empty);
  });

  it('agree with packets written by hand', () => {
    const { accepted } = readBody(
      forward('iifname "eth0" ip saddr . ip daddr . meta l4proto . th dport { 10.0.0.1 . 10.0.0.2 . tcp . 502 } ct state new accept'),
    );
    expect(space.contains(accepted, packet)).toBe(true);
    const others: readonly Partial<Packet>[] = [
      { inInterface: 'eth1.31' },
      { inInterface: 'somewhere' },
      { source: { family: 4, value: 0x0a000003 } },
      { destination: { family: 6, value: 0x0a000002n << 96n }, source: { family: 6, value: 0x0a000001n << 96n } },
      { protocol: 17 },
      { value: 503 },
      { state: 'established' },
    ];
    for (const other of others) expect(space.contains(accepted, { ...packet, ...other })).toBe(false);
    for (const other of [{ sourcePort: 1 }, { hopLimit: 1 }, { outInterface: 'eth0' }]) expect(space.contains(accepted, { ...packet, ...other })).toBe(true);
  });

  it('read th ports after the protocol, also over rules', () => {
    const { accepted } = readBody(forward('meta l4proto { tcp, udp } goto ports', '  chain ports {\n th dport 53 accept\n }'));
    expect(forwarded(accepted)).toBe(on('forward', any(tcp(53), udp(53))));
  });
});

describe('verdicts', () => {
  it('of hooks: none accepts, a policy decides at the end', () => {
    const { accepted } = readBody(
      '  chain i {\n type filter hook input priority 0; policy accept;\n ip saddr 10.0.0.1 drop\n }\n  chain o {\n type filter hook output priority -5; policy drop;\n }',
    );
    expect(accepted).toBe(space.diagram.union(on('forward'), on('input', not(from('10.0.0.1')))));
  });

  it('of several chains on a hook: all must accept, in the order of their priority', () => {
    const chains = [
      '  chain late {\n type filter hook forward priority filter + 5; policy accept;\n ct mark & 0xffff0000 == 0x70000 accept\n drop\n }',
      '  chain early {\n type filter hook forward priority filter - 5; policy drop;\n tcp dport 1-9 ct mark set 0x70000 accept\n ct mark & 0xffff0000 == 0x70000 accept\n }',
    ];
    for (const body of [chains.join('\n'), chains.toReversed().join('\n')]) {
      const { accepted, marked } = readBody(body);
      expect(forwarded(accepted)).toBe(on('forward', any(all(tracked, tcp(1, 9)), current)));
      expect(marked).toBe(on('forward', all(tracked, tcp(1, 9))));
    }
  });

  it('what comes back from a goto within a jump goes on behind the jump, also if the chain does nothing else', () => {
    const more = ['  chain a {\n tcp dport 1 goto t\n tcp dport 2 goto t\n }', '  chain t {\n tcp dport 2 accept\n }'].join('\n');
    const { accepted } = readBody(forward('jump a\n jump a\n tcp dport 1 accept', more));
    expect(forwarded(accepted)).toBe(on('forward', tcp(1, 2)));
  });

  it('jump comes back to the next rule, goto to where the last jump was made', () => {
    const more = [
      '  chain a {\n tcp dport 1 accept\n goto b\n accept\n }',
      '  chain b {\n tcp dport 2 accept\n tcp dport 3 return\n tcp dport 4 drop\n jump c\n tcp dport 5 accept\n }',
      '  chain c {\n tcp dport 6 return\n tcp dport 5 return\n tcp dport 7-9 goto d\n tcp dport 10 continue\n tcp dport 10 accept\n }',
      '  chain d {\n tcp dport 7 accept\n tcp dport 8 drop\n }',
    ].join('\n');
    const { accepted } = readBody(forward('jump a\n tcp dport 2-6 accept\n tcp dport 9 goto a\n tcp dport 9 accept', more));
    // 4 and 8 are dropped on the way; 9 comes back from d to b, to forward, and is lost behind the second goto.
    expect(forwarded(accepted)).toBe(on('forward', any(tcp(1, 3), tcp(5, 6), tcp(7), tcp(10))));
  });

  it('return at the base is the policy', () => {
    const { accepted } = readBody(forward('tcp dport 1-3 return\n tcp dport 1-5 accept'));
    expect(forwarded(accepted)).toBe(on('forward', tcp(4, 5)));
  });

  it('of verdict maps, in the rule and named, with ranges and comments', () => {
    const body = forward(
      'iifname vmap { "eth0" : goto first, "eth1.31" : continue, "lo" : drop }\n tcp dport vmap { 1-5 : accept, 7 : drop }\n ip saddr . icmp type vmap @m\n accept',
      '  chain first {\n ct direction vmap { original : accept, reply : return }\n }',
    );
    const map =
      '  map m {\n type ipv4_addr . icmp_type : verdict\n flags interval\n elements = {\n 10.0.0.0/8 . 8 comment "x : y" : drop,\n 10.0.0.1 . 0 : jump first,\n }\n }\n';
    const { accepted } = readBody(map + body);
    const elsewhere = not(any(iif('eth0'), iif('lo'), tcp(7), all(from('10.0.0.0/8'), icmp(8))));
    const first = all(iif('eth0'), tracked, (at) => at.direction('original'));
    expect(forwarded(accepted)).toBe(on('forward', any(first, elsewhere)));
  });

  it('are the same in a chain reached from several places', () => {
    const { accepted } = readBody(forward('iifname "eth0" jump a\n oifname "eth0" goto a', '  chain a {\n ip daddr 10.0.0.2 accept\n }'));
    expect(forwarded(accepted)).toBe(
      on(
        'forward',
        all(
          any(iif('eth0'), (at) => at.outInterface('eth0')),
          to('10.0.0.2'),
        ),
      ),
    );
  });
});

describe('limits', () => {
  const named = '  limit l { rate 10/minute burst 3 packets; }\n';

  it('before a verdict: packets may pass either way', () => {
    const { accepted, maybe, limits } = readBody(
      named +
        forward('tcp dport 1-9 limit name "l" accept\n tcp dport 9-10 accept\n udp dport 5 limit rate 5/second burst 7 packets drop\n udp dport 4-5 accept'),
    );
    expect(forwarded(accepted)).toBe(on('forward', any(tcp(9, 10), udp(4))));
    expect(maybe).toBe(on('forward', any(tcp(1, 8), udp(5))));
    expect(limits).toEqual([
      { identity: 'forward, rule 3, 1', rate: { amount: 5, unit: 'second', burst: 7 }, packets: on('forward', udp(5)) },
      { identity: 'l', rate: { amount: 10, unit: 'minute', burst: 3 }, packets: on('forward', tcp(1, 9)) },
    ]);
  });

  it('for the log alone change nothing', () => {
    const { accepted, maybe, limits } = readBody(
      named +
        forward(
          'limit name l log prefix "zw: "\n jump logs\n tcp dport 1 counter accept',
          '  chain logs {\n limit rate 5/second log prefix "a" level info\n counter\n }',
        ),
    );
    expect(forwarded(accepted)).toBe(on('forward', tcp(1)));
    expect(maybe).toBe(empty);
    expect(limits).toEqual([]);
  });

  it('count every place where they are asked', () => {
    const { limits, maybe } = readBody(named + forward('tcp dport 1 limit name l jump ok\n udp dport 1 limit name l log', '  chain ok {\n accept\n }'));
    expect(limits.map((limit) => limit.packets)).toEqual([on('forward', any(tcp(1), udp(1)))]);
    expect(maybe).toBe(on('forward', tcp(1)));
  });

  it('see only what meets the conditions before them', () => {
    const { limits, maybe } = readBody(forward('tcp dport 1-5 limit rate 1/day tcp dport 5 goto ok', '  chain ok {\n ip saddr 10.0.0.1 accept\n }'));
    expect(limits).toEqual([{ identity: 'forward, rule 1, 1', rate: { amount: 1, unit: 'day', burst: 5 }, packets: on('forward', tcp(1, 5)) }]);
    expect(maybe).toBe(on('forward', all(tcp(5), from('10.0.0.1'))));
  });
});

describe('marks', () => {
  it('are set whether the packet passes or not, certainly or maybe', () => {
    const { marked } = readBody(
      forward(
        'tcp dport 1 ct mark set 0x71234 accept\n tcp dport 2 ct mark set ct mark & 0x0000ffff | 0x70000 drop\n tcp dport 3 limit rate 5/second ct mark set (ct mark & 0xffff) ^ 0x70001',
      ),
    );
    expect(marked).toBe(on('forward', all(tracked, tcp(1, 3))));
  });

  it('are seen by later rules', () => {
    const body = forward(
      'tcp dport 1 jump mark\n udp dport 1 limit rate 5/second jump mark\n ct mark & 0xffff0000 == 0x70000 accept',
      '  chain mark {\n ct mark set 0x70000\n }',
    );
    const { accepted, maybe } = readBody(body);
    expect(forwarded(accepted)).toBe(on('forward', any(current, all(tracked, tcp(1)))));
    expect(maybe).toBe(
      on(
        'forward',
        all(tracked, udp(1), (at) => at.markCurrent(false)),
      ),
    );
  });

  it('of another number: compared or set, refused', () => {
    for (const rule of [
      'ct mark 0x70000 accept',
      'ct mark & 0xffff0000 == 0x80000 accept',
      'ct mark & 0xfff00000 == 0x70000 accept',
      'ct mark set 0x80000',
      'ct mark set ct mark & 0x1ffff | 0x70000 accept\n ct mark set ct mark & 0x8ffff | 0x70000',
      'ct mark set ct mark & 0xffff | 0x60000',
    ]) {
      const { refusals } = readText(rulesetOf(forward(`\n ${rule}`)));
      expect(refusals.map((refusal) => refusal.what).join()).toMatch(/ct mark/u);
    }
  });

  it('fill the whole word if the mask does', () => {
    const where = { space, mark: { mask: 0xffff_ffff, value: 0xf000_0001 } };
    const { accepted, marked } = readBody(forward('ct mark 0xf0000001 accept\n ct mark set 0xf0000001'), where);
    expect(forwarded(accepted)).toBe(on('forward', current));
    expect(marked).toBe(
      on(
        'forward',
        all(tracked, (at) => at.markCurrent(false)),
      ),
    );
  });
});

describe('refusals', () => {
  // Each body is the text behind four lines: the prelude and the opening of the chain.
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['tcp dport 1 reject', 6, /the end of the line where with should stand/u],
    ['udp dport 1 reject with tcp reset', 6, /a reset answers something else than a segment of TCP/u],
    ['accept\n  tcp flags syn accept', 7, /tcp flags/u],
    ['ip saddr @nowhere accept', 6, /nowhere does not exist/u],
    ['ip saddr vmap @nowhere', 6, /nowhere does not exist/u],
    ['goto nowhere', 6, /nowhere does not exist/u],
    ['jump forward', 6, /back to itself|base chain/u],
    ['iifname "eth7" accept', 6, /eth7/u],
    ['iifname "eth*" accept', 6, /eth\*/u],
    ['tcp dport http accept', 6, /http/u],
    ['tcp dport 65536 accept', 6, /65536/u],
    ['tcp dport 9-8 accept', 6, /9-8/u],
    ['tcp dport 010 accept', 6, /010/u],
    ['ip saddr 10.0.0.1/8 accept', 6, /10\.0\.0\.1\/8/u],
    ['ip saddr 10.0.0 accept', 6, /10\.0\.0/u],
    ['ip6 saddr 1::2::3 accept', 6, /1::2::3/u],
    ['ip6 saddr 10.0.0.1 accept', 6, /10\.0\.0\.1/u],
    ['th dport 53 accept', 6, /th dport/u],
    ['meta l4proto . th dport { tcp . 1, 47 . 2 } accept', 6, /th dport/u],
    ['ip saddr . meta l4proto . th dport != { 10.0.0.1 . tcp . 1 } accept', 6, /th dport/u],
    ['meta l4proto icmp icmp type 8 accept', 6, /icmp type/u],
    ['ip6 saddr ::1 icmp type 8 accept', 6, /icmp type/u],
    ['meta nfproto { ipv6, ipv4 } ip saddr 10.0.0.1 accept', 6, /ip saddr/u],
    ['meta l4proto { udp, tcp } tcp dport 1 accept', 6, /tcp dport/u],
    ['fib daddr . iif type local accept', 6, /fib daddr/u],
    ['fib daddr type local accept', 6, /fib/u],
    ['ip saddr . ip saddr { 1.1.1.1 . 1.1.1.1 } accept', 6, /twice/u],
    ['tcp dport . udp dport { 1 . 1 } accept', 6, /two families or protocols/u],
    ['tcp dport vmap { 1-5 : accept, 5 : drop }', 6, /two verdicts/u],
    ['tcp dport { 1 . 2 } accept', 6, /2 parts/u],
    ['limit rate over 5/second accept', 6, /over/u],
    ['limit rate 5 kbytes/second accept', 6, /5/u],
    ['limit rate 0/second accept', 6, /0/u],
    ['limit name nowhere accept', 6, /nowhere/u],
    ['counter name nowhere accept', 6, /nowhere/u],
    ['accept counter', 6, /behind a verdict/u],
    ['drop accept', 6, /behind a verdict/u],
    ['meta mark 5 accept', 6, /meta mark/u],
    ['ct state ! new accept', 6, /"!"/u],
    ['ct zone 5 accept', 6, /ct zone/u],
    ['ip dscp 5 accept', 6, /ip dscp/u],
    ['include "x"', 6, /include/u],
    ['$x accept', 6, /"\$"/u],
    ['tcp dport 1 accept \\', 6, /\\/u],
    ['log prefix "a\u0007" accept', 6, /control character/u],
    ['tcp dport { 1,\n 2 accept', 7, /accept/u],
  ];

  it.each(cases)('%s', (rule, line, what) => {
    const { refusals } = readText(rulesetOf(`  chain forward {\n    type filter hook forward priority filter; policy drop;\n  ${rule}\n  }`));
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals[0]?.line).toBe(line);
    expect(refusals[0]?.what).toMatch(what);
  });

  it('of what stands around', () => {
    const chain = 'chain c {\n type filter hook forward priority 0; policy drop;\n }';
    const texts: readonly (readonly [string, RegExp])[] = [
      ['', /end of the text/u],
      [`table inet zonewright {\n${chain}\n}`, /table|\{/u],
      [`table inet zonewright\ntable inet zonewright {\n${chain}\n}`, /delete/u],
      [rulesetOf(chain).replaceAll('inet', 'ip'), /inet/u],
      [`${rulesetOf(chain)}table ip other {\n}\n`, /after the table/u],
      [`flush ruleset\n${rulesetOf(chain)}`, /flush/u],
      [rulesetOf(`flags dormant\n${chain}`), /flags/u],
      [rulesetOf(`${chain}\n${chain}`), /second chain c/u],
      [rulesetOf(chain.replace('filter hook', 'nat hook')), /filter/u],
      [rulesetOf(chain.replace('forward', 'prerouting')), /prerouting/u],
      [rulesetOf('chain o {\n type filter hook output priority 0; policy drop;\n iifname != "eth0" accept\n }'), /without such an interface/u],
      [rulesetOf(`${chain}\n${chain.replace('chain c', 'chain d')}`), /one priority/u],
      [
        rulesetOf(`set s { type ipv4_addr; elements = { 10.0.0.0/8 } }\n${chain.replace('policy drop;', 'policy drop;\n ip saddr @s accept')}`),
        /flags interval/u,
      ],
      [rulesetOf(`set s { type ipv6_addr; }\n${chain.replace('policy drop;', 'policy drop;\n ip saddr @s accept')}`), /of type ipv6_addr/u],
      [rulesetOf(`set s { type ipv4_addr; flags timeout; }\n${chain}`), /interval/u],
      [rulesetOf(`map m { type ipv4_addr : mark; }\n${chain}`), /verdict/u],
      [rulesetOf('chain a {\n jump b\n }\nchain b {\n goto a\n }'), /back to itself/u],
      [rulesetOf(Array.from({ length: 17 }, (_, i) => `chain c${i} {\n ${i < 16 ? `jump c${i + 1}` : 'accept'}\n }`).join('\n')), /16 deep/u],
    ];
    for (const [text, what] of texts)
      expect(
        readText(text)
          .refusals.map((refusal) => refusal.what)
          .join(),
        text,
      ).toMatch(what);
    expect(read([], context).refusals).toHaveLength(1);
  });

  it('of every text that is cut off, without a throw', () => {
    const text = accepting({ rule: 'ct state { new, related } ip saddr . ip daddr . meta l4proto . th dport @hosts' }).trimEnd();
    expect(readText(text).refusals).toEqual([]);
    for (let length = 0; length < text.length; length++) expect(readText(text.slice(0, length)).refusals.length, text.slice(0, length)).toBeGreaterThan(0);
  });
});

describe('large sets', () => {
  it.each([4, 6])('of 10,000 elements in IPv%i are read', (family) => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const address = (): string => (family === 4 ? `10.${random(40)}.${random(256)}.${random(250)}` : `2001:db8:${random(40)}::${random(9999)}`);
    const elements = new Set<string>();
    while (elements.size < 10_000) elements.add(`${address()} . ${address()} . tcp . ${random(65_536)}`);
    const list = [...elements];
    const ip = family === 4 ? 'ip' : 'ip6';
    const text = rulesetOf(
      [
        `map m {\n type ipv${family}_addr . ipv${family}_addr . inet_proto . inet_service : verdict\n elements = {`,
        ...list.map((element, index) => `  ${element} comment "flow ${index}" : goto f${index},`),
        ' }\n }',
        ...list.map((_, index) => ` chain f${index} {\n limit rate 5/second log prefix "f${index} "\n accept\n }`),
        forward(` ${ip} saddr . ${ip} daddr . meta l4proto . th dport vmap @m`),
      ].join('\n'),
    );
    const fresh = new PacketSpace(interfaces);
    const { accepted, refusals } = readText(text, { space: fresh, mark });
    expect(refusals).toEqual([]);
    const expected = fresh.diagram.unionAll(
      list.slice(0, 50).map((element) => {
        const [source = '', destination = '', , port = ''] = element.split(' . ');
        return all(
          (at) => possible(at),
          (at) => at.hook('forward'),
          from(source),
          to(destination),
          protocol(6),
          tcp(Number(port)),
        )(fresh);
      }),
    );
    expect(fresh.diagram.subtract(expected, accepted)).toBe(empty);
  });
});

it('a state is one of five', () => {
  const { accepted } = readBody(forward('ct state vmap { new : accept, established : drop, related : accept, invalid : drop, untracked : accept }'));
  expect(forwarded(accepted)).toBe(on('forward', any(state('new'), state('related'), state('untracked'))));
});
