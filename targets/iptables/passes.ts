/** The baseline and what interfaces run, as rules: few, fixed, and judged before zones and state. */
import type { Family } from '../../src/net/address.ts';
import { type AddressSet, builtInNetworks } from '../../src/net/address-set.ts';
import type { Ranges } from '../../src/net/ranges.ts';
import type { GatewayPolicy, Pass, PlacedInterface, Where } from '../../src/policy/gateway-policy.ts';
import { cutTrees } from '../../src/target/cut-tree.ts';
import { addressMatches, hopLimitMatch } from './matches.ts';
import { accept, jump, type Table } from './table.ts';
import { comment, icmpMessage, keyword, phrase, portList, protocolWord, type Token } from './tokens.ts';
import { pricesOf, treeRules } from './trees.ts';

/** More alternatives of both ends stand in a chain of their own. */
const mostInline = 4;

export function passRules(policy: GatewayPolicy, face: PlacedInterface, hook: 'input' | 'output', table: Table): Token[] {
  const { family } = table;
  const passes = policy.passes.filter((pass) => pass.interface === face.name && pass.hook === hook && pass.family === family);
  return passes.flatMap((pass) =>
    pass.source.flatMap((from) =>
      pass.destination.flatMap((to) => {
        const source = endOf(policy, face, pass, from);
        const destination = endOf(policy, face, pass, to);
        return endRules(table, `pass.${pass.name}`, source, destination).flatMap((ends) =>
          messages(pass, family).map((message) => phrase(...ends.matches, message, hopLimit(pass, family), comment(pass.name), ends.verdict)),
        );
      }),
    ),
  );
}

/** Ranges, or what only the platform knows. */
type PassEnd = { readonly local: Token } | { readonly ranges: Ranges<number> | Ranges<bigint> | undefined };

function endOf(policy: GatewayPolicy, face: PlacedInterface, pass: Pass, where: Where): PassEnd {
  const of = (set: AddressSet): PassEnd => ({ ranges: pass.family === 4 ? set.v4 : set.v6 });
  if (where === 'own') {
    if (pass.hook === 'input' ? face.dynamic : policy.anyDynamic) return { local: pass.hook === 'input' ? arrivesAtOwn : leavesFromOwn };
    return of(pass.hook === 'input' ? face.own : policy.own);
  }
  if (where === 'faced') return of(face.faced);
  if (where.networks.includes('::/0') || where.networks.includes('0.0.0.0/0')) return { ranges: undefined };
  return of(builtInNetworks(...where.networks));
}

/** The destination is an address of the interface that the packet came by. */
export const arrivesAtOwn = keyword('-m addrtype --dst-type LOCAL --limit-iface-in');
/** The source is an address of the gateway. */
export const leavesFromOwn = keyword('-m addrtype --src-type LOCAL');

function endRules(table: Table, stem: string, source: PassEnd, destination: PassEnd): { readonly matches: readonly Token[]; readonly verdict: Token }[] {
  const alternatives = (end: 'source' | 'destination', one: PassEnd): Token[][] => {
    if ('local' in one) return [[one.local]];
    if (one.ranges === undefined) return [[]];
    return one.ranges.length === 0 ? [] : addressMatches(table, end, false, one.ranges, stem).map((match) => [match]);
  };
  const [from, to] = [alternatives('source', source), alternatives('destination', destination)];
  if (from.length * to.length <= mostInline) return from.flatMap((one) => to.map((other) => ({ matches: [...one, ...other], verdict: accept })));
  // Without sets: a tree of both ends, behind everything else that is asked.
  const ranges = (one: PassEnd): Ranges<number> | Ranges<bigint> | undefined => ('local' in one ? undefined : one.ranges);
  const [tree] = cutTrees([{ source: ranges(source), destination: ranges(destination), value: undefined, label: stem }], pricesOf('any', false, false));
  if (tree === undefined) return [];
  const rules = treeRules(tree, { table, group: 'any', swapped: false, stem, outcome: () => [accept] });
  const local = [source, destination].flatMap((one) => ('local' in one ? [one.local] : []));
  return [{ matches: local, verdict: jump(table.chain(table.numbered(stem), rules)) }];
}

function hopLimit(pass: Pass, family: Family): Token | undefined {
  return pass.hopLimit === undefined ? undefined : hopLimitMatch(family, pass.hopLimit);
}

function messages(pass: Pass, family: Family): Token[] {
  const sorted = (values: readonly number[] | undefined): number[] | undefined => values?.toSorted((a, b) => a - b);
  const values = sorted(pass.values);
  if (pass.protocol === (family === 4 ? 1 : 58)) {
    const match = keyword(family === 4 ? '-p icmp -m icmp --icmp-type' : '-p icmpv6 -m icmp6 --icmpv6-type');
    return (values ?? []).map((type) => phrase(match, icmpMessage(family, type, undefined)));
  }
  const ports = sorted(pass.sourcePorts);
  const protocol = phrase(keyword('-p'), protocolWord(pass.protocol));
  if (values === undefined && ports === undefined) return [protocol];
  const name = pass.protocol === 6 ? 'tcp' : 'udp';
  return [phrase(keyword(`-p ${name}`), portsMatch(name, 'sport', ports), portsMatch(name, 'dport', values))];
}

function portsMatch(name: string, option: 'sport' | 'dport', ports: readonly number[] | undefined): Token | undefined {
  if (ports === undefined) return undefined;
  const list = portList(ports.map((value) => ({ first: value, last: value })));
  return phrase(keyword(ports.length === 1 ? `-m ${name} --${option}` : `-m multiport --${option}s`), list);
}
