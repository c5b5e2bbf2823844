/**
 * One message of a function, as bytes of a packet.
 *
 * Takes a packet as the policy sees it, gives bytes from its IP header on that a program can be asked about: the first form of the function's messages
 * (`src/catalogue/frames.ts`), filled with the least that stands there. What is not recognised is three bytes that begin no message.
 */
import { type Form, hasLengthField, wordsOf } from '../../../src/catalogue/frame.ts';
import { frames } from '../../../src/catalogue/frames.ts';
import { formatAddress4, formatAddress6 } from '../../../src/net/address.ts';
import type { Packet } from '../../../src/packets/packet.ts';
import { functionTable } from '../../../src/policy/gateway-policy.ts';
import { encodePacket } from '../../kernel/frames.ts';

const unrecognised = Uint8Array.of(0xfe, 0xfe, 0xfe);

/** Undefined for a packet of another protocol than TCP or UDP. */
export function carrying({ source, destination, protocol, sourcePort, value, functionNumber }: Packet): Uint8Array | undefined {
  if (protocol !== 6 && protocol !== 17) return undefined;
  const text = (address: Packet['source']): string => (address.family === 4 ? formatAddress4(address.value) : formatAddress6(address.value));
  const payload = messageOf(functionNumber, protocol);
  const ports = { sourcePort, destinationPort: value, ...(payload === undefined ? {} : { payload }) };
  const transport = protocol === 6 ? ({ kind: 'tcp', flags: 'PA', ...ports } as const) : ({ kind: 'udp', ...ports } as const);
  return encodePacket({ source: text(source), destination: text(destination), transport })[0];
}

function messageOf(number: number, protocol: 6 | 17): Uint8Array | undefined {
  const message = functionTable.message(number);
  if (message.kind === 'none') return undefined;
  if (message.kind === 'other') return unrecognised;
  const { codes, layer, protocol: name } = message.function;
  const form = frames
    .get(name)
    ?.forms.find((one) => one.layer === layer.name && (one.on ?? (protocol === 6 ? 'tcp' : 'udp')) === (protocol === 6 ? 'tcp' : 'udp'));
  const [code] = codes;
  return form === undefined || code?.number === undefined || typeof code.sub === 'string' ? unrecognised : filled(form, code.number, code.sub);
}

function filled(form: Form, code: number, sub: number | undefined): Uint8Array {
  const { length, function: place } = form;
  const width = form.divided.get(code) ?? 0;
  const second = sub ?? 0;
  const said = !hasLengthField(length)
    ? 0
    : ((width > 0 ? form.dividedLengths.get(code * 65_536 + second) : form.lengths.get(code))?.[0] ?? length.least + 2 * width);
  const bytes = new Uint8Array(hasLengthField(length) ? length.message(said) : length.first);
  const put = (at: number, size: number, value: number): void => {
    for (let index = 0; index < size; index += 1) bytes[at + index] = Math.floor(value / 256 ** (size - 1 - index)) % 256;
  };
  for (const { at, size, values } of form.fixed) put(at, size, values[0]?.first ?? 0);
  if (hasLengthField(length))
    for (let index = 0; index < length.size; index += 1)
      put(length.at + (length.order === 'big' ? length.size - 1 - index : index), 1, Math.floor(said / 256 ** index) % 256);
  put(place.at, place.size, wordsOf(place, code)[0] ?? 0);
  if (width > 0) put(place.at + place.size, width, second);
  return bytes;
}
