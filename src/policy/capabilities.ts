/**
 * What a target can do, as data, and the options that it takes.
 *
 * A plain type of this layer: targets declare it, the composition root hands it in, and `place` finds the gaps, so no
 * analysis ever asks which target it is dealing with.
 */
import type { Grade, MessageDetail } from '../model/model.ts';

export type OptionType =
  | { readonly kind: 'name'; readonly values: readonly string[] }
  | { readonly kind: 'number'; readonly first: number; readonly last: number }
  /** 32 bits, of which at least so many are set. */
  | { readonly kind: 'mask'; readonly leastBits: number }
  | { readonly kind: 'string'; readonly pattern: RegExp; readonly expected: string };

export interface OptionSpec {
  readonly name: string;
  readonly title: string;
  readonly type: OptionType;
  readonly default: string;
}

/** An engine beside the gateway that looks into what the gateway hands it. */
export interface Companion {
  /** What it gives by protocol name; for others the target's own grades stand. */
  readonly grades: Readonly<Record<string, Grade>>;
  /** What it tells of messages besides functions, by protocol of `grades`; nothing for those not listed. */
  readonly details?: Readonly<Record<string, readonly MessageDetail[]>>;
  /** Names of the files that come with it. */
  readonly files: readonly string[];
}

export interface TargetCapabilities {
  readonly name: string;
  readonly title: string;
  /** Versions that the output was tried on. */
  readonly versions: string;
  /** Names of the files that it writes for a gateway. */
  readonly files: readonly string[];
  readonly options: readonly OptionSpec[];
  /** Grade by protocol name; `default` for those not listed. */
  readonly grades: { readonly default: Grade } & Readonly<Record<string, Grade>>;
  /** What its rules tell of messages besides functions, by protocol; nothing for those not listed. */
  readonly details?: Readonly<Record<string, readonly MessageDetail[]>>;
  /** Whether it looks into what the called side says, where requests run that way (`requests backward`). */
  readonly looksIntoReplies?: boolean;
  /** Whether it looks into what is for the gateway itself and what it starts, too, at grade `pdu`; if not, its lines cannot name functions. */
  readonly looksIntoOwn?: boolean;
  /** The option by which a gateway answers a segment of TCP with a reset that is denied by what its message says, and its value that says so. */
  readonly resets?: { readonly option: string; readonly value: string };
  /** The option by which a gateway does without looking into messages, and its value that says so: then every grade is the default. */
  readonly blinded?: { readonly option: string; readonly value: string };
  /** Of what `withoutLooking` gives: the option by which it does without, and what the target gives otherwise. */
  readonly without?: { readonly option: string; readonly grades: TargetCapabilities['grades'] };
  /** The option that names an engine, and the engines by the values that do. */
  readonly companions?: { readonly option: string; readonly engines: ReadonlyMap<string, Companion> };
  /** The engine that `grades` rest on, where a gateway has chosen one. */
  readonly engine?: string;
  /** Whether an interface may have a dynamic address. */
  readonly dynamicAddresses: boolean;
  readonly logging: boolean;
  readonly counting: boolean;
  readonly rateLimits: boolean;
  readonly conversations: Conversations;
  /** How a platform that keeps conversations departs from what `kept` says; nothing for one that does not. */
  readonly keeps?: KeepingDetails;
  /** Whether a rule can ask for a hop limit; if not, the baseline passes its messages with any. */
  readonly hopLimits: boolean;
  /** Whether a rule can ask for an ICMPv6 type of any code; if not, group membership passes with code 0 alone, which is all that hosts send. */
  readonly wholeTypes: boolean;
  /**
   * Whether a rule can ask the platform if an address is its own; if not, every unicast address counts as a dynamic one's that is no static
   * address of another interface. What the platform routes on never comes to its own hooks.
   */
  readonly asksLocal: boolean;
}

/**
 * What the target makes of packets that belong to a conversation (rules 2 and 3).
 *
 * `judged`: they pass if their conversation carries the mark of the policy in force, else it is judged again; invalid and untracked packets
 * are denied behind the baseline.
 *
 * `kept`: the platform itself passes, before any rule of ours, in every hook and both directions and whatever their ends, all packets that
 * conntrack calls established, and all that it calls related, ICMP errors or not. There is no mark. Loopback passes before everything, then
 * invalid packets are denied, baseline or not. Untracked packets are taken for new ones: no rule can ask for them.
 */
export type Conversations = 'judged' | 'kept';

export interface KeepingDetails {
  /** The state is asked before loopback, so that invalid packets of the gateway to itself are denied too. */
  readonly stateBeforeLoopback: boolean;
  /** Rules ask for the state *new*: untracked packets are denied behind the baseline. */
  readonly deniesUntracked: boolean;
}

/** Settled options of one gateway: every option of its target has a value. */
export type SettledOptions = ReadonlyMap<string, string>;

export function gradeFor(target: TargetCapabilities, protocol: string): Grade {
  return target.grades[protocol] ?? target.grades.default;
}

const known = new WeakMap<TargetCapabilities, Map<string, TargetCapabilities>>();
const blinded = new WeakMap<TargetCapabilities, TargetCapabilities>();

/** What a target gives that does not look into messages; the same object each time. */
export function withoutLooking(target: TargetCapabilities): TargetCapabilities {
  const { option, value } = target.blinded ?? {};
  const without = option === undefined || value === undefined ? {} : { without: { option: `${option} ${value}`, grades: target.grades } };
  const found = blinded.get(target) ?? { ...target, ...without, grades: { default: target.grades.default } };
  blinded.set(target, found);
  return found;
}

/** What a target gives with an engine beside it; the same object for the same engine. */
export function withEngine(target: TargetCapabilities, engine: string): TargetCapabilities {
  const companion = target.companions?.engines.get(engine);
  if (companion === undefined) return target;
  const equipped = known.get(target) ?? new Map<string, TargetCapabilities>();
  known.set(target, equipped);
  const theirs = Object.fromEntries(Object.keys(companion.grades).map((protocol) => [protocol, companion.details?.[protocol] ?? []]));
  const details = { ...target.details, ...theirs };
  const found = equipped.get(engine) ?? { ...target, engine, grades: { ...target.grades, ...companion.grades }, details };
  equipped.set(engine, found);
  return found;
}
