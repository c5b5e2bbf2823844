/** The short ways of the lexer find what the table of tokens says, whatever stands side by side. */
import { test as property, fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { TOKENS } from '../../grammar/tokens.ts';
import { SourceFile } from '../../src/base/source.ts';
import { lex } from '../../src/syntax/lex.ts';

/** As the table says it: at each place the first pattern that matches; `type@start-end`. */
function byTable(text: string): string[] {
  const found: string[] = [];
  for (let start = 0; start < text.length;) {
    const [type, length] = firstMatch(text.slice(start));
    // The carriage return of a line end is part of no token.
    const kept = length > 1 && text.startsWith('\r\n', start + length - 1) ? length - 1 : length;
    if (!['space', 'newline', 'comment'].includes(type)) found.push(`${type}@${start}-${start + kept}`);
    start += length;
  }
  return found;
}

function firstMatch(rest: string): readonly [string, number] {
  for (const [type, pattern] of Object.entries(TOKENS)) {
    const match = new RegExp(`^(?:${pattern.source})`).exec(rest);
    if (match !== null) return [type, match[0].length];
  }
  throw new Error(`no pattern for ${JSON.stringify(rest.slice(0, 10))}`);
}

function byLexer(text: string): string[] {
  const { tokens } = lex(new SourceFile(0, 'test.zone', text), () => undefined);
  return tokens.slice(0, tokens.length).map(({ type, span }) => `${type}@${span.start}-${span.end}`);
}

/** The lexer calls every mistake `bad`, a pattern without a letter too. */
function asBad(tokens: readonly string[], text: string): string[] {
  return tokens.map((token) => {
    const [type = '', place = ''] = token.split('@');
    const [start = 0, end = 0] = place.split('-').map(Number);
    const letterless = type === 'pattern' && !/[A-Za-z_]/u.test(text.slice(start, end));
    return type.startsWith('bad') || letterless ? `bad@${place}` : token;
  });
}

const pieces: readonly string[] = [
  'a',
  'Zone_1',
  'cell-2',
  'x-',
  'fe80',
  'fe80::1',
  'dead::beef/64',
  'cell_*',
  '*',
  '**a',
  '_',
  '-',
  '--',
  'é',
  '\u{1F600}',
  '\ud800',
  '\u200b',
  '\x01',
  '"',
  '""',
  '"a b"',
  '"a\\"b"',
  '"a\\',
  '"\n',
  '“x”',
  "'",
  '1',
  '80-90',
  '10.0.0.1',
  '10.0.0.0/8',
  '10.0.0.1-10.0.0.9',
  '2027-03-31',
  '3/second',
  '0x1F',
  '4.5',
  '1.2.3',
  '::',
  '1::/0',
  ' ',
  '  ',
  '\t',
  '\n',
  '\r\n',
  '\r',
  '#',
  '# c',
  '{',
  '}',
  ',',
  ';',
  ':',
  '<',
  '>',
  '=',
  '->',
  '<->',
  '<=',
  '>=',
  '[',
  ']',
  '.',
  '/',
  '!',
  '~',
];

property.prop([fc.array(fc.constantFrom(...pieces), { maxLength: 12 })], { numRuns: 3000 })('any pieces side by side', (parts) => {
  const text = parts.join('');
  expect(byLexer(text)).toEqual(asBad(byTable(text), text));
});

test.each([
  ['a name up to a comma', 'a-b,c', ['name@0-3', 'punctuation@3-4', 'name@4-5']],
  ['a hyphen at the end', 'cell- {', ['bad@0-5', 'punctuation@6-7']],
  ['a name that is an address further on', 'fe80::1 {', ['address@0-7', 'punctuation@8-9']],
  ['an arrow without spaces', 'a->b', ['name@0-1', 'punctuation@1-3', 'name@3-4']],
  ['a string up to its own quote', '"a" "b\\"c" "d', ['string@0-3', 'string@4-10', 'bad@11-13']],
])('%s', (_, text, expected) => {
  expect(byLexer(text)).toEqual(expected);
});

test('tokens far apart are looked at in any order', () => {
  const { tokens } = lex(new SourceFile(0, 'test.zone', Array.from({ length: 3000 }, (_, index) => `w${index}`).join('\n')), () => undefined);
  const order = [0, 2999, 512, 1, 1024, 0, 513, 2999, 512];
  expect(order.map((index) => tokens.at(index)?.value)).toEqual(order.map((index) => `w${index}`));
  expect([-1, 3000, 1e9].map((index) => tokens.at(index))).toEqual([undefined, undefined, undefined]);
  expect(tokens.slice(510, 515).map(({ value, column, first }) => `${value} ${column} ${first}`)).toEqual([
    'w510 0 true',
    'w511 0 true',
    'w512 0 true',
    'w513 0 true',
    'w514 0 true',
  ]);
});
