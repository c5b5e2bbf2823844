/**
 * Lower: the Ir of one gateway → the view of its ruleset.
 *
 * Every packet walks the same short way: interface and source, interface and destination (rule 1), state and mark
 * (rules 2 and 3), then the lookups of its pair of zones. All decisions fall here; the template only places tokens.
 */
import { families, type Family } from '../../src/net/address.ts';
import type { Entry, GatewayPolicy, PlacedInterface, PlacedZone } from '../../src/policy/gateway-policy.ts';
import { relatedErrorTypes } from '../../src/packets/packet.ts';
import { type Box, planLookups, type Step } from '../../src/target/lookup-plan.ts';
import { type PlanRow, planRow } from '../../src/target/plan-row.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { goTo, type Outcome, writeLookups } from './lookups.ts';
import { forwardPairs, inputPair, outputPair, type Pair, type PairEntry, pairKey } from '../../src/target/pairs.ts';
import { passRules } from './passes.ts';
import { Ruleset } from './ruleset.ts';
import { markOf } from './target.ts';
import {
  addressInterval,
  anonymousMap,
  comment,
  concatenation,
  flags,
  headLine,
  hexadecimal,
  identifier,
  interfaceName,
  keyword,
  logPrefix,
  number,
  numbers,
  phrase,
  rate,
  type Token,
} from './tokens.ts';
import type { ChainView, RulesetView } from './view.ts';

/** New conversations of a pair that are judged by at most this many rules are judged where their state is. */
const mostInline = 2;

/** Logs of one prefix: at most this many a second, and this many at once. */
const logRate = { amount: 5, unit: 'second', burst: 10 } as const;

const drop = keyword('drop');
const permit = identifier('verdict.permit');
const related = identifier('verdict.related');
const badState = identifier('verdict.state');
const spoofed = identifier('verdict.spoofed');
const unrouted = identifier('verdict.unrouted');

export function lower(policy: GatewayPolicy, facts: EmissionFacts): { view: RulesetView; shortened: ReadonlyMap<string, string>; plan: readonly PlanRow[] } {
  const lowering = new Lowering(policy, facts);
  return { view: lowering.view(), shortened: lowering.ruleset.shortened, plan: lowering.plan };
}

class Lowering {
  readonly ruleset = new Ruleset();
  readonly plan: PlanRow[] = [];
  readonly #policy: GatewayPolicy;
  readonly #facts: EmissionFacts;
  readonly #mark: { mask: number; value: number };
  readonly #pairs: Map<string, Pair>;
  /** Steps and exact sets of each pair, written once and used for requests and replies. */
  readonly #plans = new Map<string, Step<Entry>[]>();
  readonly #shared = new Map<Step<Entry>, Token>();
  readonly #written = new Map<string, Token[]>();
  readonly #effects = new Map<string, Token>();

  constructor(policy: GatewayPolicy, facts: EmissionFacts) {
    this.#policy = policy;
    this.#facts = facts;
    this.#mark = markOf(Number(policy.options.get('mark-mask') ?? 0xffff_ffff), facts.policyNumber);
    this.#pairs = forwardPairs(policy);
  }

