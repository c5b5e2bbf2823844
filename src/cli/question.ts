/**
 * The question of a trace, from options or a kernel log line, to packets.
 *
 * A name stands for one address of each of its parts, in the families that both ends have; a service for the messages by
 * which its one conversation starts. All of them must pass. What no packet can be is refused in words.
 */
import { readFileSync } from 'node:fs';
import type { TraceQuestion } from '../analysis/trace.ts';
import { SourceMap } from '../base/source.ts';
import { nearest } from '../base/nearest.ts';
import { zoneOf } from '../analysis/words.ts';
import type { Gateway, Interface, Model } from '../model/model.ts';
import { Context } from '../model/context.ts';
import { NameSpace, type ServiceDecl } from '../model/names.ts';
import { ServiceResolver } from '../model/services.ts';
import { type Address, families, type Family, formatAddress, parseAddress, parsePrefix } from '../net/address.ts';
import { addressRanges, type AddressSet, addressSetOf, containsAddress, isEmpty, unionAddresses } from '../net/address-set.ts';
import { addressesOf } from '../catalogue/frames.ts';
import { narrowingWords } from '../analysis/function-names.ts';
import { functionTable } from '../model/functions.ts';
import { type Below, detailsIn, type FunctionSet, intersectFunctions, type MessageDetails, type Segment, subtractFunctions } from '../packets/function-set.ts';
import { noFunction } from '../packets/functions.ts';
import { ported, protocolNames } from '../packets/protocol-names.ts';
import { familyServices, hasServices, isNoService, type ServiceSet, valuedProtocols } from '../packets/service-set.ts';
import type { Loaded } from '../pipeline/load.ts';
import { gatewayOnlyAddresses } from '../policy/place.ts';
import { parse } from '../syntax/parse.ts';
import { UsageError } from './io.ts';
import { fromLog } from './log-line.ts';

type Options = Readonly<Record<string, unknown>>;
type Message = Pick<TraceQuestion, 'protocol' | 'value' | 'functionNumber' | 'details'>;

export interface Questions {
  readonly questions: readonly [TraceQuestion, ...TraceQuestion[]];
  /** What was left out of them. */
  readonly note: string | undefined;
}

const fields = ['from', 'to', 'service', 'proto', 'dport', 'sport', 'type', 'code'];

export function questions(model: Model, loaded: Loaded, options: Options): Questions {
  const log = text(options, 'log');
  if (log !== undefined) {
    const other = fields.find((name) => options[name] !== undefined);
    if (other !== undefined) throw new UsageError('--log', `stands alone, without --${other}`, 'the line says all that is asked');
    return { questions: [fromLog(model, log === '-' ? readFileSync(0, 'utf8') : log)], note: undefined };
  }
  const [fromName, toName] = [text(options, 'from'), text(options, 'to')];
  const from = end(model, '--from', fromName);
  const to = end(model, '--to', toName);
  const service = text(options, 'service');
  const proto = text(options, 'proto');
  if ((service === undefined) === (proto === undefined))
    throw new UsageError('--proto', 'give either --proto or --service', 'for example --proto tcp --dport 502, or --service "modbus read"');
  const messages = service === undefined ? protoMessages(proto ?? '', options) : serviceMessages(model, loaded, service, options);
  const sourcePort = number(options, 'sport', 65535) ?? 49_152;
  const common = families.filter((family) => from.has(family) && to.has(family));
  if (common.length === 0)
    throw new UsageError('--to', `\`${fromName ?? ''}\` and \`${toName ?? ''}\` share no address family`, 'name ends that have IPv4 or IPv6 in common');
  const result: TraceQuestion[] = [];
  let met = false;
  const cut = new Set<string>();
  for (const family of common) {
    const members = (one: End, name: string | undefined): readonly Member[] => {
      const all = one.members(family);
      if (all.length > mostMembers) cut.add(`\`${name ?? ''}\` has ${all.length} parts, of which ${mostMembers} were asked`);
      return all.slice(0, mostMembers);
    };
    for (const ends of pairs(model, members(from, fromName), members(to, toName))) {
      met = true;
      for (const one of messages(family)) result.push({ ...ends, sourcePort: ported(one.protocol) ? sourcePort : 0, ...one });
    }
  }
  const [first, ...others] = result;
  if (!met)
    throw new UsageError('--to', `\`${fromName ?? ''}\` and \`${toName ?? ''}\` meet at no address that is known`, 'give the address that the gateway has now');
  if (first === undefined)
    throw new UsageError(
      service === undefined ? '--proto' : '--service',
      `there is no ${service ?? proto ?? ''} in IPv${common.join(' or IPv')}, which is all that the two ends share`,
      'ICMP is of IPv4 (ping is `--proto icmp --type 8`), ICMPv6 of IPv6 (`--proto icmpv6 --type 128`)',
    );
  return { questions: [first, ...others], note: cut.size === 0 ? undefined : [...cut].join('; ') };
}

