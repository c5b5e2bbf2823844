/** `zonewright reach`: everything allowed between two selectors. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { reach } from '../../analysis/reach.ts';
import { jsonPlace } from '../../diagnostics/render.ts';
import { ask } from '../../pipeline/ask.ts';
import { renderAligned, withoutEmptyColumns } from '../../report/table.ts';
import { complain, dateOf, formatOf, print, printJson, UsageError } from '../io.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined);
  const selector = (name: string): string => {
    const text = options[name];
    if (typeof text === 'string' && text.trim() !== '') return text;
    throw new UsageError(`--${name}`, 'is missing', 'give a selector of the zone language, such as `level >= 4`, a zone, a host or an address');
  };
  const asked = ask(args[0] ?? '', { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName }, selector('from'), selector('to'));
  const { sources } = asked.loaded;
  if (asked.question === undefined) {
    if (asked.diagnostics.length === 0)
      throw new UsageError('--from', 'the two selectors cannot be read', 'write each as in a zone file, for example `kind dmz, jump`');
    if (format === 'json') printJson('reach', { exitStatus: 2 }, asked.diagnostics, sources);
    else complain(asked.diagnostics, sources);
    return Promise.resolve(2);
  }
  const { plant, from, to } = asked.question;
  const { rows, freely, unjoined } = reach(plant, from, to);
  if (format === 'json') {
    printJson('reach', {
      date: asked.date,
      exitStatus: 0,
      from: from.text,
      to: to.text,
      rows: rows.map((row) => ({
        from: row.from,
        to: row.to,
        service: row.service,
        family: row.family,
        gateways: row.gateways,
        grade: row.grade ?? null,
        flows: row.flows.map((flow) => ({ name: flow.name, span: jsonPlace(flow.span, sources) })),
        example: row.example ?? null,
      })),
      freely,
      unjoined,
    });
    return Promise.resolve(0);
  }
  const table = {
    columns: ['from', 'to', 'services', 'family', 'gateways', 'grade', 'flows'],
    rows: rows.map((row) => [
      row.from,
      row.to,
      row.service,
      row.family === 'both' ? '4 and 6' : String(row.family),
      row.gateways.join(', '),
      row.grade ?? '',
      row.flows.map((flow) => `${flow.name} (${sources.place(flow.span)})`).join(', '),
    ]),
  };
  print(rows.length === 0 ? `nothing is allowed from ${from.text} to ${to.text}, judged for ${asked.date}` : renderAligned(withoutEmptyColumns(table)));
  for (const pair of freely) print(`no gateway sees ${pair.from} -> ${pair.to}, which talk freely: ${pair.why}`);
  for (const pair of unjoined) print(`no gateway joins ${pair.from} -> ${pair.to}: nothing is known of it`);
  return Promise.resolve(0);
}