  view(): RulesetView {
    const { ruleset } = this;
    this.#verdicts();
    const bases = [this.#forward(), this.#input(), this.#output()];
    return { head: this.#head(), counters: ruleset.counters, limits: ruleset.limits, sets: ruleset.sets, chains: [...ruleset.chains, ...bases] };
  }

  #head(): Token[] {
    const { policyTitle, revision, sourceDigest, date, compilerVersion } = this.#facts;
    return [
      headLine(`gateway ${this.#policy.gateway} of policy "${policyTitle}"${revision === undefined ? '' : `, revision ${revision}`}`.replaceAll('"', "'")),
      headLine(`compiled by zonewright ${compilerVersion} for ${date} from sources ${sourceDigest}`),
      headLine('load it with: nft -f ruleset.nft; it replaces the table inet zonewright in one transaction and touches no other'),
      headLine('do not edit: change the zone file and compile again'),
    ];
  }

  // -- fixed ends ---------------------------------------------------------------------------------------------

  #verdicts(): void {
    const { mask, value } = this.#mark;
    const set =
      mask === 0xffff_ffff
        ? phrase(keyword('ct mark set'), hexadecimal(value))
        : phrase(keyword('ct mark set ct mark &'), hexadecimal(~mask >>> 0), keyword('|'), hexadecimal(value));
    this.#fixed(permit, [phrase(set, keyword('accept'))], 'allowed: the conversation carries the number of this policy from now on');
    this.#fixed(
      related,
      [
        ...families.map((family) => {
          const types = numbers(relatedErrorTypes(family).map((type) => ({ first: type, last: type })));
          return phrase(keyword(family === 4 ? 'meta nfproto ipv4 icmp type' : 'meta nfproto ipv6 icmpv6 type'), types, keyword('accept'));
        }),
        goTo(badState),
      ],
      'related: ICMP errors only (RFC 4890)',
    );
    for (const [chain, word] of [
      [badState, 'state'],
      [spoofed, 'spoof'],
      [unrouted, 'unrouted'],
    ] as const) {
      this.#fixed(chain, [this.#deniedLog(word), drop], undefined);
    }
  }

  #fixed(name: Token, rules: readonly Token[], note: string | undefined): void {
    this.ruleset.chains.push({ name, hook: undefined, note: note === undefined ? undefined : headLine(note), rules });
  }

  /** A log under the gateway's shared limit. */
  #deniedLog(...words: readonly string[]): Token {
    return phrase(keyword('limit name'), this.#quotedLimit('limit.denied'), logPrefix([this.#policy.gateway, ...words]));
  }

  #quotedLimit(name: string): Token {
    return this.ruleset.limit(name, logRate);
  }

  // -- the way of a packet ------------------------------------------------------------------------------------

  #base(name: string, rules: readonly Token[]): ChainView {
    const offset = Number(this.#policy.options.get('priority') ?? 0);
    const priority = offset === 0 ? keyword('filter') : phrase(keyword('filter'), keyword('+'), number(offset));
    return { name: keyword(name), hook: phrase(keyword('type filter hook'), keyword(name), keyword('priority'), hookEnd(priority)), note: undefined, rules };
  }

  #dispatch(field: 'iifname' | 'oifname', entries: readonly (readonly [string, Token])[]): Token[] {
    return entries.length === 0
      ? []
      : [phrase(keyword(field), keyword('vmap'), anonymousMap(entries.map(([name, chain]) => [interfaceName(name), goTo(chain)])))];
  }

  /**
   * Sends a packet on by the zone of one of its addresses; what lies in no zone of the interface falls through.
   * An interface that faces one zone asks a set, one that faces several a map.
   */
  #byZone(stem: string, end: 'saddr' | 'daddr', zones: readonly PlacedZone[], next: (zone: PlacedZone) => Token): Token[] {
    const rules: Token[] = [];
    for (const family of families) {
      const field = keyword(`${family === 4 ? 'ip' : 'ip6'} ${end}`);
      const filled = zones.filter((zone) => rangesOf(zone, family).length > 0);
      const [only] = filled;
      if (only === undefined) continue;
      if (filled.length === 1) {
        rules.push(phrase(field, this.#zoneSet(only, family), goTo(next(only))));
        continue;
      }
      const elements = filled.flatMap((zone) => rangesOf(zone, family).map((range) => phrase(addressInterval(range), keyword(':'), goTo(next(zone)))));
      const type = phrase(keyword(family === 4 ? 'ipv4_addr' : 'ipv6_addr'), keyword(':'), keyword('verdict'));
      rules.push(phrase(field, keyword('vmap'), this.ruleset.set(`map.${stem}.${family}`, { word: keyword('map'), type, interval: true, elements })));
    }
    return rules;
  }

  readonly #zoneSets = new Map<string, Token>();

  #zoneSet(zone: PlacedZone, family: Family): Token {
    const name = `zone.${zone.name}.${family}`;
    const known = this.#zoneSets.get(name);
    if (known !== undefined) return known;
    const reference = this.ruleset.set(name, {
      word: keyword('set'),
      type: keyword(family === 4 ? 'ipv4_addr' : 'ipv6_addr'),
      interval: true,
      elements: rangesOf(zone, family).map(addressInterval),
    });
    this.#zoneSets.set(name, reference);
    return reference;
  }

  /**
   * One map from the two interfaces to their way; on it the source, the destination (rule 1), and the pair of zones. What takes no way is
   * told apart for the log alone.
   */
  #forward(): ChainView {
    const { interfaces } = this.#policy;
    const filled = interfaces.filter((face) => face.zones.length > 0);
    const ways = filled.flatMap((into) => filled.flatMap((out) => (into === out && into.sharedWire ? [] : [{ into, out, chain: this.#way(into, out) }])));
    const stray = interfaces.map((face) => {
      const rules = [...this.#byZone(`stray.${face.name}`, 'saddr', face.zones, () => unrouted), goTo(spoofed)];
      return [face.name, this.ruleset.chain(`stray.${face.name}`, rules)] as const;
    });
    const rules: Token[] = [];
    if (ways.length > 0) {
      const map = this.ruleset.set('way.interfaces', {
        word: keyword('map'),
        type: keyword('ifname . ifname : verdict'),
        interval: false,
        elements: ways.map(({ into, out, chain }) => phrase(concatenation([interfaceName(into.name), interfaceName(out.name)]), keyword(':'), goTo(chain))),
      });
      rules.push(phrase(keyword('iifname . oifname vmap'), map));
    }
    return this.#base('forward', [...rules, ...this.#dispatch('iifname', stray), goTo(spoofed)]);
  }

  #way(into: PlacedInterface, out: PlacedInterface): Token {
    const stem = `${into.name}.${out.name}`;
    const [only] = into.zones;
    if (only !== undefined && into.zones.length === 1) {
      const last = this.#faces(only) === 1 ? this.#arrival(only, out) : [goTo(this.#from(only, out))];
      return this.ruleset.chain(`way.${stem}`, [...this.#mustLie(only, 'saddr', spoofed), ...last]);
    }
    const rules = this.#byZone(`way.${stem}`, 'saddr', into.zones, (zone) => this.#from(zone, out));
    return this.ruleset.chain(`way.${stem}`, [...rules, goTo(spoofed)]);
  }

  readonly #fromChains = new Map<string, Token>();

  #from(zone: PlacedZone, out: PlacedInterface): Token {
    const stem = `from.${zone.name}.${out.name}`;
    const known = this.#fromChains.get(stem) ?? this.ruleset.chain(stem, this.#arrival(zone, out));
    this.#fromChains.set(stem, known);
    return known;
  }

  /** The destination, and what the pair allows; the last rule decides. */
  #arrival(from: PlacedZone, out: PlacedInterface): Token[] {
    const pairTo = (to: PlacedZone): { readonly pair: Pair; readonly back: readonly Pair[] } | undefined => {
      const pair = this.#pairs.get(pairKey(from.name, to.name));
      const back = this.#pairs.get(pairKey(to.name, from.name));
      return pair === undefined ? undefined : { pair, back: back === undefined ? [] : [back] };
    };
    const [only] = out.zones;
    const single = only === undefined || out.zones.length > 1 ? undefined : pairTo(only);
    // Where only one way leads to the pair, its rules stand at the end of it.
    if (single !== undefined && only !== undefined && this.#faces(from) === 1 && this.#faces(only) === 1)
      return [...this.#mustLie(only, 'daddr', unrouted, from), ...this.#stateRules(single.pair, single.back, 'forward')];
    const next = (to: PlacedZone): Token => {
      const found = pairTo(to);
      return found === undefined ? unrouted : this.#stateChain(found.pair, found.back, 'forward');
    };
    return [...this.#byZone(`out.${from.name}.${out.name}`, 'daddr', out.zones, next), goTo(unrouted)];
  }

  /** Interfaces that face a zone. */
  #faces(zone: PlacedZone): number {
    return this.#policy.interfaces.filter((face) => face.zones.some((one) => one.name === zone.name)).length;
  }

  /** Sends away whatever has this address outside the zone; of a family that `from` lacks nothing is left by then. */
  #mustLie(zone: PlacedZone, end: 'saddr' | 'daddr', away: Token, from?: PlacedZone): Token[] {
    const left = families.filter((family) => from === undefined || rangesOf(from, family).length > 0);
    return left.map((family) =>
      rangesOf(zone, family).length === 0
        ? phrase(keyword(family === 4 ? 'meta nfproto ipv4' : 'meta nfproto ipv6'), goTo(away))
        : phrase(keyword(`${family === 4 ? 'ip' : 'ip6'} ${end} !=`), this.#zoneSet(zone, family), goTo(away)),
    );
  }

  #input(): ChainView {
    const { interfaces } = this.#policy;
    const incoming = interfaces.map((face) => {
      const rules = [
        ...passRules(this.#policy, face, 'input', this.ruleset),
        ...this.#byZone(`input.${face.name}`, 'saddr', face.zones, (zone) =>
          this.#stateChain(inputPair(this.#policy, zone, face), [outputPair(this.#policy, zone, face)], 'input'),
        ),
        goTo(spoofed),
      ];
      return [face.name, this.ruleset.chain(`input.${face.name}`, rules)] as const;
    });
    return this.#base('input', [phrase(keyword('iifname'), interfaceName('lo'), keyword('accept')), ...this.#dispatch('iifname', incoming), goTo(spoofed)]);
  }

  #output(): ChainView {
    const { interfaces } = this.#policy;
    const outgoing = interfaces.map((face) => {
      const rules = [
        ...passRules(this.#policy, face, 'output', this.ruleset),
        ...this.#byZone(`output.${face.name}`, 'daddr', face.zones, (zone) =>
          this.#stateChain(outputPair(this.#policy, zone, face), this.#entrances(zone), 'output'),
        ),
        goTo(unrouted),
      ];
      return [face.name, this.ruleset.chain(`output.${face.name}`, rules)] as const;
    });
    return this.#base('output', [phrase(keyword('oifname'), interfaceName('lo'), keyword('accept')), ...this.#dispatch('oifname', outgoing), goTo(unrouted)]);
  }

  /** Ways for a zone's questions to the gateway: the answer may leave by another interface than the question came by. */
  #entrances(zone: PlacedZone): Pair[] {
    return this.#policy.interfaces.filter((face) => face.zones.some((one) => one.name === zone.name)).map((face) => inputPair(this.#policy, zone, face));
  }

  // -- state, and what a pair allows ----------------------------------------------------------------------------

  readonly #stateChains = new Map<string, Token>();

  #stateChain(pair: Pair, opposites: readonly Pair[], hook: 'forward' | 'input' | 'output'): Token {
    const known = this.#stateChains.get(pair.stem) ?? this.ruleset.chain(`pair.${pair.stem}`, this.#stateRules(pair, opposites, hook), headLine(pair.label));
    this.#stateChains.set(pair.stem, known);
    return known;
  }

  /** Rules 2 and 3 for one pair. `opposites` are the pairs whose requests are answered this way. */
  #stateRules(pair: Pair, opposites: readonly Pair[], hook: 'forward' | 'input' | 'output'): Token[] {
    const { mask, value } = this.#mark;
    const current =
      mask === 0xffff_ffff
        ? phrase(keyword('ct mark'), hexadecimal(value))
        : phrase(keyword('ct mark &'), hexadecimal(mask), keyword('=='), hexadecimal(value));
    const fresh = this.#newRules(pair);
    const rejudged = this.#againRules(pair, opposites, hook);
    const again = rejudged.length === 0 ? drop : goTo(this.ruleset.chain(`again.${pair.stem}`, rejudged));
    const isNew = keyword('ct state new');
    return [
      phrase(keyword('ct state'), flags('established', 'new'), current, keyword('accept')),
      // A pair without flows has a log and a drop: not worth a chain.
      ...(fresh.length <= mostInline ? fresh.map((rule) => phrase(isNew, rule)) : [phrase(isNew, goTo(this.ruleset.chain(`new.${pair.stem}`, fresh)))]),
      phrase(keyword('ct state established'), again),
      phrase(keyword('ct state related'), goTo(related)),
      goTo(badState),
    ];
  }

  #newRules(pair: Pair): Token[] {
    const conduit = this.#policy.deniedLogs.find((log) => log.from === pair.from && log.to === pair.to)?.conduit;
    const denied = this.#verdict(this.#deniedRules(pair, conduit));
    const allowed = this.#allowedVerdict(pair);
    const last = [this.#defaultLog(pair, conduit), drop];
    const limited = pair.entries.filter(({ entry }) => entry.effect === 'allow' && entry.rate !== undefined);
    return this.#byFamily(`new.${pair.stem}`, [pair], (asked) => [
      ...this.#lookups(pair, asked, 'deny', denied),
      ...this.#lookups(pair, asked, 'allow', this.#verdict(allowed)),
      ...(limited.length === 0 ? [] : this.#labelled(pair, asked, limited, 'rate', (labels) => this.#rateChain(pair, labels, allowed))),
      ...last,
    ]);
  }

  /** A conversation that runs already is judged again: no rate, no log (rule 3). Empty if nothing could let it go on. */
  #againRules(pair: Pair, opposites: readonly Pair[], hook: 'forward' | 'input' | 'output'): Token[] {
    const permits = (one: Pair): boolean => one.entries.some(({ entry }) => entry.effect === 'allow');
    const answered = opposites.filter(permits);
    if (answered.length === 0 && !permits(pair)) return [];
    const answers = (): Token[] => {
      const stem = `answers.${pair.stem}`;
      return this.#byFamily(stem, answered, (asked) => [...answered.flatMap((opposite) => this.#judgement(opposite, asked, true, hook)), drop]);
    };
    const reply = answered.length === 0 ? drop : goTo(this.ruleset.chain(`answers.${pair.stem}`, answers()));
    const requests = permits(pair) ? this.#byFamily(`again.${pair.stem}`, [pair], (asked) => [...this.#judgement(pair, asked, false, hook), drop]) : [drop];
    return [phrase(keyword('ct direction reply'), reply), ...requests];
  }

  /** Denies, then every allow, limited or not; for requests of the pair or, swapped, for replies to them. */
  #judgement(pair: Pair, asked: readonly Family[], swapped: boolean, hook: 'forward' | 'input' | 'output'): Token[] {
    const permitted = this.#verdict(goTo(permit));
    return [
      ...this.#lookups(pair, asked, 'deny', this.#verdict(drop), swapped, hook),
      ...this.#lookups(pair, asked, 'allow', permitted, swapped, hook),
      ...this.#lookups(pair, asked, 'limited', permitted, swapped, hook),
    ];
  }

  /** Where both families are asked more than once, each has a chain: a packet does not walk the lookups of the other. */
  #byFamily(stem: string, pairs: readonly Pair[], rules: (asked: readonly Family[]) => Token[]): Token[] {
    const steps = (family: Family): number =>
      pairs.flatMap((pair) => (['deny', 'allow', 'limited'] as const).map((which) => this.#plan(pair, family, which).length)).reduce((a, b) => a + b, 0);
    if (steps(4) < 2 || steps(6) < 2) return rules(families);
    return [phrase(keyword('meta nfproto ipv6'), goTo(this.ruleset.chain(`${stem}.v6`, rules([6])))), ...rules([4])];
  }

  /** The lookups of one effect of a pair, planned once. */
  #plan(pair: Pair, family: Family, which: 'deny' | 'allow' | 'limited'): Step<Entry>[] {
    const key = `${which}.${pair.stem}.${family}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const boxes = boxesOf(chosen(pair.entries, which), family);
    const plan = planLookups(family, boxes);
    this.#plans.set(key, plan);
    if (boxes.length > 0) this.plan.push(planRow(pair.face === undefined ? pair.label : `${pair.label} by ${pair.face}`, family, which, plan, boxes));
    return plan;
  }

  #verdict(verdict: Token): Extract<Outcome<Entry>, { kind: 'verdict' }> {
    return { kind: 'verdict', verdict, note: (labels) => this.#note(labels) };
  }

  /** `press_data/historian_poll plant.zone:41 +2`. */
  #note(labels: readonly Entry[]): Token {
    const first = labels[0];
    if (first === undefined) return comment('no flow');
    const place = this.#facts.place(first.origin.span);
    const more = labels.length > 1 ? ` +${labels.length - 1}` : '';
    const room = 120 - place.length - more.length;
    const name = first.origin.name;
    return comment(`${name.length > room ? `${name.slice(0, Math.max(room - 3, 8))}...` : name} ${place}${more}`);
  }

  #lookups(
    pair: Pair,
    asked: readonly Family[],
    which: 'deny' | 'allow' | 'limited',
    outcome: Extract<Outcome<Entry>, { kind: 'verdict' }>,
    swapped = false,
    hook?: 'forward' | 'input' | 'output',
  ): Token[] {
    const guard = this.#guard(pair, swapped, hook);
    return asked.flatMap((family) => {
      const stem = `${which}.${pair.stem}.${family}`;
      // New conversations and those judged again ask the same: the same rules stand in both chains.
      const name = `${stem} ${swapped} ${guard.join(' ')} ${outcome.verdict}`;
      const writing = { ruleset: this.ruleset, family, stem, outcome, swapped, shared: this.#shared, guard };
      const rules = this.#written.get(name) ?? writeLookups(this.#plan(pair, family, which), writing);
      this.#written.set(name, rules);
      return rules;
    });
  }

  /** Lookups of some of a pair's flows, each combination of which leads to a chain of its own. */
  #labelled(pair: Pair, asked: readonly Family[], entries: readonly PairEntry[], word: string, chain: (labels: readonly Entry[]) => Token): Token[] {
    const outcome: Outcome<Entry> = { kind: 'chains', chain, note: (labels) => this.#note(labels) };
    const guard = this.#guard(pair, false, undefined);
    return asked.flatMap((family) => {
      const stem = `${word}.${pair.stem}.${family}`;
      return writeLookups(planLookups(family, boxesOf(entries, family)), {
        ruleset: this.ruleset,
        family,
        stem,
        outcome,
        swapped: false,
        shared: this.#shared,
        guard,
      });
    });
  }

  /**
   * What the platform is asked about the gateway's own end. Replies that the gateway sends show its address as their
   * source; replies that reach it were delivered to an address of its own.
   */
  #guard(pair: Pair, swapped: boolean, hook: 'forward' | 'input' | 'output' | undefined): Token[] {
    if (!pair.asksLocal) return [];
    const toGateway = pair.to === this.#policy.gateway;
    if (swapped) return hook === 'output' && toGateway ? [keyword('fib saddr type local')] : [];
    return [toGateway ? keyword('fib daddr . iif type local') : keyword('fib saddr type local')];
  }

  // -- effects: logs, counters, rates ---------------------------------------------------------------------------

  #deniedRules(pair: Pair, conduit: string | undefined): Token {
    const loud = pair.entries.filter(({ entry }) => entry.effect === 'deny' && (entry.log || entry.count));
    if (loud.length === 0 && conduit === undefined) return drop;
    if (!pair.entries.some(({ entry }) => entry.effect === 'deny')) return drop;
    const rules = [
      ...this.#labelled(pair, families, loud, 'noteddeny', (labels) => this.#effectChain(pair, labels)),
      ...(conduit === undefined ? [] : [this.#defaultLog(pair, conduit)]),
      drop,
    ];
    return goTo(this.ruleset.chain(`denied.${pair.stem}`, rules));
  }

  #allowedVerdict(pair: Pair): Token {
    const loud = pair.entries.filter(({ entry }) => entry.effect === 'allow' && (entry.log || entry.count));
    if (loud.length === 0) return goTo(permit);
    return goTo(
      this.ruleset.chain(`allowed.${pair.stem}`, [...this.#labelled(pair, families, loud, 'noted', (labels) => this.#effectChain(pair, labels)), goTo(permit)]),
    );
  }

  /** Logs and counts of a set of flows; falls through. */
  #effectChain(pair: Pair, labels: readonly Entry[]): Token {
    const key = `${pair.stem} effect ${labels.map((entry) => entry.origin.name).join('\n')}`;
    const known = this.#effects.get(key);
    if (known !== undefined) return known;
    const rules = labels.flatMap((entry) => {
      const note = comment(`${entry.origin.name.slice(0, 60)} ${this.#facts.place(entry.origin.span)}`);
      const result: Token[] = [];
      if (entry.count)
        result.push(
          phrase(
            keyword('counter name'),
            this.ruleset.counter(`flow.${entry.origin.name}`, `${entry.origin.name.slice(0, 60)} ${this.#facts.place(entry.origin.span)}`),
            note,
          ),
        );
      if (entry.log) result.push(phrase(keyword('limit rate'), rate(logRate), logPrefix([this.#policy.gateway, pair.label, shortName(entry)]), note));
      return result;
    });
    const chain = this.ruleset.chain(this.ruleset.numbered(`effect.${pair.stem}`), rules);
    this.#effects.set(key, chain);
    return chain;
  }

  /** Any flow of the set that has a token left lets the conversation start. */
  #rateChain(pair: Pair, labels: readonly Entry[], allowed: Token): Token {
    const key = `${pair.stem} rate ${labels.map((entry) => entry.origin.name).join('\n')}`;
    const known = this.#effects.get(key);
    if (known !== undefined) return known;
    const rules = labels.flatMap((entry) =>
      entry.rate === undefined
        ? []
        : [phrase(keyword('limit name'), this.ruleset.limit(`rate.${entry.origin.name}`, entry.rate), allowed, this.#note([entry]))],
    );
    const chain = this.ruleset.chain(this.ruleset.numbered(`tokens.${pair.stem}`), rules);
    this.#effects.set(key, chain);
    return chain;
  }

  #defaultLog(pair: Pair, conduit: string | undefined): Token {
    if (conduit === undefined) return this.#deniedLog(pair.label, 'default');
    return phrase(keyword('limit name'), this.#quotedLimit(`limit.denied.${pair.stem}`), logPrefix([this.#policy.gateway, pair.label, conduit, 'default']));
  }
}

function chosen(entries: readonly PairEntry[], which: 'deny' | 'allow' | 'limited'): PairEntry[] {
  return entries.filter(({ entry }) =>
    which === 'deny' ? entry.effect === 'deny' : entry.effect === 'allow' && (entry.rate !== undefined) === (which === 'limited'),
  );
}

function boxesOf(entries: readonly PairEntry[], family: Family): Box<Entry>[] {
  return entries.flatMap((one) => one.boxes.get(family) ?? []);
}

function shortName(entry: Entry): string {
  return entry.hook === 'forward' ? entry.origin.name : (entry.origin.name.split(' ')[0] ?? entry.origin.name);
}

function rangesOf(zone: PlacedZone, family: Family): readonly ({ first: number; last: number } | { first: bigint; last: bigint })[] {
  return family === 4 ? zone.addresses.v4 : zone.addresses.v6;
}

function hookEnd(priority: Token): Token {
  return `${priority}; policy drop;` as Token;
}
