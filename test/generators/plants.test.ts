// The generators themselves. Takes seeds, gives what share of the plants compiles, that a seed names one plant, and that what the language
// has does occur: a generator that never says `except` proves nothing about it.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileText, rulesetOf } from './compile.ts';
import { Draw } from './draw.ts';
import { changed, plantOf, plants, removable, reordered, without, zoneFile } from './plants.ts';

const seeds = Array.from({ length: 200 }, (_, index) => index + 1);

it('gives plants that compile, nearly always', () => {
  const broken = seeds.flatMap((seed) =>
    compileText(zoneFile(plantOf(seed)))
      .errors.slice(0, 1)
      .map((error) => `${seed}: ${error}`),
  );
  expect(broken.length, broken.join('\n')).toBeLessThan(seeds.length / 20);
});

it('gives the same plant for the same seed, and another for another', () => {
  const texts = seeds.map((seed) => zoneFile(plantOf(seed)));
  expect(seeds.map((seed) => zoneFile(plantOf(seed)))).toEqual(texts);
  expect(new Set(texts).size).toBe(seeds.length);
});

it('says everything that the language has', () => {
  const all = seeds.map((seed) => zoneFile(plantOf(seed))).join('\n');
  const words = [
    /networks rest/,
    /except \{/,
    /except [0-9a-z]/,
    /kind untrusted/,
    /level 3\.5/,
    /group \w+ \{/,
    /service \w+ \{/,
    /conduit \w+ \S+ ->/,
    /conduit \w+ \S+ <->/,
    /log denied/,
    /\blog\n/,
    /\bcount\n/,
    /rate \d+\/minute burst/,
    /disabled "/,
    /expires 2026-11-21/,
    /deny /,
    /from any except/,
    /to level <=/,
    /kind dmz/,
    /role /,
    /trait /,
    /\w+\*,/,
    /tcp \{/,
    /udp \d+-\d+/,
    /ip protocol \d+/,
    /icmp echo-request/,
    /icmp type \d+ code/,
    /icmpv6 type/,
    /allow any\b/,
    /any except/,
    /modbus on/,
    /accept-weaker ports/,
    /address dynamic/,
    /address none/,
    /\brouted\b/,
    /shared-wire "/,
    /runs .*echo/,
    /dhcp-client/,
    /vrrp/,
    /igmp/,
    /manage from/,
    /manage none/,
    /receive from/,
    /send to/,
    /mark-mask/,
  ];
  expect(words.filter((word) => !word.test(all)).map(String)).toEqual([]);
});

it('prints the same declarations in any order with the same meaning', () => {
  const draw = Draw.seeded(7);
  let compared = 0;
  for (const seed of seeds.slice(0, 20)) {
    const plant = plantOf(seed);
    const straight = compileText(zoneFile(plant));
    if (straight.errors.length > 0) continue;
    expect(rulesetOf(compileText(zoneFile(reordered(plant, draw)))).mark).toEqual(rulesetOf(straight).mark);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(10);
});

it('gives fast-check plants that shrink by leaving declarations out', () => {
  fc.assert(
    fc.property(plants, (plant) => {
      const pieces = removable(plant);
      for (const piece of pieces) expect(without(plant, piece).pieces.length).toBeLessThan(plant.pieces.length);
      expect(changed(plant, Draw.seeded(1)).pieces.length).toBeLessThanOrEqual(plant.pieces.length);
    }),
    { seed: 1, numRuns: 30 },
  );
  const result = fc.check(
    fc.property(plants, (plant) => !plant.pieces.some((piece) => piece.kind === 'flow')),
    { seed: 1, numRuns: 5 },
  );
  expect(result.counterexample?.[0]?.pieces.filter((piece) => piece.kind === 'flow')).toHaveLength(1);
  expect(result.counterexample?.[0]?.pieces.filter((piece) => piece.kind === 'host')).toHaveLength(0);
});
