/**
 * Sets of conversations: who starts one with whom, with which message; without interfaces or connection states.
 *
 * Takes an address line and services, gives canonical sets (`Node`). All that is asked of a whole plant (asserts, tests,
 * reach, paths, differences) is asked here: destination before source, since plants share more that way, services last.
 */
import type { Address, Family } from '../net/address.ts';
import { families } from '../net/address.ts';
import { type AddressSet, noAddresses } from '../net/address-set.ts';
import { canonical, type Range, type Ranges } from '../net/ranges.ts';
import type { AddressLine } from './address-line.ts';
import { type Cover, coverOf } from './cover.ts';
import { Diagram, empty, full, type Node } from './diagram.ts';
import { type Below, belowOf, functionsBelow, functionBits, messageBits, type MessageDetails, noDetails } from './function-set.ts';
import { coverOfLayers, type Layer, unionOfLayers } from './layers.ts';
import { type MessageLevels, messageNode, pickDetails } from './message-diagram.ts';
import { belowRanges, numberRanges } from './range-diagram.ts';
import { type FamilyServices, familyServices, noServices, type ServiceSet, type ValueMap, type ValueSegment, valuedProtocols } from './service-set.ts';

/** A conversation as its first packet shows it. */
export interface Conversation {
  readonly source: Address;
  readonly destination: Address;
  /** IP protocol, 0–255. */
  readonly protocol: number;
  /** TCP and UDP: destination port; ICMP of the family: type × 256 + code; 0 for others. */
  readonly value: number;
  readonly functionNumber: number;
  /** Unit and addresses of the message; absent: it has none (`noDetails`). */
  readonly details?: MessageDetails;
}

/** Conversations from one side to another that services name. */
export interface Product {
  readonly source: AddressSet;
  readonly destination: AddressSet;
  readonly services: ServiceSet;
}

/** What a pick prefers, where the set leaves a choice. */
export interface Wish {
  readonly protocol?: number;
  readonly value?: number;
}

const protocolBits = 8;
/** Nodes that a product of a large plant brings. */
const nodesEach = 32;
const valueBits = 16;

export class ConversationSpace {
  readonly diagram: Diagram;
  readonly line: AddressLine;
  readonly #bits: number;
  readonly #source: number;
  readonly #protocol: number;
  readonly #value: number;
  readonly #message: MessageLevels;
  readonly #services: Record<Family, WeakMap<ServiceSet, Node>> = { 4: new WeakMap(), 6: new WeakMap() };

