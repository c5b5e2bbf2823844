/**
 * Golden folders: what is emitted for the examples and for small plants that show one thing each.
 *
 * A change here is a change of what gateways run: it is starred in CHANGELOG.md. Each file is also loaded by the kernel
 * tests, so a golden can only hold what a kernel takes.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { check, exitStatus } from '../../../src/pipeline/check.ts';
import { prove } from '../../../src/pipeline/prove.ts';
import { policyNumber, policySets } from '../../../src/policy/sets.ts';
import { capabilitiesByName } from '../../../targets/index.ts';
import { nftables } from '../../../targets/nftables/index.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const cases = [
  ...readdirSync(join(here, 'golden'))
    .filter((name) => name.endsWith('.zone'))
    .map((name) => join(here, 'golden', name)),
  join(root, 'examples', 'press-shop', 'press-shop-ports.zone'),
  join(root, 'examples', 'water-works', 'water-works.zone'),
];

describe('emitted rulesets', () => {
  it('are more than the examples', () => {
    expect(cases.length).toBeGreaterThan(8);
  });

  it.each(cases.map((path) => [path.slice(path.lastIndexOf('/') + 1).replace('.zone', ''), path]))('%s', async (name, path) => {
    const checked = check(path, { date: '2026-11-22', targets: capabilitiesByName });
    expect(checked.diagnostics.filter((one) => one.severity === 'error').map((one) => `${one.code} ${one.message}`)).toEqual([]);
    expect(exitStatus(checked.diagnostics)).toBe(0);
    for (const policy of checked.placement.gateways) {
      const sets = policySets(policy);
      const number = policyNumber(sets);
      const { emission } = nftables.emit(policy, {
        policyTitle: checked.model.title,
        revision: checked.model.revision,
        sourceDigest: '0'.repeat(64),
        date: checked.date,
        compilerVersion: 'golden',
        policyNumber: number,
        place: (span) => checked.loaded.sources.place(span),
      });
      const [file] = emission.files;
      await expect(file?.text).toMatchFileSnapshot(join(here, 'golden', `${name}.${policy.gateway}.nft`));
      expect(prove(sets, nftables.read(emission.files, { space: sets.space, mark: nftables.mark(policy, number) }))).toEqual({ kind: 'equal' });
    }
  });
});
