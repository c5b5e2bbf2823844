// Messages of Modbus of all 256 function codes, and what the specification says of each. Takes rows of functions, gives samples with every length
// that may matter and a judge of them. The idea: what should pass is written here from the specification, and nothing of it is asked from the code
// under test.

/** Lengths that a function's messages may have, as the length field counts them: unit, function, what follows. */
export type Row = readonly [code: number, second: number | 'any' | 'rest', least: number, most: number, by: number];

// Modbus Application Protocol V1.1b3, sections 6.1 to 6.21; where that knows no function or leaves its length open, anything that fits a message.
export const reading: readonly Row[] = [
  [1, 'any', 6, 6, 1],
  [2, 'any', 6, 6, 1],
  [3, 'any', 6, 6, 1],
  [4, 'any', 6, 6, 1],
  [20, 'any', 10, 248, 7],
  [24, 'any', 4, 4, 1],
  [43, 14, 5, 5, 1],
];
export const diagnosing: readonly Row[] = [
  [7, 'any', 2, 2, 1],
  [8, 'rest', 4, 254, 1],
  [8, 10, 4, 254, 1],
  [11, 'any', 2, 2, 1],
  [12, 'any', 2, 2, 1],
  [17, 'any', 2, 2, 1],
  [10, 'any', 2, 254, 1],
  [14, 'any', 2, 254, 1],
  [91, 'any', 2, 254, 1],
  [127, 'any', 2, 254, 1],
];
export const writing: readonly Row[] = [
  [5, 'any', 6, 6, 1],
  [6, 'any', 6, 6, 1],
  [15, 'any', 8, 253, 1],
  [16, 'any', 9, 253, 2],
  [21, 'any', 2, 254, 1],
  [22, 'any', 8, 8, 1],
  [23, 'any', 13, 253, 2],
];
export const controlling: readonly Row[] = [
  [8, 1, 4, 254, 1],
  [8, 4, 4, 254, 1],
  [19, 'any', 2, 254, 1],
];
export const programming: readonly Row[] = [9, 13, 18, 40, 42, 90, 125, 126].map((code): Row => [code, 'any', 2, code === 90 ? 1454 : 254, 1]);
const carrying: readonly Row[] = [
  [41, 'any', 2, 254, 1],
  [43, 'rest', 3, 254, 1],
];
// What carries other requests may carry writes.
export const allOther = [...reading, ...diagnosing, ...controlling, ...programming];

export interface Sample {
  readonly code: number;
  readonly second: number | undefined;
  /** What the length field says. */
  readonly said: number;
  /** Bytes behind the length field. */
  readonly length: number;
  readonly protocol: number;
}

/** Numbers behind 8 and 43 that have names of their own. */
const namedSeconds: Readonly<Record<number, readonly number[]>> = { 8: [1, 4, 10], 43: [14] };

export function among(rows: readonly Row[], { code, second, said, length, protocol }: Sample): boolean {
  if (protocol !== 0 || said !== length) return false;
  return rows.some(([number, sub, least, most, by]) => {
    if (number !== code || length < least || length > most || (length - least) % by !== 0) return false;
    if (sub === 'any') return true;
    return sub === 'rest' ? !(namedSeconds[code] ?? []).includes(second ?? -1) : sub === second;
  });
}

/** What is not told stands full of sixes, the code of a write. */
export function encoded({ code, second, said, length, protocol }: Sample): Uint8Array {
  const words = code === 8 ? [(second ?? 0x0606) >> 8, (second ?? 0x0606) & 0xff] : [second ?? 6];
  const behind = [1, code, ...words, ...Array.from({ length: 300 }, () => 6)].slice(0, length);
  return Uint8Array.from([0, 1, protocol >> 8, protocol & 0xff, said >> 8, said & 0xff, ...behind]);
}

export function samples(): readonly Sample[] {
  const assigned = new Set([...allOther, ...writing, ...carrying].map(([code]) => code));
  const many = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 24, 31, 100, 247, 248, 249, 252, 253, 254, 255, 260];
  const list: Sample[] = [];
  const add = (code: number, length: number, change: Partial<Sample> = {}): void => {
    list.push({ code, second: undefined, said: length, length, protocol: 0, ...change });
  };
  for (let code = 0; code < 256; code += 1) {
    for (const length of assigned.has(code) ? many : [2, 5, 6, 9, 254]) add(code, length);
    add(code, 6, { said: 5 });
    add(code, 6, { said: 7 });
    add(code, 12, { said: 6 });
    add(code, 6, { protocol: 1 });
    add(code, 6, { protocol: 256 });
  }
  for (const length of [4, 5, 6, 8, 253, 254, 255]) {
    for (const second of [0, 1, 2, 4, 10, 11, 14, 21, 0x0100, 0x0400, 0x0a00, 0xffff]) add(8, length, { second });
    for (const second of [0, 8, 13, 14, 15, 255]) add(43, length, { second });
  }
  return list;
}

export function nameOf({ code, second, said, length, protocol }: Sample): string {
  return `function ${code}${second === undefined ? '' : `/${second}`}, ${length} bytes, length says ${said}, protocol ${protocol}`;
}
