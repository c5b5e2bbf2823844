/**
 * Lists of boxes to packet sets.
 *
 * Takes boxes: for each slot (top of the diagram first) one range, and below them a set; gives their union. The one idea: boxes that agree in
 * the top slot are put together first, slots that lead to one and the same set become one list of ranges, and what is left is united in
 * halves, in order; so ten thousand boxes take no union of one with all the rest.
 */
import type { Node, PacketSpace } from '../../src/packets/packet-space.ts';
import { canonical, type Range, type Ranges } from '../../src/net/ranges.ts';

type Bounds = Range<number> | Range<bigint>;

/** Lays the bits of one field with the ranges over a set. */
export type Lay = (ranges: Ranges<number> | Ranges<bigint>, below: Node) => Node;

export interface Box {
  /** One for each slot. */
  readonly ranges: readonly Bounds[];
  readonly below: Node;
}

export function unionOfBoxes(space: PacketSpace, slots: readonly Lay[], boxes: readonly Box[], at = 0): Node {
  const { diagram } = space;
  const lay = slots[at];
  if (lay === undefined) return diagram.unionAll(boxes.map(({ below }) => below));
  const groups = new Map<string, { readonly range: Bounds; readonly boxes: Box[] }>();
  for (const box of boxes) {
    const range = box.ranges[at];
    if (range === undefined) throw new Error('a box lacks a range');
    const key = `${range.first}-${range.last}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { range, boxes: [box] });
    else group.boxes.push(box);
  }
  const rangesOf = new Map<Node, Bounds[]>();
  for (const group of groups.values()) {
    const below = unionOfBoxes(space, slots, group.boxes, at + 1);
    const ranges = rangesOf.get(below);
    if (ranges === undefined) rangesOf.set(below, [group.range]);
    else ranges.push(group.range);
  }
  const layers = [...rangesOf].map(([below, ranges]) => ({ ranges: canonical(ranges as Range<number>[]), below }));
  // Neighbours share most of their bits, so that uniting them touches little.
  layers.sort((a, b) => compare(a.ranges[0]?.first ?? 0, b.ranges[0]?.first ?? 0));
  return diagram.unionAll(layers.map(({ ranges, below }) => lay(ranges, below)));
}

function compare(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
