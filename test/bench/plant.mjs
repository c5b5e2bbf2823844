/**
 * A generated plant of any size, as the text of its zone file: what `check.mjs` and friends measure on.
 *
 * Takes numbers of flows, asserts and gateways and a seed; gives the same text for the same numbers, for ever. The plant is one that
 * holds: every assert is proved, so that the proof has to look at everything. Office talks to the DMZ, the DMZ and the
 * manufacturing zone talk to the cells behind each gateway, cells talk upward and to a neighbour.
 *
 *     node test/bench/plant.mjs --flows 10000 > plant.zone
 */
import { fileURLToPath } from 'node:url';

/** Numbers in [0, 1), mulberry32. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const upward = ['ntp', 'syslog', 'opcua', 'mqtts', 'https', 'snmp-trap'];
const downward = ['modbus', 's7comm', 'opcua', 'enip', 'ssh', 'snmp', 'iec104', 'dnp3'];

/** `{ flows, asserts, gateways, seed }`; hosts and cells grow with the flows. */
export function plant({ flows = 10_000, asserts = 60, gateways = 4, seed = 1 } = {}) {
  const next = random(seed);
  const below = (count) => Math.floor(next() * count);
  const pick = (items) => items[below(items.length)];
  const out = [`policy "bench ${flows}" { revision 1 }\n`];
  const hosts = new Map();
  const zone = (name, words, network, count) => {
    out.push(`zone ${name} { ${words}  networks ${network.v4}${network.v6 === undefined ? '' : `, ${network.v6}::/64`} }`);
    const names = [];
    for (let index = 0; index < count; index++) {
      // Scattered, not in a row: rows of neighbours would melt into one range.
      const offset = 10 + index * 3 + (index % 2);
      const four = `${network.base}.${(network.third ?? 0) + (offset >> 8)}.${offset & 255}`;
      const six = network.v6 !== undefined && index % 5 === 0 ? `, ${network.v6}::${offset.toString(16)}` : '';
      out.push(`host ${name}_${index} in ${name} { address ${four}${six} }`);
      names.push(`${name}_${index}`);
    }
    hosts.set(name, names);
  };
  const cells = [];
  const perGateway = 10;
  const upper = Math.max(8, Math.round(flows / 30));
  const perCell = Math.max(4, Math.round(flows / (gateways * perGateway * 4)));
  zone('internet', 'kind untrusted', { v4: 'rest' }, 0);
  zone('office', 'level 4', { v4: '10.0.0.0/16', base: '10.0', v6: '2001:db8:4' }, upper);
  zone('dmz', 'level 3.5  kind dmz', { v4: '10.20.0.0/16', base: '10.20', v6: '2001:db8:35' }, upper);
  zone('mes', 'level 3', { v4: '10.30.0.0/16', base: '10.30', v6: '2001:db8:3' }, upper);
  for (let box = 0; box < gateways; box++) {
    for (let index = 0; index < perGateway; index++) {
      const number = box * perGateway + index;
      const name = `cell_${number}`;
      cells.push({ name, box });
      zone(
        name,
        'level 1',
        {
          v4: `172.${16 + (number >> 4)}.${(number & 15) * 16}.0/20`,
          base: `172.${16 + (number >> 4)}`,
          third: (number & 15) * 16,
          v6: `2001:db8:1:${(number + 1).toString(16)}`,
        },
        perCell,
      );
    }
  }
  for (const cell of cells)
    out.push(
      `group plcs_${cell.name} { ${hosts
        .get(cell.name)
        .filter((_, index) => index % 3 === 0)
        .join(', ')} }`,
    );
  out.push('service recipe { tcp 5010-5013, udp 6000 }', 'service tool { hsms on tcp 5001-5008 }\n');

  const side = (name, whole) => (next() < whole ? name : pick(hosts.get(name)));
  // A whole zone or group talks on ports of its own, so that few flows are held by others, as in a policy that is kept well.
  let port = 1024;
  const free = () => {
    port = port >= 60_000 ? 1024 : port + 7;
    return port;
  };
  const whole = (name) => !/_\d+_\d+$|^(?:office|dmz|mes)_\d+$/u.test(name);
  const pair = (from, to, service) => {
    if (service === undefined || whole(from) || whole(to)) return [from, to, next() < 0.7 ? `tcp ${free()}` : `udp ${free()}-${free()}`];
    return [from, to, service];
  };
  const wide = [];
  for (let index = 0; index < flows; index++) {
    const cell = pick(cells);
    const kind = next();
    let from;
    let to;
    let service;
    if (kind < 0.15) {
      [from, to, service] = pair(side('office', 0.3), side('dmz', 0), next() < 0.5 ? pick(['https', 'mssql', 'smb']) : undefined);
    } else if (kind < 0.6) {
      [from, to, service] = [
        side(pick(['dmz', 'mes']), 0.15),
        side(cell.name, 0.05),
        next() < 0.6 ? pick(downward) : next() < 0.5 ? pick(['recipe', 'tool']) : `tcp ${20_000 + below(20_000)}`,
      ];
    } else if (kind < 0.85) {
      [from, to, service] = [
        side(cell.name, 0.15),
        side(pick(['dmz', 'mes']), 0),
        next() < 0.7 ? pick(upward) : `udp ${30_000 + below(20_000)}-${50_000 + below(9000)}`,
      ];
    } else if (kind < 0.95) {
      const other = pick(cells.filter((one) => one.box === cell.box && one !== cell));
      [from, to, service] = pair(side(cell.name, 0.05), pick(hosts.get(other.name)), next() < 0.5 ? pick(downward) : undefined);
    } else {
      [from, to, service] = pair(pick(hosts.get('mes')), `plcs_${cell.name}`, undefined);
    }
    const name = `f${index}`;
    const deny = index % 33 === 32;
    const more = deny
      ? ''
      : `  owner "team-${index % 20}"  reason "line ${index}"${index % 20 === 0 && from !== 'office' ? '  essential' : '  expires 2027-06-30'}${index % 50 === 7 ? '  log' : ''}`;
    // A deny takes one host out of what the whole office may do.
    const target = deny && wide.length > 0 ? pick(wide) : undefined;
    if (!deny && from === 'office') wide.push({ to, service });
    const allow = `flow ${name} { from ${from}  to ${to}  allow ${service}${more} }`;
    out.push(target === undefined ? allow : `flow ${name} { from ${pick(hosts.get('office'))}  to ${target.to}  deny ${target.service} }`);
  }
  for (let box = 0; box < gateways; box++) {
    const faces = [
      ['office', `10.0.255.${box + 1}/16, 2001:db8:4::ff${box}/64`],
      ['dmz', `10.20.255.${box + 1}/16, 2001:db8:35::ff${box}/64`],
      ['mes', `10.30.255.${box + 1}/16, 2001:db8:3::ff${box}/64`],
      ...(box === 0 ? [['internet', 'dynamic']] : []),
      ...cells
        .map((cell, number) => ({ ...cell, number }))
        .filter((cell) => cell.box === box)
        .map((cell) => [cell.name, `172.${16 + (cell.number >> 4)}.${(cell.number & 15) * 16}.1/20, 2001:db8:1:${(cell.number + 1).toString(16)}::1/64`]),
    ];
    out.push(
      `gateway gw${box} {\n  target nftables`,
      ...faces.map(([name, address], index) => `  interface eth${index} { faces ${name}  address ${address} }`),
      `  manage from ${hosts.get('dmz')[0]} allow ssh\n}`,
    );
  }
  const kinds = [
    (cell) => `never level = 4 -> ${cell}`,
    (cell) => `never ${cell} -> office`,
    (cell) => `never any -> ${cell} : rdp, telnet, netbios where enforced`,
    (cell) => `every flow to ${cell} has owner, reason, expires within 400 days or essential`,
    (cell) => `office -> ${cell} only via kind dmz`,
    (cell) => `office -> ${cell} at least 2 hops`,
  ];
  for (let index = 0; index < asserts; index++) out.push(`assert a${index} { ${kinds[index % kinds.length](cells[(index * 7) % cells.length].name)} }`);
  return `${out.join('\n')}\n`;
}

/** `--flows 10000 --asserts 60` → `{ flows: 10000, asserts: 60 }`. */
export function numbers(argv) {
  const result = {};
  for (let index = 0; index + 1 < argv.length; index += 2) result[argv[index].replace(/^--/u, '')] = Number(argv[index + 1]);
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(plant(numbers(process.argv.slice(2))));
