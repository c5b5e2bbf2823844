/**
 * Which gateway faces what in a small random plant.
 *
 * Takes the zones, gives one to three gateways: each with a few zones of its own choice, all in a chain, or two side by side; interfaces
 * that several zones share, zones that two interfaces face, and zones that nobody does.
 */
import { addressText, type Block } from './address-plan.ts';
import type { Draw } from './draw.ts';
import type { PlantZone } from './plant-zones.ts';

export interface SmallInterface {
  readonly zones: readonly string[];
  readonly routed: boolean;
  readonly text: string;
}

export interface SmallGateway {
  readonly name: string;
  readonly faces: readonly SmallInterface[];
  /** Static ones, as text. */
  readonly addresses: readonly string[];
}

/** Whether some gateway joins the two zones. */
export function stands(gateways: readonly SmallGateway[], from: string, to: string): boolean {
  return gateways.some(({ faces }) =>
    faces.some((left) => left.zones.includes(from) && faces.some((right) => right.zones.includes(to) && (left !== right || left.routed))),
  );
}

export function drawGateways(draw: Draw, zones: readonly PlantZone[], taken: Set<string>): SmallGateway[] {
  const count = draw.weighted([
    [4, 1],
    [5, 2],
    [2, 3],
  ]);
  const names = zones.map((zone) => zone.name);
  const shape = draw.weighted([
    [5, 'own choice'],
    [4, 'chain'],
    [2, 'side by side'],
  ] as const);
  const chain = draw.shuffled(names);
  const beside = partition(draw, names);
  return Array.from({ length: count }, (_, index) => {
    const at = Math.min(index, names.length - 2);
    const behind = draw.chance(50);
    const faces =
      shape === 'chain'
        ? [behind ? chain.slice(0, at + 1) : chain.slice(at, at + 1), behind ? chain.slice(at + 1) : chain.slice(at + 1, at + 2)]
        : shape === 'side by side' && draw.chance(80)
          ? beside
          : partition(draw, names);
    const name = `gw${index + 1}`;
    const drawn = faces.map((facing, port) => drawFace(draw, zones, facing, `eth${port}`, taken, index * 8 + port));
    return { name, faces: drawn.map(({ face }) => face), addresses: drawn.flatMap(({ addresses }) => addresses) };
  });
}

/** Two or three interfaces with most of the zones behind them. */
function partition(draw: Draw, names: readonly string[]): string[][] {
  const chosen = draw.shuffled(names).slice(0, Math.max(2, names.length - (draw.chance(25) ? 1 : 0)));
  const faces: string[][] = Array.from(
    {
      length: Math.min(
        chosen.length,
        draw.weighted([
          [3, 2],
          [4, 3],
          [1, 4],
        ]),
      ),
    },
    () => [],
  );
  chosen.forEach((name, index) => (faces[index] ?? draw.pick(faces)).push(name));
  if (draw.chance(8)) {
    const [again, face] = [draw.pick(chosen), draw.pick(faces)];
    if (!face.includes(again)) face.push(again);
  }
  return faces;
}

function drawFace(
  draw: Draw,
  zones: readonly PlantZone[],
  facing: readonly string[],
  name: string,
  taken: Set<string>,
  transit: number,
): { readonly face: SmallInterface; readonly addresses: readonly string[] } {
  const faced = zones.filter((zone) => facing.includes(zone.name));
  const open = faced.length > 1 && faced.some((zone) => zone.kind === 'untrusted');
  const sharing = draw.weighted([
    [faced.length > 1 ? 4 : 1, 'routed'],
    [faced.length > 1 ? 3 : 1, 'shared-wire "one switch"'],
    [open ? 0 : faced.length > 1 ? 3 : 14, ''],
  ]);
  const blocks = faced.flatMap((zone) => zone.items.map(({ block }) => block));
  const mode = draw.weighted([
    [8, 'static'],
    [1, 'dynamic'],
    [2, 'none'],
  ] as const);
  const own = mode === 'static' ? ownAddresses(draw, blocks, taken, transit) : [];
  const address = mode === 'dynamic' ? 'dynamic' : own.length === 0 ? 'none' : own.join(', ');
  const runs = draw.chance(15) ? `   runs ${draw.pick(['echo', 'dhcp-server', 'echo, vrrp'])}` : '';
  return {
    face: {
      zones: facing,
      routed: sharing === 'routed',
      text: `  interface ${name} { faces ${facing.join(', ')}   address ${address}${runs}${sharing === '' ? '' : `   ${sharing}`} }`,
    },
    addresses: own.map((text) => text.replace(/\/.*/, '')),
  };
}

/** Inside the networks, at their ends too, where broadcasts and anycasts are; or on a transit network that lies in no zone. */
function ownAddresses(draw: Draw, blocks: readonly Block[], taken: Set<string>, transit: number): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const here = blocks.filter((block) => block.family === family);
    const bits = family === 4 ? 32 : 128;
    if (here.length === 0 || draw.chance(15)) {
      const value = family === 4 ? 0x6440_0001n + BigInt(transit * 4) : (0xfd99n << 112n) + BigInt(transit * 4 + 1);
      return draw.chance(40) ? [`${addressText(family, value)}/${bits - 2}`] : [];
    }
    const block = draw.pick(here);
    const value = draw.big(block.first, block.last);
    if (taken.has(`${family} ${value}`)) return [];
    taken.add(`${family} ${value}`);
    const length = draw.weighted([
      [6, block.length],
      [1, bits],
      [1, Math.max(1, block.length - 1)],
    ]);
    return [`${addressText(family, value)}/${length}`];
  });
}
