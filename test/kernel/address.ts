// Addresses as bytes. Takes the text of an IPv4 or IPv6 address or prefix, gives the bytes that go into a header, and back again.
// The idea: the harness must not borrow from the compiler that it judges, so it reads addresses by itself.

export type Family = 4 | 6;

export interface Prefix {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** The 4 or 16 bytes of an address; throws on anything else (test data is ours, so a mistake is a bug). */
export function addressBytes(text: string): Uint8Array {
  return text.includes(':') ? bytesOfV6(text) : bytesOfV4(text);
}

export function familyOf(text: string): Family {
  return text.includes(':') ? 6 : 4;
}

export function prefixOf(text: string): Prefix {
  const [address = '', length] = text.split('/');
  const bytes = addressBytes(address);
  return { bytes, length: length === undefined ? bytes.length * 8 : Number(length) };
}

/** The last address of a prefix: for IPv4 its directed broadcast. */
export function lastAddress(prefix: Prefix): Uint8Array {
  return prefix.bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix.length - index * 8));
    return byte | (0xff >> kept);
  });
}

/** Dotted for 4 bytes, eight plain groups for 16 (`::` only where it is the longest run, as RFC 5952 says). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let index = 0; index < 16; index += 2) groups.push((((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)).toString(16));
  const run = longestRunOfZeros(groups);
  if (run.length < 2) return groups.join(':');
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`;
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function longestRunOfZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  return best;
}

function bytesOfV4(text: string): Uint8Array {
  const parts = text.split('.');
  const bytes = parts.map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) throw new Error(`not an IPv4 address: ${text}`);
  return Uint8Array.from(bytes);
}

function bytesOfV6(text: string): Uint8Array {
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) throw new Error(`not an IPv6 address: ${text}`);
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  const missing = 16 - before.length - after.length;
  if (missing < 0 || (tail === undefined && missing !== 0)) throw new Error(`not an IPv6 address: ${text}`);
  return Uint8Array.from([...before, ...new Array<number>(missing).fill(0), ...after]);
}

function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return [...bytesOfV4(group)];
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) throw new Error(`not an IPv6 group: ${group}`);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
