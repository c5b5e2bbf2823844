/** Packet sets against membership of single packets, field by field. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { AddressLine } from '../../src/packets/address-line.ts';
import { addressSet, containsAddress } from '../../src/net/address-set.ts';
import type { Address, AddressRange } from '../../src/net/address.ts';
import { connectionStates, hooks, type Packet, requestOf } from '../../src/packets/packet.ts';
import type { MessageDetails } from '../../src/packets/function-set.ts';
import { messageSets } from './message-sets.ts';
import { functionRanges } from '../../src/packets/function-set.ts';
import { empty, fields, full, PacketSpace } from '../../src/packets/packet-space.ts';
import { containsService, familyServices, icmpServices, portServices, protocolServices, unionServices } from '../../src/packets/service-set.ts';

const corners4 = [0, 1, 0x0a000000, 0x0a000001, 0x0a0000ff, 0x0a000100, 0xffffffff];
const corners6 = [0n, 1n, 0x20010db8n << 96n, (0x20010db8n << 96n) + 5n, 2n ** 128n - 1n];
const address4 = fc.constantFrom(...corners4);
const address6 = fc.constantFrom(...corners6);
const addresses = fc.oneof(
  fc.tuple(address4, address4).map(([source, destination]): [Address, Address] => [
    { family: 4, value: source },
    { family: 4, value: destination },
  ]),
  fc.tuple(address6, address6).map(([source, destination]): [Address, Address] => [
    { family: 6, value: source },
    { family: 6, value: destination },
  ]),
);
const packets: fc.Arbitrary<Packet> = fc
  .record({
    hook: fc.constantFrom(...hooks),
    inInterface: fc.constantFrom('eth0', 'eth1', 'lo', 'other0', undefined),
    outInterface: fc.constantFrom('eth0', 'eth1', 'lo', 'other0', undefined),
    protocol: fc.constantFrom(0, 1, 6, 17, 47, 58, 255),
    sourcePort: fc.constantFrom(0, 22, 502, 65535),
    value: fc.constantFrom(0, 22, 502, 503, 0x0800, 0x0000, 0x8000, 0x8100, 65535),
    functionNumber: fc.oneof(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 6 })),
    details: fc.record<MessageDetails>({
      unit: fc.integer({ min: 0, max: 4 }),
      firstAddress: fc.integer({ min: 0, max: 4 }),
      lastAddress: fc.integer({ min: 0, max: 4 }),
    }),
    hopLimit: fc.constantFrom(0, 64, 254, 255),
    state: fc.constantFrom(...connectionStates),
    direction: fc.constantFrom<'original' | 'reply'>('original', 'reply'),
    markCurrent: fc.boolean(),
    local: fc.boolean(),
    ends: addresses,
  })
  .map(({ ends, ...rest }) => ({ ...rest, source: ends[0], destination: ends[1] }));

const ranges = fc.oneof(
  fc.tuple(address4, address4).map(([a, b]): AddressRange => ({ family: 4, first: Math.min(a, b), last: Math.max(a, b) })),
  fc.tuple(address6, address6).map(([a, b]): AddressRange => ({ family: 6, first: a < b ? a : b, last: a < b ? b : a })),
);

const wanted = unionServices(
  ...messageSets.map((set, at) => portServices('udp', [{ first: 502 + (at % 2), last: 502 + (at % 2) }], set)),
  portServices('tcp', [
    { first: 22, last: 22 },
    { first: 502, last: 502 },
  ]),
  icmpServices(4, [{ first: 0x0800, last: 0x08ff }]),
  icmpServices(6, [{ first: 0x8000, last: 0x80ff }]),
  protocolServices(47),
);

/** Ports with functions, ranges that overlap, whole protocols. */
const some = [
  portServices('tcp', [{ first: 400, last: 600 }], functionRanges([{ first: 0, last: 9 }])),
  portServices('tcp', [{ first: 502, last: 502 }], functionRanges([{ first: 5, last: 4095 }])),
  unionServices(protocolServices(6), protocolServices(255)),
  icmpServices(6, [{ first: 0x8000, last: 0x8fff }]),
];

const line = new AddressLine([{ v4: corners4.map((value) => ({ first: value, last: value })), v6: corners6.map((value) => ({ first: value, last: value })) }]);

