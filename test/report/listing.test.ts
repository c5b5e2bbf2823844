/** The rows of `list`, written down by hand for a small plant in which every state and every kind of entry occurs. */
import { describe, expect, test } from 'vitest';
import { capabilitiesByName } from '../../targets/index.ts';
import { load } from '../../src/pipeline/load.ts';
import { resolve } from '../../src/model/resolve.ts';
import { place } from '../../src/policy/place.ts';
import { listing } from '../../src/report/listing.ts';
import type { ListingRow } from '../../src/report/listing-row.ts';
import { listingTable } from '../../src/report/listing-table.ts';

const plant = `policy "p" { revision 1 }
zone wan    { kind untrusted  networks 203.0.113.0/24 }
zone office { level 4  networks 10.0.0.0/24, 2001:db8:4::/64 }
zone press  { level 1  networks 10.0.1.0/24 }
zone paint  { level 1  networks 10.0.2.0/24 }
zone far    { level 1  networks 10.0.9.0/24, 2001:db8:9::/64 }
host hmi  in office { address 10.0.0.5, 2001:db8:4::5 }
host plc  in press  { address 10.0.1.5 }
host arm  in paint  { address 10.0.2.5 }
host pump in far    { address 10.0.9.5, 2001:db8:9::5 }

conduit cell "C-1" office -> press {
  owner "ot-net"
  flow poll "Polls 1号機" { from hmi  to plc  allow modbus read  accept-weaker ports "watched"  ticket "T-1"  log  essential }
}
flow far_poll   { from hmi  to pump  allow tcp 20000  rate 5/minute burst 10  count }
flow far_six    { from hmi  to pump  allow icmpv6 echo-request }
flow inside     { from plc, hmi  to arm, plc  allow tcp 80 }
flow no_telnet  { from any  to press  deny telnet }
flow old        { from hmi  to pump  allow ssh  expires 2026-11-21 }
flow last_day   { from hmi  to plc  allow ssh  expires 2026-11-22 }
flow off        { from hmi  to plc  allow rdp  disabled "until the audit; see T-2"  expires 2020-01-01 }
flow to_gateway { from hmi  to 10.0.1.1  allow ssh }

gateway gw_a {
  target nftables
  interface eth0 { faces wan           address dynamic }
  interface eth1 { faces office        address 10.0.0.1/24, 2001:db8:4::1/64   runs echo }
  interface eth2 { faces press, paint  address 10.0.1.1/24   shared-wire "one switch" }
  interface eth3 { faces far           address none }
  manage from hmi allow ssh { owner "it"  reason "administration"  log }
  receive from pump allow tcp 9
  receive from wan allow udp 500
  send to hmi allow syslog { disabled "no collector yet" }
}
gateway gw_b {
  target nftables
  interface eth0 { faces office  address 10.0.0.2/24 }
  interface eth1 { faces far     address 10.0.9.1/24 }
  manage none "console"
  send to pump allow ntp
}
`;

function rowsOf(text: string, date = '2026-11-22'): ListingRow[] {
  const loaded = load('plant.zone', () => new TextEncoder().encode(text));
  const resolved = resolve(loaded.declarations, loaded.sources);
  expect([...loaded.diagnostics, ...resolved.diagnostics].filter((one) => one.severity === 'error')).toEqual([]);
  return listing(resolved.value, place(resolved.value, capabilitiesByName, date).value, loaded.sources);
}

const rows = rowsOf(plant);

function the(gateway: string | null, name: string): ListingRow {
  const found = rows.filter((row) => row.gateway === gateway && row.name === name && row.state !== 'baseline');
  expect(found).toHaveLength(1);
  return found[0] as ListingRow;
}

/** `in > out, what is open` in short. */
function short(row: ListingRow): string {
  const side = (end: ListingRow['from']): string => `${end.zones.join('+')} ${end.text} [${end.addresses.join(' ')}]`;
  return `${row.state}: ${row.in.join('+')} > ${row.out.join('+')}, ${side(row.from)} -> ${side(row.to)} : ${row.services}`;
}

