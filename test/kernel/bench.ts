// The plant of the hand-written tests. Takes flows and lines as zone-language text, gives them enforced by a gateway of four interfaces and
// two address families. The idea: a test says only what it is about, and its expectation is written by hand, never asked from `evaluate`.

import { rulesetOf, compileText, type Ruleset } from '../generators/compile.ts';
import { type Backend, nftables } from './backends.ts';
import { named, type Ends, type Part } from './conversations.ts';
import { KernelGateway, type GatewaySpec, type Observation } from './gateway.ts';

/** Group to which logs are rewritten, so that they can be seen in a namespace. */
const logGroup = 7;

export interface PlantText {
  /** Conduits, flows, hosts, groups and services. */
  readonly flows?: string;
  /** `manage`, `receive` and `send` lines. */
  readonly traffic?: string;
  /** More properties of interfaces: `{ eth0: 'runs echo' }`. */
  readonly interfaces?: Readonly<Record<string, string>>;
  readonly options?: string;
}

export const zoneText = `
zone office  { level 4  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press   { level 1  networks 10.0.2.0/24, 10.9.0.0/16, 2001:db8:2::/64, 2001:db8:9::/48 }
zone cell_a  { level 1  networks 10.0.3.0/25, 2001:db8:3:a::/64 }
zone cell_b  { level 1  networks 10.0.3.128/25, 2001:db8:3:b::/64 }
zone wire_a  { level 1  networks 10.0.4.0/25, 2001:db8:4:a::/64 }
zone wire_b  { level 1  networks 10.0.4.128/25, 2001:db8:4:b::/64 }
`;

/** The plant for programs: a station with both families in the office and one at the press. */
export const stations: GatewaySpec['interfaces'] = [
  { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'], station: { addresses: ['10.0.1.5/24', '2001:db8:1::5/64'] } },
  { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], station: { addresses: ['10.0.2.7/24', '2001:db8:2::7/64'] } },
  { name: 'eth2', addresses: ['10.0.3.1/25', '2001:db8:3:a::1/64'] },
  { name: 'eth3', addresses: ['10.0.4.1/25', '2001:db8:4:a::1/64'] },
];

/** The zone file of the plant. */
export function plantText({ flows = '', traffic = 'manage none "console only"', interfaces = {}, options = '' }: PlantText): string {
  const more = (name: string): string => interfaces[name] ?? '';
  return `policy "bench" {}
${zoneText}
${flows}
gateway gw {
  target nftables ${options === '' ? '' : `{ ${options} }`}
  interface eth0 { faces office  address 10.0.1.1/24, 2001:db8:1::1/64  ${more('eth0')} }
  interface eth1 { faces press  address 10.0.2.1/24, 2001:db8:2::1/64  ${more('eth1')} }
  interface eth2 { faces cell_a, cell_b  address 10.0.3.1/25, 2001:db8:3:a::1/64  routed  ${more('eth2')} }
  interface eth3 { faces wire_a, wire_b  address 10.0.4.1/25, 2001:db8:4:a::1/64  shared-wire "one switch"  ${more('eth3')} }
  ${traffic}
}
`;
}

const interfaces: GatewaySpec['interfaces'] = [
  // Interfaces for raw frames have no ARP, so the kernel joins no solicited-node group by itself.
  { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'], joins: ['ff02::1:ff00:1'] },
  { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], routes: ['10.9.0.0/16', '2001:db8:9::/48'] },
  { name: 'eth2', addresses: ['10.0.3.1/25', '2001:db8:3:a::1/64'], routes: ['10.0.3.128/25', '2001:db8:3:b::/64'] },
  { name: 'eth3', addresses: ['10.0.4.1/25', '2001:db8:4:a::1/64'], routes: ['10.0.4.128/25', '2001:db8:4:b::/64'] },
];

export class Bench {
  readonly gateway: KernelGateway;
  readonly #backend: Backend;

  private constructor(gateway: KernelGateway, backend: Backend) {
    this.gateway = gateway;
    this.#backend = backend;
  }

