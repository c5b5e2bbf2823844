/**
 * The functions that a service names: from words and codes to messages of the catalogue.
 *
 * Takes what stands behind a protocol's name (`read`, `function 3`, `read-coils`, `stream 2 function 41`), gives the
 * functions meant, or a diagnostic at the word. A number means the functions that have it, whatever follows it in the
 * message; where two layers of a protocol use the number, only names will do. Every function of the catalogue has its
 * number in `functionTable`, used or not: sets of two policies, of a manifest and of a question then mean the same.
 */
import { nearest } from '../base/nearest.ts';
import type { Span } from '../base/source.ts';
import { catalogue } from '../catalogue/catalogue.ts';
import type { FunctionCode, ProtocolFunction } from '../catalogue/function.ts';
import { functionsNamed, functionsOfClass, functionTables, sessionMessages } from '../catalogue/functions.ts';
import { addressesOf, hasUnits } from '../catalogue/frames.ts';
import { allClasses, type FunctionClass, type Protocol, type TransportProtocol } from '../catalogue/protocol.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import type { Range } from '../net/ranges.ts';
import { functionBox, lastDataAddress, lastUnit, subtractFunctions, unionFunctions } from '../packets/function-set.ts';
import { allFunctions, type FunctionSet, FunctionTable } from '../packets/functions.ts';
import type { FunctionSpec, Qualifier, ServiceAtom, Word } from '../syntax/ast.ts';
import type { Context } from './context.ts';

type NamedAtom = Extract<ServiceAtom, { kind: 'named' }>;

/**
 * What functions mean where they stand (rule 8). `allow`, and after `except`: with `none` and the session messages;
 * `deny`: with *other*, since what is not recognised may be one of them, and with what belongs to protocols of other ports; `exact`: the named messages alone.
 * `never`: these, too, where they must not pass. A range of addresses means what stays within it, and in `deny` and `never` what touches it.
 */
export type FunctionReading = 'allow' | 'deny' | 'exact' | 'never';

/** Units and addresses that are named behind functions; absent: all. */
export interface Narrowing {
  readonly units?: Range<number>;
  readonly addresses?: Range<number>;
}

export const functionTable: FunctionTable<ProtocolFunction> = new FunctionTable([...functionTables.values()].flatMap((table) => table.functions));

const classSets = new Map<string, FunctionSet>();

/** The messages of a class. */
export function classMessages(protocol: string, name: FunctionClass): FunctionSet {
  const key = `${protocol} ${name}`;
  const known = classSets.get(key) ?? functionTable.set(functionsOfClass(protocol, name));
  classSets.set(key, known);
  return known;
}

/** The messages that functions of a protocol mean on a transport. */
export function messagesMeant(
  protocol: string,
  functions: readonly ProtocolFunction[],
  reading: FunctionReading,
  transport: TransportProtocol,
  narrowing: Narrowing = {},
): FunctionSet {
  const plain = narrowing.units === undefined && narrowing.addresses === undefined;
  const touching = reading === 'deny' || reading === 'never';
  const named = plain ? functionTable.set(functions) : unionFunctions(...functions.map((one) => messagesOf(one, narrowing, touching)));
  if (reading === 'exact' || reading === 'never') return named;
  if (reading === 'deny') return subtractFunctions(allFunctions, unionFunctions(functionTable.none, subtractFunctions(messagesAt(protocol), named)));
  return unionFunctions(named, functionTable.none, functionTable.set(sessionMessages(protocol, transport)));
}

/** The messages of a function to some units, and within some addresses, or `touching` them; none if they name no addresses. */
function messagesOf(one: ProtocolFunction, { units, addresses }: Narrowing, touching: boolean): FunctionSet {
  const number = functionTable.number(one);
  if (addresses === undefined) return functionBox(number, { units });
  const named = addressesOf(one);
  if (named === undefined) return [];
  // That of a single address is its first and its last one.
  if (named === 'one') return functionBox(number, { units, first: addresses });
  const within = (first: number, last: number): FunctionSet =>
    first > last ? [] : functionBox(number, { units, first: { first, last }, last: { first: 0, last } });
  if (!touching) return within(addresses.first, addresses.last);
  // What lies wholly below or wholly above, as messages do that say no nonsense, touches nothing of it.
  const beside = unionFunctions(within(0, addresses.first - 1), within(addresses.last + 1, lastDataAddress));
  return subtractFunctions(functionBox(number, { units }), beside);
}

