/**
 * `nft -j list ruleset` to the rule tree.
 *
 * Takes the JSON of a whole machine (libnftables-json(5), schema version 1), gives the rules of `table inet zonewright`
 * and the names of everything else that hooks packets. nft normalises what was loaded (names for numbers, prefixes,
 * widened masks); the tree keeps its words, so meanings are compared and never texts. Every object is read strictly: a
 * property that is not known is refused.
 */
import type { Rate } from '../../src/policy/gateway-policy.ts';
import { isSelector } from './read-keys.ts';
import { isPayload, notUrgent } from './read-messages.ts';
import {
  type BaseChain,
  defaultBurst,
  type Entry,
  isHook,
  type Item,
  type NamedSet,
  Refusal,
  type Rule,
  type RuleTree,
  type Scalar,
  type Selector,
  type Statement,
  type Verdict,
} from './read-tree.ts';

type Json = Readonly<Record<string, unknown>>;

export interface Running {
  /** Our table, or why it cannot be read; undefined if there is none. */
  readonly tree: RuleTree | Refusal | undefined;
  /** What else hooks packets on the machine. */
  readonly others: readonly string[];
}

/** Throws a refusal where the JSON as a whole cannot be read. */
export function parseJson(source: string): Running {
  const objects = objectsOf(source);
  const others: string[] = [];
  const ours: [string, Json][] = [];
  let present = false;
  for (const [kind, body] of objects) {
    if (kind === 'metainfo') {
      const version = body['json_schema_version'];
      if (version !== undefined && version !== 1) throw new Refusal(undefined, `version ${shown(version)} of nft's JSON is not known`);
      continue;
    }
    const table = kind === 'table' ? body['name'] : body['table'];
    if (body['family'] === 'inet' && table === 'zonewright') {
      present ||= kind === 'table';
      ours.push([kind, body]);
    } else if (body['hook'] !== undefined) {
      others.push(`table ${shown(body['family'])} ${shown(table)}, ${kind} ${shown(body['name'])} hooks ${shown(body['hook'])}`);
    }
  }
  if (!present) return { tree: undefined, others };
  try {
    return { tree: new TableReader(ours).tree(), others };
  } catch (error) {
    if (error instanceof Refusal) return { tree: error, others };
    throw error;
  }
}

/** The objects of the ruleset, each with its kind. */
function objectsOf(source: string): [string, Json][] {
  let whole: unknown;
  try {
    whole = JSON.parse(source);
  } catch {
    throw new Refusal(undefined, 'the text is not whole JSON; the output of nft -j list ruleset is expected');
  }
  const list = isObject(whole) ? whole['nftables'] : undefined;
  if (!Array.isArray(list)) throw new Refusal(undefined, 'the JSON is not that of nft -j list ruleset');
  return list.map((element: unknown) => {
    const [pair, ...more] = isObject(element) ? Object.entries(element) : [];
    if (pair === undefined || more.length > 0 || !isObject(pair[1])) throw new Refusal(undefined, 'an entry of the ruleset is no object of one kind');
    return [pair[0], pair[1]];
  });
}

class TableReader {
  readonly #objects: readonly (readonly [string, Json])[];
  readonly #chains = new Map<string, { base: BaseChain | undefined; rules: Rule[] }>();
  readonly #sets = new Map<string, NamedSet>();
  readonly #limits = new Map<string, Rate>();
  readonly #counters = new Set<string>();

  constructor(objects: readonly (readonly [string, Json])[]) {
    this.#objects = objects;
  }

