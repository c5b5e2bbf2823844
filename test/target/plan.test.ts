/**
 * What the planner makes of plants of every kind: the lookups that a packet meets, and the size of what is loaded.
 *
 * Counts, not clocks: a change that makes a packet meet more lookups, or a ruleset outgrow its flows, fails here. What the counts mean on a
 * kernel is measured in test/bench.
 */
import { describe, expect, it } from 'vitest';
import { policyNumber, policySets, policySpace } from '../../src/policy/sets.ts';
import { planLines, type PlanRow } from '../../src/target/plan-row.ts';
import { nftables } from '../../targets/nftables/index.ts';
import { compileText, judgementDay } from '../generators/compile.ts';

interface Bench {
  readonly mixed: (options: { flows: number; seed?: number; mix: string }) => string;
}
const { mixed } = (await import(new URL('../bench/mixed.mjs', import.meta.url).href)) as Bench;

interface Plan {
  readonly rows: readonly PlanRow[];
  readonly text: string;
}

function planOf(zones: string): Plan {
  const compiled = compileText(zones);
  expect(compiled.errors).toEqual([]);
  const [policy] = compiled.policies;
  if (policy === undefined) throw new Error('no gateway');
  const { emission } = nftables.emit(policy, {
    policyTitle: 'plan',
    revision: 1,
    sourceDigest: 'test',
    date: judgementDay,
    compilerVersion: 'test',
    policyNumber: policyNumber(policySets(policy, policySpace(policy))),
    place: (span) => compiled.sources.place(span),
  });
  return { rows: emission.plan, text: emission.files[0]?.text ?? '' };
}

/** The most lookups of flows that a packet between two zones meets. */
function mostLookups(rows: readonly PlanRow[]): number {
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(`${row.pair} ${row.family}`, (sums.get(`${row.pair} ${row.family}`) ?? 0) + row.lookups);
  return Math.max(...sums.values());
}

describe('the plan of lookups', () => {
  it.each(['hosts', 'prefix', 'any', 'ranges', 'groups', 'ipv6', 'deny', 'mixed'])('%s: ten times the flows, hardly more lookups', (mix) => {
    const flows = mix === 'groups' ? 20 : 150;
    const small = planOf(mixed({ flows, mix }));
    const large = planOf(mixed({ flows: flows * 10, mix }));
    expect(mostLookups(large.rows)).toBeLessThanOrEqual(24);
    expect(mostLookups(large.rows)).toBeLessThanOrEqual(mostLookups(small.rows) * 2 + 10);
    const elements = (plan: Plan): number => plan.rows.reduce((sum, row) => sum + row.elements, 0);
    expect(elements(large)).toBeLessThanOrEqual(elements(small) * 24);
    // The kernel looks for a name for each set within a rule among all sets of the table.
    const anonymous = (plan: Plan): number => plan.text.match(/^\t\t[^\n]*\{ /gmu)?.length ?? 0;
    expect(anonymous(large)).toBe(anonymous(small));
  });

  it('groups that overlap are not multiplied', () => {
    const host = (zone: string, index: number): string =>
      `host ${zone}${index} in ${zone} { address 10.${zone === 'a' ? 0 : 1}.${1 + (index >> 6)}.${1 + (index & 63) * 3} }`;
    const some = (zone: string, from: number): string =>
      Array.from({ length: 60 }, (_, index) => `${zone}${(from * 13 + index * (1 + (from % 5))) % 180}`).join(', ');
    const lines = [
      'policy "p" { revision 1 }\nzone a { level 4  networks 10.0.0.0/16 }\nzone b { level 1  networks 10.1.0.0/16 }',
      ...Array.from({ length: 180 }, (_, index) => `${host('a', index)}\n${host('b', index)}`),
      ...Array.from({ length: 40 }, (_, index) => `group ga${index} { ${some('a', index)} }\ngroup gb${index} { ${some('b', index + 7)} }`),
      ...Array.from({ length: 40 }, (_, index) => `flow f${index} { from ga${index}  to gb${index}  allow udp ${1000 + index * 37}-${9000 + index * 91} }`),
      'gateway g {\n target nftables\n interface eth0 { faces a  address 10.0.0.1/16 }\n interface eth1 { faces b  address 10.1.0.1/16 }\n manage none "c" }',
    ];
    const { rows } = planOf(lines.join('\n'));
    const boxes = rows.reduce((sum, row) => sum + row.flows, 0);
    expect(boxes).toBe(40);
    // Forty flows of two groups of sixty hosts: a few times that, never the product of their classes.
    expect(rows.reduce((sum, row) => sum + row.elements, 0)).toBeLessThan(40 * 120 * 4);
  });

  it('flows that name functions have lookups of their own, for requests and for answers that ask', () => {
    const hosts = Array.from(
      { length: 20 },
      (_, index) => `host a${index} in a { address 10.0.1.${index * 2} }\nhost b${index} in b { address 10.1.1.${index * 2} }`,
    );
    const reads = hosts.map((_, index) => `flow read${index} { from a${index}  to b${index}  allow modbus read }`);
    const dials = hosts.slice(0, 5).map((_, index) => `flow dial${index} { from b${index}  to a${index}  allow dnp3 read  requests backward }`);
    const { rows } = planOf(`policy "p" { revision 1 }
zone a { level 3  networks 10.0.0.0/16 }
zone b { level 1  networks 10.1.0.0/16 }
${[...hosts, ...reads, ...dials].join('\n')}
flow alarms { from a0  to b0  allow syslog }
gateway g {
 target nftables
 interface eth0 { faces a  address 10.0.0.1/16 }
 interface eth1 { faces b  address 10.1.0.1/16 }
 manage none "c"
}`);
    const said = rows.map(({ pair, effect, about, looked, flows, lookups, elements }) => ({ pair, effect, about, looked, flows, lookups, elements }));
    // One or two exact elements are rules, more are a set; DNP3 has a port of TCP and one of UDP.
    const row = (pair: string, effect: string, about: string, looked: boolean, flows: number, lookups: number, elements: number): object => ({
      pair,
      effect,
      about,
      looked,
      flows,
      lookups,
      elements,
    });
    expect(said).toEqual([
      row('a>b', 'allow', 'requests', false, 1, 0, 0),
      row('a>b', 'allow', 'requests', true, 20, 1, 20),
      row('b>a', 'allow', 'requests', false, 5, 1, 10),
      row('b>a', 'allow', 'answers', true, 5, 1, 10),
      row('a>b', 'inspect', 'requests', true, 20, 1, 20),
      row('b>a', 'inspect', 'answers', true, 5, 1, 10),
    ]);
    // A message meets what decides whether it is looked into, then what a new packet meets.
    expect(planLines(rows).slice(-3)).toEqual([
      expect.stringMatching(/^ {2}a new packet meets at most 1 lookup of flows, .*; requests have 30 elements, 0 chains; /u),
      '  where flows name functions, a packet of a running conversation from the side that opened it meets at most 1 lookup more, and 2 in all if it is looked into',
      '  where flows name functions, a packet of a running conversation from the side that was called meets at most 1 lookup more, and 2 in all if it is looked into',
    ]);
  });
});
