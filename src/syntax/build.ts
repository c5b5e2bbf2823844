/**
 * Builds the nodes of the syntax tree: one function per rule of the grammar (`grammar/zone.ne` names them).
 *
 * Takes the children that nearley collected, gives AST nodes. Every function also runs for readings that nearley gives
 * up later, so it must be cheap and must not keep anything; lists therefore stay linked until a rule closes them.
 */
import { type Span, spanning } from '../base/source.ts';
import type * as Ast from './ast.ts';
import { type Token, word } from './token.ts';

/** A list that grows at its end. */
export interface Linked<Item> {
  readonly before: Linked<Item> | undefined;
  readonly item: Item;
}

type Spanned = { readonly span: Span };
type End = Token;

/** The span from the first to the last of what was written. */
function across(first: Spanned, last: Spanned): Span {
  return spanning(first.span, last.span);
}

const noItems: readonly never[] = [];

function array<Item>(linked: Linked<Item> | undefined): Item[] {
  // Most lists have one item: an array that was pushed to has room for seventeen.
  if (linked !== undefined && linked.before === undefined) return [linked.item];
  const items: Item[] = [];
  for (let cell = linked; cell !== undefined; cell = cell.before) items.push(cell.item);
  return items.reverse();
}

function listOf<Item extends Spanned>(linked: Linked<Item>): { readonly items: readonly Item[]; readonly span: Span } {
  const items = array(linked);
  return { items, span: across(items[0] ?? linked.item, linked.item) };
}

/** `a-b` in one token, as two words. */
function halves(token: Token): { first: Ast.Word; last: Ast.Word; span: Span } {
  const cut = token.value.indexOf('-');
  const { file, start, end } = token.span;
  return {
    first: { text: token.value.slice(0, cut), span: { file, start, end: start + cut } },
    last: { text: token.value.slice(cut + 1), span: { file, start: start + cut + 1, end } },
    span: token.span,
  };
}

function numbers(token: Token): { first: Ast.Word; last: Ast.Word } {
  if (token.type === 'portRange') return halves(token);
  return { first: word(token), last: word(token) };
}

// -- plumbing ---------------------------------------------------------------------------------------------------

export const nothing = (): undefined => undefined;
export const first = <A>([a]: [A]): A => a;
export const second = <A>([, a]: [unknown, A]): A => a;
/** `("a" | "b")`: the choice itself. */
export const only = <A>([[a]]: [[A]]): A => a;
export const one = <A>([item]: [A]): Linked<A> => ({ before: undefined, item });
export const more = <A>([before, , item]: [Linked<A>, Token, A]): Linked<A> => ({ before, item });
/**
 * Grows a list that no closing rule follows: its owner is built anew with each item, so it must stay short. `reject` is
 * how nearley is told that there is no such reading.
 */
export const another = <A>([before, item]: [(Linked<A> & { readonly size: number }) | undefined, A], _: number, reject: unknown): unknown => {
  const size = (before?.size ?? 0) + 1;
  return size > 64 ? reject : { before, item, size };
};
export const oneOf = <A>([[item]]: [[A]]): Linked<A> => ({ before: undefined, item });
export const moreOf = <A>([before, , [item]]: [Linked<A>, Token, [A]]): Linked<A> => ({ before, item });
export const list = <A>([items]: [Linked<A>, End]): readonly A[] => array(items);
export const emptyList = (): readonly never[] => [];

// -- heads ------------------------------------------------------------------------------------------------------

/** What stands before a block. */
export interface Head {
  readonly name: Ast.Word;
  readonly label: Ast.Text | undefined;
}
export interface ConduitHead {
  readonly name: Ast.Word | undefined;
  readonly label: Ast.Text | undefined;
  readonly left: Ast.Word;
  readonly arrow: '<->' | '->';
  readonly right: Ast.Word;
}
export type TrafficHead = Pick<Ast.GatewayTrafficDecl, 'none' | 'peer' | 'services'>;

const optional = (token: Token | undefined): Ast.Word | undefined => (token === undefined ? undefined : word(token));

