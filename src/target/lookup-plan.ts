/**
 * From boxes (sources × destinations × services) to lookups that hardly grow with the number of boxes.
 *
 * Every side of a box is *whole* (needs no look), a few *points* (goes into an exact key) or *wide* (is turned into classes by one map, or
 * asked as a set that all share). Boxes of one shape share one lookup: exact keys and maps in the order that costs least. There are finitely
 * many shapes, so a packet meets a bounded number of lookups as long as wide sides do not overlap in every dimension; where they do,
 * classes would multiply, and the boxes are asked in several parts instead, so that the whole never costs more than a few times its boxes.
 */
import type { Family } from '../net/address.ts';
import { canonical, intersectRanges, type Range, type Ranges, rangesSize } from '../net/ranges.ts';
import { type FamilyServices, maxValue, valuedProtocols } from '../packets/service-set.ts';
import { classify } from './lookup-classes.ts';
import { acceptable, askedAlone, chainCost, hasManyRanges, mostRules, ruleCost, setCost, sharedCost } from './lookup-cost.ts';

/** `undefined`: the whole side. */
export type Side = Ranges<number> | Ranges<bigint> | undefined;

export interface Box<Label> {
  readonly source: Side;
  readonly destination: Side;
  readonly services: FamilyServices;
  readonly label: Label;
}

export type Dimension = 'source' | 'destination' | 'protocol' | 'port' | 'icmp-type' | 'icmp-message';

/** A value of an exact key; `port` keys carry their protocol in front. */
export type KeyValue = number | bigint;

export interface Tuple<Label> {
  readonly values: readonly KeyValue[];
  /** Labels of the boxes that hold it, in the order of the boxes; never empty. */
  readonly labels: readonly Label[];
}

/** A condition on one dimension that stands before a branch or a leaf. */
export interface Condition {
  readonly dimension: Dimension;
  /** Protocol that a `port` condition is about. */
  readonly protocol: number | undefined;
  readonly ranges: Ranges<number> | Ranges<bigint>;
}

export type Step<Label> =
  /** An exact key over `key`; an empty key means: whatever reaches this point. */
  | { readonly kind: 'leaf'; readonly conditions: readonly Condition[]; readonly key: readonly Dimension[]; readonly tuples: readonly Tuple<Label>[] }
  /** A map from ranges of one dimension to further steps; what no class holds goes on behind it. */
  | {
      readonly kind: 'branch';
      readonly conditions: readonly Condition[];
      readonly dimension: Dimension;
      readonly protocol: number | undefined;
      readonly classes: readonly { readonly ranges: Ranges<number> | Ranges<bigint>; readonly steps: readonly Step<Label>[] }[];
    }
  /** An exact key to further steps; what no row holds goes on behind it. */
  | {
      readonly kind: 'switch';
      readonly conditions: readonly Condition[];
      /** Protocol that all rows are about: others need not be looked up. */
      readonly protocol: number | undefined;
      readonly key: readonly Dimension[];
      readonly rows: readonly { readonly keys: readonly (readonly KeyValue[])[]; readonly steps: readonly Step<Label>[] }[];
    };

/** A side of at most this many members may become points of an exact key. */
const mostPoints = 8;
/** A box of at most this many tuples is spelt out; a larger one has its largest side turned into classes. */
const mostTuples = 256;

interface ServicePart {
  readonly dimension: Exclude<Dimension, 'source' | 'destination'> | undefined;
  readonly protocol: number | undefined;
  readonly ranges: Ranges<number>;
}

interface Part<Label> {
  readonly sides: readonly { readonly dimension: Dimension; readonly ranges: Ranges<number> | Ranges<bigint>; readonly wide: boolean }[];
  readonly protocol: number | undefined;
  readonly label: Label;
}

export function planLookups<Label>(family: Family, boxes: readonly Box<Label>[]): Step<Label>[] {
  const parts = boxes
    .filter((box) => box.source?.length !== 0 && box.destination?.length !== 0)
    .flatMap((box) => serviceParts(family, box.services).map((service) => shape(box, service)));
  return byHead(parts).flatMap(({ head, members }) => {
    if (head === undefined) return planGroup(members);
    const budget = new Budget(acceptable(members.reduce((sum, part) => sum + aloneCost(part), 0)));
    return headed(members, head, [], budget) ?? byShape(members).flatMap((alike) => planGroup(alike));
  });
}

const heads: readonly Dimension[] = ['source', 'destination'];

