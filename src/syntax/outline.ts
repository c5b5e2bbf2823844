/**
 * Finds which brace closes which, and mends what is not closed.
 *
 * Takes the tokens of a file; gives, for each opening brace, the end of its block and where reading goes on behind it.
 * The one idea: braces are trusted while a declaration closes before the next one starts; only if it does not, the
 * start of lines and their indentation decide where the forgotten brace belongs, so one mistake stays one mistake.
 */
import { BLOCK_KEYWORDS, TOP_KEYWORDS } from '../../grammar/tokens.ts';
import { nearest } from '../base/nearest.ts';
import type { SourceFile } from '../base/source.ts';
import { syntaxCodes as codes } from '../diagnostics/codes/syntax.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { shorten } from './lex.ts';
import { isPunctuation, isWord } from './token.ts';
import type { TokenList } from './token-list.ts';

/** Deeper braces than this are an error; people write four. */
export const MAX_DEPTH = 64;

/** What the passes after the lexer share. */
export interface Source {
  readonly file: SourceFile;
  readonly tokens: TokenList;
  /** For an opening brace: the index of the token that ends its block (`}`, or what follows a forgotten one); -1 unknown. */
  readonly close: Int32Array;
  /** For an opening brace: the index of the token behind its block. */
  readonly after: Int32Array;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** Pairs all braces of the file by counting; `close` is -1 where nothing closes. */
export function outline(file: SourceFile, tokens: TokenList, report: (diagnostic: Diagnostic) => void): Source {
  const close = new Int32Array(tokens.length).fill(-1);
  const after = new Int32Array(tokens.length).fill(-1);
  const open: number[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const brace = tokens.bracket(index);
    if (brace === '{') open.push(index);
    else if (brace === '}') {
      const top = open.pop();
      if (top === undefined) continue;
      close[top] = index;
      after[top] = index + 1;
    }
  }
  return { file, tokens, close, after, report };
}

/** Whether a declaration seems to start here: a top-level keyword, first on its line, not right of `column`. */
function startsLine(source: Source, index: number, column: number): boolean {
  if (!source.tokens.isFirst(index)) return false;
  const token = source.tokens.at(index);
  return token !== undefined && token.column <= column && isWord(token) && TOP_KEYWORDS.has(token.value) && !isPunctuation(source.tokens.at(index + 1), ',');
}

/** The same for a misspelt keyword, which the rest of its head gives away. */
function startsMisspelt(source: Source, index: number, column: number): boolean {
  const { tokens } = source;
  const [token, name, next] = [tokens.at(index), tokens.at(index + 1), tokens.at(index + 2)];
  if (token === undefined || !token.first || token.column > column || !isWord(token)) return false;
  if (!isWord(name) && name?.type !== 'string') return false;
  return (
    (next?.type === 'string' || isPunctuation(next, '{') || isPunctuation(next, '->') || (isWord(next) && !next.first)) &&
    nearest(token.value, TOP_KEYWORDS) !== undefined
  );
}

/** Whether a whole head stands here, as no property or list could; `flow` is left out, since conduits hold flows. */
function isHead(source: Source, index: number): boolean {
  const { tokens } = source;
  if (!startsLine(source, index, 0) || isPunctuation(tokens.at(index - 1), ',')) return false;
  const [keyword, a, b, c] = [tokens.at(index), tokens.at(index + 1), tokens.at(index + 2), tokens.at(index + 3)];
  switch (keyword?.value) {
    case 'policy':
    case 'test':
      return a?.type === 'string' && isPunctuation(b, '{');
    case 'include':
      return a?.type === 'string';
    case 'host':
      return isWord(a) && ((isWord(b) && b.value === 'in') || (b?.type === 'string' && isWord(c) && c.value === 'in'));
    case 'conduit':
      for (let next = index + 1; next < index + 6; next++) {
        if (isPunctuation(tokens.at(next), '->') || isPunctuation(tokens.at(next), '<->')) return true;
      }
      return false;
    case 'flow':
      return false;
    default:
      return isWord(a) && (isPunctuation(b, '{') || (b?.type === 'string' && isPunctuation(c, '{')));
  }
}

/** The next token behind `index` where a declaration starts whose line is not indented more than `column`. */
export function nextDeclaration(source: Source, index: number, column: number): number {
  let next = index + 1;
  while (next < source.tokens.length && !startsLine(source, next, column) && !startsMisspelt(source, next, column)) next++;
  return next;
}

/**
 * Settles the block of the declaration whose keyword is at `start` and whose brace is at `open`: afterwards every
 * brace in it has its end. False if it is nested too deeply to be read.
 */
export function settle(source: Source, start: number, open: number): boolean {
  const { tokens, close } = source;
  const keyword = tokens.at(start);
  const column = keyword?.first === true ? keyword.column : 0;
  const counted = close[open] ?? -1;
  let cut = -1;
  if (counted === -1) cut = nextDeclaration(source, open, column);
  else {
    for (let index = open + 1; index < counted && cut === -1; index++) if (isHead(source, index)) cut = index;
  }
  if (cut !== -1) mend(source, start, open, cut);
  return checkDepth(source, open);
}

interface OpenBrace {
  readonly index: number;
  /** Indentation of the line that it stands on. */
  readonly column: number;
  /** Whether the lines inside are indented more; unknown until the first one. */
  indented: boolean | undefined;
}

/** Pairs the braces from `open` to `cut` again, closing by indentation what was forgotten. */
function mend(source: Source, start: number, open: number, cut: number): void {
  const { tokens, close, after } = source;
  const stack: OpenBrace[] = [];
  let lineColumn = 0;
  for (let back = open; back >= start; back--) {
    const token = tokens.at(back);
    if (token === undefined) break;
    lineColumn = token.column;
    if (token.first) break;
  }
  // A string without an end may have swallowed the brace: that is reported already.
  let swallowed = false;

  const forgotten = (brace: OpenBrace, at: number): void => {
    close[brace.index] = at;
    after[brace.index] = at;
    if (!swallowed) reportUnclosed(source, brace.index, at);
  };

  for (let index = open; index < cut; index++) {
    const token = tokens.at(index);
    if (token === undefined) break;
    if (token.type === 'bad' && token.value.startsWith('"') && token.value.includes('}')) swallowed = true;
    const closes = isPunctuation(token, '}');
    if (token.first) {
      lineColumn = token.column;
      const goesOn = isPunctuation(tokens.at(index - 1), ',') || isPunctuation(token, '{');
      for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
        if (!closes) top.indented ??= token.column > top.column;
        const outdented = closes ? token.column < top.column : token.column <= top.column && !goesOn;
        if (stack.length === 1 || top.indented !== true || !outdented) break;
        stack.pop();
        forgotten(top, index);
      }
    }
    // What begins behind the brace on its own line says nothing about indentation: assume it.
    if (isPunctuation(token, '{')) stack.push({ index, column: lineColumn, indented: tokens.at(index + 1)?.first === false ? true : undefined });
    else if (closes) {
      const top = stack.pop();
      if (top === undefined) return;
      close[top.index] = index;
      after[top.index] = index + 1;
      if (stack.length === 0) return;
    }
  }
  // What is still open ends at the cut; the outermost one stands for all of them.
  const outermost = stack.shift();
  for (const inner of stack) {
    close[inner.index] = cut;
    after[inner.index] = cut;
  }
  if (outermost !== undefined) forgotten(outermost, cut);
}

