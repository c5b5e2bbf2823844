/**
 * Matches to packet sets, from below and from above.
 *
 * Takes what a rule says of the header, or one match with its options; gives the packets that surely match and those that may. Where both are
 * the same the match is modelled exactly. The one idea: what is not modelled is not an error but a wide gap between the two, so that the
 * executor can say which packets depend on it. Everything here was tried on iptables 1.8.9, both back ends, and Linux 6.18.
 */
import type { Family } from '../../src/net/address.ts';
import type { AddressSet } from '../../src/net/address-set.ts';
import { canonical, type Range } from '../../src/net/ranges.ts';
import { type ConnectionState, connectionStates } from '../../src/packets/packet.ts';
import { empty, fields, full, type Node, otherInterface, type PacketSpace } from '../../src/packets/packet-space.ts';
import { behindHeaders, type Bounds, type Doubted, type Flag, type Lookups } from './read-lookups.ts';
import { type Said, saidBy } from './read-messages.ts';
import { protocolNumber } from './read-names.ts';
import { shown } from './read-restore.ts';
import type { Option, ParsedRule, Section } from './read-rule.ts';
import { Refusal } from './read-tree.ts';
import { readNetwork, readNumber, readPorts, readRange } from './read-values.ts';

/** The mark of the policy in force, `(mark & mask) == value`. */
export interface CurrentMark {
  readonly mask: number;
  readonly value: number;
}

/** What a match says of packets as they came, and of those that were given the current mark on their way. */
export interface Matching {
  readonly plain: Bounds;
  readonly remarked: Bounds;
  readonly reason: string | undefined;
}

const everything: Bounds = { sure: full, may: full };
const unknown: Bounds = { sure: empty, may: full };

export class Matches {
  readonly #space: PacketSpace;
  readonly #mark: CurrentMark;
  readonly #family: Family;
  readonly #lookups: Lookups;
  /** Whether conntrack is at work, so that no rule sees a fragment. */
  readonly #defragments: boolean;
  /** Packets that belong to a conversation. */
  readonly tracked: Node;

  constructor(space: PacketSpace, mark: CurrentMark, family: Family, lookups: Lookups, defragments: boolean) {
    this.#space = space;
    this.#mark = mark;
    this.#family = family;
    this.#lookups = lookups;
    this.#defragments = defragments;
    this.tracked = space.among(fields.state, statesOf(['new', 'established', 'related']));
  }

