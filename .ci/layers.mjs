/**
 * Checks the layers of `.dependency-cruiser.mjs`, and that the check looked at every source file.
 *
 * A cruise that understands no TypeScript finds no module and no violation; so the files on disk are counted too.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTypeScriptConfig from 'dependency-cruiser/config-utl/extract-ts-config';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const folders = ['src', 'targets'];
const { options, ...ruleSet } = await extractConfig('./.dependency-cruiser.mjs');
const { output } = await cruise(folders, { ...options, validate: true, ruleSet }, undefined, { tsConfig: extractTypeScriptConfig('tsconfig.json') });

const seen = new Set(output.modules.map((module) => module.source));
const missed = folders
  .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((file) => !seen.has(file));
for (const file of missed) console.error(`${file} was not looked at`);

const imports = output.modules.reduce((sum, module) => sum + module.dependencies.length, 0);
for (const { rule, from, to } of output.summary.violations) console.error(`${rule.name}: ${from} -> ${to}`);
console.log(`layers: ${seen.size} modules, ${imports} imports, ${output.summary.violations.length} violations`);
if (missed.length > 0 || output.summary.violations.length > 0 || seen.size < 10 || imports === 0) process.exit(1);
