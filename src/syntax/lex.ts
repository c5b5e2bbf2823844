/**
 * Cuts a text into tokens.
 *
 * Takes a source file, gives its tokens and comments; never fails. A mistake is reported here, once, and leaves a `bad`
 * token, so that the piece around it is dropped in silence and everything else is still read.
 */
import { HIDDEN, SPACED, TOKENS } from '../../grammar/tokens.ts';
import type { SourceFile, Span } from '../base/source.ts';
import { syntaxCodes as codes } from '../diagnostics/codes/syntax.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { TokenList, type WrittenType } from './token-list.ts';
import type { Token } from './token.ts';

export interface Lexed {
  readonly tokens: TokenList;
  readonly comments: readonly Span[];
}

type TableType = keyof typeof TOKENS;

const tables = Object.keys(TOKENS) as TableType[];
const anyTable = new RegExp(
  Object.values(TOKENS)
    .map(({ source }) => `(${source})`)
    .join('|'),
  'y',
);

/** What the table of tokens finds at a place, which is never the end of the text. */
function tableAt(text: string, start: number): { readonly table: TableType; readonly end: number } {
  anyTable.lastIndex = start;
  const match = anyTable.exec(text);
  const group = match?.findIndex((part, index) => index > 0 && part !== undefined) ?? 0;
  return { table: tables[group - 1] ?? 'badCharacter', end: match === null ? start + 1 : anyTable.lastIndex };
}

/** Nearly all of a zone file are words, blanks, braces and plain strings: what follows finds them as the table does, without asking it. */
type PlainType = 'space' | 'newline' | 'punctuation' | 'name' | 'string';

const plainTypes: readonly (PlainType | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (character === '\n') return 'newline';
  if (character === ' ') return 'space';
  if ('{},'.includes(character)) return 'punctuation';
  if (/[A-Za-z_]/u.test(character)) return 'name';
  return character === '"' ? 'string' : undefined;
});

function plainType(code: number): PlainType | undefined {
  return code < 128 ? plainTypes[code] : undefined;
}

const plainEnds: Readonly<Record<'name' | 'string', RegExp>> = {
  // Up to a sign that begins something else, so that no longer token is cut.
  name: /[A-Za-z_](?:[\w-]*\w)?(?=[ \n{},])/y,
  string: /"[^"\\\n]*"/y,
};

/** Where a plain token of the type ends; its start if it is none, and the table has to be asked. */
function plainEnd(text: string, start: number, type: PlainType): number {
  if (type !== 'name' && type !== 'string') return start + 1;
  const pattern = plainEnds[type];
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : start;
}

/** Reports go to `report`; a text that is not text at all gives one report and no tokens. */
export function lex(file: SourceFile, report: (diagnostic: Diagnostic) => void): Lexed {
  const { text } = file;
  const tokens = new TokenList(file);
  const comments: Span[] = [];
  const span = (start: number, end: number): Span => ({ file: file.id, start, end });

  const foreign = /[\0\ufffd]/u.exec(text);
  if (foreign !== null) {
    const found = foreign[0] === '\0' ? 'a NUL byte' : 'a byte sequence that is not UTF-8';
    const extras = { help: ['save the file as UTF-8 without byte order mark; `file NAME` and `iconv` tell and convert the encoding'] };
    report(diagnostic(codes.notText, span(foreign.index, foreign.index + 1), { found }, extras));
    return { tokens, comments };
  }

  // A byte order mark is not part of the text.
  const bom = text.startsWith('\ufeff') ? 1 : 0;
  const hides = HIDDEN.test(bom === 0 ? text : text.slice(1));
  const escapes = text.includes('\\');
  let first = true;
  let lineStart = bom;
  let junkLine = -1;
  for (let at = bom; at < text.length;) {
    const start = at;
    const type = plainType(text.charCodeAt(at));
    at = type === undefined ? start : plainEnd(text, start, type);
    if (type !== undefined && at > start) {
      if (type !== 'space') add(type, start, at);
      continue;
    }
    const { table, end } = tableAt(text, start);
    at = end;
    // The carriage return of a line end is part of no comment or string.
    const kept = end - start > 1 && text[end - 1] === '\r' && text[end] === '\n' ? end - 1 : end;
    if (table !== 'space') add(table, start, kept);
  }
  return { tokens, comments };

  function add(table: TableType, start: number, end: number): void {
    if (table === 'newline') {
      first = true;
      lineStart = end;
      return;
    }
    if (table === 'comment') {
      comments.push(span(start, end));
      reportHidden(start, end);
      return;
    }
    // A pattern without a letter would only be another way to say `any`.
    const type = table === 'pattern' && !/[A-Za-z_]/u.test(text.slice(start, end)) ? 'bad' : tokenType(table);
    tokens.add(type, start, end, first, start - lineStart);
    first = false;
    if (type === 'string') reportEscape(start, end);
    else if (type === 'punctuation') reportCrowded(start, end);
    else if (type === 'bad') {
      const token = tokens.at(tokens.length - 1);
      if (token !== undefined) reportBad(table, token);
    }
  }

  function reportCrowded(start: number, end: number): void {
    const sign = text.slice(start, end);
    if (!SPACED.has(sign) || (isBlank(text[start - 1]) && isBlank(text[end]))) return;
    const at = span(start, end);
    const fix = { title: 'put spaces around it', edits: [{ span: at, text: ` ${sign} ` }] };
    report(diagnostic(codes.missingSpace, at, { sign }, { help: [`write \`a ${sign} b\``], fix }));
  }

  /** The first escape of a string that is none. */
  function reportEscape(start: number, end: number): void {
    reportHidden(start, end);
    if (!escapes) return;
    const written = text.slice(start + 1, end - 1);
    const bad = [...written.matchAll(/\\(.)/gsu)].find(([, character]) => character !== '"' && character !== '\\');
    if (bad === undefined) return;
    const [escape] = bad;
    const at = span(start + 1 + bad.index, start + 1 + bad.index + escape.length);
    report(diagnostic(codes.badEscape, at, { escape: `\`${escape}\`` }, { help: ['only `\\"` and `\\\\` are escapes; write a backslash as `\\\\`'] }));
  }

  function reportHidden(start: number, end: number): void {
    if (!hides) return;
    const hidden = HIDDEN.exec(text.slice(start, end));
    if (hidden === null) return;
    const at = span(start + hidden.index, start + hidden.index + hidden[0].length);
    report(
      diagnostic(codes.hiddenCharacter, at, { found: codePoint(hidden[0]) }, { help: ['delete it: it could make the text look different from what it says'] }),
    );
  }

  function reportBad(table: TableType, token: Token): void {
    const at = token.span;
    switch (table) {
      case 'badString':
        report(
          diagnostic(codes.unterminatedString, at, {}, { label: 'starts here', help: ['close it with `"` on the same line; a quote inside is written `\\"`'] }),
        );
        break;
      case 'badNumber':
        report(diagnostic(codes.badNumber, at, { found: shorten(token.value) }, { help: [numberHelp(token.value)] }));
        break;
      case 'badName': {
        const fix = { title: 'drop the hyphen', edits: [{ span: at, text: token.value.replace(/-+$/u, '') }] };
        report(diagnostic(codes.badName, at, { found: shorten(token.value) }, { help: ['end it in a letter, digit or `_`'], fix }));
        break;
      }
      case 'badHidden':
        reportHidden(at.start, at.end);
        break;
      default:
        // More of them on one line are nearly always the same mistake.
        if (lineStart === junkLine) break;
        junkLine = lineStart;
        report(diagnostic(codes.badCharacter, at, { found: described(token.value) }, { help: [characterHelp(token.value)] }));
    }
  }
}

