/**
 * The rulesets that are compared: an empty one, linear ones, and what zonewright writes for each target and its options.
 *
 * `prepare(name, { folder, plant })` gives `{ bytes, load }`, or `{ left }`, the reason why there is no such ruleset of this plant; `load(inside)` brings it into
 * force, where `inside(command, args, input)` runs a program in the namespace of the gateway.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { date, zonewright } from './common.mjs';
import { linear } from './linear.mjs';
import { linearIptables } from './linear-iptables.mjs';
import { written } from './mixed.mjs';

/** What a gateway block says of its target. */
export const targets = {
  nftables: 'nftables',
  legacy: 'iptables',
  'legacy-trees': 'iptables { sets no }',
  nf_tables: 'iptables { backend nf_tables }',
  'nf_tables-trees': 'iptables { backend nf_tables  sets no }',
};

export const rulesets = ['empty', 'linear', 'nftables', 'linear-legacy', 'legacy', 'legacy-trees', 'linear-nf_tables', 'nf_tables', 'nf_tables-trees'];

/** What is written out rule by rule for iptables may have this many: groups of hundreds × hundreds have millions. */
const mostLinear = 50_000;

const empty = `table inet empty {
	chain forward {
		type filter hook forward priority filter; policy accept;
		accept
	}
}
`;

/** The linear ruleset that a ruleset is compared with: of the same tools. */
export function yardstick(name) {
  const [backend] = name.split('-');
  return backend === 'nftables' ? 'linear' : `linear-${backend}`;
}

/** The tools that a ruleset needs besides nft. */
export const tools = ['iptables-legacy-restore', 'ip6tables-legacy-restore', 'iptables-nft-restore', 'ip6tables-nft-restore', 'ipset', 'awk'];

export function prepare(name, { folder, plant, number }) {
  if (name === 'empty') return nft(join(folder, 'empty.nft'), empty);
  if (name === 'linear') return nft(join(folder, `${number}-linear.nft`), linear(plant));
  if (name.startsWith('linear-')) return inLine(name.slice('linear-'.length), plant);
  const zone = join(folder, `${number}-${name}.zone`);
  const out = join(folder, `${number}-${name}`);
  writeFileSync(zone, written(plant, targets[name]));
  const { status, stderr } = zonewright(['compile', zone, '--date', date, '-o', out]);
  if (status === 3) return { left: /^error.*$/mu.exec(stderr)?.[0] ?? stderr };
  if (status !== 0) throw new Error(`compile of ${number} flows for ${name}: exit ${status}: ${stderr}`);
  const gateway = join(out, 'gw');
  if (name === 'nftables') {
    const file = join(gateway, 'ruleset.nft');
    return { bytes: statSync(file).size, load: (inside) => inside('nft', ['-f', file]) };
  }
  const bytes = ['iptables.rules', 'ip6tables.rules', ...(name.endsWith('-trees') ? [] : ['ipset.rules'])].map((file) => statSync(join(gateway, file)).size);
  return { bytes: bytes.reduce((sum, one) => sum + one, 0), load: (inside) => inside('sh', [join(gateway, 'load.sh')]) };
}

function nft(file, text) {
  writeFileSync(file, text);
  return { bytes: text.length, load: (inside) => inside('nft', ['-f', file]) };
}

function inLine(backend, plant) {
  const texts = linearIptables(plant, mostLinear);
  if (texts === undefined) return { left: `more than ${mostLinear} rules in line` };
  const kind = backend === 'legacy' ? 'legacy' : 'nft';
  return {
    bytes: texts[4].length + texts[6].length,
    load: async (inside) => {
      await inside(`iptables-${kind}-restore`, [], texts[4]);
      await inside(`ip6tables-${kind}-restore`, [], texts[6]);
    },
  };
}
