/**
 * From boxes (sources × destinations × services) to lookups whose number does not grow with the number of boxes.
 *
 * Every side of a box is *whole* (needs no look), a few *points* (goes into an exact key) or *wide* (is turned into
 * classes by one map). Boxes of one shape share one lookup: branches on the wide sides first, then one exact key of the
 * point sides. There are finitely many shapes, so a packet meets a bounded number of lookups whatever the policy's size.
 */
import type { Family } from '../net/address.ts';
import { canonical, intersectRanges, type Range, type Ranges, rangesSize } from '../net/ranges.ts';
import { type FamilyServices, maxValue, valuedProtocols } from '../packets/service-set.ts';

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
    };

/** A side of at most this many members may become points of an exact key. */
const mostPoints = 32;
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
  const groups = new Map<string, Part<Label>[]>();
  for (const box of boxes) {
    if (box.source?.length === 0 || box.destination?.length === 0) continue;
    for (const service of serviceParts(family, box.services)) {
      const part = shape(box, service);
      const key = `${part.sides.map((side) => `${side.dimension}${side.wide ? '*' : ''}`).join(' ')}|${part.sides.some((side) => side.wide && side.dimension === 'port') ? (part.protocol ?? '') : ''}|${part.sides.some((side) => side.dimension === 'port' && !side.wide) ? 'any' : (part.protocol ?? '')}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [part]);
      else group.push(part);
    }
  }
  return [...groups.keys()].sort().flatMap((key) => build(groups.get(key) ?? [], []));
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
    const tuples = points.reduce((product, side) => product * side.size, 1);
    const largest = points
      .filter((side) => side.dimension === 'source' || side.dimension === 'destination' || side.dimension === 'port')
      .toSorted((a, b) => b.size - a.size)[0];
    if (tuples <= mostTuples || largest === undefined || largest.size === 1) break;
    largest.wide = true;
  }
  return { sides: sides.map(({ dimension, ranges, wide }) => ({ dimension, ranges, wide })), protocol: service.protocol, label: box.label };
}

function build<Label>(parts: readonly Part<Label>[], conditions: readonly Condition[]): Step<Label>[] {
  const first = parts[0];
  if (first === undefined) return [];
  const wide = first.sides.findIndex((side) => side.wide);
  const dimension = first.sides[wide]?.dimension;
  if (dimension === undefined) return [leaf(parts, first, conditions)];
  const protocol = dimension === 'port' ? first.protocol : undefined;
  const classes = classify(parts.map((part) => part.sides[wide]?.ranges ?? []));
  const rest = (members: readonly number[]): Part<Label>[] =>
    members.flatMap((index) => {
      const part = parts[index];
      return part === undefined ? [] : [{ ...part, sides: part.sides.filter((_, at) => at !== wide) }];
    });
  const only = classes[0];
  if (classes.length === 1 && only !== undefined) return build(rest(only.members), [...conditions, { dimension, protocol, ranges: only.ranges }]);
  return [{ kind: 'branch', conditions, dimension, protocol, classes: classes.map((one) => ({ ranges: one.ranges, steps: build(rest(one.members), []) })) }];
}

/** Cuts the line at every border and joins the pieces that lie in the same sets. */
function classify(sets: readonly (Ranges<number> | Ranges<bigint>)[]): { ranges: Ranges<number> | Ranges<bigint>; members: number[] }[] {
  const events: { at: number | bigint; set: number; opens: boolean }[] = [];
  sets.forEach((ranges, set) => {
    for (const range of ranges as readonly Range<number | bigint>[]) {
      events.push({ at: range.first, set, opens: true }, { at: typeof range.last === 'bigint' ? range.last + 1n : range.last + 1, set, opens: false });
    }
  });
  events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const inside = new Set<number>();
  const classes = new Map<string, { members: number[]; ranges: Range<number | bigint>[] }>();
  let from: number | bigint | undefined;
  for (let i = 0; i < events.length;) {
    const at = events[i]?.at;
    if (at === undefined) break;
    if (from !== undefined && inside.size > 0) {
      const members = [...inside].sort((a, b) => a - b);
      const key = members.join(',');
      const range = { first: from, last: typeof at === 'bigint' ? at - 1n : at - 1 };
      const known = classes.get(key);
      if (known === undefined) classes.set(key, { members, ranges: [range] });
      else known.ranges.push(range);
    }
    for (; events[i]?.at === at; i++) {
      const event = events[i];
      if (event?.opens === true) inside.add(event.set);
      else if (event !== undefined) inside.delete(event.set);
    }
    from = at;
  }
  return [...classes.values()].map(({ members, ranges }) => ({ members, ranges: canonical(ranges) as Ranges<number> | Ranges<bigint> }));
}

function leaf<Label>(parts: readonly Part<Label>[], first: Part<Label>, conditions: readonly Condition[]): Step<Label> {
  const key = first.sides.map((side) => side.dimension);
  const order: Dimension[] = ['source', 'destination', 'protocol', 'port', 'icmp-type', 'icmp-message'];
  const sorted = key.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
  const tuples = new Map<string, { values: KeyValue[]; labels: Label[] }>();
  for (const part of parts) {
    const columns = sorted.map((dimension) => {
      const values: KeyValue[] = [];
      for (const range of (part.sides.find((side) => side.dimension === dimension)?.ranges ?? []) as readonly Range<number | bigint>[]) {
        for (let value = range.first; value <= range.last; value = typeof value === 'bigint' ? value + 1n : value + 1) values.push(value);
      }
      return values;
    });
    const spell = (at: number, values: KeyValue[]): void => {
      if (at === columns.length) {
        const all = sorted.includes('port') ? insertProtocol(sorted, values, part.protocol ?? 0) : values;
        const name = all.join(' ');
        const known = tuples.get(name);
        if (known === undefined) tuples.set(name, { values: all, labels: [part.label] });
        else if (!known.labels.includes(part.label)) known.labels.push(part.label);
        return;
      }
      for (const value of columns[at] ?? []) spell(at + 1, [...values, value]);
    };
    spell(0, []);
  }
  return { kind: 'leaf', conditions, key: sorted, tuples: [...tuples.values()] };
}

/** A port means nothing without its protocol: `port` columns become the pair protocol, port. */
function insertProtocol(key: readonly Dimension[], values: readonly KeyValue[], protocol: number): KeyValue[] {
  return values.flatMap((value, index) => (key[index] === 'port' ? [protocol, value] : [value]));
}
