/**
 * Examples on the pages of all codes but those of syntax, which `test/syntax/pages.test.ts` runs: the failing block shows
 * its code and no other error, the mended one nothing at all. Pages without such blocks show a command instead, and
 * `files.test.ts` runs it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codeRow, codeRows, page } from '../../src/diagnostics/catalogue.ts';
import { codeBlocks } from '../syntax/tree.ts';
import { consoles, judge } from './judge.ts';

const src = new URL('../../src/', import.meta.url);

const rows = codeRows.filter((row) => !row.code.startsWith('ZW1')).map((row) => ({ row, text: page(row.code) ?? '' }));
const withZones = rows.filter(({ text }) => codeBlocks(text, 'zone fail').length > 0);
const withCommands = rows.filter(({ text }) => codeBlocks(text, 'zone fail').length === 0);

/** A row that nothing reports. */
const silentCodes: readonly string[] = [];
/** Codes that `check` of one zone file cannot show, and why. */
const shownByCommand: Readonly<Record<string, string>> = {
  ZW2035: 'only `compile` asks for a gateway',
  ZW3013: 'only `diff` has two revisions',
  ZW4011: 'only `compile` has an earlier output',
  ZW4012: 'a row of `diff`',
  ZW4013: 'a row of `diff`',
  ZW4014: 'a row of `diff`',
  ZW4015: 'a row of `diff`',
  ZW4016: 'a row of `diff`',
  ZW4017: 'a row of `diff`',
  ZW5003: 'the targets of this version can express all of it',
};

describe('pages', () => {
  test('every code has one, with examples', () => {
    expect(withZones.length).toBeGreaterThan(50);
    expect(withCommands.length).toBeGreaterThan(10);
    for (const { text } of withCommands) expect(consoles(text).length).toBeGreaterThan(0);
  });

  test('only files, options, our own bugs and what one zone file cannot show are shown by a command', () => {
    const other = withCommands.map(({ row }) => row.code).filter((code) => !/^ZW[69]/u.test(code));
    expect(other).toEqual(Object.keys(shownByCommand));
  });

  test('say so if nothing reports the code', () => {
    const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('codes'))
      .map((name) => readFileSync(new URL(name, src), 'utf8'));
    const reported = new Set(sources.flatMap((text) => text.match(/\b[a-z]+Codes\.\w+/gu) ?? []));
    expect(reported.size).toBeGreaterThan(30);
    const keys = readdirSync(new URL('diagnostics/codes/', src)).flatMap((name) => {
      const text = readFileSync(new URL(`diagnostics/codes/${name}`, src), 'utf8');
      const table = /export const (\w+)/u.exec(text)?.[1] ?? '';
      return Array.from(text.matchAll(/^ {2}(\w+): row\b[^']*'(ZW\d{4})'/gmu), ([, key = '', code = '']) => ({ name: `${table}.${key}`, code }));
    });
    expect(keys).toHaveLength(codeRows.length);
    const silent = keys.filter(({ name, code }) => !code.startsWith('ZW1') && !reported.has(name)).map(({ code }) => code);
    expect(silent).toEqual(silentCodes);
    for (const code of silent) expect((page(code) ?? '').replaceAll('\n', ' ')).toContain('not reported by this version');
  });

  test('name only codes that exist', () => {
    for (const { text } of rows) {
      for (const [code] of text.matchAll(/ZW\d{4}/gu)) expect(codeRow(code)?.code).toBe(code);
    }
  });
});

describe.each(withZones)('$row.code $row.name', ({ row, text }) => {
  test('the failing block', () => {
    for (const block of codeBlocks(text, 'zone fail')) {
      const { diagnostics } = judge(`${block}\n`);
      const own = diagnostics.find((one) => one.code === row.code);
      expect(own?.severity).toBe(row.severity);
      expect(own?.span).toBeDefined();
      expect(diagnostics.filter((one) => one.severity === 'error' && one.code !== row.code).map((one) => one.message)).toEqual([]);
    }
  });

  test('the mended block', () => {
    const blocks = codeBlocks(text, 'zone ok');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(judge(`${block}\n`).diagnostics.map((one) => one.message)).toEqual([]);
  });
});
