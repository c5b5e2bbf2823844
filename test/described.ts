/**
 * `describe` for tests that need more than Node: they run, or say why not, or (with CI set) fail.
 *
 * Takes the reason that stands against them, undefined if none. A skipped test always prints its reason; where CI is set
 * nothing may be skipped.
 */
import { describe, it } from 'vitest';

export function describeUnless(reason: string | undefined, name: string, body: () => void): void {
  if (reason === undefined) {
    describe(name, body);
  } else if (!['', '0', 'false'].includes(process.env['CI'] ?? '')) {
    describe(name, () => {
      it('has what it needs', () => {
        throw new Error(`${reason} (and CI is set, so nothing may be skipped)`);
      });
    });
  } else {
    console.warn(`${name}: ${reason}`);
    describe.skip(`${name} [${reason}]`, body);
  }
}
