// Packets as bytes. Takes a typed description of an IPv4 or IPv6 packet, gives the bytes of the packet (or of its fragments) with
// correct lengths and checksums, and the Ethernet frame around it. The idea: a description names only what a test cares about;
// everything else has a valid default, so that the kernel has no reason of its own to drop the packet.

import { addressBytes, type Family } from './address.ts';

export type Transport =
  | {
      readonly kind: 'tcp';
      readonly sourcePort: number;
      readonly destinationPort: number;
      /** Letters of F S R P A U E C; '' is a segment without flags. */
      readonly flags: string;
      readonly sequence?: number;
      readonly acknowledgement?: number;
      readonly window?: number;
      /** The four bits behind the header length; 1 is the bit of accurate ECN. */
      readonly reserved?: number;
      readonly options?: Uint8Array;
      readonly payload?: Uint8Array;
    }
  | { readonly kind: 'udp'; readonly sourcePort: number; readonly destinationPort: number; readonly payload?: Uint8Array }
  | {
      /** ICMP under IPv4, ICMPv6 under IPv6. `rest` is the second 32-bit word (identifier and sequence of an echo, MTU, pointer). */
      readonly kind: 'icmp';
      readonly type: number;
      readonly code?: number;
      readonly rest?: number;
      readonly body?: Uint8Array;
    }
  | { readonly kind: 'other'; readonly protocol: number; readonly payload?: Uint8Array };

export type Extension =
  | { readonly kind: 'hop-by-hop' | 'destination'; readonly options?: Uint8Array }
  | { readonly kind: 'routing'; readonly type: number; readonly segmentsLeft: number; readonly data?: Uint8Array }
  | { readonly kind: 'fragment'; readonly offset?: number; readonly more?: boolean; readonly identification?: number }
  /** Any other header: `rest` is all of it but its first byte, the next header. */
  | { readonly kind: 'header'; readonly protocol: number; readonly rest: Uint8Array };

export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly transport: Transport;
  /** TTL or hop limit; 64 unless told. */
  readonly hopLimit?: number;
  /** Type of service or traffic class. */
  readonly trafficClass?: number;
  /** IPv4 options, padded with zeros to a multiple of four. */
  readonly options?: Uint8Array;
  /** IPv6 extension headers in order. */
  readonly extensions?: readonly Extension[];
  readonly dontFragment?: boolean;
  /** Split into this many fragments (IPv6: behind the hop-by-hop and routing headers). */
  readonly fragments?: number;
  /** Where the transport checksum counts another destination: behind a routing header that still has segments. */
  readonly checksumDestination?: string;
  readonly corruptChecksum?: boolean;
}

const none = new Uint8Array(0);
const tcpFlags = 'FSRPAUEC';

/** The bytes of the packet: one array, or one for each fragment, in order. */
export function encodePacket(packet: Packet): readonly Uint8Array[] {
  const source = addressBytes(packet.source);
  const destination = addressBytes(packet.destination);
  if (source.length !== destination.length) throw new Error(`two families in one packet: ${packet.source} ${packet.destination}`);
  const family: Family = source.length === 4 ? 4 : 6;
  const counted = packet.checksumDestination === undefined ? destination : addressBytes(packet.checksumDestination);
  const transport = encodeTransport(packet.transport, family, source, counted);
  if (packet.corruptChecksum === true) corrupt(packet.transport, transport);
  const protocol = protocolNumber(packet.transport, family);
  return family === 4 ? encodeV4(packet, source, destination, protocol, transport) : encodeV6(packet, source, destination, protocol, transport);
}

/** The error that a router sends about `original` (its first bytes, as much as an error carries). */
export function icmpError(type: number, code: number, original: Uint8Array, rest = 0): Transport {
  return { kind: 'icmp', type, code, rest, body: original.slice(0, 576) };
}

export function ethernetFrame(packet: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  const frame = new Uint8Array(14 + packet.length);
  frame.set(to, 0);
  frame.set(from, 6);
  frame.set((packet[0] ?? 0) >> 4 === 6 ? [0x86, 0xdd] : [0x08, 0x00], 12);
  frame.set(packet, 14);
  return frame;
}

