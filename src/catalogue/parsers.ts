/**
 * Which functions engines tell that parse the whole stream of a protocol, and why not the others.
 *
 * An engine stands beside a gateway and sees what the gateway sends it. The one idea: it can forbid a function that it tells from all others,
 * and let one pass only if nothing else looks the same to it, so both must be known before a flow may rely on it. Where a parser lets
 * something pass that no rule sees, its protocol is not used at all, and why stands here. Held against the engine itself by
 * `test/kernel/suricata.test.ts` and, for what is not used, `test/kernel/suricata-holes.test.ts`.
 */
import type { ProtocolFunction } from './function.ts';
import type { TransportProtocol } from './protocol.ts';

export interface StreamParser {
  readonly protocol: string;
  readonly transport: TransportProtocol;
  /** Codes that it tells from every other message. */
  readonly told: ReadonlySet<number>;
  /** Why it takes other messages for one with this code. */
  readonly alike: ReadonlyMap<number, string>;
  readonly source: string;
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const suricataModbus: StreamParser = {
  protocol: 'modbus',
  transport: 'tcp',
  told: new Set([...span(1, 7), ...span(9, 24)]),
  alike: new Map([
    [8, 'Suricata takes function 0x88 for function 8'],
    [43, 'Suricata takes function 0xab, and every interface of function 43, for function 43'],
  ]),
  source: 'rust/src/modbus of Suricata 7 and the crate sawp-modbus; all 256 codes tried on 7.0.10',
};

/** Protocols that an engine parses, but not so that a flow may rely on it: by engine and protocol, what it lets pass. */
const unused: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [
    'suricata',
    new Map([
      ['dnp3', 'Suricata 7 lets requests of dnp3 pass unseen that it cannot decode whole or that come in very short frames, and all of the link layer'],
      ['enip', 'Suricata 7 does not put a message of enip together that comes in two segments, so that its command is not seen'],
      ['cip', 'Suricata 7 sees no service of cip in a message that comes in two segments, in an Unconnected Send, or behind an item that it does not expect'],
    ]),
  ],
]);

/** By engine and protocol. */
const parsers: ReadonlyMap<string, ReadonlyMap<string, StreamParser>> = new Map([['suricata', new Map([['modbus', suricataModbus]])]]);

/** What an engine does not tell of messages whose functions it tells, and who does: by engine, protocol and detail. */
const untold: ReadonlyMap<string, string> = new Map([
  [
    'suricata modbus address',
    'Suricata tells functions and units of modbus, but no addresses: what reaches the last one, 65535, matches no range of its; rules of iptables without it (`messages bpf`) and of nftables tell them at grade `pdu`',
  ],
]);

/** Why nothing may rely on an engine for such a detail; undefined where no more is known than that it does not. */
export function whyNoDetail(engine: string, protocol: string, detail: string): string | undefined {
  return untold.get(`${engine} ${protocol} ${detail}`);
}

/** Why an engine cannot let exactly these functions pass on a transport; undefined if it can. */
export function whyNotParsed(engine: string, functions: readonly ProtocolFunction[], transport: TransportProtocol): string | undefined {
  for (const one of functions) {
    const its = parsers.get(engine)?.get(one.protocol);
    if (its === undefined) return whyNoParser(engine, one.protocol);
    const name = `\`${one.protocol} ${one.name}\``;
    if (its.transport !== transport) return `Suricata parses ${one.protocol} over ${its.transport} alone`;
    for (const { number, text } of one.codes) {
      if (number === undefined || its.told.has(number)) continue;
      return `${name} is function ${text}: ${its.alike.get(number) ?? 'Suricata takes all codes that it does not know for one'}`;
    }
  }
  return undefined;
}

/** Why nothing of a protocol may rely on an engine that does not parse it, or not well enough. */
export function whyNoParser(engine: string, protocol: string): string {
  return unused.get(engine)?.get(protocol) ?? `no parser of Suricata is used for ${protocol}`;
}
