/** Laws of sets of messages: the algebra against membership of single messages, and one list for each set. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  allFunctions,
  complementBelow,
  containsMessage,
  detailsIn,
  functionBox,
  functionRanges,
  type FunctionSet,
  functionsEqual,
  functionsText,
  intersectFunctions,
  isEveryFunction,
  type MessageDetails,
  numbersIn,
  subtractFunctions,
  unionFunctions,
} from '../../src/packets/function-set.ts';

const span = (most: number): fc.Arbitrary<{ first: number; last: number }> =>
  fc
    .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }))
    .map(([a, b]) => ({ first: Math.min(a, b), last: a === 4 || b === 4 ? most : Math.max(a, b) }));
const maybe = (most: number): fc.Arbitrary<{ first: number; last: number } | undefined> => fc.option(span(most), { nil: undefined });
const box = fc
  .record({ number: fc.integer({ min: 0, max: 3 }), units: maybe(255), first: maybe(65_535), last: maybe(131_071) })
  .map(({ number, ...rest }) => functionBox(number, rest));
const atom = fc.oneof({ weight: 4, arbitrary: box }, { weight: 1, arbitrary: span(4095).map((one) => functionRanges([one])) });
const sets = fc
  .array(fc.tuple(atom, fc.boolean()), { maxLength: 5 })
  .map((list) => list.reduce<FunctionSet>((all, [one, more]) => (more ? unionFunctions(all, one) : subtractFunctions(all, one)), []));

/** Every value that some set may tell apart, and one far beyond. */
const near = [0, 1, 2, 3, 4, 5];
const messages = [...near, 4095].flatMap((number) =>
  [...near, 255].flatMap((unit) =>
    [...near, 65_535].flatMap((firstAddress) =>
      [...near, 131_071].map((lastAddress): [number, MessageDetails] => [number, { unit, firstAddress, lastAddress }]),
    ),
  ),
);
const members = (set: FunctionSet): boolean[] => messages.map(([number, details]) => containsMessage(set, number, details));

describe('sets of messages', () => {
  test.prop([sets, sets])('membership of union, intersection and difference', (a, b) => {
    const [x, y] = [members(a), members(b)];
    expect(members(unionFunctions(a, b))).toEqual(x.map((one, at) => one || y[at] === true));
    expect(members(intersectFunctions(a, b))).toEqual(x.map((one, at) => one && y[at] === true));
    expect(members(subtractFunctions(a, b))).toEqual(x.map((one, at) => one && y[at] !== true));
  });

  test.prop([sets, sets])('equal sets are equal lists', (a, b) => {
    const same = members(a).join() === members(b).join();
    expect(functionsEqual(a, b)).toBe(same);
    expect(functionsText(a) === functionsText(b)).toBe(same);
    expect(unionFunctions(subtractFunctions(a, b), intersectFunctions(a, b))).toEqual(a);
    expect(subtractFunctions(allFunctions, subtractFunctions(allFunctions, a))).toEqual(a);
    expect(isEveryFunction(unionFunctions(a, subtractFunctions(allFunctions, a)))).toBe(true);
  });

  test.prop([sets])('numbers, and what of a function is in it', (a) => {
    const has = (number: number): boolean => numbersIn(a).some(({ first, last }) => first <= number && number <= last);
    for (const number of near) {
      const some = messages.some(([one, details]) => one === number && containsMessage(a, one, details));
      expect(has(number)).toBe(some);
      expect(detailsIn(a, number).length > 0).toBe(some);
      expect(detailsIn(a, number) === 'all').toBe(messages.every(([one, details]) => one !== number || containsMessage(a, one, details)));
      const rest = subtractFunctions(functionRanges([{ first: number, last: number }]), a);
      expect(complementBelow(detailsIn(a, number), 1)).toEqual(detailsIn(rest, number));
    }
  });

  it('is a plain list of numbers where no unit or address is told apart', () => {
    expect(functionBox(3, { units: { first: 0, last: 255 }, first: { first: 0, last: 65_535 }, last: { first: 0, last: 131_071 } })).toEqual([
      { low: 3, high: 3, below: 'all' },
    ]);
    const halves = unionFunctions(functionBox(3, { units: { first: 0, last: 99 } }), functionBox(3, { units: { first: 100, last: 255 } }));
    expect(unionFunctions(halves, functionRanges([{ first: 4, last: 5 }]))).toEqual([{ low: 3, high: 5, below: 'all' }]);
  });
});
