/**
 * What rules read from payloads, as functions of messages.
 *
 * Takes all comparisons of one rule that look at bytes, gives the packets that they select. The one idea: bytes are no field of the packet
 * space, so only whole forms are understood: "no payload", and "one whole message with one of these codes". A form that selects a part of what
 * a function may look like is refused. The layout of each protocol stands here a second time, on purpose: an error in either shows.
 */
import { functionTable } from '../../src/policy/gateway-policy.ts';
import { allFunctions, noFunction } from '../../src/packets/functions.ts';
import { empty, fields, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { protocolNames } from './read-names.ts';
import { type Item, Refusal } from './read-tree.ts';
import { readNumber } from './read-values.ts';

/** The one comparison of TCP flags that is understood: no urgent byte, which a server would take out of the message. */
export const notUrgent = 'tcp flags ! urg';

/** What a rule may compare besides keys of the packet space. */
const looks: ReadonlySet<string> = new Set([
  '@nh,0,8',
  '@th,96,8',
  '@ih,16,16',
  '@ih,32,16',
  '@ih,56,8',
  '@ih,56,16',
  '@ih,56,24',
  'ip length',
  'ip6 length',
  'ip6 nexthdr',
  'udp length',
  notUrgent,
]);

export function isPayload(name: string): boolean {
  return looks.has(name);
}

export interface PayloadMatch {
  readonly names: readonly string[];
  readonly negated: boolean;
  readonly items: readonly Item[];
}

/** What selects packets: those that match, those of which nothing can be said. */
export interface Selected {
  readonly set: Node;
  readonly unknown: Node;
  readonly reason: string;
}

/** What the length field of a Modbus request says, by function code: its least value, its most, and the steps between (V1.1b3, sections 6.1 to 6.21). */
const modbusLengths: Readonly<Record<number, readonly [least: number, most: number, step: number]>> = {
  1: [6, 6, 1],
  2: [6, 6, 1],
  3: [6, 6, 1],
  4: [6, 6, 1],
  5: [6, 6, 1],
  6: [6, 6, 1],
  7: [2, 2, 1],
  11: [2, 2, 1],
  12: [2, 2, 1],
  15: [8, 253, 1],
  16: [9, 253, 2],
  17: [2, 2, 1],
  20: [10, 248, 7],
  22: [8, 8, 1],
  23: [13, 253, 2],
  24: [4, 4, 1],
};
const modbusSubLengths: Readonly<Record<number, readonly [number, number, number]>> = { [43 * 256 + 14]: [5, 5, 1] };
/** Bits of the number that follows the code. */
const modbusSubBits: Readonly<Record<number, number>> = { 8: 16, 43: 8 };
const modbusAny = [2, 254, 1] as const;

interface Framing {
  readonly transport: number;
  readonly family: 4 | 6 | undefined;
  /** What the length field says; undefined for no payload. */
  readonly lengths: ReadonlySet<number> | undefined;
}

/** `alone`: no earlier match of the rule names a protocol, so that nft itself checks for TCP where TCP flags are read. */
export function selectedBy(space: PacketSpace, matches: readonly PayloadMatch[], alone: boolean, line: number | undefined): Selected {
  const { diagram } = space;
  const framing = framingOf(matches, line);
  const functions = framing.lengths === undefined ? emptyOf(matches, line) : messagesOf(matches, framing.lengths, line);
  const carried = space.among(fields.protocol, [framing.transport]);
  const inFamily = framing.family === undefined ? carried : diagram.intersect(carried, space.family(framing.family));
  return {
    set: diagram.intersect(inFamily, space.among(fields.function, functions)),
    unknown: framing.transport === 6 && alone ? empty : diagram.complement(carried),
    reason: 'bytes of a message are read from packets of another protocol',
  };
}

/** The one comparison that holds lengths against each other. */
function framingOf(matches: readonly PayloadMatch[], line: number | undefined): Framing {
  const [match, ...more] = matches.filter((one) => one.names.some((name) => name.endsWith('length')));
  if (match === undefined || more.length > 0 || match.negated) throw new Refusal(line, 'bytes are compared without holding the lengths of the packet');
  const names = match.names.join(' . ');
  const tuples = match.items.map((item) => item.map((scalar) => valueOf(scalar, line)));
  const said = match.names.at(-1) === '@ih,32,16';
  const base = said ? names.slice(0, names.lastIndexOf(' . ')) : names;
  const headers = base === 'udp length' ? 1 : 22;
  const lengths = new Map<number, Set<string>>();
  for (const tuple of tuples) {
    const values = said ? tuple.slice(0, -1) : tuple;
    const length = said ? (tuple.at(-1) ?? -1) : -1;
    // A Modbus message is six bytes and what its length field counts.
    const payload = said ? 6 + length : 0;
    if (!isConsistent(base, values, payload)) throw new Refusal(line, `lengths that do not fit each other: ${tuple.join(' . ')}`);
    const known = lengths.get(length) ?? new Set();
    known.add(values.join());
    lengths.set(length, known);
  }
  for (const found of lengths.values()) if (found.size !== headers) throw new Refusal(line, 'a set of lengths lacks some headers');
  const urgent = matches.filter((one) => one.names.includes(notUrgent)).length;
  if (urgent !== (base === 'udp length' ? 0 : 1))
    throw new Refusal(line, 'a message of TCP may hold an urgent byte, or flags of TCP are asked of another packet');
  const next = matches.find((one) => one.names.join() === 'ip6 nexthdr');
  const six = base === '@th,96,8 . ip6 length';
  if (six !== (next !== undefined) || (next !== undefined && (next.negated || next.items.length !== 1 || valueOf(next.items[0]?.[0], line) !== 6)))
    throw new Refusal(line, 'the header behind IPv6 is not held to be TCP, or is asked of another packet');
  return {
    transport: base === 'udp length' ? 17 : 6,
    family: base === 'udp length' ? undefined : six ? 6 : 4,
    lengths: said ? new Set(lengths.keys()) : undefined,
  };
}

/** Header words from 5 to 15, with or without the bit of RFC 9768; lengths as the headers count them. */
function isConsistent(base: string, values: readonly number[], payload: number): boolean {
  const tcp = (offset: number | undefined): number | undefined =>
    offset !== undefined && offset >= 0x50 && offset <= 0xff && (offset & 0x0e) === 0 ? (offset >> 4) * 4 : undefined;
  switch (base) {
    case '@nh,0,8 . @th,96,8 . ip length': {
      const header = tcp(values[1]);
      return values[0] === 0x45 && header !== undefined && values[2] === 20 + header + payload;
    }
    case '@th,96,8 . ip6 length': {
      const header = tcp(values[0]);
      return header !== undefined && values[1] === header + payload;
    }
    case 'udp length':
      return values[0] === 8 + payload;
    default:
      return false;
  }
}

function emptyOf(matches: readonly PayloadMatch[], line: number | undefined): readonly number[] {
  if (matches.some((one) => one.names.some((name) => name.startsWith('@ih')))) throw new Refusal(line, 'bytes are read of a packet without payload');
  return [noFunction];
}

function messagesOf(matches: readonly PayloadMatch[], lengths: ReadonlySet<number>, line: number | undefined): readonly number[] {
  const part = (name: string): PayloadMatch | undefined => {
    const [found, ...more] = matches.filter((one) => one.names.join() === name);
    if (more.length > 0) throw new Refusal(line, `${name} is compared twice`);
    return found;
  };
  const numbers = (match: PayloadMatch | undefined): ReadonlySet<number> | undefined =>
    match === undefined ? undefined : new Set(match.items.map((item) => valueOf(item.length === 1 ? item[0] : undefined, line)));
  const zero = part('@ih,16,16');
  if (zero?.negated !== false || numbers(zero)?.size !== 1 || numbers(zero)?.has(0) !== true)
    throw new Refusal(line, 'the protocol identifier of Modbus is not held to be zero');
  const code = part('@ih,56,8');
  if (code?.negated === true) throw new Refusal(line, '@ih,56,8 != … is not modelled');
  const codes = numbers(code);
  const [short, long] = [part('@ih,56,16'), part('@ih,56,24')];
  if (codes === undefined && short === undefined && long === undefined) throw new Refusal(line, 'no function code is compared');
  /** Whether the rule takes this code with this second number; `rest`: with any second number that has no name. */
  const takes = (number: number, sub: number | 'rest' | 'none'): boolean => {
    if (codes?.has(number) === false) return false;
    return ([short, long] as const).every((match, index) => {
      if (match === undefined) return true;
      const bits = index === 0 ? 8 : 16;
      const words = numbers(match) ?? new Set<number>();
      const own = [...words].filter((word) => word >> bits === number);
      if (own.length > 0 && modbusSubBits[number] !== bits) throw new Refusal(line, `a second number of ${bits} bits behind function code ${number}`);
      const listed = typeof sub === 'number' && own.includes(number * 2 ** bits + sub);
      return match.negated ? !listed : listed;
    });
  };
  const known = functionTable.among(allFunctions).filter((one) => one.protocol === 'modbus');
  const named = new Map<number, Set<number>>();
  for (const one of known.flatMap((each) => each.codes)) {
    if (one.number === undefined) continue;
    const subs = named.get(one.number) ?? new Set();
    if (typeof one.sub === 'number') subs.add(one.sub);
    named.set(one.number, subs);
  }
  checkWords(numbers(short), 8, named, line);
  checkWords(numbers(long), 16, named, line);
  for (const number of codes ?? []) if (!named.has(number)) throw new Refusal(line, `no function of Modbus has the code ${number}`);
  const found: number[] = [];
  for (const one of known) {
    const patterns = one.codes.map(({ number = -1, sub }): readonly [number, number | 'rest' | 'none'] => [
      number,
      typeof sub === 'number' ? sub : modbusSubBits[number] === undefined ? 'none' : 'rest',
    ]);
    const taken = patterns.filter(([number, sub]) => takes(number, sub));
    if (taken.length === 0) continue;
    if (taken.length < patterns.length) throw new Refusal(line, `only some codes of ${one.name} are taken`);
    for (const [number, sub] of taken) checkLengths(number, sub, lengths, line);
    found.push(functionTable.number(one));
  }
  if (found.length === 0) throw new Refusal(line, 'no function is taken');
  return found;
}

/** A word that names a second number of its own, or the rule would split what has one name. */
function checkWords(words: ReadonlySet<number> | undefined, bits: number, named: ReadonlyMap<number, ReadonlySet<number>>, line: number | undefined): void {
  for (const word of words ?? []) {
    if (named.get(Math.floor(word / 2 ** bits))?.has(word % 2 ** bits) !== true) throw new Refusal(line, `no function of Modbus is named by ${word}`);
  }
}

function checkLengths(code: number, sub: number | 'rest' | 'none', lengths: ReadonlySet<number>, line: number | undefined): void {
  const [least, most, step] = (typeof sub === 'number' ? modbusSubLengths[code * 256 + sub] : modbusLengths[code]) ?? modbusAny;
  const right = lengths.size === (most - least) / step + 1 && [...lengths].every((one) => one >= least && one <= most && (one - least) % step === 0);
  if (!right) throw new Refusal(line, `messages of function code ${code} have other lengths`);
}

function valueOf(scalar: Item[number] | undefined, line: number | undefined): number {
  const value = typeof scalar === 'string' ? (readNumber(scalar) ?? protocolNames.get(scalar)) : undefined;
  if (value === undefined) throw new Refusal(line, 'a byte is compared with what is no number');
  return value;
}
