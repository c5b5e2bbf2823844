/**
 * One protocol of the catalogue: as text, and as data for programs.
 *
 * Takes a row, its functions and the grades that targets give, says what a zone file may name: classes with their
 * functions, how each is called by code, which messages come along, and what no class holds.
 */
import type { FunctionCode, ProtocolFunction } from '../catalogue/function.ts';
import { addressesOf, hasUnits } from '../catalogue/frames.ts';
import { functionsOfClass, functionTables, sessionMessages } from '../catalogue/functions.ts';
import type { Protocol, TransportPorts, TransportProtocol } from '../catalogue/protocol.ts';
import { gradeFor, type TargetCapabilities } from '../policy/capabilities.ts';

export function portWords(protocol: Protocol): string {
  const parts = protocol.transports.map(transportWords);
  parts.push(...protocol.ipProtocols.map((number) => `ip protocol ${number}`));
  parts.push(...protocol.icmp.map((name) => `icmp ${name}`));
  parts.push(...protocol.ethertypes.map((number) => `ethertype 0x${number.toString(16).padStart(4, '0')}`));
  return parts.length === 0 ? 'no standard port' : parts.join(', ');
}

function transportWords({ protocol, first, last }: TransportPorts): string {
  return `${protocol} ${first === last ? first : `${first}-${last}`}`;
}

/** Transports on which the protocol is spoken. */
function transportsOf(protocol: Protocol): readonly TransportProtocol[] {
  return [...new Set([...protocol.transports, ...protocol.customary].map((ports) => ports.protocol))];
}

export function protocolText(protocol: Protocol, targets: Iterable<TargetCapabilities>): string[] {
  const lines = [`${protocol.name}: ${protocol.title}${protocol.ot ? ', a protocol of operational technology' : ''}`, `  ports: ${portWords(protocol)}`];
  if (protocol.customary.length > 0) lines.push(`  often seen besides: ${protocol.customary.map(transportWords).join(', ')}`);
  if (protocol.dynamicPorts !== undefined) lines.push(`  dynamic ports: ${protocol.dynamicPorts.what}`);
  if (protocol.cast !== 'unicast') lines.push('  lives on multicast or broadcast, which no gateway forwards');
  if (protocol.serverMayDial) lines.push('  a server, too, may open the conversation (`requests backward`)');
  if (protocol.functions.length > 0) lines.push(...functionLines(protocol, targets));
  if (protocol.notes !== '') lines.push(`  note: ${protocol.notes}`);
  lines.push(`  sources: ${protocol.sources.join('; ')}${protocol.verified ? '' : ' (not verified)'}`);
  const sources = new Map(ownFunctions(protocol).map(({ layer }) => [layer.source, layer.verified]));
  if (sources.size > 0) lines.push(`  of functions: ${[...sources].map(([source, verified]) => source + (verified ? '' : ' (not verified)')).join('; ')}`);
  return lines;
}

function functionLines(protocol: Protocol, targets: Iterable<TargetCapabilities>): string[] {
  const session = new Map(transportsOf(protocol).map((transport) => [transport, sessionMessages(protocol.name, transport)]));
  const classless = ownFunctions(protocol).filter((one) => one.class === undefined);
  const all = [...ownFunctions(protocol), ...[...session.values()].flat()];
  const width = Math.max(...all.map((one) => one.name.length));
  const line = (one: ProtocolFunction): string =>
    `    ${one.name.padEnd(width)}  ${one.codes.map((code) => codeWords(one, code)).join('; ')}${addressWords(one)}${one.note === undefined ? '' : `: ${one.note}`}`;
  const lines = [`  classes of functions: ${protocol.functions.join(', ')}`];
  for (const name of protocol.functions) lines.push(`  ${name}`, ...functionsOfClass(protocol.name, name).map(line));
  const messages = new Set([...session.values()].flat());
  lines.push(messages.size === 0 ? '  session: none, each message stands alone' : '  session, in every `allow` of functions', ...[...messages].map(line));
  for (const [transport, some] of session)
    if (some.length < messages.size) lines.push(`    over ${transport}: ${some.map((one) => one.name).join(', ') || 'none'}`);
  if (classless.length > 0) lines.push('  in no class', ...classless.map(line));
  lines.push(
    `  grades: ${gradesOf(protocol, targets)
      .map(([target, grade]) => `${target} ${grade}`)
      .join(', ')}`,
  );
  if (hasUnits(protocol.name)) {
    const telling = detailsOf(protocol, targets).map(([target]) => target);
    lines.push(`  units, and addresses where they are named: told by ${telling.length === 0 ? 'no target' : telling.join(', ')}`);
  }
  return lines;
}

