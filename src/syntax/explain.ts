/**
 * Turns "the grammar stopped here" into one diagnostic that says what was meant.
 *
 * Takes a piece, where reading stopped and which terminals could have stood there. Gives the most particular code that
 * fits, at the smallest span, with a way out.
 */
import { type BlockTable, NESTED_KEYWORDS, RESERVED, TOP_KEYWORDS } from '../../grammar/tokens.ts';
import { nearest } from '../base/nearest.ts';
import { syntaxCodes as codes } from '../diagnostics/codes/syntax.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { spanning } from '../base/source.ts';
import { shorten } from './lex.ts';
import type { Expected, Start } from './read.ts';
import { isPunctuation, isWord, type Token } from './token.ts';

/** What a rule stands for, when any of its first words could follow. */
const RULE_PHRASES: ReadonlyMap<string, string> = new Map([
  ['simple_selector', 'a zone, host, group or address'],
  ['simple_service', 'a service'],
  ['function', 'a function'],
  ['option_single', 'a value'],
  ['label', 'a label in quotes'],
  ['requirement', 'a property of flows'],
]);

const TYPE_PHRASES: ReadonlyMap<string, string> = new Map([
  ['name', 'a name'],
  ['string', 'a string in quotes'],
  ['number', 'a number'],
  ['date', 'a date like 2027-03-31'],
  ['rate', 'a rate like 10/second'],
  ['address', 'an address'],
  ['network', 'a network'],
  ['hex', 'a number like 0x88b8'],
  ['keyword', 'a keyword'],
]);

/** Could follow nearly everywhere; named only if nothing else is. */
const QUIET: ReadonlySet<string> = new Set([
  'except',
  'on',
  'passive',
  'unit',
  'address',
  'stream',
  'group',
  'variation',
  'function',
  '{',
  '[',
  'where',
  'type',
  'code',
  'burst',
]);

/** A piece that could not be read. */
export interface Stop {
  readonly start: Start;
  readonly tokens: readonly Token[];
  /** The token that fits nowhere; the number of tokens if one is missing at the end. */
  readonly index: number;
  readonly expected: readonly Expected[];
  /** The block that the piece stands in, if it is a property. */
  readonly table: BlockTable | undefined;
  /** Stands before the piece; blamed if the piece is empty. */
  readonly before: Token | undefined;
}

/** The diagnostic for a piece that could not be read. */
export function explain({ start, tokens, index, expected, table, before: outside }: Stop): Diagnostic {
  const token = tokens[index];
  const keyword = tokens[0];
  const wanted = phrases(start, expected);
  if (token === undefined) {
    const last = tokens.at(-1) ?? outside;
    const what = keyword === undefined || start === 'assert_body' || start.endsWith('members') ? 'the block' : `\`${keyword.value}\``;
    const trailing = isPunctuation(last, ',') ? 'the comma promises another item: give it or delete the comma' : undefined;
    return diagnostic(
      codes.unfinished,
      last?.span,
      { what, expected: wanted },
      { label: `expected ${wanted} after this`, help: [trailing, ...helpFor(start, expected)] },
    );
  }
  const exception = exceptionBefore(tokens, index);
  if (isPunctuation(token, ',') && exception !== undefined) return commaAfterException(start, tokens, index, exception);
  if (token.value === 'except' && exception !== undefined && isWord(token)) {
    const help = ['put all exceptions of an item into one pair of braces: `x except { a, b }`'];
    return diagnostic(
      codes.secondException,
      token.span,
      {},
      { label: 'second exception', secondary: [{ span: exception.span, label: 'first exception' }], help },
    );
  }
  if (isWord(token) && RESERVED.has(token.value) && start.endsWith('_head') && start !== 'traffic_head' && expected.some((one) => one.type === 'name')) {
    const help = [`take another name, such as \`${token.value}_1\`; keywords that are not reserved may be names`];
    return diagnostic(codes.reservedName, token.span, { found: token.value, keyword: keyword?.value ?? 'declaration' }, { help });
  }
  const statement = start === 'assert_body' && index === 1 && keyword?.type === 'name' ? nearest(keyword.value, ['never', 'always', 'every']) : undefined;
  if (statement !== undefined && keyword !== undefined && !isPunctuation(token, '->')) {
    const extras = { help: [`did you mean \`${statement}\`?`], fix: { title: `write \`${statement}\``, edits: [{ span: keyword.span, text: statement }] } };
    return diagnostic(codes.unexpectedToken, keyword.span, { found: describe(keyword), expected: '`never`, `always`, `every flow` or a selector' }, extras);
  }
  const before = tokens[index - 1];
  const notes: string[] = [];
  const goesOn = [index, index - 1].some((at) => tokens[at]?.first === true && isPunctuation(tokens[at - 1], ','));
  if (goesOn) notes.push('the list goes on here because the line before ends in a comma');
  else if (
    table !== undefined &&
    before?.type === 'name' &&
    index > 1 &&
    (table.properties.has(before.value) || before.value === 'from' || before.value === 'to')
  ) {
    notes.push(`\`${before.value}\` is read as a name here, since a value has to follow \`${tokens[index - 2]?.value ?? ''}\``);
  }
  const help = [...helpFor(start, expected), suggestion(token, expected), rangesApart(tokens, index) ?? qualifierWithin(tokens, index)];
  if (start === 'traffic_head' && (token.type === 'string' || token.type === 'date'))
    help.push('properties stand in braces: `manage from a allow ssh { owner "…" }`');
  if (isPunctuation(token, '{') && start.endsWith('_property') && !isQualifier(before)) help.push('a property has no block of its own');
  return diagnostic(codes.unexpectedToken, token.span, { found: describe(token), expected: wanted }, { label: `expected ${wanted}`, notes, help });
}