describe('listing', () => {
  test('says everything of a flow', () => {
    expect(the('gw_a', 'poll')).toEqual({
      gateway: 'gw_a',
      direction: 'through',
      name: 'poll',
      label: 'Polls 1号機',
      conduit: 'cell',
      effect: 'allow',
      state: 'in force',
      in: ['eth1'],
      out: ['eth2'],
      from: { text: 'hmi', zones: ['office'], addresses: ['10.0.0.5'] },
      to: { text: 'plc', zones: ['press'], addresses: ['10.0.1.5'] },
      services: 'modbus read',
      grade: 'pdu',
      widened: false,
      acceptsWeaker: 'ports: watched',
      log: true,
      count: false,
      rate: null,
      owner: 'ot-net',
      ticket: 'T-1',
      reason: null,
      expires: null,
      essential: true,
      place: 'plant.zone:14',
    });
  });

  test('gives a flow to every gateway that carries it, as far as it does', () => {
    // Only gw_a's interface to `far` has no address of its own; hosts behind it are reached all the same.
    expect(short(the('gw_a', 'far_poll'))).toBe('in force: eth1 > eth3, office hmi [10.0.0.5 2001:db8:4::5] -> far pump [10.0.9.5 2001:db8:9::5] : tcp 20000');
    expect(short(the('gw_b', 'far_poll'))).toBe('in force: eth0 > eth1, office hmi [10.0.0.5 2001:db8:4::5] -> far pump [10.0.9.5 2001:db8:9::5] : tcp 20000');
    expect(the('gw_b', 'far_poll')).toMatchObject({ rate: '5/minute burst 10', count: true, grade: null, widened: false });
    expect(short(the('gw_a', 'far_six'))).toBe('in force: eth1 > eth3, office hmi [2001:db8:4::5] -> far pump [2001:db8:9::5] : icmpv6 echo-request');
  });

  test('names the interfaces by which packets really come and go', () => {
    // From the press to itself and to the paint shop nothing crosses the gateway: they share the wire of eth2.
    expect(short(the('gw_a', 'inside'))).toBe('in force: eth1 > eth2, office plc, hmi [10.0.0.5] -> paint+press arm, plc [10.0.1.5 10.0.2.5] : tcp 80');
    expect(the('gw_a', 'no_telnet')).toMatchObject({ effect: 'deny', in: ['eth0', 'eth1', 'eth3'], out: ['eth2'] });
    expect(the('gw_a', 'no_telnet').from).toEqual({
      text: 'any',
      zones: ['far', 'office', 'wan'],
      addresses: ['10.0.0.0', '10.0.0.2-10.0.0.254', '10.0.9.0/24', '203.0.113.0/24'],
    });
    // Its own address and its network's broadcast are the gateway's.
    expect(the('gw_a', 'no_telnet').to.addresses).toEqual(['10.0.1.0', '10.0.1.2-10.0.1.254']);
  });

  test('lists what is not in force, and what no gateway carries, with the reason', () => {
    expect(the('gw_a', 'old').state).toBe('expired 2026-11-21');
    expect(the('gw_b', 'old')).toMatchObject({ state: 'expired 2026-11-21', in: ['eth0'], out: ['eth1'] });
    expect(the('gw_a', 'last_day')).toMatchObject({ state: 'in force', expires: '2026-11-22' });
    expect(rowsOf(plant, '2026-11-23').find((row) => row.name === 'last_day')?.state).toBe('expired 2026-11-22');
    expect(short(the('gw_a', 'off'))).toBe('disabled: until the audit; see T-2: eth1 > eth2, office hmi [10.0.0.5] -> press plc [10.0.1.5] : rdp');
    expect(short(the(null, 'to_gateway'))).toBe('on no gateway:  > , office hmi [10.0.0.5 2001:db8:4::5] -> press 10.0.1.1 [10.0.1.1] : ssh');
    expect(rows.filter((row) => row.gateway === null)).toHaveLength(1);
  });

  test("lists the gateway's own lines, with its own addresses", () => {
    expect(the('gw_a', 'manage from hmi allow ssh')).toMatchObject({ direction: 'to the gateway', owner: 'it', reason: 'administration', log: true });
    expect(short(the('gw_a', 'manage from hmi allow ssh'))).toBe(
      'in force: eth1 > , office hmi [10.0.0.5 2001:db8:4::5] ->  gw_a [10.0.0.1 2001:db8:4::1] : ssh',
    );
    expect(short(the('gw_a', 'receive from wan allow udp 500'))).toBe('in force: eth0 > , wan wan [203.0.113.0/24] ->  gw_a [dynamic] : udp 500');
    // The interface that faces the pump has no address at which it could be met.
    expect(short(the('gw_a', 'receive from pump allow tcp 9'))).toBe('on no interface:  > , far pump [10.0.9.5 2001:db8:9::5] ->  gw_a [] : tcp 9');
    expect(short(the('gw_b', 'send to pump allow ntp'))).toBe('in force:  > eth1,  gw_b [10.0.0.2 10.0.9.1] -> far pump [10.0.9.5] : ntp');
    expect(the('gw_a', 'send to hmi allow syslog')).toMatchObject({
      direction: 'from the gateway',
      state: 'disabled: no collector yet',
      from: { text: 'gw_a', zones: [], addresses: ['dynamic', '10.0.0.1', '10.0.1.1', '2001:db8:4::1'] },
    });
  });

  test('lists what passes unasked, by interface and direction', () => {
    const passes = rows.filter((row) => row.state === 'baseline');
    expect(passes.filter((row) => row.name === 'echo').map(short)).toEqual([
      'baseline: eth1 > , office office [10.0.0.0 10.0.0.2-10.0.0.254 2001:db8:4::2-2001:db8:4:0:ffff:ffff:ffff:ffff] ->  gw_a [10.0.0.1 2001:db8:4::1] : icmp echo-request, icmpv6 echo-request',
      'baseline:  > eth1,  gw_a [dynamic 10.0.0.1 10.0.1.1 2001:db8:4::1] -> office office [10.0.0.0 10.0.0.2-10.0.0.254 2001:db8:4::2-2001:db8:4:0:ffff:ffff:ffff:ffff] : icmp echo-reply, icmpv6 echo-reply',
    ]);
    expect(passes.find((row) => row.name === 'echo')).toMatchObject({ label: 'answers ping', reason: 'RFC 792, RFC 4443', place: 'plant.zone:28' });
    // Neighbours and listeners of each of six interfaces, both ways, and the echo.
    expect(passes).toHaveLength(6 * 2 * 2 + 2);
    expect(short(passes.find((row) => row.name === 'neighbour-discovery' && row.in[0] === 'eth2') as ListingRow)).toBe(
      'baseline: eth2 > ,  ::/128, fe80::/10 [:: fe80::/10] ->  ::/0 [::/0] : icmpv6 neighbour-solicitation, icmpv6 neighbour-advertisement, hop limit 255',
    );
  });

  test('leaves out what an interface without addresses of the family cannot pass', () => {
    const text = plant.replace('10.0.0.1/24, 2001:db8:4::1/64   runs echo', '10.0.0.1/24   runs echo').replace('address dynamic', 'address 203.0.113.1/24');
    const echo = rowsOf(text).filter((row) => row.name === 'echo');
    expect(echo.map((row) => row.services)).toEqual(['icmp echo-request', 'icmp echo-reply']);
  });

  test('stands in the order of gateway, direction and name, whatever the order of the file', () => {
    const keys = rows.map((row) =>
      [row.gateway ?? '~', row.direction === 'through' ? 0 : row.direction === 'to the gateway' ? 1 : 2, row.name, row.in, row.out].join('\t'),
    );
    expect(keys).toEqual(keys.toSorted());
    const strip = (row: ListingRow): ListingRow => ({ ...row, place: '' });
    const turned = plant
      .split(/\n(?=[a-z])/u)
      .toReversed()
      .join('\n');
    expect(rowsOf(turned).map(strip)).toEqual(rows.map(strip));
  });

  test('is a table with a cell for every column', () => {
    const table = listingTable(rows);
    expect(table.columns).toContain('place');
    expect(new Set(table.columns).size).toBe(table.columns.length);
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length);
    const cell = (name: string, column: string): string | undefined => table.rows.find((row) => row[2] === name)?.[table.columns.indexOf(column)];
    expect(cell('poll', 'widened')).toBe('no');
    expect(cell('poll', 'essential')).toBe('yes');
    expect(cell('poll', 'from addresses')).toBe('10.0.0.5');
    expect(cell('to_gateway', 'gateway')).toBe('');
    expect(cell('to_gateway', 'expires')).toBe('');
  });
});
