/** Trees of cuts hold exactly what their boxes hold, whatever is shared, united or asked in parts; and they stay small and shallow. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canonical, type Ranges, rangesContain } from '../../src/net/ranges.ts';
import { type CutBox, type CutNode, type CutPrices, cutTrees } from '../../src/target/cut-tree.ts';
import type { Side } from '../../src/target/lookup-plan.ts';
import { withinDomain } from '../../src/target/spare-addresses.ts';

const spelt: CutPrices = {
  weigh: ({ source, destination, value }) => Math.max(1, source) * Math.max(1, destination) * Math.max(1, value),
  enough: 4,
  cuttable: ['source', 'destination', 'value'],
  spelt: true,
  alike: true,
  unite: true,
};
const sets: CutPrices = { ...spelt, weigh: () => 1, spelt: false, unite: false };
const labelled: CutPrices = { ...spelt, alike: false, unite: false };
const labelledSets: CutPrices = { ...sets, alike: false };
const fixedValues: CutPrices = { ...spelt, cuttable: ['source', 'destination'] };

/** Labels of the boxes that hold a point: what a platform finds that walks the tree. */
function found<Label>(nodes: readonly CutNode<Label>[], point: Readonly<Record<'source' | 'destination' | 'value', number>>, whole: boolean): Set<Label> {
  const result = new Set<Label>();
  for (let node of nodes) {
    while (node.kind === 'cut') node = point[node.dimension] <= node.last ? node.low : node.high;
    for (const rest of node.boxes) {
      const holds = (['source', 'destination', 'value'] as const).every((dimension) => {
        // A platform with sets asks the side as it was; one without asks what is left of it.
        const side = rest[dimension] === undefined ? undefined : whole ? rest.box[dimension] : rest[dimension];
        return side === undefined || rangesContain(side as Ranges<number>, point[dimension]);
      });
      if (holds) for (const label of rest.labels) result.add(label);
    }
  }
  return result;
}

const line = 40;
const side = fc.option(
  fc
    .array(fc.tuple(fc.nat(line), fc.nat(6)), { maxLength: 5 })
    .map((pairs) => canonical(pairs.map(([first, size]) => ({ first, last: Math.min(line, first + size) })))),
  { nil: undefined },
);
const boxes = fc
  .array(fc.record({ source: side, destination: side, value: side }), { maxLength: 30 })
  .map((all) => all.map((box, label) => ({ ...box, label })));
const points = fc.array(fc.record({ source: fc.nat(line + 2), destination: fc.nat(line + 2), value: fc.nat(line + 2) }), { minLength: 40, maxLength: 80 });

function holding(all: readonly CutBox<number>[], point: Readonly<Record<'source' | 'destination' | 'value', number>>): Set<number> {
  const holds = (one: Side, value: number): boolean => one === undefined || rangesContain(one as Ranges<number>, value);
  return new Set(
    all
      .filter((box) => holds(box.source, point.source) && holds(box.destination, point.destination) && holds(box.value, point.value))
      .map(({ label }) => label),
  );
}

