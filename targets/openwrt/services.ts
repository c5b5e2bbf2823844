/**
 * Services as rules of the platform: which protocols, with which ports or messages, stand in one rule.
 *
 * Takes the services of one family, gives the fewest rules that are exactly these.
 */
import type { Family } from '../../src/net/address.ts';
import { canonical, type Ranges, rangesEqual, subtractRanges } from '../../src/net/ranges.ts';
import { extensionHeaders } from '../../src/packets/packet.ts';
import {
  allServices,
  type FamilyServices,
  familyServices,
  hasServices,
  maxValue,
  noServices,
  protocolNumber,
  servicesEqual,
  subtractServices,
  valuedProtocols,
} from '../../src/packets/service-set.ts';
import type { Dialect } from './target.ts';
import { messages, ports, protocols, type Token, value } from './tokens.ts';

export interface ServiceRule {
  readonly protocols: readonly Token[];
  /** Destination ports; empty: all. */
  readonly ports: readonly Token[];
  /** ICMP messages; empty: all. */
  readonly messages: readonly Token[];
}

const everyValue: Ranges<number> = [{ first: 0, last: maxValue }];

export function serviceRules(family: Family, services: FamilyServices, dialect: Dialect): ServiceRule[] {
  const valued = valuedProtocols(family).map((protocol) => ({ protocol, ranges: rangesOf(services, protocol) }));
  const whole = valued.filter(({ ranges }) => rangesEqual(ranges, everyValue));
  // Headers of IPv6 are never the protocol of a packet.
  const headers = family === 6 ? extensionHeaders.map((one) => ({ first: one, last: one })) : [];
  const others = subtractRanges(services.protocols, headers);
  const all = subtractRanges(familyServices(allServices, family).protocols, headers);
  if (whole.length === valued.length && rangesEqual(others, all)) return [{ protocols: [value('all')], ports: [], messages: [] }];
  const rules: ServiceRule[] = [];
  const bare = [...whole.map(({ protocol }) => nameOf(protocol)), ...protocols(family, others, dialect)];
  if (bare.length > 0) rules.push({ protocols: bare, ports: [], messages: [] });
  const part = valued.filter(({ ranges }) => ranges.length > 0 && !rangesEqual(ranges, everyValue));
  const tcp = part.find(({ protocol }) => protocol === protocolNumber.tcp);
  const udp = part.find(({ protocol }) => protocol === protocolNumber.udp);
  if (tcp !== undefined && udp !== undefined && rangesEqual(tcp.ranges, udp.ranges))
    rules.push({ protocols: [tcp, udp].map(({ protocol }) => nameOf(protocol)), ports: ports(tcp.ranges), messages: [] });
  else for (const one of [tcp, udp]) if (one !== undefined) rules.push({ protocols: [nameOf(one.protocol)], ports: ports(one.ranges), messages: [] });
  const icmp = part.find(({ protocol }) => protocol !== protocolNumber.tcp && protocol !== protocolNumber.udp);
  if (icmp !== undefined) rules.push({ protocols: [nameOf(icmp.protocol)], ports: [], messages: messages(family, icmp.ranges, dialect) });
  return rules;
}

/** The values of a protocol, whatever their functions: this target tells none apart. */
function rangesOf(services: FamilyServices, protocol: number): Ranges<number> {
  return canonical((services.values.get(protocol) ?? []).map(({ first, last }) => ({ first, last })));
}

/** Protocols that are cheaper left out than named. */
const mostNamed = 32;

/** What services leave out that name most protocols; undefined for all of them, and for others. */
export function exceptedServices(family: Family, services: FamilyServices): FamilyServices | undefined {
  const named = services.protocols.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (named <= mostNamed) return undefined;
  const sides = family === 4 ? { v4: services, v6: noServices.v6 } : { v4: noServices.v4, v6: services };
  const left = subtractServices(allServices, sides);
  return hasServices(left, family) ? familyServices(left, family) : undefined;
}

export function sameServices(a: FamilyServices, b: FamilyServices): boolean {
  return servicesEqual({ v4: a, v6: noServices.v6 }, { v4: b, v6: noServices.v6 });
}

/** The word for a protocol with ports or messages. */
export function nameOf(protocol: number): Token {
  const names: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };
  const name = names[protocol];
  return name === undefined ? value(`${protocol}`) : value(name);
}
