/**
 * Flows that tell functions apart: who looks into their messages, and by which rules.
 *
 * Takes what a pair of zones has of a flow, gives the part that ports decide and the part whose messages programs of BPF look into (`messages.ts`);
 * what an engine beside the gateway looks into starts by ports. The one idea: a message that a set of functions does not hold comes back, so flows
 * that overlap are asked one after the other, and flows of one set of functions share their lookups and their chain.
 */
import { allFunctions, type FunctionSet, functionsText, subtractFunctions } from '../../src/packets/function-set.ts';
import { type Entry, functionTable, type GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { Box } from '../../src/target/lookup-plan.ts';
import type { Looked, PairEntry } from '../../src/target/pairs.ts';
import { planLookups, writeLookups } from './lookups.ts';
import { messageChain } from './messages.ts';
import { jump, type Table } from './table.ts';
import { capabilities } from './target.ts';
import { phrase, type Token } from './tokens.ts';

/** Sets of functions that have lookups of their own, those of most flows first; all others share a tree. */
const mostSets = 3;

interface Asking<Verdict> {
  readonly note: (labels: readonly Looked[]) => Token;
  readonly guard: Token | undefined;
  readonly verdict: Verdict;
  /** By the fields of answers: the called side asks. */
  readonly swapped?: boolean;
}

export class Looks {
  readonly #table: Table;
  readonly #policy: GatewayPolicy;

  constructor(policy: GatewayPolicy, table: Table) {
    this.#policy = policy;
    this.#table = table;
  }

  /** What may pass, or may not, by ports. */
  plain(one: PairEntry): readonly Box<Entry>[] {
    const { family } = this.#table;
    if (this.looked(one).length + this.heard(one).length === 0) return this.answers(one);
    const engine = (one.looked.get(family) ?? []).filter(({ label }) => isForEngine(this.#policy, label.functions) && functionTable.hasNone(label.functions));
    const plain = one.plain.get(family);
    return [...(plain === undefined ? [] : [plain]), ...engine.map((box): Box<Entry> => ({ ...box, label: one.entry }))];
  }

  /** What may be answered. */
  answers({ boxes }: PairEntry): readonly Box<Entry>[] {
    const box = boxes.get(this.#table.family);
    return box === undefined ? [] : [box];
  }

  looked({ looked }: PairEntry): readonly Box<Looked>[] {
    return (looked.get(this.#table.family) ?? []).filter(({ label }) => !isForEngine(this.#policy, label.functions));
  }

  /** What the called side asks, where requests run backward: of this no engine has a parser. */
  heard({ heard }: PairEntry): readonly Box<Looked>[] {
    return heard.get(this.#table.family) ?? [];
  }

  /** Messages that any of them is about lead to one verdict. */
  lookups(stem: string, boxes: readonly Box<Looked>[], { verdict, ...asking }: Asking<Token>): Token[] {
    const groups = new Map<string, Box<Looked>[]>();
    for (const box of boxes) {
      const key = keyOf(box.label);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [box]);
      else group.push(box);
    }
    const sorted = [...groups.values()].sort((a, b) => b.length - a.length);
    const says = ({ transports, functions }: Looked): Token => jump(messageChain(this.#table, transports, functions, verdict));
    const own = sorted.slice(0, mostSets).flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const plan = planLookups(this.#table, stem, group, asking.note, { labelled: false });
      const outcome = (labels: readonly Looked[]): Token[] => [phrase(asking.note(labels), says(first.label))];
      return writeLookups(plan, { table: this.#table, swapped: asking.swapped === true, outcome, guard: asking.guard });
    });
    return [...own, ...this.#labelled(stem, sorted.slice(mostSets).flat(), asking, says)];
  }

  /** Each of them has a rate of its own, which only its messages ask. */
  ratedLookups(stem: string, boxes: readonly Box<Looked>[], { verdict, ...asking }: Asking<(label: Looked) => Token>): Token[] {
    return this.#labelled(stem, boxes, asking, (label) => jump(messageChain(this.#table, label.transports, label.functions, verdict(label))));
  }

  #labelled(stem: string, boxes: readonly Box<Looked>[], asking: Omit<Asking<unknown>, 'verdict'>, outcome: (label: Looked) => Token): Token[] {
    if (boxes.length === 0) return [];
    const { note, guard, swapped = false } = asking;
    const plan = planLookups(this.#table, stem, boxes, note, { labelled: true });
    return writeLookups(plan, {
      table: this.#table,
      swapped,
      outcome: (labels) => labels.map((label) => phrase(note([label]), outcome(label))),
      guard,
    });
  }
}

function keyOf({ transports, functions }: Looked): string {
  return `${transports.join()} ${functionsText(functions)}`;
}

/** Whether the engine beside the gateway looks into messages of these functions: it has a parser for all that it would have to tell. */
export function isForEngine(policy: GatewayPolicy, functions: FunctionSet): boolean {
  const { companions } = capabilities;
  const grades = companions?.engines.get(policy.options.get(companions.option) ?? '')?.grades;
  if (grades === undefined) return false;
  const told = functionTable.hasOther(functions) ? subtractFunctions(allFunctions, functions) : functions;
  return functionTable.among(told).every((one) => grades[one.protocol] !== undefined);
}
