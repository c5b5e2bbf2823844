/**
 * Chains to steps over packet sets.
 *
 * Takes the tables of one family, gives for each chain of filter, mangle and security a list of rules with nothing left but what can change
 * a verdict or a mark. The one idea: what is not modelled stays in the list with its doubt, so that the executor says which packets it
 * concerns; rules that follow one another and send what they match to one place are one rule over the union of their matches.
 */
import type { Family } from '../../src/net/address.ts';
import { empty, full, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import type { Rate } from '../../src/policy/gateway-policy.ts';
import { missingForm, type Told } from '../../src/target/message-layouts.ts';
import type { Bounds, Lookups } from './read-lookups.ts';
import { type CurrentMark, Matches, type Matching } from './read-matches.ts';
import { limitRate, sharedRate } from './read-rates.ts';
import { isTarget, type Option, type ParsedRule, parseRule, type Section } from './read-rule.ts';
import { type Chain, Refusal, type Rule, type Table } from './read-tree.ts';
import { readNumber } from './read-values.ts';

export type Effect =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'mark' }
  /** Dropped, and answered with a reset of TCP. */
  | { readonly kind: 'reset' }
  /** What only resets passes; everything else goes on with the next rule. */
  | { readonly kind: 'release' }
  /** Only spends from a rate that others ask as well. */
  | { readonly kind: 'continue' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: number }
  /** Accepted but for what the engine behind the queue drops. */
  | { readonly kind: 'queue' }
  /** What becomes of the packet or its conversation is not known. */
  | { readonly kind: 'anything' };

export interface Asked {
  readonly identity: string;
  /** Packets that come to this rate, as they came and with the mark given. */
  readonly plain: Node;
  readonly remarked: Node;
}

export interface CompiledRule {
  readonly line: number;
  readonly plain: Bounds;
  readonly remarked: Bounds;
  readonly rates: readonly Asked[];
  readonly effect: Effect;
  /** What is not modelled. */
  readonly doubt: string | undefined;
}

export interface Compiled {
  readonly chains: readonly (readonly CompiledRule[])[];
  readonly numberOf: ReadonlyMap<string, number>;
  readonly rates: ReadonlyMap<string, Rate>;
  /** Rates on which a verdict or a mark depends. */
  readonly gating: ReadonlySet<string>;
  readonly tracked: Node;
  /** What the engine drops of what is queued. */
  readonly engineDrops: Node;
}

/** All matches of a rule, and the rates among them. */
interface MatchParts {
  readonly all: Matching;
  readonly rates: readonly Asked[];
}

/** What a rule of a chain reads from messages, and all else that it does. */
interface Looks {
  readonly does: string;
  readonly told: Told;
  readonly at: number;
}

/** Targets that let a packet go on as it is; the packet mark that some change is never read. */
export const harmlessTargets: ReadonlySet<string> = new Set([
  'LOG',
  'NFLOG',
  'ULOG',
  'AUDIT',
  'TRACE',
  'MARK',
  'CLASSIFY',
  'TCPMSS',
  'DSCP',
  'TOS',
  'CHECKSUM',
]);

/** Chains that the nft back end lets follow each other, the builtin one included. */
const deepest = 16;

export interface CompileContext {
  readonly space: PacketSpace;
  readonly mark: CurrentMark;
  readonly family: Family;
  readonly lookups: Lookups;
  readonly defragments: boolean;
  /** What the engine drops that takes packets from queues; undefined where nothing is known of one. */
  readonly engineDrops: Node | undefined;
  /** Queues that were met, of both families. */
  readonly queues: Set<string>;
  /** The text is ours: chains that only one back end takes are refused. */
  readonly strict: boolean;
  /** Every rule that cannot be read, every module and target that is not modelled, whether a packet comes there or not. */
  readonly doubted: (refusal: Refusal) => void;
}

export function compileChains(context: CompileContext, tables: readonly Table[]): Compiled {
  return new Compiler(context, tables).compile();
}

export function chainKey(table: string, chain: string): string {
  return `${table} ${chain}`;
}

class Compiler {
  readonly #context: CompileContext;
  readonly #tables: readonly Table[];
  readonly #matches: Matches;
  readonly #chains: (readonly CompiledRule[])[] = [];
  readonly #numberOf = new Map<string, number>();
  readonly #depthOf = new Map<string, number>();
  readonly #open = new Set<string>();
  readonly #rates = new Map<string, Rate>();
  readonly #gating = new Set<string>();

  constructor(context: CompileContext, tables: readonly Table[]) {
    const { space, mark, family, lookups, defragments } = context;
    this.#context = context;
    this.#tables = tables;
    this.#matches = new Matches(space, mark, family, lookups, defragments);
  }