/** A word that starts none of the block's properties. */
export function explainUnknown(token: Token, table: BlockTable): Diagnostic {
  const known = [...table.properties.keys(), ...table.nested];
  const near = isWord(token) ? nearest(token.value, known) : undefined;
  const help: (string | undefined)[] = [];
  if (near !== undefined) help.push(`did you mean \`${near}\`?`);
  else if (!isWord(token)) help.push('a property starts with its keyword; a list goes on over the end of a line only after a comma');
  else if (TOP_KEYWORDS.has(token.value)) help.push(`\`${token.value}\` starts a declaration of its own: close the block before it`);
  else if (NESTED_KEYWORDS.has(token.value)) help.push(`\`${token.value}\` stands in a block of another kind`);
  if (near === undefined) help.push(`${table.title} takes ${known.join(', ')}`);
  const extras = near === undefined ? { help } : { help, fix: { title: `write \`${near}\``, edits: [{ span: token.span, text: near }] } };
  return diagnostic(codes.unknownProperty, token.span, { found: describe(token), block: table.title }, extras);
}

/** A word that starts no declaration. */
export function explainDeclaration(token: Token): Diagnostic {
  const near = isWord(token) ? nearest(token.value, TOP_KEYWORDS) : undefined;
  const help = [near === undefined ? `declarations start with ${[...TOP_KEYWORDS].join(', ')}` : `did you mean \`${near}\`?`];
  const extras = near === undefined ? { help } : { help, fix: { title: `write \`${near}\``, edits: [{ span: token.span, text: near }] } };
  return diagnostic(codes.unknownDeclaration, token.span, { found: describe(token) }, extras);
}

export function describe(token: Token): string {
  return token.type === 'string' ? `the string "${shorten(token.value)}"` : `\`${shorten(token.value)}\``;
}

function phrases(start: Start, expected: readonly Expected[]): string {
  const loud = new Set<string>();
  const quiet = new Set<string>();
  for (const one of expected) {
    const byRule = one.opens ? RULE_PHRASES.get(one.rule) : undefined;
    if (byRule !== undefined) loud.add(byRule);
    else if (one.literal !== undefined) (QUIET.has(one.literal) ? quiet : loud).add(`\`${one.literal}\``);
    else if (one.type === 'end') loud.add(endPhrase(start));
    else if (one.type !== undefined) {
      const phrase = TYPE_PHRASES.get(one.type);
      if (phrase !== undefined) loud.add(phrase);
    }
  }
  // The first words of a service are named by "a service" already.
  if (loud.has('a service')) for (const word of ['`tcp`', '`udp`', '`icmp`', '`icmpv6`']) loud.delete(word);
  const chosen = loud.size > 0 ? [...loud] : [...quiet];
  const last = chosen.pop() ?? endPhrase(start);
  return chosen.length === 0 ? last : `${chosen.join(', ')} or ${last}`;
}

function endPhrase(start: Start): string {
  if (start.endsWith('_head')) return '`{`';
  if (start === 'assert_body' || start.endsWith('members')) return '`}`';
  return start === 'option' ? 'the end of the option' : 'the end of the property';
}

function helpFor(start: Start, expected: readonly Expected[]): string[] {
  if (expected.some((one) => one.literal === '<=')) return ['compare levels, as in `level <= 2` or `level = 3.5`'];
  if (start === 'host_head' && expected.some((one) => one.literal === 'in')) return ['a host lies in a zone: `host NAME in ZONE { … }`'];
  if (start === 'assert_body' && expected.some((one) => one.literal === 'never')) {
    return ['an assert says `never A -> B`, `always A -> B : SERVICE`, `A -> B only via C`, `A -> B at least N hops` or `every flow … has …`'];
  }
  return [];
}

function suggestion(token: Token, expected: readonly Expected[]): string | undefined {
  if (!isWord(token)) return undefined;
  const near = nearest(
    token.value,
    expected.flatMap((one) => one.literal ?? []).filter((literal) => /^[a-z]{3,}$/u.test(literal)),
  );
  return near === undefined || near === token.value ? undefined : `did you mean \`${near}\`?`;
}

function isQualifier(token: Token | undefined): boolean {
  return token !== undefined && isWord(token) && (token.value === 'unit' || token.value === 'address');
}

