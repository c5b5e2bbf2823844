/** What the openwrt target is and can do, as data. Read from the sources of firewall4 and firewall3; see README.md. */
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';

export const capabilities: TargetCapabilities = {
  name: 'openwrt',
  title: 'OpenWrt, `/etc/config/firewall` in UCI syntax, for fw4 or the older fw3',
  versions: 'nft 1.0.6, iptables 1.8.9 and Linux 6.18, with what fw4 and fw3 would load; on no device yet',
  files: ['firewall', 'check-on-device.sh'],
  options: [
    {
      name: 'dialect',
      title: 'fw4 (nftables, OpenWrt 22.03 and later) or fw3 (iptables: older OpenWrt, Teltonika RutOS)',
      type: { kind: 'name', values: ['fw4', 'fw3'] },
      default: 'fw4',
    },
  ],
  grades: { default: 'ports' },
  dynamicAddresses: true,
  logging: true,
  counting: true,
  rateLimits: false,
  conversations: 'kept',
  hopLimits: false,
  wholeTypes: false,
  asksLocal: false,
};

export type Dialect = 'fw4' | 'fw3';

/**
 * Limits of the platform. `name`: of a rule in bytes, nft's 128 for a comment less its end and `!fw4: `; `logPrefix` of nft in bytes. `zone`: what the
 * longest chain name of either leaves. `rules`: that the platform makes of ours, before a small gateway takes minutes to load them.
 */
export const limits = { name: 121, logPrefix: 126, set: 31, zone: { fw4: 40, fw3: 11 }, rules: 20_000 } as const;

/** Hexadecimal digits at the end of a set's name. */
export const setHash = 6;
