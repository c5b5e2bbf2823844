/**
 * Sets of what clients say: functions by number, and of a function perhaps only some units and addresses.
 *
 * Takes and gives canonical lists of segments, nested: numbers of functions, below each the units, below each the first addresses of the data
 * that a message touches, below each the last ones. The one idea: whatever is the same for every value below is the one word `all`, so that
 * who never names a unit has plain ranges of numbers; both sets are cut at each other's borders, combined, and equal neighbours joined, which
 * makes equal sets equal lists.
 */
import type { Range, Ranges } from '../net/ranges.ts';

/** Values `low` to `high` of one field, and which of the next field go with them. Not called a range: no set of ranges is a set of messages. */
export interface Segment {
  readonly low: number;
  readonly high: number;
  readonly below: Below;
}

export type Below = readonly Segment[] | 'all';

/** Sorted, disjoint; neighbours with the same below are joined. Empty: no message. */
export type FunctionSet = readonly Segment[];

/** What a message says besides its function; 0 where it says no such thing. */
export interface MessageDetails {
  readonly unit: number;
  /** The first of the addresses of data that it touches. */
  readonly firstAddress: number;
  /** The last one; above 65535 where it touches what no device has, or counts none or too many: such a message lies in no range. */
  readonly lastAddress: number;
}

export const noDetails: MessageDetails = { unit: 0, firstAddress: 0, lastAddress: 0 };

export const functionBits = 12;
/** Bits of the fields, outermost first. */
export const messageBits = [functionBits, 8, 16, 17] as const;
export const lastUnit = 255;
export const lastDataAddress = 0xffff;

export const allFunctions: FunctionSet = [{ low: 0, high: 2 ** functionBits - 1, below: 'all' }];

type Operation = 'union' | 'intersect' | 'subtract';

/** Every message of the functions with these numbers. */
export function functionRanges(numbers: Ranges<number>): FunctionSet {
  return numbers.map(({ first, last }) => ({ low: first, high: last, below: 'all' }));
}

/** Which messages of a function are meant; an absent field is free. */
export interface MessageBox {
  readonly units?: Range<number> | undefined;
  readonly first?: Range<number> | undefined;
  readonly last?: Range<number> | undefined;
}

/** The messages of a function in a box. */
export function functionBox(number: number, { units, first, last }: MessageBox): FunctionSet {
  const within = (range: Range<number> | undefined, depth: number, below: Below): Below =>
    below === 'all' && (range === undefined || isWhole(range, depth)) ? 'all' : [segment(range ?? wholeAt(depth), below)];
  return [segment({ first: number, last: number }, within(units, 1, within(first, 2, within(last, 3, 'all'))))];
}

function segment({ first, last }: Range<number>, below: Below): Segment {
  return { low: first, high: last, below };
}

function wholeAt(depth: number): Range<number> {
  return { first: 0, last: 2 ** (messageBits[depth] ?? 0) - 1 };
}

function isWhole({ first, last }: Range<number>, depth: number): boolean {
  return first === 0 && last === wholeAt(depth).last;
}

/** Segments of one field in order, neighbours with the same below joined; `all` where nothing is told apart. */
export function belowOf(segments: readonly Segment[], depth: number): Below {
  const result: { low: number; high: number; below: Below }[] = [];
  for (const { low, high, below } of segments) {
    if (below.length === 0) continue;
    const top = result.at(-1);
    if (top !== undefined && top.high + 1 === low && isSame(top.below, below)) top.high = high;
    else result.push({ low, high, below });
  }
  const [only] = result;
  const whole = depth > 0 && result.length === 1 && only?.below === 'all' && isWhole({ first: only.low, last: only.high }, depth);
  return whole ? 'all' : result;
}

function isSame(a: Below, b: Below): boolean {
  if (a === b) return true;
  if (a === 'all' || b === 'all' || a.length !== b.length) return false;
  return a.every(({ low, high, below }, at) => {
    const other = b[at];
    return other !== undefined && other.low === low && other.high === high && isSame(below, other.below);
  });
}

