/**
 * `never A -> B [: services]`: no packet of any pair is permitted by any gateway on its path.
 *
 * Proved iff what is permitted and what is asked have no conversation in common.
 */
import { assertCodes } from '../../diagnostics/codes/asserts.ts';
import { containsAddress } from '../../net/address-set.ts';
import { empty, type Node } from '../../packets/diagram.ts';
import type { Hook } from '../../packets/packet.ts';
import type { GatewayPolicy } from '../../policy/gateway-policy.ts';
import type { PlantSets } from '../plant-sets.ts';
import { indistinguishable, ownQuestions, type Quantified, siblingsOf, withoutDiscovery, withSiblings } from '../questions.ts';
import { witness } from '../witness.ts';
import { endWords, packetWords, serviceWords, wayWords, zoneOf } from '../words.ts';
import { proveMessages } from './messages.ts';
import type { Prover, Violation } from './proof.ts';
import type { Assert } from '../../model/model.ts';

/** Flows that a diagnostic points at; `--format json` names all. */
const mostShown = 20;

type Never = Extract<Assert, { kind: 'never' }>;

export const proveNever: Prover<'never'> = (plant, assert) => proveMessages(plant, assert, (over) => broken(plant, assert, over));

/** What is permitted of what must not be, gateway by gateway. */
interface Leak {
  readonly policy: GatewayPolicy;
  readonly hook: Hook;
  readonly set: Node;
}

function broken(plant: PlantSets, assert: Never, over: Quantified['over']): Violation | undefined {
  const { diagram } = plant.space;
  const leaks: Leak[] = [];
  for (const policy of plant.gateways) {
    const asked = over
      .filter((pair) => [pair.from, ...siblingsOf(plant, pair.from)].some((zone) => plant.joins.gateways(zone, pair.to).includes(policy.gateway)))
      .map((pair) => plant.product(indistinguishable(plant, pair), pair.destination, assert.services.set));
    leaks.push({ policy, hook: 'forward', set: diagram.intersect(diagram.unionAll(asked), plant.permitted(policy, false)) });
    for (const { hook, peer, asked: self } of ownQuestions(policy, assert)) {
      const peers = hook === 'input' ? withSiblings(plant, plant.asked(policy, peer)) : peer;
      leaks.push({ policy, hook, set: plant.own(policy, hook, peers, self, withoutDiscovery(assert.services.set), false).open });
    }
  }
  const open = leaks.filter((leak) => leak.set !== empty);
  const first = open[0];
  return first === undefined ? undefined : violation(plant, assert, first, open);
}

function violation(plant: PlantSets, assert: Never, first: Leak, leaks: readonly Leak[]): Violation {
  const { model } = plant;
  const { policy } = first;
  // A packet from what the assert names, rather than from a neighbour on its wire.
  const direct = first.hook === 'forward' ? plant.space.diagram.intersect(first.set, plant.space.side('source', assert.from.addresses)) : first.set;
  const packet = witness(model, plant.space, direct === empty ? first.set : direct);
  if (packet === undefined) throw new Error('a violated assert has no witness');
  const notes: string[] = [];
  if (!containsAddress(assert.from.addresses, packet.source) && first.hook !== 'output')
    notes.push(`${zoneOf(model, packet.source) ?? 'the source'} shares a wire with what the assert names, so a host of one can take an address of the other`);
  const holding = plant.originsHolding(policy, first.hook, packet);
  const through = holding.length > 0 ? ` through ${first.hook === 'forward' ? 'flow ' : ''}${holding.map((origin) => `\`${origin.name}\``).join(', ')}` : '';
  // Not only what lets this packet through: every line that has a part in the leak must be mended.
  const origins = new Map(holding.map((origin) => [origin.name, origin]));
  for (const leak of leaks)
    for (const origin of plant.originsWithin(leak.policy, leak.hook, leak.set)) if (!origins.has(origin.name)) origins.set(origin.name, origin);
  if (origins.size > mostShown) notes.push(`${origins.size} flows have a part in it, the first ${mostShown} are shown`);
  const way = first.hook === 'forward' ? wayWords(model, policy.gateway, packet) : policy.gateway;
  return {
    code: assertCodes.neverViolated,
    words: `${endWords(model, packet.source)} reaches ${endWords(model, packet.destination)} on ${serviceWords(model, packet)}${through}, on ${way}`,
    notes,
    help: ['narrow the flow, or deny what the assert forbids'],
    secondary: [...origins.values()]
      .slice(0, mostShown)
      .map((origin) => ({ span: origin.span, label: holding.includes(origin) ? 'this flow lets it through' : 'this flow lets more of it through' })),
    data: { witness: packetWords(model, packet), gateway: policy.gateway, flows: [...origins.keys()] },
  };
}
