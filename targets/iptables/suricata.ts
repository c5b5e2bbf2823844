/**
 * The rules of Suricata: what of the conversations in its queue may not be said.
 *
 * Takes areas with the functions that may pass there, gives rules that drop all else. The one idea: a rule that passes would open the whole
 * conversation, so there is none; an area has one rule for each function that Suricata knows and that is not allowed, one for all that it
 * does not know, and guards against what its parser would take for something else. Units go the same way: those to which nothing may be said, and
 * of a function those to which it may not. What is not yet known as the area's protocol is held back, too: until then nothing is looked into.
 * Tried code by code on 7.0.10 (see the README).
 */
import { families, type Family } from '../../src/net/address.ts';
import { type Range, type Ranges, subtractRanges, unionRanges } from '../../src/net/ranges.ts';
import { type Below, detailsIn, type FunctionSet, lastUnit } from '../../src/packets/function-set.ts';
import { functionTable, type GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import type { EmissionFacts } from '../../src/target/target.ts';
import { type EngineParser, engineParsers } from './engine-parsers.ts';
import type { Area } from './inspected.ts';
import { headLines } from './lower.ts';
import { engineLimits } from './target.ts';
import {
  addressSpan,
  engineEnds,
  engineList,
  engineMessage,
  engineNumber,
  engineOptions,
  enginePorts,
  engineWords,
  headLine,
  Inexpressible,
  number,
  prefixOf,
  type Token,
} from './tokens.ts';
import type { EngineRulesView, EngineView } from './view.ts';

type Rule = EngineRulesView['areas'][number]['rules'][number];

export function engineViews(
  policy: GatewayPolicy,
  facts: EmissionFacts,
  inspected: ReadonlyMap<Family, readonly Area[]>,
): { rules: EngineRulesView; settings: EngineView } {
  const queue = policy.options.get('queue') ?? '0';
  const how = `run it with: suricata -c suricata.yaml -S suricata.rules -q ${queue}`;
  const areas: EngineRulesView['areas'][number][] = [];
  const ports = new Map<string, Set<number>>();
  // Rules of a list have numbers of their own, mostly those of one place.
  let places = 0;
  for (const family of families) {
    for (const area of inspected.get(family) ?? []) {
      if (area.functions.length === 0) continue;
      const parser = parserOf(area);
      const its = ports.get(parser.protocol) ?? new Set();
      ports.set(parser.protocol, its);
      for (const { first, last } of area.ports) {
        if (last - first >= mostPorts) throw new Inexpressible(`functions on the ports ${first}-${last}: Suricata looks for ${parser.protocol} port by port`);
        for (let port = first; port <= last; port++) its.add(port);
      }
      for (const source of lists(area.source))
        for (const destination of lists(area.destination)) {
          const view = areaView(policy, facts, area, parser, { source, destination }, engineLimits.firstRule + places * engineLimits.rulesOfList);
          places += Math.ceil(view.rules.length / engineLimits.rulesOfList);
          if (places > engineLimits.lists) throw new Inexpressible(`more than ${engineLimits.lists} lists of addresses that Suricata looks into`);
          areas.push(view);
        }
    }
  }
  return {
    rules: { head: headLines(policy, facts, how), areas },
    settings: {
      head: headLines(policy, facts, how),
      queue: number(Number(queue)),
      protocols: [...ports].map(([protocol, its]) => ({ name: engineWords(protocol), ports: enginePorts([...its].toSorted((a, b) => a - b)) })),
    },
  };
}

/** Whose messages an area's flows are about. */
function parserOf({ functions, ports: [port] }: Area): EngineParser {
  const [protocol = '', ...more] = new Set(functionTable.among(functions).map((one) => one.protocol));
  const parser = engineParsers.get(protocol);
  if (parser === undefined || more.length > 0)
    throw new Inexpressible(`functions of ${[protocol, ...more].join(' and ')} on port ${port?.first}, which Suricata does not parse together`);
  return parser;
}

/** Ports of one range, which are listed one by one. */
const mostPorts = 1000;

function lists(addresses: Area['source']): Token[] {
  const items = addresses.map((range) => prefixOf(range as Range<number>) ?? addressSpan(range));
  const count = Math.ceil(items.length / engineLimits.addresses);
  return Array.from({ length: count }, (_, index) => engineList(items.slice(index * engineLimits.addresses, (index + 1) * engineLimits.addresses)));
}

function areaView(
  policy: GatewayPolicy,
  facts: EmissionFacts,
  area: Area,
  { protocol, title, functionIs, unitIs, andFunctionIs, known, unknown, events }: EngineParser,
  { source, destination }: { readonly source: Token; readonly destination: Token },
  firstRule: number,
): EngineRulesView['areas'][number] {
  const flows = area.entries.map(({ origin }) => `${origin.name} ${facts.place(origin.span)}`);
  const whose = flows.length > 3 ? `${flows.slice(0, 3).join(', ')} and ${flows.length - 3} more` : flows.join(', ');
  const ends = engineEnds(source, destination, area.ports);
  const rules: Rule[] = [];
  const add = (action: 'alert' | 'drop', carrier: string, what: string, ...options: readonly string[]): void => {
    rules.push({
      action: engineWords(action),
      protocol: engineWords(carrier),
      ends,
      options: engineOptions([
        engineMessage(`zw ${policy.gateway}: ${what} (${whose})`),
        engineWords('flow:to_server;'),
        ...options.map(engineWords),
        engineNumber(firstRule + rules.length),
      ]),
    });
  };
  add('alert', protocol, `is ${title}`, `flowbits:set,zw.${protocol};`, 'noalert;');
  add('drop', 'tcp', `is not ${title}`, 'dsize:>0;', `flowbits:isnotset,zw.${protocol};`);
  for (const [event, what] of events) add('drop', protocol, what, `app-layer-event:${protocol}.${event};`);
  const allowed = unitsByCode(area.functions);
  const some = unionRanges(...allowed.values());
  for (const units of subtractRanges(everyUnit, some).flatMap(askable)) add('drop', protocol, `unit ${unitsText(units)}`, `${unitIs} ${unitsAsked(units)};`);
  for (const code of known) {
    const its = allowed.get(code) ?? [];
    if (its.length === 0) add('drop', protocol, `function ${code}`, `${functionIs} ${code};`);
    else
      for (const units of subtractRanges(some, its).flatMap(askable))
        add('drop', protocol, `function ${code} to unit ${unitsText(units)}`, `${unitIs} ${unitsAsked(units)}${andFunctionIs} ${code};`);
  }
  add('drop', protocol, 'a function that Suricata does not know', `${functionIs} ${unknown};`);
  return { note: headLine(whose), rules };
}

const everyUnit: Ranges<number> = [{ first: 0, last: lastUnit }];

/** The units to which a function may be said, by its code. */
function unitsByCode(functions: FunctionSet): ReadonlyMap<number, Ranges<number>> {
  const found = new Map<number, Ranges<number>>();
  for (const one of functionTable.among(functions)) {
    const units = unitsOf(detailsIn(functions, functionTable.number(one)));
    for (const { number } of one.codes) if (number !== undefined) found.set(number, unionRanges(found.get(number) ?? [], units));
  }
  return found;
}

function unitsOf(below: Below): Ranges<number> {
  if (below === 'all') return everyUnit;
  if (below.some((segment) => segment.below !== 'all')) throw new Inexpressible('addresses of messages that Suricata looks into');
  return below.map(({ low, high }) => ({ first: low, last: high }));
}

/** Ranges that the keyword has words for: with 0 as the end that is left out, `0<>6` and `>0` hold 0, too. */
function askable({ first, last }: Range<number>): readonly Range<number>[] {
  if (first !== 1 || last === 1) return [{ first, last }];
  return [
    { first, last: first },
    { first: 2, last },
  ];
}

/** Both ends of a range between two numbers are left out. */
function unitsAsked({ first, last }: Range<number>): string {
  if (first === last) return String(first);
  if (first === 0) return `<${last + 1}`;
  return last === lastUnit ? `>${first - 1}` : `${first - 1}<>${last + 1}`;
}

function unitsText({ first, last }: Range<number>): string {
  return first === last ? String(first) : `${first}-${last}`;
}
