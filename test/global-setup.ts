/** Before any test: makes the parser from the grammar, once, so that tests never run against a stale one. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Set when it is done; vitest asks once per project. */
const done = 'ZONEWRIGHT_TEST_GRAMMAR';

export default function setup(): void {
  const script = fileURLToPath(new URL('../grammar/compile.mjs', import.meta.url));
  if (process.env[done] === 'compiled' || !existsSync(script)) return;
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the grammar does not compile:\n${stderr}`);
  process.env[done] = 'compiled';
}
