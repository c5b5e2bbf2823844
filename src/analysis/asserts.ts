/**
 * Asserts `never` and `always`, proved over all packets.
 *
 * Takes the plant's sets, gives for each assert what was quantified over and a diagnostic if it is violated, not
 * enforceable here, or about nothing. What no gateway sees is never called proved (rule 12).
 */
import { assertCodes } from '../diagnostics/codes/asserts.ts';
import { type Diagnostic, diagnostic, type LabelledSpan } from '../diagnostics/diagnostic.ts';
import { addressSetOf, type AddressSet, containsAddress, isEmpty, someAddress, subtractAddresses, unionAddresses } from '../net/address-set.ts';
import { formatAddress } from '../net/address.ts';
import type { Assert, Model, ResolvedSelector } from '../model/model.ts';
import { empty, fields, type Node } from '../packets/packet-space.ts';
import { isNoService } from '../packets/service-set.ts';
import type { GatewayPolicy } from '../policy/gateway-policy.ts';
import type { PlantSets, ZonePair } from './plant-sets.ts';
import { witness } from './witness.ts';
import { endWords, packetWords, serviceWords, zoneOf } from './words.ts';

export type AssertStatus = 'proved' | 'violated' | 'not enforceable here' | 'vacuous';

export interface AssertResult {
  readonly name: string;
  readonly kind: Assert['kind'];
  readonly status: AssertStatus;
  /** Pairs of zones that the proof quantified over, `office -> press`. */
  readonly over: readonly string[];
  /** Pairs left out since hosts of one zone talk freely. */
  readonly leftOut: readonly string[];
  readonly notEnforceable: readonly string[];
}

export function proveAsserts(model: Model, plant: PlantSets): { readonly results: AssertResult[]; readonly diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const results = model.asserts.map((assert) => prove(model, plant, assert, diagnostics));
  return { results, diagnostics };
}

function prove(model: Model, plant: PlantSets, assert: Assert, diagnostics: Diagnostic[]): AssertResult {
  const allPairs = plant.pairs(assert.from.addresses, assert.to.addresses);
  const leftOut = allPairs.filter((pair) => pair.from === pair.to && plant.joins.gateways(pair.from, pair.to).length === 0);
  const others = allPairs.filter((pair) => !leftOut.includes(pair));
  const free = others.filter((pair) => plant.joins.sharedInterface(pair.from, pair.to) !== undefined || plant.joins.gateways(pair.from, pair.to).length === 0);
  const over = others.filter((pair) => !free.includes(pair) && pair.from !== pair.to);
  const sameZone = others.filter((pair) => !free.includes(pair) && pair.from === pair.to);
  const words = (pairs: readonly ZonePair[]): string[] => pairs.map((pair) => `${pair.from} -> ${pair.to}`);
  const result = (status: AssertStatus): AssertResult => ({
    name: assert.name,
    kind: assert.kind,
    status,
    over: words(over),
    leftOut: words([...leftOut, ...sameZone]),
    notEnforceable: words(free),
  });
  const aboutGateways = [assert.from, assert.to].some((side) => side.gateways.length + side.gatewayAddresses.length > 0);
  const why = isEmpty(assert.from.addresses)
    ? `\`${assert.from.text}\` selects nothing`
    : isEmpty(assert.to.addresses)
      ? `\`${assert.to.text}\` selects nothing`
      : isNoService(assert.services.set)
        ? `\`${assert.services.text}\` names nothing that a routed gateway could pass`
        : allPairs.length === 0 && !aboutGateways
          ? 'its two sides share no zones or no address family'
          : over.length === 0 && free.length === 0 && !aboutGateways
            ? 'it is only about hosts of one zone, which talk freely'
            : over.length === 0 && !aboutGateways && assert.whereEnforced
              ? 'no gateway stands between any of its pairs, so nothing of it is enforced'
              : undefined;
  if (why !== undefined) {
    diagnostics.push(
      diagnostic(assertCodes.vacuous, assert.span, { name: assert.name, why }, { help: ['an invariant about nothing proves nothing: check its selectors'] }),
    );
    return result('vacuous');
  }
  const outside = assert.kind === 'always' ? outsideZones(model, assert) : undefined;
  if (outside !== undefined) {
    diagnostics.push(
      diagnostic(
        assertCodes.alwaysViolated,
        assert.span,
        { name: assert.name, packet: `${outside} lies in no zone, so nothing reaches it` },
        { help: ['name only what lies in zones'] },
      ),
    );
    return result('violated');
  }
  const broken = assert.kind === 'never' ? neverBroken(model, plant, assert, over) : alwaysBroken(plant, assert, over);
  if (broken !== undefined) {
    diagnostics.push(violation(model, plant, assert, broken, words(over)));
    return result('violated');
  }
  if (free.length > 0 && !assert.whereEnforced) {
    const shown = words(free).slice(0, 4).join(', ') + (free.length > 4 ? ` and ${free.length - 4} more` : '');
    diagnostics.push(
      diagnostic(
        assertCodes.notEnforceable,
        assert.span,
        { name: assert.name, pairs: shown },
        {
          notes: free.slice(0, 4).map((pair) => {
            const shared = plant.joins.sharedInterface(pair.from, pair.to);
            return shared === undefined
              ? `no gateway joins ${pair.from} and ${pair.to}`
              : `${pair.from} and ${pair.to} share interface ${shared} and reach each other freely`;
          }),
          help: ['put a gateway between them, narrow the assert, or end it in `where enforced`'],
        },
      ),
    );
    return result('not enforceable here');
  }
  return result('proved');
}

