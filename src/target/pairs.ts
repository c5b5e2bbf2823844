/**
 * The pairs of ends between which a gateway judges: zone → zone, zone → gateway, gateway → zone.
 *
 * Takes the Ir, gives for each pair its boxes per family, for the requests that run that way. Where the platform alone
 * knows an address of the gateway, the pair carries a question to it instead.
 */
import { families, type Family } from '../net/address.ts';
import { AddressIndex } from '../net/address-index.ts';
import { type AddressSet, intersectAddresses, isEmpty } from '../net/address-set.ts';
import { rangesEqual, type Ranges } from '../net/ranges.ts';
import { detailsIn, type FunctionSet, functionsText, isEveryFunction } from '../packets/function-set.ts';
import { noFunction } from '../packets/functions.ts';
import { type FamilyServices, familyServices, hasServices, tellsFunctions, type ValueSegment } from '../packets/service-set.ts';
import type { Entry, GatewayPolicy, PlacedInterface, PlacedZone } from '../policy/gateway-policy.ts';
import type { Box, Side } from './lookup-plan.ts';

export interface PairEntry {
  readonly entry: Entry;
  /** By ports alone: where its conversations may start by a packet without payload, and so what is answered within them. */
  readonly boxes: ReadonlyMap<Family, Box<Entry>>;
  /** The part of which every function is meant; the same as `boxes` for most. */
  readonly plain: ReadonlyMap<Family, Box<Entry>>;
  /** The parts whose messages have to be looked into. */
  readonly looked: ReadonlyMap<Family, readonly Box<Looked>[]>;
  /** The parts of which the called side's messages have to be, since it asks; they are no `boxes`. */
  readonly heard: ReadonlyMap<Family, readonly Box<Looked>[]>;
}

/** Some functions of an entry's messages. */
export interface Looked {
  readonly entry: Entry;
  readonly functions: FunctionSet;
  /** IP protocols that carry them. */
  readonly transports: readonly number[];
}

export interface Pair {
  /** Unique; part of chain names. */
  readonly stem: string;
  /** As the log prefix shows it: `dmz>press`. */
  readonly label: string;
  /** The interface that it is bound to, for what is for or from the gateway. */
  readonly face?: string;
  readonly from: string;
  readonly to: string;
  readonly entries: readonly PairEntry[];
  /** The platform must say that the gateway's end is its own address: `destination` (input) or `source` (output). */
  readonly asksLocal: boolean;
}

type Ends = { readonly source: AddressSet | undefined; readonly destination: AddressSet | undefined };

/** `undefined` where the part is the whole side, since rule 1 has been checked before. */
function side(part: AddressSet, whole: AddressSet, family: Family): Side {
  const [mine, all]: [Ranges<number> | Ranges<bigint>, Ranges<number> | Ranges<bigint>] = family === 4 ? [part.v4, whole.v4] : [part.v6, whole.v6];
  return mine.length > 0 && rangesEqual<number | bigint>(mine, all) ? undefined : mine;
}

function pairEntry(entry: Entry, ends: Ends, sidesWhole: Ends): PairEntry | undefined {
  const boxes = new Map<Family, Box<Entry>>();
  const plain = new Map<Family, Box<Entry>>();
  const looked = new Map<Family, readonly Box<Looked>[]>();
  const heard = new Map<Family, readonly Box<Looked>[]>();
  for (const family of families) {
    if (!hasServices(entry.enforced, family)) continue;
    const sides = (['source', 'destination'] as const).map((end) => {
      const part = ends[end];
      return part === undefined ? undefined : side(part, sidesWhole[end] ?? part, family);
    });
    // A side that is whole and yet has no address of this family has an empty list from `side`.
    if (sides.some((one) => one?.length === 0)) continue;
    const [source, destination] = sides;
    const services = familyServices(entry.enforced, family);
    const parts = byFunctions(entry.heard === undefined ? services : familyServices(entry.heard, family));
    const box = { source, destination, services, label: entry };
    if (parts.looked.length === 0) {
      boxes.set(family, box);
      plain.set(family, box);
      continue;
    }
    const backward = entry.heard !== undefined;
    const [answered, whole] = backward ? [parts.plain, services] : [parts.answered, parts.plain];
    if (!isNothing(answered)) boxes.set(family, { ...box, services: answered });
    if (!isNothing(whole)) plain.set(family, { ...box, services: whole });
    (backward ? heard : looked).set(
      family,
      parts.looked.map((one) => {
        const transports = [...one.services.values.keys()];
        return { source, destination, services: one.services, label: { entry, functions: one.functions, transports } };
      }),
    );
  }
  return boxes.size + looked.size + heard.size === 0 ? undefined : { entry, boxes, plain, looked, heard };
}

