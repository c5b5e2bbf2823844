/**
 * The text of a ruleset to its rule tree.
 *
 * Takes what we emit: `table`, `delete table` and one whole block of `table inet zonewright`, so that loading it
 * replaces what was in force. Recursive descent over tokens; the first thing that is not of this subset is refused with
 * its line.
 */
import type { Rate } from '../../src/policy/gateway-policy.ts';
import { priorityNames } from './read-names.ts';
import { isSelector, typeOf } from './read-keys.ts';
import { isPayload, notUrgent } from './read-messages.ts';
import { scan, type Token, type Tokens } from './read-scan.ts';
import { readNumber } from './read-values.ts';
import {
  type BaseChain,
  type Chain,
  defaultBurst,
  type Entry,
  isHook,
  type Item,
  type NamedSet,
  Refusal,
  type Rule,
  type RuleTree,
  type Selector,
  type Statement,
  type Verdict,
} from './read-tree.ts';

/** Throws a refusal. */
export function parseText(text: string): RuleTree {
  return new Parser(scan(text)).file();
}

/** A segment that only resets, with or without an acknowledgement, as the scanner cuts it. */
const onlyResets = ['tcp', 'flags', 'rst', '/', 'fin', ',', 'syn', ',', 'rst', ',', 'psh', ',', 'urg'];
const end: Token = { kind: 'end', text: '', line: 0 };

class Parser {
  readonly #tokens: Tokens;
  #at = 0;
  readonly #chains = new Map<string, Chain>();
  readonly #sets = new Map<string, NamedSet>();
  readonly #limits = new Map<string, Rate>();
  readonly #counters = new Set<string>();

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  /** `table …` (so that there is one to delete), `delete table …`, `table … { … }`. */
  file(): RuleTree {
    this.#skipEnds();
    this.#accept('add');
    this.#tableName();
    this.#endOfStatement();
    this.#skipEnds();
    this.#expect('delete');
    this.#tableName();
    this.#endOfStatement();
    this.#skipEnds();
    this.#tableName();
    this.#block(() => this.#tableItem());
    this.#skipEnds();
    if (this.#at < this.#tokens.length - 1) this.#refuseHere('after the table');
    return { chains: this.#chains, sets: this.#sets, limits: this.#limits, counters: this.#counters };
  }

  #tableName(): void {
    for (const word of ['table', 'inet', 'zonewright']) this.#expect(word);
  }

  #tableItem(): void {
    const word = this.#word();
    switch (word) {
      case 'comment':
        this.#string();
        break;
      case 'counter':
        this.#counter();
        break;
      case 'limit':
        this.#limit();
        break;
      case 'set':
      case 'map':
        this.#set(word === 'map');
        break;
      case 'chain':
        this.#chain();
        break;
      default:
        this.#refuseBefore(word, 'in a table');
    }
  }

