/** Addresses: what is one, what is none, and the text that comes back. */
import { test as property, fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatAddress, formatRange, parseAddress, parsePrefix, prefixesOf4, prefixesOf6 } from '../../src/net/address.ts';

function shown(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ])('reads %s and writes %s', (text, canonical) => {
    expect(shown(text)).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '1::2::3',
    'fe80::1%eth0',
    '12345::',
    ':::',
    'g::',
    '1.2.3.4.5',
    '1:2:3:4:5:6:7:8:9',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '2001:db8::/129', '/8', '10.0.0.0/-1', '10.0.0.0/8/8'])('refuses the prefix %j', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it('sees host bits', () => {
    expect(parsePrefix('10.0.0.1/16')?.hostBits).toBe(true);
    expect(parsePrefix('10.0.0.0/16')?.hostBits).toBe(false);
    expect(parsePrefix('2001:db8::1/64')?.hostBits).toBe(true);
    expect(parsePrefix('0.0.0.0/0')?.network).toEqual({ family: 4, first: 0, last: 0xffffffff });
  });

  it('splits a range into the fewest prefixes', () => {
    expect(prefixesOf4({ first: 1, last: 6 })).toEqual([
      { first: 1, length: 32 },
      { first: 2, length: 31 },
      { first: 4, length: 31 },
      { first: 6, length: 32 },
    ]);
    expect(prefixesOf4({ first: 0, last: 0xffffffff })).toEqual([{ first: 0, length: 0 }]);
    expect(prefixesOf6({ first: 0n, last: 2n ** 128n - 1n })).toEqual([{ first: 0n, length: 0 }]);
  });

  const edge = fc.oneof(
    fc.bigInt(0n, 2n ** 128n - 1n),
    fc.integer({ min: 0, max: 127 }).map((bit) => 2n ** BigInt(bit)),
    fc.bigInt(0n, 300n),
  );
  property.prop([edge, edge], { numRuns: 500 })(
    'splits any range of IPv6 as a network may stand, in order, without a gap, and joins none that could be one',
    (a, b) => {
      const [first, last] = a <= b ? [a, b] : [b, a];
      let next = first;
      let before: { readonly first: bigint; readonly size: bigint } | undefined;
      for (const prefix of prefixesOf6({ first, last })) {
        const size = 2n ** BigInt(128 - prefix.length);
        expect(prefix.first).toBe(next);
        expect(prefix.first % size).toBe(0n);
        // Two halves of one network would have been one prefix.
        expect(before !== undefined && before.size === size && before.first % (2n * size) === 0n).toBe(false);
        before = { first: prefix.first, size };
        next = prefix.first + size;
      }
      expect(next).toBe(last + 1n);
    },
  );

  it('writes ranges as an engineer would', () => {
    expect(formatRange({ family: 4, first: 0x0a000000, last: 0x0a00ffff })).toBe('10.0.0.0/16');
    expect(formatRange({ family: 4, first: 0x0a000001, last: 0x0a000001 })).toBe('10.0.0.1');
    expect(formatRange({ family: 4, first: 0x0a000001, last: 0x0a000003 })).toBe('10.0.0.1-10.0.0.3');
  });
});
