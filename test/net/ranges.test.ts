/** Laws of range sets, against sets of integers on a small universe. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canonical, intersectRanges, type Range, rangesContain, rangesSize, rangesWithin, subtractRanges, unionRanges } from '../../src/net/ranges.ts';

const universe = 40;
const range = fc
  .tuple(fc.integer({ min: 0, max: universe - 1 }), fc.integer({ min: 0, max: universe - 1 }))
  .map(([first, last]): Range<number> => ({ first, last }));
const ranges = fc.array(range, { maxLength: 8 }).map(canonical);

function members(set: readonly Range<number>[]): Set<number> {
  const result = new Set<number>();
  for (const { first, last } of set) for (let value = first; value <= last; value++) result.add(value);
  return result;
}

function isCanonical(set: readonly Range<number>[]): boolean {
  return set.every((one, index) => one.first <= one.last && (index === 0 || one.first > (set[index - 1]?.last ?? 0) + 1));
}

describe('range sets', () => {
  test.prop([ranges, ranges])('union, intersection and difference are those of sets', (a, b) => {
    const [inA, inB] = [members(a), members(b)];
    expect(members(unionRanges(a, b))).toEqual(new Set([...inA, ...inB]));
    expect(members(intersectRanges(a, b))).toEqual(new Set([...inA].filter((value) => inB.has(value))));
    expect(members(subtractRanges(a, b))).toEqual(new Set([...inA].filter((value) => !inB.has(value))));
  });

  test.prop([ranges, ranges])('every result is canonical, so equal sets are equal lists', (a, b) => {
    for (const set of [unionRanges(a, b), intersectRanges(a, b), subtractRanges(a, b)]) expect(isCanonical(set)).toBe(true);
  });

  test.prop([ranges, fc.integer({ min: 0, max: universe })])('membership and size', (a, value) => {
    expect(rangesContain(a, value)).toBe(members(a).has(value));
    expect(rangesSize(a)).toBe(members(a).size);
    expect(rangesWithin(intersectRanges(a, [{ first: 0, last: value }]), a)).toBe(true);
  });

  it('counts IPv6 ranges far from zero', () => {
    expect(rangesSize([{ first: 0x20010db8n << 96n, last: (0x20010db8n << 96n) + 9n }])).toBe(10);
    expect(rangesSize([{ first: 0x20010db8n << 96n, last: (0x20010db8n << 96n) + 2n ** 40n - 1n }])).toBe(2 ** 40);
  });

  it('keeps IPv6 exact where numbers would round', () => {
    const top = 2n ** 128n - 1n;
    expect(subtractRanges([{ first: 0n, last: top }], [{ first: top, last: top }])).toEqual([{ first: 0n, last: top - 1n }]);
    expect(
      canonical([
        { first: 2n ** 64n, last: 2n ** 64n },
        { first: 2n ** 64n + 1n, last: 2n ** 65n },
      ]),
    ).toEqual([{ first: 2n ** 64n, last: 2n ** 65n }]);
  });
});
