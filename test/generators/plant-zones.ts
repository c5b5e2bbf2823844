/**
 * Where things are in a random plant: zones, hosts, and the interfaces of the gateway that faces them.
 *
 * Takes random choices, gives zones with their networks (whole, ranges, with holes that another zone may fill, the rest), hosts at and
 * beside the ends of those networks, and interfaces with addresses and the routes that a kernel needs to reach every zone.
 */
import type { Family } from '../../src/net/address.ts';
import { AddressPlan, addressText, around, type Block, blockText, partOf, type Span, spanText, subnet } from './address-plan.ts';
import type { Draw } from './draw.ts';

/** One item under `networks`. */
export interface ZoneItem {
  readonly text: string;
  readonly block: Block;
  /** What the zone holds of the block. */
  readonly spans: readonly Span[];
}

export interface PlantZone {
  readonly name: string;
  readonly items: readonly ZoneItem[];
  readonly rest: boolean;
  readonly kind: string | undefined;
  /** Its Purdue level as a selector compares it. */
  readonly level: number;
  readonly text: string;
}

export interface PlantHost {
  readonly name: string;
  readonly zone: string;
  readonly addresses: readonly { readonly family: Family; readonly value: bigint }[];
  readonly roles: readonly string[];
  readonly traits: readonly string[];
  readonly text: string;
}

export interface PlantInterface {
  readonly name: string;
  readonly zones: readonly string[];
  readonly routed: boolean;
  /** What the kernel has; a dynamic address is not in the zone file. */
  readonly addresses: readonly string[];
  readonly own: readonly { readonly family: Family; readonly value: bigint; readonly block: Block }[];
  /** Prefixes behind it, besides those of its own addresses. */
  readonly routes: readonly string[];
  readonly text: string;
}

/** Some are words of the language, which may be names too. */
const zoneNames = ['office', 'press', 'dmz', 'sis', 'log', 'cell_1', 'cell_2', 'plant-floor', '_x', 'allow', 'gate', 'Halle_7', 'to'];
const interfaceNames = ['eth0', 'eth1.31', 'br-lan', 'wg0', 'enp3s0f1', 'eth2', 'lan_a', '0up', 'e', 'abcdefghijklmno'];
const levels = ['0', '1', '2', '3', '3.5', '4', '5'];
const kinds = ['dmz', 'safety', 'wireless', 'vendor', 'management', 'transient', 'unknown'];
export const hostRoles = ['jump-host', 'historian', 'hmi', 'plc'];
export const hostTraits = ['legacy', 'unpatched'];
export const outside: readonly { readonly family: Family; readonly text: string; readonly value: bigint }[] = [
  { family: 4, text: '203.0.113.10', value: 0xcb00_710an },
  { family: 4, text: '198.51.100.7', value: 0xc633_6407n },
  { family: 6, text: '2a00:1450:4001::5', value: 0x2a00_1450_4001n * (1n << 80n) + 5n },
];

export function drawZones(draw: Draw, plan: AddressPlan): PlantZone[] {
  const names = draw.shuffled(zoneNames).slice(0, draw.integer(2, 6));
  const drafts: { name: string; families: readonly Family[]; items: ZoneItem[]; rest: boolean }[] = names.map((name) => ({
    name,
    families: draw.weighted<readonly Family[]>([
      [5, [4, 6]],
      [3, [4]],
      [2, [6]],
    ]),
    items: [],
    rest: false,
  }));
  const restAt = draw.chance(35) ? draw.integer(0, drafts.length - 1) : -1;
  const holes: ZoneItem[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const [index, zone] of draw.shuffled([...drafts.entries()])) {
      if (index === restAt) {
        zone.rest = true;
        continue;
      }
      for (const family of zone.families) {
        if (round > 0 && !draw.chance(30)) continue;
        const hole = holes.at(-1);
        if (hole !== undefined && hole.block.family === family && draw.chance(50)) zone.items.push(...holes.splice(-1));
        else zone.items.push(drawItem(draw, plan, family, holes));
      }
    }
  }
  return drafts.map((draft) => describeZone(draw, draft));
}

function drawItem(draw: Draw, plan: AddressPlan, family: Family, holes: ZoneItem[]): ZoneItem {
  const block = plan.block(family);
  const whole = blockText(block);
  if (block.last - block.first < 4n || draw.chance(55)) return { text: whole, block, spans: [block] };
  if (draw.chance(35)) {
    const span = partOf(draw, block);
    return { text: spanText(family, span), block, spans: [span] };
  }
  const network = draw.chance(50) ? subnet(draw, block) : undefined;
  const hole = network ?? partOf(draw, block);
  const spans = around(block, hole);
  if (spans.length === 0) return { text: whole, block, spans: [block] };
  const text = network === undefined ? spanText(family, hole) : blockText(network);
  holes.push({ text, block: network ?? smallest(family, hole, block), spans: [hole] });
  return { text: `${whole} except ${draw.chance(30) ? `{ ${text} }` : text}`, block, spans };
}

