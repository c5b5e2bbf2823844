/**
 * Random well-formed plants, as the text of their zone files.
 *
 * Takes a seed (or fast-check's), gives a plant with one gateway: pieces of text, and what a test needs to build the same plant of network
 * namespaces. The idea: a plant is a list of declarations, so that it can be printed in any order, cut down, and changed a little, and a
 * failing one shrinks by leaving declarations out.
 */
import { catalogue } from '../../src/catalogue/catalogue.ts';
import fc from 'fast-check';
import type { Random } from 'fast-check';
import { AddressPlan } from './address-plan.ts';
import { compileText, type Compiled } from './compile.ts';
import { Draw } from './draw.ts';
import { groupMembers, type Places, portPool, selector, serviceMembers, services } from './plant-words.ts';
import { drawHosts, drawInterfaces, drawZones, type PlantHost, type PlantInterface, type PlantZone, zoneFamilies } from './plant-zones.ts';

export type PieceKind = 'policy' | 'zone' | 'host' | 'group' | 'service' | 'conduit' | 'flow' | 'gateway' | 'traffic';

/** One declaration. Flows may stand inside a conduit; traffic stands inside the gateway. */
export interface Piece {
  readonly kind: PieceKind;
  readonly name: string;
  readonly inside: string | undefined;
  /** Without its closing brace, if others stand inside it. */
  readonly text: string;
}

export interface Plant {
  readonly seed: number;
  readonly pieces: readonly Piece[];
  readonly zones: readonly PlantZone[];
  readonly hosts: readonly PlantHost[];
  readonly interfaces: readonly PlantInterface[];
}

/** The zone file. */
export function zoneFile(plant: Plant): string {
  const inner = (outer: string, indent: string): string =>
    plant.pieces
      .filter((piece) => piece.inside === outer)
      .map((piece) => `${indent}${piece.text}\n`)
      .join('');
  return plant.pieces
    .filter((piece) => piece.inside === undefined)
    .map((piece) => (piece.kind === 'conduit' || piece.kind === 'gateway' ? `${piece.text}\n${inner(piece.name, '  ')}}\n` : `${piece.text}\n`))
    .join('');
}

export function plantOf(seed: number): Plant {
  return drawPlant(Draw.seeded(seed), seed);
}

/** The first plant that compiles, counting up from the seed, and the seeds that gave none. */
export function compilingPlant(seed: number): { readonly plant: Plant; readonly compiled: Compiled; readonly failed: readonly Compiled[] } {
  const failed: Compiled[] = [];
  for (let at = seed; at < seed + 50; at += 1) {
    const plant = plantOf(at);
    const compiled = compileText(zoneFile(plant));
    if (compiled.errors.length === 0) return { plant, compiled, failed };
    failed.push(compiled);
  }
  throw new Error(`no plant compiles near seed ${seed}: ${failed[0]?.errors.join('; ') ?? ''}`);
}

/** `functions`: what may name functions; a deny of them needs a target that tells them apart. */
export function drawPlant(draw: Draw, seed = 0, functions: 'allows' | 'flows' = 'allows'): Plant {
  const zones = drawZones(draw, new AddressPlan(draw));
  const interfaces = drawInterfaces(draw, zones);
  const hosts = drawHosts(draw, zones, interfaces);
  const pool = portPool(draw);
  const groups: { name: string; zone: string }[] = [];
  const places: Places = { zones, hosts, groups };
  const top = (kind: PieceKind, name: string, text: string, inside?: string): Piece => ({ kind, name, text, inside });
  const pieces: Piece[] = [
    top('policy', 'policy', `policy "plant ${seed}" { revision ${draw.integer(1, 99)} }`),
    ...zones.map((zone) => top('zone', zone.name, zone.text)),
    ...hosts.map((host) => top('host', host.name, host.text)),
  ];
  for (let index = draw.integer(0, 4); index > 0; index -= 1) {
    const zone = draw.pick(zones);
    const name = `group_${index}`;
    pieces.push(top('group', name, `group ${name} { ${groupMembers(draw, places, zone)} }`));
    groups.push({ name, zone: zone.name });
  }
  const declared: string[] = [];
  for (let index = draw.integer(0, 3); index > 0; index -= 1) {
    pieces.push(top('service', `svc_${index}`, `service svc_${index} { ${serviceMembers(draw, pool, declared)} }`));
    declared.push(`svc_${index}`);
  }
  const pairs = joinedPairs(zones, interfaces);
  const words: Words = { draw, places, pool, declared, functions };
  pieces.push(...drawConduits(words, pairs), ...drawFlows(words, pairs), ...drawGateway(words, interfaces));
  return { seed, pieces, zones, hosts, interfaces };
}

