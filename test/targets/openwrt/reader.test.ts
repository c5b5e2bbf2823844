/** The reader: what it takes for what, and what it refuses, since the platform ignores it, guesses, or takes it for something else. */
import { describe, expect, it } from 'vitest';
import type { Packet } from '../../../src/packets/packet.ts';
import { PacketSpace } from '../../../src/packets/packet-space.ts';
import type { ReadResult } from '../../../src/target/target.ts';
import { openwrt } from '../../../targets/openwrt/index.ts';

const space = new PacketSpace(['eth0', 'eth1']);

const defaults = `config defaults
	option input 'DROP'
	option output 'DROP'
	option forward 'DROP'
	option drop_invalid '1'
	option auto_helper '0'
	option auto_includes '0'
`;
const zone = (name: string, device: string, more = ''): string => `config zone
	option name '${name}'
	list device '${device}'
	option input 'DROP'
	option output 'DROP'
	option forward 'DROP'
${more}`;
const zones = `${zone('lan', 'eth0')}${zone('wan', 'eth1')}`;
const rule = (...lines: readonly string[]): string => `config rule\n${[...lines, "option target 'ACCEPT'"].map((line) => `\t${line}\n`).join('')}`;
const forward = ["option src 'lan'", "option dest 'wan'"] as const;

function read(text: string): ReadResult {
  return openwrt.read([{ name: 'firewall', text }], { space, mark: undefined });
}

const web: Packet = {
  hook: 'forward',
  inInterface: 'eth0',
  outInterface: 'eth1',
  source: { family: 4, value: 0x0a00_0105 },
  destination: { family: 4, value: 0x0a00_0205 },
  protocol: 6,
  sourcePort: 40000,
  value: 443,
  functionNumber: 0,
  hopLimit: 63,
  state: 'new',
  direction: 'original',
  markCurrent: false,
  local: false,
};
const v6: Partial<Packet> = { source: { family: 6, value: 5n }, destination: { family: 6, value: 6n } };

function passing(body: string, packets: readonly Partial<Packet>[]): boolean[] {
  const result = read(`${defaults}${zones}${body}`);
  expect(result.refusals).toEqual([]);
  return packets.map((change) => space.contains(result.accepted, { ...web, ...change }));
}

describe('what is read', () => {
  it.each<[string, string, readonly Partial<Packet>[], readonly boolean[]]>([
    ['no proto is tcp and udp', rule(...forward), [{}, { protocol: 17 }, { protocol: 47 }], [true, true, false]],
    ['ports bind tcp and udp', rule(...forward, "list proto 'tcp'", "option dest_port '80 440-443'"), [{}, { value: 80 }, { value: 81 }], [true, true, false]],
    ['source ports', rule(...forward, "list proto 'udp'", "list src_port '67'"), [{ protocol: 17, sourcePort: 67 }, { protocol: 17 }], [true, false]],
    ['no family is both', rule(...forward, "option proto 'all'"), [{}, v6], [true, true]],
    [
      'a rule decides only what leaves by its end',
      rule(...forward, "option proto 'all'"),
      [{}, { outInterface: 'eth0' }, { inInterface: 'eth1', outInterface: 'eth1' }],
      [true, false, false],
    ],
    [
      'rules of no zone come first',
      rule("option src 'lan'", "option dest '*'", "option proto 'all'").replace('ACCEPT', 'DROP') +
        rule("option src '*'", "option dest 'wan'", "option proto 'all'"),
      [{}],
      [true],
    ],
    ['the first match decides', rule(...forward, "option proto 'all'").replace('ACCEPT', 'DROP') + rule(...forward, "option proto 'all'"), [{}], [false]],
    ['a source alone is input', rule("option src 'lan'", "option proto 'all'"), [{}, { hook: 'input', outInterface: undefined }], [false, true]],
    ['a destination alone is output', rule("option dest 'wan'", "option proto 'all'"), [{}, { hook: 'output', inInterface: undefined }], [false, true]],
    [
      'conversations pass, invalid packets do not',
      '',
      [{ state: 'established', inInterface: 'eth1' }, { state: 'related' }, { state: 'invalid' }, { state: 'untracked' }],
      [true, true, false, false],
    ],
    [
      'a set by the end that the rule names',
      `config ipset\n\toption name 'few'\n\toption family 'ipv4'\n\tlist match 'src_net'\n\tlist entry '10.0.2.0/29'\n${rule(...forward, "option family 'ipv4'", "option proto 'all'", "option ipset 'few dest'")}`,
      [{}, { destination: { family: 4, value: 0x0a00_0208 } }],
      [true, false],
    ],
    [
      'an empty set matches nothing',
      `config ipset\n\toption name 'none'\n\tlist match 'net'\n${rule(...forward, "option family 'ipv4'", "option proto 'all'", "option ipset 'none'")}`,
      [{}],
      [false],
    ],
    [
      'a message of every code, or of one',
      rule(...forward, "option family 'ipv4'", "option proto 'icmp'", "list icmp_type '3/4'", "list icmp_type '8'"),
      [
        { protocol: 1, value: 0x0304 },
        { protocol: 1, value: 0x0303 },
        { protocol: 1, value: 0x0807 },
      ],
      [true, false, true],
    ],
    [
      'the other ICMP by its number',
      rule(...forward, "option family 'ipv4'", "list proto '0x3a'"),
      [{ protocol: 58, value: 0 }, { protocol: 1 }],
      [true, false],
    ],
    ['a rule that is switched off', rule(...forward, "option proto 'all'", "option enabled '0'"), [{}], [false]],
  ])('%s', (_, body, packets, expected) => {
    expect(passing(body, packets)).toEqual(expected);
  });

  it('what a zone says of forwarding holds within the zone alone', () => {
    const open = zone('lan', 'eth0').replace("forward 'DROP'", "forward 'ACCEPT'");
    const { accepted, refusals } = read(`${defaults}${open}${zone('wan', 'eth1')}`);
    expect(refusals).toEqual([]);
    expect([{ outInterface: 'eth0' }, {}].map((change) => space.contains(accepted, { ...web, ...change }))).toEqual([true, false]);
  });
});

