/** `zonewright protocols [NAME]`. */
import { nearest } from '../../base/nearest.ts';
import { catalogue } from '../../catalogue/catalogue.ts';
import type { Protocol } from '../../catalogue/protocol.ts';
import { formatOf, print, printJson, UsageError } from '../io.ts';

function ports(protocol: Protocol): string {
  const parts = protocol.transports.map((range) => `${range.protocol} ${range.first === range.last ? range.first : `${range.first}-${range.last}`}`);
  parts.push(...protocol.ipProtocols.map((number) => `ip protocol ${number}`));
  parts.push(...protocol.icmp.map((name) => `icmp ${name}`));
  parts.push(...protocol.ethertypes.map((number) => `ethertype 0x${number.toString(16).padStart(4, '0')}`));
  return parts.length === 0 ? 'no standard port' : parts.join(', ');
}

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
  if (json) {
    printJson('protocols', { protocols: chosen });
    return Promise.resolve(0);
  }
  if (name === undefined) {
    const width = Math.max(...chosen.map((protocol) => protocol.name.length));
    for (const protocol of chosen) print(`${protocol.name.padEnd(width)}  ${protocol.ot ? 'OT' : '  '}  ${ports(protocol)}`);
    return Promise.resolve(0);
  }
  for (const protocol of chosen) {
    print(`${protocol.name}: ${protocol.title}${protocol.ot ? ', a protocol of operational technology' : ''}`);
    print(`  ports: ${ports(protocol)}`);
    if (protocol.customary.length > 0)
      print(
        `  often seen besides: ${protocol.customary.map((range) => `${range.protocol} ${range.first === range.last ? range.first : `${range.first}-${range.last}`}`).join(', ')}`,
      );
    if (protocol.dynamicPorts !== undefined) print(`  dynamic ports: ${protocol.dynamicPorts.what}`);
    if (protocol.cast !== 'unicast') print('  lives on multicast or broadcast, which no gateway forwards');
    if (protocol.functions.length > 0) print(`  classes of functions: ${protocol.functions.join(', ')}`);
    if (protocol.notes !== '') print(`  note: ${protocol.notes}`);
    print(`  sources: ${protocol.sources.join('; ')}${protocol.verified ? '' : ' (not verified)'}`);
  }
  return Promise.resolve(0);
}
