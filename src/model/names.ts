/**
 * The name spaces of a policy: one for zones, hosts, groups and gateways, one for services, one each for flows,
 * conduits and asserts.
 *
 * Takes declarations, gives lookups and reports names that stand twice, are reserved or too long.
 */
import { nearest } from '../base/nearest.ts';
import type { Span } from '../base/source.ts';
import { catalogue, reservedNames } from '../catalogue/catalogue.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import type { Declaration, Word } from '../syntax/ast.ts';
import type { Context } from './context.ts';

export type PlaceDecl = Extract<Declaration, { kind: 'zone' | 'host' | 'group' | 'gateway' }>;
export type ServiceDecl = Extract<Declaration, { kind: 'service' }>;

/** Longest name of a declaration, in characters. */
export const longestName = 64;

export class NameSpace<Item> {
  readonly #items = new Map<string, { readonly item: Item; readonly kind: string; readonly span: Span }>();

  /** Names of declarations that could not stand; what uses them only follows from that. */
  readonly rejected = new Set<string>();

  /** Enters a declaration; false (and a diagnostic) if its name cannot stand. */
  declare(context: Context, kind: string, name: Word, item: Item, reserved: boolean): boolean {
    if (name.text.length > longestName) {
      this.rejected.add(name.text);
      context.report(
        modelCodes.nameTooLong,
        name.span,
        { name: `${name.text.slice(0, 24)}…` },
        { help: [`choose a name of at most ${longestName} characters; a label may be longer`] },
      );
      return false;
    }
    if (reserved && reservedNames.has(name.text)) {
      this.rejected.add(name.text);
      const why = catalogue.has(name.text) ? 'a protocol of the catalogue' : 'a word of the language';
      context.report(modelCodes.reservedName, name.span, { name: name.text, why }, { help: [`call it \`${name.text}_${kind}\`, for example`] });
      return false;
    }
    const earlier = this.#items.get(name.text);
    if (earlier !== undefined) {
      this.rejected.add(name.text);
      context.report(
        modelCodes.duplicateName,
        name.span,
        { kind, name: name.text },
        {
          label: 'declared again',
          secondary: [{ span: earlier.span, label: earlier.kind === kind ? 'first declared here' : `first declared here (${earlier.kind})` }],
          help: ['rename one of the two'],
        },
      );
      return false;
    }
    this.#items.set(name.text, { item, kind, span: name.span });
    return true;
  }

  get(name: string): Item | undefined {
    return this.#items.get(name)?.item;
  }

  names(): IterableIterator<string> {
    return this.#items.keys();
  }

  suggestion(name: string): string | undefined {
    const found = nearest(name, this.#items.keys());
    return found === undefined ? undefined : `did you mean \`${found}\`?`;
  }
}
