/**
 * What the gateways permit, over all conversations of the plant, as sets that questions are asked of.
 *
 * Takes the placed policies, gives for each gateway the conversations that it lets start between zones, in one space
 * without interfaces or states. Asserts, essential flows, tests, reach and differences are operations on these sets.
 */
import {
  addressesMeet,
  addressSetOf,
  type AddressSet,
  builtInNetworks,
  containsAddress,
  intersectAddresses,
  isEmpty,
  noAddresses,
  subtractAddresses,
  unionAddresses,
  unspecified,
} from '../net/address-set.ts';
import type { Address } from '../net/address.ts';
import type { Flow, Model } from '../model/model.ts';
import { commonFamilies } from '../model/model.ts';
import { ZoneIndex } from '../model/zone-index.ts';
import { AddressLine } from '../packets/address-line.ts';
import { type Conversation, ConversationSpace, type Product } from '../packets/conversation-space.ts';
import { type Cover, coverOf } from '../packets/cover.ts';
import { empty, type Node } from '../packets/diagram.ts';
import type { Hook } from '../packets/packet.ts';
import {
  allServices,
  containsService,
  icmpServices,
  inspectedServices,
  intersectServices,
  isNoService,
  noServices,
  portServices,
  protocolServices,
  type ServiceSet,
  subtractServices,
  widenFunctions,
} from '../packets/service-set.ts';
import type { Entry, GatewayPolicy, Pass } from '../policy/gateway-policy.ts';
import { inForce } from '../policy/dates.ts';
import type { Joins } from '../policy/joins.ts';
import { gatewayOnlyAddresses, type Placement } from '../policy/place.ts';

/** A pair of zones that a question touches, with the parts of its sides in them. */
export interface ZonePair {
  readonly from: string;
  readonly to: string;
  readonly source: AddressSet;
  readonly destination: AddressSet;
}

/** Conversations that the flows of one gateway hold; what two of them hold is not known for plants with groups (`hasGroups`). */
export interface Effects {
  /** Allows without a rate. */
  readonly unlimited: Cover;
  readonly limited: Cover;
  readonly deny: Cover;
}

/** More pairs of ranges than this for each entry: groups of scattered hosts, which overlap in nearly every host. */
const mostPairs = 30;

/** Stands for an address that only the platform knows; it lies in no zone. */
export const dynamicAddress: AddressSet = unspecified;

/** Everything at whose borders the address line must be cut for questions about the policy. */
export function bordersOf(model: Model): AddressSet[] {
  const sides = [...model.flows, ...model.asserts, ...model.tests.flatMap((test) => test.lines)].flatMap((one) => [
    one.from?.addresses ?? noAddresses,
    one.to?.addresses ?? noAddresses,
    'via' in one ? one.via.addresses : noAddresses,
  ]);
  return [
    dynamicAddress,
    ...[...model.zones, ...model.hosts, ...model.groups].map((place) => place.addresses),
    ...model.gateways.map(gatewayOnlyAddresses),
    ...model.gateways.flatMap((gateway) => [
      ...gateway.traffic.map((line) => line.peer.addresses),
      ...gateway.interfaces.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address))),
    ]),
    ...sides,
  ];
}

/** Messages of a row of the baseline or of an interface service. */
function passServices(pass: Pass): ServiceSet {
  const ranges = (pass.values ?? []).map((value) => ({ first: value, last: value }));
  if (pass.protocol === (pass.family === 4 ? 1 : 58))
    return icmpServices(
      pass.family,
      ranges.map(({ first }) => ({ first: first * 256, last: first * 256 + 255 })),
    );
  const both = pass.protocol === 17 ? portServices('udp', ranges) : protocolServices(pass.protocol);
  return pass.family === 4 ? { v4: both.v4, v6: noServices.v6 } : { v4: noServices.v4, v6: both.v6 };
}

/** Of the addresses of one end, those that the row names; `all`: the word by which it names them all. */
function passEnd(where: Pass['source'], all: 'faced' | 'own', end: AddressSet): AddressSet {
  const parts = where.map((one) => {
    if (one === all) return end;
    if (typeof one === 'string') return noAddresses;
    const networks = builtInNetworks(...one.networks);
    // What stands for an address that only the platform knows has no place in a network, but for the network of all.
    return intersectAddresses(containsAddress(networks, someGlobal) ? end : subtractAddresses(end, dynamicAddress), networks);
  });
  return unionAddresses(...parts);
}

/** Any address of the unicast space: of the built-in networks only `::/0` holds it. */
const someGlobal: Address = { family: 6, value: 0x2000n << 112n };

