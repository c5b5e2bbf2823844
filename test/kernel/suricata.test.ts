// Suricata beside a gateway. Takes the files of gateways with `inspect-with suricata`, gives what Suricata and the kernel do with them: on
// made and captured conversations, and live between real programs. What should pass is written here from the Modbus specification.

import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeUnless } from '../described.ts';
import { compileText, type Ruleset, rulesetOf } from '../generators/compile.ts';
import { KernelGateway } from './gateway.ts';
import { startInStation, type StationProgram } from './real.ts';
import { missingRequirement } from './requirements.ts';
import { Conversations, Engine, missingSuricata, type Said } from './suricata.ts';

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const captures = fileURLToPath(new URL('../../../shared/data/pcaps/', import.meta.url));
const reading = 'modbus { function 1, function 2, function 3, function 4 }';

function plant(flows: string, zones = '', options = ''): Ruleset {
  return rulesetOf(
    compileText(`policy "suricata" {}
${
  zones === ''
    ? `zone office { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }`
    : zones
}
${flows}
gateway gw {
  target iptables { inspect-with suricata ${options} }
  interface eth0 { faces office  address ${zones === '' ? '10.0.1.1/24, 2001:db8:1::1/64' : 'none'} }
  interface eth1 { faces press  address ${zones === '' ? '10.0.2.1/24, 2001:db8:2::1/64' : 'none'} }
  manage none "console only"
}
`),
  );
}

const readOnly = `flow poll { from office to press allow ${reading} inspect stream }`;

/** A whole message as hex: transaction, protocol 0, the length that the rest has, unit 1, the function and what follows it. */
function message(rest: string, transaction = '0001'): string {
  const body = rest.replaceAll(' ', '');
  return `${transaction}0000${(body.length / 2 + 1).toString(16).padStart(4, '0')}01${body}`;
}

const read = message('03 0000 0001');
const otherRead = message('04 0010 0002', '0002');
const answer = message('03 02 0007');
const write = message('06 0001 00ff', '0003');
const http = Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex');
/** An answer to a write that nobody asked for, then HTTP. */
const junk = '000300000006010600010001474554202f20485454502f312e310d0a0d0a';
const bytesOf = (hex: string): string[] => hex.match(/../g) ?? [];
const client = (...segments: readonly string[]): Said[] => segments.map((hex) => ['C', hex]);

