/**
 * Runs the grammar over one piece.
 *
 * Takes the tokens of a piece and the rule to start from; gives its node, or where it stopped and what could have stood
 * there. Two ideas. nearley keeps every column and has no recovery, so it only ever sees one small piece. And the grammar
 * looks at the kinds and fixed words of tokens alone, so pieces of one shape have one derivation: it is found once, and
 * then only the building of nodes is run again, over each piece's own tokens.
 */
import nearley from 'nearley';
import type * as Ast from './ast.ts';
import type { ConduitHead, Head, Statement, TrafficHead } from './build.ts';
import { parserRules } from './generated/grammar.ts';
import { isPunctuation, type Token, type TokenType } from './token.ts';

/** The rules from which a piece may start, and what each gives. */
export interface Starts {
  readonly titled_head: Head;
  readonly named_head: Head;
  readonly host_head: Head & { readonly zone: Ast.Word };
  readonly conduit_head: ConduitHead;
  readonly target_head: Head;
  readonly interface_head: Head;
  readonly traffic_head: TrafficHead;
  readonly flag_property: Ast.Property;
  readonly log_property: Ast.Property;
  readonly text_property: Ast.Property;
  readonly name_property: Ast.Property;
  readonly number_property: Ast.Property;
  readonly level_property: Ast.Property;
  readonly date_property: Ast.Property;
  readonly names_property: Ast.Property;
  readonly selector_property: Ast.Property;
  readonly services_property: Ast.Property;
  readonly addresses_property: Ast.Property;
  readonly rate_property: Ast.Property;
  readonly accept_weaker_property: Ast.Property;
  readonly test_line_property: Ast.TestLine;
  readonly members: readonly Ast.SelectorItem[];
  readonly service_members: readonly Ast.ServiceItem[];
  readonly option: Ast.TargetOption;
  readonly assert_body: Statement;
}
export type Start = keyof Starts;

/** A terminal that could have stood where reading stopped. */
export interface Expected {
  readonly rule: string;
  /** Whether the terminal is the first of its rule. */
  readonly opens: boolean;
  readonly type: string | undefined;
  readonly literal: string | undefined;
}

export type Reading<Value> =
  | { readonly ok: true; readonly value: Value }
  /** `index` equals the number of tokens if the piece ended too early. */
  | { readonly ok: false; readonly index: number; readonly expected: readonly Expected[] };

interface State {
  readonly rule: { readonly name: string; readonly symbols: readonly unknown[] };
  readonly dot: number;
}
interface Column {
  readonly scannable: readonly State[];
}

/** nearley's report walks all its states; ours is made from the last column instead. */
class QuietParser extends nearley.Parser {
  declare readonly table: readonly (Column | undefined)[];
  reportError(): string {
    return 'stopped';
  }
}

type Build = (data: readonly unknown[], reference: number | undefined, reject: unknown) => unknown;

/** A rule that was applied: what builds its node, and from what. */
class Derived {
  readonly build: Build | undefined;
  readonly reference: number | undefined;
  /** Derivations, or indices of tokens. */
  parts: readonly (Derived | number)[];

  constructor(build: Build | undefined, reference: number | undefined, parts: readonly (Derived | number)[]) {
    this.build = build;
    this.reference = reference;
    this.parts = parts;
  }
}

/** A list without end has no shape worth remembering; builders reject lists only beyond 64 items. */
const longestShape = 24;

const grammars = new Map<Start, nearley.Grammar>();
let rules: nearley.Rule[] | undefined;
const shapeGrammars = new Map<Start, nearley.Grammar>();
let shapeRules: nearley.Rule[] | undefined;

/** What is known of pieces that begin alike: by their next token, and of the one that ends here. */
class Shapes {
  readonly next = new Map<string, Shapes>();
  derived: Derived | undefined;

  behind(sign: string): Shapes {
    let found = this.next.get(sign);
    if (found === undefined) this.next.set(sign, (found = new Shapes()));
    return found;
  }
}

const shapes = new Shapes();

/** What the grammar sees of a token: its fixed word, or its kind, in a way that no word is written. */
const signs = new Map<TokenType, string>();

function sign({ type, text }: Token): string {
  if (text !== '') return text;
  let found = signs.get(type);
  if (found === undefined) signs.set(type, (found = `<${type}>`));
  return found;
}

function grammarFor(start: Start): nearley.Grammar {
  rules ??= parserRules.map((rule) => new nearley.Rule(rule.name, [...rule.symbols], rule.postprocess));
  return startingAt(grammars, rules, start);
}

