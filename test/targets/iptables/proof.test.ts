/**
 * Proof of what iptables gets: policy, emitter, reader and packet sets agree on random plants, with and without ipset.
 *
 * Nothing is compared with an earlier output: what the reader makes of the files must be what the policy's own sets say. A plant that the
 * target refuses must be refused for a reason that is its own.
 */
import { describe, expect, it } from 'vitest';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import { iptables } from '../../../targets/iptables/index.ts';
import { compileText, type Ruleset, rulesetOf } from '../../generators/compile.ts';
import { compilingPlant, withResets, zoneFile } from '../../generators/plants.ts';

const plants = Number(process.env['ZW_PROOF_PLANTS'] ?? 20);
const firstSeed = Number(process.env['ZW_PROOF_SEED'] ?? 5000);

/** The same plant for iptables. */
function forIptables(text: string, sets: 'yes' | 'no'): string {
  const result = text.replaceAll(/target nftables(?: \{[^}]*\})?/gu, `target iptables { sets ${sets} }`);
  expect(result).not.toBe(text);
  return result;
}

/** Why the target refuses the plant; undefined if it does not. */
function refusal({ policy }: Ruleset): string | undefined {
  const facts = { policyTitle: '', revision: undefined, sourceDigest: '', date: '', compilerVersion: '', policyNumber: 1, place: () => '' };
  return iptables.emit(policy, facts).diagnostics[0]?.message;
}

function proof(ruleset: Ruleset): ReturnType<typeof proveFiles> {
  const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
  const files = ruleset.files.filter((file) => file.loader !== true);
  return proveFiles(ruleset.policy, sets, iptables, files, ruleset.mark);
}

describe('what iptables gets', () => {
  it.each(['yes', 'no'] as const)(
    `equals the policy for ${plants} random plants from seed ${firstSeed}, sets %s`,
    (sets) => {
      let equal = 0;
      const refused = new Map<string, number>();
      for (let index = 0; index < plants; index++) {
        const { plant } = compilingPlant(firstSeed + index * 10);
        // Denied messages are answered in every third.
        const own = forIptables(zoneFile(plant), sets);
        const text = index % 3 === 2 ? withResets(own) : own;
        const compiled = compileText(text);
        const [policy] = compiled.policies;
        if (compiled.errors.length > 0 || policy === undefined) throw new Error(`${compiled.errors.join('\n')}\n${text}`);
        const why = refusal({ policy } as Ruleset);
        if (why !== undefined) {
          const what = why.replace(/^.* cannot express /u, '');
          refused.set(what, (refused.get(what) ?? 0) + 1);
          continue;
        }
        const found = proof(rulesetOf(compiled));
        if (found.kind !== 'equal') {
          const shown = JSON.stringify(found, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
          throw new Error(`seed ${plant.seed}: ${shown}\n${text}`);
        }
        equal++;
      }
      console.log(`${equal} plants equal, refused: ${JSON.stringify(Object.fromEntries(refused))}`);
      expect(equal).toBeGreaterThan(plants / 2);
      for (const what of refused.keys()) expect(what).toMatch(/^(?:one rate over IPv4 and IPv6|a rate of .*|some codes of ICMP type 255.*)$/u);
    },
    300_000,
  );

  it.each([
    ['hosts', 200, 'yes'],
    ['hosts', 200, 'no'],
    ['prefix', 200, 'yes'],
    ['prefix', 120, 'no'],
    ['ranges', 200, 'yes'],
    ['groups', 30, 'yes'],
    ['ipv6', 200, 'yes'],
    ['deny', 120, 'yes'],
    ['mixed', 250, 'yes'],
  ] as const)(
    'equals the policy for a plant of the kind %s with %i flows, sets %s',
    async (mix, flows, sets) => {
      const { mixed } = (await import(new URL('../../bench/mixed.mjs', import.meta.url).href)) as {
        mixed: (options: { flows: number; seed: number; mix: string }) => string;
      };
      expect(proof(rulesetOf(compileText(forIptables(mixed({ flows, seed: 7, mix }), sets))))).toEqual({ kind: 'equal' });
    },
    120_000,
  );
});
