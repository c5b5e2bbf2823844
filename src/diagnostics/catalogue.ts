/**
 * Every code that the compiler can print, and the page that explains it.
 *
 * Takes the rows of `codes/*.ts`; gives lookups for `explain`. A new file of codes is one line in `areas`; a page is read
 * when it is asked for, from the folder beside this module, in a checkout as in a build.
 */
import { readFileSync } from 'node:fs';
import { assertCodes } from './codes/asserts.ts';
import { fileCodes } from './codes/files.ts';
import { internalCodes } from './codes/internal.ts';
import { lintCodes } from './codes/lint.ts';
import { modelCodes } from './codes/model.ts';
import { syntaxCodes } from './codes/syntax.ts';
import { targetCodes } from './codes/target.ts';
import type { CodeRow } from './diagnostic.ts';

/** A row whose arguments do not matter. */
export type AnyCodeRow = CodeRow<never>;

/** By the digit after `ZW`. */
export const areas: readonly { readonly digit: number; readonly rows: readonly AnyCodeRow[] }[] = [
  { digit: 1, rows: Object.values(syntaxCodes) },
  { digit: 2, rows: Object.values(modelCodes) },
  { digit: 3, rows: Object.values(lintCodes) },
  { digit: 4, rows: Object.values(assertCodes) },
  { digit: 5, rows: Object.values(targetCodes) },
  { digit: 6, rows: Object.values(fileCodes) },
  { digit: 9, rows: Object.values(internalCodes) },
];

/** In the order of their numbers. */
export const codeRows: readonly AnyCodeRow[] = areas.flatMap(({ rows }) => rows).toSorted((a, b) => (a.code < b.code ? -1 : 1));

const byCode: ReadonlyMap<string, AnyCodeRow> = new Map(codeRows.map((row) => [row.code, row]));

/** The row of `ZW1001`, in any case. */
export function codeRow(code: string): AnyCodeRow | undefined {
  return byCode.get(code.toUpperCase());
}

/** The page of a code, in Markdown; undefined for an unknown code. */
export function page(code: string): string | undefined {
  const row = codeRow(code);
  return row === undefined ? undefined : readFileSync(new URL(`pages/${row.code}.md`, import.meta.url), 'utf8');
}
