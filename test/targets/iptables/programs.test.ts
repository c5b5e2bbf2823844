/**
 * Programs that look into messages: what the reader makes of them is what a machine does with packets, and what was meant.
 *
 * Takes the programs that flows get, gives them packets whose fate is written by hand (`kernel/protocol-messages.ts`, `kernel/modbus-messages.ts`), and
 * reads them back. A mutant that the reader takes for the original must do the same with every packet of a large heap.
 */
import { describe, expect, it } from 'vitest';
import { frames, whyNotTold } from '../../../src/catalogue/frames.ts';
import { functionsText, unionFunctions } from '../../../src/packets/function-set.ts';
import { allFunctions } from '../../../src/packets/functions.ts';
import { functionTable } from '../../../src/policy/gateway-policy.ts';
import { messageChain } from '../../../targets/iptables/messages.ts';
import { saidBy } from '../../../targets/iptables/read-messages.ts';
import { Refusal } from '../../../targets/iptables/read-tree.ts';
import { Table } from '../../../targets/iptables/table.ts';
import { keyword } from '../../../targets/iptables/tokens.ts';
import { Draw } from '../../generators/draw.ts';
import { compileText, rulesetOf } from '../../generators/compile.ts';
import { encodePacket, type Packet } from '../../kernel/frames.ts';
import { among, controlling, diagnosing, encoded, nameOf, reading, type Row, type Sample, samples, writing } from '../../kernel/modbus-messages.ts';
import { type Asked, type Case, cases, messagesOf, type Transport } from '../../kernel/protocol-messages.ts';
import { accepts, isLoadable, parseBytecode } from './bpf-machine.ts';

const most = Number(process.env['ZW_PROGRAM_MUTANTS'] ?? 12);
const families = [4, 6] as const;
type Family = (typeof families)[number];
const numberOf = { tcp: 6, udp: 17 } as const;

interface Written {
  readonly text: string;
  readonly transport: Transport;
}

function programsIn(text: string): readonly Written[] {
  const found = new Map<string, Written>();
  for (const [, transport, program] of text.matchAll(/-p (tcp|udp) -m bpf --bytecode "([^"]+)"/gu))
    if (program !== undefined) found.set(`${transport} ${program}`, { text: program, transport: transport === 'udp' ? 'udp' : 'tcp' });
  return [...found.values()];
}

/** The programs of a flow, as they stand in the file of a family. */
function programsOf(service: string, family: Family): readonly Written[] {
  const [, what = '', requests = ''] = /^(.*?)( requests \w+)?$/u.exec(service) ?? [];
  const compiled = compileText(`policy "Messages" { revision 1 }
zone a { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
flow f { from a  to b  allow ${what} ${requests} }
gateway gw {
  target iptables
  interface eth0 { faces a  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces b  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage none "x"
}`);
  expect(compiled.errors).toEqual([]);
  const { files } = rulesetOf(compiled);
  return programsIn(files.find(({ name }) => name === (family === 4 ? 'iptables.rules' : 'ip6tables.rules'))?.text ?? '');
}

type Tcp = Extract<Packet['transport'], { kind: 'tcp' }>;

function packetOf(family: Family, transport: Transport, payload: Uint8Array | undefined, more: Partial<Tcp> = {}, packet: Partial<Packet> = {}): Uint8Array {
  const [source, destination] = family === 4 ? ['10.0.1.5', '10.0.2.7'] : ['2001:db8:1::5', '2001:db8:2::7'];
  const ports = { sourcePort: 4000, destinationPort: 502, ...(payload === undefined ? {} : { payload }) };
  const [bytes] = encodePacket({
    source,
    destination,
    transport: transport === 'tcp' ? { kind: 'tcp', flags: 'PA', sequence: 1001, acknowledgement: 9001, ...ports, ...more } : { kind: 'udp', ...ports },
    ...packet,
  });
  if (bytes === undefined) throw new Error('no packet');
  return bytes;
}

/** Whether some program accepts each of the packets. */
function passing(programs: readonly Written[], transport: Transport, packets: readonly Uint8Array[]): readonly boolean[] {
  const mine = programs.filter((one) => one.transport === transport);
  return mine.map(({ text }) => packets.map((packet) => accepts(text, packet))).reduce((a, b) => a.map((passes, at) => passes || b[at] === true));
}

