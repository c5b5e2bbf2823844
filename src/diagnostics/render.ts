/**
 * Diagnostics as text for a person and as data for a program.
 *
 * Takes records and the sources that their spans point into; gives them in the order of the files. Everything that
 * came from a zone file passes through `display.ts`, so a hostile file cannot write to the terminal.
 */
import type { SourceFile, SourceMap, Span } from '../base/source.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import { visible } from './display.ts';
import { excerpt } from './excerpt.ts';

export interface TextOptions {
  readonly color: boolean;
  /** Columns there are for a line of source with its number; 120 unless told, never below 40. */
  readonly width?: number;
}

/** In the order of the files, then of the places in them; what has no place comes last. Stable. */
export function inSourceOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.toSorted((a, b) => {
    if (a.span === undefined || b.span === undefined) return Number(a.span === undefined) - Number(b.span === undefined);
    return a.span.file - b.span.file || a.span.start - b.span.start;
  });
}

// -- text -------------------------------------------------------------------------------------------------------

interface Mark {
  readonly span: Span;
  readonly label: string | undefined;
  readonly primary: boolean;
}

type Style = 'error' | 'warning' | 'frame' | 'strong';
type Paint = (style: Style, text: string) => string;

const sequences: Readonly<Record<Style, string>> = { error: '1;31', warning: '1;33', frame: '1;34', strong: '1' };
const colored: Paint = (style, text) => (text === '' ? '' : `\u{1b}[${sequences[style]}m${text}\u{1b}[0m`);
const plain: Paint = (_, text) => text;

/** One block per diagnostic, an empty line between them; the empty string for none. */
export function renderText(diagnostics: readonly Diagnostic[], sources: SourceMap, options: TextOptions): string {
  const paint = options.color ? colored : plain;
  const width = Math.max(40, options.width ?? 120);
  return inSourceOrder(diagnostics)
    .map((item) => block(item, sources, paint, width))
    .join('\n');
}

function block(item: Diagnostic, sources: SourceMap, paint: Paint, width: number): string {
  const marks: Mark[] = [];
  if (item.span !== undefined) marks.push({ span: item.span, label: item.label, primary: true });
  for (const { span, label } of item.secondary) marks.push({ span, label, primary: false });
  const places = marks.map((mark) => sources.file(mark.span.file).position(mark.span.start).line);
  const gutter = ' '.repeat(String(Math.max(0, ...places)).length);

  const lines = [`${paint(item.severity, `${item.severity}[${item.code}]`)}${paint('strong', `: ${visible(item.message)}`)}`];
  for (const [index, file] of filesOf(marks, sources).entries()) {
    const own = marks.filter((mark) => mark.span.file === file.id);
    lines.push(...fileRows(file, own, index === 0, gutter, item.severity, paint, width));
  }
  const trailer = [...item.notes.map((text) => ['note', text] as const), ...[...item.help, ...fixTitle(item)].map((text) => ['help', text] as const)];
  if (trailer.length > 0 && marks.length > 0) lines.push(paint('frame', `${gutter} |`));
  for (const [word, text] of trailer) {
    const [first = '', ...rest] = text.split('\n');
    lines.push(`${gutter} ${paint('frame', '=')} ${paint('strong', `${word}:`)} ${visible(first)}`.trimEnd());
    for (const line of rest) lines.push(`${gutter}   ${' '.repeat(word.length + 2)}${visible(line)}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

function fixTitle(item: Diagnostic): readonly string[] {
  return item.fix === undefined || item.help.includes(item.fix.title) ? [] : [item.fix.title];
}

/** The file of the primary span, then the others in the order in which they were read. */
function filesOf(marks: readonly Mark[], sources: SourceMap): readonly SourceFile[] {
  const first = marks[0]?.span.file;
  const others = new Set(marks.map((mark) => mark.span.file).filter((id) => id !== first));
  return [...(first === undefined ? [] : [first]), ...[...others].toSorted((a, b) => a - b)].map((id) => sources.file(id));
}

function fileRows(
  file: SourceFile,
  marks: readonly Mark[],
  leading: boolean,
  gutter: string,
  severity: Severity,
  paint: Paint,
  width: number,
): readonly string[] {
  const sorted = marks.toSorted((a, b) => a.span.start - b.span.start);
  const heading = (leading ? marks[0] : sorted[0])?.span.start ?? 0;
  const { line, column } = file.position(heading);
  const empty = paint('frame', `${gutter} |`);
  const rows = [`${gutter}${paint('frame', leading ? '-->' : ':::')} ${visible(file.name)}:${line}:${column}`, empty];

  let last: number | undefined;
  let lastWhole = false;
  for (const mark of sorted) {
    const number = file.position(mark.span.start).line;
    const text = file.line(number);
    const start = mark.span.start - (file.lineStarts[number - 1] ?? 0);
    const part = excerpt(text, { start, end: Math.min(text.length, start + (mark.span.end - mark.span.start)) }, width - gutter.length - 3);
    if (last !== undefined && number > last + 1) rows.push(paint('frame', '...'));
    if (number !== last || !lastWhole) {
      rows.push(
        part.line === ''
          ? paint('frame', `${String(number).padStart(gutter.length)} |`)
          : `${paint('frame', `${String(number).padStart(gutter.length)} |`)} ${part.line}`,
      );
    }
    const style = mark.primary ? severity : 'frame';
    const underline = (mark.primary ? '^' : '-').repeat(part.length);
    const label = mark.label === undefined || mark.label === '' ? '' : ` ${visible(mark.label)}`;
    rows.push(`${empty} ${' '.repeat(part.indent)}${paint(style, underline + label)}`);
    last = number;
    lastWhole = part.whole;
  }
  return rows;
}

// -- data -------------------------------------------------------------------------------------------------------

/** A place for a program: one-based lines, one-based columns in code points, the end not included. */
export interface JsonPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

type Nowhere = { readonly [Key in keyof JsonPlace]: null };

/** One diagnostic of `--format json`; what is absent is null. */
export type JsonDiagnostic = (JsonPlace | Nowhere) & {
  readonly code: string;
  readonly name: string;
  readonly severity: Severity;
  readonly message: string;
  readonly label: string | null;
  readonly secondary: readonly (JsonPlace & { readonly label: string })[];
  readonly notes: readonly string[];
  readonly help: readonly string[];
  /** As the diagnostic carries it; its makers keep to what JSON can hold. */
  readonly data: unknown;
};

const nowhere: Nowhere = { file: null, line: null, column: null, endLine: null, endColumn: null };

export function jsonPlace(span: Span, sources: SourceMap): JsonPlace {
  const file = sources.file(span.file);
  const start = file.position(span.start);
  const end = file.position(Math.max(span.start, span.end));
  return { file: file.name, line: start.line, column: start.column, endLine: end.line, endColumn: end.column };
}

export function renderJson(diagnostics: readonly Diagnostic[], sources: SourceMap): readonly JsonDiagnostic[] {
  return inSourceOrder(diagnostics).map((item) => ({
    code: item.code,
    name: item.name,
    severity: item.severity,
    message: item.message,
    ...(item.span === undefined ? nowhere : jsonPlace(item.span, sources)),
    label: item.label ?? null,
    secondary: item.secondary.map(({ span, label }) => ({ ...jsonPlace(span, sources), label })),
    notes: item.notes,
    help: item.help,
    data: item.data ?? null,
  }));
}
