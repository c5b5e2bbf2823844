/**
 * The fields of a packet in the order of a diagram's bits, and a packet bit by bit.
 *
 * Takes a packet, gives any of its bits; takes the values of all fields, gives the packet. Which interface and which address a number stands
 * for is asked of the space.
 */
import type { Address } from '../net/address.ts';
import type { AddressLine } from './address-line.ts';
import { functionBits, messageBits, noDetails } from './function-set.ts';
import { connectionStates, hooks, type Packet } from './packet.ts';
import { maxValue } from './service-set.ts';

export interface Field {
  readonly name: string;
  /** First bit of the order. */
  readonly level: number;
  readonly width: number;
}

const widths = [
  ['hook', 2],
  ['state', 3],
  ['direction', 1],
  ['mark', 1],
  ['family', 1],
  ['inInterface', 10],
  ['outInterface', 10],
  ['protocol', 8],
  ['value', 16],
  ['sourcePort', 16],
  ['function', functionBits],
  ['unit', messageBits[1]],
  ['firstAddress', messageBits[2]],
  ['lastAddress', messageBits[3]],
  ['destination', 128],
  ['source', 128],
  ['hopLimit', 8],
  ['local', 1],
] as const;

export type FieldName = (typeof widths)[number][0];

export const fields: Readonly<Record<FieldName, Field>> = (() => {
  let level = 0;
  const result: Partial<Record<FieldName, Field>> = {};
  for (const [name, width] of widths) {
    result[name] = { name, level, width };
    level += width;
  }
  return result as Record<FieldName, Field>;
})();

const byLevel: readonly Field[] = Object.values(fields).flatMap((field) => Array.from({ length: field.width }, () => field));

/** What numbers of interfaces and places of addresses stand for. */
export interface Naming {
  readonly line: AddressLine | undefined;
  interfaceNumber(name: string | undefined): number;
  interfaceName(number: number): string | undefined;
}

export function fieldAt(level: number): Field {
  const field = byLevel[level];
  if (field === undefined) throw new Error(`no field at level ${level}`);
  return field;
}

/** Whether the bit at the level is set. */
export function bitOf(packet: Packet, level: number, naming: Naming): boolean {
  const field = fieldAt(level);
  const position = BigInt(field.width - 1 - (level - field.level));
  return ((valueOf(packet, field.name as FieldName, naming) >> position) & 1n) === 1n;
}

function addressBits(address: Address, line: AddressLine | undefined): bigint {
  if (line !== undefined) return BigInt(line.placeOf(address)) << BigInt(fields.source.width - line.bits);
  return address.family === 4 ? BigInt(address.value) << 96n : address.value;
}

function valueOf(packet: Packet, field: FieldName, naming: Naming): bigint {
  switch (field) {
    case 'hook':
      return BigInt(hooks.indexOf(packet.hook));
    case 'state':
      return BigInt(connectionStates.indexOf(packet.state));
    case 'direction':
      return packet.direction === 'reply' ? 1n : 0n;
    case 'mark':
      return packet.markCurrent ? 1n : 0n;
    case 'family':
      return packet.source.family === 6 ? 1n : 0n;
    case 'inInterface':
      return BigInt(naming.interfaceNumber(packet.inInterface));
    case 'outInterface':
      return BigInt(naming.interfaceNumber(packet.outInterface));
    case 'destination':
      return addressBits(packet.destination, naming.line);
    case 'source':
      return addressBits(packet.source, naming.line);
    case 'protocol':
      return BigInt(packet.protocol);
    case 'value':
      return BigInt(packet.value);
    case 'sourcePort':
      return BigInt(packet.sourcePort);
    case 'function':
      return BigInt(packet.functionNumber);
    case 'unit':
    case 'firstAddress':
    case 'lastAddress':
      return BigInt((packet.details ?? noDetails)[field]);
    case 'hopLimit':
      return BigInt(packet.hopLimit);
    case 'local':
      return packet.local ? 1n : 0n;
  }
}

/** `values` of all fields, an address in the first bits of its own; no details. */
export function packetOf(values: ReadonlyMap<Field, bigint>, naming: Naming): Packet {
  const value = (name: FieldName): number => Number(values.get(fields[name]) ?? 0n);
  const six = value('family') === 1;
  const address = (name: 'source' | 'destination'): Address => {
    const bits = values.get(fields[name]) ?? 0n;
    if (naming.line !== undefined) return naming.line.addressAt(six ? 6 : 4, Number(bits >> BigInt(fields[name].width - naming.line.bits)));
    return six ? { family: 6, value: bits } : { family: 4, value: Number(bits >> 96n) };
  };
  return {
    hook: hooks[value('hook')] ?? 'forward',
    inInterface: naming.interfaceName(value('inInterface')),
    outInterface: naming.interfaceName(value('outInterface')),
    source: address('source'),
    destination: address('destination'),
    protocol: value('protocol'),
    sourcePort: value('sourcePort'),
    value: value('value') & maxValue,
    functionNumber: value('function'),
    hopLimit: value('hopLimit'),
    state: connectionStates[value('state')] ?? 'invalid',
    direction: value('direction') === 1 ? 'reply' : 'original',
    markCurrent: value('mark') === 1,
    local: value('local') === 1,
  };
}
