/**
 * Programs of classic BPF, run once for all packets.
 *
 * Takes the text of a program, gives what packets have to look like that it accepts, or refuses. The one idea: jumps go forward alone, so each
 * instruction is met once, with every way that leads to it; what a way says is the values that single bytes, or two together, may still have,
 * how counted lengths compare, within which bounds a sum of two numbers lies, and which bytes say one number. Ways that come together and differ in one of these are one way. What is not listed here is refused: the kernel
 * has more instructions, but nobody writes them for this.
 */
import type { Family } from '../../src/net/address.ts';
import { intersectRanges, type Ranges, subtractRanges } from '../../src/net/ranges.ts';
import { Refusal } from './read-tree.ts';

/** A byte of the packet: of the headers of IP and TCP or UDP, or of what stands behind them. */
export type Place = number;
const behind = 0x1_0000;

export function payloadPlace(at: number): Place {
  return behind + at;
}

/** Where the bytes of a packet stand: the rule says which packets it asks. */
export interface Packets {
  readonly family: Family;
  readonly transport: 6 | 17;
}

/** Bytes of the fixed header of IP. */
export function ipHeader({ family }: Packets): number {
  return family === 4 ? 20 : 40;
}

/** What may be counted: what IP says of its length, what UDP says, and the length of TCP's header. */
export interface Count {
  readonly kind: 'count';
  readonly total: number;
  readonly udp: number;
  readonly header: number;
  readonly constant: number;
}

/** A number that one byte says, or two: `of` takes their value, the first place the higher. */
export interface Bytes {
  readonly kind: 'bytes';
  readonly places: readonly Place[];
  readonly of: (value: number) => number;
  /** As it stands in the packet. */
  readonly raw: boolean;
}

/** Two numbers as they stand in the packet, added. */
export interface Sum {
  readonly kind: 'sum';
  readonly parts: readonly [Bytes, Bytes];
}

type Value = Count | Bytes | Sum;

/** Bytes that say how long something is, and the length that they are held against. */
export interface Relation {
  readonly bytes: Bytes;
  readonly count: Count;
}

/** Bytes of the packet that say the same number. */
export interface Agreement {
  readonly one: Bytes;
  readonly other: Bytes;
}

/** One way through a program to its acceptance. */
export interface Way {
  /** The values that bytes may have, by their places; others may have any. */
  readonly held: ReadonlyMap<string, { readonly places: readonly Place[]; readonly values: readonly number[] }>;
  /** The values that lengths may have, by `countKey`. */
  readonly counted: ReadonlyMap<string, Ranges<number>>;
  readonly relations: readonly Relation[];
  /** The values that sums may have, by the places of their parts. */
  readonly sums: ReadonlyMap<string, { readonly sum: Sum; readonly within: Ranges<number> }>;
  readonly agreements: readonly Agreement[];
  /** Bytes behind the headers that are read: a packet without them is not accepted. */
  readonly reach: number;
  /** It was found on its way that two lengths, or what bytes say of one, are not the same. */
  readonly differs: boolean;
}

interface State extends Way {
  readonly a: Value;
  readonly x: Value;
  readonly memory: readonly (Value | undefined)[];
}

interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly k: number;
}

const modulus = 2 ** 32;
const mostInstructions = 64;
const mostStates = 400;
const memoryWords = 16;

/** `count,code jt jf k,…`, as iptables takes and prints it. */
function parseProgram(text: string, line: number): readonly Instruction[] {
  const [count, ...lines] = text.split(',');
  const program = lines.map((one): Instruction => {
    const [, code, whenTrue, whenFalse, k] = /^(\d{1,5}) (\d{1,3}) (\d{1,3}) (\d{1,10})$/u.exec(one) ?? [];
    const numbers = [Number(code), Number(whenTrue), Number(whenFalse), Number(k)] as const;
    if (k === undefined || numbers[0] > 0xffff || numbers[1] > 255 || numbers[2] > 255 || numbers[3] >= modulus)
      throw new Refusal(line, 'a program that cannot be read');
    const [kind, ...others] = numbers;
    // What an instruction does not use is zero.
    const [branches, byX] = [kind % 8 === 5 && kind !== 0x05, kind % 16 >= 8 && (kind % 8 === 4 || kind % 8 === 5)];
    if ((!branches && others[0] + others[1] > 0) || ((byX || kind % 8 === 7) && others[2] > 0))
      throw new Refusal(line, 'a program that says more than it does');
    return { code: kind, whenTrue: others[0], whenFalse: others[1], k: others[2] };
  });
  if (count !== String(program.length) || program.length === 0 || program.length > mostInstructions)
    throw new Refusal(line, 'a program of another length than it says');
  return program;
}

