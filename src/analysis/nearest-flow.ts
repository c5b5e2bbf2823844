/**
 * The flow that comes nearest to a denied packet, and what differs.
 *
 * Takes a packet and the rights of the policy (flows, and the `manage`, `receive` and `send` lines of the gateway that
 * denied it); gives the right that fails it in the fewest fields, with these in words. The one idea: fields are counted
 * first, and only then is it measured how far each is off, so that a slip of one digit outranks a different host. Where
 * three fields or more differ, nothing is near.
 */
import { type Address, formatAddress } from '../net/address.ts';
import { type AddressSet, addressSetOf, containsAddress, formatAddresses, unionAddresses } from '../net/address-set.ts';
import type { Ranges } from '../net/ranges.ts';
import type { Flow, Gateway, GatewayTraffic, Interface, Model } from '../model/model.ts';
import { noFunction } from '../packets/functions.ts';
import { familyOf, type Hook, type Packet, requestOf } from '../packets/packet.ts';
import { containsService, familyServices, type ServiceSet, valuedProtocols } from '../packets/service-set.ts';
import { daysBetween, isExpired } from '../policy/dates.ts';
import { endWords, functionWords, serviceWords } from './words.ts';

export type DifferenceField = 'source' | 'destination' | 'direction' | 'protocol' | 'port' | 'message' | 'function' | 'expired' | 'disabled' | 'state';

/** One field in which the packet fails the flow: what it has, and what the flow allows there. */
export interface Difference {
  readonly field: DifferenceField;
  readonly got: string;
  readonly allows: string;
}

export interface Nearest {
  readonly flow: Flow | GatewayTraffic;
  readonly differences: readonly Difference[];
  /** A sentence for each thing that differs; protocol and port together are one thing. */
  readonly says: readonly string[];
}

interface Side {
  readonly addresses: AddressSet;
  /** As written; for the gateway's own end its name. */
  readonly text: string;
  /** Said instead of what it allows. */
  readonly instead?: string;
}

/** The right to start conversations, whoever gives it. */
export interface Right {
  readonly line: Flow | GatewayTraffic;
  readonly hook: Hook;
  readonly source: Side;
  readonly destination: Side;
  /** What is enforced of it where the packet was denied. */
  readonly services: () => ServiceSet;
}

/** The allow flows, with what of each is enforced there. */
export function flowRights(model: Model, enforced: (flow: Flow) => ServiceSet): Right[] {
  return model.flows
    .filter((flow) => flow.effect === 'allow')
    .map((flow) => ({ line: flow, hook: 'forward', source: flow.from, destination: flow.to, services: () => enforced(flow) }));
}

/** The gateway's own lines, as they are for a packet: an own address is that of the interface by which it came (rule 5). */
export function gatewayRights(gateway: Gateway, packet: Packet): Right[] {
  const faces = gateway.interfaces;
  const ownOf = (some: readonly Interface[], address: Address): AddressSet => {
    const dynamic = packet.local && some.some((face) => face.dynamic) ? [addressSetOf(address)] : [];
    return unionAddresses(...some.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address))), ...dynamic);
  };
  const entrance = faces.filter((face) => face.name === packet.inInterface);
  const addresses = ownOf(packet.hook === 'input' ? entrance : faces, packet.hook === 'input' ? packet.destination : packet.source);
  const reached = entrance[0]?.dynamic === true ? 'its dynamic address' : formatAddresses(addresses);
  const own: Side =
    packet.hook === 'input'
      ? { addresses, text: reached, instead: `what comes in by ${packet.inInterface ?? ''} reaches the gateway only at ${reached}` }
      : { addresses, text: gateway.name };
  const sender: Side = { addresses: ownOf(faces, packet.hook === 'input' ? packet.destination : packet.source), text: gateway.name };
  return gateway.traffic.map((line) => {
    const services = (): ServiceSet => line.services.set;
    return line.kind === 'send'
      ? { line, hook: 'output', source: sender, destination: line.peer, services }
      : { line, hook: 'input', source: line.peer, destination: own, services };
  });
}

/** The rights in force that hold the packet in every field. */
export function allowing(rights: readonly Right[], packet: Packet, date: string): Right['line'][] {
  return rights.filter((right) => right.hook === packet.hook && straight(right, packet, date).fields.length === 0).map((right) => right.line);
}

