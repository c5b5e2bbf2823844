/**
 * Which zones a set of addresses touches, found by search instead of by trying every zone.
 *
 * Takes the zones (disjoint, as the model guarantees), gives for a set its parts by zone, in the zones' order.
 */
import { AddressIndex } from '../net/address-index.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { Zone } from './model.ts';

export interface ZonePart {
  readonly zone: Zone;
  readonly part: AddressSet;
}

export class ZoneIndex {
  readonly #zones: readonly Zone[];
  readonly #index: AddressIndex;
  readonly #known = new WeakMap<AddressSet, readonly ZonePart[]>();

  constructor(zones: readonly Zone[]) {
    this.#zones = zones;
    this.#index = new AddressIndex(zones.map((zone) => zone.addresses));
  }

  parts(set: AddressSet): readonly ZonePart[] {
    const known = this.#known.get(set);
    if (known !== undefined) return known;
    const parts = this.#index.parts(set).map(({ index, part }) => ({ zone: this.#zones[index] as Zone, part }));
    this.#known.set(set, parts);
    return parts;
  }
}
