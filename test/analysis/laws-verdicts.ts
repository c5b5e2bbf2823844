/**
 * What asserts, tests and essential flows ought to come to, by trying every conversation.
 *
 * Takes the universe of a small plant, gives the verdict on each question as language.md says it, in loops and without a set. Chains are
 * in `laws-chains.ts`. The idea: whoever doubts the analysis reads this file beside the page and finds nothing to trust but `evaluate`.
 */
import { isEveryFunction } from '../../src/packets/function-set.ts';
import { whyNotTold } from '../../src/catalogue/frames.ts';
import { sessionMessages } from '../../src/catalogue/functions.ts';
import type { AssertStatus } from '../../src/analysis/asserts/proof.ts';
import type { Assert, Flow, Gateway, Interface, Requirement, ResolvedSelector, TestLine } from '../../src/model/model.ts';
import { grades } from '../../src/model/model.ts';
import { type Address, families, type Family } from '../../src/net/address.ts';
import { type AddressSet, addressSetOf, containsAddress, isEmpty } from '../../src/net/address-set.ts';
import type { ServiceSet } from '../../src/packets/service-set.ts';
import { hasServices } from '../../src/packets/service-set.ts';
import type { Message, Place, Universe } from './laws-universe.ts';

type Kind<Name extends Assert['kind']> = Extract<Assert, { kind: Name }>;

export type Sides = { readonly from: ResolvedSelector; readonly to: ResolvedSelector };

/** One pair of zones of a question, with its ends in them. */
export interface Pair {
  readonly from: string;
  readonly to: string;
  /** In a common family. */
  readonly ends: readonly (readonly [Place, Place])[];
  /** In every family. */
  readonly sources: readonly Place[];
  readonly targets: readonly Place[];
}

/** Pairs of a question, by who sees them. */
export interface Pairs {
  /** A gateway stands between, and something is left of them besides its own addresses. */
  readonly over: readonly Pair[];
  readonly within: readonly Pair[];
  /** No gateway stands between, or they share a wire (rule 12). */
  readonly unseen: readonly Pair[];
  /** A gateway stands between, but one of the ends is only that gateway itself. */
  readonly own: readonly Pair[];
}

/** Pairs that have a conversation in a common family. */
export function sorted(universe: Universe, from: readonly Place[], to: readonly Place[]): Pairs {
  const pairs = new Map<string, Pair & { readonly ends: [Place, Place][] }>();
  const inZone = (side: readonly Place[], zone: string): Place[] => side.filter((place) => place.zone === zone);
  for (const a of from) {
    for (const b of to) {
      if (a.address.family !== b.address.family) continue;
      const key = `${a.zone} ${b.zone}`;
      const pair = pairs.get(key) ?? { from: a.zone, to: b.zone, ends: [], sources: inZone(from, a.zone), targets: inZone(to, b.zone) };
      pairs.set(key, pair);
      pair.ends.push([a, b]);
    }
  }
  const all = [...pairs.values()];
  const stands = (pair: Pair): boolean => !universe.share(pair.from, pair.to) && universe.path(pair.from, pair.to).length > 0;
  const apart = all.filter((pair) => pair.from !== pair.to);
  const left = (pair: Pair): boolean =>
    universe.path(pair.from, pair.to).some((gateway) => pair.ends.some((ends) => !ends.some((place) => isOwn(gateway, place.address))));
  return {
    over: apart.filter((pair) => stands(pair) && left(pair)),
    within: all.filter((pair) => pair.from === pair.to),
    unseen: apart.filter((pair) => !stands(pair)),
    own: apart.filter((pair) => stands(pair) && !left(pair)),
  };
}

export function allOf({ over, within, unseen, own }: Pairs): Pair[] {
  return [...over, ...within, ...unseen, ...own];
}

/** A gateway is something, whatever its addresses. */
function nothing(side: ResolvedSelector): boolean {
  return isEmpty(side.addresses) && side.gateways.length === 0;
}

export function namesGateway(sides: Sides): boolean {
  return [sides.from, sides.to].some((side) => side.gateways.length + side.gatewayAddresses.length > 0);
}

