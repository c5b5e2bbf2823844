/**
 * The target-neutral form of what one gateway has to enforce (Ir).
 *
 * Order-free: a set of entries. An empty side is empty, never "any"; families are split by whoever lowers it. The
 * baseline and the gateway's own traffic are entries like any other, and each entry keeps its span.
 */
import type { Span } from '../base/source.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { Grade, Rate } from '../model/model.ts';
import type { Where } from '../model/interface-services.ts';
import type { Family } from '../net/address.ts';
import type { Hook } from '../packets/packet.ts';
import type { ServiceSet } from '../packets/service-set.ts';
import type { Conversations, KeepingDetails, SettledOptions } from './capabilities.ts';

/** Targets see the model only through the Ir. */
export type { Conversations, Rate, Where };
export { functionTable } from '../model/functions.ts';

/** A zone as this gateway sees it: without the gateway's own, broadcast and anycast addresses. */
export interface PlacedZone {
  readonly name: string;
  readonly addresses: AddressSet;
}

export interface PlacedInterface {
  readonly name: string;
  readonly zones: readonly PlacedZone[];
  /** All of `zones` together. */
  readonly faced: AddressSet;
  /** Static addresses. */
  readonly own: AddressSet;
  readonly dynamic: boolean;
  /** What counts as its own: `own`, or with a dynamic address what a platform that cannot be asked takes for it; undefined: ask the platform. */
  readonly reached: AddressSet | undefined;
  /** Nothing goes back out of the interface it came by. */
  readonly sharedWire: boolean;
}

/** A declared set of addresses under its own name, as far as the gateway faces it. Names of zones, hosts and groups differ. */
export interface DeclaredAddresses {
  readonly kind: 'zone' | 'host' | 'group';
  readonly name: string;
  /** Never empty. */
  readonly addresses: AddressSet;
}

/** A declared service under its own name, which lies in a name space of its own. */
export interface DeclaredService {
  readonly name: string;
  readonly set: ServiceSet;
}

/** Where an entry came from. */
export interface Origin {
  /** Name of the flow, or the words of a `manage`, `receive` or `send` line. */
  readonly name: string;
  readonly conduit: string | undefined;
  readonly span: Span;
}

/** The right (or the ban) to start conversations. `forward`: from → to; `input`: from → the gateway; `output`: the gateway → to. */
export interface Entry {
  readonly hook: Hook;
  readonly origin: Origin;
  readonly effect: 'allow' | 'deny';
  /** Within the faced zones; the whole side for the gateway's own end, where it is left empty. */
  readonly from: AddressSet;
  readonly to: AddressSet;
  /** As written. */
  readonly written: ServiceSet;
  /** Written, widened to what the achieved grade tells apart. */
  readonly enforced: ServiceSet;
  /**
   * What the called side may say, where it is the one that asks and the target looks into it (`requests backward`); undefined: whatever it likes.
   * The side that opens the conversation answers then, so that `enforced` has every function.
   */
  readonly heard: ServiceSet | undefined;
  /** What the gateway's target achieves, for flows that ask for inspection. */
  readonly grade: Grade | undefined;
  readonly log: boolean;
  readonly count: boolean;
  readonly rate: Rate | undefined;
}

/** Traffic of the gateway itself that passes whatever its connection state (rule 6). */
export interface Pass {
  readonly name: string;
  readonly hook: Exclude<Hook, 'forward'>;
  /** Interface that it is bound to. */
  readonly interface: string;
  readonly family: Family;
  readonly protocol: number;
  readonly sourcePorts: readonly number[] | undefined;
  /** Destination ports, or ICMP types of the family. */
  readonly values: readonly number[] | undefined;
  /** Of these ICMP types only code 0. */
  readonly codeZero: boolean;
  readonly source: readonly Where[];
  readonly destination: readonly Where[];
  readonly hopLimit: number | undefined;
}

/** A conduit's own log of new conversations that are denied between two zones. */
export interface DeniedLog {
  readonly conduit: string;
  readonly from: string;
  readonly to: string;
}

export interface GatewayPolicy {
  readonly gateway: string;
  readonly target: string;
  readonly options: SettledOptions;
  /** A segment of TCP that is denied by what its message says is answered with a reset. */
  readonly resetsDenied: boolean;
  /** What the target makes of packets that belong to a conversation. */
  readonly conversations: Conversations;
  readonly keeps: KeepingDetails;
  /** Sorted by name. */
  readonly interfaces: readonly PlacedInterface[];
  /** Zones that some interface faces, sorted by name. */
  readonly zones: readonly PlacedZone[];
  /** Static addresses of all interfaces. */
  readonly own: AddressSet;
  /** Some interface has a dynamic address, so the platform must say what is the gateway's own. */
  readonly anyDynamic: boolean;
  /** What counts as the gateway's own where it sends; undefined: ask the platform. */
  readonly sending: AddressSet | undefined;
  /** Sorted by hook and name of origin. */
  readonly entries: readonly Entry[];
  readonly passes: readonly Pass[];
  readonly deniedLogs: readonly DeniedLog[];
  /** For platforms that have objects of their own: sorted by kind (host, group, zone), then by name. */
  readonly declaredAddresses: readonly DeclaredAddresses[];
  /** Sorted by name. */
  readonly declaredServices: readonly DeclaredService[];
}