/** The group address of Ethernet for a multicast destination, all ones for 255.255.255.255, undefined for anything else. */
export function groupMac(destination: Uint8Array): Uint8Array | undefined {
  const [first = 0, second = 0, third = 0, fourth = 0] = destination;
  if (destination.length === 16) return first === 0xff ? Uint8Array.from([0x33, 0x33, ...destination.slice(12)]) : undefined;
  if (first >= 224 && first < 240) return Uint8Array.from([0x01, 0x00, 0x5e, second & 0x7f, third, fourth]);
  return destination.every((byte) => byte === 255) ? new Uint8Array(6).fill(255) : undefined;
}

export function protocolNumber(transport: Transport, family: Family): number {
  switch (transport.kind) {
    case 'tcp':
      return 6;
    case 'udp':
      return 17;
    case 'icmp':
      return family === 4 ? 1 : 58;
    case 'other':
      return transport.protocol;
  }
}

/** The sum of RFC 1071 over 16-bit words, folded; not yet inverted. */
export function onesSum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let index = 0; index < bytes.length; index += 2) sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

function encodeTransport(transport: Transport, family: Family, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const pseudo = (length: number): number =>
    onesSum(Uint8Array.from([...source, ...destination, 0, protocolNumber(transport, family), length >> 8, length & 0xff]));
  switch (transport.kind) {
    case 'tcp':
      return encodeTcp(transport, pseudo);
    case 'udp': {
      const payload = transport.payload ?? none;
      const bytes = new Uint8Array(8 + payload.length);
      const view = new DataView(bytes.buffer);
      view.setUint16(0, transport.sourcePort);
      view.setUint16(2, transport.destinationPort);
      view.setUint16(4, bytes.length);
      bytes.set(payload, 8);
      view.setUint16(6, invert(onesSum(bytes, pseudo(bytes.length))) || 0xffff);
      return bytes;
    }
    case 'icmp': {
      const body = transport.body ?? none;
      const bytes = new Uint8Array(8 + body.length);
      const view = new DataView(bytes.buffer);
      view.setUint8(0, transport.type);
      view.setUint8(1, transport.code ?? 0);
      view.setUint32(4, transport.rest ?? 0);
      bytes.set(body, 8);
      view.setUint16(2, invert(onesSum(bytes, family === 6 ? pseudo(bytes.length) : 0)));
      return bytes;
    }
    case 'other':
      return Uint8Array.from(transport.payload ?? none);
  }
}

function encodeTcp(transport: Extract<Transport, { kind: 'tcp' }>, pseudo: (length: number) => number): Uint8Array {
  const payload = transport.payload ?? none;
  const options = padded(transport.options ?? none, 4);
  const bytes = new Uint8Array(20 + options.length + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, transport.sourcePort);
  view.setUint16(2, transport.destinationPort);
  view.setUint32(4, transport.sequence ?? 1000);
  view.setUint32(8, transport.acknowledgement ?? 0);
  view.setUint8(12, ((5 + options.length / 4) << 4) | (transport.reserved ?? 0));
  view.setUint8(
    13,
    [...transport.flags].reduce((bits, flag) => bits | flagBit(flag), 0),
  );
  view.setUint16(14, transport.window ?? 65535);
  bytes.set(options, 20);
  bytes.set(payload, 20 + options.length);
  view.setUint16(16, invert(onesSum(bytes, pseudo(bytes.length))));
  return bytes;
}

function flagBit(flag: string): number {
  const index = tcpFlags.indexOf(flag);
  if (index < 0) throw new Error(`not a TCP flag: ${flag}`);
  return 1 << index;
}

function corrupt(transport: Transport, bytes: Uint8Array): void {
  const offset = { tcp: 16, udp: 6, icmp: 2, other: 0 }[transport.kind];
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x55;
}

function encodeV4(packet: Packet, source: Uint8Array, destination: Uint8Array, protocol: number, transport: Uint8Array): Uint8Array[] {
  const options = padded(packet.options ?? none, 4);
  return pieces(transport, packet.fragments ?? 1).map((piece) => {
    const bytes = new Uint8Array(20 + options.length + piece.bytes.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x40 | (5 + options.length / 4));
    view.setUint8(1, packet.trafficClass ?? 0);
    view.setUint16(2, bytes.length);
    view.setUint16(6, (packet.dontFragment === true ? 0x4000 : 0) | (piece.more ? 0x2000 : 0) | (piece.offset / 8));
    view.setUint8(8, packet.hopLimit ?? 64);
    view.setUint8(9, protocol);
    bytes.set(source, 12);
    bytes.set(destination, 16);
    bytes.set(options, 20);
    view.setUint16(10, invert(onesSum(bytes.subarray(0, 20 + options.length))));
    bytes.set(piece.bytes, 20 + options.length);
    return bytes;
  });
}