function combine(operation: Operation, a: Below, b: Below, depth: number): Below {
  if (operation === 'union') {
    if (a === b || a === 'all' || b.length === 0) return a;
    if (b === 'all' || a.length === 0) return b;
  } else if (operation === 'intersect') {
    if (a === b || b === 'all' || a.length === 0) return a;
    if (a === 'all' || b.length === 0) return b;
  } else {
    if (a === b || b === 'all' || a.length === 0) return [];
    if (b.length === 0) return a;
  }
  return belowOf(cut(operation, segmentsOf(a, depth), segmentsOf(b, depth), depth), depth);
}

function segmentsOf(below: Below, depth: number): readonly Segment[] {
  return below === 'all' ? [segment(wholeAt(depth), 'all')] : below;
}

/** Both cut at each other's borders, and what the operation makes of each piece. */
function cut(operation: Operation, a: readonly Segment[], b: readonly Segment[], depth: number): Segment[] {
  const borders = new Set<number>();
  for (const { low, high } of [...a, ...b]) borders.add(low).add(high + 1);
  const sorted = [...borders].sort((x, y) => x - y);
  const pieces: Segment[] = [];
  let i = 0;
  let j = 0;
  for (const [at, low] of sorted.entries()) {
    const end = sorted[at + 1];
    if (end === undefined) break;
    while ((a[i]?.high ?? Infinity) < low) i++;
    while ((b[j]?.high ?? Infinity) < low) j++;
    const [x, y] = [a[i], b[j]];
    const left = x !== undefined && x.low <= low ? x.below : [];
    const right = y !== undefined && y.low <= low ? y.below : [];
    pieces.push({ low, high: end - 1, below: combine(operation, left, right, depth + 1) });
  }
  return pieces;
}

function whole(operation: Operation, a: FunctionSet, b: FunctionSet): FunctionSet {
  const result = combine(operation, a, b, 0);
  return result === 'all' ? allFunctions : result;
}

/** Halves first: one by one, hundreds of ranges would each walk through all before it. */
export function unionFunctions(...sets: readonly FunctionSet[]): FunctionSet {
  if (sets.length <= 2) return whole('union', sets[0] ?? [], sets[1] ?? []);
  const half = sets.length >> 1;
  return whole('union', unionFunctions(...sets.slice(0, half)), unionFunctions(...sets.slice(half)));
}

export function intersectFunctions(a: FunctionSet, b: FunctionSet): FunctionSet {
  return whole('intersect', a, b);
}

export function subtractFunctions(a: FunctionSet, b: FunctionSet): FunctionSet {
  return whole('subtract', a, b);
}

export function functionsEqual(a: FunctionSet, b: FunctionSet): boolean {
  return isSame(a, b);
}

/** What of the values from a depth on is not below: 1 for units, 2 for first addresses, 3 for last ones. */
export function complementBelow(below: Below, depth: 1 | 2 | 3): Below {
  return combine('subtract', 'all', below, depth);
}

/** Whether every message is in it. */
export function isEveryFunction(set: FunctionSet): boolean {
  return isSame(set, allFunctions);
}

/** Numbers of the functions of which it has some message. */
export function numbersIn(set: FunctionSet): Ranges<number> {
  const result: { first: number; last: number }[] = [];
  for (const { low, high } of set) {
    const top = result.at(-1);
    if (top !== undefined && top.last + 1 === low) top.last = high;
    else result.push({ first: low, last: high });
  }
  return result;
}

/** What of the messages of a function is in it: none (empty), some, or all. */
export function detailsIn(set: FunctionSet, number: number): Below {
  return set.find(({ low, high }) => low <= number && number <= high)?.below ?? [];
}

export function containsMessage(set: FunctionSet, number: number, { unit, firstAddress, lastAddress }: MessageDetails): boolean {
  let below: Below = set;
  for (const value of [number, unit, firstAddress, lastAddress]) {
    if (below === 'all') return true;
    below = below.find(({ low, high }) => low <= value && value <= high)?.below ?? [];
  }
  return below === 'all';
}

/** A text that is the same for equal sets alone. */
export function functionsText(set: FunctionSet): string {
  return set.map(({ low, high, below }) => `${low}-${high}${below === 'all' ? '' : `(${functionsText(below)})`}`).join(',');
}

export function functionsBelow(below: Below): FunctionSet {
  return below === 'all' ? allFunctions : below;
}
