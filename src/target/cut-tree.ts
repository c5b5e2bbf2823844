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
  /** A box costs a rule for each combination of its ranges, so that it gets cheaper by being cut. */
  readonly spelt: boolean;
  /** Labels do not matter: what another box holds too may go. */
  readonly alike: boolean;
  /** Boxes that differ in one side only may become one. (Not where a platform asks sides as they are.) */
  readonly unite: boolean;
}

/** A tree may hold so many times the ranges of its boxes … */
const mostGrowth = 6;
/** … and so much whatever they have. */
const always = 200;
/** … and may be looked for so long. */
const mostWork = 4;
/** Boxes with more ranges in all are not looked through for some that could become one. */
const mostUnited = 64;
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

type Line = readonly Range<number | bigint>[];

/** A window on the ranges of a side: from one to another, the outer ones clipped. Equal windows are one object. */
class Clip {
  readonly id: number;
  readonly side: number;
  readonly line: Line;
  readonly from: number;
  readonly to: number;
  readonly first: number | bigint;
  readonly last: number | bigint;
  #ranges: Line | undefined;

  constructor(id: number, side: number, line: Line, from: number, to: number, first: number | bigint, last: number | bigint) {
    this.id = id;
    this.side = side;
    this.line = line;
    this.from = from;
    this.to = to;
    this.first = first;
    this.last = last;
  }

  get count(): number {
    return this.to - this.from + 1;
  }

  get ranges(): Line {
    this.#ranges ??= this.line.slice(this.from, this.to + 1).map(({ first, last }, index, all) => ({
      first: index === 0 ? this.first : first,
      last: index === all.length - 1 ? this.last : last,
    }));
    return this.#ranges;
  }

  /** How many of its ranges begin at or below a border. */
  upTo(border: number | bigint): number {
    if (this.first > border) return 0;
    let [low, high] = [this.from + 1, this.to + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.line[middle]?.first ?? 0) <= border) low = middle + 1;
      else high = middle;
    }
    return low - this.from;
  }

  /** How many of its ranges end above a border. */
  above(border: number | bigint): number {
    const below = this.upTo(border);
    const end = below === 0 ? undefined : below === this.count ? this.last : this.line[this.from + below - 1]?.last;
    return this.count - below + (end !== undefined && end > border ? 1 : 0);
  }
}

interface State<Label> {
  readonly clips: Readonly<Record<CutDimension, Clip | undefined>>;
  readonly box: CutSides;
  readonly labels: readonly Label[];
}

type Region = Readonly<Record<CutDimension, Range<number | bigint> | undefined>>;

class Builder<Label> {
  readonly #prices: CutPrices;
  readonly #most: number;
  #spent = 0;
  #work = 0;
  readonly #nodes = new Map<string, CutNode<Label>>();
  readonly #clips = new Map<string, Clip>();
  readonly #sides = new Map<object, { readonly id: number; readonly line: Line }>();
  readonly #contents = new Map<string, { readonly id: number; readonly line: Line }>();
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

