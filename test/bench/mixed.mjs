/**
 * A second generated plant beside `plant.mjs`: one gateway, flows of many kinds, and packets whose verdict is known by construction.
 *
 * `mixed({ flows, seed, mix })` gives the text of its zone file; `plan` with the same arguments gives what the text was made from;
 * `probes(plan)` gives packets that are allowed, denied and spoofed; `confirm` asks `zonewright trace` about a sample of them. The
 * verdicts come from the drawn flows alone (some allow matches, no deny does), so they judge the compiler and not the other way round.
 * The same arguments give the same plant and packets, for ever.
 *
 *     node test/bench/mixed.mjs --flows 1000 --mix mixed > plant.zone
 *     node test/bench/mixed.mjs --flows 1000 --confirm 20          # asks the compiler about 20 packets of each class
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { date, options, random, zonewright } from './common.mjs';

/** Shares of the kinds of flows. */
export const mixes = {
  hosts: { hosts: 1 },
  prefix: { prefix: 1 },
  any: { any: 1 },
  ranges: { ranges: 1 },
  groups: { groups: 1 },
  ipv6: { ipv6: 1 },
  deny: { hosts: 30, any: 20, groups: 10, deny: 40 },
  /** `mixed` without its groups. */
  flat: { hosts: 45, prefix: 12, any: 8, ranges: 12, ipv6: 13, deny: 5 },
  mixed: { hosts: 45, prefix: 12, any: 8, ranges: 12, groups: 5, ipv6: 13, deny: 5 },
};

/** Networks are told by base and size; of `internet` only a part is used, though the zone holds the rest of the world. */
const zones = [
  { name: 'internet', words: 'kind untrusted', face: 'eth0', base: '198.18.0.0', bits: 16, six: 'ffff' },
  { name: 'office', words: 'level 4', face: 'eth1', base: '10.0.0.0', bits: 16, six: '4' },
  { name: 'dmz', words: 'level 3.5  kind dmz', face: 'eth2', base: '10.20.0.0', bits: 16, six: '35' },
  { name: 'mes', words: 'level 3', face: 'eth3', base: '10.30.0.0', bits: 16, six: '3' },
  { name: 'cell_a', words: 'level 1', face: 'eth4', base: '172.16.0.0', bits: 17, six: '1a' },
  { name: 'cell_b', words: 'level 1', face: 'eth4', base: '172.16.128.0', bits: 17, six: '1b' },
  { name: 'cell_c', words: 'level 1', face: 'eth5', base: '172.17.0.0', bits: 17, six: '1c' },
  { name: 'cell_d', words: 'level 1', face: 'eth5', base: '172.17.128.0', bits: 17, six: '1d' },
  { name: 'cell_e', words: 'level 1', face: 'eth6', base: '172.18.0.0', bits: 16, six: '1e' },
  { name: 'vendor', words: 'level 3.5  kind vendor', face: 'eth7', base: '10.99.0.0', bits: 16, six: '99' },
].map((zone, number) => ({ ...zone, number, start: four(zone.base), size: 2 ** (32 - zone.bits) }));

const cells = ['cell_a', 'cell_b', 'cell_c', 'cell_d', 'cell_e'];
const byName = new Map(zones.map((zone) => [zone.name, zone]));

/** Who speaks to whom, and how often. */
const ways = [
  [15, ['office'], ['dmz']],
  [5, ['internet', 'vendor'], ['dmz']],
  [5, ['dmz'], ['internet', 'mes']],
  [30, ['mes', 'dmz'], cells],
  [30, cells, ['mes', 'dmz']],
  [10, ['cell_a', 'cell_b'], ['cell_c', 'cell_d', 'cell_e']],
  [5, ['office', 'vendor'], cells],
];

