/**
 * Lower: the Ir of one gateway → the commands of its firewall.
 *
 * Every packet walks the way that VyOS gives it: the state policy, the rules of a base chain, the rule set of its pair of zones. A rule set
 * asks for source and destination first (rule 1), then for denies, then for allows; what is left is dropped and logged. All decisions fall
 * here and in the files beside it; the template only places tokens.
 */
import { families, type Family } from '../../src/net/address.ts';
import type { AddressSet } from '../../src/net/address-set.ts';
import type { GatewayPolicy, PlacedInterface } from '../../src/policy/gateway-policy.ts';
import { forwardPairs, inputRules, type InterfacePair, type OrderedRule, outputRules, type RuleSide } from '../../src/target/ordered-rules.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { type Area, areasOf } from './areas.ts';
import { Names } from './names.ts';
import { type FamilyRanges, type Match, Objects } from './objects.ts';
import { passRules } from './passes.ts';
import { flag, type Rule, ruleCommands, setting } from './rule-set.ts';
import { serviceMatches } from './services.ts';
import { description, except, headLine, interfaceName, keyword, name, phrase, type Token } from './tokens.ts';
import type { CommandView, FirewallView } from './view.ts';

export function lower(policy: GatewayPolicy, facts: EmissionFacts): { view: FirewallView; shortened: ReadonlyMap<string, string> } {
  return new Lowering(policy, facts).all();
}

/** The zone of the gateway itself, and the chains that VyOS makes of it. */
const local = 'LOCAL';

/** A zone of VyOS: an area, or the gateway. */
interface End {
  /** What tells it from others; a zone of the policy may be called as the gateway's own is. */
  readonly key: string;
  /** What the zone file calls it. */
  readonly name: string;
  /** What VyOS calls it. */
  readonly token: Token;
}

interface NamedArea extends Area, End {}

const gateway: End = { key: '.', name: local, token: name(local) };

class Lowering {
  readonly #policy: GatewayPolicy;
  readonly #facts: EmissionFacts;
  readonly #objects: Objects;
  readonly #pairs: readonly InterfacePair[];
  readonly #zoneNames = new Names([local, `${local}_IN`, `${local}_OUT`]);
  readonly #setNames = new Names();
  readonly #areas: readonly NamedArea[];
  readonly #sets: Record<Family, CommandView[]> = { 4: [], 6: [] };
  /** Rule sets of protocols that a family has already. */
  readonly #made: Readonly<Record<Family, Set<Token>>> = { 4: new Set(), 6: new Set() };
  /** Rule sets by the zones that they stand between, or by the protocols that they let return. */
  readonly #between = new Map<string, Token>();

  constructor(policy: GatewayPolicy, facts: EmissionFacts) {
    this.#policy = policy;
    this.#facts = facts;
    this.#objects = new Objects(policy);
    this.#pairs = forwardPairs(policy);
    this.#areas = areasOf(policy).map((area) => ({ ...area, key: area.name, token: this.#zoneNames.add(area.name) }));
  }

