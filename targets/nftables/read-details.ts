/**
 * What rules read of units and addresses, as ranges that messages stay within.
 *
 * Takes what is left of a rule's comparisons once a layout was found, gives units, boxes of first and last addresses, and the rest, which names
 * the function. The one idea: a lookup of first address and quantity is understood only as a whole range, which is proved element by element:
 * each first address with every quantity that ends within it, none left out and none more.
 */
import type { Range, Ranges } from '../../src/net/ranges.ts';
import type { MessageBox } from '../../src/packets/function-set.ts';
import type { Layout, Touch } from '../../src/target/message-layouts.ts';
import { type Item, Refusal } from './read-tree.ts';

/** Bytes that have one value, and places that have one of some. */
export interface Rest {
  readonly bytes: ReadonlyMap<number, number>;
  readonly choices: readonly { readonly at: number; readonly size: number; readonly values: Ranges<number>; readonly negated: boolean }[];
}

/** Numbers at some places that a match compares together, and its elements. */
export interface Table {
  readonly places: readonly { readonly at: number; readonly size: number }[];
  readonly items: readonly Item[];
}

export interface Details {
  /** What names the function. */
  readonly left: Rest;
  /** Undefined: all. */
  readonly units: Ranges<number> | undefined;
  /** Undefined: whatever is touched. */
  readonly boxes: readonly MessageBox[] | undefined;
}

type ReadRange = (scalar: Item[number] | undefined) => Range<number>;

export function detailsOf(rest: Rest, tables: readonly Table[], layout: Layout, rangeOf: ReadRange, line: number | undefined): Details {
  const units = layout.unit === undefined ? undefined : valuesAt(rest, layout.unit, 1);
  const behindUnit = layout.unit === undefined || units === undefined ? rest : without(rest, layout.unit, 1);
  const touch = touchOf(behindUnit, layout);
  if (touch === undefined) {
    if (tables.length > 0) throw new Refusal(line, 'numbers are held against each other that belong to no data of one function');
    return { left: behindUnit, units, boxes: undefined };
  }
  const [start = 0] = touch.starts;
  const firsts = valuesAt(behindUnit, start, 2);
  if (touch.quantities.length === 0) {
    if (tables.length > 0) throw new Refusal(line, 'a quantity is read from messages that have none');
    return { left: firsts === undefined ? behindUnit : without(behindUnit, start, 2), units, boxes: firsts?.map((first) => ({ first })) };
  }
  if (firsts !== undefined) throw new Refusal(line, 'a first address is compared without its quantity');
  if (tables.length === 0) return { left: behindUnit, units, boxes: undefined };
  return { left: behindUnit, units, boxes: [boxOf(touch, tables, layout, rangeOf, line)] };
}

/** The data of the functions that the rule names; undefined where they have none, or not the same. */
function touchOf(rest: Rest, layout: Layout): Touch | undefined {
  const at = layout.bytes.indexOf('function');
  const codes = valuesAt(rest, at, 1) ?? [];
  const touches = codes.flatMap(({ first, last }) => Array.from({ length: Math.min(last - first, 255) + 1 }, (_, index) => layout.touches[first + index]));
  const [one] = touches;
  return touches.every((touch) => JSON.stringify(touch) === JSON.stringify(one)) ? one : undefined;
}

function valuesAt({ bytes, choices }: Rest, at: number, size: number): Ranges<number> | undefined {
  const choice = choices.find((one) => one.at === at && one.size === size && !one.negated);
  if (choice !== undefined) return choice.values;
  let value = 0;
  for (let byte = at; byte < at + size; byte += 1) {
    const one = bytes.get(byte);
    if (one === undefined) return undefined;
    value = value * 256 + one;
  }
  return [{ first: value, last: value }];
}

function without({ bytes, choices }: Rest, at: number, size: number): Rest {
  const choice = choices.find((one) => one.at === at && one.size === size && !one.negated);
  if (choice !== undefined) return { bytes, choices: choices.filter((one) => one !== choice) };
  return { bytes: new Map([...bytes].filter(([byte]) => byte < at || byte >= at + size)), choices };
}