/** What is said, and what of the client's part the server may get. */
const conversations: readonly (readonly [name: string, said: readonly Said[], delivered: string])[] = [
  ['a read', client(read), read],
  [
    'reads, answered',
    [
      ['C', read],
      ['S', answer],
      ['C', otherRead],
      ['S', message('84 02', '0002')],
      ['C', read],
    ],
    read + otherRead + read,
  ],
  ['reads in one segment', client(read + otherRead), read + otherRead],
  ['a write', client(write), ''],
  [
    'a write after a read',
    [
      ['C', read],
      ['S', answer],
      ['C', write],
    ],
    read,
  ],
  ['a write behind a read in one segment', client(read + write), ''],
  ['a write in front of a read', client(write + read), ''],
  ['a read behind a write', client(write, read), ''],
  ['HTTP', client(http), ''],
  [
    'HTTP after a read',
    [
      ['C', read],
      ['S', answer],
      ['C', http],
    ],
    read,
  ],
  ['HTTP, its first byte alone', client(http.slice(0, 2), http.slice(2)), ''],
  ['TLS', client('16030100c8010000c40303'), ''],
  ['another protocol identifier', client(`00010001${read.slice(8)}`), ''],
  [
    'another protocol identifier after a read',
    [
      ['C', read],
      ['S', answer],
      ['C', `00010001${read.slice(8)}`],
    ],
    read,
  ],
  ['a length too small', client(`000100000005${read.slice(12)}`), ''],
  ['a length too large', client(`000100000007${read.slice(12)}`), ''],
  ['a length of 0', client(`000100000000${write.slice(12)}`), ''],
  [
    'a write that says it is longer, after a read',
    [
      ['C', read],
      ['S', answer],
      ['C', `0002000000ff01060001 00ff`.replace(' ', '')],
    ],
    read,
  ],
  ['a write within the length of a read', client(message(`03 0000 0001 ${write}`)), ''],
  ['UMAS', client(message('5a 0001')), ''],
  [
    'UMAS, answered and again',
    [
      ['C', message('5a 0001')],
      ['S', message('5a 00fe')],
      ['C', message('5a 0041', '0002')],
    ],
    '',
  ],
  [
    'UMAS after a read',
    [
      ['C', read],
      ['S', answer],
      ['C', message('5a 0001', '0002')],
    ],
    read,
  ],
  [
    'the code of an answer after a read',
    [
      ['C', read],
      ['S', answer],
      ['C', message('83 0000 0001', '0002')],
    ],
    read,
  ],
  ['device identification', client(message('2b 0e 01 00')), ''],
  ['restart of communications', client(message('08 0001 0000')), ''],
  [
    'a write whose answer the server gave before',
    [
      ['C', read],
      ['S', junk],
      ['C', write],
    ],
    read,
  ],
  [
    'a write behind the nonsense of a server',
    [
      ['S', http],
      ['C', write],
    ],
    '',
  ],
  [
    'a write behind a read whose answer is nonsense',
    [
      ['C', read],
      ['S', http],
      ['C', write],
    ],
    read,
  ],
  [
    'a write behind an answer that has no function',
    [
      ['C', read],
      ['S', '00010000000101'],
      ['C', write],
    ],
    read,
  ],
  [
    'a write behind half an answer and more',
    [
      ['C', read],
      ['S', '000100000000'],
      ['C', write],
    ],
    read,
  ],
  ['a write behind 600 reads that nobody answered', client(...Array.from({ length: 600 }, () => read), write), read.repeat(500)],
  ['a write behind 600 reads, a hundred in a segment', client(...Array.from({ length: 6 }, () => read.repeat(100)), write), read.repeat(500)],
  ...Array.from({ length: 11 }, (_, index): readonly [string, readonly Said[], string] => {
    const at = 2 * (index + 1);
    return [
      `a write in ${index + 1} and ${11 - index}, after a read`,
      [
        ['C', read],
        ['S', answer],
        ['C', write.slice(0, at)],
        ['C', write.slice(at)],
      ],
      read + write.slice(0, at),
    ];
  }),
  [
    'reads that overlap, of which the server would make a write: each begins eight bytes back',
    [
      ['C', message('03 00000000')],
      ['C', message(`03 ${write.slice(0, 8)}`), 8],
      ['C', message(`03 ${write.slice(8, 16)}`), 8],
      ['C', message(`03 ${write.slice(16)}`), 8],
    ],
    message('03 00000000') + message(`03 ${write.slice(0, 8)}`) + message(`03 ${write.slice(8, 16)}`),
  ],
  ['a write byte by byte, after a read', [['C', read], ['S', answer], ...client(...bytesOf(write))], read + write.slice(0, -2)],
  ['a read byte by byte, after a read', [['C', read], ['S', answer], ...client(...bytesOf(otherRead))], read + otherRead],
  // Nothing is passed before it is known as Modbus: a client's stack says it again, in one piece.
  ['a first read in 6 and 6', client(read.slice(0, 12), read.slice(12)), read.slice(12)],
];

