/** `zonewright check`. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { check, exitStatus } from '../../pipeline/check.ts';
import { complain, dateOf, formatOf, print, printJson } from '../io.ts';
import { summary } from '../summary.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined);
  const checked = check(args[0] ?? '', { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName });
  const status = exitStatus(checked.diagnostics);
  if (format === 'json') {
    printJson('check', { date: checked.date, exitStatus: status, asserts: checked.asserts, tests: checked.tests }, checked.diagnostics, checked.loaded.sources);
  } else {
    complain(checked.diagnostics, checked.loaded.sources);
    if (status === 0 || status === 1) print(summary(checked));
  }
  return Promise.resolve(status);
}
