/**
 * Compiled rules to packet sets: every packet at once through the chains of each hook.
 *
 * Takes classes of rules and base chains, gives what may pass and what may be dropped. A limit may match or not, so both ways are followed;
 * what may pass and cannot be dropped is accepted. The one idea: a chain does with a packet what it does, whoever sent it there; so each
 * chain is run once with all packets there are, and whoever leads to it takes its share of the outcome. Packets that were given the
 * current mark on their way travel apart.
 */
import { type Diagram, empty, full, type Node } from '../../src/packets/diagram.ts';
import type { Compiled, CompiledRule, Step, Target, VerdictRow } from './read-compile.ts';
import { Condenser } from './read-condense.ts';
import { Refusal } from './read-tree.ts';

/**
 * The set `keep` less its subset `less`. What goes on behind a large lookup is mostly dropped by the policy of the chain, so the
 * difference is taken only where somebody asks.
 */
interface Part {
  readonly keep: Node;
  readonly less: Node;
}

/** Packets on their way: with the mark they came with, and with the current one given to them on the way. */
interface Flow {
  readonly plain: Part;
  readonly remarked: Part;
}

/** What a chain does with packets. */
interface Outcome {
  readonly accepted: Flow;
  readonly dropped: Node;
  /** Packets that come back to whoever jumped here. */
  readonly returned: Flow;
  /** Packets to which the current mark was given. */
  readonly marked: Node;
  /** Packets that are answered with a reset. */
  readonly answered: Node;
  /** Packets in whose place a reset passes. */
  readonly released: Node;
  /** Packets that asked each limit. */
  readonly asked: ReadonlyMap<string, Node>;
  /** Packets of which the reader cannot say what a rule does with them. */
  readonly unknown: readonly { readonly packets: Node; readonly refusal: Refusal }[];
}

export interface BaseChainRun {
  readonly class: number;
  readonly policy: 'accept' | 'drop';
}

const noPart: Part = { keep: empty, less: empty };
const nothing: Flow = { plain: noPart, remarked: noPart };

export class Executor {
  readonly #diagram: Diagram;
  readonly #compiled: Compiled;
  readonly #condenser: Condenser;
  readonly #refuse: (refusal: Refusal) => void;
  /** Whether anybody asks for what is dropped. */
  readonly #drops: boolean;
  /** Outcomes of the classes for all packets, with the mark they came with and with one given on the way. */
  readonly #outcomes = { plain: new Map<number, Outcome>(), remarked: new Map<number, Outcome>() };
  readonly #marked: Node[] = [];
  readonly #answered: Node[] = [];
  readonly #released: Node[] = [];
  readonly #asked = new Map<string, Node[]>();

  constructor(diagram: Diagram, compiled: Compiled, drops: boolean, refuse: (refusal: Refusal) => void) {
    this.#diagram = diagram;
    this.#compiled = compiled;
    this.#condenser = new Condenser(diagram, compiled.classes);
    this.#drops = drops;
    this.#refuse = refuse;
  }

  /** Packets to which the current mark was given so far. */
  get marked(): Node {
    return this.#diagram.unionAll(this.#marked);
  }

  /** Packets that were answered with a reset so far. */
  get answered(): Node {
    return this.#diagram.unionAll(this.#answered);
  }

  /** Packets in whose place a reset passed so far. */
  get released(): Node {
    return this.#diagram.unionAll(this.#released);
  }

