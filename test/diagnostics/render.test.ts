/** What a person sees, written down by hand. */
import { describe, expect, test } from 'vitest';
import { type FileId, SourceMap, type Span } from '../../src/base/source.ts';
import { type Diagnostic, diagnostic, type Extras, row } from '../../src/diagnostics/diagnostic.ts';
import { renderJson, renderText } from '../../src/diagnostics/render.ts';

const overlap = row<{ text: string }>('ZW2999', 'test-overlap', 'error', 'input', (a) => `zones overlap: ${a.text}`);
const unused = row('ZW3999', 'test-unused', 'warning', 'finding', () => 'nothing uses this');

/** Sources with the spans of their marks: the stretches between « and », in order. */
function read(...files: readonly (readonly [name: string, marked: string])[]): { sources: SourceMap; spans: Span[] } {
  const sources = new SourceMap();
  const spans: Span[] = [];
  for (const [name, marked] of files) {
    const file: FileId = sources.files.length;
    let content = '';
    const open: number[] = [];
    for (const character of marked) {
      if (character === '«') open.push(content.length);
      else if (character === '»') spans.push({ file, start: open.pop() ?? 0, end: content.length });
      else content += character;
    }
    sources.add(name, content);
  }
  return { sources, spans };
}

function error(span: Span | undefined, extras: Extras = {}, what = 'both hold 10.0.0.1'): Diagnostic {
  return diagnostic(overlap, span, { text: what }, extras);
}

function rendered(diagnostics: readonly Diagnostic[], sources: SourceMap, width?: number): string[] {
  return renderText(diagnostics, sources, { color: false, ...(width === undefined ? {} : { width }) }).split('\n');
}

