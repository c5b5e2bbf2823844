/**
 * Sets of integers as sorted, disjoint, non-adjacent ranges.
 *
 * Takes ranges of numbers (IPv4, ports, protocol numbers) or bigints (IPv6), gives the canonical form, so equal sets
 * are equal lists. The one idea: every set operation is one merge over the sorted lists.
 */

export interface Range<T extends number | bigint> {
  readonly first: T;
  readonly last: T;
}

/** Canonical: sorted, disjoint, no two ranges adjacent. Empty list: the empty set, never "any". */
export type Ranges<T extends number | bigint> = readonly Range<T>[];

function step(value: number | bigint, by: 1 | -1): number | bigint {
  return typeof value === 'bigint' ? value + BigInt(by) : value + by;
}

function next<T extends number | bigint>(value: T): T {
  return step(value, 1) as T;
}

function previous<T extends number | bigint>(value: T): T {
  return step(value, -1) as T;
}

/** Brings any list of ranges into canonical form; ranges with `first > last` are empty and vanish. */
export function canonical<T extends number | bigint>(ranges: readonly Range<T>[]): Ranges<T> {
  if (ranges.length === 0) return ranges;
  const sorted = ranges.filter((range) => range.first <= range.last).sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const result: { first: T; last: T }[] = [];
  for (const range of sorted) {
    const top = result[result.length - 1];
    if (top !== undefined && range.first <= next(top.last)) {
      if (range.last > top.last) top.last = range.last;
    } else {
      result.push({ first: range.first, last: range.last });
    }
  }
  return result;
}

export function unionRanges<T extends number | bigint>(...sets: readonly Ranges<T>[]): Ranges<T> {
  const filled = sets.filter((set) => set.length > 0);
  if (filled.length <= 1) return filled[0] ?? [];
  return canonical(filled.flat());
}

export function intersectRanges<T extends number | bigint>(a: Ranges<T>, b: Ranges<T>): Ranges<T> {
  const result: Range<T>[] = [];
  let i = 0;
  let j = 0;
  while (true) {
    const x = a[i];
    const y = b[j];
    if (x === undefined || y === undefined) return result;
    const first = x.first > y.first ? x.first : y.first;
    const last = x.last < y.last ? x.last : y.last;
    if (first <= last) result.push({ first, last });
    if (x.last < y.last) i++;
    else j++;
  }
}

/** Whether they have a member in common. */
export function rangesMeet<T extends number | bigint>(a: Ranges<T>, b: Ranges<T>): boolean {
  let i = 0;
  let j = 0;
  for (;;) {
    const x = a[i];
    const y = b[j];
    if (x === undefined || y === undefined) return false;
    if (x.last < y.first) i++;
    else if (y.last < x.first) j++;
    else return true;
  }
}

export function subtractRanges<T extends number | bigint>(a: Ranges<T>, b: Ranges<T>): Ranges<T> {
  const result: Range<T>[] = [];
  let j = 0;
  for (const range of a) {
    let first = range.first;
    while ((b[j]?.last ?? range.last) < first) j++;
    let k = j;
    let hole = b[k];
    while (hole !== undefined && hole.first <= range.last) {
      if (hole.first > first) result.push({ first, last: previous(hole.first) });
      if (hole.last >= first) first = next(hole.last);
      hole = b[++k];
    }
    if (first <= range.last) result.push({ first, last: range.last });
  }
  return result;
}

export function rangesContain<T extends number | bigint>(set: Ranges<T>, value: T): boolean {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = set[middle];
    if (range === undefined) return false;
    if (value < range.first) high = middle - 1;
    else if (value > range.last) low = middle + 1;
    else return true;
  }
  return false;
}

export function rangesEqual<T extends number | bigint>(a: Ranges<T>, b: Ranges<T>): boolean {
  return a.length === b.length && a.every((range, i) => range.first === b[i]?.first && range.last === b[i]?.last);
}

/** True iff every member of `a` is one of `b`. */
export function rangesWithin<T extends number | bigint>(a: Ranges<T>, b: Ranges<T>): boolean {
  let j = 0;
  for (const range of a) {
    while (j < b.length && (b[j] as Range<T>).last < range.first) j++;
    const outer = b[j];
    if (outer === undefined || range.first < outer.first || range.last > outer.last) return false;
  }
  return true;
}

/** Number of members; a number, since it is only compared with small limits (above 2^53 it is rounded). */
export function rangesSize<T extends number | bigint>(set: Ranges<T>): number {
  let size = 0;
  // Subtract before rounding: two IPv6 addresses far from 0 are the same double.
  for (const { first, last } of set) size += (typeof first === 'bigint' && typeof last === 'bigint' ? Number(last - first) : Number(last) - Number(first)) + 1;
  return size;
}

/** Index of the last start that is not above the value; starts ascend, and the first is not above any value. */
export function lastStart<T extends number | bigint>(starts: readonly T[], value: T): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as T) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
