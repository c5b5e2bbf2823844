/**
 * Sets of messages in the words of a zone file.
 *
 * Takes the messages of one family, gives the items of a service list that an `allow` would read as exactly these:
 * declared services, protocols of the catalogue with their classes, then bare ports, ICMP messages and IP protocols.
 */
import { catalogue } from '../catalogue/catalogue.ts';
import { icmpMessages } from '../catalogue/icmp.ts';
import type { Protocol } from '../catalogue/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Family } from '../net/address.ts';
import { canonical, type Ranges, rangesContain, rangesSize, rangesWithin, subtractRanges } from '../net/ranges.ts';
import { braced } from './item-list.ts';
import { isEveryFunction } from '../packets/function-set.ts';
import { type FunctionPorts, functionItems } from './function-names.ts';
import {
  allServices,
  familyServices,
  intersectServices,
  hasServices,
  noServices,
  portServices,
  protocolServices,
  type ServiceSet,
  subtractServices,
  unionServices,
  type ValueMap,
  type ValueSegment,
} from '../packets/service-set.ts';

interface Named {
  readonly words: string;
  readonly set: ServiceSet;
}

/** More items than this on the far side of an `except` are no easier to read. */
const mostExceptions = 3;

/** Catalogue names that may stand alone in an `allow`: unicast, with ports of their own. */
const protocols: readonly Named[] = [...catalogue.values()]
  .filter((protocol) => protocol.cast === 'unicast' && protocol.dynamicPorts === undefined && protocol.icmp.length === 0)
  .filter((protocol) => protocol.transports.length + protocol.ipProtocols.length > 0)
  .map((protocol) => ({ words: protocol.name, set: protocolSet(protocol) }));

function protocolSet(protocol: Protocol): ServiceSet {
  return unionServices(
    ...protocol.transports.map(({ protocol: transport, first, last }) => portServices(transport, [{ first, last }])),
    ...protocol.ipProtocols.map(protocolServices),
  );
}

export class ServiceNames {
  readonly #declared: readonly Named[];
  /** Those that the policy itself uses first: several protocols share a port. */
  readonly #protocols: readonly Named[];
  readonly #used: ReadonlySet<string>;

  constructor(model: Model) {
    this.#declared = model.services.map(({ name, set }) => ({ words: name, set }));
    const used = protocolsUsed(model);
    this.#used = used;
    const site = [...model.sitePorts].flatMap(([name, set]) => siteItems(name, set));
    this.#protocols = [...site, ...protocols.filter(({ words }) => used.has(words)), ...protocols.filter(({ words }) => !used.has(words))];
  }

  /** The items of a service list that means the messages of this family. */
  items(set: ServiceSet, family: Family): readonly string[] {
    const here = familyOf(set, family);
    const everything = familyOf(allServices, family);
    const rest = subtractServices(everything, here);
    if (!hasServices(rest, family)) return ['any'];
    const items = this.#cover(here, family);
    if (items.length > 2) {
      const outside = this.#cover(rest, family);
      if (outside.length <= Math.max(mostExceptions, items.length / 4)) return [`any except ${braced(outside)}`];
    }
    return items;
  }

