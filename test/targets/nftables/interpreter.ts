/**
 * One packet through a rule tree, as the kernel does it: the specification that the symbolic reader is held against.
 *
 * Takes a tree, a packet and a way to answer limits, gives its verdict, whether it was marked and which limits it asked.
 * Deliberately plain: rule by rule, with a stack of places to come back to, and no packet sets.
 */
import { parseAddress, parsePrefix } from '../../../src/net/address.ts';
import { type Hook, type Packet } from '../../../src/packets/packet.ts';
import type { Chain, Item, Rule, RuleTree, Scalar, Selector, Statement, Verdict } from '../../../targets/nftables/read-tree.ts';

export interface Course {
  readonly passes: boolean;
  readonly marked: boolean;
  /** With a reset. */
  readonly answered: boolean;
  /** Every limit asked, also for the log alone. */
  readonly asked: ReadonlySet<string>;
}

type Value = string | bigint;

const numbers: Readonly<Record<string, bigint>> = { icmp: 1n, tcp: 6n, udp: 17n, 'ipv6-icmp': 58n };

/** Every course that the packet can take, whatever the limits say. */
export function courses(tree: RuleTree, packet: Packet): Course[] {
  const result: Course[] = [];
  const open: boolean[][] = [[]];
  for (let choices = open.pop(); choices !== undefined; choices = open.pop()) {
    let asked = 0;
    const course = interpret(tree, packet, () => {
      const answer = choices[asked] ?? false;
      if (asked >= choices.length) {
        open.push([...choices, ...Array.from({ length: asked - choices.length }, () => false), true]);
      }
      asked++;
      return answer;
    });
    result.push(course);
  }
  return result;
}

function interpret(tree: RuleTree, packet: Packet, limit: () => boolean): Course {
  const walk = new Walk(tree, packet, limit);
  const passes = walk.hook(packet.hook);
  return { passes, marked: walk.marked, answered: walk.answered, asked: walk.asked };
}

class Walk {
  readonly #tree: RuleTree;
  readonly #packet: Packet;
  readonly #limit: () => boolean;
  readonly asked = new Set<string>();
  marked = false;
  answered = false;

  constructor(tree: RuleTree, packet: Packet, limit: () => boolean) {
    this.#tree = tree;
    this.#packet = packet;
    this.#limit = limit;
  }

