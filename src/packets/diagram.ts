/**
 * Canonical binary decision diagrams in typed arrays.
 *
 * Takes bits in one fixed order, gives hash-consed nodes: two sets are equal iff their numbers are. One arena a
 * compile, no reference counting; nodes live until the arena is dropped. (Bryant, "Graph-Based Algorithms for Boolean
 * Function Manipulation", 1986.)
 */

/** A set: the number of its root node. */
export type Node = number & { readonly brand?: 'node' };

export const empty: Node = 0;
export const full: Node = 1;

/** Never 0, which marks a free place of the memo. */
type Operation = 1 | 2 | 3;
const and: Operation = 1;
const or: Operation = 2;
const minus: Operation = 3;

const terminalLevel = 0xffff;
/** Nodes before the arena first grows: many policies are small. */
const firstSize = 1 << 13;
/** Entries of the memo at first, and at most: it grows with the arena, since one that forgets too soon does all work again. */
const firstMemo = 1 << 13;
const largestMemo = 1 << 20;

/**
 * Large diagrams do not fit into a processor's cache, so what is read together stands together: a node is four numbers in a row, as is
 * an entry of the memo.
 */
export class Diagram {
  /** Of each node its level, low and high, and the next node of the same place in the table. */
  #nodes: Int32Array<ArrayBuffer>;
  /** By hash the last node that was made. */
  #table: Int32Array<ArrayBuffer>;
  #count = 2;
  /** Lossy memo of binary operations: operation and first operand, second operand, result, and nothing. */
  #memo: Int32Array<ArrayBuffer>;

  /** `expected`: nodes that there will be; only a guess, to grow less often. */
  constructor(expected = 0) {
    const size = Math.max(firstSize, 2 ** Math.ceil(Math.log2(Math.min(expected, largestMemo) + 1)));
    this.#nodes = new Int32Array(size * 4);
    this.#table = new Int32Array(size);
    this.#memo = new Int32Array(Math.max(firstMemo, size) * 4);
    this.#nodes[0] = terminalLevel;
    this.#nodes[4] = terminalLevel;
  }

  /** Nodes in the arena, both terminals included. */
  get size(): number {
    return this.#count;
  }

  level(node: Node): number {
    return this.#nodes[node * 4] ?? terminalLevel;
  }

  low(node: Node): Node {
    return this.#nodes[node * 4 + 1] ?? 0;
  }

  high(node: Node): Node {
    return this.#nodes[node * 4 + 2] ?? 0;
  }

