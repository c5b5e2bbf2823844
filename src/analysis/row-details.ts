/**
 * What stands beside a row: the flows that have a part in it, the weakest grade they get, and one packet as an example.
 */
import type { Span } from '../base/source.ts';
import { grades, type Grade } from '../model/model.ts';
import { addressesMeet, type AddressSet, containsAddress, someAddress } from '../net/address-set.ts';
import type { Address } from '../net/address.ts';
import { empty } from '../packets/diagram.ts';
import type { Conversation } from '../packets/conversation-space.ts';
import { hasServices, intersectServices } from '../packets/service-set.ts';
import type { Entry } from '../policy/gateway-policy.ts';
import type { PlantSets } from './plant-sets.ts';
import type { Row } from './rows.ts';
import { knownPart } from './witness.ts';
import { endWords, type PacketWords, packetWords, serviceWords } from './words.ts';

export interface FlowPlace {
  readonly name: string;
  readonly span: Span;
}

export interface RowDetails {
  /** By name. */
  readonly flows: readonly FlowPlace[];
  /** Undefined: no flow of the row asks for inspection. */
  readonly grade: Grade | undefined;
  readonly example: PacketWords | undefined;
  /** The example in a line. */
  readonly exampleWords: string;
}

/** `effect`: which entries count as having a part in it. */
export function detailsOf(plant: PlantSets, row: Row, effect: Entry['effect'] = 'allow'): RowDetails {
  const entries = row.parts.flatMap((part) => entriesOn(plant, part, effect));
  const flows = new Map<string, FlowPlace>();
  for (const { origin } of entries) flows.set(origin.name, { name: origin.name, span: origin.span });
  const graded = entries.flatMap((entry) => (entry.grade === undefined ? [] : [grades.indexOf(entry.grade)]));
  const first = row.parts[0];
  const packet = first === undefined ? undefined : exampleOf(plant, first);
  return {
    flows: [...flows.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    grade: graded.length === 0 ? undefined : grades[Math.min(...graded)],
    example: packet === undefined ? undefined : packetWords(plant.model, packet),
    exampleWords:
      packet === undefined
        ? ''
        : `${endWords(plant.model, packet.source)} -> ${endWords(plant.model, packet.destination)} on ${serviceWords(plant.model, packet)}`,
  };
}

/** A member of a product; its sides are known, so nothing has to be searched for. */
function exampleOf(plant: PlantSets, part: Row['parts'][number]): Conversation | undefined {
  const [from, to] = [part.source, part.destination].map((side) => knownPart(plant.model, side) ?? side);
  const packet = from === undefined || to === undefined ? undefined : plant.space.pick(plant.product(from, to, part.services));
  if (packet === undefined) return undefined;
  // A gateway that stands for itself is shown with an address of the interface that faces the other side.
  const own = (address: Address, peer: Address): Address => {
    if (Number(address.value) !== 0) return address;
    const faces = plant.gateway(part.gateway)?.interfaces ?? [];
    const near = faces.find((face) => containsAddress(face.faced, peer)) ?? faces[0];
    return (near === undefined ? undefined : someAddress(address.family === 4 ? { ...near.own, v6: [] } : { ...near.own, v4: [] })) ?? address;
  };
  return { ...packet, source: own(packet.source, packet.destination), destination: own(packet.destination, packet.source) };
}

function entriesOn(plant: PlantSets, part: Row['parts'][number], effect: Entry['effect']): readonly Entry[] {
  const policy = plant.gateway(part.gateway);
  if (policy === undefined) return [];
  const { diagram } = plant.space;
  const outside = (side: AddressSet): boolean => policy.zones.every((zone) => !addressesMeet(zone.addresses, side));
  const hook = outside(part.destination) ? 'input' : outside(part.source) ? 'output' : 'forward';
  if (hook !== 'forward') {
    // The gateway's own end is not in the entry, and may stand for itself in the row.
    const peer = hook === 'input' ? part.source : part.destination;
    return policy.entries.filter(
      (entry) =>
        entry.hook === hook &&
        entry.effect === effect &&
        addressesMeet(hook === 'input' ? entry.from : entry.to, peer) &&
        hasServices(intersectServices(entry.enforced, part.services), part.family),
    );
  }
  const entries = effect === 'allow' ? plant.carriersOf(policy, part.source, part.destination) : policy.entries;
  return entries.filter(
    (entry) =>
      entry.hook === 'forward' &&
      entry.effect === effect &&
      addressesMeet(entry.to, part.destination) &&
      addressesMeet(entry.from, part.source) &&
      diagram.intersect(plant.entrySet(entry), part.set) !== empty,
  );
}
