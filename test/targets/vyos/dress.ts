/**
 * A plant of the generators as VyOS can have it: the target, interfaces of the platform's own names, and no rates.
 *
 * Takes text or a whole plant, gives the same with these three changed; everything else stays.
 */
import type { Plant, Piece } from '../../generators/plants.ts';

export type Version = '1.4' | '1.5';

/** Names that VyOS gives no interface → one that it does. */
const renamed: ReadonlyMap<string, string> = new Map([
  ['br-lan', 'br0'],
  ['lan_a', 'eth7'],
  ['0up', 'eth8'],
  ['e', 'bond0'],
  ['abcdefghijklmno', 'vxlan123456.100'],
]);

export function withoutRates(text: string): string {
  return text.replaceAll(/rate \d+\/(?:second|minute) burst \d+/gu, '');
}

export function forVyos(text: string, version: Version = '1.5'): string {
  return withoutRates(text).replaceAll(/target nftables(?: \{[^}]*\})?/gu, `target vyos { version "${version}" }`);
}

/** The same plant on a box of VyOS, for every target. */
export function onVyosInterfaces(plant: Plant): Plant {
  const text = (old: string): string =>
    old.replaceAll(/^ {2}interface "?([A-Za-z0-9_.-]+)"? \{/gmu, (_, name: string) => `  interface "${renamed.get(name) ?? name}" {`);
  return {
    ...plant,
    pieces: plant.pieces.map((piece): Piece => (piece.kind === 'gateway' ? { ...piece, text: text(piece.text) } : piece)),
    interfaces: plant.interfaces.map((face) => ({ ...face, name: renamed.get(face.name) ?? face.name, text: text(face.text) })),
  };
}
