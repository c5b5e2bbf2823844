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
const firstCache = 1 << 13;
const largestCache = 1 << 20;

export class Diagram {
  #level = new Uint16Array(firstSize);
  #low = new Int32Array(firstSize);
  #high = new Int32Array(firstSize);
  #table = new Int32Array(firstSize * 2);
  #count = 2;
  /** Lossy memo of binary operations: operation and operands, and the result. */
  #cacheKey = new Int32Array(firstCache * 3);
  #cacheResult = new Int32Array(firstCache);

  constructor() {
    this.#level[0] = terminalLevel;
    this.#level[1] = terminalLevel;
  }

  /** Nodes in the arena, both terminals included. */
  get size(): number {
    return this.#count;
  }

  level(node: Node): number {
    return this.#level[node] ?? terminalLevel;
  }

  low(node: Node): Node {
    return this.#low[node] ?? 0;
  }

  high(node: Node): Node {
    return this.#high[node] ?? 0;
  }

  /** The node "if bit `level` then `high` else `low`"; both operands must lie below `level`. */
  make(level: number, low: Node, high: Node): Node {
    if (low === high) return low;
    const mask = this.#table.length - 1;
    let slot = hash(level, low, high) & mask;
    for (;;) {
      const found = this.#table[slot] as number;
      if (found === 0) break;
      if (this.#low[found] === low && this.#high[found] === high && this.#level[found] === level) return found;
      slot = (slot + 1) & mask;
    }
    const node = this.#count++;
    if (node === this.#level.length) this.#grow();
    this.#level[node] = level;
    this.#low[node] = low;
    this.#high[node] = high;
    this.#table[slot] = node;
    if (this.#count * 2 > this.#table.length) this.#rehash();
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
    let slot = hashed & (this.#cacheResult.length - 1);
    let key = slot * 3;
    if (this.#cacheKey[key] === operation && this.#cacheKey[key + 1] === a && this.#cacheKey[key + 2] === b) return this.#cacheResult[slot] as number;
    const levelA = this.#level[a] as number;
    const levelB = this.#level[b] as number;
    const level = levelA < levelB ? levelA : levelB;
    const lowA = levelA === level ? (this.#low[a] as number) : a;
    const highA = levelA === level ? (this.#high[a] as number) : a;
    const lowB = levelB === level ? (this.#low[b] as number) : b;
    const highB = levelB === level ? (this.#high[b] as number) : b;
    const low = this.#apply(operation, lowA, lowB);
    const high = this.#apply(operation, highA, highB);
    const result = this.make(level, low, high);
    // It may have grown meanwhile.
    slot = hashed & (this.#cacheResult.length - 1);
    key = slot * 3;
    this.#cacheKey[key] = operation;
    this.#cacheKey[key + 1] = a;
    this.#cacheKey[key + 2] = b;
    this.#cacheResult[slot] = result;
    return result;
  }

  #grow(): void {
    const size = this.#level.length * (this.#level.length < firstSize << 4 ? 4 : 2);
    const level = new Uint16Array(size);
    level.set(this.#level);
    const low = new Int32Array(size);
    low.set(this.#low);
    const high = new Int32Array(size);
    high.set(this.#high);
    this.#level = level;
    this.#low = low;
    this.#high = high;
  }

  /** To an entry for each second node at least. */
  #growCache(): void {
    const size = Math.min(largestCache, this.#table.length >> 2);
    if (size <= this.#cacheResult.length) return;
    this.#cacheKey = new Int32Array(size * 3);
    this.#cacheResult = new Int32Array(size);
  }

  #rehash(): void {
    // Fourfold: a table is filled again node by node, and large arenas grow often.
    const table = new Int32Array(this.#table.length * 4);
    const mask = table.length - 1;
    for (let node = 2; node < this.#count; node++) {
      let slot = hash(this.#level[node] as number, this.#low[node] as number, this.#high[node] as number) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = node;
    }
    this.#table = table;
    this.#growCache();
  }
}

function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b) ^ Math.imul(c + 0x165667b1, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}
