/**
 * Every conversation that a small plant can have, judged one by one.
 *
 * Takes a resolved model and the capabilities of its target, gives the addresses and messages that some declaration tells apart, and what
 * `evaluate` says of each conversation on each gateway on its path. The idea: what lies between two borders is judged alike, so trying
 * both ends of everything is trying everything; nothing here knows of packet sets.
 */
import { catalogue } from '../../src/catalogue/catalogue.ts';
import { entryServices } from '../../src/analysis/entry-services.ts';
import { interfaceServices } from '../../src/model/interface-services.ts';
import type { Gateway, Interface, Model } from '../../src/model/model.ts';
import type { Address, Family } from '../../src/net/address.ts';
import { families } from '../../src/net/address.ts';
import { type AddressSet, containsAddress } from '../../src/net/address-set.ts';
import { classMessages, functionTable } from '../../src/model/functions.ts';
import { containsMessage, type MessageDetails, noDetails } from '../../src/packets/function-set.ts';
import { detailsAtBorders } from '../generators/message-details.ts';
import type { Packet } from '../../src/packets/packet.ts';
import { containsService, familyServices, type ServiceSet } from '../../src/packets/service-set.ts';
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';
import { evaluate, type Verdict } from '../../src/policy/evaluate.ts';

export interface Place {
  readonly address: Address;
  readonly zone: string;
  /** Its number in the universe; -1 for one that came from elsewhere. */
  readonly at: number;
}

export interface Message {
  readonly family: Family;
  readonly protocol: number;
  readonly value: number;
  readonly functionNumber: number;
  readonly details: MessageDetails;
  readonly at: number;
}

export interface Judged {
  readonly accepted: boolean;
  readonly limited: boolean;
  /** Both ends lie in a zone as this gateway sees it: none is its own address, broadcast or anycast. */
  readonly seen: boolean;
}

/** What a client's first packet looks like where a policy does not care. */
const plain = { sourcePort: 40_000, hopLimit: 64, state: 'new', direction: 'original', markCurrent: false } as const;

export class Universe {
  readonly model: Model;
  readonly places: readonly Place[];
  readonly #target: TargetCapabilities;
  readonly #date: string;
  readonly #messages: Record<Family, readonly Message[]>;
  readonly #known = new Map<number, Judged>();

  constructor(model: Model, target: TargetCapabilities, date: string) {
    this.model = model;
    this.#target = target;
    this.#date = date;
    this.places = placesOf(model);
    this.#messages = { 4: messagesOf(model, 4), 6: messagesOf(model, 6) };
  }

  messages(family: Family, services?: ServiceSet): readonly Message[] {
    const all = this.#messages[family];
    return services === undefined ? all : all.filter((one) => holds(services, one));
  }

  /** An address that a result shows; undefined if it lies in no zone. */
  place(address: Address): Place | undefined {
    const zone = this.model.zones.find((one) => containsAddress(one.addresses, address));
    return zone === undefined ? undefined : { address, zone: zone.name, at: -1 };
  }

  /** The message that a result shows, with every function it may have. */
  variants(family: Family, protocol: number, value: number): Message[] {
    const known = this.#messages[family].filter((one) => one.protocol === protocol && one.value === value);
    return Array.from({ length: (functionTable.other[0]?.low ?? 0) + 1 }, (_, functionNumber) => functionNumber).flatMap((functionNumber) => {
      const told = known.filter((one) => one.functionNumber === functionNumber).map(({ details }) => details);
      return [noDetails, ...told].map((details) => ({ family, protocol, value, functionNumber, details, at: -1 }));
    });
  }

  in(set: AddressSet): Place[] {
    return this.places.filter((place) => containsAddress(set, place.address));
  }

  ways(gateway: Gateway, from: string, to: string): (readonly [Interface, Interface])[] {
    return waysThrough(gateway, from, to);
  }

  path(from: string, to: string): Gateway[] {
    return this.model.gateways.filter((gateway) => waysThrough(gateway, from, to).length > 0);
  }

  share(a: string, b: string): boolean {
    return shareWire(this.model, a, b);
  }

