/**
 * The packet sets of a gateway's policy: exactly which packets it lets pass, over all fields and states.
 *
 * Takes the Ir of one gateway, gives the sets that every reader's result is compared with. Each function below states
 * one rule of the language (grammar/README.md, "Which packet is allowed").
 */
import { createHash } from 'node:crypto';
import { families, type Family } from '../net/address.ts';
import { type AddressSet, builtInNetworks, intersectAddresses } from '../net/address-set.ts';
import type { Where } from '../model/interface-services.ts';
import type { Rate } from '../model/model.ts';
import type { Range } from '../net/ranges.ts';
import { connectionStates, type Hook, hooks, relatedErrorTypes } from '../packets/packet.ts';
import { AddressLine } from '../packets/address-line.ts';
import { empty, fields, full, type Node, PacketSpace } from '../packets/packet-space.ts';
import type { ServiceSet } from '../packets/service-set.ts';
import type { Entry, GatewayPolicy, Pass, PlacedInterface } from './gateway-policy.ts';

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
  const built = policy.passes.flatMap((pass) => [...pass.source, ...pass.destination]).flatMap((where) => (typeof where === 'string' ? [] : where.networks));
  const line = new AddressLine([
    ...policy.zones.map((zone) => zone.addresses),
    ...policy.interfaces.flatMap((face) => [face.own, face.faced]),
    ...policy.entries.flatMap((entry) => [entry.from, entry.to, addressesOf(entry.from), addressesOf(entry.to)]),
    // One by one: united they would lose their borders.
    ...[...new Set(built)].map((network) => builtInNetworks(network)),
    ...more,
  ]);
  return new PacketSpace(
    policy.interfaces.map((face) => face.name),
    line,
  );
}

/** Which services of an entry count: what was written, or what the target enforces. */
export type Reading = 'written' | 'enforced';

export function policySets(
  policy: GatewayPolicy,
  space: PacketSpace = new PacketSpace(policy.interfaces.map((face) => face.name)),
  reading: Reading = 'enforced',
): PolicySets {
  const { diagram } = space;
  const parts: { accepted: Node[]; maybe: Node[]; marked: Node[]; starts: Node[] } = { accepted: [], maybe: [], marked: [], starts: [] };
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
    const related = diagram.intersect(space.state('related'), relatedErrors(space));
    // The baseline comes first: what it passes is never judged, marked or limited.
    const passed = passes(space, policy, hook);
    const beyond = diagram.subtract(diagram.intersect(space.hook(hook), rule1), passed);
    const here = (set: Node): Node => diagram.intersect(beyond, set);
    const startsAlways = here(diagram.intersect(isNew, judged.unlimited));
    const startsMaybe = here(diagram.intersect(isNew, diagram.subtract(judged.all, judged.unlimited)));
    const rejudged = here(diagram.intersect(stale, again));
    parts.accepted.push(startsAlways, rejudged, here(current), here(related), diagram.intersect(space.hook(hook), passed));
    parts.maybe.push(startsMaybe);
    parts.marked.push(startsAlways, startsMaybe, rejudged);
    parts.starts.push(startsAlways, startsMaybe);
    for (const entry of policy.entries) {
      if (entry.hook !== hook || entry.rate === undefined) continue;
      const packets = diagram.intersect(startsMaybe, entrySet(space, policy, entry, reading));
      if (packets !== empty) limited.push({ rate: entry.rate, packets });
    }
  }
  const universe = possible(space);
  const within = (sets: readonly Node[]): Node => diagram.intersect(universe, diagram.unionAll(sets));
  const accepted = within(parts.accepted);
  return {
    space,
    accepted,
    maybe: diagram.subtract(within(parts.maybe), accepted),
    marked: within(parts.marked),
    limited: limited.map((one) => ({ rate: one.rate, packets: diagram.intersect(universe, one.packets) })),
    starts: within(parts.starts),
  };
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
  return diagram.intersect(wires, diagram.intersect(states, newIsOriginal));
}

/** Rule 1: the source lies in a zone that the interface it came by faces, the destination in one that it leaves by. */
function placedPackets(space: PacketSpace, policy: GatewayPolicy, hook: Hook): Node {
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
  /** Replies within conversations that may start: the same with source and destination swapped. */
  readonly answers: Node;
}

