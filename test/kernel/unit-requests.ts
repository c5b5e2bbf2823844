// Requests of Modbus at and beside every border of units and data, and what the specification says of each. Takes ranges that flows name, gives samples
// as bytes. The idea: what a request touches is read here from its bytes as a device would read them, by the Modbus specification alone, and whether
// it may pass is arithmetic on that; nothing of it is asked from the code under test.

/** The largest quantity that a function may ask for; 1 where it has none. V1.1b3, section 6. */
const largest: Readonly<Record<number, number>> = { 1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123, 22: 1, 23: 125 };
const largestWritten = 121;
const writing = [5, 6, 15, 16, 22, 23];

export interface Sample {
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

export function encoded({ code, unit, start, quantity, written, lie = 0, tail = 0 }: Sample): Uint8Array {
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
export function touched({ code, start, quantity, written, lie = 0, tail = 0 }: Sample): readonly [number, number] | undefined {
  if (largest[code] === 1) return [start, start];
  const parts: [number, number, number][] = [
    [start, quantity, largest[code] ?? 0],
    ...(written === undefined ? [] : [[...written, largestWritten] as [number, number, number]]),
  ];
  if (lie !== 0 || tail !== 0 || parts.some(([from, many, most]) => many < 1 || many > most || from + many > 65_536)) return undefined;
  return [Math.min(...parts.map(([from]) => from)), Math.max(...parts.map(([from, many]) => from + many - 1))];
}

export interface Case {
  readonly flows: string;
  readonly borders: readonly (readonly [number, number])[];
  readonly units: readonly number[];
  readonly right: (sample: Sample, data: readonly [number, number] | undefined) => boolean;
}

const within = (data: readonly [number, number] | undefined, first: number, last: number): boolean => data !== undefined && data[0] >= first && data[1] <= last;
const touching = (data: readonly [number, number] | undefined, first: number, last: number): boolean =>
  data === undefined || (data[0] <= last && data[1] >= first);

/** By flows from the office to the press shop, over TCP and UDP alike. */
const both = (service: string, effect = 'allow'): string =>
  `from office to press ${effect} ${service
    .split(/, (?=modbus)/u)
    .map((one) => `${one}, ${one} on udp 502`)
    .join(', ')}`;
export const cases: Readonly<Record<string, Case>> = {
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

export function samples({ borders, units }: Case): readonly Sample[] {
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
        if ([15, 16, 23].includes(code))
          for (const lie of [-1, 1])
            // Alone, against each other, and both with each other against the quantity.
            list.push(
              { ...data, lie },
              { ...data, tail: lie },
              { ...data, lie, tail: -lie },
              { ...data, lie, tail: lie },
              { ...data, lie: 2 * lie, tail: 2 * lie },
            );
      }
    }
  }
  return list;
}

export function nameOf({ code, unit, start, quantity, written, lie, tail }: Sample): string {
  const more = [
    written === undefined ? '' : `, writes ${written.join(' + ')}`,
    lie === undefined ? '' : `, counts ${lie} more`,
    tail === undefined ? '' : `, ${tail} bytes more`,
  ];
  return `function ${code}, unit ${unit}, ${start} + ${quantity}${more.join('')}`;
}

/** Lengths that the function never has are those of no message, whoever asks for addresses or not. */
export function isRecognised(sample: Sample): boolean {
  const length = encoded(sample).length - 6;
  if (sample.code === 15) return length >= 8 && length <= 253;
  const least = sample.code === 16 ? 9 : 13;
  return ![16, 23].includes(sample.code) || (length >= least && length <= 253 && (length - least) % 2 === 0);
}
