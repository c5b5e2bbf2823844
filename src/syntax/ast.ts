/**
 * The syntax tree of a zone file: what was written, with a span on everything, nothing looked up.
 *
 * Taken by `model` (resolve). Addresses, ports and numbers stay as the text that stood there; whether they make sense
 * is decided where they are resolved, so that each mistake is reported once, at its smallest span.
 */
import type { Span } from '../base/source.ts';

/** A word or number as written. */
export interface Word {
  readonly text: string;
  readonly span: Span;
}

/** A string; `text` is the value without quotes and escapes, `span` includes the quotes. */
export type Text = Word;

// -- selectors --------------------------------------------------------------------------------------------------

export type SelectorAtom =
  /** A zone, host, group or gateway. */
  | { readonly kind: 'name'; readonly name: Word; readonly span: Span }
  /** `cell_*`. */
  | { readonly kind: 'pattern'; readonly pattern: Word; readonly span: Span }
  | { readonly kind: 'any'; readonly span: Span }
  /** `rest`: only valid under `networks`. */
  | { readonly kind: 'rest'; readonly span: Span }
  | { readonly kind: 'address'; readonly address: Word; readonly span: Span }
  | { readonly kind: 'network'; readonly network: Word; readonly span: Span }
  | { readonly kind: 'range'; readonly first: Word; readonly last: Word; readonly span: Span }
  | { readonly kind: 'level'; readonly operator: '<=' | '<' | '=' | '>=' | '>'; readonly level: Word; readonly span: Span }
  | { readonly kind: 'zone-kind'; readonly value: Word; readonly span: Span }
  | { readonly kind: 'trait'; readonly value: Word; readonly span: Span }
  | { readonly kind: 'role'; readonly value: Word; readonly span: Span }
  | { readonly kind: 'braces'; readonly items: readonly SelectorItem[]; readonly span: Span };

/** `base except …`; the exception of `X except { a, b }` is the one `braces` atom. */
export interface SelectorItem {
  readonly base: SelectorAtom;
  readonly except: SelectorAtom | undefined;
  readonly span: Span;
}

/** One or more items, joined by commas (their union). */
export interface Selector {
  readonly items: readonly SelectorItem[];
  readonly span: Span;
}

// -- services ---------------------------------------------------------------------------------------------------

/** `502` or `8000-8100`; `last` equals `first` for one port. */
export interface PortSpec {
  readonly first: Word;
  readonly last: Word;
  readonly span: Span;
}

export interface TransportSpec {
  readonly protocol: 'tcp' | 'udp';
  /** Undefined: all ports. */
  readonly ports: readonly PortSpec[] | undefined;
  readonly span: Span;
}

/** `read`, `function 3`, `stream 2 function 41`, `"Read Holding Registers"`; `class` stands for names without quotes, too. */
export type FunctionSpec =
  | { readonly kind: 'class'; readonly name: Word; readonly span: Span }
  | { readonly kind: 'code'; readonly code: Word; readonly within: Qualifier | undefined; readonly span: Span }
  | { readonly kind: 'name'; readonly name: Text; readonly span: Span };

/** `unit 1`, `address 100-199`, `stream 2`, `group 10`, `variation 2`: kept for the inspection of functions. */
export interface Qualifier {
  readonly keyword: Word;
  readonly first: Word;
  readonly last: Word;
  readonly span: Span;
}

export type ServiceAtom =
  | { readonly kind: 'any'; readonly span: Span }
  /** A catalogue or declared service, perhaps with functions, qualifiers, own transports (`on`) or `passive` ports. */
  | {
      readonly kind: 'named';
      readonly name: Word;
      /** Undefined: no functions named; the braces may be empty (a mistake that resolve reports). */
      readonly functions: readonly FunctionSpec[] | undefined;
      readonly qualifiers: readonly Qualifier[];
      readonly on: readonly TransportSpec[] | undefined;
      readonly passive: PortSpec | undefined;
      readonly span: Span;
    }
  | { readonly kind: 'transport'; readonly transport: TransportSpec; readonly span: Span }
  | { readonly kind: 'ip-protocol'; readonly number: Word; readonly span: Span }
  /** `icmp`, `icmp echo-request`, `icmp type 13 code 0`. */
  | {
      readonly kind: 'icmp';
      readonly version: 'icmp' | 'icmpv6';
      readonly message: Word | undefined;
      readonly type: Word | undefined;
      readonly code: Word | undefined;
      readonly span: Span;
    }
  | { readonly kind: 'ethertype'; readonly number: Word; readonly span: Span }
  | { readonly kind: 'braces'; readonly items: readonly ServiceItem[]; readonly span: Span };

