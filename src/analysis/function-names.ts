/**
 * Functions on ports, in the words of a zone file.
 *
 * Takes ports with the functions meant there, gives items of a service list: classes where all of a class is meant, else
 * single functions; `tcp 502 except modbus read` where most is meant. The one idea: words are proposed, then read as
 * rule 8 reads them, and kept if they mean the set; what no words mean is said in brackets.
 */
import { catalogue } from '../catalogue/catalogue.ts';
import type { ProtocolFunction } from '../catalogue/function.ts';
import { addressesOf } from '../catalogue/frames.ts';
import { functionsNamed, functionsOfClass, sessionMessages } from '../catalogue/functions.ts';
import type { Protocol, TransportPorts, TransportProtocol } from '../catalogue/protocol.ts';
import { type FunctionReading, functionTable, messagesMeant, type Narrowing } from '../model/functions.ts';
import { canonical, type Range, rangesEqual, subtractRanges } from '../net/ranges.ts';
import { allFunctions, detailsIn, type FunctionSet, functionsEqual, intersectFunctions, subtractFunctions, unionFunctions } from '../packets/function-set.ts';
import { type Part, partsOf } from './detail-names.ts';
import { braced } from './item-list.ts';

/** Destination ports of a transport, with the functions meant there: neither all nor none. */
export interface FunctionPorts extends Range<number> {
  readonly transport: TransportProtocol;
  readonly functions: FunctionSet;
}

/** One protocol with the functions named of it, and perhaps only some units and addresses. */
interface Call extends Part {
  readonly protocol: Protocol;
  readonly functions: readonly ProtocolFunction[];
}

/** `used`: names of protocols that the policy uses; these are tried first where several live on a port. */
export function functionItems(parts: readonly FunctionPorts[], used: ReadonlySet<string>): string[] {
  const calls = new Map<string, { readonly call: Call; readonly ports: TransportPorts[] }>();
  const items: string[] = [];
  for (const part of parts) {
    const ports: TransportPorts = { protocol: part.transport, first: part.first, last: part.last };
    const proposed = callsOf(part, part.functions, used);
    if (proposed !== undefined && (means(proposed, part, 'allow') || means(proposed, part, 'exact'))) {
      for (const call of proposed) {
        const words = callWords(call, '');
        const known = calls.get(words) ?? { call, ports: [] };
        known.ports.push(ports);
        calls.set(words, known);
      }
      continue;
    }
    const rest = { ...part, functions: subtractFunctions(allFunctions, part.functions) };
    const without = functionTable.hasOther(part.functions) ? callsOf(rest, rest.functions, used) : undefined;
    if (without === undefined) items.push(`${transportWords([ports])} (${bracketed(proposed)})`);
    else if (means(without, rest, 'allow'))
      items.push(`${transportWords([ports])} except ${braced(without.map((call) => callWords(call, onWords(call.protocol, [ports], true))))}`);
    else items.push(`${transportWords([ports])} (all but ${bracketed(without)})`);
  }
  return [...[...calls.values()].map(({ call, ports }) => callWords(call, onWords(call.protocol, ports, false))), ...items];
}

function bracketed(calls: readonly Call[] | undefined): string {
  return calls === undefined || calls.length === 0 ? 'some functions' : calls.map((call) => callWords(call, '')).join(', ');
}

/** Whether the calls, read so, mean exactly the functions of the part. */
function means(calls: readonly Call[], { transport, functions }: FunctionPorts, reading: FunctionReading): boolean {
  if (calls.length === 0) return false;
  const meant = calls.map(({ protocol, functions: named, narrowing, except }) => {
    const of = (narrowed: Narrowing, how: FunctionReading): FunctionSet => messagesMeant(protocol.name, named, how, transport, narrowed);
    return subtractFunctions(of(narrowing, reading), unionFunctions(...except.map((one) => of(one, 'allow'))));
  });
  return functionsEqual(unionFunctions(...meant), functions);
}

