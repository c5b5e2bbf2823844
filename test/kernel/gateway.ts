// The kernel as a judge. Takes a topology, a ruleset as text and probes, gives for every probe what a real Linux kernel did with it.
// The idea: all probes of a call, in order and over all interfaces, go through one courier, and a barrier behind each step says when the
// kernel has finished with it, so nothing is waited for by the clock and no verdict is missing because it came late.

import { setImmediate as turn } from 'node:timers/promises';
import { addressBytes, familyOf } from './address.ts';
import { Courier } from './courier.ts';
import { encodePacket, ethernetFrame, groupMac, type Packet } from './frames.ts';
import { Flight, type Entry, type Observation, type Probe, type ProbeId, type Stray } from './observation.ts';
import { runIn, type Output } from './run.ts';
import { largestStamp, stampPacket } from './stamp.ts';
import { createTopology, isBroadcastOf, syncName, type GatewaySpec, type Link, type Topology } from './topology.ts';
import { group, groupRequests, probeTable, readCopies, table } from './watch.ts';

export type { Entry, Observation, Passage, Probe, ProbeId, Stray } from './observation.ts';
export type { GatewaySpec, Link } from './topology.ts';

const mostInFlight = 16_384;
/** The kernel queues at most 1000 frames for a processor: a barrier in between keeps far below. */
const mostUnawaited = 256;
const packetOutgoing = 4;
const allFrames = 0x0300;
const markLength = 11;

interface Sender {
  readonly socket: number;
  readonly address: Uint8Array;
}

export class KernelGateway {
  readonly topology: Topology;
  readonly #courier: Courier;
  readonly #window: { readonly before: number; readonly after: number };
  readonly #links: ReadonlyMap<string, Link>;
  readonly #nearNames: ReadonlyMap<number, string>;
  readonly #farNames: ReadonlyMap<number, string>;
  readonly #localSockets = new Map<string, number>();
  readonly #wireSocket: number;
  readonly #copySocket: number;
  #flight: Flight | undefined;
  #strays: Stray[] = [];
  #nextStamp = 1;
  #losses = 0;
  #trouble: Error | undefined;

