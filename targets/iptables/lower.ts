/**
 * Lower: the Ir of one gateway → the views of its files.
 *
 * Every packet walks the same short way, in each family: interface it came by and zone of its source, interface it leaves by and zone of its
 * destination (rule 1), state and mark (rules 2 and 3), then the lookups of its pair of zones. All decisions fall here and in the files
 * beside it; templates only place tokens.
 */
import { families, type Family } from '../../src/net/address.ts';
import type { Ranges } from '../../src/net/ranges.ts';
import { relatedErrorTypes } from '../../src/packets/packet.ts';
import type { GatewayPolicy, PlacedInterface, PlacedZone } from '../../src/policy/gateway-policy.ts';
import { cutTrees } from '../../src/target/cut-tree.ts';
import { forwardPairs, inputPair, outputPair, type Pair, pairKey } from '../../src/target/pairs.ts';
import type { PlanRow } from '../../src/target/plan-row.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { Effects } from './effects.ts';
import { type Area, inspectedAreas } from './inspected.ts';
import { type Ends, type Inspection, Judgement } from './judgement.ts';
import { isForEngine } from './looks.ts';
import { addressMatches } from './matches.ts';
import { passRules } from './passes.ts';
import { Sets } from './sets.ts';
import { accept, drop, goTo, Table, TooManyRules } from './table.ts';
import { limits, markOf } from './target.ts';
import { headLine, icmpMessage, Inexpressible, interfaceName, keyword, markValue, phrase, type Token } from './tokens.ts';
import { pricesOf, treeRules } from './trees.ts';
import type { SetsView, TableView } from './view.ts';

export interface Lowered {
  readonly tables: ReadonlyMap<Family, TableView>;
  /** Undefined for a gateway without ipset. */
  readonly sets: SetsView | undefined;
  /** What the engine looks into, by family; undefined without an engine. */
  readonly inspected: ReadonlyMap<Family, readonly Area[]> | undefined;
  readonly shortened: ReadonlyMap<string, string>;
  readonly plan: readonly PlanRow[];
}

/** Chains that a tree of lookups may nest, at first. */
const mostLevels = 5;
/**
 * Zones of so few ranges in all are asked range by range, also where there are sets: a network without the gateway's own addresses has prefixes of a dozen
 * lengths, and a set of networks asks for each length.
 */
const mostSpelt = 8;
/** With more pairs of zones than this, those that no flow joins share their chains. */
const mostPairs = 1000;

/** Throws `Inexpressible` for what no rule of iptables can say. */
export function lower(policy: GatewayPolicy, facts: EmissionFacts): Lowered {
  const sets = policy.options.get('sets') !== 'no';
  try {
    return lowerSomehow(policy, facts, sets);
  } catch (error) {
    if (!(error instanceof TooManyRules)) throw error;
    const most = error.stem === undefined ? '' : `: the largest part would be in chains \`${error.stem}\``;
    throw new Inexpressible(`this policy in ${limits.rules} rules${sets ? '' : ' without ipset'}${most}`, sets ? withSets : withoutSets(policy, facts));
  }
}

const withSets =
  'rules grow with pairs of zones that flows join, and with flows that log, count, have a rate, or have networks on both sides: ' +
  'fewer of them on one gateway, or `target nftables`, which has no such limit';

/** Whether ipset would help is tried, not guessed. */
function withoutSets(policy: GatewayPolicy, facts: EmissionFacts): string {
  try {
    const { tables } = lowerSomehow(policy, facts, true);
    const most = Math.max(...[...tables.values()].map(({ chains }) => chains.reduce((sum, { rules }) => sum + rules.length, 0)));
    return `a gateway with ipset (\`sets yes\`) needs ${most} rules for it; \`target nftables\` has no such limit`;
  } catch (error) {
    if (!(error instanceof TooManyRules || error instanceof Inexpressible)) throw error;
    return `neither can it be said with ipset (\`sets yes\`); ${withSets}`;
  }
}

function lowerSomehow(policy: GatewayPolicy, facts: EmissionFacts, sets: boolean): Lowered {
  const pairs = pairsOf(policy);
  // Where chains would nest too deep, trees are written again with fewer, longer chains.
  for (let levels = mostLevels; levels > 0; levels--) {
    const lowered = lowerWithin(policy, facts, pairs, levels, sets);
    if (lowered !== undefined) return lowered;
  }
  throw new Inexpressible(`this policy in chains that nest at most ${limits.nested} deep`);
}

