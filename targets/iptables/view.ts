/** What the templates are filled with: escaped tokens, in the order in which they stand in the files. */
import type { Token } from './tokens.ts';

export interface SetView {
  readonly name: Token;
  /** `hash:ip,port,ip family inet hashsize 64 maxelem 12`. */
  readonly type: Token;
  /** In groups, each behind a line that says whose they are. */
  readonly groups: readonly { readonly note: Token | undefined; readonly elements: readonly Token[] }[];
}

export interface SetsView {
  readonly head: readonly Token[];
  readonly sets: readonly SetView[];
}

export interface ChainView {
  readonly name: Token;
  readonly rules: readonly Token[];
}

export interface TableView {
  readonly head: readonly Token[];
  readonly chains: readonly ChainView[];
  /** `INPUT` → the chain that it jumps to first. */
  readonly hooks: readonly { readonly hook: Token; readonly chain: Token }[];
}

export interface LoaderView {
  readonly head: readonly Token[];
  readonly prefix: Token;
  readonly sets: boolean;
  /** The rules answer with resets. */
  readonly resets: boolean;
  /** `iptables-legacy` and `ip6tables-legacy`. */
  readonly tool4: Token;
  readonly tool6: Token;
}

export interface EngineRulesView {
  readonly head: readonly Token[];
  readonly areas: readonly {
    readonly note: Token;
    /** `[10.0.0.5] any -> [10.0.2.0/24] 502`, with the options that every rule begins with. */
    readonly rules: readonly { readonly action: Token; readonly protocol: Token; readonly ends: Token; readonly options: Token }[];
  }[];
}

export interface EngineView {
  readonly head: readonly Token[];
  readonly queue: Token;
  /** What is looked for, and on which ports. */
  readonly protocols: readonly { readonly name: Token; readonly ports: Token }[];
}
