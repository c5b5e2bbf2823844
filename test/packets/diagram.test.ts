/** Laws of the decision diagrams, against truth tables over five bits. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { Diagram, empty, full, type Node, type Run } from '../../src/packets/diagram.ts';

const bits = 5;
const size = 1 << bits;
const table = fc.integer({ min: 0, max: 2 ** size - 1 });

/** The diagram whose members are the numbers whose bit in the table is set. */
function build(diagram: Diagram, members: number, level = 0, prefix = 0): Node {
  if (level === bits) return (members >>> prefix) & 1 ? full : empty;
  return diagram.make(level, build(diagram, members, level + 1, prefix << 1), build(diagram, members, level + 1, (prefix << 1) | 1));
}

/** No field is chained, all bits are one, some are, and those at the end. */
const layouts: Readonly<Record<string, readonly Run[]>> = {
  'bit by bit': [],
  'one field': [{ level: 0, width: 5 }],
  'two fields': [
    { level: 0, width: 2 },
    { level: 2, width: 3 },
  ],
  'a field in the middle': [{ level: 1, width: 3 }],
  'fields of one bit': [0, 1, 2, 3, 4].map((level) => ({ level, width: 1 })),
};

describe.each(Object.entries(layouts))('decision diagrams, %s', (_, runs) => {
  test.prop([table, table])('operations are those of sets, and equality is identity', (a, b) => {
    const diagram = new Diagram(0, runs);
    const [x, y] = [build(diagram, a), build(diagram, b)];
    expect(diagram.intersect(x, y)).toBe(build(diagram, (a & b) >>> 0));
    expect(diagram.union(x, y)).toBe(build(diagram, (a | b) >>> 0));
    expect(diagram.subtract(x, y)).toBe(build(diagram, (a & ~b) >>> 0));
    expect(diagram.complement(x)).toBe(build(diagram, ~a >>> 0));
    expect(x === y).toBe(a === b);
  });

  test.prop([fc.array(table, { maxLength: 9 })])('unionAll is the union of all', (tables) => {
    const diagram = new Diagram(0, runs);
    const all = tables.reduce((x, y) => (x | y) >>> 0, 0);
    expect(diagram.unionAll(tables.map((one) => build(diagram, one)))).toBe(build(diagram, all));
  });

  test.prop([table, fc.integer({ min: 0, max: bits - 1 }), fc.integer({ min: 0, max: bits - 1 })])(
    'forgetting bits joins all their values',
    (a, one, other) => {
      const diagram = new Diagram(0, runs);
      const [first, last] = [Math.min(one, other), Math.max(one, other)];
      let joined = a;
      for (let level = first; level <= last; level++) {
        const bit = 1 << (bits - 1 - level);
        const before = joined;
        for (let value = 0; value < size; value++) if ((before >>> value) & 1) joined = (joined | (1 << (value ^ bit))) >>> 0;
      }
      expect(diagram.forget(build(diagram, a), first, last)).toBe(build(diagram, joined));
    },
  );

  test.prop([table])('what lies below each value is found bit by bit', (a) => {
    const diagram = new Diagram(0, runs);
    const root = build(diagram, a);
    for (let value = 0; value < size; value++) {
      let node = root;
      while (node > full) node = ((value >>> (bits - 1 - diagram.level(node))) & 1) === 1 ? diagram.high(node) : diagram.low(node);
      expect(node).toBe((a >>> value) & 1);
    }
  });

  test.prop([fc.integer({ min: 0, max: bits - 1 }), fc.integer({ min: 0, max: size - 1 }), table])(
    'a value of some bits is the same however it is built',
    (level, value, a) => {
      const diagram = new Diagram(0, runs);
      const whole = build(diagram, a);
      for (let width = 0; level + width <= bits; width++) {
        const below = diagram.forget(whole, 0, level + width - 1);
        let node = below;
        for (let bit = width - 1; bit >= 0; bit--)
          node = ((value >>> (width - 1 - bit)) & 1) === 1 ? diagram.make(level + bit, empty, node) : diagram.make(level + bit, node, empty);
        expect(diagram.exactly(level, width, value % 2 ** width, below)).toBe(node);
      }
    },
  );

  it('grows past its first arrays', () => {
    const diagram = new Diagram(0, runs);
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

/** Three fields as a policy has them: an address, a port, an address. */
const fields: readonly Run[] = [
  { level: 0, width: 4 },
  { level: 4, width: 3 },
  { level: 7, width: 4 },
];
const all = 2 ** 11;
type Product = readonly (readonly number[])[];
/** Few values of each field, or all, so that there are chains, branches and free bits. */
const product = fc.tuple(
  ...fields.map(({ width }) => fc.oneof({ weight: 3, arbitrary: fc.array(fc.nat(2 ** width - 1), { minLength: 1, maxLength: 3 }) }, fc.constant([]))),
);
const products = fc.array(product, { maxLength: 6 });

function valueOf(member: number, { level, width }: Run): number {
  return (member >>> (11 - level - width)) % 2 ** width;
}

function isMember(some: readonly Product[], member: number): boolean {
  return some.some((one) => one.every((values, at) => values.length === 0 || values.includes(valueOf(member, fields[at] ?? { level: 0, width: 0 }))));
}

function unite(diagram: Diagram, some: readonly Product[]): Node {
  return diagram.unionAll(
    some.map((one) =>
      fields.reduceRight((below: Node, { level, width }, at) => {
        const values = one[at] ?? [];
        return values.length === 0 ? below : diagram.unionAll(values.map((value) => diagram.exactly(level, width, value, below)));
      }, full),
    ),
  );
}

/** By its members alone, from the last bit up. */
function listed(diagram: Diagram, member: (value: number) => boolean): Node {
  let nodes: Node[] = Array.from({ length: all }, (_, value) => (member(value) ? full : empty));
  for (let level = 10; level >= 0; level--)
    nodes = Array.from({ length: nodes.length / 2 }, (_, at) => diagram.make(level, nodes[2 * at] ?? empty, nodes[2 * at + 1] ?? empty));
  return nodes[0] ?? empty;
}

describe('sets of hosts and ports', () => {
  test.prop([products, products])('are one node, however they come about', (a, b) => {
    const diagram = new Diagram(0, fields);
    const [x, y] = [unite(diagram, a), unite(diagram, b)];
    expect(x).toBe(listed(diagram, (value) => isMember(a, value)));
    expect(diagram.union(x, y)).toBe(listed(diagram, (value) => isMember(a, value) || isMember(b, value)));
    expect(diagram.intersect(x, y)).toBe(listed(diagram, (value) => isMember(a, value) && isMember(b, value)));
    expect(diagram.subtract(x, y)).toBe(listed(diagram, (value) => isMember(a, value) && !isMember(b, value)));
    expect(diagram.complement(x)).toBe(listed(diagram, (value) => !isMember(a, value)));
  });

  it('takes no more bits of a value than its field has', () => {
    const diagram = new Diagram(0, fields);
    expect(diagram.exactly(4, 3, 13, full)).toBe(diagram.exactly(4, 3, 5, full));
  });
});
