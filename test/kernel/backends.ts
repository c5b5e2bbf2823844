// The platforms that the kernel can judge. Takes a ruleset as compiled for one of them, puts it in force in a gateway's namespace in place of
// what was there. The idea: a plant is written for nftables, and dressed for another platform by its target line alone.

import { Inexpressible as inexpressibleByIptables } from '../../targets/iptables/tokens.ts';
import { Inexpressible as inexpressibleByOpenwrt } from '../../targets/openwrt/tokens.ts';
import { Inexpressible as inexpressibleByVyos } from '../../targets/vyos/tokens.ts';
import type { Ruleset } from '../generators/compile.ts';
import type { Facts } from '../generators/packets.ts';
import type { Plant } from '../generators/plants.ts';
import { forOpenwrt } from '../targets/openwrt/dress.ts';
import { renderFw3 } from '../targets/openwrt/fw3-rendering.ts';
import { renderFw4 } from '../targets/openwrt/fw4-rendering.ts';
import { forVyos, onVyosInterfaces, type Version } from '../targets/vyos/dress.ts';
import { renderVyos, vyosTable } from '../targets/vyos/vyos-rendering.ts';
import type { GatewaySpec, KernelGateway } from './gateway.ts';

export interface Backend {
  readonly name: string;
  /** The zone file of the same plant for this platform. */
  readonly dress: (zoneFile: string) => string;
  /** The same plant on a box that this platform can run on. */
  readonly settle?: (plant: Plant) => Plant;
  /** Priorities around all of its rules, where they are not around 0 alone. */
  readonly window?: GatewaySpec['window'];
  readonly load: (gateway: KernelGateway, ruleset: Ruleset) => Promise<void>;
  /** No rules of any kind. */
  readonly clear: (gateway: KernelGateway) => Promise<void>;
  /** What this platform may take a packet for: its verdict is right for one of them. */
  readonly readings: (facts: Facts) => readonly Facts[];
  /** Known conversations pass without a mark, whatever the policy in force says. */
  readonly keeps?: true;
}

/** Whether a platform has no words for a plant. */
export function isRefusal(error: unknown): boolean {
  return [inexpressibleByIptables, inexpressibleByOpenwrt, inexpressibleByVyos].some((kind) => error instanceof kind);
}

export const nftables: Backend = {
  name: 'nftables',
  dress: (zoneFile) => zoneFile,
  load: (gateway, ruleset) => gateway.load(ruleset.text),
  clear: () => Promise.resolve(),
  readings: (facts) => [facts],
};

/** Without --noflush: the table holds nothing but ours, and is replaced in one transaction. */
async function restore(gateway: KernelGateway, tools: 'legacy' | 'nft', four: string, six: string): Promise<void> {
  await gateway.run(`iptables-${tools}-restore`, [], four);
  await gateway.run(`ip6tables-${tools}-restore`, [], six);
}

async function clearIptables(gateway: KernelGateway, tools: 'legacy' | 'nft'): Promise<void> {
  await restore(gateway, tools, '*filter\nCOMMIT\n', '*filter\nCOMMIT\n');
  await gateway.run('ipset', ['destroy']);
}

/** The old tools walk through an authentication header, as conntrack does, and see it, too; generated ones hold protocol 253. */
function behindAuthentication(facts: Facts): readonly Facts[] {
  return facts.source.family === 6 && facts.protocol === 51 ? [facts, { ...facts, protocol: 253 }] : [facts];
}