function text(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

function number(options: Options, name: string, highest: number): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  const parsed = /^\d{1,6}$/u.test(value) ? Number(value) : Number.NaN;
  if (parsed <= highest) return parsed;
  throw new UsageError(`--${name}`, `\`${value}\` is not a number between 0 and ${highest}`);
}

// -- the two ends -----------------------------------------------------------------------------------------------

/** At most this many parts of a name are asked about. */
const mostMembers = 64;

interface Member {
  readonly address: Address;
  /** For a gateway's end: the interface whose address it is; the unspecified address stands for a dynamic one. */
  readonly own: { readonly gateway: Gateway; readonly face: Interface } | undefined;
}

interface End {
  has(family: Family): boolean;
  members(family: Family): readonly Member[];
}

function end(model: Model, option: string, name: string | undefined): End {
  if (name === undefined) throw new UsageError(option, 'is missing', 'give a name of the zone file or an address, or a kernel log line with --log');
  const address = parseAddress(name);
  if (address !== undefined) return placeEnd(model, addressSetOf(address));
  const places = [...model.hosts, ...model.zones, ...model.groups];
  const found = places.find((place) => place.name === name);
  if (found !== undefined && isEmpty(found.addresses)) throw new UsageError(option, `\`${name}\` holds no address`);
  if (found !== undefined) return placeEnd(model, found.addresses);
  const gateway = model.gateways.find((one) => one.name === name);
  if (gateway !== undefined) return gatewayEnd(gateway, option);
  const network = parsePrefix(name);
  if (network !== undefined) throw new UsageError(option, `\`${name}\` is a network`, `give one address of it, such as ${formatAddress(network.address)}`);
  const suggestion = nearest(name, [...places.map((place) => place.name), ...model.gateways.map((one) => one.name)]);
  throw new UsageError(
    option,
    `\`${name}\` is neither an address nor a zone, host, group or gateway`,
    suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`,
  );
}

/** A host's addresses; of a network one that is neither its first nor a gateway's. */
function placeEnd(model: Model, set: AddressSet): End {
  const taken = unionAddresses(...model.gateways.map(gatewayOnlyAddresses));
  const members = (family: Family): Member[] =>
    addressRanges(set).flatMap((range) => {
      if (range.family !== family) return [];
      const [first, last] = [BigInt(range.first), BigInt(range.last)];
      const half = (last - first + 1n) / 2n;
      let value = first + (half < 10n ? half : 10n);
      const at = (one: bigint): Address => (family === 4 ? { family, value: Number(one) } : { family, value: one });
      while (value < last && containsAddress(taken, at(value))) value++;
      return [{ address: at(value), own: undefined }];
    });
  return { has: (family) => (family === 4 ? set.v4 : set.v6).length > 0, members };
}

function gatewayEnd(gateway: Gateway, option: string): End {
  const members = (family: Family): Member[] =>
    gateway.interfaces.flatMap((face) => {
      const own = { gateway, face };
      const fixed = face.addresses.flatMap(({ address }) => (address.family === family ? [{ address, own }] : []));
      const unspecified: Address = family === 4 ? { family, value: 0 } : { family, value: 0n };
      return face.dynamic ? [...fixed, { address: unspecified, own }] : fixed;
    });
  if (families.every((family) => members(family).length === 0))
    throw new UsageError(option, `gateway \`${gateway.name}\` has no address`, 'it is met only at an address of one of its interfaces');
  return { has: (family) => members(family).length > 0, members };
}

