/**
 * The groups of a gateway: addresses, ports and interfaces under the names that the zone file gives them.
 *
 * Takes sets, gives what a rule asks for: an address alone stands in the rule, what the zone file declares is a group of that name, and the
 * rest is a group named after what needs it. Each content is one group.
 */
import { createHash } from 'node:crypto';
import type { AddressSet } from '../../src/net/address-set.ts';
import type { Family } from '../../src/net/address.ts';
import { type Ranges, rangesEqual } from '../../src/net/ranges.ts';
import { familyServices } from '../../src/packets/service-set.ts';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import { Names } from './names.ts';
import { addressSpan, interfaceName, keyword, phrase, portSpan, prefixOf, type Token } from './tokens.ts';
import type { CommandView } from './view.ts';

export type FamilyRanges = Ranges<number> | Ranges<bigint>;

/** What a rule says of one side: `group address-group office`, `address 10.0.0.5`. */
export interface Match {
  readonly leaf: Token;
  readonly value: Token;
}

export class Objects {
  readonly commands: CommandView[] = [];
  readonly #declared: Readonly<Record<Family, Map<string, string>>> = { 4: new Map(), 6: new Map() };
  readonly #ports = new Map<string, string>();
  readonly #addressNames: Readonly<Record<Family, Names>>;
  readonly #portNames: Names;
  readonly #interfaceNames = new Names();
  readonly #known = new Map<string, Match>();

  constructor(policy: GatewayPolicy) {
    // Names of the zone file are kept for what bears them there.
    for (const family of [4, 6] as const) {
      for (const { name, addresses } of policy.declaredAddresses) {
        const key = content(rangesIn(addresses, family));
        if (!this.#declared[family].has(key)) this.#declared[family].set(key, name);
      }
    }
    this.#addressNames = { 4: new Names(), 6: new Names() };
    this.#portNames = new Names();
    for (const { name, set } of policy.declaredServices) {
      for (const family of [4, 6] as const) {
        const { values } = familyServices(set, family);
        for (const protocol of [6, 17]) {
          const ports = values.get(protocol);
          if (ports === undefined) continue;
          const key = content(ports);
          const both = values.has(6) && values.has(17) && !rangesEqual(values.get(6) ?? [], values.get(17) ?? []);
          if (!this.#ports.has(key)) this.#ports.set(key, both ? `${name}.${protocol === 6 ? 'tcp' : 'udp'}` : name);
        }
      }
    }
  }

  get changed(): ReadonlyMap<string, string> {
    return new Map([...this.#addressNames[4].changed, ...this.#addressNames[6].changed, ...this.#portNames.changed, ...this.#interfaceNames.changed]);
  }

  /** `wanted`: the name of a set that the zone file does not declare. Never empty. */
  addresses(family: Family, ranges: FamilyRanges, wanted: string): Match {
    const key = `${family} ${content(ranges)}`;
    const declared = this.#declared[family].get(content(ranges));
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const [only, ...more] = ranges;
    if (only === undefined) throw new Error(`no address for ${wanted}`);
    const prefixes = ranges.map((range) => prefixOf(range, family));
    const networks = prefixes.every((prefix, index) => prefix !== undefined && ranges[index]?.first !== ranges[index]?.last);
    if (declared === undefined && more.length === 0) {
      const found = { leaf: keyword('address'), value: networks && prefixes[0] !== undefined ? prefixes[0] : addressSpan(only) };
      this.#known.set(key, found);
      return found;
    }
    const word = networks ? 'network-group' : 'address-group';
    const name = this.#addressNames[family].add(declared ?? wanted, `${wanted} ${key}`);
    const path = phrase(keyword('firewall group'), keyword(family === 4 ? word : `ipv6-${word}`), name);
    this.#push(path, keyword(networks ? 'network' : 'address'), networks ? prefixes.filter((prefix) => prefix !== undefined) : ranges.map(addressSpan));
    const found = { leaf: phrase(keyword('group'), keyword(word)), value: name };
    this.#known.set(key, found);
    return found;
  }

  /** A group if the zone file has a service of just these ports; undefined: they have no name. */
  ports(ranges: Ranges<number>): Match | undefined {
    const key = `ports ${content(ranges)}`;
    const declared = this.#ports.get(content(ranges));
    if (declared === undefined || ranges.some(({ first }) => first === 0)) return undefined;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.#portNames.add(declared, key);
    this.#push(phrase(keyword('firewall group port-group'), name), keyword('port'), ranges.map(portSpan));
    const found = { leaf: keyword('group port-group'), value: name };
    this.#known.set(key, found);
    return found;
  }

  /** A group of interfaces under this name, made on first use. */
  interfaces(wanted: string, names: readonly string[]): Token {
    const key = `interfaces ${wanted}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known.value;
    const value = this.#interfaceNames.add(wanted);
    this.#push(phrase(keyword('firewall group interface-group'), value), keyword('interface'), names.map(interfaceName));
    this.#known.set(key, { leaf: keyword('group'), value });
    return value;
  }

  #push(path: Token, leaf: Token, values: readonly Token[]): void {
    for (const value of values) this.commands.push({ path: phrase(path, leaf), value });
  }
}

function rangesIn(set: AddressSet, family: Family): FamilyRanges {
  return family === 4 ? set.v4 : set.v6;
}

function content(ranges: FamilyRanges): string {
  const text = ranges.map(({ first, last }) => `${first}-${last}`).join();
  return text.length < 200 ? text : createHash('sha256').update(text).digest('hex');
}
