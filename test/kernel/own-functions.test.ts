// Functions in a gateway's own lines, judged by the kernel: a server on the gateway that clients may read from, and a client on it that may read.
// Takes programs with ordinary stacks and raw datagrams, gives what arrived. The idea: what should pass is written from the Modbus specification.

import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { type LookingPlace, lookingPlaces } from './backends.ts';
import { Bench, families, plantText, stations, withPort } from './bench.ts';
import { udpAnswer, udpAsk } from './conversations.ts';
import { KernelGateway } from './gateway.ts';
import { startInStation, StationProgram } from './real.ts';
import { describeKernel } from './requirements.ts';

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

const read = '000100000006010300000001';
const otherRead = '000200000006010400100002';
const write = '000100000006010600010003';
/** What a client writes, one segment after the other, and what of it the server gets. */
const conversations: readonly (readonly [segments: readonly string[], delivered: string])[] = [
  [[read, otherRead, read], read + otherRead + read],
  [[write], ''],
  [[read, write], read],
  [[write.slice(0, 14), write.slice(14)], ''],
  [[read + write], ''],
  [[read, '474554202f'], read],
];

/** The first client's port. */
const first = 20_000;
const traffic = 'manage from office allow modbus read, modbus read on udp 502\n  send to press allow modbus read, modbus read on udp 502';

for (const place of lookingPlaces) describeKernel(`a gateway's own lines, ${place.backend.name}`, () => ownOn(place));

function ownOn({ backend, families: names, share }: LookingPlace): void {
  describe('programs', () => {
    let gateway: KernelGateway;
    beforeAll(async () => {
      gateway = await KernelGateway.create({ interfaces: stations });
      await backend.load(gateway, rulesetOf(compileText(backend.dress(plantText({ traffic })))));
    });
    afterAll(async () => gateway.dispose());

    const inGateway = (args: readonly string[]): StationProgram => new StationProgram(gateway.topology.gateway, args);
    const six = names.includes('IPv4') ? '' : 'six';

    const ways = [
      ['told', six === '' ? '10.0.1.1' : '2001:db8:1::1'],
      ['asks', six === '' ? '10.0.2.7' : '2001:db8:2::7'],
    ] as const;

    it('what the gateway is told, and what it asks', { timeout: 20_000 }, async () => {
      const running = await Promise.all(
        ways.map(async ([way, address]) => {
          const server = [program('stream-server.mjs'), '502', address];
          const client = [program('segment-client.mjs'), address, '502'];
          const serving = way === 'told' ? inGateway(server) : startInStation(gateway, 'eth1', server);
          await serving.line(/^listening/);
          const talking = way === 'told' ? startInStation(gateway, 'eth0', client) : inGateway(client);
          for (const index of conversations.keys()) talking.say(`open ${first + index}`);
          await Promise.all([...conversations.keys()].map((index) => talking.line(new RegExp(`^opened ${first + index}$`))));
          return { way, serving, talking };
        }),
      );
      for (let round = 0; round < 3; round += 1) {
        for (const [index, [segments]] of conversations.entries())
          for (const { talking } of running) if (segments[round] !== undefined) talking.say(`write ${first + index} ${segments[round] ?? ''}`);
        await wait(60);
      }
      // Two retransmissions: after 200 and 400 ms.
      await wait(700);
      const got = running.map(({ way, serving, talking }) => [
        way,
        // The server's answers, which are no messages at all, arrive.
        talking.lines.includes(`answered ${first} 30`),
        ...conversations.map((_, index) => serving.lines.findLast((line) => line.startsWith(`got ${first + index} `))?.split(' ')[2] ?? ''),
      ]);
      await Promise.all(running.flatMap(({ serving, talking }) => [talking.stop('SIGKILL'), serving.stop('SIGKILL')]));
      expect(got).toEqual(ways.map(([way]) => [way, true, ...conversations.map(([, delivered]) => delivered)]));
    });
  });

  // In a short run on nftables alone.
  if (share === 'some') return;
  describe.each(families.filter(([name]) => names.includes(name)))('datagrams, %s', (_name, { ends: all, own }) => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await Bench.create({}, backend);
      await bench.enforce({ traffic });
    });
    afterAll(async () => bench.dispose());

    it.each(['to', 'from'] as const)('%s the gateway', async (way) => {
      const ends = withPort(all, 4000);
      const self =
        way === 'to'
          ? { ...ends, server: { address: own.eth0, port: 502, behind: 'local' } }
          : { ...ends, client: { address: own.eth1, port: 4000, behind: 'local' } };
      expect(await bench.passes(...[write, read + read, read, write, `${read}00`].map((hex) => udpAsk(self, bytes(hex))))).toEqual([
        false,
        false,
        true,
        false,
        false,
      ]);
      // Once answered, the conversation is judged, and what is asked in it still looked into.
      expect(await bench.passes(udpAnswer(self, bytes(write)), udpAsk(self, bytes(write)), udpAsk(self, bytes(otherRead)), udpAsk(self))).toEqual([
        true,
        false,
        true,
        true,
      ]);
    });
  });
}
