/** What the template is filled with: escaped tokens, in the order in which they stand in the file. */
import type { Token } from './tokens.ts';

export interface CounterView {
  readonly name: Token;
  readonly comment: Token;
}

export interface LimitView {
  readonly name: Token;
  readonly rate: Token;
}

export interface SetView {
  /** `set` or `map`. */
  readonly word: Token;
  readonly name: Token;
  /** `type ipv4_addr . inet_service : verdict`, `typeof ip length . @ih,32,16`. */
  readonly type: Token;
  readonly interval: boolean;
  /** Never empty. */
  readonly elements: readonly Token[];
}

export interface ChainView {
  readonly name: Token;
  /** `type filter hook forward priority filter; policy drop;` for a base chain. */
  readonly hook: Token | undefined;
  /** What the chain is for, as a comment line. */
  readonly note: Token | undefined;
  readonly rules: readonly Token[];
}

export interface RulesetView {
  readonly head: readonly Token[];
  readonly counters: readonly CounterView[];
  readonly limits: readonly LimitView[];
  readonly sets: readonly SetView[];
  readonly chains: readonly ChainView[];
}
