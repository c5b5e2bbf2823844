/**
 * Packet sets: the fields of a packet laid out over the bits of one decision diagram.
 *
 * Takes ranges of field values, gives canonical sets (`Node`): equality is identity. Splits at the top (hook, state,
 * interfaces) share what lies below. Messages stand above addresses: a plant has few of them, and groups of scattered hosts, which overlap in
 * nearly every host, hardly do for one message. Destination before source, since measured plants share more that way.
 */
import { families, type Family } from '../net/address.ts';
import type { AddressSet } from '../net/address-set.ts';
import { canonical, type Range, type Ranges } from '../net/ranges.ts';
import type { AddressLine } from './address-line.ts';
import { Diagram, empty, full, type Node } from './diagram.ts';
import { type Below, belowOf, detailsIn, functionsBelow, type FunctionSet, type MessageDetails } from './function-set.ts';
import { noFunction } from './functions.ts';
import { type Layer, unionOfLayers } from './layers.ts';
import { type MessageLevels, messageNode, pickDetails } from './message-diagram.ts';
import { connectionStates, type ConnectionState, hooks, type Hook, type Packet, requestOf } from './packet.ts';
import { bitOf, type Field, fieldAt, fields, packetOf } from './packet-fields.ts';
import { numberRanges, wideRanges } from './range-diagram.ts';
import { type FamilyServices, protocolNumber, type ValueMap, valuedProtocols, type ValueSegment } from './service-set.ts';

export type { Node } from './diagram.ts';
export { empty, full } from './diagram.ts';
export { type Field, fields } from './packet-fields.ts';

/** One product of a union: from a source to a destination; undefined: free. */
export interface Ends {
  readonly source: AddressSet | undefined;
  readonly destination: AddressSet | undefined;
}

/** Services, and the set within which they are meant. */
export interface Said {
  readonly services: FamilyServices;
  readonly below: Node;
}

interface SaidSegment {
  readonly segment: ValueSegment;
  readonly below: Node;
}
/** The fields of a message, outermost first. */
const messageFields = [fields.function, fields.unit, fields.firstAddress, fields.lastAddress] as const;
const messageLevels: MessageLevels = [fields.function.level, fields.unit.level, fields.firstAddress.level, fields.lastAddress.level];

/** Interface numbers with a fixed meaning; declared interfaces follow, sorted by name. */
export const noInterface = 0;
export const otherInterface = 1;
const firstInterface = 2;

/** A chain of bits for each end; measured on plants of thousands of flows. */
const nodesPerProduct = 48;

/**
 * One arena of packet sets over the interfaces of one gateway.
 *
 * With an address line, an address is the place of its segment on the line, in the first bits of its field: exact as long as all sets
 * are cut at the line's borders, and some ten times smaller. Without one, every bit of an address has its own.
 */
export class PacketSpace {
  readonly diagram: Diagram;
  readonly line: AddressLine | undefined;
  /** Names that sets can tell apart: `lo` and the declared interfaces, sorted. */
  readonly interfaces: readonly string[];
  readonly #index: ReadonlyMap<string, number>;

  /** `products`: how many "from here to there" its sets will be made of; only a guess, to grow less often. */
  constructor(interfaces: Iterable<string>, line?: AddressLine, products = 0) {
    const runs = Object.values(fields).map(({ name, level, width }) => ({
      level,
      width: line !== undefined && (name === 'source' || name === 'destination') ? line.bits : width,
    }));
    this.diagram = new Diagram(products * nodesPerProduct, runs);
    this.line = line;
    this.interfaces = [...new Set(['lo', ...interfaces])].sort();
    this.#index = new Map(this.interfaces.map((name, index) => [name, firstInterface + index]));
    if (firstInterface + this.interfaces.length > 1 << fields.inInterface.width) throw new Error('more interfaces than the interface field has room for');
  }

