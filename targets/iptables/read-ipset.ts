/**
 * The text of ipset save, and for ipset restore, to sets of elements.
 *
 * Takes one text, gives each set as it stands at the end, loaded where nothing was before. The one idea: every element is read by the
 * dimensions of its set's type; what the tool or the kernel would not load is refused, and a set whose members nobody can know (they
 * expire, or were there before) is kept by name with the reason.
 */
import { type Family, prefixesOf4 } from '../../src/net/address.ts';
import { messageNumber, protocolNumber } from './read-names.ts';
import { shown } from './read-restore.ts';
import { type AddressPart, type Dimension, type Element, type InterfacePart, type IpSet, type Part, type PortPart, Refusal } from './read-tree.ts';
import { readPrefix, readRange, widthOf } from './read-values.ts';

const dimensionsOf: ReadonlyMap<string, readonly Dimension[]> = new Map<string, readonly Dimension[]>([
  ['bitmap:ip', ['ip']],
  ['bitmap:port', ['port']],
  ['hash:ip', ['ip']],
  ['hash:net', ['net']],
  ['hash:ip,port', ['ip', 'port']],
  ['hash:net,port', ['net', 'port']],
  ['hash:ip,port,ip', ['ip', 'port', 'ip']],
  ['hash:ip,port,net', ['ip', 'port', 'net']],
  ['hash:net,port,net', ['net', 'port', 'net']],
  ['hash:net,net', ['net', 'net']],
  ['hash:net,iface', ['net', 'iface']],
  ['list:set', []],
]);

/** Options of `create` by how many words they take, where they do not change which packets match. */
const harmless: ReadonlyMap<string, number> = new Map([
  ['comment', 0],
  ['counters', 0],
  ['hashsize', 1],
  ['bucketsize', 1],
  ['initval', 1],
  ['size', 1],
]);

const longestName = 31;
const defaultMaximum = 65_536;
const addressMemory = 65_536;

interface OpenSet extends IpSet {
  readonly maximum: number;
  readonly range: readonly [number, number] | undefined;
  readonly options: ReadonlySet<string>;
  elements: Element[];
  members: string[];
  unknown: IpSet['unknown'];
  /** May hold what it held before. */
  stale: boolean;
  count: number;
  readonly known: Set<string>;
}

export function parseIpsets(text: string): ReadonlyMap<string, IpSet> {
  return new IpsetParser().parse(text);
}

class IpsetParser {
  readonly #sets = new Map<string, OpenSet>();
  readonly #addresses = new Map<string, AddressPart>();
  readonly #ports = new Map<string, PortPart>();
  #line = 0;

  parse(text: string): ReadonlyMap<string, IpSet> {
    for (const [index, content] of text.split('\n').entries()) {
      this.#line = index + 1;
      if (content === '' || content.startsWith('#')) continue;
      this.#command(content);
    }
    // Only a flush says what stands in a set that may have been there before.
    for (const set of this.#sets.values()) if (set.stale) set.unknown ??= { line: set.line, what: `the set ${set.name} keeps what it held before` };
    return this.#sets;
  }

  #command(content: string): void {
    const { words, comment } = this.#words(content);
    const [verb, name = '', ...rest] = words;
    const existing = rest.includes('-exist') || rest.includes('-!');
    const options = existing ? rest.filter((word) => word !== '-exist' && word !== '-!') : rest;
    if (verb === 'create') {
      this.#create(name, options, existing);
    } else if (verb === 'add') {
      this.#add(this.#set(name), options, existing, comment !== undefined);
    } else if (verb === 'flush' && rest.length === 0 && name !== '') {
      const set = this.#set(name);
      set.elements = [];
      set.members = [];
      set.known.clear();
      set.count = 0;
      set.stale = false;
    } else {
      this.#refuse(`${shown(content)} is not modelled: only create, add and flush are`);
    }
  }