function encodeV6(packet: Packet, source: Uint8Array, destination: Uint8Array, protocol: number, transport: Uint8Array): Uint8Array[] {
  const extensions = packet.extensions ?? [];
  const count = packet.fragments ?? 1;
  const cut = extensions.findLastIndex((extension) => extension.kind === 'hop-by-hop' || extension.kind === 'routing') + 1;
  const inner = encodeExtensions(extensions.slice(count > 1 ? cut : 0), protocol);
  const whole = Uint8Array.from([...inner.bytes, ...transport]);
  if (count === 1) return [fixedHeaderV6(packet, source, destination, inner.first, whole)];
  return pieces(whole, count).map((piece) => {
    const fragment: Extension = { kind: 'fragment', offset: piece.offset, more: piece.more };
    const outer = encodeExtensions([...extensions.slice(0, cut), fragment], inner.first);
    return fixedHeaderV6(packet, source, destination, outer.first, Uint8Array.from([...outer.bytes, ...piece.bytes]));
  });
}

function fixedHeaderV6(packet: Packet, source: Uint8Array, destination: Uint8Array, next: number, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(40 + rest.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (0x60000000 | ((packet.trafficClass ?? 0) << 20)) >>> 0);
  view.setUint16(4, rest.length);
  view.setUint8(6, next);
  view.setUint8(7, packet.hopLimit ?? 64);
  bytes.set(source, 8);
  bytes.set(destination, 24);
  bytes.set(rest, 40);
  return bytes;
}

function encodeExtensions(extensions: readonly Extension[], protocol: number): { first: number; bytes: Uint8Array } {
  return extensions.reduceRight<{ first: number; bytes: Uint8Array }>(
    (behind, extension) => ({
      first: extensionNumber(extension),
      bytes: Uint8Array.from([...encodeExtension(extension, behind.first), ...behind.bytes]),
    }),
    { first: protocol, bytes: none },
  );
}

function extensionNumber(extension: Extension): number {
  if (extension.kind === 'header') return extension.protocol;
  return { 'hop-by-hop': 0, destination: 60, routing: 43, fragment: 44 }[extension.kind];
}

function encodeExtension(extension: Extension, next: number): Uint8Array {
  switch (extension.kind) {
    case 'hop-by-hop':
    case 'destination':
      return lengthInEights([next, 0, ...(extension.options ?? Uint8Array.from([1, 4, 0, 0, 0, 0]))]);
    case 'routing':
      return lengthInEights([next, 0, extension.type, extension.segmentsLeft, ...(extension.data ?? new Uint8Array(4))]);
    case 'fragment': {
      const bytes = new Uint8Array(8);
      const view = new DataView(bytes.buffer);
      view.setUint8(0, next);
      view.setUint16(2, (extension.offset ?? 0) | (extension.more === true ? 1 : 0));
      view.setUint32(4, extension.identification ?? 0);
      return bytes;
    }
    case 'header':
      return Uint8Array.from([next, ...extension.rest]);
  }
}

function lengthInEights(bytes: readonly number[]): Uint8Array {
  const whole = padded(Uint8Array.from(bytes), 8);
  whole[1] = whole.length / 8 - 1;
  return whole;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly more: boolean;
}

function pieces(bytes: Uint8Array, count: number): readonly Piece[] {
  if (count === 1) return [{ bytes, offset: 0, more: false }];
  const size = Math.max(8, Math.floor(bytes.length / count / 8) * 8);
  if (bytes.length <= size * (count - 1)) throw new Error(`${bytes.length} bytes cannot make ${count} fragments`);
  return Array.from({ length: count }, (_, index) => {
    const last = index === count - 1;
    return { bytes: bytes.slice(index * size, last ? bytes.length : (index + 1) * size), offset: index * size, more: !last };
  });
}

function padded(bytes: Uint8Array, unit: number): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / unit) * unit);
  whole.set(bytes);
  return whole;
}

function invert(sum: number): number {
  return ~sum & 0xffff;
}
