/**
 * The reader of nftables: what a ruleset does, as packet sets.
 *
 * Takes the text that we emit, or what `nft -j list ruleset` says of a gateway; gives the packets that pass, that a rate
 * may let pass, and that are marked. It shares no code with the emitter and models what it can model exactly; anything
 * else is a refusal. One thing nft itself does not tell: it prints `meta l4proto icmp icmp type X` and `icmp type X`
 * alike, though only the second checks the family, so a running ruleset is read as the second.
 */
import type { AddressSet } from '../../src/net/address-set.ts';
import { type Hook, hooks } from '../../src/packets/packet.ts';
import { empty, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { possible } from '../../src/policy/sets.ts';
import { type ConntrackMark, type EmittedFile, markIn, type ReadContext, type ReadLimit, type ReadResult } from '../../src/target/target.ts';
import { namedAddresses, namedInterfaces } from './read-borders.ts';
import { type Compiled, compileRules } from './read-compile.ts';
import { type BaseChainRun, Executor } from './read-execute.ts';
import { parseJson, type Running } from './read-json.ts';
import { parseText } from './read-text.ts';
import { type BaseChain, Refusal, type RuleTree } from './read-tree.ts';

/** Reads the one file that the emitter writes. */
export function read(files: readonly EmittedFile[], context: ReadContext): ReadResult {
  return guarded(() => {
    const [file] = files;
    if (files.length !== 1 || file === undefined) throw new Refusal(undefined, `one ruleset is expected, not ${files.length} files`);
    return execute(parsed(file), context, []);
  }, context);
}

/** What rules do that were parsed already. */
export function readTree(tree: RuleTree, context: ReadContext): ReadResult {
  return guarded(() => execute(tree, context, []), context);
}

/** The addresses that the files name; none of a file that cannot be read, which `read` refuses. */
export function borders(files: readonly EmittedFile[]): readonly AddressSet[] {
  return files.flatMap((file) => {
    const tree = parsed(file);
    return tree instanceof Refusal ? [] : namedAddresses(tree);
  });
}

const trees = new WeakMap<EmittedFile, RuleTree | Refusal>();

/** A file is asked for its borders first and read afterwards; it is parsed once. */
function parsed(file: EmittedFile): RuleTree | Refusal {
  const tree = trees.get(file) ?? parse(file.text);
  trees.set(file, tree);
  return tree;
}

function parse(text: string): RuleTree | Refusal {
  return orRefusal(() => parseText(text));
}

/** Reads the output of `nft -j list ruleset`. */
export function readRunning(files: readonly EmittedFile[], context: ReadContext): ReadResult {
  const dump = running(files);
  if (dump instanceof Refusal) return { ...nothing(context.space), refusals: [{ line: dump.line, what: dump.message }], unreadable: dump.message };
  const { tree, others } = dump;
  if (tree !== undefined) return guarded(() => execute(tree, context, others), context);
  // Where no table of ours hooks, the kernel passes everything.
  return { ...nothing(context.space), unknown: empty, accepted: possible(context.space), others, missing: 'the gateway runs no table inet zonewright' };
}

/** The addresses that a running ruleset names. */
export function runningBorders(files: readonly EmittedFile[]): readonly AddressSet[] {
  const tree = runningTree(files);
  return tree === undefined ? [] : namedAddresses(tree);
}

/** The interfaces that a running ruleset names. */
export function runningInterfaces(files: readonly EmittedFile[]): readonly string[] {
  const tree = runningTree(files);
  return tree === undefined ? [] : namedInterfaces(tree);
}

/** The mark that the running rules set; undefined if they set none, or several. */
export function runningMark(files: readonly EmittedFile[]): ConntrackMark | undefined {
  const found = new Map<string, ConntrackMark>();
  for (const chain of runningTree(files)?.chains.values() ?? []) {
    for (const statement of chain.rules.flatMap((rule) => rule.statements)) {
      if (statement.kind !== 'mark') continue;
      const mask = ~statement.keep >>> 0;
      const value = ((statement.set ^ statement.flip) & mask) >>> 0;
      found.set(`${mask} ${value}`, { mask, value });
    }
  }
  return found.size === 1 ? [...found.values()][0] : undefined;
}

function runningTree(files: readonly EmittedFile[]): RuleTree | undefined {
  const dump = running(files);
  return dump instanceof Refusal || dump.tree instanceof Refusal ? undefined : dump.tree;
}

const dumps = new WeakMap<EmittedFile, Running | Refusal>();

/** A dump is asked for its borders and its mark before it is read; it is parsed once. A refusal: it is no dump at all. */
function running(files: readonly EmittedFile[]): Running | Refusal {
  const [file] = files;
  if (files.length !== 1 || file === undefined) return new Refusal(undefined, `one output of nft -j list ruleset is expected, not ${files.length} files`);
  const known = dumps.get(file) ?? orRefusal(() => parseJson(file.text));
  dumps.set(file, known);
  return known;
}

function orRefusal<Value>(work: () => Value): Value | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Nothing is known. */
function nothing(space: PacketSpace): ReadResult {
  return { accepted: empty, maybe: empty, marked: empty, limits: [], unknown: possible(space), refusals: [], others: [] };
}

/** A refusal anywhere is a result without sets. */
function guarded(work: () => ReadResult, { space }: ReadContext): ReadResult {
  const result = orRefusal(work);
  return result instanceof Refusal ? { ...nothing(space), refusals: [{ line: result.line, what: result.message }] } : result;
}

function execute(tree: RuleTree | Refusal, context: ReadContext, others: readonly string[]): ReadResult {
  const refusals: { line: number | undefined; what: string }[] = [];
  const told = new Set<string>();
  const refuse = (refusal: Refusal): void => {
    const text = `${refusal.line} ${refusal.message}`;
    if (!told.has(text)) refusals.push({ line: refusal.line, what: refusal.message });
    told.add(text);
  };
  const { space } = context;
  if (tree instanceof Refusal) {
    refuse(tree);
    return { ...nothing(space), refusals, others };
  }
  const { diagram } = space;
  const compiled = compileRules(space, markIn(context), tree, refuse);
  const universe = possible(space);
  const run = (executor: Executor, incoming: Node): { passing: Node; dropped: Node } => {
    const outcomes = hooks.map((hook) => executor.hook(baseChains(tree, compiled, hook, refuse), diagram.intersect(incoming, space.hook(hook))));
    return { passing: diagram.unionAll(outcomes.map((outcome) => outcome.passing)), dropped: diagram.unionAll(outcomes.map((outcome) => outcome.dropped)) };
  };
  const executor = new Executor(diagram, compiled, false, refuse);
  const { passing } = run(executor, universe);
  const asked = executor.asked;
  // Only packets that ask a limit can both pass and be dropped; those go through once more.
  const forked = run(new Executor(diagram, compiled, true, refuse), diagram.unionAll([...asked.values()]));
  const maybe = diagram.intersect(forked.passing, forked.dropped);
  const limits: ReadLimit[] = [];
  for (const [identity, packets] of asked) {
    const rate = compiled.rates.get(identity);
    if (rate !== undefined && packets !== empty) limits.push({ identity, rate, packets });
  }
  limits.sort((a, b) => (a.identity < b.identity ? -1 : 1));
  return {
    accepted: diagram.subtract(passing, maybe),
    maybe,
    marked: executor.marked,
    answered: executor.answered,
    released: executor.released,
    limits,
    // A rule that is left out may stand before any other.
    unknown: refusals.length > 0 ? universe : empty,
    refusals,
    others,
  };
}

/** The base chains of a hook in the order in which packets meet them. */
function baseChains(tree: RuleTree, compiled: Compiled, hook: Hook, refuse: (refusal: Refusal) => void): BaseChainRun[] {
  const chains: (BaseChainRun & BaseChain)[] = [];
  for (const [name, chain] of tree.chains) {
    const number = compiled.classOf.get(name);
    if (chain.base?.hook === hook && number !== undefined) chains.push({ ...chain.base, class: number });
  }
  // The kernel's order of equal priorities depends on how they were loaded.
  if (new Set(chains.map((chain) => chain.priority)).size < chains.length) refuse(new Refusal(undefined, `two chains hook ${hook} with one priority`));
  return chains.sort((a, b) => a.priority - b.priority);
}