  #clip(ranges: Side): Clip | undefined {
    if (ranges === undefined) return undefined;
    let side = this.#sides.get(ranges);
    if (side === undefined) {
      const content = (ranges as Line).map(({ first, last }) => `${first}-${last}`).join(' ');
      side = this.#contents.get(content) ?? { id: this.#contents.size, line: ranges };
      this.#contents.set(content, side);
      this.#sides.set(ranges, side);
    }
    const { id, line } = side;
    return this.#window(id, line, 0, line.length - 1, line[0]?.first ?? 0, line.at(-1)?.last ?? 0);
  }

  #window(side: number, line: Line, from: number, to: number, first: number | bigint, last: number | bigint): Clip {
    const key = `${side} ${first} ${last}`;
    const known = this.#clips.get(key) ?? new Clip(this.#clips.size + 1, side, line, from, to, first, last);
    this.#clips.set(key, known);
    return known;
  }

  #node(all: readonly State<Label>[], region: Region, parent: CutDimension | undefined): CutNode<Label> | undefined {
    this.#work += all.length;
    if (this.#work > this.#most * mostWork) return undefined;
    const states = this.#less(all);
    // What lies outside the region never comes here, so "the whole side" means something else in another one.
    const asked = cutDimensions.filter((dimension) => states.some(({ clips }) => clips[dimension] !== undefined));
    const where = asked.map((dimension) => `${region[dimension]?.first}-${region[dimension]?.last}`);
    const key = `${where.join()}|${states.map((state) => this.#key(state)).join(';')}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const weight = states.reduce((sum, state) => sum + this.#weigh(state), 0);
    const cut = weight <= this.#prices.enough ? undefined : this.#choose(states, region, parent);
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
    const clip = state.clips[dimension];
    if (clip === undefined) return [state];
    const [from, to] = [clip.to - clip.above(previous(part.first)) + 1, clip.from + clip.upTo(part.last) - 1];
    if (from > to) return [];
    const start = from === clip.from ? clip.first : (clip.line[from]?.first ?? 0);
    const end = to === clip.to ? clip.last : (clip.line[to]?.last ?? 0);
    const inside = this.#window(clip.side, clip.line, from, to, start > part.first ? start : part.first, end < part.last ? end : part.last);
    const covers = inside.count === 1 && inside.first <= part.first && (inside.last >= part.last || atEnd(dimension, inside.last));
    return [{ ...state, clips: { ...state.clips, [dimension]: covers ? undefined : inside } }];
  }

  /** Without boxes that say nothing more, in the order of the others. */
  #less(states: readonly State<Label>[]): readonly State<Label>[] {
    if (!this.#prices.alike) return states;
    const everything = states.find(({ clips }) => cutDimensions.every((dimension) => clips[dimension] === undefined));
    if (everything !== undefined) return [everything];
    const unique = merged(states, (state) => clipKey(state.clips), undefined);
    if (!this.#prices.unite || unique.reduce((sum, { clips }) => sum + countOf(clips), 0) > mostUnited) return unique;
    let result = unique;
    for (const dimension of cutDimensions) {
      const others = cutDimensions.filter((one) => one !== dimension);
      result = merged(
        result,
        (state) => (state.clips[dimension] === undefined ? `${clipKey(state.clips)}!` : others.map((one) => state.clips[one]?.id ?? 0).join()),
        (group) => this.#union(group, dimension),
      );
    }
    return result;
  }

  #union(group: readonly State<Label>[], dimension: CutDimension): State<Label>['clips'] {
    const [first] = group;
    if (first === undefined) throw new Error('a union of nothing');
    const ranges = group.flatMap(({ clips }) => clips[dimension]?.ranges ?? []).sort((a, b) => (a.first < b.first ? -1 : 1));
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
    return this.#prices.weigh(counts(clips));
  }

  /** The border that leaves least work in both halves; undefined if none is worth it. */
  #choose(states: readonly State<Label>[], region: Region, parent: CutDimension | undefined): { dimension: CutDimension; last: number | bigint } | undefined {
    let best: { dimension: CutDimension; last: number | bigint; score: number } | undefined;
    const efforts = states.map(({ clips }) =>
      cutDimensions.map((dimension) => this.#effort(dimension, edgesOf(clips[dimension], region[dimension], dimension))),
    );
    const whole = efforts.reduce((sum, all) => sum + all.reduce((product, one) => product * one, 1), 0);
    for (const dimension of this.#prices.cuttable) {
      const at = cutDimensions.indexOf(dimension);
      const others = efforts.map((all) => all.reduce((product, one, index) => (index === at ? product : product * one), 1));
      for (const last of bordersOf(states, dimension)) {
        let [low, high] = [0, 0];
        for (const [index, { clips }] of states.entries()) {
          const clip = clips[dimension];
          const rest = others[index] ?? 1;
          const [below, above] = clip === undefined ? [0, 0] : halves(clip, region[dimension], dimension, last);
          if (below !== undefined) low += rest * this.#effort(dimension, below);
          if (above !== undefined) high += rest * this.#effort(dimension, above);
        }
        if (Math.max(low, high) >= whole) continue;
        const score = (low * low + high * high) / (whole * whole);
        if (score > worthwhile) continue;
        const weighted = dimension === parent ? score * loyalty : score;
        if (best === undefined || weighted < best.score) best = { dimension, last, score: weighted };
      }
    }
    return best;
  }

  /** What a side costs that has so many edges within the region. */
  #effort(dimension: CutDimension, edges: number): number {
    return this.#prices.spelt && this.#prices.cuttable.includes(dimension) ? 1 + edges / 2 : 1;
  }
}

/** Ends of ranges that lie within the region, and not at its ends. */
function edgesOf(clip: Clip | undefined, region: Range<number | bigint> | undefined, dimension: CutDimension): number {
  if (clip === undefined) return 0;
  return 2 * clip.count - (startsAt(clip.first, region) ? 1 : 0) - (endsAt(clip.last, region, dimension) ? 1 : 0);
}

/** The edges left on both sides of a cut; undefined where nothing is left. */
function halves(
  clip: Clip,
  region: Range<number | bigint> | undefined,
  dimension: CutDimension,
  last: number | bigint,
): [below: number | undefined, above: number | undefined] {
  const [below, above] = [clip.upTo(last), clip.above(last)];
  const end = below === 0 ? undefined : below === clip.count ? clip.last : (clip.line[clip.from + below - 1]?.last ?? last);
  const crosses = below + above > clip.count;
  const start = above === 0 ? undefined : above === clip.count && !crosses ? clip.first : (clip.line[clip.to - above + 1]?.first ?? last);
  return [
    end === undefined ? undefined : 2 * below - (startsAt(clip.first, region) ? 1 : 0) - (end >= last ? 1 : 0),
    start === undefined ? undefined : 2 * above - (crosses || start <= next(last) ? 1 : 0) - (endsAt(clip.last, region, dimension) ? 1 : 0),
  ];
}

function startsAt(first: number | bigint, region: Range<number | bigint> | undefined): boolean {
  return first <= (region?.first ?? 0);
}

function endsAt(last: number | bigint, region: Range<number | bigint> | undefined, dimension: CutDimension): boolean {
  return (region !== undefined && last >= region.last) || atEnd(dimension, last);
}

function leafOf<Label>(states: readonly State<Label>[]): CutNode<Label> {
  return {
    kind: 'leaf',
    boxes: states.map(({ clips, box, labels }) => ({
      source: sideOf(clips.source),
      destination: sideOf(clips.destination),
      value: sideOf(clips.value),
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
  return `${clips.source?.id ?? 0},${clips.destination?.id ?? 0},${clips.value?.id ?? 0}`;
}

function counts(clips: State<unknown>['clips']): Record<CutDimension, number> {
  return { source: clips.source?.count ?? 0, destination: clips.destination?.count ?? 0, value: clips.value?.count ?? 0 };
}

function countOf(clips: State<unknown>['clips']): number {
  return cutDimensions.reduce((sum, dimension) => sum + (clips[dimension]?.count ?? 0), 0);
}

function sideOf(clip: Clip | undefined): Side {
  return clip?.ranges as Side;
}

/** Some of the borders of a field, evenly spread. */
function bordersOf(states: readonly State<unknown>[], dimension: CutDimension): (number | bigint)[] {
  const found = new Set<number | bigint>();
  for (const { clips } of states) {
    const clip = clips[dimension];
    if (clip === undefined) continue;
    const step = Math.max(1, clip.count / sampled);
    for (let at = 0; at < clip.count; at += step) {
      const index = clip.from + Math.floor(at);
      const first = index === clip.from ? clip.first : (clip.line[index]?.first ?? 0);
      if (first > 0) found.add(previous(first));
      found.add(index === clip.to ? clip.last : (clip.line[index]?.last ?? 0));
    }
  }
  const sorted = [...found].sort((a, b) => (a < b ? -1 : 1));
  if (sorted.length <= candidates) return sorted;
  return Array.from({ length: candidates }, (_, index) => sorted[Math.floor(((index + 0.5) * sorted.length) / candidates)] ?? 0);
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
