/**
 * Addresses, prefixes and ranges: text to integers and back.
 *
 * ip-num reads the text at this edge; inside, an IPv4 address is a number and an IPv6 address a bigint. Canonical text
 * follows RFC 5952.
 */
import { IPv4, IPv6 } from 'ip-num';
import type { Range } from './ranges.ts';

export type Family = 4 | 6;
export const families: readonly Family[] = [4, 6];

export type Address = { readonly family: 4; readonly value: number } | { readonly family: 6; readonly value: bigint };

export type AddressRange = ({ readonly family: 4 } & Range<number>) | ({ readonly family: 6 } & Range<bigint>);

export const max4 = 0xffff_ffff;
export const max6 = (1n << 128n) - 1n;

/** Reads one address; undefined if the text is none (zone indices, leading zeros and shortened IPv4 are none). */
export function parseAddress(text: string): Address | undefined {
  try {
    if (text.includes(':')) {
      if (text.length > 45 || !/^[0-9A-Fa-f:.]+$/u.test(text)) return undefined;
      return { family: 6, value: new IPv6(text).getValue() };
    }
    if (!/^\d{1,3}(\.\d{1,3}){3}$/u.test(text)) return undefined;
    return { family: 4, value: Number(new IPv4(text).getValue()) };
  } catch {
    return undefined;
  }
}

export interface ParsedPrefix {
  readonly address: Address;
  readonly length: number;
  /** The network that the address lies in. */
  readonly network: AddressRange;
  /** True if the address has bits set behind the prefix. */
  readonly hostBits: boolean;
}

/** Reads `address/length`; undefined if the text is none. */
export function parsePrefix(text: string): ParsedPrefix | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(text.slice(0, Math.max(slash, 0)));
  const lengthText = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/u.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > (address.family === 4 ? 32 : 128)) return undefined;
  const network = networkOf(address, length);
  return { address, length, network, hostBits: network.first !== address.value };
}

export function networkOf(address: Address, length: number): AddressRange {
  if (address.family === 4) {
    const size = 2 ** (32 - length);
    const first = Math.floor(address.value / size) * size;
    return { family: 4, first, last: first + size - 1 };
  }
  const bits = BigInt(128 - length);
  const first = (address.value >> bits) << bits;
  return { family: 6, first, last: first + (1n << bits) - 1n };
}

export function formatAddress4(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
export function formatAddress6(value: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8;) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > bestLength) {
      bestStart = i;
      bestLength = j - i;
    }
    i = Math.max(j, i + 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestStart === -1) return hex.join(':');
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`;
}

export function formatAddress(address: Address): string {
  return address.family === 4 ? formatAddress4(address.value) : formatAddress6(address.value);
}

/** One prefix of a range's split; `first` is its network address. */
export interface Prefix<T extends number | bigint> {
  readonly first: T;
  readonly length: number;
}

/** The fewest prefixes that make up the range. */
export function prefixesOf4(range: Range<number>): Prefix<number>[] {
  const result: Prefix<number>[] = [];
  let first = range.first;
  while (first <= range.last) {
    let bits = 0;
    while (bits < 32 && first % 2 ** (bits + 1) === 0 && first + 2 ** (bits + 1) - 1 <= range.last) bits++;
    result.push({ first, length: 32 - bits });
    first += 2 ** bits;
  }
  return result;
}

export function prefixesOf6(range: Range<bigint>): Prefix<bigint>[] {
  const result: Prefix<bigint>[] = [];
  let first = range.first;
  while (first <= range.last) {
    const room = bitsOf(range.last - first + 1n) - 1;
    // The lowest bit that is set says how large a prefix may begin here.
    const bits = first === 0n ? room : Math.min(bitsOf(first & -first) - 1, room);
    result.push({ first, length: 128 - bits });
    first += 1n << BigInt(bits);
  }
  return result;
}

/** Bits that a positive number needs. */
function bitsOf(value: bigint): number {
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(Number.parseInt(digits[0] ?? '0', 16)) + 28;
}

/** `10.0.0.0/16`, `10.0.0.5` or `10.0.0.5-10.0.0.9`. */
export function formatRange(range: AddressRange): string {
  const text = (value: number | bigint): string => (typeof value === 'number' ? formatAddress4(value) : formatAddress6(value));
  if (range.first === range.last) return text(range.first);
  const prefixes = range.family === 4 ? prefixesOf4(range) : prefixesOf6(range);
  const only = prefixes[0];
  if (prefixes.length === 1 && only !== undefined) return `${text(only.first)}/${only.length}`;
  return `${text(range.first)}-${text(range.last)}`;
}
