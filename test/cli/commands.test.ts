/** The commands: what they print, and the exit status that scripts lean on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { version } from '../../src/base/version.ts';
import { day, folder, pressShop, root, waterWorks, zonewright, zonewrightStarted } from './cli.ts';

const small = (extra = ''): string => `policy "p" { revision 1 }
zone a { level 4  networks 10.0.1.0/24 }
zone b { level 1  networks 10.0.2.0/24 }
host x in a { address 10.0.1.5 }
host y in b { address 10.0.2.5 }
flow f { from x  to y  allow tcp 502  owner "o"  ticket "T-1"  reason "r" }
gateway g {
  target nftables
  interface eth0 { faces a  address 10.0.1.1/24 }
  interface eth1 { faces b  address 10.0.2.1/24 }
  manage none "console only"
}
${extra}`;

function json(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

describe('zonewright', () => {
  it('prints its version, the one of package.json', () => {
    const { version: packaged } = json(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(version).toBe(packaged);
    expect(zonewrightStarted(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('shows help that teaches, for itself and for each command', () => {
    const help = zonewrightStarted(['--help']);
    expect(help.status).toBe(0);
    for (const word of ['check', 'compile', 'trace', 'targets', 'protocols', 'explain', 'init', 'Exit status', 'Start here'])
      expect(help.stdout).toContain(word);
    expect(zonewright(['trace', '--help']).stdout).toContain('--service "modbus read"');
    expect(zonewrightStarted([]).status).toBe(0);
  });

  it.each([
    [['nonsense'], 'unknown command'],
    [['check'], 'missing required argument'],
    [['check', '--nonsense', 'x'], 'unknown option'],
    [['check', pressShop, '--date', '2026-02-30'], 'ZW6008'],
    [['check', pressShop, '--format', 'xml'], 'ZW6008'],
    [['check', 'no/such.zone'], 'ZW6001'],
    [['explain', 'ZW0000'], 'ZW6008'],
    [['protocols', 'modbuss'], 'did you mean `modbus`'],
    [['trace', pressShop, '--from', 'historain', '--to', 'plc_press', '--proto', 'tcp', '--dport', '1'], 'did you mean `historian`'],
    [['trace', pressShop, '--from', 'historian', '--to', 'plc_press', '--proto', 'icmp', '--dport', '1'], 'icmp has no ports'],
    [['trace', pressShop, '--from', 'historian', '--to', 'plc_press', '--service', 'modbus reed'], 'did you mean `read`'],
    [['compile', pressShop, '--gateway', 'gw13', '--date', day], 'did you mean `gw12`'],
  ])('answers %j with exit 2 and a word about it', (args, word) => {
    const { status, stderr } = zonewright(args);
    expect(status).toBe(2);
    expect(stderr).toContain(word);
    expect(stderr).not.toContain('    at ');
  });

  it('reads standard input', () => {
    expect(zonewrightStarted(['check', '-', '--date', day], { input: small() }).status).toBe(0);
    const bad = zonewrightStarted(['check', '-', '--date', day], { input: small('zone c { level 9 networks 10.0.3.0/24 }') });
    expect(bad.status).toBe(2);
    expect(bad.stderr).toContain('<stdin>:13:16');
  });

  it('exits 1 for a finding, 3 for a gap of the target, 2 for both wrong input and more', () => {
    const violated = zonewrightStarted(['check', '-', '--date', day], { input: small('assert never_x { never a -> b }') });
    expect(violated.status).toBe(1);
    expect(violated.stderr).toContain('x 10.0.1.5 reaches y 10.0.2.5 on tcp 502 (modbus) through flow `f`');
    const gap = zonewrightStarted(['check', '-', '--date', day], { input: small('flow r { from x to y allow iec104 read }') });
    expect(gap.status).toBe(3);
    expect(gap.stderr).toContain('accept-weaker ports');
    expect(
      zonewright(['check', '-', '--date', day], { input: small('flow r { from x to y allow iec104 read }\nflow s { from x to nobody allow ssh }') }).status,
    ).toBe(2);
  });

  it('gives every diagnostic and every assert as JSON', () => {
    const { status, stdout } = zonewright(['check', '-', '--format', 'json', '--date', day], {
      input: small('assert never_x { never a -> b }\nassert fine { never b -> a }'),
    });
    expect(status).toBe(1);
    const document = json(stdout);
    expect(document['kind']).toBe('zonewright.check');
    expect(document['schema']).toBe(1);
    expect(document['diagnostics']).toMatchObject([
      {
        code: 'ZW4001',
        severity: 'error',
        file: '<stdin>',
        line: 13,
        column: 8,
        data: { witness: { source: '10.0.1.5', destination: '10.0.2.5', service: 'tcp 502 (modbus)' }, gateway: 'g' },
      },
    ]);
    expect(document['asserts']).toMatchObject([
      { name: 'fine', status: 'proved', over: ['b -> a'] },
      { name: 'never_x', status: 'violated', over: ['a -> b'] },
    ]);
  });

  it('colours only a terminal', () => {
    const { stderr } = zonewright(['check', '-'], { input: 'zone', env: { NO_COLOR: '' } });
    expect(stderr).not.toContain('\u001b[');
  });

  it('explains every code that it prints', () => {
    const { stdout, status } = zonewright(['explain', 'zw1001']);
    expect(status).toBe(0);
    expect(stdout).toContain('# ZW1001');
  });

  it('lists targets and protocols', () => {
    expect(zonewright(['targets']).stdout).toContain('nftables');
    expect(json(zonewright(['targets', '--format', 'json']).stdout)['targets']).toMatchObject([
      { name: 'nftables', files: ['ruleset.nft'] },
      { name: 'iptables' },
      { name: 'openwrt' },
      { name: 'vyos', files: ['firewall.commands'] },
    ]);
    expect(zonewright(['targets', 'openwrt']).stdout).toMatch(/^openwrt: [^]*conversations: kept by the platform/u);
    expect(zonewright(['targets', 'openwr']).stderr).toContain('did you mean `openwrt`?');
    expect(zonewright(['protocols', 'modbus']).stdout).toContain('tcp 502');
    expect(zonewright(['protocols']).stdout.split('\n').length).toBeGreaterThan(100);
  });

  it('starts a plant that checks and compiles as it stands, and never overwrites one', () => {
    const path = folder();
    expect(zonewright(['init', path]).status).toBe(0);
    const file = join(path, 'plant.zone');
    expect(zonewright(['compile', file, '-o', join(path, 'out'), '--date', day]).status).toBe(0);
    writeFileSync(file, 'mine');
    expect(zonewright(['init', path]).status).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});

describe('trace', () => {
  const ask = (args: readonly string[]): Record<string, unknown> => json(zonewright(['trace', pressShop, '--date', day, '--format', 'json', ...args]).stdout);

  it('names the deciding flow and its place', () => {
    expect(ask(['--from', 'historian', '--to', 'plc_press', '--service', 'modbus read'])).toMatchObject({
      verdict: 'allow',
      enforced: true,
      flow: 'historian_poll',
      span: { file: 'press-shop-ports.zone' },
      gateways: [{ gateway: 'gw12', in: 'eth3', out: 'eth2', from: 'dmz', to: 'press', verdict: 'allow' }],
    });
  });

  it('says for a denial which flow comes nearest and what differs', () => {
    expect(ask(['--from', 'historian', '--to', 'plc_press', '--proto', 'tcp', '--dport', '503'])).toMatchObject({
      verdict: 'deny',
      flow: null,
      nearest: { flow: 'historian_poll', differs: 'tcp 503 is one off 502, which it allows' },
    });
    expect(ask(['--from', '10.20.0.4', '--to', 'plc_press', '--proto', 'tcp', '--dport', '502'])).toMatchObject({
      verdict: 'deny',
      nearest: { flow: 'historian_poll', differs: 'the source is dmz 10.20.0.4, one bit off historian 10.20.0.5, which it allows' },
    });
  });

  it('says that hosts of one zone talk without a gateway', () => {
    expect(ask(['--from', 'plc_press', '--to', 'plc_robot', '--proto', 'tcp', '--dport', '1'])).toMatchObject({
      verdict: 'allow',
      enforced: false,
      gateways: [],
    });
  });

  it('judges what is for the gateway and what it starts', () => {
    expect(ask(['--from', 'jump', '--to', 'gw12', '--service', 'ssh'])).toMatchObject({ verdict: 'allow', gateways: [{ hook: 'input', in: 'eth3' }] });
    expect(ask(['--from', 'gw12', '--to', 'time', '--service', 'ntp'])).toMatchObject({ verdict: 'allow', gateways: [{ hook: 'output', out: 'eth3' }] });
    expect(ask(['--from', 'historian', '--to', 'gw12', '--service', 'ssh'])).toMatchObject({ verdict: 'deny' });
  });

  it('reads a kernel log line, the wrong interface included', () => {
    const line =
      'zw gw12 spoof: IN=eth1.31 OUT=eth2 MAC=00 SRC=10.20.0.5 DST=192.168.10.11 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=40000 DPT=502 WINDOW=64240 SYN URGP=0';
    expect(ask(['--log', line])).toMatchObject({ verdict: 'deny', gateways: [{ reason: 'spoofed', in: 'eth1.31' }] });
  });

  it('fails if the verdict is not the expected one', () => {
    const args = ['trace', pressShop, '--date', day, '--from', 'historian', '--to', 'plc_press', '--service', 'modbus'];
    expect(zonewright([...args, '--expect', 'allow']).status).toBe(0);
    expect(zonewright([...args, '--expect', 'deny']).status).toBe(1);
  });

  it('asks every gateway on the path', () => {
    const document = json(
      zonewright(['trace', waterWorks, '--date', day, '--format', 'json', '--from', 'scada_a', '--to', 'rtu_1', '--service', 'dnp3']).stdout,
    );
    expect(document).toMatchObject({ verdict: 'allow', gateways: [{ gateway: 'gw_centre' }, { gateway: 'gw_pump_1' }] });
  });
});