/** The nearest right, if any fails in at most two fields; ties go to the first by name. */
export function nearestFlow(model: Model, rights: readonly Right[], packet: Packet, date: string): Nearest | undefined {
  let best: { readonly reading: Reading; readonly distance: number } | undefined;
  for (const right of rights) {
    for (const reading of readings(right, packet, date)) {
      const count = reading.fields.length;
      if (count === 0 || count > (best?.reading.fields.length ?? 2)) continue;
      const distance = distanceOf(reading, packet, date);
      const before = best === undefined || count < best.reading.fields.length ? 1 : best.distance - distance;
      if (best === undefined || before > 0 || (before === 0 && right.line.name < best.reading.right.line.name)) best = { reading, distance };
    }
  }
  return best === undefined ? undefined : spell(model, best.reading, packet, date);
}

// -- which fields differ ----------------------------------------------------------------------------------------

interface Message {
  readonly protocol: number;
  readonly value: number;
}

/** The allowed message that is nearest to one that is not. */
interface NearMessage {
  readonly fields: readonly DifferenceField[];
  readonly distance: number;
  /** Undefined if the right allows nothing in this address family. */
  readonly allowed: Message | undefined;
}

/** One way to hold a packet against a right: as it stands, or as running the other way round. */
interface Reading {
  readonly right: Right;
  readonly fields: readonly DifferenceField[];
  readonly message: NearMessage | undefined;
  /** It looks like an answer in a conversation of this right. */
  readonly answer: boolean;
}

function readings(right: Right, packet: Packet, date: string): Reading[] {
  const turned = turnedRound(right, packet, date);
  const plain = right.hook === packet.hook ? [straight(right, packet, date)] : [];
  return turned === undefined ? plain : [...plain, turned];
}

function straight(right: Right, packet: Packet, date: string): Reading {
  const message = nearMessage(right.services(), packet, packet);
  const fields: DifferenceField[] = [];
  if (!containsAddress(right.source.addresses, packet.source)) fields.push('source');
  if (!containsAddress(right.destination.addresses, packet.destination)) fields.push('destination');
  return { right, fields: [...fields, ...(message?.fields ?? []), ...standing(right, packet, date)], message, answer: false };
}

/** If the right runs between the same ends the other way round: as a request of the wrong side, or as an answer. */
function turnedRound(right: Right, packet: Packet, date: string): Reading | undefined {
  const { source, destination } = right;
  if (right.hook !== (packet.hook === 'forward' ? 'forward' : packet.hook === 'input' ? 'output' : 'input')) return undefined;
  if (!containsAddress(source.addresses, packet.destination) || !containsAddress(destination.addresses, packet.source)) return undefined;
  if (right.hook === 'forward' && containsAddress(source.addresses, packet.source) && containsAddress(destination.addresses, packet.destination))
    return undefined;
  const services = right.services();
  const request = nearMessage(services, packet, packet);
  const answered = answeredMessage(packet);
  const reply = answered === undefined ? undefined : nearMessage(services, packet, answered);
  // Of what function the request was, its answer does not say.
  const answer = request !== undefined && answered !== undefined && (reply === undefined || reply.fields.every((field) => field === 'function'));
  const message = answer ? undefined : request;
  return { right, fields: ['direction', ...(message?.fields ?? []), ...standing(right, packet, date)], message, answer };
}

/** The message that this one would answer. */
function answeredMessage(packet: Packet): Message | undefined {
  if (packet.protocol === 6 || packet.protocol === 17) return { protocol: packet.protocol, value: packet.sourcePort };
  const family = familyOf(packet);
  if (packet.protocol !== (family === 4 ? 1 : 58)) return undefined;
  return { protocol: packet.protocol, value: requestOf(family, packet.value >> 8) * 256 + (packet.value & 0xff) };
}

function standing({ line }: Right, packet: Packet, date: string): DifferenceField[] {
  const fields: DifferenceField[] = [];
  if (isExpired(line, date)) fields.push('expired');
  if (line.disabled !== undefined) fields.push('disabled');
  if (packet.state !== 'new' && packet.state !== 'established') fields.push('state');
  return fields;
}

const ported: readonly number[] = [6, 17];

