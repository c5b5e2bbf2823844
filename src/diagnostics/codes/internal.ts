/** ZW9xxx: our bug. Nothing is written. */
import { row } from '../diagnostic.ts';

export const internalCodes = {
  proofFailed: row<{ gateway: string; file: string }>(
    'ZW9001',
    'proof-failed',
    'error',
    'bug',
    (a) => `what was emitted for gateway \`${a.gateway}\` (${a.file}) does not equal the policy`,
  ),
  readerRefused: row<{ gateway: string; file: string; what: string }>(
    'ZW9002',
    'reader-refused',
    'error',
    'bug',
    (a) => `what was emitted for gateway \`${a.gateway}\` (${a.file}) cannot be read back: ${a.what}`,
  ),
  crashed: row<{ what: string }>('ZW9003', 'crashed', 'error', 'bug', (a) => `zonewright failed: ${a.what}`),
} as const;
