/**
 * Reach: everything that is allowed between two selectors, as rows; and what no gateway sees.
 */
import type { ResolvedSelector } from '../model/model.ts';
import { empty } from '../packets/diagram.ts';
import { allServices } from '../packets/service-set.ts';
import type { PlantSets } from './plant-sets.ts';
import { ownQuestions, quantify, withoutDiscovery } from './questions.ts';
import { type RowDetails, detailsOf } from './row-details.ts';
import { type Row, rowsOf, type Share } from './rows.ts';

export interface Reach {
  readonly rows: readonly (Row & RowDetails)[];
  /** Pairs that reach each other without a gateway, and why. */
  readonly freely: readonly { readonly from: string; readonly to: string; readonly why: string }[];
  /** Pairs that no gateway joins: nothing is known of them. */
  readonly unjoined: readonly { readonly from: string; readonly to: string }[];
}

/** What lines of a gateway decide; neighbour discovery passes on every one (rule 6). */
const decided = withoutDiscovery(allServices);

export function reach(plant: PlantSets, from: ResolvedSelector, to: ResolvedSelector): Reach {
  const { diagram } = plant.space;
  const asked = plant.product(from.addresses, to.addresses, allServices);
  const shares: Share[] = plant.gateways.flatMap((policy): Share[] => {
    const head = { gateway: policy.gateway, view: { zones: policy.zones } };
    const own = ownQuestions(policy, { from, to }).map(({ hook, peer, asked: self }): Share => ({
      ...head,
      set: plant.own(policy, hook, peer, self, decided, false).open,
      self: hook === 'input' ? 'destination' : 'source',
    }));
    return [{ ...head, set: diagram.intersect(plant.passing(policy), asked) }, ...own].filter((share) => share.set !== empty);
  });
  const { within, unseen } = quantify(plant, from.addresses, to.addresses);
  const shared = unseen.map((pair) => ({ pair, wire: plant.joins.sharedInterface(pair.from, pair.to) }));
  return {
    rows: rowsOf(plant.model, plant.space, shares).map((row) => ({ ...row, ...detailsOf(plant, row) })),
    freely: [
      ...within.map((pair) => ({ from: pair.from, to: pair.to, why: 'hosts of one zone' })),
      ...shared.flatMap(({ pair, wire }) => (wire === undefined ? [] : [{ from: pair.from, to: pair.to, why: `both behind ${wire}` }])),
    ],
    unjoined: shared.filter(({ wire }) => wire === undefined).map(({ pair }) => ({ from: pair.from, to: pair.to })),
  };
}
