/**
 * What the gateways permit, over all conversations of the plant, as sets that questions are asked of.
 *
 * Takes the placed policies, gives for each gateway the conversations that it lets start between zones, in one arena
 * without interfaces or states. Asserts, essential flows and tests are differences and intersections of these sets.
 */
import { families } from '../net/address.ts';
import { type AddressSet, intersectAddresses, isEmpty } from '../net/address-set.ts';
import type { Flow, Model } from '../model/model.ts';
import { commonFamilies } from '../model/model.ts';
import { type Node, PacketSpace } from '../packets/packet-space.ts';
import type { ServiceSet } from '../packets/service-set.ts';
import type { Entry, GatewayPolicy } from '../policy/gateway-policy.ts';
import type { Joins } from '../policy/joins.ts';
import type { Placement } from '../policy/place.ts';

/** A pair of zones that a question touches, with the parts of its sides in them. */
export interface ZonePair {
  readonly from: string;
  readonly to: string;
  readonly source: AddressSet;
  readonly destination: AddressSet;
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

  /** What `manage` and `receive` of a gateway let in (from any zone it faces), or `send` lets out. */
  own(policy: GatewayPolicy, hook: 'input' | 'output', source: AddressSet, destination: AddressSet, services: ServiceSet): Node {
    const { diagram } = this.space;
    const wanted = this.product(hook === 'input' ? source : policy.own, hook === 'input' ? policy.own : destination, services);
    const allowed = policy.entries
      .filter((entry) => entry.hook === hook)
      .map((entry) => this.product(hook === 'input' ? entry.from : policy.own, hook === 'input' ? policy.own : entry.to, entry.enforced));
    return diagram.intersect(wanted, diagram.unionAll(allowed));
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
