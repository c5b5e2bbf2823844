/**
 * Overlapping sets → disjoint classes.
 *
 * Takes the ranges that each of many sets holds on one line, gives the pieces of the line that lie in the same sets. The one idea: cut the
 * line at every border, and join the pieces between borders whose members are equal.
 */
import { canonical, type Range, type Ranges } from '../net/ranges.ts';

export interface Class {
  readonly ranges: Ranges<number> | Ranges<bigint>;
  /** Indices of the sets that hold it, ascending. */
  readonly members: readonly number[];
}

/** Undefined if the classes have more than `most` members in all. */
export function classify(sets: readonly (Ranges<number> | Ranges<bigint>)[], most: number): Class[] | undefined {
  const events: { at: number | bigint; set: number; opens: boolean }[] = [];
  sets.forEach((ranges, set) => {
    for (const range of ranges as readonly Range<number | bigint>[]) {
      events.push({ at: range.first, set, opens: true }, { at: typeof range.last === 'bigint' ? range.last + 1n : range.last + 1, set, opens: false });
    }
  });
  events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const inside = new Set<number>();
  const classes = new Map<string, { members: number[]; ranges: Range<number | bigint>[] }>();
  let from: number | bigint | undefined;
  let total = 0;
  for (let i = 0; i < events.length;) {
    const at = events[i]?.at;
    if (at === undefined) break;
    if (from !== undefined && inside.size > 0) {
      const members = [...inside].sort((a, b) => a - b);
      const key = members.join(',');
      const range = { first: from, last: typeof at === 'bigint' ? at - 1n : at - 1 };
      const known = classes.get(key);
      if (known === undefined) {
        total += members.length;
        if (total > most) return undefined;
        classes.set(key, { members, ranges: [range] });
      } else {
        known.ranges.push(range);
      }
    }
    for (; events[i]?.at === at; i++) {
      const event = events[i];
      if (event?.opens === true) inside.add(event.set);
      else if (event !== undefined) inside.delete(event.set);
    }
    from = at;
  }
  return [...classes.values()].map(({ members, ranges }) => ({ members, ranges: canonical(ranges) as Ranges<number> | Ranges<bigint> }));
}
