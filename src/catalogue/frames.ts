/**
 * The frames of protocols whose functions a gateway can tell in single packets, and why the others have none.
 *
 * Layouts were held against captures (`test/catalogue/captures.test.ts`). Messages that need more than a packet, or whose function stands at no
 * fixed place, are not recognised: who names functions does not let them pass.
 */
import { always, type DataPlace, type Form, form, type Frame, frame, lengthField, oneOf } from './frame.ts';
import type { ProtocolFunction } from './function.ts';
import { functionsNamed } from './functions.ts';
import type { TransportProtocol } from './protocol.ts';

function steps(first: number, by: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index * by);
}

/** What TCP carries in one segment of an Ethernet frame. */
const segment = 1460;

/** A first address and a quantity behind the code; a byte count behind them where data follow. */
function modbusData(most: number, bytes?: (quantity: number) => number): DataPlace {
  return { ranges: [{ start: 8, quantity: { at: 10, most } }], count: bytes === undefined ? undefined : { at: 12, bytes } };
}

const modbusSingle: DataPlace = { ranges: [{ start: 8, quantity: undefined }], count: undefined };
const bits = (quantity: number): number => Math.ceil(quantity / 8);
const registers = (quantity: number): number => 2 * quantity;

const modbus = frame('modbus', 'Modbus Application Protocol V1.1b3, Modbus Messaging on TCP/IP Implementation Guide V1.0b', [
  form({
    layer: 'request',
    // The protocol identifier of the MBAP header; its length counts the unit identifier and the request of at most 253 bytes.
    fixed: [always(2, '0000')],
    length: lengthField(4, { least: 2, most: 254, adds: 6 }),
    function: { at: 7 },
    lengths: new Map([
      ...[1, 2, 3, 4, 5, 6].map((code): [number, number[]] => [code, [6]]),
      ...[7, 11, 12, 17].map((code): [number, number[]] => [code, [2]]),
      // Bytes of coils; registers of two bytes; file records of seven.
      [15, steps(8, 1, 246)],
      [16, steps(9, 2, 123)],
      [20, steps(10, 7, 35)],
      [22, [8]],
      [23, steps(13, 2, 121)],
      [24, [4]],
      // UMAS has messages of its own size.
      [90, steps(2, 1, segment - 7)],
    ]),
    divided: new Map([
      [8, 2],
      [43, 1],
    ]),
    dividedLengths: new Map([[43 * 65_536 + 14, [5]]]),
    unit: 6,
    // V1.1b3, sections 6.1 to 6.6, 6.11, 6.12, 6.16, 6.17.
    data: new Map([
      ...[1, 2].map((code): [number, DataPlace] => [code, modbusData(2000)]),
      ...[3, 4].map((code): [number, DataPlace] => [code, modbusData(125)]),
      ...[5, 6, 22].map((code): [number, DataPlace] => [code, modbusSingle]),
      [15, modbusData(1968, bits)],
      [16, modbusData(123, registers)],
      [
        23,
        {
          ranges: [
            { start: 8, quantity: { at: 10, most: 125 } },
            { start: 12, quantity: { at: 14, most: 121 } },
          ],
          count: { at: 16, bytes: registers },
        },
      ],
    ]),
  }),
]);

/** The packet of RFC 1006: version 3, a zero, and a length that counts everything. */
const isoPacket = always(0, '0300');

const cotp = frame('cotp', 'RFC 905, section 13; RFC 1006, section 6', [
  // Behind the length of the header stands its code; the parameters name the two ends.
  form({ layer: 'connection', fixed: [isoPacket], length: lengthField(2, { least: 11, most: 100 }), function: { at: 5 } }),
  // Not the last piece, and nothing in it.
  form({ layer: 'data', fixed: [isoPacket, always(4, '02'), always(6, '00')], length: lengthField(2, { least: 7, most: 7 }), function: { at: 5 } }),
]);

/** One whole message of the transport, then the identifier of S7comm. The largest that its two sides agree on has 960 bytes behind the transport's seven. */
const s7Packet = [isoPacket, always(4, '02f080'), always(7, '32')];
const s7Length = lengthField(2, { least: 18, most: 967 });

