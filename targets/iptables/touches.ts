/**
 * Which data a message touches, asked by a program of BPF.
 *
 * Takes the places of first addresses, quantities and byte counts, and ranges of addresses, writes the questions. The one idea: a program adds a
 * first address and its quantity and holds the sum against the end of the range, so a range of any width costs the same; where a quantity is
 * said three times, byte count and length are held against it, so that who believes any of them reads the same message.
 */
import type { DataPlace, LengthField } from '../../src/catalogue/frame.ts';
import { detailsIn, type FunctionSet } from '../../src/packets/function-set.ts';
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import { narrowedParts, type NarrowedPart } from '../../src/policy/data-ranges.ts';
import { functionTable } from '../../src/policy/gateway-policy.ts';
import { choose, no, type Place, type Program } from './program.ts';

/** Reads bytes of the message into A. */
export interface MessageBytes {
  load(at: number, size: number): void;
  /** Makes X what `load` needs, where something else was in it. */
  ready(): void;
}

/** Memory: what the length field says, and room to count in. */
interface Memory {
  readonly length: number;
  readonly spare: number;
}

export const everything: NarrowedPart = { units: undefined, within: undefined };

/** Functions of which only a part of the messages is meant, together where it is the same part; the others are whole. */
export function byPart(
  functions: FunctionSet,
  among: readonly ProtocolFunction[],
): readonly { readonly part: NarrowedPart; readonly functions: readonly ProtocolFunction[] }[] {
  const groups = new Map<string, { readonly part: NarrowedPart; readonly functions: ProtocolFunction[] }>([['', { part: everything, functions: [] }]]);
  for (const one of among) {
    const parts = narrowedParts(one, detailsIn(functions, functionTable.number(one)));
    if (parts === undefined) throw new Error(`messages of ${one.name} that no ranges make up`);
    for (const part of parts) {
      const key = partWords(part);
      const known = groups.get(key);
      if (known === undefined) groups.set(key, { part, functions: [one] });
      else known.functions.push(one);
    }
  }
  return [...groups.values()].filter((group) => group.functions.length > 0);
}

/** ` unit 3, 5-6 address 100-199`; nothing for everything. */
export function partWords({ units, within }: NarrowedPart): string {
  const list = (ranges: Ranges<number>): string => ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
  return `${units === undefined ? '' : ` unit ${list(units)}`}${within === undefined ? '' : ` address ${list(within)}`}`;
}

/** The two halves of a part of so many functions, for two programs; undefined where it is the functions that make a program long, or nothing is left to halve. */
export function halves({ units, within }: NarrowedPart, functions: number): readonly NarrowedPart[] | undefined {
  const cut = <Item>(all: readonly Item[]): readonly (readonly Item[])[] => [all.slice(0, all.length >> 1), all.slice(all.length >> 1)];
  const [most, least] = [Math.max(units?.length ?? 0, within?.length ?? 0), functions === 1 ? 2 : functions];
  if (most < least) return undefined;
  if (units?.length === most) return cut(units).map((half) => ({ units: half, within }));
  return within === undefined ? undefined : cut(within).map((half) => ({ units, within: half }));
}

/** Whether what a message touches lies within one of the ranges; several only where it touches one address. */
export function writeTouched(
  program: Program,
  message: MessageBytes,
  data: DataPlace,
  within: Ranges<number>,
  { stem, next, length, memory }: { readonly stem: string; readonly next: Place; readonly length: LengthField; readonly memory: Memory },
): void {
  const [{ start, quantity } = { start: 0, quantity: undefined }] = data.ranges;
  if (quantity === undefined) {
    message.load(start, 2);
    choose(
      program,
      within.map((range) => ({ ...range, to: next })),
      no,
      stem,
    );
    return;
  }
  const [range, ...more] = within;
  if (range === undefined || more.length > 0) throw new Error('several ranges of messages that touch several addresses');
  for (const [index, place] of data.ranges.entries()) {
    if (index > 0) message.ready();
    writeRange(program, message, place, range, memory, index + 1 === data.ranges.length && data.count === undefined ? next : undefined);
  }
  const said = data.ranges.at(-1)?.quantity;
  if (data.count === undefined || said === undefined) return;
  message.ready();
  const { at, bytes } = data.count;
  const bits = bytes(8);
  const computed = (many: number): number => (bits % 8 === 0 ? (many * bits) / 8 : (many + 7) >> 3);
  if (Array.from({ length: said.most }, (_, index) => index + 1).some((many) => computed(many) !== bytes(many)))
    throw new Error(`a count of bytes that is neither of ${bits} bits each nor of one`);
  message.load(said.at, 2);
  if (bits % 8 === 0) program.do('A *= k', bits / 8);
  else program.do('A += k', 7).do('A >>= k', 3);
  program.do('M[k] = A', memory.spare);
  message.load(at, 1);
  // A count that is right says which length ends behind it, so that no list of lengths is asked.
  program
    .do('X = M[k]', memory.spare)
    .branch('A == X', 0, undefined, no)
    .do('A += k', at + 1 - length.adds)
    .do('X = M[k]', memory.length)
    .branch('A == X', 0, next, no);
}

/** First address and quantity against a range; A holds the first address behind the last one in the end. */
function writeRange(
  program: Program,
  message: MessageBytes,
  { start, quantity }: DataPlace['ranges'][number],
  { first, last }: Range<number>,
  memory: Memory,
  to: Place | undefined,
): void {
  if (quantity === undefined) throw new Error('a range without a quantity among others');
  message.load(start, 2);
  if (first > 0) program.branch('A >= k', first, undefined, no);
  program.do('M[k] = A', memory.spare);
  message.load(quantity.at, 2);
  program
    .branch('A > k', quantity.most, no, undefined)
    .branch('A >= k', 1, undefined, no)
    .do('X = M[k]', memory.spare)
    .do('A += X')
    .branch('A > k', last + 1, no, to);
}
