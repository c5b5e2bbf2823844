/**
 * What a set says of units and addresses of one function, in the parts that a gateway can look for.
 *
 * Takes the messages of a function that some flow narrows, gives units with the ranges within which their messages have to stay. The one idea:
 * ranges united, or cut out of all addresses by a deny, are again whole ranges; what is left when one is taken from another is not, and has
 * no parts.
 */
import { addressesOf } from '../catalogue/frames.ts';
import type { ProtocolFunction } from '../catalogue/function.ts';
import { canonical, type Range, type Ranges } from '../net/ranges.ts';
import { type Below, lastDataAddress, lastUnit } from '../packets/function-set.ts';

/** Messages to some units (undefined: all) that stay within one of the ranges (undefined: whatever they touch). */
export interface NarrowedPart {
  readonly units: Ranges<number> | undefined;
  readonly within: readonly Range<number>[] | undefined;
}

/** Undefined if no parts make up the set. */
export function narrowedParts(one: ProtocolFunction, below: Below): readonly NarrowedPart[] | undefined {
  if (below === 'all') return [{ units: undefined, within: undefined }];
  const kind = addressesOf(one);
  const parts = new Map<string, { units: Range<number>[]; within: readonly Range<number>[] | undefined }>();
  for (const { low, high, below: firsts } of below) {
    const ranges = firsts === 'all' ? undefined : rangesWithin(kind, firsts);
    if (firsts !== 'all' && ranges === undefined) return undefined;
    // Single addresses are asked together, ranges one by one.
    for (const within of ranges === undefined || kind === 'one' ? [ranges] : ranges.map((range) => [range])) {
      const key = within?.map(({ first, last }) => `${first}-${last}`).join() ?? '';
      const known = parts.get(key);
      if (known === undefined) parts.set(key, { units: [{ first: low, last: high }], within });
      else known.units.push({ first: low, last: high });
    }
  }
  return [...parts.values()].map(({ units, within }) => {
    const all = canonical(units);
    return { units: all.length === 1 && isEvery(all[0]) ? undefined : all, within };
  });
}

function isEvery(units: Range<number> | undefined): boolean {
  return units?.first === 0 && units.last === lastUnit;
}

function rangesWithin(kind: 'one' | 'many' | undefined, firsts: Exclude<Below, 'all'>): readonly Range<number>[] | undefined {
  const ranges = firsts.map(({ low, high, below }): Range<number> | undefined => {
    if (kind === 'one') return below === 'all' ? { first: low, last: high } : undefined;
    if (kind === undefined || below === 'all' || below.length !== 1) return undefined;
    const [{ low: least, high: last } = { low: 1, high: 0 }] = below;
    return least === 0 && last >= high && last <= lastDataAddress ? { first: low, last } : undefined;
  });
  if (!ranges.every((range) => range !== undefined)) return undefined;
  return ranges.filter((range, at) => !ranges.some((other, index) => index !== at && other.first <= range.first && range.last <= other.last));
}
