/**
 * What a target enforces of a flow's services: written, widened to what its grades tell apart.
 *
 * The one idea: each protocol has a grade of its own, so only the ports on which the functions of a weak one are named
 * are opened for all functions.
 */
import { framesTell } from '../catalogue/frames.ts';
import { functionTable } from '../model/functions.ts';
import type { Flow, Grade } from '../model/model.ts';
import { rangesEqual } from '../net/ranges.ts';
import { allFunctions } from '../packets/functions.ts';
import { type ServiceSet, unionServices, widenFunctionsOn } from '../packets/service-set.ts';
import { gradeFor, type TargetCapabilities } from './capabilities.ts';

/**
 * The grade of a protocol in a flow. No target looks at what the called side sends, so requests that run backward pass. An allow of what is not
 * recognised stops nothing: whoever cuts a message in two is not recognised. And functions that share a code cannot be told apart.
 */
export function gradeIn(flow: Flow, target: TargetCapabilities, protocol: string): Grade {
  const given = gradeFor(target, protocol);
  if (given === 'ports' || flow.requests === 'backward') return 'ports';
  if (given === 'stream') return given;
  const named = flow.services.functions.filter((one) => one.protocol === protocol).flatMap((one) => one.functions);
  if (!framesTell(protocol, named)) return 'ports';
  return flow.effect === 'allow' && allowsOther(flow.services.set) ? 'ports' : given;
}

/** Whether some ports are allowed with messages that nobody recognises, but not with all. */
function allowsOther(set: ServiceSet): boolean {
  return [set.v4, set.v6].some(({ values }) =>
    [...values.values()].some((segments) => segments.some(({ functions }) => functionTable.hasOther(functions) && !rangesEqual(functions, allFunctions))),
  );
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
