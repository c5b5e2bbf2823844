/**
 * `A -> B only via S`: no chain of conversations leads from A to B without stepping on S.
 *
 * Proved iff B cannot be reached from A in the graph of conversations from which S was taken out: its hosts, and the
 * steps across the gateways that it names. A chain that starts or ends in S does not avoid it.
 */
import { assertCodes } from '../../diagnostics/codes/asserts.ts';
import { isEmpty, subtractAddresses } from '../../net/address-set.ts';
import { ConversationGraph } from '../graph.ts';
import { chainEnds, quantify } from '../questions.ts';
import { chainAboutNothing, chainViolation } from './chain.ts';
import { pairWords, type Prover } from './proof.ts';

export const proveOnlyVia: Prover<'only-via'> = (plant, assert) => {
  const ends = chainEnds(plant, assert);
  const from = subtractAddresses(ends.from, assert.via.addresses);
  const to = subtractAddresses(ends.to, assert.via.addresses);
  const quantified = quantify(plant, from, to);
  const inside = [
    { left: from, side: ends.from },
    { left: to, side: ends.to },
  ].some(({ left, side }) => isEmpty(left) && !isEmpty(side));
  const chain = ConversationGraph.of(plant, assert.via.addresses, assert.via.gateways).shortest(from, to);
  return {
    over: pairWords(quantified.over),
    leftOut: pairWords(quantified.within),
    unseen: quantified.unseen,
    vacuous:
      isEmpty(assert.via.addresses) && assert.via.gateways.length === 0
        ? `\`${assert.via.text}\` selects nothing`
        : inside
          ? `one of its sides lies wholly in \`${assert.via.text}\``
          : chainAboutNothing(assert, quantified),
    violation:
      chain === undefined
        ? undefined
        : chainViolation(plant, chain.steps(), assertCodes.viaViolated, 'cut one of its steps, or lead it through what the assert names'),
  };
};
