/** What the template is filled with: escaped tokens, one command a line. */
import type { Token } from './tokens.ts';

export interface CommandView {
  /** `firewall ipv4 name office-to-dmz rule 10 action`. */
  readonly path: Token;
  /** Undefined for a leaf without a value. */
  readonly value: Token | undefined;
}

export interface FirewallView {
  readonly head: readonly Token[];
  readonly commands: readonly CommandView[];
}
