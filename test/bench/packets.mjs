/**
 * What a packet costs on the real kernel under the rulesets of `rulesets.mjs`: an empty one, one rule per flow, and zonewright's.
 *
 *     npm run build && node test/bench/packets.mjs [--flows 10,100,1000,10000] [--mix mixed] [--seed 1] [--rounds 5] [--probes 512]
 *         [--millis 250] [--largest 64] [--confirm 0] [--rulesets empty,linear,nftables,linear-legacy,legacy,…]
 *
 * Needs root, nft, ip, nsenter, taskset, tcpreplay, and for iptables its tools and ipset. For each size and ruleset there is a pair of network namespaces, a gateway and a sender, all of
 * them at once, so that the rounds go through all sizes and rulesets in turn and a slow minute of the machine hits them all. tcpreplay
 * sends on veth: the frame is routed, tracked and judged in the sender's own system call, so its time per packet is the path plus the ruleset.
 * Counters of a table beside the ruleset say that every packet came to the forward hook, in which state, and whether it passed; anything else is an
 * error. Prints nanoseconds per packet (the least of the rounds), load times and kernel memory. A measurement, never a test.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, options, table } from './common.mjs';
import { frame, pcap } from './frames.mjs';
import { confirm, faces, plan, probes, written } from './mixed.mjs';
import { prepare, rulesets, targets, tools, yardstick } from './rulesets.mjs';

export const classes = ['allowed', 'denied', 'spoofed', 'established'];
export const defaults = { flows: [10, 100, 1000, 10_000], mix: ['mixed'], seed: 1, rounds: 5, probes: 512, millis: 250, largest: 64, confirm: 0, rulesets };

/**
 * Looks on from both sides. It asks for the state, so that conntrack is on under every ruleset, the empty one included; and what passed is
 * dropped at the very end, so that a conversation is never confirmed and its next packet is new again.
 */
const watch = `table inet watch {
	counter seen_new { }
	counter seen_established { }
	counter passed { }
	chain before {
		type filter hook forward priority -10; policy accept;
		ct state new counter name seen_new
		ct state established counter name seen_established
	}
}
`;
const sink = `table inet watch {
	chain sink {
		type filter hook forward priority 300; policy accept;
		counter name passed drop
	}
}
`;

const settings = {
  'ipv4/ip_forward': 1,
  'ipv6/conf/all/forwarding': 1,
  'ipv4/conf/all/rp_filter': 0,
  'ipv4/conf/default/rp_filter': 0,
  'ipv4/conf/all/send_redirects': 0,
  'ipv6/conf/all/accept_ra': 0,
  'ipv6/conf/default/accept_dad': 0,
  'ipv6/conf/default/router_solicitations': 0,
};
/** Written once conntrack is there: a primed conversation must live until its last round. */
const tracking = { 'netfilter/nf_conntrack_udp_timeout': 3600, 'netfilter/nf_conntrack_udp_timeout_stream': 3600 };

const namespaces = new Set();
let running;
let count = 0;

/** Why this cannot be measured here, or nothing. */
export function missing(wanted = rulesets) {
  const unknown = wanted.filter((name) => !rulesets.includes(name));
  if (unknown.length > 0) return `no ruleset ${unknown.join(', ')}; there are: ${rulesets.join(', ')}`;
  if (process.platform !== 'linux') return `it needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'it needs root (network namespaces and nftables)';
  const xtables = wanted.some((name) => /legacy|nf_tables/u.test(name)) ? tools : [];
  const absent = ['nft', 'ip', 'nsenter', 'taskset', 'tcpreplay', ...xtables].filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`;
  const attempt = spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset'], { encoding: 'utf8' });
  return attempt.status === 0 ? undefined : `no namespace with nftables here: ${attempt.stderr}`;
}

/**
 * Measures all sizes of one mix: `{ mix, rulesets, sizes: [{ flows, bytes, load, memory, cost: { class: { ruleset: { best, median } } } }], left }`; a ruleset
 * that there is not for a size is absent there, and `left` says why.
 */
