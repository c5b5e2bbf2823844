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

  it('has another set for a group that changed, since a reload takes nothing out of one that is there', () => {
    const plant = (members: string): string => `policy "groups" {}
zone a { level 4  networks 10.0.1.0/24 }
zone b { level 1  networks 10.0.2.0/24 }
host one in b { address 10.0.2.5 }
host two in b { address 10.0.2.7 }
host three in b { address 10.0.2.9 }
group plcs { ${members} }
flow poll { from a  to plcs  allow tcp 502 }
gateway g {
  target openwrt
  interface eth0 { faces a  address 10.0.1.1/24 }
  interface eth1 { faces b  address 10.0.2.1/24 }
  manage none "console only"
}
`;
    const setOf = (members: string): string => {
      const found = emitted(plant(members));
      if (typeof found === 'string') throw new Error(found);
      return /^\tset (\S+) /mu.exec(renderFw4(found.firewall.text).nft)?.[1] ?? '';
    };
    expect(setOf('one, two')).toMatch(/^plcs_4_[0-9a-f]{6}$/u);
    expect(setOf('two, one')).toBe(setOf('one, two'));
    expect(setOf('one, two, three')).not.toBe(setOf('one, two'));
  });
});
