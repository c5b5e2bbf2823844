/**
 * What functions mean, by hand: which messages of a protocol the words hold, in an allow, in a deny and in a question.
 */
import { describe, expect, it, test } from 'vitest';
import { functionsNamed } from '../../src/catalogue/functions.ts';
import { functionTable } from '../../src/model/functions.ts';
import type { Model } from '../../src/model/model.ts';
import { resolve } from '../../src/model/resolve.ts';
import { load } from '../../src/pipeline/load.ts';
import { type FunctionSet, noFunction, otherFunction } from '../../src/packets/functions.ts';
import { containsService, type ServiceSet } from '../../src/packets/service-set.ts';

function modelOf(declarations: string): { readonly model: Model; readonly errors: readonly string[]; readonly help: readonly string[] } {
  const loaded = load('plant.zone', () =>
    Buffer.from(`policy "P" { revision 1 }
zone a { level 4  networks 10.0.0.0/24 }
zone b { level 1  networks 10.0.1.0/24 }
${declarations}
gateway gw {
  target nftables
  interface e0 { faces a  address 10.0.0.1/24 }
  interface e1 { faces b  address 10.0.1.1/24 }
  manage none "test"
}
`),
  );
  const { value, diagnostics } = resolve(loaded.declarations, loaded.sources);
  const wrong = [...loaded.diagnostics, ...diagnostics].filter((one) => one.severity === 'error');
  return { model: value, errors: wrong.map((one) => `${one.code} ${one.message}`), help: wrong.flatMap((one) => one.help) };
}

function setOf(words: string, where: 'allow' | 'deny' | 'never'): ServiceSet {
  const text = where === 'never' ? `assert x { never a -> b : ${words} }` : `flow x { from a  to b  ${where} ${words} }`;
  const { model, errors } = modelOf(text);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const [one] = where === 'never' ? model.asserts : model.flows;
  if (one === undefined || !('services' in one)) throw new Error('nothing came of it');
  return one.services.set;
}

/** `tcp 502: none, modbus read-coils`; what is whole is `all`. */
function shown(set: ServiceSet): string {
  return [...set.v4.values]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([protocol, map]) => map.map((one) => `${protocol === 6 ? 'tcp' : 'udp'} ${one.first}: ${messages(one.functions)}`))
    .join(' | ');
}

function messages(set: FunctionSet): string {
  const names = functionTable.among(set).map((one) => `${one.protocol} ${one.name}`);
  const edges = [...(functionTable.hasNone(set) ? ['none'] : []), ...(functionTable.hasOther(set) ? ['other'] : [])];
  return names.length > 100 ? `${edges.join(', ')}, ${names.length} functions` : [...edges, ...names].join(', ');
}

const modbusRead = [
  'read-coils',
  'read-discrete-inputs',
  'read-holding-registers',
  'read-input-registers',
  'read-file-record',
  'read-fifo-queue',
  'read-device-identification',
]
  .map((name) => `modbus ${name}`)
  .join(', ');
const iso = 'cotp connect-request, cotp disconnect-request, cotp empty-data';
const enip = ['nop', 'list-services', 'register-session', 'unregister-session'].map((name) => `enip ${name}`).join(', ');

