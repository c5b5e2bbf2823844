/**
 * Mutants of emitted iptables files: one edit each, of the kinds that hands and bugs make.
 *
 * Takes the files, gives every edit at every place that it fits, with the name of its kind. Whether an edit changes the meaning is not said
 * here; that is for the tests to find out.
 */
import type { EmittedFile } from '../../../src/target/target.ts';

export interface Mutant {
  readonly kind: string;
  readonly file: string;
  /** One-based line of the edit. */
  readonly line: number;
  /** Made when asked for: all mutants of large files together would fill the memory. */
  readonly files: () => readonly EmittedFile[];
}

type Edit = (line: string) => string | undefined;

const another: Readonly<Record<string, string>> = {
  s: 'd',
  d: 's',
  src: 'dst',
  dst: 'src',
  tcp: 'udp',
  udp: 'tcp',
  eth0: 'eth1',
  eth1: 'eth0',
  i: 'o',
  o: 'i',
};

/** The other of two. */
function other(word: string | undefined): string {
  return another[word ?? ''] ?? '';
}

/** Edits of one line of rules; undefined where they do not fit. */
const ruleEdits: readonly (readonly [kind: string, edit: Edit])[] = [
  ['drop a rule', () => ''],
  ['accept becomes drop', (line) => replaced(line, / -j ACCEPT$/u, () => ' -j DROP')],
  ['drop becomes accept', (line) => replaced(line, / -j DROP$/u, () => ' -j ACCEPT')],
  ['a goto becomes a jump', (line) => replaced(line, / -g /u, () => ' -j ')],
  ['a jump becomes a goto', (line) => replaced(line, /^(-A .*) -j (zw\.)/u, (_, before, name) => `${before} -g ${name}`)],
  ['a goto becomes accept', (line) => replaced(line, / -g \S+$/u, () => ' -j ACCEPT')],
  ['a goto becomes return', (line) => replaced(line, / -g \S+$/u, () => ' -j RETURN')],
  ['lose a target', (line) => replaced(line, / -(?:g|j) (?!LOG|CONNMARK)\S+$/u, () => '')],
  ['permit at once', (line) => replaced(line, / -g zw\.(?:new|again|answers)\.\S+$/u, () => ' -g zw.permit')],
  ['judge again what is new', (line) => replaced(line, / -g zw\.new\.(\S+)$/u, (_, pair) => ` -g zw.again.${pair}`)],
  ['permit without a mark', (line) => replaced(line, / -g zw\.permit$/u, () => ' -j ACCEPT')],
  [
    'swap the flags of a set',
    (line) => replaced(line, /(--match-set \S+) ([a-z,]+)/u, (_, start, flags = '') => `${start} ${flags.split(',').map(other).join(',')}`),
  ],
  ['swap an end', (line) => replaced(line, / -([sd]) (\S+)(?! .*-[sd] )/u, (_, end, address) => ` -${other(end)} ${address}`)],
  ['swap the end of a range', (line) => replaced(line, /--(src|dst)-range/u, (_, end) => `--${other(end)}-range`)],
  ['swap the end of a port', (line) => replaced(line, /--([sd])port/u, (_, end) => `--${other(end)}port`)],
  ['turn an address around', (line) => replaced(line, / -([sd]) /u, (_, end) => ` ! -${end} `)],
  ['turn a range around', (line) => replaced(line, / --(src|dst)-range/u, (_, end) => ` ! --${end}-range`)],
  ['turn a set around', (line) => replaced(line, / --match-set/u, () => ' ! --match-set')],
  ['turn a port around', (line) => replaced(line, / --([sd]ports?) /u, (_, option) => ` ! --${option} `)],
  ['turn a protocol around', (line) => replaced(line, / -p (\S+)(?! -m (?:tcp|udp|icmp|icmp6|multiport) )/u, (_, protocol) => ` ! -p ${protocol}`)],
  ['turn an interface around', (line) => replaced(line, / -([io]) /u, (_, end) => ` ! -${end} `)],
  ['turn a state around', (line) => replaced(line, / --ctstate/u, () => ' ! --ctstate')],
  ['turn the mark around', (line) => replaced(line, / --mark/u, () => ' ! --mark')],
  ['turn an ICMP type around', (line) => replaced(line, / --(icmp|icmpv6)-type/u, (_, option) => ` ! --${option}-type`)],
  [
    'change a port',
    (line) => replaced(line, /--([sd]ports?) (\S*?)(\d+)(?= |$)/u, (_, option, before, port) => `--${option} ${before}${(Number(port) + 1) % 65_536}`),
  ],
  ['any port from 1024', (line) => replaced(line, /--([sd])port \d+(?= |$)/u, (_, end) => `--${end}port 1024:65535`)],
  ['change a protocol', (line) => replaced(line, /-p (tcp|udp) -m (tcp|udp)/u, (_, one, two) => `-p ${other(one)} -m ${other(two)}`)],
  ['lose a protocol', (line) => replaced(line, / -p \S+/u, () => '')],
  ['lose a port', (line) => replaced(line, / -m (?:tcp|udp|multiport) --\S+ \S+/u, () => '')],
  ['lose a protocol and its port', (line) => replaced(line, / -p \S+ -m (?:tcp|udp|multiport|icmp|icmp6) --\S+ \S+/u, () => '')],
  ['change an address', (line) => replaced(line, / -([sd]) (\d+\.\d+\.\d+)\.(\d+)(?= )/u, (_, end, start, last) => ` -${end} ${start}.${Number(last) ^ 1}`)],
  [
    'change an IPv6 address',
    (line) => replaced(line, / -([sd]) ([0-9a-f:]+):([0-9a-f]+)(?= )/u, (_, end, start, last) => ` -${end} ${start}:${nextHex(last)}`),
  ],
  ['widen a network', (line) => replaced(line, / -([sd]) (\d[\d.]+)\/\d+/u, (_, end, start) => ` -${end} ${start}/16`)],
  ['narrow a network', (line) => replaced(line, / -([sd]) (\S+)\/(\d+)/u, (_, end, start, length) => ` -${end} ${start}/${Number(length) + 1}`)],
  [
    'widen a range',
    (line) => replaced(line, /-range (\S+?)-(\S+):\S+/u, (_, first, start) => `-range ${first}-ffff:${start?.split(':').slice(1).join(':')}:0`),
  ],
  ['lose an address', (line) => replaced(line, / -[sd] \S+/u, () => '')],
  ['lose a set', (line) => replaced(line, / -m set --match-set \S+ \S+/u, () => '')],
  ['let related in', (line) => replaced(line, /--ctstate NEW,ESTABLISHED /u, () => '--ctstate NEW,ESTABLISHED,RELATED ')],
  ['let invalid in', (line) => replaced(line, /--ctstate NEW -g/u, () => '--ctstate NEW,INVALID -g')],
  ['accept what is related', (line) => replaced(line, /--ctstate RELATED -g \S+/u, () => '--ctstate RELATED -j ACCEPT')],
  ['accept what is untracked', (line) => replaced(line, /--ctstate RELATED -g \S+/u, () => '--ctstate UNTRACKED -j ACCEPT')],
  ['forget the state', (line) => replaced(line, / -m conntrack --ctstate NEW,ESTABLISHED/u, () => '')],
  ['forget what is new', (line) => replaced(line, /--ctstate NEW,ESTABLISHED/u, () => '--ctstate ESTABLISHED')],
  ['forget what is established', (line) => replaced(line, /--ctstate NEW,ESTABLISHED/u, () => '--ctstate NEW')],
  ['replies become requests', (line) => replaced(line, /--ctdir REPLY/u, () => '--ctdir ORIGINAL')],
  ['forget the direction', (line) => replaced(line, / -m conntrack --ctdir REPLY/u, () => '')],
  ['forget the mark', (line) => replaced(line, / -m connmark --mark \S+/u, () => '')],
  ['ask another mark', (line) => replaced(line, /--mark 0x[0-9a-f]+\//u, () => '--mark 0x1/')],
  ['ask any mark', (line) => replaced(line, /--mark 0x[0-9a-f]+\/0x[0-9a-f]+/u, () => '--mark 0x0/0x0')],
  ['ask a part of the mark', (line) => replaced(line, /--mark 0x([0-9a-f]{4})[0-9a-f]{4}\/0xffffffff/u, (_, high) => `--mark 0x${high}0000/0xffff0000`)],
  ['set another mark', (line) => replaced(line, /--set-xmark 0x[0-9a-f]+/u, () => '--set-xmark 0x1')],
  ['set a part of the mark', (line) => replaced(line, /(--set-xmark 0x[0-9a-f]+)\/0x[0-9a-f]+/u, (_, start) => `${start}/0xffff`)],
  ['set no mark', (line) => (line.includes(' -j CONNMARK ') ? '' : undefined)],
  ['raise a rate', (line) => rate(line, /--limit (\d+)\//u, (_, amount) => `--limit ${Number(amount) * 10}/`)],
  ['change the unit of a rate', (line) => rate(line, /--limit (\d+)\/(?:minute|hour|day)/u, (_, amount) => `--limit ${amount}/second`)],
  ['raise a burst', (line) => rate(line, /--limit-burst (\d+)/u, (_, burst) => `--limit-burst ${Number(burst) + 1}`)],
  ['forget a rate', (line) => rate(line, / -m limit --limit \S+ --limit-burst \d+/u, () => '')],
  ['another interface', (line) => replaced(line, / -([io]) (eth[01])(?= )/u, (_, end, name) => ` -${end} ${other(name)}`)],
  ['a strange interface', (line) => replaced(line, / -([io]) eth0 /u, (_, end) => ` -${end} eth7 `)],
  ['any interface', (line) => replaced(line, / -[io] \S+/u, () => '')],
  ['many interfaces', (line) => replaced(line, / -([io]) eth\d /u, (_, end) => ` -${end} eth+ `)],
  ['swap the ends of an interface', (line) => replaced(line, / -([io]) /u, (_, end) => ` -${other(end)} `)],
  ['change an ICMP type', (line) => replaced(line, /-type (\d+)/u, (_, type) => `-type ${(Number(type) + 1) % 256}`)],
  ['one code of an ICMP type', (line) => replaced(line, /-type (\d+)(?= )/u, (_, type) => `-type ${type}/1`)],
  ['any ICMP type', (line) => replaced(line, / -m icmp6? --icmp(?:v6)?-type \S+/u, () => '')],
  ['forget the hop limit', (line) => replaced(line, / -m hl --hl-eq 255/u, () => '')],
  ['change the hop limit', (line) => replaced(line, /--hl-eq 255/u, () => '--hl-eq 254')],
  ['another builtin chain', (line) => replaced(line, /^-I (?:FORWARD|INPUT) /u, (name = '') => (name.includes('INPUT') ? '-I FORWARD ' : '-I INPUT '))],
  [
    'a jump to another chain',
    (line) => replaced(line, /^-I (\S+) 1 -j zw\.(\S+)/u, (_, builtin, name) => `-I ${builtin} 1 -j zw.${name === 'input' ? 'forward' : 'input'}`),
  ],
  ['a jump for one interface', (line) => replaced(line, /^-I (FORWARD|INPUT) 1/u, (_, builtin) => `-I ${builtin} 1 -i eth0`)],
  ['accept before us', (line) => replaced(line, /^-I (\S+) 1 .*/u, (all, builtin) => `${all}\n-I ${builtin} 1 -m conntrack --ctstate ESTABLISHED -j ACCEPT`)],
  ['accept behind us', (line) => replaced(line, /^-I (\S+) 1 .*/u, (all, builtin) => `${all}\n-A ${builtin} -j ACCEPT`)],
  ['a chain that is not there', (line) => replaced(line, / -(g|j) zw\.\S+$/u, (_, leads) => ` -${leads} zw.nowhere`)],
  ['a match that nobody knows', (line) => replaced(line, /^(-A \S+)/u, (_, start) => `${start} -m physdev --physdev-in eth7`)],
  ['change a comment', (line) => replaced(line, /--comment "[^"]*"/u, () => '--comment "edited"')],
  ['change a log prefix', (line) => replaced(line, /--log-prefix "[^"]*"/u, () => '--log-prefix "edited: "')],
  ['change the limit of a log', (line) => (line.includes('-j LOG') ? replaced(line, /--limit 5\/second/u, () => '--limit 50/second') : undefined)],
  ['forget a log', (line) => (line.includes('-j LOG') ? '' : undefined)],
];

/** Edits of one element. */
const elementEdits: readonly (readonly [kind: string, edit: Edit])[] = [
  ['drop an element', () => ''],
  ['move an element', (line) => replaced(line, /(\d+\.\d+\.\d+)\.(\d+)(?=,|$)/u, (_, start, last) => `${start}.${Number(last) ^ 1}`)],
  ['move an IPv6 element', (line) => replaced(line, /([0-9a-f:]+):([0-9a-f]+)(?=,|$)/u, (_, start, last) => `${start}:${nextHex(last)}`)],
  ['widen an element', (line) => replaced(line, / (\S+)\/(\d+)$/u, (_, start, length) => ` ${start}/${Number(length) - 1}`)],
  ['widen an element far', (line) => replaced(line, /(\d+\.\d+)\.[\d.]+(?:\/\d+)?$/u, (_, start) => `${start}.0.0/16`)],
  ['narrow an element', (line) => replaced(line, / (\S+)\/(\d+)$/u, (_, start, length) => ` ${start}/${Number(length) + 1}`)],
  ['change the port of an element', (line) => replaced(line, /,(tcp|udp):(\d+)/u, (_, protocol, port) => `,${protocol}:${Number(port) + 1}`)],
  ['change the protocol of an element', (line) => replaced(line, /,(tcp|udp):/u, (_, protocol) => `,${other(protocol)}:`)],
  ['an element that is none', (line) => `${line} nomatch`],
  ['an element for a while', (line) => `${line} timeout 60`],
];

/** Edits of the line that makes a set. */
const setEdits: readonly (readonly [kind: string, edit: Edit])[] = [
  ['swap the family of a set', (line) => replaced(line, /family inet(6?)/u, (_, six) => (six === '6' ? 'family inet' : 'family inet6'))],
  ['change the type of a set', (line) => replaced(line, /hash:net /u, () => 'hash:ip ')],
  ['a set of another name', (line) => replaced(line, /^create zw\./u, () => 'create zx.')],
  ['a larger set', (line) => replaced(line, /maxelem (\d+)/u, (_, most) => `maxelem ${Number(most) * 2}`)],
  ['one element more', (line) => addition(line)],
];

function addition(line: string): string | undefined {
  const [, name, type, family] = line.split(/ (?:family )?/u);
  return type === 'hash:net' ? `${line}\nadd ${name} ${family === 'inet' ? '10.0.2.0/24' : '2001:db8:2::/64'}` : undefined;
}

function nextHex(last: string | undefined): string {
  return (Number.parseInt(last ?? '', 16) ^ 1).toString(16);
}

function rate(line: string, pattern: RegExp, by: (...groups: string[]) => string): string | undefined {
  return line.includes('-j LOG') ? undefined : replaced(line, pattern, by);
}

function replaced(line: string, pattern: RegExp, by: (...groups: string[]) => string): string | undefined {
  if (!pattern.test(line)) return undefined;
  const result = line.replace(pattern, by);
  return result === line ? undefined : result;
}

function editsFor(line: string): readonly (readonly [string, Edit])[] {
  if (line.startsWith('-')) return ruleEdits;
  if (line.startsWith('add ')) return elementEdits;
  return line.startsWith('create ') ? setEdits : [];
}

export function mutantsOf(files: readonly EmittedFile[]): Mutant[] {
  const result: Mutant[] = [];
  for (const { name: file, text } of files) {
    const lines = text.split('\n');
    const push = (kind: string, index: number, changed: () => readonly string[]): void => {
      const make = (): EmittedFile[] => files.map((one) => (one.name === file ? { name: file, text: changed().join('\n') } : one));
      result.push({ kind, file, line: index + 1, files: make });
    };
    const sets = lines.flatMap((line) => /^-A .*--match-set (\S+)/u.exec(line)?.[1] ?? []);
    for (const [index, line] of lines.entries()) {
      for (const [kind, edit] of editsFor(line)) {
        const changed = edit(line);
        if (changed !== undefined) push(kind, index, () => lines.with(index, changed));
      }
      const asked = / --match-set (\S+) /u.exec(line)?.[1];
      const instead = asked === undefined ? undefined : sets.find((set, at) => set !== asked && at > index % sets.length);
      if (asked !== undefined && instead !== undefined) push('ask another set', index, () => lines.with(index, line.replace(asked, instead)));
      const next = lines[index + 1];
      if (next !== undefined && chainOf(line) !== undefined && chainOf(line) === chainOf(next))
        push('swap two rules', index, () => lines.with(index, next).with(index + 1, line));
      if (line === 'COMMIT') push('lose the end', index, () => lines.toSpliced(index, 1));
    }
  }
  return result;
}

function chainOf(line: string): string | undefined {
  return /^-A (\S+)/u.exec(line)?.[1];
}
