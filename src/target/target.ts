/**
 * The port between the compiler and its targets.
 *
 * A target is one folder: what it can do (data), how it writes a gateway's policy, and how what it wrote is read back.
 * Emitter and reader share no code; the compiler compares their packet sets and writes nothing if they differ.
 */
import type { Span } from '../base/source.ts';
import type { TargetCapabilities } from '../policy/capabilities.ts';
import type { GatewayPolicy, Rate } from '../policy/gateway-policy.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { PlanRow } from './plan-row.ts';
import type { Node, PacketSpace } from '../packets/packet-space.ts';

/** What every emitted file says of itself. */
export interface EmissionFacts {
  readonly policyTitle: string;
  readonly revision: number | undefined;
  /** Digest of the sources, hexadecimal. */
  readonly sourceDigest: string;
  readonly date: string;
  readonly compilerVersion: string;
  /** The number that judged conversations carry (`policyNumber`). */
  readonly policyNumber: number;
  /** `plant.zone:41`. */
  readonly place: (span: Span) => string;
}

export interface EmittedFile {
  readonly name: string;
  readonly text: string;
  /** A script that brings the others into force: it holds no rule, and no reader reads it. */
  readonly loader?: true;
}

export interface Emission {
  readonly files: readonly EmittedFile[];
  /** Names that had to be shortened, by the name emitted. */
  readonly shortened: ReadonlyMap<string, string>;
  /** How its lookups were planned, for `compile --explain-plan`. */
  readonly plan: readonly PlanRow[];
}

/** A rate limit found in a configuration: packets that ask it. */
export interface ReadLimit {
  /** What tells this limit from others: two flows may not share one. */
  readonly identity: string;
  readonly rate: Rate;
  readonly packets: Node;
}

/** What a reader makes of a configuration: three answers of packets that are not in `unknown`. */
export interface ReadResult {
  /** Packets that pass whatever any rate says. */
  readonly accepted: Node;
  /** Packets that pass if a rate lets them. */
  readonly maybe: Node;
  /** Packets after which the conversation carries the mark of the policy in force; none without a mark. */
  readonly marked: Node;
  /** Packets that meet something not modelled, and whose fate depends on it; what they meet is among the refusals. */
  readonly unknown: Node;
  readonly limits: readonly ReadLimit[];
  /** Packets that are answered with a reset of TCP instead of being dropped in silence; undefined: none. */
  readonly answered?: Node;
  /** Packets in whose place a segment of TCP that only resets passes, though they do not; undefined: none. */
  readonly released?: Node;
  /** What a running gateway lacks altogether (a table, a jump): then it passes what its platform passes by itself. */
  readonly missing?: string;
  /** Why this is no whole dump of such a platform; then nothing else is said but the same as a refusal. */
  readonly unreadable?: string;
  /** What the reader does not model, with its place; non-empty means: never equal. */
  readonly refusals: readonly { readonly line: number | undefined; readonly what: string }[];
  /** What else hooks the same traffic (other tables), for `verify`. */
  readonly others: readonly string[];
}

/** A conntrack mark: `(mark & mask) == value`. */
export interface ConntrackMark {
  readonly mask: number;
  readonly value: number;
}

/** What a reader has to know besides the text. */
export interface ReadContext {
  readonly space: PacketSpace;
  /** The mark of the policy in force; undefined for a target that keeps conversations. */
  readonly mark: ConntrackMark | undefined;
}

/** The mark that a reader of a target with marks is given. */
export function markIn({ mark }: ReadContext): ConntrackMark {
  if (mark === undefined) throw new Error('this target judges conversations by their mark, and none was given');
  return mark;
}

export interface Target {
  readonly capabilities: TargetCapabilities;
  /** The mark that its emission uses, after the target's options; undefined for a target that keeps conversations. */
  readonly mark: (policy: GatewayPolicy, policyNumber: number) => ConntrackMark | undefined;
  readonly emit: (policy: GatewayPolicy, facts: EmissionFacts) => { readonly emission: Emission; readonly diagnostics: readonly Diagnostic[] };
  /** The addresses that emitted files name: a space in which they are read must be cut at their borders. */
  readonly borders: (files: readonly EmittedFile[]) => readonly AddressSet[];
  /** Reads what `emit` wrote. */
  readonly read: (files: readonly EmittedFile[], context: ReadContext) => ReadResult;
  /** Reads what a running gateway says of itself; files in any order. */
  readonly readRunning: (files: readonly EmittedFile[], context: ReadContext) => ReadResult;
  /** The addresses that such files name, as `borders`. */
  readonly runningBorders: (files: readonly EmittedFile[]) => readonly AddressSet[];
  /** The interfaces that they name, whether the gateway declares them or not. */
  readonly runningInterfaces: (files: readonly EmittedFile[]) => readonly string[];
  /** The mark that the running rules give to conversations; undefined if they give none, or several. */
  readonly runningMark: (files: readonly EmittedFile[]) => ConntrackMark | undefined;
}
