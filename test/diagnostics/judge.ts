/**
 * Helpers of the diagnostics tests: a text through the whole check, and the commands that a page shows.
 */
import { check, type Checked } from '../../src/pipeline/check.ts';
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { day } from '../cli/cli.ts';
import { codeBlocks } from '../syntax/tree.ts';

/** What `check` says of a text that stands for a file. */
export function judge(text: string, name = 'page.zone', targets: ReadonlyMap<string, TargetCapabilities> = capabilitiesByName): Checked {
  return check(name, { date: day, targets, read: () => Buffer.from(text) });
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
