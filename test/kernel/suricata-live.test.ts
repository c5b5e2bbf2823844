// Suricata in the queue of a gateway, with both back ends of iptables. Takes the files that a gateway got, gives what reaches servers when real
// programs talk through it.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeUnless } from '../described.ts';
import { startInStation } from './real.ts';
import { missingRequirement } from './requirements.ts';
import { http, message, otherRead, plant, program, read, readOnly, write } from './suricata-plant.ts';
import { Queue, streamFrom } from './suricata-queue.ts';
import { missingSuricata } from './suricata.ts';

describe.each(['legacy', 'nf_tables'])('%s', (backend) =>
  describeUnless(missingRequirement() ?? missingSuricata(), 'suricata in the queue of a gateway', () => {
    let queue: Queue;

    beforeAll(async () => {
      queue = await Queue.create(plant(`${readOnly}\nflow other { from office to press allow tcp 7 }`, '', `backend ${backend}`).files);
    });
    afterAll(async () => queue.dispose());

    /** What clients write, segment by segment, and what the server may get; their stacks say again what is held back. */
    const live: readonly (readonly [name: string, segments: readonly string[], delivered: string])[] = [
      ['a read', [read], read],
      ['a first read in 6 and 6', [read.slice(0, 12), read.slice(12)], read],
      ['a write', [write], ''],
      ['a write behind a read', [read + write], ''],
      ['HTTP', [http], ''],
      ['UMAS', [message('5a 0001')], ''],
      ...Array.from({ length: 11 }, (_, index): readonly [string, readonly string[], string] => [
        `a write in ${index + 1} and ${11 - index}`,
        [write.slice(0, 2 * (index + 1)), write.slice(2 * (index + 1))],
        '',
      ]),
    ];

    it.each([
      ['IPv4', '10.0.2.7'],
      ['IPv6', '2001:db8:2::7'],
    ])('%s: a server gets the reads and nothing else', { timeout: 30_000 }, async (_, address) => {
      const serving = await queue.serve(address, '502');
      const talking = queue.talk(address, '502');
      const first = 20_000;
      for (const index of live.keys()) talking.say(`open ${first + index}`);
      await Promise.all([...live.keys()].map(async (index) => talking.line(new RegExp(`^opened ${first + index}$`))));
      for (const round of [0, 1]) {
        for (const [index, [, segments]] of live.entries()) if (segments[round] !== undefined) talking.say(`write ${first + index} ${segments[round] ?? ''}`);
        await wait(40);
      }
      await wait(1700);
      expect(live.map(([name], index) => [name, streamFrom(serving, first + index)])).toEqual(live.map(([name, , delivered]) => [name, delivered]));
      await talking.stop('SIGKILL');
      await serving.stop();
    });

    it('a real server of Modbus answers reads, and gets no write', async () => {
      const serving = startInStation(queue.gateway, 'eth1', [program('modbus-server.mjs'), '502', '10.0.2.7']);
      await serving.line(/^listening/);
      const talking = queue.talk('10.0.2.7', '502');
      talking.say('open 24000');
      await talking.line(/^opened 24000$/);
      for (let round = 1; round <= 20; round += 1) {
        talking.say(`write 24000 ${message('03 0000 0001', round.toString(16).padStart(4, '0'))}`);
        await talking.line(new RegExp(`^answered 24000 ${round * 11}$`));
      }
      talking.say(`write 24000 ${write}`);
      await wait(500);
      expect(talking.lines.findLast((line) => line.startsWith('answered'))).toBe('answered 24000 220');
      expect(queue.engine.messages().some((line) => /^zw gw: function 6 \(poll plant\.zone:\d+\)$/u.test(line))).toBe(true);
      await talking.stop('SIGKILL');
      await serving.stop();
    });

    it('a byte that a socket marks as urgent does not make a write of a read', async () => {
      const serving = await queue.serve('10.0.2.7', '502');
      const talker = startInStation(queue.gateway, 'eth0', [program('urgent-client.pl'), '10.0.2.7', '502', message('03 06 00 01 ff'), otherRead], {
        command: 'perl',
      });
      const opened = await talker.line(/^opened /u);
      await talker.line(/^written/u);
      await wait(700);
      await talker.stop('SIGKILL');
      expect(streamFrom(serving, Number(opened.split(' ')[1]))).not.toContain(message('06 00 01 ff 00'));
      await serving.stop();
    });

    it('without Suricata nothing that it looks into passes, all else does; with it new conversations do', { timeout: 60_000 }, async () => {
      const serving = await queue.serve('10.0.2.7', '502');
      const echoing = await queue.serve('10.0.2.7', '7');
      const talking = queue.talk('10.0.2.7', '502');
      const other = queue.talk('10.0.2.7', '7');
      talking.say('open 25000');
      await talking.line(/^opened 25000$/);
      talking.say(`write 25000 ${read}`);
      await talking.line(/^answered 25000 30$/);

      await queue.stop();
      talking.say(`write 25000 ${otherRead}`);
      talking.say('open 25001');
      other.say('open 25002');
      await other.line(/^opened 25002$/);
      other.say(`write 25002 ${http}`);
      await other.line(/^answered 25002 30$/);
      await wait(1500);
      expect(streamFrom(serving, 25_000)).toBe(read);
      expect(talking.lines).not.toContain('opened 25001');

      await queue.restart();
      talking.say('open 25003');
      await talking.line(/^opened 25003$/, 10_000);
      talking.say(`write 25003 ${read}`);
      await talking.line(/^answered 25003 30$/);
      // Whose start the new one has not seen.
      await wait(2000);
      expect(streamFrom(serving, 25_000)).toBe(read);
      await talking.stop('SIGKILL');
      await other.stop('SIGKILL');
      await serving.stop();
      await echoing.stop();
    });
  }),
);