export const titledHead = ([, title]: [Token, Token, End]): Head => ({ name: word(title), label: undefined });
export const namedHead = ([, name, label]: [Token, Token, Token | undefined, End]): Head => ({ name: word(name), label: optional(label) });
export const bareHead = ([, name]: [Token, Token, End]): Head => ({ name: word(name), label: undefined });
export const interfaceHead = ([, [name]]: [Token, [Token], End]): Head => ({ name: word(name), label: undefined });
export const hostHead = ([, name, label, , zone]: [Token, Token, Token | undefined, Token, Token, End]): Head & { readonly zone: Ast.Word } => ({
  name: word(name),
  label: optional(label),
  zone: word(zone),
});
export const conduitHead = ([, name, label, left, [arrow], right]: [Token, Token | undefined, Token | undefined, Token, [Token], Token, End]): ConduitHead => ({
  name: optional(name),
  label: optional(label),
  left: word(left),
  arrow: arrow.text === '->' ? '->' : '<->',
  right: word(right),
});
export const trafficNone = ([, , why]: [Token, Token, Token, End]): TrafficHead => ({ none: word(why), peer: undefined, services: undefined });
export const trafficHead = ([, , peer, , services]: [[Token], Token, Linked<Ast.SelectorItem>, Token, Linked<Ast.ServiceItem>, End]): TrafficHead => ({
  none: undefined,
  peer: listOf(peer),
  services: listOf(services),
});

// -- properties -------------------------------------------------------------------------------------------------

export const flagProperty = ([keyword]: [Token, End]): Ast.FlagProperty => ({ kind: 'flag', keyword: word(keyword), span: keyword.span });
export const logDenied = ([keyword, denied]: [Token, Token, End]): Ast.LogDeniedProperty => ({
  kind: 'log-denied',
  keyword: word(keyword),
  span: across(keyword, denied),
});
/** A property of one value; where it stands follows from both. */
class Valued<Kind extends string, Value extends Spanned> {
  readonly kind: Kind;
  readonly keyword: Ast.Word;
  readonly value: Value;

  constructor(kind: Kind, keyword: Token, value: Value) {
    this.kind = kind;
    this.keyword = word(keyword);
    this.value = value;
  }

  get span(): Span {
    return across(this.keyword, this.value);
  }
}

export const textProperty = ([keyword, value]: [Token, Token, End]): Ast.TextProperty => new Valued('text', keyword, word(value));
export const wordProperty = ([keyword, value]: [Token, Token, End]): Ast.WordProperty => new Valued('word', keyword, word(value));
export const namesProperty = ([keyword, names]: [Token, Linked<Token>, End]): Ast.NamesProperty => ({
  kind: 'names',
  keyword: word(keyword),
  values: array(names).map(word),
  span: across(keyword, names.item),
});
export const addressesProperty = ([keyword, addresses]: [Token, Linked<Token>, End]): Ast.AddressesProperty => ({
  kind: 'addresses',
  keyword: word(keyword),
  values: array(addresses).map(word),
  span: across(keyword, addresses.item),
});
export const selectorProperty = ([keyword, value]: [Token, Linked<Ast.SelectorItem>, End]): Ast.SelectorProperty =>
  new Valued('selector', keyword, listOf(value));
export const servicesProperty = ([keyword, value]: [Token, Linked<Ast.ServiceItem>, End]): Ast.ServicesProperty =>
  new Valued('services', keyword, listOf(value));
export const rateProperty = ([keyword, rate, , burst]: [Token, Token, Token?, Token?, End?]): Ast.RateProperty => {
  const cut = rate.value.indexOf('/');
  const { file, start, end } = rate.span;
  return {
    kind: 'rate',
    keyword: word(keyword),
    amount: { text: rate.value.slice(0, cut), span: { file, start, end: start + cut } },
    unit: { text: rate.value.slice(cut + 1), span: { file, start: start + cut + 1, end } },
    burst: optional(burst),
    span: across(keyword, burst ?? rate),
  };
};
export const acceptWeaker = ([keyword, grade, why]: [Token, Token, Token, End]): Ast.AcceptWeakerProperty => ({
  kind: 'accept-weaker',
  keyword: word(keyword),
  grade: word(grade),
  why: word(why),
  span: across(keyword, why),
});

