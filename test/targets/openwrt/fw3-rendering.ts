/**
 * What fw3 makes of `/etc/config/firewall`: rules of iptables, ip6tables and ipset that a kernel can load and be asked.
 *
 * Takes UCI text of the dialect fw3. Written from the sources of firewall3 (print_rule and expand_rule of rules.c, print_interface_rule and
 * fw3_print_zone_rules of zones.c, fw3_print_default_head_rules of defaults.c, fw3_parse_icmptype of options.c, create_ipset of ipsets.c), for the options that
 * zonewright emits; anything else throws. It shares no code with the emitter or the reader. Only the table `filter` is rendered; comments are left out.
 */
import { type Section, sectionsOf } from './fw4-rendering.ts';

export interface Fw3Rendering {
  readonly four: string;
  readonly six: string;
  readonly sets: string;
}

const known: Readonly<Record<string, readonly string[]>> = {
  defaults: ['input', 'output', 'forward', 'drop_invalid', 'synflood_protect', 'flow_offloading', 'auto_helper', 'custom_chains'],
  zone: ['name', 'device', 'input', 'output', 'forward', 'log', 'log_limit'],
  ipset: ['name', 'family', 'storage', 'match', 'entry'],
  rule: ['name', 'src', 'dest', 'family', 'proto', 'ipset', 'src_ip', 'src_port', 'dest_ip', 'dest_port', 'icmp_type', 'target'],
};

export function renderFw3(text: string): Fw3Rendering {
  const sections = sectionsOf(text);
  for (const { type, id, options } of sections)
    for (const name of Object.keys(options))
      if (known[type]?.includes(name) !== true) throw new Error(`${id}: fw3 does not know ${name}, or it is not rendered`);
  return { four: filter(sections, 4), six: filter(sections, 6), sets: setsOf(sections) };
}

function one(section: Section, name: string): string | undefined {
  const value = section.options[name];
  if (value !== undefined && typeof value !== 'string') throw new Error(`${section.id}: ${name} must not be a list`);
  return value;
}

/** One undefined member if the option is absent: a loop over it runs once. */
function each(section: Section, name: string): readonly (string | undefined)[] {
  const value = section.options[name];
  return value === undefined ? [undefined] : typeof value === 'string' ? value.split(' ') : value;
}

function setsOf(sections: readonly Section[]): string {
  const lines = sections
    .filter(({ type }) => type === 'ipset')
    .flatMap((set) => {
      const name = one(set, 'name') ?? '';
      if (one(set, 'storage') !== 'hash' || name.length > 31) throw new Error(`${set.id}: fw3 would complain`);
      const family = one(set, 'family') === 'ipv6' ? 'inet6' : 'inet';
      return [`create ${name} hash:net family ${family}`, ...each(set, 'entry').map((entry) => `add ${name} ${entry ?? ''}`)];
    });
  return `${lines.join('\n')}\n`;
}

/** The table of one family, for iptables-restore. */
function filter(sections: readonly Section[], family: 4 | 6): string {
  const chains = new Map<string, string[]>();
  const chain = (name: string): string[] => {
    if (name.length > 28) throw new Error(`iptables has no chain of the name ${name}`);
    const lines = chains.get(name) ?? [];
    chains.set(name, lines);
    return lines;
  };
  const zones = sections.filter(({ type }) => type === 'zone');
  const rules = sections.filter(({ type }) => type === 'rule');
  const defaults = sections.find(({ type }) => type === 'defaults');
  if (defaults === undefined) throw new Error('no defaults');
  for (const [hook, match] of [
    ['INPUT', '-i lo'],
    ['OUTPUT', '-o lo'],
    ['FORWARD', undefined],
  ] as const) {
    if (match !== undefined) chain(hook).push(`${match} -j ACCEPT`);
    chain(hook).push('-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT');
    if (one(defaults, 'drop_invalid') === '1') chain(hook).push('-m conntrack --ctstate INVALID -j DROP');
  }
  for (const rule of rules) for (const line of expanded(sections, rule, family)) chain(chainOf(rule)).push(line);
  for (const zone of zones) {
    const name = one(zone, 'name') ?? '';
    if (name.length > 11) throw new Error(`fw3 has no room for the zone ${name}`);
    for (const device of each(zone, 'device')) {
      for (const target of ['ACCEPT', 'DROP']) {
        const logs = target === 'DROP' && one(zone, 'log') === '1' ? ['-m limit --limit 5/sec -j LOG --log-prefix'] : [];
        for (const log of logs) {
          chain(`zone_${name}_src_${target}`).push(`-i ${device ?? ''} ${log} "${target} ${name} in: "`);
          chain(`zone_${name}_dest_${target}`).push(`-o ${device ?? ''} ${log} "${target} ${name} out: "`);
        }
        chain(`zone_${name}_src_${target}`).push(`-i ${device ?? ''} -j ${target}`);
        chain(`zone_${name}_dest_${target}`).push(`-o ${device ?? ''} -j ${target}`);
      }
      chain('INPUT').push(`-i ${device ?? ''} -j zone_${name}_input`);
      chain('OUTPUT').push(`-o ${device ?? ''} -j zone_${name}_output`);
      chain('FORWARD').push(`-i ${device ?? ''} -j zone_${name}_forward`);
    }
    chain(`zone_${name}_input`).push(`-j zone_${name}_src_${one(zone, 'input') ?? ''}`);
    chain(`zone_${name}_output`).push(`-j zone_${name}_dest_${one(zone, 'output') ?? ''}`);
    chain(`zone_${name}_forward`).push(`-j zone_${name}_dest_${one(zone, 'forward') ?? ''}`);
  }
  const heads = [...chains.keys()].map((name) => (/^[A-Z]+$/u.test(name) ? `:${name} ${one(defaults, name.toLowerCase()) ?? ''} [0:0]` : `:${name} - [0:0]`));
  return `${['*filter', ...heads, ...[...chains].flatMap(([name, lines]) => lines.map((line) => `-A ${name} ${line}`)), 'COMMIT'].join('\n')}\n`;
}

