/** ZW5xxx: the policy is sound, but a gateway's target cannot express it. */
import { row } from '../diagnostic.ts';

export const targetCodes = {
  gradeNotReached: row<{ flow: string; gateway: string; target: string; asked: string; given: string }>(
    'ZW5001',
    'grade-not-reached',
    'error',
    'target',
    (a) => `flow \`${a.flow}\` asks for inspection \`${a.asked}\`, but target \`${a.target}\` of gateway \`${a.gateway}\` gives \`${a.given}\``,
  ),
  denyOfFunctions: row<{ flow: string; gateway: string; target: string }>(
    'ZW5002',
    'deny-of-functions',
    'error',
    'target',
    (a) => `deny flow \`${a.flow}\` names functions, which target \`${a.target}\` of gateway \`${a.gateway}\` cannot tell apart`,
  ),
  inexpressible: row<{ what: string; gateway: string; target: string }>(
    'ZW5003',
    'inexpressible',
    'error',
    'target',
    (a) => `target \`${a.target}\` of gateway \`${a.gateway}\` cannot express ${a.what}`,
  ),
} as const;
