/**
 * Requests that run backward on iptables: what is emitted equals the policy for flows that overlap in every way, and a rule about what the called
 * side says that is missing, wider or in another place is seen.
 *
 * Mutants are made of the rules that answers walk; an interpreter of single packets, with a machine of BPF, and `evaluate` judge them. What the
 * kernel does with these rules is asked from the kernel in `test/kernel/requests-backward.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { functionsNamed } from '../../../src/catalogue/functions.ts';
import { noFunction, otherFunction } from '../../../src/packets/functions.ts';
import type { Packet } from '../../../src/packets/packet.ts';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { functionTable } from '../../../src/policy/gateway-policy.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import type { EmittedFile, Target } from '../../../src/target/target.ts';
import { iptables } from '../../../targets/iptables/index.ts';
import { nftables } from '../../../targets/nftables/index.ts';
import { compileText, type Ruleset, rulesetOf } from '../../generators/compile.ts';
import { Draw } from '../../generators/draw.ts';
import { withResets } from '../../generators/plants.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { emitted, interpreted, judge, parsed, type Tally, total, wanted } from './mutation-judge.ts';

const randomPlants = Number(process.env['ZW_BACKWARD_PLANTS'] ?? 4);
const firstSeed = Number(process.env['ZW_BACKWARD_SEED'] ?? 1);
/** Mutants in the default run; all of them in a longer one. */
const mostMutants = Number(process.env['ZW_BACKWARD_MUTANTS'] ?? 30);

function plant(flows: string, target: string, four = false): Ruleset {
  const text = `policy "Back" { revision 1 }
zone office { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
host a in office { address 10.0.1.5, 2001:db8:1::5 }
host b in office { address 10.0.1.9 }
host seven in press { address 10.0.2.7, 2001:db8:2::7 }
host ten in press { address 10.0.2.10 }
${flows}
gateway g {
  target ${target}
  interface eth0 { faces office  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces press  routed  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage none "console only"
}`;
  // Of one family, if only that is asked.
  return rulesetOf(compileText(four ? text.replaceAll(/, 2001:[0-9a-f:]+(?:\/64)?/gu, '') : text));
}

const overlapping = `
flow reads { from a  to press  allow dnp3 read  requests backward  log }
flow writes { from office  to seven  allow dnp3 write  requests backward }
flow operates { from b  to press  allow dnp3 control  requests forward }
flow not_ten { from office  to ten  deny tcp 20000 }`;

const plants: readonly (readonly [name: string, flows: string])[] = [
  ['flows that overlap', overlapping],
  ['with the same on another way', `${overlapping}\nflow back { from press  to a  allow dnp3 control  requests backward }`],
  ['one wire', 'flow f { from press  to press  allow dnp3 read  requests backward }'],
  ['rates', 'flow f { from b  to press  allow dnp3 read  requests backward  rate 5/second burst 3  count }\nflow g { from office  to ten  allow tcp 20000 }'],
  [
    'a deny of functions',
    'flow f { from office  to press  allow dnp3 read  requests backward }\nflow n { from a  to ten  deny dnp3 control  requests forward }',
  ],
  [
    'more sets of functions than have lookups of their own',
    ['read', 'write', 'control', 'program', '{ read, write }', '{ read, control }', '{ function 1 }']
      .map((what, index) => `flow f${index} { from 10.0.1.${5 + index}-10.0.1.${20 + 3 * index}  to press  allow dnp3 ${what}  requests backward }`)
      .join('\n'),
  ],
  [
    'enough of them for sets of elements',
    Array.from({ length: 12 }, (_, at) => `flow f${at} { from 10.0.1.${10 + at}  to 10.0.2.${10 + at * 3}  allow dnp3 read  requests backward }`).join('\n'),
  ],
];

/** Hosts enough for a set of elements, where there are sets. */
const elements = [6, 16, 26, 36].map((host) => `flow more_${host} { from 10.0.1.${host}  to 10.0.2.8  allow dnp3 control  requests backward }`).join('\n');

const targets: readonly (readonly [text: string, target: Target])[] = [
  ['nftables', nftables],
  ['iptables', iptables],
  ['iptables { sets no }', iptables],
];

function proofOf(ruleset: Ruleset, target: Target, files: readonly EmittedFile[] = emitted(ruleset)): ReturnType<typeof proveFiles> {
  return proveFiles(ruleset.policy, policySets(ruleset.policy, policySpace(ruleset.policy)), target, files, ruleset.mark);
}