function reportUnclosed(source: Source, open: number, at: number): void {
  const { tokens, report } = source;
  const brace = tokens.at(open);
  const last = tokens.at(at - 1);
  if (brace === undefined || last === undefined) return;
  const place = tokens.at(at) ?? last;
  const secondary = [{ span: brace.span, label: 'opened here' }];
  const label = tokens.at(at) === undefined ? 'the file ends here' : 'expected `}` before this';
  report(diagnostic(codes.unclosedBrace, place.span, { what: blockName(source, open) }, { label, secondary, help: ['add the missing `}`'] }));
}

/** `zone office`, as far as the line of the brace tells. */
function blockName(source: Source, open: number): string {
  const { tokens } = source;
  for (let back = open - 1; back >= 0 && back > open - 16; back--) {
    const token = tokens.at(back);
    if (token === undefined || isPunctuation(token, '}') || isPunctuation(token, ';') || isPunctuation(token, '{')) break;
    const name = tokens.at(back + 1);
    if (isWord(token) && BLOCK_KEYWORDS.has(token.value) && (token.first || isPunctuation(tokens.at(back - 1), '{')) && back + 1 < open) {
      return `the block of \`${token.value} ${name?.type === 'string' ? `"${shorten(name.value)}"` : shorten(name?.value ?? '')}\``;
    }
    if (token.first) break;
  }
  return 'a brace';
}

function checkDepth(source: Source, open: number): boolean {
  const { tokens, close, report } = source;
  const end = close[open] ?? -1;
  let depth = 0;
  for (let index = open; index < end; index++) {
    const bracket = tokens.bracket(index);
    if (bracket === undefined) continue;
    depth += bracket === '{' || bracket === '[' ? 1 : -1;
    if (depth > MAX_DEPTH) {
      report(diagnostic(codes.tooDeep, tokens.at(index)?.span, { limit: MAX_DEPTH }, { help: ['name the inner parts as groups or services of their own'] }));
      return false;
    }
  }
  return true;
}
