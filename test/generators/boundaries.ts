/**
 * Where a plant's rules begin and end.
 *
 * Takes the model of a plant with its gateway, gives addresses and messages at, beside and inside every range that some declaration names,
 * and what a router's table makes of a destination. The idea: a wrong rule is wrong at an end of a range first.
 */
import { type Address, type Family, parsePrefix } from '../../src/net/address.ts';
import type { AddressSet } from '../../src/net/address-set.ts';
import { familyServices, type ServiceSet } from '../../src/packets/service-set.ts';
import { addressOf } from './address-plan.ts';
import type { Draw } from './draw.ts';
import type { PlantInterface } from './plant-zones.ts';

/** A message: protocol with port or ICMP type and code. */
export interface Message {
  readonly protocol: number;
  readonly value: number;
}

/** An address at, beside or inside some range of the set; undefined if it has none in this family. */
export function nearAddress(draw: Draw, set: AddressSet, family: Family): Address | undefined {
  const ranges: readonly { readonly first: number | bigint; readonly last: number | bigint }[] = family === 4 ? set.v4 : set.v6;
  if (ranges.length === 0) return undefined;
  const range = draw.pick(ranges);
  const [first, last] = [BigInt(range.first), BigInt(range.last)];
  const value = draw.weighted([
    [5, first],
    [5, last],
    [2, first - 1n],
    [2, last + 1n],
    [2, first + 1n],
    [1, last - 1n],
    [5, draw.big(first, last)],
  ]);
  return addressOf(family, value);
}

/** A message at, beside or inside some range of the services; undefined if they have none in this family. */
export function nearMessage(draw: Draw, set: ServiceSet, family: Family): Message | undefined {
  const services = familyServices(set, family);
  const valued = [...services.values.entries()].filter(([, segments]) => segments.length > 0);
  if (valued.length === 0 && services.protocols.length === 0) return undefined;
  if (services.protocols.length > 0 && (valued.length === 0 || draw.chance(15))) {
    const range = draw.pick(services.protocols);
    return { protocol: clamp(nearNumber(draw, range.first, range.last), 255), value: draw.integer(0, 65535) };
  }
  const [protocol, segments] = draw.pick(valued);
  const segment = draw.pick(segments);
  const value = clamp(nearNumber(draw, segment.first, segment.last), 65535);
  const ported = protocol === 6 || protocol === 17;
  return { protocol: ported && draw.chance(6) ? 23 - protocol : protocol, value };
}

function nearNumber(draw: Draw, first: number, last: number): number {
  return draw.weighted([
    [5, first],
    [5, last],
    [2, first - 1],
    [2, last + 1],
    [4, draw.integer(first, last)],
  ]);
}

function clamp(value: number, last: number): number {
  return Math.min(last, Math.max(0, value));
}

/** Addresses that are nobody's, everybody's or the kernel's own. */
export const strangeAddresses: Readonly<Record<Family, readonly string[]>> = {
  4: [
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '169.254.1.1',
    '192.0.2.77',
    '223.255.255.255',
    '224.0.0.1',
    '224.0.0.18',
    '224.0.1.129',
    '239.1.1.1',
    '240.0.0.1',
    '255.255.255.255',
  ],
  6: [
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '100::1',
    '2001:db8:dead::1',
    'fe80::1234',
    'fec0::1',
    'ff02::1',
    'ff02::2',
    'ff02::12',
    'ff02::1:2',
    'ff05::2',
    'ff0e::1',
  ],
};

interface Route {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  readonly length: number;
  readonly interface: string;
}

/** The routing table of the plant's gateway, as the kernel builds it from addresses and routes. */
export class RoutingTable {
  readonly #routes: readonly Route[];
  readonly #own = new Set<string>();
  readonly #delivered = new Set<string>();

  constructor(interfaces: readonly PlantInterface[]) {
    const routes: Route[] = [];
    for (const face of interfaces) {
      for (const text of [...face.addresses, ...face.routes]) {
        const prefix = parsePrefix(text);
        if (prefix === undefined) throw new Error(`not a prefix: ${text}`);
        const { family, first, last } = prefix.network;
        routes.push({ family, first: BigInt(first), last: BigInt(last), length: prefix.length, interface: face.name });
        if (!face.addresses.includes(text)) continue;
        this.#own.add(keyOf(prefix.address));
        if (family === 4 && prefix.length < 31) this.#delivered.add(keyOf({ family, value: last }));
        if (family === 6 && prefix.length < 127) this.#delivered.add(keyOf({ family, value: first }));
      }
    }
    this.#routes = routes.toSorted((a, b) => b.length - a.length);
  }

  isOwn(address: Address): boolean {
    return this.#own.has(keyOf(address));
  }

  /** Directed broadcasts and subnet-router anycasts, which the kernel takes for itself. */
  isDelivered(address: Address): boolean {
    return this.#delivered.has(keyOf(address));
  }

  /** The interface on which the address lies, as the longest prefix says. */
  way(address: Address): string | undefined {
    const value = BigInt(address.value);
    return this.#routes.find((route) => route.family === address.family && route.first <= value && value <= route.last)?.interface;
  }
}

function keyOf(address: Address): string {
  return `${address.family} ${address.value}`;
}