  /** The number of an interface name; names that were not declared share one. */
  interfaceNumber(name: string | undefined): number {
    return name === undefined ? noInterface : (this.#index.get(name) ?? otherInterface);
  }

  knowsInterface(name: string): boolean {
    return this.#index.has(name);
  }

  interfaceName(number: number): string | undefined {
    return number === noInterface ? undefined : (this.interfaces[number - firstInterface] ?? 'another interface');
  }

  /** Members of `below` whose field lies in the ranges; `below` must not constrain fields at or above `field`. */
  within(field: Field, ranges: Ranges<number>, below: Node = full): Node {
    return numberRanges(this.diagram, field.level, field.width, ranges, below);
  }

  /** Members of `below` whose field is one of the values, as `within`. */
  among(field: Field, values: readonly number[], below: Node = full): Node {
    return this.diagram.unionAll(values.map((value) => this.within(field, [{ first: value, last: value }], below)));
  }

  /** Members of `below` whose message is one of these; `below` must not constrain fields at or above the function's. */
  messagesOf(set: FunctionSet, below: Node = full): Node {
    return messageNode(this.diagram, messageLevels, set, below);
  }

  hook(hook: Hook, below: Node = full): Node {
    return this.among(fields.hook, [hooks.indexOf(hook)], below);
  }

  state(state: ConnectionState, below: Node = full): Node {
    return this.among(fields.state, [connectionStates.indexOf(state)], below);
  }

  direction(direction: 'original' | 'reply', below: Node = full): Node {
    return this.#bit(fields.direction.level, direction === 'reply', below);
  }

  markCurrent(current: boolean, below: Node = full): Node {
    return this.#bit(fields.mark.level, current, below);
  }

  local(local: boolean, below: Node = full): Node {
    return this.#bit(fields.local.level, local, below);
  }

  family(family: Family, below: Node = full): Node {
    return this.#bit(fields.family.level, family === 6, below);
  }

  inInterface(name: string | undefined, below: Node = full): Node {
    return this.among(fields.inInterface, [this.interfaceNumber(name)], below);
  }

  outInterface(name: string | undefined, below: Node = full): Node {
    return this.among(fields.outInterface, [this.interfaceNumber(name)], below);
  }

  /** Members of `below` of the family whose address field lies in the ranges (the family itself is not constrained). */
  addresses(field: 'source' | 'destination', family: Family, ranges: Ranges<number> | Ranges<bigint>, below: Node = full): Node {
    const { level } = fields[field];
    if (this.line !== undefined) return numberRanges(this.diagram, level, this.line.bits, this.line.places(family, ranges), below);
    return family === 4
      ? numberRanges(this.diagram, level, 32, ranges as Ranges<number>, below)
      : wideRanges(this.diagram, level, 128, ranges as Ranges<bigint>, below);
  }

  /** Both families of an address set, each under its own family bit. */
  addressSet(field: 'source' | 'destination', set: AddressSet, below: Node = full): Node {
    return this.diagram.union(this.family(4, this.addresses(field, 4, set.v4, below)), this.family(6, this.addresses(field, 6, set.v6, below)));
  }

  /** Packets of the family from any of the sources to the destination beside it, within `below`; an undefined side is free. */
  between(family: Family, ends: readonly Ends[], below: Node = full): Node {
    const { line } = this;
    if (line === undefined) {
      const at = (field: 'source' | 'destination', set: AddressSet | undefined, under: Node): Node =>
        set === undefined ? under : this.addresses(field, family, family === 4 ? set.v4 : set.v6, under);
      return this.diagram.unionAll(ends.map(({ source, destination }) => at('destination', destination, at('source', source, below))));
    }
    const everywhere = [{ first: 0, last: 2 ** line.bits - 1 }];
    const layers = ends.map(({ source, destination }) => ({
      ranges: destination === undefined ? everywhere : line.placesOf(destination, family),
      below: source === undefined ? below : this.#from(line, source, family, below),
    }));
    return unionOfLayers(this.diagram, fields.destination.level, line.bits, layers);
  }

  readonly #sources: Record<Family, WeakMap<AddressSet, Map<Node, Node>>> = { 4: new WeakMap(), 6: new WeakMap() };

  /** Members of `below` from one side, remembered. */
  #from(line: AddressLine, source: AddressSet, family: Family, below: Node): Node {
    const memory = this.#sources[family];
    const nodes = memory.get(source) ?? new Map<Node, Node>();
    memory.set(source, nodes);
    const known = nodes.get(below) ?? numberRanges(this.diagram, fields.source.level, line.bits, line.placesOf(source, family), below);
    nodes.set(below, known);
    return known;
  }

