/**
 * The address line against brute force: which addresses a segment holds, tried address by address at both ends of both families.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type Address, type AddressRange, max4, max6 } from '../../src/net/address.ts';
import { addressSet, type AddressSet, allAddresses, containsAddress, noAddresses, unionAddresses } from '../../src/net/address-set.ts';
import { AddressLine } from '../../src/packets/address-line.ts';

/** Small numbers stand for addresses at the very beginning, in the middle and at the very end of each family. */
const size = 24;
function address4(index: number): number {
  return index < 8 ? index : index < 16 ? 0x0a00_0000 + index : max4 - (size - 1 - index);
}
function address6(index: number): bigint {
  return index < 8 ? BigInt(index) : index < 16 ? (0x2001_0db8n << 96n) + BigInt(index) : max6 - BigInt(size - 1 - index);
}
const universe: readonly Address[] = Array.from({ length: size }, (_, index): Address[] => [
  { family: 4, value: address4(index) },
  { family: 6, value: address6(index) },
]).flat();

const index = fc.integer({ min: 0, max: size - 1 });
const range: fc.Arbitrary<AddressRange> = fc.tuple(fc.constantFrom(4, 6), index, index).map(([family, a, b]): AddressRange => {
  const [first, last] = [Math.min(a, b), Math.max(a, b)];
  return family === 4 ? { family: 4, first: address4(first), last: address4(last) } : { family: 6, first: address6(first), last: address6(last) };
});
const set: fc.Arbitrary<AddressSet> = fc.oneof(
  { weight: 12, arbitrary: fc.array(range, { maxLength: 4 }).map(addressSet) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      allAddresses,
      noAddresses,
      addressSet([{ family: 4, first: 0, last: max4 }]),
      addressSet([{ family: 6, first: 0n, last: max6 }]),
    ),
  },
);
const sets = fc.array(set, { maxLength: 5 });

function segmentsOf(line: AddressLine, one: AddressSet): number[] {
  return ([4, 6] as const)
    .flatMap((family) => line.segments(one, family))
    .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
}

function text(one: AddressSet): string {
  return JSON.stringify(one, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value));
}

