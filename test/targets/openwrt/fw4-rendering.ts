/**
 * The second witness: what fw4 makes of `/etc/config/firewall`, as an nft table that a kernel can load and be asked.
 *
 * Takes UCI text, gives the filter part of the table `inet fw4` and every complaint that fw4 would print. Written from the semantics of
 * fw4.uc (parse_options, parse_defaults, parse_zone, parse_ipset, parse_rule) and of its templates (ruleset.uc, rule.uc, zone-verdict.uc),
 * for the options that zonewright emits; anything else throws. It shares no code with the emitter or the reader. What it leaves out has no
 * rules of ours: chains for NAT, raw, mangle and helpers, and the include of /etc/nftables.d.
 */

export interface Section {
  readonly type: string;
  /** `@rule[3]`. */
  readonly id: string;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
}

export interface Rendering {
  readonly nft: string;
  /** fw4's complaints; each is a section or an option that it leaves out. */
  readonly warnings: readonly string[];
}

export function renderFw4(text: string): Rendering {
  const renderer = new Renderer(sectionsOf(text));
  return { nft: renderer.table(), warnings: renderer.warnings };
}

/** Lines of UCI, read as libuci reads them: single quotes hold all but themselves. */
export function sectionsOf(text: string): Section[] {
  const sections: { type: string; id: string; options: Record<string, string | string[]> }[] = [];
  for (const line of text.split('\n')) {
    const [keyword, name, value] = [...line.matchAll(/'([^']*)'|([^\s'#]+)|(#.*)/gu)]
      .filter((part) => part[3] === undefined)
      .map((part) => part[1] ?? part[2] ?? '');
    if (keyword === undefined) continue;
    if (keyword === 'config' && name !== undefined) {
      sections.push({ type: name, id: `@${name}[${sections.filter(({ type }) => type === name).length}]`, options: {} });
      continue;
    }
    const options = sections.at(-1)?.options;
    if (options === undefined || name === undefined || value === undefined) throw new Error(`not UCI: ${line}`);
    const before = options[name];
    if (keyword === 'option' && before === undefined) options[name] = value;
    else if (keyword === 'list' && typeof before !== 'string') options[name] = [...(before ?? []), value];
    else throw new Error(`not UCI: ${line}`);
  }
  return sections;
}

/** How fw4 reads one option; undefined: an invalid value. */
type Parser = (value: string) => unknown;

interface Spec {
  readonly parse: Parser;
  readonly list?: true;
  readonly needed?: true;
}

const policies = ['accept', 'reject', 'drop'];
/** A prefix of a word stands for it, in any case. */
const choice =
  (words: readonly string[]): Parser =>
  (value) =>
    value === '' ? undefined : words.find((word) => word.startsWith(value.toLowerCase()));
const bool: Parser = (value) => (['1', 'on', 'true', 'yes'].includes(value) ? true : ['0', 'off', 'false', 'no'].includes(value) ? false : undefined);
const text: Parser = (value) => value;
const identifier: Parser = (value) => (/^[a-zA-Z_.][a-zA-Z0-9/_.-]*$/u.test(value) ? value : undefined);
const number: Parser = (value) => (/^-?\d+$/u.test(value) ? Number(value) : undefined);
const limit: Parser = (value) => /^(\d+)(?:\/([a-z]+))?$/u.exec(value)?.[0];
const family: Parser = (value) => (['any', 'all', '*'].includes(value) ? 0 : value === 'inet' || value.includes('4') ? 4 : value.includes('6') ? 6 : undefined);
const port: Parser = (value) => {
  const [first, last] = /^(\d{1,5})(?:[-:](\d{1,5}))?$/u.exec(value)?.slice(1) ?? [];
  const [low, high] = [Number(first), Number(last ?? first)];
  return low <= high && high <= 65535 ? (low === high ? `${low}` : `${low}-${high}`) : undefined;
};
const protocol: Parser = (value) => {
  const word = value.toLowerCase();
  const names: Readonly<Record<string, string>> = {
    all: '*',
    any: '*',
    '*': '*',
    1: 'icmp',
    icmp: 'icmp',
    58: 'ipv6-icmp',
    icmpv6: 'ipv6-icmp',
    6: 'tcp',
    17: 'udp',
  };
  if (word === 'tcpudp') return ['tcp', 'udp'];
  return word === '' ? undefined : (names[word] ?? word);
};

