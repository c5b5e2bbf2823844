// Messages of other protocols than Modbus, written by hand from the protocols' own descriptions: what passes for a service, and what does not. The
// idea: whoever looks into messages, a kernel or a program in a test, is asked about the same ones, whole, cut, joined and with other bytes.

export type Transport = 'tcp' | 'udp';

/** What a client says, by name; hexadecimal, blanks left out. */
type Messages = Readonly<Record<string, string>>;

export interface Case {
  readonly service: string;
  readonly transport: Transport;
  readonly port: number;
  /** What passes, whole, and nothing cut from it or joined to it. */
  readonly through: Messages;
  readonly stopped: Messages;
  /** Bytes of the first message that the layout says nothing of. */
  readonly free: readonly number[];
}

function hex(value: number, bytes: number): string {
  return value.toString(16).padStart(bytes * 2, '0');
}

function little(value: number, bytes: number): string {
  return (hex(value, bytes).match(/../gu) ?? []).toReversed().join('');
}

const size = (text: string): number => text.replaceAll(' ', '').length / 2;

/** RFC 1006: the length counts its own four bytes. */
const iso = (rest: string): string => `0300 ${hex(size(rest) + 4, 2)} ${rest}`;
const connect = iso('11 e0 0000 0001 00 c1020100 c2020102 c0010a');
const disconnect = iso('06 80 0000 0001 00');
const job = (parameters: string, data = ''): string => iso(`02f080 32 01 0000 0100 ${hex(size(parameters), 2)} ${hex(size(data), 2)} ${parameters} ${data}`);
const answer = (parameters: string, data = ''): string =>
  iso(`02f080 32 03 0000 0100 ${hex(size(parameters), 2)} ${hex(size(data), 2)} 0000 ${parameters} ${data}`);
const userdata = (group: number, sub: number, type = 4): string =>
  iso(`02f080 32 07 0000 0100 0008 0004 000112 04 11 ${hex(type * 16 + group, 1)} ${hex(sub, 1)} 00 0a000000`);
const setup = job('f0 00 0001 0001 01e0');
const readVariables = job('04 01 12 0a 10 02 0004 0001 84 000000');
const writeVariables = job('05 01 12 0a 10 02 0001 0001 84 000000', '00 04 0008 ff');
const acknowledged = '0300 0007 02f000';

/** A header of 24 bytes: command, length, session, status, context, options. */
const enip = (command: number, data = '', session = '00000000'): string =>
  `${little(command, 2)} ${little(size(data), 2)} ${session} 00000000 0102030405060708 00000000 ${data}`;

/** Link frames: what the user says in blocks of sixteen bytes, each with a check sum. */
function dnp3(control: string, user = ''): string {
  const flat = user.replaceAll(' ', '');
  const blocks = flat.match(/.{1,32}/gu) ?? [];
  return `0564 ${hex(5 + size(flat), 1)} ${control} 0100 0200 aaaa ${blocks.map((block) => `${block} bbbb`).join(' ')}`;
}
const dnp3Asks = (code: number, objects = ''): string => dnp3('c4', `c0 c1 ${hex(code, 1)} ${objects}`);

const fins = (command: number, text = ''): string => `80 00 02 00 01 00 00 02 00 01 ${hex(command, 2)} ${text}`;
const finsTcp = (rest: string, command: number): string => `46494e53 ${hex(size(rest) + 8, 4)} ${hex(command, 4)} 00000000 ${rest}`;

const hart = (id: number, rest = ''): string => `01 00 ${hex(id, 1)} 00 0001 ${hex(8 + size(rest), 2)} ${rest}`;
const hartLong = (command: number, data = ''): string => hart(3, `82 a6 06 bc 61 4e ${hex(command, 1)} ${hex(size(data), 1)} ${data} b0`);
const hartShort = (command: number, data = ''): string => hart(3, `02 80 ${hex(command, 1)} ${hex(size(data), 1)} ${data} 82`);

const bvlc = (code: string, rest: string): string => `81 ${code} ${hex(size(rest) + 4, 2)} ${rest}`;
const bacnetAsks = (service: number, data = ''): string => bvlc('0a', `01 04 00 05 01 ${hex(service, 1)} ${data}`);
const bacnetSays = (service: number, data = '', code = '0a'): string => bvlc(code, `01 00 10 ${hex(service, 1)} ${data}`);
const bacnetFar = (service: number): string => bvlc('0b', `01 20 ffff 00 ff 10 ${hex(service, 1)}`);

const hsmsData = (stream: number, code: number, data = '', asks = true): string =>
  `${hex(10 + size(data), 4)} 0001 ${hex(stream + (asks ? 128 : 0), 1)} ${hex(code, 1)} 00 00 00000007 ${data}`;
