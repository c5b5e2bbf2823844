/**
 * The packet sets of a gateway's policy: exactly which packets it lets pass, over all fields and states.
 *
 * Takes the Ir of one gateway, gives the sets that every reader's result is compared with. Each function below states
 * one rule of the language (grammar/README.md, "Which packet is allowed").
 */
import { createHash } from 'node:crypto';
import { families, type Family } from '../net/address.ts';
import { type AddressSet, builtInNetworks, intersectAddresses, noAddresses } from '../net/address-set.ts';
import type { Where } from '../model/interface-services.ts';
import type { Rate } from '../model/model.ts';
import { AddressIndex } from '../net/address-index.ts';
import type { Range } from '../net/ranges.ts';
import { connectionStates, extensionHeaders, type Hook, hooks, relatedErrorTypes } from '../packets/packet.ts';
import { AddressLine } from '../packets/address-line.ts';
import { empty, type Ends, fields, full, type Node, PacketSpace, type Said } from '../packets/packet-space.ts';
import {
  apart,
  type FamilyServices,
  familyServices,
  inspectedServices,
  isNoService,
  noServices,
  protocolNumber,
  type ServiceSet,
  widenFunctions,
} from '../packets/service-set.ts';
import { type Entry, functionTable, type GatewayPolicy, type Pass, type PlacedInterface } from './gateway-policy.ts';

/** New conversations that a rate lets start or not. */
export interface Limited {
  readonly rate: Rate;
  /** Packets that ask this rate. */
  readonly packets: Node;
}

export interface PolicySets {
  readonly space: PacketSpace;
  /** Packets that pass, whatever any rate says. */
  readonly accepted: Node;
  /** Packets that pass if a rate lets them. */
  readonly maybe: Node;
  /** Packets after which their conversation carries the mark of this policy. */
  readonly marked: Node;
  /** One for each flow with a rate, sorted by flow name. */
  readonly limited: readonly Limited[];
  /** New forwarded conversations that may start (limited ones included): the meaning of the policy. */
  readonly starts: Node;
  /** Segments of TCP that are denied by what their message says alone, where they are answered with a reset; empty where none is. */
  readonly answered: Node;
  /** Where the gateway's own resets leave, by their own fields; what is no reset is denied there as ever. */
  readonly released: Node;
}

/** Ranges up to this size are cut into their addresses: targets spell them out, and the files are read in the same space. */
const spelt = 8;

function addressesOf(set: AddressSet): AddressSet {
  const v4: Range<number>[] = [];
  const v6: Range<bigint>[] = [];
  for (const { first, last } of set.v4) if (last - first < spelt) for (let value = first; value <= last; value++) v4.push({ first: value, last: value });
  for (const { first, last } of set.v6)
    if (last - first < BigInt(spelt)) for (let value = first; value <= last; value++) v6.push({ first: value, last: value });
  return { v4, v6 };
}

/** A space whose address line is cut at every border of the policy, and at those of `more`. */
export function policySpace(policy: GatewayPolicy, ...more: readonly AddressSet[]): PacketSpace {
  return spaceWith(policy, [], more);
}

/** The same, which tells further interfaces apart from others that the gateway does not declare. */
export function spaceWith(policy: GatewayPolicy, interfaces: readonly string[], more: readonly AddressSet[]): PacketSpace {
  const built = policy.passes.flatMap((pass) => [...pass.source, ...pass.destination]).flatMap((where) => (typeof where === 'string' ? [] : where.networks));
  const line = new AddressLine([
    ...policy.zones.map((zone) => zone.addresses),
    ...policy.interfaces.flatMap((face) => [face.own, face.faced, face.reached ?? noAddresses]),
    ...policy.entries.flatMap((entry) => [entry.from, entry.to, addressesOf(entry.from), addressesOf(entry.to)]),
    // One by one: united they would lose their borders.
    ...[...new Set(built)].map((network) => builtInNetworks(network)),
    ...more,
  ]);
  return new PacketSpace([...policy.interfaces.map((face) => face.name), ...interfaces], line, policy.entries.length);
}

/** Which services of an entry count: what was written, or what the target enforces. */
export type Reading = 'written' | 'enforced';

