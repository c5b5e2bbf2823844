/**
 * What fw4 would print: nothing. Every plant's file is rendered without a complaint, and every rule of it is there.
 */
import { describe, expect, it } from 'vitest';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
import { emitted, forOpenwrt } from './dress.ts';
import { renderFw4 } from './fw4-rendering.ts';

const plants = Number(process.env['ZW_PROOF_PLANTS'] ?? 20);
const firstSeed = Number(process.env['ZW_PROOF_SEED'] ?? 5000);

describe('the file as fw4 takes it', () => {
  it(`draws no complaint and loses no rule, over ${plants} random plants from seed ${firstSeed}`, () => {
    let rules = 0;
    for (let index = 0; index < plants; index++) {
      const { plant } = compilingPlant(firstSeed + index * 10);
      const found = emitted(forOpenwrt(zoneFile(plant), 'fw4'));
      if (typeof found === 'string') throw new Error(`seed ${plant.seed}: ${found}`);
      const { nft, warnings } = renderFw4(found.firewall.text);
      expect(warnings).toEqual([]);
      const names = [...found.firewall.text.matchAll(/^config rule\n\toption name '([^']*)'$/gmu)].map(([, name]) => name ?? '');
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(nft, name).toContain(`comment "!fw4: ${name}"`);
      for (const line of nft.split('\n')) {
        expect(Buffer.byteLength(/comment "([^"]*)"/u.exec(line)?.[1] ?? '')).toBeLessThanOrEqual(127);
        expect(Buffer.byteLength(/log prefix "([^"]*)"/u.exec(line)?.[1] ?? '')).toBeLessThanOrEqual(127);
      }
      rules += names.length;
    }
    expect(rules).toBeGreaterThan(plants * 20);
  }, 120_000);
});
