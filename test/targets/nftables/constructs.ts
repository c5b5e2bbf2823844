/**
 * Every match that the reader models, once, with the packets it means.
 *
 * The sets are built by hand from the primitives of the packet space; the rows are read as text, and once more as what
 * the real nft lists after loading them.
 */
import { addressSet } from '../../../src/net/address-set.ts';
import { type AddressRange, parseAddress, parsePrefix } from '../../../src/net/address.ts';
import { type Field, fields, full, type Node, type PacketSpace } from '../../../src/packets/packet-space.ts';

/** Packets of a set, built in the given space. */
export type Meaning = (space: PacketSpace) => Node;

export interface Construct {
  /** Matches of a rule that accepts. */
  readonly rule: string;
  readonly hook?: 'input' | 'output';
  readonly means: Meaning;
}

export const all =
  (...parts: readonly Meaning[]): Meaning =>
  (space) =>
    parts.reduce<Node>((set, part) => space.diagram.intersect(set, part(space)), full);
export const any =
  (...parts: readonly Meaning[]): Meaning =>
  (space) =>
    space.diagram.unionAll(parts.map((part) => part(space)));
export const not =
  (part: Meaning): Meaning =>
  (space) =>
    space.diagram.complement(part(space));

export const four: Meaning = (space) => space.family(4);
export const six: Meaning = (space) => space.family(6);
export const protocol =
  (...numbers: readonly number[]): Meaning =>
  (space) =>
    space.among(fields.protocol, numbers);
const field =
  (where: Field, first: number, last = first): Meaning =>
  (space) =>
    space.within(where, [{ first, last }]);
export const dport = (first: number, last = first): Meaning => field(fields.value, first, last);
export const sport = (first: number, last = first): Meaning => field(fields.sourcePort, first, last);
export const tcp = (first: number, last = first): Meaning => all(protocol(6), dport(first, last));
export const udp = (first: number, last = first): Meaning => all(protocol(17), dport(first, last));
export const icmp = (type: number, last = type): Meaning => all(four, protocol(1), dport(type * 256, last * 256 + 255));
export const icmpv6 = (type: number, last = type): Meaning => all(six, protocol(58), dport(type * 256, last * 256 + 255));
export const state =
  (name: 'new' | 'established' | 'related' | 'invalid' | 'untracked'): Meaning =>
  (space) =>
    space.state(name);
/** Conntrack knows the packet: it has a mark and a direction. */
export const tracked: Meaning = any(state('new'), state('established'), state('related'));
export const current: Meaning = all(tracked, (space) => space.markCurrent(true));
const hopLimit = (value: number): Meaning => field(fields.hopLimit, value);
const oif =
  (name: string): Meaning =>
  (space) =>
    space.outInterface(name);
export const iif =
  (name: string): Meaning =>
  (space) =>
    space.inInterface(name);

/** `10.0.0.1`, `10.0.0.0/8` or `10.0.0.1-10.0.0.9`. */
function range(text: string): AddressRange {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix.network;
  const [first, last = first] = text.split('-').map(parseAddress);
  if (first?.family === 4 && last?.family === 4) return { family: 4, first: first.value, last: last.value };
  if (first?.family === 6 && last?.family === 6) return { family: 6, first: first.value, last: last.value };
  throw new Error(`no range ${text}`);
}
export const from =
  (...texts: readonly string[]): Meaning =>
  (space) =>
    space.addressSet('source', addressSet(texts.map(range)));
export const to =
  (...texts: readonly string[]): Meaning =>
  (space) =>
    space.addressSet('destination', addressSet(texts.map(range)));

/** Named sets and maps that the rows refer to. */
export const namedSets = `
  set hosts { type ipv4_addr . ipv4_addr . inet_proto . inet_service; elements = { 10.0.0.1 . 10.0.0.2 . tcp . 502 comment "a, b: { c", 10.0.0.3 . 10.0.0.2 . 17 . 53, } }
  set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/9, 10.200.0.0-10.200.0.4, 10.201.0.0/32 } }
  set nets6 { type ipv6_addr . ipv6_addr; flags interval; elements = { 2001:db8::/33 . ::1, fe80::5-fe80::1:0:0:3 . 2001:db8::1:0/112 } }
  set nobody { type ipv4_addr; }
  set messages { type ipv4_addr . icmp_type . icmp_code; elements = { 10.0.0.1 . 3 . 4, 10.0.0.1 . 200 . 0 } }
  set messages6 { type ipv6_addr . icmpv6_type . icmpv6_code; flags interval; elements = { ::1 . 1 . 0-6 } }
  set wires { type ifname . ifname; elements = { "eth0" . "eth1.31" } }
  set protocols { type inet_proto; flags interval; elements = { 6, 47-51 } }
  set states { type nf_proto . ct_state . ct_dir; elements = { ipv4 . established . reply } }`;

