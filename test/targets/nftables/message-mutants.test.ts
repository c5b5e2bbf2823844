/**
 * Mutants of rules that read bytes: none of them is taken for the policy.
 *
 * Takes a plant that tells the functions of one protocol apart, gives every rule that looks into messages with one comparison dropped, moved or
 * widened. Whoever changes such a rule lets other bytes pass or fewer, so that each mutant has to be refused or told with a packet; there is none
 * without a change of meaning, and nothing needs to judge it.
 */
import { describe, expect, it } from 'vitest';
import { prove } from '../../../src/pipeline/prove.ts';
import { policySets } from '../../../src/policy/sets.ts';
import { parseText } from '../../../targets/nftables/read-text.ts';
import { readTree } from '../../../targets/nftables/reader.ts';
import { compileText, rulesetOf } from '../../generators/compile.ts';

const services = [
  'modbus read',
  'modbus { write, control } on udp 502',
  's7comm { read, diagnostics }',
  's7comm { write, control, program }',
  'enip diagnostics',
  'dnp3 { read, control }  requests forward',
  'dnp3 { read, control }  requests backward',
  'fins read on udp 9600',
  'fins { read, write } on tcp 9600',
  'hart-ip read on udp 5094',
  'bacnet { read, write }',
  'hsms { read, control } on tcp 5001  requests forward',
  'ads read',
  'slmp read on udp 5007',
  'modbus { read, write } unit 3 address 100-140',
  'modbus unit 2-5, modbus { function 6, function 23 } unit 9 address 7, modbus { function 6 } unit 9 address 9',
] as const;

function plant(service: string, family: 4 | 6): string {
  const [a, b] = family === 4 ? ['10.0.1', '10.0.2'] : ['2001:db8:1::', '2001:db8:2::'];
  const network = (zone: string | undefined): string => (family === 4 ? `${zone ?? ''}.0/24` : `${zone ?? ''}/64`);
  const own = (zone: string | undefined): string => (family === 4 ? `${zone ?? ''}.1/24` : `${zone ?? ''}1/64`);
  return `policy "Messages" { revision 1 }
zone a { level 3  networks ${network(a)} }
zone b { level 1  networks ${network(b)} }
flow f { from a  to b  allow ${service} }
gateway gw {
  target nftables
  interface eth0 { faces a  address ${own(a)} }
  interface eth1 { faces b  address ${own(b)} }
  manage none "x"
}`;
}

const most = Number(process.env['ZW_MESSAGE_MUTANTS'] ?? 30);

/** Comparisons of a rule, up to its verdict. */
const comparison =
  /@ih,\d+,\d+(?: \. @ih,\d+,\d+)+ @[\w.-]+|(?:@nh,0,8 \. )?(?:@th,96,8 \. )?(?:ip|ip6|udp) length(?: \. @ih,\d+,\d+)? @?[\w.-]+|@ih,\d+,\d+ (?:!= )?(?:\{[^}]*\}|[\d-]+)|tcp flags ! urg|ip6 nexthdr \d+/gu;

function mutantsOf(rule: string): readonly string[] {
  const mutants: string[] = [];
  for (const { 0: text, index } of rule.matchAll(comparison)) {
    const replaced = (by: string): string => `${rule.slice(0, index)}${by}${rule.slice(index + text.length)}`.replaceAll(/ {2,}/gu, ' ');
    mutants.push(replaced(''));
    const [, key = '', values] = /^(@ih,\d+,\d+ (?:!= )?)(.*)$/u.exec(text) ?? [];
    if (values === undefined) continue;
    // A lookup of several numbers: read from elsewhere.
    if (values.startsWith('.')) {
      for (const { 0: place, index: at } of text.matchAll(/@ih,(\d+),\d+/gu)) {
        const [, offset = '', bits = ''] = /@ih,(\d+),(\d+)/u.exec(place) ?? [];
        for (const by of [-8, 8]) {
          const moved = `${text.slice(0, at)}@ih,${Number(offset) + by},${bits}${text.slice(at + place.length)}`;
          // Instead, or besides.
          mutants.push(replaced(moved), replaced(`${text} ${moved}`));
        }
      }
      continue;
    }
    const [, offset, bits] = /^@ih,(\d+),(\d+)/u.exec(key) ?? [];
    mutants.push(replaced(`@ih,${Number(offset) + 8},${bits} ${key.includes('!=') ? '!= ' : ''}${values}`));
    mutants.push(replaced(key.includes('!=') ? `${key.replace('!= ', '')}${values}` : `${key}!= ${values}`));
    for (const { 0: number, index: at } of values.matchAll(/\d+/gu)) {
      const value = Number(number);
      for (const other of [value ^ 1, value ^ 0x80]) {
        const taken = (values.match(/\d+/gu) ?? []).map(Number);
        // Not a number that is there already: that would drop one, which the next lines do.
        if (!taken.includes(other) && other < 2 ** Number(bits))
          mutants.push(replaced(`${key}${values.slice(0, at)}${other}${values.slice(at + number.length)}`));
      }
    }
    const some = values.startsWith('{') ? values.slice(2, -2).split(', ') : [];
    if (some.length > 1) mutants.push(replaced(`${key}{ ${some.slice(1).join(', ')} }`), replaced(`${key}{ ${some.slice(0, -1).join(', ')} }`));
  }
  return mutants;
}

