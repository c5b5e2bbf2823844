/** A chain of conversations as a violation: hop by hop in plant words. */
import type { CodeRow } from '../../diagnostics/diagnostic.ts';
import type { Step } from '../graph.ts';
import type { PlantSets } from '../plant-sets.ts';
import { endWords, nameOf, packetWords, serviceWords, wayWords } from '../words.ts';
import { namesGateway, type Quantified, type Sides } from '../questions.ts';
import { aboutNothing, type Violation } from './proof.ts';

/** Why a question about chains is about nothing. A chain ends at a host: what reaches a gateway itself is asked by `never`. */
export function chainAboutNothing(assert: Sides & { readonly whereEnforced: boolean }, quantified: Quantified): string | undefined {
  if (namesGateway(assert)) return 'a gateway is no end of a chain; ask it by `never`';
  return aboutNothing(assert, quantified, assert.whereEnforced);
}

export function stepWords(plant: PlantSets, step: Step): string {
  const { model } = plant;
  const flows = step.flows.map((flow) => `\`${flow.name}\``).join(', ');
  const gateways = step.gateways.map((name) => wayWords(model, name, step.packet)).join(', ');
  return `${endWords(model, step.packet.source)} -> ${endWords(model, step.packet.destination)} on ${serviceWords(model, step.packet)} through flow ${flows}, on ${gateways}`;
}

/** `office → jump → plc_press`. */
export function routeWords(plant: PlantSets, chain: readonly Step[]): string {
  const names: string[] = [];
  for (const step of chain) {
    for (const address of [step.packet.source, step.packet.destination]) {
      const name = nameOf(plant.model, address) ?? endWords(plant.model, address);
      if (names.at(-1) !== name) names.push(name);
    }
  }
  return names.join(' → ');
}

/** Inside a zone nothing stands between two hosts, so the chain may go on from a neighbour. */
function moved(plant: PlantSets, before: Step | undefined, step: Step): string[] {
  if (before === undefined) return [];
  const [reached, next] = [nameOf(plant.model, before.packet.destination), nameOf(plant.model, step.packet.source)];
  return reached === next ? [] : [`   inside ${step.from.zones.join(' and ')}: ${reached ?? ''} reaches ${next ?? ''} without a gateway`];
}

export function chainViolation(plant: PlantSets, chain: readonly Step[], code: CodeRow<{ name: string; packet: string }>, help: string): Violation {
  const flows = [...new Map(chain.flatMap((step) => step.flows).map((flow) => [flow.name, flow])).values()];
  return {
    code,
    words: `${routeWords(plant, chain)} in ${chain.length} ${chain.length === 1 ? 'hop' : 'hops'}`,
    notes: chain.flatMap((step, index) => [...moved(plant, chain[index - 1], step), `${index + 1}. ${stepWords(plant, step)}`]),
    help: [help],
    secondary: flows.map((flow) => ({ span: flow.span, label: 'a step of it' })),
    data: {
      witness: chain.map((step) => packetWords(plant.model, step.packet)),
      gateways: chain.map((step) => step.gateways),
      flows: flows.map((flow) => flow.name),
    },
  };
}