describe('text', () => {
  test('one span with label, notes and help', () => {
    const { sources, spans } = read(['plant.zone', 'zone a {\n  networks «10.0.0.0/8»\n}\n']);
    expect(rendered([error(spans[0], { label: 'here', notes: ['a cause', 'two\nlines'], help: ['a way out'] })], sources)).toEqual([
      'error[ZW2999]: zones overlap: both hold 10.0.0.1',
      ' --> plant.zone:2:12',
      '  |',
      '2 |   networks 10.0.0.0/8',
      '  |            ^^^^^^^^^^ here',
      '  |',
      '  = note: a cause',
      '  = note: two',
      '          lines',
      '  = help: a way out',
      '',
    ]);
  });

  test('secondary spans before, after, on the same line and in another file', () => {
    const { sources, spans } = read(['plant.zone', `«first» «again»\n${'\n'.repeat(8)}x «second»\n`], ['suppliers.zone', 'y\n«third»\n']);
    const [first, again, second, third] = spans;
    if (first === undefined || again === undefined || second === undefined || third === undefined) throw new Error('four marks');
    const secondary = [
      { span: third, label: 'there too' },
      { span: again, label: 'and again' },
      { span: first, label: 'first here' },
    ];
    expect(rendered([error(second, { label: 'second here', secondary })], sources)).toEqual([
      'error[ZW2999]: zones overlap: both hold 10.0.0.1',
      '  --> plant.zone:10:3',
      '   |',
      ' 1 | first again',
      '   | ----- first here',
      '   |       ----- and again',
      '...',
      '10 | x second',
      '   |   ^^^^^^ second here',
      '  ::: suppliers.zone:2:1',
      '   |',
      ' 2 | third',
      '   | ----- there too',
      '',
    ]);
  });

  test('a span over several lines underlines its first', () => {
    const { sources, spans } = read(['plant.zone', 'a «zone b {\n  level 1\n}»\n']);
    expect(rendered([error(spans[0], { label: 'not closed' })], sources).slice(3, 5)).toEqual(['1 | a zone b {', '  |   ^^^^^^^^ not closed']);
  });

  test('the end of the file, with and without a last line end', () => {
    const ended = read(['plant.zone', 'zone a {\n«»']);
    expect(rendered([error(ended.spans[0], { label: 'expected `}`' })], ended.sources)).toEqual([
      'error[ZW2999]: zones overlap: both hold 10.0.0.1',
      ' --> plant.zone:2:1',
      '  |',
      '2 |',
      '  | ^ expected `}`',
      '',
    ]);
    const open = read(['plant.zone', 'zone a {«»']);
    expect(rendered([error(open.spans[0])], open.sources).slice(1, 5)).toEqual([' --> plant.zone:1:9', '  |', '1 | zone a {', '  |         ^']);
    const empty = read(['plant.zone', '«»']);
    expect(rendered([error(empty.spans[0])], empty.sources).slice(1, 5)).toEqual([' --> plant.zone:1:1', '  |', '1 |', '  | ^']);
  });

  test('carriage returns at line ends are not shown', () => {
    const { sources, spans } = read(['plant.zone', 'zone «a\r\n»{\r\n']);
    expect(rendered([error(spans[0])], sources).slice(3, 5)).toEqual(['1 | zone a', '  |      ^']);
  });

  test('wide characters, combining marks and tabs keep the underline in place', () => {
    const { sources, spans } = read(
      ['plant.zone', 'label "プレス"«x»\n'],
      ['b.zone', 'e\u0301\u0301 «y»'],
      ['c.zone', '\ta\t«z»'],
      ['d.zone', '"🏭" «ｶﾅ» «漢字»'],
    );
    const rows = rendered(
      spans.map((span) => error(span)),
      sources,
    );
    expect(rows.filter((line) => /^[0-9 ] \| ./u.test(line))).toEqual([
      '1 | label "プレス"x',
      '  |               ^',
      '1 | e\u0301\u0301 y',
      '  |   ^',
      '1 |     a   z',
      '  |         ^',
      '1 | "🏭" ｶﾅ 漢字',
      '  |      ^^',
      '1 | "🏭" ｶﾅ 漢字',
      '  |         ^^^^',
    ]);
  });

  test('what could mislead a reader or a terminal is shown as an escape, everywhere', () => {
    const hostile = 'a\u{202e}b\u{200b}c\u{1b}[2Jd\u{7}\u{feff}\u{e0041}\u{ad}';
    const shown = 'a\\u{202e}b\\u{200b}c\\u{1b}[2Jd\\u{7}\\u{feff}\\u{e0041}\\u{ad}';
    const { sources, spans } = read([`x\u{1b}.zone`, `"${hostile}" «!»`]);
    const rows = rendered([error(spans[0], { label: hostile, notes: [hostile], help: [hostile] }, hostile)], sources);
    expect(rows).toEqual([
      `error[ZW2999]: zones overlap: ${shown}`,
      ` --> x\\u{1b}.zone:1:${Array.from(hostile).length + 4}`,
      '  |',
      `1 | "${shown}" !`,
      `  | ${' '.repeat(shown.length + 3)}^ ${shown}`,
      '  |',
      `  = note: ${shown}`,
      `  = help: ${shown}`,
      '',
    ]);
  });

  test('a lone surrogate and a carriage return inside a line', () => {
    const { sources, spans } = read(['plant.zone', 'a\ud800b\rc «d»']);
    expect(rendered([error(spans[0])], sources).slice(3, 5)).toEqual(['1 | a\\u{d800}b\\u{d}c d', `  | ${' '.repeat(17)}^`]);
  });

  test('long lines are cut around the span', () => {
    const long = read(['plant.zone', `${'a'.repeat(100)}«bbbb»${'c'.repeat(100)}`]);
    expect(rendered([error(long.spans[0], { label: 'here' })], long.sources, 44).slice(1, 5)).toEqual([
      ' --> plant.zone:1:101',
      '  |',
      `1 | …${'a'.repeat(17)}bbbb${'c'.repeat(17)}…`,
      `  | ${' '.repeat(18)}^^^^ here`,
    ]);
    const start = read(['plant.zone', `«bbbb»${'c'.repeat(100)}`]);
    expect(rendered([error(start.spans[0])], start.sources, 44).slice(3, 5)).toEqual([`1 | bbbb${'c'.repeat(34)}…`, '  | ^^^^']);
    const end = read(['plant.zone', `${'a'.repeat(100)}«bbbb»`]);
    expect(rendered([error(end.spans[0])], end.sources, 44).slice(3, 5)).toEqual([`1 | …${'a'.repeat(34)}bbbb`, `  | ${' '.repeat(35)}^^^^`]);
    const all = read(['plant.zone', `a «${'b'.repeat(200)}»`]);
    const [, , , line, underline] = rendered([error(all.spans[0])], all.sources, 44);
    expect(line).toBe(`1 | …${'b'.repeat(38)}…`);
    expect(underline).toBe(`  |  ${'^'.repeat(38)}`);
  });

  test('two spans on a long line are shown one by one', () => {
    const { sources, spans } = read(['plant.zone', `«aa»${'.'.repeat(200)}«bb»`]);
    const [first, second] = spans;
    if (first === undefined || second === undefined) throw new Error('two marks');
    expect(rendered([error(second, { secondary: [{ span: first, label: 'first' }] })], sources, 44).slice(3, 7)).toEqual([
      `1 | aa${'.'.repeat(36)}…`,
      '  | -- first',
      `1 | …${'.'.repeat(36)}bb`,
      `  | ${' '.repeat(37)}^^`,
    ]);
  });

  test('a line of a megabyte is no trouble', () => {
    const { sources, spans } = read(['plant.zone', `«x»`]);
    const huge = sources.add('huge.zone', `${'漢'.repeat(400_000)}x`);
    const span = { file: huge.id, start: 400_000, end: 400_001 };
    const rows = rendered([error(span), error(spans[0])], sources, 44);
    expect(rows.at(-2)).toBe(`  | ${' '.repeat(37)}^`);
  });

  test('the order is that of the files, and what has no place comes last', () => {
    const { sources, spans } = read(['a.zone', '«1» «2»'], ['b.zone', '«3»']);
    const items = [
      error(undefined, {}, 'none'),
      error(spans[2], {}, 'b'),
      error(spans[1], {}, 'a2'),
      error(spans[0], {}, 'a1'),
      error(spans[1], {}, 'a2 again'),
    ];
    const heads = rendered(items, sources).filter((line) => line.startsWith('error'));
    expect(heads.map((line) => line.replace('error[ZW2999]: zones overlap: ', ''))).toEqual(['a1', 'a2', 'a2 again', 'b', 'none']);
  });

  test('without a place there is no frame', () => {
    expect(rendered([error(undefined, { help: ['give another folder'] })], new SourceMap())).toEqual([
      'error[ZW2999]: zones overlap: both hold 10.0.0.1',
      '  = help: give another folder',
      '',
    ]);
  });

  test('diagnostics stand apart, none gives nothing', () => {
    expect(rendered([error(undefined), error(undefined)], new SourceMap())[1]).toBe('');
    expect(renderText([], new SourceMap(), { color: false })).toBe('');
  });

  test('a fix is a way out too', () => {
    const { sources, spans } = read(['a.zone', '«1»']);
    const [span] = spans;
    if (span === undefined) throw new Error('a mark');
    const fix = { title: 'write 2', edits: [{ span, text: '2' }] };
    expect(rendered([error(span, { fix })], sources).at(-2)).toBe('  = help: write 2');
    expect(rendered([error(span, { fix, help: ['write 2'] })], sources).filter((line) => line.includes('help'))).toHaveLength(1);
  });

  test('colour only adds sequences', () => {
    const { sources, spans } = read(['a.zone', '«1» «2»']);
    const [first, second] = spans;
    if (first === undefined || second === undefined) throw new Error('two marks');
    const item = diagnostic(unused, first, {}, { label: 'here', secondary: [{ span: second, label: 'there' }], notes: ['why'], help: ['how'] });
    const colored = renderText([item], sources, { color: true });
    expect(colored).toContain('\u{1b}[1;33mwarning[ZW3999]\u{1b}[0m');
    expect(colored).toContain('\u{1b}[1;33m^ here\u{1b}[0m');
    expect(colored).toContain('\u{1b}[1;34m- there\u{1b}[0m');
    expect(
      colored
        .split('\u{1b}')
        .map((part, index) => (index === 0 ? part : part.replace(/^\[[0-9;]*m/u, '')))
        .join(''),
    ).toBe(renderText([item], sources, { color: false }));
  });
});

describe('data', () => {
  test('one-based lines and columns in code points, the end not included', () => {
    const { sources, spans } = read(['plant.zone', 'a\n"🏭" «b\nc»\n'], ['other.zone', '«x»']);
    const [span, other] = spans;
    if (span === undefined || other === undefined) throw new Error('two marks');
    const item = error(span, { label: 'here', notes: ['n'], help: ['h'], data: { port: 502 }, secondary: [{ span: other, label: 'there' }] });
    expect(renderJson([item], sources)).toEqual([
      {
        code: 'ZW2999',
        name: 'test-overlap',
        severity: 'error',
        message: 'zones overlap: both hold 10.0.0.1',
        file: 'plant.zone',
        line: 2,
        column: 5,
        endLine: 3,
        endColumn: 2,
        label: 'here',
        secondary: [{ file: 'other.zone', line: 1, column: 1, endLine: 1, endColumn: 2, label: 'there' }],
        notes: ['n'],
        help: ['h'],
        data: { port: 502 },
      },
    ]);
  });

  test('what is absent is null', () => {
    expect(renderJson([diagnostic(unused, undefined, {})], new SourceMap())).toEqual([
      {
        code: 'ZW3999',
        name: 'test-unused',
        severity: 'warning',
        message: 'nothing uses this',
        file: null,
        line: null,
        column: null,
        endLine: null,
        endColumn: null,
        label: null,
        secondary: [],
        notes: [],
        help: [],
        data: null,
      },
    ]);
  });
});
