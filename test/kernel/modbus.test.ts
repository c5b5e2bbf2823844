// A real Modbus client and server through the gateway. Takes the policies of a plant one after the other, gives what the two programs say
// meanwhile: they talk through reloads, fall silent when their flow is gone, and go on when it is back, all on one connection.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { plantText } from './bench.ts';
import { KernelGateway } from './gateway.ts';
import { startInStation } from './real.ts';
import { describeKernel } from './requirements.ts';

const server = fileURLToPath(new URL('programs/modbus-server.mjs', import.meta.url));
const client = fileURLToPath(new URL('programs/modbus-client.mjs', import.meta.url));
const poll = 'flow poll { from office  to press  allow modbus }';

describeKernel('modbus', () => {
  let gateway: KernelGateway;

  beforeAll(async () => {
    gateway = await KernelGateway.create({
      interfaces: [
        { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'], station: { addresses: ['10.0.1.5/24', '2001:db8:1::5/64'] } },
        { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], station: { addresses: ['10.0.2.7/24', '2001:db8:2::7/64'] } },
        { name: 'eth2', addresses: ['10.0.3.1/25'] },
        { name: 'eth3', addresses: ['10.0.4.1/25'] },
      ],
    });
  });
  afterAll(async () => gateway.dispose());

  async function enforce(flows: string): Promise<void> {
    await gateway.load(rulesetOf(compileText(plantText({ flows }))).text);
  }

  it.each([
    ['IPv4', '10.0.2.7'],
    ['IPv6', '2001:db8:2::7'],
  ])('%s: kept through reloads, cut, and kept again', async (_name, address) => {
    await enforce(poll);
    const serving = startInStation(gateway, 'eth1', [server, '502', address]);
    await serving.line(/^listening/);
    const talking = startInStation(gateway, 'eth0', [client, address, '502']);
    await talking.line(/^round 5$/);
    for (let round = 1; round <= 20; round += 1) await enforce(`${poll}\nflow round { from press  to office  allow tcp ${round} }`);
    const kept = talking.lines.length;
    await talking.nextLine(/^round/);
    expect(talking.lines.filter((line) => !/^(connected|round \d+)$/.test(line))).toEqual([]);
    expect(kept).toBeGreaterThan(25);

    await enforce('flow round { from press  to office  allow tcp 1 }');
    await talking.nextLine(/^silent/);
    const cut = talking.lines.length;
    await talking.nextLine(/^silent/);
    expect(talking.lines.slice(cut).filter((line) => line.startsWith('round'))).toEqual([]);

    await enforce(poll);
    await talking.nextLine(/^round/, 10_000);
    await talking.nextLine(/^round/);
    expect((await gateway.conntrack()).filter((line) => line.includes('ESTABLISHED') && line.includes('dport=502'))).toHaveLength(1);
    await talking.stop();
    await serving.stop();
  });

  it('what is written elsewhere than to port 502 is not Modbus', async () => {
    await enforce(poll);
    const serving = startInStation(gateway, 'eth1', [server, '503', '10.0.2.7']);
    await serving.line(/^listening/);
    const talking = startInStation(gateway, 'eth0', [client, '10.0.2.7', '503']);
    await expect(talking.line(/^connected/, 700)).rejects.toThrow('no line');
    await talking.stop('SIGKILL');
    await serving.stop();
  });
});
