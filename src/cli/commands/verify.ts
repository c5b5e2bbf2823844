/** `zonewright verify`: what a gateway runs, against its policy. */
import { capabilitiesByName, targets } from '../../../targets/index.ts';
import type { DriftRow } from '../../analysis/drift.ts';
import { packetWords, stateWords } from '../../analysis/words.ts';
import { jsonPlace } from '../../diagnostics/render.ts';
import { exitStatus } from '../../pipeline/check.ts';
import { type Verification, verify } from '../../pipeline/verify.ts';
import type { Model } from '../../model/model.ts';
import type { SourceMap } from '../../base/source.ts';
import { complain, dateOf, formatOf, print, printJson, progressOn, UsageError } from '../io.ts';

/** Messages that a line shows. */
const mostServices = 5;
/** Constructs that are named in text. */
const mostUnmodelled = 20;

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined);
  const running = (options['running'] as string[] | undefined) ?? [];
  if (running.length === 0)
    throw new UsageError('--running', 'is missing', 'give what the gateway says of itself, such as the output of `nft -j list ruleset`');
  const verified = await verify(args[0] ?? '', {
    date: dateOf(options['date'] as string | undefined),
    targets: capabilitiesByName,
    gateway: options['gateway'] as string | undefined,
    running,
    beside: (options['beside'] as string[] | undefined) ?? [],
    progress: progressOn(process.stderr),
    loadTarget: async (name) => {
      const row = targets.find((one) => one.capabilities.name === name);
      if (row === undefined) throw new Error(`no target ${name}`);
      return row.load();
    },
  });
  const { verification, model, diagnostics, loaded } = verified;
  const { sources } = loaded;
  const status = verification === undefined ? exitStatus(diagnostics) : verification.verdict === 'equal' ? 0 : 1;
  if (format === 'json') {
    const { drift, ...rest } = verification ?? { drift: { rows: [], more: false } };
    printJson(
      'verify',
      { date: verified.date, exitStatus: status, ...rest, rows: drift.rows.map((row) => rowJson(model, sources, row)), more: drift.more },
      diagnostics,
      sources,
    );
    return status;
  }
  complain(diagnostics, sources);
  if (verification !== undefined) for (const line of lines(model, sources, verification)) print(line);
  return status;
}

function rowJson(model: Model, sources: SourceMap, row: DriftRow): unknown {
  const { packet } = row;
  return {
    kind: row.kind,
    from: row.ends?.from ?? null,
    to: row.ends?.to ?? null,
    services: row.services,
    answers: row.answers,
    reason: row.reason,
    flow: row.line === undefined ? null : { name: row.line.name, span: jsonPlace(row.line.span, sources) },
    example: {
      ...packetWords(model, packet),
      sourcePort: packet.sourcePort,
      hook: packet.hook,
      state: packet.state,
      in: packet.inInterface ?? null,
      out: packet.outInterface ?? null,
    },
  };
}

function lines(model: Model, sources: SourceMap, found: Verification): string[] {
  const { gateway, verdict, drift, unmodelled } = found;
  const said = drift.rows.flatMap((row) => {
    const what = row.kind === 'passes' ? 'passes, but must not' : 'is dropped, but must pass';
    const place = row.line === undefined ? '' : ` (${sources.place(row.line.span)})`;
    const shown = row.services.slice(0, mostServices).join(', ');
    const more = row.services.length > mostServices ? ` and ${row.services.length - mostServices} more` : '';
    const who = row.ends === undefined ? 'what does not belong to its interfaces' : `${row.ends.from} -> ${row.ends.to}`;
    return [`${who} : ${row.answers ? 'answers of ' : ''}${shown}${more} ${what}: ${row.reason}${place}`, `  such as ${stateWords(model, row.packet)}`];
  });
  return [
    {
      equal: `${gateway} runs what the policy says: equal`,
      differs: `${gateway} does not run what the policy says`,
      unknown: `whether ${gateway} runs what the policy says cannot be told`,
    }[verdict],
    ...found.remarks,
    ...said,
    ...(drift.more ? ['and more'] : []),
    ...unmodelled.slice(0, mostUnmodelled).map(({ line, what }) => `not modelled${line === undefined ? '' : `, line ${line}`}: ${what}`),
    ...(unmodelled.length > mostUnmodelled ? [`and ${unmodelled.length - mostUnmodelled} more that are not modelled; \`--format json\` has them all`] : []),
    ...(found.unknown === undefined ? [] : [`so nothing is known of packets such as ${found.unknown}`]),
    ...found.others.map((other) => `it also has ${other}, which may drop or change what the policy lets pass; \`--beside\` accepts it by its name`),
    ...(verdict === 'equal'
      ? [
          'this covers every IP packet that reaches its input, forward or output hook, as far as what was given shows its filters; logs and counters were not compared',
        ]
      : []),
  ];
}
