// Messages of other protocols than Modbus, judged by the kernel. Takes flows that name functions, gives what came through of messages that are built
// here by hand from the protocols' own descriptions: whole, cut, joined, with other bytes in every place that a layout holds. The captures beside
// the project, where they are, go through whole sessions.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { carriedIn } from '../catalogue/captures.ts';
import { type LookingPlace, lookingPlaces } from './backends.ts';
import { Bench, families, passed } from './bench.ts';
import { type Ends, type Part, TcpConversation, udpAsk } from './conversations.ts';
import { type Case, cases, messagesOf, type Transport } from './protocol-messages.ts';
import { describeKernel } from './requirements.ts';

for (const place of lookingPlaces) describeKernel(`messages of many protocols, ${place.backend.name}`, () => messagesOn(place));

/** In a short run one case of four, with every seventh cut. */
function messagesOn({ backend, families: names, share }: LookingPlace): void {
  let bench: Bench;
  const here = families.filter(([name]) => names.includes(name));
  const few = share === 'some';
  const turn = few ? (names.includes('IPv4') ? 0 : 1) : undefined;

  beforeAll(async () => {
    bench = await Bench.create({}, backend);
  });
  afterAll(async () => bench.dispose());

  /** A message in the open conversation, always at the same place. */
  function said(ends: Ends, transport: Transport, payload: Uint8Array): Part {
    if (transport === 'udp') return udpAsk(ends, payload);
    const { client, server } = ends;
    return {
      entry: { kind: 'wire', interface: client.behind },
      packet: {
        source: client.address,
        destination: server.address,
        transport: { kind: 'tcp', sourcePort: client.port, destinationPort: server.port, flags: 'PA', sequence: 1001, acknowledgement: 9001, payload },
      },
    };
  }

  async function through(parts: readonly Part[]): Promise<readonly boolean[]> {
    const seen = await bench.gateway.send(parts.map((part, id) => ({ ...part, id })));
    bench.gateway.takeStrays();
    return parts.map((_, id) => {
      const observation = seen.get(id);
      return observation !== undefined && passed(observation);
    });
  }

  function endsOf(ends: Ends, port: number): Ends {
    return { client: { ...ends.client, port: 4000 }, server: { ...ends.server, port } };
  }

  async function open(ends: Ends, { service, transport }: Pick<Case, 'service' | 'transport'>): Promise<void> {
    await bench.gateway.flushConntrack();
    await bench.enforce({
      flows: `flow f { from office to press allow ${service.replace(/ requests \w+$/u, '')} ${/ requests \w+$/u.exec(service)?.[0] ?? ''} }`,
    });
    if (transport === 'tcp') expect(await bench.passes(...new TcpConversation(ends).handshake())).toEqual([true, true, true]);
  }

  const some = cases.filter((_, index) => turn === undefined || index % 4 === turn);
  it.each(here.flatMap(([family, { ends }]) => some.map((one) => [`${one.service}, ${one.transport}, ${family}`, ends, one] as const)))(
    '%s',
    { timeout: 20_000 },
    async (_name, all, one) => {
      const ends = endsOf(all, one.port);
      await open(ends, one);
      const asked = messagesOf(one, few ? 7 : 1);
      const verdicts = await through(asked.map(({ payload }) => said(ends, one.transport, payload)));
      const wrong = asked.flatMap(({ name, right }, index) => (verdicts[index] === right ? [] : [`${name}: ${right ? 'blocked' : 'passes'}`]));
      expect(wrong).toEqual([]);
    },
  );

  const folder = fileURLToPath(new URL('../../../shared/data/pcaps/', import.meta.url));
  /** Sessions as they were captured, with the number of client messages that pass. What does not: see the table in `catalogue/captures.test.ts`. */
  const sessions: readonly (readonly [file: string, service: string, transport: Transport, port: number, passing: number, of: number])[] = [
    ['s7_download_db1_iti.pcap', 's7comm { read, program, control, diagnostics }', 'tcp', 102, 51, 51],
    ['s7_download_db1_iti.pcap', 's7comm { read, program, control }', 'tcp', 102, 36, 51],
    ['s7_download_db1_iti.pcap', 's7comm read', 'tcp', 102, 30, 51],
    ['s7_read_plc_status_iti.pcap', 's7comm { read, diagnostics }', 'tcp', 102, 145, 145],
    ['s7_readwrite_libnodave_iti.pcap', 's7comm read', 'tcp', 102, 5, 9],
    ['ads_ndpi.pcapng', 'ads { read, diagnostics }', 'tcp', 48898, 15, 22],
    ['hartip_ndpi.pcap', 'hart-ip { read, diagnostics }', 'udp', 5094, 13, 13],
    ['modbus_iti_test.pcap', 'modbus read', 'tcp', 502, 1079, 1141],
    ['dnp3_select_operate_zeek.pcap', 'dnp3 { read, control } requests forward', 'tcp', 20000, 2, 2],
    ['dnp3_select_operate_zeek.pcap', 'dnp3 read requests forward', 'tcp', 20000, 0, 2],
    ['bacnet_ndpi.pcap', 'bacnet read', 'udp', 47808, 20, 23],
  ];
  it.each(sessions.filter((_, index) => turn === undefined || index % 11 === 7 * turn))(
    '%s through %s',
    { timeout: 20_000 },
    async (file, service, transport, port, passing, of) => {
      if (!existsSync(`${folder}${file}`)) {
        console.warn(`${file} is not in ${folder}`);
        return;
      }
      const messages = carriedIn(readFileSync(`${folder}${file}`)).filter((one) => one.destination === port && one.payload.length > 0);
      const [first] = here;
      if (first === undefined) throw new Error('no family');
      const at = endsOf(first[1].ends, port);
      await open(at, { service, transport });
      const verdicts = await through(messages.map(({ payload }) => said(at, transport, payload)));
      expect([verdicts.filter(Boolean).length, verdicts.length]).toEqual([passing, of]);
    },
  );
}
