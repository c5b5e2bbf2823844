/**
 * Words to ranges: addresses, networks, ports, protocols.
 *
 * Takes a word as the configuration has it, gives canonical ranges; undefined for what is no such value.
 */
import { type AddressRange, type Family, parseAddress, parsePrefix } from '../../src/net/address.ts';
import { canonical, type Range, type Ranges, subtractRanges } from '../../src/net/ranges.ts';

export const everyPort: Ranges<number> = [{ first: 0, last: 0xffff }];

/** `10.0.0.1`, `10.0.0.0/8` or `10.0.0.1-10.0.0.9`. */
export function readAddress(text: string, family: Family): AddressRange | undefined {
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    return prefix?.network.family === family && !prefix.hostBits ? prefix.network : undefined;
  }
  const [first, last, ...more] = text.split('-').map(parseAddress);
  const end = text.includes('-') ? last : first;
  if (first?.family !== family || end?.family !== family || more.length > 0 || first.value > end.value) return undefined;
  return { family, first: first.value, last: end.value } as AddressRange;
}

/** `502` or `5010-5013`; VyOS has no port 0. */
export function readPortRange(text: string): Range<number> | undefined {
  const match = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/u.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 0xffff ? { first, last } : undefined;
}

/** `502,5010-5013`; with `!` before each, every port but these (nft: one match for the plain, one for the negated). */
export function readPorts(text: string): Ranges<number> | undefined {
  const plain: Range<number>[] = [];
  const negated: Range<number>[] = [];
  for (const part of text.split(',')) {
    const range = readPortRange(part.startsWith('!') ? part.slice(1) : part);
    if (range === undefined) return undefined;
    (part.startsWith('!') ? negated : plain).push(range);
  }
  return subtractRanges(plain.length === 0 ? everyPort : canonical(plain), canonical(negated));
}

/** A decimal from 0 to `most`, without leading zeros. */
export function readNumber(text: string, most: number): number | undefined {
  return /^(?:0|[1-9]\d{0,5})$/u.test(text) && Number(text) <= most ? Number(text) : undefined;
}

/** Names of Debian's /etc/protocols that VyOS takes; other protocols stand there as numbers. */
const protocolNames: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['ipencap', 4],
  ['tcp', 6],
  ['egp', 8],
  ['igp', 9],
  ['udp', 17],
  ['ipv6', 41],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['eigrp', 88],
  ['ospf', 89],
  ['pim', 103],
  ['vrrp', 112],
  ['l2tp', 115],
  ['isis', 124],
  ['sctp', 132],
  ['udplite', 136],
]);

/** `tcp`, `tcp_udp`, `47`, `!esp`; undefined for a name that is not known. */
export function readProtocols(text: string): readonly number[] | undefined {
  const every = Array.from({ length: 256 }, (_, number) => number);
  if (text === 'all') return every;
  const name = text.startsWith('!') ? text.slice(1) : text;
  const known = protocolNames.get(name) ?? readNumber(name, 255);
  const found = name === 'tcp_udp' ? [6, 17] : known === undefined ? undefined : [known];
  return text.startsWith('!') ? found && every.filter((number) => !found.includes(number)) : found;
}
