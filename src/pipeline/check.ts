/**
 * Check: a path → everything that is known of the policy, and everything that is wrong with it.
 *
 * Runs parse, resolve, place and the analyses, each on what the one before could save, so that one run shows all
 * independent mistakes; follow-ups of a mistake already shown are held back.
 */
import type { Span } from '../base/source.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import type { Blame, Diagnostic } from '../diagnostics/diagnostic.ts';
import type { AssertResult } from '../analysis/asserts/proof.ts';
import { proveAsserts } from '../analysis/asserts/prove.ts';
import { checkEssential } from '../analysis/essential.ts';
import { lint } from '../analysis/lints/lints.ts';
import { PlantSets } from '../analysis/plant-sets.ts';
import { type Coverage, runTests, type TestResult } from '../analysis/tests.ts';
import type { Model } from '../model/model.ts';
import { resolve } from '../model/resolve.ts';
import type { TargetCapabilities } from '../policy/capabilities.ts';
import { today } from '../policy/dates.ts';
import { place, type Placement } from '../policy/place.ts';
import type { Declaration } from '../syntax/ast.ts';
import { load, type Loaded, type ReadBytes } from './load.ts';

export interface Checked {
  readonly loaded: Loaded;
  /** Best effort if there are errors; complete if there are none. */
  readonly model: Model;
  readonly placement: Placement;
  readonly date: string;
  readonly asserts: readonly AssertResult[];
  readonly tests: readonly TestResult[];
  /** Which flows the tests touch; undefined if there are errors. */
  readonly coverage: Coverage | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export interface CheckOptions {
  readonly date?: string | undefined;
  readonly targets: ReadonlyMap<string, TargetCapabilities>;
  readonly read?: ReadBytes;
  /** Run the test blocks, but prove and lint nothing. */
  readonly testsOnly?: boolean;
}

export function check(path: string, options: CheckOptions): Checked {
  const loaded = load(path, options.read);
  const broken = errors(loaded.diagnostics);
  const unreadRoot = loaded.sources.files.length === 0;
  const resolved = resolve(loaded.declarations, loaded.sources);
  const model = resolved.value;
  const date = options.date ?? today(model.timezone);
  const diagnostics: Diagnostic[] = [...loaded.diagnostics];
  const seen = broken.length === 0 ? resolved.diagnostics : resolved.diagnostics.filter((one) => !followsFrom(one, broken, loaded));
  diagnostics.push(...seen);
  const placed = place(model, options.targets, date);
  const before = errors(diagnostics);
  if (before.length === 0) diagnostics.push(...placed.diagnostics);
  else if (!unreadRoot) diagnostics.push(...placed.diagnostics.filter((one) => standsAlone(one, before, loaded.declarations)));
  const placement = placed.value;
  if (diagnostics.some((one) => one.severity === 'error' && one.blame === 'input'))
    return { loaded, model, placement, date, asserts: [], tests: [], coverage: undefined, diagnostics };
  const plant = new PlantSets(model, placement);
  const tests = runTests(model, plant);
  diagnostics.push(...tests.diagnostics);
  if (options.testsOnly === true) return { loaded, model, placement, date, asserts: [], tests: tests.results, coverage: tests.coverage, diagnostics };
  const proofs = proveAsserts(plant);
  diagnostics.push(...checkEssential(model, plant, date), ...proofs.diagnostics);
  // What a target refuses is not what will stand there.
  if (!diagnostics.some((one) => one.severity === 'error' && one.blame === 'target')) diagnostics.push(...lint(plant));
  return { loaded, model, placement, date, asserts: proofs.results, tests: tests.results, coverage: tests.coverage, diagnostics };
}

function errors(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.filter((one) => one.severity === 'error');
}

function within(inner: Span | undefined, outer: Span): boolean {
  return inner !== undefined && inner.file === outer.file && inner.start >= outer.start && inner.end <= outer.end;
}

const unknownCodes: readonly string[] = [modelCodes.unknownName.code, modelCodes.unknownService.code];
const incompleteCodes: readonly string[] = [modelCodes.missingProperty.code, modelCodes.flowEffect.code, 'ZW3001'];

/** Whether a mistake of names only follows from one of syntax: a name whose declaration is broken, a part that was lost. */
function followsFrom(one: Diagnostic, broken: readonly Diagnostic[], loaded: Loaded): boolean {
  if (one.span === undefined) return false;
  if (unknownCodes.includes(one.code)) {
    // A file that could not be read may have declared anything.
    if (broken.some((other) => other.code.startsWith('ZW6'))) return true;
    return loaded.broken.includes(loaded.sources.text(one.span));
  }
  if (incompleteCodes.includes(one.code)) {
    const declaration = loaded.declarations.find((candidate) => within(one.span, candidate.span));
    return (
      declaration !== undefined &&
      broken.some((other) => [other.span, ...other.secondary.map((one) => one.span)].some((span) => within(span, declaration.span)))
    );
  }
  return false;
}

/** Whether a mistake of placing shows although others were found: it must not come from a zone or gateway that is broken. */
function standsAlone(one: Diagnostic, before: readonly Diagnostic[], declarations: readonly Declaration[]): boolean {
  if (one.severity !== 'error') return false;
  const options: readonly string[] = [
    modelCodes.unknownTarget.code,
    modelCodes.unknownOption.code,
    modelCodes.badOption.code,
    modelCodes.repeatedProperty.code,
  ];
  if (options.includes(one.code)) return true;
  const structure = declarations.filter(
    (declaration) => declaration.kind === 'zone' || declaration.kind === 'gateway' || declaration.kind === 'host' || declaration.kind === 'group',
  );
  const sound = before.every(
    (other) =>
      other.span !== undefined &&
      !other.code.startsWith('ZW1') &&
      !other.code.startsWith('ZW6') &&
      !structure.some((declaration) => within(other.span, declaration.span)),
  );
  return sound;
}

/** The exit status that the diagnostics ask for. */
export function exitStatus(diagnostics: readonly Diagnostic[]): number {
  const blames = new Set<Blame>(errors(diagnostics).map((one) => one.blame));
  if (blames.has('bug')) return 4;
  if (blames.has('input')) return 2;
  if (blames.has('target')) return 3;
  return blames.has('finding') ? 1 : 0;
}