/** Undefined if some way through the chains is longer than nf_tables allows. */
function lowerWithin(policy: GatewayPolicy, facts: EmissionFacts, pairs: Pairs, levels: number, withIpset: boolean): Lowered | undefined {
  const prefix = policy.options.get('chain-prefix') ?? 'zw';
  const sets = withIpset ? new Sets(prefix) : undefined;
  const lowerings = families.map((family) => new FamilyLowering(policy, facts, new Table(family, prefix, sets, levels), pairs));
  const tables = new Map(lowerings.map((one) => [one.table.family, one.view()]));
  if (lowerings.some((one) => one.table.depth() > limits.nested)) return undefined;
  const shortened = new Map(lowerings.flatMap((one) => [...one.table.shortened, ...one.effects.shortened]));
  for (const [name, whole] of sets?.shortened ?? []) shortened.set(name, whole);
  return {
    tables,
    sets: sets === undefined ? undefined : { head: headLines(policy, facts, 'load it with: ipset -exist restore < ipset.rules'), sets: sets.views },
    inspected: hasEngine(policy) ? new Map(lowerings.map((one) => [one.table.family, one.inspected()])) : undefined,
    shortened,
    plan: lowerings.flatMap((one) => one.judgement.plan),
  };
}

function hasEngine(policy: GatewayPolicy): boolean {
  return (policy.options.get('inspect-with') ?? 'none') !== 'none';
}

/** What every file says of itself. */
export function headLines(policy: GatewayPolicy, facts: EmissionFacts, how: string): Token[] {
  const { policyTitle, revision, sourceDigest, date, compilerVersion } = facts;
  return [
    headLine(`gateway ${policy.gateway} of policy '${policyTitle}'${revision === undefined ? '' : `, revision ${revision}`}`),
    headLine(`compiled by zonewright ${compilerVersion} for ${date} from sources ${sourceDigest}`),
    headLine(how.replaceAll('!', '')),
    headLine('do not edit: change the zone file and compile again'),
  ];
}

interface Pairs {
  readonly forward: ReadonlyMap<string, Pair>;
  readonly input: ReadonlyMap<string, Pair>;
  readonly output: ReadonlyMap<string, Pair>;
}

function pairsOf(policy: GatewayPolicy): Pairs {
  const own = (make: (zone: PlacedZone, face: PlacedInterface) => Pair): Map<string, Pair> =>
    new Map(policy.interfaces.flatMap((face) => face.zones.map((zone) => [pairKey(zone.name, face.name), make(zone, face)] as const)));
  return {
    forward: forwardPairs(policy),
    input: own((zone, face) => inputPair(policy, zone, face)),
    output: own((zone, face) => outputPair(policy, zone, face)),
  };
}

class FamilyLowering {
  readonly table: Table;
  readonly effects: Effects;
  readonly judgement: Judgement;
  readonly #policy: GatewayPolicy;
  readonly #facts: EmissionFacts;
  readonly #pairs: Pairs;
  readonly #mark: { readonly mask: number; readonly value: number };
  readonly #areas = new Map<Pair, readonly Area[]>();
  readonly #spoofed: Token;
  readonly #unrouted: Token;

  constructor(policy: GatewayPolicy, facts: EmissionFacts, table: Table, pairs: Pairs) {
    this.#policy = policy;
    this.#facts = facts;
    this.#pairs = pairs;
    this.table = table;
    this.effects = new Effects(policy, facts, table);
    this.#mark = markOf(Number(policy.options.get('mark-mask') ?? 0xffff_ffff), facts.policyNumber);
    this.#spoofed = this.#denied('spoofed', 'spoof');
    this.#unrouted = this.#denied('unrouted', 'unrouted');
    this.judgement = new Judgement({
      policy,
      table,
      effects: this.effects,
      mark: this.#mark,
      ends: this.#ends(),
      gate: (pair) => this.#gate(pair),
      inspection: this.#inspection(),
      pairs: [...pairs.forward.values(), ...pairs.input.values(), ...pairs.output.values()],
    });
  }

