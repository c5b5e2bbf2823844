/**
 * What a random flow says: its two sides and its services, as words.
 *
 * Takes the places of a plant and random choices, gives selectors around a zone and lists of services. The idea: ports, protocols and
 * parts of networks come from small pools, so that flows overlap, touch and contain each other as they do in a plant that has grown.
 */
import { catalogue, isLayer2Only, needsPorts } from '../../src/catalogue/catalogue.ts';
import { functionTables } from '../../src/catalogue/functions.ts';
import { icmpMessages } from '../../src/catalogue/icmp.ts';
import type { Family } from '../../src/net/address.ts';
import { blockText, partOf, spanText, subnet } from './address-plan.ts';
import type { Draw } from './draw.ts';
import { hostRoles, hostTraits, outside, type PlantHost, type PlantZone } from './plant-zones.ts';

export interface Places {
  readonly zones: readonly PlantZone[];
  readonly hosts: readonly PlantHost[];
  /** Names of groups, with the zone that each surely touches. */
  readonly groups: readonly { readonly name: string; readonly zone: string }[];
}

/** A selector that touches the zone, in this family if one is given; inside it only, if `within`. */
export function selector(draw: Draw, places: Places, zone: PlantZone, family: Family | undefined, within = false): string {
  const items = [item(draw, places, zone, family, within)];
  while (draw.chance(20)) items.push(item(draw, places, within ? zone : draw.pick(places.zones), undefined, within));
  return joined(items);
}