/** The smallest network that holds the span, at most the block. */
function smallest(family: Family, span: Span, block: Block): Block {
  let best = block;
  for (let length = block.length + 1; length <= (family === 4 ? 32 : 128); length += 1) {
    const size = 1n << BigInt((family === 4 ? 32 : 128) - length);
    const first = (span.first / size) * size;
    if (first + size - 1n < span.last) return best;
    best = { family, length, first, last: first + size - 1n };
  }
  return best;
}

function describeZone(draw: Draw, draft: { name: string; items: ZoneItem[]; rest: boolean }): PlantZone {
  const kind = draft.rest && draw.chance(70) ? 'untrusted' : draw.chance(40) ? draw.pick(kinds) : undefined;
  const level = kind === 'untrusted' && draw.chance(50) ? undefined : draw.pick(levels);
  const texts = draft.items.map(({ text }) => text);
  const lines = texts.some((text) => / except [^{]/.test(text)) || draw.chance(50);
  const networks = draft.rest ? 'rest' : texts.join(lines ? '\n    networks ' : ', ');
  const properties = draw.shuffled([
    ...(kind === undefined ? [] : [`kind ${kind}`]),
    ...(level === undefined ? [] : [`level ${level}`]),
    ...(draw.chance(20) ? [`security-level ${draw.integer(0, 4)}`] : []),
    ...(draw.chance(20) ? ['label "制御盤 2"'] : []),
    `networks ${networks}`,
  ]);
  return {
    name: draft.name,
    items: draft.items,
    rest: draft.rest,
    kind,
    level: Number(level ?? 5),
    text: `zone ${draft.name} {\n    ${properties.join('\n    ')}\n}`,
  };
}

export function zoneFamilies(zone: PlantZone): Family[] {
  return zone.rest ? [4, 6] : ([4, 6] as const).filter((family) => zone.items.some(({ block }) => block.family === family));
}

export function drawHosts(draw: Draw, zones: readonly PlantZone[], interfaces: readonly PlantInterface[]): PlantHost[] {
  const taken = new Set(interfaces.flatMap(({ own }) => own.map(({ family, value }) => `${family} ${value}`)));
  return zones.flatMap((zone, at) =>
    Array.from({ length: draw.integer(0, 3) }, (_, index) => drawHost(draw, zone, `${zone.name.slice(0, 4)}_h${at}${index}`, taken)).filter(
      (host) => host !== undefined,
    ),
  );
}

function drawHost(draw: Draw, zone: PlantZone, name: string, taken: Set<string>): PlantHost | undefined {
  const families = draw.some(zoneFamilies(zone), 2, 1);
  const addresses = families.flatMap((family) => {
    const spans = zone.items.filter(({ block }) => block.family === family).flatMap((item) => item.spans);
    const there = outside.filter((one) => one.family === family);
    if (zone.rest && there.length === 0) return [];
    const span = zone.rest ? undefined : draw.pick(spans);
    const value =
      span === undefined
        ? draw.pick(there).value
        : draw.weighted([
            [2, span.first],
            [2, span.last],
            [4, draw.big(span.first, span.last)],
          ]);
    const key = `${family} ${value}`;
    if (taken.has(key)) return [];
    taken.add(key);
    return [{ family, value }];
  });
  if (addresses.length === 0) return undefined;
  const roles = draw.chance(30) ? [draw.pick(hostRoles)] : [];
  const traits = draw.chance(30) ? draw.some(hostTraits, 2, 1) : [];
  const properties = [
    `address ${addresses.map(({ family, value }) => addressText(family, value)).join(', ')}`,
    ...(roles.length === 0 ? [] : [`role ${roles.join(', ')}`]),
    ...(traits.length === 0 ? [] : [`traits ${traits.join(', ')}`]),
  ];
  return { name, zone: zone.name, addresses, roles, traits, text: `host ${name} in ${zone.name} { ${draw.shuffled(properties).join('   ')} }` };
}

const services = [
  'echo',
  'dhcp-client',
  'dhcp-server',
  'dhcpv6-client',
  'dhcpv6-server',
  'router-advertisements',
  'router-solicitations',
  'vrrp',
  'igmp',
  'ptp',
];

export function drawInterfaces(draw: Draw, zones: readonly PlantZone[]): PlantInterface[] {
  const count = Math.min(5, draw.integer(2, Math.max(2, zones.length)));
  const faces: string[][] = Array.from({ length: count }, () => []);
  draw.shuffled(zones).forEach((zone, index) => {
    if (index < count) faces[index]?.push(zone.name);
    else if (!draw.chance(6)) draw.pick(faces).push(zone.name);
  });
  for (const face of faces) if (face.length === 0 || draw.chance(6)) face.push(...[draw.pick(zones).name].filter((name) => !face.includes(name)));
  const used = new Set<string>();
  const names = draw.shuffled(interfaceNames);
  const drawn = faces.map((facing, index) => drawInterface(draw, names[index] ?? `if${index}`, facing, zones, used, index));
  const taken = new Set(drawn.flatMap((face) => face.own.map(({ block }) => blockText(block))));
  return drawn.map((face) => ({ ...face, routes: routesBehind(face, zones, taken) }));
}

/** Every network of the interface's zones that is neither on its link nor behind an earlier interface. */
function routesBehind(face: PlantInterface, zones: readonly PlantZone[], taken: Set<string>): string[] {
  const faced = zones.filter((zone) => face.zones.includes(zone.name));
  const wanted = faced.flatMap((zone) => (zone.rest ? ['0.0.0.0/0', '::/0'] : zone.items.map(({ block }) => blockText(block))));
  return [...new Set(wanted)].filter((prefix) => {
    const free = !taken.has(prefix);
    taken.add(prefix);
    return free;
  });
}

function drawInterface(draw: Draw, name: string, facing: readonly string[], zones: readonly PlantZone[], used: Set<string>, index: number): PlantInterface {
  const faced = zones.filter((zone) => facing.includes(zone.name));
  const blocks = faced.flatMap((zone) => zone.items.map((item) => item.block));
  const mode = draw.weighted([
    [75, 'static'],
    [12, 'dynamic'],
    [7, 'none'],
  ] as const);
  const transit: Block[] = [
    { family: 4, length: 30, first: BigInt(0x6440_0000 + index * 4), last: BigInt(0x6440_0003 + index * 4) },
    { family: 6, length: 127, first: (0xfd99n << 112n) + BigInt(index * 2), last: (0xfd99n << 112n) + BigInt(index * 2 + 1) },
  ];
  const own =
    mode === 'none'
      ? []
      : ([4, 6] as const).flatMap((family) => {
          const free = blocks.filter((block) => block.family === family && !used.has(blockText(block)));
          const link = transit.find((block) => block.family === family);
          if (!draw.chance(85) || link === undefined) return [];
          const chosen = draw.chance(20) || free.length === 0 ? [link] : [draw.pick(free), ...(free.length > 1 && draw.chance(20) ? [draw.pick(free)] : [])];
          return [...new Set(chosen)].map((block) => {
            const address = ownAddress(draw, block);
            used.add(blockText(block)).add(blockText(address.block));
            return address;
          });
        });
  const several = faced.length > 1;
  const open = several && faced.some((zone) => zone.kind === 'untrusted');
  const sharing = draw.weighted([
    [several ? 4 : 1, 'routed'],
    [several ? 3 : 1, 'shared-wire "one switch"'],
    [open ? 0 : several ? 2 : 8, ''],
  ]);
  const addresses = own.map(({ text }) => text);
  const written = mode === 'none' || (mode === 'static' && own.length === 0) ? 'none' : mode === 'dynamic' ? 'dynamic' : addresses.join(', ');
  const properties = draw.shuffled([
    `faces ${draw.shuffled(facing).join(', ')}`,
    `address ${written}`,
    ...(draw.chance(35) ? [`runs ${draw.some(services, 4, 1).join(', ')}`] : []),
    ...(sharing === '' ? [] : [sharing]),
  ]);
  return {
    name,
    zones: facing,
    routed: sharing === 'routed',
    addresses,
    own: own.map(({ family, value, block }) => ({ family, value, block })),
    routes: [],
    text: `  interface ${/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && draw.chance(70) ? name : `"${name}"`} { ${properties.join('   ')} }`,
  };
}

/** An address in the block, not its first or last where those are the network's own. */
function ownAddress(draw: Draw, block: Block): { text: string; family: Family; value: bigint; block: Block } {
  const longest = block.family === 4 ? 30 : 126;
  const network = draw.chance(75) || block.length > longest ? block : subnet(draw, block, longest);
  const inner = network.length > longest ? network : { first: network.first + 1n, last: network.last - 1n };
  const value = draw.weighted([
    [3, inner.first],
    [2, inner.last],
    [2, draw.big(inner.first, inner.last)],
  ]);
  return { text: `${addressText(block.family, value)}/${network.length}`, family: block.family, value, block: network };
}
