/**
 * What every part of resolve shares: the sources, the growing list of diagnostics, and readers for properties.
 */
import type { SourceMap, Span } from '../base/source.ts';
import { type CodeRow, type Diagnostic, diagnostic, type Extras } from '../diagnostics/diagnostic.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import type { Property, Word } from '../syntax/ast.ts';

export class Context {
  readonly sources: SourceMap;
  readonly diagnostics: Diagnostic[] = [];

  constructor(sources: SourceMap) {
    this.sources = sources;
  }

  report<Args>(code: CodeRow<Args>, span: Span, args: Args, extras: Extras = {}): void {
    this.diagnostics.push(diagnostic(code, span, args, extras));
  }

  /** The words of a span on one line. */
  words(span: Span): string {
    const text = this.sources.text(span);
    if (!/[#\r\n\t]| {2}|^ | $/u.test(text)) return text;
    return text
      .replace(/#[^\n"]*(\n|$)/gu, ' ')
      .replace(/\s+/gu, ' ')
      .trim();
  }
}

/** Reads the properties of one declaration: each at most once, save those that unite. */
export class PropertyReader {
  readonly #context: Context;
  /** Few enough to be searched one by one; of one keyword only those that unite stand here more than once. */
  readonly #kept: Property[] = [];

  /** `owner` names the declaration in messages ("zone `press`"); `uniting` keywords may stand more than once. */
  constructor(context: Context, properties: readonly Property[], owner: string, uniting: readonly string[] = []) {
    this.#context = context;
    for (const property of properties) {
      const keyword = keyOf(property);
      const first = this.#first(keyword);
      if (first === undefined || uniting.includes(keyword)) this.#kept.push(property);
      else {
        context.report(
          modelCodes.repeatedProperty,
          property.keyword.span,
          { property: property.keyword.text, owner },
          {
            secondary: [{ span: first.keyword.span, label: 'first here' }],
            help: ['keep one of the two'],
          },
        );
      }
    }
  }

  #first(keyword: string): Property | undefined {
    return this.#kept.find((property) => keyOf(property) === keyword);
  }

  of<Kind extends Property['kind']>(keyword: string, kind: Kind): Extract<Property, { kind: Kind }> | undefined {
    const property = this.#first(keyword);
    if (property === undefined) return undefined;
    if (property.kind !== kind) throw new Error(`property ${keyword} was parsed as ${property.kind}, expected ${kind}`);
    return property as Extract<Property, { kind: Kind }>;
  }

  all<Kind extends Property['kind']>(keyword: string, kind: Kind): Extract<Property, { kind: Kind }>[] {
    return this.#kept.filter((property): property is Extract<Property, { kind: Kind }> => property.kind === kind && keyOf(property) === keyword);
  }

  has(keyword: string): boolean {
    return this.#first(keyword) !== undefined;
  }

  text(keyword: string): string | undefined {
    return this.of(keyword, 'text')?.value.text;
  }

  word(keyword: string): Word | undefined {
    return this.of(keyword, 'word')?.value;
  }

  get context(): Context {
    return this.#context;
  }
}

function keyOf(property: Property): string {
  return property.kind === 'log-denied' ? 'log-denied' : property.keyword.text;
}
