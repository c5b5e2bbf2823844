/** What VyOS cannot be told: exit status 3, a code, a place, a way out, and nothing written. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { zonewright } from '../../cli/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'zw-vyos-refused-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plant(flow: string, options = '', first = 'eth0'): string {
  return `policy "refused" {}
zone a { level 4  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
flow f { from a  to b  ${flow} }
gateway g {
  target vyos ${options}
  interface "${first}" { faces a  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces b  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage none "console only"
}
`;
}

describe('what is refused', () => {
  it.each<[string, string, number, RegExp]>([
    ['a rate', plant('allow tcp 502  rate 5/second'), 3, /ZW5003.*cannot express a limited rate[^]*plant\.zone:4:[^]*help: leave `rate` out/u],
    ['an interface that nft takes for a word of its own', plant('allow tcp 502', '', 'drop'), 3, /ZW5003.*an interface called `drop`[^]*help: .*eth0/u],
    ['an interface of other letters', plant('allow tcp 502', '', '0up'), 3, /ZW5003.*an interface called `0up`[^]*help: .*eth0/u],
    ['inspection', plant('allow modbus read'), 3, /ZW5001[^]*plant\.zone:4:/u],
    ['a deny of functions', plant('deny modbus write'), 3, /ZW5002[^]*plant\.zone:4:/u],
    ['a release that there is not', plant('allow tcp 502', '{ version 1.3 }'), 2, /ZW2039.*[^]*1\.4, 1\.5/u],
    ['an option that there is not', plant('allow tcp 502', '{ verison 1.4 }'), 2, /ZW2038[^]*did you mean `version`/u],
  ])('%s', (_, text, status, words) => {
    const file = join(folder, 'plant.zone');
    writeFileSync(file, text);
    const result = zonewright(['compile', file, '-o', join(folder, 'out'), '--date', '2026-11-22']);
    expect(result.stderr).toMatch(words);
    expect(result.status).toBe(status);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});