  #cover(set: ServiceSet, family: Family): readonly string[] {
    const items: string[] = [];
    let left = set;
    const take = (candidates: readonly Named[]): void => {
      for (const { words, set: whole } of candidates) {
        const candidate = familyOf(whole, family);
        if (!hasServices(candidate, family) || hasServices(subtractServices(candidate, set), family)) continue;
        if (!hasServices(intersectServices(candidate, left), family)) continue;
        items.push(words);
        left = subtractServices(left, candidate);
      }
    };
    for (const [words, number] of [
      ['tcp', 6],
      ['udp', 17],
    ] as const) {
      const whole = familyOf(protocolServices(number), family);
      const there = intersectServices(left, whole);
      const rest = subtractServices(whole, there);
      // Most of a transport is easier to say by what is missing.
      if (portCount(there, family, number) <= portCount(whole, family, number) / 2) continue;
      const outside = this.#cover(rest, family);
      items.push(outside.length === 0 ? words : `${words} except ${braced(outside)}`);
      left = subtractServices(left, whole);
    }
    take(this.#declared);
    take(this.#protocols);
    items.push(...this.#values(left, family));
    return items;
  }

  /** What no name covers. */
  #values(set: ServiceSet, family: Family): string[] {
    const { values, protocols: numbers } = familyServices(set, family);
    const items: string[] = [];
    const partly: FunctionPorts[] = [];
    for (const [number, map] of [...values].toSorted(([a], [b]) => a - b)) {
      if (number !== 6 && number !== 17) {
        items.push(...icmpItems(family, map));
        continue;
      }
      const transport = number === 6 ? 'tcp' : 'udp';
      const isWhole = ({ functions }: ValueSegment): boolean => isEveryFunction(functions);
      const whole = canonical(map.filter(isWhole).map(({ first, last }) => ({ first, last })));
      if (whole.length > 0) items.push(portItem(transport, whole));
      partly.push(...map.filter((segment) => !isWhole(segment)).map((segment) => ({ ...segment, transport }) as const));
    }
    items.push(...functionItems(partly, this.#used));
    for (const { first, last } of numbers) for (let number = first; number <= last; number++) items.push(`ip protocol ${number}`);
    return items;
  }
}

/** Names of protocols that flows and gateways' own lines use. */
export function protocolsUsed(model: Model): ReadonlySet<string> {
  const texts = [...model.flows, ...model.gateways.flatMap((gateway) => gateway.traffic)].map((one) => one.services.text);
  return new Set([...new Set(texts)].flatMap((text) => text.split(/[^\w-]+/u)));
}

/** `ssh on tcp 22022`, one item a transport. */
function siteItems(protocol: string, set: ServiceSet): Named[] {
  return (['tcp', 'udp'] as const).flatMap((transport) => {
    const map = set.v4.values.get(transport === 'tcp' ? 6 : 17) ?? [];
    const ports = canonical(map.map(({ first, last }) => ({ first, last })));
    return ports.length === 0 ? [] : [{ words: `${protocol} on ${portItem(transport, ports)}`, set: portServices(transport, ports) }];
  });
}

/** Ports of a transport on which every function is meant. */
function portCount(set: ServiceSet, family: Family, protocol: number): number {
  const map = familyServices(set, family).values.get(protocol) ?? [];
  return rangesSize(map.filter((segment) => isEveryFunction(segment.functions)));
}

function familyOf(set: ServiceSet, family: Family): ServiceSet {
  return family === 4 ? { v4: set.v4, v6: noServices.v6 } : { v4: noServices.v4, v6: set.v6 };
}

/** `tcp 502`, `tcp { 80, 8000-8100 }`; port 0 cannot be written, so a set that holds it is the whole less the rest. */
function portItem(transport: 'tcp' | 'udp', ports: Ranges<number>): string {
  if (rangesContain(ports, 0)) {
    const rest = subtractRanges([{ first: 0, last: 0xffff }], ports);
    return rest.length === 0 ? transport : `${transport} except ${portItem(transport, rest)}`;
  }
  const spelt = ports.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  return `${transport} ${spelt.length === 1 ? (spelt[0] ?? '') : `{ ${spelt.join(', ')} }`}`;
}

/** Names of ICMP messages where they cover whole, then types and codes. */
function icmpItems(family: Family, map: ValueMap): string[] {
  const version = family === 4 ? 'icmp' : 'icmpv6';
  let left: Ranges<number> = canonical(map.map(({ first, last }) => ({ first, last })));
  if (left.length === 1 && left[0]?.first === 0 && left[0].last === 0xffff) return [family === 4 ? 'icmp' : `ip protocol 58`];
  const items: string[] = [];
  for (const wholeTypes of [true, false]) {
    for (const [name, messages] of icmpMessages) {
      for (const message of messages) {
        if (message.family !== family || (message.code === undefined) !== wholeTypes) continue;
        const values = [{ first: message.type * 256 + (message.code ?? 0), last: message.type * 256 + (message.code ?? 255) }];
        if (!rangesWithin(values, left)) continue;
        items.push(`${version === 'icmp' ? 'icmp' : 'icmpv6'} ${name}`);
        left = subtractRanges(left, values);
      }
    }
  }
  for (const { first, last } of left) {
    for (let type = first >> 8; type <= last >> 8; type++) {
      const [low, high] = [Math.max(first, type * 256) & 255, Math.min(last, type * 256 + 255) & 255];
      if (low === 0 && high === 255) items.push(`${version} type ${type}`);
      else for (let code = low; code <= high; code++) items.push(`${version} type ${type} code ${code}`);
    }
  }
  return items;
}
