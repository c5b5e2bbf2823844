/**
 * The READMEs of examples and targets: every command that they show runs, and prints what they show.
 *
 * A `zone` block of an example is a line to add to a copy of it, in the folder `mine`, for the commands that follow. Of
 * what is printed only the sizes of files may differ, so that a shorter ruleset needs no new README.
 */
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, root, zonewright } from '../cli/cli.ts';
import { codeBlocks, parseText } from '../syntax/tree.ts';

interface Step {
  readonly kind: 'zone' | 'console';
  readonly text: string;
}

/** The tested blocks of a page, in order. */
function steps(page: string): Step[] {
  return Array.from(page.matchAll(/^```(zone|console)\n([\s\S]*?)\n```$/gmu), ([, kind, text = '']) => ({ kind: kind === 'zone' ? 'zone' : 'console', text }));
}

/** The words of a command line: quoted ones are one. */
function words(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|\S+/gu), ([whole, quoted]) => quoted ?? whole);
}

function withoutSizes(text: string): string {
  return text.replaceAll(/\d+ bytes/gu, 'N bytes').trimEnd();
}

/** A working folder in which `examples` is that of the checkout. */
function workplace(): string {
  const path = folder();
  symlinkSync(join(root, 'examples'), join(path, 'examples'));
  return path;
}

function runs(path: string, text: string): void {
  const [command = '', ...output] = text.split('\n');
  expect(command).toMatch(/^\$ npx zonewright /u);
  const { stdout, stderr, status } = zonewright(words(command).slice(3), { cwd: path });
  expect([0, 1, 2, 3]).toContain(status);
  expect(withoutSizes(`${stderr}${stdout}`)).toBe(withoutSizes(output.join('\n')));
}

const examples = readdirSync(join(root, 'examples'), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

describe.each(examples)('examples/%s/README.md', (name) => {
  const page = readFileSync(join(root, 'examples', name, 'README.md'), 'utf8');

  test('prints what it shows', () => {
    const path = workplace();
    const changed = Array.from(page.matchAll(/`mine\/([a-z-]+\.zone)`/gu), ([, file = '']) => file)[0];
    expect(steps(page).filter((step) => step.kind === 'console').length).toBeGreaterThan(5);
    expect(steps(page).filter((step) => step.kind === 'zone')).toHaveLength(3);
    for (const { kind, text } of steps(page)) {
      if (kind === 'console') {
        runs(path, text);
        continue;
      }
      rmSync(join(path, 'mine'), { recursive: true, force: true });
      cpSync(join(root, 'examples', name), join(path, 'mine'), { recursive: true });
      appendFileSync(join(path, 'mine', changed ?? ''), `\n${text}\n`);
    }
  });

  test('names every zone file of the folder, and the list of examples names the folder', () => {
    for (const file of readdirSync(join(root, 'examples', name)).filter((one) => one.endsWith('.zone'))) expect(page).toContain(`\`${file}\``);
    expect(readFileSync(join(root, 'examples', 'README.md'), 'utf8')).toContain(`(${name}/README.md)`);
  });
});

describe('targets', () => {
  const targets = readdirSync(join(root, 'targets'), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

  test.each(targets)('targets/%s/README.md prints what it shows', (name) => {
    const page = readFileSync(join(root, 'targets', name, 'README.md'), 'utf8');
    const path = workplace();
    const consoles = codeBlocks(page, 'console');
    expect(consoles.length).toBeGreaterThan(0);
    for (const text of consoles) runs(path, text);
    for (const text of codeBlocks(page, 'zone')) expect(parseText(text).mistakes).toEqual([]);
  });

  test('the page of nftables names every kind of chain and every option', () => {
    const page = readFileSync(join(root, 'targets', 'nftables', 'README.md'), 'utf8');
    const path = workplace();
    const emitted = ['press-shop/press-shop-ports', 'water-works/water-works'].flatMap((name) => {
      const out = join(path, 'out', name);
      expect(zonewright(['compile', `examples/${name}.zone`, '--date', '2026-11-22', '-o', out], { cwd: path }).status).toBe(0);
      return readdirSync(out, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.nft'))
        .map((file) => readFileSync(join(out, file), 'utf8'));
    });
    const kinds = new Set(emitted.flatMap((text) => Array.from(text.matchAll(/^\t(?:chain|set|map|limit|counter) ([a-z]+)/gmu), ([, kind = '']) => kind)));
    expect(kinds.size).toBeGreaterThan(15);
    const unnamed = [...kinds].filter((kind) => !new RegExp(`\`${kind}\\b`, 'u').test(page));
    expect(unnamed).toEqual([]);
    const { targets: listed } = JSON.parse(zonewright(['targets', '--format', 'json']).stdout) as { targets: { name: string; options: { name: string }[] }[] };
    const options = listed.find((target) => target.name === 'nftables')?.options.map((option) => option.name) ?? [];
    expect(options.length).toBeGreaterThan(0);
    for (const option of options) expect(page).toContain(`| \`${option}\` |`);
  });
});
