/** Hostile and huge inputs: parse ends soon, says something short, and never throws. */
import { test as property, fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { SourceFile } from '../../src/base/source.ts';
import type { Ast } from '../../src/syntax/ast.ts';
import { lex } from '../../src/syntax/lex.ts';
import { parse } from '../../src/syntax/parse.ts';
import { parseText } from './tree.ts';

describe('files that are no text', () => {
  test('a binary file gives one diagnostic', () => {
    expect(parseText('\x7fELF\0\0\0\x01'.repeat(10_000)).mistakes).toEqual(['ZW1007 «\0»']);
  });

  test('bytes that were not UTF-8 give one diagnostic', () => {
    expect(parseText('zone a { label "\ufffd\ufffd" }\n'.repeat(50)).mistakes).toHaveLength(1);
  });

  test('an empty file, blanks, a byte order mark, comments', () => {
    for (const text of ['', '\n\n', '\ufeff', '# only\n  # comments', ' \t\r\n'])
      expect(parseText(text)).toMatchObject({ mistakes: [], ast: { declarations: [] } });
  });

  test('a byte order mark and CRLF change no word and no span', () => {
    const text = '\ufeffzone a {\r\n\tlevel 4 # x\r\n}\r\n';
    const { ast, mistakes } = parseText(text);
    expect(mistakes).toEqual([]);
    expect(text.slice(ast.declarations[0]?.span.start, ast.declarations[0]?.span.end)).toBe('zone a {\r\n\tlevel 4 # x\r\n}');
  });
});

describe('size', () => {
  const timed = (text: string): { readonly milliseconds: number; readonly diagnostics: number; readonly declarations: number } => {
    const start = performance.now();
    const { value, diagnostics } = parse(new SourceFile(0, 'test.zone', text));
    return { milliseconds: performance.now() - start, diagnostics: diagnostics.length, declarations: value.declarations.length };
  };
  const flow = (index: number): string =>
    `flow f${index} {\n  from plc_press_${index}, historian\n  to time\n  allow modbus read, tcp { 80, 443 }\n  owner "ot-net"  reason "production"\n}\n`;
  const flows = (count: number): string => Array.from({ length: count }, (_, index) => flow(index)).join('');

  test('time grows with the number of declarations, not faster', () => {
    timed(flows(500));
    const few = timed(flows(1000));
    const many = timed(flows(5000));
    expect(many).toMatchObject({ diagnostics: 0, declarations: 5000 });
    // Five times as much; a quadratic parser would take twenty-five times as long. The bound leaves room for a busy machine.
    expect(many.milliseconds).toBeLessThan(12 * few.milliseconds + 500);
  });

  const hostile: readonly (readonly [string, string])[] = [
    ['a list of 20,000 names', `group g { ${Array.from({ length: 20_000 }, (_, index) => `h${index}`).join(',\n')} }`],
    ['a string of a megabyte', `policy "${'x'.repeat(1e6)}" { }`],
    ['a string of escapes', `policy "${'\\"'.repeat(2e5)}" { }`],
    ['an endless string', `policy "${'x'.repeat(1e6)}`],
    ['10,000 open braces', '{'.repeat(10_000)],
    ['10,000 nested braces', `flow f { from ${'{'.repeat(10_000)}a${'}'.repeat(10_000)} }`],
    ['10,000 brackets', `gateway g { target t { a ${'['.repeat(10_000)} } }`],
    ['30,000 closing braces', '} '.repeat(30_000)],
    ['30,000 unclosed zones', 'zone a {\n'.repeat(30_000)],
    ['30,000 unclosed zones on one line', 'zone a { '.repeat(30_000)],
    ['30,000 heads without a name', 'zone {\n'.repeat(30_000)],
    ['30,000 misspelt heads', 'zonee a {\n'.repeat(30_000)],
    ['unclosed flows in a conduit', `conduit a -> b {\n${'flow f {\n'.repeat(30_000)}`],
    ['a megabyte of one word', 'a'.repeat(1e6)],
    ['a megabyte of hyphens', `a${'-'.repeat(1e6)}`],
    ['colons between letters', 'a:'.repeat(50_000)],
    ['colons alone', ':'.repeat(100_000)],
    ['digits and dots', '1.'.repeat(2e5)],
    ['digits and hyphens', '1-'.repeat(2e5)],
    ['stars', '*'.repeat(2e5)],
    ['quotes', '"\n'.repeat(50_000)],
    ['control characters', '\x01\x02é\n'.repeat(50_000)],
    ['exceptions', `flow f { from ${'a except b, '.repeat(20_000)} }`],
    ['qualifiers', `flow f { allow modbus ${'unit 1 '.repeat(20_000)} }`],
    ['properties on one line', `flow f { ${'from a '.repeat(20_000)} }`],
    ['a line indented by a megabyte', `${' '.repeat(1e6)}zone a { level 1 }`],
  ];
  test.each(hostile)('%s', (_, text) => {
    const { milliseconds, diagnostics } = timed(text);
    expect(milliseconds).toBeLessThan(5000);
    expect(diagnostics).toBeLessThanOrEqual(101);
  });

  test('after a hundred mistakes the rest is one line', () => {
    const { diagnostics } = parseText('zone a { levle 4 }\n'.repeat(500));
    expect(diagnostics).toHaveLength(101);
    expect(diagnostics.at(-1)?.code).toBe('ZW1020');
    expect(parseText('zone a { levle 4 }\n'.repeat(100)).diagnostics).toHaveLength(100);
  });
});

/** Throws nothing, and every span lies in the text. */
function sound(text: string): void {
  const { ast, diagnostics } = parseText(text);
  const inside = (span: { readonly start: number; readonly end: number }): void => {
    expect(span.start).toBeGreaterThanOrEqual(0);
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    expect(span.end).toBeLessThanOrEqual(text.length);
  };
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'span') inside(value as { start: number; end: number });
      else walk(value);
    }
  };
  walk(ast);
  walk(diagnostics.map(({ span, secondary, fix }) => ({ span, secondary, fix })));
  for (const one of diagnostics) {
    expect(one.span).toBeDefined();
    expect(one.message).not.toMatch(/[\n\r]/u);
  }
  if (diagnostics.length === 0) {
    expect(ast.broken).toEqual([]);
    nothingSkipped(text, ast);
  }
}

