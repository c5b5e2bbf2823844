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