export const constructs: readonly Construct[] = [
  { rule: '', means: () => full },
  { rule: 'iifname "eth0"', means: iif('eth0') },
  { rule: 'oifname "eth1.31"', means: oif('eth1.31') },
  { rule: 'iifname != "eth0"', means: not(iif('eth0')) },
  { rule: 'iifname { "eth0", "lo" } oifname { "eth0", "eth1.31" }', means: all(any(iif('eth0'), iif('lo')), any(oif('eth0'), oif('eth1.31'))) },
  { rule: 'iifname . oifname @wires', means: all(iif('eth0'), oif('eth1.31')) },
  { rule: 'ip saddr 10.0.0.1', means: from('10.0.0.1') },
  { rule: 'ip daddr == 10.0.0.1', means: to('10.0.0.1') },
  { rule: 'ip daddr 10.0.0.0/12', means: to('10.0.0.0/12') },
  { rule: 'ip saddr 0.0.0.0/0', means: four },
  { rule: 'ip saddr 10.0.0.3-10.0.1.4', means: from('10.0.0.3-10.0.1.4') },
  { rule: 'ip saddr != 10.0.0.0/8', means: all(four, not(from('10.0.0.0/8'))) },
  { rule: 'ip saddr != { 10.0.0.1, 10.0.0.5-10.0.0.9 }', means: all(four, not(from('10.0.0.1', '10.0.0.5-10.0.0.9'))) },
  { rule: 'ip saddr { 10.0.0.0/8, 192.168.1.1 } ip daddr 10.9.9.9', means: all(from('10.0.0.0/8', '192.168.1.1'), to('10.9.9.9')) },
  { rule: 'ip saddr @nets', means: from('10.0.0.0/9', '10.200.0.0-10.200.0.4', '10.201.0.0') },
  { rule: 'ip daddr != @nets', means: all(four, not(to('10.0.0.0/9', '10.200.0.0-10.200.0.4', '10.201.0.0'))) },
  { rule: 'ip saddr @nobody', means: (space) => space.diagram.complement(full) },
  { rule: 'ip6 saddr 2001:db8::1', means: from('2001:db8::1') },
  { rule: 'ip6 daddr ::ffff:10.0.0.1', means: to('::ffff:a00:1') },
  { rule: 'ip6 saddr { ::, fe80::/10 }', means: from('::', 'fe80::/10') },
  { rule: 'ip6 daddr 2001:db8::fffe-2001:db8:1::3', means: to('2001:db8::fffe-2001:db8:1::3') },
  { rule: 'ip6 saddr . ip6 daddr @nets6', means: any(all(from('2001:db8::/33'), to('::1')), all(from('fe80::5-fe80::1:0:0:3'), to('2001:db8::1:0/112'))) },
  { rule: 'meta nfproto ipv6', means: six },
  { rule: 'meta nfproto { ipv4, ipv6 }', means: () => full },
  { rule: 'meta l4proto 47', means: protocol(47) },
  { rule: 'meta l4proto { tcp, 58, gre }', means: protocol(6, 58, 47) },
  { rule: 'meta l4proto != udp', means: not(protocol(17)) },
  { rule: 'meta l4proto @protocols', means: protocol(6, 47, 48, 49, 50, 51) },
  { rule: 'ip protocol vrrp', means: all(four, protocol(112)) },
  { rule: 'tcp dport 502', means: tcp(502) },
  { rule: 'tcp dport 0x1f6', means: tcp(502) },
  { rule: 'tcp dport { 22, 80-443 }', means: any(tcp(22), tcp(80, 443)) },
  { rule: 'tcp dport != 502', means: all(protocol(6), not(dport(502))) },
  { rule: 'udp sport 68 udp dport 67', means: all(udp(67), sport(68)) },
  { rule: 'tcp sport 1024-65535', means: all(protocol(6), sport(1024, 65535)) },
  { rule: 'meta l4proto { tcp, udp } th dport 53', means: any(tcp(53), udp(53)) },
  { rule: 'meta l4proto udp th sport . th dport { 1 . 2-3 }', means: all(udp(2, 3), sport(1)) },
  {
    rule: 'ip saddr . ip daddr . meta l4proto . th dport @hosts',
    means: all(to('10.0.0.2'), any(all(from('10.0.0.1'), tcp(502)), all(from('10.0.0.3'), udp(53)))),
  },
  {
    rule: 'ip daddr . ip saddr . meta l4proto . th sport @hosts',
    means: all(from('10.0.0.2'), any(all(to('10.0.0.1'), protocol(6), sport(502)), all(to('10.0.0.3'), protocol(17), sport(53)))),
  },
  {
    rule: 'ip saddr . meta l4proto . th dport { 10.0.0.0/8 . tcp . 1-5, 10.1.0.0-10.1.0.1 . udp . 7 }',
    means: any(all(from('10.0.0.0/8'), tcp(1, 5)), all(from('10.1.0.0/31'), udp(7))),
  },
  { rule: 'icmp type 8', means: icmp(8) },
  { rule: 'icmp type { 3, 11, 12 }', means: any(icmp(3), icmp(11, 12)) },
  { rule: 'icmp type destination-unreachable icmp code frag-needed', means: all(four, protocol(1), dport(3 * 256 + 4)) },
  { rule: 'icmp type != 8', means: all(four, protocol(1), not(icmp(8))) },
  { rule: 'icmp type 0-8', means: icmp(0, 8) },
  { rule: 'icmp type . icmp code { 3 . 4, 11 . 0-255 }', means: any(all(four, protocol(1), dport(3 * 256 + 4)), icmp(11)) },
  {
    rule: 'icmp code 1',
    means: all(four, protocol(1), (space) => space.within({ name: 'code', level: fields.value.level + 8, width: 8 }, [{ first: 1, last: 1 }])),
  },
  { rule: 'ip saddr . icmp type . icmp code @messages', means: all(from('10.0.0.1'), protocol(1), any(dport(3 * 256 + 4), dport(200 * 256))) },
  { rule: 'ip saddr 10.0.0.1 icmp type 8', means: all(from('10.0.0.1'), icmp(8)) },
  { rule: 'icmpv6 type { 1-4 }', means: icmpv6(1, 4) },
  { rule: 'icmpv6 type { 135, nd-neighbor-advert } ip6 hoplimit 255 ip6 saddr fe80::/10', means: all(icmpv6(135, 136), hopLimit(255), from('fe80::/10')) },
  { rule: 'ip6 saddr . icmpv6 type . icmpv6 code @messages6', means: all(from('::1'), protocol(58), dport(256, 256 + 6)) },
  { rule: 'ip ttl 255', means: all(four, hopLimit(255)) },
  { rule: 'ct state established,related', means: any(state('established'), state('related')) },
  { rule: 'ct state { new, untracked }', means: any(state('new'), state('untracked')) },
  { rule: 'ct state != new', means: not(state('new')) },
  { rule: 'ct state invalid', means: state('invalid') },
  { rule: 'ct direction reply', means: all(tracked, (space) => space.direction('reply')) },
  { rule: 'ct direction != reply', means: all(tracked, (space) => space.direction('original')) },
  { rule: 'meta nfproto . ct state . ct direction @states', means: all(four, state('established'), (space) => space.direction('reply')) },
  { rule: 'ct mark & 0xffff0000 == 0x00070000', means: current },
  { rule: 'ct mark & 0xffff0000 != 0x70000', means: all(tracked, (space) => space.markCurrent(false)) },
  { rule: 'fib daddr . iif type local', hook: 'input', means: (space) => space.local(true) },
  { rule: 'fib daddr . iif type != local', hook: 'input', means: (space) => space.local(false) },
  { rule: 'fib saddr type local', hook: 'output', means: (space) => space.local(true) },
];

export const interfaces = ['eth0', 'eth1.31'];
export const mark = { mask: 0xffff_0000, value: 0x0007_0000 };

/** A whole ruleset of one block. */
export function rulesetOf(body: string): string {
  return `table inet zonewright\ndelete table inet zonewright\ntable inet zonewright {\n${body}\n}\n`;
}

/** A ruleset that accepts on one hook what the matches say, and drops the rest. */
export function accepting(construct: Pick<Construct, 'rule' | 'hook'>): string {
  return rulesetOf(`${namedSets}
  chain hooked {
    type filter hook ${construct.hook ?? 'forward'} priority filter; policy drop;
    ${construct.rule} accept
  }`);
}