// -- selectors --------------------------------------------------------------------------------------------------

export const item = <A extends Spanned>([base, , except]: [A, Token?, A?]): { readonly base: A; readonly except: A | undefined; readonly span: Span } => ({
  base,
  except,
  span: across(base, except ?? base),
});
export const braces = <A>([open, items, close]: [Token, Linked<A>, Token]): { readonly kind: 'braces'; readonly items: readonly A[]; readonly span: Span } => ({
  kind: 'braces',
  items: array(items),
  span: across(open, close),
});
export const nameSelector = ([token]: [Token]): Ast.SelectorAtom => {
  const name = word(token);
  return { kind: 'name', name, span: name.span };
};
export const patternSelector = ([pattern]: [Token]): Ast.SelectorAtom => ({ kind: 'pattern', pattern: word(pattern), span: pattern.span });
export const wordSelector = ([[token]]: [[Token]]): Ast.SelectorAtom => ({ kind: token.text === 'any' ? 'any' : 'rest', span: token.span });
export const addressSelector = ([token]: [Token]): Ast.SelectorAtom => {
  const address = word(token);
  return { kind: 'address', address, span: address.span };
};
export const networkSelector = ([network]: [Token]): Ast.SelectorAtom => ({ kind: 'network', network: word(network), span: network.span });
export const rangeSelector = ([range]: [Token]): Ast.SelectorAtom => ({ kind: 'range', ...halves(range) });
export const levelSelector = ([keyword, [operator], level]: [Token, [Token], Token]): Ast.SelectorAtom => ({
  kind: 'level',
  operator: operator.text as '<=' | '<' | '=' | '>=' | '>',
  level: word(level),
  span: across(keyword, level),
});
export const markSelector = ([[keyword], value]: [[Token], Token]): Ast.SelectorAtom => ({
  kind: keyword.text === 'kind' ? 'zone-kind' : keyword.text === 'trait' ? 'trait' : 'role',
  value: word(value),
  span: across(keyword, value),
});

// -- services ---------------------------------------------------------------------------------------------------

export const anyService = ([token]: [Token]): Ast.ServiceAtom => ({ kind: 'any', span: token.span });
export const transportService = ([transport]: [Ast.TransportSpec]): Ast.ServiceAtom => ({ kind: 'transport', transport, span: transport.span });
export const ipProtocol = ([ip, , number]: [Token, Token, Token]): Ast.ServiceAtom => ({ kind: 'ip-protocol', number: word(number), span: across(ip, number) });
export const ethertype = ([keyword, number]: [Token, Token]): Ast.ServiceAtom => ({ kind: 'ethertype', number: word(number), span: across(keyword, number) });

function icmp(version: Token, message: Token | undefined, type: Token | undefined, code: Token | undefined): Ast.ServiceAtom {
  return {
    kind: 'icmp',
    version: version.text === 'icmp' ? 'icmp' : 'icmpv6',
    message: optional(message),
    type: optional(type),
    code: optional(code),
    span: across(version, code ?? type ?? message ?? version),
  };
}
export const icmpService = ([version]: [Token]): Ast.ServiceAtom => icmp(version, undefined, undefined, undefined);
export const icmpMessage = ([version, message]: [Token, Token]): Ast.ServiceAtom => icmp(version, message, undefined, undefined);
export const icmpType = ([version, , type, , code]: [Token, Token, Token, Token?, Token?]): Ast.ServiceAtom => icmp(version, undefined, type, code);

