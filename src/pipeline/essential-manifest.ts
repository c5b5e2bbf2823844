/**
 * Essential conversations as the manifest keeps them: addresses and messages written out, so that no later change of a
 * name or a declared service can change what was promised.
 */
import type { EssentialRecord } from '../analysis/essential-history.ts';
import { functionTables, sessionMessages } from '../catalogue/functions.ts';
import { allClasses } from '../catalogue/protocol.ts';
import { addressRanges, addressSet, type AddressSet } from '../net/address-set.ts';
import { type AddressRange, families, type Family, formatRange, parseAddress, parsePrefix } from '../net/address.ts';
import { classMessages, functionTable } from '../model/functions.ts';
import { canonical, type Range } from '../net/ranges.ts';
import {
  allFunctions,
  type Below,
  detailsIn,
  functionBox,
  type FunctionSet,
  isEveryFunction,
  lastUnit,
  type MessageBox,
  subtractFunctions,
  unionFunctions,
} from '../packets/function-set.ts';
import { familyServices, type FamilyServices, type ServiceSet, type ValueSegment } from '../packets/service-set.ts';

/** `functions` absent: all; by name, since numbers are a compile's own. A whole protocol has no `first` and `last`. */
export interface ManifestMessage {
  readonly family: Family;
  readonly protocol: number;
  readonly first?: number;
  readonly last?: number;
  readonly functions?: { readonly only: readonly string[] } | { readonly except: readonly string[] };
}

export interface ManifestEssential {
  readonly name: string;
  readonly gateway?: { readonly name: string; readonly direction: 'to' | 'from' };
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly messages: readonly ManifestMessage[];
  /** The messages are those of the called side. */
  readonly requests?: 'backward';
}

export function writeEssential(record: EssentialRecord): ManifestEssential {
  const messages = families.flatMap((family): ManifestMessage[] => {
    const { values, protocols } = familyServices(record.services, family);
    const ports = [...values].flatMap(([protocol, map]) =>
      map.map(({ first, last, functions }): ManifestMessage => {
        const whole = isEveryFunction(functions);
        return { family, protocol, first, last, ...(whole ? {} : { functions: functionNames(functions) }) };
      }),
    );
    return [...ports, ...protocols.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => ({ family, protocol: first + index })))];
  });
  return {
    name: record.name,
    ...(record.gateway === undefined ? {} : { gateway: record.gateway }),
    from: addressRanges(record.from).map(formatRange),
    to: addressRanges(record.to).map(formatRange),
    messages,
    ...(record.backward === true ? { requests: 'backward' as const } : {}),
  };
}

