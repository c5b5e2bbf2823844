/**
 * Denied messages that are answered.
 *
 * Takes what may run between two ends, gives the chain where a message ends that no flow allows: to a reset if a segment without payload would pass
 * in its place, else dropped. The one idea: whoever lets no such segment pass has cut the conversation itself, and what is cut has no answer.
 */
import type { Entry } from '../../src/policy/gateway-policy.ts';
import type { Box } from '../../src/target/lookup-plan.ts';
import type { Pair } from '../../src/target/pairs.ts';
import type { Effects } from './effects.ts';
import { type Plan, planLookups, writeLookups } from './lookups.ts';
import { drop, goTo, type Table } from './table.ts';
import { phrase, type Token } from './tokens.ts';

/** Conversations of a pair that may run, by what passes in them without payload. */
export interface Living {
  readonly pair: Pair;
  readonly boxes: readonly Box<Entry>[];
  readonly guard?: Token | undefined;
}

type Explain = (pair: Pair, effect: 'refused' | 'unheard', plan: Plan<Entry>, boxes: readonly Box<Entry>[]) => void;

export class Answers {
  readonly #table: Table;
  readonly #effects: Effects;
  readonly #reset: Token | undefined;
  readonly #explain: Explain;

  /** `reset`: the chain that answers; undefined where everything is dropped. `explain` is told of every plan. */
  constructor(table: Table, effects: Effects, reset: Token | undefined, explain: Explain) {
    this.#table = table;
    this.#effects = effects;
    this.#reset = reset;
    this.#explain = explain;
  }

  /** `unheard`: by the fields of answers, since the called side asks. */
  chain(word: 'refused' | 'unheard', pair: Pair, living: readonly Living[]): Token {
    const reset = this.#reset;
    if (reset === undefined) return drop;
    const rules = (): Token[] => [...living.flatMap((one) => this.#lookups(word, one, reset)), drop];
    return goTo(this.#table.once(`${word} ${pair.stem}`, `${word}.${pair.stem}`, rules));
  }

  #lookups(word: 'refused' | 'unheard', { pair, boxes, guard }: Living, reset: Token): Token[] {
    const note = (labels: readonly Entry[]): Token => this.#effects.note(labels);
    const plan = planLookups(this.#table, `${word}.${pair.stem}`, boxes, note, { labelled: false });
    this.#explain(pair, word, plan, boxes);
    const outcome = (labels: readonly Entry[]): Token[] => [phrase(note(labels), goTo(reset))];
    return writeLookups(plan, { table: this.#table, swapped: word === 'unheard', outcome, guard });
  }
}