  /** What a gateway on the path says, whichever way the packet takes through it; throws if the ways differ. */
  judge(gateway: Gateway, from: Place, to: Place, message: Message): Judged {
    const listed = from.at >= 0 && to.at >= 0 && message.at >= 0;
    const key = ((this.model.gateways.indexOf(gateway) * this.places.length + from.at) * this.places.length + to.at) * 4096 + message.at;
    const known = listed ? this.#known.get(key) : undefined;
    if (known !== undefined) return known;
    const verdicts = this.ways(gateway, from.zone, to.zone).map(([left, right]) => {
      const verdict = this.#evaluate(gateway, from.address, to.address, message, { hook: 'forward', inInterface: left.name, outInterface: right.name });
      return { accepted: verdict.accepted, limited: verdict.accepted && verdict.limited, seen: verdict.from !== undefined && verdict.to !== undefined };
    });
    const [first, ...others] = verdicts;
    if (first === undefined) throw new Error(`${gateway.name} does not stand between ${from.zone} and ${to.zone}`);
    if (others.some((other) => other.accepted !== first.accepted || other.limited !== first.limited || other.seen !== first.seen))
      throw new Error(`${gateway.name} judges one conversation by the interfaces it takes`);
    if (listed) this.#known.set(key, first);
    return first;
  }

  /** Whether some gateway on the path, but for those named, lets the conversation start. */
  opens(from: Place, to: Place, message: Message, without: readonly string[] = []): boolean {
    return this.path(from.zone, to.zone).some((gateway) => !without.includes(gateway.name) && this.judge(gateway, from, to, message).accepted);
  }

  /** What is for the gateway by an interface, or leaves it there; any source port that some service of interfaces asks for will do. */
  judgeOwn(
    gateway: Gateway,
    face: Interface,
    hook: 'input' | 'output',
    peer: Address,
    self: Address,
    message: Message,
  ): { accepted: boolean; limited: boolean } {
    const [source, destination] = hook === 'input' ? [peer, self] : [self, peer];
    const known = (one: Interface): boolean => one.addresses.some((own) => own.address.family === self.family && own.address.value === self.value);
    // A dynamic address is none of the static ones; what comes to it, comes to the interface that has it.
    const local = hook === 'output' || known(face) || (face.dynamic && !gateway.interfaces.some(known));
    const found = [plain.sourcePort, 67, 68, 546, 547].map((sourcePort) => {
      const wires = hook === 'input' ? { inInterface: face.name, outInterface: undefined } : { inInterface: undefined, outInterface: face.name };
      // Whatever is passed with any hop limit passes with the one of neighbour discovery.
      return this.#evaluate(gateway, source, destination, message, { hook, ...wires }, { sourcePort, local, hopLimit: 255 });
    });
    return { accepted: found.some((one) => one.accepted), limited: !found.some((one) => one.accepted && !one.limited) };
  }

