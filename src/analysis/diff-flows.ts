/**
 * What flows, asserts and tests say differently, though the same conversations may start.
 *
 * Compared by name where a name lives on; what is logged or limited is compared as sets, so that a flow under another
 * name counts as the same.
 */
import type { Span } from '../base/source.ts';
import { type Assert, type Flow, type FlowProperties, grades, type Grade, type Model, type ResolvedSelector } from '../model/model.ts';
import { formatAddresses } from '../net/address-set.ts';
import { empty, type Node } from '../packets/diagram.ts';
import { isNoService, subtractServices } from '../packets/service-set.ts';
import type { Entry } from '../policy/gateway-policy.ts';
import type { PlantSets } from './plant-sets.ts';
import { rowsOf } from './rows.ts';

export interface FlowChange {
  readonly kind: 'flow' | 'assert' | 'test';
  readonly name: string;
  /** `grade`, `log`, `expires`, `owner`, … or `added`, `removed`. */
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** True if the change weakens: less inspection, less logging, a longer life, fewer asserts. */
  readonly weaker: boolean;
  /** In the new policy, else in the old one. */
  readonly span: Span;
  readonly side: 'old' | 'new';
}

export function compareFlows(old: PlantSets, now: PlantSets): FlowChange[] {
  const earlier = new Map(old.model.flows.map((flow) => [flow.name, flow]));
  const changes: FlowChange[] = [...gradeChanges(old, now, earlier), ...logChanges(old, now), ...rateChanges(old, now, earlier)];
  for (const flow of now.model.flows) {
    const before = earlier.get(flow.name);
    if (before !== undefined) changes.push(...properties(flow.name, before, flow, flow.span));
  }
  for (const gateway of now.model.gateways) {
    const same = old.model.gateways.find((one) => one.name === gateway.name);
    for (const line of gateway.traffic) {
      const before = same?.traffic.find((one) => one.name === line.name);
      if (before !== undefined) changes.push(...properties(line.name, before, line, line.span));
    }
  }
  changes.push(...assertChanges(old.model, now.model), ...testChanges(old.model, now.model));
  return changes.toSorted((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.what < b.what ? -1 : a.what > b.what ? 1 : 0));
}

const ranks = ['grade', 'log', 'rate', 'expires', 'essential', 'count', 'owner', 'reason', 'ticket'];

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

/** Conversations that still may start and are no longer logged, or are now. */
function logChanges(old: PlantSets, now: PlantSets): FlowChange[] {
  return setChanges(old, now, 'log', (plant, name) => entriesSet(plant, name, (entry) => entry.log), ['logged', 'not logged']);
}

/** Conversations that still may start and are newly limited, or no longer. */
function rateChanges(old: PlantSets, now: PlantSets, earlier: ByName): FlowChange[] {
  const limited = (plant: PlantSets, name: string): Node => {
    const policy = plant.gateway(name);
    return policy === undefined ? empty : plant.space.diagram.subtract(plant.permitted(policy, false), plant.permitted(policy, true));
  };
  const sets = setChanges(old, now, 'rate', limited, ['limited', 'not limited']);
  const amounts = now.model.flows.flatMap((flow): FlowChange[] => {
    const before = earlier.get(flow.name)?.rate;
    if (before === undefined || flow.rate === undefined || rateText(before) === rateText(flow.rate)) return [];
    return [{ kind: 'flow', name: flow.name, what: 'rate', before: rateText(before), after: rateText(flow.rate), weaker: false, span: flow.span, side: 'new' }];
  });
  return [...sets, ...amounts];
}

function rateText(rate: NonNullable<Flow['rate']>): string {
  return `${rate.amount}/${rate.unit} burst ${rate.burst}`;
}

function entriesSet(plant: PlantSets, name: string, which: (entry: Entry) => boolean): Node {
  const policy = plant.gateway(name);
  if (policy === undefined) return empty;
  const entries = policy.entries.filter((entry) => entry.hook === 'forward' && entry.effect === 'allow' && which(entry));
  return plant.space.diagram.unionAll(entries.map((entry) => plant.entrySet(entry)));
}