  compile(): Compiled {
    for (const table of this.#tables) for (const chain of table.chains.values()) this.#chain(table, chain.name, chain.line);
    return {
      chains: this.#chains,
      numberOf: this.#numberOf,
      rates: this.#rates,
      gating: this.#gating,
      tracked: this.#matches.tracked,
      engineDrops: this.#context.engineDrops ?? empty,
    };
  }

  #chain(table: Table, name: string, line: number | undefined): number {
    const key = chainKey(table.name, name);
    const known = this.#numberOf.get(key);
    if (known !== undefined) return known;
    const chain = table.chains.get(name);
    if (chain === undefined) throw new Refusal(line, `the chain ${name} does not exist`);
    if (isTarget(name)) throw new Refusal(chain.line, `the chain ${name} has the name of a target`);
    if (this.#open.has(key)) throw new Refusal(line, `the chain ${name} leads back to itself`);
    this.#open.add(key);
    if (this.#open.size > 1000) throw new Refusal(line, 'chains lead on more than 1000 deep');
    let below = 0;
    const rules: CompiledRule[] = [];
    const looks: Looks[] = [];
    for (const rule of chain.rules) {
      const compiled = this.#guarded(rule, table, chain, (does, told) => looks.push({ does, told, at: rules.length }));
      if (compiled === undefined) continue;
      if ('chain' in compiled.effect) below = Math.max(below, this.#depthOf.get(String(compiled.effect.chain)) ?? 0);
      rules.push(compiled);
    }
    this.#open.delete(key);
    this.#checkForms(looks, rules);
    if (this.#context.strict && below + 1 > deepest) throw new Refusal(chain.line, `chains lead on more than ${deepest} deep from ${name}`);
    const number = this.#chains.length;
    this.#chains.push(this.#condensed(rules));
    this.#numberOf.set(key, number);
    this.#depthOf.set(String(number), below + 1);
    return number;
  }

  /** Rules that look into messages and do the same with them belong together: where a form is missing, nobody knows what they mean. */
  #checkForms(looks: readonly Looks[], rules: CompiledRule[]): void {
    for (let first = 0; first < looks.length;) {
      const start = looks[first] as Looks;
      let end = first + 1;
      while (looks[end]?.does === start.does && looks[end]?.at === start.at + end - first) end++;
      const run = looks.slice(first, end);
      const missing = missingForm(run.map(({ told }) => told));
      for (const { at } of missing === undefined ? [] : run) {
        const rule = rules[at];
        if (rule !== undefined) rules[at] = this.#anything(new Refusal(rule.line, missing ?? ''));
      }
      first = end;
    }
  }

  #anything(refusal: Refusal): CompiledRule {
    this.#context.doubted(refusal);
    const any: Bounds = { sure: empty, may: full };
    return { line: refusal.line ?? 0, plain: any, remarked: any, rates: [], effect: { kind: 'anything' }, doubt: refusal.message };
  }

  /**
   * A rule that cannot be read may do anything with any packet; one that misleads (a loop, a missing chain) is an error of the whole. `looks` is told
   * what it reads from messages, with all else that the rule does.
   */
  #guarded(rule: Rule, table: Table, chain: Chain, looks: (does: string, told: Told) => void): CompiledRule | undefined {
    let parsed: ParsedRule;
    let parts: MatchParts;
    try {
      const whole = parseRule(rule, (name) => table.chains.has(name));
      const releasing = withoutResets(whole);
      parsed = releasing ?? whole;
      parts = this.#parts(parsed, table, chain);
      if (releasing !== undefined) return this.#releasing(parsed, parts, table);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.#anything(new Refusal(rule.line, error.message));
    }
    const compiled = this.#rule(parsed, parts, table);
    if (compiled !== undefined) for (const section of parsed.matches) if (section.module === 'bpf') this.#look(section, parsed, looks);
    return compiled;
  }

  /** A segment that only resets passes there. */
  #releasing(rule: ParsedRule, parts: MatchParts, table: Table): CompiledRule | undefined {
    const compiled = this.#rule(rule, parts, table);
    return compiled === undefined ? undefined : { ...compiled, effect: { kind: 'release' } };
  }

