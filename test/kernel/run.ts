// Runs a program to its end. Takes a command, its arguments and its standard input, gives its output; a program that fails is an
// error that carries what it wrote. The idea: every namespace command of the harness goes through this one place, and on to runner.pl, one
// process for all of them, since thousands of programs are started and node needs longer to start one than most of them run.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandFailed extends Error {
  readonly command: string;
  readonly status: number | null;
  readonly stderr: string;

  constructor(command: string, status: number | null, stderr: string) {
    super(`${command} (exit ${status ?? 'by signal'}): ${stderr.trim()}`);
    this.name = 'CommandFailed';
    this.command = command;
    this.status = status;
    this.stderr = stderr;
  }
}

export function run(command: string, args: readonly string[], input = ''): Promise<Output> {
  return runIn('', command, args, input);
}

/** Runs inside a network namespace, and only the network of it: files and /sys stay those of the machine. */
export function runIn(namespace: string, command: string, args: readonly string[], input = ''): Promise<Output> {
  if (runner === undefined || runner.ended) runner = new Runner();
  return runner.run(namespace, [command, ...args], input);
}

interface Waiting {
  readonly command: readonly string[];
  readonly resolve: (output: Output) => void;
  readonly reject: (error: Error) => void;
}

/** The other end of runner.pl. It keeps this process alive only as long as something is awaited of it. */
class Runner {
  ended = false;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, Waiting>();
  #unread: Buffer = Buffer.alloc(0);
  #next = 1;

  constructor() {
    const script = fileURLToPath(new URL('./runner.pl', import.meta.url));
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', 'perl', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    });
    this.#child.stdout.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#child.stdin.on('error', () => undefined);
    this.#child.once('error', (error) => this.#end(error));
    this.#child.once('close', () => this.#end(new Error('the process that starts programs ended')));
    this.#child.unref();
    this.#hold(false);
  }

  run(namespace: string, command: readonly string[], input: string): Promise<Output> {
    const number = this.#next;
    this.#next += 1;
    const body = Buffer.concat([integer(number), ...[namespace, input, ...command].flatMap(counted)]);
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { command, resolve, reject });
      this.#hold(true);
      this.#child.stdin.write(Buffer.concat([integer(body.length), body]));
    });
  }

  #receive(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    while (this.#unread.length >= 4 && this.#unread.length >= 4 + this.#unread.readUInt32BE(0)) {
      const end = 4 + this.#unread.readUInt32BE(0);
      this.#record(this.#unread.subarray(4, end));
      this.#unread = this.#unread.subarray(end);
    }
    this.#hold(this.#waiting.size > 0);
  }

  #record(record: Buffer): void {
    const number = record.readUInt32BE(0);
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) throw new Error(`nobody waits for program ${number}`);
    this.#waiting.delete(number);
    const status = record[4] === 0 ? record.readUInt16BE(5) : null;
    const middle = 11 + record.readUInt32BE(7);
    const [stdout, stderr] = [record.toString('utf8', 11, middle), record.toString('utf8', middle + 4)];
    if (status === 0) waiting.resolve({ stdout, stderr });
    else waiting.reject(new CommandFailed(waiting.command.join(' '), status, stderr));
  }

  #end(error: Error): void {
    this.ended = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #hold(held: boolean): void {
    for (const stream of [this.#child.stdin, this.#child.stdout]) {
      if (!isSocket(stream)) continue;
      if (held) stream.ref();
      else stream.unref();
    }
  }
}

let runner: Runner | undefined;

function isSocket(stream: Writable | Readable): stream is Socket {
  return 'unref' in stream;
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function counted(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  return [integer(bytes.length), bytes];
}