function chainOf(rule: Section): string {
  const [src, dest] = [one(rule, 'src'), one(rule, 'dest')];
  if (src === undefined) return dest === undefined || dest === '*' ? 'OUTPUT' : `zone_${dest}_output`;
  const hook = dest === undefined ? 'input' : 'forward';
  return src === '*' ? hook.toUpperCase() : `zone_${src}_${hook}`;
}

const protocols: Readonly<Record<string, string>> = { icmp: '1', icmpv6: '58', tcp: '6', udp: '17' };

/** A rule of iptables for each protocol, source, destination, port and message. */
function expanded(sections: readonly Section[], rule: Section, family: 4 | 6): string[] {
  const wanted = one(rule, 'family');
  if (wanted !== undefined && wanted !== `ipv${family}`) return [];
  const [setName, end] = (one(rule, 'ipset') ?? '').split(' ');
  const set = sections.find((section) => section.type === 'ipset' && one(section, 'name') === setName);
  if (set !== undefined && one(set, 'family') !== `ipv${family}`) return [];
  const target = targetOf(sections, rule);
  const lines: string[] = [];
  for (const word of each(rule, 'proto')) {
    if (word === undefined) throw new Error(`${rule.id}: fw3 complains of a rule without a protocol`);
    const proto = word === 'all' ? undefined : (protocols[word] ?? word);
    if (proto !== undefined && !/^\d+$/u.test(proto)) throw new Error(`${rule.id}: fw3 does not know the protocol ${word}`);
    if (proto === '58' && family === 4) continue;
    if (proto === '1' && family === 6) throw new Error(`${rule.id}: what fw3 makes of ICMP over IPv6 is not rendered`);
    const icmp = proto === '1' || proto === '58';
    const ported = proto === '6' || proto === '17';
    for (const source of each(rule, 'src_ip'))
      for (const destination of each(rule, 'dest_ip'))
        for (const sport of ported ? each(rule, 'src_port') : [undefined])
          for (const dport of ported ? each(rule, 'dest_port') : [undefined])
            for (const type of icmp ? each(rule, 'icmp_type') : [undefined]) {
              const parts = [
                proto === undefined ? '' : `-p ${proto}`,
                side('src', source),
                side('dst', destination),
                sport === undefined ? '' : `--sport ${sport.replace('-', ':')}`,
                dport === undefined ? '' : `--dport ${dport.replace('-', ':')}`,
                type === undefined ? '' : messageOf(family, type),
                set === undefined ? '' : `-m set --match-set ${setName ?? ''} ${end === 'src' ? 'src' : 'dst'}`,
                `-j ${target}`,
              ];
              lines.push(parts.filter((part) => part !== '').join(' '));
            }
  }
  return lines;
}

function targetOf(sections: readonly Section[], rule: Section): string {
  const [src, dest, target] = [one(rule, 'src'), one(rule, 'dest'), one(rule, 'target') ?? ''];
  if (dest !== undefined && dest !== '*') return `zone_${dest}_dest_${target}`;
  const logged = sections.some((zone) => zone.type === 'zone' && one(zone, 'name') === src && one(zone, 'log') === '1');
  return logged && target !== 'ACCEPT' ? `zone_${src ?? ''}_src_${target}` : target;
}

function side(end: 'src' | 'dst', text: string | undefined): string {
  if (text === undefined) return '';
  return text.includes('-') ? `-m iprange --${end}-range ${text}` : `-${end === 'src' ? 's' : 'd'} ${text}`;
}

const named: Readonly<Record<4 | 6, Readonly<Record<string, number>>>> = {
  4: {
    'echo-reply': 0,
    'destination-unreachable': 3,
    'echo-request': 8,
    'time-exceeded': 11,
    'parameter-problem': 12,
    'timestamp-request': 13,
    'timestamp-reply': 14,
  },
  6: {
    'destination-unreachable': 1,
    'packet-too-big': 2,
    'time-exceeded': 3,
    'parameter-problem': 4,
    'echo-request': 128,
    'echo-reply': 129,
    'router-solicitation': 133,
    'router-advertisement': 134,
    'neighbour-solicitation': 135,
    'neighbour-advertisement': 136,
    redirect: 137,
  },
};

/** A bare number becomes code 255 of ICMPv6, since the parser copies the last code into the first. */
function messageOf(family: 4 | 6, text: string): string {
  const number = named[family][text];
  const bare = family === 6 && number === undefined && /^\d+$/u.test(text) ? `${text}/255` : text;
  if (number === undefined && !/^\d+(?:\/\d+)?$/u.test(text)) throw new Error(`fw3 does not know the message ${text}`);
  return family === 4 ? `-m icmp --icmp-type ${number ?? bare}` : `-m icmp6 --icmpv6-type ${number ?? bare}`;
}