/** An address that one of the sides names and no zone or gateway has. */
export function outsideZones(model: Model, question: { readonly from: ResolvedSelector; readonly to: ResolvedSelector }): string | undefined {
  const known = unionAddresses(
    ...model.zones.map((zone) => zone.addresses),
    ...model.gateways.flatMap((gateway) => gateway.interfaces.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address)))),
  );
  for (const side of [question.from, question.to]) {
    const address = someAddress(subtractAddresses(side.addresses, known));
    if (address !== undefined) return formatAddress(address);
  }
  return undefined;
}

interface Broken {
  readonly set: Node;
  readonly gateway: GatewayPolicy;
  readonly hook: 'forward' | 'input' | 'output';
}

/** Empty iff no packet of any pair is permitted by any gateway on its path. */
function neverBroken(model: Model, plant: PlantSets, assert: Assert, over: readonly ZonePair[]): Broken | undefined {
  const { diagram } = plant.space;
  for (const policy of plant.gateways) {
    const regions = over
      .filter((pair) => plant.joins.gateways(pair.from, pair.to).includes(policy.gateway))
      .map((pair) => plant.product(indistinguishable(model, plant, pair), pair.destination, assert.services.set));
    const set = diagram.intersect(plant.permitted(policy, false), diagram.unionAll(regions));
    if (set !== empty) return { set, gateway: policy, hook: 'forward' };
    for (const { hook, peer, asked } of ownQuestions(policy, assert)) {
      const { open } = plant.own(policy, hook, peer, asked, assert.services.set);
      if (open !== empty) return { set: open, gateway: policy, hook };
    }
  }
  return undefined;
}

/** The pair's sources, and every zone that shares their wire: a host of one can take an address of the other (rule 12). */
function indistinguishable(model: Model, plant: PlantSets, pair: ZonePair): AddressSet {
  const siblings = model.zones.filter((zone) => zone.name !== pair.from && plant.joins.sharedInterface(zone.name, pair.from) !== undefined);
  return siblings.length === 0 ? pair.source : unionAddresses(pair.source, ...siblings.map((zone) => zone.addresses));
}

/** Empty iff every packet of every pair is permitted by every gateway on its path, whatever any rate says. */
function alwaysBroken(plant: PlantSets, assert: Assert, over: readonly ZonePair[]): Broken | undefined {
  for (const pair of over) {
    for (const name of plant.joins.gateways(pair.from, pair.to)) {
      const policy = plant.gateway(name);
      if (policy === undefined) continue;
      const set = missing(plant, policy, pair, assert.services.set);
      if (set !== empty) return { set, gateway: policy, hook: 'forward' };
    }
  }
  for (const policy of plant.gateways) {
    for (const { hook, peer, asked } of ownQuestions(policy, assert)) {
      const { wanted, open } = plant.own(policy, hook, peer, asked, assert.services.set);
      const set = plant.space.diagram.subtract(wanted, open);
      if (set !== empty) return { set, gateway: policy, hook };
    }
  }
  return undefined;
}

