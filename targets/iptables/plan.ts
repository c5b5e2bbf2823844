/** A plan of lookups in words and numbers, for `compile --explain-plan`: the rules that a packet asks at most, and what has to be loaded. */
import type { Family } from '../../src/net/address.ts';
import type { CutNode, CutPrices } from '../../src/target/cut-tree.ts';
import type { Box } from '../../src/target/lookup-plan.ts';
import type { PlanRow } from '../../src/target/plan-row.ts';
import type { Plan, TreeLookup } from './lookups.ts';
import { branches, isTree, strideOf } from './trees.ts';

export function planRow<Label>(
  pair: string,
  family: Family,
  effect: PlanRow['effect'],
  plan: Plan<Label>,
  boxes: readonly Box<Label>[],
  levels: number,
): PlanRow {
  const sizes = plan.lookups.map((lookup) => (lookup.kind === 'set' ? { lookups: 1, elements: lookup.size, chains: 0 } : treeSize(lookup, levels)));
  const sum = (what: 'lookups' | 'elements' | 'chains'): number => sizes.reduce((all, size) => all + size[what], 0);
  // A packet has one protocol: it asks what is for every packet, and what is for the costliest service line.
  const byGroup = new Map<string, number>();
  for (const [index, lookup] of plan.lookups.entries()) byGroup.set(lookup.group, (byGroup.get(lookup.group) ?? 0) + (sizes[index]?.lookups ?? 0));
  const every = byGroup.get('any') ?? 0;
  const lines = [...byGroup].filter(([group]) => group !== 'any').map(([, lookups]) => lookups);
  const naive = boxes.reduce((all, box) => all + (box.source?.length ?? 1) * (box.destination?.length ?? 1) * servicesOf(box), 0);
  const steps = plan.lookups.map((lookup, index) => {
    const size = sizes[index] ?? { lookups: 0, chains: 0 };
    if (lookup.kind === 'set') return `${lookup.group}: a set of ${counted(lookup.size, 'element')} (${lookup.type})`;
    return size.chains === 0
      ? `${lookup.group}: ${counted(size.lookups, 'rule')}`
      : `${lookup.group}: a tree of ${counted(size.chains, 'chain')}, ${counted(size.lookups, 'rule')} on its longest way`;
  });
  return {
    pair,
    family,
    effect,
    flows: boxes.length,
    lookups: every + Math.max(0, ...lines),
    elements: sum('elements'),
    chains: sum('chains'),
    naive,
    steps,
  };
}

function treeSize<Label>({ nodes, prices }: TreeLookup<Label>, levels: number): { lookups: number; elements: number; chains: number } {
  let [lookups, chains] = [0, 0];
  for (const root of nodes) {
    const stride = strideOf(root, levels);
    const known = new Map<CutNode<Label>, number>();
    const longest = (node: CutNode<Label>): number => {
      const found =
        known.get(node) ??
        (node.kind === 'leaf'
          ? leafRules(node, prices)
          : Math.max(...branches(node, stride).map(({ to, borders }, index) => index + (borders.size > 0 ? 1 : 0) + longest(to))));
      known.set(node, found);
      return found;
    };
    lookups += longest(root);
    if (isTree(root)) chains += known.size;
  }
  return { lookups, elements: 0, chains };
}

function leafRules<Label>(node: Extract<CutNode<Label>, { kind: 'leaf' }>, prices: CutPrices): number {
  const count = (side: { readonly length: number } | undefined): number => side?.length ?? 0;
  return node.boxes.reduce((sum, box) => sum + prices.weigh({ source: count(box.source), destination: count(box.destination), value: count(box.value) }), 0);
}

function servicesOf({ services }: Box<unknown>): number {
  return [...services.values.values()].reduce((sum, segments) => sum + segments.length, services.protocols.length > 0 ? 1 : 0);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
