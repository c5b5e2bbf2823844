/**
 * The only place where words become syntax of iptables-restore, ipset restore and the shell.
 *
 * Every value that reaches a template is a `Token`, made by one of these functions; what a zone file says can appear inside quotes or as a
 * name of a checked alphabet, nowhere else, and never in the script.
 */
import { createHash } from 'node:crypto';
import { type Family, formatAddress4, formatAddress6, prefixesOf4, prefixesOf6 } from '../../src/net/address.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import type { Rate } from '../../src/policy/gateway-policy.ts';
import type { Instruction } from './program.ts';
import { engineLimits, limits } from './target.ts';

/** What no rule of iptables can say; `help`: what would work. */
export class Inexpressible extends Error {
  readonly help: string | undefined;

  constructor(what: string, help?: string) {
    super(what);
    this.help = help;
  }
}

/** Text that is safe to place in a file. */
export type Token = string & { readonly brand: 'iptables token' };

function token(text: string): Token {
  return text as Token;
}

/** Joins tokens with one space. */
export function phrase(...parts: readonly (Token | undefined)[]): Token {
  return token(parts.filter((part) => part !== undefined).join(' '));
}

/** Fixed words of the platform, checked to be nothing else. */
export function keyword(text: string): Token {
  if (!/^[A-Za-z0-9_,!:/. -]+$/u.test(text)) throw new Error(`not a keyword: ${text}`);
  return token(text);
}

/** The name of a chain of ours: it has a prefix and a dot, so it is never a built-in one or a target. */
export function chainName(name: string): Token {
  if (!/^[a-z][a-z0-9]{0,7}\.[A-Za-z0-9_.-]+$/u.test(name) || name.length > limits.chain) throw new Error(`not a chain of ours: ${name}`);
  return token(name);
}

/** The name of a set of ours. */
export function setName(name: string): Token {
  if (!/^[a-z][a-z0-9]{0,7}\.[A-Za-z0-9_.-]+$/u.test(name) || name.length > limits.set) throw new Error(`not a set of ours: ${name}`);
  return token(name);
}

/** The prefix of our names. */
export function prefixWord(prefix: string): Token {
  if (!/^[a-z][a-z0-9]{0,7}$/u.test(prefix)) throw new Error(`not a prefix: ${prefix}`);
  return token(prefix);
}

