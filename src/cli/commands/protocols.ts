/** `zonewright protocols [NAME]`. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { nearest } from '../../base/nearest.ts';
import { catalogue } from '../../catalogue/catalogue.ts';
import { portWords, protocolData, protocolText } from '../../report/protocol.ts';
import { formatOf, print, printJson, UsageError } from '../io.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const name = args[0];
  const json = formatOf(options['format'] as string | undefined) === 'json';
  if (name !== undefined && !catalogue.has(name)) {
    const suggestion = nearest(name, catalogue.keys());
    throw new UsageError(
      'protocols',
      `no protocol is called \`${name}\``,
      suggestion === undefined ? '`zonewright protocols` lists them all' : `did you mean \`${suggestion}\`?`,
    );
  }
  const chosen = [...catalogue.values()].filter((protocol) => name === undefined || protocol.name === name);
  const targets = [...capabilitiesByName.values()];
  if (json) {
    printJson('protocols', { protocols: chosen.map((protocol) => protocolData(protocol, targets)) });
    return Promise.resolve(0);
  }
  if (name === undefined) {
    const width = Math.max(...chosen.map((protocol) => protocol.name.length));
    for (const protocol of chosen) print(`${protocol.name.padEnd(width)}  ${protocol.ot ? 'OT' : '  '}  ${portWords(protocol)}`);
    return Promise.resolve(0);
  }
  for (const protocol of chosen) for (const line of protocolText(protocol, targets)) print(line);
  return Promise.resolve(0);
}
