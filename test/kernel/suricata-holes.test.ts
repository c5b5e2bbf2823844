// What Suricata's parsers of DNP3 and EtherNet/IP let pass. Takes the best rules that we know, by complement and with every guard, gives
// conversations in which a server does what these rules forbid. As long as one of them passes, no flow may rely on the parser
// (`src/catalogue/parsers.ts`); when one no longer does, look again.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeUnless } from '../described.ts';
import type { EmittedFile } from '../../src/target/target.ts';
import { missingRequirement } from './requirements.ts';
import { deviceDoes, encapsulated, frame, piece, request, response, sentOn, service, several, stationDoes, unconnected } from './suricata-messages.ts';
import { client, http, plant } from './suricata-plant.ts';
import { Queue, streamFrom } from './suricata-queue.ts';
import { Conversations, Engine, missingSuricata, type Said } from './suricata.ts';

// No standard port of EtherNet/IP: functions of Modbus cannot be named there (ZW2049).
const ports = { dnp3: 20_000, enip: 44_819 } as const;
type Protocol = keyof typeof ports;
const codes = Array.from({ length: 256 }, (_, code) => code);

/** Its rules for iptables lead what goes to these ports into the queue. */
const emitted = plant(
  Object.entries(ports)
    .map(([name, port]) => `flow ${name} { from office to press allow modbus { function 3 } on tcp ${port} inspect stream }`)
    .join('\n'),
);

/** The settings as emitted, but for the protocols that are looked for, and rules of the test's own. */
function filesFor(rules: readonly string[]): EmittedFile[] {
  const settings = emitted.files.find(({ name }) => name === 'suricata.yaml')?.text ?? '';
  const section = /^ {4}modbus:\n(?: {6}.*\n)+/mu.exec(settings)?.[0] ?? '';
  const sections = Object.entries(ports).map(([protocol, port]) => section.replace('modbus', protocol).replace(/dp: .*/u, `dp: ${port}`));
  return [
    { name: 'suricata.yaml', text: settings.replace(section, sections.join('')) },
    { name: 'suricata.rules', text: rules.map((rule, index) => `${rule.slice(0, -1)} sid:${index + 1};)\n`).join('') },
  ];
}

/** What every protocol gets: nothing passes before it is known. */
function guarded(protocol: Protocol, forbidden: readonly string[]): string[] {
  const ends = `any any -> any ${ports[protocol]}`;
  return [
    `alert ${protocol} ${ends} (flow:to_server; flowbits:set,zw.${protocol}; noalert;)`,
    `drop tcp ${ends} (flow:to_server; dsize:>0; flowbits:isnotset,zw.${protocol};)`,
    ...forbidden.map((options) => `drop ${protocol} ${ends} (flow:to_server; ${options};)`),
  ];
}

/** Of DNP3: confirm, read, delay measurement, record current time and authentication error, and no other. */
const mayBeAsked = [0, 1, 23, 24, 33];
const eventsOfDnp3 = ['flooded', 'len_too_small', 'bad_link_crc', 'bad_transport_crc', 'malformed', 'unknown_object'];
const codesOfDnp3 = codes.filter((code) => !mayBeAsked.includes(code)).map((code) => `dnp3_func:${code}`);
const dnp3Rules = guarded('dnp3', [...eventsOfDnp3.map((event) => `app-layer-event:dnp3.${event}`), ...codesOfDnp3]);

/** Of EtherNet/IP: those of a session and of discovery, and none of the other commands up to 255, among which are all that the specification has. */
const mayBeCommanded = [0x00, 0x04, 0x63, 0x64, 0x65, 0x66];
const commandRules = guarded(
  'enip',
  codes.filter((command) => !mayBeCommanded.includes(command)).map((command) => `enip_command:${command}`),
);
/** Of CIP: every service but reads of attributes and what carries others; of a number in `cip_service` it reads two digits, so that 100 would be 10. */
const mayBeServed = [0x01, 0x03, 0x0e, 0x0a, 0x52];
const serviceRules = guarded(
  'enip',
  codes.filter((code) => code < 100 && !mayBeServed.includes(code)).map((code) => `cip_service:${code}`),
);

const crob = '0c0117 01 00 03 01 64000000 00000000 00';
const read = request(1, '3c0206');
const operate = request(5, crob);
const resetLink = frame(0xc0);
const answered: readonly Said[] = [
  ['C', read],
  ['S', response()],
];
const register = encapsulated(0x65, '01000000');
const write = unconnected(service(0x10, '0100'));

type Conversation = readonly [name: string, said: readonly Said[]];

