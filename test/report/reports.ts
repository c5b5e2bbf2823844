/** What the tests of reports share: marked sources, diagnostics over them, and words that try to be something else. */
import { type FileId, SourceMap, type Span } from '../../src/base/source.ts';
import { type Diagnostic, diagnostic, type Extras, row } from '../../src/diagnostics/diagnostic.ts';

/** Sources with the spans of their marks: the stretches between « and », in order. */
export function read(...files: readonly (readonly [name: string, marked: string])[]): { sources: SourceMap; spans: Span[] } {
  const sources = new SourceMap();
  const spans: Span[] = [];
  for (const [name, marked] of files) {
    const file: FileId = sources.files.length;
    const open: number[] = [];
    let content = '';
    for (const character of marked) {
      if (character === '«') open.push(content.length);
      else if (character === '»') spans.push({ file, start: open.pop() ?? 0, end: content.length });
      else content += character;
    }
    sources.add(name, content);
  }
  return { sources, spans };
}

const said = row<{ text: string }>('ZW2006', 'zone-overlap', 'error', 'input', (a) => a.text);
const violated = row<{ text: string }>('ZW4001', 'never-violated', 'error', 'finding', (a) => a.text);
const failed = row<{ text: string }>('ZW4005', 'test-failed', 'error', 'finding', (a) => a.text);
const vacuous = row<{ text: string }>('ZW4004', 'vacuous', 'warning', 'finding', (a) => a.text);
const codes = { said, violated, failed, vacuous };

export function say(code: keyof typeof codes, text: string, span?: Span, extras: Extras = {}): Diagnostic {
  return diagnostic(codes[code], span, { text }, extras);
}

/** Labels, names and reasons that would be something else in some format. */
export const hostile: readonly string[] = [
  '',
  'プレス機 №1 — ß',
  '=HYPERLINK("http://evil","x")',
  '+1',
  '-1+2',
  '@SUM(A1)',
  ' =1',
  '\t=1',
  '\r',
  '＝1',
  "'quoted'",
  'a,b;c\td',
  'say "yes"',
  'two\nlines\r\nthree',
  '\n::set-output name=x::y',
  '::error::z%0A%25',
  '##[add-mask]x',
  '<b>&amp;</b>]]>',
  '<!-- -->',
  '| a | b |',
  '`code` *a* _b_ ~~c~~ [x](http://evil) ![i](j) <http://k> # h',
  'http://evil.example www.evil.example',
  '\\| \\',
  '$x$ ==y== {{ z }} {0}',
  '\u0000\u0008\u001b[31m\u007f\u0085\u2028\ufffe\uffff',
  '\ud800 half',
  '\u202egnp.exe',
  '😀 é',
];