function tokenType(table: Exclude<TableType, 'newline' | 'comment'>): WrittenType {
  switch (table) {
    case 'space':
    case 'badString':
    case 'badNumber':
    case 'badName':
    case 'badHidden':
    case 'badQuotes':
    case 'badForeign':
    case 'badCharacter':
      return 'bad';
    default:
      return table;
  }
}

function isBlank(character: string | undefined): boolean {
  return character === undefined || character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

/** At most 40 characters of something that the user wrote. */
export function shorten(written: string): string {
  const characters = Array.from(written.slice(0, 100));
  return characters.length <= 40 ? characters.join('') : `${characters.slice(0, 39).join('')}…`;
}

function codePoint(text: string): string {
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function described(written: string): string {
  // Lone surrogates and blanks would print as nothing.
  return /^[\s\ud800-\udfff]/u.test(written) ? codePoint(written) : `\`${shorten(written)}\``;
}

function numberHelp(written: string): string {
  if (/^\d+\.\d+\.\d+\.\d+\/\d+\.\d/u.test(written)) return 'write the prefix length instead of the mask, as in `10.0.0.0/16`';
  if (/^\d+(\.\d+){0,2}\/\d+$/u.test(written)) return 'write all four parts, as in `10.0.0.0/16`';
  if (/^(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}-\d{1,2}-\d{4})$/u.test(written)) return 'write dates as YYYY-MM-DD, as in `2027-03-31`';
  const range = rangeHelp(written);
  if (range !== undefined) return range;
  if (/^\d+[A-Za-z_]/u.test(written)) return 'a name starts with a letter or `_`';
  if (/[:-]$/u.test(written)) return 'put a space before the sign that follows it';
  return 'numbers, addresses (`10.0.0.1`), networks (`10.0.0.0/16`), ranges (`8000-8100`) and dates (`2027-03-31`) are written without spaces';
}

/** What was meant for a range; undefined if nothing looks like it. */
function rangeHelp(written: string): string | undefined {
  if (/^\d{1,9}(?:-\d{1,9}){2,}$/u.test(written)) return `a range has a first and a last number: \`${written.replaceAll(/-.*-/gu, '-')}\``;
  const [, first = '', last] = /^(\d{1,9}|0[xX][\dA-Fa-f]{1,8})(?:-|\.\.+)(\d{1,9}|0[xX][\dA-Fa-f]{1,8})?$/u.exec(written) ?? [];
  if (first === '') return undefined;
  if (last === undefined) return `a range is written with both ends: \`${Number(first)}-${Number(first) + 9}\` is ten numbers`;
  return `ranges are written in decimal and with a hyphen: \`${Number(first)}-${Number(last)}\``;
}

function characterHelp(written: string): string {
  if (/^["'`\u2018-\u201f\u00ab\u00bb\uff02\u300c\u300d]/u.test(written)) return 'strings stand in straight double quotes: `"…"`';
  if (/^\s/u.test(written)) return 'replace it with an ordinary space';
  if (/^[^\x00-\x7f]/u.test(written)) return 'names are ASCII letters, digits, `_` and `-`; any script may stand in a string, as in `label "工場"`';
  if (written === '.') return 'a name with a dot, as of an interface, stands in quotes: `"eth1.31"`';
  if (written === '/') return 'comments start with `#`';
  if (written === '-') return 'arrows are `->` and `<->`; ranges are written without spaces, as in `80-90`';
  if (written.startsWith('*')) return 'for everything write `any`; a pattern holds letters too, as in `cell_*`';
  return 'put free text in a string, as in `label "…"`';
}
