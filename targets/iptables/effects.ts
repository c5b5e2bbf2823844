/**
 * Logs, counters and rates: what happens beside a verdict.
 *
 * A log or a count is a rule without a verdict, in a chain that comes back. A rate is the only rule that decides by a limit, one for each
 * flow and family, so that a flow has one bucket whatever the pairs of zones that it runs between.
 */
import type { Entry, GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { jump, type Table } from './table.ts';
import { comment, keyword, logPrefix, logPrefixText, phrase, rate, type Token } from './tokens.ts';

/** Logs of one rule: at most this many a second, and this many at once. */
const logRate = { amount: 5, unit: 'second', burst: 10 } as const;

export class Effects {
  /** Log prefixes that had to be cut, by what is emitted. */
  readonly shortened = new Map<string, string>();
  readonly #gateway: string;
  readonly #facts: EmissionFacts;
  readonly #table: Table;
  /** Lines of the gateway's own traffic may share a name. */
  readonly #ids: ReadonlyMap<Entry, number>;

  constructor(policy: GatewayPolicy, facts: EmissionFacts, table: Table) {
    this.#gateway = policy.gateway;
    this.#facts = facts;
    this.#table = table;
    this.#ids = new Map(policy.entries.map((entry, index) => [entry, index]));
  }

  /** A rule that logs, under its own limit. */
  log(...words: readonly string[]): Token {
    const all = [this.#gateway, ...words];
    const text = logPrefixText(all);
    const whole = `zw ${all.join(' ')}: `;
    if (text !== whole) this.shortened.set(text, whole);
    return phrase(rate(logRate), keyword('-j LOG'), logPrefix(all));
  }

  /** `press_data/historian_poll plant.zone:41 +2`. */
  note(labels: readonly Entry[]): Token {
    const [first] = labels;
    if (first === undefined) return comment('no flow');
    const place = this.#facts.place(first.origin.span);
    const more = labels.length > 1 ? ` +${labels.length - 1}` : '';
    const room = 240 - place.length - more.length;
    const { name } = first.origin;
    return comment(`${name.length > room ? `${name.slice(0, Math.max(room - 3, 8))}...` : name} ${place}${more}`);
  }

  /** A jump to what a flow wants written down of a packet between these ends; it comes back. */
  noted(stem: string, label: string, entry: Entry): Token {
    const counts = (): Token => this.#table.once(`count ${this.#ids.get(entry)}`, `flow.${entry.origin.name}`, () => [this.note([entry])]);
    if (!entry.log) return jump(counts());
    const chain = this.#table.once(`noted ${stem} ${this.#ids.get(entry)}`, `log.${stem}.${entry.origin.name}`, () => [
      ...(entry.count ? [jump(counts())] : []),
      phrase(this.note([entry]), this.log(label, shortName(entry))),
    ]);
    return jump(chain);
  }

  /** A jump to the bucket of a flow: `granted` is the verdict if it has a token left; else it comes back. */
  rated(entry: Entry, granted: () => Token): Token {
    const limit = entry.rate;
    if (limit === undefined) throw new Error(`${entry.origin.name} has no rate`);
    return jump(this.#table.once(`rate ${this.#ids.get(entry)}`, `rate.${entry.origin.name}`, () => [phrase(rate(limit), this.note([entry]), granted())]));
  }
}

function shortName(entry: Entry): string {
  return entry.hook === 'forward' ? entry.origin.name : (entry.origin.name.split(' ')[0] ?? entry.origin.name);
}
