/**
 * The built command line, as a user runs it: arguments, its output and its exit status.
 *
 * A start takes ten times as long as most calls do, so the calls of a test file go to one process that stays (`standing.mjs`), on files
 * as standard input and output; `zonewrightStarted` starts one for the call, where the process itself is what a test is about.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const main = join(root, 'dist', 'src', 'cli', 'main.js');
export const pressShop = join(root, 'examples', 'press-shop', 'press-shop-ports.zone');
export const waterWorks = join(root, 'examples', 'water-works', 'water-works.zone');
/** The day that examples are judged for. */
export const day = '2026-11-22';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface CallOptions {
  readonly cwd?: string;
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

const environment = { ...process.env, NO_COLOR: '1' };

/** In a process of its own. */
export function zonewrightStarted(args: readonly string[], { cwd = root, input = '', env = {} }: CallOptions = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd,
    input,
    env: { ...environment, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** The process that stays, and the thread that talks to it while this one waits. */
class Standing {
  readonly #folder = mkdtempSync(join(tmpdir(), 'zonewright-call-'));
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));
  readonly #channel = new MessageChannel();

  constructor() {
    const { port1: port } = this.#channel;
    const worker = new Worker(new URL('standing-worker.mjs', import.meta.url), {
      workerData: { main, env: environment, bell: this.#bell.buffer, port },
      transferList: [port],
      execArgv: [],
    });
    worker.unref();
    this.#channel.port2.unref();
    process.on('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  call(args: readonly string[], { cwd = root, input = '', env = {} }: CallOptions): Ran {
    const at = (name: string): string => join(this.#folder, name);
    writeFileSync(at('stdin'), input);
    Atomics.store(this.#bell, 0, 0);
    this.#channel.port2.postMessage({ folder: this.#folder, args, cwd, env }, []);
    Atomics.wait(this.#bell, 0, 0);
    const answer: { readonly message?: number | null } = receiveMessageOnPort(this.#channel.port2) ?? {};
    return { status: answer.message ?? null, stdout: readFileSync(at('stdout'), 'utf8'), stderr: readFileSync(at('stderr'), 'utf8') };
  }
}

let standing: Standing | undefined;

/** In the process that stays. */
export function zonewright(args: readonly string[], options: CallOptions = {}): Ran {
  standing ??= new Standing();
  return standing.call(args, options);
}

/** A folder that goes when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'zonewright-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Path inside the folder → content, of every file below it. */
export function contents(path: string): Record<string, string> {
  const result: Record<string, string> = {};
  const walk = (at: string): void => {
    for (const name of readdirSync(at).sort()) {
      const full = join(at, name);
      if (statSync(full).isDirectory()) walk(full);
      else result[relative(path, full)] = readFileSync(full, 'utf8');
    }
  };
  walk(path);
  return result;
}
