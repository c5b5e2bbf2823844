/** Emit: lowers the policy and fills the template. */
import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { Emission, EmissionFacts } from '../../src/target/target.ts';
import { lower } from './lower.ts';
import type { RulesetView } from './view.ts';

let template: ((view: RulesetView) => string) | undefined;

export function emit(policy: GatewayPolicy, facts: EmissionFacts): Emission {
  template ??= Handlebars.compile<RulesetView>(readFileSync(new URL('./templates/ruleset.hbs', import.meta.url), 'utf8'), { noEscape: true, strict: true });
  const { view, shortened, plan } = lower(policy, facts);
  return { files: [{ name: 'ruleset.nft', text: template(view) }], shortened, plan };
}