export interface ServiceItem {
  readonly base: ServiceAtom;
  readonly except: ServiceAtom | undefined;
  readonly span: Span;
}

export interface ServiceList {
  readonly items: readonly ServiceItem[];
  readonly span: Span;
}

// -- properties -------------------------------------------------------------------------------------------------

/**
 * A property: its keyword and its value. Which keywords a block takes is data of the grammar (`grammar/`); whether a
 * property may be repeated or is missing is resolve's to say. `keyword.span` is the keyword alone, `span` everything.
 */
interface PropertyBase<Kind extends string> {
  readonly kind: Kind;
  readonly keyword: Word;
  readonly span: Span;
}

/** Keywords whose value is one word or number: level, kind, security-level, revision, expires, during, target … */
export interface WordProperty extends PropertyBase<'word'> {
  readonly value: Word;
}
/** Keywords whose value is one string: timezone, label, asset, owner, ticket, reason, disabled, shared-wire, vendor … */
export interface TextProperty extends PropertyBase<'text'> {
  readonly value: Text;
}
/** Keywords without a value: log, count, essential, routed. */
export interface FlagProperty extends PropertyBase<'flag'> {}
/** Keywords with a list of names: traits, role, trait, runs. */
export interface NamesProperty extends PropertyBase<'names'> {
  readonly values: readonly Word[];
}
/** from, to, networks, faces, members of a group. */
export interface SelectorProperty extends PropertyBase<'selector'> {
  readonly value: Selector;
}
/** allow, deny. */
export interface ServicesProperty extends PropertyBase<'services'> {
  readonly value: ServiceList;
}
/** `address 10.0.0.1/16, 2001:db8::1/64`, `address dynamic`, `address none`. */
export interface AddressesProperty extends PropertyBase<'addresses'> {
  readonly values: readonly Word[];
}
/** `rate N/second burst M`. */
export interface RateProperty extends PropertyBase<'rate'> {
  readonly amount: Word;
  /** `second`, `minute`, `hour`, `day`. */
  readonly unit: Word;
  readonly burst: Word | undefined;
}
/** `accept-weaker ports "why"`. */
export interface AcceptWeakerProperty extends PropertyBase<'accept-weaker'> {
  readonly grade: Word;
  readonly why: Text;
}
/** `log denied` of a conduit is the flag `log-denied`; kept apart from `log`. */
export interface LogDeniedProperty extends PropertyBase<'log-denied'> {}

export type Property =
  | WordProperty
  | TextProperty
  | FlagProperty
  | NamesProperty
  | SelectorProperty
  | ServicesProperty
  | AddressesProperty
  | RateProperty
  | AcceptWeakerProperty
  | LogDeniedProperty;

// -- declarations -----------------------------------------------------------------------------------------------

