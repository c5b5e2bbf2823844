/**
 * Denied messages that are answered with a reset: which packets these are, by hand and by the plain evaluation; what is emitted for them, written by
 * hand; and that readers refuse a reset in any other place, one that answers more, and one that leaves by another way.
 *
 * What the kernel does with all this is asked from the kernel in `test/kernel/denied-messages.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { functionsOfClass } from '../../src/catalogue/functions.ts';
import { parseAddress } from '../../src/net/address.ts';
import { noFunction, otherFunction } from '../../src/packets/functions.ts';
import { connectionStates, hooks, type Packet } from '../../src/packets/packet.ts';
import { empty } from '../../src/packets/packet-space.ts';
import { type Proof, proveFiles } from '../../src/pipeline/prove.ts';
import { functionTable } from '../../src/policy/gateway-policy.ts';
import { policySets, policySpace, possible } from '../../src/policy/sets.ts';
import type { EmittedFile, Target } from '../../src/target/target.ts';
import { iptables } from '../../targets/iptables/index.ts';
import { nftables } from '../../targets/nftables/index.ts';
import { type Compiled, compileText, type Ruleset, rulesetOf } from '../generators/compile.ts';
import { interpreted, isAnswered, judge, parsed, type Tally, total, wanted } from './iptables/mutation-judge.ts';
import { mutantsOf } from './iptables/mutants.ts';

function compiled(lines: string, target: string, four = false, own = '10.0.1.1/24, 2001:db8:1::1/64'): Compiled {
  const text = `policy "Reset" { revision 1 }
zone office { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
host hmi in office { address 10.0.1.5, 2001:db8:1::5 }
host plc in press { address 10.0.2.7, 2001:db8:2::7 }
${lines
  .split('\n')
  .filter((line) => line.startsWith('flow'))
  .join('\n')}
gateway g {
  target ${target}
  interface eth0 { faces office  address ${own} }
  interface eth1 { faces press  routed  address 10.0.2.1/24, 2001:db8:2::1/64 }
  ${
    lines
      .split('\n')
      .filter((line) => !line.startsWith('flow'))
      .join('\n  ') || 'manage none "console only"'
  }
}`;
  // Of one family, if only that is asked.
  return compileText(four ? text.replaceAll(/, 2001:[0-9a-f:]+(?:\/64)?/gu, '') : text);
}

const targets: readonly (readonly [text: string, target: Target])[] = [
  ['nftables { denied-messages reset }', nftables],
  ['iptables { denied-messages reset }', iptables],
  ['iptables { denied-messages reset  sets no }', iptables],
];

const poll = 'flow poll { from hmi to plc allow modbus read }';
const plants: readonly (readonly [name: string, lines: string])[] = [
  ['one flow', poll],
  [
    'with datagrams, and a deny of functions beside bare ports',
    `flow poll { from office to press allow dnp3 read, dnp3 read on udp 20000  requests forward }
flow bare { from 10.0.1.6 to press allow tcp 19000-21000 }
flow no { from office to press deny dnp3 write  requests forward }
flow closed { from 10.0.1.12 to any deny tcp 20000 }`,
  ],
  ['a deny of functions where nothing is allowed', 'flow no { from office to press deny dnp3 write  requests forward }'],
  [
    'requests that run backward, beside others',
    `flow dials { from office to press allow dnp3 read  requests backward }
flow back { from press to hmi allow dnp3 write  requests backward }
flow free { from 10.0.1.6 to press allow tcp 20000 }
flow closed { from press to 10.0.1.6 deny tcp 20000 }
flow forth { from hmi to plc allow dnp3 control  requests forward }`,
  ],
  [
    'a deny of functions over a flow that runs backward',
    'flow dials { from office to press allow dnp3 read  requests backward }\nflow no { from office to plc deny dnp3 control  requests forward }',
  ],
  [
    'rates and logs',
    'flow poll { from 10.0.1.5 to plc allow modbus read  rate 5/second burst 3  log }\nflow more { from 10.0.1.0/28 to 10.0.2.0/24 allow modbus write  count }',
  ],
  ['lines of the gateway', 'manage from hmi allow modbus read\nreceive from 10.0.1.6 allow tcp 502\nsend to plc allow modbus read, s7comm read'],
  ['units', 'flow poll { from hmi to press allow modbus write unit 3 address 100-140 }'],
  [
    'enough for sets of elements',
    Array.from({ length: 12 }, (_, at) => `flow f${at} { from 10.0.1.${10 + at} to 10.0.2.${10 + at * 3} allow modbus read }`).join('\n'),
  ],
  ['nothing to look into', 'flow ssh { from hmi to plc allow ssh }'],
];

function filesOf({ files }: Ruleset): readonly EmittedFile[] {
  return files.filter((file) => file.loader !== true);
}

function proofOf(ruleset: Ruleset, target: Target, files = filesOf(ruleset)): Proof {
  return proveFiles(ruleset.policy, policySets(ruleset.policy, policySpace(ruleset.policy)), target, files, ruleset.mark);
}

/** Without sets in every third: what differs there are lookups, as everywhere. */
const cases = plants.flatMap(([name, lines], index) => targets.slice(0, index % 3 === 0 ? 3 : 2).map(([text, target]) => [name, text, lines, target] as const));