export function policySets(
  policy: GatewayPolicy,
  space: PacketSpace = new PacketSpace(policy.interfaces.map((face) => face.name)),
  reading: Reading = 'enforced',
): PolicySets {
  const { diagram } = space;
  const parts: { accepted: Node[]; maybe: Node[]; marked: Node[]; starts: Node[]; known: Node[]; released: Node[] } = {
    accepted: [],
    maybe: [],
    marked: [],
    starts: [],
    known: [],
    released: [],
  };
  const limited: Limited[] = [];
  for (const hook of hooks) {
    const rule1 = placedPackets(space, policy, hook);
    const judged = judge(space, policy, hook, reading);
    const again = diagram.union(space.direction('original', judged.all), space.direction('reply', judged.answers));
    const established = space.state('established');
    // A conversation that was never answered stays new for conntrack; the mark shows that it was judged.
    const isNew = diagram.intersect(space.state('new'), space.markCurrent(false));
    const current = diagram.intersect(diagram.union(space.state('new'), established), space.markCurrent(true));
    const stale = diagram.intersect(established, space.markCurrent(false));
    // A client's message is looked into though its conversation was judged, unless some flow lets it pass whatever it is (rules 7 and 8).
    const refused = diagram.union(
      diagram.subtract(space.direction('original', judged.inspected), judged.all),
      diagram.subtract(space.direction('reply', judged.heard), judged.answers),
    );
    const related = diagram.intersect(space.state('related'), relatedErrors(space));
    // The baseline comes first: what it passes is never judged, marked or limited.
    const passed = passes(space, policy, hook);
    const beyond = diagram.subtract(diagram.intersect(space.hook(hook), rule1), passed);
    const here = (set: Node): Node => diagram.intersect(beyond, set);
    // What is judged for forwarding was put on its ways, which is rule 1, and nothing passes before it.
    const judgedHere = (set: Node): Node => (hook === 'forward' ? diagram.intersect(space.hook(hook), set) : here(set));
    const startsAlways = judgedHere(diagram.intersect(isNew, judged.unlimited));
    const startsMaybe = judgedHere(diagram.intersect(isNew, diagram.subtract(judged.all, judged.unlimited)));
    const rejudged = judgedHere(diagram.intersect(stale, again));
    if (policy.conversations === 'kept') {
      // Untracked packets may be taken for new ones; what starts a conversation is the same, so that the policy has the same meaning.
      const fresh = policy.keeps.deniesUntracked ? space.state('new') : diagram.union(space.state('new'), space.state('untracked'));
      parts.accepted.push(judgedHere(diagram.intersect(fresh, judged.unlimited)), keptPackets(space, policy, hook, passed));
      parts.maybe.push(judgedHere(diagram.intersect(fresh, diagram.subtract(judged.all, judged.unlimited))));
    } else {
      parts.accepted.push(startsAlways, rejudged, diagram.subtract(here(current), refused), here(related), diagram.intersect(space.hook(hook), passed));
      parts.maybe.push(startsMaybe);
      parts.marked.push(startsAlways, startsMaybe, rejudged);
    }
    parts.starts.push(startsAlways, startsMaybe);
    if (policy.resetsDenied) {
      // Only what is looked into is denied for what it says; of a large plant that is little.
      const asking = diagram.union(space.direction('original', judged.inspected), space.direction('reply', judged.heard));
      parts.known.push(diagram.intersect(space.hook(hook), diagram.intersect(diagram.union(current, stale), asking)));
      if (hook === 'output') parts.released.push(diagram.intersect(here(space.state('related')), space.among(fields.protocol, [protocolNumber.tcp])));
    }
    for (const entry of policy.entries) {
      if (entry.hook !== hook || entry.rate === undefined) continue;
      const packets = diagram.intersect(startsMaybe, entryStarts(space, policy, entry, reading));
      if (packets !== empty) limited.push({ rate: entry.rate, packets });
    }
  }
  const universe = possible(space);
  const within = (sets: readonly Node[]): Node => diagram.intersect(universe, diagram.unionAll(sets));
  const accepted = within(parts.accepted);
  const maybe = diagram.subtract(within(parts.maybe), accepted);
  return {
    space,
    accepted,
    maybe,
    marked: within(parts.marked),
    limited: limited.map((one) => ({ rate: one.rate, packets: diagram.intersect(universe, one.packets) })),
    starts: within(parts.starts),
    answered: deniedByMessage(space, within(parts.known), diagram.union(accepted, maybe)),
    released: within(parts.released),
  };
}