const messages = new Map<string, FunctionSet>();

/**
 * Every function that a message to a port of the protocol can have: its own, and those of protocols that share the port. The rest is *other* there,
 * and so is what carries other messages, since it may carry those that are meant.
 */
function messagesAt(protocol: string): FunctionSet {
  const ports = catalogue.get(protocol)?.transports ?? [];
  const shares = (other: Protocol): boolean =>
    other.transports.some((theirs) => ports.some((own) => own.protocol === theirs.protocol && own.first <= theirs.last && theirs.first <= own.last));
  const known =
    messages.get(protocol) ??
    functionTable.set(
      [...catalogue.values()].flatMap((other) => (other.name === protocol || shares(other) ? functionsNamed(other.name).filter((one) => !one.container) : [])),
    );
  messages.set(protocol, known);
  return known;
}

/** Qualifiers that look at a stream or a group of functions, with the protocols that have these. */
const narrowing: Readonly<Record<string, readonly string[]>> = { stream: ['hsms'], group: ['s7comm'] };
/** Qualifiers that need more of a message than its function, with the protocols that have these; any, if empty. */
const deeper: Readonly<Record<string, readonly string[]>> = { group: ['dnp3'], variation: [] };

/** Functions that a service names, and of their messages perhaps only some. */
export interface FunctionsMeant {
  readonly functions: readonly ProtocolFunction[];
  readonly narrowing: Narrowing;
}

/** Undefined if a mistake was reported; `all` if neither functions nor units or addresses are named. */
export function resolveFunctions(context: Context, atom: NamedAtom, protocol: Protocol): 'all' | FunctionsMeant | undefined {
  const outer: Qualifier[] = [];
  const details = new Map<string, Qualifier>();
  for (const qualifier of atom.qualifiers) {
    const name = qualifier.keyword.text;
    const earlier = details.get(name);
    if (name !== 'unit' && name !== 'address') outer.push(qualifier);
    else if (earlier === undefined) details.set(name, qualifier);
    else {
      const secondary = [{ span: earlier.keyword.span, label: 'first here' }];
      const help = [`write a service for each: \`${protocol.name} … ${context.words(earlier.span)}, ${protocol.name} … ${context.words(qualifier.span)}\``];
      context.report(modelCodes.repeatedProperty, qualifier.keyword.span, { property: name, owner: `service \`${protocol.name}\`` }, { secondary, help });
      return undefined;
    }
  }
  const narrowing = narrowingOf(context, details, protocol);
  const functions = namedFunctions(context, atom, protocol, outer, details.size > 0);
  if (narrowing === undefined || functions === undefined) return undefined;
  if (functions === 'all') return 'all';
  if (narrowing.addresses === undefined) return { functions, narrowing };
  const addressed = functions.filter((one) => addressesOf(one) !== undefined);
  if (addressed.length > 0) return { functions: addressed, narrowing };
  const qualifier = details.get('address');
  const which = functionsNamed(protocol.name).filter((one) => addressesOf(one) !== undefined);
  context.report(
    modelCodes.noAddresses,
    qualifier?.span ?? atom.span,
    { what: context.words({ ...atom.span, end: qualifier?.span.start ?? atom.span.end }).trim() },
    { help: [`take \`address\` away; of ${protocol.name}, addresses are named by ${which.map((one) => one.name).join(', ')}`] },
  );
  return undefined;
}

/** The units and addresses that qualifiers name; undefined if a mistake was reported. */
function narrowingOf(context: Context, details: ReadonlyMap<string, Qualifier>, protocol: Protocol): Narrowing | undefined {
  const ranges = new Map<string, Range<number>>();
  for (const [name, qualifier] of details) {
    const { first, last, keyword, span } = qualifier;
    if (!hasUnits(protocol.name)) {
      reportUnknownProperty(context, keyword, protocol, `its messages name no ${name} that a gateway could look for; those of modbus do`);
      return undefined;
    }
    const most = name === 'unit' ? lastUnit : lastDataAddress;
    const low = functionNumber(context, first, name, most);
    const high = last.span.start === first.span.start ? low : functionNumber(context, last, name, most);
    if (low === undefined || high === undefined) return undefined;
    if (low > high) {
      context.report(modelCodes.invertedRange, span, { text: `${first.text}-${last.text}` }, { help: [`write ${last.text}-${first.text}`] });
      return undefined;
    }
    ranges.set(name, { first: low, last: high });
  }
  const [units, addresses] = [ranges.get('unit'), ranges.get('address')];
  return { ...(units === undefined ? {} : { units }), ...(addresses === undefined ? {} : { addresses }) };
}

