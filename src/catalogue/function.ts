/**
 * What the catalogue says of one function of a protocol.
 *
 * A function is what one message asks for. The one idea: a protocol has layers, each with numbers of its own (the jobs
 * and the user data of S7comm, the services of CIP and the commands of PCCC inside them), so a code is a number in a
 * layer, and a name stands for one or more codes. Session messages are the exact ones without which no conversation can
 * start, live or close; they never write. What carries other messages, and what only a server sends, has no class.
 */
import type { FunctionClass, TransportProtocol } from './protocol.ts';

/**
 * How a zone file names functions of a layer besides by name: `function 3`, `stream 2 function 41`, `group 7 function 1`;
 * `name`: in no other way.
 */
type Addressing = 'function' | 'stream' | 'group' | 'name';

export interface FunctionLayer {
  readonly name: string;
  readonly by: Addressing;
  readonly source: string;
  /** False where no table or standard confirms codes and names. */
  readonly verified: boolean;
  /** The one transport on which the layer exists, if not all. */
  readonly on: TransportProtocol | undefined;
}

export interface FunctionCode {
  /** `3`, `0x04`, `8/1`, `S2F41`, `HEL`. */
  readonly text: string;
  /** The number at the place of the layer's function; a stream is its higher byte. Undefined where words stand there. */
  readonly number: number | undefined;
  /** What must follow: a second number at a fixed place, or a word that only a parser of the protocol finds. */
  readonly sub: number | string | undefined;
}

export interface ProtocolFunction {
  readonly protocol: string;
  /** As written in a zone file; unique in the protocol. */
  readonly name: string;
  /** Undefined: no class is about it, and `note` says why. */
  readonly class: FunctionClass | 'session' | undefined;
  /** It carries other messages: where a gateway looks into it, its function is that of what is inside. */
  readonly container: boolean;
  readonly codes: readonly FunctionCode[];
  readonly layer: FunctionLayer;
  /** What the standard or its tools call it, where that differs. */
  readonly also: string | undefined;
  /** One line; why it has no class, or what about its class may surprise. */
  readonly note: string | undefined;
}

export interface ProtocolFunctions {
  readonly protocol: string;
  /** The protocol below, whose session messages are needed too. */
  readonly carrier: string | undefined;
  readonly functions: readonly ProtocolFunction[];
}

/** Codes with commas between them, name, remarks. */
type Row = readonly [codes: string, name: string, remarks?: { readonly also?: string; readonly note?: string }];

type Layered = (protocol: string) => readonly ProtocolFunction[];

interface Classless {
  readonly why: string;
  readonly container: boolean;
  readonly rows: readonly Row[];
}

/** Functions that carry others. */
export function container(why: string, rows: readonly Row[]): Classless {
  return { why, container: true, rows };
}

/** Functions that no class is about. */
export function outside(why: string, rows: readonly Row[]): Classless {
  return { why, container: false, rows };
}

/** Functions of one layer that have one source. */
export function layer(
  facts: Pick<FunctionLayer, 'name' | 'by' | 'source'> & Partial<FunctionLayer>,
  classes: Partial<Readonly<Record<FunctionClass | 'session', readonly Row[]>>>,
  classless: readonly Classless[] = [],
): Layered {
  const its: FunctionLayer = Object.freeze({ verified: true, on: undefined, ...facts });
  return (protocol) => {
    const one = ([codes, name, remarks = {}]: Row, rest: Pick<ProtocolFunction, 'class' | 'container' | 'note'>): ProtocolFunction =>
      Object.freeze({ protocol, name, ...rest, codes: codes.split(', ').map(codeOf), layer: its, also: remarks.also });
    const classed = Object.entries(classes).flatMap(([name, rows]) =>
      rows.map((row) => one(row, { class: name as FunctionClass | 'session', container: false, note: row[2]?.note })),
    );
    return [
      ...classed,
      ...classless.flatMap(({ why, container: carries, rows }) => rows.map((row) => one(row, { class: undefined, container: carries, note: why }))),
    ];
  };
}

export function functionsOf(protocol: string, facts: { readonly carrier?: string }, layers: readonly Layered[]): ProtocolFunctions {
  return Object.freeze({ protocol, carrier: facts.carrier, functions: Object.freeze(layers.flatMap((one) => one(protocol))) });
}

function codeOf(text: string): FunctionCode {
  const message = /^S(\d+)F(\d+)$/u.exec(text);
  if (message !== null) return { text, number: Number(message[1]) * 256 + Number(message[2]), sub: undefined };
  const [, number, second, word] = /^(0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+)| (\w+))?$/u.exec(text) ?? [];
  return { text, number: number === undefined ? undefined : Number(number), sub: second === undefined ? (number === undefined ? text : word) : Number(second) };
}
