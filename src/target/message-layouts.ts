/**
 * How messages of each protocol look, written a second time for the readers of targets.
 *
 * Takes nothing, gives patterns of bytes. Emitters have layouts of their own (`src/catalogue/frames.ts`); these come from the same standards but
 * share no line with them, so that an error in either shows when rules are read back. No emitter imports this file (`.dependency-cruiser.mjs`).
 */

import { type FunctionSet, functionsText, unionFunctions } from '../packets/function-set.ts';

/** One byte of a pattern: any, a part of the length or of the function, or one of some values. */
export type PatternByte = 'any' | 'length' | 'function' | ReadonlySet<number>;

/** Least, most and the step between values that a length field may have. */
export type Lengths = readonly [least: number, most: number, step: number];

export interface Layout {
  readonly protocol: string;
  readonly layer: string;
  /** IP protocols that carry it. */
  readonly transports: readonly number[];
  readonly bytes: readonly PatternByte[];
  /** Whether numbers stand with their lower byte first. */
  readonly reversed: boolean;
  /** Bits that may stand beside a function's code, in the order in which the bytes are read. */
  readonly flags: readonly number[];
  /** Bytes of the message by what its length field says; undefined where the datagram's end is the message's. */
  readonly size: ((said: number) => number) | undefined;
  /** What the length field may say; of a datagram, its own length. */
  readonly lengths: Lengths;
  /** The same for codes that have lengths of their own. */
  readonly byCode: Readonly<Record<number, Lengths>>;
  /** Bits of the number that follows a code, by code. */
  readonly second: Readonly<Record<number, 8 | 16>>;
  /** Lengths by `code/second`. */
  readonly bySecond: Readonly<Record<string, Lengths>>;
  /** The byte of the unit. */
  readonly unit: number | undefined;
  /** The data that messages touch, by code. */
  readonly touches: Readonly<Record<number, Touch>>;
}

/** Two bytes of a first address, which may be the only one, or two more say how many there are. */
export interface Touch {
  readonly starts: readonly number[];
  /** For each start: where the quantity stands, and the largest one. */
  readonly quantities: readonly (readonly [at: number, most: number])[];
  /** Where the bytes behind the last quantity are counted, and how many bits each of that quantity has. */
  readonly counted: readonly [at: number, bits: 1 | 16] | undefined;
}

type Facts = Partial<Layout> & Pick<Layout, 'lengths'>;

/**
 * `0300 LLLL .. FF c4|d3 c0-ff`: hexadecimal bytes, `L` of the length, `F` of the function, `.` of anything, alternatives, a range; `..*6` is six
 * of them.
 */
function layout(protocol: string, layer: string, pattern: string, { transports = [6, 17], ...facts }: Facts): Layout {
  return {
    protocol,
    layer,
    transports,
    bytes: pattern.split(' ').flatMap(bytesOf),
    reversed: false,
    flags: [0],
    size: undefined,
    byCode: {},
    second: {},
    bySecond: {},
    unit: undefined,
    touches: {},
    ...facts,
  };
}

function bytesOf(word: string): PatternByte[] {
  const [what = '', times = '1'] = word.split('*');
  const number = (text: string): number => Number.parseInt(text, 16);
  if (what.includes('|')) return [new Set(what.split('|').map(number))];
  const [first = '', last] = what.split('-');
  if (last !== undefined) return [new Set(Array.from({ length: number(last) - number(first) + 1 }, (_, index) => number(first) + index))];
  const pairs = what.match(/../gu) ?? [];
  const one = pairs.map((pair): PatternByte => (pair === '..' ? 'any' : pair === 'LL' ? 'length' : pair === 'FF' ? 'function' : new Set([number(pair)])));
  return Array.from({ length: Number(times) }, () => one).flat();
}

const whole = (said: number): number => said;
const and =
  (more: number) =>
  (said: number): number =>
    said + more;
