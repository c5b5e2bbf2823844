/**
 * Sets of addresses of both families, and the addresses that are special by standard.
 *
 * The families stay apart in every operation; an empty side is empty, never "any".
 */
import { type Address, type AddressRange, formatRange, max4, max6, parsePrefix } from './address.ts';
import { canonical, intersectRanges, type Ranges, rangesContain, rangesMeet, rangesWithin, subtractRanges, unionRanges } from './ranges.ts';

export interface AddressSet {
  readonly v4: Ranges<number>;
  readonly v6: Ranges<bigint>;
}

export const noAddresses: AddressSet = { v4: [], v6: [] };
export const allAddresses: AddressSet = { v4: [{ first: 0, last: max4 }], v6: [{ first: 0n, last: max6 }] };

export function addressSet(ranges: readonly AddressRange[]): AddressSet {
  return {
    v4: canonical(ranges.filter((range) => range.family === 4)),
    v6: canonical(ranges.filter((range) => range.family === 6)),
  };
}

export function addressSetOf(address: Address): AddressSet {
  return address.family === 4
    ? { v4: [{ first: address.value, last: address.value }], v6: [] }
    : { v4: [], v6: [{ first: address.value, last: address.value }] };
}

/** Gives a set that stands alone itself: what later stages remember of it then holds for every use of a name. */
export function unionAddresses(...sets: readonly AddressSet[]): AddressSet {
  const [only] = sets;
  if (only !== undefined && sets.length === 1) return only;
  return { v4: unionRanges(...sets.map((set) => set.v4)), v6: unionRanges(...sets.map((set) => set.v6)) };
}

/** Gives `a` itself where it lies within `b`. */
export function intersectAddresses(a: AddressSet, b: AddressSet): AddressSet {
  if (addressesWithin(a, b)) return a;
  return { v4: intersectRanges(a.v4, b.v4), v6: intersectRanges(a.v6, b.v6) };
}

/** Gives `a` itself where nothing of it lies in `b`. */
export function subtractAddresses(a: AddressSet, b: AddressSet): AddressSet {
  if (!addressesMeet(a, b)) return a;
  return { v4: subtractRanges(a.v4, b.v4), v6: subtractRanges(a.v6, b.v6) };
}

export function addressesWithin(a: AddressSet, b: AddressSet): boolean {
  return rangesWithin(a.v4, b.v4) && rangesWithin(a.v6, b.v6);
}

/** Whether they have an address in common. */
export function addressesMeet(a: AddressSet, b: AddressSet): boolean {
  return rangesMeet(a.v4, b.v4) || rangesMeet(a.v6, b.v6);
}

export function containsAddress(set: AddressSet, address: Address): boolean {
  return address.family === 4 ? rangesContain(set.v4, address.value) : rangesContain(set.v6, address.value);
}

export function isEmpty(set: AddressSet): boolean {
  return set.v4.length === 0 && set.v6.length === 0;
}

export function someAddress(set: AddressSet): Address | undefined {
  const range4 = set.v4[0];
  if (range4 !== undefined) return { family: 4, value: range4.first };
  const range6 = set.v6[0];
  return range6 === undefined ? undefined : { family: 6, value: range6.first };
}

export function addressRanges(set: AddressSet): AddressRange[] {
  return [...set.v4.map((range) => ({ family: 4 as const, ...range })), ...set.v6.map((range) => ({ family: 6 as const, ...range }))];
}

/** `10.0.0.0/16, 2001:db8::/32`, or `nothing`. */
export function formatAddresses(set: AddressSet): string {
  const parts = addressRanges(set).map(formatRange);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

function networks(...texts: readonly string[]): AddressSet {
  return addressSet(
    texts.map((text) => {
      const prefix = parsePrefix(text);
      if (prefix === undefined) throw new Error(`bad built-in network ${text}`);
      return prefix.network;
    }),
  );
}

/**
 * Addresses that lie in no zone, whatever a zone's networks say: RFC 6890 (this host, loopback, link-local), RFC 5771
 * and RFC 4291 (multicast), RFC 919 (limited broadcast), RFC 4291 (unspecified, loopback, link-local).
 */
export const zonelessAddresses: AddressSet = networks(
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
);

/** What no interface gets as its address: unspecified, loopback, multicast, broadcast. */
export const neverDynamic: AddressSet = networks('0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '255.255.255.255/32', '::/127', 'ff00::/8');

export const unspecified: AddressSet = networks('0.0.0.0/32', '::/128');
export { networks as builtInNetworks };
