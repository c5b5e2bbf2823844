/** `zonewright list`: everything that is open, for auditors. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { nearest } from '../../base/nearest.ts';
import type { Model } from '../../model/model.ts';
import { check, exitStatus } from '../../pipeline/check.ts';
import { listing } from '../../report/listing.ts';
import { listingTable } from '../../report/listing-table.ts';
import { renderAligned, renderCsv, renderMarkdown, withoutEmptyColumns } from '../../report/table.ts';
import { complain, dateOf, formatOf, print, printJson, UsageError } from '../io.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined, ['text', 'csv', 'md', 'json']);
  const checked = check(args[0] ?? '', { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName });
  const { model, placement, loaded, date } = checked;
  const errors = checked.diagnostics.filter((one) => one.severity === 'error' && one.blame !== 'finding');
  const status = exitStatus(errors);
  if (errors.some((one) => one.blame === 'input')) {
    if (format === 'json') printJson('list', { exitStatus: status }, checked.diagnostics, loaded.sources);
    else complain(checked.diagnostics, loaded.sources);
    return status;
  }
  const gateways = options['gateway'] as string[] | undefined;
  const face = options['interface'] as string | undefined;
  refuseUnknown(model, gateways, face);
  const rows = listing(model, placement, loaded.sources).filter(
    (row) =>
      (gateways === undefined || (row.gateway !== null && gateways.includes(row.gateway))) &&
      (face === undefined || row.in.includes(face) || row.out.includes(face)),
  );
  // What a target cannot express is never in force, whatever its row says.
  if (format !== 'json') complain(errors, loaded.sources);
  switch (format) {
    case 'json':
      printJson('list', { date, exitStatus: status, rows }, errors, loaded.sources);
      break;
    case 'csv':
      print(renderCsv(listingTable(rows)));
      break;
    case 'md':
      print(renderMarkdown(withoutEmptyColumns(listingTable(rows))));
      break;
    case 'text':
      print(renderAligned(withoutEmptyColumns(listingTable(rows))));
      break;
  }
  return Promise.resolve(status);
}

/** A misspelt name would list nothing, which reads as "nothing is open". */
function refuseUnknown(model: Model, gateways: readonly string[] | undefined, face: string | undefined): void {
  const known = model.gateways.map((gateway) => gateway.name);
  for (const name of gateways ?? []) if (!known.includes(name)) throw unknown('--gateway', 'gateway', name, known);
  const chosen = model.gateways.filter((gateway) => gateways === undefined || gateways.includes(gateway.name));
  const faces = [...new Set(chosen.flatMap((gateway) => gateway.interfaces.map((one) => one.name)))].toSorted();
  if (face !== undefined && !faces.includes(face)) throw unknown('--interface', 'interface', face, faces);
}

function unknown(option: string, what: string, name: string, known: readonly string[]): UsageError {
  const suggestion = nearest(name, known);
  return new UsageError(
    option,
    `no ${what} is called \`${name}\``,
    suggestion === undefined ? `${what}s to choose from: ${known.join(', ') || 'none'}` : `did you mean \`${suggestion}\`?`,
  );
}
