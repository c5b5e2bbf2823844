/**
 * Flows that Suricata looks into: what is emitted equals the policy, what changes its meaning is caught, and what Suricata cannot tell is said.
 *
 * The mutants are made from the files themselves, line by line; whoever is left out or widened must be refused or differ. What Suricata does
 * with these rules is asked from Suricata in `test/kernel/suricata.test.ts`.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Proof, proveFiles } from '../../../src/pipeline/prove.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { type PolicySets, policySets, policySpace, possible } from '../../../src/policy/sets.ts';
import type { EmittedFile } from '../../../src/target/target.ts';
import { iptables } from '../../../targets/iptables/index.ts';
import { edgePackets } from '../../generators/edge-packets.ts';
import { compileText, type Compiled, type Ruleset, rulesetOf } from '../../generators/compile.ts';

const randomPlants = Number(process.env['ZW_ENGINE_PLANTS'] ?? 12);
const firstSeed = Number(process.env['ZW_ENGINE_SEED'] ?? 1);
/** Mutants in the default run; all of them in a longer one. */
const mostMutants = Number(process.env['ZW_ENGINE_MUTANTS'] ?? 160);

const reading = 'modbus { function 1, function 2, function 3, function 4 }';

function plant(flows: string, options = ''): Compiled {
  return compileText(`policy "inspection" {}
zone office { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone press { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
zone cell { level 1  networks 10.0.3.0/24 }
host historian in office { address 10.0.1.5, 2001:db8:1::5 }
host station in office { address 10.0.1.9 }
host plc in press { address 10.0.2.7, 2001:db8:2::7 }
${flows}
gateway g {
  target iptables { inspect-with suricata ${options} }
  interface eth0 { faces office  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces press  address 10.0.2.1/24, 2001:db8:2::1/64 }
  interface eth2 { faces cell  routed  address 10.0.3.1/24 }
  manage none "console only"
}
`);
}

function configuration({ files }: Ruleset): EmittedFile[] {
  return files.filter((file) => file.loader !== true).map(({ name, text }) => ({ name, text }));
}

function setsOf({ policy }: Ruleset): PolicySets {
  return policySets(policy, policySpace(policy));
}

function proof(ruleset: Ruleset, files = configuration(ruleset), sets = setsOf(ruleset)): Proof {
  return proveFiles(ruleset.policy, sets, iptables, files, ruleset.mark);
}

function notes(compiled: Compiled): string {
  return compiled.diagnostics
    .filter(({ severity }) => severity === 'error')
    .flatMap((one) => [one.message, ...one.notes])
    .join('\n');
}

/** The action, the keywords and the flows of each rule, without addresses and numbers. */
function said(ruleset: Ruleset): string[] {
  const text = ruleset.files.find(({ name }) => name === 'suricata.rules')?.text ?? '';
  return text.split('\n').flatMap((line) => {
    const [, action = '', ends = '', keywords = ''] = /^(\w+ \w+) (.*) \(msg:"[^"]*"; flow:to_server; (.*) sid:\d+; rev:1;\)$/u.exec(line) ?? [];
    return action === '' ? [] : [`${action} ${ends} ${keywords}`];
  });
}

const overlapping = `
flow poll { from historian to press allow ${reading} inspect stream log count }
flow engineer { from station to plc allow modbus { function 3, function 6, function 16 } inspect stream }
flow wide { from office to plc allow modbus { function 3 } inspect stream }
flow web { from office to press allow https, ssh }
flow slow { from office to press allow tcp 8080 rate 10/minute burst 3 }
`.replace('slow { from office', 'slow { from station');