  tree(): RuleTree {
    for (const [kind, body] of this.#objects) {
      const { family: _family, table: _table, handle: _handle, ...rest } = body;
      switch (kind) {
        case 'table':
          only(rest, ['name', 'comment'], 'the table');
          break;
        case 'counter':
          only(rest, ['name', 'comment', 'packets', 'bytes'], 'a counter');
          this.#counters.add(text(rest['name'], 'the name of a counter'));
          break;
        case 'limit':
          this.#limit(rest);
          break;
        case 'set':
        case 'map':
          this.#set(rest, kind === 'map');
          break;
        case 'chain':
          this.#chain(rest);
          break;
        case 'rule':
          this.#rule(rest);
          break;
        default:
          throw new Refusal(undefined, `${kind} is not modelled`);
      }
    }
    const chains = new Map([...this.#chains].map(([name, chain]) => [name, { place: { line: undefined, name }, ...chain }]));
    return { chains, sets: this.#sets, limits: this.#limits, counters: this.#counters };
  }

  #limit(body: Json): void {
    const { name, comment: _comment, ...rest } = body;
    this.#limits.set(text(name, 'the name of a limit'), readRate(rest));
  }

  #set(body: Json, map: boolean): void {
    const name = text(body['name'], 'the name of a set');
    only(body, ['name', 'type', 'flags', 'elem', 'comment', ...(map ? ['map'] : [])], `@${name}`);
    if (map && body['map'] !== 'verdict') throw new Refusal(undefined, `@${name} is no verdict map`);
    const types = listOf(body['type']).map((type) => text(type, `the type of @${name}`));
    const flags = body['flags'] === undefined ? [] : listOf(body['flags']);
    for (const flag of flags) if (flag !== 'interval') throw new Refusal(undefined, `the flag ${shown(flag)} of @${name} is not modelled`);
    const elements = body['elem'] === undefined ? [] : array(body['elem'], `the elements of @${name}`);
    this.#sets.set(name, {
      place: { line: undefined, name: `@${name}` },
      types,
      interval: flags.length > 0,
      items: map ? [] : elements.map(readItem),
      entries: map ? elements.map(readEntry) : undefined,
    });
  }

  #chain(body: Json): void {
    const name = text(body['name'], 'the name of a chain');
    only(body, ['name', 'type', 'hook', 'prio', 'policy', 'comment'], `the chain ${name}`);
    this.#chains.set(name, { base: body['hook'] === undefined ? undefined : readBase(name, body), rules: [] });
  }

  #rule(body: Json): void {
    only(body, ['chain', 'index', 'comment', 'expr'], 'a rule');
    const name = text(body['chain'], 'the chain of a rule');
    const chain = this.#chains.get(name);
    if (chain === undefined) throw new Refusal(undefined, `a rule of the chain ${name}, which is not listed`);
    const place = { line: undefined, name: `rule ${chain.rules.length + 1}` };
    const statements = array(body['expr'], 'the expressions of a rule').map((statement) => {
      try {
        return readStatement(statement);
      } catch (error) {
        if (error instanceof Refusal) throw new Refusal(undefined, `chain ${name}, ${place.name}: ${error.message}`);
        throw error;
      }
    });
    const verdict = statements.findIndex((statement) => statement.kind === 'verdict' || statement.kind === 'vmap');
    if (verdict >= 0 && verdict < statements.length - 1)
      throw new Refusal(undefined, `chain ${name}, ${place.name}: a statement behind a verdict is not modelled`);
    chain.rules.push({ place, statements });
  }
}

function readBase(name: string, body: Json): BaseChain {
  const { hook, prio, policy } = body;
  if (body['type'] !== 'filter' || !isHook(hook))
    throw new Refusal(undefined, `the chain ${name} of type ${shown(body['type'])} on hook ${shown(hook)} is not modelled`);
  if (typeof prio !== 'number' || (policy !== 'accept' && policy !== 'drop'))
    throw new Refusal(undefined, `the priority or policy of the chain ${name} is not modelled`);
  return { hook, priority: prio, policy };
}

function readStatement(statement: unknown): Statement {
  const [kind, body] = pairOf(statement, 'a statement');
  switch (kind) {
    case 'match':
      return readMatch(object(body, 'a match'));
    case 'vmap':
      return readVmap(object(body, 'a verdict map'));
    case 'limit':
      return { kind: 'limit', limit: typeof body === 'string' ? body : readRate(object(body, 'a limit')) };
    case 'counter':
      return { kind: 'counter', name: typeof body === 'string' ? body : undefined };
    case 'log':
      return { kind: 'log' };
    case 'reject':
      return readReject(object(body, 'a reject'));
    case 'mangle':
      return readMangle(object(body, 'a mangle'));
    default:
      return { kind: 'verdict', verdict: readVerdict(statement) };
  }
}

/** `in` is the mask of states: any of them. */
function readMatch(body: Json): Statement {
  only(body, ['op', 'left', 'right'], 'a match');
  const { op, right } = body;
  if (isOnlyResets(body)) return { kind: 'resets' };
  if (op === '!') return readFlags(body['left'], right);
  const key = readKey(body['left']);
  const states = key.length === 1 && key[0]?.name === 'ct state';
  if (op !== '==' && op !== '!=' && !(op === 'in' && states)) throw new Refusal(undefined, `the comparison ${shown(op)} is not modelled`);
  const negated = op === '!=';
  if (typeof right === 'string' && right.startsWith('@')) return { kind: 'match', key, negated, operand: { kind: 'set', name: right.slice(1) } };
  if (Array.isArray(right) && states && !negated) return { kind: 'match', key, negated, operand: { kind: 'items', items: right.map(readItem) } };
  const items = isObject(right) && 'set' in right ? array(right['set'], 'a set').map(readItem) : [readItem(right)];
  return { kind: 'match', key, negated, operand: { kind: 'items', items } };
}

