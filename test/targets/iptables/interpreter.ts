/**
 * One packet through the rules of its family, as the kernel does it: the specification that the symbolic reader is held against.
 *
 * Takes parsed texts, a packet and a way to answer what nobody can know, gives what becomes of the packet. Deliberately plain: rule by rule,
 * with a stack of places to come back to, and no packet sets. A match is true, false, or undefined where it is not modelled.
 */
import { parseAddress, parsePrefix } from '../../../src/net/address.ts';
import type { Packet } from '../../../src/packets/packet.ts';
import { accepts } from './bpf-machine.ts';
import { carrying } from './example-messages.ts';
import type { Dump, Element, IpSet, Part, Rule, Table } from '../../../targets/iptables/read-tree.ts';

export interface Course {
  readonly passes: boolean;
  /** Its conversation was given the current mark on the way. */
  readonly marked: boolean;
  /** With a reset. */
  readonly answered: boolean;
  /** Nothing is known of it any more. */
  readonly lost: boolean;
  /** It came to a rule of which nobody can say whether it matches. */
  readonly doubted: boolean;
  /** Lines of rates asked, where a verdict or a mark depends on them. */
  readonly asked: ReadonlySet<number>;
}

type Truth = boolean | undefined;

export const mark = { mask: 0xffff_0000, value: 0x0007_0000 };

/** What a gateway knows beside its rules. */
export interface Surrounding {
  /** Of the policy in force: `(mark & mask) == value`. */
  readonly mark: { readonly mask: number; readonly value: number };
  /** Names that a packet may have; one of any other name stands for all that are not declared. */
  readonly interfaces: readonly string[];
}

const usual: Surrounding = { mark, interfaces: ['lo', 'eth0', 'eth1'] };
const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, 'ipv6-icmp': 58, icmpv6: 58, gre: 47 };

/** Every course that the packet can take, whatever rates and matches that are not modelled say. */
export function courses(dump: Dump, sets: ReadonlyMap<string, IpSet>, packet: Packet, around: Surrounding = usual): Course[] {
  const result: Course[] = [];
  const open: boolean[][] = [[]];
  for (let choices = open.pop(); choices !== undefined; choices = open.pop()) {
    let asked = 0;
    const walk = new Walk(sets, packet, around, () => {
      const answer = choices[asked] ?? false;
      if (asked >= choices.length) open.push([...choices, ...Array.from({ length: asked - choices.length }, () => false), true]);
      asked++;
      return answer;
    });
    const passes = ['mangle', 'filter', 'security'].every((name) => {
      const table = dump.tables.get(name);
      return table === undefined || walk.lost || walk.base(table);
    });
    result.push({ passes, marked: walk.marked, answered: walk.answered, lost: walk.lost, doubted: walk.doubted, asked: walk.asked });
    if (result.length > 5000) throw new Error('too many courses');
  }
  return result;
}

class Walk {
  readonly #sets: ReadonlyMap<string, IpSet>;
  readonly #packet: Packet;
  readonly #around: Surrounding;
  readonly #choose: () => boolean;
  readonly asked = new Set<number>();
  marked = false;
  answered = false;
  lost = false;
  doubted = false;

  constructor(sets: ReadonlyMap<string, IpSet>, packet: Packet, around: Surrounding, choose: () => boolean) {
    this.#sets = sets;
    this.#packet = packet;
    this.#around = around;
    this.#choose = choose;
  }

