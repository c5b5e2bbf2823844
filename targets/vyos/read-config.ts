/**
 * The tree of the node `firewall` as typed parts: groups, rule sets, base chains, zones, state policy.
 *
 * Takes the tree, gives the parts and what of it is not modelled. Defaults are those of the platform: a rule set drops what no rule
 * decides, a base chain accepts it, a zone drops it.
 */
import { canonical, type Ranges, type Range } from '../../src/net/ranges.ts';
import { addressSet, type AddressSet, unionAddresses } from '../../src/net/address-set.ts';
import type { Family } from '../../src/net/address.ts';
import type { Hook } from '../../src/packets/packet.ts';
import { child, Refusal, strangers, type TreeNode, valueOf, valuesOf } from './read-tree.ts';
import { readAddress, readPortRange } from './read-values.ts';

export interface RuleSet {
  readonly line: number;
  readonly defaultAction: string;
  readonly defaultJump: string | undefined;
  /** By number, ascending; disabled ones left out. */
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly number: number;
  readonly node: TreeNode;
}

export interface Zone {
  readonly name: string;
  readonly line: number;
  readonly local: boolean;
  readonly interfaces: readonly string[];
  /** Zone that the packet comes from → its rule sets. */
  readonly from: ReadonlyMap<string, RuleSetNames>;
  /** Between interfaces of the zone; undefined: accepted. */
  readonly intra: { readonly action: string } | RuleSetNames | undefined;
}

/** Rule sets of the two families, by name. */
export type RuleSetNames = Readonly<Record<Family, string | undefined>>;

export interface Groups {
  readonly addresses: ReadonlyMap<string, AddressSet>;
  readonly networks: ReadonlyMap<string, AddressSet>;
  readonly ports: ReadonlyMap<string, Ranges<number>>;
  readonly interfaces: ReadonlyMap<string, readonly string[]>;
}

export interface FamilyConfig {
  readonly base: ReadonlyMap<Hook, RuleSet>;
  readonly names: ReadonlyMap<string, RuleSet>;
  readonly groups: Groups;
}

export interface Config {
  /** State → what the state policy does with it; undefined if there is none. */
  readonly states: ReadonlyMap<'established' | 'invalid' | 'related', string> | undefined;
  readonly families: Readonly<Record<Family, FamilyConfig>>;
  readonly zones: readonly Zone[];
}

/** Options of the kernel, not of the filter. */
const kernelOptions = new Set([
  'all-ping',
  'broadcast-ping',
  'directed-broadcast',
  'ip-src-route',
  'ipv6-receive-redirects',
  'ipv6-src-route',
  'log-martians',
  'receive-redirects',
  'resolver-cache',
  'resolver-interval',
  'send-redirects',
  'syn-cookies',
  'timeout',
  'twa-hazards-protection',
]);
const notes = new Set(['description']);

/** Throws `Refusal` for what could decide any packet and is not modelled. */
export function readConfig(firewall: TreeNode | undefined): Config {
  only(firewall, 'firewall', 'global-options', 'group', 'ipv4', 'ipv6', 'zone');
  const group = child(firewall, 'group');
  const groupKinds = ['address-group', 'network-group', 'ipv6-address-group', 'ipv6-network-group', 'port-group', 'interface-group'];
  for (const { name, line } of strangers(group, new Set([...groupKinds, 'domain-group', 'mac-group', 'dynamic-group', 'remote-group'])))
    throw new Refusal(line, `a group of the kind ${name}`);
  return {
    states: readStates(child(firewall, 'global-options')),
    families: { 4: readFamily(4, child(firewall, 'ipv4'), group), 6: readFamily(6, child(firewall, 'ipv6'), group) },
    zones: readZones(child(firewall, 'zone')),
  };
}

function only(node: TreeNode | undefined, where: string, ...known: readonly string[]): void {
  const [first] = strangers(node, new Set(known));
  if (first !== undefined) throw new Refusal(first.line, `${first.name} of ${where} is not modelled`);
}

