/**
 * Sets of ipset to packet sets: which packets a lookup by some flags finds.
 *
 * Takes the sets of one text, gives for a name and its flags (`src,dst,dst`) the packets that are surely in it and those that may be. The one
 * idea: a dimension is a range in one field, chosen by its flag; what the packet space has no field for (the ports of SCTP, an interface
 * that is not this gateway's) widens the second set and narrows the first.
 */
import type { Family } from '../../src/net/address.ts';
import { addressSet } from '../../src/net/address-set.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import { empty, fields, full, type Node, noInterface, otherInterface, type PacketSpace } from '../../src/packets/packet-space.ts';
import { type Box, type Lay, unionOfBoxes } from './read-boxes.ts';
import { type Element, type IpSet, type Part, type PortPart, Refusal } from './read-tree.ts';

/** Packets that surely match, and packets that may. */
export interface Bounds {
  readonly sure: Node;
  readonly may: Node;
}

export interface Doubted extends Bounds {
  /** Why the two are not the same. */
  readonly reason: string | undefined;
}

export type Flag = 'src' | 'dst';
type FieldName = 'inInterface' | 'outInterface' | 'source' | 'destination';

interface Below {
  readonly below: Node;
  readonly reason: string | undefined;
}

/** From the top of the diagram down. */
const order: readonly FieldName[] = ['inInterface', 'outInterface', 'destination', 'source'];
const everyPort = 0xffff;
const nothing: Doubted = { sure: empty, may: empty, reason: undefined };

export class Lookups {
  readonly #space: PacketSpace;
  readonly #sets: ReadonlyMap<string, IpSet>;
  readonly #volatile: ReadonlySet<string>;
  readonly #known = new Map<string, Doubted>();
  readonly #open = new Set<string>();
  readonly #cut = new WeakSet<Part>();
  readonly #ports = new Map<string, Below>();

  /** `volatile`: sets that rules change while they run. */
  constructor(space: PacketSpace, sets: ReadonlyMap<string, IpSet>, volatile: ReadonlySet<string>) {
    this.#space = space;
    this.#sets = sets;
    this.#volatile = volatile;
  }

