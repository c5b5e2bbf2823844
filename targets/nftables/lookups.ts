/**
 * Planned lookups → rules, sets and maps.
 *
 * The same plan is written twice: for requests by their own fields, and for replies with source and destination
 * swapped (rule 3). Both share the exact sets; only ICMP needs sets of its own, since a reply has another type.
 */
import type { Family } from '../../src/net/address.ts';
import type { Range, Ranges } from '../../src/net/ranges.ts';
import { requestOf } from '../../src/packets/packet.ts';
import { mostRules } from '../../src/target/lookup-cost.ts';
import type { Condition, Dimension, KeyValue, Step, Tuple } from '../../src/target/lookup-plan.ts';
import type { Ruleset } from './ruleset.ts';
import { address, addressInterval, concatenation, intervals, keyword, number, numberInterval, numbers, phrase, type Token } from './tokens.ts';

/** What a tuple leads to. */
export type Outcome<Label> =
  /** Every tuple the same verdict. */
  | { readonly kind: 'verdict'; readonly verdict: Token; readonly note: (labels: readonly Label[]) => Token }
  /** A chain by the labels of the tuple. */
  | { readonly kind: 'chains'; readonly chain: (labels: readonly Label[]) => Token; readonly note: (labels: readonly Label[]) => Token };

export interface Writing<Label> {
  readonly ruleset: Ruleset;
  readonly family: Family;
  /** Stem of the names of sets and chains. */
  readonly stem: string;
  readonly outcome: Outcome<Label>;
  /** True: for replies, by swapped fields. */
  readonly swapped: boolean;
  /** Exact sets of the unswapped writing, to be shared. */
  readonly shared: Map<Step<Label>, Token>;
  /** Stands in front of every top rule. */
  readonly guard: readonly Token[];
}

export function writeLookups<Label>(steps: readonly Step<Label>[], writing: Writing<Label>, familyKnown = false): Token[] {
  return steps.flatMap((step) => writeStep(step, writing, familyKnown, familyKnown ? [] : writing.guard));
}

function writeStep<Label>(step: Step<Label>, writing: Writing<Label>, familyKnown: boolean, guard: readonly Token[]): Token[] {
  const conditions = step.conditions.map((condition) => conditionToken(condition, writing));
  const asked: Dimension[] = [...step.conditions.map((condition) => condition.dimension), ...(step.kind === 'branch' ? [step.dimension] : step.key)];
  const known = familyKnown || asked.some((dimension) => dimension !== 'port' && dimension !== 'protocol');
  const front = [...guard, ...(known ? [] : [keyword(writing.family === 4 ? 'meta nfproto ipv4' : 'meta nfproto ipv6')]), ...conditions];
  switch (step.kind) {
    case 'leaf':
      return writeLeaf(step, writing, front);
    case 'branch':
      return writeBranch(step, writing, front);
    case 'switch':
      return writeSwitch(step, writing, front);
  }
}

function writeBranch<Label>(step: Extract<Step<Label>, { kind: 'branch' }>, writing: Writing<Label>, front: readonly Token[]): Token[] {
  const { ruleset } = writing;
  const stem = ruleset.numbered(`${writing.stem}${writing.swapped ? '.r' : ''}.class`);
  const elements: Token[] = [];
  step.classes.forEach((one, index) => {
    const familyKnown = true;
    const rules = writeLookups(one.steps, writing, familyKnown);
    if (rules.length === 0) return;
    const chain = ruleset.chain(`${stem}.${index + 1}`, rules);
    for (const range of one.ranges as readonly (Range<number> | Range<bigint>)[]) {
      const key = step.dimension === 'port' ? numberInterval(range as Range<number>) : addressInterval(range);
      elements.push(phrase(key, keyword(':'), keyword('jump'), chain));
    }
  });
  if (elements.length === 0) return [];
  const map = ruleset.set(stem, {
    word: keyword('map'),
    type: phrase(keyword(rangeType(step.dimension, writing.family)), keyword(':'), keyword('verdict')),
    interval: true,
    elements,
  });
  return [phrase(...front, keyword(fieldOf(step.dimension, step.protocol, writing)), keyword('vmap'), map)];
}

