/**
 * Chains of conversations: who can reach whom by entering hosts on the way.
 *
 * Takes the plant's sets, and addresses that may not be stepped on; gives shortest chains and all of them. The idea:
 * inside a zone any host reaches any other at no hop, and so do zones that share a wire; what remains is a small graph
 * of areas. Every step but the last must be by a service that enters (`entry-services.ts`).
 */
import { type AddressSet, intersectAddresses, isEmpty, noAddresses, subtractAddresses, unionAddresses } from '../net/address-set.ts';
import type { Flow } from '../model/model.ts';
import type { Conversation } from '../packets/conversation-space.ts';
import { empty, full, type Node } from '../packets/diagram.ts';
import { allEntryMessages } from './entry-services.ts';
import type { GatewayPolicy } from '../policy/gateway-policy.ts';
import type { PlantSets } from './plant-sets.ts';
import { witness } from './witness.ts';

/** Zones whose hosts reach each other without a gateway. */
export interface Area {
  readonly zones: readonly string[];
  /** Without what may not be stepped on. */
  readonly addresses: AddressSet;
}

/** One conversation of a chain. */
export interface Step {
  /** Everything that this step could be. */
  readonly set: Node;
  /** One of them. */
  readonly packet: Conversation;
  /** Gateways that let it through, and the flows that do. */
  readonly gateways: readonly string[];
  readonly flows: readonly Flow[];
  readonly from: Area;
  readonly to: Area;
}

export class ConversationGraph {
  readonly areas: readonly Area[];
  readonly #plant: PlantSets;
  readonly #avoid: AddressSet;
  /** Those that a step may cross. */
  readonly #gateways: readonly GatewayPolicy[];
  readonly #entry: Node;
  readonly #edges = new Map<Area, Area[]>();

  /** The graph without some addresses and gateways; one that was asked for before is not built again. */
  static of(plant: PlantSets, avoid: AddressSet = noAddresses, without: readonly string[] = []): ConversationGraph {
    const known = graphs.get(plant) ?? new Map<string, ConversationGraph>();
    graphs.set(plant, known);
    const key = [plant.space.side('source', avoid), ...without].join(' ');
    const graph = known.get(key) ?? new ConversationGraph(plant, avoid, without);
    known.set(key, graph);
    return graph;
  }

  private constructor(plant: PlantSets, avoid: AddressSet, without: readonly string[]) {
    this.#plant = plant;
    this.#avoid = avoid;
    this.#gateways = plant.gateways.filter((policy) => !without.includes(policy.gateway));
    const { space } = plant;
    const entering = allEntryMessages(plant.model);
    this.#entry = space.diagram.union(space.services(4, entering), space.services(6, entering));
    this.areas = areasOf(plant).map((zones) => ({
      zones,
      addresses: subtractAddresses(unionAddresses(...plant.model.zones.filter((zone) => zones.includes(zone.name)).map((zone) => zone.addresses)), avoid),
    }));
  }

