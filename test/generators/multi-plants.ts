/**
 * Small random plants with several gateways, whose every conversation can be tried one by one.
 *
 * Takes a seed, gives a zone file as a list of declarations: networks of one to eight addresses, one to three gateways side by side or in
 * a chain, flows that overlap, asserts of every kind and tests. The idea: questions are mostly drawn from the flows themselves, so that
 * about half of them hold, and addresses and ports come from pools so small that everything meets everything.
 */
import type { Family } from '../../src/net/address.ts';
import { addressText, around, type Block, blockText, partOf, spanText } from './address-plan.ts';
import { check, type Checked } from '../../src/pipeline/check.ts';
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';
import { capabilities } from '../../targets/nftables/target.ts';
import { judgementDay } from './compile.ts';
import { Draw } from './draw.ts';
import { drawGateways, type SmallGateway, stands } from './multi-gateways.ts';
import { serviceWords } from './multi-words.ts';
import { groupMembers, type Places, selector } from './plant-words.ts';
import { hostRoles, hostTraits, type PlantHost, type PlantZone, zoneFamilies } from './plant-zones.ts';

export interface SmallPiece {
  readonly kind: 'policy' | 'zone' | 'host' | 'group' | 'service' | 'flow' | 'gateway' | 'assert' | 'test';
  readonly name: string;
  readonly text: string;
}

export interface MultiPlant {
  readonly seed: number;
  readonly pieces: readonly SmallPiece[];
  readonly gateways: readonly SmallGateway[];
}

export function smallZoneFile(pieces: readonly SmallPiece[]): string {
  return pieces.map((piece) => `${piece.text}\n`).join('');
}

export function multiPlantOf(seed: number): MultiPlant {
  return drawMultiPlant(Draw.seeded(seed), seed);
}

/** A plant that compiles, with all that was found in it. */
export interface CheckedPlant {
  readonly seed: number;
  readonly pieces: readonly SmallPiece[];
  readonly text: string;
  readonly checked: Checked;
  readonly target: TargetCapabilities;
  readonly grade: 'ports' | 'pdu';
}

/** Checks a zone file against nftables, or against a pretended target that enforces functions to the grade. */
export function checkSmall(
  text: string,
  grade: 'ports' | 'pdu',
): { readonly checked: Checked; readonly target: TargetCapabilities; readonly errors: string[] } {
  const target: TargetCapabilities = { ...capabilities, grades: { default: grade } };
  const checked = check('plant.zone', { date: judgementDay, targets: new Map([[target.name, target]]), read: () => Buffer.from(text) });
  const errors = checked.diagnostics.filter((one) => one.severity === 'error' && one.blame !== 'finding').map(({ code, message }) => `${code} ${message}`);
  return { checked, target, errors };
}

/** The first plant that compiles, counting up from the seed; every other seed is judged by functions. */
export function checkedPlant(seed: number): CheckedPlant {
  for (let at = seed; at < seed + 50; at += 1) {
    const { pieces } = multiPlantOf(at);
    const text = smallZoneFile(pieces);
    const grade = at % 2 === 0 ? 'ports' : 'pdu';
    const { checked, target, errors } = checkSmall(text, grade);
    if (errors.length === 0) return { seed: at, pieces, text, checked, target, grade };
  }
  throw new Error(`no plant compiles near seed ${seed}`);
}

/** What questions are drawn from. */
interface Asked {
  readonly from: string;
  readonly to: string;
  readonly services: string;
  readonly allow: boolean;
}

interface Scene {
  readonly draw: Draw;
  readonly places: Places;
  readonly gateways: readonly SmallGateway[];
  /** Pairs of zones with a gateway between them and a family in common. */
  readonly joined: readonly (readonly [PlantZone, PlantZone])[];
  readonly declared: readonly string[];
}