/** What passes and should not, or the other way round. */
function wrongOf<Sample>(
  samples: readonly Sample[],
  of: { readonly packet: (sample: Sample) => Uint8Array; readonly right: (sample: Sample) => boolean; readonly name: (sample: Sample) => string },
  programs: readonly Written[],
  transport: Transport,
): readonly string[] {
  const verdicts = passing(programs, transport, samples.map(of.packet));
  return samples.flatMap((sample, at) => (verdicts[at] === of.right(sample) ? [] : [`${of.name(sample)}: ${verdicts[at] === true ? 'passes' : 'blocked'}`]));
}

/** A packet with another number in two of its bytes. */
function withHalf(packet: Uint8Array, at: number, change: (value: number) => number): Uint8Array {
  const changed = Uint8Array.from(packet);
  const view = new DataView(changed.buffer);
  view.setUint16(at, change(view.getUint16(at)));
  return changed;
}

/** The same message behind headers of every kind, and whether it may pass. */
function headers(
  family: Family,
  transport: Transport,
  payload: Uint8Array | undefined,
): { readonly name: string; readonly packet: Uint8Array; readonly right: boolean }[] {
  const [ip, length] = family === 4 ? [20, 2] : [40, 4];
  const plain = packetOf(family, transport, payload);
  const found: { name: string; packet: Uint8Array; right: boolean }[] = [];
  const add = (name: string, packet: Uint8Array, right: boolean): number => found.push({ name, packet, right });
  for (const by of [-1, 1, 256])
    add(
      `a length of ${by} more`,
      withHalf(plain, length, (value) => value + by),
      false,
    );
  if (family === 4) {
    add('options of IP', packetOf(family, transport, payload, {}, { options: Uint8Array.of(1, 1, 1, 1) }), false);
    for (const first of [0x44, 0x46, 0x55]) add(`a first byte of ${first}`, Uint8Array.from(plain).fill(first, 0, 1), false);
  } else {
    add('a header before the transport', packetOf(family, transport, payload, {}, { extensions: [{ kind: 'destination' }] }), false);
  }
  if (transport === 'udp') {
    for (const by of [-1, 1])
      add(
        `a datagram of ${by} more`,
        withHalf(plain, ip + 4, (value) => value + by),
        false,
      );
    return found;
  }
  for (let words = 5; words <= 15; words += 1)
    for (const reserved of [0, 1, 2, 4, 8, 15]) {
      const options = new Uint8Array(words * 4 - 20).fill(1);
      add(`${words} words, reserved ${reserved}`, packetOf(family, transport, payload, { options, reserved }), reserved < 2);
    }
  for (const flags of ['', 'S', 'A', 'FPA', 'RA', 'PAE', 'PAC']) add(`flags ${flags}`, packetOf(family, transport, payload, { flags }), true);
  for (const flags of ['U', 'PAU', 'SU']) add(`flags ${flags}`, packetOf(family, transport, payload, { flags }), false);
  for (let words = 0; words < 5; words += 1) add(`${words} words`, Uint8Array.from(plain).fill(words * 16, ip + 12, ip + 13), false);
  return found;
}

const perFamily = cases.flatMap((one) => families.map((family) => [`${one.service}, ${one.transport}, IPv${family}`, one, family] as const));