  header(rule: ParsedRule): Matching {
    const parts: Matching[] = [];
    for (const option of rule.header.values()) {
      const [value = ''] = option.values;
      switch (option.name) {
        case 'source':
        case 'destination':
          parts.push(this.#address(option.name, readNetwork(value, this.#family), option, rule.line));
          break;
        case 'in-interface':
        case 'out-interface':
          parts.push(this.#interface(option));
          break;
        case 'protocol':
          parts.push(this.#protocol(option, rule.line));
          break;
        case 'fragment':
          parts.push(this.#fragment(option, rule.line));
          break;
        case 'set-counters':
          break;
        default:
          throw new Refusal(rule.line, `the option ${option.name} is not modelled`);
      }
    }
    return this.all(parts);
  }

  /** Not for rates, which the compiler of rules takes for itself. */
  match(section: Section, rule: ParsedRule): Matching {
    const { line } = rule;
    if (section.options === undefined) return both(unknown, `the match ${section.module} is not modelled`);
    const parts = section.options;
    const first = (name: string): Option | undefined => parts.find((option) => option.name === name);
    switch (section.module) {
      case 'comment':
        return exactly(full);
      case 'tcp':
      case 'udp':
      case 'sctp':
        return this.#ports(section.module, parts, rule);
      case 'multiport':
        return this.#multiport(parts, rule);
      case 'icmp':
      case 'icmp6':
        return this.#icmp(section.module, parts, rule);
      case 'iprange':
        return this.all(
          parts.map((option) => {
            const range = readRange(option.values[0] ?? '', this.#family);
            const set = range === undefined ? undefined : { v4: range.family === 4 ? [range] : [], v6: range.family === 6 ? [range] : [] };
            return this.#address(option.name === 'src-range' ? 'source' : 'destination', set, option, line);
          }),
        );
      case 'set':
        return this.#set(parts, line);
      case 'state':
        return this.#states(first('state'), line);
      case 'conntrack':
        return this.#conntrack(parts, line);
      case 'connmark':
        return this.#connmark(first('mark'), line);
      case 'addrtype':
        return this.#addrtype(parts);
      case 'ttl':
      case 'hl':
        return this.all(parts.map((option) => this.#hopLimit(option, line)));
      case 'bpf':
        return exactly(this.#space.messagesOf(this.said(section, rule).messages));
      case 'ah':
        // Both back ends find the header wherever it stands; a packet with one is of the protocol 51 here.
        if (this.#family === 6 && parts.length === 0) return exactly(this.#space.among(fields.protocol, [51]));
        return both(unknown, 'the match ah with options is not modelled');
      default:
        return both(unknown, `the match ${section.module} is not modelled`);
    }
  }

  /** What a program looks for in messages. */
  said(section: Section, rule: ParsedRule): Said {
    const [option, ...more] = section.options ?? [];
    const transport = this.#needs('bpf', [6, 17], rule);
    if (option === undefined || option.negated || more.length > 0) throw new Refusal(rule.line, 'a match bpf takes one program');
    if (!this.#defragments) throw new Refusal(rule.line, 'fragments come to a program, since nothing uses conntrack');
    return saidBy(option.values[0] ?? '', { family: this.#family, transport: transport === 6 ? 6 : 17 }, rule.line);
  }

  /** Packets that match all of them. */
  all(parts: readonly Matching[]): Matching {
    const { diagram } = this.#space;
    const intersect = (sets: readonly Node[]): Node => sets.reduce((a, b) => diagram.intersect(a, b), full);
    const bounds = (of: readonly Bounds[]): Bounds => ({ sure: intersect(of.map(({ sure }) => sure)), may: intersect(of.map(({ may }) => may)) });
    if (parts.every((part) => part.plain === part.remarked)) return both(bounds(parts.map(({ plain }) => plain)), reasonOf(parts));
    return { plain: bounds(parts.map(({ plain }) => plain)), remarked: bounds(parts.map(({ remarked }) => remarked)), reason: reasonOf(parts) };
  }

  #address(field: 'source' | 'destination', set: AddressSet | undefined, option: Option, line: number): Matching {
    if (set === undefined) throw new Refusal(line, `${shown(option.values[0] ?? '')} is no IPv${this.#family} address`);
    if (this.#space.line?.isCutAt(set) === false) throw new Refusal(line, `${option.values[0] ?? ''} has borders that the space was not cut at`);
    return this.#negatable(option, this.#space.addresses(field, this.#family, this.#family === 4 ? set.v4 : set.v6));
  }

  /** A name, or the beginning of one before `+`; a packet without such an interface has the empty name. */
  #interface(option: Option): Matching {
    const [name = ''] = option.values;
    const wildcard = name.endsWith('+');
    const start = wildcard ? name.slice(0, -1) : name;
    if (start === '') return this.#negatable(option, full);
    const field = option.name === 'in-interface' ? fields.inInterface : fields.outInterface;
    const names = this.#space.interfaces.filter((candidate) => (wildcard ? candidate.startsWith(start) : candidate === name));
    const set = this.#space.among(
      field,
      names.map((candidate) => this.#space.interfaceNumber(candidate)),
    );
    if (!wildcard && names.length > 0) return this.#negatable(option, set);
    // One number stands for all names that the gateway does not declare.
    const may = this.#space.diagram.union(set, this.#space.among(field, [otherInterface]));
    return this.#negated(option, { sure: set, may }, `${name} may be an interface that is none of this gateway's`);
  }

  #protocol(option: Option, line: number): Matching {
    const [text = ''] = option.values;
    const number = protocolNumber(text);
    if (number === undefined) throw new Refusal(line, `${shown(text)} is no protocol that this reader knows`);
    if (number === 0) return this.#negatable(option, full);
    const set = this.#space.among(fields.protocol, [number]);
    if (this.#family === 6 && behindHeaders.has(number))
      return this.#negated(option, { sure: empty, may: set }, `-p ${text} names a header behind which one back end looks`);
    return this.#negatable(option, set);
  }

  #fragment(option: Option, line: number): Matching {
    if (this.#family === 6) throw new Refusal(line, '-f is none of ip6tables');
    if (this.#defragments) return this.#negatable(option, empty);
    return both(unknown, '-f is not modelled where nothing uses conntrack');
  }

  /** The protocol that a match needs: the tools take it with no other. */
  #needs(section: string, numbers: readonly number[], rule: ParsedRule): number {
    const option = rule.header.get('protocol');
    const number = option === undefined || option.negated ? undefined : protocolNumber(option.values[0] ?? '');
    if (number === undefined || !numbers.includes(number)) throw new Refusal(rule.line, `the match ${section} stands without its protocol`);
    return number;
  }

  #ports(section: 'tcp' | 'udp' | 'sctp', options: readonly Option[], rule: ParsedRule): Matching {
    this.#needs(section, [{ tcp: 6, udp: 17, sctp: 132 }[section]], rule);
    return this.all(
      options.map((option) => {
        const source = option.name === 'sport' || option.name === 'source-port';
        if (section === 'sctp' || (!source && option.name !== 'dport' && option.name !== 'destination-port'))
          return both(unknown, `--${option.name} of ${section} is not modelled`);
        const range = readPorts(option.values[0] ?? '');
        if (range === undefined) throw new Refusal(rule.line, `${shown(option.values[0] ?? '')} is no port or range of ports`);
        return this.#negatable(option, this.#space.within(source ? fields.sourcePort : fields.value, [range]));
      }),
    );
  }

  #multiport(options: readonly Option[], rule: ParsedRule): Matching {
    const protocol = this.#needs('multiport', [6, 17, 33, 132, 136], rule);
    const [option, ...more] = options;
    if (option === undefined || more.length > 0) throw new Refusal(rule.line, 'multiport takes one list of ports');
    const ranges: Range<number>[] = [];
    let slots = 0;
    for (const text of (option.values[0] ?? '').split(',')) {
      const range = readPorts(text);
      if (range === undefined) throw new Refusal(rule.line, `${shown(text)} is no port or range of ports`);
      slots += text.includes(':') ? 2 : 1;
      ranges.push(range);
    }
    if (slots > 15) throw new Refusal(rule.line, 'multiport takes at most 15 ports, a range counts two');
    if (protocol !== 6 && protocol !== 17) return both(unknown, `multiport of the protocol ${protocol} is not modelled`);
    const sorted = canonical(ranges);
    const sources = this.#space.within(fields.sourcePort, sorted);
    const destinations = this.#space.within(fields.value, sorted);
    const set = option.name === 'ports' ? this.#space.diagram.union(sources, destinations) : option.name.startsWith('s') ? sources : destinations;
    return this.#negatable(option, set);
  }

  /** `8`, `3/1`, and for IPv4 `any` or 255, which means every message. */
  #icmp(section: 'icmp' | 'icmp6', options: readonly Option[], rule: ParsedRule): Matching {
    if ((section === 'icmp') !== (this.#family === 4)) throw new Refusal(rule.line, `${section} is no match of IPv${this.#family}`);
    this.#needs(section, [this.#family === 4 ? 1 : 58], rule);
    const [option] = options;
    if (option === undefined) return exactly(full);
    const [text = ''] = option.values;
    if (this.#family === 4 && (text === 'any' || text === '255')) return this.#negatable(option, full);
    const match = /^(\d{1,3})(?:\/(\d{1,3}))?$/u.exec(text);
    const type = Number(match?.[1] ?? 256);
    const code = match?.[2] === undefined ? undefined : Number(match[2]);
    if (type > 255 || (type === 255 && this.#family === 4) || (code ?? 0) > 255)
      throw new Refusal(rule.line, `${shown(text)} is no type that this reader knows`);
    const range = code === undefined ? { first: type * 256, last: type * 256 + 255 } : { first: type * 256 + code, last: type * 256 + code };
    return this.#negatable(option, this.#space.within(fields.value, [range]));
  }

  #set(options: readonly Option[], line: number): Matching {
    const asked = options.find((option) => option.name === 'match-set');
    const [name = '', flagText = ''] = asked?.values ?? [];
    const flags = flagText.split(',');
    if (asked === undefined || !flags.every((flag): flag is Flag => flag === 'src' || flag === 'dst') || flags.length > 6)
      throw new Refusal(line, `${shown(flagText)} are no flags of a set`);
    for (const option of options) {
      if (option === asked || option.name === 'update-counters' || option.name === 'update-subcounters') continue;
      return both(unknown, `--${option.name} of a set is not modelled`);
    }
    const found: Doubted = this.#lookups.find(name, flags, this.#family, line);
    return this.#negated(asked, found, found.reason);
  }

  #states(option: Option | undefined, line: number): Matching {
    const names = (option?.values[0] ?? '').toLowerCase().split(',');
    if (option === undefined || names.some((name) => name === '')) throw new Refusal(line, 'a match of states names none');
    const known = names.filter((name): name is ConnectionState => connectionStates.some((state) => state === name));
    const set = this.#space.among(fields.state, statesOf(known));
    if (known.length === names.length) return this.#negatable(option, set);
    const other = names.find((name) => !known.some((state) => state === name)) ?? '';
    if (other !== 'snat' && other !== 'dnat') throw new Refusal(line, `${shown(other)} is no state`);
    return this.#negated(option, { sure: set, may: this.#space.diagram.union(set, this.tracked) }, 'whether an address was translated is no field here');
  }

  /** Without a conversation the state alone decides, and where none is asked nothing matches. */
  #conntrack(options: readonly Option[], line: number): Matching {
    const { diagram } = this.#space;
    const state = options.find((option) => option.name === 'ctstate');
    const states = state === undefined ? exactly(full) : this.#states(state, line);
    const others = options.filter((option) => option !== state);
    const inConversation = this.all(others.map((option) => this.#conversation(option, line)));
    const close = (set: Node): Node => {
      const within = diagram.intersect(this.tracked, set);
      return state === undefined ? within : diagram.union(within, diagram.complement(this.tracked));
    };
    const rest: Bounds = { sure: close(inConversation.plain.sure), may: close(inConversation.plain.may) };
    return this.all([states, both(rest, inConversation.reason)]);
  }

  #conversation(option: Option, line: number): Matching {
    if (option.name !== 'ctdir') return both(unknown, `--${option.name} is not modelled`);
    const [text = ''] = option.values;
    if ((text !== 'ORIGINAL' && text !== 'REPLY') || option.negated) throw new Refusal(line, `${shown(text)} is no direction`);
    return exactly(this.#space.direction(text === 'REPLY' ? 'reply' : 'original'));
  }

  /** Of all marks the space knows one question: is it that of the policy in force? A packet without a conversation has none, negated or not. */
  #connmark(option: Option | undefined, line: number): Matching {
    const [value, mask = 0xffff_ffff, ...more] = (option?.values[0] ?? '').split('/').map(readNumber);
    if (option === undefined || value === undefined || more.length > 0) throw new Refusal(line, `${shown(option?.values[0] ?? '')} is no mark`);
    const { diagram } = this.#space;
    const { mask: currentMask, value: current } = this.#mark;
    const marked = this.#space.markCurrent(true);
    const never = (value & ~mask) !== 0;
    const apart = (value ^ current) & currentMask;
    /** What is known of packets with the current mark: the bits of its mask. */
    const ofCurrent = never || (apart & mask) !== 0 ? empty : (mask & ~currentMask) === 0 ? full : undefined;
    /** And of the others: that those bits are not all the same. */
    const ofOthers = never || ((currentMask & ~mask) | apart) === 0 ? empty : mask === 0 ? full : undefined;
    const together = (yes: Node | undefined, no: Node | undefined, missing: Node): Node =>
      diagram.union(diagram.intersect(marked, yes ?? missing), diagram.subtract(no ?? missing, marked));
    const plain = { sure: together(ofCurrent, ofOthers, empty), may: together(ofCurrent, ofOthers, full) };
    const remarked = { sure: ofCurrent ?? empty, may: ofCurrent ?? full };
    const turn = ({ sure, may }: Bounds): Bounds => {
      const turned = option.negated ? { sure: diagram.complement(may), may: diagram.complement(sure) } : { sure, may };
      return { sure: diagram.intersect(this.tracked, turned.sure), may: diagram.intersect(this.tracked, turned.may) };
    };
    const reason = plain.sure === plain.may ? undefined : `the mark ${option.values[0] ?? ''} is not that of the policy in force`;
    return { plain: turn(plain), remarked: turn(remarked), reason };
  }

  /**
   * Input: whether the destination is an address of the interface it came by. Output: whether the source is one of the gateway's. Without the
   * interface more destinations are local, and nothing here says which.
   */
  #addrtype(options: readonly Option[]): Matching {
    const byInterface = options.some((option) => option.name === 'limit-iface-in');
    const local = this.#space.local(true);
    const parts = options.map((option): Matching => {
      if (option.name === 'limit-iface-in') return exactly(full);
      const reason = `--${option.name} ${option.values[0] ?? ''} is not modelled on every hook`;
      if ((option.name !== 'src-type' && option.name !== 'dst-type') || option.values[0] !== 'LOCAL') return both(unknown, reason);
      const { diagram } = this.#space;
      const hook = this.#space.hook(option.name === 'src-type' ? 'output' : 'input');
      const exact = option.name === 'src-type' ? !byInterface : byInterface;
      const lower = option.name === 'src-type' && byInterface ? empty : diagram.intersect(hook, local);
      const upper = exact ? diagram.union(diagram.complement(hook), local) : full;
      return this.#negated(option, { sure: lower, may: upper }, reason);
    });
    return this.all(parts);
  }

  #hopLimit(option: Option, line: number): Matching {
    const number = readNumber(option.values[0] ?? '');
    if (number === undefined || number > 255) throw new Refusal(line, `${shown(option.values[0] ?? '')} is no hop limit`);
    if ((this.#family === 4) !== option.name.startsWith('ttl')) throw new Refusal(line, `--${option.name} is none of IPv${this.#family}`);
    const range = option.name.endsWith('-lt')
      ? { first: 0, last: number - 1 }
      : option.name.endsWith('-gt')
        ? { first: number + 1, last: 255 }
        : { first: number, last: number };
    return this.#negatable(option, range.first > range.last ? empty : this.#space.within(fields.hopLimit, [range]));
  }

  #negatable(option: Option, set: Node): Matching {
    return exactly(option.negated ? this.#space.diagram.complement(set) : set);
  }

  #negated(option: Option, { sure, may }: Bounds, reason: string | undefined): Matching {
    const { diagram } = this.#space;
    return both(option.negated ? { sure: diagram.complement(may), may: diagram.complement(sure) } : { sure, may }, reason);
  }
}

function statesOf(names: readonly ConnectionState[]): number[] {
  return connectionStates.flatMap((state, number) => (names.includes(state) ? [number] : []));
}

function both(bounds: Bounds, reason: string | undefined): Matching {
  return { plain: bounds, remarked: bounds, reason: bounds.sure === bounds.may ? undefined : reason };
}

function exactly(set: Node): Matching {
  return both(set === full ? everything : { sure: set, may: set }, undefined);
}

function reasonOf(parts: readonly Matching[]): string | undefined {
  return parts.find(({ reason }) => reason !== undefined)?.reason;
}
