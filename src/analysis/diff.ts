/**
 * The difference between two policies, exactly: what is newly allowed and newly denied, as sets named in rows; what
 * essential flows and management lose; and what flows say differently.
 *
 * Both policies are asked in one space, gateway by gateway: equal sets are equal numbers, so policies that are written
 * differently and mean the same are identical. Applying the rows to the old policy gives the new one.
 */
import type { Span } from '../base/source.ts';
import type { Flow, Model } from '../model/model.ts';
import { addressesMeet, type AddressSet } from '../net/address-set.ts';
import { AddressLine } from '../packets/address-line.ts';
import { ConversationSpace } from '../packets/conversation-space.ts';
import { empty, type Node } from '../packets/diagram.ts';
import type { Entry, GatewayPolicy } from '../policy/gateway-policy.ts';
import { inForce } from '../policy/dates.ts';
import type { Placement } from '../policy/place.ts';
import type { FlowChange } from './diff-change.ts';
import { compareFlows } from './diff-flows.ts';
import { type GatewayChange, gatewayChange } from './diff-gateways.ts';
import { bordersOf, ownConversations, PlantSets } from './plant-sets.ts';
import { type FlowPlace, detailsOf, type RowDetails } from './row-details.ts';
import { type Row, rowsOf, type Share } from './rows.ts';

export interface Side {
  readonly model: Model;
  readonly placement: Placement;
}

export type DiffRow = Row &
  RowDetails & {
    /** Newly allowed: the zones of level ≤ 2, of kind safety, and the legacy hosts that it leads into. */
    readonly into: readonly string[];
    /** Newly denied: the new denies that cut it. */
    readonly deniedBy: readonly FlowPlace[];
  };

export interface EssentialLoss {
  readonly flow: string;
  readonly span: Span;
  readonly why: string;
  readonly rows: readonly DiffRow[];
}

export interface Difference {
  readonly managementLost: readonly DiffRow[];
  readonly essentialLost: readonly EssentialLoss[];
  /** Those into level ≤ 2, safety or legacy first. */
  readonly allowed: readonly DiffRow[];
  readonly denied: readonly DiffRow[];
  readonly changed: readonly FlowChange[];
  readonly gateways: readonly GatewayChange[];
  /** True if what conversations may start differs. */
  readonly meaning: boolean;
}

/** What a gateway lets start, by hook; own ends stand for the gateway as such, whatever its addresses are. */
interface Passed {
  readonly forward: Node;
  readonly input: Node;
  readonly manage: Node;
  readonly output: Node;
}

export function diff(before: Side, after: Side): Difference {
  const space = new ConversationSpace(new AddressLine([...bordersOf(before.model), ...bordersOf(after.model)]));
  const old = new PlantSets(before.model, before.placement, space);
  const now = new PlantSets(after.model, after.placement, space);
  const { diagram } = space;
  const names = [...new Set([...old.gateways, ...now.gateways].map((policy) => policy.gateway))].sort();
  const allowed: Share[] = [];
  const denied: Share[] = [];
  const management: Share[] = [];
  for (const name of names) {
    const [from, to] = [passed(old, old.gateway(name)), passed(now, now.gateway(name))];
    const views = { old: { zones: old.gateway(name)?.zones ?? [] }, now: { zones: now.gateway(name)?.zones ?? [] } };
    const share = (list: Share[], plant: 'old' | 'now', set: Node, self?: Share['self']): void => {
      if (set !== empty) list.push({ gateway: name, view: views[plant], set, self });
    };
    share(allowed, 'now', diagram.subtract(to.forward, from.forward));
    share(denied, 'old', diagram.subtract(from.forward, to.forward));
    share(allowed, 'now', diagram.subtract(to.input, from.input), 'destination');
    share(denied, 'old', diagram.subtract(from.input, to.input), 'destination');
    share(allowed, 'now', diagram.subtract(to.output, from.output), 'source');
    share(denied, 'old', diagram.subtract(from.output, to.output), 'source');
    share(management, 'old', diagram.subtract(from.manage, to.input), 'destination');
  }
  // What was a controller's zone is one still for whoever approves that it is none any more.
  const sensitive = uniqueByName([...sensitivePlaces(before.model), ...sensitivePlaces(after.model)]);
  const details = (plant: PlantSets, rows: readonly Row[], cutBy?: PlantSets): DiffRow[] =>
    rows.map((row) => ({
      ...row,
      ...detailsOf(plant, row),
      into: sensitive.filter(({ addresses }) => row.parts.some((part) => addressesMeet(part.destination, addresses))).map(({ name }) => name),
      deniedBy: cutBy === undefined ? [] : detailsOf(cutBy, row, 'deny').flows,
    }));
  const opened = details(now, rowsOf(after.model, space, allowed));
  const gateways = names.map((name) =>
    gatewayChange(
      old,
      now,
      name,
      [...allowed, ...denied].some((share) => share.gateway === name),
    ),
  );
  return {
    managementLost: details(old, rowsOf(before.model, space, management)),
    essentialLost: [...essentialLost(old, now, (rows) => details(old, rows, now)), ...essentialLinesLost(old, now, (rows) => details(old, rows))],
    allowed: [...opened.filter((row) => row.into.length > 0), ...opened.filter((row) => row.into.length === 0)],
    denied: details(old, rowsOf(before.model, space, denied), now),
    changed: compareFlows(old, now),
    gateways,
    meaning: allowed.length + denied.length > 0 || gateways.some((one) => one.meaning),
  };
}

