/**
 * By which interfaces the packets of an entry come and go, and which of its addresses can have any.
 *
 * Takes a gateway and an entry's sides and services, gives the part of them that this gateway carries. The one idea: an
 * address counts only if it has a partner, that is an address of the other side, of its own family and of a family that
 * the services have, behind an interface between which and its own the gateway passes packets.
 */
import { families, type Family, formatRange } from '../net/address.ts';
import { addressRanges, type AddressSet, allAddresses, intersectAddresses, isEmpty, noAddresses, unionAddresses } from '../net/address-set.ts';
import { hasServices, type ServiceSet } from '../packets/service-set.ts';
import type { GatewayPolicy, PlacedInterface } from '../policy/gateway-policy.ts';

/** What a gateway carries of an entry; nothing if `in` and `out` are both empty. */
export interface Carried {
  /** Names of interfaces, sorted; none on the gateway's own side. */
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly from: AddressSet;
  readonly to: AddressSet;
  /** Whether the gateway's own side is also an address that only the platform knows. */
  readonly dynamic: boolean;
}

/** An interface with the part of one side that lies behind it. */
interface Part {
  readonly face: PlacedInterface;
  readonly addresses: AddressSet;
}

function partsOf(policy: GatewayPolicy, side: AddressSet): Part[] {
  return policy.interfaces.map((face) => ({ face, addresses: intersectAddresses(side, face.faced) })).filter(({ addresses }) => !isEmpty(addresses));
}

/** From a host behind one interface to a host behind another, or back out of the same one unless its wire is shared. */
export function carriedForward(policy: GatewayPolicy, from: AddressSet, to: AddressSet, services: ServiceSet): Carried {
  const sources = partsOf(policy, from);
  const destinations = partsOf(policy, to);
  const meet = (one: Part, others: readonly Part[]): Part[] => {
    const fitting = others.filter((other) => other.face !== one.face || !one.face.sharedWire).map((other) => other.addresses);
    return narrowed(one, fitting, services);
  };
  const carriedFrom = sources.flatMap((part) => meet(part, destinations));
  const carriedTo = destinations.flatMap((part) => meet(part, sources));
  return { in: names(carriedFrom), out: names(carriedTo), from: united(carriedFrom), to: united(carriedTo), dynamic: false };
}

/** From a peer to the address of the interface that it comes by (rule 5). */
export function carriedInput(policy: GatewayPolicy, peer: AddressSet, services: ServiceSet): Carried {
  const own = (face: PlacedInterface): AddressSet => (face.dynamic ? allAddresses : face.own);
  const from = partsOf(policy, peer).flatMap((part) => narrowed(part, [own(part.face)], services));
  const to = from.flatMap(({ face, addresses }) => narrowed({ face, addresses: face.own }, [addresses], services));
  return { in: names(from), out: [], from: united(from), to: united(to), dynamic: from.some(({ face }) => face.dynamic) };
}

/** From any address of the gateway to a peer. */
export function carriedOutput(policy: GatewayPolicy, peer: AddressSet, services: ServiceSet): Carried {
  const to = partsOf(policy, peer).flatMap((part) => narrowed(part, [policy.anyDynamic ? allAddresses : policy.own], services));
  const from = inFamilies(policy.own, familiesOf(united(to)));
  return { in: [], out: names(to), from, to: united(to), dynamic: policy.anyDynamic && to.length > 0 };
}

/** The part in the families that the services have and some of the others too; nothing if there is none. */
function narrowed(part: Part, others: readonly AddressSet[], services: ServiceSet): Part[] {
  const common = familiesOf(part.addresses).filter((family) => hasServices(services, family) && others.some((other) => familiesOf(other).includes(family)));
  return common.length === 0 ? [] : [{ face: part.face, addresses: inFamilies(part.addresses, common) }];
}

function familiesOf(set: AddressSet): Family[] {
  return families.filter((family) => (family === 4 ? set.v4 : set.v6).length > 0);
}

/** The part of a set that is of these families. */
export function inFamilies(set: AddressSet, common: readonly Family[]): AddressSet {
  return { v4: common.includes(4) ? set.v4 : noAddresses.v4, v6: common.includes(6) ? set.v6 : noAddresses.v6 };
}

function names(parts: readonly Part[]): string[] {
  return parts.map(({ face }) => face.name);
}

function united(parts: readonly Part[]): AddressSet {
  return unionAddresses(...parts.map(({ addresses }) => addresses));
}

/** Names of the zones that hold some of the addresses, in the order of the zones. */
export function zonesOf(zones: readonly { readonly name: string; readonly addresses: AddressSet }[], addresses: AddressSet): string[] {
  return zones.filter((zone) => !isEmpty(intersectAddresses(zone.addresses, addresses))).map((zone) => zone.name);
}

/** As the language writes them, `dynamic` included. */
export function addressWords(addresses: AddressSet, dynamic = false): string[] {
  return [...(dynamic ? ['dynamic'] : []), ...addressRanges(addresses).map(formatRange)];
}
