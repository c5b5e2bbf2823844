/**
 * One conversation that shows the point: hosts that the plant knows rather than bare addresses, well-known ports rather
 * than 0.
 */
import { addressesMeet, type AddressSet, intersectAddresses } from '../net/address-set.ts';
import type { Model } from '../model/model.ts';
import type { Conversation, ConversationSpace } from '../packets/conversation-space.ts';
import type { Node } from '../packets/diagram.ts';

/** Hosts that are tried before any address will do. */
const mostHosts = 256;

/** A member of the set, or undefined for the empty one. */
export function witness(model: Model, space: ConversationSpace, set: Node): Conversation | undefined {
  let chosen = set;
  for (const field of ['destination', 'source'] as const) {
    const host = knownPart(model, space.project(field, chosen));
    if (host !== undefined) chosen = space.diagram.intersect(chosen, space.side(field, host));
  }
  // TCP is what readers expect, where the set leaves the choice.
  return space.pick(chosen);
}

/** The part of the addresses that the first host by name has; undefined if no host has any. */
export function knownPart(model: Model, addresses: AddressSet): AddressSet | undefined {
  const host = model.hosts.slice(0, mostHosts).find((one) => addressesMeet(one.addresses, addresses));
  return host === undefined ? undefined : intersectAddresses(host.addresses, addresses);
}
