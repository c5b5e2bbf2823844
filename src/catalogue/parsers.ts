/**
 * Which functions engines tell that parse the whole stream of a protocol, and why not the others.
 *
 * An engine stands beside a gateway and sees what the gateway sends it. The one idea: it can forbid a function that it tells from all others,
 * and let one pass only if nothing else looks the same to it, so both must be known before a flow may rely on it. Held against the engine
 * itself by `test/targets/iptables/suricata.test.ts`.
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

/** By engine and protocol. */
const parsers: ReadonlyMap<string, ReadonlyMap<string, StreamParser>> = new Map([['suricata', new Map([['modbus', suricataModbus]])]]);

/** Why an engine cannot let exactly these functions pass on a transport; undefined if it can. */
export function whyNotParsed(engine: string, functions: readonly ProtocolFunction[], transport: TransportProtocol): string | undefined {
  for (const one of functions) {
    const its = parsers.get(engine)?.get(one.protocol);
    if (its === undefined) return whyNoParser(one.protocol);
    const name = `\`${one.protocol} ${one.name}\``;
    if (its.transport !== transport) return `Suricata parses ${one.protocol} over ${its.transport} alone`;
    for (const { number, text } of one.codes) {
      if (number === undefined || its.told.has(number)) continue;
      return `${name} is function ${text}: ${its.alike.get(number) ?? 'Suricata takes all codes that it does not know for one'}`;
    }
  }
  return undefined;
}

export function whyNoParser(protocol: string): string {
  return `no parser of Suricata is used for ${protocol}`;
}