  #evaluate(
    gateway: Gateway,
    source: Address,
    destination: Address,
    message: Message,
    wires: Pick<Packet, 'hook' | 'inInterface' | 'outInterface'>,
    more: Partial<Packet> = {},
  ): Verdict {
    const ports = message.protocol === 6 || message.protocol === 17;
    const { protocol, value, functionNumber, details } = message;
    const packet: Packet = { ...plain, ...wires, source, destination, protocol, value, functionNumber, details, local: false, ...more };
    return evaluate({ model: this.model, gateway, target: this.#target, date: this.#date }, { ...packet, sourcePort: ports ? packet.sourcePort : 0 });
  }
}

/** Rule 11: an interface faces one end and another the other, or one `routed` interface faces both. */
export function waysThrough(gateway: Gateway, from: string, to: string): (readonly [Interface, Interface])[] {
  const facing = (zone: string): Interface[] => gateway.interfaces.filter((face) => face.faces.includes(zone));
  return facing(from).flatMap((left) => facing(to).flatMap((right) => (left !== right || left.routed ? [[left, right] as const] : [])));
}

const wired = new WeakMap<Model, ReadonlyMap<string, ReadonlySet<string>>>();

/** Rule 12: one wire, and nothing between them; also over a third zone that shares a wire with each. */
export function shareWire(model: Model, a: string, b: string): boolean {
  let areas = wired.get(model);
  if (areas === undefined) {
    const wires = model.gateways.flatMap((gateway) => gateway.interfaces.filter((face) => !face.routed).map((face) => face.faces));
    areas = new Map(
      model.zones.map(({ name }) => {
        const area = new Set([name]);
        for (const zone of area) for (const wire of wires) if (wire.includes(zone)) for (const other of wire) area.add(other);
        return [name, area];
      }),
    );
    wired.set(model, areas);
  }
  return a !== b && areas.get(a)?.has(b) === true;
}

export function holds(services: ServiceSet, message: Message): boolean {
  return containsService(services, message.family, message.protocol, message.value, message.functionNumber, message.details);
}

/** Whether the message lets the host be entered: the standard ports, and of protocols that tell functions apart only programming. */
export function enters(message: Pick<Message, 'protocol' | 'value' | 'functionNumber'>): boolean {
  return entryServices.some((row) => {
    const protocol = catalogue.get(row.protocol);
    const programs = protocol?.functions.includes('program') === true;
    return (
      protocol?.transports.some(
        (ports) => (ports.protocol === 'tcp' ? 6 : 17) === message.protocol && ports.first <= message.value && message.value <= ports.last,
      ) === true &&
      (!programs || containsMessage(classMessages(row.protocol, 'program'), message.functionNumber, noDetails))
    );
  });
}

/** Both ends of every range that some declaration names, what lies beside them, and all of a small range; each in its zone. */
function placesOf(model: Model): Place[] {
  const sides = [...model.flows, ...model.asserts, ...model.tests.flatMap((test) => test.lines)].flatMap((one) => [
    ...(one.from === undefined ? [] : [one.from.addresses]),
    ...(one.to === undefined ? [] : [one.to.addresses]),
    ...('via' in one ? [one.via.addresses] : []),
  ]);
  const traffic = model.gateways.flatMap((gateway) => gateway.traffic.map((line) => line.peer.addresses));
  const sets = [...sides, ...traffic, ...[...model.zones, ...model.hosts, ...model.groups].map((place) => place.addresses)];
  const owns = model.gateways.flatMap((gateway) => gateway.interfaces.flatMap((face) => face.addresses));
  return families
    .flatMap((family) => {
      const borders = new Set<bigint>();
      const beside = (value: bigint): void =>
        void borders
          .add(value - 1n)
          .add(value)
          .add(value + 1n);
      for (const set of sets) {
        for (const range of family === 4 ? set.v4 : set.v6) {
          const [first, last] = [BigInt(range.first), BigInt(range.last)];
          beside(first);
          beside(last);
          const small = last - first < 16n ? Number(last - first) : 0;
          for (let step = 0; step < small; step++) borders.add(first + BigInt(step));
        }
      }
      for (const own of owns.filter((one) => one.address.family === family))
        for (const value of [own.address.value, own.network.first, own.network.last]) beside(BigInt(value));
      const most = family === 4 ? 0xffff_ffffn : (1n << 128n) - 1n;
      return [...borders]
        .filter((value) => value >= 0n && value <= most)
        .sort((a, b) => (a < b ? -1 : 1))
        .flatMap((value): { address: Address; zone: string }[] => {
          const address: Address = family === 4 ? { family, value: Number(value) } : { family, value };
          const zone = model.zones.find((one) => containsAddress(one.addresses, address));
          return zone === undefined ? [] : [{ address, zone: zone.name }];
        });
    })
    .map((place, at) => ({ ...place, at }));
}

/** At most two messages (the first and the last found) of each class that no flow, question or service of interfaces tells apart. */
function messagesOf(model: Model, family: Family): Message[] {
  const sets = [
    ...model.flows.map((flow) => flow.services.set),
    ...model.asserts.flatMap((assert) => ('services' in assert ? [assert.services.set] : [])),
    ...model.tests.flatMap((test) => test.lines.map((line) => line.services.set)),
    ...model.gateways.flatMap((gateway) => gateway.traffic.map((line) => line.services.set)),
  ];
  const runs = new Set(model.gateways.flatMap((gateway) => gateway.interfaces.flatMap((face) => face.runs)));
  const rows = interfaceServices.filter((service) => runs.has(service.name)).flatMap((service) => service.rows.filter((row) => row.family === family));
  const icmp = family === 4 ? 1 : 58;
  const classes = new Map<string, Omit<Message, 'at'>[]>();
  const enter = (protocol: number, value: number, functionNumber: number, details = noDetails): void => {
    const message = { family, protocol, value, functionNumber, details };
    const valued = protocol === 6 || protocol === 17 || protocol === icmp;
    const words = sets.map((set) => {
      const there = valued && (familyServices(set, family).values.get(protocol) ?? []).some((one) => one.first <= value && value <= one.last);
      return containsService(set, family, protocol, value, functionNumber, details) ? 'y' : there ? 'p' : 'n';
    });
    const passed = rows.map((row) => row.protocol === protocol && (row.values?.includes(protocol === icmp ? value >> 8 : value) ?? true));
    const key = [...words, enters(message) ? 'e' : '-', ...passed].join('');
    const known = classes.get(key) ?? [];
    classes.set(key, [...known.slice(0, 1), message]);
  };
  for (const protocol of [6, 17, icmp]) {
    for (const value of valuesOf(
      sets,
      rows.flatMap((row) => row.values ?? []),
      family,
      protocol,
    )) {
      const numbers = new Set([0, 1, 4095]);
      for (const set of sets)
        for (const one of familyServices(set, family).values.get(protocol) ?? [])
          if (one.first <= value && value <= one.last)
            for (const range of one.functions)
              numbers
                .add(range.low)
                .add(range.high)
                .add(Math.min(4095, range.high + 1));
      if (protocol !== icmp)
        for (const row of catalogue.values())
          if (row.functions.includes('program') && onPort(row.name, protocol, value)) numbers.add(classMessages(row.name, 'program')[0]?.low ?? 0);
      const there = sets.flatMap((set) =>
        (familyServices(set, family).values.get(protocol) ?? []).flatMap((one) => (one.first <= value && value <= one.last ? [one.functions] : [])),
      );
      for (const number of numbers) for (const details of detailsAtBorders(there, number)) enter(protocol, value, number, details);
    }
  }
  const others = new Set([0, 2, 47, 112, 255, 59 - icmp]);
  for (const set of sets)
    for (const range of familyServices(set, family).protocols)
      for (const value of [range.first - 1, range.first, range.last, range.last + 1]) others.add(value);
  for (const protocol of others) if (protocol >= 0 && protocol <= 255 && ![6, 17, icmp].includes(protocol)) enter(protocol, 0, 0);
  return [...classes.values()].flat().map((message, at) => ({ ...message, at: family === 4 ? at : 2048 + at }));
}

function onPort(name: string, protocol: number, value: number): boolean {
  return (
    catalogue.get(name)?.transports.some((ports) => (ports.protocol === 'tcp' ? 6 : 17) === protocol && ports.first <= value && value <= ports.last) === true
  );
}

function valuesOf(sets: readonly ServiceSet[], more: readonly number[], family: Family, protocol: number): number[] {
  const ported = protocol === 6 || protocol === 17;
  const entries = ported
    ? entryServices.flatMap((row) => catalogue.get(row.protocol)?.transports.filter((ports) => (ports.protocol === 'tcp' ? 6 : 17) === protocol) ?? [])
    : [];
  const named = sets.flatMap((set) => familyServices(set, family).values.get(protocol) ?? []);
  const borders = [...entries, ...named, ...more.map((value) => (ported ? { first: value, last: value } : { first: value * 256, last: value * 256 + 255 }))];
  const values = new Set([0, 65535, ...borders.flatMap(({ first, last }) => [first - 1, first, last, last + 1])]);
  return [...values].filter((value) => value >= 0 && value <= 65535).sort((a, b) => a - b);
}
