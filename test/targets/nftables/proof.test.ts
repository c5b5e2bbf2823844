/**
 * Law: read ∘ emit = policy.
 *
 * What is emitted for random plants, read back from its text, has the packet sets of the policy. (That the kernel agrees
 * is proved in test/kernel.)
 */
import { describe, expect, it } from 'vitest';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { policySets, policySpace, possible } from '../../../src/policy/sets.ts';
import { nftables } from '../../../targets/nftables/index.ts';
import { parseText } from '../../../targets/nftables/read-text.ts';
import { edgePackets } from '../../generators/edge-packets.ts';
import { compileText, rulesetOf } from '../../generators/compile.ts';
import { compilingPlant, withResets, zoneFile } from '../../generators/plants.ts';
import { courses } from './interpreter.ts';

const plants = Number(process.env['ZW_PROOF_PLANTS'] ?? 40);
const firstSeed = Number(process.env['ZW_PROOF_SEED'] ?? 5000);

describe('what is emitted', () => {
  it(`equals the policy for ${plants} random plants from seed ${firstSeed}`, () => {
    let limits = 0;
    for (let index = 0; index < plants; index++) {
      const { plant } = compilingPlant(firstSeed + index * 100);
      // Denied messages are answered in every third.
      const text = index % 3 === 2 ? withResets(zoneFile(plant)) : zoneFile(plant);
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

  // The random plants above are small; these have groups of hundreds, networks and ranges that overlap, and denies over them.
  it.each([
    ['prefix', 250],
    ['any', 250],
    ['ranges', 250],
    ['groups', 40],
    ['ipv6', 250],
    ['deny', 120],
    ['mixed', 400],
  ])('equals the policy for a plant of the kind %s with %i flows', async (mix, flows) => {
    const { mixed } = (await import(new URL('../../bench/mixed.mjs', import.meta.url).href)) as {
      mixed: (options: { flows: number; seed: number; mix: string }) => string;
    };
    const ruleset = rulesetOf(compileText(mixed({ flows, seed: 7, mix })));
    const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
    expect(proveFiles(ruleset.policy, sets, nftables, [{ name: 'ruleset.nft', text: ruleset.text }], ruleset.mark)).toEqual({ kind: 'equal' });
    // And without a set: packet by packet through the rules.
    const tree = parseText(ruleset.text);
    if (tree instanceof Error) throw tree;
    const universe = possible(sets.space);
    let accepted = 0;
    for (const packet of edgePackets(ruleset.house, ruleset.policy, flows, 400)) {
      if (!sets.space.contains(universe, packet)) continue;
      const verdict = evaluate(ruleset.house, packet);
      const passes = courses(tree, packet).map((course) => course.passes);
      expect(new Set(passes)).toEqual(new Set(verdict.accepted && verdict.limited ? [true, false] : [verdict.accepted]));
      if (verdict.accepted) accepted++;
    }
    expect(accepted).toBeGreaterThan(5);
  });

  it.each([
    ['interfaces whose names join to one', 'p1', 'p1.p1', 'a'],
    ['a zone and an interface that are named like parts of other chains', 'p1', 'v6', 'input'],
  ])('gives two chains two names: %s', (_, first, second, zone) => {
    const flow = 'from 10.0.0.4, 10.0.0.5, 10.0.0.6, 2001:db8:1::4, 2001:db8:1::5, 2001:db8:1::6  to z';
    const { text, policy, mark } = rulesetOf(
      compileText(`policy "p" { revision 1 }
zone ${zone} { level 4  networks 10.0.0.0/16, 2001:db8:1::/64 }
zone z { level 1  networks 10.1.0.0/16, 2001:db8:2::/64 }
flow f { from ${zone}  to z  allow ssh }
flow g { ${flow}  allow http }
gateway gw { target nftables
  interface "${first}" { faces ${zone}  address 10.0.0.1/16 }
  interface "${second}" { faces z  address 10.1.0.1/16, 2001:db8:2::1/64 }
  manage from z allow ssh, http
}
`),
    );
    const names = Array.from(text.matchAll(/^\tchain (\S+) \{/gmu), ([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    const sets = policySets(policy);
    expect(proveFiles(policy, sets, nftables, [{ name: 'ruleset.nft', text }], mark)).toEqual({ kind: 'equal' });
  });
});
