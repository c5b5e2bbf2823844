/**
 * Compiled chains to packet sets: every packet at once through the builtin chains of a hook.
 *
 * Takes chains of rules with bounds, gives what may pass, what may be dropped, and which packets meet something that is not modelled. The
 * one idea: a rule that may or may not match (by a rate, or because nobody can say) is followed both ways, so a packet has every fate that
 * it could have; where only one is left, no answer was needed. A chain does with a packet what it does, whoever sent it there, so each is
 * run once with all packets there are. Packets that were given the current mark on their way travel apart.
 */
import { type Diagram, empty, full, type Node } from '../../src/packets/diagram.ts';
import type { Compiled, CompiledRule } from './read-compile.ts';

/** Packets on their way: with the mark they came with, and with the current one given to them on the way. */
export interface Flow {
  readonly plain: Node;
  readonly remarked: Node;
}

/** Packets that meet a construct that is not modelled, and where it stands. */
export interface Doubt {
  readonly packets: Node;
  readonly line: number;
  readonly what: string;
}

interface Outcome {
  readonly accepted: Flow;
  readonly dropped: Flow;
  readonly returned: Flow;
  readonly marked: Node;
  /** Packets of which nothing is known any more. */
  readonly lost: Node;
  /** Packets that come to the queue, and those of them that the engine drops. */
  readonly queued: Node;
  readonly refused: Node;
  /** Packets that are answered with a reset, and those in whose place a reset passes. */
  readonly answered: Node;
  readonly released: Node;
  readonly asked: ReadonlyMap<string, Node>;
  readonly doubts: readonly Doubt[];
}

export interface BuiltinChain {
  readonly chain: number;
  readonly policy: 'accept' | 'drop';
}

const kinds = ['plain', 'remarked'] as const;
type Kind = (typeof kinds)[number];
const nothing: Flow = { plain: empty, remarked: empty };

export class Executor {
  readonly #diagram: Diagram;
  readonly #compiled: Compiled;
  /** Whether anybody asks for what is dropped. */
  readonly #drops: boolean;
  readonly #outcomes = { plain: new Map<number, Outcome>(), remarked: new Map<number, Outcome>() };
  /** All that was found so far, over all hooks. */
  readonly found = new Gathering();

  constructor(diagram: Diagram, compiled: Compiled, drops: boolean) {
    this.#diagram = diagram;
    this.#compiled = compiled;
    this.#drops = drops;
  }