  #look(section: Section, rule: ParsedRule, looks: (does: string, told: Told) => void): void {
    const { told } = this.#matches.said(section, rule);
    const others = rule.matches.filter(({ module }) => module !== 'bpf' && module !== 'comment');
    if (told !== undefined) looks(JSON.stringify([[...rule.header.values()], others, rule.target]), told);
  }

  #rule(rule: ParsedRule, { all, rates }: MatchParts, table: Table): CompiledRule | undefined {
    const { effect = { kind: 'continue' as const }, doubt } = this.#effect(rule, table);
    if (effect.kind === 'continue' && !rates.some(({ identity }) => identity.includes(' hashlimit '))) return undefined;
    if (effect.kind !== 'continue') for (const { identity } of rates) this.#gating.add(identity);
    const reason = doubt ?? (all.plain.sure === all.plain.may && all.remarked.sure === all.remarked.may ? undefined : all.reason);
    if (reason !== undefined && (doubt !== undefined || rule.matches.some((section) => section.options === undefined)))
      this.#context.doubted(new Refusal(rule.line, reason));
    return { line: rule.line, plain: all.plain, remarked: all.remarked, rates, effect, doubt: reason };
  }

  #parts(rule: ParsedRule, table: Table, chain: Chain): MatchParts {
    const matches = this.#matches;
    const before: Matching[] = [matches.header(rule)];
    const rates: Asked[] = [];
    for (const [index, section] of rule.matches.entries()) {
      const rate = this.#rate(section.module, section.options, `${table.name} ${chain.name}, line ${rule.line}, match ${index + 1}`, rule.line);
      if (rate === undefined) {
        before.push(matches.match(section, rule));
      } else {
        const { plain, remarked } = matches.all(before);
        rates.push({ identity: rate, plain: plain.may, remarked: remarked.may });
      }
    }
    return { all: matches.all(before), rates };
  }

  /** The identity of a rate; undefined for a match that is none, or not one bucket. */
  #rate(module: string, options: ParsedRule['matches'][number]['options'], where: string, line: number): string | undefined {
    if (options === undefined) return undefined;
    const family = `IPv${this.#context.family}`;
    if (module === 'limit') {
      const identity = `${family} ${where}`;
      this.#rates.set(identity, limitRate(options, line));
      return identity;
    }
    const shared = module === 'hashlimit' ? sharedRate(options, line) : undefined;
    if (shared === undefined) return undefined;
    const identity = `${family} hashlimit ${shared.name}`;
    const known = this.#rates.get(identity) ?? shared.rate;
    // The kernel keeps the rate of the first.
    if (known.amount !== shared.rate.amount || known.unit !== shared.rate.unit || known.burst !== shared.rate.burst)
      throw new Refusal(line, `two rules give the hashlimit ${shared.name} different rates`);
    this.#rates.set(identity, shared.rate);
    return identity;
  }

  /** Undefined for a rule that changes nothing. */
  #effect(rule: ParsedRule, table: Table): { effect: Effect | undefined; doubt?: string } {
    const { target } = rule;
    if (target === undefined) return { effect: undefined };
    if (target.kind === 'goto' || table.chains.has(target.name)) {
      if (table.chains.get(target.name)?.policy !== undefined) throw new Refusal(rule.line, `a rule leads to the builtin chain ${target.name}`);
      const chain = this.#chain(table, target.name, rule.line);
      if (this.#chains[chain]?.length !== 0) return { effect: { kind: target.kind, chain } };
      return { effect: target.kind === 'jump' ? undefined : { kind: 'return' } };
    }
    switch (target.name) {
      case 'ACCEPT':
        return { effect: { kind: 'accept' } };
      case 'DROP':
        return { effect: { kind: 'drop' } };
      case 'REJECT':
        return this.#reject(rule);
      case 'RETURN':
        return { effect: { kind: 'return' } };
      case 'CONNMARK':
        return this.#connmark(rule);
      case 'NFQUEUE':
        return this.#queue(rule);
      default:
        if (harmlessTargets.has(target.name)) return { effect: undefined };
        // It changes a set, and a lookup in that set says so.
        if (target.name === 'SET') return { effect: undefined };
        return { effect: { kind: 'anything' }, doubt: `the target ${target.name} is not modelled` };
    }
  }

  /** A reset is an answer that is asked for; other ways to refuse, which another program may have, end a packet like a drop, and are none of ours. */
  #reject(rule: ParsedRule): { effect: Effect; doubt?: string } {
    const [option, ...more] = rule.target?.options ?? [];
    if (option?.name === 'reject-with' && !option.negated && option.values[0] === 'tcp-reset' && more.length === 0) {
      const protocol = rule.header.get('protocol');
      if (protocol?.negated === false && /^(?:tcp|6)$/u.test(protocol.values[0] ?? '')) return { effect: { kind: 'reset' } };
      return { effect: { kind: 'anything' }, doubt: 'a reset answers something else than TCP' };
    }
    return this.#context.strict ? { effect: { kind: 'anything' }, doubt: 'REJECT with another answer than a reset of TCP' } : { effect: { kind: 'drop' } };
  }

  /** One queue for all: the engine takes its packets from one. */
  #queue(rule: ParsedRule): { effect: Effect | undefined; doubt?: string } {
    const [option, ...more] = rule.target?.options ?? [];
    const strange = (what: string): { effect: Effect; doubt: string } => ({ effect: { kind: 'anything' }, doubt: what });
    if (this.#context.engineDrops === undefined) return strange('the target NFQUEUE is not modelled without the files of what takes its packets');
    if (option?.name !== 'queue-num' || option.negated || more.length > 0) return strange('NFQUEUE with more than a number may let packets pass unseen');
    const number = option.values[0] ?? '';
    const { queues } = this.#context;
    queues.add(number);
    if (queues.size > 1 || !/^(?:0|[1-9]\d{0,4})$/u.test(number)) return strange('a second queue, which nobody looks into');
    return { effect: { kind: 'queue' } };
  }

  /** The new mark is `(old & ~mask) ^ value`, or `|` for `--set-mark`. */
  #connmark(rule: ParsedRule): { effect: Effect | undefined; doubt?: string } {
    const { mask: currentMask, value: current } = this.#context.mark;
    const options = rule.target?.options ?? [];
    const [option, ...more] = options;
    const strange = { effect: { kind: 'anything' as const }, doubt: 'CONNMARK sets something else than the mark of the policy in force' };
    if (option?.name === 'restore-mark' || options.some(({ name }) => name === 'restore-mark')) return { effect: undefined };
    if (option === undefined || option.negated || more.length > 0) return strange;
    const [value, givenMask, ...rest] = (option.values[0] ?? '').split('/').map(readNumber);
    if (value === undefined || rest.length > 0) return strange;
    const set = setting(option.name, value, givenMask ?? 0xffff_ffff);
    if (set === undefined) return strange;
    // Bits outside of ours are not ours to judge.
    if (((set.clear | set.flip) & currentMask) === 0) return { effect: undefined };
    const becomesCurrent = (currentMask & ~set.clear) === 0 && ((set.flip ^ current) & currentMask) === 0;
    return becomesCurrent ? { effect: { kind: 'mark' } } : strange;
  }

  #condensed(rules: readonly CompiledRule[]): CompiledRule[] {
    const { diagram } = this.#context.space;
    const result: CompiledRule[] = [];
    for (let at = 0; at < rules.length;) {
      const first = rules[at] as CompiledRule;
      let end = at + 1;
      if (isSorting(first))
        for (let next = rules[end]; next !== undefined && isSorting(next) && sameEffect(first.effect, next.effect); next = rules[end]) end++;
      if (end - at === 1) {
        result.push(first);
      } else {
        const set = diagram.unionAll(rules.slice(at, end).map((rule) => rule.plain.sure));
        const bounds: Bounds = { sure: set, may: set };
        result.push({ ...first, plain: bounds, remarked: bounds });
      }
      at = end;
    }
    return result;
  }
}

