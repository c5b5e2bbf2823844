/**
 * What a packet is asked, as matches of iptables.
 *
 * Takes ranges of one field, gives the alternatives that together hold exactly them: a rule for each. Replies are asked with source and
 * destination swapped (rule 3), so an end is named by what it is in the request.
 */
import type { Family } from '../../src/net/address.ts';
import { canonical, intersectRanges, type Range, type Ranges, rangesSize, subtractRanges } from '../../src/net/ranges.ts';
import { extensionHeaders, requestOf } from '../../src/packets/packet.ts';
import type { Table } from './table.ts';
import { limits } from './target.ts';
import { addressSpan, icmpMessage, Inexpressible, keyword, number, phrase, portList, portSpan, prefixOf, protocolWord, type Token } from './tokens.ts';

/** The service line that a lookup is about. */
export type Group = 'any' | 'tcp' | 'udp' | 'icmp' | 'other';

export type End = 'source' | 'destination';

/** `src` or `dst`, as a set is asked. */
export function flag(end: End, swapped: boolean): Token {
  return keyword((end === 'source') === swapped ? 'dst' : 'src');
}

/** One range of addresses. */
export function addressMatch(end: End, swapped: boolean, range: Range<number> | Range<bigint>): Token {
  const own = (end === 'source') !== swapped;
  const prefix = prefixOf(range);
  if (prefix !== undefined) return phrase(keyword(own ? '-s' : '-d'), prefix);
  return phrase(keyword(`-m iprange ${own ? '--src-range' : '--dst-range'}`), addressSpan(range));
}

/** Any of the ranges: one for each. */
export function rangeMatches(end: End, swapped: boolean, ranges: Ranges<number> | Ranges<bigint>): Token[] {
  return (ranges as readonly (Range<number> | Range<bigint>)[]).map((range) => addressMatch(end, swapped, range));
}

/** Any of the ranges: one match by a set, or one for each. */
export function addressMatches(table: Table, end: End, swapped: boolean, ranges: Ranges<number> | Ranges<bigint>, stem: string): Token[] {
  const { sets, family } = table;
  if (sets === undefined || ranges.length === 1) return rangeMatches(end, swapped, ranges);
  return [phrase(keyword('-m set --match-set'), sets.networks(stem, family, ranges), flag(end, swapped))];
}

/** The protocol in front of every rule of a group. */
export function groupMatch(group: Group, family: Family): Token | undefined {
  switch (group) {
    case 'tcp':
      return keyword('-p tcp');
    case 'udp':
      return keyword('-p udp');
    case 'icmp':
      return keyword(family === 4 ? '-p icmp' : '-p icmpv6');
    case 'any':
    case 'other':
      return undefined;
  }
}

/** Up to and with this border of a field. */
export function cutMatch(group: Group, dimension: 'source' | 'destination' | 'value', last: number | bigint, swapped: boolean): Token {
  if (dimension !== 'value') return addressMatch(dimension, swapped, { first: typeof last === 'bigint' ? 0n : 0, last } as Range<number> | Range<bigint>);
  return portMatch(group, swapped, [{ first: 0, last: Number(last) }]);
}

function portMatch(group: Group, swapped: boolean, ranges: Ranges<number>): Token {
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined) return phrase(keyword(`-p ${group} -m ${group} ${swapped ? '--sport' : '--dport'}`), portSpan(only));
  return phrase(keyword(`-p ${group} -m multiport ${swapped ? '--sports' : '--dports'}`), portList(ranges));
}

/** What of a service line is asked: alternatives that match, or, where those would be more, what must not match. */
export interface ValueMatches {
  readonly front: Token | undefined;
  readonly any: readonly Token[];
  readonly none: readonly Token[];
}

/** `values`: undefined for the whole group. */
export function valueMatches(group: Group, family: Family, values: Ranges<number> | undefined, swapped: boolean): ValueMatches {
  const front = groupMatch(group, family);
  if (values === undefined) return { front, any: [phrase(front)], none: [] };
  switch (group) {
    case 'any':
      throw new Error('values of no protocol');
    case 'tcp':
    case 'udp':
      return { front, any: portChunks(values).map((ranges) => portMatch(group, swapped, ranges)), none: [] };
    case 'icmp':
      return icmpMatches(family, swapped ? shownByReplies(family, values) : values);
    case 'other':
      return protocolMatches(family, values);
  }
}

