/**
 * The words of a rule to its parts: what it says of the header, its matches with their options, its target.
 *
 * Takes words, gives options by module, each with its values and whether it is negated. The one idea: the tables below say how many values
 * an option takes, so a comment that reads `-j DROP` is never taken for a target; a module that is not in them is kept by name, and the
 * compiler of rules decides what that means.
 */
import { Refusal, type Rule, type Word } from './read-tree.ts';

export interface Option {
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly string[];
}

export interface Section {
  readonly module: string;
  /** Undefined for a module that is in no table. */
  readonly options: readonly Option[] | undefined;
}

export interface ParsedRule {
  readonly line: number;
  /** Options of the header by their long names. */
  readonly header: ReadonlyMap<string, Option>;
  readonly matches: readonly Section[];
  readonly target: { readonly kind: 'jump' | 'goto'; readonly name: string; readonly options: readonly Option[] | undefined } | undefined;
}

type Arities = ReadonlyMap<string, number>;

/** `name` or `name:values`. */
function arities(text: string): Arities {
  return new Map(
    text.split(' ').map((word) => {
      const [name = '', values = '1'] = word.split(':');
      return [name, Number(values)];
    }),
  );
}

const ports = 'sport dport source-port destination-port';

const matchOptions: ReadonlyMap<string, Arities> = new Map([
  ['tcp', arities(`${ports} syn:0 tcp-flags:2 tcp-option`)],
  ['udp', arities(ports)],
  ['sctp', arities(`${ports} chunk-types:2`)],
  ['icmp', arities('icmp-type')],
  ['icmp6', arities('icmpv6-type')],
  ['multiport', arities('sports dports ports source-ports destination-ports')],
  ['iprange', arities('src-range dst-range')],
  [
    'set',
    arities(
      'match-set:2 return-nomatch:0 update-counters:0 update-subcounters:0 packets-eq packets-lt packets-gt packets-ne bytes-eq bytes-lt bytes-gt bytes-ne',
    ),
  ],
  [
    'conntrack',
    arities('ctstate ctdir ctproto ctorigsrc ctorigdst ctreplsrc ctrepldst ctorigsrcport ctorigdstport ctreplsrcport ctrepldstport ctstatus ctexpire'),
  ],
  ['state', arities('state')],
  ['connmark', arities('mark')],
  ['mark', arities('mark')],
  ['addrtype', arities('src-type dst-type limit-iface-in:0 limit-iface-out:0')],
  ['ttl', arities('ttl-eq ttl ttl-lt ttl-gt')],
  ['hl', arities('hl-eq hl-lt hl-gt')],
  ['comment', arities('comment')],
  ['limit', arities('limit limit-burst')],
  [
    'hashlimit',
    arities(
      'hashlimit-upto hashlimit hashlimit-above hashlimit-burst hashlimit-name hashlimit-mode hashlimit-srcmask hashlimit-dstmask hashlimit-htable-size hashlimit-htable-max hashlimit-htable-expire hashlimit-htable-gcinterval hashlimit-rate-match:0 hashlimit-rate-interval',
    ),
  ],
  ['bpf', arities('bytecode')],
  ['ah', arities('ahspi ahlen ahres:0')],
]);

const setMark = 'set-xmark set-mark and-mark or-mark xor-mark';

const targetOptions: ReadonlyMap<string, Arities> = new Map([
  ['ACCEPT', new Map()],
  ['DROP', new Map()],
  ['RETURN', new Map()],
  ['TRACE', new Map()],
  ['CHECKSUM', arities('checksum-fill:0')],
  ['REJECT', arities('reject-with')],
  ['LOG', arities('log-level log-prefix log-tcp-sequence:0 log-tcp-options:0 log-ip-options:0 log-uid:0 log-macdecode:0')],
  ['NFLOG', arities('nflog-group nflog-prefix nflog-range nflog-size nflog-threshold')],
  ['ULOG', arities('ulog-nlgroup ulog-prefix ulog-cprange ulog-qthreshold')],
  ['AUDIT', arities('type')],
  ['CLASSIFY', arities('set-class')],
  ['TCPMSS', arities('set-mss clamp-mss-to-pmtu:0')],
  ['DSCP', arities('set-dscp set-dscp-class')],
  ['TOS', arities('set-tos and-tos or-tos xor-tos')],
  ['MARK', arities(setMark)],
  ['NFQUEUE', arities('queue-num queue-balance queue-bypass:0 queue-cpu-fanout:0')],
  ['CONNMARK', arities(`${setMark} save-mark:0 restore-mark:0 nfmask ctmask mask left-shift-mark right-shift-mark`)],
]);

/** Whether a chain of this name would be taken for a target. */
export function isTarget(name: string): boolean {
  return targetOptions.has(name) || name === 'QUEUE' || name === 'SET';
}

const headerOptions: ReadonlyMap<string, readonly [name: string, values: number]> = new Map([
  ['-s', ['source', 1]],
  ['--source', ['source', 1]],
  ['--src', ['source', 1]],
  ['-d', ['destination', 1]],
  ['--destination', ['destination', 1]],
  ['--dst', ['destination', 1]],
  ['-p', ['protocol', 1]],
  ['--protocol', ['protocol', 1]],
  ['--proto', ['protocol', 1]],
  ['-i', ['in-interface', 1]],
  ['--in-interface', ['in-interface', 1]],
  ['-o', ['out-interface', 1]],
  ['--out-interface', ['out-interface', 1]],
  ['-f', ['fragment', 0]],
  ['--fragment', ['fragment', 0]],
  ['-c', ['set-counters', 2]],
  ['--set-counters', ['set-counters', 2]],
]);

