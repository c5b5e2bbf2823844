/**
 * nft's text to tokens, in one pass.
 *
 * Takes the text, gives words, strings, marks and line ends with their lines. Comments vanish here; a character that
 * nft might read differently than we do (control characters, line continuations, an open string) is refused.
 */
import { Refusal } from './read-tree.ts';

export interface Token {
  readonly kind: 'word' | 'string' | 'mark' | 'end';
  readonly text: string;
  readonly line: number;
}

const kinds = ['word', 'string', 'mark', 'end'] as const;
const [word, string, mark, end] = [0, 1, 2, 3];

/**
 * Where the tokens of a text stand, as four numbers each: a ruleset has hundreds of thousands, and nobody looks at one for long.
 */
export class Tokens {
  readonly #text: string;
  /** Of each token its kind, first character, the one behind its last, and its line. */
  #numbers = new Int32Array(1 << 12);
  #count = 0;
  #last: Token | undefined;
  #lastIndex = -1;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#count;
  }

  add(kind: number, first: number, behind: number, line: number): void {
    const at = 4 * this.#count++;
    if (at === this.#numbers.length) {
      const more = new Int32Array(2 * this.#numbers.length);
      more.set(this.#numbers);
      this.#numbers = more;
    }
    this.#numbers[at] = kind;
    this.#numbers[at + 1] = first;
    this.#numbers[at + 2] = behind;
    this.#numbers[at + 3] = line;
  }

  /** Undefined behind the last one. The same token is given again while nobody asks for another. */
  at(index: number): Token | undefined {
    if (index === this.#lastIndex) return this.#last;
    if (index < 0 || index >= this.#count) return undefined;
    const number = (place: number): number => this.#numbers[4 * index + place] as number;
    this.#last = { kind: kinds[number(0)] ?? 'end', text: this.#text.slice(number(1), number(2)), line: number(3) };
    this.#lastIndex = index;
    return this.#last;
  }
}

const newline = 10;
const quote = 34;
const hash = 35;
const equals = 61;
const semicolon = 59;

/** Characters that stand alone whatever is around them; `.` and `:` do so only between blanks. */
const single: ReadonlySet<number> = new Set([...'{},;=&|^()!+'].map((character) => character.charCodeAt(0)));
/** Of each character below 128: 0 what nft might read differently, 1 part of a word, 2 a mark that stands alone. */
const classes = Uint8Array.from({ length: 128 }, (_, code) => (single.has(code) ? 2 : isWord(code) ? 1 : 0));

export function scan(text: string): Tokens {
  const tokens = new Tokens(text);
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === newline) {
      tokens.add(end, at, at + 1, line);
      line++;
      at++;
    } else if (code === 32 || code === 9) {
      at++;
    } else if (classes[code] === 1) {
      let behind = at + 1;
      while (classes[text.charCodeAt(behind)] === 1) behind++;
      tokens.add(behind === at + 1 && (code === 46 || code === 58) ? mark : word, at, behind, line);
      at = behind;
    } else if (classes[code] === 2) {
      const behind = (code === equals || code === 33) && text.charCodeAt(at + 1) === equals ? at + 2 : at + 1;
      tokens.add(code === semicolon ? end : mark, at, behind, line);
      at = behind;
    } else if (code === hash) {
      const found = text.indexOf('\n', at);
      const stop = found < 0 ? text.length : found;
      checkPlain(text, at, stop, line);
      at = stop;
    } else if (code === quote) {
      const close = text.indexOf('"', at + 1);
      if (close < 0) throw new Refusal(line, 'a string has no end');
      checkPlain(text, at + 1, close, line);
      tokens.add(string, at + 1, close, line);
      at = close + 1;
    } else {
      throw new Refusal(line, `the character ${JSON.stringify(text.charAt(at))} is not modelled`);
    }
  }
  tokens.add(end, at, at, line);
  return tokens;
}

/** Letters, digits and `* - . / : @ _`. */
function isWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 45 && code <= 58) || (code >= 64 && code <= 90) || code === 95 || code === 42;
}

function checkPlain(text: string, from: number, to: number, line: number): void {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if ((code < 32 && code !== 9) || code === 127) throw new Refusal(line, 'a control character in a string or comment');
  }
}
