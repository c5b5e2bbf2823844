// What Suricata's keywords for units and addresses of Modbus match. Takes rules of single keywords, gives the messages that each matches; what
// should match is written here as a condition on numbers. Rules rest on what is exact of it, those for units alone.

import { beforeAll, describe, expect, it } from 'vitest';
import { describeUnless } from '../described.ts';
import type { EmittedFile } from '../../src/target/target.ts';
import { message, plant, readOnly } from './suricata-plant.ts';
import { Conversations, Engine, missingSuricata, type Said } from './suricata.ts';

const word = (value: number): string => value.toString(16).padStart(4, '0');

interface Message {
  readonly name: string;
  readonly hex: string;
}

/** The files of a gateway that reads, with other rules. */
function withRules(edit: (emitted: string) => string): EmittedFile[] {
  return plant(readOnly).files.map((file) => (file.name === 'suricata.rules' ? { ...file, text: edit(file.text) } : file));
}

/** Matches by every rule: names of rules, by the name of a message. */
function matching(rules: readonly string[], messages: readonly Message[]): ReadonlyMap<string, ReadonlySet<string>> {
  const { files } = plant(readOnly);
  const engine = new Engine(
    files.map((file) =>
      file.name === 'suricata.rules'
        ? {
            ...file,
            text: rules.map((rule, index) => `alert modbus any any -> any 502 (msg:"${rule}"; flow:to_server; ${rule}; sid:${index + 1};)\n`).join(''),
          }
        : file,
    ),
  );
  const capture = new Conversations();
  const numbers = messages.map(({ hex }) => capture.add({ client: '10.0.1.5', server: '10.0.2.7', port: 502 }, [['C', hex]]));
  const found = capture.matched(engine);
  engine.dispose();
  return new Map(messages.map(({ name }, index) => [name, found.get(numbers[index] ?? 0) ?? new Set()]));
}

const units = Array.from({ length: 256 }, (_, unit): Message => ({ name: `unit ${unit}`, hex: message('03 0000 0001', '0001', unit) }));
const unitRules: readonly (readonly [rule: string, holds: (unit: number) => boolean])[] = [
  ...[0, 1, 127, 128, 247, 255].map((one) => [`modbus:unit ${one}`, (unit: number) => unit === one] as const),
  ['modbus:unit <10', (unit) => unit < 10],
  ['modbus:unit >10', (unit) => unit > 10],
  // Both ends are left out.
  ['modbus:unit 5<>10', (unit) => unit > 5 && unit < 10],
  ['modbus:unit 5<>6', () => false],
  // But not 0 at the beginning.
  ['modbus:unit 0<>5', (unit) => unit < 5],
  ['modbus:unit >1', (unit) => unit > 1],
  ['modbus:unit >254', (unit) => unit === 255],
  ['modbus:unit 253<>255', (unit) => unit === 254],
  ['modbus:unit >0', () => true],
  // What no number can be is taken for the number itself.
  ['modbus:unit <0', (unit) => unit === 0],
  ['modbus:unit 7, function 3', (unit) => unit === 7],
  ['modbus:unit 7, function 6', () => false],
  ['modbus:unit >250, access read holding, address 1', (unit) => unit > 250],
];

/** Reads of registers by first address and count. */
const spans = [
  ...[0, 4, 8, 9, 10, 11, 17, 18, 19, 20, 65_533, 65_534].map((first) => [first, 1] as const),
  ...([
    [8, 2],
    [9, 2],
    [18, 2],
    [0, 125],
    [65_530, 5],
  ] as const),
];
/** Whose last address is 65535, or would be above it. */
const atTheEnd = [
  [65_535, 1],
  [65_530, 6],
  [65_530, 7],
  [65_535, 2],
] as const;
const spanName = ([first, count]: readonly [number, number]): string => `${count} from ${first}`;
const readsOf = (some: readonly (readonly [number, number])[]): Message[] =>
  some.map((span) => ({ name: spanName(span), hex: message(`03 ${word(span[0])} ${word(span[1])}`) }));

