// The gateway and what stands around it. Takes the interfaces of a gateway with their addresses and routes, gives network namespaces
// joined by veth pairs: the gateway, a silent world that holds the far ends of `frames` interfaces, and a namespace with a stack of its
// own for every `station`. The idea: everything lives in namespaces named after this process, so one call removes it, and what a killed
// process left behind is removed by the next.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { familyOf, lastAddress, prefixOf, sameBytes } from './address.ts';
import { run, runIn } from './run.ts';

export interface Route {
  readonly prefix: string;
  readonly via: string;
}

export interface Station {
  /** Addresses of the station with their prefix lengths, `10.0.1.7/24`. */
  readonly addresses: readonly string[];
}

export interface InterfaceSpec {
  readonly name: string;
  /** Addresses of the gateway with their prefix lengths; each brings its connected route. */
  readonly addresses: readonly string[];
  /** More prefixes out of this interface, without a next hop or (for stations) with one; `0.0.0.0/0` is a default route. */
  readonly routes?: readonly (string | Route)[];
  /** A station with its own stack instead of a far end for raw frames. */
  readonly station?: Station;
  /** Multicast groups that the gateway joins here. */
  readonly joins?: readonly string[];
}

export interface GatewaySpec {
  readonly interfaces: readonly InterfaceSpec[];
  /** More sysctls of the gateway's namespace, as paths below /proc/sys/net: `ipv4/icmp_echo_ignore_broadcasts`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Log groups that the ruleset under test writes to: what it logs about a probe is then in the observation. */
  readonly logGroups?: readonly number[];
  /** Priorities of the chains that watch, around the ruleset's; -1 and 1 unless told. */
  readonly window?: { readonly before: number; readonly after: number };
}

export interface Link {
  readonly spec: InterfaceSpec;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly linkLocal: string;
  /** The far end: in the world for frames, in the station's namespace otherwise. */
  readonly far: { readonly namespace: string; readonly name: string; readonly index: number; readonly mac: Uint8Array };
  readonly broadcasts: readonly Uint8Array[];
}

export interface Topology {
  readonly gateway: string;
  readonly world: string;
  readonly links: readonly Link[];
  readonly sync: { readonly far: number; readonly mac: Uint8Array };
  dispose(): Promise<void>;
}

export const syncName = 'zwsync';

const prefixes = ['zwgw', 'zwworld', 'zwst'] as const;
const live = new Set<string>();
let count = 0;
let guarded = false;

const gatewaySettings: Readonly<Record<string, string>> = {
  'ipv4/ip_forward': '1',
  'ipv6/conf/all/forwarding': '1',
  'ipv6/conf/default/forwarding': '1',
  'ipv4/conf/all/rp_filter': '0',
  'ipv4/conf/default/rp_filter': '0',
  'ipv6/conf/all/accept_ra': '0',
  'ipv6/conf/default/accept_ra': '0',
  'ipv6/conf/default/accept_dad': '0',
  'ipv6/conf/default/router_solicitations': '0',
  'ipv4/icmp_ratelimit': '0',
  'ipv4/icmp_msgs_per_sec': '1000000',
  'ipv4/icmp_msgs_burst': '1000000',
  'ipv6/icmp/ratelimit': '0',
  'ipv4/igmp_max_memberships': '256',
  'netfilter/nf_conntrack_tcp_loose': '1',
};

const silentSettings: Readonly<Record<string, string>> = {
  'ipv6/conf/all/disable_ipv6': '1',
  'ipv6/conf/default/disable_ipv6': '1',
};

const stationSettings: Readonly<Record<string, string>> = { 'ipv6/conf/default/accept_dad': '0', 'ipv6/conf/default/accept_ra': '0' };

export async function createTopology(spec: GatewaySpec): Promise<Topology> {
  guardExit();
  await removeStale();
  count += 1;
  const name = `${process.pid}-${threadId * 1000 + count}`;
  const gateway = `zwgw-${name}`;
  const world = `zwworld-${name}`;
  const stations = spec.interfaces.map((entry, index) => (entry.station === undefined ? undefined : `zwst-${name}-${index}`));
  const all = [gateway, world, ...stations.filter((station) => station !== undefined)];
  for (const namespace of all) live.add(namespace);
  try {
    await run('ip', ['-batch', '-'], all.map((namespace) => `netns add ${namespace}\n`).join(''));
    await Promise.all([
      apply(gateway, { ...gatewaySettings, ...spec.settings }),
      apply(world, silentSettings),
      ...stations.flatMap((station) => (station === undefined ? [] : [apply(station, stationSettings)])),
    ]);
    await joinInterfaces(spec, gateway, world, stations);
    const links = await readLinks(spec, gateway, world, stations);
    const sync = (await linkIndexes(world)).get(syncName) ?? 0;
    return { gateway, world, links, sync: { far: sync, mac: mac(0xff, 1) }, dispose: () => remove(all) };
  } catch (error) {
    await remove(all);
    throw error;
  }
}