describe('what is emitted equals the policy', () => {
  it.each(cases)('%s, %s', (_name, text, lines, target) => {
    expect(proofOf(rulesetOf(compiled(lines, text)), target)).toEqual({ kind: 'equal' });
  });

  it.each(targets)('a dynamic address, %s', (text, target) => {
    expect(proofOf(rulesetOf(compiled('manage from hmi allow modbus read\nsend to plc allow modbus read', text, false, 'dynamic')), target)).toEqual({
      kind: 'equal',
    });
  });
});

const dnp3 = functionsOfClass('dnp3', 'write')[0];
const functions = [
  noFunction,
  otherFunction,
  ...(['read', 'write'] as const).flatMap((what) =>
    functionsOfClass('modbus', what)
      .slice(0, 1)
      .map((one) => functionTable.number(one)),
  ),
  ...(dnp3 === undefined ? [] : [functionTable.number(dnp3)]),
];

/** Packets of every state between the ends that the plants name, and others. */
function packets(): readonly Packet[] {
  const address = (text: string): Packet['source'] => {
    const found = parseAddress(text);
    if (found === undefined) throw new Error(text);
    return found;
  };
  const ends = [
    ['10.0.1.5', '10.0.2.7'],
    ['10.0.1.6', '10.0.2.7'],
    ['10.0.1.12', '10.0.2.16'],
    ['2001:db8:1::5', '2001:db8:2::7'],
    ['10.0.9.9', '10.0.2.7'],
    ['10.0.1.5', '10.0.1.1'],
    ['10.0.2.1', '10.0.2.7'],
  ] as const;
  const ports = [
    [40_000, 502],
    [40_000, 20_000],
    [20_000, 40_000],
    [502, 40_000],
  ] as const;
  const found: Packet[] = [];
  for (const hook of hooks)
    for (const [a, b] of ends)
      for (const [source, destination, inside, outside] of [
        [a, b, 'eth0', 'eth1'],
        [b, a, 'eth1', 'eth0'],
        [a, b, 'eth1', 'eth0'],
      ] as const)
        for (const [sourcePort, value] of ports)
          for (const state of connectionStates)
            for (const protocol of state === 'established' ? [6, 17] : [6])
              for (const direction of state === 'new' ? (['original'] as const) : (['original', 'reply'] as const))
                for (const markCurrent of state === 'new' || state === 'established' ? [true, false] : [true])
                  for (const functionNumber of functions)
                    found.push({
                      hook,
                      inInterface: hook === 'output' ? undefined : inside,
                      outInterface: hook === 'input' ? undefined : outside,
                      source: address(source),
                      destination: address(destination),
                      protocol,
                      sourcePort,
                      value,
                      functionNumber,
                      hopLimit: 64,
                      state,
                      direction,
                      markCurrent,
                      local: false,
                    });
  return found;
}