function setChanges(
  old: PlantSets,
  now: PlantSets,
  what: string,
  of: (plant: PlantSets, gateway: string) => Node,
  [yes, no]: readonly [string, string],
): FlowChange[] {
  const { diagram } = old.space;
  const changes: FlowChange[] = [];
  for (const policy of now.gateways) {
    const earlier = old.gateway(policy.gateway);
    if (earlier === undefined) continue;
    const both = diagram.intersect(old.passing(earlier), now.passing(policy));
    const [a, b] = [diagram.intersect(of(old, policy.gateway), both), diagram.intersect(of(now, policy.gateway), both)];
    for (const [set, gone] of [
      [diagram.subtract(a, b), true],
      [diagram.subtract(b, a), false],
    ] as const) {
      if (set === empty) continue;
      const entry = policy.entries.find((one) => one.hook === 'forward' && one.effect === 'allow' && diagram.intersect(now.entrySet(one), set) !== empty);
      const flow = entry === undefined ? undefined : now.flowsNamed([entry.origin.name])[0];
      if (flow === undefined) continue;
      for (const row of rowsOf(now.model, now.space, [{ gateway: policy.gateway, view: { zones: policy.zones }, set }])) {
        const words = `${row.from} -> ${row.to} : ${row.service}, on ${policy.gateway}`;
        changes.push({ kind: 'flow', name: words, what, before: gone ? yes : no, after: gone ? no : yes, weaker: gone, span: flow.span, side: 'new' });
      }
    }
  }
  return changes;
}

function sideText(side: ResolvedSelector | undefined): string {
  return side === undefined ? '' : `${formatAddresses(side.addresses)} ${side.gateways.join()}`;
}

/** Whether two asserts ask the same. */
function sameAssert(a: Assert, b: Assert): boolean {
  if (a.kind !== b.kind || a.whereEnforced !== b.whereEnforced || sideText(a.from) !== sideText(b.from) || sideText(a.to) !== sideText(b.to)) return false;
  if ('services' in a && 'services' in b)
    return isNoService(subtractServices(a.services.set, b.services.set)) && isNoService(subtractServices(b.services.set, a.services.set));
  if (a.kind === 'only-via' && b.kind === 'only-via') return sideText(a.via) === sideText(b.via);
  if (a.kind === 'hops' && b.kind === 'hops') return a.atLeast === b.atLeast;
  if (a.kind === 'every-flow' && b.kind === 'every-flow')
    return JSON.stringify(a.requirements.map((any) => any.map((one) => one.text))) === JSON.stringify(b.requirements.map((any) => any.map((one) => one.text)));
  return false;
}

function assertChanges(old: Model, now: Model): FlowChange[] {
  const gone = old.asserts
    .filter((assert) => !now.asserts.some((one) => one.name === assert.name || sameAssert(one, assert)))
    .map((assert): FlowChange => ({
      kind: 'assert',
      name: assert.name,
      what: 'removed',
      before: 'stated',
      after: 'none',
      weaker: true,
      span: assert.span,
      side: 'old',
    }));
  const rest = now.asserts.flatMap((assert): FlowChange[] => {
    const head = { kind: 'assert', name: assert.name, span: assert.span, side: 'new' } as const;
    const before = old.asserts.find((one) => one.name === assert.name);
    if (before !== undefined)
      return sameAssert(before, assert) ? [] : [{ ...head, what: 'changed', before: 'stated', after: 'stated otherwise', weaker: true }];
    return old.asserts.some((one) => sameAssert(one, assert)) ? [] : [{ ...head, what: 'added', before: 'none', after: 'stated', weaker: false }];
  });
  return [...gone, ...rest];
}

/** Test lines by their words; a line that asks the same in other words counts as another. */
function testChanges(old: Model, now: Model): FlowChange[] {
  const lines = (model: Model): Map<string, Span> =>
    new Map(
      model.tests.flatMap((test) =>
        test.lines.map((line) => [`${line.expect} ${line.from.text} -> ${line.to.text} : ${line.services.text}`, line.span] as const),
      ),
    );
  const [before, after] = [lines(old), lines(now)];
  const only = (a: Map<string, Span>, b: Map<string, Span>, what: 'added' | 'removed'): FlowChange[] =>
    [...a]
      .filter(([words]) => !b.has(words))
      .map(([name, span]) => ({
        kind: 'test',
        name,
        what,
        before: what === 'added' ? 'none' : 'stated',
        after: what === 'added' ? 'stated' : 'none',
        weaker: what === 'removed',
        span,
        side: what === 'added' ? 'new' : 'old',
      }));
  return [...only(before, after, 'removed'), ...only(after, before, 'added')];
}
