/**
 * Zones and hosts: networks to disjoint address sets, hosts to addresses inside their zone.
 *
 * `networks rest` is computed last, from what the others claim; addresses that lie in no zone by standard are taken
 * out of every zone.
 */
import { nearest } from '../base/nearest.ts';
import type { Span } from '../base/source.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { formatAddress, parseAddress } from '../net/address.ts';
import {
  type AddressSet,
  addressSetOf,
  allAddresses,
  containsAddress,
  isEmpty,
  noAddresses,
  subtractAddresses,
  unionAddresses,
  zonelessAddresses,
} from '../net/address-set.ts';
import type { Declaration, SelectorAtom, Word } from '../syntax/ast.ts';
import { type Context, PropertyReader } from './context.ts';
import { type Host, type Zone, zoneKinds } from './model.ts';
import { literalAddresses } from './selectors.ts';
import { purdueLevels } from './vocabulary.ts';

type ZoneDecl = Extract<Declaration, { kind: 'zone' }>;
type HostDecl = Extract<Declaration, { kind: 'host' }>;

interface Draft {
  readonly zone: Omit<Zone, 'addresses'>;
  readonly claimed: AddressSet;
  /** What `rest except …` leaves out; undefined if the zone is not the rest. */
  readonly restExcept: AddressSet | undefined;
  /** Each network with its place, for overlaps. */
  readonly networks: readonly { readonly addresses: AddressSet; readonly span: Span }[];
}

/** `broken`: zones in whose declaration something was reported. */
export function resolveZones(context: Context, declarations: readonly ZoneDecl[]): { zones: Map<string, Zone>; broken: Set<string> } {
  const broken = new Set<string>();
  const drafts = declarations.map((declaration) => {
    const before = context.diagnostics.length;
    const draft = draftZone(context, declaration);
    if (context.diagnostics.length > before) broken.add(declaration.name.text);
    return draft;
  });
  reportOverlaps(context, drafts);
  const claimed = unionAddresses(...drafts.map((draft) => draft.claimed));
  const zones = new Map<string, Zone>();
  let rest: Draft | undefined;
  for (const draft of drafts) {
    let addresses = subtractAddresses(draft.claimed, zonelessAddresses);
    if (draft.restExcept !== undefined) {
      if (rest !== undefined) {
        context.report(
          modelCodes.restMisplaced,
          draft.zone.span,
          { problem: 'stands in two zones' },
          {
            secondary: [{ span: rest.zone.span, label: 'the first zone with `networks rest`' }],
            help: ['only one zone can be everything else'],
          },
        );
      } else {
        rest = draft;
        addresses = unionAddresses(
          addresses,
          subtractAddresses(subtractAddresses(subtractAddresses(allAddresses, claimed), zonelessAddresses), draft.restExcept),
        );
      }
    }
    zones.set(draft.zone.name, { ...draft.zone, addresses });
  }
  return { zones, broken };
}