export function drawMultiPlant(draw: Draw, seed = 0): MultiPlant {
  const zones = drawSmallZones(draw);
  const taken = new Set<string>();
  const gateways = drawGateways(draw, zones, taken);
  const hosts = zones.flatMap((zone) =>
    Array.from(
      {
        length: draw.weighted([
          [3, 0],
          [4, 1],
          [2, 2],
        ]),
      },
      (_, index) => drawSmallHost(draw, zone, index, taken) ?? [],
    ).flat(),
  );
  const pieces: SmallPiece[] = [
    { kind: 'policy', name: 'policy', text: `policy "small ${seed}" { revision 1 }` },
    ...zones.map(({ name, text }) => ({ kind: 'zone' as const, name, text })),
    ...hosts.map(({ name, text }) => ({ kind: 'host' as const, name, text })),
  ];
  const groups: { name: string; zone: string }[] = [];
  const places: Places = { zones, hosts, groups };
  for (let index = draw.integer(0, 2); index > 0; index -= 1) {
    const zone = draw.pick(zones);
    pieces.push({ kind: 'group', name: `group_${index}`, text: `group group_${index} { ${groupMembers(draw, places, zone)} }` });
    groups.push({ name: `group_${index}`, zone: zone.name });
  }
  const declared: string[] = [];
  for (let index = draw.integer(0, 2); index > 0; index -= 1) {
    pieces.push({ kind: 'service', name: `svc_${index}`, text: `service svc_${index} { ${serviceWords(draw, declared, 'service').text} }` });
    declared.push(`svc_${index}`);
  }
  const joined = zones.flatMap((from) =>
    zones.filter((to) => stands(gateways, from.name, to.name) && commonOf(from, to).length > 0).map((to): [PlantZone, PlantZone] => [from, to]),
  );
  const scene: Scene = { draw, places, gateways, joined, declared };
  const flows = joined.length === 0 ? [] : Array.from({ length: draw.integer(2, 9) }, (_, index) => drawFlow(scene, `flow_${index}`));
  const asked = flows.map((flow) => flow.asked);
  pieces.push(
    ...flows.map(({ piece }) => piece),
    ...gateways.map((gateway) => ({ kind: 'gateway' as const, name: gateway.name, text: gatewayText(scene, gateway) })),
  );
  for (let index = draw.integer(4, 7); index > 0; index -= 1) pieces.push(drawAssert(scene, asked, `assert_${index}`));
  const lines = Array.from({ length: draw.integer(2, 5) }, () => testLine(scene, asked));
  pieces.push({ kind: 'test', name: 'test', text: `test "small" {\n  ${lines.join('\n  ')}\n}` });
  return { seed, pieces, gateways };
}

function commonOf(a: PlantZone, b: PlantZone): Family[] {
  return zoneFamilies(a).filter((family) => zoneFamilies(b).includes(family));
}

// -- where things are ---------------------------------------------------------------------------------------------------------------------

/** Some regions end where addresses of zones end; the last one of IPv6 lies in front of multicast. */
const regions4 = [0x0a00_0000n, 0xc0a8_0000n, 0x0100_0000n, 0xdfff_ff80n, 0xffff_ff80n] as const;
const regions6 = [0x2001_0db8n << 96n, 0xfdn << 120n, (0xffn << 120n) - 128n, 2n] as const;
const ends = { 4: 1n << 32n, 6: 1n << 128n } as const;
const smallNames = ['office', 'dmz', 'cell_a', 'cell_b', 'sis', 'log'];

function drawSmallZones(draw: Draw): PlantZone[] {
  const cursor = {
    4: draw.weighted([
      [4, regions4[0]],
      [1, regions4[1]],
      [1, regions4[2]],
      [1, regions4[3]],
      [1, regions4[4]],
    ]),
    6: draw.pick(regions6),
  };
  const mode = draw.weighted<readonly Family[]>([
    [5, [4, 6]],
    [3, [4]],
    [2, [6]],
  ]);
  const names = draw.shuffled(smallNames).slice(
    0,
    draw.weighted([
      [2, 2],
      [4, 3],
      [4, 4],
      [2, 5],
    ]),
  );
  const restAt = draw.chance(12) ? 0 : -1;
  return names.map((name, index): PlantZone => {
    const families = draw.chance(60) || mode.length === 1 ? mode : [draw.pick(mode)];
    const rest = index === restAt;
    const items = rest ? [] : families.flatMap((family) => Array.from({ length: draw.chance(20) ? 2 : 1 }, () => drawItem(draw, family, cursor) ?? []).flat());
    const kind = rest
      ? 'untrusted'
      : draw.weighted([
          [5, undefined],
          [2, 'dmz'],
          [2, 'safety'],
          [1, 'vendor'],
        ] as const);
    const level = draw.pick(['0', '1', '2', '3', '3.5', '4', '5']);
    const networks = rest ? 'rest' : items.map(({ text }) => text).join('\n  networks ');
    const text = `zone ${name} {\n  level ${level}${kind === undefined ? '' : `\n  kind ${kind}`}\n  networks ${networks}\n}`;
    return { name, items, rest, kind, level: Number(level), text };
  });
}

