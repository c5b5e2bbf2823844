// What a kernel test needs. Takes nothing, gives the one-line reason why kernel tests cannot run here, or undefined. The idea: a
// skipped test must say so; and where CI is set, a missing requirement is a failure, never a skip.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describeUnless } from '../described.ts';

const tools = ['nft', 'ip', 'conntrack', 'nsenter', 'setpriv', 'taskset', 'perl', 'tcpreplay', 'tcpdump'] as const;

export function missingRequirement(): string | undefined {
  if (process.platform !== 'linux') return `kernel tests skipped: they need Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'kernel tests skipped: they need root (network namespaces and nftables)';
  const missing = tools.filter((tool) => !isOnPath(tool));
  if (missing.length > 0) return `kernel tests skipped: not installed: ${missing.join(', ')}`;
  const attempt = spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset'], { encoding: 'utf8' });
  if (attempt.status !== 0) return `kernel tests skipped: no namespace with nftables here: ${attempt.stderr.trim().split('\n')[0] ?? ''}`;
  return undefined;
}

/** `describe` for kernel tests: runs, or prints why it does not, or (with CI set) fails. */
export function describeKernel(name: string, body: () => void): void {
  describeUnless(missingRequirement(), name, body);
}

function isOnPath(tool: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
