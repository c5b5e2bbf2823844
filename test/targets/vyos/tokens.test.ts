/** The only escaping of the target: nothing that a zone file says can become syntax, and no limit of the platform is exceeded. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { Names } from '../../../targets/vyos/names.ts';
import {
  addressSpan,
  description,
  headLine,
  interfaceName,
  keyword,
  name,
  otherPorts,
  portList,
  prefixOf,
  protocolWord,
} from '../../../targets/vyos/tokens.ts';

/** What a shell, the configuration language and a value in single quotes leave alone. */
const harmless = /^[ !#%(-;=@-[\]^_a-z{}~A-Z0-9]*$/u;

describe('tokens', () => {
  test.prop([fc.string({ unit: 'binary', maxLength: 400 })])('whatever is said in a description stays inside its quotes', (text) => {
    expect(description(text)).toMatch(harmless);
    expect(description(text).length).toBeLessThanOrEqual(255);
    expect(headLine(text)).toMatch(harmless);
  });

  it.each(["'", '"', '$', '`', '\\', '\n', '&', '<', '>', '|', '?'])('lets no %j into a description', (character) => {
    expect(description(`a${character}b`)).toBe('a_b');
  });

  it.each(['', '_x', '-x', 'a b', "a'b", 'a;b', '制', `a${'b'.repeat(64)}`])('refuses %j as a name', (text) => {
    expect(() => name(text)).toThrow('not a name');
  });

  it.each(['', 'eth0*', 'eth 0', '0up', 'drop', 'ip', 'eth0;', 'sixteen-letters-1'])('refuses %j as the name of an interface', (text) => {
    expect(() => interfaceName(text)).toThrow('an interface called');
  });

  it('takes names that VyOS gives', () => {
    expect(['eth0', 'bond1.31', 'eth0.10.20', 'wg01', 'vtun0', 'wan'].map(interfaceName)).toHaveLength(6);
  });

  it('knows no port 0 and no empty list, and names all but some', () => {
    expect(() => portList([{ first: 0, last: 5 }])).toThrow('not ports');
    expect(() => portList([])).toThrow('without ports');
    expect(
      otherPorts([
        { first: 23, last: 23 },
        { first: 80, last: 90 },
      ]),
    ).toBe('!23,!80-90');
  });

  it('calls each ICMP by its family, and refuses the other', () => {
    expect([protocolWord(4, 1), protocolWord(6, 58), protocolWord(4, 6), protocolWord(6, 47)]).toEqual(['icmp', 'ipv6-icmp', 'tcp', '47']);
    expect(() => protocolWord(4, 58)).toThrow('no word in IPv4');
    expect(() => protocolWord(6, 1)).toThrow('no word in IPv6');
  });

  it('writes addresses, ranges and prefixes as VyOS reads them', () => {
    expect(addressSpan({ first: 0x0a00_0001, last: 0x0a00_0005 })).toBe('10.0.0.1-10.0.0.5');
    expect(addressSpan({ first: 5n, last: 5n })).toBe('::5');
    expect(prefixOf({ first: 0x0a00_0000, last: 0x0a00_00ff }, 4)).toBe('10.0.0.0/24');
    expect(prefixOf({ first: 0x0a00_0001, last: 0x0a00_0100 }, 4)).toBeUndefined();
    expect(() => keyword("drop' ; delete")).toThrow('not a keyword');
  });
});

describe('names', () => {
  test.prop([fc.uniqueArray(fc.string({ minLength: 1, maxLength: 80 }), { maxLength: 30 })])('are never two alike, and map back', (wanted) => {
    const names = new Names(['LOCAL']);
    const given = wanted.map((one) => names.add(one));
    expect(new Set(given).size).toBe(wanted.length);
    for (const [index, one] of given.entries()) expect(names.changed.get(one) ?? one).toBe(wanted[index]);
    expect(given).not.toContain('LOCAL');
  });

  it('keep what they can, and tell apart what would like one name', () => {
    const names = new Names();
    expect(names.add('press', 'a')).toBe('press');
    expect(names.add('press', 'b')).toMatch(/^press_[0-9a-f]{10}$/u);
    expect(names.add('_x')).toMatch(/^x_[0-9a-f]{10}$/u);
  });
});