const plants: readonly (readonly [name: string, flows: string])[] = [
  ['one flow', `flow poll { from historian to plc allow ${reading} inspect stream }`],
  ['flows that overlap', overlapping],
  [
    'writing alone',
    'flow set { from historian to plc allow modbus { function 5, function 6, function 15, function 16, function 22, function 23 } inspect stream }',
  ],
  ['a class that Suricata knows whole', 'flow set { from historian to plc allow modbus write inspect stream }'],
  [
    'a port of the site',
    `service drive { modbus on tcp 5020-5022 }\nflow poll { from historian to plc allow modbus { function 3 } on tcp 5020-5022 inspect stream }`,
  ],
  ['a port that another flow opens', `flow poll { from historian to plc allow ${reading} inspect stream }\nflow all { from office to press allow modbus }`],
  ['a port that a deny closes', `flow poll { from office to press allow ${reading} inspect stream }\nflow never { from station to press deny modbus }`],
  [
    'both directions',
    `flow poll { from office to press allow ${reading} inspect stream }\nflow back { from press to office allow modbus { function 3 } inspect stream }`,
  ],
  ['one wire, two zones', `flow poll { from cell to cell, press allow ${reading} inspect stream }`],
  [
    'another protocol, which programs look into',
    `flow poll { from historian to press allow ${reading} inspect stream }\nflow s7 { from office to plc allow s7comm read log }`,
  ],
  [
    'programs in the other direction, and with a rate',
    `flow poll { from historian to press allow ${reading} inspect stream }\nflow back { from 10.0.2.0/24 to 10.0.1.0/24 allow dnp3 read requests forward rate 10/minute burst 3 }`,
  ],
  ['units', `flow poll { from historian to plc allow modbus { function 3, function 4 } unit 5, modbus function 6 unit 0-1 inspect stream }`],
  [
    'units of flows that overlap',
    `flow poll { from office to press allow modbus { function 3 } unit 1-247 inspect stream }
flow set { from historian to plc allow modbus { function 3, function 16 } unit 200-255, modbus write unit 9 inspect stream log }
flow all { from station to plc allow modbus { function 3 } inspect stream }`,
  ],
  ['no flow that is looked into', 'flow web { from office to press allow https }'],
];

/** A few flows whose sides, ports and functions overlap, allowed and denied. */
function randomFlows(seed: number): string {
  let state = seed * 2_654_435_761;
  const below = (count: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) % count;
  };
  const pick = (items: readonly string[]): string => items[below(items.length)] ?? '';
  const left = ['office', 'historian', 'station', '10.0.1.0/28', 'cell, station', 'any'];
  const right = ['press', 'plc', '10.0.2.4-10.0.2.9', 'press, cell', 'any'];
  const codes = [1, 2, 3, 4, 5, 6, 7, 9, 11, 15, 16, 20, 22, 24];
  return Array.from({ length: 2 + below(4) }, (_, index) => {
    const functions = codes.filter(() => below(3) === 0).map((code) => `function ${code}`);
    const units = pick(['', '', ' unit 5', ' unit 0', ' unit 1-255', ' unit 1-4', ' unit 0-7', ' unit 200-255', ' unit 3-6']);
    const told = `allow modbus { ${[...functions, 'function 3'].join(', ')} }${units}${pick(['', ' on tcp 502, tcp 5020', ' on tcp 500-510'])}  inspect stream`;
    const effect = pick([told, told, told, 'allow modbus', 'allow tcp 500-505', 'deny modbus', 'deny tcp 503-5020', 'allow https log']);
    const [from, to] = below(4) === 0 ? [right, left] : [left, right];
    return `flow f${index} { from ${pick(from)}  to ${pick(to)}  ${effect} }`;
  }).join('\n');
}

