/**
 * Messages in decision diagrams: a set of functions, units and addresses over four fields that follow each other.
 *
 * Takes the first bits of the fields, gives nodes for sets of messages, and one message of a node. Where a set says nothing of units and
 * addresses, their fields have no node, so that who never names them pays nothing.
 */
import { type Diagram, empty, full, type Node } from './diagram.ts';
import { type Below, type FunctionSet, messageBits, type MessageDetails } from './function-set.ts';
import type { Ranges } from '../net/ranges.ts';
import { numberRanges } from './range-diagram.ts';

/** First bits of function, unit, first and last address. */
export type MessageLevels = readonly [number, number, number, number];

/**
 * A set of messages as disjoint boxes: for each the numbers of its functions, then its units, first and last addresses, as far as they are
 * told apart.
 */
export function messageBoxes(set: FunctionSet): readonly (readonly Ranges<number>[])[] {
  const of = (segments: Below): Ranges<number>[][] =>
    segments === 'all' ? [[]] : [...alike(segments)].flatMap(([rest, ranges]) => of(rest).map((box) => [ranges, ...box]));
  return of(set);
}

/** What the segments lead to, with all ranges that lead there. */
function alike(segments: FunctionSet): Map<Below, { first: number; last: number }[]> {
  const known = new Map<Below, { first: number; last: number }[]>();
  for (const { low, high, below } of segments) {
    const ranges = known.get(below);
    if (ranges === undefined) known.set(below, [{ first: low, last: high }]);
    else ranges.push({ first: low, last: high });
  }
  return known;
}

/** Members of `below` whose message is in the set. */
export function messageNode(diagram: Diagram, levels: MessageLevels, set: FunctionSet, below: Node): Node {
  const at = (segments: Below, depth: number): Node => {
    const [level, width] = [levels[depth], messageBits[depth]];
    if (segments === 'all' || level === undefined || width === undefined) return below;
    return diagram.unionAll([...alike(segments)].map(([rest, ranges]) => numberRanges(diagram, level, width, ranges, at(rest, depth + 1))));
  };
  return at(set, 0);
}

/** One choice of unit and addresses of a node below its function, and what is left; no details where it has none of their bits. */
export function pickDetails(
  diagram: Diagram,
  [, unitLevel, firstLevel, lastLevel]: MessageLevels,
  node: Node,
): { readonly details: MessageDetails | undefined; readonly node: Node } {
  const [, unitBits, firstBits, lastBits] = messageBits;
  if (node <= full || diagram.level(node) >= lastLevel + lastBits) return { details: undefined, node };
  const unit = leastFrom(diagram, node, unitLevel, unitBits, 0) ?? { value: 0, node };
  // The last of the first addresses that are alike: a message from there to beyond a border is short.
  const first = lastAlike(diagram, unit.node, firstLevel, firstBits);
  const last = leastFrom(diagram, first.node, lastLevel, lastBits, first.value) ?? leastFrom(diagram, first.node, lastLevel, lastBits, 0) ?? first;
  return { details: { unit: unit.value, firstAddress: first.value, lastAddress: last.value }, node: last.node };
}

interface Choice {
  readonly value: number;
  readonly node: Node;
}

/** The lowest value from `from` on that leads somewhere. */
function leastFrom(diagram: Diagram, node: Node, level: number, width: number, from: number): Choice | undefined {
  const walk = (at: Node, bit: number, low: number): Choice | undefined => {
    const size = 2 ** (width - bit);
    if (at === empty || low + size <= from) return undefined;
    if (at === full || diagram.level(at) >= level + width) return { value: Math.max(low, from), node: at };
    const here = diagram.level(at) === level + bit;
    return walk(here ? diagram.low(at) : at, bit + 1, low) ?? walk(here ? diagram.high(at) : at, bit + 1, low + size / 2);
  };
  return walk(node, 0, 0);
}

/** The highest of the lowest values that lead to one place; the lowest where all that follow do. */
function lastAlike(diagram: Diagram, node: Node, level: number, width: number): Choice {
  const first = leastFrom(diagram, node, level, width, 0) ?? { value: 0, node };
  let end = first.value;
  for (;;) {
    const next = end + 1 < 2 ** width ? leastFrom(diagram, node, level, width, end + 1) : undefined;
    if (next === undefined) return end + 1 < 2 ** width ? { value: end, node: first.node } : first;
    if (next.value !== end + 1 || next.node !== first.node) return { value: end, node: first.node };
    end = runEnd(diagram, node, level, width, next.value);
  }
}

/** The end of the aligned block without a bit of its own in which a value lies. */
function runEnd(diagram: Diagram, node: Node, level: number, width: number, value: number): number {
  let at = node;
  let low = 0;
  for (let bit = 0; bit < width; bit++) {
    const size = 2 ** (width - bit);
    if (at <= full || diagram.level(at) >= level + width) return low + size - 1;
    const one = value >= low + size / 2;
    if (diagram.level(at) === level + bit) at = one ? diagram.high(at) : diagram.low(at);
    if (one) low += size / 2;
  }
  return low;
}
