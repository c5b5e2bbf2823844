/** Test blocks: `allow` means every member of the line passes, `deny` that none does. */
import { assertCodes } from '../diagnostics/codes/asserts.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import type { Span } from '../base/source.ts';
import { intersectAddresses, isEmpty } from '../net/address-set.ts';
import { commonFamilies, type Flow, type Model, type TestLine } from '../model/model.ts';
import { empty, type Node } from '../packets/diagram.ts';
import { chainEnds, missing, namesGateway, namesMessages, outsideZones, ownQuestions, quantify, withoutDiscovery } from './questions.ts';
import { hasServices, intersectServices, isNoService, type ServiceSet } from '../packets/service-set.ts';
import { inForce } from '../policy/dates.ts';
import type { PlantSets } from './plant-sets.ts';
import { witness } from './witness.ts';
import { endWords, packetWords, serviceWords } from './words.ts';

/** Flows that some line of the same effect touches: an `allow` line those it may rely on, a `deny` line those that deny. */
export interface Coverage {
  readonly tested: readonly string[];
  readonly untested: readonly string[];
}

export interface TestResult {
  readonly title: string;
  readonly line: string;
  readonly passed: boolean;
  /** False if part of it is never seen by a gateway. */
  readonly enforced: boolean;
  readonly span: Span;
}

export function runTests(model: Model, plant: PlantSets): { readonly results: TestResult[]; readonly coverage: Coverage; readonly diagnostics: Diagnostic[] } {
  const results: TestResult[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const test of model.tests) {
    for (const line of test.lines) {
      const found = run(model, plant, line);
      for (const side of [line.from, line.to]) {
        if (isEmpty(side.addresses) && side.gateways.length === 0)
          diagnostics.push(
            diagnostic(
              assertCodes.vacuous,
              side.span,
              { name: test.title, why: `\`${side.text}\` selects nothing` },
              { help: ['a test of nothing says nothing: check its selectors'] },
            ),
          );
      }
      results.push({
        title: test.title,
        line: `${line.expect} ${line.from.text} -> ${line.to.text} : ${line.services.text}`,
        passed: found.failure === undefined,
        enforced: found.enforced,
        span: line.span,
      });
      if (found.failure !== undefined) diagnostics.push(found.failure);
    }
  }
  return { results, coverage: coverage(plant), diagnostics };
}

function coverage(plant: PlantSets): Coverage {
  const { model, date } = plant;
  const lines = model.tests.flatMap((test) => test.lines);
  const asked = { allow: lines.filter((line) => line.expect === 'allow'), deny: lines.filter((line) => line.expect === 'deny') };
  const tested = (flow: Flow): boolean =>
    asked[flow.effect].some((line) => {
      const [from, to] = [intersectAddresses(flow.from.addresses, line.from.addresses), intersectAddresses(flow.to.addresses, line.to.addresses)];
      return commonFamilies(from, to).some((family) => hasServices(intersectServices(enforced(flow), line.services.set), family));
    });
  const placed = new Map(plant.gateways.flatMap((policy) => policy.entries).map((entry) => [entry.origin.name, entry.enforced]));
  const enforced = (flow: Flow): ServiceSet => placed.get(flow.name) ?? flow.services.set;
  const flows = model.flows.filter((flow) => inForce(flow, date));
  const names = (is: boolean): string[] => flows.filter((flow) => tested(flow) === is).map((flow) => flow.name);
  return { tested: names(true), untested: names(false) };
}

