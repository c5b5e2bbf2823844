/**
 * The tables of functions against the survey that they were made from, where it lies beside the project.
 *
 * Every row of the survey is the origin of some function; where our class is another one, the row is listed here with
 * the reason.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import { functionTables } from '../../src/catalogue/functions.ts';

const file = new URL('../../../shared/data/functions.csv', import.meta.url);

/** Rows of a CSV file; a field may be quoted. */
function records(text: string): readonly (readonly string[])[] {
  return text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/gu)].map((match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? ''));
}

/** The protocol and layer of each of the survey's protocols. */
const places: Readonly<Record<string, readonly [protocol: string, ...layers: string[]]>> = {
  ads: ['ads', 'command'],
  'bacnet-bvlc': ['bacnet', 'link'],
  'bacnet-confirmed': ['bacnet', 'confirmed'],
  'bacnet-unconfirmed': ['bacnet', 'unconfirmed'],
  cip: ['cip', 'service', 'tag-service'],
  'cip-connection-manager': ['cip', 'connection-manager'],
  'cip-pccc-0f': ['cip', 'pccc'],
  dnp3: ['dnp3', 'application'],
  enip: ['enip', 'command'],
  fins: ['fins', 'command'],
  fox: ['fox', 'verb'],
  hart: ['hart-ip', 'command'],
  'hart-ip': ['hart-ip', 'message'],
  hsms: ['hsms', 'control'],
  'hsms-secs2': ['hsms', 'data'],
  iec104: ['iec104', 'type'],
  'iec104-u': ['iec104', 'frame'],
  mms: ['mms', 'service'],
  modbus: ['modbus', 'request'],
  opcua: ['opcua', 'service'],
  'opcua-transport': ['opcua', 'message', 'service'],
  s7comm: ['s7comm', 'job'],
  's7comm-userdata': ['s7comm', 'userdata'],
  slmp: ['slmp', 'command'],
};

/** Codes that the survey writes otherwise. */
const spelt: Readonly<Record<string, readonly string[]>> = {
  '90/0x40 0x41': ['90/0x40', '90/0x41'],
  '0x28 "P_PROGRAM"': ['0x28 P_PROGRAM'],
  '0x28 "_INSE|_DELE|_MODU"': ['0x28 _INSE', '0x28 _DELE', '0x28 _MODU'],
  'group 7': ['7/1', '7/2', '7/3', '7/4'],
  'fox a N -1 fox hello': ['hello'],
  'fox challenge / login / rejected': ['challenge', 'login', 'rejected'],
  'channel sub / read': ['sub', 'read'],
  'channel station/file/provisioning': ['station', 'file', 'provisioning'],
};

function codesOf(protocol: string, code: string): readonly string[] {
  // DNP3 and the U frames of IEC 104 have numbers of their own kind of frame.
  if (protocol === 'iec104-u' || spelt[code] !== undefined) return spelt[code] ?? [code];
  return [code.replace(/^(?:group|SType) /u, '')];
}

/** Our class for one of the survey's, where it is another, and why. */
const decided: Readonly<Record<string, readonly [ours: string, why: string]>> = {
  'enip 0x0000': ['session', 'keeps a connection alive'],
  'enip 0x0004': ['session', 'clients ask it before they register'],
  'enip 0x006f': ['none', 'an envelope'],
  'enip 0x0070': ['none', 'an envelope'],
  'enip 0x00c8': ['none', 'hides what follows'],
  'cip-connection-manager 0x54': ['control', 'opens I/O connections as well'],
  'cip-connection-manager 0x5b': ['control', 'opens I/O connections as well'],
  'cip-connection-manager 0x4e': ['control', 'closes I/O connections as well'],
  'cip-pccc-0f 0x88': ['none', 'carries other commands'],
  'dnp3 0': ['session', 'each answer with events waits for it'],
  'dnp3 32': ['none', 'changes keys as well'],
  'dnp3 129': ['none', 'an answer'],
  'dnp3 130': ['none', 'a report'],
  'dnp3 131': ['none', 'an answer'],
  'bacnet-confirmed 18': ['none', 'defined by vendors'],
  'bacnet-unconfirmed 4': ['none', 'defined by vendors'],
  'bacnet-confirmed 21': ['program', 'a terminal'],
  'bacnet-confirmed 22': ['program', 'a terminal'],
  'bacnet-confirmed 23': ['program', 'a terminal'],
  'bacnet-bvlc 0x00': ['none', 'an answer'],
  'bacnet-bvlc 0x03': ['none', 'an answer'],
  'bacnet-bvlc 0x04': ['none', 'an envelope'],
  'bacnet-bvlc 0x07': ['none', 'an answer'],
  'bacnet-bvlc 0x09': ['none', 'an envelope'],
  'bacnet-bvlc 0x0a': ['none', 'an envelope'],
  'bacnet-bvlc 0x0b': ['none', 'an envelope'],
  'bacnet-bvlc 0x0c': ['none', 'hides what is inside'],
  'modbus 43': ['none', 'CANopen inside it writes'],
  'opcua 397': ['none', 'an answer'],
  'opcua 422': ['diagnostics', 'no conversation needs it'],
  'opcua 479': ['none', 'no conversation needs it'],
  'opcua 12208': ['diagnostics', 'no conversation needs it'],
  'opcua 437': ['write', 'changes the list of a discovery server'],
  'opcua 12211': ['write', 'changes the list of a discovery server'],
  'opcua-transport ACK': ['none', 'an answer'],
  'opcua-transport ERR': ['none', 'an answer'],
  'opcua-transport MSG': ['none', 'an envelope'],
  's7comm 0xf0': ['session', 'no conversation starts without it'],
  's7comm-userdata group 7': ['read write', 'two of its functions read, two write'],
  'ads 0': ['none', 'no command'],
  'ads 8': ['none', 'the server sends it'],
};

