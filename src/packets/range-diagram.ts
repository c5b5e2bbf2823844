/**
 * Diagrams of ranges: "the bits of a field, read as a number, lie in one of these".
 *
 * Takes sorted disjoint ranges, gives nodes on top of a set of lower bits. The idea: the field's bits are halved again
 * and again, and a half that lies wholly inside or outside needs no node of its own.
 */
import type { Ranges } from '../net/ranges.ts';
import { type Diagram, empty, full, type Node } from './diagram.ts';

/** Members of `below` whose `width` bits (at most 32) from `level` lie in the ranges. */
export function numberRanges(diagram: Diagram, level: number, width: number, ranges: Ranges<number>, below: Node): Node {
  const only = ranges[0];
  if (below === empty || only === undefined) return empty;
  if (ranges.length === 1 && only.first === only.last) return diagram.exactly(level, width, only.first, below);
  const build = (bit: number, low: number, from: number, to: number): Node => {
    if (from >= to) return empty;
    const size = 2 ** (width - bit);
    const first = ranges[from];
    if (first !== undefined && first.first <= low && first.last >= low + size - 1) return below;
    const middle = low + size / 2;
    // Ranges [from, split) begin in the lower half, [right, to) end in the upper one; at most one does both.
    let split = from;
    while (split < to && (ranges[split] as { first: number }).first < middle) split++;
    const right = split > from && (ranges[split - 1] as { last: number }).last >= middle ? split - 1 : split;
    return diagram.make(level + bit, build(bit + 1, low, from, split), build(bit + 1, middle, right, to));
  };
  return build(0, 0, 0, ranges.length);
}

/** The distinct sets to which a field within the ranges leads; `set` begins with the field, or below it. */
export function belowRanges(diagram: Diagram, set: Node, level: number, width: number, ranges: Ranges<number>): readonly Node[] {
  const only = ranges[0];
  if (only === undefined) return [];
  if (set <= full) return [set];
  if (ranges.length === 1 && only.first === only.last) return [belowNumber(diagram, set, level, width, only.first)];
  const found = new Set<Node>();
  const walk = (node: Node, bit: number, low: number, from: number, to: number): void => {
    if (from >= to) return;
    if (node <= full || bit === width || diagram.level(node) >= level + width) {
      found.add(node);
      return;
    }
    const middle = low + 2 ** (width - bit - 1);
    let split = from;
    while (split < to && (ranges[split] as { first: number }).first < middle) split++;
    const right = split > from && (ranges[split - 1] as { last: number }).last >= middle ? split - 1 : split;
    const here = diagram.level(node) === level + bit;
    walk(here ? diagram.low(node) : node, bit + 1, low, from, split);
    walk(here ? diagram.high(node) : node, bit + 1, middle, right, to);
  };
  walk(set, 0, 0, 0, ranges.length);
  return [...found];
}

function belowNumber(diagram: Diagram, set: Node, level: number, width: number, value: number): Node {
  let node = set;
  for (let at = diagram.level(node); node > full && at < level + width; at = diagram.level(node))
    node = Math.floor(value / 2 ** (level + width - 1 - at)) % 2 === 1 ? diagram.high(node) : diagram.low(node);
  return node;
}

/** `numberRanges` for fields of more than 32 bits. */
export function wideRanges(diagram: Diagram, level: number, width: number, ranges: Ranges<bigint>, below: Node): Node {
  if (below === empty) return empty;
  const build = (bit: number, low: bigint, from: number, to: number): Node => {
    if (from >= to) return empty;
    const size = 1n << BigInt(width - bit);
    const first = ranges[from];
    if (first !== undefined && first.first <= low && first.last >= low + size - 1n) return below;
    const middle = low + size / 2n;
    let split = from;
    while (split < to && (ranges[split] as { first: bigint }).first < middle) split++;
    const right = split > from && (ranges[split - 1] as { last: bigint }).last >= middle ? split - 1 : split;
    return diagram.make(level + bit, build(bit + 1, low, from, split), build(bit + 1, middle, right, to));
  };
  return build(0, 0n, 0, ranges.length);
}