function draftZone(context: Context, declaration: ZoneDecl): Draft {
  const owner = `zone \`${declaration.name.text}\``;
  const read = new PropertyReader(context, declaration.properties, owner, ['networks']);
  const kindWord = read.word('kind');
  const kind = kindWord === undefined ? undefined : oneOf(context, kindWord, zoneKinds, 'kind of zone');
  const level = levelOf(context, read.word('level')) ?? (kind === 'untrusted' ? 5 : undefined);
  const security = read.word('security-level');
  let securityLevel: number | undefined;
  if (security !== undefined) {
    if (/^[0-4]$/u.test(security.text)) securityLevel = Number(security.text);
    else context.report(modelCodes.numberOutOfRange, security.span, { what: 'security level', text: security.text, first: '0', last: '4' });
  }
  const networks: { addresses: AddressSet; span: Span }[] = [];
  let restExcept: AddressSet | undefined;
  const clauses = read.all('networks', 'selector');
  if (clauses.length === 0) {
    context.report(
      modelCodes.missingProperty,
      declaration.name.span,
      { owner, property: 'networks' },
      { help: ['list its networks, for example `networks 10.0.0.0/16`, or `networks rest`'] },
    );
  }
  for (const clause of clauses) {
    for (const item of clause.value.items) {
      const except = item.except === undefined ? noAddresses : networkAddresses(context, item.except);
      if (except === undefined) continue;
      if (item.base.kind === 'rest') {
        restExcept = except;
        continue;
      }
      const base = networkAddresses(context, item.base);
      if (base === undefined) continue;
      if (!isEmpty(base) && isEmpty(subtractAddresses(base, zonelessAddresses))) {
        context.report(
          modelCodes.zonelessNetwork,
          item.base.span,
          { text: context.words(item.base.span) },
          {
            notes: ['loopback, link-local, multicast, broadcast and unspecified addresses lie in no zone'],
            help: ['leave it out'],
          },
        );
        continue;
      }
      const addresses = subtractAddresses(base, except);
      if (isEmpty(addresses)) {
        context.report(
          modelCodes.emptyExcept,
          item.span,
          { text: context.words(item.span) },
          { help: ['the exception covers the whole network; leave the item out instead'] },
        );
        continue;
      }
      networks.push({ addresses, span: item.span });
    }
  }
  return {
    zone: {
      name: declaration.name.text,
      label: declaration.label?.text ?? read.text('label'),
      level,
      kind,
      securityLevel,
      rest: restExcept !== undefined,
      span: declaration.name.span,
    },
    claimed: unionAddresses(...networks.map((network) => network.addresses)),
    restExcept,
    networks,
  };
}

function networkAddresses(context: Context, atom: SelectorAtom): AddressSet | undefined {
  switch (atom.kind) {
    case 'address':
    case 'network':
    case 'range':
      return literalAddresses(context, atom);
    case 'braces': {
      const sets = atom.items.map((item) => {
        if (item.except === undefined) return networkAddresses(context, item.base);
        const base = networkAddresses(context, item.base);
        const except = networkAddresses(context, item.except);
        return base === undefined || except === undefined ? undefined : subtractAddresses(base, except);
      });
      const whole = sets.filter((set) => set !== undefined);
      return whole.length < sets.length ? undefined : unionAddresses(...whole);
    }
    default: {
      const text = context.words(atom.span);
      if (atom.kind === 'rest') context.report(modelCodes.restMisplaced, atom.span, { problem: 'cannot be an exception' });
      else context.report(modelCodes.badAddress, atom.span, { text }, { help: ['under `networks` only addresses, networks, ranges and `rest` stand'] });
      return undefined;
    }
  }
}

/** Finds overlaps by one sweep over all ranges, so that thousands of zones cost no pairwise check. */
function reportOverlaps(context: Context, drafts: readonly Draft[]): void {
  const seen = new Set<string>();
  for (const family of ['v4', 'v6'] as const) {
    const ranges = drafts.flatMap((draft) =>
      draft.networks.flatMap((network) =>
        (network.addresses[family] as readonly { first: number | bigint; last: number | bigint }[]).map(({ first, last }) => ({
          first,
          last,
          draft,
          span: network.span,
        })),
      ),
    );
    ranges.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    let widest: (typeof ranges)[number] | undefined;
    for (const range of ranges) {
      if (widest !== undefined && range.first <= widest.last && range.draft !== widest.draft) {
        const [earlier, later] =
          widest.draft.zone.span.start <= range.draft.zone.span.start || widest.span.file !== range.span.file ? [widest, range] : [range, widest];
        const key = `${earlier.draft.zone.name} ${later.draft.zone.name}`;
        if (!seen.has(key)) {
          seen.add(key);
          const address = typeof range.first === 'number' ? formatAddress({ family: 4, value: range.first }) : formatAddress({ family: 6, value: range.first });
          context.report(
            modelCodes.zoneOverlap,
            later.span,
            { first: earlier.draft.zone.name, second: later.draft.zone.name, address },
            {
              secondary: [{ span: earlier.span, label: `claimed by \`${earlier.draft.zone.name}\` here` }],
              help: [`take it out of one of them, for example with \`except\``],
            },
          );
        }
      }
      if (widest === undefined || range.last > widest.last) widest = range;
    }
  }
}

