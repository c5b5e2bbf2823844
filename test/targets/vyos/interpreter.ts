/**
 * A plain interpreter of VyOS commands: one packet, rule after rule.
 *
 * Takes the commands and a packet, gives whether it passes. It knows nothing of packet sets and shares no code with the reader; what it does
 * not know is an error, so that no judge is silent. Written from the order in which VyOS asks: state policy, base chain, zones.
 */
import { type Address, parseAddress, parsePrefix } from '../../../src/net/address.ts';
import { familyOf, type Packet } from '../../../src/packets/packet.ts';

interface Tree {
  [word: string]: Tree;
}

export interface Commands {
  readonly firewall: Tree;
}

export function parse(text: string): Commands {
  const root: Tree = Object.create(null) as Tree;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const words = [...line.matchAll(/'([^']*)'|(\S+)/gu)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    if (words[0] !== 'set') throw new Error(`not a set command: ${line}`);
    words.slice(1).reduce<Tree>((at, word) => (at[word] ??= Object.create(null) as Tree), root);
  }
  return { firewall: root['firewall'] ?? (Object.create(null) as Tree) };
}

type Verdict = 'accept' | 'drop' | 'return';

export function passes({ firewall }: Commands, packet: Packet): boolean {
  const judge = new Judge(firewall, packet);
  return judge.base() !== 'drop' && judge.zones() !== 'drop';
}

class Judge {
  readonly #firewall: Tree;
  readonly #packet: Packet;
  readonly #six: boolean;

  constructor(firewall: Tree, packet: Packet) {
    this.#firewall = firewall;
    this.#packet = packet;
    this.#six = familyOf(packet) === 6;
  }

  base(): Verdict {
    const filter = this.#family()?.[this.#packet.hook]?.['filter'];
    if (filter === undefined) return 'accept';
    return this.#state() ?? this.#rules(filter, 'accept');
  }

  zones(): Verdict {
    const zones = Object.entries(this.#firewall['zone'] ?? {});
    if (zones.length === 0) return 'accept';
    const state = this.#state();
    if (state !== undefined) return state;
    const { hook, inInterface, outInterface } = this.#packet;
    const own = zones.find(([, zone]) => zone['local-zone'] !== undefined);
    if (hook === 'forward') {
      const to = zones.find(([, zone]) => members(zone).includes(outInterface ?? ''));
      if (to === undefined) return 'accept';
      if (members(to[1]).includes(inInterface ?? '')) return this.#named(to[1]['intra-zone-filtering']?.['firewall'], 'accept');
      const from = zones.find(([, zone]) => members(zone).includes(inInterface ?? ''));
      return this.#named(from && to[1]['from']?.[from[0]]?.['firewall'], 'drop');
    }
    if (own === undefined || (hook === 'input' ? inInterface : outInterface) === 'lo') return 'accept';
    const face = hook === 'input' ? inInterface : outInterface;
    const other = zones.find(([, zone]) => members(zone).includes(face ?? ''));
    const way = other && (hook === 'input' ? own[1]['from']?.[other[0]] : other[1]['from']?.[own[0]]);
    return this.#named(way?.['firewall'], 'drop');
  }

  #family(): Tree | undefined {
    return this.#firewall[this.#six ? 'ipv6' : 'ipv4'];
  }

  /** `none`: what happens where no rule set is named. */
  #named(names: Tree | undefined, none: Verdict): Verdict {
    const name = only(names?.[this.#six ? 'ipv6-name' : 'name']);
    return name === undefined ? none : this.#ruleSet(name);
  }

  #ruleSet(name: string): Verdict {
    const set = this.#family()?.['name']?.[name];
    if (set === undefined) throw new Error(`no rule set ${name}`);
    return this.#rules(set, 'drop');
  }

  #state(): Verdict | undefined {
    const action = only(this.#firewall['global-options']?.['state-policy']?.[this.#packet.state]?.['action']);
    return action === undefined ? undefined : verdict(action);
  }

  #rules(set: Tree, fallback: string): Verdict {
    const rules = Object.entries(set['rule'] ?? {}).toSorted(([a], [b]) => Number(a) - Number(b));
    for (const [, rule] of rules) {
      if (!this.#matches(rule)) continue;
      const action = only(rule['action']);
      const found = action === 'jump' ? this.#ruleSet(only(rule['jump-target']) ?? '') : verdict(action ?? '');
      if (action !== 'jump' || found !== 'return') return found;
    }
    return verdict(only(set['default-action']) ?? fallback);
  }