/** `tcp flags rst / fin,syn,rst,psh,urg`: what one comparison of flags says, in the words that nft prints. */
function isOnlyResets({ op, left, right }: Json): boolean {
  const flags = [{ payload: { protocol: 'tcp', field: 'flags' } }, ['fin', 'syn', 'rst', 'psh', 'urg']];
  return op === '==' && right === 'rst' && JSON.stringify(left) === JSON.stringify({ '&': flags });
}

/** No other answer is modelled. */
function readReject(body: Json): Statement {
  if (body['type'] !== 'tcp reset') throw new Refusal(undefined, `the statement reject with ${shown(body['type'])} is not modelled`);
  only(body, ['type'], 'a reject');
  return { kind: 'verdict', verdict: { kind: 'reset' } };
}

/** `tcp flags ! urg`. */
function readFlags(left: unknown, right: unknown): Statement {
  const [kind, content] = pairOf(left, 'a key');
  const body = object(content, 'a key');
  only(body, ['protocol', 'field'], 'a payload');
  if (kind !== 'payload' || `${shown(body['protocol'])} ${shown(body['field'])} ! ${shown(right)}` !== notUrgent)
    throw new Refusal(undefined, 'the comparison ! is not modelled');
  return { kind: 'match', key: [{ name: notUrgent, mask: undefined }], negated: false, operand: { kind: 'items', items: [] } };
}

function readVmap(body: Json): Statement {
  only(body, ['key', 'data'], 'a verdict map');
  const key = readKey(body['key']);
  const { data } = body;
  if (typeof data === 'string' && data.startsWith('@')) return { kind: 'vmap', key, operand: { kind: 'map', name: data.slice(1) } };
  const set = object(data, 'a verdict map');
  only(set, ['set'], 'a verdict map');
  return { kind: 'vmap', key, operand: { kind: 'entries', entries: array(set['set'], 'a verdict map').map(readEntry) } };
}

function readKey(left: unknown): readonly Selector[] {
  const [kind, body] = pairOf(left, 'a key');
  if (kind === 'concat') return array(body, 'a concatenation').map((part) => ({ name: readSelector(part), mask: undefined }));
  if (kind !== '&') return [{ name: readSelector(left), mask: undefined }];
  const [masked, mask, ...more] = array(body, 'a mask');
  if (more.length > 0) throw new Refusal(undefined, 'a mask of more than two parts is not modelled');
  return [{ name: readSelector(masked), mask: number(mask, 'a mask') }];
}

function readSelector(value: unknown): string {
  const [kind, content] = pairOf(value, 'a key');
  const body = object(content, 'a key');
  let name: string;
  switch (kind) {
    case 'payload':
      if (body['base'] === undefined) {
        only(body, ['protocol', 'field'], 'a payload');
        name = `${shown(body['protocol'])} ${shown(body['field'])}`;
      } else {
        only(body, ['base', 'offset', 'len'], 'a payload');
        name = `@${shown(body['base'])},${shown(body['offset'])},${shown(body['len'])}`;
      }
      break;
    case 'meta':
      only(body, ['key'], 'meta');
      name = body['key'] === 'iifname' || body['key'] === 'oifname' ? body['key'] : `meta ${shown(body['key'])}`;
      break;
    case 'ct':
      only(body, ['key'], 'ct');
      name = `ct ${shown(body['key'])}`;
      break;
    case 'fib':
      only(body, ['result', 'flags'], 'fib');
      name = `fib ${listOf(body['flags']).map(shown).join(' . ')} ${shown(body['result'])}`;
      break;
    default:
      name = kind;
  }
  if (!isSelector(name) && !isPayload(name)) throw new Refusal(undefined, `the match ${name} is not modelled`);
  return name;
}

