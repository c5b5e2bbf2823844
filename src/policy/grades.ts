/** What a target enforces of a flow's services: written, widened to what its grade tells apart. */
import type { Flow } from '../model/model.ts';
import { type ServiceSet, widenFunctions } from '../packets/service-set.ts';
import { gradeFor, type TargetCapabilities } from './capabilities.ts';

export function gradeEnforces(target: TargetCapabilities, flow: Flow): ServiceSet {
  const weakest = flow.services.functions.some((named) => gradeFor(target, named.protocol) === 'ports');
  return weakest ? widenFunctions(flow.services.set) : flow.services.set;
}
