/**
 * The ruleset while it is being built: named objects, sets and chains, each with a name that fits the platform.
 */
import { ShortNames } from '../../src/target/short-names.ts';
import { limits } from './target.ts';
import { comment, concatenation, identifier, keyword, phrase, rate, setReference, type Token } from './tokens.ts';
import type { Rate } from '../../src/policy/gateway-policy.ts';
import type { ChainView, CounterView, LimitView, SetView } from './view.ts';

export class Ruleset {
  readonly counters: CounterView[] = [];
  readonly limits: LimitView[] = [];
  readonly sets: SetView[] = [];
  readonly chains: ChainView[] = [];
  readonly #names = new ShortNames({ longest: limits.name, allowed: /[A-Za-z0-9_.-]/u });
  readonly #known = new Set<string>();
  readonly #numbers = new Map<string, number>();

  get shortened(): ReadonlyMap<string, string> {
    return this.#names.changed;
  }

  name(original: string): string {
    return this.#names.name(original);
  }

  /**
   * The name of a new chain or set. Two things of one name would silently become one: names of interfaces hold dots, so that other parts
   * may make the same name, and the later one gets a number.
   */
  #unique(kind: 'chain' | 'set', original: string): string {
    for (let number = 1; ; number++) {
      const name = this.name(number === 1 ? original : `${original}-${number}`);
      if (this.#known.has(`${kind} ${name}`)) continue;
      this.#known.add(`${kind} ${name}`);
      return name;
    }
  }

  /** `stem.1`, `stem.2`, … */
  numbered(stem: string): string {
    const next = (this.#numbers.get(stem) ?? 0) + 1;
    this.#numbers.set(stem, next);
    return `${stem}.${next}`;
  }

  /** The name of a counter, made on first use. */
  counter(original: string, note: string): Token {
    const name = this.name(original);
    if (!this.#known.has(name)) {
      this.#known.add(name);
      this.counters.push({ name: identifier(name), comment: comment(note) });
    }
    return identifier(name);
  }

  /** The name of a limit, made on first use. */
  limit(original: string, limit: Rate): Token {
    const name = this.name(original);
    if (!this.#known.has(name)) {
      this.#known.add(name);
      this.limits.push({ name: identifier(name), rate: rate(limit) });
    }
    return identifier(name);
  }

  /** Adds a set or map and gives its reference. */
  set(original: string, set: Omit<SetView, 'name'>): Token {
    if (set.elements.length === 0) throw new Error(`set ${original} would be empty`);
    const name = this.#unique('set', original);
    this.sets.push({ ...set, type: phrase(keyword('type'), set.type), name: identifier(name) });
    return setReference(name);
  }

  /** A set of what a rule reads from packets, of which there is one by each name. */
  payloadSet(original: string, keys: readonly Token[], elements: () => readonly Token[], interval = false): Token {
    const name = this.name(original);
    if (!this.#known.has(`set ${name}`)) {
      this.#known.add(`set ${name}`);
      const type = phrase(keyword('typeof'), concatenation(keys));
      this.sets.push({ word: keyword('set'), name: identifier(name), type, interval, elements: elements() });
    }
    return setReference(name);
  }

  /**
   * A set of ranges, one for all who ask the same: groups stand in many flows. Sets are never written into a rule: the
   * kernel looks for a name for each of those among all sets of the table, so that thousands take minutes to load.
   */
  ranges(stem: string, type: Token, elements: readonly Token[]): Token {
    const content = `${type}\n${elements.join(' ')}`;
    const known = this.#sharedSets.get(content) ?? this.set(this.numbered(stem), { word: keyword('set'), type, interval: true, elements });
    this.#sharedSets.set(content, known);
    return known;
  }

  readonly #sharedSets = new Map<string, Token>();

  /** Adds a chain and gives its name. */
  chain(original: string, rules: readonly Token[], note?: Token): Token {
    const name = identifier(this.#unique('chain', original));
    this.chains.push({ name, hook: undefined, note, rules });
    return name;
  }
}
