/**
 * Sections → zones, sets and rules as fw4 and fw3 understand them, or a refusal.
 *
 * Takes sections, gives what decides packets. Where a dialect would warn, ignore an option or take it for something else, the section is
 * refused: what is not modelled is never equal. Written from parse_options, parse_zone, parse_rule and parse_ipset of fw4.uc and from
 * options.c, zones.c, rules.c and ipsets.c of firewall3.
 */
import { type AddressRange, type Family, parseAddress, parsePrefix } from '../../src/net/address.ts';
import { addressSet, type AddressSet } from '../../src/net/address-set.ts';
import { canonical, type Range, type Ranges } from '../../src/net/ranges.ts';
import { Refusal, type Section, type Setting } from './read-uci.ts';

export type Verdict = 'accept' | 'drop';

export interface Zone {
  readonly name: string;
  readonly devices: readonly string[];
  readonly input: Verdict;
  readonly output: Verdict;
  readonly forward: Verdict;
}

/** What a rule asks of protocols; any of these. */
export interface ProtocolMatch {
  /** Undefined: all. */
  readonly protocol: number | undefined;
  /** Undefined: all. */
  readonly sourcePorts: Ranges<number> | undefined;
  /** Destination ports, or type × 256 + code of the family's ICMP; undefined: all. */
  readonly values: Ranges<number> | undefined;
}

export interface Rule {
  readonly line: number;
  /** Name of a zone, `any`, or undefined. */
  readonly src: string | undefined;
  readonly dest: string | undefined;
  /** Undefined: both, and then nothing of one family is asked. */
  readonly family: Family | undefined;
  readonly protocols: readonly ProtocolMatch[];
  readonly source: readonly AddressSet[];
  readonly destination: readonly AddressSet[];
  readonly verdict: Verdict;
}

export interface Firewall {
  readonly dialect: 'fw4' | 'fw3';
  readonly input: Verdict;
  readonly output: Verdict;
  readonly forward: Verdict;
  readonly dropInvalid: boolean;
  readonly zones: readonly Zone[];
  readonly rules: readonly Rule[];
}

interface NamedSet {
  readonly name: string;
  readonly family: Family;
  readonly direction: 'src' | 'dst';
  readonly addresses: AddressSet;
}

export function readFirewall(sections: readonly Section[]): Firewall {
  const [defaults, second] = sections.filter(({ type }) => type === 'defaults');
  if (defaults === undefined) throw new Refusal(undefined, 'no section defaults');
  if (second !== undefined) throw new Refusal(second.line, 'a second section defaults, which the platform ignores');
  const dialect = dialectOf(defaults);
  const zones: Zone[] = [];
  const sets: NamedSet[] = [];
  const rules: Rule[] = [];
  for (const section of sections) {
    if (section.type === 'zone') zones.push(readZone(section, dialect));
    else if (section.type === 'ipset') sets.push(readSet(section, dialect));
    else if (section.type !== 'rule' && section.type !== 'defaults') throw new Refusal(section.line, `a section of type ${section.type} is not modelled`);
  }
  for (const list of [zones, sets]) unique(list.map(({ name }) => name));
  unique(zones.flatMap(({ devices }) => devices));
  // A rule may stand before the zone that it names.
  for (const section of sections) if (section.type === 'rule' && isEnabled(section)) rules.push(readRule(section, dialect, zones, sets));
  return { dialect, ...readDefaults(defaults, dialect), zones, rules };
}

function unique(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Refusal(undefined, `${twice} is there twice`);
}

// -- sections ---------------------------------------------------------------------------------------------------------

/** Each dialect has a switch that the other does not know. */
function dialectOf(defaults: Section): 'fw4' | 'fw3' {
  const fw4 = defaults.settings.has('auto_includes');
  if (fw4 === defaults.settings.has('custom_chains')) throw new Refusal(defaults.line, 'neither fw4 (auto_includes) nor fw3 (custom_chains) alone');
  return fw4 ? 'fw4' : 'fw3';
}

function readDefaults(section: Section, dialect: 'fw4' | 'fw3'): Pick<Firewall, 'input' | 'output' | 'forward' | 'dropInvalid'> {
  const others = dialect === 'fw4' ? 'auto_includes' : 'custom_chains';
  known(section, ['input', 'output', 'forward', 'drop_invalid', 'synflood_protect', 'flow_offloading', 'auto_helper', others]);
  // What would decide packets before, behind or beside the rules.
  for (const name of ['synflood_protect', 'flow_offloading', 'auto_helper', others]) {
    const setting = section.settings.get(name);
    if (name !== 'synflood_protect' && name !== 'flow_offloading' && setting === undefined) throw new Refusal(section.line, `${name} is not switched off`);
    if (setting !== undefined && boolean(setting)) throw new Refusal(setting.line, `${name} is not switched off`);
  }
  const invalid = section.settings.get('drop_invalid');
  return { ...policies(section), dropInvalid: invalid !== undefined && boolean(invalid) };
}

