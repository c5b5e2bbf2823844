/**
 * Every match that the reader models, once, with the packets it means.
 *
 * The sets are built by hand from the primitives of the packet space. A row with `may` is known from two sides only: the packets that surely
 * match, and those that may.
 */
import { empty, fields, full } from '../../../src/packets/packet-space.ts';
import {
  all,
  any,
  current,
  dport,
  four,
  from,
  icmp,
  iif,
  type Meaning,
  not,
  protocol,
  six,
  sport,
  state,
  tcp,
  to,
  tracked,
  udp,
} from '../nftables/constructs.ts';

export interface Match {
  readonly family: 4 | 6;
  readonly hook?: 'input' | 'output';
  readonly rule: string;
  readonly means: Meaning;
  /** Packets that may match beside. */
  readonly may?: Meaning;
}

export const nobody: Meaning = () => empty;
export const everybody: Meaning = () => full;
const other: Meaning = (space) => space.within(fields.inInterface, [{ first: 1, last: 1 }]);
const hops =
  (first: number, last = first): Meaning =>
  (space) =>
    space.within(fields.hopLimit, [{ first, last }]);
const messages =
  (first: number, last = first): Meaning =>
  (space) =>
    space.within(fields.value, [{ first, last }]);
const reply: Meaning = (space) => space.direction('reply');
const local: Meaning = (space) => space.local(true);
const oif =
  (name: string): Meaning =>
  (space) =>
    space.outInterface(name);

export const sets = `create hosts hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x4b1b0b0c
add hosts 10.0.0.1
add hosts 10.0.0.8/30
add hosts 10.0.1.0-10.0.1.4
create hosts6 hash:ip family inet6
add hosts6 2001:db8::1
create nets hash:net
add nets 10.0.0.0/8
add nets 10.1.0.0/16 nomatch
add nets 10.1.1.0/24
create plain hash:ip,port comment counters
add plain 10.0.0.1,tcp:502 packets 0 bytes 0 comment "one, two"
add plain 10.0.0.1,udp:1000-2000
add plain 10.0.0.2,icmp:8/0
add plain 10.0.0.2,icmp:fragmentation-needed
add plain 10.0.0.3,gre:0
add plain 10.0.0.3,253:0
add plain 10.0.0.4,80
create plain6 hash:ip,port family inet6
add plain6 2001:db8::1,tcp:502
add plain6 2001:db8::1,ipv6-icmp:echo-request
add plain6 2001:db8::1,icmpv6:3/1
add plain6 2001:db8::1,ipv6-nonxt:0
create sctp hash:ip,port maxelem 70000
add sctp 10.0.0.1,sctp:80
add sctp 10.0.0.2,sctp:0-65535
create pairs hash:ip,port,ip
add pairs 10.0.0.1,tcp:502,10.0.0.2
add pairs 10.0.0.3,udp:53,10.0.0.2
create tonet hash:ip,port,net
add tonet 10.0.0.1,tcp:502,10.1.0.0/24
create nets2 hash:net,port,net
add nets2 10.0.0.0/24,tcp:502,10.1.0.0/24
create netpairs hash:net,net family inet6
add netpairs 2001:db8::/64,2001:db8:1::/64
create netport hash:net,port
add netport 10.0.0.0/8,tcp:1
add netport 10.1.0.0/16,tcp:1 nomatch
add netport 10.1.0.0/16,tcp:2
add netport 10.0.0.0/16,udp:3
add netport 10.0.0.0/24,tcp:4
create begin hash:net,port
add begin 10.0.0.0/8,tcp:1
add begin 10.0.0.0/16,udp:2
create wires hash:net,iface
add wires 10.0.0.0/8,eth0
add wires 0.0.0.0/0,eth1.31
create ports bitmap:port range 0-1023
add ports 80
add ports 90-99
create some bitmap:ip range 10.0.0.0/24
add some 10.0.0.4
create nobody hash:ip
create lists list:set size 8
add lists hosts
add lists plain
add lists hosts6
`;

const plain: Meaning = any(
  all(from('10.0.0.1'), any(tcp(502), udp(1000, 2000))),
  all(from('10.0.0.2'), any(icmp(8), icmp(3)), any(messages(0x800), messages(0x304))),
  all(from('10.0.0.3'), protocol(47, 253)),
  all(from('10.0.0.4'), tcp(80)),
);
const hosts: Meaning = from('10.0.0.1', '10.0.0.8/30', '10.0.1.0-10.0.1.4');

