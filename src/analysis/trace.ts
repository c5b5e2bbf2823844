/**
 * Trace: what happens to one conversation, gateway by gateway, and why.
 *
 * Takes two ends and a message, gives the verdict of every gateway on the path with what decided and what becomes of an
 * open conversation; for a denial the flow that comes nearest (`nearest-flow.ts`) or the way out. Judged by `evaluate`,
 * packet by packet: nothing here gives a verdict of its own.
 */
import { type Address, formatAddress } from '../net/address.ts';
import { builtInNetworks, containsAddress } from '../net/address-set.ts';
import type { Flow, Gateway, GatewayTraffic, Grade, Interface, Model } from '../model/model.ts';
import type { MessageDetails } from '../packets/function-set.ts';
import { noFunction } from '../packets/functions.ts';
import { familyOf, type Packet, requestOf } from '../packets/packet.ts';
import { servicesEqual } from '../packets/service-set.ts';
import type { TargetCapabilities } from '../policy/capabilities.ts';
import { evaluate, type Gatehouse, type Verdict } from '../policy/evaluate.ts';
import { gradeEnforces } from '../policy/grades.ts';
import { equippedFor } from '../policy/options.ts';
import { gatewayOnlyAddresses, type Placement } from '../policy/place.ts';
import { allowing, flowRights, gatewayRights, type Nearest, nearestFlow, type Right } from './nearest-flow.ts';
import { ownFace, unzoned, wayOut } from './way-out.ts';
import { zoneOf } from './words.ts';

export interface TraceQuestion {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly value: number;
  readonly sourcePort: number;
  readonly functionNumber: number;
  readonly details?: MessageDetails | undefined;
  /** TTL or hop limit, if known. */
  readonly hopLimit?: number | undefined;
  /** Interfaces named by a log line, if known. */
  readonly inInterface?: string | undefined;
  readonly outInterface?: string | undefined;
  /** The log line says that conntrack called it invalid or untracked. */
  readonly badState?: boolean | undefined;
  /** Only this gateway. Then the unspecified address stands for its dynamic one. */
  readonly gateway?: string | undefined;
}

/** What a trace is asked about. */
export interface TracedPlant {
  readonly model: Model;
  readonly placement: Placement;
  readonly targets: ReadonlyMap<string, TargetCapabilities>;
}

export interface TraceStep {
  readonly gateway: string;
  readonly packet: Packet;
  readonly verdict: Verdict;
  /** The deciding flow, or line of the gateway's own traffic. */
  readonly decider: Flow | GatewayTraffic | undefined;
  /** What this gateway's target achieves for the deciding flow, if it asks for inspection. */
  readonly grade: Grade | undefined;
  /** The gateway enforces less of the deciding flow's functions than is written. */
  readonly widened: boolean;
  /** Whether a conversation that is open already goes on, in both directions, once this policy is in force. */
  readonly openPasses: boolean;
  /** For a denial that no flow could lift: what is wrong, and where the packet belongs. */
  readonly wayOut: string | undefined;
}

export interface TraceResult {
  readonly allowed: boolean;
  /** False if no gateway sees the conversation. */
  readonly enforced: boolean;
  /** Why there is no gateway, in words. */
  readonly note: string | undefined;
  readonly steps: readonly TraceStep[];
  /** For a denial that a flow might have lifted, unless nothing is near. */
  readonly nearest: Nearest | undefined;
  /** Where a deny decided: the flows that allow it otherwise. */
  readonly wouldAllow: readonly Right['line'][];
}

/** Answers for questions that must all be allowed: the first that is denied, else the first. */
export function trace(plant: TracedPlant, questions: readonly [TraceQuestion, ...TraceQuestion[]]): TraceResult {
  // Only flows from the source can decide, so each source asks those alone: many questions stay cheap.
  const narrowed = new Map<string, Model>();
  const answerTo = (question: TraceQuestion): Answer => {
    const key = formatAddress(question.source);
    const near = narrowed.get(key) ?? { ...plant.model, flows: plant.model.flows.filter((flow) => containsAddress(flow.from.addresses, question.source)) };
    narrowed.set(key, near);
    return ask(plant, near, question);
  };
  const [first, ...others] = questions;
  const answer = answerTo(first);
  if (!answer.allowed) return explain(plant, first, answer);
  for (const question of others) {
    const other = answerTo(question);
    if (!other.allowed) return explain(plant, question, other);
  }
  return explain(plant, first, answer);
}

interface Judged {
  readonly house: Gatehouse;
  readonly packet: Packet;
  readonly verdict: Verdict;
}

interface Answer {
  readonly allowed: boolean;
  readonly enforced: boolean;
  readonly note: string | undefined;
  readonly judged: readonly Judged[];
}

