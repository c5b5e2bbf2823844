/**
 * The lookups of one effect of a pair: which boxes hold a packet.
 *
 * Takes boxes, gives rules: few in number whatever the number of boxes. Hosts and networks with single ports are elements of shared hash
 * sets, one set for each shape; all else (and everything, on a gateway without ipset) is found by a tree of cuts for each service line. The same plan is
 * written for requests and, with source and destination swapped, for replies: the sets are the same, asked the other way round.
 */
import type { Family } from '../../src/net/address.ts';
import { extensionHeaders } from '../../src/packets/packet.ts';
import { canonical, type Range, type Ranges, rangesEqual, rangesSize, subtractRanges } from '../../src/net/ranges.ts';
import { maxValue, protocolNumber, valuedProtocols } from '../../src/packets/service-set.ts';
import { type CutBox, type CutNode, type CutPrices, cutTrees } from '../../src/target/cut-tree.ts';
import type { Box, Side } from '../../src/target/lookup-plan.ts';
import { flag, type Group, groupMatch } from './matches.ts';
import type { SetGroup, SetType } from './sets.ts';
import { jump, type Table } from './table.ts';
import { keyword, phrase, portElement, prefixElements, type Token } from './tokens.ts';
import { isTree, type Outcome, pricesOf, treeRules } from './trees.ts';

/** A box of more elements than this is asked by its sides. */
const mostElements = 256;
/** Ports of a range up to this size are elements. */
const mostPorts = 8;
/** So few elements are rules. */
const mostRules = 3;
/** More rules of one service line stand in a chain of their own, which packets of other protocols pass by. */
const mostInline = 2;

export interface SetLookup<Label> {
  readonly kind: 'set';
  readonly group: 'tcp' | 'udp';
  readonly type: SetType;
  /** The address ends in the order of the element; the port comes after the first. */
  readonly ends: readonly ('source' | 'destination')[];
  readonly set: Token;
  readonly size: number;
  readonly labels: readonly Label[];
}

export interface TreeLookup<Label> {
  readonly kind: 'tree';
  readonly group: Group;
  readonly prices: CutPrices;
  readonly nodes: readonly CutNode<Label>[];
}

export interface Plan<Label> {
  readonly stem: string;
  readonly lookups: readonly (SetLookup<Label> | TreeLookup<Label>)[];
}

interface Asked {
  /** Every label has an outcome of its own. */
  readonly labelled: boolean;
}

const groups: readonly Group[] = ['any', 'tcp', 'udp', 'icmp', 'other'];

export function planLookups<Label>(
  table: Table,
  stem: string,
  boxes: readonly Box<Label>[],
  note: (labels: readonly Label[]) => Token,
  { labelled }: Asked,
): Plan<Label> {
  const lookups: (SetLookup<Label> | TreeLookup<Label>)[] = [];
  const byGroup = new Map<Group, CutBox<Label>[]>(groups.map((group) => [group, []]));
  for (const box of boxes) {
    if (box.source?.length === 0 || box.destination?.length === 0) continue;
    for (const { group, value } of servicesOf(table.family, box))
      byGroup.get(group)?.push({ source: box.source, destination: box.destination, value, label: box.label });
  }
  for (const [group, members] of byGroup) {
    const ported = group === 'tcp' || group === 'udp' ? group : undefined;
    const { sets, rest } = ported === undefined || labelled ? { sets: [], rest: members } : elementSets(table, stem, ported, members, note);
    lookups.push(...sets);
    const prices = pricesOf(group, table.sets !== undefined, labelled);
    if (rest.length > 0) lookups.push({ kind: 'tree', group, prices, nodes: cutTrees(rest, prices) });
  }
  return { stem, lookups };
}

const headers = canonical(extensionHeaders.map((one) => ({ first: one, last: one })));

/** The service lines that a box is about. */
function servicesOf<Label>(family: Family, { services }: Box<Label>): { readonly group: Group; readonly value: Ranges<number> | undefined }[] {
  const icmp = family === 4 ? protocolNumber.icmp : protocolNumber.icmpv6;
  const result: { group: Group; value: Ranges<number> | undefined }[] = [];
  for (const [group, protocol] of [
    ['tcp', protocolNumber.tcp],
    ['udp', protocolNumber.udp],
    ['icmp', icmp],
  ] as const) {
    const ranges = canonical((services.values.get(protocol) ?? []).map(({ first, last }) => ({ first, last })));
    if (ranges.length === 0) continue;
    const [only] = ranges;
    result.push({ group, value: only?.first === 0 && only.last === maxValue ? undefined : ranges });
  }
  // They never are the protocol of a packet, and both back ends look behind them.
  const protocols = family === 6 ? subtractRanges<number>(services.protocols, headers) : services.protocols;
  if (protocols.length > 0) result.push({ group: 'other', value: protocols });
  const others = subtractRanges<number>([{ first: 0, last: 255 }], canonical(valuedProtocols(family).map((one) => ({ first: one, last: one }))));
  const everything = result.filter(({ value }) => value === undefined).length === 3 && rangesEqual(services.protocols, others);
  return everything ? [{ group: 'any', value: undefined }] : result;
}

interface Shape {
  readonly type: SetType;
  readonly ends: readonly ('source' | 'destination')[];
}