  /** The node "if bit `level` then `high` else `low`"; both operands must lie below `level`. */
  make(level: number, low: Node, high: Node): Node {
    if (low === high) return low;
    const nodes = this.#nodes;
    const slot = hash(level, low, high) & (this.#table.length - 1);
    const head = this.#table[slot] as number;
    for (let found = head; found !== 0; found = nodes[found * 4 + 3] as number) {
      const at = found * 4;
      if (nodes[at + 1] === low && nodes[at + 2] === high && nodes[at] === level) return found;
    }
    return this.#add(level, low, high, slot, head);
  }

  #add(level: number, low: Node, high: Node, slot: number, head: number): Node {
    const node = this.#count++;
    if (node * 4 === this.#nodes.length) this.#grow();
    const at = node * 4;
    this.#nodes[at] = level;
    this.#nodes[at + 1] = low;
    this.#nodes[at + 2] = high;
    this.#nodes[at + 3] = head;
    this.#table[slot] = node;
    if (this.#count > this.#table.length) this.#rehash();
    return node;
  }

  intersect(a: Node, b: Node): Node {
    return this.#apply(and, a, b);
  }

  union(a: Node, b: Node): Node {
    return this.#apply(or, a, b);
  }

  subtract(a: Node, b: Node): Node {
    return this.#apply(minus, a, b);
  }

  complement(a: Node): Node {
    return this.#apply(minus, full, a);
  }

  /** Union by divide and conquer, so that intermediate results stay small. */
  unionAll(sets: readonly Node[]): Node {
    let layer = [...new Set(sets)].filter((node) => node !== empty);
    while (layer.length > 1) {
      const nextLayer: Node[] = [];
      for (let i = 0; i < layer.length; i += 2) {
        const a = layer[i] ?? empty;
        const b = layer[i + 1];
        nextLayer.push(b === undefined ? a : this.union(a, b));
      }
      layer = nextLayer;
    }
    return layer[0] ?? empty;
  }

  /** Every member with the bits in `[firstLevel, lastLevel]` set free (existential quantification). */
  forget(node: Node, firstLevel: number, lastLevel: number): Node {
    const memo = new Map<Node, Node>();
    const walk = (at: Node): Node => {
      const level = this.level(at);
      if (at <= 1 || level > lastLevel) return at;
      const known = memo.get(at);
      if (known !== undefined) return known;
      const low = walk(this.low(at));
      const high = walk(this.high(at));
      const result = level >= firstLevel ? this.union(low, high) : this.make(level, low, high);
      memo.set(at, result);
      return result;
    };
    return walk(node);
  }

  #apply(operation: Operation, a: Node, b: Node): Node {
    if (operation === and) {
      if (a === b || b === full) return a;
      if (a === full) return b;
      if (a === empty || b === empty) return empty;
      if (a > b) [a, b] = [b, a];
    } else if (operation === or) {
      if (a === b || b === empty) return a;
      if (a === empty) return b;
      if (a === full || b === full) return full;
      if (a > b) [a, b] = [b, a];
    } else {
      if (a === b || a === empty || b === full) return empty;
      if (b === empty) return a;
    }
    const hashed = hash(operation, a, b);
    const key = a * 4 + operation;
    let memo = this.#memo;
    let slot = (hashed * 4) & (memo.length - 1);
    if (memo[slot] === key && memo[slot + 1] === b) return memo[slot + 2] as number;
    const nodes = this.#nodes;
    const atA = a * 4;
    const atB = b * 4;
    const levelA = nodes[atA] as number;
    const levelB = nodes[atB] as number;
    const level = levelA < levelB ? levelA : levelB;
    const lowA = levelA === level ? (nodes[atA + 1] as number) : a;
    const highA = levelA === level ? (nodes[atA + 2] as number) : a;
    const lowB = levelB === level ? (nodes[atB + 1] as number) : b;
    const highB = levelB === level ? (nodes[atB + 2] as number) : b;
    const low = this.#apply(operation, lowA, lowB);
    const high = this.#apply(operation, highA, highB);
    const result = this.make(level, low, high);
    // It may have grown meanwhile.
    memo = this.#memo;
    slot = (hashed * 4) & (memo.length - 1);
    memo[slot] = key;
    memo[slot + 1] = b;
    memo[slot + 2] = result;
    return result;
  }

  #grow(): void {
    const nodes = new Int32Array(this.#nodes.length * (this.#nodes.length < firstSize << 6 ? 4 : 2));
    nodes.set(this.#nodes);
    this.#nodes = nodes;
  }

  #rehash(): void {
    // Fourfold: a table is filled again node by node, and large arenas grow often.
    const table = new Int32Array(this.#table.length * 4);
    const mask = table.length - 1;
    const nodes = this.#nodes;
    for (let node = 2; node < this.#count; node++) {
      const at = node * 4;
      const slot = hash(nodes[at] as number, nodes[at + 1] as number, nodes[at + 2] as number) & mask;
      nodes[at + 3] = table[slot] as number;
      table[slot] = node;
    }
    this.#table = table;
    const size = Math.min(largestMemo * 4, table.length * 4);
    if (size > this.#memo.length) this.#memo = new Int32Array(size);
  }
}

function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b) ^ Math.imul(c + 0x165667b1, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}
