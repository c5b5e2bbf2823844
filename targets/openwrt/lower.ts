/**
 * Lower: the policy of a gateway → the sections of `/etc/config/firewall`.
 *
 * Decides everything that the templates show. Each interface is a zone of the platform, under the name of the plant's zone where it alone faces it
 * alone. Rules stand in the order in which a packet meets them: what passes by the baseline, what is spoofed, the denies, the allows, and a
 * logged deny at the end of every list, since the platform's own default is silent.
 */
import { type Family, families } from '../../src/net/address.ts';
import { type AddressSet, allAddresses, builtInNetworks, isEmpty, noAddresses, subtractAddresses, unionAddresses } from '../../src/net/address-set.ts';
import type { Ranges } from '../../src/net/ranges.ts';
import { allServices, type FamilyServices, familyServices } from '../../src/packets/service-set.ts';
import type { GatewayPolicy, Pass, PlacedInterface, Where } from '../../src/policy/gateway-policy.ts';
import { forwardPairs, inputRules, type OrderedRule, outputRules, type RuleSide } from '../../src/target/ordered-rules.ts';
import { ShortNames } from '../../src/target/short-names.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { exceptedServices, nameOf, sameServices, serviceRules } from './services.ts';
import { type Dialect, limits, setHash } from './target.ts';
import {
  addresses,
  bare,
  deviceName,
  family as familyToken,
  headLine,
  Inexpressible,
  logPrefix,
  messages,
  objectName,
  ports,
  prefixes,
  protocols,
  ruleName,
  ruleNameToken,
  setMatch,
  setName,
  type Token,
  value,
} from './tokens.ts';
import type { CheckView, FirewallView, RuleView, SetView } from './view.ts';

export interface Lowered {
  readonly firewall: FirewallView;
  readonly check: CheckView;
  /** Emitted name → original. */
  readonly shortened: ReadonlyMap<string, string>;
}

/** Sets with more networks than this are written out as ranges in the rule. */
const mostEntries = 1000;

/** Throws `Inexpressible` for what the platform cannot say. */
export function lower(policy: GatewayPolicy, facts: EmissionFacts): Lowered {
  return new Lowering(policy, facts).lower();
}

/** One end of a list of rules: a zone of the platform, or the gateway. */
interface Ends {
  readonly src: Token | undefined;
  readonly dest: Token | undefined;
  /** As logs and names of rules show it: `dmz>press`. */
  readonly label: string;
}

type Extra = Partial<Omit<RuleView, 'src' | 'dest' | 'name' | 'target'>>;

class Lowering {
  readonly #policy: GatewayPolicy;
  readonly #facts: EmissionFacts;
  readonly #dialect: Dialect;
  readonly #zoneNames: ReadonlyMap<PlacedInterface, string>;
  readonly #shortened = new Map<string, string>();
  readonly #setNames: ShortNames;
  readonly #sets = new Map<string, SetView>();
  readonly #taken = new Set<string>();
  readonly #rules: RuleView[] = [];
  #expanded = 0;

  constructor(policy: GatewayPolicy, facts: EmissionFacts) {
    this.#policy = policy;
    this.#facts = facts;
    this.#dialect = policy.options.get('dialect') === 'fw3' ? 'fw3' : 'fw4';
    const names = new ShortNames(
      this.#dialect === 'fw3' ? { longest: limits.zone.fw3, allowed: /[a-z0-9_]/u, digits: 6 } : { longest: limits.zone.fw4, allowed: /[A-Za-z0-9_-]/u },
    );
    this.#zoneNames = new Map(policy.interfaces.map((face) => [face, names.name(this.#originalName(face))]));
    for (const [emitted, original] of names.changed) this.#shortened.set(emitted, original);
    this.#setNames = new ShortNames({ longest: limits.set - setHash - 1, allowed: /[A-Za-z0-9_-]/u });
  }

