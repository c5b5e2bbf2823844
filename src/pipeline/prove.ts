/**
 * Prove: what was emitted for a gateway, read back, against its policy.
 *
 * Equal means: the same packets pass, the same conversations are marked, every rate binds the same packets, and the same packets are answered
 * with a reset. If not, one packet shows the difference.
 */
import type { Rate } from '../model/model.ts';
import type { Packet } from '../packets/packet.ts';
import { empty, type Node } from '../packets/packet-space.ts';
import type { GatewayPolicy } from '../policy/gateway-policy.ts';
import { type PolicySets, policySets, policySpace } from '../policy/sets.ts';
import type { EmittedFile, ReadContext, ReadResult, Target } from '../target/target.ts';

export type Proof =
  | { readonly kind: 'equal' }
  | { readonly kind: 'refused'; readonly refusals: ReadResult['refusals'] }
  | { readonly kind: 'differs'; readonly how: string; readonly packet: Packet | undefined };

/** Reads files back and compares; where they name addresses that the policy does not tell apart, both are asked in a finer space. */
export function proveFiles(policy: GatewayPolicy, sets: PolicySets, target: Target, files: readonly EmittedFile[], mark: ReadContext['mark']): Proof {
  const borders = target.borders(files);
  const fine = borders.every((set) => sets.space.line?.isCutAt(set) ?? true);
  const asked = fine ? sets : policySets(policy, policySpace(policy, ...borders));
  return prove(asked, target.read(files, { space: asked.space, mark }));
}

export function prove(sets: PolicySets, result: ReadResult): Proof {
  if (result.refusals.length > 0) return { kind: 'refused', refusals: result.refusals };
  const { diagram } = sets.space;
  const compare = (wanted: Node, found: Node, more: string, less: string): Proof | undefined => {
    const extra = diagram.subtract(found, wanted);
    if (extra !== empty) return { kind: 'differs', how: more, packet: sets.space.pick(extra) };
    const lacking = diagram.subtract(wanted, found);
    return lacking === empty ? undefined : { kind: 'differs', how: less, packet: sets.space.pick(lacking) };
  };
  return (
    compare(
      diagram.union(sets.accepted, sets.maybe),
      diagram.union(result.accepted, result.maybe),
      'passes, but the policy denies it',
      'is dropped, but the policy allows it',
    ) ??
    compare(sets.accepted, result.accepted, 'passes at any rate, but the policy limits it', 'is limited, but the policy lets it pass at any rate') ??
    compare(sets.marked, result.marked, 'has its conversation marked as judged, but must not', 'passes without its conversation being marked') ??
    compareLimits(sets, result) ??
    compare(
      sets.answered,
      result.answered ?? empty,
      'is answered with a reset, but the policy drops it in silence',
      'is dropped in silence, but the policy has it answered with a reset',
    ) ??
    compare(
      sets.released,
      result.released ?? empty,
      'passes if it is a reset, but the policy lets none pass',
      'is dropped if it is a reset that the gateway sends',
    ) ?? {
      kind: 'equal',
    }
  );
}

const perDay: Readonly<Record<Rate['unit'], number>> = { second: 86_400, minute: 1440, hour: 24, day: 1 };

function compareLimits(sets: PolicySets, result: ReadResult): Proof | undefined {
  // Platforms print a rate in another unit than it was given in.
  const key = (rate: Rate, packets: Node): string => `${rate.amount * perDay[rate.unit]} a day, burst ${rate.burst} of ${packets}`;
  const wanted = new Map<string, number>();
  for (const limit of sets.limited) wanted.set(key(limit.rate, limit.packets), (wanted.get(key(limit.rate, limit.packets)) ?? 0) + 1);
  for (const limit of result.limits) {
    if (limit.packets === empty) continue;
    const name = key(limit.rate, limit.packets);
    const left = wanted.get(name) ?? 0;
    if (left === 0)
      return {
        kind: 'differs',
        how: `is limited to ${limit.rate.amount}/${limit.rate.unit} burst ${limit.rate.burst}, which no flow asks for`,
        packet: sets.space.pick(limit.packets),
      };
    wanted.set(name, left - 1);
  }
  const lacking = sets.limited.find((limit) => (wanted.get(key(limit.rate, limit.packets)) ?? 0) > 0);
  return lacking === undefined
    ? undefined
    : {
        kind: 'differs',
        how: `is not limited to ${lacking.rate.amount}/${lacking.rate.unit} burst ${lacking.rate.burst}`,
        packet: sets.space.pick(lacking.packets),
      };
}
