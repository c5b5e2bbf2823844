/** What OpenWrt cannot be told: exit status 3, a code, a place, a way out, and nothing written. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { zonewright } from '../../cli/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'zw-openwrt-refused-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plant(flow: string, gateway: { readonly options?: string; readonly first?: string; readonly faces?: string } = {}): string {
  return `policy "refused" {}
zone a { level 4  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
${gateway.faces === undefined ? '' : Array.from({ length: 10 }, (_, index) => `zone z${index} { level 1  networks 10.1.${index}.0/24, 2001:db8:1${index}::/64 }`).join('\n')}
flow f { from a  to b  ${flow} }
gateway g {
  target openwrt ${gateway.options ?? ''}
  interface ${gateway.first ?? 'eth0'} { faces a  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces b  address 10.0.2.1/24, 2001:db8:2::1/64 }
${gateway.faces ?? ''}
  manage none "console only"
}
`;
}

const many = Array.from({ length: 10 }, (_, index) => `  interface p${index} { faces z${index}  address 10.1.${index}.1/24, 2001:db8:1${index}::1/64 }`).join(
  '\n',
);

describe('what is refused', () => {
  it.each<[string, string, number, RegExp]>([
    ['a rate', plant('allow tcp 502  rate 5/second'), 3, /ZW5003.*cannot express a limited rate[^]*plant\.zone:[^]*help: leave `rate` out/u],
    [
      'a device that nft takes for a word of its own',
      plant('allow tcp 502', { first: 'add' }),
      3,
      /ZW5003.*a device named `add`[^]*help: give the device another name/u,
    ],
    [
      'the log of a flow on fw3',
      plant('allow tcp 502  log', { options: '{ dialect fw3 }' }),
      3,
      /ZW5003.*the log of `f` on dialect fw3\n[^]*:\d+:\d+[^]*help: leave it out/u,
    ],
    [
      'the other ICMP on fw3',
      plant('allow ip protocol 58', { options: '{ dialect fw3 }' }),
      3,
      /ZW5003.*IP protocol 58 over IPv4 on dialect fw3[^]*help: name the protocols/u,
    ],
    [
      'the protocol 0 on fw3, which would be any',
      plant('allow ip protocol 0', { options: '{ dialect fw3 }' }),
      3,
      /ZW5003.*IP protocol 0 over IPv4 on dialect fw3[^]*:\d+:\d+[^]*help: name the protocols/u,
    ],
    [
      'a service that leaves out the protocol 0 on fw3',
      plant('allow any except ip protocol 0', { options: '{ dialect fw3 }' }),
      3,
      /ZW5003.*IP protocol 0 over IPv4 on dialect fw3/u,
    ],
    [
      'more rules than a small gateway loads',
      plant('allow tcp 502', { faces: many }).replace('from a  to b', 'from any  to any').replace('allow tcp 502', 'deny any except tcp 445'),
      3,
      /ZW5003.*a policy of \d{5,} rules of its own[^]*help: 20000 are/u,
    ],
    ['inspection', plant('allow modbus read'), 3, /ZW5001/u],
    ['a dialect that there is not', plant('allow tcp 502', { options: '{ dialect fw5 }' }), 2, /ZW2039/u],
    ['an option that there is not', plant('allow tcp 502', { options: '{ zone-log 1 }' }), 2, /ZW2038/u],
  ])('%s', (_, text, status, words) => {
    const file = join(folder, 'plant.zone');
    writeFileSync(file, text);
    const result = zonewright(['compile', file, '-o', join(folder, 'out'), '--date', '2026-11-22']);
    expect(result.stderr).toMatch(words);
    expect(result.status).toBe(status);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});