/** What servers get of conversations of a protocol, by their names; one start of Suricata for all. */
function delivered(rules: readonly string[], protocol: Protocol, conversations: readonly Conversation[]): ReadonlyMap<string, string> {
  const engine = new Engine(filesFor(rules));
  const capture = new Conversations();
  const numbers = conversations.map(([, said]) => capture.add({ client: '10.0.1.5', server: '10.0.2.7', port: ports[protocol] }, said));
  const streams = capture.delivered(engine);
  engine.dispose();
  return new Map(conversations.map(([name], index) => [name, streams.get(numbers[index] ?? 0) ?? '']));
}

describeUnless(missingSuricata(), 'what no rule for DNP3 sees', () => {
  const stopped: readonly Conversation[] = [
    ['an operate', client(operate)],
    ['an operate after a read', [...answered, ['C', operate]]],
    ['an operate behind a read in one segment', client(read + operate)],
    ['an operate in two segments', [...answered, ...client(operate.slice(0, 20), operate.slice(20))]],
    ['an operate in two frames', [...answered, ...client(piece(0x40, `c005 ${crob.slice(0, 8)}`), piece(0x81, crob.slice(8)))]],
    ['an operate of a client that says it is the station', client(request(5, crob, { control: 0x44 }))],
    ['an operate behind a first frame of a client that says it is the station', client(frame(0x40), operate)],
    ['an operate behind 600 reads', [...client(...Array.from({ length: 600 }, () => read)), ['C', operate]]],
    ['an operate behind a header with a wrong check sum', [...answered, ['C', `${frame(0xc9).slice(0, -4)}ffff${operate}`]]],
    ['an operate behind HTTP', client(http + operate)],
    ['an operate behind HTTP, after a read', [...answered, ['C', http + operate]]],
  ];
  const divided = [piece(0x40, 'c0'), piece(0x81, `05${crob}`)];
  // Events show themselves behind a request in the same segment alone.
  const shown: readonly Conversation[] = [
    ['a piece that ends before the function, behind a read in one segment', client(read + divided.join(''))],
    ['a wrong check sum, behind a read in one segment', client(read + request(5, crob, { wrong: true }))],
  ];
  const passing: readonly (readonly [...Conversation, does: string, lax: boolean])[] = [
    ['an operate with an object that it does not know', client(request(5, `c8010701ff${crob}`)), 'function 5', false],
    ['an operate with bytes behind its object', [...answered, ['C', request(5, `${crob} 0c0117`)]], 'function 5', false],
    [
      'an operate whose last frame has one byte',
      [...answered, ...client(piece(0x40, `c005${crob.slice(0, -2)}`), piece(0x81, crob.slice(-2)))],
      'function 5',
      false,
    ],
    ['an operate whose first frame ends before the function', client(resetLink, ...divided), 'function 5', false],
    ['the same after a read', [...answered, ...client(...divided)], 'function 5', false],
    ['the same in front of a read in one segment', [...answered, ...client(divided.join('') + read)], 'function 5', false],
    ['an operate with a wrong check sum, at a station that does not look at it', [...answered, ['C', request(5, crob, { wrong: true })]], 'function 5', true],
    ['a reset of the user process, which old stations obey', [...answered, ['C', frame(0xc1)]], 'link 0xc1', false],
    ['a request in a frame that is no user data', [...answered, ['C', frame(0xd2, `c0c005${crob}`)]], 'link 0xd2', false],
  ];
  let streams: ReadonlyMap<string, string>;
  beforeAll(() => {
    const whole = codes.flatMap((code): Conversation[] => [
      [`first ${code}`, client(request(code))],
      [`later ${code}`, [...answered, ['C', request(code)]]],
    ]);
    streams = delivered(dnp3Rules, 'dnp3', [...whole, ...stopped, ...shown, ...passing.map(([name, said]): Conversation => [name, said])]);
  });

  it.each(['first', 'later'])('all 256 codes of a whole request are told, %s', (where) => {
    expect(codes.filter((code) => streams.get(`${where} ${code}`)?.endsWith(request(code)))).toEqual(mayBeAsked);
  });
  it.each([...stopped, ...shown])('%s is stopped', (name) => {
    expect(stationDoes(streams.get(name) ?? '', { lax: true })).not.toContain('function 5');
  });
  it.each(passing)('%s reaches the station', (name, _, does, lax) => {
    expect(stationDoes(streams.get(name) ?? '', { lax })).toContain(does);
  });
});

