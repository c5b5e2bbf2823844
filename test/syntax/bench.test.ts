import { test } from 'vitest';
import { SourceFile } from '../../src/base/source.ts';
import { parse } from '../../src/syntax/parse.ts';
const time = (name: string, text: string) => {
  const f = new SourceFile(0, 'x', text);
  const t = performance.now();
  const { value, diagnostics } = parse(f);
  console.log(name, (text.length / 1000) | 0, 'kB', value.declarations.length, diagnostics.length, diagnostics[0]?.code, diagnostics.at(-1)?.code, (performance.now() - t).toFixed(0), 'ms');
};
test('bench', () => {
  const one = (i: number) => `flow f${i} {\n  from plc_press_${i}, historian\n  to time, office\n  allow modbus read, tcp { 80, 443 }\n  owner "ot-net"  ticket "CHG-${i}"  reason "production"\n}\n`;
  const text = Array.from({ length: 5000 }, (_, i) => one(i)).join('');
  time('warm', one(1)); time('5000', text); time('5000', text); time('10000', text + text);
  time('list', `group g {\n${Array.from({ length: 50000 }, (_, i) => `h${i}`).join(',\n')}\n}`);
  time('longstring', `policy "${'x'.repeat(20e6)}" { }`);
  time('escapes', `policy "${'\\"'.repeat(2e6)}" { }`);
  time('unterminated', `policy "${'x'.repeat(5e6)} { }`);
  time('deep', '{'.repeat(10000)); time('zdeep', 'zone a ' + '{'.repeat(10000) + '}'.repeat(10000)); time('zdeep2', 'flow a { from ' + '{'.repeat(100000));
  time('unclosed', 'zone a {\n'.repeat(100000)); time('unclosedbad', 'zone {\n'.repeat(100000)); time('unclosed1', ' zone {\n'.repeat(100000)); time('oneline', 'zone a { '.repeat(100000));
  time('close', '}'.repeat(1e6)); time('close2', '} '.repeat(3e5)); time('close3', 'zone a { }} '.repeat(1e5));
  time('colon', 'a:'.repeat(5e5)); time('colons', ':'.repeat(1e6)); time('dash', 'a' + '-'.repeat(1e6)); time('dots', '1.'.repeat(5e5)); time('stars', '*'.repeat(1e6)); time('aa', 'a'.repeat(1e6)); time('a-', 'a-'.repeat(5e5) ); time('a -', 'a- '.repeat(5e5)); time('1-', '1-'.repeat(5e5)); time('1-1 ', '1-1-1 '.repeat(2e5));
  time('words', 'zone '.repeat(2e5)); time('wordl', 'zone\n'.repeat(2e5)); time('from', `flow x { ${'from a '.repeat(1e5)} }`); time('fromto', `flow x { from ${'to '.repeat(1e5)} }`);
  time('nul', '\0'.repeat(1e6)); time('junk', '\x01\x02é'.repeat(1e5)); time('junkl', '\x01\x02é\n'.repeat(1e5)); time('quotes', '"\n'.repeat(3e5));
  time('excepts', `flow x { from ${'a except b, '.repeat(1e5)} }`); time('brackets', `gateway g { target x { a ${'['.repeat(1e5)} } }`); time('opts', `gateway g { target x { ${'a b '.repeat(1e5)} } }`);
  time('mendline', `zone a {\n${'b { '.repeat(1e5)}`); time('conduit', `conduit a -> b {\n${'flow x {\n'.repeat(1e5)}`); time('include', 'include "a"\n'.repeat(1e5)); time('crlf', text.replaceAll('\n', '\r\n')); time('bom', '\ufeff' + text);
  time('manage', `gateway g { ${'manage from a allow ssh { '.repeat(1e4)} }`); time('svc', `service s { ${Array(30000).fill('modbus { read, write } unit 1').join(', ')} }`); time('svcu', `service s { modbus ${'unit 1 '.repeat(1e5)} }`);
  time('head', `conduit ${'a '.repeat(1e5)} -> b { }`); time('ind', ' '.repeat(1e6) + 'zone a { }'); time('junk{', '{\n'.repeat(1e5) ); time('a{', 'a b {\n'.repeat(1e5)); time('zonee{', 'zonee b {\n'.repeat(1e5)); time('nestedzone', `zone x {\n${'zonee b {\n'.repeat(1e5)}`);
}, 600000);
