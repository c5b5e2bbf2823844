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
  /** Hexadecimal digits of the hash; 10 unless the names are shorter than that leaves room for. */
  readonly digits?: number;
}

export class ShortNames {
  readonly #rules: NameRules;
  readonly #looksHashed: RegExp;
  readonly #byName = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #changed = new Map<string, string>();

  constructor(rules: NameRules) {
    this.#rules = rules;
    this.#looksHashed = new RegExp(`_[0-9a-f]{${rules.digits ?? 10}}$`, 'u');
  }

  /** The emitted name of `original`, always the same one. */
  name(original: string): string {
    const known = this.#byName.get(original);
    if (known !== undefined) return known;
    const clean = Array.from(original, (character) => (this.#rules.allowed.test(character) ? character : '_')).join('');
    let name = clean;
    // A name that already looks hashed is hashed too, so it cannot equal another one's hashed form.
    if (clean !== original || clean.length > this.#rules.longest || this.#looksHashed.test(clean)) name = hashed(original, clean, this.#rules);
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

function hashed(original: string, clean: string, { longest, digits = 10 }: NameRules): string {
  const hash = createHash('sha256').update(original).digest('hex').slice(0, digits);
  return `${clean.slice(0, longest - digits - 1)}_${hash}`;
}
