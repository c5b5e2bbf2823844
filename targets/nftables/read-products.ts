/**
 * Element lists to packet sets.
 *
 * Takes boxes (for each slot, top of the diagram first, a range), gives the diagram of their union. The one idea: sort
 * the boxes, group them by their range in the top slot, build what lies below each group first, and lay the bits of the
 * slot over the groups; so a set of exact elements is built node by node, without a single union.
 */
import { type Diagram, empty, full, type Node } from '../../src/packets/diagram.ts';

/** A run of bits in the diagram, at most 32. */
export interface Slot {
  readonly level: number;
  readonly width: number;
}

/** First and last of each slot in turn. */
export type Box = readonly number[];

interface Piece {
  readonly first: number;
  readonly last: number;
  readonly below: Node;
}

/** The members of any of the boxes; slots stand in the order of their levels. */
export function unionOfBoxes(diagram: Diagram, slots: readonly Slot[], boxes: readonly Box[]): Node {
  const sorted = boxes.toSorted(compareBoxes);
  const build = (column: number, from: number, to: number): Node => {
    const slot = slots[column];
    if (slot === undefined) return from < to ? full : empty;
    const only = sorted[from];
    if (only !== undefined && to - from === 1) return oneBox(diagram, slots, only, column);
    const pieces: Piece[] = [];
    for (let start = from; start < to;) {
      const first = sorted[start]?.[2 * column] ?? 0;
      const last = sorted[start]?.[2 * column + 1] ?? 0;
      let end = start + 1;
      while (end < to && sorted[end]?.[2 * column] === first && sorted[end]?.[2 * column + 1] === last) end++;
      pieces.push({ first, last, below: build(column + 1, start, end) });
      start = end;
    }
    return diagram.unionAll(layersOf(pieces).map((layer) => layBits(diagram, slot, layer)));
  };
  return build(0, 0, sorted.length);
}

/** What one box says from a column on: a chain of nodes, built from its end. */
function oneBox(diagram: Diagram, slots: readonly Slot[], box: Box, column: number): Node {
  let node: Node = full;
  for (let at = slots.length - 1; at >= column; at--) {
    const [slot, piece] = [slots[at], { first: box[2 * at] ?? 0, last: box[2 * at + 1] ?? 0, below: node }];
    if (slot !== undefined) node = piece.first === piece.last ? diagram.exactly(slot.level, slot.width, piece.first, node) : layBits(diagram, slot, [piece]);
  }
  return node;
}

/** Whether boxes of two different groups have a member in common. */
export function groupsOverlap(diagram: Diagram, slots: readonly Slot[], groups: readonly (readonly Box[])[]): boolean {
  const sorted = groups.flatMap((boxes, group) => boxes.map((box) => ({ box, group }))).sort((a, b) => compareBoxes(a.box, b.box));
  const overlap = (column: number, from: number, to: number): boolean => {
    const group = sorted[from]?.group;
    let mixed = false;
    for (let i = from; i < to && !mixed; i++) mixed = sorted[i]?.group !== group;
    if (!mixed) return false;
    if (column === slots.length) return true;
    for (let start = from; start < to;) {
      const first = sorted[start]?.box[2 * column] ?? 0;
      let last = sorted[start]?.box[2 * column + 1] ?? 0;
      let same = true;
      let end = start + 1;
      for (; end < to && (sorted[end]?.box[2 * column] ?? 0) <= last; end++) {
        const next = sorted[end]?.box[2 * column + 1] ?? 0;
        same &&= sorted[end]?.box[2 * column] === first && next === last;
        last = Math.max(last, next);
      }
      if (same ? overlap(column + 1, start, end) : clusterOverlaps(start, end)) return true;
      start = end;
    }
    return false;
  };
  /** Ranges that overlap without being equal: the diagrams decide. */
  const clusterOverlaps = (from: number, to: number): boolean => {
    const byGroup = new Map<number, Box[]>();
    for (const { box, group } of sorted.slice(from, to)) {
      const boxes = byGroup.get(group);
      if (boxes === undefined) byGroup.set(group, [box]);
      else boxes.push(box);
    }
    return !areDisjoint(
      diagram,
      [...byGroup.values()].map((boxes) => unionOfBoxes(diagram, slots, boxes)),
    );
  };
  return overlap(0, 0, sorted.length);
}

function areDisjoint(diagram: Diagram, sets: readonly Node[]): boolean {
  let layer = sets;
  while (layer.length > 1) {
    const next: Node[] = [];
    for (let i = 0; i < layer.length; i += 2) {
      const a = layer[i] ?? empty;
      const b = layer[i + 1] ?? empty;
      if (diagram.intersect(a, b) !== empty) return false;
      next.push(diagram.union(a, b));
    }
    layer = next;
  }
  return true;
}

function compareBoxes(a: Box, b: Box): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Sorted pieces dealt into as few lists of disjoint ones as they need. */
function layersOf(pieces: readonly Piece[]): Piece[][] {
  const layers: Piece[][] = [];
  for (const piece of pieces) {
    const layer = layers.find((candidate) => (candidate.at(-1)?.last ?? -1) < piece.first);
    if (layer === undefined) layers.push([piece]);
    else layer.push(piece);
  }
  return layers;
}

/** The bits of one slot over sorted, disjoint pieces. */
function layBits(diagram: Diagram, slot: Slot, pieces: readonly Piece[]): Node {
  const lay = (bit: number, low: number, from: number, to: number): Node => {
    const piece = pieces[from];
    if (from >= to || piece === undefined) return empty;
    const size = 2 ** (slot.width - bit);
    if (to - from === 1) {
      if (piece.first <= low && piece.last >= low + size - 1) return piece.below;
      if (piece.first === piece.last) {
        const width = slot.width - bit;
        return diagram.exactly(slot.level + bit, width, piece.first % 2 ** width, piece.below);
      }
    }
    const middle = low + size / 2;
    const leftEnd = firstIndex(pieces, from, to, 'first', middle);
    const rightStart = firstIndex(pieces, from, to, 'last', middle);
    return diagram.make(slot.level + bit, lay(bit + 1, low, from, leftEnd), lay(bit + 1, middle, rightStart, to));
  };
  return lay(0, 0, 0, pieces.length);
}

/** Index of the first piece of which the bound is not below the number. */
function firstIndex(pieces: readonly Piece[], from: number, to: number, bound: 'first' | 'last', number: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle] as Piece;
    if ((bound === 'first' ? piece.first : piece.last) >= number) high = middle;
    else low = middle + 1;
  }
  return low;
}
