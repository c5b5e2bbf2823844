/** The openwrt target: data, emitter and reader put together. */
import { diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { targetCodes } from '../../src/diagnostics/codes/target.ts';
import type { Target } from '../../src/target/target.ts';
import { emit } from './emit.ts';
import { borders, interfaces, read, readRunning } from './reader.ts';
import { capabilities } from './target.ts';
import { Inexpressible } from './tokens.ts';

export const openwrt: Target = {
  capabilities,
  mark: () => undefined,
  emit: (policy, facts) => {
    try {
      return { emission: emit(policy, facts), diagnostics: [] };
    } catch (error) {
      if (!(error instanceof Inexpressible)) throw error;
      const refusal = diagnostic(
        targetCodes.inexpressible,
        error.span,
        { what: error.message, gateway: policy.gateway, target: capabilities.name },
        { help: [error.help] },
      );
      return { emission: { files: [], shortened: new Map(), plan: [] }, diagnostics: [refusal] };
    }
  },
  borders,
  read,
  readRunning,
  runningBorders: borders,
  runningInterfaces: interfaces,
  runningMark: () => undefined,
};
