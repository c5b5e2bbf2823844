/**
 * Which conversations are held by at least one, and at least two, of many products.
 *
 * Takes an address line and products, gives covers, and says of a product whether a set holds all of it or any of it. The one idea: messages stand
 * above the ends. Plants have few of them, and groups of scattered hosts, which overlap in nearly every host, hardly do for one message; so
 * what all flows hold twice is small here, where a space that begins with the ends (`conversation-space.ts`) is a hundred times larger.
 */
import { families, type Family } from '../net/address.ts';
import type { Range, Ranges } from '../net/ranges.ts';
import type { AddressLine } from './address-line.ts';
import type { Product } from './conversation-space.ts';
import { type Cover, coverOf } from './cover.ts';
import { Diagram, empty, full, type Node } from './diagram.ts';
import { type FunctionSet, messageBits } from './function-set.ts';
import { coverOfLayers, type Layer } from './layers.ts';
import { messageBoxes } from './message-diagram.ts';
import { belowRanges, numberRanges } from './range-diagram.ts';
import { apart, type FamilyServices, familyServices } from './service-set.ts';

interface Field {
  readonly level: number;
  readonly width: number;
}

/** A field and where it has to lie, from the top of the diagram down. */
type Step = Field & { readonly ranges: Ranges<number> };

export class HoldingSpace {
  readonly diagram: Diagram;
  readonly #line: AddressLine;
  readonly #protocol: Field = { level: 0, width: 8 };
  readonly #value: Field = { level: 8, width: 16 };
  /** Function, unit, first and last address. */
  readonly #message: readonly Field[];
  readonly #destination: Field;
  readonly #source: Field;

  constructor(line: AddressLine) {
    this.#line = line;
    let level = this.#value.level + this.#value.width;
    const next = (width: number): Field => {
      const field = { level, width };
      level += width;
      return field;
    };
    this.#message = messageBits.map(next);
    const width = Math.max(1, Math.ceil(Math.log2(line.size + 1)));
    this.#destination = next(width);
    this.#source = next(width);
    this.diagram = new Diagram(0, [this.#protocol, this.#value, ...this.#message, this.#destination, this.#source]);
  }

  /** What the products hold. */
  cover(products: readonly Product[]): Cover {
    return this.#layers(
      this.#protocol,
      families.flatMap((family) => this.#covers(family, products)),
    );
  }

  /** Whether the set holds every conversation of the product. */
  isWithin(product: Product, set: Node): boolean {
    return families.every((family) => this.#kindsOf(product, family).every((message) => this.#holds(product, family, message, set, 'all')));
  }

  /** Whether the set holds any conversation of the product. */
  meets(product: Product, set: Node): boolean {
    return families.some((family) => this.#kindsOf(product, family).some((message) => this.#holds(product, family, message, set, 'any')));
  }

  #covers(family: Family, products: readonly Product[]): Layer<Cover>[] {
    const groups = new Map<string, { readonly services: FamilyServices; readonly ends: Layer<Cover>[] }>();
    for (const { source, destination, services } of products) {
      const [to, from] = [this.#line.segments(destination, family), this.#line.segments(source, family)];
      if (to.length === 0 || from.length === 0) continue;
      const ends = { ranges: to, below: coverOf(numberRanges(this.diagram, this.#source.level, this.#source.width, from, full)) };
      for (const [name, single] of apart(familyServices(services, family))) {
        const group = groups.get(name);
        if (group === undefined) groups.set(name, { services: single, ends: [ends] });
        else group.ends.push(ends);
      }
    }
    const whole: Layer<Cover>[] = [];
    const valued = new Map<number, Layer<Cover>[]>();
    for (const { services, ends } of groups.values()) {
      const below = this.#layers(this.#destination, ends);
      if (services.protocols.length > 0) whole.push({ ranges: services.protocols, below });
      for (const [protocol, segments] of services.values) {
        const list = valued.get(protocol) ?? [];
        valued.set(protocol, list);
        for (const segment of segments) list.push({ ranges: [segment], below: this.#messages(segment.functions, below) });
      }
    }
    return [...whole, ...[...valued].map(([protocol, list]) => ({ ranges: [one(protocol)], below: this.#layers(this.#value, list) }))];
  }

  /** What is below, within some messages. */
  #messages(functions: FunctionSet, below: Cover): Cover {
    const [field] = this.#message;
    const over = (box: readonly Ranges<number>[], at: number): Cover =>
      box.reduceRight((under, ranges, index) => this.#layers(this.#message[at + index] as Field, [{ ranges, below: under }]), below);
    return field === undefined
      ? below
      : this.#layers(
          field,
          messageBoxes(functions).map(([numbers = [], ...rest]) => ({ ranges: numbers, below: over(rest, 1) })),
        );
  }

  #layers({ level, width }: Field, layers: readonly Layer<Cover>[]): Cover {
    return coverOfLayers(this.diagram, level, width, layers);
  }

  /** What the product may say in a family, one kind of message after the other; nothing where it has no ends. */
  #kindsOf({ source, destination, services }: Product, family: Family): readonly (readonly Step[])[] {
    if (this.#line.segments(destination, family).length === 0 || this.#line.segments(source, family).length === 0) return [];
    const said = familyServices(services, family);
    const known = this.#said.get(said) ?? this.#kinds(said);
    this.#said.set(said, known);
    return known;
  }

  readonly #said = new WeakMap<FamilyServices, readonly (readonly Step[])[]>();

  #kinds({ protocols, values }: FamilyServices): Step[][] {
    const kind = (...ranges: readonly Ranges<number>[]): Step[] =>
      // What is free is asked, too: a set may tell it apart.
      [this.#protocol, this.#value, ...this.#message].map((field, at) => step(field, ranges[at] ?? [{ first: 0, last: 2 ** field.width - 1 }]));
    const valued = [...values].flatMap(([protocol, segments]) =>
      segments.flatMap((segment) => messageBoxes(segment.functions).map((box) => kind([one(protocol)], [segment], ...box))),
    );
    return protocols.length === 0 ? valued : [kind(protocols), ...valued];
  }

  /** Whether all of a kind of message between the ends of the product, or any, is in the set. */
  #holds({ source, destination }: Product, family: Family, message: readonly Step[], set: Node, which: 'all' | 'any'): boolean {
    if (set === empty) return false;
    const to = step(this.#destination, this.#line.segments(destination, family));
    const from = step(this.#source, this.#line.segments(source, family));
    return holds(this.diagram, set, [...message, to, from], which);
  }
}

/** Written out: what is spread gets a hidden class of its own from V8, each time. */
function step({ level, width }: Field, ranges: Ranges<number>): Step {
  return { level, width, ranges };
}

function one(value: number): Range<number> {
  return { first: value, last: value };
}

/** Whether all ways through the steps, or some, lead to the full set; what stands below one place twice is asked once. */
function holds(diagram: Diagram, set: Node, steps: readonly Step[], which: 'all' | 'any'): boolean {
  const known = steps.map(() => new Map<Node, boolean>());
  const ask = (node: Node, index: number): boolean => {
    const step = steps[index];
    if (step === undefined || node <= full) return node === full;
    const before = known[index]?.get(node);
    if (before !== undefined) return before;
    const nodes = belowRanges(diagram, node, step.level, step.width, step.ranges);
    const answer = which === 'all' ? nodes.every((one) => ask(one, index + 1)) : nodes.some((one) => ask(one, index + 1));
    known[index]?.set(node, answer);
    return answer;
  };
  return ask(set, 0);
}
