/**
 * Puts a declaration together from the pieces of its block.
 *
 * Takes the tokens of a head and its block, gives the declaration or undefined; every mistake in it is reported, each
 * once, and the other pieces are still read. The names of what could not be read go to `broken`.
 */
import { BLOCKS, type BlockTable, RESERVED, type TopKeyword } from '../../grammar/tokens.ts';
import { type Span, spanning } from '../base/source.ts';
import { syntaxCodes as codes } from '../diagnostics/codes/syntax.ts';
import { diagnostic } from '../diagnostics/diagnostic.ts';
import type * as Ast from './ast.ts';
import { classify } from './classify.ts';
import { explain, explainUnknown } from './explain.ts';
import { BLOCKLESS, optionPieces, type Piece, pieces } from './layout.ts';
import type { Source } from './outline.ts';
import { read, type Start, type Starts } from './read.ts';
import { isPunctuation, isWord, Token, word } from './token.ts';

type Nested = Extract<Piece, { kind: 'nested' }>;
type PropertyStart = Exclude<{ [S in Start]: Starts[S] extends Ast.Property ? S : never }[Start], never>;

/** A head with its block, as the file has it. */
export interface Part {
  /** From the keyword to the brace, without it. */
  readonly head: readonly Token[];
  readonly open: number;
}

/** In place of the brace of a declaration that needs no block. */
const NO_BLOCK = -1;
/** Declarations whose names others use. */
const REFERRED: ReadonlySet<string> = new Set<TopKeyword>(['zone', 'host', 'group', 'service', 'flow', 'gateway']);

/** Reads a nested declaration; false if it could not be read and takes its parent along. */
type Nest = (nested: Nested, part: Part) => boolean;

export class Declarer {
  readonly #source: Source;
  readonly #broken: Ast.Word[];
  /** Set when a nested declaration had no brace: what closes it closes the wrong block. */
  unbalanced = false;

  constructor(source: Source, broken: Ast.Word[]) {
    this.#source = source;
    this.#broken = broken;
  }

  include(head: readonly Token[]): Ast.IncludeDecl | undefined {
    const title = this.#read('titled_head', head);
    return title && { kind: 'include', path: title.name, span: across(head) };
  }

  /** `keyword` is what the head's first word means; it may be misspelt. */
  declaration(keyword: Exclude<TopKeyword, 'include'>, part: Part): Ast.Declaration | undefined {
    const declared = this.#declared(keyword, part);
    if (declared === undefined) this.#breaks(keyword, part.head);
    return declared;
  }

