/**
 * Looking into messages, grade `pdu`: a packet passes if it is one whole message of an allowed function, or has no payload.
 *
 * Takes a set of functions, gives a chain of programs that leads their messages to a verdict and lets others come back. The one idea: a program
 * counts: what the headers of IP and TCP leave of the packet must be what the message says of its own length, so that a message in two
 * segments, or two in one, is none. IP options, and IPv6 headers before TCP or UDP, are in no program; nor is what TCP marks as urgent, which
 * the server's stack would take out of the stream. What is read beyond the packet's end is no message: the kernel ends the program there.
 * Where units or addresses are named, functions of which the same part is meant share a program (`touches.ts`).
 */
import { type DataPlace, type Form, type Frame, type FunctionPlace, hasLengthField, type LengthField, wordsOf as words } from '../../src/catalogue/frame.ts';
import { frames } from '../../src/catalogue/frames.ts';
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import type { Family } from '../../src/net/address.ts';
import { allFunctions, type FunctionSet, functionsText, subtractFunctions } from '../../src/packets/function-set.ts';
import { protocolNumber } from '../../src/packets/service-set.ts';
import type { NarrowedPart } from '../../src/policy/data-ranges.ts';
import { functionTable } from '../../src/policy/gateway-policy.ts';
import { type Case, choose, type Instruction, no, type Place, Program, yes } from './program.ts';
import { back, type Table } from './table.ts';
import { comment, isKnownProgram, keyword, Inexpressible, phrase, program as programToken, type Token } from './tokens.ts';
import { byPart, halves, partWords, writeTouched } from './touches.ts';

/** Memory of a program: bytes behind the header of TCP or UDP, those of TCP's header, what the length field says, and room to count in. */
const memory = { payload: 0, header: 1, length: 2, spare: 3 } as const;

const tcp = protocolNumber.tcp;

/** A chain that sends the messages of the functions to `verdict`; others return. */
export function messageChain(table: Table, transports: readonly number[], functions: FunctionSet, verdict: Token): Token {
  const unknown = functionTable.hasOther(functions);
  // Where what is not recognised is meant, too, the rest is sent back first.
  const told = unknown ? subtractFunctions(allFunctions, functions) : functions;
  const key = `says ${transports.join()} ${functionsText(functions)} ${verdict}`;
  const protocols = [...new Set(functionTable.among(told).map(({ protocol }) => protocol))];
  return table.once(key, `says.${protocols.join('.') || 'none'}`, () => {
    const tests = transports.flatMap((transport) => programsFor(table.family, transport, told));
    return unknown ? [...tests.map((test) => phrase(test, back)), verdict] : tests.map((test) => phrase(test, verdict));
  });
}

const known = new Map<string, readonly Token[]>();

/** Matches of packets without payload, if the functions hold them, and of whole messages. */
function programsFor(family: Family, transport: number, functions: FunctionSet): readonly Token[] {
  const none = functionTable.hasNone(functions);
  const told = functionTable.among(functions);
  const key = `${family} ${transport} ${functionsText(functions)}`;
  const found = known.get(key) ?? [
    ...(none ? [written(transport, emptyPackets(family, transport), 'no payload')] : []),
    ...[...frames.values()].flatMap((frame) =>
      frame.forms
        .filter(({ on }) => on === undefined || on === (transport === tcp ? 'tcp' : 'udp'))
        .flatMap((form) => {
          const its = told.filter((one) => one.protocol === frame.protocol && one.layer.name === form.layer);
          return byPart(functions, its).flatMap((some) => formPrograms(family, transport, frame, form, some.functions, some.part));
        }),
    ),
  ];
  known.set(key, found);
  return found;
}

function written(transport: number, instructions: readonly Instruction[] | undefined, what: string): Token {
  if (instructions === undefined) throw new Inexpressible(`${what} in a program of BPF`);
  return phrase(keyword(transport === tcp ? '-p tcp' : '-p udp'), programToken(instructions), comment(what));
}

