/**
 * What iptables and ipset texts say, as plain data.
 *
 * Both parsers give it, the compiler of rules takes it. The one idea: a rule is still words here, since what a word means depends on the
 * module it stands in; an element of a set is already ranges, since a set may have tens of thousands.
 */
import type { Family } from '../../src/net/address.ts';

/** A word of a rule; a quoted one is never an option. */
export interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

export interface Rule {
  readonly line: number;
  /** All words behind `-A CHAIN`. */
  readonly words: readonly Word[];
}

export interface Chain {
  readonly name: string;
  readonly line: number | undefined;
  /** Of a builtin chain. */
  readonly policy: 'accept' | 'drop' | undefined;
  readonly rules: readonly Rule[];
}

export interface Table {
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** One text of iptables-save or for iptables-restore. */
export interface Dump {
  readonly tables: ReadonlyMap<string, Table>;
  /** What the tool itself said that it left out; `filters`: of one of these tables, so that nothing is known. */
  readonly leftOut: readonly { readonly line: number; readonly what: string; readonly filters: boolean }[];
}

/** A range of addresses of one family. */
export type AddressPart =
  | { readonly kind: 'address'; readonly family: 4; readonly first: number; readonly last: number; readonly length: number }
  | { readonly kind: 'address'; readonly family: 6; readonly first: bigint; readonly last: bigint; readonly length: number };

/**
 * A protocol with ports, or with type × 256 + code; the port 0 of any other protocol stands for all its packets. The protocol 0 is that of a
 * set of ports alone: TCP and UDP.
 */
export interface PortPart {
  readonly kind: 'port';
  readonly protocol: number;
  readonly first: number;
  readonly last: number;
}

export interface InterfacePart {
  readonly kind: 'interface';
  readonly name: string;
  /** Any name that begins so. */
  readonly wildcard: boolean;
  /** The port of a bridge. */
  readonly bridged: boolean;
}

export type Part = AddressPart | PortPart | InterfacePart;

export interface Element {
  readonly parts: readonly Part[];
  readonly nomatch: boolean;
}

/** What a part of an element is. */
export type Dimension = 'ip' | 'net' | 'port' | 'iface';

export interface IpSet {
  readonly name: string;
  readonly line: number;
  readonly type: string;
  /** Undefined where the type has none. */
  readonly family: Family | undefined;
  /** Empty for a list of sets. */
  readonly dimensions: readonly Dimension[];
  readonly elements: readonly Element[];
  /** The sets of a list. */
  readonly members: readonly string[];
  /** Why its members are not known. */
  readonly unknown: { readonly line: number; readonly what: string } | undefined;
}

/** Thrown inside the reader where it meets what it does not model; never leaves it. */
export class Refusal extends Error {
  readonly line: number | undefined;

  constructor(line: number | undefined, what: string) {
    super(what);
    this.line = line;
  }
}

/** The builtin chains of each table. */
export const builtins: ReadonlyMap<string, readonly string[]> = new Map([
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
  ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
  ['mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']],
  ['raw', ['PREROUTING', 'OUTPUT']],
  ['security', ['INPUT', 'FORWARD', 'OUTPUT']],
]);
