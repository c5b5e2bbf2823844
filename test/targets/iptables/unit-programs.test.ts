/**
 * Programs that ask for units and addresses of Modbus: a machine does with requests at every border what arithmetic says, the reader gives back the whole
 * set of messages, and a mutant that it does not refuse does with every request what is read of it.
 *
 * Takes the flows and requests of `kernel/unit-requests.ts`, where what may pass is written by hand. Mutants are not drawn but listed: every number, jump
 * and instruction of every program, changed by little; a share of them in a short run, all with `ZW_UNIT_MUTANTS=all`.
 */
import { describe, expect, it } from 'vitest';
import { allFunctions, containsMessage, type FunctionSet, functionBox, functionsText, unionFunctions } from '../../../src/packets/function-set.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { functionTable } from '../../../src/policy/gateway-policy.ts';
import { policySets, possible } from '../../../src/policy/sets.ts';
import { parseIpsets } from '../../../targets/iptables/read-ipset.ts';
import { saidBy } from '../../../targets/iptables/read-messages.ts';
import { parseRestore } from '../../../targets/iptables/read-restore.ts';
import { Refusal } from '../../../targets/iptables/read-tree.ts';
import { compileText, rulesetOf } from '../../generators/compile.ts';
import { edgePackets } from '../../generators/edge-packets.ts';
import { encodePacket } from '../../kernel/frames.ts';
import { cases, encoded, isRecognised, nameOf, type Sample, samples, touched } from '../../kernel/unit-requests.ts';
import { accepts, isLoadable, parseBytecode } from './bpf-machine.ts';
import { isSayable } from './example-messages.ts';
import { courses } from './interpreter.ts';

const everything = process.env['ZW_UNIT_MUTANTS'] === 'all';
const most = everything ? Number.POSITIVE_INFINITY : Number(process.env['ZW_UNIT_MUTANTS'] ?? 30);
const kinds = ([4, 6] as const).flatMap((family) => (['tcp', 'udp'] as const).map((transport) => ({ family, transport })));
type Kind = (typeof kinds)[number];

interface Looking {
  readonly program: string;
  readonly passes: boolean;
}

function plantOf(flows: string): string {
  return `policy "Units" { revision 1 }
zone office { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
${flows}
gateway gw {
  target iptables
  interface eth0 { faces office  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces press  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage none "x"
}`;
}

/** What rules do that look into messages, in their order. */
function looksOf(flows: string, { family, transport }: Kind): readonly Looking[] {
  const compiled = compileText(plantOf(flows));
  expect(compiled.errors).toEqual([]);
  const text = rulesetOf(compiled).files.find(({ name }) => name === (family === 4 ? 'iptables.rules' : 'ip6tables.rules'))?.text ?? '';
  const found = [...text.matchAll(/-p (\w+) -m bpf --bytecode "([^"]+)" .*-[jg] (\S+)$/gmu)];
  return found.flatMap(([, carrier, program = '', target]) => (carrier === transport ? [{ program, passes: target !== 'RETURN' }] : []));
}

function packetOf({ family, transport }: Kind, sample: Sample): Uint8Array {
  const [source, destination] = family === 4 ? ['10.0.1.5', '10.0.2.7'] : ['2001:db8:1::5', '2001:db8:2::7'];
  const ports = { sourcePort: 4000, destinationPort: 502, payload: encoded(sample) };
  const sent = transport === 'tcp' ? ({ kind: 'tcp', flags: 'PA', sequence: 1, acknowledgement: 1, ...ports } as const) : ({ kind: 'udp', ...ports } as const);
  const [bytes] = encodePacket({ source, destination, transport: sent });
  if (bytes === undefined) throw new Error('no packet');
  return bytes;
}

function said(program: string, { family, transport }: Kind): FunctionSet {
  return saidBy(program, { family, transport: transport === 'tcp' ? 6 : 17 }, 1).messages;
}