const lead: ReadonlyMap<string, 'match' | 'jump' | 'goto'> = new Map([
  ['-m', 'match'],
  ['--match', 'match'],
  ['-j', 'jump'],
  ['--jump', 'jump'],
  ['-g', 'goto'],
  ['--goto', 'goto'],
]);

/** The match that `-p NAME` brings along for its options. */
const implied: ReadonlyMap<string, string> = new Map([
  ['tcp', 'tcp'],
  ['6', 'tcp'],
  ['udp', 'udp'],
  ['17', 'udp'],
  ['sctp', 'sctp'],
  ['132', 'sctp'],
  ['icmp', 'icmp'],
  ['1', 'icmp'],
  ['ipv6-icmp', 'icmp6'],
  ['icmpv6', 'icmp6'],
  ['58', 'icmp6'],
]);

interface OpenSection extends Section {
  readonly known: Arities | undefined;
  readonly options: Option[] | undefined;
}

/** `isChain`: a target that is a chain brings no options. */
export function parseRule(rule: Rule, isChain: (name: string) => boolean): ParsedRule {
  return new RuleParser(rule, isChain).parse();
}

class RuleParser {
  readonly #line: number;
  readonly #words: readonly Word[];
  readonly #isChain: (name: string) => boolean;
  readonly #header = new Map<string, Option>();
  readonly #matches: OpenSection[] = [];
  #target: (OpenSection & { readonly kind: 'jump' | 'goto' }) | undefined;
  /** Where an option goes that several modules know, and all that a module brings that is in no table. */
  #current: OpenSection | undefined;
  #at = 0;

  constructor(rule: Rule, isChain: (name: string) => boolean) {
    this.#line = rule.line;
    this.#words = rule.words;
    this.#isChain = isChain;
  }

  parse(): ParsedRule {
    for (let word = this.#words[this.#at]; word !== undefined; word = this.#words[this.#at]) {
      const negated = isNegation(word);
      if (negated) this.#at++;
      this.#option(negated);
    }
    const target = this.#target;
    return {
      line: this.#line,
      header: this.#header,
      matches: this.#matches,
      target: target === undefined ? undefined : { kind: target.kind, name: target.module, options: target.options },
    };
  }

  #option(negated: boolean): void {
    const word = this.#words[this.#at++];
    if (word === undefined) this.#refuse('the rule ends behind a !');
    const unknown = this.#current !== undefined && this.#current.known === undefined;
    const leads = word.quoted ? undefined : lead.get(word.text);
    if (leads !== undefined) {
      if (negated) this.#refuse(`${word.text} cannot be negated`);
      this.#open(leads, this.#value(word.text));
      return;
    }
    // What a module brings that is in no table goes on to the next module.
    if (unknown) return;
    const known = word.quoted ? undefined : headerOptions.get(word.text);
    if (known !== undefined) {
      const [name, count] = known;
      if (this.#header.has(name)) this.#refuse(`${word.text} stands twice`);
      this.#header.set(name, { name, negated, values: this.#values(word.text, count) });
      return;
    }
    if (word.quoted || !/^--[a-z]/u.test(word.text)) this.#refuse(`${JSON.stringify(word.text)} cannot be read`);
    const name = word.text.slice(2);
    const section = this.#sectionOf(name);
    if (section?.options === undefined) this.#refuse(`the option ${word.text} is not modelled`);
    if (section.options.some((option) => option.name === name)) this.#refuse(`${word.text} stands twice`);
    section.options.push({ name, negated, values: this.#values(word.text, section.known?.get(name) ?? 0) });
  }

  #open(kind: 'match' | 'jump' | 'goto', module: string): void {
    if (kind === 'match') {
      const known = matchOptions.get(module);
      this.#current = { module, known, options: known === undefined ? undefined : [] };
      this.#matches.push(this.#current);
      return;
    }
    if (this.#target !== undefined) this.#refuse('a rule with two targets');
    const known = kind === 'goto' || this.#isChain(module) ? new Map<string, number>() : targetOptions.get(module);
    this.#target = { kind, module, known, options: known === undefined ? undefined : [] };
    this.#current = this.#target;
  }

  /** The section that an option belongs to: the last module that knows it, else the one that the protocol brings along. */
  #sectionOf(name: string): OpenSection | undefined {
    if (this.#current?.known?.has(name) === true) return this.#current;
    const before = this.#matches.findLast((section) => section.known?.has(name) === true);
    if (before !== undefined) return before;
    const protocol = this.#header.get('protocol');
    const module = protocol?.negated === false ? implied.get(protocol.values[0]?.toLowerCase() ?? '') : undefined;
    const known = module === undefined ? undefined : matchOptions.get(module);
    if (module === undefined || known?.has(name) !== true) return undefined;
    const section: OpenSection = { module, known, options: [] };
    this.#matches.push(section);
    return section;
  }

  #value(option: string): string {
    const word = this.#words[this.#at++];
    if (word === undefined) this.#refuse(`${option} lacks its value`);
    if (isNegation(word)) this.#refuse(`a ! behind ${option} is not modelled`);
    return word.text;
  }

  #values(option: string, count: number): string[] {
    return Array.from({ length: count }, () => this.#value(option));
  }

  #refuse(what: string): never {
    throw new Refusal(this.#line, what);
  }
}

function isNegation(word: Word): boolean {
  return !word.quoted && word.text === '!';
}