function constant(value: number): Count {
  return { kind: 'count', total: 0, udp: 0, header: 0, constant: wrapped(value) };
}

function wrapped(value: number): number {
  return ((value % modulus) + modulus) % modulus;
}

function isConstant(value: Value): value is Count {
  return value.kind === 'count' && value.total === 0 && value.udp === 0 && value.header === 0;
}

export function countKey({ total, udp, header, constant: rest }: Count): string {
  return [total, udp, header, rest].join();
}

/** The ways on which a program accepts a packet. */
export function acceptedBy(text: string, packets: Packets, line: number): readonly Way[] {
  return new Run(parseProgram(text, line), packets, line).ways();
}

class Run {
  readonly #program: readonly Instruction[];
  readonly #packets: Packets;
  readonly #line: number;
  /** States in front of each instruction. */
  readonly #states: State[][];

  constructor(program: readonly Instruction[], packets: Packets, line: number) {
    this.#program = program;
    this.#packets = packets;
    this.#line = line;
    this.#states = program.map(() => []);
  }

  ways(): readonly Way[] {
    const ways: State[] = [];
    const start = { a: constant(0), x: constant(0), memory: Array.from({ length: memoryWords }, () => undefined) };
    this.#states[0]?.push({ ...start, held: new Map(), counted: new Map(), relations: [], sums: new Map(), agreements: [], reach: 0, differs: false });
    for (const [at, instruction] of this.#program.entries()) {
      const { code, k } = instruction;
      if (code === 0x06 && k === 0) continue;
      const states = joined(this.#states[at] ?? []);
      if (states.length > mostStates) this.#refuse('a program of too many ways');
      if (code === 0x06) {
        ways.push(...states);
        continue;
      }
      if (code % 8 === 5) {
        this.#branch(at, instruction, states);
        continue;
      }
      for (const state of states) this.#go(at + 1, this.#step(state, instruction));
    }
    if (ways.some(({ differs }) => differs)) this.#refuse('a program that accepts packets whose lengths differ');
    // What is left in the registers is of no use any more.
    const [end] = ways;
    return end === undefined ? [] : joined(ways.map((way) => ({ ...way, a: end.a, x: end.x, memory: end.memory })));
  }

  #refuse(what: string): never {
    throw new Refusal(this.#line, what);
  }

  #go(to: number, state: State): void {
    const states = this.#states[to];
    if (states === undefined) this.#refuse('a program that leads behind its end');
    states.push(state);
  }

  // -- what is loaded and counted -----------------------------------------------------------------------------------

