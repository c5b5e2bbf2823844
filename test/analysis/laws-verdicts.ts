/**
 * What asserts, tests and essential flows ought to come to, by trying every conversation.
 *
 * Takes the universe of a small plant, gives the verdict on each question as language.md says it, in loops and without a set. Chains are
 * in `laws-chains.ts`. The idea: whoever doubts the analysis reads this file beside the page and finds nothing to trust but `evaluate`.
 */
import type { AssertStatus } from '../../src/analysis/asserts/proof.ts';
import type { Assert, Flow, Gateway, Interface, Requirement, ResolvedSelector, TestLine } from '../../src/model/model.ts';
import { grades } from '../../src/model/model.ts';
import { type Address, families, type Family } from '../../src/net/address.ts';
import { type AddressSet, addressSetOf, containsAddress, isEmpty } from '../../src/net/address-set.ts';
import type { ServiceSet } from '../../src/packets/service-set.ts';
import { hasServices } from '../../src/packets/service-set.ts';
import type { Message, Place, Universe } from './laws-universe.ts';

type Kind<Name extends Assert['kind']> = Extract<Assert, { kind: Name }>;

/** One pair of zones of a question, with its ends in them. */
export interface Pair {
  readonly from: string;
  readonly to: string;
  readonly ends: readonly (readonly [Place, Place])[];
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
  const pairs = new Map<string, { from: string; to: string; ends: [Place, Place][] }>();
  for (const a of from) {
    for (const b of to) {
      if (a.address.family !== b.address.family) continue;
      const key = `${a.zone} ${b.zone}`;
      const pair = pairs.get(key) ?? { from: a.zone, to: b.zone, ends: [] };
      pairs.set(key, pair);
      pair.ends.push([a, b]);
    }
  }
  const all = [...pairs.values()];
  const stands = (pair: Pair): boolean => !universe.share(pair.from, pair.to) && universe.path(pair.from, pair.to).length > 0;
  const apart = all.filter((pair) => pair.from !== pair.to);
  const left = (pair: Pair): boolean =>
    universe.path(pair.from, pair.to).some((gateway) => pair.ends.some((ends) => !ends.some((place) => isSelf(gateway, place.address))));
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

/** A gateway whose address only the platform knows is something, though it has no address here. */
export function nothing(universe: Universe, side: ResolvedSelector): boolean {
  const dynamic = universe.model.gateways.some((gateway) => side.gateways.includes(gateway.name) && gateway.interfaces.some((face) => face.dynamic));
  return isEmpty(side.addresses) && !dynamic;
}

export function namesGateway(sides: { readonly from: ResolvedSelector; readonly to: ResolvedSelector }): boolean {
  return [sides.from, sides.to].some((side) => side.gateways.length + side.gatewayAddresses.length > 0);
}

/** Why a question between two sides is about nothing: a warning, never a proof. */
export function aboutNothing(universe: Universe, assert: Assert & { readonly from: ResolvedSelector; readonly to: ResolvedSelector }, pairs: Pairs): boolean {
  if (nothing(universe, assert.from) || nothing(universe, assert.to)) return true;
  if (namesGateway(assert)) return false;
  return pairs.over.length === 0 && (pairs.unseen.length === 0 || assert.whereEnforced);
}

/** What can be shown to happen is a violation, whatever else is said of the question. */
export function settled(assert: Assert, pairs: Pairs, violated: boolean, vacuous: boolean): AssertStatus {
  if (violated) return 'violated';
  if (vacuous) return 'vacuous';
  return pairs.unseen.length > 0 && !assert.whereEnforced ? 'not enforceable here' : 'proved';
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

export function neverStatus(universe: Universe, assert: Kind<'never'>): AssertStatus {
  const pairs = sorted(universe, universe.in(assert.from.addresses), universe.in(assert.to.addresses));
  const vacuous = aboutNothing(universe, assert, pairs) || noService(assert.services.set);
  const reaches = ownConversations(universe, assert).some((one) =>
    ownMessages(universe, one, assert.services.set).some((message) => accepts(universe, one, message) !== 'no'),
  );
  return settled(assert, pairs, reaches || leaks(universe, assert).next().done !== true, vacuous);
}

export function alwaysStatus(universe: Universe, assert: Kind<'always'>): AssertStatus {
  const pairs = sorted(universe, universe.in(assert.from.addresses), universe.in(assert.to.addresses));
  const vacuous = aboutNothing(universe, assert, pairs) || noService(assert.services.set);
  const broken = pairs.over.some((pair) => lacks(universe, pair, assert.services.set));
  const shut = ownConversations(universe, assert).some((one) =>
    ownMessages(universe, one, assert.services.set).some((message) => accepts(universe, one, message) !== 'yes'),
  );
  return settled(assert, pairs, outside(universe, assert) || broken || shut || unmet(universe, assert), vacuous);
}

/** Whether some gateway on the path denies a part of it, or lets it pass only as far as a rate allows. */
function lacks(universe: Universe, pair: Pair, services: ServiceSet): boolean {
  return universe.path(pair.from, pair.to).some((gateway) =>
    pair.ends.some(([from, to]) =>
      universe.messages(from.address.family, services).some((message) => {
        const judged = universe.judge(gateway, from, to, message);
        return judged.seen && (!judged.accepted || judged.limited);
      }),
    ),
  );
}

export function outside(universe: Universe, sides: { readonly from: ResolvedSelector; readonly to: ResolvedSelector }): boolean {
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

export function ownConversations(universe: Universe, sides: { readonly from: ResolvedSelector; readonly to: ResolvedSelector }): OwnConversation[] {
  return universe.model.gateways.flatMap((gateway) =>
    (['input', 'output'] as const).flatMap((hook) => {
      const [self, other] = hook === 'input' ? [sides.to, sides.from] : [sides.from, sides.to];
      const peers = universe.in(other.addresses).filter((place) => !isSelf(gateway, place.address));
      const behind = (face: Interface): Place[] => peers.filter((peer) => face.faces.includes(peer.zone));
      const all = gateway.interfaces.flatMap((face) => addressesOf(face));
      const result: OwnConversation[] = [];
      const add = (faces: readonly Interface[], peer: Place, own: Address): void => {
        if (own.family === peer.address.family) result.push({ gateway, hook, faces, peer: peer.address, self: own });
      };
      if (self.gateways.includes(gateway.name)) {
        for (const face of gateway.interfaces)
          for (const peer of behind(face)) for (const own of hook === 'input' ? addressesOf(face) : all) add([face], peer, own);
      }
      if (self.gatewayAddresses.includes(gateway.name)) {
        for (const own of all.filter((address) => containsAddress(self.addresses, address))) {
          for (const peer of peers) {
            const faces = gateway.interfaces.filter((face) => face.faces.includes(peer.zone));
            if (faces.length > 0) add(faces, peer, own);
          }
        }
      }
      return result;
    }),
  );
}

/** Some gateway is named, and nothing of the other side can ever come to it or be reached from it. */
export function unmet(universe: Universe, sides: { readonly from: ResolvedSelector; readonly to: ResolvedSelector }): boolean {
  const named = new Set([sides.from, sides.to].flatMap((side) => [...side.gateways, ...side.gatewayAddresses]));
  const met = new Set(ownConversations(universe, sides).map((one) => one.gateway.name));
  return [...named].some((name) => !met.has(name));
}

function addressesOf(face: Interface): Address[] {
  return [...face.addresses.map((own) => own.address), ...(face.dynamic ? [unknownOwn[4], unknownOwn[6]] : [])];
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

function has(universe: Universe, flow: Flow, asked: Requirement, date: string, grade: 'ports' | 'pdu'): boolean {
  switch (asked.kind) {
    case 'inspect':
      // Achieved, not asked for: who asks for nothing is filtered by ports alone.
      return grades.indexOf(flow.asked === undefined || !placed(universe, flow) ? 'ports' : grade) >= grades.indexOf(asked.grade);
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
  const freely = (pair: Pair): boolean => pair.from === pair.to || universe.share(pair.from, pair.to);
  const unjoined = all.some((pair) => !freely(pair) && universe.path(pair.from, pair.to).length === 0);
  const own = ownConversations(universe, line);
  const services = line.services.set;
  const enforced = !all.some(freely);
  if (line.expect === 'deny') {
    const leak = all.some(
      (pair) => freely(pair) || pair.ends.some(([from, to]) => universe.messages(from.address.family, services).some((one) => universe.opens(from, to, one))),
    );
    return {
      passed: !unjoined && !leak && !own.some((one) => ownMessages(universe, one, services).some((message) => accepts(universe, one, message) !== 'no')),
      enforced,
    };
  }
  const whole =
    !all.some((pair) => !freely(pair) && lacks(universe, pair, services)) &&
    !own.some((one) => ownMessages(universe, one, services).some((message) => accepts(universe, one, message) !== 'yes')) &&
    !unmet(universe, line);
  return { passed: !outside(universe, line) && !noService(services) && !unjoined && whole && all.length + own.length > 0, enforced };
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
    all.length > 0 &&
    all.every((pair) => {
      const path = universe.path(pair.from, pair.to);
      if (path.length === 0) return pair.from === pair.to || universe.share(pair.from, pair.to);
      return !ownEnds(universe, pair) && !lacks(universe, pair, flow.services.set);
    })
  );
}