function readZone(section: Section, dialect: 'fw4' | 'fw3'): Zone {
  known(section, ['name', 'device', 'input', 'output', 'forward', 'log', 'log_limit']);
  const name = single(section, 'name') ?? '';
  const pattern = dialect === 'fw4' ? /^[a-zA-Z_.][a-zA-Z0-9/_.-]*$/u : /^[a-zA-Z0-9_.-]{1,11}$/u;
  if (!pattern.test(name)) throw new Refusal(section.line, `${name === '' ? 'a zone without a name' : `the zone name ${name}`} is not taken by ${dialect}`);
  const devices = many(section, 'device');
  for (const device of devices) {
    const odd = dialect === 'fw4' ? device === 'add' || /^\d[0-9A-Fa-f.-]*$/u.test(device) : device.includes('@');
    if (odd || !/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/u.test(device)) throw new Refusal(section.line, `the device ${device} is not modelled`);
  }
  if (devices.length === 0) throw new Refusal(section.line, `zone ${name} has no device`);
  const logged = section.settings.get('log');
  if (logged !== undefined && !/^[01]$/u.test(logged.values[0] ?? '')) throw new Refusal(logged.line, 'a log of something else than 0 or 1 is not modelled');
  logLimit(section);
  return { name, devices, ...policies(section) };
}

function readSet(section: Section, dialect: 'fw4' | 'fw3'): NamedSet {
  known(section, ['name', 'family', 'match', 'entry', ...(dialect === 'fw3' ? ['storage'] : [])]);
  const name = single(section, 'name') ?? '';
  if (!/^[a-zA-Z_.][a-zA-Z0-9/_.-]{0,30}$/u.test(name)) throw new Refusal(section.line, `the set name ${name} is not modelled`);
  const family = familyOf(section) ?? 4;
  const matches = many(section, 'match');
  const match = /^(?:(?<end>src|dst|dest)_)?net$/u.exec(matches[0] ?? '');
  if (matches.length !== 1 || match === null) throw new Refusal(section.line, 'a set of something else than networks is not modelled');
  if (dialect === 'fw3' && single(section, 'storage') !== 'hash') throw new Refusal(section.line, 'a set without storage hash is not modelled');
  const ranges = many(section, 'entry').map((text) => {
    const range = addressRange(text);
    // A range has no length, which either dialect prints behind it.
    if (range === undefined || range.family !== family || text.includes('-')) throw new Refusal(section.line, `the entry ${text} is not modelled`);
    return range;
  });
  return { name, family, direction: match.groups?.['end'] === 'dst' || match.groups?.['end'] === 'dest' ? 'dst' : 'src', addresses: addressSet(ranges) };
}

function readRule(section: Section, dialect: 'fw4' | 'fw3', zones: readonly Zone[], sets: readonly NamedSet[]): Rule {
  const options = ['enabled', 'name', 'src', 'dest', 'family', 'proto', 'ipset', 'src_ip', 'dest_ip', 'src_port', 'dest_port', 'icmp_type', 'target'];
  known(section, [...options, ...(dialect === 'fw4' ? ['log', 'log_limit', 'counter'] : [])]);
  const end = (name: 'src' | 'dest'): string | undefined => {
    const text = single(section, name);
    if (text === undefined) return undefined;
    if (text === '*') return 'any';
    if (!zones.some((zone) => zone.name === text)) throw new Refusal(section.line, `no zone ${text}`);
    return text;
  };
  const family = familyOf(section);
  const sides = { src: addressesOf(section, 'src_ip'), dest: addressesOf(section, 'dest_ip') };
  const set = readSetMatch(section, sets);
  const asksFamily = many(section, 'src_ip').length + many(section, 'dest_ip').length + many(section, 'icmp_type').length > 0 || set !== undefined;
  // Without it each dialect guesses the family from what is there.
  if (family === undefined && asksFamily) throw new Refusal(section.line, 'addresses, messages or a set without a family are not modelled');
  for (const side of [...sides.src, ...sides.dest, ...(set === undefined ? [] : [set.addresses])])
    if ((family === 4 ? side.v6 : side.v4).length > 0) throw new Refusal(section.line, 'addresses of another family than the rule');
  logLimit(section);
  const verdict = policy(section, 'target');
  return {
    line: section.line,
    src: end('src'),
    dest: end('dest'),
    family,
    protocols: readProtocols(section, dialect, family),
    source: [...sides.src, ...(set?.direction === 'src' ? [set.addresses] : [])],
    destination: [...sides.dest, ...(set?.direction === 'dst' ? [set.addresses] : [])],
    verdict,
  };
}