function namedFunctions(
  context: Context,
  atom: NamedAtom,
  protocol: Protocol,
  outer: readonly Qualifier[],
  narrows: boolean,
): 'all' | readonly ProtocolFunction[] | undefined {
  const places: Place[] = [];
  for (const qualifier of outer) {
    const place = narrowed(context, qualifier, protocol);
    if (place === undefined) return undefined;
    places.push(place);
  }
  if (atom.functions === undefined && places.length === 0 && !narrows) return 'all';
  const found = new Set<ProtocolFunction>();
  if (atom.functions === undefined) for (const one of functionsNamed(protocol.name)) if (isWithin(one, places)) found.add(one);
  let broken = atom.functions?.length === 0;
  for (const spec of atom.functions ?? []) {
    const meant = spec.kind === 'code' ? byCode(context, spec, protocol, places) : byName(context, spec, protocol, places);
    if (meant === undefined) broken = true;
    else for (const one of meant) found.add(one);
  }
  if (broken) return undefined;
  if (found.size > 0) return [...found];
  const span = atom.qualifiers[0]?.span ?? atom.span;
  reportUnknown(context, span, protocol, `function in \`${context.words(span)}\``, undefined);
  return undefined;
}

/** Streams or groups, both ends included. */
interface Place {
  readonly first: number;
  readonly last: number;
}

function isWithin(one: ProtocolFunction, places: readonly Place[]): boolean {
  return places.every((place) => one.codes.some((code) => isCodeWithin(one, code, place)));
}

function isCodeWithin({ layer }: ProtocolFunction, { number }: FunctionCode, { first, last }: Place): boolean {
  if (number === undefined || (layer.by !== 'stream' && layer.by !== 'group')) return false;
  const group = layer.by === 'stream' ? number >> 8 : number;
  return first <= group && group <= last;
}

function narrowed(context: Context, { keyword, first, last, span }: Qualifier, protocol: Protocol): Place | undefined {
  if (narrowing[keyword.text]?.includes(protocol.name) === true) {
    const numbers = [first, last].map((word) => functionNumber(context, word, keyword.text, 255));
    const [low, high] = numbers;
    return low === undefined || high === undefined ? undefined : { first: low, last: high };
  }
  const protocols = deeper[keyword.text];
  if (protocols !== undefined && (protocols.length === 0 || protocols.includes(protocol.name))) {
    context.report(
      modelCodes.notYet,
      span,
      { what: `\`${keyword.text}\` of a protocol` },
      { notes: ['it looks deeper into a message than its function'], help: ['name functions without it'] },
    );
  } else {
    reportUnknownProperty(context, keyword, protocol);
  }
  return undefined;
}

function reportUnknownProperty(context: Context, keyword: Word, protocol: Protocol, why?: string): void {
  context.report(
    modelCodes.unknownWord,
    keyword.span,
    { what: `property of ${protocol.name}`, word: keyword.text },
    { help: [why ?? `its functions are named by class, name or code; \`zonewright protocols ${protocol.name}\` lists them`] },
  );
}

function functionNumber(context: Context, word: Word, what: string, last: number): number | undefined {
  const number = /^(0x[0-9a-f]{1,8}|\d{1,9})$/iu.test(word.text) ? Number(word.text) : Number.NaN;
  if (number >= 0 && number <= last) return number;
  context.report(modelCodes.numberOutOfRange, word.span, { what, text: word.text, first: '0', last: String(last) }, { help: [numberHelp.get(what)] });
  return undefined;
}

/** By what is named: what may have been meant. */
const numberHelp: ReadonlyMap<string, string> = new Map([
  ['unit', 'a message names its unit in one byte; leave `unit` out to mean every unit'],
  ['address', 'addresses are those in the message, from 0: what manuals call holding register 40101 or 400101 is address 100'],
]);

