/**
 * Ask: a path and two selectors → the plant's sets, ready for a question about them.
 *
 * The selectors are read by the same parser and resolver as the zone file's own, as a line of a test that is appended to
 * its declarations; a mistake in them is shown like one in a file called `question`.
 */
import { PlantSets } from '../analysis/plant-sets.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Model, ResolvedSelector } from '../model/model.ts';
import { resolve } from '../model/resolve.ts';
import { today } from '../policy/dates.ts';
import { place } from '../policy/place.ts';
import type { TestLine } from '../syntax/ast.ts';
import { parse } from '../syntax/parse.ts';
import type { CheckOptions } from './check.ts';
import { load, type Loaded } from './load.ts';

/** Words that bring services of their own would hide those that are asked about. */
function isWholeQuestion(line: TestLine | undefined): boolean {
  const [item] = line?.services.items ?? [];
  return line?.services.items.length === 1 && item?.base.kind === 'any' && item.except === undefined;
}

export interface Asked {
  readonly loaded: Loaded;
  readonly model: Model;
  readonly date: string;
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined if something is wrong with the policy or the question. */
  readonly question: { readonly plant: PlantSets; readonly from: ResolvedSelector; readonly to: ResolvedSelector } | undefined;
}

export function ask(path: string, options: CheckOptions, from: string, to: string): Asked {
  const loaded = load(path, options.read);
  const source = loaded.sources.add('question', `test "question" { allow ${from} -> ${to} : any }\n`);
  const parsed = parse(source);
  const [declaration, ...others] = parsed.value.declarations;
  const wellFormed =
    declaration?.kind === 'test' &&
    declaration.lines.length === 1 &&
    isWholeQuestion(declaration.lines[0]) &&
    others.length === 0 &&
    parsed.diagnostics.length === 0;
  const resolved = resolve(wellFormed ? [...loaded.declarations, declaration] : loaded.declarations, loaded.sources);
  const model: Model = wellFormed ? { ...resolved.value, tests: resolved.value.tests.slice(0, -1) } : resolved.value;
  const date = options.date ?? today(model.timezone);
  const placed = place(model, options.targets, date);
  const diagnostics = [...loaded.diagnostics, ...parsed.diagnostics, ...resolved.diagnostics, ...placed.diagnostics].filter((one) => one.severity === 'error');
  const line = wellFormed ? resolved.value.tests.at(-1)?.lines[0] : undefined;
  if (diagnostics.some((one) => one.blame === 'input') || line === undefined) return { loaded, model, date, diagnostics, question: undefined };
  // The whole model, question included, so that the address line is cut at the borders of what is asked.
  const plant = new PlantSets(resolved.value, placed.value);
  return { loaded, model, date, diagnostics, question: { plant, from: line.from, to: line.to } };
}