describe('what Suricata and iptables do together', () => {
  it.each(plants.flatMap(([name, flows]) => [[name, flows, ''] as const, [`${name}, without ipset`, flows, 'sets no'] as const]))(
    'equals the policy: %s',
    (_, flows, options) => {
      const compiled = plant(flows, options);
      expect(compiled.errors).toEqual([]);
      expect(proof(rulesetOf(compiled))).toEqual({ kind: 'equal' });
    },
  );

  it(`equals the policy on ${randomPlants} random plants`, () => {
    let queued = 0;
    for (let seed = firstSeed; seed < firstSeed + randomPlants; seed++) {
      const text = randomFlows(seed);
      const compiled = plant(text, seed % 2 === 0 ? '' : 'sets no');
      expect(compiled.errors, text).toEqual([]);
      const ruleset = rulesetOf(compiled);
      expect(proof(ruleset), `seed ${seed}:\n${text}`).toEqual({ kind: 'equal' });
      if (ruleset.text.includes('NFQUEUE')) queued++;
    }
    console.log(`${queued} of ${randomPlants} plants have a queue`);
    expect(queued).toBeGreaterThan(randomPlants / 2);
  });

  it('is what `evaluate` says of single packets', () => {
    const ruleset = rulesetOf(plant(overlapping));
    const { space, accepted, maybe } = setsOf(ruleset);
    const said = new Map<string, number>();
    for (const packet of edgePackets(ruleset.house, ruleset.policy, 1, 1500)) {
      if (!space.contains(possible(space), packet)) continue;
      const verdict = evaluate(ruleset.house, packet);
      expect(
        verdict.accepted,
        JSON.stringify(packet, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value)),
      ).toBe(space.contains(space.diagram.union(accepted, maybe), packet));
      said.set(verdict.reason.kind, (said.get(verdict.reason.kind) ?? 0) + 1);
    }
    expect(said.get('function')).toBeGreaterThan(5);
    expect(said.get('flow')).toBeGreaterThan(5);
  });

  it('writes rules by complement, with guards, and none that passes', () => {
    const rules = said(rulesetOf(plant(`flow poll { from historian to 10.0.2.7 allow ${reading} inspect stream }`)));
    const ends = '10.0.1.5 any -> 10.0.2.7 502';
    expect(rules).toEqual([
      `alert modbus ${ends} flowbits:set,zw.modbus; noalert;`,
      `drop tcp ${ends} dsize:>0; flowbits:isnotset,zw.modbus;`,
      ...['invalid_protocol_id', 'invalid_length', 'invalid_function_code', 'flooded'].map((event) => `drop modbus ${ends} app-layer-event:modbus.${event};`),
      ...[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 43, 127].map((code) => `drop modbus ${ends} modbus:function ${code};`),
    ]);
  });

  it('writes units by complement, too: those of no function first, then those of some', () => {
    const flow = 'flow poll { from historian to 10.0.2.7 allow modbus { function 3, function 4 } unit 5-6, modbus function 6 unit 2-9 inspect stream }';
    const ends = 'drop modbus 10.0.1.5 any -> 10.0.2.7 502';
    const rules = said(rulesetOf(plant(flow))).filter((rule) => rule.includes('unit'));
    const wanted = ['unit <2', 'unit >9', 'unit 1<>5, function 3', 'unit 6<>10, function 3', 'unit 1<>5, function 4', 'unit 6<>10, function 4'];
    expect(rules).toEqual(wanted.map((what) => `${ends} modbus:${what};`));
    // The end that is left out is never 0.
    const first = said(rulesetOf(plant('flow poll { from historian to 10.0.2.7 allow modbus function 3 unit 0, modbus function 3 unit 8-9 inspect stream }')));
    expect(first.filter((rule) => rule.includes('unit'))).toEqual(['unit 1', 'unit 1<>8', 'unit >9'].map((what) => `${ends} modbus:${what};`));
  });

  it('gives the rules of a list numbers of their own, however many they are', () => {
    const functions = [1, 2, 3, 4, 5, 6, 15, 16, 22, 23];
    const flow = functions.map((code, index) => [0, 20, 40, 60, 80].map((unit) => `modbus function ${code} unit ${unit + index}`).join(', ')).join(', ');
    const ruleset = rulesetOf(
      plant(`flow poll { from historian to press allow ${flow} inspect stream }\nflow more { from station to press allow ${reading} inspect stream }`),
    );
    const text = ruleset.files.find(({ name }) => name === 'suricata.rules')?.text ?? '';
    const numbers = [...text.matchAll(/ sid:(\d+);/gu)].map(([, number]) => number);
    expect(numbers.length).toBeGreaterThan(150);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(proof(ruleset)).toEqual({ kind: 'equal' });
  });

  it('puts the functions of flows together where they overlap', () => {
    const rules = said(rulesetOf(plant(overlapping)));
    const forbidden = (source: string): number[] =>
      rules
        .flatMap((rule) => (rule.startsWith(`drop modbus ${source} `) ? [Number(/modbus:function (\d+)/u.exec(rule)?.[1] ?? 0)] : []))
        .filter((code) => code > 0);
    expect(forbidden('10.0.1.9')).toEqual([1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 43, 127]);
  });

  it('gives each rule a number and the flow and line that it comes from', () => {
    const text = rulesetOf(plant(overlapping)).files.find(({ name }) => name === 'suricata.rules')?.text ?? '';
    const rules = text.split('\n').filter((line) => /^(?:alert|drop) /u.test(line));
    expect(new Set(rules.map((rule) => /sid:(\d+);/u.exec(rule)?.[1])).size).toBe(rules.length);
    expect(rules.length).toBeGreaterThan(50);
    for (const rule of rules) expect(rule).toMatch(/msg:"zw g: [^"]+ \((?:poll|engineer|wide) plant\.zone:\d+(?:, \w+ plant\.zone:\d+)*\)";/u);
  });

  it('of one plant are these', async () => {
    const golden = new URL('golden/', import.meta.url);
    const ruleset = rulesetOf(plant(overlapping));
    for (const { name, text } of ruleset.files)
      if (name !== 'load.sh') await expect(text).toMatchFileSnapshot(fileURLToPath(new URL(`inspection.g.${name}`, golden)));
  });

  it('queues without a bypass, and only what is looked into', () => {
    const { text } = rulesetOf(plant(overlapping, 'queue 7'));
    const queues = text.split('\n').filter((line) => line.includes('NFQUEUE'));
    expect(queues.length).toBeGreaterThan(0);
    for (const line of queues) expect(line).toMatch(/-p tcp .*-j NFQUEUE --queue-num 7$/u);
    expect(text).not.toContain('bypass');
    expect(rulesetOf(plant('flow web { from office to press allow https }')).text).not.toContain('NFQUEUE');
  });
});

