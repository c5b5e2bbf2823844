/**
 * Which of many address sets a set touches, and in what, found by search instead of by trying each.
 *
 * Takes the sets, which may overlap, gives the parts of any other set in them. The one idea: cut the addresses at every border, and remember
 * of each piece whose it is.
 */
import { max4, max6 } from './address.ts';
import { type AddressSet, intersectAddresses } from './address-set.ts';
import { lastStart, type Ranges } from './ranges.ts';

/** Pieces in address order: where each begins, and the indices of the sets that hold it. */
interface Pieces<Value> {
  readonly starts: readonly Value[];
  readonly owners: readonly (readonly number[])[];
}

/** What a set has in common with one of those that were indexed. */
export interface Part {
  /** Its place in the list that was indexed. */
  readonly index: number;
  /** Never empty. */
  readonly part: AddressSet;
}

export class AddressIndex {
  readonly #sets: readonly AddressSet[];
  readonly #v4: Pieces<number>;
  readonly #v6: Pieces<bigint>;
  readonly #known = new WeakMap<AddressSet, readonly Part[]>();

  constructor(sets: readonly AddressSet[]) {
    this.#sets = sets;
    this.#v4 = pieces(
      sets.map((set) => set.v4),
      0,
      max4,
      (last) => last + 1,
    );
    this.#v6 = pieces(
      sets.map((set) => set.v6),
      0n,
      max6,
      (last) => last + 1n,
    );
  }

  /** By ascending index. The same for the same object, so that whoever compares need not look inside. */
  parts(set: AddressSet): readonly Part[] {
    const known = this.#known.get(set);
    if (known !== undefined) return known;
    const touched = new Set<number>();
    collect(this.#v4, set.v4, touched);
    collect(this.#v6, set.v6, touched);
    const parts = [...touched].sort((a, b) => a - b).map((index) => ({ index, part: intersectAddresses(set, this.#sets[index] as AddressSet) }));
    this.#known.set(set, parts);
    return parts;
  }
}

function pieces<Value extends number | bigint>(sets: readonly Ranges<Value>[], lowest: Value, highest: Value, after: (last: Value) => Value): Pieces<Value> {
  const borders = new Set<Value>([lowest]);
  for (const ranges of sets) {
    for (const { first, last } of ranges) {
      borders.add(first);
      if (last < highest) borders.add(after(last));
    }
  }
  const starts = [...borders].sort((a, b) => (a < b ? -1 : 1));
  const owners: number[][] = starts.map(() => []);
  for (const [index, ranges] of sets.entries()) {
    for (const { first, last } of ranges) {
      for (let at = lastStart(starts, first); at < starts.length && (starts[at] as Value) <= last; at++) owners[at]?.push(index);
    }
  }
  return { starts, owners };
}

function collect<Value extends number | bigint>({ starts, owners }: Pieces<Value>, ranges: Ranges<Value>, into: Set<number>): void {
  for (const { first, last } of ranges) {
    for (let at = lastStart(starts, first); at < starts.length && (starts[at] as Value) <= last; at++) {
      for (const owner of owners[at] as readonly number[]) into.add(owner);
    }
  }
}