function ask(plant: TracedPlant, model: Model, question: TraceQuestion): Answer {
  const { joins, date } = plant.placement;
  const from = zoneOf(model, question.source);
  const to = zoneOf(model, question.destination);
  const judged: Judged[] = [];
  for (const gateway of model.gateways) {
    if (question.gateway !== undefined && gateway.name !== question.gateway) continue;
    const target = plant.targets.get(gateway.target.value);
    const packet = packetAt(plant, gateway, question, from, to);
    if (target === undefined || packet === undefined) continue;
    const house = { model, gateway, target, date };
    judged.push({ house, packet, verdict: evaluate(house, packet) });
  }
  const shared = from === undefined || to === undefined || question.inInterface !== undefined ? undefined : joins.sharedInterface(from, to);
  const freely = question.inInterface === undefined && from !== undefined && (from === to || shared !== undefined);
  // What a gateway starts, or what is for an address of its own, is seen by it even so.
  const itself = judged.filter(({ house, packet }) => packet.hook === 'output' || ownFace(house.gateway, packet.destination) !== undefined);
  if (freely && itself.length > 0) return { allowed: itself.every(({ verdict }) => verdict.accepted), enforced: true, note: undefined, judged: itself };
  if (freely) {
    const why = from === to ? `both lie in zone ${from}, whose hosts talk freely` : `zones ${from} and ${to ?? ''} share interface ${shared ?? ''}`;
    return { allowed: true, enforced: false, note: judged.length === 0 ? why : `${why}; what passes a gateway all the same is judged there`, judged };
  }
  if (judged.length === 0) {
    if (question.gateway !== undefined && question.inInterface === undefined)
      return { allowed: false, enforced: false, note: `no dynamic interface of ${question.gateway} faces the other end`, judged };
    const lost = from === undefined ? question.source : to === undefined ? question.destination : undefined;
    const note =
      lost === undefined ? `no gateway joins zones ${from ?? ''} and ${to ?? ''}` : (unzoned(undefined, lost) ?? `${formatAddress(lost)} lies in no zone`);
    return { allowed: false, enforced: false, note, judged };
  }
  return { allowed: judged.every(({ verdict }) => verdict.accepted), enforced: true, note: undefined, judged };
}

function explain(plant: TracedPlant, question: TraceQuestion, { judged, ...answer }: Answer): TraceResult {
  const { model, placement } = plant;
  const result = { ...answer, steps: judged.map((one) => stepOf(plant, one)), nearest: undefined, wouldAllow: [] };
  if (answer.allowed) return result;
  const at = judged.findIndex(({ verdict }) => !verdict.accepted);
  const denied = judged[at];
  if (denied === undefined) {
    // No flow joins zones; but an address that lies in none may be a slip, so flows are held against it as written.
    const ends = [question.source, question.destination];
    if (ends.every((end) => zoneOf(model, end) !== undefined) || ends.some((end) => unzoned(undefined, end) !== undefined)) return result;
    const rights = flowRights(model, (flow) => flow.services.set);
    return { ...result, nearest: nearestFlow(model, rights, packetOf(question, 'forward', undefined, undefined, true), placement.date) };
  }
  const { house, packet, verdict } = denied;
  const rights =
    packet.hook === 'forward'
      ? flowRights(model, (flow) => gradeEnforces(equippedFor(house.gateway, house.target), flow))
      : gatewayRights(house.gateway, packet);
  if (verdict.reason.kind === 'flow') return { ...result, wouldAllow: allowing(rights, packet, placement.date) };
  const open = verdict.reason.kind === 'state' || (verdict.reason.kind === 'default' && result.steps[at]?.wayOut === undefined);
  return open ? { ...result, nearest: nearestFlow(model, rights, packet, placement.date) } : result;
}

function stepOf(plant: TracedPlant, { house, packet, verdict }: Judged): TraceStep {
  const { reason } = verdict;
  const { gateway } = house;
  const flow = reason.kind === 'flow' ? reason.flow : undefined;
  const policy = plant.placement.gateways.find((one) => one.gateway === gateway.name);
  const decider = reason.kind === 'traffic' ? reason.line : flow;
  const entry = policy?.entries.find((one) => one.hook === packet.hook && one.origin.name === decider?.name);
  return {
    gateway: gateway.name,
    packet,
    verdict,
    decider,
    grade: entry?.grade,
    widened: entry !== undefined && !servicesEqual(entry.heard ?? entry.enforced, entry.written),
    openPasses: openPasses(house, packet, verdict),
    wayOut: verdict.accepted ? undefined : wayOut(house, packet, verdict),
  };
}

