/**
 * What Suricata drops of the packets that are queued for it.
 *
 * Takes its rules, gives the packets of clients that they drop. The one idea: a function is dropped where a rule names it, and what nobody
 * recognises only where every guard stands; so a guard that is missing shows as a packet that passes. It knows rules of one shape for each
 * purpose, always about what the client says, and refuses all others: a rule that passes opens a whole conversation. What a parser tells
 * apart is one row a protocol, written from what it did with every code.
 */
import { addressSet, type AddressSet } from '../../src/net/address-set.ts';
import { families, type Family } from '../../src/net/address.ts';
import { canonical, type Range, type Ranges } from '../../src/net/ranges.ts';
import { allFunctions, functionBox, subtractFunctions } from '../../src/packets/function-set.ts';
import { empty, fields, full, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { functionTable } from '../../src/policy/gateway-policy.ts';
import { Refusal } from './read-tree.ts';
import { readNetwork, readPorts, readRange } from './read-values.ts';

type Purpose =
  | { readonly kind: 'known'; readonly bit: string; readonly protocol: string }
  | { readonly kind: 'unless-known'; readonly bit: string }
  | { readonly kind: 'event'; readonly event: string; readonly protocol: string }
  /** Messages of a function, or of all that its parser tells; to some units, or to all. */
  | { readonly kind: 'function'; readonly code: number | undefined; readonly units: Range<number> | undefined; readonly protocol: string };

export interface EngineRule {
  readonly line: number;
  readonly source: AddressSet;
  readonly destination: AddressSet;
  readonly ports: Ranges<number>;
  readonly purpose: Purpose;
}

interface Parser {
  /** The option that asks for a code, and the codes that may stand there. */
  readonly functionIs: RegExp;
  readonly codes: Range<number>;
  /** The option that asks for units, perhaps with a code. */
  readonly unitIs: RegExp;
  /** Codes that it tells from others; every other code is the same to it. */
  readonly told: ReadonlySet<number>;
  /** With the highest bit it takes these for what they are without. */
  readonly takenFor: readonly number[];
  /** Of these each shows something that is no message; none may be missing. */
  readonly events: readonly string[];
}

const parsers: ReadonlyMap<string, Parser> = new Map([
  [
    'modbus',
    {
      functionIs: /^modbus:function ([1-9]\d{0,2})$/u,
      codes: { first: 1, last: 127 },
      unitIs: /^modbus:unit ([0-9<>]+)(?:, function ([1-9]\d{0,2}))?$/u,
      told: new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 43]),
      takenFor: [8, 43],
      events: ['invalid_protocol_id', 'invalid_length', 'invalid_function_code', 'flooded'],
    },
  ],
]);
const ruleLine = /^(\w+) (\w+) (\S+) any -> (\S+) (\S+) \((.+)\)$/u;
const mostCharacters = 8191;

export function parseEngineRules(text: string): readonly EngineRule[] {
  const rules: EngineRule[] = [];
  const numbers = new Set<string>();
  const sides = new Map<string, AddressSet>();
  const setters = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const refuse = (what: string): never => {
      throw new Refusal(index + 1, what);
    };
    const [, action = '', carrier = '', from = '', to = '', where = '', words = ''] = ruleLine.exec(line) ?? refuse('no rule of a known shape');
    if (line.length > mostCharacters) refuse('a rule of more than 8191 characters');
    const options = optionsOf(words) ?? refuse('options that cannot be read');
    const number = options.find(({ name }) => name === 'sid')?.value ?? refuse('a rule without a number');
    if (!/^[1-9]\d{0,8}$/u.test(number) || numbers.has(number)) refuse(`the number ${number} twice, or none`);
    numbers.add(number);
    const side = (list: string): AddressSet => {
      const known = sides.get(list) ?? addressList(list) ?? refuse(`the addresses ${list}`);
      sides.set(list, known);
      return known;
    };
    const ports = portList(where) ?? refuse(`the ports ${where}`);
    const purpose = purposeOf(action, carrier, options) ?? refuse('a rule of no known purpose');
    if (purpose.kind === 'known') {
      if ((setters.get(purpose.bit) ?? carrier) !== carrier) refuse(`a second protocol sets ${purpose.bit}`);
      setters.set(purpose.bit, carrier);
    }
    rules.push({ line: index + 1, source: side(from), destination: side(to), ports, purpose });
  }
  return rules;
}