/** As many functions in one program as fit, asked by halves. */
function formPrograms(
  family: Family,
  transport: number,
  frame: Frame,
  form: Form,
  functions: readonly ProtocolFunction[],
  part: NarrowedPart,
): readonly Token[] {
  const cases = casesOf(frame, form, functions);
  if (cases.length === 0) return [];
  const instructions = messages(family, transport, form, cases, part);
  const names = `${frame.protocol} ${functions.map(({ name }) => name).join(', ')}${partWords(part)}`;
  if (instructions !== undefined && isKnownProgram(instructions)) return [written(transport, instructions, names)];
  const parts = halves(part, functions.length);
  if (parts !== undefined) return parts.flatMap((one) => formPrograms(family, transport, frame, form, functions, one));
  if (functions.length === 1) return [written(transport, undefined, names)];
  const sorted = functions.toSorted((a, b) => leastCode(a) - leastCode(b));
  const half = Math.ceil(sorted.length / 2);
  return [sorted.slice(0, half), sorted.slice(half)].flatMap((some) => formPrograms(family, transport, frame, form, some, part));
}

function leastCode({ codes }: ProtocolFunction): number {
  return Math.min(...codes.map(({ number = Number.MAX_SAFE_INTEGER }) => number));
}

// -- what is asked of a message ---------------------------------------------------------------------------------------

/** What the length field of a message may say; undefined: anything that the form allows. */
type Lengths = readonly number[] | undefined;

interface Told {
  /** What stands at the place of the function. */
  readonly word: number;
  /** Lengths; or by the second number, whose other values mean what `rest` says: undefined, nothing. */
  readonly means:
    | { readonly kind: 'lengths'; readonly lengths: Lengths; readonly data: DataPlace | undefined }
    | { readonly kind: 'second'; readonly width: 1 | 2; readonly by: ReadonlyMap<number, Lengths>; readonly rest: boolean; readonly named: readonly number[] };
}

/** Bits beside a code that may be anything together, so that nobody has to look at them; none if only some of their words may stand there. */
function looseBits({ beside }: FunctionPlace): number {
  const all = beside.reduce((a, b) => a | b, 0);
  const bits = all.toString(2).replaceAll('0', '').length;
  return new Set(beside).size === 2 ** bits ? all : 0;
}

function casesOf({ protocol }: Frame, form: Form, functions: readonly ProtocolFunction[]): readonly Told[] {
  const loose = looseBits(form.function);
  const wordsOf = (place: FunctionPlace, code: number): readonly number[] => [...new Set(words(place, code).map((word) => word & ~loose))];
  const codes = functions.flatMap((one) => one.codes);
  // What words alone divide comes with the function that has the code whole (`whyNotTold`).
  const plain = codes.flatMap(({ number, sub }) => (number === undefined || sub !== undefined || form.divided.has(number) ? [] : [number]));
  const told = new Map<number, Told>();
  for (const code of plain)
    for (const word of wordsOf(form.function, code)) {
      const means = { kind: 'lengths', lengths: form.lengths.get(code), data: form.data.get(code) } as const;
      told.set(word, { word, means });
    }
  for (const [code, width] of form.divided) {
    const mine = codes.filter((one) => one.number === code);
    const chosen = mine.flatMap(({ sub }) => (typeof sub === 'number' ? [sub] : []));
    const rest = mine.some(({ sub }) => sub === undefined);
    if (chosen.length === 0 && !rest) continue;
    const named = secondsOf(protocol, form.layer, code);
    const by = new Map(chosen.map((sub) => [sub, form.dividedLengths.get(code * 65_536 + sub)] as const));
    for (const word of wordsOf(form.function, code)) told.set(word, { word, means: { kind: 'second', width, by, rest, named } });
  }
  return [...told.values()].toSorted((a, b) => a.word - b.word);
}

/** Second numbers of a code that have names of their own. */
function secondsOf(protocol: string, layer: string, code: number): readonly number[] {
  const all = functionTable.among(allFunctions).filter((one) => one.protocol === protocol && one.layer.name === layer);
  return all.flatMap(({ codes }) => codes.flatMap(({ number, sub }) => (number === code && typeof sub === 'number' ? [sub] : [])));
}

// -- programs ---------------------------------------------------------------------------------------------------------

/** Bytes of the fixed header. */
const ipHeader = { 4: 20, 6: 40 } as const;

function emptyPackets(family: Family, transport: number): readonly Instruction[] | undefined {
  return headers(family, transport).branch('A == k', 0, yes, no).finished();
}

