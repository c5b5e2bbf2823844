/**
 * Names of one kind of object, in the alphabet of VyOS and never two alike.
 *
 * A name of the zone file stays as it is wherever it can; what another object has already, what VyOS cannot say or what is too long carries a
 * hash of the whole.
 */
import { createHash } from 'node:crypto';
import { limits } from './target.ts';
import { name, type Token } from './tokens.ts';

export class Names {
  /** Emitted name → original, for those that differ. */
  readonly changed = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** `reserved`: names that no object of ours may have. */
  constructor(reserved: readonly string[] = []) {
    for (const one of reserved) this.#taken.add(one);
  }

  /** A name for an object that is asked for once; `identity` tells it from others that would like the same name. */
  add(wanted: string, identity: string = wanted): Token {
    const clean = Array.from(wanted, (character) => (/^[A-Za-z0-9_.-]$/u.test(character) ? character : '_')).join('');
    const looksHashed = /_[0-9a-f]{10}$/u.test(clean);
    let found = clean;
    if (clean !== wanted || clean.length > limits.name || looksHashed || !/^[A-Za-z0-9]/u.test(clean) || this.#taken.has(clean)) {
      const hash = createHash('sha256').update(identity).digest('hex').slice(0, 10);
      const stem = clean.slice(0, limits.name - 11).replace(/^[^A-Za-z0-9]+/u, '');
      found = `${stem === '' ? 'x' : stem}_${hash}`;
    }
    if (this.#taken.has(found)) throw new Error(`two names became ${found}`);
    this.#taken.add(found);
    if (found !== wanted) this.changed.set(found, wanted);
    return name(found);
  }
}
