// Plants whose gateway has Suricata beside it, and messages of Modbus. Takes flows, gives the files of the gateway. The idea: what a client may
// say is written here from the Modbus specification, so that no test takes it from what the compiler made.

import { fileURLToPath } from 'node:url';
import { compileText, type Ruleset, rulesetOf } from '../generators/compile.ts';
import type { Said } from './suricata.ts';

export const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const reading = 'modbus { function 1, function 2, function 3, function 4 }';

export function plant(flows: string, zones = '', options = ''): Ruleset {
  return rulesetOf(
    compileText(`policy "suricata" {}
${
  zones === ''
    ? `zone office { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }`
    : zones
}
${flows}
gateway gw {
  target iptables { inspect-with suricata ${options} }
  interface eth0 { faces office  address ${zones === '' ? '10.0.1.1/24, 2001:db8:1::1/64' : 'none'} }
  interface eth1 { faces press  address ${zones === '' ? '10.0.2.1/24, 2001:db8:2::1/64' : 'none'} }
  manage none "console only"
}
`),
  );
}

export const readOnly = `flow poll { from office to press allow ${reading} inspect stream }`;

/** A whole message as hex: transaction, protocol 0, the length that the rest has, unit 1, the function and what follows it. */
export function message(rest: string, transaction = '0001', unit = 1): string {
  const body = rest.replaceAll(' ', '');
  return `${transaction}0000${(body.length / 2 + 1).toString(16).padStart(4, '0')}${unit.toString(16).padStart(2, '0')}${body}`;
}

export const read = message('03 0000 0001');
export const otherRead = message('04 0010 0002', '0002');
export const answer = message('03 02 0007');
export const write = message('06 0001 00ff', '0003');
export const http = Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex');
export const client = (...segments: readonly string[]): Said[] => segments.map((hex) => ['C', hex]);
