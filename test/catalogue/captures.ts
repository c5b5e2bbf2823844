/**
 * Captures as packets of transport protocols, and what of them a frame recognises.
 *
 * Takes a pcap or pcapng file, gives what TCP and UDP carried. `classified` says of one payload what `src/catalogue/frames.ts` makes of it, byte by
 * byte and without a target: the frames' own meaning, to be held against what others see in the same packets.
 */
import { hasLengthField, swapped, wordsOf, type Form } from '../../src/catalogue/frame.ts';
import { frames } from '../../src/catalogue/frames.ts';
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import { functionsNamed } from '../../src/catalogue/functions.ts';

export interface Carried {
  /** Number of the packet in its file, from one. */
  readonly frame: number;
  readonly transport: 'tcp' | 'udp';
  readonly source: number;
  readonly destination: number;
  readonly payload: Buffer;
}

export function carriedIn(file: Buffer): readonly Carried[] {
  return packetsOf(file).flatMap((packet, index) => {
    const one = carriedBy(packet);
    return one === undefined ? [] : [{ frame: index + 1, ...one }];
  });
}

/** Ethernet frames of a file. */
function packetsOf(file: Buffer): readonly Buffer[] {
  const packets: Buffer[] = [];
  if (file.readUInt32LE(0) === 0x0a0d0d0a) {
    for (let at = 0; at + 12 <= file.length; at += file.readUInt32LE(at + 4))
      if (file.readUInt32LE(at) === 6) packets.push(file.subarray(at + 28, at + 28 + file.readUInt32LE(at + 20)));
    return packets;
  }
  const little = [0xa1b2c3d4, 0xa1b23c4d].includes(file.readUInt32LE(0));
  for (let at = 24; at + 16 <= file.length;) {
    const length = little ? file.readUInt32LE(at + 8) : file.readUInt32BE(at + 8);
    packets.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return packets;
}

function carriedBy(packet: Buffer): Omit<Carried, 'frame'> | undefined {
  let at = 12;
  while (packet.length > at + 2 && packet.readUInt16BE(at) === 0x8100) at += 4;
  const type = packet.length > at + 2 ? packet.readUInt16BE(at) : 0;
  const ip = packet.subarray(at + 2);
  let upper: Buffer;
  let protocol: number;
  if (type === 0x0800 && ip.length >= 20) {
    protocol = ip.readUInt8(9);
    upper = ip.subarray((ip.readUInt8(0) & 15) * 4, ip.readUInt16BE(2));
  } else if (type === 0x86dd && ip.length >= 40) {
    protocol = ip.readUInt8(6);
    upper = ip.subarray(40, 40 + ip.readUInt16BE(4));
  } else return undefined;
  if ((protocol !== 6 && protocol !== 17) || upper.length < 8) return undefined;
  const header = protocol === 6 ? (upper.readUInt8(12) >> 4) * 4 : 8;
  const ports = { source: upper.readUInt16BE(0), destination: upper.readUInt16BE(2) };
  return { transport: protocol === 6 ? 'tcp' : 'udp', ...ports, payload: upper.subarray(header, protocol === 17 ? upper.readUInt16BE(4) : undefined) };
}

/** The functions that a message of a protocol, or of what carries it, has: several where they share a code, none where it is not recognised. */
export function classified(protocol: string, transport: 'tcp' | 'udp', payload: Buffer): readonly ProtocolFunction[] {
  const functions = functionsNamed(protocol);
  return functions.filter((one) =>
    (frames.get(one.protocol)?.forms ?? []).some(
      (form) => form.layer === one.layer.name && (form.on ?? transport) === transport && isMessage(form, one, payload, functions),
    ),
  );
}

function isMessage(form: Form, one: ProtocolFunction, payload: Buffer, functions: readonly ProtocolFunction[]): boolean {
  if (frames.get(one.protocol)?.envelopes.has(one.name) === true) return false;
  const read = (at: number, size: number): number => (at + size <= payload.length ? payload.readUIntBE(at, size) : -1);
  if (!form.fixed.every(({ at, size, values }) => values.some(({ first, last }) => first <= read(at, size) && read(at, size) <= last))) return false;
  const { length } = form;
  let said: number | undefined;
  if (hasLengthField(length)) {
    const raw = read(length.at, length.size);
    said = length.order === 'little' ? swapped(raw, length.size) : raw;
    if (raw < 0 || length.message(said) !== payload.length) return false;
  } else if (payload.length < length.first || payload.length > length.last) return false;
  const { at, size } = form.function;
  return one.codes.some(({ number, sub }) => {
    if (number === undefined || !wordsOf(form.function, number).includes(read(at, size))) return false;
    const width = form.divided.get(number);
    if (width === undefined) return fits(form, form.lengths.get(number), said);
    const second = read(at + size, width);
    if (typeof sub === 'number') return second === sub && fits(form, form.dividedLengths.get(number * 65_536 + sub), said);
    return (
      !functions.some((other) => other.layer.name === one.layer.name && other.codes.some((code) => code.number === number && code.sub === second)) &&
      second >= 0 &&
      fits(form, undefined, said)
    );
  });
}

function fits({ length }: Form, lengths: readonly number[] | undefined, said: number | undefined): boolean {
  if (said === undefined || !hasLengthField(length)) return true;
  return lengths === undefined ? length.least <= said && said <= length.most : lengths.includes(said);
}
