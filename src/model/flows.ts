/**
 * Flows and conduits: effects, sides, services and what is inherited.
 *
 * Takes declarations, gives flows with nothing left to look up. A conduit hands owner, ticket, reason, log, count, rate
 * and expiry to flows that do not say otherwise, and sets a floor of inspection for flows of OT protocols.
 */
import { catalogue } from '../catalogue/catalogue.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { addressesWithin, formatAddresses, subtractAddresses } from '../net/address-set.ts';
import type { Declaration, FlowDecl, Word } from '../syntax/ast.ts';
import { type Context, PropertyReader } from './context.ts';
import {
  type Conduit,
  type Flow,
  type FlowProperties,
  type Grade,
  grades,
  type Placed,
  type Rate,
  type RequestDirection,
  requestDirections,
  type ResolvedServices,
  type Zone,
} from './model.ts';
import type { NameSpace } from './names.ts';
import type { SelectorResolver } from './selectors.ts';
import type { ServiceResolver } from './services.ts';
import { oneOf } from './zones.ts';

type ConduitDecl = Extract<Declaration, { kind: 'conduit' }>;

export interface FlowTools {
  readonly context: Context;
  readonly selectors: SelectorResolver;
  readonly services: ServiceResolver;
  readonly zoneNamed: (word: Word) => Zone | undefined;
}

/** What a conduit hands down. */
export interface Inherited {
  readonly properties: FlowProperties | undefined;
  readonly conduit: Conduit | undefined;
  readonly floor: Placed<Grade> | undefined;
  readonly acceptWeaker: Flow['acceptWeaker'];
}

const nothing: Inherited = { properties: undefined, conduit: undefined, floor: undefined, acceptWeaker: undefined };

export function resolveConduit(tools: FlowTools, declaration: ConduitDecl, flowNames: NameSpace<FlowDecl>): { conduit: Conduit | undefined; flows: Flow[] } {
  const { context } = tools;
  const left = tools.zoneNamed(declaration.left);
  const right = tools.zoneNamed(declaration.right);
  const name = declaration.name?.text ?? declaration.label?.text ?? `${declaration.left.text} ${declaration.arrow} ${declaration.right.text}`;
  const read = new PropertyReader(context, declaration.properties, `conduit \`${name}\``);
  const conduit: Conduit | undefined =
    left === undefined || right === undefined
      ? undefined
      : {
          name,
          label: declaration.label?.text ?? read.text('label'),
          left,
          right,
          bothWays: declaration.arrow === '<->',
          logDenied: read.has('log-denied'),
          span: declaration.name?.span ?? declaration.left.span,
        };
  const inherited: Inherited = {
    properties: { ...flowProperties(tools, read, undefined), essential: false, disabled: undefined },
    conduit,
    floor: gradeOf(context, read),
    acceptWeaker: acceptWeaker(context, read),
  };
  const flows: Flow[] = [];
  for (const flow of declaration.flows) {
    if (!flowNames.declare(context, 'flow', flow.name, flow, false)) continue;
    const resolved = resolveFlow(tools, flow, inherited);
    if (resolved !== undefined) flows.push(resolved);
  }
  return { conduit, flows };
}

