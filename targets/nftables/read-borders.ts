/**
 * The addresses and interfaces that a ruleset names, so that a space can tell them apart.
 *
 * Takes a parsed ruleset, gives one set for each distinct element of type address, in rules, sets and maps, and the names of interfaces; what
 * is neither is left to whoever compiles the rule.
 */
import type { AddressSet } from '../../src/net/address-set.ts';
import { typeOf } from './read-keys.ts';
import type { Item, RuleTree } from './read-tree.ts';
import { readAddresses } from './read-values.ts';

/** Every list of elements, with the types of their parts as nft names them. */
function* elements(tree: RuleTree): Generator<{ readonly types: readonly (string | undefined)[]; readonly items: readonly Item[] }> {
  for (const set of tree.sets.values()) yield { types: set.types, items: set.entries === undefined ? set.items : set.entries.map((entry) => entry.item) };
  for (const chain of tree.chains.values()) {
    for (const statement of chain.rules.flatMap((rule) => rule.statements)) {
      if (statement.kind !== 'match' && statement.kind !== 'vmap') continue;
      const types = statement.key.map((selector) => typeOf(selector.name));
      if (statement.operand.kind === 'items') yield { types, items: statement.operand.items };
      if (statement.operand.kind === 'entries') yield { types, items: statement.operand.entries.map((entry) => entry.item) };
    }
  }
}

export function namedAddresses(tree: RuleTree): AddressSet[] {
  const known = new Map<string, AddressSet | undefined>();
  for (const { types, items } of elements(tree)) {
    if (!types.some((type) => type === 'ipv4_addr' || type === 'ipv6_addr')) continue;
    for (const item of items) {
      for (let index = 0; index < item.length; index++) {
        const type = types[index];
        const scalar = item[index];
        if ((type !== 'ipv4_addr' && type !== 'ipv6_addr') || scalar === undefined) continue;
        const name = typeof scalar === 'string' ? scalar : JSON.stringify(scalar);
        if (!known.has(name)) known.set(name, readAddresses(type, scalar));
      }
    }
  }
  return [...known.values()].filter((set) => set !== undefined);
}

export function namedInterfaces(tree: RuleTree): string[] {
  const found = new Set<string>();
  for (const { types, items } of elements(tree)) {
    if (!types.includes('ifname')) continue;
    for (const item of items) for (const [index, scalar] of item.entries()) if (types[index] === 'ifname' && typeof scalar === 'string') found.add(scalar);
  }
  return [...found].sort();
}
