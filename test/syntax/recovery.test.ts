/** Where reading goes on after a mistake that hides where a block ends. */
import { describe, expect, test } from 'vitest';
import { parseText } from './tree.ts';

const names = (text: string): string[] => parseText(text).ast.declarations.map((one) => ('name' in one ? (one.name?.text ?? '') : one.kind));

describe('a forgotten brace', () => {
  test('is reported once, with the brace that it belongs to', () => {
    const text = 'zone a {\n  level 4\n\nzone b { level 3 }\nzone c { level 2 }';
    const { diagnostics, mistakes } = parseText(text);
    expect(mistakes).toEqual(['ZW1011 «zone»']);
    expect(diagnostics[0]?.message).toContain('zone a');
    expect(diagnostics[0]?.secondary).toEqual([{ span: { file: 0, start: 7, end: 8 }, label: 'opened here' }]);
    expect(names(text)).toEqual(['a', 'b', 'c']);
  });

  test('at the end of the file', () => {
    expect(parseText('zone a {\n  level 4\n').mistakes).toEqual(['ZW1011 «4»']);
  });

  test('of a flow in a conduit', () => {
    const text = 'conduit c a -> b {\n  flow x {\n    from a\n  flow y {\n    to b\n  }\n}\nzone z { level 1 }';
    const { ast, mistakes } = parseText(text);
    expect(mistakes).toEqual(['ZW1011 «flow»']);
    expect(ast.declarations).toMatchObject([{ kind: 'conduit', flows: [{ name: { text: 'x' } }, { name: { text: 'y' } }] }, { kind: 'zone' }]);
  });

  test('of the last flow in a conduit', () => {
    const text = 'conduit c a -> b {\n  flow x {\n    from a\n\n}\nzone z { level 1 }';
    expect(parseText(text).mistakes).toEqual(['ZW1011 «}»']);
    expect(names(text)).toEqual(['c', 'z']);
  });

  test('of services', () => {
    const text = 'flow x {\n  from a\n  allow modbus { read, write\n  to b\n}\nzone z { level 1 }';
    expect(parseText(text).mistakes).toEqual(['ZW1011 «to»']);
    expect(names(text)).toEqual(['z']);
  });

  test('in three declarations', () => {
    const text = 'zone a {\n  level 1\nzone b {\n  level 2\ngateway g {\n  interface e {\n    address none\n}\nzone c { level 3 }';
    expect(parseText(text).mistakes).toEqual(['ZW1011 «zone»', 'ZW1011 «gateway»', 'ZW1011 «}»']);
    expect(names(text)).toEqual(['a', 'b', 'g', 'c']);
  });

  test('swallowed by a string is the string’s mistake', () => {
    const text = 'flow f { owner "a  reason "b" }\nzone z { level 1 }';
    expect(parseText(text).mistakes).toEqual(['ZW1003 «" }»']);
    expect(names(text)).toEqual(['z']);
  });
});

describe('braces that only look wrong', () => {
  test('flows without indentation in a conduit', () => {
    expect(parseText('conduit c a -> b {\nflow x {\nfrom a\n}\nflow y { }\n}\nzone z { level 1 }').mistakes).toEqual([]);
  });

  test('keywords at the start of a line in lists and options', () => {
    expect(parseText('group g {\nhost,\nzone\n}\ngateway g {\ntarget t {\nzone wan\nhost [\nzone\n]\n}\n}').mistakes).toEqual([]);
  });

  test('a brace on a line of its own', () => {
    expect(parseText('zone a\n{\n level 1\n}\nconduit a -> b\n{\n flow f\n {\n from a\n }\n}').mistakes).toEqual([]);
  });

  test('several declarations on one line, and semicolons', () => {
    expect(names('zone a { level 1; } zone b { ; level 2 ; };\ninclude "x";')).toEqual(['a', 'b', 'include']);
  });
});

describe('a block too many or too few', () => {
  test('a stray brace closes nothing and hides nothing', () => {
    const text = 'zone a { level 1 }\n}\nzone b { level 2 }';
    expect(parseText(text).mistakes).toEqual(['ZW1012 «}»']);
    expect(names(text)).toEqual(['a', 'b']);
  });

  test('an interface without its opening brace', () => {
    const text = 'gateway g {\n  interface a  faces x }\n  interface b { faces y }\n}\nzone z { level 1 }';
    expect(parseText(text).mistakes).toEqual(['ZW1001 «faces»']);
    expect(names(text)).toEqual(['z']);
  });

  test('a flow without its opening brace', () => {
    const text = 'conduit c a -> b {\n  flow x "X"\n    from a\n    to b\n  }\n  flow y { }\n}\nzone z { level 1 }';
    expect(parseText(text).mistakes).toEqual(['ZW1013 «"X"»']);
    expect(names(text)).toEqual(['c', 'z']);
  });

  test('a manage line without its opening brace', () => {
    const text = 'gateway g {\n  manage from a allow ssh owner "x" }\n  send to b allow ntp\n}\nzone z { level 1 }';
    expect(parseText(text).mistakes).toEqual(['ZW1001 «"x"»']);
    expect(names(text)).toEqual(['z']);
  });

  test('a brace too many at the start of a block', () => {
    expect(parseText('zone a { { level 1 }\nzone z { level 1 }').mistakes).toEqual(['ZW1011 «zone»']);
  });

  test('a broken flow leaves its conduit and its neighbours', () => {
    const { ast, mistakes } = parseText('conduit c a -> b {\n  flow x { from }\n  flow y { from a }\n}');
    expect(mistakes).toEqual(['ZW1002 «from»']);
    expect(ast).toMatchObject({ declarations: [{ kind: 'conduit', flows: [{ name: { text: 'y' } }] }], broken: [{ text: 'x' }] });
  });

  test('a misspelt keyword still has its block read', () => {
    const { ast, mistakes } = parseText('zonee a { levle 4 }\nhots h in a { address 10.0.0.1 }');
    expect(mistakes).toEqual(['ZW1014 «zonee»', 'ZW1015 «levle»', 'ZW1014 «hots»']);
    expect(ast.broken.map((name) => name.text)).toEqual(['a', 'h']);
  });
});
