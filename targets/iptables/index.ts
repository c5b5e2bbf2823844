/** The iptables target: data, emitter and reader put together. */
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { targetCodes } from '../../src/diagnostics/codes/target.ts';
import { families, type Family } from '../../src/net/address.ts';
import type { AddressSet } from '../../src/net/address-set.ts';
import { hasServices } from '../../src/packets/service-set.ts';
import type { Entry, GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { Emission, Target } from '../../src/target/target.ts';
import { emit } from './emit.ts';
import { borders, interfaces, read, readRunning, runningMark } from './reader.ts';
import { capabilities, markOf } from './target.ts';
import { Inexpressible, isKnownRate } from './tokens.ts';

const nothing: Emission = { files: [], shortened: new Map(), plan: [] };

/** Rates that xt_limit cannot count, or that the two families would count apart. */
function gaps(policy: GatewayPolicy): Diagnostic[] {
  return policy.entries.flatMap((entry) => {
    const { rate, origin } = entry;
    if (rate === undefined) return [];
    if (!isKnownRate(rate)) return [gap(policy, `a rate of ${rate.amount}/${rate.unit} burst ${rate.burst}`, origin.span)];
    if (!families.every((family) => opens(entry, family))) return [];
    const help = 'iptables and ip6tables count apart, so that twice as many would pass: write a flow with its own rate for each family';
    return [gap(policy, 'one rate over IPv4 and IPv6', origin.span, help)];
  });
}

/** Whether the entry lets anything of the family start; the gateway's own end has what it is given. */
function opens({ hook, from, to, enforced }: Entry, family: Family): boolean {
  const has = (set: AddressSet): boolean => (family === 4 ? set.v4 : set.v6).length > 0;
  return hasServices(enforced, family) && (hook === 'output' || has(from)) && (hook === 'input' || has(to));
}

function gap(policy: GatewayPolicy, what: string, span?: Diagnostic['span'], help?: string): Diagnostic {
  return diagnostic(targetCodes.inexpressible, span, { what, gateway: policy.gateway, target: capabilities.name }, { help: [help] });
}

export const iptables: Target = {
  capabilities,
  mark: (policy, policyNumber) => markOf(Number(policy.options.get('mark-mask') ?? 0xffff_ffff), policyNumber),
  emit: (policy, facts) => {
    const diagnostics = gaps(policy);
    if (diagnostics.length > 0) return { emission: nothing, diagnostics };
    try {
      return { emission: emit(policy, facts), diagnostics };
    } catch (error) {
      if (!(error instanceof Inexpressible)) throw error;
      return { emission: nothing, diagnostics: [gap(policy, error.message, undefined, error.help)] };
    }
  },
  borders,
  read,
  readRunning,
  runningBorders: borders,
  runningInterfaces: interfaces,
  runningMark,
};
