/**
 * Parses a zone file.
 *
 * Takes a source file, gives its declarations and everything that is wrong with its text; never throws for what a user
 * wrote. The way through: `lex` cuts tokens, `outline` pairs braces, this file walks from declaration to declaration,
 * `layout` cuts each block into pieces, `classify` tells keywords from names, `read` runs the grammar over one piece,
 * `build` makes the nodes, `declare` puts them together, and `explain` says why a piece could not be read.
 */
import { TOP_KEYWORDS, type TopKeyword } from '../../grammar/tokens.ts';
import { nearest } from '../base/nearest.ts';
import type { SourceFile } from '../base/source.ts';
import { syntaxCodes as codes } from '../diagnostics/codes/syntax.ts';
import { type Diagnostic, diagnostic, type Outcome } from '../diagnostics/diagnostic.ts';
import type * as Ast from './ast.ts';
import { Declarer } from './declare.ts';
import { explainDeclaration } from './explain.ts';
import { headEnd } from './layout.ts';
import { lex } from './lex.ts';
import { nextDeclaration, outline, settle, type Source } from './outline.ts';
import { isPunctuation, isWord } from './token.ts';

/** More mistakes than this in one file are not shown. */
export const MAX_DIAGNOSTICS = 100;

export function parse(file: SourceFile): Outcome<Ast.Ast> {
  const diagnostics: Diagnostic[] = [];
  const report = (one: Diagnostic): void => {
    // Beyond the limit only the number matters; a little more is kept, since reports do not come in file order.
    if (diagnostics.length < 10 * MAX_DIAGNOSTICS) diagnostics.push(one);
  };
  const { tokens } = lex(file, report);
  const value = declarations(outline(file, tokens, report), diagnostics);
  diagnostics.sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
  const [beyond] = diagnostics.splice(MAX_DIAGNOSTICS);
  if (beyond !== undefined) {
    diagnostics.push(
      diagnostic(codes.tooMany, beyond.span, { limit: MAX_DIAGNOSTICS }, { label: 'the next one is here', help: ['mend those above and run again'] }),
    );
  }
  return { value, diagnostics };
}

function declarations(source: Source, diagnostics: readonly Diagnostic[]): Ast.Ast {
  const { tokens, report } = source;
  const found: Ast.Declaration[] = [];
  const broken: Ast.Word[] = [];
  const declarer = new Declarer(source, broken);
  let index = 0;
  while (index < tokens.length && diagnostics.length < 2 * MAX_DIAGNOSTICS) {
    const token = tokens.at(index);
    if (token === undefined) break;
    if (isPunctuation(token, ';')) index++;
    else if (isPunctuation(token, '}')) {
      report(diagnostic(codes.strayBrace, token.span, {}, { help: ['delete it, or look for a block above that was closed too early'] }));
      while (isPunctuation(tokens.at(index), '}')) index++;
    } else if (token.type === 'bad') index = nextDeclaration(source, index, indentation(source, index));
    else index = declaration(index);
  }
  return { declarations: found, broken };

  /** Reads what starts at `start`, gives the index behind it. */
  function declaration(start: number): number {
    const first = tokens.at(start);
    const keyword = first === undefined ? undefined : topKeyword(first.value, isWord(first));
    if (first === undefined || keyword === undefined || (first.value !== keyword && !first.first)) {
      if (first !== undefined) report(explainDeclaration(first));
      return nextDeclaration(source, start, indentation(source, start));
    }
    const misspelt = first.value !== keyword;
    if (misspelt) report(explainDeclaration(first));
    const head = headEnd(source, undefined, start, tokens.length, false);
    const written = tokens.slice(start, head.end);
    if (keyword === 'include') {
      keep(declarer.include(written), misspelt);
      return head.end;
    }
    if (head.open === undefined) {
      if (!misspelt) declarer.missingBlock(keyword, written);
      return nextDeclaration(source, start, indentation(source, start));
    }
    const readable = settle(source, start, head.open);
    const after = source.after[head.open] ?? -1;
    const end = after === -1 ? tokens.length : after;
    if (!readable) return end;
    declarer.unbalanced = false;
    keep(declarer.declaration(keyword, { head: written, open: head.open }), misspelt);
    return declarer.unbalanced ? nextDeclaration(source, end - 1, indentation(source, start)) : end;
  }

  function keep(declared: Ast.Declaration | undefined, misspelt: boolean): void {
    if (declared === undefined) return;
    if (!misspelt) found.push(declared);
    else if ('name' in declared && declared.name !== undefined) broken.push(declared.name);
  }
}

/** The keyword that a word is or was meant to be. */
function topKeyword(value: string, isAWord: boolean): TopKeyword | undefined {
  if (!isAWord) return undefined;
  const near = TOP_KEYWORDS.has(value) ? value : nearest(value, TOP_KEYWORDS);
  return near as TopKeyword | undefined;
}

/** How far the line of a token is indented. */
function indentation(source: Source, index: number): number {
  let back = index;
  while (back > 0 && !source.tokens.isFirst(back)) back--;
  return source.tokens.at(back)?.column ?? 0;
}