const catalogue = {
  modbus: [['tcp', 502, 502]],
  s7comm: [['tcp', 102, 102]],
  opcua: [['tcp', 4840, 4840]],
  https: [['tcp', 443, 443]],
  ssh: [['tcp', 22, 22]],
  ntp: [['udp', 123, 123]],
  syslog: [['udp', 514, 514]],
  snmp: [['udp', 161, 161]],
  iec104: [['tcp', 2404, 2404]],
  mqtts: [['tcp', 8883, 8883]],
  smb: [['tcp', 445, 445]],
  dns: [
    ['udp', 53, 53],
    ['tcp', 53, 53],
  ],
  enip: [
    ['tcp', 44818, 44818],
    ['udp', 44818, 44818],
  ],
  dnp3: [
    ['tcp', 20000, 20000],
    ['udp', 20000, 20000],
  ],
  mssql: [
    ['tcp', 1433, 1433],
    ['udp', 1434, 1434],
  ],
};

/** The gateway's interfaces: names, own addresses, the zones behind. */
export const faces = [...new Set(zones.map((zone) => zone.face))].map((name) => {
  const behind = zones.filter((zone) => zone.face === name);
  const [first] = behind;
  // High in the first network: hosts and drawn subnets stay below.
  const own = first.start + first.size - 0x100 + 1;
  return {
    name,
    zones: behind,
    own4: dotted(own),
    own6: `2001:db8:${first.six}::f:1`,
    length4: first.bits,
    networks4: behind.map((zone) => (zone.name === 'internet' ? '0.0.0.0/0' : `${zone.base}/${zone.bits}`)),
    networks6: behind.map((zone) => (zone.name === 'internet' ? '::/0' : `2001:db8:${zone.six}::/64`)),
  };
});

/** Everything that the zone file says, as data. */
export function plan({ flows = 1000, seed = 1, mix = 'mixed' } = {}) {
  if (mixes[mix] === undefined) throw new Error(`no mix ${mix}; there are: ${Object.keys(mixes).join(', ')}`);
  const draw = drawing(seed);
  const hosts = hostPool(Math.min(4000, Math.max(400, Math.round(flows / 8))));
  const groups = [];
  const kinds = spread(mixes[mix], flows);
  // As many groups as keep one in use by a handful of flows.
  const wanted = Math.min(240, Math.max(4, Math.round(kinds.filter((kind) => kind === 'groups').length / 5)));
  if (kinds.includes('groups')) for (let index = 0; index < wanted; index++) groups.push(group(draw, hosts, index));
  const wide = [];
  const list = kinds.map((kind, index) => {
    const flow = { name: `f${index}`, kind, effect: kind === 'deny' ? 'deny' : 'allow', ...makers[kind](draw, { hosts, groups, wide }) };
    if (kind === 'any' || kind === 'prefix' || kind === 'groups') wide.push(flow);
    return flow;
  });
  return { flows: list, hosts, groups, seed, mix };
}

/** The text of the zone file. */
export function mixed(options) {
  return written(plan(options));
}

/** `target`: what the gateway block says of it. */
export function written({ flows, groups, mix }, target = 'nftables') {
  const used = new Set(groups.flatMap((one) => one.members));
  for (const { from, to } of flows) for (const side of [from, to]) if (side.host !== undefined) used.add(side.host);
  const named = [...used].toSorted((a, b) => a.zone.number - b.zone.number || a.index - b.index);
  const out = [`policy "mixed ${mix} ${flows.length}" { revision 1 }\n`];
  for (const zone of zones) {
    const networks = zone.name === 'internet' ? 'rest' : `${zone.base}/${zone.bits}, 2001:db8:${zone.six}::/64`;
    out.push(`zone ${zone.name} { ${zone.words}  networks ${networks} }`);
  }
  for (const host of named)
    out.push(`host ${host.name} in ${host.zone.name} { address ${[text4(host), text6(host)].filter((one) => one !== undefined).join(', ')} }`);
  for (const one of groups) out.push(`group ${one.text} { ${one.members.map((host) => host.name).join(', ')} }`);
  for (const { name, from, to, effect, service, kind } of flows)
    out.push(`flow ${name} { from ${from.text}  to ${to.text}  ${effect} ${service.text}${effect === 'deny' ? '' : `  owner "ot"  reason "${kind}"`} }`);
  out.push(`gateway gw {\n  target ${target}`);
  for (const face of faces) {
    const routed = face.zones.length > 1 ? '  routed' : '';
    out.push(
      `  interface ${face.name} { faces ${face.zones.map((zone) => zone.name).join(', ')}  address ${face.own4}/${face.length4}, ${face.own6}/64${routed} }`,
    );
  }
  out.push('  manage none "console only"\n}');
  return `${out.join('\n')}\n`;
}

