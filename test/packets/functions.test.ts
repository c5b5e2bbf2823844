/** Numbers of functions: ranges by class, neighbours where they are allowed together, nothing without a meaning. */
import { functionRanges, subtractFunctions, unionFunctions } from '../../src/packets/function-set.ts';
import { describe, expect, test } from 'vitest';
import { allFunctions, FunctionTable, type NumberedFunction, noFunction, otherFunction } from '../../src/packets/functions.ts';

const known: readonly NumberedFunction[] = [
  ['zeta', 'write', 'w1'],
  ['alpha', 'write', 'w1'],
  ['alpha', 'read', 'r2'],
  ['alpha', 'session', 's1'],
  ['alpha', undefined, 'u1'],
  ['alpha', 'read', 'r1'],
  ['alpha', 'diagnostics', 'd1'],
].map(([protocol = '', name, word = '']) => ({ protocol, class: name, name: word }));
const table = new FunctionTable(known);

function numbered(protocol: string, name: string): number {
  return table.number(known.find((one) => one.protocol === protocol && one.name === name) ?? { protocol, name, class: undefined });
}

describe('the numbers', () => {
  test('go by protocol and class; what an allow of reading means is one range', () => {
    expect(['s1', 'r2', 'r1', 'd1', 'w1', 'u1'].map((name) => numbered('alpha', name))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(numbered('zeta', 'w1')).toBe(7);
    const read = known.filter((one) => one.protocol === 'alpha' && (one.class === 'read' || one.class === 'session'));
    expect(table.set(read)).toEqual(functionRanges([{ first: 1, last: 3 }]));
  });

  test('do not depend on the order of protocols and classes', () => {
    const again = new FunctionTable([...known.slice(3), ...known.slice(0, 3)]);
    for (const one of known.filter((each) => each.class !== 'read')) expect(again.number(one)).toBe(table.number(one));
  });

  test('every number means something: none, a function, or other', () => {
    expect(table.message(noFunction)).toEqual({ kind: 'none' });
    expect(table.message(5)).toEqual({ kind: 'function', function: known[1] });
    expect([8, 100, otherFunction].map((number) => table.message(number).kind)).toEqual(['other', 'other', 'other']);
    expect(subtractFunctions(subtractFunctions(allFunctions, table.other), table.none)).toEqual(functionRanges([{ first: 1, last: known.length }]));
  });

  test('a set says which functions it holds', () => {
    const set = unionFunctions(
      table.none,
      functionRanges([
        { first: 2, last: 3 },
        { first: 7, last: 7 },
      ]),
    );
    expect(table.among(set).map((one) => `${one.protocol} ${one.name}`)).toEqual(['alpha r2', 'alpha r1', 'zeta w1']);
    expect([table.hasNone(set), table.hasOther(set)]).toEqual([true, false]);
    expect([table.hasNone(table.other), table.hasOther(table.other)]).toEqual([false, true]);
    expect(table.among(allFunctions).length).toBe(known.length);
  });

  test('an unknown function is a mistake of ours', () => {
    expect(() => numbered('alpha', 'r9')).toThrow('has no number');
    expect(() => new FunctionTable(Array.from({ length: 4095 }, (_, index) => ({ protocol: 'p', class: 'read', name: `${index}` })))).toThrow('more functions');
  });
});