/** Headers that are as they have to be; leaves the bytes behind them in A and in the memory, and where they begin in X. */
function headers(family: Family, transport: number): Program {
  const program = new Program();
  const header = ipHeader[family];
  if (family === 4) program.do('A = byte[k]', 0).branch('A == k', 0x45, undefined, no);
  else program.do('A = byte[k]', 6).branch('A == k', transport, undefined, no);
  // Without its header; the length of IPv6 does not count it.
  const total = (): void => {
    program.do('A = half[k]', family === 4 ? 2 : 4);
  };
  if (transport !== tcp) {
    program.do('A = half[k]', header + 4).do('X = A');
    total();
    if (family === 4) program.do('A -= k', header);
    return program.branch('A == X', 0, undefined, no).do('A -= k', 8).do('M[k] = A', memory.payload);
  }
  program
    .do('A = byte[k]', header + 13)
    .branch('A & k', 0x20, no, undefined)
    // Its words, and beside them the bit that explicit congestion notification may set (RFC 9768).
    .do('A = byte[k]', header + 12)
    .branch('A & k', 0x0e, no, undefined)
    .branch('A >= k', 0x50, undefined, no)
    .do('A &= k', 0xf0)
    .do('A >>= k', 2)
    .do('X = A')
    .do('M[k] = A', memory.header);
  total();
  program.do('A -= X');
  if (family === 4) program.do('A -= k', header);
  return program.do('M[k] = A', memory.payload);
}

function messages(family: Family, transport: number, form: Form, cases: readonly Told[], { units, within }: NarrowedPart): readonly Instruction[] | undefined {
  const program = headers(family, transport);
  const message = new Message(program, family, transport);
  const { length } = form;
  // Some codes have messages of a size that others have not.
  const own = cases.flatMap(({ means }) => (means.kind === 'lengths' ? [means.lengths] : [...means.by.values()])).flatMap((lengths) => lengths ?? []);
  const most = hasLengthField(length) ? own.reduce((a, b) => Math.max(a, b), length.most) : 0;
  if (hasLengthField(length)) message.length({ ...length, most });
  else program.branch('A >= k', length.first, undefined, no).branch('A > k', length.last, no, undefined);
  message.fixed(form.fixed);
  if (units !== undefined && form.unit !== undefined) message.fixed([{ at: form.unit, size: 1, values: units }]);
  message.load(form.function.at, form.function.size);
  const loose = looseBits(form.function);
  if (loose > 0) program.do('A &= k', 256 ** form.function.size - 1 - loose);
  const [seconds, touches, lasts] = [new Ends('second'), new Ends('touched'), new Ends('length')];
  const lengthsEnd = (lengths: Lengths): Place => {
    if (!hasLengthField(length) || (lengths === undefined && most === length.most)) return yes;
    const some = lengths ?? Array.from({ length: length.most - length.least + 1 }, (_, index) => length.least + index);
    return lasts.place(some.join(), () => message.lengths(some));
  };
  const place = ({ means }: Told): Place => {
    if (means.kind === 'lengths') {
      const { data, lengths } = means;
      if (within === undefined || data === undefined || !hasLengthField(length)) return lengthsEnd(lengths);
      // Where data are counted, the count says the length.
      const next = data.count === undefined ? lengthsEnd(lengths) : yes;
      return touches.place(`${JSON.stringify(data)} ${next}`, (stem) => writeTouched(program, message, data, within, { stem, next, length, memory }));
    }
    const { width, by, rest, named } = means;
    const allowed = [...by].map(([second, lengths]): Case => ({ first: second, last: second, to: lengthsEnd(lengths) }));
    const others = rest ? lengthsEnd(undefined) : no;
    const denied = rest ? named.filter((second) => !by.has(second)).map((second): Case => ({ first: second, last: second, to: no })) : [];
    const all = [...allowed, ...denied].toSorted((a, b) => a.first - b.first);
    return seconds.place(`${width} ${others} ${all.map(({ first, to }) => `${first} ${to}`).join()}`, (stem) => {
      message.load(form.function.at + form.function.size, width);
      if (all.length > 0) choose(program, all, others, stem);
      // Any will do, but there has to be one.
      else program.branch('A >= k', 0, others, no);
    });
  };
  choose(program, united(cases.map((one) => ({ first: one.word, last: one.word, to: place(one) }))), no, 'code');
  // Lengths stand behind the second numbers and the data that lead to them.
  seconds.write(program);
  touches.write(program);
  lasts.write(program);
  return program.finished();
}

/** Questions at the end of a program, one for all who ask the same. */
class Ends {
  readonly #stem: string;
  readonly #known = new Map<string, { readonly place: Place; readonly ask: (place: Place) => void }>();

  constructor(stem: string) {
    this.#stem = stem;
  }

