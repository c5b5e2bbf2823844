/**
 * `always A -> B : services`: every packet of every pair, in each family that both have, is permitted by every gateway
 * on its path, whatever any rate says.
 *
 * Proved iff what is asked less what is permitted without a rate is empty, gateway by gateway.
 */
import { assertCodes } from '../../diagnostics/codes/asserts.ts';
import { empty, type Node } from '../../packets/diagram.ts';
import type { GatewayPolicy } from '../../policy/gateway-policy.ts';
import type { PlantSets } from '../plant-sets.ts';
import { missing, outsideZones, ownQuestions, type Quantified } from '../questions.ts';
import { witness } from '../witness.ts';
import { endWords, packetWords, serviceWords, wayWords } from '../words.ts';
import type { Assert } from '../../model/model.ts';
import { proveMessages } from './messages.ts';
import type { Prover, Violation } from './proof.ts';

type Always = Extract<Assert, { kind: 'always' }>;

export const proveAlways: Prover<'always'> = (plant, assert) => proveMessages(plant, assert, (over) => outside(plant, assert) ?? broken(plant, assert, over));

function outside(plant: PlantSets, assert: Always): Violation | undefined {
  const address = outsideZones(plant.model, assert);
  if (address === undefined) return undefined;
  return {
    code: assertCodes.alwaysViolated,
    words: `${address} lies in no zone, so nothing reaches it`,
    notes: [],
    help: ['name only what lies in zones'],
    secondary: [],
    data: { witness: null },
  };
}

function broken(plant: PlantSets, assert: Always, over: Quantified['over']): Violation | undefined {
  for (const pair of over) {
    for (const name of plant.joins.gateways(pair.from, pair.to)) {
      const policy = plant.gateway(name);
      const set = policy === undefined ? empty : missing(plant, policy, pair, assert.services.set);
      if (policy !== undefined && set !== empty) return violation(plant, set, policy, true);
    }
  }
  for (const policy of plant.gateways) {
    for (const { hook, peer, asked } of ownQuestions(policy, assert)) {
      const { wanted, open } = plant.own(policy, hook, peer, asked, assert.services.set, true);
      const set = plant.space.diagram.subtract(wanted, open);
      if (set !== empty) return violation(plant, set, policy, false);
    }
  }
  return undefined;
}

function violation(plant: PlantSets, set: Node, policy: GatewayPolicy, forwarded: boolean): Violation {
  const { model } = plant;
  const packet = witness(model, plant.space, set);
  if (packet === undefined) throw new Error('a violated assert has no witness');
  const source = endWords(model, packet.source);
  const destination = endWords(model, packet.destination);
  const service = serviceWords(model, packet);
  const limited = forwarded && plant.space.contains(plant.permitted(policy, false), packet);
  const denies = forwarded ? plant.flowsHolding(policy, packet, 'deny') : [];
  const fails = limited ? `reaches ${destination} on ${service} only as far as a rate allows` : `cannot reach ${destination} on ${service}`;
  const because = denies.length > 0 ? `, denied by flow ${denies.map((deny) => `\`${deny.name}\``).join(', ')}` : '';
  return {
    code: assertCodes.alwaysViolated,
    words: `${source} ${fails}, on ${wayWords(model, policy.gateway, packet)}${because}`,
    notes: [],
    help: ['allow the whole of it, or narrow the assert'],
    secondary: denies.map((deny) => ({ span: deny.span, label: 'this flow denies it' })),
    data: { witness: packetWords(model, packet), gateway: policy.gateway, flows: denies.map((deny) => deny.name) },
  };
}
