/** Plants that are large in one way: many interfaces, groups that overlap. What fits is proved and small, what does not is refused with a way that works. */
import { describe, expect, it } from 'vitest';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import { iptables } from '../../../targets/iptables/index.ts';
import { compileText, type Ruleset, rulesetOf } from '../../generators/compile.ts';

/** A ring of zones, each behind an interface of its own and each talking to the next; `more` are further declarations. */
function ring(zones: number, more = ''): string {
  const numbers = Array.from({ length: zones }, (_, index) => index);
  return [
    'policy "ring" {}',
    ...numbers.map((n) => `zone z${n} { level 1  networks 10.${n}.0.0/16, 2001:db8:${n.toString(16)}::/64 }`),
    ...numbers.map((n) => `flow f${n} { from z${n}  to 10.${(n + 1) % zones}.0.5  allow tcp ${1000 + n} }`),
    more,
    'gateway gw { target iptables',
    ...numbers.map((n) => `  interface eth${n} { faces z${n}  address 10.${n}.0.1/16, 2001:db8:${n.toString(16)}::1/64 }`),
    '  manage none "console only" }',
  ].join('\n');
}

function proof(ruleset: Ruleset): ReturnType<typeof proveFiles> {
  const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
  const files = ruleset.files.filter((file) => file.loader !== true);
  return proveFiles(ruleset.policy, sets, iptables, files, ruleset.mark);
}

/** Rules of IPv4. */
function rulesOf({ files }: Ruleset): string[] {
  const text = files.find(({ name }) => name === 'iptables.rules')?.text ?? '';
  return text.split('\n').filter((line) => line.startsWith('-A '));
}

/** Why the target refuses, and its way out. */
function refusal(text: string): { readonly message: string; readonly help: string } | undefined {
  const compiled = compileText(text);
  const [policy] = compiled.policies;
  if (compiled.errors.length > 0 || policy === undefined) throw new Error(compiled.errors.join('\n'));
  const facts = { policyTitle: '', revision: undefined, sourceDigest: '', date: '', compilerVersion: '', policyNumber: 1, place: () => '' };
  const [found] = iptables.emit(policy, facts).diagnostics;
  return found === undefined ? undefined : { message: found.message, help: found.help.join('\n') };
}

describe('many interfaces', () => {
  it('grow with their number, where most pairs have no flow', () => {
    const [forty, eighty] = [40, 80].map((zones) => rulesetOf(compileText(ring(zones))));
    if (forty === undefined || eighty === undefined) throw new Error('no ruleset');
    expect(proof(forty)).toEqual({ kind: 'equal' });
    expect(rulesOf(forty).length).toBeGreaterThan(40 * 10);
    expect(rulesOf(eighty).length).toBeLessThan(2.1 * rulesOf(forty).length);
    // Whatever is denied there is logged, once for all.
    expect(rulesOf(forty).filter((rule) => rule.includes('zw gw none default: '))).toHaveLength(1);
  });

  it('leave a pair its own log where a conduit asks for it', () => {
    const text = ring(40, 'conduit quiet z0 <-> z20 { log denied }');
    const ruleset = rulesetOf(compileText(text));
    expect(proof(ruleset)).toEqual({ kind: 'equal' });
    expect(rulesOf(ruleset).filter((rule) => rule.includes('zw gw quiet default: '))).toHaveLength(2);
    // A pair that has nothing of its own lies between them.
    expect(rulesOf(ruleset).some((rule) => rule.includes(' zw.pair.z0.z19'))).toBe(false);
  });

  it('keep to themselves where they are few', () => {
    expect(rulesOf(rulesetOf(compileText(ring(20)))).filter((rule) => rule.includes('"zw gw z0>z5 default: "'))).toHaveLength(1);
  });
});

/** Rules that a packet meets at most behind a chain. */
function longestWalk(rules: readonly string[], start: string): number {
  const chains = new Map<string, string[]>();
  for (const rule of rules) {
    const [, name = '', rest = ''] = /^-A (\S+) (.*)$/u.exec(rule) ?? [];
    chains.set(name, [...(chains.get(name) ?? []), rest]);
  }
  const known = new Map<string, number>();
  const walk = (name: string): number => {
    let [met, most] = [0, 0];
    for (const rule of chains.get(name) ?? []) {
      met += 1;
      const [, lead, target = ''] = / -([gj]) (\S+)$/u.exec(` ${rule}`) ?? [];
      const below = !chains.has(target) ? 0 : (known.get(target) ?? walk(target));
      if (lead === 'g') most = Math.max(most, met + below);
      else met += below;
    }
    known.set(name, Math.max(met, most));
    return Math.max(met, most);
  };
  return walk(start);
}

describe('flows that name functions', () => {
  const flows = (count: number): string => {
    const host = (zone: number, at: number): string => `10.0.${zone}.${2 + (at % 200)}`;
    // Fifteen sets of functions, one of which most flows have.
    const functions = (at: number): string => (at % 3 > 0 ? 'read' : `{ function 3, function ${5 + ((at / 3) % 15)} }`).replace(/ 7 /u, ' 16 ');
    const each = Array.from(
      { length: count },
      (_, at) => `flow f${at} { from ${host(1, at)}  to ${host(2, at * 7 + Math.floor(at / 200))}  allow modbus ${functions(at)} }`,
    );
    return `policy "many" {}
zone a { level 3  networks 10.0.1.0/24 }
zone b { level 1  networks 10.0.2.0/24 }
${each.join('\n')}
gateway gw { target iptables
  interface eth0 { faces a  address 10.0.1.1/24 }
  interface eth1 { faces b  address 10.0.2.1/24 }
  manage none "console only" }`;
  };

  it('cost a packet of a running conversation what they cost when they are few', () => {
    const [few, many] = [30, 300].map((count) => rulesetOf(compileText(flows(count))));
    if (few === undefined || many === undefined) throw new Error('no ruleset');
    expect(proof(few)).toEqual({ kind: 'equal' });
    const [walked, most] = [few, many].map((ruleset) => longestWalk(rulesOf(ruleset), 'zw.inspect.a.b'));
    expect(walked).toBeGreaterThan(8);
    expect(most).toBeLessThan(1.5 * (walked ?? 0));
    expect(most).toBeLessThan(60);
  });
});

describe('more rules than a gateway loads', () => {
  it('are refused with a way that works: ipset', async () => {
    const { mixed } = (await import(new URL('../../bench/mixed.mjs', import.meta.url).href)) as {
      mixed: (options: { flows: number; seed: number; mix: string }) => string;
    };
    const text = mixed({ flows: 300, seed: 1, mix: 'groups' });
    const found = refusal(text.replace('target nftables', 'target iptables { sets no }'));
    expect(found?.message).toMatch(/cannot express this policy in 100000 rules without ipset: the largest part would be in chains `zw\.allow\.\S+`$/u);
    expect(found?.help).toMatch(/^a gateway with ipset \(`sets yes`\) needs \d{4} rules for it/u);
    expect(refusal(text.replace('target nftables', 'target iptables { sets yes }'))).toBeUndefined();
  });

  it('are not told to use ipset where it would not help', () => {
    const all = Array.from({ length: 90 }, (_, n) => `flow all${n} { from any  to 10.${n}.0.7  allow tcp ${2000 + n} }`).join('\n');
    const found = refusal(ring(90, all).replace('target iptables', 'target iptables { sets no }'));
    expect(found?.message).toMatch(/cannot express this policy in 100000 rules without ipset$/u);
    expect(found?.help).toMatch(/^neither can it be said with ipset \(`sets yes`\); rules grow with pairs of zones that flows join/u);
  });
});