interface Network {
  readonly family: 4 | 6;
  /** As nft writes it. */
  readonly text: string;
  readonly range: boolean;
}

/** A host, a network or a range; names of networks need a running system. */
const network: Parser = (value): Network | undefined => {
  const of = (address: string): 4 | 6 | undefined => (/^\d+(?:\.\d+){3}$/u.test(address) ? 4 : /^[0-9a-f:.]*:[0-9a-f:.]*$/iu.test(address) ? 6 : undefined);
  const [address = '', bits] = value.split('/');
  if (bits !== undefined) {
    const kind = of(address);
    return kind === undefined || !/^\d+$/u.test(bits) ? undefined : { family: kind, text: value, range: false };
  }
  const [first = '', last] = value.split('-');
  const kind = of(first);
  if (kind === undefined || (last !== undefined && of(last) !== kind)) return undefined;
  return { family: kind, text: value, range: last !== undefined };
};

interface Message {
  readonly type4: number | undefined;
  readonly type6: number | undefined;
  /** Undefined: every code. */
  readonly code: number | undefined;
}

const messageTypes: Readonly<Record<string, readonly [number | undefined, number | undefined]>> = {
  'echo-reply': [0, 129],
  'destination-unreachable': [3, 1],
  'packet-too-big': [undefined, 2],
  'echo-request': [8, 128],
  'router-advertisement': [9, 134],
  'router-solicitation': [10, 133],
  'time-exceeded': [11, 3],
  'parameter-problem': [12, 4],
  'timestamp-request': [13, undefined],
  'timestamp-reply': [14, undefined],
  'neighbour-solicitation': [undefined, 135],
  'neighbour-advertisement': [undefined, 136],
  redirect: [5, 137],
};

const message: Parser = (value): Message | undefined => {
  const named = messageTypes[value];
  if (named !== undefined) return { type4: named[0], type6: named[1], code: undefined };
  const [type, code] = /^(\d+)(?:\/(\d+))?$/u.exec(value)?.slice(1) ?? [];
  if (type === undefined || Number(type) > 255 || Number(code ?? 0) > 255) return undefined;
  return { type4: Number(type), type6: Number(type), code: code === undefined ? undefined : Number(code) };
};

interface Zone {
  readonly name: string;
  readonly devices: readonly string[];
  readonly input: string;
  readonly output: string;
  readonly forward: string;
  readonly logLimit: string | undefined;
}

interface SetOf {
  readonly name: string;
  readonly family: 4 | 6;
  readonly direction: string;
  readonly entries: readonly string[];
}

class Renderer {
  readonly warnings: string[] = [];
  readonly #defaults: Readonly<Record<string, unknown>>;
  readonly #sets: SetOf[] = [];
  readonly #zones: Zone[] = [];
  readonly #chains = new Map<string, string[]>();
  /** `accept_to_lan`: verdicts that a rule jumps to. */
  readonly #verdicts = new Set<string>();

