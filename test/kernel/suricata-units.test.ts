// Units of Modbus that Suricata looks for. Takes flows that name some, gives what Suricata lets through of every function to units at and beside every
// border: as the first message, as a later one, and behind another in one segment; and what servers get through the queue of a gateway. What may pass is
// written here as a condition on code and unit.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeUnless } from '../described.ts';
import { missingRequirement } from './requirements.ts';
import { client, message, plant } from './suricata-plant.ts';
import { Queue, streamFrom } from './suricata-queue.ts';
import { Conversations, Engine, missingSuricata, type Said } from './suricata.ts';

/** Whose clients may say this, and nothing else. */
interface Case {
  readonly source: string;
  readonly allows: string;
  readonly right: (code: number, unit: number) => boolean;
  /** A message that they may say. */
  readonly good: readonly [code: number, unit: number];
  readonly units: readonly number[];
}

const cases: Readonly<Record<string, Case>> = {
  'functions with units of their own': {
    source: '10.0.1.5',
    allows: 'modbus { function 3, function 4 } unit 5, modbus function 3 unit 7-9, modbus function 6 unit 0-1, modbus function 16 unit 200-255',
    right: (code, unit) =>
      (unit === 5 && (code === 3 || code === 4)) || (code === 3 && unit >= 7 && unit <= 9) || (code === 6 && unit <= 1) || (code === 16 && unit >= 200),
    good: [4, 5],
    units: [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 199, 200, 254, 255],
  },
  'units of one class, and a function to all': {
    source: '10.0.1.9',
    allows: 'modbus write unit 1-247, modbus function 1',
    right: (code, unit) => code === 1 || ([5, 6, 15, 16, 21, 22, 23].includes(code) && unit >= 1 && unit <= 247),
    good: [1, 77],
    units: [0, 1, 2, 3, 246, 247, 248, 255],
  },
  'everything but a unit': {
    source: '10.0.1.7',
    allows: 'modbus function 2 unit 1-255, modbus function 4 unit 0-2, modbus function 4 unit 4-255, modbus function 7 unit 0',
    right: (code, unit) => (code === 2 && unit > 0) || (code === 4 && unit !== 3) || (code === 7 && unit === 0),
    good: [2, 5],
    units: [0, 1, 2, 3, 4, 5, 254, 255],
  },
};

const flows = Object.values(cases)
  .map(({ source, allows }, index) => `flow f${index} { from ${source} to press allow ${allows} inspect stream }`)
  .join('\n');

const known = [...Array.from({ length: 24 }, (_, index) => index + 1), 43];
const unknown = Array.from({ length: 256 }, (_, code) => code).filter((code) => !known.includes(code));

/** A whole request of the function, with as much behind its code as it needs. */
function request(code: number, unit: number): string {
  const bodies: Readonly<Record<number, string>> = {
    5: '0000 ff00',
    7: '',
    11: '',
    12: '',
    15: '0000 0001 01 01',
    16: '0000 0001 02 0001',
    17: '',
    20: '07 06 0001 0000 0001',
    21: '09 06 0001 0000 0001 0001',
    22: '0000 0001 0001',
    23: '0000 0001 0000 0001 02 0001',
    24: '0000',
    43: '0e 01 00',
  };
  return message(`${code.toString(16).padStart(2, '0')} ${bodies[code] ?? '0000 0001'}`, '0009', unit);
}

