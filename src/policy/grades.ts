/**
 * What a target enforces of a flow's services: written, widened to what its grades tell apart.
 *
 * The one idea: each protocol has a grade of its own, so only the ports on which the functions of a weak one are named
 * are opened for all functions.
 */
import type { Flow, Grade } from '../model/model.ts';
import { type ServiceSet, unionServices, widenFunctionsOn } from '../packets/service-set.ts';
import { gradeFor, type TargetCapabilities } from './capabilities.ts';

/** The grade of a protocol in a flow. No target looks at what the called side sends, so requests that run backward pass. */
export function gradeIn(flow: Flow, target: TargetCapabilities, protocol: string): Grade {
  return flow.requests === 'backward' ? 'ports' : gradeFor(target, protocol);
}

/** By the written set, then by the protocols that are weak. */
const widened = new WeakMap<ServiceSet, Map<string, ServiceSet>>();

export function gradeEnforces(target: TargetCapabilities, flow: Flow): ServiceSet {
  const written = flow.services.set;
  const weak = flow.services.functions.filter((named) => gradeIn(flow, target, named.protocol) === 'ports');
  if (weak.length === 0) return written;
  const known = widened.get(written) ?? new Map<string, ServiceSet>();
  widened.set(written, known);
  const key = [...new Set(weak.map((named) => named.protocol))].toSorted().join(' ');
  const enforced = known.get(key) ?? widenFunctionsOn(written, unionServices(...weak.map((named) => named.where)));
  known.set(key, enforced);
  return enforced;
}