function passed(plant: PlantSets, policy: GatewayPolicy | undefined): Passed {
  if (policy === undefined) return { forward: empty, input: empty, manage: empty, output: empty };
  const own = (hook: 'input' | 'output', which: (entry: Entry) => boolean = () => true): Node => ownConversations(plant, policy, hook, which);
  return {
    // Whole: what a gateway sees of one zone or wire it judges by the same flows (rule 12).
    forward: plant.permitted(policy, false),
    input: own('input'),
    manage: own('input', (entry) => entry.origin.name.startsWith('manage ')),
    output: own('output'),
  };
}

function uniqueByName<Item extends { readonly name: string }>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [item.name, item])).values()];
}

function sensitivePlaces(model: Model): { readonly name: string; readonly addresses: AddressSet }[] {
  const zones = model.zones.filter((zone) => (zone.level !== undefined && zone.level <= 2) || zone.kind === 'safety');
  const hosts = model.hosts.filter((host) => host.traits.includes('legacy') || host.traits.includes('safety-critical'));
  return [
    ...zones.map((zone) => ({
      name: zone.kind === 'safety' ? `${zone.name} (safety)` : `${zone.name} (level ${zone.level ?? ''})`,
      addresses: zone.addresses,
    })),
    ...hosts.map((host) => ({ name: `${host.name} (${host.traits.includes('legacy') ? 'legacy' : 'safety-critical'})`, addresses: host.addresses })),
  ];
}

/** Essential flows of the old policy of which the new one permits less, on any gateway that carried them. */
function essentialLost(old: PlantSets, now: PlantSets, details: (rows: readonly Row[]) => DiffRow[]): EssentialLoss[] {
  const { diagram } = old.space;
  const placed = new Map(
    old.gateways.map((policy) => [policy, new Map(policy.entries.filter((one) => one.hook === 'forward').map((one) => [one.origin.name, one]))]),
  );
  return old.allows
    .filter((flow) => flow.essential)
    .flatMap((flow): EssentialLoss[] => {
      const whole = new Set<Node>();
      const shares = old.gateways.flatMap((policy): Share[] => {
        const entry = placed.get(policy)?.get(flow.name);
        if (entry === undefined) return [];
        const had = diagram.intersect(old.entrySet(entry), diagram.intersect(old.permitted(policy, true), old.between(policy)));
        const successor = now.gateway(policy.gateway);
        const has = successor === undefined ? empty : diagram.intersect(now.permitted(successor, true), now.between(successor));
        const asked = entry.heard === undefined ? empty : diagram.intersect(old.product(entry.from, entry.to, entry.heard), old.answers(policy));
        const unheard = successor === undefined ? asked : diagram.subtract(asked, now.answers(successor));
        const lost = diagram.union(diagram.subtract(had, has), unheard);
        if (lost === had) whole.add(lost);
        return lost === empty ? [] : [{ gateway: policy.gateway, view: { zones: policy.zones }, set: lost }];
      });
      if (shares.length === 0) return [];
      const wholly = shares.every((share) => whole.has(share.set));
      return [{ flow: flow.name, span: flow.span, why: whyLost(flow, now, wholly), rows: details(rowsOf(old.model, old.space, shares)) }];
    });
}

/** Essential lines of a gateway's own traffic of which the new policy opens less, or only as far as a rate allows. */
function essentialLinesLost(old: PlantSets, now: PlantSets, details: (rows: readonly Row[]) => DiffRow[]): EssentialLoss[] {
  return old.model.gateways.flatMap((gateway) =>
    gateway.traffic
      .filter((line) => line.essential)
      .flatMap((line): EssentialLoss[] => {
        const hook = line.kind === 'send' ? 'output' : 'input';
        const [before, after] = [old.gateway(gateway.name), now.gateway(gateway.name)];
        if (before === undefined) return [];
        const had = ownConversations(old, before, hook, (entry) => entry.origin.name === line.name);
        const has = after === undefined ? empty : ownConversations(now, after, hook, (entry) => entry.rate === undefined);
        const lost = old.space.diagram.subtract(had, has);
        if (lost === empty) return [];
        const share: Share = { gateway: gateway.name, view: { zones: before.zones }, set: lost, self: hook === 'input' ? 'destination' : 'source' };
        const why = lost === had ? 'nothing of it is permitted any more' : 'a part of it is no longer permitted';
        return [{ flow: `${gateway.name}: ${line.name}`, span: line.span, why, rows: details(rowsOf(old.model, old.space, [share])) }];
      }),
  );
}

function whyLost(flow: Flow, now: PlantSets, wholly: boolean): string {
  const heir = now.model.flows.find((one) => one.name === flow.name);
  if (heir === undefined) return 'the flow is gone';
  if (heir.disabled !== undefined) return `it is disabled: ${heir.disabled.value}`;
  if (!inForce(heir, now.date)) return `it expired on ${heir.expires?.value ?? ''}`;
  if (heir.rate !== undefined && flow.rate === undefined) return 'it is limited by a rate';
  return wholly ? 'nothing of it is permitted any more' : 'a part of it is no longer permitted';
}
