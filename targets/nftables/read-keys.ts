/**
 * Keys: what a rule looks at, as slots of the packet space.
 *
 * Takes selectors (`ip saddr . th dport`) and values, gives packet sets. The one idea: a key is a list of slots with
 * types, a set that the packet must be in before the kernel can look (`icmp type` asks for IPv4 and ICMP), and a set of
 * packets of which nobody can say here whether they match (`th dport` of a packet without ports).
 */
import type { AddressLine } from '../../src/packets/address-line.ts';
import { connectionStates, type Hook } from '../../src/packets/packet.ts';
import { empty, type Field, fields, full, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { type Box, type Slot, unionOfBoxes } from './read-products.ts';
import { type Item, Refusal, type Scalar, type Selector } from './read-tree.ts';
import { type NumericType, readAddresses, readNumber, readScalar } from './read-values.ts';

/** The mark of the policy in force, `(mark & mask) == value`. */
export interface CurrentMark {
  readonly mask: number;
  readonly value: number;
}

type Type = NumericType | 'ifname' | 'mark';

/** nft's data types that a named set may be made of. */
export const setTypes: ReadonlySet<string> = new Set<Type>([
  'ipv4_addr',
  'ipv6_addr',
  'inet_proto',
  'inet_service',
  'icmp_type',
  'icmp_code',
  'icmpv6_type',
  'icmpv6_code',
  'nf_proto',
  'ct_state',
  'ct_dir',
  'ifname',
  'mark',
]);

interface Look {
  readonly type: Type;
  /** The field of an address, of which the space decides how many bits it has. */
  readonly address?: Field;
  readonly slots: readonly Slot[];
  readonly family?: 4 | 6;
  readonly protocol?: number;
  /** Reads ports without saying of what. */
  readonly anyPorts?: true;
  /** Needs a conversation: the kernel does not match packets that conntrack does not know. */
  readonly tracked?: true;
  /** The hook where the space has the answer. */
  readonly hook?: Hook;
}

function words(field: Field): readonly Slot[] {
  return [0, 32, 64, 96].map((shift) => ({ level: field.level + shift, width: 32 }));
}
const typeSlot: Slot = { level: fields.value.level, width: 8 };
const codeSlot: Slot = { level: fields.value.level + 8, width: 8 };

function address(field: Field, family: 4 | 6): Look {
  return family === 4
    ? { type: 'ipv4_addr', slots: words(field).slice(0, 1), family, address: field }
    : { type: 'ipv6_addr', slots: words(field), family, address: field };
}

function icmp(type: NumericType, slot: Slot, family: 4 | 6): Look {
  return { type, slots: [slot], family, protocol: family === 4 ? 1 : 58 };
}

const looks: ReadonlyMap<string, Look> = new Map<string, Look>([
  ['iifname', { type: 'ifname', slots: [fields.inInterface] }],
  ['oifname', { type: 'ifname', slots: [fields.outInterface] }],
  ['ip saddr', address(fields.source, 4)],
  ['ip daddr', address(fields.destination, 4)],
  ['ip6 saddr', address(fields.source, 6)],
  ['ip6 daddr', address(fields.destination, 6)],
  ['meta nfproto', { type: 'nf_proto', slots: [fields.family] }],
  ['meta l4proto', { type: 'inet_proto', slots: [fields.protocol] }],
  ['ip protocol', { type: 'inet_proto', slots: [fields.protocol], family: 4 }],
  ['tcp sport', { type: 'inet_service', slots: [fields.sourcePort], protocol: 6 }],
  ['tcp dport', { type: 'inet_service', slots: [fields.value], protocol: 6 }],
  ['udp sport', { type: 'inet_service', slots: [fields.sourcePort], protocol: 17 }],
  ['udp dport', { type: 'inet_service', slots: [fields.value], protocol: 17 }],
  ['th sport', { type: 'inet_service', slots: [fields.sourcePort], anyPorts: true }],
  ['th dport', { type: 'inet_service', slots: [fields.value], anyPorts: true }],
  ['icmp type', icmp('icmp_type', typeSlot, 4)],
  ['icmp code', icmp('icmp_code', codeSlot, 4)],
  ['icmpv6 type', icmp('icmpv6_type', typeSlot, 6)],
  ['icmpv6 code', icmp('icmpv6_code', codeSlot, 6)],
  ['ip ttl', { type: 'integer', slots: [fields.hopLimit], family: 4 }],
  ['ip6 hoplimit', { type: 'integer', slots: [fields.hopLimit], family: 6 }],
  ['ct state', { type: 'ct_state', slots: [fields.state] }],
  ['ct direction', { type: 'ct_dir', slots: [fields.direction], tracked: true }],
  ['ct mark', { type: 'mark', slots: [fields.mark], tracked: true }],
  ['fib daddr . iif type', { type: 'fib_addrtype', slots: [fields.local], hook: 'input' }],
  ['fib saddr type', { type: 'fib_addrtype', slots: [fields.local], hook: 'output' }],
]);

/** What a selector compares, by nft's name; undefined for a selector that is not modelled. */
export function typeOf(name: string): string | undefined {
  return looks.get(name)?.type;
}

export function isSelector(name: string): boolean {
  return looks.has(name);
}

/** A key laid out: boxes of its elements have these slots in this order. */
export interface Key {
  readonly name: string;
  readonly looks: readonly Look[];
  readonly masks: readonly (number | undefined)[];
  /** All slots by level, each with its place in the order of the selectors. */
  readonly slots: readonly (Slot & { readonly position: number })[];
  readonly types: readonly Type[];
}

/** What a comparison says: packets that match, and packets of which it cannot be said here, with the reason. */
export interface Matching {
  readonly set: Node;
  readonly unknown: Node;
  readonly reason: string;
}

export class Keys {
  readonly #space: PacketSpace;
  readonly #mark: CurrentMark;
  readonly #keys = new Map<string, Key>();
  readonly #cache = new Map<Type, Map<string, readonly Box[]>>();
  /** Packets that belong to a conversation: the kernel reads mark and direction of these alone. */
  readonly tracked: Node;
  readonly #withoutPorts: Node;

  constructor(space: PacketSpace, mark: CurrentMark) {
    this.#space = space;
    this.#mark = mark;
    this.tracked = space.among(
      fields.state,
      ['new', 'established', 'related'].map((state) => connectionStates.findIndex((known) => known === state)),
    );
    this.#withoutPorts = space.diagram.complement(space.among(fields.protocol, [6, 17]));
  }

  key(selectors: readonly Selector[], line: number | undefined): Key {
    const name = selectors.map((selector) => (selector.mask === undefined ? selector.name : `${selector.name} & ${selector.mask}`)).join(' . ');
    const key = this.#keys.get(name) ?? this.#layOut(selectors, name, line);
    this.#keys.set(name, key);
    return key;
  }

  #layOut(selectors: readonly Selector[], name: string, line: number | undefined): Key {
    const known: Look[] = [];
    for (const selector of selectors) {
      const look = looks.get(selector.name);
      if (look === undefined) throw new Refusal(line, `the match ${selector.name} is not modelled`);
      if (selector.mask !== undefined && (look.type !== 'mark' || selectors.length > 1)) throw new Refusal(line, `a mask on ${selector.name} is not modelled`);
      if (look.hook !== undefined && selectors.length > 1) throw new Refusal(line, `${selector.name} within a concatenation is not modelled`);
      known.push(look);
    }
    if (new Set(known.flatMap((look) => look.family ?? [])).size > 1 || new Set(known.flatMap((look) => look.protocol ?? [])).size > 1) {
      throw new Refusal(line, 'a concatenation over two families or protocols is not modelled');
    }
    const { line: addresses } = this.#space;
    const slotsOf = (look: Look): readonly Slot[] =>
      look.address === undefined || addresses === undefined ? look.slots : [{ level: look.address.level, width: addresses.bits }];
    const slots = known.flatMap(slotsOf).map((slot, position) => ({ level: slot.level, width: slot.width, position }));
    slots.sort((a, b) => a.level - b.level);
    for (const [index, slot] of slots.entries()) {
      const next = slots[index + 1];
      if (next !== undefined && next.level < slot.level + slot.width) throw new Refusal(line, 'a concatenation that looks at one field twice is not modelled');
    }
    const masks = selectors.map((selector) => selector.mask);
    return { name, looks: known, masks, slots, types: known.map((look) => look.type) };
  }

  /** The boxes of one element. */
  boxes(key: Key, item: Item, line: number | undefined): readonly Box[] {
    if (item.length !== key.looks.length) throw new Refusal(line, `${key.name} is compared with a value of ${item.length} parts`);
    const parts = item.map((scalar, index) => this.#scalar(key.looks[index]?.type ?? 'integer', key.masks[index], scalar, line));
    if (parts.every((boxes) => boxes.length === 1)) return [placed(key, joinBoxes(parts))];
    let partial: readonly Box[] = [[]];
    for (const boxes of parts) partial = partial.flatMap((start) => boxes.map((end) => [...start, ...end]));
    return partial.map((box) => placed(key, box));
  }

  /** `key == boxes` or, negated, `key != boxes`. */
  matching(key: Key, boxes: readonly Box[], negated: boolean): Matching {
    const { diagram } = this.#space;
    const needed = this.#needed(key);
    const listed = unionOfBoxes(diagram, key.slots, boxes);
    let set = diagram.intersect(needed, negated ? diagram.complement(listed) : listed);
    let unknown = empty;
    let reason = '';
    if (key.looks.some((look) => look.anyPorts)) {
      const portless = diagram.intersect(unionOfBoxes(diagram, key.slots, boxesWithoutPorts(key, boxes)), this.#withoutPorts);
      const freed = diagram.forget(portless, fields.value.level, fields.sourcePort.level + fields.sourcePort.width - 1);
      // Whether the kernel finds two bytes to compare decides what it says to `!=`.
      unknown = diagram.intersect(needed, negated ? this.#withoutPorts : freed);
      reason = `${key.name} is asked of packets that may have no ports`;
      set = diagram.subtract(set, unknown);
    }
    const hook = key.looks[0]?.hook;
    if (hook !== undefined) {
      unknown = diagram.complement(this.#space.hook(hook));
      reason = `${key.name} is asked on another hook than ${hook}`;
      set = diagram.subtract(set, unknown);
    }
    if (negated && key.types.includes('ifname')) {
      const absent = diagram.union(this.#unnamed(key, 'iifname', fields.inInterface), this.#unnamed(key, 'oifname', fields.outInterface));
      unknown = diagram.union(unknown, diagram.intersect(needed, absent));
      reason = `${key.name} != … is asked of packets without such an interface`;
      set = diagram.subtract(set, unknown);
    }
    return { set, unknown, reason };
  }

  /** Whether the matching depends on the mark of the conversation. */
  looksAtMark(key: Key): boolean {
    return key.types.includes('mark');
  }

  /** Packets that pass the checks that nft leaves out because the earlier keys of the rule name a family or protocol. */
  omittedChecks(key: Key, earlier: readonly Key[]): Node {
    const { diagram } = this.#space;
    const named = earlier.flatMap((one) => one.looks);
    const protocolNamed = named.some((look) => look.protocol !== undefined || look.type === 'inet_proto');
    const familyNamed = named.some((look) => look.family !== undefined || look.type === 'nf_proto');
    let result: Node = full;
    for (const look of key.looks) {
      if (look.protocol !== undefined && protocolNamed) result = diagram.intersect(result, this.#space.among(fields.protocol, [look.protocol]));
      if (look.family !== undefined && (familyNamed || (protocolNamed && look.protocol !== undefined)))
        result = diagram.intersect(result, this.#space.family(look.family));
    }
    return result;
  }

  #needed(key: Key): Node {
    const { diagram } = this.#space;
    let needed: Node = full;
    for (const look of key.looks) {
      if (look.family !== undefined) needed = diagram.intersect(needed, this.#space.family(look.family));
      if (look.protocol !== undefined) needed = diagram.intersect(needed, this.#space.among(fields.protocol, [look.protocol]));
      if (look.tracked) needed = diagram.intersect(needed, this.tracked);
    }
    return needed;
  }

  #unnamed(key: Key, name: string, field: Field): Node {
    return key.name.split(' . ').includes(name) ? this.#space.among(field, [0]) : empty;
  }

  #scalar(type: Type, mask: number | undefined, scalar: Scalar, line: number | undefined): readonly Box[] {
    if (typeof scalar !== 'string') return this.#typed(type, mask, scalar, line);
    if (mask !== undefined) return this.#typed(type, mask, scalar, line);
    let cache = this.#cache.get(type);
    if (cache === undefined) this.#cache.set(type, (cache = new Map()));
    let boxes = cache.get(scalar);
    if (boxes === undefined) cache.set(scalar, (boxes = this.#typed(type, mask, scalar, line)));
    return boxes;
  }

  #typed(type: Type, mask: number | undefined, scalar: Scalar, line: number | undefined): readonly Box[] {
    if (type === 'mark') return this.#markValue(mask, scalar, line);
    if (type === 'ifname') {
      if (typeof scalar !== 'string' || !this.#space.knowsInterface(scalar))
        throw new Refusal(line, `the interface ${shown(scalar)} is none of this gateway's`);
      const number = this.#space.interfaceNumber(scalar);
      return [[number, number]];
    }
    const { line: addresses } = this.#space;
    const boxes =
      addresses !== undefined && (type === 'ipv4_addr' || type === 'ipv6_addr') ? addressBoxes(addresses, type, scalar, line) : readScalar(type, scalar);
    if (boxes === undefined) throw new Refusal(line, `${shown(scalar)} is no value of type ${type} that this reader knows`);
    return boxes;
  }

  /** Of all marks the space knows one question: is it that of the policy in force? */
  #markValue(mask: number | undefined, scalar: Scalar, line: number | undefined): readonly Box[] {
    const compared = typeof scalar === 'string' ? { value: readNumber(scalar), mask: mask ?? 0xffff_ffff } : prefixMark(scalar, mask);
    if (compared.value !== this.#mark.value >>> 0 || compared.mask !== this.#mark.mask >>> 0) {
      throw new Refusal(line, `ct mark is compared with ${shown(scalar)}, not with the mark of the policy in force`);
    }
    return [[1, 1]];
  }
}

/** A box in the order of the selectors, in that of the slots. */
function placed(key: Key, box: Box): Box {
  const result: number[] = [];
  for (const { position } of key.slots) result.push(box[2 * position] ?? 0, box[2 * position + 1] ?? 0);
  return result;
}

/** The one box of each part, side by side: nearly all elements are such, so that nothing is built on the way. */
function joinBoxes(parts: readonly (readonly Box[])[]): Box {
  const joined: number[] = [];
  for (const [only] of parts) for (const bound of only ?? []) joined.push(bound);
  return joined;
}

/** The place of addresses on the line of the space. */
function addressBoxes(addresses: AddressLine, type: 'ipv4_addr' | 'ipv6_addr', scalar: Scalar, line: number | undefined): readonly Box[] | undefined {
  const set = readAddresses(type, scalar);
  if (set === undefined) return undefined;
  if (!addresses.isCutAt(set)) throw new Refusal(line, `${shown(scalar)} has borders that the space was not cut at`);
  return addresses.places(type === 'ipv4_addr' ? 4 : 6, type === 'ipv4_addr' ? set.v4 : set.v6).map(({ first, last }) => [first, last]);
}

/** nft's JSON writes `mark & mask == value` as a prefix where the mask is one of leading ones. */
function prefixMark(scalar: Exclude<Scalar, string>, mask: number | undefined): { value: number | undefined; mask: number } {
  if (!('address' in scalar) || mask !== undefined || !Number.isInteger(scalar.length) || scalar.length < 0 || scalar.length > 32)
    return { value: undefined, mask: 0 };
  return { value: readNumber(scalar.address), mask: 2 ** 32 - 2 ** (32 - scalar.length) };
}

/** Boxes that may hold packets of other protocols than TCP and UDP. */
function boxesWithoutPorts(key: Key, boxes: readonly Box[]): readonly Box[] {
  const column = key.slots.findIndex((slot) => slot.level === fields.protocol.level);
  if (column < 0) return boxes;
  return boxes.filter((box) => box[2 * column] !== box[2 * column + 1] || (box[2 * column] !== 6 && box[2 * column] !== 17));
}

export function shown(scalar: Scalar): string {
  if (typeof scalar === 'string') return scalar;
  return 'address' in scalar ? `${scalar.address}/${scalar.length}` : `${scalar.first}-${scalar.last}`;
}
