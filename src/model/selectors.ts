/**
 * Selectors: from words to sets of addresses.
 *
 * Takes a selector of the syntax tree, gives the addresses it means. Groups are resolved on first use, so they may be
 * declared in any order; a group that contains itself is reported once.
 */
import { nearest } from '../base/nearest.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { formatRange, parseAddress, parsePrefix } from '../net/address.ts';
import { addressesWithin, addressSet, addressSetOf, type AddressSet, isEmpty, noAddresses, subtractAddresses, unionAddresses } from '../net/address-set.ts';
import type { Selector, SelectorAtom, SelectorItem, Word } from '../syntax/ast.ts';
import type { Context } from './context.ts';
import type { Host, ResolvedSelector, Zone } from './model.ts';
import type { NameSpace, PlaceDecl } from './names.ts';
import { Uses } from './unused.ts';

/** What selectors are resolved against. */
export interface Places {
  readonly names: NameSpace<PlaceDecl>;
  readonly zones: ReadonlyMap<string, Zone>;
  readonly hosts: ReadonlyMap<string, Host>;
  /** Static addresses of the gateways, by name. */
  readonly gateways: ReadonlyMap<string, AddressSet>;
  /** Zones whose own declaration was reported: their level or networks may be missing for that reason. */
  readonly brokenZones: ReadonlySet<string>;
  readonly zoneKinds: readonly string[];
  readonly traits: readonly string[];
  readonly roles: readonly string[];
}

interface Meaning {
  readonly addresses: AddressSet;
  readonly gateways: readonly string[];
  readonly gatewayAddresses: readonly string[];
}

const nothing: Meaning = { addresses: noAddresses, gateways: [], gatewayAddresses: [] };

/** Reads one literal address, network or range; reports what is wrong with it. */
export function literalAddresses(context: Context, atom: Extract<SelectorAtom, { kind: 'address' | 'network' | 'range' }>): AddressSet | undefined {
  const bad = (word: Word): undefined => {
    context.report(
      modelCodes.badAddress,
      word.span,
      { text: word.text },
      { help: ['write an address (10.0.0.5, 2001:db8::5), a network (10.0.0.0/16) or a range (10.0.0.5-10.0.0.9)'] },
    );
  };
  if (atom.kind === 'address') {
    const address = parseAddress(atom.address.text);
    return address === undefined ? bad(atom.address) : addressSetOf(address);
  }
  if (atom.kind === 'network') {
    const prefix = parsePrefix(atom.network.text);
    if (prefix === undefined) return bad(atom.network);
    if (prefix.hostBits) {
      const network = formatRange(prefix.network);
      context.report(
        modelCodes.hostBitsSet,
        atom.network.span,
        { text: atom.network.text },
        {
          help: [`the network is ${network}; the address alone would be ${atom.network.text.split('/')[0] ?? ''}`],
          fix: { title: `write ${network}`, edits: [{ span: atom.network.span, text: network }] },
        },
      );
      return undefined;
    }
    return addressSet([prefix.network]);
  }
  const first = parseAddress(atom.first.text);
  const last = parseAddress(atom.last.text);
  if (first === undefined) return bad(atom.first);
  if (last === undefined) return bad(atom.last);
  if (first.family === 4 && last.family === 4 && first.value <= last.value) return addressSet([{ family: 4, first: first.value, last: last.value }]);
  if (first.family === 6 && last.family === 6 && first.value <= last.value) return addressSet([{ family: 6, first: first.value, last: last.value }]);
  if (first.family !== last.family) return bad({ text: `${atom.first.text}-${atom.last.text}`, span: atom.span });
  context.report(
    modelCodes.invertedRange,
    atom.span,
    { text: `${atom.first.text}-${atom.last.text}` },
    { help: [`write ${atom.last.text}-${atom.first.text}`] },
  );
  return undefined;
}

/** Groups within groups within groups: beyond this it is a mistake, and the stack has an end. */
const deepestGroups = 100;

export class SelectorResolver {
  readonly #context: Context;
  readonly #places: Places;
  readonly #groups = new Map<string, Meaning | 'open'>();
  /** Groups that are being resolved, innermost last. */
  readonly #open: string[] = [];
  readonly #levelReported = new Set<string>();
  readonly #uses = new Uses();
  #quiet = false;

  constructor(context: Context, places: Places) {
    this.#context = context;
    this.#places = places;
  }