/** Of known conversations, segments of TCP that do not pass, though one without payload in their place would. */
function deniedByMessage(space: PacketSpace, known: Node, passing: Node): Node {
  const { diagram } = space;
  const segments = diagram.intersect(known, space.among(fields.protocol, [protocolNumber.tcp]));
  const living = diagram.intersect(diagram.intersect(segments, passing), space.messagesOf(functionTable.none));
  const last = fields.lastAddress.level + fields.lastAddress.width - 1;
  return diagram.subtract(diagram.intersect(segments, diagram.forget(living, fields.function.level, last)), passing);
}

/** Combinations of fields that a packet can have; sets are compared within them. */
export function possible(space: PacketSpace): Node {
  const { diagram } = space;
  const declared = space.interfaces.length + 1;
  const some = [{ first: 1, last: declared }];
  const none = [{ first: 0, last: 0 }];
  const wires = diagram.unionAll([
    space.hook('forward', space.within(fields.inInterface, some, space.within(fields.outInterface, some))),
    space.hook('input', space.within(fields.inInterface, some, space.within(fields.outInterface, none))),
    space.hook('output', space.within(fields.inInterface, none, space.within(fields.outInterface, some))),
  ]);
  const states = space.within(fields.state, [{ first: 0, last: connectionStates.length - 1 }]);
  const newIsOriginal = diagram.subtract(full, diagram.intersect(space.state('new'), space.direction('reply')));
  const behindHeaders = diagram.subtract(full, space.family(6, space.among(fields.protocol, extensionHeaders)));
  return diagram.intersect(diagram.intersect(wires, behindHeaders), diagram.intersect(states, newIsOriginal));
}

/** What a platform that keeps conversations passes before any entry: its loopback, whatever has a conversation, and the baseline unless it is invalid. */
function keptPackets(space: PacketSpace, policy: GatewayPolicy, hook: Hook, passed: Node): Node {
  const { diagram } = space;
  const known = diagram.union(space.state('established'), space.state('related'));
  const beyond = diagram.union(known, diagram.subtract(passed, space.state('invalid')));
  const own = policy.keeps.stateBeforeLoopback ? empty : loopback(space, hook);
  return diagram.intersect(space.hook(hook), diagram.union(own, beyond));
}

/** Rule 1: the source lies in a zone that the interface it came by faces, the destination in one that it leaves by. */
export function placedPackets(space: PacketSpace, policy: GatewayPolicy, hook: Hook): Node {
  const { diagram } = space;
  const from = diagram.unionAll(policy.interfaces.map((face) => diagram.intersect(space.inInterface(face.name), space.addressSet('source', face.faced))));
  const to = diagram.unionAll(policy.interfaces.map((face) => diagram.intersect(space.outInterface(face.name), space.addressSet('destination', face.faced))));
  if (hook === 'input') return from;
  if (hook === 'output') return to;
  const back = diagram.unionAll(policy.interfaces.filter((face) => face.sharedWire).map((face) => space.inInterface(face.name, space.outInterface(face.name))));
  return diagram.subtract(diagram.intersect(from, to), back);
}

/** Rule 2: the ICMP errors that pass as related. */
function relatedErrors(space: PacketSpace): Node {
  return space.diagram.unionAll(
    families.map((family) => {
      const types = relatedErrorTypes(family).map((type) => ({ first: type * 256, last: type * 256 + 255 }));
      return space.family(family, space.among(fields.protocol, [family === 4 ? 1 : 58], space.within(fields.value, types)));
    }),
  );
}

interface Judged {
  /** Conversations that may start, denies taken out; by the fields of their first packet. */
  readonly all: Node;
  /** Those that some allow without a rate lets start. */
  readonly unlimited: Node;
  /** Replies within conversations that may start, whatever their client says first: the same with source and destination swapped. */
  readonly answers: Node;
  /** Conversations of which some flow tells functions apart, with every function. */
  readonly inspected: Node;
  /** The same for answers, where the called side asks. */
  readonly heard: Node;
}