describeUnless(missingSuricata(), 'suricata', () => {
  it.each([
    ['one flow', readOnly],
    [
      'overlapping flows',
      `${readOnly}\nflow set { from 10.0.1.9 to 10.0.2.7 allow modbus write inspect stream }\nflow own { from office to press allow modbus { function 3 } on tcp 5020-5022 inspect stream }`,
    ],
  ])('takes the files without a warning: %s', (_, flows) => {
    const engine = new Engine(plant(flows).files);
    expect(engine.check()).toEqual({ status: 0, complaints: [] });
    engine.dispose();
  });

  it('does not start with a rule that it cannot read, or without its rules', () => {
    const { files } = plant(readOnly);
    const broken = (edit: (text: string) => string): Engine =>
      new Engine(files.map((file) => (file.name === 'suricata.rules' ? { ...file, text: edit(file.text) } : file)));
    for (const engine of [
      broken((text) => `${text}drop modbus any any -> any any (modbus:function 0; sid:1;)\n`),
      broken((text) => text.replaceAll('modbus:', 'modbas:')),
    ]) {
      expect(() => engine.droppedFrames(new Uint8Array(0))).toThrow(/Loading signatures failed|ended with 1/u);
      engine.dispose();
    }
  });

  it.each([
    ['IPv4', { client: '10.0.1.5', server: '10.0.2.7', port: 502 }],
    ['IPv6', { client: '2001:db8:1::5', server: '2001:db8:2::7', port: 502 }],
  ])('%s: a server gets the reads and nothing else', (_, ends) => {
    const engine = new Engine(plant(readOnly).files);
    const capture = new Conversations();
    const numbers = conversations.map(([, said]) => capture.add(ends, said));
    const midstream = capture.add(
      ends,
      [
        ['C', read],
        ['S', answer],
        ['C', read],
      ],
      false,
    );
    const streams = capture.delivered(engine);
    expect(Object.fromEntries(conversations.map(([name], index) => [name, streams.get(numbers[index] ?? 0)]))).toEqual(
      Object.fromEntries(conversations.map(([name, , delivered]) => [name, delivered])),
    );
    // Its start was not seen.
    expect(streams.get(midstream)).toBe('');
    engine.dispose();
  });

  it('of all 256 codes those pass that a flow allows, as the first message and later', () => {
    const writing = `flow set { from 10.0.1.9 to 10.0.2.7 allow modbus { function 5, function 6 } inspect stream }\n`;
    const engine = new Engine(plant(readOnly + '\n' + writing).files);
    const capture = new Conversations();
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const say = (code: number): string => message(`${code.toString(16).padStart(2, '0')} 0000 ${code === 5 ? 'ff00' : '0001'}`, '0009');
    const asked = (['10.0.1.5', '10.0.1.9'] as const).flatMap((source) =>
      (
        [
          [],
          [
            ['C', read],
            ['S', answer],
          ],
        ] as const
      ).map((before) => {
        const ends = { client: source, server: '10.0.2.7', port: 502 };
        return { source, first: before.length === 0, numbers: codes.map((code) => capture.add(ends, [...before, ['C', say(code)]])) };
      }),
    );
    const streams = capture.delivered(engine);
    for (const { source, first, numbers } of asked) {
      const passed = codes.filter((code) => (streams.get(numbers[code] ?? 0) ?? '').endsWith(say(code)));
      expect(passed, `${source}, ${first ? 'first' : 'after a read'}`).toEqual(source === '10.0.1.5' ? [1, 2, 3, 4] : [1, 2, 3, 4, 5, 6]);
    }
    engine.dispose();
  });

  it.each([
    ['what holds back until Modbus is known', 'suricata.rules', /^drop tcp .*isnotset.*$/gmu, ''],
    ['another protocol identifier', 'suricata.rules', /^.*invalid_protocol_id.*$/gmu, ''],
    ['a wrong length', 'suricata.rules', /^.*invalid_length.*$/gmu, ''],
    ['the code of an answer', 'suricata.rules', /^.*invalid_function_code.*$/gmu, ''],
    ['too many requests', 'suricata.rules', /^.*flooded.*$/gmu, ''],
    ['a function', 'suricata.rules', /^.*modbus:function 6;.*$/gmu, ''],
    ['functions that Suricata does not know', 'suricata.rules', /^.*modbus:function 127;.*$/gmu, ''],
    ['the order of actions', 'suricata.yaml', /^ {2}- alert\n {2}- drop$/gmu, '  - drop\n  - alert'],
  ])('%s matters: without it another stream reaches some server', (_, name, from, to) => {
    const { files } = plant(readOnly);
    const changed = files.map((file) => (file.name === name ? { ...file, text: file.text.replaceAll(from, to) } : file));
    expect(changed).not.toEqual(files);
    const ends = { client: '10.0.1.5', server: '10.0.2.7', port: 502 };
    const capture = new Conversations();
    for (const [, said] of conversations) capture.add(ends, said);
    capture.add(
      ends,
      [
        ['C', read],
        ['S', answer],
        ['C', read],
      ],
      false,
    );
    const streams = (some: typeof files): ReadonlyMap<number, string> => {
      const engine = new Engine(some);
      const found = capture.delivered(engine);
      engine.dispose();
      return found;
    };
    expect(streams(changed)).not.toEqual(streams(files));
  });

  it('where two flows overlap, each client may say what its flows allow', () => {
    const flows =
      'flow poll { from 10.0.1.0/28 to press allow modbus { function 3 } inspect stream }\nflow set { from 10.0.1.9 to 10.0.2.7 allow modbus { function 6 } inspect stream }\nflow own { from 10.0.1.9 to 10.0.2.7 allow modbus { function 6 } on tcp 5020 inspect stream }';
    const engine = new Engine(plant(flows).files);
    const capture = new Conversations();
    const cases: readonly (readonly [client: string, server: string, port: number, said: string, passes: boolean])[] = [
      ['10.0.1.9', '10.0.2.7', 502, write, true],
      ['10.0.1.9', '10.0.2.7', 502, read, true],
      ['10.0.1.9', '10.0.2.8', 502, write, false],
      ['10.0.1.9', '10.0.2.8', 502, read, true],
      ['10.0.1.8', '10.0.2.7', 502, write, false],
      ['10.0.1.8', '10.0.2.7', 502, read, true],
      ['10.0.1.9', '10.0.2.7', 5020, write, true],
      ['10.0.1.9', '10.0.2.7', 5020, read, false],
    ];
    const numbers = cases.map(([source, server, port, said]) => capture.add({ client: source, server, port }, client(said)));
    const streams = capture.delivered(engine);
    expect(cases.map(([source, server, port, said], index) => [source, server, port, said, streams.get(numbers[index] ?? 0) !== ''])).toEqual(cases);
    engine.dispose();
  });
});

