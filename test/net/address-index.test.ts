/** What an index finds is what trying every set finds, at the ends of both families too. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { max4, max6 } from '../../src/net/address.ts';
import { AddressIndex } from '../../src/net/address-index.ts';
import type { AddressSet } from '../../src/net/address-set.ts';
import { canonical, type Range } from '../../src/net/ranges.ts';

const small = 12;
/** Near both ends of a family, so that sets touch, overlap and end with the last address. */
const place = fc.oneof(fc.integer({ min: 0, max: small }), fc.integer({ min: -small, max: -1 }));
const range = fc.tuple(place, place);
const set = fc.tuple(fc.array(range, { maxLength: 3 }), fc.array(range, { maxLength: 3 })).map(([four, six]): AddressSet => ({
  v4: canonical(four.map(([a, b]): Range<number> => ({ first: a < 0 ? max4 + 1 + a : a, last: b < 0 ? max4 + 1 + b : b }))),
  v6: canonical(six.map(([a, b]): Range<bigint> => ({ first: a < 0 ? max6 + 1n + BigInt(a) : BigInt(a), last: b < 0 ? max6 + 1n + BigInt(b) : BigInt(b) }))),
}));

/** Of each family the probed addresses that lie in a set; ranges of `set` begin and end at such addresses alone. */
function members({ v4, v6 }: AddressSet): string[] {
  const near = Array.from({ length: small + 1 }, (_, index) => index);
  const four = [...near, max4 / 2, ...near.map((value) => max4 - value)].filter((value) => v4.some(({ first, last }) => first <= value && value <= last));
  const wide = near.map(BigInt);
  const six = [...wide, max6 / 2n, ...wide.map((value) => max6 - value)].filter((value) => v6.some(({ first, last }) => first <= value && value <= last));
  return [...four.map((value) => `4 ${value}`), ...six.map((value) => `6 ${value}`)];
}

describe('an index of address sets', () => {
  test.prop([fc.array(set, { maxLength: 6 }), fc.array(set, { minLength: 1, maxLength: 4 })])('finds the parts that trying every set finds', (sets, asked) => {
    const index = new AddressIndex(sets);
    for (const one of asked) {
      const mine = members(one);
      const expected = sets.map((other) => members(other).filter((member) => mine.includes(member)));
      const found = sets.map((): string[] => []);
      for (const { index: at, part } of index.parts(one)) found[at] = members(part);
      expect(found).toEqual(expected);
      expect(index.parts(one).map((part) => part.index)).toEqual(expected.flatMap((part, at) => (part.length > 0 ? [at] : [])));
      expect(index.parts(one)).toBe(index.parts(one));
    }
  });
});
