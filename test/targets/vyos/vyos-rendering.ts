// The second witness of VyOS: the commands that we emit as the nft rules that VyOS makes of them, so that a kernel can judge them. Takes
// commands, gives a ruleset of one table for each family. It is written from what the platform's templates do (named in
// targets/vyos/README.md) and shares no code with emitter or reader:
//
//   - groups are sets: address-group and network-group with intervals, port-group, interface-group;
//   - `ipv4 name X` is a chain; its rules in the order of their numbers, then its default action; `log` stands before the verdict;
//   - `ipv4 forward filter` is a base chain of priority 0: first the state policy, then its rules, then its default action;
//   - zones are three base chains of priority 1, each with the state policy first: in forward the zone of the interface that the packet
//     leaves by is asked, and there the zone it came by; for the gateway itself the local zone, behind loopback;
//   - what comes back from a rule set, and what leaves by an interface of no zone, is accepted; what a zone names no rule set for is dropped.
//
// A word that is not among those below is an error: nothing is left out in silence.

interface Tree {
  readonly children: Map<string, Tree>;
}

type FamilyWords = { readonly table: 'ip' | 'ip6'; readonly node: 'ipv4' | 'ipv6'; readonly leaf: 'name' | 'ipv6-name'; readonly six: '' | 'ipv6-' };

const bothFamilies: readonly FamilyWords[] = [
  { table: 'ip', node: 'ipv4', leaf: 'name', six: '' },
  { table: 'ip6', node: 'ipv6', leaf: 'ipv6-name', six: 'ipv6-' },
];

export const vyosTable = 'zwvyos';

/** Replaces the tables of an earlier load. */
export function renderVyos(commands: string): string {
  const root: Tree = { children: new Map() };
  for (const line of commands.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const words = line.match(/'[^']*'|\S+/gu) ?? [];
    if (words[0] !== 'set' || words[1] !== 'firewall') throw new Error(`no command of a firewall: ${line}`);
    let at = root;
    for (const word of words.slice(2)) {
      const name = word.replace(/^'(.*)'$/u, '$1');
      const next = at.children.get(name) ?? { children: new Map<string, Tree>() };
      at.children.set(name, next);
      at = next;
    }
  }
  known(root, 'global-options', 'group', 'ipv4', 'ipv6', 'zone');
  return bothFamilies.map((family) => renderFamily(root, family)).join('');
}

function renderFamily(root: Tree, family: FamilyWords): string {
  const { table, node } = family;
  const zones = entries(at(root, 'zone'));
  const own = at(root, node);
  known(own, 'forward', 'input', 'output', 'name');
  const chains = [
    chain('STATE', stateRules(at(root, 'global-options', 'state-policy'))),
    ...entries(at(own, 'name')).map(([name, set]) => chain(`NAME_${name}`, ruleSet(set, family, 'drop'))),
    ...(['forward', 'input', 'output'] as const).flatMap((hook) => {
      const filter = at(own, hook, 'filter');
      return filter === undefined ? [] : [chain(`BASE_${hook}`, [base(hook, 0), 'jump STATE', ...ruleSet(filter, family, 'accept')])];
    }),
    ...(zones.length === 0 ? [] : zoneChains(zones, family)),
  ];
  return `table ${table} ${vyosTable}\ndelete table ${table} ${vyosTable}\ntable ${table} ${vyosTable} {\n${[...groups(at(root, 'group'), family), ...chains].join('')}}\n`;
}

function chain(name: string, rules: readonly string[]): string {
  return ` chain ${name} {\n${rules.map((rule) => `  ${rule}\n`).join('')} }\n`;
}

function base(hook: string, priority: number): string {
  return `type filter hook ${hook} priority ${priority}; policy accept;`;
}

function stateRules(policy: Tree | undefined): string[] {
  known(policy, 'established', 'invalid', 'related');
  return ['established', 'invalid', 'related'].flatMap((state) => {
    const one = at(policy, state);
    known(one, 'action', 'log');
    const action = value(one, 'action');
    return action === undefined ? [] : [`ct state ${state} counter ${action}`];
  });
}