interface Option {
  readonly name: string;
  readonly value: string;
}

function optionsOf(words: string): readonly Option[] | undefined {
  const found: Option[] = [];
  const pattern = /(\S+?)(?::("[^"\\;]*"|[^";\\]*))?;(?: |$)/uy;
  while (pattern.lastIndex < words.length) {
    const match = pattern.exec(words);
    if (match === null) return undefined;
    found.push({ name: match[1] ?? '', value: match[2] ?? '' });
  }
  return found;
}

/** Everything but message, number and revision says what a rule is for; the order does not matter. */
function purposeOf(action: string, carrier: string, options: readonly Option[]): Purpose | undefined {
  const said = options
    .filter(({ name }) => name !== 'msg' && name !== 'sid' && name !== 'rev')
    .map(({ name, value }) => (value === '' ? name : `${name}:${value}`));
  if (new Set(options.map(({ name }) => name)).size !== options.length || !said.includes('flow:to_server')) return undefined;
  const rest = said.filter((one) => one !== 'flow:to_server').toSorted();
  const [first = '', second = '', ...more] = rest;
  if (more.length > 0) return undefined;
  const unless = /^flowbits:isnotset,([a-z.]+)$/u.exec(second);
  if (action === 'drop' && carrier === 'tcp' && first === 'dsize:>0' && unless !== null) return { kind: 'unless-known', bit: unless[1] ?? '' };
  const parser = parsers.get(carrier);
  if (parser === undefined) return undefined;
  const known = /^flowbits:set,([a-z.]+)$/u.exec(first);
  if (action === 'alert' && known !== null && second === 'noalert') return { kind: 'known', bit: known[1] ?? '', protocol: carrier };
  if (action !== 'drop' || second !== '') return undefined;
  const [, of, event = ''] = /^app-layer-event:([a-z0-9]+)\.([a-z_]+)$/u.exec(first) ?? [];
  if (of !== undefined) return of === carrier && parser.events.includes(event) ? { kind: 'event', event, protocol: carrier } : undefined;
  const [, unitText, ofUnit] = parser.unitIs.exec(first) ?? [];
  const units = unitText === undefined ? undefined : unitsOf(unitText);
  if (unitText !== undefined && (units === undefined || (ofUnit !== undefined && !parser.told.has(Number(ofUnit))))) return undefined;
  if (units !== undefined && ofUnit === undefined) return { kind: 'function', code: undefined, units, protocol: carrier };
  const code = Number(ofUnit ?? parser.functionIs.exec(first)?.[1] ?? Number.NaN);
  return code >= parser.codes.first && code <= parser.codes.last ? { kind: 'function', code, units, protocol: carrier } : undefined;
}

/** As its keyword was tried: both ends are left out, and what is odd means something else (`<0`, `>0`, `0<>5`, `5<>6`), so that it is not known here. */
function unitsOf(text: string): Range<number> | undefined {
  const [, low, between, high] = /^(0|[1-9]\d{0,2})?(<>|[<>])?(0|[1-9]\d{0,2})?$/u.exec(text) ?? [];
  const [one, other] = [low, high].map((part) => (part === undefined ? undefined : Number(part)));
  if ((one ?? 0) > 255 || (other ?? 0) > 255) return undefined;
  if (between === undefined) return one === undefined || other !== undefined ? undefined : { first: one, last: one };
  if (between === '<>') return one === undefined || other === undefined || one < 1 || other < one + 2 ? undefined : { first: one + 1, last: other - 1 };
  if (one !== undefined || other === undefined) return undefined;
  if (between === '<') return other < 1 ? undefined : { first: 0, last: other - 1 };
  return other < 1 || other > 254 ? undefined : { first: other + 1, last: 255 };
}

function itemsOf(list: string): readonly string[] {
  return list.startsWith('[') && list.endsWith(']') ? list.slice(1, -1).split(',') : [list];
}

