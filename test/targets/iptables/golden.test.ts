/**
 * Golden folders: what is emitted for the examples and for the small plants of the nftables goldens, on gateways with ipset and without.
 *
 * A change here is a change of what gateways run: it is starred in CHANGELOG.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { load } from '../../../src/pipeline/load.ts';
import { resolve } from '../../../src/model/resolve.ts';
import { place } from '../../../src/policy/place.ts';
import { policyNumber, policySets, policySpace } from '../../../src/policy/sets.ts';
import type { Emission } from '../../../src/target/target.ts';
import { capabilitiesByName } from '../../../targets/index.ts';
import { emit } from '../../../targets/iptables/emit.ts';
import { limits } from '../../../targets/iptables/target.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const plants = join(root, 'test', 'targets', 'nftables', 'golden');
const cases: readonly (readonly [name: string, path: string])[] = [
  ...readdirSync(plants)
    .filter((name) => name.endsWith('.zone'))
    .map((name) => [name.replace('.zone', ''), join(plants, name)] as const),
  ['press-shop-ports', join(root, 'examples', 'press-shop', 'press-shop-ports.zone')],
  ['water-works', join(root, 'examples', 'water-works', 'water-works.zone')],
];

/** What each gateway of the plant gets if it runs iptables. */
function emissions(path: string, sets: 'yes' | 'no'): ReadonlyMap<string, Emission> {
  const dressed = (text: string): string =>
    text.replaceAll(
      /target nftables(?: \{([^}]*)\})?/gu,
      (_, options: string | undefined) => `target iptables { sets ${sets}  ${(options ?? '').replace(/priority \d+/u, '')} }`,
    );
  const loaded = load(path, (file) => Buffer.from(dressed(readFileSync(file, 'utf8'))));
  const resolved = resolve(loaded.declarations, loaded.sources);
  const placed = place(resolved.value, capabilitiesByName, '2026-11-22');
  const errors = [...loaded.diagnostics, ...resolved.diagnostics, ...placed.diagnostics].filter((one) => one.severity === 'error');
  expect(errors.map((one) => `${one.code} ${one.message}`)).toEqual([]);
  return new Map(
    placed.value.gateways.map((policy) => [
      policy.gateway,
      emit(policy, {
        policyTitle: resolved.value.title,
        revision: resolved.value.revision,
        sourceDigest: '0'.repeat(64),
        date: '2026-11-22',
        compilerVersion: 'golden',
        policyNumber: policyNumber(policySets(policy, policySpace(policy))),
        place: (span) => loaded.sources.place(span),
      }),
    ]),
  );
}

describe('emitted files', () => {
  it('are more than the examples', () => {
    expect(cases.length).toBeGreaterThan(8);
  });

  it.each(cases)('%s', async (name, path) => {
    for (const sets of ['yes', 'no'] as const) {
      for (const [gateway, { files }] of emissions(path, sets)) {
        for (const file of files) {
          // The script says nothing of the policy: one of each kind is enough.
          if (file.name === 'load.sh' && name !== 'two-zones') continue;
          await expect(file.text).toMatchFileSnapshot(join(here, 'golden', `${name}.${gateway}${sets === 'yes' ? '' : '.no-sets'}.${file.name}`));
        }
      }
    }
  });

  it.each(cases)('keep to the limits of the platform: %s', (_, path) => {
    let rules = 0;
    for (const sets of ['yes', 'no'] as const) {
      for (const [, { files }] of emissions(path, sets)) {
        for (const { name, text } of files.filter((file) => file.name.endsWith('.rules'))) {
          for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
            rules += 1;
            if (name === 'ipset.rules') expect(line).toMatch(/^(?:create|add) zw\.\S{1,28} \S+(?: family inet6? hashsize \d+ maxelem \d+)?$/u);
            for (const [, chain = ''] of line.matchAll(/^(?::|-A )(\S+)/gu)) expect(chain.length).toBeLessThanOrEqual(limits.chain);
            for (const [, set = ''] of line.matchAll(/--match-set (\S+)/gu)) expect(set.length).toBeLessThanOrEqual(limits.set);
            for (const [, text255 = ''] of line.matchAll(/--comment "([^"]*)"/gu)) expect(text255.length).toBeLessThanOrEqual(limits.comment);
            for (const [, prefix = ''] of line.matchAll(/--log-prefix "([^"]*)"/gu)) {
              expect(prefix.length).toBeLessThanOrEqual(limits.logPrefix);
              expect(prefix).toMatch(/^zw \S+ .*: $/u);
            }
            // What iptables takes for everything.
            expect(line).not.toMatch(/-p 0\b|--icmp-type 255|-[sd] \S+\/0\b/u);
          }
          if (name === 'ipset.rules') continue;
          // Every chain is declared once, and something leads to it.
          const chains = [...text.matchAll(/^:(\S+)/gmu)].map(([, chain = '']) => chain);
          expect(new Set(chains).size).toBe(chains.length);
          // (The fixed ends are always there: `permit` shows which policy runs.)
          for (const chain of chains.filter((one) => !/^zw\.(?:permit|related|state|unrouted|spoofed)$/u.test(one)))
            expect(text).toMatch(new RegExp(`-[gj] ${chain.replaceAll('.', '\\.')}$`, 'mu'));
        }
      }
    }
    expect(rules).toBeGreaterThan(100);
  });
});