function groups(group: Tree | undefined, { six, table }: FamilyWords): string[] {
  const type = table === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const kinds = [
    [`${six}address-group`, 'address', 'A', type],
    [`${six}network-group`, 'network', 'N', type],
    ['port-group', 'port', 'P', 'inet_service'],
    ['interface-group', 'interface', 'I', 'ifname'],
  ] as const;
  known(group, 'address-group', 'network-group', 'ipv6-address-group', 'ipv6-network-group', 'port-group', 'interface-group');
  return kinds.flatMap(([kind, leaf, letter, setType]) =>
    entries(at(group, kind)).map(([name, members]) => {
      known(members, leaf);
      const elements = values(members, leaf).map((member) => (leaf === 'interface' ? `"${member}"` : member));
      return ` set ${letter}_${name} { type ${setType}; flags interval; auto-merge; elements = { ${elements.join(', ')} }\n }\n`;
    }),
  );
}

// -- rule sets ----------------------------------------------------------------------------------------------------------

function ruleSet(set: Tree, family: FamilyWords, fallback: string): string[] {
  known(set, 'default-action', 'default-log', 'description', 'rule');
  const rules = entries(at(set, 'rule'))
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, rule]) => renderRule(rule, family));
  return [...rules, `counter ${value(set, 'default-action') ?? fallback}`];
}

function renderRule(rule: Tree, family: FamilyWords): string {
  const icmp = family.table === 'ip' ? 'icmp' : 'icmpv6';
  const limit = family.table === 'ip' ? 'ttl' : 'hop-limit';
  known(
    rule,
    'action',
    'description',
    'destination',
    'source',
    'protocol',
    'state',
    icmp,
    limit,
    'inbound-interface',
    'outbound-interface',
    'jump-target',
    'log',
  );
  const parts: string[] = [];
  const states = values(rule, 'state');
  if (states.length > 0) parts.push(`ct state { ${states.join(', ')} }`);
  const protocol = value(rule, 'protocol');
  if (protocol !== undefined) parts.push(`meta l4proto ${protocol === 'tcp_udp' ? '{ tcp, udp }' : protocol}`);
  for (const end of ['destination', 'source'] as const) parts.push(...renderEnd(at(rule, end), end[0] ?? '', family.table, protocol));
  const hops = value(at(rule, limit), 'eq');
  if (hops !== undefined) parts.push(family.table === 'ip' ? `ip ttl ${hops}` : `ip6 hoplimit ${hops}`);
  for (const [which, word] of [
    ['inbound-interface', 'iifname'],
    ['outbound-interface', 'oifname'],
  ] as const) {
    const group = value(at(rule, which), 'group');
    if (group !== undefined) parts.push(`${word} ${member('I', group)}`);
  }
  for (const leaf of ['code', 'type']) {
    const number = value(at(rule, icmp), leaf);
    if (number !== undefined) parts.push(`${icmp} ${leaf} ${number}`);
  }
  if (rule.children.has('log')) parts.push('log prefix "vyos "');
  const action = value(rule, 'action');
  if (action === undefined) throw new Error('a rule without an action');
  parts.push('counter', action === 'jump' ? `jump NAME_${value(rule, 'jump-target') ?? ''}` : action);
  return parts.join(' ');
}

function renderEnd(end: Tree | undefined, letter: string, table: string, protocol: string | undefined): string[] {
  known(end, 'address', 'group', 'port');
  known(at(end, 'group'), 'address-group', 'network-group', 'port-group');
  const parts: string[] = [];
  const address = value(end, 'address');
  if (address !== undefined) parts.push(`${table} ${letter}addr ${address.startsWith('!') ? `!= ${address.slice(1)}` : address}`);
  for (const [kind, set] of [
    ['address-group', 'A'],
    ['network-group', 'N'],
  ] as const) {
    const group = value(at(end, 'group'), kind);
    if (group !== undefined) parts.push(`${table} ${letter}addr ${member(set, group)}`);
  }
  const header = protocol === 'tcp_udp' ? 'th' : (protocol ?? 'no protocol');
  const ports = value(end, 'port')?.split(',') ?? [];
  const listed = ports.filter((port) => !port.startsWith('!'));
  const except = ports.filter((port) => port.startsWith('!')).map((port) => port.slice(1));
  if (listed.length > 0) parts.push(`${header} ${letter}port { ${listed.join(', ')} }`);
  if (except.length > 0) parts.push(`${header} ${letter}port != { ${except.join(', ')} }`);
  const group = value(at(end, 'group'), 'port-group');
  if (group !== undefined) parts.push(`${header} ${letter}port ${member('P', group)}`);
  return parts;
}

