/**
 * Which zones a set of addresses touches, found by search instead of by trying every zone.
 *
 * Takes the zones (disjoint, as the model guarantees), gives for a set its parts by zone, in the zones' order.
 */
import { type AddressSet, intersectAddresses } from '../net/address-set.ts';
import type { Ranges } from '../net/ranges.ts';
import type { Zone } from './model.ts';

interface Piece<Value> {
  readonly first: Value;
  readonly last: Value;
  readonly zone: number;
}

export interface ZonePart {
  readonly zone: Zone;
  readonly part: AddressSet;
}

export class ZoneIndex {
  readonly #zones: readonly Zone[];
  readonly #v4: readonly Piece<number>[];
  readonly #v6: readonly Piece<bigint>[];
  readonly #known = new WeakMap<AddressSet, readonly ZonePart[]>();

  constructor(zones: readonly Zone[]) {
    this.#zones = zones;
    this.#v4 = pieces(zones.map((zone) => zone.addresses.v4));
    this.#v6 = pieces(zones.map((zone) => zone.addresses.v6));
  }

  parts(set: AddressSet): readonly ZonePart[] {
    const known = this.#known.get(set) ?? this.#find(set);
    this.#known.set(set, known);
    return known;
  }

  #find(set: AddressSet): ZonePart[] {
    const touched = new Set<number>();
    collect(this.#v4, set.v4, touched);
    collect(this.#v6, set.v6, touched);
    return [...touched]
      .sort((a, b) => a - b)
      .map((index) => {
        const zone = this.#zones[index] as Zone;
        return { zone, part: intersectAddresses(set, zone.addresses) };
      });
  }
}

function pieces<Value extends number | bigint>(sets: readonly Ranges<Value>[]): Piece<Value>[] {
  return sets.flatMap((ranges, zone) => ranges.map(({ first, last }) => ({ first, last, zone }))).sort((a, b) => (a.first < b.first ? -1 : 1));
}

function collect<Value extends number | bigint>(all: readonly Piece<Value>[], set: Ranges<Value>, into: Set<number>): void {
  for (const range of set) {
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((all[middle] as Piece<Value>).last < range.first) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < all.length && (all[at] as Piece<Value>).first <= range.last; at++) into.add((all[at] as Piece<Value>).zone);
  }
}
