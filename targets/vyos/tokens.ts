/**
 * The only place where words become syntax of VyOS commands.
 *
 * Every value that reaches the template is a `Token`, made by one of these functions; what a zone file says can appear as a name of a
 * checked alphabet, or inside single quotes with nothing in it that ends or expands them, nowhere else.
 */
import { type Family, formatAddress4, formatAddress6 } from '../../src/net/address.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import { limits } from './target.ts';

/** What no configuration of VyOS can say, and what to say instead. */
export class Inexpressible extends Error {
  readonly help: string;

  constructor(what: string, help: string) {
    super(what);
    this.help = help;
  }
}

/** Text that is safe to place in a command. */
export type Token = string & { readonly brand: 'vyos token' };

function token(text: string): Token {
  return text as Token;
}

/** Joins tokens with one space. */
export function phrase(...parts: readonly Token[]): Token {
  return token(parts.join(' '));
}

/** Fixed words of the platform, checked to be nothing else. */
export function keyword(text: string): Token {
  if (!/^[a-z0-9_-]+(?: [a-z0-9_-]+)*$/u.test(text)) throw new Error(`not a keyword: ${text}`);
  return token(text);
}

/** The name of a zone, a rule set or a group. */
export function name(text: string): Token {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/u.test(text) || text.length > limits.name) throw new Error(`not a name: ${text}`);
  return token(text);
}

/** Everything but what the group or interface of this name holds. */
export function except(one: Token): Token {
  return token(`!${one}`);
}

export function number(value: number): Token {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a number: ${value}`);
  return token(String(value));
}

/** Words that nft 1.0.6 takes for its own where a rule of VyOS has a bare name of an interface, and some of later releases. */
const nftWords = new Set(
  `accept add ah all and auto-merge bridge cgroup chain comment comp constant continue counter cpu create ct day dccp define delete describe destroy device devices drop dst dup dynamic element elements eq esp ether exists expires export exthdr fib flags flow flowtable flush frag fwd gc-interval ge get goto gt handle hbh hook hour ibriport ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import include index inet insert interval ip ip6 ipsec jhash json jump last le limit list log lt map mark masquerade meta meter mh missing monitor ne netdev nftrace not notrack numgen obriport obrname offload oif oifgroup oifname oiftype or osf parameter-problem pkttype policy position priority queue quota random redefine redirect reject rename replace return rt rt0 rt2 rt4 rtclassid rule ruleset sctp secmark set size skgid skuid socket srh symhash synproxy table tcp th time timeout tproxy type typeof udp udplite undefine update vlan vmap xml xor xt`.split(
    /\s+/u,
  ),
);

/** The name of an interface that can stand bare in the rules that VyOS writes; a `*` would be a pattern. */
export function interfaceName(text: string): Token {
  if (!/^[A-Za-z][A-Za-z0-9_-]*(?:\.\d{1,4}){0,2}$/u.test(text) || text.length > 15 || nftWords.has(text)) {
    throw new Inexpressible(`an interface called \`${text}\``, 'give it the name that VyOS does: eth0, bond1, eth0.31 and the like');
  }
  return token(text);
}

/** Printable ASCII without what ends or expands a string, and without `?`, which asks for help where a line is pasted; the rest becomes `_`, and too much is cut. */
function quotable(text: string, longest: number): string {
  const plain = Array.from(text, (character) => (/^[ #%(-;=@-[\]^_a-z{}~]$/u.test(character) ? character : '_')).join('');
  return plain.length <= longest ? plain : `${plain.slice(0, longest - 3)}...`;
}

export function description(text: string): Token {
  return token(quotable(text, limits.description));
}

/** The text of a comment line: it cannot end the line. */
export function headLine(text: string): Token {
  return token(quotable(text, 200));
}

export function address(value: number | bigint): Token {
  return token(typeof value === 'bigint' ? formatAddress6(value) : formatAddress4(value));
}

/** `10.0.0.5-10.0.0.9`; an address alone stands for itself. */
export function addressSpan({ first, last }: Range<number> | Range<bigint>): Token {
  return first === last ? address(first) : token(`${address(first)}-${address(last)}`);
}

/** `10.0.0.0/8`, if the range is one prefix. */
export function prefixOf({ first, last }: Range<number> | Range<bigint>, family: Family): Token | undefined {
  const size = BigInt(last) - BigInt(first) + 1n;
  if ((size & (size - 1n)) !== 0n || (BigInt(first) & (size - 1n)) !== 0n) return undefined;
  return token(`${address(first)}/${(family === 4 ? 32 : 128) - (size.toString(2).length - 1)}`);
}

/** `5010-5013`. The platform has no port 0. */
export function portSpan({ first, last }: Range<number>): Token {
  if (first < 1 || last > 0xffff) throw new Error(`not ports of VyOS: ${first}-${last}`);
  return first === last ? number(first) : token(`${number(first)}-${number(last)}`);
}

/** `502,5010-5013`. */
export function portList(ranges: Ranges<number>): Token {
  if (ranges.length === 0) throw new Error('a list without ports');
  return token(ranges.map(portSpan).join(','));
}

/** Every port but these, port 0 among them: `!502,!5010-5013`. */
export function otherPorts(ranges: Ranges<number>): Token {
  if (ranges.length === 0) throw new Error('a list without ports');
  return token(ranges.map((range) => `!${portSpan(range)}`).join(','));
}

const protocolWords: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
]);

/** VyOS calls ICMP by the name of its family, and refuses that of the other one. */
export function protocolWord(family: Family, value: number): Token {
  if (value === (family === 4 ? 1 : 58)) return token(family === 4 ? 'icmp' : 'ipv6-icmp');
  if (value === (family === 4 ? 58 : 1)) throw new Error(`protocol ${value} has no word in IPv${family}`);
  return token(protocolWords.get(value) ?? number(value));
}