function run(model: Model, plant: PlantSets, line: TestLine): { failure: Diagnostic | undefined; enforced: boolean } {
  const { diagram } = plant.space;
  let enforced = true;
  const fail = (got: string, packet: string, data: unknown, help: string): { failure: Diagnostic; enforced: boolean } => ({
    failure: diagnostic(assertCodes.testFailed, line.span, { expected: line.expect, got, packet }, { help: [help], data }),
    enforced,
  });
  const shown = (set: Node, gateway: string): { words: string; data: unknown } => {
    const packet = witness(model, plant.space, set);
    if (packet === undefined) throw new Error('a failed test has no witness');
    return {
      words: `${endWords(model, packet.source)} -> ${endWords(model, packet.destination)} on ${serviceWords(model, packet)}, on ${gateway}`,
      data: { witness: packetWords(model, packet), gateway },
    };
  };
  if (line.expect === 'allow') {
    const outside = outsideZones(model, line);
    if (outside !== undefined) return fail('a part lies in no zone', outside, undefined, 'name only what lies in zones');
    if (isNoService(line.services.set)) return fail('no routed gateway passes it', line.services.text, undefined, 'name an IP service');
  }
  const sides = quantify(plant, line.from.addresses, line.to.addresses);
  if (line.expect === 'allow' && sides.over.length > 0 && sides.within.length === 0 && !namesMessages(plant, line, line.services.set, sides))
    return fail(
      'its services do not exist in the family that its sides share',
      line.services.text,
      undefined,
      'name services that exist in IPv4 or IPv6 as the two sides have it',
    );
  let touched = false;
  const hosts = chainEnds(plant, line);
  for (const pair of plant.pairs(line.from.addresses, line.to.addresses)) {
    touched = true;
    const gateways = plant.joins.gateways(pair.from, pair.to);
    // A gateway that is named is no host of the zone in which its address lies.
    const ends = [intersectAddresses(pair.source, hosts.from), intersectAddresses(pair.destination, hosts.to)] as const;
    const besides = commonFamilies(...ends).length > 0;
    const freely = besides && (pair.from === pair.to || plant.joins.sharedInterface(pair.from, pair.to) !== undefined);
    if (freely) {
      enforced = false;
      if (line.expect === 'deny')
        return fail('no gateway stands between', `${pair.from} -> ${pair.to} talk freely`, undefined, 'what no gateway sees cannot be denied');
      if (gateways.length === 0) continue;
    }
    if (gateways.length === 0 && besides) {
      return fail(
        'no gateway joins them',
        `${pair.from} -> ${pair.to}`,
        undefined,
        'what no gateway sees is neither allowed nor denied: declare the gateway between them',
      );
    }
    for (const name of gateways) {
      const policy = plant.gateway(name);
      if (policy === undefined) continue;
      if (line.expect === 'allow') {
        const set = missing(plant, policy, pair, line.services.set);
        if (set !== empty && !freely) {
          const { words, data } = shown(set, name);
          const limited = diagram.intersect(set, plant.permitted(policy, false)) === set;
          return fail(limited ? 'a rate may deny it' : 'it is denied', words, data, `run \`zonewright trace\` on it to see why`);
        }
      } else {
        const set = diagram.intersect(
          plant.permitted(policy, false),
          plant.product(plant.seenBy(policy, pair.from, pair.source), plant.seenBy(policy, pair.to, pair.destination), line.services.set),
        );
        if (set !== empty) {
          const { words, data } = shown(set, name);
          return fail('it is allowed', words, data, `run \`zonewright trace\` on it to see why`);
        }
      }
    }
  }
  for (const policy of plant.gateways) {
    for (const { hook, peer, asked } of ownQuestions(policy, line)) {
      touched = true;
      const services = line.expect === 'allow' ? line.services.set : withoutDiscovery(line.services.set);
      const { wanted, open } = plant.own(policy, hook, peer, asked, services, line.expect === 'allow');
      const wrong = line.expect === 'allow' ? diagram.subtract(wanted, open) : open;
      if (wrong !== empty) {
        const { words, data } = shown(wrong, policy.gateway);
        return fail(line.expect === 'allow' ? 'it is denied' : 'it is allowed', words, data, 'see `manage`, `receive` and `send` of the gateway');
      }
    }
  }
  if (!touched && line.expect === 'allow')
    return fail('its two sides share no address family', `${line.from.text} -> ${line.to.text}`, undefined, 'name ends that have a common family');
  if (line.expect === 'allow' && sides.over.length + sides.within.length + sides.unseen.length === 0 && !namesGateway(line))
    return fail(
      'what is left of one of its sides is only the gateway itself',
      `${line.from.text} -> ${line.to.text}`,
      undefined,
      'name the gateway to ask what is for it',
    );
  return { failure: undefined, enforced };
}
