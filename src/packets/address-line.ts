/**
 * The line of all addresses, cut at every border that a policy names.
 *
 * Takes the address sets that questions will be about, gives numbered segments: IPv4 first, then IPv6, in address order.
 * The idea: between two borders no set of the policy tells addresses apart, so a segment can stand for all of them, and
 * decision diagrams need some fifteen bits where an address has 128. Unions, intersections and differences of sets that
 * were cut never need another border.
 */
import type { Address } from '../net/address.ts';
import { max4, max6 } from '../net/address.ts';
import type { AddressSet } from '../net/address-set.ts';
import { lastStart, type Range, type Ranges } from '../net/ranges.ts';

export class AddressLine {
  /** First addresses of the segments, ascending. */
  readonly #v4: readonly number[];
  readonly #v6: readonly bigint[];
  readonly #known: Record<4 | 6, WeakMap<AddressSet, Ranges<number>>> = { 4: new WeakMap(), 6: new WeakMap() };
  readonly #placed: Record<4 | 6, WeakMap<AddressSet, Ranges<number>>> = { 4: new WeakMap(), 6: new WeakMap() };

  constructor(sets: Iterable<AddressSet>) {
    const v4 = new Set<number>([0]);
    const v6 = new Set<bigint>([0n]);
    for (const set of new Set(sets)) {
      for (const range of set.v4) {
        v4.add(range.first);
        if (range.last < max4) v4.add(range.last + 1);
      }
      for (const range of set.v6) {
        v6.add(range.first);
        if (range.last < max6) v6.add(range.last + 1n);
      }
    }
    this.#v4 = [...v4].sort((a, b) => a - b);
    this.#v6 = [...v6].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** Number of segments. */
  get size(): number {
    return this.#v4.length + this.#v6.length;
  }

  /** The segments of one family of the set; throws if the line was not cut at one of its borders (a bug of ours). */
  segments(set: AddressSet, family: 4 | 6): Ranges<number> {
    const memory = this.#known[family];
    const known = memory.get(set) ?? this.#find(set, family);
    memory.set(set, known);
    return known;
  }

  #find(set: AddressSet, family: 4 | 6): Ranges<number> {
    if (family === 4) return set.v4.map((range) => this.#cut(this.#v4, range, 0, max4, range.last + 1));
    return set.v6.map((range) => this.#cut(this.#v6, range, this.#v4.length, max6, range.last + 1n));
  }

  /** Bits that a segment's place within its family needs. */
  get bits(): number {
    return Math.max(1, Math.ceil(Math.log2(Math.max(this.#v4.length, this.#v6.length))));
  }

  /** Whether the line was cut at every border of the set. */
  isCutAt(set: AddressSet): boolean {
    const cut = <Value extends number | bigint>(starts: readonly Value[], range: Range<Value>, max: Value, after: Value): boolean =>
      starts[lastStart(starts, range.first)] === range.first && (range.last === max || starts[lastStart(starts, after)] === after);
    return set.v4.every((range) => cut(this.#v4, range, max4, range.last + 1)) && set.v6.every((range) => cut(this.#v6, range, max6, range.last + 1n));
  }

  /**
   * The places of ranges within their family, over all numbers of `bits` bits: those behind the last segment stand for it
   * too, so that every number is an address.
   */
  places(family: 4 | 6, ranges: Ranges<number> | Ranges<bigint>): Ranges<number> {
    const end = family === 4 ? this.#v4.length - 1 : this.#v6.length - 1;
    const top = 2 ** this.bits - 1;
    const cut =
      family === 4
        ? (ranges as Ranges<number>).map((range) => this.#cut(this.#v4, range, 0, max4, range.last + 1))
        : (ranges as Ranges<bigint>).map((range) => this.#cut(this.#v6, range, 0, max6, range.last + 1n));
    return cut.map((range) => (range.last === end ? { first: range.first, last: top } : range));
  }

  /** The same of one family of a set, which is remembered: a policy names few sets, and each of them often. */
  placesOf(set: AddressSet, family: 4 | 6): Ranges<number> {
    const memory = this.#placed[family];
    const known = memory.get(set) ?? this.places(family, family === 4 ? set.v4 : set.v6);
    memory.set(set, known);
    return known;
  }

  /** The place of an address within its family. */
  placeOf(address: Address): number {
    return address.family === 4 ? lastStart(this.#v4, address.value) : lastStart(this.#v6, address.value);
  }

  /** The lowest address at a place; what lies behind the last segment is that segment. */
  addressAt(family: 4 | 6, place: number): Address {
    if (family === 4) return { family, value: this.#v4[Math.min(place, this.#v4.length - 1)] as number };
    return { family, value: this.#v6[Math.min(place, this.#v6.length - 1)] as bigint };
  }

  readonly #numbers: Record<4 | 6, (string | undefined)[]> = { 4: [], 6: [] };

  /** Its number in digits, remembered: those of IPv6 are long. */
  numberAt(family: 4 | 6, place: number): string {
    return (this.#numbers[family][place] ??= String(this.addressAt(family, place).value));
  }

  family(segment: number): 4 | 6 {
    return segment < this.#v4.length ? 4 : 6;
  }

  /** The segment that holds an address. */
  segmentOf(address: Address): number {
    return address.family === 4 ? lastStart(this.#v4, address.value) : this.#v4.length + lastStart(this.#v6, address.value);
  }

  /** All addresses of the segment that holds an address. */
  segmentHolding(address: Address): AddressSet {
    const segment = this.segmentOf(address);
    return this.addresses([{ first: segment, last: segment }]);
  }

  /** Its lowest address. */
  firstAddress(segment: number): Address {
    const v4 = this.#v4[segment];
    if (v4 !== undefined) return { family: 4, value: v4 };
    const v6 = this.#v6[segment - this.#v4.length];
    if (v6 === undefined) throw new Error(`no segment ${segment}`);
    return { family: 6, value: v6 };
  }

  /** The addresses of sorted segments. */
  addresses(segments: Ranges<number>): AddressSet {
    const v4: Range<number>[] = [];
    const v6: Range<bigint>[] = [];
    const edge = this.#v4.length;
    for (const { first, last } of segments) {
      if (first < edge) {
        const end = Math.min(last, edge - 1);
        v4.push({ first: this.#v4[first] as number, last: (this.#v4[end + 1] ?? max4 + 1) - 1 });
      }
      if (last >= edge) {
        const start = Math.max(first, edge) - edge;
        const end = Math.min(last - edge, this.#v6.length - 1);
        if (start <= end) v6.push({ first: this.#v6[start] as bigint, last: (this.#v6[end + 1] ?? max6 + 1n) - 1n });
      }
    }
    return { v4, v6 };
  }

  #cut<Value extends number | bigint>(starts: readonly Value[], range: Range<Value>, offset: number, max: Value, after: Value): Range<number> {
    const first = lastStart(starts, range.first);
    const next = range.last === max ? starts.length : lastStart(starts, after);
    if (starts[first] !== range.first || (next < starts.length && starts[next] !== after))
      throw new Error('the address line was not cut at a border of this set');
    return { first: offset + first, last: offset + next - 1 };
  }
}
