/**
 * Packets in plant words: names first, then addresses, then the service as an engineer writes it.
 */
import { protocolsOn } from '../catalogue/catalogue.ts';
import { icmpName } from '../catalogue/icmp.ts';
import { type Address, formatAddress } from '../net/address.ts';
import { containsAddress } from '../net/address-set.ts';
import type { Model } from '../model/model.ts';
import { FunctionTable } from '../packets/functions.ts';
import { familyOf, type Packet } from '../packets/packet.ts';

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
  const host = model.hosts.find((one) => containsAddress(one.addresses, address));
  if (host !== undefined) return host.name;
  const gateway = model.gateways.find((one) =>
    one.interfaces.some((face) => face.addresses.some((own) => own.address.family === address.family && own.address.value === address.value)),
  );
  return gateway?.name ?? zoneOf(model, address);
}

export function zoneOf(model: Model, address: Address): string | undefined {
  return model.zones.find((zone) => containsAddress(zone.addresses, address))?.name;
}

/** `tcp 502 (modbus)`, `icmp echo-request`, `ip protocol 47`. */
export function serviceWords(model: Model, packet: Packet): string {
  const family = familyOf(packet);
  if (packet.protocol === 6 || packet.protocol === 17) {
    const transport = packet.protocol === 6 ? 'tcp' : 'udp';
    const bound = protocolsOn(transport, packet.value).map((protocol) => protocol.name);
    const message = new FunctionTable(model.functionProtocols).message(packet.functionNumber);
    const called =
      message.kind === 'class' && bound.includes(message.protocol)
        ? ` (${message.protocol} ${message.class})`
        : bound.length === 0
          ? ''
          : ` (${bound.slice(0, 3).join(', ')})`;
    return `${transport} ${packet.value}${called}`;
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

export function packetWords(model: Model, packet: Packet): PacketWords {
  return {
    source: formatAddress(packet.source),
    destination: formatAddress(packet.destination),
    from: nameOf(model, packet.source) ?? 'no zone',
    to: nameOf(model, packet.destination) ?? 'no zone',
    service: serviceWords(model, packet),
    family: familyOf(packet),
    protocol: packet.protocol,
    value: packet.value,
  };
}
