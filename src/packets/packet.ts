/**
 * One packet, as a gateway sees it at the moment of its verdict.
 *
 * The platform's own words (hook, interfaces, connection state) are fields like any other: `evaluate` judges such a
 * packet, a packet set holds such packets, and the kernel tests send them.
 */
import type { Address, Family } from '../net/address.ts';
import type { MessageDetails } from './function-set.ts';

/** Whether the packet is through the gateway, for it or from it; given by the platform. */
export const hooks = ['forward', 'input', 'output'] as const;
export type Hook = (typeof hooks)[number];

/** What conntrack says. `established` includes both directions; see `direction`. */
export const connectionStates = ['new', 'established', 'related', 'invalid', 'untracked'] as const;
export type ConnectionState = (typeof connectionStates)[number];

export interface Packet {
  readonly hook: Hook;
  /** Name of the interface it came in by; undefined for output. */
  readonly inInterface: string | undefined;
  /** Name of the interface it goes out by; undefined for input. */
  readonly outInterface: string | undefined;
  readonly source: Address;
  readonly destination: Address;
  /** IP protocol behind all extension headers, 0–255. */
  readonly protocol: number;
  /** TCP and UDP; 0 for others. */
  readonly sourcePort: number;
  /** TCP and UDP: destination port; ICMP of the family: type × 256 + code; 0 for others. */
  readonly value: number;
  /** Number of the function of the client's message (`FunctionTable`). */
  readonly functionNumber: number;
  /** Unit and addresses of the message; absent: it has none (`noDetails`). */
  readonly details?: MessageDetails;
  /** TTL or hop limit, 0–255. */
  readonly hopLimit: number;
  readonly state: ConnectionState;
  /** Direction within its conversation; `original` for a new one. */
  readonly direction: 'original' | 'reply';
  /** True if the conversation carries the mark of the policy in force. */
  readonly markCurrent: boolean;
  /**
   * Input: the platform says the destination is an address of the interface it came in by.
   * Output: the platform says the source is an address of the gateway. Forward: no meaning.
   */
  readonly local: boolean;
}

export function familyOf(packet: Packet): Family {
  return packet.source.family;
}

/**
 * The ICMP type that a reply of type `type` answers, in the numbering of the family; other types stand for themselves.
 * (RFC 792: 8/0, 13/14, 15/16; RFC 950: 17/18; RFC 4443: 128/129; RFC 4620: 139/140.)
 */
export function requestOf(family: Family, type: number): number {
  const pairs: Readonly<Record<number, number>> = family === 4 ? { 0: 8, 14: 13, 16: 15, 18: 17 } : { 129: 128, 140: 139 };
  return pairs[type] ?? type;
}

/** The error messages that may pass as `related` (RFC 792: 3, 11, 12; RFC 4890: ICMPv6 1–4). */
export function relatedErrorTypes(family: Family): readonly number[] {
  return family === 4 ? [3, 11, 12] : [1, 2, 3, 4];
}

/**
 * Headers of IPv6 that stand before the protocol of a packet and are never it: hop-by-hop, routing, fragment, destination options (RFC 8200
 * section 4). An authentication header (51, RFC 4302) is one too, but not all platforms look behind it: here it is a protocol.
 */
export const extensionHeaders: readonly number[] = [0, 43, 44, 60];
