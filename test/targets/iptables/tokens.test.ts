/** The only escaping of the target: nothing that a zone file says can become syntax, and no limit of the platform is exceeded. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  chainName,
  comment,
  engineEnds,
  engineList,
  engineMessage,
  engineWords,
  headLine,
  icmpMessage,
  interfaceName,
  isKnownRate,
  keyword,
  logPrefix,
  logPrefixText,
  portList,
  prefixElements,
  prefixOf,
  prefixWord,
  protocolWord,
  rate,
  setName,
} from '../../../targets/iptables/tokens.ts';
import { valueMatches } from '../../../targets/iptables/matches.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '"; -j ACCEPT',
    '\n-A zw.forward -j ACCEPT',
    '\\" -j ACCEPT #',
    "'; rm -rf /; '",
    '$(reboot)',
    '`reboot`',
    '! -x',
    'COMMIT\n*nat',
    '\u0000',
    '\r',
  ),
);

describe('tokens of Suricata', () => {
  test.prop([hostile])('a message neither ends itself nor its option', (text) => {
    expect(engineMessage(text)).toMatch(/^msg:"[ #-:<-[\]-~]{0,200}";$/u);
  });

  it('keeps names of flows and places as they are', () => {
    expect(engineMessage('zw gw: function 6 (poll plant.zone:41)')).toBe('msg:"zw gw: function 6 (poll plant.zone:41)";');
  });

  it('lists are never empty, which would mean any', () => {
    const address = prefixOf({ first: 0x0a00_0005, last: 0x0a00_0005 });
    if (address === undefined) throw new Error('an address is a prefix');
    expect(engineList([address])).toBe('10.0.0.5');
    expect(
      engineEnds(address, engineList([address, address]), [
        { first: 502, last: 502 },
        { first: 5020, last: 5022 },
      ]),
    ).toBe('10.0.0.5 any -> [10.0.0.5,10.0.0.5] [502,5020:5022]');
    expect(() => engineList([])).toThrow('an empty list means any');
    for (const words of ['a"b', 'a\nb', 'a(b)', '']) expect(() => engineWords(words)).toThrow('no words of a rule');
  });
});

describe('tokens', () => {
  test.prop([hostile])('whatever is said in a comment stays inside its quotes', (text) => {
    expect(comment(text)).toMatch(/^-m comment --comment "[ #%-[\]-_a-~]{0,255}"$/u);
    expect(headLine(text)).toMatch(/^[ #%-[\]-_a-~]{0,200}$/u);
  });

  test.prop([fc.array(hostile, { minLength: 1, maxLength: 3 })])('a log prefix fits the platform, whatever its words', (words) => {
    const inside = /^--log-prefix "(zw [ #%-[\]-_a-~]*: )"$/u.exec(logPrefix(words))?.[1];
    expect(inside?.length).toBeLessThanOrEqual(29);
  });

  it('cuts words of a log prefix to their share of the room, and two are never the same', () => {
    expect(logPrefixText(['g', 'a>b', 'default'])).toBe('zw g a>b default: ');
    expect(logPrefixText(['gw12', 'dmz>press', 'engineering'])).toMatch(/^zw gw12 dmz>press engin~[0-9a-f]{3}: $/u);
    expect(logPrefixText(['gateway_of_hall_7', 'dmz>press', 'engineering'])).toMatch(/^zw ga~[0-9a-f]{5} dmz~/u);
    const long = Array.from({ length: 200 }, (_, index) => logPrefixText(['gw12', 'dmz>press', `a_flow_whose_name_is_long_${index}`]));
    expect(new Set(long).size).toBeGreaterThan(190);
  });

  it.each(['FORWARD', 'zw', 'zw.', 'ACCEPT', 'zw.a b', 'zw.a"', 'Zw.a', `zw.${'y'.repeat(26)}`, 'zw.a\n'])('refuses %j as a chain', (name) => {
    expect(() => chainName(name)).toThrow('not a chain of ours');
  });

  it.each(['blocklist', 'zw.', 'zw.a,b', `zw.${'y'.repeat(29)}`, 'zw.a b'])('refuses %j as a set', (name) => {
    expect(() => setName(name)).toThrow('not a set of ours');
  });

  it.each(['', 'a b', 'eth0"', 'eth+', 'eth*', 'eth0;', 'a/b', '-eth', 'sixteen-letters-', '!eth0', '\n'])('refuses %j as the name of an interface', (name) => {
    expect(() => interfaceName(name)).toThrow('not an interface name');
  });

  it.each(['', 'ZW', 'zw.', "zw'", '9zw', 'ninechars', 'z w', '$x'])('refuses %j as the prefix of chains, which also stands in the script', (prefix) => {
    expect(() => prefixWord(prefix)).toThrow('not a prefix');
  });

  it('refuses what iptables would take for everything', () => {
    expect(() => protocolWord(0)).toThrow('every protocol');
    expect(() => icmpMessage(4, 255, undefined)).toThrow('every type');
    expect(() => icmpMessage(4, 255, 3)).toThrow('every type');
    expect(icmpMessage(6, 255, undefined)).toBe('255');
    expect(prefixElements(4, [{ first: 0, last: 0xffff_ffff }])).toEqual(['0.0.0.0/1', '128.0.0.0/1']);
    expect(prefixElements(6, [{ first: 0n, last: (1n << 128n) - 1n }])).toEqual(['::/1', '8000::/1']);
    expect(() => keyword('ACCEPT; x')).toThrow('not a keyword');
    expect(() => keyword('"x"')).toThrow('not a keyword');
  });

  it('says type 255 and protocol 0 as what nothing else is', () => {
    const type = valueMatches('icmp', 4, [{ first: 255 * 256, last: 255 * 256 + 255 }], false);
    expect([type.any.length, type.none.length]).toEqual([0, 255]);
    expect(() => valueMatches('icmp', 4, [{ first: 255 * 256, last: 255 * 256 }], false)).toThrow('type 255');
    const protocol = valueMatches('other', 4, [{ first: 0, last: 0 }], false);
    expect([protocol.any.length, protocol.none.length]).toEqual([0, 255]);
    expect(valueMatches('other', 4, [{ first: 47, last: 47 }], false).any).toEqual(['-p 47']);
    // No list of what must not match is nothing to say, and not nothing that matches.
    expect(valueMatches('icmp', 4, [{ first: 0, last: 0xffff }], false)).toEqual({ front: '-p icmp', any: ['-p icmp'], none: [] });
    expect(valueMatches('icmp', 6, [{ first: 0, last: 0xffff }], true).any).toEqual(['-p icmpv6']);
    expect(valueMatches('other', 4, [{ first: 0, last: 255 }], false)).toEqual({ front: undefined, any: [''], none: [] });
  });

  it('counts a range of ports as two', () => {
    const single = Array.from({ length: 15 }, (_, index) => ({ first: index * 2, last: index * 2 }));
    expect(portList(single).split(',').length).toBe(15);
    expect(() => portList([...single, { first: 99, last: 99 }])).toThrow('16 slots');
    expect(() => portList([...single.slice(0, 14), { first: 99, last: 100 }])).toThrow('16 slots');
    const chunks = valueMatches('tcp', 4, [...single, { first: 40, last: 50 }, { first: 60, last: 61 }], false).any;
    expect(chunks.map((chunk) => chunk.split(' ').at(-1)?.split(',').length)).toEqual([15, 2]);
  });

  it('knows how fast xt_limit can count', () => {
    expect(rate({ amount: 20, unit: 'second', burst: 5 })).toBe('-m limit --limit 20/second --limit-burst 5');
    expect(isKnownRate({ amount: 10_001, unit: 'second', burst: 5 })).toBe(false);
    expect(isKnownRate({ amount: 10_001, unit: 'minute', burst: 5 })).toBe(true);
    expect(isKnownRate({ amount: 1, unit: 'day', burst: 10_001 })).toBe(false);
  });

  test.prop([fc.nat(0xffff_ffff), fc.nat(0xffff_ffff)])('a prefix is a prefix', (a, b) => {
    const [first, last] = a < b ? [a, b] : [b, a];
    const text = prefixOf({ first, last });
    const elements = prefixElements(4, [{ first, last }]);
    if (first === 0 && last === 0xffff_ffff) return;
    expect(text === undefined ? elements.length > 1 : elements.length === 1 && elements[0] === text).toBe(true);
  });
});
