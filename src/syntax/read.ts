/**
 * Runs the grammar over one piece.
 *
 * Takes the tokens of a piece and the rule to start from; gives its node, or where it stopped and what could have stood
 * there. The one idea: nearley keeps every column and has no recovery, so it only ever sees one small piece.
 */
import nearley from 'nearley';
import type * as Ast from './ast.ts';
import type { ConduitHead, Head, Statement, TrafficHead } from './build.ts';
import { parserRules } from './generated/grammar.ts';
import type { Token } from './token.ts';

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

const grammars = new Map<Start, nearley.Grammar>();
let rules: nearley.Rule[] | undefined;

function grammarFor(start: Start): nearley.Grammar {
  let grammar = grammars.get(start);
  if (grammar === undefined) {
    rules ??= parserRules.map((rule) => new nearley.Rule(rule.name, [...rule.symbols], rule.postprocess));
    grammar = new nearley.Grammar(rules);
    grammar.start = start;
    grammars.set(start, grammar);
  }
  return grammar;
}

export function read<S extends Start>(start: S, tokens: readonly Token[], end: Token): Reading<Starts[S]> {
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
  const parser = new QuietParser(grammarFor(start), { lexer });
  try {
    parser.feed('');
  } catch (error) {
    const offset = error instanceof Error && 'offset' in error ? error.offset : undefined;
    if (typeof offset !== 'number') throw error;
    return { ok: false, index: offset, expected: expectedIn(parser.table[offset]) };
  }
  const results: readonly Starts[S][] = parser.results;
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
