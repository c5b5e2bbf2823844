/**
 * Whether one message can be that of two protocols, worked out from the layouts.
 *
 * For each length and each pair of forms, a message of both is looked for: bytes that never change, the length field and the function, each laid over
 * those of the other. Every pair of protocols that has one stands in the table, and no pair besides; within a protocol no two functions have one.
 */
import { describe, expect, test } from 'vitest';
import { type Form, hasLengthField, wordsOf } from '../../src/catalogue/frame.ts';
import { frames } from '../../src/catalogue/frames.ts';
import { functionsNamed } from '../../src/catalogue/functions.ts';
import { lookAlikes } from '../../src/catalogue/look-alikes.ts';
import { compileText } from '../generators/compile.ts';
import { classified } from './captures.ts';

/** What a byte may be, by its place. */
type Bytes = ReadonlyMap<number, ReadonlySet<number>>;

/** Undefined where a byte can be nothing. */
function laidOver(one: Bytes, other: Bytes): Bytes | undefined {
  const result = new Map(one);
  for (const [at, values] of other) {
    const before = result.get(at);
    const both = before === undefined ? values : new Set([...before].filter((value) => values.has(value)));
    if (both.size === 0) return undefined;
    result.set(at, both);
  }
  return result;
}

function numberAt(at: number, size: number, value: number, order: 'big' | 'little' = 'big'): Bytes {
  const bytes = Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** (size - 1 - index)) % 256);
  return new Map((order === 'big' ? bytes : bytes.toReversed()).map((byte, index) => [at + index, new Set([byte])] as const));
}

interface Message {
  readonly name: string;
  readonly bytes: Bytes;
}

/** What every message of a form with so many bytes has, and what its length field says; undefined if there is none. */
function startOf({ fixed, length }: Form, size: number): { readonly bytes: Bytes; readonly said: number | undefined } | undefined {
  let bytes: Bytes | undefined = new Map();
  for (const { at, size: width, values } of fixed) {
    const some = values.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
    bytes = laidOver(bytes, width === 1 ? new Map([[at, new Set(some)]]) : numberAt(at, width, some[0] ?? 0));
    if (bytes === undefined) return undefined;
  }
  if (!hasLengthField(length)) return size < length.first || size > length.last ? undefined : { bytes, said: undefined };
  let said: number | undefined;
  for (let value = length.least; value <= length.most; value += 1) if (length.message(value) === size) said = value;
  if (said === undefined) return undefined;
  bytes = laidOver(bytes, numberAt(length.at, length.size, said, length.order));
  return bytes === undefined ? undefined : { bytes, said };
}

/** Every message of a form with so many bytes. */
function messagesOf(protocol: string, form: Form, size: number): readonly Message[] {
  const start = startOf(form, size);
  if (start === undefined) return [];
  return functionsNamed(protocol)
    .filter(({ name, layer }) => layer.name === form.layer && frames.get(protocol)?.envelopes.has(name) !== true)
    .flatMap(({ name, codes }) =>
      codes.flatMap(({ number }) => {
        const lengths = number === undefined ? [] : form.lengths.get(number);
        if (number === undefined || (start.said !== undefined && lengths?.includes(start.said) === false)) return [];
        return wordsOf(form.function, number).flatMap((word) => {
          const bytes = laidOver(start.bytes, numberAt(form.function.at, form.function.size, word));
          return bytes === undefined || form.function.at + form.function.size > size ? [] : [{ name, bytes }];
        });
      }),
    );
}

/** Pairs of protocols that have a message in common, and pairs of functions of one protocol. */
function found(transport: 'tcp' | 'udp'): readonly string[] {
  const forms = [...frames].flatMap(([protocol, { forms: some }]) =>
    some.filter(({ on }) => (on ?? transport) === transport).map((one) => [protocol, one] as const),
  );
  const pairs = new Set<string>();
  for (let size = 1; size < 2020; size += 1) {
    const all = forms.flatMap(([protocol, one]) => {
      const start = startOf(one, size);
      return start === undefined ? [] : [{ protocol, form: one, bytes: start.bytes }];
    });
    for (const [index, one] of all.entries())
      for (const other of all.slice(index + 1)) {
        const same = one.protocol === other.protocol;
        // Most differ before any function is looked at.
        if ((!same && pairs.has(`${one.protocol} ${other.protocol}`)) || laidOver(one.bytes, other.bytes) === undefined) continue;
        const others = messagesOf(other.protocol, other.form, size);
        for (const a of others.length === 0 ? [] : messagesOf(one.protocol, one.form, size))
          for (const b of others)
            if (!(same && a.name === b.name) && laidOver(a.bytes, b.bytes) !== undefined)
              pairs.add(same ? `${one.protocol} ${a.name} ${b.name}` : `${one.protocol} ${other.protocol}`);
      }
  }
  return [...pairs].toSorted();
}