export function resolveHosts(
  context: Context,
  declarations: readonly HostDecl[],
  zones: ReadonlyMap<string, Zone>,
  brokenZones: ReadonlySet<string>,
  zoneExists: (word: Word) => Zone | undefined,
  traits: readonly string[],
  roles: readonly string[],
): Map<string, Host> {
  const hosts = new Map<string, Host>();
  const owners = new Map<string, HostDecl>();
  for (const declaration of declarations) {
    const owner = `host \`${declaration.name.text}\``;
    const read = new PropertyReader(context, declaration.properties, owner, ['traits', 'role', 'trait']);
    const zone = zones.get(declaration.zone.text) ?? zoneExists(declaration.zone);
    const clause = read.of('address', 'addresses');
    const sets: AddressSet[] = [];
    if (clause === undefined)
      context.report(
        modelCodes.missingProperty,
        declaration.name.span,
        { owner, property: 'address' },
        { help: ['give it one, for example `address 10.0.0.5`'] },
      );
    for (const word of clause?.values ?? []) {
      const address = parseAddress(word.text);
      if (address === undefined) {
        context.report(
          modelCodes.badAddress,
          word.span,
          { text: word.text },
          { help: ['a host has single addresses; a network is a zone, or stands in a group'] },
        );
        continue;
      }
      const text = formatAddress(address);
      const other = owners.get(text);
      if (other !== undefined) {
        context.report(
          modelCodes.addressTwice,
          word.span,
          { address: text, first: other.name.text, second: declaration.name.text },
          {
            secondary: [{ span: other.name.span, label: 'the host that has it already' }],
            help: ['one address belongs to one host'],
          },
        );
        continue;
      }
      owners.set(text, declaration);
      if (zone !== undefined && !containsAddress(zone.addresses, address) && !brokenZones.has(zone.name)) {
        const right = [...zones.values()].find((candidate) => containsAddress(candidate.addresses, address));
        context.report(
          modelCodes.hostOutsideZone,
          word.span,
          { host: declaration.name.text, zone: zone.name, address: text },
          {
            secondary: [{ span: zone.span, label: 'the zone' }],
            help: [right === undefined ? 'no zone holds this address' : `zone \`${right.name}\` holds this address`],
          },
        );
        continue;
      }
      sets.push(addressSetOf(address));
    }
    const check = (words: readonly Word[], known: readonly string[], what: string): string[] =>
      words.filter((word) => oneOf(context, word, known, what) !== undefined).map((word) => word.text);
    hosts.set(declaration.name.text, {
      name: declaration.name.text,
      label: declaration.label?.text ?? read.text('label'),
      zone: zone?.name ?? declaration.zone.text,
      addresses: unionAddresses(...sets),
      roles: check(
        read.all('role', 'names').flatMap((property) => property.values),
        roles,
        'role',
      ),
      traits: check(
        [...read.all('traits', 'names'), ...read.all('trait', 'names')].flatMap((property) => property.values),
        traits,
        'trait',
      ),
      asset: read.text('asset'),
      span: declaration.name.span,
    });
  }
  return hosts;
}

/** The word as one of a closed list; reports an unknown one with the nearest match. */
export function oneOf<Known extends string>(context: Context, word: Word, known: readonly Known[], what: string): Known | undefined {
  const found = known.find((candidate) => candidate === word.text);
  if (found !== undefined) return found;
  const suggestion = nearest(word.text, known);
  context.report(
    modelCodes.unknownWord,
    word.span,
    { what, word: word.text },
    { help: [suggestion === undefined ? `known: ${known.join(', ')}` : `did you mean \`${suggestion}\`?`] },
  );
  return undefined;
}

function levelOf(context: Context, word: Word | undefined): number | undefined {
  if (word === undefined) return undefined;
  const level = purdueLevels.find((candidate) => String(candidate) === word.text);
  if (level === undefined)
    context.report(modelCodes.unknownWord, word.span, { what: 'level', word: word.text }, { help: ['the Purdue levels are 0, 1, 2, 3, 3.5, 4 and 5'] });
  return level;
}