describeUnless(missingSuricata(), 'units of Modbus in Suricata', () => {
  let engine: Engine;
  beforeAll(() => {
    engine = new Engine(plant(flows).files);
  });
  afterAll(() => engine.dispose());

  it('are taken without a warning', () => {
    expect(engine.check()).toEqual({ status: 0, complaints: [] });
  });

  it.each(Object.entries(cases))('%s: exactly these pass, first, later and pipelined', (_, { source, right, good, units }) => {
    const capture = new Conversations();
    const ends = { client: source, server: '10.0.2.7', port: 502 };
    const asked = [...known.map((code) => ({ code, its: units })), ...unknown.map((code) => ({ code, its: [good[1], units.at(-1) ?? 0] }))].flatMap(
      ({ code, its }) =>
        its.map((unit) => {
          const said = request(code, unit);
          const allowed = request(...good);
          const later: readonly Said[] = [
            ['C', allowed],
            ['S', message(`${good[0].toString(16).padStart(2, '0')} 01 00`, '0009', good[1])],
            ['C', said],
          ];
          const numbers = [client(said), later, client(allowed + said)].map((one) => capture.add(ends, one));
          return { code, unit, said, numbers };
        }),
    );
    const streams = capture.delivered(engine);
    const passed = (place: number): string[] =>
      asked.filter(({ said, numbers }) => streams.get(numbers[place] ?? 0)?.endsWith(said)).map(({ code, unit }) => `function ${code}, unit ${unit}`);
    const wanted = asked.filter(({ code, unit }) => right(code, unit)).map(({ code, unit }) => `function ${code}, unit ${unit}`);
    expect(wanted.length).toBeGreaterThan(9);
    expect({ first: passed(0), later: passed(1), pipelined: passed(2) }).toEqual({ first: wanted, later: wanted, pipelined: wanted });
  });

  it('without a rule about units another message reaches the server', () => {
    const { files } = plant(flows);
    const say = (rule: RegExp): readonly string[] => {
      const changed = files.map((file) => (file.name === 'suricata.rules' ? { ...file, text: file.text.replaceAll(rule, '') } : file));
      const capture = new Conversations();
      const said = [6, 10, 200].map((unit) => request(3, unit));
      const numbers = said.map((one) => capture.add({ client: '10.0.1.5', server: '10.0.2.7', port: 502 }, client(one)));
      const other = new Engine(changed);
      const streams = capture.delivered(other);
      other.dispose();
      return [6, 10, 200].flatMap((unit, index) => (streams.get(numbers[index] ?? 0) === '' ? [] : [`unit ${unit}`]));
    };
    expect(say(/^nothing$/gmu)).toEqual([]);
    expect(say(/^.*modbus:unit 6;.*\n/gmu)).toEqual(['unit 6']);
    expect(say(/^.*modbus:unit 9<>200;.*\n/gmu)).toEqual(['unit 10']);
    expect(say(/^.*modbus:unit >199, function 3;.*\n/gmu)).toEqual(['unit 200']);
  });
});

describe.each([
  ['legacy', 'IPv4', '10.0.2.7'],
  ['nf_tables', 'IPv6', '2001:db8:2::7'],
])('%s', (backend, family, address) =>
  describeUnless(missingRequirement() ?? missingSuricata(), 'units of Modbus in the queue of a gateway', () => {
    let queue: Queue;
    beforeAll(async () => {
      queue = await Queue.create(
        plant('flow poll { from office to press allow modbus function 3 unit 5-7, modbus function 6 unit 9 inspect stream }', '', `backend ${backend}`).files,
      );
    });
    afterAll(async () => queue.dispose());

    const [read, write] = [request(3, 6), request(6, 9)];
    const strange = [request(3, 4), request(3, 8), request(3, 9), request(6, 6), request(6, 8), request(6, 10), request(4, 6)];
    const said: readonly (readonly [name: string, segments: readonly string[], delivered: string])[] = [
      ['a read', [read], read],
      ['a write, behind a read', [read + write], read + write],
      ...strange.map((one, index) => [`a message to another unit, ${index}`, [one], ''] as const),
      ...strange.map((one, index) => [`a message to another unit behind a read, ${index}`, [read + one], ''] as const),
      ...[2, 6, 7, 8, 11].map((at) => [`one in ${at} bytes and the rest`, [request(3, 8).slice(0, 2 * at), request(3, 8).slice(2 * at)], ''] as const),
    ];

    it(`${family}: a server gets what is for its units and nothing else`, { timeout: 30_000 }, async () => {
      const serving = await queue.serve(address, '502');
      const talking = queue.talk(address, '502');
      const first = 21_000;
      for (const index of said.keys()) talking.say(`open ${first + index}`);
      await Promise.all([...said.keys()].map(async (index) => talking.line(new RegExp(`^opened ${first + index}$`))));
      for (const round of [0, 1]) {
        for (const [index, [, segments]] of said.entries()) if (segments[round] !== undefined) talking.say(`write ${first + index} ${segments[round] ?? ''}`);
        await wait(40);
      }
      await wait(1000);
      expect(said.map(([name], index) => [name, streamFrom(serving, first + index)])).toEqual(said.map(([name, , delivered]) => [name, delivered]));
      await talking.stop('SIGKILL');
      await serving.stop();
    });
  }),
);
