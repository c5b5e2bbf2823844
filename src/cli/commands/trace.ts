/** `zonewright trace`. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { trace, type TraceResult } from '../../analysis/trace.ts';
import { endWords, packetWords, serviceWords } from '../../analysis/words.ts';
import type { SourceMap, Span } from '../../base/source.ts';
import type { Flow, GatewayTraffic, Model } from '../../model/model.ts';
import type { Verdict } from '../../policy/evaluate.ts';
import { check, exitStatus } from '../../pipeline/check.ts';
import { complain, dateOf, formatOf, print, printJson, UsageError } from '../io.ts';
import { questions } from '../question.ts';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined);
  const expect = options['expect'];
  if (expect !== undefined && expect !== 'allow' && expect !== 'deny') throw new UsageError('--expect', 'takes allow or deny');
  const checked = check(args[0] ?? '', { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName });
  const { model, loaded, date } = checked;
  if (checked.diagnostics.some((one) => one.severity === 'error' && one.blame === 'input')) {
    if (format === 'json') printJson('trace', { exitStatus: 2 }, checked.diagnostics, loaded.sources);
    else complain(checked.diagnostics, loaded.sources);
    return exitStatus(checked.diagnostics);
  }
  // A service may name several messages, and a name several addresses: all must pass, so the first denied one answers.
  const results = questions(model, loaded, options).map((question) => trace(model, capabilitiesByName, date, question));
  const result = results.find((one) => !one.allowed) ?? results[0];
  if (result === undefined) throw new UsageError('--from', 'the two ends share no address family');
  const verdict = result.allowed ? 'allow' : 'deny';
  const status = expect !== undefined && expect !== verdict ? 1 : 0;
  if (format === 'json') printTraceJson(model, loaded.sources, date, result, status);
  else printTrace(model, loaded.sources, result);
  if (status === 1 && format === 'text') process.stderr.write(`expected ${String(expect)}, but the verdict is ${verdict}\n`);
  return Promise.resolve(status);
}

type Decider = Flow | GatewayTraffic;

function deciderOf(verdict: Verdict): Decider | undefined {
  return verdict.reason.kind === 'flow' ? verdict.reason.flow : verdict.reason.kind === 'traffic' ? verdict.reason.line : undefined;
}

function place(sources: SourceMap, span: Span): { file: string; line: number; column: number } {
  const file = sources.file(span.file);
  return { file: file.name, ...file.position(span.start) };
}

function reasonWords(verdict: Verdict): string {
  const { reason } = verdict;
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

function printTraceJson(model: Model, sources: SourceMap, date: string, result: TraceResult, status: number): void {
  const deciding = result.steps.find((step) => !step.verdict.accepted) ?? result.steps[0];
  const decider = deciding === undefined ? undefined : deciderOf(deciding.verdict);
  printJson('trace', {
    verdict: result.allowed ? 'allow' : 'deny',
    enforced: result.enforced,
    date,
    exitStatus: status,
    flow: decider?.name ?? null,
    span: decider === undefined ? null : place(sources, decider.span),
    note: result.note ?? null,
    gateways: result.steps.map((step) => {
      const by = deciderOf(step.verdict);
      return {
        gateway: step.gateway,
        verdict: step.verdict.accepted ? 'allow' : 'deny',
        hook: step.packet.hook,
        in: step.packet.inInterface ?? null,
        out: step.packet.outInterface ?? null,
        from: step.verdict.from ?? null,
        to: step.verdict.to ?? null,
        reason: step.verdict.reason.kind,
        limited: step.verdict.limited,
        flow: by?.name ?? null,
        span: by === undefined ? null : place(sources, by.span),
        packet: packetWords(model, step.packet),
      };
    }),
    nearest:
      result.nearest === undefined ? null : { flow: result.nearest.flow.name, span: place(sources, result.nearest.flow.span), differs: result.nearest.differs },
  });
}

function printTrace(model: Model, sources: SourceMap, result: TraceResult): void {
  print(result.allowed ? (result.enforced ? 'allow' : 'allow (no gateway enforces anything here)') : 'deny');
  if (result.note !== undefined) print(`  ${result.note}`);
  for (const step of result.steps) {
    const { packet, verdict } = step;
    const way = [packet.inInterface ?? 'the gateway', packet.outInterface ?? 'the gateway'].join(' → ');
    const from = packet.hook === 'output' ? step.gateway : (verdict.from ?? 'no zone');
    const to = packet.hook === 'input' ? step.gateway : (verdict.to ?? 'no zone');
    print(`${step.gateway}: ${way}, ${from} -> ${to}`);
    print(`  ${endWords(model, packet.source)} -> ${endWords(model, packet.destination)} on ${serviceWords(model, packet)}`);
    const by = deciderOf(verdict);
    print(`  ${reasonWords(verdict)}${by === undefined ? '' : `, ${sources.place(by.span)}`}${verdict.limited ? '; its rate may deny it' : ''}`);
    if (by !== undefined) {
      const facts = [
        by.owner === undefined ? '' : `owner ${by.owner}`,
        by.ticket === undefined ? '' : `ticket ${by.ticket}`,
        by.reason === undefined ? '' : `reason "${by.reason}"`,
        by.expires === undefined ? '' : `expires ${by.expires.value}`,
        by.essential ? 'essential' : '',
        'acceptWeaker' in by && by.acceptWeaker !== undefined ? `grade ${by.acceptWeaker.grade} accepted: "${by.acceptWeaker.why}"` : '',
      ].filter((fact) => fact !== '');
      if (facts.length > 0) print(`  ${facts.join(', ')}`);
    }
    print(
      verdict.accepted && verdict.reason.kind !== 'pass'
        ? '  an open conversation passes in both directions'
        : verdict.accepted
          ? ''
          : '  an open conversation of it is cut at its next packet',
    );
  }
  if (result.nearest !== undefined)
    print(`nearest: flow \`${result.nearest.flow.name}\`, ${sources.place(result.nearest.flow.span)}: ${result.nearest.differs}`);
}
