/**
 * Units and addresses at and beside every border that sets of messages draw.
 *
 * Takes sets and a function, gives details of its messages such that whatever the sets tell apart is tried; where they tell nothing apart, none.
 */
import { type Below, detailsIn, type FunctionSet, messageBits, type MessageDetails, noDetails } from '../../src/packets/function-set.ts';

export function detailsAtBorders(sets: readonly FunctionSet[], functionNumber: number): readonly MessageDetails[] {
  const borders = [new Set<number>(), new Set<number>(), new Set<number>()] as const;
  const walk = (below: Below, depth: number): void => {
    if (below === 'all') return;
    for (const { low, high, below: rest } of below) {
      const last = 2 ** (messageBits[depth + 1] ?? 0) - 1;
      for (const value of [low - 1, low, high, high + 1]) if (value >= 0 && value <= last) borders[depth]?.add(value);
      walk(rest, depth + 1);
    }
  };
  for (const set of sets) walk(detailsIn(set, functionNumber), 0);
  const [units, firsts, lasts] = borders.map((values, depth) => {
    const some = depth === 2 && values.size > 0 ? values.add(65_535).add(65_536).add(131_071) : values;
    return some.size === 0 ? [0] : [...some];
  });
  const all = (units ?? []).flatMap((unit) =>
    (firsts ?? []).flatMap((firstAddress) => (lasts ?? []).map((lastAddress) => ({ unit, firstAddress, lastAddress }))),
  );
  return all.length === 1 ? [noDetails] : all;
}
