/**
 * Address blocks for random plants.
 *
 * Takes random choices, gives blocks that never overlap but often touch, in both families and at the ends of the address space, and the
 * addresses and parts in them that matter. The idea: neighbours in the plan belong to different zones, so that a rule that is one
 * address too wide lets something through that another zone must not.
 */
import { type Address, type Family, formatAddress } from '../../src/net/address.ts';
import type { Draw } from './draw.ts';

/** First and last address; a bigint in either family. */
export interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

export interface Block extends Span {
  readonly family: Family;
  readonly length: number;
}

export function addressText(family: Family, value: bigint): string {
  return formatAddress(addressOf(family, value));
}

const top = { 4: 0xffff_ffffn, 6: (1n << 128n) - 1n } as const;

/** Kept within the family's addresses. */
export function addressOf(family: Family, value: bigint): Address {
  const kept = value < 0n ? 0n : value > top[family] ? top[family] : value;
  return family === 4 ? { family, value: Number(kept) } : { family, value: kept };
}

export function blockText(block: Block): string {
  return `${addressText(block.family, block.first)}/${block.length}`;
}

export function blockAround(family: Family, address: bigint, length: number): Block {
  const size = 1n << BigInt((family === 4 ? 32 : 128) - length);
  const first = (address / size) * size;
  return { family, length, first, last: first + size - 1n };
}

/** Regions in which blocks are laid out one after the other. */
const regions4: readonly (readonly [first: number, last: number])[] = [
  [0x0a00_0000, 0x0aff_ffff],
  [0xac10_0000, 0xac1f_ffff],
  [0xc0a8_0000, 0xc0a8_ffff],
  [0x0100_0000, 0x0101_ffff],
  [0xdffe_0000, 0xdfff_ffff],
  [0xf000_0000, 0xf001_ffff],
];
const regions6: readonly (readonly [first: bigint, last: bigint])[] = [
  [0x2001_0db8n << 96n, (0x2001_0db9n << 96n) - 1n],
  [0xfdn << 120n, (0xfd01n << 112n) - 1n],
  [0xfec0n << 112n, (0xfec1n << 112n) - 1n],
];

/** Lays out blocks in one region of each family. */
export class AddressPlan {
  readonly #draw: Draw;
  #cursor: { readonly 4: [bigint, bigint]; readonly 6: [bigint, bigint] };

  constructor(draw: Draw) {
    this.#draw = draw;
    const four = draw.pick(regions4);
    const six = draw.pick(regions6);
    this.#cursor = { 4: [BigInt(four[0]), BigInt(four[1])], 6: [six[0], six[1]] };
  }

  block(family: Family): Block {
    const draw = this.#draw;
    const four = [
      [4, 24],
      [2, 22],
      [2, 26],
      [2, 28],
      [2, 30],
      [1, 29],
      [1, 31],
      [1, 32],
      [1, 20],
    ] as const;
    const six = [
      [4, 64],
      [2, 56],
      [1, 48],
      [1, 112],
      [1, 120],
      [1, 126],
      [1, 127],
      [1, 128],
    ] as const;
    const length = draw.weighted(family === 4 ? four : six);
    const size = 1n << BigInt((family === 4 ? 32 : 128) - length);
    const cursor = this.#cursor[family];
    // One step of the same size is sometimes left free: addresses of no zone between two zones.
    if (draw.chance(30)) cursor[0] += size;
    const first = ((cursor[0] + size - 1n) / size) * size;
    cursor[0] = first + size;
    if (first + size - 1n > cursor[1]) throw new Error('the region is used up');
    return { family, length, first, last: first + size - 1n };
  }
}

/** A network inside the block, as wide as it or narrower. */
export function subnet(draw: Draw, block: Block, longest = block.family === 4 ? 32 : 128): Block {
  const length = Math.min(longest, block.length + draw.pick([0, 1, 1, 2, 3, 5, 8]));
  return blockAround(block.family, draw.big(block.first, block.last), Math.max(block.length, length));
}

/** A part of the span with random ends; each end is the span's own now and then. */
export function partOf(draw: Draw, span: Span): Span {
  const a = draw.chance(25) ? span.first : near(draw, span);
  const b = draw.chance(25) ? span.last : near(draw, span);
  return a <= b ? { first: a, last: b } : { first: b, last: a };
}

function near(draw: Draw, span: Span): bigint {
  const size = span.last - span.first;
  return draw.chance(50) ? draw.big(span.first, span.last) : span.first + (draw.big(0n, 15n) % (size + 1n));
}

/** The span without the hole, which lies inside it. */
export function around(span: Span, hole: Span): Span[] {
  return [
    { first: span.first, last: hole.first - 1n },
    { first: hole.last + 1n, last: span.last },
  ].filter(({ first, last }) => first <= last);
}

export function spanText(family: Family, span: Span): string {
  return span.first === span.last ? addressText(family, span.first) : `${addressText(family, span.first)}-${addressText(family, span.last)}`;
}
