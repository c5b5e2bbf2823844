/** The VyOS target: data, emitter and reader put together. */
import { targetCodes } from '../../src/diagnostics/codes/target.ts';
import { diagnostic } from '../../src/diagnostics/diagnostic.ts';
import type { Emission, Target } from '../../src/target/target.ts';
import { emit } from './emit.ts';
import { borders, interfaces, read, readRunning } from './reader.ts';
import { capabilities } from './target.ts';
import { Inexpressible } from './tokens.ts';

const nothing: Emission = { files: [], shortened: new Map(), plan: [] };

export const vyos: Target = {
  capabilities,
  mark: () => undefined,
  emit: (policy, facts) => {
    try {
      return { emission: emit(policy, facts), diagnostics: [] };
    } catch (error) {
      if (!(error instanceof Inexpressible)) throw error;
      const words = { what: error.message, gateway: policy.gateway, target: capabilities.name };
      return { emission: nothing, diagnostics: [diagnostic(targetCodes.inexpressible, undefined, words, { help: [error.help] })] };
    }
  },
  borders,
  read,
  readRunning,
  runningBorders: borders,
  runningInterfaces: interfaces,
  runningMark: () => undefined,
};