  #counter(): void {
    const name = this.#newName(this.#counters, 'counter');
    this.#block(() => {
      const word = this.#word();
      if (word === 'comment') this.#string();
      else if (word === 'packets' || word === 'bytes') this.#number();
      else this.#refuseBefore(word, 'in a counter');
    });
    this.#counters.add(name);
  }

  #limit(): void {
    const name = this.#newName(this.#limits, 'limit');
    let rate: Rate | undefined;
    this.#block(() => {
      const word = this.#word();
      if (word === 'comment') this.#string();
      else if (word === 'rate' && rate === undefined) rate = this.#rate();
      else this.#refuseBefore(word, 'in a limit');
    });
    if (rate === undefined) return this.#refuseHere(`after the limit ${name} without a rate`);
    this.#limits.set(name, rate);
  }

  /** `5/second burst 10 packets`. */
  #rate(): Rate {
    const word = this.#word();
    const parts = /^([1-9]\d{0,9})\/(second|minute|hour|day)$/u.exec(word);
    if (parts === null) this.#refuseBefore(word, 'as a rate');
    let burst = defaultBurst;
    if (this.#accept('burst')) {
      burst = this.#number();
      this.#expect('packets');
    }
    return { amount: Number(parts[1]), unit: parts[2] as Rate['unit'], burst };
  }

  #set(map: boolean): void {
    const { line } = this.#peek();
    const name = this.#newName(this.#sets, 'set');
    const types: string[] = [];
    let interval = false;
    let items: readonly Item[] = [];
    let entries: readonly Entry[] = [];
    const done = new Set<string>();
    this.#block(() => {
      const word = this.#word();
      if (done.has(word)) this.#refuseBefore(word, 'a second time');
      done.add(word);
      switch (word) {
        case 'type':
          do types.push(this.#word());
          while (this.#accept('.'));
          if (map) {
            this.#expect(':');
            this.#expect('verdict');
          }
          break;
        case 'typeof':
          if (map) this.#refuseBefore(word, 'in a map');
          do types.push(typeOf(this.#selector().name) ?? 'integer');
          while (this.#accept('.'));
          break;
        case 'flags':
          this.#expect('interval');
          interval = true;
          break;
        case 'comment':
          this.#string();
          break;
        case 'elements':
          this.#expect('=');
          if (map) entries = this.#entries();
          else items = this.#items();
          break;
        default:
          this.#refuseBefore(word, 'in a set');
      }
    });
    if (types.length === 0) throw new Refusal(line, `the set ${name} has no type`);
    this.#sets.set(name, { place: { line, name: `@${name}` }, types, interval, items, entries: map ? entries : undefined });
  }

  #chain(): void {
    const { line } = this.#peek();
    const name = this.#newName(this.#chains, 'chain');
    let base: BaseChain | undefined;
    const rules: Rule[] = [];
    this.#block(() => {
      if (this.#peek().text === 'type' && base === undefined && rules.length === 0) base = this.#hook();
      else rules.push(this.#rule(rules.length + 1));
    });
    this.#chains.set(name, { place: { line, name }, base, rules });
  }

  /** `type filter hook forward priority filter + 5; policy drop;` */
  #hook(): BaseChain {
    for (const word of ['type', 'filter', 'hook']) this.#expect(word);
    const hook = this.#word();
    if (!isHook(hook)) this.#refuseBefore(hook, 'as a hook');
    this.#expect('priority');
    const priority = this.#priority();
    if (this.#peek().text !== ';') return { hook, priority, policy: 'accept' };
    this.#next();
    if (!this.#accept('policy')) return { hook, priority, policy: 'accept' };
    const policy = this.#word();
    if (policy !== 'accept' && policy !== 'drop') this.#refuseBefore(policy, 'as a policy');
    return { hook, priority, policy };
  }

  #priority(): number {
    const word = this.#word();
    const base = priorityNames.get(word);
    const plain = readNumber(word.replace(/^-/u, ''));
    if (base === undefined) return plain === undefined ? this.#refuseBefore(word, 'as a priority') : word.startsWith('-') ? -plain : plain;
    const sign = this.#peek();
    if (sign.text !== '+' && sign.text !== '-') return base;
    this.#next();
    return sign.text === '+' ? base + this.#number() : base - this.#number();
  }

  #rule(ordinal: number): Rule {
    const { line } = this.#peek();
    const statements: Statement[] = [];
    while (this.#peek().kind !== 'end' && this.#peek().text !== '}') {
      if (this.#accept('comment')) {
        this.#string();
        break;
      }
      const last = statements.at(-1)?.kind;
      if (last === 'verdict' || last === 'vmap') this.#refuseHere('behind a verdict');
      statements.push(this.#statement());
    }
    return { place: { line, name: `rule ${ordinal}` }, statements };
  }

  #statement(): Statement {
    const { text } = this.#peek();
    switch (text) {
      case 'limit':
        this.#next();
        if (this.#accept('rate')) return { kind: 'limit', limit: this.#rate() };
        this.#expect('name');
        return { kind: 'limit', limit: this.#name() };
      case 'counter':
        this.#next();
        if (this.#accept('packets')) {
          this.#number();
          this.#expect('bytes');
          this.#number();
        }
        return { kind: 'counter', name: this.#accept('name') ? this.#name() : undefined };
      case 'log':
        this.#next();
        if (this.#accept('prefix')) this.#string();
        if (this.#accept('level')) this.#word();
        return { kind: 'log' };
      case 'accept':
      case 'drop':
      case 'continue':
      case 'return':
      case 'jump':
      case 'goto':
        return { kind: 'verdict', verdict: this.#verdict() };
      case 'reject':
        // No other answer is modelled, and none may stand in a map.
        for (const word of ['reject', 'with', 'tcp', 'reset']) this.#expect(word);
        return { kind: 'verdict', verdict: { kind: 'reset' } };
      default:
        return this.#isAhead(onlyResets) ? this.#resets() : this.#match();
    }
  }

  #match(): Statement {
    const key: Selector[] = [];
    do {
      if (key.length === 0 && this.#isAhead(['ct', 'mark', 'set'])) return this.#markSet();
      if (key.length === 0 && this.#isAhead(notUrgent.split(' '))) return this.#notUrgent();
      key.push(this.#selector());
    } while (this.#accept('.'));
    if (this.#accept('vmap')) {
      const name = this.#reference();
      return { kind: 'vmap', key, operand: name === undefined ? { kind: 'entries', entries: this.#entries() } : { kind: 'map', name } };
    }
    const negated = this.#accept('!=');
    if (!negated) this.#accept('==');
    const name = this.#reference();
    if (name !== undefined) return { kind: 'match', key, negated, operand: { kind: 'set', name } };
    if (this.#peek().text === '{') return { kind: 'match', key, negated, operand: { kind: 'items', items: this.#items() } };
    const items = [this.#item()];
    // `ct state established,related`: a mask of states, which means any of them.
    if (!negated && key.length === 1 && key[0]?.name === 'ct state') while (this.#accept(',')) items.push(this.#item());
    return { kind: 'match', key, negated, operand: { kind: 'items', items } };
  }

  #selector(): Selector {
    const { line } = this.#peek();
    const first = this.#word();
    if (isSelector(first)) return { name: first, mask: undefined };
    let name = first;
    if (/^@[nti]h$/u.test(first) && this.#accept(',')) {
      name = `${first},${this.#number()}`;
      this.#expect(',');
      name += `,${this.#number()}`;
      if (!isPayload(name)) throw new Refusal(line, `the match ${name} is not modelled`);
      return { name, mask: undefined };
    }
    if (first === 'fib') {
      while (this.#peek().text !== 'type') {
        if (this.#peek().kind === 'end') this.#refuseHere('in fib');
        name += ` ${this.#next().text}`;
      }
      name += ` ${this.#word()}`;
    } else if (this.#peek().kind === 'word') {
      name += ` ${this.#word()}`;
    }
    // An interface may also be named the long way.
    const long = name === 'meta iifname' || name === 'meta oifname' ? name.slice('meta '.length) : name;
    if (!isSelector(long) && !isPayload(long)) throw new Refusal(line, `the match or statement ${name} is not modelled`);
    const mask = long === 'ct mark' && this.#accept('&') ? this.#number() : undefined;
    return { name: long, mask };
  }

  #isAhead(words: readonly string[]): boolean {
    return words.every((word, index) => this.#tokens.at(this.#at + index)?.text === word);
  }

  #resets(): Statement {
    for (const word of onlyResets) this.#expect(word);
    return { kind: 'resets' };
  }

  #notUrgent(): Statement {
    for (const word of notUrgent.split(' ')) this.#expect(word);
    return { kind: 'match', key: [{ name: notUrgent, mask: undefined }], negated: false, operand: { kind: 'items', items: [] } };
  }

  /** `ct mark set V`, or `ct mark set [(] ct mark & A [)] | B`. */
  #markSet(): Statement {
    for (const word of ['ct', 'mark', 'set']) this.#expect(word);
    if (this.#peek().text !== 'ct' && this.#peek().text !== '(') return { kind: 'mark', keep: 0, set: this.#number(), flip: 0 };
    const open = this.#accept('(');
    this.#expect('ct');
    this.#expect('mark');
    this.#expect('&');
    const keep = this.#number();
    if (open) this.#expect(')');
    if (this.#accept('^')) return { kind: 'mark', keep, set: 0, flip: this.#number() };
    this.#expect('|');
    return { kind: 'mark', keep, set: this.#number(), flip: 0 };
  }

  #verdict(): Verdict {
    const word = this.#word();
    switch (word) {
      case 'accept':
      case 'drop':
      case 'continue':
      case 'return':
        return { kind: word };
      case 'jump':
      case 'goto':
        return { kind: word, chain: this.#word() };
      default:
        return this.#refuseBefore(word, 'as a verdict');
    }
  }

  #items(): readonly Item[] {
    return this.#list(() => this.#commented());
  }

  #entries(): readonly Entry[] {
    return this.#list(() => {
      const item = this.#commented();
      this.#expect(':');
      return { item, verdict: this.#verdict() };
    });
  }

  #commented(): Item {
    const item = this.#item();
    if (this.#accept('comment')) this.#string();
    return item;
  }

  #item(): Item {
    const item: string[] = [];
    do {
      const token = this.#next();
      if (token.kind !== 'word' && token.kind !== 'string') this.#refuseBefore(token.text, 'as a value');
      item.push(token.text);
    } while (this.#accept('.'));
    return item;
  }

  /** `{ a, b, }`; line ends mean nothing inside. */
  #list<T>(element: () => T): readonly T[] {
    const result: T[] = [];
    this.#expect('{');
    for (;;) {
      this.#skipLines();
      if (this.#accept('}')) return result;
      result.push(element());
      this.#skipLines();
      if (!this.#accept(',')) {
        this.#expect('}');
        return result;
      }
    }
  }

  /** `{ … }` of statements, each with its end. */
  #block(statement: () => void): void {
    this.#expect('{');
    for (;;) {
      this.#skipEnds();
      if (this.#accept('}')) return;
      statement();
      this.#endOfStatement();
    }
  }

  #endOfStatement(): void {
    const { kind, text } = this.#peek();
    const before = this.#tokens.at(this.#at - 1);
    if (kind !== 'end' && text !== '}' && !(before?.kind === 'mark' && before.text === '}')) this.#refuseHere('where a statement should end');
    if (kind === 'end' && text === '') this.#refuseHere('instead of more');
  }

  #newName(known: { has(name: string): boolean }, what: string): string {
    const { line } = this.#peek();
    const name = this.#word();
    if (known.has(name)) throw new Refusal(line, `a second ${what} ${name}`);
    return name;
  }

  #reference(): string | undefined {
    const { kind, text } = this.#peek();
    if (kind !== 'word' || !text.startsWith('@')) return undefined;
    this.#next();
    return text.slice(1);
  }

  #name(): string {
    return this.#peek().kind === 'string' ? this.#string() : this.#word();
  }

  #number(): number {
    const word = this.#word();
    return readNumber(word) ?? this.#refuseBefore(word, 'as a number');
  }

  #string(): string {
    const token = this.#next();
    return token.kind === 'string' ? token.text : this.#refuseBefore(token.text, 'as a string');
  }

  #word(): string {
    const token = this.#next();
    return token.kind === 'word' ? token.text : this.#refuseBefore(token.text, 'as a word');
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#refuseHere(`where ${text} should stand`);
  }

  #accept(text: string): boolean {
    const token = this.#peek();
    if (token.text !== text || token.kind === 'string') return false;
    this.#at++;
    return true;
  }

  #skipEnds(): void {
    while (this.#peek().kind === 'end' && this.#at < this.#tokens.length - 1) this.#at++;
  }

  #skipLines(): void {
    while (this.#peek().text === '\n' && this.#peek().kind === 'end') this.#at++;
  }

  #peek(): Token {
    return this.#tokens.at(this.#at) ?? end;
  }

  #next(): Token {
    const token = this.#peek();
    if (this.#at < this.#tokens.length - 1) this.#at++;
    return token;
  }

  #refuseHere(where: string): never {
    const token = this.#peek();
    throw new Refusal(token.line, `${named(token.text)} ${where} is not modelled`);
  }

  #refuseBefore(text: string, where: string): never {
    throw new Refusal(this.#tokens.at(Math.max(0, this.#at - 1))?.line, `${named(text)} ${where} is not modelled`);
  }
}

function named(text: string): string {
  if (text === '') return 'the end of the text';
  return text === '\n' ? 'the end of the line' : JSON.stringify(text);
}