/** Plants of which the packets here tell nothing more. */
const alike = ['one flow', 'rates and logs', 'units', 'enough for sets of elements'];

describe('a packet is answered ⇔ evaluate denies it, and would let the same segment pass without payload, in a conversation that it knows', () => {
  const all = packets();
  it.each(plants.filter(([name]) => !alike.includes(name)))('%s', (_name, lines) => {
    const ruleset = rulesetOf(compiled(lines, targets[0]?.[0] ?? ''));
    const { space, answered } = policySets(ruleset.policy, policySpace(ruleset.policy));
    const universe = possible(space);
    let some = 0;
    const wrong = all.filter((packet) => {
      if (!space.contains(universe, packet)) return false;
      const expected = isAnswered(ruleset, packet);
      if (expected) some += 1;
      return expected !== space.contains(answered, packet);
    });
    expect(wrong).toEqual([]);
    expect(some > 0).toBe(!['a deny of functions where nothing is allowed', 'nothing to look into'].includes(_name));
  });

  it('by hand', () => {
    const { policy } = rulesetOf(compiled(poll, targets[0]?.[0] ?? '', true));
    const { space, answered, released } = policySets(policy, policySpace(policy));
    const one = all.find(({ hook, source, value, state, functionNumber, inInterface, protocol, markCurrent }) =>
      [
        hook === 'forward',
        source.value === 0x0a_00_01_05,
        value === 502,
        state === 'established',
        functionNumber === otherFunction,
        inInterface === 'eth0',
        protocol === 6,
        markCurrent,
      ].every(Boolean),
    );
    if (one === undefined) throw new Error('no such packet');
    const isAnswered = (change: Partial<Packet>): boolean => space.contains(answered, { ...one, ...change });
    expect([{}, { markCurrent: false }, { state: 'new' } as const].map(isAnswered)).toEqual([true, true, true]);
    const others: readonly Partial<Packet>[] = [
      { functionNumber: noFunction },
      { functionNumber: functions[2] ?? 0 },
      { protocol: 17 },
      { inInterface: 'eth1' },
      { value: 503 },
      { state: 'new', markCurrent: false },
      { state: 'invalid' },
      { state: 'related' },
      { direction: 'reply' },
      { source: { family: 4, value: 0x0a_00_01_06 } },
    ];
    expect(others.map(isAnswered)).toEqual(others.map(() => false));
    const out: Packet = {
      ...one,
      hook: 'output',
      inInterface: undefined,
      outInterface: 'eth0',
      state: 'related',
      source: one.destination,
      destination: one.source,
    };
    expect(space.contains(released, out)).toBe(true);
    const stray: readonly Partial<Packet>[] = [
      { outInterface: 'eth1' },
      { hook: 'forward', inInterface: 'eth1' },
      { state: 'new' },
      { state: 'established' },
      { protocol: 17 },
    ];
    expect(stray.map((change) => space.contains(released, { ...out, ...change }))).toEqual(stray.map(() => false));
  });

  it.each(plants.slice(0, 2))('nothing without the option: %s', (_name, lines) => {
    const { policy } = rulesetOf(compiled(lines, 'nftables'));
    const { answered, released } = policySets(policy, policySpace(policy));
    expect([answered, released]).toEqual([empty, empty]);
  });
});

/** The rules of a chain without their comments. */
function chainOf(text: string, name: string): readonly string[] {
  const start = text.indexOf(`\tchain ${name} {\n`);
  return text
    .slice(start, text.indexOf('\n\t}', start))
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/ comment "[^"]*"$/u, ''));
}

function rulesOf(text: string, name: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`-A ${name} `))
    .map((line) => line.slice(`-A ${name} `.length).replace(/-m comment --comment "[^"]*" /u, ''));
}

