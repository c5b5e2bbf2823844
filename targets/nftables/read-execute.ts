/**
 * Compiled rules to packet sets: every packet at once through the chains of each hook.
 *
 * Takes classes of rules and base chains, gives what may pass and what may be dropped. A limit may match or not, so
 * both ways are followed; what may pass and cannot be dropped is accepted. The one idea: a chain is run once for each
 * set that reaches it, never for a packet, and packets that were given the current mark on their way travel apart.
 */
import { empty, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import type { Compiled, CompiledRule, Step, Target } from './read-compile.ts';
import { Refusal } from './read-tree.ts';

/** Packets on their way: with the mark they came with, and with the current one given to them on the way. */
export interface Flow {
  readonly plain: Node;
  readonly remarked: Node;
}

interface Outcome {
  readonly accepted: Flow;
  readonly dropped: Node;
  /** Packets that come back to whoever jumped here. */
  readonly returned: Flow;
}

export interface BaseChainRun {
  readonly class: number;
  readonly policy: 'accept' | 'drop';
}

/** What happens on one hook: packets that may pass, and packets that may be dropped. */
export interface HookOutcome {
  readonly passing: Node;
  readonly dropped: Node;
}

const nothing: Flow = { plain: empty, remarked: empty };

export class Executor {
  readonly #space: PacketSpace;
  readonly #compiled: Compiled;
  readonly #refuse: (refusal: Refusal) => void;
  readonly #memo = new Map<string, Outcome>();
  readonly #marked: Node[] = [];
  readonly #asked = new Map<string, Node[]>();

  constructor(space: PacketSpace, compiled: Compiled, refuse: (refusal: Refusal) => void) {
    this.#space = space;
    this.#compiled = compiled;
    this.#refuse = refuse;
  }

  /** Packets to which the current mark was given so far. */
  get marked(): Node {
    return this.#space.diagram.unionAll(this.#marked);
  }

  /** Packets that asked each limit so far. */
  get asked(): ReadonlyMap<string, Node> {
    return new Map([...this.#asked].map(([identity, sets]) => [identity, this.#space.diagram.unionAll(sets)]));
  }

  /** The base chains of a hook in their order; what one accepts goes on to the next. */
  hook(chains: readonly BaseChainRun[], incoming: Node): HookOutcome {
    const { diagram } = this.#space;
    let flow: Flow = { plain: incoming, remarked: empty };
    const dropped: Node[] = [];
    for (const chain of chains) {
      const outcome = this.#run(chain.class, flow);
      dropped.push(outcome.dropped);
      if (chain.policy === 'accept') {
        flow = this.#union(outcome.accepted, outcome.returned);
      } else {
        flow = outcome.accepted;
        dropped.push(outcome.returned.plain, outcome.returned.remarked);
      }
    }
    return { passing: diagram.union(flow.plain, flow.remarked), dropped: diagram.unionAll(dropped) };
  }

  #run(number: number, incoming: Flow): Outcome {
    const name = `${number} ${incoming.plain} ${incoming.remarked}`;
    const known = this.#memo.get(name);
    if (known !== undefined) return known;
    const result = new Gathering(this.#space);
    let flow = incoming;
    for (const rule of this.#compiled.classes[number] ?? []) {
      if (isEmpty(flow)) break;
      flow = this.#rule(rule, flow, result);
    }
    result.returned(flow);
    const outcome = result.outcome();
    this.#memo.set(name, outcome);
    return outcome;
  }

  /** What goes on with the next rule. */
  #rule(rule: CompiledRule, incoming: Flow, result: Gathering): Flow {
    const { diagram } = this.#space;
    let here = incoming;
    let passed = nothing;
    for (const step of rule.steps) {
      if (isEmpty(here)) break;
      switch (step.kind) {
        case 'match': {
          this.#checkKnown(rule, step, here);
          passed = this.#union(passed, { plain: diagram.subtract(here.plain, step.set), remarked: diagram.subtract(here.remarked, step.remarked) });
          here = { plain: diagram.intersect(here.plain, step.set), remarked: diagram.intersect(here.remarked, step.remarked) };
          break;
        }
        case 'limit': {
          const asked = this.#asked.get(step.identity) ?? [];
          asked.push(here.plain, here.remarked);
          this.#asked.set(step.identity, asked);
          passed = this.#union(passed, here);
          break;
        }
        case 'mark': {
          // Without a conversation there is nothing to mark.
          const marked = diagram.intersect(here.plain, this.#compiled.tracked);
          here = { plain: diagram.subtract(here.plain, marked), remarked: diagram.union(here.remarked, marked) };
          this.#marked.push(here.remarked);
          break;
        }
        case 'verdict':
          passed = this.#union(passed, this.#follow(step.target, here, result));
          here = nothing;
          break;
        case 'verdicts': {
          this.#checkKnown(rule, step, here);
          for (const row of step.rows) {
            const there = { plain: diagram.intersect(here.plain, row.set), remarked: diagram.intersect(here.remarked, row.remarked) };
            if (isEmpty(there)) continue;
            here = { plain: diagram.subtract(here.plain, row.set), remarked: diagram.subtract(here.remarked, row.remarked) };
            passed = this.#union(passed, this.#follow(row.target, there, result));
          }
          break;
        }
      }
    }
    return this.#union(passed, here);
  }

  /** What comes back to go on with the next rule. */
  #follow(target: Target, flow: Flow, result: Gathering): Flow {
    switch (target.kind) {
      case 'accept':
        result.accepted(flow);
        return nothing;
      case 'drop':
        result.dropped(flow);
        return nothing;
      case 'return':
        result.returned(flow);
        return nothing;
      case 'jump':
      case 'goto': {
        const outcome = this.#run(target.class, flow);
        result.accepted(outcome.accepted);
        result.dropped({ plain: outcome.dropped, remarked: empty });
        if (target.kind === 'jump') return outcome.returned;
        // Behind a goto the way back is that of the chain it stands in.
        result.returned(outcome.returned);
        return nothing;
      }
    }
  }

  #checkKnown(rule: CompiledRule, step: Extract<Step, { kind: 'match' | 'verdicts' }>, here: Flow): void {
    if (step.unknown === empty) return;
    const { diagram } = this.#space;
    if (diagram.intersect(step.unknown, diagram.union(here.plain, here.remarked)) !== empty) {
      this.#refuse(new Refusal(rule.place.line, `${rule.place.name}: ${step.reason}`));
    }
  }

  #union(a: Flow, b: Flow): Flow {
    const { diagram } = this.#space;
    return { plain: diagram.union(a.plain, b.plain), remarked: diagram.union(a.remarked, b.remarked) };
  }
}

function isEmpty(flow: Flow): boolean {
  return flow.plain === empty && flow.remarked === empty;
}

/** Outcomes of the rules of one chain, united at its end. */
class Gathering {
  readonly #space: PacketSpace;
  readonly #accepted: Flow[] = [];
  readonly #dropped: Flow[] = [];
  readonly #returned: Flow[] = [];

  constructor(space: PacketSpace) {
    this.#space = space;
  }

  accepted(flow: Flow): void {
    this.#accepted.push(flow);
  }

  dropped(flow: Flow): void {
    this.#dropped.push(flow);
  }

  returned(flow: Flow): void {
    this.#returned.push(flow);
  }

  outcome(): Outcome {
    const dropped = this.#all(this.#dropped);
    return {
      accepted: this.#all(this.#accepted),
      dropped: this.#space.diagram.union(dropped.plain, dropped.remarked),
      returned: this.#all(this.#returned),
    };
  }

  #all(flows: readonly Flow[]): Flow {
    const { diagram } = this.#space;
    return { plain: diagram.unionAll(flows.map((flow) => flow.plain)), remarked: diagram.unionAll(flows.map((flow) => flow.remarked)) };
  }
}