  view(): TableView {
    const { table } = this;
    const hooks = [
      { hook: keyword('FORWARD'), chain: this.#forward() },
      { hook: keyword('INPUT'), chain: this.#input() },
      { hook: keyword('OUTPUT'), chain: this.#output() },
    ];
    const [tool, file] = table.family === 4 ? ['iptables', 'iptables.rules'] : ['ip6tables', 'ip6tables.rules'];
    return {
      head: headLines(this.#policy, this.#facts, `load it with: sh load.sh; or by hand, after the sets: ${tool}-restore --noflush < ${file}`),
      chains: table.chains.toReversed(),
      hooks,
    };
  }

  /** All areas that the engine looks into, in the order of pairs. */
  inspected(): readonly Area[] {
    return [...this.#pairs.forward.values()].flatMap((pair) => this.#areasOf(pair));
  }

  #inspection(): Inspection | undefined {
    if (!hasEngine(this.#policy)) return undefined;
    return { queue: Number(this.#policy.options.get('queue') ?? 0), areas: (pair) => this.#areasOf(pair) };
  }

  #areasOf(pair: Pair): readonly Area[] {
    const known = this.#areas.get(pair);
    if (known !== undefined) return known;
    const [from, to] = [pair.from, pair.to].map((name) => this.#policy.zones.find((zone) => zone.name === name));
    const areas =
      from === undefined || to === undefined ? [] : inspectedAreas(pair, this.table.family, from, to, (functions) => isForEngine(this.#policy, functions));
    this.#areas.set(pair, areas);
    return areas;
  }

  // -- fixed ends -----------------------------------------------------------------------------------------------

  #denied(stem: string, word: string): Token {
    return this.table.chain(stem, [this.effects.log(word), drop]);
  }

  #ends(): Ends {
    const { family } = this.table;
    const state = this.#denied('state', 'state');
    const errors = keyword(family === 4 ? '-p icmp -m icmp --icmp-type' : '-p icmpv6 -m icmp6 --icmpv6-type');
    // ICMP errors only (RFC 4890).
    const related = this.table.chain('related', [
      ...relatedErrorTypes(family).map((type) => phrase(errors, icmpMessage(family, type, undefined), accept)),
      goTo(state),
    ]);
    return {
      state,
      related,
      answering: this.#policy.resetsDenied ? this.#answering(related) : undefined,
      permit: this.table.chain('permit', [phrase(keyword('-j CONNMARK --set-xmark'), markValue(this.#mark)), accept]),
    };
  }

  /** The reset that answers a denied message, and what lets it out: it belongs to no conversation, but is related to one. */
  #answering(related: Token): Ends['answering'] {
    const segment = keyword('-p tcp');
    const onlyResets = keyword('-m tcp --tcp-flags FIN,SYN,RST,PSH,URG RST');
    return {
      reset: this.table.chain('reset', [phrase(segment, keyword('-j REJECT --reject-with tcp-reset')), drop]),
      sent: this.table.chain('sent', [phrase(segment, onlyResets, accept), goTo(related)]),
    };
  }

  // -- the way of a packet --------------------------------------------------------------------------------------

  /** One rule for each interface that has something behind it. */
  #byInterface(option: '-i' | '-o', chains: readonly (readonly [face: PlacedInterface, chain: Token])[]): Token[] {
    return chains.map(([face, chain]) => phrase(keyword(option), interfaceName(face.name), goTo(chain)));
  }

  /** Sends a packet on by the zone of one of its addresses; what lies in none of them falls through to `otherwise`. */
  #byZone(stem: string, end: 'source' | 'destination', zones: readonly PlacedZone[], next: (zone: PlacedZone) => Token, otherwise: Token): Token[] {
    const spelt = this.table.sets === undefined || zones.reduce((sum, zone) => sum + this.#ranges(zone).length, 0) <= mostSpelt;
    const boxes = zones.flatMap((zone) => {
      const ranges = this.#ranges(zone);
      // Named after the zone, before anyone else asks for the same addresses.
      if (ranges.length > 1 && !spelt) this.table.sets?.networks(`zone.${zone.name}`, this.table.family, ranges);
      return ranges.length === 0 ? [] : [{ source: undefined, destination: undefined, value: undefined, [end]: ranges, label: zone }];
    });
    // A zone alone in the tree is not cut: no two zones overlap, so one tree always holds them all.
    const trees = cutTrees(boxes, pricesOf('any', !spelt, true));
    const outcome = (labels: readonly PlacedZone[]): Token[] => labels.map((zone) => goTo(next(zone)));
    const miss = goTo(otherwise);
    const levels = Math.min(2, this.table.levels);
    return [...trees.flatMap((tree) => treeRules(tree, { table: this.table, group: 'any', swapped: false, stem, outcome, miss, levels, spelt })), miss];
  }

  #ranges(zone: PlacedZone): Ranges<number> | Ranges<bigint> {
    return this.table.family === 4 ? zone.addresses.v4 : zone.addresses.v6;
  }

  #forward(): Token {
    const into = this.#policy.interfaces.map((face) => {
      // What came by a shared wire does not go back to it; which of its ends is wrong matters to the log alone.
      const stray = (): Token =>
        this.table.chain(
          `stray.${face.name}`,
          this.#byZone(`stray.${face.name}`, 'source', face.zones, () => this.#unrouted, this.#spoofed),
        );
      const wire = face.sharedWire ? this.#byInterface('-o', [[face, stray()]]) : [];
      const rules = [...wire, ...this.#byZone(`in.${face.name}`, 'source', face.zones, (zone) => this.#leaving(zone), this.#spoofed)];
      return [face, this.table.chain(`in.${face.name}`, rules)] as const;
    });
    return this.table.chain('forward', [...this.#byInterface('-i', into), goTo(this.#spoofed)]);
  }

  /** From a zone, whichever interface it came by: on by the interface it leaves by. */
  #leaving(from: PlacedZone): Token {
    return this.table.once(`from ${from.name}`, `from.${from.name}`, () => {
      const shared = this.#pairs.forward.size > mostPairs;
      const joined = this.#policy.interfaces.filter((face) => !shared || face.zones.some((to) => this.#isJoined(from, to)));
      const out = joined.map((face) => {
        const next = (to: PlacedZone): Token => (shared && !this.#isJoined(from, to) ? this.judgement.nothing() : this.#forwardChain(from, to));
        const rules = this.#byZone(`out.${from.name}.${face.name}`, 'destination', face.zones, next, this.#unrouted);
        return [face, this.table.chain(`out.${from.name}.${face.name}`, rules)] as const;
      });
      return [...this.#byInterface('-o', out), goTo(shared ? this.#joinless() : this.#unrouted)];
    });
  }

  /** To any zone, from one that no flow joins it with: by the interface it leaves by, as above. */
  #joinless(): Token {
    return this.table.once('none', 'none', () => {
      const out = this.#policy.interfaces.map((face) => {
        const rules = this.#byZone(`none.${face.name}`, 'destination', face.zones, () => this.judgement.nothing(), this.#unrouted);
        return [face, this.table.chain(`none.${face.name}`, rules)] as const;
      });
      return [...this.#byInterface('-o', out), goTo(this.#unrouted)];
    });
  }

  /** Whether anything may start between two zones, or has a log of its own. */
  #isJoined(from: PlacedZone, to: PlacedZone): boolean {
    const ways = [this.#pairs.forward.get(pairKey(from.name, to.name)), this.#pairs.forward.get(pairKey(to.name, from.name))];
    return ways.some((way) => way !== undefined && this.judgement.isJoined(way));
  }

  #forwardChain(from: PlacedZone, to: PlacedZone): Token {
    const pair = this.#pairs.forward.get(pairKey(from.name, to.name));
    const back = this.#pairs.forward.get(pairKey(to.name, from.name));
    if (pair === undefined) return this.#unrouted;
    return this.judgement.chain(pair, () => (back === undefined ? [] : [back]), 'forward');
  }

  #input(): Token {
    const incoming = this.#policy.interfaces.map((face) => {
      const next = (zone: PlacedZone): Token => {
        const key = pairKey(zone.name, face.name);
        return this.judgement.chain(found(this.#pairs.input, key), () => [found(this.#pairs.output, key)], 'input');
      };
      const rules = [...passRules(this.#policy, face, 'input', this.table), ...this.#byZone(`input.${face.name}`, 'source', face.zones, next, this.#spoofed)];
      return [face, this.table.chain(`input.${face.name}`, rules)] as const;
    });
    return this.table.chain('input', [keyword('-i lo -j ACCEPT'), ...this.#byInterface('-i', incoming), goTo(this.#spoofed)]);
  }

  #output(): Token {
    const outgoing = this.#policy.interfaces.map((face) => {
      const next = (zone: PlacedZone): Token =>
        this.judgement.chain(found(this.#pairs.output, pairKey(zone.name, face.name)), () => this.#entrances(zone), 'output');
      const rules = [
        ...passRules(this.#policy, face, 'output', this.table),
        ...this.#byZone(`output.${face.name}`, 'destination', face.zones, next, this.#unrouted),
      ];
      return [face, this.table.chain(`output.${face.name}`, rules)] as const;
    });
    return this.table.chain('output', [keyword('-o lo -j ACCEPT'), ...this.#byInterface('-o', outgoing), goTo(this.#unrouted)]);
  }

  /** Ways for a zone's questions to the gateway: the answer may leave by another interface than the question came by. */
  #entrances(zone: PlacedZone): Pair[] {
    return this.#policy.interfaces
      .filter((face) => face.zones.some((one) => one.name === zone.name))
      .map((face) => found(this.#pairs.input, pairKey(zone.name, face.name)));
  }

  /** What leads to a pair, for those who come back to it without having walked its way: alternatives, each with all that is asked. */
  #gate(pair: Pair): Token[] {
    const alternatives = (end: 'source' | 'destination', name: string): (Token | undefined)[] => {
      const zone = this.#policy.zones.find((one) => one.name === name);
      if (zone === undefined) return [undefined];
      const ranges = this.#ranges(zone);
      return ranges.length === 0 ? [] : addressMatches(this.table, end, false, ranges, `zone.${zone.name}`);
    };
    const face = pair.face === undefined ? undefined : phrase(keyword(pair.to === this.#policy.gateway ? '-i' : '-o'), interfaceName(pair.face));
    return alternatives('source', pair.from).flatMap((from) => alternatives('destination', pair.to).map((to) => phrase(face, from, to)));
  }
}

function found(pairs: ReadonlyMap<string, Pair>, key: string): Pair {
  const pair = pairs.get(key);
  if (pair === undefined) throw new Error(`no pair ${key}`);
  return pair;
}
