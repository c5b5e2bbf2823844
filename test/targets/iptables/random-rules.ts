/**
 * Small random rules of both families, and packets for them.
 *
 * Every value comes from a small pool, so that rules meet each other and packets meet rules. Rules are texts, so a failing one can be read,
 * loaded and kept; `loadable` ones hold only what the kernel of the tests takes.
 */
import fc from 'fast-check';
import type { Packet } from '../../../src/packets/packet.ts';
import { packet as knownPacket } from '../nftables/random-rulesets.ts';

const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

export const sets = `create h4 hash:ip
add h4 10.0.0.1
add h4 192.168.0.255
create n4 hash:net
add n4 10.0.0.0/8
add n4 10.0.0.0/24 nomatch
add n4 10.0.0.2
create p4 hash:ip,port
add p4 10.0.0.1,tcp:502
add p4 10.0.0.1,udp:53
add p4 10.0.0.2,icmp:8/0
add p4 10.0.0.2,gre:0
create pp4 hash:ip,port,ip
add pp4 10.0.0.1,tcp:502,10.0.0.2
add pp4 10.0.1.1,udp:1,10.0.0.1
create pn4 hash:ip,port,net
add pn4 10.0.0.1,tcp:502,10.0.0.0/16
add pn4 10.0.0.1,tcp:502,10.0.0.2/32 nomatch
create i4 hash:net,iface
add i4 10.0.0.0/8,eth0
add i4 0.0.0.0/0,eth1
create h6 hash:ip family inet6
add h6 2001:db8::1
create n6 hash:net family inet6
add n6 2001:db8::/32
add n6 2001:db8::/64 nomatch
create p6 hash:ip,port family inet6
add p6 2001:db8::1,tcp:502
add p6 2001:db8::2,ipv6-icmp:128/0
create pp6 hash:ip,port,ip family inet6
add pp6 2001:db8::1,tcp:502,2001:db8::2
create b bitmap:port range 0-1023
add b 53
add b 500-502
create l list:set
add l h4
add l p4
add l h6
`;

const matchesOf: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [
    '-s 10.0.0.1/32',
    '-s 10.0.0.0/24',
    '-s 0.0.0.0/0',
    '-d 10.0.0.0/8',
    '-d 192.168.0.255/32',
    '-p tcp -m tcp --dport 502',
    '-p tcp -m tcp ! --dport 1:53',
    '-p tcp -m tcp --sport 502',
    '-p udp -m udp --dport 53',
    '-p udp -m multiport --dports 1,53,500:600',
    '-p tcp -m multiport ! --ports 1,502',
    '-p icmp -m icmp --icmp-type 8',
    '-p icmp -m icmp ! --icmp-type 3/2',
    '-p icmp -m icmp --icmp-type any',
    '-p icmp',
    '-m ttl --ttl-eq 64',
    '-m set --match-set h4 src',
    '-m set ! --match-set h4 dst',
    '-m set --match-set n4 src',
    '-m set --match-set n4 dst',
    '-m set --match-set p4 src,dst',
    '-m set ! --match-set p4 dst,src',
    '-m set --match-set pp4 src,dst,dst',
    '-m set --match-set pp4 dst,src,src',
    '-m set --match-set pn4 src,dst,dst',
    '-m set --match-set i4 src,src',
    '-m set ! --match-set i4 src,dst',
    '-m set --match-set i4 dst,dst',
  ],
  6: [
    '-s 2001:db8::1/128',
    '-d 2001:db8::/64',
    '-s fe80::/10',
    '-p tcp -m tcp --dport 502',
    '-p udp -m udp --sport 53',
    '-p ipv6-icmp -m icmp6 --icmpv6-type 128',
    '-p ipv6-icmp -m icmp6 ! --icmpv6-type 135/0',
    '-p ipv6-icmp',
    '-m hl --hl-eq 255',
    '-m set --match-set h6 src',
    '-m set ! --match-set n6 dst',
    '-m set --match-set p6 src,dst',
    '-m set ! --match-set p6 dst,src',
    '-m set --match-set pp6 src,dst,dst',
  ],
};
const anywhere = [
  '-i eth0',
  '! -i eth0',
  '-o eth1',
  '! -o eth+',
  '-i eth+',
  '-i +',
  '! -p tcp',
  '-p gre',
  '-p 47',
  '-m conntrack --ctstate NEW',
  '-m conntrack ! --ctstate NEW,INVALID',
  '-m conntrack --ctstate INVALID,ESTABLISHED --ctdir REPLY',
  '-m conntrack --ctdir ORIGINAL',
  '-m state --state RELATED,ESTABLISHED',
  '-m connmark --mark 0x70000/0xffff0000',
  '-m connmark ! --mark 0x70000/0xffff0000',
  '-m set --match-set b dst',
  '-m set ! --match-set b src',
  '-m set --match-set l src,dst',
  '-m set --match-set l src',
];
/** The kernel takes these, but the answer is not in the packet. */
const doubtful = [
  '-m mark --mark 0x1',
  '-i ppp0',
  '! -o ppp+',
  '-m length --length 100:200',
  '-m addrtype --dst-type LOCAL',
  '-m addrtype --dst-type LOCAL --limit-iface-in',
  '-m addrtype --src-type LOCAL',
];

