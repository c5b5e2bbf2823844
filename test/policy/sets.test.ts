/**
 * Law: `evaluate` = packet sets.
 *
 * Random plants, and for each thousands of packets whose every field is a boundary of the plant or beside one. The two
 * share no code: one is a few plain steps on the model, the other a decision diagram built from the Ir.
 */
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/policy/evaluate.ts';
import { policyNumber, policySets, policySpace, possible } from '../../src/policy/sets.ts';
import { edgePackets } from '../generators/edge-packets.ts';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { compilingPlant, zoneFile } from '../generators/plants.ts';

const plants = Number(process.env['ZW_SETS_PLANTS'] ?? 40);
const firstSeed = Number(process.env['ZW_SETS_SEED'] ?? 1000);

describe('the number of a policy', () => {
  it('depends on what may start alone, not on the borders that the space was cut at', () => {
    const numbers = new Set<number>();
    for (let index = 0; index < 25; index++) {
      const { plant } = compilingPlant(firstSeed + index * 100);
      const { policy } = rulesetOf(compileText(zoneFile(plant)));
      const more = { v4: [{ first: 0x0a00_0003, last: 0xc000_0207 }], v6: [{ first: 7n, last: 0x2001_0db8n << 96n }] };
      const spaces = [undefined, policySpace(policy), policySpace(policy, more)];
      const found = new Set(spaces.map((space) => policyNumber(policySets(policy, space))));
      expect(found.size).toBe(1);
      for (const number of found) numbers.add(number);
    }
    expect(numbers.size).toBeGreaterThan(20);
  });
});

describe('evaluate and the packet sets', () => {
  it(`agree on ${plants} random plants from seed ${firstSeed}`, () => {
    let accepted = 0;
    let denied = 0;
    for (let index = 0; index < plants; index++) {
      const { plant } = compilingPlant(firstSeed + index * 100);
      const text = zoneFile(plant);
      const ruleset = rulesetOf(compileText(text));
      // Every bit of an address, and segments between the borders of the policy, in turn.
      const sets = index % 2 === 0 ? policySets(ruleset.policy) : policySets(ruleset.policy, policySpace(ruleset.policy));
      const universe = possible(sets.space);
      const marked = sets.marked;
      for (const packet of edgePackets(ruleset.house, ruleset.policy, firstSeed + index, 1500)) {
        if (!sets.space.contains(universe, packet)) continue;
        const verdict = evaluate(ruleset.house, packet);
        const found = {
          accepted: sets.space.contains(sets.accepted, packet) || sets.space.contains(sets.maybe, packet),
          limited: sets.space.contains(sets.maybe, packet),
          marks: sets.space.contains(marked, packet),
        };
        const wanted = { accepted: verdict.accepted, limited: verdict.accepted && verdict.limited, marks: verdict.marks };
        if (JSON.stringify(found) !== JSON.stringify(wanted)) {
          const shown = JSON.stringify(packet, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
          throw new Error(
            `seed ${plant.seed}: sets say ${JSON.stringify(found)}, evaluate says ${JSON.stringify(wanted)} (${verdict.reason.kind})\n${shown}\n${text}`,
          );
        }
        if (verdict.accepted) accepted++;
        else denied++;
      }
    }
    console.log(`evaluate and packet sets agree on ${accepted + denied} packets, ${accepted} of them accepted`);
    expect(accepted).toBeGreaterThan(plants * 50);
    expect(denied).toBeGreaterThan(plants * 50);
  }, 120_000);
});
