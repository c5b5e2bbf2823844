/**
 * Sets of conversations against brute force: a small universe of addresses and messages, at the ends of every field, tried member by
 * member. A set is made of products, its expectation is the list of them.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type Address, type AddressRange, families, type Family, max4, max6 } from '../../src/net/address.ts';
import { addressSet, type AddressSet, allAddresses, containsAddress, noAddresses, subtractAddresses, unionAddresses } from '../../src/net/address-set.ts';
import { canonical } from '../../src/net/ranges.ts';
import { AddressLine } from '../../src/packets/address-line.ts';
import { type Conversation, ConversationSpace } from '../../src/packets/conversation-space.ts';
import { empty, type Node } from '../../src/packets/diagram.ts';
import { allFunctions, functionRanges } from '../../src/packets/function-set.ts';
import { messageSets } from './message-sets.ts';
import {
  allServices,
  containsService,
  familyServices,
  icmpServices,
  isNoService,
  noServices,
  portServices,
  protocolServices,
  type ServiceSet,
  subtractServices,
  unionServices,
} from '../../src/packets/service-set.ts';

const values4 = [0, 1, 0x0a00_0000, 0x0a00_0001, max4 - 1, max4];
const values6 = [0n, 1n, 0x2001_0db8n << 96n, max6 - 1n, max6];
const addresses: readonly Address[] = [...values4.map((value): Address => ({ family: 4, value })), ...values6.map((value): Address => ({ family: 6, value }))];
/** Of a function that some sets hold in part. */
const detailed = [0, 2].flatMap((unit) =>
  [0, 1].flatMap((firstAddress) => [0, 3].map((lastAddress) => ({ functionNumber: 5, details: { unit, firstAddress, lastAddress } }))),
);
const messages: readonly Pick<Conversation, 'protocol' | 'value' | 'functionNumber' | 'details'>[] = [0, 1, 6, 17, 47, 58, 255].flatMap((protocol) =>
  [0, 1, 22, 23, 0x0800, 65535].flatMap((value) => [
    ...[0, 1, 5, 4095].map((functionNumber) => ({ protocol, value, functionNumber })),
    ...(protocol === 6 && value === 22 ? detailed.map((one) => ({ protocol, value, ...one })) : []),
  ]),
);
/** Other protocols have no value and no function. */
function possible(family: Family, one: (typeof messages)[number]): boolean {
  return [6, 17, family === 4 ? 1 : 58].includes(one.protocol) || (one.value === 0 && one.functionNumber === 0);
}
const universe: readonly Conversation[] = addresses.flatMap((source) =>
  addresses.flatMap((destination) => messages.filter((one) => possible(source.family, one)).map((one) => ({ source, destination, ...one }))),
);

interface Part {
  readonly source: AddressSet;
  readonly destination: AddressSet;
  readonly services: ServiceSet;
}

const range: fc.Arbitrary<AddressRange> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...values4), fc.constantFrom(...values4))
    .map(([a, b]): AddressRange => ({ family: 4, first: Math.min(a, b), last: Math.max(a, b) })),
  fc.tuple(fc.constantFrom(...values6), fc.constantFrom(...values6)).map(([a, b]): AddressRange => ({ family: 6, first: a < b ? a : b, last: a < b ? b : a })),
);
const side = fc.oneof(
  { weight: 9, arbitrary: fc.array(range, { minLength: 1, maxLength: 3 }).map(addressSet) },
  { weight: 1, arbitrary: fc.constantFrom(allAddresses, noAddresses) },
);
const port = fc.constantFrom(0, 1, 22, 23, 0x0800, 65535);
const ports = fc.tuple(port, port).map(([a, b]) => [{ first: Math.min(a, b), last: Math.max(a, b) }]);
const functions = fc.constantFrom(
  allFunctions,
  allFunctions,
  ...messageSets,
  functionRanges([{ first: 0, last: 0 }]),
  functionRanges([{ first: 5, last: 4095 }]),
);
const atom: fc.Arbitrary<ServiceSet> = fc.oneof(
  fc.tuple(fc.constantFrom<'tcp' | 'udp'>('tcp', 'udp'), ports, functions).map(([protocol, ranges, numbers]) => portServices(protocol, ranges, numbers)),
  fc.tuple(fc.constantFrom<Family>(4, 6), ports).map(([family, ranges]) => icmpServices(family, ranges)),
  fc.constantFrom(0, 1, 6, 17, 47, 58, 255).map(protocolServices),
  fc.constantFrom(allServices, noServices),
);
const services = fc.oneof(
  fc.array(atom, { minLength: 1, maxLength: 3 }).map((sets) => unionServices(...sets)),
  fc.tuple(atom, atom).map(([a, b]) => subtractServices(a, b)),
);
const parts = fc.array(fc.record({ source: side, destination: side, services }), { maxLength: 4 });

