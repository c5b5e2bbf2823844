// Real programs around a gateway. Takes an interface whose far end is a station, a script and its arguments, gives the running program:
// its lines, its input, its end. The idea: a station has an ordinary network stack, so what runs there is what runs in a plant; the
// kernel ends the program with the test that started it, however that test ends.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { KernelGateway } from './gateway.ts';

export interface ProgramOptions {
  /** What to run; node itself unless told. */
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class StationProgram {
  /** Every line of standard output so far. */
  readonly lines: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<number | null>;
  #errors = '';
  #waiting: { pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #ended = false;

  constructor(namespace: string, args: readonly string[], options: ProgramOptions = {}) {
    const inside = [`--net=/run/netns/${namespace}`, '--', options.command ?? process.execPath, ...args];
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', ...inside], {
      stdio: 'pipe',
      env: { ...process.env, ...options.environment },
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#line(line));
    this.#child.stderr.on('data', (bytes: Buffer) => (this.#errors += bytes.toString()));
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (error) => (this.#errors += error.message));
    this.#exit = new Promise((resolve) => {
      this.#child.once('close', (status) => {
        this.#ended = true;
        for (const waiting of this.#waiting) waiting.reject(new Error(`the program ended (${status ?? 'by signal'}): ${this.#errors.trim()}`));
        this.#waiting = [];
        resolve(status);
      });
    });
  }

  /** The first line, past or to come, that matches. */
  line(pattern: RegExp, milliseconds = 5000): Promise<string> {
    const past = this.lines.find((line) => pattern.test(line));
    if (past !== undefined) return Promise.resolve(past);
    return this.nextLine(pattern, milliseconds);
  }

  /** The next line to come that matches. */
  nextLine(pattern: RegExp, milliseconds = 5000): Promise<string> {
    if (this.#ended) return Promise.reject(new Error(`the program has ended: ${this.#errors.trim()}`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no line like ${pattern.source} in ${milliseconds} ms; last: ${this.lines.at(-1) ?? 'none'}; errors: ${this.#errors.trim()}`));
      }, milliseconds);
      this.#waiting.push({
        pattern,
        resolve: (line) => {
          clearTimeout(timer);
          resolve(line);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits for the program to end by itself; gives its exit status, null if by a signal. */
  ended(): Promise<number | null> {
    return this.#exit;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.#ended) this.#child.kill(signal);
    return this.#exit;
  }

  #line(line: string): void {
    this.lines.push(line);
    const met = this.#waiting.filter(({ pattern }) => pattern.test(line));
    this.#waiting = this.#waiting.filter((waiting) => !met.includes(waiting));
    for (const waiting of met) waiting.resolve(line);
  }
}

/** Starts a program in the station behind this interface: `script args…` under node, or `options.command args…`. */
export function startInStation(gateway: KernelGateway, interfaceName: string, args: readonly string[], options?: ProgramOptions): StationProgram {
  const link = gateway.link(interfaceName);
  if (link.spec.station === undefined) throw new Error(`behind ${interfaceName} there is no station`);
  return new StationProgram(link.far.namespace, args, options);
}
