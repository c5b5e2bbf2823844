/**
 * What of a packet a service names: protocol, port or ICMP message, function; per address family.
 *
 * A plain algebra of ranges (union, difference, membership), with no decision diagram in it: the model and the
 * evaluator of single packets use it, packet sets are built from it.
 */
import type { Family } from '../net/address.ts';
import { canonical, intersectRanges, type Range, type Ranges, rangesContain, subtractRanges, unionRanges } from '../net/ranges.ts';
import {
  allFunctions,
  containsMessage,
  type FunctionSet,
  functionsEqual,
  functionsText,
  intersectFunctions,
  isEveryFunction,
  type MessageDetails,
  noDetails,
  subtractFunctions,
  unionFunctions,
} from './function-set.ts';

export const protocolNumber = { icmp: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58 } as const;

/** Values of one protocol (destination ports, or ICMP type × 256 + code) with the functions meant there. */
export interface ValueSegment extends Range<number> {
  readonly functions: FunctionSet;
}

/** Sorted, disjoint; neighbours with equal functions are joined. */
export type ValueMap = readonly ValueSegment[];

/** The services of one family. */
export interface FamilyServices {
  /** TCP, UDP and the family's own ICMP, by protocol number; an absent key is the empty map. */
  readonly values: ReadonlyMap<number, ValueMap>;
  /** Whole protocols, those with values left out. */
  readonly protocols: Ranges<number>;
}

export interface ServiceSet {
  readonly v4: FamilyServices;
  readonly v6: FamilyServices;
}

export const maxValue = 0xffff;
const allValues: ValueMap = [{ first: 0, last: maxValue, functions: allFunctions }];

/** Protocols whose packets have a value: ports or ICMP type and code. */
export function valuedProtocols(family: Family): readonly number[] {
  return family === 4 ? [protocolNumber.icmp, protocolNumber.tcp, protocolNumber.udp] : [protocolNumber.tcp, protocolNumber.udp, protocolNumber.icmpv6];
}

const none: FamilyServices = { values: new Map(), protocols: [] };
export const noServices: ServiceSet = { v4: none, v6: none };

/** All protocols 0–255 of a family. */
function everything(family: Family): FamilyServices {
  const valued = valuedProtocols(family);
  return {
    values: new Map(valued.map((protocol) => [protocol, allValues])),
    protocols: subtractRanges([{ first: 0, last: 255 }], canonical(valued.map((protocol) => ({ first: protocol, last: protocol })))),
  };
}
export const allServices: ServiceSet = { v4: everything(4), v6: everything(6) };

export function familyServices(set: ServiceSet, family: Family): FamilyServices {
  return family === 4 ? set.v4 : set.v6;
}

/** Ports of tcp or udp in both families. */
export function portServices(protocol: 'tcp' | 'udp', ports: Ranges<number>, functions: FunctionSet = allFunctions): ServiceSet {
  const family: FamilyServices = { values: new Map([[protocolNumber[protocol], ports.map(({ first, last }) => ({ first, last, functions }))]]), protocols: [] };
  return { v4: family, v6: family };
}

/** Messages of ICMP (family 4) or ICMPv6 (family 6). */
export function icmpServices(family: Family, messages: Ranges<number>): ServiceSet {
  const number = family === 4 ? protocolNumber.icmp : protocolNumber.icmpv6;
  const services: FamilyServices = {
    values: new Map([[number, messages.map(({ first, last }) => ({ first, last, functions: allFunctions }))]]),
    protocols: [],
  };
  return family === 4 ? { v4: services, v6: none } : { v4: none, v6: services };
}

/** A whole IP protocol, by number, in both families. */
export function protocolServices(number: number): ServiceSet {
  const of = (family: Family): FamilyServices =>
    valuedProtocols(family).includes(number)
      ? { values: new Map([[number, allValues]]), protocols: [] }
      : { values: new Map(), protocols: [{ first: number, last: number }] };
  return { v4: of(4), v6: of(6) };
}

/** Cuts both maps at each other's borders and joins what `combine` says of each piece. */
function combineValues(a: ValueMap, b: ValueMap, combine: (x: FunctionSet, y: FunctionSet) => FunctionSet): ValueMap {
  const borders = new Set<number>();
  for (const segment of [...a, ...b]) borders.add(segment.first).add(segment.last + 1);
  const sorted = [...borders].sort((x, y) => x - y);
  const result: { first: number; last: number; functions: FunctionSet }[] = [];
  let i = 0;
  let j = 0;
  for (let k = 0; k + 1 < sorted.length; k++) {
    const first = sorted[k] ?? 0;
    const last = (sorted[k + 1] ?? 0) - 1;
    while ((a[i]?.last ?? Infinity) < first) i++;
    while ((b[j]?.last ?? Infinity) < first) j++;
    const inA = a[i];
    const inB = b[j];
    const functions = combine(inA !== undefined && inA.first <= first ? inA.functions : [], inB !== undefined && inB.first <= first ? inB.functions : []);
    if (functions.length === 0) continue;
    const top = result[result.length - 1];
    if (top !== undefined && top.last + 1 === first && functionsEqual(top.functions, functions)) top.last = last;
    else result.push({ first, last, functions });
  }
  return result;
}

