/** Files with one change each: what a wrong emitter could write, and what a hand could change on the gateway. */

export interface Mutant {
  readonly kind: string;
  readonly line: number;
  readonly text: string;
}

type Change = readonly [kind: string, pattern: RegExp, replacement: (...groups: string[]) => string];

const changes: readonly Change[] = [
  ['accept becomes drop', /^(\toption target )'ACCEPT'$/u, (_, head = '') => `${head}'DROP'`],
  ['drop becomes accept', /^(\toption target )'DROP'$/u, (_, head = '') => `${head}'ACCEPT'`],
  ['open a policy', /^(\toption (?:input|output|forward) )'DROP'$/u, (_, head = '') => `${head}'ACCEPT'`],
  ['let invalid in', /^\toption drop_invalid '1'$/u, () => "\toption drop_invalid '0'"],
  ['offload', /^\toption flow_offloading '0'$/u, () => "\toption flow_offloading '1'"],
  ['load what others bring', /^\toption auto_includes '0'$/u, () => "\toption auto_includes '1'"],
  ['lose a condition', /^\tlist (?:src_ip|dest_ip|src_port|dest_port|icmp_type) .*$/u, () => ''],
  ['lose an end', /^\toption (?:src|dest) .*$/u, () => ''],
  ['any end', /^(\toption (?:src|dest) )'[^*].*'$/u, (_, head = '') => `${head}'*'`],
  ['lose a family', /^\toption family .*$/u, () => ''],
  ['turn a family', /^(\toption family )'ipv(4|6)'$/u, (_, head = '', version = '') => `${head}'ipv${version === '4' ? 6 : 4}'`],
  ['lose a protocol', /^\tlist proto .*$/u, () => ''],
  ['every protocol', /^\tlist proto '(?!all).*'$/u, () => "\tlist proto 'all'"],
  ['change a port', /^(\tlist dest_port )'(\d+)(.*)'$/u, (_, head = '', port = '', rest = '') => `${head}'${(Number(port) + 65535) % 65536}${rest}'`],
  ['change a message', /^\tlist icmp_type 'echo-request'$/u, () => "\tlist icmp_type 'echo-reply'"],
  ['every code', /^(\tlist icmp_type )'(\d+)\/\d+'$/u, (_, head = '', type = '') => `${head}'${type}'`],
  [
    'change an address',
    /^(\tlist (?:src_ip|dest_ip|entry) )'(\d+)\.(\d+)\.(\d+)\.(\d+)'$/u,
    (_, head = '', a = '', b = '', c = '', d = '') => `${head}'${a}.${b}.${c}.${Number(d) ^ 1}'`,
  ],
  [
    'widen a prefix',
    /^(\tlist (?:src_ip|dest_ip|entry) )'(\d+\.\d+\.\d+)\.0\/24'$/u,
    (_, head = '', net = '') => `${head}'${net.replace(/\d+$/u, (last) => `${Number(last) & ~1}`)}.0/23'`,
  ],
  ['drop an element', /^\tlist entry .*$/u, () => ''],
  ['turn a set', /^(\toption ipset '\S+ )(?:dest|src)'$/u, (line, head = '') => `${head}${line.includes(' dest') ? 'src' : 'dest'}'`],
  ['another device', /^(\tlist device )'.*'$/u, (_, head = '') => `${head}'zw0'`],
  ['switch a rule off', /^(\toption target .*)$/u, (_, line = '') => `${line}\n\toption enabled '0'`],
  ['an option of its own', /^(\toption target .*)$/u, (_, line = '') => `${line}\n\toption extra '-m comment'`],
  ['a limit', /^(\toption target .*)$/u, (_, line = '') => `${line}\n\toption limit '5/second'`],
  ['change a log', /^(\toption log )'zw .*'$/u, (_, head = '') => `${head}'other: '`],
  ['change a limit of logs', /^\toption log_limit .*$/u, () => "\toption log_limit '1/minute'"],
  ['change a comment', /^# .*$/u, () => '# something else'],
  ['rename a rule', /^(\toption name '.*)'$/u, (_, head = '') => `${head} renamed'`],
];

/** Every change at every place, and every pair of neighbouring rules the other way round. */
export function mutantsOf(text: string): Mutant[] {
  const lines = text.split('\n');
  const found = lines.flatMap((line, index) =>
    changes.flatMap(([kind, pattern, replacement]): Mutant[] => {
      if (
        !pattern.test(line) ||
        (kind === 'rename a rule' &&
          !lines
            .slice(0, index)
            .reverse()
            .find((one) => one.startsWith('config'))
            ?.startsWith('config rule'))
      )
        return [];
      const changed = line.replace(pattern, replacement);
      return changed === line ? [] : [{ kind, line: index + 1, text: lines.with(index, changed).join('\n') }];
    }),
  );
  const blocks = text.split('\n\n');
  const rules = blocks.flatMap((block, index) => (/^config rule$/mu.test(block) ? [index] : []));
  for (const index of rules) {
    found.push({ kind: 'lose a rule', line: index, text: [...blocks.slice(0, index), ...blocks.slice(index + 1)].join('\n\n') });
    const [block, next] = [blocks[index], blocks[index + 1]];
    if (block !== undefined && next !== undefined)
      found.push({
        kind: 'swap two rules',
        line: index,
        text: blocks
          .with(index, next)
          .with(index + 1, block)
          .join('\n\n'),
      });
  }
  found.push({ kind: 'a forwarding', line: lines.length, text: `${text}\nconfig forwarding\n\toption src 'a'\n\toption dest 'b'\n` });
  return found;
}
