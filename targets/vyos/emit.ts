/** Emit: lowers the policy and fills the template. */
import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { Emission, EmissionFacts } from '../../src/target/target.ts';
import { lower } from './lower.ts';
import type { FirewallView } from './view.ts';

let template: ((view: FirewallView) => string) | undefined;

/** Throws `Inexpressible` for what no configuration of VyOS can say. */
export function emit(policy: GatewayPolicy, facts: EmissionFacts): Emission {
  template ??= Handlebars.compile<FirewallView>(readFileSync(new URL('./templates/firewall.hbs', import.meta.url), 'utf8'), { noEscape: true, strict: true });
  const { view, shortened } = lower(policy, facts);
  return { files: [{ name: 'firewall.commands', text: template(view) }], shortened, plan: [] };
}
