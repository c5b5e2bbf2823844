/**
 * Mutants of an emitted ruleset: one edit each, of the kinds that hands and bugs make.
 *
 * Takes the text, gives every edit at every place that it fits, with the name of its kind. Whether an edit changes the
 * meaning is not said here; that is for the tests to find out.
 */

export interface Mutant {
  readonly kind: string;
  /** One-based line of the edit. */
  readonly line: number;
  /** Made when asked for: all mutants of a large ruleset together would fill the memory. */
  readonly text: () => string;
}

type Edit = (line: string) => string | undefined;

/** Edits of one line; undefined where they do not fit. */
const edits: readonly (readonly [kind: string, edit: Edit])[] = [
  ['drop a rule', (line) => (isRule(line) ? '' : undefined)],
  ['drop an element', (line) => (isElement(line) ? '' : undefined)],
  ['widen a prefix', (line) => replaced(line, /(\d+\.\d+)\.\d+\.\d+\/\d+/u, (_, start) => `${start}.0.0/16`)],
  ['widen an IPv6 prefix', (line) => replaced(line, /([0-9a-f]+:[0-9a-f]+):[0-9a-f:]*\/\d+/u, (_, start) => `${start}::/32`)],
  ['widen an address range', (line) => replaced(line, /(\d+\.\d+\.\d+)\.(\d+)-/u, (_, start) => `${start}.0-`)],
  ['widen an IPv6 range', (line) => replaced(line, /\b([0-9a-f]+):[0-9a-f:]+-([0-9a-f:]+)/u, (_, start, last) => `${start}::-${last}`)],
  [
    'move an address',
    (line) =>
      isElement(line)
        ? replaced(line, /(\d+\.\d+\.\d+)\.(\d+)( \.|,| comment| :|$)/u, (_, start, last, rest) => `${start}.${Number(last) ^ 1}${rest}`)
        : undefined,
  ],
  ['swap a family', (line) => replaced(line, /\bnfproto ipv([46])/u, (_, family) => `nfproto ipv${family === '4' ? 6 : 4}`)],
  ['swap an end', (line) => replaced(line, /\b(ip6?) (s|d)addr/u, (_, family, end) => `${family} ${end === 's' ? 'd' : 's'}addr`)],
  [
    'change a port',
    (line) =>
      isElement(line)
        ? replaced(line, / \. (6|17) \. (\d+)/u, (_, protocol, port) => ` . ${protocol} . ${Number(port) + 1}`)
        : replaced(line, /\b(tcp|udp) (s|d)port (\d+) /u, (_, protocol, end, port) => `${protocol} ${end}port ${Number(port) + 1} `),
  ],
  [
    'change a protocol',
    (line) =>
      isElement(line)
        ? replaced(line, / \. (6|17) \. /u, (_, protocol) => ` . ${protocol === '6' ? 17 : 6} . `)
        : replaced(line, /\b(tcp|udp) (s|d)port (\d+) /u, (_, protocol, end, port) => `${protocol === 'tcp' ? 'udp' : 'tcp'} ${end}port ${port} `),
  ],
  [
    'change an address of a rule',
    (line) => replaced(line, /\bip (s|d)addr (\d+\.\d+\.\d+)\.(\d+) /u, (_, end, start, last) => `ip ${end}addr ${start}.${Number(last) ^ 1} `),
  ],
  ['drop becomes accept', (line) => replaced(line, /\bdrop$/u, () => 'accept')],
  ['accept becomes drop', (line) => replaced(line, /\baccept\b/u, () => 'drop')],
  ['permit becomes drop', (line) => replaced(line, /goto verdict\.permit\b/u, () => 'drop')],
  ['a goto becomes accept', (line) => replaced(line, /goto [a-z]+\.[\w.-]+/u, () => 'accept')],
  ['a goto becomes a jump', (line) => replaced(line, /\bgoto /u, () => 'jump ')],
  ['policy accept', (line) => replaced(line, /policy drop;/u, () => 'policy accept;')],
  ['accept what is new', (line) => replaced(line, /ct state new goto \S+/u, () => 'ct state new accept')],
  ['add related to an established rule', (line) => replaced(line, /ct state established,new /u, () => 'ct state established,new,related ')],
  [
    'forget the mark',
    (line) => replaced(line, /ct state established,new ct mark (?:& 0x[0-9a-f]+ == )?0x[0-9a-f]+ accept/u, () => 'ct state established,new accept'),
  ],
  ['turn a check around', (line) => replaced(line, / != @/u, () => ' @')],
  ['forget the state', (line) => replaced(line, /ct state established,new ct mark/u, () => 'ct mark')],
  ...(['invalid', 'untracked'] as const).map((state): [string, Edit] => [
    `let ${state} in`,
    (line) => replaced(line, /ct state related goto (\S+)/u, (_, chain) => `ct state vmap { related : goto ${chain}, ${state} : accept }`),
  ]),
  ['widen related', (line) => replaced(line, /icmp type \{ 3, 11, 12 \}/u, () => 'icmp type { 3, 5, 11, 12 }')],
  ['widen related to all', (line) => replaced(line, /meta nfproto ipv4 icmp type \{ 3, 11, 12 \} accept/u, () => 'accept')],
  ['set another mark', (line) => replaced(line, /ct mark set 0x[0-9a-f]+/u, () => 'ct mark set 0x00000001')],
  ['set no mark', (line) => replaced(line, /ct mark set (?:ct mark & 0x[0-9a-f]+ \| )?0x[0-9a-f]+ accept/u, () => 'accept')],
  ['forget the hop limit', (line) => replaced(line, / ip6 hoplimit 255/u, () => '')],
  ['another interface', (line) => replaced(line, /"eth0"/u, () => '"eth1"')],
  ['any interface', (line) => replaced(line, /iifname "lo" accept/u, () => 'accept')],
  ['raise a rate', (line) => replaced(line, /rate (\d+)\/(second|minute)/u, (_, amount, unit) => `rate ${Number(amount) * 10}/${unit}`)],
  ['forget a rate', (line) => replaced(line, /limit name rate\.\S+ /u, () => '')],
  ['replies become requests', (line) => replaced(line, /ct direction reply/u, () => 'ct direction original')],
  ['change a comment', (line) => replaced(line, / comment "[^"]*"/u, () => ' comment "edited"')],
  ['change a log', (line) => replaced(line, /log prefix "[^"]*"/u, () => 'log prefix "edited: "')],
];

function replaced(line: string, pattern: RegExp, by: (...groups: string[]) => string): string | undefined {
  if (!pattern.test(line)) return undefined;
  const result = line.replace(pattern, by);
  return result === line ? undefined : result;
}

function isRule(line: string): boolean {
  return /^\t\t(?!type |flags |elements|rate |comment |\t|\})/u.test(line) && line.trim() !== '';
}

function isElement(line: string): boolean {
  return line.startsWith('\t\t\t');
}

export function mutantsOf(text: string): Mutant[] {
  const lines = text.split('\n');
  const result: Mutant[] = [];
  const push = (kind: string, index: number, changed: () => readonly string[]): void => {
    result.push({ kind, line: index + 1, text: () => changed().join('\n') });
  };
  lines.forEach((line, index) => {
    if (line.startsWith('#') || line.startsWith('\t#')) return;
    for (const [kind, edit] of edits) {
      const changed = edit(line);
      if (changed !== undefined) push(kind, index, () => lines.with(index, changed));
    }
    const portless = losePort(lines, line);
    if (portless !== undefined) push('lose a port', index, () => portless);
    const next = lines[index + 1];
    if (next !== undefined && isRule(line) && isRule(next)) push('swap two rules', index, () => lines.with(index, next).with(index + 1, line));
  });
  return result;
}

/** A set of addresses, protocol and port loses its ports, in the set and wherever it is asked. */
function losePort(lines: readonly string[], line: string): string[] | undefined {
  const name = /^\tset (\S+) \{$/u.exec(line)?.[1];
  const start = lines.indexOf(line);
  const type = lines[start + 1];
  if (name === undefined || type === undefined || !type.endsWith('addr . inet_proto . inet_service')) return undefined;
  const end = lines.indexOf('\t}', start);
  const seen = new Set<string>();
  return lines.flatMap((one, index) => {
    if (index > start && index < end) {
      const bare = one.replace(' . inet_proto . inet_service', '').replace(/ \. \d+ \. \d+( comment "[^"]*")?,$/u, ',');
      if (isElement(one) && seen.has(bare)) return [];
      seen.add(bare);
      return [bare];
    }
    return [one.includes(`@${name} `) ? one.replace(/ \. meta l4proto \. th [sd]port @/u, ' @') : one];
  });
}
