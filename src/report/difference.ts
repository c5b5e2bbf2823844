/**
 * A difference of two policies for people: text for a terminal, and a page for the change meeting.
 *
 * Takes what was compared, gives one document. The sections and their order are one list, so that both show the same:
 * management lost first, then essential flows, then what opens, what is said differently, what closes, gateways.
 */
import type { DiffRow } from '../analysis/diff.ts';
import type { SourceMap, Span } from '../base/source.ts';
import { visible } from '../diagnostics/display.ts';
import type { Compared, Version } from '../pipeline/diff.ts';
import { differs } from '../pipeline/diff.ts';
import { renderAligned, renderMarkdown, type Table } from './table.ts';

interface Section {
  readonly title: string;
  /** What the reader has to decide. */
  readonly why: string;
  readonly table: Table;
}

export interface Both {
  readonly date: string;
  readonly old: Version;
  readonly new: Version;
  readonly difference: NonNullable<Compared['difference']>;
}

function places(flows: readonly { readonly name: string; readonly span: Span }[], sources: SourceMap): string {
  const shown = flows.slice(0, 4).map((flow) => `${flow.name} (${sources.place(flow.span)})`);
  return shown.join(', ') + (flows.length > 4 ? ` and ${flows.length - 4} more` : '');
}

function rowTable(rows: readonly DiffRow[], sources: SourceMap, deniedBy: SourceMap | undefined): Table {
  const cutBy = deniedBy !== undefined && rows.some((row) => row.deniedBy.length > 0);
  const into = rows.some((row) => row.into.length > 0);
  const graded = rows.some((row) => row.grade !== undefined);
  return {
    columns: [
      'from',
      'to',
      'services',
      'family',
      'gateways',
      ...(into ? ['into'] : []),
      ...(graded ? ['grade'] : []),
      'flows',
      ...(cutBy ? ['denied by'] : []),
      'for example',
    ],
    rows: rows.map((row) => [
      row.from,
      row.to,
      row.service,
      row.family === 'both' ? '4 and 6' : String(row.family),
      row.gateways.join(', '),
      ...(into ? [row.into.join(', ')] : []),
      ...(graded ? [row.grade ?? ''] : []),
      places(row.flows, sources),
      ...(cutBy && deniedBy !== undefined ? [places(row.deniedBy, deniedBy)] : []),
      row.exampleWords,
    ]),
  };
}

function sections({ old, new: now, difference }: Both): Section[] {
  const sensitive = difference.allowed.filter((row) => row.into.length > 0);
  const other = difference.allowed.filter((row) => row.into.length === 0);
  const list: Section[] = [
    {
      title: 'Management lost',
      why: 'After loading, these can no longer reach the gateway itself.',
      table: rowTable(difference.managementLost, old.sources, undefined),
    },
    {
      title: 'Essential flows lost',
      why: 'The plant stops without these.',
      table: {
        columns: ['flow', 'why', 'from', 'to', 'services', 'gateways', 'for example'],
        rows: difference.essentialLost.flatMap((loss) =>
          loss.rows.map((row) => [
            `${loss.flow} (${old.sources.place(loss.span)})`,
            loss.why,
            row.from,
            row.to,
            row.service,
            row.gateways.join(', '),
            row.exampleWords,
          ]),
        ),
      },
    },
    {
      title: 'Newly allowed into level 2 and below, safety or legacy',
      why: 'Who may now start a conversation with machines.',
      table: rowTable(sensitive, now.sources, undefined),
    },
    { title: 'Newly allowed', why: 'Everything else that opens.', table: rowTable(other, now.sources, undefined) },
    {
      title: 'Said differently',
      why: 'The same conversations, with less or more around them.',
      table: {
        columns: ['what', 'name', 'before', 'after', 'weaker', 'place'],
        rows: difference.changed.map((change) => [
          change.kind === 'flow' ? change.what : `${change.kind} ${change.what}`,
          change.name,
          change.before,
          change.after,
          change.weaker ? 'yes' : '',
          (change.side === 'new' ? now : old).sources.place(change.span),
        ]),
      },
    },
    {
      title: 'Newly denied',
      why: 'What stops; open conversations of it are cut at their next packet.',
      table: rowTable(difference.denied, old.sources, now.sources),
    },
  ];
  return list.filter((section) => section.table.rows.length > 0);
}

function gatewayTable({ difference }: Both): Table {
  return { columns: ['gateway', 'state', 'what'], rows: difference.gateways.map((one) => [one.gateway, one.state, one.what.join('; ')]) };
}

function name(version: Version): string {
  const { revision } = version.model;
  return `${visible(version.label)}${revision === undefined ? '' : `, revision ${revision}`}`;
}

export function renderDifference(both: Both): string {
  const lines = [`old: ${name(both.old)}`, `new: ${name(both.new)}`, `judged for ${both.date}`, `digest of the new sources: ${both.new.digest}`];
  if (!differs(both.difference)) return `${[...lines, 'identical: the same conversations, said the same'].join('\n')}\n`;
  const parts = sections(both).map(({ title, why, table }) => `\n${title} (${table.rows.length})\n${why}\n${renderAligned(table)}`);
  return `${lines.join('\n')}\n${parts.join('')}\nGateways\n${renderAligned(gatewayTable(both))}`;
}

/** A page that a meeting can approve: what changes, and the digest by which `compile` names what was approved. */
export function renderDifferencePage(both: Both): string {
  const head: Table = {
    columns: ['', 'old', 'new'],
    rows: [
      ['policy', both.old.model.title, both.new.model.title],
      ['source', both.old.label, both.new.label],
      ['revision', String(both.old.model.revision ?? 'none'), String(both.new.model.revision ?? 'none')],
      ['digest', both.old.digest, both.new.digest],
    ],
  };
  const said = differs(both.difference) ? [] : ['The two policies are identical: the same conversations, said the same.\n'];
  const parts = sections(both).map(({ title, why, table }) => `## ${title} (${table.rows.length})\n\n${why}\n\n${renderMarkdown(table)}`);
  return [
    '# Change of the firewall policy\n',
    renderMarkdown(head),
    `Judged for ${both.date}. What is approved here is what \`zonewright compile\` writes with \`"sourceDigest": "${both.new.digest}"\` in its manifest.\n`,
    ...said,
    ...parts,
    `## Gateways\n\n${renderMarkdown(gatewayTable(both))}`,
    '| approved by | date |\n| --- | --- |\n| | |\n',
  ].join('\n');
}
