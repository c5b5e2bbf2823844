// Runs a program to its end. Takes a command, its arguments and its standard input, gives its output; a program that fails is an
// error that carries what it wrote. The idea: every namespace command of the harness goes through this one place.

import { spawn } from 'node:child_process';

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
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve({ stdout, stderr });
      else reject(new CommandFailed([command, ...args].join(' '), status, stderr));
    });
    child.stdin.end(input);
  });
}

/** Runs inside a network namespace, and only the network of it: files and /sys stay those of the machine. */
export function runIn(namespace: string, command: string, args: readonly string[], input = ''): Promise<Output> {
  return run('nsenter', [`--net=/run/netns/${namespace}`, '--', command, ...args], input);
}
