/**
 * Functions of OT messages as small integers, so that packet sets can tell them apart.
 *
 * Takes the catalogue's protocols and classes, gives each pair a number that is stable within a compile. 0 is "no
 * payload", 1 "unrecognised".
 */
import type { Ranges } from '../net/ranges.ts';
import { canonical } from '../net/ranges.ts';

export const functionClasses = ['read', 'write', 'control', 'program', 'diagnostics', 'session'] as const;
export type FunctionClass = (typeof functionClasses)[number];

/** Numbers of functions, canonical; `allFunctions` for a bare port. */
export type FunctionSet = Ranges<number>;

export const functionBits = 12;
export const noFunction = 0;
export const otherFunction = 1;
export const allFunctions: FunctionSet = [{ first: 0, last: (1 << functionBits) - 1 }];

export type MessageFunction =
  { readonly kind: 'none' } | { readonly kind: 'other' } | { readonly kind: 'class'; readonly protocol: string; readonly class: FunctionClass };

/** Numbers the functions of the given protocols (sorted by name, so the order of declarations never matters). */
export class FunctionTable {
  readonly #index = new Map<string, number>();
  readonly #protocols: readonly string[];

  constructor(protocols: Iterable<string>) {
    this.#protocols = [...new Set(protocols)].sort();
    if (2 + this.#protocols.length * functionClasses.length > 1 << functionBits)
      throw new Error('more protocols with functions than the function field has room for');
    this.#protocols.forEach((name, index) => this.#index.set(name, index));
  }

  number(message: MessageFunction): number {
    if (message.kind === 'none') return noFunction;
    if (message.kind === 'other') return otherFunction;
    const index = this.#index.get(message.protocol);
    if (index === undefined) throw new Error(`protocol ${message.protocol} has no functions`);
    return 2 + index * functionClasses.length + functionClasses.indexOf(message.class);
  }

  set(messages: readonly MessageFunction[]): FunctionSet {
    return canonical(messages.map((message) => ({ first: this.number(message), last: this.number(message) })));
  }

  message(number: number): MessageFunction {
    if (number === noFunction) return { kind: 'none' };
    const protocol = this.#protocols[Math.floor((number - 2) / functionClasses.length)];
    const name = functionClasses[(number - 2) % functionClasses.length];
    if (number < 2 || protocol === undefined || name === undefined) return { kind: 'other' };
    return { kind: 'class', protocol, class: name };
  }
}
