/**
 * Where the messages of a protocol begin and end, for gateways that look into single packets.
 *
 * The one idea: a packet is one whole message iff a length field says so; then the byte of the function stands at a fixed place. Only protocols
 * for which that was measured stand here. Offsets count bytes from the end of the TCP or UDP header.
 */

import type { ProtocolFunction } from './function.ts';
import { functionsNamed } from './functions.ts';

export interface Frame {
  readonly protocol: string;
  /** A field of two bytes that is zero in every message. */
  readonly zeroAt: number;
  /** The length field, of two bytes, the higher first; it counts what follows it. */
  readonly lengthAt: number;
  /** Values that the length field may have. */
  readonly least: number;
  readonly most: number;
  /** The function, of one byte. */
  readonly functionAt: number;
  /** What the length field of a request may say, by code, where not anything. */
  readonly lengths: ReadonlyMap<number, readonly number[]>;
  /** Functions that a second number behind the first divides: by code, its bytes. */
  readonly divided: ReadonlyMap<number, 1 | 2>;
  /** The same by code × 65536 + second number. */
  readonly dividedLengths: ReadonlyMap<number, readonly number[]>;
  readonly source: string;
}

function steps(first: number, by: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index * by);
}

const modbus: Frame = {
  protocol: 'modbus',
  // The protocol identifier of the MBAP header; its length counts the unit identifier and the request of at most 253 bytes.
  zeroAt: 2,
  lengthAt: 4,
  least: 2,
  most: 254,
  functionAt: 7,
  lengths: new Map([
    ...[1, 2, 3, 4, 5, 6].map((code): [number, number[]] => [code, [6]]),
    ...[7, 11, 12, 17].map((code): [number, number[]] => [code, [2]]),
    // Bytes of coils; registers of two bytes; file records of seven.
    [15, steps(8, 1, 246)],
    [16, steps(9, 2, 123)],
    [20, steps(10, 7, 35)],
    [22, [8]],
    [23, steps(13, 2, 121)],
    [24, [4]],
  ]),
  divided: new Map([
    [8, 2],
    [43, 1],
  ]),
  dividedLengths: new Map([[43 * 65_536 + 14, [5]]]),
  source: 'Modbus Application Protocol V1.1b3, Modbus Messaging on TCP/IP Implementation Guide V1.0b',
};

export const frames: ReadonlyMap<string, Frame> = new Map([[modbus.protocol, modbus]]);

/**
 * Whether whole messages of these functions can be told from those of others by what a frame says: a code that nothing divides belongs to all of
 * its functions or to none.
 */
export function framesTell(protocol: string, functions: readonly ProtocolFunction[]): boolean {
  const frame = frames.get(protocol);
  if (frame === undefined) return true;
  const chosen = new Set(functions);
  const whole = functionsNamed(protocol).flatMap((one) => one.codes.map((code) => ({ one, code })));
  return whole.every(({ one, code }) => {
    if (code.number !== undefined && frame.divided.has(code.number) && typeof code.sub !== 'string') return true;
    return whole.every((other) => other.code.number !== code.number || chosen.has(other.one) === chosen.has(one));
  });
}
