/**
 * The one table of targets. Capabilities are at hand at once; emitter and reader are loaded when a gateway needs them.
 */
import type { TargetCapabilities } from '../src/policy/capabilities.ts';
import type { Target } from '../src/target/target.ts';
import { capabilities as iptables } from './iptables/target.ts';
import { capabilities as nftables } from './nftables/target.ts';
import { capabilities as openwrt } from './openwrt/target.ts';
import { capabilities as vyos } from './vyos/target.ts';

export interface TargetRow {
  readonly capabilities: TargetCapabilities;
  readonly load: () => Promise<Target>;
}

export const targets: readonly TargetRow[] = [
  { capabilities: nftables, load: async () => (await import('./nftables/index.ts')).nftables },
  { capabilities: iptables, load: async () => (await import('./iptables/index.ts')).iptables },
  { capabilities: openwrt, load: async () => (await import('./openwrt/index.ts')).openwrt },
  { capabilities: vyos, load: async () => (await import('./vyos/index.ts')).vyos },
];

export const capabilitiesByName: ReadonlyMap<string, TargetCapabilities> = new Map(targets.map((row) => [row.capabilities.name, row.capabilities]));
