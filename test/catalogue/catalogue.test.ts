/** The catalogue against itself, and against facts written down by hand. */
import { describe, expect, test } from 'vitest';
import { catalogue, isLayer2Only, needsPorts, protocolsOn, reservedNames } from '../../src/catalogue/catalogue.ts';
import { icmpMessages } from '../../src/catalogue/icmp.ts';
import { allClasses, type Protocol, type TransportPorts } from '../../src/catalogue/protocol.ts';

const rows = [...catalogue.values()];

function row(name: string): Protocol {
  const found = catalogue.get(name);
  if (found === undefined) throw new Error(`no protocol ${name}`);
  return found;
}

/** `tcp 80, udp 100-200` */
function ports(ranges: readonly TransportPorts[]): string {
  return ranges.map((range) => `${range.protocol} ${range.first}${range.first === range.last ? '' : `-${range.last}`}`).join(', ');
}

function names(protocols: readonly Protocol[]): string {
  return protocols.map((protocol) => protocol.name).join(' ');
}

describe('the table against itself', () => {
  test('it is not empty', () => {
    expect(rows.length).toBeGreaterThan(110);
  });

  test.each(rows.map((protocol) => [protocol.name, protocol] as const))('%s', (name, protocol) => {
    expect(name).toMatch(/^[a-z][a-z0-9_-]*[a-z0-9]$/u);
    expect(protocol.title.trim()).toBe(protocol.title);
    expect(protocol.title).not.toBe('');
    for (const range of [...protocol.transports, ...protocol.customary]) {
      expect(range.first).toBeGreaterThan(0);
      expect(range.first).toBeLessThanOrEqual(range.last);
      expect(range.last).toBeLessThanOrEqual(65535);
    }
    for (const number of protocol.ipProtocols) expect(number >= 0 && number <= 255 && ![1, 6, 17, 58].includes(number)).toBe(true);
    for (const ethertype of protocol.ethertypes) expect(ethertype >= 0x0600 && ethertype <= 0xffff).toBe(true);
    for (const message of protocol.icmp) expect(icmpMessages.has(message)).toBe(true);
    expect(new Set(protocol.functions).size).toBe(protocol.functions.length);
    expect(allClasses.filter((item) => protocol.functions.includes(item))).toEqual(protocol.functions);
    expect(protocol.sources.length).toBeGreaterThan(0);
    for (const text of [protocol.title, protocol.notes, ...protocol.sources]) {
      expect(text).not.toMatch(/https?:|www\.|[\n\r\t]/u);
    }
    if (!protocol.verified) expect(protocol.notes).toMatch(/not verified|no assigned port/u);
    if (needsPorts(protocol)) expect(protocol.notes).toMatch(/^no assigned port/u);
    if (needsPorts(protocol)) expect(protocol.customary.length).toBeGreaterThan(0);
  });

  test('customary ports are not standard ones', () => {
    for (const protocol of rows) {
      for (const range of protocol.customary) {
        expect(protocol.transports.some((other) => other.protocol === range.protocol && other.first <= range.last && range.first <= other.last)).toBe(false);
      }
    }
  });

  test('names come in alphabetical order', () => {
    const all = [...catalogue.keys()];
    expect(all).toEqual(all.toSorted());
  });

  test('rows cannot be changed', () => {
    const modbus = row('modbus');
    expect(Object.isFrozen(modbus)).toBe(true);
    expect(Object.isFrozen(modbus.transports)).toBe(true);
    expect(Object.isFrozen(modbus.transports[0])).toBe(true);
  });

  test('words of the language are reserved and are not protocols', () => {
    for (const word of ['any', 'none', 'rest', 'level', 'kind', 'trait', 'role', 'except', 'only', 'tcp', 'udp', 'ip', 'icmp', 'icmpv6', 'ethertype']) {
      expect(reservedNames.has(word)).toBe(true);
      expect(catalogue.has(word)).toBe(false);
    }
    expect(reservedNames.has('modbus')).toBe(true);
    expect(reservedNames.has('historian')).toBe(false);
  });
});

