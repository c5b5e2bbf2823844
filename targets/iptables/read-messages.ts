/**
 * What programs accept, as functions of messages.
 *
 * Takes the ways through a program (`read-bpf.ts`), gives the functions of the packets that it accepts. The one idea: bytes are no field of the
 * packet space, so only whole forms are understood: "no payload", and "one whole message with one of these codes, of every length that it may
 * have", perhaps to some units and within a range of data (`read-touches.ts`). A program that accepts a part of what a function may look like, or
 * more, is refused.
 */
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import { functionBox, type FunctionSet, type MessageBox, unionFunctions } from '../../src/packets/function-set.ts';
import { allFunctions } from '../../src/packets/functions.ts';
import { functionTable } from '../../src/policy/gateway-policy.ts';
import { type Layout, type Lengths, layouts, type Told } from '../../src/target/message-layouts.ts';
import { acceptedBy, type Count, countKey, ipHeader, type Packets, payloadPlace, type Place, type Way } from './read-bpf.ts';
import { detailsOf } from './read-touches.ts';
import { Refusal } from './read-tree.ts';

export interface Said {
  /** Messages of one layout; undefined for packets without payload. */
  readonly told: Told | undefined;
  readonly messages: FunctionSet;
}

const known = new Map<string, Said | Refusal>();
const most = 2000;

/** What the packets say that a program accepts. */
export function saidBy(program: string, packets: Packets, line: number): Said {
  const key = `${packets.family} ${packets.transport} ${program}`;
  const found = known.get(key) ?? read(program, packets, line);
  if (known.size > most) known.clear();
  known.set(key, found);
  if (found instanceof Refusal) throw new Refusal(line, found.message);
  return found;
}

