// Suricata beside a gateway. Takes the files of gateways with `inspect-with suricata`, gives what Suricata does with conversations, made and
// captured. What should pass is written here from the Modbus specification.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeUnless } from '../described.ts';
import { answer, client, http, message, otherRead, plant, read, readOnly, write } from './suricata-plant.ts';
import { Conversations, Engine, missingSuricata, type Said } from './suricata.ts';

const captures = fileURLToPath(new URL('../../../shared/data/pcaps/', import.meta.url));
/** An answer to a write that nobody asked for, then HTTP. */
const junk = '000300000006010600010001474554202f20485454502f312e310d0a0d0a';
const bytesOf = (hex: string): string[] => hex.match(/../g) ?? [];

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
    unchanged ??= streams(files);
    expect(streams(changed)).not.toEqual(unchanged);
  });

  /** What servers get of all conversations above, with these files. */
  let unchanged: ReadonlyMap<number, string> | undefined;
  function streams(files: ReturnType<typeof plant>['files']): ReadonlyMap<number, string> {
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
    const engine = new Engine(files);
    const found = capture.delivered(engine);
    engine.dispose();
    return found;
  }

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
