/** Before any test: builds, once, so that neither the parser nor the command line under test is a stale one. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Set when it is done; vitest asks once per project. */
const done = 'ZONEWRIGHT_TEST_BUILD';

export default function setup(): void {
  const script = fileURLToPath(new URL('../.ci/build.mjs', import.meta.url));
  if (process.env[done] === 'built' || process.env['ZW_NO_BUILD'] === '1') return;
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build fails:\n${stderr}`);
  process.env[done] = 'built';
}
