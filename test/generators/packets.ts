/**
 * Packets at and beside every boundary of a plant.
 *
 * Takes a plant as compiled and random choices, gives probes for the kernel with the facts that `evaluate` asks, and the packets that may
 * follow one: its answer, more of it, an error about it, the same from a wrong interface. The idea: half of the packets aim at what some
 * declaration says, and miss it by one in one respect; the rest ask what nobody thought of.
 */
import { baseline } from '../../src/policy/baseline.ts';
import type { Gatehouse } from '../../src/policy/evaluate.ts';
import { type Address, type Family, formatAddress, parseAddress } from '../../src/net/address.ts';
import { type AddressSet, builtInNetworks, containsAddress, unionAddresses } from '../../src/net/address-set.ts';
import { interfaceServices, type PassRow, type Where } from '../../src/model/interface-services.ts';
import type { Hook } from '../../src/packets/packet.ts';
import { noFunction, otherFunction } from '../../src/packets/functions.ts';
import { encodePacket, type Extension, icmpError, type Packet, protocolNumber, type Transport } from '../kernel/frames.ts';
import type { Entry } from '../kernel/observation.ts';
import { addressOf } from './address-plan.ts';
import { type Message, nearAddress, nearMessage, RoutingTable, strangeAddresses } from './boundaries.ts';
import type { Draw } from './draw.ts';
import type { Plant } from './plants.ts';

/** What `evaluate` asks of a packet besides what the platform says. */
export interface Facts {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly value: number;
  readonly hopLimit: number;
  /** Of a message that no protocol has, or of none; what inspection does not understand counts as the first. */
  readonly functionNumber: number;
}

export interface Sample {
  readonly entry: Entry;
  readonly packet: Packet;
  readonly facts: Facts;
  /** Where it must arrive, if nothing about it is strange. */
  readonly route: { readonly hook: Hook; readonly out: string | undefined } | undefined;
}

export function factsOf(packet: Packet): Facts {
  const source = parseAddress(packet.source);
  const destination = parseAddress(packet.destination);
  if (source === undefined || destination === undefined) throw new Error(`not addresses: ${packet.source} ${packet.destination}`);
  const { transport } = packet;
  const ported = transport.kind === 'tcp' || transport.kind === 'udp';
  return {
    source,
    destination,
    protocol: protocolNumber(transport, source.family),
    sourcePort: ported ? transport.sourcePort : 0,
    value: ported ? transport.destinationPort : transport.kind === 'icmp' ? transport.type * 256 + (transport.code ?? 0) : 0,
    hopLimit: packet.hopLimit ?? 64,
    functionNumber: isPlain(packet) ? noFunction : otherFunction,
  };
}

/** Without payload; and for TCP without what a ruleset that looks into messages does not understand: urgent data, IP options, IPv6 headers. */
function isPlain({ transport, options, extensions }: Packet): boolean {
  if (transport.kind !== 'tcp' && transport.kind !== 'udp') return true;
  if ((transport.payload?.length ?? 0) > 0) return false;
  return transport.kind === 'udp' || (!transport.flags.includes('U') && (options?.length ?? 0) === 0 && (extensions?.length ?? 0) === 0);
}

export class PacketMaker {
  readonly routes: RoutingTable;
  readonly #draw: Draw;
  readonly #plant: Plant;
  readonly #house: Gatehouse;
  readonly #linkLocal: ReadonlyMap<string, string>;
  readonly #everything: AddressSet;

  /** `linkLocal`: the address that the kernel gave each interface. */
  constructor(draw: Draw, plant: Plant, house: Gatehouse, linkLocal: ReadonlyMap<string, string>) {
    this.#draw = draw;
    this.#plant = plant;
    this.#house = house;
    this.#linkLocal = linkLocal;
    this.routes = new RoutingTable(plant.interfaces);
    this.#everything = unionAddresses(...house.model.zones.map((zone) => zone.addresses));
  }

