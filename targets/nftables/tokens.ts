/**
 * The only place where words become nft syntax.
 *
 * Every value that reaches the template is a `Token`, made by one of these functions; what a zone file says can appear
 * inside quotes or as a name of a checked alphabet, nowhere else.
 */
import { createHash } from 'node:crypto';
import { formatAddress4, formatAddress6, prefixesOf4, prefixesOf6 } from '../../src/net/address.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import type { Rate } from '../../src/policy/gateway-policy.ts';
import { limits } from './target.ts';

/** Text that is safe to place in a ruleset. */
export type Token = string & { readonly brand: 'nft token' };

function token(text: string): Token {
  return text as Token;
}

/** Joins tokens with one space. */
export function phrase(...parts: readonly Token[]): Token {
  return token(parts.join(' '));
}

/** A fixed word of the nft language, checked to be nothing else. */
export function keyword(text: string): Token {
  if (!/^[a-z0-9 .&|:!=+_-]+$/u.test(text)) throw new Error(`not a keyword: ${text}`);
  return token(text);
}

/** A segment of TCP that only resets, with or without an acknowledgement. */
export const onlyResets = token('tcp flags rst / fin,syn,rst,psh,urg');

/** A name of a chain, set, map or object; it starts with one of our own prefixes, so it is never a keyword. */
export function identifier(name: string): Token {
  if (!/^[a-z][a-z0-9]*\.[A-Za-z0-9_.-]+$/u.test(name) || name.length > limits.name) throw new Error(`not an identifier: ${name}`);
  return token(name);
}

/** Bits of a packet, counted from the start of its network header, transport header, or what the transport carries. */
export function payload(base: 'nh' | 'th' | 'ih', bytesBefore: number, bits: number): Token {
  return token(`@${base},${number(bytesBefore * 8)},${number(bits)}`);
}

export function setReference(name: string): Token {
  return token(`@${identifier(name)}`);
}

export function number(value: number): Token {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a number: ${value}`);
  return token(String(value));
}

export function hexadecimal(value: number): Token {
  return token(`0x${value.toString(16).padStart(8, '0')}`);
}

/** An interface name; the model admits only letters, digits, `_`, `.`, `@` and `-`. */
export function interfaceName(name: string): Token {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/u.test(name)) throw new Error(`not an interface name: ${name}`);
  return token(`"${name}"`);
}

/** Printable ASCII without the characters that end or escape a string, or start a variable of nft; the rest becomes `?`, and too much is cut. */
function quotable(text: string, longest: number): string {
  const plain = /^[ !#%-[\]-~]*$/u.test(text) ? text : Array.from(text, (character) => (/^[ !#%-[\]-~]$/u.test(character) ? character : '?')).join('');
  return plain.length <= longest ? plain : `${plain.slice(0, longest - 3)}...`;
}

export function comment(text: string): Token {
  return token(`comment "${quotable(text, limits.comment)}"`);
}

/**
 * `zw gw12 dmz>press engineering: `. Where the platform's room is too small, the longest word is cut and carries a hash,
 * so that each of the others can still be read whole.
 */
export function logPrefix(words: readonly string[]): Token {
  const room = limits.logPrefix - 'zw : '.length;
  const parts = [...words];
  for (;;) {
    const over = parts.join(' ').length - room;
    if (over <= 0) break;
    const longest = parts.reduce((best, word, index) => (word.length > (parts[best] ?? '').length ? index : best), 0);
    const word = parts[longest] ?? '';
    parts[longest] =
      `${word.slice(0, Math.max(4, Math.min(word.length - over - 6, word.length - 8)))}~${createHash('sha256').update(word).digest('hex').slice(0, 5)}`;
  }
  return token(`log prefix "${quotable(`zw ${parts.join(' ')}`, limits.logPrefix - 2)}: "`);
}

/** The text of a comment line in the file's head. */
export function headLine(text: string): Token {
  return token(quotable(text, 200));
}

export function address(value: number | bigint): Token {
  return token(typeof value === 'bigint' ? formatAddress6(value) : formatAddress4(value));
}

/** An element of an interval set: a prefix where it is one, else a range. */
export function addressInterval(range: Range<number> | Range<bigint>): Token {
  if (range.first === range.last) return address(range.first);
  const prefixes = typeof range.first === 'bigint' ? prefixesOf6(range as Range<bigint>) : prefixesOf4(range as Range<number>);
  const only = prefixes[0];
  if (prefixes.length === 1 && only !== undefined) return token(`${address(only.first)}/${only.length}`);
  return token(`${address(range.first)}-${address(range.last)}`);
}

export function numberInterval(range: Range<number>): Token {
  return range.first === range.last ? number(range.first) : token(`${number(range.first)}-${number(range.last)}`);
}

export function concatenation(parts: readonly Token[]): Token {
  return token(parts.join(' . '));
}

/** Several elements of a set on one line. */
export function line(elements: readonly Token[]): Token {
  return token(elements.join(', '));
}

export function anonymousSet(elements: readonly Token[]): Token {
  if (elements.length === 0) throw new Error('an empty set was about to be emitted');
  return token(elements.length === 1 ? (elements[0] ?? '') : `{ ${elements.join(', ')} }`);
}

/** `established,new`: any of these flags. */
export function flags(...words: readonly string[]): Token {
  return token(words.map(keyword).join(','));
}

/** `{ a : goto x, b : goto y }`. */
export function anonymousMap(entries: readonly (readonly [Token, Token])[]): Token {
  if (entries.length === 0) throw new Error('an empty map was about to be emitted');
  return token(`{ ${entries.map(([key, verdict]) => `${key} : ${verdict}`).join(', ')} }`);
}

export function rate(limit: Rate): Token {
  return token(`${number(limit.amount)}/${keyword(limit.unit)} burst ${number(limit.burst)} packets`);
}

/** `saddr` ranges as one match: a single element, or a set in braces. */
export function intervals(ranges: Ranges<number> | Ranges<bigint>): Token {
  return anonymousSet((ranges as readonly (Range<number> | Range<bigint>)[]).map((range) => addressInterval(range)));
}

export function numbers(ranges: Ranges<number>): Token {
  return anonymousSet(ranges.map(numberInterval));
}