export async function measure({ flows, mix, seed, rounds, probes: size, millis, largest, confirm: sample, rulesets: wanted }, say = console.error) {
  const folder = mkdtempSync(join(tmpdir(), 'zonewright-bench-'));
  const interrupt = () => {
    running?.kill();
    removeAll();
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const left = [];
  const sizes = [];
  const rigs = [];
  try {
    for (const number of flows) {
      const plant = plan({ flows: number, seed, mix });
      const drawn = probes(plant, size);
      const packets = withEstablished(drawn);
      const text = written(plant);
      if (sample > 0) agree(confirm(text, drawn, sample), number);
      const entry = { flows: number, bytes: {}, load: {}, memory: {}, cost: Object.fromEntries(classes.map((kind) => [kind, {}])) };
      const loads = new Map();
      for (const name of wanted) {
        const ready = prepare(name, { folder, plant, number });
        const reason = ready.left ?? (ready.bytes > largest * 2 ** 20 ? `${mib(ready.bytes)} MiB, more than --largest ${largest}` : undefined);
        if (reason === undefined) {
          entry.bytes[name] = ready.bytes;
          loads.set(name, ready.load);
        } else {
          left.push(`${mix}, ${number} flows, ${name} is left out: ${reason}`);
          say(left.at(-1));
        }
      }
      sizes.push(entry);
      for (const [name, load] of loads) {
        const { seconds, memory } = await loading(load);
        entry.load[name] = seconds;
        entry.memory[name] = memory;
      }
      say(`${mix}, ${number} flows: loaded in ${[...loads.keys()].map((name) => `${entry.load[name].toFixed(2)} s (${name})`).join(', ')}`);
      for (const [name, load] of loads) rigs.push(await rig({ folder, name, entry, packets, load }));
    }
    for (const one of rigs) for (const kind of classes) await calibrate(one, kind, millis);
    const times = new Map();
    for (let round = 0; round < rounds; round++)
      for (const kind of classes)
        for (const one of rigs) {
          const key = `${one.name} ${one.entry.flows} ${kind}`;
          times.set(key, [...(times.get(key) ?? []), await judged(one, kind, one.loops[kind])]);
        }
    for (const one of rigs)
      for (const kind of classes) {
        const all = times.get(`${one.name} ${one.entry.flows} ${kind}`);
        one.entry.cost[kind][one.name] = summed(one.files[kind], all);
      }
    return { mix, rulesets: wanted, sizes, left };
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    removeAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The tables of one mix, as text. */
export function told({ mix, rulesets: names, sizes, left }) {
  const parts = [`mix ${mix}: ns per packet, the least of the rounds, interface by interface`];
  const rows = (columns, cell) => {
    const lines = classes.flatMap((kind) => sizes.map((one) => [kind, one.flows, ...columns.map((name) => cell(one.cost[kind], name, sizes[0].cost[kind]))]));
    return table(['class', 'flows', ...columns], lines);
  };
  const ratio = (digits, one, other) => (one === undefined || other === undefined ? '-' : (one / other).toFixed(digits));
  const alone = (cost, name) => (cost[name] === undefined || cost.empty === undefined ? undefined : cost[name].best - cost.empty.best);
  const ours = names.filter((name) => name in targets);
  parts.push(rows(names, (cost, name) => cost[name]?.best.toFixed(0) ?? '-'));
  parts.push(`/ empty\n${rows(ours, (cost, name) => ratio(2, cost[name]?.best, cost.empty?.best))}`);
  parts.push(`/ linear, of the same tools\n${rows(ours, (cost, name) => ratio(3, cost[name]?.best, cost[yardstick(name)]?.best))}`);
  parts.push(`/ at ${sizes[0]?.flows} flows\n${rows(ours, (cost, name, first) => ratio(2, cost[name]?.best, first[name]?.best))}`);
  parts.push(
    `rules alone (less the empty ruleset) / at ${sizes[0]?.flows} flows\n${rows(ours, (cost, name, first) => ratio(2, alone(cost, name), alone(first, name)))}`,
  );
  const load = sizes.flatMap(({ flows, bytes, load: seconds, memory: grown }) =>
    names
      .filter((name) => seconds[name] !== undefined && name !== 'empty')
      .map((name) => [name, flows, (bytes[name] / 1024).toFixed(0), seconds[name].toFixed(3), mib(grown[name].pages), mib(grown[name].available)]),
  );
  parts.push(table(['ruleset', 'flows', 'KiB', 'load s', 'kernel MiB', '(by MemAvailable)'], load));
  return [...parts, ...left].join('\n\n');
}

function agree({ asked, wrong }, number) {
  if (wrong.length > 0) throw new Error(`${number} flows: trace and generator differ about ${wrong.length} of ${asked} packets:\n${wrong.join('\n')}`);
}

/** UDP conversations out of the allowed packets, by ports of their own. */
function withEstablished(packets) {
  const udp = packets.allowed.filter(({ protocol }) => protocol === 'udp').slice(0, 64);
  if (udp.length === 0) throw new Error('no allowed UDP packet in this plant: another --seed');
  return { ...packets, established: udp.map((packet, index) => ({ ...packet, sport: 40_000 + index })) };
}

/**
 * Seconds until a ruleset is in force (the best of three, each in a fresh namespace), and kernel memory of the ruleset: the mean of the three, which stay loaded
 * until the last one is in, so that the noise of the machine is divided by three.
 */
async function loading(load) {
  const seconds = [];
  const loaded = [];
  for (let run = 0; run < 3; run++) {
    const namespace = await fresh('load');
    // Conntrack comes with the first ruleset that asks for it, and is no part of it.
    await inside(namespace, 'nft', ['-f', '-'], watch);
    loaded.push(namespace);
  }
  await pause(100);
  const before = memory();
  for (const namespace of loaded) {
    const began = performance.now();
    await load((...call) => inside(namespace, ...call));
    seconds.push((performance.now() - began) / 1000);
    if (seconds[0] > 20) break;
  }
  await pause(100);
  const after = memory();
  for (const namespace of loaded) remove(namespace);
  // Namespaces are taken apart in the background; what is still going away would disturb the next.
  await pause(500);
  return {
    seconds: Math.min(...seconds),
    memory: { pages: (after.pages - before.pages) / seconds.length, available: (before.available - after.available) / seconds.length },
  };
}

function memory() {
  const values = Object.fromEntries(
    [...readFileSync('/proc/meminfo', 'utf8').matchAll(/^(\w+):\s+(\d+) kB$/gmu)].map(([, name, value]) => [name, Number(value) * 1024]),
  );
  return { pages: values.Slab + values.Percpu + values.VmallocUsed, available: values.MemAvailable };
}

/** A gateway with a ruleset, and a sender with a veth to each of its interfaces. */
async function rig({ folder, name, entry, packets, load }) {
  const gateway = await fresh('gw');
  const sender = await fresh('tx');
  await set(sender, { 'ipv6/conf/all/disable_ipv6': 1, 'ipv6/conf/default/disable_ipv6': 1 });
  await set(gateway, settings);
  const lines = faces.map((face, index) => {
    return `link add name ${face.name} address ${mac(index, 1)} netns ${gateway} type veth peer name tx${index} address ${mac(index, 2)} netns ${sender}`;
  });
  await run('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
  await run('ip', ['-n', sender, '-batch', '-'], faces.map((_, index) => `link set dev tx${index} up\n`).join(''));
  // The next hop has a MAC that nobody has, so that the far end throws away what passes. A batch of `ip` is of one family.
  const inner = {
    '-4': faces.flatMap((face, index) => [
      `address add ${face.own4}/32 dev ${face.name}`,
      `link set dev ${face.name} up`,
      `neighbour add 169.254.0.${index + 1} lladdr ${mac(index, 0x99)} dev ${face.name} nud permanent`,
      ...face.networks4.map((network) => `route add ${network} via 169.254.0.${index + 1} dev ${face.name} onlink`),
    ]),
    '-6': faces.flatMap((face, index) => [
      `address add ${face.own6}/128 dev ${face.name} nodad`,
      `neighbour add fe80::99 lladdr ${mac(index, 0x99)} dev ${face.name} nud permanent`,
      ...face.networks6.map((network) => `route add ${network} via fe80::99 dev ${face.name}`),
    ]),
  };
  for (const [family, steps] of Object.entries(inner)) await run('ip', ['-n', gateway, family, '-batch', '-'], steps.map((step) => `${step}\n`).join(''));
  await inside(gateway, 'nft', ['-f', '-'], watch);
  await set(gateway, tracking);
  await load((...call) => inside(gateway, ...call));
  const result = { name, entry, gateway, sender, loops: {}, counted: { seen_new: 0, seen_established: 0, passed: 0 }, files: {} };
  for (const kind of classes) result.files[kind] = captures(folder, `${name}-${entry.flows}-${kind}`, packets[kind]);
  await prime(result, folder, packets.established);
  await inside(gateway, 'nft', ['-f', '-'], sink);
  result.counted = await counters(gateway);
  return result;
}

/** A packet each way, before the sink is there. */
async function prime(one, folder, packets) {
  for (const { index, file } of one.files.established) await replay(one.sender, index, file, 1);
  const answers = packets.map((packet) => ({
    ...packet,
    iif: packet.oif,
    source: packet.destination,
    destination: packet.source,
    sport: packet.port,
    port: packet.sport,
  }));
  for (const { index, file } of captures(folder, `${one.name}-${one.entry.flows}-answers`, answers)) await replay(one.sender, index, file, 1);
}

/** One file for each interface that the packets come in by. */
function captures(folder, name, packets) {
  return faces.flatMap((face, index) => {
    const frames = packets.filter(({ iif }) => iif === face.name).map((packet) => frame({ ...packet, from: mac(index, 2), to: mac(index, 1) }));
    if (frames.length === 0) return [];
    const file = join(folder, `${name}-${face.name}.pcap`);
    writeFileSync(file, pcap(frames));
    return [{ index, file, frames: frames.length }];
  });
}

/**
 * The mean over all packets of a class, of the least (and of the middle) time of each interface: a disturbance rarely hits one interface in every
 * round, and often one of them in some.
 */
function summed(files, rounds) {
  const frames = files.reduce((sum, file) => sum + file.frames, 0);
  const mean = (choose) => files.reduce((sum, file, index) => sum + file.frames * choose(rounds.map((times) => times[index])), 0) / frames;
  return { best: mean((times) => Math.min(...times)), median: mean(median) };
}

/** Finds how often the files are sent for a measurement of `millis`. */
async function calibrate(one, kind, millis) {
  const { best: nanoseconds } = summed(one.files[kind], [await judged(one, kind, 4)]);
  const frames = one.files[kind].reduce((sum, file) => sum + file.frames, 0);
  one.loops[kind] = Math.max(2, Math.round((millis * 1e6) / (nanoseconds * frames)));
}

/** Sends all packets of a class `loops` times; nanoseconds per packet for each interface, once the counters have said that all was as it should be. */
async function judged(one, kind, loops) {
  let sent = 0;
  const times = [];
  for (const { index, file, frames } of one.files[kind]) {
    const took = await replay(one.sender, index, file, loops);
    if (took.packets !== frames * loops) throw new Error(`tcpreplay sent ${took.packets} packets instead of ${frames * loops}`);
    sent += took.packets;
    times.push((took.seconds * 1e9) / took.packets);
  }
  const now = await counters(one.gateway);
  const more = Object.fromEntries(Object.keys(now).map((name) => [name, now[name] - one.counted[name]]));
  one.counted = now;
  const passes = one.name === 'empty' || kind === 'allowed' || kind === 'established';
  const want = { seen_new: kind === 'established' ? 0 : sent, seen_established: kind === 'established' ? sent : 0, passed: passes ? sent : 0 };
  for (const name of Object.keys(want))
    if (more[name] !== want[name])
      throw new Error(
        `${one.name}, ${one.entry.flows} flows, ${kind}: of ${sent} packets ${more[name]} are counted as ${name}, not ${want[name]}: the measurement is worth nothing`,
      );
  return times;
}

async function replay(sender, index, file, loops) {
  const text = await inside(sender, 'taskset', ['-c', cpu(), 'tcpreplay', '--topspeed', '--preload-pcap', `--loop=${loops}`, '-i', `tx${index}`, file]);
  const [, packets, seconds] = /Actual: (\d+) packets \(\d+ bytes\) sent in ([\d.]+) seconds/u.exec(text) ?? [];
  if (packets === undefined) throw new Error(`tcpreplay says ${text}`);
  return { packets: Number(packets), seconds: Number(seconds) };
}

async function counters(gateway) {
  const text = await inside(gateway, 'nft', ['list', 'counters', 'table', 'inet', 'watch']);
  return Object.fromEntries([...text.matchAll(/counter (\w+) \{\s*packets (\d+)/gu)].map(([, name, packets]) => [name, Number(packets)]));
}

/** The last processor of those that are ours: one and the same for sender and softirq. */
function cpu() {
  return /Cpus_allowed_list:\s*(?:.*[,-])?(\d+)$/mu.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
}

function mac(index, side) {
  return `02:7a:77:00:${index.toString(16).padStart(2, '0')}:${side.toString(16).padStart(2, '0')}`;
}

async function fresh(role) {
  count += 1;
  const name = `zwb-${process.pid}-${count}-${role}`;
  namespaces.add(name);
  await run('ip', ['netns', 'add', name]);
  return name;
}

function remove(name) {
  spawnSync('ip', ['netns', 'del', name]);
  namespaces.delete(name);
}

function removeAll() {
  for (const name of namespaces) remove(name);
}

function set(namespace, values) {
  const lines = Object.entries(values).map(([path, value]) => `echo ${value} > /proc/sys/net/${path}\n`);
  return inside(namespace, 'sh', ['-e'], lines.join(''));
}

function inside(namespace, command, args, input) {
  return run('nsenter', [`--net=/run/netns/${namespace}`, '--', command, ...args], input);
}

/** Runs a program to its end without holding up signals; gives what it wrote. */
function run(command, args, input = '') {
  return new Promise((resolve, reject) => {
    running = execFile(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')}: ${stderr.slice(0, 2000) || error.message}`));
    });
    running.stdin.on('error', () => undefined);
    running.stdin.end(input);
  });
}

function mib(bytes) {
  return (bytes / 2 ** 20).toFixed(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const asked = options(process.argv.slice(2), defaults);
  const reason = missing(asked.rulesets);
  if (reason === undefined) for (const mix of asked.mix) console.log(told(await measure({ ...asked, mix })));
  else console.log(`packets are not measured: ${reason}`);
}
