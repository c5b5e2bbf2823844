/**
 * The policy that allows exactly what another denies, as a zone file.
 *
 * Takes a small plant whose gateways enforce ports alone, gives the same places and gateways with flows for everything that no flow of the
 * old ones lets through, and its questions turned round: `never` asks `always`, `always` asks `never`. The idea: the complement is
 * written with the products of a set and read by the whole compiler, so that nothing is taken over but the set itself.
 */
import { isEveryFunction } from '../../src/packets/function-set.ts';
import type { PlantSets } from '../../src/analysis/plant-sets.ts';
import type { Model, Zone } from '../../src/model/model.ts';
import { type Family, formatRange } from '../../src/net/address.ts';
import { addressRanges, type AddressSet } from '../../src/net/address-set.ts';
import type { Node } from '../../src/packets/diagram.ts';
import { allServices, familyServices, noServices, type ServiceSet, subtractServices, type ValueMap } from '../../src/packets/service-set.ts';
import { inForce } from '../../src/policy/dates.ts';
import type { SmallPiece } from '../generators/multi-plants.ts';

/** What the flows let through, whichever gateway is asked: allows less denies, by the enforced sets of any gateway that has the flow. */
function letThrough(plant: PlantSets): Node {
  const { diagram } = plant.space;
  const enforced = new Map<string, ServiceSet>(plant.gateways.flatMap((policy) => policy.entries.map((entry) => [entry.origin.name, entry.enforced] as const)));
  const of = (effect: 'allow' | 'deny'): Node =>
    diagram.unionAll(
      plant.model.flows
        .filter((flow) => flow.effect === effect && inForce(flow, plant.date))
        .map((flow) => plant.product(flow.from.addresses, flow.to.addresses, enforced.get(flow.name) ?? noServices)),
    );
  return diagram.subtract(of('allow'), of('deny'));
}

/** Flows for what the old ones deny, pair of zones by pair, since a flow must lie between zones that some gateway joins. */
export function complementFlows(plant: PlantSets): SmallPiece[] {
  const { space, model, joins } = plant;
  const open = letThrough(plant);
  const pieces: SmallPiece[] = [];
  const joined = (from: Zone, to: Zone): boolean => joins.gateways(from.name, to.name).length > 0;
  for (const from of model.zones) {
    for (const to of model.zones.filter((zone) => joined(from, zone))) {
      const denied = space.diagram.subtract(plant.product(from.addresses, to.addresses, allServices), open);
      for (const part of space.products(denied)) {
        const family: Family = part.source.v4.length > 0 ? 4 : 6;
        const name = `complement_${pieces.length}`;
        const services = serviceText(space.messages(part.services), family);
        pieces.push({ kind: 'flow', name, text: `flow ${name} { from ${addressText(part.source)}  to ${addressText(part.destination)}  allow ${services} }` });
      }
    }
  }
  return pieces;
}

function addressText(set: AddressSet): string {
  return addressRanges(set).map(formatRange).join(', ');
}

/** Words that mean exactly these messages of one family; what they mean in the other does not matter. */
export function serviceText(set: ServiceSet, family: Family): string {
  const rest = subtractServices(allServices, set);
  const words = itemsOf(set, family);
  const others = itemsOf(rest, family);
  return words.length > others.length + 1 ? (others.length === 0 ? 'any' : `any except { ${others.join(', ')} }`) : words.join(', ');
}

function itemsOf(set: ServiceSet, family: Family): string[] {
  const { values, protocols } = familyServices(set, family);
  const items = protocols.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => `ip protocol ${first + at}`));
  const icmp = family === 4 ? 1 : 58;
  for (const [protocol, map] of values) {
    const ranges = joined(map);
    const whole = protocol === 6 ? 'tcp' : protocol === 17 ? 'udp' : `ip protocol ${icmp}`;
    if (ranges.length === 1 && ranges[0]?.first === 0 && ranges[0].last === 65535) items.push(whole);
    else if (protocol === icmp) items.push(...icmpItems(ranges, family === 4 ? 'icmp' : 'icmpv6'));
    else items.push(...portItems(ranges, whole));
  }
  return items;
}

/** Functions must be whole: a filter on ports tells none apart. */
function joined(map: ValueMap): { first: number; last: number }[] {
  const result: { first: number; last: number }[] = [];
  for (const { first, last, functions } of map) {
    if (!isEveryFunction(functions)) throw new Error('a complement of functions has no words');
    const top = result.at(-1);
    if (top !== undefined && top.last + 1 === first) top.last = last;
    else result.push({ first, last });
  }
  return result;
}

/** No list of ports can name port 0; an exception can leave all others out. */
function portItems(ranges: readonly { first: number; last: number }[], transport: string): string[] {
  const word = ({ first, last }: { first: number; last: number }): string => (first === last ? `${transport} ${first}` : `${transport} ${first}-${last}`);
  if (ranges[0]?.first !== 0) return ranges.map(word);
  const gaps = ranges.map(({ last }, at) => ({ first: last + 1, last: (ranges[at + 1]?.first ?? 65536) - 1 })).filter(({ first, last }) => first <= last);
  return [`${transport} except { ${gaps.map(word).join(', ')} }`];
}

function icmpItems(ranges: readonly { first: number; last: number }[], version: string): string[] {
  return ranges.flatMap(({ first, last }) => {
    const items: string[] = [];
    for (let value = first; value <= last; value += 1) {
      const type = value >> 8;
      if (value % 256 === 0 && value + 255 <= last) {
        items.push(`${version} type ${type}`);
        value += 255;
      } else items.push(`${version} type ${type} code ${value % 256}`);
    }
    return items;
  });
}

/** The questions of a plant that can be turned round, by name: those that name no gateway and only addresses of zones. */
export function turnedRound(pieces: readonly SmallPiece[]): SmallPiece[] {
  return pieces.flatMap((piece): SmallPiece[] => {
    if (piece.kind !== 'assert') return [];
    const body = /^assert \S+ \{ (never|always) (.*?) -> (.*?)(?: : (.*?))?( where enforced)? \}$/su.exec(piece.text);
    if (body === null) return [];
    const [, kind, from, to, services = 'any', enforced = ''] = body;
    return [{ ...piece, text: `assert ${piece.name} { ${kind === 'never' ? 'always' : 'never'} ${from} -> ${to} : ${services}${enforced} }` }];
  });
}

/** Zones that share a wire make `never` ask more than `always`: the neighbours' addresses too. */
export function sharesWires(model: Model): boolean {
  return model.gateways.some((gateway) => gateway.interfaces.some((face) => !face.routed && face.faces.length > 1));
}
