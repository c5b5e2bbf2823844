/** What a mistake says, and where: one mistake, one diagnostic, at the smallest span. */
import { describe, expect, test } from 'vitest';
import { parseText } from './tree.ts';

describe('one mistake gives one diagnostic', () => {
  const flow = (body: string): string => `flow f { ${body} }`;
  const gateway = (body: string): string => `gateway g {\n  ${body}\n}`;
  const assert = (body: string): string => `assert a { ${body} }`;
  /** Source, code and span, and a word that the help or a note holds. */
  const cases: readonly (readonly [string, string, string?])[] = [
    ['zonee a { level 4 }', 'ZW1014 «zonee»', '`zone`'],
    ['level 4', 'ZW1014 «level»', 'policy'],
    ['10.0.0.0/8', 'ZW1014 «10.0.0.0/8»'],
    ['zone a', 'ZW1013 «a»'],
    ['zone a level 4 }', 'ZW1001 «level»'],
    ['zone { level 4 }', 'ZW1002 «zone»'],
    ['zone a b { level 4 }', 'ZW1001 «b»'],
    ['zone tcp { level 4 }', 'ZW1016 «tcp»', '`tcp_1`'],
    ['zone a { levle 4 }', 'ZW1015 «levle»', '`level`'],
    ['zone a { level 4 owner "x" }', 'ZW1001 «owner»'],
    ['zone a { level }', 'ZW1002 «level»'],
    ['zone a { level two }', 'ZW1001 «two»'],
    ['zone a { level 4\nnetworks 10.0.0.0/8\n 10.1.0.0/16 }', 'ZW1015 «10.1.0.0/16»', 'comma'],
    ['zone a { networks 10.0.0.0/8, }', 'ZW1002 «,»', 'comma'],
    ['zone a { networks 10.0.0/8 }', 'ZW1008 «10.0.0/8»', 'four parts'],
    ['zone a { networks 10.0.0.0/255.0.0.0 }', 'ZW1008 «10.0.0.0/255.0.0.0»', 'prefix length'],
    ['zone a- { level 4 }', 'ZW1009 «a-»'],
    ['zone 1a { level 4 }', 'ZW1008 «1a»', 'starts with a letter'],
    ['zone a { label “x” }', 'ZW1005 «“x”»', 'straight'],
    ['zone a { label "x\\n" }', 'ZW1004 «\\n»'],
    ['zone a { label "x }', 'ZW1003 «"x }»'],
    ['zone a { level\u00a04 }', 'ZW1005 «\u00a0»', 'ordinary space'],
    ['zone a { level 4 } # \u202e', 'ZW1006 «\u202e»'],
    ['zone a { level 4\r}', 'ZW1006 «\r»'],
    ['zone a { host h in b { } }', 'ZW1015 «host»', 'close the block'],
    ['zone a { level 4 }}', 'ZW1012 «}»'],
    ['zone a { level 4 }\n}\n}', 'ZW1012 «}»'],
    ['host h dmz { address 10.0.0.1 }', 'ZW1001 «dmz»', 'in ZONE'],
    ['host h in dmz { adress 10.0.0.1 }', 'ZW1015 «adress»', '`address`'],
    ['host h in dmz { address "10.0.0.1" }', 'ZW1001 «"10.0.0.1"»'],
    ['group g { a b }', 'ZW1001 «b»'],
    ['group g {\n a,\n b\n c\n}', 'ZW1001 «c»'],
    ['service s { tcp 80 udp 90 }', 'ZW1001 «udp»'],
    ['service s { modbus on sctp 5 }', 'ZW1001 «sctp»'],
    ['conduit a->b { }', 'ZW1010 «->»'],
    ['conduit a { }', 'ZW1002 «a»'],
    ['conduit a -> any { }', 'ZW1016 «any»'],
    ['conduit a - > b { }', 'ZW1005 «-»', '->'],
    [flow('form a'), 'ZW1015 «form»', '`from`'],
    [flow('from'), 'ZW1002 «from»'],
    [flow('from a b'), 'ZW1001 «b»'],
    [flow('from to time allow ntp'), 'ZW1001 «time»', '`to` is read as a name'],
    [flow('from level 4'), 'ZW1001 «4»', 'level = 3.5'],
    [flow('from *'), 'ZW1005 «*»', '`any`'],
    [flow('from a,\n to b'), 'ZW1001 «b»', 'line before ends in a comma'],
    [flow('owner ot-net'), 'ZW1001 «ot-net»'],
    [flow('owner "a" "b"'), 'ZW1001 «"b"»'],
    [flow('rate 10'), 'ZW1001 «10»'],
    [flow('rate 10/second brust 5'), 'ZW1001 «brust»', '`burst`'],
    [flow('expires 2027-3-1'), 'ZW1008 «2027-3-1»', 'YYYY-MM-DD'],
    [flow('expires 1-3-2027'), 'ZW1008 «1-3-2027»', 'YYYY-MM-DD'],
    [flow('allow modbus read unit 1-2-3'), 'ZW1008 «1-2-3»', 'a first and a last number: `1-3`'],
    [flow('allow modbus read address 0x10-0x1F'), 'ZW1008 «0x10-0x1F»', 'in decimal and with a hyphen: `16-31`'],
    [flow('allow modbus read address 100..199'), 'ZW1008 «100..199»', 'with a hyphen: `100-199`'],
    [flow('allow modbus read address 100-'), 'ZW1008 «100-»', 'both ends: `100-109` is ten numbers'],
    [flow('allow ssh, modbus { read, write } unit 1,2'), 'ZW1001 «2»', 'write `modbus { read, write } unit 1, modbus { read, write } unit 2`'],
    [flow('allow modbus read address 0-9, 20-29'), 'ZW1001 «20-29»', '`modbus read address 0-9, modbus read address 20-29`'],
    [flow('allow modbus unit { 1, 2 }'), 'ZW1001 «{»', '`modbus unit 1, modbus unit 2`'],
    ['service s { ssh, modbus read unit 1, 2 }', 'ZW1001 «2»', '`modbus read unit 1, modbus read unit 2`'],
    [flow('allow modbus { read unit 3 }'), 'ZW1001 «unit»', 'behind the braces: `modbus { read } unit 3`'],
    [flow('allow modbus { read, write address 1-9 }'), 'ZW1001 «address»', '`modbus { read, write } address 1-9`'],
    [flow('expires tomorrow'), 'ZW1001 «tomorrow»'],
    [flow('log denied'), 'ZW1001 «denied»'],
    [flow('allow modbus { read'), 'ZW1011 «}»'],
    [flow('allow tcp 80 - 90'), 'ZW1005 «-»', 'without spaces'],
    [flow('allow ssh read write'), 'ZW1001 «write»'],
    [flow('from a except b, c'), 'ZW1017 «,»', '`a except { b, c }`'],
    [flow('allow any except modbus read, smb'), 'ZW1017 «,»', '`any except { modbus read }, smb`'],
    [flow('from a except b except c'), 'ZW1018 «except»', 'braces'],
    [gateway('interfce e { address none }'), 'ZW1015 «interfce»', '`interface`'],
    [gateway('interface eth1.31 { address none }'), 'ZW1005 «.»', 'quotes'],
    [gateway('interface e faces a }'), 'ZW1001 «faces»'],
    [gateway('manage from a alow ssh'), 'ZW1001 «alow»', '`allow`'],
    [gateway('manage none'), 'ZW1002 «none»'],
    [gateway('manage from a allow ssh owner "x"'), 'ZW1001 «"x"»', 'braces'],
    [gateway('manage from a allow ssh { ownr "x" }'), 'ZW1015 «ownr»', '`owner`'],
    [gateway('send from a allow ntp'), 'ZW1001 «from»'],
    [gateway('target nftables { a }'), 'ZW1002 «a»'],
    [gateway('target nftables { a = 1 }'), 'ZW1001 «=»'],
    [assert('never a -> b smb'), 'ZW1001 «smb»'],
    [assert('nevr a -> b'), 'ZW1001 «nevr»', '`never`'],
    [assert('always a -> b'), 'ZW1002 «b»'],
    [assert('a -> b'), 'ZW1002 «b»'],
    [assert('a -> b at least two hops'), 'ZW1001 «two»'],
    [assert('never a -> b never c -> d'), 'ZW1001 «never»'],
    [assert('never a except b, c -> d'), 'ZW1017 «,»', '`a except { b, c }`'],
    [assert('every flow has owner reason'), 'ZW1001 «reason»'],
    [assert('never a -> b :smb'), 'ZW1010 «:»'],
    [assert(''), 'ZW1002 «{»'],
    ['test "t" { permit a -> b : ssh }', 'ZW1015 «permit»'],
    ['test "t" { allow a -> b }', 'ZW1002 «b»'],
    ['test t { }', 'ZW1001 «t»'],
    ['include suppliers', 'ZW1001 «suppliers»'],
    ['include', 'ZW1002 «include»'],
    [`flow f { from ${'{'.repeat(70)} a ${'}'.repeat(70)} }`, 'ZW1019 «{»'],
    ['zone a { level 4 label "\0" }', 'ZW1007 «\0»'],
  ];
  for (const [text, mistake, hint] of cases) {
    test(JSON.stringify(text), () => {
      const { diagnostics, mistakes } = parseText(text);
      expect(mistakes).toEqual([mistake]);
      const [{ help, notes, message } = { help: [], notes: [], message: '' }] = diagnostics;
      expect(message).toMatch(/^[^A-Z\n]/u);
      if (hint !== undefined) expect([...help, ...notes].join('\n')).toContain(hint);
    });
  }
});