/** Rules 3, 5 and 7: allows less denies. For `input` and `output` the answers are judged by each other's entries. */
function judge(space: PacketSpace, policy: GatewayPolicy, hook: Hook, reading: Reading): Judged {
  const less = (setOf: typeof starting, allowed: Placed, denied: Placed): Node =>
    space.diagram.subtract(setOf(space, policy, allowed, reading), setOf(space, policy, denied, reading));
  const allowed = place(policy, hook, (entry) => entry.effect === 'allow');
  const denied = place(policy, hook, (entry) => entry.effect === 'deny');
  const all = less(starting, allowed, denied);
  const limits = allowed.entries.some((entry) => entry.rate !== undefined);
  const free = (entry: Entry): boolean => entry.effect === 'allow' && entry.rate === undefined;
  const unlimited = limits ? less(starting, place(policy, hook, free), denied) : all;
  if (hook === 'forward') return { all, unlimited, answers: less(answering, allowed, denied), ...looking(space, policy, hook, reading) };
  const opposite: Hook = hook === 'input' ? 'output' : 'input';
  const answers = less(
    answering,
    place(policy, opposite, (entry) => entry.effect === 'allow'),
    place(policy, opposite, (entry) => entry.effect === 'deny'),
  );
  return { all, unlimited, answers, ...looking(space, policy, hook, reading) };
}

/** Conversations of which an entry, allow or deny, holds some functions and not others, by whose messages have them. */
function looking(space: PacketSpace, policy: GatewayPolicy, hook: Hook, reading: Reading): Pick<Judged, 'inspected' | 'heard'> {
  const among = (services: (entry: Entry) => ServiceSet | undefined): Placed => {
    const entries = policy.entries.flatMap((entry) => {
      const looked = entry.hook === hook ? inspectedServices(services(entry) ?? noServices) : noServices;
      return isNoService(looked) ? [] : [{ ...entry, heard: undefined, written: looked, enforced: looked }];
    });
    return place({ ...policy, entries }, hook, () => true);
  };
  const inspected = among((entry) => (entry.heard === undefined ? servicesOf(entry, reading) : undefined));
  const heard = among((entry) => entry.heard);
  return { inspected: starting(space, policy, inspected, reading), heard: answering(space, policy, heard, reading) };
}

/** Entries of one hook, and the ways that they can take through the gateway. */
interface Placed {
  readonly hook: Hook;
  readonly entries: readonly Entry[];
  readonly ways: readonly Way[];
}

function place(policy: GatewayPolicy, hook: Hook, which: (entry: Entry) => boolean): Placed {
  const first = (set: AddressSet): number => set.v4[0]?.first ?? 2 ** 32 + Number(set.v6[0]?.first ?? 0n);
  // Neighbours in this order share most of their diagrams, so that uniting them touches little.
  const entries = policy.entries
    .filter((entry) => entry.hook === hook && which(entry))
    .map((entry) => ({ entry, to: first(entry.to), from: first(entry.from) }))
    .sort((a, b) => a.to - b.to || a.from - b.from)
    .map(({ entry }) => entry);
  return { hook, entries, ways: hook === 'forward' ? waysOf(policy, entries) : [] };
}

/** Packets that start a conversation of any of the entries. */
function starting(space: PacketSpace, policy: GatewayPolicy, { hook, entries, ways }: Placed, reading: Reading): Node {
  const { diagram } = space;
  const byFamily = families.map((family) => {
    const about = (parts: readonly Part[], local: Node = full): Node =>
      space.messagesOver(
        family,
        perService(space, family, parts, (entry) => opening(entry, reading), local),
      );
    switch (hook) {
      case 'forward':
        return diagram.unionAll(ways.map((way) => space.inInterface(way.into.name, space.outInterface(way.out.name, about(way.parts)))));
      case 'input':
        // "The address of the interface by which the packet came" (rule 5).
        return diagram.unionAll(
          policy.interfaces.map((face) => {
            const parts = entries.map((entry) => ({ entry, from: entry.from, to: face.reached }));
            return space.inInterface(face.name, about(parts, face.reached === undefined ? space.local(true) : full));
          }),
        );
      case 'output': {
        const parts = entries.map((entry) => ({ entry, from: policy.sending, to: entry.to }));
        return about(parts, policy.sending === undefined ? space.local(true) : full);
      }
    }
  });
  return diagram.unionAll(families.map((family, index) => space.family(family, byFamily[index])));
}