function isEnabled(section: Section): boolean {
  const setting = section.settings.get('enabled');
  return setting === undefined || boolean(setting);
}

// -- values -----------------------------------------------------------------------------------------------------------

function known(section: Section, names: readonly string[]): void {
  for (const [name, { line }] of section.settings) if (!names.includes(name)) throw new Refusal(line, `option ${name} of a ${section.type} is not modelled`);
}

function single(section: Section, name: string): string | undefined {
  const setting = section.settings.get(name);
  if (setting?.list === true) throw new Refusal(setting.line, `option ${name} must not be a list`);
  return setting?.values[0];
}

/** A list, or one option with its members apart by blanks. */
function many(section: Section, name: string): string[] {
  const setting = section.settings.get(name);
  if (setting === undefined) return [];
  // fw4 splits options alone, fw3 too: a blank inside a list's member would be part of it.
  const found = setting.list ? [...setting.values] : (setting.values[0] ?? '').split(/[ \t]+/u).filter((word) => word !== '');
  const strange = found.find((word) => !/^[^\s!]+$/u.test(word));
  if (strange !== undefined) throw new Refusal(setting.line, `the value ${strange} of ${name} is not modelled`);
  if (found.length === 0) throw new Refusal(setting.line, `${name} is empty`);
  return found;
}

function boolean({ values, line }: Setting): boolean {
  const [text = ''] = values;
  if (text === '1' || text === 'yes' || text === 'true') return true;
  if (text === '0' || text === 'no' || text === 'false' || text === 'off') return false;
  throw new Refusal(line, `${text} is no answer of yes or no in both dialects`);
}

function policies(section: Section): Pick<Zone, 'input' | 'output' | 'forward'> {
  return { input: policy(section, 'input'), output: policy(section, 'output'), forward: policy(section, 'forward') };
}

/** A reject answers, which no rule of ours does. */
function policy(section: Section, name: string): Verdict {
  const text = single(section, name)?.toLowerCase();
  if (text === 'accept' || text === 'drop') return text;
  throw new Refusal(section.settings.get(name)?.line ?? section.line, `${name} ${text ?? 'is missing, and'} is not modelled`);
}

/** A limit of logs binds no packet. */
function logLimit(section: Section): void {
  const text = single(section, 'log_limit');
  if (text !== undefined && !/^\d+\/(?:second|minute|hour|day)$/u.test(text)) throw new Refusal(section.line, `the limit ${text} is not modelled`);
}

function familyOf(section: Section): Family | undefined {
  const text = single(section, 'family');
  if (text === undefined || text === 'any') return undefined;
  if (text === 'ipv4') return 4;
  if (text === 'ipv6') return 6;
  throw new Refusal(section.line, `the family ${text} is not modelled`);
}

function addressRange(text: string): AddressRange | undefined {
  const [first = '', last, ...more] = text.split('-');
  if (last !== undefined) {
    const [a, b] = [parseAddress(first), parseAddress(last)];
    if (a === undefined || b === undefined || more.length > 0 || a.family !== b.family || a.value > b.value) return undefined;
    return { family: a.family, first: a.value, last: b.value } as AddressRange;
  }
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    return prefix === undefined || prefix.hostBits ? undefined : prefix.network;
  }
  const address = parseAddress(text);
  return address === undefined ? undefined : ({ family: address.family, first: address.value, last: address.value } as AddressRange);
}

/** None if the option is absent; else one set, the union of its members. */
function addressesOf(section: Section, name: string): AddressSet[] {
  const found = many(section, name).map((text) => {
    const range = addressRange(text);
    if (range === undefined) throw new Refusal(section.settings.get(name)?.line, `${text} is not an address, network or range`);
    return range;
  });
  return found.length === 0 ? [] : [addressSet(found)];
}