/** The range that every start is held to; and where bytes are counted, the table that holds their count. */
function boxOf(touch: Touch, tables: readonly Table[], layout: Layout, rangeOf: ReadRange, line: number | undefined): MessageBox {
  const left = [...tables];
  const take = (...places: readonly (readonly [at: number, size: number])[]): Table => {
    const index = left.findIndex(
      (table) => table.places.length === places.length && table.places.every(({ at, size }, part) => places[part]?.[0] === at && places[part][1] === size),
    );
    const [found] = index === -1 ? [] : left.splice(index, 1);
    if (found === undefined) throw new Refusal(line, 'a first address, a quantity or a count of bytes is not held against the others');
    return found;
  };
  const ranges = touch.starts.map((start, index) => {
    const [at, most] = touch.quantities[index] ?? [0, 0];
    return rangeWithin(take([start, 2], [at, 2]).items, most, rangeOf, line);
  });
  if (touch.counted !== undefined) {
    const [at, bits] = touch.counted;
    const [quantity, most] = touch.quantities.at(-1) ?? [0, 0];
    const length = layout.bytes.indexOf('length');
    const size = layout.bytes.lastIndexOf('length') - length + 1;
    checkCounts(take([length, size], [quantity, 2], [at, 1]).items, { layout, at, bits, most }, rangeOf, line);
  }
  const [range] = ranges;
  if (left.length > 0 || range === undefined || ranges.some((one) => one.first !== range.first || one.last !== range.last))
    throw new Refusal(line, 'the data that a message reads and writes are held to different ranges');
  return { first: range, last: { first: 0, last: range.last } };
}

/** The range within which exactly the messages stay that a lookup of first address and quantity holds; refused if there is none. */
function rangeWithin(items: readonly Item[], most: number, rangeOf: ReadRange, line: number | undefined): Range<number> {
  const parts = items
    .map((item) => {
      const [starts, quantities] = [rangeOf(item[0]), rangeOf(item[1])];
      if (item.length !== 2 || quantities.first !== 1) throw new Refusal(line, 'a quantity of none, or not every small one, is among those looked for');
      return { starts, room: quantities.last };
    })
    .sort((a, b) => a.starts.first - b.starts.first);
  const [first, last] = [parts[0]?.starts.first ?? 1, parts.at(-1)?.starts.last ?? 0];
  let next = first;
  for (const { starts, room } of parts) {
    const rooms = [starts.first, starts.last].map((start) => Math.min(most, last - start + 1));
    if (starts.first !== next || rooms.some((one) => one !== room)) throw new Refusal(line, 'first addresses and quantities that make up no range');
    next = starts.last + 1;
  }
  if (next <= first || last > 0xffff) throw new Refusal(line, 'first addresses and quantities that make up no range');
  return { first, last };
}

interface Counting {
  readonly layout: Layout;
  readonly at: number;
  readonly bits: 1 | 16;
  readonly most: number;
}

/** Every quantity once, with the count of its bytes and the length that ends behind them. */
function checkCounts(items: readonly Item[], { layout, at, bits, most }: Counting, rangeOf: ReadRange, line: number | undefined): void {
  const quantities = new Set<number>();
  for (const item of items) {
    const [length, quantity, count] = item.map((scalar) => {
      const { first, last } = rangeOf(scalar);
      return first === last ? first : Number.NaN;
    });
    const bytes = Math.floor(((quantity ?? 0) * bits + 7) / 8);
    const right = item.length === 3 && quantity !== undefined && quantity >= 1 && quantity <= most && count === bytes;
    if (!right || layout.size?.(length ?? Number.NaN) !== at + 1 + bytes) throw new Refusal(line, 'a count of bytes that does not fit its quantity');
    quantities.add(quantity);
  }
  if (quantities.size !== most) throw new Refusal(line, 'a set of counts lacks some quantities');
}
