/** Zones and hosts that two policies describe differently. */
import type { Model } from '../model/model.ts';
import type { FlowChange } from './diff-change.ts';

/** Levels, kinds and traits: what asserts and this page itself go by. */
export function placeChanges(old: Model, now: Model): FlowChange[] {
  const changes: FlowChange[] = [];
  const zones = new Map(old.zones.map((zone) => [zone.name, zone]));
  for (const zone of now.zones) {
    const before = zones.get(zone.name);
    for (const what of ['level', 'kind', 'securityLevel'] as const) {
      const [a, b] = [before?.[what], zone[what]];
      if (before !== undefined && a !== b)
        changes.push({
          kind: 'zone',
          name: zone.name,
          what,
          before: String(a ?? 'none'),
          after: String(b ?? 'none'),
          weaker: what !== 'kind' && Number(b ?? 0) > Number(a ?? 0) !== (what === 'securityLevel'),
          span: zone.span,
          side: 'new',
        });
    }
  }
  const hosts = new Map(old.hosts.map((host) => [host.name, host]));
  for (const host of now.hosts) {
    const before = hosts.get(host.name);
    for (const what of ['traits', 'roles'] as const) {
      const [a, b] = [before?.[what].toSorted().join(', ') ?? '', host[what].toSorted().join(', ')];
      if (before !== undefined && a !== b)
        changes.push({
          kind: 'host',
          name: host.name,
          what,
          before: a || 'none',
          after: b || 'none',
          weaker: before[what].some((one) => !host[what].includes(one)),
          span: host.span,
          side: 'new',
        });
    }
  }
  return changes;
}
