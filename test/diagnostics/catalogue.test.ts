/** Every code is in one place, in its area, and has a page that teaches. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { areas, codeRow, codeRows, page } from '../../src/diagnostics/catalogue.ts';

const folder = new URL('../../src/diagnostics/', import.meta.url);

describe('the catalogue of codes', () => {
  test('it is not empty, and every file of codes is in it', () => {
    expect(codeRows.length).toBeGreaterThan(30);
    expect(areas.length).toBe(readdirSync(new URL('codes/', folder)).filter((name) => name.endsWith('.ts')).length);
  });

  test('a code stands for one thing', () => {
    expect(codeRows.map((row) => row.code).filter((code, index, all) => all.indexOf(code) !== index)).toEqual([]);
  });

  test('a code lies in its area, and a name is in kebab case', () => {
    for (const { digit, rows } of areas) {
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) {
        expect(row.code).toMatch(new RegExp(`^ZW${digit}[0-9]{3}$`, 'u'));
        expect(row.name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/u);
      }
    }
  });

  test('it is asked in any case', () => {
    expect(codeRow('zw1001')?.name).toBe('unexpected-token');
    expect(codeRow('ZW0000')).toBeUndefined();
    expect(codeRow('../../package')).toBeUndefined();
    expect(page('../../package')).toBeUndefined();
  });

  test('no page is left over', () => {
    const pages = readdirSync(new URL('pages/', folder)).toSorted();
    expect(pages.filter((name) => codeRow(name.replace(/\.md$/u, '')) === undefined)).toEqual([]);
  });

  test.each(codeRows.map((row) => [row.code, row] as const))('the page of %s', (code, row) => {
    const text = page(code) ?? '';
    const [heading = '', ...rest] = text.split('\n');
    expect(heading).toBe(`# ${code} ${row.name}`);
    const body = rest.join('\n');
    const fences = Array.from(body.matchAll(/^```(.*)$/gmu), (match) => match[1] ?? '');
    expect(fences.length % 2).toBe(0);
    const languages = fences.filter((_, index) => index % 2 === 0);
    for (const language of languages) expect(['zone fail', 'zone ok', 'console']).toContain(language);
    if (!languages.includes('console')) expect(languages).toEqual(expect.arrayContaining(['zone fail', 'zone ok']));
    const prose = body.split(/^```.*$/mu).filter((_, index) => index % 2 === 0);
    expect(prose.join('').trim().length).toBeGreaterThan(40);
    expect(text.endsWith('\n')).toBe(true);
  });
});
