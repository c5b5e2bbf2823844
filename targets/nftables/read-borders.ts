/**
 * The addresses that a ruleset names, so that a space can be cut at their borders.
 *
 * Takes a parsed ruleset, gives one set for each distinct element of type address, in rules, sets and maps; what is no address is left
 * to whoever compiles the rule.
 */
import type { AddressSet } from '../../src/net/address-set.ts';
import { typeOf } from './read-keys.ts';
import type { Item, RuleTree } from './read-tree.ts';
import { readAddresses } from './read-values.ts';

export function namedAddresses(tree: RuleTree): AddressSet[] {
  const known = new Map<string, AddressSet | undefined>();
  const take = (types: readonly (string | undefined)[], items: Iterable<Item>): void => {
    if (!types.some((type) => type === 'ipv4_addr' || type === 'ipv6_addr')) return;
    for (const item of items) {
      for (const [index, scalar] of item.entries()) {
        const type = types[index];
        if (type !== 'ipv4_addr' && type !== 'ipv6_addr') continue;
        const name = typeof scalar === 'string' ? scalar : JSON.stringify(scalar);
        if (!known.has(name)) known.set(name, readAddresses(type, scalar));
      }
    }
  };
  for (const set of tree.sets.values()) take(set.types, set.entries === undefined ? set.items : set.entries.map((entry) => entry.item));
  for (const chain of tree.chains.values()) {
    for (const rule of chain.rules) {
      for (const statement of rule.statements) {
        if (statement.kind !== 'match' && statement.kind !== 'vmap') continue;
        const types = statement.key.map((selector) => typeOf(selector.name));
        if (statement.operand.kind === 'items') take(types, statement.operand.items);
        if (statement.operand.kind === 'entries')
          take(
            types,
            statement.operand.entries.map((entry) => entry.item),
          );
      }
    }
  }
  return [...known.values()].filter((set) => set !== undefined);
}
