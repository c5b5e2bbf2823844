/**
 * The resolved policy: nothing left to look up.
 *
 * Made by `resolve` from the syntax tree; taken by everything behind it. Names are strings for reports, addresses and
 * services are sets, and every record keeps the span of the words it came from.
 */
import type { Span } from '../base/source.ts';
import type { ProtocolFunction } from '../catalogue/function.ts';
import type { Address, AddressRange, Family } from '../net/address.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { ServiceSet } from '../packets/service-set.ts';

export const grades = ['ports', 'function', 'pdu', 'stream'] as const;
/** What is enforced of a protocol's functions, weakest first (grammar/README.md, "Grades"). */
export type Grade = (typeof grades)[number];

export const zoneKinds = ['dmz', 'safety', 'untrusted', 'wireless', 'vendor', 'management', 'transient', 'unknown'] as const;
export type ZoneKind = (typeof zoneKinds)[number];

export interface Zone {
  readonly name: string;
  readonly label: string | undefined;
  /** Purdue level: 0, 1, 2, 3, 3.5, 4 or 5; undefined if none was given and the kind implies none. */
  readonly level: number | undefined;
  readonly kind: ZoneKind | undefined;
  /** IEC 62443 target security level (SL-T), 0–4. */
  readonly securityLevel: number | undefined;
  readonly addresses: AddressSet;
  /** True for `networks rest`. */
  readonly rest: boolean;
  readonly span: Span;
}

export interface Host {
  readonly name: string;
  readonly label: string | undefined;
  readonly zone: string;
  readonly addresses: AddressSet;
  readonly roles: readonly string[];
  readonly traits: readonly string[];
  readonly asset: string | undefined;
  readonly span: Span;
}

export interface Group {
  readonly name: string;
  readonly label: string | undefined;
  readonly addresses: AddressSet;
  readonly span: Span;
}

/** A selector's meaning, with the words it was written in. */
export interface ResolvedSelector {
  readonly addresses: AddressSet;
  /** Gateways named by it; their static addresses are part of `addresses` too. */
  readonly gateways: readonly string[];
  /** Gateways of which it names single addresses. (Zones and networks hold a gateway's address, but never mean it.) */
  readonly gatewayAddresses: readonly string[];
  /** As written, white space folded. */
  readonly text: string;
  readonly span: Span;
}

/** Functions that a service names, for grades. */
export interface NamedFunctions {
  readonly protocol: string;
  readonly functions: readonly ProtocolFunction[];
  /** The ports on which they are named, with every function. */
  readonly where: ServiceSet;
  /** What of their messages is named besides. */
  readonly details: readonly MessageDetail[];
  readonly span: Span;
}

/** What a message says besides its function. */
export type MessageDetail = 'unit' | 'address';

/** A list of services: its meaning, and what about it matters beyond the set. */
export interface ResolvedServices {
  readonly set: ServiceSet;
  /** Non-empty if functions are named: then less than grade `pdu` needs `accept-weaker`. */
  readonly functions: readonly NamedFunctions[];
  /** OT protocols named or bound to a named port. */
  readonly otProtocols: readonly string[];
  /** Parts that no routed gateway can carry: layer 2, multicast, broadcast. */
  readonly unroutable: readonly { readonly name: string; readonly why: string; readonly span: Span }[];
  readonly text: string;
  readonly span: Span;
}

export interface Rate {
  /** New conversations per unit. */
  readonly amount: number;
  readonly unit: 'second' | 'minute' | 'hour' | 'day';
  readonly burst: number;
}

/** A property's value with its place. */
export interface Placed<Value> {
  readonly value: Value;
  readonly span: Span;
}

/** What a flow and a gateway's own traffic have in common. */
export interface FlowProperties {
  readonly log: boolean;
  readonly count: boolean;
  readonly owner: string | undefined;
  readonly ticket: string | undefined;
  readonly reason: string | undefined;
  /** Last day in force, `YYYY-MM-DD`. */
  readonly expires: Placed<string> | undefined;
  readonly rate: Rate | undefined;
  readonly essential: boolean;
  readonly disabled: Placed<string> | undefined;
}

/** Who asks inside a conversation: the side that opened it, or the side that was called. */
export const requestDirections = ['forward', 'backward'] as const;
export type RequestDirection = (typeof requestDirections)[number];

export interface Flow extends FlowProperties {
  readonly name: string;
  readonly label: string | undefined;
  readonly conduit: Conduit | undefined;
  readonly effect: 'allow' | 'deny';
  readonly from: ResolvedSelector;
  readonly to: ResolvedSelector;
  readonly services: ResolvedServices;
  /** Which way the requests run whose functions the services name. */
  readonly requests: RequestDirection;
  /** Grade asked for, by `inspect`, the conduit's floor, or since functions are named; undefined: none. */
  readonly asked: Placed<Grade> | undefined;
  /** Lowest grade accepted instead. */
  readonly acceptWeaker: { readonly grade: Grade; readonly why: string; readonly span: Span } | undefined;
  /** The declaration's name. */
  readonly span: Span;
}