/**
 * Every source with every destination. A gateway is met at the interface that faces the other end; where none does, at
 * every address that is known.
 */
function pairs(model: Model, sources: readonly Member[], destinations: readonly Member[]): Pick<TraceQuestion, 'source' | 'destination' | 'gateway'>[] {
  const zones = new Map([...sources, ...destinations].map((member) => [member, zoneOf(model, member.address) ?? '']));
  const faces = ({ own }: Member, other: Member): boolean => own === undefined || own.face.faces.includes(zones.get(other) ?? '');
  const reached = ({ own }: Member, other: Member): boolean =>
    own === undefined || own.gateway.interfaces.some((face) => face.faces.includes(zones.get(other) ?? ''));
  const dynamic = (one: Member): boolean => one.own !== undefined && Number(one.address.value) === 0;
  const all = sources.flatMap((source) => destinations.map((destination) => [source, destination] as const));
  const meeting = all.filter(([source, destination]) => faces(source, destination) && faces(destination, source));
  // Between two gateways the addresses themselves lie in zones or not; what meets nowhere is asked as it is.
  const bothGateways = all.every(([source, destination]) => source.own !== undefined && destination.own !== undefined);
  const far = all.filter(([source, destination]) => {
    if (dynamic(source) || dynamic(destination)) return false;
    return bothGateways ? meeting.length === 0 : !reached(source, destination) || !reached(destination, source);
  });
  return [...meeting, ...far].map(([source, destination]) => ({
    source: source.address,
    destination: destination.address,
    gateway: [source, destination].find(dynamic)?.own?.gateway.name,
  }));
}

// -- the message ------------------------------------------------------------------------------------------------

function protoMessages(proto: string, options: Options): (family: Family) => Message[] {
  const protocol = protocolNames.get(proto.toLowerCase()) ?? (/^\d{1,3}$/u.test(proto) ? Number(proto) : 256);
  if (protocol > 255) throw new UsageError('--proto', `\`${proto}\` is not a protocol`, 'tcp, udp, icmp, icmpv6 or a number from 0 to 255');
  const port = number(options, 'dport', 65535);
  const type = number(options, 'type', 255);
  const code = number(options, 'code', 255);
  const message = (value: number, only?: Family) => (family: Family) =>
    only === undefined || only === family ? [{ protocol, value, functionNumber: noFunction }] : [];
  if (ported(protocol)) {
    if (type !== undefined || code !== undefined) throw new UsageError(type === undefined ? '--code' : '--type', `${proto} has no ICMP type`);
    if (port === undefined) throw new UsageError('--dport', 'is missing', `which port of ${proto}?`);
    return message(port);
  }
  if (port !== undefined || options['sport'] !== undefined) throw new UsageError(port === undefined ? '--sport' : '--dport', `${proto} has no ports`);
  if (protocol === 1 || protocol === 58) {
    if (type === undefined) throw new UsageError('--type', 'is missing', `which message of ${proto}? Ping is ${protocol === 1 ? 8 : 128}`);
    return message(type * 256 + (code ?? 0), protocol === 1 ? 4 : 6);
  }
  if (type !== undefined || code !== undefined) throw new UsageError(type === undefined ? '--code' : '--type', `protocol ${proto} has no ICMP type`);
  return message(0);
}

