// Real programs through the gateway: a client and a server with stacks of their own talk while the ruleset is loaded again and again,
// then while one comes that no longer allows them.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KernelGateway } from './gateway.ts';
import { startInStation } from './real.ts';
import { describeKernel } from './requirements.ts';

const server = fileURLToPath(new URL('./programs/echo-server.mjs', import.meta.url));
const client = fileURLToPath(new URL('./programs/echo-client.mjs', import.meta.url));

const allowing = (port: number): string => `
table inet zonewright
delete table inet zonewright
table inet zonewright {
  chain forward {
    type filter hook forward priority filter; policy drop;
    tcp dport ${port} accept
    tcp sport ${port} accept
  }
}
`;

describeKernel('real programs', () => {
  let gateway: KernelGateway;

  beforeAll(async () => {
    gateway = await KernelGateway.create({
      interfaces: [
        { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'], station: { addresses: ['10.0.1.5/24', '2001:db8:1::5/64'] } },
        { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], station: { addresses: ['10.0.2.7/24', '2001:db8:2::7/64'] } },
      ],
    });
  });
  afterAll(async () => gateway.dispose());

  it.each([
    ['IPv4', '10.0.2.7'],
    ['IPv6', '2001:db8:2::7'],
  ])('%s: talk through reloads, and fall silent when no longer allowed', async (_, address) => {
    await gateway.load(allowing(502));
    const serving = startInStation(gateway, 'eth1', [server, '502', address]);
    await serving.line(/^listening/);
    const talking = startInStation(gateway, 'eth0', [client, address, '502', '2']);
    await talking.line(/^answer 10$/);
    for (let round = 0; round < 20; round += 1) await gateway.load(allowing(502));
    const answered = Number((await talking.nextLine(/^answer/)).split(' ')[1]);
    await talking.line(new RegExp(`^answer ${answered + 10}$`));
    expect(talking.lines.filter((line) => line.startsWith('silent'))).toEqual([]);
    await gateway.load(allowing(503));
    await talking.nextLine(/^silent/);
    expect(await talking.stop('SIGKILL')).toBeNull();
    await serving.stop();
    expect(serving.lines.filter((line) => line.startsWith('connection'))).toHaveLength(1);
  });

  it('says so when a program ends before its line', async () => {
    const program = startInStation(gateway, 'eth0', ['-e', 'console.error("no such thing"); process.exit(3)']);
    await expect(program.line(/never/)).rejects.toThrow('no such thing');
    expect(await program.ended()).toBe(3);
  });
});
