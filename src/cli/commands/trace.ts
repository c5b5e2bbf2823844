/** `zonewright trace`. */
import { readFileSync } from 'node:fs';
import { capabilitiesByName } from '../../../targets/index.ts';
import type { Nearest } from '../../analysis/nearest-flow.ts';
import { trace, type TraceResult, type TraceStep } from '../../analysis/trace.ts';
import { endWords, packetWords, serviceWords } from '../../analysis/words.ts';
import type { SourceMap, Span } from '../../base/source.ts';
import type { Model } from '../../model/model.ts';
import { resolve } from '../../model/resolve.ts';
import { check, exitStatus } from '../../pipeline/check.ts';
import { load } from '../../pipeline/load.ts';
import { today } from '../../policy/dates.ts';
import { place } from '../../policy/place.ts';
import { complain, dateOf, formatOf, print, printJson, UsageError } from '../io.ts';
import { questions } from '../question.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const path = args[0] ?? '';
  const format = formatOf(options['format'] as string | undefined);
  const expect = options['expect'];
  if (expect !== undefined && expect !== 'allow' && expect !== 'deny') throw new UsageError('--expect', 'takes allow or deny');
  if (path === '-' && options['log'] === '-') throw new UsageError('--log', 'only one of FILE and --log can be standard input');
  const asked = dateOf(options['date'] as string | undefined);
  // A trace needs no proofs, so it goes no further than `place`; what is wrong is shown as `check` shows it.
  const read = readOnce();
  const loaded = load(path, read);
  const resolved = resolve(loaded.declarations, loaded.sources);
  const model = resolved.value;
  const date = asked ?? today(model.timezone);
  const placed = place(model, capabilitiesByName, date);
  if ([...loaded.diagnostics, ...resolved.diagnostics, ...placed.diagnostics].some((one) => one.severity === 'error' && one.blame === 'input')) {
    const checked = check(path, { date: asked, targets: capabilitiesByName, read });
    if (format === 'json') printJson('trace', { exitStatus: 2 }, checked.diagnostics, checked.loaded.sources);
    else complain(checked.diagnostics, checked.loaded.sources);
    return exitStatus(checked.diagnostics);
  }
  const question = questions(model, loaded, options);
  const result = trace({ model, placement: placed.value, targets: capabilitiesByName }, question.questions);
  const verdict = result.allowed ? 'allow' : 'deny';
  const status = expect !== undefined && expect !== verdict ? 1 : 0;
  const notes = [result.note, question.note].filter((note) => note !== undefined);
  if (format === 'json') printTraceJson(model, loaded.sources, date, result, notes, status);
  else printTrace(model, loaded.sources, result, notes);
  if (status === 1 && format === 'text') process.stderr.write(`expected ${String(expect)}, but the verdict is ${verdict}\n`);
  return Promise.resolve(status);
}

/** Reads each file, and standard input, once. */
function readOnce(): (path: string) => Uint8Array {
  const known = new Map<string, Uint8Array>();
  return (path) => {
    const bytes = known.get(path) ?? readFileSync(path === '-' ? 0 : path);
    known.set(path, bytes);
    return bytes;
  };
}

function placeOf(sources: SourceMap, span: Span): { file: string; line: number; column: number } {
  const file = sources.file(span.file);
  return { file: file.name, ...file.position(span.start) };
}

function reasonWords({ verdict: { reason } }: TraceStep): string {
  switch (reason.kind) {
    case 'flow':
      return `${reason.flow.effect === 'deny' ? 'denied' : 'allowed'} by flow \`${reason.flow.name}\``;
    case 'traffic':
      return `allowed by \`${reason.line.name}\``;
    case 'loopback':
      return 'allowed: loopback';
    case 'pass':
      return `allowed: ${reason.name}`;
    case 'conversation':
      return 'allowed: part of a conversation that this policy judged';
    case 'kept':
      return 'allowed: the platform passes what belongs to a conversation';
    case 'function':
      return 'denied: part of a judged conversation, but no flow allows its client to say this';
    case 'related-error':
      return 'allowed: an ICMP error about a known conversation';
    case 'spoofed':
      return 'denied: the source lies in no zone that its interface faces (spoofed)';
    case 'unrouted':
      return 'denied: the destination lies in no zone that its interface faces (unrouted)';
    case 'shared-wire':
      return 'denied: back out of a shared wire';
    case 'state':
      return 'denied: connection state invalid, untracked, or related without being an ICMP error';
    case 'default':
      return 'denied: no flow allows it';
  }
}

function sentence(nearest: Nearest): string {
  return nearest.says.join('; and ');
}

