/** What the templates show: tokens, and lists of them. */
import type { Token } from './tokens.ts';

export interface ZoneView {
  readonly name: Token;
  readonly device: Token;
  /** fw3 logs what a zone drops; fw4 has a log in the rule. */
  readonly logs: Token | undefined;
  readonly logLimit: Token;
}

export interface SetView {
  readonly name: Token;
  readonly family: Token;
  readonly storage: Token | undefined;
  readonly match: Token;
  readonly entries: readonly Token[];
}

export interface RuleView {
  /** A line above it. */
  readonly comment: Token | undefined;
  readonly name: Token;
  readonly src: Token | undefined;
  readonly dest: Token | undefined;
  readonly family: Token | undefined;
  readonly protocols: readonly Token[];
  readonly ipset: Token | undefined;
  readonly sourceAddresses: readonly Token[];
  readonly sourcePorts: readonly Token[];
  readonly destinationAddresses: readonly Token[];
  readonly destinationPorts: readonly Token[];
  readonly messages: readonly Token[];
  readonly logs: Token | undefined;
  readonly target: Token;
}

export interface FirewallView {
  readonly head: readonly Token[];
  /** Switches of the dialect, name and value. */
  readonly defaults: readonly { readonly name: Token; readonly value: Token }[];
  readonly zones: readonly ZoneView[];
  readonly sets: readonly SetView[];
  readonly rules: readonly RuleView[];
}

export interface CheckView {
  readonly head: readonly Token[];
  readonly tool: Token;
  /** What the platform puts before the name of a rule in a comment. */
  readonly mark: Token;
  /** True for fw4, whose output nft can check. */
  readonly nft: boolean;
}
