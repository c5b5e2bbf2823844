/**
 * Words to ranges: addresses with prefix or mask, ranges of addresses, ports, numbers.
 *
 * Takes a word as written, gives canonical ranges, or undefined for what is no such value. The one idea: host bits and odd masks mean what
 * they mean to the kernel (address & mask), so a mask with holes is many ranges.
 */
import { type Address, type AddressRange, type Family, max4, networkOf, parseAddress } from '../../src/net/address.ts';
import { addressSet, type AddressSet } from '../../src/net/address-set.ts';
import type { Range } from '../../src/net/ranges.ts';

/** Ranges that one mask may stand for; 255.0.255.0 stands for 256. */
const mostRanges = 4096;

/** `10.0.0.0/8`, `10.0.0.1/255.255.0.255`, `::1`; the length is undefined for a mask with holes. */
export function readNetwork(text: string, family: Family): AddressSet | undefined {
  const [addressText = '', maskText, ...more] = text.split('/');
  const address = parseAddress(addressText);
  if (address?.family !== family || more.length > 0) return undefined;
  const length = maskText === undefined ? widthOf(family) : readLength(maskText, family);
  if (length !== undefined) return addressSet([networkOf(address, length)]);
  const mask = parseAddress(maskText ?? '');
  if (mask?.family !== family) return undefined;
  const ranges = masked(address, mask);
  return ranges === undefined ? undefined : addressSet(ranges);
}

/** The network that an element of a set names, with its length. */
export function readPrefix(text: string, family: Family): { readonly range: AddressRange; readonly length: number } | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const length = slash < 0 ? widthOf(family) : readLength(text.slice(slash + 1), family);
  if (address?.family !== family || length === undefined) return undefined;
  return { range: networkOf(address, length), length };
}

/** `10.0.0.1-10.0.0.9`; one address stands for itself. */
export function readRange(text: string, family: Family): AddressRange | undefined {
  const [first, last, ...more] = text.split('-').map(parseAddress);
  const end = text.includes('-') ? last : first;
  if (first?.family !== family || end?.family !== family || more.length > 0) return undefined;
  if (first.value > end.value) return undefined;
  return { family, first: first.value, last: end.value } as AddressRange;
}

export function widthOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** A decimal or `0x` number that fits 32 bits. */
export function readNumber(text: string): number | undefined {
  if (!/^(?:\d{1,10}|0[xX][0-9a-fA-F]{1,8})$/u.test(text) || /^0\d/u.test(text)) return undefined;
  const value = Number(text);
  return value <= max4 ? value : undefined;
}

/** `502`, `1:9`, `:9` or `1024:`. */
export function readPorts(text: string): Range<number> | undefined {
  const match = /^(\d{0,5})(:?)(\d{0,5})$/u.exec(text);
  if (match === null || text === '') return undefined;
  const [, low = '', colon = '', high = ''] = match;
  const first = low === '' ? 0 : Number(low);
  const last = colon === '' ? first : high === '' ? 0xffff : Number(high);
  return first <= last && last <= 0xffff ? { first, last } : undefined;
}

function readLength(text: string, family: Family): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/u.test(text)) return undefined;
  const length = Number(text);
  return length <= widthOf(family) ? length : undefined;
}

/** Every address that agrees with `address` where the mask has ones. */
function masked(address: Address, mask: Address): readonly AddressRange[] | undefined {
  const width = widthOf(address.family);
  const bits = BigInt(mask.value);
  const wanted = BigInt(address.value) & bits;
  let low = 0;
  while (low < width && ((bits >> BigInt(low)) & 1n) === 0n) low++;
  const holes: bigint[] = [];
  for (let bit = low; bit < width; bit++) if (((bits >> BigInt(bit)) & 1n) === 0n) holes.push(1n << BigInt(bit));
  if (2 ** holes.length > mostRanges) return undefined;
  const size = 1n << BigInt(low);
  return Array.from({ length: 2 ** holes.length }, (_, number) => {
    const first = holes.reduce((sum, hole, index) => (((number >> index) & 1) === 1 ? sum + hole : sum), wanted);
    const last = first + size - 1n;
    return address.family === 4 ? { family: 4, first: Number(first), last: Number(last) } : { family: 6, first, last };
  });
}