  /** `products`: about how many will be asked about. */
  constructor(line: AddressLine, products = 0) {
    this.line = line;
    this.#bits = Math.max(1, Math.ceil(Math.log2(line.size + 1)));
    this.#source = this.#bits;
    this.#protocol = this.#source + this.#bits;
    this.#value = this.#protocol + protocolBits;
    const message = this.#value + valueBits;
    const unit = message + messageBits[0];
    const first = unit + messageBits[1];
    this.#message = [message, unit, first, first + messageBits[2]];
    this.diagram = new Diagram(products * nodesEach, [
      { level: 0, width: this.#bits },
      { level: this.#source, width: this.#bits },
      { level: this.#protocol, width: protocolBits },
      { level: this.#value, width: valueBits },
      ...this.#message.map((level, field) => ({ level, width: messageBits[field] ?? 0 })),
    ]);
  }

  /** Conversations from one side to the other that the services name; families never mix. */
  product(source: AddressSet, destination: AddressSet, services: ServiceSet): Node {
    const parts = families.map((family) => {
      const to = this.line.segments(destination, family);
      const from = this.line.segments(source, family);
      if (to.length === 0 || from.length === 0) return empty;
      return this.#ranges(0, this.#bits, to, this.#ranges(this.#source, this.#bits, from, this.services(family, services)));
    });
    return this.diagram.union(parts[0] ?? empty, parts[1] ?? empty);
  }

  /** What any of many products holds, built at once. */
  union(products: readonly Product[]): Node {
    const layers = products.flatMap(({ source, destination, services }) =>
      families.flatMap((family): Layer[] => {
        const from = this.line.segments(source, family);
        if (from.length === 0) return [];
        const below = this.#ranges(this.#source, this.#bits, from, this.services(family, services));
        return [{ ranges: this.line.segments(destination, family), below }];
      }),
    );
    return unionOfLayers(this.diagram, 0, this.#bits, layers);
  }

  /** What at least one, and at least two, of many products hold, built at once: what goes to the same places first. */
  cover(products: readonly Product[]): Cover {
    const groups = new Map<string, { readonly ranges: Ranges<number>; readonly sources: Layer<Cover>[] }>();
    for (const { source, destination, services } of products) {
      for (const family of families) {
        const to = this.line.segments(destination, family);
        const from = this.line.segments(source, family);
        if (to.length === 0 || from.length === 0) continue;
        const layer = { ranges: from, below: coverOf(this.services(family, services)) };
        const name = to.map(({ first, last }) => `${first}-${last}`).join();
        const group = groups.get(name);
        if (group === undefined) groups.set(name, { ranges: to, sources: [layer] });
        else group.sources.push(layer);
      }
    }
    const over = (level: number, layers: readonly Layer<Cover>[]): Cover => coverOfLayers(this.diagram, level, this.#bits, layers);
    return over(
      0,
      [...groups.values()].map(({ ranges, sources }) => ({ ranges, below: over(this.#source, sources) })),
    );
  }

  /** Whether the set holds every conversation of the product: asked without building the product. */
  isWithin({ source, destination, services }: Product, set: Node): boolean {
    return families.every((family) => {
      const from = this.line.segments(source, family);
      if (from.length === 0) return true;
      const said = this.services(family, services);
      if (set === empty) return said === empty || this.line.segments(destination, family).length === 0;
      return belowRanges(this.diagram, set, 0, this.#bits, this.line.segments(destination, family)).every((node) =>
        belowRanges(this.diagram, node, this.#source, this.#bits, from).every((messages) => this.diagram.subtract(said, messages) === empty),
      );
    });
  }

  /** Every conversation with this destination side, or from this source side. */
  side(which: 'source' | 'destination', addresses: AddressSet): Node {
    const level = which === 'source' ? this.#source : 0;
    return this.diagram.unionAll(families.map((family) => this.#ranges(level, this.#bits, this.line.segments(addresses, family), full)));
  }

  /** Messages that the services name in a family; sides are free. */
  services(family: Family, set: ServiceSet): Node {
    const known = this.#services[family].get(set);
    if (known !== undefined) return known;
    const services = familyServices(set, family);
    const parts: Node[] = [this.#ranges(this.#protocol, protocolBits, services.protocols, full)];
    for (const [protocol, segments] of services.values) {
      const values = this.diagram.unionAll(
        segments.map(({ first, last, functions }) =>
          this.#ranges(this.#value, valueBits, [{ first, last }], messageNode(this.diagram, this.#message, functions, full)),
        ),
      );
      parts.push(this.#ranges(this.#protocol, protocolBits, [{ first: protocol, last: protocol }], values));
    }
    const result = this.diagram.unionAll(parts);
    this.#services[family].set(set, result);
    return result;
  }

  contains(set: Node, conversation: Conversation): boolean {
    let node = set;
    const walk = (level: number, width: number, value: number): void => {
      for (let bit = 0; bit < width && node > full; bit++) {
        if (this.diagram.level(node) !== level + bit) continue;
        node = (value / 2 ** (width - 1 - bit)) % 2 >= 1 ? this.diagram.high(node) : this.diagram.low(node);
      }
    };
    walk(0, this.#bits, this.line.segmentOf(conversation.destination));
    walk(this.#source, this.#bits, this.line.segmentOf(conversation.source));
    walk(this.#protocol, protocolBits, conversation.protocol);
    walk(this.#value, valueBits, conversation.value);
    const { unit, firstAddress, lastAddress } = conversation.details ?? noDetails;
    for (const [at, value] of [conversation.functionNumber, unit, firstAddress, lastAddress].entries())
      walk(this.#message[at] ?? 0, messageBits[at] ?? 0, value);
    return node === full;
  }

  /** One member, of the lowest addresses; undefined for the empty set. */
  pick(set: Node, wish: Wish = {}): Conversation | undefined {
    if (set === empty) return undefined;
    let node = set;
    const walk = (level: number, width: number, wished: number): number => {
      let value = 0;
      for (let bit = 0; bit < width; bit++) {
        let one = Math.floor(wished / 2 ** (width - 1 - bit)) % 2 === 1;
        if (node > full && this.diagram.level(node) === level + bit) {
          const wanted = one ? this.diagram.high(node) : this.diagram.low(node);
          if (wanted === empty) one = !one;
          node = one ? this.diagram.high(node) : this.diagram.low(node);
        }
        value = value * 2 + (one ? 1 : 0);
      }
      return value;
    };
    const destination = this.line.firstAddress(walk(0, this.#bits, 0));
    const source = this.line.firstAddress(walk(this.#source, this.#bits, destination.family === 4 ? 0 : this.line.segmentOf({ family: 6, value: 0n })));
    const protocol = walk(this.#protocol, protocolBits, wish.protocol ?? 6);
    const valued = valuedProtocols(source.family).includes(protocol);
    const value = walk(this.#value, valueBits, wish.value ?? (valued ? 1 : 0));
    const functionNumber = walk(this.#message[0], functionBits, 0);
    const { details } = pickDetails(this.diagram, this.#message, node);
    return { destination, source, protocol, value, functionNumber, ...(details === undefined ? {} : { details }) };
  }

  /**
   * The set as a list of disjoint products: for every relation of sources and messages the destinations that have it,
   * and within it for every set of messages the sources. Sorted by first destination and source.
   */
  products(set: Node): { readonly destination: AddressSet; readonly source: AddressSet; readonly services: Node }[] {
    return this.#leaves(set, 0).flatMap(({ segments: to, node }) =>
      this.#leaves(node, this.#source).map(({ segments: from, node: services }) => ({
        destination: this.line.addresses(to),
        source: this.line.addresses(from),
        services,
      })),
    );
  }

  /** Sources and messages of the set, whatever the destination. */
  withoutDestination(set: Node): Node {
    return this.diagram.forget(set, 0, this.#source - 1);
  }

  /** Every destination of the set, or every source. */
  project(which: 'source' | 'destination', set: Node): AddressSet {
    const node = which === 'destination' ? set : this.withoutDestination(set);
    const segments = this.#leaves(node, which === 'source' ? this.#source : 0).flatMap((leaf) => leaf.segments);
    return segments.length === 0 ? noAddresses : this.line.addresses(canonical(segments));
  }

  /** The messages of a set whose sides are free, or of any set with its sides forgotten. */
  messages(set: Node): ServiceSet {
    const node = this.diagram.forget(set, 0, this.#protocol - 1);
    if (node === empty) return noServices;
    const of = (family: Family): FamilyServices => {
      const values = new Map<number, ValueMap>();
      const whole: Range<number>[] = [];
      for (const { segments, node: below } of this.#split(node, this.#protocol, protocolBits)) {
        for (const { first, last } of segments) {
          for (let protocol = first; protocol <= last; protocol++) {
            if (!valuedProtocols(family).includes(protocol)) whole.push({ first: protocol, last: protocol });
            else values.set(protocol, this.#valueMap(below));
          }
        }
      }
      return { values, protocols: canonical(whole) };
    };
    return { v4: of(4), v6: of(6) };
  }

  #valueMap(node: Node): ValueMap {
    const segments = this.#split(node, this.#value, valueBits).flatMap(({ segments, node: below }) => {
      const functions = functionsBelow(this.#said(below, 0));
      return segments.map((segment): ValueSegment => ({ ...segment, functions }));
    });
    return segments.sort((a, b) => a.first - b.first);
  }

  #said(node: Node, depth: number): Below {
    const [level, width] = [this.#message[depth], messageBits[depth]];
    if (level === undefined || width === undefined || (node === full && depth > 0)) return 'all';
    const segments = this.#split(node, level, width).flatMap(({ segments: ranges, node: rest }) => {
      const below = this.#said(rest, depth + 1);
      return ranges.map(({ first, last }) => ({ low: first, high: last, below }));
    });
    return belowOf(
      segments.sort((a, b) => a.low - b.low),
      depth,
    );
  }

  #leaves(set: Node, level: number): { readonly segments: Ranges<number>; readonly node: Node }[] {
    return this.#split(set, level, this.#bits, this.line.size - 1);
  }

  /** The distinct sets below a field, each with the values that lead there; the empty one left out. */
  #split(set: Node, level: number, width: number, last = 2 ** width - 1): { readonly segments: Ranges<number>; readonly node: Node }[] {
    const found = new Map<Node, { first: number; last: number }[]>();
    const walk = (node: Node, bit: number, low: number): void => {
      if (node === empty || low > last) return;
      const at = node === full ? width : Math.min(this.diagram.level(node) - level, width);
      if (at >= width) {
        const high = Math.min(low + 2 ** (width - bit) - 1, last);
        const list = found.get(node);
        const top = list?.[list.length - 1];
        if (list === undefined) found.set(node, [{ first: low, last: high }]);
        else if (top !== undefined && top.last + 1 === low) top.last = high;
        else list.push({ first: low, last: high });
        return;
      }
      const half = 2 ** (width - bit - 1);
      walk(at === bit ? this.diagram.low(node) : node, bit + 1, low);
      walk(at === bit ? this.diagram.high(node) : node, bit + 1, low + half);
    };
    walk(set, 0, 0);
    return [...found].map(([node, segments]) => ({ segments, node })).sort((a, b) => (a.segments[0]?.first ?? 0) - (b.segments[0]?.first ?? 0));
  }

  #ranges(level: number, width: number, ranges: Ranges<number>, below: Node): Node {
    return numberRanges(this.diagram, level, width, ranges, below);
  }
}