/** Packets that start a conversation of one entry, whatever denies say. */
export function entryStarts(space: PacketSpace, policy: GatewayPolicy, entry: Entry, reading: Reading = 'enforced'): Node {
  const placed = place(policy, entry.hook, (one) => one === entry);
  return space.hook(entry.hook, starting(space, policy, placed, reading));
}

/** Packets that answer within a conversation of any of the entries: their lookups with source and destination swapped. */
function answering(space: PacketSpace, policy: GatewayPolicy, { hook, entries, ways }: Placed, reading: Reading): Node {
  const { diagram } = space;
  const byFamily = families.map((family) => {
    const about = (parts: readonly Part[], local: Node = full): Node => {
      const said = (asks: boolean): Said[] => {
        const some = parts.filter(({ entry }) => (entry.heard !== undefined) === asks).map(swapped);
        return perService(space, family, some, (entry) => entry.heard ?? servicesOf(entry, reading), local);
      };
      return diagram.union(space.repliesOver(family, said(false)), space.repliesOver(family, said(true), true));
    };
    switch (hook) {
      case 'forward':
        return diagram.unionAll(ways.map((way) => space.inInterface(way.out.name, space.outInterface(way.into.name, about(way.parts)))));
      case 'input':
        // The question came by an interface that faces the client; the way back may be another one.
        return diagram.unionAll(
          policy.interfaces.map((face) => {
            const parts = entries.map((entry) => ({ entry, from: intersectAddresses(entry.from, face.faced), to: face.reached }));
            return about(parts, face.reached === undefined ? space.local(true) : full);
          }),
        );
      case 'output':
        // Answers to what the gateway started; that they reached it shows that a dynamic address is its own.
        return about(entries.map((entry) => ({ entry, from: policy.anyDynamic ? undefined : policy.own, to: entry.to })));
    }
  });
  return diagram.unionAll(families.map((family, index) => space.family(family, byFamily[index])));
}

/** An entry, or what is left of it on one way; an undefined side is free. */
interface Part {
  readonly entry: Entry;
  readonly from: AddressSet | undefined;
  readonly to: AddressSet | undefined;
}

/**
 * From one interface to another, with what of the entries can take it: the source side faced by the one, the destination by the other, and
 * never back out of a shared wire (rule 1).
 */
interface Way {
  readonly into: PlacedInterface;
  readonly out: PlacedInterface;
  readonly parts: readonly Part[];
}

/** By the list of interfaces, which policies that differ in their entries alone have in common (`looking`). */
const facing = new WeakMap<readonly PlacedInterface[], AddressIndex>();

function waysOf(policy: GatewayPolicy, entries: readonly Entry[]): Way[] {
  const faces = policy.interfaces;
  const index = facing.get(faces) ?? new AddressIndex(faces.map((face) => face.faced));
  facing.set(faces, index);
  const parts: Part[][][] = faces.map(() => faces.map(() => []));
  for (const entry of entries) {
    const ends = index.parts(entry.to);
    for (const from of index.parts(entry.from)) {
      for (const to of ends) parts[from.index]?.[to.index]?.push({ entry, from: from.part, to: to.part });
    }
  }
  return faces.flatMap((into, i) => faces.flatMap((out, o) => (into === out && into.sharedWire ? [] : [{ into, out, parts: parts[i]?.[o] ?? [] }])));
}

function servicesOf(entry: Entry, reading: Reading): ServiceSet {
  return reading === 'written' ? entry.written : entry.enforced;
}

/** What the side that opens a conversation may say: where the called side asks, it answers, whatever that is. */
function opening(entry: Entry, reading: Reading): ServiceSet {
  const services = servicesOf(entry, reading);
  return entry.heard === undefined ? services : widenFunctions(services);
}

function swapped({ entry, from, to }: Part): Part {
  return { entry, from: to, to: from };
}

/**
 * The services of parts one by one, each over the ends that some part has for it. Services stand above addresses in a diagram, and a plant has
 * few of them: what has one in common is united by its ends alone, and laid under it once.
 */
