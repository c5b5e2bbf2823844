/**
 * Rule sets while they are being built: rules with their numbers, as commands.
 *
 * Takes what rules ask and do, gives commands in the order in which VyOS itself prints them.
 */
import type { Family } from '../../src/net/address.ts';
import type { Match } from './objects.ts';
import type { ServiceMatch } from './services.ts';
import { limits } from './target.ts';
import { description, Inexpressible, keyword, number, phrase, type Token } from './tokens.ts';
import type { CommandView } from './view.ts';

export interface Rule {
  readonly note: string;
  readonly action: 'accept' | 'drop' | 'return' | { readonly jump: Token };
  readonly log?: boolean;
  /** Asks for the state new. */
  readonly isNew?: boolean;
  readonly source?: Match | undefined;
  readonly destination?: Match | undefined;
  readonly service?: ServiceMatch;
  /** Groups of interfaces. */
  readonly inbound?: Token | undefined;
  readonly outbound?: Token | undefined;
  readonly hopLimit?: number | undefined;
}

/** Room between two rules, as engineers leave it. */
const step = 10;

/** A command without a value. */
export function flag(path: Token, leaf: string): CommandView {
  return { path: phrase(path, keyword(leaf)), value: undefined };
}

export function setting(path: Token, leaf: string, value: Token): CommandView {
  return { path: phrase(path, keyword(leaf)), value };
}

/** The commands of a rule set or base chain; `tail`: what it does with the rest. */
export function ruleCommands(family: Family, path: Token, rules: readonly Rule[]): CommandView[] {
  const width = rules.length * step <= limits.rule ? step : 1;
  if (rules.length * width > limits.rule)
    throw new Inexpressible(`${rules.length} rules in one rule set`, 'use fewer flows between these zones, or another target');
  return rules.flatMap((rule, index) => oneRule(family, phrase(path, keyword('rule'), number((index + 1) * width)), rule));
}

function oneRule(family: Family, path: Token, rule: Rule): CommandView[] {
  const { action, service = {} } = rule;
  const side = (end: 'source' | 'destination', match: Match | undefined, port: Match | undefined): CommandView[] =>
    [match, port].flatMap((one) => (one === undefined ? [] : [{ path: phrase(path, keyword(end), one.leaf), value: one.value }]));
  const icmp = family === 4 ? 'icmp' : 'icmpv6';
  return [
    setting(path, 'action', keyword(typeof action === 'string' ? action : 'jump')),
    setting(path, 'description', description(rule.note)),
    ...side('destination', rule.destination, service.port),
    ...(rule.hopLimit === undefined ? [] : [setting(path, family === 4 ? 'ttl eq' : 'hop-limit eq', number(rule.hopLimit))]),
    ...(service.icmp?.code === undefined ? [] : [setting(path, `${icmp} code`, service.icmp.code)]),
    ...(service.icmp === undefined ? [] : [setting(path, `${icmp} type`, service.icmp.type)]),
    ...(rule.inbound === undefined ? [] : [setting(path, 'inbound-interface group', rule.inbound)]),
    ...(typeof action === 'string' ? [] : [setting(path, 'jump-target', action.jump)]),
    ...(rule.log === true ? [flag(path, 'log')] : []),
    ...(rule.outbound === undefined ? [] : [setting(path, 'outbound-interface group', rule.outbound)]),
    ...(service.protocol === undefined ? [] : [setting(path, 'protocol', service.protocol)]),
    ...side('source', rule.source, service.sourcePort),
    ...(rule.isNew === true ? [setting(path, 'state', keyword('new'))] : []),
  ];
}