const hsmsControl = (type: number): string => `0000000a ffff 00 00 00 ${hex(type, 1)} 00000001`;

const ads = (command: number, data = '', flags = '0400'): string =>
  `0000 ${little(32 + size(data), 4)} 0a0000020101 5303 0a0000010101 8001 ${little(command, 2)} ${flags} ${little(size(data), 4)} 00000000 01000000 ${data}`;

const slmp3 = (command: number, data = ''): string => `5000 00 ff ff03 00 ${little(6 + size(data), 2)} 1000 ${little(command, 2)} 0000 ${data}`;
const slmp4 = (command: number, data = ''): string => `5400 3412 0000 00 ff ff03 00 ${little(6 + size(data), 2)} 1000 ${little(command, 2)} 0000 ${data}`;

const finsStopped: Messages = {
  'a write of memory': fins(0x0102, '82 0000 00 0001 0001'),
  run: fins(0x0401, 'ffff 04'),
  'program area write': fins(0x0307, '0000'),
};

export const cases: readonly Case[] = [
  {
    service: 's7comm read',
    transport: 'tcp',
    port: 102,
    through: {
      'read variables': readVariables,
      connect,
      disconnect,
      'set-up': setup,
      'an empty piece': acknowledged,
      'an answer to a read': answer('04 01', 'ff 04 0008 00'),
      'read clock': userdata(7, 1),
      'cyclic services': userdata(2, 1),
    },
    stopped: {
      'write variables': writeVariables,
      'plc stop': job('29 0000000000 09 50 5f 50 52 4f 47 52 41 4d'),
      'plc start': job('28 0000000000 fd 0000 09 50 5f 50 52 4f 47 52 41 4d'),
      'request download': job('1a 00 01 00 00000000 09 5f303830303030 3141'),
      'an answer to download block': answer('1b 00', '0004 00fb 7070'),
      'set clock': userdata(7, 2),
      'cpu functions': userdata(4, 1),
      password: userdata(5, 1),
      'no such function': job('06 01'),
      'S7comm plus': iso('02f080 72 01 0020 31 0000 04ca 0000 0001 0000 0120 3600 0000 0000'),
      MMS: iso('02f080 01000100 6130 3002 0103 a02b a029 0201 01a4 2480 0000'),
      'a piece that is not the last': readVariables.replace('02f080', '02f000'),
      'a connect request with a longer header': `0300 0080 7b e0 ${'00'.repeat(122)}`,
    },
    free: [9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30],
  },
  {
    service: 's7comm { read, program, control }',
    transport: 'tcp',
    port: 102,
    through: {
      'request download': job('1a 00 01 00 00000000 09 5f303830303030 3141'),
      'an answer to download block': answer('1b 00', '0004 00fb 7070'),
      'an answer to download ended': answer('1c'),
      'blocks in place': job('28 0000000000 fd 000a 01 00 30 38 30 41 5f 49 4e 53 45'),
      'plc stop': job('29 0000000000 09 50 5f 50 52 4f 47 52 41 4d'),
      'read variables': readVariables,
    },
    stopped: { 'write variables': writeVariables, 'set clock': userdata(7, 2), 'an answer to a write': answer('05 01', 'ff') },
    free: [9, 10, 11, 12, 13, 14, 15, 16, ...Array.from({ length: 17 }, (_, index) => 18 + index)],
  },
  {
    service: 'enip diagnostics',
    transport: 'tcp',
    port: 44818,
    through: {
      'list identity': enip(0x63),
      'register session': enip(0x65, '0100 0000'),
      'unregister session': enip(0x66, '', '05000000'),
      'list services': enip(0x04),
      nothing: enip(0x00, '0000'),
    },
    stopped: {
      'send RR data': enip(0x6f, '00000000 0000 0200 00000000 b2000600 0e03 2001 2401 3001'),
      'send unit data': enip(0x70, '00000000 0000 0200 a1000400 01000000 b1000200 0100'),
      'start DTLS': enip(0xc8),
      'list identity with data': enip(0x63, '00'),
      'no such command': enip(0x6363),
    },
    free: Array.from({ length: 20 }, (_, index) => 4 + index),
  },
  {
    service: 'dnp3 read requests forward',
    transport: 'tcp',
    port: 20000,
    through: {
      'read of classes': dnp3Asks(1, '3c02 06 3c03 06 3c04 06'),
      'a long read': dnp3Asks(1, '3c0206'.repeat(40)),
      confirm: dnp3Asks(0),
      'link status': dnp3('c9'),
      'reset of the link': dnp3('c0'),
      'test of the link': dnp3('d2'),
      acknowledge: dnp3('80'),
      'confirmed user data': dnp3('f3', 'c1 c2 01 3c01 06'),
    },
    stopped: {
      write: dnp3Asks(2, '5001 00 07 07 00'),
      operate: dnp3Asks(4, '0c01 28 01 00 00 00 03 01 64 00 00 00 64 00 00 00 00'),
      'direct operate': dnp3Asks(5),
      'cold restart': dnp3Asks(13),
      'open file': dnp3Asks(25),
      'the first of several frames': dnp3('c4', 'c0 41 01 3c02 06').replace('c0 c1', '40 c1').replace('c041', '4041'),
      'a frame that goes on': dnp3('c4', '81 3c02 06 01'),
      'an answer of an outstation': dnp3('44', 'c0 c1 81 0000'),
      'a length of five with data': '0564 05 c4 0100 0200 aaaa c0c101 bbbb',
    },
    free: [4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
  },
  {
    service: 'dnp3 read requests forward',
    transport: 'udp',
    port: 20000,
    through: { 'read of classes': dnp3Asks(1, '3c02 06') },
    stopped: { write: dnp3Asks(2, '5001 00 07 07 00'), operate: dnp3Asks(4) },
    free: [4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17],
  },
  {
    service: 'fins read',
    transport: 'udp',
    port: 9600,
    through: { 'memory area read': fins(0x0101, '82 0000 00 0001'), 'controller data': fins(0x0501), 'no answer wanted': fins(0x0601).replace('80', '81') },
    stopped: { ...finsStopped, 'an address that is not local': fins(0x0101, '82').replace('80 00', '80 01'), 'cut short': '80 00 02 00 01 00 00 02 00 01 01' },
    // A datagram has no length of its own: what stands behind a command belongs to it.
    free: [2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17],
  },
  {
    service: 'fins read',
    transport: 'tcp',
    port: 9600,
    through: { 'memory area read': finsTcp(fins(0x0101, '82 0000 00 0001'), 2), 'node address': finsTcp('00000000', 0) },
    stopped: {
      'a write of memory': finsTcp(fins(0x0102, '82 0000 00 0001 0001'), 2),
      run: finsTcp(fins(0x0401, 'ffff 04'), 2),
      'another frame command': finsTcp(fins(0x0101, '82 0000 00 0001'), 6),
      'without its header': fins(0x0101, '82 0000 00 0001'),
    },
    free: [12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 24, 25, 28, 29, 30, 31, 32, 33],
  },
  ...(['tcp', 'udp'] as const).map((transport): Case => ({
    service: 'hart-ip read',
    transport,
    port: 5094,
    through: {
      'read of the variable, long': hartLong(1),
      'read of the identifier, short': hartShort(0),
      'session initiate': hart(0, '01 0000ea60'),
      'session close': hart(1),
      'keep alive': hart(2),
    },
    stopped: {
      'write message, long': hartLong(17, '00'.repeat(24)),
      'reset, short': hartShort(42),
      'a read with bytes of expansion': hart(3, 'a2 a6 06 bc 61 4e 01 00 b0 00'),
      'an answer': hartLong(1).replace('01 00 03', '01 01 03'),
      'another version': hartLong(1).replace('01 00 03', '02 00 03'),
      'a burst': hart(3, '81 a6 06 bc 61 4e 01 00 b0'),
      'a session that says more': hart(0, '01 0000ea60 00'),
    },
    free: [3, 4, 5, 9, 10, 11, 12, 13, 15, 16],
  })),
  {
    service: 'bacnet read',
    transport: 'udp',
    port: 47808,
    through: {
      'read property': bacnetAsks(12, '0c 00000001 194d'),
      'who is': bacnetSays(8, '', '0b'),
      'who is, to one': bacnetSays(8),
      'who is, on all networks': bacnetFar(8),
      'an acknowledgement of a notification': bvlc('0a', '01 00 20 07 01'),
      'read of the broadcast table': bvlc('02', ''),
    },
    stopped: {
      'write property': bacnetAsks(15, '0c 00000001 194d 3e 21 05 3f'),
      'reinitialize device': bacnetAsks(20, '09 00'),
      'private transfer': bacnetAsks(18, '09 01 19 01'),
      'time synchronization': bacnetSays(6),
      'time synchronization, on all networks': bacnetFar(6),
      'a network behind a router': bvlc('0a', '01 24 0001 01 05 ff 00 05 01 0c 0c00000001'),
      'a message between routers': bvlc('0a', '01 80 00'),
      'a segment of a request': bvlc('0a', '01 04 08 05 01 00 01 0c 0c00000001'),
      'an answer to a write': bvlc('0a', '01 00 20 07 0f'),
      'write of the broadcast table': bvlc('01', ''),
      'a foreign device': bvlc('05', '003c'),
      forwarded: bvlc('04', 'c0a80001 bac0 01 00 10 08'),
    },
    free: [7, 8, 10, 11, 12, 13, 14, 15, 16],
  },
  {
    service: 'hsms read on tcp 5001 requests forward',
    transport: 'tcp',
    port: 5001,
    through: {
      S1F3: hsmsData(1, 3, '0100'),
      'S1F4, as an answer': hsmsData(1, 4, '0100', false),
      S1F13: hsmsData(1, 13),
      select: hsmsControl(1),
      linktest: hsmsControl(5),
      separate: hsmsControl(9),
    },
    stopped: {
      S2F41: hsmsData(2, 41, '0102'),
      S7F3: hsmsData(7, 3),
      S2F15: hsmsData(2, 15),
      'no such control message': hsmsControl(8),
      'another presentation': hsmsData(1, 3).replace('03 00 00', '03 01 00'),
      'a control message with data': '0000000b ffff 00 00 00 01 00000001 00',
    },
    free: [4, 5, 10, 11, 12, 13, 14, 15],
  },
  {
    service: 'ads read',
    transport: 'tcp',
    port: 48898,
    through: { read: ads(2, '0540 0000 00000000 04000000'), 'read state': ads(4), 'an answer': ads(2, '00000000', '0500') },
    stopped: {
      write: ads(3, '0540 0000 00000000 01000000 01'),
      'write control': ads(5, '0500 0000 00000000'),
      'read write': ads(9, '03f00000 00000000 04000000 01000000 41'),
      'not of ADS': ads(2, '00', '0000'),
      'no such command': ads(0x0200),
      'a header of another kind': ads(2).replace('0000', '0100'),
    },
    free: [...Array.from({ length: 16 }, (_, index) => 6 + index), ...Array.from({ length: 24 }, (_, index) => 26 + index)],
  },
  ...(['tcp', 'udp'] as const).map((transport): Case => ({
    service: `slmp read on ${transport} 5007`,
    transport,
    port: 5007,
    through: { 'read of devices, 3E': slmp3(0x0401, '640000a8 0300'), 'read of devices, 4E': slmp4(0x0401, '640000a8 0300') },
    stopped: {
      'write of devices, 3E': slmp3(0x1401, '640000a8 0100 0100'),
      'write of devices, 4E': slmp4(0x1401, '640000a8 0100 0100'),
      'remote stop': slmp3(0x1002, '0100'),
      'remote reset, 4E': slmp4(0x1006, '0100'),
      'in text': Buffer.from('500000FF03FF000018001004010000D*0001000003').toString('hex'),
      'the other order': slmp3(0x0104),
    },
    free: [2, 3, 4, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20],
  })),
];

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

/** A message with another value in one byte. */
function changed(message: Uint8Array, at: number, flip: number): Uint8Array {
  return message.map((byte, index) => (index === at ? byte ^ flip : byte));
}

/** A message, and whether it passes. */
export interface Asked {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly right: boolean;
}

/** All that is asked of a case; of cuts every so many. */
export function messagesOf(one: Case, step: number): readonly Asked[] {
  const asked: Asked[] = [];
  const add = (name: string, payload: Uint8Array, right: boolean): void => {
    asked.push({ name, payload, right });
  };
  for (const [name, text] of Object.entries(one.stopped)) add(name, bytes(text), false);
  for (const [name, text] of Object.entries(one.through)) add(name, bytes(text), true);
  const datagram = one.transport === 'udp' && one.service.startsWith('fins');
  for (const [name, text] of Object.entries(one.through)) {
    const whole = bytes(text);
    for (let cut = 1; cut < whole.length; cut += step) if (!datagram) add(`${name}, its first ${cut} bytes`, whole.slice(0, cut), false);
    if (datagram) continue;
    for (let cut = 1; cut < whole.length; cut += 7) add(`${name}, without its first ${cut} bytes`, whole.slice(cut), false);
    add(`${name} and a byte more`, Uint8Array.from([...whole, 0]), false);
    for (const [other, next] of Object.entries({ ...one.through, ...one.stopped }))
      add(`${name} and ${other}`, Uint8Array.from([...whole, ...bytes(next)]), false);
  }
  const [first = ''] = Object.values(one.through);
  const message = bytes(first);
  for (const at of one.free) add(`byte ${at} of the first is another`, changed(message, at, 0xa5), true);
  const held = Array.from({ length: message.length }, (_, at) => at).filter((at) => !one.free.includes(at));
  // A bit that no layout leaves open; in FINS that one says that a command is an answer.
  const flip = one.service.startsWith('fins') ? 0x20 : 0x40;
  for (const at of held) add(`byte ${at} of the first is ${(message[at] ?? 0) ^ flip}`, changed(message, at, flip), false);
  return asked;
}
