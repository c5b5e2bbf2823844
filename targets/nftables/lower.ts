/**
 * Lower: the Ir of one gateway → the view of its ruleset.
 *
 * Every packet walks the same short way: interface and source, interface and destination (rule 1), then state, mark and the lookups of its
 * pair of zones (`judgement.ts`). All decisions fall in these files; the template only places tokens.
 */
import { families, type Family } from '../../src/net/address.ts';
import { relatedErrorTypes } from '../../src/packets/packet.ts';
import type { GatewayPolicy, PlacedInterface, PlacedZone } from '../../src/policy/gateway-policy.ts';
import { forwardPairs, inputPair, outputPair, type Pair, pairKey } from '../../src/target/pairs.ts';
import type { PlanRow } from '../../src/target/plan-row.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { Effects } from './effects.ts';
import { Judgement } from './judgement.ts';
import { goTo } from './lookups.ts';
import { passRules } from './passes.ts';
import { Ruleset } from './ruleset.ts';
import { markOf } from './target.ts';
import {
  addressInterval,
  anonymousMap,
  concatenation,
  headLine,
  hexadecimal,
  interfaceName,
  keyword,
  number,
  numbers,
  onlyResets,
  phrase,
  type Token,
} from './tokens.ts';
import { badState, drop, permit, related, reset, sent, spoofed, unrouted } from './verdicts.ts';
import type { ChainView, RulesetView } from './view.ts';

export function lower(policy: GatewayPolicy, facts: EmissionFacts): { view: RulesetView; shortened: ReadonlyMap<string, string>; plan: readonly PlanRow[] } {
  const lowering = new Lowering(policy, facts);
  return { view: lowering.view(), shortened: lowering.ruleset.shortened, plan: lowering.judgement.plan };
}

class Lowering {
  readonly ruleset = new Ruleset();
  readonly judgement: Judgement;
  readonly #effects: Effects;
  readonly #policy: GatewayPolicy;
  readonly #facts: EmissionFacts;
  readonly #mark: { mask: number; value: number };
  readonly #pairs: Map<string, Pair>;

  constructor(policy: GatewayPolicy, facts: EmissionFacts) {
    this.#policy = policy;
    this.#facts = facts;
    this.#mark = markOf(Number(policy.options.get('mark-mask') ?? 0xffff_ffff), facts.policyNumber);
    this.#pairs = forwardPairs(policy);
    this.#effects = new Effects(this.ruleset, policy, facts);
    this.judgement = new Judgement(this.ruleset, policy, this.#mark, this.#effects);
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
    if (this.#policy.resetsDenied) {
      this.#fixed(reset, [keyword('meta l4proto tcp reject with tcp reset'), drop], 'denied by what its message says: TCP is answered');
      this.#fixed(sent, [phrase(onlyResets, keyword('accept')), goTo(related)], 'related, on its way out: such an answer, or an ICMP error');
    }
    for (const [chain, word] of [
      [badState, 'state'],
      [spoofed, 'spoof'],
      [unrouted, 'unrouted'],
    ] as const) {
      this.#fixed(chain, [this.#effects.deniedLog(word), drop], undefined);
    }
  }

  #fixed(name: Token, rules: readonly Token[], note: string | undefined): void {
    this.ruleset.chains.push({ name, hook: undefined, note: note === undefined ? undefined : headLine(note), rules });
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
      return [...this.#mustLie(only, 'daddr', unrouted, from), ...this.judgement.stateRules(single.pair, single.back, 'forward')];
    const next = (to: PlacedZone): Token => {
      const found = pairTo(to);
      return found === undefined ? unrouted : this.judgement.stateChain(found.pair, found.back, 'forward');
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
          this.judgement.stateChain(inputPair(this.#policy, zone, face), [outputPair(this.#policy, zone, face)], 'input'),
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
          this.judgement.stateChain(outputPair(this.#policy, zone, face), this.#entrances(zone), 'output'),
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
}

function rangesOf(zone: PlacedZone, family: Family): readonly ({ first: number; last: number } | { first: bigint; last: bigint })[] {
  return family === 4 ? zone.addresses.v4 : zone.addresses.v6;
}

function hookEnd(priority: Token): Token {
  return `${priority}; policy drop;` as Token;
}
