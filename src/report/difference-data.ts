/** A difference of two policies for programs: the JSON document, and diagnostics for SARIF, JUnit and GitHub. */
import type { DiffRow } from '../analysis/diff.ts';
import type { SourceMap, Span } from '../base/source.ts';
import { assertCodes } from '../diagnostics/codes/asserts.ts';
import { type CodeRow, type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { jsonPlace } from '../diagnostics/render.ts';
import type { Both } from './difference.ts';

function flowPlaces(flows: readonly { readonly name: string; readonly span: Span }[], sources: SourceMap): unknown[] {
  return flows.map((flow) => ({ name: flow.name, span: jsonPlace(flow.span, sources) }));
}

function rowJson(row: DiffRow, sources: SourceMap, deniedBy: SourceMap): Record<string, unknown> {
  return {
    from: row.from,
    to: row.to,
    service: row.service,
    family: row.family,
    gateways: row.gateways,
    flows: flowPlaces(row.flows, sources),
    example: row.example ?? null,
    grade: row.grade ?? null,
    into: row.into,
    deniedBy: flowPlaces(row.deniedBy, deniedBy),
  };
}

export function differenceJson({ date, old, new: now, difference }: Both): Record<string, unknown> {
  const version = (one: Both['old']): unknown => ({
    source: one.label,
    policy: one.model.title,
    revision: one.model.revision ?? null,
    sourceDigest: one.digest,
  });
  return {
    date,
    old: version(old),
    new: version(now),
    managementLost: difference.managementLost.map((row) => rowJson(row, old.sources, now.sources)),
    essentialLost: difference.essentialLost.map((loss) => ({
      flow: loss.flow,
      span: jsonPlace(loss.span, old.sources),
      why: loss.why,
      rows: loss.rows.map((row) => rowJson(row, old.sources, now.sources)),
    })),
    allowed: difference.allowed.map((row) => rowJson(row, now.sources, now.sources)),
    denied: difference.denied.map((row) => rowJson(row, old.sources, now.sources)),
    changed: difference.changed.map(({ kind, name, what, before, after, weaker, span, side }) => ({
      kind,
      name,
      what,
      before,
      after,
      weaker,
      side,
      span: jsonPlace(span, (side === 'new' ? now : old).sources),
    })),
    gateways: difference.gateways.map(({ gateway, state, what }) => ({ gateway, state, what })),
  };
}

/** One diagnostic a row, at the new policy's lines; what only the old one has stands without a place. */
export function differenceDiagnostics({ difference }: Both): Diagnostic[] {
  const words = (row: DiffRow): string => `${row.from} -> ${row.to} : ${row.service}, on ${row.gateways.join(', ')}`;
  const notes = (row: DiffRow): string[] => (row.exampleWords === '' ? [] : [`for example ${row.exampleWords}`]);
  const said = (code: CodeRow<{ row: string }>, rows: readonly DiffRow[], span: (row: DiffRow) => Span | undefined): Diagnostic[] =>
    rows.map((row) => diagnostic(code, span(row), { row: words(row) }, { notes: notes(row), data: { witness: row.example ?? null } }));
  return [
    ...said(assertCodes.managementLost, difference.managementLost, () => undefined),
    ...difference.essentialLost.map((loss) =>
      diagnostic(assertCodes.essentialCut, undefined, { row: `${loss.flow}: ${loss.why}` }, { notes: loss.rows.map(words) }),
    ),
    ...said(assertCodes.newlyAllowed, difference.allowed, (row) => row.flows[0]?.span),
    ...difference.changed.map((change) =>
      diagnostic(assertCodes.flowChanged, change.side === 'new' ? change.span : undefined, {
        row: `${change.name}: ${change.what} ${change.before} → ${change.after}`,
      }),
    ),
    ...said(assertCodes.newlyDenied, difference.denied, (row) => row.deniedBy[0]?.span),
    ...difference.gateways
      .filter((one) => one.state !== 'identical')
      .map((one) => diagnostic(assertCodes.gatewayChanged, undefined, { row: `${one.gateway} is ${one.state}: ${one.what.join('; ')}` })),
  ];
}