  /** Throws where there is no such set. */
  find(name: string, flags: readonly Flag[], family: Family, line: number): Doubted {
    const set = this.#sets.get(name);
    if (set === undefined) throw new Refusal(line, `the set ${name} does not exist`);
    const key = `${family} ${name} ${flags.join(',')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // A list that holds itself: the kernel takes none.
    if (this.#open.has(name)) throw new Refusal(line, `the list ${name} holds itself`);
    this.#open.add(name);
    const found = this.#build(set, flags, family, line);
    this.#open.delete(name);
    this.#known.set(key, found);
    return found;
  }

  #build(set: IpSet, flags: readonly Flag[], family: Family, line: number): Doubted {
    if (this.#volatile.has(set.name)) return { sure: empty, may: full, reason: `the set ${set.name} is changed by rules` };
    if (set.unknown !== undefined) return { sure: empty, may: full, reason: `${set.unknown.what} (line ${set.unknown.line} of the sets)` };
    if (set.type === 'list:set') {
      const found = set.members.map((member) => this.find(member, flags, family, line));
      return this.#united(found);
    }
    // The kernel compares nothing where a rule says fewer flags than the set has dimensions, or is of another family.
    if (flags.length < set.dimensions.length || (set.family !== undefined && set.family !== family)) return nothing;
    const excepts = set.elements.some((element) => element.nomatch);
    if (!excepts && set.type !== 'hash:net,iface') return this.#elements(set, set.elements, flags, family);
    return this.#byLength(set, excepts, flags, family);
  }

  /**
   * Where some elements are exceptions, those of the longest prefixes decide. Of networks with interfaces the longest prefix that holds the
   * address decides whether it is one with this interface or not.
   */
  #byLength(set: IpSet, excepts: boolean, flags: readonly Flag[], family: Family): Doubted {
    const parts = set.elements.flatMap((element) => element.parts);
    if (excepts && parts.some((part) => part.kind === 'interface' && part.wildcard))
      return { sure: empty, may: full, reason: `the set ${set.name} has exceptions beside wildcards` };
    if (parts.some((part) => part.kind === 'address' && part.length < 0))
      return { sure: empty, may: full, reason: `the set ${set.name} has ranges where lengths of prefixes decide` };
    const byLengths = new Map<string, { readonly lengths: readonly number[]; readonly elements: Element[] }>();
    for (const element of set.elements) {
      const lengths = element.parts.flatMap((part, index) => (part.kind === 'address' && set.dimensions[index] === 'net' ? [part.length] : []));
      const key = lengths.join(' ');
      const group = byLengths.get(key);
      if (group === undefined) byLengths.set(key, { lengths, elements: [element] });
      else group.elements.push(element);
    }
    const { diagram } = this.#space;
    const sorted = [...byLengths.values()].sort((a, b) => compareLists(a.lengths, b.lengths));
    return sorted.reduce<Doubted>((below, { elements }) => {
      const yes = this.#elements(
        set,
        elements.filter((element) => !element.nomatch),
        flags,
        family,
      );
      const no = this.#ending(set, elements, flags, family);
      return {
        sure: diagram.union(diagram.subtract(below.sure, no.may), yes.sure),
        may: diagram.union(diagram.subtract(below.may, no.sure), yes.may),
        reason: below.reason ?? yes.reason ?? no.reason,
      };
    }, nothing);
  }

  /** Packets for which no shorter prefix is looked at. */
  #ending(set: IpSet, elements: readonly Element[], flags: readonly Flag[], family: Family): Doubted {
    if (set.type !== 'hash:net,iface')
      return this.#elements(
        set,
        elements.filter((element) => element.nomatch),
        flags,
        family,
      );
    const networks = elements.map((element) => ({ ...element, parts: element.parts.slice(0, 1) }));
    return this.#elements({ ...set, dimensions: ['net'] }, networks, flags, family);
  }

  #united(found: readonly Doubted[]): Doubted {
    const { diagram } = this.#space;
    return {
      sure: diagram.unionAll(found.map(({ sure }) => sure)),
      may: diagram.unionAll(found.map(({ may }) => may)),
      reason: found.find(({ reason }) => reason !== undefined)?.reason,
    };
  }

  #elements(set: IpSet, elements: readonly Element[], flags: readonly Flag[], family: Family): Doubted {
    const used = order.filter((field) => set.dimensions.some((dimension, index) => fieldOf(dimension, flags[index]) === field));
    const sure: Box[] = [];
    const unsure: Box[] = [];
    let reason: string | undefined;
    for (const element of elements) {
      const box = this.#box(set, element, flags, family, used);
      if (box === undefined) continue;
      if (box.reason === undefined) sure.push(box);
      else unsure.push(box);
      reason ??= box.reason;
    }
    const slots = used.map((field) => this.#lay(field, family));
    const surely = this.#boxes(slots, sure);
    return { sure: surely, may: this.#space.diagram.union(surely, this.#boxes(slots, unsure)), reason };
  }

  /** Boxes with the same messages together, since messages may stand above addresses in the diagram or below them. */
  #boxes(slots: readonly Lay[], boxes: readonly Box[]): Node {
    const { diagram } = this.#space;
    const byMessages = new Map<Node, Box[]>();
    for (const box of boxes) {
      const group = byMessages.get(box.below);
      const ends = { ranges: box.ranges, below: full };
      if (group === undefined) byMessages.set(box.below, [ends]);
      else group.push(ends);
    }
    return diagram.unionAll([...byMessages].map(([messages, ends]) => diagram.intersect(messages, unionOfBoxes(this.#space, slots, ends))));
  }

  #lay(field: FieldName, family: Family): Lay {
    return (ranges, below) =>
      field === 'source' || field === 'destination'
        ? this.#space.addresses(field, family, ranges, below)
        : this.#space.within(fields[field], ranges as Ranges<number>, below);
  }

  /** Undefined where nothing can be at once what two dimensions ask of one field. */
  #box(
    set: IpSet,
    element: Element,
    flags: readonly Flag[],
    family: Family,
    used: readonly FieldName[],
  ): (Box & { readonly reason: string | undefined }) | undefined {
    const found = new Map<FieldName, Range<number> | Range<bigint>>();
    let below: Node = full;
    let reason: string | undefined;
    for (const [index, part] of element.parts.entries()) {
      const flag = flags[index] ?? 'src';
      if (part.kind === 'port') {
        const messages = this.#port(part, flag, family);
        ({ below } = messages);
        reason ??= messages.reason;
        continue;
      }
      const field = fieldOf(set.dimensions[index], flag) ?? 'source';
      const { range, doubt } = this.#range(part, set.name);
      reason ??= doubt;
      if (range === undefined) return undefined;
      const before = found.get(field);
      const both = before === undefined ? range : overlap(before, range);
      if (both === undefined) return undefined;
      found.set(field, both);
    }
    return { ranges: used.map((field) => found.get(field) ?? { first: 0, last: 0 }), below, reason };
  }

  #range(part: Exclude<Part, PortPart>, name: string): { range: Range<number> | Range<bigint> | undefined; doubt?: string } {
    if (part.kind === 'address') {
      // The parser gives one object for each text, so most are known.
      if (!this.#cut.has(part) && this.#space.line?.isCutAt(addressSet([part])) === false)
        throw new Refusal(undefined, `an element of the set ${name} has borders that the space was not cut at`);
      this.#cut.add(part);
      return { range: part };
    }
    const unknown = { first: noInterface + 1, last: this.#space.interfaces.length + 1 };
    if (part.bridged || part.wildcard) return { range: unknown, doubt: `an element names the interface ${part.name} of a bridge or as a wildcard` };
    if (this.#space.knowsInterface(part.name)) {
      const number = this.#space.interfaceNumber(part.name);
      return { range: { first: number, last: number } };
    }
    return { range: { first: otherInterface, last: otherInterface }, doubt: `an element names the interface ${part.name}, which is none of this gateway's` };
  }

