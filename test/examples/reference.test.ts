/** What the reference of the language says of asserts: its plant ends as its comments say, its table is that of the compiler. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { entryServices } from '../../src/analysis/entry-services.ts';
import { check } from '../../src/pipeline/check.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { day, root } from '../cli/cli.ts';
import { codeBlocks } from '../syntax/tree.ts';

const page = readFileSync(join(root, 'grammar', 'README.md'), 'utf8');

describe('grammar/README.md', () => {
  test('the asserts of its plant end as their comments say', () => {
    const plant = codeBlocks(page, 'zone').find((block) => block.includes('gateway') && block.includes('assert')) ?? '';
    const checked = check('reference.zone', { date: day, targets: capabilitiesByName, read: () => Buffer.from(`${plant}\n`) });
    const said = Array.from(plant.matchAll(/^assert (\w+) \{.*\} +# (.*)$/gmu), ([, name = '', comment = '']) => ({ name, comment }));
    expect(said.length).toBeGreaterThan(10);
    expect(checked.asserts.map((assert) => assert.name)).toEqual(said.map(({ name }) => name));
    for (const { name, comment } of said) expect(`${name} ${comment}`).toContain(checked.asserts.find((assert) => assert.name === name)?.status ?? 'no result');
    const statuses = new Set(checked.asserts.map((assert) => assert.status));
    expect(statuses.size).toBe(4);
    expect(new Set(checked.asserts.map((assert) => assert.kind)).size).toBe(5);
  });

  test('names every service that enters, and by what', () => {
    const kinds = new Set(entryServices.map((row) => row.by));
    expect(kinds.size).toBeGreaterThan(3);
    for (const by of kinds) {
      const [, listed = ''] = new RegExp(`^\\| ${by} \\| (.*) \\|$`, 'mu').exec(page) ?? [];
      expect(listed.split(', ')).toEqual(entryServices.filter((row) => row.by === by).map((row) => row.protocol));
    }
  });
});