function printTraceJson(model: Model, sources: SourceMap, date: string, result: TraceResult, notes: readonly string[], status: number): void {
  const deciding = result.steps.find((step) => !step.verdict.accepted) ?? result.steps[0];
  const { nearest } = result;
  printJson('trace', {
    verdict: result.allowed ? 'allow' : 'deny',
    enforced: result.enforced,
    date,
    exitStatus: status,
    flow: deciding?.decider?.name ?? null,
    span: deciding?.decider === undefined ? null : placeOf(sources, deciding.decider.span),
    note: notes.length === 0 ? null : notes.join('; '),
    gateways: result.steps.map((step) => ({
      gateway: step.gateway,
      verdict: step.verdict.accepted ? 'allow' : 'deny',
      hook: step.packet.hook,
      in: step.packet.inInterface ?? null,
      out: step.packet.outInterface ?? null,
      from: step.verdict.from ?? null,
      to: step.verdict.to ?? null,
      reason: step.verdict.reason.kind,
      limited: step.verdict.limited,
      flow: step.decider?.name ?? null,
      span: step.decider === undefined ? null : placeOf(sources, step.decider.span),
      owner: step.decider?.owner ?? null,
      ticket: step.decider?.ticket ?? null,
      expires: step.decider?.expires?.value ?? null,
      essential: step.decider?.essential ?? false,
      grade: step.grade ?? null,
      widened: step.widened,
      openConversation: step.openPasses ? 'passes' : 'cut',
      wayOut: step.wayOut ?? null,
      packet: packetWords(model, step.packet),
    })),
    nearest:
      nearest === undefined
        ? null
        : { flow: nearest.flow.name, span: placeOf(sources, nearest.flow.span), differs: sentence(nearest), differences: nearest.differences },
    wouldAllow: result.wouldAllow.map((flow) => flow.name),
  });
}

function printTrace(model: Model, sources: SourceMap, result: TraceResult, notes: readonly string[]): void {
  print(result.allowed ? (result.enforced ? 'allow' : 'allow (no gateway enforces anything here)') : 'deny');
  for (const note of notes) print(`  ${note}`);
  for (const step of result.steps) printStep(model, sources, step);
  if (result.steps.some(({ verdict: { accepted, reason } }) => !accepted && reason.kind === 'flow')) {
    const names = result.wouldAllow.map((flow) => `\`${flow.name}\`, ${sources.place(flow.span)}`);
    print(
      names.length === 0 ? 'without this deny no flow would allow it either' : `would be allowed by flow ${names.join(', and by flow ')}, but for this deny`,
    );
  }
  const { nearest } = result;
  if (nearest === undefined) return;
  const head = `nearest: ${'effect' in nearest.flow ? 'flow ' : ''}\`${nearest.flow.name}\`, ${sources.place(nearest.flow.span)}:`;
  if (nearest.says.length === 1) print(`${head} ${sentence(nearest)}`);
  else print([`${head} two things differ`, ...nearest.says.map((one) => `  ${one}`)].join('\n'));
}

function printStep(model: Model, sources: SourceMap, step: TraceStep): void {
  const { packet, verdict, decider } = step;
  const way = [packet.inInterface ?? 'the gateway', packet.outInterface ?? 'the gateway'].join(' → ');
  const from = packet.hook === 'output' ? step.gateway : (verdict.from ?? 'no zone');
  const to = packet.hook === 'input' ? step.gateway : (verdict.to ?? 'no zone');
  print(`${step.gateway}: ${way}, ${from} -> ${to}`);
  print(`  ${endWords(model, packet.source)} -> ${endWords(model, packet.destination)} on ${serviceWords(model, packet)}`);
  print(`  ${reasonWords(step)}${decider === undefined ? '' : `, ${sources.place(decider.span)}`}${verdict.limited ? '; its rate may deny it' : ''}`);
  if (step.wayOut !== undefined) print(`  ${step.wayOut}`);
  if (decider !== undefined) {
    const facts = [
      decider.owner === undefined ? '' : `owner ${decider.owner}`,
      decider.ticket === undefined ? '' : `ticket ${decider.ticket}`,
      decider.reason === undefined ? '' : `reason "${decider.reason}"`,
      decider.expires === undefined ? '' : `expires ${decider.expires.value}`,
      decider.essential ? 'essential' : '',
    ].filter((fact) => fact !== '');
    if (facts.length > 0) print(`  ${facts.join(', ')}`);
    const grade = gradeWords(step);
    if (grade !== undefined) print(`  ${grade}`);
  }
  const passes = verdict.reason.kind === 'pass' || verdict.reason.kind === 'loopback' ? 'passes whatever the state of its conversation' : undefined;
  print(`  ${passes ?? (step.openPasses ? 'an open conversation passes in both directions' : 'an open conversation of it is cut at its next packet')}`);
}

/** `grade ports where pdu is asked, enforced weaker than written; accepted: "why"`. */
function gradeWords({ decider, grade, widened }: TraceStep): string | undefined {
  if (decider === undefined || grade === undefined || !('effect' in decider)) return undefined;
  const asked = decider.asked === undefined || decider.asked.value === grade ? '' : ` where ${decider.asked.value} is asked`;
  const weaker = widened ? ', enforced weaker than written' : '';
  const why = decider.acceptWeaker === undefined ? '' : `; accepted: "${decider.acceptWeaker.why}"`;
  return `grade ${grade}${asked}${weaker}${why}`;
}