/** A drop and a reject let the same packets pass, and differ in what the sender is told; the gateway's answer is a packet of its own, too. */
export const answers = 'the action reject answers who sent the packet, where a policy drops in silence';

function readStates(options: TreeNode | undefined): Config['states'] {
  for (const { name, line } of strangers(options, new Set([...kernelOptions, 'state-policy', 'source-validation', 'ipv6-source-validation'])))
    throw new Refusal(line, `the global option ${name} is not modelled`);
  for (const name of ['source-validation', 'ipv6-source-validation']) {
    const value = valueOf(options, name) ?? 'disable';
    if (value !== 'disable') throw new Refusal(child(options, name)?.line, `${name} ${value} drops by routes, which no configuration shows`);
  }
  const policy = child(options, 'state-policy');
  if (policy === undefined) return undefined;
  only(policy, 'the state policy', 'established', 'invalid', 'related');
  const states = new Map<'established' | 'invalid' | 'related', string>();
  for (const state of ['established', 'invalid', 'related'] as const) {
    const node = child(policy, state);
    only(node, `the state policy of ${state}`, 'action', 'log', 'log-level');
    const action = valueOf(node, 'action');
    if (action !== undefined) states.set(state, oneOf(action, ['accept', 'drop'], child(node, 'action')?.line));
  }
  return states;
}

function oneOf(word: string, known: readonly string[], line: number | undefined): string {
  if (word === 'reject') throw new Refusal(line, answers);
  if (!known.includes(word)) throw new Refusal(line, `the action ${word} is not modelled`);
  return word;
}

function readFamily(family: Family, node: TreeNode | undefined, group: TreeNode | undefined): FamilyConfig {
  only(node, family === 4 ? 'ipv4' : 'ipv6', 'forward', 'input', 'output', 'name');
  const base = new Map<Hook, RuleSet>();
  for (const hook of ['forward', 'input', 'output'] as const) {
    const chain = child(node, hook);
    only(chain, hook, 'filter');
    const filter = child(chain, 'filter');
    if (filter !== undefined) base.set(hook, readRuleSet(filter, 'accept', ['accept', 'drop']));
  }
  const actions = ['accept', 'drop', 'return', 'continue', 'jump'];
  const names = new Map([...(child(node, 'name')?.children ?? [])].map(([name, set]) => [name, readRuleSet(set, 'drop', actions)] as const));
  return { base, names, groups: readGroups(family, group) };
}

function readRuleSet(node: TreeNode, fallback: string, actions: readonly string[]): RuleSet {
  only(node, 'a rule set', 'default-action', 'default-jump-target', 'default-log', 'description', 'rule');
  const rules = [...(child(node, 'rule')?.children ?? [])].map(([word, rule]): Rule => {
    if (!/^[1-9]\d{0,5}$/u.test(word)) throw new Refusal(rule.line, `${JSON.stringify(word)} is no number of a rule`);
    return { number: Number(word), node: rule };
  });
  return {
    line: node.line,
    defaultAction: oneOf(valueOf(node, 'default-action') ?? fallback, actions, child(node, 'default-action')?.line),
    defaultJump: valueOf(node, 'default-jump-target'),
    rules: rules.filter((rule) => child(rule.node, 'disable') === undefined).toSorted((a, b) => a.number - b.number),
  };
}

function readZones(node: TreeNode | undefined): Zone[] {
  const zones = [...(node?.children ?? [])].map(([name, zone]) => readZone(name, zone));
  const taken = new Set<string>();
  for (const { interfaces, line } of zones) {
    for (const face of interfaces) {
      if (taken.has(face)) throw new Refusal(line, `${face} is in two zones`);
      taken.add(face);
    }
  }
  return zones;
}

