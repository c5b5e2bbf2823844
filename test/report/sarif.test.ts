/** SARIF: what the standard demands of a log, and texts that stay texts. */
import { describe, expect, test } from 'vitest';
import { version } from '../../src/base/version.ts';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import type { SourceMap } from '../../src/base/source.ts';
import { renderSarif } from '../../src/report/sarif.ts';
import { hostile, read, say } from './reports.ts';

interface Place {
  readonly id?: number;
  readonly physicalLocation: { readonly artifactLocation: { readonly uri: string }; readonly region: Readonly<Record<string, number>> };
  readonly message?: { readonly text: string };
}

interface Log {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly name: string; readonly version: string; readonly rules: readonly { readonly id: string; readonly name: string }[] };
    };
    readonly columnKind: string;
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations?: readonly Place[];
      readonly relatedLocations?: readonly Place[];
      readonly properties?: Readonly<Record<string, unknown>>;
    }[];
  }[];
}

function log(diagnostics: readonly Diagnostic[], sources: SourceMap, folder?: string): Log {
  const text = renderSarif(diagnostics, sources, folder);
  expect(text.endsWith('}\n')).toBe(true);
  return JSON.parse(text) as Log;
}

describe('sarif', () => {
  test('is the log that the standard describes', () => {
    const { sources, spans } = read(['plant.zone', 'zone 😀 «a» { networks «10.0.0.0/8» }\n'], ['sub dir/b.zone', '\n «b»\n']);
    const document = log(
      [
        say('violated', 'reached', spans[1], { label: 'here', notes: ['why'], help: ['narrow it'], data: { witness: 'x' } }),
        say('said', 'overlap', spans[0], { secondary: [{ span: spans[2] ?? { file: 0, start: 0, end: 0 }, label: 'and here' }] }),
        say('said', 'no place'),
      ],
      sources,
    );
    expect(document).toEqual({
      $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'zonewright',
              version,
              rules: [
                {
                  id: 'ZW2006',
                  name: 'zone-overlap',
                  shortDescription: { text: 'An address lies in one zone or in none: zones are disjoint.' },
                  fullDescription: { text: expect.stringContaining('Take it out of one of them with `except`.') as string },
                  help: { text: '`zonewright explain ZW2006` shows an example and the way out' },
                },
                expect.objectContaining({ id: 'ZW4001', name: 'never-violated' }),
              ],
            },
          },
          columnKind: 'unicodeCodePoints',
          results: [
            {
              ruleId: 'ZW2006',
              ruleIndex: 0,
              level: 'error',
              message: { text: 'overlap' },
              locations: [
                {
                  physicalLocation: { artifactLocation: { uri: 'plant.zone' }, region: { startLine: 1, startColumn: 8, endLine: 1, endColumn: 9 } },
                },
              ],
              relatedLocations: [
                {
                  id: 1,
                  physicalLocation: { artifactLocation: { uri: 'sub%20dir/b.zone' }, region: { startLine: 2, startColumn: 2, endLine: 2, endColumn: 3 } },
                  message: { text: 'and here' },
                },
              ],
            },
            {
              ruleId: 'ZW4001',
              ruleIndex: 1,
              level: 'error',
              message: { text: 'reached\nnote: why\nhelp: narrow it' },
              locations: [
                {
                  physicalLocation: { artifactLocation: { uri: 'plant.zone' }, region: { startLine: 1, startColumn: 21, endLine: 1, endColumn: 31 } },
                  message: { text: 'here' },
                },
              ],
              properties: { notes: ['why'], help: ['narrow it'], data: { witness: 'x' } },
            },
            { ruleId: 'ZW2006', ruleIndex: 0, level: 'error', message: { text: 'no place' } },
          ],
        },
      ],
    });
  });

  test('has a run with empty results when nothing is wrong', () => {
    const [run] = log([], read().sources).runs;
    expect(run?.results).toEqual([]);
    expect(run?.tool.driver.rules).toEqual([]);
  });

  test('names files by relative references from where the command ran', () => {
    const { sources, spans } = read(['プレス/a:b#?.zone', '«x»'], ['../up.zone', '«x»'], ['<stdin>', '«x»']);
    const uris = log(
      spans.map((span) => say('said', 'x', span)),
      sources,
      'plants/one',
    ).runs[0]?.results.map((result) => result.locations?.[0]?.physicalLocation.artifactLocation.uri);
    expect(uris).toEqual(['plants/one/%E3%83%97%E3%83%AC%E3%82%B9/a%3Ab%23%3F.zone', 'plants/up.zone', '%3Cstdin%3E']);
    const base = 'https://host/repository/';
    for (const uri of uris ?? []) expect(new URL(uri ?? '', base).href).toBe(base + (uri ?? ''));
  });

  test.each(hostile)('%j is neither a placeholder nor a link', (text) => {
    const { sources, spans } = read([`${text.replaceAll('\0', '')}.zone`, '«x»']);
    const [result] = log([say('said', `label ${text}`, spans[0], { notes: [text], label: text })], sources).runs[0]?.results ?? [];
    const said = result?.message.text ?? '';
    expect(said.replaceAll(/\{\{|\}\}/gu, '')).not.toMatch(/[{}]/u);
    expect(said).not.toContain('](');
    expect(said).not.toMatch(/\p{Cs}/u);
    if (!/[{}\p{Cs}]|\]\(/u.test(text)) expect(said).toBe(`label ${text}\nnote: ${text}`);
    expect(result?.locations?.[0]?.message === undefined).toBe(text === '');
  });
});
