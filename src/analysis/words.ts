/**
 * Packets in plant words: names first, then addresses, then the service as an engineer writes it.
 */
import { protocolsOn } from '../catalogue/catalogue.ts';
import { addressesOf, hasUnits } from '../catalogue/frames.ts';
import type { ProtocolFunction } from '../catalogue/function.ts';
import { functionsNamed } from '../catalogue/functions.ts';
import { icmpName } from '../catalogue/icmp.ts';
import { type Address, formatAddress } from '../net/address.ts';
import { addressRanges, containsAddress } from '../net/address-set.ts';
import type { Host, Model } from '../model/model.ts';
import { functionTable } from '../model/functions.ts';
import type { Conversation } from '../packets/conversation-space.ts';
import { lastDataAddress, type MessageDetails } from '../packets/function-set.ts';
import type { Packet } from '../packets/packet.ts';
import { containsService } from '../packets/service-set.ts';

/** What `--format json` shows of a packet. */
export interface PacketWords {
  readonly source: string;
  readonly destination: string;
  readonly from: string;
  readonly to: string;
  readonly service: string;
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly value: number;
}

/** `historian 10.20.0.5`, `office 10.0.3.4`, `gw12 10.0.0.1`, or the bare address. */
export function endWords(model: Model, address: Address): string {
  const text = formatAddress(address);
  if (Number(address.value) === 0) return 'the gateway at its dynamic address';
  const name = nameOf(model, address);
  return name === undefined ? text : `${name} ${text}`;
}

export function nameOf(model: Model, address: Address): string | undefined {
  const host = hostAt(model, address);
  if (host !== undefined) return host;
  const gateway = model.gateways.find((one) =>
    one.interfaces.some((face) => face.addresses.some((own) => own.address.family === address.family && own.address.value === address.value)),
  );
  return gateway?.name ?? zoneOf(model, address);
}

interface HostIndex {
  readonly single: ReadonlyMap<string, string>;
  /** Hosts that have a whole range; they are few. */
  readonly ranged: readonly Host[];
}

const indexes = new WeakMap<Model, HostIndex>();

/** The host that has the address. */
function hostAt(model: Model, address: Address): string | undefined {
  const index = indexes.get(model) ?? indexOf(model);
  indexes.set(model, index);
  return index.single.get(`${address.family} ${address.value}`) ?? index.ranged.find((host) => containsAddress(host.addresses, address))?.name;
}

function indexOf(model: Model): HostIndex {
  const ranges = model.hosts.flatMap((host) => addressRanges(host.addresses).map((range) => ({ host, range })));
  const single = ranges.filter(({ range }) => range.first === range.last);
  return {
    single: new Map(single.map(({ host, range }) => [`${range.family} ${range.first}`, host.name])),
    ranged: [...new Set(ranges.filter(({ range }) => range.first !== range.last).map(({ host }) => host))],
  };
}

export function zoneOf(model: Model, address: Address): string | undefined {
  return model.zones.find((zone) => containsAddress(zone.addresses, address))?.name;
}

/** `modbus read-coils`: the function of the message, by a protocol that lives on its port; undefined for what has no name. */
export function functionWords(model: Model, packet: Conversation): string | undefined {
  const message = functionTable.message(packet.functionNumber);
  if (message.kind !== 'function') return undefined;
  const standard = packet.protocol === 6 || packet.protocol === 17 ? protocolsOn(packet.protocol === 6 ? 'tcp' : 'udp', packet.value) : [];
  const site = [...model.sitePorts].filter(([, set]) =>
    containsService(set, packet.source.family, packet.protocol, packet.value, packet.functionNumber, packet.details),
  );
  const speaker = [...standard.map((protocol) => protocol.name), ...site.map(([name]) => name)].find((name) => functionsNamed(name).includes(message.function));
  return speaker === undefined ? undefined : `${speaker} ${message.function.name}${detailWords(message.function, packet.details)}`;
}

