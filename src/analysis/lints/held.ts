/**
 * What the flows of a gateway hold together: all of an entry, or any of it.
 *
 * Takes the placed flows, gives answers about single entries. The one idea: plants without groups of scattered hosts have all sets in the
 * plant's own space already; where groups overlap in nearly every host, these would be huge, and a space with messages on top answers instead.
 */
import type { Cover } from '../../packets/cover.ts';
import { empty } from '../../packets/diagram.ts';
import { HoldingSpace } from '../../packets/holding-space.ts';
import type { Entry, GatewayPolicy } from '../../policy/gateway-policy.ts';
import { type PlantSets, productOf } from '../plant-sets.ts';

export interface Held {
  /** Whether allows without a rate hold all of it, at least so many of them each conversation. */
  readonly isAllowed: (entry: Entry, times: 1 | 2) => boolean;
  readonly isDenied: (entry: Entry, times: 1 | 2) => boolean;
  /** Whether an allow, limited or not, holds any of it. */
  readonly meetsAllow: (entry: Entry) => boolean;
}

const holdings = new WeakMap<PlantSets, Map<GatewayPolicy, Held>>();

export function heldBy(plant: PlantSets, policy: GatewayPolicy): Held {
  const known = holdings.get(plant) ?? new Map<GatewayPolicy, Held>();
  holdings.set(plant, known);
  const held = known.get(policy) ?? (plant.hasGroups || plant.asksBack(policy) ? heldByMessages(plant, policy) : heldByEnds(plant, policy));
  known.set(policy, held);
  return held;
}

/** In the space of the plant, where the sets of flows stand already. */
export function heldByEnds(plant: PlantSets, policy: GatewayPolicy): Held {
  const { diagram } = plant.space;
  const { unlimited, limited, deny } = plant.effects(policy);
  const isWithin = (entry: Entry, { once, twice }: Cover, times: 1 | 2): boolean => plant.space.isWithin(productOf(entry), times === 1 ? once : twice);
  return {
    isAllowed: (entry, times) => isWithin(entry, unlimited, times),
    isDenied: (entry, times) => isWithin(entry, deny, times),
    meetsAllow: (entry) => [unlimited.once, limited.once].some((allowed) => diagram.intersect(plant.entrySet(entry), allowed) !== empty),
  };
}

/** In a space of its own that groups of scattered hosts do not blow up. */
export function heldByMessages(plant: PlantSets, policy: GatewayPolicy): Held {
  const space = new HoldingSpace(plant.space.line);
  const entries = policy.entries.filter((entry) => entry.hook === 'forward');
  const of = (which: (entry: Entry) => boolean): Cover => space.cover(entries.filter(which).map(productOf));
  // One that says what the called side may ask holds its conversations, but not their answers: it stands in for none.
  const unlimited = of((entry) => entry.effect === 'allow' && entry.rate === undefined && entry.heard === undefined);
  const limited = of((entry) => entry.effect === 'allow' && (entry.rate !== undefined || entry.heard !== undefined));
  const deny = of((entry) => entry.effect === 'deny');
  const isWithin = (entry: Entry, { once, twice }: Cover, times: 1 | 2): boolean => space.isWithin(productOf(entry), times === 1 ? once : twice);
  return {
    isAllowed: (entry, times) => isWithin(entry, unlimited, times),
    isDenied: (entry, times) => isWithin(entry, deny, times),
    meetsAllow: (entry) => [unlimited.once, limited.once].some((allowed) => space.meets(productOf(entry), allowed)),
  };
}
