/**
 * Proof of what OpenWrt gets: policy, emitter, reader and packet sets agree on random plants, in both dialects.
 *
 * Nothing is compared with an earlier output. A plant that the target refuses must be refused for a reason that is its own.
 */
import { describe, expect, it } from 'vitest';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import { openwrt } from '../../../targets/openwrt/index.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
import { emitted, forOpenwrt } from './dress.ts';

const plants = Number(process.env['ZW_PROOF_PLANTS'] ?? 20);
const firstSeed = Number(process.env['ZW_PROOF_SEED'] ?? 5000);

const reasons = {
  fw4: /^a policy of \d+ rules of its own$/u,
  fw3: /^(?:a policy of \d+ rules of its own|IP protocol \d+ over IPv[46] on dialect fw3|all codes of ICMP(?:v6)? type \d+ on dialect fw3|the log of .* on dialect fw3|a device named .*)$/u,
} as const;

describe('what OpenWrt gets', () => {
  it.each(['fw4', 'fw3'] as const)(
    `equals the policy for ${plants} random plants from seed ${firstSeed}, dialect %s`,
    (dialect) => {
      let equal = 0;
      const refused = new Map<string, number>();
      for (let index = 0; index < plants; index++) {
        const { plant } = compilingPlant(firstSeed + index * 10);
        const text = forOpenwrt(zoneFile(plant), dialect);
        const found = emitted(text);
        if (typeof found === 'string') {
          refused.set(found, (refused.get(found) ?? 0) + 1);
          continue;
        }
        const { policy, firewall } = found;
        const proof = proveFiles(policy, policySets(policy, policySpace(policy)), openwrt, [firewall], undefined);
        if (proof.kind !== 'equal') {
          const shown = JSON.stringify(proof, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
          throw new Error(`seed ${plant.seed}: ${shown}\n${text}\n${firewall.text}`);
        }
        equal++;
      }
      console.log(`${dialect}: ${equal} plants equal, refused: ${JSON.stringify(Object.fromEntries(refused))}`);
      expect(equal).toBeGreaterThan(plants / (dialect === 'fw4' ? 1.5 : 10));
      for (const what of refused.keys()) expect(what).toMatch(reasons[dialect]);
    },
    300_000,
  );
});
