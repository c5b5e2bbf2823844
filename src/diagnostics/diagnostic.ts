/**
 * What a diagnostic is, and how a stage makes one.
 *
 * Takes a row of the catalogue (`codes/*.ts`), its typed arguments and spans; gives a plain record. Stages return
 * their value together with a list of these records and never throw for a user's mistake.
 */
import type { Span } from '../base/source.ts';

export type Severity = 'error' | 'warning';

/** Which exit status a diagnostic asks for (design: 1 findings, 2 wrong input, 3 target gap, 4 our bug). */
export type Blame = 'finding' | 'input' | 'target' | 'bug';

/** One row of the catalogue. `message` gives one lower-case line that stands alone. */
export interface CodeRow<Args> {
  /** Stable for life. */
  readonly code: `ZW${number}`;
  /** Kebab-case name, stable for life. */
  readonly name: string;
  readonly severity: Severity;
  readonly blame: Blame;
  readonly message: (args: Args) => string;
}

/** Spells a row of the catalogue; fixes the argument type. */
export function row<Args = Record<never, never>>(
  code: `ZW${number}`,
  name: string,
  severity: Severity,
  blame: Blame,
  message: (args: Args) => string,
): CodeRow<Args> {
  return { code, name, severity, blame, message };
}

export interface LabelledSpan {
  readonly span: Span;
  readonly label: string;
}

/** An edit that would mend the mistake. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
}

export interface Diagnostic {
  readonly code: string;
  readonly name: string;
  readonly severity: Severity;
  readonly blame: Blame;
  readonly message: string;
  /** Absent only for what no line of a zone file caused (options, output folder). */
  readonly span: Span | undefined;
  /** Stands under the underline. */
  readonly label: string | undefined;
  readonly secondary: readonly LabelledSpan[];
  /** Causes. */
  readonly notes: readonly string[];
  /** The way out. */
  readonly help: readonly string[];
  readonly fix: Fix | undefined;
  /** Typed extra data (a witness packet, the sets of an assert), printed by `--format json`. */
  readonly data: unknown;
}

/** What may stand beside the message. */
export interface Extras {
  readonly label?: string;
  readonly secondary?: readonly LabelledSpan[];
  readonly notes?: readonly string[];
  readonly help?: readonly (string | undefined)[];
  readonly fix?: Fix;
  readonly data?: unknown;
}

/** Makes the record. `help` entries that are undefined are left out, so a caller can pass an optional suggestion. */
export function diagnostic<Args>(code: CodeRow<Args>, span: Span | undefined, args: Args, extras: Extras = {}): Diagnostic {
  return {
    code: code.code,
    name: code.name,
    severity: code.severity,
    blame: code.blame,
    message: code.message(args),
    span,
    label: extras.label,
    secondary: extras.secondary ?? [],
    notes: extras.notes ?? [],
    help: (extras.help ?? []).filter((line) => line !== undefined),
    fix: extras.fix,
    data: extras.data,
  };
}

/** A stage's value with what it has to say. */
export interface Outcome<Value> {
  readonly value: Value;
  readonly diagnostics: readonly Diagnostic[];
}