/** ` unit 3 address 100-109`, where units and addresses are told apart. */
function detailWords(one: ProtocolFunction, details: MessageDetails | undefined): string {
  if (details === undefined || !hasUnits(one.protocol)) return '';
  const { unit, firstAddress, lastAddress } = details;
  const kind = addressesOf(one);
  if (kind === undefined) return ` unit ${unit}`;
  if (kind === 'one' || lastAddress === firstAddress) return ` unit ${unit} address ${firstAddress}`;
  if (lastAddress > firstAddress && lastAddress <= lastDataAddress) return ` unit ${unit} address ${firstAddress}-${lastAddress}`;
  return ` unit ${unit} address ${firstAddress} (counting none, or more than there are)`;
}

/** `tcp 502 (modbus)`, `tcp 502 (modbus read-coils)`, `icmp echo-request`, `ip protocol 47`. */
export function serviceWords(model: Model, packet: Conversation): string {
  const family = packet.source.family;
  if (packet.protocol === 6 || packet.protocol === 17) {
    const transport = packet.protocol === 6 ? 'tcp' : 'udp';
    const bound = protocolsOn(transport, packet.value).map((protocol) => protocol.name);
    const named = functionWords(model, packet);
    const called = named ?? bound.slice(0, 3).join(', ');
    return `${transport} ${packet.value}${called === '' ? '' : ` (${called})`}`;
  }
  if (packet.protocol === (family === 4 ? 1 : 58)) {
    const type = packet.value >> 8;
    const code = packet.value & 0xff;
    const version = family === 4 ? 'icmp' : 'icmpv6';
    const name = icmpName(family, type, code) ?? icmpName(family, type, undefined);
    return name === undefined ? `${version} type ${type} code ${code}` : `${version} ${name}`;
  }
  return `ip protocol ${packet.protocol}`;
}

export function packetWords(model: Model, packet: Conversation): PacketWords {
  return {
    source: formatAddress(packet.source),
    destination: formatAddress(packet.destination),
    from: nameOf(model, packet.source) ?? 'no zone',
    to: nameOf(model, packet.destination) ?? 'no zone',
    service: serviceWords(model, packet),
    family: packet.source.family,
    protocol: packet.protocol,
    value: packet.value,
  };
}

/** `forward eth3 → eth2, new: historian 10.20.0.5 -> plc_press 192.168.10.11 on tcp 502 (modbus)`; a reply is known by where it comes from. */
export function stateWords(model: Model, packet: Packet): string {
  const way = [packet.inInterface, packet.outInterface].filter((name) => name !== undefined).join(' → ');
  const state = packet.state === 'established' ? `established, ${packet.direction}, ${packet.markCurrent ? 'marked' : 'not marked'}` : packet.state;
  // Here an address is only an address: the platform says which of them are the gateway's.
  const end = (address: Address): string => (Number(address.value) === 0 ? formatAddress(address) : endWords(model, address));
  const back = packet.direction === 'reply' && (packet.protocol === 6 || packet.protocol === 17);
  const service = back ? `from ${serviceWords(model, { ...packet, value: packet.sourcePort })} to port ${packet.value}` : `on ${serviceWords(model, packet)}`;
  return `${packet.hook} ${way}, ${state}: ${end(packet.source)} -> ${end(packet.destination)} ${service}`;
}

/** `gw12 eth1.31 → eth2`: by which interfaces the gateway sees the conversation. */
export function wayWords(model: Model, gateway: string, packet: Conversation): string {
  const faces = model.gateways.find((one) => one.name === gateway)?.interfaces ?? [];
  const facing = (address: Address): string | undefined => {
    const zone = zoneOf(model, address);
    return zone === undefined ? undefined : faces.find((face) => face.faces.includes(zone))?.name;
  };
  const [entering, leaving] = [facing(packet.source), facing(packet.destination)];
  return entering === undefined || leaving === undefined ? gateway : `${gateway} ${entering} → ${leaving}`;
}
