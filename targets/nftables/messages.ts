/**
 * Looking into messages, grade `pdu`: a packet passes if it is one whole message of an allowed function, or has no payload.
 *
 * Takes a set of functions, gives a chain that leads its messages to a verdict and lets others come back. The one idea: one lookup compares
 * the header's length, the packet's length and the protocol's own length field, so that a message in two segments, or two in one, is none.
 * IP options, and IPv6 headers before TCP, are in no set: what has them is not recognised. Nor is what TCP marks as urgent, with or without
 * payload: the server's stack takes the urgent byte out of the stream, so that another message is read than was looked at.
 */
import { type Frame, frames } from '../../src/catalogue/frames.ts';
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import type { Family } from '../../src/net/address.ts';
import { type Ranges, subtractRanges } from '../../src/net/ranges.ts';
import { allFunctions, type FunctionSet } from '../../src/packets/functions.ts';
import { functionTable } from '../../src/policy/gateway-policy.ts';
import type { Ruleset } from './ruleset.ts';
import { anonymousSet, concatenation, keyword, number, payload, phrase, type Token } from './tokens.ts';

/** Header lengths of TCP in words of four bytes, and the bit beside them that explicit congestion notification may set (RFC 9768). */
const dataOffsets = Array.from({ length: 11 }, (_, index) => 5 + index);
const tcp = 6;
const back = keyword('return');

export class Messages {
  readonly #ruleset: Ruleset;
  readonly #chains = new Map<string, Token>();

  constructor(ruleset: Ruleset) {
    this.#ruleset = ruleset;
  }

