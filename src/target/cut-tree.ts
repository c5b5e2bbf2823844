/**
 * Boxes → a tree of cuts, for platforms and places where no map of classes helps.
 *
 * Takes boxes (sources × destinations × values of one service line) of equal priority, gives trees that are asked one after the other: every
 * inner node compares one field with one border, and few boxes are left at a leaf. The one idea: a cut clips each box to both halves, and
 * what is left is known by its clipped sides alone; equal remainders are one node, so that groups of hundreds × hundreds cost their sum and
 * not their product. What would still grow too much is asked in parts: first by which sides are whole, then wide boxes apart from narrow ones.
 */
import type { Range, Ranges } from '../net/ranges.ts';
import type { Side } from './lookup-plan.ts';

export const cutDimensions = ['source', 'destination', 'value'] as const;
export type CutDimension = (typeof cutDimensions)[number];

export type CutSides = Readonly<Record<CutDimension, Side>>;

export interface CutBox<Label> extends CutSides {
  readonly label: Label;
}

/** What is left to ask of a box at a leaf: a side that need not be asked any more is undefined. */
export interface CutRest<Label> extends CutSides {
  /** The whole box, for platforms that can ask its sides as they are. */
  readonly box: CutSides;
  /** Labels of the boxes that it stands for; never empty. */
  readonly labels: readonly Label[];
}

export type CutNode<Label> =
  | { readonly kind: 'leaf'; readonly boxes: readonly CutRest<Label>[] }
  /** Up to and with `last` the one way, above it the other. Nodes are shared: equal remainders are the same object. */
  | {
      readonly kind: 'cut';
      readonly dimension: CutDimension;
      readonly last: number | bigint;
      readonly low: CutNode<Label>;
      readonly high: CutNode<Label>;
    };

export interface CutPrices {
  /** Rules that a box costs at a leaf, by how many ranges each of its sides has left (0: the side need not be asked). */
  readonly weigh: (ranges: Readonly<Record<CutDimension, number>>) => number;
  /** Rules that a leaf may have without being cut further. */
  readonly enough: number;
  /** Fields that the platform can compare with a border. */
  readonly cuttable: readonly CutDimension[];
  /** Labels do not matter: what another box holds too may go. */
  readonly alike: boolean;
  /** Boxes that differ in one side only may become one. (Not where a platform asks sides as they are.) */
  readonly unite: boolean;
}

/** A tree may hold so many times the ranges of its boxes … */
const mostGrowth = 6;
/** … and so much whatever they have. */
const always = 200;
/** Ranges of one box, and borders of one field, that are looked at when a border is chosen. */
const sampled = 8;
const candidates = 9;
/** A cut has to take at least this share of the work away. */
const worthwhile = 0.95;
/** A field that has been cut once is finished before the next: what is left then depends on it no more, and can be shared. */
const loyalty = 0.6;

export function cutTrees<Label>(boxes: readonly CutBox<Label>[], prices: CutPrices, shapes = true): CutNode<Label>[] {
  const possible = boxes.filter((box) => cutDimensions.every((dimension) => box[dimension]?.length !== 0));
  if (possible.length === 0) return [];
  const whole = new Builder<Label>(prices, allowance(possible)).tree(possible);
  if (whole !== undefined) return [whole];
  if (shapes) {
    const shapesOf = new Map<string, CutBox<Label>[]>();
    for (const box of possible) {
      const key = `${box.source === undefined} ${box.destination === undefined}`;
      const known = shapesOf.get(key);
      if (known === undefined) shapesOf.set(key, [box]);
      else known.push(box);
    }
    if (shapesOf.size > 1) return [...shapesOf.values()].flatMap((alike) => cutTrees(alike, prices, false));
  }
  // One alone always fits: its fields are cut one after the other.
  const byWidth = possible.map((box) => ({ box, width: widthOf(box) })).sort((a, b) => b.width - a.width);
  const middle = byWidth.length >> 1;
  if (middle === 0) return [new Builder<Label>(prices, Number.POSITIVE_INFINITY).tree(possible) ?? { kind: 'leaf', boxes: [] }];
  const half = (from: number, to: number): CutNode<Label>[] =>
    cutTrees(
      byWidth.slice(from, to).map(({ box }) => box),
      prices,
      false,
    );
  return [...half(0, middle), ...half(middle, byWidth.length)];
}