interface ByFunctions {
  /** What is meant with every function. */
  readonly plain: FamilyServices;
  /** What may start without payload, by ports. */
  readonly answered: FamilyServices;
  readonly looked: readonly { readonly functions: FunctionSet; readonly services: FamilyServices }[];
}

function byFunctions(services: FamilyServices): ByFunctions {
  if (!tellsFunctions(services)) return { plain: services, answered: services, looked: [] };
  const { values, protocols } = services;
  const segments = [...values].flatMap(([protocol, list]) => list.map((segment) => ({ protocol, segment })));
  const of = (some: typeof segments): FamilyServices['values'] => {
    const found = new Map<number, ValueSegment[]>();
    for (const { protocol, segment } of some) {
      const list = found.get(protocol);
      if (list === undefined) found.set(protocol, [segment]);
      else list.push(segment);
    }
    return found;
  };
  const isWhole = ({ segment }: (typeof segments)[number]): boolean => isEveryFunction(segment.functions);
  const groups = new Map<string, typeof segments>();
  for (const one of segments.filter((segment) => !isWhole(segment))) {
    const key = functionsText(one.segment.functions);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return {
    plain: { values: of(segments.filter(isWhole)), protocols },
    answered: { values: of(segments.filter(({ segment }) => detailsIn(segment.functions, noFunction) === 'all')), protocols },
    looked: [...groups.values()].map((group) => ({ functions: group[0]?.segment.functions ?? [], services: { values: of(group), protocols: [] } })),
  };
}

function isNothing({ values, protocols }: FamilyServices): boolean {
  return values.size === 0 && protocols.length === 0;
}

export function forwardPairs(policy: GatewayPolicy): Map<string, Pair> {
  const { zones } = policy;
  const index = new AddressIndex(zones.map((zone) => zone.addresses));
  const between: PairEntry[][][] = zones.map(() => zones.map(() => []));
  for (const entry of policy.entries) {
    if (entry.hook !== 'forward') continue;
    const ends = index.parts(entry.to);
    for (const source of index.parts(entry.from)) {
      for (const destination of ends) {
        const whole = { source: zones[source.index]?.addresses, destination: zones[destination.index]?.addresses };
        const found = pairEntry(entry, { source: source.part, destination: destination.part }, whole);
        if (found !== undefined) between[source.index]?.[destination.index]?.push(found);
      }
    }
  }
  return new Map(
    zones.flatMap((from, f) =>
      zones.map((to, t): [string, Pair] => [
        pairKey(from.name, to.name),
        {
          stem: `${from.name}.${to.name}`,
          label: `${from.name}>${to.name}`,
          from: from.name,
          to: to.name,
          entries: between[f]?.[t] ?? [],
          asksLocal: false,
        },
      ]),
    ),
  );
}

/** Zone → gateway by one interface: `manage` and `receive`. */
export function inputPair(policy: GatewayPolicy, zone: PlacedZone, face: PlacedInterface): Pair {
  const entries = policy.entries.flatMap((entry) => {
    if (entry.hook !== 'input') return [];
    const source = intersectAddresses(entry.from, zone.addresses);
    if (isEmpty(source)) return [];
    // The gateway's own end is never "whole": which address it is has to be asked, unless the platform is.
    return pairEntry(entry, { source, destination: face.dynamic ? undefined : face.own }, { source: zone.addresses, destination: { v4: [], v6: [] } }) ?? [];
  });
  return {
    stem: `input.${zone.name}.${face.name}`,
    label: `${zone.name}>${policy.gateway}`,
    face: face.name,
    from: zone.name,
    to: policy.gateway,
    entries,
    asksLocal: face.dynamic,
  };
}

/** Gateway → zone by one interface: `send`. */
export function outputPair(policy: GatewayPolicy, zone: PlacedZone, face: PlacedInterface): Pair {
  const entries = policy.entries.flatMap((entry) => {
    if (entry.hook !== 'output') return [];
    const destination = intersectAddresses(entry.to, zone.addresses);
    if (isEmpty(destination)) return [];
    return (
      pairEntry(entry, { source: policy.anyDynamic ? undefined : policy.own, destination }, { source: { v4: [], v6: [] }, destination: zone.addresses }) ?? []
    );
  });
  return {
    stem: `output.${zone.name}.${face.name}`,
    label: `${policy.gateway}>${zone.name}`,
    face: face.name,
    from: policy.gateway,
    to: zone.name,
    entries,
    asksLocal: policy.anyDynamic,
  };
}

export function pairKey(from: string, to: string): string {
  return `${from} ${to}`;
}