export class PlantSets {
  readonly space: ConversationSpace;
  readonly joins: Joins;
  readonly model: Model;
  readonly date: string;
  /** Addresses of all hosts. */
  readonly hostAddresses: AddressSet;
  /** Allow flows in force, by name. */
  readonly allows: readonly Flow[];
  readonly #placement: Placement;
  readonly #effects = new Map<string, Effects>();
  readonly #index: ZoneIndex;
  readonly #flows: ReadonlyMap<string, Flow>;
  readonly #carriers = new Map<string, Map<string, Entry[]>>();
  readonly #entrySets = new Map<Entry, Node>();
  readonly #flowSets = new Map<string, { from: AddressSet; to: AddressSet; services: ServiceSet; set: Node }>();
  #between: ReadonlyMap<string, Node> | undefined;
  #open: Node | undefined;
  #hasGroups: boolean | undefined;
  #allowsTo: Map<string, Flow[]> | undefined;

  /** `space`: shared by two plants that are compared; its line must be cut at the borders of both. */
  constructor(model: Model, placement: Placement, space = new ConversationSpace(new AddressLine(bordersOf(model)), model.flows.length)) {
    this.model = model;
    this.#flows = new Map(model.flows.map((flow) => [flow.name, flow]));
    this.#index = new ZoneIndex(model.zones);
    this.hostAddresses = unionAddresses(...model.hosts.map((host) => host.addresses));
    this.allows = model.flows.filter((flow) => flow.effect === 'allow' && inForce(flow, placement.date));
    this.#placement = placement;
    this.space = space;
    this.joins = placement.joins;
    this.date = placement.date;
  }

  get gateways(): readonly GatewayPolicy[] {
    return this.#placement.gateways;
  }

  gateway(name: string): GatewayPolicy | undefined {
    return this.#placement.gateways.find((policy) => policy.gateway === name);
  }

  /** Conversations from one side to the other that the services name. */
  product(source: AddressSet, destination: AddressSet, services: ServiceSet): Node {
    return this.space.product(source, destination, services);
  }

  entrySet(entry: Entry): Node {
    const before = this.#entrySets.get(entry);
    if (before !== undefined) return before;
    // A flow that several gateways carry whole has one set.
    const known = this.#flowSets.get(entry.origin.name);
    const same = known !== undefined && known.from === entry.from && known.to === entry.to && known.services === entry.enforced;
    const set = same ? known.set : this.product(entry.from, entry.to, entry.enforced);
    this.#flowSets.set(entry.origin.name, { from: entry.from, to: entry.to, services: entry.enforced, set });
    this.#entrySets.set(entry, set);
    return set;
  }