  #step(state: State, { code, k }: Instruction): State {
    const known = (value: Value | undefined): Value => value ?? this.#refuse('a program that reads what it has not written');
    const slot = (): number => (k < memoryWords ? k : this.#refuse('a program without so much memory'));
    switch (code) {
      case 0x28:
      case 0x30:
        return this.#loaded(state, k, code === 0x28 ? 2 : 1);
      case 0x48:
      case 0x50:
        return this.#indexed(state, k, code === 0x48 ? 2 : 1);
      case 0x00:
        return { ...state, a: constant(k) };
      case 0x01:
        return { ...state, x: constant(k) };
      case 0x60:
        return { ...state, a: known(state.memory[slot()]) };
      case 0x61:
        return { ...state, x: known(state.memory[slot()]) };
      case 0x02:
        return { ...state, memory: state.memory.with(slot(), state.a) };
      case 0x03:
        return { ...state, memory: state.memory.with(slot(), state.x) };
      case 0x07:
        return { ...state, x: state.a };
      case 0x87:
        return { ...state, a: state.x };
      default:
        return { ...state, a: this.#computed(state, code, k) };
    }
  }

  /** Of the headers a fixed byte; behind those of UDP, too, which are as long as they are. */
  #loaded(state: State, k: number, size: 1 | 2): State {
    const header = ipHeader(this.#packets) + (this.#packets.transport === 6 ? 20 : 8);
    if (k + size <= header) return { ...state, a: bytesAt(k, size) };
    if (k < header || this.#packets.transport === 6 || k >= behind) this.#refuse('a program that reads bytes which stand at no fixed place');
    return this.#behind(state, k - header, size);
  }

  #indexed(state: State, k: number, size: 1 | 2): State {
    const x = this.#counting(state.x);
    const start = ipHeader(this.#packets);
    const atHeader = x?.header === 1 && x.total === 0 && x.udp === 0 && x.constant === 0;
    if (!atHeader || k < start || k >= behind) this.#refuse('a program that reads bytes which stand at no fixed place');
    return this.#behind(state, k - start, size);
  }

  #behind(state: State, at: number, size: 1 | 2): State {
    return { ...state, a: bytesAt(payloadPlace(at), size), reach: Math.max(state.reach, at + size) };
  }

  /** As something counted; undefined for other bytes of the packet. */
  #counting(value: Value): Count | undefined {
    if (value.kind === 'count') return value;
    if (value.kind === 'sum') return undefined;
    const [place, next] = value.places;
    const header = ipHeader(this.#packets);
    const tcp = this.#packets.transport === 6;
    if (next === undefined) {
      if (!tcp || place !== header + 12) return undefined;
      // Words of four bytes in the upper half of the byte.
      for (let byte = 0; byte < 256; byte += 1) if (value.of(byte) !== (byte >> 4) * 4) return undefined;
      return { ...constant(0), header: 1 };
    }
    if (!value.raw || next !== (place ?? 0) + 1) return undefined;
    if (place === (this.#packets.family === 4 ? 2 : 4)) return { ...constant(0), total: 1 };
    return !tcp && place === header + 4 ? { ...constant(0), udp: 1 } : undefined;
  }

  #computed({ a, x }: State, code: number, k: number): Value {
    const operand = code % 16 >= 8 ? x : constant(k);
    const operation = code - (code % 16 >= 8 ? 8 : 0);
    if (operation === 0x04 || operation === 0x14) {
      const [one, other] = [this.#counting(a), this.#counting(operand)];
      const sign = operation === 0x04 ? 1 : -1;
      if (one !== undefined && other !== undefined) return sum(one, other, sign);
    }
    const of = this.#operation(operation, operand, code % 16 >= 8);
    if (isConstant(a) && isConstant(operand)) return constant(of(a.constant, operand.constant));
    if (a.kind === 'bytes' && isConstant(operand)) return { ...a, raw: false, of: (value) => of(a.of(value), operand.constant) };
    if (a.kind === 'bytes' && operand.kind === 'bytes') {
      const places = [...new Set([...a.places, ...operand.places])];
      // More than two bytes are added as they stand, and nothing else.
      const adds = operation === 0x04 && a.raw && operand.raw && places.length === a.places.length + operand.places.length;
      return adds && places.length > 2 ? { kind: 'sum', parts: [a, operand] } : this.#together(a, operand, of);
    }
    return this.#refuse('a program that counts with what is not modelled');
  }

  #operation(operation: number, operand: Value, byX: boolean): (a: number, b: number) => number {
    // What the kernel does not take, or does with what nobody knows.
    if ((operation === 0x34 || operation === 0x94) && (byX || (operand.kind === 'count' && operand.constant === 0)))
      this.#refuse('a program that divides by nothing');
    if ((operation === 0x64 || operation === 0x74) && (byX || (operand.kind === 'count' && operand.constant > 31)))
      this.#refuse('a program that shifts by too much');
    switch (operation) {
      case 0x04:
        return (a, b) => wrapped(a + b);
      case 0x14:
        return (a, b) => wrapped(a - b);
      case 0x24:
        return (a, b) => Number((BigInt(a) * BigInt(b)) % BigInt(modulus));
      case 0x34:
        return (a, b) => Math.floor(a / b);
      case 0x44:
        return (a, b) => (a | b) >>> 0;
      case 0x54:
        return (a, b) => (a & b) >>> 0;
      case 0x64:
        return (a, b) => (a << b) >>> 0;
      case 0x74:
        return (a, b) => a >>> b;
      case 0x94:
        return (a, b) => a % b;
      default:
        return this.#refuse('a program with an instruction that is not modelled');
    }
  }

  /** Two numbers that together depend on no more than two bytes. */
  #together(a: Bytes, b: Bytes, of: (a: number, b: number) => number): Bytes {
    const places = [...new Set([...a.places, ...b.places])].sort((one, other) => one - other);
    if (places.length > 2) this.#refuse('a program that counts with more than two bytes');
    const part = (bytes: Bytes): ((value: number) => number) => {
      const shifts = bytes.places.map((place): number => (places.indexOf(place) === places.length - 1 ? 0 : 8));
      return (value) => bytes.of(shifts.reduce((all, shift) => all * 256 + ((value >> shift) & 0xff), 0));
    };
    const [first, second] = [part(a), part(b)];
    return { kind: 'bytes', places, raw: false, of: (value) => of(first(value), second(value)) };
  }

  // -- what is compared ---------------------------------------------------------------------------------------------

  #branch(at: number, { code, whenTrue, whenFalse, k }: Instruction, states: readonly State[]): void {
    const length = this.#program.length;
    if (code === 0x05) {
      if (k >= length - at - 1) this.#refuse('a program that leads behind its end');
      for (const state of states) this.#go(at + 1 + k, state);
      return;
    }
    if (at + 1 + Math.max(whenTrue, whenFalse) >= length) this.#refuse('a program that leads behind its end');
    const compare = comparisons.get(code - (code % 16 >= 8 ? 8 : 0));
    if (compare === undefined) this.#refuse('a program with an instruction that is not modelled');
    for (const state of states) {
      for (const [truth, distance] of [
        [true, whenTrue],
        [false, whenFalse],
      ] as const) {
        const target = this.#program[at + 1 + distance];
        // Nobody asks what is not accepted.
        const side = target?.code === 0x06 && target.k === 0 ? undefined : this.#compared(state, code % 16 >= 8 ? state.x : constant(k), compare, truth);
        if (side !== undefined) this.#go(at + 1 + distance, side);
      }
    }
  }

