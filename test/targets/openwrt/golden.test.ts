/**
 * Golden folders: what is emitted for the examples and for the small plants of the nftables goldens, in both dialects.
 *
 * A change here is a change of what gateways run: it is starred in CHANGELOG.md. What fw4 makes of each file is loaded by nothing here, but
 * must draw no complaint.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { load } from '../../../src/pipeline/load.ts';
import { resolve } from '../../../src/model/resolve.ts';
import { place } from '../../../src/policy/place.ts';
import type { Emission } from '../../../src/target/target.ts';
import { capabilitiesByName } from '../../../targets/index.ts';
import { openwrt } from '../../../targets/openwrt/index.ts';
import { type Dialect, forOpenwrt } from './dress.ts';
import { renderFw4 } from './fw4-rendering.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const plants = [join(root, 'test', 'targets', 'nftables', 'golden'), join(here, 'golden')];
const cases: readonly (readonly [name: string, path: string])[] = [
  ...plants.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.zone'))
      .map((name) => [name.replace('.zone', ''), join(folder, name)] as const),
  ),
  ['press-shop-ports', join(root, 'examples', 'press-shop', 'press-shop-ports.zone')],
  ['water-works', join(root, 'examples', 'water-works', 'water-works.zone')],
];

/** What each gateway of the plant gets; a string is the refusal. */
function emissions(path: string, dialect: Dialect): ReadonlyMap<string, Emission | string> {
  const loaded = load(path, (file) => {
    const text = readFileSync(file, 'utf8');
    return Buffer.from(text.includes('target ') ? forOpenwrt(text, dialect) : text);
  });
  const resolved = resolve(loaded.declarations, loaded.sources);
  const placed = place(resolved.value, capabilitiesByName, '2026-11-22');
  const errors = [...loaded.diagnostics, ...resolved.diagnostics, ...placed.diagnostics].filter((one) => one.severity === 'error');
  expect(errors.map((one) => `${one.code} ${one.message}`)).toEqual([]);
  return new Map(
    placed.value.gateways.map((policy): [string, Emission | string] => {
      const { emission, diagnostics } = openwrt.emit(policy, {
        policyTitle: resolved.value.title,
        revision: resolved.value.revision,
        sourceDigest: '0'.repeat(64),
        date: '2026-11-22',
        compilerVersion: 'golden',
        policyNumber: 0,
        place: (span) => loaded.sources.place(span),
      });
      const [refused] = diagnostics;
      if (refused === undefined) return [policy.gateway, emission];
      const place = refused.span === undefined ? '' : `${loaded.sources.place(refused.span)}: `;
      return [policy.gateway, `${place}${refused.code} ${refused.message}\n${refused.help.map((line) => `= help: ${line}\n`).join('')}`];
    }),
  );
}

describe('emitted files', () => {
  it('are more than the examples', () => {
    expect(cases.length).toBeGreaterThan(9);
  });

  it.each(cases)('%s', async (name, path) => {
    for (const dialect of ['fw4', 'fw3'] as const) {
      for (const [gateway, emission] of emissions(path, dialect)) {
        const stem = join(here, 'golden', `${name}.${gateway}.${dialect}`);
        if (typeof emission === 'string') {
          await expect(emission).toMatchFileSnapshot(`${stem}.refused`);
          continue;
        }
        const [firewall, check] = emission.files;
        await expect(firewall?.text).toMatchFileSnapshot(`${stem}.firewall`);
        // The script says nothing of the policy: one of each dialect is enough.
        if (name === 'two-zones') await expect(check?.text).toMatchFileSnapshot(`${stem}.check-on-device.sh`);
        if (dialect === 'fw4') expect(renderFw4(firewall?.text ?? '').warnings).toEqual([]);
      }
    }
  });

  it('carry shortened names, which never meet and map back', () => {
    for (const dialect of ['fw4', 'fw3'] as const) {
      const emission = emissions(join(here, 'golden', 'long-names.zone'), dialect).get('g');
      if (emission === undefined || typeof emission === 'string') throw new Error(emission);
      const text = emission.files[0]?.text ?? '';
      const named = (kind: string): string[] =>
        [...text.matchAll(new RegExp(`^config ${kind}\\n\\toption name '([^']*)'$`, 'gmu'))].map(([, name]) => name ?? '');
      const zones = named('zone');
      const names = [...zones, ...named('ipset')];
      expect(new Set(names).size).toBe(6);
      for (const name of zones) expect(name.length).toBeLessThanOrEqual(dialect === 'fw4' ? 40 : 11);
      for (const [emitted, original] of emission.shortened) {
        expect(names).toContain(emitted);
        expect(original).toMatch(/^(?:Control|control|a_)/u);
      }
      expect(emission.shortened.size).toBe(dialect === 'fw4' ? 2 : 5);
    }
  });
});
