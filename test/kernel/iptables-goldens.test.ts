// Every golden of iptables is what the tools take: the sets, a test run, and the rules, on a box where nothing else is, by both back ends.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeKernel } from './requirements.ts';

const golden = fileURLToPath(new URL('../targets/iptables/golden', import.meta.url));
const stems = readdirSync(golden)
  .filter((name) => name.endsWith('.iptables.rules'))
  .map((name) => name.replace('.iptables.rules', ''));

describeKernel('goldens of iptables', () => {
  it('are more than a few', () => {
    expect(stems.length).toBeGreaterThan(20);
  });

  it.each(stems.flatMap((stem) => (['legacy', 'nft'] as const).map((kind) => [stem, kind] as const)))('%s loads by iptables-%s', (stem, kind) => {
    const script = [
      'set -eu',
      ...(existsSync(join(golden, `${stem}.ipset.rules`)) ? ['ipset -exist restore <"$0.ipset.rules"'] : []),
      ...['iptables', 'ip6tables'].flatMap((tool) => [
        `${tool}-${kind}-restore --noflush --test <"$0.${tool}.rules"`,
        `${tool}-${kind}-restore --noflush <"$0.${tool}.rules"`,
        `${tool}-${kind} -S FORWARD | grep -q -e '-A FORWARD -j zw.forward'`,
      ]),
    ].join('\n');
    const { status, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script, join(golden, stem)], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