/** IEEE 1815: blocks of up to sixteen bytes, each with two of check sum; five of the counted bytes are the header's. */
const checked = (said: number): number => {
  let message = 10;
  for (let left = said - 5; left > 0; left -= 16) message += Math.min(left, 16) + 2;
  return message;
};

const tcp = [6];
const udp = [17];
const single: Touch = { starts: [8], quantities: [], counted: undefined };
const many = (most: number): Touch => ({ starts: [8], quantities: [[10, most]], counted: undefined });
const iso = { transports: [6, 17], size: whole };
const s7: Facts = { ...iso, lengths: [18, 967, 1] };
const bvlc: Facts = { transports: udp, size: whole, lengths: [4, 1497, 1] };
const table: Lengths = [4, 504, 10];
const hart = { size: whole };
const sml = { reversed: true };
/** What may stand beside the code in the control byte of a DNP3 link: direction, frame count, whether it counts. */
const linkFlags = [0, 16, 32, 48, 128, 144, 160, 176];

export const layouts: readonly Layout[] = [
  layout('modbus', 'request', '.... 0000 LLLL .. FF', {
    size: and(6),
    lengths: [2, 254, 1],
    // V1.1b3, sections 6.1 to 6.21.
    byCode: {
      1: [6, 6, 1],
      2: [6, 6, 1],
      3: [6, 6, 1],
      4: [6, 6, 1],
      5: [6, 6, 1],
      6: [6, 6, 1],
      7: [2, 2, 1],
      11: [2, 2, 1],
      12: [2, 2, 1],
      15: [8, 253, 1],
      16: [9, 253, 2],
      17: [2, 2, 1],
      20: [10, 248, 7],
      22: [8, 8, 1],
      23: [13, 253, 2],
      24: [4, 4, 1],
      90: [2, 1454, 1],
    },
    second: { 8: 16, 43: 8 },
    bySecond: { '43/14': [5, 5, 1] },
    unit: 6,
    // 0x7D0 coils or inputs, 0x7D registers; 0x7B0 and 0x7B of them written; 0x79 where a read of up to 0x7D comes with it.
    touches: {
      1: many(0x7d0),
      2: many(0x7d0),
      3: many(0x7d),
      4: many(0x7d),
      5: single,
      6: single,
      15: { ...many(0x7b0), counted: [12, 1] },
      16: { ...many(0x7b), counted: [12, 16] },
      22: single,
      23: {
        starts: [8, 12],
        quantities: [
          [10, 0x7d],
          [14, 0x79],
        ],
        counted: [16, 16],
      },
    },
  }),
  layout('cotp', 'connection', '0300 LLLL .. FF', { ...iso, lengths: [11, 100, 1] }),
  layout('cotp', 'data', '0300 LLLL 02 FF 00', { ...iso, lengths: [7, 7, 1] }),
  layout('s7comm', 'job', '0300 LLLL 02f080 3201 ..*8 FF', s7),
  layout('s7comm', 'job', '0300 LLLL 02f080 3203 ..*10 FF', s7),
  layout('s7comm', 'userdata', '0300 LLLL 02f080 3207 ..*8 000112 .... FF', { ...s7, flags: [0, 0x40, 0x80], second: { 7: 8 } }),
  layout('enip', 'command', 'FFFF LLLL', {
    ...sml,
    size: and(24),
    lengths: [0, 16, 1],
    byCode: { 4: [0, 0, 1], 99: [0, 0, 1], 100: [0, 0, 1], 101: [4, 4, 1], 102: [0, 0, 1] },
  }),
  layout('dnp3', 'application', '0564 LL c4|d3|e4|f3 ..*6 c0-ff c0-ff FF', { size: checked, lengths: [8, 255, 1] }),
  layout('dnp3', 'link', '0564 LL FF', { size: checked, lengths: [5, 5, 1], flags: linkFlags }),
  layout('fins', 'command', '80|81|c0|c1 00 ..*8 FFFF', { transports: udp, lengths: [12, 2012, 1] }),
  layout('fins', 'command', '46494e53 LLLLLLLL 00000002 ..*4 80|81|c0|c1 00 ..*8 FFFF', { transports: tcp, size: and(8), lengths: [20, 1452, 1] }),
  layout('fins', 'tcp', '46494e53 LLLLLLLL 000000 FF', { transports: tcp, size: and(8), lengths: [12, 12, 1] }),
  layout('hart-ip', 'message', '0100 FF .. .... LLLL', { ...hart, lengths: [8, 13, 1], byCode: { 0: [13, 13, 1], 1: [8, 8, 1], 2: [8, 8, 1] } }),
  layout('hart-ip', 'command', '010003 .. .... LLLL 82 ..*5 FF', { ...hart, lengths: [17, 272, 1] }),
  layout('hart-ip', 'command', '010003 .. .... LLLL 02 .. FF', { ...hart, lengths: [13, 268, 1] }),
  layout('bacnet', 'confirmed', '810a LLLL 01 00-07 00-07 .... FF', bvlc),
  layout('bacnet', 'confirmed', '810a LLLL 01 00-07 20 .. FF', bvlc),
  layout('bacnet', 'confirmed', '810a LLLL 01 00-07 30 .. FF', bvlc),
  layout('bacnet', 'unconfirmed', '81 0a|0b LLLL 01 00-07 10 FF', bvlc),
  layout('bacnet', 'unconfirmed', '81 0a|0b LLLL 01 20-27 ffff00 .. 10 FF', bvlc),
  layout('bacnet', 'link', '81 FF LLLL', {
    ...bvlc,
    byCode: { 0: [6, 6, 1], 1: table, 2: [4, 4, 1], 3: table, 5: [6, 6, 1], 6: [4, 4, 1], 7: table, 8: [10, 10, 1] },
  }),
  layout('hsms', 'data', 'LLLLLLLL .... FFFF 0000', { transports: tcp, size: and(4), lengths: [10, 1456, 1], flags: [0, 0x8000] }),
  layout('hsms', 'control', 'LLLLLLLL ..*4 00 FF', { transports: tcp, size: and(4), lengths: [10, 10, 1] }),
  layout('ads', 'command', '0000 LLLLLLLL ..*16 FFFF 04|05 00', { ...sml, transports: tcp, size: and(6), lengths: [32, 1454, 1] }),
  layout('slmp', 'command', '5000 ..*5 LLLL .... FFFF', { ...sml, size: and(9), lengths: [6, 1451, 1] }),
  layout('slmp', 'command', '5400 ..*9 LLLL .... FFFF', { ...sml, size: and(13), lengths: [6, 1447, 1] }),
];

/** Messages of one layout that a rule selects. */
export interface Told {
  readonly layout: Layout;
  readonly transport: number;
  readonly family: 4 | 6 | undefined;
  readonly messages: FunctionSet;
}

/**
 * Rules that lead to one verdict, one behind the other: a function has every form of its messages in them, or none. What a packet says is no part
 * of a packet set beyond its function, so that a form that is missing would not show. Undefined if all are there.
 */
export function missingForm(run: readonly Told[]): string | undefined {
  const asked = new Set<string>();
  for (const { layout: own, transport, family } of run) {
    const kind = `${own.protocol} ${own.layer} ${transport} ${family}`;
    if (asked.has(kind)) continue;
    asked.add(kind);
    const here = run.filter((one) => one.transport === transport && one.family === family);
    const forms = layouts.filter((one) => one.protocol === own.protocol && one.layer === own.layer && one.transports.includes(transport));
    const texts = forms.map((form) => functionsText(unionFunctions(...here.filter((one) => one.layout === form).map((one) => one.messages))));
    if (new Set(texts).size > 1) return `a rule for one form of messages of ${own.protocol} is missing`;
  }
  return undefined;
}