describeUnless(missingSuricata() ?? (existsSync(captures) ? undefined : 'captures are not here'), 'suricata on captures', () => {
  const zones = `zone office { level 3  networks 10.0.0.9/32, 87.236.176.0/24, 66.175.213.0/24, 198.74.56.0/24, 159.203.208.0/24, 62.122.184.0/24, 192.168.63.100/32, 192.168.0.21/32, 192.168.0.112/32 }
zone press { level 1  networks 10.0.0.3/32, 192.168.10.0/24, 192.168.63.253/32, 192.168.0.20/32 }`;

  /** Client messages that tshark finds by its own reassembly, counted by hand; how many segments with payload reach port 502. */
  it.each([
    // Three reads, then writes (5, 5, 6); TLS, HTTP and what else strangers try, from six other clients.
    ['modbus_and_nonmodbus_p502_zeek.pcap', 3],
    // UMAS from its first message on.
    ['modicon_umas_iti.pcap', 0],
    // The capture begins within its conversations.
    ['modbus_iti_test.pcap', 0],
  ])('%s: %i segments reach the server', (name, reached) => {
    const engine = new Engine(plant(readOnly, zones).files);
    const capture = readFileSync(`${captures}${name}`);
    const dropped = engine.droppedFrames(capture);
    let passed = 0;
    for (const [number, frame] of framesOf(capture).entries()) {
      const header = 14 + ((frame[14] ?? 0) & 15) * 4;
      const toServer = frame.readUInt16BE(header + 2) === 502 && frame[23] === 6;
      const payload = frame.readUInt16BE(16) - (header - 14) - ((frame[header + 12] ?? 0) >> 4) * 4;
      if (toServer && payload > 0 && !dropped.has(number + 1)) passed += 1;
    }
    expect(passed).toBe(reached);
    engine.dispose();
  });
});