function readZone(name: string, node: TreeNode): Zone {
  only(node, `zone ${name}`, 'default-action', 'default-log', 'description', 'from', 'interface', 'intra-zone-filtering', 'local-zone', 'member');
  oneOf(valueOf(node, 'default-action') ?? 'drop', ['drop'], child(node, 'default-action')?.line);
  const member = child(node, 'member');
  only(member, `the members of zone ${name}`, 'interface');
  const interfaces = [...valuesOf(node, 'interface'), ...valuesOf(member, 'interface')];
  const local = child(node, 'local-zone') !== undefined;
  if (local === interfaces.length > 0) throw new Refusal(node.line, `zone ${name} has ${local ? 'interfaces and is the local zone' : 'no interfaces'}`);
  for (const face of interfaces) if (face.includes('*')) throw new Refusal(node.line, `interfaces by pattern: ${face}`);
  const from = new Map(
    [...(child(node, 'from')?.children ?? [])].map(([other, way]) => {
      only(way, `zone ${name} from ${other}`, 'firewall');
      return [other, readNames(child(way, 'firewall'))] as const;
    }),
  );
  const intra = child(node, 'intra-zone-filtering');
  only(intra, `the filter inside zone ${name}`, 'action', 'firewall');
  const action = valueOf(intra, 'action');
  if (intra !== undefined && intra.children.size !== 1) throw new Refusal(intra.line, `zone ${name} has not one filter inside`);
  return {
    name,
    line: node.line,
    local,
    interfaces,
    from,
    intra:
      action === undefined
        ? intra === undefined
          ? undefined
          : readNames(child(intra, 'firewall'))
        : { action: oneOf(action, ['accept', 'drop'], intra?.line) },
  };
}

function readNames(node: TreeNode | undefined): RuleSetNames {
  only(node, 'a firewall of a zone', 'name', 'ipv6-name');
  return { 4: valueOf(node, 'name'), 6: valueOf(node, 'ipv6-name') };
}

// -- groups -----------------------------------------------------------------------------------------------------------

function readGroups(family: Family, group: TreeNode | undefined): Groups {
  const six = family === 6 ? 'ipv6-' : '';
  const addresses = (kind: string, leaf: string): ReadonlyMap<string, AddressSet> =>
    resolved(
      child(group, kind),
      leaf,
      (words, line) => {
        const ranges = words.map((word) => {
          const range = readAddress(word, family);
          if (range === undefined) throw new Refusal(line, `${word} is no address of the family`);
          return range;
        });
        return addressSet(ranges);
      },
      (parts) => (parts.length === 0 ? addressSet([]) : unionAddresses(...parts)),
    );
  return {
    addresses: addresses(`${six}address-group`, 'address'),
    networks: addresses(`${six}network-group`, 'network'),
    ports: resolved(
      child(group, 'port-group'),
      'port',
      (words, line) =>
        canonical(
          words.map((word): Range<number> => {
            const range = readPortRange(word);
            if (range === undefined) throw new Refusal(line, `${word} is no port`);
            return range;
          }),
        ),
      (parts) => canonical(parts.flat()),
    ),
    interfaces: resolved(
      child(group, 'interface-group'),
      'interface',
      (words, line) => {
        for (const word of words) if (word.includes('*')) throw new Refusal(line, `interfaces by pattern: ${word}`);
        return words;
      },
      (parts) => [...new Set(parts.flat())],
    ),
  };
}

/** Each group with those that it includes. */
function resolved<Members>(
  node: TreeNode | undefined,
  leaf: string,
  read: (words: readonly string[], line: number) => Members,
  unite: (parts: readonly Members[]) => Members,
): ReadonlyMap<string, Members> {
  const known = new Map<string, Members>();
  const open = new Set<string>();
  const resolve = (name: string, line: number): Members => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const group = node?.children.get(name);
    if (group === undefined) throw new Refusal(line, `there is no group ${name}`);
    if (open.has(name)) throw new Refusal(line, `the group ${name} holds itself`);
    const [strange] = strangers(group, new Set([...notes, leaf, 'include']));
    if (strange !== undefined) throw new Refusal(strange.line, `${strange.name} of a group is not modelled`);
    open.add(name);
    const members = unite([read(valuesOf(group, leaf), group.line), ...valuesOf(group, 'include').map((one) => resolve(one, group.line))]);
    open.delete(name);
    known.set(name, members);
    return members;
  };
  for (const [name, { line }] of node?.children ?? []) resolve(name, line);
  return known;
}