describeUnless(missingSuricata(), 'what no rule for EtherNet/IP sees', () => {
  const session = ['command 0x65'];
  const written = [...session, 'command 0x6f', 'service 0x10'];
  const commands: readonly (readonly [...Conversation, does: readonly string[]])[] = [
    ['a command is stopped as the first one', client(write), []],
    ['a command in two segments is stopped as the first one', client(write.slice(0, 20), write.slice(20)), []],
    ['a command is stopped in a session', client(register, write), session],
    ['a command is stopped behind another one', client(register + write), []],
    ...[1, 10, 23].map(
      (at) => [`a command in ${at} bytes and the rest passes`, client(register, write.slice(0, 2 * at), write.slice(2 * at)), written] as const,
    ),
    ['a command passes whose first bytes stand behind another one', client(register + write.slice(0, 20), write.slice(20)), written],
  ];
  const services: readonly (readonly [...Conversation, does: readonly string[]])[] = [
    ['a write is stopped', client(register, write), session],
    ['a write is stopped among several requests', client(register, unconnected(several([service(0x0e), service(0x10, '0100')]))), session],
    ['a write in two segments passes', client(register, write.slice(0, 80), write.slice(80)), written],
    [
      'a write in an Unconnected Send passes',
      client(register, unconnected(sentOn(service(0x10, '0100')))),
      [...session, 'command 0x6f', 'service 0x52', 'service 0x10'],
    ],
    ['a write behind an item that is not expected passes', client(register, unconnected(service(0x10, '0100'), '0300 0000 0000 0100 0000')), written],
  ];
  const wholeCommands = codes.map((code): readonly [...Conversation, readonly string[]] => [`command ${code}`, client(register, encapsulated(code)), []]);
  const wholeServices = codes.map((code): readonly [...Conversation, readonly string[]] => [
    `service ${code}`,
    client(register, unconnected(service(code))),
    [],
  ]);
  let streams: ReadonlyMap<string, string>;
  beforeAll(() => {
    const of = (rules: readonly string[], some: typeof commands): ReadonlyMap<string, string> =>
      delivered(
        rules,
        'enip',
        some.map(([name, said]) => [name, said]),
      );
    streams = new Map([...of(commandRules, [...commands, ...wholeCommands]), ...of(serviceRules, [...services, ...wholeServices])]);
  });

  it.each([
    ['command', mayBeCommanded],
    // From 128 on they are answers.
    ['service', [...mayBeServed, ...codes.filter((code) => code >= 100)]],
  ] as const)('every %s that comes whole is told, services below 100 alone', (what, passes) => {
    const reached = codes.filter((code) => (streams.get(`${what} ${code}`) ?? '').length > register.length);
    expect(reached).toEqual(passes.toSorted((a, b) => a - b));
  });
  it.each([...commands, ...services])('%s', (name, _, does) => {
    expect(deviceDoes(streams.get(name) ?? '')).toEqual(does);
  });
});

describeUnless(missingRequirement() ?? missingSuricata(), 'in the queue of a gateway', () => {
  let queue: Queue;

  beforeAll(async () => {
    queue = await Queue.create(emitted.files, filesFor([...dnp3Rules, ...commandRules]));
  });
  afterAll(async () => queue.dispose());

  it.each([
    ['dnp3', [resetLink, operate], [resetLink, piece(0x40, 'c0'), piece(0x81, `05${crob}`)], ['link 0xc0'], ['link 0xc0', 'function 5'], stationDoes],
    [
      'enip',
      [register, write],
      [register, write.slice(0, 20), write.slice(20)],
      ['command 0x65'],
      ['command 0x65', 'command 0x6f', 'service 0x10'],
      deviceDoes,
    ],
  ] as const)('%s: what is forbidden is stopped in one piece, and passes in two', async (protocol, whole, divided, stops, passes, does) => {
    const port = String(ports[protocol]);
    const serving = await queue.serve('10.0.2.7', port, 'silent');
    const talking = queue.talk('10.0.2.7', port);
    for (const own of [20_001, 20_002]) talking.say(`open ${own}`);
    await Promise.all([20_001, 20_002].map(async (own) => talking.line(new RegExp(`^opened ${own}$`))));
    for (const round of [0, 1, 2]) {
      if (whole[round] !== undefined) talking.say(`write 20001 ${whole[round]}`);
      talking.say(`write 20002 ${divided[round] ?? ''}`);
      await wait(100);
    }
    await wait(300);
    expect(does(streamFrom(serving, 20_001))).toEqual(stops);
    expect(does(streamFrom(serving, 20_002))).toEqual(passes);
    await talking.stop('SIGKILL');
    await serving.stop();
  });
});
