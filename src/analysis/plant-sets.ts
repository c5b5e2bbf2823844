/**
 * What the gateways permit, over all conversations of the plant, as sets that questions are asked of.
 *
 * Takes the placed policies, gives for each gateway the conversations that it lets start between zones, in one arena
 * without interfaces or states. Asserts, essential flows and tests are differences and intersections of these sets.
 */
import { families } from '../net/address.ts';
import { type AddressSet, intersectAddresses, isEmpty, noAddresses, unionAddresses, unspecified } from '../net/address-set.ts';
import type { Flow, Model } from '../model/model.ts';
import { commonFamilies } from '../model/model.ts';
import { type Node, PacketSpace } from '../packets/packet-space.ts';
import { icmpServices, noServices, portServices, protocolServices, type ServiceSet } from '../packets/service-set.ts';
import type { Entry, GatewayPolicy, Pass } from '../policy/gateway-policy.ts';
import type { Joins } from '../policy/joins.ts';
import type { Placement } from '../policy/place.ts';

/** A pair of zones that a question touches, with the parts of its sides in them. */
export interface ZonePair {
  readonly from: string;
  readonly to: string;
  readonly source: AddressSet;
  readonly destination: AddressSet;
}

/** Stands for an address that only the platform knows; it lies in no zone. */
const dynamicAddress: AddressSet = unspecified;

/** What a row of the baseline or of an interface service passes between a zone and the gateway; nothing for other rows. */
function passServices(pass: Pass): ServiceSet {
  const toZone = pass.hook === 'input' ? pass.source : pass.destination;
  const toSelf = pass.hook === 'input' ? pass.destination : pass.source;
  if (!toZone.includes('faced') || !toSelf.includes('own')) return noServices;
  const ranges = (pass.values ?? []).map((value) => ({ first: value, last: value }));
  if (pass.protocol === (pass.family === 4 ? 1 : 58))
    return icmpServices(
      pass.family,
      ranges.map(({ first }) => ({ first: first * 256, last: first * 256 + 255 })),
    );
  if (pass.protocol === 17) return portServices('udp', ranges);
  return protocolServices(pass.protocol);
}

export class PlantSets {
  readonly space = new PacketSpace([]);
  readonly joins: Joins;
  readonly #model: Model;
  readonly #placement: Placement;
  readonly #permitted = new Map<string, { all: Node; unlimited: Node }>();

  constructor(model: Model, placement: Placement) {
    this.#model = model;
    this.#placement = placement;
    this.joins = placement.joins;
  }

  get gateways(): readonly GatewayPolicy[] {
    return this.#placement.gateways;
  }

  gateway(name: string): GatewayPolicy | undefined {
    return this.#placement.gateways.find((policy) => policy.gateway === name);
  }

  /** Conversations from one side to the other that the services name. */
  product(source: AddressSet, destination: AddressSet, services: ServiceSet): Node {
    const { space } = this;
    return space.diagram.unionAll(
      families.map((family) => {
        const messages = space.services(family, services);
        const from = space.addresses('source', family, family === 4 ? source.v4 : source.v6, messages);
        return space.family(family, space.addresses('destination', family, family === 4 ? destination.v4 : destination.v6, from));
      }),
    );
  }

  /** Forwarded conversations that the gateway lets start; `unlimited`: whatever any rate says. */
  permitted(policy: GatewayPolicy, unlimited: boolean): Node {
    let known = this.#permitted.get(policy.gateway);
    if (known === undefined) {
      const { diagram } = this.space;
      const entries = policy.entries.filter((entry) => entry.hook === 'forward');
      const union = (chosen: readonly Entry[]): Node => diagram.unionAll(chosen.map((entry) => this.product(entry.from, entry.to, entry.enforced)));
      const deny = union(entries.filter((entry) => entry.effect === 'deny'));
      const allow = (rated: boolean): Node => union(entries.filter((entry) => entry.effect === 'allow' && (entry.rate !== undefined) === rated));
      const free = allow(false);
      known = { all: diagram.subtract(diagram.union(free, allow(true)), deny), unlimited: diagram.subtract(free, deny) };
      this.#permitted.set(policy.gateway, known);
    }
    return unlimited ? known.unlimited : known.all;
  }

  /**
   * What is for a gateway or starts there: what the question asks, and how much of it is open. A gateway that is named
   * means, for each peer, the addresses of the interfaces that face it (rule 5); a single address of it means just that.
   */
  own(
    policy: GatewayPolicy,
    hook: 'input' | 'output',
    peer: AddressSet,
    asked: AddressSet | undefined,
    services: ServiceSet,
  ): { readonly wanted: Node; readonly open: Node } {
    const { diagram } = this.space;
    const wanted: Node[] = [];
    const open: Node[] = [];
    const faced = unionAddresses(...policy.zones.map((zone) => zone.addresses));
    const product = (other: AddressSet, self: AddressSet, set: ServiceSet): Node =>
      hook === 'input' ? this.product(other, self, set) : this.product(self, other, set);
    const all = unionAddresses(policy.own, policy.anyDynamic ? dynamicAddress : noAddresses);
    if (asked !== undefined) wanted.push(product(intersectAddresses(peer, faced), intersectAddresses(asked, policy.own), services));
    for (const face of policy.interfaces) {
      const self = hook === 'output' ? all : unionAddresses(face.own, face.dynamic ? dynamicAddress : noAddresses);
      const here = intersectAddresses(peer, face.faced);
      if (asked === undefined) wanted.push(product(here, self, services));
      for (const entry of policy.entries) {
        if (entry.hook === hook) open.push(product(intersectAddresses(here, hook === 'input' ? entry.from : entry.to), self, entry.enforced));
      }
      for (const pass of policy.passes) {
        if (pass.hook === hook && pass.interface === face.name) open.push(product(here, self, passServices(pass)));
      }
    }
    const question = diagram.unionAll(wanted);
    return { wanted: question, open: diagram.intersect(question, diagram.unionAll(open)) };
  }

  /** The pairs of zones that two sides touch in a common family; a zone with itself included. */
  pairs(source: AddressSet, destination: AddressSet): ZonePair[] {
    const touched = (side: AddressSet): { zone: string; part: AddressSet }[] =>
      this.#model.zones.map((zone) => ({ zone: zone.name, part: intersectAddresses(zone.addresses, side) })).filter(({ part }) => !isEmpty(part));
    const destinations = touched(destination);
    return touched(source).flatMap((from) =>
      destinations.flatMap((to) =>
        commonFamilies(from.part, to.part).length === 0 ? [] : [{ from: from.zone, to: to.zone, source: from.part, destination: to.part }],
      ),
    );
  }

  /** The zone's addresses as a gateway sees them; its own ones lie in no zone there. */
  seenBy(policy: GatewayPolicy, zone: string, part: AddressSet): AddressSet {
    const here = policy.zones.find((candidate) => candidate.name === zone);
    return here === undefined ? { v4: [], v6: [] } : intersectAddresses(part, here.addresses);
  }

  /** Allow flows in force on the gateway that hold the packet set's member, by name. */
  flowsPermitting(policy: GatewayPolicy, member: Node): Flow[] {
    const names = policy.entries
      .filter((entry) => entry.hook === 'forward' && entry.effect === 'allow')
      .filter((entry) => this.space.diagram.intersect(member, this.product(entry.from, entry.to, entry.enforced)) !== 0)
      .map((entry) => entry.origin.name);
    return this.#model.flows.filter((flow) => names.includes(flow.name));
  }
}
