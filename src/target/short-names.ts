/**
 * Names for a target: its alphabet, its length, never two alike.
 *
 * A name that fits stays as it is; one that had to change, or that some changed name could equal, carries a hash of the
 * whole, so the mapping is the same in every compile and no two names meet.
 */
import { createHash } from 'node:crypto';

export interface NameRules {
  readonly longest: number;
  /** Characters that may stand in a name. */
  readonly allowed: RegExp;
}

export class ShortNames {
  readonly #rules: NameRules;
  readonly #byName = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #changed = new Map<string, string>();

  constructor(rules: NameRules) {
    this.#rules = rules;
  }

  /** The emitted name of `original`, always the same one. */
  name(original: string): string {
    const known = this.#byName.get(original);
    if (known !== undefined) return known;
    const clean = Array.from(original, (character) => (this.#rules.allowed.test(character) ? character : '_')).join('');
    let name = clean;
    // A name that already looks hashed is hashed too, so it cannot equal another one's hashed form.
    if (clean !== original || clean.length > this.#rules.longest || /_[0-9a-f]{10}$/u.test(clean)) name = hashed(original, clean, this.#rules.longest);
    if (this.#taken.has(name)) throw new Error(`two names became ${name}`);
    this.#taken.add(name);
    this.#byName.set(original, name);
    if (name !== original) this.#changed.set(name, original);
    return name;
  }

  /** Emitted name → original, for those that differ. */
  get changed(): ReadonlyMap<string, string> {
    return this.#changed;
  }
}

function hashed(original: string, clean: string, longest: number): string {
  const hash = createHash('sha256').update(original).digest('hex').slice(0, 10);
  return `${clean.slice(0, longest - 11)}_${hash}`;
}