/** How a box can be spelt out as elements of a hash; undefined if it cannot: it is too large, or both its sides are networks. */
function shapeOf<Label>(family: Family, box: CutBox<Label>): Shape | undefined {
  const value = box.value as Ranges<number> | undefined;
  if (value === undefined || rangesSize(value) > mostPorts) return undefined;
  const [source, destination] = [prefixCount(family, box.source), prefixCount(family, box.destination)];
  if (source.count * destination.count * rangesSize(value) > mostElements) return undefined;
  if (box.source === undefined && box.destination === undefined) return undefined;
  if (box.source === undefined) return { type: destination.exact ? 'hash:ip,port' : 'hash:net,port', ends: ['destination'] };
  if (box.destination === undefined) return { type: source.exact ? 'hash:ip,port' : 'hash:net,port', ends: ['source'] };
  if (source.exact && destination.exact) return { type: 'hash:ip,port,ip', ends: ['source', 'destination'] };
  if (source.exact) return { type: 'hash:ip,port,net', ends: ['source', 'destination'] };
  return destination.exact ? { type: 'hash:ip,port,net', ends: ['destination', 'source'] } : undefined;
}

function prefixCount(family: Family, side: Side): { readonly count: number; readonly exact: boolean } {
  if (side === undefined) return { count: 1, exact: true };
  const size = rangesSize<number | bigint>(side);
  if (side.length > mostElements) return { count: Number.POSITIVE_INFINITY, exact: false };
  const prefixes = prefixElements(family, side).length;
  // Two or three neighbours are hosts rather than networks.
  return size <= mostPorts ? { count: size, exact: true } : { count: prefixes, exact: prefixes === size };
}

function elementSets<Label>(
  table: Table,
  stem: string,
  group: 'tcp' | 'udp',
  boxes: readonly CutBox<Label>[],
  note: (labels: readonly Label[]) => Token,
): { sets: SetLookup<Label>[]; rest: CutBox<Label>[] } {
  const { sets, family } = table;
  if (sets === undefined) return { sets: [], rest: [...boxes] };
  const shapes = new Map<string, { shape: Shape; members: CutBox<Label>[] }>();
  const rest: CutBox<Label>[] = [];
  for (const box of boxes) {
    const shape = shapeOf(family, box);
    if (shape === undefined) {
      rest.push(box);
      continue;
    }
    const key = `${shape.type} ${shape.ends.join()}`;
    const known = shapes.get(key);
    if (known === undefined) shapes.set(key, { shape, members: [box] });
    else known.members.push(box);
  }
  const found: SetLookup<Label>[] = [];
  for (const { shape, members } of shapes.values()) {
    const elements = members.map((box): SetGroup => ({ note: note([box.label]), elements: elementsOf(family, group, box, shape) }));
    const size = elements.reduce((sum, one) => sum + one.elements.length, 0);
    if (size <= mostRules) {
      rest.push(...members);
      continue;
    }
    const set = sets.add(stem, shape.type, family, elements);
    found.push({ kind: 'set', group, ...shape, set, size, labels: members.map(({ label }) => label) });
  }
  return { sets: found, rest };
}

function elementsOf<Label>(family: Family, group: 'tcp' | 'udp', box: CutBox<Label>, { type, ends }: Shape): Token[][] {
  const ports = (box.value as Ranges<number>).flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
  const words = (end: 'source' | 'destination' | undefined, at: number): Token[] | undefined => {
    const side = end === undefined ? undefined : box[end];
    if (side === undefined) return undefined;
    const wanted = type.split(',')[at]?.replace('hash:', '');
    return wanted === 'ip' ? singles(family, side) : prefixElements(family, side);
  };
  const first = words(ends[0], 0) ?? [];
  const third = words(ends[1], 2);
  return first.flatMap((one) =>
    ports.flatMap((port) => {
      const start = [one, portElement(group === 'tcp' ? 6 : 17, port)];
      return third === undefined ? [start] : third.map((last) => [...start, last]);
    }),
  );
}

/** Every address of a side. */
function singles(family: Family, side: Ranges<number> | Ranges<bigint>): Token[] {
  return (side as readonly Range<number | bigint>[]).flatMap(({ first, last }) => {
    const result: Token[] = [];
    for (let value = first; value <= last; value = typeof value === 'bigint' ? value + 1n : value + 1)
      result.push(...prefixElements(family, [{ first: value, last: value }] as unknown as Ranges<number>));
    return result;
  });
}

export interface Writing<Label> {
  readonly table: Table;
  readonly swapped: boolean;
  readonly outcome: Outcome<Label>;
  /** Stands in front of every rule. */
  readonly guard: Token | undefined;
  /** Chains that a tree may nest, where they are fewer than elsewhere. */
  readonly levels?: number | undefined;
}

export function writeLookups<Label>(plan: Plan<Label>, { table, swapped, outcome, guard, levels }: Writing<Label>): Token[] {
  const stem = swapped ? `${plan.stem}.r` : plan.stem;
  return groups.flatMap((group) => {
    const front = groupMatch(group, table.family);
    const rules: Token[] = [];
    const trees: Token[] = [];
    for (const lookup of plan.lookups) {
      if (lookup.group !== group) continue;
      if (lookup.kind === 'set') {
        rules.push(...outcome(lookup.labels).map((verdict) => phrase(front, setMatch(lookup, swapped), verdict)));
        continue;
      }
      for (const node of lookup.nodes) {
        const written = treeRules(node, { table, group, swapped, stem, outcome, ...(levels === undefined ? {} : { levels }) });
        if (isTree(node)) trees.push(phrase(guard, front, jump(table.chain(table.numbered(stem), written))));
        else rules.push(...written);
      }
    }
    const own = rules.length <= mostInline ? rules.map((rule) => phrase(guard, rule)) : [phrase(guard, front, jump(table.chain(table.numbered(stem), rules)))];
    return [...own, ...trees];
  });
}

function setMatch<Label>({ ends, set }: SetLookup<Label>, swapped: boolean): Token {
  const [first, second] = ends.map((end) => flag(end, swapped));
  const port = flag('destination', swapped);
  return phrase(keyword('-m set --match-set'), set, keyword([first, port, second].filter((one) => one !== undefined).join(',')));
}