describe('words', () => {
  test.each([
    // A class; by name, by code, by title: one function.
    ['modbus read', 'allow', `tcp 502: none, ${modbusRead}`],
    ['modbus read', 'never', `tcp 502: ${modbusRead}`],
    ['modbus function 3', 'allow', 'tcp 502: none, modbus read-holding-registers'],
    ['modbus function 0x03', 'never', 'tcp 502: modbus read-holding-registers'],
    ['modbus read-holding-registers', 'never', 'tcp 502: modbus read-holding-registers'],
    ['modbus "Read Holding Registers"', 'never', 'tcp 502: modbus read-holding-registers'],
    ['modbus { function 6, read-coils }', 'never', 'tcp 502: modbus read-coils, modbus write-single-register'],
    // A number means every function that has it, whatever follows.
    [
      'modbus function 8',
      'never',
      'tcp 502: modbus other-diagnostics, modbus clear-diagnostic-counters, modbus restart-communications, modbus force-listen-only-mode',
    ],
    // A deny takes what is not recognised with it: on this port, whatever is no other function of Modbus (of which there are 38 here, with that one).
    ['modbus write-single-coil', 'deny', 'tcp 502: other, 581 functions'],
    // Session messages come along, those of the protocol below included.
    ['s7comm read-variables', 'allow', `tcp 102: none, ${iso}, s7comm setup-communication, s7comm read-variables`],
    ['s7comm function 0x04', 'never', 'tcp 102: s7comm read-variables'],
    ['s7comm group 7 function 2', 'never', 'tcp 102: s7comm set-clock'],
    ['s7comm group 7', 'never', 'tcp 102: s7comm read-clock, s7comm set-clock'],
    ['s7comm connect-request', 'never', 'tcp 102: cotp connect-request'],
    ['cip read-tag', 'allow', `tcp 44818: none, cip read-tag, ${enip}`],
    ['enip register-session', 'never', 'tcp 44818: enip register-session | udp 44818: enip register-session'],
    ['fins run', 'allow', 'tcp 9600: none, fins node-address, fins run | udp 9600: none, fins run'],
    // Streams of SECS: a message and its answer are one function.
    ['hsms stream 2 function 41 on tcp 5001', 'never', 'tcp 5001: hsms host-command-send'],
    ['hsms function 42 stream 2 on tcp 5001', 'never', 'tcp 5001: hsms host-command-send'],
    ['hsms S2F41 on tcp 5001', 'never', 'tcp 5001: hsms host-command-send'],
    ['hsms s2f42 on tcp 5001', 'never', 'tcp 5001: hsms host-command-send'],
    ['hsms { stream 6 function 11, stream 1 function 1 } on tcp 5001', 'never', 'tcp 5001: hsms event-report, hsms are-you-there'],
    ['hsms read stream 5-6 on tcp 5001', 'never', 'tcp 5001: hsms alarm-report, hsms event-report'],
    [
      'hsms stream 7 on tcp 5001',
      'never',
      'tcp 5001: hsms current-eppd-request, hsms process-program-send, hsms process-program-request, hsms delete-process-program, hsms formatted-process-program-send',
    ],
    // Names of the standard.
    ['iec104 C_SC_NA_1', 'never', 'tcp 2404: iec104 single-command'],
    ['iec104 "C_SC_NA_1"', 'never', 'tcp 2404: iec104 single-command'],
    ['opcua "ReadRequest"', 'never', 'tcp 4840: opcua read-values'],
    // Behind except the session messages are taken out, too.
    ['tcp 502 except { modbus function 3, modbus function 4 }', 'never', 'tcp 502: other, 614 functions'],
    ['modbus except modbus read', 'deny', 'tcp 502: other, 609 functions'],
  ] as const)('%s in %s: %s', (words, where, expected) => {
    expect(shown(setOf(words, where))).toBe(expected);
  });

  test('a declared service reads where it is used', () => {
    const text = (where: string): string => `service some { modbus write-single-coil }\n${where}`;
    const set = (where: string): string => {
      const { model } = modelOf(text(where));
      const [one] = [...model.flows, ...model.asserts];
      return one !== undefined && 'services' in one ? shown(one.services.set) : '';
    };
    expect(set('flow x { from a  to b  allow some }')).toBe('tcp 502: none, modbus write-single-coil');
    expect(set('flow x { from a  to b  deny some }')).toBe('tcp 502: other, 581 functions');
    expect(set('assert x { never a -> b : some }')).toBe('tcp 502: modbus write-single-coil');
  });
});

describe('numbers out of range', () => {
  test.each([
    ['unit 300', 'ZW2009 unit `300` is not between 0 and 255', 'leave `unit` out to mean every unit'],
    ['unit 5-256', 'ZW2009 unit `256` is not between 0 and 255', 'leave `unit` out to mean every unit'],
    ['address 400101', 'ZW2009 address `400101` is not between 0 and 65535', 'holding register 40101 or 400101 is address 100'],
  ])('%s', (words, error, hint) => {
    const { errors, help } = modelOf(`flow x { from a  to b  allow modbus read ${words} }`);
    expect(errors).toEqual([error]);
    expect(help.join('\n')).toContain(hint);
  });
});

describe('requests', () => {
  test('run forward unless the flow says otherwise, and only where a server may dial', () => {
    const of = (line: string): string => modelOf(`flow x { from a  to b  ${line} }`).model.flows[0]?.requests ?? '';
    expect(of('allow dnp3')).toBe('forward');
    expect(of('allow dnp3 read  requests forward')).toBe('forward');
    expect(of('allow dnp3 read  requests backward')).toBe('backward');
    expect(of('allow hsms on tcp 5001  requests backward')).toBe('backward');
    expect(modelOf('flow x { from a  to b  allow modbus  requests backward }').errors).toEqual([
      'ZW2046 requests of flow `x` cannot run backward: no server of its services opens a conversation',
    ]);
    expect(modelOf('flow x { from a  to b  allow dnp3 read, modbus read  requests backward }').errors).toEqual([
      'ZW2046 requests of flow `x` cannot run backward: no server of modbus opens a conversation',
    ]);
  });
});