  hook(hook: Hook): boolean {
    const chains = [...this.#tree.chains.values()]
      .filter((chain) => chain.base?.hook === hook)
      .sort((a, b) => (a.base?.priority ?? 0) - (b.base?.priority ?? 0));
    return chains.every((chain) => this.#base(chain));
  }

  #base(base: Chain): boolean {
    const stack: { readonly chain: Chain; readonly next: number }[] = [];
    let chain = base;
    let at = 0;
    for (;;) {
      const rule = chain.rules[at++];
      const verdict: Verdict = rule === undefined ? { kind: 'return' } : this.#rule(chain, rule);
      switch (verdict.kind) {
        case 'accept':
          return true;
        case 'drop':
        case 'reset':
          this.answered = verdict.kind === 'reset';
          return false;
        case 'continue':
          break;
        case 'return': {
          const back = stack.pop();
          if (back === undefined) return base.base?.policy !== 'drop';
          chain = back.chain;
          at = back.next;
          break;
        }
        case 'jump':
        case 'goto': {
          if (verdict.kind === 'jump') stack.push({ chain, next: at });
          const next = this.#tree.chains.get(verdict.chain);
          if (next === undefined) throw new Error(`no chain ${verdict.chain}`);
          chain = next;
          at = 0;
          break;
        }
      }
    }
  }

  #rule(chain: Chain, rule: Rule): Verdict {
    for (const [index, statement] of rule.statements.entries()) {
      switch (statement.kind) {
        case 'match':
          if (!this.#matches(statement)) return { kind: 'continue' };
          break;
        case 'vmap': {
          const key = this.#key(statement.key);
          const entries = statement.operand.kind === 'entries' ? statement.operand.entries : (this.#tree.sets.get(statement.operand.name)?.entries ?? []);
          return entries.find((entry) => key !== undefined && isIn(key, entry.item))?.verdict ?? { kind: 'continue' };
        }
        case 'limit':
          this.asked.add(identityOf(chain, rule, index, statement.limit));
          if (!this.#limit()) return { kind: 'continue' };
          break;
        case 'mark':
          if (this.#tracked) this.marked = true;
          break;
        case 'resets':
          // A packet here is no reset.
          return { kind: 'continue' };
        case 'counter':
        case 'log':
          break;
        case 'verdict':
          return statement.verdict;
      }
    }
    return { kind: 'continue' };
  }

  get #tracked(): boolean {
    return !['invalid', 'untracked'].includes(this.#packet.state);
  }

  #matches(statement: Extract<Statement, { kind: 'match' }>): boolean {
    const key = this.#key(statement.key);
    if (key === undefined) return false;
    const items = statement.operand.kind === 'items' ? statement.operand.items : (this.#tree.sets.get(statement.operand.name)?.items ?? []);
    return items.some((item) => isIn(key, item)) !== statement.negated;
  }

  /** Undefined where the kernel cannot look: the rule does not match, negated or not. */
  #key(selectors: readonly Selector[]): readonly Value[] | undefined {
    const values: Value[] = [];
    for (const selector of selectors) {
      const value = this.#value(selector.name);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  }

  #value(name: string): Value | undefined {
    const packet = this.#packet;
    const four = packet.source.family === 4;
    const only = (condition: boolean, value: number | bigint): Value | undefined => (condition ? BigInt(value) : undefined);
    switch (name) {
      case 'iifname':
        return packet.inInterface ?? 'none';
      case 'oifname':
        return packet.outInterface ?? 'none';
      case 'ip saddr':
        return only(four, packet.source.value);
      case 'ip daddr':
        return only(four, packet.destination.value);
      case 'ip6 saddr':
        return only(!four, packet.source.value);
      case 'ip6 daddr':
        return only(!four, packet.destination.value);
      case 'meta nfproto':
        return four ? 'ipv4' : 'ipv6';
      case 'meta l4proto':
        return BigInt(packet.protocol);
      case 'ip protocol':
        return only(four, packet.protocol);
      case 'tcp sport':
        return only(packet.protocol === 6, packet.sourcePort);
      case 'tcp dport':
        return only(packet.protocol === 6, packet.value);
      case 'udp sport':
        return only(packet.protocol === 17, packet.sourcePort);
      case 'udp dport':
        return only(packet.protocol === 17, packet.value);
      case 'th sport':
        return only(packet.protocol === 6 || packet.protocol === 17, packet.sourcePort);
      case 'th dport':
        return only(packet.protocol === 6 || packet.protocol === 17, packet.value);
      case 'icmp type':
        return only(four && packet.protocol === 1, packet.value >> 8);
      case 'icmp code':
        return only(four && packet.protocol === 1, packet.value & 255);
      case 'icmpv6 type':
        return only(!four && packet.protocol === 58, packet.value >> 8);
      case 'icmpv6 code':
        return only(!four && packet.protocol === 58, packet.value & 255);
      case 'ip ttl':
        return only(four, packet.hopLimit);
      case 'ip6 hoplimit':
        return only(!four, packet.hopLimit);
      case 'ct state':
        return packet.state;
      case 'ct direction':
        return this.#tracked ? packet.direction : undefined;
      case 'ct mark':
        return this.#tracked ? (packet.markCurrent || this.marked ? 'current' : 'another') : undefined;
      case 'fib daddr . iif type':
      case 'fib saddr type':
        return packet.local ? 'local' : 'unicast';
      default:
        throw new Error(`no selector ${name}`);
    }
  }
}

function identityOf(chain: Chain, rule: Rule, index: number, limit: Extract<Statement, { kind: 'limit' }>['limit']): string {
  return typeof limit === 'string' ? limit : `${chain.place.name}, ${rule.place.name}, ${index}`;
}

/** Limits that stand before a verdict or a mark somewhere. */
export function gatingLimits(tree: RuleTree): ReadonlySet<string> {
  const result = new Set<string>();
  for (const chain of tree.chains.values()) {
    for (const rule of chain.rules) {
      const gates = rule.statements.some(
        (statement) => statement.kind === 'vmap' || statement.kind === 'mark' || (statement.kind === 'verdict' && statement.verdict.kind !== 'continue'),
      );
      for (const [index, statement] of rule.statements.entries()) {
        if (gates && statement.kind === 'limit') result.add(identityOf(chain, rule, index, statement.limit));
      }
    }
  }
  return result;
}

function isIn(key: readonly Value[], item: Item): boolean {
  return item.every((scalar, index) => holds(scalar, key[index] ?? ''));
}

/** Tests compare the mark with nothing but the current one. */
function holds(scalar: Scalar, value: Value): boolean {
  if (typeof scalar !== 'string') throw new Error('texts write ranges as words');
  if (value === 'current' || value === 'another') return value === 'current';
  if (typeof value === 'string') return scalar === value;
  const prefix = parsePrefix(scalar);
  if (prefix !== undefined) return BigInt(prefix.network.first) <= value && value <= BigInt(prefix.network.last);
  const [first, last] = scalar.split('-').map(point);
  if (first === undefined) return point(scalar) === value;
  return first <= value && value <= (last ?? first);
}

function point(word: string): bigint | undefined {
  const address = parseAddress(word);
  if (address !== undefined) return BigInt(address.value);
  return numbers[word] ?? (/^\d+$/u.test(word) ? BigInt(word) : undefined);
}
