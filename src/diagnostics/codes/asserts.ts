/** ZW4xxx: asserts and tests. */
import { row } from '../diagnostic.ts';

export const assertCodes = {
  neverViolated: row<{ name: string; packet: string }>('ZW4001', 'never-violated', 'error', 'finding', (a) => `assert \`${a.name}\` is violated: ${a.packet}`),
  alwaysViolated: row<{ name: string; packet: string }>(
    'ZW4002',
    'always-violated',
    'error',
    'finding',
    (a) => `assert \`${a.name}\` is violated: ${a.packet}`,
  ),
  notEnforceable: row<{ name: string; pairs: string }>(
    'ZW4003',
    'not-enforceable',
    'error',
    'finding',
    (a) => `assert \`${a.name}\` is not enforceable here: no gateway stands between ${a.pairs}`,
  ),
  vacuous: row<{ name: string; why: string }>('ZW4004', 'vacuous', 'warning', 'finding', (a) => `\`${a.name}\` proves nothing: ${a.why}`),
  testFailed: row<{ expected: string; got: string; packet: string }>(
    'ZW4005',
    'test-failed',
    'error',
    'finding',
    (a) => `test expects ${a.expected}, but ${a.got}: ${a.packet}`,
  ),
  testOutside: row<{ text: string }>('ZW4006', 'test-outside', 'error', 'input', (a) => `\`${a.text}\` lies in no zone, so a test of it says nothing`),
  essentialLost: row<{ flow: string; why: string }>(
    'ZW4007',
    'essential-lost',
    'error',
    'finding',
    (a) => `essential flow \`${a.flow}\` is not permitted whole: ${a.why}`,
  ),
} as const;