describe('the address line', () => {
  test.prop([sets])('numbers every address by one segment, IPv4 first, in order', (cuts) => {
    const line = new AddressLine(cuts);
    const numbers = universe.map((address) => line.segmentOf(address));
    for (const [at, number] of numbers.entries()) {
      expect(number >= 0 && number < line.size).toBe(true);
      expect(line.family(number)).toBe(universe[at]?.family);
    }
    for (const family of [4, 6] as const) {
      const own = numbers.filter((_, at) => universe[at]?.family === family);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });

  test.prop([sets])('two addresses are in one segment exactly if no border lies between them', (cuts) => {
    const line = new AddressLine(cuts);
    const wrong = universe.flatMap((a) =>
      universe.filter((b) => {
        if (a.family !== b.family || a.value >= b.value) return false;
        const between = cuts.some((one) =>
          (a.family === 4 ? one.v4 : one.v6).some(({ first, last }) => (a.value < first && first <= b.value) || (a.value <= last && last < b.value)),
        );
        return (line.segmentOf(a) === line.segmentOf(b)) === between;
      }),
    );
    expect(wrong).toEqual([]);
  });

  test.prop([sets, set])('segments and addresses of a set are inverse, and hold exactly its members', (cuts, one) => {
    const line = new AddressLine([...cuts, one]);
    const segments = segmentsOf(line, one);
    expect(universe.filter((address) => segments.includes(line.segmentOf(address)) !== containsAddress(one, address))).toEqual([]);
    const ranges = ([4, 6] as const).flatMap((family) => line.segments(one, family));
    expect(text(unionAddresses(line.addresses(ranges)))).toBe(text(unionAddresses(one)));
    // Also where the segments of both families touch on the line and are one range.
    const sorted = segments.toSorted((a, b) => a - b);
    const joined =
      sorted.length > 0 && sorted.length === (sorted.at(-1) ?? 0) - (sorted[0] ?? 0) + 1 ? [{ first: sorted[0] ?? 0, last: sorted.at(-1) ?? 0 }] : ranges;
    expect(text(unionAddresses(line.addresses(joined)))).toBe(text(unionAddresses(one)));
  });

  test.prop([sets])('the first address of a segment lies in it, and the one before it does not', (cuts) => {
    const line = new AddressLine(cuts);
    for (let segment = 0; segment < line.size; segment++) {
      const first = line.firstAddress(segment);
      expect(line.segmentOf(first)).toBe(segment);
      if (first.family === 4 && first.value > 0) expect(line.segmentOf({ family: 4, value: first.value - 1 })).toBe(segment - 1);
      if (first.family === 6 && first.value > 0n) expect(line.segmentOf({ family: 6, value: first.value - 1n })).toBe(segment - 1);
    }
    expect(() => line.firstAddress(line.size)).toThrow('no segment');
  });

  test.prop([sets])('all addresses of a segment are those that share it', (cuts) => {
    const line = new AddressLine(cuts);
    for (const address of universe) {
      const holding = line.segmentHolding(address);
      const wrong = universe.filter((other) => containsAddress(holding, other) !== (line.segmentOf(other) === line.segmentOf(address)));
      expect(wrong).toEqual([]);
    }
  });

  test.prop([sets, set])('a set with a border that was not cut is refused', (cuts, one) => {
    const line = new AddressLine(cuts);
    const isCut = ([4, 6] as const).every((family) =>
      (family === 4 ? one.v4 : one.v6).every(({ first, last }) => {
        const starts = (value: number | bigint): boolean =>
          Number(value) === 0 ||
          cuts.some((cut) => (family === 4 ? cut.v4 : cut.v6).some((range) => range.first === value || BigInt(range.last) + 1n === BigInt(value)));
        const end = BigInt(last) + 1n;
        const most = family === 4 ? BigInt(max4) : max6;
        return starts(first) && (end > most || starts(family === 4 ? Number(end) : end));
      }),
    );
    const ask = (): number[] => segmentsOf(line, one);
    if (isCut) expect(ask().length).toBeGreaterThanOrEqual(one.v4.length + one.v6.length);
    else expect(ask).toThrow('not cut');
  });

  test.prop([sets, set])('places hold exactly the addresses of a set whose borders were cut, and every number of their bits is an address', (cuts, one) => {
    const line = new AddressLine([...cuts, one]);
    for (const family of [4, 6] as const) {
      const places = line.places(family, family === 4 ? one.v4 : one.v6);
      const within = (place: number): boolean => places.some(({ first, last }) => first <= place && place <= last);
      for (const address of universe) if (address.family === family) expect(within(line.placeOf(address))).toBe(containsAddress(one, address));
      for (const place of [0, 1, 2 ** line.bits - 1]) {
        const address = line.addressAt(family, place);
        expect(within(place)).toBe(containsAddress(one, address));
      }
    }
  });

  test.prop([sets, set])('is cut at the borders of a set exactly if its segments can be told', (cuts, one) => {
    const line = new AddressLine(cuts);
    let told = true;
    try {
      for (const family of [4, 6] as const) line.segments(one, family);
    } catch {
      told = false;
    }
    expect(line.isCutAt(one)).toBe(told);
  });

  it('is one segment a family if nothing cuts it', () => {
    const line = new AddressLine([]);
    expect(line.size).toBe(2);
    expect(text(line.addresses([{ first: 0, last: 1 }]))).toBe(text(allAddresses));
    expect(line.segments(allAddresses, 4)).toEqual([{ first: 0, last: 0 }]);
    expect(line.segments(allAddresses, 6)).toEqual([{ first: 1, last: 1 }]);
    expect(line.segments(noAddresses, 6)).toEqual([]);
  });
});