  place(key: string, ask: (place: Place) => void): Place {
    const { place } = this.#known.get(key) ?? { place: `${this.#stem}.${this.#known.size}` };
    if (!this.#known.has(key)) this.#known.set(key, { place, ask });
    return place;
  }

  write(program: Program): void {
    for (const { place, ask } of this.#known.values()) {
      program.place(place);
      ask(place);
    }
  }
}

/** Neighbours that lead to one place become one. */
function united(cases: readonly Case[]): readonly Case[] {
  const found: Case[] = [];
  for (const one of cases) {
    const before = found.at(-1);
    if (before?.to === one.to && before.last + 1 === one.first) found[found.length - 1] = { ...before, last: one.last };
    else found.push(one);
  }
  return found;
}

/** Reads the bytes of a message; X points to TCP's header but where it is said otherwise. */
class Message {
  readonly #program: Program;
  readonly #start: number;
  readonly #indexed: boolean;

  constructor(program: Program, family: Family, transport: number) {
    this.#program = program;
    this.#indexed = transport === tcp;
    this.#start = ipHeader[family] + (this.#indexed ? 0 : 8);
  }

  load(at: number, size: number): void {
    if (this.#indexed) this.#program.do(size === 1 ? 'A = byte[X+k]' : 'A = half[X+k]', this.#start + at);
    else this.#program.do(size === 1 ? 'A = byte[k]' : 'A = half[k]', this.#start + at);
  }

  fixed(bytes: Form['fixed']): void {
    for (const { at, size, values } of bytes) {
      const [only, ...more] = values;
      if (only !== undefined && more.length === 0 && only.first === only.last) {
        // By halves: whole words are read by nobody.
        for (let done = 0; done < size;) {
          const width = size - done >= 2 ? 2 : 1;
          this.load(at + done, width);
          this.#program.branch('A == k', Math.floor(only.first / 256 ** (size - done - width)) % 256 ** width, undefined, no);
          done += width;
        }
        continue;
      }
      if (size > 2) throw new Error('several values of more than two bytes');
      const stem = `fixed.${at}`;
      this.load(at, size);
      choose(
        this.#program,
        values.map((range) => ({ ...range, to: stem })),
        no,
        `${stem}.of`,
      );
      this.#program.place(stem);
    }
  }

  /** What the message says of its length, held against the packet's. */
  length({ at, size, order, least, most, adds, sums }: LengthField): void {
    const program = this.#program;
    const [low, high] = size === 4 && order === 'big' ? [at + 2, at] : [at, at + 2];
    if (most > 0xffff) throw new Error('a message of more than 65535 bytes');
    if (size === 4) {
      this.load(high, 2);
      program.branch('A == k', 0, undefined, no);
    }
    if (size === 1 || order === 'big') {
      this.load(low, size === 1 ? 1 : 2);
    } else {
      this.load(low + 1, 1);
      program.do('A <<= k', 8).do('M[k] = A', memory.length);
      this.load(low, 1);
      program.do('X = M[k]', memory.length).do('A |= X');
    }
    program.do('M[k] = A', memory.length);
    if (least > 0) program.branch('A >= k', least, undefined, no);
    program.branch('A > k', most, no, undefined);
    if (sums !== undefined) {
      const { behind, every, bytes } = sums;
      program
        .do('A += k', every - 1 - behind)
        .do('A /= k', every)
        .do('A *= k', bytes)
        .do('M[k] = A', memory.spare)
        .do('X = M[k]', memory.spare)
        .do('A = M[k]', memory.length)
        .do('A += X');
    }
    if (adds > 0) program.do('A += k', adds);
    program.do('X = M[k]', memory.payload).branch('A == X', 0, undefined, no);
    this.ready();
  }

  /** Makes X what loading needs. */
  ready(): void {
    if (this.#indexed) this.#program.do('X = M[k]', memory.header);
  }

  /** The last question: whether the length is one of these. */
  lengths(all: readonly number[]): void {
    const program = this.#program;
    const [first = 0, second = first] = all;
    const step = second - first;
    if (!all.every((length, index) => length === first + index * step)) throw new Error(`lengths without a common step: ${all.join()}`);
    program.do('A = M[k]', memory.length);
    if (step === 0) {
      program.branch('A == k', first, yes, no);
      return;
    }
    program.do('A -= k', first);
    if (step === 1) {
      program.branch('A > k', (all.at(-1) ?? first) - first, no, yes);
      return;
    }
    program
      .branch('A > k', (all.at(-1) ?? first) - first, no, undefined)
      .do('A %= k', step)
      .branch('A == k', 0, yes, no);
  }
}
