/**
 * Diagnostics as a SARIF 2.1.0 log, for code scanning and for viewers.
 *
 * Takes diagnostics and their sources, gives one document with one run. The one idea: a plain text message of SARIF is
 * not quite plain (braces are placeholders, `[…](…)` is a link), so every text from a zone file is escaped on its way in.
 */
import type { SourceMap, Span } from '../base/source.ts';
import { version } from '../base/version.ts';
import { page } from '../diagnostics/catalogue.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { inSourceOrder, jsonPlace } from '../diagnostics/render.ts';
import { pathFrom, remarks, wellFormed } from './remarks.ts';

/** SARIF 2.1.0, §3.11: a message in plain text. */
interface Message {
  readonly text: string;
}

/** §3.28. */
interface Location {
  readonly id?: number;
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string };
    readonly region: { readonly startLine: number; readonly startColumn: number; readonly endLine: number; readonly endColumn: number };
  };
  readonly message?: Message;
}

/** §3.49: one code, as far as its page explains it. */
interface Rule {
  readonly id: string;
  readonly name: string;
  readonly shortDescription?: Message;
  readonly fullDescription?: Message;
  readonly help: Message;
}

/** §3.27. */
interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: 'error' | 'warning';
  readonly message: Message;
  readonly locations?: readonly Location[];
  readonly relatedLocations?: readonly Location[];
  readonly properties?: Readonly<Record<string, unknown>>;
}

/**
 * The log as text (SARIF 2.1.0, OASIS Standard, §3.13). Columns are those of our own reports: one-based, counted in code
 * points, the end not included (§3.30.5–8). Notes and help stand below the message and, with the data, in `properties`.
 * A diagnostic without a place has no location. `folder`: see `pathFrom`.
 */
export function renderSarif(diagnostics: readonly Diagnostic[], sources: SourceMap, folder = ''): string {
  const sorted = inSourceOrder(diagnostics);
  const rules = rulesOf(sorted);
  const index = new Map(rules.map((rule, at) => [rule.id, at]));
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'zonewright', version, rules } },
        columnKind: 'unicodeCodePoints',
        results: sorted.map((item) => resultOf(item, index.get(item.code) ?? -1, sources, folder)),
      },
    ],
  };
  return `${JSON.stringify(log, wellFormedValue, 2)}\n`;
}

function wellFormedValue(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? wellFormed(value) : value;
}

/** One for each code that occurs, in the order of the codes. */
function rulesOf(diagnostics: readonly Diagnostic[]): Rule[] {
  const names = new Map(diagnostics.map((item) => [item.code, item.name]));
  return [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, name]) => ({ id, name, ...explained(id) }));
}

/** Page → its first sentence, its first paragraph, and where the rest is. */
function explained(code: string): Omit<Rule, 'id' | 'name'> {
  const paragraph = page(code)?.split(/\n\n+/u)[1]?.replaceAll(/\s+/gu, ' ').trim();
  const sentence = paragraph === undefined ? undefined : (/^.*?\.(?=\s|$)/u.exec(paragraph)?.[0] ?? paragraph);
  return {
    ...(sentence === undefined ? {} : { shortDescription: message(sentence) }),
    ...(paragraph === undefined ? {} : { fullDescription: message(paragraph) }),
    help: message(`\`zonewright explain ${code}\` shows an example and the way out`),
  };
}

function resultOf(item: Diagnostic, ruleIndex: number, sources: SourceMap, folder: string): Result {
  const properties = {
    ...(item.notes.length === 0 ? {} : { notes: item.notes }),
    ...(item.help.length === 0 ? {} : { help: item.help }),
    ...(item.data === undefined ? {} : { data: item.data }),
  };
  const related = item.secondary.map(({ span, label }, at) => ({ id: at + 1, ...locationOf(span, label, sources, folder) }));
  return {
    ruleId: item.code,
    ruleIndex,
    level: item.severity,
    message: message([item.message, ...remarks(item)].join('\n')),
    ...(item.span === undefined ? {} : { locations: [locationOf(item.span, item.label, sources, folder)] }),
    ...(related.length === 0 ? {} : { relatedLocations: related }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  };
}

function locationOf(span: Span, label: string | undefined, sources: SourceMap, folder: string): Location {
  const place = jsonPlace(span, sources);
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(pathFrom(folder, place.file)) },
      region: { startLine: place.line, startColumn: place.column, endLine: place.endLine, endColumn: place.endColumn },
    },
    // An empty text is no message (§3.11.8).
    ...(label === undefined || label === '' ? {} : { message: message(label) }),
  };
}

/** A relative reference (RFC 3986, 4.2; §3.4.3): every segment encoded, so a colon in a name is no scheme. */
function uriOf(path: string): string {
  return wellFormed(path).split('/').map(encodeURIComponent).join('/');
}

/** Braces are doubled since `{0}` is a placeholder (§3.11.5); a space keeps `](` from being a link (§3.11.6). */
function message(text: string): Message {
  return { text: text.replaceAll(/[{}]/gu, '$&$&').replaceAll('](', '] (') };
}