function spaceFor(...lists: readonly (readonly Part[])[]): ConversationSpace {
  return new ConversationSpace(new AddressLine(lists.flat().flatMap((part) => [part.source, part.destination])));
}

function build(space: ConversationSpace, list: readonly Part[]): Node {
  return space.diagram.unionAll(list.map((part) => space.product(part.source, part.destination, part.services)));
}

function named(set: ServiceSet, one: Conversation): boolean {
  return containsService(set, one.source.family, one.protocol, one.value, one.functionNumber, one.details);
}

function inside(list: readonly Part[], one: Conversation): boolean {
  return (
    one.source.family === one.destination.family &&
    list.some((part) => containsAddress(part.source, one.source) && containsAddress(part.destination, one.destination) && named(part.services, one))
  );
}

/** Members of the universe on which a set and its expectation differ; a few are enough to see why. */
function differing(space: ConversationSpace, set: Node, expected: (one: Conversation) => boolean): Conversation[] {
  return universe.filter((one) => space.contains(set, one) !== expected(one)).slice(0, 3);
}

function sameAddresses(a: AddressSet, b: AddressSet): boolean {
  return [subtractAddresses(a, b), subtractAddresses(b, a)].every((rest) => rest.v4.length + rest.v6.length === 0);
}

describe('sets of conversations', () => {
  test.prop([parts])('hold exactly the members of their products; families never mix', (list) => {
    const space = spaceFor(list);
    expect(differing(space, build(space, list), (one) => inside(list, one))).toEqual([]);
  });

  test.prop([parts, parts])('intersection, union and difference are those of sets, and equality is identity', (a, b) => {
    const space = spaceFor(a, b);
    const { diagram } = space;
    const [x, y] = [build(space, a), build(space, b)];
    expect(differing(space, diagram.intersect(x, y), (one) => inside(a, one) && inside(b, one))).toEqual([]);
    expect(differing(space, diagram.union(x, y), (one) => inside(a, one) || inside(b, one))).toEqual([]);
    expect(differing(space, diagram.subtract(x, y), (one) => inside(a, one) && !inside(b, one))).toEqual([]);
    expect(diagram.union(diagram.subtract(x, y), diagram.intersect(x, y))).toBe(x);
    expect(build(space, [...b, ...a])).toBe(diagram.union(x, y));
  });

  test.prop([parts, side])('a side holds every conversation with such an end, in its family or not', (list, ends) => {
    const space = spaceFor(list, [{ source: ends, destination: ends, services: noServices }]);
    expect(differing(space, space.side('source', ends), (one) => containsAddress(ends, one.source))).toEqual([]);
    expect(differing(space, space.side('destination', ends), (one) => containsAddress(ends, one.destination))).toEqual([]);
  });

  test.prop([parts, parts])('products are disjoint, cover the set exactly, and no two of them can be joined', (a, b) => {
    const space = spaceFor(a, b);
    const { diagram } = space;
    const set = diagram.subtract(build(space, a), build(space, b));
    const found = space.products(set);
    const nodes = found.map((one) =>
      diagram.intersect(space.side('destination', one.destination), diagram.intersect(space.side('source', one.source), one.services)),
    );
    expect(diagram.unionAll(nodes)).toBe(set);
    for (const [index, node] of nodes.entries()) {
      expect(node).not.toBe(empty);
      for (const other of nodes.slice(index + 1)) expect(diagram.intersect(node, other)).toBe(empty);
    }
    const members = universe.filter((one) => space.contains(set, one));
    const holders = members.map(
      (one) =>
        found.filter(
          (part) => containsAddress(part.destination, one.destination) && containsAddress(part.source, one.source) && space.contains(part.services, one),
        ).length,
    );
    expect(holders.every((count) => count === 1)).toBe(true);
    const keys = found.map(
      (one) => `${JSON.stringify(one.destination, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))} ${one.services}`,
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.prop([parts])('a projection is every end of the set', (list) => {
    const space = spaceFor(list);
    const set = build(space, list);
    const full = list.filter((part) => families.some((family) => isOpen(part, family)));
    for (const which of ['source', 'destination'] as const) {
      const wanted = unionAddresses(...full.map((part) => ({ v4: isOpen(part, 4) ? part[which].v4 : [], v6: isOpen(part, 6) ? part[which].v6 : [] })));
      expect(sameAddresses(space.project(which, set), wanted)).toBe(true);
    }
  });

  test.prop([parts])('without its destination, a set holds what some destination has', (list) => {
    const space = spaceFor(list);
    const open = list.filter((part) => families.some((family) => isOpen(part, family)));
    const rest = space.withoutDestination(build(space, list));
    const wanted = (one: Conversation): boolean =>
      open.some((part) => containsAddress(part.source, one.source) && isOpen(part, one.source.family) && named(part.services, one));
    expect(differing(space, rest, wanted)).toEqual([]);
  });

  test.prop([services])('messages is the inverse of services, in each family', (set) => {
    const space = spaceFor([]);
    for (const family of families) {
      const back = space.messages(space.services(family, set));
      const own = (one: ServiceSet): ServiceSet => ({ v4: noServices.v4, v6: noServices.v6, [family === 4 ? 'v4' : 'v6']: familyServices(one, family) });
      expect(isNoService(subtractServices(own(back), own(set))) && isNoService(subtractServices(own(set), own(back)))).toBe(true);
    }
  });

  test.prop([parts, fc.constantFrom(...families)])('the messages of a set of one family are those that some pair of ends has', (list, family) => {
    const space = spaceFor(list);
    const everyone: AddressSet = { v4: family === 4 ? allAddresses.v4 : [], v6: family === 6 ? allAddresses.v6 : [] };
    const found = space.messages(space.diagram.intersect(build(space, list), space.side('source', everyone)));
    const wrong = messages.filter((one) => {
      const wanted = list.some(
        (part) => isOpen(part, family) && containsService(part.services, family, one.protocol, one.value, one.functionNumber, one.details),
      );
      return containsService(found, family, one.protocol, one.value, one.functionNumber, one.details) !== wanted;
    });
    expect(wrong).toEqual([]);
  });

  test.prop([parts, parts, fc.constantFrom(6, 17, 1, 58, 47), port])(
    'a picked conversation is a member, as wished where it can be',
    (a, b, protocol, value) => {
      const space = spaceFor(a, b);
      const set = space.diagram.subtract(build(space, a), build(space, b));
      const picked = space.pick(set, { protocol, value });
      if (set === empty) {
        expect(picked).toBeUndefined();
        return;
      }
      if (picked === undefined) throw new Error('nothing is picked from a set that is not empty');
      expect(space.contains(set, picked)).toBe(true);
      expect(inside(a, picked) && !inside(b, picked)).toBe(true);
      const all = Array.from({ length: 8 }, (_, functionNumber) => ({ ...picked, protocol, value, functionNumber }));
      if (all.some((one) => space.contains(set, one))) expect({ protocol: picked.protocol, value: picked.value }).toEqual({ protocol, value });
      // The lowest addresses: no member goes to a lower destination.
      const lower = universe.some(
        (one) => one.destination.family === picked.destination.family && one.destination.value < picked.destination.value && space.contains(set, one),
      );
      expect(lower).toBe(false);
    },
  );

  it('knows nothing of an empty set, and no side that was not cut', () => {
    const space = new ConversationSpace(new AddressLine([]));
    expect(space.pick(empty)).toBeUndefined();
    expect(space.products(empty)).toEqual([]);
    expect(space.project('source', empty)).toEqual(noAddresses);
    expect(isNoService(space.messages(empty))).toBe(true);
    expect(space.product(noAddresses, allAddresses, allServices)).toBe(empty);
    expect(space.product(allAddresses, allAddresses, noServices)).toBe(empty);
    const host = addressSet([{ family: 6, first: max6, last: max6 }]);
    expect(() => space.product(host, allAddresses, allServices)).toThrow('not cut');
    expect(() => space.side('destination', host)).toThrow('not cut');
  });

  it('keeps the last address of IPv6 and whole families apart', () => {
    const last = addressSet([{ family: 6, first: max6, last: max6 }]);
    const space = new ConversationSpace(new AddressLine([last]));
    const set = space.product(last, allAddresses, allServices);
    expect(space.project('source', set)).toEqual(last);
    expect(space.project('destination', set)).toEqual({ v4: [], v6: canonical([{ first: 0n, last: max6 }]) });
    expect(space.products(set)).toHaveLength(1);
    expect(space.pick(set)?.source).toEqual({ family: 6, value: max6 });
  });
});

/** Whether a part has a member in the family. */
function isOpen(part: Part, family: Family): boolean {
  const has = (set: AddressSet): boolean => (family === 4 ? set.v4 : set.v6).length > 0;
  const own = familyServices(part.services, family);
  return has(part.source) && has(part.destination) && (own.protocols.length > 0 || [...own.values.values()].some((map) => map.length > 0));
}