/** Whether some address of the wire is touched that lies between the two. */
const touches =
  (low: number, high: number) =>
  ([first, count]: readonly [number, number]): boolean =>
    first <= high && first + count - 1 >= low;
const nothing = (): boolean => false;

/** Suricata counts addresses from 1. */
const addressRules: readonly (readonly [range: string, holds: (span: readonly [number, number]) => boolean])[] = [
  ['10', touches(9, 9)],
  ['<10', touches(0, 8)],
  ['>10', touches(10, 65_534)],
  ['10<>20', touches(10, 18)],
  ['0<>10', touches(0, 8)],
  ['0', nothing],
  ['<1', nothing],
  ['>65534', touches(65_534, 65_534)],
  ['>65535', touches(65_534, 65_534)],
  // Between two neighbours there is none, and yet it matches who touches both.
  ['10<>11', (span) => touches(9, 9)(span) && touches(10, 10)(span)],
];

/** One message of each function; addresses are 9 where nothing else is said. */
const kinds: readonly Message[] = [
  { name: '1', hex: message('01 0009 0001') },
  { name: '2', hex: message('02 0009 0001') },
  { name: '3', hex: message('03 0009 0001') },
  { name: '4', hex: message('04 0009 0001') },
  { name: '5', hex: message('05 0009 ff00') },
  { name: '6', hex: message('06 0009 0001') },
  { name: '15', hex: message('0f 0009 0001 01 01') },
  { name: '16', hex: message('10 0009 0001 02 0001') },
  { name: '20', hex: message('14 07 06 0001 0009 0001') },
  { name: '21', hex: message('15 09 06 0001 0009 0001 0001') },
  { name: '22', hex: message('16 0009 0001 0001') },
  { name: '23 that writes 9', hex: message('17 0100 0001 0009 0001 02 0001') },
  { name: '23 that reads 9', hex: message('17 0009 0001 0100 0001 02 0001') },
  { name: '24', hex: message('18 0009') },
  { name: '7', hex: message('07') },
  { name: '43', hex: message('2b 0e 01 00') },
  { name: '5 at 65535', hex: message('05 ffff ff00') },
  { name: '6 at 65535', hex: message('06 ffff 0001') },
  { name: '16 at 65535', hex: message('10 ffff 0001 02 0001') },
  { name: '22 at 65535', hex: message('16 ffff 0001 0001') },
];
const both23 = ['23 that writes 9', '23 that reads 9'];
const accessRules: readonly (readonly [access: string, matches: readonly string[]])[] = [
  ['read', ['1', '2', '3', '4', ...both23]],
  ['read coils', ['1']],
  ['read discretes', ['2']],
  ['read input', ['4']],
  ['read holding', ['3', ...both23]],
  ['write', ['5', '6', '15', '16', '22', ...both23, '5 at 65535', '6 at 65535', '16 at 65535', '22 at 65535']],
  ['write coils', ['5', '15', '5 at 65535']],
  ['write holding', ['6', '16', '22', ...both23, '6 at 65535', '16 at 65535', '22 at 65535']],
  // Of 23 it knows the addresses that are written, also where it is asked for those that are read.
  ['read, address 10', ['1', '2', '3', '4', '23 that writes 9']],
  ['write, address 10', ['5', '6', '15', '16', '22', '23 that writes 9']],
  // A single write to 65535 is one to 0, which is below 1; several are nowhere.
  ['write, address <1', ['5 at 65535', '6 at 65535', '22 at 65535']],
  ['write, address >65534', []],
];