interface Words {
  readonly functions: 'allows' | 'flows';
  readonly draw: Draw;
  readonly places: Places;
  readonly pool: readonly number[];
  readonly declared: readonly string[];
}

type ZonePair = readonly [from: PlantZone, to: PlantZone];

/** Pairs that the gateway stands between and that share a family. */
function joinedPairs(zones: readonly PlantZone[], interfaces: readonly PlantInterface[]): ZonePair[] {
  const joined = (from: string, to: string): boolean =>
    interfaces.some((left) => left.zones.includes(from) && interfaces.some((right) => right.zones.includes(to) && (left !== right || left.routed)));
  return zones.flatMap((from) =>
    zones
      .filter((to) => joined(from.name, to.name) && zoneFamilies(from).some((family) => zoneFamilies(to).includes(family)))
      .map((to): ZonePair => [from, to]),
  );
}

const longName = 'a_flow_whose_name_is_as_long_as_names_may_be_so_that_it_is_cut';

function drawFlows(words: Words, pairs: readonly ZonePair[]): Piece[] {
  if (pairs.length === 0) return [];
  return Array.from({ length: words.draw.integer(3, 14) }, (_, index) => {
    const pair = words.draw.pick(pairs);
    const name = index === 0 && words.draw.chance(10) ? longName : `flow_${index}`;
    return { kind: 'flow', name, inside: undefined, text: flowText(words, name, pair, false) };
  });
}

function drawConduits(words: Words, pairs: readonly ZonePair[]): Piece[] {
  const { draw } = words;
  const apart = pairs.filter(([from, to]) => from !== to);
  const chosen = draw
    .some(apart, 2)
    .filter(([from, to], index, all) => all.findIndex(([a, b]) => (a === from && b === to) || (a === to && b === from)) === index);
  return chosen.flatMap(([from, to], index): Piece[] => {
    const both = draw.chance(50);
    const name = `conduit_${index}`;
    const properties = [
      ...(draw.chance(50) ? ['log denied'] : []),
      ...(draw.chance(25) ? ['log'] : []),
      ...(draw.chance(25) ? ['count'] : []),
      ...(draw.chance(20) ? ['owner "ot-net"  reason "agreed"'] : []),
      ...(draw.chance(10) ? ['expires 2027-03-31'] : []),
    ];
    const head = `conduit ${name} ${from.name} ${both ? '<->' : '->'} ${to.name} {${properties.map((property) => `\n  ${property}`).join('')}`;
    const flows = Array.from({ length: draw.integer(0, 3) }, (_none, at): Piece => {
      const pair: ZonePair = both && draw.chance(40) ? [to, from] : [from, to];
      const flow = `inside_${index}_${at}`;
      return { kind: 'flow', name: flow, inside: name, text: flowText(words, flow, pair, true) };
    });
    return [{ kind: 'conduit', name, inside: undefined, text: head }, ...flows];
  });
}

/** Protocols with functions in which only clients open conversations. */
const onlyClients = new RegExp(
  `\\b(?:${[...catalogue.values()].flatMap(({ name, functions, serverMayDial }) => (functions.length > 0 && !serverMayDial ? [name] : [])).join('|')})\\b`,
  'u',
);

function flowText(words: Words, name: string, [from, to]: ZonePair, within: boolean): string {
  const { draw, places, pool, declared, functions } = words;
  const allow = draw.chance(75);
  const family = draw.pick(zoneFamilies(from).filter((one) => zoneFamilies(to).includes(one)));
  const lines = Array.from({ length: draw.chance(85) ? 1 : 2 }, () => services(draw, pool, declared, allow || functions === 'flows'));
  const properties = draw.shuffled([
    `from ${selector(draw, places, from, family, within)}`,
    `to ${selector(draw, places, to, family, within)}`,
    ...lines.map(({ text }) => `${allow ? 'allow' : 'deny'} ${text}`),
    ...(lines.some(({ weaker }) => weaker) ? ['accept-weaker ports "no inspection on this gateway"'] : []),
    // Servers of these may dial, so that it has to be said who asks; of a deny, and beside protocols of clients alone, the caller.
    ...(lines.some(({ text }) => /\b(?:dnp3|hsms|opcua)\b/u.test(text))
      ? [`requests ${allow && !lines.some(({ text }) => onlyClients.test(text)) && draw.chance(50) ? 'backward' : 'forward'}`]
      : []),
    ...flowEffects(draw, allow),
  ]);
  return `flow ${name} {\n    ${properties.join('\n    ')}\n  }`;
}

