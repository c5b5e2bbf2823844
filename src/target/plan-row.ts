/**
 * A plan of lookups in words and numbers: what a packet meets, and what has to be loaded.
 *
 * Takes the steps of one effect of one pair of zones, gives a row of `compile --explain-plan`.
 */
import type { Family } from '../net/address.ts';
import { mostRules } from './lookup-cost.ts';
import type { Box, Condition, Step } from './lookup-plan.ts';

export interface PlanRow {
  /** `office>dmz`; for and from the gateway with the interface, `dmz>gw12 by eth3`. */
  readonly pair: string;
  readonly family: Family;
  /**
   * `said` and `heard`: which messages of running conversations are looked into, of the side that opened them and of the called one; `refused` and
   * `unheard`: which of those that are denied then are answered with a reset.
   */
  readonly effect: 'deny' | 'allow' | 'limited' | 'said' | 'heard' | 'refused' | 'unheard';
  /** Whether its flows name functions: what its lookups find goes on to where messages are looked into. */
  readonly looked?: boolean;
  readonly flows: number;
  /** Lookups in sets and maps that a packet meets at most; those of logs, counters and rates apart. */
  readonly lookups: number;
  /** Elements of sets and maps that requests are asked by, shared ones once. Replies have class maps of their own. */
  readonly elements: number;
  readonly chains: number;
  /** Rules of a ruleset that has one for each source range × destination range × service. */
  readonly naive: number;
  /** Step by step. */
  readonly steps: readonly string[];
}

interface Size {
  readonly lookups: number;
  readonly elements: number;
  readonly chains: number;
}

const nothing: Size = { lookups: 0, elements: 0, chains: 0 };

export function planRow<Label>(pair: string, family: Family, effect: PlanRow['effect'], steps: readonly Step<Label>[], boxes: readonly Box<Label>[]): PlanRow {
  const seen = new Set<object>();
  const naive = boxes.reduce((sum, box) => sum + (box.source?.length ?? 1) * (box.destination?.length ?? 1) * servicesOf(box), 0);
  return { pair, family, effect, flows: boxes.length, ...sequence(steps.map((step) => sizeOf(step, seen))), naive, steps: steps.map((step) => words(step)) };
}

function servicesOf({ services }: Box<unknown>): number {
  return [...services.values.values()].reduce((sum, segments) => sum + segments.length, services.protocols.length > 0 ? 1 : 0);
}

/** One after the other. */
function sequence(sizes: readonly Size[]): Size {
  return sizes.reduce((a, b) => ({ lookups: a.lookups + b.lookups, elements: a.elements + b.elements, chains: a.chains + b.chains }), nothing);
}

/** A packet takes one of the ways; all have to be loaded. */
function choice(sizes: readonly Size[]): Size {
  const all = sequence(sizes);
  return { ...all, lookups: sizes.reduce((most, size) => Math.max(most, size.lookups), 0) };
}

/** `seen`: sets of ranges that were counted before; all who ask for the same share one. */
function sizeOf<Label>(step: Step<Label>, seen: Set<object>): Size {
  const asked = sequence(
    step.conditions.map(({ ranges }) => {
      if (ranges.length <= 1) return nothing;
      const elements = seen.has(ranges) ? 0 : ranges.length;
      seen.add(ranges);
      return { lookups: 1, elements, chains: 0 };
    }),
  );
  switch (step.kind) {
    case 'leaf':
      if (step.key.length === 0) return asked;
      // Rules of their own ask the conditions each.
      if (step.tuples.length <= mostRules) return { ...asked, lookups: asked.lookups * step.tuples.length };
      return sequence([asked, { lookups: 1, elements: step.tuples.length, chains: 0 }]);
    case 'branch': {
      const own = { lookups: 1, elements: step.classes.reduce((sum, one) => sum + one.ranges.length, 0), chains: step.classes.length };
      return sequence([asked, own, choice(step.classes.map((one) => sequence(one.steps.map((inner) => sizeOf(inner, seen)))))]);
    }
    case 'switch': {
      const own = { lookups: 1, elements: step.rows.reduce((sum, row) => sum + row.keys.length, 0), chains: step.rows.length };
      return sequence([asked, own, choice(step.rows.map((row) => sequence(row.steps.map((inner) => sizeOf(inner, seen)))))]);
    }
  }
}

