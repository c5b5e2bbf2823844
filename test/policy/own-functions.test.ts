/**
 * Functions in a gateway's own lines: what its clients may say to it and it to its servers, by hand, for the plain evaluation and the packet sets
 * alike; and every target that can say it emits just that.
 */
import { describe, expect, it } from 'vitest';
import { functionsNamed } from '../../src/catalogue/functions.ts';
import { functionTable } from '../../src/model/functions.ts';
import { noFunction, otherFunction } from '../../src/packets/functions.ts';
import type { Packet } from '../../src/packets/packet.ts';
import { check } from '../../src/pipeline/check.ts';
import { proveFiles } from '../../src/pipeline/prove.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { policySets, policySpace } from '../../src/policy/sets.ts';
import type { Target } from '../../src/target/target.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { iptables } from '../../targets/iptables/index.ts';
import { nftables } from '../../targets/nftables/index.ts';
import { Draw } from '../generators/draw.ts';
import { withResets } from '../generators/plants.ts';
import { compileText, type Compiled, judgementDay, rulesetOf } from '../generators/compile.ts';

const randomPlants = Number(process.env['ZW_OWN_PLANTS'] ?? 4);
const firstSeed = Number(process.env['ZW_OWN_SEED'] ?? 1);

function plant(lines: string, target: string, address?: string): Compiled {
  return compileText(text(lines, target, address));
}

function text(lines: string, target: string, address = '10.0.1.1/24, 2001:db8:1::1/64'): string {
  return `policy "Own" { revision 1 }
zone office { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
host hmi in office { address 10.0.1.5, 2001:db8:1::5 }
host plc in press { address 10.0.2.7, 2001:db8:2::7 }
gateway g {
  target ${target}
  interface eth0 { faces office  address ${address} }
  interface eth1 { faces press  address 10.0.2.1/24, 2001:db8:2::1/64 }
  ${lines}
}`;
}

const lines = `manage from hmi allow modbus read
  receive from office allow modbus { function 6 }
  send to plc allow modbus read
  send to press allow s7comm read, ntp`;

const targets: readonly (readonly [text: string, target: Target])[] = [
  ['nftables', nftables],
  ['iptables', iptables],
  ['iptables { sets no }', iptables],
];

const plants: readonly (readonly [name: string, lines: string, address?: string])[] = [
  ['lines that overlap', lines],
  ['beside a bare port', `${lines}\n  receive from 10.0.1.6-10.0.1.9 allow tcp 502 { log }`],
  ['a dynamic address', lines, 'dynamic'],
  ['rates', 'manage from 10.0.1.5 allow modbus read { rate 5/second burst 3  log }\n  send to 10.0.2.7 allow modbus read { rate 1/minute burst 2  count }'],
  ['units', 'manage from hmi allow modbus read unit 3 address 100-140'],
];

/** Lines whose peers, ports and functions overlap. */
function randomLines(seed: number): string {
  const draw = Draw.seeded(seed);
  const peers = ['hmi', 'plc', 'office', 'press', 'any', '10.0.1.4-10.0.1.30', '10.0.2.7, hmi'];
  const said = [
    'modbus read',
    'modbus write',
    'modbus { function 3, function 6 }',
    's7comm read',
    'tcp 502',
    'modbus read on udp 502',
    'tcp 100-600',
    'modbus on tcp 502',
  ];
  return Array.from({ length: draw.integer(1, 6) }, () => {
    const [word, preposition] = draw.pick([
      ['manage', 'from'],
      ['receive', 'from'],
      ['send', 'to'],
    ]);
    const services = draw.some(said, 2, 1).join(', ');
    return `${word} ${preposition} ${draw.pick(peers)} allow ${services} ${draw.chance(20) ? '{ log count }' : ''}`;
  }).join('\n  ');
}