  /** Undefined if any part of it was reported. */
  resolve(selector: Selector): ResolvedSelector | undefined {
    const meaning = this.#items(selector.items);
    if (meaning === undefined) return undefined;
    const { addresses, gateways, gatewayAddresses } = meaning;
    return { addresses, gateways, gatewayAddresses, text: this.#context.words(selector.span), span: selector.span };
  }

  /** The addresses of a declared group. */
  group(name: string): AddressSet | undefined {
    const declaration = this.#places.names.get(name);
    this.#quiet = true;
    const addresses = declaration?.kind === 'group' ? this.#named(declaration.name)?.addresses : undefined;
    this.#quiet = false;
    return addresses;
  }

  /** Names that some selector holds; hosts also by a trait or role. */
  get used(): ReadonlySet<string> {
    return this.#uses.named;
  }

  #items(items: readonly SelectorItem[]): Meaning | undefined {
    const meanings: Meaning[] = [];
    let broken = false;
    for (const item of items) {
      const meaning = this.#item(item);
      if (meaning === undefined) broken = true;
      else meanings.push(meaning);
    }
    if (broken) return undefined;
    const [only] = meanings;
    if (only !== undefined && meanings.length === 1) return only;
    return {
      addresses: unionAddresses(...meanings.map((meaning) => meaning.addresses)),
      gateways: [...new Set(meanings.flatMap((meaning) => meaning.gateways))].sort(),
      gatewayAddresses: [...new Set(meanings.flatMap((meaning) => meaning.gatewayAddresses))].sort(),
    };
  }

