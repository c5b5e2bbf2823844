/** `verify` on what `uci export firewall` prints: equal, what differs, what cannot be told, and whose it is. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { zonewright } from '../../cli/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'zw-openwrt-verify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

writeFileSync(
  at('plant.zone'),
  `policy "verified" {}
zone a { level 4  networks 10.0.1.0/24 }
zone b { level 1  networks 10.0.2.0/24 }
flow poll { from a  to b  allow tcp 502 }
gateway g {
  target openwrt
  interface eth0 { faces a  address 10.0.1.1/24 }
  interface eth1 { faces b  address 10.0.2.1/24 }
  manage none "console only"
}
`,
);
const compiled = zonewright(['compile', at('plant.zone'), '-o', at('out'), '--date', '2026-11-22']);
/** As `uci export` prints it: a package line, no comments. */
const exported = (): string => `package firewall\n\n${readFileSync(at('out/g/firewall'), 'utf8').replaceAll(/^#.*\n/gmu, '')}`;

function verified(text: string): { status: number | null; stdout: string; stderr: string } {
  writeFileSync(at('running'), text);
  return zonewright(['verify', at('plant.zone'), '--gateway', 'g', '--running', at('running'), '--date', '2026-11-22']);
}

describe('what an OpenWrt gateway was told', () => {
  it('is compiled, with what becomes of conversations', () => {
    expect(compiled.status).toBe(0);
    expect(compiled.stdout).toMatch(/check-on-device\.sh: \d+ bytes, checks the files beside it\n {2}its platform keeps conversations/u);
    const manifest = JSON.parse(readFileSync(at('out/manifest.json'), 'utf8')) as { gateways: Record<string, unknown> };
    expect(manifest.gateways['g']).toMatchObject({ conversations: 'kept', policyNumber: null });
  });

  it('equals the policy, differs from it, or cannot be told', () => {
    expect(verified(exported())).toMatchObject({ status: 0, stdout: expect.stringContaining('g runs what the policy says: equal') as string });
    const other = verified(exported().replace("list dest_port '502'", "list dest_port '503'"));
    expect(other.status).toBe(1);
    expect(other.stdout).toMatch(/a -> b : .*modbus.* is dropped, but must pass: flow `poll` allows it/u);
    expect(other.stdout).toMatch(/a -> b : tcp 503 passes, but must not: no flow allows it/u);
    const added = verified(`${exported()}\nconfig redirect\n\toption src 'a'\n\toption target 'DNAT'\n`);
    expect(added.status).toBe(1);
    expect(added.stdout).toMatch(/cannot be told[^]*not modelled, line \d+: a section of type redirect/u);
  });

  it('is not that of another gateway, and no other text', () => {
    expect(verified(exported().replaceAll("'zw g ", "'zw h ")).stderr).toMatch(/ZW6\d+.*`h`/u);
    expect(verified('nothing of the kind\n').stderr).toMatch(/ZW6\d+.*no UCI file of a firewall/u);
  });
});
