/**
 * The words of the zone language, as data.
 *
 * Gives the token table, the reserved words, and for every kind of block the keywords that it takes with the
 * shape of their values. The one idea: which word is a keyword depends on the block that it stands in, so the layout
 * pass reads it from here and the grammar (`zone.ne`) speaks of shapes only.
 */
// -- tokens -----------------------------------------------------------------------------------------------------

/** After a number: nothing that would belong to it. `-` is fine before `>`, `:` before white space. */
const END = String.raw`(?![\w./*]|-(?!>)|:(?=\S))`;
const V4 = String.raw`\d{1,10}(?:\.\d{1,10}){3}`;
const V6 = String.raw`(?:[0-9A-Fa-f]{0,8}:){2,40}(?:${V4}|[0-9A-Fa-f]{0,8})`;
const ADDRESS = `(?:${V6}|${V4})`;
const number = (pattern: string): RegExp => new RegExp(pattern + END);

/** Characters that are invisible or reorder what is seen; allowed nowhere, not even in comments. */
export const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/;

/** Tried in this order. Types that start with `bad` are mistakes. */
export const TOKENS = {
  newline: /\r?\n/,
  space: /[ \t]+|\r(?=\n)/,
  comment: /#[^\n]*/,
  string: /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"/,
  badString: /"[^\n]*/,
  network: number(String.raw`${ADDRESS}\/\d{1,10}`),
  addressRange: number(`${ADDRESS}-${ADDRESS}`),
  address: number(ADDRESS),
  date: number(String.raw`\d{4}-\d{2}-\d{2}`),
  portRange: number(String.raw`\d+-\d+`),
  rate: number(String.raw`\d+\/[A-Za-z]+`),
  hex: number('0[xX][0-9A-Fa-f]+'),
  decimal: number(String.raw`\d+\.\d+`),
  number: number(String.raw`\d+`),
  badNumber: /[0-9](?:[\w./*]|-(?!>)|:(?=\S))*/,
  pattern: /[A-Za-z_][\w-]*\*[\w*-]*|\*[\w*-]+/,
  badName: /[A-Za-z_][\w-]*-(?![\w>-])/,
  name: /[A-Za-z_](?:[\w-]*\w)?/,
  punctuation: /<->|->|<=|>=|[{}[\],;:<>=]/,
  badHidden: HIDDEN,
  badQuotes: /[\u201c-\u201f\u00ab\uff02][^\u201c-\u201f\u00bb\uff02"\n]*[\u201c-\u201f\u00bb\uff02]?/,
  badForeign: /[^\x00-\x7f]+/,
  badCharacter: /[!-~]/,
} satisfies Readonly<Record<string, RegExp>>;

/** Punctuation that has a space on both sides. */
export const SPACED: ReadonlySet<string> = new Set(['->', '<->', ':']);

/** Words that name no declaration, whatever stands around them. */
export const RESERVED: ReadonlySet<string> = new Set([
  'any',
  'none',
  'rest',
  'level',
  'kind',
  'trait',
  'role',
  'except',
  'only',
  'tcp',
  'udp',
  'ip',
  'icmp',
  'icmpv6',
  'ethertype',
]);

/** Words that mean something behind the first word of a service. */
export const SERVICE_WORDS: ReadonlySet<string> = new Set([
  'on',
  'passive',
  'function',
  'unit',
  'address',
  'stream',
  'group',
  'variation',
  'protocol',
  'type',
  'code',
]);

// -- blocks -----------------------------------------------------------------------------------------------------

/** How the value of a property reads; `<shape>_property` is its rule in the grammar. */
export type Shape =
  'flag' | 'log' | 'text' | 'name' | 'number' | 'level' | 'date' | 'names' | 'selector' | 'services' | 'addresses' | 'rate' | 'accept_weaker' | 'test_line';

/** Shapes that may have no value, so that the next keyword may follow at once. */
export const VALUELESS: ReadonlySet<Shape> = new Set<Shape>(['flag', 'log']);

export type TopKeyword = 'policy' | 'include' | 'zone' | 'host' | 'group' | 'service' | 'flow' | 'conduit' | 'gateway' | 'assert' | 'test';
export type TrafficKeyword = 'manage' | 'receive' | 'send';
export type NestedKeyword = 'flow' | 'interface' | 'target' | TrafficKeyword;

export const TOP_KEYWORDS: ReadonlySet<string> = new Set<TopKeyword>([
  'policy',
  'include',
  'zone',
  'host',
  'group',
  'service',
  'flow',
  'conduit',
  'gateway',
  'assert',
  'test',
]);
export const NESTED_KEYWORDS: ReadonlySet<string> = new Set<NestedKeyword>(['flow', 'interface', 'target', 'manage', 'receive', 'send']);
export const TRAFFIC_KEYWORDS: ReadonlySet<string> = new Set<TrafficKeyword>(['manage', 'receive', 'send']);

export interface BlockTable {
  /** As it reads in a message: `a zone`. */
  readonly title: string;
  readonly properties: ReadonlyMap<string, Shape>;
  readonly nested: ReadonlySet<NestedKeyword>;
}

function block(title: string, properties: Readonly<Record<string, Shape>>, nested: readonly NestedKeyword[] = []): BlockTable {
  return { title, properties: new Map(Object.entries(properties)), nested: new Set(nested) };
}

/** What flows, conduits and a gateway's own traffic share. */
const conversation = {
  log: 'flag',
  count: 'flag',
  owner: 'text',
  ticket: 'text',
  reason: 'text',
  expires: 'date',
  during: 'name',
  rate: 'rate',
  inspect: 'name',
  'accept-weaker': 'accept_weaker',
  label: 'text',
} as const;

export const BLOCKS = {
  policy: block('a policy', { revision: 'number', timezone: 'text', traits: 'names', roles: 'names' }),
  zone: block('a zone', { level: 'level', kind: 'name', 'security-level': 'number', networks: 'selector', label: 'text' }),
  host: block('a host', { address: 'addresses', role: 'names', traits: 'names', label: 'text', asset: 'text' }),
  flow: block('a flow', {
    from: 'selector',
    to: 'selector',
    allow: 'services',
    deny: 'services',
    ...conversation,
    essential: 'flag',
    requests: 'name',
    disabled: 'text',
  }),
  conduit: block('a conduit', { ...conversation, log: 'log' }, ['flow']),
  gateway: block('a gateway', { label: 'text' }, ['target', 'interface', 'manage', 'receive', 'send']),
  interface: block('an interface', { faces: 'selector', address: 'addresses', runs: 'names', routed: 'flag', 'shared-wire': 'text', label: 'text' }),
  traffic: block("a gateway's own traffic", { ...conversation, essential: 'flag', requests: 'name', disabled: 'text' }),
  test: block('a test', { allow: 'test_line', deny: 'test_line' }),
} as const satisfies Readonly<Record<string, BlockTable>>;

/** Words that own a block. */
export const BLOCK_KEYWORDS: ReadonlySet<string> = new Set([...TOP_KEYWORDS, ...NESTED_KEYWORDS]);

/** Behind these a word is always a name, even one that is a property keyword of the block. */
export const NAME_FOLLOWS: ReadonlySet<string> = new Set(['role', 'trait', 'kind', 'except', ',', '{', '->', '<->', ':']);
