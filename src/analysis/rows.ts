/**
 * Sets of conversations as few readable rows: from, to, services.
 *
 * Takes a set as one gateway sees it, gives rows whose union is exactly the set. Destinations that are reached alike
 * share a row, so do sources, and what several sources may do alike stands once; rows may overlap.
 */
import { addressRanges, type AddressSet, unionAddresses } from '../net/address-set.ts';
import type { Family } from '../net/address.ts';
import type { Model } from '../model/model.ts';
import type { ConversationSpace } from '../packets/conversation-space.ts';
import { empty, type Node } from '../packets/diagram.ts';
import type { ServiceSet } from '../packets/service-set.ts';
import { joined } from './item-list.ts';
import { PlaceNames, type View } from './place-names.ts';
import { ServiceNames } from './service-names.ts';

/** One row: every source with every destination on every service, in one family. */
export interface Product {
  readonly family: Family;
  readonly source: AddressSet;
  readonly destination: AddressSet;
  readonly services: ServiceSet;
  /** The row as a set. */
  readonly set: Node;
}

/** Beyond so many different sets of messages at one destination they are not searched for what they share. */
const mostShared = 48;

/** The set as few products, in a stable order. */
export function productsOf(space: ConversationSpace, set: Node): Product[] {
  const { diagram } = space;
  interface Part {
    source: AddressSet;
    destination: AddressSet;
    services: Node;
  }
  // Within a destination: what many sources share stands once, for all of them.
  const parts: Part[] = [];
  const byDestination = new Map<string, { destination: AddressSet; messages: { source: AddressSet; services: Node }[] }>();
  for (const { destination, source, services } of space.products(set)) {
    const key = `${family(source)} ${textOf(destination)}`;
    const known = byDestination.get(key);
    if (known === undefined) byDestination.set(key, { destination, messages: [{ source, services }] });
    else known.messages.push({ source, services });
  }
  for (const { destination, messages } of byDestination.values()) {
    const within = (small: Node, large: Node): boolean => diagram.subtract(small, large) === empty;
    if (messages.length > mostShared) {
      for (const { source, services } of messages) parts.push({ source, destination, services });
      continue;
    }
    const ordered = messages.toSorted(
      (a, b) => messages.filter((one) => within(one.services, a.services)).length - messages.filter((one) => within(one.services, b.services)).length,
    );
    for (const { services } of ordered) {
      const inner = ordered.filter((one) => one.services !== services && within(one.services, services)).map((one) => one.services);
      const rest = diagram.subtract(services, diagram.unionAll(inner));
      if (rest === empty) continue;
      const source = unionAddresses(...ordered.filter((one) => within(rest, one.services)).map((one) => one.source));
      parts.push({ source, destination, services: rest });
    }
  }
  // Then rows that differ in one column only become one.
  const merge = (rows: Part[], key: (part: Part) => string, join: (a: Part, b: Part) => void): Part[] => {
    const kept = new Map<string, Part>();
    for (const row of rows) {
      const known = kept.get(key(row));
      if (known === undefined) kept.set(key(row), { ...row });
      else join(known, row);
    }
    return [...kept.values()];
  };
  let rows = parts;
  for (let before = Infinity; rows.length < before;) {
    before = rows.length;
    rows = merge(
      rows,
      (row) => `${family(row.source)} ${textOf(row.source)} ${row.services}`,
      (a, b) => {
        a.destination = unionAddresses(a.destination, b.destination);
      },
    );
    rows = merge(
      rows,
      (row) => `${family(row.source)} ${textOf(row.destination)} ${row.services}`,
      (a, b) => {
        a.source = unionAddresses(a.source, b.source);
      },
    );
    rows = merge(
      rows,
      (row) => `${family(row.source)} ${textOf(row.source)} ${textOf(row.destination)}`,
      (a, b) => {
        a.services = diagram.union(a.services, b.services);
      },
    );
  }
  const messages = new Map<Node, ServiceSet>();
  return rows.map(({ source, destination, services }) => {
    const named = messages.get(services) ?? space.messages(services);
    messages.set(services, named);
    return { family: family(source), source, destination, services: named, set: space.product(source, destination, named) };
  });
}