interface Part {
  readonly span: { readonly start: number; readonly end: number };
}

/** Without a diagnostic every token is in the tree: in a declaration, and in its block in a property or a nested one. */
function nothingSkipped(text: string, ast: Ast): void {
  const cut = lex(new SourceFile(0, 'test.zone', text), () => {}).tokens;
  const tokens = cut.slice(0, cut.length);
  const covered = (from: number, to: number, parts: readonly Part[]): void => {
    for (const { value, span } of tokens) {
      if (span.start < from || span.end > to || value === ';') continue;
      if (!parts.some((part) => part.span.start <= span.start && span.end <= part.span.end))
        throw new Error(`\`${value}\` at ${span.start} is in no part of the tree`);
    }
  };
  covered(0, text.length, ast.declarations);
  const block = (whole: Part, parts: readonly Part[]): void => {
    const open = tokens.find(({ span, value }) => span.start > whole.span.start && value === '{');
    if (open !== undefined) covered(open.span.end, whole.span.end - 1, parts);
  };
  for (const one of ast.declarations) {
    if (one.kind === 'conduit') {
      block(one, [...one.properties, ...one.flows]);
      for (const flow of one.flows) block(flow, flow.properties);
    } else if (one.kind === 'gateway') {
      block(one, [...one.properties, ...one.targets, ...one.interfaces, ...one.traffic]);
      for (const face of one.interfaces) block(face, face.properties);
    } else if ('properties' in one) block(one, one.properties);
  }
}

const valid = `policy "p" { revision 1; timezone "Asia/Tokyo" traits a, b }
include "x.zone"
zone a "A" { level 3.5 kind dmz networks 10.0.0.0/8 except { 10.1.0.0/16, 10.2.0.0/16 }, rest }
host h in a { address 10.0.0.1, 2001:db8::1 role hmi }
group g { a, h, cell_*, 10.0.0.1-10.0.0.9, level <= 2 except b }
service s { tcp { 80, 90-99 }, modbus { function 3, read } unit 1 on udp 502, icmp type 3 code 1, any except { smb } }
conduit c "C" a <-> b {
  log denied
  owner "x"
  flow f { from a to b, c allow s7comm { read,
    write } rate 10/second burst 5 expires 2027-03-31 log }
}
gateway w {
  target nftables { a [ 1, "x" ]; b c }
  interface "eth1.1" { faces a address 10.0.0.1/8, 2001:db8::1/64 runs vrrp }
  manage from a allow ssh { owner "x" log }
  send to b allow ntp
}
assert x { never level >= 4 -> trait legacy : any except modbus read where enforced }
assert y { every flow from a has owner, reason or ticket, expires within 400 days }
test "t" { allow a -> b : ssh
  deny 10.0.0.1 -> h : tcp 445 }
`;

describe('parse never throws, and its spans lie in the file', () => {
  test('the file to be mutated is valid', () => {
    expect(parseText(valid).mistakes).toEqual([]);
    sound(valid);
  });

  property.prop([fc.string({ unit: 'binary', maxLength: 200 })])('on any string', sound);

  const pieces = [...new Set(valid.match(/\s+|[\w."/:-]+|[^\s\w]/gu))];
  property.prop([fc.array(fc.constantFrom(...pieces, '"', '\\', '\0', '\r', 'é', '->', '{', '}', 'except', ','), { maxLength: 60 })])(
    'on any row of words',
    (words) => {
      sound(words.join(' '));
      sound(words.join(''));
    },
  );

  const tokens = valid.match(/\s+|"[^"]*"|[\w./:-]+|[^\s\w]/gu) ?? [];
  const edit = fc.record({ kind: fc.constantFrom('delete', 'duplicate', 'swap', 'cut'), at: fc.nat(tokens.length - 1), other: fc.nat(tokens.length - 1) });
  property.prop([fc.array(edit, { minLength: 1, maxLength: 6 })], { numRuns: 400 })('on mutations of a valid file', (edits) => {
    const mutated = [...tokens];
    for (const { kind, at, other } of edits) {
      const token = mutated[at];
      if (token === undefined) continue;
      if (kind === 'delete') mutated.splice(at, 1);
      else if (kind === 'duplicate') mutated.splice(other, 0, token);
      else if (kind === 'cut') mutated.splice(Math.max(at, 20));
      else [mutated[at], mutated[other]] = [mutated[other] ?? '', token];
    }
    sound(mutated.join(''));
  });
});