  base(table: Table): boolean {
    const builtin = table.chains.get(this.#packet.hook.toUpperCase());
    const stack: { readonly rules: readonly Rule[]; readonly next: number }[] = [];
    let rules = builtin?.rules ?? [];
    let at = 0;
    for (;;) {
      const rule = rules[at++];
      const [verb, chain = ''] = rule === undefined ? ['RETURN'] : this.#rule(table, rule).split(' ');
      if (this.lost) return false;
      if (verb === 'ACCEPT') return true;
      if (verb === 'DROP') return false;
      if (verb === 'RETURN') {
        const back = stack.pop();
        if (back === undefined) return builtin?.policy !== 'drop';
        ({ rules } = back);
        at = back.next;
      } else if (verb === 'jump' || verb === 'goto') {
        if (verb === 'jump') stack.push({ rules, next: at });
        rules = table.chains.get(chain)?.rules ?? [];
        at = 0;
      }
    }
  }

  /** The verdict of one rule: `ACCEPT`, `jump c1`, or `` to go on. */
  #rule(table: Table, rule: Rule): string {
    const words = rule.words.map(({ text }) => text);
    const leads = words.findIndex((word) => word === '-j' || word === '-g');
    const target = words[leads + 1] ?? '';
    if (leads < 0 || target === 'LOG' || (table.chains.has(target) && leadsNowhere(table, target) && words[leads] === '-j')) return '';
    let truth: Truth = true;
    // What is said of the header comes before every match, wherever it stands.
    for (const part of partsOf(words.slice(0, leads)).sort((one, other) => Number(one.includes('-m')) - Number(other.includes('-m')))) {
      // A doubt in front of a rate leaves open whether it is asked.
      if (part[1] !== 'limit') truth = and(truth, this.#match(part));
      else if (truth !== false) this.asked.add(rule.line);
    }
    if (truth === false) return '';
    const limited = words.includes('limit');
    if (truth === undefined) this.doubted = true;
    if ((truth === undefined || limited) && !this.#choose()) return '';
    if (target === 'CONNMARK') {
      if (!this.#tracked) return '';
      if (isMark(words.at(-1), this.#around)) this.marked = true;
      else this.lost = true;
      return '';
    }
    if (target === 'NFQUEUE') this.lost = true;
    if (target === 'REJECT') this.answered = words.at(-1) === 'tcp-reset';
    if (target === 'REJECT') return 'DROP';
    return table.chains.has(target) ? `${words[leads] === '-g' ? 'goto' : 'jump'} ${target}` : target;
  }

  get #tracked(): boolean {
    return !['invalid', 'untracked'].includes(this.#packet.state);
  }

  #match(words: readonly string[]): Truth {
    const packet = this.#packet;
    if (words[0] === '!') return negated(this.#match(words.slice(1)));
    const [option = '', value = ''] = words;
    switch (option) {
      case '-s':
        return inside(value, packet.source);
      case '-d':
        return inside(value, packet.destination);
      case '-i':
        return named(value, packet.inInterface, this.#around.interfaces);
      case '-o':
        return named(value, packet.outInterface, this.#around.interfaces);
      case '-p':
        return packet.protocol === (numbers[value] ?? Number(value));
      case '-m':
        return this.#module(value, words.slice(2));
      default:
        throw new Error(`no option ${option}`);
    }
  }

  #module(module: string, words: readonly string[]): Truth {
    const packet = this.#packet;
    if (words.length === 0) return true;
    if (words[0] === '!') return negatedWithin(module, this.#module(module, words.slice(1)), this.#tracked);
    const [option = '', value = ''] = words;
    // Each of these stands with one option, but for conntrack.
    switch (option) {
      case '--comment':
        return true;
      case '--tcp-flags':
        // A packet here is no reset.
        return words[2] === 'RST' ? false : undefined;
      case '--dport':
        return within(value, packet.value);
      case '--sport':
        return within(value, packet.sourcePort);
      case '--sports':
        return value.split(',').some((one) => within(one, packet.sourcePort));
      case '--src-range':
        return between(value, packet.source);
      case '--dst-range':
        return between(value, packet.destination);
      case '--dports':
        return value.split(',').some((one) => within(one, packet.value));
      case '--ports':
        return value.split(',').some((one) => within(one, packet.value) || within(one, packet.sourcePort));
      case '--bytecode': {
        const carried = carrying(packet);
        return carried === undefined ? false : accepts(value, carried);
      }
      case '--icmp-type':
      case '--icmpv6-type': {
        const [type, code] = value.split('/').map(Number);
        return value === 'any' || (packet.value >> 8 === type && (code === undefined || (packet.value & 255) === code));
      }
      case '--state':
      case '--ctstate': {
        if (!value.toLowerCase().split(',').includes(packet.state)) return false;
        if (words.length === 2) return true;
        return !this.#tracked || packet.direction === (words[3] === 'REPLY' ? 'reply' : 'original');
      }
      case '--ctdir':
        return this.#tracked && packet.direction === (value === 'REPLY' ? 'reply' : 'original');
      case '--mark':
        if (module === 'mark') return undefined;
        if (!this.#tracked) return false;
        if (/^0x0\/0x0$/u.test(value)) return true;
        return isMark(value, this.#around) ? packet.markCurrent || this.marked : undefined;
      case '--ttl-eq':
      case '--hl-eq':
        return packet.hopLimit === Number(value);
      case '--match-set':
        return this.#inSet(value, (words[2] ?? '').split(','));
      case '--src-type':
        return packet.hook === 'output' ? packet.local : undefined;
      case '--dst-type':
        if (words.includes('--limit-iface-in')) return packet.hook === 'input' ? packet.local : undefined;
        return packet.hook === 'input' && packet.local ? true : undefined;
      default:
        return undefined;
    }
  }

  #inSet(name: string, flags: readonly string[]): Truth {
    const set = this.#sets.get(name);
    if (set === undefined) throw new Error(`no set ${name}`);
    if (set.type === 'list:set') return set.members.map((member) => this.#inSet(member, flags)).reduce(or, false);
    if (flags.length < set.dimensions.length || (set.family !== undefined && set.family !== this.#packet.source.family)) return false;
    // From the longest prefix to the shortest, the first that holds the packet decides; of networks with interfaces the first that holds
    // the address, whatever its interface.
    const length = ({ parts }: Element): number => Math.max(...parts.map((part) => (part.kind === 'address' ? part.length : 0)));
    const holding = ({ parts }: Element, from: number, to = parts.length): boolean =>
      parts.every((part, index) => index < from || index >= to || this.#holds(part, flags[index] ?? ''));
    const near = set.elements.filter((element) => holding(element, 0, set.type === 'hash:net,iface' ? 1 : undefined));
    const longest = Math.max(...near.map(length));
    const first = near.find((element) => length(element) === longest && holding(element, 0));
    return first !== undefined && !first.nomatch;
  }

  #holds(part: Part, flag: string): boolean {
    const packet = this.#packet;
    const source = flag === 'src';
    switch (part.kind) {
      case 'address': {
        const { family, value } = source ? packet.source : packet.destination;
        return part.family === family && part.first <= value && value <= part.last;
      }
      case 'interface':
        return (source ? packet.inInterface : packet.outInterface) === part.name;
      case 'port': {
        if (part.protocol === 0 ? packet.protocol !== 6 && packet.protocol !== 17 : packet.protocol !== part.protocol) return false;
        const icmp = packet.protocol === (packet.source.family === 4 ? 1 : 58);
        if (!icmp && packet.protocol !== 6 && packet.protocol !== 17) return true;
        const port = source && !icmp ? packet.sourcePort : packet.value;
        return part.first <= port && port <= part.last;
      }
    }
  }
}

/** Options of the header, each with its `!`, and matches with all that belongs to them. */
function partsOf(words: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (const [index, word] of words.entries()) {
    const next = word === '!' ? (words[index + 1] ?? '') : word;
    const negated = words[index - 1] === '!';
    if (/^-[a-z]$/u.test(next) && !(negated && word !== '!')) parts.push([word]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}

/** A chain of which no rule can change anything. */
function leadsNowhere(table: Table, name: string): boolean {
  return (table.chains.get(name)?.rules ?? []).every(({ words }) => {
    const target = words[words.findIndex(({ text }) => text === '-j' || text === '-g') + 1]?.text ?? '';
    if (words.some(({ text }) => text === '-g')) return false;
    return target === 'LOG' || !words.some(({ text }) => text === '-j') || (table.chains.has(target) && leadsNowhere(table, target));
  });
}

function and(a: Truth, b: Truth): Truth {
  return a === false || b === false ? false : a === undefined || b === undefined ? undefined : true;
}

function or(a: Truth, b: Truth): Truth {
  return negated(and(negated(a), negated(b)));
}

function negated(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

/** Of a mark that no conversation has, neither is true. */
function negatedWithin(module: string, truth: Truth, tracked: boolean): Truth {
  return module === 'connmark' && !tracked ? false : negated(truth);
}

function inside(text: string, address: Packet['source']): boolean {
  const whole = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
  const network = parsePrefix(whole)?.network;
  if (network === undefined || parseAddress(text.split('/')[0] ?? '') === undefined) throw new Error(`no network ${text}`);
  return network.family === address.family && network.first <= address.value && address.value <= network.last;
}

function between(range: string, address: Packet['source']): boolean {
  const [first, last] = range.split('-').map(parseAddress);
  if (first === undefined || last === undefined) throw new Error(`no range ${range}`);
  return first.family === address.family && first.value <= address.value && address.value <= last.value;
}

/** Whether this is the mark of the policy in force, with all of its bits and no others. */
function isMark(text: string | undefined, { mark: { mask, value } }: Surrounding): boolean {
  const [given, bits = 0xffff_ffff] = (text ?? '').split('/').map(Number);
  return given === value && bits === mask;
}

/** A packet of an interface that is not declared stands for all of those. */
function named(pattern: string, name: string | undefined, declared: readonly string[]): Truth {
  const start = pattern.endsWith('+') ? pattern.slice(0, -1) : undefined;
  if (start === '') return true;
  if (name !== undefined && !declared.includes(name)) return start !== undefined || !declared.includes(pattern) ? undefined : false;
  return start === undefined ? name === pattern : name?.startsWith(start) === true;
}

function within(range: string, value: number): boolean {
  const [first = 0, last = first] = range.split(':').map(Number);
  return first <= value && value <= last;
}
