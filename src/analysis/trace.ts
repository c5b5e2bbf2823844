/**
 * Trace: what happens to one conversation, gateway by gateway, and why.
 *
 * Takes two ends and a message, gives the verdict of every gateway on the path with the deciding flow; for a denial the
 * flow that comes nearest and the one thing that differs. Judged by `evaluate`, packet by packet.
 */
import { type Address, formatAddress } from '../net/address.ts';
import { containsAddress } from '../net/address-set.ts';
import type { Flow, Gateway, Model } from '../model/model.ts';
import type { Packet } from '../packets/packet.ts';
import { containsService } from '../packets/service-set.ts';
import type { TargetCapabilities } from '../policy/capabilities.ts';
import { inForce, isExpired } from '../policy/dates.ts';
import { evaluate, type Verdict } from '../policy/evaluate.ts';
import { gradeEnforces } from '../policy/grades.ts';
import { Joins } from '../policy/joins.ts';
import { nameOf, zoneOf } from './words.ts';

export interface TraceQuestion {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly value: number;
  readonly sourcePort: number;
  readonly functionNumber: number;
  /** Interfaces named by a log line, if known. */
  readonly inInterface?: string | undefined;
  readonly outInterface?: string | undefined;
  /** The log line says that conntrack called it invalid or untracked. */
  readonly badState?: boolean | undefined;
  /** Only this gateway. */
  readonly gateway?: string | undefined;
}

export interface TraceStep {
  readonly gateway: string;
  readonly packet: Packet;
  readonly verdict: Verdict;
}

export interface Nearest {
  readonly flow: Flow;
  /** `the source is 10.0.3.4, the flow allows only …`. */
  readonly differs: string;
}

export interface TraceResult {
  readonly allowed: boolean;
  /** False if no gateway sees the conversation. */
  readonly enforced: boolean;
  /** Why there is no gateway, in words. */
  readonly note: string | undefined;
  readonly steps: readonly TraceStep[];
  /** For a denial without a deciding flow. */
  readonly nearest: Nearest | undefined;
}

export function trace(model: Model, targets: ReadonlyMap<string, TargetCapabilities>, date: string, question: TraceQuestion): TraceResult {
  const joins = new Joins(model);
  const steps: TraceStep[] = [];
  const from = zoneOf(model, question.source);
  const to = zoneOf(model, question.destination);
  for (const gateway of model.gateways) {
    if (question.gateway !== undefined && gateway.name !== question.gateway) continue;
    const target = targets.get(gateway.target.value);
    const packet = packetAt(gateway, model, joins, question, from, to);
    if (target === undefined || packet === undefined) continue;
    steps.push({ gateway: gateway.name, packet, verdict: evaluate({ model, gateway, target, date }, packet) });
  }
  const freely = from !== undefined && to !== undefined && question.inInterface === undefined && (from === to || joins.sharedInterface(from, to) !== undefined);
  if (steps.length === 0 || (freely && steps.every((step) => step.packet.hook === 'forward'))) {
    if (freely) {
      const why =
        from === to ? `both lie in zone ${from}, whose hosts talk freely` : `zones ${from} and ${to} share interface ${joins.sharedInterface(from, to) ?? ''}`;
      return { allowed: true, enforced: false, note: why, steps, nearest: undefined };
    }
    const lost = from === undefined ? formatAddress(question.source) : to === undefined ? formatAddress(question.destination) : undefined;
    return {
      allowed: false,
      enforced: false,
      note: lost === undefined ? `no gateway joins zones ${from ?? ''} and ${to ?? ''}` : `${lost} lies in no zone`,
      steps,
      nearest: undefined,
    };
  }
  const denied = steps.find((step) => !step.verdict.accepted);
  const nearest = denied !== undefined && denied.verdict.reason.kind === 'default' ? nearestFlow(model, targets, date, denied) : undefined;
  return { allowed: denied === undefined, enforced: true, note: undefined, steps, nearest };
}

