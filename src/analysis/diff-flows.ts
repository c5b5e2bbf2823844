/**
 * What two policies say differently, though the same conversations may start.
 *
 * Compared by name where a name lives on, and as sets (`diff-sayings.ts`) where it does not matter who says it.
 */
import type { Span } from '../base/source.ts';
import { type Flow, type FlowProperties, grades, type Grade } from '../model/model.ts';
import { assertChanges, testChanges } from './diff-asserts.ts';
import type { FlowChange } from './diff-change.ts';
import { placeChanges } from './diff-places.ts';
import { logged, renamedChanges, setChanges, unlimited } from './diff-sayings.ts';
import type { PlantSets } from './plant-sets.ts';

export function compareFlows(old: PlantSets, now: PlantSets): FlowChange[] {
  const earlier = new Map(old.model.flows.map((flow) => [flow.name, flow]));
  const changes: FlowChange[] = [
    ...gradeChanges(old, now, earlier),
    ...setChanges(old, now, logged),
    ...setChanges(old, now, unlimited),
    ...amountChanges(now, earlier),
  ];
  for (const flow of now.model.flows) {
    const before = earlier.get(flow.name);
    if (before === undefined) continue;
    changes.push(...properties(flow.name, before, flow, flow.span));
    if (before.requests !== flow.requests) {
      const weaker = flow.requests === 'backward';
      changes.push({ kind: 'flow', name: flow.name, span: flow.span, side: 'new', what: 'requests', before: before.requests, after: flow.requests, weaker });
    }
  }
  for (const gateway of now.model.gateways) {
    const same = old.model.gateways.find((one) => one.name === gateway.name);
    for (const line of gateway.traffic) {
      const before = same?.traffic.find((one) => one.name === line.name);
      if (before !== undefined) changes.push(...properties(line.name, before, line, line.span));
    }
  }
  changes.push(...renamedChanges(old, now, changes), ...placeChanges(old.model, now.model));
  changes.push(...assertChanges(old.model, now.model), ...testChanges(old.model, now.model));
  return changes.toSorted((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.what < b.what ? -1 : a.what > b.what ? 1 : 0));
}

const ranks = ['grade', 'log', 'rate', 'expires', 'essential', 'count', 'owner', 'reason', 'ticket', 'requests'];

function order(change: FlowChange): number {
  if (change.kind !== 'flow') return ranks.length + (change.kind === 'assert' ? 1 : 2);
  const rank = ranks.indexOf(change.what);
  return rank < 0 ? ranks.length : rank;
}

function properties(name: string, before: FlowProperties, after: FlowProperties, span: Span): FlowChange[] {
  const head = { kind: 'flow', name, span, side: 'new' } as const;
  const changes: FlowChange[] = [];
  const say = (what: string, a: string | undefined, b: string | undefined, weaker: boolean): void => {
    if ((a ?? '') !== (b ?? '')) changes.push({ ...head, what, before: a ?? 'none', after: b ?? 'none', weaker });
  };
  say('owner', before.owner, after.owner, after.owner === undefined);
  say('reason', before.reason, after.reason, after.reason === undefined);
  say('ticket', before.ticket, after.ticket, after.ticket === undefined);
  const [a, b] = [before.expires?.value, after.expires?.value];
  say('expires', a, b, a !== undefined && (b === undefined || b > a));
  say('essential', before.essential ? 'yes' : undefined, after.essential ? 'yes' : undefined, before.essential);
  say('count', before.count ? 'yes' : undefined, after.count ? 'yes' : undefined, false);
  say('disabled', before.disabled?.value, after.disabled?.value, after.disabled === undefined);
  return changes;
}

/** The weakest grade that any gateway achieves for a flow that asks for inspection. */
function achieved(plant: PlantSets): ReadonlyMap<string, Grade> {
  const result = new Map<string, Grade>();
  for (const { origin, grade, effect } of plant.gateways.flatMap((policy) => policy.entries)) {
    if (grade === undefined || effect !== 'allow') continue;
    const known = result.get(origin.name);
    if (known === undefined || grades.indexOf(grade) < grades.indexOf(known)) result.set(origin.name, grade);
  }
  return result;
}

type ByName = ReadonlyMap<string, Flow>;

function gradeChanges(old: PlantSets, now: PlantSets, earlier: ByName): FlowChange[] {
  const [before, after] = [achieved(old), achieved(now)];
  const flows = new Map(now.model.flows.map((flow) => [flow.name, flow]));
  return [...flows].flatMap(([name, flow]): FlowChange[] => {
    const [a, b] = [before.get(name), after.get(name)];
    if (a === b || !earlier.has(name)) return [];
    const weaker = grades.indexOf(b ?? 'ports') < grades.indexOf(a ?? 'ports');
    return [{ kind: 'flow', name, what: 'grade', before: a ?? 'none', after: b ?? 'none', weaker, span: flow.span, side: 'new' }];
  });
}

/** Rates that limit the same conversations otherwise. */
function amountChanges(now: PlantSets, earlier: ByName): FlowChange[] {
  return now.model.flows.flatMap((flow): FlowChange[] => {
    const before = earlier.get(flow.name)?.rate;
    if (before === undefined || flow.rate === undefined || rateText(before) === rateText(flow.rate)) return [];
    return [{ kind: 'flow', name: flow.name, what: 'rate', before: rateText(before), after: rateText(flow.rate), weaker: false, span: flow.span, side: 'new' }];
  });
}

function rateText(rate: NonNullable<Flow['rate']>): string {
  return `${rate.amount}/${rate.unit} burst ${rate.burst}`;
}
