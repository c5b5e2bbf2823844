/**
 * Cuts a block into pieces: its properties and the declarations nested in it.
 *
 * Takes the tokens between two braces and the table of the block's keywords; gives pieces that the grammar reads one by
 * one. The one idea: a property starts with its keyword and ends at a line end (unless a comma stands before it), at
 * `;`, or where a keyword of the same block follows the first word of the value.
 */
import { BLOCKS, type BlockTable, NAME_FOLLOWS, type NestedKeyword, type Shape, TRAFFIC_KEYWORDS, VALUELESS } from '../../grammar/tokens.ts';
import { nearest } from '../base/nearest.ts';
import type { Source } from './outline.ts';
import { isPunctuation, isWord, type Token } from './token.ts';

export type Piece =
  | { readonly kind: 'property'; readonly shape: Shape; readonly tokens: readonly Token[] }
  /** A declaration in the block; `open` is the index of its brace, undefined without one. */
  | { readonly kind: 'nested'; readonly keyword: NestedKeyword; readonly tokens: readonly Token[]; readonly open: number | undefined }
  /** Starts with none of the block's keywords. */
  | { readonly kind: 'unknown'; readonly tokens: readonly Token[] };

/** The pieces of the block whose brace is at `open`. */
export function pieces(source: Source, table: BlockTable, open: number): Piece[] {
  const { tokens } = source;
  const end = source.close[open] ?? tokens.length;
  const found: Piece[] = [];
  let index = open + 1;
  while (index < end) {
    const token = tokens.at(index);
    if (token === undefined) break;
    if (isPunctuation(token, ';')) {
      index++;
      continue;
    }
    const nested = isWord(token) ? nestedKeyword(table, token.value) : undefined;
    if (nested !== undefined) {
      const head = headEnd(source, table, index, end, TRAFFIC_KEYWORDS.has(nested));
      found.push({ kind: 'nested', keyword: nested, tokens: tokens.slice(index, head.end), open: head.open });
      if (head.open !== undefined) index = source.after[head.open] ?? end;
      else index = BLOCKLESS.has(nested) ? head.end : behindLostBlock(source, token, head.end, end);
      continue;
    }
    const shape = isWord(token) ? table.properties.get(token.value) : undefined;
    const next = propertyEnd(source, table, index, end, shape);
    found.push(shape === undefined ? { kind: 'unknown', tokens: tokens.slice(index, next) } : { kind: 'property', shape, tokens: tokens.slice(index, next) });
    index = next;
  }
  return found;
}

/** Declarations that may stand without a block. */
export const BLOCKLESS: ReadonlySet<NestedKeyword> = new Set<NestedKeyword>(['target', 'manage', 'receive', 'send']);

/** Behind a nested declaration that has no brace: its properties, told by their indentation, belong to nothing. */
function behindLostBlock(source: Source, keyword: Token, from: number, end: number): number {
  let index = from;
  while (index < end) {
    const token = source.tokens.at(index);
    if (token?.first === true && (!keyword.first || token.column <= keyword.column)) break;
    index++;
  }
  return index;
}

/** The options of a target: a name and one value (or values joined by commas) each. */
export function optionPieces(source: Source, open: number): (readonly Token[])[] {
  const { tokens } = source;
  const end = source.close[open] ?? tokens.length;
  const found: (readonly Token[])[] = [];
  let start = open + 1;
  while (start < end) {
    if (isPunctuation(tokens.at(start), ';')) {
      start++;
      continue;
    }
    let index = start + 1;
    let values = 0;
    let depth = 0;
    for (; index < end; index++) {
      const token = tokens.at(index);
      if (token === undefined || (depth === 0 && isPunctuation(token, ';'))) break;
      const joined = isPunctuation(tokens.at(index - 1), ',');
      if (depth === 0 && token.first && !joined) break;
      if (isPunctuation(token, '{') || isPunctuation(token, '[')) {
        if (depth === 0 && !joined && values > 0) break;
        depth++;
      } else if (isPunctuation(token, '}') || isPunctuation(token, ']')) {
        depth--;
        if (depth === 0) values++;
      } else if (depth === 0 && !isPunctuation(token, ',')) {
        if (!joined && values > 0 && isWord(token)) break;
        values++;
      }
    }
    found.push(tokens.slice(start, index));
    start = index;
  }
  return found;
}

