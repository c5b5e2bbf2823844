/**
 * ICMP and ICMPv6 messages by name.
 *
 * Gives type and code for the names that `icmp …` takes (RFC 792, 1256, 4443, 4861, 2710, 3122, 3810, 8335 and the
 * registries of ICMP parameters). The one idea: a name means the message of either family that has it, so
 * `echo-request` is ICMP 8 and ICMPv6 128.
 */
export interface IcmpMessage {
  readonly family: 4 | 6;
  readonly type: number;
  /** Undefined: every code of the type. */
  readonly code: number | undefined;
}

type TypeAndCode = number | readonly [type: number, code: number];

/** Name, ICMP, ICMPv6; undefined where the family has no such message. */
const table: readonly (readonly [name: string, icmp: TypeAndCode | undefined, icmpv6: TypeAndCode | undefined])[] = [
  ['echo-request', 8, 128],
  ['echo-reply', 0, 129],
  ['extended-echo-request', 42, 160],
  ['extended-echo-reply', 43, 161],

  ['destination-unreachable', 3, 1],
  ['network-unreachable', [3, 0], undefined],
  ['host-unreachable', [3, 1], undefined],
  ['protocol-unreachable', [3, 2], undefined],
  ['port-unreachable', [3, 3], [1, 4]],
  ['fragmentation-needed', [3, 4], undefined],
  ['source-route-failed', [3, 5], undefined],
  ['network-unknown', [3, 6], undefined],
  ['host-unknown', [3, 7], undefined],
  ['network-prohibited', [3, 9], undefined],
  ['host-prohibited', [3, 10], undefined],
  ['communication-prohibited', [3, 13], [1, 1]],
  ['no-route', undefined, [1, 0]],
  ['beyond-scope', undefined, [1, 2]],
  ['address-unreachable', undefined, [1, 3]],
  ['policy-failed', undefined, [1, 5]],
  ['route-rejected', undefined, [1, 6]],

  ['packet-too-big', undefined, 2],

  ['time-exceeded', 11, 3],
  ['hop-limit-exceeded', [11, 0], [3, 0]],
  ['reassembly-time-exceeded', [11, 1], [3, 1]],

  ['parameter-problem', 12, 4],
  ['bad-header', [12, 0], [4, 0]],
  ['unknown-next-header', undefined, [4, 1]],
  ['unknown-option', undefined, [4, 2]],
  ['missing-option', [12, 1], undefined],

  ['redirect', 5, 137],
  ['router-solicitation', 10, 133],
  ['router-advertisement', 9, 134],
  ['neighbour-solicitation', undefined, 135],
  ['neighbour-advertisement', undefined, 136],
  ['inverse-neighbour-solicitation', undefined, 141],
  ['inverse-neighbour-advertisement', undefined, 142],
  ['router-renumbering', undefined, 138],

  ['listener-query', undefined, 130],
  ['listener-report', undefined, 131],
  ['listener-done', undefined, 132],
  ['listener-report-v2', undefined, 143],

  ['timestamp-request', 13, undefined],
  ['timestamp-reply', 14, undefined],
  ['source-quench', 4, undefined],
  ['information-request', 15, undefined],
  ['information-reply', 16, undefined],
  ['address-mask-request', 17, undefined],
  ['address-mask-reply', 18, undefined],
];

/** Other spellings of names in the table. */
const spellings: readonly (readonly [spelling: string, name: string])[] = [
  ['neighbor-solicitation', 'neighbour-solicitation'],
  ['neighbor-advertisement', 'neighbour-advertisement'],
  ['inverse-neighbor-solicitation', 'inverse-neighbour-solicitation'],
  ['inverse-neighbor-advertisement', 'inverse-neighbour-advertisement'],
  ['multicast-listener-query', 'listener-query'],
  ['multicast-listener-report', 'listener-report'],
  ['multicast-listener-done', 'listener-done'],
  ['multicast-listener-report-v2', 'listener-report-v2'],
  ['ttl-exceeded', 'hop-limit-exceeded'],
  ['administratively-prohibited', 'communication-prohibited'],
];

function message(family: 4 | 6, value: TypeAndCode | undefined): readonly IcmpMessage[] {
  if (value === undefined) return [];
  const [type, code] = typeof value === 'number' ? [value, undefined] : value;
  return [Object.freeze({ family, type, code })];
}

function build(): ReadonlyMap<string, readonly IcmpMessage[]> {
  const messages = new Map<string, readonly IcmpMessage[]>();
  for (const [name, icmp, icmpv6] of table) messages.set(name, Object.freeze([...message(4, icmp), ...message(6, icmpv6)]));
  for (const [spelling, name] of spellings) messages.set(spelling, messages.get(name) ?? []);
  return messages;
}

/** Every name, other spellings included, with its messages: one or two, never none. */
export const icmpMessages: ReadonlyMap<string, readonly IcmpMessage[]> = build();

/** The messages that a name means; undefined for an unknown name. */
export function icmpMessage(name: string): readonly IcmpMessage[] | undefined {
  return icmpMessages.get(name);
}

/** The name to print for a type and code: the exact one if there is one, else that of the type, else undefined. */
export function icmpName(family: 4 | 6, type: number, code: number | undefined): string | undefined {
  let ofType: string | undefined;
  for (const [name, messages] of icmpMessages) {
    for (const candidate of messages) {
      if (candidate.family !== family || candidate.type !== type) continue;
      if (candidate.code === code) return name;
      if (candidate.code === undefined) ofType ??= name;
    }
  }
  return ofType;
}