  constructor(sections: readonly Section[]) {
    const of = (type: string): Section[] => sections.filter((section) => section.type === type);
    for (const { type } of sections) if (!['defaults', 'zone', 'ipset', 'rule'].includes(type)) throw new Error(`a section ${type} is not rendered`);
    const [defaults = { type: 'defaults', id: '@defaults[0]', options: {} }, ...more] = of('defaults');
    for (const extra of more) this.#warn(extra, 'ignoring duplicate defaults section');
    const policy = { parse: choice(policies) };
    const onOff = { parse: bool };
    this.#defaults =
      this.#options(defaults, {
        input: policy,
        output: policy,
        forward: policy,
        drop_invalid: onOff,
        synflood_protect: onOff,
        auto_helper: onOff,
        flow_offloading: onOff,
        auto_includes: onOff,
      }) ?? {};
    for (const name of ['synflood_protect', 'flow_offloading', 'auto_helper', 'auto_includes'])
      if (this.#defaults[name] !== false) throw new Error(`${name} is not off, which is not rendered`);
    // fw4 reads sets before zones, and zones before rules, wherever they stand.
    for (const section of of('ipset')) this.#readSet(section);
    for (const section of of('zone')) this.#readZone(section);
    for (const section of of('rule')) this.#readRule(section);
  }

  #warn({ id }: Section, what: string): void {
    this.warnings.push(`Section ${id} ${what}`);
  }

  /** Undefined if fw4 skips the section. */
  #options(section: Section, specs: Readonly<Record<string, Spec>>): Readonly<Record<string, unknown>> | undefined {
    const found: Record<string, unknown> = {};
    for (const [name, { parse, list, needed }] of Object.entries(specs)) {
      const value = section.options[name];
      if (value === undefined) {
        if (needed === true) this.#warn(section, `option '${name}' is mandatory but not set`);
        if (needed === true) return undefined;
        continue;
      }
      if (typeof value !== 'string' && list === undefined) {
        this.#warn(section, `option '${name}' must not be a list`);
        return undefined;
      }
      const members = typeof value === 'string' ? (list === undefined ? [value] : value.trim().split(/[ \t]+/u)) : value;
      const parsed = members.map(parse);
      if (parsed.includes(undefined)) {
        this.#warn(section, `option '${name}' specifies invalid value '${members[parsed.indexOf(undefined)] ?? ''}'`);
        return undefined;
      }
      found[name] = list === undefined ? parsed[0] : parsed.flat();
    }
    for (const name of Object.keys(section.options)) if (specs[name] === undefined) this.#warn(section, `specifies unknown option '${name}'`);
    return found;
  }

  #readZone(section: Section): void {
    const policy = { parse: choice(policies) };
    const zone = this.#options(section, {
      name: { parse: identifier, needed: true },
      device: { parse: text, list: true },
      input: policy,
      output: policy,
      forward: policy,
      log: { parse: number },
      log_limit: { parse: limit },
    });
    if (zone === undefined) return this.#warn(section, 'skipped due to invalid options');
    if (zone['log'] !== undefined) throw new Error('a log of a zone is not rendered');
    const devices = zone['device'] as string[];
    if (devices.some((device) => /[+!*]/u.test(device))) throw new Error('a wildcard is not rendered');
    const fallback = (name: string): string => (zone[name] ?? this.#defaults[name] ?? 'drop') as string;
    const name = zone['name'] as string;
    const made: Zone = {
      name,
      devices,
      input: fallback('input'),
      output: fallback('output'),
      forward: fallback('forward'),
      logLimit: zone['log_limit'] as string | undefined,
    };
    this.#zones.push(made);
    this.#verdicts.add(`${made.input}_from_${name}`).add(`${made.output}_to_${name}`).add(`${made.forward}_to_${name}`);
  }

  #readSet(section: Section): void {
    const set = this.#options(section, {
      name: { parse: identifier, needed: true },
      family: { parse: family },
      match: { parse: (value) => /^(?:(src|dst|dest)_)?net$/u.exec(value)?.[0], list: true },
      entry: { parse: text, list: true },
    });
    if (set === undefined) return this.#warn(section, 'skipped due to invalid options');
    const kind = (set['family'] ?? 4) as 0 | 4 | 6;
    if (kind === 0) return this.#warn(section, "must not specify family 'any' when matching type 'ip' or 'net'");
    const [match, ...more] = set['match'] as string[];
    if (match === undefined || more.length > 0) throw new Error('a set of more than networks is not rendered');
    const entries = ((set['entry'] ?? []) as string[]).flatMap((entry) => {
      const parsed = network(entry) as Network | undefined;
      // A range would be printed with a length that it has not.
      if (parsed !== undefined && parsed.family === kind && !parsed.range) return [entry.includes('/') ? entry : `${entry}/${kind === 4 ? 32 : 128}`];
      this.#warn(section, `ignoring invalid ipset entry '${entry}'`);
      return [];
    });
    this.#sets.push({ name: set['name'] as string, family: kind, direction: match.startsWith('d') ? 'd' : 's', entries });
  }

  #readRule(section: Section): void {
    const rule = this.#options(section, {
      enabled: { parse: bool },
      name: { parse: text },
      family: { parse: family },
      src: { parse: (value) => this.#zoneNamed(value) },
      dest: { parse: (value) => this.#zoneNamed(value) },
      ipset: { parse: (value) => /^\S+(?: (?:src|dst|dest))?$/u.exec(value)?.[0] },
      proto: { parse: protocol, list: true },
      src_ip: { parse: network, list: true },
      src_port: { parse: port, list: true },
      dest_ip: { parse: network, list: true },
      dest_port: { parse: port, list: true },
      icmp_type: { parse: message, list: true },
      log: { parse: text },
      target: { parse: choice([...policies, 'notrack', 'helper', 'mark', 'dscp', 'dnat', 'snat', 'masquerade']) },
    });
    if (rule === undefined) return this.#warn(section, 'skipped due to invalid options');
    if (rule['enabled'] === false) return this.#warn(section, 'is disabled, ignoring section');
    const target = rule['target'] as string;
    if (!['accept', 'drop'].includes(target)) throw new Error(`the target ${target} is not rendered`);
    const [setName, end] = ((rule['ipset'] ?? '') as string).split(' ');
    const set = this.#sets.find(({ name }) => name === setName);
    if (rule['ipset'] !== undefined && set === undefined) return this.#warn(section, `references unknown set '${setName ?? ''}'`);
    const [src, dest] = [rule['src'] as Zone | '*' | undefined, rule['dest'] as Zone | '*' | undefined];
    const name = (rule['name'] ?? section.id) as string;
    const log = rule['log'] as string | undefined;
    const chain =
      src === undefined
        ? dest === undefined || dest === '*'
          ? 'output'
          : `output_${dest.name}`
        : src === '*'
          ? dest === undefined
            ? 'input'
            : 'forward'
          : `${dest === undefined ? 'input' : 'forward'}_${src.name}`;
    let verdict = target;
    if (dest !== undefined && dest !== '*') {
      verdict = `jump ${target}_to_${dest.name}`;
      this.#verdicts.add(`${target}_to_${dest.name}`);
    }
    const limited = [src, dest].find((zone): zone is Zone => typeof zone === 'object' && zone.logLimit !== undefined);
    for (const proto of (rule['proto'] ?? ['tcp', 'udp']) as string[]) {
      const matches = this.#matches(
        section,
        rule,
        proto,
        set === undefined ? undefined : { ...set, direction: (end ?? set.direction).startsWith('d') ? 'd' : 's' },
      );
      for (const match of matches) {
        const lines = this.#chains.get(chain) ?? [];
        this.#chains.set(chain, lines);
        const comment = `comment ${quoted(`!fw4: ${name}`)}`;
        if (log !== undefined && limited !== undefined)
          lines.push(`${match} limit name "${limited.name}.log_limit" log prefix ${quoted(log)}`, `${match} counter ${verdict} ${comment}`);
        else lines.push(`${match} counter ${log === undefined ? '' : `log prefix ${quoted(log)} `}${verdict} ${comment}`);
      }
    }
  }

  #zoneNamed(value: string): Zone | '*' | undefined {
    return value === '*' ? '*' : this.#zones.find(({ name }) => name === value);
  }

  /** The matches of a rule for one protocol, one for each rule of nft that fw4 makes of it. */
  #matches(section: Section, rule: Readonly<Record<string, unknown>>, proto: string, set: SetOf | undefined): string[] {
    const sides = [
      { word: 'saddr', list: (rule['src_ip'] ?? []) as Network[] },
      { word: 'daddr', list: (rule['dest_ip'] ?? []) as Network[] },
    ];
    const wanted = [proto === 'ipv6-icmp' ? 6 : (rule['family'] as number | undefined), set?.family];
    for (const { list } of sides) {
      const kinds = new Set(list.map((one) => one.family));
      if (kinds.size === 1) wanted.push([...kinds][0]);
    }
    const named = [...new Set(wanted.filter((one) => one !== undefined && one !== 0))];
    if (named.length > 1) {
      this.#warn(section, `is restricted to IPv${named[0] ?? ''} but references IPv${named[1] ?? ''} only, skipping`);
      return [];
    }
    const messages = ((rule['icmp_type'] ?? []) as Message[]).filter((one) => proto === 'icmp' || (proto === 'ipv6-icmp' && one.type6 !== undefined));
    const [kind] = named;
    const specific = sides.some(({ list }) => list.length > 0) || messages.length > 0;
    if (kind === undefined && specific) throw new Error('a rule whose family fw4 has to guess is not rendered');
    const ported = proto === 'tcp' || proto === 'udp';
    const ports = [
      { word: 'sport', list: ported ? ((rule['src_port'] ?? []) as string[]) : [] },
      { word: 'dport', list: ported ? ((rule['dest_port'] ?? []) as string[]) : [] },
    ];
    const addressed = sides.some(({ list }) => list.some((one) => one.family === kind));
    const version = kind === 6 ? 'ip6' : 'ip';
    const head: string[] = [];
    if (kind !== undefined && !addressed) head.push(`meta nfproto ipv${kind}`);
    if (proto !== '*' && ports.every(({ list }) => list.length === 0) && messages.length === 0) head.push(`meta l4proto ${l4proto(kind, proto)}`);
    for (const { word, list } of sides) {
      const mine = list.filter((one) => one.family === kind).map((one) => one.text);
      if (list.length > 0 && mine.length === 0) throw new Error('fw4 would take a side without an address of the family for any');
      if (mine.length > 0) head.push(`${version} ${word} ${braced(mine)}`);
    }
    for (const { word, list } of ports) if (list.length > 0) head.push(`${proto} ${word} ${braced(list)}`);
    const tail = set === undefined ? [] : [`${set.family === 6 ? 'ip6' : 'ip'} ${set.direction}addr @${set.name}`];
    if (messages.length === 0) return [[...head, ...tail].join(' ')];
    const icmp = kind === 4 ? 'icmp' : 'icmpv6';
    const typeOf = (one: Message): number | undefined => (kind === 4 ? one.type4 : one.type6);
    const types = messages.filter((one) => one.code === undefined).flatMap((one) => typeOf(one) ?? []);
    const codes = messages.filter((one) => one.code !== undefined).map((one) => `${typeOf(one) ?? ''} . ${one.code ?? ''}`);
    const made: string[] = [];
    if (types.length > 0) made.push([...head, `${icmp} type ${braced(types.map(String))}`, ...tail].join(' '));
    if (codes.length > 0) made.push([...head, `${icmp} type . ${icmp} code { ${codes.join(', ')} }`, ...tail].join(' '));
    if (made.length === 0) throw new Error('fw4 would take no message of the family for any');
    return made;
  }

  /** The table, as the template lays it out. */
  table(): string {
    const lines = ['table inet fw4', 'flush table inet fw4', '', 'table inet fw4 {'];
    for (const set of this.#sets) {
      lines.push(`\tset ${set.name} {`, `\t\ttype ipv${set.family}_addr`, '\t\tauto-merge', '\t\tflags interval');
      if (set.entries.length > 0) lines.push('\t\telements = {', ...set.entries.map((entry) => `\t\t\t${entry},`), '\t\t}');
      lines.push('\t}');
    }
    for (const zone of this.#zones)
      lines.push(`\tdefine ${zone.name}_devices = { ${zone.devices.map(deviceText).join(', ')} }`, `\tdefine ${zone.name}_subnets = {  }`);
    for (const { name, logLimit } of this.#zones) if (logLimit !== undefined) lines.push(`\tlimit ${name}.log_limit {`, `\t\trate ${logLimit}`, '\t}');
    for (const hook of ['input', 'forward', 'output'] as const) {
      lines.push(`\tchain ${hook} {`, `\t\ttype filter hook ${hook} priority filter; policy ${this.#basePolicy(hook)};`);
      if (hook === 'input') lines.push('\t\tiifname "lo" accept');
      if (hook === 'output') lines.push('\t\toifname "lo" accept');
      lines.push('\t\tct state established,related accept');
      if (this.#defaults['drop_invalid'] === true) lines.push('\t\tct state invalid drop');
      lines.push(...(this.#chains.get(hook) ?? []).map((line) => `\t\t${line}`));
      for (const zone of this.#zones) lines.push(`\t\t${hook === 'output' ? 'oifname' : 'iifname'} ${devicesOf(zone)} jump ${hook}_${zone.name}`);
      lines.push('\t}');
    }
    for (const zone of this.#zones) {
      for (const hook of ['input', 'output', 'forward'] as const) {
        const end = hook === 'input' ? `${zone.input}_from_${zone.name}` : `${zone[hook]}_to_${zone.name}`;
        lines.push(
          `\tchain ${hook}_${zone.name} {`,
          ...(this.#chains.get(`${hook}_${zone.name}`) ?? []).map((line) => `\t\t${line}`),
          `\t\tjump ${end}`,
          '\t}',
        );
      }
      for (const verdict of policies) {
        if (this.#verdicts.has(`${verdict}_from_${zone.name}`))
          lines.push(`\tchain ${verdict}_from_${zone.name} {`, `\t\tiifname ${devicesOf(zone)} counter ${verdict}`, '\t}');
        if (this.#verdicts.has(`${verdict}_to_${zone.name}`))
          lines.push(`\tchain ${verdict}_to_${zone.name} {`, `\t\toifname ${devicesOf(zone)} counter ${verdict}`, '\t}');
      }
    }
    return `${[...lines, '}'].join('\n')}\n`;
  }

  #basePolicy(hook: 'input' | 'forward' | 'output'): string {
    const policy = (this.#defaults[hook] ?? 'drop') as string;
    if (policy === 'reject') throw new Error('a reject is not rendered');
    return policy;
  }
}

function quoted(value: string): string {
  return `"${value.replaceAll('"', "'")}"`;
}

/** fw4 leaves the quotes out around what could be a number or an address. */
function deviceText(device: string): string {
  return /^[0-9A-Fa-f:./-]+$/u.test(device) ? device : `"${device}"`;
}

function devicesOf({ devices }: Zone): string {
  return braced(devices.map(deviceText));
}

function braced(values: readonly string[]): string {
  const unique = [...new Set(values)];
  return unique.length === 1 ? (unique[0] ?? '') : `{ ${unique.join(', ')} }`;
}

/** Unlike the words of other protocols, this one depends on the family. */
function l4proto(kind: number | undefined, proto: string): string {
  if (proto === 'icmp') return kind === undefined ? '{ icmp, ipv6-icmp }' : kind === 6 ? 'ipv6-icmp' : 'icmp';
  return proto;
}