export const port = ([token]: [Token]): Ast.PortSpec => {
  const number = word(token);
  return { first: number, last: number, span: number.span };
};
export const portRange = ([range]: [Token]): Ast.PortSpec => halves(range);
export const transport = ([[protocol], port]: [[Token], Ast.PortSpec?]): Ast.TransportSpec => ({
  protocol: protocol.text === 'tcp' ? 'tcp' : 'udp',
  ports: port === undefined ? undefined : [port],
  span: across(protocol, port ?? protocol),
});
export const transportBraces = ([[protocol], , ports, close]: [[Token], Token, Linked<Ast.PortSpec>, Token]): Ast.TransportSpec => ({
  protocol: protocol.text === 'tcp' ? 'tcp' : 'udp',
  ports: array(ports),
  span: across(protocol, close),
});

type Functions = { readonly items: readonly Ast.FunctionSpec[]; readonly span: Span };
type Transports = { readonly items: readonly Ast.TransportSpec[]; readonly span: Span };

export const functionClass = ([name]: [Token]): Ast.FunctionSpec => ({ kind: 'class', name: word(name), span: name.span });
export const functionCode = ([keyword, [code]]: [Token, [Token]]): Ast.FunctionSpec => ({
  kind: 'code',
  code: word(code),
  within: undefined,
  span: across(keyword, code),
});
export const functionWithin = ([[place], [number], , [code]]: [[Token], [Token], Token, [Token]]): Ast.FunctionSpec => ({
  kind: 'code',
  code: word(code),
  within: qualifier([[place], [number]]),
  span: across(place, code),
});
export const functionName = ([name]: [Token]): Ast.FunctionSpec => ({ kind: 'name', name: word(name), span: name.span });
export const functionAlone = ([spec]: [Ast.FunctionSpec]): Functions => ({ items: [spec], span: spec.span });
export const functionsNone = ([open, close]: [Token, Token]): Functions => ({ items: [], span: across(open, close) });
export const functionBraces = ([open, items, close]: [Token, Linked<Ast.FunctionSpec>, Token]): Functions => ({
  items: array(items),
  span: across(open, close),
});
export const qualifier = ([[keyword], [value]]: [[Token], [Token]]): Ast.Qualifier => ({
  keyword: word(keyword),
  ...numbers(value),
  span: across(keyword, value),
});
export const onTransport = ([on, spec]: [Token, Ast.TransportSpec]): Transports => ({ items: [spec], span: across(on, spec) });
export const onBraces = ([on, , items, close]: [Token, Token, Linked<Ast.TransportSpec>, Token]): Transports => ({
  items: array(items),
  span: across(on, close),
});
export const passive = ([keyword, ports]: [Token, Ast.PortSpec]): { readonly ports: Ast.PortSpec; readonly span: Span } => ({
  ports,
  span: across(keyword, ports),
});

type NamedParts = [
  Token,
  Functions | undefined,
  Linked<Ast.Qualifier> | undefined,
  Transports | undefined,
  { readonly ports: Ast.PortSpec; readonly span: Span } | undefined,
];
export const namedService = ([token, functions, qualifiers, on, passive]: NamedParts): Ast.ServiceAtom => {
  const name = word(token);
  return {
    kind: 'named',
    name,
    functions: functions?.items,
    qualifiers: qualifiers === undefined ? noItems : array(qualifiers),
    on: on?.items,
    passive: passive?.ports,
    span: spanning(name.span, (passive ?? on ?? qualifiers?.item ?? functions ?? name).span),
  };
};

// -- options, tests, asserts --------------------------------------------------------------------------------------

export const option = ([name, value]: [Token, Ast.OptionValue, End]): Ast.TargetOption => ({ name: word(name), value, span: across(name, value) });
export const optionNumber = ([[value]]: [[Token]]): Ast.OptionValue => ({ kind: 'number', value: word(value), span: value.span });
export const optionString = ([value]: [Token]): Ast.OptionValue => ({ kind: 'string', value: word(value), span: value.span });
export const optionName = ([[value]]: [[Token]]): Ast.OptionValue => ({ kind: 'name', value: word(value), span: value.span });
export const optionEmpty = ([[open, close]]: [[Token, Token]]): Ast.OptionValue => ({ kind: 'list', items: [], span: across(open, close) });
export const optionList = ([[open, items, close]]: [[Token, Linked<Ast.OptionValue>, Token]]): Ast.OptionValue => ({
  kind: 'list',
  items: array(items),
  span: across(open, close),
});
export const optionBareList = ([first, , rest]: [Ast.OptionValue, Token, Linked<Ast.OptionValue>]): Ast.OptionValue => ({
  kind: 'list',
  items: [first, ...array(rest)],
  span: across(first, rest.item),
});