export function number(value: number): Token {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a number: ${value}`);
  return token(String(value));
}

/** `0x12340000/0xffff0000`. */
export function markValue({ mask, value }: { readonly mask: number; readonly value: number }): Token {
  return token(`0x${value.toString(16)}/0x${mask.toString(16)}`);
}

/** An interface name; `+` at its end would be a wildcard. */
export function interfaceName(name: string): Token {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/u.test(name)) throw new Error(`not an interface name: ${name}`);
  return token(name);
}

/** Printable ASCII without what ends or escapes a string, or negates a match; the rest becomes `?`, and too much is cut. */
function quotable(text: string, longest: number): string {
  const plain = Array.from(text, (character) => (/^[ #%-[\]-_a-~]$/u.test(character) ? character : '?')).join('');
  return plain.length <= longest ? plain : `${plain.slice(0, longest - 3)}...`;
}

export function comment(text: string): Token {
  return token(`-m comment --comment "${quotable(text, limits.comment)}"`);
}

/** The text of a comment line: it cannot end the line. */
export function headLine(text: string): Token {
  return token(quotable(text, 200));
}

/** Characters of a word that is cut and carries a hash: a word that says which gateway wrote a line has the hash that `trace --log` knows. */
const gatewayHash = 5;
const wordHash = 3;

/**
 * `zw gw12 dmz>p~1f0 engin~9ab: `: gateway, pair and flow in 29 characters. Words that do not fit are cut to a fair share of the room and end
 * in `~` and a hash.
 */
export function logPrefixText(words: readonly string[]): string {
  if (words.length > 3) throw new Error('no room for more than three words');
  let room = limits.logPrefix - 'zw : '.length - (words.length - 1);
  const shares = new Map<number, number>();
  const byLength = words.map((word, index) => ({ index, length: quotable(word, 255).length })).sort((a, b) => a.length - b.length);
  for (const [place, { index, length }] of byLength.entries()) {
    const share = Math.min(length, Math.floor(room / (byLength.length - place)));
    shares.set(index, share);
    room -= share;
  }
  const parts = words.map((word, index) => {
    const share = shares.get(index) ?? 0;
    const clean = quotable(word, 255);
    if (clean.length <= share) return clean;
    const digits = index === 0 ? gatewayHash : wordHash;
    return `${clean.slice(0, share - digits - 1)}~${createHash('sha256').update(word).digest('hex').slice(0, digits)}`;
  });
  return `zw ${parts.join(' ')}: `;
}

export function logPrefix(words: readonly string[]): Token {
  return token(`--log-prefix "${logPrefixText(words)}"`);
}

export function address(value: number | bigint): Token {
  return token(typeof value === 'bigint' ? formatAddress6(value) : formatAddress4(value));
}

/** `10.0.0.0/8`, if the range is one prefix; an address alone has no length. */
export function prefixOf(range: Range<number> | Range<bigint>): Token | undefined {
  if (range.first === range.last) return address(range.first);
  const [first, last] = [BigInt(range.first), BigInt(range.last)];
  const size = last - first + 1n;
  if ((size & (size - 1n)) !== 0n || (first & (size - 1n)) !== 0n) return undefined;
  return token(`${address(range.first)}/${(typeof range.first === 'bigint' ? 128 : 32) - (size.toString(2).length - 1)}`);
}

/** `10.0.0.5-10.0.0.9`. */
export function addressSpan(range: Range<number | bigint>): Token {
  return token(`${address(range.first)}-${address(range.last)}`);
}

/** The prefixes of ranges as elements of a set; none has length 0, which `hash:net` cannot hold. */
export function prefixElements(family: Family, ranges: Ranges<number> | Ranges<bigint>): Token[] {
  const prefixes =
    family === 4 ? (ranges as Ranges<number>).flatMap((range) => prefixesOf4(range)) : (ranges as Ranges<bigint>).flatMap((range) => prefixesOf6(range));
  const bits = family === 4 ? 32 : 128;
  return prefixes.flatMap(({ first, length }) => {
    if (length === 0) return family === 4 ? [token('0.0.0.0/1'), token('128.0.0.0/1')] : [token('::/1'), token('8000::/1')];
    return [token(length === bits ? address(first) : `${address(first)}/${length}`)];
  });
}

/** `tcp:502`, as elements of sets have it. */
export function portElement(protocol: 6 | 17, port: number): Token {
  return token(`${protocol === 6 ? 'tcp' : 'udp'}:${number(port)}`);
}

/** `10.0.0.1,tcp:502,10.1.0.0/16`. */
export function element(parts: readonly Token[]): Token {
  return token(parts.join(','));
}

/** `80,443,8000:8100`: at most the slots of one multiport. */
export function portList(ranges: Ranges<number>): Token {
  const slots = ranges.reduce((sum, { first, last }) => sum + (first === last ? 1 : 2), 0);
  if (slots === 0 || slots > limits.slots) throw new Error(`a multiport of ${slots} slots`);
  return token(ranges.map(portSpan).join(','));
}

export function portSpan({ first, last }: Range<number>): Token {
  return first === last ? number(first) : token(`${number(first)}:${number(last)}`);
}

/** `8/0`, or `8` for every code. Type 255 would mean any type for IPv4, and so does not exist here. */
export function icmpMessage(family: Family, type: number, code: number | undefined): Token {
  if (type === 255 && family === 4) throw new Error('iptables takes ICMP type 255 for every type');
  return token(code === undefined ? String(number(type)) : `${number(type)}/${number(code)}`);
}

/** Protocol 0 would mean every protocol, and so does not exist here. */
export function protocolWord(value: number): Token {
  if (value === 0) throw new Error('iptables takes protocol 0 for every protocol');
  return number(value);
}

/** `-m bpf --bytecode "2,48 0 0 0,6 0 0 65535"`: numbers alone. */
export function program(instructions: readonly Instruction[]): Token {
  if (!isKnownProgram(instructions)) throw new Error(`a program of ${instructions.length} instructions`);
  return token(`-m bpf --bytecode "${bytecode(instructions)}"`);
}

/** Whether iptables takes it: it cuts words that are longer. */
export function isKnownProgram(instructions: readonly Instruction[]): boolean {
  return instructions.length <= limits.instructions && bytecode(instructions).length <= limits.bytecode;
}

function bytecode(instructions: readonly Instruction[]): string {
  const lines = instructions.map(({ code, whenTrue, whenFalse, k }) => [code, whenTrue, whenFalse, k].map(number).join(' '));
  return [number(instructions.length), ...lines].join(',');
}

/** `--queue-num 3`: without `--queue-bypass`, what nobody takes from the queue is dropped. */
export function queue(value: number): Token {
  return token(`-j NFQUEUE --queue-num ${number(value)}`);
}

/** A list of addresses or ports in a rule of Suricata: `10.0.0.5`, `[10.0.0.5,10.0.1.0/24]`. */
export function engineList(items: readonly Token[]): Token {
  const [first, ...more] = items;
  if (first === undefined) throw new Error('an empty list means any');
  return more.length === 0 ? first : token(`[${items.join(',')}]`);
}

/** `10.0.0.5 any -> [10.0.1.0/24,10.0.2.7] 502`. */
export function engineEnds(source: Token, destination: Token, ports: Ranges<number>): Token {
  const spans = ports.map(({ first, last }) => (first === last ? number(first) : token(`${number(first)}:${number(last)}`)));
  return token(`${source} any -> ${destination} ${engineList(spans)}`);
}

/** Ports between commas, as Suricata's configuration has them. */
export function enginePorts(ports: readonly number[]): Token {
  return token(ports.map(number).join(','));
}

/** Fixed words of Suricata's rules. */
export function engineWords(text: string): Token {
  if (!/^[A-Za-z0-9_,!:;<> .-]+$/u.test(text)) throw new Error(`no words of a rule: ${text}`);
  return token(text);
}

/** What a rule of Suricata writes into its log; what ends a string or an option does not occur in it. */
export function engineMessage(text: string): Token {
  const plain = Array.from(text, (character) => (/^[ #-:<-[\]-~]$/u.test(character) ? character : '?')).join('');
  return token(`msg:"${plain.length <= engineLimits.message ? plain : `${plain.slice(0, engineLimits.message - 3)}...`}";`);
}

/** `sid:1000000; rev:1;` */
export function engineNumber(value: number): Token {
  return token(`sid:${number(value)}; rev:1;`);
}

/** The options of a rule between their brackets. */
export function engineOptions(parts: readonly Token[]): Token {
  return token(`(${parts.join(' ')})`);
}

export function rate(limit: Rate): Token {
  if (limit.burst > limits.burst || !isKnownRate(limit)) throw new Error(`a rate of ${limit.amount}/${limit.unit} burst ${limit.burst}`);
  return token(`-m limit --limit ${number(limit.amount)}/${keyword(limit.unit)} --limit-burst ${number(limit.burst)}`);
}

const secondsOf = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;

/** Whether xt_limit can count so fast. */
export function isKnownRate({ amount, unit, burst }: Rate): boolean {
  return amount <= limits.perSecond * secondsOf[unit] && burst <= limits.burst && burst > 0;
}