function drawItem(draw: Draw, family: Family, cursor: Record<Family, bigint>): PlantZone['items'][number] | undefined {
  const length =
    (family === 4 ? 32 : 128) -
    draw.weighted([
      [2, 0],
      [3, 1],
      [5, 2],
      [2, 3],
    ]);
  const size = 1n << BigInt((family === 4 ? 32 : 128) - length);
  if (draw.chance(20)) cursor[family] += size;
  const first = ((cursor[family] + size - 1n) / size) * size;
  if (first + size > ends[family]) return undefined;
  cursor[family] = first + size;
  const block: Block = { family, length, first, last: first + size - 1n };
  const hole = partOf(draw, block);
  const spans = around(block, hole);
  if (size < 4n || spans.length === 0 || draw.chance(65)) return { text: blockText(block), block, spans: [block] };
  if (draw.chance(50)) return { text: spanText(family, hole), block, spans: [hole] };
  return { text: `${blockText(block)} except ${spanText(family, hole)}`, block, spans };
}

function drawSmallHost(draw: Draw, zone: PlantZone, index: number, taken: Set<string>): PlantHost | undefined {
  if (zone.rest) return undefined;
  const name = `${zone.name}_h${index}`;
  const addresses = draw.some(zoneFamilies(zone), 2, 1).flatMap((family) => {
    const span = draw.pick(zone.items.filter(({ block }) => block.family === family).flatMap((item) => item.spans));
    const value = draw.big(span.first, span.last);
    if (taken.has(`${family} ${value}`)) return [];
    taken.add(`${family} ${value}`);
    return [{ family, value }];
  });
  if (addresses.length === 0) return undefined;
  const roles = draw.chance(40) ? [draw.pick(hostRoles)] : [];
  const traits = draw.chance(40) ? draw.some(hostTraits, 2, 1) : [];
  const more = `${roles.length === 0 ? '' : `  role ${roles.join(', ')}`}${traits.length === 0 ? '' : `  traits ${traits.join(', ')}`}`;
  const text = `host ${name} in ${zone.name} { address ${addresses.map(({ family, value }) => addressText(family, value)).join(', ')}${more} }`;
  return { name, zone: zone.name, addresses, roles, traits, text };
}

function gatewayText(scene: Scene, gateway: SmallGateway): string {
  const { draw, places } = scene;
  const faced = places.zones.filter((zone) => gateway.faces.some((face) => face.zones.includes(zone.name)));
  const line = (kind: 'manage' | 'receive' | 'send'): string => {
    const services = draw.pick(kind === 'manage' ? ['ssh', 'tcp 22-23', 'https'] : ['icmp echo-request', 'udp 123', 'tcp 22', 'any except ssh']);
    const rate = draw.chance(20) ? ' { rate 1/second burst 1 }' : draw.chance(10) ? ' { expires 2020-01-31 }' : '';
    return `  ${kind} ${kind === 'send' ? 'to' : 'from'} ${selector(draw, places, draw.pick(faced), undefined)} allow ${services}${rate}`;
  };
  const lines = (['manage', 'receive', 'send'] as const).flatMap((kind) => (draw.chance(40) ? [line(kind)] : []));
  const none = lines.some((text) => text.startsWith('  manage')) ? [] : ['  manage none "console only"'];
  return `gateway ${gateway.name} {\n  target nftables\n${[...gateway.faces.map((face) => face.text), ...lines, ...none].join('\n')}\n}`;
}

// -- what may talk ------------------------------------------------------------------------------------------------------------------------

function side(scene: Scene, zone: PlantZone, family: Family | undefined): string {
  const { draw, places } = scene;
  const hosts = places.hosts.filter((host) => host.zone === zone.name);
  if (hosts.length > 0 && draw.chance(8)) return `${zone.name} except ${draw.pick(hosts).name}`;
  return selector(draw, places, zone, family);
}

function drawFlow(scene: Scene, name: string): { readonly piece: SmallPiece; readonly asked: Asked } {
  const { draw } = scene;
  const [from, to] = draw.pick(scene.joined);
  const family = draw.pick(commonOf(from, to));
  const allow = draw.chance(80);
  const { text: services, weaker } = serviceWords(draw, scene.declared, allow ? 'allow' : 'deny');
  const asked: Asked = { from: side(scene, from, family), to: side(scene, to, family), services, allow };
  const essential = allow && draw.chance(20);
  const inspect = allow && !weaker && draw.chance(8);
  const chosen = (percent: number, text: string): string[] => (draw.chance(percent) ? [text] : []);
  const properties = [
    `from ${asked.from}`,
    `to ${asked.to}`,
    `${allow ? 'allow' : 'deny'} ${services}`,
    ...(inspect ? ['inspect pdu'] : []),
    ...(weaker || inspect ? ['accept-weaker ports "no inspection here"'] : []),
    ...(essential ? ['essential'] : []),
    ...(allow && !essential ? chosen(12, 'rate 2/second burst 3') : []),
    ...chosen(5, 'disabled "not now"'),
    ...(allow ? chosen(12, `expires ${draw.pick(['2020-01-31', '2026-11-21', '2026-11-22', '2026-12-20', '2030-01-01'])}`) : []),
    ...chosen(50, 'owner "ot-net"'),
    ...chosen(30, 'reason "agreed"'),
    ...chosen(20, 'ticket "T-1"'),
    ...chosen(15, 'log'),
    ...chosen(10, 'count'),
  ];
  return { piece: { kind: 'flow', name, text: `flow ${name} {\n  ${properties.join('\n  ')}\n}` }, asked };
}