export interface Conduit {
  /** Its name, else its label, else `left -> right`. */
  readonly name: string;
  readonly label: string | undefined;
  readonly left: Zone;
  readonly right: Zone;
  readonly bothWays: boolean;
  readonly logDenied: boolean;
  readonly span: Span;
}

export interface InterfaceAddress {
  readonly address: Address;
  /** The network of the declared prefix. */
  readonly network: AddressRange;
  readonly length: number;
  readonly span: Span;
}

export interface Interface {
  readonly name: string;
  /** Zones behind it, by name, sorted. */
  readonly faces: readonly string[];
  readonly addresses: readonly InterfaceAddress[];
  /** `address dynamic`: the platform alone knows it. */
  readonly dynamic: boolean;
  /** Names of rows of `interface-services.ts`. */
  readonly runs: readonly string[];
  readonly routed: boolean;
  readonly sharedWire: string | undefined;
  readonly span: Span;
}

/** `manage`, `receive` and `send`. */
export interface GatewayTraffic extends FlowProperties {
  readonly kind: 'manage' | 'receive' | 'send';
  /** Made from its words, so it stays the same when lines move. */
  readonly name: string;
  readonly peer: ResolvedSelector;
  readonly services: ResolvedServices;
  readonly span: Span;
}

export type OptionSetting =
  | { readonly kind: 'string' | 'number' | 'name'; readonly text: string; readonly span: Span }
  | { readonly kind: 'list'; readonly items: readonly OptionSetting[]; readonly span: Span };

export interface Gateway {
  readonly name: string;
  readonly label: string | undefined;
  readonly target: Placed<string>;
  readonly options: readonly { readonly name: Placed<string>; readonly value: OptionSetting }[];
  readonly interfaces: readonly Interface[];
  readonly traffic: readonly GatewayTraffic[];
  /** `manage none "why"`. */
  readonly manageNone: string | undefined;
  readonly span: Span;
}

interface AssertHead {
  readonly name: string;
  readonly label: string | undefined;
  /** Pairs that no gateway stands between are left out. */
  readonly whereEnforced: boolean;
  readonly span: Span;
}

/** One thing that a flow may be asked to have. */
export type Requirement =
  | { readonly kind: 'property'; readonly name: RequiredProperty; readonly text: string }
  | { readonly kind: 'expires-within'; readonly days: number; readonly text: string }
  | { readonly kind: 'inspect'; readonly grade: Grade; readonly text: string };

export const requiredProperties = ['owner', 'ticket', 'reason', 'expires', 'essential', 'log', 'count', 'rate'] as const;
export type RequiredProperty = (typeof requiredProperties)[number];

export type Assert = AssertHead &
  (
    | { readonly kind: 'never'; readonly from: ResolvedSelector; readonly to: ResolvedSelector; readonly services: ResolvedServices }
    | { readonly kind: 'always'; readonly from: ResolvedSelector; readonly to: ResolvedSelector; readonly services: ResolvedServices }
    | { readonly kind: 'only-via'; readonly from: ResolvedSelector; readonly to: ResolvedSelector; readonly via: ResolvedSelector }
    | { readonly kind: 'hops'; readonly from: ResolvedSelector; readonly to: ResolvedSelector; readonly atLeast: number }
    | {
        readonly kind: 'every-flow';
        /** Undefined: any flow. */
        readonly from: ResolvedSelector | undefined;
        readonly to: ResolvedSelector | undefined;
        /** All of them must hold; each holds if one of its alternatives does. */
        readonly requirements: readonly (readonly Requirement[])[];
      }
  );

export interface TestLine {
  readonly expect: 'allow' | 'deny';
  readonly from: ResolvedSelector;
  readonly to: ResolvedSelector;
  readonly services: ResolvedServices;
  readonly span: Span;
}

export interface Test {
  readonly title: string;
  readonly lines: readonly TestLine[];
  readonly span: Span;
}

/** A declared service, as it reads in an `allow`. */
export interface Service {
  readonly name: string;
  readonly set: ServiceSet;
}

/** What nothing in the policy names: likely forgotten, or misspelt elsewhere. */
export interface Unused {
  readonly kind: 'host' | 'group' | 'service';
  readonly name: string;
  readonly span: Span;
}

export interface Model {
  readonly title: string;
  readonly revision: number | undefined;
  /** IANA name; dates are read in it. */
  readonly timezone: string | undefined;
  readonly zones: readonly Zone[];
  readonly hosts: readonly Host[];
  readonly groups: readonly Group[];
  readonly services: readonly Service[];
  /** Ports on which the policy says that a protocol is spoken (`ssh on tcp 22022`), by protocol; every function. */
  readonly sitePorts: ReadonlyMap<string, ServiceSet>;
  readonly flows: readonly Flow[];
  readonly conduits: readonly Conduit[];
  readonly gateways: readonly Gateway[];
  readonly asserts: readonly Assert[];
  readonly tests: readonly Test[];
  readonly unused: readonly Unused[];
}

/** Families that both sides have. */
export function commonFamilies(a: AddressSet, b: AddressSet): Family[] {
  const families: Family[] = [];
  if (a.v4.length > 0 && b.v4.length > 0) families.push(4);
  if (a.v6.length > 0 && b.v6.length > 0) families.push(6);
  return families;
}