/** Frames of a capture in either byte order. */
function framesOf(capture: Buffer): Buffer[] {
  const little = capture.readUInt32LE(0) === 0xa1b2c3d4;
  const frames: Buffer[] = [];
  for (let at = 24; at + 16 <= capture.length;) {
    const length = little ? capture.readUInt32LE(at + 8) : capture.readUInt32BE(at + 8);
    frames.push(capture.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

describe.each(['legacy', 'nf_tables'])('%s', (backend) =>
  describeUnless(missingRequirement() ?? missingSuricata(), 'suricata in the queue of a gateway', () => {
    let gateway: KernelGateway;
    let engine: Engine;
    let running: StationProgram;

    beforeAll(async () => {
      gateway = await KernelGateway.create({
        interfaces: [
          { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'], station: { addresses: ['10.0.1.5/24', '2001:db8:1::5/64'] } },
          { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], station: { addresses: ['10.0.2.7/24', '2001:db8:2::7/64'] } },
        ],
      });
      const ruleset = plant(`${readOnly}\nflow other { from office to press allow tcp 7 }`, '', `backend ${backend}`);
      engine = new Engine(ruleset.files);
      await engine.load(gateway, ruleset.files);
      running = await engine.start(gateway, 0);
    });
    afterAll(async () => {
      await running.stop('SIGKILL');
      engine.dispose();
      await gateway.dispose();
    });

    async function serve(address: string, port: string): Promise<StationProgram> {
      const serving = startInStation(gateway, 'eth1', [program('stream-server.mjs'), port, address]);
      await serving.line(/^listening/);
      return serving;
    }

    function stream(serving: StationProgram, port: number): string {
      return serving.lines.findLast((line) => line.startsWith(`got ${port} `))?.split(' ')[2] ?? '';
    }

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
      const serving = await serve(address, '502');
      const talking = startInStation(gateway, 'eth0', [program('segment-client.mjs'), address, '502']);
      const first = 20_000;
      for (const index of live.keys()) talking.say(`open ${first + index}`);
      await Promise.all([...live.keys()].map(async (index) => talking.line(new RegExp(`^opened ${first + index}$`))));
      for (const round of [0, 1]) {
        for (const [index, [, segments]] of live.entries()) if (segments[round] !== undefined) talking.say(`write ${first + index} ${segments[round] ?? ''}`);
        await wait(40);
      }
      await wait(1700);
      expect(live.map(([name], index) => [name, stream(serving, first + index)])).toEqual(live.map(([name, , delivered]) => [name, delivered]));
      await talking.stop('SIGKILL');
      await serving.stop();
    });

    it('a real server of Modbus answers reads, and gets no write', async () => {
      const serving = startInStation(gateway, 'eth1', [program('modbus-server.mjs'), '502', '10.0.2.7']);
      await serving.line(/^listening/);
      const talking = startInStation(gateway, 'eth0', [program('segment-client.mjs'), '10.0.2.7', '502']);
      talking.say('open 24000');
      await talking.line(/^opened 24000$/);
      for (let round = 1; round <= 20; round += 1) {
        talking.say(`write 24000 ${message('03 0000 0001', round.toString(16).padStart(4, '0'))}`);
        await talking.line(new RegExp(`^answered 24000 ${round * 11}$`));
      }
      talking.say(`write 24000 ${write}`);
      await wait(500);
      expect(talking.lines.findLast((line) => line.startsWith('answered'))).toBe('answered 24000 220');
      expect(engine.messages().some((line) => /^zw gw: function 6 \(poll plant\.zone:\d+\)$/u.test(line))).toBe(true);
      await talking.stop('SIGKILL');
      await serving.stop();
    });

    it('a byte that a socket marks as urgent does not make a write of a read', async () => {
      const serving = await serve('10.0.2.7', '502');
      const talker = startInStation(gateway, 'eth0', [program('urgent-client.pl'), '10.0.2.7', '502', message('03 06 00 01 ff'), otherRead], {
        command: 'perl',
      });
      const opened = await talker.line(/^opened /u);
      await talker.line(/^written/u);
      await wait(700);
      await talker.stop('SIGKILL');
      expect(stream(serving, Number(opened.split(' ')[1]))).not.toContain(message('06 00 01 ff 00'));
      await serving.stop();
    });

    it('without Suricata nothing that it looks into passes, all else does; with it new conversations do', { timeout: 60_000 }, async () => {
      const serving = await serve('10.0.2.7', '502');
      const echoing = await serve('10.0.2.7', '7');
      const talking = startInStation(gateway, 'eth0', [program('segment-client.mjs'), '10.0.2.7', '502']);
      const other = startInStation(gateway, 'eth0', [program('segment-client.mjs'), '10.0.2.7', '7']);
      talking.say('open 25000');
      await talking.line(/^opened 25000$/);
      talking.say(`write 25000 ${read}`);
      await talking.line(/^answered 25000 30$/);

      await running.stop('SIGKILL');
      talking.say(`write 25000 ${otherRead}`);
      talking.say('open 25001');
      other.say('open 25002');
      await other.line(/^opened 25002$/);
      other.say(`write 25002 ${http}`);
      await other.line(/^answered 25002 30$/);
      await wait(1500);
      expect(stream(serving, 25_000)).toBe(read);
      expect(talking.lines).not.toContain('opened 25001');

      running = await engine.start(gateway, 0);
      talking.say('open 25003');
      await talking.line(/^opened 25003$/, 10_000);
      talking.say(`write 25003 ${read}`);
      await talking.line(/^answered 25003 30$/);
      // Whose start the new one has not seen.
      await wait(2000);
      expect(stream(serving, 25_000)).toBe(read);
      await talking.stop('SIGKILL');
      await other.stop('SIGKILL');
      await serving.stop();
      await echoing.stop();
    });
  }),
);