/** Undefined if the manifest's list is not one of ours: it was edited, or another version wrote it. */
export function readEssential(list: unknown): EssentialRecord[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const records = list.map(readRecord);
  return records.every((record) => record !== undefined) ? records : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readRecord(value: unknown): EssentialRecord | undefined {
  if (!isRecord(value) || typeof value['name'] !== 'string' || !Array.isArray(value['messages'])) return undefined;
  const [from, to] = [readAddresses(value['from']), readAddresses(value['to'])];
  const services = readMessages(value['messages']);
  if (from === undefined || to === undefined || services === undefined) return undefined;
  const { gateway, requests } = value;
  if (requests !== undefined && requests !== 'backward') return undefined;
  if (gateway === undefined)
    return { name: value['name'], gateway: undefined, from, to, services, ...(requests === 'backward' ? { backward: true as const } : {}) };
  if (!isRecord(gateway) || typeof gateway['name'] !== 'string' || (gateway['direction'] !== 'to' && gateway['direction'] !== 'from')) return undefined;
  return { name: value['name'], gateway: { name: gateway['name'], direction: gateway['direction'] }, from, to, services };
}

function readAddresses(list: unknown): AddressSet | undefined {
  if (!Array.isArray(list)) return undefined;
  const ranges = list.map((text: unknown) => (typeof text === 'string' ? readRange(text) : undefined));
  return ranges.every((range) => range !== undefined) ? addressSet(ranges) : undefined;
}

/** What `formatRange` writes. */
function readRange(text: string): AddressRange | undefined {
  if (text.includes('/')) return parsePrefix(text)?.network;
  const [first, last = first] = text.split('-').map(parseAddress);
  if (first?.family === 4 && last?.family === 4) return { family: 4, first: first.value, last: last.value };
  if (first?.family === 6 && last?.family === 6) return { family: 6, first: first.value, last: last.value };
  return undefined;
}

function readMessages(list: readonly unknown[]): ServiceSet | undefined {
  const parts: Record<Family, { values: Map<number, ValueSegment[]>; protocols: { first: number; last: number }[] }> = {
    4: { values: new Map(), protocols: [] },
    6: { values: new Map(), protocols: [] },
  };
  const number = (value: unknown, last: number): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= last;
  for (const one of list) {
    if (!isRecord(one) || (one['family'] !== 4 && one['family'] !== 6) || !number(one['protocol'], 255)) return undefined;
    const { protocol, first, last, functions } = one;
    const part = parts[one['family']];
    if (first === undefined) {
      part.protocols.push({ first: protocol, last: protocol });
      continue;
    }
    if (!number(first, 0xffff) || !number(last, 0xffff) || first > last) return undefined;
    const ranges = functions === undefined ? allFunctions : readFunctions(functions);
    if (ranges === undefined) return undefined;
    part.values.set(protocol, [...(part.values.get(protocol) ?? []), { first, last, functions: ranges }]);
  }
  const of = (family: Family): FamilyServices => ({
    values: new Map([...parts[family].values].map(([protocol, map]) => [protocol, map.toSorted((a, b) => a.first - b.first)])),
    protocols: canonical(parts[family].protocols),
  });
  return { v4: of(4), v6: of(6) };
}

/**
 * `none`, `other`, `modbus read-coils`, `modbus read-coils unit 3-3 first 100-200 last 0-200` for some of its messages; a set that holds *other*
 * is said by what it leaves out.
 */
function functionNames(functions: FunctionSet): NonNullable<ManifestMessage['functions']> {
  if (functionTable.hasOther(functions)) return { except: namesOf(subtractFunctions(allFunctions, functions)) };
  return { only: namesOf(functions) };
}

function namesOf(functions: FunctionSet): string[] {
  const named = functionTable
    .among(functions)
    .flatMap((one) => detailTexts(detailsIn(functions, functionTable.number(one)), 0).map((details) => `${one.protocol} ${one.name}${details}`));
  return functionTable.hasNone(functions) ? ['none', ...named] : named;
}

const detailWords = ['unit', 'first', 'last'] as const;

/** One text for each box of details; an empty one for all. */
function detailTexts(below: Below, depth: number): readonly string[] {
  if (below === 'all') return [''];
  return below.flatMap(({ low, high, below: rest }) => detailTexts(rest, depth + 1).map((text) => ` ${detailWords[depth] ?? ''} ${low}-${high}${text}`));
}

/** What `detailTexts` writes; undefined for anything else. */
function readDetails(words: readonly string[]): MessageBox | undefined {
  const most = { unit: lastUnit, first: 0xffff, last: 0x1ffff } as const;
  const found: Partial<Record<(typeof detailWords)[number], Range<number>>> = {};
  for (let at = 0; at < words.length; at += 2) {
    const name = detailWords.find((one) => one === words[at]);
    const [, first, last] = /^(\d{1,6})-(\d{1,6})$/u.exec(words[at + 1] ?? '') ?? [];
    if (name === undefined || first === undefined || last === undefined || found[name] !== undefined) return undefined;
    const range = { first: Number(first), last: Number(last) };
    if (range.first > range.last || range.last > most[name]) return undefined;
    found[name] = range;
  }
  return { units: found.unit, first: found.first, last: found.last };
}

function readFunctions(value: unknown): FunctionSet | undefined {
  if (!isRecord(value)) return undefined;
  const only = readNames(value['only']);
  if (only !== undefined) return only;
  const except = readNames(value['except']);
  return except === undefined ? undefined : subtractFunctions(allFunctions, except);
}

function readNames(list: unknown): FunctionSet | undefined {
  if (!Array.isArray(list)) return undefined;
  const sets = list.map((name: unknown) => (typeof name === 'string' ? messagesOf(name) : undefined));
  return sets.every((set) => set !== undefined) ? unionFunctions(...sets) : undefined;
}

/** Undefined for a name that this version does not know. Older versions wrote classes, `modbus read` and `modbus session`. */
function messagesOf(name: string): FunctionSet | undefined {
  if (name === 'none') return functionTable.none;
  if (name === 'other') return functionTable.other;
  const [protocol = '', word = '', ...rest] = name.split(' ');
  const own = functionTables.get(protocol)?.functions;
  if (own === undefined) return undefined;
  const one = own.filter((candidate) => candidate.name === word);
  const details = readDetails(rest);
  if (details === undefined) return undefined;
  if (one.length > 0) return unionFunctions(...one.map((each) => functionBox(functionTable.number(each), details)));
  if (rest.length > 0) return undefined;
  if (word === 'session') return functionTable.set((['tcp', 'udp'] as const).flatMap((transport) => sessionMessages(protocol, transport)));
  const found = allClasses.find((candidate) => candidate === word);
  return found === undefined ? undefined : classMessages(protocol, found);
}
