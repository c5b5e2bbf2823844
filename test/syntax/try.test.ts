import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { SourceFile } from '../../src/base/source.ts';
import { parse } from '../../src/syntax/parse.ts';
test('try', () => {
  const text = readFileSync(process.env['ZW_TRY'] ?? '', 'utf8');
  const blocks = text.includes('```zone') ? [...text.matchAll(/```zone\n([\s\S]*?)```/gu)].map((m) => m[1]!) : [text];
  for (const b of blocks) {
    const f = new SourceFile(0, 'x', b);
    const t = performance.now();
    const { value, diagnostics } = parse(f);
    console.log(value.declarations.length, 'declarations', value.broken.map((w) => w.text).join(), (performance.now() - t).toFixed(1), 'ms');
    for (const d of diagnostics) {
      const p = f.position(d.span?.start ?? 0);
      console.log(`${p.line}:${p.column} ${d.code} ${d.message}  «${b.slice(d.span!.start, d.span!.end).slice(0, 60)}» ${d.secondary.map((s) => `[${f.position(s.span.start).line} ${s.label}]`).join()}\n     ${[...d.notes, ...d.help].join('\n     ')}`);
    }
    if (process.env['ZW_TREE']) console.log(JSON.stringify(value.declarations, (k, v) => (k === 'span' ? undefined : v), 1));
  }
});
