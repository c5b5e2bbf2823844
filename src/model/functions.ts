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
import { allClasses, type FunctionClass, type Protocol, type TransportProtocol } from '../catalogue/protocol.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { subtractRanges, unionRanges } from '../net/ranges.ts';
import { allFunctions, type FunctionSet, FunctionTable } from '../packets/functions.ts';
import type { FunctionSpec, Qualifier, ServiceAtom, Word } from '../syntax/ast.ts';
import type { Context } from './context.ts';

type NamedAtom = Extract<ServiceAtom, { kind: 'named' }>;

/**
 * What functions mean where they stand (rule 8). `allow`, and after `except`: with `none` and the session messages;
 * `deny`: with *other*, since what is not recognised may be one of them, and with what belongs to protocols of other ports; `exact`: the named messages alone.
 */
export type FunctionReading = 'allow' | 'deny' | 'exact';

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
export function messagesMeant(protocol: string, functions: readonly ProtocolFunction[], reading: FunctionReading, transport: TransportProtocol): FunctionSet {
  const named = functionTable.set(functions);
  if (reading === 'exact') return named;
  if (reading === 'deny') return subtractRanges<number>(allFunctions, unionRanges(functionTable.none, subtractRanges(messagesAt(protocol), named)));
  return unionRanges(named, unionRanges(functionTable.none, functionTable.set(sessionMessages(protocol, transport))));
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
const deeper: Readonly<Record<string, readonly string[]>> = { unit: [], address: [], group: ['dnp3'], variation: [] };

/** Undefined if a mistake was reported; `all` if no functions are named. */
export function resolveFunctions(context: Context, atom: NamedAtom, protocol: Protocol): 'all' | readonly ProtocolFunction[] | undefined {
  const places: Place[] = [];
  for (const qualifier of atom.qualifiers) {
    const place = narrowed(context, qualifier, protocol);
    if (place === undefined) return undefined;
    places.push(place);
  }
  if (atom.functions === undefined && places.length === 0) return 'all';
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
    context.report(
      modelCodes.unknownWord,
      keyword.span,
      { what: `property of ${protocol.name}`, word: keyword.text },
      { help: [`its functions are named by class, name or code; \`zonewright protocols ${protocol.name}\` lists them`] },
    );
  }
  return undefined;
}

function functionNumber(context: Context, word: Word, what: string, last: number): number | undefined {
  const number = /^(0x[0-9a-f]{1,8}|\d{1,9})$/iu.test(word.text) ? Number(word.text) : Number.NaN;
  if (number >= 0 && number <= last) return number;
  context.report(modelCodes.numberOutOfRange, word.span, { what, text: word.text, first: '0', last: String(last) });
  return undefined;
}

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
