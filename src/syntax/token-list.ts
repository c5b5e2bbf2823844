/**
 * The tokens of a text, in order.
 *
 * Takes what the lexer cuts, a few numbers for each; gives tokens when somebody looks at them. The one idea: a large zone file
 * has hundreds of thousands of tokens, and each is looked at while its own declaration is read and never again, so none is
 * kept longer than that.
 */
import type { SourceFile } from '../base/source.ts';
import { Token, type TokenType } from './token.ts';

/** What a text is cut into. */
export type WrittenType = Exclude<TokenType, 'end' | 'keyword'>;

const types: readonly WrittenType[] = [
  'name',
  'punctuation',
  'string',
  'pattern',
  'number',
  'decimal',
  'hex',
  'address',
  'network',
  'addressRange',
  'portRange',
  'date',
  'rate',
  'bad',
];
const typeNumbers: ReadonlyMap<string, number> = new Map(types.map((type, index) => [type, index]));
const firstOnLine = 0x80;

/** As many tokens are at hand at once; a power of two. */
const window = 512;

export class TokenList {
  length = 0;
  readonly #file: SourceFile;
  #starts = new Int32Array(1024);
  #ends = new Int32Array(1024);
  #columns = new Int32Array(1024);
  #types = new Uint8Array(1024);
  /** Tokens made last, each in its place of the window, and which ones they are. */
  readonly #made: Token[] = [];
  readonly #which = new Int32Array(window).fill(-1);
  /** Words so far: most stand in the text again and again, and one string of each is enough. */
  readonly #words = new Map<string, string>();

  constructor(file: SourceFile) {
    this.#file = file;
  }

  /** Puts a token behind the others; `start`, `end` and `column` count code units. */
  add(type: WrittenType, start: number, end: number, first: boolean, column: number): void {
    const index = this.length++;
    if (index === this.#types.length) this.#grow();
    this.#starts[index] = start;
    this.#ends[index] = end;
    this.#columns[index] = column;
    this.#types[index] = (typeNumbers.get(type) ?? 0) | (first ? firstOnLine : 0);
  }

  at(index: number): Token | undefined {
    const place = index & (window - 1);
    if (this.#which[place] === index) return this.#made[place];
    if (index < 0 || index >= this.length) return undefined;
    const token = this.#make(index);
    this.#made[place] = token;
    this.#which[place] = index;
    return token;
  }

  /** Those from `from` up to `to`, without it. */
  slice(from: number, to: number): Token[] {
    const found: Token[] = [];
    for (let index = Math.max(from, 0); index < to; index++) {
      const token = this.at(index);
      if (token === undefined) break;
      found.push(token);
    }
    return found;
  }

  /** Whether a token is first on its line. */
  isFirst(index: number): boolean {
    return index >= 0 && index < this.length && (this.#types[index] ?? 0) >= firstOnLine;
  }

  /** The bracket that a token is. */
  bracket(index: number): '{' | '}' | '[' | ']' | undefined {
    if (index >= this.length || this.#typeAt(index) !== 'punctuation') return undefined;
    const sign = this.#file.text[this.#starts[index] ?? 0];
    return sign === '{' || sign === '}' || sign === '[' || sign === ']' ? sign : undefined;
  }

  #typeAt(index: number): WrittenType {
    return types[(this.#types[index] ?? 0) % firstOnLine] ?? 'bad';
  }

  #make(index: number): Token {
    const type = this.#typeAt(index);
    const start = this.#starts[index] ?? 0;
    const end = this.#ends[index] ?? 0;
    const written = this.#file.text.slice(start, end);
    const value = type === 'name' ? this.#word(written) : type === 'string' ? unquoted(written) : written;
    return new Token(type, written, value, this.#file.id, start, end, this.isFirst(index), this.#columns[index] ?? 0);
  }

  #word(written: string): string {
    const known = this.#words.get(written);
    if (known !== undefined) return known;
    this.#words.set(written, written);
    return written;
  }

  #grow(): void {
    this.#starts = grown(this.#starts);
    this.#ends = grown(this.#ends);
    this.#columns = grown(this.#columns);
    const types = new Uint8Array(2 * this.#types.length);
    types.set(this.#types);
    this.#types = types;
  }
}

function grown(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * numbers.length);
  more.set(numbers);
  return more;
}

/** What a string says: only a quote and a backslash are written with a backslash; the lexer reports others. */
function unquoted(written: string): string {
  const inside = written.slice(1, -1);
  return inside.includes('\\') ? inside.replaceAll(/\\(.)/gsu, '$1') : inside;
}
