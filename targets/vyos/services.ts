/**
 * What a rule says of protocol, ports and ICMP message.
 *
 * Takes the services of one family, gives one match for each rule that they need. VyOS has one protocol in a rule; where a service is all
 * but some protocols, those are named instead.
 */
import type { Family } from '../../src/net/address.ts';
import { canonical, type Ranges, rangesContain, rangesEqual, subtractRanges, unionRanges } from '../../src/net/ranges.ts';
import { extensionHeaders } from '../../src/packets/packet.ts';
import { type FamilyServices, valuedProtocols } from '../../src/packets/service-set.ts';
import type { Match, Objects } from './objects.ts';
import { keyword, number, otherPorts, portList, protocolWord, type Token } from './tokens.ts';

export interface ServiceMatch {
  readonly protocol?: Token;
  readonly sourcePort?: Match;
  readonly port?: Match;
  readonly icmp?: { readonly type: Token; readonly code: Token | undefined };
}

export interface ServiceMatches {
  readonly each: readonly ServiceMatch[];
  /** All protocols but these, in a rule set of their own. */
  readonly otherThan: readonly Token[] | undefined;
}

const everyPort: Ranges<number> = [{ first: 0, last: 0xffff }];
/** Ports of one rule, so that a line stays readable. */
const mostPorts = 32;

export function serviceMatches(family: Family, services: FamilyServices, objects: Objects): ServiceMatches {
  const valued = valuedProtocols(family).map((protocol) => ({
    protocol,
    ranges: canonical((services.values.get(protocol) ?? []).map(({ first, last }) => ({ first, last }))),
  }));
  const headers = family === 6 ? canonical(extensionHeaders.map((value) => ({ first: value, last: value }))) : [];
  const known = subtractRanges([{ first: 0, last: 255 }], headers);
  const whole = unionRanges(
    subtractRanges(services.protocols, headers),
    canonical(valued.filter(({ ranges }) => rangesEqual(ranges, everyPort)).map(({ protocol }) => ({ first: protocol, last: protocol }))),
  );
  const missing = subtractRanges(known, whole);
  if (missing.length === 0) return { each: [{}], otherThan: undefined };
  const parts = valued.filter(({ ranges }) => ranges.length > 0 && !rangesEqual(ranges, everyPort));
  const each = partMatches(family, parts, objects);
  // The ICMP of the other family has no word here, so that it can only be left over.
  if (rangesContain(whole, family === 4 ? 58 : 1)) return { each, otherThan: listOf(missing).map((protocol) => protocolWord(family, protocol)) };
  return { each: [...listOf(whole).map((protocol): ServiceMatch => ({ protocol: protocolWord(family, protocol) })), ...each], otherThan: undefined };
}

function listOf(ranges: Ranges<number>): number[] {
  return ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
}

interface Part {
  readonly protocol: number;
  readonly ranges: Ranges<number>;
}

function partMatches(family: Family, parts: readonly Part[], objects: Objects): ServiceMatch[] {
  const tcp = parts.find(({ protocol }) => protocol === 6);
  const udp = parts.find(({ protocol }) => protocol === 17);
  const both = tcp !== undefined && udp !== undefined && rangesEqual(tcp.ranges, udp.ranges);
  return parts.flatMap((part) => {
    if (part.protocol === (family === 4 ? 1 : 58)) return icmpMatches(family, part.ranges);
    if (both && part === udp) return [];
    const protocol = both ? keyword('tcp_udp') : protocolWord(family, part.protocol);
    return portMatches(part.ranges, objects).map((port): ServiceMatch => ({ protocol, port }));
  });
}

export function portMatches(ranges: Ranges<number>, objects: Objects): Match[] {
  const named = objects.ports(ranges);
  if (named !== undefined) return [named];
  // The platform has no port 0: what holds it is said by what it does not hold.
  if (ranges[0]?.first === 0) return [{ leaf: keyword('port'), value: otherPorts(subtractRanges(everyPort, ranges)) }];
  return Array.from({ length: Math.ceil(ranges.length / mostPorts) }, (_, index) => ({
    leaf: keyword('port'),
    value: portList(ranges.slice(index * mostPorts, (index + 1) * mostPorts)),
  }));
}

function icmpMatches(family: Family, messages: Ranges<number>): ServiceMatch[] {
  const protocol = protocolWord(family, family === 4 ? 1 : 58);
  return messages.flatMap(({ first, last }) => {
    const found: ServiceMatch[] = [];
    for (let message = first; message <= last; message++) {
      const [type, code] = [message >> 8, message & 0xff];
      const allCodes = code === 0 && message + 255 <= last;
      found.push({ protocol, icmp: { type: number(type), code: allCodes ? undefined : number(code) } });
      if (allCodes) message += 255;
    }
    return found;
  });
}
