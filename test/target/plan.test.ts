/**
 * What the planner makes of plants of every kind: the lookups that a packet meets, and the size of what is loaded.
 *
 * Counts, not clocks: a change that makes a packet meet more lookups, or a ruleset outgrow its flows, fails here. What the counts mean on a
 * kernel is measured in test/bench.
 */
import { describe, expect, it } from 'vitest';
import { policyNumber, policySets, policySpace } from '../../src/policy/sets.ts';
import { planLines, type PlanRow } from '../../src/target/plan-row.ts';
import type { Target } from '../../src/target/target.ts';
import { iptables } from '../../targets/iptables/index.ts';
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

function planOf(zones: string, target: Target = nftables): Plan {
  const compiled = compileText(zones);
  expect(compiled.errors).toEqual([]);
  const [policy] = compiled.policies;
  if (policy === undefined) throw new Error('no gateway');
  const { emission } = target.emit(policy, {
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

/** The plan of flows that name functions, of one whose client asks and one whose called side does. */
function functionsOn(target: string, options = ''): ReturnType<typeof planOf> {
  return planOf(
    `policy "p" {}
zone a { level 4  networks 10.0.1.0/24 }
zone b { level 1  networks 10.0.2.0/24 }
flow f { from a  to b  allow modbus read }
flow g { from a  to b  allow dnp3 read on tcp 20000  requests backward }
gateway g {
  target ${target} ${options}
  interface eth0 { faces a  address 10.0.1.1/24 }
  interface eth1 { faces b  address 10.0.2.1/24 }
  manage none "c"
}`,
    target === 'nftables' ? nftables : iptables,
  );
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

  it('what running conversations are asked stands apart from what a new packet meets', () => {
    const row = (effect: PlanRow['effect'], lookups: number): PlanRow => {
      const size = { lookups, elements: 10 * lookups, chains: 0, naive: 100 * lookups };
      return { pair: 'a>b', family: 4, effect, flows: 1, ...size, steps: [] };
    };
    const rows = [row('allow', 2), row('said', 3), row('refused', 7), row('heard', 5), row('limited', 1), row('unheard', 4)];
    expect(planLines(rows).slice(-5)).toEqual([
      '  a new packet meets at most 3 lookups of flows, logs, counters and rates apart; requests have 130 elements, 0 chains; one rule for each source, destination and service would be 1300 rules',
      '  a packet from the side that opened a conversation, once judged, meets at most 3 lookups before its message is looked into',
      '  a message from the side that opened a conversation that is denied meets at most 7 lookups before it is answered',
      '  a packet from the called side, once judged, meets at most 5 lookups before its message is looked into',
      '  a message from the called side that is denied meets at most 4 lookups before it is answered',
    ]);
  });

  it.each(['nftables', 'iptables'])('flows whose messages are looked into have rows of their own, %s', (target) => {
    const { rows } = functionsOn(target);
    const byFunction = rows.filter((row) => row.looked === true);
    // iptables asks by ports first; what is by function there is counted as `said` alone.
    expect(byFunction.map(({ pair, family, effect, flows }) => [pair, family, effect, flows])).toEqual(target === 'nftables' ? [['a>b', 4, 'allow', 1]] : []);
    const others = rows.filter((row) => row.looked !== true);
    expect(others.map(({ pair, family, effect, flows }) => [pair, family, effect, flows]).sort()).toEqual([
      ['a>b', 4, 'allow', 1],
      ['a>b', 4, 'heard', 1],
      ['a>b', 4, 'said', 1],
    ]);
  });

  it.each(['nftables', 'iptables'])('what is asked before a denied message is answered has rows, %s', (target) => {
    const { rows } = functionsOn(target, '{ denied-messages reset }');
    const answered = rows.filter(({ effect }) => effect === 'refused' || effect === 'unheard');
    // Both flows start without payload, so that both may live where a request is refused; the called side asks in one of them.
    expect(answered.map(({ pair, family, effect, flows }) => [pair, family, effect, flows])).toEqual([
      ['a>b', 4, 'refused', 2],
      ['a>b', 4, 'unheard', 1],
    ]);
  });

  it('a new packet meets the lookups of flows that name functions, too', () => {
    const hosts = Array.from(
      { length: 20 },
      (_, index) => `host a${index} in a { address 10.0.1.${index * 2} }\nhost b${index} in b { address 10.1.1.${index * 2} }`,
    );
    const { rows } = planOf(`policy "p" {}
zone a { level 3  networks 10.0.0.0/16 }
zone b { level 1  networks 10.1.0.0/16 }
${hosts.join('\n')}
${hosts.map((_, index) => `flow read${index} { from a${index}  to b${index}  allow modbus read }`).join('\n')}
gateway g {
  target nftables
  interface eth0 { faces a  address 10.0.0.1/16 }
  interface eth1 { faces b  address 10.1.0.1/16 }
  manage none "c"
}`);
    // Twenty flows on one port: a set of twenty exact elements, asked when a conversation starts and before a message is looked into.
    expect(rows.map(({ effect, looked, flows, lookups, elements }) => [effect, looked, flows, lookups, elements])).toEqual([
      ['allow', true, 20, 1, 20],
      ['said', false, 20, 1, 20],
    ]);
    expect(planLines(rows).at(-2)).toMatch(/^ {2}a new packet meets at most 1 lookup /u);
  });
});
