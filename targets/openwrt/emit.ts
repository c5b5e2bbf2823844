/** Emit: lowers the policy and fills the templates. */
import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { Emission, EmissionFacts } from '../../src/target/target.ts';
import { lower } from './lower.ts';
import type { CheckView, FirewallView } from './view.ts';

interface Templates {
  readonly firewall: (view: FirewallView) => string;
  readonly check: (view: CheckView) => string;
}

let templates: Templates | undefined;

function compiled(name: string): (view: FirewallView | CheckView) => string {
  return Handlebars.compile(readFileSync(new URL(`./templates/${name}.hbs`, import.meta.url), 'utf8'), { noEscape: true, strict: true });
}

/** Throws `Inexpressible` for what the platform cannot say. */
export function emit(policy: GatewayPolicy, facts: EmissionFacts): Emission {
  templates ??= { firewall: compiled('firewall'), check: compiled('check') };
  const { firewall, check } = templates;
  const lowered = lower(policy, facts);
  return {
    files: [
      { name: 'firewall', text: firewall(lowered.firewall) },
      { name: 'check-on-device.sh', text: check(lowered.check), loader: true },
    ],
    shortened: lowered.shortened,
    plan: [],
  };
}
