/** What every command shares: where words go, colour, dates, and the exit status. */
import { fileCodes } from '../diagnostics/codes/files.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { renderJson, renderText } from '../diagnostics/render.ts';
import { isCalendarDate } from '../model/flows.ts';
import { SourceMap } from '../base/source.ts';

export type Format = 'text' | 'json';

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

export function formatOf(text: string | undefined): Format {
  if (text === undefined || text === 'text' || text === 'json') return text ?? 'text';
  throw new UsageError('--format', `\`${text}\` is not a format`, 'one of text, json');
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

/** A JSON document on standard output. */
export function printJson(
  kind: string,
  document: Readonly<Record<string, unknown>>,
  diagnostics: readonly Diagnostic[] = [],
  sources: SourceMap = new SourceMap(),
): void {
  print(JSON.stringify({ kind: `zonewright.${kind}`, schema: jsonSchema, ...document, diagnostics: renderJson(diagnostics, sources) }, undefined, 2));
}