function words<Label>(step: Step<Label>): string {
  const asked = step.conditions.map((condition) => `${conditionWords(condition)}, `).join('');
  switch (step.kind) {
    case 'leaf':
      if (step.key.length === 0) return `${asked}all of it`;
      if (step.tuples.length <= mostRules) return `${asked}${counted(step.tuples.length, '', 'rule')} on ${step.key.join(' . ')}`;
      return `${asked}set of ${counted(step.tuples.length, 'exact')} ${step.key.join(' . ')}`;
    case 'branch': {
      const ranges = step.classes.reduce((sum, one) => sum + one.ranges.length, 0);
      return `${asked}map of ${counted(ranges, step.dimension, 'range')} to ${counted(step.classes.length, 'class', '', 'es')}`;
    }
    case 'switch': {
      const keys = step.rows.reduce((sum, row) => sum + row.keys.length, 0);
      return `${asked}map of ${counted(keys, 'exact')} ${step.key.join(' . ')} to ${counted(step.rows.length, 'class', '', 'es')}`;
    }
  }
}

function conditionWords({ dimension, ranges }: Condition): string {
  return `${dimension} in ${counted(ranges.length, '', 'range')}`;
}

/** `3 exact`, `1 source range`, `4 classes`. */
function counted(count: number, before: string, noun = '', plural = 's'): string {
  const many = count === 1 ? '' : plural;
  return [String(count), noun === '' && before !== 'exact' ? `${before}${many}` : before, noun === '' ? '' : `${noun}${many}`]
    .filter((word) => word !== '')
    .join(' ');
}

/** The rows of a gateway as lines of text. */
export function planLines(rows: readonly PlanRow[]): string[] {
  const most = (some: readonly PlanRow[]): number => {
    const sums = new Map<string, number>();
    for (const row of some) sums.set(`${row.pair} ${row.family}`, (sums.get(`${row.pair} ${row.family}`) ?? 0) + row.lookups);
    return Math.max(0, ...sums.values());
  };
  const running = (looked: PlanRow['effect'], denied: PlanRow['effect'], of: string): string[] => {
    const at = (way: PlanRow['effect'], words: (lookups: string) => string): string[] => {
      const some = rows.filter(({ effect }) => effect === way);
      return some.length === 0 ? [] : [`  ${words(counted(most(some), 'lookup'))}`];
    };
    return [
      ...at(looked, (lookups) => `a packet ${of}, once judged, meets at most ${lookups} before its message is looked into`),
      ...at(denied, (lookups) => `a message ${of} that is denied meets at most ${lookups} before it is answered`),
    ];
  };
  // What the called side says belongs to conversations that are counted already.
  const requests = rows.filter(({ effect }) => effect !== 'heard' && effect !== 'unheard');
  const fresh = rows.filter(({ effect }) => effect === 'deny' || effect === 'allow' || effect === 'limited');
  const total = sequence(requests);
  const naive = requests.reduce((sum, row) => sum + row.naive, 0);
  return [
    ...rows.flatMap((row) => [
      `  ${row.pair} IPv${row.family} ${row.effect}${row.looked === true ? ' by function' : ''}: ${counted(row.flows, 'flow')}, ${counted(row.lookups, 'lookup')} at most`,
      ...row.steps.map((step) => `    ${step}`),
    ]),
    `  a new packet meets at most ${counted(most(fresh), 'lookup')} of flows, logs, counters and rates apart; requests have ${counted(total.elements, 'element')}, ${counted(total.chains, 'chain')}; one rule for each source, destination and service would be ${counted(naive, 'rule')}`,
    ...running('said', 'refused', 'from the side that opened a conversation'),
    ...running('heard', 'unheard', 'from the called side'),
  ];
}
