/**
 * Asserts and tests as JUnit XML, for build servers.
 *
 * Takes what was proved, what was tested and every diagnostic; gives one document: a suite of the asserts, one of each
 * test block, and one named `policy` for whatever else is wrong. The one idea: each diagnostic belongs to at most one
 * result, the one whose span it has; what nobody claims is a failure of the policy, so nothing wrong is ever left out.
 */
import type { SourceMap, Span } from '../base/source.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { inSourceOrder, renderText } from '../diagnostics/render.ts';

/** What the report reads of an assert's result. */
export interface AssertOutcome {
  readonly name: string;
  readonly status: 'proved' | 'violated' | 'not enforceable here' | 'vacuous';
  readonly span?: Span;
}

/** What the report reads of the result of one line of a test block. */
export interface TestOutcome {
  readonly title: string;
  readonly line: string;
  readonly passed: boolean;
  /** False if part of it is never seen by a gateway. */
  readonly enforced: boolean;
  readonly span?: Span;
}

export interface Outcomes {
  readonly asserts: readonly AssertOutcome[];
  readonly tests: readonly TestOutcome[];
  readonly diagnostics: readonly Diagnostic[];
}

type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly message: string; readonly type: string; readonly text: string }
  /** It says nothing, so it neither passes nor fails. */
  | { readonly kind: 'skipped'; readonly message: string }
  | { readonly kind: 'remarked'; readonly text: string };

interface Case {
  readonly name: string;
  readonly verdict: Verdict;
}

interface Suite {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly output: string;
}

/**
 * The document as text. There is no standard; elements and attributes are those which Jenkins' and Ant's readers share.
 * No times and no machine: the same policy gives the same bytes. A report is never without a test case, since some
 * servers take an empty one for a broken build.
 */
export function renderJunit(outcomes: Outcomes, sources: SourceMap): string {
  const unclaimed = new Set(inSourceOrder(outcomes.diagnostics));
  const plain = (items: readonly Diagnostic[]): string => renderText(items, sources, { color: false }).trimEnd();
  const asserts = outcomes.asserts.map((assert) => assertCase(assert, claim(unclaimed, assert.span, saysAssert(assert)), plain));
  const tests = outcomes.tests.map((test) => ({ title: test.title, one: testCase(test, claimTest(unclaimed, test), plain) }));
  const rest = [...unclaimed];
  const failures = rest.filter((item) => item.severity === 'error').map((item) => policyCase(item, sources, plain));
  const suites: Suite[] = [
    {
      name: 'policy',
      cases: failures.length > 0 ? failures : [{ name: 'nothing else is wrong', verdict: { kind: 'passed' } }],
      output: plain(rest.filter((item) => item.severity === 'warning')),
    },
  ];
  if (asserts.length > 0) suites.push({ name: 'asserts', cases: asserts, output: '' });
  for (const [index, { title }] of tests.entries()) {
    if (tests[index - 1]?.title === title) continue;
    const end = tests.findIndex((other, at) => at > index && other.title !== title);
    const cases = tests.slice(index, end === -1 ? undefined : end).map(({ one }) => one);
    // Named apart from the two above, whatever a block is called.
    suites.push({ name: `test: ${title}`, cases, output: '' });
  }
  return document(suites);
}

// -- which diagnostic belongs to which result ---------------------------------------------------------------------

/** Takes the diagnostics of a result out of the heap: those with its very span, else those that name it. */
function claim(heap: Set<Diagnostic>, span: Span | undefined, says: (item: Diagnostic) => boolean): Diagnostic[] {
  const here = span === undefined ? [] : [...heap].filter((item) => sameSpan(item.span, span));
  const own = here.length > 0 ? here : [...heap].filter(says);
  for (const item of own) heap.delete(item);
  return own;
}

function sameSpan(a: Span | undefined, b: Span): boolean {
  return a !== undefined && a.file === b.file && a.start === b.start && a.end === b.end;
}

/** Messages about an assert begin with its name; elsewhere in them the name of a flow may be the same. */
function saysAssert(assert: AssertOutcome): (item: Diagnostic) => boolean {
  const heads = [`assert \`${assert.name}\` `, `\`${assert.name}\` proves nothing`];
  return (item) => assert.status !== 'proved' && heads.some((head) => item.message.startsWith(head));
}