/** The same rules; instead of nodes they give their derivations. */
function shapeGrammarFor(start: Start): nearley.Grammar {
  shapeRules ??= parserRules.map((rule) => {
    const build = rule.postprocess as Build | undefined;
    const derive = (data: readonly (Derived | number)[], reference: number | undefined): Derived => new Derived(build, reference, data);
    return new nearley.Rule(rule.name, [...rule.symbols], derive as NonNullable<nearley.Postprocessor>);
  });
  return startingAt(shapeGrammars, shapeRules, start);
}

function startingAt(known: Map<Start, nearley.Grammar>, all: nearley.Rule[], start: Start): nearley.Grammar {
  let grammar = known.get(start);
  if (grammar === undefined) {
    grammar = new nearley.Grammar(all);
    grammar.start = start;
    known.set(start, grammar);
  }
  return grammar;
}

export function read<S extends Start>(start: S, tokens: readonly Token[], end: Token): Reading<Starts[S]> {
  if (tokens.length > longestShape) return (start === 'members' ? listed(start, tokens, end) : undefined) ?? parse(start, grammarFor(start), tokens, end);
  let shape = shapes.behind(start);
  for (const token of tokens) shape = shape.behind(sign(token));
  let { derived } = shape;
  if (derived === undefined) {
    const found = parse<Derived>(start, shapeGrammarFor(start), tokens, end);
    if (!found.ok) return found;
    derived = found.value;
    place(derived, new Map([...tokens, end].map((token, index) => [token, index])));
    shape.derived = derived;
  }
  return { ok: true, value: built(derived, tokens, end) as Starts[S] };
}

/**
 * A long list in which every member is one token, member by member: groups have hundreds, and to the grammar such a list is as good as its
 * members. Undefined for any other list.
 */
function listed<S extends Start>(start: S, tokens: readonly Token[], end: Token): Reading<Starts[S]> | undefined {
  const members: unknown[] = [];
  for (let index = 0; index < tokens.length; index += 2) {
    const [member, behind] = [tokens[index], tokens[index + 1]];
    const last = index === tokens.length - 1;
    if (member === undefined || isPunctuation(member, ',') || (!last && !isPunctuation(behind, ',')) || index === tokens.length - 2) return undefined;
    const reading = read(start, [member], end);
    if (!reading.ok) return undefined;
    members.push(...(reading.value as readonly unknown[]));
  }
  return { ok: true, value: members as unknown as Starts[S] };
}

/** Puts indices in the place of tokens. */
function place(derived: Derived, indices: ReadonlyMap<unknown, number>): void {
  derived.parts = derived.parts.map((part) => {
    if (!(part instanceof Derived)) return indices.get(part) ?? -1;
    place(part, indices);
    return part;
  });
}

function built(derived: Derived, tokens: readonly Token[], end: Token): unknown {
  const { parts } = derived;
  const data = new Array<unknown>(parts.length);
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as Derived | number;
    data[index] = typeof part === 'number' ? (tokens[part] ?? end) : built(part, tokens, end);
  }
  return derived.build === undefined ? data : derived.build(data, derived.reference, nearley.Parser.fail);
}

function parse<Value>(start: Start, grammar: nearley.Grammar, tokens: readonly Token[], end: Token): Reading<Value> {
  let index = 0;
  const lexer = {
    next: (): nearley.Token | undefined => {
      const at = index++;
      return at < tokens.length ? tokens[at] : at === tokens.length ? end : undefined;
    },
    reset: (): void => {},
    save: (): nearley.LexerState => ({}),
    formatError: (): string => '',
    has: (): boolean => true,
  };
  const parser = new QuietParser(grammar, { lexer });
  try {
    parser.feed('');
  } catch (error) {
    const offset = error instanceof Error && 'offset' in error ? error.offset : undefined;
    if (typeof offset !== 'number') throw error;
    return { ok: false, index: offset, expected: expectedIn(parser.table[offset]) };
  }
  const results: readonly Value[] = parser.results;
  const [value] = results;
  if (results.length !== 1 || value === undefined) {
    throw new Error(
      `internal error: ${results.length} readings as ${start} of ${tokens
        .map((token) => token.value)
        .join(' ')
        .slice(0, 200)}`,
    );
  }
  return { ok: true, value };
}

function expectedIn(column: Column | undefined): Expected[] {
  return (column?.scannable ?? []).map((state) => {
    const symbol = state.rule.symbols[state.dot];
    const [rule = ''] = state.rule.name.split('$');
    return { rule, opens: state.dot === 0, ...terminal(symbol) };
  });
}

function terminal(symbol: unknown): { type: string | undefined; literal: string | undefined } {
  if (typeof symbol !== 'object' || symbol === null) return { type: undefined, literal: undefined };
  const type = 'type' in symbol && typeof symbol.type === 'string' ? symbol.type : undefined;
  const literal = 'literal' in symbol && typeof symbol.literal === 'string' ? symbol.literal : undefined;
  return { type, literal };
}
