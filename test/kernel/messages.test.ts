// Looking into Modbus, judged by the kernel. Takes flows that tell functions apart, gives what came through: by ordinary sockets that cut
// their messages anyhow, by raw segments and datagrams of all function codes. The idea: what should pass is written here from the Modbus
// specification, and nothing of it is asked from the code under test.

import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { type LookingPlace, lookingPlaces } from './backends.ts';
import { Bench, families, passed, plantText, stations, withPort } from './bench.ts';
import { type Ends, type Part, TcpConversation, udpAnswer, udpAsk } from './conversations.ts';
import type { Extension, Transport } from './frames.ts';
import { KernelGateway } from './gateway.ts';
import { startInStation, type StationProgram } from './real.ts';
import { allOther, among, controlling, diagnosing, encoded, nameOf, reading, type Row, type Sample, samples, writing } from './modbus-messages.ts';
import { describeKernel } from './requirements.ts';

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const readOnly = 'flow poll { from office to press allow modbus read }';

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

/** A whole message as hex: transaction, protocol 0, the length that the rest has, unit 1, the function and what follows it. */
function message(rest: string, transaction = '0001'): string {
  const body = rest.replaceAll(' ', '');
  return `${transaction}0000${(body.length / 2 + 1).toString(16).padStart(4, '0')}01${body}`;
}

const read = message('03 0000 0001');
const otherRead = message('04 0010 0002', '0002');
const write = message('06 0001 00ff');

