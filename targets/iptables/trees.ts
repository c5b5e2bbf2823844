/**
 * Trees of cuts → chains.
 *
 * A cut is a rule that goes to the chain of its low half; the high half stands behind it. Where chains would nest too deep, several cuts are
 * asked in one chain. What no box holds falls off the end of a chain and comes back to the rule that jumped into the tree.
 */
import type { CutDimension, CutNode, CutPrices, CutRest } from '../../src/target/cut-tree.ts';
import { addressMatches, cutMatch, type Group, rangeMatches, valueMatches } from './matches.ts';
import { back, goTo, jump, type Table } from './table.ts';
import { phrase, type Token } from './tokens.ts';
import { limits } from './target.ts';
import type { Ranges } from '../../src/net/ranges.ts';

/** What a box leads to: for each of its labels, or for all of them, a verdict or a jump, with its comment. */
export type Outcome<Label> = (labels: readonly Label[]) => readonly Token[];

/** Rules that a leaf may have without being cut further. */
const enough = 4;

/** What rules cost where sets can be asked, and where they cannot. */
export function pricesOf(group: Group, sets: boolean, labelled: boolean): CutPrices {
  const ported = group === 'tcp' || group === 'udp';
  return {
    weigh: ({ source, destination, value }) => {
      const values = Math.max(1, ported ? Math.ceil((2 * value) / limits.slots) : value);
      return sets ? values : Math.max(1, source) * Math.max(1, destination) * values;
    },
    enough,
    cuttable: ported ? ['source', 'destination', 'value'] : ['source', 'destination'],
    spelt: !sets,
    alike: !labelled,
    unite: !labelled && !sets,
  };
}

export interface TreeWriting<Label> {
  readonly table: Table;
  readonly group: Group;
  readonly swapped: boolean;
  /** Stem of the names of chains and sets. */
  readonly stem: string;
  readonly outcome: Outcome<Label>;
  /** What becomes of a packet that no box holds; undefined: it goes back to where the tree was asked. */
  readonly miss?: Token;
  /** Chains that may nest; those of the table unless told. */
  readonly levels?: number;
  /** Sides are asked range by range, also where there are sets. */
  readonly spelt?: boolean;
}

/** The rules of a tree, all to stand in one chain; what it does not hold comes to `miss`, or back, or falls off the end. */
export function treeRules<Label>(root: CutNode<Label>, writing: TreeWriting<Label>): readonly Token[] {
  const chains = new Map<CutNode<Label>, Token>();
  const stride = strideOf(root, writing.levels ?? writing.table.levels);
  const end = writing.miss === undefined ? [] : [writing.miss];
  const chainOf = (node: CutNode<Label>): Token => {
    const known = chains.get(node) ?? writing.table.chain(writing.table.numbered(writing.stem), [...rulesOf(node), ...end]);
    chains.set(node, known);
    return known;
  };
  const rulesOf = (node: CutNode<Label>): Token[] => {
    if (node.kind === 'leaf') return leafRules(node.boxes, writing);
    return branches(node, stride).flatMap(({ borders, to }): Token[] => {
      const matches = [...borders].map(([dimension, last]) => cutMatch(writing.group, dimension, last, writing.swapped));
      if (matches.length > 0) return [phrase(...matches, isEmpty(to) ? (writing.miss ?? back) : goTo(chainOf(to)))];
      return to.kind === 'leaf' ? leafRules(to.boxes, writing) : [goTo(chainOf(to))];
    });
  };
  return rulesOf(root);
}

/** Whether a tree has to stand in a chain of its own, so that what it does not hold comes back. */
export function isTree<Label>(root: CutNode<Label>): boolean {
  return root.kind === 'cut';
}

interface Branch<Label> {
  /** Up to and with these borders. */
  readonly borders: ReadonlyMap<CutDimension, number | bigint>;
  readonly to: CutNode<Label>;
}

/** Where a packet goes that has been asked `stride` times: in this order, the first whose borders hold it. The last has none. */
export function branches<Label>(node: CutNode<Label>, stride: number, borders: Branch<Label>['borders'] = new Map()): Branch<Label>[] {
  if (node.kind === 'leaf' || stride === 0) return [{ borders, to: node }];
  const { dimension, last, low, high } = node;
  return [...branches(low, stride - 1, new Map([...borders, [dimension, last]])), ...branches(high, stride - 1, borders)];
}