/** Why a question between two sides is about nothing: a warning, never a proof. */
export function aboutNothing(assert: Assert & { readonly from: ResolvedSelector; readonly to: ResolvedSelector }, pairs: Pairs): boolean {
  if (nothing(assert.from) || nothing(assert.to)) return true;
  if (namesGateway(assert)) return false;
  return pairs.over.length === 0 && (pairs.unseen.length === 0 || assert.whereEnforced);
}

/** What can be shown to happen is a violation, whatever else is said of the question. */
export function settled(assert: Assert, pairs: Pairs, violated: boolean, vacuous: boolean): AssertStatus {
  if (violated) return 'violated';
  if (vacuous) return 'vacuous';
  return pairs.unseen.length > 0 && !assert.whereEnforced ? 'not enforceable here' : 'proved';
}

/** Whether the services exist in a family that some pair, or a gateway and its peers, have in common. */
function hasMessages(universe: Universe, sides: Sides, services: ServiceSet, pairs: Pairs): boolean {
  const inFamily = (family: Family): boolean => universe.messages(family, services).length > 0;
  return (
    pairs.unseen.length > 0 ||
    pairs.over.some((pair) => pair.ends.some(([from]) => inFamily(from.address.family))) ||
    ownConversations(universe, sides).some((one) => inFamily(one.peer.family))
  );
}

function noService(services: ServiceSet): boolean {
  return !families.some((family) => hasServices(services, family));
}

// -- never and always ---------------------------------------------------------------------------------------------------------------------

/** Rule 12: sources that cannot be told from one in the zone; what they may, counts. */
export function alike(universe: Universe, zone: string): Place[] {
  return universe.places.filter((place) => universe.share(place.zone, zone));
}

/** Forwarded conversations that pass though they must not. */
export function* leaks(universe: Universe, assert: Kind<'never'>): Generator<{ readonly from: Place; readonly to: Place; readonly message: Message }> {
  const { over } = sorted(universe, universe.in(assert.from.addresses), universe.in(assert.to.addresses));
  for (const pair of over) {
    // What another family of the wire may, counts too.
    const targets = universe.in(assert.to.addresses).filter((place) => place.zone === pair.to);
    const sources = [...new Set(pair.ends.map(([from]) => from)), ...alike(universe, pair.from)];
    for (const from of sources)
      for (const to of targets.filter((place) => place.address.family === from.address.family))
        for (const message of universe.messages(to.address.family, assert.services.set)) if (universe.opens(from, to, message)) yield { from, to, message };
  }
}

/** Neighbour discovery, which every gateway answers (rule 6), counts only where a question is about nothing else. */
export function deniable(universe: Universe, messages: readonly Message[], services: ServiceSet): readonly Message[] {
  const discovery = (one: Message): boolean => one.family === 6 && one.protocol === 58 && [135, 136].includes(one.value >> 8);
  const alone = families.every((family) => universe.messages(family, services).every(discovery));
  return alone ? messages : messages.filter((one) => !discovery(one));
}

export function neverStatus(universe: Universe, assert: Kind<'never'>): AssertStatus {
  const pairs = sorted(universe, universe.in(assert.from.addresses), universe.in(assert.to.addresses));
  const vacuous = aboutNothing(assert, pairs) || noService(assert.services.set) || !hasMessages(universe, assert, assert.services.set, pairs);
  const reaches = ownConversations(universe, assert, true).some((one) =>
    deniable(universe, ownMessages(universe, one, assert.services.set), assert.services.set).some((message) => accepts(universe, one, message) !== 'no'),
  );
  return settled(assert, pairs, reaches || leaks(universe, assert).next().done !== true, vacuous);
}

export function alwaysStatus(universe: Universe, assert: Kind<'always'>): AssertStatus {
  const pairs = sorted(universe, universe.in(assert.from.addresses), universe.in(assert.to.addresses));
  const vacuous = aboutNothing(assert, pairs) || noService(assert.services.set) || !hasMessages(universe, assert, assert.services.set, pairs);
  const broken = pairs.over.some((pair) => lacks(universe, pair, assert.services.set));
  const shut = ownConversations(universe, assert).some((one) =>
    ownMessages(universe, one, assert.services.set).some((message) => accepts(universe, one, message) !== 'yes'),
  );
  return settled(assert, pairs, outside(universe, assert) || broken || shut, vacuous);
}

