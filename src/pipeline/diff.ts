/**
 * Diff: two places of a policy → their difference, or what is wrong with one of them.
 *
 * Both are judged for one date. Findings (a violated assert) are the business of `check`; only what cannot be read or
 * resolved stops a comparison.
 */
import { type Difference, diff } from '../analysis/diff.ts';
import type { SourceMap } from '../base/source.ts';
import { lintCodes } from '../diagnostics/codes/lint.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import type { Model } from '../model/model.ts';
import { resolve } from '../model/resolve.ts';
import { today } from '../policy/dates.ts';
import { place, type Placement } from '../policy/place.ts';
import type { CheckOptions } from './check.ts';
import { load } from './load.ts';
import { sourceDigest } from './manifest.ts';
import { locate } from './revision.ts';

export interface Version {
  /** As written on the command line. */
  readonly label: string;
  readonly sources: SourceMap;
  readonly model: Model;
  readonly placement: Placement;
  /** As `compile` writes it into the manifest. */
  readonly digest: string;
}

export interface Compared {
  readonly date: string;
  /** Undefined where something is wrong. */
  readonly old: Version | undefined;
  readonly new: Version | undefined;
  readonly difference: Difference | undefined;
  /** What is wrong, by side; `none` for what no file caused. */
  readonly diagnostics: readonly { readonly sources: SourceMap | undefined; readonly found: readonly Diagnostic[] }[];
}

export function compare(before: string, after: string, options: CheckOptions): Compared {
  const wrong: { sources: SourceMap | undefined; found: readonly Diagnostic[] }[] = [];
  const loaded = [before, after].map((text) => {
    const located = locate(text);
    if ('code' in located) {
      wrong.push({ sources: undefined, found: [located] });
      return undefined;
    }
    const files = located.read === undefined ? load(located.path) : load(located.path, located.read);
    const resolved = resolve(files.declarations, files.sources);
    return { located, files, resolved };
  });
  const date = options.date ?? today(loaded[1]?.resolved.value.timezone);
  const versions = loaded.map((one): Version | undefined => {
    if (one === undefined) return undefined;
    const { files, resolved, located } = one;
    const placed = place(resolved.value, options.targets, date);
    const input = (found: readonly Diagnostic[]): Diagnostic[] => found.filter((each) => each.severity === 'error' && each.blame === 'input');
    const first = [input(files.diagnostics), input(resolved.diagnostics), input(placed.diagnostics)].find((found) => found.length > 0);
    if (first !== undefined) {
      wrong.push({ sources: files.sources, found: first });
      return undefined;
    }
    return { label: located.label, sources: files.sources, model: resolved.value, placement: placed.value, digest: sourceDigest(files.sources) };
  });
  const [old, now] = versions;
  if (old === undefined || now === undefined) return { date, old, new: now, difference: undefined, diagnostics: wrong };
  const difference = diff(old, now);
  const { revision } = now.model;
  if (difference.meaning && revision !== undefined && revision === old.model.revision) {
    const help = ['raise `revision`, so that whoever reads the page knows which policy it is about'];
    wrong.push({ sources: undefined, found: [diagnostic(lintCodes.sameRevision, undefined, { revision: String(revision) }, { help })] });
  }
  return { date, old, new: now, difference, diagnostics: wrong };
}

/** Whether anything differs at all. */
export function differs(difference: Difference): boolean {
  const { managementLost, essentialLost, allowed, denied, changed, gateways } = difference;
  return [managementLost, essentialLost, allowed, denied, changed].some((list) => list.length > 0) || gateways.some((one) => one.state !== 'identical');
}
