/**
 * What at least one, and at least two, of many sets hold.
 *
 * The idea: a set is wholly covered by the union of the others iff each of its members is held at least twice; so one
 * pass of divide and conquer answers the question for all sets at once.
 */
import { type Diagram, empty, type Node } from './diagram.ts';

export interface Cover {
  readonly once: Node;
  readonly twice: Node;
}

export function cover(diagram: Diagram, sets: readonly Node[]): Cover {
  let layer: Cover[] = sets.map((once) => ({ once, twice: empty }));
  while (layer.length > 1) {
    const next: Cover[] = [];
    for (let i = 0; i < layer.length; i += 2) {
      const [a, b] = [layer[i] as Cover, layer[i + 1]];
      if (b === undefined) next.push(a);
      else next.push({ once: diagram.union(a.once, b.once), twice: diagram.union(diagram.union(a.twice, b.twice), diagram.intersect(a.once, b.once)) });
    }
    layer = next;
  }
  return layer[0] ?? { once: empty, twice: empty };
}
