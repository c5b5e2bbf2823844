/**
 * Functions on ports, in the words of a zone file.
 *
 * Takes ports with the functions meant there, gives items of a service list: classes where all of a class is meant, else
 * single functions; `tcp 502 except modbus read` where most is meant. The one idea: words are proposed, then read as
 * rule 8 reads them, and kept if they mean the set; what no words mean is said in brackets.
 */
import { catalogue } from '../catalogue/catalogue.ts';
import type { ProtocolFunction } from '../catalogue/function.ts';
import { functionsNamed, functionsOfClass, sessionMessages } from '../catalogue/functions.ts';
import type { Protocol, TransportPorts, TransportProtocol } from '../catalogue/protocol.ts';
import { type FunctionReading, functionTable, messagesMeant } from '../model/functions.ts';
import { canonical, type Range, rangesEqual, subtractRanges, unionRanges } from '../net/ranges.ts';
import { allFunctions, type FunctionSet } from '../packets/functions.ts';
import { braced } from './item-list.ts';

/** Destination ports of a transport, with the functions meant there: neither all nor none. */
export interface FunctionPorts extends Range<number> {
  readonly transport: TransportProtocol;
  readonly functions: FunctionSet;
}

/** One protocol with the functions named of it. */
interface Call {
  readonly protocol: Protocol;
  readonly functions: readonly ProtocolFunction[];
  readonly words: string;
}

/** `used`: names of protocols that the policy uses; these are tried first where several live on a port. */
export function functionItems(parts: readonly FunctionPorts[], used: ReadonlySet<string>): string[] {
  const calls = new Map<string, { readonly protocol: Protocol; readonly ports: TransportPorts[] }>();
  const items: string[] = [];
  for (const part of parts) {
    const ports: TransportPorts = { protocol: part.transport, first: part.first, last: part.last };
    const proposed = callsOf(part, part.functions, used);
    if (proposed !== undefined && (means(proposed, part, 'allow') || means(proposed, part, 'exact'))) {
      for (const { protocol, words } of proposed) {
        const known = calls.get(words) ?? { protocol, ports: [] };
        known.ports.push(ports);
        calls.set(words, known);
      }
      continue;
    }
    const rest = { ...part, functions: subtractRanges(allFunctions, part.functions) };
    const without = functionTable.hasOther(part.functions) ? callsOf(rest, rest.functions, used) : undefined;
    if (without === undefined) items.push(`${transportWords([ports])} (${bracketed(proposed)})`);
    else if (means(without, rest, 'allow'))
      items.push(`${transportWords([ports])} except ${braced(without.map(({ protocol, words }) => words + onWords(protocol, [ports], true)))}`);
    else items.push(`${transportWords([ports])} (all but ${bracketed(without)})`);
  }
  return [...[...calls].map(([words, { protocol, ports }]) => words + onWords(protocol, ports, false)), ...items];
}

function bracketed(calls: readonly Call[] | undefined): string {
  return calls === undefined || calls.length === 0 ? 'some functions' : calls.map(({ words }) => words).join(', ');
}

/** Whether the calls, read so, mean exactly the functions of the part. */
function means(calls: readonly Call[], { transport, functions }: FunctionPorts, reading: FunctionReading): boolean {
  if (calls.length === 0) return false;
  const meant = calls.map((call) => messagesMeant(call.protocol.name, call.functions, reading, transport));
  return rangesEqual(
    meant.reduce((a, b) => unionRanges(a, b)),
    functions,
  );
}

/** The functions by protocol, less the session messages that come along; undefined if the set holds what has no name. */
function callsOf(part: FunctionPorts, set: FunctionSet, used: ReadonlySet<string>): readonly Call[] | undefined {
  if (functionTable.hasOther(set)) return undefined;
  const all = new Set(functionTable.among(set));
  const byRank = speakers.toSorted((a, b) => rank(b, part, used) - rank(a, part, used));
  const left = new Set(all);
  const calls: Call[] = [];
  const take = (candidates: (protocol: Protocol) => readonly ProtocolFunction[], along: boolean): void => {
    for (const protocol of byRank) {
      const functions = candidates(protocol).filter((one) => left.has(one));
      if (functions.length === 0) continue;
      for (const one of functions) left.delete(one);
      if (along && functionTable.hasNone(set)) for (const one of sessionMessages(protocol.name, part.transport)) left.delete(one);
      calls.push({ protocol, functions, words: callWords(protocol, functions) });
    }
  };
  take((protocol) => functionsNamed(protocol.name).filter((one) => one.class !== 'session' && one.protocol === protocol.name), true);
  // Session messages that are meant by themselves; those of the ISO transport through what it carries.
  take((protocol) => functionsNamed(protocol.name).filter((one) => one.protocol === protocol.name), false);
  take((protocol) => functionsNamed(protocol.name), false);
  return calls;
}

const speakers = [...catalogue.values()].filter((protocol) => protocol.functions.length > 0);

function rank(protocol: Protocol, { transport, first, last }: FunctionPorts, used: ReadonlySet<string>): number {
  const lives = protocol.transports.some((ports) => ports.protocol === transport && ports.first <= first && last <= ports.last);
  return (lives ? 2 : 0) + (used.has(protocol.name) ? 1 : 0);
}

/** `modbus read`, `modbus { read, write-single-coil }`. */
function callWords(protocol: Protocol, functions: readonly ProtocolFunction[]): string {
  const whole = protocol.functions.filter((name) => functionsOfClass(protocol.name, name).every((one) => functions.includes(one)));
  const names = [...whole, ...functions.filter((one) => whole.every((name) => name !== one.class)).map((one) => one.name)];
  return `${protocol.name} ${names.length === 1 ? (names[0] ?? '') : `{ ${names.join(', ')} }`}`;
}

/** Nothing where the ports are the protocol's own; `within`: some of them. */
function onWords(protocol: Protocol, ports: readonly TransportPorts[], within: boolean): string {
  const own = (transport: TransportProtocol): Range<number>[] => [...canonical(protocol.transports.filter((one) => one.protocol === transport).map(span))];
  const here = (transport: TransportProtocol): Range<number>[] => [...canonical(ports.filter((one) => one.protocol === transport).map(span))];
  const fits = (['tcp', 'udp'] as const).every((transport) =>
    within ? subtractRanges(here(transport), own(transport)).length === 0 : rangesEqual(here(transport), own(transport)),
  );
  return fits ? '' : ` on ${transportWords(ports)}`;
}

function span({ first, last }: TransportPorts): Range<number> {
  return { first, last };
}

/** `tcp 502`, `tcp { 502, 600-610 }`, `{ tcp 502, udp 502 }`. */
function transportWords(ports: readonly TransportPorts[]): string {
  const items = (['tcp', 'udp'] as const).flatMap((transport) => {
    const ranges = canonical(ports.filter((one) => one.protocol === transport).map(span)).map(({ first, last }) =>
      first === last ? `${first}` : `${first}-${last}`,
    );
    return ranges.length === 0 ? [] : [`${transport} ${ranges.length === 1 ? (ranges[0] ?? '') : `{ ${ranges.join(', ')} }`}`];
  });
  return items.length === 1 ? (items[0] ?? '') : `{ ${items.join(', ')} }`;
}
