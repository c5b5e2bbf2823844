/**
 * The baseline: what every gateway passes without being asked (rule 6), as rows.
 *
 * Loopback and the related ICMP errors are not here: they are matters of interface and state (`sets.ts`, `evaluate.ts`).
 */
import type { InterfaceService } from '../model/interface-services.ts';

const unspecifiedOrLinkLocal = { networks: ['::/128', 'fe80::/10'] } as const;
const everywhere = { networks: ['::/0'] } as const;

export const baseline: readonly InterfaceService[] = [
  {
    name: 'neighbour-discovery',
    title: 'IPv6 neighbour solicitations and advertisements',
    source: 'RFC 4861, 7.1',
    rows: [
      { hook: 'input', family: 6, protocol: 58, values: [135, 136], source: [unspecifiedOrLinkLocal, 'faced'], destination: [everywhere], hopLimit: 255 },
      { hook: 'output', family: 6, protocol: 58, values: [135, 136], source: [unspecifiedOrLinkLocal, 'own'], destination: [everywhere], hopLimit: 255 },
    ],
  },
  {
    name: 'multicast-listener-discovery',
    title: 'IPv6 multicast group membership',
    source: 'RFC 2710, RFC 3810',
    rows: [
      { hook: 'input', family: 6, protocol: 58, values: [130, 131, 132, 143], source: [unspecifiedOrLinkLocal], destination: [everywhere], codeZero: true },
      { hook: 'output', family: 6, protocol: 58, values: [130, 131, 132, 143], source: [unspecifiedOrLinkLocal], destination: [everywhere], codeZero: true },
    ],
  },
];
