/**
 * Laws of the reader: what it says of all packets is what an interpreter says of each.
 *
 * execute ∘ parse = interpret ∘ parse, on random small rulesets; and builders of element sets against plain membership.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Diagram, empty, type Node } from '../../../src/packets/diagram.ts';
import { PacketSpace } from '../../../src/packets/packet-space.ts';
import { possible } from '../../../src/policy/sets.ts';
import { parseText } from '../../../targets/nftables/read-text.ts';
import { groupsOverlap, type Slot, unionOfBoxes } from '../../../targets/nftables/read-products.ts';
import { readScalar } from '../../../targets/nftables/read-values.ts';
import { read } from '../../../targets/nftables/reader.ts';
import { courses, gatingLimits } from './interpreter.ts';
import { interfaces, mark, packet, ruleset } from './random-rulesets.ts';

const runs = Number(process.env['ZW_READER_RUNS'] ?? 400);

describe('the reader', () => {
  it(`agrees with the interpreter on ${runs} random rulesets`, () => {
    let readable = 0;
    let limited = 0;
    let marking = 0;
    fc.assert(
      fc.property(ruleset, fc.array(packet, { minLength: 1, maxLength: 40, size: 'max' }), (text, packets) => {
        const space = new PacketSpace(interfaces);
        const { accepted, maybe, marked, limits, refusals } = read([{ name: 'ruleset.nft', text }], { space, mark });
        if (refusals.length > 0) return;
        readable++;
        if (limits.length > 0) limited++;
        if (marked !== empty) marking++;
        expect(space.diagram.subtract(space.diagram.unionAll([accepted, maybe, marked, ...limits.map((limit) => limit.packets)]), possible(space))).toBe(empty);
        const tree = parseText(text);
        const gating = gatingLimits(tree);
        for (const one of packets) {
          const all = courses(tree, one);
          const passing = all.filter((course) => course.passes).length;
          expect({
            accepted: space.contains(accepted, one),
            maybe: space.contains(maybe, one),
            marked: space.contains(marked, one),
            asked: limits.filter((limit) => space.contains(limit.packets, one)).map((limit) => limit.identity),
          }).toEqual({
            accepted: passing === all.length,
            maybe: passing > 0 && passing < all.length,
            marked: all.some((course) => course.marked),
            asked: [...new Set(all.flatMap((course) => [...course.asked]))].filter((identity) => gating.has(identity)).sort(),
          });
        }
      }),
      { numRuns: runs, seed: 7 },
    );
    expect(readable).toBeGreaterThan(runs / 3);
    expect(limited).toBeGreaterThan(runs / 20);
    expect(marking).toBeGreaterThan(runs / 20);
  });
});

describe('boxes', () => {
  const slots: readonly Slot[] = [
    { level: 3, width: 4 },
    { level: 7, width: 3 },
    { level: 20, width: 2 },
  ];
  const range = (width: number): fc.Arbitrary<readonly [number, number]> =>
    fc.tuple(fc.nat(2 ** width - 1), fc.nat(2 ** width - 1)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const box = fc.tuple(range(4), range(3), range(2)).map((ranges) => ranges.flat());
  const boxes = fc.array(box, { maxLength: 12 });
  const has = (one: readonly number[], point: readonly number[]): boolean =>
    point.every((value, index) => (one[2 * index] ?? 0) <= value && value <= (one[2 * index + 1] ?? 0));
  const points = Array.from({ length: 2 ** 9 }, (_, bits) => [bits >> 5, (bits >> 2) & 7, bits & 3]);

  function contains(diagram: Diagram, set: Node, point: readonly number[]): boolean {
    let node = set;
    while (node > 1) {
      const level = diagram.level(node);
      const index = slots.findIndex((slot) => level < slot.level + slot.width);
      const slot = slots[index];
      if (slot === undefined) throw new Error('no slot');
      node = (((point[index] ?? 0) >> (slot.level + slot.width - 1 - level)) & 1) === 1 ? diagram.high(node) : diagram.low(node);
    }
    return node === 1;
  }

  it('their union has the points of any', () => {
    fc.assert(
      fc.property(boxes, (list) => {
        const diagram = new Diagram();
        const set = unionOfBoxes(diagram, slots, list);
        for (const point of points) {
          expect(contains(diagram, set, point)).toBe(list.some((one) => has(one, point)));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('overlap iff two groups share a point', () => {
    fc.assert(
      fc.property(fc.array(fc.array(box, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), (groups) => {
        const shared = points.some((point) => groups.filter((list) => list.some((one) => has(one, point))).length > 1);
        expect(groupsOverlap(new Diagram(), slots, groups)).toBe(shared);
      }),
      { numRuns: 300 },
    );
  });

  it('of a range of IPv6 addresses hold the ends and what is between, once', () => {
    const word = fc.constantFrom(0, 1, 0xffff_fffe, 0xffff_ffff, 0x8000_0000);
    const point = fc.tuple(word, word, word, word);
    const number = (words: readonly number[]): bigint => words.reduce((sum, one) => (sum << 32n) | BigInt(one), 0n);
    const text = (words: readonly number[]): string => words.map((one) => `${(one >>> 16).toString(16)}:${(one & 0xffff).toString(16)}`).join(':');
    fc.assert(
      fc.property(point, point, point, (a, b, c) => {
        const [first, last] = number(a) <= number(b) ? [a, b] : [b, a];
        const parts = readScalar('ipv6_addr', `${text(first)}-${text(last)}`) ?? [];
        const holding = parts.filter((one) => has(one, c)).length;
        expect(holding).toBe(number(first) <= number(c) && number(c) <= number(last) ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
  });
});
