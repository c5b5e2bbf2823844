/**
 * Load: the root file and everything it includes → declarations of one policy.
 *
 * Takes a path (or standard input), gives the sources, their declarations and what is wrong with files and syntax. Every
 * file is read once; the names in reports and outputs are relative to the root file's folder.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, relative, resolve as resolvePath, sep } from 'node:path';
import { SourceMap, type Span } from '../base/source.ts';
import { fileCodes } from '../diagnostics/codes/files.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import type { Declaration } from '../syntax/ast.ts';
import { parse } from '../syntax/parse.ts';

export interface Loaded {
  readonly sources: SourceMap;
  readonly declarations: readonly Declaration[];
  /** Names of declarations that could not be read. */
  readonly broken: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Gives the bytes of a file; throws like `readFileSync`. */
export type ReadBytes = (path: string) => Uint8Array;

function readFromDisk(file: string): Uint8Array {
  return readFileSync(file === '-' ? 0 : file);
}

const deepest = 32;
/** A zone file of this many bytes is a mistake; the parser would take it, the reader of its errors would not. */
const largest = 64 * 1024 * 1024;

export function load(path: string, read: ReadBytes = readFromDisk): Loaded {
  const sources = new SourceMap();
  const diagnostics: Diagnostic[] = [];
  const declarations: Declaration[] = [];
  const broken: string[] = [];
  const root = path === '-' ? process.cwd() : dirname(resolvePath(path));
  const done = new Set<string>();
  const open: string[] = [];

  const enter = (file: string, shown: string, span: Span | undefined): void => {
    const absolute = file === '-' ? '-' : resolvePath(file);
    if (open.includes(absolute)) {
      diagnostics.push(
        diagnostic(
          fileCodes.includeCycle,
          span,
          { path: shown },
          { notes: [[...open, absolute].map((one) => (one === '-' ? '<stdin>' : relative(root, one))).join(' → ')], help: ['take one of the includes out'] },
        ),
      );
      return;
    }
    if (done.has(absolute)) return;
    if (open.length >= deepest) {
      diagnostics.push(diagnostic(fileCodes.tooDeep, span, { path: shown }, { help: [`at most ${deepest} files may include each other`] }));
      return;
    }
    const text = readText(absolute, shown, span);
    if (text === undefined) return;
    const source = sources.add(absolute === '-' ? '<stdin>' : relative(root, absolute).split(sep).join('/'), text);
    open.push(absolute);
    const parsed = parse(source);
    diagnostics.push(...parsed.diagnostics);
    broken.push(...parsed.value.broken.map((word) => word.text));
    for (const declaration of parsed.value.declarations) {
      declarations.push(declaration);
      if (declaration.kind !== 'include') continue;
      const target = declaration.path.text;
      if (target === '' || isAbsolute(target) || target.includes('\0')) {
        diagnostics.push(diagnostic(fileCodes.includeOutside, declaration.path.span, { path: target }, { help: ['write the path relative to this file'] }));
        continue;
      }
      enter(normalize(join(absolute === '-' ? root : dirname(absolute), target)), target, declaration.path.span);
    }
    open.pop();
    done.add(absolute);
  };

  const readText = (absolute: string, shown: string, span: Span | undefined): string | undefined => {
    let bytes: Uint8Array;
    try {
      // A pipe may be the root (`zonewright check <(…)`), but an include that never ends would hang the compiler.
      if (span !== undefined && read === readFromDisk && !statSync(absolute).isFile()) throw new Error('it is not a file');
      bytes = read(absolute);
    } catch (error) {
      diagnostics.push(
        diagnostic(
          fileCodes.unreadable,
          span,
          { path: shown, why: reasonOf(error) },
          { help: [span === undefined ? 'give the path of a zone file, or `-` for standard input' : 'the path is relative to the file that includes it'] },
        ),
      );
      return undefined;
    }
    if (bytes.length > largest) {
      diagnostics.push(diagnostic(fileCodes.unreadable, span, { path: shown, why: `it is larger than ${largest / 1024 / 1024} MiB` }));
      return undefined;
    }
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      diagnostics.push(diagnostic(fileCodes.notUtf8, span, { path: shown }, { help: ['save it as UTF-8'] }));
      return undefined;
    }
  };

  enter(path, path, undefined);
  return { sources, declarations, broken, diagnostics };
}

/** The operating system's reason in plain words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of the path is not a folder',
    EEXIST: 'something of that name is in the way',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
    ELOOP: 'its links go in a circle',
    ENAMETOOLONG: 'the path is too long',
  };
  return words[code] ?? (error instanceof Error ? (error.message.split('\n')[0] ?? 'unknown reason') : String(error));
}