/** Flows whose sides, functions, ports and directions overlap. */
function randomFlows(seed: number): string {
  const draw = Draw.seeded(seed);
  const left = ['office', 'a', 'b', '10.0.1.4-10.0.1.9', 'a, b'];
  const right = ['press', 'seven', 'ten', '10.0.2.7-10.0.2.30'];
  const what = ['read', 'write', 'control', '{ read, write }', '{ function 1, function 5 }', 'read on tcp 20000-20003', 'read on udp 20000'];
  return Array.from({ length: draw.integer(2, 6) }, (_, index) => {
    const [from, to] = draw.chance(30) ? [draw.pick(right), draw.pick(left)] : [draw.pick(left), draw.pick(right)];
    const said = draw.chance(15)
      ? `${draw.pick(['allow', 'deny'])} ${draw.pick(['tcp 20000', 'udp 20000', 'tcp 20000-20001'])}`
      : draw.chance(75)
        ? `allow dnp3 ${draw.pick(what)} requests ${draw.pick(['backward', 'backward', 'forward'])} ${draw.chance(20) ? 'rate 5/minute burst 2' : ''}`
        : 'deny dnp3 control requests forward';
    return `flow f${index} { from ${from} to ${to} ${said} ${draw.chance(20) ? 'log' : ''} }`;
  }).join('\n');
}

describe('what the called side may ask equals the policy', () => {
  it.each(plants.flatMap(([name, flows]) => targets.map(([text, target]) => [name, text, flows, target] as const)))('%s, %s', (_name, text, flows, target) => {
    expect(proofOf(plant(flows, text), target)).toEqual({ kind: 'equal' });
  });

  it('beside flows that Suricata looks into, on other ports and on its own', () => {
    const poll = 'flow poll { from a  to press  allow modbus { function 1, function 3 }  inspect stream }';
    const strange = 'flow strange { from office  to seven  allow dnp3 read on tcp 502  requests backward }';
    const ruleset = plant(`${overlapping}\n${poll}\n${strange}`, 'iptables { inspect-with suricata }');
    expect(ruleset.files.find(({ name }) => name === 'suricata.rules')?.text).toContain('modbus');
    expect(proofOf(ruleset, iptables)).toEqual({ kind: 'equal' });
  });

  it(`for ${randomPlants} random plants from seed ${firstSeed}`, () => {
    for (let seed = firstSeed; seed < firstSeed + randomPlants; seed++) {
      const flows = randomFlows(seed);
      for (const [text, target] of targets) {
        // One rate of two families would be two.
        const own = text === 'nftables' ? flows : flows.replaceAll(/ rate \S+ burst \d+/gu, '');
        const ruleset = plant(own, seed % 2 === 0 ? withResets(text) : text);
        const proof = proofOf(ruleset, target);
        if (proof.kind !== 'equal') throw new Error(`seed ${seed}, ${text}: ${'how' in proof ? proof.how : proof.kind}\n${flows}`);
      }
    }
  });
});

function functionOf(name: string): number {
  const found = functionsNamed('dnp3').find((one) => one.name === name);
  if (found === undefined) throw new Error(`DNP3 has no ${name}`);
  return functionTable.number(found);
}

/** Both sides of conversations between hosts that the flows tell apart, saying what they tell apart. */
function packets(): readonly Packet[] {
  const said = [noFunction, functionOf('read-objects'), functionOf('write-objects'), functionOf('operate'), otherFunction];
  const address = (value: number): Packet['source'] => ({ family: 4, value });
  const states = [
    ['new', 'original', false],
    ['new', 'original', true],
    ['established', 'original', true],
    ['established', 'original', false],
    ['established', 'reply', true],
    ['established', 'reply', false],
  ] as const;
  return [5, 6, 9].flatMap((client) =>
    [7, 8, 10].flatMap((server) =>
      [20_000, 20_001].flatMap((port) =>
        [false, true].flatMap((turned) =>
          states.flatMap(([state, direction, markCurrent]) =>
            said.map((functionNumber): Packet => {
              const [office, press] = [address(0x0a00_0100 + client), address(0x0a00_0200 + server)];
              const fromOffice = turned === (direction === 'reply');
              const asks = direction === 'original';
              return {
                hook: 'forward',
                inInterface: fromOffice ? 'eth0' : 'eth1',
                outInterface: fromOffice ? 'eth1' : 'eth0',
                source: fromOffice ? office : press,
                destination: fromOffice ? press : office,
                protocol: 6,
                sourcePort: asks ? 40_000 : port,
                value: asks ? port : 40_000,
                functionNumber,
                hopLimit: 64,
                state,
                direction,
                markCurrent,
                local: false,
              };
            }),
          ),
        ),
      ),
    ),
  );
}

type Edit = readonly [kind: string, edit: (line: string, lines: readonly string[]) => string | undefined];

function changed(line: string, pattern: RegExp, by: string): string | undefined {
  const result = line.replace(pattern, by);
  return result === line ? undefined : result;
}