function isNumeric(token: Token | undefined): boolean {
  return token?.type === 'number' || token?.type === 'hex' || token?.type === 'portRange';
}

function written(tokens: readonly Token[]): string {
  return tokens
    .map((token) => (token.type === 'string' ? `"${token.value}"` : token.value))
    .join(' ')
    .replaceAll(/ ,/gu, ',');
}

/** `unit 1, 2` and `unit { 1, 2 }`: a service has one range of each, so two are two services. */
function rangesApart(tokens: readonly Token[], index: number): string | undefined {
  const braced = isPunctuation(tokens[index], '{');
  const at = braced ? index - 1 : index - 3;
  const [first, last] = braced ? [tokens[index + 1], tokens[index + 3]] : [tokens[index - 2], tokens[index]];
  const comma = tokens[braced ? index + 2 : index - 1];
  if (!isQualifier(tokens[at]) || !isNumeric(first) || !isNumeric(last) || !isPunctuation(comma, ',') || first === undefined || last === undefined)
    return undefined;
  let from = at;
  for (let depth = 0; from > 0; from--) {
    const token = tokens[from - 1];
    if (isPunctuation(token, '}')) depth++;
    else if (isPunctuation(token, '{') && depth-- === 0) break;
    else if (depth === 0 && (isPunctuation(token, ',') || isPunctuation(token, ':') || ['allow', 'deny', 'except'].includes(token?.value ?? ''))) break;
  }
  const whole = written(tokens.slice(from, at + 1));
  const service = whole.length <= 40 ? whole : `${shorten(tokens[from]?.value ?? '')} … ${tokens[at]?.value ?? ''}`;
  return `a service has one range of each: write \`${service} ${first.value}, ${service} ${last.value}\``;
}

/** `modbus { read unit 3 }`: what narrows functions stands behind all of them. */
function qualifierWithin(tokens: readonly Token[], index: number): string | undefined {
  if (!isQualifier(tokens[index])) return undefined;
  const open = tokens.slice(0, index).findLastIndex((token) => isPunctuation(token, '{'));
  const name = tokens[open - 1];
  if (name?.type !== 'name') return undefined;
  const number = isNumeric(tokens[index + 1]) ? ` ${tokens[index + 1]?.value ?? ''}` : ' 3';
  const functions = written(tokens.slice(open + 1, index));
  return `it stands behind the braces: \`${shorten(name.value)} { ${functions.length <= 40 ? functions : '…'} } ${tokens[index]?.value ?? ''}${number}\``;
}

/** The `except` of the item that ends before `index`, at the same depth. */
function exceptionBefore(tokens: readonly Token[], index: number): Token | undefined {
  let depth = 0;
  for (let back = index - 1; back >= 0; back--) {
    const token = tokens[back];
    if (token === undefined) return undefined;
    if (isPunctuation(token, '}')) depth++;
    else if (isPunctuation(token, '{')) depth--;
    if (depth < 0) return undefined;
    if (depth > 0) continue;
    if (isPunctuation(token, ',') || isPunctuation(token, '->') || isPunctuation(token, ':')) return undefined;
    if (token.type === 'keyword' && token.value === 'except') return token;
  }
  return undefined;
}

/** Both readings, spelt in braces. */
function commaAfterException(start: Start, tokens: readonly Token[], comma: number, except: Token): Diagnostic {
  const span = tokens[comma]?.span ?? except.span;
  const written = (from: number, to: number): string =>
    tokens
      .slice(from, to)
      .map((token) => (token.type === 'string' ? `"${token.value}"` : token.value))
      .join(' ')
      .replace(/ ,/gu, ',');
  const at = tokens.indexOf(except);
  let depth = 0;
  let end = comma + 1;
  for (; end < tokens.length; end++) {
    const token = tokens[end];
    if (isPunctuation(token, '{')) depth++;
    else if (isPunctuation(token, '}') && depth-- === 0) break;
    else if (
      depth === 0 &&
      (isPunctuation(token, '->') || isPunctuation(token, ':') || (token?.type === 'keyword' && !RESERVED.has(token.value) && start !== 'services_property'))
    )
      break;
  }
  const excepted = shorten(written(at + 1, comma));
  const rest = shorten(written(comma + 1, end));
  let from = at;
  while (from > 0 && !isPunctuation(tokens[from - 1], ',') && !isPunctuation(tokens[from - 1], '{') && tokens[from - 1]?.type !== 'keyword') from--;
  const base = shorten(written(from === at ? at - 1 : from, at));
  const extras = {
    label: 'does this go on with the exception, or with the list?',
    secondary: [{ span: spanning(except.span, tokens[comma - 1]?.span ?? except.span), label: 'the exception' }],
    help: [`to except all of them: \`${base} except { ${excepted}, ${rest} }\``, `to except only the first: \`${base} except { ${excepted} }, ${rest}\``],
  };
  return diagnostic(codes.commaAfterException, span, {}, extras);
}
