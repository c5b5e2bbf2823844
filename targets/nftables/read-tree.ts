/**
 * The rule tree: what a ruleset says, in one form for nft's text and nft's JSON.
 *
 * Both parsers give it, the compiler of rules takes it. The one idea: everything is still words here; what a word means
 * (`tcp`, `echo-request`, `10.0.0.0/8`) is decided once, by the type of the key that it is compared with.
 */
import type { Rate } from '../../src/policy/gateway-policy.ts';
import type { Hook } from '../../src/packets/packet.ts';

/** Where a thing stands: its line in a text (none in JSON) and a name for messages. */
export interface Place {
  readonly line: number | undefined;
  readonly name: string;
}

/** One value of a key: a word as written, or a range or prefix that JSON spells out. */
export type Scalar = string | { readonly first: string; readonly last: string } | { readonly address: string; readonly length: number };

/** The parts of a concatenation; one part for a plain value. */
export type Item = readonly Scalar[];

/** `reset`: dropped, and answered with a reset of TCP. */
export type Verdict = { readonly kind: 'accept' | 'drop' | 'reset' | 'continue' | 'return' } | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** An element of a verdict map. */
export interface Entry {
  readonly item: Item;
  readonly verdict: Verdict;
}

/** What is looked at, as nft names it (`ip saddr`); `mask` for `ct mark & mask`. */
export interface Selector {
  readonly name: string;
  readonly mask: number | undefined;
}

export type Statement =
  | {
      readonly kind: 'match';
      readonly key: readonly Selector[];
      readonly negated: boolean;
      readonly operand: { readonly kind: 'items'; readonly items: readonly Item[] } | { readonly kind: 'set'; readonly name: string };
    }
  | {
      readonly kind: 'vmap';
      readonly key: readonly Selector[];
      readonly operand: { readonly kind: 'entries'; readonly entries: readonly Entry[] } | { readonly kind: 'map'; readonly name: string };
    }
  /** A named limit, or a rate of its own. */
  | { readonly kind: 'limit'; readonly limit: string | Rate }
  | { readonly kind: 'counter'; readonly name: string | undefined }
  | { readonly kind: 'log' }
  /** Only a segment of TCP that resets goes on in the rule, and closes, opens, pushes nothing: `tcp flags rst / fin,syn,rst,psh,urg`. */
  | { readonly kind: 'resets' }
  /** The new mark is `((old & keep) | set) ^ flip`. */
  | { readonly kind: 'mark'; readonly keep: number; readonly set: number; readonly flip: number }
  | { readonly kind: 'verdict'; readonly verdict: Verdict };

export interface Rule {
  readonly place: Place;
  readonly statements: readonly Statement[];
}

export interface BaseChain {
  readonly hook: Hook;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

export interface Chain {
  readonly place: Place;
  readonly base: BaseChain | undefined;
  readonly rules: readonly Rule[];
}

/** A named set, or a verdict map where `entries` is given. */
export interface NamedSet {
  readonly place: Place;
  readonly types: readonly string[];
  readonly interval: boolean;
  readonly items: readonly Item[];
  readonly entries: readonly Entry[] | undefined;
}

export interface RuleTree {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, NamedSet>;
  readonly limits: ReadonlyMap<string, Rate>;
  readonly counters: ReadonlySet<string>;
}

/** Thrown inside the reader where it meets what it does not model; never leaves it. */
export class Refusal extends Error {
  readonly line: number | undefined;

  constructor(line: number | undefined, what: string) {
    super(what);
    this.line = line;
  }
}

/** `burst` where none is written: nft's own default. */
export const defaultBurst = 5;

/** Names that both parsers know; the keys they may compare (`read-keys.ts` gives their meaning). */
export function isHook(name: unknown): name is Hook {
  return name === 'forward' || name === 'input' || name === 'output';
}