/** What a client writes, one segment after the other, and what of it the server may get to see. */
const conversations: readonly (readonly [name: string, segments: readonly string[], delivered: readonly string[]])[] = [
  ['a read', [read], [read]],
  ['a read after the other', [read, otherRead, read], [read + otherRead + read]],
  [
    'every function of reading',
    [1, 2, 3, 4].map((code) => message(`0${code} 0000 0001`)),
    [[1, 2, 3, 4].map((code) => message(`0${code} 0000 0001`)).join('')],
  ],
  ['file records', [message('14 07 06 0001 0002 0003')], [message('14 07 06 0001 0002 0003')]],
  ['a queue', [message('18 0001')], [message('18 0001')]],
  ['device identification', [message('2b 0e 01 00')], [message('2b 0e 01 00')]],
  ['a write in one segment', [write], ['']],
  ['a write in 7 and 5', [write.slice(0, 14), write.slice(14)], ['']],
  ['a write in 1 and 11', [write.slice(0, 2), write.slice(2)], ['']],
  ['a write in 8 and 4', [write.slice(0, 16), write.slice(16)], ['']],
  ['a write byte by byte', write.match(/../g) ?? [], ['']],
  ['read and write in one segment', [read + write], ['']],
  ['write and read in one segment', [write + read], ['']],
  ['read and read in one segment', [read + otherRead], ['']],
  ['a read, then half a write at its end', [read, otherRead + write.slice(0, 14), write.slice(14)], [read]],
  ['a read in 6 and 6', [read.slice(0, 12), read.slice(12)], ['', read]],
  ['HTTP', [Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')], ['']],
  ['TLS', ['16030100c8010000c40303'], ['']],
  ['another protocol identifier', [`00010001${read.slice(8)}`], ['']],
  ['another protocol identifier in its low byte', [`00010100${read.slice(8)}`], ['']],
  ['a length field too small', [`000100000005${read.slice(12)}`], ['']],
  ['a length field too large', [`000100000007${read.slice(12)}`], ['']],
  ['a length field in the other order', [`000100000600${read.slice(12)}`], ['']],
  ['a read cut short', [message('03 0000 00')], ['']],
  ['a read with a byte more', [message('03 0000 0001 00')], ['']],
  ['a read that a write follows within its length', [message(`03 0000 0001 ${write}`)], ['']],
  ['a message of more than 254', [message(`03 ${'00'.repeat(254)}`)], ['']],
  ['a message without function', ['00010000000101'], ['']],
  ['an exception', [message('83 02')], ['']],
  ['function 0x86', [message('86 0001 00ff')], ['']],
  ['restart of communications', [message('08 0001 0000')], ['']],
  ['another encapsulated interface', [message('2b 0d 0600')], ['']],
  ['a read after a blocked write', [write, read], ['']],
  ['a write after a read', [read, write], [read]],
  ['a write, split, after a read', [read, write.slice(0, 14), write.slice(14)], [read]],
];

for (const place of lookingPlaces) if (place.share === 'all') describeKernel(`messages of real programs, ${place.backend.name}`, () => realProgramsOn(place));

function realProgramsOn({ backend }: LookingPlace): void {
  let gateway: KernelGateway;

  beforeAll(async () => {
    gateway = await KernelGateway.create({ interfaces: stations });
  });
  afterAll(async () => gateway.dispose());

  async function enforce(flows: string): Promise<void> {
    await backend.load(gateway, rulesetOf(compileText(backend.dress(plantText({ flows })))));
  }

  async function serve(address: string): Promise<StationProgram> {
    const serving = startInStation(gateway, 'eth1', [program('stream-server.mjs'), '502', address]);
    await serving.line(/^listening/);
    return serving;
  }

  /** The byte stream that the server has received from this port. */
  function stream(serving: StationProgram, port: number | string): string {
    return serving.lines.findLast((line) => line.startsWith(`got ${port} `))?.split(' ')[2] ?? '';
  }

  const addresses = [
    ['IPv4', '10.0.2.7', '10.0.3.5'],
    ['IPv6', '2001:db8:2::7', '2001:db8:3:a::5'],
  ] as const;

  describe.each(addresses)('%s', (_name, address, raw) => {
    let serving: StationProgram;
    let talking: StationProgram;

    beforeAll(async () => {
      await enforce(readOnly);
      serving = await serve(address);
      talking = startInStation(gateway, 'eth0', [program('segment-client.mjs'), address, '502']);
    });
    afterAll(async () => {
      await talking.stop('SIGKILL');
      await serving.stop();
    });

    it('a server gets the reads and nothing else', { timeout: 20_000 }, async () => {
      const first = 20_000;
      for (const index of conversations.keys()) talking.say(`open ${first + index}`);
      await Promise.all([...conversations.keys()].map((index) => talking.line(new RegExp(`^opened ${first + index}$`))));
      const most = Math.max(...conversations.map(([, segments]) => segments.length));
      for (let round = 0; round < most; round += 1) {
        for (const [index, [, segments]] of conversations.entries())
          if (segments[round] !== undefined) talking.say(`write ${first + index} ${segments[round] ?? ''}`);
        await wait(40);
      }
      // Three retransmissions at least: after 200, 400 and 800 ms.
      await wait(1700);
      const wrong = conversations.flatMap(([name, , delivered], index) => {
        const got = stream(serving, first + index);
        return delivered.includes(got) ? [] : [`${name}: ${got}`];
      });
      expect(wrong).toEqual([]);
      // The server answers what no client may say.
      expect(talking.lines).toContain(`answered ${first} 30`);
    });

    it('a conversation is opened and closed', async () => {
      talking.say('open 21000');
      await talking.line(/^opened 21000$/);
      talking.say(`write 21000 ${read}`);
      await talking.line(/^answered 21000 30$/);
      talking.say('end 21000');
      await serving.line(/^end 21000$/);
      await talking.line(/^closed 21000$/);
      expect(stream(serving, 21_000)).toBe(read);
    });

    it('writing is allowed by a reload at once, within the conversation, and cut by the next at once', async () => {
      await enforce(readOnly);
      talking.say('open 21001');
      await talking.line(/^opened 21001$/);
      talking.say(`write 21001 ${read}`);
      await talking.line(/^answered 21001 30$/);
      await enforce('flow poll { from office to press allow modbus { read, write } }');
      talking.say(`write 21001 ${write}`);
      await talking.line(/^answered 21001 60$/);
      talking.say(`write 21001 ${read}`);
      await talking.line(/^answered 21001 90$/);
      await enforce(readOnly);
      talking.say(`write 21001 ${otherRead}`);
      await talking.line(/^answered 21001 120$/);
      talking.say(`write 21001 ${write}`);
      await wait(700);
      expect(stream(serving, 21_001)).toBe(read + write + read + otherRead);
      // What was held back is said again by the client's stack, and passes when it may.
      await enforce('flow poll { from office to press allow modbus { read, write } }');
      await serving.line(new RegExp(`^got 21001 ${read + write + read + otherRead + write}$`));
      await enforce(readOnly);
    });

    it('a byte that an ordinary socket marks as urgent does not make a write of a read', async () => {
      // Without the urgent byte, 03, the server would read `06 0001 ff` and, from the next message, `00`.
      const talker = startInStation(gateway, 'eth0', [program('urgent-client.pl'), address, '502', message('03 06 00 01 ff'), otherRead], { command: 'perl' });
      const opened = await talker.line(/^opened /);
      await talker.line(/^written/);
      await wait(700);
      await talker.stop('SIGKILL');
      expect(stream(serving, opened.split(' ')[1] ?? '')).not.toContain(message('06 00 01 ff 00'));
    });

    it('is NOT stopped: reads that overlap, of which the server makes a write', async () => {
      await enforce('flow poll { from cell_a to press allow modbus read }');
      const port = 30_000;
      const packet = (flags: string, sequence: number, acknowledgement: number, payload?: Uint8Array): Part => ({
        entry: { kind: 'wire', interface: 'eth2' },
        packet: {
          source: raw,
          destination: address,
          transport: { kind: 'tcp', sourcePort: port, destinationPort: 502, flags, sequence, acknowledgement, ...(payload === undefined ? {} : { payload }) },
        },
      });
      let number = 0;
      const send = async (part: Part): Promise<boolean> => {
        const id = `raw-${(number += 1)}`;
        const seen = (await gateway.send([{ ...part, id }])).get(id);
        return seen !== undefined && passed(seen);
      };
      gateway.takeStrays();
      expect(await send(packet('S', 999, 0))).toBe(true);
      let theirs: number | undefined;
      for (let round = 0; theirs === undefined && round < 20; round += 1) {
        const answer = gateway.takeStrays().find(({ at, packet: seen }) => at === 'wire' && seen.protocol === 6 && seen.first === 502 && seen.second === port);
        if (answer !== undefined) theirs = new DataView(answer.packet.upper.buffer, answer.packet.upper.byteOffset).getUint32(4) + 1;
        else await wait(20).then(() => send(packet('S', 999, 0)));
      }
      // The last four bytes of a read, its address and quantity, may be anything; what comes before has been received already.
      const tails = ['00000000', write.slice(0, 8), write.slice(8, 16), write.slice(16)];
      const sent: boolean[] = [];
      for (const [index, tail] of tails.entries()) sent.push(await send(packet('PA', 1000 + 4 * index, theirs ?? 0, bytes(message(`03 ${tail}`)))));
      expect(sent).toEqual([true, true, true, true]);
      await serving.line(new RegExp(`^got ${port} ${message('03 00000000')}${write}$`));
      expect(await send(packet('R', 1024, 0))).toBe(true);
      await enforce(readOnly);
    });
  });
}

type TcpTransport = Extract<Transport, { kind: 'tcp' }>;

/** A segment of an open conversation, always at the same place. */
function segment(ends: Ends, payload: Uint8Array | undefined, more: Partial<TcpTransport> = {}, packet: Partial<Part['packet']> = {}): Part {
  const { client, server } = ends;
  const ports = { sourcePort: client.port, destinationPort: server.port };
  return {
    entry: { kind: 'wire', interface: client.behind },
    packet: {
      source: client.address,
      destination: server.address,
      transport: { kind: 'tcp', ...ports, flags: 'PA', sequence: 1001, acknowledgement: 9001, ...(payload === undefined ? {} : { payload }), ...more },
      ...packet,
    },
  };
}

for (const place of lookingPlaces) describeKernel(`messages, ${place.backend.name}`, () => messagesOn(place));

/** In a short run some of the flows and headers. */
function messagesOn({ backend, families: names, share }: LookingPlace): void {
  let bench: Bench;
  const all = samples();
  const few = share === 'some';

  beforeAll(async () => {
    bench = await Bench.create({}, backend);
  });
  afterAll(async () => bench.dispose());

  /** Samples of which the kernel and the specification say different things. */
  async function differences(parts: readonly Part[], rows: readonly Row[] | 'everything'): Promise<readonly string[]> {
    const seen = await bench.gateway.send(parts.map((part, id) => ({ ...part, id })));
    bench.gateway.takeStrays();
    const told = all.map((sample, id) => {
      const observation = seen.get(id);
      return { sample, through: observation !== undefined && passed(observation) };
    });
    expect(told.some(({ through }) => through)).toBe(true);
    const right = (sample: Sample): boolean => rows === 'everything' || among(rows, sample);
    return told.filter(({ sample, through }) => through !== right(sample)).map(({ sample, through }) => `${nameOf(sample)}: ${through ? 'passes' : 'blocked'}`);
  }

  async function opened(ends: Ends): Promise<void> {
    expect(await bench.passes(...new TcpConversation(ends).handshake())).toEqual([true, true, true]);
  }

  const both = (service: string, effect = 'allow', from = 'office'): string => `from ${from} to press ${effect} ${service}, ${service} on udp 502`;
  const flows: readonly (readonly [name: string, flows: string, rows: readonly Row[] | 'everything'])[] = [
    ['read', `flow poll { ${both('modbus read')} }`, reading],
    ['read and function 6', `flow poll { ${both('modbus { read, function 6 }')} }`, [...reading, [6, 'any', 6, 6, 1]]],
    ['diagnostics', `flow poll { ${both('modbus diagnostics')} }`, diagnosing],
    ['write', `flow poll { ${both('modbus write')} }`, writing],
    ['everything but what a deny names', `flow poll { ${both('modbus')} }\nflow no { ${both('modbus write', 'deny')} }`, allOther],
    [
      'the union of two flows',
      `flow poll { ${both('modbus { read, function 8 }')} }\nflow set { ${both('modbus { write, control }')} }`,
      [...reading, ...diagnosing.filter(([code]) => code === 8), ...writing, ...controlling],
    ],
    ['read beside bare ports for another', `flow poll { ${both('modbus read')} }\nflow bare { from cell_a to press allow tcp 502, udp 502 }`, reading],
    ['bare ports beside read', `flow poll { ${both('modbus read')} }\nflow bare { from office to press allow tcp 502, udp 502 }`, 'everything'],
  ];

  describe.each(families.filter(([name]) => names.includes(name)))('%s', (_name, { ends, own }) => {
    const six = own.eth0.includes(':');

    it.each(flows.filter(([name]) => !few || (six ? name.startsWith('everything') : name === 'read')))(
      'all functions: %s',
      { timeout: 20_000 },
      async (_what, text, rows) => {
        await bench.gateway.flushConntrack();
        await bench.enforce({ flows: text });
        await opened(ends);
        const segments = all.map((sample) => segment(ends, encoded(sample)));
        expect(await differences(segments, rows), 'TCP').toEqual([]);
        const datagrams = all.map((sample) => udpAsk(ends, encoded(sample)));
        expect(await differences(datagrams, rows), 'UDP').toEqual([]);
        // Answers are anything.
        expect(await bench.passes(udpAnswer(ends, encoded({ code: 6, second: undefined, said: 9, length: 6, protocol: 3 })))).toEqual([true]);
        expect(await differences(datagrams, rows), 'UDP, answered').toEqual([]);
      },
    );

    if (!few)
      it('the other source is not looked into', async () => {
        await bench.enforce({ flows: `${readOnly}\nflow bare { from cell_a to press allow tcp 502 }` });
        const other: Ends = { ...ends, client: { address: six ? '2001:db8:3:a::5' : '10.0.3.5', port: 4100, behind: 'eth2' } };
        await opened(other);
        expect(await bench.passes(segment(other, bytes(write)), segment(other, bytes('474554')), segment(other, bytes(read + write)))).toEqual([
          true,
          true,
          true,
        ]);
      });

    it('what begins in the middle of a conversation is looked into, too', async () => {
      await bench.enforce({ flows: readOnly });
      await bench.gateway.flushConntrack();
      const [writes, reads, half] = [withPort(ends, 4200), withPort(ends, 4201), withPort(ends, 4202)];
      expect(await bench.passes(segment(writes, bytes(write)), segment(reads, bytes(read)), segment(half, bytes(write.slice(0, 14))))).toEqual([
        false,
        true,
        false,
      ]);
      // An opening segment may carry a message.
      const [opens, wrongs] = [withPort(ends, 4203), withPort(ends, 4204)];
      const fast = (at: Ends, hex: string): Part => segment(at, bytes(hex), { flags: 'S', acknowledgement: 0 });
      expect(await bench.passes(fast(opens, read), fast(wrongs, write), fast(wrongs, read + read))).toEqual([true, false, false]);
    });

    it('conversations of another ruleset are looked into when they are judged again', async () => {
      await bench.enforce({ flows: 'flow poll { from office to press allow tcp 502 }' });
      const [first, second] = [withPort(ends, 4210), withPort(ends, 4211)];
      await opened(first);
      await opened(second);
      expect(await bench.passes(segment(first, bytes(write)))).toEqual([true]);
      await bench.enforce({ flows: readOnly });
      expect(await bench.passes(segment(first, bytes(write)), segment(first, bytes(read)), segment(first, bytes(write)))).toEqual([false, true, false]);
      expect(await bench.passes(segment(second, undefined), segment(second, bytes(write)))).toEqual([true, false]);
    });

    if (!few)
      it('the end of a conversation may carry a read and no write', async () => {
        await bench.enforce({ flows: readOnly });
        const at = withPort(ends, 4220);
        await opened(at);
        const last = (hex: string | undefined, flags: string): Part => segment(at, hex === undefined ? undefined : bytes(hex), { flags });
        expect(await bench.passes(last(write, 'FPA'), last(write, 'RA'), last(read, 'FPA'))).toEqual([false, false, true]);
        expect(await bench.passes(last(undefined, 'RA'))).toEqual([true]);
      });

    it.each(few ? [8] : Array.from({ length: 11 }, (_, index) => 5 + index))('a TCP header of %i words', async (words) => {
      await bench.enforce({ flows: readOnly });
      const at = withPort(ends, 4300 + words);
      await opened(at);
      const room = words * 4 - 20;
      const stamp = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
      const blocks = Math.floor((room - 16) / 8);
      const sack =
        blocks < 1
          ? []
          : [1, 1, 5, 2 + 8 * blocks, ...Array.from({ length: blocks }, (_, block) => [0, 0, 0x23 + block, 0x29, 0, 0, 0x23 + block, 0x40]).flat()];
      const known = [...(room >= 12 ? stamp : []), ...(room >= 28 ? sack : [])];
      const fillings = [Array.from({ length: room }, () => 1), [...known, ...Array.from({ length: Math.max(0, room - known.length) }, () => 1)]];
      for (const filling of fillings) {
        for (const reserved of [0, 1]) {
          const part = (hex: string | undefined): Part =>
            segment(at, hex === undefined ? undefined : bytes(hex), { options: Uint8Array.from(filling), reserved });
          expect(await bench.passes(part(read), part(undefined), part(write), part(read.slice(0, 22)), part(`${read}00`), part(read + read))).toEqual([
            true,
            true,
            false,
            false,
            false,
            false,
          ]);
        }
      }
    });

    if (!few)
      it('flags of congestion control are nothing special, other reserved bits are', async () => {
        await bench.enforce({ flows: readOnly });
        const at = withPort(ends, 4330);
        expect(await bench.passes(segment(at, undefined, { flags: 'SEC', reserved: 1, sequence: 1000, acknowledgement: 0 }))).toEqual([true]);
        await opened(at);
        const flagged = (flags: string, hex: string): Part => segment(at, bytes(hex), { flags });
        expect(await bench.passes(flagged('PAE', read), flagged('PAC', read), flagged('A', read), flagged('PAEC', write))).toEqual([true, true, true, false]);
        expect(await bench.passes(...[2, 4, 8, 15].map((reserved) => segment(at, bytes(read), { reserved })))).toEqual([false, false, false, false]);
      });

    it('nothing urgent passes: it would take a byte out of a message', async () => {
      await bench.enforce({ flows: readOnly });
      const at = withPort(ends, 4331);
      await opened(at);
      const urgent = (hex: string | undefined): Part => segment(at, hex === undefined ? undefined : bytes(hex), { flags: 'PAU' });
      expect(await bench.passes(urgent(read), urgent(undefined), segment(at, bytes(read)))).toEqual([false, false, true]);
    });

    it('a message in IP fragments is looked at whole', async () => {
      await bench.enforce({ flows: readOnly });
      const at = withPort(ends, 4332);
      await opened(at);
      // An IPv6 fragment without the whole TCP header is not put together by the kernel, so these are longer.
      const split = (hex: string): Part => segment(at, bytes(hex), {}, { fragments: 2 });
      const records = message('14 15 06 0001 0002 0003 06 0004 0005 0006 06 0007 0008 0009');
      const writes = message('10 0001 000a 14 0001 0002 0003 0004 0005 0006 0007 0008 0009 000a');
      expect(await bench.passes(split(records), split(writes), split(`${records}00`))).toEqual([true, false, false]);
    });

    if (six) {
      const headers: readonly (readonly [name: string, extensions: readonly Extension[]])[] = [
        ['hop-by-hop', [{ kind: 'hop-by-hop' }]],
        ['destination options', [{ kind: 'destination' }]],
        ['two of them', [{ kind: 'hop-by-hop' }, { kind: 'destination' }]],
        ['routing', [{ kind: 'routing', type: 4, segmentsLeft: 0 }]],
        ['mobility', [{ kind: 'header', protocol: 135, rest: bytes('00000000000000') }]],
      ];
      it.each(few ? headers.slice(0, 1) : headers)('an IPv6 header before TCP: %s', async (_what, extensions) => {
        await bench.enforce({ flows: readOnly });
        const at = withPort(ends, 4340);
        await opened(at);
        const part = (hex: string | undefined): Part => segment(at, hex === undefined ? undefined : bytes(hex), {}, { extensions });
        expect(await bench.passes(part(read), part(write), part(undefined), segment(at, bytes(read)))).toEqual([false, false, false, true]);
      });
    } else {
      it('IP options', async () => {
        await bench.enforce({ flows: readOnly });
        const at = withPort(ends, 4340);
        await opened(at);
        for (const options of ['01010101', '94040000', '0101010101010101', '01'.repeat(40)].map(bytes)) {
          const part = (hex: string | undefined): Part => segment(at, hex === undefined ? undefined : bytes(hex), {}, { options });
          expect(await bench.passes(part(read), part(write), part(undefined), segment(at, bytes(read)))).toEqual([false, false, false, true]);
        }
      });
    }
  });
}
