/** Unions of layers, against counting the layers that hold each number, over a field of four bits above three more. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { canonical } from '../../src/net/ranges.ts';
import { coverOf } from '../../src/packets/cover.ts';
import { Diagram, empty, type Node } from '../../src/packets/diagram.ts';
import { coverOfLayers, unionOfLayers } from '../../src/packets/layers.ts';
import { numberRanges } from '../../src/packets/range-diagram.ts';

const upper = { level: 0, width: 4 };
const lower = { level: 4, width: 3 };

const rangesTo = (last: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: last }), fc.integer({ min: 0, max: last })), { maxLength: 3 })
    .map((pairs) => canonical(pairs.map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))));
const layer = fc.record({ ranges: rangesTo(15), below: rangesTo(7) });

const holds = (ranges: readonly { first: number; last: number }[], value: number): boolean => ranges.some(({ first, last }) => first <= value && value <= last);

/** The pairs of numbers that at least so many of the layers hold, built one by one. */
function counted(
  diagram: Diagram,
  layers: readonly { ranges: ReturnType<typeof canonical<number>>; below: ReturnType<typeof canonical<number>> }[],
  least: number,
): Node {
  let set: Node = empty;
  for (let above = 0; above < 16; above++) {
    for (let below = 0; below < 8; below++) {
      if (layers.filter((one) => holds(one.ranges, above) && holds(one.below, below)).length < least) continue;
      const inner = numberRanges(diagram, lower.level, lower.width, [{ first: below, last: below }], 1);
      set = diagram.union(set, numberRanges(diagram, upper.level, upper.width, [{ first: above, last: above }], inner));
    }
  }
  return set;
}

describe('layers', () => {
  test.prop([fc.array(layer, { maxLength: 6 })])('a union, and a cover, are what counting gives', (layers) => {
    const diagram = new Diagram();
    const built = layers.map(({ ranges, below }) => ({ ranges, below: numberRanges(diagram, lower.level, lower.width, below, 1) }));
    expect(unionOfLayers(diagram, upper.level, upper.width, built)).toBe(counted(diagram, layers, 1));
    const covers = built.map(({ ranges, below }) => ({ ranges, below: coverOf(below) }));
    expect(coverOfLayers(diagram, upper.level, upper.width, covers)).toEqual({ once: counted(diagram, layers, 1), twice: counted(diagram, layers, 2) });
  });
});
