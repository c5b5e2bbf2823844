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
  everyFlowViolated: row<{ name: string; packet: string }>(
    'ZW4008',
    'every-flow-violated',
    'error',
    'finding',
    (a) => `assert \`${a.name}\` is violated: ${a.packet}`,
  ),
  viaViolated: row<{ name: string; packet: string }>('ZW4009', 'via-violated', 'error', 'finding', (a) => `assert \`${a.name}\` is violated: ${a.packet}`),
  hopsViolated: row<{ name: string; packet: string }>('ZW4010', 'hops-violated', 'error', 'finding', (a) => `assert \`${a.name}\` is violated: ${a.packet}`),
  essentialGone: row<{ flow: string; why: string }>(
    'ZW4011',
    'essential-gone',
    'error',
    'finding',
    (a) => `essential flow \`${a.flow}\` of the earlier compile is lost: ${a.why}`,
  ),
  managementLost: row<{ row: string }>('ZW4012', 'management-lost', 'error', 'finding', (a) => `management is lost: ${a.row}`),
  essentialCut: row<{ row: string }>('ZW4013', 'essential-cut', 'error', 'finding', (a) => `essential flow is lost: ${a.row}`),
  newlyAllowed: row<{ row: string }>('ZW4014', 'newly-allowed', 'error', 'finding', (a) => `newly allowed: ${a.row}`),
  newlyDenied: row<{ row: string }>('ZW4015', 'newly-denied', 'error', 'finding', (a) => `newly denied: ${a.row}`),
  flowChanged: row<{ row: string }>('ZW4016', 'flow-changed', 'error', 'finding', (a) => `changed: ${a.row}`),
  gatewayChanged: row<{ row: string }>('ZW4017', 'gateway-changed', 'error', 'finding', (a) => `gateway ${a.row}`),
} as const;
