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
  /** `inspect`: which packets of running conversations are looked into. */
  readonly effect: 'deny' | 'allow' | 'limited' | 'inspect';
  /** `answers`: what the called side says, where it asks. */
  readonly about: 'requests' | 'answers';
  /** Whether its flows name functions: its lookups lead to the rules that look into messages. */
  readonly looked: boolean;
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

/** What a row is about. */
export type PlanHead = Pick<PlanRow, 'pair' | 'family' | 'effect' | 'about' | 'looked'>;

interface Size {
  readonly lookups: number;
  readonly elements: number;
  readonly chains: number;
}

const nothing: Size = { lookups: 0, elements: 0, chains: 0 };

export function planRow<Label>(row: PlanHead, steps: readonly Step<Label>[], boxes: readonly Box<Label>[]): PlanRow {
  const seen = new Set<object>();
  const naive = boxes.reduce((sum, box) => sum + (box.source?.length ?? 1) * (box.destination?.length ?? 1) * servicesOf(box), 0);
  return { ...row, flows: boxes.length, ...sequence(steps.map((step) => sizeOf(step, seen))), naive, steps: steps.map((step) => words(step)) };
}

function servicesOf<Label>({ services }: Box<Label>): number {
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
  const total = sequence(rows.filter((row) => row.about === 'requests' && row.effect !== 'inspect'));
  const naive = rows.reduce((sum, row) => sum + (row.effect === 'inspect' ? 0 : row.naive), 0);
  const fresh = mostLookups(rows.filter((row) => row.about === 'requests' && row.effect !== 'inspect'));
  const within = (about: PlanRow['about'], who: string): string[] => {
    const some = rows.filter((row) => row.about === about);
    const asked = some.filter((row) => row.effect === 'inspect');
    if (asked.length === 0) return [];
    const pairs = new Set(asked.map(way));
    const said = mostLookups(some.filter((row) => pairs.has(way(row))));
    return [
      `  where flows name functions, a packet of a running conversation from ${who} meets at most ${counted(mostLookups(asked), 'lookup')} more, and ${said} in all if it is looked into`,
    ];
  };
  return [
    ...rows.flatMap((row) => [
      `  ${row.pair} IPv${row.family} ${effectWords(row)}: ${counted(row.flows, 'flow')}, ${counted(row.lookups, 'lookup')} at most`,
      ...row.steps.map((step) => `    ${step}`),
    ]),
    `  a new packet meets at most ${counted(fresh, 'lookup')} of flows, logs, counters and rates apart; requests have ${counted(total.elements, 'element')}, ${counted(total.chains, 'chain')}; one rule for each source, destination and service would be ${counted(naive, 'rule')}`,
    ...within('requests', 'the side that opened it'),
    ...within('answers', 'the side that was called'),
  ];
}

function effectWords({ effect, about, looked }: PlanRow): string {
  return [effect, ...(about === 'answers' ? ['answers'] : []), ...(looked && effect !== 'inspect' ? ['by function'] : [])].join(' ');
}

function way({ pair, family }: PlanRow): string {
  return `${pair} ${family}`;
}

/** The most lookups that one packet meets: it takes one way, and all rows of it, one after the other. */
function mostLookups(rows: readonly PlanRow[]): number {
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(way(row), (sums.get(way(row)) ?? 0) + row.lookups);
  return Math.max(0, ...sums.values());
}