/** `V`, or `(ct mark & A) | B` in any of the shapes that nft gives it. */
function readMangle(body: Json): Statement {
  only(body, ['key', 'value'], 'a mangle');
  if (readSelector(body['key']) !== 'ct mark') throw new Refusal(undefined, 'setting something else than ct mark is not modelled');
  const { value } = body;
  if (typeof value === 'number') return { kind: 'mark', keep: 0, set: number(value, 'a mark'), flip: 0 };
  const [operator, operands] = pairOf(value, 'a mark');
  if (operator === '&') return { kind: 'mark', keep: readMasked(value), set: 0, flip: 0 };
  const [left, right, ...more] = array(operands, 'a mark');
  if ((operator !== '|' && operator !== '^') || more.length > 0) throw new Refusal(undefined, `a mark made with ${operator} is not modelled`);
  const keep = readMasked(left);
  const constant = number(right, 'a mark');
  return operator === '|' ? { kind: 'mark', keep, set: constant, flip: 0 } : { kind: 'mark', keep, set: 0, flip: constant };
}

/** The bits of the old mark that `ct mark` or `ct mark & A` keeps. */
function readMasked(value: unknown): number {
  const [selector, ...more] = readKey(value);
  if (selector?.name !== 'ct mark' || more.length > 0) throw new Refusal(undefined, 'a mark made of something else than ct mark is not modelled');
  return selector.mask ?? 0xffff_ffff;
}

/** Bytes, `over` and weeks are not modelled. */
function readRate(body: Json): Rate {
  only(body, ['rate', 'per', 'burst'], 'a limit');
  const unit = body['per'];
  if (unit !== 'second' && unit !== 'minute' && unit !== 'hour' && unit !== 'day') throw new Refusal(undefined, `a limit per ${shown(unit)} is not modelled`);
  return { amount: number(body['rate'], 'a rate'), unit, burst: body['burst'] === undefined ? defaultBurst : number(body['burst'], 'a burst') };
}

function readEntry(element: unknown): Entry {
  const [item, verdict, ...more] = array(element, 'an element of a map');
  if (more.length > 0) throw new Refusal(undefined, 'an element of a map has more than two parts');
  return { item: readItem(item), verdict: readVerdict(verdict) };
}

function readVerdict(value: unknown): Verdict {
  const [kind, body] = pairOf(value, 'a verdict');
  switch (kind) {
    case 'accept':
    case 'drop':
    case 'continue':
    case 'return':
      return { kind };
    case 'jump':
    case 'goto':
      return { kind, chain: text(object(body, 'a verdict')['target'], 'the target of a verdict') };
    default:
      throw new Refusal(undefined, `the statement ${kind} is not modelled`);
  }
}

function readItem(value: unknown): Item {
  if (isObject(value) && 'elem' in value) {
    const element = object(value['elem'], 'an element');
    only(element, ['val', 'comment'], 'an element');
    return readItem(element['val']);
  }
  if (isObject(value) && 'concat' in value) return array(value['concat'], 'a concatenation').map(readScalar);
  return [readScalar(value)];
}

function readScalar(value: unknown): Scalar {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const [kind, body] = pairOf(value, 'a value');
  if (kind === 'range') {
    const [first, last, ...more] = array(body, 'a range').map(word);
    if (first === undefined || last === undefined || more.length > 0) throw new Refusal(undefined, 'a range has not two ends');
    return { first, last };
  }
  if (kind !== 'prefix') throw new Refusal(undefined, `the value ${kind} is not modelled`);
  const prefix = object(body, 'a prefix');
  only(prefix, ['addr', 'len'], 'a prefix');
  return { address: word(prefix['addr']), length: number(prefix['len'], 'a prefix') };
}

function word(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Refusal(undefined, `${shown(value)} is not modelled as a value`);
}

function only(body: Json, known: readonly string[], what: string): void {
  const strange = Object.keys(body).find((key) => !known.includes(key));
  if (strange !== undefined) throw new Refusal(undefined, `${strange} of ${what} is not modelled`);
}

function pairOf(value: unknown, what: string): readonly [string, unknown] {
  const [pair, ...more] = isObject(value) ? Object.entries(value) : [];
  if (pair === undefined || more.length > 0) throw new Refusal(undefined, `${what} is no object of one kind`);
  return pair;
}

function object(value: unknown, what: string): Json {
  if (isObject(value)) return value;
  throw new Refusal(undefined, `${what} is no object`);
}

function array(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Refusal(undefined, `${what}: a list is expected`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Refusal(undefined, `${what} is no text`);
}

function number(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) return value;
  throw new Refusal(undefined, `${what} is no number that is modelled`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