function readSetMatch(section: Section, sets: readonly NamedSet[]): NamedSet | undefined {
  const text = single(section, 'ipset');
  if (text === undefined) return undefined;
  const [name, end, ...more] = text.split(/[ \t]+/u);
  const set = sets.find((one) => one.name === name);
  if (set === undefined) throw new Refusal(section.line, `no set ${name ?? ''}`);
  if (more.length > 0 || (end !== undefined && !['src', 'dst', 'dest'].includes(end))) throw new Refusal(section.line, `the match ${text} is not modelled`);
  return { ...set, direction: end === undefined ? set.direction : end === 'src' ? 'src' : 'dst' };
}

const icmpTypes: Readonly<Record<Family, Readonly<Record<string, number>>>> = {
  4: {
    'echo-reply': 0,
    'destination-unreachable': 3,
    redirect: 5,
    'echo-request': 8,
    'router-advertisement': 9,
    'router-solicitation': 10,
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

function readProtocols(section: Section, dialect: 'fw4' | 'fw3', family: Family | undefined): ProtocolMatch[] {
  const names = section.settings.has('proto') ? many(section, 'proto') : ['tcp', 'udp'];
  const sourcePorts = portsOf(section, 'src_port');
  const destinationPorts = portsOf(section, 'dest_port');
  const messages = section.settings.has('icmp_type') ? messagesOf(section, dialect, family) : undefined;
  return names.map((name) => {
    const protocol = protocolOf(section, name, dialect, family);
    const ported = protocol === 6 || protocol === 17;
    const icmp = protocol === (family === 4 ? 1 : 58) && family !== undefined;
    // Both dialects leave out what does not fit a protocol, and the rule then matches all of it.
    if (!ported && (sourcePorts ?? destinationPorts) !== undefined) throw new Refusal(section.line, `ports of ${name} are ignored by ${dialect}`);
    if (!icmp && messages !== undefined) throw new Refusal(section.line, `messages of ${name} are ignored by ${dialect}`);
    return { protocol, sourcePorts, values: icmp ? messages : destinationPorts };
  });
}

function protocolOf(section: Section, name: string, dialect: 'fw4' | 'fw3', family: Family | undefined): number | undefined {
  const words: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 };
  const hexadecimal = dialect === 'fw4' ? /^0x([0-9a-f]{1,2})$/u.exec(name)?.[1] : undefined;
  if (name === 'all') return undefined;
  const number = hexadecimal === undefined ? (words[name] ?? (/^(?:0|[1-9]\d{0,2})$/u.test(name) ? Number(name) : 256)) : Number.parseInt(hexadecimal, 16);
  if (number > 255) throw new Refusal(section.line, `the protocol ${name} is not modelled`);
  // The kernel's rule of iptables has 0 where no protocol is asked for.
  if (dialect === 'fw3' && number === 0) throw new Refusal(section.line, 'the protocol 0 is any protocol to fw3');
  // fw4 takes both words and numbers for the ICMP of the rule's family, and fw3 skips the other one's.
  if (hexadecimal === undefined && ((number === 1 && family !== 4) || (number === 58 && family !== 6)))
    throw new Refusal(section.line, `the protocol ${name} in a rule that is not of its family is not modelled`);
  return number;
}

function portsOf(section: Section, name: string): Ranges<number> | undefined {
  if (!section.settings.has(name)) return undefined;
  return canonical(
    many(section, name).map((text) => {
      const [first, last] = /^(\d{1,5})(?:[-:](\d{1,5}))?$/u.exec(text)?.slice(1) ?? [];
      const range = { first: Number(first), last: Number(last ?? first) };
      if (!(range.first <= range.last && range.last <= 65535)) throw new Refusal(section.line, `${text} is not a port or range of ports`);
      return range;
    }),
  );
}

function messagesOf(section: Section, dialect: 'fw4' | 'fw3', family: Family | undefined): Ranges<number> {
  return canonical(
    many(section, 'icmp_type').map((text): Range<number> => {
      const named = family === undefined ? undefined : icmpTypes[family][text];
      const [type, code] = /^(\d{1,3})(?:\/(\d{1,3}))?$/u.exec(text)?.slice(1) ?? [];
      const number = named ?? Number(type);
      if (!(number <= 255) || Number(code ?? 0) > 255) throw new Refusal(section.line, `the message ${text} is not modelled`);
      if (code !== undefined) return { first: number * 256 + Number(code), last: number * 256 + Number(code) };
      // fw3 takes a bare number for code 255 of ICMPv6, and iptables type 255 of ICMP for any.
      if (dialect === 'fw3' && named === undefined && (family === 6 || number === 255)) throw new Refusal(section.line, `${text} is not that message to fw3`);
      return { first: number * 256, last: number * 256 + 255 };
    }),
  );
}
