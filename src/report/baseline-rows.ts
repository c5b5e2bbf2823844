/**
 * What a gateway passes without being asked, and what its interfaces run, as rows of the listing.
 *
 * Takes a gateway and its placed form, gives one row for each name, interface and direction. The rows of both families
 * stand together; one whose two ends cannot meet (an IPv6 message of an interface without IPv6) is none.
 */
import type { SourceMap } from '../base/source.ts';
import { icmpName } from '../catalogue/icmp.ts';
import { interfaceServices, type Where } from '../model/interface-services.ts';
import type { Gateway } from '../model/model.ts';
import { type AddressSet, builtInNetworks, isEmpty, unionAddresses } from '../net/address-set.ts';
import { baseline } from '../policy/baseline.ts';
import type { GatewayPolicy, Pass, PlacedInterface } from '../policy/gateway-policy.ts';
import type { ListingEnd, ListingRow } from './listing-row.ts';
import { addressWords, inFamilies, zonesOf } from './wires.ts';

/** One end of what passes. */
interface End {
  readonly addresses: AddressSet;
  /** Names of zones, of the gateway, and networks. */
  readonly words: readonly string[];
  readonly zones: readonly string[];
  readonly dynamic: boolean;
}

/** What passes under one name by one interface in one direction, of both families. */
interface Group {
  readonly name: string;
  readonly hook: Pass['hook'];
  readonly source: End;
  readonly destination: End;
  readonly messages: readonly string[];
}

export function baselineRows(gateway: Gateway, policy: GatewayPolicy, sources: SourceMap): ListingRow[] {
  return policy.interfaces.flatMap((face) => {
    const groups = new Map<string, Group>();
    for (const pass of policy.passes) {
      const source = endOf(pass.source, pass, face, policy);
      const destination = endOf(pass.destination, pass, face, policy);
      if (pass.interface !== face.name || !isOpen(source) || !isOpen(destination)) continue;
      const key = `${pass.hook} ${pass.name}`;
      const before = groups.get(key);
      groups.set(key, {
        name: pass.name,
        hook: pass.hook,
        source: united([...(before === undefined ? [] : [before.source]), source]),
        destination: united([...(before === undefined ? [] : [before.destination]), destination]),
        messages: unique([...(before?.messages ?? []), ...messagesOf(pass)]),
      });
    }
    const declared = gateway.interfaces.find((one) => one.name === face.name);
    const place = sources.place(declared?.span ?? gateway.span);
    return [...groups.values()].map((group) => rowOf(group, face.name, policy.gateway, place));
  });
}

function isOpen(end: End): boolean {
  return end.dynamic || !isEmpty(end.addresses);
}

function endOf(where: readonly Where[], pass: Pass, face: PlacedInterface, policy: GatewayPolicy): End {
  return united(where.map((one) => partOf(one, pass, face, policy)).filter(isOpen));
}

/** The same addresses as `whereSet` of `policy/sets.ts` gives. */
function partOf(where: Where, pass: Pass, face: PlacedInterface, policy: GatewayPolicy): End {
  if (where === 'own') {
    const arrives = pass.hook === 'input';
    const addresses = inFamilies(arrives ? face.own : policy.own, [pass.family]);
    return { addresses, words: [policy.gateway], zones: [], dynamic: arrives ? face.dynamic : policy.anyDynamic };
  }
  if (where === 'faced') {
    const addresses = inFamilies(face.faced, [pass.family]);
    const zones = zonesOf(face.zones, addresses);
    return { addresses, words: zones, zones, dynamic: false };
  }
  return { addresses: builtInNetworks(...where.networks), words: where.networks, zones: [], dynamic: false };
}

function united(ends: readonly End[]): End {
  return {
    addresses: unionAddresses(...ends.map((end) => end.addresses)),
    words: unique(ends.flatMap((end) => end.words)),
    zones: unique(ends.flatMap((end) => end.zones)),
    dynamic: ends.some((end) => end.dynamic),
  };
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}

/** `icmpv6 neighbour-solicitation, hop limit 255`, `udp 67 from port 68`, `ip protocol 112`. */
function messagesOf(pass: Pass): string[] {
  const icmp = pass.protocol === (pass.family === 4 ? 1 : 58);
  const protocol = icmp ? (pass.family === 4 ? 'icmp' : 'icmpv6') : pass.protocol === 6 ? 'tcp' : pass.protocol === 17 ? 'udp' : undefined;
  const whole = protocol ?? `ip protocol ${pass.protocol}`;
  const values = pass.values?.map((value) => `${whole} ${icmp ? (icmpName(pass.family, value, undefined) ?? `type ${value}`) : value}`) ?? [whole];
  const ports = pass.sourcePorts === undefined ? '' : ` from port ${pass.sourcePorts.join(' or ')}`;
  return [...values.map((value) => value + ports), ...(pass.hopLimit === undefined ? [] : [`hop limit ${pass.hopLimit}`])];
}

function listingEnd(end: End): ListingEnd {
  return { text: end.words.join(', '), zones: end.zones, addresses: addressWords(end.addresses, end.dynamic) };
}

function rowOf(group: Group, face: string, gateway: string, place: string): ListingRow {
  const arrives = group.hook === 'input';
  const service = [...baseline, ...interfaceServices].find((one) => one.name === group.name);
  return {
    gateway,
    direction: arrives ? 'to the gateway' : 'from the gateway',
    name: group.name,
    label: service?.title ?? null,
    conduit: null,
    effect: 'allow',
    state: 'baseline',
    in: arrives ? [face] : [],
    out: arrives ? [] : [face],
    from: listingEnd(group.source),
    to: listingEnd(group.destination),
    services: group.messages.join(', '),
    grade: null,
    widened: false,
    acceptsWeaker: null,
    log: false,
    count: false,
    rate: null,
    owner: null,
    ticket: null,
    reason: service?.source ?? null,
    expires: null,
    essential: false,
    place,
  };
}