  /** `backend`: the platform that the plant is dressed for. */
  static async create(more: Partial<GatewaySpec> = {}, backend = nftables): Promise<Bench> {
    return new Bench(await KernelGateway.create({ interfaces, logGroups: [logGroup], ...more }), backend);
  }

  /** Compiles and loads; what was loaded before is replaced as in a plant. */
  async enforce(plant: PlantText): Promise<Ruleset> {
    return this.enforceText(plantText(plant));
  }

  async enforceText(text: string): Promise<Ruleset> {
    const ruleset = rulesetOf(compileText(this.#backend.dress(text)));
    await this.#backend.load(this.gateway, { ...ruleset, text: ruleset.text.replaceAll(/log prefix ("[^"]*")/g, `log prefix $1 group ${logGroup}`) });
    return ruleset;
  }

  /** Sends one after the other, each when all that followed from the one before is done. */
  async send(...parts: readonly Part[]): Promise<readonly Observation[]> {
    const seen = await this.gateway.sendSteps(named(parts).map((probe) => [probe]));
    return [...seen.values()];
  }

  /** Whether each passed every hook that it reached, and reached one. */
  async passes(...parts: readonly Part[]): Promise<readonly boolean[]> {
    return (await this.send(...parts)).map(passed);
  }

  /** Prefixes of the log lines about each packet. */
  async logs(...parts: readonly Part[]): Promise<readonly (readonly string[])[]> {
    return (await this.send(...parts)).map((seen) => seen.logs.map((line) => line.prefix));
  }

  /** Packets of the ruleset's own counters, by name. */
  async counters(): Promise<Readonly<Record<string, number>>> {
    const listed = JSON.stringify(await this.gateway.listJson('inet zonewright'));
    const found = [...listed.matchAll(/"counter":\{"family":"inet","name":"([^"]+)","table":"zonewright",[^{}]*?"packets":(\d+)/g)];
    return Object.fromEntries(found.map((match) => [match[1] ?? '', Number(match[2])]));
  }

  async dispose(): Promise<void> {
    await this.gateway.dispose();
  }
}

export function passed(seen: Observation): boolean {
  return seen.passages.length > 0 && seen.passages.every((passage) => passage.accepted);
}

export interface Family {
  readonly name: 'IPv4' | 'IPv6';
  /** From the office to the press shop. */
  readonly ends: Ends;
  /** Addresses of the gateway by interface. */
  readonly own: Readonly<Record<'eth0' | 'eth1' | 'eth2' | 'eth3', string>>;
  readonly errors: readonly number[];
  readonly otherErrors: readonly number[];
}

export const ipv4: Family = {
  name: 'IPv4',
  ends: { client: { address: '10.0.1.5', port: 4000, behind: 'eth0' }, server: { address: '10.0.2.7', port: 502, behind: 'eth1' } },
  own: { eth0: '10.0.1.1', eth1: '10.0.2.1', eth2: '10.0.3.1', eth3: '10.0.4.1' },
  errors: [3, 11, 12],
  otherErrors: [4, 5],
};

export const ipv6: Family = {
  name: 'IPv6',
  ends: { client: { address: '2001:db8:1::5', port: 4000, behind: 'eth0' }, server: { address: '2001:db8:2::7', port: 502, behind: 'eth1' } },
  own: { eth0: '2001:db8:1::1', eth1: '2001:db8:2::1', eth2: '2001:db8:3:a::1', eth3: '2001:db8:4:a::1' },
  errors: [1, 2, 3, 4],
  otherErrors: [5, 100, 137],
};

/** For `it.each`. */
export const families: readonly (readonly [name: string, family: Family])[] = [ipv4, ipv6].map((family) => [family.name, family]);

/** The same conversation with another client port. */
export function withPort(ends: Ends, port: number, server = ends.server.port): Ends {
  return { client: { ...ends.client, port }, server: { ...ends.server, port: server } };
}

/** The same packet, come in by another interface. */
export function by(part: Part, name: string): Part {
  return { ...part, entry: { kind: 'wire', interface: name } };
}

/** The same packet with something else about it. */
export function but(part: Part, change: Partial<Part['packet']>): Part {
  return { ...part, packet: { ...part.packet, ...change } };
}
