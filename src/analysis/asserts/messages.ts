/** What `never` and `always` have in common: a question of messages between two sides, over all pairs of zones. */
import type { Assert } from '../../model/model.ts';
import { isNoService } from '../../packets/service-set.ts';
import type { PlantSets } from '../plant-sets.ts';
import { namesMessages, type Quantified, quantify } from '../questions.ts';
import { aboutNothing, gradesFor, pairWords, type Proof, type Violation } from './proof.ts';

export type MessageAssert = Extract<Assert, { kind: 'never' | 'always' }>;

/** `violated` looks for a violation among the pairs that a gateway stands between, and what is asked of gateways. */
export function proveMessages(plant: PlantSets, assert: MessageAssert, violated: (over: Quantified['over']) => Violation | undefined): Proof {
  const quantified = quantify(plant, assert.from.addresses, assert.to.addresses);
  const { set, text } = assert.services;
  const nowhere = isNoService(set)
    ? `\`${text}\` names nothing that a routed gateway could pass`
    : namesMessages(plant, assert, set, quantified)
      ? undefined
      : `\`${text}\` does not exist in the address family that its two sides share`;
  return {
    over: pairWords(quantified.over),
    leftOut: pairWords(quantified.within),
    unseen: quantified.unseen,
    vacuous: aboutNothing(assert, quantified, assert.whereEnforced) ?? nowhere,
    violation: violated(quantified.over),
    grades: gradesFor(plant.gateways, assert, set),
  };
}
