/**
 * A program of classic BPF while it is written: instructions with places to jump to, then the numbers that iptables takes.
 *
 * The one idea: a branch names where it goes, and what stands behind it is the place that it does not name; so no distance is ever counted by
 * hand, and since places are set behind what leads to them, every jump goes forward.
 */
import { limits } from './target.ts';

/** The instructions that are used, by what they do: A the accumulator, X the index, M the memory, `k` the number of the instruction. */
const operations = {
  'A = half[k]': 0x28,
  'A = byte[k]': 0x30,
  'A = half[X+k]': 0x48,
  'A = byte[X+k]': 0x50,
  'A = M[k]': 0x60,
  'X = M[k]': 0x61,
  'M[k] = A': 0x02,
  'X = A': 0x07,
  'A += k': 0x04,
  'A += X': 0x0c,
  'A -= k': 0x14,
  'A -= X': 0x1c,
  'A *= k': 0x24,
  'A /= k': 0x34,
  'A |= X': 0x4c,
  'A &= k': 0x54,
  'A <<= k': 0x64,
  'A >>= k': 0x74,
  'A %= k': 0x94,
  return: 0x06,
} as const;

const branches = { 'A == k': 0x15, 'A == X': 0x1d, 'A > k': 0x25, 'A >= k': 0x35, 'A & k': 0x45 } as const;

export type Operation = keyof typeof operations;
export type Condition = keyof typeof branches;

/** A place in a program; undefined in a branch: what stands behind it. */
export type Place = string;

/** The two ends of every program. */
export const yes: Place = 'yes';
export const no: Place = 'no';

export interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly k: number;
}

interface Line {
  readonly code: number;
  readonly k: number;
  readonly to: { readonly whenTrue: Place | undefined; readonly whenFalse: Place | undefined } | undefined;
}

export class Program {
  readonly #lines: Line[] = [];
  readonly #places = new Map<Place, number>();

  do(operation: Operation, k = 0): this {
    this.#lines.push({ code: operations[operation], k, to: undefined });
    return this;
  }

  branch(condition: Condition, k: number, whenTrue: Place | undefined, whenFalse: Place | undefined): this {
    this.#lines.push({ code: branches[condition], k, to: { whenTrue, whenFalse } });
    return this;
  }

  /** What comes next stands here. */
  place(name: Place): this {
    if (this.#places.has(name)) throw new Error(`the place ${name} is set twice`);
    this.#places.set(name, this.#lines.length);
    return this;
  }

  /** Undefined for a program that is too long for the platform. */
  finished(): readonly Instruction[] | undefined {
    this.place(yes).do('return', 0xffff).place(no).do('return', 0);
    if (this.#lines.length > limits.instructions) return undefined;
    return this.#lines.map(({ code, k, to }, at) => {
      const distance = (place: Place | undefined): number => {
        const target = place === undefined ? at + 1 : (this.#places.get(place) ?? -1);
        if (target <= at) throw new Error(`the place ${place} lies behind`);
        return target - at - 1;
      };
      return { code, whenTrue: to === undefined ? 0 : distance(to.whenTrue), whenFalse: to === undefined ? 0 : distance(to.whenFalse), k };
    });
  }
}

export interface Case {
  /** Both ends included. */
  readonly first: number;
  readonly last: number;
  readonly to: Place;
}

/** Asks A by halves which case holds it; cases stand in order and do not overlap, and what none holds goes to `otherwise`. */
export function choose(program: Program, cases: readonly Case[], otherwise: Place, stem: string): void {
  let count = 0;
  // `least`: what A is known to be at least.
  const among = (some: readonly Case[], least: number): void => {
    const [first] = some;
    if (first === undefined) throw new Error('no cases');
    if (some.length === 1) {
      if (first.first === first.last) {
        program.branch('A == k', first.first, first.to, otherwise);
      } else {
        if (first.first > least) program.branch('A >= k', first.first, undefined, otherwise);
        program.branch('A > k', first.last, otherwise, first.to);
      }
      return;
    }
    const half = Math.ceil(some.length / 2);
    const border = some[half]?.first ?? 0;
    const high = `${stem}.${(count += 1)}`;
    program.branch('A >= k', border, high, undefined);
    among(some.slice(0, half), least);
    program.place(high);
    among(some.slice(half), border);
  };
  among(cases, 0);
}