  /** What is left of a state where a comparison holds, or does not; undefined if nothing is. */
  #compared(state: State, operand: Value, { holds, ranges }: Comparison, truth: boolean): State | undefined {
    const { a } = state;
    if (isConstant(a) && isConstant(operand)) return holds(a.constant, operand.constant) === truth ? state : undefined;
    if (a.kind === 'bytes' && isConstant(operand)) {
      const all = valuesOf(state, a.places);
      const within = a.raw ? ranges(operand.constant) : undefined;
      const values =
        within === undefined ? all.filter((value) => holds(a.of(value), operand.constant) === truth) : valuesWithin(all, truth ? within : outside(within));
      return holding(state, a.places, values);
    }
    if (a.kind === 'count' && isConstant(operand)) {
      const within = ranges(operand.constant) ?? this.#refuse('a program that compares bits of a length');
      return counted(state, a, truth ? within : outside(within));
    }
    if (a.kind === 'sum' && isConstant(operand)) {
      const within = ranges(operand.constant) ?? this.#refuse('a program that compares bits of a sum');
      return summed(state, a, truth ? within : outside(within));
    }
    const equals = ranges(0);
    if (equals?.[0]?.last !== 0) return this.#refuse('a program that compares what is not modelled');
    const [one, other] = [this.#counting(a), this.#counting(operand)];
    if (one !== undefined && other !== undefined) {
      const difference = sum(one, other, -1);
      if (isConstant(difference)) return (difference.constant === 0) === truth ? state : undefined;
      return counted(state, difference, truth ? equals : outside(equals));
    }
    if (a.kind === 'bytes' && operand.kind === 'bytes' && one === undefined && other === undefined)
      return truth ? { ...state, agreements: [...state.agreements, { one: a, other: operand }] } : { ...state, differs: true };
    const [bytes, count] = a.kind === 'bytes' ? [a, other] : operand.kind === 'bytes' ? [operand, one] : [undefined, undefined];
    if (bytes === undefined || count === undefined) return this.#refuse('a program that compares what is not modelled');
    return truth ? { ...state, relations: [...state.relations, { bytes, count }] } : { ...state, differs: true };
  }
}

interface Comparison {
  readonly holds: (a: number, b: number) => boolean;
  /** Which numbers hold, beside this one; undefined where they are no ranges. */
  readonly ranges: (b: number) => Ranges<number> | undefined;
}

const comparisons: ReadonlyMap<number, Comparison> = new Map<number, Comparison>([
  [0x15, { holds: (a, b) => a === b, ranges: (b) => [{ first: b, last: b }] }],
  [0x25, { holds: (a, b) => a > b, ranges: (b) => (b === modulus - 1 ? [] : [{ first: b + 1, last: modulus - 1 }]) }],
  [0x35, { holds: (a, b) => a >= b, ranges: (b) => [{ first: b, last: modulus - 1 }] }],
  [0x45, { holds: (a, b) => (a & b) !== 0, ranges: () => undefined }],
]);

function bytesAt(place: Place, size: 1 | 2): Bytes {
  return { kind: 'bytes', places: size === 1 ? [place] : [place, place + 1], of: (value) => value, raw: true };
}