  #matches(rule: Tree): boolean {
    const packet = this.#packet;
    return Object.entries(rule).every(([word, below]) => {
      switch (word) {
        case 'action':
        case 'description':
        case 'jump-target':
        case 'log':
          return true;
        case 'state':
          return below[packet.state] !== undefined;
        case 'protocol':
          return protocols(only(below) ?? '').includes(packet.protocol);
        case 'source':
        case 'destination':
          return this.#end(word, below);
        case 'icmp':
        case 'icmpv6':
          return packet.protocol === (word === 'icmp' ? 1 : 58) && equals(below['type'], packet.value >> 8) && equals(below['code'], packet.value & 0xff);
        case 'ttl':
        case 'hop-limit':
          return equals(below['eq'], packet.hopLimit);
        case 'inbound-interface':
          return this.#face(below, packet.inInterface);
        case 'outbound-interface':
          return this.#face(below, packet.outInterface);
        default:
          throw new Error(`unknown: ${word}`);
      }
    });
  }

  #face(which: Tree, name: string | undefined): boolean {
    const group = only(which['group']) ?? '';
    const inside = Object.keys(this.#group('interface-group', group)['interface'] ?? {}).includes(name ?? '');
    return inside !== group.startsWith('!');
  }

  #end(which: 'source' | 'destination', end: Tree): boolean {
    const packet = this.#packet;
    const port = which === 'source' ? packet.sourcePort : packet.value;
    const address = packet[which];
    const six = this.#six ? 'ipv6-' : '';
    const checks: boolean[] = [];
    const literal = only(end['address']);
    if (literal !== undefined) checks.push(holds(literal.replace('!', ''), address) !== literal.startsWith('!'));
    for (const [kind, leaf] of [
      ['address-group', 'address'],
      ['network-group', 'network'],
    ] as const) {
      const name = only(end['group']?.[kind]);
      if (name === undefined) continue;
      checks.push(Object.keys(this.#group(six + kind, name)[leaf] ?? {}).some((one) => holds(one, address)) !== name.startsWith('!'));
    }
    const ports = only(end['port'])?.split(',') ?? [];
    const plain = ports.filter((one) => !one.startsWith('!'));
    if (plain.length > 0) checks.push(plain.some((one) => inPorts(one, port)));
    checks.push(...ports.filter((one) => one.startsWith('!')).map((one) => !inPorts(one.slice(1), port)));
    const group = only(end['group']?.['port-group']);
    if (group !== undefined) checks.push(Object.keys(this.#group('port-group', group)['port'] ?? {}).some((one) => inPorts(one, port)));
    return checks.every(Boolean);
  }

  #group(kind: string, name: string): Tree {
    const found = this.#firewall['group']?.[kind]?.[name.replace('!', '')];
    if (found === undefined) throw new Error(`no group ${name}`);
    return found;
  }
}

function members(zone: Tree): string[] {
  return [...Object.keys(zone['interface'] ?? {}), ...Object.keys(zone['member']?.['interface'] ?? {})];
}

function only(leaf: Tree | undefined): string | undefined {
  return leaf === undefined ? undefined : Object.keys(leaf)[0];
}

function verdict(action: string): Verdict {
  if (action !== 'accept' && action !== 'drop' && action !== 'return') throw new Error(`unknown action ${action}`);
  return action;
}

function equals(leaf: Tree | undefined, value: number): boolean {
  return leaf === undefined || Number(only(leaf)) === value;
}

function protocols(word: string): number[] {
  const names: Readonly<Record<string, number[]>> = { tcp: [6], udp: [17], tcp_udp: [6, 17], icmp: [1], 'ipv6-icmp': [58] };
  return names[word] ?? [Number(word)];
}

function inPorts(text: string, port: number): boolean {
  const [first = 0, last = first] = text.split('-').map(Number);
  return first <= port && port <= last;
}

function holds(text: string, address: Address): boolean {
  const prefix = text.includes('/') ? parsePrefix(text)?.network : undefined;
  const [first, last] = prefix === undefined ? text.split('-').map((one) => parseAddress(one)?.value) : [prefix.first, prefix.last];
  if (first === undefined || typeof first !== typeof address.value) return false;
  return first <= address.value && address.value <= (last ?? first);
}