const s7comm = frame('s7comm', 'captures of clients and controllers; the s7comm dissector', [
  form({ layer: 'job', fixed: [...s7Packet, always(8, '01')], length: s7Length, function: { at: 17 } }),
  // Its answer has an error code in the header: a controller asks for the blocks that it is given.
  form({ layer: 'job', fixed: [...s7Packet, always(8, '03')], length: s7Length, function: { at: 19 } }),
  form({
    layer: 'userdata',
    fixed: [...s7Packet, always(8, '07'), always(17, '000112')],
    length: s7Length,
    // The other half of the byte: pushed, asked, answered.
    function: { at: 22, beside: [0x00, 0x40, 0x80] },
    divided: new Map([[7, 1]]),
  }),
]);

const enip = frame(
  'enip',
  'the enip dissector; The CIP Networks Library, volume 2, section 2-3',
  [
    form({
      layer: 'command',
      // What follows the header of 24 bytes.
      length: lengthField(2, { least: 0, most: 16, adds: 24, order: 'little' }),
      function: { at: 0, size: 2, order: 'little' },
      lengths: new Map([
        [0x04, [0]],
        [0x63, [0]],
        [0x64, [0]],
        [0x65, [4]],
        [0x66, [0]],
      ]),
    }),
  ],
  ['send-rr-data', 'send-unit-data'],
);

/**
 * Five bytes of header are counted, and what the user says; a check sum of two bytes stands behind the header's eight and behind each sixteen of the user's.
 */
const dnp3Length = (least: number, most: number): Form['length'] => lengthField(2, { size: 1, least, most, adds: 5, sums: { behind: 5, every: 16, bytes: 2 } });

const dnp3Start = always(0, '0564');

const dnp3 = frame('dnp3', 'IEEE 1815-2012, sections 9.2, 8.2 and 4.2', [
  form({
    layer: 'application',
    // From a master: user data that wants to be confirmed or not; one fragment in one segment.
    fixed: [dnp3Start, oneOf(3, 0xc4, 0xd3, 0xe4, 0xf3), oneOf(10, { first: 0xc0, last: 0xff }), oneOf(11, { first: 0xc0, last: 0xff })],
    length: dnp3Length(8, 255),
    function: { at: 12 },
  }),
  form({
    layer: 'link',
    fixed: [dnp3Start],
    length: dnp3Length(5, 5),
    // The direction, the frame count and its validity.
    function: { at: 3, beside: [0x00, 0x10, 0x20, 0x30, 0x80, 0x90, 0xa0, 0xb0] },
  }),
]);

/** Commands and answers, routed or not, with or without a wish to be answered; then a zero. */
const finsHeader = (at: number): Form['fixed'] => [oneOf(at, 0x80, 0x81, 0xc0, 0xc1), always(at + 1, '00')];

const fins = frame(
  'fins',
  'Omron W421, section 3; the omron dissector',
  [
    form({ layer: 'command', on: 'udp', fixed: finsHeader(0), length: { first: 12, last: 2012 }, function: { at: 10, size: 2 } }),
    form({
      layer: 'command',
      on: 'tcp',
      fixed: [always(0, '46494e53'), always(8, '00000002'), ...finsHeader(16)],
      length: lengthField(4, { size: 4, least: 20, most: segment - 8, adds: 8 }),
      function: { at: 26, size: 2 },
    }),
    form({
      layer: 'tcp',
      on: 'tcp',
      fixed: [always(0, '46494e53'), always(8, '000000')],
      length: lengthField(4, { size: 4, least: 12, most: 12, adds: 8 }),
      function: { at: 11 },
    }),
  ],
  ['frame'],
);

const hartLength = (least: number, most: number): Form['length'] => lengthField(6, { least, most });

