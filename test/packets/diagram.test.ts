/** Laws of the decision diagrams, against truth tables over five bits. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { Diagram, empty, full, type Node } from '../../src/packets/diagram.ts';

const bits = 5;
const size = 1 << bits;
const table = fc.integer({ min: 0, max: 2 ** size - 1 });

/** The diagram whose members are the numbers whose bit in the table is set. */
function build(diagram: Diagram, members: number, level = 0, prefix = 0): Node {
  if (level === bits) return (members >>> prefix) & 1 ? full : empty;
  return diagram.make(level, build(diagram, members, level + 1, prefix << 1), build(diagram, members, level + 1, (prefix << 1) | 1));
}

describe('decision diagrams', () => {
  test.prop([table, table])('operations are those of sets, and equality is identity', (a, b) => {
    const diagram = new Diagram();
    const [x, y] = [build(diagram, a), build(diagram, b)];
    expect(diagram.intersect(x, y)).toBe(build(diagram, (a & b) >>> 0));
    expect(diagram.union(x, y)).toBe(build(diagram, (a | b) >>> 0));
    expect(diagram.subtract(x, y)).toBe(build(diagram, (a & ~b) >>> 0));
    expect(diagram.complement(x)).toBe(build(diagram, ~a >>> 0));
    expect(x === y).toBe(a === b);
  });

  test.prop([fc.array(table, { maxLength: 9 })])('unionAll is the union of all', (tables) => {
    const diagram = new Diagram();
    const all = tables.reduce((x, y) => (x | y) >>> 0, 0);
    expect(diagram.unionAll(tables.map((one) => build(diagram, one)))).toBe(build(diagram, all));
  });

  test.prop([table])('forgetting a bit joins both its values', (a) => {
    const diagram = new Diagram();
    const lowest = (members: number): number => {
      let result = 0;
      for (let value = 0; value < size; value++) if ((members >>> value) & 1) result = (result | (1 << value) | (1 << (value ^ 1))) >>> 0;
      return result;
    };
    expect(diagram.forget(build(diagram, a), bits - 1, bits - 1)).toBe(build(diagram, lowest(a)));
  });

  it('grows past its first arrays', () => {
    const diagram = new Diagram();
    let all = empty;
    for (let value = 0; value < 3000; value++) {
      let node = full;
      for (let level = 63; level >= 0; level--) {
        const bit = Math.floor((value * 2654435761) / 2 ** (level % 31)) & 1;
        node = bit === 1 ? diagram.make(level, empty, node) : diagram.make(level, node, empty);
      }
      all = diagram.union(all, node);
    }
    expect(diagram.size).toBeGreaterThan(1 << 17);
    expect(diagram.subtract(all, all)).toBe(empty);
    expect(diagram.union(all, diagram.complement(all))).toBe(full);
  });
});