function allowance<Label>(boxes: readonly CutBox<Label>[]): number {
  return always + mostGrowth * boxes.reduce((sum, box) => sum + cutDimensions.reduce((more, dimension) => more + (box[dimension]?.length ?? 0), 1), 0);
}

/** How much of both address lines lies between its ends, in bits. */
function widthOf<Label>(box: CutBox<Label>): number {
  return (['source', 'destination'] as const).reduce((sum, dimension) => {
    const side = box[dimension];
    const [first, last] = [side?.[0]?.first ?? 0, side?.at(-1)?.last ?? 0];
    return sum + (side === undefined ? 130 : Math.log2(Number(typeof first === 'bigint' ? BigInt(last) - first : Number(last) - first) + 1));
  }, 0);
}

/** A side that is being clipped; equal ones are one object. */
interface Clip {
  readonly id: number;
  readonly ranges: Side;
}

interface State<Label> {
  readonly clips: Readonly<Record<CutDimension, Clip>>;
  readonly box: CutSides;
  readonly labels: readonly Label[];
}

type Region = Readonly<Record<CutDimension, Range<number | bigint> | undefined>>;

const wholeClip: Clip = { id: 0, ranges: undefined };

class Builder<Label> {
  readonly #prices: CutPrices;
  readonly #most: number;
  #spent = 0;
  readonly #nodes = new Map<string, CutNode<Label>>();
  readonly #clips = new Map<string, Clip>();
  readonly #labelIds = new Map<Label, number>();

  constructor(prices: CutPrices, most: number) {
    this.#prices = prices;
    this.#most = most;
  }

  /** Undefined if it would grow too large. */
  tree(boxes: readonly CutBox<Label>[]): CutNode<Label> | undefined {
    const states = boxes.map((box) => ({
      clips: { source: this.#clip(box.source), destination: this.#clip(box.destination), value: this.#clip(box.value) },
      box,
      labels: [box.label],
    }));
    return this.#node(states, { source: undefined, destination: undefined, value: undefined }, undefined);
  }

  #clip(ranges: Side): Clip {
    if (ranges === undefined) return wholeClip;
    const key = (ranges as readonly Range<number | bigint>[]).map(({ first, last }) => `${first}-${last}`).join(' ');
    const known = this.#clips.get(key) ?? { id: this.#clips.size + 1, ranges };
    this.#clips.set(key, known);
    return known;
  }

