/**
 * What the tables beside the filter do with the same packets.
 *
 * Takes the tables of one family, gives what stands in nat, raw and the outer chains of mangle: what rewrites packets or their state is
 * told, and what may drop them or touch their marks leaves nothing known on the hooks it stands before or behind. The one idea: those chains
 * see a packet at another moment than the filter (before routing, before its addresses are rewritten, with another hop limit), so their
 * matches are not compared with its fields.
 */
import { type Hook, hooks } from '../../src/packets/packet.ts';
import { harmlessTargets } from './read-compile.ts';
import { parseRule } from './read-rule.ts';
import { type Dump, Refusal, type Rule, type Table } from './read-tree.ts';

export interface Surroundings {
  /** Rewriting, tracking and redirecting, one line for each kind. */
  readonly others: readonly string[];
  /** What may drop packets of these hooks, or change their marks. */
  readonly dangers: readonly { readonly hooks: readonly Hook[]; readonly line: number | undefined; readonly what: string }[];
}

/** Chains that are no part of what the reader executes. */
const outer: ReadonlyMap<string, readonly string[]> = new Map([
  ['raw', ['PREROUTING', 'OUTPUT']],
  ['mangle', ['PREROUTING', 'OUTPUT', 'POSTROUTING']],
  ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
]);

const hooksOf: ReadonlyMap<string, readonly Hook[]> = new Map<string, readonly Hook[]>([
  ['PREROUTING', ['forward', 'input']],
  ['INPUT', ['input']],
  ['OUTPUT', ['output']],
  ['POSTROUTING', ['forward', 'output']],
]);

const rewriting: ReadonlyMap<string, string> = new Map([
  ['DNAT', 'rewrites addresses'],
  ['SNAT', 'rewrites addresses'],
  ['MASQUERADE', 'rewrites addresses'],
  ['REDIRECT', 'rewrites addresses'],
  ['NETMAP', 'rewrites addresses'],
  ['CT', 'decides what conntrack sees'],
  ['NOTRACK', 'decides what conntrack sees'],
  ['TPROXY', 'hands packets to programs'],
]);

export function surroundings(dump: Dump, name: string): Surroundings {
  const told = new Map<string, number[]>();
  const dangers: { hooks: readonly Hook[]; line: number | undefined; what: string }[] = [];
  for (const [tableName, starts] of outer) {
    const table = dump.tables.get(tableName);
    if (table === undefined) continue;
    for (const start of starts) {
      const where = hooksOf.get(start) ?? hooks;
      const builtin = table.chains.get(start);
      if (builtin?.policy === 'drop') dangers.push({ hooks: where, line: builtin.line, what: `the policy of ${start} in the table ${tableName} drops` });
      for (const rule of reachedRules(table, start)) {
        const { kind, target } = judged(rule, table);
        if (kind === 'rewrites') {
          const text = `${name}: the table ${tableName} ${rewriting.get(target) ?? ''} (${target}`;
          told.set(text, [...(told.get(text) ?? []), rule.line]);
        } else if (kind === 'danger') {
          dangers.push({ hooks: where, line: rule.line, what: `${target} in the chain ${start} of the table ${tableName} is not modelled` });
        }
      }
    }
  }
  for (const { line, what, filters } of dump.leftOut) {
    if (filters) dangers.push({ hooks, line, what });
    else told.set(`${name}: ${what} (`, [line]);
  }
  const others = [...told].map(([text, lines]) => `${text}${text.endsWith('(') ? '' : ', '}line ${[...new Set(lines)].sort((a, b) => a - b).join(', ')})`);
  return { others, dangers };
}

function judged(rule: Rule, table: Table): { readonly kind: 'harmless' | 'rewrites' | 'danger'; readonly target: string } {
  try {
    const { target } = parseRule(rule, (name) => table.chains.has(name));
    if (target === undefined || target.kind === 'goto' || table.chains.has(target.name)) return { kind: 'harmless', target: '' };
    if (rewriting.has(target.name)) return { kind: 'rewrites', target: target.name };
    const restores = target.name === 'CONNMARK' && target.options?.some((option) => option.name === 'restore-mark') === true;
    const harmless = restores || target.name === 'ACCEPT' || target.name === 'RETURN' || target.name === 'SET' || harmlessTargets.has(target.name);
    return { kind: harmless ? 'harmless' : 'danger', target: target.name };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: 'danger', target: `a rule that cannot be read (${error.message})` };
  }
}

/** The rules of a chain and of all that it leads to. */
function reachedRules(table: Table, start: string): Rule[] {
  const seen = new Set([start]);
  const result: Rule[] = [];
  for (const name of seen) {
    for (const rule of table.chains.get(name)?.rules ?? []) {
      result.push(rule);
      // Any word may be the name of a chain: too many chains are no harm.
      for (const { text } of rule.words) if (table.chains.has(text)) seen.add(text);
    }
  }
  return result;
}

/** Sets that rules change while they run. */
export function volatileSets(dumps: readonly Dump[]): ReadonlySet<string> {
  const result = new Set<string>();
  for (const { words } of dumps.flatMap(allRules)) {
    for (const [index, word] of words.entries()) {
      const name = words[index + 1]?.text;
      if (name !== undefined && (word.text === '--add-set' || word.text === '--del-set')) result.add(name);
    }
  }
  return result;
}

const tracking = new Set(['conntrack', 'state', 'connmark', 'CONNMARK', 'CONNSECMARK', 'connbytes', 'connlimit', 'helper']);

/** Whether conntrack works on this family, so that it puts fragments together before any rule. */
export function tracks(dump: Dump): boolean {
  if (allRules({ ...dump, tables: new Map([...dump.tables].filter(([name]) => name === 'nat')) }).length > 0) return true;
  return allRules(dump).some(({ words }) => words.some((word, index) => tracking.has(word.text) && /^-[mj]$/u.test(words[index - 1]?.text ?? '')));
}

function allRules(dump: Dump): Rule[] {
  return [...dump.tables.values()].flatMap((table) => [...table.chains.values()].flatMap((chain) => chain.rules));
}
