/**
 * Drift: what a running gateway does otherwise than its policy says.
 *
 * Takes the policy's packet sets and what a reader made of the running configuration, gives rows: what is dropped and must not be, what
 * passes and must not, each with one packet and with what `evaluate` says of it. Conversations that start come first; what differs in
 * other states is shown only if all of those are equal, since it follows from them otherwise.
 */
import type { Flow, GatewayTraffic, Model } from '../model/model.ts';
import { type Address, families, type Family } from '../net/address.ts';
import { containsAddress } from '../net/address-set.ts';
import { canonical, rangesWithin, subtractRanges } from '../net/ranges.ts';
import { extensionHeaders, hooks, type Packet } from '../packets/packet.ts';
import { empty, type Node, type PacketSpace } from '../packets/packet-space.ts';
import { allServices, type FamilyServices, familyServices, hasServices, noServices, type ServiceSet } from '../packets/service-set.ts';
import type { TargetCapabilities } from '../policy/capabilities.ts';
import { evaluate, type Gatehouse, type Reason } from '../policy/evaluate.ts';
import type { GatewayPolicy, PlacedZone } from '../policy/gateway-policy.ts';
import { entryStarts, placedPackets, type PolicySets } from '../policy/sets.ts';
import { serviceNamesOf } from './rows.ts';

export interface DriftRow {
  readonly kind: 'passes' | 'dropped';
  /** One of those that differ. */
  readonly packet: Packet;
  /** Zones of the ends, or the gateway itself; undefined where packets of many ends stand for one mistake. */
  readonly ends: { readonly from: string; readonly to: string } | undefined;
  /** Messages that differ between these ends, as a flow would allow them. */
  readonly services: readonly string[];
  /** They are answered: it is the called side whose packets differ. */
  readonly answers: boolean;
  /** What the policy says of the packet. */
  readonly reason: string;
  readonly line: Flow | GatewayTraffic | undefined;
}

export interface Drift {
  readonly rows: readonly DriftRow[];
  /** Rows were left out. */
  readonly more: boolean;
}

/** What a reader found: packets that pass, whatever any rate says, and packets whose fate it does not know. */
export interface Found {
  readonly passing: Node;
  readonly unknown: Node;
}

export interface DriftQuestion {
  readonly model: Model;
  readonly policy: GatewayPolicy;
  readonly target: TargetCapabilities;
  readonly date: string;
  readonly sets: PolicySets;
}

/** Of each kind: after a table was flushed every pair of zones differs. */
const mostRows = 20;

export function drift(question: DriftQuestion, found: Found): Drift {
  const { space, accepted, maybe } = question.sets;
  const { diagram } = space;
  const wanted = diagram.union(accepted, maybe);
  const passes = diagram.subtract(diagram.subtract(found.passing, wanted), found.unknown);
  const dropped = diagram.subtract(diagram.subtract(wanted, found.passing), found.unknown);
  const starts = diagram.intersect(space.state('new'), space.markCurrent(false));
  const starting = (set: Node): Node => diagram.intersect(set, starts);
  const startsDiffer = starting(passes) !== empty || starting(dropped) !== empty;
  const parts = [rows(question, 'dropped', startsDiffer ? starting(dropped) : dropped), rows(question, 'passes', startsDiffer ? starting(passes) : passes)];
  return { rows: parts.flatMap((part) => part.rows), more: parts.some((part) => part.more) };
}