/** A failed line names itself only by what it expects, so without a span the first such diagnostic is its own. */
function claimTest(heap: Set<Diagnostic>, test: TestOutcome): Diagnostic[] {
  if (test.passed) return claim(heap, test.span, () => false);
  const first = [...heap].find((item) => item.message.startsWith(`test expects ${test.line.split(' ')[0] ?? ''}, but `));
  return claim(heap, test.span, (item) => item === first);
}

// -- results as cases ---------------------------------------------------------------------------------------------

type Plain = (items: readonly Diagnostic[]) => string;

function failed(own: readonly Diagnostic[], otherwise: string, type: string, plain: Plain): Verdict {
  const main = own.find((item) => item.severity === 'error') ?? own[0];
  return { kind: 'failed', message: main?.message ?? otherwise, type: main?.code ?? type, text: plain(own) };
}

function assertCase(assert: AssertOutcome, own: readonly Diagnostic[], plain: Plain): Case {
  const { name, status } = assert;
  if (status === 'violated' || status === 'not enforceable here' || own.some((item) => item.severity === 'error'))
    return { name, verdict: failed(own, `assert \`${name}\`: ${status}`, 'assert', plain) };
  if (status === 'vacuous') return { name, verdict: { kind: 'skipped', message: own[0]?.message ?? `\`${name}\` proves nothing` } };
  return { name, verdict: own.length > 0 ? { kind: 'remarked', text: plain(own) } : { kind: 'passed' } };
}

function testCase(test: TestOutcome, own: readonly Diagnostic[], plain: Plain): Case {
  const name = test.line;
  if (!test.passed || own.some((item) => item.severity === 'error')) return { name, verdict: failed(own, `test failed: ${name}`, 'test', plain) };
  const text = [test.enforced ? '' : 'part of it is seen by no gateway', plain(own)].filter((part) => part !== '').join('\n');
  return { name, verdict: text === '' ? { kind: 'passed' } : { kind: 'remarked', text } };
}

function policyCase(item: Diagnostic, sources: SourceMap, plain: Plain): Case {
  const place = item.span === undefined ? '' : ` at ${sources.place(item.span)}`;
  return { name: `${item.code} ${item.name}${place}`, verdict: failed([item], '', '', plain) };
}

// -- XML ----------------------------------------------------------------------------------------------------------

function document(suites: readonly Suite[]): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="zonewright" ${counts(suites.flatMap((suite) => suite.cases))}>`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function counts(cases: readonly Case[]): string {
  const of = (kind: Verdict['kind']): number => cases.filter(({ verdict }) => verdict.kind === kind).length;
  return `tests="${cases.length}" failures="${of('failed')}" errors="0" skipped="${of('skipped')}"`;
}

function suiteLines(suite: Suite): string[] {
  return [
    `  <testsuite${attribute('name', suite.name)} ${counts(suite.cases)}>`,
    ...suite.cases.flatMap((one) => caseLines(suite.name, one)),
    ...(suite.output === '' ? [] : [`    <system-out>${escapeXml(suite.output)}</system-out>`]),
    '  </testsuite>',
  ];
}

function caseLines(suite: string, { name, verdict }: Case): string[] {
  const attributes = attribute('classname', suite) + attribute('name', name);
  const inside = (element: string): string[] => [`    <testcase${attributes}>`, `      ${element}`, '    </testcase>'];
  switch (verdict.kind) {
    case 'passed':
      return [`    <testcase${attributes}/>`];
    case 'failed':
      return inside(`<failure${attribute('message', verdict.message)}${attribute('type', verdict.type)}>${escapeXml(verdict.text)}</failure>`);
    case 'skipped':
      return inside(`<skipped${attribute('message', verdict.message)}/>`);
    case 'remarked':
      return inside(`<system-out>${escapeXml(verdict.text)}</system-out>`);
  }
}

/** Everything but the production Char of XML 1.0 (fifth edition), 2.2. */
const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\t': '&#9;', '\r': '&#13;' };

/** Text inside an element. `>` goes too, so that `]]>` cannot occur; what no XML document may hold becomes U+FFFD. */
function escapeXml(text: string): string {
  return text.replaceAll(forbidden, '\ufffd').replaceAll(/[&<>"'\t\r]/gu, (character) => references[character] ?? character);
}

/** ` name="value"`; a bare line end would be read as a space (3.3.3). */
function attribute(name: string, value: string): string {
  return ` ${name}="${escapeXml(value).replaceAll('\n', '&#10;')}"`;
}
