/**
 * What a target enforces of a flow's services: written, widened to what its grades tell apart.
 *
 * The one idea: each protocol has a grade of its own, so only the ports on which the functions of a weak one are named
 * are opened for all functions.
 */
import { untoldProtocols, whyNotTold } from '../catalogue/frames.ts';
import type { ProtocolFunction } from '../catalogue/function.ts';
import { whyNoDetail, whyNoParser, whyNotParsed } from '../catalogue/parsers.ts';
import type { TransportProtocol } from '../catalogue/protocol.ts';
import { functionTable } from '../model/functions.ts';
import type { Flow, Grade, MessageDetail } from '../model/model.ts';
import { families } from '../net/address.ts';
import { allFunctions, detailsIn, type FunctionSet, isEveryFunction, subtractFunctions } from '../packets/function-set.ts';
import { familyServices, intersectServices, protocolNumber, type ServiceSet, unionServices, widenFunctions, widenFunctionsOn } from '../packets/service-set.ts';
import { narrowedParts } from './data-ranges.ts';
import { gradeFor, type TargetCapabilities } from './capabilities.ts';

/** What is asked about a flow, or a line of a gateway. */
type Said = Pick<Flow, 'services' | 'requests' | 'effect'>;

/** The grade of a protocol in a flow, and why it is not more. */
export interface ProtocolGrade {
  readonly grade: Grade;
  /** Undefined where the target has no better one. */
  readonly reason: string | undefined;
  /** A way out that the reason opens. */
  readonly help?: string;
}

/**
 * Requests that run backward pass where a target does not look at what the called side says, and a deny of them would have to cut answers. An allow of what is not recognised stops nothing: whoever
 * cuts a message in two is not recognised. And messages that a frame does not tell from others are not looked for.
 */
export function gradeIn(flow: Said, target: TargetCapabilities, protocol: string): ProtocolGrade {
  const given = gradeFor(target, protocol);
  const ports = (reason: string | undefined, help?: string): ProtocolGrade => ({ grade: 'ports', reason, ...(help === undefined ? {} : { help }) });
  const { without } = target;
  if (given === 'ports' && without !== undefined && (without.grades[protocol] ?? without.grades.default) !== 'ports')
    return ports(`with \`${without.option}\` its rules look into no messages`, `take \`${without.option}\` out of the gateway's target`);
  if (given === 'ports') return ports(isInspecting(target) ? whyAtPorts(target, protocol) : undefined);
  const missing = missingDetail(flow, target, protocol);
  if (missing !== undefined) return ports(whyMissing(target, protocol, missing));
  if (flow.requests === 'backward' && target.looksIntoReplies !== true) return ports('what the called side sends is not looked into');
  if (flow.requests === 'backward' && flow.effect === 'deny')
    return ports('only an allow says what the called side may ask', 'with `requests forward` it denies what the side that opens the conversation asks');
  if (given === 'stream' && target.engine === undefined) return { grade: given, reason: undefined };
  if (flow.effect === 'allow' && allowsOther(flow.services.set)) {
    const why = given === 'stream' ? 'which may be anything' : 'as a message that is cut in two is';
    return ports(`it allows what is not recognised, too, ${why}`);
  }
  const reason = whyNotToldIn(flow, protocol, target);
  if (reason !== undefined) return ports(reason);
  return { grade: given, reason: given !== 'stream' && target.engine !== undefined ? whyNoParser(target.engine, protocol) : undefined };
}

/** What a flow names of messages besides their functions that the target does not tell. */
function missingDetail(flow: Said, target: TargetCapabilities, protocol: string): MessageDetail | undefined {
  const named = flow.services.functions.filter((one) => one.protocol === protocol).flatMap((one) => one.details);
  return named.find((detail) => target.details?.[protocol]?.includes(detail) !== true);
}

function whyMissing({ engine }: TargetCapabilities, protocol: string, missing: MessageDetail): string {
  const why = engine === undefined ? undefined : whyNoDetail(engine, protocol, missing);
  return why ?? `its rules tell functions of ${protocol}, but no ${missing === 'unit' ? 'units' : 'addresses'}`;
}

