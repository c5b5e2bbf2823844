/** ZW1xxx: the text is not a zone file. */
import { row } from '../diagnostic.ts';

export const syntaxCodes = {
  unexpectedToken: row<{ found: string; expected: string }>('ZW1001', 'unexpected-token', 'error', 'input', (a) => `unexpected ${a.found}, expected ${a.expected}`),
} as const;
