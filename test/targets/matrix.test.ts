/**
 * The table of targets in the project's README is what their capabilities say.
 *
 * `ZW_MATRIX=write npx vitest run test/targets/matrix.test.ts` writes it anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { targets } from '../../targets/index.ts';
import { matrix } from './matrix.ts';

const readme = new URL('../../README.md', import.meta.url);
const [begin, end] = ['<!-- targets: written by test/targets/matrix.test.ts -->\n', '\n<!-- end of targets -->'];

function table(text: string): { readonly before: string; readonly inside: string; readonly after: string } {
  const first = text.indexOf(begin);
  const last = text.indexOf(end, first);
  if (first < 0 || last < 0) throw new Error('the README has no table of targets');
  return { before: text.slice(0, first + begin.length), inside: text.slice(first + begin.length, last), after: text.slice(last) };
}

describe('the table of targets', () => {
  it('says what the capabilities say', () => {
    const wanted = matrix(targets.map(({ capabilities }) => capabilities));
    const { before, inside, after } = table(readFileSync(readme, 'utf8'));
    if (process.env['ZW_MATRIX'] === 'write') writeFileSync(readme, `${before}\n${wanted}\n${after}`);
    else expect(inside.trim()).toBe(wanted);
    expect(wanted.split('\n')).toHaveLength(15);
  });

  it('tells targets apart, and changes with what they can do', () => {
    const [first] = targets.map(({ capabilities }) => capabilities);
    if (first === undefined) throw new Error('no targets');
    const changed = { ...first, rateLimits: !first.rateLimits };
    expect(matrix([changed])).not.toBe(matrix([first]));
    expect(
      matrix(targets.map(({ capabilities }) => capabilities))
        .split('\n')[0]
        ?.split('|'),
    ).toHaveLength(targets.length + 3);
  });
});
