// The platforms that the kernel can judge. Takes a ruleset as compiled for one of them, puts it in force in a gateway's namespace in place of
// what was there. The idea: a plant is written for nftables, and dressed for another platform by its target line alone.

import type { Ruleset } from '../generators/compile.ts';
import type { Facts } from '../generators/packets.ts';
import type { KernelGateway } from './gateway.ts';

export interface Backend {
  readonly name: string;
  /** The zone file of the same plant for this platform. */
  readonly dress: (zoneFile: string) => string;
  readonly load: (gateway: KernelGateway, ruleset: Ruleset) => Promise<void>;
  /** No rules of any kind. */
  readonly clear: (gateway: KernelGateway) => Promise<void>;
  /** What this platform may take a packet for: its verdict is right for one of them. */
  readonly readings: (facts: Facts) => readonly Facts[];
}

export const nftables: Backend = {
  name: 'nftables',
  dress: (zoneFile) => zoneFile,
  load: (gateway, ruleset) => gateway.load(ruleset.text),
  clear: () => Promise.resolve(),
  readings: (facts) => [facts],
};

function iptables(tools: 'legacy' | 'nft', sets: 'yes' | 'no'): Backend {
  const restore = async (gateway: KernelGateway, four: string, six: string): Promise<void> => {
    await gateway.run(`iptables-${tools}-restore`, [], four);
    await gateway.run(`ip6tables-${tools}-restore`, [], six);
  };
  return {
    name: `iptables-${tools} ${sets === 'yes' ? 'with' : 'without'} sets`,
    dress: (zoneFile) =>
      zoneFile.replace(/target nftables(?: \{([^}]*)\})?/u, (_, options: string | undefined) => {
        const kept = (options ?? '').replace(/priority \d+/u, '');
        return `target iptables { sets ${sets}  backend ${tools === 'nft' ? 'nf_tables' : 'legacy'} ${kept} }`;
      }),
    // Without --noflush: the table holds nothing but ours, and is replaced in one transaction.
    load: async (gateway, { files }) => {
      const text = (name: string): string | undefined => files.find((file) => file.name === name)?.text;
      const elements = text('ipset.rules');
      if (elements !== undefined) await gateway.run('ipset', ['-exist', 'restore'], elements);
      await restore(gateway, text('iptables.rules') ?? '', text('ip6tables.rules') ?? '');
    },
    clear: async (gateway) => {
      await restore(gateway, '*filter\nCOMMIT\n', '*filter\nCOMMIT\n');
      await gateway.run('ipset', ['destroy']);
    },
    // The old tools walk through an authentication header, as conntrack does, and see it, too; generated ones hold protocol 253.
    readings: (facts) => (tools === 'legacy' && facts.source.family === 6 && facts.protocol === 51 ? [facts, { ...facts, protocol: 253 }] : [facts]),
  };
}

export const iptablesBackends: readonly Backend[] = (['legacy', 'nft'] as const).flatMap((tools) =>
  (['yes', 'no'] as const).map((sets) => iptables(tools, sets)),
);