/** First what comes and goes by the interfaces of its zones, pair by pair; then, hook by hook, what does not. */
function rows(question: DriftQuestion, kind: DriftRow['kind'], differing: Node): Drift {
  const { model, policy, sets } = question;
  const { space } = sets;
  const { diagram } = space;
  const gateway = model.gateways.find((one) => one.name === policy.gateway);
  if (gateway === undefined) throw new Error(`no gateway ${policy.gateway}`);
  const house: Gatehouse = { model, gateway, target: question.target, date: question.date };
  const found: DriftRow[] = [];
  const add = (packet: Packet, group: Node, ends: DriftRow['ends']): void => {
    const { reason } = evaluate(house, packet);
    const answers = packet.direction === 'reply';
    const same = diagram.intersect(group, space.direction(packet.direction));
    const services = families.flatMap((family) => {
      const messages = withHeaders(space.messages(same, family, answers), family);
      const both: ServiceSet = family === 4 ? { v4: messages, v6: noServices.v6 } : { v4: noServices.v4, v6: messages };
      return hasServices(both, family) ? serviceNamesOf(model).items(both, family) : [];
    });
    found.push({ kind, packet, ends, services: [...new Set(services)], answers, reason: reasonWords(reason), line: lineOf(reason) });
  };
  const placed = diagram.unionAll(hooks.map((hook) => space.hook(hook, placedPackets(space, policy, hook))));
  let left = diagram.intersect(differing, placed);
  while (left !== empty && found.length < mostRows) {
    const packet = space.pick(left);
    if (packet === undefined) break;
    const line = kind === 'dropped' ? lineOf(evaluate(house, packet).reason) : undefined;
    // A flow that is dropped is said once, wherever it is; other packets by their ends.
    const ofLine = policy.entries.filter((entry) => entry.origin.name === line?.name).map((entry) => entryStarts(space, policy, entry));
    const alike = diagram.union(diagram.unionAll(ofLine), ofLine.length === 0 ? sameEnds(space, policy, packet) : empty);
    const members = diagram.intersect(left, alike);
    // A reply shows its flow the other way round.
    const group = members === empty ? diagram.intersect(left, sameEnds(space, policy, packet)) : members;
    add(packet, group, { from: endOf(policy, packet, 'source'), to: endOf(policy, packet, 'destination') });
    left = diagram.subtract(left, group);
  }
  for (const hook of hooks) {
    const astray = diagram.intersect(diagram.subtract(differing, placed), space.hook(hook));
    const packet = space.pick(astray);
    if (packet !== undefined) add(packet, astray, undefined);
  }
  return { rows: found, more: left !== empty };
}

/** Every protocol of IPv6 but the headers that never are one: said as every protocol. */
function withHeaders(messages: FamilyServices, family: Family): FamilyServices {
  const headers = extensionHeaders.map((one) => ({ first: one, last: one }));
  const every = familyServices(allServices, family).protocols;
  const all = family === 6 && rangesWithin(subtractRanges<number>(every, canonical(headers)), messages.protocols);
  return all ? { ...messages, protocols: every } : messages;
}

function lineOf(reason: Reason): Flow | GatewayTraffic | undefined {
  return reason.kind === 'flow' ? reason.flow : reason.kind === 'traffic' ? reason.line : undefined;
}

function zoneAt(policy: GatewayPolicy, address: Address): PlacedZone | undefined {
  return policy.zones.find((zone) => containsAddress(zone.addresses, address));
}

function endOf(policy: GatewayPolicy, packet: Packet, end: 'source' | 'destination'): string {
  if (packet.hook === (end === 'source' ? 'output' : 'input')) return policy.gateway;
  return zoneAt(policy, packet[end])?.name ?? 'no zone';
}

/** Packets of the same way, hook and zones. */
function sameEnds(space: PacketSpace, policy: GatewayPolicy, packet: Packet): Node {
  const { diagram } = space;
  const way = space.hook(packet.hook, space.inInterface(packet.inInterface, space.outInterface(packet.outInterface)));
  const ends = (['source', 'destination'] as const).map((end) => {
    const mine = zoneAt(policy, packet[end]);
    if (mine !== undefined) return space.addressSet(end, mine.addresses);
    const zoned = diagram.unionAll(policy.zones.map((zone) => space.addressSet(end, zone.addresses)));
    return diagram.complement(zoned);
  });
  return ends.reduce((set, end) => diagram.intersect(set, end), way);
}

function reasonWords(reason: Reason): string {
  switch (reason.kind) {
    case 'flow':
      return `flow \`${reason.flow.name}\` ${reason.flow.effect === 'allow' ? 'allows' : 'denies'} it`;
    case 'traffic':
      return `\`${reason.line.name}\` of the gateway allows it`;
    case 'loopback':
      return 'the gateway may talk to itself';
    case 'pass':
      return `every policy passes it: ${reason.name}`;
    case 'conversation':
      return 'its conversation was judged and may go on';
    case 'kept':
      return 'the platform passes what belongs to a conversation, whatever the policy says';
    case 'function':
      return 'no flow allows its client to say this';
    case 'related-error':
      return 'it is an ICMP error about a conversation';
    case 'spoofed':
      return 'its source lies in no zone that the interface faces';
    case 'unrouted':
      return 'its destination lies in no zone that the interface faces';
    case 'shared-wire':
      return 'it goes back out of the interface that it came by';
    case 'state':
      return 'conntrack calls it invalid, or knows nothing of it';
    case 'default':
      return 'no flow allows it';
  }
}
