/** The tables of functions against themselves, and against facts written down by hand. */
import { describe, expect, test } from 'vitest';
import { BLOCKS, RESERVED, SERVICE_WORDS } from '../../grammar/tokens.ts';
import { catalogue } from '../../src/catalogue/catalogue.ts';
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import { functionsNamed, functionsOfClass, functionTables, sessionMessages } from '../../src/catalogue/functions.ts';
import { allClasses } from '../../src/catalogue/protocol.ts';

const all = [...functionTables.values()].flatMap((table) => table.functions);

function names(functions: readonly ProtocolFunction[]): string {
  return functions.map((one) => one.name).join(' ');
}

function session(protocol: string, transport: 'tcp' | 'udp' = 'tcp'): string {
  return names(sessionMessages(protocol, transport));
}

function found(protocol: string, name: string): ProtocolFunction {
  const one = functionsNamed(protocol).find((candidate) => candidate.name === name);
  if (one === undefined) throw new Error(`${protocol} has no ${name}`);
  return one;
}

describe('the tables against themselves', () => {
  test('they are not empty', () => {
    expect(all.length).toBeGreaterThan(590);
    expect(functionTables.size).toBe(16);
  });

  test.each([...functionTables.values()].map((table) => [table.protocol, table] as const))('%s', (protocol, table) => {
    const listed = names(table.functions).split(' ');
    expect(new Set(listed).size).toBe(listed.length);
    const codes = table.functions.flatMap((one) => one.codes.map((code) => `${one.layer.name} ${code.text}`));
    expect(new Set(codes).size).toBe(codes.length);
    expect(table.carrier === undefined || functionTables.has(table.carrier)).toBe(true);
    for (const one of table.functions) {
      expect(one.protocol).toBe(protocol);
      expect(one.name).toMatch(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/u);
      expect(one.codes.length).toBeGreaterThan(0);
      expect(one.layer.source.length).toBeGreaterThan(3);
      expect(one.layer.source).not.toMatch(/https?:|[\n\r\t]/u);
      // What has no class says why.
      if (one.class === undefined) expect(one.note ?? '').not.toBe('');
      if (one.container) expect(one.class).toBe(undefined);
      if (one.layer.by !== 'name') expect(one.codes.some((code) => code.number !== undefined)).toBe(true);
      for (const code of one.codes) {
        if (one.layer.by === 'stream') expect(code.text).toBe(`S${(code.number ?? 0) >> 8}F${(code.number ?? 0) & 0xff}`);
      }
    }
    // Names through a protocol are unique, too.
    const through = names(functionsNamed(protocol)).split(' ');
    expect(new Set(through).size).toBe(through.length);
  });

  test('numbers of one layer are unique, or something that follows tells them apart', () => {
    const seen = new Map<string, string>();
    for (const one of all) {
      for (const code of one.codes) {
        const key = `${one.protocol} ${one.layer.name} ${code.number ?? code.text} ${code.sub ?? ''}`;
        expect(seen.get(key), key).toBe(undefined);
        seen.set(key, one.name);
      }
    }
  });

  test('no name is a class or a word that the grammar reads otherwise', () => {
    const keywords = new Set(['session', 'none', 'other', ...allClasses, ...RESERVED, ...SERVICE_WORDS]);
    for (const table of Object.values(BLOCKS)) for (const word of table.properties.keys()) keywords.add(word);
    for (const one of all) expect(keywords.has(one.name), `${one.protocol} ${one.name}`).toBe(false);
  });

  test('the classes of a protocol are those that have functions', () => {
    for (const protocol of catalogue.values()) {
      expect(protocol.functions, protocol.name).toEqual(allClasses.filter((name) => functionsOfClass(protocol.name, name).length > 0));
    }
    for (const name of functionTables.keys()) expect(name === 'cotp' || catalogue.has(name), name).toBe(true);
  });
});

