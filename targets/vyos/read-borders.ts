/**
 * The addresses and interfaces that a configuration names, so that a space can tell them apart.
 *
 * Takes the tree of the firewall, gives one set for each address. The one idea: whatever word reads as an address, a network or a range is
 * taken for one; a border too many does no harm.
 */
import { addressSet, type AddressSet } from '../../src/net/address-set.ts';
import { families } from '../../src/net/address.ts';
import { child, type TreeNode, valuesOf } from './read-tree.ts';
import { readAddress } from './read-values.ts';

export function addressesIn(firewall: TreeNode | undefined): AddressSet[] {
  const found = new Map<string, AddressSet>();
  const walk = (node: TreeNode): void => {
    for (const [word, below] of node.children) {
      if (!found.has(word) && /[.:]/u.test(word) && word.length < 100) {
        const range = families.map((family) => readAddress(word.replace(/^!/u, ''), family)).find((one) => one !== undefined);
        if (range !== undefined) found.set(word, addressSet([range]));
      }
      walk(below);
    }
  };
  if (firewall !== undefined) walk(firewall);
  return [...found.values()];
}

/** Interfaces of zones, groups and rules. */
export function interfacesIn(firewall: TreeNode | undefined): string[] {
  const names = new Set<string>();
  const add = (words: readonly string[]): void => {
    for (const word of words) if (!word.includes('*')) names.add(word.replace(/^!/u, ''));
  };
  for (const zone of child(firewall, 'zone')?.children.values() ?? []) add([...valuesOf(zone, 'interface'), ...valuesOf(child(zone, 'member'), 'interface')]);
  for (const group of child(firewall, 'group', 'interface-group')?.children.values() ?? []) add(valuesOf(group, 'interface'));
  const walk = (node: TreeNode): void => {
    for (const [word, below] of node.children) {
      if (word === 'inbound-interface' || word === 'outbound-interface') add(valuesOf(below, 'name'));
      walk(below);
    }
  };
  if (firewall !== undefined) walk(firewall);
  return [...names].sort();
}