/** Whether some gateway on the path denies a part of it, or lets it pass only as far as a rate allows. */
function lacks(universe: Universe, pair: Pair, services: ServiceSet): boolean {
  return universe.path(pair.from, pair.to).some((gateway) => {
    const targets = askedOf(universe, gateway, pair.targets);
    return askedOf(universe, gateway, pair.sources).some((from) =>
      targets.some(
        (to) =>
          from.address.family === to.address.family &&
          universe.messages(from.address.family, services).some((message) => {
            const judged = universe.judge(gateway, from, to, message);
            return !judged.accepted || judged.limited;
          }),
      ),
    );
  });
}

/** Whether an `always` between the two asks what no flow can ever open: a broadcast or anycast of a gateway on the path. */
export function asksTooMuch(universe: Universe, sides: Sides): boolean {
  return sorted(universe, universe.in(sides.from.addresses), universe.in(sides.to.addresses)).over.some((pair) =>
    universe
      .path(pair.from, pair.to)
      .some((gateway) => [pair.sources, pair.targets].some((side) => askedOf(universe, gateway, side).some((place) => isSelf(gateway, place.address)))),
  );
}

/** Not its own addresses, nor what a network holds of broadcasts and anycasts; but a host that has one, and what names nothing else. */
export function askedOf(universe: Universe, gateway: Gateway, side: readonly Place[]): readonly Place[] {
  const others = side.filter((place) => !isOwn(gateway, place.address));
  const isHost = (place: Place): boolean => universe.model.hosts.some((host) => containsAddress(host.addresses, place.address));
  const meant = others.filter((place) => !isSelf(gateway, place.address) || isHost(place));
  return meant.length === 0 ? others : meant;
}

export function outside(universe: Universe, sides: Sides): boolean {
  const { zones, gateways } = universe.model;
  const owns = gateways.flatMap((gateway) => gateway.interfaces.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address))));
  const known = [...zones.map((zone) => zone.addresses), ...owns];
  const all: AddressSet = { v4: known.flatMap((set) => set.v4), v6: known.flatMap((set) => set.v6) };
  const ordered = { v4: all.v4.toSorted((a, b) => a.first - b.first), v6: all.v6.toSorted((a, b) => (a.first < b.first ? -1 : 1)) };
  return [sides.from, sides.to].some((side) => !coveredBy(side.addresses, ordered));
}

/** Walks along the ranges of `all`, which may touch and overlap. */
function coveredBy(set: AddressSet, all: AddressSet): boolean {
  const walk = (
    ranges: readonly { first: number | bigint; last: number | bigint }[],
    among: readonly { first: number | bigint; last: number | bigint }[],
  ): boolean =>
    ranges.every((range) => {
      let next = BigInt(range.first);
      for (const one of among) if (BigInt(one.first) <= next && next <= BigInt(one.last)) next = BigInt(one.last) + 1n;
      return next > BigInt(range.last);
    });
  return walk(set.v4, all.v4) && walk(set.v6, all.v6);
}

// -- what is for a gateway ----------------------------------------------------------------------------------------------------------------

/** Two addresses, and the interfaces by which the conversation may come or go. */
interface OwnConversation {
  readonly gateway: Gateway;
  readonly hook: 'input' | 'output';
  readonly faces: readonly Interface[];
  readonly peer: Address;
  readonly self: Address;
}

/** An address that only the platform knows. */
const unknownOwn: Record<Family, Address> = { 4: { family: 4, value: 0x0102_0304 }, 6: { family: 6, value: 0x2a00n << 112n } };

