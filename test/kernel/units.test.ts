// Units and addresses of Modbus, judged by the kernel. Takes flows that name some, gives what came through of requests of every function to units and
// data at and beside every border, on nftables and by programs of BPF on both back ends of iptables. The idea: whether a request may pass is said twice,
// by arithmetic on its bytes (`unit-requests.ts`) and by `evaluate`, and all three have to agree.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionsNamed } from '../../src/catalogue/functions.ts';
import { functionTable } from '../../src/model/functions.ts';
import { parseAddress } from '../../src/net/address.ts';
import type { MessageDetails } from '../../src/packets/function-set.ts';
import { otherFunction } from '../../src/packets/functions.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Ruleset } from '../generators/compile.ts';
import { type LookingPlace, lookingPlaces } from './backends.ts';
import { Bench, families, passed } from './bench.ts';
import { type Ends, type Part, TcpConversation, udpAsk } from './conversations.ts';
import { describeKernel } from './requirements.ts';
import { cases, encoded, isRecognised, nameOf, type Sample, samples, touched } from './unit-requests.ts';

const everything = process.env['ZW_MESSAGE_BACKENDS'] === 'all';

for (const place of lookingPlaces) describeKernel(`units and addresses, ${place.backend.name}`, () => requestsOn(place));

function requestsOn({ backend, families: names, share }: LookingPlace): void {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create({}, backend);
  });
  afterAll(async () => bench.dispose());

  const numbers = new Map(
    functionsNamed('modbus')
      .flatMap((one) => one.codes.map((code) => [code.number, functionTable.number(one)] as const))
      .toReversed(),
  );

  function specified({ house }: Ruleset, ends: Ends, protocol: number, sample: Sample): boolean {
    const [source, destination] = [parseAddress(ends.client.address), parseAddress(ends.server.address)];
    if (source === undefined || destination === undefined) throw new Error('no addresses');
    const [firstAddress, lastAddress] = touched(sample) ?? [sample.start, 65_536];
    const details: MessageDetails = { unit: sample.unit, firstAddress, lastAddress };
    const functionNumber = isRecognised(sample) ? (numbers.get(sample.code) ?? -1) : otherFunction;
    const place = { hook: 'forward', inInterface: 'eth0', outInterface: 'eth1', source, destination, protocol, sourcePort: 4000, value: 502 } as const;
    const state = { hopLimit: 64, state: 'established', direction: 'original', markCurrent: true, local: false } as const;
    return evaluate(house, { ...place, ...state, functionNumber, details }).accepted;
  }

  describe.each(families.filter(([name]) => names.includes(name)))('%s', (family, { ends }) => {
    it.each(Object.entries(cases))('%s', { timeout: 30_000 }, async (_what, one) => {
      await bench.gateway.flushConntrack();
      const ruleset = await bench.enforce({ flows: one.flows });
      expect(await bench.passes(...new TcpConversation(ends).handshake())).toEqual([true, true, true]);
      const all = samples(one);
      const segment = (payload: Uint8Array): Part => ({
        entry: { kind: 'wire', interface: ends.client.behind },
        packet: {
          source: ends.client.address,
          destination: ends.server.address,
          transport: {
            kind: 'tcp',
            sourcePort: ends.client.port,
            destinationPort: ends.server.port,
            flags: 'PA',
            sequence: 1001,
            acknowledgement: 9001,
            payload,
          },
        },
      });
      const wrong: string[] = [];
      const counts = { passes: 0, blocked: 0 };
      for (const [protocol, part] of [
        [6, segment],
        [17, (payload: Uint8Array): Part => udpAsk(ends, payload)],
      ] as const) {
        // Over UDP and IPv6 an even share: the same questions about the same bytes, behind other headers.
        const step = everything ? 1 : (protocol === 6 ? 1 : 5) * (share === 'some' ? 7 : family === 'IPv6' ? 3 : 1);
        const some = all.filter((_, at) => at % step === 0);
        const seen = await bench.gateway.send(some.map((sample, id) => ({ ...part(encoded(sample)), id })));
        bench.gateway.takeStrays();
        for (const [id, sample] of some.entries()) {
          const observation = seen.get(id);
          const through = observation !== undefined && passed(observation);
          const right = isRecognised(sample) && one.right(sample, touched(sample));
          counts[through ? 'passes' : 'blocked'] += 1;
          const words = `${protocol === 6 ? 'TCP' : 'UDP'}, ${nameOf(sample)}`;
          if (through !== right) wrong.push(`${words}: ${through ? 'passes' : 'blocked'}`);
          if (specified(ruleset, ends, protocol, sample) !== right) wrong.push(`${words}: evaluate says ${right ? 'blocked' : 'passes'}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(counts.passes).toBeGreaterThan(share === 'some' ? 20 : 50);
      expect(counts.blocked).toBeGreaterThan(share === 'some' ? 20 : 50);
    });
  });
}
