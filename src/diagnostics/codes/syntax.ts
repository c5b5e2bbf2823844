/** ZW1xxx: the text is not a zone file. */
import { row } from '../diagnostic.ts';

export const syntaxCodes = {
  unexpectedToken: row<{ found: string; expected: string }>('ZW1001', 'unexpected-token', 'error', 'input', (a) => `expected ${a.expected}, found ${a.found}`),
  unfinished: row<{ what: string; expected: string }>('ZW1002', 'unfinished', 'error', 'input', (a) => `${a.what} ends too early, expected ${a.expected}`),
  unterminatedString: row('ZW1003', 'unterminated-string', 'error', 'input', () => 'a string does not end on its line'),
  badEscape: row<{ escape: string }>('ZW1004', 'bad-escape', 'error', 'input', (a) => `unknown escape ${a.escape} in a string`),
  badCharacter: row<{ found: string }>('ZW1005', 'unexpected-character', 'error', 'input', (a) => `unexpected character ${a.found}`),
  hiddenCharacter: row<{ found: string }>('ZW1006', 'hidden-character', 'error', 'input', (a) => `invisible character ${a.found}`),
  notText: row<{ found: string }>('ZW1007', 'not-text', 'error', 'input', (a) => `the file is not UTF-8 text: it holds ${a.found}`),
  badNumber: row<{ found: string }>('ZW1008', 'malformed-number', 'error', 'input', (a) => `malformed number or address \`${a.found}\``),
  badName: row<{ found: string }>('ZW1009', 'name-ends-in-hyphen', 'error', 'input', (a) => `the name \`${a.found}\` ends in a hyphen`),
  missingSpace: row<{ sign: string }>('ZW1010', 'missing-space', 'error', 'input', (a) => `\`${a.sign}\` needs a space on both sides`),
  unclosedBrace: row<{ what: string }>('ZW1011', 'unclosed-brace', 'error', 'input', (a) => `${a.what} is not closed, expected \`}\``),
  strayBrace: row('ZW1012', 'stray-closing-brace', 'error', 'input', () => 'a closing brace closes nothing'),
  missingBlock: row<{ keyword: string }>('ZW1013', 'missing-block', 'error', 'input', (a) => `the ${a.keyword} has no block in braces`),
  unknownDeclaration: row<{ found: string }>('ZW1014', 'unknown-declaration', 'error', 'input', (a) => `${a.found} does not start a declaration`),
  unknownProperty: row<{ found: string; block: string }>('ZW1015', 'unknown-property', 'error', 'input', (a) => `${a.found} is not a property of ${a.block}`),
  reservedName: row<{ found: string; keyword: string }>(
    'ZW1016',
    'reserved-name',
    'error',
    'input',
    (a) => `the reserved word \`${a.found}\` cannot name a ${a.keyword}`,
  ),
  commaAfterException: row('ZW1017', 'comma-after-exception', 'error', 'input', () => 'a comma after an exception without braces could mean two things'),
  secondException: row('ZW1018', 'second-exception', 'error', 'input', () => 'an item has a second exception'),
  tooDeep: row<{ limit: number }>('ZW1019', 'too-deeply-nested', 'error', 'input', (a) => `braces are nested more than ${a.limit} deep`),
  tooMany: row<{ limit: number }>('ZW1020', 'too-many-mistakes', 'warning', 'input', (a) => `only the first ${a.limit} mistakes of this file are shown`),
} as const;
