/** What a gateway gets does not depend on where a flow is written: only comments, which say the place, may differ. */
import { describe, expect, it } from 'vitest';
import { Inexpressible } from '../../../targets/iptables/tokens.ts';
import { compileText, type Ruleset, rulesetOf } from '../../generators/compile.ts';
import { Draw } from '../../generators/draw.ts';
import { compilingPlant, type Plant, reordered, zoneFile } from '../../generators/plants.ts';

const plants = 12;

/** Rules without comments. */
function rulesOf(plant: Plant, sets: 'yes' | 'no'): Record<string, string> | undefined {
  let ruleset: Ruleset;
  try {
    ruleset = rulesetOf(compileText(zoneFile(plant).replace(/target nftables(?: \{[^}]*\})?/u, `target iptables { sets ${sets} }`)));
  } catch (error) {
    if (error instanceof Inexpressible) return undefined;
    throw error;
  }
  return Object.fromEntries(ruleset.files.map(({ name, text }) => [name, text.replaceAll(/ -m comment --comment "[^"]*"|^#.*\n/gmu, '')]));
}

describe('the order of declarations', () => {
  it(`changes no rule of ${plants} random plants`, () => {
    let compared = 0;
    for (let index = 0; index < plants; index++) {
      const { plant } = compilingPlant(7000 + index * 100);
      for (const sets of ['yes', 'no'] as const) {
        const straight = rulesOf(plant, sets);
        if (straight === undefined) continue;
        expect(rulesOf(reordered(plant, Draw.seeded(index)), sets)).toEqual(straight);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(plants);
  });
});