function rule(family: 4 | 6, chain: number, chains: number, loadable: boolean): fc.Arbitrary<string> {
  const later = Array.from({ length: chains - chain - 1 }, (_, index) => `c${chain + 1 + index}`);
  const targets = ['-j ACCEPT', '-j ACCEPT', '-j DROP', '-j REJECT', '-j RETURN', '-j LOG', '', '-j CONNMARK --set-xmark 0x70000/0xffff0000'];
  const more = [...later.flatMap((name) => [`-j ${name}`, `-g ${name}`]), ...(loadable ? [] : ['-j NFQUEUE --queue-num 1'])];
  const match = fc.oneof(
    { weight: 4, arbitrary: pick(matchesOf[family]) },
    { weight: 3, arbitrary: pick(anywhere) },
    ...(loadable ? [] : [{ weight: 1, arbitrary: pick([...doubtful, '-m limit --limit 5/sec --limit-burst 5']) }]),
  );
  return fc
    .tuple(fc.array(match, { maxLength: 3 }), pick([...targets, ...more]))
    .map(([matches, target]) =>
      [...compatible(matches).sort((a, b) => Number(a.startsWith('-m length')) - Number(b.startsWith('-m length'))), target]
        .filter((part) => part !== '')
        .join(' '),
    );
}

/** One of each option of the header; a module that the reader has no table of stands last, since all behind it is taken for its own. */
function compatible(matches: readonly string[]): string[] {
  const seen = new Set<string>();
  return matches.filter((text) => {
    const options = [...text.matchAll(/(?:^|\s)(-[a-z])(?=\s)/gu)].map(([, option = '']) => option).filter((option) => option !== '-m');
    if (options.some((option) => seen.has(option))) return false;
    for (const option of options) seen.add(option);
    return true;
  });
}

/** The filter table of a family; a few also have one of mangle. */
export function table(family: 4 | 6, loadable: boolean): fc.Arbitrary<string> {
  return fc.integer({ min: 1, max: 4 }).chain((chains) => {
    const body = (chain: number): fc.Arbitrary<string[]> => fc.array(rule(family, chain, chains, loadable), { minLength: 1, maxLength: 5 });
    return fc
      .tuple(
        fc.tuple(...['FORWARD', 'INPUT', 'OUTPUT'].map(() => fc.tuple(pick(['ACCEPT', 'DROP']), body(-1)))),
        fc.tuple(...Array.from({ length: chains }, (_, index) => body(index))),
        fc.option(body(chains), { freq: 4, nil: undefined }),
      )
      .map(([builtin, own, mangle]) => {
        const names = ['FORWARD', 'INPUT', 'OUTPUT'];
        return [
          ...(mangle === undefined ? [] : ['*mangle', ...mangle.filter((text) => !text.includes('REJECT')).map((text) => `-A FORWARD ${text}`), 'COMMIT']),
          '*filter',
          ...names.map((name, index) => `:${name} ${builtin[index]?.[0] ?? 'DROP'} [0:0]`),
          ...own.map((_, index) => `:c${index} - [0:0]`),
          ...names.flatMap((name, index) => (builtin[index]?.[1] ?? []).filter((text) => fits(name, text)).map((text) => `-A ${name} ${text}`.trim())),
          ...own.flatMap((rules, index) => rules.map((text) => `-A c${index} ${text}`.trim())),
          'COMMIT',
          '',
        ].join('\n');
      });
  });
}

/** The tools take no rule of a builtin chain about an interface that its packets do not have. */
function fits(chain: string, text: string): boolean {
  return !((chain === 'INPUT' && /-o /u.test(text)) || (chain === 'OUTPUT' && /-i /u.test(text)));
}

/** Packets that the packet space says are possible, some of interfaces that are not declared. */
export const packet: fc.Arbitrary<Packet> = fc.tuple(knownPacket, pick(['', '', '', 'in', 'out'])).map(([one, strange]) => ({
  ...one,
  inInterface: strange === 'in' && one.inInterface !== undefined ? 'ppp0' : one.inInterface,
  outInterface: strange === 'out' && one.outInterface !== undefined ? 'ppp0' : one.outInterface,
}));