  #declared(keyword: Exclude<TopKeyword, 'include'>, part: Part): Ast.Declaration | undefined {
    switch (keyword) {
      case 'policy': {
        const head = this.#read('titled_head', part.head);
        const properties = this.#properties(BLOCKS.policy, part.open);
        return head && properties && { kind: 'policy', title: head.name, properties, span: this.#span(part) };
      }
      case 'zone': {
        const head = this.#read('named_head', part.head);
        const properties = this.#properties(BLOCKS.zone, part.open);
        return head && properties && { kind: 'zone', ...head, properties, span: this.#span(part) };
      }
      case 'host': {
        const head = this.#read('host_head', part.head);
        const properties = this.#properties(BLOCKS.host, part.open);
        return head && properties && { kind: 'host', name: head.name, label: head.label, zone: head.zone, properties, span: this.#span(part) };
      }
      case 'group': {
        const head = this.#read('named_head', part.head);
        const members = this.#body('members', part.open);
        return head && members && { kind: 'group', ...head, members, span: this.#span(part) };
      }
      case 'service': {
        const head = this.#read('named_head', part.head);
        const members = this.#body('service_members', part.open);
        return head && members && { kind: 'service', ...head, members, span: this.#span(part) };
      }
      case 'flow':
        return this.#flow(part);
      case 'conduit':
        return this.#conduit(part);
      case 'gateway':
        return this.#gateway(part);
      case 'assert': {
        const head = this.#read('named_head', part.head);
        const statement = this.#body('assert_body', part.open);
        return head && statement && { kind: 'assert', ...head, ...statement, span: this.#span(part) };
      }
      case 'test': {
        const head = this.#read('titled_head', part.head);
        const lines = this.#each(pieces(this.#source, BLOCKS.test, part.open), (piece) =>
          piece.kind === 'property' ? this.#read('test_line_property', piece.tokens, BLOCKS.test) : this.#unknown(piece, BLOCKS.test, part.open),
        );
        return head && lines && { kind: 'test', title: head.name, lines, span: this.#span(part) };
      }
    }
  }

  #flow(part: Part): Ast.FlowDecl | undefined {
    const head = this.#read('named_head', part.head);
    const properties = this.#properties(BLOCKS.flow, part.open);
    return head && properties && { kind: 'flow', name: head.name, label: head.label, properties, span: this.#span(part) };
  }

  /** A conduit stays without the flows that could not be read. */
  #conduit(part: Part): Ast.ConduitDecl | undefined {
    const head = this.#read('conduit_head', part.head);
    const flows: Ast.FlowDecl[] = [];
    const properties = this.#properties(BLOCKS.conduit, part.open, (_, part) => {
      const flow = this.#flow(part);
      if (flow === undefined) this.#breaks('flow', part.head);
      else flows.push(flow);
      return true;
    });
    return head && properties && { kind: 'conduit', ...head, properties, flows, span: this.#span(part) };
  }

  #gateway(part: Part): Ast.GatewayDecl | undefined {
    const head = this.#read('named_head', part.head);
    const targets: Ast.TargetClause[] = [];
    const interfaces: Ast.InterfaceDecl[] = [];
    const traffic: Ast.GatewayTrafficDecl[] = [];
    const properties = this.#properties(BLOCKS.gateway, part.open, (nested, inner) => {
      switch (nested.keyword) {
        case 'target':
          return keep(targets, this.#target(inner));
        case 'interface':
          return keep(interfaces, this.#interface(inner));
        case 'manage':
        case 'receive':
        case 'send':
          return keep(traffic, this.#traffic(nested.keyword, inner));
        case 'flow':
          return false;
      }
    });
    return head && properties && { kind: 'gateway', ...head, targets, interfaces, traffic, properties, span: this.#span(part) };
  }

  #target(part: Part): Ast.TargetClause | undefined {
    const head = this.#read('target_head', part.head);
    const options = this.#each(part.open === NO_BLOCK ? [] : optionPieces(this.#source, part.open), (tokens) => this.#read('option', tokens));
    return head && options && { name: head.name, options, span: this.#span(part) };
  }

  #interface(part: Part): Ast.InterfaceDecl | undefined {
    const head = this.#read('interface_head', part.head);
    const properties = this.#properties(BLOCKS.interface, part.open);
    return head && properties && { name: head.name, properties, span: this.#span(part) };
  }

  #traffic(kind: Ast.GatewayTrafficDecl['kind'], part: Part): Ast.GatewayTrafficDecl | undefined {
    const head = this.#read('traffic_head', part.head, BLOCKS.gateway);
    if (head === undefined && part.open === NO_BLOCK) this.unbalanced = true;
    const properties = part.open === NO_BLOCK ? [] : this.#properties(BLOCKS.traffic, part.open);
    return head && properties && { kind, ...head, properties, span: this.#span(part) };
  }

  /** The properties of a block, undefined if one could not be read; nested declarations go to `nest`. */
  #properties(table: BlockTable, open: number, nest?: Nest): Ast.Property[] | undefined {
    const properties: Ast.Property[] = [];
    let sound = true;
    for (const piece of pieces(this.#source, table, open)) {
      if (piece.kind === 'property') {
        // The shapes of these blocks all make properties; only a test's lines do not.
        const property = this.#read(`${piece.shape}_property` as PropertyStart, piece.tokens, table);
        sound = keep(properties, property) && sound;
      } else if (piece.kind === 'unknown') {
        this.#unknown(piece, table, open);
        sound = false;
      } else sound = this.#nested(piece, nest) && sound;
    }
    return sound ? properties : undefined;
  }

  #nested(piece: Nested, nest: Nest | undefined): boolean {
    if (piece.open === undefined && !BLOCKLESS.has(piece.keyword)) {
      this.missingBlock(piece.keyword, piece.tokens);
      this.unbalanced = true;
      // A conduit stays without its broken flows.
      return piece.keyword === 'flow';
    }
    return nest === undefined || nest(piece, { head: piece.tokens, open: piece.open ?? NO_BLOCK });
  }

  /** A head without a brace: reports the head's own mistake, or that the block is missing. */
  missingBlock(keyword: string, head: readonly Token[]): void {
    this.#breaks(keyword, head);
    const last = head.at(-1);
    if (last === undefined || this.#read(headStart(keyword), head) === undefined) return;
    this.#source.report(
      diagnostic(
        codes.missingBlock,
        last.span,
        { keyword },
        { label: 'expected `{` after this', help: [`write \`${keyword} … { … }\`; the braces may be empty`] },
      ),
    );
  }

  #unknown(piece: { readonly tokens: readonly Token[] }, table: BlockTable, open: number): undefined {
    const [first] = piece.tokens;
    // A second brace behind the first one: the outline has reported that one of them is not closed.
    const doubled = isPunctuation(first, '{') && this.#source.close[open] === this.#source.after[open];
    if (first !== undefined && !doubled && !piece.tokens.some((token) => token.type === 'bad')) this.#source.report(explainUnknown(first, table));
    return undefined;
  }

  /** All results, or undefined if one is missing; every item is tried. */
  #each<Item, Result>(items: readonly Item[], readOne: (item: Item) => Result | undefined): Result[] | undefined {
    const results: Result[] = [];
    let sound = true;
    for (const item of items) sound = keep(results, readOne(item)) && sound;
    return sound ? results : undefined;
  }

  /** Reads a piece; a mistake in it is reported, unless the lexer did so already. */
  #read<S extends Start>(start: S, tokens: readonly Token[], table?: BlockTable, before?: Token): Starts[S] | undefined {
    if (tokens.some((token) => token.type === 'bad')) return undefined;
    classify(start, tokens);
    const behind = (tokens.at(-1) ?? before)?.end ?? 0;
    const end = new Token('end', '', '', this.#source.file.id, behind, behind, false, 0);
    const reading = read(start, tokens, end);
    if (reading.ok) return reading.value;
    // A brace that the outline closed for want of its own: reported there.
    if (reading.index === tokens.length && tokens.reduce((depth, token) => depth + (isPunctuation(token, '{') ? 1 : isPunctuation(token, '}') ? -1 : 0), 0) > 0)
      return undefined;
    this.#source.report(explain({ start, tokens, index: reading.index, expected: reading.expected, table, before }));
    return undefined;
  }

  /** Reads everything between the braces as one piece. */
  #body<S extends Start>(start: S, open: number): Starts[S] | undefined {
    const end = this.#source.close[open] ?? open;
    const tokens = this.#source.tokens.slice(open + 1, end);
    while (isPunctuation(tokens.at(-1), ';')) tokens.pop();
    return this.#read(start, tokens, undefined, this.#source.tokens.at(open));
  }