  /** A chain that sends the messages of the functions to `verdict`; others return. */
  chain(family: Family, transports: readonly number[], functions: FunctionSet, verdict: Token): Token {
    const key = `${family} ${transports.join()} ${textOf(functions)} ${verdict}`;
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const unknown = functionTable.hasOther(functions);
    // Where what is not recognised is meant, too, the rest is sent back first.
    const told = unknown ? subtractRanges<number>(allFunctions, functions) : functions;
    const tests = transports.flatMap((transport) => this.#tests(family, transport, told));
    const rules = unknown ? [...tests.map((match) => phrase(...match, back)), verdict] : tests.map((match) => phrase(...match, verdict));
    const chain = this.#ruleset.chain(this.#ruleset.numbered('says'), rules);
    this.#chains.set(key, chain);
    return chain;
  }

  /** Matches of packets without payload, if the functions hold them, and of whole messages. */
  #tests(family: Family, transport: number, functions: FunctionSet): Token[][] {
    const front = [keyword('meta l4proto'), number(transport), ...(transport === tcp ? [keyword('tcp flags ! urg')] : [])];
    const none = functionTable.hasNone(functions) ? [[...front, ...this.#framing(family, transport, undefined, undefined)]] : [];
    const byProtocol = new Map<string, ProtocolFunction[]>();
    for (const one of functionTable.among(functions)) byProtocol.set(one.protocol, [...(byProtocol.get(one.protocol) ?? []), one]);
    return [
      ...none,
      ...[...byProtocol].flatMap(([protocol, some]) => {
        const frame = frames.get(protocol);
        if (frame === undefined) throw new Error(`messages of ${protocol} cannot be looked into`);
        return this.#messages(family, transport, frame, some, front);
      }),
    ];
  }

  #messages(family: Family, transport: number, frame: Frame, functions: readonly ProtocolFunction[], front: readonly Token[]): Token[][] {
    const { zeroAt, functionAt } = frame;
    const zero = [payload('ih', zeroAt, 16), number(0)];
    const codes = functions.flatMap((one) => one.codes);
    const tests: Token[][] = [];
    const add = (bytes: 1 | 2 | 3, values: readonly number[], lengths: readonly number[] | undefined): void => {
      const framing = this.#framing(family, transport, frame, lengths);
      tests.push([...front, ...zero, payload('ih', functionAt, bytes * 8), anonymousSet(values.map(number)), ...framing]);
    };
    const plain = codes.flatMap(({ number: code, sub }) => (code === undefined || sub !== undefined || frame.divided.has(code) ? [] : [code]));
    for (const { lengths, values } of grouped([...new Set(plain)], (code) => frame.lengths.get(code))) add(1, values, lengths);
    for (const [code, width] of frame.divided) {
      const mine = codes.filter((one) => one.number === code);
      const named = allCodes(frame.protocol).flatMap((one) => (one.number === code && typeof one.sub === 'number' ? [one.sub] : []));
      const chosen = mine.flatMap(({ sub }) => (typeof sub === 'number' ? [sub] : []));
      const word = (sub: number): number => code * 2 ** (8 * width) + sub;
      const lengthsOf = (sub: number): readonly number[] | undefined => frame.dividedLengths.get(code * 65_536 + sub);
      for (const { lengths, values } of grouped(chosen, lengthsOf)) add(width === 1 ? 2 : 3, values.map(word), lengths);
      if (!mine.some(({ sub }) => sub === undefined)) continue;
      // Any second number but those that have names of their own.
      const framing = this.#framing(family, transport, frame, undefined);
      tests.push([...front, ...zero, payload('ih', functionAt, 8), number(code), ...this.#notAny(functionAt, width, named.map(word)), ...framing]);
    }
    return tests;
  }

  #notAny(functionAt: number, width: 1 | 2, words: readonly number[]): Token[] {
    return words.length === 0 ? [] : [payload('ih', functionAt, 8 + 8 * width), keyword('!='), anonymousSet(words.map(number))];
  }

  /** A lookup of lengths: no payload, or one message of some lengths, or of any. */
  #framing(family: Family, transport: number, frame: Frame | undefined, some: readonly number[] | undefined): Token[] {
    const what = frame === undefined ? 'empty' : `${frame.protocol}.${some === undefined ? 'any' : nameOf(some)}`;
    const lengths = frame === undefined ? [undefined] : (some ?? span(frame.least, frame.most));
    const said = frame === undefined ? [] : [payload('ih', frame.lengthAt, 16)];
    const total = (one: number | undefined): number => (frame === undefined || one === undefined ? 0 : frame.lengthAt + 2 + one);
    if (transport !== tcp) {
      const keys = [keyword('udp length'), ...said];
      const elements = (): Token[] => lengths.map((one) => concatenation([number(8 + total(one)), ...(one === undefined ? [] : [number(one)])]));
      return [concatenation(keys), this.#ruleset.payloadSet(`message.${what}.udp`, keys, elements)];
    }
    const keys = [...(family === 4 ? [payload('nh', 0, 8)] : []), payload('th', 12, 8), keyword(family === 4 ? 'ip length' : 'ip6 length'), ...said];
    const elements = (): Token[] =>
      lengths.flatMap((one) =>
        dataOffsets.flatMap((words) =>
          [0, 1].map((bit) => {
            const header = words * 4 + (family === 4 ? 20 : 0);
            const values = [...(family === 4 ? [0x45] : []), words * 16 + bit, header + total(one), ...(one === undefined ? [] : [one])];
            return concatenation(values.map(number));
          }),
        ),
      );
    const next = family === 4 ? [] : [keyword('ip6 nexthdr'), number(tcp)];
    return [...next, concatenation(keys), this.#ruleset.payloadSet(`message.${what}.tcp.${family}`, keys, elements)];
  }
}

function allCodes(protocol: string): readonly ProtocolFunction['codes'][number][] {
  return functionTable.among(allFunctions).flatMap((one) => (one.protocol === protocol ? one.codes : []));
}

/** Values that have the same lengths together, in the order of the first. */
function grouped(
  values: readonly number[],
  lengthsOf: (value: number) => readonly number[] | undefined,
): { lengths: readonly number[] | undefined; values: number[] }[] {
  const groups = new Map<string, { lengths: readonly number[] | undefined; values: number[] }>();
  for (const value of values.toSorted((a, b) => a - b)) {
    const lengths = lengthsOf(value);
    const key = lengths?.join() ?? '';
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { lengths, values: [value] });
    else group.values.push(value);
  }
  return [...groups.values()];
}

/** `6`, or `10-248x35` for thirty-five lengths. */
function nameOf(lengths: readonly number[]): string {
  return lengths.length === 1 ? String(lengths[0]) : `${lengths[0] ?? 0}-${lengths.at(-1) ?? 0}x${lengths.length}`;
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function textOf(ranges: Ranges<number>): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join();
}
