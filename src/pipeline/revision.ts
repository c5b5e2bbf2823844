/**
 * Where a policy lies: a file, a folder, or a revision of git.
 *
 * Takes what was written on the command line, gives the path to load and how its bytes are read. git is only asked for
 * objects (`cat-file`, `ls-tree`, `rev-parse`): no filter, hook or pager of the repository runs, and nothing is fetched.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileCodes } from '../diagnostics/codes/files.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { SourceMap } from '../base/source.ts';
import { parse } from '../syntax/parse.ts';
import { reasonOf, type ReadBytes } from './load.ts';

export interface Located {
  /** As written. */
  readonly label: string;
  readonly path: string;
  readonly read: ReadBytes | undefined;
}

const largest = 256 * 1024 * 1024;
/** Files of a revision seem to lie here, so that an include cannot climb out of the repository unseen. */
const virtualRoot = '/.git-revision/tree';

export function locate(text: string): Located | Diagnostic {
  const known = kindOf(text);
  if (known === 'folder') {
    const files = readdirSync(text)
      .filter((name) => name.endsWith('.zone'))
      .sort();
    return rootOf(
      text,
      files,
      (name) => readFileSync(join(text, name)),
      (name) => ({ label: text, path: join(text, name), read: undefined }),
    );
  }
  const colon = text.indexOf(':');
  if (known === 'file' || text === '-' || colon < 0) return { label: text, path: text, read: undefined };
  return inGit(text, text.slice(0, colon), text.slice(colon + 1));
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch {
    return undefined;
  }
}

function git(args: readonly string[]): Buffer {
  return execFileSync('git', ['--no-pager', '--no-optional-locks', ...args], {
    maxBuffer: largest,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GIT_NO_LAZY_FETCH: '1', GIT_TERMINAL_PROMPT: '0' },
  });
}

function inGit(text: string, revision: string, path: string): Located | Diagnostic {
  const wrong = (why: string, help: string): Diagnostic => diagnostic(fileCodes.badRevision, undefined, { text, why }, { help: [help] });
  if (revision.startsWith('-')) return wrong('a revision does not begin with `-`', 'write it as git does, for example `main:plant.zone`');
  let prefix: string;
  let commit = '';
  try {
    prefix = git(['rev-parse', '--show-prefix']).toString().trim();
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return missing
      ? wrong('git is not installed', 'install it, or compare two files')
      : wrong('there is no such file, and this folder is in no git repository', 'give the path of a zone file, or run it inside the repository');
  }
  if (revision !== '') {
    try {
      // The commit itself, so that a revision that moves meanwhile cannot mix two states.
      commit = git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`])
        .toString()
        .trim();
    } catch {
      return wrong(`git knows no revision \`${revision}\``, 'name a branch, tag or commit; `git log` shows them');
    }
  }
  const inside = posix.normalize(path.startsWith('./') || path.startsWith('../') ? posix.join(prefix, path) : path).replace(/\/$/u, '');
  if (inside.startsWith('..') || inside.startsWith('/')) return wrong('the path leads out of the repository', 'paths are from its top; `./` means from here');
  const object = (name: string): string => `${commit}:${name === '.' ? '' : name}`;
  const read: ReadBytes = (absolute) => {
    const name = posix.relative(virtualRoot, absolute);
    if (name.startsWith('..')) throw new Error('it lies outside the repository');
    try {
      return git(['cat-file', 'blob', object(name)]);
    } catch {
      throw new Error(`revision \`${revision}\` has no such file`);
    }
  };
  let type: string;
  try {
    type = git(['cat-file', '-t', object(inside)])
      .toString()
      .trim();
  } catch {
    const other = path.startsWith('./') ? `${revision}:${path.slice(2)}` : `${revision}:./${path}`;
    return wrong(`it has no file \`${inside}\``, `paths are from the top of the repository, and from here if they begin with \`./\`; perhaps \`${other}\``);
  }
  const at = (name: string): string => posix.join(virtualRoot, name);
  if (type !== 'tree') return { label: text, path: at(inside), read };
  const files = git(['ls-tree', '--name-only', '-z', object(inside)])
    .toString()
    .split('\0')
    .filter((name) => name.endsWith('.zone'))
    .sort();
  return rootOf(
    text,
    files,
    (name) => read(at(posix.join(inside, name))),
    (name) => ({ label: text, path: at(posix.join(inside, name)), read }),
  );
}

/** The file of a folder that declares the policy; the others are included by it, or no business of ours. */
function rootOf(folder: string, files: readonly string[], read: (name: string) => Uint8Array, locatedAt: (name: string) => Located): Located | Diagnostic {
  const wrong = (why: string, help: string): Diagnostic => diagnostic(fileCodes.noRoot, undefined, { path: folder, why }, { help: [help] });
  const only = files[0];
  if (only === undefined) return wrong('no file in it ends in .zone', 'name the zone file itself');
  if (files.length === 1) return locatedAt(only);
  const roots: string[] = [];
  for (const name of files) {
    let text: string;
    try {
      text = new TextDecoder().decode(read(name));
    } catch (error) {
      return wrong(`${name}: ${reasonOf(error)}`, 'name the zone file itself');
    }
    if (parse(new SourceMap().add(name, text)).value.declarations.some((one) => one.kind === 'policy')) roots.push(name);
  }
  const root = roots[0];
  if (root !== undefined && roots.length === 1) return locatedAt(root);
  return wrong(
    roots.length === 0 ? 'no zone file in it declares a `policy`' : `several zone files in it declare a \`policy\`: ${roots.join(', ')}`,
    'name the zone file itself',
  );
}
