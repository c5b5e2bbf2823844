/**
 * The verdict on one packet, in plain steps: the specification that everything else is held against.
 *
 * Takes the model, one gateway, the date and a packet; gives the verdict and the rule that decided. Written to be read
 * beside grammar/README.md, "Which packet is allowed"; it shares nothing with the packet sets.
 */
import { gradeEnforces } from './grades.ts';
import { equippedFor } from './options.ts';
import type { TargetCapabilities } from './capabilities.ts';
import { inForce } from './dates.ts';
import { baseline } from './baseline.ts';
import { interfaceServices, type PassRow, type Where } from '../model/interface-services.ts';
import type { Flow, Gateway, GatewayTraffic, Interface, Model, Zone } from '../model/model.ts';
import type { Address } from '../net/address.ts';
import { builtInNetworks, containsAddress, neverDynamic } from '../net/address-set.ts';
import { familyOf, type Packet, relatedErrorTypes, requestOf } from '../packets/packet.ts';
import { isEveryFunction } from '../packets/function-set.ts';
import { noFunction } from '../packets/functions.ts';
import { containsService, familyServices, type ServiceSet, widenFunctions } from '../packets/service-set.ts';

export type Reason =
  | { readonly kind: 'flow'; readonly flow: Flow }
  | { readonly kind: 'traffic'; readonly line: GatewayTraffic }
  | { readonly kind: 'loopback' }
  | { readonly kind: 'pass'; readonly name: string }
  | { readonly kind: 'conversation' }
  /** Within a conversation, or related to one, on a platform that keeps them whatever the policy says. */
  | { readonly kind: 'kept' }
  /** Within a conversation that was allowed: no flow allows its client to say this. */
  | { readonly kind: 'function' }
  | { readonly kind: 'related-error' }
  /** The source lies in no zone that its interface faces. */
  | { readonly kind: 'spoofed' }
  /** The destination lies in no zone that its interface faces. */
  | { readonly kind: 'unrouted' }
  /** Back out of a shared wire. */
  | { readonly kind: 'shared-wire' }
  | { readonly kind: 'state' }
  | { readonly kind: 'default' };

