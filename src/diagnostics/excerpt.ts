/**
 * One line of source with an underline.
 *
 * Takes the line, the stretch to underline and the columns there are; gives both as text. A line that is too long is
 * cut around the stretch, with `…` where something is left out.
 */
import { type Cell, cells } from './display.ts';

/** A stretch of a line, in UTF-16 code units from its start. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export interface Excerpt {
  readonly line: string;
  /** Columns before the underline. */
  readonly indent: number;
  /** Columns of the underline, at least one. */
  readonly length: number;
  /** Whether the whole line is shown. */
  readonly whole: boolean;
}

const cut = '…';

export function excerpt(line: string, stretch: Stretch, width: number): Excerpt {
  // Enough around the start of the stretch to fill the columns, so that a line of megabytes costs nothing.
  const from = boundary(line, Math.max(0, stretch.start - 2 * width));
  const to = boundary(line, Math.min(line.length, stretch.start + 2 * width));
  const row = cells(line.slice(from, to));
  const columns = positions(row);
  const total = columns.at(-1) ?? 0;

  const start = columns[indexAt(row, stretch.start - from)] ?? total;
  const end = Math.max(start + 1, columns[indexAt(row, stretch.end - from)] ?? total);
  if (from === 0 && to === line.length && total <= width) return { line: shown(row), indent: start, length: end - start, whole: true };

  const room = Math.max(1, width - 2 * cut.length);
  const context = Math.max(0, Math.floor((room - Math.min(end - start, room)) / 2));
  const first = Math.max(0, Math.min(start - context, total - room));
  const inside = row.filter((_, index) => (columns[index] ?? 0) >= first && (columns[index + 1] ?? 0) <= first + room);
  const firstInside = inside[0];
  const skipped = firstInside === undefined ? first : (columns[row.indexOf(firstInside)] ?? 0);
  const last = skipped + inside.reduce((sum, cell) => sum + cell.width, 0);
  const before = from > 0 || skipped > 0 ? cut : '';
  const after = to < line.length || last < total ? cut : '';
  const visibleEnd = Math.max(start + 1, Math.min(end, last));
  return { line: before + shown(inside) + after, indent: start - skipped + before.length, length: visibleEnd - start, whole: false };
}

function shown(row: readonly Cell[]): string {
  return row
    .map((cell) => cell.shown)
    .join('')
    .trimEnd();
}

/** The column at which each cell starts, and after them where the last one ends. */
function positions(row: readonly Cell[]): readonly number[] {
  const columns = [0];
  for (const cell of row) columns.push((columns.at(-1) ?? 0) + cell.width);
  return columns;
}

/** The first cell at or after an offset; one past the last if there is none. */
function indexAt(row: readonly Cell[], offset: number): number {
  const index = row.findIndex((cell) => cell.offset >= offset);
  return index === -1 ? row.length : index;
}

/** Moves an offset off the middle of a surrogate pair. */
function boundary(line: string, offset: number): number {
  const unit = line.charCodeAt(offset);
  return offset > 0 && unit >= 0xdc00 && unit <= 0xdfff ? offset - 1 : offset;
}