type Selector = Linked<Ast.SelectorItem>;
type Services = Linked<Ast.ServiceItem>;

/** An assert's statement; the declaration around it is put together in `declare.ts`. */
export interface Statement {
  readonly body: Ast.AssertBody;
  readonly whereEnforced: boolean;
}

export const testLine = ([[expect], from, , to, , services]: [[Token], Selector, Token, Selector, Token, Services, End]): Ast.TestLine => ({
  expect: expect.text === 'allow' ? 'allow' : 'deny',
  from: listOf(from),
  to: listOf(to),
  services: listOf(services),
  span: across(expect, services.item),
});

export const neverAnything = ([never, from, , to, enforced]: [Token, Selector, Token, Selector, Token | undefined, End]): Statement => ({
  body: { kind: 'never', from: listOf(from), to: listOf(to), services: undefined, span: across(never, to.item) },
  whereEnforced: enforced !== undefined,
});
export const never = ([never, from, , to, , services, enforced]: [Token, Selector, Token, Selector, Token, Services, Token | undefined, End]): Statement => ({
  body: { kind: 'never', from: listOf(from), to: listOf(to), services: listOf(services), span: across(never, services.item) },
  whereEnforced: enforced !== undefined,
});
export const always = ([always, from, , to, , services, enforced]: [Token, Selector, Token, Selector, Token, Services, Token | undefined, End]): Statement => ({
  body: { kind: 'always', from: listOf(from), to: listOf(to), services: listOf(services), span: across(always, services.item) },
  whereEnforced: enforced !== undefined,
});
export const onlyVia = ([from, , to, , , via, enforced]: [Selector, Token, Selector, Token, Token, Selector, Token | undefined, End]): Statement => ({
  body: { kind: 'only-via', from: listOf(from), to: listOf(to), via: listOf(via), span: spanning(listOf(from).span, via.item.span) },
  whereEnforced: enforced !== undefined,
});
export const hops = ([from, , to, , , atLeast, [unit], enforced]: [
  Selector,
  Token,
  Selector,
  Token,
  Token,
  Token,
  [Token],
  Token | undefined,
  End,
]): Statement => ({
  body: { kind: 'hops', from: listOf(from), to: listOf(to), atLeast: word(atLeast), span: spanning(listOf(from).span, unit.span) },
  whereEnforced: enforced !== undefined,
});
export const everyFlow = ([every, , from, to, , requirements, enforced]: [
  Token,
  Token,
  Selector | undefined,
  Selector | undefined,
  Token,
  Linked<Linked<Ast.FlowRequirement>>,
  Token | undefined,
  End,
]): Statement => ({
  body: {
    kind: 'every-flow',
    from: from === undefined ? undefined : listOf(from),
    to: to === undefined ? undefined : listOf(to),
    requirements: array(requirements).map(array),
    span: across(every, requirements.item.item),
  },
  whereEnforced: enforced !== undefined,
});
export const requiredProperty = ([[name]]: [[Token]]): Ast.FlowRequirement => ({ kind: 'property', name: word(name), span: name.span });
export const requiredExpiry = ([expires, , days, [unit]]: [Token, Token, Token, [Token]]): Ast.FlowRequirement => ({
  kind: 'expires-within',
  days: word(days),
  span: across(expires, unit),
});
export const requiredGrade = ([inspect, grade]: [Token, Token]): Ast.FlowRequirement => ({ kind: 'inspect', grade: word(grade), span: across(inspect, grade) });
