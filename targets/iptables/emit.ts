/** Emit: lowers the policy and fills the templates. */
import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import { families } from '../../src/net/address.ts';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { EmittedFile, Emission, EmissionFacts } from '../../src/target/target.ts';
import { loader } from './loader.ts';
import { lower } from './lower.ts';
import { engineViews } from './suricata.ts';
import type { EngineRulesView, EngineView, LoaderView, SetsView, TableView } from './view.ts';

interface Templates {
  readonly table: (view: TableView) => string;
  readonly sets: (view: SetsView) => string;
  readonly load: (view: LoaderView) => string;
  readonly rules: (view: EngineRulesView) => string;
  readonly settings: (view: EngineView) => string;
}

let templates: Templates | undefined;

function compiled(name: string): (view: TableView | SetsView | LoaderView | EngineRulesView | EngineView) => string {
  return Handlebars.compile(readFileSync(new URL(`./templates/${name}.hbs`, import.meta.url), 'utf8'), { noEscape: true, strict: true });
}

/** Throws `Inexpressible` for what no rule of iptables can say. */
export function emit(policy: GatewayPolicy, facts: EmissionFacts): Emission {
  templates ??= {
    table: compiled('table'),
    sets: compiled('sets'),
    load: compiled('load'),
    rules: compiled('suricata-rules'),
    settings: compiled('suricata-yaml'),
  };
  const { table, sets, load, rules, settings } = templates;
  const lowered = lower(policy, facts);
  const files: EmittedFile[] = families.flatMap((family) => {
    const view = lowered.tables.get(family);
    return view === undefined ? [] : [{ name: family === 4 ? 'iptables.rules' : 'ip6tables.rules', text: table(view) }];
  });
  if (lowered.sets !== undefined) files.push({ name: 'ipset.rules', text: sets(lowered.sets) });
  const views = lowered.inspected === undefined ? undefined : engineViews(policy, facts, lowered.inspected);
  // Suricata warns of a file without rules, and nothing would come to its queue.
  if (views !== undefined && views.rules.areas.length > 0) {
    files.push({ name: 'suricata.yaml', text: settings(views.settings) }, { name: 'suricata.rules', text: rules(views.rules) });
  }
  files.push({ name: 'load.sh', text: load(loader(policy, facts)), loader: true });
  return { files, shortened: lowered.shortened, plan: lowered.plan };
}
