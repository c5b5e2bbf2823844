// Units and addresses of Modbus, judged by the kernel. Takes flows that name some, gives what came through of requests of every function to units and
// data at and beside every border. The idea: what a request touches is read here from its bytes as a device would read them, by the Modbus
// specification alone; whether it may pass is said twice, by arithmetic of the test and by `evaluate`, and all three have to agree.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionsNamed } from '../../src/catalogue/functions.ts';
import { functionTable } from '../../src/model/functions.ts';
import { parseAddress } from '../../src/net/address.ts';
import type { MessageDetails } from '../../src/packets/function-set.ts';
import { otherFunction } from '../../src/packets/functions.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Ruleset } from '../generators/compile.ts';
import { Bench, families, passed } from './bench.ts';
import { type Ends, type Part, TcpConversation, udpAsk } from './conversations.ts';
import { describeKernel } from './requirements.ts';

/** The largest quantity that a function may ask for; 1 where it has none. V1.1b3, section 6. */
const largest: Readonly<Record<number, number>> = { 1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123, 22: 1, 23: 125 };
const largestWritten = 121;
const writing = [5, 6, 15, 16, 22, 23];

interface Sample {
  readonly code: number;
  readonly unit: number;
  readonly start: number;
  readonly quantity: number;
  /** Function 23: what it writes. */
  readonly written?: readonly [start: number, quantity: number];
  /** How much the byte count says more, or less, than there is. */
  readonly lie?: number;
  /** Bytes of data more, or fewer, than the count says; the header counts them right. */
  readonly tail?: number;
}

const word = (value: number): number[] => [value >> 8, value & 0xff];

function encoded({ code, unit, start, quantity, written, lie = 0, tail = 0 }: Sample): Uint8Array {
  const body = ((): number[] => {
    switch (code) {
      case 5:
        return [...word(start), 0xff, 0];
      case 6:
        return [...word(start), 1, 2];
      case 22:
        return [...word(start), 0xff, 0xf0, 0, 1];
      case 15:
      case 16:
      case 23: {
        const [from, many] = written ?? [start, quantity];
        const most = code === 23 ? largestWritten : (largest[code] ?? 0);
        const bytes = code === 15 ? Math.ceil(Math.min(many, most) / 8) : 2 * Math.min(many, most);
        return [
          ...word(start),
          ...word(quantity),
          ...(code === 23 ? [...word(from), ...word(many)] : []),
          bytes + lie,
          ...Array.from({ length: bytes + tail }, () => 7),
        ];
      }
      default:
        return [...word(start), ...word(quantity)];
    }
  })();
  return Uint8Array.from([0, 1, 0, 0, ...word(body.length + 2), unit, code, ...body]);
}

/** What it touches, as first and last address; undefined for nonsense. */
function touched({ code, start, quantity, written, lie = 0, tail = 0 }: Sample): readonly [number, number] | undefined {
  if (largest[code] === 1) return [start, start];
  const parts: [number, number, number][] = [
    [start, quantity, largest[code] ?? 0],
    ...(written === undefined ? [] : [[...written, largestWritten] as [number, number, number]]),
  ];
  if (lie !== 0 || tail !== 0 || parts.some(([from, many, most]) => many < 1 || many > most || from + many > 65_536)) return undefined;
  return [Math.min(...parts.map(([from]) => from)), Math.max(...parts.map(([from, many]) => from + many - 1))];
}

interface Case {
  readonly flows: string;
  readonly borders: readonly (readonly [number, number])[];
  readonly units: readonly number[];
  readonly right: (sample: Sample, data: readonly [number, number] | undefined) => boolean;
}

const within = (data: readonly [number, number] | undefined, first: number, last: number): boolean => data !== undefined && data[0] >= first && data[1] <= last;
const touching = (data: readonly [number, number] | undefined, first: number, last: number): boolean =>
  data === undefined || (data[0] <= last && data[1] >= first);