  #item(item: SelectorItem): Meaning | undefined {
    const base = this.#atom(item.base);
    if (item.except === undefined) return base;
    const except = this.#atom(item.except);
    if (base === undefined || except === undefined) return undefined;
    const addresses = subtractAddresses(base.addresses, except.addresses);
    if (isEmpty(addresses) && !isEmpty(base.addresses)) {
      this.#context.report(
        modelCodes.emptyExcept,
        item.span,
        { text: this.#context.words(item.span) },
        { help: ['the exception covers everything before it; leave the item out instead'] },
      );
      return undefined;
    }
    return { addresses, gateways: base.gateways.filter((name) => !except.gateways.includes(name)), gatewayAddresses: base.gatewayAddresses };
  }

  #atom(atom: SelectorAtom): Meaning | undefined {
    const { zones, hosts } = this.#places;
    switch (atom.kind) {
      case 'name':
        return this.#named(atom.name);
      case 'pattern':
        return this.#pattern(atom.pattern);
      case 'any':
        return plain(unionAddresses(...[...zones.values()].map((zone) => zone.addresses)));
      case 'rest':
        this.#context.report(
          modelCodes.restMisplaced,
          atom.span,
          { problem: 'stands only under `networks` of a zone' },
          { help: ['name the zone that has `networks rest`'] },
        );
        return undefined;
      case 'address':
      case 'network':
      case 'range': {
        const addresses = literalAddresses(this.#context, atom);
        if (addresses === undefined) return undefined;
        // A network that holds more than a gateway's addresses does not mean them.
        const owners = [...this.#places.gateways].filter(([, own]) => addressesWithin(addresses, own)).map(([name]) => name);
        return { addresses, gateways: [], gatewayAddresses: owners };
      }
      case 'level':
        return this.#level(atom.operator, atom.level);
      case 'zone-kind':
        if (!this.#known(atom.value, this.#places.zoneKinds, 'kind of zone')) return undefined;
        return plain(unionAddresses(...[...zones.values()].filter((zone) => zone.kind === atom.value.text).map((zone) => zone.addresses)));
      case 'trait':
        if (!this.#known(atom.value, this.#places.traits, 'trait')) return undefined;
        return this.#chosen([...hosts.values()].filter((host) => host.traits.includes(atom.value.text)));
      case 'role':
        if (!this.#known(atom.value, this.#places.roles, 'role')) return undefined;
        return this.#chosen([...hosts.values()].filter((host) => host.roles.includes(atom.value.text)));
      case 'braces':
        return this.#items(atom.items);
    }
  }

  #chosen(hosts: readonly Host[]): Meaning | undefined {
    for (const host of hosts) this.#uses.note(host.name);
    return plain(unionAddresses(...hosts.map((host) => host.addresses)));
  }

  #known(word: Word, known: readonly string[], what: string): boolean {
    if (known.includes(word.text)) return true;
    const found = nearest(word.text, known);
    this.#context.report(
      modelCodes.unknownWord,
      word.span,
      { what, word: word.text },
      { help: [found === undefined ? `known: ${known.join(', ')}` : `did you mean \`${found}\`?`] },
    );
    return false;
  }

  #level(operator: string, word: Word): Meaning | undefined {
    const wanted = Number(word.text);
    if (![0, 1, 2, 3, 3.5, 4, 5].includes(wanted)) {
      this.#context.report(modelCodes.unknownWord, word.span, { what: 'level', word: word.text }, { help: ['the Purdue levels are 0, 1, 2, 3, 3.5, 4 and 5'] });
      return undefined;
    }
    const compare: Readonly<Record<string, (level: number) => boolean>> = {
      '<=': (level) => level <= wanted,
      '<': (level) => level < wanted,
      '=': (level) => level === wanted,
      '>=': (level) => level >= wanted,
      '>': (level) => level > wanted,
    };
    const chosen: AddressSet[] = [];
    for (const zone of this.#places.zones.values()) {
      if (zone.level === undefined) {
        if (!this.#levelReported.has(zone.name) && !this.#places.brokenZones.has(zone.name)) {
          this.#levelReported.add(zone.name);
          this.#context.report(
            modelCodes.zoneWithoutLevel,
            zone.span,
            { zone: zone.name },
            { secondary: [{ span: word.span, label: 'compared here' }], help: ['give the zone its Purdue level, for example `level 3`'] },
          );
        }
      } else if (compare[operator]?.(zone.level) === true) {
        chosen.push(zone.addresses);
      }
    }
    return plain(unionAddresses(...chosen));
  }

  #named(name: Word): Meaning | undefined {
    if (this.#open.length > 0 || !this.#quiet) this.#uses.note(name.text);
    const declaration = this.#places.names.get(name.text);
    if (declaration === undefined) {
      if (this.#places.names.rejected.has(name.text)) return undefined;
      this.#context.report(
        modelCodes.unknownName,
        name.span,
        { name: name.text, expected: 'a zone, host, group or gateway' },
        { help: [this.#places.names.suggestion(name.text)] },
      );
      return undefined;
    }
    switch (declaration.kind) {
      case 'zone':
        return plain(this.#places.zones.get(name.text)?.addresses);
      case 'host':
        return plain(this.#places.hosts.get(name.text)?.addresses);
      case 'gateway':
        return { addresses: this.#places.gateways.get(name.text) ?? noAddresses, gateways: [name.text], gatewayAddresses: [] };
      case 'group': {
        const known = this.#groups.get(name.text);
        if (known === 'open') {
          this.#context.report(modelCodes.cycle, name.span, { kind: 'group', name: name.text }, { help: ['take the group out of its own members'] });
          return nothing;
        }
        if (known !== undefined) return known;
        if (this.#open.length >= deepestGroups) {
          this.#context.report(
            modelCodes.notYet,
            name.span,
            { what: `nesting groups more than ${deepestGroups} deep` },
            { help: ['name the members themselves'] },
          );
          return nothing;
        }
        this.#groups.set(name.text, 'open');
        this.#open.push(name.text);
        const meaning = this.#items(declaration.members) ?? nothing;
        this.#open.pop();
        this.#groups.set(name.text, meaning);
        return meaning;
      }
    }
  }

  #pattern(pattern: Word): Meaning | undefined {
    const names = [...this.#places.names.names()].filter((name) => matchesPattern(name, pattern.text) && name !== this.#open.at(-1));
    if (names.length === 0) {
      this.#context.report(
        modelCodes.unknownName,
        pattern.span,
        { name: pattern.text, expected: 'the beginning of some name' },
        { help: ['no zone, host, group or gateway has a name of this form'] },
      );
      return undefined;
    }
    return this.#items(
      names.map((name) => ({ base: { kind: 'name', name: { text: name, span: pattern.span }, span: pattern.span }, except: undefined, span: pattern.span })),
    );
  }
}

function plain(addresses: AddressSet | undefined): Meaning | undefined {
  return addresses === undefined ? nothing : { addresses, gateways: [], gatewayAddresses: [] };
}

/** `*` stands for any characters; linear, since only the last star is ever tried again. */
function matchesPattern(name: string, pattern: string): boolean {
  let i = 0;
  let j = 0;
  let star = -1;
  let resume = 0;
  while (i < name.length) {
    if (pattern[j] === '*') {
      star = j++;
      resume = i;
    } else if (pattern[j] === name[i]) {
      i++;
      j++;
    } else if (star >= 0) {
      j = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[j] === '*') j++;
  return j === pattern.length;
}