/** The functions by protocol, less the session messages that come along; undefined if the set holds what has no name. */
function callsOf(part: FunctionPorts, set: FunctionSet, used: ReadonlySet<string>): readonly Call[] | undefined {
  if (functionTable.hasOther(set)) return undefined;
  const some = functionTable.among(set).filter((one) => detailsIn(set, functionTable.number(one)) !== 'all');
  const narrowed = some.length === 0 ? [] : narrowedCalls(part, set, some, used);
  if (narrowed === undefined) return undefined;
  const all = new Set(functionTable.among(set).filter((one) => !some.includes(one)));
  const byRank = speakers.toSorted((a, b) => rank(b, part, used) - rank(a, part, used));
  const left = new Set(all);
  const calls: Call[] = [];
  const take = (candidates: (protocol: Protocol) => readonly ProtocolFunction[], along: boolean): void => {
    for (const protocol of byRank) {
      const functions = candidates(protocol).filter((one) => left.has(one));
      if (functions.length === 0) continue;
      for (const one of functions) left.delete(one);
      if (along && functionTable.hasNone(set)) for (const one of sessionMessages(protocol.name, part.transport)) left.delete(one);
      calls.push({ protocol, functions, narrowing: {}, except: [] });
    }
  };
  take((protocol) => functionsNamed(protocol.name).filter((one) => one.class !== 'session' && one.protocol === protocol.name), true);
  // Session messages that are meant by themselves; those of the ISO transport through what it carries.
  take((protocol) => functionsNamed(protocol.name).filter((one) => one.protocol === protocol.name), false);
  take((protocol) => functionsNamed(protocol.name), false);
  return [...calls, ...narrowed];
}

/** Functions of which only some units or addresses are meant: what has the same ones is named together. Undefined if no words mean them. */
function narrowedCalls(part: FunctionPorts, set: FunctionSet, functions: readonly ProtocolFunction[], used: ReadonlySet<string>): readonly Call[] | undefined {
  const byRank = speakers.toSorted((a, b) => rank(b, part, used) - rank(a, part, used));
  const calls = new Map<string, Call>();
  for (const one of functions) {
    const protocol = byRank.find(({ name }) => name === one.protocol);
    const parts = partsOf(one, intersectFunctions(set, functionTable.set([one])));
    if (protocol === undefined || parts === undefined) return undefined;
    for (const { narrowing, except } of parts) {
      const key = `${protocol.name} ${[narrowing, ...except].map(narrowingWords).join(' except')}`;
      const known = calls.get(key);
      calls.set(key, { protocol, functions: [...(known?.functions ?? []), one], narrowing, except });
    }
  }
  return [...calls.values()];
}

const speakers = [...catalogue.values()].filter((protocol) => protocol.functions.length > 0);

function rank(protocol: Protocol, { transport, first, last }: FunctionPorts, used: ReadonlySet<string>): number {
  const lives = protocol.transports.some((ports) => ports.protocol === transport && ports.first <= first && last <= ports.last);
  return (lives ? 2 : 0) + (used.has(protocol.name) ? 1 : 0);
}

/** `modbus read`, `modbus { read, write-single-coil } unit 3 address 100-199`; `on` stands behind each. */
function callWords({ protocol, functions, narrowing, except }: Call, on: string): string {
  const addressed = narrowing.addresses !== undefined || except.some(({ addresses }) => addresses !== undefined);
  // Of a class, those that name no addresses are left out where some are named.
  const ofClass = (name: (typeof protocol.functions)[number]): readonly ProtocolFunction[] =>
    functionsOfClass(protocol.name, name).filter((one) => !addressed || addressesOf(one) !== undefined);
  const whole = protocol.functions.filter((name) => ofClass(name).length > 0 && ofClass(name).every((one) => functions.includes(one)));
  const names = [...whole, ...functions.filter((one) => whole.every((name) => name !== one.class)).map((one) => one.name)];
  const named = `${protocol.name} ${names.length === 1 ? (names[0] ?? '') : `{ ${names.join(', ')} }`}`;
  const each = (one: Narrowing): string => `${named}${narrowingWords(one)}${on}`;
  return except.length === 0 ? each(narrowing) : `${each(narrowing)} except ${braced(except.map(each))}`;
}

/** ` unit 3 address 100-199`. */
export function narrowingWords({ units, addresses }: Narrowing): string {
  const range = (name: string, one: Range<number> | undefined): string =>
    one === undefined ? '' : ` ${name} ${one.first === one.last ? one.first : `${one.first}-${one.last}`}`;
  return range('unit', units) + range('address', addresses);
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