  /** The packets whose protocol and port are in a part; conntrack has put fragments together before, so there is a port to look at. */
  #port(part: PortPart, flag: Flag, family: Family): Below {
    const key = `${part.protocol}:${part.first}-${part.last} ${flag} ${family}`;
    const known = this.#ports.get(key) ?? this.#findPort(part, flag, family);
    this.#ports.set(key, known);
    return known;
  }

  #findPort({ protocol, first, last }: PortPart, flag: Flag, family: Family): Below {
    const space = this.#space;
    const all = (): Node => space.among(fields.protocol, [protocol]);
    const exactly = (below: Node): Below => ({ below, reason: undefined });
    const range = [{ first, last }];
    const port = flag === 'src' ? fields.sourcePort : fields.value;
    if (protocol === 0) return exactly(space.among(fields.protocol, [6, 17], space.within(port, range)));
    if (protocol === 6 || protocol === 17) return exactly(space.among(fields.protocol, [protocol], space.within(port, range)));
    // Type and code, whatever the flag says.
    if (protocol === (family === 4 ? 1 : 58)) return exactly(space.among(fields.protocol, [protocol], space.within(fields.value, range)));
    if (protocol === 132 || protocol === 136) {
      if (first === 0 && last === everyPort) return exactly(all());
      return { below: all(), reason: 'an element names ports of a protocol whose ports are no field here' };
    }
    if (family === 6 && protocol === 59) return exactly(empty);
    if (family === 6 && behindHeaders.has(protocol)) return { below: all(), reason: `an element names the protocol ${protocol}, behind which sets look` };
    return exactly(all());
  }
}

/** Headers behind which ip6tables and ipset look for the protocol; the nft back end stops at authentication (51). */
export const behindHeaders: ReadonlySet<number> = new Set([0, 43, 44, 51, 60]);

function fieldOf(dimension: IpSet['dimensions'][number] | undefined, flag: Flag | undefined): FieldName | undefined {
  if (dimension === 'iface') return flag === 'src' ? 'inInterface' : 'outInterface';
  if (dimension === 'ip' || dimension === 'net') return flag === 'src' ? 'source' : 'destination';
  return undefined;
}

function overlap(a: Range<number> | Range<bigint>, b: Range<number> | Range<bigint>): Range<number> | Range<bigint> | undefined {
  const first = a.first > b.first ? a.first : b.first;
  const last = a.last < b.last ? a.last : b.last;
  return first <= last ? ({ first, last } as Range<number>) : undefined;
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
