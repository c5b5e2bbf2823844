/**
 * Golden folders: the commands that small plants and the examples get, and what a platform that is not there would refuse of them.
 *
 * A change here is a change of what gateways run: it is starred in CHANGELOG.md. The limits below are those of the platform's own
 * definitions, written out once more.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { load } from '../../../src/pipeline/load.ts';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { resolve } from '../../../src/model/resolve.ts';
import { place } from '../../../src/policy/place.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import type { Emission } from '../../../src/target/target.ts';
import { capabilitiesByName } from '../../../targets/index.ts';
import { emit } from '../../../targets/vyos/emit.ts';
import { vyos } from '../../../targets/vyos/index.ts';
import { forVyos } from './dress.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const goldens = readdirSync(join(here, 'golden')).filter((name) => name.endsWith('.zone'));
const cases: readonly (readonly [name: string, path: string])[] = [
  ...goldens.map((name) => [name.replace('.zone', ''), join(here, 'golden', name)] as const),
  ['press-shop-ports', join(root, 'examples', 'press-shop', 'press-shop-ports.zone')],
  ['water-works', join(root, 'examples', 'water-works', 'water-works.zone')],
];

/** What each gateway of the plant gets, proved equal to its policy. */
function emissions(path: string): ReadonlyMap<string, Emission> {
  const loaded = load(path, (file) => Buffer.from(forVyos(readFileSync(file, 'utf8'))));
  const resolved = resolve(loaded.declarations, loaded.sources);
  const placed = place(resolved.value, capabilitiesByName, '2026-11-22');
  const errors = [...loaded.diagnostics, ...resolved.diagnostics, ...placed.diagnostics].filter((one) => one.severity === 'error');
  expect(errors.map((one) => `${one.code} ${one.message}`)).toEqual([]);
  return new Map(
    placed.value.gateways.map((policy) => {
      const emission = emit(policy, {
        policyTitle: resolved.value.title,
        revision: resolved.value.revision,
        sourceDigest: '0'.repeat(64),
        date: '2026-11-22',
        compilerVersion: 'golden',
        policyNumber: 1,
        place: (span) => loaded.sources.place(span),
      });
      expect(proveFiles(policy, policySets(policy, policySpace(policy)), vyos, emission.files, undefined)).toEqual({ kind: 'equal' });
      return [policy.gateway, emission] as const;
    }),
  );
}

const emitted = new Map(cases.map(([name, path]) => [name, emissions(path)]));

function linesOf(name: string): string[] {
  return [...(emitted.get(name)?.values() ?? [])].flatMap(({ files }) => files.flatMap((file) => file.text.split('\n').filter((line) => line !== '')));
}

describe('emitted commands', () => {
  it('are those of more than the examples', () => {
    expect(cases.length).toBeGreaterThan(8);
  });

  it.each(cases)('%s', async (name) => {
    for (const [gateway, { files }] of emitted.get(name) ?? []) {
      expect(files.map((file) => file.name)).toEqual(['firewall.commands']);
      await expect(files[0]?.text).toMatchFileSnapshot(join(here, 'golden', `${name}.${gateway}.commands`));
    }
  });

  it.each(cases)('keep to what the platform takes: %s', (name) => {
    const lines = linesOf(name);
    const named = '[a-zA-Z0-9][A-Za-z0-9_.-]{0,63}';
    const defined = new Set<string>();
    for (const line of lines) {
      if (line.startsWith('# ')) continue;
      // A command is words of the platform, names, numbers, and at most one value in quotes that nothing in it can end.
      expect(line).toMatch(/^set firewall [A-Za-z0-9_. -]+(?: '[ !#%(-;=?-[\]^_a-z{}~A-Z0-9]+')?$/u);
      const [, rules, description] = [/ rule (\d+) /u.exec(line)?.[1], Number(/ rule (\d+) /u.exec(line)?.[1] ?? 1), / description '(.*)'$/u.exec(line)?.[1]];
      expect(rules).toBeGreaterThan(0);
      expect(rules).toBeLessThanOrEqual(999_999);
      expect((description ?? '').length).toBeLessThanOrEqual(255);
      const object = new RegExp(`^set firewall (?:(group \\S+-group|ipv[46] name|zone)) (\\S+)`, 'u').exec(line);
      if (object !== null) {
        expect(object[2]).toMatch(new RegExp(`^${named}$`, 'u'));
        defined.add(`${object[1]} ${object[2]}`);
      }
      expect(line).not.toMatch(/port '(?:.*[,!])?0(?:-|,|')/u);
    }
    // VyOS warns of a group without members and refuses one that is not there.
    for (const line of lines) {
      const [, family = ''] = /^set firewall (ipv[46]) /u.exec(line) ?? [];
      const group = / group (address|network|port)-group '!?([^']+)'$/u.exec(line);
      if (group !== null) expect(defined).toContain(`group ${family === 'ipv6' && group[1] !== 'port' ? 'ipv6-' : ''}${group[1]}-group ${group[2]}`);
      const faces = /-interface group '!?([^']+)'$/u.exec(line);
      if (faces !== null) expect(defined).toContain(`group interface-group ${faces[1]}`);
      const set = / firewall (name|ipv6-name) '([^']+)'$/u.exec(line);
      if (set !== null) expect(defined).toContain(`${set[1] === 'name' ? 'ipv4' : 'ipv6'} name ${set[2]}`);
      const jump = / jump-target '([^']+)'$/u.exec(line);
      if (jump !== null) expect(defined).toContain(`${family} name ${jump[1]}`);
    }
    expect(lines.filter((line) => line.endsWith(' local-zone'))).toHaveLength(emitted.get(name)?.size ?? 0);
  });

  it('put every interface into one zone and no other', () => {
    for (const [name] of cases) {
      for (const [, { files }] of emitted.get(name) ?? []) {
        const faces = [...(files[0]?.text ?? '').matchAll(/^set firewall zone \S+ (?:member )?interface '([^']+)'$/gmu)].map(([, face]) => face);
        expect(faces.length).toBeGreaterThan(1);
        expect(new Set(faces).size).toBe(faces.length);
      }
    }
  });

  it('say which names had to change', () => {
    const [emission] = [...(emitted.get('hostile')?.values() ?? [])];
    const shortened = emission?.shortened ?? new Map<string, string>();
    expect(new Set(shortened.values())).toContain('LOCAL');
    expect(new Set(shortened.values())).toContain('LOCAL_IN');
    expect(new Set(shortened.values())).toContain('_x');
    for (const [emittedName, original] of shortened) expect(emittedName, original).toMatch(/_[0-9a-f]{10}$/u);
    // `a-to-b` to `b` and `a` to `b-to-b` would like one name.
    const sets = linesOf('hostile').flatMap((line) => / ipv4 name (\S+) default-action/u.exec(line)?.[1] ?? []);
    expect(new Set(sets).size).toBe(sets.length);
    expect(sets.filter((set) => set.startsWith('a-to-b-to-b'))).toHaveLength(3);
    expect(basename(cases[0]?.[1] ?? '')).toMatch(/\.zone$/u);
  });
});