/** What the reader makes of a program; undefined if it refuses. */
function read(program: string, kind: Kind): FunctionSet | undefined {
  try {
    return said(program, kind);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

const modbus = functionTable.among(allFunctions).filter((one) => one.protocol === 'modbus');

function numbersOf(...codes: readonly number[]): readonly number[] {
  return codes.flatMap((code) => modbus.filter((one) => one.codes.some(({ number }) => number === code)).map((one) => functionTable.number(one)));
}

/** Whether a request is one of these messages. */
function holds(set: FunctionSet, sample: Sample): boolean {
  const [firstAddress, lastAddress] = touched(sample) ?? [sample.start, 65_536];
  return isRecognised(sample) && containsMessage(set, numbersOf(sample.code)[0] ?? -1, { unit: sample.unit, firstAddress, lastAddress });
}

/** In a short run each case over TCP and IPv4, and in turn behind the other headers. */
const named = Object.entries(cases).flatMap(([name, one], index) =>
  kinds
    .filter((_, at) => everything || at === 0 || at === 1 + (index % 3))
    .map((kind) => [`${name}, ${kind.transport} over IPv${kind.family}`, one, kind] as const),
);

describe('programs that ask for units and addresses', () => {
  it.each(named)('pass the requests that arithmetic passes: %s', (_, one, kind) => {
    const looks = looksOf(one.flows, kind);
    // What is meant with what is not recognised has the rest sent back first.
    const backs = looks.some(({ passes }) => !passes);
    const wrong: string[] = [];
    const counts = { passes: 0, blocked: 0 };
    const asked = samples(one);
    const packets = asked.map((sample) => packetOf(kind, sample));
    const matched = looks.map(({ program }) => packets.map((packet) => accepts(program, packet)));
    for (const [at, sample] of asked.entries()) {
      const passes = matched.some((verdicts) => verdicts[at]);
      const right = isRecognised(sample) && one.right(sample, touched(sample));
      counts[right ? 'passes' : 'blocked'] += 1;
      if (passes !== right) wrong.push(`${nameOf(sample)}: ${passes ? 'passes' : 'blocked'}`);
    }
    expect(backs).toBe(one.flows.includes('deny'));
    expect(wrong).toEqual([]);
    expect(Math.min(counts.passes, counts.blocked)).toBeGreaterThan(20);
  });

  it.each(kinds)('read ∘ emit = the messages, written by hand: $transport over IPv$family', (kind) => {
    const flows = cases['some units, some addresses of another']?.flows ?? '';
    const found = unionFunctions(...looksOf(flows, kind).map(({ program }) => said(program, kind)));
    const units = { first: 3, last: 3 };
    const within = { first: { first: 100, last: 299 }, last: { first: 0, last: 299 } };
    const identification = modbus.filter(({ name }) => name === 'read-device-identification').map((one) => functionTable.number(one));
    const wanted = unionFunctions(
      functionTable.none,
      ...numbersOf(5, 6, 22).map((one) => functionBox(one, { units, first: within.first })),
      ...numbersOf(1, 2, 3, 4, 15, 16, 23).map((one) => functionBox(one, { units, ...within })),
      ...[...numbersOf(1, 2, 3, 4, 20, 24), ...identification].map((one) => functionBox(one, { units: { first: 5, last: 6 } })),
    );
    expect(functionsText(found)).toBe(functionsText(wanted));
  });

  it('share out many units among several programs', () => {
    const list = Array.from({ length: 60 }, (_, index) => 4 * index + 1);
    const flows = `flow a { from office to press allow ${list.map((unit) => `modbus read unit ${unit} address 7-90`).join(', ')} }`;
    const kind = { family: 4, transport: 'tcp' } as const;
    const looks = looksOf(flows, kind);
    expect(looks.length).toBeGreaterThan(4);
    const passing = Array.from({ length: 256 }, (_, unit) => unit).filter((unit) => {
      const packet = packetOf(kind, { code: 3, unit, start: 7, quantity: 84 });
      return looks.some(({ program }) => accepts(program, packet));
    });
    expect(passing).toEqual(list);
  });
});

describe('a gateway that tells units and addresses', () => {
  it('passes by the interpreter what `evaluate` accepts', () => {
    const ruleset = rulesetOf(compileText(plantOf(cases['a wide range beside a single address']?.flows ?? '')));
    const text = (name: string): string => ruleset.files.find((file) => file.name === name)?.text ?? '';
    const dumps = { 4: parseRestore(text('iptables.rules')), 6: parseRestore(text('ip6tables.rules')) };
    const sets = parseIpsets(text('ipset.rules'));
    const around = { mark: ruleset.mark, interfaces: ['lo', ...ruleset.policy.interfaces.map(({ name }) => name)] };
    const { space } = policySets(ruleset.policy);
    const universe = possible(space);
    const wrong: string[] = [];
    let passing = 0;
    for (const packet of edgePackets(ruleset.house, ruleset.policy, 5, 1500)) {
      if (!isSayable(packet) || !space.contains(universe, packet)) continue;
      const { accepted } = evaluate(ruleset.house, packet);
      if (accepted && packet.details !== undefined) passing += 1;
      const passes = courses(dumps[packet.source.family], sets, packet, around).every((course) => course.passes);
      if (passes !== accepted) wrong.push(`${packet.functionNumber} ${JSON.stringify(packet.details)}: ${accepted ? 'blocked' : 'passes'}`);
    }
    expect(wrong).toEqual([]);
    expect(passing).toBeGreaterThan(5);
  });
});

const nothing: Sample = { code: 0, unit: 0, start: 0, quantity: 0 };

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, k: number];

/** Every number, jump and instruction changed by little, two that change places, and one that is left out. */
function mutantsOf(text: string): readonly string[] {
  const program: readonly Instruction[] = parseBytecode(text);
  const mutants: (readonly Instruction[])[] = [];
  for (const [at, [code, whenTrue, whenFalse, k]] of program.entries()) {
    const changed = (one: Instruction): void => void mutants.push(program.with(at, one));
    for (const by of [-1, 1]) {
      if (k + by >= 0) changed([code, whenTrue, whenFalse, k + by]);
      if (code % 8 === 5 && whenTrue + by >= 0) changed([code, whenTrue + by, whenFalse, k]);
      if (code % 8 === 5 && whenFalse + by >= 0) changed([code, whenTrue, whenFalse + by, k]);
    }
    for (const bit of [1, 3, 7, 8]) changed([code, whenTrue, whenFalse, (k ^ (1 << bit)) >>> 0]);
    if (code % 8 === 5) {
      changed([code, whenFalse, whenTrue, k]);
      for (const other of [0x15, 0x1d, 0x25, 0x35, 0x45]) if (other !== code) changed([other, whenTrue, whenFalse, k]);
    } else if (code !== 0x06) {
      for (const other of [0x28, 0x30, 0x48, 0x50, 0x60, 0x61, 0x02, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x74]) if (other !== code) changed([other, 0, 0, k]);
      // As good as left out.
      changed([0x04, 0, 0, 0]);
    }
    const next = program[at + 1];
    if (next !== undefined) mutants.push(program.with(at, next).with(at + 1, [code, whenTrue, whenFalse, k]));
  }
  return mutants.map((one) => [one.length, ...one.map((instruction) => instruction.join(' '))].join(','));
}

describe('mutants of programs that ask for units and addresses', () => {
  const some = cases['some units, some addresses of another'];
  if (some === undefined) throw new Error('no such case');
  it.each(kinds.filter(({ family, transport }) => everything || (family === 4) === (transport === 'tcp')))(
    'are refused, or do with each request what is read: $transport over IPv$family',
    (kind) => {
      const programs = looksOf(some.flows, kind).map(({ program }) => program);
      const all = programs.flatMap((program) => mutantsOf(program));
      const step = Math.max(1, Math.floor(all.length / most));
      // Each kind of packets has mutants of its own.
      const tried = all.filter((_, at) => (at + kinds.indexOf(kind) * 7) % step === 0);
      const asked = samples(some);
      const packets = asked.map((sample) => packetOf(kind, sample));
      const wrong: string[] = [];
      let refused = 0;
      for (const mutant of [...programs, ...tried]) {
        const set = read(mutant, kind);
        if (set === undefined) {
          refused += 1;
          continue;
        }
        if (!isLoadable(mutant)) continue;
        const other = packets.findIndex((packet, at) => accepts(mutant, packet) !== holds(set, asked[at] ?? nothing));
        if (other !== -1) wrong.push(`${mutant}\n${nameOf(asked[other] ?? nothing)}`);
      }
      expect(wrong).toEqual([]);
      expect(tried.length).toBeGreaterThan(20);
      expect(refused).toBeGreaterThan(tried.length * 0.6);
    },
    everything ? 3_600_000 : undefined,
  );
});
