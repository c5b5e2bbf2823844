/**
 * The policy of a gateway as lists of first-match rules, for platforms that ask one rule after the other.
 *
 * Takes the Ir, gives for each ordered pair of interfaces, and for each interface to and from the gateway, its rules: denies first, then
 * allows, each of one family and with sides that are never empty. Whoever lowers them puts a logged deny behind each list. The idea: what a
 * side is called is decided here, so that platforms with objects of their own show the plant under its own names.
 */
import { families, type Family } from '../net/address.ts';
import { type AddressSet, intersectAddresses } from '../net/address-set.ts';
import { type Ranges, rangesEqual } from '../net/ranges.ts';
import { type FamilyServices, familyServices, hasServices, servicesEqual } from '../packets/service-set.ts';
import type { DeclaredAddresses, Entry, GatewayPolicy, PlacedInterface } from '../policy/gateway-policy.ts';

/** Addresses of one family; never empty. */
export interface RuleSide {
  readonly ranges: Ranges<number> | Ranges<bigint>;
  /** All that the interface faces in this family: rule 1 has asked for it before. */
  readonly whole: boolean;
  /** What the policy calls exactly these addresses, in this family; a host before a group, a group before a zone. */
  readonly declared: DeclaredAddresses | undefined;
}

export interface OrderedRule {
  readonly entry: Entry;
  readonly family: Family;
  /** Undefined: any that counts as the gateway's own, where only the platform knows it. */
  readonly source: RuleSide | undefined;
  readonly destination: RuleSide | undefined;
  /** Never empty. */
  readonly services: FamilyServices;
  /** The declared service that is exactly this, in both families. */
  readonly service: string | undefined;
}

/** From one interface to another; `from` and `to` may be the same. */
export interface InterfacePair {
  readonly from: PlacedInterface;
  readonly to: PlacedInterface;
  /** Nothing goes back out of this one (`shared-wire`). */
  readonly closed: boolean;
  /** Denies first. */
  readonly rules: readonly OrderedRule[];
}

/** Every ordered pair of interfaces, sorted by name. */
export function forwardPairs(policy: GatewayPolicy): InterfacePair[] {
  const entries = inOrder(policy, 'forward');
  const names = new Names(policy);
  return policy.interfaces.flatMap((from) =>
    policy.interfaces.map((to) => {
      const closed = from === to && from.sharedWire;
      const rules = closed ? [] : entries.flatMap((entry) => rulesOf(names, entry, within(entry.from, from), within(entry.to, to)));
      return { from, to, closed, rules };
    }),
  );
}

/** To the gateway by one interface: `manage` and `receive`. */
export function inputRules(policy: GatewayPolicy, face: PlacedInterface): OrderedRule[] {
  const names = new Names(policy);
  return inOrder(policy, 'input').flatMap((entry) => rulesOf(names, entry, within(entry.from, face), own(face.reached)));
}

/** From the gateway by one interface: `send`. */
export function outputRules(policy: GatewayPolicy, face: PlacedInterface): OrderedRule[] {
  const names = new Names(policy);
  return inOrder(policy, 'output').flatMap((entry) => rulesOf(names, entry, own(policy.sending), within(entry.to, face)));
}

/** Denies before allows; in the order of their names, as the Ir has them. */
function inOrder(policy: GatewayPolicy, hook: Entry['hook']): Entry[] {
  const entries = policy.entries.filter((entry) => entry.hook === hook);
  return [...entries.filter((entry) => entry.effect === 'deny'), ...entries.filter((entry) => entry.effect === 'allow')];
}

interface End {
  readonly addresses: AddressSet | undefined;
  /** What is whole. */
  readonly all: AddressSet | undefined;
}

function within(side: AddressSet, face: PlacedInterface): End {
  return { addresses: intersectAddresses(side, face.faced), all: face.faced };
}

function own(addresses: AddressSet | undefined): End {
  return { addresses, all: undefined };
}

function rulesOf(names: Names, entry: Entry, from: End, to: End): OrderedRule[] {
  return families.flatMap((family) => {
    if (!hasServices(entry.enforced, family)) return [];
    const source = sideOf(names, family, from);
    const destination = sideOf(names, family, to);
    if (source === 'empty' || destination === 'empty') return [];
    return [{ entry, family, source, destination, services: familyServices(entry.enforced, family), service: names.service(entry) }];
  });
}

function sideOf(names: Names, family: Family, { addresses, all }: End): RuleSide | undefined | 'empty' {
  if (addresses === undefined) return undefined;
  const ranges = rangesIn(addresses, family);
  if (ranges.length === 0) return 'empty';
  return { ranges, whole: all !== undefined && same(ranges, rangesIn(all, family)), declared: names.addresses(family, ranges) };
}

function rangesIn(set: AddressSet, family: Family): Ranges<number> | Ranges<bigint> {
  return family === 4 ? set.v4 : set.v6;
}

function same(a: Ranges<number> | Ranges<bigint>, b: Ranges<number> | Ranges<bigint>): boolean {
  return rangesEqual<number | bigint>(a, b);
}

/** What the policy calls sets. */
class Names {
  readonly #policy: GatewayPolicy;
  readonly #byRanges = new Map<string, DeclaredAddresses>();
  readonly #services = new Map<Entry, string | undefined>();

  constructor(policy: GatewayPolicy) {
    this.#policy = policy;
    for (const declared of policy.declaredAddresses) {
      for (const family of families) {
        const key = keyOf(family, rangesIn(declared.addresses, family));
        if (!this.#byRanges.has(key)) this.#byRanges.set(key, declared);
      }
    }
  }

  addresses(family: Family, ranges: Ranges<number> | Ranges<bigint>): DeclaredAddresses | undefined {
    return this.#byRanges.get(keyOf(family, ranges));
  }

  service(entry: Entry): string | undefined {
    if (!this.#services.has(entry)) this.#services.set(entry, this.#policy.declaredServices.find(({ set }) => servicesEqual(set, entry.enforced))?.name);
    return this.#services.get(entry);
  }
}

function keyOf(family: Family, ranges: Ranges<number> | Ranges<bigint>): string {
  return `${family} ${ranges.map(({ first, last }) => `${first}-${last}`).join(',')}`;
}