export interface PolicyDecl {
  readonly kind: 'policy';
  readonly title: Text;
  /** revision, timezone, traits, roles. */
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface IncludeDecl {
  readonly kind: 'include';
  readonly path: Text;
  readonly span: Span;
}
export interface ZoneDecl {
  readonly kind: 'zone';
  readonly name: Word;
  readonly label: Text | undefined;
  /** level, kind, security-level, networks, label. */
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface HostDecl {
  readonly kind: 'host';
  readonly name: Word;
  readonly label: Text | undefined;
  readonly zone: Word;
  /** address, role, traits, label, asset. */
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface GroupDecl {
  readonly kind: 'group';
  readonly name: Word;
  readonly label: Text | undefined;
  readonly members: readonly SelectorItem[];
  readonly span: Span;
}
export interface ServiceDecl {
  readonly kind: 'service';
  readonly name: Word;
  readonly label: Text | undefined;
  readonly members: readonly ServiceItem[];
  readonly span: Span;
}
export interface FlowDecl {
  readonly kind: 'flow';
  readonly name: Word;
  readonly label: Text | undefined;
  /** from, to, allow, deny, log, count, owner, ticket, reason, expires, during, rate, essential, inspect, disabled, accept-weaker, requests, label. */
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface ConduitDecl {
  readonly kind: 'conduit';
  readonly name: Word | undefined;
  readonly label: Text | undefined;
  readonly left: Word;
  readonly arrow: '<->' | '->';
  readonly right: Word;
  /** owner, ticket, reason, log, log denied, count, during, rate, expires, inspect, accept-weaker, label. */
  readonly properties: readonly Property[];
  readonly flows: readonly FlowDecl[];
  readonly span: Span;
}
export type OptionValue =
  | { readonly kind: 'string' | 'number' | 'name'; readonly value: Word; readonly span: Span }
  | { readonly kind: 'list'; readonly items: readonly OptionValue[]; readonly span: Span };
export interface TargetOption {
  readonly name: Word;
  readonly value: OptionValue;
  readonly span: Span;
}
export interface TargetClause {
  readonly name: Word;
  readonly options: readonly TargetOption[];
  readonly span: Span;
}
export interface InterfaceDecl {
  /** A name or a string. */
  readonly name: Word;
  /** faces, address, runs, routed, shared-wire, label. */
  readonly properties: readonly Property[];
  readonly span: Span;
}
/** `manage from S allow V { … }`, `receive from S allow V`, `send to S allow V`, `manage none "why"`. */
export interface GatewayTrafficDecl {
  readonly kind: 'manage' | 'receive' | 'send';
  /** Set for `manage none "why"`; then peer and services are undefined. */
  readonly none: Text | undefined;
  readonly peer: Selector | undefined;
  readonly services: ServiceList | undefined;
  /** The flow properties in the braces, but from, to, allow and deny. */
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface GatewayDecl {
  readonly kind: 'gateway';
  readonly name: Word;
  readonly label: Text | undefined;
  readonly targets: readonly TargetClause[];
  readonly interfaces: readonly InterfaceDecl[];
  readonly traffic: readonly GatewayTrafficDecl[];
  readonly properties: readonly Property[];
  readonly span: Span;
}

// -- asserts and tests ------------------------------------------------------------------------------------------

export type AssertBody =
  /** `services` undefined: all of them. */
  | { readonly kind: 'never'; readonly from: Selector; readonly to: Selector; readonly services: ServiceList | undefined; readonly span: Span }
  | { readonly kind: 'always'; readonly from: Selector; readonly to: Selector; readonly services: ServiceList; readonly span: Span }
  | { readonly kind: 'only-via'; readonly from: Selector; readonly to: Selector; readonly via: Selector; readonly span: Span }
  | { readonly kind: 'hops'; readonly from: Selector; readonly to: Selector; readonly atLeast: Word; readonly span: Span }
  /** `every flow [from S] [to S] has a, b or c`: `requirements` is a conjunction of disjunctions. */
  | {
      readonly kind: 'every-flow';
      readonly from: Selector | undefined;
      readonly to: Selector | undefined;
      readonly requirements: readonly (readonly FlowRequirement[])[];
      readonly span: Span;
    };

/** `owner`, `expires within 400 days`, `inspect pdu`. */
export type FlowRequirement =
  | { readonly kind: 'property'; readonly name: Word; readonly span: Span }
  | { readonly kind: 'expires-within'; readonly days: Word; readonly span: Span }
  | { readonly kind: 'inspect'; readonly grade: Word; readonly span: Span };

export interface AssertDecl {
  readonly kind: 'assert';
  readonly name: Word;
  readonly label: Text | undefined;
  readonly body: AssertBody;
  /** Ends in `where enforced`. */
  readonly whereEnforced: boolean;
  readonly span: Span;
}
export interface TestLine {
  readonly expect: 'allow' | 'deny';
  readonly from: Selector;
  readonly to: Selector;
  readonly services: ServiceList;
  readonly span: Span;
}
export interface TestDecl {
  readonly kind: 'test';
  readonly title: Text;
  readonly lines: readonly TestLine[];
  readonly span: Span;
}

export type Declaration =
  PolicyDecl | IncludeDecl | ZoneDecl | HostDecl | GroupDecl | ServiceDecl | FlowDecl | ConduitDecl | GatewayDecl | AssertDecl | TestDecl;

/**
 * One file's declarations, in source order. What could not be read is absent: a declaration with a mistake in its head
 * or in one of its parts, and of a conduit only the flows that have one.
 */
export interface Ast {
  readonly declarations: readonly Declaration[];
  /** The names that absent declarations have: they exist, so resolve does not call them unknown. */
  readonly broken: readonly Word[];
}
