/** `zonewright explain CODE`. */
import { nearest } from '../../base/nearest.ts';
import { codeRow, codeRows, page } from '../../diagnostics/catalogue.ts';
import { formatOf, print, printJson, UsageError } from '../io.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const asked = args[0] ?? '';
  const row = codeRow(asked) ?? codeRows.find((one) => one.name === asked.toLowerCase());
  const text = row === undefined ? undefined : page(row.code);
  if (row === undefined || text === undefined) {
    const suggestion = nearest(asked, [...codeRows.map((one) => one.code), ...codeRows.map((one) => one.name)]);
    throw new UsageError(
      'explain',
      `no diagnostic is called \`${asked}\``,
      suggestion === undefined ? 'write a code such as ZW2006' : `did you mean \`${suggestion}\`?`,
    );
  }
  if (formatOf(options['format'] as string | undefined) === 'json')
    printJson('explain', { code: row.code, name: row.name, severity: row.severity, page: text });
  else print(text);
  return Promise.resolve(0);
}