function addressList(list: string): AddressSet | undefined {
  const v4: Range<number>[] = [];
  const v6: Range<bigint>[] = [];
  for (const item of itemsOf(list)) {
    const found = families.flatMap((family) => {
      const range = readRange(item, family);
      return (range === undefined ? readNetwork(item, family) : addressSet([range])) ?? [];
    })[0];
    if (found === undefined) return undefined;
    v4.push(...found.v4);
    v6.push(...found.v6);
  }
  return { v4: canonical(v4), v6: canonical(v6) };
}

function portList(list: string): Ranges<number> | undefined {
  const found = itemsOf(list).map((item) => (item === '' || item.includes('!') ? undefined : readPorts(item)));
  return found.every((one) => one !== undefined) ? canonical(found) : undefined;
}

/** Packets of the conversations that rules are about, in both directions: an engine that sees one side alone cannot put the stream together. */
export function conversationsOf(space: PacketSpace, rules: readonly EngineRule[]): Node {
  const { diagram } = space;
  const whole = rules.filter(({ purpose }) => purpose.kind === 'unless-known');
  const both = whole.flatMap((rule) =>
    families.flatMap((family) => [
      space.direction('original', conversations(space, family, rule)),
      space.direction('reply', conversations(space, family, rule, true)),
    ]),
  );
  return space.hook('forward', diagram.unionAll(both));
}

/** The protocol whose parser a rule asks; undefined for one that asks of packets alone. */
export function protocolOf({ purpose }: EngineRule): string | undefined {
  return purpose.kind === 'unless-known' ? undefined : purpose.protocol;
}

/** What is dropped of what a client sends, whichever way it takes through the gateway. */
export function droppedBy(space: PacketSpace, rules: readonly EngineRule[]): Node {
  const { diagram } = space;
  const areas = new Map<string, Node>();
  const areaOf = (rule: EngineRule): Node => {
    const key = [rule.source, rule.destination].map((set) => textOf(set.v4) + textOf(set.v6)).join(' ') + textOf(rule.ports);
    const known = areas.get(key) ?? space.direction('original', diagram.unionAll(families.map((family) => conversations(space, family, rule))));
    areas.set(key, known);
    return known;
  };
  const where: Where = (is) => diagram.unionAll(rules.filter(({ purpose }) => is(purpose)).map(areaOf));
  const setters = new Map(rules.flatMap(({ purpose }) => (purpose.kind === 'known' ? [[purpose.bit, purpose.protocol] as const] : [])));
  const asking = (purpose: Purpose, bit: string): boolean => purpose.kind === 'unless-known' && purpose.bit === bit;
  const bits = [...new Set(rules.flatMap(({ purpose }) => ('bit' in purpose ? [purpose.bit] : [])))];
  // Whose bit is never set passes nothing but packets without payload.
  const never = diagram.unionAll(
    bits.map((bit) => {
      const asked = where((purpose) => asking(purpose, bit));
      return diagram.subtract(
        asked,
        where((purpose) => purpose.kind === 'known' && purpose.bit === bit),
      );
    }),
  );
  const payload = space.messagesOf(subtractFunctions(allFunctions, functionTable.none));
  const parts = [...parsers].map(([protocol, parser]) => {
    const first = where((purpose) => purpose.kind === 'unless-known' && setters.get(purpose.bit) === protocol);
    const its: Where = (is) => where((purpose) => 'protocol' in purpose && purpose.protocol === protocol && is(purpose));
    return droppedOf(space, protocol, parser, first, { where: its, purposes: rules.map(({ purpose }) => purpose) });
  });
  return diagram.unionAll([...parts, diagram.intersect(never, payload)]);
}

/** Where a rule of such a purpose stands. */
type Where = (is: (purpose: Purpose) => boolean) => Node;

interface Asked {
  readonly where: Where;
  readonly purposes: readonly Purpose[];
}