/** Where the head of a declaration ends: at its brace (perhaps on the next line), or at the end of its line. */
export function headEnd(
  source: Source,
  table: BlockTable | undefined,
  start: number,
  end: number,
  traffic: boolean,
): { readonly end: number; readonly open: number | undefined } {
  const { tokens } = source;
  let index = start + 1;
  while (index < end) {
    const token = tokens.at(index);
    if (token === undefined || isPunctuation(token, ';') || isPunctuation(token, '}')) break;
    if (isPunctuation(token, '{')) {
      if (!traffic || token.first || opensTrafficBlock(source, index)) return { end: index, open: index };
      index = source.after[index] ?? end;
      continue;
    }
    if (token.first && !(traffic && isPunctuation(tokens.at(index - 1), ','))) break;
    if (traffic && table !== undefined && index > start + 1 && startsProperty(table, token, tokens.at(index - 1))) break;
    index++;
  }
  return { end: index, open: undefined };
}

/** In `manage from a allow modbus { … }`: whether the brace holds properties rather than services or functions. */
function opensTrafficBlock(source: Source, open: number): boolean {
  const { tokens } = source;
  const before = tokens.at(open - 1);
  if (
    isPunctuation(before, ',') ||
    (isWord(before) && (before.value === 'allow' || before.value === 'from' || before.value === 'to' || before.value === 'except'))
  )
    return false;
  const [inside, next] = [tokens.at(open + 1), tokens.at(open + 2)];
  if (isPunctuation(inside, '}')) return true;
  if (!isWord(inside)) return false;
  const { properties } = BLOCKS.traffic;
  if (properties.has(inside.value)) return true;
  // A misspelt property still has its value behind it.
  return next?.type === 'string' || (isWord(next) && nearest(inside.value, properties.keys()) !== undefined);
}

function nestedKeyword(table: BlockTable, value: string): NestedKeyword | undefined {
  for (const keyword of table.nested) if (keyword === value) return keyword;
  return undefined;
}

function startsProperty(table: BlockTable, token: Token, before: Token | undefined): boolean {
  if (!isWord(token) || !(table.properties.has(token.value) || nestedKeyword(table, token.value) !== undefined)) return false;
  if (before === undefined) return true;
  if (isWord(before) && (before.value === 'from' || before.value === 'to') && table === BLOCKS.gateway) return false;
  return !((isWord(before) || before.type === 'punctuation') && NAME_FOLLOWS.has(before.value));
}

function propertyEnd(source: Source, table: BlockTable, start: number, end: number, shape: Shape | undefined): number {
  const { tokens } = source;
  // The first word of a value is never a keyword, unless the property has none.
  const earliest = shape !== undefined && VALUELESS.has(shape) ? start + 1 : start + 2;
  let index = start + 1;
  if (isPunctuation(tokens.at(start), '{')) index = source.after[start] ?? end;
  while (index < end) {
    const token = tokens.at(index);
    if (token === undefined || isPunctuation(token, ';')) break;
    if (token.first && !isPunctuation(tokens.at(index - 1), ',')) {
      // An unknown keyword may own a block that opens on its next line.
      if (!(shape === undefined && isPunctuation(token, '{'))) break;
    }
    if (isPunctuation(token, '{')) {
      index = source.after[index] ?? end;
      continue;
    }
    if (index >= earliest && startsProperty(table, token, tokens.at(index - 1))) break;
    index++;
  }
  return index;
}
