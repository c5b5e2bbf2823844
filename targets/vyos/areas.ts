/**
 * The zones of VyOS: interfaces that face the same zones of the policy.
 *
 * Takes the interfaces of a gateway, gives areas. VyOS knows zones by interface alone, each interface in one; where several zones of the
 * policy lie behind one interface, their area has all their names, and rules tell them apart by address.
 */
import { type AddressSet, unionAddresses } from '../../src/net/address-set.ts';
import type { GatewayPolicy, PlacedInterface } from '../../src/policy/gateway-policy.ts';

export interface Area {
  /** Names of its zones, joined by dots, which no name of the policy holds. */
  readonly name: string;
  readonly interfaces: readonly PlacedInterface[];
  /** What its interfaces face. */
  readonly faced: AddressSet;
}

/** Sorted by name. */
export function areasOf(policy: GatewayPolicy): Area[] {
  const groups = new Map<string, PlacedInterface[]>();
  for (const face of policy.interfaces) {
    // No zone is called `none`: it is a word of the language.
    const name =
      face.zones.length === 0
        ? 'none'
        : face.zones
            .map((zone) => zone.name)
            .toSorted()
            .join('.');
    groups.set(name, [...(groups.get(name) ?? []), face]);
  }
  return [...groups]
    .map(([name, interfaces]) => ({ name, interfaces, faced: unionAddresses(...interfaces.slice(0, 1).map((face) => face.faced)) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