/** The packet as the gateway would see it; undefined if it is not on the path. */
function packetAt(gateway: Gateway, model: Model, joins: Joins, question: TraceQuestion, from: string | undefined, to: string | undefined): Packet | undefined {
  const own = (address: Address): boolean =>
    gateway.interfaces.some((face) => face.addresses.some((one) => one.address.family === address.family && one.address.value === address.value));
  const facing = (zone: string | undefined, address: Address): string | undefined => {
    const faces = gateway.interfaces.filter((face) => zone !== undefined && face.faces.includes(zone));
    const near = faces.find((face) =>
      face.addresses.some((one) => one.network.family === address.family && one.network.first <= address.value && address.value <= one.network.last),
    );
    return (near ?? faces[0])?.name;
  };
  const base = {
    source: question.source,
    destination: question.destination,
    protocol: question.protocol,
    sourcePort: question.sourcePort,
    value: question.value,
    functionNumber: question.functionNumber,
    hopLimit: 64,
    state: question.badState === true ? 'invalid' : 'new',
    direction: 'original',
    markCurrent: false,
    local: true,
  } as const;
  if (question.inInterface !== undefined || question.outInterface !== undefined) {
    const hook = question.inInterface === undefined ? 'output' : question.outInterface === undefined ? 'input' : 'forward';
    return { ...base, hook, inInterface: question.inInterface, outInterface: question.outInterface };
  }
  if (own(question.source)) {
    const out = facing(to, question.destination);
    return out === undefined ? undefined : { ...base, hook: 'output', inInterface: undefined, outInterface: out };
  }
  if (own(question.destination)) {
    const face = gateway.interfaces.find((one) => one.addresses.some((address) => address.address.value === question.destination.value));
    const entering = face !== undefined && from !== undefined && face.faces.includes(from) ? face.name : facing(from, question.source);
    return entering === undefined ? undefined : { ...base, hook: 'input', inInterface: entering, outInterface: undefined };
  }
  if (from === undefined || to === undefined || !joins.gateways(from, to).includes(gateway.name)) return undefined;
  const entering = facing(from, question.source);
  const leaving = facing(to, question.destination);
  if (entering === undefined || leaving === undefined) return undefined;
  if (entering !== leaving || gateway.interfaces.find((face) => face.name === entering)?.routed === true)
    return { ...base, hook: 'forward', inInterface: entering, outInterface: leaving };
  // Two interfaces face the same zones: any two different ones are a way.
  const other = gateway.interfaces.find((face) => face.name !== entering && face.faces.includes(to))?.name;
  const second = other ?? gateway.interfaces.find((face) => face.name !== leaving && face.faces.includes(from))?.name;
  if (other !== undefined) return { ...base, hook: 'forward', inInterface: entering, outInterface: other };
  return second === undefined ? undefined : { ...base, hook: 'forward', inInterface: second, outInterface: leaving };
}

/** The allow flow that fails in the fewest ways; ties go to the first by name. */
function nearestFlow(model: Model, targets: ReadonlyMap<string, TargetCapabilities>, date: string, step: TraceStep): Nearest | undefined {
  const { packet } = step;
  if (packet.hook !== 'forward') return undefined;
  const target = targets.get(model.gateways.find((gateway) => gateway.name === step.gateway)?.target.value ?? '');
  let best: { nearest: Nearest; score: number } | undefined;
  for (const flow of model.flows) {
    if (flow.effect !== 'allow' || target === undefined) continue;
    const differences: string[] = [];
    if (!containsAddress(flow.from.addresses, packet.source)) differences.push(`its source is \`${flow.from.text}\`, not ${described(model, packet.source)}`);
    if (!containsAddress(flow.to.addresses, packet.destination))
      differences.push(`its destination is \`${flow.to.text}\`, not ${described(model, packet.destination)}`);
    const services = gradeEnforces(target, flow);
    if (!containsService(services, packet.source.family, packet.protocol, packet.value, packet.functionNumber))
      differences.push(`it allows \`${flow.services.text}\``);
    if (isExpired(flow, date)) differences.push(`it expired on ${flow.expires?.value ?? ''}`);
    else if (!inForce(flow, date)) differences.push(`it is disabled: ${flow.disabled?.value ?? ''}`);
    if (differences.length === 0 || differences.length > 2) continue;
    if (best === undefined || differences.length < best.score) best = { nearest: { flow, differs: differences.join(', and ') }, score: differences.length };
  }
  return best?.nearest;
}

function described(model: Model, address: Address): string {
  const name = nameOf(model, address);
  return name === undefined ? formatAddress(address) : `${name} (${formatAddress(address)})`;
}
