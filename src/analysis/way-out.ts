/**
 * The way out of a denial that no flow could mend: spoofed and unrouted packets, addresses that belong to no zone,
 * shared wires and bad connection states; each with the interface or line where the plant says otherwise.
 */
import type { Gateway, Interface, Model } from '../model/model.ts';
import { type Address, formatAddress } from '../net/address.ts';
import { type AddressSet, builtInNetworks, containsAddress, zonelessAddresses } from '../net/address-set.ts';
import type { Packet } from '../packets/packet.ts';
import type { Gatehouse, Verdict } from '../policy/evaluate.ts';
import { gatewayOnlyAddresses } from '../policy/place.ts';
import { zoneOf } from './words.ts';

/** The interface that has the address, of those whose address is declared. */
export function ownFace(gateway: Gateway, address: Address): Interface | undefined {
  return gateway.interfaces.find((face) => face.addresses.some((own) => own.address.family === address.family && own.address.value === address.value));
}

export function wayOut({ model, gateway }: Gatehouse, packet: Packet, { reason }: Verdict): string | undefined {
  switch (reason.kind) {
    case 'spoofed':
      return astray(model, gateway, packet.source, packet.inInterface, 'it came in by', 'which no packet from outside may bear');
    case 'unrouted':
      return astray(model, gateway, packet.destination, packet.outInterface, 'it would go out by', 'where flows never reach: `manage` and `receive` open it');
    case 'shared-wire':
      return `${packet.inInterface ?? ''} is a shared wire, so nothing goes back out of it: the two hosts reach each other without ${gateway.name}`;
    case 'state':
      return 'the conversation must be started anew, and both directions must pass this gateway';
    case 'default':
      return packet.hook === 'input' && !packet.local && ownFace(gateway, packet.destination) === undefined
        ? `${unzoned(gateway, packet.destination) ?? formatAddress(packet.destination)}: no flow reaches it; only what ${packet.inInterface ?? ''} \`runs\` may open it`
        : undefined;
    default:
      return undefined;
  }
}

/** Where an address belongs that was met on the wrong side. */
function astray(model: Model, gateway: Gateway, address: Address, met: string | undefined, verb: string, own: string): string {
  const text = formatAddress(address);
  if (ownFace(gateway, address) !== undefined) return `${text} is an address of ${gateway.name} itself, ${own}`;
  const special = unzoned(gateway, address);
  if (special !== undefined) return special;
  const zone = zoneOf(model, address);
  if (zone === undefined) return `${text} lies in no zone`;
  const faces = gateway.interfaces.filter((face) => face.faces.includes(zone)).map((face) => face.name);
  const known = gateway.interfaces.some((face) => face.name === met);
  const where = faces.length === 0 ? `no interface of ${gateway.name} faces` : `${faces.join(' and ')} ${faces.length === 1 ? 'faces' : 'face'}`;
  return `${text} lies in zone ${zone}, which ${where}; ${verb} ${met ?? ''}${known ? '' : `, which ${gateway.name} does not declare`}`;
}

const kinds: readonly (readonly [AddressSet, string])[] = [
  [builtInNetworks('224.0.0.0/4', 'ff00::/8'), 'a multicast address'],
  [builtInNetworks('255.255.255.255/32'), 'the broadcast address'],
  [builtInNetworks('127.0.0.0/8', '::1/128'), 'a loopback address'],
  [builtInNetworks('169.254.0.0/16', 'fe80::/10'), 'a link-local address'],
  [zonelessAddresses, 'the address of a host that has none yet'],
];

/** What an address is that belongs to no zone, whatever the zones say; undefined for others. */
export function unzoned(gateway: Gateway | undefined, address: Address): string | undefined {
  const kind = kinds.find(([set]) => containsAddress(set, address))?.[1];
  const own = kind === undefined && gateway !== undefined && containsAddress(gatewayOnlyAddresses(gateway), address);
  const what = kind ?? (own ? `the ${address.family === 4 ? 'directed broadcast' : 'router anycast'} of a network of ${gateway.name}` : undefined);
  return what === undefined ? undefined : `${formatAddress(address)} is ${what}, which belongs to no zone`;
}