/** `neighbours`: whoever shares a wire with a peer counts too (rule 12). */
export function ownConversations(universe: Universe, sides: Sides, neighbours = false): OwnConversation[] {
  return universe.model.gateways.flatMap((gateway) =>
    (['input', 'output'] as const).flatMap((hook) => {
      const [self, other] = hook === 'input' ? [sides.to, sides.from] : [sides.from, sides.to];
      const named = [...askedOf(universe, gateway, universe.in(other.addresses)), ...homeless(universe, gateway, other.addresses)];
      const peers = neighbours && hook === 'input' ? [...new Set([...named, ...named.flatMap((peer) => alike(universe, peer.zone))])] : named;
      const all = gateway.interfaces.flatMap((face) => addressesOf(face));
      const result: OwnConversation[] = [];
      const add = (faces: readonly Interface[], peer: Place, own: Address): void => {
        if (own.family === peer.address.family) result.push({ gateway, hook, faces, peer: peer.address, self: own });
      };
      const facing = (peer: Place): Interface[] => gateway.interfaces.filter((face) => face.faces.includes(peer.zone) && !isSelf(gateway, peer.address));
      if (self.gateways.includes(gateway.name)) {
        for (const peer of peers.filter((one) => facing(one).length === 0)) add([], peer, unknownOwn[peer.address.family]);
        for (const face of gateway.interfaces) {
          const here = peers.filter((peer) => facing(peer).includes(face));
          const owns = hook === 'input' ? addressesOf(face) : all;
          const common = here.some((peer) => owns.some((own) => own.family === peer.address.family));
          for (const peer of here) for (const own of common ? owns : [unknownOwn[peer.address.family]]) add(common ? [face] : [], peer, own);
        }
      }
      if (self.gatewayAddresses.includes(gateway.name)) {
        const asked = all.filter((address) => containsAddress(self.addresses, address));
        for (const own of asked) for (const peer of peers) add(facing(peer), peer, own);
      }
      return result;
    }),
  );
}

/** Addresses of other gateways that lie in no zone: named like any other, and nothing is open to them. */
function homeless(universe: Universe, gateway: Gateway, addresses: AddressSet): Place[] {
  return universe.model.gateways
    .filter((other) => other !== gateway)
    .flatMap((other) => other.interfaces.flatMap((face) => face.addresses.map((own) => own.address)))
    .filter((address) => containsAddress(addresses, address) && !isOwn(gateway, address) && universe.place(address) === undefined)
    .map((address) => ({ address, zone: '', at: -1 }));
}

function addressesOf(face: Interface): Address[] {
  return [...face.addresses.map((own) => own.address), ...(face.dynamic ? [unknownOwn[4], unknownOwn[6]] : [])];
}

/** A gateway that a side names is no host of the zone in which its address lies. */
export function hostsOf(universe: Universe, { addresses, gateways, gatewayAddresses }: ResolvedSelector): Place[] {
  const named = universe.model.gateways.filter((gateway) => [...gateways, ...gatewayAddresses].includes(gateway.name));
  return universe.in(addresses).filter((place) => !named.some((gateway) => isOwn(gateway, place.address)));
}

export function isOwn(gateway: Gateway, address: Address): boolean {
  return gateway.interfaces.some((face) => face.addresses.some((own) => own.address.family === address.family && own.address.value === address.value));
}

/** Rule 5: its own addresses, directed broadcasts, and the first address of an IPv6 subnet. */
export function isSelf(gateway: Gateway, address: Address): boolean {
  return gateway.interfaces.some((face) =>
    face.addresses.some(
      (own) =>
        own.address.family === address.family &&
        (own.address.value === address.value ||
          (address.family === 4 && own.length < 31 && own.network.last === address.value) ||
          (address.family === 6 && own.length < 127 && own.network.first === address.value)),
    ),
  );
}

function ownMessages(universe: Universe, one: OwnConversation, services: ServiceSet): readonly Message[] {
  return universe.messages(one.peer.family, services);
}

function accepts(universe: Universe, one: OwnConversation, message: Message): 'yes' | 'limited' | 'no' {
  const judged = one.faces.map((face) => universe.judgeOwn(one.gateway, face, one.hook, one.peer, one.self, message)).filter((found) => found.accepted);
  return judged.length === 0 ? 'no' : judged.every((found) => found.limited) ? 'limited' : 'yes';
}

