/** The iptables target: data and emitter put together. */
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { targetCodes } from '../../src/diagnostics/codes/target.ts';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { Emission, ReadContext, ReadResult, Target } from '../../src/target/target.ts';
import { emit } from './emit.ts';
import { capabilities, markOf } from './target.ts';
import { Inexpressible, isKnownRate } from './tokens.ts';

/** Until the reader is here nothing can be proved, and so nothing is written. */
function unread({ space: { diagram } }: ReadContext): ReadResult {
  const none = diagram.unionAll([]);
  return { accepted: none, maybe: none, marked: none, limits: [], refusals: [{ line: undefined, what: 'the reader of iptables is not here yet' }], others: [] };
}

const nothing: Emission = { files: [], shortened: new Map(), plan: [] };

/** Rates that xt_limit cannot count. */
function gaps(policy: GatewayPolicy): Diagnostic[] {
  return policy.entries.flatMap(({ rate, origin }) =>
    rate === undefined || isKnownRate(rate) ? [] : [gap(policy, `a rate of ${rate.amount}/${rate.unit} burst ${rate.burst}`, origin.span)],
  );
}

function gap(policy: GatewayPolicy, what: string, span?: Diagnostic['span']): Diagnostic {
  return diagnostic(targetCodes.inexpressible, span, { what, gateway: policy.gateway, target: capabilities.name });
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
      return { emission: nothing, diagnostics: [gap(policy, error.message)] };
    }
  },
  borders: () => [],
  read: (_files, context) => unread(context),
  readRunning: (_files, context) => unread(context),
};
