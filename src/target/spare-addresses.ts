/**
 * Sides in simpler words, where nobody asks about the difference.
 *
 * Takes a side and the addresses that can reach a lookup at all (the zone: rule 1 is checked before), gives a side that holds the same of
 * those. A zone has holes where the gateway's own addresses are; a network of it is one prefix again once they do not matter.
 */
import type { Range, Ranges } from '../net/ranges.ts';
import type { Side } from './lookup-plan.ts';

type Line = readonly Range<number | bigint>[];

export function withinDomain(side: Side, domain: Ranges<number> | Ranges<bigint>): Side {
  if (side === undefined || side.length === 0) return side;
  const ranges = side as Line;
  const line = domain as Line;
  const joined: { first: number | bigint; last: number | bigint }[] = [];
  for (const range of ranges) {
    const top = joined.at(-1);
    if (top !== undefined && !meets(line, next(top.last), previous(range.first))) top.last = range.last;
    else joined.push({ ...range });
  }
  const widened = joined.map((range) => {
    if (range.first === range.last) return range;
    const wider = around(range);
    const free = !meets(line, wider.first, previous(range.first)) && !meets(line, next(range.last), wider.last);
    return free ? wider : range;
  });
  const same = widened.length === ranges.length && widened.every(({ first, last }, index) => first === ranges[index]?.first && last === ranges[index]?.last);
  return same ? side : (widened as unknown as Ranges<number>);
}

/** Whether the line holds some address from `first` to `last`. */
function meets(line: Line, first: number | bigint, last: number | bigint): boolean {
  if (first > last) return false;
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((line[middle]?.last ?? 0) < first) low = middle + 1;
    else high = middle;
  }
  const found = line[low];
  return found !== undefined && found.first <= last;
}

/** The smallest prefix that holds the range. */
function around({ first, last }: Range<number | bigint>): Range<number | bigint> {
  const [from, to] = [BigInt(first), BigInt(last)];
  let bits = 0n;
  while (from >> bits !== to >> bits) bits++;
  const start = (from >> bits) << bits;
  const end = start + (1n << bits) - 1n;
  return typeof first === 'bigint' ? { first: start, last: end } : { first: Number(start), last: Number(end) };
}

function next(value: number | bigint): number | bigint {
  return typeof value === 'bigint' ? value + 1n : value + 1;
}

function previous(value: number | bigint): number | bigint {
  return typeof value === 'bigint' ? value - 1n : value - 1;
}
