/** The view of the loader script: a handful of checked words; whatever a zone file says stays in comments. */
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { headLines } from './lower.ts';
import { keyword, prefixWord } from './tokens.ts';
import type { LoaderView } from './view.ts';

export function loader(policy: GatewayPolicy, facts: EmissionFacts): LoaderView {
  const backend = policy.options.get('backend') === 'nf_tables' ? 'nft' : 'legacy';
  return {
    head: headLines(policy, facts, 'brings the files beside it into force: sh load.sh, or sh load.sh -n to see what it would do'),
    prefix: prefixWord(policy.options.get('chain-prefix') ?? 'zw'),
    sets: policy.options.get('sets') !== 'no',
    resets: policy.resetsDenied,
    tool4: keyword(`iptables-${backend}`),
    tool6: keyword(`ip6tables-${backend}`),
  };
}
