/**
 * Words to ranges of numbers.
 *
 * Takes a scalar and nft's data type, gives boxes: for each 32-bit slot of the type a range (an IPv6 address has four
 * slots, so a range of addresses may need several boxes). It reads addresses by itself, so that an error in the
 * compiler's own reading of addresses shows in the proof.
 */
import type { AddressSet } from '../../src/net/address-set.ts';
import type { Box } from './read-products.ts';
import type { Scalar } from './read-tree.ts';
import {
  addressTypeNames,
  directionNames,
  familyNames,
  icmpCodeNames,
  icmpTypeNames,
  icmpv6CodeNames,
  icmpv6TypeNames,
  type NameTable,
  protocolNames,
  stateNames,
} from './read-names.ts';

/** A point of a type: one number for each of its slots. */
type Point = readonly number[];

interface Type {
  /** Bits of each slot. */
  readonly widths: readonly number[];
  readonly point: (word: string) => Point | undefined;
  /** Whether `address/length` may be written. */
  readonly prefixes: boolean;
}

const word32 = 0xffff_ffff;

function numeric(width: number, names: NameTable | undefined, numbers: boolean): Type {
  return {
    widths: [width],
    prefixes: false,
    point: (word) => {
      const named = names?.get(word);
      if (named !== undefined) return [named];
      const value = numbers ? readNumber(word) : undefined;
      return value === undefined || value >= 2 ** width ? undefined : [value];
    },
  };
}

/** nft's data types whose values are numbers or addresses, by nft's names. */
const types = {
  ipv4_addr: { widths: [32], prefixes: true, point: readAddress4 },
  ipv6_addr: { widths: [32, 32, 32, 32], prefixes: true, point: readAddress6 },
  inet_proto: numeric(8, protocolNames, true),
  inet_service: numeric(16, undefined, true),
  icmp_type: numeric(8, icmpTypeNames, true),
  icmp_code: numeric(8, icmpCodeNames, true),
  icmpv6_type: numeric(8, icmpv6TypeNames, true),
  icmpv6_code: numeric(8, icmpv6CodeNames, true),
  integer: numeric(8, undefined, true),
  nf_proto: numeric(1, familyNames, false),
  ct_state: numeric(3, stateNames, false),
  ct_dir: numeric(1, directionNames, false),
  fib_addrtype: numeric(1, addressTypeNames, false),
} as const satisfies Readonly<Record<string, Type>>;

export type NumericType = keyof typeof types;

/** The boxes of a scalar; undefined where it is no value of the type. */
export function readScalar(type: NumericType, scalar: Scalar): readonly Box[] | undefined {
  const ends = readEnds(type, scalar);
  return ends === undefined ? undefined : rangeBoxes(ends.low, ends.high);
}

/** The first and the last address of a scalar; undefined where it is none. */
export function readAddresses(type: 'ipv4_addr' | 'ipv6_addr', scalar: Scalar): AddressSet | undefined {
  const ends = readEnds(type, scalar);
  if (ends === undefined) return undefined;
  if (type === 'ipv4_addr') return { v4: [{ first: ends.low[0] ?? 0, last: ends.high[0] ?? 0 }], v6: [] };
  const whole = (point: Point): bigint => point.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n);
  return { v4: [], v6: [{ first: whole(ends.low), last: whole(ends.high) }] };
}

interface Ends {
  readonly low: Point;
  readonly high: Point;
}

function readEnds(type: NumericType, scalar: Scalar): Ends | undefined {
  const known: Type = types[type];
  if (typeof scalar !== 'string') {
    if ('address' in scalar) return readPrefix(known, scalar.address, scalar.length);
    return readRange(known, scalar.first, scalar.last);
  }
  const point = known.point(scalar);
  if (point !== undefined) return { low: point, high: point };
  const slash = scalar.indexOf('/');
  if (slash >= 0) {
    const length = readNumber(scalar.slice(slash + 1));
    return length === undefined ? undefined : readPrefix(known, scalar.slice(0, slash), length);
  }
  // Names have dashes too: the dash of the range is the one with a value on either side.
  for (let dash = scalar.indexOf('-'); dash >= 0; dash = scalar.indexOf('-', dash + 1)) {
    const range = readRange(known, scalar.slice(0, dash), scalar.slice(dash + 1));
    if (range !== undefined) return range;
  }
  return undefined;
}

/** Decimal or hexadecimal, below 2^32; nft's octal-looking forms are none. */
export function readNumber(word: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,9}|0x[\da-fA-F]{1,8})$/u.test(word)) return undefined;
  const value = Number(word);
  return value <= word32 ? value : undefined;
}

