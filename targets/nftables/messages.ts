/**
 * Looking into messages, grade `pdu`: a packet passes if it is one whole message of an allowed function, or has no payload.
 *
 * Takes a set of functions, gives a chain that leads its messages to a verdict and lets others come back. The one idea: one lookup compares
 * the header's length, the packet's length and the protocol's own length field, so that a message in two segments, or two in one, is none.
 * Where units or addresses are named, further lookups hold first address and quantity against the range, and the three ways to say a quantity
 * against each other.
 * IP options, and IPv6 headers before TCP, are in no set: what has them is not recognised. Nor is what TCP marks as urgent, with or without
 * payload: the server's stack takes the urgent byte out of the stream, so that another message is read than was looked at.
 */
import { type DataPlace, type DataRange, type Form, type Frame, hasLengthField, type LengthField, swapped, wordsOf } from '../../src/catalogue/frame.ts';
import { frames } from '../../src/catalogue/frames.ts';
import type { ProtocolFunction } from '../../src/catalogue/function.ts';
import type { TransportProtocol } from '../../src/catalogue/protocol.ts';
import type { Family } from '../../src/net/address.ts';
import type { Range } from '../../src/net/ranges.ts';
import { allFunctions, detailsIn, type FunctionSet, functionsText, subtractFunctions } from '../../src/packets/function-set.ts';
import { narrowedParts, type NarrowedPart } from '../../src/policy/data-ranges.ts';
import { functionTable } from '../../src/policy/gateway-policy.ts';
import type { Ruleset } from './ruleset.ts';
import { anonymousSet, concatenation, keyword, line, number, numberInterval, numbers, payload, phrase, type Token } from './tokens.ts';

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
    const key = `${family} ${transports.join()} ${functionsText(functions)} ${verdict}`;
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const unknown = functionTable.hasOther(functions);
    // Where what is not recognised is meant, too, the rest is sent back first.
    const told = unknown ? subtractFunctions(allFunctions, functions) : functions;
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
    const told = functionTable.among(functions);
    return [
      ...none,
      ...[...frames.values()].flatMap((frame) =>
        frame.forms
          .filter((form) => form.on === undefined || form.on === transportName(transport))
          .flatMap((form) => {
            const its = told.filter((one) => one.protocol === frame.protocol && one.layer.name === form.layer);
            const some = its.filter((one) => detailsIn(functions, functionTable.number(one)) !== 'all');
            const whole = its.filter((one) => !some.includes(one));
            return [
              ...(whole.length === 0 ? [] : this.#messages(family, transport, frame, form, whole, front)),
              ...this.#narrowed(family, transport, frame, form, functions, some, front),
            ];
          }),
      ),
    ];
  }

  /** Whole messages of functions of which only some units or addresses are meant: what asks for the same bytes together. */
  #narrowed(
    family: Family,
    transport: number,
    frame: Frame,
    form: Form,
    functions: FunctionSet,
    some: readonly ProtocolFunction[],
    front: readonly Token[],
  ): Token[][] {
    const groups = new Map<string, { readonly functions: ProtocolFunction[]; readonly more: readonly Token[] }>();
    for (const one of some) {
      for (const part of narrowedParts(one, detailsIn(functions, functionTable.number(one))) ?? []) {
        for (const more of this.#details(frame.protocol, form, one, part)) {
          const key = more.join(' ');
          const known = groups.get(key);
          if (known === undefined) groups.set(key, { functions: [one], more });
          else known.functions.push(one);
        }
      }
    }
    return [...groups.values()].flatMap((group) => this.#messages(family, transport, frame, form, group.functions, front, group.more));
  }

  /** Comparisons of units and addresses, any of which will do. */
  #details(protocol: string, form: Form, one: ProtocolFunction, { units, within }: NarrowedPart): readonly (readonly Token[])[] {
    const unit = units === undefined || form.unit === undefined ? [] : [payload('ih', form.unit, 8), numbers(units)];
    const data = form.data.get(one.codes[0]?.number ?? -1);
    if (within === undefined || data === undefined) return [unit];
    const [{ start, quantity } = { start: 0, quantity: undefined }] = data.ranges;
    if (quantity === undefined) return [[...unit, payload('ih', start, 16), numbers(within)]];
    return within.map((range) => [...unit, ...data.ranges.flatMap((place) => this.#touched(protocol, place, range)), ...this.#counted(protocol, form, data)]);
  }

  /** A lookup of first address and quantity: what lies within the range. */
  #touched(protocol: string, { start, quantity }: DataRange, { first, last }: Range<number>): Token[] {
    if (quantity === undefined) return [payload('ih', start, 16), numberInterval({ first, last })];
    const { at, most } = quantity;
    const keys = [payload('ih', start, 16), payload('ih', at, 16)];
    const elements = (): Token[] => {
      // Up to here every quantity fits; from here to the end each first address leaves room for one less.
      const roomy = last - most + 1;
      const block = roomy >= first ? [concatenation([numberInterval({ first, last: roomy }), numberInterval({ first: 1, last: most })])] : [];
      return [
        ...block,
        ...span(Math.max(first, roomy + 1), last).map((one) => concatenation([number(one), numberInterval({ first: 1, last: last - one + 1 })])),
      ];
    };
    return [concatenation(keys), this.#ruleset.payloadSet(`touched.${protocol}.${first}-${last}.most${most}.at${start}`, keys, elements, true)];
  }

  /** A lookup of length, quantity and byte count: who believes any of them reads the same message. */
  #counted(protocol: string, { length }: Form, { ranges, count }: DataPlace): Token[] {
    const quantity = ranges.at(-1)?.quantity;
    if (count === undefined || quantity === undefined || !hasLengthField(length)) return [];
    const keys = [payload('ih', length.at, length.size * 8), payload('ih', quantity.at, 16), payload('ih', count.at, 8)];
    const said = new Map(span(length.least, length.most).map((one) => [length.message(one), one]));
    const elements = (): Token[] =>
      span(1, quantity.most).flatMap((many) => {
        const bytes = count.bytes(many);
        const field = said.get(count.at + 1 + bytes);
        return field === undefined ? [] : [concatenation([field, many, bytes].map(number))];
      });
    return [concatenation(keys), this.#ruleset.payloadSet(`counted.${protocol}.most${quantity.most}.at${count.at}`, keys, elements)];
  }

  #messages(
    family: Family,
    transport: number,
    { protocol }: Frame,
    form: Form,
    functions: readonly ProtocolFunction[],
    front: readonly Token[],
    more: readonly Token[] = [],
  ): Token[][] {
    const { at, size } = form.function;
    const fixed = [...form.fixed.flatMap((bytes) => [payload('ih', bytes.at, bytes.size * 8), numbers(bytes.values)]), ...more];
    const codes = functions.flatMap((one) => one.codes);
    const tests: Token[][] = [];
    const add = (width: number, values: readonly number[], lengths: readonly number[] | undefined): void => {
      const framing = this.#framing(family, transport, { protocol, form }, lengths);
      tests.push([...front, ...fixed, payload('ih', at, width * 8), anonymousSet(values.map(number)), ...framing]);
    };
    const words = (code: number): readonly number[] => wordsOf(form.function, code);
    // What words alone divide comes with the function that has the code whole (`whyNotTold`).
    const plain = codes.flatMap(({ number: code, sub }) => (code === undefined || sub !== undefined || form.divided.has(code) ? [] : [code]));
    for (const { lengths, values } of grouped([...new Set(plain)], (code) => form.lengths.get(code))) add(size, values.flatMap(words), lengths);
    for (const [code, width] of form.divided) {
      const mine = codes.filter((one) => one.number === code);
      const named = allCodes(protocol, form.layer).flatMap((one) => (one.number === code && typeof one.sub === 'number' ? [one.sub] : []));
      const chosen = mine.flatMap(({ sub }) => (typeof sub === 'number' ? [sub] : []));
      const divided = (sub: number): readonly number[] => words(code).map((word) => word * 2 ** (8 * width) + sub);
      const lengthsOf = (sub: number): readonly number[] | undefined => form.dividedLengths.get(code * 65_536 + sub);
      for (const { lengths, values } of grouped(chosen, lengthsOf)) add(size + width, values.flatMap(divided), lengths);
      if (!mine.some(({ sub }) => sub === undefined)) continue;
      // Any second number but those that have names of their own.
      const others = named.flatMap(divided);
      const rest = others.length === 0 ? [] : [payload('ih', at, 8 * (size + width)), keyword('!='), anonymousSet(others.map(number))];
      const framing = this.#framing(family, transport, { protocol, form }, undefined);
      tests.push([...front, ...fixed, payload('ih', at, size * 8), anonymousSet(words(code).map(number)), ...rest, ...framing]);
    }
    return tests;
  }

  /** A lookup of lengths: no payload, or one message of some lengths, or of any. */
  #framing(family: Family, transport: number, whose: { protocol: string; form: Form } | undefined, some: readonly number[] | undefined): Token[] {
    const length = whose?.form.length;
    if (length !== undefined && !hasLengthField(length)) return [keyword('udp length'), numberInterval({ first: 8 + length.first, last: 8 + length.last })];
    const lengths = length === undefined ? [undefined] : (some ?? span(length.least, length.most));
    const what = whose === undefined || length === undefined ? 'empty' : `${whose.protocol}.${nameOf(length, lengths)}`;
    const said = length === undefined ? [] : [payload('ih', length.at, length.size * 8)];
    const total = (one: number | undefined): number => (length === undefined || one === undefined ? 0 : length.message(one));
    const written = (one: number): number => (length?.order === 'little' ? swapped(one, length.size) : one);
    if (transport !== tcp) {
      const keys = [keyword('udp length'), ...said];
      const elements = (): Token[] => lengths.map((one) => concatenation([number(8 + total(one)), ...(one === undefined ? [] : [number(written(one))])]));
      return [concatenation(keys), this.#ruleset.payloadSet(`message.${what}.udp`, keys, elements)];
    }
    const keys = [...(family === 4 ? [payload('nh', 0, 8)] : []), payload('th', 12, 8), keyword(family === 4 ? 'ip length' : 'ip6 length'), ...said];
    const elements = (): Token[] =>
      lengths.map((one) =>
        line(
          dataOffsets.flatMap((words) =>
            [0, 1].map((bit) => {
              const header = words * 4 + (family === 4 ? 20 : 0);
              const values = [...(family === 4 ? [0x45] : []), words * 16 + bit, header + total(one), ...(one === undefined ? [] : [written(one)])];
              return concatenation(values.map(number));
            }),
          ),
        ),
      );
    const next = family === 4 ? [] : [keyword('ip6 nexthdr'), number(tcp)];
    return [...next, concatenation(keys), this.#ruleset.payloadSet(`message.${what}.tcp.${family}`, keys, elements)];
  }
}

function transportName(transport: number): TransportProtocol {
  return transport === tcp ? 'tcp' : 'udp';
}

function allCodes(protocol: string, layer: string): readonly ProtocolFunction['codes'][number][] {
  return functionTable.among(allFunctions).flatMap((one) => (one.protocol === protocol && one.layer.name === layer ? one.codes : []));
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

/** `6.at4`, or `10-248x35.at4` for thirty-five lengths in a field four bytes behind the header. */
function nameOf({ at }: LengthField, lengths: readonly (number | undefined)[]): string {
  const some = lengths.length === 1 ? String(lengths[0]) : `${lengths[0] ?? 0}-${lengths.at(-1) ?? 0}x${lengths.length}`;
  return `${some}.at${at}`;
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