function iptables(tools: 'legacy' | 'nft', sets: 'yes' | 'no'): Backend {
  return {
    name: `iptables-${tools} ${sets === 'yes' ? 'with' : 'without'} sets`,
    dress: (zoneFile) =>
      zoneFile.replace(/target nftables(?: \{([^}]*)\})?/u, (_, options: string | undefined) => {
        const kept = (options ?? '').replace(/priority \d+/u, '');
        return `target iptables { sets ${sets}  backend ${tools === 'nft' ? 'nf_tables' : 'legacy'} ${kept} }`;
      }),
    load: async (gateway, { files }) => {
      const text = (name: string): string | undefined => files.find((file) => file.name === name)?.text;
      const elements = text('ipset.rules');
      if (elements !== undefined) await gateway.run('ipset', ['-exist', 'restore'], elements);
      await restore(gateway, tools, text('iptables.rules') ?? '', text('ip6tables.rules') ?? '');
    },
    clear: (gateway) => clearIptables(gateway, tools),
    readings: (facts) => (tools === 'legacy' ? behindAuthentication(facts) : [facts]),
  };
}

export const iptablesBackends: readonly Backend[] = (['legacy', 'nft'] as const).flatMap((tools) =>
  (['yes', 'no'] as const).map((sets) => iptables(tools, sets)),
);

/** `share`: of everything that is tried on nftables, what is tried here, too, in a short run. */
export interface LookingPlace {
  readonly backend: Backend;
  readonly families: readonly string[];
  readonly share: 'all' | 'some';
}

/** Where messages are looked into: on nftables, and on both back ends of iptables by one family each, or by both (`ZW_MESSAGE_BACKENDS=all`). */
export const lookingPlaces: readonly LookingPlace[] = [
  { backend: nftables, families: ['IPv4', 'IPv6'], share: 'all' },
  ...(process.env['ZW_MESSAGE_BACKENDS'] === 'all'
    ? iptablesBackends.map((backend): LookingPlace => ({ backend, families: ['IPv4', 'IPv6'], share: 'all' }))
    : ([
        { backend: iptables('legacy', 'yes'), families: ['IPv4'], share: 'some' },
        { backend: iptables('nft', 'no'), families: ['IPv6'], share: 'some' },
      ] as const)),
];

/** `render`: what the platform makes of the commands. */
export function vyosBackend(name: string, version: Version, render: (commands: string) => string): Backend {
  return {
    name,
    dress: (zoneFile) => forVyos(zoneFile, version),
    settle: onVyosInterfaces,
    // The zones of VyOS stand at priority 1.
    window: { before: -1, after: 2 },
    load: (gateway, { text }) => gateway.load(render(text)),
    clear: (gateway) => gateway.load(['ip', 'ip6'].map((family) => `table ${family} ${vyosTable}\ndelete table ${family} ${vyosTable}\n`).join('')),
    readings: (facts) => [facts],
    keeps: true,
  };
}

/** The commands that VyOS gets, as the nft tables that it would make of them. */
export const vyos: Backend = vyosBackend('vyos, rendered', '1.5', renderVyos);

/** The file that OpenWrt gets, as the nft table that fw4 would make of it (test/targets/openwrt/fw4-rendering.ts). */
export const openwrt: Backend = {
  name: 'openwrt fw4, rendered',
  dress: (zoneFile) => forOpenwrt(zoneFile, 'fw4'),
  load: async (gateway, ruleset) => {
    const { nft, warnings } = renderFw4(ruleset.text);
    if (warnings.length > 0) throw new Error(warnings.join('\n'));
    await gateway.load(nft);
  },
  clear: () => Promise.resolve(),
  readings: (facts) => [facts],
  keeps: true,
};

/** The same for the older dialect, as the rules of iptables that fw3 would make of it (test/targets/openwrt/fw3-rendering.ts). */
export const openwrtFw3: Backend = {
  name: 'openwrt fw3, rendered',
  dress: (zoneFile) => forOpenwrt(zoneFile, 'fw3'),
  load: async (gateway, ruleset) => {
    const { four, six, sets } = renderFw3(ruleset.text);
    await gateway.run('ipset', ['-exist', 'restore'], sets);
    await restore(gateway, 'legacy', four, six);
  },
  clear: (gateway) => clearIptables(gateway, 'legacy'),
  readings: behindAuthentication,
  keeps: true,
};
