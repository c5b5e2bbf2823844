/**
 * The table of one family while it is being built: chains, each with a name that fits the platform.
 *
 * Rules are tokens without their `-A chain`; a chain that is asked for twice under one key is one chain.
 */
import type { Family } from '../../src/net/address.ts';
import { ShortNames } from '../../src/target/short-names.ts';
import type { Sets } from './sets.ts';
import { limits } from './target.ts';
import { chainName, keyword, phrase, type Token } from './tokens.ts';
import type { ChainView } from './view.ts';

/** More rules than a gateway loads. `stem`: of chains that hold a good part of them, if some do. */
export class TooManyRules extends Error {
  readonly stem: string | undefined;

  constructor(stem: string | undefined) {
    super('too many rules');
    this.stem = stem;
  }
}

export class Table {
  readonly family: Family;
  /** Undefined for a gateway without ipset. */
  readonly sets: Sets | undefined;
  readonly chains: ChainView[] = [];
  /** Chains that a tree of lookups may nest. */
  readonly levels: number;
  readonly #prefix: string;
  readonly #names = new ShortNames({ longest: limits.chain, allowed: /[A-Za-z0-9_.-]/u });
  readonly #taken = new Set<string>();
  readonly #known = new Map<string, Token>();
  readonly #numbers = new Map<string, number>();
  /** By stem, without the numbers of trees. */
  readonly #rulesOf = new Map<string, number>();
  #rules = 0;

  constructor(family: Family, prefix: string, sets: Sets | undefined, levels: number) {
    this.family = family;
    this.levels = levels;
    this.#prefix = prefix;
    this.sets = sets;
  }

  get shortened(): ReadonlyMap<string, string> {
    return this.#names.changed;
  }

  /** Adds a chain and gives its name. Names of interfaces hold dots, so two stems may be alike: the later one gets a number. */
  chain(stem: string, rules: readonly Token[]): Token {
    const name = this.#unique(stem);
    this.#push(name, stem, rules);
    return name;
  }

  /** The chain of this key, made on first use. */
  once(key: string, stem: string, rules: () => readonly Token[]): Token {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // The name first: chains that lead to this one would otherwise be named before it.
    const name = this.#unique(stem);
    this.#known.set(key, name);
    this.#push(name, stem, rules());
    return name;
  }

  /** Chains on the longest way through the table. */
  depth(): number {
    const targets = new Map<string, string[]>(
      this.chains.map(({ name, rules }) => [name, rules.flatMap((rule) => / -[gj] (\S+)$/u.exec(` ${rule}`)?.[1] ?? [])]),
    );
    const known = new Map<string, number>();
    const below = (name: string): number => {
      const found = known.get(name) ?? 1 + Math.max(0, ...(targets.get(name) ?? []).map((next) => (targets.has(next) ? below(next) : 0)));
      known.set(name, found);
      return found;
    };
    return Math.max(0, ...[...targets.keys()].map(below));
  }

  /** `stem.1`, `stem.2`, … */
  numbered(stem: string): string {
    const next = (this.#numbers.get(stem) ?? 0) + 1;
    this.#numbers.set(stem, next);
    return `${stem}.${next}`;
  }

  #push(name: Token, stem: string, rules: readonly Token[]): void {
    this.chains.push({ name, rules });
    const whose = stem.replace(/(?:\.r)?(?:\.not)?\.\d+$/u, '');
    this.#rulesOf.set(whose, (this.#rulesOf.get(whose) ?? 0) + rules.length);
    this.#rules += rules.length;
    if (this.#rules <= limits.rules) return;
    const [most] = [...this.#rulesOf].toSorted(([, a], [, b]) => b - a);
    throw new TooManyRules(most === undefined || most[1] < this.#rules / 10 ? undefined : `${this.#prefix}.${most[0]}`);
  }

  #unique(stem: string): Token {
    for (let number = 1; ; number++) {
      const name = this.#names.name(`${this.#prefix}.${number === 1 ? stem : `${stem}-${number}`}`);
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return chainName(name);
    }
  }
}

export const drop = keyword('-j DROP');
export const accept = keyword('-j ACCEPT');
export const back = keyword('-j RETURN');

/** On to a chain; what ends there ends for good. */
export function goTo(chain: Token): Token {
  return phrase(keyword('-g'), chain);
}

/** Into a chain; what it does not decide comes back. */
export function jump(chain: Token): Token {
  return phrase(keyword('-j'), chain);
}