function flowEffects(draw: Draw, allow: boolean): string[] {
  return [
    ...(draw.chance(15) ? ['log'] : []),
    ...(draw.chance(15) ? ['count'] : []),
    ...(allow && draw.chance(6) ? [`rate ${draw.integer(1, 20)}/${draw.pick(['second', 'minute'])} burst ${draw.integer(1, 10)}`] : []),
    ...(draw.chance(5) ? ['disabled "not now"'] : []),
    ...(allow && draw.chance(8) ? [`expires ${draw.pick(['2020-01-31', '2026-11-21', '2026-11-22', '2030-01-01'])}`] : []),
  ];
}

function drawGateway(words: Words, interfaces: readonly PlantInterface[]): Piece[] {
  const { draw, places, pool, declared } = words;
  const faced = places.zones.filter((zone) => interfaces.some((face) => face.zones.includes(zone.name)));
  const options = [
    ...(draw.chance(30) ? [`mark-mask ${draw.pick(['0xffff0000', '0x0000ffff', '0x00ffff0f', '0x8000ffff', '0xfffffffe', '4294967295'])}`] : []),
    ...(draw.chance(5) ? ['priority 0'] : []),
  ];
  const head = `gateway gw {\n  target nftables${options.length === 0 ? '' : ` { ${options.join('   ')} }`}\n${interfaces.map((face) => face.text).join('\n')}`;
  const line = (kind: string): Piece => {
    const words2 = services(draw, pool, declared, false);
    const effects = flowEffects(draw, true);
    const text = `${kind} ${kind === 'send' ? 'to' : 'from'} ${selector(draw, places, draw.pick(faced), undefined)} allow ${words2.text}${effects.length === 0 ? '' : ` { ${effects.join('   ')} }`}`;
    return { kind: 'traffic', name: text, inside: 'gw', text };
  };
  const traffic = (['manage', 'receive', 'send'] as const).flatMap((kind) =>
    Array.from({ length: draw.integer(0, kind === 'send' ? 3 : 2) }, () => line(kind)),
  );
  if (!traffic.some((piece) => piece.text.startsWith('manage')) && draw.chance(70))
    traffic.push({ kind: 'traffic', name: 'manage none', inside: 'gw', text: 'manage none "console only"' });
  return [{ kind: 'gateway', name: 'gw', inside: undefined, text: head }, ...traffic];
}

/** The same zone file, or the words of its target alone, with denied messages answered. */
export function withResets(text: string): string {
  return text.replace(
    /(?<=^|target )(nftables|iptables)(?: \{([^}]*)\})?/u,
    (_, target: string, options: string | undefined) => `${target} { ${options ?? ''} denied-messages reset }`,
  );
}

/** The same declarations in another order. */
export function reordered(plant: Plant, draw: Draw): Plant {
  return { ...plant, pieces: draw.shuffled(plant.pieces) };
}

/** The plant without a declaration; with a conduit go the flows inside it. */
export function without(plant: Plant, gone: Piece): Plant {
  return { ...plant, pieces: plant.pieces.filter((piece) => piece !== gone && (gone.kind !== 'conduit' || piece.inside !== gone.name)) };
}

/** Declarations that may be left out, those with the greatest effect first. */
export function removable(plant: Plant): Piece[] {
  const order: readonly PieceKind[] = ['conduit', 'flow', 'traffic', 'group', 'service', 'host'];
  return order.flatMap((kind) => plant.pieces.filter((piece) => piece.kind === kind));
}

/** A neighbour of the plant: some flows and lines of traffic leave, so conversations of the old policy may be cut. */
export function changed(plant: Plant, draw: Draw): Plant {
  const pieces = plant.pieces.filter((piece) => (piece.kind !== 'flow' && piece.kind !== 'traffic') || !draw.chance(25));
  return { ...plant, pieces };
}

class PlantArbitrary extends fc.Arbitrary<Plant> {
  generate(random: Random): fc.Value<Plant> {
    const plant = drawPlant(new Draw((first, last) => random.nextInt(first, last)));
    return new fc.Value(plant, undefined);
  }

  canShrinkWithoutContext(_value: unknown): _value is Plant {
    return true;
  }

  shrink(plant: Plant): fc.Stream<fc.Value<Plant>> {
    return fc.stream(removable(plant).values()).map((piece) => new fc.Value(without(plant, piece), undefined));
  }
}

/** For properties. Most plants compile; `fc.pre(compiled.errors.length === 0)` leaves out those that do not. */
export const plants: fc.Arbitrary<Plant> = new PlantArbitrary();
