// Logs, counters and rates of iptables by hand: they decide nothing but what a rate decides. A LOG in a namespace is silent, so it is
// rewritten to a group of nflog, which shows the same prefix.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileText, type Ruleset, rulesetOf } from '../generators/compile.ts';
import { fromLog } from '../../src/cli/log-line.ts';
import { iptablesBackends } from './backends.ts';
import { ipv4, ipv6, passed, plantText, withPort } from './bench.ts';
import { named, type Part, udpAnswer, udpAsk } from './conversations.ts';
import { KernelGateway, type Observation } from './gateway.ts';
import { describeKernel } from './requirements.ts';

const logGroup = 7;
const flows = `
conduit line office -> press {
  log denied
  flow polled { from office  to press  allow udp 502  log  count }
  flow slow   { from office  to press  allow udp 600  rate 1/hour burst 2  log  count }
  flow never  { from office  to press  deny udp 700  log  count }
}
flow all { from office  to press  allow udp 700 }
flow twice { from office  to any  allow udp 600  rate 1/hour burst 1  count }
`;

for (const backend of iptablesBackends) {
  describeKernel(`effects on ${backend.name}`, () => {
    const kind = backend.name.startsWith('iptables-legacy') ? 'legacy' : 'nft';
    let gateway: KernelGateway;
    let ruleset: Ruleset;
    beforeAll(async () => {
      gateway = await KernelGateway.create({
        interfaces: [
          { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'] },
          { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'] },
          { name: 'eth2', addresses: ['10.0.3.1/25'] },
          { name: 'eth3', addresses: ['10.0.4.1/25'] },
        ],
        logGroups: [logGroup],
      });
      ruleset = rulesetOf(compileText(backend.dress(plantText({ flows }))));
      const files = ruleset.files.map(({ name, text }) => ({
        name,
        text: text.replaceAll('-j LOG --log-prefix', `-j NFLOG --nflog-group ${logGroup} --nflog-prefix`),
      }));
      await backend.load(gateway, { ...ruleset, files });
    });
    afterAll(async () => gateway.dispose());

    const send = async (...parts: readonly Part[]): Promise<readonly Observation[]> => [
      ...(await gateway.sendSteps(named(parts).map((probe) => [probe]))).values(),
    ];
    const logs = (seen: readonly Observation[]): string[] => seen.flatMap((one) => one.logs.map(({ prefix }) => prefix.trim()));
    const counted = async (tool: 'iptables' | 'ip6tables', flow: string): Promise<number> => {
      const { stdout } = await gateway.run(`${tool}-${kind}`, ['-nvxL', `zw.flow.${flow}`]);
      return Number(/^\s*(\d+)/mu.exec(stdout.split('\n').slice(2).join('\n'))?.[1]);
    };

    it('logs and counts a conversation once, and says who denied it', async () => {
      const ends = withPort(ipv4.ends, 4001);
      const allowed = await send(udpAsk(ends), udpAnswer(ends), udpAsk(ends));
      expect(allowed.map(passed)).toEqual([true, true, true]);
      expect(logs(allowed)).toEqual([expect.stringMatching(/^zw gw offi\S+ line\/\S+:$|^zw gw offi\S+ polled:$/u)]);
      expect(await counted('iptables', 'polled')).toBe(1);
      const denied = await send(udpAsk(withPort(ipv4.ends, 4002, 700)), udpAsk(withPort(ipv4.ends, 4002, 700)), udpAsk(withPort(ipv4.ends, 4003, 9)));
      expect(denied.map(passed)).toEqual([false, false, false]);
      const [first, second, third] = denied.map((one) => logs([one]));
      expect([first?.length, second?.length, third?.length]).toEqual([2, 2, 1]);
      expect(third?.[0]).toBe('zw gw line default:');
    });

    it('lets as many conversations start as the flow with most tokens has, counted for each family', async () => {
      for (const family of [ipv4, ipv6]) {
        const seen = await send(...[1, 2, 3, 4, 5].map((index) => udpAsk(withPort(family.ends, 5000 + index, 600))));
        // Two of `slow`, one of `twice`.
        expect(seen.map(passed)).toEqual([true, true, true, false, false]);
      }
    });

    it('writes prefixes that a trace reads', () => {
      const prefixes = [...ruleset.text.matchAll(/--log-prefix "([^"]*)"/gu)].map(([, prefix = '']) => prefix);
      expect(prefixes.length).toBeGreaterThan(10);
      for (const prefix of new Set(prefixes)) {
        const line = `${prefix}IN=eth0 OUT=eth1 SRC=10.0.1.5 DST=10.0.2.7 PROTO=UDP SPT=4000 DPT=9`;
        expect(fromLog(ruleset.house.model, line)).toMatchObject({ gateway: 'gw', badState: prefix.includes('state: ') });
      }
    });
  });
}
