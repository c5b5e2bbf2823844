/** What the iptables target is and can do, as data. Measured on iptables 1.8.9 (both back ends), ipset 7.17 and Linux 6.18. */
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';

export const capabilities: TargetCapabilities = {
  name: 'iptables',
  title: 'Linux iptables and ip6tables, chains of one prefix in the table `filter`, with or without ipset',
  versions: 'iptables 1.8.9 legacy and nf_tables, ipset 7.17, Linux 6.18',
  files: ['iptables.rules', 'ip6tables.rules', 'ipset.rules', 'load.sh'],
  options: [
    {
      name: 'sets',
      title: 'whether the gateway has ipset; without it, addresses are found by trees of chains',
      type: { kind: 'name', values: ['yes', 'no'] },
      default: 'yes',
    },
    {
      name: 'backend',
      title: 'which tools the loader calls: iptables-legacy or iptables-nft; the rules are the same',
      type: { kind: 'name', values: ['legacy', 'nf_tables'] },
      default: 'legacy',
    },
    {
      name: 'chain-prefix',
      title: 'what names of our chains and sets begin with, before a dot; chains and sets of other names are left alone',
      type: { kind: 'string', pattern: /^[a-z][a-z0-9]{0,7}$/u, expected: 'a letter and up to seven letters or digits, all lower case' },
      default: 'zw',
    },
    {
      name: 'mark-mask',
      title: 'bits of the conntrack mark that carry the number of the policy in force; others are left alone',
      // With n bits one reload in 2^n would take the new policy's number for the old one's, and cut nothing.
      type: { kind: 'mask', leastBits: 16 },
      default: String(0xffff_ffff),
    },
    {
      name: 'messages',
      title: 'how rules look into messages: by programs of BPF (the match `bpf`), or none',
      type: { kind: 'name', values: ['bpf', 'none'] },
      default: 'bpf',
    },
    {
      name: 'denied-messages',
      title: 'what becomes of a message of TCP that no flow allows, in a conversation that may go on: drop, or reset, which ends the connection of its sender',
      type: { kind: 'name', values: ['drop', 'reset'] },
      default: 'drop',
    },
    {
      name: 'inspect-with',
      title: 'the engine that looks into flows whose functions are named: suricata, or none',
      type: { kind: 'name', values: ['none', 'suricata'] },
      default: 'none',
    },
    {
      name: 'queue',
      title: 'number of the queue by which packets go to the engine and back',
      type: { kind: 'number', first: 0, last: 65_535 },
      default: '0',
    },
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
  resets: { option: 'denied-messages', value: 'reset' },
  looksIntoReplies: true,
  looksIntoOwn: true,
  details: { modbus: ['unit', 'address'] },
  blinded: { option: 'messages', value: 'none' },
  companions: {
    option: 'inspect-with',
    engines: new Map([['suricata', { grades: { modbus: 'stream' }, details: { modbus: ['unit'] }, files: ['suricata.yaml', 'suricata.rules'] }]]),
  },
  dynamicAddresses: true,
  logging: true,
  counting: true,
  rateLimits: true,
  conversations: 'judged',
  hopLimits: true,
  wholeTypes: true,
  asksLocal: true,
};

/**
 * Limits of the platform, in characters; `slots`: of multiport, where a range counts two; `nested`: chains below a built-in one in
 * nf_tables; `rules`: of a family, what a small gateway still loads in seconds; `instructions` of a program, and characters of its `bytecode`.
 */
export const limits = {
  comment: 255,
  logPrefix: 29,
  chain: 28,
  set: 31,
  slots: 15,
  nested: 15,
  rules: 100_000,
  burst: 10_000,
  perSecond: 10_000,
  instructions: 64,
  bytecode: 1000,
} as const;

/** Of Suricata's files: addresses of one list in a rule (a rule has 8192 characters), and rules that have numbers of their own behind one list. */
export const engineLimits = { addresses: 40, lists: 9_000, rulesOfList: 100, firstRule: 1_000_000, message: 200 } as const;

/** The bits of the mask hold the policy's number; never all zero, which is the mark of the unjudged. */
export function markOf(mask: number, policyNumber: number): { mask: number; value: number } {
  const value = (policyNumber & mask) >>> 0;
  return { mask, value: value === 0 ? (mask & -mask) >>> 0 : value };
}
