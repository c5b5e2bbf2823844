/**
 * Where the messages of a protocol begin and end, for gateways that look into single packets.
 *
 * A frame has a form for each kind of message. The one idea: a packet is one whole message iff bytes that never change stand where they belong
 * and a length field fits the packet; then the function stands at a fixed place. Offsets count bytes from the end of the TCP or UDP header.
 */
import type { Range } from '../net/ranges.ts';
import type { TransportProtocol } from './protocol.ts';

/** How a number stands in a message: the higher byte first, or last. */
export type ByteOrder = 'big' | 'little';

/** Bytes that have one of some values in every message of a form; several bytes are one number, the higher byte first. */
export interface FixedBytes {
  readonly at: number;
  readonly size: 1 | 2 | 3 | 4;
  readonly values: readonly Range<number>[];
}

export interface LengthField {
  readonly at: number;
  readonly size: 1 | 2 | 4;
  readonly order: ByteOrder;
  /** Values that it may have. */
  readonly least: number;
  readonly most: number;
  /** Bytes of the whole message by the value of the field. */
  readonly message: (value: number) => number;
  /** Bytes of a message that the field does not count, without check sums. */
  readonly adds: number;
  /** Check sums within the message, which the field does not count either. */
  readonly sums: CheckSums | undefined;
}

/** Behind the first `behind` bytes that the length counts, each block of `every` bytes, the last and shorter one too, is followed by `bytes` of check sum. */
export interface CheckSums {
  readonly behind: number;
  readonly every: number;
  readonly bytes: number;
}

export interface FunctionPlace {
  readonly at: number;
  readonly size: 1 | 2;
  readonly order: ByteOrder;
  /** Bits that may stand beside the code, as they stand in the message: every word is a code with one of these. */
  readonly beside: readonly number[];
}

/** Where a request says which data it touches: a first address of two bytes, and how many there are from it on; undefined: that one alone. */
export interface DataRange {
  readonly start: number;
  readonly quantity: { readonly at: number; readonly most: number } | undefined;
}

export interface DataPlace {
  readonly ranges: readonly DataRange[];
  /** A byte that counts the data behind it, as the quantity of the last range says it has to. */
  readonly count: { readonly at: number; readonly bytes: (quantity: number) => number } | undefined;
}

export interface Form {
  /** The layer of the protocol's functions that it tells. */
  readonly layer: string;
  /** The one transport that it is for, if not both. */
  readonly on: TransportProtocol | undefined;
  readonly fixed: readonly FixedBytes[];
  /** A length field, or how long a datagram may be whose end is the message's. */
  readonly length: LengthField | Range<number>;
  readonly function: FunctionPlace;
  /** What the length field of a message may say, by code, where not anything. */
  readonly lengths: ReadonlyMap<number, readonly number[]>;
  /** Functions that a second number right behind the first divides: by code, its bytes. */
  readonly divided: ReadonlyMap<number, 1 | 2>;
  /** The same as `lengths` by code × 65536 + second number. */
  readonly dividedLengths: ReadonlyMap<number, readonly number[]>;
  /** Where the byte of the unit stands, in protocols that have units. */
  readonly unit: number | undefined;
  /** Where addresses of data stand, by the codes that name some. */
  readonly data: ReadonlyMap<number, DataPlace>;
}

export interface Frame {
  readonly protocol: string;
  readonly forms: readonly Form[];
  /** Functions that are envelopes: their messages have the function of what is inside, which other forms or protocols tell. */
  readonly envelopes: ReadonlySet<string>;
  readonly source: string;
}

type FormFacts = Partial<Omit<Form, 'function'>> & Pick<Form, 'layer' | 'length'> & { readonly function: Partial<FunctionPlace> & Pick<FunctionPlace, 'at'> };

export function form(facts: FormFacts): Form {
  return Object.freeze({
    on: undefined,
    fixed: [],
    lengths: new Map(),
    divided: new Map(),
    dividedLengths: new Map(),
    unit: undefined,
    data: new Map(),
    ...facts,
    function: Object.freeze({ size: 1, order: 'big', beside: [0], ...facts.function }),
  });
}

export function frame(protocol: string, source: string, forms: readonly Form[], envelopes: readonly string[] = []): Frame {
  return Object.freeze({ protocol, forms, envelopes: new Set(envelopes), source });
}

/** Bytes that are always the same, in hexadecimal. */
export function always(at: number, hex: string): FixedBytes {
  const size = hex.length / 2;
  if (size !== 1 && size !== 2 && size !== 3 && size !== 4) throw new Error(`no one to four bytes: ${hex}`);
  const value = Number.parseInt(hex, 16);
  return { at, size, values: [{ first: value, last: value }] };
}

/** One byte that has one of these values. */
export function oneOf(at: number, ...values: readonly (number | Range<number>)[]): FixedBytes {
  return { at, size: 1, values: values.map((value) => (typeof value === 'number' ? { first: value, last: value } : value)) };
}

/** A length field; `adds`: bytes of a message that it does not count. */
export function lengthField(
  at: number,
  facts: { readonly least: number; readonly most: number } & Partial<Pick<LengthField, 'size' | 'order' | 'adds' | 'sums'>>,
): LengthField {
  const { adds = 0, sums } = facts;
  const checked = (value: number): number => (sums === undefined ? 0 : sums.bytes * Math.ceil((value - sums.behind) / sums.every));
  return { size: 2, order: 'big', ...facts, at, adds, sums, message: (value) => value + adds + checked(value) };
}

/** What stands at the place of the function for a code, one word for each bits beside it. */
export function wordsOf({ size, order, beside }: FunctionPlace, code: number): readonly number[] {
  const word = size === 2 && order === 'little' ? swapped(code, 2) : code;
  return beside.map((bits) => bits | word);
}

/** A number of `size` bytes as it reads with its bytes the other way round. */
export function swapped(value: number, size: number): number {
  let result = 0;
  for (let rest = value, index = 0; index < size; index += 1, rest = Math.floor(rest / 256)) result = result * 256 + (rest % 256);
  return result;
}

export function hasLengthField(length: Form['length']): length is LengthField {
  return 'at' in length;
}
