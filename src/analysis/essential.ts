/**
 * Essential flows must be permitted whole (rule 10): every packet of from × to × service, on every gateway on its path.
 */
import { assertCodes } from '../diagnostics/codes/asserts.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { commonFamilies, type Flow, type GatewayTraffic, type Model, type ResolvedSelector } from '../model/model.ts';
import { type AddressSet, addressesWithin, intersectAddresses, isEmpty, subtractAddresses, unionAddresses } from '../net/address-set.ts';
import { empty } from '../packets/diagram.ts';
import { hasServices, widenFunctions } from '../packets/service-set.ts';
import { isExpired } from '../policy/dates.ts';
import type { GatewayPolicy } from '../policy/gateway-policy.ts';
import { meetsOwn } from '../policy/place.ts';
import { missing } from './questions.ts';
import type { PlantSets } from './plant-sets.ts';
import { witness } from './witness.ts';
import { endWords, packetWords, serviceWords } from './words.ts';

export function checkEssential(model: Model, plant: PlantSets, date: string): Diagnostic[] {
  const inZones = unionAddresses(...model.zones.map((zone) => zone.addresses));
  const flows = model.flows.filter((flow) => flow.essential && flow.effect === 'allow').flatMap((flow) => checkFlow(model, plant, flow, inZones, date) ?? []);
  return [...flows, ...checkOwnTraffic(model, plant, date)];
}

function lost(flow: Flow, why: string, help: string, data?: unknown): Diagnostic {
  return diagnostic(assertCodes.essentialLost, flow.span, { flow: flow.name, why }, { help: [help], data });
}

function checkFlow(model: Model, plant: PlantSets, flow: Flow, inZones: AddressSet, date: string): Diagnostic | undefined {
  if (flow.disabled !== undefined) return lost(flow, 'it is disabled', 'take `disabled` or `essential` out');
  if (isExpired(flow, date)) return lost(flow, `it expired on ${flow.expires?.value ?? ''}`, 'set a later date, or take `expires` out');
  for (const side of [flow.from, flow.to]) {
    if (!addressesWithin(side.addresses, inZones)) return lost(flow, `\`${side.text}\` holds addresses of no zone`, 'name only what lies in zones');
  }
  if (commonFamilies(flow.from.addresses, flow.to.addresses).length === 0)
    return lost(flow, 'its two sides share no address family', 'give both sides an IPv4 or both an IPv6 address');
  if (!commonFamilies(flow.from.addresses, flow.to.addresses).some((family) => hasServices(flow.services.set, family)))
    return lost(flow, 'its services do not exist in the address family that its two sides share', 'name services of that family');
  for (const pair of plant.pairs(flow.from.addresses, flow.to.addresses)) {
    const gateways = plant.joins.gateways(pair.from, pair.to);
    const freely = pair.from === pair.to || plant.joins.sharedInterface(pair.from, pair.to) !== undefined;
    if (gateways.length === 0 && !freely) return lost(flow, `no gateway joins ${pair.from} and ${pair.to}`, 'declare the gateway between them');
    for (const name of gateways) {
      const policy = plant.gateway(name);
      if (policy === undefined) continue;
      const ends = [
        { side: flow.from, asked: pair.source, part: plant.seenBy(policy, pair.from, pair.source) },
        { side: flow.to, asked: pair.destination, part: plant.seenBy(policy, pair.to, pair.destination) },
      ] as const;
      if (commonFamilies(ends[0].part, ends[1].part).length === 0)
        return lost(
          flow,
          `${ownWords(ends)} only addresses of gateway \`${name}\` itself`,
          'what is for a gateway is said by `manage` and `receive`, what it starts by `send`',
        );
      const set = missing(plant, policy, pair, plant.asksBackIn(policy, flow) ? widenFunctions(flow.services.set) : flow.services.set);
      const packet = set === empty ? undefined : witness(model, plant.space, set);
      if (packet === undefined) continue;
      const denies = model.flows.filter(
        (other) =>
          other.effect === 'deny' &&
          policy.entries.some(
            (entry) => entry.origin.name === other.name && plant.space.diagram.intersect(set, plant.product(entry.from, entry.to, entry.enforced)) !== empty,
          ),
      );
      const because = denies.length > 0 ? `, denied by flow ${denies.map((deny) => `\`${deny.name}\``).join(', ')}` : '';
      return diagnostic(
        assertCodes.essentialLost,
        flow.span,
        {
          flow: flow.name,
          why: `${endWords(model, packet.source)} cannot reach ${endWords(model, packet.destination)} on ${serviceWords(model, packet)} through ${name}${because}`,
        },
        {
          secondary: denies.map((deny) => ({ span: deny.span, label: 'this flow denies a part of it' })),
          help: ['an essential flow may lose nothing: narrow the deny, or the flow'],
          data: { witness: packetWords(model, packet), gateway: name },
        },
      );
    }
  }
  return undefined;
}

interface End {
  readonly side: ResolvedSelector;
  readonly asked: AddressSet;
  /** Of `asked`, what is not the gateway's own. */
  readonly part: AddressSet;
}

/** Which end holds nothing else, and in which family, where it has the other too. */
function ownWords(ends: readonly [End, End]): string {
  const shared = commonFamilies(ends[0].asked, ends[1].asked);
  const whole = ends.find(({ part }) => isEmpty(part));
  if (whole !== undefined) return `\`${whole.side.text}\` holds`;
  const said = shared.map((family) => {
    const end = ends.find(({ part }) => !commonFamilies(part, part).includes(family));
    return `\`${end?.side.text ?? ''}\` in IPv${family}`;
  });
  return `in the families that its sides share, it names with ${said.join(' and ')}`;
}

function checkOwnTraffic(model: Model, plant: PlantSets, date: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const gateway of model.gateways) {
    const policy = plant.gateway(gateway.name);
    if (policy === undefined) continue;
    // As declared: a zone that is named is not less for the gateway's own addresses in it.
    const here = new Set(policy.zones.map((zone) => zone.name));
    const faced = unionAddresses(...model.zones.filter((zone) => here.has(zone.name)).map((zone) => zone.addresses));
    for (const line of gateway.traffic) {
      if (!line.essential) continue;
      const why = ownTrafficLost(line, policy, faced, date);
      if (why !== undefined)
        found.push(diagnostic(assertCodes.essentialLost, line.span, { flow: line.name, why }, { help: ['essential traffic may lose nothing'] }));
    }
  }
  return found;
}

function ownTrafficLost(line: GatewayTraffic, policy: GatewayPolicy, faced: AddressSet, date: string): string | undefined {
  if (line.disabled !== undefined) return 'it is disabled';
  if (isExpired(line, date)) return `it expired on ${line.expires?.value ?? ''}`;
  if (!isEmpty(subtractAddresses(line.peer.addresses, faced))) return `no interface of \`${policy.gateway}\` faces all of \`${line.peer.text}\``;
  if (isEmpty(line.peer.addresses)) return `\`${line.peer.text}\` selects nothing`;
  // Each interface that faces a part of the peer must be a way: one that works is not enough.
  const without = policy.interfaces.find((face) => {
    const here = intersectAddresses(line.peer.addresses, face.faced);
    return !isEmpty(here) && !meetsOwn(line.kind === 'send', here, line.services.set, policy.interfaces);
  });
  return without === undefined ? undefined : `\`${policy.gateway}\` has no address by which \`${line.peer.text}\` can talk with it by ${without.name}`;
}
