/**
 * The reader of iptables: what the rules of both families and their sets do, as packet sets.
 *
 * Takes the texts that we emit, or what iptables-save, ip6tables-save and ipset save say of a gateway; gives the packets that pass, that a
 * rate may let pass, that are marked, and those of which it cannot say so. It shares no code with the emitter. Emitted files are read as
 * loaded into empty builtin chains. Assumed: conntrack puts fragments together before any rule (it does as soon as one rule asks for it),
 * and an IPv6 packet with an authentication header is one of the protocol 51 (the back ends look behind that header or not).
 */
import type { AddressSet } from '../../src/net/address-set.ts';
import { families, type Family } from '../../src/net/address.ts';
import { type Hook, hooks } from '../../src/packets/packet.ts';
import { empty, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { possible } from '../../src/policy/sets.ts';
import { type ConntrackMark, type EmittedFile, markIn, type ReadContext, type ReadLimit, type ReadResult } from '../../src/target/target.ts';
import { addressesInRules, addressesInSets, interfacesInRules, interfacesInSets } from './read-borders.ts';
import { chainKey, type Compiled, compileChains } from './read-compile.ts';
import { parseSettings } from './read-settings.ts';
import { conversationsOf, droppedBy, type EngineRule, parseEngineRules, protocolOf } from './read-suricata.ts';
import { type BuiltinChain, Executor, type Flow } from './read-execute.ts';
import { parseIpsets } from './read-ipset.ts';
import { Lookups } from './read-lookups.ts';
import { surroundings, tracks, volatileSets } from './read-others.ts';
import { parseRestore } from './read-restore.ts';
import { type Dump, type IpSet, Refusal, type Table } from './read-tree.ts';

/** A text with its parts, or why it cannot be read. */
interface Text<Parts> {
  readonly name: string;
  readonly parts: Parts | Refusal;
}

interface Texts {
  readonly rules: ReadonlyMap<Family, Text<Dump>>;
  readonly sets: Text<ReadonlyMap<string, IpSet>> | undefined;
  /** What the engine looks for, if there is one. */
  readonly engine: Engine | undefined;
  /** The texts are ours. */
  readonly strict: boolean;
}

interface Engine {
  readonly rules: Text<readonly EngineRule[]>;
  /** Ports on which it looks for each protocol. */
  readonly settings: Text<ReadonlyMap<string, ReadonlySet<number>>>;
}

type Refusals = { line: number | undefined; what: string }[];

const noSets: ReadonlyMap<string, IpSet> = new Map();
const ruleFiles: readonly (readonly [Family, string])[] = [
  [4, 'iptables.rules'],
  [6, 'ip6tables.rules'],
];
const setFile = 'ipset.rules';
const engineRuleFile = 'suricata.rules';
const settingsFile = 'suricata.yaml';

/** Reads the files that the emitter writes. */
export function read(files: readonly EmittedFile[], context: ReadContext): ReadResult {
  const refusals: Refusals = [];
  const known = new Set([setFile, engineRuleFile, settingsFile, ...ruleFiles.map(([, name]) => name)]);
  const byName = new Map<string, EmittedFile>();
  for (const file of files) {
    if (!known.has(file.name) || byName.has(file.name)) refusals.push({ line: undefined, what: `the file ${file.name} is not expected` });
    byName.set(file.name, file);
  }
  const rules = new Map<Family, Text<Dump>>();
  for (const [family, name] of ruleFiles) {
    const file = byName.get(name);
    rules.set(family, { name, parts: file === undefined ? new Refusal(undefined, 'the file is missing') : rulesOf(file) });
  }
  const sets = byName.get(setFile);
  const engine = engineOf(byName.get(engineRuleFile), byName.get(settingsFile));
  return readTexts({ rules, sets: sets === undefined ? undefined : { name: setFile, parts: setsOf(sets) }, engine, strict: true }, context, refusals);
}

/** Undefined where neither file is there; one without the other is refused. */
function engineOf(rules: EmittedFile | undefined, settings: EmittedFile | undefined): Engine | undefined {
  if (rules === undefined && settings === undefined) return undefined;
  const missing = new Refusal(undefined, 'the file is missing');
  return {
    rules: { name: rules?.name ?? engineRuleFile, parts: rules === undefined ? missing : engineRulesOf(rules) },
    settings: { name: settings?.name ?? settingsFile, parts: settings === undefined ? missing : settingsOf(settings) },
  };
}

/** Reads the outputs of iptables-save, ip6tables-save and ipset save, which are told apart by what stands in them. */
export function readRunning(files: readonly EmittedFile[], context: ReadContext): ReadResult {
  const refusals: Refusals = [];
  const rules = new Map<Family, Text<Dump>>();
  let sets: Texts['sets'];
  const [engineRules, settings] = [files.filter(({ text }) => isEngineRules(text)), files.filter(({ text }) => isSettings(text))];
  if (engineRules.length > 1 || settings.length > 1) refusals.push({ line: undefined, what: 'a second file of Suricata' });
  for (const file of files) {
    if (isOfEngine(file.text)) continue;
    // What `ipset save` prints where there is no set; a family of which nothing is printed is missed below.
    if (file.text.trim() === '') continue;
    if (isSets(file.text)) {
      if (sets !== undefined) refusals.push({ line: undefined, what: `${file.name}: a second output of ipset save` });
      sets ??= { name: file.name, parts: setsOf(file) };
      continue;
    }
    const family = familyOf(file.text);
    if (family === undefined) {
      refusals.push({
        line: undefined,
        what: `${file.name}: whether this is iptables-save or ip6tables-save cannot be told; keep the first line that it prints`,
      });
    } else if (rules.has(family)) {
      refusals.push({ line: undefined, what: `${file.name}: a second output of ${family === 4 ? 'iptables-save' : 'ip6tables-save'}` });
    } else {
      rules.set(family, { name: file.name, parts: rulesOf(file) });
    }
  }
  for (const family of families) {
    const tool = family === 4 ? 'iptables-save' : 'ip6tables-save';
    if (!rules.has(family)) rules.set(family, { name: tool, parts: new Refusal(undefined, 'its output is missing') });
  }
  return readTexts({ rules, sets, engine: engineOf(engineRules[0], settings[0]), strict: false }, context, refusals);
}

/** The addresses that emitted files or running outputs name; none of a text that cannot be read, which the readers refuse. */
export function borders(files: readonly EmittedFile[]): readonly AddressSet[] {
  return files.flatMap((file) => {
    if (isSettings(file.text)) return [];
    if (isEngineRules(file.text)) {
      const rules = engineRulesOf(file);
      return rules instanceof Refusal ? [] : [...new Set(rules.flatMap(({ source, destination }) => [source, destination]))];
    }
    if (isSets(file.text)) {
      const sets = setsOf(file);
      return sets instanceof Refusal ? [] : addressesInSets(sets);
    }
    const dump = rulesOf(file);
    return dump instanceof Refusal ? [] : addressesInRules(dump);
  });
}

/** The mark that rules of the filter give to conversations; undefined if they give none, or several. */
export function runningMark(files: readonly EmittedFile[]): ConntrackMark | undefined {
  const found = new Map<string, ConntrackMark>();
  for (const file of files) {
    const dump = isSets(file.text) || isOfEngine(file.text) ? undefined : rulesOf(file);
    if (dump === undefined || dump instanceof Refusal) continue;
    for (const rule of [...(dump.tables.get('filter')?.chains.values() ?? [])].flatMap((chain) => chain.rules)) {
      const at = rule.words.findIndex((word) => word.text === '--set-xmark');
      const numbers = /^(0x[0-9a-f]+|\d+)\/(0x[0-9a-f]+|\d+)$/u.exec(rule.words[at + 1]?.text ?? '');
      if (at < 0 || numbers === null || !rule.words.some((word) => word.text === 'CONNMARK')) continue;
      const [value, mask] = [Number(numbers[1]) >>> 0, Number(numbers[2]) >>> 0];
      found.set(`${value} ${mask}`, { value, mask });
    }
  }
  return found.size === 1 ? [...found.values()][0] : undefined;
}

/**
 * The interfaces that files name, sorted. A space that does not tell them apart from others that the gateway does not declare leaves open
 * what the rules about them do.
 */
export function interfaces(files: readonly EmittedFile[]): readonly string[] {
  const names = files.flatMap((file) => {
    if (isOfEngine(file.text)) return [];
    if (isSets(file.text)) {
      const sets = setsOf(file);
      return sets instanceof Refusal ? [] : interfacesInSets(sets);
    }
    const dump = rulesOf(file);
    return dump instanceof Refusal ? [] : interfacesInRules(dump);
  });
  return [...new Set(names)].sort();
}

const dumps = new WeakMap<EmittedFile, Dump | Refusal>();
const ipsets = new WeakMap<EmittedFile, ReadonlyMap<string, IpSet> | Refusal>();
const engineRuleSets = new WeakMap<EmittedFile, readonly EngineRule[] | Refusal>();

/** A file is asked for its borders first and read afterwards; it is parsed once. */
function rulesOf(file: EmittedFile): Dump | Refusal {
  return remembered(dumps, file, parseRestore);
}

function setsOf(file: EmittedFile): ReadonlyMap<string, IpSet> | Refusal {
  return remembered(ipsets, file, parseIpsets);
}

function engineRulesOf(file: EmittedFile): readonly EngineRule[] | Refusal {
  return remembered(engineRuleSets, file, parseEngineRules);
}

function settingsOf(file: EmittedFile): ReadonlyMap<string, ReadonlySet<number>> | Refusal {
  return caught(() => parseSettings(file.text));
}

function remembered<Parts>(memory: WeakMap<EmittedFile, Parts | Refusal>, file: EmittedFile, parse: (text: string) => Parts): Parts | Refusal {
  const known = memory.get(file) ?? caught(() => parse(file.text));
  memory.set(file, known);
  return known;
}

function caught<Value>(work: () => Value): Value | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function isSets(text: string): boolean {
  return /^(?:create|add|flush) /u.test(text.replaceAll(/^(?:#.*)?\n/gmu, ''));
}

function isSettings(text: string): boolean {
  return text.startsWith('%YAML');
}

function isEngineRules(text: string): boolean {
  return /^(?:alert|drop|pass|reject) /u.test(text.replaceAll(/^(?:#.*)?\n/gmu, ''));
}

function isOfEngine(text: string): boolean {
  return isSettings(text) || isEngineRules(text);
}

/** By the line that the tool prints first, else by what only one family has. */
function familyOf(text: string): Family | undefined {
  const header = /^# Generated by (ip6?)tables(?:-\w+)?-save\b/mu.exec(text);
  if (header !== null) return header[1] === 'ip6' ? 6 : 4;
  const dump = caught(() => parseRestore(text));
  if (dump instanceof Refusal) return undefined;
  const named = addressesInRules(dump);
  const four = named.some((set) => set.v4.length > 0);
  const six = named.some((set) => set.v6.length > 0);
  return four === six ? undefined : four ? 4 : 6;
}

/** What one family makes of its packets. */
interface FamilyResult {
  readonly accepted: Node;
  readonly maybe: Node;
  readonly marked: Node;
  readonly unknown: Node;
  readonly answered: Node;
  readonly released: Node;
  readonly limits: readonly ReadLimit[];
}

function readTexts(texts: Texts, context: ReadContext, refusals: Refusals): ReadResult {
  const { space } = context;
  const { diagram } = space;
  const others: string[] = [];
  // What could not be told apart may be anything.
  const before = refusals.length > 0;
  if (texts.sets?.parts instanceof Refusal) refusals.push(placed(texts.sets.name, texts.sets.parts));
  const inspected = inspectedBy(space, texts.engine, refusals);
  const queues = new Set<string>();
  const universe = possible(space);
  const parts = families.map((family): FamilyResult => {
    const packets = diagram.intersect(universe, space.family(family));
    const text = texts.rules.get(family);
    const result =
      text === undefined || before
        ? new Refusal(undefined, 'nothing is known')
        : caught(() => readFamily(family, text, texts, inspected, queues, context, packets, refusals, others));
    if (!(result instanceof Refusal)) return result;
    if (text !== undefined && !before) refusals.push(placed(text.name, result));
    return { accepted: empty, maybe: empty, marked: empty, unknown: packets, answered: empty, released: empty, limits: [] };
  });
  // A text that is no whole dump, or is missing, leaves nothing to compare.
  const broken = [...texts.rules.values(), ...(texts.sets === undefined ? [] : [texts.sets])].find((text) => text.parts instanceof Refusal);
  const unreadable = texts.strict || (!before && broken === undefined) ? undefined : refusals[0];
  return {
    ...(unreadable === undefined ? {} : { unreadable: `${unreadable.what}${unreadable.line === undefined ? '' : ` (line ${unreadable.line})`}` }),
    accepted: diagram.unionAll(parts.map(({ accepted }) => accepted)),
    maybe: diagram.unionAll(parts.map(({ maybe }) => maybe)),
    marked: diagram.unionAll(parts.map(({ marked }) => marked)),
    unknown: diagram.unionAll(parts.map(({ unknown }) => unknown)),
    answered: diagram.unionAll(parts.map(({ answered }) => answered)),
    released: diagram.unionAll(parts.map(({ released }) => released)),
    limits: parts.flatMap(({ limits }) => limits),
    refusals,
    others,
  };
}

/** What the engine drops of queued packets, and what it has to see for that. */
interface Inspected {
  readonly dropped: Node;
  readonly conversations: Node;
}

/** Undefined where there is no engine, or it cannot be read. */
function inspectedBy(space: PacketSpace, engine: Engine | undefined, refusals: Refusals): Inspected | undefined {
  if (engine === undefined) return undefined;
  const { rules, settings } = engine;
  for (const { name, parts } of [rules, settings]) if (parts instanceof Refusal) refusals.push(placed(name, parts));
  if (rules.parts instanceof Refusal || settings.parts instanceof Refusal) return undefined;
  const looked = settings.parts;
  // What its parser is not asked about passes whatever the rules say.
  const isBlind = (rule: EngineRule): boolean => {
    const protocol = protocolOf(rule);
    const ports = protocol === undefined ? [...looked.values()] : [looked.get(protocol)];
    return rule.ports.some(({ first, last }) => portsBetween(first, last).some((port) => !ports.some((some) => some?.has(port))));
  };
  const blind = rules.parts.find(isBlind);
  if (blind !== undefined)
    refusals.push(placed(rules.name, new Refusal(blind.line, `${settings.name} does not look for ${protocolOf(blind) ?? 'any protocol'} on these ports`)));
  return blind === undefined ? { dropped: droppedBy(space, rules.parts), conversations: conversationsOf(space, rules.parts) } : undefined;
}

function portsBetween(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function placed(name: string, refusal: Refusal): { line: number | undefined; what: string } {
  return { line: refusal.line, what: `${name}: ${refusal.message}` };
}

function readFamily(
  family: Family,
  text: Text<Dump>,
  texts: Texts,
  inspected: Inspected | undefined,
  queues: Set<string>,
  context: ReadContext,
  packets: Node,
  refusals: Refusals,
  others: string[],
): FamilyResult {
  const { space } = context;
  const mark = markIn(context);
  const { diagram } = space;
  const { name, parts: dump } = text;
  if (dump instanceof Refusal) throw dump;
  const sets = texts.sets?.parts instanceof Refusal ? noSets : (texts.sets?.parts ?? noSets);
  const found = new Map<string, Refusal>();
  const refuse = (refusal: Refusal): void => void found.set(`${refusal.line} ${refusal.message}`, refusal);
  const everyDump = [...texts.rules.values()].flatMap(({ parts }) => (parts instanceof Refusal ? [] : [parts]));
  const tables = ['mangle', 'filter', 'security'].flatMap((table) => dump.tables.get(table) ?? []).map(withoutOuterChains);
  const compiled = compileChains(
    {
      space,
      mark,
      family,
      lookups: new Lookups(space, sets, volatileSets(everyDump)),
      defragments: tracks(dump),
      engineDrops: inspected?.dropped,
      queues,
      strict: texts.strict,
      doubted: (refusal) => texts.strict && refuse(refusal),
    },
    tables,
  );
  const run = (executor: Executor, incoming: Node): { passing: Flow; dropped: Flow } => {
    const outcomes = hooks.map((hook) => executor.hook(builtinChains(tables, compiled, hook), diagram.intersect(incoming, space.hook(hook))));
    const all = (flows: readonly Flow[]): Flow => ({
      plain: diagram.unionAll(flows.map(({ plain }) => plain)),
      remarked: diagram.unionAll(flows.map(({ remarked }) => remarked)),
    });
    return { passing: all(outcomes.map(({ passing }) => passing)), dropped: all(outcomes.map(({ dropped }) => dropped)) };
  };
  const whole = (flow: Flow): Node => diagram.union(flow.plain, flow.remarked);
  const executor = new Executor(diagram, compiled, false);
  const passing = whole(run(executor, packets).passing);
  const unseen = diagram.intersect(diagram.subtract(passing, diagram.unionAll(executor.found.queued)), inspected?.conversations ?? empty);
  if (unseen !== empty) refuse(new Refusal(undefined, 'packets of a conversation that Suricata looks into pass without being queued'));
  const asked = executor.found.allAsked(diagram);
  const doubts = executor.found.allDoubts(diagram);
  // With a packet that the engine drops its conversation ends: that it was marked before has no effect.
  const marked = diagram.subtract(diagram.unionAll(executor.found.marked), diagram.unionAll(executor.found.refused));
  const around = surroundings(dump, name);
  others.push(...around.others);
  for (const { line, what } of around.dangers) refuse(new Refusal(line, what));

  // Only packets that ask a rate or meet what is not modelled can have two fates; those go through once more.
  const limited = diagram.unionAll([...asked].map(([identity, set]) => (compiled.gating.has(identity) ? set : empty)));
  const doubted = diagram.unionAll(doubts.map((doubt) => doubt.packets));
  const forked = run(new Executor(diagram, compiled, true), diagram.union(limited, doubted));
  const either = diagram.intersect(whole(forked.passing), whole(forked.dropped));
  const unmarked = diagram.union(forked.passing.plain, forked.dropped.plain);
  // A packet has two fates by what is not modelled: it passes or not, its conversation is marked or not, it spends from a rate or not.
  const open = diagram.unionAll([either, diagram.intersect(marked, unmarked), limited]);
  const lost = diagram.unionAll(executor.found.lost);
  const undecided = diagram.union(open, lost);
  for (const { packets: met, line, what } of doubts) if (diagram.intersect(met, undecided) !== empty) refuse(new Refusal(line, what));
  const unknown = diagram.unionAll([
    diagram.intersect(doubted, open),
    lost,
    ...around.dangers.map((danger) => diagram.intersect(packets, diagram.unionAll(danger.hooks.map((hook) => space.hook(hook))))),
  ]);
  for (const refusal of found.values()) refusals.push(placed(name, refusal));
  const known = (set: Node): Node => diagram.subtract(set, unknown);
  const limits: ReadLimit[] = [];
  for (const [identity, set] of asked) {
    const rate = compiled.rates.get(identity);
    if (rate !== undefined && compiled.gating.has(identity)) limits.push({ identity, rate, packets: set });
  }
  limits.sort((a, b) => (a.identity < b.identity ? -1 : 1));
  const { found: met } = executor;
  return {
    accepted: known(diagram.subtract(passing, either)),
    maybe: known(either),
    marked: known(marked),
    unknown,
    answered: known(diagram.unionAll(met.answered)),
    released: known(diagram.unionAll(met.released)),
    limits,
  };
}

/** The chains of mangle that see packets as the filter does. */
function withoutOuterChains(table: Table): Table {
  if (table.name !== 'mangle') return table;
  return { ...table, chains: new Map([...table.chains].filter(([name]) => name !== 'PREROUTING' && name !== 'OUTPUT' && name !== 'POSTROUTING')) };
}

/** The builtin chains of a hook in the order in which packets meet them. */
function builtinChains(tables: readonly Table[], compiled: Compiled, hook: Hook): BuiltinChain[] {
  return tables.flatMap((table) => {
    const chain = table.chains.get(hook.toUpperCase());
    const number = chain === undefined ? undefined : compiled.numberOf.get(chainKey(table.name, chain.name));
    return chain?.policy === undefined || number === undefined ? [] : [{ chain: number, policy: chain.policy }];
  });
}