/** What a question with two sides asks of the gateway itself: as a whole where it is named, at one address where that is. */
export function ownQuestions(
  policy: GatewayPolicy,
  question: { readonly from: ResolvedSelector; readonly to: ResolvedSelector },
): { hook: 'input' | 'output'; peer: AddressSet; asked: AddressSet | undefined }[] {
  const result: { hook: 'input' | 'output'; peer: AddressSet; asked: AddressSet | undefined }[] = [];
  for (const [hook, self, other] of [
    ['input', question.to, question.from],
    ['output', question.from, question.to],
  ] as const) {
    if (self.gateways.includes(policy.gateway)) result.push({ hook, peer: other.addresses, asked: undefined });
    if (self.gatewayAddresses.includes(policy.gateway)) result.push({ hook, peer: other.addresses, asked: self.addresses });
  }
  return result;
}

/** Packets of the pair that the gateway does not permit whole. */
export function missing(plant: PlantSets, policy: GatewayPolicy, pair: ZonePair, services: Assert['services']['set']): Node {
  const wanted = plant.product(plant.seenBy(policy, pair.from, pair.source), plant.seenBy(policy, pair.to, pair.destination), services);
  return plant.space.diagram.subtract(wanted, plant.permitted(policy, true));
}

function violation(model: Model, plant: PlantSets, assert: Assert, broken: Broken, over: readonly string[]): Diagnostic {
  const packet = witness(model, plant.space, broken.set);
  if (packet === undefined) throw new Error('a violated assert has no witness');
  const source = endWords(model, packet.source);
  const destination = endWords(model, packet.destination);
  const service = serviceWords(model, packet);
  const notes = [`quantified over ${over.slice(0, 6).join(', ')}${over.length > 6 ? ` and ${over.length - 6} more pairs` : ''}`];
  const data = { witness: packetWords(model, packet), gateway: broken.gateway.gateway };
  if (assert.kind === 'always') {
    const limited = broken.hook === 'forward' && plant.space.contains(plant.permitted(broken.gateway, false), { ...packet, hook: 'forward' });
    const fails = limited ? `reaches ${destination} on ${service} only as far as a rate allows` : `cannot reach ${destination} on ${service}`;
    return diagnostic(
      assertCodes.alwaysViolated,
      assert.span,
      { name: assert.name, packet: `${source} ${fails}, on ${broken.gateway.gateway}` },
      { notes, data, help: ['allow the whole of it, or narrow the assert'] },
    );
  }
  const { space } = plant;
  const { diagram } = space;
  const ends = plant.product(addressSetOf(packet.source), addressSetOf(packet.destination), assert.services.set);
  const message = diagram.intersect(
    space.among(fields.protocol, [packet.protocol]),
    diagram.intersect(space.among(fields.value, [packet.value]), space.among(fields.function, [packet.functionNumber])),
  );
  const member = diagram.intersect(broken.set, diagram.intersect(ends, message));
  if (!containsAddress(assert.from.addresses, packet.source)) {
    notes.push(`${zoneOf(model, packet.source) ?? 'the source'} shares a wire with what the assert names, so a host of one can take an address of the other`);
  }
  const flows = broken.hook === 'forward' ? plant.flowsPermitting(broken.gateway, member) : [];
  const through = flows.length > 0 ? ` through flow ${flows.map((flow) => `\`${flow.name}\``).join(', ')}` : '';
  const secondary: LabelledSpan[] = flows.map((flow) => ({ span: flow.span, label: 'this flow lets it through' }));
  return diagnostic(
    assertCodes.neverViolated,
    assert.span,
    { name: assert.name, packet: `${source} reaches ${destination} on ${service}${through}, on ${broken.gateway.gateway}` },
    { notes, secondary, data, help: ['narrow the flow, or deny what the assert forbids'] },
  );
}
