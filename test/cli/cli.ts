/**
 * The built command line, as a user runs it: a child process, its output and its exit status.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const main = join(root, 'dist', 'src', 'cli', 'main.js');
export const pressShop = join(root, 'examples', 'press-shop', 'press-shop-ports.zone');
export const waterWorks = join(root, 'examples', 'water-works', 'water-works.zone');
/** The day that examples are judged for. */
export const day = '2026-11-22';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function zonewright(args: readonly string[], options: { cwd?: string; input?: string | Buffer; env?: Record<string, string> } = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: options.cwd ?? root,
    input: options.input ?? '',
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** A folder that goes when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'zonewright-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Path inside the folder → content, of every file below it. */
export function contents(path: string): Record<string, string> {
  const result: Record<string, string> = {};
  const walk = (at: string): void => {
    for (const name of readdirSync(at).sort()) {
      const full = join(at, name);
      if (statSync(full).isDirectory()) walk(full);
      else result[relative(path, full)] = readFileSync(full, 'utf8');
    }
  };
  walk(path);
  return result;
}
