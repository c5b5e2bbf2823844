/**
 * One rule to the packets that it matches.
 *
 * Takes a rule of one family with the groups, gives two bounds: packets that surely match, and packets that may. They are the same unless
 * the rule asks for something that is not modelled. Every condition that a rule states must hold (they are joined by "and").
 */
import type { Family } from '../../src/net/address.ts';
import type { AddressSet } from '../../src/net/address-set.ts';
import { addressSet } from '../../src/net/address-set.ts';
import { type Range, type Ranges, subtractRanges } from '../../src/net/ranges.ts';
import { connectionStates, type ConnectionState } from '../../src/packets/packet.ts';
import { empty, type Field, fields, full, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import type { FamilyConfig, Rule } from './read-config.ts';
import { child, Refusal, strangers, type TreeNode, valueOf, valuesOf } from './read-tree.ts';
import { readAddress, readNumber, readPorts, readProtocols } from './read-values.ts';

export interface Matching {
  readonly sure: Node;
  readonly may: Node;
  /** Why the two differ. */
  readonly doubt: string | undefined;
}

export interface RuleLimit {
  readonly amount: number;
  readonly unit: 'second' | 'minute' | 'hour' | 'day';
  readonly burst: number;
}

const decided = new Set(['action', 'description', 'disable', 'jump-target', 'log', 'log-options', 'limit']);
const modelled = new Set(['destination', 'source', 'protocol', 'state', 'icmp', 'icmpv6', 'ttl', 'hop-limit', 'inbound-interface', 'outbound-interface']);

/** The burst of an nft limit that names none. */
const usualBurst = 5;

export class Rules {
  readonly #space: PacketSpace;
  readonly #family: Family;
  readonly #config: FamilyConfig;
  readonly #sides = { source: new Map<AddressSet, Node>(), destination: new Map<AddressSet, Node>() };

  constructor(space: PacketSpace, family: Family, config: FamilyConfig) {
    this.#space = space;
    this.#family = family;
    this.#config = config;
  }

  /** Throws `Refusal` for a rule that VyOS would refuse, and for values that cannot be read. */
  matching({ node }: Rule): Matching {
    const { diagram } = this.#space;
    const parts: Node[] = [this.#family === 4 ? this.#space.family(4) : this.#space.family(6)];
    const protocols = this.#protocols(node);
    parts.push(this.#space.among(fields.protocol, protocols ?? allProtocols));
    const doubts = strangers(node, new Set([...decided, ...modelled])).map(({ name }) => name);
    for (const end of ['source', 'destination'] as const) parts.push(...this.#end(child(node, end), end, node, doubts));
    parts.push(...this.#states(node), ...this.#icmp(node), ...this.#hopLimit(node));
    parts.push(...this.#interface(node, 'inbound-interface', fields.inInterface), ...this.#interface(node, 'outbound-interface', fields.outInterface));
    const may = parts.reduce((all, part) => diagram.intersect(all, part), full);
    const [doubt] = doubts;
    if (doubt === undefined) return { sure: may, may, doubt: undefined };
    return { sure: empty, may, doubt: `a rule that asks for ${doubt} is not modelled` };
  }

  /** The protocols that the rule names, or that its other conditions bring along. */
  #protocols(node: TreeNode): readonly number[] | undefined {
    const word = valueOf(node, 'protocol');
    const found = word === undefined ? undefined : readProtocols(word);
    if (word !== undefined && found === undefined) throw new Refusal(child(node, 'protocol')?.line, `the protocol ${word} is not known`);
    return found;
  }

  /** `doubts`: takes what is not modelled; the rule may then match less than what is given. */
  #end(side: TreeNode | undefined, end: 'source' | 'destination', rule: TreeNode, doubts: string[]): Node[] {
    if (side === undefined) return [];
    doubts.push(...strangers(side, new Set(['address', 'group', 'port'])).map(({ name }) => name));
    const found: Node[] = [];
    const address = valueOf(side, 'address');
    if (address !== undefined) {
      const range = readAddress(address.replace(/^!/u, ''), this.#family);
      if (range === undefined) throw new Refusal(side.line, `${address} is no address of the family`);
      found.push(this.#addresses(end, addressSet([range]), address.startsWith('!')));
    }
    const group = child(side, 'group');
    doubts.push(...strangers(group, new Set(['address-group', 'network-group', 'port-group'])).map(({ name }) => name));
    for (const kind of ['address-group', 'network-group'] as const) {
      const name = valueOf(group, kind);
      if (name === undefined) continue;
      if (address !== undefined) throw new Refusal(side.line, 'a side with both an address and a group');
      const { addresses, networks } = this.#config.groups;
      found.push(this.#addresses(end, known(kind === 'address-group' ? addresses : networks, name, side.line), name.startsWith('!')));
    }
    const ports = this.#ports(side, group);
    if (ports !== undefined) {
      const protocol = valueOf(rule, 'protocol');
      if (protocol === undefined || !['tcp', 'udp', 'tcp_udp'].includes(protocol)) throw new Refusal(side.line, 'ports without tcp or udp');
      found.push(this.#space.within(end === 'source' ? fields.sourcePort : fields.value, ports));
    }
    return found;
  }

  #ports(side: TreeNode, group: TreeNode | undefined): Ranges<number> | undefined {
    const text = valueOf(side, 'port');
    const name = valueOf(group, 'port-group');
    if (text !== undefined && name !== undefined) throw new Refusal(side.line, 'a side with both a port and a group of ports');
    if (name !== undefined) {
      const members = known(this.#config.groups.ports, name, side.line);
      return name.startsWith('!') ? subtractRanges([{ first: 0, last: 0xffff }], members) : members;
    }
    if (text === undefined) return undefined;
    const ports = readPorts(text);
    if (ports === undefined) throw new Refusal(side.line, `${text} is no list of ports`);
    return ports;
  }

  #addresses(end: 'source' | 'destination', set: AddressSet, negated: boolean): Node {
    const cached = this.#sides[end].get(set) ?? this.#space.addressSet(end, set);
    this.#sides[end].set(set, cached);
    return negated ? this.#space.diagram.complement(cached) : cached;
  }

  #states(node: TreeNode): Node[] {
    const leaf = child(node, 'state');
    if (leaf === undefined) return [];
    const states = valuesOf(node, 'state').map((word): ConnectionState => {
      const found = connectionStates.find((state) => state === word && state !== 'untracked');
      if (found === undefined) throw new Refusal(leaf.line, `the state ${word} is not known`);
      return found;
    });
    return [this.#space.diagram.unionAll(states.map((state) => this.#space.state(state)))];
  }

  /** ICMP brings its protocol along; a type alone means every code, a code alone every type. */
  #icmp(node: TreeNode): Node[] {
    const name = this.#family === 4 ? 'icmp' : 'icmpv6';
    const foreign = child(node, this.#family === 4 ? 'icmpv6' : 'icmp');
    if (foreign !== undefined) throw new Refusal(foreign.line, 'ICMP of the other family');
    const part = child(node, name);
    if (part === undefined) return [];
    const [strange] = strangers(part, new Set(['type', 'code']));
    if (strange !== undefined) throw new Refusal(strange.line, `${strange.name} of ${name} is not modelled`);
    const read = (leaf: 'type' | 'code'): number | undefined => {
      const text = valueOf(part, leaf);
      const value = text === undefined ? undefined : readNumber(text, 255);
      if (text !== undefined && value === undefined) throw new Refusal(part.line, `${text} is no ${leaf} of ${name}`);
      return value;
    };
    const [type, code] = [read('type'), read('code')];
    const messages: Range<number>[] = [];
    for (let each = type ?? 0; each <= (type ?? 255); each++) {
      if (code === undefined) messages.push({ first: each * 256, last: each * 256 + 255 });
      else messages.push({ first: each * 256 + code, last: each * 256 + code });
    }
    return [this.#space.among(fields.protocol, [this.#family === 4 ? 1 : 58], this.#space.within(fields.value, messages))];
  }

  #hopLimit(node: TreeNode): Node[] {
    const foreign = child(node, this.#family === 4 ? 'hop-limit' : 'ttl');
    if (foreign !== undefined) throw new Refusal(foreign.line, 'the hop limit of the other family');
    const part = child(node, this.#family === 4 ? 'ttl' : 'hop-limit');
    return [...(part?.children ?? [])].map(([operator, { line }]) => {
      const value = readNumber(valueOf(part, operator) ?? '', 255);
      if (value === undefined || !['eq', 'gt', 'lt'].includes(operator)) throw new Refusal(line, `a hop limit ${operator} is not modelled`);
      const range = operator === 'eq' ? { first: value, last: value } : operator === 'gt' ? { first: value + 1, last: 255 } : { first: 0, last: value - 1 };
      return this.#space.within(fields.hopLimit, range.first <= range.last ? [range] : []);
    });
  }

  #interface(node: TreeNode, which: 'inbound-interface' | 'outbound-interface', field: Field): Node[] {
    const part = child(node, which);
    if (part === undefined) return [];
    const [name, group] = [valueOf(part, 'name'), valueOf(part, 'group')];
    if ((name === undefined) === (group === undefined)) throw new Refusal(part.line, `${which} has not one name or group`);
    const word = name ?? group ?? '';
    const plain = word.replace(/^!/u, '');
    const faces = name === undefined ? known(this.#config.groups.interfaces, word, part.line) : [plain];
    for (const face of faces) {
      if (face.includes('*')) throw new Refusal(part.line, `interfaces by pattern: ${face}`);
      if (!this.#space.knowsInterface(face)) throw new Refusal(part.line, `${face} is no interface of the gateway`);
    }
    const found = this.#space.among(
      field,
      faces.map((face) => this.#space.interfaceNumber(face)),
    );
    return [word.startsWith('!') ? this.#space.diagram.complement(found) : found];
  }
}

const allProtocols = Array.from({ length: 256 }, (_, number) => number);

function known<Members>(groups: ReadonlyMap<string, Members>, name: string, line: number): Members {
  const found = groups.get(name.replace(/^!/u, ''));
  if (found === undefined) throw new Refusal(line, `there is no group ${name}`);
  return found;
}

/** The rate of a rule; undefined if it has none. */
export function limitOf({ node }: Rule): RuleLimit | undefined {
  const limit = child(node, 'limit');
  if (limit === undefined) return undefined;
  const [strange] = strangers(limit, new Set(['rate', 'burst']));
  const rate = /^([1-9]\d{0,9})\/(second|minute|hour|day)$/u.exec(valueOf(limit, 'rate') ?? '');
  const burst = /^(?:0|[1-9]\d{0,9})$/u.exec(valueOf(limit, 'burst') ?? String(usualBurst));
  if (strange !== undefined || rate === null || burst === null) throw new Refusal(limit.line, 'a limit that cannot be read');
  return { amount: Number(rate[1]), unit: rate[2] as RuleLimit['unit'], burst: Number(burst[0]) };
}
