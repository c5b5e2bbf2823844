/**
 * What at least one, and at least two, of many sets hold.
 *
 * The idea: a set is wholly covered by the union of the others iff each of its members is held at least twice; so one
 * pass of divide and conquer answers the question for all sets at once (`coverOfLayers` for products).
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

/** What sets hold, by divide and conquer. */
export function cover(diagram: Diagram, sets: readonly Node[]): Cover {
  let layer = sets.map(coverOf);
  while (layer.length > 1) {
    const next: Cover[] = [];
    for (let i = 0; i < layer.length; i += 2) {
      const [a, b] = [layer[i] as Cover, layer[i + 1]];
      next.push(b === undefined ? a : joinCovers(diagram, a, b));
    }
    layer = next;
  }
  return layer[0] ?? noCover;
}

/** Of the sets behind two covers together. */
export function joinCovers(diagram: Diagram, a: Cover, b: Cover): Cover {
  if (a.once === empty) return b;
  if (b.once === empty) return a;
  return { once: diagram.union(a.once, b.once), twice: diagram.union(diagram.union(a.twice, b.twice), diagram.intersect(a.once, b.once)) };
}
