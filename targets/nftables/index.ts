/** The nftables target: data, emitter and reader put together. */
import type { Target } from '../../src/target/target.ts';
import { emit } from './emit.ts';
import { borders, read, readRunning, runningBorders, runningInterfaces, runningMark } from './reader.ts';
import { capabilities, markOf } from './target.ts';

export const nftables: Target = {
  capabilities,
  mark: (policy, policyNumber) => markOf(Number(policy.options.get('mark-mask') ?? 0xffff_ffff), policyNumber),
  emit: (policy, facts) => ({ emission: emit(policy, facts), diagnostics: [] }),
  borders,
  read,
  readRunning,
  runningBorders,
  runningInterfaces,
  runningMark,
};
