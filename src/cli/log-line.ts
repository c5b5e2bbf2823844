/**
 * A kernel log line as the question of a trace.
 *
 * Takes a line as nf_log writes it, with whatever a syslog puts in front; gives the packet that it tells of. The idea:
 * the kernel's own fields begin at the last `IN=… OUT=`, since what stands before is a prefix that anyone may choose.
 */
import type { TraceQuestion } from '../analysis/trace.ts';
import { zoneOf } from '../analysis/words.ts';
import { nearest } from '../base/nearest.ts';
import type { Gateway, Interface, Model } from '../model/model.ts';
import { parseAddress } from '../net/address.ts';
import { noFunction, otherFunction } from '../packets/functions.ts';
import { ported, protocolNames } from '../packets/protocol-names.ts';
import { UsageError } from './io.ts';

/** What else the kernel calls by name (nf_log_syslog.c); other protocols stand there as numbers. */
const loggedNames: ReadonlyMap<string, number> = new Map([...protocolNames, ['udplite', 136], ['ah', 51], ['esp', 50]]);

/** `… IN=eth0 OUT=eth2 … SRC=10.0.3.4 DST=192.168.10.11 … PROTO=TCP SPT=… DPT=…`, as nf_log writes it. */
export function fromLog(model: Model, lines: string): TraceQuestion {
  const line = lines.trim().split('\n').at(-1) ?? '';
  const bad = (why: string, help = 'give a line of the kernel log as nftables and iptables write it'): never => {
    throw new UsageError('--log', why, help);
  };
  // The kernel's own fields begin at the last IN=…; what stands before is a prefix that anyone may have chosen. What an
  // ICMP error quotes comes after its own.
  const start = [...line.matchAll(/IN=[^\s=]* OUT=/gu)].at(-1)?.index ?? bad('the line has no IN= and OUT=');
  const own = line.slice(start);
  const field = (name: string): string | undefined => {
    const value = new RegExp(`(?:^|\\s)${name}=(\\S*)`, 'u').exec(own)?.[1];
    return value === '' ? undefined : value;
  };
  const source = parseAddress(field('SRC') ?? '') ?? bad('the line has no SRC= address');
  const destination = parseAddress(field('DST') ?? '') ?? bad('the line has no DST= address');
  if (source.family !== destination.family) bad('SRC= and DST= are of different families');
  const name = field('PROTO') ?? bad('the line has no PROTO=', 'later fragments carry none: give the line of the first');
  const protocol = loggedNames.get(name.toLowerCase()) ?? (/^\d{1,3}$/u.test(name) ? Number(name) : 256);
  if (protocol > 255) bad(`PROTO=${name} is no protocol`);
  if (protocol === 1 && source.family === 6 && field('TYPE') !== undefined) bad('IPv6 has no PROTO=ICMP, it has PROTO=ICMPv6');
  const read = (key: string, highest: number): number => {
    const value = field(key) ?? bad(`the line has no ${key}=`, 'it was cut, or the packet is a later fragment: give another line');
    return /^\d{1,5}$/u.test(value) && Number(value) <= highest ? Number(value) : bad(`${key}=${value} is not a number between 0 and ${highest}`);
  };
  const icmp = protocol === (source.family === 4 ? 1 : 58);
  const ports = ported(protocol);
  const hopLimit = field('TTL') ?? field('HOPLIMIT');
  const faces = { inInterface: field('IN'), outInterface: field('OUT') };
  if (faces.inInterface === undefined && faces.outInterface === undefined) bad('the line names no interface');
  const prefix = ownPrefix(model, line.slice(0, start));
  return {
    source,
    destination,
    protocol,
    sourcePort: ports ? read('SPT', 65535) : 0,
    value: icmp ? read('TYPE', 255) * 256 + read('CODE', 255) : ports ? read('DPT', 65535) : 0,
    // What a message said does not stand in the line; a packet that opens a connection says nothing yet.
    functionNumber: protocol === 6 && /\bSYN\b/u.test(line) ? noFunction : otherFunction,
    hopLimit: hopLimit === undefined ? undefined : read(field('TTL') === undefined ? 'HOPLIMIT' : 'TTL', 255),
    ...faces,
    gateway: prefix?.gateway ?? loggedBy(model, line.slice(0, start), { ...faces, source, destination }),
    badState: prefix?.rest.startsWith('state: ') === true,
  };
}

/** What our own prefix says: `zw gw12 dmz>press engineering: `. A name that was too long ends in `~` and a hash. */
function ownPrefix(model: Model, before: string): { readonly gateway: string; readonly rest: string } | undefined {
  const found = [...before.matchAll(/(?:^|[\s\]])zw (?=(\S+) (.*)$)/gu)];
  const named = (word: string): string | undefined => {
    const cut = /^(.+)~[0-9a-f]{5}$/u.exec(word)?.[1];
    const fits = model.gateways.filter(({ name }) => name === word || (cut !== undefined && name.startsWith(cut)));
    return fits.length === 1 ? fits[0]?.name : undefined;
  };
  for (const [, word = '', rest = ''] of found) {
    const gateway = named(word);
    if (gateway !== undefined) return { gateway, rest };
  }
  const stranger = found[0]?.[1];
  if (stranger === undefined) return undefined;
  const suggestion = nearest(
    stranger,
    model.gateways.map((one) => one.name),
  );
  throw new UsageError(
    '--log',
    `gateway \`${stranger}\` wrote the line, and the zone file has none of that name`,
    suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`,
  );
}

/** The gateway that wrote a line without our prefix: the host that it names, else the only one with these interfaces. */
function loggedBy(
  model: Model,
  before: string,
  { inInterface, outInterface, source, destination }: Pick<TraceQuestion, 'inInterface' | 'outInterface' | 'source' | 'destination'>,
): string {
  const words = before.split(/\s+/u);
  const host = model.gateways.find((one) => words.includes(one.name));
  if (host !== undefined) return host.name;
  const faceOf = (gateway: Gateway, name: string | undefined): Interface | undefined => gateway.interfaces.find((face) => face.name === name);
  const names = [inInterface, outInterface].filter((name) => name !== undefined);
  const having = model.gateways.filter((gateway) => names.every((name) => faceOf(gateway, name) !== undefined));
  const facing = having.filter((gateway) =>
    (
      [
        [inInterface, source],
        [outInterface, destination],
      ] as const
    ).every(([name, address]) => name === undefined || faceOf(gateway, name)?.faces.includes(zoneOf(model, address) ?? '') === true),
  );
  const [one, another] = having.length === 1 ? having : facing;
  if (one !== undefined && another === undefined) return one.name;
  const shown = having.map((gateway) => gateway.name).join(', ');
  const why =
    having.length === 0
      ? `no gateway has the ${names.length === 1 ? 'interface' : 'interfaces'} ${names.join(' and ')}`
      : `it does not say which gateway wrote it: ${shown}`;
  throw new UsageError('--log', why, 'our own lines begin with `zw GATEWAY`: put that in front');
}