describe('what Suricata cannot tell', () => {
  it.each([
    ['modbus read', '`modbus read-device-identification` is function 43/14: Suricata takes function 0xab, and every interface of function 43, for function 43'],
    ['modbus { function 8 }', 'Suricata takes function 0x88 for function 8'],
    ['modbus { function 90 }', '`modbus umas` is function 90: Suricata takes all codes that it does not know for one'],
    ['modbus { function 3 } on udp 502', 'Suricata parses modbus over tcp alone'],
    ['s7comm read', 'no parser of Suricata is used for s7comm'],
    [
      'modbus function 3 address 100-199',
      'Suricata tells functions and units of modbus, but no addresses: what reaches the last one, 65535, matches no range of its',
    ],
    ['modbus unit 7', 'is function 43/14: Suricata takes function 0xab'],
    ['dnp3 read requests forward', 'Suricata 7 lets requests of dnp3 pass unseen that it cannot decode whole'],
    ['dnp3 { function 1 } requests forward', 'Suricata 7 lets requests of dnp3 pass unseen that it cannot decode whole'],
    ['enip { list-identity }', 'Suricata 7 does not put a message of enip together that comes in two segments'],
    ['cip read', 'Suricata 7 sees no service of cip in a message that comes in two segments, in an Unconnected Send'],
  ])('%s', (service, reason) => {
    const compiled = plant(`flow poll { from historian to plc allow ${service} inspect stream }`);
    expect(compiled.errors.join('\n')).toMatch(/ZW5001/u);
    expect(notes(compiled)).toContain(reason);
  });

  it('is by ports where the flow accepts it', () => {
    const compiled = plant('flow poll { from historian to plc allow modbus read inspect stream accept-weaker ports "read only by agreement" }');
    expect(compiled.errors).toEqual([]);
    const ruleset = rulesetOf(compiled);
    expect(ruleset.text).not.toContain('NFQUEUE');
    expect(proof(ruleset)).toEqual({ kind: 'equal' });
  });

  it('a deny of functions, of which the rest has codes that Suricata does not know', () => {
    const compiled = plant('flow all { from office to press allow modbus }\nflow never { from office to press deny modbus write }');
    expect(compiled.errors.join('\n')).toMatch(/ZW5002/u);
  });

  it('what programs tell on ports where Suricata looks for Modbus', () => {
    const shared = `flow poll { from historian to plc allow ${reading} inspect stream }\nflow s7 { from office to plc allow s7comm read on tcp 502 }`;
    const [policy] = plant(shared).policies;
    const facts = { policyTitle: '', revision: undefined, sourceDigest: '', date: '', compilerVersion: '', policyNumber: 1, place: () => '' };
    const found = policy === undefined ? [] : iptables.emit(policy, facts).diagnostics;
    expect(found.map(({ message }) => message).join('\n')).toContain('functions of other protocols (`s7`) on ports where Suricata looks for Modbus');
    const one = plant('flow both { from office to plc allow modbus { function 3 } on tcp 502, s7comm read on tcp 502 }');
    expect(one.errors.join('\n')).toMatch(/ZW5001/u);
  });

  it('a rate, which a dropped packet would have spent', () => {
    const [policy] = plant(`flow poll { from station to plc allow ${reading} inspect stream rate 10/minute burst 3 }`).policies;
    const facts = { policyTitle: '', revision: undefined, sourceDigest: '', date: '', compilerVersion: '', policyNumber: 1, place: () => '' };
    const said5002 = policy === undefined ? [] : iptables.emit(policy, facts).diagnostics;
    expect(said5002.map(({ message }) => message).join('\n')).toContain('a rate of `poll` where Suricata looks into messages');
  });
});

