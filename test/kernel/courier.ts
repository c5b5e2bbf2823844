// The TypeScript end of courier.pl. Takes sockets to open and bytes to send, gives the records that came back, as callbacks and as
// promises for barriers. The idea: commands are only queued into one pipe, so a flight of thousands of packets with hundreds of
// barriers costs no round trip between the two processes.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface SocketSpec {
  readonly namespace: 'gateway' | 'world';
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  readonly receives?: boolean;
  readonly device?: string;
  readonly bind?: Uint8Array;
}

export interface CourierEvents {
  captured(socket: number, address: Uint8Array, bytes: Uint8Array): void;
  sendFailed(tag: number, errno: number): void;
  /** The kernel says that this socket had to throw something away. */
  lost(socket: number, errno: number): void;
}

const none = new Uint8Array(0);

export class Courier {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #events: CourierEvents;
  readonly #barriers = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #pending: Buffer[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #sockets = 0;
  #nextBarrier = 1;
  #errors = '';
  #ended: Error | undefined;
  readonly #exit: Promise<void>;

  constructor(gatewayNamespace: string, worldNamespace: string, events: CourierEvents) {
    this.#events = events;
    const script = fileURLToPath(new URL('./courier.pl', import.meta.url));
    const command = ['--pdeathsig', 'KILL', 'taskset', '-c', processorOfWorker(), 'perl', script, gatewayNamespace, worldNamespace];
    this.#child = spawn('setpriv', command, { stdio: 'pipe' });
    this.#child.stdout.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#child.stderr.on('data', (bytes: Buffer) => (this.#errors += bytes.toString()));
    this.#child.stdin.on('error', () => undefined);
    this.#exit = new Promise((resolve) => {
      this.#child.once('close', () => {
        this.#ended = new Error(`the courier ended: ${this.#errors.trim() || 'no message'}`);
        for (const barrier of this.#barriers.values()) barrier.reject(this.#ended);
        this.#barriers.clear();
        resolve();
      });
      this.#child.once('error', (error) => (this.#errors += error.message));
    });
  }

  /** Opens a socket; its number is known at once, a failure shows at the next barrier. */
  open(spec: SocketSpec): number {
    const device = Buffer.from(spec.device ?? '');
    const address = Buffer.from(spec.bind ?? none);
    const head = Buffer.alloc(14);
    head.writeUInt8(spec.namespace === 'gateway' ? 0 : 1, 0);
    head.writeUInt32BE(spec.domain, 1);
    head.writeUInt32BE(spec.type, 5);
    head.writeUInt32BE(spec.protocol, 9);
    head.writeUInt8(spec.receives === true ? 1 : 0, 13);
    this.#command('O', head, Buffer.from([device.length]), device, Buffer.from([address.length]), address);
    this.#sockets += 1;
    return this.#sockets - 1;
  }

  setOption(socket: number, level: number, option: number, value: Uint8Array): void {
    const head = Buffer.alloc(10);
    head.writeUInt16BE(socket, 0);
    head.writeUInt32BE(level, 2);
    head.writeUInt32BE(option, 6);
    this.#command('M', head, value);
  }

  send(tag: number, socket: number, address: Uint8Array, bytes: Uint8Array): void {
    const head = Buffer.alloc(7);
    head.writeUInt32BE(tag, 0);
    head.writeUInt16BE(socket, 4);
    head.writeUInt8(address.length, 6);
    this.#command('S', head, address, bytes);
  }

  /** What a barrier sends: a frame that the kernel hands back through a receiving socket whatever ruleset is loaded. */
  setSync(socket: number, address: Uint8Array, frame: Uint8Array): void {
    const head = Buffer.alloc(3);
    head.writeUInt16BE(socket, 0);
    head.writeUInt8(address.length, 2);
    this.#command('Y', head, address, frame);
  }

  /** Queues a barrier; the promise is kept when all that was sent before has been handled by the kernel and reported. */
  barrier(): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const number = this.#nextBarrier;
    this.#nextBarrier += 1;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    this.#command('B', bytes);
    const reached = new Promise<void>((resolve, reject) => this.#barriers.set(number, { resolve, reject }));
    reached.catch(() => undefined);
    return reached;
  }

  /** Hands everything queued to the process. */
  flush(): void {
    if (this.#pending.length > 0) this.#child.stdin.write(Buffer.concat(this.#pending));
    this.#pending = [];
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) this.#child.stdin.end();
    await this.#exit;
  }

  kill(): void {
    if (this.#ended === undefined) this.#child.kill('SIGKILL');
  }

  #command(kind: string, ...parts: readonly Uint8Array[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 1);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 0);
    head.write(kind, 4, 'latin1');
    this.#pending.push(head, ...parts.map((part) => Buffer.from(part)));
  }

  #receive(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    let cursor = 0;
    while (this.#unread.length - cursor >= 4) {
      const length = this.#unread.readUInt32BE(cursor);
      if (this.#unread.length - cursor < 4 + length) break;
      this.#record(this.#unread.subarray(cursor + 4, cursor + 4 + length));
      cursor += 4 + length;
    }
    this.#unread = this.#unread.subarray(cursor);
  }

  #record(record: Buffer): void {
    switch (String.fromCharCode(record[0] ?? 0)) {
      case 'C': {
        const end = 4 + (record[3] ?? 0);
        this.#events.captured(record.readUInt16BE(1), record.subarray(4, end), record.subarray(end));
        break;
      }
      case 'E':
        this.#events.sendFailed(record.readUInt32BE(1), record.readUInt16BE(5));
        break;
      case 'L':
        this.#events.lost(record.readUInt16BE(1), record.readUInt16BE(3));
        break;
      case 'D': {
        const number = record.readUInt32BE(1);
        this.#barriers.get(number)?.resolve();
        this.#barriers.delete(number);
        break;
      }
      default:
        throw new Error(`the courier wrote a record of an unknown kind: ${record[0] ?? 'none'}`);
    }
  }
}

/** One for each worker of the test run: two couriers on one processor would wait for each other. */
function processorOfWorker(): string {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const allowed = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return String(allowed[Number(process.env['VITEST_POOL_ID'] ?? 0) % allowed.length] ?? 0);
}