describe('mutants of rules that read bytes', () => {
  it.each(services.flatMap((service) => ([4, 6] as const).map((family) => [service, family] as const)))('%s, IPv%i', (service, family) => {
    const ruleset = rulesetOf(compileText(plant(service, family)));
    const sets = policySets(ruleset.policy);
    const tree = parseText(ruleset.text);
    const context = { space: sets.space, mark: ruleset.mark };
    expect(prove(sets, readTree(tree, context)).kind).toBe('equal');
    const lines = ruleset.text.split('\n');
    const found = [...tree.chains].flatMap(([name, chain]) =>
      chain.rules.map((rule, index) => ({ name, chain, index, text: lines[(rule.place.line ?? 0) - 1] ?? '' })),
    );
    const rules = found.filter(({ text }) => /@message|@ih,| udp length /u.test(text) && text.startsWith('\t\tmeta l4proto'));
    expect(rules.length).toBeGreaterThan(1);
    const all = rules.flatMap((rule) => mutantsOf(rule.text).map((mutant) => ({ ...rule, mutant })));
    // An even share of all keeps the run short.
    const step = Math.max(1, Math.floor(all.length / most));
    const some = all.filter((_, at) => at % step === 0);
    const accepted = some.flatMap(({ name, chain, index, mutant }) => {
      const [rule] =
        parseText(`table inet zonewright\ndelete table inet zonewright\n\ntable inet zonewright {\n\tchain ${name} {\n${mutant}\n\t}\n}`).chains.get(name)
          ?.rules ?? [];
      if (rule === undefined) throw new Error(`no rule: ${mutant}`);
      const changed = { ...tree, chains: new Map(tree.chains).set(name, { ...chain, rules: chain.rules.with(index, rule) }) };
      return prove(sets, readTree(changed, context)).kind === 'equal' ? [mutant.trim()] : [];
    });
    expect(some.length).toBeGreaterThan(5);
    expect(accepted).toEqual([]);
  });
});

describe('mutants of what lookups of units and addresses hold', () => {
  const service = 'modbus { read, write } unit 3 address 100-250';
  it.each([4, 6] as const)('IPv%i', (family) => {
    const ruleset = rulesetOf(compileText(plant(service, family)));
    const sets = policySets(ruleset.policy);
    const tree = parseText(ruleset.text);
    const context = { space: sets.space, mark: ruleset.mark };
    const named = [...tree.sets].filter(([name]) => /^(?:touched|counted)\./u.test(name));
    expect(named.length).toBeGreaterThan(6);
    const accepted: string[] = [];
    let tried = 0;
    for (const [name, set] of named) {
      const { items } = set;
      const at = Math.floor(items.length / 2);
      const item = items[at] ?? [];
      const shift = (scalar: (typeof item)[number] | undefined, by: number): string =>
        (typeof scalar === 'string' ? scalar : '').replace(/\d+$/u, (number) => String(Number(number) + by));
      const changes = [
        items.slice(1),
        items.slice(0, -1),
        items.toSpliced(at, 1),
        ...item.flatMap((scalar, part) => [1, -1].map((by) => items.with(at, item.with(part, shift(scalar, by))))),
        items.with(0, [...(items[0] ?? []).slice(0, -1), shift(items[0]?.at(-1), 1)]),
        [...items, (items.at(-1) ?? []).map((scalar) => shift(scalar, 1))],
      ];
      for (const changed of changes) {
        tried += 1;
        const mutant = { ...tree, sets: new Map(tree.sets).set(name, { ...set, items: changed }) };
        if (prove(sets, readTree(mutant, context)).kind === 'equal') accepted.push(`${name}: ${changed.length} elements, ${JSON.stringify(changed[at])}`);
      }
    }
    expect(tried).toBeGreaterThan(50);
    expect(accepted).toEqual([]);
  });
});