  private constructor(topology: Topology, spec: GatewaySpec) {
    this.topology = topology;
    this.#window = spec.window ?? { before: -1, after: 1 };
    this.#links = new Map(topology.links.map((link) => [link.spec.name, link]));
    this.#nearNames = new Map([[1, 'lo'], ...topology.links.map((link) => [link.index, link.spec.name] as const)]);
    const framed = topology.links.filter((link) => link.spec.station === undefined);
    this.#farNames = new Map(framed.map((link) => [link.far.index, link.spec.name]));
    this.#courier = new Courier(topology.gateway, topology.world, {
      captured: (socket, address, bytes) => this.#captured(socket, address, bytes),
      sendFailed: (tag, errno) => this.#flight?.sendFailed(tag, errno),
      lost: () => (this.#losses += 1),
    });
    this.#wireSocket = this.#courier.open({ namespace: 'world', domain: 17, type: 3, protocol: allFrames, receives: true });
    this.#copySocket = this.#courier.open({ namespace: 'gateway', domain: 16, type: 3, protocol: 12, receives: true });
    const requests = [...groupRequests(group, 100), ...(spec.logGroups ?? []).flatMap((own) => groupRequests(own, 1))];
    for (const request of requests) this.#courier.send(0, this.#copySocket, new Uint8Array(0), request);
    this.#courier.setSync(this.#wireSocket, linkAddress(topology.sync.far), syncFrame(topology.sync.mac));
    this.#joinGroups();
  }

  static async create(spec: GatewaySpec): Promise<KernelGateway> {
    const topology = await createTopology(spec);
    try {
      const gateway = new KernelGateway(topology, spec);
      await gateway.#watch();
      await gateway.#barrier();
      return gateway;
    } catch (error) {
      await topology.dispose();
      throw error;
    }
  }

  link(name: string): Link {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`no interface ${name} in this gateway`);
    return link;
  }

  /** Loads a ruleset as `nft -f -` does, in one transaction; throws with nft's own words if it is refused. */
  async load(ruleset: string): Promise<void> {
    await this.run('nft', ['-f', '-'], ruleset);
    if (/\bflush\s+ruleset\b/.test(ruleset)) await this.#watch();
  }

  /** Removes every table but the harness's own, and forgets every conversation. */
  async reset(): Promise<void> {
    await this.load('flush ruleset\n');
    await this.flushConntrack();
  }

  async list(): Promise<string> {
    return (await this.run('nft', ['list', 'ruleset'])).stdout;
  }

  /** nft's JSON of one table, or of everything. */
  async listJson(name?: string): Promise<unknown> {
    const scope = name === undefined ? ['ruleset'] : ['table', ...name.split(' ')];
    return JSON.parse((await this.run('nft', ['-j', 'list', ...scope])).stdout);
  }

  /** Any program inside the gateway's network namespace: iptables-restore, conntrack, ip. */
  run(command: string, args: readonly string[], input = ''): Promise<Output> {
    return runIn(this.topology.gateway, command, args, input);
  }

  /** Sends in order, over all interfaces; gives one observation for every id. */
  send(batch: readonly Probe[]): Promise<ReadonlyMap<ProbeId, Observation>> {
    return this.sendSteps([batch]);
  }

  /**
   * Sends batches in order. The kernel takes all probes in exactly the order given, within a step too; behind each step it has also
   * finished all that followed from it (answers of the gateway, frames on the far ends) before the next step's first probe is sent.
   */
  async sendSteps(steps: readonly (readonly Probe[])[]): Promise<ReadonlyMap<ProbeId, Observation>> {
    if (this.#flight !== undefined) throw new Error('one send at a time: the kernel sees one order');
    const result = new Map<ProbeId, Observation>();
    let waits: Promise<void>[] = [];
    let size = 0;
    let flight = this.#takeOff();
    const land = async (): Promise<void> => {
      waits.push(this.#courier.barrier());
      this.#courier.flush();
      await Promise.all(waits);
      this.#check();
      const wrong = flight.contradictions();
      if (wrong.length > 0) throw new Error(`copies of ${wrong.length} probes were lost, first of ${wrong[0] ?? ''}`);
      flight.result(result);
      this.#strays = this.#strays.concat(flight.strays);
      waits = [];
      size = 0;
      flight = this.#takeOff();
    };
    let expected = 0;
    let unawaited = 0;
    try {
      for (const step of steps) {
        expected += step.length;
        for (const probe of step) {
          if (size >= mostInFlight) await land();
          const frames = this.#queue(flight, probe);
          size += frames;
          unawaited += frames;
          if (unawaited < mostUnawaited) continue;
          waits.push(this.#courier.barrier());
          this.#courier.flush();
          await turn();
          unawaited = 0;
        }
        waits.push(this.#courier.barrier());
        unawaited = 0;
      }
      await land();
    } finally {
      this.#flight = undefined;
    }
    if (result.size !== expected) throw new Error(`${expected - result.size} probes share an id with another`);
    return result;
  }

  /** Packets seen during sends that were no probes: the gateway's own errors, resets, neighbour discovery, redirects. */
  takeStrays(): readonly Stray[] {
    const strays = this.#strays;
    this.#strays = [];
    return strays;
  }

  /** Conntrack's entries in the words of `conntrack -L`, one a line. */
  async conntrack(): Promise<readonly string[]> {
    const lists = await Promise.all(['ipv4', 'ipv6'].map((family) => this.run('conntrack', ['-L', '-f', family])));
    return lists.flatMap((list) => list.stdout.split('\n').filter((line) => line !== ''));
  }

  /** For tests between two cases only: no product of zonewright flushes conntrack. */
  async flushConntrack(): Promise<void> {
    for (const family of ['ipv4', 'ipv6']) await this.run('conntrack', ['-F', '-f', family]);
  }

  async dispose(): Promise<void> {
    await this.#courier.close();
    await this.topology.dispose();
  }

  async #watch(): Promise<void> {
    await this.run('nft', ['-f', '-'], probeTable(this.#window, syncName));
  }

  async #barrier(): Promise<void> {
    const reached = this.#courier.barrier();
    this.#courier.flush();
    await reached;
    this.#check();
  }

  #check(): void {
    const trouble = this.#trouble ?? (this.#losses > 0 ? new Error(`the kernel lost copies of packets (${this.#losses} times): ${table}`) : undefined);
    this.#trouble = undefined;
    this.#losses = 0;
    if (trouble !== undefined) throw trouble;
  }

  #takeOff(): Flight {
    const near = this.#nearNames;
    const far = this.#farNames;
    this.#flight = new Flight({ near: (index) => (index === undefined ? undefined : near.get(index)), far: (index) => far.get(index) });
    return this.#flight;
  }

  /** Queues a probe and gives the number of its frames. */
  #queue(flight: Flight, probe: Probe): number {
    const packets = isDescription(probe.packet) ? encodePacket(probe.packet) : probe.packet.map((bytes) => bytes.slice());
    const stamp = this.#nextStamp;
    this.#nextStamp = stamp === largestStamp ? 1 : stamp + 1;
    for (const packet of packets) stampPacket(packet, stamp);
    const first = packets[0];
    if (first === undefined) throw new Error(`the probe ${probe.id} has no packet`);
    flight.expect(stamp, probe.id, first, probe.entry.kind === 'wire');
    for (const packet of packets) {
      const { sender, bytes } = this.#way(probe.entry, packet);
      this.#courier.send(stamp, sender.socket, sender.address, bytes);
    }
    return packets.length;
  }

  #way(entry: Entry, packet: Uint8Array): { readonly sender: Sender; readonly bytes: Uint8Array } {
    const v6 = (packet[0] ?? 0) >> 4 === 6;
    const destination = v6 ? packet.slice(24, 40) : packet.slice(16, 20);
    if (entry.kind === 'local') return { sender: this.#localSender(v6, destination, entry.interface), bytes: packet };
    const link = this.link(entry.interface);
    if (link.spec.station !== undefined) throw new Error(`${entry.interface} ends in a station: no frames can be put on its wire`);
    const broadcast = isBroadcastOf(link, destination) ? new Uint8Array(6).fill(255) : undefined;
    const mac = entry.mac ?? groupMac(destination) ?? broadcast ?? link.mac;
    return { sender: { socket: this.#wireSocket, address: linkAddress(link.far.index) }, bytes: ethernetFrame(packet, link.far.mac, mac) };
  }

  #localSender(v6: boolean, destination: Uint8Array, device: string | undefined): Sender {
    const key = `${v6 ? 6 : 4} ${device ?? ''}`;
    let socket = this.#localSockets.get(key);
    if (socket === undefined) {
      const bound = device === undefined ? {} : { device };
      socket = this.#courier.open({ namespace: 'gateway', domain: v6 ? 10 : 2, type: 3, protocol: 255, ...bound });
      if (!v6) this.#courier.setOption(socket, 1, 6, Uint8Array.from([1, 0, 0, 0]));
      this.#localSockets.set(key, socket);
    }
    const scope = device === undefined || device === 'lo' ? 0 : this.link(device).index;
    return { socket, address: v6 ? v6Address(destination, scope) : v4Address(destination) };
  }

  #joinGroups(): void {
    for (const link of this.topology.links) {
      for (const joined of link.spec.joins ?? []) {
        const v6 = familyOf(joined) === 6;
        const socket = this.#courier.open({ namespace: 'gateway', domain: v6 ? 10 : 2, type: 2, protocol: 0 });
        const request = Uint8Array.from([...addressBytes(joined), ...(v6 ? [] : [0, 0, 0, 0]), ...littleEndian(link.index)]);
        this.#courier.setOption(socket, v6 ? 41 : 0, v6 ? 20 : 35, request);
      }
    }
  }

  #captured(socket: number, address: Uint8Array, bytes: Uint8Array): void {
    try {
      if (socket === this.#copySocket) {
        for (const copy of readCopies(bytes)) this.#flight?.copied(copy);
      } else if (address[10] !== packetOutgoing) {
        const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
        this.#flight?.onWire(view.getInt32(4, true), bytes.slice(14));
      }
    } catch (error) {
      this.#trouble ??= error instanceof Error ? error : new Error(String(error));
    }
  }
}

function isDescription(packet: Probe['packet']): packet is Packet {
  return 'transport' in packet;
}

/** A packet, less the mark that the courier puts behind it, that only the harness's own chain sees: it comes in by an interface of its own and is dropped there. */
function syncFrame(mac: Uint8Array): Uint8Array {
  const [packet] = encodePacket({
    source: '192.0.2.1',
    destination: '192.0.2.2',
    transport: { kind: 'other', protocol: 253, payload: new Uint8Array(markLength) },
  });
  return ethernetFrame(packet ?? new Uint8Array(0), mac, mac).slice(0, -markLength);
}

function linkAddress(index: number): Uint8Array {
  return Uint8Array.from([17, 0, 0, 3, ...littleEndian(index), 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
}

function v4Address(destination: Uint8Array): Uint8Array {
  return Uint8Array.from([2, 0, 0, 0, ...destination, 0, 0, 0, 0, 0, 0, 0, 0]);
}

function v6Address(destination: Uint8Array, scope: number): Uint8Array {
  return Uint8Array.from([10, 0, 0, 0, 0, 0, 0, 0, ...destination, ...littleEndian(scope)]);
}

function littleEndian(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];
}