function isInspecting(target: TargetCapabilities): boolean {
  return Object.values(target.grades).some((grade) => grade !== 'ports');
}

function whyAtPorts({ engine }: TargetCapabilities, protocol: string): string | undefined {
  return engine === undefined ? untoldProtocols[protocol] : whyNoParser(engine, protocol);
}

/** Why what a flow says on the ports of a protocol's functions cannot be told from all else. */
function whyNotToldIn(flow: Said, protocol: string, target: TargetCapabilities): string | undefined {
  const engine = gradeFor(target, protocol) === 'stream' ? target.engine : undefined;
  const { set } = flow.services;
  const known = untold.get(set) ?? new Map<string, string | undefined>();
  untold.set(set, known);
  const key = `${protocol} ${engine ?? ''} of ${target.engine ?? ''}`;
  if (known.has(key)) return known.get(key);
  const where = flow.services.functions.filter((one) => one.protocol === protocol).map((one) => one.where);
  const here = intersectServices(set, widenFunctions(unionServices(...where)));
  const segments = transports.flatMap((transport) =>
    families.flatMap((family) => (familyServices(here, family).values.get(protocolNumber[transport]) ?? []).map(({ functions }) => ({ transport, functions }))),
  );
  const reason = segments
    .filter(({ functions }) => !isEveryFunction(functions))
    .map(({ transport, functions }) => {
      const set = toldOf(functions);
      const told = functionTable.among(set);
      const cut = told.find((one) => narrowedParts(one, detailsIn(set, functionTable.number(one))) === undefined);
      if (cut !== undefined) return `of \`${cut.protocol} ${cut.name}\`, a range of addresses is left out of another one`;
      if (engine !== undefined) return whyNotParsed(engine, told, transport);
      // The engine looks into all that is said on the ports of its protocols.
      const other = target.engine === undefined ? undefined : told.find((one) => gradeFor(target, one.protocol) === 'stream');
      return other === undefined ? whyNotToldOn(told, protocol, transport) : `its ports are those of ${other.protocol}, into which ${target.engine} looks`;
    })
    .find((one) => one !== undefined);
  known.set(key, reason);
  return reason;
}

/** A deny is enforced by allowing the rest, which holds whatever other protocols have the same ports: then these are the ones that are not told. */
function whyNotToldOn(told: readonly ProtocolFunction[], protocol: string, transport: TransportProtocol): string | undefined {
  const why = whyNotTold(told, transport);
  const own = told.filter((one) => one.protocol === protocol);
  return why === undefined || whyNotTold(own, transport) !== undefined
    ? why
    : `other protocols use its ports, and the rest of these has to be told, too: ${why}`;
}

const untold = new WeakMap<ServiceSet, Map<string, string | undefined>>();
const transports = ['tcp', 'udp'] as const;

/** What has to be recognised: the functions themselves, or all others where what is not recognised belongs to them. */
function toldOf(functions: FunctionSet): FunctionSet {
  return functionTable.hasOther(functions) ? subtractFunctions(allFunctions, functions) : functions;
}

/** Whether some ports are allowed with messages that nobody recognises, but not with all. */
function allowsOther(set: ServiceSet): boolean {
  return [set.v4, set.v6].some(({ values }) =>
    [...values.values()].some((segments) => segments.some(({ functions }) => functionTable.hasOther(functions) && !isEveryFunction(functions))),
  );
}

/** By the written set, then by the protocols that are weak. */
const widened = new WeakMap<ServiceSet, Map<string, ServiceSet>>();

export function gradeEnforces(target: TargetCapabilities, flow: Flow): ServiceSet {
  const written = flow.services.set;
  const weak = flow.services.functions.filter((named) => gradeIn(flow, target, named.protocol).grade === 'ports');
  if (weak.length === 0) return written;
  const known = widened.get(written) ?? new Map<string, ServiceSet>();
  widened.set(written, known);
  const key = [...new Set(weak.map((named) => named.protocol))].toSorted().join(' ');
  const enforced = known.get(key) ?? widenFunctionsOn(written, unionServices(...weak.map((named) => named.where)));
  known.set(key, enforced);
  return enforced;
}
