/** Tables: what a reader of each format gets back is the text that went in, and nothing else. */
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { renderAligned, renderCsv, renderMarkdown, type Table, withoutEmptyColumns } from '../../src/report/table.ts';
import { hostile } from './reports.ts';

/** RFC 4180, as a program would read it. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const row: string[] = [];
    for (;;) {
      let cell = '';
      if (text[at] === '"') {
        at++;
        while (text[at] !== '"' || text[at + 1] === '"') {
          if (at >= text.length) throw new Error('a quote is open at the end');
          at += text[at] === '"' ? 1 : 0;
          cell += text[at++] ?? '';
        }
        at++;
      } else {
        while (at < text.length && !',\n'.includes(text[at] ?? '')) {
          if ('"\r'.includes(text[at] ?? '')) throw new Error(`a bare ${JSON.stringify(text[at])}`);
          cell += text[at++] ?? '';
        }
      }
      row.push(cell);
      const after = text[at++];
      if (after === '\n') break;
      if (after !== ',') throw new Error(`${JSON.stringify(after)} after a cell`);
    }
    rows.push(row);
  }
  return rows;
}

/** What a spreadsheet would calculate, or might once it has trimmed the cell. */
const calculated = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/u;

function asWritten(cell: string): string {
  return calculated.test(cell) ? `'${cell}` : cell;
}

const table: Table = { columns: ['name', 'label'], rows: hostile.map((label, index) => [`row ${index}`, label]) };

describe('csv', () => {
  test('quotes where RFC 4180 says so, and defuses formulas', () => {
    const rows = [
      ['a', 'b c'],
      ['x,y', 'say "yes"'],
      ['two\nlines', '=1+1'],
      ['-5', '@x,y'],
    ];
    expect(renderCsv({ columns: ['one', 'two'], rows })).toBe(`one,two\na,b c\n"x,y","say ""yes"""\n"two\nlines",'=1+1\n'-5,"'@x,y"\n`);
  });

  test('is read back as it went in', () => {
    const back = readCsv(renderCsv(table));
    expect(back).toEqual([table.columns, ...table.rows].map((row) => row.map(asWritten)));
    expect(hostile.filter((label) => calculated.test(label)).length).toBeGreaterThan(6);
    for (const cell of back.flat()) expect(cell).not.toMatch(calculated);
  });

  property.prop([fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'",;\n\r\t =+-@\'a') })))])(
    'is read back as it went in, whatever it is',
    (rows) => {
      expect(readCsv(renderCsv({ columns: ['a', 'b'], rows }))).toEqual([['a', 'b'], ...rows.map((row) => row.map(asWritten))]);
    },
  );
});

describe('markdown', () => {
  test('escapes what could be markup and leaves the rest', () => {
    const rows = [
      ['historian_poll', 'プレス機 №1'],
      ['10.0.0.0/16, 2001:db8::/32', 'a | b'],
      ['`x`', '[a](http://b) <i>'],
      ['two\nlines', '# h'],
      ['www.evil.example', 'back\\slash'],
    ];
    expect(renderMarkdown({ columns: ['name', 'label'], rows }).split('\n')).toEqual([
      '| name | label |',
      '| --- | --- |',
      '| historian\\_poll | プレス機 №1 |',
      '| 10.0.0.0/16, 2001:db8::/32 | a \\| b |',
      '| \\`x\\` | \\[a\\](http\\://b) \\<i\\> |',
      '| two\\\\u\\{a\\}lines | \\# h |',
      '| www\\.evil.example | back\\\\slash |',
      '',
    ]);
  });

  test('has one line a row and one cell a column, with no sign left that could begin markup', () => {
    const lines = renderMarkdown(table).split('\n');
    expect(lines).toHaveLength(table.rows.length + 3);
    for (const line of lines.slice(2, -1)) {
      const bare = line.replaceAll(/\\[!-/:-@[-`{-~]/gu, '');
      expect(bare.split('|')).toHaveLength(4);
      expect(bare).not.toMatch(/[\\`*_[\]<>&~#$^={}!@\p{Cc}]|:\/\/|www\./u);
    }
  });
});

describe('text', () => {
  test('aligns by the cells of a terminal', () => {
    const rows = [
      ['プレス', 'x', '1'],
      ['é', 'yy', '22'],
      ['a\u202eb', '', ''],
    ];
    expect(renderAligned({ columns: ['name', 'b', 'n'], rows }).split('\n')).toEqual([
      'name        b   n',
      'プレス      x   1',
      'é           yy  22',
      'a\\u{202e}b',
      '',
    ]);
  });

  test('shows no control character, so every row is one line', () => {
    const text = renderAligned(table);
    expect(text.split('\n')).toHaveLength(table.rows.length + 2);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u202e\u2028\ufeff]/u);
  });

  test('leaves out columns that say nothing, unless there is no row at all', () => {
    expect(withoutEmptyColumns({ columns: ['a', 'b'], rows: [['', 'x']] })).toEqual({ columns: ['b'], rows: [['x']] });
    expect(withoutEmptyColumns({ columns: ['a', 'b'], rows: [] })).toEqual({ columns: ['a', 'b'], rows: [] });
  });
});
