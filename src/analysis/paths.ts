/**
 * Attack paths: chains of conversations through hosts that can be entered, each with its weakest link.
 *
 * The weakest link is the step that asks the least of an attacker: first by the service that enters, then by what the
 * host is known for (legacy, unpatched), then by how many may take it.
 */
import type { ResolvedSelector } from '../model/model.ts';
import { addressesMeet, containsAddress, type AddressSet } from '../net/address-set.ts';
import { rangesSize } from '../net/ranges.ts';
import { empty } from '../packets/diagram.ts';
import { type EntryService, entryMessages, entryServices } from './entry-services.ts';
import { ConversationGraph, type Step } from './graph.ts';
import type { PlantSets } from './plant-sets.ts';
import { protocolsUsed } from './service-names.ts';

export interface Link extends Step {
  /** How the host at its end can be entered, easiest first; empty for a last step that only reaches it. */
  readonly entries: readonly EntryService[];
  /** Why it is called weak, in words. */
  readonly weakness: string;
  readonly score: readonly [ease: number, host: number, sources: number];
}

export interface Path {
  readonly links: readonly Link[];
  /** Index of the weakest link. */
  readonly weakest: number;
}

/** Traits of hosts that help an attacker, with words for them. */
const weakTraits = ['unpatched', 'unsupported-os', 'legacy'] as const;

export interface Paths {
  readonly paths: readonly Path[];
  /** True if there are more, or longer ones. */
  readonly more: boolean;
}

export const defaultHops = 4;
/** Paths that are shown at most. */
export const mostPaths = 100;

export function attackPaths(plant: PlantSets, from: ResolvedSelector, to: ResolvedSelector, maxHops: number): Paths {
  const { chains, more } = ConversationGraph.of(plant).chains(from.addresses, to.addresses, maxHops, mostPaths);
  const used = protocolsUsed(plant.model);
  const paths = chains.map((chain): Path => {
    const links = chain.map((step, index) => linkOf(plant, step, index + 1 === chain.length, used));
    const weakest = links.reduce((best, link, index) => (weaker(link, links[best]) ? index : best), 0);
    return { links, weakest };
  });
  return { paths, more };
}

function weaker(a: Link, b: Link | undefined): boolean {
  if (b === undefined) return true;
  for (const index of [0, 1, 2] as const) if (a.score[index] !== b.score[index]) return a.score[index] > b.score[index];
  return false;
}

function linkOf(plant: PlantSets, step: Step, last: boolean, used: ReadonlySet<string>): Link {
  const { space, model } = plant;
  const entries = entryServices
    .filter((row) => {
      const messages = entryMessages(row, model);
      return space.diagram.intersect(step.set, space.diagram.union(space.services(4, messages), space.services(6, messages))) !== empty;
    })
    .toSorted((a, b) => b.ease - a.ease || Number(used.has(b.protocol)) - Number(used.has(a.protocol)) || (a.protocol < b.protocol ? -1 : 1));
  const targets = space.project('destination', step.set);
  const traits = weakTraits.filter((trait) => model.hosts.some((host) => host.traits.includes(trait) && addressesMeet(host.addresses, targets)));
  const sources = size(space.project('source', step.set));
  const best = entries[0];
  const host = model.hosts.find((one) => containsAddress(one.addresses, step.packet.destination));
  const reasons = [
    best === undefined ? (last ? 'it is reached, though by no service that enters' : '') : `by ${best.protocol}: ${best.why}`,
    traits.length === 0
      ? ''
      : `among its targets ${traits.join(', ')} hosts${host !== undefined && traits.some((trait) => host.traits.includes(trait)) ? ` (${host.name})` : ''}`,
    sources > 1 ? `${sources > 1_000_000 ? 'over a million' : sources} addresses may start it` : '',
  ].filter((reason) => reason !== '');
  return { ...step, entries, weakness: reasons.join('; '), score: [best?.ease ?? 0, traits.length, sources] };
}

function size(set: AddressSet): number {
  return rangesSize(set.v4) + rangesSize(set.v6);
}
