// How a probe is known again. Takes the bytes of a packet, writes a number into a field that no rule reads and no router changes
// (IPv4 identification, IPv6 flow label), and finds it in what the kernel shows later. The idea: the stamp is in the header, so a
// probe keeps exactly the payload it is about, none included, and a fragment, a bare RST or an odd protocol can be told apart as well.

import { addressText, sameBytes, type Family } from './address.ts';

export const largestStamp = 0xffff;

/** Puts the stamp in and mends the IPv4 header checksum by the difference, so a header that was wrong on purpose stays wrong. */
export function stampPacket(packet: Uint8Array, stamp: number): void {
  const view = viewOf(packet);
  const family = familyOfPacket(packet);
  if (family === 4) {
    const old = view.getUint16(4);
    view.setUint16(4, stamp);
    let sum = (~view.getUint16(10) & 0xffff) + (~old & 0xffff) + stamp;
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(10, ~sum & 0xffff);
  } else if (family === 6) {
    view.setUint32(0, ((view.getUint32(0) & 0xfff00000) | stamp) >>> 0);
    stampFragmentHeader(packet, stamp);
  }
}

export function stampOf(packet: Uint8Array): number | undefined {
  const family = familyOfPacket(packet);
  if (family === 4) return viewOf(packet).getUint16(4);
  return family === 6 ? viewOf(packet).getUint32(0) & 0xfffff : undefined;
}

/** True iff source, destination and protocol are the same: what the gateway itself sends may carry a stamp, too, but is something else. */
export function sameEnds(left: Uint8Array, right: Uint8Array): boolean {
  const family = familyOfPacket(left);
  if (family === undefined || family !== familyOfPacket(right)) return false;
  const protocol = (packet: Uint8Array): number => (family === 4 ? (packet[9] ?? 0) : upperHeader(packet, 6).protocol);
  if (protocol(left) !== protocol(right)) return false;
  const [from, to] = family === 4 ? [12, 20] : [8, 40];
  return sameBytes(left.subarray(from, to), right.subarray(from, to));
}

export interface Summary {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  /** The upper protocol, behind IPv6 extension headers. */
  readonly protocol: number;
  /** Type and code of ICMP, ports of TCP and UDP; zero for anything else. */
  readonly first: number;
  readonly second: number;
  /** From the upper header on. */
  readonly upper: Uint8Array;
}

/** What a person wants to know of a packet that nobody sent on purpose. */
export function summarize(packet: Uint8Array): Summary | undefined {
  const family = familyOfPacket(packet);
  if (family === undefined) return undefined;
  const { protocol, offset } = upperHeader(packet, family);
  const upper = packet.slice(offset);
  const view = viewOf(upper);
  const ported = (protocol === 6 || protocol === 17) && upper.length >= 4;
  const control = (protocol === 1 || protocol === 58) && upper.length >= 2;
  return {
    family,
    source: addressText(family === 4 ? packet.slice(12, 16) : packet.slice(8, 24)),
    destination: addressText(family === 4 ? packet.slice(16, 20) : packet.slice(24, 40)),
    hopLimit: packet[family === 4 ? 8 : 7] ?? 0,
    protocol,
    first: ported ? view.getUint16(0) : control ? view.getUint8(0) : 0,
    second: ported ? view.getUint16(2) : control ? view.getUint8(1) : 0,
    upper,
  };
}

export function familyOfPacket(packet: Uint8Array): Family | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= 20) return 4;
  return version === 6 && packet.length >= 40 ? 6 : undefined;
}

/** Gives fragments of one packet one identification of their own, wherever their fragment header stands. */
function stampFragmentHeader(packet: Uint8Array, stamp: number): void {
  let next = packet[6] ?? 59;
  let offset = 40;
  while ((next === 0 || next === 43 || next === 60) && offset + 8 <= packet.length) {
    next = packet[offset] ?? 59;
    offset += ((packet[offset + 1] ?? 0) + 1) * 8;
  }
  if (next === 44 && offset + 8 <= packet.length) viewOf(packet).setUint32(offset + 4, stamp);
}

function upperHeader(packet: Uint8Array, family: Family): { protocol: number; offset: number } {
  if (family === 4) return { protocol: packet[9] ?? 0, offset: ((packet[0] ?? 0x45) & 15) * 4 };
  let protocol = packet[6] ?? 59;
  let offset = 40;
  while ([0, 43, 44, 60].includes(protocol) && offset + 8 <= packet.length) {
    const length = protocol === 44 ? 8 : ((packet[offset + 1] ?? 0) + 1) * 8;
    protocol = packet[offset] ?? 59;
    offset += length;
  }
  return { protocol, offset };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
