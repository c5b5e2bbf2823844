/**
 * Builds `dist/` from a checkout: the grammar, the compiler without its tests, and the files that are read at run time.
 *
 * Takes tsconfig.json with `include` narrowed to what is shipped; exits 1 when anything does not compile. What runs is a few files
 * in `dist/bundle`, since looking for 300 modules took longer than checking a small plant; the types, and the two files that
 * others import, stand where the sources say. Does nothing
 * when nothing changed, and swaps a finished folder in, since another program may be using what was built before.
 *
 * npm runs it not only for `npm ci` and for packing but also for the first `npx zonewright` in a checkout; a failure
 * there would leave npx's own cache broken for good, so then it leaves a built checkout as it is.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const shipped = ['src', 'targets', 'grammar'];
const cache = join('node_modules', '.cache', 'zonewright');
const fresh = join(cache, `dist-${process.pid}`);

function fail() {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(1);
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Of everything that decides what `dist/` holds, but for what the grammar makes. */
function digest() {
  const hash = createHash('sha256').update(process.version);
  const files = [...shipped.flatMap(filesOf), 'package-lock.json', 'tsconfig.json', join('.ci', 'build.mjs')];
  for (const file of files.toSorted()) {
    if (!file.startsWith(join('src', 'syntax', 'generated'))) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function compileGrammar() {
  if (!existsSync('grammar/compile.mjs')) return;
  const { status } = spawnSync(process.execPath, ['grammar/compile.mjs'], { stdio: 'inherit' });
  if (status !== 0) fail();
}

function compileTypeScript() {
  const { config, error } = ts.readConfigFile('tsconfig.json', (name) => ts.sys.readFile(name));
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent({ ...config, include: shipped }, ts.sys, root);
  const program = ts.createProgram(fileNames, { ...options, outDir: join(root, fresh), noEmitOnError: true });
  const diagnostics = [...errors, ...ts.getPreEmitDiagnostics(program)];
  if (diagnostics.length === 0) diagnostics.push(...program.emit().diagnostics);
  if (diagnostics.length === 0) return;
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => root, getNewLine: () => '\n' };
  process.stderr.write(ts.formatDiagnostics(diagnostics, host));
  fail();
}

/** Templates, pages of diagnostics and the like; sources, scripts and READMEs stay behind. */
function copyRunTimeFiles() {
  for (const file of shipped.flatMap(filesOf)) {
    if (!/\.(?:ts|mjs)$|(?:^|[/\\])README\.md$/u.test(file)) cpSync(file, join(fresh, file));
  }
}

/** What others import or run, and how it stands where its source does. */
const entries = {
  main: { file: join('src', 'cli', 'main.js'), stub: "#!/usr/bin/env node\nexport { main } from '../../bundle/main.js';\n" },
  index: { file: join('src', 'index.js'), stub: "export * from '../bundle/index.js';\n" },
};

/** A module in the bundle reads its files from where it stood. */
const ownPlaces = {
  name: 'own-places',
  transform(code, id) {
    if (!code.includes('import.meta.url')) return null;
    const from = relative(join(root, fresh, 'bundle'), id);
    return code.replaceAll('import.meta.url', `new URL(${JSON.stringify(from)}, import.meta.url).href`);
  },
};

async function bundle() {
  const input = Object.fromEntries(Object.entries(entries).map(([name, { file }]) => [name, join(root, fresh, file)]));
  const bundled = await rolldown({ input, platform: 'node', plugins: [ownPlaces], experimental: { attachDebugInfo: 'none' } });
  await bundled.write({ dir: join(fresh, 'bundle'), format: 'esm', comments: { legal: true, annotation: false, jsdoc: false } });
  await bundled.close();
  for (const file of filesOf(fresh)) if (file.endsWith('.js') && !file.startsWith(join(fresh, 'bundle'))) rmSync(file);
  for (const { file, stub } of Object.values(entries)) writeFileSync(join(fresh, file), stub);
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const licences = Object.keys(dependencies).map((name) => {
    const file = readdirSync(join('node_modules', name)).find((one) => /^licen[cs]e/iu.test(one));
    if (file === undefined) throw new Error(`${name} says no licence`);
    return `${name}\n\n${readFileSync(join('node_modules', name, file), 'utf8').trim()}\n`;
  });
  writeFileSync(join(fresh, 'bundle', 'LICENSES.txt'), `The bundle holds parts of these packages.\n\n${licences.join('\n\n')}`);
}

function swapIn() {
  const main = join(fresh, 'src', 'cli', 'main.js');
  if (existsSync(main)) chmodSync(main, 0o755);
  const old = `${fresh}-old`;
  if (existsSync('dist')) renameSync('dist', old);
  renameSync(fresh, 'dist');
  rmSync(old, { recursive: true, force: true });
}

if (process.env['npm_command'] === 'exec' && existsSync(join('dist', 'src'))) process.exit(0);

const stamp = join(cache, 'built');
const wanted = digest();
if (existsSync(join('dist', 'src')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
  console.log('dist is up to date');
} else {
  mkdirSync(cache, { recursive: true });
  compileGrammar();
  compileTypeScript();
  await bundle();
  copyRunTimeFiles();
  swapIn();
  writeFileSync(stamp, wanted);
}
