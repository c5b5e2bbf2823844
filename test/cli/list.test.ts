/** `zonewright list`, as an auditor runs it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { day, folder, pressShop, type Ran, waterWorks, zonewright } from './cli.ts';

interface Row {
  readonly gateway: string | null;
  readonly direction: string;
  readonly name: string;
  readonly state: string;
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly from: { readonly addresses: readonly string[] };
}

function list(args: readonly string[], input?: string): Ran {
  return zonewright(['list', ...args, '--date', day], input === undefined ? {} : { input });
}

function rows(args: readonly string[], input?: string): Row[] {
  const ran = list([...args, '--format', 'json'], input);
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
  const document = JSON.parse(ran.stdout) as { kind: string; date: string; exitStatus: number; rows: Row[]; diagnostics: unknown[] };
  expect(document).toMatchObject({ kind: 'zonewright.list', date: day, exitStatus: 0, diagnostics: [] });
  return document.rows;
}

const names = (found: readonly Row[]): string[] => found.filter((row) => row.state !== 'baseline').map((row) => row.name);

describe('the press shop', () => {
  it('is listed whole, in order', () => {
    expect(names(rows([pressShop]))).toEqual([
      'clock',
      'engineering',
      'historian_poll',
      'recipe_change',
      'supplier_session',
      'tool_control',
      'manage from jump allow ssh',
      'send to time allow ntp',
    ]);
  });

  it('shows both directions of an interface, and only them', () => {
    const found = rows([pressShop, '--interface', 'eth2']);
    expect(names(found)).toEqual(['clock', 'engineering', 'historian_poll', 'recipe_change', 'tool_control']);
    expect(found.every((row) => row.in.includes('eth2') || row.out.includes('eth2'))).toBe(true);
    expect(found.filter((row) => row.state === 'baseline').map((row) => `${row.direction}: ${row.name}`)).toEqual([
      'to the gateway: multicast-listener-discovery',
      'to the gateway: neighbour-discovery',
      'from the gateway: multicast-listener-discovery',
      'from the gateway: neighbour-discovery',
    ]);
  });

  it('is a table of comma-separated values', () => {
    const { status, stdout } = list([pressShop, '--format', 'csv', '--interface', 'eth3']);
    expect(status).toBe(0);
    const [header = '', ...lines] = stdout.split('\n');
    expect(header.split(',').slice(0, 9)).toEqual(['gateway', 'direction', 'name', 'label', 'conduit', 'effect', 'state', 'in', 'out']);
    expect(lines.find((line) => line.includes('engineering'))).toBe(
      'gw12,through,engineering,,press_data,allow,in force,eth3,eth2,dmz,press,jump,10.20.0.7,plc_press,192.168.10.11,"s7comm { read, program, control }",pdu,no,ports: sessions on the jump host are recorded,yes,no,,automation,,recipe changes,2027-03-31,no,press-shop-ports.zone:44',
    );
  });

  it('is a table for the page of a wiki, and one for a terminal', () => {
    const page = list([pressShop, '--format', 'md']).stdout.split('\n');
    expect(page[0]).toMatch(/^\| gateway \| direction \| name \|/u);
    expect(page[1]).toMatch(/^\| --- \|/u);
    expect(page.find((line) => line.includes('historian\\_poll'))).toContain('| 10.20.0.5 | plcs | 192.168.10.11-192.168.10.12 | modbus read | pdu | no |');
    const text = list([pressShop]).stdout.split('\n');
    expect(text[0]).toMatch(/^gateway {2}direction +name +label +conduit +effect +state +in +out +from zones +to zones +from +from addresses/u);
    // No flow of this plant has a rate.
    expect(text[0]).not.toContain('rate');
  });
});

describe('the water works', () => {
  it('has a flow at every gateway that carries it', () => {
    expect(rows([waterWorks]).flatMap((row) => (row.name === 'poll' ? [[row.gateway, row.in, row.out, row.from.addresses]] : []))).toEqual([
      ['gw_centre', ['ctl0'], ['tun1', 'tun2'], ['172.16.30.11-172.16.30.12', '2001:db8:a:30::11-2001:db8:a:30::12']],
      ['gw_pump_1', ['tun0'], ['lan0'], ['172.16.30.11-172.16.30.12', '2001:db8:a:30::11-2001:db8:a:30::12']],
      ['gw_pump_2', ['tun0'], ['lan0'], ['172.16.30.11-172.16.30.12', '2001:db8:a:30::11-2001:db8:a:30::12']],
    ]);
  });

  it('is narrowed to gateways and an interface', () => {
    const two = rows([waterWorks, '--gateway', 'gw_pump_2', '--gateway', 'gw_pump_1', '--interface', 'tun0']);
    expect(new Set(two.map((row) => row.gateway))).toEqual(new Set(['gw_pump_1', 'gw_pump_2']));
    expect(two.filter((row) => row.name === 'pump_service')).toHaveLength(2);
    const runs = rows([waterWorks, '--gateway', 'gw_centre']).filter((row) => row.name === 'echo');
    expect(runs.map((row) => [row.direction, ...row.in, ...row.out])).toEqual([
      ['to the gateway', 'ctl0'],
      ['to the gateway', 'lan4'],
      ['from the gateway', 'ctl0'],
      ['from the gateway', 'lan4'],
    ]);
  });
});

const hostile = String.raw`policy "p" { revision 1 }
zone a { level 4  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
host x in a { address 10.0.1.5, 2001:db8:1::5 }
host y in b { address 10.0.2.5, 2001:db8:2::5 }
flow sheet  "=HYPERLINK(\"http://evil\",\"x\")" { from x  to y  allow tcp 1  owner "-o"  ticket "@t"  reason "a,b;c \"d\" \\" }
flow markup "| <b>*プレス機*</b> [x](http://evil) |" { from x  to y  allow tcp 2  owner "\`rm\`" }
flow orders "::set-output name=a::b" { from x  to y  allow tcp 3  disabled "] -> ::error::no" }
flow late   { from x  to y  allow tcp 4  expires 2026-01-31 }
gateway g {
  target nftables
  interface "eth0" { faces a  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface "eth1.5" { faces b  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage none "console only"
}
`.replaceAll('\\`', '`');

describe('a plant with hostile words', () => {
  it('says them, and nothing else', () => {
    const found = rows(['-'], hostile);
    expect(names(found)).toEqual(['late', 'markup', 'orders', 'sheet']);
    expect(found[3]).toMatchObject({
      name: 'sheet',
      label: '=HYPERLINK("http://evil","x")',
      owner: '-o',
      ticket: '@t',
      reason: 'a,b;c "d" \\',
      from: { text: 'x', zones: ['a'], addresses: ['10.0.1.5', '2001:db8:1::5'] },
      out: ['eth1.5'],
    });
    expect(found[0]?.state).toBe('expired 2026-01-31');
    expect(found[2]?.state).toBe('disabled: ] -> ::error::no');
    const csv = list(['-', '--format', 'csv'], hostile).stdout;
    expect(csv).toContain('g,through,sheet,"\'=HYPERLINK(""http://evil"",""x"")",,allow,in force,');
    expect(csv).toContain(`,'-o,'@t,"a,b;c ""d"" \\",`);
    const page = list(['-', '--format', 'md'], hostile).stdout;
    expect(page).toContain('| \\| \\<b\\>\\*プレス機\\*\\</b\\> \\[x\\](http\\://evil) \\| |');
  });
});

describe('what cannot be listed', () => {
  it.each([
    [['--gateway', 'gw13'], 'did you mean `gw12`'],
    [['--gateway', 'nothing_like_it'], 'gateways to choose from: gw12'],
    [['--interface', 'eth1'], 'did you mean `eth0`'],
    [['--format', 'sarif'], 'one of text, csv, md, json'],
    [['--date', '2026-02-30'], 'is not a date'],
  ])('%j is refused with a word about it', (args, word) => {
    const { status, stdout, stderr } = zonewright(['list', pressShop, '--date', day, ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(word);
  });

  it('takes an interface of a gateway that was not chosen for unknown', () => {
    expect(list([waterWorks, '--gateway', 'gw_centre', '--interface', 'lan0']).status).toBe(2);
    expect(list([waterWorks, '--gateway', 'gw_pump_1', '--interface', 'lan0']).status).toBe(0);
  });

  it('says what is wrong with the input, and lists nothing', () => {
    const broken = hostile.replace('from x ', 'from nobody ');
    const { status, stdout, stderr } = list(['-', '--format', 'csv'], broken);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('nobody');
    const document = JSON.parse(list(['-', '--format', 'json'], broken).stdout) as Record<string, unknown>;
    expect(document).toMatchObject({ kind: 'zonewright.list', exitStatus: 2, diagnostics: [{ severity: 'error' }] });
    expect(document['rows']).toBeUndefined();
    expect(list(['no/such.zone']).status).toBe(2);
  });

  it('lists a policy that no target can express, but says so', () => {
    const path = join(folder(), 'plant.zone');
    writeFileSync(path, `${hostile}flow gap { from x  to y  allow iec104 read }\n`);
    const { status, stdout, stderr } = list([path, '--format', 'csv']);
    expect(status).toBe(3);
    expect(stdout).toContain('g,through,gap,');
    expect(stderr).toContain('ZW5001');
  });
});
