/** `zonewright diff`. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { SourceMap } from '../../base/source.ts';
import { compare, differs } from '../../pipeline/diff.ts';
import { renderDifference, renderDifferencePage } from '../../report/difference.ts';
import { differenceDiagnostics, differenceJson } from '../../report/difference-data.ts';
import { renderGithub } from '../../report/github.ts';
import { renderJunit } from '../../report/junit.ts';
import { renderSarif } from '../../report/sarif.ts';
import { complain, dateOf, folderOf, formatOf, print, printJson, UsageError } from '../io.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined, ['text', 'json', 'md', 'sarif', 'junit', 'github']);
  const after = args[1] ?? '';
  if (args[0] === '-' && after === '-') throw new UsageError('<new>', 'standard input can be read only once', 'give one of the two as a file');
  const compared = compare(args[0] ?? '', after, { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName });
  const { date, difference, old, new: now } = compared;
  const folder = folderOf(after);
  if (difference === undefined || old === undefined || now === undefined) {
    const [first] = compared.diagnostics;
    const found = first?.found ?? [];
    const sources = first?.sources ?? new SourceMap();
    if (format === 'json')
      printJson('diff', { date, exitStatus: 2, allowed: [], denied: [], essentialLost: [], managementLost: [], changed: [] }, found, sources);
    else if (format === 'sarif') print(renderSarif(found, sources, folder));
    else if (format === 'junit') print(renderJunit({ asserts: [], tests: [], diagnostics: found }, sources));
    else if (format === 'github') process.stdout.write(renderGithub(found, sources, folder));
    else for (const side of compared.diagnostics) complain(side.found, side.sources);
    return Promise.resolve(2);
  }
  const both = { date, old, new: now, difference };
  const warnings = compared.diagnostics.flatMap((side) => side.found);
  const status = differs(difference) ? 1 : 0;
  switch (format) {
    case 'json':
      printJson('diff', { exitStatus: status, ...differenceJson(both) }, warnings);
      break;
    case 'md':
      complain(warnings);
      print(renderDifferencePage(both));
      break;
    case 'text':
      complain(warnings);
      print(renderDifference(both));
      break;
    default: {
      const all = [...differenceDiagnostics(both), ...warnings];
      if (format === 'sarif') print(renderSarif(all, now.sources, folder));
      else if (format === 'junit') print(renderJunit({ asserts: [], tests: [], diagnostics: all }, now.sources));
      else process.stdout.write(renderGithub(all, now.sources, folder));
    }
  }
  return Promise.resolve(status);
}
