/**
 * A table as CSV, Markdown or aligned text.
 *
 * Takes names of columns and rows of cells, gives one document. The one idea: a cell is text that anybody may have
 * written, and each format has a way in which text becomes something else (a formula, markup, a control of the
 * terminal); that way is closed here, once.
 */
import { cells, visible } from '../diagnostics/display.ts';

export interface Table {
  readonly columns: readonly string[];
  /** Each as long as `columns`. */
  readonly rows: readonly (readonly string[])[];
}

/** Without the columns in which no row says anything: for a reader, whose screen has an end. */
export function withoutEmptyColumns(table: Table): Table {
  const used = table.columns.map((_, index) => table.rows.length === 0 || table.rows.some((row) => row[index] !== ''));
  const kept = (row: readonly string[]): string[] => row.filter((_, index) => used[index] === true);
  return { columns: kept(table.columns), rows: table.rows.map(kept) };
}

// -- CSV ----------------------------------------------------------------------------------------------------------

/**
 * RFC 4180 with a header line, in UTF-8 without a byte order mark. Two things differ. Lines end in LF alone, as all our
 * files do (the RFC says CRLF; readers take both). And a cell that a spreadsheet would calculate, since it begins with
 * `=`, `+`, `-`, `@` (white space before it or not; also as full-width characters), a tab or a line end, gets a leading
 * apostrophe: programs that read the file back take that one off.
 */
export function renderCsv(table: Table): string {
  return [table.columns, ...table.rows].map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

const formula = /^(?:[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])/u;

function csvCell(text: string): string {
  const cell = formula.test(text) ? `'${text}` : text;
  // Semicolons and tabs too: some programs take them for the separator.
  return /[",;\t\r\n]|^\s|\s$/u.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

// -- Markdown -----------------------------------------------------------------------------------------------------

/**
 * A table of GitHub Flavored Markdown (4.10), one line a row. Every sign that could begin markup, a formula or an entity
 * has a backslash before it (CommonMark, 2.4), and the beginnings of bare links are broken up; what cannot be seen is
 * shown as `\u{…}`, line ends included. (A forge may still link an e-mail address or a `name` behind an at sign.)
 */
export function renderMarkdown(table: Table): string {
  const line = (row: readonly string[]): string => `| ${row.map(markdownCell).join(' | ')} |\n`;
  return [line(table.columns), `| ${table.columns.map(() => '---').join(' | ')} |\n`, ...table.rows.map(line)].join('');
}

function markdownCell(text: string): string {
  return visible(text)
    .replaceAll(/[\\`*_[\]<>&|~#$^={}!@]/gu, '\\$&')
    .replaceAll('://', '\\://')
    .replaceAll(/(?<=www)\./giu, '\\.');
}

// -- text ---------------------------------------------------------------------------------------------------------

const gap = '  ';

/** Columns one under the other, by the cells of a terminal: a wide character is two of them, a combining mark none. */
export function renderAligned(table: Table): string {
  const shown = [table.columns, ...table.rows].map((row) => row.map(terminalCell));
  const widths = table.columns.map((_, index) => shown.reduce((most, row) => Math.max(most, row[index]?.width ?? 0), 0));
  return shown
    .map((row) =>
      row
        .map(({ text, width }, index) => text + ' '.repeat((widths[index] ?? 0) - width))
        .join(gap)
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function terminalCell(text: string): { readonly text: string; readonly width: number } {
  const row = cells(text);
  return { text: row.map((cell) => cell.shown).join(''), width: row.reduce((sum, cell) => sum + cell.width, 0) };
}
