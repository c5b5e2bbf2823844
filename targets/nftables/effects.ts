/**
 * What flows ask for besides a verdict: logs, counters, rates; and the log of what nobody allows.
 *
 * Takes entries that hold a packet together, gives the chain that notes it and falls through, or that lets it pass if one of them has a
 * token left.
 */
import type { Entry, GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import type { Pair } from '../../src/target/pairs.ts';
import type { Ruleset } from './ruleset.ts';
import { comment, keyword, logPrefix, phrase, rate, type Token } from './tokens.ts';

/** Logs of one prefix: at most this many a second, and this many at once. */
const logRate = { amount: 5, unit: 'second', burst: 10 } as const;

export class Effects {
  readonly #ruleset: Ruleset;
  readonly #policy: GatewayPolicy;
  readonly #facts: EmissionFacts;
  readonly #chains = new Map<string, Token>();

  constructor(ruleset: Ruleset, policy: GatewayPolicy, facts: EmissionFacts) {
    this.#ruleset = ruleset;
    this.#policy = policy;
    this.#facts = facts;
  }

  /** `press_data/historian_poll plant.zone:41 +2`. */
  note(labels: readonly Entry[]): Token {
    const first = labels[0];
    if (first === undefined) return comment('no flow');
    const place = this.#facts.place(first.origin.span);
    const more = labels.length > 1 ? ` +${labels.length - 1}` : '';
    const room = 120 - place.length - more.length;
    const name = first.origin.name;
    return comment(`${name.length > room ? `${name.slice(0, Math.max(room - 3, 8))}...` : name} ${place}${more}`);
  }

  /** A log under the gateway's shared limit. */
  deniedLog(...words: readonly string[]): Token {
    return phrase(keyword('limit name'), this.#quotedLimit('limit.denied'), logPrefix([this.#policy.gateway, ...words]));
  }

  #quotedLimit(name: string): Token {
    return this.#ruleset.limit(name, logRate);
  }

  /** Logs and counts of a set of flows; falls through. */
  effectChain(pair: Pair, labels: readonly Entry[]): Token {
    const key = `${pair.stem} effect ${labels.map((entry) => entry.origin.name).join('\n')}`;
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const rules = labels.flatMap((entry) => {
      const note = comment(`${entry.origin.name.slice(0, 60)} ${this.#facts.place(entry.origin.span)}`);
      const result: Token[] = [];
      if (entry.count)
        result.push(
          phrase(
            keyword('counter name'),
            this.#ruleset.counter(`flow.${entry.origin.name}`, `${entry.origin.name.slice(0, 60)} ${this.#facts.place(entry.origin.span)}`),
            note,
          ),
        );
      if (entry.log) result.push(phrase(keyword('limit rate'), rate(logRate), logPrefix([this.#policy.gateway, pair.label, shortName(entry)]), note));
      return result;
    });
    const chain = this.#ruleset.chain(this.#ruleset.numbered(`effect.${pair.stem}`), rules);
    this.#chains.set(key, chain);
    return chain;
  }

  /** Any flow of the set that has a token left lets the conversation start. */
  rateChain(pair: Pair, labels: readonly Entry[], allowed: Token): Token {
    const key = `${pair.stem} rate ${labels.map((entry) => entry.origin.name).join('\n')}`;
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const rules = labels.flatMap((entry) =>
      entry.rate === undefined
        ? []
        : [phrase(keyword('limit name'), this.#ruleset.limit(`rate.${entry.origin.name}`, entry.rate), allowed, this.note([entry]))],
    );
    const chain = this.#ruleset.chain(this.#ruleset.numbered(`tokens.${pair.stem}`), rules);
    this.#chains.set(key, chain);
    return chain;
  }

  defaultLog(pair: Pair, conduit: string | undefined): Token {
    if (conduit === undefined) return this.deniedLog(pair.label, 'default');
    return phrase(keyword('limit name'), this.#quotedLimit(`limit.denied.${pair.stem}`), logPrefix([this.#policy.gateway, pair.label, conduit, 'default']));
  }
}

function shortName(entry: Entry): string {
  return entry.hook === 'forward' ? entry.origin.name : (entry.origin.name.split(' ')[0] ?? entry.origin.name);
}