/**
 * Packets with their verdicts: `{ allowed, denied, spoofed }`, `count` of each, over all flows of the policy (evenly by place, so that a
 * linear ruleset shows its mean and not its best), each `{ hook, iif, oif, family, source, destination, protocol, sport, port, flow }`.
 */
export function probes(plant, count = 512) {
  const draw = drawing(plant.seed ^ 0x0bad_cafe);
  const { flows } = plant;
  const allows = flows.filter((flow) => flow.effect === 'allow');
  const result = { allowed: [], denied: [], spoofed: [] };
  const sport = { allowed: 10_000, denied: 20_000, spoofed: 30_000 };
  const add = (kind, packet) => result[kind].push({ hook: 'forward', ...told(packet), sport: sport[kind] + result[kind].length });
  const fill = (kind, make) => {
    for (let turn = 0; result[kind].length < count; turn++) {
      if (turn > count * 200) throw new Error(`no ${count} ${kind} packets in this plant`);
      const packet = make(turn);
      if (packet !== undefined) add(kind, packet);
    }
  };
  /** The flow for a turn: even steps over the whole list, at most `count` of them, then again from the start. */
  const at = (list, turn) => list[Math.floor((((turn % count) + 0.5) * list.length) / count)];
  fill('allowed', (turn) => {
    const packet = within(draw, at(allows, turn));
    return packet !== undefined && judge(flows, packet) === 'allow' ? packet : undefined;
  });
  const refused = flows.filter((flow) => flow.effect === 'deny');
  fill('denied', (turn) => {
    // Known ends with another port, ends that nothing joins, and what a deny takes out of an allow.
    const packet = turn % 8 === 7 && refused.length > 0 ? within(draw, at(refused, turn)) : within(draw, at(allows, turn));
    if (packet === undefined) return undefined;
    if (turn % 8 < 4) packet.port = 1024 + draw.below(60_000);
    else if (turn % 8 < 7 || refused.length === 0) packet.from = address(draw.pick(plant.hosts[draw.pick(zones).name]), packet.family);
    return packet.from !== undefined && packet.from.zone.face !== packet.to.zone.face && judge(flows, packet) === undefined ? packet : undefined;
  });
  fill('spoofed', (turn) => {
    const packet = within(draw, at(allows, turn));
    if (packet === undefined) return undefined;
    packet.iif = draw.pick(faces).name;
    return packet.iif !== packet.from.zone.face && packet.iif !== packet.to.zone.face ? packet : undefined;
  });
  return result;
}

/** The verdict on a packet by the drawn flows: deny overrides. */
export function judge(flows, { from, to, protocol, port }) {
  let allowed;
  for (const flow of flows) {
    if (allowed && flow.effect === 'allow') continue;
    if (!flow.service.items.some(([name, low, high]) => name === protocol && port >= low && port <= high)) continue;
    if (!flow.to.has(to) || !flow.from.has(from)) continue;
    if (flow.effect === 'deny') return 'deny';
    allowed = true;
  }
  return allowed ? 'allow' : undefined;
}

/**
 * Asks `zonewright trace` about `sample` packets of each class; gives what it saw otherwise than the generator, as text. Of a spoofed packet it
 * is asked by a log line, the one way to tell it an interface.
 */