describe('programs that look into messages', () => {
  it.each(perFamily)('pass what was written by hand: %s', (_, one, family) => {
    const programs = programsOf(one.service, family);
    const asked = messagesOf(one, 1);
    const packet = ({ payload }: Asked): Uint8Array => packetOf(family, one.transport, payload);
    expect(wrongOf(asked, { packet, right: ({ right }) => right, name: ({ name }) => name }, programs, one.transport)).toEqual([]);
    expect(asked.filter(({ right }) => right).length).toBeGreaterThan(2);
    const first = asked.find(({ right }) => right);
    const framed = [...headers(family, one.transport, first?.payload), ...headers(family, one.transport, undefined)];
    expect(wrongOf(framed, { packet: ({ packet }) => packet, right: ({ right }) => right, name: ({ name }) => name }, programs, one.transport)).toEqual([]);
  });

  const modbus: readonly (readonly [service: string, rows: readonly Row[]])[] = [
    ['modbus read', reading],
    ['modbus diagnostics', diagnosing],
    ['modbus { write, control }', [...writing, ...controlling]],
  ];
  it.each(modbus.flatMap(([service, rows]) => families.map((family) => [`${service}, IPv${family}`, service, rows, family] as const)))(
    'pass the functions of Modbus among 256: %s',
    (_, service, rows, family) => {
      for (const transport of ['tcp', 'udp'] as const) {
        const programs = programsOf(`${service} on ${transport} 502`, family);
        const packet = (sample: Sample): Uint8Array => packetOf(family, transport, encoded(sample));
        expect(wrongOf(samples(), { packet, right: (sample) => among(rows, sample), name: nameOf }, programs, transport)).toEqual([]);
      }
    },
  );

  it('read ∘ emit = the functions, for sets at random', () => {
    const draw = Draw.seeded(7);
    let compared = 0;
    for (const [protocol, { envelopes }] of frames) {
      const own = functionTable.among(allFunctions).filter((one) => one.protocol === protocol && !envelopes.has(one.name));
      for (let round = 0; round < 2; round += 1) {
        const share = draw.integer(1, 4);
        const chosen = own.filter(() => draw.integer(0, share - 1) === 0);
        for (const transport of ['tcp', 'udp'] as const) {
          if (chosen.length === 0 || whyNotTold(chosen, transport) !== undefined) continue;
          for (const family of families.slice(round % 2, (round % 2) + 1)) {
            const table = new Table(family, 'zw', undefined, 1);
            messageChain(table, [numberOf[transport]], unionFunctions(functionTable.none, functionTable.set(chosen)), keyword('-j ACCEPT'));
            const rules = table.chains.flatMap((chain) => chain.rules).join('\n');
            const said = programsIn(rules).map(({ text }) => saidBy(text, { family, transport: numberOf[transport] }, 1).messages);
            expect(functionsText(unionFunctions(...said))).toBe(functionsText(unionFunctions(functionTable.none, functionTable.set(chosen))));
            compared += 1;
          }
        }
      }
    }
    expect(compared).toBeGreaterThan(15);
  });
});

/** Packets of a case: its messages behind plain headers, those that pass with every bit changed, and some behind every header. */
function heap(one: Case | undefined, transport: Transport, family: Family): readonly Uint8Array[] {
  const payloads: Uint8Array[] = one === undefined ? samples().map(encoded) : messagesOf(one, 3).map(({ payload }) => payload);
  const right =
    one === undefined
      ? samples()
          .filter((sample) => among([...reading, ...writing], sample))
          .filter((_, at) => at % 9 === 0)
          .map(encoded)
      : messagesOf(one, 3).flatMap((each) => (each.right ? [each.payload] : []));
  const framed = [...right.slice(0, 3), undefined].flatMap((payload) => headers(family, transport, payload).map(({ packet }) => packet));
  const changed = right
    .slice(0, 12)
    .flatMap((payload) =>
      Array.from({ length: Math.min(payload.length, 40) * 8 }, (_, bit) => payload.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))),
    );
  return [...framed, ...[...payloads, ...changed].map((payload) => packetOf(family, transport, payload)), packetOf(family, transport, undefined)];
}

/** One change of one instruction, or two that stand the wrong way round. */
function mutant(text: string, draw: Draw): string {
  const program = parseBytecode(text).map((instruction) => [...instruction] as [number, number, number, number]);
  const kind = draw.integer(0, 6);
  // Where it jumps is said by branches alone.
  const places = program.flatMap(([code], index) => (code % 8 === 5 || kind < 2 || kind > 4 ? [index] : []));
  const at = places[draw.integer(0, places.length - 1)] ?? 0;
  const [one, next] = [program[at], program[at + 1]];
  if (one === undefined) throw new Error('no instruction');
  switch (kind) {
    case 0:
      one[3] = Math.max(0, one[3] + (draw.integer(0, 1) === 0 ? 1 : -1));
      break;
    case 1:
      one[3] = (one[3] ^ (1 << draw.integer(0, 15))) >>> 0;
      break;
    case 2:
      one[1] = Math.max(0, one[1] + (draw.integer(0, 1) === 0 ? 1 : -1));
      break;
    case 3:
      one[2] = Math.max(0, one[2] + (draw.integer(0, 1) === 0 ? 1 : -1));
      break;
    case 4:
      [one[1], one[2]] = [one[2], one[1]];
      break;
    case 5:
      one[0] =
        [0x15, 0x1d, 0x25, 0x35, 0x45, 0x28, 0x30, 0x48, 0x50, 0x60, 0x61, 0x02, 0x07, 0x04, 0x0c, 0x14, 0x1c, 0x54, 0x74, 0x94, 0x34, 0x06][
          draw.integer(0, 21)
        ] ?? 0;
      break;
    default:
      if (next === undefined) one[3] ^= 1;
      else [program[at], program[at + 1]] = [next, one];
  }
  return [program.length, ...program.map((instruction) => instruction.join(' '))].join(',');
}