function combine(
  a: ServiceSet,
  b: ServiceSet,
  onFunctions: (x: FunctionSet, y: FunctionSet) => FunctionSet,
  onProtocols: (x: Ranges<number>, y: Ranges<number>) => Ranges<number>,
): ServiceSet {
  const of = (family: Family): FamilyServices => {
    const x = familyServices(a, family);
    const y = familyServices(b, family);
    const values = new Map<number, ValueMap>();
    for (const protocol of valuedProtocols(family)) {
      const map = combineValues(x.values.get(protocol) ?? [], y.values.get(protocol) ?? [], onFunctions);
      if (map.length > 0) values.set(protocol, map);
    }
    return { values, protocols: onProtocols(x.protocols, y.protocols) };
  };
  return { v4: of(4), v6: of(6) };
}

export function unionServices(...sets: readonly ServiceSet[]): ServiceSet {
  const [first, ...rest] = sets;
  return rest.reduce(
    (a, b) =>
      combine(
        a,
        b,
        (x, y) => unionFunctions(x, y),
        (x, y) => unionRanges(x, y),
      ),
    first ?? noServices,
  );
}

export function subtractServices(a: ServiceSet, b: ServiceSet): ServiceSet {
  return combine(a, b, subtractFunctions, subtractRanges);
}

export function intersectServices(a: ServiceSet, b: ServiceSet): ServiceSet {
  return combine(a, b, intersectFunctions, intersectRanges);
}

/** The same protocols and values with every function: what a filter on ports alone enforces. */
export function widenFunctions(set: ServiceSet): ServiceSet {
  return combine(
    set,
    noServices,
    (x) => (x.length > 0 ? allFunctions : []),
    (x) => x,
  );
}

/** Whether some values hold a part of the functions alone. */
export function tellsFunctions({ values }: FamilyServices): boolean {
  for (const segments of values.values()) if (segments.some(({ functions }) => !isEveryFunction(functions))) return true;
  return false;
}

/** The parts whose functions are told apart, with every function of theirs: where messages have to be looked into. */
export function inspectedServices(set: ServiceSet): ServiceSet {
  // Asked of every flow, and nearly none names functions.
  if (!tellsFunctions(set.v4) && !tellsFunctions(set.v6)) return noServices;
  return combine(
    set,
    noServices,
    (x) => (x.length > 0 && !isEveryFunction(x) ? allFunctions : []),
    () => [],
  );
}

/** `widenFunctions`, on the ports of `where` alone. */
export function widenFunctionsOn(set: ServiceSet, where: ServiceSet): ServiceSet {
  return combine(
    set,
    where,
    (x, y) => (x.length > 0 && y.length > 0 ? allFunctions : x),
    (x) => x,
  );
}

export function servicesEqual(a: ServiceSet, b: ServiceSet): boolean {
  return isNoService(subtractServices(a, b)) && isNoService(subtractServices(b, a));
}

export function hasServices(set: ServiceSet, family: Family): boolean {
  const services = familyServices(set, family);
  return services.values.size > 0 || services.protocols.length > 0;
}

export function isNoService(set: ServiceSet): boolean {
  return !hasServices(set, 4) && !hasServices(set, 6);
}

/** Whether a message is one that the set names. `value`: destination port, or ICMP type × 256 + code; `details`: of a message that has some. */
export function containsService(
  set: ServiceSet,
  family: Family,
  protocol: number,
  value: number,
  functionNumber: number,
  details: MessageDetails = noDetails,
): boolean {
  const services = familyServices(set, family);
  if (!valuedProtocols(family).includes(protocol)) return rangesContain(services.protocols, protocol);
  return (services.values.get(protocol) ?? []).some(
    (segment) => segment.first <= value && value <= segment.last && containsMessage(segment.functions, functionNumber, details),
  );
}

/** The services one by one, each with a name that tells it from others. */
export function apart(services: FamilyServices): readonly (readonly [name: string, single: FamilyServices])[] {
  const known = singles.get(services) ?? takenApart(services);
  singles.set(services, known);
  return known;
}

const singles = new WeakMap<FamilyServices, ReturnType<typeof apart>>();

function takenApart({ protocols, values }: FamilyServices): [string, FamilyServices][] {
  const whole = protocols.map((range): [string, FamilyServices] => [`${range.first}-${range.last}`, { protocols: [range], values: new Map() }]);
  const valued = [...values].flatMap(([protocol, segments]) =>
    segments.map((segment): [string, FamilyServices] => {
      return [`${protocol} ${segment.first}-${segment.last} ${functionsText(segment.functions)}`, { protocols: [], values: new Map([[protocol, [segment]]]) }];
    }),
  );
  return [...whole, ...valued];
}
