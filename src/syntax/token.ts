/**
 * What a token is, between the lexer, the layout pass and the grammar.
 *
 * The lexer makes every word a `name`; the layout pass turns those into `keyword` that act as one where they stand. The
 * grammar compares `text` with its literals, so `text` is empty on everything that is not a fixed word or sign.
 */
import type { FileId, Span } from '../base/source.ts';
import type { Word } from './ast.ts';

export type TokenType =
  | 'name'
  | 'keyword'
  | 'punctuation'
  | 'string'
  | 'pattern'
  | 'number'
  | 'decimal'
  | 'hex'
  | 'address'
  | 'network'
  | 'addressRange'
  | 'portRange'
  | 'date'
  | 'rate'
  /** The end of a piece; has no text of its own. */
  | 'end'
  /** Reported by the lexer already; the piece that holds one is dropped without a further word. */
  | 'bad';

export class Token {
  type: TokenType;
  /** What literals of the grammar are compared with. */
  text: string;
  /** As written, or for a string its value. */
  readonly value: string;
  readonly file: FileId;
  /** Code units of the file before the token, and up to its end. */
  readonly start: number;
  readonly end: number;
  /** First on its line. */
  readonly first: boolean;
  /** Code units between the start of the line and the token. */
  readonly column: number;

  constructor(type: TokenType, written: string, value: string, file: FileId, start: number, end: number, first: boolean, column: number) {
    this.type = type;
    this.text = type === 'punctuation' ? written : '';
    this.value = value;
    this.file = file;
    this.start = start;
    this.end = end;
    this.first = first;
    this.column = column;
  }

  /** Made when asked for: few tokens ever are. */
  get span(): Span {
    return { file: this.file, start: this.start, end: this.end };
  }
}

export function isPunctuation(token: Token | undefined, text: string): boolean {
  return token !== undefined && token.type === 'punctuation' && token.text === text;
}

/** A word, in whichever part. */
export function isWord(token: Token | undefined): token is Token & { type: 'name' | 'keyword' } {
  return token !== undefined && (token.type === 'name' || token.type === 'keyword');
}

/** A word of the tree is its own span: a large file has hundreds of thousands of them. */
class WrittenWord implements Word, Span {
  readonly text: string;
  readonly file: FileId;
  readonly start: number;
  readonly end: number;

  constructor(token: Token) {
    this.text = token.value;
    this.file = token.file;
    this.start = token.start;
    this.end = token.end;
  }

  get span(): Span {
    return this;
  }
}

export function word(token: Token): Word {
  return new WrittenWord(token);
}
