/** The packed tarball installs into an empty folder and compiles the example from there. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { day, folder, root } from './cli.ts';

function run(command: string, args: readonly string[], cwd: string): string {
  // Quiet, and without this run's own npm settings for the inner npm.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_registry)/iu.test(name)));
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

describe('the package', () => {
  it('installs into an empty folder and compiles its example', () => {
    const path = folder();
    run('npm', ['pack', '--ignore-scripts', '--pack-destination', path], root);
    const tarball = readdirSync(path).find((name) => name.endsWith('.tgz'));
    expect(tarball).toBeDefined();
    const empty = join(path, 'empty');
    mkdirSync(empty);
    writeFileSync(join(empty, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', join('..', tarball ?? '')], empty);
    const example = join('node_modules', 'zonewright', 'examples', 'press-shop', 'press-shop-ports.zone');
    const said = run(join(empty, 'node_modules', '.bin', 'zonewright'), ['compile', example, '-o', 'out', '--date', day], empty);
    expect(said).toContain('proved equal to the policy');
    expect(existsSync(join(empty, 'out', 'gw12', 'ruleset.nft'))).toBe(true);
    expect(run(join(empty, 'node_modules', '.bin', 'zonewright'), ['explain', 'ZW1001'], empty)).toContain('# ZW1001');
    expect(existsSync(join(empty, 'node_modules', 'zonewright', 'dist', 'test'))).toBe(false);
  }, 180_000);
});