describe('a gateway without the match bpf', () => {
  it('gives ports alone, and says so', () => {
    const read = 'flow s7 { from office to plc allow s7comm read }';
    expect(plant(read).errors).toEqual([]);
    expect(rulesetOf(plant(read)).text).toContain('--bytecode');
    expect(plant(read, 'messages none').errors.join('\n')).toMatch(/ZW5001/u);
    const weaker = plant(read.replace('read }', 'read accept-weaker ports "old kernel" }'), 'messages none');
    expect(weaker.errors).toEqual([]);
    expect(rulesetOf(weaker).text).not.toContain('--bytecode');
    expect(proof(rulesetOf(weaker))).toEqual({ kind: 'equal' });
    // Suricata's grade stands whatever the rules can do.
    expect(plant(`flow poll { from historian to plc allow ${reading} inspect stream }`, 'messages none').errors).toEqual([]);
  });
});

interface Mutant {
  readonly what: string;
  readonly file: string;
  readonly edit: (text: string) => string;
  /** It is about logs, or how long something is remembered. */
  readonly harmless?: boolean;
}

/** Every line of the rules and settings left out, and every word of a kind that could open or move something. */
function mutants(files: readonly EmittedFile[]): Mutant[] {
  const linesOf = (name: string): [number, string][] =>
    [...(files.find((file) => file.name === name)?.text.split('\n') ?? []).entries()].filter(([, line]) => line !== '' && !/^\s*#/u.test(line));
  const withLine =
    (at: number, change: (line: string) => readonly string[]): Mutant['edit'] =>
    (text) =>
      text
        .split('\n')
        .flatMap((line, index) => (index === at ? change(line) : [line]))
        .join('\n');
  const replaced = (file: string, at: number, line: string, pairs: readonly (readonly [from: string | RegExp, to: string])[]): Mutant[] =>
    pairs.flatMap(([from, to]) => {
      const changed = line.replace(from, to);
      return changed === line ? [] : [{ what: `${line} → ${changed}`, file, edit: withLine(at, () => [changed]) }];
    });
  const rules = linesOf('suricata.rules').flatMap(([at, line]): Mutant[] => [
    { what: `without ${line}`, file: 'suricata.rules', edit: withLine(at, () => []) },
    { what: `as a comment ${line}`, file: 'suricata.rules', edit: withLine(at, () => [`# ${line}`]) },
    { what: `twice ${line}`, file: 'suricata.rules', edit: withLine(at, () => [line, line]) },
    ...replaced('suricata.rules', at, line, [
      [/^drop/u, 'alert'],
      [/^drop/u, 'pass'],
      [/^alert/u, 'pass'],
      [/^alert/u, 'drop'],
      ['to_server', 'to_client'],
      ['flow:to_server; ', ''],
      [/ any -> \S+/u, ' any -> 10.0.2.8'],
      [/^(\w+ \w+) \S+/u, '$1 10.0.1.77'],
      [/^(\w+ \w+) \S+/u, '$1 any'],
      [/ 502 \(/u, ' 503 ('],
      [/ 502 \(/u, ' !502 ('],
      ['dsize:>0', 'dsize:>1'],
      ['isnotset', 'isset'],
      ['zw.modbus', 'zw.other'],
      // Parsers that let too much pass.
      [/^(\w+) modbus/u, '$1 dnp3'],
      [/^(\w+) modbus/u, '$1 enip'],
      ['app-layer-event:modbus.', 'app-layer-event:dnp3.'],
      [/modbus:function (\d+)/u, 'dnp3_func:$1'],
      [' noalert;', ''],
      ['invalid_length', 'invalid_value'],
      [/modbus:function \d+/u, 'modbus:function 3'],
      [/modbus:function (\d+)/u, 'modbus:function $1, subfunction 1'],
      [/modbus:function \d+/u, 'modbus:access write'],
      [/modbus:function (\d+)/u, 'modbus:unit 1, function $1'],
      [/modbus:unit (\S+), function (\d+)/u, 'modbus:unit $1, function 1'],
      [/modbus:unit (\S+), function (\d+)/u, 'modbus:unit $1'],
      [/modbus:unit (\S+), function \d+/u, 'modbus:unit $1, function 127'],
      [/modbus:unit (\S+?)(;|,)/u, 'modbus:unit !$1$2'],
      [/modbus:unit (\d+)/u, 'modbus:unit <$1'],
      [/modbus:unit (\d+)/u, 'modbus:unit 0'],
      [/modbus:unit <(\d+)/u, 'modbus:unit >$1'],
      [/modbus:unit <(\d)/u, 'modbus:unit <1$1'],
      [/modbus:unit >(\d)/u, 'modbus:unit >1$1'],
      [/modbus:unit >(\d+)/u, 'modbus:unit >0'],
      [/modbus:unit (\d+)<>(\d)(\d*)/u, 'modbus:unit $1<>$1$3'],
      [/modbus:unit (\d+)<>/u, 'modbus:unit 0<>'],
      [/modbus:unit (\d+)<>(\d+)/u, 'modbus:unit $1-$2'],
      [/modbus:unit (\d+)<>(\d+)/u, 'modbus:unit $1'],
      ['modbus:function', 'threshold:type limit,track by_src,count 1,seconds 60; modbus:function'],
      [/ sid:\d+;/u, ''],
    ]),
  ]);
  const settingLines = linesOf('suricata.yaml');
  const logs = settingLines.findIndex(([, line]) => line === 'flow-timeouts:');
  const settings = settingLines.flatMap(([at, line], index): Mutant[] =>
    [
      { what: `without ${line}`, file: 'suricata.yaml', edit: withLine(at, () => []) },
      ...replaced('suricata.yaml', at, line, [
        [/: (?:yes|no)$/u, ': maybe'],
        [/: yes$/u, ': no'],
        [/: no$/u, ': yes'],
        [/: auto$/u, ': ignore'],
        [/: accept$/u, ': repeat'],
        [/: drop$/u, ': inline'],
        [/: 502$/u, ': 503'],
        [/: 0$/u, ': 1mb'],
        ['- drop', '- pass'],
        ['suricata.rules', 'other.rules'],
        ['modbus:', 'dnp3:'],
      ]),
    ].map((mutant) => ({ ...mutant, harmless: index >= logs })),
  );
  const added = ['pcre:', 'bypass: yes', 'nfq:', 'stream:', 'include: other.yaml', 'vlan:', 'app-layer:'].map((line): Mutant => ({
    what: `with ${line}`,
    file: 'suricata.yaml',
    edit: (text) => `${text}${line.endsWith(':') ? `${line}\n  fail-open: yes` : line}\n`,
  }));
  const parsed = ['dnp3', 'enip', 'modbus'].map((protocol): Mutant => ({
    what: `${protocol} looked for, too`,
    file: 'suricata.yaml',
    edit: (text) =>
      text.replace(/( {2}protocols:\n)((?: {4}.*\n)+)/u, (_, above: string, section: string) => above + section + section.replace('modbus', protocol)),
  }));
  const queues = (['iptables.rules', 'ip6tables.rules'] as const).flatMap((file) =>
    linesOf(file).flatMap(([at, line]): Mutant[] =>
      line.includes('NFQUEUE')
        ? [
            { what: `without ${line}`, file, edit: withLine(at, () => []) },
            ...replaced(file, at, line, [
              [/-j NFQUEUE.*/u, '-j ACCEPT'],
              [/-j NFQUEUE.*/u, '-j DROP'],
              [/--queue-num \d+/u, '--queue-num 9'],
              [/--queue-num (\d+)/u, '--queue-num $1 --queue-bypass'],
              [/--queue-num (\d+)/u, '--queue-balance $1:3'],
              [/--queue-num \d+/u, ''],
              [/-p tcp/u, '-p udp'],
            ]),
          ]
        : [],
    ),
  );
  const files3 = ['suricata.rules', 'suricata.yaml'].map((file): Mutant => ({ what: `without ${file}`, file, edit: () => '' }));
  return [...rules, ...settings, ...added, ...parsed, ...queues, ...files3];
}

describe('mutants', () => {
  const units = 'modbus { function 3, function 4 } unit 5-6, modbus function 3 unit 9, modbus function 6 unit 1';
  it.each([
    ['functions', reading, mostMutants],
    ['units', units, mostMutants / 2],
  ])(
    'of rules, settings and queues are refused or differ: %s',
    (_, services, most) => {
      const ruleset = rulesetOf(plant(`flow poll { from station to plc allow ${services} inspect stream }`));
      const files = configuration(ruleset);
      const every = mutants(files);
      // What is there without units is asked once.
      const all = services === units ? every.filter(({ what }) => what.includes('unit')) : every;
      const step = Math.max(1, all.length / most);
      const chosen = all.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
      const sets = setsOf(ruleset);
      const tally = { refused: 0, differs: 0, harmless: 0 };
      for (const mutant of chosen) {
        const changed = files.flatMap((file) => {
          if (file.name !== mutant.file) return [file];
          const text = mutant.edit(file.text);
          return text === '' ? [] : [{ name: file.name, text }];
        });
        const found = proof(ruleset, changed, sets);
        if (found.kind === 'equal') {
          expect(mutant.harmless, `${mutant.file}: ${mutant.what} was accepted`).toBe(true);
          tally.harmless++;
        } else tally[found.kind]++;
      }
      console.log(`${chosen.length} of ${all.length} mutants: ${JSON.stringify(tally)}`);
      expect(tally.differs).toBeGreaterThan(chosen.length / 10);
      expect(tally.refused).toBeGreaterThan(chosen.length / 4);
      expect(tally.harmless).toBeLessThan(chosen.length / 10);
    },
    600_000,
  );
});