/** Rules 3, 5 and 7: allows less denies. For `input` and `output` the answers are judged by each other's entries. */
function judge(space: PacketSpace, policy: GatewayPolicy, hook: Hook, reading: Reading): Judged {
  const { diagram } = space;
  const effective = (at: Hook, set: (entry: Entry) => Node, which: (entry: Entry) => boolean = () => true): Node => {
    // Neighbours in this order share most of their diagrams, so that uniting them touches little.
    const entries = policy.entries.filter((entry) => entry.hook === at).toSorted((a, b) => first(a.to) - first(b.to) || first(a.from) - first(b.from));
    const allow = diagram.unionAll(entries.filter((entry) => entry.effect === 'allow' && which(entry)).map(set));
    const deny = diagram.unionAll(entries.filter((entry) => entry.effect === 'deny').map(set));
    return diagram.subtract(allow, deny);
  };
  const opposite: Hook = hook === 'forward' ? 'forward' : hook === 'input' ? 'output' : 'input';
  const forward = (entry: Entry): Node => entrySet(space, policy, entry, reading);
  const all = effective(hook, forward);
  const limits = policy.entries.some((entry) => entry.hook === hook && entry.rate !== undefined);
  return {
    all,
    unlimited: limits ? effective(hook, forward, (entry) => entry.rate === undefined) : all,
    answers: effective(opposite, (entry) => answerSet(space, policy, entry, reading)),
  };
}

function first(set: AddressSet): number {
  return set.v4[0]?.first ?? 2 ** 32 + Number(set.v6[0]?.first ?? 0n);
}

/** Packets that start a conversation of the entry. */
function entrySet(space: PacketSpace, policy: GatewayPolicy, entry: Entry, reading: Reading): Node {
  const { diagram } = space;
  const services = reading === 'written' ? entry.written : entry.enforced;
  const product = (family: Family, from: AddressSet | undefined, to: AddressSet | undefined): Node => {
    let below = space.services(family, services);
    if (from !== undefined) below = space.addresses('source', family, family === 4 ? from.v4 : from.v6, below);
    if (to !== undefined) below = space.addresses('destination', family, family === 4 ? to.v4 : to.v6, below);
    return space.family(family, below);
  };
  const both = (from: AddressSet | undefined, to: AddressSet | undefined): Node => diagram.unionAll(families.map((family) => product(family, from, to)));
  switch (entry.hook) {
    case 'forward':
      return both(entry.from, entry.to);
    case 'input':
      // "The address of the interface by which the packet came" (rule 5).
      return diagram.unionAll(
        policy.interfaces.map((face) =>
          diagram.intersect(
            space.inInterface(face.name),
            face.dynamic ? diagram.intersect(space.local(true), both(entry.from, undefined)) : both(entry.from, face.own),
          ),
        ),
      );
    case 'output':
      return policy.anyDynamic ? diagram.intersect(space.local(true), both(undefined, entry.to)) : both(policy.own, entry.to);
  }
}

/** Packets that answer within a conversation of the entry: its lookup with source and destination swapped. */
function answerSet(space: PacketSpace, policy: GatewayPolicy, entry: Entry, reading: Reading): Node {
  const { diagram } = space;
  const services: ServiceSet = reading === 'written' ? entry.written : entry.enforced;
  const product = (family: Family, client: AddressSet | undefined, server: AddressSet | undefined): Node => {
    let below = space.replies(family, services);
    if (server !== undefined) below = space.addresses('source', family, family === 4 ? server.v4 : server.v6, below);
    if (client !== undefined) below = space.addresses('destination', family, family === 4 ? client.v4 : client.v6, below);
    return space.family(family, below);
  };
  const both = (client: AddressSet | undefined, server: AddressSet | undefined): Node =>
    diagram.unionAll(families.map((family) => product(family, client, server)));
  switch (entry.hook) {
    case 'forward':
      return both(entry.from, entry.to);
    case 'input':
      // The question came by an interface that faces the client; the way back may be another one.
      return diagram.unionAll(
        policy.interfaces.map((face) => {
          const clients = intersectAddresses(entry.from, face.faced);
          return face.dynamic ? diagram.intersect(space.local(true), both(clients, undefined)) : both(clients, face.own);
        }),
      );
    case 'output':
      // Answers to what the gateway started; that they reached it shows that a dynamic address is its own.
      return both(policy.anyDynamic ? undefined : policy.own, entry.to);
  }
}

/** Rule 6: loopback, and the rows of baseline and interface services, whatever their state. */
function passes(space: PacketSpace, policy: GatewayPolicy, hook: Hook): Node {
  const { diagram } = space;
  if (hook === 'forward') return empty;
  const loopback = hook === 'input' ? space.inInterface('lo') : space.outInterface('lo');
  return diagram.unionAll([loopback, ...policy.passes.filter((pass) => pass.hook === hook).map((pass) => passSet(space, policy, pass))]);
}

function passSet(space: PacketSpace, policy: GatewayPolicy, pass: Pass): Node {
  const { diagram } = space;
  const face = policy.interfaces.find((candidate) => candidate.name === pass.interface);
  if (face === undefined) return empty;
  const icmp = pass.protocol === (pass.family === 4 ? 1 : 58);
  const values = pass.values?.map((value) => (icmp ? { first: value * 256, last: value * 256 + 255 } : { first: value, last: value }));
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
    const dynamic = pass.hook === 'input' ? face.dynamic : policy.anyDynamic;
    if (dynamic) return space.local(true);
    return space.addressSet(field, pass.hook === 'input' ? face.own : policy.own);
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