  all(): { view: FirewallView; shortened: ReadonlyMap<string, string> } {
    // Names of rule sets first: rules refer to some, and all are the same in both families.
    for (const from of this.#areas) {
      for (const to of [...this.#areas, gateway]) this.#name(from, to);
      this.#name(gateway, from);
    }
    for (const family of families) {
      for (const from of this.#areas) for (const to of this.#areas) this.#forward(family, from, to);
      for (const area of this.#areas) this.#own(family, area);
    }
    const base = families.flatMap((family) => this.#base(family));
    const zones = [...this.#areas.flatMap((area) => this.#zone(area)), ...this.#localZone()];
    const commands = [...this.#statePolicy(), ...this.#objects.commands, ...base, ...this.#sets[4], ...this.#sets[6], ...zones];
    const shortened = new Map([...this.#objects.changed, ...this.#zoneNames.changed, ...this.#setNames.changed]);
    return { view: { head: this.#head(), commands }, shortened };
  }

  #head(): Token[] {
    const { policyTitle, revision, sourceDigest, date, compilerVersion } = this.#facts;
    return [
      headLine(`gateway ${this.#policy.gateway} of policy ${policyTitle}${revision === undefined ? '' : `, revision ${revision}`}`),
      headLine(`compiled by zonewright ${compilerVersion} for ${date} from sources ${sourceDigest}`),
      headLine(`for VyOS ${this.#policy.options.get('version') ?? ''}: delete the node firewall, then give these commands, then commit-confirm`),
      headLine('do not edit: change the zone file and compile again'),
    ];
  }

  #statePolicy(): CommandView[] {
    const path = keyword('firewall global-options state-policy');
    return [
      setting(path, 'established action', keyword('accept')),
      setting(path, 'invalid action', keyword('drop')),
      flag(path, 'invalid log'),
      setting(path, 'related action', keyword('accept')),
    ];
  }

  /** What leaves by an interface that the policy does not have would pass: no zone of VyOS sees it. */
  #base(family: Family): CommandView[] {
    const path = phrase(keyword(family === 4 ? 'firewall ipv4' : 'firewall ipv6'), keyword('forward filter'));
    const names = this.#policy.interfaces.map((face) => face.name);
    const outbound = except(this.#objects.interfaces(this.#policy.gateway, names));
    const rule: Rule = { note: 'unrouted: leaves by an interface that the policy does not have', action: 'drop', log: true, outbound };
    return [setting(path, 'default-action', keyword('accept')), ...ruleCommands(family, path, [rule])];
  }

  // -- rule sets ------------------------------------------------------------------------------------------------

  #name(from: End, to: End): Token {
    const key = `${from.key} ${to.key}`;
    const known = this.#between.get(key) ?? this.#setNames.add(`${from.name}-to-${to.name}`, key);
    this.#between.set(key, known);
    return known;
  }

  #ruleSet(family: Family, from: End, to: End, rules: readonly Rule[]): void {
    const path = phrase(keyword(family === 4 ? 'firewall ipv4 name' : 'firewall ipv6 name'), this.#name(from, to));
    this.#sets[family].push(
      setting(path, 'default-action', keyword('drop')),
      flag(path, 'default-log'),
      setting(path, 'description', description(`from ${from.token} to ${to.token}`)),
      ...ruleCommands(family, path, rules),
    );
  }

  /** The same rules for every interface of an area, since all face the same. */
  #forward(family: Family, from: NamedArea, to: NamedArea): void {
    const between = this.#pairs.filter((pair) => from.interfaces.includes(pair.from) && to.interfaces.includes(pair.to));
    const shared = between.filter((pair) => pair.closed);
    const open = between.find((pair) => !pair.closed);
    const rules = (open?.rules ?? []).filter((rule) => rule.family === family).toSorted(byLog);
    const judged = this.#judged(family, rules);
    if (judged.length === 0) return this.#ruleSet(family, from, to, []);
    const back = shared.map(({ from: face }): Rule => {
      const group = this.#interface(face);
      return { note: `unrouted: back out of ${face.name}, a shared wire`, action: 'drop', log: true, inbound: group, outbound: group };
    });
    return this.#ruleSet(family, from, to, [...this.#ends(family, from, to), ...back, ...judged]);
  }

  /** Rule 1. */
  #ends(family: Family, from: NamedArea | undefined, to: NamedArea | undefined): Rule[] {
    const rules: Rule[] = [];
    const beyond = (area: NamedArea): Match => {
      const match = this.#objects.addresses(family, rangesIn(area.faced, family), area.name);
      return { leaf: match.leaf, value: except(match.value) };
    };
    if (from !== undefined) rules.push({ note: `spoofed: no address of ${from.name}`, action: 'drop', log: true, source: beyond(from) });
    if (to !== undefined) rules.push({ note: `unrouted: no address of ${to.name}`, action: 'drop', log: true, destination: beyond(to) });
    return rules;
  }

  #own(family: Family, area: NamedArea): void {
    const several = area.interfaces.length > 1;
    const each = (hook: 'input' | 'output', of: (face: PlacedInterface) => readonly Rule[]): Rule[] =>
      area.interfaces.flatMap((face) =>
        of(face).map((rule) => (several ? { ...rule, [hook === 'input' ? 'inbound' : 'outbound']: this.#interface(face) } : rule)),
      );
    const passes = (hook: 'input' | 'output'): Rule[] => each(hook, (face) => passRules(this.#policy, face, hook, family, this.#objects, area.name));
    const judged = (hook: 'input' | 'output'): Rule[] => {
      const rulesOf = hook === 'input' ? inputRules : outputRules;
      return each(hook, (face) =>
        this.#judged(
          family,
          rulesOf(this.#policy, face)
            .filter((rule) => rule.family === family)
            .toSorted(byLog),
          hook === 'input' ? `${this.#policy.gateway}.${face.name}` : this.#policy.gateway,
        ),
      );
    };
    const [input, output] = [judged('input'), judged('output')];
    this.#ruleSet(family, area, gateway, [...passes('input'), ...(input.length === 0 ? [] : [...this.#ends(family, area, undefined), ...input])]);
    this.#ruleSet(family, gateway, area, [...passes('output'), ...(output.length === 0 ? [] : [...this.#ends(family, undefined, area), ...output])]);
  }

  /** Rules of flows; `own`: what the gateway's own end is called. */
  #judged(family: Family, rules: readonly OrderedRule[], own?: string): Rule[] {
    return rules.flatMap((rule) => {
      const { entry } = rule;
      const note = `${entry.origin.name} ${this.#facts.place(entry.origin.span)}`;
      const side = (one: RuleSide | undefined, mine: boolean, end: string): Match | undefined =>
        one === undefined ? undefined : this.#objects.addresses(family, one.ranges, mine && own !== undefined ? own : `${entry.origin.name}.${end}`);
      const common = {
        note,
        log: entry.log,
        isNew: entry.effect === 'allow',
        source: side(rule.source, entry.hook === 'output', 'from'),
        destination: side(rule.destination, entry.hook === 'input', 'to'),
      };
      const action = entry.effect === 'allow' ? 'accept' : 'drop';
      const { each, otherThan } = serviceMatches(family, rule.services, this.#objects);
      const others = otherThan === undefined ? [] : [{ ...common, action: { jump: this.#otherThan(family, action, otherThan) } }];
      return [...others, ...each.map((service): Rule => ({ ...common, action, service }))];
    });
  }

  /** A rule set that lets these protocols return and does the rest with all others. */
  #otherThan(family: Family, action: 'accept' | 'drop', protocols: readonly Token[]): Token {
    const wanted = `${action}-other-than.${protocols.join('.')}`;
    const made = this.#between.get(wanted) ?? this.#setNames.add(wanted);
    this.#between.set(wanted, made);
    if (this.#made[family].has(made)) return made;
    this.#made[family].add(made);
    const path = phrase(keyword(family === 4 ? 'firewall ipv4 name' : 'firewall ipv6 name'), made);
    const rules = protocols.map((protocol): Rule => ({ note: 'judged by its own rules', action: 'return', service: { protocol } }));
    this.#sets[family].push(setting(path, 'default-action', keyword(action)), ...ruleCommands(family, path, rules));
    return made;
  }

  #interface(face: PlacedInterface): Token {
    return this.#objects.interfaces(`${this.#policy.gateway}.${face.name}`, [face.name]);
  }

  // -- zones ----------------------------------------------------------------------------------------------------

  #zone(area: NamedArea): CommandView[] {
    const path = phrase(keyword('firewall zone'), area.token);
    const member = this.#policy.options.get('version') === '1.4' ? 'interface' : 'member interface';
    return [
      setting(path, 'default-action', keyword('drop')),
      flag(path, 'default-log'),
      ...this.#areas.filter((other) => other !== area).flatMap((other) => this.#from(path, other, area)),
      ...this.#from(path, gateway, area),
      ...this.#firewall(phrase(path, keyword('intra-zone-filtering')), this.#name(area, area)),
      ...area.interfaces.map((face) => setting(path, member, interfaceName(face.name))),
    ];
  }

  #localZone(): CommandView[] {
    const path = phrase(keyword('firewall zone'), gateway.token);
    return [
      setting(path, 'default-action', keyword('drop')),
      flag(path, 'default-log'),
      setting(path, 'description', description(`the gateway ${this.#policy.gateway} itself`)),
      ...this.#areas.flatMap((other) => this.#from(path, other, gateway)),
      flag(path, 'local-zone'),
    ];
  }

  #from(path: Token, from: End, to: End): CommandView[] {
    return this.#firewall(phrase(path, keyword('from'), from.token), this.#name(from, to));
  }

  #firewall(path: Token, set: Token): CommandView[] {
    return [setting(path, 'firewall ipv6-name', set), setting(path, 'firewall name', set)];
  }
}

/** Denies stay before allows; among each, those that log come first, so that a packet of two flows is written down. */
function byLog(a: OrderedRule, b: OrderedRule): number {
  if (a.entry.effect !== b.entry.effect) return a.entry.effect === 'deny' ? -1 : 1;
  return Number(b.entry.log) - Number(a.entry.log);
}

function rangesIn(set: AddressSet, family: Family): FamilyRanges {
  return family === 4 ? set.v4 : set.v6;
}
