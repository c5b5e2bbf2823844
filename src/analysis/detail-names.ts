/**
 * Units and addresses of a function's messages, as a zone file narrows them.
 *
 * Takes the messages of one function, gives ranges of units and addresses that name them, each perhaps with exceptions. The one idea: a set of
 * first and last addresses is made of boxes, and a box is what lies within a range, less what begins too late or ends too early. Words are
 * only proposed here: whoever prints them reads them back and compares.
 */
import { addressesOf } from '../catalogue/frames.ts';
import type { ProtocolFunction } from '../catalogue/function.ts';
import type { Narrowing } from '../model/functions.ts';
import { canonical, type Range } from '../net/ranges.ts';
import { type Below, complementBelow, type FunctionSet, lastDataAddress, lastUnit } from '../packets/function-set.ts';

export interface Part {
  readonly narrowing: Narrowing;
  readonly except: readonly Narrowing[];
}

/** Undefined where no words are known for the messages. */
export function partsOf(one: ProtocolFunction, set: FunctionSet): readonly Part[] | undefined {
  const below = set[0]?.below ?? [];
  if (below === 'all') return [{ narrowing: {}, except: [] }];
  const found = new Map<string, { readonly part: Part; readonly units: Range<number>[] }>();
  for (const { low, high, below: firsts } of below) {
    const parts = addressParts(addressesOf(one), firsts);
    if (parts === undefined) return undefined;
    for (const part of parts) {
      const key = JSON.stringify(part);
      const known = found.get(key) ?? { part, units: [] };
      known.units.push({ first: low, last: high });
      found.set(key, known);
    }
  }
  return [...found.values()].flatMap(({ part: { narrowing, except }, units }) =>
    canonical(units).map(({ first, last }): Part => {
      const its: Narrowing = first === 0 && last === lastUnit ? {} : { units: { first, last } };
      return { narrowing: { ...its, ...narrowing }, except: except.map((each) => ({ ...its, ...each })) };
    }),
  );
}

function addressParts(kind: 'one' | 'many' | undefined, firsts: Below): readonly Part[] | undefined {
  if (firsts === 'all') return [{ narrowing: {}, except: [] }];
  if (kind === undefined) return undefined;
  const plain = boxes(kind, firsts);
  if (plain !== undefined && plain.every(({ except }) => except.length === 0)) return plain;
  // Nearly everything is easier to say by what is missing, and what lies in no range has no other words.
  const missing = boxes(kind, complementBelow(firsts, 2));
  if (missing !== undefined && missing.every(({ except }) => except.length === 0))
    return [{ narrowing: {}, except: missing.map(({ narrowing }) => narrowing) }];
  return plain;
}

function boxes(kind: 'one' | 'many', firsts: Below): readonly Part[] | undefined {
  if (firsts === 'all') return undefined;
  const parts: Part[] = [];
  for (const { low: first, high: end, below } of firsts) {
    if (kind === 'one') {
      if (below !== 'all') return undefined;
      parts.push({ narrowing: { addresses: { first, last: end } }, except: [] });
      continue;
    }
    if (below === 'all') return undefined;
    for (const { low: least, high: last } of below) {
      if (last > lastDataAddress || last < end) return undefined;
      const late: Range<number> = { first: end + 1, last };
      const early: Range<number> = { first, last: least - 1 };
      // What begins later is in a box of its own if it is meant, too.
      const cut = firsts.some((other) => other.low === end + 1 && reaches(other.below, last)) ? [] : [late];
      const except = [early, ...cut].filter((one) => one.first <= one.last);
      parts.push({ narrowing: { addresses: { first, last } }, except: except.map((addresses) => ({ addresses })) });
    }
  }
  return parts.filter((part, at) => !parts.some((other, index) => index !== at && covers(other, part, index < at)));
}

function reaches(below: Below, last: number): boolean {
  return below === 'all' || below.some(({ low, high }) => low === 0 && high >= last);
}

/** Whether all that a part names is named by another one, whose exceptions it does not touch. */
function covers(other: Part, { narrowing: { addresses } }: Part, earlier: boolean): boolean {
  const wide = other.narrowing.addresses;
  if (addresses === undefined || wide === undefined) return false;
  const apart = (range: Range<number> | undefined): boolean => range !== undefined && (range.last < addresses.first || addresses.last < range.first);
  if (!other.except.every((one) => apart(one.addresses))) return false;
  const same = wide.first === addresses.first && wide.last === addresses.last;
  return wide.first <= addresses.first && addresses.last <= wide.last && (!same || earlier);
}
