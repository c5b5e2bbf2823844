/**
 * Packets at and beside the boundaries of a policy, as records (nothing is sent).
 *
 * Takes the Ir of a gateway and a seed, gives packets whose addresses, ports and messages are edges of the policy's own
 * ranges, mostly on the interfaces that face them, so that many get as far as the flows.
 */
import { type FunctionSet, isEveryFunction } from '../../src/packets/function-set.ts';
import { detailsAtBorders } from './message-details.ts';
import type { Address } from '../../src/net/address.ts';
import { type AddressSet, containsAddress } from '../../src/net/address-set.ts';
import { noFunction, otherFunction } from '../../src/packets/functions.ts';
import { connectionStates, hooks, type Packet } from '../../src/packets/packet.ts';
import { familyServices } from '../../src/packets/service-set.ts';
import type { Gatehouse } from '../../src/policy/evaluate.ts';
import type { Entry, GatewayPolicy } from '../../src/policy/gateway-policy.ts';

/** A small generator of numbers, so that a run can be repeated by its seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function boundaries(policy: GatewayPolicy): { v4: number[]; v6: bigint[]; ports: number[]; icmp: number[]; functions: number[] } {
  const v4 = new Set<number>([0, 0xffffffff, 0xe0000001, 0x7f000001]);
  const v6 = new Set<bigint>([0n, 1n, 0xfe80n << 112n, (0xff02n << 112n) + 1n]);
  const ports = new Set<number>([0, 67, 68, 65535]);
  const functions = new Set<number>([noFunction, 1, otherFunction]);
  const icmp = new Set<number>([0, 0x0300, 0x0800, 0x0b00, 0x8000, 0x8100, 0x0100, 0x0500, 0x8600, 0x8700, 0x8702, 0x8800, 0x8f00]);
  const add = (set: AddressSet): void => {
    for (const range of set.v4)
      for (const value of [range.first - 1, range.first, range.last, range.last + 1]) if (value >= 0 && value <= 0xffffffff) v4.add(value);
    for (const range of set.v6)
      for (const value of [range.first - 1n, range.first, range.last, range.last + 1n]) if (value >= 0n && value < 2n ** 128n) v6.add(value);
  };
  for (const zone of policy.zones) add(zone.addresses);
  for (const face of policy.interfaces) add(face.own);
  for (const entry of policy.entries) {
    add(entry.from);
    add(entry.to);
    for (const family of [4, 6] as const) {
      for (const [protocol, segments] of familyServices(entry.enforced, family).values) {
        for (const segment of segments) {
          for (const value of [segment.first - 1, segment.first, segment.last, segment.last + 1])
            if (value >= 0 && value <= 65535) (protocol === 6 || protocol === 17 ? ports : icmp).add(value);
          for (const { low, high } of segment.functions)
            for (const value of [low - 1, low, high, high + 1]) if (value >= noFunction && value <= otherFunction) functions.add(value);
        }
      }
    }
  }
  return { v4: [...v4], v6: [...v6], ports: [...ports], icmp: [...icmp], functions: [...functions] };
}

/** `count` packets for one gateway. */
export function* edgePackets(house: Gatehouse, policy: GatewayPolicy, seed: number, count: number): Generator<Packet> {
  const next = random(seed);
  const from = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;
  const edges = boundaries(policy);
  const names = [...house.gateway.interfaces.map((face) => face.name), ...house.gateway.interfaces.map((face) => face.name), 'lo', 'unknown0'];
  const protocols = [6, 6, 6, 17, 17, 1, 1, 58, 58, 47, 112, 2, 0, 255];
  // Half of the packets run between the sides of one entry, so that many are allowed.
  const sides = (family: 4 | 6, about?: Entry): [Address, Address] => {
    const entry = about ?? (next() < 0.6 && policy.entries.length > 0 ? from(policy.entries) : undefined);
    const end = (set: AddressSet | undefined): Address => {
      if (family === 4) {
        const range = set === undefined || set.v4.length === 0 ? undefined : from(set.v4);
        return { family, value: range === undefined ? from(edges.v4) : next() < 0.5 ? range.first : range.last };
      }
      const range = set === undefined || set.v6.length === 0 ? undefined : from(set.v6);
      return { family, value: range === undefined ? from(edges.v6) : next() < 0.5 ? range.first : range.last };
    };
    const ends: [Address, Address] = [end(entry?.from), end(entry?.to)];
    return next() < 0.3 ? [ends[1], ends[0]] : ends;
  };
  // Mostly the interface that faces the address, so that many packets get past rule 1.
  const wire = (address: Address): string => {
    const facing = policy.interfaces.filter((face) => containsAddress(face.faced, address));
    return next() < 0.8 && facing.length > 0 ? from(facing).name : from(names);
  };
  const telling = policy.entries.flatMap((entry) =>
    ([4, 6] as const).flatMap((family) =>
      [...familyServices(entry.enforced, family).values].flatMap(([protocol, segments]) =>
        segments.filter(({ functions }) => !isEveryFunction(functions)).map((segment) => ({ entry, family, protocol, segment })),
      ),
    ),
  );
  const said = (functions: FunctionSet | undefined): Pick<Packet, 'functionNumber' | 'details'> => {
    const some = functions?.filter(({ below }) => below !== 'all') ?? [];
    // Of functions that are held in part, units and addresses are asked about.
    if (functions === undefined || some.length === 0 || next() < 0.3) return { functionNumber: from(edges.functions) };
    const { low, high } = from(some);
    const functionNumber = from([low, high]);
    return { functionNumber, details: from(detailsAtBorders([functions], functionNumber)) };
  };
  for (let i = 0; i < count; i++) {
    // Where functions are told apart, a third of the packets asks about them.
    const told = telling.length > 0 && next() < 0.33 ? from(telling) : undefined;
    const hook = told === undefined ? from([...hooks, 'forward', 'forward'] as const) : 'forward';
    const [source, destination] = sides(told?.family ?? (next() < 0.5 ? 4 : 6), told?.entry);
    const protocol = told?.protocol ?? from(protocols);
    const ported = protocol === 6 || protocol === 17;
    const state = from([...connectionStates, 'new', 'new', 'established', 'established'] as const);
    yield {
      hook,
      inInterface: hook === 'output' ? undefined : wire(source),
      outInterface: hook === 'input' ? undefined : wire(destination),
      source,
      destination,
      protocol,
      sourcePort: ported ? from(edges.ports) : 0,
      value:
        told !== undefined
          ? from([told.segment.first, told.segment.last])
          : ported
            ? from(edges.ports)
            : protocol === (source.family === 4 ? 1 : 58)
              ? from(edges.icmp)
              : 0,
      ...said(told?.segment.functions),
      hopLimit: from([255, 254, 64]),
      state,
      direction: state === 'new' ? 'original' : from(['original', 'reply'] as const),
      markCurrent: next() < 0.3,
      local: next() < 0.5,
    };
  }
}