export function confirm(text, packets, sample = 20) {
  const folder = mkdtempSync(join(tmpdir(), 'zonewright-bench-'));
  const wrong = [];
  let asked = 0;
  try {
    const file = join(folder, 'plant.zone');
    writeFileSync(file, text);
    for (const [kind, list] of Object.entries(packets)) {
      for (let index = 0; index < Math.min(sample, list.length); index++) {
        const packet = list[Math.floor((index * list.length) / sample)];
        const { source, destination, protocol, port, sport, iif, oif } = packet;
        const question =
          kind === 'spoofed'
            ? [
                '--log',
                `zw gw spoof: IN=${iif} OUT=${oif} SRC=${source} DST=${destination} LEN=46 PROTO=${protocol.toUpperCase()} SPT=${sport} DPT=${port}${protocol === 'tcp' ? ' SYN' : ''}`,
              ]
            : ['--from', source, '--to', destination, '--proto', protocol, '--dport', String(port)];
        const { stdout, stderr } = zonewright(['trace', file, ...question, '--date', date, '--format', 'json']);
        asked += 1;
        const answer = stdout === '' ? { verdict: `none: ${stderr}` } : JSON.parse(stdout);
        const right =
          kind === 'allowed' ? answer.verdict === 'allow' : answer.verdict === 'deny' && (kind === 'denied' || answer.gateways?.[0]?.reason === 'spoofed');
        if (!right)
          wrong.push(
            `${kind}: ${JSON.stringify(packet)}: trace says ${answer.verdict} (${JSON.stringify(answer.gateways?.[0]?.reason ?? answer.diagnostics)})`,
          );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { asked, wrong };
}

function drawing(seed) {
  const next = random(seed);
  const below = (count) => Math.floor(next() * count);
  return { next, below, pick: (items) => items[below(items.length)], chance: (share) => next() < share };
}

/** Kinds in even mixture: each place takes the kind that is furthest behind its share, so that small plants have the shares too. */
function spread(shares, count) {
  const total = Object.values(shares).reduce((sum, share) => sum + share, 0);
  const given = Object.fromEntries(Object.keys(shares).map((kind) => [kind, 0]));
  return Array.from({ length: count }, (_, index) => {
    const behind = Object.keys(shares).toSorted((a, b) => (shares[b] * (index + 1)) / total - given[b] - ((shares[a] * (index + 1)) / total - given[a]));
    given[behind[0]] += 1;
    return behind[0];
  });
}

/** Hosts that may be used, zone by zone; only used ones are written. Every fourth has an IPv6 address as well. */
function hostPool(count) {
  const pool = {};
  for (const zone of zones) {
    const hosts = [];
    for (let step = 1; hosts.length < count; step++) {
      // An odd factor walks over all offsets in leaps: rows of neighbours would melt into one range.
      const offset = (step * 12_345) % (zone.size - 0x200);
      const last = offset & 255;
      if (offset < 256 || last === 0 || last === 255) continue;
      const index = hosts.length;
      hosts.push({ name: `${zone.name}_${index}`, zone, index, offset, dual: index % 4 === 0 });
    }
    pool[zone.name] = hosts;
  }
  return pool;
}

/** 50 to 300 hosts of one zone, or of two cells, that overlap other groups in part. */
function group(draw, hosts, index) {
  const target = index % 2 === 0;
  const first = target ? draw.pick([...cells, 'dmz']) : draw.pick(['office', 'mes', 'dmz', ...cells]);
  const second = target && index % 4 === 0 && cells.includes(first) ? draw.pick(cells) : first;
  const size = 50 + draw.below(251);
  const part = (name, count) => {
    const pool = hosts[name];
    const start = draw.below(pool.length);
    // Every third place is left to chance, so that two windows over the same hosts differ inside too.
    return Array.from({ length: count }, (_, place) => pool[(start + place * 2 + (draw.chance(0.3) ? 1 : 0)) % pool.length]);
  };
  const members = second === first ? part(first, size) : [...part(first, size >> 1), ...part(second, size - (size >> 1))];
  const unique = [...new Set(members)];
  return { ...hostSide(`group_${index}`, unique), members: unique, zones: [...new Set(unique.map((host) => host.zone))], group: true };
}

const makers = {
  hosts: (draw, { hosts }) => {
    const [from, to] = way(draw);
    return { from: one(draw, hosts[from], 'four'), to: one(draw, hosts[to], 'four'), service: exact(draw) };
  },
  prefix: (draw, { hosts }) => {
    const [from, to] = way(draw);
    return { from: subnet(draw, byName.get(from)), to: one(draw, hosts[to], 'four'), service: exact(draw) };
  },
  any: (draw, { hosts }) => {
    const [from, to] = way(draw);
    return { from: draw.chance(0.4) ? everybody : wholeZone(byName.get(from)), to: one(draw, hosts[to]), service: exact(draw) };
  },
  ranges: (draw, { hosts }) => {
    const [from, to] = way(draw);
    return { from: one(draw, hosts[from], 'four'), to: one(draw, hosts[to], 'four'), service: ranged(draw) };
  },
  groups: (draw, { hosts, groups }) => {
    const side = draw.pick(groups);
    const apart = (zone) => side.zones.every((other) => other.face !== zone.face);
    const partner = draw.pick(groups.filter((other) => other.zones.every(apart)).concat([undefined, undefined]));
    if (partner !== undefined) return draw.chance(0.5) ? { from: side, to: partner, service: exact(draw) } : { from: partner, to: side, service: exact(draw) };
    const other = draw.pick(zones.filter((zone) => zone.name !== 'internet' && apart(zone)));
    const host = one(draw, hosts[other.name]);
    return draw.chance(0.5) ? { from: side, to: host, service: exact(draw) } : { from: host, to: side, service: exact(draw) };
  },
  ipv6: (draw, { hosts }) => {
    const [from, to] = way(draw);
    const source = draw.chance(0.25) ? subnet6(draw, byName.get(from)) : one(draw, hosts[from], 'dual');
    return { from: source, to: one(draw, hosts[to], 'dual'), service: draw.chance(0.2) ? ranged(draw) : exact(draw) };
  },
  deny: (draw, { hosts, wide }) => {
    if (wide.length === 0) return makers.hosts(draw, { hosts });
    // One address is taken out of what many may do.
    const { from, to, service } = draw.pick(wide);
    if (from.low !== undefined) return { from: piece(from.zones[0], from.low + draw.below(from.size), 32), to, service };
    const among = from.members ?? hosts[draw.pick(from.zones ?? zones.filter((zone) => zone.face !== to.zones[0].face)).name];
    return { from: from.host === undefined ? one(draw, among) : from, to, service };
  },
};

function way(draw) {
  let place = draw.below(100);
  const [, from, to] = ways.find(([weight]) => (place -= weight) < 0);
  return [draw.pick(from), draw.pick(to)];
}

/** One port of one protocol, or a catalogue protocol. */
function exact(draw) {
  if (draw.chance(0.65)) {
    const name = draw.pick(Object.keys(catalogue));
    return { text: name, items: catalogue[name] };
  }
  const protocol = draw.chance(0.7) ? 'tcp' : 'udp';
  const port = 1024 + draw.below(60_000);
  return { text: `${protocol} ${port}`, items: [[protocol, port, port]] };
}

function ranged(draw) {
  const protocol = draw.chance(0.6) ? 'tcp' : 'udp';
  const low = 1024 + draw.below(58_000);
  const high = low + 1 + draw.below(draw.pick([4, 30, 300, 3000]));
  const more = draw.chance(0.25) ? [['tcp', 700 + draw.below(300)]].map(([name, port]) => [name, port, port]) : [];
  const items = [[protocol, low, high], ...more];
  return { text: items.map(([name, first, last]) => `${name} ${first === last ? first : `${first}-${last}`}`).join(', '), items };
}

/** A side of a flow: what it is called, which addresses it has, how nft writes them, and how to draw one of them. */
function hostSide(text, members) {
  const sixes = members.filter((host) => host.dual);
  const held = { 4: new Set(members.map(place)), 6: new Set(sixes.map(place)) };
  return {
    text,
    nft4: members.map(text4),
    nft6: sixes.map(text6),
    zones: [...new Set(members.map((host) => host.zone))],
    has: (at) => held[at.family].has(place(at)),
    draw: (draw, family) => (family === 4 ? address(draw.pick(members), 4) : sixes.length === 0 ? undefined : address(draw.pick(sixes), 6)),
  };
}

function one(draw, pool, which) {
  const fits = which === undefined ? pool : pool.filter((host) => host.dual === (which === 'dual'));
  const host = draw.pick(fits);
  return { ...hostSide(host.name, [host]), host };
}

/** A piece of the lower half of a zone's network, where no address of the gateway lies. */
function subnet(draw, zone) {
  const length = 22 + draw.below(7);
  const size = 2 ** (32 - length);
  return piece(zone, Math.floor((256 + draw.below(zone.size / 2)) / size) * size, length);
}

function piece(zone, low, length) {
  const size = 2 ** (32 - length);
  return {
    text: length === 32 ? dotted(zone.start + low) : `${dotted(zone.start + low)}/${length}`,
    low,
    size,
    nft4: [`${dotted(zone.start + low)}/${length}`],
    nft6: [],
    zones: [zone],
    has: (at) => at.family === 4 && at.zone === zone && at.offset >= low && at.offset < low + size,
    draw: (draw, family) => (family === 4 ? { family, zone, offset: low + draw.below(size) } : undefined),
  };
}

function subnet6(draw, zone) {
  const low = (1 + draw.below(120)) * 256;
  const text = `2001:db8:${zone.six}::${low.toString(16)}/120`;
  return {
    text,
    nft4: [],
    nft6: [text],
    zones: [zone],
    has: (at) => at.family === 6 && at.zone === zone && at.offset >= low && at.offset < low + 256,
    draw: (draw, family) => (family === 6 ? { family, zone, offset: low + 1 + draw.below(254) } : undefined),
  };
}

function wholeZone(zone) {
  const others = zones.filter((other) => other.name !== 'internet');
  const out = zone.name === 'internet';
  return {
    text: zone.name,
    // `internet` is what no other zone holds.
    nft4: out ? others.map((other) => `${other.base}/${other.bits}`) : [`${zone.base}/${zone.bits}`],
    nft6: out ? others.map((other) => `2001:db8:${other.six}::/64`) : [`2001:db8:${zone.six}::/64`],
    without: out,
    zones: [zone],
    has: (at) => at.zone === zone,
    draw: (draw, family) => ({ family, zone, offset: 256 + draw.below(zone.size / 2) }),
  };
}

const everybody = {
  text: 'any',
  nft4: undefined,
  nft6: undefined,
  has: () => true,
  draw: (draw, family) => wholeZone(draw.pick(zones)).draw(draw, family),
};

/** A packet of a flow through the gateway, or nothing if the draw did not give one. */
function within(draw, flow) {
  const family = flow.kind === 'ipv6' ? 6 : draw.chance(0.1) ? 6 : 4;
  const from = flow.from.draw(draw, family) ?? flow.from.draw(draw, 10 - family);
  const to = from === undefined ? undefined : flow.to.draw(draw, from.family);
  if (from === undefined || to === undefined || from.zone.face === to.zone.face) return undefined;
  const [protocol, low, high] = draw.pick(flow.service.items);
  return { family: from.family, from, to, protocol, port: low + draw.below(high - low + 1), flow: flow.name, kind: flow.kind };
}

function address(host, family) {
  return family === 6 && !host.dual ? undefined : { family, zone: host.zone, offset: host.offset };
}

/** One number for zone and place in it. */
function place({ zone, offset }) {
  return zone.number * 0x1_0000 + offset;
}

function told({ family, from, to, protocol, port, iif, flow, kind }) {
  return { iif: iif ?? from.zone.face, oif: to.zone.face, family, source: textOf(from), destination: textOf(to), protocol, port, flow, kind };
}

function textOf({ family, zone, offset }) {
  return family === 4 ? dotted(zone.start + offset) : `2001:db8:${zone.six}::${offset.toString(16)}`;
}

function text4(host) {
  return textOf({ family: 4, ...host });
}

function text6(host) {
  return host.dual ? textOf({ family: 6, ...host }) : undefined;
}

function four(text) {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function dotted(value) {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { flows, seed, mix, confirm: sample } = options(process.argv.slice(2), { flows: 1000, seed: 1, mix: 'mixed', confirm: 0 });
  const plant = plan({ flows, seed, mix });
  if (sample === 0) process.stdout.write(written(plant));
  else {
    const { asked, wrong } = confirm(written(plant), probes(plant), sample);
    console.log([`${mix}, ${flows} flows: trace agrees about ${asked - wrong.length} of ${asked} packets`, ...wrong].join('\n'));
    process.exitCode = wrong.length === 0 ? 0 : 1;
  }
}
