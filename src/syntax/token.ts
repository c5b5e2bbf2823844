/**
 * What a token is, between the lexer, the layout pass and the grammar.
 *
 * The lexer makes every word a `name`; the layout pass turns those into `keyword` that act as one where they stand. The
 * grammar compares `text` with its literals, so `text` is empty on everything that is not a fixed word or sign.
 */
import type { Span } from '../base/source.ts';
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

export interface Token {
  type: TokenType;
  /** What literals of the grammar are compared with. */
  text: string;
  /** As written, or for a string its value. */
  readonly value: string;
  readonly span: Span;
  /** First on its line. */
  readonly first: boolean;
  /** Code units between the start of the line and the token. */
  readonly column: number;
}

export function isPunctuation(token: Token | undefined, text: string): boolean {
  return token !== undefined && token.type === 'punctuation' && token.text === text;
}

/** A word, in whichever part. */
export function isWord(token: Token | undefined): token is Token & { type: 'name' | 'keyword' } {
  return token !== undefined && (token.type === 'name' || token.type === 'keyword');
}

export function word(token: Token): Word {
  return { text: token.value, span: token.span };
}