  /** A chain of fewest steps from one side to the other; undefined if there is none. Chains within one area do not count. */
  shortest(from: AddressSet, to: AddressSet): { readonly length: number; readonly steps: () => Step[] } | undefined {
    let best: Area[] | undefined;
    const targets = this.#parts(to);
    for (const { area: start } of this.#parts(from)) {
      const before = new Map<Area, Area | undefined>([[start, undefined]]);
      const route = (area: Area): Area[] => {
        const earlier = before.get(area);
        return earlier === undefined ? [area] : [...route(earlier), area];
      };
      const consider = (areas: Area[]): void => {
        if (best === undefined || areas.length < best.length) best = areas;
      };
      const queue: Area[] = [start];
      for (const area of queue) {
        for (const target of targets) {
          if (target.area === start) continue;
          if (target.area === area) consider(route(area));
          else if (!before.has(target.area) && this.#reaches(area, target.area, target.part)) consider([...route(area), target.area]);
        }
        for (const next of this.#next(area)) {
          if (before.has(next)) continue;
          before.set(next, area);
          queue.push(next);
        }
      }
    }
    const route = best;
    return route === undefined ? undefined : { length: route.length - 1, steps: () => this.#steps(route, from, to) };
  }

  /** Chains that enter no area twice, shortest first; at most `most` of at most `maxSteps` steps, and whether there are more. */
  chains(from: AddressSet, to: AddressSet, maxSteps: number, most: number): { readonly chains: Step[][]; readonly more: boolean } {
    const targets = this.#parts(to);
    const found: Area[][] = [];
    let layer: Area[][] = this.#parts(from).map(({ area }) => [area]);
    let more = false;
    for (let steps = 1; steps <= maxSteps && !more; steps++) {
      const nextLayer: Area[][] = [];
      for (const route of layer) {
        const last = route.at(-1);
        if (last === undefined) continue;
        for (const target of targets) {
          if (route.includes(target.area)) continue;
          if (!this.#next(last).includes(target.area) && !this.#reaches(last, target.area, target.part)) continue;
          if (found.length < most) found.push([...route, target.area]);
          else more = true;
        }
        // A chain that has arrived is not spun on.
        for (const next of this.#next(last)) {
          if (route.includes(next) || targets.some((target) => target.area === next)) continue;
          if (nextLayer.length < most * 16) nextLayer.push([...route, next]);
          else more = true;
        }
      }
      layer = nextLayer;
    }
    return { chains: found.map((route) => this.#steps(route, from, to)), more: more || (layer.length > 0 && this.#leads(layer, targets)) };
  }

  /** Whether a route that was left off for its length could still arrive. */
  #leads(routes: readonly (readonly Area[])[], targets: readonly { readonly area: Area; readonly part: AddressSet }[]): boolean {
    const seen = new Set(routes.flatMap((route) => route.at(-1) ?? []));
    for (const area of seen) {
      if (targets.some((target) => target.area === area || this.#reaches(area, target.area, target.part))) return true;
      for (const next of this.#next(area)) seen.add(next);
    }
    return false;
  }

  #parts(side: AddressSet): { readonly area: Area; readonly part: AddressSet }[] {
    return this.areas.map((area) => ({ area, part: intersectAddresses(area.addresses, side) })).filter(({ part }) => !isEmpty(part));
  }

  #next(area: Area): readonly Area[] {
    const known = this.#edges.get(area);
    if (known !== undefined) return known;
    const result = this.areas.filter((other) => other !== area && this.#passes(area, other, other.addresses, this.#entry));
    this.#edges.set(area, result);
    return result;
  }

  #reaches(from: Area, to: Area, part: AddressSet): boolean {
    return this.#passes(from, to, part, full);
  }

  /** Whether some conversation from the area to a part of another, by some of the messages, is permitted on its path. */
  #passes(from: Area, to: Area, part: AddressSet, messages: Node): boolean {
    const { space } = this.#plant;
    const { diagram } = space;
    for (const source of from.zones) {
      for (const destination of to.zones) {
        for (const policy of this.#gateways) {
          for (const entry of this.#plant.carriers(policy, source, destination)) {
            if (messages !== full && diagram.intersect(space.services(4, entry.enforced), messages) === empty) continue;
            const sources = intersectAddresses(entry.from, from.addresses);
            const destinations = intersectAddresses(entry.to, part);
            if (isEmpty(sources) || isEmpty(destinations)) continue;
            const asked = diagram.intersect(this.#plant.product(sources, destinations, entry.enforced), messages);
            if (diagram.intersect(asked, this.#plant.passing(policy)) !== empty) return true;
          }
        }
      }
    }
    return false;
  }

  #steps(route: readonly Area[], from: AddressSet, to: AddressSet): Step[] {
    const { space, model } = this.#plant;
    const { diagram } = space;
    const steps: Step[] = [];
    let at: Conversation | undefined;
    for (let index = 0; index + 1 < route.length; index++) {
      const [here, next] = [route[index], route[index + 1]];
      if (here === undefined || next === undefined) break;
      const open = diagram.unionAll(this.#gateways.map((policy) => this.#plant.passing(policy)));
      const between = diagram.intersect(open, diagram.intersect(space.side('destination', next.addresses), space.side('source', here.addresses)));
      const last = index + 2 === route.length;
      // The last step goes straight to what is asked for, if it can; else it enters a neighbour.
      const straight = last
        ? diagram.intersect(between, space.side('destination', subtractAddresses(intersectAddresses(to, next.addresses), this.#avoid)))
        : empty;
      const set = straight === empty ? diagram.intersect(between, this.#entry) : straight;
      // From where the attacker stands: what was named, then the host that was entered; else by a neighbour of it.
      const standing = at === undefined ? intersectAddresses(from, here.addresses) : space.line.segmentHolding(at.destination);
      const direct = diagram.intersect(set, space.side('source', standing));
      const packet = witness(model, space, direct === empty ? set : direct);
      if (packet === undefined) throw new Error('a step of a chain has no packet');
      const policies = this.#gateways.filter((policy) => space.contains(this.#plant.passing(policy), packet));
      const flows = new Map(policies.flatMap((policy) => this.#plant.flowsHolding(policy, packet)).map((flow) => [flow.name, flow]));
      steps.push({ set, packet, gateways: policies.map((policy) => policy.gateway), flows: [...flows.values()], from: here, to: next });
      at = packet;
    }
    return steps;
  }
}

const graphs = new WeakMap<PlantSets, Map<string, ConversationGraph>>();

/** Zones joined by shared wires, each once. */
function areasOf(plant: PlantSets): string[][] {
  const names = plant.model.zones.map((zone) => zone.name);
  const done = new Set<string>();
  return names.flatMap((name) => {
    if (done.has(name)) return [];
    const area = new Set([name]);
    for (const one of area) for (const other of names) if (plant.joins.sharedInterface(one, other) !== undefined) area.add(other);
    for (const one of area) done.add(one);
    return [[...area]];
  });
}