  #node(all: readonly State<Label>[], region: Region, parent: CutDimension | undefined): CutNode<Label> | undefined {
    const states = this.#less(all);
    // What lies outside the region never comes here, so "the whole side" means something else in another one.
    const asked = cutDimensions.filter((dimension) => states.some(({ clips }) => clips[dimension] !== wholeClip));
    const where = asked.map((dimension) => `${region[dimension]?.first}-${region[dimension]?.last}`);
    const key = `${where.join()}|${states.map((state) => this.#key(state)).join(';')}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const weight = states.reduce((sum, state) => sum + this.#weigh(state), 0);
    const cut = weight <= this.#prices.enough ? undefined : this.#choose(states, weight, parent);
    this.#spent += cut === undefined ? 1 + weight : 1;
    if (this.#spent > this.#most) return undefined;
    const node = cut === undefined ? leafOf(states) : this.#cut(states, region, cut.dimension, cut.last);
    if (node !== undefined) this.#nodes.set(key, node);
    return node;
  }

  #cut(states: readonly State<Label>[], region: Region, dimension: CutDimension, last: number | bigint): CutNode<Label> | undefined {
    const { first, last: end } = region[dimension] ?? { first: undefined, last: undefined };
    const below = { first: first ?? zeroLike(last), last };
    const above = { first: next(last), last: end ?? (typeof last === 'bigint' ? 1n << 200n : Number.MAX_SAFE_INTEGER) };
    const half = (part: Range<number | bigint>): CutNode<Label> | undefined =>
      this.#node(
        states.flatMap((state) => this.#within(state, dimension, part)),
        { ...region, [dimension]: part },
        dimension,
      );
    const low = half(below);
    const high = low === undefined ? undefined : half(above);
    if (low === undefined || high === undefined) return undefined;
    return low === high ? low : { kind: 'cut', dimension, last, low, high };
  }

  /** The part of a box within one half; nothing if it has none there. */
  #within(state: State<Label>, dimension: CutDimension, part: Range<number | bigint>): State<Label>[] {
    const side = state.clips[dimension].ranges as readonly Range<number | bigint>[] | undefined;
    if (side === undefined) return [state];
    const inside = side.flatMap(({ first, last }) => {
      const clipped = { first: first > part.first ? first : part.first, last: last < part.last ? last : part.last };
      return clipped.first <= clipped.last ? [clipped] : [];
    });
    const [only] = inside;
    if (only === undefined) return [];
    const covers = inside.length === 1 && only.first <= part.first && (only.last >= part.last || atEnd(dimension, only.last));
    return [{ ...state, clips: { ...state.clips, [dimension]: covers ? wholeClip : this.#clip(inside as unknown as Ranges<number>) } }];
  }

  /** Without boxes that say nothing more, in the order of the others. */
  #less(states: readonly State<Label>[]): readonly State<Label>[] {
    if (!this.#prices.alike) return states;
    const everything = states.find(({ clips }) => cutDimensions.every((dimension) => clips[dimension] === wholeClip));
    if (everything !== undefined) return [everything];
    const unique = merged(states, (state) => clipKey(state.clips), undefined);
    if (!this.#prices.unite) return unique;
    let result = unique;
    for (const dimension of cutDimensions) {
      const others = cutDimensions.filter((one) => one !== dimension);
      result = merged(
        result,
        (state) => (state.clips[dimension] === wholeClip ? `${clipKey(state.clips)}!` : others.map((one) => state.clips[one].id).join()),
        (group) => this.#union(group, dimension),
      );
    }
    return result;
  }

  #union(group: readonly State<Label>[], dimension: CutDimension): Readonly<Record<CutDimension, Clip>> {
    const [first] = group;
    if (first === undefined) throw new Error('a union of nothing');
    const ranges = group.flatMap(({ clips }) => clips[dimension].ranges as readonly Range<number | bigint>[]).sort((a, b) => (a.first < b.first ? -1 : 1));
    const joined: { first: number | bigint; last: number | bigint }[] = [];
    for (const range of ranges) {
      const top = joined.at(-1);
      if (top !== undefined && range.first <= next(top.last)) {
        if (range.last > top.last) top.last = range.last;
      } else {
        joined.push({ ...range });
      }
    }
    return { ...first.clips, [dimension]: this.#clip(joined as unknown as Ranges<number>) };
  }

  #key(state: State<Label>): string {
    if (this.#prices.alike) return clipKey(state.clips);
    const labels = state.labels.map((label) => {
      const id = this.#labelIds.get(label) ?? this.#labelIds.size;
      this.#labelIds.set(label, id);
      return id;
    });
    return `${clipKey(state.clips)}:${labels.join()}`;
  }

  #weigh({ clips }: State<Label>): number {
    const count = (dimension: CutDimension): number => clips[dimension].ranges?.length ?? 0;
    return this.#prices.weigh({ source: count('source'), destination: count('destination'), value: count('value') });
  }

  /** The border that leaves least work in both halves; undefined if none is worth it. */
  #choose(states: readonly State<Label>[], weight: number, parent: CutDimension | undefined): { dimension: CutDimension; last: number | bigint } | undefined {
    let best: { dimension: CutDimension; last: number | bigint; score: number } | undefined;
    for (const dimension of this.#prices.cuttable) {
      for (const last of bordersOf(states, dimension)) {
        let [low, high] = [0, 0];
        for (const state of states) {
          const { ranges } = state.clips[dimension];
          if (ranges === undefined) {
            const own = this.#weigh(state);
            low += own;
            high += own;
            continue;
          }
          const [below, above] = sidesOf(ranges, last);
          const count = (one: CutDimension): number => state.clips[one].ranges?.length ?? 0;
          const all = { source: count('source'), destination: count('destination'), value: count('value') };
          if (below > 0) low += this.#prices.weigh({ ...all, [dimension]: below });
          if (above > 0) high += this.#prices.weigh({ ...all, [dimension]: above });
        }
        if (Math.max(low, high) >= weight) continue;
        const score = (low * low + high * high) / (weight * weight);
        if (score > worthwhile) continue;
        const weighted = dimension === parent ? score * loyalty : score;
        if (best === undefined || weighted < best.score) best = { dimension, last, score: weighted };
      }
    }
    return best;
  }
}

function leafOf<Label>(states: readonly State<Label>[]): CutNode<Label> {
  return {
    kind: 'leaf',
    boxes: states.map(({ clips, box, labels }) => ({
      source: clips.source.ranges,
      destination: clips.destination.ranges,
      value: clips.value.ranges,
      box,
      labels,
    })),
  };
}

/** States of one key become one, where the first of them stands. */
function merged<Label>(
  states: readonly State<Label>[],
  keyOf: (state: State<Label>) => string,
  clips: ((group: readonly State<Label>[]) => State<Label>['clips']) | undefined,
): State<Label>[] {
  const groups = new Map<string, State<Label>[]>();
  for (const state of states) {
    const key = keyOf(state);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [state]);
    else known.push(state);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    return [{ ...first, labels: [...new Set(group.flatMap(({ labels }) => labels))], clips: clips?.(group) ?? first.clips }];
  });
}

function clipKey(clips: State<unknown>['clips']): string {
  return `${clips.source.id},${clips.destination.id},${clips.value.id}`;
}

/** Some of the borders of a field, evenly spread. */
function bordersOf(states: readonly State<unknown>[], dimension: CutDimension): (number | bigint)[] {
  const found = new Set<number | bigint>();
  for (const { clips } of states) {
    const side = clips[dimension].ranges as readonly Range<number | bigint>[] | undefined;
    if (side === undefined) continue;
    const step = Math.max(1, side.length / sampled);
    for (let at = 0; at < side.length; at += step) {
      const range = side[Math.floor(at)];
      if (range === undefined) continue;
      if (range.first > 0) found.add(previous(range.first));
      found.add(range.last);
    }
  }
  const sorted = [...found].sort((a, b) => (a < b ? -1 : 1));
  if (sorted.length <= candidates) return sorted;
  return Array.from({ length: candidates }, (_, index) => sorted[Math.floor(((index + 0.5) * sorted.length) / candidates)] ?? 0);
}

/** How many of the ranges have a part up to `last`, and how many above it. */
function sidesOf(ranges: Ranges<number> | Ranges<bigint>, last: number | bigint): [below: number, above: number] {
  let [from, to] = [0, ranges.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((ranges[middle]?.first ?? 0) <= last) from = middle + 1;
    else to = middle;
  }
  const split = from > 0 && (ranges[from - 1]?.last ?? 0) > last ? 1 : 0;
  return [from, ranges.length - from + split];
}

function next(value: number | bigint): number | bigint {
  return typeof value === 'bigint' ? value + 1n : value + 1;
}

function previous(value: number | bigint): number | bigint {
  return typeof value === 'bigint' ? value - 1n : value - 1;
}

function zeroLike(value: number | bigint): number | bigint {
  return typeof value === 'bigint' ? 0n : 0;
}

/** The last value of a line: nothing lies above it. */
function atEnd(dimension: CutDimension, last: number | bigint): boolean {
  return dimension === 'value' ? last >= 0xffff : typeof last === 'bigint' ? last >= (1n << 128n) - 1n : last >= 0xffff_ffff;
}
