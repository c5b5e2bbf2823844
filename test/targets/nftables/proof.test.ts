/**
 * Law: read ∘ emit = policy.
 *
 * What is emitted for random plants, read back from its text, has the packet sets of the policy. (That the kernel agrees
 * is proved in test/kernel.)
 */
import { describe, expect, it } from 'vitest';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import { nftables } from '../../../targets/nftables/index.ts';
import { compileText, rulesetOf } from '../../generators/compile.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';

const plants = Number(process.env['ZW_PROOF_PLANTS'] ?? 60);
const firstSeed = Number(process.env['ZW_PROOF_SEED'] ?? 5000);

describe('what is emitted', () => {
  it(`equals the policy for ${plants} random plants from seed ${firstSeed}`, () => {
    let limits = 0;
    for (let index = 0; index < plants; index++) {
      const { plant } = compilingPlant(firstSeed + index * 100);
      const text = zoneFile(plant);
      const ruleset = rulesetOf(compileText(text));
      // Every bit of an address, and segments between the borders of the policy, in turn.
      const sets = index % 2 === 0 ? policySets(ruleset.policy) : policySets(ruleset.policy, policySpace(ruleset.policy));
      limits += sets.limited.length;
      const proof = proveFiles(ruleset.policy, sets, nftables, [{ name: 'ruleset.nft', text: ruleset.text }], ruleset.mark);
      if (proof.kind !== 'equal') {
        const shown = JSON.stringify(proof, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
        throw new Error(`seed ${plant.seed}: ${shown}\n${text}\n${ruleset.text}`);
      }
    }
    expect(limits).toBeGreaterThan(0);
  }, 300_000);
});
