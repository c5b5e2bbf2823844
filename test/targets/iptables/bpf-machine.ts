/**
 * Classic BPF as the kernel runs it, one packet after the other: what the symbolic reader is held against.
 *
 * Takes the text that iptables takes and the bytes of a packet from its IP header on, says whether the match holds. It knows the whole language (Linux,
 * Documentation/networking/filter.rst), also what nobody writes here; what the kernel would not load throws.
 */

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, k: number];

/** The program that was asked last: most are asked about many packets. */
let last: { readonly text: string; readonly program: readonly Instruction[] } | undefined;

export function parseBytecode(text: string): readonly Instruction[] {
  if (last?.text === text) return last.program;
  const [count, ...lines] = text.split(',');
  const program = lines.map((line) => {
    const [code = 0, whenTrue = 0, whenFalse = 0, k = 0] = line.split(' ').map(Number);
    return [code, whenTrue, whenFalse, k] as const;
  });
  if (Number(count) !== program.length) throw new Error(`${count} is not the number of instructions`);
  last = { text, program };
  return program;
}

/** What is not loaded: nothing at the end that returns, jumps behind it, shifts and divisions that have no meaning, instructions that do not exist. */
export function isLoadable(text: string): boolean {
  const program = parseBytecode(text);
  if (program.length > 64 || ![0x06, 0x16].includes(program.at(-1)?.[0] ?? 0)) return false;
  return program.every(([code, whenTrue, whenFalse, k], at) => {
    const left = program.length - at - 1;
    if (!known.has(code)) return false;
    if ((code === 0x34 || code === 0x94) && k === 0) return false;
    if ((code === 0x64 || code === 0x74) && k > 31) return false;
    if ([0x60, 0x61, 0x02, 0x03].includes(code) && k > 15) return false;
    if (code === 0x05) return k < left;
    return code % 8 === 5 ? Math.max(whenTrue, whenFalse) < left : true;
  });
}

const arithmetic: Readonly<Record<number, (a: number, b: number) => number>> = {
  0x00: (a, b) => a + b,
  0x10: (a, b) => a - b,
  0x20: (a, b) => Number((BigInt(a) * BigInt(b)) & 0xffff_ffffn),
  0x30: (a, b) => Math.floor(a / b),
  0x40: (a, b) => a | b,
  0x50: (a, b) => a & b,
  0x60: (a, b) => (b > 31 ? 0 : a << b),
  0x70: (a, b) => (b > 31 ? 0 : a >>> b),
  0x90: (a, b) => a % b,
  0xa0: (a, b) => a ^ b,
};

const jumps: Readonly<Record<number, (a: number, b: number) => boolean>> = {
  0x10: (a, b) => a === b,
  0x20: (a, b) => a > b,
  0x30: (a, b) => a >= b,
  0x40: (a, b) => (a & b) !== 0,
};

const operations = Object.keys(arithmetic).map(Number);
const loads = [0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1, 0x02, 0x03, 0x05, 0x06, 0x16, 0x07, 0x87, 0x84];
const known = new Set([
  ...loads,
  ...operations.flatMap((one) => [one + 0x04, one + 0x0c]),
  ...Object.keys(jumps).flatMap((one) => [Number(one) + 0x05, Number(one) + 0x0d]),
]);

export function accepts(text: string, packet: Uint8Array): boolean {
  const program = parseBytecode(text);
  const memory = Array.from({ length: 16 }, () => 0);
  let [a, x] = [0, 0];
  /** Undefined behind the end of the packet, where the kernel gives up. */
  const loaded = (at: number, size: number): number | undefined =>
    at + size > packet.length ? undefined : Array.from({ length: size }, (_, index) => packet[at + index] ?? 0).reduce((sum, byte) => sum * 256 + byte, 0);
  for (let at = 0; at < program.length; at += 1) {
    const [code, whenTrue, whenFalse, k] = program[at] ?? [0x06, 0, 0, 0];
    const operand = code % 16 >= 8 ? x : k;
    switch (code % 8) {
      case 0: {
        const size = { 0x00: 4, 0x08: 2, 0x10: 1 }[code & 0x18] ?? 0;
        const mode = code & 0xe0;
        const value = mode === 0x20 ? loaded(k, size) : mode === 0x40 ? loaded(x + k, size) : mode === 0x60 ? memory[k] : mode === 0x80 ? packet.length : k;
        if (value === undefined) return false;
        a = value;
        break;
      }
      case 1: {
        const byte = code === 0xb1 ? loaded(k, 1) : 0;
        if (byte === undefined) return false;
        x = code === 0xb1 ? (byte & 0x0f) * 4 : code === 0x61 ? (memory[k] ?? 0) : code === 0x81 ? packet.length : k;
        break;
      }
      case 2:
        memory[k] = a;
        break;
      case 3:
        memory[k] = x;
        break;
      case 4: {
        if ((code === 0x3c || code === 0x9c) && x === 0) return false;
        const of = arithmetic[code & 0xf0];
        a = (code === 0x84 ? -a : (of?.(a, operand) ?? 0)) >>> 0;
        break;
      }
      case 5:
        at += code === 0x05 ? k : jumps[code & 0xf0]?.(a, operand) === true ? whenTrue : whenFalse;
        break;
      case 6:
        return (code === 0x16 ? a : k) !== 0;
      case 7:
        if (code === 0x07) x = a;
        else a = x;
        break;
    }
  }
  throw new Error('the program has no end');
}