describe('what is emitted, by hand', () => {
  it('nftables', () => {
    const { text } = rulesetOf(compiled(poll, 'nftables { denied-messages reset }', true));
    expect(chainOf(text, 'verdict.reset')).toEqual(['meta l4proto tcp reject with tcp reset', 'drop']);
    expect(chainOf(text, 'verdict.sent')).toEqual(['tcp flags rst / fin,syn,rst,psh,urg accept', 'goto verdict.related']);
    expect(chainOf(text, 'refused.office.press')).toEqual(['ip saddr 10.0.1.5 ip daddr 10.0.2.7 tcp dport 502 goto verdict.reset', 'drop']);
    for (const name of ['looked.office.press', 'again.office.press']) expect(chainOf(text, name).at(-1)).toBe('goto refused.office.press');
    for (const name of ['new.office.press', 'answers.press.office']) expect(chainOf(text, name).at(-1)).toBe('drop');
    expect(text.match(/goto verdict\.sent/gu)).toHaveLength(2);
    expect(['eth0', 'eth1'].map((face) => chainOf(text, `output.${face}`).at(-1))).toEqual(['goto verdict.unrouted', 'goto verdict.unrouted']);
    expect(['office.eth0', 'press.eth1'].map((pair) => chainOf(text, `pair.output.${pair}`).at(-2))).toEqual([
      'ct state related goto verdict.sent',
      'ct state related goto verdict.sent',
    ]);
  });

  it('iptables', () => {
    const { files } = rulesetOf(compiled(poll, 'iptables { denied-messages reset }'));
    const text = files.find(({ name }) => name === 'iptables.rules')?.text ?? '';
    expect(rulesOf(text, 'zw.reset')).toEqual(['-p tcp -j REJECT --reject-with tcp-reset', '-j DROP']);
    expect(rulesOf(text, 'zw.sent')).toEqual(['-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,URG RST -j ACCEPT', '-g zw.related']);
    expect(rulesOf(text, 'zw.refused.office.press')).toEqual(['-s 10.0.1.5 -d 10.0.2.7 -p tcp -m tcp --dport 502 -g zw.reset', '-j DROP']);
    for (const name of ['zw.said.office.press', 'zw.again.office.press']) expect(rulesOf(text, name).at(-1)).toBe('-g zw.refused.office.press');
    expect(rulesOf(text, 'zw.said.office.press').at(-2)).toBe('-m limit --limit 5/second --limit-burst 10 -j LOG --log-prefix "zw g office>press default: "');
    expect(rulesOf(text, 'zw.new.office.press').at(-1)).toBe('-j DROP');
    expect(text.match(/--ctstate RELATED -g zw\.sent/gu)).toHaveLength(2);
    expect(files.find(({ name }) => name === 'load.sh')?.text).toContain('!= "REJECT"');
  });

  it.each(['nftables', 'iptables'])('%s: without the option nothing of it', (target) => {
    const { files } = rulesetOf(compiled(poll, target));
    expect(files.filter(({ text }) => /tcp.reset|REJECT|refused\.office|verdict\.sent|zw\.sent/u.test(text))).toEqual([]);
  });
});

/** What a proof says: how something differs, or what is refused. */
function said(proof: Proof): string {
  if (proof.kind === 'refused') return proof.refusals.map(({ what }) => what).join('; ');
  return proof.kind === 'differs' ? proof.how : 'equal';
}

type Change = readonly [name: string, from: string | RegExp, to: string, said: RegExp];

const answersMore = /^is answered with a reset, but the policy drops it in silence$/u;

