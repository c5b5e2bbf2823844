/**
 * The verdict of OpenWrt on one packet, rule by rule: the judge of mutants.
 *
 * Takes UCI text that the reader accepts and a packet, gives whether it passes. Plain steps on the text; nothing of emitter or reader.
 */
import { parseAddress, parsePrefix } from '../../../src/net/address.ts';
import { familyOf, type Packet } from '../../../src/packets/packet.ts';
import { type Section, sectionsOf } from './fw4-rendering.ts';

export type Judge = (packet: Packet) => boolean;

export function judgeOfText(text: string): Judge {
  const sections = sectionsOf(text);
  return (packet) => passes(sections, packet);
}

function one(section: Section | undefined, name: string): string | undefined {
  const value = section?.options[name];
  return typeof value === 'string' ? value : value?.[0];
}

function list(section: Section | undefined, name: string): readonly string[] {
  const value = section?.options[name];
  return value === undefined ? [] : typeof value === 'string' ? value.split(' ') : value;
}

function passes(sections: readonly Section[], packet: Packet): boolean {
  const { hook, inInterface, outInterface, state } = packet;
  const defaults = sections.find(({ type }) => type === 'defaults');
  const zones = sections.filter(({ type }) => type === 'zone');
  if (hook === 'input' && inInterface === 'lo') return true;
  if (hook === 'output' && outInterface === 'lo') return true;
  if (state === 'established' || state === 'related') return true;
  if (state === 'invalid' && one(defaults, 'drop_invalid') === '1') return false;
  const has = (zone: Section, device: string | undefined): boolean => device !== undefined && list(zone, 'device').includes(device);
  const leaves = (name: string): boolean => zones.some((zone) => one(zone, 'name') === name && has(zone, outInterface));
  const rules = sections.filter((rule) => {
    if (rule.type !== 'rule' || one(rule, 'enabled') === '0') return false;
    const [src, dest] = [one(rule, 'src'), one(rule, 'dest')];
    return hook === (src === undefined ? 'output' : dest === undefined ? 'input' : 'forward');
  });
  const asked = (rule: Section): boolean => {
    const dest = one(rule, 'dest');
    return (dest === undefined || dest === '*' || leaves(dest)) && matches(sections, rule, packet);
  };
  const end = hook === 'output' ? 'dest' : 'src';
  const first = rules.find((rule) => ['*', undefined].includes(one(rule, end)) && asked(rule));
  if (first !== undefined) return one(first, 'target') === 'ACCEPT';
  for (const zone of zones) {
    if (!has(zone, hook === 'output' ? outInterface : inInterface)) continue;
    const found = rules.find((rule) => one(rule, end) === one(zone, 'name') && asked(rule));
    if (found !== undefined) return one(found, 'target') === 'ACCEPT';
    if (hook !== 'forward' || has(zone, outInterface)) return one(zone, hook) === 'ACCEPT';
  }
  return one(defaults, hook) === 'ACCEPT';
}

function matches(sections: readonly Section[], rule: Section, packet: Packet): boolean {
  const family = familyOf(packet);
  const wanted = one(rule, 'family');
  if (wanted !== undefined && wanted !== `ipv${family}`) return false;
  const lies = (address: Packet['source'], texts: readonly string[]): boolean =>
    texts.length === 0 ||
    texts.some((text) => {
      const [low = '', high = low] = text.split('-');
      const prefix = parsePrefix(low)?.network;
      const [first, last] = [parseAddress(low), parseAddress(high)];
      if (prefix !== undefined) return prefix.family === address.family && prefix.first <= address.value && address.value <= prefix.last;
      return first !== undefined && last !== undefined && first.family === address.family && first.value <= address.value && address.value <= last.value;
    });
  if (!lies(packet.source, list(rule, 'src_ip')) || !lies(packet.destination, list(rule, 'dest_ip'))) return false;
  const [setName, direction] = (one(rule, 'ipset') ?? '').split(' ');
  if (setName !== undefined && setName !== '') {
    const set = sections.find((section) => section.type === 'ipset' && one(section, 'name') === setName);
    const entries = list(set, 'entry');
    const side = direction ?? (one(set, 'match')?.startsWith('d') === true ? 'dest' : 'src');
    if (entries.length === 0 || !lies(side === 'src' ? packet.source : packet.destination, entries)) return false;
  }
  const protocols = rule.options['proto'] === undefined ? ['tcp', 'udp'] : list(rule, 'proto');
  if (!protocols.some((name) => name === 'all' || numberOf(name) === packet.protocol)) return false;
  const within = (port: number, texts: readonly string[]): boolean =>
    texts.length === 0 ||
    texts.some((text) => {
      const [first, last = first] = text.split('-').map(Number);
      return first !== undefined && last !== undefined && first <= port && port <= last;
    });
  if (!within(packet.sourcePort, list(rule, 'src_port')) || !within(packet.value, list(rule, 'dest_port'))) return false;
  const messages = list(rule, 'icmp_type');
  return messages.length === 0 || messages.some((text) => isMessage(family, text, packet.value));
}

function numberOf(name: string): number {
  return { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 }[name] ?? Number(name);
}

function isMessage(family: 4 | 6, text: string, value: number): boolean {
  const names: Readonly<Record<string, readonly [number, number]>> = {
    'echo-reply': [0, 129],
    'destination-unreachable': [3, 1],
    'echo-request': [8, 128],
    'packet-too-big': [-1, 2],
    'router-advertisement': [9, 134],
    'router-solicitation': [10, 133],
    'time-exceeded': [11, 3],
    'parameter-problem': [12, 4],
    'timestamp-request': [13, -1],
    'timestamp-reply': [14, -1],
    'neighbour-solicitation': [-1, 135],
    'neighbour-advertisement': [-1, 136],
    redirect: [5, 137],
  };
  const [type, code] = text.split('/');
  const number = names[text]?.[family === 4 ? 0 : 1] ?? Number(type);
  return value >> 8 === number && (code === undefined || (value & 0xff) === Number(code));
}
