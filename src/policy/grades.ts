/** What a target enforces of a flow's services: written, widened to what its grade tells apart. */
import type { Flow } from '../model/model.ts';
import { type ServiceSet, widenFunctions } from '../packets/service-set.ts';
import { gradeFor, type TargetCapabilities } from './capabilities.ts';

const widened = new WeakMap<ServiceSet, ServiceSet>();

export function gradeEnforces(target: TargetCapabilities, flow: Flow): ServiceSet {
  const weakest = flow.services.functions.some((named) => gradeFor(target, named.protocol) === 'ports');
  const written = flow.services.set;
  if (!weakest) return written;
  const known = widened.get(written) ?? widenFunctions(written);
  widened.set(written, known);
  return known;
}