/** Classes of the survey that are none of ours, by what became of them. */
const mapped: Readonly<Record<string, string>> = {
  monitor: 'none',
  security: 'none',
  container: 'none',
  data: 'none',
  'pass-through': 'none',
  subscribe: 'read',
};

function originOf(protocol: string, code: string): readonly ProtocolFunction[] {
  const [ours = '', ...layers] = places[protocol] ?? [];
  const codes = codesOf(protocol, code);
  return (functionTables.get(ours)?.functions ?? []).filter((one) => layers.includes(one.layer.name) && one.codes.some(({ text }) => codes.includes(text)));
}

describe.runIf(existsSync(file))('the survey of functions', () => {
  const rows = existsSync(file) ? records(readFileSync(file, 'utf8')) : [];

  test('every row is there, in the class of the survey or in one that is listed here', () => {
    expect(rows.length).toBe(602);
    const wrong: string[] = [];
    const used = new Set<string>();
    for (const [protocol = '', theirs = '', code = ''] of rows) {
      const found = originOf(protocol, code);
      const classes = [...new Set(found.map((one) => one.class ?? 'none'))].sort().join(' ');
      const key = `${protocol} ${code}`;
      const expected = decided[key]?.[0] ?? mapped[theirs] ?? theirs;
      if (decided[key] !== undefined) used.add(key);
      if (classes !== expected) wrong.push(`${key}: ${theirs} became ${classes}`);
      const codes = codesOf(protocol, code);
      const all = found.flatMap((one) => one.codes.map(({ text }) => text));
      for (const one of codes) if (!all.includes(one)) wrong.push(`${key}: no ${one}`);
    }
    expect(wrong).toEqual([]);
    expect(Object.keys(decided).filter((key) => !used.has(key))).toEqual([]);
  });

  test('every function comes from a row, or is listed here', () => {
    const origins = new Set(rows.flatMap(([protocol = '', , code = '']) => originOf(protocol, code)));
    const own = [...functionTables.values()].flatMap((table) => table.functions).filter((one) => !origins.has(one));
    expect(own.map((one) => `${one.protocol} ${one.name}`).sort()).toEqual([
      'cotp connect-request',
      'cotp disconnect-request',
      'cotp empty-data',
      'dnp3 link-acknowledge',
      'dnp3 link-not-supported',
      'dnp3 link-refuse',
      'dnp3 link-status',
      'dnp3 request-link-status',
      'dnp3 reset-link',
      'dnp3 test-link',
      'fins frame',
      'fins node-address',
      'iec104 supervisory',
      'mms conclude',
      'mms initiate',
    ]);
  });

  test('what the survey calls unverified is marked', () => {
    for (const [protocol = '', , code = '', , source = ''] of rows) {
      if (!source.startsWith('HART') && !source.startsWith('SEMI E37') && !source.includes('UNVERIFIED')) continue;
      for (const one of originOf(protocol, code)) if (protocol !== 'cip' || one.layer.name === 'tag-service') expect(one.layer.verified, one.name).toBe(false);
    }
  });
});