describe.each([
  ['with every bit of an address', undefined],
  ['with segments of addresses', line],
])('packet sets %s', (_, segments) => {
  const space = new PacketSpace(['eth0', 'eth1'], segments);

  test.prop([packets, fc.array(ranges, { maxLength: 4 })])('an address set holds exactly the packets with such an address', (packet, list) => {
    const set = addressSet(list);
    expect(space.contains(space.addressSet('source', set), packet)).toBe(containsAddress(set, packet.source));
    expect(space.contains(space.addressSet('destination', set), packet)).toBe(containsAddress(set, packet.destination));
  });

  test.prop([packets])('services hold exactly the messages that they name', (packet) => {
    const family = packet.source.family;
    expect(space.contains(space.messagesOver(family, [{ services: familyServices(wanted, family), below: full }]), packet)).toBe(
      containsService(wanted, family, packet.protocol, packet.value, packet.functionNumber, packet.details),
    );
  });

  test.prop([packets])('replies hold exactly the messages whose request is named', (packet) => {
    const family = packet.source.family;
    const icmp = packet.protocol === (family === 4 ? 1 : 58);
    const ports = packet.protocol === 6 || packet.protocol === 17;
    const value = ports ? packet.sourcePort : icmp ? requestOf(family, packet.value >> 8) * 256 + (packet.value & 255) : packet.value;
    expect(space.contains(space.repliesOver(family, [{ services: familyServices(wanted, family), below: full }]), packet)).toBe(
      containsService(wanted, family, packet.protocol, value, 1),
    );
  });

  const side = fc.option(fc.array(ranges, { maxLength: 3 }), { nil: undefined });
  const talk = fc.record({ source: side, destination: side, local: fc.boolean(), services: fc.constantFrom(wanted, ...some) });

  test.prop([packets, fc.array(talk, { maxLength: 5 }), fc.boolean()])('many products together hold what any of them holds', (packet, talks, reply) => {
    const family = packet.source.family;
    const ends = talks.map(({ source, destination }) => ({
      source: source === undefined ? undefined : addressSet(source),
      destination: destination === undefined ? undefined : addressSet(destination),
    }));
    const items = talks.map(({ services, local }, index) => ({
      services: familyServices(services, family),
      below: space.between(family, ends.slice(index, index + 2), space.local(local)),
    }));
    const set = reply ? space.repliesOver(family, items) : space.messagesOver(family, items);
    const within = ({ source, destination }: (typeof ends)[number]): boolean =>
      (source === undefined || containsAddress(source, packet.source)) && (destination === undefined || containsAddress(destination, packet.destination));
    const icmp = packet.protocol === (family === 4 ? 1 : 58);
    const ports = packet.protocol === 6 || packet.protocol === 17;
    const asked = !reply ? packet.value : ports ? packet.sourcePort : icmp ? requestOf(family, packet.value >> 8) * 256 + (packet.value & 255) : packet.value;
    const held = talks.some(
      ({ services, local }, index) =>
        packet.local === local &&
        ends.slice(index, index + 2).some(within) &&
        containsService(services, family, packet.protocol, asked, reply ? 0 : packet.functionNumber),
    );
    expect(space.contains(set, packet)).toBe(held);
  });

  test.prop([packets])('every single field tells packets apart', (packet) => {
    for (const hook of hooks) expect(space.contains(space.hook(hook), packet)).toBe(packet.hook === hook);
    for (const state of connectionStates) expect(space.contains(space.state(state), packet)).toBe(packet.state === state);
    expect(space.contains(space.direction('reply'), packet)).toBe(packet.direction === 'reply');
    expect(space.contains(space.markCurrent(true), packet)).toBe(packet.markCurrent);
    expect(space.contains(space.local(true), packet)).toBe(packet.local);
    expect(space.contains(space.inInterface('eth0'), packet)).toBe(packet.inInterface === 'eth0');
    expect(space.contains(space.outInterface('eth1'), packet)).toBe(packet.outInterface === 'eth1');
    expect(space.contains(space.among(fields.hopLimit, [255]), packet)).toBe(packet.hopLimit === 255);
  });

  test.prop([fc.array(ranges, { minLength: 1, maxLength: 4 }), fc.boolean()])('a picked packet is a member', (list, swap) => {
    const set = space.diagram.intersect(
      space.addressSet(swap ? 'source' : 'destination', addressSet(list)),
      space.family(list[0]?.family ?? 4, space.messagesOver(list[0]?.family ?? 4, [{ services: familyServices(wanted, list[0]?.family ?? 4), below: full }])),
    );
    const packet = space.pick(set);
    if (set === empty) expect(packet).toBeUndefined();
    else expect(packet !== undefined && space.contains(set, packet)).toBe(true);
  });

  test.prop([fc.array(ranges, { maxLength: 4 }), fc.array(ranges, { maxLength: 4 })])('a description is that of the set, not of the space', (some, others) => {
    const text = (within: PacketSpace, list: AddressRange[]): string => {
      let result = '';
      within.describe(within.diagram.intersect(within.addressSet('source', addressSet(list)), within.hook('forward')), (chunk) => {
        result += chunk;
      });
      return result;
    };
    const mine = text(space, some);
    expect(text(new PacketSpace(['eth0', 'eth1']), some)).toBe(mine);
    const equal = space.addressSet('source', addressSet(some)) === space.addressSet('source', addressSet(others));
    expect(text(space, others) === mine).toBe(equal);
  });

  it('knows nothing of an empty set and everything of the full one', () => {
    expect(space.pick(empty)).toBeUndefined();
    expect(space.within(fields.value, [])).toBe(empty);
    expect(space.within(fields.value, [{ first: 0, last: 65535 }])).toBe(full);
    expect(space.addressSet('source', { v4: [], v6: [] })).toBe(empty);
  });
});