// -- every flow ---------------------------------------------------------------------------------------------------------------------------

/** Flows that are asked, and of these the ones that lack something. */
export function everyFlow(
  universe: Universe,
  assert: Kind<'every-flow'>,
  date: string,
  grade: 'ports' | 'pdu',
): { readonly asked: string[]; readonly lacking: string[] } {
  const asked = universe.model.flows.filter(
    (flow) =>
      flow.effect === 'allow' && inForce(flow, date) && families.some((family) => meets(flow.from, assert.from, family) && meets(flow.to, assert.to, family)),
  );
  const lacking = asked.filter((flow) => !assert.requirements.every((either) => either.some((one) => has(universe, flow, one, date, grade))));
  return { asked: asked.map((flow) => flow.name), lacking: lacking.map((flow) => flow.name) };
}

export function everyFlowStatus(universe: Universe, assert: Kind<'every-flow'>, date: string, grade: 'ports' | 'pdu'): AssertStatus {
  const { asked, lacking } = everyFlow(universe, assert, date, grade);
  if (asked.length === 0 || [assert.from, assert.to].some((side) => side !== undefined && isEmpty(side.addresses))) return 'vacuous';
  return lacking.length === 0 ? 'proved' : 'violated';
}

/** Whether the side of a flow has an address of the family that the question names; it names all where it says nothing. */
function meets(side: ResolvedSelector, asked: ResolvedSelector | undefined, family: Family): boolean {
  const ranges = (of: ResolvedSelector): readonly { first: number | bigint; last: number | bigint }[] => (family === 4 ? of.addresses.v4 : of.addresses.v6);
  return ranges(side).some((x) => asked === undefined || ranges(asked).some((y) => x.first <= y.last && y.first <= x.last));
}

export function inForce(flow: Flow, date: string): boolean {
  return flow.disabled === undefined && !(flow.expires !== undefined && flow.expires.value < date);
}

/** Whether some gateway has the flow at all: both its ends lie in zones that it faces, and are not its own addresses. */
function placed(universe: Universe, flow: Flow): boolean {
  const meets = (gateway: Gateway, side: AddressSet): boolean =>
    universe.in(side).some((place) => gateway.interfaces.some((face) => face.faces.includes(place.zone)) && !isSelf(gateway, place.address));
  return !noService(flow.services.set) && universe.model.gateways.some((gateway) => meets(gateway, flow.from.addresses) && meets(gateway, flow.to.addresses));
}

/** Whether the flow names functions of every protocol of its own, and asks for all of them nowhere: else there is nothing to look for. */
function tellsFunctions({ services }: Flow): boolean {
  const named = services.functions.map((one) => one.protocol);
  if (named.length === 0) return services.otProtocols.length === 0;
  const whole = services.functions.some(({ where }) =>
    families.some((family) =>
      [...(family === 4 ? where.v4 : where.v6).values].some(([protocol, ports]) =>
        ports.some(({ first, last }) =>
          ((family === 4 ? services.set.v4 : services.set.v6).values.get(protocol) ?? []).some(
            (segment) => segment.first <= last && first <= segment.last && isEveryFunction(segment.functions),
          ),
        ),
      ),
    ),
  );
  const unrecognised = [services.set.v4, services.set.v6].some(({ values }) =>
    [...values.values()].some((segments) => segments.some(({ functions }) => functions.at(-1)?.high === 4095 && !isEveryFunction(functions))),
  );
  const told = services.functions.every(({ protocol, where }) => {
    const mine = services.functions.filter((one) => one.protocol === protocol).flatMap((one) => one.functions);
    return (['tcp', 'udp'] as const).every((transport) => {
      const used = families.some((family) => (family === 4 ? where.v4 : where.v6).values.has(transport === 'tcp' ? 6 : 17));
      return !used || whyNotTold([...mine, ...sessionMessages(protocol, transport)], transport) === undefined;
    });
  });
  return !whole && told && !unrecognised && services.otProtocols.every((protocol) => named.includes(protocol));
}