  /** The builtin chains of a hook in their order; what one accepts goes on to the next. */
  hook(chains: readonly BuiltinChain[], incoming: Node): { readonly passing: Flow; readonly dropped: Flow } {
    let flow: Flow = { plain: incoming, remarked: empty };
    const dropped: Flow[] = [];
    for (const [index, { chain, policy }] of chains.entries()) {
      const gathered = new Gathering();
      const returned = this.#run(chain, flow, gathered);
      // What becomes of a reset in a later chain is not followed.
      if (chains.slice(index + 1).some((later) => this.#compiled.chains[later.chain]?.length !== 0)) gathered.lost.push(...gathered.released);
      this.found.take(gathered);
      dropped.push(...gathered.dropped);
      flow = this.#unionAll(policy === 'accept' ? [...gathered.accepted, returned] : gathered.accepted);
      if (policy === 'drop' && this.#drops) dropped.push(returned);
    }
    return { passing: flow, dropped: this.#unionAll(dropped) };
  }

  /** The share of some packets in what a chain does; gives what comes back. */
  #run(chain: number, incoming: Flow, into: Gathering): Flow {
    const diagram = this.#diagram;
    const back: Flow[] = [];
    for (const kind of kinds) {
      const packets = incoming[kind];
      if (packets === empty) continue;
      const outcome = this.#outcome(chain, kind);
      into.accepted.push(this.#share(outcome.accepted, packets));
      if (this.#drops) into.dropped.push(this.#share(outcome.dropped, packets));
      into.marked.push(diagram.intersect(outcome.marked, packets));
      into.lost.push(diagram.intersect(outcome.lost, packets));
      into.queued.push(diagram.intersect(outcome.queued, packets));
      into.refused.push(diagram.intersect(outcome.refused, packets));
      into.answered.push(diagram.intersect(outcome.answered, packets));
      into.released.push(diagram.intersect(outcome.released, packets));
      for (const [identity, set] of outcome.asked) into.ask(identity, diagram.intersect(set, packets));
      for (const doubt of outcome.doubts) into.doubt({ ...doubt, packets: diagram.intersect(doubt.packets, packets) });
      back.push(this.#share(outcome.returned, packets));
    }
    return this.#unionAll(back);
  }

  #outcome(chain: number, kind: Kind): Outcome {
    const known = this.#outcomes[kind].get(chain);
    if (known !== undefined) return known;
    const gathered = new Gathering();
    let flow: Flow = { ...nothing, [kind]: full };
    for (const rule of this.#compiled.chains[chain] ?? []) {
      if (flow.plain === empty && flow.remarked === empty) break;
      flow = this.#rule(rule, flow, gathered);
    }
    const diagram = this.#diagram;
    const outcome: Outcome = {
      accepted: this.#unionAll(gathered.accepted),
      dropped: this.#unionAll(gathered.dropped),
      returned: this.#unionAll([...gathered.returned, flow]),
      marked: diagram.unionAll(gathered.marked),
      lost: diagram.unionAll(gathered.lost),
      queued: diagram.unionAll(gathered.queued),
      refused: diagram.unionAll(gathered.refused),
      answered: diagram.unionAll(gathered.answered),
      released: diagram.unionAll(gathered.released),
      asked: gathered.allAsked(diagram),
      doubts: gathered.allDoubts(diagram),
    };
    this.#outcomes[kind].set(chain, outcome);
    return outcome;
  }

  /** What goes on with the next rule. */
  #rule(rule: CompiledRule, incoming: Flow, into: Gathering): Flow {
    const diagram = this.#diagram;
    const hit: Record<Kind, Node> = { plain: empty, remarked: empty };
    const missed: Record<Kind, Node> = { plain: empty, remarked: empty };
    for (const kind of kinds) {
      const packets = incoming[kind];
      if (packets === empty) continue;
      const { sure, may } = rule[kind];
      for (const rate of rule.rates) into.ask(rate.identity, diagram.intersect(packets, rate[kind]));
      hit[kind] = diagram.intersect(packets, may);
      missed[kind] = rule.rates.length > 0 ? packets : diagram.subtract(packets, sure);
      if (rule.doubt === undefined || rule.effect.kind === 'continue') continue;
      const doubted = rule.effect.kind === 'anything' ? hit[kind] : diagram.subtract(hit[kind], sure);
      into.doubt({ packets: doubted, line: rule.line, what: rule.doubt });
    }
    const { effect } = rule;
    switch (effect.kind) {
      case 'accept':
        into.accepted.push(hit);
        return missed;
      case 'drop':
        if (this.#drops) into.dropped.push(hit);
        return missed;
      case 'reset':
        into.answered.push(hit.plain, hit.remarked);
        into.lost.push(...this.#unsure(rule, hit));
        if (this.#drops) into.dropped.push(hit);
        return missed;
      case 'release':
        // They go on: what is a packet here is no reset.
        into.released.push(hit.plain, hit.remarked);
        into.lost.push(...this.#unsure(rule, hit));
        return incoming;
      case 'queue': {
        const refused = this.#share(hit, this.#compiled.engineDrops);
        into.queued.push(hit.plain, hit.remarked);
        into.refused.push(refused.plain, refused.remarked);
        into.accepted.push({ plain: diagram.subtract(hit.plain, refused.plain), remarked: diagram.subtract(hit.remarked, refused.remarked) });
        if (this.#drops) into.dropped.push(refused);
        return missed;
      }
      case 'return':
        into.returned.push(hit);
        return missed;
      case 'mark': {
        const { tracked } = this.#compiled;
        // Without a conversation there is nothing to mark.
        const given = diagram.intersect(hit.plain, tracked);
        into.marked.push(given, diagram.intersect(hit.remarked, tracked));
        return {
          plain: diagram.union(missed.plain, diagram.subtract(hit.plain, tracked)),
          remarked: diagram.unionAll([missed.remarked, hit.remarked, given]),
        };
      }
      case 'jump':
        return this.#union(missed, this.#run(effect.chain, hit, into));
      case 'goto':
        // Behind a goto the way back is that of the chain it stands in.
        into.returned.push(this.#run(effect.chain, hit, into));
        return missed;
      case 'continue':
        return incoming;
      case 'anything':
        into.lost.push(hit.plain, hit.remarked);
        return missed;
    }
  }

  /** Packets of which nobody can say whether the rule matches. */
  #unsure(rule: CompiledRule, hit: Flow): readonly Node[] {
    return kinds.map((kind) => this.#diagram.subtract(hit[kind], rule[kind].sure));
  }

  #share(flow: Flow, packets: Node): Flow {
    if (packets === full) return flow;
    return { plain: this.#diagram.intersect(flow.plain, packets), remarked: this.#diagram.intersect(flow.remarked, packets) };
  }

  #union(a: Flow, b: Flow): Flow {
    return { plain: this.#diagram.union(a.plain, b.plain), remarked: this.#diagram.union(a.remarked, b.remarked) };
  }

  #unionAll(flows: readonly Flow[]): Flow {
    return { plain: this.#diagram.unionAll(flows.map(({ plain }) => plain)), remarked: this.#diagram.unionAll(flows.map(({ remarked }) => remarked)) };
  }
}

/** Outcomes of the rules of one chain, united at its end. */
class Gathering {
  readonly accepted: Flow[] = [];
  readonly dropped: Flow[] = [];
  readonly returned: Flow[] = [];
  readonly marked: Node[] = [];
  readonly lost: Node[] = [];
  readonly queued: Node[] = [];
  readonly refused: Node[] = [];
  readonly answered: Node[] = [];
  readonly released: Node[] = [];
  readonly #asked = new Map<string, Node[]>();
  readonly #doubts = new Map<number, { readonly what: string; readonly sets: Node[] }>();

  ask(identity: string, packets: Node): void {
    if (packets === empty) return;
    const known = this.#asked.get(identity);
    if (known === undefined) this.#asked.set(identity, [packets]);
    else known.push(packets);
  }

  doubt(doubt: Doubt): void {
    if (doubt.packets === empty) return;
    const known = this.#doubts.get(doubt.line);
    if (known === undefined) this.#doubts.set(doubt.line, { what: doubt.what, sets: [doubt.packets] });
    else known.sets.push(doubt.packets);
  }

  /** One for each line. */
  allDoubts(diagram: Diagram): Doubt[] {
    return [...this.#doubts].map(([line, { what, sets }]) => ({ line, what, packets: diagram.unionAll(sets) }));
  }

  allAsked(diagram: Diagram): Map<string, Node> {
    return new Map([...this.#asked].map(([identity, sets]) => [identity, diagram.unionAll(sets)]));
  }

  /** All but where the packets go. */
  take(other: Gathering): void {
    this.marked.push(...other.marked);
    this.lost.push(...other.lost);
    this.queued.push(...other.queued);
    this.refused.push(...other.refused);
    this.answered.push(...other.answered);
    this.released.push(...other.released);
    for (const [identity, sets] of other.#asked) for (const set of sets) this.ask(identity, set);
    for (const [line, { what, sets }] of other.#doubts) for (const packets of sets) this.doubt({ line, what, packets });
  }
}