const hartIp = frame(
  'hart-ip',
  'the hart_ip dissector; captures of clients',
  [
    form({
      layer: 'message',
      fixed: [always(0, '0100')],
      length: hartLength(8, 13),
      function: { at: 2 },
      lengths: new Map([
        [0, [13]],
        [1, [8]],
        [2, [8]],
      ]),
    }),
    // A request to a device of a long address, or of a short one, without bytes of expansion.
    form({ layer: 'command', fixed: [always(0, '010003'), always(8, '82')], length: hartLength(17, 272), function: { at: 14 } }),
    form({ layer: 'command', fixed: [always(0, '010003'), always(8, '02')], length: hartLength(13, 268), function: { at: 10 } }),
  ],
  ['pass-through'],
);

/** To this one device: no network behind a router is named. Priorities, and whether an answer is expected. */
const bacnetLocal = [always(4, '01'), oneOf(5, { first: 0x00, last: 0x07 })];
const bacnetLength = lengthField(2, { least: 4, most: 1497 });

const bacnet = frame(
  'bacnet',
  'ANSI/ASHRAE 135-2020, clauses 6.2, 20.1 and J.2; captures of clients',
  [
    // Asked in one piece, and an answer in one piece to what a server asks.
    form({ layer: 'confirmed', fixed: [always(0, '810a'), ...bacnetLocal, oneOf(6, { first: 0x00, last: 0x07 })], length: bacnetLength, function: { at: 9 } }),
    form({ layer: 'confirmed', fixed: [always(0, '810a'), ...bacnetLocal, always(6, '20')], length: bacnetLength, function: { at: 8 } }),
    form({ layer: 'confirmed', fixed: [always(0, '810a'), ...bacnetLocal, always(6, '30')], length: bacnetLength, function: { at: 8 } }),
    form({ layer: 'unconfirmed', fixed: [always(0, '81'), oneOf(1, 0x0a, 0x0b), ...bacnetLocal, always(6, '10')], length: bacnetLength, function: { at: 7 } }),
    // The same to all networks, as clients look for devices.
    form({
      layer: 'unconfirmed',
      fixed: [always(0, '81'), oneOf(1, 0x0a, 0x0b), always(4, '01'), oneOf(5, { first: 0x20, last: 0x27 }), always(6, 'ffff00'), always(10, '10')],
      length: bacnetLength,
      function: { at: 11 },
    }),
    form({
      layer: 'link',
      fixed: [always(0, '81')],
      length: bacnetLength,
      function: { at: 1 },
      lengths: new Map([
        [0x00, [6]],
        [0x01, steps(4, 10, 51)],
        [0x02, [4]],
        [0x03, steps(4, 10, 51)],
        [0x05, [6]],
        [0x06, [4]],
        [0x07, steps(4, 10, 51)],
        [0x08, [10]],
      ]),
    }),
  ].map((one) => ({ ...one, on: 'udp' as const })),
  ['forwarded-npdu', 'distribute-broadcast-to-network', 'original-unicast-npdu', 'original-broadcast-npdu'],
);

const hsmsLength = (least: number, most: number): Form['length'] => lengthField(0, { size: 4, least, most, adds: 4 });

const hsms = frame(
  'hsms',
  'layout of SEMI E37 headers in public manuals of equipment',
  [
    // The stream has a bit beside it that asks for an answer.
    form({
      layer: 'data',
      on: 'tcp',
      fixed: [always(8, '0000')],
      length: hsmsLength(10, segment - 4),
      function: { at: 6, size: 2, beside: [0x0000, 0x8000] },
    }),
    form({ layer: 'control', on: 'tcp', fixed: [always(8, '00')], length: hsmsLength(10, 10), function: { at: 9 } }),
  ],
  ['data-message'],
);

const ads = frame('ads', 'the ams dissector; captures of clients', [
  form({
    layer: 'command',
    on: 'tcp',
    // Asked, or answered to what a server asks.
    fixed: [always(0, '0000'), oneOf(24, 0x04, 0x05), always(25, '00')],
    length: lengthField(2, { size: 4, order: 'little', least: 32, most: segment - 6, adds: 6 }),
    function: { at: 22, size: 2, order: 'little' },
  }),
]);