/** An open conversation is judged again by this policy, whichever side speaks first (rule 3). */
function openPasses(house: Gatehouse, packet: Packet, { reason }: Verdict): boolean {
  if (reason.kind === 'pass' || reason.kind === 'loopback') return true;
  const going: Packet = { ...packet, state: 'established', direction: 'original', markCurrent: false };
  const family = familyOf(packet);
  const icmp = packet.protocol === (family === 4 ? 1 : 58);
  const asked = packet.value >> 8;
  const answerType = Array.from({ length: 256 }, (_, type) => type).find((type) => type !== asked && requestOf(family, type) === asked) ?? asked;
  const coming: Packet = {
    ...going,
    hook: packet.hook === 'forward' ? 'forward' : packet.hook === 'input' ? 'output' : 'input',
    direction: 'reply',
    inInterface: packet.outInterface,
    outInterface: packet.inInterface,
    source: packet.destination,
    destination: packet.source,
    sourcePort: icmp ? 0 : packet.value,
    // What the called side says next is not known; an answer without payload is always part of it.
    functionNumber: noFunction,
    value: icmp ? answerType * 256 + (packet.value & 0xff) : packet.sourcePort,
  };
  return evaluate(house, going).accepted && evaluate(house, coming).accepted;
}

// -- where the packet is seen -----------------------------------------------------------------------------------

/** What many hosts take, or none: never forwarded. */
const everybody = builtInNetworks('224.0.0.0/4', '255.255.255.255/32', 'ff00::/8');

/** The packet as the gateway would see it; undefined if it is not on the path. */
function packetAt(
  { placement: { joins } }: TracedPlant,
  gateway: Gateway,
  question: TraceQuestion,
  from: string | undefined,
  to: string | undefined,
): Packet | undefined {
  const { source, destination, inInterface, outInterface } = question;
  const facing = (zone: string | undefined, address: Address): Interface | undefined => {
    const faces = gateway.interfaces.filter((face) => zone !== undefined && face.faces.includes(zone));
    return (
      faces.find((face) =>
        face.addresses.some(({ network }) => network.family === address.family && network.first <= address.value && address.value <= network.last),
      ) ?? faces[0]
    );
  };
  const unspecified = (address: Address): boolean => question.gateway === gateway.name && Number(address.value) === 0;
  const through = (entering: Interface, leaving: Interface): Packet => packetOf(question, 'forward', entering.name, leaving.name, true);
  const intoGateway = (entering: Interface | undefined): Packet | undefined =>
    entering === undefined ? undefined : packetOf(question, 'input', entering.name, undefined, isLocal(gateway, entering.name, destination));
  if (inInterface !== undefined || outInterface !== undefined) {
    if (inInterface === undefined) return packetOf(question, 'output', undefined, outInterface, true);
    if (outInterface !== undefined) return packetOf(question, 'forward', inInterface, outInterface, true);
    return packetOf(question, 'input', inInterface, undefined, isLocal(gateway, inInterface, destination));
  }
  if (unspecified(source) || ownFace(gateway, source) !== undefined) {
    const out = ownFace(gateway, destination) === undefined ? facing(to, destination)?.name : 'lo';
    return out === undefined ? undefined : packetOf(question, 'output', undefined, out, true);
  }
  if (unspecified(destination)) return intoGateway(gateway.interfaces.find((face) => face.dynamic && from !== undefined && face.faces.includes(from)));
  const met = ownFace(gateway, destination);
  if (met !== undefined) {
    // One that another gateway leads here comes in by an interface that does not face it, and is spoofed to this one.
    const led = from !== undefined && to !== undefined && joins.gateways(from, to).length > 0 ? met : undefined;
    return intoGateway(from !== undefined && met.faces.includes(from) ? met : (facing(from, source) ?? led));
  }
  if (containsAddress(everybody, destination) || containsAddress(gatewayOnlyAddresses(gateway), destination)) return intoGateway(facing(from, source));
  if (from === undefined || to === undefined || !joins.gateways(from, to).includes(gateway.name)) return undefined;
  const entering = facing(from, source);
  const leaving = facing(to, destination);
  if (entering === undefined || leaving === undefined) return undefined;
  if (entering !== leaving || entering.routed) return through(entering, leaving);
  // Two interfaces face the same zones: any two different ones are a way.
  const other = gateway.interfaces.find((face) => face !== entering && face.faces.includes(to));
  if (other !== undefined) return through(entering, other);
  const second = gateway.interfaces.find((face) => face !== leaving && face.faces.includes(from));
  return second === undefined ? undefined : through(second, leaving);
}

function packetOf(question: TraceQuestion, hook: Packet['hook'], inInterface: string | undefined, outInterface: string | undefined, local: boolean): Packet {
  const { source, destination, protocol, sourcePort, value, functionNumber, details, hopLimit = 64 } = question;
  const state = question.badState === true ? 'invalid' : 'new';
  const message = { source, destination, protocol, sourcePort, value, functionNumber, hopLimit, ...(details === undefined ? {} : { details }) };
  return { ...message, hook, inInterface, outInterface, state, direction: 'original', markCurrent: false, local };
}

/** Whether the platform would call the destination an address of the interface: any that is nobody else's may be its dynamic one. */
function isLocal(gateway: Gateway, name: string, destination: Address): boolean {
  const owner = ownFace(gateway, destination);
  return owner === undefined ? !containsAddress(everybody, destination) && !containsAddress(gatewayOnlyAddresses(gateway), destination) : owner.name === name;
}