describe('units and addresses', () => {
  const [low, high] = [100, 200];
  const numbers = new Map(functionsNamed('modbus').map((one) => [one.name, functionTable.number(one)]));
  const says = (set: ServiceSet, name: string, unit: number, first: number, last: number): boolean =>
    containsService(set, 4, 6, 502, numbers.get(name) ?? -1, { unit, firstAddress: first, lastAddress: last });
  const reads = 'read-holding-registers';

  it('mean in an allow what stays within, and what comes along always', () => {
    const set = setOf('modbus { read, write-single-register } unit 3 address 100-200', 'allow');
    const inside: [number, number][] = [
      [low, low],
      [low, high],
      [high, high],
      [150, 160],
    ];
    const outside: [number, number][] = [
      [99, 99],
      [99, 100],
      [99, 201],
      [100, 201],
      [201, 201],
      [200, 201],
      [150, 65_536],
      [100, 131_071],
      [0, 0],
      [65_535, 65_535],
    ];
    for (const [first, last] of inside) expect(says(set, reads, 3, first, last), `${first}-${last}`).toBe(true);
    for (const [first, last] of outside) expect(says(set, reads, 3, first, last), `${first}-${last}`).toBe(false);
    for (const unit of [0, 2, 4, 255]) expect(says(set, reads, unit, low, high)).toBe(false);
    // A single address has no last one.
    expect([99, 100, 200, 201].map((first) => says(set, 'write-single-register', 3, first, 0))).toEqual([false, true, true, false]);
    expect(containsService(set, 4, 6, 502, noFunction)).toBe(true);
    for (const name of ['read-file-record', 'read-fifo-queue', 'read-device-identification', 'write-single-coil'])
      expect(says(set, name, 3, 150, 150), name).toBe(false);
  });

  it('mean in a deny, and where they must never pass, what touches them or counts nonsense', () => {
    for (const where of ['deny', 'never'] as const) {
      const set = setOf('modbus write unit 3 address 100-200', where);
      const touching: [number, number][] = [
        [100, 100],
        [99, 100],
        [0, 65_535],
        [200, 201],
        [150, 160],
        [0, 65_536],
        [300, 65_536],
        [65_535, 131_071],
      ];
      for (const [first, last] of touching) expect(says(set, 'write-multiple-registers', 3, first, last), `${where} ${first}-${last}`).toBe(true);
      for (const [first, last] of [
        [0, 99],
        [99, 99],
        [201, 201],
        [201, 65_535],
      ] as const)
        expect(says(set, 'write-multiple-registers', 3, first, last), `${where} ${first}-${last}`).toBe(false);
      expect([99, 100, 200, 201].map((first) => says(set, 'write-single-coil', 3, first, 0))).toEqual([false, true, true, false]);
      expect(says(set, 'write-multiple-registers', 4, 150, 150)).toBe(false);
      expect(says(set, reads, 3, 150, 150)).toBe(false);
      expect(containsService(set, 4, 6, 502, otherFunction)).toBe(where === 'deny');
      expect(containsService(set, 4, 6, 502, noFunction)).toBe(false);
    }
  });

  it('are whole functions where all of them are named, save what lies in no range', () => {
    expect(setOf('modbus read unit 0-255', 'allow')).toEqual(setOf('modbus read', 'allow'));
    const all = setOf('modbus { read-coils, write-single-coil } address 0-65535', 'allow');
    expect(says(all, 'write-single-coil', 9, 65_535, 0)).toBe(true);
    expect(says(all, 'read-coils', 9, 0, 65_535)).toBe(true);
    expect(says(all, 'read-coils', 9, 65_535, 65_536)).toBe(false);
    const everything = setOf('modbus unit 3', 'allow');
    for (const one of functionsNamed('modbus'))
      expect(
        [3, 4].map((unit) => says(everything, one.name, unit, 7, 131_071)),
        one.name,
      ).toEqual([true, false]);
    expect(containsService(everything, 4, 6, 502, otherFunction)).toBe(false);
  });
});