// -- what is asked ------------------------------------------------------------------------------------------------------------------------

const ownServices = ['ssh', 'tcp 22-23', 'https', 'icmp echo-request', 'udp 123', 'udp 67', 'udp 68', 'any except ssh'];

/** Two sides and services: those of a flow, a little changed now and then, or any. */
function question(scene: Scene, asked: readonly Asked[], allow: boolean): { from: string; to: string; services: string } {
  const { draw, places } = scene;
  const near = asked.filter((one) => one.allow === allow);
  const anywhere = (): string => side(scene, draw.pick(places.zones), undefined);
  const base = near.length > 0 && draw.chance(60) ? draw.pick(near) : undefined;
  const own = draw.pick(scene.gateways);
  const self = own.addresses.length > 0 && draw.chance(50) ? draw.pick(own.addresses) : own.name;
  const named = draw.chance(8) ? draw.pick(['from', 'to'] as const) : undefined;
  return {
    from: named === 'from' ? self : base !== undefined && draw.chance(80) ? base.from : anywhere(),
    to: named === 'to' ? self : base !== undefined && draw.chance(80) ? base.to : anywhere(),
    services:
      named !== undefined && draw.chance(60)
        ? draw.pick(ownServices)
        : base !== undefined && draw.chance(70)
          ? base.services
          : serviceWords(draw, scene.declared, 'question').text,
  };
}

/** What a chain is said to lead through: a zone, its hosts, a part of it, or a gateway. */
function middle(scene: Scene): string {
  const { draw, places } = scene;
  const zone = draw.pick(places.zones);
  const host = places.hosts.find((one) => one.zone === zone.name);
  if (draw.chance(12)) return draw.pick(scene.gateways).name;
  return draw.chance(50) ? zone.name : host !== undefined && draw.chance(70) ? host.name : side(scene, zone, undefined);
}

const requirements = ['owner', 'reason', 'ticket', 'expires', 'essential', 'log', 'count', 'rate', 'expires within 60 days', 'inspect pdu', 'inspect ports'];

function drawAssert(scene: Scene, asked: readonly Asked[], name: string): SmallPiece {
  const { draw } = scene;
  const enforced = draw.chance(25) ? ' where enforced' : '';
  const body = draw.weighted<() => string>([
    [4, () => ((one) => `never ${one.from} -> ${one.to}${draw.chance(70) ? ` : ${one.services}` : ''}${enforced}`)(question(scene, asked, false))],
    [2, () => ((one) => `never ${one.from} -> ${one.to} : ${one.services}${enforced}`)(question(scene, asked, true))],
    [4, () => ((one) => `always ${one.from} -> ${one.to} : ${one.services}${enforced}`)(question(scene, asked, true))],
    [4, () => ((one) => `${one.from} -> ${one.to} only via ${middle(scene)}${enforced}`)(question(scene, asked, draw.chance(50)))],
    [4, () => ((one) => `${one.from} -> ${one.to} at least ${draw.integer(1, 4)} hops${enforced}`)(question(scene, asked, draw.chance(50)))],
    [
      3,
      () => {
        const one = question(scene, asked, true);
        const ends = `${draw.chance(50) ? ` from ${one.from}` : ''}${draw.chance(60) ? ` to ${one.to}` : ''}`;
        const all = Array.from({ length: draw.integer(1, 2) }, () => draw.some(requirements, 3, 1).join(' or '));
        return `every flow${ends} has ${all.join(', ')}`;
      },
    ],
  ])();
  return { kind: 'assert', name, text: `assert ${name} { ${body} }` };
}

function testLine(scene: Scene, asked: readonly Asked[]): string {
  const allow = scene.draw.chance(50);
  const one = question(scene, asked, allow);
  return `${allow ? 'allow' : 'deny'} ${one.from} -> ${one.to} : ${one.services}`;
}