interface Headed<Label> {
  /** The wide address that is asked first, or the points of parts of one shape; undefined for parts of one shape that are all points. */
  readonly head: Column | undefined;
  readonly members: readonly Part<Label>[];
}

/**
 * Parts by what is asked first: exact keys; then the points of those with a side of many ranges (groups of hosts), since one map of groups
 * would have a class for every host; then wide addresses, those of few ranges (networks) apart from those of many.
 */
function byHead<Label>(parts: readonly Part<Label>[]): Headed<Label>[] {
  const exact: Part<Label>[] = [];
  const groups: Part<Label>[] = [];
  const wide = new Map<string, Part<Label>[]>();
  for (const part of parts) {
    const sides = heads.flatMap((dimension) => part.sides.filter((side) => side.wide && side.dimension === dimension));
    const [side] = sides;
    if (side === undefined) {
      exact.push(part);
    } else if (sides.some(({ ranges }) => hasManyRanges(ranges.length)) && part.sides.some((one) => !one.wide)) {
      groups.push(part);
    } else {
      const key = `${side.dimension} ${hasManyRanges(side.ranges.length)}`;
      const group = wide.get(key);
      if (group === undefined) wide.set(key, [part]);
      else group.push(part);
    }
  }
  const of = (head: Dimension, many: boolean): Headed<Label>[] => {
    const members = wide.get(`${head} ${many}`);
    return members === undefined ? [] : [{ head, members }];
  };
  return [
    ...byShape(exact).map((members) => ({ head: undefined, members })),
    ...byShape(groups).map((members) => ({ head: 'points' as const, members })),
    ...heads.flatMap((head) => [...of(head, false), ...of(head, true)]),
  ];
}

