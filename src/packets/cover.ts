/**
 * What at least one, and at least two, of many sets hold.
 *
 * The idea: a set is wholly covered by the union of the others iff each of its members is held at least twice; so one cover answers the
 * question for all sets at once (`coverOfLayers` builds it).
 */
import { type Diagram, empty, type Node } from './diagram.ts';

export interface Cover {
  readonly once: Node;
  readonly twice: Node;
}

export const noCover: Cover = { once: empty, twice: empty };

/** The cover of one set. */
export function coverOf(once: Node): Cover {
  return { once, twice: empty };
}

/** Of the sets behind two covers together. */
export function joinCovers(diagram: Diagram, a: Cover, b: Cover): Cover {
  if (a.once === empty) return b;
  if (b.once === empty) return a;
  return { once: diagram.union(a.once, b.once), twice: diagram.union(diagram.union(a.twice, b.twice), diagram.intersect(a.once, b.once)) };
}