/** The nearest allowed message: fewest fields first, then the shortest way; undefined if the message itself is allowed. */
function nearMessage(services: ServiceSet, packet: Packet, asked: Message): NearMessage | undefined {
  const family = familyOf(packet);
  if (containsService(services, family, asked.protocol, asked.value, packet.functionNumber, packet.details)) return undefined;
  const own = familyServices(services, family);
  const valued = valuedProtocols(family).includes(asked.protocol);
  const valueField: readonly DifferenceField[] = valued ? [ported.includes(asked.protocol) ? 'port' : 'message'] : [];
  let best: NearMessage = { fields: ['protocol', ...valueField], distance: Infinity, allowed: undefined };
  const offer = (fields: readonly DifferenceField[], distance: number, allowed: Message): void => {
    if (fields.length < best.fields.length || (fields.length === best.fields.length && distance < best.distance)) best = { fields, distance, allowed };
  };
  for (const [protocol, segments] of own.values) {
    const kin = protocol === asked.protocol || (ported.includes(protocol) && ported.includes(asked.protocol));
    const other: readonly DifferenceField[] = protocol === asked.protocol ? [] : ['protocol'];
    for (const { first, last } of segments) {
      const value = kin ? Math.min(last, Math.max(first, asked.value)) : first;
      const apart = Math.abs(value - asked.value);
      // Nearer than the same port of another protocol, which may not allow this function either.
      if (kin && apart === 0 && other.length === 0) offer(['function'], 0, { protocol, value });
      else if (kin) offer(apart === 0 ? other : [...other, ...valueField], other.length + logarithm(apart), { protocol, value });
      else offer([...other, ...valueField], 20, { protocol, value });
    }
  }
  for (const { first } of own.protocols) offer(['protocol', ...valueField], 20, { protocol: first, value: 0 });
  return best;
}

// -- how far they are off ---------------------------------------------------------------------------------------

/** 0, 1, 2, 2.6, 3 … for 0, 1, 2, 3, 4 …. */
function logarithm(apart: number): number {
  return apart === 0 ? 0 : 1 + Math.log2(apart);
}

function distanceOf({ right, fields, message }: Reading, packet: Packet, date: string): number {
  const measure = (field: DifferenceField): number => {
    switch (field) {
      case 'source':
        return nearAddress(right.source.addresses, packet.source)?.distance ?? 100;
      case 'destination':
        return nearAddress(right.destination.addresses, packet.destination)?.distance ?? 100;
      case 'direction':
        return 1;
      case 'expired':
        return Math.min(1, daysBetween(right.line.expires?.value ?? date, date) / 10_000);
      case 'protocol':
      case 'port':
      case 'message':
      case 'function':
      case 'disabled':
      case 'state':
        return 0;
    }
  };
  return fields.reduce((sum, field) => sum + measure(field), message?.distance ?? 0);
}

interface NearAddress {
  readonly address: Address;
  readonly relation: 'bit' | 'beside' | 'far';
  /** 1 for a neighbour or the lowest bit, up to 2 for one higher bit, beyond that by the length of the way. */
  readonly distance: number;
}

/** The nearest address of the set; undefined if it has none of the family. */
function nearAddress(set: AddressSet, address: Address): NearAddress | undefined {
  const bits = address.family === 4 ? 32 : 128;
  const value = BigInt(address.value);
  const edge = address.family === 4 ? nearestEdge(set.v4, address.value) : nearestEdge(set.v6, address.value);
  if (edge === undefined) return undefined;
  const make = (one: bigint): Address => (address.family === 4 ? { family: 4, value: Number(one) } : { family: 6, value: one });
  const apart = edge > value ? edge - value : value - edge;
  if (apart === 1n) return { address: make(edge), relation: (edge ^ value) === 1n ? 'bit' : 'beside', distance: 1 };
  for (let bit = 0; bit < bits; bit++) {
    const flipped = make(value ^ (1n << BigInt(bit)));
    if (containsAddress(set, flipped)) return { address: flipped, relation: 'bit', distance: 1 + bit / bits };
  }
  return { address: make(edge), relation: 'far', distance: 2 + (32 / bits) * Math.log2(Number(apart)) };
}

/** The end of a range that lies nearest to a value outside all of them. */
function nearestEdge<T extends number | bigint>(ranges: Ranges<T>, value: T): bigint | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.first ?? value) > value) high = middle;
    else low = middle + 1;
  }
  const [below, above, at] = [ranges[low - 1]?.last, ranges[low]?.first, BigInt(value)];
  if (below === undefined || above === undefined) return below === undefined && above === undefined ? undefined : BigInt(below ?? above ?? 0);
  return at - BigInt(below) <= BigInt(above) - at ? BigInt(below) : BigInt(above);
}

// -- in words ---------------------------------------------------------------------------------------------------

function spell(model: Model, reading: Reading, packet: Packet, date: string): Nearest {
  const spelt = reading.fields.map((field) => ({ field, ...fieldWords(model, reading, field, packet, date) }));
  return {
    flow: reading.right.line,
    differences: spelt.map(({ field, got, allows }) => ({ field, got, allows })),
    says: spelt.flatMap(({ sentence }) => sentence ?? []),
  };
}

interface FieldWords {
  readonly got: string;
  readonly allows: string;
  /** Undefined where another field's sentence says it too. */
  readonly sentence: string | undefined;
}

