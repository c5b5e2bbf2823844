/**
 * One message of a function, as bytes of a packet.
 *
 * Takes a packet as the policy sees it, gives bytes from its IP header on that a program can be asked about: the first form of the function's messages
 * (`src/catalogue/frames.ts`), filled with the least that stands there, to the unit and about the data that the packet has. What is not recognised is
 * three bytes that begin no message.
 */
import { type DataPlace, type Form, hasLengthField, wordsOf } from '../../../src/catalogue/frame.ts';
import { frames } from '../../../src/catalogue/frames.ts';
import { formatAddress4, formatAddress6 } from '../../../src/net/address.ts';
import { lastDataAddress, type MessageDetails, noDetails } from '../../../src/packets/function-set.ts';
import type { Packet } from '../../../src/packets/packet.ts';
import { functionTable } from '../../../src/policy/gateway-policy.ts';
import { encodePacket } from '../../kernel/frames.ts';

const unrecognised = Uint8Array.of(0xfe, 0xfe, 0xfe);

/** Undefined for a packet of another protocol than TCP or UDP. */
export function carrying({ source, destination, protocol, sourcePort, value, functionNumber, details }: Packet): Uint8Array | undefined {
  if (protocol !== 6 && protocol !== 17) return undefined;
  const text = (address: Packet['source']): string => (address.family === 4 ? formatAddress4(address.value) : formatAddress6(address.value));
  const payload = messageOf(functionNumber, protocol, details ?? noDetails);
  const ports = { sourcePort, destinationPort: value, ...(payload === undefined ? {} : { payload }) };
  const transport = protocol === 6 ? ({ kind: 'tcp', flags: 'PA', ...ports } as const) : ({ kind: 'udp', ...ports } as const);
  return encodePacket({ source: text(source), destination: text(destination), transport })[0];
}

/** Whether one message can say what the packet has: a quantity goes only so far, and counts upwards. Whose data no device has, counts none. */
export function isSayable({ protocol, functionNumber, details = noDetails }: Packet): boolean {
  const told = protocol === 6 || protocol === 17 ? formOf(functionNumber, protocol) : undefined;
  const [{ quantity } = { quantity: undefined }, ...more] = told?.form.data.get(told.code)?.ranges ?? [];
  const { firstAddress, lastAddress } = details;
  if (quantity === undefined || lastAddress > lastDataAddress) return true;
  return firstAddress <= lastAddress && (more.length > 0 || lastAddress - firstAddress < quantity.most);
}

function formOf(number: number, protocol: 6 | 17): { readonly form: Form; readonly code: number; readonly sub: number | undefined } | undefined {
  const message = functionTable.message(number);
  if (message.kind !== 'function') return undefined;
  const { codes, layer, protocol: name } = message.function;
  const form = frames
    .get(name)
    ?.forms.find((one) => one.layer === layer.name && (one.on ?? (protocol === 6 ? 'tcp' : 'udp')) === (protocol === 6 ? 'tcp' : 'udp'));
  const [code] = codes;
  return form === undefined || code?.number === undefined || typeof code.sub === 'string' ? undefined : { form, code: code.number, sub: code.sub };
}

function messageOf(number: number, protocol: 6 | 17, details: MessageDetails): Uint8Array | undefined {
  if (functionTable.message(number).kind === 'none') return undefined;
  const told = formOf(number, protocol);
  return told === undefined ? unrecognised : filled(told.form, told.code, told.sub, details);
}

/** First addresses and quantities, one for each range; none where the packet lies in no range. */
function quantitiesOf({ ranges }: DataPlace, { firstAddress, lastAddress }: MessageDetails): readonly (readonly [start: number, many: number])[] {
  if (lastAddress > lastDataAddress) return ranges.map(() => [firstAddress, 0]);
  if (ranges.length > 1) return ranges.map((_, index) => [index === 0 ? firstAddress : lastAddress, 1]);
  return [[firstAddress, lastAddress - firstAddress + 1]];
}

function filled(form: Form, code: number, sub: number | undefined, details: MessageDetails): Uint8Array {
  const { length, function: place } = form;
  const width = form.divided.get(code) ?? 0;
  const second = sub ?? 0;
  const data = form.data.get(code);
  const quantities = data === undefined ? [] : quantitiesOf(data, details);
  const counted = data?.count?.bytes(Math.max(1, quantities.at(-1)?.[1] ?? 0));
  const said = !hasLengthField(length)
    ? 0
    : data?.count !== undefined && counted !== undefined
      ? data.count.at + 1 + counted - length.adds
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
  if (form.unit !== undefined) put(form.unit, 1, details.unit);
  for (const [index, { start, quantity }] of (data?.ranges ?? []).entries()) {
    const [first = 0, many = 0] = quantities[index] ?? [];
    put(start, 2, first);
    if (quantity !== undefined) put(quantity.at, 2, many);
  }
  if (data?.count !== undefined && counted !== undefined) put(data.count.at, 1, counted);
  return bytes;
}