export function resolveFlow(tools: FlowTools, declaration: FlowDecl, inherited: Inherited = nothing): Flow | undefined {
  const { context } = tools;
  const name = declaration.name.text;
  const owner = `flow \`${name}\``;
  const read = new PropertyReader(context, declaration.properties, owner, ['allow', 'deny']);
  const common = flowProperties(tools, read, inherited.properties);
  const asked = gradeOf(context, read);
  const ownAccepted = acceptWeaker(context, read);
  const fromClause = read.of('from', 'selector');
  const toClause = read.of('to', 'selector');
  const missing = (property: string): void =>
    context.report(modelCodes.missingProperty, declaration.name.span, { owner, property }, { help: [`say which side, for example \`${property} any\``] });
  if (fromClause === undefined) missing('from');
  if (toClause === undefined) missing('to');
  const allows = read.all('allow', 'services');
  const denies = read.all('deny', 'services');
  const firstDeny = denies[0];
  if (allows.length > 0 && firstDeny !== undefined) {
    context.report(
      modelCodes.flowEffect,
      firstDeny.keyword.span,
      { flow: name, problem: 'both allows and denies' },
      { help: ['make it two flows; a deny overrides every allow'] },
    );
    return undefined;
  }
  if (allows.length + denies.length === 0) {
    context.report(
      modelCodes.flowEffect,
      declaration.name.span,
      { flow: name, problem: 'neither allows nor denies anything' },
      { help: ['add for example `allow modbus`'] },
    );
  }
  const effect = denies.length > 0 ? 'deny' : 'allow';
  const clauses = effect === 'deny' ? denies : allows;
  const from = fromClause === undefined ? undefined : tools.selectors.resolve(fromClause.value);
  const to = toClause === undefined ? undefined : tools.selectors.resolve(toClause.value);
  const first = clauses[0];
  const last = clauses[clauses.length - 1];
  const services =
    first === undefined || last === undefined
      ? undefined
      : tools.services.resolve(
          {
            items: clauses.flatMap((clause) => clause.value.items),
            span: { file: first.value.span.file, start: first.value.span.start, end: last.value.span.end },
          },
          effect,
        );
  if (effect === 'deny' && common.expires !== undefined && read.has('expires')) {
    context.report(
      modelCodes.expiresOnDeny,
      common.expires.span,
      { flow: name },
      { help: ['take `expires` out; remove the flow by hand when its time has come'] },
    );
  }
  if (effect === 'deny' && common.essential) {
    context.report(
      modelCodes.essentialOnDeny,
      read.of('essential', 'flag')?.span ?? declaration.name.span,
      { flow: name },
      { help: ['take `essential` out; what must never be reachable is said by an assert'] },
    );
  }
  if (common.essential && common.rate !== undefined) {
    context.report(
      modelCodes.essentialRate,
      read.of('rate', 'rate')?.span ?? declaration.name.span,
      { flow: name },
      { help: ['take out `rate` or `essential`'] },
    );
  }
  if (from === undefined || to === undefined || services === undefined) return undefined;
  for (const part of services.unroutable) {
    context.report(
      modelCodes.unroutable,
      part.span,
      { name: part.name, why: part.why },
      {
        help: ['a routed gateway passes unicast IP only; an interface of the gateway itself may run some of these, see `runs`'],
      },
    );
  }
  if (services.unroutable.length > 0) return undefined;
  const requests = requestsOf(context, read, name, services);
  const conduit = inherited.conduit;
  if (conduit !== undefined && reportOutside(context, conduit, { name, from, to })) return undefined;
  // A floor binds flows of OT protocols, a bare port bound to one included.
  const floor = inherited.floor !== undefined && effect === 'allow' && services.otProtocols.length > 0 ? inherited.floor : undefined;
  const byName: Placed<Grade> | undefined = services.functions[0] === undefined ? undefined : { value: 'pdu', span: services.functions[0].span };
  // Ports tell no functions apart, so asking for them beside functions asks for nothing.
  const ownAsked = asked !== undefined && !(asked.value === 'ports' && byName !== undefined) ? asked : byName;
  // Written out: V8 gives each object that is spread from many shapes a shape of its own, which costs kilobytes a flow and slows whoever reads it.
  return {
    log: common.log,
    count: common.count,
    owner: common.owner,
    ticket: common.ticket,
    reason: common.reason,
    expires: effect === 'deny' ? undefined : common.expires,
    rate: common.rate,
    essential: common.essential,
    disabled: common.disabled,
    name,
    label: declaration.label?.text ?? read.text('label'),
    conduit,
    effect,
    from,
    to,
    services,
    requests,
    asked: strongest(ownAsked, floor),
    acceptWeaker: ownAccepted ?? (ownAsked === undefined ? inherited.acceptWeaker : undefined),
    span: declaration.name.span,
  };
}

/** Which way requests run: backward only where a server may open the conversation. */
function requestsOf(context: Context, read: PropertyReader, flow: string, services: ResolvedServices): RequestDirection {
  const word = read.word('requests');
  const direction = word === undefined ? undefined : oneOf(context, word, requestDirections, 'direction');
  if (word === undefined) reportUnsaid(context, flow, services);
  if (word === undefined || direction !== 'backward') return 'forward';
  const dials = (name: string): boolean => catalogue.get(name)?.serverMayDial === true;
  // The caller may say anything then, also what a protocol of clients alone would be told apart by.
  const other = services.functions.find(({ protocol }) => !dials(protocol));
  if (other === undefined && services.otProtocols.some(dials)) return 'backward';
  const notes = [`a server may open it in ${diallers.join(', ')}`];
  const mixed = other !== undefined && services.otProtocols.some(dials);
  const help = mixed
    ? `write a flow of its own for ${other.protocol}: in it only clients open conversations`
    : 'take `requests` out: who opens the conversation asks';
  context.report(modelCodes.requestsBackward, word.span, { flow, services: mixed ? other.protocol : 'its services' }, { help: [help], notes });
  return 'forward';
}

/** Where either side may open the conversation, functions say nothing until it is said who is asked. */
function reportUnsaid(context: Context, flow: string, services: ResolvedServices): void {
  const named = services.functions.find(({ protocol }) => catalogue.get(protocol)?.serverMayDial === true);
  if (named === undefined) return;
  context.report(
    modelCodes.requestsUnsaid,
    named.span,
    { flow, protocol: named.protocol },
    {
      notes: [`in ${named.protocol} the side that is asked may open the conversation, too`],
      help: ['add `requests forward` if the side that opens it asks, `requests backward` if that side is asked'],
    },
  );
}

const diallers = [...catalogue.values()].filter((protocol) => protocol.serverMayDial).map((protocol) => protocol.name);

function strongest(a: Placed<Grade> | undefined, b: Placed<Grade> | undefined): Placed<Grade> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return grades.indexOf(a.value) >= grades.indexOf(b.value) ? a : b;
}