const both = (service: string, effect = 'allow'): string =>
  `from office to press ${effect} ${service
    .split(/, (?=modbus)/u)
    .map((one) => `${one}, ${one} on udp 502`)
    .join(', ')}`;
const cases: Readonly<Record<string, Case>> = {
  'some units, some addresses of another': {
    flows: `flow a { ${both('modbus { read, write } unit 3 address 100-299, modbus read unit 5-6')} }`,
    borders: [[100, 299]],
    units: [0, 2, 3, 4, 5, 6, 7, 255],
    right: ({ unit, code }, data) => (unit === 3 ? within(data, 100, 299) : (unit === 5 || unit === 6) && !writing.includes(code)),
  },
  'a wide range beside a single address': {
    flows: `flow a { ${both('modbus { read, write } unit 3 address 60-4000')} }\nflow b { ${both('modbus write address 65535, modbus read unit 4 address 7')} }`,
    borders: [
      [60, 4000],
      [65_535, 65_535],
      [7, 7],
    ],
    units: [3, 4],
    right: ({ unit, code }, data) =>
      (unit === 3 && within(data, 60, 4000)) ||
      (writing.includes(code) && within(data, 65_535, 65_535)) ||
      (unit === 4 && !writing.includes(code) && within(data, 7, 7)),
  },
  'everything but what a deny touches': {
    flows: `flow a { ${both('modbus')} }\nflow d { ${both('modbus write unit 3 address 100-200', 'deny')} }`,
    borders: [[100, 200]],
    units: [3, 4],
    right: ({ unit, code }, data) => unit !== 3 || !writing.includes(code) || !touching(data, 100, 200),
  },
  'every address that there is': {
    flows: `flow a { ${both('modbus { read, write } address 0-65535')} }`,
    borders: [[0, 65_535]],
    units: [1],
    right: (_sample, data) => data !== undefined,
  },
};

function samples({ borders, units }: Case): readonly Sample[] {
  const list: Sample[] = [];
  const clamp = (values: readonly number[]): number[] => [...new Set(values.filter((value) => value >= 0 && value <= 65_535))];
  for (const [code, most] of Object.entries(largest).map(([key, value]) => [Number(key), value] as const)) {
    for (const [first, last] of borders) {
      const starts = clamp([first - 1, first, first + 1, last - most, last - most + 1, last - most + 2, last - 1, last, last + 1, 0, 65_535]);
      for (const [at, unit] of units.entries()) {
        for (const start of at === units.indexOf(3) || units.length === 1 ? starts : [first, last + 1]) {
          const room = last - start + 1;
          for (const quantity of most === 1 ? [1] : clamp([0, 1, 2, room - 1, room, room + 1, most, most + 1, 65_536 - start, 65_535])) {
            if (code !== 23) list.push({ code, unit, start, quantity });
            else
              for (const written of [
                [start, Math.min(quantity, largestWritten)],
                [first, 1],
                [first - 1, 1],
                [last, 2],
                [last - 120, 121],
                [last, 0],
                [first, 122],
              ] as const)
                if (written[0] >= 0 && written[0] <= 65_535) list.push({ code, unit, start, quantity, written });
          }
        }
        const data = { code, unit, start: first, quantity: 1, ...(code === 23 ? { written: [first, 1] as const } : {}) };
        if ([15, 16, 23].includes(code)) for (const lie of [-1, 1]) list.push({ ...data, lie }, { ...data, tail: lie }, { ...data, lie, tail: -lie });
      }
    }
  }
  return list;
}

function nameOf({ code, unit, start, quantity, written, lie, tail }: Sample): string {
  const more = [
    written === undefined ? '' : `, writes ${written.join(' + ')}`,
    lie === undefined ? '' : `, counts ${lie} more`,
    tail === undefined ? '' : `, ${tail} bytes more`,
  ];
  return `function ${code}, unit ${unit}, ${start} + ${quantity}${more.join('')}`;
}

