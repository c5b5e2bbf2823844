/**
 * What a lookup structure costs, so that the planner can compare.
 *
 * Two prices matter on a small gateway: the lookups that a packet meets, which the planner bounds by the shapes of the flows, and what
 * has to be loaded and kept. The second is counted here in elements. Measured with `nft -f` on nft 1.0.6 and Linux 6.18, in fresh
 * namespaces: 45,000 elements of one set in 0.26 s, 5,400 chains of one rule in 0.085 s, 2,147 sets in 0.085 s; a set within a rule
 * (`{ … }`) costs the kernel a search through all sets of the table, so that 5,400 of them take 2.5 s. (`test/bench/README.md`)
 *
 * Concatenations of intervals are never chosen: their lookup grows with the number of elements, and a map of one field before an exact
 * lookup does the same in two steps of constant cost.
 */

/** Of a chain with one rule, in elements. */
export const chainCost = 3;
/** Of a named set or map, besides its elements: kept apart from the measured 7, since many sets slow each other down. */
export const setCost = 10;
/** Of one rule that compares a whole key, and keys that are asked so rather than by a set: a set of two costs more to load and to ask. */
export const ruleCost = 2;
export const mostRules = 2;
/** Of a set of ranges that a rule asks for: it is shared by all who ask for the same group, so that one use costs little. */
export const sharedCost = 1;
/** Whether a side is more like a group of hosts than like networks. */
export function hasManyRanges(ranges: number): boolean {
  return ranges > 8;
}

/**
 * Wide sides that are asked one by one, by rules over shared sets, rather than by a map with a chain for each class: few always; some more if
 * they have many ranges, which such a map would repeat; and many behind a class of the other side, where it would repeat them each time.
 */
export function askedAlone(sides: number, manyRanges: boolean, behindClass: boolean): boolean {
  return sides <= (!manyRanges ? 3 : behindClass ? 24 : 8);
}

/** A tree of lookups may cost so many times what its flows cost one after the other … */
const mostGrowth = 3;
/** … and so much whatever they cost. */
const always = 1500;

/** The cost up to which flows are looked up together; above it they are asked one part after the other. */
export function acceptable(alone: number): number {
  return Math.max(always, mostGrowth * alone);
}