/** Resolves the words of `--service` as the zone file would, its own services included; it must start one conversation. */
function serviceMessages(model: Model, loaded: Loaded, words: string, options: Options): (family: Family) => Message[] {
  for (const name of ['dport', 'type', 'code'])
    if (options[name] !== undefined) throw new UsageError(`--${name}`, 'goes with --proto, not with --service', `the service \`${words}\` says it all`);
  const sources = new SourceMap();
  const parsed = parse(sources.add('--service', `service zonewright_trace { ${words}\n}\n`));
  const [declaration, ...more] = parsed.value.declarations;
  const context = new Context(sources);
  const declared = new NameSpace<ServiceDecl>();
  const quiet = new Context(loaded.sources);
  for (const one of loaded.declarations) if (one.kind === 'service') declared.declare(quiet, 'service', one.name, one, true);
  const resolver = new ServiceResolver(context, declared);
  const services =
    parsed.diagnostics.length === 0 && declaration?.kind === 'service' && more.length === 0
      ? resolver.resolve({ items: declaration.members, span: declaration.span }, 'exact')
      : undefined;
  const wrong = [...parsed.diagnostics, ...context.diagnostics][0];
  if (services === undefined || wrong !== undefined) {
    const why = wrong === undefined ? '' : `: ${wrong.message}`;
    throw new UsageError(
      '--service',
      `\`${words}\` is not a service${why}`,
      wrong?.help[0] ?? 'write it as in a zone file, for example "modbus read" or "tcp 502"',
    );
  }
  const lost = services.unroutable[0];
  if (lost !== undefined) throw new UsageError('--service', `no routed gateway sees \`${lost.name}\`: ${lost.why}`);
  if (isNoService(services.set)) throw new UsageError('--service', `\`${words}\` is not a service: it holds no message`);
  const all = new Map(families.map((family) => [family, startsOf(model, services.set, family)]));
  const parts = [...new Set([...all.values()].flat().map((one) => one.part))];
  const several = [...all.values()].flat().some((one) => one.several) || new Set([...all.values()].flat().map((one) => one.key)).size > 1;
  if (several) {
    const shown = parts.slice(0, 6).join(', ') + (parts.length > 6 ? ' and more' : '');
    const one = (parts[0] ?? '').replace(/-\d+$/u, '');
    const [example] = [...all.values()].flat().flatMap((start) => start.example ?? []);
    const what = parts.some((part) => part.endsWith(mixed)) ? 'function' : 'unit and address';
    const help = example !== undefined ? `name one ${what}, for example "${example}"` : `ask for one of them: --service "${one}"`;
    throw new UsageError('--service', `\`${words}\` is more than one conversation: ${shown}`, help);
  }
  const noPorts = [...all.values()].flat().some((one) => !ported(one.message.protocol));
  if (noPorts && options['sport'] !== undefined) throw new UsageError('--sport', `\`${words}\` has no ports`);
  return (family) => (all.get(family) ?? []).map((one) => one.message);
}

const mixed = ' with several functions';
const mixedDetails = ' with several units or addresses';

interface Start {
  readonly message: Message;
  /** Equal for the same port of tcp and udp, and for the same ICMP name in both families. */
  readonly key: string;
  readonly several: boolean;
  /** In words. */
  readonly part: string;
  /** Where several functions are meant: one of them. */
  readonly example?: string;
}

/** Whether the functions are those of one class, and the policy nowhere tells their messages apart: then one stands for all. */
function isAlike(model: Model, functions: FunctionSet, family: Family, protocol: number, value: number): boolean {
  if (functionTable.hasNone(functions) || functionTable.hasOther(functions)) return false;
  const [first, ...rest] = functionTable.among(functions);
  if (first === undefined || rest.some((one) => one.protocol !== first.protocol || one.class !== first.class)) return false;
  return tellingSets(model, functions, family, protocol, value).length === 0;
}

/** What the policy says of the port where it holds some of the messages and not others. */
function tellingSets(model: Model, functions: FunctionSet, family: Family, protocol: number, value: number): readonly FunctionSet[] {
  const sets = [...model.flows, ...model.gateways.flatMap((gateway) => gateway.traffic)].map((one) => one.services.set);
  const there = sets.flatMap((set) =>
    (familyServices(set, family).values.get(protocol) ?? []).flatMap((one) => (one.first <= value && value <= one.last ? [one.functions] : [])),
  );
  const asked = widest(functions, 0);
  return there.filter((set) => intersectFunctions(asked, set).length > 0 && subtractFunctions(asked, set).length > 0);
}

