/**
 * The addresses and interfaces that rules and sets name, so that a space can tell them apart.
 *
 * Takes parsed texts, gives one set for each address. The one idea: whatever word of a rule reads as an address, a network or a range is
 * taken for one; a border too many does no harm.
 */
import { addressSet, type AddressSet } from '../../src/net/address-set.ts';
import { families } from '../../src/net/address.ts';
import type { AddressPart, Dump, IpSet } from './read-tree.ts';
import { readNetwork, readRange } from './read-values.ts';

export function addressesInRules(dump: Dump): AddressSet[] {
  const found = new Map<string, AddressSet>();
  for (const table of dump.tables.values()) {
    for (const chain of table.chains.values()) {
      for (const rule of chain.rules) {
        for (const { text } of rule.words) {
          if (text.length > 100 || !/[.:]/u.test(text) || found.has(text)) continue;
          const set = readWord(text);
          if (set !== undefined) found.set(text, set);
        }
      }
    }
  }
  return [...found.values()];
}

function readWord(text: string): AddressSet | undefined {
  for (const family of families) {
    const range = readRange(text, family);
    const set = range === undefined ? readNetwork(text, family) : addressSet([range]);
    if (set !== undefined) return set;
  }
  return undefined;
}

/** Whole names of interfaces; one with `+` names none. */
export function interfacesInRules(dump: Dump): string[] {
  const options = new Set(['-i', '--in-interface', '-o', '--out-interface']);
  const words = [...dump.tables.values()].flatMap((table) => [...table.chains.values()].flatMap((chain) => chain.rules.map((rule) => rule.words)));
  return words.flatMap((rule) => rule.flatMap(({ text }, index) => (options.has(rule[index - 1]?.text ?? '') && !text.endsWith('+') ? [text] : [])));
}

export function interfacesInSets(sets: ReadonlyMap<string, IpSet>): string[] {
  const parts = [...sets.values()].flatMap((set) => (set.dimensions.includes('iface') ? set.elements.flatMap((element) => element.parts) : []));
  return parts.flatMap((part) => (part.kind === 'interface' && !part.wildcard && !part.bridged ? [part.name] : []));
}

export function addressesInSets(sets: ReadonlyMap<string, IpSet>): AddressSet[] {
  const found = new Set<AddressPart>();
  for (const set of sets.values()) for (const element of set.elements) for (const part of element.parts) if (part.kind === 'address') found.add(part);
  return [...found].map((part) => addressSet([part]));
}
