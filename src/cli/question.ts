/**
 * The question of a trace, from options or a kernel log line, to packets.
 *
 * A name stands for one address of each of its parts, in the families that both ends have; a service for the first and
 * last message of each of its parts. All of them must pass.
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
import { type Address, families, parseAddress } from '../net/address.ts';
import { gatewayOnlyAddresses } from '../policy/place.ts';
import { addressRanges, type AddressSet, addressSetOf, isEmpty, noAddresses, someAddress, subtractAddresses, unionAddresses } from '../net/address-set.ts';
import { FunctionTable } from '../packets/functions.ts';
import { familyServices, hasServices, type ServiceSet, valuedProtocols } from '../packets/service-set.ts';
import type { Loaded } from '../pipeline/load.ts';
import { parse } from '../syntax/parse.ts';
import { complain, UsageError } from './io.ts';

type Options = Readonly<Record<string, unknown>>;

export function questions(model: Model, loaded: Loaded, options: Options): TraceQuestion[] {
  const log = text(options, 'log');
  if (log !== undefined) return [fromLog(model, log === '-' ? (readFileSync(0, 'utf8').trim().split('\n').at(-1) ?? '') : log)];
  const from = end(model, '--from', text(options, 'from'), text(options, 'to'));
  const to = end(model, '--to', text(options, 'to'), text(options, 'from'));
  const service = text(options, 'service');
  const proto = text(options, 'proto');
  if ((service === undefined) === (proto === undefined))
    throw new UsageError('--proto', 'give either --proto or --service', 'for example --proto tcp --dport 502, or --service "modbus read"');
  const sourcePort = number(options, 'sport', 0, 65535) ?? 49_152;
  const result: TraceQuestion[] = [];
  for (const family of families) {
    const messages = service === undefined ? [message(family, proto ?? '', options)] : serviceMessages(model, loaded, service, family);
    for (const source of members(model, from, family)) {
      for (const destination of members(model, to, family)) {
        for (const one of messages) result.push({ source, destination, sourcePort: one.protocol === 6 || one.protocol === 17 ? sourcePort : 0, ...one });
      }
    }
  }
  if (result.length === 0) throw new UsageError('--from', 'the two ends and the service share no address family');
  return result;
}

function text(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

function number(options: Options, name: string, lowest: number, highest: number): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  const parsed = /^\d{1,6}$/u.test(value) ? Number(value) : Number.NaN;
  if (parsed >= lowest && parsed <= highest) return parsed;
  throw new UsageError(`--${name}`, `\`${value}\` is not a number between ${lowest} and ${highest}`);
}

function end(model: Model, option: string, name: string | undefined, other: string | undefined): AddressSet {
  if (name === undefined) throw new UsageError(option, 'is missing', 'give a name of the zone file or an address, or a kernel log line with --log');
  const address = parseAddress(name);
  if (address !== undefined) return addressSetOf(address);
  const places = [...model.hosts, ...model.zones, ...model.groups];
  const found = places.find((place) => place.name === name);
  if (found !== undefined) return found.addresses;
  const gateway = model.gateways.find((one) => one.name === name);
  if (gateway !== undefined) return gatewayEnd(model, gateway, option, other);
  const suggestion = nearest(name, [...places.map((place) => place.name), ...model.gateways.map((one) => one.name)]);
  throw new UsageError(
    option,
    `\`${name}\` is neither an address nor a zone, host, group or gateway`,
    suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`,
  );
}

/** A gateway is met at the interface that faces the other end, if that is known. */
function gatewayEnd(model: Model, gateway: Gateway, option: string, other: string | undefined): AddressSet {
  const of = (faces: readonly Interface[]): AddressSet => unionAddresses(...faces.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address))));
  const peer =
    other === undefined
      ? undefined
      : (parseAddress(other) ?? someAddress([...model.hosts, ...model.zones, ...model.groups].find((place) => place.name === other)?.addresses ?? noAddresses));
  const zone = peer === undefined ? undefined : zoneOf(model, peer);
  const near = of(gateway.interfaces.filter((face) => zone !== undefined && face.faces.includes(zone)));
  const addresses = isEmpty(near) ? of(gateway.interfaces) : near;
  if (isEmpty(addresses)) throw new UsageError(option, `gateway \`${gateway.name}\` has no static address`, 'give the address that it has now');
  return addresses;
}

/** At most this many parts of a name are asked about. */
const mostMembers = 64;

/** A host's addresses; of a network one that is neither its first nor a gateway's. */
function members(model: Model, set: AddressSet, family: 4 | 6): Address[] {
  const gateways = unionAddresses(...model.gateways.map(gatewayOnlyAddresses));
  const named = addressRanges(set).every((range) => range.first === range.last);
  const free = named ? set : subtractAddresses(set, gateways);
  return addressRanges(isEmpty(free) ? set : free)
    .filter((range) => range.family === family)
    .slice(0, mostMembers)
    .map((range) =>
      range.family === 4
        ? { family: 4, value: range.first + Math.min(10, Math.floor((range.last - range.first + 1) / 2)) }
        : { family: 6, value: range.last - range.first >= 16n ? range.first + 10n : range.first },
    );
}

