/**
 * What a program asks of units and data, as ranges that messages stay within.
 *
 * Takes one way through a program whose codes are known, gives units and boxes of first and last addresses. The one idea: a way is understood only
 * as a whole range: from its first address to its last one each start is there, with every quantity that ends within it and no other; and where a
 * message counts its data three times, every quantity has the one count and the one length that belong to it.
 */
import { intersectRanges, type Range, type Ranges } from '../../src/net/ranges.ts';
import type { MessageBox } from '../../src/packets/function-set.ts';
import type { Layout, Touch } from '../../src/target/message-layouts.ts';
import { type Agreement, type Bytes, payloadPlace, type Place, type Sum, type Way } from './read-bpf.ts';
import { Refusal } from './read-tree.ts';

/** The values that stand at some places, which nothing else asks from then on; undefined: any. */
export type Taken = (places: readonly Place[]) => readonly number[] | undefined;

export interface Details {
  /** Which messages; all of them where one is empty. */
  readonly boxes: readonly MessageBox[];
  /** What the length field says. */
  readonly lengths: readonly number[];
}

interface Asked {
  readonly way: Way;
  readonly layout: Layout;
  /** Of the functions that the way names. */
  readonly codes: readonly number[];
  /** What the length field says, as far as it is compared with numbers. */
  readonly lengths: readonly number[];
  readonly line: number;
}

export function detailsOf(asked: Asked, taken: Taken): Details {
  const { layout } = asked;
  const units = layout.unit === undefined ? undefined : taken([payloadPlace(layout.unit)]);
  const { boxes, lengths } = dataOf(asked, taken);
  return { boxes: (units === undefined ? [undefined] : rangesOf(units)).flatMap((range) => boxes.map((box) => ({ ...box, units: range }))), lengths };
}

function dataOf({ way, layout, codes, lengths, line }: Asked, taken: Taken): Details {
  const touch = touchOf(layout, codes);
  const compares = way.sums.size + way.agreements.length;
  if (touch === undefined || touch.quantities.length === 0) {
    if (compares > 0) throw new Refusal(line, 'numbers are held against each other that belong to no data of one function');
    const firsts = touch === undefined ? undefined : taken(twoBytes(touch.starts[0]));
    return { boxes: firsts === undefined ? [{}] : rangesOf(firsts).map((first) => ({ first })), lengths };
  }
  if (compares === 0) return { boxes: [{}], lengths };
  if (way.sums.size !== touch.starts.length) throw new Refusal(line, 'not every first address and its quantity are held to a range');
  const ranges = touch.starts.map((start, index) => {
    const [at, most] = touch.quantities[index] ?? [0, 0];
    const sum = [...way.sums.values()].find(({ sum: { parts } }) => adds(parts, twoBytes(start), twoBytes(at)));
    if (sum === undefined) throw new Refusal(line, 'a sum of other numbers than a first address and its quantity');
    return rangeWithin(taken(twoBytes(start)), taken(twoBytes(at)), { within: sum.within, most }, line);
  });
  const [range] = ranges;
  if (range === undefined || ranges.some(({ first, last }) => first !== range.first || last !== range.last))
    throw new Refusal(line, 'the data that a message reads and writes are held to different ranges');
  const box: MessageBox = { first: range, last: { first: 0, last: range.last } };
  if (touch.counted !== undefined) return { boxes: [box], lengths: countedLengths(way.agreements, touch, layout, lengths, line) };
  if (way.agreements.length > 0) throw new Refusal(line, 'a count of bytes is read from messages that have none');
  return { boxes: [box], lengths };
}

/** Undefined where the functions have no data, or not the same. */
function touchOf({ touches }: Layout, codes: readonly number[]): Touch | undefined {
  const [one, ...more] = codes.map((code) => touches[code]);
  return more.every((touch) => JSON.stringify(touch) === JSON.stringify(one)) ? one : undefined;
}

function twoBytes(at = 0): readonly Place[] {
  return [payloadPlace(at), payloadPlace(at + 1)];
}

function adds(parts: Sum['parts'], one: readonly Place[], other: readonly Place[]): boolean {
  const found = parts.map(({ places }) => places.join());
  return [one, other].every((places) => found.includes(places.join()));
}

/** Of values that may be tens of thousands. */
function rangesOf(values: readonly number[]): Ranges<number> {
  const found: { first: number; last: number }[] = [];
  const inOrder = values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0));
  for (const value of inOrder ? values : values.toSorted((a, b) => a - b)) {
    const top = found.at(-1);
    if (top !== undefined && value <= top.last + 1) top.last = value;
    else found.push({ first: value, last: value });
  }
  return found;
}

interface Bounds {
  /** Of first address and quantity together. */
  readonly within: Ranges<number>;
  readonly most: number;
}

function rangeWithin(starts: readonly number[] | undefined, quantities: readonly number[] | undefined, { within, most }: Bounds, line: number): Range<number> {
  const [sum, ...others] = within;
  if (quantities?.length !== most || quantities.some((quantity) => quantity < 1 || quantity > most))
    throw new Refusal(line, 'a quantity of none, too many, or not every one that there may be');
  if (sum === undefined || others.length > 0) throw new Refusal(line, 'first addresses and quantities that make up no range');
  // The least quantity is one: the last address is one below the largest sum.
  const last = sum.last - 1;
  const all = starts === undefined ? [{ first: 0, last: 0xffff }] : rangesOf(starts);
  const [range, ...gaps] = intersectRanges(all, [{ first: 0, last: Math.max(0, last) }]);
  if (range === undefined || gaps.length > 0 || range.last !== last || last > 0xffff || sum.first > range.first + 1)
    throw new Refusal(line, 'first addresses and quantities that make up no range');
  return range;
}

/** The lengths that belong to the quantities, each with the count of its bytes. */
function countedLengths(agreements: readonly Agreement[], touch: Touch, layout: Layout, lengths: readonly number[], line: number): readonly number[] {
  const refuse = (): never => {
    throw new Refusal(line, 'a count of bytes that is not held against its quantity and the length');
  };
  const [at, bits] = touch.counted ?? refuse();
  const [quantity, most] = touch.quantities.at(-1) ?? refuse();
  const length = layout.bytes.flatMap((byte, index) => (byte === 'length' ? [payloadPlace(index)] : []));
  const between = (one: readonly Place[], other: readonly Place[]): readonly [Bytes, Bytes] => {
    for (const { one: a, other: b } of agreements) {
      if (a.places.join() === one.join() && b.places.join() === other.join()) return [a, b];
      if (b.places.join() === one.join() && a.places.join() === other.join()) return [b, a];
    }
    return refuse();
  };
  if (agreements.length !== 2 || layout.reversed || layout.size === undefined) return refuse();
  const [count, counted] = between([payloadPlace(at)], twoBytes(quantity));
  const [ofCount, ofLength] = between([payloadPlace(at)], length);
  const found = new Set<number>();
  for (let many = 1; many <= most; many += 1) {
    const bytes = Math.floor((many * bits + 7) / 8);
    const counts = everyByte.filter((byte) => count.of(byte) === counted.of(many));
    if (counts.length !== 1 || counts[0] !== bytes) return refuse();
    if (bits < 8 && many % 8 !== 1) continue;
    const fitting = lengths.filter((said) => ofLength.of(said) === ofCount.of(bytes));
    if (fitting.length !== 1 || layout.size(fitting[0] ?? 0) !== at + 1 + bytes) return refuse();
    for (const said of fitting) found.add(said);
  }
  return [...found];
}

const everyByte = Array.from({ length: 256 }, (_, byte) => byte);