describe('a tree of cuts', () => {
  test.prop([boxes, points])('holds a point iff some box does, spelt out or by sets', (all, asked) => {
    for (const prices of [spelt, sets, fixedValues]) {
      const trees = cutTrees(all, prices);
      for (const point of asked) expect(found(trees, point, !prices.unite).size > 0).toBe(holding(all, point).size > 0);
    }
  });

  test.prop([boxes, points])('finds the labels of every box that holds a point', (all, asked) => {
    for (const prices of [labelled, labelledSets]) {
      const trees = cutTrees(all, prices);
      for (const point of asked) expect(found(trees, point, prices === labelledSets)).toEqual(holding(all, point));
    }
  });

  function sizeOf(nodes: readonly CutNode<number>[]): { nodes: number; depth: number; weight: number } {
    const known = new Map<CutNode<number>, number>();
    let weight = 0;
    const depth = (node: CutNode<number>): number => {
      const old = known.get(node);
      if (old !== undefined) return old;
      if (node.kind === 'leaf')
        weight += node.boxes.reduce(
          (sum, box) => sum + spelt.weigh({ source: box.source?.length ?? 0, destination: box.destination?.length ?? 0, value: box.value?.length ?? 0 }),
          0,
        );
      const own = node.kind === 'leaf' ? 0 : 1 + Math.max(depth(node.low), depth(node.high));
      known.set(node, own);
      return own;
    };
    return { depth: nodes.reduce((sum, node) => sum + depth(node), 0), nodes: known.size, weight };
  }

  const hosts = (count: number, step: number): Ranges<number> =>
    Array.from({ length: count }, (_, index) => ({ first: 1000 + index * step, last: 1000 + index * step }));

  it('costs the sum of two groups, not their product', () => {
    const [tree] = [cutTrees([{ source: hosts(300, 3), destination: hosts(200, 7), value: [{ first: 502, last: 502 }], label: 0 }], spelt)];
    const { nodes, depth, weight } = sizeOf(tree);
    expect(nodes).toBeLessThan(6 * 500);
    expect(weight).toBeLessThan(6 * 500);
    expect(depth).toBeLessThan(30);
  });

  it('asks a logarithm of many boxes', () => {
    const many = Array.from({ length: 2000 }, (_, label) => ({
      source: [{ first: label * 16, last: label * 16 + 11 }],
      destination: [{ first: (label * 7919) % 60_000, last: ((label * 7919) % 60_000) + 20 }],
      value: [{ first: 1000 + (label % 50), last: 1100 }],
      label,
    }));
    const trees = cutTrees(many, sets);
    expect(trees.length).toBe(1);
    expect(sizeOf(trees).depth).toBeLessThan(16);
  });

  it('asks what overlaps everywhere in parts rather than grow without bound', () => {
    const seeded = (() => {
      let state = 1;
      return (most: number): number => {
        state = (state * 48_271) % 2_147_483_647;
        return state % most;
      };
    })();
    const group = (): Ranges<number> => canonical(Array.from({ length: 60 }, () => seeded(2000)).map((value) => ({ first: value, last: value })));
    const many = Array.from({ length: 60 }, (_, label) => ({ source: group(), destination: group(), value: undefined, label }));
    const trees = cutTrees(many, spelt);
    const ranges = many.reduce((sum, box) => sum + box.source.length + box.destination.length, 0);
    const { nodes, weight } = sizeOf(trees);
    expect(trees.length).toBeGreaterThan(1);
    expect(nodes + weight).toBeLessThan(40 * ranges);
    for (let index = 0; index < 2000; index++) {
      const point = { source: seeded(2000), destination: seeded(2000), value: 1 };
      expect(found(trees, point, false).size > 0).toBe(holding(many, point).size > 0);
    }
  });

  it('keeps nothing of a box with an empty side', () => {
    expect(cutTrees([{ source: [], destination: undefined, value: undefined, label: 0 }], spelt)).toEqual([]);
  });
});

describe('a side in a zone', () => {
  test.prop([side, side])('holds the same addresses of the zone', (part, zone) => {
    const domain = zone ?? [{ first: 0, last: 0xffff_ffff }];
    const inside =
      part === undefined
        ? undefined
        : canonical(
            part.filter(({ first, last }) =>
              Array.from({ length: last - first + 1 }, (_, index) => first + index).every((value) => rangesContain(domain, value)),
            ),
          );
    const simple = withinDomain(inside, domain) as Ranges<number> | undefined;
    if (inside === undefined || simple === undefined) {
      expect(simple).toBe(inside);
      return;
    }
    for (let value = 0; value <= line + 2; value++) if (rangesContain(domain, value)) expect(rangesContain(simple, value)).toBe(rangesContain(inside, value));
    expect(simple).toEqual(canonical(simple));
    expect(simple.length).toBeLessThanOrEqual(inside.length);
  });

  it('is one prefix again where only the gateway itself is missing', () => {
    const zone = [
      { first: 0x0a00_0000, last: 0x0a00_0000 },
      { first: 0x0a00_0002, last: 0x0a00_fffe },
    ];
    const network = [
      { first: 0x0a00_0000, last: 0x0a00_0000 },
      { first: 0x0a00_0002, last: 0x0a00_00ff },
    ];
    expect(withinDomain(network, zone)).toEqual([{ first: 0x0a00_0000, last: 0x0a00_00ff }]);
    expect(withinDomain([{ first: 0x0a00_ff00, last: 0x0a00_fffe }], zone)).toEqual([{ first: 0x0a00_ff00, last: 0x0a00_ffff }]);
  });
});
