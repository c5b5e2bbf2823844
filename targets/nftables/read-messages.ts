/**
 * What rules read from payloads, as functions of messages.
 *
 * Takes all comparisons of one rule that look at bytes, gives the packets that they select. The one idea: bytes are no field of the packet
 * space, so only whole forms are understood: "no payload", and "one whole message with one of these codes". A form that selects a part of what
 * a function may look like is refused, save for whole ranges of units and addresses (`read-details.ts`). nft joins neighbours that are compared with one value each, so such comparisons are taken apart into bytes.
 */
import { functionTable } from '../../src/policy/gateway-policy.ts';
import { allFunctions, functionBox, functionRanges, type FunctionSet, unionFunctions } from '../../src/packets/function-set.ts';
import { noFunction } from '../../src/packets/functions.ts';
import { empty, fields, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { canonical, type Range, type Ranges, rangesEqual } from '../../src/net/ranges.ts';
import { type Layout, layouts, missingForm, type PatternByte, type Told } from '../../src/target/message-layouts.ts';
import { detailsOf, type Rest, type Table } from './read-details.ts';
import { protocolNames } from './read-names.ts';
import { type Item, Refusal } from './read-tree.ts';
import { readNumber } from './read-values.ts';

/** The one comparison of TCP flags that is understood: no urgent byte, which a server would take out of the message. */
export const notUrgent = 'tcp flags ! urg';

/** What a rule may compare besides keys of the packet space; bytes behind the header of TCP or UDP come on top. */
const looks: ReadonlySet<string> = new Set(['@nh,0,8', '@th,96,8', 'ip length', 'ip6 length', 'ip6 nexthdr', 'udp length', notUrgent]);
const bytesRead = /^@ih,(\d+),(\d+)$/u;

export function isPayload(name: string): boolean {
  return looks.has(name) || bytesRead.test(name);
}

export interface PayloadMatch {
  readonly names: readonly string[];
  readonly negated: boolean;
  readonly items: readonly Item[];
}

/** What selects packets: those that match, those of which nothing can be said. */
export interface Selected {
  readonly told: Told | undefined;
  readonly set: Node;
  readonly unknown: Node;
  readonly reason: string;
}

/** `alone`: no earlier match of the rule names a protocol, so that nft itself checks for what carries TCP flags or the length of UDP. */
export function selectedBy(space: PacketSpace, matches: readonly PayloadMatch[], alone: boolean, line: number | undefined): Selected {
  const { diagram } = space;
  const compared = comparedBy(matches, line);
  const { transport, family } = compared;
  const told =
    compared.bytes.size + compared.choices.length + compared.tables.length === 0 && compared.said === undefined ? undefined : messagesOf(compared, line);
  const messages = told?.messages ?? emptyOf(compared, line);
  const carried = space.among(fields.protocol, [transport]);
  const inFamily = family === undefined ? carried : diagram.intersect(carried, space.family(family));
  return {
    told,
    set: diagram.intersect(inFamily, space.messagesOf(messages)),
    unknown: alone ? empty : diagram.complement(carried),
    reason: 'bytes of a message are read from packets of another protocol',
  };
}

/** Bytes that a match allows some values of. */
interface Choice {
  readonly at: number;
  readonly size: number;
  readonly values: Ranges<number>;
  readonly negated: boolean;
}

/** Everything that a rule compares, in the terms of bytes. */
interface Compared {
  readonly transport: number;
  readonly family: 4 | 6 | undefined;
  /** Bytes that must have one value. */
  readonly bytes: ReadonlyMap<number, number>;
  readonly choices: readonly Choice[];
  /** Several numbers that are held against each other. */
  readonly tables: readonly Table[];
  /** Where the length field stands. */
  readonly said: { readonly at: number; readonly size: number } | undefined;
  /** Lengths of packets with what the field says in them; or of datagrams, where no field is read. */
  readonly lengths: { readonly base: LengthKey } | { readonly datagrams: Ranges<number> };
  /** The elements that hold lengths against each other. */
  readonly items: readonly Item[];
}

/** By the elements of a set, for each layout that they were read for. */
const lengthFields = new WeakMap<readonly Item[], Map<Layout | undefined, ReadonlySet<number>>>();

const lengthKeys = ['@nh,0,8 . @th,96,8 . ip length', '@th,96,8 . ip6 length', 'udp length'] as const;
type LengthKey = (typeof lengthKeys)[number];

function comparedBy(matches: readonly PayloadMatch[], line: number | undefined): Compared {
  const [match, ...more] = matches.filter((one) => one.names.some((name) => name.endsWith('length')));
  if (match === undefined || more.length > 0 || match.negated) throw new Refusal(line, 'bytes are compared without holding the lengths of the packet');
  const last = placeOf(match.names.at(-1) ?? '');
  const base = lengthKeys.find((key) => key === match.names.slice(0, last === undefined ? undefined : -1).join(' . '));
  if (base === undefined) throw new Refusal(line, `lengths compared by ${match.names.join(' . ')} are not modelled`);
  const urgent = matches.filter((one) => one.names.includes(notUrgent)).length;
  if (urgent !== (base === 'udp length' ? 0 : 1))
    throw new Refusal(line, 'a message of TCP may hold an urgent byte, or flags of TCP are asked of another packet');
  const next = matches.find((one) => one.names.join() === 'ip6 nexthdr');
  const six = base === '@th,96,8 . ip6 length';
  if (six !== (next !== undefined) || (next !== undefined && (next.negated || next.items.length !== 1 || valueOf(next.items[0]?.[0], line) !== 6)))
    throw new Refusal(line, 'the header behind IPv6 is not held to be TCP, or is asked of another packet');
  const datagrams = base === 'udp length' && last === undefined && match.items.some(([scalar]) => rangeOf(scalar, line).first !== 8);
  const bytes = new Map<number, number>();
  const choices: Choice[] = [];
  const tables: Table[] = [];
  for (const one of matches) {
    if (one === match || one === next || one.names.includes(notUrgent)) continue;
    const together = one.names.flatMap((name) => placeOf(name) ?? []);
    if (one.names.length > 1 && together.length === one.names.length) {
      if (one.negated) throw new Refusal(line, `${one.names.join(' . ')} != … is not modelled`);
      tables.push({ places: together, items: one.items });
      continue;
    }
    const place = placeOf(one.names.join(' . '));
    if (place === undefined) throw new Refusal(line, `the match ${one.names.join(' . ')} is not modelled beside lengths`);
    const values = canonical(one.items.map((item) => rangeOf(item.length === 1 ? item[0] : undefined, line)));
    const [range] = values;
    if (one.negated || values.length !== 1 || range === undefined || range.first !== range.last) {
      choices.push({ ...place, values, negated: one.negated });
      continue;
    }
    for (let index = place.size - 1, rest = range.first; index >= 0; index -= 1, rest = Math.floor(rest / 256)) {
      if (bytes.has(place.at + index)) throw new Refusal(line, `byte ${place.at + index} is compared twice`);
      bytes.set(place.at + index, rest % 256);
    }
  }
  const spans = [...choices.filter((one) => !one.negated), ...(last === undefined ? [] : [last])];
  for (const { at, size } of spans)
    for (let byte = at; byte < at + size; byte += 1) if (bytes.has(byte)) throw new Refusal(line, `byte ${byte} is compared twice`);
  return {
    transport: base === 'udp length' ? 17 : 6,
    family: base === 'udp length' ? undefined : six ? 6 : 4,
    bytes,
    choices,
    tables,
    said: last,
    lengths: datagrams ? { datagrams: canonical(match.items.map(([scalar]) => rangeOf(scalar, line))) } : { base },
    items: match.items,
  };
}

/** Bytes behind the header of TCP or UDP; undefined for another key. */
function placeOf(name: string): { at: number; size: number } | undefined {
  const [, offset, bits] = bytesRead.exec(name) ?? [];
  const [at, size] = [Number(offset) / 8, Number(bits) / 8];
  // Numbers of more bytes lose digits; nft joins neighbours to sixteen at most.
  return offset !== undefined && Number.isInteger(at) && Number.isInteger(size) && size >= 1 && size <= 6 ? { at, size } : undefined;
}

/** Header words from 5 to 15, with or without the bit of RFC 9768; lengths as the headers count them. */
function isConsistent(base: LengthKey, values: readonly number[], payload: number): boolean {
  const tcp = (offset: number | undefined): number | undefined =>
    offset !== undefined && offset >= 0x50 && offset <= 0xff && (offset & 0x0e) === 0 ? (offset >> 4) * 4 : undefined;
  switch (base) {
    case '@nh,0,8 . @th,96,8 . ip length': {
      const header = tcp(values[1]);
      return values.length === 3 && values[0] === 0x45 && header !== undefined && values[2] === 20 + header + payload;
    }
    case '@th,96,8 . ip6 length': {
      const header = tcp(values[0]);
      return values.length === 2 && header !== undefined && values[1] === header + payload;
    }
    case 'udp length':
      return values.length === 1 && values[0] === 8 + payload;
  }
}

/** The values of the length field for which every header is in the set; rules share sets, of which there may be tens of thousands of elements. */
function fieldsOf(compared: Compared, layout: Layout | undefined, line: number | undefined): ReadonlySet<number> {
  const known = lengthFields.get(compared.items) ?? new Map<Layout | undefined, ReadonlySet<number>>();
  lengthFields.set(compared.items, known);
  const found = known.get(layout) ?? readFields(compared, layout?.size ?? ((): number => 0), layout?.reversed ?? false, line);
  known.set(layout, found);
  return found;
}

function readFields(compared: Compared, size: (said: number) => number, reversed: boolean, line: number | undefined): ReadonlySet<number> {
  const { lengths, said } = compared;
  if ('datagrams' in lengths) throw new Refusal(line, 'the length of a message is not held against that of the packet');
  const headers = lengths.base === 'udp length' ? 1 : 22;
  const found = new Map<number, Set<string>>();
  for (const item of compared.items) {
    const tuple = item.map((scalar) => valueOf(scalar, line));
    const values = said === undefined ? tuple : tuple.slice(0, -1);
    const raw = said === undefined ? -1 : (tuple.at(-1) ?? -1);
    const field = said !== undefined && reversed ? turned(raw, said.size) : raw;
    const payload = said === undefined ? 0 : size(field);
    if (!isConsistent(lengths.base, values, payload)) throw new Refusal(line, `lengths that do not fit each other: ${tuple.join(' . ')}`);
    const known = found.get(field) ?? new Set();
    known.add(values.join());
    found.set(field, known);
  }
  for (const one of found.values()) if (one.size !== headers) throw new Refusal(line, 'a set of lengths lacks some headers');
  return new Set(found.keys());
}

function emptyOf(compared: Compared, line: number | undefined): FunctionSet {
  fieldsOf(compared, undefined, line);
  return functionRanges([{ first: noFunction, last: noFunction }]);
}

/** Rules that lead to one verdict, one behind the other, are refused where a form of their messages is missing. */
export function checkForms(run: readonly Told[], line: number | undefined): void {
  const missing = missingForm(run);
  if (missing !== undefined) throw new Refusal(line, missing);
}

function messagesOf(compared: Compared, line: number | undefined): Told {
  const fitting = layouts.flatMap((layout) => {
    const rest = layout.transports.includes(compared.transport) ? restOf(compared, layout) : undefined;
    return rest === undefined ? [] : [{ layout, rest }];
  });
  // Bytes may read as messages of several protocols; only one of these may know the function.
  const known: Told[] = [];
  let refusal = new Refusal(line, 'the bytes that are compared are those of no known message');
  for (const { layout, rest } of fitting) {
    try {
      known.push({ layout, transport: compared.transport, family: compared.family, messages: messagesIn(compared, layout, rest, line) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = error;
    }
  }
  const [told, ...more] = known;
  if (told === undefined) throw refusal;
  if (more.length > 0) throw new Refusal(line, 'the bytes that are compared are those of several messages');
  return told;
}

/** What a rule says of the function, once its other bytes are those of the layout; undefined if they are not. */
function restOf({ bytes, choices, said }: Compared, layout: Layout): Rest | undefined {
  const left = new Map(bytes);
  const others = new Set(choices);
  for (const [at, wanted] of layout.bytes.entries()) {
    if (typeof wanted === 'string') continue;
    const values = canonical([...wanted].map((value) => ({ first: value, last: value })));
    if (wanted.size === 1) {
      if (!wanted.has(left.get(at) ?? -1)) return undefined;
      left.delete(at);
      continue;
    }
    const choice = choices.find((one) => one.at === at && one.size === 1 && !one.negated && rangesEqual(one.values, values));
    if (choice === undefined) return undefined;
    others.delete(choice);
  }
  const length = spanOf(layout.bytes, 'length');
  if (length?.at !== said?.at || length?.size !== said?.size) return undefined;
  const place = spanOf(layout.bytes, 'function');
  const most = Math.max(0, ...Object.values(layout.second)) / 8;
  const starts = Object.values(layout.touches).flatMap((touch) => touch.starts);
  const inside = (at: number, size: number): boolean =>
    (place !== undefined && at >= place.at && at + size <= place.at + place.size + most) ||
    (at === layout.unit && size === 1) ||
    starts.some((start) => at >= start && at + size <= start + 2);
  if (![...left.keys()].every((at) => inside(at, 1)) || ![...others].every(({ at, size }) => inside(at, size))) return undefined;
  return { bytes: left, choices: [...others] };
}

function spanOf(pattern: readonly PatternByte[], what: 'length' | 'function'): { at: number; size: number } | undefined {
  const at = pattern.indexOf(what);
  return at === -1 ? undefined : { at, size: pattern.lastIndexOf(what) - at + 1 };
}

/** Functions of a layout, with the units and the data that the rule holds them to. */
function messagesIn(compared: Compared, layout: Layout, rest: Rest, line: number | undefined): FunctionSet {
  const { left, ...asked } = detailsOf(rest, compared.tables, layout, (scalar) => rangeOf(scalar, line), line);
  const numbers = functionsOf(compared, layout, left, line);
  return unionFunctions(
    ...numbers.flatMap((number) => (asked.units ?? [undefined]).flatMap((units) => (asked.boxes ?? [{}]).map((box) => functionBox(number, { ...box, units })))),
  );
}

function functionsOf(compared: Compared, layout: Layout, { bytes, choices }: Rest, line: number | undefined): readonly number[] {
  const { at, size } = spanOf(layout.bytes, 'function') ?? { at: 0, size: 0 };
  const only = (choice: Choice): readonly number[] => {
    if (choice.values.some(({ first, last }) => last - first > 0xffff)) throw new Refusal(line, 'a wide range of functions');
    return choice.values.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
  };
  // One value is compared byte by byte: that of a code, or of a code and what follows it.
  const tests: { width: number; words: ReadonlySet<number>; negated: boolean }[] = choices.map((choice) => {
    if (choice.at !== at || choice.size < size) throw new Refusal(line, 'a part of a function is compared');
    return { width: choice.size - size, words: new Set(only(choice)), negated: choice.negated };
  });
  if (bytes.size > 0) {
    const width = bytes.size - size;
    const word = Array.from({ length: bytes.size }, (_, index) => bytes.get(at + index)).reduce<number>((sum, byte) => sum * 256 + (byte ?? Number.NaN), 0);
    if (width < 0 || Number.isNaN(word)) throw new Refusal(line, 'a part of a function is compared');
    tests.push({ width, words: new Set([word]), negated: false });
  }
  if (!tests.some((test) => !test.negated)) throw new Refusal(line, 'no function code is compared');
  if (tests.some((test) => test.negated && test.width === 0)) throw new Refusal(line, 'a function code != … is not modelled');
  const known = functionTable.among(allFunctions).filter((one) => one.protocol === layout.protocol && one.layer.name === layout.layer);
  const wordsOf = (code: number): readonly number[] => layout.flags.map((flags) => flags | (layout.reversed ? turned(code, size) : code));
  const named = new Map<number, Set<number>>();
  for (const one of known.flatMap((each) => each.codes)) {
    if (one.number === undefined) continue;
    for (const word of wordsOf(one.number)) {
      const seconds = named.get(word) ?? new Set();
      if (typeof one.sub === 'number') seconds.add(one.sub);
      named.set(word, seconds);
    }
  }
  const secondBits = new Map(Object.entries(layout.second).flatMap(([code, bits]) => wordsOf(Number(code)).map((word) => [word, bits] as const)));
  for (const { width, words } of tests)
    for (const word of words) {
      const front = Math.floor(word / 2 ** (8 * width));
      const right = width === 0 ? named.has(front) : secondBits.get(front) === 8 * width && named.get(front)?.has(word % 2 ** (8 * width)) === true;
      if (!right) throw new Refusal(line, `no function of ${layout.protocol} is named by ${word}`);
    }
  /** Whether the rule takes this word with this second number; `rest`: with any second number that has no name. */
  const takes = (word: number, second: number | 'rest' | 'none'): boolean =>
    tests.every(({ width, words, negated }) => {
      if (width === 0) return words.has(word);
      const listed = typeof second === 'number' && words.has(word * 2 ** (8 * width) + second);
      return negated ? !listed : listed;
    });
  const { size: message } = layout;
  const lengths = message === undefined ? undefined : fieldsOf(compared, layout, line);
  if (lengths === undefined && !isDatagram(compared, layout)) throw new Refusal(line, `datagrams of ${layout.protocol} have other lengths`);
  const found: number[] = [];
  for (const one of known) {
    const patterns = one.codes.flatMap(({ number = -1, sub }) =>
      wordsOf(number).map((word) => {
        const second: number | 'rest' | 'none' = layout.second[number] === undefined ? 'none' : typeof sub === 'number' ? sub : 'rest';
        return { number, word, second };
      }),
    );
    const taken = patterns.filter(({ word, second }) => takes(word, second));
    if (taken.length === 0) continue;
    if (taken.length < patterns.length) throw new Refusal(line, `only some codes of ${one.name} are taken`);
    for (const { number, second } of taken) if (lengths !== undefined) checkLengths(layout, number, second, lengths, line);
    found.push(functionTable.number(one));
  }
  if (found.length === 0) throw new Refusal(line, 'no function is taken');
  return found;
}

function isDatagram({ lengths }: Compared, layout: Layout): boolean {
  const [least, most] = layout.lengths;
  return 'datagrams' in lengths && rangesEqual(lengths.datagrams, [{ first: least + 8, last: most + 8 }]);
}

function checkLengths(layout: Layout, code: number, second: number | 'rest' | 'none', lengths: ReadonlySet<number>, line: number | undefined): void {
  const own = typeof second === 'number' ? layout.bySecond[`${code}/${second}`] : second === 'none' ? layout.byCode[code] : undefined;
  const [least, most, step] = own ?? layout.lengths;
  const right = lengths.size === (most - least) / step + 1 && [...lengths].every((one) => one >= least && one <= most && (one - least) % step === 0);
  if (!right) throw new Refusal(line, `messages of function code ${code} have other lengths`);
}

/** A number of `size` bytes read from its other end. */
function turned(value: number, size: number): number {
  const bytes = Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** index) % 256);
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

function rangeOf(scalar: Item[number] | undefined, line: number | undefined): Range<number> {
  if (typeof scalar === 'object' && 'first' in scalar) return { first: valueOf(scalar.first, line), last: valueOf(scalar.last, line) };
  const [, first, last] = typeof scalar === 'string' ? (/^([0-9a-fx]+)-([0-9a-fx]+)$/u.exec(scalar) ?? []) : [];
  if (first !== undefined) return { first: valueOf(first, line), last: valueOf(last, line) };
  const value = valueOf(scalar, line);
  return { first: value, last: value };
}

function valueOf(scalar: Item[number] | undefined, line: number | undefined): number {
  const value = typeof scalar === 'string' ? (readNumber(scalar) ?? protocolNames.get(scalar)) : undefined;
  if (value === undefined) throw new Refusal(line, 'a byte is compared with what is no number');
  return value;
}
