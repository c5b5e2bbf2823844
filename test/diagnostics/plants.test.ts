/**
 * Rendered diagnostics: small plants with mistakes, each marked in a comment at the end of its line.
 *
 * `#! ZW2006` says that a diagnostic of this code starts on this line, and nothing that is not marked may be said. The
 * text that a person sees stands beside each plant.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inSourceOrder, renderJson, renderText } from '../../src/diagnostics/render.ts';
import type { Checked } from '../../src/pipeline/check.ts';
import { judge } from './judge.ts';

const folder = new URL('plants/', import.meta.url);
const plants = readdirSync(folder).filter((name) => name.endsWith('.zone'));

/** `line code` of every mark, by lines; the codes of one line in the order of their numbers. */
function marks(text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    (/#!((?: ZW\d{4})+)$/u.exec(line)?.[1] ?? '')
      .split(' ')
      .filter(Boolean)
      .toSorted()
      .map((code) => `${index + 1} ${code}`),
  );
}

/** The same of what was said, in the order of the text. */
function said({ diagnostics, loaded }: Checked): string[] {
  const places = inSourceOrder(diagnostics).map((one) => {
    const line = one.span === undefined ? 0 : loaded.sources.file(one.span.file).position(one.span.start).line;
    return { line, code: one.code };
  });
  return places.toSorted((a, b) => a.line - b.line || (a.code < b.code ? -1 : 1)).map(({ line, code }) => `${line} ${code}`);
}

test('there are plants, and no text without its plant', () => {
  expect(plants.length).toBeGreaterThanOrEqual(12);
  const texts = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  expect(texts.filter((name) => !plants.includes(name.replace(/\.txt$/u, '.zone')))).toEqual([]);
});

describe.each(plants)('%s', (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const checked = judge(text, name);
  const rendered = renderText(checked.diagnostics, checked.loaded.sources, { color: false });

  test('exactly the marked mistakes are said', () => {
    const wanted = marks(text);
    expect(wanted.length).toBeGreaterThan(0);
    expect(said(checked)).toEqual(wanted);
  });

  test('in the order of the file', () => {
    const starts = renderJson(checked.diagnostics, checked.loaded.sources).map((one) => [one.line ?? 0, one.column ?? 0] as const);
    expect(starts).toEqual(starts.toSorted(([line, column], [otherLine, otherColumn]) => line - otherLine || column - otherColumn));
  });

  test('each message is one lower-case line that stands alone, and nothing hidden reaches the terminal', () => {
    for (const { message } of checked.diagnostics) {
      expect(message).toMatch(/^(?:[`a-z]|IP protocol)/u);
      expect(message).not.toMatch(/[.\n]$|\n/u);
      expect(message).not.toMatch(/undefined|NaN|\[object/u);
    }
    expect(rendered.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u);
  });

  test('as a person sees it', async () => {
    await expect(rendered).toMatchFileSnapshot(new URL(name.replace(/\.zone$/u, '.txt'), folder).pathname);
  });
});

test('twenty independent mistakes of one file give twenty diagnostics', () => {
  expect(judge(readFileSync(new URL('names-and-model.zone', folder), 'utf8')).diagnostics).toHaveLength(20);
});