  /** From the keyword to the closing brace. */
  #span(part: Part): Span {
    if (part.open === NO_BLOCK) return across(part.head);
    const last = this.#source.tokens.at((this.#source.after[part.open] ?? part.open + 1) - 1);
    const head = across(part.head);
    return last === undefined ? head : spanning(head, last.span);
  }

  /** Remembers the name that a broken declaration has, if others may speak of it. */
  #breaks(keyword: string, [, name]: readonly Token[]): void {
    if (REFERRED.has(keyword) && isWord(name) && !RESERVED.has(name.value)) this.#broken.push(word(name));
  }
}

function keep<Item>(items: Item[], item: Item | undefined): boolean {
  if (item === undefined) return false;
  items.push(item);
  return true;
}

function across(tokens: readonly Token[]): Span {
  const [first] = tokens;
  const last = tokens.at(-1);
  if (first === undefined || last === undefined) throw new Error('internal error: a head without tokens');
  return spanning(first.span, last.span);
}

function headStart(keyword: string): Start {
  switch (keyword) {
    case 'policy':
    case 'include':
    case 'test':
      return 'titled_head';
    case 'host':
      return 'host_head';
    case 'conduit':
      return 'conduit_head';
    case 'target':
      return 'target_head';
    case 'interface':
      return 'interface_head';
    default:
      return 'named_head';
  }
}
