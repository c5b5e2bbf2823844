/**
 * Rules to steps over packet sets.
 *
 * Takes the rule tree, gives for each chain its class: a list of rules with nothing left but what changes a verdict, a
 * mark or a rate. Chains that do the same share one class, so ten thousand chains that only count and log are one, and
 * the elements of a verdict map that lead to them are built as one set.
 */
import { empty, fields, full, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { type CurrentMark, type Key, Keys, type Matching, setTypes, shown } from './read-keys.ts';
import type { Told } from '../../src/target/message-layouts.ts';
import { checkForms, isPayload, type PayloadMatch, selectedBy } from './read-messages.ts';
import { type Box, groupsOverlap } from './read-products.ts';
import { type Chain, type Entry, type Item, type NamedSet, type Place, Refusal, type Rule, type RuleTree, type Statement, type Verdict } from './read-tree.ts';
import type { Rate } from '../../src/policy/gateway-policy.ts';

/** Where a verdict leads; `class` numbers a compiled chain. */
export type Target = { readonly kind: 'accept' | 'drop' | 'reset' | 'return' } | { readonly kind: 'jump' | 'goto'; readonly class: number };

/** A set of packets, and the same for packets that were given the current mark on their way. */
export interface MatchStep extends Matching {
  readonly kind: 'match';
  readonly remarked: Node;
}

export interface VerdictRow {
  readonly set: Node;
  readonly remarked: Node;
  readonly target: Target;
}

export type Step =
  | MatchStep
  | { readonly kind: 'limit'; readonly identity: string }
  | { readonly kind: 'mark' }
  /** What only resets passes; everything else goes on with the next rule. */
  | { readonly kind: 'release' }
  | { readonly kind: 'verdict'; readonly target: Target }
  /** Rows are disjoint; what matches none of them goes on with the next rule. */
  | { readonly kind: 'verdicts'; readonly rows: readonly VerdictRow[]; readonly unknown: Node; readonly reason: string };

export interface CompiledRule {
  readonly place: Place;
  readonly steps: readonly Step[];
}

export interface Compiled {
  readonly classes: readonly (readonly CompiledRule[])[];
  readonly classOf: ReadonlyMap<string, number>;
  readonly rates: ReadonlyMap<string, Rate>;
  readonly tracked: Node;
}

/** Chains that the kernel lets follow each other, the base chain included (NFT_JUMP_STACK_SIZE). */
const deepest = 16;

/** Compiles every chain; what is not modelled goes to `refuse`. */
export function compileRules(space: PacketSpace, mark: CurrentMark, tree: RuleTree, refuse: (refusal: Refusal) => void): Compiled {
  return new Compiler(space, mark, tree, refuse).compile();
}

class Compiler {
  readonly #space: PacketSpace;
  readonly #mark: CurrentMark;
  readonly #tree: RuleTree;
  readonly #refuse: (refusal: Refusal) => void;
  readonly #keys: Keys;
  readonly #classes: (readonly CompiledRule[])[] = [];
  readonly #classOf = new Map<string, number>();
  readonly #depthOf = new Map<string, number>();
  readonly #known = new Map<string, number>();
  readonly #open = new Set<string>();
  readonly #rates = new Map<string, Rate>();
  readonly #matchings = new Map<string, Matching>();
  readonly #gating: ReadonlySet<string>;
  readonly #segments: Node;

  constructor(space: PacketSpace, mark: CurrentMark, tree: RuleTree, refuse: (refusal: Refusal) => void) {
    this.#space = space;
    this.#mark = mark;
    this.#tree = tree;
    this.#refuse = refuse;
    this.#keys = new Keys(space, mark);
    this.#gating = gatingLimits(tree);
    this.#segments = space.among(fields.protocol, [6]);
  }

  compile(): Compiled {
    for (const name of this.#tree.chains.keys()) {
      this.#guarded(() => this.#class(name, undefined));
    }
    return { classes: this.#classes, classOf: this.#classOf, rates: this.#rates, tracked: this.#keys.tracked };
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error);
    }
  }

  /** The class of a chain; callees first, so that equal chains are equal texts of numbers. */
  #class(name: string, from: Place | undefined): number {
    const known = this.#classOf.get(name);
    if (known !== undefined) return known;
    const chain = this.#tree.chains.get(name);
    if (chain === undefined) throw new Refusal(from?.line, `the chain ${name} does not exist`);
    if (this.#open.has(name)) throw new Refusal(from?.line, `the chain ${name} leads back to itself`);
    if (this.#open.size >= deepest) throw new Refusal(from?.line, `chains lead on more than ${deepest} deep`);
    if (from !== undefined && chain.base !== undefined) throw new Refusal(from.line, `a verdict leads to the base chain ${name}`);
    this.#open.add(name);
    const rules: CompiledRule[] = [];
    let run: { text: string; readonly told: Told[] } = { text: '', told: [] };
    const end = (line: number | undefined, text = ''): void => {
      const { told } = run;
      run = { text, told: [] };
      this.#guarded(() => {
        checkForms(told, line);
      });
    };
    for (const rule of chain.rules) {
      this.#guarded(() => {
        const told: Told[] = [];
        const steps = this.#rule(rule, chain, told);
        if (steps.length > 0) rules.push({ place: rule.place, steps });
        // Rules that look into messages and do the same with them belong together.
        const text =
          told.length === 0
            ? ''
            : JSON.stringify(rule.statements.filter((one) => one.kind !== 'match' || !one.key.every(({ name }) => isPayload(name) || name === 'meta l4proto')));
        if (text !== run.text) end(rule.place.line, text);
        run.told.push(...told);
      });
    }
    end(chain.place.line);
    this.#open.delete(name);
    this.#depthOf.set(name, this.#depth(chain));
    const number = this.#number(rules);
    this.#classOf.set(name, number);
    return number;
  }

  /** Chains below, itself included; a memoised callee may stand deeper than where it was first met. */
  #depth(chain: Chain): number {
    let below = 0;
    for (const rule of chain.rules) {
      for (const target of targetsOf(rule, this.#tree)) below = Math.max(below, this.#depthOf.get(target) ?? 0);
    }
    if (below + 1 > deepest) this.#refuse(new Refusal(chain.place.line, `chains lead on more than ${deepest} deep from ${chain.place.name}`));
    return below + 1;
  }

  #number(rules: readonly CompiledRule[]): number {
    const text = rules.map((rule) => rule.steps.map(stepText).join(' ')).join('\n');
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const number = this.#classes.length;
    this.#classes.push(rules);
    this.#known.set(text, number);
    return number;
  }

  /** The steps of a rule that can change anything; none if the rule only counts or logs. `told` gets what it says of messages. */
  #rule(rule: Rule, chain: Chain, told: Told[]): Step[] {
    const { line } = rule.place;
    const steps: Step[] = [];
    let pending: MatchStep | undefined;
    let before: Node = full;
    const named: Key[] = [];
    let effect = false;
    let resets = false;
    const payloads: PayloadMatch[] = [];
    const flush = (): void => {
      if (payloads.length > 0) {
        const families = named.some((one) => one.looks.some((look) => look.family !== undefined || look.type === 'nf_proto'));
        // Behind a match that names a family nft asks for none any more.
        if (families && payloads.some(({ names }) => names.includes('ip6 length')) && this.#space.diagram.subtract(before, this.#space.family(6)) !== empty)
          throw new Refusal(line, 'the length of IPv6 is read behind a match after which nft leaves out a check that it implies');
        const alone = !named.some(({ looks }) => looks.some(isOfProtocol));
        const { told: messages, ...selected } = selectedBy(this.#space, payloads, alone, line);
        if (messages !== undefined) told.push(messages);
        pending = this.#both(pending, { kind: 'match', ...selected, remarked: selected.set });
        payloads.length = 0;
      }
      if (pending !== undefined) steps.push(pending);
      pending = undefined;
    };
    for (const [index, statement] of rule.statements.entries()) {
      switch (statement.kind) {
        case 'match': {
          if (statement.key.some(({ name }) => isPayload(name))) {
            payloads.push(this.#payload(statement, line));
            break;
          }
          const key = this.#keys.key(statement.key, line);
          this.#checkImplied(key, before, named, line);
          const step = this.#match(key, statement, line);
          before = this.#space.diagram.intersect(before, step.set);
          named.push(key);
          pending = this.#both(pending, step);
          break;
        }
        case 'vmap': {
          const key = this.#keys.key(statement.key, line);
          this.#checkImplied(key, before, named, line);
          const step = this.#verdicts(key, statement, rule.place);
          flush();
          if (step.rows.length > 0) {
            effect = true;
            steps.push(step);
          }
          break;
        }
        case 'limit': {
          flush();
          const identity = this.#limit(statement.limit, `${chain.place.name}, ${rule.place.name}, ${index}`, line);
          effect ||= this.#gating.has(identity);
          steps.push({ kind: 'limit', identity });
          break;
        }
        case 'counter':
          if (statement.name !== undefined && !this.#tree.counters.has(statement.name)) throw new Refusal(line, `the counter ${statement.name} does not exist`);
          break;
        case 'log':
          break;
        case 'mark':
          flush();
          this.#checkMark(statement, line);
          effect = true;
          steps.push({ kind: 'mark' });
          break;
        case 'resets':
          // Behind a match that names a protocol nft asks for none any more.
          if (named.some(({ looks }) => looks.some(isOfProtocol)) && this.#space.diagram.subtract(before, this.#segments) !== empty)
            throw new Refusal(line, 'a reset is looked for among other packets than TCP');
          pending = this.#both(pending, { kind: 'match', set: this.#segments, remarked: this.#segments, unknown: empty, reason: '' });
          resets = true;
          break;
        case 'verdict': {
          if (statement.verdict.kind === 'reset' && (resets || this.#space.diagram.subtract(before, this.#segments) !== empty))
            throw new Refusal(line, 'a reset answers something else than a segment of TCP that is none itself');
          const target = this.#target(statement.verdict, rule.place);
          flush();
          if (resets) {
            // A packet of the space is no reset; whatever else is done with one is not modelled.
            if (statement.verdict.kind !== 'accept') throw new Refusal(line, 'a reset is not let through, but something else is done with it');
            effect = true;
            steps.push({ kind: 'release' });
          } else if (target !== undefined) {
            effect = true;
            steps.push({ kind: 'verdict', target });
          }
          break;
        }
      }
    }
    if (resets && (steps.at(-1)?.kind !== 'release' || steps.some(({ kind }) => kind === 'mark')))
      throw new Refusal(line, 'a reset is looked for, but not let through');
    return effect ? steps : [];
  }

  /**
   * nft adds the checks that a key implies (`tcp dport`: TCP), but leaves them out where an earlier match of the rule
   * has named a family or protocol, right or wrong; then the earlier matches must have made sure of them.
   */
  #checkImplied(key: Key, before: Node, earlier: readonly Key[], line: number | undefined): void {
    const omitted = this.#keys.omittedChecks(key, earlier);
    if (this.#space.diagram.subtract(before, omitted) !== empty)
      throw new Refusal(line, `${key.name} stands behind a match after which nft leaves out a check that it implies`);
  }

  /** A comparison of bytes, with the elements of the set that it may name. */
  #payload({ key, negated, operand }: Extract<Statement, { kind: 'match' }>, line: number | undefined): PayloadMatch {
    const names = key.map(({ name }) => name);
    if (names.some((name) => !isPayload(name))) throw new Refusal(line, `${names.join(' . ')} mixes bytes with other keys`);
    if (operand.kind === 'items') return { names, negated, items: operand.items };
    const set = this.#tree.sets.get(operand.name);
    if (set === undefined) throw new Refusal(line, `the set ${operand.name} does not exist`);
    // Two numbers may be ranges: a first address, and how many there are.
    const ranges = set.interval && (names.length !== 2 || !names.every((name) => name.startsWith('@ih,')));
    if (set.entries !== undefined || ranges || set.types.length !== names.length || set.types.some((type) => type !== 'integer'))
      throw new Refusal(line, `@${operand.name} is no set of ${names.length} numbers`);
    return { names, negated, items: set.items };
  }

  #match(key: Key, statement: Extract<Statement, { kind: 'match' }>, line: number | undefined): MatchStep {
    const { operand } = statement;
    if (operand.kind === 'set') {
      const set = this.#named(operand.name, key, line);
      if (set.entries !== undefined) throw new Refusal(line, `@${operand.name} is a map, not a set`);
      return this.#step(
        key,
        this.#remembered(`${statement.negated ? 'not ' : ''}${set.place.name}\n${key.name}`, () =>
          this.#keys.matching(key, this.#boxes(key, set.items, set.place.line, set), statement.negated),
        ),
      );
    }
    return this.#step(key, this.#keys.matching(key, this.#boxes(key, operand.items, line), statement.negated));
  }

  #verdicts(key: Key, statement: Extract<Statement, { kind: 'vmap' }>, place: Place): Extract<Step, { kind: 'verdicts' }> {
    const { operand } = statement;
    let entries: readonly Entry[];
    let { line } = place;
    let map: NamedSet | undefined;
    if (operand.kind === 'map') {
      map = this.#named(operand.name, key, line);
      if (map.entries === undefined) throw new Refusal(line, `@${operand.name} is a set, not a verdict map`);
      ({
        entries,
        place: { line },
      } = map);
    } else {
      ({ entries } = operand);
    }
    const byVerdict = new Map<string, Box[]>();
    const byTarget = new Map<string, { target: Target; boxes: Box[] }>();
    let previous: { readonly verdict: Verdict; readonly boxes: Box[]; readonly same: Box[] | undefined } | undefined;
    for (const entry of entries) {
      const boxes = this.#element(key, entry.item, line, map);
      if (previous === undefined || !sameVerdict(previous.verdict, entry.verdict)) {
        const written = getOrMake(byVerdict, verdictText(entry.verdict), (): Box[] => []);
        const target = this.#target(entry.verdict, place);
        const row = target === undefined ? undefined : getOrMake(byTarget, targetText(target), () => ({ target, boxes: [] }));
        previous = { verdict: entry.verdict, boxes: written, same: row?.boxes };
      }
      for (const box of boxes) {
        previous.boxes.push(box);
        previous.same?.push(box);
      }
    }
    const groups = [...byVerdict.values()];
    if (groups.length > 1 && groupsOverlap(this.#space.diagram, key.slots, groups)) {
      throw new Refusal(line, `${map?.place.name ?? 'a verdict map'} gives one key two verdicts`);
    }
    let unknown: Node = empty;
    let reason = '';
    const rows: VerdictRow[] = [];
    for (const { target, boxes } of byTarget.values()) {
      const build = (): Matching => this.#keys.matching(key, boxes, false);
      const step = this.#step(key, map === undefined ? build() : this.#remembered(`${map.place.name}\n${key.name}\n${targetText(target)}`, build));
      rows.push({ set: step.set, remarked: step.remarked, target });
      unknown = this.#space.diagram.union(unknown, step.unknown);
      reason ||= step.reason;
    }
    return { kind: 'verdicts', rows, unknown, reason };
  }

  #boxes(key: Key, items: readonly Item[], line: number | undefined, set?: NamedSet): Box[] {
    const result: Box[] = [];
    for (const item of items) for (const box of this.#element(key, item, line, set)) result.push(box);
    return result;
  }

  /** The boxes of one element; a named set holds ranges only where it says so. */
  #element(key: Key, item: Item, line: number | undefined, set: NamedSet | undefined): readonly Box[] {
    const boxes = this.#keys.boxes(key, item, line);
    if (set?.interval === false && boxes.some((box) => box.some((bound, index) => index % 2 === 0 && bound !== box[index + 1]))) {
      throw new Refusal(line, `${set.place.name} holds ${item.map(shown).join(' . ')} without flags interval`);
    }
    return boxes;
  }

  /** The named set, if its type is that of the key. */
  #named(name: string, key: Key, line: number | undefined): NamedSet {
    const set = this.#tree.sets.get(name);
    if (set === undefined) throw new Refusal(line, `the set ${name} does not exist`);
    for (const type of set.types) if (!setTypes.has(type)) throw new Refusal(set.place.line, `a set of type ${type} is not modelled`);
    if (set.types.join(' . ') !== key.types.join(' . ')) throw new Refusal(line, `@${name} is of type ${set.types.join(' . ')}, ${key.name} is not`);
    return set;
  }

  #remembered(name: string, build: () => Matching): Matching {
    const known = this.#matchings.get(name);
    if (known !== undefined) return known;
    const made = build();
    this.#matchings.set(name, made);
    return made;
  }

  /** Packets that were given the current mark on their way match as if they had come with it. */
  #step(key: Key, matching: Matching): MatchStep {
    const { diagram } = this.#space;
    const { level } = fields.mark;
    const remarked = this.#keys.looksAtMark(key) ? diagram.forget(diagram.intersect(matching.set, this.#space.markCurrent(true)), level, level) : matching.set;
    return { kind: 'match', ...matching, remarked };
  }

  /** Two matches as one; unknown is what neither can rule out and not both can affirm. */
  #both(a: MatchStep | undefined, b: MatchStep): MatchStep {
    if (a === undefined) return b;
    const { diagram } = this.#space;
    const unknown = diagram.union(
      diagram.intersect(a.unknown, diagram.union(b.unknown, diagram.union(b.set, b.remarked))),
      diagram.intersect(b.unknown, diagram.union(a.set, a.remarked)),
    );
    return {
      kind: 'match',
      set: diagram.intersect(a.set, b.set),
      remarked: diagram.intersect(a.remarked, b.remarked),
      unknown,
      reason: a.unknown === empty ? b.reason : a.reason,
    };
  }

  #limit(limit: string | Rate, where: string, line: number | undefined): string {
    if (typeof limit !== 'string') {
      this.#rates.set(where, limit);
      return where;
    }
    const rate = this.#tree.limits.get(limit);
    if (rate === undefined) throw new Refusal(line, `the limit ${limit} does not exist`);
    this.#rates.set(limit, rate);
    return limit;
  }

  /** The mark becomes the current one whatever it was before. */
  #checkMark(statement: Extract<Statement, { kind: 'mark' }>, line: number | undefined): void {
    const { keep, set, flip } = statement;
    const { mask, value } = this.#mark;
    // Bits that depend on the old mark: kept and not set.
    const free = keep & ~set;
    const result = (set ^ flip) >>> 0;
    if (((free & mask) | ((result ^ value) & mask)) !== 0) throw new Refusal(line, 'ct mark is set to something else than the mark of the policy in force');
  }

  /** Undefined where the verdict changes nothing: `continue`, or a jump to a chain that only counts or logs. */
  #target(verdict: Verdict, place: Place): Target | undefined {
    switch (verdict.kind) {
      case 'continue':
        return undefined;
      case 'accept':
      case 'drop':
      case 'reset':
      case 'return':
        return { kind: verdict.kind };
      case 'jump':
      case 'goto': {
        const number = this.#class(verdict.chain, place);
        if (this.#classes[number]?.length !== 0) return { kind: verdict.kind, class: number };
        return verdict.kind === 'jump' ? undefined : { kind: 'return' };
      }
    }
  }
}

