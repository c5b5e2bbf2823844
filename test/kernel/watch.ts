// How the harness sees inside the kernel. Takes the window (two priorities around the ruleset's), gives the nftables table that copies
// every packet to user space before and after the ruleset at each hook, and reads those copies from netlink. The idea: only the prefix
// of a copy speaks (`b` with the state that conntrack gave, then `a` if the ruleset let it through), and the packet mark, borrowed for
// a moment and put back to zero, carries the conntrack mark, which nothing else could show.

/** The group of the harness; a ruleset under test may log to any other, see `logGroups` of the gateway. */
export const group = 23127;
export const table = 'inet zwprobe';

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
export type State = 'new' | 'established' | 'related' | 'invalid' | 'untracked';
export type Direction = 'original' | 'reply';

export interface Copy {
  readonly moment: 'arrived' | 'before' | 'after' | 'sync' | 'logged';
  readonly hook: Hook;
  readonly state: State | undefined;
  readonly direction: Direction | undefined;
  /** The conntrack mark at that moment; 0 without a conntrack entry. */
  readonly mark: number;
  readonly in: number | undefined;
  readonly out: number | undefined;
  readonly packet: Uint8Array;
  /** The log group and the prefix: of interest where the ruleset itself logged. */
  readonly group: number;
  readonly prefix: string;
}

const hooks: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];
const states: Readonly<Record<string, State>> = { n: 'new', e: 'established', r: 'related', i: 'invalid', u: 'untracked' };
const directions: Readonly<Record<string, Direction>> = { o: 'original', r: 'reply' };

/** Arrival is watched behind defragmentation (-400) and before conntrack (-200), where marks of barriers also turn round. */
export function probeTable(window: { before: number; after: number }, syncInterface: string): string {
  const log = (prefix: string): string => `log prefix "${prefix}" group ${group} queue-threshold 100`;
  const both = (state: string, letter: string): string[] =>
    ['original', 'reply'].map((way) => `ct state ${state} ct direction ${way} ${log(`b${letter}${way[0] ?? ''}`)}`);
  const before = [
    'meta mark set ct mark',
    `ct state invalid ${log('bi')}`,
    `ct state untracked ${log('bu')}`,
    ...both('new', 'n'),
    ...both('established', 'e'),
    ...both('related', 'r'),
    'meta mark set 0',
  ];
  const after = ['meta mark set ct mark', log('a'), 'meta mark set 0'];
  const chain = (name: string, hook: string, priority: number, rules: readonly string[]): string =>
    `  chain ${name} {\n    type filter hook ${hook} priority ${priority}; policy accept;\n${rules.map((rule) => `    ${rule}\n`).join('')}  }\n`;
  const watched = ['input', 'forward', 'output'].flatMap((hook) => [
    chain(`before_${hook}`, hook, window.before, before),
    chain(`after_${hook}`, hook, window.after, after),
  ]);
  const arrive = [`iifname "${syncInterface}" log prefix "s" group ${group} queue-threshold 1`, `iifname "${syncInterface}" drop`, log('p')];
  return `table ${table}\ndelete table ${table}\ntable ${table} {\n${chain('arrive', 'prerouting', -310, arrive)}${watched.join('')}}\n`;
}

/** Netlink messages that make a group copy packets to the socket that sends them, at most `atOnce` in a datagram. */
export function groupRequests(number: number, atOnce: number): readonly Uint8Array[] {
  const bind = attribute(1, Uint8Array.from([1]));
  const mode = attribute(2, Uint8Array.from([0, 0, 0x06, 0x00, 2, 0]));
  const size = attribute(3, bigEndian(1 << 16));
  const threshold = attribute(5, bigEndian(atOnce));
  return [bind, mode, size, threshold].map((attributes) => request(number, attributes));
}

/** Every copy in one datagram from the kernel; answers to requests are checked for an error. */
export function readCopies(datagram: Uint8Array): readonly Copy[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const copies: Copy[] = [];
  let offset = 0;
  while (offset + 16 <= datagram.length) {
    const length = view.getUint32(offset, true);
    const type = view.getUint16(offset + 4, true);
    if (length < 16 || offset + length > datagram.length) throw new Error('a netlink message of an impossible length');
    if (type === 2 && view.getInt32(offset + 16, true) !== 0) {
      throw new Error(`the kernel refused a log group request: errno ${-view.getInt32(offset + 16, true)}`);
    }
    if (type === 0x400) {
      const copy = readCopy(datagram.subarray(offset + 20, offset + length), view.getUint16(offset + 18));
      if (copy !== undefined) copies.push(copy);
    }
    offset += (length + 3) & ~3;
  }
  return copies;
}

function readCopy(attributes: Uint8Array, from: number): Copy | undefined {
  const view = new DataView(attributes.buffer, attributes.byteOffset, attributes.byteLength);
  let hook: Hook | undefined;
  let prefix = '';
  let mark = 0;
  let into: number | undefined;
  let out: number | undefined;
  let packet = new Uint8Array(0);
  let offset = 0;
  while (offset + 4 <= attributes.length) {
    const length = view.getUint16(offset, true);
    if (length < 4) break;
    const value = attributes.subarray(offset + 4, offset + length);
    switch (view.getUint16(offset + 2, true) & 0x3fff) {
      case 1:
        hook = hooks[value[2] ?? -1];
        break;
      case 2:
        mark = view.getUint32(offset + 4);
        break;
      case 4:
        into = view.getUint32(offset + 4);
        break;
      case 5:
        out = view.getUint32(offset + 4);
        break;
      case 9:
        packet = value.slice();
        break;
      case 10:
        prefix = String.fromCharCode(...value.subarray(0, -1));
        break;
      default:
        break;
    }
    offset += (length + 3) & ~3;
  }
  const moment = from !== group ? 'logged' : ({ p: 'arrived', b: 'before', a: 'after', s: 'sync' } as const)[prefix[0] ?? ''];
  if (hook === undefined || moment === undefined) return undefined;
  return { moment, hook, state: states[prefix[1] ?? ''], direction: directions[prefix[2] ?? ''], mark, in: into, out, packet, group: from, prefix };
}

function request(number: number, attributes: Uint8Array): Uint8Array {
  const message = new Uint8Array(20 + attributes.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, 0x401, true);
  view.setUint16(6, 1, true);
  view.setUint16(18, number);
  message.set(attributes, 20);
  return message;
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
