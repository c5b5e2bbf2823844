/** What every command shares: where words go, colour, dates, and the exit status. */
import { dirname, relative, resolve, sep } from 'node:path';
import { fileCodes } from '../diagnostics/codes/files.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { jsonPlace, renderJson, renderText } from '../diagnostics/render.ts';
import { isCalendarDate } from '../model/flows.ts';
import { SourceMap, type Span } from '../base/source.ts';

/** What every command can print. */
export type Format = 'text' | 'json';
const everywhere: readonly Format[] = ['text', 'json'];

/** Version of the JSON documents; raised when a field changes its meaning or goes. */
export const jsonSchema = 1;

/** A mistake on the command line: said in one line, exit 2. */
export class UsageError extends Error {
  readonly diagnostic: Diagnostic;

  constructor(option: string, why: string, help?: string) {
    super(why);
    this.diagnostic = diagnostic(fileCodes.badOption, undefined, { option, why }, { help: [help] });
  }
}

/** The format asked for, `text` if none was; a `UsageError` names those that the command has. */
export function formatOf(text: string | undefined): Format;
export function formatOf<Name extends string>(text: string | undefined, allowed: readonly Name[]): Name;
export function formatOf(text = 'text', allowed: readonly string[] = everywhere): string {
  if (allowed.includes(text)) return text;
  throw new UsageError('--format', `\`${text}\` is not a format of this command`, `one of ${allowed.join(', ')}`);
}

/** The folder of the root file, seen from where the command runs: reports lead names of files back to it. */
export function folderOf(path: string): string {
  return path === '-'
    ? ''
    : relative(process.cwd(), dirname(resolve(path)))
        .split(sep)
        .join('/');
}

export function dateOf(text: string | undefined): string | undefined {
  if (text === undefined || isCalendarDate(text)) return text;
  throw new UsageError('--date', `\`${text}\` is not a date`, 'write year, month and day: 2027-03-31');
}

export function useColour(stream: NodeJS.WriteStream): boolean {
  const off = process.env['NO_COLOR'];
  return stream.isTTY && (off === undefined || off === '');
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Says what is under way once a run has taken a second; on a terminal only. */
export function progressOn(stream: NodeJS.WriteStream): (stage: string) => void {
  const began = Date.now();
  return (stage) => {
    if (stream.isTTY && Date.now() - began > 1000) stream.write(`${stage}…\n`);
  };
}

/** Diagnostics for a person, on standard error. */
export function complain(diagnostics: readonly Diagnostic[], sources: SourceMap = new SourceMap()): void {
  if (diagnostics.length === 0) return;
  const text = renderText(diagnostics, sources, { color: useColour(process.stderr), width: process.stderr.columns });
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
  const errors = diagnostics.filter((one) => one.severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const parts = [
    errors === 0 ? '' : errors === 1 ? '1 error' : `${errors} errors`,
    warnings === 0 ? '' : warnings === 1 ? '1 warning' : `${warnings} warnings`,
  ].filter((part) => part !== '');
  process.stderr.write(`${parts.join(', ')}\n`);
}

/** Results of asserts and tests for a JSON document, with the places of their spans: offsets mean nothing outside. */
export function withPlaces(results: readonly (object & { readonly span?: Span })[], sources: SourceMap): unknown[] {
  return results.map(({ span, ...result }) => (span === undefined ? result : { ...result, span: jsonPlace(span, sources) }));
}

/** A JSON document on standard output. */
export function printJson(
  kind: string,
  document: Readonly<Record<string, unknown>>,
  diagnostics: readonly Diagnostic[] = [],
  sources: SourceMap = new SourceMap(),
): void {
  print(JSON.stringify({ kind: `zonewright.${kind}`, schema: jsonSchema, ...document, diagnostics: renderJson(diagnostics, sources) }, undefined, 2));
}