/** What the rules of one protocol drop; `first`: where what is not yet known as that protocol is held back. */
function droppedOf(space: PacketSpace, protocol: string, parser: Parser, first: Node, { where, purposes }: Asked): Node {
  const { diagram } = space;
  const everyUnit = (purpose: Purpose, is: (code: number) => boolean): boolean =>
    purpose.kind === 'function' && purpose.units === undefined && purpose.code !== undefined && is(purpose.code);
  const byCode = new Map(Array.from(parser.told, (code): [number, Node] => [code, where((purpose) => everyUnit(purpose, (one) => one === code))]));
  // A first message that the parser does not know is held back by the guard alone, a later one by the rule alone.
  const unknown = diagram.intersect(
    first,
    where((purpose) => everyUnit(purpose, (one) => !parser.told.has(one))),
  );
  const guards = [
    ...parser.events.map((event) => where((purpose) => purpose.kind === 'event' && purpose.event === event)),
    ...parser.takenFor.map((code) => byCode.get(code) ?? empty),
  ];
  const strange = guards.reduce((all, one) => diagram.intersect(all, one), unknown);
  const named = new Map<Node, number[]>();
  const drop = (area: Node, one: number): void => void named.set(area, [...(named.get(area) ?? []), one]);
  for (const one of functionTable.among(allFunctions)) {
    const number = functionTable.number(one);
    if (one.protocol !== protocol) {
      drop(strange, number);
      continue;
    }
    const dropped = one.codes.map((code) => (code.number === undefined ? strange : (byCode.get(code.number) ?? unknown)));
    drop(
      dropped.reduce((all, part) => diagram.intersect(all, part), full),
      number,
    );
  }
  const parts = [...named].map(([area, numbers]) =>
    diagram.intersect(area, space.within(fields.function, canonical(numbers.map((one) => ({ first: one, last: one }))))),
  );
  const narrowed = narrowedOf(space, protocol, parser, byCode, { where, purposes });
  return diagram.unionAll([...parts, ...narrowed, diagram.intersect(strange, space.messagesOf(functionTable.other))]);
}

/** What is dropped of functions to some units; a function of several codes where each of them is. */
function narrowedOf(space: PacketSpace, protocol: string, parser: Parser, byCode: ReadonlyMap<number, Node>, { where, purposes }: Asked): readonly Node[] {
  const { diagram } = space;
  const groups = new Map<string, { readonly code: number | undefined; readonly units: Range<number>; readonly area: Node }>();
  for (const purpose of purposes) {
    if (purpose.kind !== 'function' || purpose.units === undefined || purpose.protocol !== protocol) continue;
    const { code, units } = purpose;
    const key = `${code ?? ''} ${units.first}-${units.last}`;
    const alike = (other: Purpose): boolean =>
      other.kind === 'function' && other.code === code && other.units?.first === units.first && other.units.last === units.last;
    if (!groups.has(key)) groups.set(key, { code, units, area: where(alike) });
  }
  if (groups.size === 0) return [];
  return functionTable
    .among(allFunctions)
    .filter((one) => one.protocol === protocol)
    .map((one) => {
      const number = functionTable.number(one);
      const dropped = one.codes.map((code) => {
        if (code.number === undefined || !parser.told.has(code.number)) return empty;
        const its = [...groups.values()].filter((group) => group.code === undefined || group.code === code.number);
        const some = its.map(({ units, area }) => diagram.intersect(area, space.messagesOf(functionBox(number, { units }))));
        return diagram.unionAll([diagram.intersect(byCode.get(code.number) ?? empty, space.messagesOf(functionBox(number, {}))), ...some]);
      });
      return dropped.reduce((all, part) => diagram.intersect(all, part), full);
    });
}

function conversations(space: PacketSpace, family: Family, { source, destination, ports }: EngineRule, answered = false): Node {
  const of = (set: AddressSet): Ranges<number> | Ranges<bigint> => (family === 4 ? set.v4 : set.v6);
  const [from, to] = answered ? [destination, source] : [source, destination];
  const ends = space.addresses('destination', family, of(to), space.addresses('source', family, of(from)));
  return space.family(family, space.among(fields.protocol, [6], space.within(answered ? fields.sourcePort : fields.value, ports, ends)));
}

function textOf(ranges: Ranges<number> | Ranges<bigint>): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join();
}