function family(set: AddressSet): Family {
  return set.v4.length > 0 ? 4 : 6;
}

function textOf(set: AddressSet): string {
  return addressRanges(set)
    .map((range) => `${range.first}-${range.last}`)
    .join();
}

export interface Row {
  /** Selectors and services of the zone language, read where the row's gateways stand. */
  readonly from: string;
  readonly to: string;
  readonly service: string;
  readonly family: Family | 'both';
  readonly gateways: readonly string[];
  /** The products behind it, one a family and gateway; as sets. */
  readonly parts: readonly (Product & { readonly gateway: string })[];
}

/** What one gateway lets pass, to be shown. */
export interface Share {
  readonly gateway: string;
  readonly view: View;
  readonly set: Node;
  /** Stands in a column instead of names: the gateway itself. */
  readonly self?: 'source' | 'destination' | undefined;
}

const serviceNames = new WeakMap<Model, ServiceNames>();
const placeNames = new WeakMap<Model, WeakMap<View['zones'], PlaceNames>>();

function known<Key extends object, Value>(memory: WeakMap<Key, Value>, key: Key, make: () => Value): Value {
  const value = memory.get(key) ?? make();
  memory.set(key, value);
  return value;
}

/** Names for the places of a view, made once. */
export function placeNamesOf(model: Model, zones: View['zones']): PlaceNames {
  return known(
    known(placeNames, model, () => new WeakMap<View['zones'], PlaceNames>()),
    zones,
    () => new PlaceNames(model, { zones }),
  );
}

/** Names for the services of a policy, made once. */
export function serviceNamesOf(model: Model): ServiceNames {
  return known(serviceNames, model, () => new ServiceNames(model));
}

/** Rows of what several gateways do; a row that is the same on some of them, or in both families, stands once. */
export function rowsOf(model: Model, space: ConversationSpace, shares: readonly Share[]): Row[] {
  const services = serviceNamesOf(model);
  const rows = new Map<
    string,
    { from: string; to: string; service: string; gateways: Set<string>; families: Set<Family>; parts: (Product & { gateway: string })[] }
  >();
  const words = { 4: new Map<ServiceSet, string>(), 6: new Map<ServiceSet, string>() };
  for (const { gateway, view, set, self } of shares) {
    const places = placeNamesOf(model, view.zones);
    for (const product of productsOf(space, set)) {
      const side = (which: 'source' | 'destination'): string => (self === which ? gateway : joined(places.items(product[which], product.family)));
      const [from, to] = [side('source'), side('destination')];
      const service = words[product.family].get(product.services) ?? joined(services.items(product.services, product.family));
      words[product.family].set(product.services, service);
      const key = `${from}\n${to}\n${service}`;
      const row = rows.get(key) ?? { from, to, service, gateways: new Set<string>(), families: new Set<Family>(), parts: [] };
      row.gateways.add(gateway);
      row.families.add(product.family);
      row.parts.push({ ...product, gateway });
      rows.set(key, row);
    }
  }
  // A row of both families is one only if every gateway has both.
  return [...rows.values()]
    .flatMap((row): Row[] => {
      const head = { from: row.from, to: row.to, service: row.service };
      const gateways = (parts: readonly { gateway: string }[]): string[] => [...new Set(parts.map((part) => part.gateway))].sort();
      const of = (one: Family): Row['parts'] => row.parts.filter((part) => part.family === one);
      const [four, six] = [of(4), of(6)];
      if (four.length > 0 && six.length > 0 && gateways(four).join() === gateways(six).join())
        return [{ ...head, family: 'both', gateways: gateways(four), parts: row.parts }];
      return ([4, 6] as const).flatMap((one) => (of(one).length === 0 ? [] : [{ ...head, family: one, gateways: gateways(of(one)), parts: of(one) }]));
    })
    .toSorted((a, b) => compare(a.from, b.from) || compare(a.to, b.to) || compare(a.service, b.service) || compare(String(a.family), String(b.family)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