/**
 * Cuts that are asked in one chain, one border after the other: nf_tables lets chains nest 15 deep, and a tree may have so many levels of them.
 */
export function strideOf<Label>(root: CutNode<Label>, levels: number): number {
  const known = new Map<CutNode<Label>, number>();
  const depth = (node: CutNode<Label>): number => {
    const found = known.get(node) ?? (node.kind === 'leaf' ? 0 : 1 + Math.max(depth(node.low), depth(node.high)));
    known.set(node, found);
    return found;
  };
  return Math.max(1, Math.ceil(depth(root) / Math.max(1, levels)));
}

function isEmpty<Label>(node: CutNode<Label>): boolean {
  return node.kind === 'leaf' && node.boxes.length === 0;
}

/** The boxes one after the other; where they are many, those that share a side behind one question about it. */
function leafRules<Label>(boxes: readonly CutRest<Label>[], writing: TreeWriting<Label>): Token[] {
  if (boxes.length > enough && writing.table.levels > 1) {
    const shared = mostShared(boxes, writing);
    if (shared !== undefined) {
      const { end, match, members } = shared;
      const rest = boxes.filter((box) => !members.includes(box));
      const inner = leafRules(
        members.map((box) => ({ ...box, [end]: undefined })),
        writing,
      );
      const chain = writing.table.chain(writing.table.numbered(writing.stem), inner);
      return [phrase(match, jump(chain)), ...leafRules(rest, writing)];
    }
  }
  return boxes.flatMap((box) => boxRules(box, writing));
}

function mostShared<Label>(
  boxes: readonly CutRest<Label>[],
  writing: TreeWriting<Label>,
): { end: 'source' | 'destination'; match: Token; members: readonly CutRest<Label>[] } | undefined {
  const groups = new Map<string, { end: 'source' | 'destination'; match: Token; members: CutRest<Label>[] }>();
  for (const box of boxes) {
    for (const end of ['source', 'destination'] as const) {
      const [match, ...more] = endMatches(box, end, writing);
      if (match === undefined || match === '' || more.length > 0) continue;
      const known = groups.get(match);
      if (known === undefined) groups.set(match, { end, match, members: [box] });
      else known.members.push(box);
    }
  }
  const [best] = [...groups.values()].sort((a, b) => b.members.length - a.members.length);
  return best === undefined || best.members.length < 3 ? undefined : best;
}

/** Alternatives of one end; the empty phrase where it need not be asked. */
function endMatches<Label>(box: CutRest<Label>, end: 'source' | 'destination', { table, swapped, stem, spelt }: TreeWriting<Label>): Token[] {
  const side = box[end];
  if (side === undefined) return [phrase()];
  if (spelt === true) return rangeMatches(end, swapped, side);
  // A set is asked as a whole: within the region of the leaf it says the same, and others ask it too.
  return addressMatches(table, end, swapped, table.sets !== undefined && side.length > 1 ? (box.box[end] ?? side) : side, `${stem}.in`);
}

function boxRules<Label>(box: CutRest<Label>, writing: TreeWriting<Label>): Token[] {
  const { table, group, swapped, outcome } = writing;
  const { front, any, none } = valueMatches(group, table.family, box.value as Ranges<number> | undefined, swapped);
  const verdicts = outcome(box.labels);
  const ends = endMatches(box, 'source', writing).flatMap((source) =>
    endMatches(box, 'destination', writing).map((destination) => [source, destination].filter((match) => match !== '')),
  );
  if (none.length === 0) return ends.flatMap((end) => any.flatMap((value) => verdicts.map((verdict) => joined([...end, value, verdict]))));
  const chain = table.chain(table.numbered(`${writing.stem}.not`), [...none.map((match) => phrase(match, back)), ...verdicts]);
  return ends.map((end) => joined([...end, front ?? phrase(), jump(chain)]));
}

function joined(parts: readonly Token[]): Token {
  return phrase(...parts.filter((part) => part !== ''));
}