  lower(): Lowered {
    const { interfaces } = this.#policy;
    this.#unrouted();
    for (const face of interfaces) this.#input(face);
    for (const face of interfaces) this.#spoofed(face, { src: this.#zone(face), dest: value('*'), label: `${this.#label(face)}>*` });
    for (const { from, to, closed, rules } of forwardPairs(this.#policy)) {
      const ends = { src: this.#zone(from), dest: this.#zone(to), label: `${this.#label(from)}>${this.#label(to)}` };
      this.#list(rules, ends);
      this.#deny(ends, closed ? 'shared wire' : 'default', [...this.#conduits(from, to), closed ? 'wire' : 'default']);
    }
    for (const face of interfaces) this.#output(face);
    if (this.#expanded > limits.rules)
      throw new Inexpressible(
        `a policy of ${this.#expanded} rules of its own`,
        `${limits.rules} are as many as a small gateway loads: use fewer interfaces, wider flows, or target nftables`,
      );
    for (const [emitted, original] of this.#setNames.changed)
      for (const name of this.#sets.keys()) if (name.startsWith(`${emitted}_`)) this.#shortened.set(name, original);
    const { tool, mark } = this.#dialect === 'fw4' ? { tool: bare('fw4'), mark: headLine('!fw4: ') } : { tool: bare('fw3'), mark: headLine('!fw3: ') };
    return {
      firewall: {
        head: this.#head('check it on the gateway with check-on-device.sh; the README of the target says how to load it with a way back'),
        defaults: this.#defaults(),
        zones: interfaces.map((face) => ({
          name: this.#zone(face),
          device: deviceName(face.name, this.#dialect),
          logs: this.#dialect === 'fw3' ? value('1') : undefined,
          logLimit: value('5/second'),
        })),
        sets: [...this.#sets.values()],
        rules: this.#rules,
      },
      check: { head: this.#head('run it on the gateway: it loads nothing'), tool, mark, nft: this.#dialect === 'fw4' },
      shortened: this.#shortened,
    };
  }

  /** What an interface's zone is called before it is shortened: a plant's zone if the two face each other alone. */
  #originalName(face: PlacedInterface): string {
    const [only, ...more] = face.zones;
    const alone =
      only !== undefined &&
      more.length === 0 &&
      this.#policy.interfaces.every((other) => other === face || !other.zones.some((zone) => zone.name === only.name));
    if (alone) return only.name;
    const named = `if_${face.name.replace(/[.@-]/gu, '_')}`;
    const free =
      !this.#policy.zones.some((zone) => zone.name === named) &&
      !this.#policy.interfaces.some((other) => other !== face && other.name.replace(/[.@-]/gu, '_') === named.slice(3));
    return free ? named : `if ${face.name}`;
  }

  #zone(face: PlacedInterface): Token {
    return objectName(this.#zoneNames.get(face) ?? '');
  }

  /** The plant's own names where they say more. */
  #label(face: PlacedInterface): string {
    const name = this.#zoneNames.get(face) ?? '';
    return this.#shortened.get(name) ?? name;
  }

  #head(how: string): Token[] {
    const { policyTitle, revision, compilerVersion, date, sourceDigest } = this.#facts;
    return [
      headLine(`gateway ${this.#policy.gateway} of policy ${policyTitle}${revision === undefined ? '' : `, revision ${revision}`}`),
      headLine(`compiled by zonewright ${compilerVersion} for ${date} from sources ${sourceDigest}`),
      headLine(`for ${this.#dialect}; ${how}`),
      headLine('do not edit: change the zone file and compile again'),
    ];
  }

  #defaults(): { name: Token; value: Token }[] {
    const rows: readonly (readonly [string, string])[] = [
      ['input', 'DROP'],
      ['output', 'DROP'],
      ['forward', 'DROP'],
      ['drop_invalid', '1'],
      ['synflood_protect', '0'],
      ['flow_offloading', '0'],
      ['auto_helper', '0'],
      // What else could be in force: the one dialect loads rules of packages, the other has chains of the user's own.
      this.#dialect === 'fw4' ? ['auto_includes', '0'] : ['custom_chains', '0'],
    ];
    return rows.map(([name, setting]) => ({ name: bare(name), value: value(setting) }));
  }

  // -- lists of rules ---------------------------------------------------------------------------------------------

  /** Rule 1 for destinations: asked before all others, so that a side that is whole need not be written. */
  #unrouted(): void {
    for (const face of this.#policy.interfaces) {
      const ends = { src: value('*'), dest: this.#zone(face), label: `*>${this.#label(face)}` };
      this.#beyond(face.faced, 'destinationAddresses', ends, 'unrouted');
    }
  }

  #spoofed(face: PlacedInterface, ends: Ends): void {
    this.#beyond(face.faced, 'sourceAddresses', ends, 'spoofed');
  }

  /** Denies what does not lie in the set, family by family. */
  #beyond(set: AddressSet, end: 'sourceAddresses' | 'destinationAddresses', ends: Ends, why: 'spoofed' | 'unrouted'): void {
    const outside = subtractAddresses(allAddresses, set);
    for (const family of families) {
      const ranges = rangesIn(outside, family);
      if (ranges.length === 0) continue;
      const all = rangesIn(set, family).length === 0;
      this.#deny(ends, `${why} IPv${family}`, [why === 'spoofed' ? 'spoof' : why], {
        family: familyToken(family),
        [end]: all ? [] : addresses(family, ranges),
      });
    }
  }

