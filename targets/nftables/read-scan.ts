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

const newline = 10;
const quote = 34;
const hash = 35;

/** Characters that stand alone whatever is around them; `.` and `:` do so only between blanks. */
const single = new Set(['{', '}', ',', ';', '=', '&', '|', '^', '(', ')', '!', '+']);

export function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === newline) {
      tokens.push({ kind: 'end', text: '\n', line });
      line++;
      at++;
    } else if (code === 32 || code === 9) {
      at++;
    } else if (code === hash) {
      const end = text.indexOf('\n', at);
      const stop = end < 0 ? text.length : end;
      checkPlain(text, at, stop, line);
      at = stop;
    } else if (code === quote) {
      const end = text.indexOf('"', at + 1);
      if (end < 0) throw new Refusal(line, 'a string has no end');
      checkPlain(text, at + 1, end, line);
      tokens.push({ kind: 'string', text: text.slice(at + 1, end), line });
      at = end + 1;
    } else {
      const mark = text.charAt(at);
      if (single.has(mark)) {
        const pair = text.charAt(at + 1) === '=' && (mark === '=' || mark === '!') ? `${mark}=` : mark;
        tokens.push(pair === ';' ? { kind: 'end', text: ';', line } : { kind: 'mark', text: pair, line });
        at += pair.length;
      } else {
        let end = at;
        while (end < text.length && isWord(text.charCodeAt(end))) end++;
        if (end === at) throw new Refusal(line, `the character ${JSON.stringify(mark)} is not modelled`);
        const word = text.slice(at, end);
        tokens.push({ kind: word === '.' || word === ':' ? 'mark' : 'word', text: word, line });
        at = end;
      }
    }
  }
  tokens.push({ kind: 'end', text: '', line });
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
