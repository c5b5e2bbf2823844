/**
 * Functions of messages as small integers, so that packet sets can tell them apart.
 *
 * Takes functions, each of a protocol and perhaps a class, gives each a number that depends on nothing but them: 0 is
 * "no payload", then come the protocols by name, in each the classes one after the other, and every number above the
 * last is *other*, a message that nobody recognised. There is one *other*, not one a protocol: who does not recognise a
 * message cannot say whose it is. Classes are ranges, and what an `allow` of reading means, with the session messages
 * before it, is one range, too; so diagrams stay small.
 */
import { canonical, type Range } from '../net/ranges.ts';
import { detailsIn, functionBits, functionRanges, type FunctionSet, numbersIn } from './function-set.ts';

export { allFunctions, type FunctionSet } from './function-set.ts';

const lastNumber = (1 << functionBits) - 1;
export const noFunction = 0;
/** One number of many that stand for a message that nobody recognised. */
export const otherFunction = lastNumber;

export interface NumberedFunction {
  readonly protocol: string;
  readonly name: string;
  readonly class: string | undefined;
}

export type MessageFunction<Known extends NumberedFunction> =
  { readonly kind: 'none' } | { readonly kind: 'other' } | { readonly kind: 'function'; readonly function: Known };

/** Classes that are often allowed together are neighbours. */
const order: readonly (string | undefined)[] = ['session', 'read', 'diagnostics', 'write', 'control', 'program', undefined];

export class FunctionTable<Known extends NumberedFunction> {
  readonly #functions: readonly Known[];
  readonly #numbers: ReadonlyMap<Known, number>;
  /** No payload. */
  readonly none: FunctionSet = functionRanges([{ first: noFunction, last: noFunction }]);
  /** Not recognised. */
  readonly other: FunctionSet;

  constructor(functions: Iterable<Known>) {
    this.#functions = [...functions].toSorted((a, b) => compare(a.protocol, b.protocol) || order.indexOf(a.class) - order.indexOf(b.class));
    this.#numbers = new Map(this.#functions.map((one, index) => [one, index + 1]));
    if (this.#functions.length + 1 > lastNumber) throw new Error('more functions than the function field has room for');
    this.other = functionRanges([{ first: this.#functions.length + 1, last: lastNumber }]);
  }

  number(one: Known): number {
    const number = this.#numbers.get(one);
    if (number === undefined) throw new Error(`${one.protocol} ${one.name} has no number`);
    return number;
  }

  set(functions: Iterable<Known>): FunctionSet {
    return functionRanges(canonical(Array.from(functions, (one): Range<number> => ({ first: this.number(one), last: this.number(one) }))));
  }

  message(number: number): MessageFunction<Known> {
    if (number === noFunction) return { kind: 'none' };
    const one = this.#functions[number - 1];
    return one === undefined ? { kind: 'other' } : { kind: 'function', function: one };
  }

  /** The functions of which a set holds some message, by number. */
  among(set: FunctionSet): readonly Known[] {
    return numbersIn(set).flatMap(({ first, last }) => this.#functions.slice(Math.max(0, first - 1), last));
  }

  hasNone(set: FunctionSet): boolean {
    return detailsIn(set, noFunction) === 'all';
  }

  hasOther(set: FunctionSet): boolean {
    return detailsIn(set, otherFunction) === 'all';
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
