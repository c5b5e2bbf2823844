/** What the nftables target is and can do, as data. Measured on nft 1.0.6 and Linux 6.18. */
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';

export const capabilities: TargetCapabilities = {
  name: 'nftables',
  title: 'Linux nftables, one table `inet zonewright`',
  versions: 'nft 1.0.6, Linux 6.18',
  files: ['ruleset.nft'],
  options: [
    {
      name: 'mark-mask',
      title: 'bits of the conntrack mark that carry the number of the policy in force; others are left alone',
      // With n bits one reload in 2^n would take the new policy's number for the old one's, and cut nothing.
      type: { kind: 'mask', leastBits: 16 },
      default: String(0xffff_ffff),
    },
    {
      name: 'denied-messages',
      title: 'what becomes of a message of TCP that no flow allows, in a conversation that may go on: drop, or reset, which ends the connection of its sender',
      type: { kind: 'name', values: ['drop', 'reset'] },
      default: 'drop',
    },
    { name: 'priority', title: 'priority of the base chains, relative to `filter`', type: { kind: 'number', first: 0, last: 99 }, default: '0' },
  ],
  // Protocols that have a frame (src/catalogue/frames.ts).
  grades: {
    default: 'ports',
    ads: 'pdu',
    bacnet: 'pdu',
    dnp3: 'pdu',
    enip: 'pdu',
    fins: 'pdu',
    'hart-ip': 'pdu',
    hsms: 'pdu',
    modbus: 'pdu',
    s7comm: 'pdu',
    slmp: 'pdu',
  },
  details: { modbus: ['unit', 'address'] },
  resets: { option: 'denied-messages', value: 'reset' },
  looksIntoReplies: true,
  looksIntoOwn: true,
  dynamicAddresses: true,
  logging: true,
  counting: true,
  rateLimits: true,
  conversations: 'judged',
  hopLimits: true,
  wholeTypes: true,
  asksLocal: true,
};

/** Limits of the platform, in bytes. */
export const limits = { comment: 127, logPrefix: 126, name: 120 } as const;

/** The bits of the mask hold the policy's number; never all zero, which is the mark of the unjudged. */
export function markOf(mask: number, policyNumber: number): { mask: number; value: number } {
  const value = (policyNumber & mask) >>> 0;
  return { mask, value: value === 0 ? (mask & -mask) >>> 0 : value };
}
