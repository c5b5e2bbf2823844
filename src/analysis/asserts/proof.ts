/** What a proof of an assert gives, whatever its kind. */
import type { CodeRow, LabelledSpan } from '../../diagnostics/diagnostic.ts';
import type { Assert, Grade } from '../../model/model.ts';
import type { Span } from '../../base/source.ts';
import { addressesMeet, isEmpty } from '../../net/address-set.ts';
import { grades, type ResolvedSelector } from '../../model/model.ts';
import { intersectServices, isNoService, type ServiceSet, widenFunctions } from '../../packets/service-set.ts';
import type { Entry, GatewayPolicy } from '../../policy/gateway-policy.ts';
import { namesGateway, type Quantified, type Sides } from '../questions.ts';
import type { PlantSets, ZonePair } from '../plant-sets.ts';

export type AssertStatus = 'proved' | 'violated' | 'not enforceable here' | 'vacuous';

export interface AssertResult {
  readonly name: string;
  readonly label: string | null;
  readonly kind: Assert['kind'];
  readonly status: AssertStatus;
  /** What the proof quantified over: pairs of zones (`office -> press`), or flows. */
  readonly over: readonly string[];
  /** Pairs left out since hosts of one zone talk freely. */
  readonly leftOut: readonly string[];
  readonly notEnforceable: readonly string[];
  /** The weakest grade of inspection that the answer rests on, by gateway; for questions about functions. */
  readonly grades: Readonly<Record<string, Grade>>;
  readonly span: Span;
}

export interface Violation {
  readonly code: CodeRow<{ name: string; packet: string }>;
  /** One line in plant words. */
  readonly words: string;
  readonly notes: readonly string[];
  readonly help: readonly string[];
  readonly secondary: readonly LabelledSpan[];
  /** At least `witness`: a packet, or the chain of packets. */
  readonly data: { readonly witness: unknown } & Readonly<Record<string, unknown>>;
}

export interface Proof {
  readonly over: readonly string[];
  readonly leftOut: readonly string[];
  readonly unseen: readonly ZonePair[];
  /** Why the assert is about nothing. */
  readonly vacuous: string | undefined;
  readonly violation: Violation | undefined;
  readonly grades?: Readonly<Record<string, Grade>>;
}

/** Proves one kind of assert. `plant` must hold everything that the assert names. */
export type Prover<Kind extends Assert['kind']> = (plant: PlantSets, assert: Extract<Assert, { kind: Kind }>) => Proof;

export function pairWords(pairs: readonly ZonePair[]): string[] {
  return pairs.map((pair) => `${pair.from} -> ${pair.to}`);
}

/** Why a question between two selectors is about nothing, if it is. */
export function aboutNothing(sides: Sides, { over, within, unseen }: Quantified, whereEnforced: boolean): string | undefined {
  const nothing = [sides.from, sides.to].find((side: ResolvedSelector) => isEmpty(side.addresses) && side.gateways.length === 0);
  if (nothing !== undefined) return `\`${nothing.text}\` selects nothing`;
  if (namesGateway(sides)) return undefined;
  if (over.length + within.length + unseen.length === 0) return 'its two sides share no zones or no address family';
  if (over.length + unseen.length === 0) return 'it is only about hosts of one zone, which talk freely';
  if (over.length === 0 && whereEnforced) return 'no gateway stands between any of its pairs, so nothing of it is enforced';
  return undefined;
}

/**
 * The weakest grade that each gateway achieves for the flows that a question of functions rests on: those that ask for
 * inspection, run between its sides, and have a port of which the question names a part; where a side names the gateway, also lines of its own.
 */
export function gradesFor(policies: readonly GatewayPolicy[], sides: Sides, services: ServiceSet): Record<string, Grade> {
  const result: Record<string, Grade> = {};
  const named = ({ gateways, gatewayAddresses }: Sides['from'], gateway: string): boolean => gateways.includes(gateway) || gatewayAddresses.includes(gateway);
  const meets = (entry: Entry, gateway: string): boolean =>
    (entry.hook === 'input' ? named(sides.to, gateway) : addressesMeet(entry.to, sides.to.addresses)) &&
    (entry.hook === 'output' ? named(sides.from, gateway) : addressesMeet(entry.from, sides.from.addresses)) &&
    !isNoService(intersectServices(widenFunctions(entry.written), services));
  for (const policy of policies) {
    const found = policy.entries
      .filter((entry) => entry.grade !== undefined && meets(entry, policy.gateway))
      .map((entry) => grades.indexOf(entry.grade ?? 'stream'));
    const weakest = grades[Math.min(...found)];
    if (found.length > 0 && weakest !== undefined) result[policy.gateway] = weakest;
  }
  return result;
}