  /** Messages of services in one family, each within its own set: protocol, value and function; the family itself is not constrained. */
  messagesOver(family: Family, items: readonly Said[]): Node {
    return this.#over(family, items, (segments) =>
      this.#layers(
        fields.value,
        segments.map(({ segment, below }) => this.#values(segment, below)),
      ),
    );
  }

  /**
   * Replies to services: the server's port is the source port, and an ICMP reply stands for its request
   * (`requestOf`). A function is that of a client's message: a reply leaves it free, and belongs to a conversation that may
   * start without one. `asking`: the called side asks, so that the functions are those of its messages.
   */
  repliesOver(family: Family, items: readonly Said[], asking = false): Node {
    return this.#over(family, items, (segments, protocol) => {
      if (protocol === icmpOf(family))
        return this.#layers(
          fields.value,
          segments.map(({ segment, below }) => ({ ranges: answersTo(family, segment), below })),
        );
      const layers = asking
        ? segments.map(({ segment, below }) => this.#values(segment, below))
        : segments
            .filter(({ segment }) => detailsIn(segment.functions, noFunction) === 'all')
            .map(({ segment, below }): Layer => ({ ranges: [segment], below }));
      return this.#layers(fields.sourcePort, layers);
    });
  }

  /** Whether the packet is a member. */
  contains(set: Node, packet: Packet): boolean {
    let node = set;
    while (node > full) {
      const level = this.diagram.level(node);
      node = bitOf(packet, level, this) ? this.diagram.high(node) : this.diagram.low(node);
    }
    return node === full;
  }

  /** One member, or undefined for the empty set. */
  pick(set: Node): Packet | undefined {
    if (set === empty) return undefined;
    const values = new Map<Field, bigint>();
    let node = set;
    let details: MessageDetails | undefined;
    for (const field of Object.values(fields)) {
      if (field === fields.unit) ({ details, node } = pickDetails(this.diagram, messageLevels, node));
      let value = 0n;
      for (let i = 0; i < field.width; i++) {
        const level = field.level + i;
        let bit = 0n;
        if (node > full && this.diagram.level(node) === level) {
          if (this.diagram.low(node) === empty) bit = 1n;
          node = bit === 1n ? this.diagram.high(node) : this.diagram.low(node);
        }
        value = (value << 1n) | bit;
      }
      values.set(field, value);
    }
    const packet = packetOf(values, this);
    return details === undefined ? packet : { ...packet, details };
  }

  /**
   * The messages of one family that members of the set have, whatever their other fields; of `replies` by the port that answers. ICMP tells
   * both by its type.
   */
  messages(set: Node, family: Family, replies = false): FamilyServices {
    const { diagram } = this;
    const above = diagram.forget(diagram.intersect(set, this.family(family)), 0, fields.protocol.level - 1);
    const here = diagram.forget(above, fields.destination.level, fields.local.level);
    const without = ({ level, width }: Field): Node => diagram.forget(here, level, level + width - 1);
    const byValue = this.#pieces(without(fields.sourcePort), fields.protocol);
    const bySource = replies ? this.#pieces(without(fields.value), fields.protocol) : [];
    const values = new Map<number, ValueMap>();
    const protocols: Range<number>[] = [];
    for (const { first: low, last: high, below } of byValue) {
      for (let protocol = low; protocol <= high; protocol++) {
        if (!valuedProtocols(family).includes(protocol)) {
          protocols.push({ first: protocol, last: protocol });
          continue;
        }
        const ports = protocol === icmpOf(family) ? undefined : bySource.find(({ first, last }) => first <= protocol && protocol <= last);
        const pieces = ports === undefined ? this.#pieces(below, fields.value) : this.#pieces(ports.below, fields.sourcePort);
        values.set(
          protocol,
          pieces.map((piece) => ({ first: piece.first, last: piece.last, functions: functionsBelow(this.#said(piece.below, 0)) })),
        );
      }
    }
    return { values, protocols: canonical(protocols) };
  }

  #said(node: Node, depth: number): Below {
    const field = messageFields[depth];
    if (field === undefined || (node === full && depth > 0)) return 'all';
    return belowOf(
      this.#pieces(node, field).map(({ first, last, below }) => ({ low: first, high: last, below: this.#said(below, depth + 1) })),
      depth,
    );
  }

  /** The values of a field of few bits with something below them. */
  #pieces(node: Node, field: Field): { readonly first: number; readonly last: number; readonly below: Node }[] {
    if (node === empty) return [];
    const runs = this.#runs(node, field, 4) as { readonly first: number; readonly below: Node }[];
    return runs.flatMap(({ first, below }, index) => (below === empty ? [] : [{ first, last: (runs[index + 1]?.first ?? 2 ** field.width) - 1, below }]));
  }

  /**
   * A canonical text of the set, fed piecewise to `sink`: equal sets give equal texts in any space over the same interfaces,
   * whatever its line. Field by field: where a value begins to lead elsewhere, and whereto.
   */
  describe(set: Node, sink: (chunk: string) => void): void {
    for (const family of families) {
      const level = fields.family.level;
      const part = this.diagram.forget(this.diagram.intersect(set, this.family(family)), level, level);
      const number = new Map<Node, number>([
        [empty, 0],
        [full, 1],
      ]);
      const walk = (node: Node): number => {
        const known = number.get(node);
        if (known !== undefined) return known;
        const field = fieldAt(this.diagram.level(node));
        const runs = this.#runs(node, field, family).map(({ first, below }) => `${this.#shown(field, family, first)}>${walk(below)}`);
        const mine = number.size;
        number.set(node, mine);
        sink(`${field.name} ${runs.join(' ')}\n`);
        return mine;
      };
      sink(`IPv${family} ${walk(part)}\n`);
    }
  }

  /** The values of a field at which the set below it changes, in order; of an address its places, if there is a line. */
  #runs(node: Node, field: Field, family: Family): { readonly first: bigint | number; readonly below: Node }[] {
    const { line } = this;
    const address = field === fields.source || field === fields.destination;
    const width = address && line !== undefined ? line.bits : address && family === 4 ? 32 : field.width;
    const leaves = (at: Node, bit: number): boolean => bit === width || at <= full || this.diagram.level(at) >= field.level + width;
    const low = (at: Node, bit: number): Node => (this.diagram.level(at) === field.level + bit ? this.diagram.low(at) : at);
    const high = (at: Node, bit: number): Node => (this.diagram.level(at) === field.level + bit ? this.diagram.high(at) : at);
    if (width > 32) {
      const runs: { first: bigint; below: Node }[] = [];
      const walk = (at: Node, bit: number, first: bigint): void => {
        if (leaves(at, bit)) {
          if (runs.at(-1)?.below !== at) runs.push({ first, below: at });
          return;
        }
        walk(low(at, bit), bit + 1, first);
        walk(high(at, bit), bit + 1, first + (1n << BigInt(width - 1 - bit)));
      };
      walk(node, 0, 0n);
      return runs;
    }
    const runs: { first: number; below: Node }[] = [];
    let last: Node | undefined;
    const begin = (first: number, below: Node): void => {
      if (last !== below) runs.push({ first, below });
      last = below;
    };
    const walk = (at: Node, bit: number, first: number): void => {
      if (leaves(at, bit)) {
        begin(first, at);
        return;
      }
      const only = this.diagram.only(at, field.level + bit);
      if (only === undefined) {
        walk(low(at, bit), bit + 1, first);
        walk(high(at, bit), bit + 1, first + 2 ** (width - 1 - bit));
        return;
      }
      const { value, below } = only;
      if (value > 0) begin(first, empty);
      begin(first + value, below);
      if (value + 1 < 2 ** (width - bit)) begin(first + value + 1, empty);
    };
    walk(node, 0, 0);
    return runs;
  }

  /** The number of a value: of an address, where the field has its place on the line. */
  #shown(field: Field, family: Family, first: bigint | number): bigint | number | string {
    const address = field === fields.source || field === fields.destination;
    return this.line !== undefined && address ? this.line.numberAt(family, Number(first)) : first;
  }

  #bit(level: number, one: boolean, below: Node): Node {
    return one ? this.diagram.make(level, empty, below) : this.diagram.make(level, below, empty);
  }

  #values(segment: ValueSegment, below: Node): Layer {
    return { ranges: [segment], below: this.messagesOf(segment.functions, below) };
  }

  #layers(field: Field, layers: readonly Layer[]): Node {
    return unionOfLayers(this.diagram, field.level, field.width, layers);
  }

  /** Services laid over sets, protocol by protocol; `values` lays those of one protocol that has ports or messages. */
  #over(family: Family, items: readonly Said[], values: (segments: readonly SaidSegment[], protocol: number) => Node): Node {
    const layers: Layer[] = items.map(({ services, below }) => ({ ranges: services.protocols, below }));
    for (const protocol of valuedProtocols(family)) {
      const segments = items.flatMap(({ services, below }) => (services.values.get(protocol) ?? []).map((segment) => ({ segment, below })));
      if (segments.length > 0) layers.push({ ranges: [{ first: protocol, last: protocol }], below: values(segments, protocol) });
    }
    return this.#layers(fields.protocol, layers);
  }
}

function icmpOf(family: Family): number {
  return family === 4 ? protocolNumber.icmp : protocolNumber.icmpv6;
}

/** The ICMP messages that answer those of a segment. */
function answersTo(family: Family, segment: ValueSegment): Ranges<number> {
  const ranges: Range<number>[] = [];
  for (let type = 0; type < 256; type++) {
    const request = requestOf(family, type);
    const shift = (type - request) * 256;
    const first = Math.max(segment.first, request * 256);
    const last = Math.min(segment.last, request * 256 + 255);
    if (first <= last) ranges.push({ first: first + shift, last: last + shift });
  }
  return ranges;
}
