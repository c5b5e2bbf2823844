// Datagrams that a card or a virtual link joins. Takes a flow that names functions of a protocol over UDP, gives what a server gets of datagrams that
// come to the filter as one packet: the first is looked at, and what follows passes with it, a limit that the READMEs name. The idea: it is shown beside
// the way out that they give, offloads switched off, so that who reads one can rely on the other.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { type LookingPlace, lookingPlaces } from './backends.ts';
import { plantText } from './bench.ts';
import { KernelGateway } from './gateway.ts';
import { startInStation } from './real.ts';
import { describeKernel } from './requirements.ts';
import { runIn } from './run.ts';
import { message, program } from './suricata-plant.ts';

/** Twelve bytes each. */
const read = message('03 0000 0001');
const write = message('06 0001 00ff', '0002');
const last = message('04 0010 0002', '0003');
/** A read of three file records, by its length and all else of it; twelve bytes of it, that begin with the reference of a record, are a write. */
const hiding = message(`14 15 06 00 01 ${write} 06 00 01 00 01 00`, '0004');
/** FINS has no length: the datagram's end is the message's. Memory areas read, and written. */
const fins = (code: string): string => `800002000100000a0001${code}820000000001`;
const names: Readonly<Record<string, string>> = {
  [read]: 'read',
  [write]: 'write',
  [last]: 'last read',
  [fins('0101')]: 'read',
  [fins('0102')]: 'write',
  [fins('0104')]: 'last read',
};

for (const place of lookingPlaces) describeKernel(`joined datagrams, ${place.backend.name}`, () => datagramsOn(place));

function datagramsOn({ backend, share }: LookingPlace): void {
  let gateway: KernelGateway;

  beforeAll(async () => {
    gateway = await KernelGateway.create({
      interfaces: [
        { name: 'eth0', addresses: ['10.0.1.1/24'], station: { addresses: ['10.0.1.5/24'] } },
        { name: 'eth1', addresses: ['10.0.2.1/24'], station: { addresses: ['10.0.2.7/24'] } },
        { name: 'eth2', addresses: ['10.0.3.1/25'] },
        { name: 'eth3', addresses: ['10.0.4.1/25'] },
      ],
    });
    await backend.load(
      gateway,
      rulesetOf(compileText(backend.dress(plantText({ flows: 'flow poll { from office to press allow modbus read on udp 502, fins read }' })))),
    );
  });
  afterAll(async () => gateway.dispose());

  async function offload(where: 'client' | 'gateway', feature: string, wish: 'on' | 'off'): Promise<void> {
    const { far } = gateway.link('eth0');
    const [namespace, name] = where === 'client' ? [far.namespace, far.name] : [gateway.topology.gateway, 'eth0'];
    const { stdout } = await runIn(namespace, 'perl', [program('offload.pl'), name, feature, wish]);
    expect(stdout).toBe(`${feature} ${wish}\n`);
  }

  /** What the server gets of datagrams that the client's program writes in one call, and of a read in another. */
  async function reaching(port: '502' | '9600', size: number, bytes: string, end: string): Promise<readonly string[]> {
    const serving = startInStation(gateway, 'eth1', [program('datagram-server.pl'), '10.0.2.7', port], { command: 'perl' });
    await serving.line(/^listening$/u);
    const writing = startInStation(gateway, 'eth0', [program('joined-client.pl'), '10.0.2.7', port, String(size), bytes, end], { command: 'perl' });
    await writing.line(/^written$/u);
    // What was to come came before the last one.
    await serving.line(new RegExp(`^got ${end}$`, 'u'));
    await writing.stop('SIGKILL');
    await serving.stop('SIGKILL');
    return serving.lines.flatMap((line) => (line.startsWith('got ') ? [names[line.slice(4)] ?? 'a part'] : []));
  }

  it('are one packet to the filter, and apart where offloads are off', async () => {
    // What fits as one message passes, whatever it is cut into; requests that do not are denied together.
    const joined = { hiding: ['a part', 'write', 'a part', 'last read'], requests: ['last read'], fins: ['read', 'write', 'last read'] };
    const apart = { hiding: ['last read'], requests: ['read', 'read', 'last read'], fins: ['read', 'last read'] };
    const all = async (): Promise<Readonly<Record<keyof typeof joined, readonly string[]>>> => ({
      hiding: await reaching('502', 12, hiding, last),
      requests: await reaching('502', 12, read + write + read, last),
      fins: await reaching('9600', 18, fins('0101') + fins('0102'), fins('0104')),
    });
    await offload('client', 'tx-udp-segmentation', 'on');
    expect(await all()).toEqual(joined);
    await offload('client', 'tx-udp-segmentation', 'off');
    expect(await all()).toEqual(apart);
    if (share === 'some') return;
    // They come one by one, and the gateway's own interface joins them.
    await offload('gateway', 'rx-gro', 'on');
    for (const feature of ['rx-udp-gro-forwarding', 'rx-gro-list']) {
      await offload('gateway', feature, 'on');
      expect(await all(), feature).toEqual(joined);
      await offload('gateway', feature, 'off');
      expect(await all(), `without ${feature}`).toEqual(apart);
    }
  });
}
