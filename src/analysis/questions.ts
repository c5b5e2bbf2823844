/**
 * What asserts, tests and essential flows have in common: which pairs of zones a question is about, who sees them, and
 * what of a question a gateway does not permit.
 */
import { addressSetOf, type AddressSet, noAddresses, someAddress, subtractAddresses, unionAddresses } from '../net/address-set.ts';
import { formatAddress } from '../net/address.ts';
import { commonFamilies, type Model, type ResolvedSelector } from '../model/model.ts';
import { empty, type Node } from '../packets/diagram.ts';
import { icmpServices, isNoService, type ServiceSet, subtractServices } from '../packets/service-set.ts';
import type { GatewayPolicy } from '../policy/gateway-policy.ts';
import type { PlantSets, ZonePair } from './plant-sets.ts';

export interface Sides {
  readonly from: ResolvedSelector;
  readonly to: ResolvedSelector;
}

/** The pairs of zones of a question, by who sees them (rule 12). */
export interface Quantified {
  /** A gateway stands between. */
  readonly over: readonly ZonePair[];
  /** A zone with itself: its hosts talk freely, whatever gateways see of it. */
  readonly within: readonly ZonePair[];
  /** No gateway joins them, or they share an interface and reach each other freely. */
  readonly unseen: readonly ZonePair[];
}

export function quantify(plant: PlantSets, from: AddressSet, to: AddressSet): Quantified {
  const over: ZonePair[] = [];
  const within: ZonePair[] = [];
  const unseen: ZonePair[] = [];
  for (const pair of plant.pairs(from, to)) {
    if (pair.from === pair.to) within.push(pair);
    else if (!plant.joins.separated(pair.from, pair.to)) unseen.push(pair);
    else if (seen(plant, pair)) over.push(pair);
  }
  return { over, within, unseen };
}

/** Whether a gateway on the path is asked about more than its own addresses, which are for it and not between the zones. */
function seen(plant: PlantSets, pair: ZonePair): boolean {
  return plant.joins.gateways(pair.from, pair.to).some((name) => {
    const policy = plant.gateway(name);
    return policy !== undefined && commonFamilies(subtractAddresses(pair.source, policy.own), subtractAddresses(pair.destination, policy.own)).length > 0;
  });
}

/** Whether a side names a gateway or an address of one. */
export function namesGateway(sides: Sides): boolean {
  return [sides.from, sides.to].some((side) => side.gateways.length + side.gatewayAddresses.length > 0);
}

/** The two sides as ends of a chain: without addresses of the gateways that they name, which no chain goes to. */
export function chainEnds(plant: PlantSets, sides: Sides): { readonly from: AddressSet; readonly to: AddressSet } {
  const hosts = ({ addresses, gateways, gatewayAddresses }: ResolvedSelector): AddressSet =>
    subtractAddresses(addresses, unionAddresses(...[...gateways, ...gatewayAddresses].map((name) => plant.gateway(name)?.own ?? noAddresses)));
  return { from: hosts(sides.from), to: hosts(sides.to) };
}

/** An address that one of the sides names and no zone or gateway has. */
export function outsideZones(model: Model, sides: Sides): string | undefined {
  const known = unionAddresses(
    ...model.zones.map((zone) => zone.addresses),
    ...model.gateways.flatMap((gateway) => gateway.interfaces.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address)))),
  );
  for (const side of [sides.from, sides.to]) {
    const address = someAddress(subtractAddresses(side.addresses, known));
    if (address !== undefined) return formatAddress(address);
  }
  return undefined;
}

const neighbourDiscovery = icmpServices(6, [{ first: 135 * 256, last: 136 * 256 + 255 }]);

/**
 * What a question of what must not reach a gateway, or start there, is about. Every gateway answers neighbour discovery, whatever its
 * policy (rule 6): no invariant could hold in IPv6 if that broke it, so it counts only where nothing else is asked.
 */
export function withoutDiscovery(services: ServiceSet): ServiceSet {
  const rest = subtractServices(services, neighbourDiscovery);
  return isNoService(rest) ? services : rest;
}

/** What a question with two sides asks of the gateway itself: as a whole where it is named, at one address where that is. */
export function ownQuestions(policy: GatewayPolicy, sides: Sides): { hook: 'input' | 'output'; peer: AddressSet; asked: AddressSet | undefined }[] {
  const result: { hook: 'input' | 'output'; peer: AddressSet; asked: AddressSet | undefined }[] = [];
  for (const [hook, self, other] of [
    ['input', sides.to, sides.from],
    ['output', sides.from, sides.to],
  ] as const) {
    if (self.gateways.includes(policy.gateway)) result.push({ hook, peer: other.addresses, asked: undefined });
    if (self.gatewayAddresses.includes(policy.gateway)) result.push({ hook, peer: other.addresses, asked: self.addresses });
  }
  return result;
}

/** Conversations of the pair that the gateway does not permit whole. Its own addresses are asked of `manage` and `receive`. */
export function missing(plant: PlantSets, policy: GatewayPolicy, pair: ZonePair, services: ServiceSet): Node {
  const wanted = plant.product(plant.asked(policy, pair.source), plant.asked(policy, pair.destination), services);
  return plant.space.diagram.subtract(wanted, plant.permitted(policy, true));
}

/** The pair's sources, and every zone that shares their wire: a host of one can take an address of the other (rule 12). */
export function indistinguishable(plant: PlantSets, pair: ZonePair): AddressSet {
  return withSiblings(plant, pair.source);
}

/** Whether the services exist in a family that some pair, or a gateway and its peers, have in common. */
export function namesMessages(plant: PlantSets, sides: Sides, services: ServiceSet, { over, unseen }: Quantified): boolean {
  if (unseen.length > 0 || over.some((pair) => plant.product(pair.source, pair.destination, services) !== empty)) return true;
  return plant.gateways.some((policy) =>
    ownQuestions(policy, sides).some(({ hook, peer, asked }) => plant.own(policy, hook, peer, asked, services, false).wanted !== empty),
  );
}

/** Zones that share a wire with one. */
export function siblingsOf(plant: PlantSets, zone: string): string[] {
  return plant.model.zones.flatMap(({ name }) => (name !== zone && plant.joins.sharedInterface(name, zone) !== undefined ? [name] : []));
}

/** The addresses, and every zone that shares a wire with a zone that they touch. */
export function withSiblings(plant: PlantSets, addresses: AddressSet): AddressSet {
  const touched = plant.touched(addresses).map(({ zone }) => zone);
  const siblings = plant.model.zones.filter((zone) => touched.some((name) => name !== zone.name && plant.joins.sharedInterface(zone.name, name) !== undefined));
  return siblings.length === 0 ? addresses : unionAddresses(addresses, ...siblings.map((zone) => zone.addresses));
}