/** An exact key to chains; what they do not decide comes back. A request without a reply has no key in the other direction. */
function writeSwitch<Label>(step: Extract<Step<Label>, { kind: 'switch' }>, writing: Writing<Label>, front: readonly Token[]): Token[] {
  const { ruleset } = writing;
  const stem = ruleset.numbered(`${writing.stem}${writing.swapped ? '.r' : ''}.way`);
  const icmp = isIcmp(step.key);
  const elements = step.rows.flatMap((row, index) => {
    const keys = writing.swapped && icmp ? row.keys.flatMap((values) => replyValues(values, step.key, writing.family)) : row.keys;
    const rules = keys.length === 0 ? [] : writeLookups(row.steps, writing, true);
    if (rules.length === 0) return [];
    const chain = ruleset.chain(`${stem}.${index + 1}`, rules);
    return keys.map((values) => phrase(keyToken(values, step.key), keyword(':'), keyword('jump'), chain));
  });
  if (elements.length === 0) return [];
  const map = ruleset.set(stem, {
    word: keyword('map'),
    type: phrase(keyType(step.key, writing.family), keyword(':'), keyword('verdict')),
    interval: false,
    elements,
  });
  const protocol = step.protocol === undefined ? [] : [keyword('meta l4proto'), number(step.protocol)];
  return [phrase(...front, ...protocol, concatenation(step.key.flatMap((dimension) => keyFields(dimension, writing))), keyword('vmap'), map)];
}

function tupleMatches<Label>(values: readonly KeyValue[], key: readonly Dimension[], writing: Writing<Label>): Token[] {
  return key.flatMap((dimension, index) => {
    const value = values[index] ?? 0;
    switch (dimension) {
      case 'source':
      case 'destination':
        return [keyword(fieldOf(dimension, undefined, writing)), address(value)];
      case 'protocol':
        return [keyword('meta l4proto'), number(Number(value))];
      case 'port':
        return [keyword(fieldOf(dimension, Number(value), writing)), number(Number(values[index + 1] ?? 0))];
      case 'icmp-type':
        return [keyword(fieldOf(dimension, undefined, writing)), number(Number(value))];
      case 'icmp-message': {
        const code = keyword(writing.family === 4 ? 'icmp code' : 'icmpv6 code');
        return [keyword(fieldOf(dimension, undefined, writing)), number(Number(value) >> 8), code, number(Number(value) & 0xff)];
      }
    }
  });
}

function isIcmp(key: readonly Dimension[]): boolean {
  return key.some((dimension) => dimension === 'icmp-type' || dimension === 'icmp-message');
}

function keyToken(values: readonly KeyValue[], key: readonly Dimension[]): Token {
  return concatenation(values.map((value, index) => keyValue(value, index, key)));
}

function keyType(key: readonly Dimension[], family: Family): Token {
  return concatenation(key.flatMap((dimension) => typeOf(dimension, family).split(' . ').map(keyword)));
}

function writeLeaf<Label>(step: Extract<Step<Label>, { kind: 'leaf' }>, writing: Writing<Label>, front: readonly Token[]): Token[] {
  const { ruleset, outcome } = writing;
  if (step.key.length === 0) {
    const labels = step.tuples.flatMap((tuple) => tuple.labels);
    const unique = [...new Set(labels)];
    const verdict = outcome.kind === 'verdict' ? outcome.verdict : phrase(keyword('jump'), outcome.chain(unique));
    return [phrase(...front, verdict, outcome.note(unique))];
  }
  const icmp = isIcmp(step.key);
  const tuples = writing.swapped && icmp ? replyTuples(step, writing.family) : step.tuples;
  if (outcome.kind === 'verdict' && tuples.length <= mostRules)
    return tuples.map((tuple) => phrase(...front, ...tupleMatches(tuple.values, step.key, writing), outcome.verdict, outcome.note(tuple.labels)));
  const field = concatenation(step.key.flatMap((dimension) => keyFields(dimension, writing)));
  const share = outcome.kind === 'verdict' && !icmp;
  let set = share ? writing.shared.get(step) : undefined;
  if (set === undefined) {
    const elements = tuples.map((tuple) => {
      const key = keyToken(tuple.values, step.key);
      const note = outcome.note(tuple.labels);
      return outcome.kind === 'verdict' ? phrase(key, note) : phrase(key, note, keyword(':'), keyword('jump'), outcome.chain(tuple.labels));
    });
    const type = keyType(step.key, writing.family);
    set = ruleset.set(ruleset.numbered(`${writing.stem}${writing.swapped && !share ? '.r' : ''}.key`), {
      word: keyword(outcome.kind === 'verdict' ? 'set' : 'map'),
      type: outcome.kind === 'verdict' ? type : phrase(type, keyword(':'), keyword('verdict')),
      interval: false,
      elements,
    });
    if (share) writing.shared.set(step, set);
  }
  return [outcome.kind === 'verdict' ? phrase(...front, field, set, outcome.verdict) : phrase(...front, field, keyword('vmap'), set)];
}

