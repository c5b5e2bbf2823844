/** `zonewright check`. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { check, exitStatus } from '../../pipeline/check.ts';
import { renderGithub } from '../../report/github.ts';
import { renderJunit } from '../../report/junit.ts';
import { renderSarif } from '../../report/sarif.ts';
import { complain, dateOf, folderOf, formatOf, print, printJson, withPlaces } from '../io.ts';
import { summary } from '../summary.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined, ['text', 'json', 'sarif', 'junit', 'github']);
  const path = args[0] ?? '';
  const checked = check(path, { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName });
  const { diagnostics } = checked;
  const { sources } = checked.loaded;
  const status = exitStatus(diagnostics);
  switch (format) {
    case 'json':
      printJson(
        'check',
        { date: checked.date, exitStatus: status, asserts: withPlaces(checked.asserts, sources), tests: withPlaces(checked.tests, sources) },
        diagnostics,
        sources,
      );
      break;
    case 'sarif':
      print(renderSarif(diagnostics, sources, folderOf(path)));
      break;
    case 'junit':
      print(renderJunit(checked, sources));
      break;
    case 'github':
      process.stdout.write(renderGithub(diagnostics, sources, folderOf(path)));
      break;
    case 'text':
      complain(diagnostics, sources);
      if (status === 0 || status === 1) print(summary(checked));
      break;
  }
  return Promise.resolve(status);
}
