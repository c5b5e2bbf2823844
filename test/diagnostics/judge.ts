/**
 * Helpers of the diagnostics tests: a text through the whole check, and a command of a page through the command line.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check, type Checked } from '../../src/pipeline/check.ts';
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { codeBlocks } from '../syntax/tree.ts';

/** The day on which every example is judged. */
export const judgementDay = '2026-11-22';

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** What `check` says of a text that stands for a file. */
export function judge(text: string, name = 'page.zone', targets: ReadonlyMap<string, TargetCapabilities> = capabilitiesByName): Checked {
  return check(name, { date: judgementDay, targets, read: () => Buffer.from(text) });
}

export interface Shown {
  /** The arguments after `npx zonewright`. */
  readonly args: readonly string[];
  readonly output: string;
}

/** The commands of a page's `console` blocks, each with the output that the page shows. */
export function consoles(page: string): Shown[] {
  return codeBlocks(page, 'console').flatMap((block) =>
    block.split(/^\$ npx zonewright /mu).flatMap((part) => {
      const [command = '', ...output] = part.split('\n');
      return command === '' ? [] : [{ args: command.split(' '), output: output.join('\n').trimEnd() }];
    }),
  );
}

export interface Ran {
  readonly status: number | null;
  /** What a person sees: first what is wrong, then what is right. */
  readonly output: string;
}

/** Runs the command line in a folder. `preload` is a module that runs before it. */
export function zonewright(folder: string, args: readonly string[], preload?: string): Ran {
  const options = preload === undefined ? [] : [`--import=data:text/javascript,${encodeURIComponent(preload)}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, main, ...args], { cwd: folder, encoding: 'utf8', timeout: 60_000, env: { ...process.env, NO_COLOR: '1' } });
  return { status, output: `${stderr}${stdout}`.trimEnd() };
}