/** The tuples that a reply shows: the reply's ICMP type in place of the request's. */
function replyTuples<Label>(step: Extract<Step<Label>, { kind: 'leaf' }>, family: Family): Tuple<Label>[] {
  return step.tuples.flatMap((tuple) => replyValues(tuple.values, step.key, family).map((values) => ({ values, labels: tuple.labels })));
}

function replyValues(values: readonly KeyValue[], key: readonly Dimension[], family: Family): (readonly KeyValue[])[] {
  const at = key.findIndex((dimension) => dimension === 'icmp-type' || dimension === 'icmp-message');
  const whole = key[at] === 'icmp-type';
  const value = Number(values[at] ?? 0);
  const request = whole ? value : value >> 8;
  const result: (readonly KeyValue[])[] = [];
  for (let type = 0; type < 256; type++) {
    if (requestOf(family, type) !== request) continue;
    const shown = whole ? type : type * 256 + (value & 0xff);
    result.push(values.map((old, index) => (index === at ? shown : old)));
  }
  return result;
}

function conditionToken<Label>(condition: Condition, writing: Writing<Label>): Token {
  const field = keyword(fieldOf(condition.dimension, condition.protocol, writing));
  const ranges = condition.ranges;
  if (ranges.length === 1) return phrase(field, condition.dimension === 'port' ? numbers(ranges as Ranges<number>) : intervals(ranges));
  const elements = (ranges as readonly (Range<number> | Range<bigint>)[]).map((range) =>
    condition.dimension === 'port' ? numberInterval(range as Range<number>) : addressInterval(range),
  );
  return phrase(field, writing.ruleset.ranges(`${writing.stem}.in`, keyword(rangeType(condition.dimension, writing.family)), elements));
}

function fieldOf<Label>(dimension: Dimension, protocol: number | undefined, writing: Writing<Label>): string {
  const ip = writing.family === 4 ? 'ip' : 'ip6';
  switch (dimension) {
    case 'source':
      return `${ip} ${writing.swapped ? 'daddr' : 'saddr'}`;
    case 'destination':
      return `${ip} ${writing.swapped ? 'saddr' : 'daddr'}`;
    case 'protocol':
      return 'meta l4proto';
    case 'port':
      return `${protocol === 17 ? 'udp' : 'tcp'} ${writing.swapped ? 'sport' : 'dport'}`;
    case 'icmp-type':
    case 'icmp-message':
      return writing.family === 4 ? 'icmp type' : 'icmpv6 type';
  }
}

function keyFields<Label>(dimension: Dimension, writing: Writing<Label>): Token[] {
  if (dimension === 'port') return [keyword('meta l4proto'), keyword(writing.swapped ? 'th sport' : 'th dport')];
  const field = keyword(fieldOf(dimension, undefined, writing));
  return dimension === 'icmp-message' ? [field, keyword(writing.family === 4 ? 'icmp code' : 'icmpv6 code')] : [field];
}

function typeOf(dimension: Dimension, family: Family): string {
  switch (dimension) {
    case 'source':
    case 'destination':
      return family === 4 ? 'ipv4_addr' : 'ipv6_addr';
    case 'protocol':
      return 'inet_proto';
    case 'port':
      return 'inet_proto . inet_service';
    case 'icmp-type':
      return family === 4 ? 'icmp_type' : 'icmpv6_type';
    case 'icmp-message':
      return family === 4 ? 'icmp_type . icmp_code' : 'icmpv6_type . icmpv6_code';
  }
}

/** A range of ports stands behind its protocol's own field (`tcp dport`), so it needs no protocol in the key. */
function rangeType(dimension: Dimension, family: Family): string {
  return dimension === 'port' ? 'inet_service' : typeOf(dimension, family);
}

/** Tuples carry two values for `port`, one for the others; addresses come first, so their index is the key's. */
function keyValue(value: KeyValue, index: number, key: readonly Dimension[]): Token {
  const dimension = key[index];
  if (dimension === 'source' || dimension === 'destination') return address(value);
  if (dimension === 'icmp-message') return concatenation([number(Number(value) >> 8), number(Number(value) & 0xff)]);
  return number(Number(value));
}

/** A jump or goto to a chain by its token. */
export function goTo(chain: Token): Token {
  return phrase(keyword('goto'), chain);
}