/** Where addresses are named, the message that touches all of them: where it passes, so does what lies within, and it is what was asked for. */
function widest(segments: readonly Segment[], depth: number): readonly Segment[] {
  return segments.map(({ low, high, below }) => {
    const [last] = below === 'all' ? [] : below.slice(-1);
    if (below === 'all' || last === undefined) return { low, high, below };
    if (depth < 2) return { low, high, below: widest(below, depth + 1) };
    return { low, high: low, below: [{ low: last.high, high: last.high, below: 'all' }] };
  });
}

/** The first message of a set of one function; undefined where it says nothing of units and addresses. */
function detailsOf(below: Below): MessageDetails | undefined {
  if (below === 'all') return undefined;
  const [unit] = below;
  const [first] = unit === undefined || unit.below === 'all' ? [] : widest(unit.below, 2);
  const [last] = first === undefined || first.below === 'all' ? [] : first.below;
  const firstAddress = first?.low ?? 0;
  return { unit: unit?.low ?? 0, firstAddress, lastAddress: last?.low ?? firstAddress };
}

/** The words of one message that a policy tells from others. */
function exampleOf(functions: FunctionSet, telling: readonly FunctionSet[]): string | undefined {
  const [named] = functionTable.among(functions);
  if (named === undefined) return undefined;
  const number = functionTable.number(named);
  const said = (set: FunctionSet): Below => detailsIn(set, number);
  const some = telling.map((set) => said(intersectFunctions(functions, set))).find((below) => below !== 'all' && below.length > 0);
  const below = some ?? said(functions);
  const details = detailsOf(below);
  const everywhere = below === 'all' || below.every((unit) => unit.below === 'all');
  if (details === undefined || everywhere || addressesOf(named) === undefined)
    return `${named.protocol} ${named.name}${details === undefined ? '' : narrowingWords({ units: { first: details.unit, last: details.unit } })}`;
  const addresses = { first: details.firstAddress, last: Math.max(details.firstAddress, details.lastAddress) };
  return `${named.protocol} ${named.name}${narrowingWords({ units: { first: details.unit, last: details.unit }, addresses })}`;
}

function startsOf(model: Model, set: ServiceSet, family: Family): Start[] {
  if (!hasServices(set, family)) return [];
  const services = familyServices(set, family);
  const range = (first: number, last: number): string => (first === last ? String(first) : `${first}-${last}`);
  const valued = valuedProtocols(family).flatMap((protocol) =>
    (services.values.get(protocol) ?? []).map(({ first, last, functions }): Start => {
      const one = functions[0];
      const every = functionTable.hasOther(functions);
      // A port alone asks for the conversation: it starts by a packet that says nothing yet.
      const functionNumber = every ? noFunction : (one?.low ?? noFunction);
      const details = every || one === undefined ? undefined : detailsOf(one.below);
      const message = { protocol, value: first, functionNumber, ...(details === undefined ? {} : { details }) };
      const single = functions.length === 1 && one?.low === one?.high;
      const telling = every ? [] : tellingSets(model, functions, family, protocol, first);
      const many = !every && (single ? telling.length > 0 : !isAlike(model, functions, family, protocol, first));
      if (ported(protocol)) {
        const part = `${protocol === 6 ? 'tcp' : 'udp'} ${range(first, last)}${many ? (single ? mixedDetails : mixed) : ''}`;
        const example = many ? exampleOf(functions, telling) : undefined;
        const start = { message, key: `port ${first}`, several: many || first !== last, part };
        return example === undefined ? start : { ...start, example };
      }
      const types = range(first >> 8, last >> 8);
      return { message, key: 'icmp', several: first >> 8 !== last >> 8, part: `${family === 4 ? 'icmp' : 'icmpv6'} type ${types}` };
    }),
  );
  const plain = services.protocols.map(({ first, last }): Start => {
    const message = { protocol: first, value: 0, functionNumber: noFunction };
    return { message, key: `protocol ${first}`, several: first !== last, part: `ip protocol ${range(first, last)}` };
  });
  const icmp = valued.filter((one) => one.key === 'icmp');
  return icmp.length > 1 ? [...valued, ...plain].map((one) => ({ ...one, several: true })) : [...valued, ...plain];
}
