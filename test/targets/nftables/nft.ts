/**
 * The real nft, in a network namespace of its own.
 *
 * Takes a ruleset's text, gives what `nft -j list ruleset` says after loading it; and the reason why that cannot be done
 * here, so that a skipped test says so (with CI set it fails instead).
 */
import { spawnSync } from 'node:child_process';
import { describeUnless } from '../../described.ts';

export function runningJson(text: string): string {
  const result = spawnSync('unshare', ['--net', 'sh', '-c', 'nft -f - && nft -j list ruleset'], { input: text, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`nft refused: ${result.stderr}\n${text}`);
  return result.stdout;
}

function missingNft(): string | undefined {
  if (process.platform !== 'linux') return `skipped: nft needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'skipped: a network namespace needs root';
  const attempt = spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset'], { encoding: 'utf8' });
  return attempt.status === 0 ? undefined : `skipped: nft does not run in a namespace here: ${attempt.stderr ?? attempt.error?.message ?? ''}`.trim();
}

/** `describe` for tests with the real nft. */
export function describeNft(name: string, body: () => void): void {
  describeUnless(missingNft(), name, body);
}