  /** Whether flows run between groups of scattered hosts, so that their products share little. */
  get hasGroups(): boolean {
    this.#hasGroups ??= this.gateways.some(({ entries }) => {
      const pairs = entries.reduce((sum, { from, to }) => sum + from.v4.length * to.v4.length + from.v6.length * to.v6.length, 0);
      return pairs > mostPairs * entries.length;
    });
    return this.#hasGroups;
  }

  /** What the gateway's flows hold, by effect, before they are set against each other. */
  effects(policy: GatewayPolicy): Effects {
    const known = this.#effects.get(policy.gateway) ?? this.#findEffects(policy);
    this.#effects.set(policy.gateway, known);
    return known;
  }

  #findEffects(policy: GatewayPolicy): Effects {
    const entries = policy.entries.filter((entry) => entry.hook === 'forward').toSorted(byDestination);
    const of = (which: (entry: Entry) => boolean): Cover => {
      const products = entries.filter(which).map(productOf);
      return this.hasGroups ? coverOf(this.space.union(products)) : this.space.cover(products);
    };
    return {
      unlimited: of((entry) => entry.effect === 'allow' && entry.rate === undefined),
      limited: of((entry) => entry.effect === 'allow' && entry.rate !== undefined),
      deny: of((entry) => entry.effect === 'deny'),
    };
  }

  /** Forwarded conversations that the gateway lets start; `unlimited`: whatever any rate says. */
  permitted(policy: GatewayPolicy, unlimited: boolean): Node {
    const { diagram } = this.space;
    const effects = this.effects(policy);
    const allow = unlimited ? effects.unlimited.once : diagram.union(effects.unlimited.once, effects.limited.once);
    return diagram.subtract(allow, effects.deny.once);
  }

  /** Whether some called side asks on a gateway, and the gateway looks into what it says (`Entry.heard`). */
  asksBack(policy: GatewayPolicy): boolean {
    return this.#backward(policy).size > 0;
  }

  /** Whether that is so in a flow. */
  asksBackIn(policy: GatewayPolicy, flow: Flow): boolean {
    return this.#backward(policy).has(flow.name);
  }

  #backward(policy: GatewayPolicy): ReadonlySet<string> {
    const known = this.#asking.get(policy) ?? new Set(policy.entries.filter((entry) => entry.heard !== undefined).map((entry) => entry.origin.name));
    this.#asking.set(policy, known);
    return known;
  }

  readonly #asking = new Map<GatewayPolicy, ReadonlySet<string>>();

  /** What called sides may say in forwarded conversations, by their conversation: whatever they like, but for those that ask. */
  answers(policy: GatewayPolicy): Node {
    const known = this.#answers.get(policy.gateway) ?? this.#findAnswers(policy);
    this.#answers.set(policy.gateway, known);
    return known;
  }

  readonly #answers = new Map<string, Node>();

  #findAnswers(policy: GatewayPolicy): Node {
    const of = (effect: Entry['effect'], services: (entry: Entry) => ServiceSet): Node =>
      this.space.union(
        policy.entries
          .filter((entry) => entry.hook === 'forward' && entry.effect === effect)
          .map((entry) => ({ source: entry.from, destination: entry.to, services: services(entry) })),
      );
    const allowed = of('allow', (entry) => entry.heard ?? widenFunctions(entry.enforced));
    // A deny of functions forbids what the side that opens a conversation says.
    const denied = of('deny', (entry) => subtractServices(entry.enforced, inspectedServices(entry.enforced)));
    return this.space.diagram.subtract(allowed, denied);
  }

  /** Every conversation between zones that the gateway stands between, whether permitted or not. */
  between(policy: GatewayPolicy): Node {
    this.#between ??= new Map(this.gateways.map((one) => [one.gateway, this.#standsBetween(one)]));
    return this.#between.get(policy.gateway) ?? empty;
  }

  /** What the gateway permits between zones that it stands between. */
  passing(policy: GatewayPolicy): Node {
    return this.space.diagram.intersect(this.permitted(policy, false), this.between(policy));
  }

  /** Allow entries on one gateway that may carry something from one zone to another. */
  carriers(policy: GatewayPolicy, from: string, to: string): readonly Entry[] {
    let known = this.#carriers.get(policy.gateway);
    if (known === undefined) {
      known = this.#findCarriers(policy);
      this.#carriers.set(policy.gateway, known);
    }
    return known.get(`${from}\n${to}`) ?? [];
  }

  /** Allow entries on one gateway that run between the zones of two sides. */
  carriersOf(policy: GatewayPolicy, from: AddressSet, to: AddressSet): readonly Entry[] {
    const targets = this.touched(to);
    const lists = this.touched(from).flatMap((source) => targets.map((target) => this.carriers(policy, source.zone, target.zone)));
    return lists.length === 1 ? (lists[0] ?? []) : [...new Set(lists.flat())];
  }

  #findCarriers(policy: GatewayPolicy): Map<string, Entry[]> {
    const result = new Map<string, Entry[]>();
    for (const entry of policy.entries) {
      if (entry.hook !== 'forward' || entry.effect !== 'allow') continue;
      const destinations = this.#index.parts(entry.to);
      for (const source of this.#index.parts(entry.from)) {
        for (const destination of destinations) {
          if (!this.joins.gateways(source.zone.name, destination.zone.name).includes(policy.gateway)) continue;
          const key = `${source.zone.name}\n${destination.zone.name}`;
          const list = result.get(key);
          if (list === undefined) result.set(key, [entry]);
          else list.push(entry);
        }
      }
    }
    return result;
  }

  /** What some gateway on its path permits (rule 11: for `never`, reach and paths). */
  get open(): Node {
    const { diagram } = this.space;
    this.#open ??= diagram.unionAll(this.gateways.map((policy) => this.passing(policy)));
    return this.#open;
  }

  #standsBetween(policy: GatewayPolicy): Node {
    const rows = policy.zones.map((to) => {
      const from = policy.zones.filter((one) => this.joins.gateways(one.name, to.name).includes(policy.gateway));
      return this.product(unionAddresses(...from.map((one) => one.addresses)), to.addresses, allServices);
    });
    return this.space.diagram.unionAll(rows);
  }

  /**
   * What is for a gateway or starts there: what the question asks, and how much of it is open; `unlimited`: whatever any
   * rate says. A gateway that is named means, for each peer, the addresses of the interfaces that face it (rule 5); a
   * single address of it means just that.
   */
  own(
    policy: GatewayPolicy,
    hook: 'input' | 'output',
    peer: AddressSet,
    asked: AddressSet | undefined,
    services: ServiceSet,
    unlimited: boolean,
  ): { readonly wanted: Node; readonly open: Node } {
    const { diagram } = this.space;
    const wanted: Node[] = [];
    const open: Node[] = [];
    const faced = unionAddresses(...policy.zones.map((zone) => zone.addresses));
    const product = (other: AddressSet, self: AddressSet, set: ServiceSet): Node =>
      hook === 'input' ? this.product(other, self, set) : this.product(self, other, set);
    const peers = this.asked(policy, peer);
    const all = unionAddresses(policy.own, policy.anyDynamic ? dynamicAddress : noAddresses);
    if (asked !== undefined) wanted.push(product(peers, intersectAddresses(asked, policy.own), services));
    // Whoever no interface faces is asked about like everybody else, and nothing opens the gateway to them.
    else wanted.push(product(subtractAddresses(peers, faced), dynamicAddress, services));
    for (const face of policy.interfaces) {
      const self = hook === 'output' ? all : unionAddresses(face.own, face.dynamic ? dynamicAddress : noAddresses);
      const here = intersectAddresses(peer, face.faced);
      // So is one with whom the gateway has no address in common.
      if (asked === undefined) wanted.push(product(here, commonFamilies(here, self).length > 0 ? self : dynamicAddress, services));
      for (const entry of policy.entries) {
        if (entry.hook === hook && !(unlimited && entry.rate !== undefined))
          open.push(product(intersectAddresses(here, hook === 'input' ? entry.from : entry.to), self, entry.enforced));
      }
      for (const pass of policy.passes) {
        if (pass.hook !== hook || pass.interface !== face.name) continue;
        const [zoneEnd, selfEnd] = hook === 'input' ? [pass.source, pass.destination] : [pass.destination, pass.source];
        open.push(product(passEnd(zoneEnd, 'faced', here), passEnd(selfEnd, 'own', self), passServices(pass)));
      }
    }
    const question = diagram.unionAll(wanted);
    return { wanted: question, open: diagram.intersect(question, diagram.unionAll(open)) };
  }

  /** The pairs of zones that two sides touch in a common family; a zone with itself included. */
  pairs(source: AddressSet, destination: AddressSet): ZonePair[] {
    const destinations = this.touched(destination);
    return this.touched(source).flatMap((from) =>
      destinations.flatMap((to) =>
        commonFamilies(from.part, to.part).length === 0 ? [] : [{ from: from.zone, to: to.zone, source: from.part, destination: to.part }],
      ),
    );
  }

  /** The zones that a side touches, with its part in each. */
  touched(side: AddressSet): { readonly zone: string; readonly part: AddressSet }[] {
    return this.#index.parts(side).map(({ zone, part }) => ({ zone: zone.name, part }));
  }

  /** Allow flows in force whose destination meets a side, by name. */
  allowsTo(side: AddressSet): readonly Flow[] {
    if (this.#allowsTo === undefined) {
      this.#allowsTo = new Map();
      for (const flow of this.allows) {
        for (const { zone } of this.#index.parts(flow.to.addresses)) {
          const list = this.#allowsTo.get(zone.name);
          if (list === undefined) this.#allowsTo.set(zone.name, [flow]);
          else list.push(flow);
        }
      }
    }
    const touched = this.touched(side).map(({ zone }) => zone);
    if (touched.length > 4) return this.allows.filter((flow) => addressesMeet(flow.to.addresses, side));
    const found = new Set(touched.flatMap((zone) => this.#allowsTo?.get(zone) ?? []).filter((flow) => addressesMeet(flow.to.addresses, side)));
    return touched.length < 2 ? [...found] : [...found].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The zone's addresses as a gateway sees them; its own ones lie in no zone there. */
  seenBy(policy: GatewayPolicy, zone: string, part: AddressSet): AddressSet {
    const here = policy.zones.find((candidate) => candidate.name === zone);
    return here === undefined ? noAddresses : intersectAddresses(part, here.addresses);
  }

  /**
   * What a question about a gateway's peers means: not its own addresses, which are no peer of theirs, nor what a network holds of its
   * broadcasts and anycasts; but a host that has one is asked about, and so is what names nothing else.
   */
  asked(policy: GatewayPolicy, side: AddressSet): AddressSet {
    const others = subtractAddresses(side, policy.own);
    const meant = subtractAddresses(others, this.#hostless(policy));
    return isEmpty(meant) ? others : meant;
  }

  /** Broadcasts and anycasts of the gateway's networks that no host has. */
  #hostless(policy: GatewayPolicy): AddressSet {
    const gateway = this.model.gateways.find((one) => one.name === policy.gateway);
    const known = this.#unmeant.get(policy) ?? (gateway === undefined ? noAddresses : subtractAddresses(gatewayOnlyAddresses(gateway), this.hostAddresses));
    this.#unmeant.set(policy, known);
    return known;
  }

  readonly #unmeant = new Map<GatewayPolicy, AddressSet>();

  /** Lines of the gateway that let the conversation start: flows, or its own `manage`, `receive` and `send`. */
  originsHolding(policy: GatewayPolicy, hook: Hook, { source, destination, protocol, value, functionNumber, details }: Conversation): Entry['origin'][] {
    return policy.entries
      .filter((entry) => entry.hook === hook && entry.effect === 'allow')
      .filter((entry) => (hook === 'output' || containsAddress(entry.from, source)) && (hook === 'input' || containsAddress(entry.to, destination)))
      .filter((entry) => containsService(entry.enforced, source.family, protocol, value, functionNumber, details))
      .map((entry) => entry.origin);
  }

  /** Lines of the gateway that let any conversation of the set start, by name. */
  originsWithin(policy: GatewayPolicy, hook: Hook, set: Node): Entry['origin'][] {
    if (set === empty) return [];
    const [from, to] = [this.space.project('source', set), this.space.project('destination', set)];
    const messages = this.space.messages(set);
    return policy.entries
      .filter((entry) => entry.hook === hook && entry.effect === 'allow')
      .filter((entry) => (hook === 'output' || addressesMeet(entry.from, from)) && (hook === 'input' || addressesMeet(entry.to, to)))
      .filter((entry) =>
        hook === 'forward' ? this.space.diagram.intersect(this.entrySet(entry), set) !== empty : !isNoService(intersectServices(entry.enforced, messages)),
      )
      .map((entry) => entry.origin);
  }

  /** By name. */
  flowsNamed(names: Iterable<string>): Flow[] {
    return [...names].sort().flatMap((name) => this.#flows.get(name) ?? []);
  }

  /** Flows of an effect in force on the gateway that hold the conversation, by name. */
  flowsHolding(policy: GatewayPolicy, conversation: Conversation, effect: 'allow' | 'deny' = 'allow'): Flow[] {
    const { source, destination, protocol, value, functionNumber, details } = conversation;
    const names = new Set(
      policy.entries
        .filter((entry) => entry.hook === 'forward' && entry.effect === effect)
        .filter((entry) => containsAddress(entry.from, source) && containsAddress(entry.to, destination))
        .filter((entry) => containsService(entry.enforced, source.family, protocol, value, functionNumber, details))
        .map((entry) => entry.origin.name),
    );
    return this.flowsNamed(names);
  }
}

/** What an entry holds. */
export function productOf({ from, to, enforced }: Entry): Product {
  return { source: from, destination: to, services: enforced };
}

/** Neighbours in this order have most in common, so that uniting them touches little. */
function byDestination(a: Entry, b: Entry): number {
  return first(a.to) - first(b.to) || first(a.from) - first(b.from);
}

function first(set: AddressSet): number {
  return set.v4[0]?.first ?? 2 ** 32 + Number(set.v6[0]?.first ?? 0n);
}

/** What the gateway's own lines let start, with the gateway as one end that has every family it can be met in. */
export function ownConversations(plant: PlantSets, policy: GatewayPolicy, hook: 'input' | 'output', which: (entry: Entry) => boolean): Node {
  const parts = policy.entries
    .filter((entry) => entry.hook === hook && which(entry))
    .flatMap((entry) =>
      policy.interfaces.map((face) => {
        const peer = intersectAddresses(hook === 'input' ? entry.from : entry.to, face.faced);
        const self = metAt(policy, hook === 'input' ? face : undefined);
        return hook === 'input' ? plant.product(peer, self, entry.enforced) : plant.product(self, peer, entry.enforced);
      }),
    );
  return plant.space.diagram.unionAll(parts);
}

/** The gateway's stand-in address, in the families in which it has one. */
function metAt(policy: GatewayPolicy, face: GatewayPolicy['interfaces'][number] | undefined): AddressSet {
  const own = face?.own ?? policy.own;
  if (face?.dynamic ?? policy.anyDynamic) return dynamicAddress;
  return { v4: own.v4.length > 0 ? dynamicAddress.v4 : [], v6: own.v6.length > 0 ? dynamicAddress.v6 : [] };
}
