/** Helpers of the syntax tests: parse a text, and show its tree without spans. */
import { SourceFile } from '../../src/base/source.ts';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import type { Ast } from '../../src/syntax/ast.ts';
import { parse } from '../../src/syntax/parse.ts';

export interface Parsed {
  readonly ast: Ast;
  readonly diagnostics: readonly Diagnostic[];
  /** `CODE «the words under the span»` of every diagnostic. */
  readonly mistakes: readonly string[];
}

export function parseText(text: string): Parsed {
  const { value, diagnostics } = parse(new SourceFile(0, 'test.zone', text));
  return { ast: value, diagnostics, mistakes: diagnostics.map((one) => `${one.code} «${text.slice(one.span?.start, one.span?.end)}»`) };
}

/** The tree without spans and undefined fields; words as their text. */
export function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== 'object' || node === null) return node;
  if ('text' in node && 'span' in node) return node.text;
  const entries = Object.entries(node).filter(([key, value]) => key !== 'span' && value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, bare(value)]));
}

/** The declarations of a text that has no mistakes. */
export function declarations(text: string): unknown[] {
  const { ast, mistakes } = parseText(text);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return ast.declarations.map(bare);
}

/** The properties of a flow with this body, as `[kind, keyword, value…]`. */
export function properties(body: string, head = 'flow f'): unknown[] {
  const [declaration] = declarations(`${head} { ${body} }`);
  if (typeof declaration !== 'object' || declaration === null || !('properties' in declaration) || !Array.isArray(declaration.properties))
    throw new Error('no properties');
  return declaration.properties;
}

/** The `kind name` code blocks of a page, as ```` ```zone fail ````. */
export function codeBlocks(page: string, kind: string): string[] {
  return [...page.matchAll(/^```([^\n]*)\n([\s\S]*?)\n```$/gmu)].filter(([, info]) => info === kind).map(([, , text]) => text ?? '');
}
