/**
 * All packets of a family at once through the chains of a hook.
 *
 * Takes configuration and packets, gives which of them can pass and which can be dropped; a packet that can have both fates depends on a rate.
 * The one idea: a rule with a rate is followed both ways, every other rule one way. The order is that of the platform: the state policy,
 * then the rules of the base chain; what that accepts goes on to the zones, where the state policy stands first again.
 */
import type { Family } from '../../src/net/address.ts';
import type { Hook } from '../../src/packets/packet.ts';
import { empty, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import type { ReadLimit } from '../../src/target/target.ts';
import { answers, type Config, type RuleSet, type RuleSetNames, type Zone } from './read-config.ts';
import { limitOf, type Matching, Rules } from './read-rules.ts';
import { child, Refusal, valueOf } from './read-tree.ts';

export interface Fates {
  readonly passing: Node;
  readonly dropped: Node;
  /** Packets that meet what is not modelled. */
  readonly unknown: Node;
  readonly limits: readonly ReadLimit[];
  readonly doubts: readonly { readonly line: number; readonly what: string }[];
}

/** Chains that a jump may nest; the kernel allows 16. */
const deepest = 16;

/** Where the packets of one chain go. */
class Gathering {
  readonly accepted: Node[] = [];
  readonly dropped: Node[] = [];
  readonly unknown: Node[] = [];
  readonly doubts: { line: number; what: string }[] = [];
  readonly asked = new Map<string, { readonly limit: ReadLimit['rate']; readonly packets: Node[] }>();
}

export class Executor {
  readonly #space: PacketSpace;
  readonly #family: Family;
  readonly #config: Config;
  readonly #rules: Rules;
  readonly #matchings = new Map<object, Matching>();

  constructor(space: PacketSpace, family: Family, config: Config) {
    this.#space = space;
    this.#family = family;
    this.#config = config;
    this.#rules = new Rules(space, family, config.families[family]);
  }

  hook(hook: Hook, incoming: Node): Fates {
    const { diagram } = this.#space;
    const into = new Gathering();
    const base = this.#config.families[this.#family].base.get(hook);
    const before = base === undefined ? incoming : this.#chain(into, incoming, (first, packets) => this.#ruleSet(first, base, packets, 0));
    const passing = this.#config.zones.length === 0 ? before : this.#chain(into, before, (second, packets) => this.#zones(second, hook, packets));
    return {
      passing,
      dropped: diagram.unionAll(into.dropped),
      unknown: diagram.unionAll(into.unknown),
      limits: [...into.asked].map(([identity, { limit, packets }]) => ({ identity, rate: limit, packets: diagram.unionAll(packets) })),
      doubts: into.doubts,
    };
  }

  /** A chain of the kernel: the state policy first; what comes back is accepted. */
  #chain(into: Gathering, incoming: Node, run: (into: Gathering, packets: Node) => Node): Node {
    const back = run(into, this.#statePolicy(into, incoming));
    const passing = this.#space.diagram.unionAll([...into.accepted, back]);
    into.accepted.length = 0;
    return passing;
  }

  #statePolicy(into: Gathering, incoming: Node): Node {
    const { diagram } = this.#space;
    let left = incoming;
    for (const state of ['established', 'invalid', 'related'] as const) {
      const action = this.#config.states?.get(state);
      if (action === undefined) continue;
      const hit = diagram.intersect(left, this.#space.state(state));
      (action === 'accept' ? into.accepted : into.dropped).push(hit);
      left = diagram.subtract(left, hit);
    }
    return left;
  }

  // -- zones ----------------------------------------------------------------------------------------------------

  #zones(into: Gathering, hook: Hook, incoming: Node): Node {
    const { diagram } = this.#space;
    const local = this.#config.zones.filter((zone) => zone.local);
    const [gateway] = local;
    if (local.length > 1) throw new Refusal(local[1]?.line, 'two local zones');
    if (hook !== 'forward') {
      if (gateway === undefined) return incoming;
      const loopback = hook === 'input' ? this.#space.inInterface('lo') : this.#space.outInterface('lo');
      const own = diagram.intersect(incoming, loopback);
      const ways = this.#config.zones.flatMap((zone) => {
        const names = hook === 'input' ? gateway.from.get(zone.name) : zone.from.get(gateway.name);
        return zone.local || names === undefined ? [] : [{ faces: this.#faces(zone, hook === 'input' ? 'in' : 'out'), names }];
      });
      return diagram.union(own, this.#ways(into, ways, diagram.subtract(incoming, own), gateway));
    }
    let left = incoming;
    const back: Node[] = [];
    for (const zone of this.#config.zones) {
      if (zone.local) continue;
      const hit = diagram.intersect(left, this.#faces(zone, 'out'));
      back.push(this.#zone(into, zone, hit));
      left = diagram.subtract(left, hit);
    }
    return diagram.unionAll([...back, left]);
  }

  /** Into a zone, from itself and from others; what no rule set is given for is dropped. */
  #zone(into: Gathering, zone: Zone, incoming: Node): Node {
    const { diagram } = this.#space;
    const inside = diagram.intersect(incoming, this.#faces(zone, 'in'));
    const rest = diagram.subtract(incoming, inside);
    const { intra } = zone;
    const ways = [...zone.from].flatMap(([name, names]) => {
      const other = this.#config.zones.find((one) => one.name === name);
      if (other === undefined) throw new Refusal(zone.line, `there is no zone ${name}`);
      return other.local ? [] : [{ faces: this.#faces(other, 'in'), names }];
    });
    const back = this.#ways(into, ways, rest, zone);
    if (intra === undefined) return diagram.union(inside, back);
    if ('action' in intra) {
      if (intra.action === 'accept') return diagram.union(inside, back);
      into.dropped.push(inside);
      return back;
    }
    const name = intra[this.#family];
    return diagram.union(back, name === undefined ? inside : this.#named(into, name, inside, zone.line, 0));
  }

  #ways(into: Gathering, ways: readonly { readonly faces: Node; readonly names: RuleSetNames }[], incoming: Node, zone: Zone): Node {
    const { diagram } = this.#space;
    const back: Node[] = [];
    let left = incoming;
    for (const { faces, names } of ways) {
      const name = names[this.#family];
      if (name === undefined) continue;
      const hit = diagram.intersect(left, faces);
      back.push(this.#named(into, name, hit, zone.line, 0));
      left = diagram.subtract(left, hit);
    }
    into.dropped.push(left);
    return diagram.unionAll(back);
  }

  #faces(zone: Zone, direction: 'in' | 'out'): Node {
    for (const face of zone.interfaces) if (!this.#space.knowsInterface(face)) throw new Refusal(zone.line, `${face} is no interface of the gateway`);
    return this.#space.diagram.unionAll(zone.interfaces.map((face) => (direction === 'in' ? this.#space.inInterface(face) : this.#space.outInterface(face))));
  }

  // -- rule sets ------------------------------------------------------------------------------------------------

  #named(into: Gathering, name: string, incoming: Node, line: number | undefined, depth: number): Node {
    const set = this.#config.families[this.#family].names.get(name);
    if (set === undefined) throw new Refusal(line, `there is no rule set ${name}`);
    if (depth > deepest) throw new Refusal(set.line, `rule sets nest deeper than ${deepest}`);
    return this.#ruleSet(into, set, incoming, depth);
  }

  /** Gives what comes back. */
  #ruleSet(into: Gathering, set: RuleSet, incoming: Node, depth: number): Node {
    const { diagram } = this.#space;
    const back: Node[] = [];
    let left = incoming;
    for (const rule of set.rules) {
      if (left === empty) break;
      const { sure, may, doubt } = this.#matching(rule);
      const hit = diagram.intersect(left, may);
      const action = valueOf(rule.node, 'action');
      if (doubt !== undefined && hit !== empty && action !== 'continue') {
        into.doubts.push({ line: rule.node.line, what: doubt });
        into.unknown.push(diagram.subtract(hit, sure));
      }
      const limit = limitOf(rule);
      const identity = `${rule.node.line}`;
      if (limit !== undefined && hit !== empty && action !== 'continue') {
        const asked = into.asked.get(identity) ?? { limit, packets: [] };
        asked.packets.push(hit);
        into.asked.set(identity, asked);
      }
      const after = limit === undefined ? diagram.subtract(left, hit) : left;
      switch (action) {
        case 'accept':
          into.accepted.push(hit);
          left = after;
          break;
        case 'drop':
          into.dropped.push(hit);
          left = after;
          break;
        case 'return':
          back.push(hit);
          left = after;
          break;
        case 'continue':
          break;
        case 'jump':
          left = diagram.union(after, this.#named(into, valueOf(rule.node, 'jump-target') ?? '', hit, rule.node.line, depth + 1));
          break;
        case 'reject':
          throw new Refusal(child(rule.node, 'action')?.line, answers);
        default:
          throw new Refusal(
            child(rule.node, 'action')?.line ?? rule.node.line,
            action === undefined ? 'a rule without an action' : `the action ${action} is not modelled`,
          );
      }
    }
    return diagram.unionAll([...back, this.#byDefault(into, set, left, depth)]);
  }

  #byDefault(into: Gathering, set: RuleSet, left: Node, depth: number): Node {
    switch (set.defaultAction) {
      case 'accept':
        into.accepted.push(left);
        return empty;
      case 'return':
      case 'continue':
        return left;
      case 'jump':
        return this.#named(into, set.defaultJump ?? '', left, set.line, depth + 1);
      default:
        into.dropped.push(left);
        return empty;
    }
  }

  #matching(rule: RuleSet['rules'][number]): Matching {
    const found = this.#matchings.get(rule.node) ?? this.#rules.matching(rule);
    this.#matchings.set(rule.node, found);
    return found;
  }
}