  /** Words parted by blanks; a quoted text stands behind `comment` alone. */
  #words(content: string): { words: readonly string[]; comment: string | undefined } {
    const quote = content.indexOf('"');
    if (quote < 0) return { words: content.split(' ').filter((word) => word !== ''), comment: undefined };
    const end = content.indexOf('"', quote + 1);
    const words = content
      .slice(0, quote)
      .split(' ')
      .filter((word) => word !== '');
    if (end < 0 || words.pop() !== 'comment') this.#refuse(`${shown(content)} cannot be read`);
    return {
      words: [
        ...words,
        ...content
          .slice(end + 1)
          .split(' ')
          .filter((word) => word !== ''),
      ],
      comment: content.slice(quote + 1, end),
    };
  }

  #set(name: string): OpenSet {
    return this.#sets.get(name) ?? this.#refuse(`the set ${shown(name)} does not exist`);
  }

  #create(name: string, words: readonly string[], existing: boolean): void {
    const [type = '', ...options] = words;
    if (name === '' || name.length > longestName || name.startsWith('-')) this.#refuse(`${shown(name)} is no name of a set`);
    if (this.#sets.has(name)) this.#refuse(`the set ${name} is created twice`);
    const dimensions = dimensionsOf.get(type);
    const line = this.#line;
    let unknown: IpSet['unknown'] = dimensions === undefined ? { line, what: `the set ${name} is of type ${type}, which is not modelled` } : undefined;
    let family: Family | undefined = dimensions?.includes('ip') === true || dimensions?.includes('net') === true ? 4 : undefined;
    let maximum = type.startsWith('hash:') ? defaultMaximum : Infinity;
    let range: readonly [number, number] | undefined;
    const found = new Set<string>();
    for (let at = 0; at < options.length; at++) {
      const option = options[at] ?? '';
      found.add(option);
      if (option === 'family' && (options[at + 1] === 'inet' || options[at + 1] === 'inet6')) {
        family = options[++at] === 'inet' ? 4 : 6;
      } else if (option === 'maxelem' && /^\d+$/u.test(options[at + 1] ?? '')) {
        maximum = Number(options[++at]);
      } else if (option === 'range' && type.startsWith('bitmap:')) {
        range = this.#bitmap(type, options[++at] ?? '');
      } else if (harmless.has(option)) {
        at += harmless.get(option) ?? 0;
      } else {
        unknown ??= { line, what: `the set ${name} has the option ${option}, which is not modelled` };
      }
    }
    const start = { elements: [], members: [], count: 0, known: new Set<string>(), stale: existing };
    this.#sets.set(name, { name, line, type, family, dimensions: dimensions ?? [], unknown, maximum, range, options: found, ...start });
  }

  /** `0-1023`, `10.0.0.0-10.0.0.255` or `10.0.0.0/24` */
  #bitmap(type: string, text: string): readonly [number, number] {
    if (type === 'bitmap:port') {
      const [first, last = first] = text.split('-').map((port) => this.#portNumber(port));
      return [first ?? 0, last ?? 0];
    }
    const range = readRange(text, 4) ?? readPrefix(text, 4)?.range;
    if (range?.family !== 4) this.#refuse(`${shown(text)} is no range of addresses`);
    return [range.first, range.last];
  }

  #add(set: OpenSet, words: readonly string[], existing: boolean, commented: boolean): void {
    const [text = '', ...options] = words;
    let nomatch = false;
    let wildcard = false;
    for (let at = 0; at < options.length; at++) {
      const option = options[at] ?? '';
      if (option === 'nomatch') nomatch = true;
      else if (option === 'wildcard') wildcard = true;
      else if ((option === 'packets' || option === 'bytes') && set.options.has('counters')) at++;
      // What else stands there belongs to options of the set that made it unknown.
      else if (set.unknown === undefined) this.#refuse(`the option ${shown(option)} is not modelled`);
    }
    if (set.unknown !== undefined) return;
    if (commented && !set.options.has('comment')) this.#refuse(`the set ${set.name} takes no comments`);
    if (nomatch && !set.dimensions.includes('net')) this.#refuse(`a set of type ${set.type} takes no nomatch`);
    if (set.known.has(text)) {
      if (existing && !nomatch) return;
      this.#refuse(`${text} is in the set ${set.name} already`);
    }
    set.known.add(text);
    if (set.type === 'list:set') {
      if (!this.#sets.has(text)) this.#refuse(`the set ${shown(text)} does not exist`);
      set.members.push(text);
      return;
    }
    const pieces = text.split(',');
    if (pieces.length !== set.dimensions.length) this.#refuse(`${shown(text)} has not the parts of a set of type ${set.type}`);
    const parts = set.dimensions.map((dimension, index) => this.#part(set, dimension, pieces[index] ?? '', wildcard));
    this.#fits(set, parts);
    set.elements.push({ parts, nomatch });
  }

  #part(set: OpenSet, dimension: Dimension, text: string, wildcard: boolean): Part {
    switch (dimension) {
      case 'ip':
      case 'net':
        return this.#address(set, dimension, text);
      case 'port':
        return set.type === 'bitmap:port' ? { kind: 'port', protocol: 0, ...this.#span(text) } : this.#port(text, set.family ?? 4);
      case 'iface':
        return this.#interface(text, wildcard);
    }
  }

  #address(set: OpenSet, dimension: 'ip' | 'net', text: string): AddressPart {
    const family = set.family ?? 4;
    const key = `${family} ${text}`;
    const known = this.#addresses.get(key);
    const part = known ?? this.#readAddress(text, family);
    if (known === undefined && this.#addresses.size < addressMemory) this.#addresses.set(key, part);
    if (dimension === 'net' && part.length === 0 && set.type !== 'hash:net,iface') this.#refuse(`a set of type ${set.type} takes no prefix of length 0`);
    if (dimension === 'ip' && family === 6 && part.first !== part.last) this.#refuse(`a set of type ${set.type} takes single IPv6 addresses alone`);
    if (set.type === 'hash:ip' && Number(part.first) === 0) this.#refuse(`a set of type ${set.type} does not take the address of zeros`);
    return part;
  }

  #readAddress(text: string, family: Family): AddressPart {
    const prefix = readPrefix(text, family);
    const range = prefix?.range ?? readRange(text, family);
    if (range === undefined) this.#refuse(`${shown(text)} is no IPv${family} address, network or range`);
    // A range is stored as many networks, so that no nomatch is asked of its length.
    return { kind: 'address', ...range, length: prefix?.length ?? (range.first === range.last ? widthOf(family) : -1) };
  }

  /** `tcp:502`, `udp:1000-2000`, `icmp:8/0`, `gre:0`; without a protocol it is TCP's. */
  #port(text: string, family: Family): PortPart {
    const key = `${family} ${text}`;
    const known = this.#ports.get(key);
    if (known !== undefined) return known;
    const colon = text.indexOf(':');
    const protocol = colon < 0 ? 6 : protocolNumber(text.slice(0, colon));
    const value = text.slice(colon + 1);
    if (protocol === undefined || protocol === 0) this.#refuse(`${shown(text)} names no protocol`);
    const part = { kind: 'port' as const, protocol, ...this.#portRange(protocol, value, family, text) };
    this.#ports.set(key, part);
    return part;
  }

  #portRange(protocol: number, value: string, family: Family, text: string): { first: number; last: number } {
    if (protocol === 1 || protocol === 58) {
      if ((protocol === 1) !== (family === 4)) this.#refuse(`${shown(text)} is no message of IPv${family}`);
      const message = messageNumber(protocol, value);
      if (message === undefined) this.#refuse(`${shown(text)} is no message that this reader knows`);
      return { first: message, last: message };
    }
    if (![6, 17, 132, 136].includes(protocol)) {
      if (value !== '0') this.#refuse(`${shown(text)}: the protocol has no ports, only 0`);
      return { first: 0, last: 0 };
    }
    return this.#span(value);
  }

  #span(text: string): { first: number; last: number } {
    const [first = 0, last = first, ...more] = text.split('-').map((port) => this.#portNumber(port));
    if (more.length > 0 || first > last) this.#refuse(`${shown(text)} is no port or range of ports`);
    return { first, last };
  }

  #portNumber(text: string): number {
    if (!/^\d{1,5}$/u.test(text) || Number(text) > 0xffff) this.#refuse(`${shown(text)} is no port`);
    return Number(text);
  }

  #interface(text: string, wildcard: boolean): InterfacePart {
    const bridged = text.startsWith('physdev:');
    const name = bridged ? text.slice('physdev:'.length) : text;
    if (name === '' || name.length > 15) this.#refuse(`${shown(text)} is no interface`);
    return { kind: 'interface', name, wildcard, bridged };
  }

  /** Counts what the kernel stores, and refuses what it has no room for. */
  #fits(set: OpenSet, parts: readonly Part[]): void {
    let stored = 1;
    for (const [index, part] of parts.entries()) {
      if (part.kind === 'interface' || part.first === part.last) continue;
      if (part.kind === 'address' && set.dimensions[index] === 'net') {
        if (part.length < 0 && part.family === 4) stored *= prefixesOf4(part).length;
      } else {
        stored *= Number(part.last) - Number(part.first) + 1;
      }
    }
    set.count += stored;
    if (set.count > set.maximum) this.#refuse(`the set ${set.name} holds more than its ${set.maximum} elements`);
    const [first, last] = set.range ?? [0, Infinity];
    if (!set.type.startsWith('bitmap:')) return;
    for (const part of parts)
      if (part.kind !== 'interface' && (part.first < first || part.last > last)) this.#refuse(`the set ${set.name} has a narrower range`);
  }

  #refuse(what: string): never {
    throw new Refusal(this.#line, what);
  }
}
