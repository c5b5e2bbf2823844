/** `verify` as a user runs it: what the real nft lists, after hands have been at it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mill, millGateway } from '../analysis/plant.ts';
import { describeNft } from '../targets/nftables/nft.ts';
import { day, folder, pressShop, type Ran, zonewright } from './cli.ts';

const rulesets = new Map<string, string>();

/** What `compile` writes for the only gateway of a zone file. */
function compiled(file: string): string {
  const known = rulesets.get(file);
  if (known !== undefined) return known;
  const out = join(folder(), 'out');
  expect(zonewright(['compile', file, '-o', out, '--date', day]).status).toBe(0);
  const gateway = readdirSync(out, { withFileTypes: true }).find((entry) => entry.isDirectory());
  const text = readFileSync(join(out, gateway?.name ?? '', 'ruleset.nft'), 'utf8');
  rulesets.set(file, text);
  return text;
}

/** Loads a ruleset in a namespace, runs commands there, and verifies what nft lists then. */
function afterLoading(file: string, ruleset: string, commands: readonly string[], ...more: readonly string[]): Ran {
  const path = join(folder(), 'running.json');
  const script = ['set -e', 'nft -f -', ...commands, `nft -j list ruleset > ${path}`].join('\n');
  const { status, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script], { input: ruleset, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return zonewright(['verify', file, '--date', day, '--running', path, ...more]);
}

function after(commands: readonly string[], ...more: readonly string[]): Ran {
  return afterLoading(pressShop, compiled(pressShop), commands, ...more);
}

interface Row {
  readonly kind: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly services: readonly string[];
  readonly reason: string;
  readonly flow: { readonly name: string } | null;
}

interface Document {
  readonly verdict: string;
  readonly exitStatus: number;
  readonly rows: readonly Row[];
  readonly remarks: readonly string[];
  readonly others: readonly string[];
  readonly unmodelled: readonly { readonly what: string }[];
}

function documentAfter(commands: readonly string[], ...more: readonly string[]): Document {
  const { stdout, status } = after(commands, '--format', 'json', ...more);
  const document = JSON.parse(stdout) as Document;
  expect(status).toBe(document.exitStatus);
  return document;
}

describeNft('verify', () => {
  it('says equal of what was compiled, also after its counters ran', () => {
    const { status, stdout } = after(['nft reset counters > /dev/null']);
    expect(stdout).toContain('gw12 runs what the policy says: equal');
    expect(status).toBe(0);
  });

  it('names what a rule in front lets pass, by zones and service', () => {
    const { verdict, rows, exitStatus } = documentAfter(['nft insert rule inet zonewright forward iifname eth0 oifname eth4 tcp dport 502 accept']);
    expect([verdict, exitStatus]).toEqual(['differs', 1]);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ kind: 'passes', from: 'internet', to: 'sis', services: ['modbus'], reason: 'no flow allows it', flow: null });
    // Addresses that do not belong to the interfaces pass by it, too.
    expect(rows[1]).toMatchObject({ kind: 'passes', from: null, services: ['modbus'] });
  });

  it('says so of an answer that a hand has put in the place of a drop', () => {
    const { verdict, rows, remarks, exitStatus } = documentAfter(['nft insert rule inet zonewright verdict.spoofed meta l4proto tcp reject with tcp reset']);
    expect([verdict, exitStatus, rows]).toEqual(['differs', 1, []]);
    expect(remarks).toEqual([expect.stringMatching(/ is answered with a reset, but the policy drops it in silence$/u)]);
  });

  it('names the flows that are lost, with their lines', () => {
    const { status, stdout } = after(['nft flush chain inet zonewright way.eth3.eth2']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/dmz -> press : modbus read is dropped, but must pass: flow `historian_poll` allows it \(press-shop-ports\.zone:\d+\)/u);
    expect(stdout).toMatch(/flow `engineering` allows it/u);
    expect(stdout).not.toContain('passes, but must not');
  });

  it('says that a table is missing, and what passes then', () => {
    const { verdict, remarks, rows } = documentAfter(['nft delete table inet zonewright']);
    expect(verdict).toBe('differs');
    expect(remarks).toEqual(['the gateway runs no table inet zonewright']);
    expect(rows.some((row) => row.from === 'internet' && row.to === 'sis' && row.services.includes('any'))).toBe(true);
    expect(rows.every((row) => row.kind === 'passes')).toBe(true);
  });

  it('knows an older policy by its mark, and shows what differs in meaning alone', () => {
    const ruleset = compiled(pressShop);
    const number = /ct mark set (0x[0-9a-f]{8})/u.exec(ruleset)?.[1] ?? '';
    const { status, stdout } = afterLoading(pressShop, ruleset.replaceAll(number, '0x01020304'), []);
    expect(status).toBe(1);
    const [first, second, ...rest] = stdout.trimEnd().split('\n');
    expect(first).toBe('gw12 does not run what the policy says');
    expect(second).toBe(`it marks judged conversations with 0x01020304, the number of another policy than this one's ${number}`);
    expect(rest).toEqual([]);
  });

  it('sees a rate that was widened, though the same packets may pass', () => {
    const file = join(folder(), 'mill.zone');
    writeFileSync(file, `${mill}${millGateway}flow poll { from hist  to machines  allow modbus  rate 5/second burst 10 }\n`);
    const ruleset = compiled(file);
    expect(afterLoading(file, ruleset, []).status).toBe(0);
    const { status, stdout } = afterLoading(file, ruleset.replaceAll('5/second burst 10', '50/second burst 10'), []);
    expect([status, stdout]).toEqual([1, expect.stringMatching(/is limited to 50\/second burst 10, which no flow asks for/u)]);
  });

  it('shows of an answer that differs the port that it comes from', () => {
    const file = join(folder(), 'mill.zone');
    const asks = (functions: string): void =>
      writeFileSync(file, `${mill}${millGateway}flow dial { from hist  to machines  allow dnp3 ${functions}  requests backward }\n`);
    asks('read');
    const ruleset = compiled(file);
    asks('{ read, write }');
    const { status, stdout } = afterLoading(file, ruleset, []);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^cell -> dmz : answers of dnp3 .* is dropped, but must pass: flow `dial` allows it/mu);
    expect(stdout).toMatch(/^ {2}such as forward \S+ → \S+, established, reply, \S.*: .* -> hist \S+ from tcp 20000 \(dnp3 write-objects\) to port \d+$/mu);
    const { rows } = JSON.parse(afterLoading(file, ruleset, [], '--format', 'json').stdout) as { rows: { example: { sourcePort: number } }[] };
    expect(rows.map(({ example }) => example.sourcePort)).toEqual([20_000]);
  });

  it('never says equal beside what it does not model', () => {
    const rule = documentAfter(['nft insert rule inet zonewright forward tcp flags syn accept']);
    expect([rule.verdict, rule.exitStatus]).toEqual(['unknown', 1]);
    expect(rule.unmodelled[0]?.what).toContain('tcp flags');
    const nat = ['nft add table ip nat', "nft 'add chain ip nat pre { type nat hook prerouting priority -100; }'"];
    const table = documentAfter(nat);
    expect([table.verdict, table.others]).toEqual(['unknown', ['table ip nat, chain pre hooks prerouting']]);
    expect(documentAfter(nat, '--beside', 'table ip nat,').verdict).toBe('equal');
  });
});

describe('verify, asked wrongly', () => {
  it.each([
    [[], 'option `--running`: is missing'],
    [['--running', '/nonexistent/dump'], 'ZW6001'],
    [['--running', pressShop], 'ZW6016'],
    [['--running', pressShop, '--running', pressShop], 'not 2 files'],
    [['--running', pressShop, '--gateway', 'gw21'], 'did you mean `gw12`?'],
  ])('%j', (args, said) => {
    const { status, stderr, stdout } = zonewright(['verify', pressShop, '--date', day, ...args]);
    expect(stderr).toContain(said);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('needs a gateway where there are several', () => {
    const many = join(dirname(pressShop), '..', 'water-works', 'water-works.zone');
    const { status, stderr } = zonewright(['verify', many, '--date', day, '--running', many]);
    expect(stderr).toContain('option `--gateway`: is missing');
    expect(status).toBe(2);
  });

  it('of a policy that is broken', () => {
    const at = folder();
    writeFileSync(join(at, 'y.zone'), 'zone {');
    const { status, stderr } = zonewright(['verify', join(at, 'y.zone'), '--running', pressShop]);
    expect([status, stderr.includes('ZW1')]).toEqual([2, true]);
  });
});
