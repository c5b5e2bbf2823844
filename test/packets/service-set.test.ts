/** Laws of service sets: the algebra against membership of single messages. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/net/address.ts';
import { canonical } from '../../src/net/ranges.ts';
import { allFunctions, type MessageDetails } from '../../src/packets/function-set.ts';
import { messageSets } from './message-sets.ts';
import {
  allServices,
  containsService,
  icmpServices,
  intersectServices,
  isNoService,
  noServices,
  portServices,
  protocolServices,
  type ServiceSet,
  servicesEqual,
  subtractServices,
  unionServices,
  widenFunctions,
} from '../../src/packets/service-set.ts';

const port = fc.integer({ min: 0, max: 12 });
const ports = fc
  .array(fc.tuple(port, port), { minLength: 1, maxLength: 3 })
  .map((pairs) => canonical(pairs.map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))));
const functions = fc.oneof(fc.constant(allFunctions), fc.constantFrom(...messageSets));
const atom: fc.Arbitrary<ServiceSet> = fc.oneof(
  fc.tuple(fc.constantFrom<'tcp' | 'udp'>('tcp', 'udp'), ports, functions).map(([protocol, ranges, set]) => portServices(protocol, ranges, set)),
  fc.tuple(fc.constantFrom<Family>(4, 6), ports).map(([family, ranges]) => icmpServices(family, ranges)),
  fc.constantFrom(1, 6, 17, 47, 58).map(protocolServices),
  fc.constant(allServices),
  fc.constant(noServices),
);
const services = fc.array(atom, { minLength: 1, maxLength: 3 }).map((sets) => unionServices(...sets));
const message = fc.record({
  family: fc.constantFrom<Family>(4, 6),
  protocol: fc.constantFrom(0, 1, 6, 17, 47, 58, 255),
  value: fc.integer({ min: 0, max: 13 }),
  functionNumber: fc.integer({ min: 0, max: 6 }),
  details: fc.record<MessageDetails>({
    unit: fc.integer({ min: 0, max: 4 }),
    firstAddress: fc.integer({ min: 0, max: 4 }),
    lastAddress: fc.integer({ min: 0, max: 4 }),
  }),
});

describe('service sets', () => {
  test.prop([services, services, message])('membership of union, difference and intersection', (a, b, one) => {
    const inside = (set: ServiceSet): boolean => containsService(set, one.family, one.protocol, one.value, one.functionNumber, one.details);
    expect(inside(unionServices(a, b))).toBe(inside(a) || inside(b));
    expect(inside(subtractServices(a, b))).toBe(inside(a) && !inside(b));
    expect(inside(intersectServices(a, b))).toBe(inside(a) && inside(b));
  });

  test.prop([services, services])('difference and union put a set together again', (a, b) => {
    expect(servicesEqual(unionServices(subtractServices(a, b), intersectServices(a, b)), a)).toBe(true);
    expect(isNoService(subtractServices(a, a))).toBe(true);
  });

  test.prop([services, message])('widening keeps ports and protocols and frees functions', (a, one) => {
    const some = Array.from({ length: 5 }, (_, at) => at);
    const each = some.flatMap((unit) => some.flatMap((firstAddress) => some.map((lastAddress) => ({ unit, firstAddress, lastAddress }))));
    const any =
      Array.from({ length: 8 }, (_, number) => each.some((details) => containsService(a, one.family, one.protocol, one.value, number, details))).some(
        Boolean,
      ) || containsService(a, one.family, one.protocol, one.value, 4095);
    expect(containsService(widenFunctions(a), one.family, one.protocol, one.value, one.functionNumber, one.details)).toBe(any);
  });

  it('keeps an ICMP message in its own family', () => {
    expect(containsService(icmpServices(4, [{ first: 0x0800, last: 0x0800 }]), 6, 58, 0x0800, 0)).toBe(false);
    expect(containsService(icmpServices(6, [{ first: 0x8000, last: 0x8000 }]), 4, 1, 0x8000, 0)).toBe(false);
    expect(containsService(protocolServices(58), 4, 58, 0, 0)).toBe(true);
  });
});