/** Removes namespaces of the project whose process is gone, and ends what still runs in them. */
export async function removeStale(): Promise<void> {
  const stale = namespaces().filter((name) => {
    const pid = new RegExp(`^(?:${prefixes.join('|')})-(\\d+)-`).exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  if (stale.length > 0) await remove(stale);
}

async function joinInterfaces(spec: GatewaySpec, gateway: string, world: string, stations: readonly (string | undefined)[]): Promise<void> {
  const pairs = spec.interfaces.map((entry, index) => {
    const far = stations[index] ?? world;
    const ends = `address ${macText(mac(index, 1))} netns ${gateway} type veth peer name ${farName(index)} address ${macText(mac(index, 2))} netns ${far}`;
    return `link add name ${entry.name} ${ends}`;
  });
  const sync = `link add name ${syncName} address ${macText(mac(0xff, 1))} netns ${gateway} type veth peer name ${syncName} netns ${world}`;
  await run('ip', ['-batch', '-'], [...pairs, sync, ''].join('\n'));
  const far = spec.interfaces.map((entry, index) => ({ entry, namespace: stations[index], name: farName(index) }));
  const worldLines = far.filter(({ entry }) => entry.station === undefined).map(({ name }) => `link set ${name} up`);
  const gatewayText = ['link set lo up', `link set ${syncName} arp off up`, ...spec.interfaces.flatMap(gatewayLines), ''];
  await Promise.all([
    run('ip', ['-n', world, '-batch', '-'], [...worldLines, `link set ${syncName} up`, ''].join('\n')),
    run('ip', ['-n', gateway, '-batch', '-'], gatewayText.join('\n')),
  ]);
  await Promise.all(
    far.flatMap(({ entry, namespace, name }) =>
      namespace === undefined || entry.station === undefined
        ? []
        : [run('ip', ['-n', namespace, '-batch', '-'], stationLines(entry, entry.station, name).join('\n'))],
    ),
  );
}

function gatewayLines(entry: InterfaceSpec): readonly string[] {
  const neighbours = entry.station === undefined ? 'arp off' : '';
  return [
    `link set ${entry.name} ${neighbours} up`,
    ...entry.addresses.map((address) => `addr add ${address} ${addressFlag(address)} dev ${entry.name}`),
    ...(entry.routes ?? []).map((route) =>
      typeof route === 'string' ? `route add ${route} dev ${entry.name}` : `route add ${route.prefix} via ${route.via} dev ${entry.name}`,
    ),
  ];
}

function stationLines(entry: InterfaceSpec, station: Station, name: string): readonly string[] {
  const gateways = [4, 6].map((family) => entry.addresses.find((address) => familyOf(address) === family && !address.startsWith('fe80:')));
  return [
    'link set lo up',
    `link set ${name} up`,
    ...station.addresses.map((address) => `addr add ${address} ${addressFlag(address)} dev ${name}`),
    ...gateways.flatMap((address) => {
      const reachable = station.addresses.some((own) => address !== undefined && familyOf(own) === familyOf(address));
      return address !== undefined && reachable ? [`route add default via ${address.split('/')[0] ?? ''} dev ${name}`] : [];
    }),
    '',
  ];
}

async function readLinks(spec: GatewaySpec, gateway: string, world: string, stations: readonly (string | undefined)[]): Promise<readonly Link[]> {
  const others = [world, ...stations.filter((station) => station !== undefined)];
  const [near, ...indexes] = await Promise.all([gateway, ...others].map(linkIndexes));
  const farIndexes = new Map(others.map((namespace, place) => [namespace, indexes[place]]));
  return spec.interfaces.map((entry, index) => {
    const namespace = stations[index] ?? world;
    return {
      spec: entry,
      index: near?.get(entry.name) ?? 0,
      mac: mac(index, 1),
      linkLocal: `fe80::5a:57ff:fe${index.toString(16).padStart(2, '0')}:1`,
      far: { namespace, name: farName(index), index: farIndexes.get(namespace)?.get(farName(index)) ?? 0, mac: mac(index, 2) },
      broadcasts: entry.addresses
        .filter((address) => familyOf(address) === 4 && prefixOf(address).length < 31)
        .map((address) => lastAddress(prefixOf(address))),
    };
  });
}

async function linkIndexes(namespace: string): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await run('ip', ['-n', namespace, '-o', 'link']);
  return new Map([...stdout.matchAll(/^(\d+): ([^@:\s]+)/gm)].map((match) => [match[2] ?? '', Number(match[1])]));
}

async function apply(namespace: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(settings).map(([path, value]) => `echo '${value}' > '/proc/sys/net/${path}'`);
  await runIn(namespace, 'sh', ['-e'], `${lines.join('\n')}\n`);
}

function addressFlag(address: string): string {
  if (familyOf(address) === 6) return 'nodad';
  return prefixOf(address).length < 31 ? 'brd +' : '';
}

/** Far ends are named by number: the names of the gateway's interfaces are left to the gateway. */
function farName(index: number): string {
  return `far${index}`;
}

function mac(index: number, side: number): Uint8Array {
  return Uint8Array.from([0x02, 0x5a, 0x57, index, 0x00, side]);
}

function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

async function remove(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      // One that was never made, or that another process removes as stale at the same time, is gone as well.
      const running = await run('ip', ['netns', 'pids', name]).catch(() => undefined);
      endAll(running?.stdout ?? '');
      await run('ip', ['netns', 'del', name]).catch(() => undefined);
      live.delete(name);
    }),
  );
}

/** At the end of this process, which nothing outlasts that would have to be awaited. */
function removeNow(name: string): void {
  const running = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  endAll(running.stdout ?? '');
  spawnSync('ip', ['netns', 'del', name]);
  live.delete(name);
}

function endAll(pids: string): void {
  for (const pid of pids.split('\n')) if (pid !== '' && Number(pid) !== process.pid) endProcess(Number(pid));
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself between the two calls.
  }
}

function namespaces(): readonly string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function guardExit(): void {
  if (guarded) return;
  guarded = true;
  process.once('exit', () => {
    for (const name of live) removeNow(name);
  });
}

/** True iff the destination is one of the link's own broadcasts. */
export function isBroadcastOf(link: Link, destination: Uint8Array): boolean {
  return link.broadcasts.some((broadcast) => sameBytes(broadcast, destination));
}
