/**
 * Source texts and the spans that point into them.
 *
 * Takes file names and texts, gives stable ids, spans and line/column positions. The one idea: a span is three
 * numbers (file, start, end), so every later stage can carry it for free and lead back to the words in the file.
 */

/** Index into `SourceMap.files`. */
export type FileId = number;

/** Half-open range of UTF-16 code units in one file. */
export interface Span {
  readonly file: FileId;
  readonly start: number;
  readonly end: number;
}

/** A one-based line and column; the column counts Unicode code points. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One text that was read. `name` is relative to the root file's folder, with forward slashes, or `<stdin>`. */
export class SourceFile {
  readonly id: FileId;
  readonly name: string;
  readonly text: string;
  #lineStarts: number[] | undefined;

  constructor(id: FileId, name: string, text: string) {
    this.id = id;
    this.name = name;
    this.text = text;
  }

  get lineStarts(): readonly number[] {
    if (this.#lineStarts === undefined) {
      const starts = [0];
      for (let i = this.text.indexOf('\n'); i !== -1; i = this.text.indexOf('\n', i + 1)) starts.push(i + 1);
      this.#lineStarts = starts;
    }
    return this.#lineStarts;
  }

  /** Text of a one-based line, without its line end. */
  line(number: number): string {
    const start = this.lineStarts[number - 1];
    if (start === undefined) return '';
    const next = this.lineStarts[number];
    return this.text.slice(start, next === undefined ? undefined : next - 1).replace(/\r$/u, '');
  }

  position(offset: number): Position {
    const starts = this.lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const before = this.text.slice(starts[low] ?? 0, offset);
    return { line: low + 1, column: Array.from(before).length + 1 };
  }
}

/** All files of one run, in the order in which they were read; index 0 is the root file. */
export class SourceMap {
  readonly #files: SourceFile[] = [];

  get files(): readonly SourceFile[] {
    return this.#files;
  }

  add(name: string, text: string): SourceFile {
    const file = new SourceFile(this.#files.length, name, text);
    this.#files.push(file);
    return file;
  }

  file(id: FileId): SourceFile {
    const file = this.#files[id];
    if (file === undefined) throw new Error(`no source file ${id}`);
    return file;
  }

  text(span: Span): string {
    return this.file(span.file).text.slice(span.start, span.end);
  }

  /** `plant.zone:41`, the form in which emitted comments and reports name a place. */
  place(span: Span): string {
    const file = this.file(span.file);
    return `${file.name}:${file.position(span.start).line}`;
  }
}

/** The smallest span that covers both; both lie in the same file. */
export function spanning(first: Span, last: Span): Span {
  if (first === last) return first;
  return { file: first.file, start: Math.min(first.start, last.start), end: Math.max(first.end, last.end) };
}