function message(family: 4 | 6, proto: string, options: Options): { protocol: number; value: number; functionNumber: number } {
  const names: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: family === 4 ? 1 : 58, icmpv6: 58 };
  const protocol = names[proto] ?? (/^\d{1,3}$/u.test(proto) && Number(proto) < 256 ? Number(proto) : undefined);
  if (protocol === undefined) throw new UsageError('--proto', `\`${proto}\` is not a protocol`, 'tcp, udp, icmp, icmpv6 or a number');
  const port = number(options, 'dport', 0, 65535);
  const type = number(options, 'type', 0, 255);
  const code = number(options, 'code', 0, 255);
  if (protocol === 6 || protocol === 17) {
    if (type !== undefined || code !== undefined) throw new UsageError('--type', `${proto} has no ICMP type`);
    if (port === undefined) throw new UsageError('--dport', 'is missing', `which port of ${proto}?`);
    return { protocol, value: port, functionNumber: 1 };
  }
  if (port !== undefined || options['sport'] !== undefined) throw new UsageError('--dport', `${proto} has no ports`);
  if (protocol === 1 || protocol === 58) {
    if (type === undefined) throw new UsageError('--type', 'is missing', `which message of ${proto}? Ping is ${family === 4 ? 8 : 128}`);
    return { protocol, value: type * 256 + (code ?? 0), functionNumber: 1 };
  }
  return { protocol, value: 0, functionNumber: 1 };
}

/** Resolves the words of `--service` as the zone file would, its own services included. */
function serviceMessages(model: Model, loaded: Loaded, words: string, family: 4 | 6): { protocol: number; value: number; functionNumber: number }[] {
  const sources = new SourceMap();
  const file = sources.add('--service', `service zonewright_trace { ${words} }\n`);
  const parsed = parse(file);
  const declaration = parsed.value.declarations[0];
  const context = new Context(sources);
  const declared = new NameSpace<ServiceDecl>();
  const quiet = new Context(loaded.sources);
  for (const one of loaded.declarations) if (one.kind === 'service') declared.declare(quiet, 'service', one.name, one, true);
  let set: ServiceSet | undefined;
  if (parsed.diagnostics.length === 0 && declaration?.kind === 'service') {
    const resolver = new ServiceResolver(context, declared, new FunctionTable(model.functionProtocols));
    set = resolver.resolve({ items: declaration.members, span: declaration.span }, 'exact')?.set;
  }
  const wrong = [...parsed.diagnostics, ...context.diagnostics];
  if (set === undefined || wrong.length > 0) {
    complain(wrong, sources);
    throw new UsageError('--service', `\`${words}\` is not a service`, 'write it as in a zone file, for example "modbus read" or "tcp 502"');
  }
  if (!hasServices(set, family)) return [];
  const services = familyServices(set, family);
  const messages = valuedProtocols(family).flatMap((protocol) =>
    (services.values.get(protocol) ?? []).flatMap((segment) =>
      [...new Set([segment.first, segment.last])].map((value) => ({
        protocol,
        value,
        functionNumber: segment.functions.some((range) => range.first <= 1 && range.last >= 1) ? 1 : (segment.functions[0]?.first ?? 1),
      })),
    ),
  );
  return [...messages, ...services.protocols.map((range) => ({ protocol: range.first, value: 0, functionNumber: 1 }))];
}

/** `… IN=eth0 OUT=eth2 … SRC=10.0.3.4 DST=192.168.10.11 … PROTO=TCP SPT=… DPT=…`, as nf_log writes it. */
function fromLog(model: Model, line: string): TraceQuestion {
  // The kernel's own fields begin at the last IN=…; what stands before is a prefix that anyone may have chosen.
  const own = line.slice([...line.matchAll(/(?:^|\s)IN=\S* OUT=/gu)].at(-1)?.index ?? 0);
  const field = (name: string): string | undefined => new RegExp(`(?:^|\\s)${name}=(\\S*)`, 'u').exec(own)?.[1];
  const source = parseAddress(field('SRC') ?? '');
  const destination = parseAddress(field('DST') ?? '');
  if (source === undefined || destination === undefined || source.family !== destination.family)
    throw new UsageError('--log', 'the line has no SRC= and DST= addresses', 'give a line of the kernel log as nftables writes it');
  const name = (field('PROTO') ?? '').toLowerCase();
  const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 };
  const protocol = numbers[name] ?? Number(name);
  if (name === '' || !Number.isInteger(protocol) || protocol < 0 || protocol > 255) throw new UsageError('--log', 'the line has no PROTO=');
  const read = (key: string): number => Number(field(key) ?? 0);
  const icmp = protocol === 1 || protocol === 58;
  const gateway = /\bzw (\S+) /u.exec(line)?.[1];
  return {
    source,
    destination,
    protocol,
    sourcePort: icmp ? 0 : read('SPT'),
    value: icmp ? read('TYPE') * 256 + read('CODE') : read('DPT'),
    functionNumber: 1,
    inInterface: field('IN') === '' ? undefined : field('IN'),
    outInterface: field('OUT') === '' ? undefined : field('OUT'),
    gateway: model.gateways.some((one) => one.name === gateway) ? gateway : undefined,
    badState: /\bzw \S+ state: /u.test(line),
  };
}