describe('what is refused', () => {
  const v4 = "option family 'ipv4'";
  it.each<[string, string, RegExp]>([
    ['a proto turned round, which fw4 reads and does not print', `${zones}${rule(...forward, "list proto '!tcp'")}`, /!tcp/u],
    ['addresses turned round, which fw3 reads as any', `${zones}${rule(...forward, v4, "list src_ip '!10.0.0.0/8'")}`, /!10\.0\.0\.0/u],
    [
      'ports of a protocol that has none: the rule matches all of it',
      `${zones}${rule(...forward, "list proto '47'", "list dest_port '80'")}`,
      /ports of 47 are ignored/u,
    ],
    ['messages of tcp', `${zones}${rule(...forward, v4, "list proto 'tcp'", "list icmp_type '8'")}`, /messages of tcp are ignored/u],
    ['addresses without a family, which is guessed', `${zones}${rule(...forward, "list src_ip '10.0.0.0/8'")}`, /without a family/u],
    ['addresses of the other family: fw4 skips the rule', `${zones}${rule(...forward, "option family 'ipv6'", "list src_ip '10.0.0.0/8'")}`, /another family/u],
    ['an unknown option', `${zones}${rule(...forward, "option extra '-m x'")}`, /option extra/u],
    ['a limit', `${zones}${rule(...forward, "option limit '5/second'")}`, /option limit/u],
    ['a zone that is not there', `${zones}${rule("option src 'dmz'")}`, /no zone dmz/u],
    ['a set that is not there', `${zones}${rule(...forward, v4, "option ipset 'few'")}`, /no set few/u],
    ['a range in a set', `${zones}config ipset\n\toption name 'few'\n\tlist match 'net'\n\tlist entry '10.0.0.1-10.0.0.3'\n`, /entry 10\.0\.0\.1-10\.0\.0\.3/u],
    ['a forwarding', `${zones}config forwarding\n\toption src 'lan'\n\toption dest 'wan'\n`, /type forwarding/u],
    ['an include', `${zones}config include\n\toption path '/etc/firewall.user'\n`, /type include/u],
    ['masquerading', zone('lan', 'eth0', "\toption masq '1'\n"), /option masq/u],
    ['a zone by subnet', zone('lan', 'eth0', "\tlist subnet '10.0.0.0/8'\n"), /option subnet/u],
    ['a wildcard device', zone('lan', 'eth+'), /device eth\+/u],
    ['a device that nft takes for something else', zone('lan', '10.5'), /device 10\.5/u],
    ['a device in two zones', `${zone('lan', 'eth0')}${zone('wan', 'eth0')}`, /eth0 is there twice/u],
    ['a device that the gateway does not have', zone('lan', 'eth7'), /no device eth7/u],
    ['a zone name that fw4 does not take', zone('1st', 'eth0'), /zone name 1st/u],
    ['a reject, which answers', zone('lan', 'eth0').replace("input 'DROP'", "input 'REJECT'"), /input reject/u],
    ['an option given twice', zone('lan', 'eth0', "\toption input 'ACCEPT'\n"), /input is given twice/u],
    ['a line that is none', `${zones}something else\n`, /not a line of UCI/u],
    ['a quote that does not end', `${zones}config rule\n\toption name 'x\n`, /not a line of UCI/u],
  ])('%s', (_, body, why) => {
    const { refusals } = read(`${defaults}${body}`);
    expect(refusals.map(({ what }) => what).join('\n')).toMatch(why);
  });

  it.each([
    ['offloading', 'flow_offloading'],
    ['helpers', 'auto_helper'],
    ['rules of packages', 'auto_includes'],
    ['a limit of SYN packets', 'synflood_protect'],
  ])('%s', (_, name) => {
    const text = defaults.replace(new RegExp(`\\toption ${name} .*\\n`, 'u'), '');
    expect(read(`${text}\toption ${name} '1'\n${zones}`).refusals.map(({ what }) => what)).toEqual([`${name} is not switched off`]);
  });

  it('what fw3 takes for something else', () => {
    const fw3 = defaults.replace('auto_includes', 'custom_chains');
    const of = (...lines: readonly string[]): string[] => read(`${fw3}${zones}${rule(...forward, ...lines)}`).refusals.map(({ what }) => what);
    expect(of("option family 'ipv6'", "list proto 'icmpv6'", "list icmp_type '130'")).toEqual(['130 is not that message to fw3']);
    expect(of("option family 'ipv6'", "list proto 'icmpv6'", "list icmp_type '130/0'")).toEqual([]);
    expect(of(v4, "list proto 'icmp'", "list icmp_type '255'")).toEqual(['255 is not that message to fw3']);
    expect(of(v4, "list proto '0'")).toEqual(['the protocol 0 is any protocol to fw3']);
    expect(of(v4, "list proto '0x3a'")).toEqual(['the protocol 0x3a is not modelled']);
    expect(of("option log 'x'")).toEqual(['option log of a rule is not modelled']);
    expect(read(`${defaults.replace("\toption auto_includes '0'\n", '')}${zones}`).refusals[0]?.what).toMatch(/neither fw4/u);
  });
});
