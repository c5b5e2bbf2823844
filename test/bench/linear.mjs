/**
 * The naive ruleset for comparison: one nft rule per flow and family, in line, made from the generator's own list of flows.
 *
 * `linear(plan)` gives its text, `naive(plan)` how big it and a set of single elements would be. A yardstick, never a product: it knows
 * the forward hook alone, has no logs, and lets established conversations pass whatever the policy has become.
 *
 *     node test/bench/linear.mjs --flows 1000 > linear.nft
 */
import { fileURLToPath } from 'node:url';
import { options } from './common.mjs';
import { faces, plan } from './mixed.mjs';

export function linear({ flows }) {
  const out = ['table inet linear {', '\tchain forward {', '\t\ttype filter hook forward priority filter; policy drop;'];
  const others = faces.filter((face) => face.name !== 'eth0');
  for (const face of faces) {
    // The same as anti-spoofing in the policy: a source stands behind its own interface; what no zone claims is behind the first.
    const [not, from] = face.name === 'eth0' ? ['', others] : ['!= ', [face]];
    out.push(`\t\tiifname "${face.name}" ip saddr ${not}${set(from.flatMap((one) => one.networks4))} drop`);
    out.push(`\t\tiifname "${face.name}" ip6 saddr ${not}${set(from.flatMap((one) => one.networks6))} drop`);
  }
  out.push('\t\tct state established accept', '\t\tct state != new drop');
  // Denies override, so they come first.
  for (const flow of flows.filter(({ effect }) => effect === 'deny')) out.push(...rules(flow, 'drop'));
  for (const flow of flows.filter(({ effect }) => effect === 'allow')) out.push(...rules(flow, 'accept'));
  out.push('\t\tdrop', '\t}', '}');
  return `${out.join('\n')}\n`;
}

/** `rules` of the linear ruleset, and `elements`: one for each source × destination × port, networks and port ranges counted as one. */
export function naive({ flows }) {
  let count = 0;
  let elements = 0;
  for (const flow of flows) {
    count += rules(flow, 'accept').length;
    for (const family of ['nft4', 'nft6']) elements += (flow.from[family]?.length ?? 1) * (flow.to[family]?.length ?? 1) * flow.service.items.length;
  }
  return { rules: count, elements };
}

function rules({ from, to, service }, verdict) {
  const result = [];
  for (const [word, family] of [
    ['ip', 'nft4'],
    ['ip6', 'nft6'],
  ]) {
    if (from[family]?.length === 0 || to[family]?.length === 0) continue;
    const ends = `${end(`${word} saddr`, from, family)}${end(`${word} daddr`, to, family)}`;
    for (const protocol of ['tcp', 'udp']) {
      const ports = service.items.filter(([name]) => name === protocol).map(([, low, high]) => (low === high ? String(low) : `${low}-${high}`));
      if (ports.length > 0) result.push(`\t\t${ends}${protocol} dport ${set(ports)} ${verdict}`);
    }
  }
  return result;
}

function end(word, side, family) {
  return side[family] === undefined ? '' : `${word} ${side.without ? '!= ' : ''}${set(side[family])} `;
}

function set(items) {
  return items.length === 1 ? items[0] : `{ ${items.join(', ')} }`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(linear(plan(options(process.argv.slice(2), { flows: 1000, seed: 1, mix: 'mixed' }))));