/** Binary messages without and with a serial number. Text begins with other bytes. */
const slmp = frame('slmp', 'frames 3E and 4E of public SLMP clients', [
  form({
    layer: 'command',
    fixed: [always(0, '5000')],
    length: lengthField(7, { order: 'little', least: 6, most: segment - 9, adds: 9 }),
    function: { at: 11, size: 2, order: 'little' },
  }),
  form({
    layer: 'command',
    fixed: [always(0, '5400')],
    length: lengthField(11, { order: 'little', least: 6, most: segment - 13, adds: 13 }),
    function: { at: 15, size: 2, order: 'little' },
  }),
]);

export const frames: ReadonlyMap<string, Frame> = new Map(
  [modbus, cotp, s7comm, enip, dnp3, fins, hartIp, bacnet, hsms, ads, slmp].map((one) => [one.protocol, one]),
);

/** Why single packets do not tell the functions of these. */
export const untoldProtocols: Readonly<Record<string, string>> = {
  cip: 'requests of CIP nest in each other, so that no byte at a fixed place says whether one writes',
  mms: 'MMS is written in BER: its function stands at no fixed place',
  opcua: 'OPC UA may be encrypted, and a call hides what it does',
  iec104: 'stations put several messages of IEC 104 into one segment as a matter of course',
  fox: 'Fox is text, in which a function stands at no fixed place',
};

/** The forms of a frame that tell a layer on a transport. */
function formsOf(protocol: string, layer: string, transport: TransportProtocol): readonly Form[] {
  return (frames.get(protocol)?.forms ?? []).filter((one) => one.layer === layer && (one.on ?? transport) === transport);
}

/** Whether messages of a protocol say which unit they are for. */
export function hasUnits(protocol: string): boolean {
  return (frames.get(protocol)?.forms ?? []).some((one) => one.unit !== undefined);
}

/** The data that messages of a function name: one address, many from a first to a last one, or none. */
export function addressesOf({ protocol, layer, codes }: ProtocolFunction): 'one' | 'many' | undefined {
  const [code, ...more] = codes;
  if (code?.number === undefined || code.sub !== undefined || more.length > 0) return undefined;
  const { number } = code;
  const data = frames
    .get(protocol)
    ?.forms.find((form) => form.layer === layer.name && form.data.has(number))
    ?.data.get(number);
  if (data === undefined) return undefined;
  return data.ranges.length === 1 && data.ranges[0]?.quantity === undefined ? 'one' : 'many';
}

/**
 * Why whole messages of these functions cannot be told from all others on a transport by their frames; undefined if they can. A code that
 * nothing divides belongs to all of its functions or to none.
 */
export function whyNotTold(functions: readonly ProtocolFunction[], transport: TransportProtocol): string | undefined {
  const chosen = new Set(functions);
  for (const one of functions) {
    const its = frames.get(one.protocol);
    if (its === undefined) return untoldProtocols[one.protocol] ?? `no layout of its messages is known for ${one.protocol}`;
    if (its.envelopes.has(one.name)) return `\`${one.protocol} ${one.name}\` is an envelope, which may hold any function`;
    const forms = formsOf(one.protocol, one.layer.name, transport);
    if (forms.length === 0) return `no layout of \`${one.protocol} ${one.name}\` is known on ${transport}`;
    for (const code of one.codes) {
      if (code.number === undefined) return `\`${one.protocol} ${one.name}\` has no number at a fixed place`;
      const { number } = code;
      if (typeof code.sub !== 'string' && forms.every((each) => each.divided.has(number))) continue;
      const twin = functionsNamed(one.protocol).find(
        (other) => !chosen.has(other) && other.layer.name === one.layer.name && other.codes.some((each) => each.number === number),
      );
      if (twin !== undefined)
        return `\`${one.protocol} ${one.name}\`${classOf(one)} and \`${twin.name}\`${classOf(twin)} have one function code, ${code.text.split(' ')[0] ?? ''}`;
    }
  }
  return undefined;
}

function classOf(one: ProtocolFunction): string {
  return one.class === undefined ? '' : ` (${one.class})`;
}