describeUnless(missingSuricata(), 'keywords of Suricata for Modbus', () => {
  const rules = [
    ...unitRules.map(([rule]) => rule),
    ...addressRules.map(([range]) => `modbus:access read holding, address ${range}`),
    ...accessRules.map(([access]) => `modbus:access ${access}`),
  ];
  let found: ReadonlyMap<string, ReadonlySet<string>>;
  beforeAll(() => {
    found = matching(rules, [...units, ...readsOf([...spans, ...atTheEnd]), ...kinds]);
  });
  const matched = (rule: string, names: readonly string[]): string[] => names.filter((name) => found.get(name)?.has(rule) === true);

  it.each(unitRules)('%s', (rule, holds) => {
    expect(
      matched(
        rule,
        units.map(({ name }) => name),
      ),
    ).toEqual(units.filter((_, unit) => holds(unit)).map(({ name }) => name));
  });

  it('modbus:unit 1 matches every function', () => {
    const names = kinds.map(({ name }) => name);
    expect(matched('modbus:unit 1', names)).toEqual(names);
  });

  describe('access read holding, address', () => {
    it.each(addressRules)('%s', (range, holds) => {
      const rule = `modbus:access read holding, address ${range}`;
      expect(matched(rule, spans.map(spanName))).toEqual(spans.filter(holds).map(spanName));
      // Which no address matches.
      expect(matched(rule, atTheEnd.map(spanName))).toEqual([]);
    });
  });

  describe('access', () => {
    it.each(accessRules)('%s', (access, matches) => {
      expect(
        matched(
          `modbus:access ${access}`,
          kinds.map(({ name }) => name),
        ),
      ).toEqual(kinds.map(({ name }) => name).filter((name) => matches.includes(name)));
    });
  });

  it('take no negation, no list, and no address without an access', () => {
    const words = ['unit !5', 'unit 4-6', 'unit 1,2', 'function 3, address 10', 'access read holding, address !10', 'access read holding, address 10-20'];
    const engine = new Engine(withRules(() => words.map((one, index) => `drop modbus any any -> any 502 (modbus:${one}; sid:${index + 1};)\n`).join('')));
    const { status, complaints } = engine.check();
    engine.dispose();
    expect(status).toBe(1);
    expect(words.filter((one) => !complaints.some((line) => line.includes(`(modbus:${one};`)))).toEqual([]);
  });
});

describeUnless(missingSuricata(), 'rules by complement', () => {
  /** What reaches the server when these rules stand beside those for reading: names of messages, said alone, after a read, and behind one. */
  function reaching(
    forbidden: readonly string[],
    messages: readonly Message[],
  ): { readonly first: string[]; readonly later: string[]; readonly behind: string[] } {
    const engine = new Engine(
      withRules(
        (emitted) => emitted + forbidden.map((one, index) => `drop modbus any any -> any 502 (flow:to_server; modbus:${one}; sid:${index + 1};)\n`).join(''),
      ),
    );
    const capture = new Conversations();
    const add = (said: readonly Said[]): number => capture.add({ client: '10.0.1.5', server: '10.0.2.7', port: 502 }, said);
    const good = message('03 000a 0001', '0001', 5);
    const numbers = messages.map(({ hex }) => ({
      first: add([['C', hex]]),
      later: add([
        ['C', good],
        ['S', message('03 02 0007', '0001', 5)],
        ['C', hex],
      ]),
      behind: add([['C', good + hex]]),
    }));
    const streams = capture.delivered(engine);
    engine.dispose();
    const passed = (place: 'first' | 'later' | 'behind'): string[] =>
      messages.filter(({ hex }, index) => streams.get(numbers[index]?.[place] ?? 0)?.endsWith(hex)).map(({ name }) => name);
    return { first: passed('first'), later: passed('later'), behind: passed('behind') };
  }

  it('let exactly the units pass that no rule names', () => {
    const passes = ['unit 5', 'unit 7', 'unit 8'];
    expect(reaching(['unit <5', 'unit 5<>7', 'unit >8'], units)).toEqual({ first: passes, later: passes, behind: passes });
  });

  it('let the addresses pass that no rule names, and reads that reach the last one', () => {
    const ranges = ['access read holding, address <11', 'access read holding, address >20'];
    const inside = spans.filter(([first, count]) => first >= 10 && first + count - 1 <= 19).map(spanName);
    expect(inside.length).toBeGreaterThan(3);
    const passes = [...inside, ...atTheEnd.map(spanName)];
    expect(reaching(ranges, readsOf([...spans, ...atTheEnd]))).toEqual({ first: passes, later: passes, behind: passes });
  });
});
