/**
 * One packet that shows the point: hosts that the plant knows rather than bare addresses, well-known ports rather than 0.
 */
import { isEmpty } from '../net/address-set.ts';
import type { Model } from '../model/model.ts';
import type { Packet } from '../packets/packet.ts';
import { empty, type Field, fields, type Node, type PacketSpace } from '../packets/packet-space.ts';

/** Hosts that are tried before any address will do. */
const mostHosts = 256;

/** A member of the set, or undefined for the empty one. */
export function witness(model: Model, space: PacketSpace, set: Node): Packet | undefined {
  let chosen = set;
  for (const field of ['destination', 'source'] as const) {
    for (const host of model.hosts.slice(0, mostHosts)) {
      const narrowed = isEmpty(host.addresses) ? empty : space.diagram.intersect(chosen, space.addressSet(field, host.addresses));
      if (narrowed === empty) continue;
      chosen = narrowed;
      break;
    }
  }
  // TCP with a client's port is what readers expect, where the set leaves the choice.
  const wish = new Map<Field, bigint>([
    [fields.protocol, 6n],
    [fields.sourcePort, 49_152n],
    [fields.hopLimit, 64n],
    [fields.value, 1n],
  ]);
  return space.pick(chosen, wish);
}