  sample(): Sample {
    const kind = this.#draw.weighted([
      [55, 'flow'],
      [14, 'anything'],
      [16, 'input'],
      [12, 'output'],
      [12, 'pass'],
    ] as const);
    return this.#attempt(kind) ?? this.#anything();
  }

  #attempt(kind: 'flow' | 'anything' | 'input' | 'output' | 'pass'): Sample | undefined {
    switch (kind) {
      case 'flow':
        return this.#aimedAtFlow();
      case 'input':
        return this.#aimedAtGateway();
      case 'output':
        return this.#fromGateway();
      case 'pass':
        return this.#aimedAtPass();
      case 'anything':
        return this.#anything();
    }
  }

  // -- what a declaration says, or nearly ---------------------------------------------------------------------

  #aimedAtFlow(): Sample | undefined {
    const draw = this.#draw;
    const { flows } = this.#house.model;
    if (flows.length === 0) return undefined;
    const flow = draw.pick(flows);
    const family = draw.pick([4, 6] as const);
    const source = draw.chance(10) ? this.#someAddress(family) : nearAddress(draw, flow.from.addresses, family);
    const destination = draw.chance(10) ? this.#someAddress(family) : nearAddress(draw, flow.to.addresses, family);
    const message = draw.chance(8) ? this.#someMessage() : nearMessage(draw, flow.services.set, family);
    return source === undefined || destination === undefined || message === undefined ? undefined : this.#wire(source, destination, message);
  }

  #aimedAtGateway(): Sample | undefined {
    const draw = this.#draw;
    const family = draw.pick([4, 6] as const);
    const lines = this.#house.gateway.traffic.filter((line) => line.kind !== 'send');
    const line = lines.length === 0 ? undefined : draw.pick(lines);
    const source = line === undefined || draw.chance(15) ? this.#someAddress(family) : nearAddress(draw, line.peer.addresses, family);
    const message = line === undefined || draw.chance(15) ? this.#someMessage() : nearMessage(draw, line.services.set, family);
    if (source === undefined || message === undefined) return undefined;
    const from = this.#interfaceOf(source);
    const near = this.#plant.interfaces.filter((face) => face.name === from);
    const own = (draw.chance(75) && near.length > 0 ? near : this.#plant.interfaces).flatMap((face) => [
      ...face.own.filter((one) => one.family === family).map((one) => one.value),
      ...face.own.filter((one) => one.family === family && draw.chance(20)).map((one) => (family === 4 ? one.block.last : one.block.first)),
      ...(family === 6 ? [BigInt(this.#linkLocalOf(face.name).value)] : []),
    ]);
    if (own.length === 0) return undefined;
    return this.#wire(source, addressOf(family, draw.pick(own)), message);
  }

  #fromGateway(): Sample | undefined {
    const draw = this.#draw;
    const family = draw.pick([4, 6] as const);
    const lines = this.#house.gateway.traffic.filter((line) => line.kind === 'send');
    const line = lines.length === 0 ? undefined : draw.pick(lines);
    const destination = line === undefined || draw.chance(15) ? this.#someAddress(family) : nearAddress(draw, line.peer.addresses, family);
    const message = line === undefined || draw.chance(15) ? this.#someMessage() : nearMessage(draw, line.services.set, family);
    if (destination === undefined || message === undefined) return undefined;
    const own = this.#plant.interfaces.flatMap((face) => face.own.filter((one) => one.family === family).map((one) => one.value));
    const source = own.length === 0 || draw.chance(15) ? this.#someAddress(family) : addressOf(family, draw.pick(own));
    return this.#local(source, destination, message, undefined, undefined);
  }

  /** A row of the baseline, or of what the interface runs or might run. */
  #aimedAtPass(): Sample | undefined {
    const draw = this.#draw;
    const face = draw.pick(this.#house.gateway.interfaces);
    const running = interfaceServices.filter((service) => face.runs.includes(service.name));
    const services = draw.weighted([
      [3, baseline],
      [running.length === 0 ? 0 : 4, running],
      [1, interfaceServices],
    ]);
    const row = draw.pick(draw.pick(services).rows);
    const source = this.#where(draw.pick(row.source), row, face.name);
    const destination = this.#where(draw.pick(row.destination), row, face.name);
    if (source === undefined || destination === undefined) return undefined;
    const hopLimit = draw.chance(85) ? (row.hopLimit ?? 64) : draw.pick([1, 2, 254, 255]);
    const icmp = row.protocol === (row.family === 4 ? 1 : 58);
    const wanted = row.values === undefined ? draw.integer(0, 65535) : icmp ? draw.pick(row.values) * 256 : draw.pick(row.values);
    const value = draw.chance(85) ? wanted : Math.min(65535, Math.max(0, wanted + draw.pick([-256, -1, 1, 256])));
    const message = { protocol: row.protocol, value };
    const sourcePort = row.sourcePorts === undefined || draw.chance(10) ? undefined : draw.pick(row.sourcePorts) + (draw.chance(10) ? 1 : 0);
    if (row.hook === 'output') return this.#local(source, destination, message, hopLimit, sourcePort, draw.chance(90) ? face.name : undefined);
    return this.#wire(source, destination, message, draw.chance(90) ? face.name : draw.pick(this.#plant.interfaces).name, hopLimit, sourcePort);
  }

  #where(where: Where, row: PassRow, face: string): Address | undefined {
    const draw = this.#draw;
    if (draw.chance(8)) return this.#someAddress(row.family);
    if (where === 'own') {
      const faces = this.#plant.interfaces.filter((one) => one.name === face || draw.chance(15));
      const own = faces.flatMap((one) => one.own.filter(({ family }) => family === row.family));
      return own.length === 0 ? undefined : addressOf(row.family, draw.pick(own).value);
    }
    if (where !== 'faced') {
      const network = builtInNetworks(...where.networks);
      if (where.networks.includes('::/0')) return draw.chance(50) ? this.#linkLocalOf(face) : this.#text(draw.pick(['ff02::1', ...this.#ownOf(6)]));
      if (where.networks.includes('fe80::/10') && draw.chance(60))
        return row.hook === 'output' ? this.#linkLocalOf(face) : this.#text(draw.pick(['fe80::1234', 'fe80::', 'febf:ffff::1']));
      return nearAddress(draw, network, row.family);
    }
    const zones = this.#house.model.zones.filter((zone) => this.#house.gateway.interfaces.some((one) => one.name === face && one.faces.includes(zone.name)));
    return nearAddress(draw, unionAddresses(...zones.map((zone) => zone.addresses)), row.family);
  }

  #anything(): Sample {
    const family = this.#draw.pick([4, 6] as const);
    const source = this.#someAddress(family);
    const destination = this.#someAddress(family);
    return this.#draw.chance(15)
      ? this.#local(source, destination, this.#someMessage(), undefined, undefined)
      : this.#wire(source, destination, this.#someMessage());
  }

  #someAddress(family: Family): Address {
    const draw = this.#draw;
    return draw.weighted<() => Address>([
      [8, () => nearAddress(draw, this.#everything, family) ?? this.#text(draw.pick(strangeAddresses[family]))],
      [2, () => this.#text(draw.pick([...strangeAddresses[family], ...this.#ownOf(family)]))],
      [2, () => this.#besideOwn(family)],
    ])();
  }

  #besideOwn(family: Family): Address {
    const own = this.#plant.interfaces.flatMap((face) => face.own.filter((one) => one.family === family));
    if (own.length === 0) return this.#text(this.#draw.pick(strangeAddresses[family]));
    const { value, block } = this.#draw.pick(own);
    const beside = this.#draw.pick([value - 1n, value + 1n, block.first, block.first + 1n, block.last, block.last - 1n, block.last + 1n]);
    return addressOf(family, beside);
  }

  #someMessage(): Message {
    const draw = this.#draw;
    const flows = this.#house.model.flows;
    if (flows.length > 0 && draw.chance(50)) {
      const message = nearMessage(draw, draw.pick(flows).services.set, draw.pick([4, 6] as const));
      if (message !== undefined) return message;
    }
    return draw.weighted([
      [4, { protocol: 6, value: draw.integer(0, 65535) }],
      [4, { protocol: 17, value: draw.integer(0, 65535) }],
      [3, { protocol: 1, value: draw.pick([0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 17, 42]) * 256 + draw.pick([0, 0, 0, 1, 4, 255]) }],
      [3, { protocol: 58, value: draw.pick([1, 2, 3, 4, 5, 100, 128, 129, 130, 133, 134, 135, 136, 137, 143, 160]) * 256 + draw.pick([0, 0, 0, 1, 4, 255]) }],
      [2, { protocol: draw.integer(0, 255), value: draw.integer(0, 65535) }],
    ]);
  }

  // -- from facts to packets ----------------------------------------------------------------------------------

  #wire(source: Address, destination: Address, message: Message, by?: string, hopLimit?: number, sourcePort?: number): Sample {
    const draw = this.#draw;
    const right = this.#interfaceOf(source);
    const face = by ?? (right !== undefined && draw.chance(88) ? right : draw.pick(this.#plant.interfaces).name);
    return this.#made({ kind: 'wire', interface: face }, source, destination, message, hopLimit, sourcePort);
  }

  #local(source: Address, destination: Address, message: Message, hopLimit: number | undefined, sourcePort: number | undefined, by?: string): Sample {
    return this.#made(by === undefined ? { kind: 'local' } : { kind: 'local', interface: by }, source, destination, message, hopLimit, sourcePort);
  }

  #made(entry: Entry, source: Address, destination: Address, message: Message, hopLimit: number | undefined, sourcePort: number | undefined): Sample {
    const draw = this.#draw;
    const transport = this.#transport(source.family, message, sourcePort ?? draw.integer(1024, 65535));
    const whole: Packet = {
      source: formatAddress(source),
      destination: formatAddress(destination),
      transport,
      ...(hopLimit === undefined ? {} : { hopLimit }),
    };
    const packet = entry.kind === 'wire' && hopLimit === undefined ? this.#dressed(whole, source.family) : whole;
    return { entry, packet, facts: factsOf(packet), route: this.#predicted(entry, source, destination, hopLimit ?? 64) };
  }

  #transport(family: Family, { protocol, value }: Message, sourcePort: number): Transport {
    const draw = this.#draw;
    const payload = draw.chance(25) ? new Uint8Array(draw.integer(1, 40)).fill(7) : undefined;
    const more = payload === undefined ? {} : { payload };
    if (protocol === 6)
      return {
        kind: 'tcp',
        sourcePort,
        destinationPort: value,
        flags: draw.weighted([
          [20, 'S'],
          [4, 'A'],
          [2, 'PA'],
          [1, 'SA'],
          [1, 'FA'],
          [1, 'R'],
          [1, 'SF'],
          [1, ''],
        ]),
        ...more,
      };
    if (protocol === 17) return { kind: 'udp', sourcePort, destinationPort: value, ...more };
    if (protocol === (family === 4 ? 1 : 58))
      return { kind: 'icmp', type: value >> 8, code: value & 0xff, rest: ((sourcePort << 16) | 1) >>> 0, body: new Uint8Array(16).fill(9) };
    // Headers of IPv6 itself are no upper protocols; authentication (51) is walked by conntrack and ends the walk for nftables.
    const upper = family === 6 && [0, 43, 44, 59, 60, 135, 139, 140].includes(protocol) ? 253 : protocol;
    const bytes = Uint8Array.from([upper === 51 ? 253 : value >> 8, upper === 51 ? 4 : value & 0xff, ...new Uint8Array(22)]);
    return { kind: 'other', protocol: upper, payload: bytes };
  }

  /** Fragments and extension headers, which change nothing about the verdict. */
  #dressed(packet: Packet, family: Family): Packet {
    const draw = this.#draw;
    if (draw.chance(5)) {
      const { transport } = packet;
      const large = new Uint8Array(120).fill(5);
      if (transport.kind === 'tcp' || transport.kind === 'udp')
        return { ...packet, transport: { ...transport, payload: large }, fragments: draw.integer(2, 3) };
      if (transport.kind === 'icmp') return { ...packet, transport: { ...transport, body: large }, fragments: 2 };
    }
    if (family === 4 || !draw.chance(10)) return packet;
    const extensions = draw.pick<readonly Extension[]>([
      [{ kind: 'hop-by-hop' }],
      [{ kind: 'destination' }],
      [{ kind: 'hop-by-hop' }, { kind: 'destination' }, { kind: 'routing', type: 4, segmentsLeft: 0 }],
      [{ kind: 'destination' }, { kind: 'destination' }],
      [{ kind: 'fragment' }],
      [{ kind: 'routing', type: 2, segmentsLeft: 0 }],
    ]);
    return { ...packet, extensions };
  }

  #predicted(entry: Entry, source: Address, destination: Address, hopLimit: number): Sample['route'] {
    const ordinary = (address: Address): boolean => containsAddress(this.#everything, address) && !this.routes.isDelivered(address);
    if (!ordinary(destination) || !ordinary(source) || this.routes.isOwn(source)) return undefined;
    if (entry.kind === 'local') return undefined;
    if (this.routes.isOwn(destination)) return { hook: 'input', out: undefined };
    const out = this.routes.way(destination);
    return out === undefined || hopLimit < 2 ? undefined : { hook: 'forward', out };
  }

  // -- what may follow a packet -------------------------------------------------------------------------------

  /** The answer of the other side; it comes in where the packet went out. Undefined for what has none. */
  answer(sample: Sample, out: string | undefined, hook: Hook): Sample | undefined {
    const transport = answerTo(sample.packet.transport, sample.facts.source.family);
    if (transport === undefined) return undefined;
    const entry: Entry = hook === 'input' ? { kind: 'local' } : { kind: 'wire', interface: out ?? '' };
    return turned(entry, { source: sample.packet.destination, destination: sample.packet.source, transport });
  }

  /** More from the side that began. */
  more(sample: Sample): Sample {
    const { transport } = sample.packet;
    const later: Transport = transport.kind === 'tcp' ? { ...transport, flags: 'A', sequence: 1001, acknowledgement: 9001 } : transport;
    return turned(sample.entry, { source: sample.packet.source, destination: sample.packet.destination, transport: later });
  }

  /** The same packet by another interface. */
  elsewhere(sample: Sample): Sample {
    const others = this.#plant.interfaces.filter((face) => sample.entry.kind === 'local' || face.name !== sample.entry.interface);
    return turned({ kind: 'wire', interface: this.#draw.pick(others).name }, sample.packet);
  }

  /** An ICMP message about the packet, from where it went. */
  error(sample: Sample, out: string): Sample {
    const draw = this.#draw;
    const { family } = sample.facts.source;
    const type = draw.pick(family === 4 ? [3, 4, 5, 11, 12, 13] : [1, 2, 3, 4, 5, 100, 137]);
    const [original = new Uint8Array(0)] = encodePacket({
      source: sample.packet.source,
      destination: sample.packet.destination,
      transport: sample.packet.transport,
    });
    const source = draw.chance(60) ? sample.packet.destination : formatAddress(this.#someAddress(family));
    return turned({ kind: 'wire', interface: out }, { source, destination: sample.packet.source, transport: icmpError(type, draw.pick([0, 1, 3]), original) });
  }

  // -- places -------------------------------------------------------------------------------------------------

  /** The interface that faces the zone of the address. */
  #interfaceOf(address: Address): string | undefined {
    const zone = this.#house.model.zones.find((one) => containsAddress(one.addresses, address));
    const faces = this.#house.gateway.interfaces.filter((face) => zone !== undefined && face.faces.includes(zone.name));
    return faces.length === 0 ? undefined : this.#draw.pick(faces).name;
  }

  #linkLocalOf(face: string): Address {
    return this.#text(this.#linkLocal.get(face) ?? 'fe80::1');
  }

  #ownOf(family: Family): string[] {
    return this.#plant.interfaces.flatMap((face) => face.own.filter((one) => one.family === family).map((one) => formatAddress(addressOf(family, one.value))));
  }

  #text(text: string): Address {
    const address = parseAddress(text);
    if (address === undefined) throw new Error(`not an address: ${text}`);
    return address;
  }
}

function turned(entry: Entry, packet: Packet): Sample {
  return { entry, packet, facts: factsOf(packet), route: undefined };
}

function answerTo(transport: Transport, family: Family): Transport | undefined {
  if (transport.kind === 'tcp') {
    const flags = transport.flags === 'S' ? 'SA' : 'A';
    if (!['S', 'A', 'PA'].includes(transport.flags)) return undefined;
    return {
      kind: 'tcp',
      sourcePort: transport.destinationPort,
      destinationPort: transport.sourcePort,
      flags,
      sequence: 9000,
      acknowledgement: 1001 + (transport.payload?.length ?? 0),
    };
  }
  if (transport.kind === 'udp') return { kind: 'udp', sourcePort: transport.destinationPort, destinationPort: transport.sourcePort };
  if (transport.kind === 'other') return transport;
  const answers: Readonly<Record<number, number>> = family === 4 ? { 8: 0, 13: 14, 17: 18 } : { 128: 129 };
  const type = answers[transport.type];
  return type === undefined ? undefined : { ...transport, type };
}
