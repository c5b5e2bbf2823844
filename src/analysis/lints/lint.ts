/** What a lint of the whole plant is: one file beside this one and one row in `lints.ts`. */
import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Flow } from '../../model/model.ts';
import { commonFamilies } from '../../model/model.ts';
import { hasServices } from '../../packets/service-set.ts';
import type { Entry, GatewayPolicy } from '../../policy/gateway-policy.ts';
import type { PlantSets } from '../plant-sets.ts';

/** Finds what is probably not meant; rather misses a case than raises a false alarm. */
export type Lint = (plant: PlantSets) => Diagnostic[];

export interface PlacedFlow {
  readonly flow: Flow;
  /** Where it is placed on the forward path; at least one. */
  readonly places: readonly { readonly entry: Entry; readonly policy: GatewayPolicy }[];
}

/** Flows of an effect of which at least one gateway carries something; those that hold nothing are said elsewhere. */
export function placedFlows(plant: PlantSets, effect: Flow['effect']): readonly PlacedFlow[] {
  const known = placed.get(plant) ?? { allow: find(plant, 'allow'), deny: find(plant, 'deny') };
  placed.set(plant, known);
  return known[effect];
}

const placed = new WeakMap<PlantSets, Readonly<Record<Flow['effect'], readonly PlacedFlow[]>>>();

function find(plant: PlantSets, effect: Flow['effect']): PlacedFlow[] {
  const places = new Map<string, { entry: Entry; policy: GatewayPolicy }[]>();
  for (const policy of plant.gateways) {
    for (const entry of policy.entries) {
      if (entry.hook !== 'forward' || entry.effect !== effect || isNothing(entry)) continue;
      const list = places.get(entry.origin.name);
      if (list === undefined) places.set(entry.origin.name, [{ entry, policy }]);
      else list.push({ entry, policy });
    }
  }
  return plant.model.flows.flatMap((flow) => {
    const list = flow.effect === effect ? places.get(flow.name) : undefined;
    return list === undefined ? [] : [{ flow, places: list }];
  });
}

function isNothing({ from, to, enforced }: Entry): boolean {
  return !commonFamilies(from, to).some((family) => hasServices(enforced, family));
}

/** `flow `a``, `flows `a`, `b` and 3 more`. */
export function flowWords(flows: readonly Flow[]): string {
  const shown = flows
    .slice(0, 4)
    .map((flow) => `\`${flow.name}\``)
    .join(', ');
  return `${flows.length === 1 ? 'flow' : 'flows'} ${shown}${flows.length > 4 ? ` and ${flows.length - 4} more` : ''}`;
}
