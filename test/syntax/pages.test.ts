/** Examples that people read: the pages of the ZW1 codes, the reference of the language, and the language description. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { syntaxCodes } from '../../src/diagnostics/codes/syntax.ts';
import { codeBlocks, parseText } from './tree.ts';

const root = new URL('../../', import.meta.url);
const page = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('pages of codes', () => {
  test.each(Object.values(syntaxCodes).map((row) => [row.code, row.name] as const))('%s %s', (code, name) => {
    const text = page(`src/diagnostics/pages/${code}.md`);
    expect(text.startsWith(`# ${code} ${name}\n`)).toBe(true);
    const [fail, ok] = [codeBlocks(text, 'zone fail'), codeBlocks(text, 'zone ok')];
    expect(fail.length).toBeGreaterThan(0);
    expect(ok.length).toBeGreaterThan(0);
    for (const block of fail) {
      const codes = parseText(block).diagnostics.map((one) => one.code);
      expect(codes).toContain(code);
      // The limit needs mistakes to count; every other page shows its own mistake alone.
      if (code !== 'ZW1020') expect(codes).toEqual([code]);
    }
    for (const block of ok) expect(parseText(block).mistakes).toEqual([]);
  });
});

describe('zone blocks', () => {
  test('of the reference parse', () => {
    const blocks = codeBlocks(page('grammar/README.md'), 'zone');
    expect(blocks.length).toBeGreaterThan(10);
    for (const block of blocks) expect(parseText(block).mistakes).toEqual([]);
  });

  // The description that the reference grew from lies beside the project while it is being made.
  const description = new URL('../shared/language.md', root);
  test.runIf(existsSync(description))('of the language description parse', () => {
    const blocks = codeBlocks(readFileSync(description, 'utf8'), 'zone');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(parseText(block).mistakes).toEqual([]);
  });
});