function member(letter: string, group: string): string {
  return group.startsWith('!') ? `!= @${letter}_${group.slice(1)}` : `@${letter}_${group}`;
}

// -- zones --------------------------------------------------------------------------------------------------------------

function zoneChains(zones: readonly (readonly [string, Tree])[], { leaf }: FamilyWords): string[] {
  for (const [, zone] of zones)
    known(zone, 'default-action', 'default-log', 'description', 'from', 'interface', 'intra-zone-filtering', 'local-zone', 'member');
  const faces = (zone: Tree | undefined): string =>
    `{ ${[...values(zone, 'interface'), ...values(at(zone, 'member'), 'interface')].map((name) => `"${name}"`).join(', ')} }`;
  const named = (name: string): Tree | undefined => zones.find(([one]) => one === name)?.[1];
  const isLocal = (zone: Tree | undefined): boolean => zone?.children.has('local-zone') === true;
  const rest = (zone: Tree): string => `counter ${value(zone, 'default-action') ?? 'drop'}`;
  const through = (which: string, other: Tree | undefined, set: string | undefined): string[] =>
    set === undefined ? [] : [`${which} ${faces(other)} jump NAME_${set}`, `${which} ${faces(other)} return`];
  const others = zones.filter(([, zone]) => !isLocal(zone));
  const own = zones.filter(([, zone]) => isLocal(zone));
  return [
    chain('ZONE_forward', [base('forward', 1), 'jump STATE', ...others.map(([name, zone]) => `oifname ${faces(zone)} jump ZONE_${name}`)]),
    chain('ZONE_input', [base('input', 1), 'jump STATE', ...own.map(([name]) => `jump IN_${name}`)]),
    chain('ZONE_output', [base('output', 1), 'jump STATE', ...own.map(([name]) => `jump OUT_${name}`)]),
    ...others.map(([name, zone]) => {
      const inside = at(zone, 'intra-zone-filtering', 'firewall');
      const set = value(inside, leaf);
      const from = entries(at(zone, 'from')).flatMap(([other, way]) =>
        isLocal(named(other)) ? [] : through('iifname', named(other), value(at(way, 'firewall'), leaf)),
      );
      return chain(`ZONE_${name}`, [
        `iifname ${faces(zone)} ${set === undefined ? 'return' : `jump NAME_${set}`}`,
        `iifname ${faces(zone)} return`,
        ...from,
        rest(zone),
      ]);
    }),
    ...own.flatMap(([name, zone]) => [
      chain(`IN_${name}`, [
        'iifname "lo" return',
        ...entries(at(zone, 'from')).flatMap(([other, way]) => through('iifname', named(other), value(at(way, 'firewall'), leaf))),
        rest(zone),
      ]),
      chain(`OUT_${name}`, [
        'oifname "lo" return',
        ...others.flatMap(([, other]) => through('oifname', other, value(at(other, 'from', name, 'firewall'), leaf))),
        rest(zone),
      ]),
    ]),
  ];
}

// -- trees --------------------------------------------------------------------------------------------------------------

function at(tree: Tree | undefined, ...path: readonly string[]): Tree | undefined {
  return path.reduce<Tree | undefined>((one, word) => one?.children.get(word), tree);
}

function entries(tree: Tree | undefined): (readonly [string, Tree])[] {
  return [...(tree?.children ?? [])];
}

function values(tree: Tree | undefined, leaf: string): string[] {
  return [...(at(tree, leaf)?.children.keys() ?? [])];
}

function value(tree: Tree | undefined, leaf: string): string | undefined {
  const all = values(tree, leaf);
  if (all.length > 1) throw new Error(`${leaf} has several values`);
  return all[0];
}

function known(tree: Tree | undefined, ...words: readonly string[]): void {
  for (const word of tree?.children.keys() ?? []) if (!words.includes(word)) throw new Error(`a word that this rendering does not know: ${word}`);
}
