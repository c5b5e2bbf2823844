/**
 * Proof of what VyOS gets: policy, emitter, reader and packet sets agree on random plants, for both releases.
 *
 * Nothing is compared with an earlier output: what the reader makes of the commands must be what the policy's own sets say.
 */
import { describe, expect, it } from 'vitest';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import { vyos } from '../../../targets/vyos/index.ts';
import { compileText, type Ruleset, rulesetOf } from '../../generators/compile.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
import { forVyos, onVyosInterfaces, type Version } from './dress.ts';

const plants = Number(process.env['ZW_PROOF_PLANTS'] ?? 20);
const firstSeed = Number(process.env['ZW_PROOF_SEED'] ?? 5000);

function proof(ruleset: Ruleset): ReturnType<typeof proveFiles> {
  const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
  return proveFiles(ruleset.policy, sets, vyos, ruleset.files, undefined);
}

describe('what VyOS gets', () => {
  it.each<Version>(['1.4', '1.5'])(
    `equals the policy for ${plants} random plants from seed ${firstSeed}, release %s`,
    (version) => {
      let equal = 0;
      for (let index = 0; index < plants; index++) {
        const { plant } = compilingPlant(firstSeed + index * 10);
        const text = forVyos(zoneFile(onVyosInterfaces(plant)), version);
        const compiled = compileText(text);
        if (compiled.errors.length > 0) throw new Error(`${compiled.errors.join('\n')}\n${text}`);
        const found = proof(rulesetOf(compiled));
        if (found.kind !== 'equal') {
          const shown = JSON.stringify(found, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
          throw new Error(`seed ${plant.seed}: ${shown}\n${text}`);
        }
        equal++;
      }
      console.log(`${equal} plants equal`);
      expect(equal).toBe(plants);
    },
    300_000,
  );
});