/** A comma behind an exception without braces would be an error. */
function joined(items: readonly string[]): string {
  const unique = [...new Set(items)];
  return unique.length === 1 ? unique.join('') : unique.map((text) => text.replace(/except (?!\{)(.*)$/, 'except { $1 }')).join(', ');
}

function item(draw: Draw, places: Places, zone: PlantZone, family: Family | undefined, within: boolean): string {
  const has = (addresses: readonly { readonly family: Family }[]): boolean => family === undefined || addresses.some((address) => address.family === family);
  const hosts = places.hosts.filter((host) => host.zone === zone.name && has(host.addresses)).map((host) => host.name);
  const roomy =
    zone.rest || zone.items.some(({ block, spans }) => (family === undefined || block.family === family) && spans.some(({ first, last }) => last - first > 8n));
  const groups = places.groups.filter((group) => group.zone === zone.name).map((group) => group.name);
  const choices: (readonly [number, () => string])[] = [
    [6, () => zone.name],
    [hosts.length * 3, () => draw.pick(hosts)],
    [4, () => literal(draw, zone, family)],
    [hosts.length > 0 && roomy ? 2 : 0, () => `${zone.name} except ${draw.chance(50) || hosts.length < 2 ? draw.pick(hosts) : `{ ${hosts.join(', ')} }`}`],
  ];
  if (!within) {
    choices.push(
      [groups.length * 4, () => draw.pick(groups)],
      [3, () => 'any'],
      [hosts.length > 0 ? 1 : 0, () => `any except ${draw.pick(hosts)}`],
      [2, () => `level ${draw.pick(['<=', '>=', '='])} ${zone.level}`],
      [zone.kind === undefined ? 0 : 1, () => `kind ${zone.kind ?? ''}`],
      [1, () => `role ${draw.pick(hostRoles)}, ${zone.name}`],
      [1, () => `trait ${draw.pick(hostTraits)}, ${zone.name}`],
      [hosts.length > 0 ? 1 : 0, () => `${zone.name.slice(0, 3)}*, ${zone.name}`],
    );
  }
  return draw.weighted(choices)();
}

/** A network, range or address of the zone. */
function literal(draw: Draw, zone: PlantZone, family: Family | undefined): string {
  const wanted = (one: Family): boolean => family === undefined || one === family;
  if (zone.rest) return draw.pick(outside.filter((one) => wanted(one.family))).text;
  const { block, spans } = draw.pick(zone.items.filter((one) => wanted(one.block.family)));
  const span = draw.pick(spans);
  if (span.first === block.first && span.last === block.last && draw.chance(60)) return blockText(subnet(draw, block));
  return spanText(block.family, partOf(draw, span));
}

export function groupMembers(draw: Draw, places: Places, zone: PlantZone): string {
  const members = [item(draw, places, zone, undefined, true)];
  for (let more = draw.integer(0, 3); more > 0; more -= 1) {
    const nested = places.groups.map((group) => group.name);
    members.push(nested.length > 0 && draw.chance(40) ? draw.pick(nested) : item(draw, places, draw.pick(places.zones), undefined, true));
  }
  return joined(members);
}

const plainNames = [...catalogue.values()]
  .filter((row) => row.cast === 'unicast' && row.dynamicPorts === undefined && !needsPorts(row) && !isLayer2Only(row))
  .map((row) => row.name);
const classed = [...catalogue.values()].filter((row) => row.functions.length > 0 && plainNames.includes(row.name));
const otherProtocols = [0, 2, 4, 33, 41, 47, 50, 51, 89, 103, 112, 115, 132, 136, 253, 255];
const messages = [...icmpMessages.keys()];
const familiar = ['modbus', 's7comm', 'ntp', 'ssh', 'https', 'dns', 'enip', 'opcua', 'ping', 'snmp', 'iec104'];

/** Ports that a plant's services are made of. */
export function portPool(draw: Draw): number[] {
  const base = [draw.integer(2, 65534), draw.integer(1024, 60000), 502];
  return [...new Set([1, 65535, 502, 503, 443, ...base.flatMap((port) => [port - 1, port, port + 1]), 5000, 5010, 5013])];
}

export interface ServiceWords {
  readonly text: string;
  /** Functions are named, so a target of ports only has to be told that this is accepted. */
  readonly weaker: boolean;
}

/** `classes`: functions may be named (in an allow of a flow, or where the target tells them apart). */
export function services(draw: Draw, pool: readonly number[], declared: readonly string[], classes: boolean): ServiceWords {
  const items = [serviceItem(draw, pool, declared, classes)];
  while (draw.chance(30)) items.push(serviceItem(draw, pool, declared, classes));
  return { text: joined(items.map(({ text }) => text)), weaker: items.some(({ weaker }) => weaker) };
}

function serviceItem(draw: Draw, pool: readonly number[], declared: readonly string[], classes: boolean): ServiceWords {
  const plain = (text: string): ServiceWords => ({ text, weaker: false });
  return draw.weighted<() => ServiceWords>([
    [8, () => plain(`${draw.pick(['tcp', 'udp'])} ${portList(draw, pool)}`)],
    [2, () => plain(draw.pick(['tcp', 'udp', 'icmp', 'icmpv6']))],
    [2, () => plain(`ip protocol ${draw.chance(15) ? draw.pick([1, 6, 17, 58]) : draw.pick(otherProtocols)}`)],
    [2, () => plain(`icmp ${draw.chance(50) ? 'echo-request' : draw.pick(messages)}`)],
    [1, () => plain(`icmp type ${draw.pick([0, 3, 5, 8, 13, 17, draw.integer(0, 255)])}${draw.chance(50) ? ` code ${draw.pick([0, 1, 255])}` : ''}`)],
    [2, () => plain(`icmpv6 type ${draw.pick([1, 128, 129, 135, 137, draw.integer(0, 255)])}${draw.chance(50) ? ` code ${draw.pick([0, 1, 255])}` : ''}`)],
    [3, () => plain(draw.pick(draw.chance(70) ? familiar : plainNames))],
    [declared.length * 2, () => plain(draw.pick(declared))],
    [2, () => plain('any')],
    [2, () => plain(`any except ${exception(draw, pool)}`)],
    [1, () => plain(`modbus on ${draw.pick(['tcp', 'udp'])} ${portList(draw, pool)}`)],
    [classes ? 3 : 0, () => withClasses(draw)],
  ])();
}

function withClasses(draw: Draw): ServiceWords {
  return { text: functionWords(draw, draw.pick(classed).name), weaker: true };
}

/** One or two classes or single functions of a protocol. */
export function functionWords(draw: Draw, protocol: string): string {
  if (protocol === 'modbus' && draw.chance(45)) return narrowedWords(draw);
  const classes = catalogue.get(protocol)?.functions ?? [];
  const one = (): string => (draw.chance(60) ? draw.pick(classes) : oneFunction(draw, protocol));
  const some = [...new Set(draw.chance(60) ? [one()] : [one(), one()])];
  return some.length === 1 ? `${protocol} ${some[0] ?? ''}` : `${protocol} { ${some.join(', ')} }`;
}

/** Modbus to some units and addresses; borders meet and overlap, at both ends of everything too. */
export function narrowedWords(draw: Draw): string {
  const range = (pool: readonly number[]): string => {
    const [a, b] = [draw.pick(pool), draw.pick(pool)];
    return a === b || draw.chance(30) ? String(a) : `${Math.min(a, b)}-${Math.max(a, b)}`;
  };
  const functions = draw.pick(['', ' read', ' write', ' function 3', ' { function 1, function 6 }', ' { read, function 16 }', ' { function 23, function 22 }']);
  const unit = draw.chance(50) ? ` unit ${range([0, 1, 2, 3, 255])}` : '';
  const address = unit === '' || draw.chance(60) ? ` address ${range([0, 99, 100, 150, 199, 200, 3000, 65535])}` : '';
  return `modbus${functions}${unit}${address}`;
}

/** By name, by what the standard calls it, or by a code that no other layer has. */
function oneFunction(draw: Draw, protocol: string): string {
  const all = functionTables.get(protocol)?.functions ?? [];
  const one = draw.pick(all);
  const code = draw.pick(one.codes);
  const alone = all.every(
    (other) => other.layer.name === one.layer.name || other.layer.by !== 'function' || other.codes.every(({ number }) => number !== code.number),
  );
  const choices = [
    one.name,
    `"${one.name.replaceAll('-', ' ')}"`,
    ...(one.also === undefined ? [] : [`"${one.also}"`]),
    ...(one.layer.by === 'function' && alone && code.number !== undefined
      ? [`function ${draw.chance(50) ? code.number : `0x${code.number.toString(16)}`}`]
      : []),
    ...(one.layer.by === 'stream' && code.number !== undefined ? [`stream ${code.number >> 8} function ${code.number & 0xff}`, code.text] : []),
    ...(one.layer.by === 'group' && typeof code.sub === 'number' ? [`group ${code.number ?? 0} function ${code.sub}`] : []),
  ];
  return draw.pick(choices);
}

function exception(draw: Draw, pool: readonly number[]): string {
  const one = (): string => draw.pick([`tcp ${draw.pick(pool)}`, `udp ${draw.pick(pool)}`, 'icmp echo-request', 'ip protocol 47', 'modbus', 'icmpv6', 'udp']);
  return draw.chance(40) ? one() : `{ ${[...new Set([one(), one(), one()])].join(', ')} }`;
}

function portList(draw: Draw, pool: readonly number[]): string {
  const one = (): string => {
    if (draw.chance(60)) return String(draw.pick(pool));
    const [a, b] = draw.chance(50) ? [draw.pick(pool), draw.pick(pool)] : [1, 1];
    const first = a === b ? draw.pick(pool) : Math.min(a, b);
    const last = a === b ? Math.min(65535, first + draw.integer(1, 12)) : Math.max(a, b);
    return `${first}-${last}`;
  };
  return draw.chance(60) ? one() : `{ ${[...new Set(Array.from({ length: draw.integer(2, 6) }, one))].join(', ')} }`;
}

/** The members of a declared service. */
export function serviceMembers(draw: Draw, pool: readonly number[], declared: readonly string[]): string {
  return services(draw, pool, declared, false).text;
}