const bytecode = / -m bpf --bytecode ("[^"]+")/u;
/** Edits of what only such rules have. */
const edits: readonly Edit[] = [
  ['forget the direction of what is known', (line) => changed(line, /(--ctstate ESTABLISHED) --ctdir REPLY/u, '$1')],
  ['requests are heard, too', (line) => changed(line, /--ctstate ESTABLISHED --ctdir REPLY/u, '--ctstate NEW,ESTABLISHED')],
  ['requests instead of answers', (line) => changed(line, /(--ctstate ESTABLISHED) --ctdir REPLY/u, '$1 --ctdir ORIGINAL')],
  ['forget a program', (line) => changed(line, bytecode, '')],
  ['turn a program around', (line) => changed(line, / --bytecode/u, ' ! --bytecode')],
  [
    'another program',
    (line, lines) => {
      const mine = bytecode.exec(line)?.[1];
      const transport = / -p (?:tcp|udp) /u.exec(line)?.[0] ?? '';
      const other = lines.flatMap((one) => (one.includes(transport) ? (bytecode.exec(one)?.[1] ?? []) : [])).find((one) => one !== mine);
      return mine === undefined || other === undefined ? undefined : line.replace(mine, other);
    },
  ],
  [
    'to the messages of another flow',
    (line, lines) => {
      const mine = / -j (\S+\.says\.\S+)$/u.exec(line)?.[1];
      const other = lines.flatMap((one) => / -j (\S+\.says\.\S+)$/u.exec(one)?.[1] ?? []).find((one) => one !== mine);
      return mine === undefined || other === undefined ? undefined : line.replace(mine, other);
    },
  ],
  ['pass by what is heard', (line) => changed(line, / -g \S+\.heard\.press\.office$/u, ' -j ACCEPT')],
  ['hear everybody', (line) => changed(line, / -g (\S+)\.heard\.press\.office$/u, ' -g $1.hears.press.office')],
  ['hear where the client is looked into', (line) => changed(line, /^-A (\S+)\.hears\.press\.office/u, '-A $1.said.office.press')],
  ['in the answers of the other way', (line) => changed(line, /^-A (\S+)\.answers\.press\.office/u, '-A $1.again.office.press')],
];

/** Mutants of the rules that answers walk. */
function answeringMutants(files: readonly EmittedFile[]): readonly Mutant[] {
  const walked = /^-A zw\.(?:pair\.press\.office|heard\.|hears\.|heard(?:allow|limited)\.|answers\.|says\.)/u;
  const lineOf = ({ file, line }: Mutant): string => files.find(({ name }) => name === file)?.text.split('\n')[line - 1] ?? '';
  const own = files.flatMap(({ name, text }): Mutant[] => {
    const lines = text.split('\n');
    return lines.flatMap((line, index) =>
      edits.flatMap(([kind, edit]) => {
        const result = edit(line, lines);
        if (result === undefined) return [];
        const made = (): EmittedFile[] => files.map((one) => (one.name === name ? { name, text: lines.with(index, result).join('\n') } : one));
        return [{ kind, file: name, line: index + 1, files: made }];
      }),
    );
  });
  return [...mutantsOf(files), ...own].filter((mutant) => mutant.file === 'iptables.rules' && walked.test(lineOf(mutant)));
}

/** Kinds that fit few rules: all of them are tried. */
const rare = [
  'forget the direction of what is known',
  'requests are heard, too',
  'requests instead of answers',
  'pass by what is heard',
  'hear everybody',
  'to the messages of another flow',
];
/** More that is never taken for the policy. */
const alwaysCaught = [
  'a goto becomes accept',
  'a goto becomes return',
  'accept becomes drop',
  'drop becomes accept',
  'permit without a mark',
  'swap the end of a port',
  'change a protocol',
  'forget a program',
  'turn a program around',
  'another program',
  'in the answers of the other way',
];

describe('rules about what the called side says', () => {
  it.each(['yes', 'no'])(
    'mutants are caught that change the meaning, and no others, sets %s',
    (sets) => {
      const ruleset = plant(`${overlapping}\n${elements}`, `iptables { sets ${sets} }`, true);
      const files = emitted(ruleset);
      const samples = packets();
      const tables = parsed(files, ruleset);
      for (const packet of samples) expect(interpreted(tables, packet), JSON.stringify(packet)).toEqual(wanted(ruleset, packet));
      const all = answeringMutants(files);
      const step = Math.max(1, all.length / mostMutants);
      const tally: Tally = new Map();
      // Those that only such rules have, of the others an even share.
      const some = all.filter((mutant, at) => rare.includes(mutant.kind) || Math.floor(at / step) !== Math.floor((at - 1) / step));
      judge(ruleset, some, samples, tally);
      const { caught, accepted, refused } = total(tally);
      console.log(`sets ${sets}: of ${all.length} mutants ${caught} caught, ${accepted} without a change of meaning accepted, ${refused} refused`);
      if (process.env['ZW_MUTATION_TABLE'] !== undefined) console.table(Object.fromEntries(tally));
      for (const kind of rare) expect([kind, tally.get(kind)]).toMatchObject([kind, { accepted: 0, refused: 0 }]);
      for (const kind of [...rare, ...alwaysCaught]) expect([kind, tally.get(kind)?.accepted ?? 0]).toEqual([kind, 0]);
      expect(caught).toBeGreaterThan(rare.length);
    },
    600_000,
  );
});
