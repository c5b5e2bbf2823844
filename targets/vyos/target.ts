/** What the VyOS target is and can do, as data. Read in the configuration definitions and templates of VyOS 1.4 and 1.5. */
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';

export const capabilities: TargetCapabilities = {
  name: 'vyos',
  title: 'VyOS zone firewall, as `set` commands',
  versions: 'the templates of VyOS 1.4 and 1.5',
  files: ['firewall.commands'],
  options: [
    {
      name: 'version',
      title: 'the release that the gateway runs: 1.4 has `zone interface` where 1.5 has `zone member interface`',
      type: { kind: 'name', values: ['1.4', '1.5'] },
      default: '1.5',
    },
  ],
  grades: { default: 'ports' },
  dynamicAddresses: true,
  logging: true,
  counting: true,
  // A limit belongs to one rule of one family; a flow is many.
  rateLimits: false,
  conversations: 'kept',
  keeps: { stateBeforeLoopback: true, deniesUntracked: true },
  hopLimits: true,
  wholeTypes: true,
  // No rule of 1.4 can ask whether an address is the gateway's own.
  asksLocal: false,
};

/**
 * Limits of the platform. `name`: characters; VyOS itself has no limit, but nft keeps 128 bytes of a comment and 127 of a log prefix, and
 * both hold the name of the rule set beside some 25 others. `description`: characters.
 */
export const limits = { name: 64, description: 255, rule: 999_999 } as const;