/** Whether nft takes the protocol for named behind it. */
function isOfProtocol({ type, protocol, anyPorts }: Key['looks'][number]): boolean {
  return type === 'inet_proto' || protocol !== undefined || anyPorts === true;
}

/** Limits that stand in a rule with a verdict or a mark: their packets count wherever they are asked. */
function gatingLimits(tree: RuleTree): ReadonlySet<string> {
  const result = new Set<string>();
  for (const chain of tree.chains.values()) {
    for (const rule of chain.rules) {
      const gates = rule.statements.some(
        (statement) => statement.kind === 'vmap' || statement.kind === 'mark' || (statement.kind === 'verdict' && statement.verdict.kind !== 'continue'),
      );
      if (!gates) continue;
      for (const [index, statement] of rule.statements.entries()) {
        if (statement.kind === 'limit') result.add(typeof statement.limit === 'string' ? statement.limit : `${chain.place.name}, ${rule.place.name}, ${index}`);
      }
    }
  }
  return result;
}

/** Chains that a rule may lead to. */
function targetsOf(rule: Rule, tree: RuleTree): ReadonlySet<string> {
  const result = new Set<string>();
  const add = (verdict: Verdict): void => {
    if (verdict.kind === 'jump' || verdict.kind === 'goto') result.add(verdict.chain);
  };
  for (const statement of rule.statements) {
    if (statement.kind === 'verdict') add(statement.verdict);
    if (statement.kind !== 'vmap') continue;
    const entries = statement.operand.kind === 'entries' ? statement.operand.entries : (tree.sets.get(statement.operand.name)?.entries ?? []);
    for (const entry of entries) add(entry.verdict);
  }
  return result;
}

function sameVerdict(a: Verdict, b: Verdict): boolean {
  return verdictText(a) === verdictText(b);
}

function verdictText(verdict: Verdict): string {
  return verdict.kind === 'jump' || verdict.kind === 'goto' ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

function targetText(target: Target): string {
  return target.kind === 'jump' || target.kind === 'goto' ? `${target.kind} ${target.class}` : target.kind;
}

function stepText(step: Step): string {
  switch (step.kind) {
    case 'match':
      return `match ${step.set},${step.remarked},${step.unknown};`;
    case 'limit':
      return `limit ${step.identity};`;
    case 'mark':
    case 'release':
      return `${step.kind};`;
    case 'verdict':
      return `${targetText(step.target)};`;
    case 'verdicts':
      return `verdicts ${step.unknown}: ${step.rows.map((row) => `${row.set},${row.remarked} ${targetText(row.target)}`).join(', ')};`;
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