describe('session messages', () => {
  test.each([
    ['modbus', ''],
    ['s7comm', 'setup-communication connect-request disconnect-request empty-data'],
    ['mms', 'initiate conclude connect-request disconnect-request empty-data'],
    ['enip', 'nop list-services register-session unregister-session'],
    ['cip', 'nop list-services register-session unregister-session'],
    ['opcua', 'get-endpoints open-secure-channel close-secure-channel create-session activate-session close-session hello reverse-hello'],
    [
      'hsms',
      'select-request select-response deselect-request deselect-response linktest-request linktest-response reject-request separate-request establish-communications-request',
    ],
    ['iec104', 'startdt-act startdt-con stopdt-act stopdt-con testfr-act testfr-con supervisory'],
    ['dnp3', 'confirm reset-link test-link request-link-status link-acknowledge link-refuse link-status link-not-supported'],
    ['hart-ip', 'session-initiate session-close keep-alive'],
    ['fins', 'node-address'],
    ['slmp', ''],
    ['bacnet', ''],
    ['ads', ''],
    ['fox', 'hello log-in'],
  ])('%s: %s', (protocol, expected) => {
    expect(session(protocol)).toBe(expected);
  });

  test('an exchange of node addresses opens FINS over tcp alone', () => {
    expect(session('fins', 'udp')).toBe('');
  });

  test('none writes', () => {
    for (const one of all.filter(({ class: name }) => name === 'session')) {
      expect(one.name, one.protocol).not.toMatch(/write|(?:^|-)set-|send|download|delete|start(?!dt)|stop(?!dt)|operate|force|reset$|command|forward/u);
    }
  });
});

describe('facts', () => {
  test.each([
    ['modbus', 'read-holding-registers', 'read', '3'],
    ['modbus', 'write-single-register', 'write', '6'],
    ['modbus', 'write-multiple-registers', 'write', '16'],
    ['modbus', 'force-listen-only-mode', 'control', '8/4'],
    ['modbus', 'umas', 'program', '90'],
    ['s7comm', 'write-variables', 'write', '0x05'],
    ['s7comm', 'plc-stop', 'control', '0x29'],
    ['s7comm', 'set-clock', 'write', '7/2 7/4'],
    ['s7comm', 'cpu-functions', 'diagnostics', '4'],
    ['dnp3', 'cold-restart', 'control', '13'],
    ['cip', 'set-attribute-single', 'write', '0x10'],
    ['cip', 'forward-open', 'control', '0x54'],
    ['iec104', 'single-command', 'control', '45'],
    ['iec104', 'interrogation', 'read', '100'],
    ['bacnet', 'write-property', 'write', '15'],
    ['bacnet', 'who-is', 'read', '8'],
    ['mms', 'write-variables', 'write', '5'],
    ['opcua', 'call-method', 'control', '712'],
    ['opcua', 'create-subscription', 'read', '787'],
    ['fins', 'memory-area-write', 'write', '0x0102'],
    ['fins', 'stop', 'control', '0x0402'],
    ['slmp', 'remote-stop', 'control', '0x1002'],
    ['ads', 'write-control', 'control', '5'],
    ['hsms', 'host-command-send', 'control', 'S2F41 S2F42'],
    ['hsms', 'process-program-send', 'program', 'S7F3 S7F4'],
  ])('%s %s is %s, %s', (protocol, name, expected, codes) => {
    const one = found(protocol, name);
    expect(one.class).toBe(expected);
    expect(one.codes.map((code) => code.text).join(' ')).toBe(codes);
  });

  test('codes are numbers with what must follow', () => {
    expect(found('modbus', 'force-listen-only-mode').codes).toEqual([{ text: '8/4', number: 8, sub: 4 }]);
    expect(found('s7comm', 'pi-start-stop').codes).toEqual([{ text: '0x28 P_PROGRAM', number: 0x28, sub: 'P_PROGRAM' }]);
    expect(found('hsms', 'host-command-send').codes[0]).toEqual({ text: 'S2F41', number: 0x0229, sub: undefined });
    expect(found('opcua', 'hello').codes).toEqual([{ text: 'HEL', number: undefined, sub: 'HEL' }]);
  });

  test('what carries other messages has no class', () => {
    const containers = all.filter((one) => one.container).map((one) => `${one.protocol} ${one.name}`);
    expect(containers).toEqual([
      'bacnet forwarded-npdu',
      'bacnet distribute-broadcast-to-network',
      'bacnet original-unicast-npdu',
      'bacnet original-broadcast-npdu',
      'cip multiple-service-packet',
      'cip execute-pccc',
      'cip unconnected-send',
      'cip pccc-execute-multiple-commands',
      'enip send-rr-data',
      'enip send-unit-data',
      'fins frame',
      'hart-ip pass-through',
      'hsms data-message',
      'modbus other-encapsulated-interface',
      'modbus multiple-functions',
      'opcua message',
    ]);
  });
});
