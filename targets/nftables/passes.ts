/** The baseline and what interfaces run, as rules: few, fixed, and judged before zones and state. */
import { builtInNetworks } from '../../src/net/address-set.ts';
import type { GatewayPolicy, Pass, PlacedInterface, Where } from '../../src/policy/gateway-policy.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import type { Ruleset } from './ruleset.ts';
import { addressInterval, comment, intervals, keyword, number, numbers, phrase, type Token } from './tokens.ts';

export function passRules(policy: GatewayPolicy, face: PlacedInterface, hook: 'input' | 'output', ruleset: Ruleset): Token[] {
  const passes = policy.passes.filter((pass) => pass.interface === face.name && pass.hook === hook);
  return passes.flatMap((pass) =>
    pass.source.flatMap((source) =>
      pass.destination.flatMap((destination) => {
        const from = endToken(policy, face, pass, 'saddr', source, ruleset);
        const to = endToken(policy, face, pass, 'daddr', destination, ruleset);
        if (from === undefined || to === undefined) return [];
        return [
          phrase(
            keyword(pass.family === 4 ? 'meta nfproto ipv4' : 'meta nfproto ipv6'),
            ...message(pass),
            ...from,
            ...to,
            keyword('accept'),
            comment(pass.name),
          ),
        ];
      }),
    ),
  );
}

function message(pass: Pass): Token[] {
  const icmp = pass.protocol === (pass.family === 4 ? 1 : 58);
  const list = (values: readonly number[]): Token => numbers(values.toSorted((a, b) => a - b).map((value) => ({ first: value, last: value })));
  const parts: Token[] = [];
  if (icmp) parts.push(keyword(pass.family === 4 ? 'icmp type' : 'icmpv6 type'), list(pass.values ?? []));
  else parts.push(keyword('meta l4proto'), number(pass.protocol));
  if (!icmp && pass.sourcePorts !== undefined) parts.push(keyword('th sport'), list(pass.sourcePorts));
  if (!icmp && pass.values !== undefined) parts.push(keyword('th dport'), list(pass.values));
  if (pass.hopLimit !== undefined) parts.push(keyword(pass.family === 4 ? 'ip ttl' : 'ip6 hoplimit'), number(pass.hopLimit));
  return parts;
}

/** The match on one end; an empty list for an end that needs none, undefined for one that cannot match. */
function endToken(policy: GatewayPolicy, face: PlacedInterface, pass: Pass, end: 'saddr' | 'daddr', where: Where, ruleset: Ruleset): Token[] | undefined {
  const field = keyword(`${pass.family === 4 ? 'ip' : 'ip6'} ${end}`);
  if (where === 'own') {
    const dynamic = pass.hook === 'input' ? face.dynamic : policy.anyDynamic;
    if (dynamic) return [keyword(pass.hook === 'input' ? 'fib daddr . iif type local' : 'fib saddr type local')];
    const own = pass.hook === 'input' ? face.own : policy.own;
    return match(field, pass.family === 4 ? own.v4 : own.v6, `own.${pass.hook}.${face.name}.${pass.family}`, pass, ruleset);
  }
  if (where === 'faced') return match(field, pass.family === 4 ? face.faced.v4 : face.faced.v6, `faced.${face.name}.${pass.family}`, pass, ruleset);
  const networks = builtInNetworks(...where.networks);
  if (where.networks.includes('::/0') || where.networks.includes('0.0.0.0/0')) return [];
  return match(field, pass.family === 4 ? networks.v4 : networks.v6, `pass.${pass.name}.${pass.family}`, pass, ruleset);
}

function match(field: Token, ranges: Ranges<number> | Ranges<bigint>, name: string, pass: Pass, ruleset: Ruleset): Token[] | undefined {
  if (ranges.length === 0) return undefined;
  if (ranges.length === 1) return [field, intervals(ranges)];
  const type = keyword(pass.family === 4 ? 'ipv4_addr' : 'ipv6_addr');
  return [field, ruleset.ranges(name, type, (ranges as readonly (Range<number> | Range<bigint>)[]).map(addressInterval))];
}
