/**
 * Random choices from one source of numbers.
 *
 * Takes a function that gives an integer between two bounds (a seed's own, or fast-check's), gives the choices that generators make. The
 * idea: every generator of the project draws from this, so one seed names one plant and one list of packets, on every machine.
 */
export class Draw {
  readonly #next: (first: number, last: number) => number;

  constructor(next: (first: number, last: number) => number) {
    this.#next = next;
  }

  /** The same seed gives the same choices for ever (mulberry32). */
  static seeded(seed: number): Draw {
    let state = seed >>> 0;
    const word = (): number => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
      return (mixed ^ (mixed >>> 14)) >>> 0;
    };
    return new Draw((first, last) => first + Math.floor((word() / 0x1_0000_0000) * (last - first + 1)));
  }

  /** Both bounds included. */
  integer(first: number, last: number): number {
    return this.#next(first, last);
  }

  /** Both bounds included; of any size. */
  big(first: bigint, last: bigint): bigint {
    const span = last - first + 1n;
    let value = 0n;
    for (let size = 1n; size < span * 0x10000n; size <<= 30n) value = (value << 30n) | BigInt(this.#next(0, 0x3fff_ffff));
    return first + (value % span);
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.#next(1, 100) <= percent;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.#next(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** One of the values, each as often as its weight says. */
  weighted<Item>(choices: readonly (readonly [weight: number, item: Item])[]): Item {
    let at = this.#next(
      1,
      choices.reduce((sum, [weight]) => sum + weight, 0),
    );
    for (const [weight, item] of choices) {
      at -= weight;
      if (at <= 0) return item;
    }
    throw new Error('nothing to choose from');
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = this.#next(0, last);
      const [a, b] = [result[last], result[other]];
      if (a !== undefined && b !== undefined) [result[last], result[other]] = [b, a];
    }
    return result;
  }

  some<Item>(items: readonly Item[], most: number, least = 0): Item[] {
    return this.shuffled(items).slice(0, Math.max(least, this.#next(0, Math.min(most, items.length))));
  }
}
