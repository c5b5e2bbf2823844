/**
 * The catalogue against the survey of protocols and functions that it was made from (`survey/`, ids, ports and classes alone).
 *
 * Every row of the survey is the origin of some name, every port of a row is a standard or a customary one of that
 * name, and the classes are those that the survey of functions has.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/catalogue.ts';
import { allClasses } from '../../src/catalogue/protocol.ts';

/** Rows of a plain CSV file as records; no field is quoted. */
function records(name: string): readonly Readonly<Record<string, string>>[] {
  const [head = '', ...body] = readFileSync(new URL(`survey/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  const keys = head.split(',');
  return body.map((line) => Object.fromEntries(line.split(',').map((field, index) => [keys[index] ?? '', field])));
}

/** Names that a row of the survey became; a row that is not here keeps its id. */
const renamed: Readonly<Record<string, readonly string[]>> = {
  'modbus-tcp': ['modbus'],
  'enip-explicit': ['enip', 'cip'],
  'enip-implicit': ['enip-io'],
  'iec61850-mms': ['mms'],
  'iec61850-mms-tls': ['mms-tls'],
  'iec61850-goose': ['goose'],
  'iec61850-sv': ['sv'],
  'iccp-tase2': ['iccp'],
  'opcua-tcp': ['opcua'],
  'bacnet-ip': ['bacnet'],
  'slmp-ssc': ['slmp-search'],
  'niagara-fox': ['fox'],
  'niagara-foxs': ['foxs'],
  'codesys-gw': ['codesys-gateway'],
  'panasonic-mewtocol': ['mewtocol'],
  'unitronics-pcom': ['pcom'],
  'knxnet-ip': ['knx'],
  'ansi-c1222': ['c1222'],
  'dlms-cosem': ['dlms'],
  'pi-server': ['pi-archive'],
  'rtps-dds': ['rtps'],
  coap: ['coap', 'coaps'],
  snmptrap: ['snmp-trap'],
  oracle: ['oracle-tns'],
  'icmp-echo': ['ping'],
};

/** Protocols of the survey of functions that are layers of a name. */
const layers: Readonly<Record<string, string>> = {
  's7comm-userdata': 's7comm',
  'bacnet-bvlc': 'bacnet',
  'bacnet-confirmed': 'bacnet',
  'bacnet-unconfirmed': 'bacnet',
  'hsms-secs2': 'hsms',
  hart: 'hart-ip',
  'iec104-u': 'iec104',
  'opcua-transport': 'opcua',
  'cip-connection-manager': 'cip',
  'cip-pccc-0f': 'cip',
};

describe('the survey', () => {
  const protocols = records('protocols.csv');
  const functions = records('functions.csv');
  const namesOf = (id: string): readonly string[] => renamed[id] ?? [id];

  test('every row became a name, and every name comes from a row', () => {
    expect(protocols.length).toBe(115);
    expect(new Set(protocols.flatMap((record) => namesOf(record['id'] ?? '')))).toEqual(new Set(catalogue.keys()));
  });

  test('every port, IP protocol and ethertype of a row is accounted for', () => {
    for (const record of protocols) {
      const rows = namesOf(record['id'] ?? '').flatMap((name) => catalogue.get(name) ?? []);
      const ranges = rows.flatMap((row) => [...row.transports, ...row.customary]);
      for (const item of (record['transport_ports'] ?? '').split(' ')) {
        const [protocol, value = ''] = item.split('/');
        if (protocol === 'eth')
          expect(
            rows.some((row) => row.ethertypes.includes(Number(value))),
            item,
          ).toBe(true);
        else if (protocol === 'ip')
          expect(
            rows.some((row) => row.ipProtocols.includes(Number(value)) || (value === '1' && row.icmp.length > 0)),
            item,
          ).toBe(true);
        else {
          const [first = 0, last = first] = value.split('-').map(Number);
          expect(
            ranges.some((range) => range.protocol === protocol && range.first <= first && last <= range.last),
            `${record['id']} ${item}`,
          ).toBe(true);
        }
      }
    }
  });

  test('no standard transport is beyond its row', () => {
    for (const record of protocols) {
      const listed = (record['transport_ports'] ?? '').split(' ');
      for (const name of namesOf(record['id'] ?? '')) {
        for (const range of catalogue.get(name)?.transports ?? []) {
          expect(listed, name).toContain(`${range.protocol}/${range.first}${range.first === range.last ? '' : `-${range.last}`}`);
        }
      }
    }
  });

  test('what the survey did not verify is marked', () => {
    for (const record of protocols) {
      for (const name of namesOf(record['id'] ?? '')) expect(catalogue.get(name)?.verified, name).toBe(record['verified'] === 'yes');
    }
  });

  test('the classes are those of the survey', () => {
    const classes = new Map<string, Set<string>>();
    for (const record of functions) {
      const name = layers[record['protocol'] ?? ''] ?? record['protocol'] ?? '';
      classes.set(name, (classes.get(name) ?? new Set()).add(record['class'] ?? ''));
    }
    expect(classes.size).toBeGreaterThan(12);
    for (const name of classes.keys()) expect([...catalogue.keys()]).toContain(name);
    for (const row of catalogue.values()) {
      expect(row.functions, row.name).toEqual(allClasses.filter((name) => classes.get(row.name)?.has(name)));
    }
  });
});
