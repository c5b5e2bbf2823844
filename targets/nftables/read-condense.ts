/**
 * Rules that only sort packets, put together.
 *
 * Takes the rules of a class, gives fewer that do the same. The idea: rules that follow one another and send what they match to one and the
 * same place are one rule over the union of their matches, whether they name the place themselves or by chains that do nothing else. A
 * union of many sets is built in halves, where one rule after the other would carry a large rest along.
 */
import { type Diagram, empty, full, type Node } from '../../src/packets/diagram.ts';
import type { CompiledRule, Step, Target } from './read-compile.ts';

/** What a rule or a class sends to its target; the rest goes on behind it. */
interface Sorting {
  readonly target: Target;
  readonly set: Node;
}

export class Condenser {
  readonly #diagram: Diagram;
  readonly #classes: readonly (readonly CompiledRule[])[];
  readonly #sortings = new Map<number, Sorting | undefined>();
  readonly #keeping = new Map<number, boolean>();

  constructor(diagram: Diagram, classes: readonly (readonly CompiledRule[])[]) {
    this.#diagram = diagram;
    this.#classes = classes;
  }

  rules(number: number): CompiledRule[] {
    const result: CompiledRule[] = [];
    let run: { readonly target: Target; readonly first: CompiledRule; readonly sets: Node[] } | undefined;
    const close = (): void => {
      if (run === undefined) return;
      const set = this.#diagram.unionAll(run.sets);
      const match: Step = { kind: 'match', set, remarked: set, unknown: empty, reason: '' };
      result.push(run.sets.length === 1 ? run.first : { place: run.first.place, steps: [match, { kind: 'verdict', target: run.target }] });
      run = undefined;
    };
    for (const rule of this.#classes[number] ?? []) {
      const sorting = this.#rule(rule);
      if (run !== undefined && (sorting === undefined || !same(run.target, sorting.target))) close();
      if (sorting === undefined) result.push(rule);
      else if (run === undefined) run = { target: sorting.target, first: rule, sets: [sorting.set] };
      else run.sets.push(sorting.set);
    }
    close();
    return result;
  }

  /** The class as one sorting; undefined if it does anything else. */
  #class(number: number): Sorting | undefined {
    if (this.#sortings.has(number)) return this.#sortings.get(number);
    const rules = this.rules(number);
    const [only] = rules;
    const sorting = only !== undefined && rules.length === 1 ? this.#rule(only) : undefined;
    this.#sortings.set(number, sorting);
    return sorting;
  }

  #rule({ steps }: CompiledRule): Sorting | undefined {
    let before: Node = full;
    for (const [index, step] of steps.entries()) {
      const last = index === steps.length - 1;
      switch (step.kind) {
        case 'match':
          // A mark given on the way, or a match that cannot be told, needs the long way.
          if (step.unknown !== empty || step.set !== step.remarked) return undefined;
          before = this.#diagram.intersect(before, step.set);
          break;
        case 'verdict':
          return last ? this.#target(step.target, before) : undefined;
        case 'verdicts': {
          if (!last || step.unknown !== empty) return undefined;
          const sets: Node[] = [];
          let target: Target | undefined;
          for (const row of step.rows) {
            const sorting = row.set === row.remarked ? this.#target(row.target, row.set) : undefined;
            if (sorting === undefined || (target !== undefined && !same(target, sorting.target))) return undefined;
            ({ target } = sorting);
            sets.push(sorting.set);
          }
          return target === undefined ? undefined : { target, set: this.#diagram.intersect(before, this.#diagram.unionAll(sets)) };
        }
        default:
          return undefined;
      }
    }
    return undefined;
  }

  /** Whether nothing ever comes back from a target. */
  #keeps(target: Target): boolean {
    if (target.kind === 'accept' || target.kind === 'drop' || target.kind === 'reset') return true;
    if (target.kind !== 'goto') return false;
    const known = this.#keeping.get(target.class);
    if (known !== undefined) return known;
    const rules = this.#classes[target.class] ?? [];
    const targets = rules.flatMap((rule) =>
      rule.steps.flatMap((step) => (step.kind === 'verdict' ? [step.target] : step.kind === 'verdicts' ? step.rows.map((row) => row.target) : [])),
    );
    const last = rules.at(-1)?.steps ?? [];
    const always = last.at(-1)?.kind === 'verdict' && last.slice(0, -1).every((step) => step.kind === 'mark');
    const result = always && targets.every((one) => one.kind === 'jump' || this.#keeps(one)) && targets.at(-1)?.kind !== 'jump';
    this.#keeping.set(target.class, result);
    return result;
  }

  /** A jump to a class that only sorts comes back with the rest; every other target is a place of its own. */
  #target(target: Target, set: Node): Sorting | undefined {
    if (target.kind !== 'jump') return { target, set };
    const sorting = this.#class(target.class);
    // What came back from its target would go on behind the jump, not behind this class.
    if (sorting === undefined || !this.#keeps(sorting.target)) return undefined;
    return { target: sorting.target, set: this.#diagram.intersect(set, sorting.set) };
  }
}

function same(a: Target, b: Target): boolean {
  return a.kind === b.kind && (!('class' in a) || !('class' in b) || a.class === b.class);
}
