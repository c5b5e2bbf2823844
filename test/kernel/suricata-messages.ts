// Messages of DNP3 and EtherNet/IP as hex, and what a server makes of a stream of them. The idea: whoever judges an engine reads the stream as
// the server does, from the standards (IEEE 1815, sections 8 and 9; The CIP Networks Library, volumes 1 and 2), and not as the engine does.

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Iterable<number>): string => Buffer.from(Uint8Array.from(bytes)).toString('hex');
const little = (value: number, size = 2): number[] => Array.from({ length: size }, (_, index) => (value >>> (8 * index)) & 255);
const numberAt = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);

/** The check sum of DNP3. */
function checkSum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >>> 1) ^ 0xa6bc : sum >>> 1;
  }
  return ~sum & 0xffff;
}

/** A frame of the link layer with what the user says; `wrong`: with a wrong check sum behind that. */
export function frame(control: number, said = '', { wrong = false, source = 1, destination = 10 } = {}): string {
  const user = bytesOf(said);
  const head = Uint8Array.of(0x05, 0x64, 5 + user.length, control, ...little(destination), ...little(source));
  const bytes = [...head, ...little(checkSum(head))];
  for (let at = 0; at < user.length; at += 16) {
    const block = user.subarray(at, at + 16);
    bytes.push(...block, ...little(checkSum(block) ^ (wrong ? 1 : 0)));
  }
  return hexOf(bytes);
}

/** User data of a master that wants no confirmation; of a station. */
const fromMaster = 0xc4;
const fromStation = 0x44;

/** A piece of the transport function: its first byte says whether it is the first (0x40) and the last (0x80). */
export function piece(header: number, said: string): string {
  return frame(fromMaster, hexOf([header]) + said);
}

/** A request in one piece. */
export function request(code: number, objects = '', options: { readonly wrong?: boolean; readonly control?: number } = {}): string {
  return frame(options.control ?? fromMaster, `c0c0${hexOf([code])}${objects}`, options);
}

export function response(): string {
  return frame(fromStation, 'c0c081 0000', { source: 10, destination: 1 });
}

/** What a station does with a stream: functions of whole requests, and frames of the link layer. `lax`: it does not look at check sums of what the user says. */
export function stationDoes(stream: string, { lax = false } = {}): string[] {
  const bytes = bytesOf(stream);
  const done: string[] = [];
  let fragment: number[] | undefined;
  for (let at = 0; at + 10 <= bytes.length;) {
    const head = bytes.subarray(at, at + 8);
    if (head[0] !== 0x05 || head[1] !== 0x64 || numberAt(bytes, at + 8) !== checkSum(head)) {
      // It looks for the next frame.
      at += 1;
      continue;
    }
    const control = head[3] ?? 0;
    const said: number[] = [];
    let good = true;
    at += 10;
    for (let left = (head[2] ?? 0) - 5; left > 0; left -= 16) {
      const block = bytes.subarray(at, at + Math.min(left, 16));
      at += block.length;
      if (numberAt(bytes, at) !== checkSum(block)) good = false;
      at += 2;
      said.push(...block);
    }
    if (at > bytes.length) break;
    if (control !== 0xc4 && control !== 0xf3 && control !== 0xd3) done.push(`link 0x${control.toString(16)}`);
    else if (good || lax) {
      const [header = 0, ...rest] = said;
      if ((header & 0x40) !== 0) fragment = [];
      fragment?.push(...rest);
      if (fragment !== undefined && (header & 0x80) !== 0) {
        done.push(`function ${fragment[1]}`);
        fragment = undefined;
      }
    }
  }
  return done;
}

/** A message of EtherNet/IP: command, length, session, status, context and options, then what the command says. */
export function encapsulated(command: number, said = ''): string {
  const body = bytesOf(said);
  return hexOf([...little(command), ...little(body.length), ...little(1, 4), ...little(0, 4), ...little(0, 8), ...little(0, 4), ...body]);
}

const unconnectedItems = '0200 0000 0000';

/** A request of CIP outside a connection (send-rr-data); `items`: what stands before it. */
export function unconnected(service: string, items = unconnectedItems): string {
  const body = bytesOf(service);
  return encapsulated(0x6f, `00000000 0000 ${items} b200 ${hexOf(little(body.length))} ${hexOf(body)}`);
}

/** A request of CIP to attribute 1 of instance 1 of class 1. */
export function service(code: number, said = ''): string {
  return `${hexOf([code])} 03 20 01 24 01 30 01 ${said}`;
}

/** Unconnected Send: the message router of another slot gets what is inside. */
export function sentOn(inside: string): string {
  const body = bytesOf(inside);
  return `52 02 20 06 24 01 0a 0e ${hexOf(little(body.length))} ${hexOf(body)} 01 00 01 00`;
}

/** Several requests in one. */
export function several(inside: readonly string[]): string {
  const bodies = inside.map(bytesOf);
  let offset = 2 + 2 * bodies.length;
  const offsets = bodies.map((body) => {
    const at = offset;
    offset += body.length;
    return hexOf(little(at));
  });
  return `0a 02 20 02 24 01 ${hexOf(little(bodies.length))} ${offsets.join('')} ${bodies.map(hexOf).join('')}`;
}

/** What a device does with a stream: commands, and services of the item that carries a request, whatever carries them. */
export function deviceDoes(stream: string): string[] {
  const bytes = bytesOf(stream);
  const done: string[] = [];
  const serve = (body: Uint8Array): void => {
    const code = body[0] ?? 0;
    done.push(`service 0x${code.toString(16)}`);
    const data = body.subarray(2 + 2 * (body[1] ?? 0));
    if (code === 0x52 && body[3] === 0x06) serve(data.subarray(4, 4 + numberAt(data, 2)));
    if (code === 0x0a) for (let index = 0; index < numberAt(data, 0); index++) serve(data.subarray(numberAt(data, 2 + 2 * index)));
  };
  for (let at = 0; at + 24 <= bytes.length;) {
    const command = numberAt(bytes, at);
    const body = bytes.subarray(at + 24, at + 24 + numberAt(bytes, at + 2));
    if (body.length < numberAt(bytes, at + 2)) break;
    at += 24 + body.length;
    done.push(`command 0x${command.toString(16)}`);
    if (command !== 0x6f) continue;
    for (let item = 8; item + 4 <= body.length; item += 4 + numberAt(body, item + 2))
      if (numberAt(body, item) === 0xb2) serve(body.subarray(item + 4, item + 4 + numberAt(body, item + 2)));
  }
  return done;
}
