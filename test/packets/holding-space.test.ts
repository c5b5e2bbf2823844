/** What products hold, against asking each of them for single conversations of a small universe. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Address, Family } from '../../src/net/address.ts';
import { type AddressSet, containsAddress } from '../../src/net/address-set.ts';
import { canonical } from '../../src/net/ranges.ts';
import { AddressLine } from '../../src/packets/address-line.ts';
import { functionBox, functionRanges, type MessageDetails, noDetails } from '../../src/packets/function-set.ts';
import { HoldingSpace } from '../../src/packets/holding-space.ts';
import { containsService, icmpServices, portServices, protocolServices, type ServiceSet, unionServices } from '../../src/packets/service-set.ts';

const four = [0, 1, 2, 3];
const six = [0n, 1n];
/** Of each address the space knows nothing but itself. */
const line = new AddressLine([
  { v4: four.map((value) => ({ first: value, last: value })), v6: [] },
  { v4: [], v6: six.map((value) => ({ first: value, last: value })) },
]);

const sides: fc.Arbitrary<AddressSet> = fc.record({ v4: fc.subarray(four), v6: fc.subarray(six) }).map(({ v4, v6 }) => ({
  v4: canonical(v4.map((value) => ({ first: value, last: value }))),
  v6: canonical(v6.map((value) => ({ first: value, last: value }))),
}));

/** Everything that tells these apart is asked below: protocols 6, 17, 1, 58, 47, 50; ports 500 to 504; functions 0, 5, 6, 10, and of 5 a unit and an address. */
const services: readonly ServiceSet[] = [
  portServices('tcp', [{ first: 500, last: 503 }]),
  portServices('tcp', [{ first: 502, last: 504 }], functionRanges([{ first: 0, last: 7 }])),
  portServices('tcp', [{ first: 502, last: 502 }], functionRanges([{ first: 5, last: 4095 }])),
  portServices('tcp', [{ first: 502, last: 503 }], functionBox(5, { units: { first: 1, last: 2 }, first: { first: 3, last: 9 } })),
  unionServices(portServices('udp', [{ first: 500, last: 500 }]), protocolServices(47)),
  unionServices(icmpServices(4, [{ first: 0x0800, last: 0x08ff }]), icmpServices(6, [{ first: 0x8000, last: 0x80ff }]), protocolServices(6)),
];
const products = fc.record({ source: sides, destination: sides, services: fc.constantFrom(...services) });

interface Asked {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly value: number;
  readonly functionNumber: number;
  readonly details?: MessageDetails;
}

const universe: readonly Asked[] = ([4, 6] as const).flatMap((family) => {
  const ends: Address[] = family === 4 ? four.map((value) => ({ family, value })) : six.map((value) => ({ family, value }));
  const messages = [
    ...[499, 500, 501, 502, 503, 504, 505].flatMap((value) =>
      [0, 5, 6, 10].flatMap((functionNumber) =>
        [noDetails, { unit: 1, firstAddress: 3, lastAddress: 3 }].map((details) => ({ protocol: 6, value, functionNumber, details })),
      ),
    ),
    ...[499, 500, 501].map((value) => ({ protocol: 17, value, functionNumber: 0 })),
    ...[0x0000, 0x0800, 0x08ff, 0x8000, 0x80ff].map((value) => ({ protocol: family === 4 ? 1 : 58, value, functionNumber: 0 })),
    { protocol: 47, value: 0, functionNumber: 0 },
    { protocol: 50, value: 0, functionNumber: 0 },
  ];
  return ends.flatMap((source) => ends.flatMap((destination) => messages.map((message) => ({ family, source, destination, ...message }))));
});

type Drawn = { readonly source: AddressSet; readonly destination: AddressSet; readonly services: ServiceSet };

function holds(one: Drawn, { family, source, destination, protocol, value, functionNumber, details }: Asked): boolean {
  return (
    containsAddress(one.source, source) &&
    containsAddress(one.destination, destination) &&
    containsService(one.services, family, protocol, value, functionNumber, details)
  );
}

describe('a space of what is held', () => {
  test.prop([fc.array(products, { maxLength: 5 }), products])('a product lies in a cover, or meets it, as counting says', (drawn, asked) => {
    const space = new HoldingSpace(line);
    const { once, twice } = space.cover(drawn);
    const held = universe.filter((one) => holds(asked, one)).map((one) => drawn.filter((each) => holds(each, one)).length);
    expect(space.isWithin(asked, once)).toBe(held.every((count) => count >= 1));
    expect(space.isWithin(asked, twice)).toBe(held.every((count) => count >= 2));
    expect(space.meets(asked, once)).toBe(held.some((count) => count >= 1));
    expect(space.meets(asked, twice)).toBe(held.some((count) => count >= 2));
  });
});
