/**
 * `A -> B at least N hops`: every chain of conversations from A to B crosses gateways at least N times.
 *
 * Proved iff the shortest chain has N steps or more, or there is none; moving within a zone is no hop.
 */
import { assertCodes } from '../../diagnostics/codes/asserts.ts';
import { ConversationGraph } from '../graph.ts';
import { chainEnds, quantify } from '../questions.ts';
import { chainAboutNothing, chainViolation } from './chain.ts';
import { pairWords, type Prover } from './proof.ts';

export const proveHops: Prover<'hops'> = (plant, assert) => {
  const { from, to } = chainEnds(plant, assert);
  const quantified = quantify(plant, from, to);
  const chain = ConversationGraph.of(plant).shortest(from, to);
  return {
    over: pairWords(quantified.over),
    leftOut: pairWords(quantified.within),
    unseen: quantified.unseen,
    vacuous: chainAboutNothing(assert, quantified),
    violation:
      chain === undefined || chain.length >= assert.atLeast
        ? undefined
        : chainViolation(plant, chain.steps(), assertCodes.hopsViolated, 'cut one of its steps, or ask for fewer hops'),
  };
};