export interface Verdict {
  readonly accepted: boolean;
  /** True if a rate may deny it. */
  readonly limited: boolean;
  /** True if its conversation carries the policy's mark afterwards. */
  readonly marks: boolean;
  readonly reason: Reason;
  /** Zones of source and destination as this gateway sees them, if any. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export interface Gatehouse {
  readonly model: Model;
  readonly gateway: Gateway;
  readonly target: TargetCapabilities;
  readonly date: string;
}

export function evaluate(house: Gatehouse, packet: Packet): Verdict {
  const from = packet.hook === 'output' ? undefined : zoneBehind(house, packet.inInterface, packet.source);
  const to = packet.hook === 'input' ? undefined : zoneBehind(house, packet.outInterface, packet.destination);
  const verdict = (accepted: boolean, reason: Reason, more: Partial<Verdict> = {}): Verdict => ({
    accepted,
    reason,
    limited: false,
    marks: false,
    from: from?.name,
    to: to?.name,
    ...more,
  });

  const kept = house.target.conversations === 'kept';
  const keeps = kept ? house.target.keeps : undefined;
  if (keeps?.stateBeforeLoopback === true && packet.state === 'invalid') return verdict(false, { kind: 'state' });
  // Rule 6: the baseline is judged before state and zones, and never forwarded.
  if (packet.hook === 'input' && packet.inInterface === 'lo') return verdict(true, { kind: 'loopback' });
  if (packet.hook === 'output' && packet.outInterface === 'lo') return verdict(true, { kind: 'loopback' });
  // Such a platform looks at the state before it asks any rule.
  if (kept && (packet.state === 'established' || packet.state === 'related')) return verdict(true, { kind: 'kept' });
  if (kept && packet.state === 'invalid') return verdict(false, { kind: 'state' });
  const pass = passFor(house, packet);
  if (pass !== undefined) return verdict(true, { kind: 'pass', name: pass });

  // Rule 1.
  if (packet.hook !== 'output' && from === undefined) return verdict(false, { kind: 'spoofed' });
  if (packet.hook !== 'input' && to === undefined) return verdict(false, { kind: 'unrouted' });
  if (packet.hook === 'forward' && packet.inInterface === packet.outInterface && interfaceNamed(house, packet.inInterface)?.sharedWire !== undefined) {
    return verdict(false, { kind: 'shared-wire' });
  }

  if (keeps?.deniesUntracked === true && packet.state === 'untracked') return verdict(false, { kind: 'state' });
  // New or untracked there: no mark says that it was judged.
  if (kept) {
    const { accepted, reason, limited } = judge(house, packet, false);
    return verdict(accepted, reason, { limited });
  }
  // Rules 2 and 3.
  if (packet.state === 'invalid' || packet.state === 'untracked') return verdict(false, { kind: 'state' });
  if (packet.state === 'related') {
    const family = familyOf(packet);
    const error = packet.protocol === (family === 4 ? 1 : 58) && relatedErrorTypes(family).includes(packet.value >> 8);
    return error ? verdict(true, { kind: 'related-error' }) : verdict(false, { kind: 'state' });
  }
  // A conversation that was never answered stays new for conntrack; the mark shows that it was judged. What its client says may still
  // have to be looked into (rules 7 and 8).
  if (packet.markCurrent) {
    const asking = packet.direction === 'original' ? packet : swapped(packet);
    const message = isInspected(house, asking) ? judge(house, asking, packet.direction === 'reply') : undefined;
    if (message?.accepted === false) return verdict(false, message.reason.kind === 'default' ? { kind: 'function' } : message.reason);
    return verdict(true, { kind: 'conversation' });
  }
  const again = packet.state === 'established';
  const judged = again && packet.direction === 'reply' ? judge(house, swapped(packet), true) : judge(house, packet, false);
  return verdict(judged.accepted, judged.reason, { limited: !again && judged.limited, marks: judged.accepted });
}

/**
 * Rules 5, 7 and 9: who allows the start of this conversation. `answered`: the packet stands for the conversation that
 * an answer belongs to. Then a dynamic address that the answer has reached is the gateway's own, and the interface that
 * the question came by may be any that faces its source, since the way back may be another.
 */
function judge(house: Gatehouse, packet: Opening, answered: boolean): { accepted: boolean; limited: boolean; reason: Reason } {
  if (packet.hook !== 'forward') return judgeOwn(house, packet, answered);
  const matching = house.model.flows.filter((flow) => inForce(flow, house.date) && matches(house, flow, packet));
  const deny = matching.find((flow) => flow.effect === 'deny');
  if (deny !== undefined) return { accepted: false, limited: false, reason: { kind: 'flow', flow: deny } };
  const allow = matching[0];
  if (allow === undefined) return { accepted: false, limited: false, reason: { kind: 'default' } };
  return { accepted: true, limited: matching.every((flow) => flow.rate !== undefined), reason: { kind: 'flow', flow: allow } };
}

/** Whether some flow, allow or deny, tells the functions of such a message apart; for a reply, of what the called side asks. */
function isInspected(house: Gatehouse, packet: Opening): boolean {
  const tells = (services: ServiceSet): boolean => {
    const segments = familyServices(services, familyOf(packet)).values.get(packet.protocol) ?? [];
    return segments.some(({ first, last, functions }) => first <= packet.value && packet.value <= last && !isEveryFunction(functions));
  };
  // The side that opened the conversation asks; what it is answered is free.
  if (packet.hook !== 'forward') return packet.reply === undefined && linesBetween(house, packet, false).some((line) => tells(line.services.set));
  return house.model.flows.some((flow) => {
    if (!inForce(flow, house.date) || (flow.requests === 'backward') !== (packet.reply !== undefined)) return false;
    if (!containsAddress(flow.from.addresses, packet.source) || !containsAddress(flow.to.addresses, packet.destination)) return false;
    const enforced = flow.effect === 'allow' ? enforcedBy(house, flow) : flow.services.set;
    return tells(enforced);
  });
}

/** What the gateway enforces of an allow. */
function enforcedBy({ gateway, target }: Gatehouse, flow: Flow): ServiceSet {
  return gradeEnforces(equippedFor(gateway, target), flow);
}

function matches(house: Gatehouse, flow: Flow, packet: Opening): boolean {
  if (!containsAddress(flow.from.addresses, packet.source) || !containsAddress(flow.to.addresses, packet.destination)) return false;
  const enforced = flow.effect === 'allow' ? enforcedBy(house, flow) : flow.services.set;
  // Where the called side asks, its messages have the functions, and the side that opened the conversation answers whatever it answers.
  const asking = flow.requests === 'backward' ? packet.reply : packet;
  const services = asking === undefined ? widenFunctions(enforced) : enforced;
  const { functionNumber, details } = asking ?? packet;
  return containsService(services, familyOf(packet), packet.protocol, packet.value, functionNumber, details);
}

function judgeOwn(house: Gatehouse, packet: Packet, answered: boolean): { accepted: boolean; limited: boolean; reason: Reason } {
  const lines = linesBetween(house, packet, answered).filter((line) =>
    containsService(line.services.set, familyOf(packet), packet.protocol, packet.value, packet.functionNumber, packet.details),
  );
  const first = lines[0];
  if (first === undefined) return { accepted: false, limited: false, reason: { kind: 'default' } };
  return { accepted: true, limited: lines.every((line) => line.rate !== undefined), reason: { kind: 'traffic', line: first } };
}

/** Lines of the gateway in force between the ends of a packet, whatever they allow. */
function linesBetween(house: Gatehouse, packet: Packet, answered: boolean): readonly GatewayTraffic[] {
  return house.gateway.traffic.filter((line) => {
    if (!inForce(line, house.date) || (line.kind === 'send') !== (packet.hook === 'output')) return false;
    if (packet.hook === 'output') return containsAddress(line.peer.addresses, packet.destination) && isOwn(house, packet, packet.source, answered);
    if (!containsAddress(line.peer.addresses, packet.source)) return false;
    const entrances = answered ? house.gateway.interfaces.map((face) => face.name) : [packet.inInterface];
    return entrances.some((name) => zoneBehind(house, name, packet.source) !== undefined && isInterfaceAddress(house, name, packet, packet.destination));
  });
}

/** A packet in the direction of the side that opened the conversation; perhaps for a reply, which says something itself. */
interface Opening extends Packet {
  readonly reply?: Packet;
}

/** The first packet of the conversation that this reply belongs to, as far as the reply shows it. */
function swapped(packet: Packet): Opening {
  const family = familyOf(packet);
  const icmp = packet.protocol === (family === 4 ? 1 : 58);
  const ports = packet.protocol === 6 || packet.protocol === 17;
  return {
    ...packet,
    reply: packet,
    hook: packet.hook === 'forward' ? 'forward' : packet.hook === 'input' ? 'output' : 'input',
    inInterface: packet.outInterface,
    outInterface: packet.inInterface,
    source: packet.destination,
    destination: packet.source,
    sourcePort: ports ? packet.value : 0,
    // A reply does not show what the client asked, only that it was let in.
    functionNumber: noFunction,
    value: ports ? packet.sourcePort : icmp ? (requestOf(family, packet.value >> 8) << 8) | (packet.value & 0xff) : packet.value,
    direction: 'original',
  };
}

function interfaceNamed(house: Gatehouse, name: string | undefined): Interface | undefined {
  return house.gateway.interfaces.find((face) => face.name === name);
}

/** The zone of the address, if the interface faces it and the address is none of the gateway's own. */
function zoneBehind(house: Gatehouse, interfaceName: string | undefined, address: Address): Zone | undefined {
  if (isGatewayOnly(house.gateway, address)) return undefined;
  const face = interfaceNamed(house, interfaceName);
  return house.model.zones.find((zone) => face !== undefined && face.faces.includes(zone.name) && containsAddress(zone.addresses, address));
}

/** Own addresses, directed broadcasts and subnet-router anycasts (rule 5). */
function isGatewayOnly(gateway: Gateway, address: Address): boolean {
  return gateway.interfaces.some((face) =>
    face.addresses.some((own) => {
      if (own.address.family !== address.family) return false;
      if (own.address.value === address.value) return true;
      if (own.network.family === 4) return own.length <= 30 && own.network.last === address.value;
      return own.length <= 126 && own.network.first === address.value;
    }),
  );
}

function isInterfaceAddress(house: Gatehouse, name: string | undefined, packet: Packet, address: Address): boolean {
  const face = interfaceNamed(house, name);
  if (face === undefined) return false;
  if (face.dynamic) return house.target.asksLocal ? packet.local : mayBeDynamic(house, face, address);
  return face.addresses.some((own) => own.address.family === address.family && own.address.value === address.value);
}

function isOwn(house: Gatehouse, packet: Packet, address: Address, answered: boolean): boolean {
  if (house.gateway.interfaces.some((face) => face.dynamic)) return answered || sentByItself(house, packet, address);
  return house.gateway.interfaces.some((face) => face.addresses.some((own) => own.address.family === address.family && own.address.value === address.value));
}

/** Whether what an output hook sees comes from an address of a gateway some of whose addresses only the platform knows. */
function sentByItself(house: Gatehouse, packet: Packet, address: Address): boolean {
  if (house.target.asksLocal) return packet.local;
  return house.gateway.interfaces.some((face) => isInterfaceAddress(house, face.name, packet, address));
}

/** A platform that cannot be asked takes it for the dynamic address of this interface. */
function mayBeDynamic(house: Gatehouse, face: Interface, address: Address): boolean {
  if (containsAddress(neverDynamic, address)) return false;
  return !house.gateway.interfaces.some(
    (other) => other !== face && other.addresses.some((own) => own.address.family === address.family && own.address.value === address.value),
  );
}

function passFor(house: Gatehouse, packet: Packet): string | undefined {
  const face = interfaceNamed(house, packet.hook === 'input' ? packet.inInterface : packet.outInterface);
  if (face === undefined || packet.hook === 'forward') return undefined;
  const services = [...baseline, ...interfaceServices.filter((service) => face.runs.includes(service.name))];
  return services.find((service) => service.rows.some((row) => passRow(house, face, row, packet)))?.name;
}

function passRow(house: Gatehouse, face: Interface, row: PassRow, packet: Packet): boolean {
  if (row.hook !== packet.hook || row.family !== familyOf(packet) || row.protocol !== packet.protocol) return false;
  if (house.target.hopLimits && row.hopLimit !== undefined && packet.hopLimit !== row.hopLimit) return false;
  const icmp = row.protocol === (row.family === 4 ? 1 : 58);
  if (row.values !== undefined && !row.values.includes(icmp ? packet.value >> 8 : packet.value)) return false;
  if (row.codeZero === true && !house.target.wholeTypes && (packet.value & 0xff) !== 0) return false;
  if (row.sourcePorts !== undefined && !row.sourcePorts.includes(packet.sourcePort)) return false;
  const lies = (address: Address, where: Where): boolean => {
    if (where === 'faced') return zoneBehind(house, face.name, address) !== undefined;
    if (where !== 'own') return containsAddress(builtInNetworks(...where.networks), address);
    if (row.hook === 'input') return isInterfaceAddress(house, face.name, packet, address);
    const dynamic = house.gateway.interfaces.some((one) => one.dynamic);
    return dynamic ? sentByItself(house, packet, address) : house.gateway.interfaces.some((one) => isInterfaceAddress(house, one.name, packet, address));
  };
  return row.source.some((where) => lies(packet.source, where)) && row.destination.some((where) => lies(packet.destination, where));
}
