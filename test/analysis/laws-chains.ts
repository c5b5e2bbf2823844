/**
 * Chains of conversations, host by host.
 *
 * Takes the universe of a small plant, gives how few steps lead from some address to another without stepping on others. Every address is
 * a node of its own; moving within a zone or along a shared wire is no step, entering a host is one, and the last step may be anything.
 */
import type { AssertStatus } from '../../src/analysis/asserts/proof.ts';
import type { Assert } from '../../src/model/model.ts';
import { containsAddress, isEmpty } from '../../src/net/address-set.ts';
import { enters, type Place, type Universe } from './laws-universe.ts';
import { aboutNothing, hostsOf, namesGateway, settled, sorted } from './laws-verdicts.ts';

/** What one address may start with another. */
type Reach = 'nothing' | 'something' | 'entry';

export class HostGraph {
  readonly #universe: Universe;
  readonly #without: readonly string[];
  readonly #known = new Map<number, Reach>();

  /** `without`: gateways that no step may cross. */
  constructor(universe: Universe, without: readonly string[] = []) {
    this.#universe = universe;
    this.#without = without;
  }

  reach(from: Place, to: Place): Reach {
    if (from.address.family !== to.address.family) return 'nothing';
    const key = from.at * 65_536 + to.at;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let found: Reach = 'nothing';
    for (const message of this.#universe.messages(from.address.family)) {
      if (found === 'entry') break;
      if (found === 'something' && !enters(message)) continue;
      if (this.#universe.opens(from, to, message, this.#without)) found = enters(message) ? 'entry' : 'something';
    }
    this.#known.set(key, found);
    return found;
  }

  /** No gateway stands between them. */
  freely(from: Place, to: Place): boolean {
    return from.zone === to.zone || this.#universe.share(from.zone, to.zone);
  }

  /** The fewest steps from any of the starts to any of the goals, on nodes that may be stepped on; undefined: there is no way. */
  fewest(starts: readonly Place[], goals: readonly Place[], nodes: readonly Place[]): number | undefined {
    const held = new Map<Place, number>();
    let layer = [...starts];
    let best: number | undefined;
    for (let steps = 0; layer.length > 0; steps++) {
      for (const place of layer) held.set(place, steps);
      for (const place of layer) {
        for (const other of nodes) {
          if (held.has(other) || !this.freely(place, other)) continue;
          held.set(other, steps);
          layer.push(other);
        }
      }
      if (layer.some((place) => goals.includes(place))) return Math.min(best ?? steps, steps);
      if (best !== undefined && best <= steps) return best;
      if (layer.some((place) => goals.some((goal) => this.reach(place, goal) !== 'nothing'))) best ??= steps + 1;
      const next: Place[] = [];
      for (const other of nodes) if (!held.has(other) && layer.some((place) => this.reach(place, other) === 'entry')) next.push(other);
      layer = next;
    }
    return best;
  }
}

/** For each zone of the starts the fewest steps to goals that lie neither in it nor on its wire; those talk freely and are left out. */
export function fewestSteps(
  universe: Universe,
  graph: HostGraph,
  from: readonly Place[],
  to: readonly Place[],
  avoid: (place: Place) => boolean = () => false,
): number | undefined {
  const nodes = universe.places.filter((place) => !avoid(place));
  const zones = [...new Set(from.map((place) => place.zone))];
  const lengths = zones.flatMap((zone) => {
    const goals = to.filter((place) => place.zone !== zone && !universe.share(place.zone, zone));
    const starts = from.filter((place) => place.zone === zone);
    return goals.length === 0 ? [] : (graph.fewest(starts, goals, nodes) ?? []);
  });
  return lengths.length === 0 ? undefined : Math.min(...lengths);
}

export function hopsStatus(universe: Universe, graph: HostGraph, assert: Extract<Assert, { kind: 'hops' }>): AssertStatus {
  const [from, to] = [hostsOf(universe, assert.from), hostsOf(universe, assert.to)];
  const pairs = sorted(universe, from, to);
  const steps = fewestSteps(universe, graph, from, to);
  return settled(assert, pairs, steps !== undefined && steps < assert.atLeast, namesGateway(assert) || aboutNothing(assert, pairs));
}

/** A chain that starts or ends on what is named does not avoid it, nor does a step across a gateway that is named. */
export function onlyViaStatus(universe: Universe, assert: Extract<Assert, { kind: 'only-via' }>): AssertStatus {
  const named = (place: Place): boolean => containsAddress(assert.via.addresses, place.address);
  const [from, to] = [hostsOf(universe, assert.from), hostsOf(universe, assert.to)].map((side) => side.filter((place) => !named(place)));
  if (from === undefined || to === undefined) return 'vacuous';
  const pairs = sorted(universe, from, to);
  const inside = [assert.from, assert.to].map((side) => hostsOf(universe, side)).some((side) => side.length > 0 && side.every(named));
  // A gateway is no end of a chain: what reaches it is asked by `never`.
  const vacuous = (isEmpty(assert.via.addresses) && assert.via.gateways.length === 0) || inside || namesGateway(assert) || aboutNothing(assert, pairs);
  return settled(assert, pairs, fewestSteps(universe, new HostGraph(universe, assert.via.gateways), from, to, named) !== undefined, vacuous);
}