describe('a gateway tells functions of its own traffic apart', () => {
  it.each(
    plants.flatMap(([name, own, address]) =>
      // iptables tells functions alone.
      targets.filter(([text]) => name !== 'units' || text === 'nftables').map(([text, target]) => [name, text, own, target, address] as const),
    ),
  )('%s, %s', (_name, text, own, target, address) => {
    const { policy, files, mark } = rulesetOf(plant(own, text, address));
    const proof = proveFiles(
      policy,
      policySets(policy, policySpace(policy)),
      target,
      files.filter((file) => file.loader !== true),
      mark,
    );
    expect(proof).toEqual({ kind: 'equal' });
  });

  it(`for ${randomPlants} random plants from seed ${firstSeed}`, () => {
    for (let seed = firstSeed; seed < firstSeed + randomPlants; seed++) {
      const own = randomLines(seed);
      for (const [text, target] of targets) {
        const { policy, files, mark } = rulesetOf(plant(own, seed % 2 === 0 ? withResets(text) : text, seed % 3 === 0 ? 'dynamic' : undefined));
        const emitted = files.filter((file) => file.loader !== true);
        const proof = proveFiles(policy, policySets(policy, policySpace(policy)), target, emitted, mark);
        if (proof.kind !== 'equal') throw new Error(`seed ${seed}, ${text}: ${'how' in proof ? proof.how : proof.kind}\n${own}`);
      }
    }
  });

  it.each([
    ['iptables { messages none }', 'manage from hmi allow modbus read', 'functions of modbus in lines of the gateway itself'],
    ['iptables { inspect-with suricata }', 'manage from hmi allow modbus { function 3 }', 'functions of modbus in lines of the gateway itself'],
    ['openwrt', 'manage from hmi allow modbus read', 'functions of modbus in lines of the gateway itself'],
    ['vyos', 'send to plc allow modbus read', 'functions of modbus in lines of the gateway itself'],
    ['nftables', 'manage from hmi allow cip read', 'functions of cip in lines of the gateway itself'],
    ['nftables', 'manage from hmi allow any except modbus write', 'functions of modbus in lines of the gateway itself'],
    ['nftables', 'manage from hmi allow dnp3 read', 'naming functions of dnp3, in which either side may ask, for traffic of the gateway itself'],
  ])('%s refuses %s', (target, own, what) => {
    const { errors } = plant(own, target);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(what);
  });

  it('says that Suricata looks into what is forwarded alone', () => {
    const { diagnostics } = check('own.zone', {
      date: judgementDay,
      targets: capabilitiesByName,
      read: () => Buffer.from(text('manage from hmi allow modbus { function 3 }', 'iptables { inspect-with suricata }')),
    });
    expect(diagnostics.map(({ code, notes }) => [code, notes])).toEqual([
      ['ZW5003', ['suricata looks into what is forwarded alone; without it the rules tell functions of modbus here']],
    ]);
  });
});

function functionOf(code: number): number {
  const found = functionsNamed('modbus').find(({ codes }) => codes.some(({ number, sub }) => number === code && sub === undefined));
  if (found === undefined) throw new Error(`Modbus has no ${code}`);
  return functionTable.number(found);
}

const said = { nothing: noFunction, read: functionOf(3), write: functionOf(6), coils: functionOf(15), unknown: otherFunction } as const;
type Said = keyof typeof said;
const everything = Object.keys(said) as readonly Said[];

/** Between the gateway (.1) and a peer. */
function packet(
  hook: 'input' | 'output',
  peer: number,
  what: Said,
  state: 'new' | 'established',
  direction: Packet['direction'],
  markCurrent: boolean,
): Packet {
  const office = peer < 0x0a00_0200;
  const [own, other] = [
    { family: 4, value: office ? 0x0a00_0101 : 0x0a00_0201 },
    { family: 4, value: peer },
  ] as const;
  const face = office ? 'eth0' : 'eth1';
  return {
    hook,
    inInterface: hook === 'input' ? face : undefined,
    outInterface: hook === 'output' ? face : undefined,
    source: hook === 'input' ? other : own,
    destination: hook === 'input' ? own : other,
    protocol: 6,
    sourcePort: direction === 'original' ? 40_000 : 502,
    value: direction === 'original' ? 502 : 40_000,
    functionNumber: said[what],
    hopLimit: 64,
    state,
    direction,
    markCurrent,
    local: true,
  };
}

const [hmi, station, plc, drive] = [0x0a00_0105, 0x0a00_0106, 0x0a00_0207, 0x0a00_0208] as const;

describe.each<[name: string, hook: 'input' | 'output', peer: number, may: readonly Said[]]>([
  ['the union of two lines', 'input', hmi, ['nothing', 'read', 'write']],
  ['one line', 'input', station, ['nothing', 'write']],
  ['what the gateway asks', 'output', plc, ['nothing', 'read']],
  ['no line', 'output', drive, []],
])('%s', (_, hook, peer, may) => {
  const { house, policy } = rulesetOf(plant(lines, 'nftables'));
  const sets = policySets(policy);
  const judge = (one: Packet): readonly boolean[] => {
    const verdict = evaluate(house, one);
    return [verdict.accepted, verdict.marks, sets.space.contains(sets.accepted, one), sets.space.contains(sets.marked, one)];
  };

  it.each(everything)('%s', (what) => {
    const right = may.includes(what);
    expect(judge(packet(hook, peer, what, 'new', 'original', false))).toEqual([right, right, right, right]);
    expect(judge(packet(hook, peer, what, 'established', 'original', false))).toEqual([right, right, right, right]);
    // Within a conversation that was judged: where no line looks, what runs goes on.
    const runs = right || may.length === 0;
    expect(judge(packet(hook, peer, what, 'established', 'original', true))).toEqual([runs, false, runs, false]);
    expect(judge(packet(hook, peer, what, 'new', 'original', true))).toEqual([runs, false, runs, false]);
  });

  it('answers are free', () => {
    const back = hook === 'input' ? 'output' : 'input';
    for (const what of everything) {
      expect(judge(packet(back, peer, what, 'established', 'reply', true))).toEqual([true, false, true, false]);
      const open = may.length > 0;
      expect(judge(packet(back, peer, what, 'established', 'reply', false))).toEqual([open, open, open, open]);
    }
  });
});