describe('resets in other places, nftables', () => {
  const changes: readonly Change[] = [
    ['no reset', /(\tchain verdict\.reset \{\n).*\n/u, '$1', /^is dropped in silence, but the policy has it answered/u],
    ['an answer to what is spoofed', /(spoof: "\n\t\t)drop/u, '$1meta l4proto tcp reject with tcp reset', answersMore],
    [
      'before the check of the source',
      'chain way.eth0.eth1 {\n',
      'chain way.eth0.eth1 {\n\t\ttcp dport 502 reject with tcp reset\n',
      /^is dropped, but the policy allows it$/u,
    ],
    ['of everything denied', /(\tchain verdict\.state \{\n)/u, '$1\t\tmeta l4proto tcp reject with tcp reset\n', answersMore],
    ['of a conversation that does not begin', /(new\.office\.press \{[^}]*\n\t\t)drop/u, '$1goto verdict.reset', answersMore],
    ['of hosts that no flow names', /(chain refused\.office\.press \{\n.*\n\t\t)drop/u, '$1goto verdict.reset', answersMore],
    [
      'in place of what is accepted',
      /(chain inspect\.office\.press \{\n(?:.*\n)\t\t)accept/u,
      '$1goto verdict.reset',
      /^is dropped, but the policy allows it$/u,
    ],
    ['at a rate', 'meta l4proto tcp reject', 'meta l4proto tcp limit rate 5/second burst 5 packets reject', /^is limited to 5\/second burst 5/u],
    ['of another kind', 'reject with tcp reset', 'reject with icmpx admin-prohibited', /"icmpx"/u],
    ['of any kind', 'reject with tcp reset', 'reject', /the end of the line/u],
    ['of more than TCP', 'meta l4proto tcp reject', 'reject', /answers something else than a segment of TCP/u],
    ['with something behind it', 'with tcp reset\n', 'with tcp reset accept\n', /behind a verdict/u],
    ['in a map', /"eth0" : goto stray\.eth0/u, '"eth0" : reject with tcp reset', /"reject" as a verdict/u],
    ['before routing', 'hook forward', 'hook prerouting', /"prerouting" as a hook/u],
    [
      'a way out for resets of others',
      'ct state related goto verdict.related',
      'ct state related goto verdict.sent',
      /^passes if it is a reset, but the policy lets none pass$/u,
    ],
    [
      'a way out for resets of any state',
      /(chain pair\.output\.office\.eth0 \{\n)/u,
      '$1\t\tmeta l4proto tcp tcp flags rst / fin,syn,rst,psh,urg accept\n',
      /^passes if it is a reset/u,
    ],
    [
      'by the wrong interface',
      /(chain output \{\n.*\n)/u,
      '$1\t\tct state related meta l4proto tcp tcp flags rst / fin,syn,rst,psh,urg accept\n',
      /^passes if it is a reset/u,
    ],
    ['no way out', 'goto verdict.sent', 'goto verdict.related', /^is dropped if it is a reset that the gateway sends$/u],
    ['a way out for segments that open', 'tcp flags rst / fin,syn,rst,psh,urg', 'tcp flags syn / fin,syn,rst,psh,urg', /not modelled/u],
    ['a way out for more flags', 'rst / fin,syn,rst,psh,urg', 'rst / fin,rst,psh,urg', /not modelled/u],
    ['a way out for all that is related', 'tcp flags rst / fin,syn,rst,psh,urg', 'meta l4proto tcp', /^passes, but the policy denies it$/u],
    ['resets that are dropped', 'psh,urg accept', 'psh,urg drop', /not let through, but something else/u],
    ['resets that go elsewhere', 'psh,urg accept', 'psh,urg counter', /looked for, but not let through/u],
    ['resets that are marked', /(ct mark set 0x[0-9a-f]+)([^]*psh,urg) accept/u, '$1$2 $1 accept', /looked for, but not let through/u],
    [
      'another base chain behind the way out',
      '\tchain output {',
      '\tchain later {\n\t\ttype filter hook output priority filter + 5; policy accept;\n\t}\n\n\tchain output {',
      /let through to another base chain/u,
    ],
    ['resets of no TCP', '\ttcp flags', '\tmeta l4proto udp tcp flags', /among other packets than TCP/u],
  ];

  const ruleset = rulesetOf(compiled(poll, 'nftables { denied-messages reset }', true));
  it.each(changes)('%s', (_name, from, to, words) => {
    const text = ruleset.text.replace(from, to);
    expect(text).not.toBe(ruleset.text);
    expect(said(proofOf(ruleset, nftables, [{ name: 'ruleset.nft', text }]))).toMatch(words);
  });

  it('with the option, where the policy does without, and the other way round', () => {
    const without = rulesetOf(compiled(poll, 'nftables', true));
    expect(said(proofOf(without, nftables, filesOf(ruleset)))).toMatch(answersMore);
    expect(said(proofOf(ruleset, nftables, filesOf(without)))).toMatch(/^is dropped in silence, but/u);
  });
});

describe('resets in other places, iptables', () => {
  const changes: readonly Change[] = [
    ['no reset', /-A zw\.reset -p tcp.*\n/u, '', /^is dropped in silence, but the policy has it answered/u],
    ['an answer to what is spoofed', '-A zw.spoofed -j DROP', '-A zw.spoofed -p tcp -j REJECT --reject-with tcp-reset\n-A zw.spoofed -j DROP', answersMore],
    [
      'before the check of the source',
      '-A zw.in.eth0 ',
      '-A zw.in.eth0 -p tcp -m tcp --dport 502 -j REJECT --reject-with tcp-reset\n-A zw.in.eth0 ',
      /^is dropped, but the policy allows it$/u,
    ],
    ['of a conversation that does not begin', '-A zw.new.office.press -j DROP', '-A zw.new.office.press -g zw.reset', answersMore],
    ['of hosts that no flow names', '-A zw.refused.office.press -j DROP', '-A zw.refused.office.press -g zw.reset', answersMore],
    ['at a rate', '-p tcp -j REJECT', '-p tcp -m limit --limit 5/second -j REJECT', /^is limited to 5\/second burst 5/u],
    ['of another kind', 'tcp-reset', 'icmp-port-unreachable', /REJECT with another answer/u],
    ['of any kind', ' --reject-with tcp-reset', '', /REJECT with another answer/u],
    ['of more than TCP', '-A zw.reset -p tcp -j', '-A zw.reset -j', /something else than TCP/u],
    ['before routing', 'COMMIT', 'COMMIT\n*raw\n-A PREROUTING -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT', /REJECT in the chain PREROUTING/u],
    [
      'a way out for resets of others',
      '--ctstate RELATED -g zw.related',
      '--ctstate RELATED -g zw.sent',
      /^passes if it is a reset, but the policy lets none pass$/u,
    ],
    [
      'a way out for resets of any state',
      '-A zw.pair.output.office.eth0 ',
      '-A zw.pair.output.office.eth0 -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,URG RST -j ACCEPT\n-A zw.pair.output.office.eth0 ',
      /^passes if it is a reset/u,
    ],
    ['no way out', '-g zw.sent', '-g zw.related', /^is dropped if it is a reset that the gateway sends$/u],
    ['a way out for segments that open', 'PSH,URG RST', 'PSH,URG SYN', /--tcp-flags of tcp is not modelled/u],
    ['a way out for more flags', 'FIN,SYN,RST', 'FIN,RST', /--tcp-flags of tcp is not modelled/u],
    ['a way out for all but resets', '--tcp-flags', '! --tcp-flags', /--tcp-flags of tcp is not modelled/u],
    ['a way out for all that is related', ' -m tcp --tcp-flags FIN,SYN,RST,PSH,URG RST', '', /^passes, but the policy denies it$/u],
    [
      'another table behind the way out',
      'COMMIT',
      'COMMIT\n*security\n-A OUTPUT ! -o lo -p tcp -m conntrack --ctstate RELATED -j DROP\nCOMMIT',
      /^is dropped if it is a reset/u,
    ],
  ];

  const ruleset = rulesetOf(compiled(poll, 'iptables { denied-messages reset }', true));
  it.each(changes)('%s', (_name, from, to, words) => {
    const files = filesOf(ruleset).map(({ name, text }) => ({ name, text: name === 'iptables.rules' ? text.replace(from, to) : text }));
    expect(files.map(({ text }) => text)).not.toEqual(filesOf(ruleset).map(({ text }) => text));
    expect(said(proofOf(ruleset, iptables, files))).toMatch(words);
  });
});

/** Mutants in the default run; all of them in a longer one. */
const mostMutants = Number(process.env['ZW_RESET_MUTANTS'] ?? 12);

describe('rules that answer, packet by packet', () => {
  const ruleset = rulesetOf(
    compiled(
      'flow poll { from hmi to press allow modbus read }\nflow bare { from 10.0.1.6 to plc allow tcp 500-510 }\nflow dials { from office to plc allow dnp3 read  requests backward }',
      'iptables { denied-messages reset }',
      true,
    ),
  );
  const files = filesOf(ruleset);
  const samples = packets().filter(({ source, hook, protocol }) => source.family === 4 && hook === 'forward' && protocol === 6);

  it('an interpreter answers what evaluate says', () => {
    const tables = parsed(files, ruleset);
    const answered = samples.filter((packet) => {
      const fate = interpreted(tables, packet);
      expect(fate, JSON.stringify(packet)).toEqual(wanted(ruleset, packet));
      return fate.answered;
    });
    expect(answered.length).toBeGreaterThan(10);
  });

  it('mutants are caught that change the meaning, and no others', () => {
    const walked = /^-A zw\.(?:reset|sent|refused|unheard|said|hears|again|answers|pair\.output)\b/u;
    const all = mutantsOf(files).filter(
      ({ file, line }) => file === 'iptables.rules' && walked.test(files.find(({ name }) => name === file)?.text.split('\n')[line - 1] ?? ''),
    );
    const step = Math.max(1, all.length / mostMutants);
    const tally: Tally = new Map();
    judge(
      ruleset,
      all.filter((_, at) => Math.floor(at / step) !== Math.floor((at - 1) / step)),
      samples,
      tally,
    );
    const { caught, accepted, refused } = total(tally);
    console.log(`of ${all.length} mutants ${caught} caught, ${accepted} without a change of meaning accepted, ${refused} refused`);
    expect(caught).toBeGreaterThan(0);
  }, 600_000);
});

describe('where it can do nothing', () => {
  const errors = (lines: string, target: string): readonly string[] => compiled(lines, target).errors;

  it.each(['openwrt', 'vyos'])('%s has no such option', (target) => {
    expect(errors('flow ssh { from hmi to plc allow ssh }', `${target} { denied-messages reset }`)).toEqual([
      `ZW2038 target \`${target}\` has no option \`denied-messages\``,
    ]);
  });

  it('nothing looks into messages', () => {
    const found = compiled('flow ssh { from hmi to plc allow ssh }', 'iptables { messages none  denied-messages reset }');
    expect(found.errors).toEqual([
      'ZW5003 target `iptables` of gateway `g` cannot express `denied-messages reset` with `messages none`: where nothing looks into messages, none is denied for what it says',
    ]);
    const span = found.diagnostics.find(({ code }) => code === 'ZW5003')?.span;
    expect(found.text.slice(span?.start, span?.end)).toBe('denied-messages');
    expect(errors('flow ssh { from hmi to plc allow ssh }', 'iptables { messages none  denied-messages drop }')).toEqual([]);
  });

  it('Suricata drops for itself', () => {
    const flow = 'flow poll { from hmi to plc allow modbus { function 1, function 3 } }';
    expect(errors(flow, 'iptables { inspect-with suricata  denied-messages reset }')).toEqual([
      'ZW5003 target `iptables` of gateway `g` cannot express `denied-messages reset` for flow `poll`, into which suricata looks: what it drops it does not answer',
    ]);
    // What programs look into beside it is answered.
    const ruleset = rulesetOf(
      compiled('flow master { from hmi to plc allow dnp3 read  requests forward }', 'iptables { inspect-with suricata  denied-messages reset }'),
    );
    expect(proofOf(ruleset, iptables)).toEqual({ kind: 'equal' });
    expect(ruleset.text).toContain('tcp-reset');
  });
});
