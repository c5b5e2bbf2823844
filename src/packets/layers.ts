/**
 * Unions of many "this field lies in these ranges, and below it …", built at once.
 *
 * Takes layers, gives the diagram of their union, or of what at least one and at least two of them hold. The one idea: halve the field again and
 * again, carry along what covers a half wholly, and unite only where a half has a cover; so nothing is built that the result does not hold,
 * where a union of products, one by one, builds every product and every sum on the way.
 */
import type { Range, Ranges } from '../net/ranges.ts';
import { type Cover, joinCovers, noCover } from './cover.ts';
import { type Diagram, empty, type Node } from './diagram.ts';
import { numberRanges } from './range-diagram.ts';

export interface Layer<Below = Node> {
  /** Of the field's numbers, sorted and disjoint. */
  readonly ranges: Ranges<number>;
  /** Members of the layer below the field. */
  readonly below: Below;
}

/** The union of layers over a field of at most 32 bits; neighbours in the list should be alike. */
export function unionOfLayers(diagram: Diagram, level: number, width: number, layers: readonly Layer[]): Node {
  const [only] = layers;
  if (only !== undefined && layers.length === 1) return numberRanges(diagram, level, width, only.ranges, only.below);
  return halve<Node>(layers, width, {
    nothing: empty,
    join: (a, b) => diagram.union(a, b),
    node: (bit, low, high) => diagram.make(level + bit, low, high),
    alone: (bit, range, below) => numberRanges(diagram, level + bit, width - bit, [range], below),
  });
}

/** What at least one, and at least two, of the sets behind the layers hold. A layer counts once, however many of its own ranges it has. */
export function coverOfLayers(diagram: Diagram, level: number, width: number, layers: readonly Layer<Cover>[]): Cover {
  const [only] = layers;
  if (only !== undefined && layers.length === 1) {
    const { below, ranges } = only;
    const over = (part: Node): Node => numberRanges(diagram, level, width, ranges, part);
    return { once: over(below.once), twice: over(below.twice) };
  }
  return halve<Cover>(layers, width, {
    nothing: noCover,
    join: (a, b) => joinCovers(diagram, a, b),
    node: (bit, low, high) => ({
      once: diagram.make(level + bit, low.once, high.once),
      twice: diagram.make(level + bit, low.twice, high.twice),
    }),
    alone: (bit, range, { once, twice }) => ({
      once: numberRanges(diagram, level + bit, width - bit, [range], once),
      twice: numberRanges(diagram, level + bit, width - bit, [range], twice),
    }),
  });
}

/**
 * How sets below the field are put together: `join` of what holds for the same numbers, `node` over the halves of a bit, `alone` for one range
 * of what the bits from `bit` on say.
 */
interface Joining<Below> {
  readonly nothing: Below;
  readonly join: (a: Below, b: Below) => Below;
  readonly node: (bit: number, low: Below, high: Below) => Below;
  readonly alone: (bit: number, range: Range<number>, below: Below) => Below;
}

function halve<Below>(layers: readonly Layer<Below>[], width: number, { nothing, join, node, alone }: Joining<Below>): Below {
  const firsts: number[] = [];
  const lasts: number[] = [];
  const whose: number[] = [];
  for (const [index, { ranges }] of layers.entries()) {
    for (const { first, last } of ranges) {
      firsts.push(first);
      lasts.push(last);
      whose.push(index);
    }
  }
  const blocks = 2 ** Math.ceil(Math.log2(Math.max(layers.length, 2)));
  /** Joined by the halves of the whole list: what two places have in common is then joined alike, and the diagram remembers it. */
  const joined = (some: readonly number[], from: number, to: number, block: number, size: number): Below => {
    const only = layers[some[from] as number];
    if (to - from === 1 && only !== undefined) return only.below;
    const half = size / 2;
    let middle = from;
    while (middle < to && (some[middle] as number) < block + half) middle++;
    if (middle === from) return joined(some, from, to, block + half, half);
    if (middle === to) return joined(some, from, to, block, half);
    return join(joined(some, from, middle, block, half), joined(some, middle, to, block + half, half));
  };
  /** Ranges that meet the part of the field at hand without covering it; those of the parts around it stand before them. */
  const open = firsts.map((_, index) => index);
  const build = (bit: number, first: number, size: number, from: number, carried: Below): Below => {
    const to = open.length;
    const last = first + size - 1;
    let covers: number[] | undefined;
    for (let i = from; i < to; i++) {
      const one = open[i] as number;
      if ((firsts[one] as number) > last || (lasts[one] as number) < first) continue;
      if ((firsts[one] as number) <= first && (lasts[one] as number) >= last) (covers ??= []).push(whose[one] as number);
      else open.push(one);
    }
    const here = covers === undefined ? carried : join(carried, joined(covers, 0, covers.length, 0, blocks));
    if (open.length === to) return here;
    if (open.length === to + 1 && here === nothing) {
      const one = open.pop() as number;
      const range = { first: Math.max((firsts[one] as number) - first, 0), last: Math.min(lasts[one] as number, last) - first };
      return alone(bit, range, (layers[whose[one] as number] as Layer<Below>).below);
    }
    const half = size / 2;
    const low = build(bit + 1, first, half, to, here);
    const high = build(bit + 1, first + half, half, to, here);
    open.length = to;
    return node(bit, low, high);
  };
  return build(0, 0, 2 ** width, 0, nothing);
}
