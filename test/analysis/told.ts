import type { TraceResult } from '../../src/analysis/trace.ts';

/** Verdict, deciding flow, nearest flow and what differs, in one line. */
export function told(result: TraceResult): string {
  const { nearest } = result;
  const by = result.steps.map((step) => step.decider?.name ?? step.verdict.reason.kind).join(', ');
  return `${result.allowed ? 'allow' : 'deny'} by ${by}${nearest === undefined ? '' : ` | ${nearest.flow.name}: ${nearest.says.join('; and ')}`}`;
}