function fieldWords(model: Model, { right, fields, message, answer }: Reading, field: DifferenceField, packet: Packet, date: string): FieldWords {
  const { line, source, destination } = right;
  const services = shorten(line.services.text);
  const allowed = message?.allowed;
  const bare = (one: Message): string => (ported.includes(one.protocol) ? `${protocolWords(one)} ${one.value}` : serviceWords(model, { ...packet, ...one }));
  const named = allowed === undefined || services.includes(bare(allowed)) || new RegExp(`\\b${allowed.value}\\b`, 'u').test(services);
  const whole = named ? `\`${services}\`` : `\`${services}\` (${bare(allowed)})`;
  switch (field) {
    case 'source':
    case 'destination':
      return { got: formatAddress(packet[field]), allows: shorten(right[field].text), sentence: addressSentence(model, field, packet[field], right[field]) };
    case 'direction': {
      const ends = [shorten(source.text), shorten(destination.text)];
      const starter = right.hook === 'output' ? `\`${source.text}\`` : 'the other side';
      const why = answer ? 'this looks like an answer, which passes only in a conversation that the gateway knows' : `${starter} must start the conversation`;
      const got = `${formatAddress(packet.source)} -> ${formatAddress(packet.destination)}`;
      return { got, allows: ends.join(' -> '), sentence: `it runs from ${ends.map((end) => `\`${end}\``).join(' to ')}: ${why}` };
    }
    case 'protocol': {
      const kin = allowed !== undefined && [allowed, packet].every((one) => ported.includes(one.protocol));
      const allows = allowed === undefined ? services : protocolWords(allowed);
      return { got: protocolWords(packet), allows, sentence: `this is ${bare(packet)}; it allows ${kin ? bare(allowed) : whole}` };
    }
    case 'port':
    case 'message': {
      const got = field === 'port' ? String(packet.value) : bare(packet);
      const port = field === 'port' && allowed !== undefined && ported.includes(allowed.protocol);
      const allows = allowed === undefined ? services : port ? String(allowed.value) : bare(allowed);
      const oneOff = port && Math.abs(allowed.value - packet.value) === 1;
      const sentence = oneOff ? `${bare(packet)} is one off ${allows}, which it allows` : `this is ${bare(packet)}; it allows ${whole}`;
      return { got, allows, sentence: fields.includes('protocol') ? undefined : sentence };
    }
    case 'function': {
      const name = functionWords(model, packet) ?? (packet.functionNumber === noFunction ? 'a packet without a message' : undefined);
      const asked = name === undefined ? `every message of ${bare(packet)} is asked for` : `this is ${name}`;
      return { got: name ?? 'every message', allows: services, sentence: `${asked}; it allows \`${services}\`` };
    }
    case 'expired': {
      const end = line.expires?.value ?? date;
      const days = daysBetween(end, date);
      return { got: date, allows: end, sentence: `it expired ${days === 1 ? 'yesterday' : `${days} days ago`} (${end})` };
    }
    case 'disabled':
      return { got: 'disabled', allows: 'nothing', sentence: `it is disabled: "${line.disabled?.value ?? ''}"` };
    case 'state':
      return {
        got: packet.state,
        allows: 'new',
        sentence: 'it lets such a conversation start, but conntrack says that this packet neither starts one nor belongs to one',
      };
  }
}

function addressSentence(model: Model, end: string, address: Address, side: Side): string {
  const near = nearAddress(side.addresses, address);
  const got = `the ${end} is ${endWords(model, address)}`;
  const text = shorten(side.text);
  if (side.instead !== undefined) return `${got}; ${side.instead}`;
  if (near === undefined) return `${got}; \`${text}\` has no IPv${address.family} address`;
  if (near.relation === 'far') return `${got}; it allows only \`${text}\``;
  const bare = formatAddress(near.address);
  const off = near.relation === 'bit' ? 'one bit off' : 'next to';
  const hostAt = (one: Address): string | undefined => model.hosts.find((host) => containsAddress(host.addresses, one))?.name;
  // Two hosts that both have a name are no slip of the finger.
  if (hostAt(address) !== undefined) return `${got}, ${off} ${bare}; it allows only \`${text}\``;
  const host = hostAt(near.address);
  const part = text === host || text === bare ? '' : ` of \`${text}\``;
  return `${got}, ${off} ${host === undefined ? bare : `${host} ${bare}`}${part}, which it allows`;
}

function protocolWords({ protocol }: Message): string {
  return { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' }[protocol] ?? `ip protocol ${protocol}`;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
