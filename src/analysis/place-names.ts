/**
 * Sets of addresses in as few names as the zone file allows.
 *
 * Takes addresses of one family as a gateway sees them, gives the items of a selector that means exactly these: `any`,
 * zones, groups, hosts, `zone except …`, and bare networks only where nothing has a name. A selector is read back
 * within the zones that the gateway faces, so its own addresses need no exception.
 */
import {
  addressRanges,
  addressesWithin,
  type AddressSet,
  intersectAddresses,
  isEmpty,
  noAddresses,
  subtractAddresses,
  unionAddresses,
} from '../net/address-set.ts';
import { formatRange } from '../net/address.ts';
import type { Model } from '../model/model.ts';
import { braced } from './item-list.ts';

interface Named {
  readonly name: string;
  readonly addresses: AddressSet;
}

/** The zones in which names are read: those of a gateway, or the whole plant's. */
export interface View {
  readonly zones: readonly Named[];
}

type Family = 4 | 6;

function familyOf(set: AddressSet, family: Family): AddressSet {
  return family === 4 ? { v4: set.v4, v6: [] } : { v4: [], v6: set.v6 };
}

function within(all: readonly Named[], scope: AddressSet, family: Family): Named[] {
  return all
    .map(({ name, addresses }) => ({ name, addresses: familyOf(intersectAddresses(addresses, scope), family) }))
    .filter(({ addresses }) => !isEmpty(addresses));
}

/** Names of one view and family. */
class FamilyNames {
  readonly #zones: readonly Named[];
  readonly #groups: readonly Named[];
  readonly #everything: AddressSet;
  /** Hosts by their first address, ascending. */
  readonly #hosts: readonly Named[];
  readonly #known = new Map<string, readonly string[]>();

  constructor(model: Model, view: View, family: Family) {
    const scope = unionAddresses(...view.zones.map((zone) => zone.addresses));
    this.#everything = familyOf(scope, family);
    this.#zones = within(view.zones, scope, family);
    this.#groups = within(model.groups, scope, family);
    this.#hosts = within(model.hosts, scope, family).toSorted((a, b) => (firstOf(a.addresses) < firstOf(b.addresses) ? -1 : 1));
  }

  items(set: AddressSet): readonly string[] {
    const key = addressRanges(set)
      .map((range) => `${range.first}-${range.last}`)
      .join();
    let items = this.#known.get(key);
    if (items === undefined) {
      items = this.#find(set, true);
      this.#known.set(key, items);
    }
    return items;
  }

  #find(set: AddressSet, mayExcept: boolean): readonly string[] {
    if (isEmpty(set)) return [];
    const rest = subtractAddresses(this.#everything, set);
    if (isEmpty(rest) && addressesWithin(set, this.#everything)) return ['any'];
    const items: string[] = [];
    let left = set;
    let partial = noAddresses;
    for (const zone of this.#zones) {
      const part = intersectAddresses(zone.addresses, set);
      if (isEmpty(part)) continue;
      left = subtractAddresses(left, part);
      if (addressesWithin(zone.addresses, set)) items.push(zone.name);
      else partial = unionAddresses(partial, part);
    }
    items.push(...this.#partial(partial, set, mayExcept));
    items.push(...addressRanges(left).map((range) => formatRange(range)));
    if (mayExcept && items.length > 2 && addressRanges(rest).length < items.length * 4) {
      const outside = this.#find(rest, false);
      if (outside.length + 1 < items.length) return [`any except ${braced(outside)}`];
    }
    return items;
  }

  /** Parts of zones: groups first, then hosts, then zones with exceptions, then networks. */
  #partial(partial: AddressSet, whole: AddressSet, mayExcept: boolean): string[] {
    if (isEmpty(partial)) return [];
    const items: string[] = [];
    let left = partial;
    const candidates = this.#groups
      .filter((group) => addressesWithin(group.addresses, whole))
      .map((group) => ({ ...group, hosts: this.#hostsIn(group.addresses).length }))
      .toSorted((a, b) => b.hosts - a.hosts || (a.name < b.name ? -1 : 1));
    for (const group of candidates) {
      const gained = intersectAddresses(group.addresses, left);
      if (
        isEmpty(gained) ||
        (this.#hostsIn(gained).length < 2 && addressesWithin(gained, unionAddresses(...this.#hostsIn(gained).map((host) => host.addresses))))
      )
        continue;
      items.push(group.name);
      left = subtractAddresses(left, group.addresses);
    }
    for (const zone of this.#zones) {
      const part = intersectAddresses(zone.addresses, left);
      if (isEmpty(part)) continue;
      const inner = this.#bare(part);
      const missing = subtractAddresses(zone.addresses, whole);
      // Each range that is missing needs a word of its own, so a long list of them is not worth spelling.
      if (mayExcept && inner.length > 0 && addressRanges(missing).length <= inner.length) {
        const outer = this.#bare(missing);
        if (outer.length < inner.length || (outer.length === inner.length && inner.every((item) => /^[0-9a-f]*[.:]/u.test(item)))) {
          items.push(`${zone.name} except ${braced(outer)}`);
          continue;
        }
      }
      items.push(...inner);
    }
    return items;
  }

  /** Hosts, and networks for what no host has. */
  #bare(part: AddressSet): string[] {
    const hosts = this.#hostsIn(part);
    const left = subtractAddresses(part, unionAddresses(...hosts.map((host) => host.addresses)));
    return [...hosts.map((host) => host.name).sort(), ...addressRanges(left).map((range) => formatRange(range))];
  }

  /** Hosts that lie wholly in the set. */
  #hostsIn(set: AddressSet): Named[] {
    const found: Named[] = [];
    for (const range of addressRanges(set)) {
      let low = 0;
      let high = this.#hosts.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (firstOf((this.#hosts[middle] as Named).addresses) < range.first) low = middle + 1;
        else high = middle;
      }
      for (let at = low; at < this.#hosts.length; at++) {
        const host = this.#hosts[at] as Named;
        if (firstOf(host.addresses) > range.last) break;
        if (addressesWithin(host.addresses, set)) found.push(host);
      }
    }
    return found;
  }
}

function firstOf(set: AddressSet): number | bigint {
  return set.v4[0]?.first ?? set.v6[0]?.first ?? 0;
}

/** Names for one view of a model. */
export class PlaceNames {
  readonly #names: Readonly<Record<Family, FamilyNames>>;

  constructor(model: Model, view: View) {
    this.#names = { 4: new FamilyNames(model, view, 4), 6: new FamilyNames(model, view, 6) };
  }

  /** The items of a selector for the addresses of one family. */
  items(set: AddressSet, family: Family): readonly string[] {
    return this.#names[family].items(familyOf(set, family));
  }
}
