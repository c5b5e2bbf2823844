/**
 * What a pair of zones allows: the rules behind the way of a packet.
 *
 * Takes a pair, gives the rules for its connection states (rules 2 and 3) and the lookups of its flows, planned once and written for
 * requests and, swapped, for replies.
 */
import { families, type Family } from '../../src/net/address.ts';
import { unionFunctions } from '../../src/packets/function-set.ts';
import { type Entry, functionTable, type GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import { type Box, planLookups, type Step } from '../../src/target/lookup-plan.ts';
import { type PlanRow, planRow } from '../../src/target/plan-row.ts';
import type { Effects } from './effects.ts';
import { goTo, type Outcome, writeLookups } from './lookups.ts';
import { Messages } from './messages.ts';
import type { Looked, Pair, PairEntry } from '../../src/target/pairs.ts';
import type { Ruleset } from './ruleset.ts';
import { flags, headLine, hexadecimal, keyword, phrase, type Token } from './tokens.ts';
import { badState, drop, permit, related, reset, sent } from './verdicts.ts';

/** New conversations of a pair that are judged by at most this many rules are judged where their state is. */
const mostInline = 2;

export class Judgement {
  readonly plan: PlanRow[] = [];
  readonly #ruleset: Ruleset;
  readonly #policy: GatewayPolicy;
  readonly #mark: { readonly mask: number; readonly value: number };
  readonly #effects: Effects;
  readonly #messages: Messages;
  /** Steps and exact sets of each pair, written once and used for requests and replies. */
  readonly #plans = new Map<string, Step<Entry>[]>();
  /** The same of what has to be looked into. */
  readonly #lookedPlans = new Map<string, Step<Looked>[]>();
  readonly #shared = new Map<Step<Entry>, Token>();
  readonly #written = new Map<string, Token[]>();

  constructor(ruleset: Ruleset, policy: GatewayPolicy, mark: { readonly mask: number; readonly value: number }, effects: Effects) {
    this.#ruleset = ruleset;
    this.#policy = policy;
    this.#mark = mark;
    this.#effects = effects;
    this.#messages = new Messages(ruleset);
  }

  readonly #stateChains = new Map<string, Token>();

  stateChain(pair: Pair, opposites: readonly Pair[], hook: 'forward' | 'input' | 'output'): Token {
    const known = this.#stateChains.get(pair.stem) ?? this.#ruleset.chain(`pair.${pair.stem}`, this.stateRules(pair, opposites, hook), headLine(pair.label));
    this.#stateChains.set(pair.stem, known);
    return known;
  }

  /** Rules 2 and 3 for one pair. `opposites` are the pairs whose requests are answered this way. */
  stateRules(pair: Pair, opposites: readonly Pair[], hook: 'forward' | 'input' | 'output'): Token[] {
    const { mask, value } = this.#mark;
    const current =
      mask === 0xffff_ffff
        ? phrase(keyword('ct mark'), hexadecimal(value))
        : phrase(keyword('ct mark &'), hexadecimal(mask), keyword('=='), hexadecimal(value));
    const fresh = this.#newRules(pair);
    const rejudged = this.#againRules(pair, opposites, hook);
    const again = rejudged.length === 0 ? drop : goTo(this.#ruleset.chain(`again.${pair.stem}`, rejudged));
    const isNew = keyword('ct state new');
    const judged = phrase(keyword('ct state'), flags('established', 'new'), current);
    const accept = keyword('accept');
    const heard = opposites.filter(isHeard);
    const said = isLooked(pair) ? goTo(this.#inspection(pair)) : accept;
    const answered = heard.length === 0 ? accept : goTo(this.#hearing(pair, opposites));
    return [
      ...(said === answered ? [] : [phrase(judged, keyword('ct direction reply'), answered)]),
      phrase(judged, said),
      // A pair without flows has a log and a drop: not worth a chain.
      ...(fresh.length <= mostInline ? fresh.map((rule) => phrase(isNew, rule)) : [phrase(isNew, goTo(this.#ruleset.chain(`new.${pair.stem}`, fresh)))]),
      phrase(keyword('ct state established'), again),
      phrase(keyword('ct state related'), goTo(hook === 'output' && this.#policy.resetsDenied ? sent : related)),
      goTo(badState),
    ];
  }

  #newRules(pair: Pair): Token[] {
    const conduit = this.#policy.deniedLogs.find((log) => log.from === pair.from && log.to === pair.to)?.conduit;
    const denied = this.#verdict(this.#deniedRules(pair, conduit));
    const allowed = this.#allowedVerdict(pair);
    const last = [this.#effects.defaultLog(pair, conduit), drop];
    const limited = pair.entries.filter(({ entry }) => entry.effect === 'allow' && entry.rate !== undefined);
    return this.#byFamily(`new.${pair.stem}`, [pair], (asked) => [
      ...this.#lookups(pair, asked, 'deny', denied),
      ...this.#looked(pair, asked, 'deny', (labels, family) => this.#said(labels, family, denied.verdict)),
      ...this.#lookups(pair, asked, 'allow', this.#verdict(allowed)),
      ...this.#looked(pair, asked, 'allow', (labels, family) => this.#said(labels, family, allowed)),
      ...(limited.length === 0 ? [] : this.#labelled(pair, asked, limited, 'rate', (labels) => this.#effects.rateChain(pair, labels, allowed))),
      ...this.#looked(pair, asked, 'limited', (labels, family) => this.#saidOneByOne(pair, labels, family, allowed)),
      ...last,
    ]);
  }

  /** What its client says within a conversation that was judged: looked into where some flow tells functions apart, unless another allows them all. */
  #inspection(pair: Pair): Token {
    const accept = keyword('accept');
    const conduit = this.#policy.deniedLogs.find((log) => log.from === pair.from && log.to === pair.to)?.conduit;
    const refused = this.#refused(pair);
    const messages = this.#byFamily(`says.${pair.stem}`, [pair], (asked) => [
      ...this.#lookups(pair, asked, 'deny', this.#verdict(drop)),
      ...this.#looked(pair, asked, 'deny', (labels, family) => this.#said(labels, family, refused)),
      ...(['allow', 'limited'] as const).flatMap((which) => [
        ...this.#lookups(pair, asked, which, this.#verdict(accept)),
        ...this.#looked(pair, asked, which, (labels, family) => this.#said(labels, family, accept)),
      ]),
      this.#effects.defaultLog(pair, conduit),
      refused,
    ]);
    const chain = goTo(this.#ruleset.chain(`looked.${pair.stem}`, messages));
    const every = families.flatMap((family) => {
      const boxes = pair.entries.flatMap((one) => one.looked.get(family) ?? []);
      const outcome: Outcome<Looked> = { kind: 'verdict', verdict: chain, note: (labels) => this.#effects.note(labels.map(({ entry }) => entry)) };
      const stem = `inspect.${pair.stem}.${family}`;
      const plan = planLookups(family, boxes);
      this.#explain(pair, family, 'said', plan, boxes);
      const guard = this.#guard(pair, false, undefined);
      return writeLookups(plan, { ruleset: this.#ruleset, family, stem, outcome, swapped: false, shared: new Map(), guard });
    });
    return this.#ruleset.chain(`inspect.${pair.stem}`, [...every, accept]);
  }

  /** What the called side says within a conversation that was judged: looked into where it asks, unless a flow whose answers are free has the conversation, too. */
  #hearing(pair: Pair, opposites: readonly Pair[]): Token {
    const accept = keyword('accept');
    const conduit = this.#policy.deniedLogs.find((log) => log.from === pair.from && log.to === pair.to)?.conduit;
    const messages = this.#byFamily(`hears.${pair.stem}`, opposites, (asked) => [
      ...opposites.flatMap((opposite) => this.#lookups(opposite, asked, 'deny', this.#verdict(drop), true)),
      ...opposites.flatMap((opposite) =>
        (['allow', 'limited'] as const).flatMap((which) => [
          ...this.#lookups(opposite, asked, which, this.#verdict(accept), true),
          ...this.#heard(opposite, asked, which, accept),
        ]),
      ),
      this.#effects.defaultLog(pair, conduit),
      this.#unheard(pair, opposites),
    ]);
    const chain = goTo(this.#ruleset.chain(`hears.${pair.stem}`, messages));
    const every = opposites.flatMap((opposite) =>
      families.flatMap((family) => {
        const boxes = opposite.entries.flatMap((one) => one.heard.get(family) ?? []);
        const outcome: Outcome<Looked> = { kind: 'verdict', verdict: chain, note: (labels) => this.#effects.note(labels.map(({ entry }) => entry)) };
        const stem = `heard.${opposite.stem}.${family}`;
        const plan = planLookups(family, boxes);
        this.#explain(opposite, family, 'heard', plan, boxes);
        return writeLookups(plan, { ruleset: this.#ruleset, family, stem, outcome, swapped: true, shared: new Map(), guard: [] });
      }),
    );
    return this.#ruleset.chain(`heard.${pair.stem}`, [...every, accept]);
  }

  /**
   * Where a message goes that is denied within a conversation: to a reset, if the policy has one and a segment without payload would pass in its
   * place; whoever lets none pass has cut the conversation itself.
   */
  #refused(pair: Pair): Token {
    if (!this.#policy.resetsDenied || !isLooked(pair)) return drop;
    return this.#answered(`refused.${pair.stem}`, () =>
      families.flatMap((family) => this.#resets(pair, 'refused', family, this.#allows(pair, family), this.#guard(pair, false, undefined))),
    );
  }

  /** The same for what the called side asks, by the fields of its answers. */
  #unheard(pair: Pair, opposites: readonly Pair[]): Token {
    if (!this.#policy.resetsDenied || !opposites.some(isHeard)) return drop;
    return this.#answered(`unheard.${pair.stem}`, () =>
      opposites.flatMap((opposite) =>
        families.flatMap((family) => {
          const living = (['allow', 'limited'] as const).flatMap((which) => chosen(opposite.entries, which)).flatMap((one) => silently(one.heard.get(family)));
          return this.#resets(opposite, 'unheard', family, living, []);
        }),
      ),
    );
  }

  readonly #answering = new Map<string, Token>();

  #answered(stem: string, lookups: () => readonly Token[]): Token {
    const known = this.#answering.get(stem) ?? goTo(this.#ruleset.chain(stem, [...lookups(), drop]));
    this.#answering.set(stem, known);
    return known;
  }

  /** Conversations that may run, by what starts them without payload. */
  #allows(pair: Pair, family: Family): Box<Entry>[] {
    const allows = (['allow', 'limited'] as const).flatMap((which) => chosen(pair.entries, which));
    return [...plainBoxes(allows, family), ...allows.flatMap((one) => silently(one.looked.get(family)))];
  }

  #resets(pair: Pair, effect: 'refused' | 'unheard', family: Family, boxes: readonly Box<Entry>[], guard: readonly Token[]): Token[] {
    const plan = planLookups(family, boxes);
    this.#explain(pair, family, effect, plan, boxes);
    const stem = `${effect}.${pair.stem}.${family}`;
    const outcome = this.#verdict(goTo(reset));
    return writeLookups(plan, { ruleset: this.#ruleset, family, stem, outcome, swapped: effect === 'unheard', shared: new Map(), guard });
  }

  /** A conversation that runs already is judged again: no rate, no log (rule 3). Empty if nothing could let it go on. */
  #againRules(pair: Pair, opposites: readonly Pair[], hook: 'forward' | 'input' | 'output'): Token[] {
    const permits = (one: Pair): boolean => one.entries.some(({ entry }) => entry.effect === 'allow');
    const answered = opposites.filter(permits);
    if (answered.length === 0 && !permits(pair)) return [];
    const answers = (): Token[] => {
      const stem = `answers.${pair.stem}`;
      const last = this.#unheard(pair, answered);
      return this.#byFamily(stem, answered, (asked) => [...answered.flatMap((opposite) => this.#judgement(opposite, asked, true, hook)), last]);
    };
    const reply = answered.length === 0 ? drop : goTo(this.#ruleset.chain(`answers.${pair.stem}`, answers()));
    const requests = permits(pair)
      ? this.#byFamily(`again.${pair.stem}`, [pair], (asked) => [...this.#judgement(pair, asked, false, hook), this.#refused(pair)])
      : [drop];
    return [phrase(keyword('ct direction reply'), reply), ...requests];
  }

  /** Denies, then every allow, limited or not; for requests of the pair or, swapped, for replies to them. */
  #judgement(pair: Pair, asked: readonly Family[], swapped: boolean, hook: 'forward' | 'input' | 'output'): Token[] {
    const permitted = this.#verdict(goTo(permit));
    const looked = (which: Which, verdict: Token): Token[] =>
      swapped ? this.#heard(pair, asked, which, verdict) : this.#looked(pair, asked, which, (labels, family) => this.#said(labels, family, verdict));
    return [
      ...this.#lookups(pair, asked, 'deny', this.#verdict(drop), swapped, hook),
      ...looked('deny', swapped ? drop : this.#refused(pair)),
      ...this.#lookups(pair, asked, 'allow', permitted, swapped, hook),
      ...looked('allow', permitted.verdict),
      ...this.#lookups(pair, asked, 'limited', permitted, swapped, hook),
      ...looked('limited', permitted.verdict),
    ];
  }

  /** Where both families are asked more than once, each has a chain: a packet does not walk the lookups of the other. */
  #byFamily(stem: string, pairs: readonly Pair[], rules: (asked: readonly Family[]) => Token[]): Token[] {
    const steps = (family: Family): number =>
      pairs.flatMap((pair) => (['deny', 'allow', 'limited'] as const).map((which) => this.#plan(pair, family, which).length)).reduce((a, b) => a + b, 0);
    if (steps(4) < 2 || steps(6) < 2) return rules(families);
    return [phrase(keyword('meta nfproto ipv6'), goTo(this.#ruleset.chain(`${stem}.v6`, rules([6])))), ...rules([4])];
  }

  /** The lookups of one effect of a pair, planned once. */
  #plan(pair: Pair, family: Family, which: Which, swapped = false): Step<Entry>[] {
    // Replies are asked by ports alone, which is the same where nothing is looked into.
    const answers = swapped && (isLooked(pair) || isHeard(pair));
    const key = `${answers ? 'answer.' : ''}${which}.${pair.stem}.${family}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const boxes = chosen(pair.entries, which).flatMap((one) => (answers ? one.boxes : one.plain).get(family) ?? []);
    const plan = planLookups(family, boxes);
    this.#plans.set(key, plan);
    if (!answers) this.#explain(pair, family, which, plan, boxes);
    return plan;
  }

  #explain<Label>(pair: Pair, family: Family, effect: PlanRow['effect'], plan: readonly Step<Label>[], boxes: readonly Box<Label>[], looked = false): void {
    if (boxes.length === 0) return;
    const label = pair.face === undefined ? pair.label : `${pair.label} by ${pair.face}`;
    this.plan.push({ ...planRow(label, family, effect, plan, boxes), looked });
  }

  #verdict(verdict: Token): Extract<Outcome<Entry>, { kind: 'verdict' }> {
    return { kind: 'verdict', verdict, note: (labels) => this.#effects.note(labels) };
  }

  #lookups(
    pair: Pair,
    asked: readonly Family[],
    which: Which,
    outcome: Extract<Outcome<Entry>, { kind: 'verdict' }>,
    swapped = false,
    hook?: 'forward' | 'input' | 'output',
  ): Token[] {
    const guard = this.#guard(pair, swapped, hook);
    return asked.flatMap((family) => {
      const stem = `${which}.${pair.stem}.${family}`;
      // New conversations and those judged again ask the same: the same rules stand in both chains.
      const name = `${stem} ${swapped} ${guard.join(' ')} ${outcome.verdict}`;
      const writing = { ruleset: this.#ruleset, family, stem, outcome, swapped, shared: this.#shared, guard };
      const rules = this.#written.get(name) ?? writeLookups(this.#plan(pair, family, which, swapped), writing);
      this.#written.set(name, rules);
      return rules;
    });
  }

  /** Lookups of what has to be looked into, each combination of flows with a chain of its own that comes back where they do not decide. */
  #looked(pair: Pair, asked: readonly Family[], which: Which, chain: (labels: readonly Looked[], family: Family) => Token): Token[] {
    return asked.flatMap((family) => {
      const outcome: Outcome<Looked> = {
        kind: 'chains',
        chain: (labels) => chain(labels, family),
        note: (labels) => this.#effects.note(labels.map(({ entry }) => entry)),
      };
      const stem = `looked${which}.${pair.stem}.${family}`;
      const guard = this.#guard(pair, false, undefined);
      return writeLookups(this.#lookedPlan(pair, family, which), { ruleset: this.#ruleset, family, stem, outcome, swapped: false, shared: new Map(), guard });
    });
  }

  #lookedPlan(pair: Pair, family: Family, which: Which): Step<Looked>[] {
    const key = `${which}.${pair.stem}.${family}`;
    const known = this.#lookedPlans.get(key);
    if (known !== undefined) return known;
    const boxes = chosen(pair.entries, which).flatMap((one) => one.looked.get(family) ?? []);
    const plan = planLookups(family, boxes);
    this.#lookedPlans.set(key, plan);
    this.#explain(pair, family, which, plan, boxes, true);
    return plan;
  }

  /** The same for what the called side asks, by the fields of its answers. */
  #heard(pair: Pair, asked: readonly Family[], which: Which, verdict: Token): Token[] {
    return asked.flatMap((family) => {
      const boxes = chosen(pair.entries, which).flatMap((one) => one.heard.get(family) ?? []);
      const outcome: Outcome<Looked> = {
        kind: 'chains',
        chain: (labels) => this.#said(labels, family, verdict),
        note: (labels) => this.#effects.note(labels.map(({ entry }) => entry)),
      };
      const stem = `heard${which}.${pair.stem}.${family}`;
      return writeLookups(planLookups(family, boxes), { ruleset: this.#ruleset, family, stem, outcome, swapped: true, shared: new Map(), guard: [] });
    });
  }

  /** Messages that any of them is about lead to one verdict. */
  #said(labels: readonly Looked[], family: Family, verdict: Token): Token {
    const functions = unionFunctions(...labels.map((label) => label.functions));
    return this.#messages.chain(family, transportsOf(labels), functions, verdict);
  }

  /** Each of them has a rate of its own. */
  #saidOneByOne(pair: Pair, labels: readonly Looked[], family: Family, allowed: Token): Token {
    const rules = labels.map((label) => {
      const tokens = phrase(keyword('jump'), this.#effects.rateChain(pair, [label.entry], allowed));
      return phrase(keyword('jump'), this.#messages.chain(family, label.transports, label.functions, tokens));
    });
    return this.#ruleset.chain(this.#ruleset.numbered(`asked.${pair.stem}`), rules);
  }

  /** Lookups of some of a pair's flows, each combination of which leads to a chain of its own. */
  #labelled(
    pair: Pair,
    asked: readonly Family[],
    entries: readonly PairEntry[],
    word: string,
    chain: (labels: readonly Entry[]) => Token,
    boxes = plainBoxes,
  ): Token[] {
    const outcome: Outcome<Entry> = { kind: 'chains', chain, note: (labels) => this.#effects.note(labels) };
    const guard = this.#guard(pair, false, undefined);
    return asked.flatMap((family) => {
      const stem = `${word}.${pair.stem}.${family}`;
      return writeLookups(planLookups(family, boxes(entries, family)), {
        ruleset: this.#ruleset,
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

  #deniedRules(pair: Pair, conduit: string | undefined): Token {
    const loud = pair.entries.filter(({ entry }) => entry.effect === 'deny' && (entry.log || entry.count));
    if (loud.length === 0 && conduit === undefined) return drop;
    if (!pair.entries.some(({ entry }) => entry.effect === 'deny')) return drop;
    const rules = [
      ...this.#labelled(pair, families, loud, 'noteddeny', (labels) => this.#effects.effectChain(pair, labels), everyBox),
      ...(conduit === undefined ? [] : [this.#effects.defaultLog(pair, conduit)]),
      drop,
    ];
    return goTo(this.#ruleset.chain(`denied.${pair.stem}`, rules));
  }

  #allowedVerdict(pair: Pair): Token {
    const loud = pair.entries.filter(({ entry }) => entry.effect === 'allow' && (entry.log || entry.count));
    if (loud.length === 0) return goTo(permit);
    return goTo(
      this.#ruleset.chain(`allowed.${pair.stem}`, [
        ...this.#labelled(pair, families, loud, 'noted', (labels) => this.#effects.effectChain(pair, labels), everyBox),
        goTo(permit),
      ]),
    );
  }
}

function chosen(entries: readonly PairEntry[], which: Which): PairEntry[] {
  return entries.filter(({ entry }) =>
    which === 'deny' ? entry.effect === 'deny' : entry.effect === 'allow' && (entry.rate !== undefined) === (which === 'limited'),
  );
}

function transportsOf(labels: readonly Looked[]): number[] {
  return [...new Set(labels.flatMap((label) => label.transports))].sort((a, b) => a - b);
}

function plainBoxes(entries: readonly PairEntry[], family: Family): Box<Entry>[] {
  return entries.flatMap((one) => one.plain.get(family) ?? []);
}

/** Those of which a packet without payload is one, too. */
function silently(boxes: readonly Box<Looked>[] = []): Box<Entry>[] {
  return boxes.filter(({ label }) => functionTable.hasNone(label.functions)).map((box) => ({ ...box, label: box.label.entry }));
}

/** By ports, whatever functions are meant: conversations are logged and counted when they start, by a packet that says nothing yet. */
function everyBox(entries: readonly PairEntry[], family: Family): Box<Entry>[] {
  return entries.flatMap((one) => [...plainBoxes([one], family), ...(one.looked.get(family) ?? []).map((box): Box<Entry> => ({ ...box, label: one.entry }))]);
}

function isLooked(pair: Pair): boolean {
  return pair.entries.some((one) => one.looked.size > 0);
}

function isHeard(pair: Pair): boolean {
  return pair.entries.some((one) => one.heard.size > 0);
}

type Which = 'deny' | 'allow' | 'limited';
