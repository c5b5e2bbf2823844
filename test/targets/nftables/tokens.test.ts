/** The only escaping of the target: nothing that a zone file says can become syntax, and no limit of the platform is exceeded. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ShortNames } from '../../../src/target/short-names.ts';
import { anonymousMap, anonymousSet, comment, identifier, interfaceName, keyword, logPrefix } from '../../../targets/nftables/tokens.ts';

describe('tokens', () => {
  test.prop([fc.string({ unit: 'binary', maxLength: 300 })])('whatever is said in a comment stays inside its quotes', (text) => {
    expect(comment(text)).toMatch(/^comment "[ !#%-[\]-~]{0,127}"$/u);
  });

  test.prop([fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { minLength: 1, maxLength: 4 })])(
    'a log prefix fits the platform, whatever its words',
    (words) => {
      const inside = /^log prefix "([ !#%-[\]-~]*)"$/u.exec(logPrefix(words))?.[1];
      expect(inside?.length).toBeLessThanOrEqual(126);
      expect(inside?.endsWith(': ')).toBe(true);
    },
  );

  it('cuts the longest word of a log prefix, so that the others can be read', () => {
    expect(logPrefix(['gw12', 'dmz>press', 'engineering'])).toBe('log prefix "zw gw12 dmz>press engineering: "');
    const long = logPrefix(['gw12', `${'a'.repeat(64)}>${'b'.repeat(64)}`, 'engineering']);
    expect(long).toContain('zw gw12 aaaa');
    expect(long).toMatch(/~[0-9a-f]{5} engineering: "$/u);
  });

  it.each(['flush', '1chain', 'a', 'x.y z', 'x."', 'new.a;b', 'x.{', 'x.#', `x.${'y'.repeat(200)}`])('refuses %j as an identifier', (name) => {
    expect(() => identifier(name)).toThrow('not an identifier');
  });

  it.each(['', 'a b', 'eth0"', 'eth*', 'eth0;', 'a/b', '-eth', 'sixteen-letters-', '\n'])('refuses %j as the name of an interface', (name) => {
    expect(() => interfaceName(name)).toThrow('not an interface name');
  });

  it('refuses keywords that are none, and empty sets, which nft would not match as empty', () => {
    expect(() => keyword('accept; flush ruleset')).toThrow('not a keyword');
    expect(() => keyword('"x"')).toThrow('not a keyword');
    expect(() => anonymousSet([])).toThrow('empty set');
    expect(() => anonymousMap([])).toThrow('empty map');
  });
});

describe('short names', () => {
  const rules = { longest: 20, allowed: /[a-z0-9_.]/u };

  test.prop([fc.uniqueArray(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 60 })])(
    'never meet, fit, and do not depend on what came before',
    (originals) => {
      const names = new ShortNames(rules);
      const given = originals.map((original) => names.name(original));
      expect(new Set(given).size).toBe(originals.length);
      for (const [index, name] of given.entries()) {
        expect(name.length).toBeLessThanOrEqual(rules.longest);
        expect(name).toMatch(/^[a-z0-9_.]*$/u);
        expect(new ShortNames(rules).name(originals[index] ?? '')).toBe(name);
      }
    },
  );

  it('keeps what fits, and hashes what only looks hashed', () => {
    const names = new ShortNames(rules);
    expect(names.name('pair.a.b')).toBe('pair.a.b');
    const shortened = names.name('x'.repeat(30));
    expect(names.name(shortened)).not.toBe(shortened);
    expect(names.changed.get(shortened)).toBe('x'.repeat(30));
  });
});