describe('look-alikes', () => {
  test.each(['tcp', 'udp'] as const)('the table holds every pair of protocols that have a message in common on %s', (transport) => {
    const table = lookAlikes.filter((one) => one.transports.includes(transport)).map(({ protocols }) => protocols.join(' '));
    expect(found(transport)).toEqual(table.toSorted());
  });

  test('a list of identities that writes eleven bytes of coils', () => {
    const message = Buffer.from(`630000000012010f000000580b${'ff'.repeat(11)}`, 'hex');
    expect(classified('enip', 'tcp', message).map(({ name }) => name)).toEqual(['list-identity']);
    expect(classified('modbus', 'tcp', message).map(({ name }) => name)).toEqual(['write-multiple-coils']);
  });
});

const plant = (flows: string, lines = 'manage none "console only"'): string => `policy "p" {}
zone office { level 4  networks 10.0.1.0/24 }
zone press  { level 1  networks 10.0.2.0/24 }
host one in press { address 10.0.2.7 }
host two in press { address 10.0.2.8 }
${flows}
gateway gw {
  target nftables
  interface eth0 { faces office  address 10.0.1.1/24 }
  interface eth1 { faces press  address 10.0.2.1/24 }
  ${lines}
}`;

describe('functions of look-alikes on one port', () => {
  const to = (name: string, end: string, services: string, effect = 'allow'): string => `flow ${name} { from office to ${end} ${effect} ${services} }\n`;
  const enip = 'enip diagnostics on tcp 5020';
  const modbus = 'modbus read on tcp 5020';
  const refused: readonly (readonly [name: string, flows: string, lines?: string])[] = [
    ['in one flow', to('a', 'press', `${modbus}, ${enip}`)],
    ['in two flows to one device', to('a', 'press', modbus) + to('b', 'two', enip)],
    ['where their ports overlap by one', to('a', 'one', 'modbus read on tcp 5000-5020') + to('b', 'one', 'enip diagnostics on tcp 5020-5030')],
    ['on the standard port of the other', to('a', 'one', 'enip diagnostics on tcp 502')],
    ['of FINS in datagrams', to('a', 'one', 'fins read on udp 5020, modbus read on udp 5020')],
    ['by an assert on the port of a flow', `${to('a', 'one', enip)}assert no_write { never office -> press : modbus write on tcp 5020 }`],
    ['by a test on the port of a flow', `${to('a', 'one', enip)}test "t" { deny office -> one : modbus write on tcp 5020 }`],
    ['by an assert about the gateway', 'assert no_write { never office -> gw : modbus write on tcp 5020 }\n', `manage from office allow ${enip}`],
    ["in a gateway's lines", '', `manage from office allow ${modbus}\n  receive from office allow ${enip}`],
  ];
  test.each(refused)('are refused %s', (_name, flows = '', lines) => {
    expect(compileText(plant(flows, lines)).errors.map((line) => line.slice(0, 6))).toEqual(['ZW2049']);
  });

  const taken: readonly (readonly [name: string, flows: string, lines?: string])[] = [
    ['to two devices', to('a', 'one', modbus) + to('b', 'two', enip)],
    ['on two ports', to('a', 'one', modbus) + to('b', 'one', 'enip diagnostics')],
    ['where one of them is denied', to('a', 'one', modbus) + to('b', 'one', 'modbus write on tcp 5020', 'deny')],
    ['of FINS in segments', to('a', 'one', 'fins read on tcp 5020, modbus read on tcp 5020')],
    ['by an assert of another port', `${to('a', 'one', enip)}assert no_write { never office -> press : modbus write }`],
    ['by an assert of another device', `${to('a', 'one', enip)}assert no_write { never office -> two : modbus write on tcp 5020 }`],
    [
      'by an assert about a network that holds the gateway',
      'assert no_write { never office -> press : modbus write on tcp 5020 }\n',
      `manage from office allow ${enip}`,
    ],
    ['to a gateway and from it', '', `manage from office allow ${modbus}\n  send to office allow ${enip}`],
  ];
  test.each(taken)('are taken %s', (_name, flows = '', lines) => {
    expect(compileText(plant(flows, lines)).errors).toEqual([]);
  });
});
