/**
 * The sets of a gateway, each known by its content.
 *
 * Takes elements, gives names. The one idea: a name ends in a digest of type and elements, so equal sets are one, and a set never has to be
 * changed: what a new policy needs stands beside what the old one uses, until nothing refers to that any more.
 */
import { createHash } from 'node:crypto';
import type { Family } from '../../src/net/address.ts';
import type { Ranges } from '../../src/net/ranges.ts';
import { limits } from './target.ts';
import { element, keyword, number, phrase, prefixElements, setName, type Token } from './tokens.ts';
import type { SetView } from './view.ts';

/** Types that kernels have had since 2.6.39; those with two networks came later, and some builds lack them. */
export type SetType = 'hash:net' | 'hash:ip,port' | 'hash:net,port' | 'hash:ip,port,ip' | 'hash:ip,port,net';

export interface SetGroup {
  readonly note: Token | undefined;
  readonly elements: readonly (readonly Token[])[];
}

const digits = 12;

export class Sets {
  readonly views: SetView[] = [];
  /** Names that say less than they stand for. */
  readonly shortened = new Map<string, string>();
  readonly #prefix: string;
  readonly #known = new Map<string, Token>();
  readonly #networks = new Map<object, Token>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The name of the set with these elements; `stem` says whose it is, to people. */
  add(stem: string, type: SetType, family: Family, groups: readonly SetGroup[]): Token {
    const elements = groups.map((group) => ({ note: group.note, elements: group.elements.map(element) }));
    const all = [...new Set(elements.flatMap((group) => group.elements))];
    if (all.length === 0) throw new Error(`set ${stem} would be empty`);
    const kind = typeToken(type, family, all.length);
    const content = `${kind}\n${all.toSorted().join('\n')}`;
    const known = this.#known.get(content);
    if (known !== undefined) return known;
    const name = this.#name(stem, createHash('sha256').update(content).digest('hex').slice(0, digits));
    this.#known.set(content, name);
    this.views.push({ name, type: kind, groups: once(elements) });
    return name;
  }

  /** A set of addresses: for the same ranges the same set. */
  networks(stem: string, family: Family, ranges: Ranges<number> | Ranges<bigint>): Token {
    const known =
      this.#networks.get(ranges) ??
      this.add(stem, 'hash:net', family, [{ note: undefined, elements: prefixElements(family, ranges).map((prefix) => [prefix]) }]);
    this.#networks.set(ranges, known);
    return known;
  }

  #name(stem: string, digest: string): Token {
    const room = limits.set - this.#prefix.length - digits - 2;
    const clean = stem.replaceAll(/[^A-Za-z0-9_.-]/gu, '_');
    const name = `${this.#prefix}.${clean.slice(0, room)}.${digest}`;
    if (clean.length > room || clean !== stem) this.shortened.set(name, stem);
    return setName(name);
  }
}

/** Each element where it is first met: adding it twice would be an error. */
function once(groups: readonly { readonly note: Token | undefined; readonly elements: readonly Token[] }[]): SetView['groups'] {
  const met = new Set<Token>();
  const result: { note: Token | undefined; elements: Token[] }[] = [];
  for (const { note, elements } of groups) {
    const fresh = elements.filter((one) => !met.has(one));
    for (const one of fresh) met.add(one);
    if (fresh.length > 0) result.push({ note, elements: [...new Set(fresh)] });
  }
  return result;
}

function typeToken(type: SetType, family: Family, size: number): Token {
  const least = 64;
  const hash = 2 ** Math.ceil(Math.log2(Math.max(least, size / 4)));
  return phrase(
    keyword(type),
    keyword(family === 4 ? 'family inet' : 'family inet6'),
    keyword('hashsize'),
    number(hash),
    keyword('maxelem'),
    number(Math.max(least, size)),
  );
}