describe('standard transports', () => {
  test.each([
    ['modbus', 'tcp 502'],
    ['modbus-tls', 'tcp 802'],
    ['s7comm', 'tcp 102'],
    ['enip', 'tcp 44818, udp 44818'],
    ['cip', 'tcp 44818'],
    ['enip-io', 'udp 2222'],
    ['dnp3', 'tcp 20000, udp 20000'],
    ['iec104', 'tcp 2404'],
    ['mms', 'tcp 102'],
    ['mms-tls', 'tcp 3782'],
    ['opcua', 'tcp 4840'],
    ['opcua-tls', 'tcp 4843'],
    ['bacnet', 'udp 47808'],
    ['profinet-cm', 'udp 34964'],
    ['fins', 'udp 9600, tcp 9600'],
    ['hart-ip', 'udp 5094, tcp 5094'],
    ['ads', 'tcp 48898'],
    ['codesys-v3', 'tcp 11740-11743, udp 1740-1743'],
    ['fl-net', 'udp 55000-55003'],
    ['c37118', 'tcp 4712, udp 4713'],
    ['ntp', 'udp 123'],
    ['dns', 'udp 53, tcp 53'],
    ['ssh', 'tcp 22'],
    ['telnet', 'tcp 23'],
    ['rdp', 'tcp 3389, udp 3389'],
    ['smb', 'tcp 445'],
    ['netbios', 'udp 137, udp 138, tcp 139'],
    ['snmp', 'udp 161'],
    ['snmp-trap', 'udp 162'],
    ['kerberos', 'tcp 88, udp 88, tcp 464, udp 464'],
    ['syslog', 'udp 514'],
    ['hsms', ''],
    ['slmp', ''],
    ['eda', ''],
    ['bacnet-sc', ''],
    ['goose', ''],
    ['ping', ''],
  ])('%s: %s', (name, expected) => {
    expect(ports(row(name).transports)).toBe(expected);
  });

  test('a port may belong to several protocols, to one, or to none', () => {
    expect(names(protocolsOn('tcp', 102))).toBe('iccp mms s7comm s7comm-plus');
    expect(names(protocolsOn('tcp', 502))).toBe('modbus');
    expect(names(protocolsOn('udp', 502))).toBe('');
    expect(names(protocolsOn('tcp', 11742))).toBe('codesys-v3');
    expect(names(protocolsOn('tcp', 5000))).toBe('');
    expect(names(protocolsOn('tcp', 44000, 45000))).toBe('cip enip');
  });

  test('protocols without an assigned port need `on`', () => {
    expect(rows.filter(needsPorts).map((protocol) => protocol.name)).toEqual(['bacnet-sc', 'eda', 'hsms', 'slmp']);
  });

  test('protocols with dynamic ports', () => {
    const dynamic = rows.filter((protocol) => protocol.dynamicPorts !== undefined);
    expect(dynamic.map((protocol) => protocol.name)).toEqual(['ftp', 'opc-classic', 'tftp']);
    expect(ports(row('ftp').transports)).toBe('tcp 21');
    expect(ports(row('tftp').transports)).toBe('udp 69');
    expect(ports(row('opc-classic').transports)).toBe('tcp 135');
  });
});

describe('layers, casts and marks', () => {
  test('layer 2 only', () => {
    const expected = 'arp cclink-ie dlr goose lldp mrp profinet-rt prp-hsr sercos3 sv';
    expect(names(rows.filter(isLayer2Only))).toBe(expected);
    expect(row('goose').ethertypes).toEqual([0x88b8]);
    expect(row('profinet-rt').ethertypes).toEqual([0x8892]);
    expect(row('prp-hsr').ethertypes).toEqual([0x88fb, 0x892f]);
    expect(isLayer2Only(row('ethercat'))).toBe(false);
  });

  test('what lives on multicast or broadcast', () => {
    expect(names(rows.filter((protocol) => protocol.cast !== 'unicast'))).toBe(
      'arp dlr fl-net ge-egd goose igmp lldp mrp opcua-pubsub prp-hsr ptp rtps slmp-search sv',
    );
  });

  test('protocols beside TCP and UDP', () => {
    expect(row('ipsec').ipProtocols).toEqual([50]);
    expect(ports(row('ipsec').transports)).toBe('udp 500, udp 4500');
    expect(row('igmp').ipProtocols).toEqual([2]);
    expect(row('ping').icmp).toEqual(['echo-request']);
  });

  test('operational technology or not', () => {
    for (const name of ['modbus', 'cip', 's7comm', 'opcua', 'goose', 'hsms', 'bacnet', 'mrp']) expect(row(name).ot).toBe(true);
    for (const name of ['ntp', 'dns', 'ssh', 'telnet', 'rdp', 'smb', 'https', 'mqtt', 'ping', 'ptp']) expect(row(name).ot).toBe(false);
  });

  test('not verified', () => {
    expect(names(rows.filter((protocol) => !protocol.verified))).toBe('bacnet-sc bsap cclink-ie deltav eda hsms opcua-pubsub vnetip wsus');
  });

  test('classes of functions', () => {
    expect(row('modbus').functions).toEqual(['read', 'write', 'control', 'program', 'diagnostics']);
    expect(row('enip').functions).toEqual(['diagnostics']);
    expect(row('ads').functions).toEqual(['read', 'write', 'control', 'diagnostics']);
    expect(row('fox').functions).toEqual(['read', 'program']);
    expect(row('modbus-tls').functions).toEqual([]);
    expect(row('ssh').functions).toEqual([]);
  });
});
