/**
 * The script that is run on the gateway: it sees a rule that fw4 skipped and a complaint, and leaves the configuration as it was.
 *
 * The tools of the platform are stand-ins here: fw4 prints the rendering of what it finds in the place of /etc/config/firewall.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { emitted } from './dress.ts';
import { renderFw4 } from './fw4-rendering.ts';

const folder = mkdtempSync(join(tmpdir(), 'zw-openwrt-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const found = emitted(`policy "checked" {}
zone a { level 4  networks 10.0.1.0/24 }
zone b { level 1  networks 10.0.2.0/24 }
flow f { from a  to b  allow tcp 502 }
gateway g {
  target openwrt
  interface eth0 { faces a  address 10.0.1.1/24 }
  interface eth1 { faces b  address 10.0.2.1/24 }
  manage none "console only"
}
`);
if (typeof found === 'string') throw new Error(found);
const { firewall, emission } = found;
const script = emission.files.find((file) => file.name === 'check-on-device.sh')?.text ?? '';
const before = "config defaults\n\toption input 'ACCEPT'\n";
const path = (name: string): string => join(folder, name);

function program(name: string, body: string): void {
  writeFileSync(path(name), `#!/bin/sh\n${body}\n`);
  chmodSync(path(name), 0o755);
}

interface World {
  /** What fw4 prints. */
  readonly out?: string;
  readonly complaint?: string;
  readonly changes?: string;
  readonly nft?: number;
  readonly noConfig?: true;
}

function run({ out = renderFw4(firewall.text).nft, complaint = '', changes = '', nft = 0, noConfig }: World): { status: number | null; said: string } {
  writeFileSync(path('out.nft'), out);
  writeFileSync(path('err.txt'), complaint);
  writeFileSync(path('firewall'), firewall.text);
  writeFileSync(path('check-on-device.sh'), script);
  rmSync(path('config'), { force: true });
  if (noConfig !== true) writeFileSync(path('config'), before);
  program(
    'fw4',
    `cmp -s "${path('config')}" "${path('firewall')}" || { echo 'not the new file' >&2; exit 1; }\ncat "${path('out.nft')}"; cat "${path('err.txt')}" >&2`,
  );
  program('uci', `printf '%s' '${changes}'`);
  program('nft', `exit ${nft}`);
  const { status, stdout, stderr } = spawnSync('sh', [path('check-on-device.sh')], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, CONFIG: path('config') },
  });
  return { status, said: `${stdout}${stderr}` };
}

describe('check-on-device.sh', () => {
  it('says good when fw4 complains of nothing and every rule is there', () => {
    const rules = firewall.text.match(/^config rule$/gmu)?.length ?? 0;
    expect(run({})).toEqual({ status: 0, said: `${rules} rules, 0 not loaded\ncheck-on-device: good: no complaint, and every rule is there\n` });
  });

  it.each<[string, World, number, RegExp]>([
    ['a complaint', { complaint: "[!] Section @rule[3] option 'x' is not supported by fw4\n" }, 1, /fw4 complains:\n\[!\] Section @rule\[3\]/u],
    ['a rule that is not there', { out: renderFw4(firewall.text).nft.replaceAll(/.*"!fw4: f a>b IPv4".*\n/gu, '') }, 1, /not loaded: f a>b IPv4\n/u],
    ['an empty ruleset', { out: '' }, 1, /not loaded: a>b default\n/u],
    ['what nft does not take', { nft: 1 }, 1, /nft does not take/u],
    ['changes that are not committed', { changes: 'firewall.cfg01.input=DROP' }, 2, /not committed/u],
  ])('says what is wrong: %s', (_, world, status, words) => {
    const result = run(world);
    expect(result.said).toMatch(words);
    expect(result.status).toBe(status);
    expect(result.said).not.toMatch(/good/u);
  });

  it('leaves the configuration as it was, also where there was none', () => {
    run({ complaint: 'x' });
    expect(readFileSync(path('config'), 'utf8')).toBe(before);
    expect(run({ noConfig: true }).status).toBe(0);
    expect(existsSync(path('config'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes('zw-back'))).toEqual([]);
  });
});
