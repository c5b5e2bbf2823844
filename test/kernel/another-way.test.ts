// Two interfaces face one zone, so the gateway's answer may leave by another interface than the question came in by. A named find of the
// differential tests: after a reload that still allows the conversation, such an answer was lost until the client spoke again.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { type Ends, named, udpAnswer, udpAsk } from './conversations.ts';
import { KernelGateway } from './gateway.ts';
import { describeKernel } from './requirements.ts';

const plant = (more = ''): string => `policy "two ways" {}
zone office { level 4  networks 10.0.0.0/16 }
zone other  { level 3  networks 10.9.0.0/16 }
${more}
gateway gw {
  target nftables
  interface eth0 { faces office  address 10.0.1.1/24 }
  interface eth1 { faces office  address 10.0.2.1/24 }
  interface eth2 { faces other   address 10.9.0.1/16 }
  receive from office allow udp 514
}
`;

describeKernel('an answer by another way', () => {
  let gateway: KernelGateway;
  beforeAll(async () => {
    gateway = await KernelGateway.create({
      interfaces: [
        { name: 'eth0', addresses: ['10.0.1.1/24'], routes: ['10.0.0.0/16'] },
        { name: 'eth1', addresses: ['10.0.2.1/24'] },
        { name: 'eth2', addresses: ['10.9.0.1/16'] },
      ],
    });
  });
  afterAll(async () => gateway.dispose());

  it('is lost neither before nor after a reload, and is cut when its line goes', async () => {
    const ends: Ends = { client: { address: '10.0.50.5', port: 999, behind: 'eth1' }, server: { address: '10.0.2.1', port: 514, behind: 'local' } };
    const fates = async (...parts: Parameters<typeof named>[0]): Promise<(string | undefined)[]> => {
      const seen = await gateway.sendSteps(named(parts).map((probe) => [probe]));
      return [...seen.values()].map(
        ({ reached, accepted, out }) => `${reached} ${accepted ? 'passes' : 'dies'}${out === undefined || out === '' ? '' : ` by ${out}`}`,
      );
    };
    const load = async (text: string): Promise<void> => gateway.load(rulesetOf(compileText(text)).text);
    await load(plant());
    expect(await fates(udpAsk(ends), udpAnswer(ends))).toEqual(['input passes', 'output passes by eth0']);
    await load(plant('flow f { from other  to office  allow tcp 1 }'));
    expect(await fates(udpAnswer(ends), udpAsk(ends))).toEqual(['output passes by eth0', 'input passes']);
    await load(plant().replace('receive from office allow udp 514', 'manage none "x"'));
    expect(await fates(udpAnswer(ends), udpAsk(ends))).toEqual(['output dies by eth0', 'input dies']);
  });
});