function has(universe: Universe, flow: Flow, asked: Requirement, date: string, grade: 'ports' | 'pdu'): boolean {
  switch (asked.kind) {
    case 'inspect':
      // Achieved, not asked for: who asks for nothing is filtered by ports alone.
      return grades.indexOf(flow.asked === undefined || !placed(universe, flow) || !tellsFunctions(flow) ? 'ports' : grade) >= grades.indexOf(asked.grade);
    case 'expires-within':
      return flow.expires !== undefined && (Date.parse(flow.expires.value) - Date.parse(date)) / 86_400_000 <= asked.days;
    case 'property':
      return flow[asked.name] !== undefined && flow[asked.name] !== false;
  }
}

// -- tests and essential flows ------------------------------------------------------------------------------------------------------------

export function testOutcome(universe: Universe, line: TestLine): { readonly passed: boolean; readonly enforced: boolean } {
  const pairs = sorted(universe, universe.in(line.from.addresses), universe.in(line.to.addresses));
  const all = allOf(pairs);
  const hosts = { from: hostsOf(universe, line.from), to: hostsOf(universe, line.to) };
  const besides = (pair: Pair): boolean => pair.ends.some(([from, to]) => hosts.from.includes(from) && hosts.to.includes(to));
  const freely = (pair: Pair): boolean => besides(pair) && (pair.from === pair.to || universe.share(pair.from, pair.to));
  const unjoined = all.some((pair) => besides(pair) && !freely(pair) && universe.path(pair.from, pair.to).length === 0);
  const own = ownConversations(universe, line);
  const services = line.services.set;
  const enforced = !all.some(freely);
  if (line.expect === 'deny') {
    const leak = all.some(
      (pair) => freely(pair) || pair.ends.some(([from, to]) => universe.messages(from.address.family, services).some((one) => universe.opens(from, to, one))),
    );
    return {
      passed:
        !unjoined &&
        !leak &&
        !own.some((one) => deniable(universe, ownMessages(universe, one, services), services).some((message) => accepts(universe, one, message) !== 'no')),
      enforced,
    };
  }
  const whole =
    !all.some((pair) => !freely(pair) && lacks(universe, pair, services)) &&
    !own.some((one) => ownMessages(universe, one, services).some((message) => accepts(universe, one, message) !== 'yes'));
  const elsewhere = pairs.over.length > 0 && pairs.within.length === 0 && !hasMessages(universe, line, services, pairs);
  const something = (all.length > pairs.own.length || namesGateway(line)) && !noService(services) && !elsewhere;
  return { passed: !outside(universe, line) && something && !unjoined && whole, enforced };
}

/** Whether on some gateway on the path nothing of the pair is left but its own addresses. */
export function ownEnds(universe: Universe, pair: Pair): boolean {
  return universe.path(pair.from, pair.to).some((gateway) => pair.ends.every((ends) => ends.some((place) => isSelf(gateway, place.address))));
}

/** Rule 10. */
export function permittedWhole(universe: Universe, flow: Flow, date: string): boolean {
  if (!inForce(flow, date)) return false;
  const zones = universe.model.zones.map((zone) => zone.addresses);
  const known = {
    v4: zones.flatMap((set) => set.v4).toSorted((a, b) => a.first - b.first),
    v6: zones.flatMap((set) => set.v6).toSorted((a, b) => (a.first < b.first ? -1 : 1)),
  };
  if (!coveredBy(flow.from.addresses, known) || !coveredBy(flow.to.addresses, known)) return false;
  const pairs = sorted(universe, universe.in(flow.from.addresses), universe.in(flow.to.addresses));
  const all = allOf(pairs);
  return (
    // What names no message in any family that its sides share can be nobody's need.
    all.some((pair) => pair.ends.some(([from]) => universe.messages(from.address.family, flow.services.set).length > 0)) &&
    all.every((pair) => {
      const path = universe.path(pair.from, pair.to);
      if (path.length === 0) return pair.from === pair.to || universe.share(pair.from, pair.to);
      return !ownEnds(universe, pair) && !lacks(universe, pair, flow.services.set);
    })
  );
}