function byName(
  context: Context,
  spec: Exclude<FunctionSpec, { kind: 'code' }>,
  protocol: Protocol,
  places: readonly Place[],
): readonly ProtocolFunction[] | undefined {
  const text = spec.name.text;
  const ofClass = protocol.functions.find((name) => spec.kind === 'class' && name === text);
  if (ofClass !== undefined) return functionsOfClass(protocol.name, ofClass).filter((one) => isWithin(one, places));
  const named = functionsNamed(protocol.name).filter((one) => isCalled(one, text) && isWithin(one, places));
  if (named.length > 0) return named;
  reportUnknown(context, spec.span, protocol, `function or class \`${text}\``, text);
  return undefined;
}

/** Whether the word is the function's name, the standard's for it, or its stream and function (`S2F41`). */
function isCalled(one: ProtocolFunction, text: string): boolean {
  if (one.name === text) return true;
  if (one.layer.by === 'stream' && one.codes.some((code) => code.text === text.toUpperCase())) return true;
  const plain = plainWords(text);
  return plain === one.name || (one.also !== undefined && plain === plainWords(one.also));
}

/** `Read Holding Registers` → `read-holding-registers`. */
function plainWords(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .replaceAll(/^-|-$/gu, '');
}

function byCode(
  context: Context,
  spec: Extract<FunctionSpec, { kind: 'code' }>,
  protocol: Protocol,
  outer: readonly Place[],
): readonly ProtocolFunction[] | undefined {
  const number = functionNumber(context, spec.code, 'function code', 0xffff);
  const place = spec.within === undefined ? undefined : narrowed(context, spec.within, protocol);
  if (number === undefined || (spec.within !== undefined && place === undefined)) return undefined;
  const places = place === undefined ? outer : [...outer, place];
  // In a layer of streams or groups a number says nothing unless one of these stands with it.
  const has = (one: ProtocolFunction, code: FunctionCode): boolean => {
    if (one.layer.by === 'name' || code.number === undefined) return false;
    if (one.layer.by === 'function') return places.length === 0 && code.number === number;
    const within = places.length > 0 && places.every((each) => isCodeWithin(one, code, each));
    return within && (one.layer.by === 'stream' ? code.number & 0xff : code.sub) === number;
  };
  const own = functionTables.get(protocol.name)?.functions ?? [];
  const meant = own.filter((one) => one.codes.some((code) => has(one, code)));
  const [first] = meant;
  if (first === undefined) {
    const placed = places.length > 0 ? undefined : own.find((one) => one.layer.by === 'stream');
    const example = placed === undefined ? undefined : `stream ${(placed.codes[0]?.number ?? 0) >> 8} function ${(placed.codes[0]?.number ?? 0) & 0xff}`;
    const where = spec.within === undefined ? '' : ` in ${spec.within.keyword.text} ${spec.within.first.text}`;
    reportUnknown(context, spec.span, protocol, `function ${spec.code.text}${where}`, undefined, example);
    return undefined;
  }
  if (meant.every((one) => one.layer.name === first.layer.name)) return meant;
  const names = meant.map((one) => `\`${one.name}\``);
  context.report(
    modelCodes.ambiguousFunction,
    spec.span,
    { protocol: protocol.name, code: spec.code.text, names: `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}` },
    { help: [`write its name, for example \`${protocol.name} ${first.name}\``] },
  );
  return undefined;
}

function reportUnknown(context: Context, span: Span, protocol: Protocol, what: string, word: string | undefined, example?: string): void {
  const functions = functionsNamed(protocol.name);
  const suggestion =
    word === undefined || allClasses.some((name) => name === word) ? undefined : nearest(word, [...protocol.functions, ...functions.map((one) => one.name)]);
  const help =
    functions.length === 0
      ? 'its functions cannot be told apart; name the protocol alone'
      : example !== undefined
        ? `its functions are named with where they stand: \`${protocol.name} ${example}\``
        : suggestion === undefined
          ? `its classes are ${protocol.functions.join(', ')}; \`zonewright protocols ${protocol.name}\` lists their functions`
          : `did you mean \`${suggestion}\`?`;
  context.report(modelCodes.unknownFunction, span, { what, protocol: protocol.name }, { help: [help] });
}