/** Which data a message of the function names, if any. */
function addressWords(one: ProtocolFunction): string {
  const addresses = addressesOf(one);
  return addresses === undefined ? '' : addresses === 'one' ? ', to one address' : ', from address to address';
}

/** The targets that tell more of messages than their functions, and engines beside them that do. */
function detailsOf(protocol: Protocol, targets: Iterable<TargetCapabilities>): [string, readonly string[]][] {
  return [...targets].flatMap((target) => {
    const engines = [...(target.companions?.engines ?? [])].map(([engine, { details }]) => [`${target.name} with ${engine}`, details] as const);
    return [[target.name, target.details] as const, ...engines].flatMap(([name, details]): [string, readonly string[]][] => {
      const its = details?.[protocol.name] ?? [];
      return its.length === 0 ? [] : [[name, its]];
    });
  });
}

/** What each target gives, and what more with an engine beside it. */
function gradesOf(protocol: Protocol, targets: Iterable<TargetCapabilities>): [string, string][] {
  return [...targets].flatMap((target) => {
    const engines = [...(target.companions?.engines ?? [])].flatMap(([engine, { grades }]): [string, string][] => {
      const grade = grades[protocol.name];
      return grade === undefined ? [] : [[`${target.name} with ${engine}`, grade]];
    });
    return [[target.name, gradeFor(target, protocol.name)] as [string, string], ...engines];
  });
}

function ownFunctions(protocol: Protocol): readonly ProtocolFunction[] {
  return functionTables.get(protocol.name)?.functions ?? [];
}

/** As a zone file may say it; what it can only name says where the code stands. */
function codeWords({ protocol, layer }: ProtocolFunction, { text, number, sub }: FunctionCode): string {
  if (number !== undefined && layer.by === 'function') {
    if (sub !== undefined) return `function ${text.replace(/[ /]/u, ', then ')}`;
    const layers = functionTables.get(protocol)?.functions.filter((other) => other.layer.name === layer.name) ?? [];
    const shared = layers.some((other) => other.codes.some((code) => code.number === number && code.sub !== undefined));
    return `${shared ? 'rest of ' : ''}function ${text}`;
  }
  if (number !== undefined && layer.by === 'stream') return `stream ${number >> 8} function ${number & 0xff}`;
  if (number !== undefined && layer.by === 'group') return sub === undefined ? `group ${text}` : `group ${number} function ${sub}`;
  return `${text} (${layer.name})`;
}

/** What `--format json` adds to a row of the catalogue. */
export interface ProtocolData extends Protocol {
  readonly messages: readonly {
    readonly name: string;
    readonly class: string | null;
    readonly container: boolean;
    readonly codes: readonly string[];
    readonly layer: string;
    /** Which data its messages name: one address, many from a first to a last one, or none. */
    readonly addresses: 'one' | 'many' | null;
    readonly also: string | null;
    readonly note: string | null;
    readonly source: string;
    readonly verified: boolean;
  }[];
  readonly session: { readonly tcp: readonly string[]; readonly udp: readonly string[] };
  readonly grades: Readonly<Record<string, string>>;
  /** Whether messages say which unit they are for. */
  readonly units: boolean;
  /** What targets tell of messages besides functions; those that tell nothing are left out. */
  readonly details: Readonly<Record<string, readonly string[]>>;
}

export function protocolData(protocol: Protocol, targets: Iterable<TargetCapabilities>): ProtocolData {
  const session = (transport: TransportProtocol): string[] =>
    transportsOf(protocol).includes(transport) ? sessionMessages(protocol.name, transport).map((one) => `${one.protocol} ${one.name}`) : [];
  return {
    ...protocol,
    messages: ownFunctions(protocol).map((one) => ({
      name: one.name,
      class: one.class ?? null,
      container: one.container,
      codes: one.codes.map((code) => code.text),
      layer: one.layer.name,
      addresses: addressesOf(one) ?? null,
      also: one.also ?? null,
      note: one.note ?? null,
      source: one.layer.source,
      verified: one.layer.verified,
    })),
    session: { tcp: session('tcp'), udp: session('udp') },
    units: hasUnits(protocol.name),
    details: Object.fromEntries(detailsOf(protocol, targets)),
    grades: Object.fromEntries(protocol.functions.length === 0 ? [] : gradesOf(protocol, targets)),
  };
}