describe('independent mistakes all show, in file order', () => {
  // Each mistake stands between guillemets, which are taken out before parsing.
  const marked = `
policy "Mistakes" { revision «seven» }
«zonee» office { level 4  «netwroks» 10.0.0.0/16 }
zone «any» { level 2 }
zone fab {
  level «two»
  networks 10.1.0.0/16
           «10.2.0.0/16»
  «kind»
}
host plc «press» { address 192.168.1.1 }
host plc2 in press { address «192.168.1.300.1» label "a«\\n»" }
group g { a «b» }
group h { any except a«,» b }
conduit a«->»b {
  flow x {
    «form» a
    to b
    allow ssh read «write»
  }
  flow y { from a to b deny telnet owner «x» }
  inspect «"pdu"»
}
gateway gw {
  «interfce» eth0 { faces a }
  interface eth1«.»31 { faces a }
  manage from a «alow» ssh
  target nftables { a «=» 1 }
}
assert a { never a -> b «smb» }
assert b { «nevr» a -> b }
test "x" {
  allow a -> «b»
  «permit» a -> b : ssh
}
zone open {
  level 2
«flow» z { from a to b allow ssh «owner» }
zone last { level 3 }
`;
  const plain = marked.replace(/[«»]/gu, '');
  const expected = [...marked.matchAll(/«([^»]*)»/gu)].map((match) => ({ word: match[1], at: marked.slice(0, match.index).replace(/[«»]/gu, '').length }));

  test('at their spans', () => {
    expect(expected.length).toBeGreaterThanOrEqual(20);
    const { diagnostics, ast } = parseText(plain);
    expect(diagnostics.map((one) => ({ word: plain.slice(one.span?.start, one.span?.end), at: one.span?.start }))).toEqual(expected);
    expect(ast.declarations.map((one) => ('name' in one ? one.name?.text : one.kind))).toEqual(['open', 'last']);
  });

  test('and the names of what could not be read are known', () => {
    expect(parseText(plain).ast.broken.map((name) => name.text)).toEqual(['office', 'fab', 'plc', 'plc2', 'g', 'h', 'x', 'y', 'gw', 'z']);
  });
});