/** Parts that one lookup can ask: the same sides are points, and the same wide. */
function byShape<Label>(parts: readonly Part<Label>[]): Part<Label>[][] {
  const groups = new Map<string, Part<Label>[]>();
  for (const part of parts) {
    const sides = part.sides.map((side) => `${side.dimension}${side.wide ? '*' : ''}`).join(' ');
    const widePort = part.sides.some((side) => side.wide && side.dimension === 'port');
    const exactPort = part.sides.some((side) => !side.wide && side.dimension === 'port');
    const key = `${sides}|${widePort || !exactPort ? (part.protocol ?? '') : 'any'}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [part]);
    else group.push(part);
  }
  return [...groups.keys()].sort().map((key) => groups.get(key) ?? []);
}

/** What is asked of parts of any shape behind `conditions`; undefined if the budget does not suffice. */
function within<Label>(parts: readonly Part<Label>[], conditions: readonly Condition[], budget: Budget): Step<Label>[] | undefined {
  const steps: Step<Label>[] = [];
  for (const { head, members } of byHead(parts)) {
    const found = head === undefined ? cheapest(members, conditions, budget) : headed(members, head, conditions, budget);
    if (found === undefined) return undefined;
    steps.push(...found);
  }
  return steps;
}

/** Parts with one head in common: by their points, side by side if there are few sides, else by one map of them all. */
function headed<Label>(parts: readonly Part<Label>[], head: Column, conditions: readonly Condition[], budget: Budget): Step<Label>[] | undefined {
  const [first] = parts;
  if (first === undefined) return [];
  if (head === 'points') return exactSwitch(parts, first, conditions, budget, within);
  const sides = [...bySide(parts, head).values()];
  const many = hasManyRanges(first.sides.find((side) => side.dimension === head)?.ranges.length ?? 0);
  // The source is asked first: who has none left is behind a class of it, or of the services.
  const behind = head === 'destination' && !first.sides.some((side) => side.wide && side.dimension === 'source');
  if (!askedAlone(sides.length, many, behind)) return branch(parts, head, conditions, budget, within);
  const steps: Step<Label>[] = [];
  for (const members of sides) {
    const found = branch(members, head, conditions, budget, within);
    if (found === undefined) return undefined;
    steps.push(...found);
  }
  return steps;
}

/** Parts by what one wide side of them is, in the order in which each is first met. */
function bySide<Label>(parts: readonly Part<Label>[], dimension: Dimension): Map<object, Part<Label>[]> {
  const result = new Map<object, Part<Label>[]>();
  for (const part of parts) {
    const ranges = part.sides.find((side) => side.dimension === dimension)?.ranges ?? [];
    const group = result.get(ranges);
    if (group === undefined) result.set(ranges, [part]);
    else group.push(part);
  }
  return result;
}

/** Of the orders in which parts of one shape can be asked, the one that costs least. */
function cheapest<Label>(parts: readonly Part<Label>[], conditions: readonly Condition[], budget: Budget): Step<Label>[] | undefined {
  const [first] = parts;
  if (first === undefined) return [];
  const enough = parts.reduce((sum, part) => sum + aloneCost(part), 0) * mostGained;
  let best: { readonly steps: Step<Label>[]; readonly cost: number } | undefined;
  for (const order of ordersOf(first)) {
    // One that costs hardly more than the boxes themselves cannot be beaten by much.
    if (best !== undefined && best.cost <= enough) break;
    const trial = new Budget(Math.min(budget.most - budget.spent, best?.cost ?? Number.POSITIVE_INFINITY));
    const steps = build(parts, order, conditions, trial);
    if (steps !== undefined) best = { steps, cost: trial.spent };
  }
  return best !== undefined && budget.spend(best.cost) ? best.steps : undefined;
}

/** Splits the services of a box by what a packet must be asked: nothing, its protocol, its port, its ICMP message. */
function serviceParts(family: Family, services: FamilyServices): ServicePart[] {
  const whole: Range<number>[] = [...services.protocols];
  const parts: ServicePart[] = [];
  for (const protocol of valuedProtocols(family)) {
    const segments = services.values.get(protocol) ?? [];
    const ranges = canonical(segments.map(({ first, last }) => ({ first, last })));
    if (ranges.length === 0) continue;
    if (ranges.length === 1 && ranges[0]?.first === 0 && ranges[0].last === maxValue) {
      whole.push({ first: protocol, last: protocol });
    } else if (protocol === 6 || protocol === 17) {
      parts.push({ dimension: 'port', protocol, ranges });
    } else {
      const types: Range<number>[] = [];
      const messages: Range<number>[] = [];
      for (let type = 0; type < 256; type++) {
        const inside = intersectRanges(ranges, [{ first: type * 256, last: type * 256 + 255 }]);
        if (rangesSize(inside) === 256) types.push({ first: type, last: type });
        else messages.push(...inside);
      }
      if (types.length > 0) parts.push({ dimension: 'icmp-type', protocol, ranges: canonical(types) });
      if (messages.length > 0) parts.push({ dimension: 'icmp-message', protocol, ranges: canonical(messages) });
    }
  }
  const protocols = canonical(whole);
  if (rangesSize(protocols) === 256) parts.push({ dimension: undefined, protocol: undefined, ranges: [] });
  else if (protocols.length > 0) parts.push({ dimension: 'protocol', protocol: undefined, ranges: protocols });
  return parts;
}

function shape<Label>(box: Box<Label>, service: ServicePart): Part<Label> {
  const sides: { dimension: Dimension; ranges: Ranges<number> | Ranges<bigint>; wide: boolean; size: number }[] = [];
  const add = (dimension: Dimension, ranges: Ranges<number> | Ranges<bigint>, alwaysPoints: boolean): void => {
    const size = rangesSize<number | bigint>(ranges);
    sides.push({ dimension, ranges, size, wide: !alwaysPoints && size > mostPoints });
  };
  if (service.dimension !== undefined)
    add(service.dimension, service.ranges, service.dimension === 'icmp-type' || service.dimension === 'icmp-message' || service.dimension === 'protocol');
  if (box.source !== undefined) add('source', box.source, false);
  if (box.destination !== undefined) add('destination', box.destination, false);
  for (;;) {
    const points = sides.filter((side) => !side.wide);
    if (points.reduce((product, side) => product * side.size, 1) <= mostTuples) break;
    const [largest] = points
      .filter((side) => side.dimension === 'source' || side.dimension === 'destination' || side.dimension === 'port')
      .sort((a, b) => b.size - a.size);
    if (largest === undefined || largest.size === 1) break;
    largest.wide = true;
  }
  return { sides: sides.map(({ dimension, ranges, wide }) => ({ dimension, ranges, wide })), protocol: service.protocol, label: box.label };
}

/** Parts of one shape: together if that is worth it, else in two halves. */
function planGroup<Label>(parts: readonly Part<Label>[]): Step<Label>[] {
  if (parts.length === 1) return cheapest(parts, [], new Budget(Number.POSITIVE_INFINITY)) ?? [];
  const steps = within(parts, [], new Budget(acceptable(parts.reduce((sum, part) => sum + aloneCost(part), 0))));
  if (steps !== undefined) return steps;
  // Parts that have a side in common go together: they add no classes to each other.
  const alike = alikeTogether(parts);
  const middle = alike.length >> 1;
  return [...planGroup(alike.slice(0, middle)), ...planGroup(alike.slice(middle))];
}

/** An order that costs at most so many times what the boxes cost is good enough. */
const mostGained = 2;

/** Wide dimensions, and the points all at once. */
type Column = Dimension | 'points';

/** The orders in which the columns may be asked, the usual one first: wide sides from the service on, then the exact key. */
function ordersOf<Label>(part: Part<Label>): Column[][] {
  const columns: Column[] = part.sides.filter((side) => side.wide).map((side) => side.dimension);
  if (part.sides.some((side) => !side.wide) || columns.length === 0) columns.push('points');
  const orders = (left: readonly Column[]): Column[][] =>
    left.length <= 1 ? [[...left]] : left.flatMap((column) => orders(left.filter((other) => other !== column)).map((rest) => [column, ...rest]));
  return orders(columns);
}

/** What the part costs on a way of its own. */
function aloneCost<Label>(part: Part<Label>): number {
  const points = part.sides.filter((side) => !side.wide).reduce((product, side) => product * rangesSize<number | bigint>(side.ranges), 1);
  return part.sides.filter((side) => side.wide).reduce((sum, side) => sum + side.ranges.length, points);
}

/**
 * Parts with a wide side in common beside each other; sides in the order in which they are first met. Nothing but the parts decides: what a
 * gateway gets must not depend on which others are compiled with it.
 */
function alikeTogether<Label>(parts: readonly Part<Label>[]): Part<Label>[] {
  const met = new Map<object, number>();
  for (const part of parts) for (const { ranges } of part.sides) if (!met.has(ranges)) met.set(ranges, met.size);
  const place = (part: Part<Label>, at: number): number => met.get(part.sides[at]?.ranges ?? part) ?? 0;
  return parts.toSorted((a, b) => {
    for (const [at, side] of a.sides.entries()) if (side.wide && place(a, at) !== place(b, at)) return place(a, at) - place(b, at);
    return 0;
  });
}

class Budget {
  readonly most: number;
  spent = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** Whether it is still affordable. */
  spend(cost: number): boolean {
    this.spent += cost;
    return this.spent <= this.most;
  }
}

/** Undefined if the budget does not suffice. */
function build<Label>(parts: readonly Part<Label>[], order: readonly Column[], conditions: readonly Condition[], budget: Budget): Step<Label>[] | undefined {
  const first = parts[0];
  const [column, ...rest] = order;
  if (first === undefined) return [];
  if (column === undefined || (column === 'points' && rest.length === 0)) {
    const step = leaf(parts, first, conditions, budget);
    return step === undefined ? undefined : [step];
  }
  const next: Next = (members, behind, left) => build(members, rest, behind, left);
  return column === 'points' ? exactSwitch(parts, first, conditions, budget, next) : branch(parts, column, conditions, budget, next);
}

/** What is asked of the parts that are left, behind conditions. */
type Next = <Label>(parts: readonly Part<Label>[], conditions: readonly Condition[], budget: Budget) => Step<Label>[] | undefined;

/** A map of one dimension to whatever `next` makes of the members of each class. */
function branch<Label>(
  parts: readonly Part<Label>[],
  dimension: Dimension,
  conditions: readonly Condition[],
  budget: Budget,
  next: Next,
): Step<Label>[] | undefined {
  const protocol = dimension === 'port' ? parts[0]?.protocol : undefined;
  const found = classify(
    parts.map((part) => part.sides.find((side) => side.dimension === dimension)?.ranges ?? []),
    budget.most - budget.spent,
  );
  if (found === undefined) return undefined;
  const [only] = found;
  const elements = found.reduce((sum, one) => sum + one.ranges.length, 0);
  if (!budget.spend(found.length > 1 ? setCost + elements : elements > 1 ? sharedCost : 1)) return undefined;
  const without = (members: readonly number[]): Part<Label>[] =>
    pick(parts, members).map((part) => ({ ...part, sides: part.sides.filter((side) => side.dimension !== dimension) }));
  if (found.length === 1 && only !== undefined) {
    // All have the same side: the object itself, by which a shared set is known.
    const ranges = parts[0]?.sides.find((side) => side.dimension === dimension)?.ranges ?? only.ranges;
    return next(without(only.members), [...conditions, { dimension, protocol, ranges }], budget);
  }
  const classes: { ranges: Ranges<number> | Ranges<bigint>; steps: readonly Step<Label>[] }[] = [];
  for (const one of found) {
    if (!budget.spend(chainCost)) return undefined;
    const steps = next(without(one.members), [], budget);
    if (steps === undefined) return undefined;
    classes.push({ ranges: one.ranges, steps });
  }
  return [{ kind: 'branch', conditions, dimension, protocol, classes }];
}

/** The points of parts of one shape, all at once, to whatever `next` makes of those that have them. */
function exactSwitch<Label>(
  parts: readonly Part<Label>[],
  first: Part<Label>,
  conditions: readonly Condition[],
  budget: Budget,
  next: Next,
): Step<Label>[] | undefined {
  const key = keyOf(first);
  const members = new Map<string, { readonly values: readonly KeyValue[]; readonly parts: number[] }>();
  for (const [index, part] of parts.entries()) {
    for (const values of tuplesOf(part, key)) {
      const name = values.join(' ');
      const known = members.get(name);
      if (known === undefined) members.set(name, { values, parts: [index] });
      else if (known.parts.at(-1) !== index) known.parts.push(index);
    }
    if (members.size > budget.most) return undefined;
  }
  if (!budget.spend(setCost + members.size)) return undefined;
  const rows = new Map<string, { readonly keys: (readonly KeyValue[])[]; readonly parts: readonly number[] }>();
  for (const { values, parts: indices } of members.values()) {
    const name = indices.join(',');
    const known = rows.get(name);
    if (known === undefined) rows.set(name, { keys: [values], parts: indices });
    else known.keys.push(values);
  }
  const built: { keys: readonly (readonly KeyValue[])[]; steps: readonly Step<Label>[] }[] = [];
  for (const row of rows.values()) {
    if (!budget.spend(chainCost)) return undefined;
    const left = pick(parts, row.parts).map((part) => ({ ...part, sides: part.sides.filter((side) => side.wide) }));
    const steps = next(left, [], budget);
    if (steps === undefined) return undefined;
    built.push({ keys: row.keys, steps });
  }
  return [
    { kind: 'switch', conditions, protocol: first.sides.some((side) => side.wide && side.dimension === 'port') ? first.protocol : undefined, key, rows: built },
  ];
}

function pick<Label>(parts: readonly Part<Label>[], members: readonly number[]): Part<Label>[] {
  return members.flatMap((index) => parts[index] ?? []);
}

const keyOrder: readonly Dimension[] = ['source', 'destination', 'protocol', 'port', 'icmp-type', 'icmp-message'];

/** The point sides, in the order in which they stand in a key. */
function keyOf<Label>(part: Part<Label>): Dimension[] {
  return part.sides
    .filter((side) => !side.wide)
    .map((side) => side.dimension)
    .toSorted((a, b) => keyOrder.indexOf(a) - keyOrder.indexOf(b));
}

function leaf<Label>(parts: readonly Part<Label>[], first: Part<Label>, conditions: readonly Condition[], budget: Budget): Step<Label> | undefined {
  const key = keyOf(first);
  const tuples = new Map<string, { values: readonly KeyValue[]; labels: Label[] }>();
  for (const part of parts) {
    for (const values of tuplesOf(part, key)) {
      const name = values.join(' ');
      const known = tuples.get(name);
      if (known === undefined) tuples.set(name, { values, labels: [part.label] });
      else if (!known.labels.includes(part.label)) known.labels.push(part.label);
    }
    if (tuples.size > budget.most) return undefined;
  }
  if (!budget.spend(key.length === 0 || tuples.size <= mostRules ? tuples.size * ruleCost : setCost + tuples.size)) return undefined;
  return { kind: 'leaf', conditions, key, tuples: [...tuples.values()] };
}

/** Every combination of the part's points, as values of the key; `port` columns become the pair protocol, port. */
function tuplesOf<Label>(part: Part<Label>, key: readonly Dimension[]): (readonly KeyValue[])[] {
  let tuples: KeyValue[][] = [[]];
  for (const dimension of key) {
    const ranges = (part.sides.find((side) => side.dimension === dimension)?.ranges ?? []) as readonly Range<number | bigint>[];
    const [only] = ranges;
    // Most sides are one host or one port.
    if (only !== undefined && ranges.length === 1 && only.first === only.last) {
      for (const tuple of tuples) {
        if (dimension === 'port') tuple.push(part.protocol ?? 0);
        tuple.push(only.first);
      }
      continue;
    }
    const values: (readonly KeyValue[])[] = [];
    for (const range of ranges) {
      for (let value = range.first; value <= range.last; value = typeof value === 'bigint' ? value + 1n : value + 1)
        values.push(dimension === 'port' ? [part.protocol ?? 0, value] : [value]);
    }
    tuples = tuples.flatMap((start) => values.map((end) => [...start, ...end]));
  }
  return tuples;
}