/** Lengths that the function never has are those of no message, whoever asks for addresses or not. */
function isRecognised(sample: Sample): boolean {
  const length = encoded(sample).length - 6;
  if (sample.code === 15) return length >= 8 && length <= 253;
  const least = sample.code === 16 ? 9 : 13;
  return ![16, 23].includes(sample.code) || (length >= least && length <= 253 && (length - least) % 2 === 0);
}

describeKernel('units and addresses', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create();
  });
  afterAll(async () => bench.dispose());

  const numbers = new Map(
    functionsNamed('modbus')
      .flatMap((one) => one.codes.map((code) => [code.number, functionTable.number(one)] as const))
      .toReversed(),
  );

  function specified({ house }: Ruleset, ends: Ends, protocol: number, sample: Sample): boolean {
    const [source, destination] = [parseAddress(ends.client.address), parseAddress(ends.server.address)];
    if (source === undefined || destination === undefined) throw new Error('no addresses');
    const [firstAddress, lastAddress] = touched(sample) ?? [sample.start, 65_536];
    const details: MessageDetails = { unit: sample.unit, firstAddress, lastAddress };
    const functionNumber = isRecognised(sample) ? (numbers.get(sample.code) ?? -1) : otherFunction;
    const place = { hook: 'forward', inInterface: 'eth0', outInterface: 'eth1', source, destination, protocol, sourcePort: 4000, value: 502 } as const;
    const state = { hopLimit: 64, state: 'established', direction: 'original', markCurrent: true, local: false } as const;
    return evaluate(house, { ...place, ...state, functionNumber, details }).accepted;
  }

  describe.each(families)('%s', (family, { ends }) => {
    it.each(Object.entries(cases))('%s', { timeout: 30_000 }, async (_what, one) => {
      await bench.gateway.flushConntrack();
      const ruleset = await bench.enforce({ flows: one.flows });
      expect(await bench.passes(...new TcpConversation(ends).handshake())).toEqual([true, true, true]);
      const all = samples(one);
      const segment = (payload: Uint8Array): Part => ({
        entry: { kind: 'wire', interface: ends.client.behind },
        packet: {
          source: ends.client.address,
          destination: ends.server.address,
          transport: {
            kind: 'tcp',
            sourcePort: ends.client.port,
            destinationPort: ends.server.port,
            flags: 'PA',
            sequence: 1001,
            acknowledgement: 9001,
            payload,
          },
        },
      });
      const wrong: string[] = [];
      const counts = { passes: 0, blocked: 0 };
      for (const [protocol, part] of [
        [6, segment],
        [17, (payload: Uint8Array): Part => udpAsk(ends, payload)],
      ] as const) {
        // Over UDP and IPv6 an even share: the same lookups of the same bytes, behind other headers.
        const step = (protocol === 6 ? 1 : 5) * (family === 'IPv6' ? 3 : 1);
        const some = all.filter((_, at) => at % step === 0);
        const seen = await bench.gateway.send(some.map((sample, id) => ({ ...part(encoded(sample)), id })));
        bench.gateway.takeStrays();
        for (const [id, sample] of some.entries()) {
          const observation = seen.get(id);
          const through = observation !== undefined && passed(observation);
          const right = isRecognised(sample) && one.right(sample, touched(sample));
          counts[through ? 'passes' : 'blocked'] += 1;
          const words = `${protocol === 6 ? 'TCP' : 'UDP'}, ${nameOf(sample)}`;
          if (through !== right) wrong.push(`${words}: ${through ? 'passes' : 'blocked'}`);
          if (specified(ruleset, ends, protocol, sample) !== right) wrong.push(`${words}: evaluate says ${right ? 'blocked' : 'passes'}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(counts.passes).toBeGreaterThan(50);
      expect(counts.blocked).toBeGreaterThan(50);
    });
  });
});
