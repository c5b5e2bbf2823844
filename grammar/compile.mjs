/**
 * Compiles the grammar: `node grammar/compile.mjs` turns zone.ne into src/syntax/generated/grammar.ts.
 *
 * The output depends on the grammar alone (no dates, no paths), and nothing is written when it has not changed, so the
 * build and the tests may run this at will.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const nearley = require('nearley/lib/nearley.js');
const compile = require('nearley/lib/compile.js');
const generate = require('nearley/lib/generate.js');
const lint = require('nearley/lib/lint.js');
const bootstrapped = require('nearley/lib/nearley-language-bootstrapped.js');

const source = fileURLToPath(new URL('zone.ne', import.meta.url));
const folder = fileURLToPath(new URL('../src/syntax/generated/', import.meta.url));

const parser = new nearley.Parser(nearley.Grammar.fromCompiled(bootstrapped));
parser.feed(`${readFileSync(source, 'utf8')}\n`);
const compiled = compile(parser.results[0], { version: 'zone.ne' });

let complaints = '';
lint(compiled, {
  out: {
    write: (text) => {
      complaints += text;
    },
  },
  version: 'zone.ne',
});
if (complaints !== '') throw new Error(complaints);

const body = generate(compiled, 'grammar')
  .split('\n')
  .filter(
    (line) =>
      !line.startsWith('// ') &&
      !line.startsWith('function id(') &&
      !line.startsWith('let Lexer') &&
      !line.startsWith('let ParserStart') &&
      !line.startsWith('export default'),
  )
  .join('\n')
  // The layout pass says what a token is: compare types as they are, without asking a lexer.
  .replace(/\(tokens\.has\("(\w+)"\) \? \{type: "\w+"\} : \w+\)/gu, '{"type":"$1"}')
  .replace(
    'let ParserRules = ',
    'export const parserRules: readonly { readonly name: string; readonly symbols: readonly unknown[]; readonly postprocess?: (data: any[]) => unknown }[] = ',
  );
const text = `// @ts-nocheck
// Generated from grammar/zone.ne by grammar/compile.mjs; do not edit.
${body.trim()}\n`;

const output = `${folder}grammar.ts`;
if (!existsSync(output) || readFileSync(output, 'utf8') !== text) {
  mkdirSync(folder, { recursive: true });
  // Renamed into place, so that a test run beside this never reads half a file.
  writeFileSync(`${output}.${process.pid}`, text);
  renameSync(`${output}.${process.pid}`, output);
}
