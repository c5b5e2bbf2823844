/**
 * What a pair of ends allows: new conversations, and those that are judged again after a reload (rules 2, 3, 7).
 *
 * Takes a pair, gives the rules at the end of the way that leads to it. One plan of lookups for each effect is written up to three times, for
 * new conversations, for requests judged again and for replies; the sets are the same each time.
 */
import { type Ranges, rangesEqual } from '../../src/net/ranges.ts';
import { allFunctions } from '../../src/packets/functions.ts';
import { protocolNumber } from '../../src/packets/service-set.ts';
import { type Entry, functionTable, type GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { Box } from '../../src/target/lookup-plan.ts';
import type { Looked, Pair, PairEntry } from '../../src/target/pairs.ts';
import type { PlanRow } from '../../src/target/plan-row.ts';
import { withinDomain } from '../../src/target/spare-addresses.ts';
import type { Side } from '../../src/target/lookup-plan.ts';
import { Answers } from './answers.ts';
import type { Effects } from './effects.ts';
import type { Area } from './inspected.ts';
import { Looks } from './looks.ts';
import { type Plan, planLookups, writeLookups } from './lookups.ts';
import { arrivesAtOwn, leavesFromOwn } from './passes.ts';
import { planRow } from './plan.ts';
import { accept, drop, goTo, type Table } from './table.ts';
import { keyword, markValue, phrase, queue, type Token } from './tokens.ts';

export type Hook = 'forward' | 'input' | 'output';
const whiches = ['deny', 'allow', 'limited'] as const;
type Which = (typeof whiches)[number];

/** The chains that every judgement may end in. */
export interface Ends {
  readonly permit: Token;
  readonly related: Token;
  readonly state: Token;
  /** Where denied messages are answered: with a reset, and on its way out what is related. */
  readonly answering: { readonly reset: Token; readonly sent: Token } | undefined;
}

/** What an engine looks into: the queue that leads to it, and the areas of a pair. */
export interface Inspection {
  readonly queue: number;
  readonly areas: (pair: Pair) => readonly Area[];
}

/** How packets of a pair pass: as they are, and with their conversation marked as judged. */
interface Passing {
  readonly accept: Token;
  readonly permit: Token;
}

/** The gate of a pair, as a flow with a rate finds it again: what the ways to the pair ask. */
export type Gate = (pair: Pair) => readonly Token[];

export class Judgement {
  readonly plan: PlanRow[] = [];
  readonly #policy: GatewayPolicy;
  readonly #table: Table;
  readonly #effects: Effects;
  readonly #mark: { readonly mask: number; readonly value: number };
  readonly #ends: Ends;
  readonly #gate: Gate;
  readonly #inspection: Inspection | undefined;
  readonly #passing = new Map<string, Passing>();
  readonly #plans = new Map<string, Plan<Entry>>();
  readonly #written = new Map<string, readonly Token[]>();
  readonly #looks: Looks;
  readonly #answers: Answers;
  readonly #sides = new Map<string, Map<object, Side>>();
  /** Pairs of each flow with a rate. */
  readonly #pairsOf = new Map<Entry, Pair[]>();

  constructor(parts: {
    readonly policy: GatewayPolicy;
    readonly table: Table;
    readonly effects: Effects;
    readonly mark: { readonly mask: number; readonly value: number };
    readonly ends: Ends;
    readonly gate: Gate;
    readonly inspection: Inspection | undefined;
    /** Every pair that may be judged. */
    readonly pairs: readonly Pair[];
  }) {
    this.#policy = parts.policy;
    this.#table = parts.table;
    this.#effects = parts.effects;
    this.#mark = parts.mark;
    this.#ends = parts.ends;
    this.#gate = parts.gate;
    this.#inspection = parts.inspection;
    this.#looks = new Looks(parts.policy, parts.table);
    this.#answers = new Answers(parts.table, parts.effects, parts.ends.answering?.reset, this.#explain.bind(this));
    for (const pair of parts.pairs)
      for (const { entry, boxes, looked, heard } of pair.entries)
        if (entry.rate !== undefined && (boxes.has(this.#table.family) || looked.has(this.#table.family) || heard.has(this.#table.family)))
          this.#pairsOf.set(entry, [...(this.#pairsOf.get(entry) ?? []), pair]);
  }

  /** The chain of a pair. `opposites` are the pairs whose requests are answered this way. */
  chain(pair: Pair, opposites: () => readonly Pair[], hook: Hook): Token {
    return this.#table.once(`pair ${pair.stem}`, `pair.${pair.stem}`, () => this.#stateRules(pair, opposites(), hook));
  }

  /** The chain of every pair that no flow joins: what may not start there, whichever it is. */
  nothing(): Token {
    return this.#table.once('nothing', 'nothing', () =>
      this.#states('forward', accept, goTo(this.#table.once('nothing new', 'new.nothing', () => [this.#effects.log('none', 'default'), drop])), drop),
    );
  }

  /** Whether the pair has anything of its own in this family. */
  isJoined(pair: Pair): boolean {
    return (
      pair.entries.some((one) => [one.boxes, one.looked, one.heard].some((boxes) => boxes.has(this.#table.family))) ||
      this.#policy.deniedLogs.some((log) => log.from === pair.from && log.to === pair.to)
    );
  }

  /** Rules 2 and 3 for one pair. */
  #stateRules(pair: Pair, opposites: readonly Pair[], hook: Hook): Token[] {
    const passing = hook === 'forward' ? this.#inspected(pair, opposites) : undefined;
    if (passing !== undefined) this.#passing.set(pair.stem, passing);
    const again = this.#againRules(pair, opposites, hook);
    const passed = passing?.accept ?? accept;
    const heard = this.#heard(pair, opposites, passed);
    return this.#states(
      hook,
      this.#said(pair, passed, heard !== undefined),
      goTo(this.#table.chain(`new.${pair.stem}`, this.#newRules(pair))),
      again.length === 0 ? drop : goTo(this.#table.chain(`again.${pair.stem}`, again)),
      heard,
    );
  }

  /** `heard`: where answers of conversations that were judged go, if not the way of all that is known. */
  #states(hook: Hook, known: Token, starts: Token, stale: Token, heard?: Token): Token[] {
    const state = (words: string): Token => keyword(`-m conntrack --ctstate ${words}`);
    const judged = (states: string, next: Token): Token => phrase(state(states), keyword('-m connmark --mark'), markValue(this.#mark), next);
    return [
      ...(heard === undefined ? [] : [judged('ESTABLISHED --ctdir REPLY', heard)]),
      judged('NEW,ESTABLISHED', known),
      phrase(state('NEW'), starts),
      phrase(state('ESTABLISHED'), stale),
      phrase(state('RELATED'), goTo((hook === 'output' ? this.#ends.answering?.sent : undefined) ?? this.#ends.related)),
      goTo(this.#ends.state),
    ];
  }

  /**
   * Packets that pass in conversations that an engine looks into go to its queue instead, in both directions: it puts their stream together.
   * It accepts or drops for good, so nothing reaches the queue that these rules would not let pass. Undefined where there is none of these.
   */
  #inspected(pair: Pair, opposites: readonly Pair[]): Passing | undefined {
    const inspection = this.#inspection;
    if (inspection === undefined) return undefined;
    const asked = (one: Pair, swapped: boolean): Token[] => {
      const areas = inspection.areas(one);
      const lookups = (word: string, some: readonly Area[], verdict: Token): Token[] => {
        const boxes = some.map((area): Box<Area> => this.#boxOf(one, area));
        const plan = planLookups(this.#table, `${word}.${one.stem}`, boxes, (labels) => this.#noteOf(labels), { labelled: false });
        return writeLookups(plan, { table: this.#table, swapped, outcome: (labels) => [phrase(this.#noteOf(labels), verdict)], guard: undefined });
      };
      return [
        // What is said where nothing is allowed is no answer.
        ...(swapped ? [] : lookups('mute', areas.filter(isMute), drop)),
        ...lookups(
          'looked',
          areas.filter((area) => !isMute(area)),
          queue(inspection.queue),
        ),
      ];
    };
    const requests = asked(pair, false);
    const answers = opposites.flatMap((one) => asked(one, true));
    if (requests.length + answers.length === 0) return undefined;
    const reply = keyword('-m conntrack --ctdir REPLY');
    const answered = answers.length === 0 ? accept : goTo(this.#table.chain(`replied.${pair.stem}`, [...answers, accept]));
    const chain = goTo(this.#table.chain(`passed.${pair.stem}`, [phrase(reply, answered), ...requests, accept]));
    const permit = this.#table.chain(`permit.${pair.stem}`, [phrase(keyword('-j CONNMARK --set-xmark'), markValue(this.#mark)), chain]);
    return { accept: chain, permit };
  }

  /**
   * What a client says within a conversation that was judged: looked into where some flow tells functions apart, unless another allows them all.
   * What is answered passes, or has gone its own way before (`answersApart`).
   */
  #said(pair: Pair, passed: Token, answersApart: boolean): Token {
    const boxes = whiches.flatMap((which) => this.#looked(pair, which));
    if (boxes.length === 0) return passed;
    const conduit = this.#policy.deniedLogs.find((log) => log.from === pair.from && log.to === pair.to)?.conduit;
    const refused = this.#refused(pair);
    const said = this.#table.chain(`said.${pair.stem}`, [
      ...this.#lookups(pair, 'deny', () => drop),
      ...this.#lookedLookups(pair, 'deny', () => refused),
      ...(['allow', 'limited'] as const).flatMap((which) => [...this.#lookups(pair, which, () => passed), ...this.#lookedLookups(pair, which, () => passed)]),
      this.#effects.log(conduit ?? pair.label, 'default'),
      refused,
    ]);
    const note = (labels: readonly Looked[]): Token => this.#effects.note([...new Set(labels.map(({ entry }) => entry))]);
    const plan = planLookups(this.#table, `inspect.${pair.stem}`, boxes, note, { labelled: false });
    this.#explain(pair, 'said', plan, boxes);
    const outcome = (labels: readonly Looked[]): Token[] => [phrase(note(labels), goTo(said))];
    const asked = writeLookups(plan, { table: this.#table, swapped: false, outcome, guard: this.#guard(pair, false, undefined) });
    const reply = answersApart ? [] : [phrase(keyword('-m conntrack --ctdir REPLY'), passed)];
    return goTo(this.#table.chain(`inspect.${pair.stem}`, [...reply, ...asked, passed]));
  }

  /**
   * What the called side says within a conversation that was judged: looked into where it asks, unless a flow whose answers are free has the
   * conversation, too. Undefined where no called side asks.
   */
  #heard(pair: Pair, opposites: readonly Pair[], passed: Token): Token | undefined {
    const asking = opposites.map((one) => [one, (['allow', 'limited'] as const).flatMap((which) => this.#hears(one, which))] as const);
    if (asking.every(([, boxes]) => boxes.length === 0)) return undefined;
    const conduit = this.#policy.deniedLogs.find((log) => log.from === pair.from && log.to === pair.to)?.conduit;
    const hears = this.#table.chain(`hears.${pair.stem}`, [
      ...opposites.flatMap((one) => this.#lookups(one, 'deny', () => drop, true)),
      ...opposites.flatMap((one) =>
        (['allow', 'limited'] as const).flatMap((which) => [...this.#lookups(one, which, () => passed, true), ...this.#heardLookups(one, which, () => passed)]),
      ),
      this.#effects.log(conduit ?? pair.label, 'default'),
      this.#unheard(pair, opposites),
    ]);
    const note = (labels: readonly Looked[]): Token => this.#effects.note([...new Set(labels.map(({ entry }) => entry))]);
    const outcome = (labels: readonly Looked[]): Token[] => [phrase(note(labels), goTo(hears))];
    const asked = asking.flatMap(([one, boxes]) => {
      const plan = planLookups(this.#table, `heard.${one.stem}`, boxes, note, { labelled: false });
      this.#explain(one, 'heard', plan, boxes);
      return writeLookups(plan, { table: this.#table, swapped: true, outcome, guard: undefined });
    });
    return goTo(this.#table.chain(`heard.${pair.stem}`, [...asked, passed]));
  }

  /** Where a message goes that is denied within a conversation. */
  #refused(pair: Pair): Token {
    if (this.#ends.answering === undefined || whiches.every((which) => this.#looked(pair, which).length === 0)) return drop;
    const boxes = (['allow', 'limited'] as const).flatMap((which) => [...this.#boxes(pair, which), ...silently(this.#looked(pair, which))]);
    return this.#answers.chain('refused', pair, [{ pair, boxes, guard: this.#guard(pair, false, undefined) }]);
  }

  /** The same for what the called side says, by the fields of its answers. */
  #unheard(pair: Pair, opposites: readonly Pair[]): Token {
    const asking = opposites.map((one) => ({ pair: one, heard: (['allow', 'limited'] as const).flatMap((which) => this.#hears(one, which)) }));
    if (asking.every(({ heard }) => heard.length === 0)) return drop;
    return this.#answers.chain(
      'unheard',
      pair,
      asking.map((one) => ({ pair: one.pair, boxes: silently(one.heard) })),
    );
  }

  #boxOf(pair: Pair, area: Area): Box<Area> {
    const whole = (name: string): Side => {
      const zone = this.#policy.zones.find((one) => one.name === name);
      return this.#table.family === 4 ? zone?.addresses.v4 : zone?.addresses.v6;
    };
    const side = (name: string, part: Area['source']): Side =>
      rangesEqual<number | bigint>(part, whole(name) ?? []) ? undefined : this.#side(name, part as Ranges<number>);
    const ports = area.ports.map((range) => ({ ...range, functions: allFunctions }));
    const services = { values: new Map([[protocolNumber.tcp, ports]]), protocols: [] };
    return { source: side(pair.from, area.source), destination: side(pair.to, area.destination), services, label: area };
  }

  #noteOf(areas: readonly Area[]): Token {
    return this.#effects.note([...new Set(areas.flatMap(({ entries }) => entries))]);
  }

  #permit(pair: Pair): Token {
    return goTo(this.#passing.get(pair.stem)?.permit ?? this.#ends.permit);
  }

  /**
   * What may start. Logs and counts come before the verdict that they are about, since they decide nothing: a packet that some deny holds is
   * denied, and one that an allow without a rate holds is allowed. Only where a rate decides first do they come behind it.
   */
  #newRules(pair: Pair): Token[] {
    const conduit = this.#policy.deniedLogs.find((log) => log.from === pair.from && log.to === pair.to)?.conduit;
    // There is room for three words: a conduit says between which zones it runs.
    const last = [this.#effects.log(conduit ?? pair.label, 'default'), drop];
    const limited = this.#boxes(pair, 'limited');
    const later = this.#notesLater(pair);
    const loud = this.#loud(pair, ['deny']);
    // Where messages are looked into, ports alone do not say that a packet is denied.
    const lately = loud.length > 0 && this.#looked(pair, 'deny').length > 0;
    const denied = (): Token => {
      if (conduit === undefined && !lately) return drop;
      const notes = (): Token[] => (lately ? this.#noted(pair, 'noteddeny', loud, 1) : []);
      return goTo(this.#table.once(`default ${pair.stem}`, `denied.${pair.stem}`, () => [...notes(), ...(conduit === undefined ? [drop] : last)]));
    };
    return [
      ...(lately ? [] : this.#noted(pair, 'noteddeny', loud)),
      ...this.#lookups(pair, 'deny', denied),
      ...this.#lookedLookups(pair, 'deny', denied),
      ...(later ? [] : this.#noted(pair, 'noted', this.#loud(pair, ['allow']))),
      ...this.#lookups(pair, 'allow', () => this.#allowedVerdict(pair)),
      ...this.#lookedLookups(pair, 'allow', () => this.#allowedVerdict(pair)),
      ...(limited.length === 0 ? [] : this.#rated(pair, limited)),
      ...this.#looks.ratedLookups(`rated.${pair.stem}`, this.#looked(pair, 'limited'), {
        note: (labels) => this.#effects.note(labels.map(({ entry }) => entry)),
        guard: this.#guard(pair, false, undefined),
        verdict: ({ entry }) => this.#effects.rated(entry, () => this.#granted(entry)),
      }),
      ...last,
    ];
  }

  /** Whether logs and counts have to wait for a rate, or for what a message says. */
  #notesLater(pair: Pair): boolean {
    return this.#loud(pair, ['limited']).length > 0 || (this.#loud(pair, ['allow']).length > 0 && this.#looked(pair, 'allow').length > 0);
  }

  /** Any flow that has a token left lets the conversation start. */
  #rated(pair: Pair, limited: readonly Box<Entry>[]): Token[] {
    const outcome = (entry: Entry): Token => this.#effects.rated(entry, () => this.#granted(entry));
    return this.#labelled(pair, `rated.${pair.stem}`, limited, outcome, this.#notesLater(pair) ? 1 : undefined);
  }

  /** A conversation that runs already is judged again: no rate, no log (rule 3). Empty if nothing could let it go on. */
  #againRules(pair: Pair, opposites: readonly Pair[], hook: Hook): Token[] {
    const permits = (one: Pair): boolean =>
      (['allow', 'limited'] as const).some((which) => this.#boxes(one, which).length + this.#looked(one, which).length > 0);
    const answered = opposites.filter(permits);
    if (answered.length === 0 && !permits(pair)) return [];
    const reply = keyword('-m conntrack --ctdir REPLY');
    const permitted = this.#permit(pair);
    const requests = permits(pair) ? [...this.#judgement(pair, false, hook, permitted), this.#refused(pair)] : [drop];
    if (answered.length === 0) return [phrase(reply, drop), ...requests];
    const answers = [...answered.flatMap((opposite) => this.#judgement(opposite, true, hook, permitted)), this.#unheard(pair, answered)];
    return [phrase(reply, goTo(this.#table.chain(`answers.${pair.stem}`, answers))), ...requests];
  }

  /** Denies, then every allow, limited or not; for requests of the pair or, swapped, for replies to them. */
  #judgement(pair: Pair, swapped: boolean, hook: Hook, end: Token): Token[] {
    const permitted = (): Token => end;
    const looked = (which: Which, verdict: () => Token): readonly Token[] =>
      swapped ? this.#heardLookups(pair, which, verdict) : this.#lookedLookups(pair, which, verdict);
    return [
      ...this.#lookups(pair, 'deny', () => drop, swapped, hook),
      ...looked('deny', () => (swapped ? drop : this.#refused(pair))),
      ...this.#lookups(pair, 'allow', permitted, swapped, hook),
      ...looked('allow', permitted),
      ...this.#lookups(pair, 'limited', permitted, swapped, hook),
      ...looked('limited', permitted),
    ];
  }

  /** Lookups of flows whose messages are looked into; what none of them holds comes back. */
  #lookedLookups(pair: Pair, which: Which, verdict: () => Token): readonly Token[] {
    return this.#messageLookups(pair, 'looked', which, this.#looked(pair, which), verdict);
  }

  /** The same for what the called side asks, by the fields of its answers. */
  #heardLookups(pair: Pair, which: Which, verdict: () => Token): readonly Token[] {
    return this.#messageLookups(pair, 'heard', which, this.#hears(pair, which), verdict);
  }

  #messageLookups(pair: Pair, word: 'looked' | 'heard', which: Which, boxes: readonly Box<Looked>[], verdict: () => Token): readonly Token[] {
    if (boxes.length === 0) return [];
    const end = verdict();
    const name = `${word} ${which}.${pair.stem} ${end}`;
    const known = this.#written.get(name);
    const swapped = word === 'heard';
    const rules =
      known ??
      this.#looks.lookups(`${swapped ? word : ''}${which}.${pair.stem}`, boxes, {
        note: (labels) => this.#effects.note(labels.map(({ entry }) => entry)),
        // Nothing of the gateway's own is heard.
        guard: swapped ? undefined : this.#guard(pair, false, undefined),
        verdict: end,
        swapped,
      });
    this.#written.set(name, rules);
    return rules;
  }

  #lookups(pair: Pair, which: Which, verdict: () => Token, swapped = false, hook?: Hook): readonly Token[] {
    if (this.#boxes(pair, which, swapped).length === 0) return [];
    const end = verdict();
    const guard = this.#guard(pair, swapped, hook);
    // New conversations and those judged again ask the same: the same rules stand in both chains.
    const name = `${which}.${pair.stem} ${swapped} ${guard ?? ''} ${end}`;
    const outcome = (labels: readonly Entry[]): Token[] => [phrase(this.#effects.note(labels), end)];
    const rules = this.#written.get(name) ?? writeLookups(this.#plan(pair, which, swapped), { table: this.#table, swapped, outcome, guard });
    this.#written.set(name, rules);
    return rules;
  }

  /** Lookups of which every flow that holds the packet has its own outcome. */
  #labelled(pair: Pair, stem: string, boxes: readonly Box<Entry>[], outcome: (entry: Entry) => Token, levels: number | undefined): Token[] {
    const plan = planLookups(this.#table, stem, boxes, (labels) => this.#effects.note(labels), { labelled: true });
    const guard = this.#guard(pair, false, undefined);
    return writeLookups(plan, { table: this.#table, swapped: false, outcome: (labels) => labels.map(outcome), guard, levels });
  }

  #plan(pair: Pair, which: Which, swapped: boolean): Plan<Entry> {
    // Answers are asked by ports alone, which is the same where nothing is looked into.
    const answers = swapped && this.#looked(pair, which).length + this.#hears(pair, which).length > 0;
    const stem = `${which}.${pair.stem}`;
    const key = answers ? `${stem} answers` : stem;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const boxes = this.#boxes(pair, which, answers);
    const plan = planLookups(this.#table, stem, boxes, (labels) => this.#effects.note(labels), { labelled: false });
    this.#plans.set(key, plan);
    if (answers) return plan;
    this.#explain(pair, which, plan, boxes);
    return plan;
  }

  #explain<Label>(pair: Pair, effect: PlanRow['effect'], plan: Plan<Label>, boxes: readonly Box<Label>[]): void {
    if (boxes.length === 0) return;
    const label = pair.face === undefined ? pair.label : `${pair.label} by ${pair.face}`;
    this.plan.push(planRow(label, this.#table.family, effect, plan, boxes, this.#table.levels));
  }

  /** The boxes of one effect, in words that fit the zones: rule 1 has been checked before. `swapped`: of answers, which nobody looks into. */
  #boxes(pair: Pair, which: Which, swapped = false): Box<Entry>[] {
    return this.#fitted(pair, which, (one) => (swapped ? this.#looks.answers(one) : this.#looks.plain(one)));
  }

  /** What programs have to look into. */
  #looked(pair: Pair, which: Which): Box<Looked>[] {
    return this.#fitted(pair, which, (one) => this.#looks.looked(one));
  }

  /** What programs have to look into where the called side asks. */
  #hears(pair: Pair, which: Which): Box<Looked>[] {
    return this.#fitted(pair, which, (one) => this.#looks.heard(one));
  }

  #fitted<Label>(pair: Pair, which: Which, boxesOf: (one: PairEntry) => readonly Box<Label>[]): Box<Label>[] {
    return pair.entries.flatMap((one) => {
      if (whichOf(one.entry) !== which) return [];
      return boxesOf(one).map((box) => ({ ...box, source: this.#side(pair.from, box.source), destination: this.#side(pair.to, box.destination) }));
    });
  }

  /** The same object for the same side of a zone, so that its set is one. */
  #side(zoneName: string, side: Side): Side {
    const zone = this.#policy.zones.find(({ name }) => name === zoneName);
    if (side === undefined || zone === undefined) return side;
    const known = this.#sides.get(zoneName) ?? new Map<object, Side>();
    this.#sides.set(zoneName, known);
    const found = known.get(side) ?? withinDomain(side, this.#table.family === 4 ? zone.addresses.v4 : zone.addresses.v6);
    known.set(side, found);
    return found;
  }

  /**
   * What the platform is asked about the gateway's own end. Replies that the gateway sends show its address as their
   * source; replies that reach it were delivered to an address of its own.
   */
  #guard(pair: Pair, swapped: boolean, hook: Hook | undefined): Token | undefined {
    if (!pair.asksLocal) return undefined;
    const toGateway = pair.to === this.#policy.gateway;
    if (swapped) return hook === 'output' && toGateway ? leavesFromOwn : undefined;
    return toGateway ? arrivesAtOwn : leavesFromOwn;
  }

  // -- verdicts that log or count on their way ------------------------------------------------------------------

  /** By ports, whatever functions are meant: a conversation starts by a packet that says nothing yet. */
  #loud(pair: Pair, effects: readonly Which[]): Box<Entry>[] {
    const byPorts = (which: Which): Box<Entry>[] => [...this.#boxes(pair, which), ...this.#looked(pair, which).map(plainly)];
    return effects.flatMap(byPorts).filter(({ label }) => label.log || label.count);
  }

  #allowedVerdict(pair: Pair): Token {
    if (!this.#notesLater(pair)) return this.#permit(pair);
    const loud = this.#loud(pair, ['allow', 'limited']);
    return goTo(this.#table.once(`allowed ${pair.stem}`, `allowed.${pair.stem}`, () => [...this.#noted(pair, 'noted', loud, 1), this.#permit(pair)]));
  }

  #noted(pair: Pair, word: string, loud: readonly Box<Entry>[], levels?: number): Token[] {
    if (loud.length === 0) return [];
    return this.#labelled(pair, `${word}.${pair.stem}`, loud, (entry) => this.#effects.noted(pair.stem, pair.label, entry), levels);
  }

  /** Where a conversation goes that has a token of this flow: to the verdict of its pair, of which the flow may have several. */
  #granted(entry: Entry): Token {
    const pairs = this.#pairsOf.get(entry) ?? [];
    const loud = pairs.filter((pair) => this.#notesLater(pair));
    const [only] = loud;
    if (only === undefined) return goTo(this.#ends.permit);
    if (pairs.length === 1) return this.#allowedVerdict(only);
    return goTo(
      this.#table.chain(`granted.${entry.origin.name}`, [
        ...loud.flatMap((pair) => this.#gate(pair).map((match) => phrase(match, this.#allowedVerdict(pair)))),
        goTo(this.#ends.permit),
      ]),
    );
  }
}

/** Those of which a packet without payload is one, too. */
function silently(boxes: readonly Box<Looked>[]): Box<Entry>[] {
  return boxes.filter(({ label }) => functionTable.hasNone(label.functions)).map(plainly);
}

function plainly(box: Box<Looked>): Box<Entry> {
  return { ...box, label: box.label.entry };
}

/** Nothing may be said there. */
function isMute({ functions }: Area): boolean {
  return functions.length === 0;
}

function whichOf(entry: Entry): Which {
  return entry.effect === 'deny' ? 'deny' : entry.rate === undefined ? 'allow' : 'limited';
}