function perService(space: PacketSpace, family: Family, parts: readonly Part[], services: (entry: Entry) => ServiceSet, local: Node): Said[] {
  const groups = new Map<string, { readonly services: FamilyServices; readonly ends: Ends[] }>();
  for (const { entry, from, to } of parts) {
    if (isMissing(from, family) || isMissing(to, family)) continue;
    const ends = { source: from, destination: to };
    for (const [name, single] of apart(familyServices(services(entry), family))) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, { services: single, ends: [ends] });
      else group.ends.push(ends);
    }
  }
  return [...groups.values()].map((group) => ({ services: group.services, below: space.between(family, group.ends, local) }));
}

function isMissing(set: AddressSet | undefined, family: Family): boolean {
  return set !== undefined && (family === 4 ? set.v4 : set.v6).length === 0;
}

/** What the gateway says to itself. */
function loopback(space: PacketSpace, hook: Hook): Node {
  if (hook === 'forward') return empty;
  return hook === 'input' ? space.inInterface('lo') : space.outInterface('lo');
}

/** Rule 6: loopback, and the rows of baseline and interface services, whatever their state. */
function passes(space: PacketSpace, policy: GatewayPolicy, hook: Hook): Node {
  const { diagram } = space;
  if (hook === 'forward') return empty;
  return diagram.unionAll([loopback(space, hook), ...policy.passes.filter((pass) => pass.hook === hook).map((pass) => passSet(space, policy, pass))]);
}

function passSet(space: PacketSpace, policy: GatewayPolicy, pass: Pass): Node {
  const { diagram } = space;
  const face = policy.interfaces.find((candidate) => candidate.name === pass.interface);
  if (face === undefined) return empty;
  const icmp = pass.protocol === (pass.family === 4 ? 1 : 58);
  const values = pass.values?.map((value) => (icmp ? { first: value * 256, last: value * 256 + (pass.codeZero ? 0 : 255) } : { first: value, last: value }));
  const ports = pass.sourcePorts?.map((port) => ({ first: port, last: port }));
  const limit = pass.hopLimit === undefined ? full : space.among(fields.hopLimit, [pass.hopLimit]);
  const sources = ports === undefined ? limit : space.within(fields.sourcePort, ports, limit);
  const message = space.among(
    fields.protocol,
    [pass.protocol],
    values === undefined
      ? sources
      : space.within(
          fields.value,
          values.toSorted((a, b) => a.first - b.first),
          sources,
        ),
  );
  const wire = pass.hook === 'input' ? space.inInterface(face.name) : space.outInterface(face.name);
  const ends = diagram.intersect(
    diagram.unionAll(pass.source.map((where) => whereSet(space, policy, face, pass, 'source', where))),
    diagram.unionAll(pass.destination.map((where) => whereSet(space, policy, face, pass, 'destination', where))),
  );
  return diagram.intersect(wire, diagram.intersect(space.family(pass.family), diagram.intersect(ends, message)));
}

function whereSet(space: PacketSpace, policy: GatewayPolicy, face: PlacedInterface, pass: Pass, field: 'source' | 'destination', where: Where): Node {
  if (where === 'own') {
    const own = pass.hook === 'input' ? face.reached : policy.sending;
    return own === undefined ? space.local(true) : space.addressSet(field, own);
  }
  if (where === 'faced') return space.addressSet(field, face.faced);
  return space.addressSet(field, builtInNetworks(...where.networks));
}

/**
 * The number that conversations carry as their conntrack mark while this policy is in force: 32 bits of a digest of
 * what may start, so a mere reordering of the source judges nothing again (rule 3). Never 0, the mark of the unjudged.
 */
export function policyNumber(sets: PolicySets): number {
  const hash = createHash('sha256');
  hash.update(`${sets.space.interfaces.join(' ')}\n`);
  let pending = '';
  sets.space.describe(sets.starts, (chunk) => {
    pending += chunk;
    if (pending.length > 1 << 16) {
      hash.update(pending);
      pending = '';
    }
  });
  hash.update(pending);
  const number = hash.digest().readUInt32BE(0);
  return number === 0 ? 1 : number;
}