function reportOutside(context: Context, conduit: Conduit, flow: { name: string; from: Flow['from']; to: Flow['to'] }): boolean {
  const fits = (from: Zone, to: Zone): boolean => addressesWithin(flow.from.addresses, from.addresses) && addressesWithin(flow.to.addresses, to.addresses);
  if (fits(conduit.left, conduit.right) || (conduit.bothWays && fits(conduit.right, conduit.left))) return false;
  const forward = addressesWithin(flow.from.addresses, conduit.left.addresses) || !conduit.bothWays;
  const [fromEnd, toEnd] = forward ? [conduit.left, conduit.right] : [conduit.right, conduit.left];
  const fromOutside = subtractAddresses(flow.from.addresses, fromEnd.addresses);
  const wrongFrom = fromOutside.v4.length + fromOutside.v6.length > 0;
  const outside = wrongFrom ? fromOutside : subtractAddresses(flow.to.addresses, toEnd.addresses);
  context.report(
    modelCodes.outsideConduit,
    (wrongFrom ? flow.from : flow.to).span,
    { flow: flow.name, conduit: conduit.name },
    {
      secondary: [{ span: conduit.span, label: 'the conduit' }],
      notes: [`outside \`${(wrongFrom ? fromEnd : toEnd).name}\`: ${shorten(formatAddresses(outside))}`],
      help: ['move the flow out of the conduit, or name only what lies in its ends'],
    },
  );
  return true;
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** The properties that flows share with a gateway's own traffic. */
export function flowProperties(tools: FlowTools, read: PropertyReader, inherited: FlowProperties | undefined): FlowProperties {
  const { context } = tools;
  const expiresWord = read.word('expires');
  let expires: Placed<string> | undefined;
  if (expiresWord !== undefined) {
    if (isCalendarDate(expiresWord.text)) expires = { value: expiresWord.text, span: expiresWord.span };
    else context.report(modelCodes.badDate, expiresWord.span, { text: expiresWord.text }, { help: ['write year, month and day: 2027-03-31'] });
  }
  const during = read.of('during', 'word') ?? read.of('during', 'text');
  if (during !== undefined)
    context.report(modelCodes.notYet, during.span, { what: 'a schedule (`during`)' }, { help: ['leave it out: the flow is then in force at all times'] });
  const disabled = read.of('disabled', 'text');
  return {
    log: read.has('log') || (inherited?.log ?? false),
    count: read.has('count') || (inherited?.count ?? false),
    owner: read.text('owner') ?? inherited?.owner,
    ticket: read.text('ticket') ?? inherited?.ticket,
    reason: read.text('reason') ?? inherited?.reason,
    expires: expires ?? inherited?.expires,
    rate: rateOf(context, read) ?? inherited?.rate,
    essential: read.has('essential'),
    disabled: disabled === undefined ? undefined : { value: disabled.value.text, span: disabled.span },
  };
}

function gradeOf(context: Context, read: PropertyReader): Placed<Grade> | undefined {
  const word = read.word('inspect');
  const grade = word === undefined ? undefined : oneOf(context, word, grades, 'grade');
  return word === undefined || grade === undefined ? undefined : { value: grade, span: word.span };
}

function acceptWeaker(context: Context, read: PropertyReader): Flow['acceptWeaker'] {
  const property = read.of('accept-weaker', 'accept-weaker');
  const grade = property === undefined ? undefined : oneOf(context, property.grade, grades, 'grade');
  return property === undefined || grade === undefined ? undefined : { grade, why: property.why.text, span: property.span };
}

const rateUnits = ['second', 'minute', 'hour', 'day'] as const;

function rateOf(context: Context, read: PropertyReader): Rate | undefined {
  const property = read.of('rate', 'rate');
  if (property === undefined) return undefined;
  const unit = oneOf(context, property.unit, rateUnits, 'unit of time');
  const number = (word: Word, what: string, last: number): number | undefined => {
    const value = /^\d{1,9}$/u.test(word.text) ? Number(word.text) : 0;
    if (value >= 1 && value <= last) return value;
    context.report(modelCodes.numberOutOfRange, word.span, { what, text: word.text, first: '1', last: String(last) });
    return undefined;
  };
  const amount = number(property.amount, 'rate', 1_000_000);
  // The kernel counts tokens in nanoseconds of 64 bits: at one a day, more than 213,503 of them overflow.
  const burst = property.burst === undefined ? 5 : number(property.burst, 'burst', 100_000);
  return unit === undefined || amount === undefined || burst === undefined ? undefined : { amount, unit, burst };
}

const knownDates = new Map<string, boolean>();

/** `YYYY-MM-DD` that exists. */
export function isCalendarDate(text: string): boolean {
  const known = knownDates.get(text) ?? isDate(text);
  // A plant has few dates, and a file that has many would fill the memory of a long-lived process.
  if (knownDates.size < 1000) knownDates.set(text, known);
  return known;
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/u.exec(text);
  if (match === null) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
