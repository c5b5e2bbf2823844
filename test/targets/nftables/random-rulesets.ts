/**
 * Small random rulesets and packets for them.
 *
 * Every value comes from a small pool, so that rules meet each other and packets meet rules. Rulesets are texts, so a
 * failing one can be read, loaded and kept.
 */
import fc from 'fast-check';
import { parseAddress } from '../../../src/net/address.ts';
import { connectionStates, type Packet } from '../../../src/packets/packet.ts';

export const interfaces = ['eth0', 'eth1'];
export const mark = { mask: 0xffff_0000, value: 0x0007_0000 };

const addresses4 = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.168.0.255'];
const addresses6 = ['2001:db8::1', '2001:db8::2', 'fe80::1', '2001:db8:1::ffff:ffff'];
const ranges4 = [...addresses4, '10.0.0.0/24', '10.0.0.2-10.0.1.0', '10.0.0.0/8', '0.0.0.0/0'];
const ranges6 = [...addresses6, '2001:db8::/64', '2001:db8::2-2001:db8:1::5', 'fe80::/10', '::/0'];
const ports = ['1', '53', '502', '500-600', '0-65535', '1024-65535'];
const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Selectors that may stand together in a key, with their values. */
const selectors: readonly (readonly [string, readonly string[]])[] = [
  ['iifname', ['"eth0"', '"eth1"', '"lo"']],
  ['oifname', ['"eth0"', '"eth1"', '"lo"']],
  ['ip saddr', ranges4],
  ['ip daddr', ranges4],
  ['ip6 saddr', ranges6],
  ['ip6 daddr', ranges6],
  ['meta nfproto', ['ipv4', 'ipv6']],
  ['meta l4proto', ['tcp', 'udp', '1', '58', '47', '0-50']],
  ['tcp dport', ports],
  ['tcp sport', ports],
  ['udp dport', ports],
  ['icmp type', ['8', '0', '3', '0-10']],
  ['icmpv6 type', ['1', '128', '135', '1-4']],
  ['ip ttl', ['255', '64', '1-64']],
  ['ip6 hoplimit', ['255']],
  ['ct state', connectionStates],
  ['ct direction', ['original', 'reply']],
];
const concatenations: readonly (readonly string[])[] = [
  ['ip saddr', 'ip daddr'],
  ['ip6 daddr', 'ip6 saddr'],
  ['iifname', 'ip daddr', 'tcp dport'],
  ['ip daddr', 'ip saddr', 'meta l4proto', 'th dport'],
  ['ip6 saddr', 'ip6 daddr', 'meta l4proto', 'th sport'],
  ['icmp type', 'icmp code'],
  ['ip6 saddr', 'icmpv6 type'],
];

function valuesOf(selector: string, rest: readonly string[]): readonly string[] {
  if (selector === 'th dport' || selector === 'th sport') return ports;
  if (selector === 'icmp code') return ['0', '1-4', '0-255'];
  // Ports are only modelled where the protocol has some.
  if (selector === 'meta l4proto' && rest.some((other) => other.startsWith('th '))) return ['tcp', 'udp'];
  return selectors.find(([name]) => name === selector)?.[1] ?? [];
}

const key: fc.Arbitrary<readonly string[]> = fc.oneof({ weight: 3, arbitrary: pick(selectors.map(([name]) => [name])) }, pick(concatenations));

function item(selectorsOfKey: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(...selectorsOfKey.map((selector) => pick(valuesOf(selector, selectorsOfKey)))).map((parts) => parts.join(' . '));
}

const match: fc.Arbitrary<string> = fc.oneof(
  key.chain((names) =>
    fc
      .tuple(fc.constant(names.join(' . ')), fc.uniqueArray(item(names), { minLength: 1, maxLength: 3 }), pick(['', '', '!= ']))
      .map(([name, items, negation]) => {
        const negated = names.some((one) => one.endsWith('ifname')) ? '' : negation;
        return `${name} ${negated}{ ${items.join(', ')} }`;
      }),
  ),
  pick([
    'ct mark & 0xffff0000 == 0x00070000',
    'ct mark & 0xffff0000 != 0x00070000',
    'ct state established,related',
    'ip saddr . ip daddr @pairs',
    'tcp dport @ports',
  ]),
);

/** A verdict that leads only to later chains. */
function verdict(chain: number, chains: number): fc.Arbitrary<string> {
  const later = Array.from({ length: chains - chain - 1 }, (_, index) => `c${chain + 1 + index}`);
  const plain = ['accept', 'drop', 'return', 'continue'];
  return pick([...plain, ...later.flatMap((name) => [`jump ${name}`, `goto ${name}`])]);
}

