/** Asserts and tests that came, went or ask something else. */
import type { Span } from '../base/source.ts';
import type { Assert, Model, ResolvedSelector } from '../model/model.ts';
import { formatAddresses } from '../net/address-set.ts';
import { isNoService, subtractServices } from '../packets/service-set.ts';
import type { FlowChange } from './diff-change.ts';

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

export function assertChanges(old: Model, now: Model): FlowChange[] {
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
export function testChanges(old: Model, now: Model): FlowChange[] {
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