/**
 * The rest of a rule that accepts segments of TCP which only reset (`--tcp-flags FIN,SYN,RST,PSH,URG RST`); undefined for any other. A packet of
 * the space is no reset, so what else is done with one is left to the matches.
 */
function withoutResets(rule: ParsedRule): ParsedRule | undefined {
  const { target } = rule;
  if (target?.kind !== 'jump' || target.name !== 'ACCEPT' || rule.matches.some(({ module }) => module === 'bpf')) return undefined;
  const isReset = ({ name, negated, values: [asked = '', set] }: Option): boolean =>
    name === 'tcp-flags' && !negated && set === 'RST' && asked.split(',').toSorted().join() === 'FIN,PSH,RST,SYN,URG';
  const section = rule.matches.find(({ module, options }) => module === 'tcp' && options?.some(isReset) === true);
  if (section === undefined) return undefined;
  const options = section.options?.filter((option) => !isReset(option));
  return { ...rule, matches: rule.matches.map((one) => (one === section ? { ...one, options } : one)) };
}

/** A rule from which nothing goes on that it matches, whatever was done before. */
function isSorting({ plain, remarked, rates, effect }: CompiledRule): boolean {
  const leaves =
    effect.kind === 'accept' ||
    effect.kind === 'drop' ||
    effect.kind === 'reset' ||
    effect.kind === 'return' ||
    effect.kind === 'goto' ||
    effect.kind === 'queue';
  return leaves && rates.length === 0 && plain === remarked && plain.sure === plain.may;
}

function sameEffect(a: Effect, b: Effect): boolean {
  return a.kind === b.kind && (!('chain' in a) || !('chain' in b) || a.chain === b.chain);
}

/** Bits of the old mark that are cleared, and those flipped afterwards. */
function setting(option: string, value: number, mask: number): { readonly clear: number; readonly flip: number } | undefined {
  switch (option) {
    case 'set-xmark':
      return { clear: mask, flip: value };
    case 'set-mark':
      return { clear: mask | value, flip: value };
    case 'and-mark':
      return { clear: ~value, flip: 0 };
    case 'or-mark':
      return { clear: value, flip: value };
    case 'xor-mark':
      return { clear: 0, flip: value };
    default:
      return undefined;
  }
}
