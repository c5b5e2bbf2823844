/**
 * The only place where words become syntax of UCI and of the shell.
 *
 * Every value that reaches a template is a `Token`, made by one of these functions. What a zone file says can stand in quotes, in printable
 * ASCII without quotes, or as a name of a checked alphabet; nowhere else, and never in the script.
 */
import { createHash } from 'node:crypto';
import type { Span } from '../../src/base/source.ts';
import { type AddressRange, type Family, formatAddress4, formatAddress6, formatRange, prefixesOf4, prefixesOf6 } from '../../src/net/address.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import { type Dialect, limits, setHash } from './target.ts';

/** What the platform cannot say, with a way out. */
export class Inexpressible extends Error {
  readonly help: string | undefined;
  /** Where the zone file asks for it. */
  span: Span | undefined;

  constructor(what: string, help?: string) {
    super(what);
    this.help = help;
  }
}

/** Text that is safe to place in a file. */
export type Token = string & { readonly brand: 'uci token' };

function token(text: string): Token {
  return text as Token;
}

/** A value in quotes. */
function quoted(text: string): Token {
  if (!/^[\x20-\x26\x28-\x7e]*$/u.test(text)) throw new Error(`not a plain value: ${text}`);
  return token(`'${text}'`);
}

/** Printable ASCII without what any of the platform's languages quotes or expands with; the rest becomes `?`. */
function plain(text: string): string {
  return Array.from(text, (character) => (/^[ !#%-&(-[\]-_a-~]$/u.test(character) ? character : '?')).join('');
}

/** At most so many characters; what is cut ends in `~` and a hash of the whole. */
function cut(text: string, longest: number): string {
  const clean = plain(text);
  return clean.length <= longest ? clean : `${clean.slice(0, longest - 9)}~${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

/** The name of an option or another fixed word that stands bare. */
export function bare(text: string): Token {
  if (!/^[a-z][a-z0-9_.]*$/u.test(text)) throw new Error(`not a word: ${text}`);
  return token(text);
}

/** A fixed value. */
export function value(text: string): Token {
  if (!/^[A-Za-z0-9_*/-]+$/u.test(text)) throw new Error(`not a value: ${text}`);
  return quoted(text);
}

/** The text of a comment line: it cannot end the line. */
export function headLine(text: string): Token {
  return token(cut(text, 200));
}

/** An alphabet of names that both dialects, nft and iptables take. */
export function objectName(name: string): Token {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/u.test(name) || name.length > limits.zone.fw4) throw new Error(`not a name: ${name}`);
  return quoted(name);
}

/**
 * A device. fw4 does not quote for nft what looks like a number or an address, so that nft takes `add` or `10.5` for something else; fw3 takes `@` for the start of a
 * network's name.
 */
export function deviceName(name: string, dialect: Dialect): Token {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/u.test(name)) throw new Error(`not an interface name: ${name}`);
  const odd = dialect === 'fw4' ? name === 'add' || /^[0-9][0-9A-Fa-f.-]*$/u.test(name) : name.includes('@');
  if (odd) throw new Inexpressible(`a device named \`${name}\``, 'give the device another name on the box and in the zone file, such as `lan0`');
  return quoted(name);
}

/** Unique among `taken`, which grows, and within what nft has room for; one that had to be cut ends in a hash. */
export function ruleName(text: string, taken: Set<string>): string {
  let name = cut(text, limits.name);
  for (let number = 2; taken.has(name); number++) name = `${cut(text, limits.name - 6)} (${number})`;
  taken.add(name);
  return name;
}

/** A name made by `ruleName`. */
export function ruleNameToken(name: string): Token {
  return quoted(name);
}

/** `zw gw12 dmz>press default: `, as the other targets write it. */
export function logPrefix(words: readonly string[]): Token {
  return quoted(`${cut(`zw ${words.join(' ')}`, limits.logPrefix - 2)}: `);
}

export function family(family: Family): Token {
  return quoted(family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * The name of a set with these entries. It ends in their hash: a reload of either dialect adds to a set that is there and takes nothing out, so what has other
 * entries must be another set.
 */
export function setName(name: string, entries: readonly Token[]): string {
  return `${name}_${createHash('sha256').update(entries.join(' ')).digest('hex').slice(0, setHash)}`;
}

/** A set and the end that it is asked for. */
export function setMatch(name: string, end: 'src' | 'dest'): Token {
  return quoted(`${name} ${end}`);
}

/** Addresses, networks and ranges. */
export function addresses(family: Family, ranges: Ranges<number> | Ranges<bigint>): Token[] {
  return ranges.map((range) => quoted(formatRange({ family, ...range } as AddressRange)));
}

/** Entries of a set: networks, since no set takes a range in both dialects. */
export function prefixes(ranges: Ranges<number> | Ranges<bigint>): Token[] {
  return ranges.flatMap((range: Range<number> | Range<bigint>) =>
    typeof range.first === 'number'
      ? prefixesOf4(range as Range<number>).map(({ first, length }) => quoted(length === 32 ? formatAddress4(first) : `${formatAddress4(first)}/${length}`))
      : prefixesOf6(range as Range<bigint>).map(({ first, length }) => quoted(length === 128 ? formatAddress6(first) : `${formatAddress6(first)}/${length}`)),
  );
}

export function ports(ranges: Ranges<number>): Token[] {
  return ranges.map(({ first, last }) => quoted(first === last ? `${first}` : `${first}-${last}`));
}

const messageNames: Readonly<Record<Family, ReadonlyMap<number, string>>> = {
  4: new Map([
    [0, 'echo-reply'],
    [3, 'destination-unreachable'],
    [8, 'echo-request'],
    [11, 'time-exceeded'],
    [12, 'parameter-problem'],
    [13, 'timestamp-request'],
    [14, 'timestamp-reply'],
  ]),
  6: new Map([
    [1, 'destination-unreachable'],
    [2, 'packet-too-big'],
    [3, 'time-exceeded'],
    [4, 'parameter-problem'],
    [128, 'echo-request'],
    [129, 'echo-reply'],
    [133, 'router-solicitation'],
    [134, 'router-advertisement'],
    [135, 'neighbour-solicitation'],
    [136, 'neighbour-advertisement'],
    [137, 'redirect'],
  ]),
};

/** ICMP types with all their codes, by name where the platform has one, and single codes: `130/0`. */
export function messages(family: Family, ranges: Ranges<number>, dialect: Dialect): Token[] {
  return ranges.flatMap(({ first, last }) => {
    const found: Token[] = [];
    for (let at = first; at <= last;) {
      const type = at >> 8;
      if ((at & 0xff) === 0 && at + 0xff <= last) {
        found.push(wholeType(family, type, dialect));
        at += 0x100;
      } else {
        found.push(quoted(`${type}/${at & 0xff}`));
        at += 1;
      }
    }
    return found;
  });
}

function wholeType(family: Family, type: number, dialect: Dialect): Token {
  const name = messageNames[family].get(type);
  if (name !== undefined) return quoted(name);
  // fw3 takes a bare ICMPv6 number for its code 255, and iptables ICMP type 255 for any.
  if (dialect === 'fw3' && (family === 6 || type === 255))
    throw new Inexpressible(`all codes of ICMP${family === 6 ? 'v6' : ''} type ${type} on dialect fw3`, 'name the codes, or use dialect fw4');
  return quoted(`${type}`);
}

/**
 * IP protocols by number; those of the other family's ICMP are no words of either dialect, and fw4 hands a hexadecimal number to nft as it is. fw3 takes 0
 * for any protocol.
 */
export function protocols(family: Family, ranges: Ranges<number>, dialect: Dialect): Token[] {
  const numbers = ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
  return numbers.map((number) => {
    const foreign = number === (family === 4 ? 58 : 1);
    if (dialect === 'fw3' && (foreign || number === 0))
      throw new Inexpressible(
        `IP protocol ${number} over IPv${family} on dialect fw3`,
        'name the protocols that are needed instead of all but some, or use dialect fw4',
      );
    return quoted(foreign ? `0x${number.toString(16)}` : `${number}`);
  });
}