export const matches: readonly Match[] = [
  { family: 4, rule: '', means: everybody },
  { family: 4, rule: '-m comment --comment "-j DROP \\"x\\" -m"', means: everybody },
  { family: 4, rule: '-m comment --comment -j', means: everybody },
  { family: 4, rule: '-s 10.0.0.1', means: from('10.0.0.1') },
  { family: 4, rule: '--source 10.0.0.1/32 --destination 10.9.0.0/16', means: all(from('10.0.0.1'), to('10.9.0.0/16')) },
  { family: 4, rule: '-s 10.0.0.77/8 ! -d 1.2.3.4/32', means: all(from('10.0.0.0/8'), not(to('1.2.3.4'))) },
  { family: 4, rule: '-s 0.0.0.0/0 -d 1.2.3.4/0', means: everybody },
  { family: 4, rule: '! -s 0.0.0.0/0', means: nobody },
  { family: 4, rule: '-s 10.0.0.0/255.255.0.0', means: from('10.0.0.0/16') },
  { family: 4, rule: '-s 10.7.0.1/255.254.255.255', means: from('10.6.0.1', '10.7.0.1') },
  { family: 6, rule: '-s 2001:db8::/64 -d ::1/128', means: all(from('2001:db8::/64'), to('::1')) },
  { family: 4, rule: '-i eth0 ! -o eth1.31', means: all(iif('eth0'), not(oif('eth1.31'))) },
  { family: 4, rule: '-i +', means: everybody },
  { family: 4, rule: '-i eth0+', means: iif('eth0'), may: any(iif('eth0'), other) },
  { family: 4, rule: '! -i ppp0', means: not(other), may: everybody },
  { family: 4, rule: '-p tcp', means: protocol(6) },
  { family: 4, rule: '! -p udp', means: not(protocol(17)) },
  { family: 4, rule: '-p all', means: everybody },
  { family: 4, rule: '-p gre', means: protocol(47) },
  { family: 4, rule: '-p 200', means: protocol(200) },
  { family: 6, rule: '-p ipv6-icmp', means: protocol(58) },
  { family: 6, rule: '-p ah', means: nobody, may: protocol(51) },
  { family: 6, rule: '-m ah', means: protocol(51) },
  { family: 4, rule: '-p tcp -m tcp --dport 502', means: tcp(502) },
  { family: 4, rule: '-p tcp --dport 502', means: tcp(502) },
  { family: 4, rule: '-p tcp -m comment --comment x --dport 502', means: tcp(502) },
  { family: 4, rule: '-p tcp -m tcp --sport 1024: ! --dport 80:90', means: all(protocol(6), sport(1024, 65535), not(dport(80, 90))) },
  { family: 4, rule: '-p udp -m udp --dport :0', means: udp(0) },
  { family: 4, rule: '-p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN', means: nobody, may: tcp(80) },
  { family: 4, rule: '-p tcp -m tcp --dport 80 --syn', means: nobody, may: tcp(80) },
  { family: 4, rule: '-p sctp -m sctp --dport 80', means: nobody, may: protocol(132) },
  { family: 4, rule: '-p tcp -m multiport --dports 1,5:9', means: any(tcp(1), tcp(5, 9)) },
  { family: 4, rule: '-p tcp -m multiport ! --sports 1,5:9', means: all(protocol(6), not(any(sport(1), sport(5, 9)))) },
  { family: 4, rule: '-p udp -m multiport --ports 1', means: all(protocol(17), any(sport(1), dport(1))) },
  { family: 4, rule: '-p icmp -m icmp --icmp-type any', means: protocol(1) },
  { family: 4, rule: '-p icmp -m icmp --icmp-type 3', means: all(protocol(1), messages(0x300, 0x3ff)) },
  { family: 4, rule: '-p icmp -m icmp ! --icmp-type 3/4', means: all(protocol(1), not(messages(0x304))) },
  { family: 6, rule: '-p ipv6-icmp -m icmp6 --icmpv6-type 128', means: all(protocol(58), messages(0x8000, 0x80ff)) },
  { family: 6, rule: '-p icmpv6 --icmpv6-type 1/3', means: all(protocol(58), messages(0x103)) },
  {
    family: 4,
    rule: '-m iprange --src-range 10.0.0.1-10.0.0.9 ! --dst-range 1.1.1.1-2.2.2.2',
    means: all(from('10.0.0.1-10.0.0.9'), not(to('1.1.1.1-2.2.2.2'))),
  },
  { family: 4, rule: '-m conntrack --ctstate NEW,UNTRACKED', means: any(state('new'), state('untracked')) },
  { family: 4, rule: '-m conntrack ! --ctstate NEW', means: not(state('new')) },
  { family: 4, rule: '-m conntrack --ctdir REPLY', means: all(tracked, reply) },
  { family: 4, rule: '-m conntrack --ctstate INVALID,ESTABLISHED --ctdir REPLY', means: any(state('invalid'), all(state('established'), reply)) },
  { family: 4, rule: '-m conntrack --ctstate DNAT', means: nobody, may: tracked },
  { family: 4, rule: '-m conntrack --ctstate INVALID --ctproto 17', means: state('invalid') },
  { family: 4, rule: '-m conntrack --ctproto 17', means: nobody, may: tracked },
  { family: 4, rule: '-m state --state RELATED,ESTABLISHED', means: any(state('related'), state('established')) },
  { family: 4, rule: '-m connmark --mark 0x70000/0xffff0000', means: current },
  { family: 4, rule: '-m connmark ! --mark 458752/0xffff0000', means: all(tracked, not(current)) },
  { family: 4, rule: '-m connmark --mark 0x80000/0xffff0000', means: nobody, may: all(tracked, not(current)) },
  { family: 4, rule: '-m connmark --mark 0x30000/0x30000', means: current, may: tracked },
  { family: 4, rule: '-m connmark --mark 0x70005', means: nobody, may: current },
  { family: 4, rule: '-m connmark --mark 0x5/0xff', means: nobody, may: tracked },
  { family: 4, rule: '-m connmark --mark 0/0', means: tracked },
  { family: 4, rule: '-m mark --mark 0x1', means: nobody, may: everybody },
  { family: 4, hook: 'input', rule: '-m addrtype --dst-type LOCAL --limit-iface-in', means: local },
  { family: 4, hook: 'input', rule: '-m addrtype ! --dst-type LOCAL --limit-iface-in', means: not(local) },
  { family: 4, hook: 'input', rule: '-m addrtype --dst-type LOCAL', means: local, may: everybody },
  { family: 6, hook: 'output', rule: '-m addrtype --src-type LOCAL', means: local },
  { family: 4, rule: '-m addrtype --dst-type LOCAL --limit-iface-in', means: nobody, may: everybody },
  { family: 4, hook: 'input', rule: '-m addrtype --dst-type BROADCAST', means: nobody, may: everybody },
  { family: 4, rule: '-m ttl --ttl-eq 255', means: hops(255) },
  { family: 4, rule: '-m ttl --ttl-lt 5', means: hops(0, 4) },
  { family: 4, rule: '-m ttl ! --ttl-eq 5', means: not(hops(5)) },
  { family: 6, rule: '-m hl --hl-eq 255', means: hops(255) },
  { family: 6, rule: '-m hl --hl-gt 64', means: hops(65, 255) },
  { family: 4, rule: '-f', means: nobody, may: everybody },
  { family: 4, rule: '-f -m state --state NEW,ESTABLISHED,RELATED,INVALID,UNTRACKED', means: nobody },
  { family: 4, rule: '! -f -m state --state NEW', means: state('new') },
  { family: 4, rule: '-m physdev --physdev-in eth5 -s 10.0.0.1', means: nobody, may: everybody },
  { family: 4, rule: '-s 10.0.0.1 -m time --timestart 08:00:00', means: nobody, may: from('10.0.0.1') },
  { family: 4, rule: '-m set --match-set hosts src', means: hosts },
  { family: 4, rule: '-m set ! --match-set hosts src ! --update-counters', means: not(hosts) },
  { family: 4, rule: '-m set --match-set hosts src,dst', means: hosts },
  { family: 4, rule: '-m set --match-set nobody dst', means: nobody },
  { family: 4, rule: '-m set ! --match-set nobody dst', means: everybody },
  { family: 4, rule: '-m set --match-set nets dst', means: any(all(to('10.0.0.0/8'), not(to('10.1.0.0/16'))), to('10.1.1.0/24')) },
  { family: 4, rule: '-m set --match-set nets dst --return-nomatch', means: nobody, may: everybody },
  { family: 4, rule: '-m set --match-set plain src,dst', means: plain },
  { family: 4, rule: '-m set ! --match-set plain src,dst', means: not(plain) },
  { family: 4, rule: '-m set --match-set plain src', means: nobody },
  { family: 4, rule: '-m set ! --match-set plain src', means: everybody },
  {
    family: 4,
    rule: '-m set --match-set plain dst,src',
    means: any(
      all(to('10.0.0.1'), any(all(protocol(6), sport(502)), all(protocol(17), sport(1000, 2000)))),
      all(to('10.0.0.2'), protocol(1), any(messages(0x800), messages(0x304))),
      all(to('10.0.0.3'), protocol(47, 253)),
      all(to('10.0.0.4'), protocol(6), sport(80)),
    ),
  },
  {
    family: 6,
    rule: '-m set --match-set plain6 src,dst',
    means: all(from('2001:db8::1'), any(tcp(502), all(protocol(58), any(messages(0x8000), messages(0x301))))),
  },
  { family: 6, rule: '-m set --match-set hosts src', means: nobody },
  { family: 6, rule: '-m set ! --match-set hosts src', means: everybody },
  { family: 4, rule: '-m set --match-set sctp src,dst', means: all(from('10.0.0.2'), protocol(132)), may: all(from('10.0.0.1', '10.0.0.2'), protocol(132)) },
  {
    family: 4,
    rule: '-m set --match-set pairs src,dst,dst',
    means: all(to('10.0.0.2'), any(all(from('10.0.0.1'), tcp(502)), all(from('10.0.0.3'), udp(53)))),
  },
  { family: 4, rule: '-m set --match-set pairs src,dst,src', means: nobody },
  { family: 4, rule: '-m set --match-set tonet src,dst,dst', means: all(from('10.0.0.1'), to('10.1.0.0/24'), tcp(502)) },
  { family: 4, rule: '-m set --match-set tonet dst,src,src', means: all(to('10.0.0.1'), from('10.1.0.0/24'), protocol(6), sport(502)) },
  { family: 4, rule: '-m set --match-set nets2 src,dst,dst', means: all(from('10.0.0.0/24'), to('10.1.0.0/24'), tcp(502)) },
  { family: 6, rule: '-m set --match-set netpairs src,dst', means: all(from('2001:db8::/64'), to('2001:db8:1::/64')) },
  {
    family: 4,
    rule: '-m set --match-set netport src,dst',
    means: any(
      all(from('10.0.0.0/8'), not(from('10.1.0.0/16')), tcp(1)),
      all(from('10.1.0.0/16'), tcp(2)),
      all(from('10.0.0.0/16'), udp(3)),
      all(from('10.0.0.0/24'), tcp(4)),
    ),
  },
  { family: 4, rule: '-m set --match-set begin src,dst', means: any(all(from('10.0.0.0/8'), tcp(1)), all(from('10.0.0.0/16'), udp(2))) },
  { family: 4, rule: '-m set --match-set wires src,src', means: any(all(from('10.0.0.0/8'), iif('eth0')), all(not(from('10.0.0.0/8')), iif('eth1.31'))) },
  { family: 4, rule: '-m set --match-set wires dst,dst', means: any(all(to('10.0.0.0/8'), oif('eth0')), all(not(to('10.0.0.0/8')), oif('eth1.31'))) },
  { family: 4, rule: '-m set --match-set ports dst', means: all(protocol(6, 17), any(dport(80), dport(90, 99))) },
  { family: 6, rule: '-m set --match-set ports src', means: all(protocol(6, 17), any(sport(80), sport(90, 99))) },
  { family: 4, rule: '-m set --match-set some dst', means: to('10.0.0.4') },
  { family: 4, rule: '-m set --match-set lists src,dst', means: any(hosts, plain) },
  { family: 4, rule: '-m set --match-set lists src', means: hosts },
  { family: 6, rule: '-m set --match-set lists src', means: from('2001:db8::1') },
];

export const families: Readonly<Record<4 | 6, Meaning>> = { 4: four, 6: six };
