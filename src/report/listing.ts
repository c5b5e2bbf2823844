/**
 * Everything that is open, was once or will be, as rows for an auditor.
 *
 * Takes the model, what was placed and the sources; gives one row for each gateway, entry and direction. The one idea:
 * a row says what its gateway really does, so sides are cut down to what it carries, and what the policy says but no
 * gateway does is a row too, with the reason.
 */
import type { SourceMap } from '../base/source.ts';
import type { Flow, FlowProperties, Gateway, GatewayTraffic, Model } from '../model/model.ts';
import type { AddressSet } from '../net/address-set.ts';
import { isExpired } from '../policy/dates.ts';
import type { Entry, GatewayPolicy } from '../policy/gateway-policy.ts';
import type { Placement } from '../policy/place.ts';
import { baselineRows } from './baseline-rows.ts';
import { inListingOrder, type ListingEnd, type ListingRow } from './listing-row.ts';
import { addressWords, type Carried, carriedForward, carriedInput, carriedOutput, zonesOf } from './wires.ts';

/** A gateway with what was placed on it. */
interface Placed {
  readonly gateway: Gateway;
  readonly policy: GatewayPolicy;
  /** By hook and name. */
  readonly entries: ReadonlyMap<string, Entry>;
}

/**
 * Sorted as `inListingOrder` says. A flow that is not in force stands at the gateways that would carry it. Nothing of a
 * model without errors is left out, save what every gateway passes by the state of a conversation alone: loopback,
 * answers, and ICMP errors about known conversations.
 */
export function listing(model: Model, placement: Placement, sources: SourceMap): ListingRow[] {
  const placed = placement.gateways.flatMap((policy): Placed[] => {
    const gateway = model.gateways.find((one) => one.name === policy.gateway);
    if (gateway === undefined) return [];
    return [{ gateway, policy, entries: new Map(policy.entries.map((entry) => [`${entry.hook} ${entry.origin.name}`, entry])) }];
  });
  const { date } = placement;
  const rows = [
    ...model.flows.flatMap((flow) => flowRows(model, flow, placed, date, sources)),
    ...placed.flatMap((at) => at.gateway.traffic.map((line) => ownRow(model, line, at, date, sources))),
    ...placed.flatMap(({ gateway, policy }) => baselineRows(gateway, policy, sources)),
  ];
  return rows.toSorted(inListingOrder);
}

/** One row for each gateway that carries the flow; one without a gateway if none does. */
function flowRows(model: Model, flow: Flow, placed: readonly Placed[], date: string, sources: SourceMap): ListingRow[] {
  const row = (gateway: string | null, state: string, carried: Carried, entry: Entry | undefined): ListingRow => ({
    gateway,
    direction: 'through',
    name: flow.name,
    label: flow.label ?? null,
    conduit: flow.conduit?.name ?? null,
    effect: flow.effect,
    state: notInForce(flow, date) ?? state,
    in: carried.in,
    out: carried.out,
    from: endOf(flow.from.text, model.zones, carried.from),
    to: endOf(flow.to.text, model.zones, carried.to),
    services: flow.services.text,
    grade: entry?.grade ?? null,
    widened: entry !== undefined && (entry.heard ?? entry.enforced) !== entry.written,
    acceptsWeaker: flow.acceptWeaker === undefined ? null : `${flow.acceptWeaker.grade}: ${flow.acceptWeaker.why}`,
    ...told(flow),
    place: sources.place(flow.span),
  });
  const rows = placed.flatMap(({ policy, entries }): ListingRow[] => {
    const entry = entries.get(`forward ${flow.name}`);
    const carried = carriedForward(policy, flow.from.addresses, flow.to.addresses, entry?.enforced ?? flow.services.set);
    return carried.in.length === 0 ? [] : [row(policy.gateway, 'in force', carried, entry)];
  });
  const whole: Carried = { in: [], out: [], from: flow.from.addresses, to: flow.to.addresses, dynamic: false };
  return rows.length > 0 ? rows : [row(null, 'on no gateway', whole, undefined)];
}

/** A `manage`, `receive` or `send` line. */
function ownRow(model: Model, line: GatewayTraffic, { policy }: Placed, date: string, sources: SourceMap): ListingRow {
  const sends = line.kind === 'send';
  const carried = (sends ? carriedOutput : carriedInput)(policy, line.peer.addresses, line.services.set);
  const reached = carried.in.length + carried.out.length > 0;
  const peer = endOf(line.peer.text, model.zones, reached ? (sends ? carried.to : carried.from) : line.peer.addresses);
  const self: ListingEnd = { text: policy.gateway, zones: [], addresses: addressWords(sends ? carried.from : carried.to, carried.dynamic) };
  return {
    gateway: policy.gateway,
    direction: sends ? 'from the gateway' : 'to the gateway',
    name: line.name,
    label: null,
    conduit: null,
    effect: 'allow',
    state: notInForce(line, date) ?? (reached ? 'in force' : 'on no interface'),
    in: carried.in,
    out: carried.out,
    from: sends ? self : peer,
    to: sends ? peer : self,
    services: line.services.text,
    grade: policy.entries.find(({ hook, origin }) => hook !== 'forward' && origin.name === line.name)?.grade ?? null,
    widened: false,
    acceptsWeaker: null,
    ...told(line),
    place: sources.place(line.span),
  };
}

/** Why it is not in force; undefined if it is. */
function notInForce(flow: FlowProperties, date: string): string | undefined {
  if (flow.disabled !== undefined) return `disabled: ${flow.disabled.value}`;
  return isExpired(flow, date) ? `expired ${flow.expires?.value ?? ''}` : undefined;
}

function endOf(text: string, zones: Model['zones'], addresses: AddressSet): ListingEnd {
  return { text, zones: zonesOf(zones, addresses), addresses: addressWords(addresses) };
}

/** What flows and a gateway's own lines say of themselves. */
function told(flow: FlowProperties): Pick<ListingRow, 'log' | 'count' | 'rate' | 'owner' | 'ticket' | 'reason' | 'expires' | 'essential'> {
  const { log, count, rate, essential } = flow;
  return {
    log,
    count,
    rate: rate === undefined ? null : `${rate.amount}/${rate.unit} burst ${rate.burst}`,
    owner: flow.owner ?? null,
    ticket: flow.ticket ?? null,
    reason: flow.reason ?? null,
    expires: flow.expires?.value ?? null,
    essential,
  };
}
