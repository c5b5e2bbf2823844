/**
 * Diagnostics as workflow commands of GitHub Actions, which show them beside the lines of a pull request.
 *
 * Takes diagnostics and their sources, gives one line for each: `::error file=…,line=…,title=…::message`. The one idea:
 * a line of output that begins with `::` is an order to the runner, so whatever could end our line or our command is
 * escaped, and nothing that a zone file says can become an order of its own.
 */
import type { SourceMap } from '../base/source.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { visible } from '../diagnostics/display.ts';
import { inSourceOrder, jsonPlace } from '../diagnostics/render.ts';
import { pathFrom, remarks } from './remarks.ts';

/**
 * One command a diagnostic, each ending its line; the empty string for none. Notes and help stand below the message.
 * The form is that of "Workflow commands for GitHub Actions"; the escapes are those which the runner reads back
 * (`ActionCommand.cs` of actions/runner). `folder`: see `pathFrom`.
 */
export function renderGithub(diagnostics: readonly Diagnostic[], sources: SourceMap, folder = ''): string {
  return inSourceOrder(diagnostics)
    .map((item) => `${command(item, sources, folder)}\n`)
    .join('');
}

function command(item: Diagnostic, sources: SourceMap, folder: string): string {
  const properties = [...placeProperties(item, sources, folder), ['title', `${item.code} ${item.name}`] as const];
  const text = [item.message, ...remarks(item)].join('\n');
  return `::${item.severity} ${properties.map(([name, value]) => `${name}=${escapeProperty(value)}`).join(',')}::${escapeData(text)}`;
}

function placeProperties(item: Diagnostic, sources: SourceMap, folder: string): (readonly [name: string, value: string])[] {
  if (item.span === undefined) return [];
  const place = jsonPlace(item.span, sources);
  const lines = [['file', pathFrom(folder, place.file)] as const, ['line', String(place.line)] as const, ['endLine', String(place.endLine)] as const];
  // Columns of an annotation over several lines are refused.
  if (place.line !== place.endLine) return lines;
  return [...lines, ['col', String(place.column)], ['endColumn', String(place.endColumn)]];
}

/** Other controls would act on the log as it is shown; line ends are left to the escapes. */
function shown(text: string): string {
  return text.replaceAll(/[^\r\n]+/gu, visible);
}

function escapeData(text: string): string {
  return shown(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