function read(program: string, packets: Packets, line: number): Said | Refusal {
  try {
    const ways = acceptedBy(program, packets, line).flatMap((way) => bytesOf(way, packets, line) ?? []);
    if (ways.length === 0) throw new Refusal(line, 'a program that accepts nothing');
    if (ways.every((way) => isEmpty(way, packets))) return { told: undefined, messages: functionTable.none };
    return messagesOf(ways, packets, line);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

// -- a way by single bytes --------------------------------------------------------------------------------------------

/** What one way asks, with the headers checked. */
interface Asked {
  readonly way: Way;
  /** Values of single bytes. */
  readonly bytes: ReadonlyMap<Place, ReadonlySet<number>>;
  /** Values of two bytes that cannot be told apart byte by byte. */
  readonly pairs: readonly { readonly places: readonly Place[]; readonly values: readonly number[] }[];
}

/** Undefined where no packet goes this way. */
function bytesOf(way: Way, packets: Packets, line: number): Asked | undefined {
  const bytes = new Map<Place, ReadonlySet<number>>();
  const narrow = (place: Place, values: ReadonlySet<number>): void => {
    const before = bytes.get(place);
    bytes.set(place, before === undefined ? values : new Set([...values].filter((value) => before.has(value))));
  };
  const pairs: { places: readonly Place[]; values: readonly number[] }[] = [];
  for (const { places, values } of way.held.values()) {
    const [first, second] = places;
    if (first === undefined) continue;
    if (second === undefined) {
      narrow(first, new Set(values));
      continue;
    }
    const [high, low] = [bytesAmong(values, 8), bytesAmong(values, 0)];
    if (high.size * low.size === values.length) {
      narrow(first, high);
      narrow(second, low);
    } else {
      pairs.push({ places, values });
    }
  }
  const paired = pairs.flatMap(({ places }) => places);
  if (new Set(paired).size < paired.length) throw new Refusal(line, 'a program that compares bytes in several ways');
  const left = pairs.map(({ places, values }) => {
    const [first = 0, second = 0] = places;
    const [high, low] = [bytes.get(first), bytes.get(second)];
    bytes.delete(first);
    bytes.delete(second);
    if (high === undefined && low === undefined) return { places, values };
    return { places, values: values.filter((value) => high?.has(value >> 8) !== false && low?.has(value & 0xff) !== false) };
  });
  if ([...bytes.values()].some(({ size }) => size === 0) || left.some(({ values }) => values.length === 0)) return undefined;
  checkHeaders(way, bytes, left, packets, line);
  for (const [place, values] of bytes) if (place < payloadPlace(0) || values.size === 256) bytes.delete(place);
  return { way, bytes, pairs: left };
}

/** The values of one byte of numbers, which are in order and may be tens of thousands. */
function bytesAmong(values: readonly number[], shift: number): ReadonlySet<number> {
  const found = new Uint8Array(256);
  for (const value of values) found[(value >> shift) & 0xff] = 1;
  return new Set(everyByte.filter((byte) => found[byte] === 1));
}

const everyByte = Array.from({ length: 256 }, (_, byte) => byte);

/** No options of IP, or the transport right behind IPv6; a header of TCP without urgent data or strange bits; a datagram that fills its packet. */
function checkHeaders(way: Way, bytes: ReadonlyMap<Place, ReadonlySet<number>>, pairs: Asked['pairs'], packets: Packets, line: number): void {
  const { family, transport } = packets;
  const header = ipHeader(packets);
  const wanted = new Map<Place, (value: number) => boolean>([family === 4 ? [0, (value) => value === 0x45] : [6, (value) => value === transport]]);
  if (transport === 6) {
    wanted.set(header + 12, (value) => value >= 0x50 && (value & 0x0e) === 0);
    wanted.set(header + 13, (value) => (value & 0x20) === 0);
  }
  const right = [...wanted].every(([place, holds]) => {
    const values = bytes.get(place);
    return values !== undefined && Array.from({ length: 256 }, (_, value) => value).every((value) => values.has(value) === holds(value));
  });
  const others = [...bytes.keys(), ...pairs.flatMap(({ places }) => places)].filter((place) => place < payloadPlace(0) && !wanted.has(place));
  const fills = transport === 6 || isRange(way, { ...nothing, total: 1, udp: -1, constant: family === 4 ? -header : 0 }, 0, 0);
  const counts = [payloadCount(packets), ...(transport === 6 ? [] : [datagramCount(packets)])].map(countKey);
  if (!right || others.length > 0 || !fills || [...way.counted.keys()].some((key) => !counts.includes(key)))
    throw new Refusal(line, 'a program that does not hold the headers of its packets to what they have to be');
}

const nothing = { kind: 'count', total: 0, udp: 0, header: 0, constant: 0 } as const;

function count(parts: Partial<Count>): Count {
  return { ...nothing, ...parts, constant: ((parts.constant ?? 0) + 2 ** 32) % 2 ** 32 };
}

/** Bytes behind the header of TCP or UDP. */
function payloadCount(packets: Packets): Count {
  const rest = packets.family === 4 ? -20 : 0;
  // A datagram fills its packet.
  return packets.transport === 17 ? count({ total: 1, constant: rest - 8 }) : count({ total: 1, header: -1, constant: rest });
}

/** Bytes of the packet that the datagram leaves. */
function datagramCount({ family }: Packets): Count {
  return count({ total: 1, udp: -1, constant: family === 4 ? -20 : 0 });
}

function isRange(way: Way, form: Count, first: number, last: number): boolean {
  const [range, ...more] = way.counted.get(countKey(count(form))) ?? [];
  return range !== undefined && more.length === 0 && range.first === first && range.last === last;
}

function isEmpty({ way, bytes, pairs }: Asked, packets: Packets): boolean {
  return (
    bytes.size + pairs.length + way.relations.length + way.sums.size + way.agreements.length + way.reach === 0 && isRange(way, payloadCount(packets), 0, 0)
  );
}

// -- ways by layouts --------------------------------------------------------------------------------------------------

/** Words at the place of the function, numbers behind them and lengths, each with each. */
interface Box {
  readonly words: readonly number[];
  /** Undefined: any. */
  readonly seconds: ReadonlySet<number> | undefined;
  readonly lengths: readonly number[];
  /** Units and data; one that is empty for all. */
  readonly details: readonly MessageBox[];
  readonly reach: number;
}

/** Bytes may read as messages of several protocols; only one of these may know the functions. */
function messagesOf(ways: readonly Asked[], packets: Packets, line: number): Said {
  const told: Said[] = [];
  let refusal = new Refusal(line, 'the bytes that a program compares are those of no known message');
  for (const layout of layouts) {
    if (!layout.transports.includes(packets.transport)) continue;
    try {
      const boxes = ways.map((way) => boxOf(way, layout, packets, line));
      const fitting = boxes.filter((box) => box !== undefined);
      if (fitting.length < boxes.length) continue;
      const messages = unionFunctions(...byDetails(fitting).flatMap((some) => messagesWith(some, layout, line)));
      told.push({ told: { layout, transport: packets.transport, family: packets.family, messages }, messages });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = error;
    }
  }
  const [one, ...more] = told;
  if (one === undefined) throw refusal;
  if (more.length > 0) throw new Refusal(line, 'the bytes that a program compares are those of several messages');
  return one;
}

/** Boxes about the same units and data: together they take whole functions, as far as they go. */
function byDetails(boxes: readonly Box[]): readonly (readonly Box[])[] {
  const groups = new Map<string, Box[]>();
  for (const box of boxes) {
    const key = JSON.stringify(box.details);
    groups.set(key, [...(groups.get(key) ?? []), box]);
  }
  return [...groups.values()];
}

function messagesWith(boxes: readonly Box[], layout: Layout, line: number): readonly FunctionSet[] {
  return functionsOf(boxes, layout, line).flatMap((number) => (boxes[0]?.details ?? []).map((box) => functionBox(number, box)));
}

function spanOf({ bytes }: Layout, what: 'length' | 'function'): readonly Place[] {
  return bytes.flatMap((byte, at) => (byte === what ? [payloadPlace(at)] : []));
}

/** Undefined if the way asks for something else than the layout says. */
function boxOf(asked: Asked, layout: Layout, packets: Packets, line: number): Box | undefined {
  const { way } = asked;
  const left = new Map(asked.bytes);
  const pairs = new Set(asked.pairs);
  for (const [at, wanted] of layout.bytes.entries()) {
    if (typeof wanted === 'string') continue;
    const values = left.get(payloadPlace(at));
    if (values?.size !== wanted.size || ![...wanted].every((value) => values.has(value))) return undefined;
    left.delete(payloadPlace(at));
  }
  /** What stands at these places, which nothing else is asked of. */
  const taken = (places: readonly Place[]): readonly number[] | undefined => {
    const pair = [...pairs].find((one) => one.places.join() === places.join());
    const single = places.map((place) => left.get(place));
    if (pair !== undefined) pairs.delete(pair);
    for (const place of places) left.delete(place);
    if (pair !== undefined) return pair.values;
    if (single.every((values) => values === undefined)) return undefined;
    const [high, low] = single.map((values) => [...(values ?? Array.from({ length: 256 }, (_, value) => value))]);
    return low === undefined ? high : (high ?? []).flatMap((one) => low.map((other) => one * 256 + other));
  };
  const lengths = lengthsOf(way, layout, packets, taken);
  if (lengths === undefined) return undefined;
  const place = spanOf(layout, 'function');
  const words = taken(place);
  if (words === undefined) return undefined;
  const seconds = secondsAsked(words, layout, (width) => taken(Array.from({ length: width }, (_, index) => (place.at(-1) ?? 0) + 1 + index)));
  const known = codesOf(layout);
  const codes = words.flatMap((word) => known.get(word) ?? []);
  const details = detailsOf({ way, layout, codes, lengths, line }, taken);
  if (left.size > 0 || pairs.size > 0) return undefined;
  return { words, seconds: seconds === undefined ? undefined : new Set(seconds), lengths: details.lengths, details: details.boxes, reach: way.reach };
}

/** What stands behind the code, if all codes of a way are followed by a number of one size. */
function secondsAsked(words: readonly number[], layout: Layout, taken: (width: number) => readonly number[] | undefined): readonly number[] | undefined {
  const codes = codesOf(layout);
  const [bits, ...more] = new Set(words.map((word) => layout.second[codes.get(word) ?? -1]));
  return bits === undefined || more.length > 0 ? undefined : taken(bits / 8);
}

/** What the length field may say, held against the length of the packet; of a datagram, its own length. */
function lengthsOf(
  { relations, counted, ...way }: Way,
  layout: Layout,
  packets: Packets,
  taken: (places: readonly Place[]) => readonly number[] | undefined,
): readonly number[] | undefined {
  const payload = payloadCount(packets);
  const key = countKey(payload);
  if (layout.size === undefined) {
    const [least, most] = layout.lengths;
    if (relations.length > 0 || !isRange({ relations, counted, ...way }, payload, least, most)) return undefined;
    return Array.from({ length: most - least + 1 }, (_, index) => least + index);
  }
  const [relation, ...more] = relations;
  const span = spanOf(layout, 'length');
  // Of four bytes the two that count; the others are zero.
  const low = span.length <= 2 ? span : layout.reversed ? span.slice(0, 2) : span.slice(2);
  const zero = span.filter((one) => !low.includes(one)).map((one) => taken([one]));
  const fits = relation !== undefined && more.length === 0 && !counted.has(key) && countKey(relation.count) === key;
  if (!fits || relation.bytes.places.join() !== low.join() || !zero.every((values) => values?.join() === '0')) return undefined;
  const { size } = layout;
  const found: number[] = [];
  for (const value of taken(low) ?? Array.from({ length: 256 ** low.length }, (_, each) => each)) {
    const said = layout.reversed && low.length === 2 ? (value & 0xff) * 256 + (value >> 8) : value;
    if (relation.bytes.of(value) !== size(said)) return undefined;
    found.push(said);
  }
  return found;
}

function functionsIn({ protocol, layer }: Layout): readonly ProtocolFunction[] {
  return functionTable.among(allFunctions).filter((one) => one.protocol === protocol && one.layer.name === layer);
}

/** What stands in a message for a code, one word for each of the bits beside it. */
function wordsOf(layout: Layout, code: number): readonly number[] {
  const turned = layout.reversed && spanOf(layout, 'function').length === 2 ? (code % 256) * 256 + Math.floor(code / 256) : code;
  return layout.flags.map((flags) => flags | turned);
}

/** Codes of functions by the words that stand for them. */
function codesOf(layout: Layout): ReadonlyMap<number, number> {
  const codes = functionsIn(layout).flatMap((one) => one.codes.flatMap(({ number }) => number ?? []));
  return new Map(codes.flatMap((code) => wordsOf(layout, code).map((word) => [word, code] as const)));
}

function functionsOf(boxes: readonly Box[], layout: Layout, line: number): readonly number[] {
  const all = functionsIn(layout);
  const named = (code: number): readonly number[] =>
    all.flatMap(({ codes }) => codes.flatMap(({ number, sub }) => (number === code && typeof sub === 'number' ? [sub] : [])));
  checkNames(boxes, layout, named, line);
  const found: number[] = [];
  for (const one of all) {
    const taken = one.codes.flatMap(({ number = -1, sub }) =>
      wordsOf(layout, number).map((word) => takes(boxes, layout, { code: number, word, seconds: secondsOf(layout, number, sub, named(number)) }, line)),
    );
    if (!taken.includes(true)) continue;
    if (taken.includes(false)) throw new Refusal(line, `only some codes of ${one.name} are taken`);
    found.push(functionTable.number(one));
  }
  if (found.length === 0) throw new Refusal(line, 'a program that accepts no function');
  return found;
}

/** Every word that is taken has to be some function's, and every number behind it. */
function checkNames(boxes: readonly Box[], layout: Layout, named: (code: number) => readonly number[], line: number): void {
  const codes = codesOf(layout);
  for (const { words, seconds } of boxes)
    for (const word of words) {
      const code = codes.get(word);
      if (code === undefined) throw new Refusal(line, `no function of ${layout.protocol} is named by ${word}`);
      if (layout.second[code] === undefined) continue;
      const rest = functionsIn(layout).some((one) => one.codes.some(({ number, sub }) => number === code && typeof sub !== 'number'));
      if (!rest && (seconds === undefined || [...seconds].some((second) => !named(code).includes(second))))
        throw new Refusal(line, `no function of ${layout.protocol} is named by what follows ${word}`);
    }
}

/** What means a function: a word, and numbers behind it if there are any. */
interface Pattern {
  readonly code: number;
  readonly word: number;
  readonly seconds: Seconds | undefined;
}

interface Seconds {
  readonly numbers: readonly number[];
  /** They have a name of their own; if not, they are all others. */
  readonly named: boolean;
}

function takes(boxes: readonly Box[], layout: Layout, { code, word, seconds }: Pattern, line: number): boolean {
  const here = boxes.filter(({ words }) => words.includes(word));
  if (here.length === 0) return false;
  if (seconds === undefined) {
    if (here.some((box) => box.seconds !== undefined)) throw new Refusal(line, `a second number is asked of function code ${code}`);
    return takesAll(here, lengthsFor(layout, code, undefined), layout, code, line);
  }
  const wanted = lengthsFor(layout, code, seconds.named ? seconds.numbers[0] : undefined);
  // Numbers that the same boxes hold are alike.
  const verdicts = new Map<string, boolean>();
  for (const second of seconds.numbers) {
    const holding = here.filter((box) => box.seconds?.has(second) !== false);
    const key = holding.map((box) => here.indexOf(box)).join();
    if (!verdicts.has(key)) verdicts.set(key, holding.length > 0 && takesAll(holding, wanted, layout, code, line));
  }
  const [verdict = false, ...more] = new Set(verdicts.values());
  if (more.length > 0) throw new Refusal(line, `only some numbers behind function code ${code} are taken`);
  return verdict;
}

/** The numbers behind a code that mean a function: its own, or all that have no names. */
function secondsOf(layout: Layout, code: number, sub: number | string | undefined, named: readonly number[]): Seconds | undefined {
  const bits = layout.second[code];
  if (bits === undefined) return undefined;
  if (typeof sub === 'number') return { numbers: [sub], named: true };
  const key = `${bits} ${named.join()}`;
  const others = new Set(named);
  const rest = unnamed.get(key) ?? { numbers: Array.from({ length: 2 ** bits }, (_, value) => value).filter((value) => !others.has(value)), named: false };
  unnamed.set(key, rest);
  return rest;
}

/** Tens of thousands of numbers, which every program of a protocol asks for. */
const unnamed = new Map<string, Seconds>();

function lengthsFor(layout: Layout, code: number, second: number | undefined): Lengths {
  const own = layout.second[code] === undefined ? layout.byCode[code] : second === undefined ? undefined : layout.bySecond[`${code}/${second}`];
  return own ?? layout.lengths;
}

/** True if these take every length that a message may have; where they take others, or some, they are refused. */
function takesAll(boxes: readonly Box[], [least, most, step]: Lengths, layout: Layout, code: number, line: number): true {
  const lengths = new Set(boxes.flatMap((box) => box.lengths));
  const right =
    lengths.size === Math.floor((most - least) / step) + 1 && [...lengths].every((one) => one >= least && one <= most && (one - least) % step === 0);
  if (!right) throw new Refusal(line, `messages of function code ${code} have other lengths`);
  // What is read beyond the function and what is always there would not be accepted where it is missing.
  const last = Math.max(layout.bytes.length, layout.bytes.lastIndexOf('function') + 1 + (layout.second[code] ?? 0) / 8);
  const there = Math.max(last, layout.size?.(least) ?? least);
  if (boxes.some(({ reach }) => reach > there)) throw new Refusal(line, `more bytes are read than messages of function code ${code} have`);
  return true;
}