function pointBox(point: Point): Box {
  return point.flatMap((value) => [value, value]);
}

function readPrefix(type: Type, address: string, length: number): Ends | undefined {
  const point = type.prefixes ? type.point(address) : undefined;
  if (point === undefined || !Number.isInteger(length) || length < 0 || length > 32 * point.length) return undefined;
  const last: number[] = [];
  for (const [index, value] of point.entries()) {
    const bits = Math.min(32, Math.max(0, length - 32 * index));
    const free = 2 ** (32 - bits) - 1;
    // Bits behind the prefix: nft would cut them off, we never write them.
    if (value % (free + 1) !== 0) return undefined;
    last.push(value + free);
  }
  return { low: point, high: last };
}

function readRange(type: Type, first: string, last: string): Ends | undefined {
  const low = type.point(first);
  const high = type.point(last);
  if (low === undefined || high === undefined) return undefined;
  const difference = high.map((value, index) => value - (low[index] ?? 0)).find((slot) => slot !== 0) ?? 0;
  return difference < 0 ? undefined : { low, high };
}

/** Boxes of all points from `low` to `high` in the order of the slots. */
function rangeBoxes(low: Point, high: Point): readonly Box[] {
  const result: Box[] = [];
  const free = (count: number): number[] => Array.from({ length: count }, () => [0, word32]).flat();
  const last = low.length - 1;
  const exact = (point: Point, count: number): number[] => [...pointBox(point.slice(0, count))];
  let common = 0;
  while (common < last && low[common] === high[common]) common++;
  const from = low[common] ?? 0;
  const to = high[common] ?? 0;
  const isFirst = (point: Point): boolean => point.slice(common + 1).every((value) => value === 0);
  const isLast = (point: Point): boolean => point.slice(common + 1).every((value) => value === word32);
  // Whole slots in the middle; at either end what is left below the first slot that differs.
  const wholeFrom = isFirst(low) ? from : from + 1;
  const wholeTo = isLast(high) ? to : to - 1;
  if (wholeFrom <= wholeTo) result.push([...exact(low, common), wholeFrom, wholeTo, ...free(last - common)]);
  if (wholeFrom > from) {
    for (let slot = common + 1; slot <= last; slot++) {
      const start = slot === last ? (low[slot] ?? 0) : (low[slot] ?? 0) + 1;
      if (start <= word32) result.push([...exact(low, slot), start, word32, ...free(last - slot)]);
    }
  }
  if (wholeTo < to) {
    for (let slot = common + 1; slot <= last; slot++) {
      const end = slot === last ? (high[slot] ?? 0) : (high[slot] ?? 0) - 1;
      if (end >= 0) result.push([...exact(high, slot), 0, end, ...free(last - slot)]);
    }
  }
  return result;
}

function readAddress4(word: string): Point | undefined {
  const value = address4(word);
  return value === undefined ? undefined : [value];
}

function address4(word: string): number | undefined {
  let value = 0;
  let octets = 1;
  let octet = -1;
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    if (code === 46) {
      if (octet < 0) return undefined;
      value = value * 256 + octet;
      octet = -1;
      octets++;
    } else if (code >= 48 && code <= 57 && octet !== 0) {
      octet = (octet < 0 ? 0 : octet) * 10 + code - 48;
      if (octet > 255) return undefined;
    } else {
      return undefined;
    }
  }
  return octets === 4 && octet >= 0 ? value * 256 + octet : undefined;
}

/** RFC 4291, section 2.2: eight groups, `::` for one or more zero groups, the last two also as an IPv4 address. */
function readAddress6(word: string): Point | undefined {
  const halves = word.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : readGroups(half)));
  const [head, tail] = groups;
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const rest = tail ?? [];
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  if (halves.length === 2 && (halves[0] ?? '').includes('.')) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...rest];
  return [0, 2, 4, 6].map((index) => (all[index] ?? 0) * 65536 + (all[index + 1] ?? 0));
}

function readGroups(half: string): number[] | undefined {
  const result: number[] = [];
  const texts = half.split(':');
  for (const [index, text] of texts.entries()) {
    if (/^[\da-fA-F]{1,4}$/u.test(text)) {
      result.push(Number.parseInt(text, 16));
    } else {
      const value = index === texts.length - 1 ? address4(text) : undefined;
      if (value === undefined) return undefined;
      result.push(Math.floor(value / 65536), value % 65536);
    }
  }
  return result;
}
