/**
 * Conversations whose messages have to be looked into, and which functions they may have.
 *
 * Takes a pair of zones, gives areas that do not overlap: sources, destinations and ports, with the functions that all flows together leave
 * there. The one idea: a rule of the engine forbids and never permits, so where flows overlap their functions are put together first.
 */
import type { Family } from '../../src/net/address.ts';
import { intersectRanges, type Ranges, subtractRanges, unionRanges } from '../../src/net/ranges.ts';
import { allFunctions, type FunctionSet, functionsText, isEveryFunction, subtractFunctions, unionFunctions } from '../../src/packets/function-set.ts';
import { protocolNumber } from '../../src/packets/service-set.ts';
import type { Entry, PlacedZone } from '../../src/policy/gateway-policy.ts';
import type { Box } from '../../src/target/lookup-plan.ts';
import type { Pair } from '../../src/target/pairs.ts';
import { Inexpressible } from './tokens.ts';

type Addresses = Ranges<number | bigint>;

export interface Area {
  readonly source: Addresses;
  readonly destination: Addresses;
  /** Of TCP. */
  readonly ports: Ranges<number>;
  /** None: nothing may be said there. */
  readonly functions: FunctionSet;
  /** Flows that say something of it, denies too. */
  readonly entries: readonly Entry[];
}

interface Part {
  readonly area: Area;
  readonly effect: Entry['effect'];
  readonly looks: boolean;
}

/** Areas of a pair in one family of which some flow tells functions apart that are the engine's, without those where every function may pass. */
export function inspectedAreas(pair: Pair, family: Family, from: PlacedZone, to: PlacedZone, isOurs: (functions: FunctionSet) => boolean): readonly Area[] {
  const whole = { source: addressesOf(from, family), destination: addressesOf(to, family) };
  const parts = pair.entries.flatMap(({ entry, plain, looked }) => {
    const of = (box: Box<unknown>, functions: FunctionSet): Part[] => {
      const tcp = box.services.values.get(protocolNumber.tcp) ?? [];
      const others = [...box.services.values.keys()].some((protocol) => protocol !== protocolNumber.tcp);
      const looks = functions !== allFunctions && isOurs(functions);
      if (looks && others) throw new Inexpressible('functions of another transport than TCP, which Suricata does not parse');
      const source = box.source ?? whole.source;
      const destination = box.destination ?? whole.destination;
      const ports = tcp.map(({ first, last }) => ({ first, last }));
      return [{ area: { source, destination, ports, functions, entries: [entry] }, effect: entry.effect, looks }];
    };
    const boxes = plain.get(family);
    return [...(boxes === undefined ? [] : of(boxes, allFunctions)), ...(looked.get(family) ?? []).flatMap((box) => of(box, box.label.functions))];
  });
  let areas: readonly Area[] = [];
  for (const { area } of parts.filter(({ looks }) => looks)) {
    let fresh: readonly Area[] = [{ ...area, functions: [], entries: [] }];
    for (const known of areas) fresh = fresh.flatMap((one) => split(one, known).outside);
    areas = areas.concat(fresh);
  }
  // What programs tell in the same place would be dropped by the engine, which knows no such protocol.
  const strange = parts.find(({ area, looks }) => !looks && area.functions !== allFunctions && areas.some((one) => split(one, area).inside !== undefined));
  if (strange !== undefined)
    throw new Inexpressible(
      `functions of other protocols (\`${strange.area.entries[0]?.origin.name ?? ''}\`) on ports where Suricata looks for Modbus`,
      'let each protocol have ports of its own',
    );
  const laid = (effect: Entry['effect'], combine: (has: FunctionSet, more: FunctionSet) => FunctionSet): void => {
    for (const part of parts) {
      if (part.effect !== effect) continue;
      areas = areas.flatMap((one) => {
        const { inside, outside } = split(one, part.area);
        if (inside === undefined) return [one];
        const entries = [...new Set([...one.entries, ...part.area.entries])];
        return [{ ...inside, functions: combine(one.functions, part.area.functions), entries }, ...outside];
      });
    }
  };
  laid('allow', (has, more) => unionFunctions(has, more));
  laid('deny', (has, less) => subtractFunctions(has, less));
  const limited = areas.flatMap(({ entries }) => entries).find(({ rate }) => rate !== undefined);
  if (limited !== undefined)
    throw new Inexpressible(
      `a rate of \`${limited.origin.name}\` where Suricata looks into messages: a packet that it drops would have spent from it`,
      'take the rate off, or name no functions on the same ports',
    );
  return joined(areas.filter(({ functions }) => !isEveryFunction(functions)));
}

function addressesOf(zone: PlacedZone, family: Family): Addresses {
  return family === 4 ? zone.addresses.v4 : zone.addresses.v6;
}

/** The part of an area that lies in another one, and the rest. */
function split(area: Area, other: Area): { inside: Area | undefined; outside: readonly Area[] } {
  const source = intersectRanges<number | bigint>(area.source, other.source);
  const destination = intersectRanges<number | bigint>(area.destination, other.destination);
  const ports = intersectRanges(area.ports, other.ports);
  if (source.length === 0 || destination.length === 0 || ports.length === 0) return { inside: undefined, outside: [area] };
  const outside = [
    { ...area, source: subtractRanges<number | bigint>(area.source, other.source) },
    { ...area, source, destination: subtractRanges<number | bigint>(area.destination, other.destination) },
    { ...area, source, destination, ports: subtractRanges(area.ports, other.ports) },
  ].filter((one) => one.source.length > 0 && one.destination.length > 0 && one.ports.length > 0);
  return { inside: { ...area, source, destination, ports }, outside };
}

/** Areas that differ in one side alone become one. */
function joined(areas: readonly Area[]): readonly Area[] {
  const sides = ['ports', 'destination', 'source'] as const;
  return sides.reduce<readonly Area[]>((some, side) => {
    const groups = new Map<string, Area>();
    for (const area of some) {
      const same = [...sides.filter((one) => one !== side).map((one) => textOf(area[one])), functionsText(area.functions)].join(' | ');
      const known = groups.get(same);
      const entries = [...new Set([...(known?.entries ?? []), ...area.entries])];
      groups.set(same, known === undefined ? area : { ...known, [side]: unionRanges<number | bigint>(known[side], area[side]), entries });
    }
    return [...groups.values()];
  }, areas);
}

function textOf(ranges: Ranges<number | bigint>): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join();
}