/** As many ranges as one multiport takes. */
function portChunks(ranges: Ranges<number>): Range<number>[][] {
  const chunks: Range<number>[][] = [];
  let slots: number = limits.slots;
  for (const range of ranges) {
    const own = range.first === range.last ? 1 : 2;
    if (slots + own > limits.slots) {
      chunks.push([]);
      slots = 0;
    }
    chunks.at(-1)?.push(range);
    slots += own;
  }
  return chunks;
}

function icmpMatches(family: Family, values: Ranges<number>): ValueMatches {
  const front = groupMatch('icmp', family);
  // Boxes that became one may hold everything together.
  if (rangesSize(values) === 0x1_0000) return { front, any: [phrase(front)], none: [] };
  const rest = subtractRanges<number>([{ first: 0, last: 0xffff }], values);
  const any = messages(family, values);
  const none = messages(family, rest);
  if (any !== undefined && (none === undefined || any.length <= none.length + 1)) return { front, any, none: [] };
  // IPv4 type 255 can only be matched as what no other type matches.
  if (none === undefined) throw new Inexpressible('some codes of ICMP type 255: iptables takes this type for every type');
  return { front, any: [], none };
}

/** Undefined if a message has no match of its own. */
function messages(family: Family, values: Ranges<number>): Token[] | undefined {
  const match = keyword(family === 4 ? '-p icmp -m icmp --icmp-type' : '-p icmpv6 -m icmp6 --icmpv6-type');
  const result: Token[] = [];
  for (let type = 0; type < 256; type++) {
    const inside = intersectRanges(values, [{ first: type * 256, last: type * 256 + 255 }]);
    if (inside.length === 0) continue;
    if (type === 255 && family === 4) return undefined;
    if (rangesSize(inside) === 256) result.push(phrase(match, icmpMessage(family, type, undefined)));
    else
      for (const { first, last } of inside) for (let value = first; value <= last; value++) result.push(phrase(match, icmpMessage(family, type, value & 0xff)));
  }
  return result;
}

/** The messages of replies whose requests have these values. */
function shownByReplies(family: Family, values: Ranges<number>): Ranges<number> {
  const result: Range<number>[] = [];
  for (let type = 0; type < 256; type++) {
    const request = requestOf(family, type);
    for (const { first, last } of intersectRanges(values, [{ first: request * 256, last: request * 256 + 255 }]))
      result.push({ first: type * 256 + (first & 0xff), last: type * 256 + (last & 0xff) });
  }
  return result.reduce<Range<number>[]>((joined, range) => {
    const top = joined.at(-1);
    if (top !== undefined && top.last + 1 === range.first) joined[joined.length - 1] = { first: top.first, last: range.last };
    else joined.push(range);
    return joined;
  }, []);
}

function protocolMatches(family: Family, values: Ranges<number>): ValueMatches {
  const words = (ranges: Ranges<number>): Token[] =>
    ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => protocolMatch(family, first + index)));
  const never = family === 6 ? canonical(extensionHeaders.map((one) => ({ first: one, last: one }))) : [];
  const others = subtractRanges<number>(subtractRanges<number>([{ first: 0, last: 255 }], values), never);
  if (rangesSize(values) === 256) return { front: undefined, any: [phrase()], none: [] };
  // Protocol 0 of IPv4 can only be matched as what no other protocol matches.
  if (values[0]?.first === 0 || rangesSize(others) < rangesSize(values)) return { front: undefined, any: [], none: words(others) };
  return { front: undefined, any: words(values), none: [] };
}

/** The back ends differ in whether they look behind an authentication header, but not in whether they find one. */
function protocolMatch(family: Family, protocol: number): Token {
  return family === 6 && protocol === authentication ? keyword('-m ah') : phrase(keyword('-p'), protocolWord(protocol));
}

const authentication = 51;

export function hopLimitMatch(family: Family, hopLimit: number): Token {
  return phrase(keyword(family === 4 ? '-m ttl --ttl-eq' : '-m hl --hl-eq'), number(hopLimit));
}