  /** Packets that asked each limit so far. */
  get asked(): ReadonlyMap<string, Node> {
    return new Map([...this.#asked].map(([identity, sets]) => [identity, this.#diagram.unionAll(sets)]));
  }

  /** The base chains of a hook in their order; what one accepts goes on to the next. */
  hook(chains: readonly BaseChainRun[], incoming: Node): { readonly passing: Node; readonly dropped: Node } {
    let flow: Flow = { plain: { keep: incoming, less: empty }, remarked: noPart };
    const dropped: Node[] = [];
    for (const [index, chain] of chains.entries()) {
      const gathered = new Gathering();
      const returned = this.#run(chain.class, flow, gathered);
      this.#marked.push(...gathered.marked);
      this.#answered.push(...gathered.answered);
      this.#released.push(...gathered.released);
      // What becomes of a reset there is not followed.
      if (index < chains.length - 1 && gathered.released.some((set) => set !== empty))
        this.#refuse(new Refusal(undefined, 'a reset is let through to another base chain'));
      for (const [identity, sets] of gathered.asked) this.#asked.set(identity, [...(this.#asked.get(identity) ?? []), ...sets]);
      for (const { refusal } of gathered.unknown) this.#refuse(refusal);
      dropped.push(...gathered.dropped);
      flow = this.#unionAll(gathered.accepted);
      if (chain.policy === 'accept') flow = this.#union(flow, returned);
      else if (this.#drops) dropped.push(this.#whole(returned));
    }
    return { passing: this.#whole(flow), dropped: this.#diagram.unionAll(dropped) };
  }

  /** The share of some packets in what a class does; gives what comes back. */
  #run(number: number, incoming: Flow, into: Gathering): Flow {
    const back: Flow[] = [];
    for (const kind of ['plain', 'remarked'] as const) {
      const packets = this.#taken(incoming[kind]);
      if (packets === empty) continue;
      const { accepted, dropped, returned, marked, answered, released, asked, unknown } = this.#outcome(number, kind);
      into.accepted.push(this.#share(accepted, packets));
      into.dropped.push(this.#diagram.intersect(dropped, packets));
      into.marked.push(this.#diagram.intersect(marked, packets));
      into.answered.push(this.#diagram.intersect(answered, packets));
      into.released.push(this.#diagram.intersect(released, packets));
      for (const [identity, set] of asked) into.ask(identity, this.#diagram.intersect(set, packets));
      for (const one of unknown) into.doubt(this.#diagram.intersect(one.packets, packets), one.refusal);
      back.push(this.#share(returned, packets));
    }
    const [first, second] = back;
    return first === undefined ? nothing : second === undefined ? first : this.#union(first, second);
  }

  #outcome(number: number, kind: 'plain' | 'remarked'): Outcome {
    const known = this.#outcomes[kind].get(number);
    if (known !== undefined) return known;
    const gathered = new Gathering();
    let flow: Flow = { ...nothing, [kind]: { keep: full, less: empty } };
    for (const rule of this.#condenser.rules(number)) {
      if (isEmpty(flow)) break;
      flow = this.#rule(rule, flow, gathered);
    }
    gathered.returned.push(flow);
    const returned = gathered.returned.filter((back) => !isEmpty(back));
    const outcome: Outcome = {
      accepted: this.#unionAll(gathered.accepted),
      dropped: this.#diagram.unionAll(gathered.dropped),
      returned: returned.length === 1 ? (returned[0] ?? nothing) : this.#unionAll(returned),
      marked: this.#diagram.unionAll(gathered.marked),
      answered: this.#diagram.unionAll(gathered.answered),
      released: this.#diagram.unionAll(gathered.released),
      asked: new Map([...gathered.asked].map(([identity, sets]) => [identity, this.#diagram.unionAll(sets)])),
      unknown: gathered.unknown,
    };
    this.#outcomes[kind].set(number, outcome);
    return outcome;
  }

  /** What goes on with the next rule. */
  #rule(rule: CompiledRule, incoming: Flow, result: Gathering): Flow {
    /** Packets that match so far. */
    let here = incoming;
    /** Packets that go on; those that match are among them until they leave or are `changed` by a mark. */
    let rest = incoming;
    let staying = false;
    let changed = false;
    const leave = (there: Flow, back: Flow): void => {
      if (changed) rest = this.#union(rest, back);
      else if (staying) rest = { plain: rest.plain, remarked: this.#unite(rest.remarked, back.remarked) };
      else rest = { plain: this.#exchange(rest.plain, there.plain, back.plain), remarked: this.#exchange(rest.remarked, there.remarked, back.remarked) };
    };
    for (const step of rule.steps) {
      if (isEmpty(here)) break;
      switch (step.kind) {
        case 'match':
          this.#checkKnown(rule, step, here, result);
          if (changed) rest = this.#union(rest, this.#without(here, step.set, step.remarked));
          here = this.#only(here, step.set, step.remarked);
          break;
        case 'limit': {
          result.ask(step.identity, this.#whole(here));
          // It may not match: then they go on as well.
          if (changed) rest = this.#union(rest, here);
          staying = true;
          break;
        }
        case 'mark': {
          leave(here, nothing);
          changed = true;
          // Without a conversation there is nothing to mark.
          const { tracked } = this.#compiled;
          const marked = this.#intersect(here.plain, tracked);
          here = { plain: this.#subtract(here.plain, tracked), remarked: this.#unite(here.remarked, marked) };
          result.marked.push(this.#taken(here.remarked));
          break;
        }
        case 'release':
          // They go on: what is a packet here is no reset.
          result.released.push(this.#whole(here));
          break;
        case 'verdict':
          leave(here, this.#follow(step.target, here, result));
          here = nothing;
          break;
        case 'verdicts':
          this.#checkKnown(rule, step, here, result);
          leave(...this.#followAll(step.rows, here, result));
          if (changed) for (const row of step.rows) here = this.#without(here, row.set, row.remarked);
          break;
      }
    }
    return changed ? this.#union(rest, here) : rest;
  }

  /** Rows share no packet, so what leaves by all of them and what comes back is put together once: a map may have thousands. */
  #followAll(rows: readonly VerdictRow[], here: Flow, result: Gathering): [there: Flow, back: Flow] {
    const there: Flow[] = [];
    const back: Flow[] = [];
    for (const row of rows) {
      const part = this.#only(here, row.set, row.remarked);
      if (isEmpty(part)) continue;
      there.push(part);
      back.push(this.#follow(row.target, part, result));
    }
    return [this.#disjoint(there), this.#disjoint(back)];
  }

  /** What comes back to go on with the next rule. */
  #follow(target: Target, flow: Flow, result: Gathering): Flow {
    switch (target.kind) {
      case 'accept':
        result.accepted.push(flow);
        return nothing;
      case 'reset':
        result.answered.push(this.#whole(flow));
        if (this.#drops) result.dropped.push(this.#whole(flow));
        return nothing;
      case 'drop':
        if (this.#drops) result.dropped.push(this.#whole(flow));
        return nothing;
      case 'return':
        result.returned.push(flow);
        return nothing;
      case 'jump':
        return this.#run(target.class, flow, result);
      case 'goto':
        // Behind a goto the way back is that of the chain it stands in.
        result.returned.push(this.#run(target.class, flow, result));
        return nothing;
    }
  }

  #checkKnown(rule: CompiledRule, step: Extract<Step, { kind: 'match' | 'verdicts' }>, here: Flow, result: Gathering): void {
    if (step.unknown === empty) return;
    result.doubt(this.#whole(this.#only(here, step.unknown, step.unknown)), new Refusal(rule.place.line, `${rule.place.name}: ${step.reason}`));
  }

  /** The packets of a flow that are among some. */
  #share(flow: Flow, packets: Node): Flow {
    const part = ({ keep, less }: Part): Part => {
      const mine = this.#diagram.intersect(keep, packets);
      return mine === empty ? noPart : { keep: mine, less: this.#diagram.intersect(less, packets) };
    };
    return packets === full ? flow : { plain: part(flow.plain), remarked: part(flow.remarked) };
  }

  /** Flows that share no packet. */
  #disjoint(flows: readonly Flow[]): Flow {
    const part = (parts: readonly Part[]): Part => ({
      keep: this.#diagram.unionAll(parts.map(({ keep }) => keep)),
      less: this.#diagram.unionAll(parts.map(({ less }) => less)),
    });
    return { plain: part(flows.map(({ plain }) => plain)), remarked: part(flows.map(({ remarked }) => remarked)) };
  }

  #only(flow: Flow, plain: Node, remarked: Node): Flow {
    return { plain: this.#intersect(flow.plain, plain), remarked: this.#intersect(flow.remarked, remarked) };
  }

  #without(flow: Flow, plain: Node, remarked: Node): Flow {
    return { plain: this.#subtract(flow.plain, plain), remarked: this.#subtract(flow.remarked, remarked) };
  }

  #union(a: Flow, b: Flow): Flow {
    return { plain: this.#unite(a.plain, b.plain), remarked: this.#unite(a.remarked, b.remarked) };
  }

  #unionAll(flows: readonly Flow[]): Flow {
    return { plain: this.#uniteAll(flows.map((flow) => flow.plain)), remarked: this.#uniteAll(flows.map((flow) => flow.remarked)) };
  }

  /** All packets of the flow. */
  #whole(flow: Flow): Node {
    return this.#diagram.union(this.#taken(flow.plain), this.#taken(flow.remarked));
  }

  #taken(part: Part): Node {
    return this.#diagram.subtract(part.keep, part.less);
  }

  #intersect(part: Part, set: Node): Part {
    return { keep: this.#diagram.subtract(this.#diagram.intersect(part.keep, set), part.less), less: empty };
  }

  #subtract(part: Part, set: Node): Part {
    return part.keep === empty ? noPart : { keep: part.keep, less: this.#diagram.union(part.less, this.#diagram.intersect(part.keep, set)) };
  }

  /** `part` less `there`, which is within it, and again what came `back` of that. */
  #exchange(part: Part, there: Part, back: Part): Part {
    if (there.keep === empty) return this.#unite(part, back);
    // Everything left, as behind a rule that asks for nothing.
    if (there.keep === part.keep && there.less === part.less) return back;
    // All came back but what was taken on the way (a part has lost only what it had).
    if (back.keep === there.keep && there.less === empty) return { keep: part.keep, less: this.#diagram.union(part.less, back.less) };
    return this.#unite(this.#subtract(part, this.#taken(there)), back);
  }

  #unite(a: Part, b: Part): Part {
    if (a.keep === empty) return b;
    if (b.keep === empty) return a;
    return { keep: this.#diagram.union(this.#taken(a), this.#taken(b)), less: empty };
  }

  #uniteAll(parts: readonly Part[]): Part {
    const filled = parts.filter((part) => part.keep !== empty);
    const [only] = filled;
    if (only === undefined) return noPart;
    return filled.length === 1 ? only : { keep: this.#diagram.unionAll(filled.map((part) => this.#taken(part))), less: empty };
  }
}

/** Outcomes of the rules of one chain, united at its end. */
class Gathering {
  readonly accepted: Flow[] = [];
  readonly dropped: Node[] = [];
  readonly returned: Flow[] = [];
  readonly marked: Node[] = [];
  readonly answered: Node[] = [];
  readonly released: Node[] = [];
  readonly asked = new Map<string, Node[]>();
  readonly unknown: { readonly packets: Node; readonly refusal: Refusal }[] = [];

  ask(identity: string, packets: Node): void {
    const known = this.asked.get(identity);
    if (known === undefined) this.asked.set(identity, [packets]);
    else known.push(packets);
  }

  doubt(packets: Node, refusal: Refusal): void {
    if (packets !== empty) this.unknown.push({ packets, refusal });
  }
}

/** True only if there is nothing in it; a part from which everything was taken may not know. */
function isEmpty(flow: Flow): boolean {
  return flow.plain.keep === empty && flow.remarked.keep === empty;
}