function sum(one: Count, other: Count, sign: 1 | -1): Count {
  return {
    kind: 'count',
    total: one.total + sign * other.total,
    udp: one.udp + sign * other.udp,
    header: one.header + sign * other.header,
    constant: wrapped(one.constant + sign * other.constant),
  };
}

const everyValue = [1, 2].map((size) => Array.from({ length: 256 ** size }, (_, value) => value));

function valuesOf({ held }: Way, places: readonly Place[]): readonly number[] {
  return held.get(places.join())?.values ?? everyValue[places.length - 1] ?? [];
}

/** Of numbers in order those that lie in ranges: whole stretches, since two bytes have tens of thousands. */
function valuesWithin(values: readonly number[], ranges: Ranges<number>): readonly number[] {
  const before = (limit: number): number => {
    let [low, high] = [0, values.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[middle] ?? 0) < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const stretches = ranges.map(({ first, last }) => values.slice(before(first), before(last + 1)));
  return stretches.length === 1 ? (stretches[0] ?? []) : stretches.flat();
}

function holding(state: State, places: readonly Place[], values: readonly number[]): State | undefined {
  if (values.length === 0) return undefined;
  if (values.length === valuesOf(state, places).length) return state;
  return { ...state, held: new Map(state.held).set(places.join(), { places, values }) };
}

function counted(state: State, count: Count, within: Ranges<number>): State | undefined {
  const key = countKey(count);
  const before = state.counted.get(key);
  const left = before === undefined ? within : intersectRanges(before, within);
  return left.length === 0 ? undefined : { ...state, counted: new Map(state.counted).set(key, left) };
}

function summed(state: State, sum: Sum, within: Ranges<number>): State | undefined {
  const key = sum.parts.map(({ places }) => places.join()).join('+');
  const before = state.sums.get(key);
  const left = before === undefined ? within : intersectRanges(before.within, within);
  return left.length === 0 ? undefined : { ...state, sums: new Map(state.sums).set(key, { sum, within: left }) };
}

function outside(ranges: Ranges<number>): Ranges<number> {
  return subtractRanges<number>([{ first: 0, last: modulus - 1 }], ranges);
}

/** States that differ in the values of one place at most become one. */
function joined(states: readonly State[]): readonly State[] {
  const found: State[] = [];
  for (const state of states) {
    let one = state;
    for (let index = found.length - 1; index >= 0; index -= 1) {
      const united = unitedWith(found[index] as State, one);
      if (united === undefined) continue;
      found.splice(index, 1);
      one = united;
      // What has grown may now be alike with one that was passed by.
      index = found.length;
    }
    found.push(one);
  }
  return found;
}

function unitedWith(a: State, b: State): State | undefined {
  const alike =
    a.a === b.a &&
    a.x === b.x &&
    a.reach === b.reach &&
    a.differs === b.differs &&
    a.memory.every((value, index) => value === b.memory[index]) &&
    a.relations.length === b.relations.length &&
    a.relations.every((relation, index) => relation === b.relations[index]) &&
    a.agreements.length === b.agreements.length &&
    a.agreements.every((agreement, index) => agreement === b.agreements[index]) &&
    a.sums.size === b.sums.size &&
    [...a.sums].every(([key, one]) => b.sums.get(key) === one) &&
    a.counted.size === b.counted.size &&
    [...a.counted].every(([key, ranges]) => b.counted.get(key) === ranges);
  if (!alike) return undefined;
  const keys = [...new Set([...a.held.keys(), ...b.held.keys()])].filter((key) => a.held.get(key)?.values !== b.held.get(key)?.values);
  const [key, ...more] = keys;
  if (key === undefined) return a;
  if (more.length > 0) return undefined;
  const [one, other] = [a.held.get(key), b.held.get(key)];
  const held = new Map(a.held);
  const values = one === undefined || other === undefined ? [] : merged(one.values, other.values);
  if (one === undefined || values.length === 0 || values.length === 256 ** one.places.length) held.delete(key);
  else held.set(key, { places: one.places, values });
  return { ...a, held };
}

/** Values of either of two lists, which are in order. */
function merged(one: readonly number[], other: readonly number[]): readonly number[] {
  const all: number[] = [];
  for (let [at, next] = [0, 0]; at < one.length || next < other.length;) {
    const [a = Number.POSITIVE_INFINITY, b = Number.POSITIVE_INFINITY] = [one[at], other[next]];
    all.push(Math.min(a, b));
    if (a <= b) at += 1;
    if (b <= a) next += 1;
  }
  return all;
}