/** What the reader makes of a program; undefined if it refuses. */
function read({ text, transport }: Written, family: Family): string | undefined {
  try {
    return functionsText(saidBy(text, { family, transport: numberOf[transport] }, 1).messages);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** More instructions in front of one; what jumps over them jumps further. */
function withMore(text: string, at: number, more: (last: number) => readonly (readonly [number, number, number, number])[]): string {
  const program = parseBytecode(text);
  const added = more(program.length - 1);
  const further = (from: number, distance: number): number => distance + (from < at && from + 1 + distance > at ? added.length : 0);
  const moved = program.map(([code, whenTrue, whenFalse, k], index) =>
    code % 8 === 5 ? ([code, further(index, whenTrue), further(index, whenFalse), k] as const) : ([code, whenTrue, whenFalse, k] as const),
  );
  const all = [...moved.slice(0, at), ...added, ...moved.slice(at)];
  return [all.length, ...all.map((instruction) => instruction.join(' '))].join(',');
}

describe('a program that asks twice', () => {
  it('whether lengths are alike, is refused: it takes odd messages alone', () => {
    const original = programsOf('enip diagnostics', 4).find(({ text }) => text.includes(',29 0 '));
    if (original === undefined) throw new Error('no program');
    const relation = parseBytecode(original.text).findIndex(([code]) => code === 0x1d);
    const at = relation + 1;
    // The length with its last bit must not be that of the packet.
    const text = withMore(original.text, at, (last) => [
      [0x44, 0, 0, 1],
      [0x1d, last + 2 - (at + 1) - 1, 0, 0],
    ]);
    const message = Uint8Array.from(Buffer.from('6300000000000000000000000102030405060708000000', 'hex'));
    const packets = [24, 25].map((size) =>
      packetOf(
        4,
        'tcp',
        Uint8Array.from({ length: size }, (_, index) => (index === 2 ? size - 24 : (message[index] ?? 0))),
      ),
    );
    const odd = packets.map((packet) => packet.map((byte, index) => (index === 40 ? 0 : byte)));
    expect(odd.map((packet) => accepts(original.text, packet))).toEqual([true, true]);
    expect(odd.map((packet) => accepts(text, packet))).toEqual([true, false]);
    expect(read({ ...original, text }, 4)).toBeUndefined();
    // The same place with nothing that matters reads as before.
    expect(read({ ...original, text: withMore(original.text, at, () => [[0x04, 0, 0, 0]]) }, 4)).toBe(read(original, 4));
  });
});

describe('mutants of programs', () => {
  const some: readonly (readonly [service: string, one: Case | undefined])[] = [
    ['modbus read', undefined],
    ['modbus { write, diagnostics } on udp 502', undefined],
    ...cases.map((one) => [one.service, one] as const),
  ];
  it.each(some.flatMap(([service, one], index) => [[`${service}, IPv${families[index % 2] ?? 4}`, service, one, families[index % 2] ?? 4] as const]))(
    'are refused, or mean something else: %s',
    (_, service, one, family) => {
      const draw = Draw.seeded(service.length * 31 + family);
      const programs = programsOf(service, family);
      const heaps = new Map<Transport, readonly Uint8Array[]>();
      let [told, same] = [0, 0];
      for (let round = 0; round < most; round += 1) {
        const original = programs[draw.integer(0, programs.length - 1)];
        if (original === undefined) throw new Error('no program');
        const changed: Written = { ...original, text: mutant(original.text, draw) };
        if (changed.text === original.text) continue;
        if (read(changed, family) !== read(original, family)) {
          told += 1;
          continue;
        }
        same += 1;
        if (!isLoadable(changed.text)) continue;
        const packets = heaps.get(original.transport) ?? heap(one, original.transport, family);
        heaps.set(original.transport, packets);
        const before = packets.map((packet) => accepts(original.text, packet));
        const wrong = packets.find((packet, at) => accepts(changed.text, packet) !== before[at]);
        expect(wrong === undefined ? undefined : `${original.text}\n${changed.text}\n${Buffer.from(wrong).toString('hex')}`).toBeUndefined();
      }
      // Some change nothing: a value that no packet has, a load that is not used.
      expect(told).toBeGreaterThan(same * 2);
    },
  );
});
