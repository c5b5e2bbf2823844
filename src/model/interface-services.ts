/**
 * What an interface may run for the gateway itself (`runs dhcp-client, vrrp, …`), as data.
 *
 * Each row says exactly which packets pass, by hook, addresses, protocol and ports. These conversations live on
 * multicast, broadcast or changing addresses, where conntrack says little, so their packets pass whatever their state.
 */
import type { Family } from '../net/address.ts';
import type { Hook } from '../packets/packet.ts';

/**
 * Where an address may lie: in a network; `faced`: in a zone that the interface faces; `own`: an address of the
 * interface (of the gateway, for `output` of an interface with a dynamic address).
 */
export type Where = { readonly networks: readonly string[] } | 'faced' | 'own';

export interface PassRow {
  readonly hook: Exclude<Hook, 'forward'>;
  readonly family: Family;
  readonly protocol: number;
  /** Any of these; undefined: all. */
  readonly sourcePorts?: readonly number[];
  /** Destination ports, or ICMP types of the family. */
  readonly values?: readonly number[];
  readonly source: readonly Where[];
  readonly destination: readonly Where[];
  /** Whoever keeps to the protocol sends these ICMP types with code 0. */
  readonly codeZero?: true;
  /** TTL or hop limit that the packet must have, where the protocol demands it. */
  readonly hopLimit?: number;
}

export interface InterfaceService {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly rows: readonly PassRow[];
}

const anyWhere4 = { networks: ['0.0.0.0/32'] } as const;
const broadcast4 = { networks: ['255.255.255.255/32'] } as const;
const linkLocal = { networks: ['fe80::/10'] } as const;

export const interfaceServices: readonly InterfaceService[] = [
  {
    name: 'echo',
    title: 'answers ping',
    source: 'RFC 792, RFC 4443',
    rows: [
      { hook: 'input', family: 4, protocol: 1, values: [8], source: ['faced'], destination: ['own'] },
      { hook: 'output', family: 4, protocol: 1, values: [0], source: ['own'], destination: ['faced'] },
      { hook: 'input', family: 6, protocol: 58, values: [128], source: ['faced'], destination: ['own'] },
      { hook: 'output', family: 6, protocol: 58, values: [129], source: ['own'], destination: ['faced'] },
    ],
  },
  {
    name: 'dhcp-client',
    title: 'gets its IPv4 address by DHCP',
    source: 'RFC 2131',
    rows: [
      { hook: 'output', family: 4, protocol: 17, sourcePorts: [68], values: [67], source: [anyWhere4, 'own'], destination: [broadcast4, 'faced'] },
      { hook: 'input', family: 4, protocol: 17, sourcePorts: [67], values: [68], source: ['faced'], destination: [broadcast4, 'own'] },
    ],
  },
  {
    name: 'dhcp-server',
    title: 'hands out IPv4 addresses by DHCP',
    source: 'RFC 2131',
    rows: [
      { hook: 'input', family: 4, protocol: 17, sourcePorts: [68], values: [67], source: [anyWhere4, 'faced'], destination: [broadcast4, 'own'] },
      { hook: 'output', family: 4, protocol: 17, sourcePorts: [67], values: [68], source: ['own'], destination: [broadcast4, 'faced'] },
    ],
  },
  {
    name: 'dhcpv6-client',
    title: 'gets its IPv6 address or prefix by DHCPv6',
    source: 'RFC 8415',
    rows: [
      {
        hook: 'output',
        family: 6,
        protocol: 17,
        sourcePorts: [546],
        values: [547],
        source: [linkLocal],
        destination: [{ networks: ['ff02::1:2/128', 'fe80::/10'] }],
      },
      { hook: 'input', family: 6, protocol: 17, sourcePorts: [547], values: [546], source: [linkLocal], destination: [linkLocal] },
    ],
  },
  {
    name: 'dhcpv6-server',
    title: 'hands out IPv6 addresses or prefixes by DHCPv6',
    source: 'RFC 8415',
    rows: [
      {
        hook: 'input',
        family: 6,
        protocol: 17,
        sourcePorts: [546],
        values: [547],
        source: [linkLocal],
        destination: [{ networks: ['ff02::1:2/128', 'fe80::/10'] }],
      },
      { hook: 'output', family: 6, protocol: 17, sourcePorts: [547], values: [546], source: [linkLocal], destination: [linkLocal] },
    ],
  },
  {
    name: 'router-advertisements',
    title: 'advertises itself as an IPv6 router',
    source: 'RFC 4861',
    rows: [
      {
        hook: 'output',
        family: 6,
        protocol: 58,
        values: [134],
        source: [linkLocal],
        destination: [{ networks: ['ff02::1/128', 'fe80::/10'] }, 'faced'],
        hopLimit: 255,
      },
      {
        hook: 'input',
        family: 6,
        protocol: 58,
        values: [133],
        source: [{ networks: ['::/128', 'fe80::/10'] }, 'faced'],
        destination: [{ networks: ['ff02::2/128', 'fe80::/10'] }],
        hopLimit: 255,
      },
    ],
  },
  {
    name: 'router-solicitations',
    title: 'takes its IPv6 route from a router',
    source: 'RFC 4861',
    rows: [
      {
        hook: 'output',
        family: 6,
        protocol: 58,
        values: [133],
        source: [{ networks: ['::/128', 'fe80::/10'] }],
        destination: [{ networks: ['ff02::2/128'] }],
        hopLimit: 255,
      },
      { hook: 'input', family: 6, protocol: 58, values: [134], source: [linkLocal], destination: [{ networks: ['ff02::1/128', 'fe80::/10'] }], hopLimit: 255 },
    ],
  },
  {
    name: 'vrrp',
    title: 'shares an address with another gateway by VRRP',
    source: 'RFC 9568',
    rows: [
      { hook: 'input', family: 4, protocol: 112, source: ['faced'], destination: [{ networks: ['224.0.0.18/32'] }], hopLimit: 255 },
      { hook: 'output', family: 4, protocol: 112, source: ['own'], destination: [{ networks: ['224.0.0.18/32'] }], hopLimit: 255 },
      { hook: 'input', family: 6, protocol: 112, source: [linkLocal], destination: [{ networks: ['ff02::12/128'] }], hopLimit: 255 },
      { hook: 'output', family: 6, protocol: 112, source: [linkLocal], destination: [{ networks: ['ff02::12/128'] }], hopLimit: 255 },
    ],
  },
  {
    name: 'igmp',
    title: 'joins IPv4 multicast groups',
    source: 'RFC 3376',
    rows: [
      { hook: 'input', family: 4, protocol: 2, source: [anyWhere4, 'faced'], destination: [{ networks: ['224.0.0.0/4'] }] },
      { hook: 'output', family: 4, protocol: 2, source: [anyWhere4, 'own'], destination: [{ networks: ['224.0.0.0/4'] }] },
    ],
  },
  {
    name: 'ptp',
    title: 'keeps time by PTP over IPv4',
    source: 'IEEE 1588, annex C',
    rows: [
      {
        hook: 'input',
        family: 4,
        protocol: 17,
        values: [319, 320],
        source: ['faced'],
        destination: [{ networks: ['224.0.1.129/32', '224.0.0.107/32'] }, 'own'],
      },
      {
        hook: 'output',
        family: 4,
        protocol: 17,
        values: [319, 320],
        source: ['own'],
        destination: [{ networks: ['224.0.1.129/32', '224.0.0.107/32'] }, 'faced'],
      },
    ],
  },
];
