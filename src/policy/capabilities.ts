/**
 * What a target can do, as data, and the options that it takes.
 *
 * A plain type of this layer: targets declare it, the composition root hands it in, and `place` finds the gaps, so no
 * analysis ever asks which target it is dealing with.
 */
import type { Grade } from '../model/model.ts';

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
  /** The option that names an engine, and the engines by the values that do. */
  readonly companions?: { readonly option: string; readonly engines: ReadonlyMap<string, Companion> };
  /** The engine that `grades` rest on, where a gateway has chosen one. */
  readonly engine?: string;
  /** Whether an interface may have a dynamic address. */
  readonly dynamicAddresses: boolean;
  readonly logging: boolean;
  readonly counting: boolean;
  readonly rateLimits: boolean;
}

/** Settled options of one gateway: every option of its target has a value. */
export type SettledOptions = ReadonlyMap<string, string>;

export function gradeFor(target: TargetCapabilities, protocol: string): Grade {
  return target.grades[protocol] ?? target.grades.default;
}

const known = new WeakMap<TargetCapabilities, Map<string, TargetCapabilities>>();

/** What a target gives with an engine beside it; the same object for the same engine. */
export function withEngine(target: TargetCapabilities, engine: string): TargetCapabilities {
  const companion = target.companions?.engines.get(engine);
  if (companion === undefined) return target;
  const equipped = known.get(target) ?? new Map<string, TargetCapabilities>();
  known.set(target, equipped);
  const found = equipped.get(engine) ?? { ...target, engine, grades: { ...target.grades, ...companion.grades } };
  equipped.set(engine, found);
  return found;
}