const single: fc.Arbitrary<readonly [string, readonly string[]]> = pick(
  selectors.filter(([name]) => !['ip saddr', 'ip daddr', 'ip6 saddr', 'ip6 daddr'].includes(name)),
);

function verdictMap(chain: number, chains: number): fc.Arbitrary<string> {
  return single.chain(([name, values]) =>
    fc
      .uniqueArray(fc.tuple(pick(values.filter((value) => !value.includes('-'))), verdict(chain, chains)), {
        minLength: 1,
        maxLength: 3,
        selector: ([value]) => value,
      })
      .map((rows) => `${name} vmap { ${rows.map(([value, to]) => `${value} : ${to}`).join(', ')} }`),
  );
}

function rule(chain: number, chains: number): fc.Arbitrary<string> {
  const middle = pick([
    '',
    '',
    '',
    'limit rate 5/second ',
    'limit name l1 ',
    'ct mark set 0x00071234 ',
    'ct mark set ct mark & 0x0000ffff | 0x00070000 ',
    'counter ',
  ]);
  const last = fc.oneof({ weight: 3, arbitrary: verdict(chain, chains) }, verdictMap(chain, chains), fc.constant('log prefix "x"'), fc.constant(''));
  return fc
    .tuple(fc.array(match, { maxLength: 2 }), middle, fc.oneof({ weight: 4, arbitrary: fc.constant('') }, match), last)
    .map(([matches, statement, late, end]) => [...matches, statement.trim(), late, end].filter((part) => part !== '').join(' '))
    .map((text) => (text === '' ? 'counter' : text));
}

/** Texts of whole rulesets; some hold what the reader refuses. */
export const ruleset: fc.Arbitrary<string> = fc.integer({ min: 2, max: 5 }).chain((chains) => {
  const rules = Array.from({ length: chains }, (_, chain) => fc.array(rule(chain, chains), { minLength: 1, maxLength: 4 }));
  const bases = fc.uniqueArray(
    fc.record({ hook: pick(['forward', 'input', 'output']), priority: pick(['filter', 'filter + 5']), policy: pick(['drop', 'drop', 'accept']) }),
    { minLength: 1, maxLength: chains, selector: (base) => `${base.hook} ${base.priority}` },
  );
  return fc
    .tuple(fc.tuple(...rules), bases)
    .map(([bodies, base]) =>
      [
        'table inet zonewright',
        'delete table inet zonewright',
        'table inet zonewright {',
        '  limit l1 { rate 10/minute burst 3 packets; }',
        '  set pairs { type ipv4_addr . ipv4_addr; flags interval; elements = { 10.0.0.1 . 10.0.0.2 comment "x", 10.0.0.0/24 . 10.0.1.0-10.0.1.1 } }',
        '  set ports { type inet_service; elements = { 53, 502 } }',
        ...base.map(
          (one, index) =>
            `  chain b${index} {\n    type filter hook ${one.hook} priority ${one.priority}; policy ${one.policy};\n    jump c0\n    ${bodies[0]?.[0] ?? 'counter'}\n  }`,
        ),
        ...bodies.map((body, index) => `  chain c${index} {\n${body.map((text) => `    ${text}`).join('\n')}\n  }`),
        '}',
        '',
      ].join('\n'),
    );
});

function address(words: readonly string[]): fc.Arbitrary<Packet['source']> {
  return pick(words.flatMap((word) => parseAddress(word) ?? []));
}

/** Packets that the packet space says are possible. */
export const packet: fc.Arbitrary<Packet> = fc
  .record({
    hook: pick(['forward', 'input', 'output'] as const),
    first: pick(['eth0', 'eth1', 'lo']),
    second: pick(['eth0', 'eth1', 'lo']),
    ends: fc.oneof(fc.tuple(address(addresses4), address(addresses4)), fc.tuple(address(addresses6), address(addresses6))),
    protocol: pick([6, 6, 17, 1, 58, 47]),
    sourcePort: pick([0, 1, 53, 502, 1024, 65535]),
    value: pick([1, 53, 502, 601, 8 * 256, 3 * 256 + 2, 128 * 256, 135 * 256]),
    hopLimit: pick([255, 64, 1]),
    state: pick(connectionStates),
    direction: pick(['original', 'reply'] as const),
    markCurrent: fc.boolean(),
    local: fc.boolean(),
  })
  .map(({ hook, first, second, ends: [source, destination], ...rest }) => ({
    ...rest,
    hook,
    source,
    destination,
    functionNumber: 0,
    inInterface: hook === 'output' ? undefined : first,
    outInterface: hook === 'input' ? undefined : second,
    direction: rest.state === 'new' ? ('original' as const) : rest.direction,
  }));
