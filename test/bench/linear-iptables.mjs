/**
 * The naive ruleset for comparison, in iptables: one rule for each source, destination and protocol of a flow, in line, without sets.
 *
 * `linearIptables(plan)` gives the texts of both families for `iptables-restore`: what many a gateway of the
 * field holds. A yardstick with the limits of `linear.mjs`.
 */
import { faces } from './mixed.mjs';

/** `{ 4: text, 6: text }`; undefined for more than so many rules in a family. */
export function linearIptables(plant, most) {
  const both = [4, 6].map((family) => rulesOf(plant, family, most));
  if (both.some(({ rules }) => rules.length > most)) return undefined;
  const [four, six] = both.map(({ chains, rules }) => [
    '*filter',
    ':FORWARD DROP [0:0]',
    ...[...chains].map((name) => `:${name} - [0:0]`),
    ...rules,
    'COMMIT',
    '',
  ]);
  return { 4: four.join('\n'), 6: six.join('\n') };
}

function rulesOf({ flows }, family, most) {
  const chains = new Set();
  const rules = [];
  const add = (...words) => rules.push(words.filter((word) => word !== '').join(' '));
  /** A chain for what no list can deny in one rule: back for each of these networks, the verdict for all else. */
  const unless = (name, option, networks, verdict) => {
    if (chains.has(name)) return name;
    chains.add(name);
    for (const network of networks) add('-A', name, option, network, '-j RETURN');
    add('-A', name, '-j', verdict);
    return name;
  };
  const others = faces.filter((face) => face.name !== 'eth0');
  for (const face of faces) {
    const own = face[`networks${family}`];
    if (face.name === 'eth0') for (const network of others.flatMap((one) => one[`networks${family}`])) add('-A FORWARD -i eth0 -s', network, '-j DROP');
    else add('-A FORWARD -i', face.name, '-j', unless(`in-${face.name}`, '-s', own, 'DROP'));
  }
  add('-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT');
  add('-A FORWARD -m conntrack ! --ctstate NEW -j DROP');
  const side = (end, option) => {
    const items = end[`nft${family}`];
    return items === undefined || end.without ? [''] : items.map((item) => `${option} ${item}`);
  };
  for (const [effect, verdict] of [
    ['deny', 'DROP'],
    ['allow', 'ACCEPT'],
  ])
    for (const { from, to, service } of flows.filter((flow) => flow.effect === effect)) {
      const outside = [
        [from, 'from', '-s'],
        [to, 'to', '-d'],
      ].find(([end]) => end.without === true);
      const target = outside === undefined ? verdict : unless(`${outside[1]}-${verdict}`, outside[2], outside[0][`nft${family}`], verdict);
      for (const protocol of ['tcp', 'udp']) {
        const ports = service.items.filter(([name]) => name === protocol).map(([, low, high]) => (low === high ? String(low) : `${low}:${high}`));
        if (ports.length === 0 || rules.length > most) continue;
        const match = ports.length === 1 ? `-p ${protocol} -m ${protocol} --dport ${ports[0]}` : `-p ${protocol} -m multiport --dports ${ports.join(',')}`;
        for (const source of side(from, '-s')) for (const destination of side(to, '-d')) add('-A FORWARD', source, destination, match, '-j', target);
      }
    }
  return { chains, rules };
}