  #input(face: PlacedInterface): void {
    const ends = { src: this.#zone(face), dest: undefined, label: `${this.#label(face)}>${this.#policy.gateway}` };
    this.#passes(face, 'input', ends);
    this.#spoofed(face, ends);
    this.#list(inputRules(this.#policy, face), ends);
    this.#deny(ends, 'default', ['default']);
  }

  #output(face: PlacedInterface): void {
    const ends = { src: undefined, dest: this.#zone(face), label: `${this.#policy.gateway}>${this.#label(face)}` };
    this.#passes(face, 'output', ends);
    this.#beyond(face.faced, 'destinationAddresses', ends, 'unrouted');
    this.#list(outputRules(this.#policy, face), ends);
    this.#deny(ends, 'default', ['default']);
  }

  /** The conduits that log what they deny between these two, if the interfaces stand for one zone each. */
  #conduits(from: PlacedInterface, to: PlacedInterface): string[] {
    const has = (face: PlacedInterface, name: string): boolean => face.zones.length === 1 && face.zones[0]?.name === name;
    return this.#policy.deniedLogs.filter((log) => has(from, log.from) && has(to, log.to)).map((log) => log.conduit);
  }

  #deny(ends: Ends, why: string, words: readonly string[], extra: Extra = {}): void {
    this.#add(`${ends.label} ${why}`, ends, 'DROP', { protocols: [value('all')], ...extra }, [ends.label, ...words]);
  }

  /**
   * The rules between two ends. Allows of all but some services come last: what they leave out is denied between their sides, which takes nothing from
   * what was allowed before, and then everything is allowed, where their protocols one by one would be hundreds of rules. Two that leave out
   * different services would take from each other, and are written out.
   */
  #list(rules: readonly OrderedRule[], ends: Ends): void {
    const last = new Map<OrderedRule, FamilyServices>();
    for (const family of families) {
      const found = rules.flatMap((rule) => {
        const left = rule.family === family && rule.entry.effect === 'allow' ? exceptedServices(family, rule.services) : undefined;
        return left === undefined ? [] : [{ rule, left }];
      });
      const [first] = found;
      if (first !== undefined && found.every(({ left }) => sameServices(left, first.left))) for (const { rule, left } of found) last.set(rule, left);
    }
    for (const rule of rules) if (!last.has(rule)) this.#rule(rule, ends, rule.services);
    for (const [rule, left] of last) {
      this.#rule(rule, ends, left, 'all but these');
      this.#rule(rule, ends, familyServices(allServices, rule.family));
    }
  }

  /** `except`: the services are what an allow leaves out, which is denied as by default. */
  #rule(rule: OrderedRule, ends: Ends, services: FamilyServices, except?: string): void {
    try {
      this.#written(rule, ends, services, except);
    } catch (error) {
      if (error instanceof Inexpressible) error.span ??= rule.entry.origin.span;
      throw error;
    }
  }

  #written(rule: OrderedRule, ends: Ends, wanted: FamilyServices, except: string | undefined): void {
    const { entry, family, source, destination } = rule;
    const allow = entry.effect === 'allow';
    const { name } = entry.origin;
    if (entry.log && allow && this.#dialect === 'fw3')
      throw new Inexpressible(`the log of \`${name}\` on dialect fw3`, 'leave it out, or use dialect fw4: fw3 logs what zones drop alone');
    const sides = this.#sides(family, source, destination);
    const what = [name, ends.label, `IPv${family}`, ...(rule.service === undefined ? [] : [rule.service]), ...(except === undefined ? [] : [except])].join(' ');
    const logged = except === undefined ? (entry.log ? [ends.label, name] : undefined) : [ends.label, 'default'];
    for (const services of serviceRules(family, wanted, this.#dialect)) {
      this.#add(
        what,
        ends,
        allow && except === undefined ? 'ACCEPT' : 'DROP',
        {
          comment: headLine(`${this.#facts.place(entry.origin.span)} ${entry.effect} ${name}: ${side(source)} to ${side(destination)}`),
          family: familyToken(family),
          protocols: services.protocols,
          ...sides,
          destinationPorts: services.ports,
          messages: services.messages,
        },
        logged,
      );
    }
  }

  /** A side that is whole was asked for before. Of two groups one is a set: a rule takes no more. */
  #sides(family: Family, source: RuleSide | undefined, destination: RuleSide | undefined): Extra {
    const written = (one: RuleSide | undefined): Token[] => (one === undefined || one.whole ? [] : addresses(family, one.ranges));
    const toSet = this.#setOf(family, destination);
    const set = toSet ?? this.#setOf(family, source);
    return {
      ipset: set === undefined ? undefined : setMatch(set, toSet === undefined ? 'src' : 'dest'),
      sourceAddresses: set !== undefined && toSet === undefined ? [] : written(source),
      destinationAddresses: toSet === undefined ? written(destination) : [],
    };
  }

  /** The set of a group with more than one address, declared where it is first used. */
  #setOf(family: Family, side: RuleSide | undefined): string | undefined {
    if (side === undefined || side.whole || side.declared?.kind !== 'group') return undefined;
    const entries = prefixes(side.ranges);
    if (entries.length < 2 || entries.length > mostEntries) return undefined;
    const name = setName(this.#setNames.name(`${side.declared.name}_${family}`), entries);
    this.#sets.set(name, {
      name: objectName(name),
      family: familyToken(family),
      storage: this.#dialect === 'fw3' ? value('hash') : undefined,
      match: value('dest_net'),
      entries,
    });
    return name;
  }

  // -- the baseline -----------------------------------------------------------------------------------------------

  #passes(face: PlacedInterface, hook: Pass['hook'], ends: Ends): void {
    for (const pass of this.#policy.passes) {
      if (pass.interface !== face.name || pass.hook !== hook) continue;
      const from = unionAddresses(...pass.source.map((where) => this.#where(where, face, hook)));
      const to = unionAddresses(...pass.destination.map((where) => this.#where(where, face, hook)));
      const [sources, destinations] = [rangesIn(from, pass.family), rangesIn(to, pass.family)];
      if (sources.length === 0 || destinations.length === 0) continue;
      const icmp = pass.protocol === (pass.family === 4 ? 1 : 58);
      const values = pass.values?.map((one) => (icmp ? { first: one * 256, last: one * 256 + (pass.codeZero ? 0 : 255) } : { first: one, last: one })) ?? [];
      this.#add(`${pass.name} ${ends.label} IPv${pass.family}`, ends, 'ACCEPT', {
        family: familyToken(pass.family),
        protocols:
          icmp || [6, 17].includes(pass.protocol)
            ? [nameOf(pass.protocol)]
            : protocols(pass.family, [{ first: pass.protocol, last: pass.protocol }], this.#dialect),
        sourceAddresses: isEvery(from, pass.family) ? [] : addresses(pass.family, sources),
        sourcePorts: ports((pass.sourcePorts ?? []).map((port) => ({ first: port, last: port }))),
        destinationAddresses: isEvery(to, pass.family) ? [] : addresses(pass.family, destinations),
        destinationPorts: icmp ? [] : ports(values),
        messages: icmp ? messages(pass.family, values, this.#dialect) : [],
      });
    }
  }

  #where(where: Where, face: PlacedInterface, hook: Pass['hook']): AddressSet {
    if (where === 'faced') return face.faced;
    if (where === 'own') return (hook === 'input' ? face.reached : this.#policy.sending) ?? noAddresses;
    return builtInNetworks(...where.networks);
  }

  // -- one rule ---------------------------------------------------------------------------------------------------

  #add(name: string, ends: Ends, target: 'ACCEPT' | 'DROP', extra: Extra, log?: readonly string[]): void {
    const short = ruleName(name, this.#taken);
    if (short.includes('~')) this.#shortened.set(short, name);
    const rule: RuleView = {
      comment: undefined,
      family: undefined,
      protocols: [],
      ipset: undefined,
      sourceAddresses: [],
      sourcePorts: [],
      destinationAddresses: [],
      destinationPorts: [],
      messages: [],
      ...extra,
      name: ruleNameToken(short),
      src: ends.src,
      dest: ends.dest,
      logs: log === undefined || this.#dialect === 'fw3' ? undefined : logPrefix([this.#policy.gateway, ...log]),
      target: value(target),
    };
    this.#expanded += this.#sizeOf(rule);
    this.#rules.push(rule);
  }

  /** Rules that the platform makes of it: fw4 one for each protocol, fw3 one for each combination. */
  #sizeOf(rule: RuleView): number {
    const many = (list: readonly Token[]): number => Math.max(1, list.length);
    if (this.#dialect === 'fw4') return rule.protocols.length;
    const lists = [rule.protocols, rule.sourceAddresses, rule.sourcePorts, rule.destinationAddresses, rule.destinationPorts, rule.messages];
    return lists.reduce((product, list) => product * many(list), rule.family === undefined ? 2 : 1);
  }
}

function rangesIn(set: AddressSet, family: Family): Ranges<number> | Ranges<bigint> {
  return family === 4 ? set.v4 : set.v6;
}

function isEvery(set: AddressSet, family: Family): boolean {
  const outside = subtractAddresses(allAddresses, set);
  return isEmpty(family === 4 ? { ...outside, v6: [] } : { ...outside, v4: [] });
}

/** What a comment calls a side. */
function side(one: RuleSide | undefined): string {
  return one?.declared?.name ?? (one?.whole === true ? 'all behind it' : 'addresses');
}
