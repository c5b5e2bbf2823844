/**
 * Canonical binary decision diagrams in typed arrays.
 *
 * Takes bits in one fixed order, gives hash-consed nodes: two sets are equal iff their numbers are. One arena a
 * compile, no reference counting; nodes live until the arena is dropped. (Bryant, "Graph-Based Algorithms for Boolean
 * Function Manipulation", 1986.)
 *
 * "The rest of this field has one value, and below it …" is one node, not one for each bit: a plant's sets are made of single hosts and
 * ports. Who walks a diagram need not know; `low` and `high` of such a node are made when they are asked for.
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
/** Beside a level: the node is a chain, with what lies below its field and the value of the field's bits from there on. */
const chained = 1 << 16;
/** Bits of the widest field that is chained: its values are 32-bit integers. */
const widestChain = 30;

/** A field of the diagram: `width` bits from `level` on. */
export interface Run {
  readonly level: number;
  readonly width: number;
}

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
  /** Of each level the end of its field (the level behind it), or 0 where fields are not chained. */
  readonly #ends: Uint16Array<ArrayBuffer>;
  /** Of each node its level, low and high (of a chain: below and value), and the next node of the same place in the table. */
  #nodes: Int32Array<ArrayBuffer>;
  /** By hash the last node that was made. */
  #table: Int32Array<ArrayBuffer>;
  #count = 2;
  /** Lossy memo of binary operations: operation and first operand, second operand, result, and nothing. */
  #memo: Int32Array<ArrayBuffer>;

  /** `expected`: nodes that there will be; only a guess, to grow less often. `runs`: fields that often have one value. */
  constructor(expected = 0, runs: readonly Run[] = []) {
    const narrow = runs.filter(({ width }) => width <= widestChain);
    this.#ends = new Uint16Array(Math.max(1, ...narrow.map(({ level, width }) => level + width)));
    for (const { level, width } of narrow) this.#ends.fill(level + width, level, level + width);
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
    return (this.#nodes[node * 4] ?? terminalLevel) & 0xffff;
  }

  low(node: Node): Node {
    const at = node * 4;
    if (((this.#nodes[at] ?? 0) & chained) === 0) return this.#nodes[at + 1] ?? 0;
    return this.#leads(node, 0) ? this.#rest(node) : empty;
  }

  high(node: Node): Node {
    const at = node * 4;
    if (((this.#nodes[at] ?? 0) & chained) === 0) return this.#nodes[at + 2] ?? 0;
    return this.#leads(node, 1) ? this.#rest(node) : empty;
  }

  /** The node "if bit `level` then `high` else `low`"; both operands must lie below `level`. */
  make(level: number, low: Node, high: Node): Node {
    if (low === high) return low;
    if ((low === empty || high === empty) && level < this.#ends.length) {
      const end = this.#ends[level] as number;
      const only = low + high;
      const rest = this.#nodes[only * 4] as number;
      const top = high === empty ? 0 : 1;
      if (level + 1 === end) return this.#node(level | chained, only, top);
      if (rest === ((level + 1) | chained) && end !== 0)
        return this.#node(level | chained, this.#nodes[only * 4 + 1] as number, (top << (end - level - 1)) | (this.#nodes[only * 4 + 2] as number));
    }
    return this.#node(level, low, high);
  }

  /** Members of `below` whose `width` bits from `level` on have this value; `width` at most 32. */
  exactly(level: number, width: number, value: number, below: Node): Node {
    if (below === empty) return empty;
    // Bits before those would make two nodes of one set.
    if (width > 0 && this.#ends[level] === level + width) return this.#node(level | chained, below, value & ((1 << width) - 1));
    let node = below;
    let rest = value;
    for (let bit = width - 1; bit >= 0; bit--) {
      node = rest % 2 === 1 ? this.make(level + bit, empty, node) : this.make(level + bit, node, empty);
      rest = Math.floor(rest / 2);
    }
    return node;
  }

  /** Of a node that begins with `level` and has one value for the rest of its field: that value, and what lies below; else undefined. */
  only(node: Node, level: number): { readonly value: number; readonly below: Node } | undefined {
    const at = node * 4;
    return this.#nodes[at] === (level | chained) ? { value: this.#nodes[at + 2] as number, below: this.#nodes[at + 1] as number } : undefined;
  }

  /** Whether the first bit of a chain is this one. */
  #leads(node: Node, bit: 0 | 1): boolean {
    const level = this.level(node);
    return (((this.#nodes[node * 4 + 2] as number) >>> ((this.#ends[level] as number) - level - 1)) & 1) === bit;
  }

  /** A chain without its first bit. */
  #rest(node: Node): Node {
    return this.#tail(this.level(node) + 1, this.#nodes[node * 4 + 1] as number, this.#nodes[node * 4 + 2] as number);
  }

  /** What a chain says from `level` on, which is not its first; at the end of its field what lies below it. */
  #tail(level: number, below: Node, value: number): Node {
    const end = this.#ends[level - 1] as number;
    return level === end || below === empty ? below : this.#node(level | chained, below, value & ((1 << (end - level)) - 1));
  }

  #node(level: number, low: Node, high: Node): Node {
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
      const result = this.#forgetChain(at, firstLevel, lastLevel, walk) ?? this.#forgetBit(at, firstLevel, walk);
      memo.set(at, result);
      return result;
    };
    return walk(node);
  }

  #forgetBit(node: Node, firstLevel: number, walk: (at: Node) => Node): Node {
    const level = this.level(node);
    const low = walk(this.low(node));
    const high = walk(this.high(node));
    return level >= firstLevel ? this.union(low, high) : this.make(level, low, high);
  }

  /** The same for a chain that is forgotten wholly or not at all; undefined for anything else. */
  #forgetChain(node: Node, firstLevel: number, lastLevel: number, walk: (at: Node) => Node): Node | undefined {
    if (((this.#nodes[node * 4] as number) & chained) === 0) return undefined;
    const level = this.level(node);
    const end = this.#ends[level] as number;
    if (end > firstLevel && (level < firstLevel || end > lastLevel + 1)) return undefined;
    const value = this.#nodes[node * 4 + 2] as number;
    const below = walk(this.#nodes[node * 4 + 1] as number);
    return end > firstLevel ? below : this.exactly(level, end - level, value, below);
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
    const headA = nodes[atA] as number;
    const headB = nodes[atB] as number;
    const levelA = headA & 0xffff;
    const levelB = headB & 0xffff;
    let result: Node;
    if ((headA & chained) !== 0 && levelA <= levelB) {
      result = this.#withChain(operation, a, b, true);
    } else if ((headB & chained) !== 0 && levelB <= levelA) {
      result = this.#withChain(operation, b, a, false);
    } else {
      const level = levelA < levelB ? levelA : levelB;
      const lowA = levelA === level ? (nodes[atA + 1] as number) : a;
      const highA = levelA === level ? (nodes[atA + 2] as number) : a;
      const lowB = levelB === level ? (nodes[atB + 1] as number) : b;
      const highB = levelB === level ? (nodes[atB + 2] as number) : b;
      const low = this.#apply(operation, lowA, lowB);
      const high = this.#apply(operation, highA, highB);
      result = this.make(level, low, high);
    }
    // It may have grown meanwhile.
    memo = this.#memo;
    slot = (hashed * 4) & (memo.length - 1);
    memo[slot] = key;
    memo[slot + 1] = b;
    memo[slot + 2] = result;
    return result;
  }

  /** An operation of a chain and a set that begins with the same bit, or below it; `first`: the chain is the first operand. */
  #withChain(operation: Operation, chain: Node, other: Node, first: boolean): Node {
    const level = this.level(chain);
    const end = this.#ends[level] as number;
    const below = this.#nodes[chain * 4 + 1] as number;
    const value = this.#nodes[chain * 4 + 2] as number;
    const met = this.#follow(other, end, value);
    const result = first ? this.#apply(operation, below, met) : this.#apply(operation, met, below);
    // All that is not on the chain's way goes with the chain, or stays.
    if (operation === and || (operation === minus && first)) return result === below ? chain : this.#tailOf(level, result, value);
    return result === met ? other : this.#replace(other, level, end, value, result);
  }

  #tailOf(level: number, below: Node, value: number): Node {
    return below === empty ? empty : this.#node(level | chained, below, value);
  }

  /** What the set leads to where the bits before `end` have the value's. */
  #follow(set: Node, end: number, value: number): Node {
    const nodes = this.#nodes;
    let node = set;
    for (;;) {
      const head = nodes[node * 4] as number;
      const level = head & 0xffff;
      if (level >= end) return node;
      if ((head & chained) !== 0) return nodes[node * 4 + 2] === (value & ((1 << (end - level)) - 1)) ? (nodes[node * 4 + 1] as number) : empty;
      node = nodes[node * 4 + 1 + ((value >>> (end - 1 - level)) & 1)] as number;
    }
  }

  /** The set, but for `result` where the bits from `level` to `end` have the value's. */
  #replace(set: Node, level: number, end: number, value: number, result: Node): Node {
    if (level === end) return result;
    if (set === empty) return this.#tailOf(level, result, value & ((1 << (end - level)) - 1));
    const head = this.#nodes[set * 4] as number;
    const one = (value >>> (end - 1 - level)) & 1;
    if (head === (level | chained)) return this.#split(set, level, end, value, result);
    const low = head === level ? (this.#nodes[set * 4 + 1] as number) : set;
    const high = head === level ? (this.#nodes[set * 4 + 2] as number) : set;
    return one === 1
      ? this.make(level, low, this.#replace(high, level + 1, end, value, result))
      : this.make(level, this.#replace(low, level + 1, end, value, result), high);
  }

  /** The same of a chain: one path until the values differ, and two from there. */
  #split(chain: Node, level: number, end: number, value: number, result: Node): Node {
    const below = this.#nodes[chain * 4 + 1] as number;
    const own = this.#nodes[chain * 4 + 2] as number;
    const difference = (own ^ value) & ((1 << (end - level)) - 1);
    if (difference === 0) return this.#tailOf(level, result, own);
    let at = end - 32 + Math.clz32(difference);
    const mine = this.#tail(at + 1, below, own);
    const other = this.#tail(at + 1, result, value);
    let node = ((value >>> (end - 1 - at)) & 1) === 1 ? this.make(at, mine, other) : this.make(at, other, mine);
    while (at > level) {
      at--;
      node = ((value >>> (end - 1 - at)) & 1) === 1 ? this.make(at, empty, node) : this.make(at, node, empty);
    }
    return node;
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
