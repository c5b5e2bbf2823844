/**
 * The functions of OT protocols: what a zone file may name of them, and which messages a session needs.
 *
 * Takes the tables of `functions/`, gives lookups by protocol. A protocol that rides on another one (MMS and S7comm on
 * the ISO transport, CIP on EtherNet/IP) needs the session messages of both, and a zone file may name them through it.
 */
import type { ProtocolFunction, ProtocolFunctions } from './function.ts';
import { bacnet, fox } from './functions/building.ts';
import { hsms } from './functions/equipment.ts';
import { fins, slmp } from './functions/factory.ts';
import { ads, hartIp } from './functions/field.ts';
import { mms } from './functions/mms.ts';
import { modbus } from './functions/modbus.ts';
import { opcua } from './functions/opcua.ts';
import { cip, enip } from './functions/rockwell.ts';
import { cotp, s7comm } from './functions/siemens.ts';
import { dnp3, iec104 } from './functions/telecontrol.ts';
import type { FunctionClass, TransportProtocol } from './protocol.ts';

const tables = [ads, bacnet, cip, cotp, dnp3, enip, fins, fox, hartIp, hsms, iec104, mms, modbus, opcua, s7comm, slmp];

/** By protocol; `cotp`, the ISO transport, is no protocol that a zone file names. */
export const functionTables: ReadonlyMap<string, ProtocolFunctions> = new Map(tables.map((table) => [table.protocol, table]));

/** The functions that a zone file may name of a protocol: its own, then those of what carries it. */
export function functionsNamed(protocol: string): readonly ProtocolFunction[] {
  const table = functionTables.get(protocol);
  return table === undefined ? [] : [...table.functions, ...(table.carrier === undefined ? [] : functionsNamed(table.carrier))];
}

/** The protocol's own functions of a class. */
export function functionsOfClass(protocol: string, name: FunctionClass): readonly ProtocolFunction[] {
  return functionTables.get(protocol)?.functions.filter((one) => one.class === name) ?? [];
}

/** The messages without which no conversation of the protocol starts, lives or closes on this transport. */
export function sessionMessages(protocol: string, transport: TransportProtocol): readonly ProtocolFunction[] {
  return functionsNamed(protocol).filter((one) => one.class === 'session' && (one.layer.on ?? transport) === transport);
}
