/**
 * The protocol catalogue: every protocol that a zone file can call by name.
 *
 * Takes the tables of the sectors, gives lookups by name and by transport port. Data of the project's own, made from
 * the number registries, public dissectors and manuals that each row names; nothing is read at run time and
 * `/etc/services` is never asked, because many industrial ports are assigned there to something else.
 */
import { RESERVED } from '../../grammar/tokens.ts';
import type { Protocol, TransportProtocol } from './protocol.ts';
import { building } from './tables/building.ts';
import { controllers } from './tables/controllers.ts';
import { energy } from './tables/energy.ts';
import { fieldbuses } from './tables/fieldbus.ts';
import { information } from './tables/information.ts';
import { network } from './tables/network.ts';

const rows: readonly Protocol[] = [...controllers, ...fieldbuses, ...energy, ...building, ...information, ...network];

/** By name, in alphabetical order. */
export const catalogue: ReadonlyMap<string, Protocol> = new Map(rows.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((row) => [row.name, row]));
if (catalogue.size !== rows.length) throw new Error('two rows of the catalogue have one name');

/** Names that no declaration may take. */
export const reservedNames: ReadonlySet<string> = new Set([...RESERVED, ...catalogue.keys()]);

const rangesOf = (transport: TransportProtocol): readonly { readonly first: number; readonly last: number; readonly row: Protocol }[] =>
  [...catalogue.values()].flatMap((row) => row.transports.filter((ports) => ports.protocol === transport).map(({ first, last }) => ({ first, last, row })));
/** Standard ports with their protocols, these in alphabetical order. */
const bound: Readonly<Record<TransportProtocol, ReturnType<typeof rangesOf>>> = { tcp: rangesOf('tcp'), udp: rangesOf('udp') };

/** The protocols whose standard transports hold the port, or any port of a range; in alphabetical order. */
export function protocolsOn(transport: TransportProtocol, first: number, last: number = first): readonly Protocol[] {
  const found = bound[transport].filter((range) => first <= range.last && range.first <= last).map((range) => range.row);
  if (found.length < 2) return found;
  return [...new Set(found)];
}

/** Whether the protocol means nothing on an IP network unless the zone file gives its ports with `on`. */
export function needsPorts(row: Protocol): boolean {
  return row.transports.length === 0 && row.ipProtocols.length === 0 && row.icmp.length === 0 && row.ethertypes.length === 0;
}

/** Whether the protocol exists on layer 2 only, so that no router can pass it. */
export function isLayer2Only(row: Protocol): boolean {
  return row.ethertypes.length > 0 && row.transports.length === 0 && row.ipProtocols.length === 0 && row.icmp.length === 0;
}
