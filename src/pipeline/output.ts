/**
 * Output: files into the output folder, all or nothing.
 *
 * Everything is written to a folder beside it; then the old folder is renamed aside and the new one into place. A kill
 * at any moment leaves the old output, the new one, or the old one under a name that the next run puts back. A folder
 * that zonewright did not make, or in which something else was left, is refused.
 */
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve as resolvePath } from 'node:path';
import { fileCodes } from '../diagnostics/codes/files.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { reasonOf } from './load.ts';
import type { Manifest } from './manifest.ts';

export const manifestName = 'manifest.json';

/** Path inside the output folder (forward slashes) → text. */
export type OutputFiles = ReadonlyMap<string, string>;

/** Reads the manifest of an earlier output; undefined if there is none that we made. */
export function readManifest(folder: string): Manifest | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(folder, manifestName), 'utf8'));
    return isManifest(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A manifest that may have been edited: every name in it must stay inside its folder. */
function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value) || value['generator'] !== 'zonewright' || !isRecord(value['gateways'])) return false;
  return Object.entries(value['gateways']).every(([gateway, entry]) => {
    const files = isRecord(entry) ? entry['files'] : undefined;
    return (
      isPlainName(gateway) &&
      Array.isArray(files) &&
      files.every((file: unknown) => isRecord(file) && isPlainName(file['name']) && typeof file['sha256'] === 'string')
    );
  });
}

function isPlainName(name: unknown): boolean {
  return typeof name === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u.test(name);
}

interface Beside {
  readonly folder: string;
  readonly fresh: string;
  readonly old: string;
  readonly lock: string;
}

function beside(path: string): Beside {
  let folder = resolvePath(path);
  if (existsSync(folder)) folder = realpathSync(folder);
  const name = (suffix: string): string => join(dirname(folder), `.${basename(folder)}.zonewright-${suffix}`);
  return { folder, fresh: name(`new-${process.pid}`), old: name('old'), lock: name('lock') };
}

/** Puts back what a killed run left between its two renames; says why that could not be done. */
export function recover(path: string): Diagnostic | undefined {
  const places = beside(path);
  if (existsSync(places.folder) || !existsSync(places.old)) return undefined;
  return locked(path, places, () => {
    putBack(places);
    return undefined;
  });
}

function putBack(places: Beside): void {
  if (!existsSync(places.folder) && existsSync(places.old)) renameSync(places.old, places.folder);
}

/** Why the folder may not be replaced; undefined if it may. */
export function refusal(path: string): Diagnostic | undefined {
  try {
    return refusalOf(path);
  } catch (error) {
    return diagnostic(fileCodes.cannotWrite, undefined, { path, why: reasonOf(error) }, { help: ['nothing was changed'] });
  }
}

function refusalOf(path: string): Diagnostic | undefined {
  const { folder } = beside(path);
  if (!existsSync(folder)) return undefined;
  const refuse = (note: string): Diagnostic =>
    diagnostic(fileCodes.foreignFolder, undefined, { path }, { notes: [note], help: ['give another folder with `-o`, or move this one away'] });
  if (!lstatSync(folder).isDirectory()) return refuse('it is not a folder');
  const found = listFiles(folder);
  if (found.length === 0) return undefined;
  const manifest = readManifest(folder);
  if (manifest === undefined) return refuse(`it holds files, but no \`${manifestName}\` of zonewright`);
  const known = new Set([
    manifestName,
    ...Object.entries(manifest.gateways).flatMap(([gateway, entry]) => entry.files.map((file) => `${gateway}/${file.name}`)),
  ]);
  const foreign = found.find((file) => !known.has(file));
  return foreign === undefined ? undefined : refuse(`\`${foreign}\` in it was not written by zonewright and would be lost`);
}

function listFiles(folder: string, prefix = ''): string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    return entry.isDirectory() ? listFiles(folder, name) : [name];
  });
}

/** Replaces the folder; gives what went wrong, in which case the old output is still there. */
export function replaceOutput(path: string, files: OutputFiles): Diagnostic | undefined {
  const places = beside(path);
  return locked(path, places, () => {
    putBack(places);
    const refused = refusal(path);
    if (refused !== undefined) return refused;
    try {
      sweep(places);
      for (const [name, text] of files) {
        const target = join(places.fresh, ...name.split('/'));
        makeFolders(dirname(target));
        writeFileSync(target, text, { flag: 'wx', flush: true });
      }
      rmSync(places.old, { recursive: true, force: true });
      if (existsSync(places.folder)) renameSync(places.folder, places.old);
      renameSync(places.fresh, places.folder);
      rmSync(places.old, { recursive: true, force: true });
      return undefined;
    } catch (error) {
      putBack(places);
      rmSync(places.fresh, { recursive: true, force: true });
      throw error;
    }
  });
}

/** Every missing folder of a path. (`mkdirSync` with `recursive` never ends on some paths of /proc in Node 20.) */
export function makeFolders(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.toReversed()) mkdirSync(folder);
}

/** Runs `work` while no other compile can touch the same folder. */
function locked(path: string, places: Beside, work: () => Diagnostic | undefined): Diagnostic | undefined {
  try {
    makeFolders(dirname(places.folder));
    if (!lock(places.lock))
      return diagnostic(
        fileCodes.busy,
        undefined,
        { path },
        { help: [`wait for it to end; if none runs, remove \`${basename(places.lock)}\` beside the folder`] },
      );
    try {
      return work();
    } finally {
      rmSync(places.lock, { force: true });
    }
  } catch (error) {
    return diagnostic(fileCodes.cannotWrite, undefined, { path, why: reasonOf(error) }, { help: ['the earlier output, if there was one, is unchanged'] });
  }
}

/**
 * Takes the lock; a lock whose process has gone is taken over. Made by a link, so that it never exists without its
 * holder's number, and taken over by a rename, which only one of several can win. Whoever writes does so in a folder of
 * its own name, so that even two holders could not mix their files.
 */
function lock(path: string): boolean {
  const mine = `${path}-${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        linkSync(mine, path);
        return true;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
      const holder = holderOf(path);
      if (holder !== undefined && isAlive(holder)) return false;
      const stale = `${mine}-stale`;
      try {
        renameSync(path, stale);
      } catch {
        continue;
      }
      const taken = holderOf(stale);
      if (taken !== undefined && isAlive(taken)) {
        // Another process took it over in between: give it back.
        if (!existsSync(path)) renameSync(stale, path);
        return false;
      }
      rmSync(stale, { force: true });
    }
    return false;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Removes what killed runs left beside the folder: their new folders, and locks that they were about to take. */
function sweep(places: Beside): void {
  const prefixes = ['new', 'lock'].map((suffix) => `.${basename(places.folder)}.zonewright-${suffix}-`);
  for (const name of readdirSync(dirname(places.folder))) {
    const prefix = prefixes.find((one) => name.startsWith(one));
    const pid = prefix === undefined ? Number.NaN : Number(/^(\d+)(?:-stale)?$/u.exec(name.slice(prefix.length))?.[1]);
    if (Number.isSafeInteger(pid) && pid > 0 && (pid === process.pid ? !name.includes('-lock-') : !isAlive(pid)))
      rmSync(join(dirname(places.folder), name), { recursive: true, force: true });
  }
}

function holderOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
