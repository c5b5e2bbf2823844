// Suricata as a judge. Takes the files that a gateway got, gives what Suricata makes of them: whether it starts, which frames of a capture it
// drops, and a running engine on the queue of a gateway. The idea: the files are used exactly as emitted; only where logs go is told apart,
// and that every dropped packet is logged.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmittedFile } from '../../src/target/target.ts';
import { encodePacket, ethernetFrame } from './frames.ts';
import type { KernelGateway } from './gateway.ts';
import { writePcap } from './pcap.ts';
import { StationProgram } from './real.ts';

const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

export function missingSuricata(): string | undefined {
  const found = spawnSync('suricata', ['-V'], { encoding: 'utf8', env: environment });
  if (found.error !== undefined) return 'tests of inspection skipped: suricata is not installed';
  return found.stdout.includes('version 7.') ? undefined : `tests of inspection skipped: they are for Suricata 7, this is ${found.stdout.trim()}`;
}

/** Every dropped packet is logged, not only the first of a conversation. */
const everyDrop = ['--set', 'outputs.0.eve-log.types.1.drop.flows=all'];

/** A line of its log, as far as it is read here. */
interface Event {
  readonly event_type: string;
  readonly pcap_cnt?: number;
  readonly src_port?: number;
  readonly alert?: { readonly signature: string };
}

export class Engine {
  readonly folder = mkdtempSync(join(tmpdir(), 'zw-suricata-'));
  readonly #arguments: readonly string[];

  constructor(files: readonly EmittedFile[]) {
    for (const { name, text } of files) if (name.startsWith('suricata.')) writeFileSync(join(this.folder, name), text);
    this.#arguments = ['-c', join(this.folder, 'suricata.yaml'), '-S', join(this.folder, 'suricata.rules'), '-l', this.folder];
  }

  /** `suricata -T`: its exit status, and every warning and error. */
  check(): { readonly status: number | null; readonly complaints: readonly string[] } {
    const { status, stdout, stderr } = this.#run(['-T']);
    return { status, complaints: `${stdout}\n${stderr}`.split('\n').filter((line) => /error|warn/iu.test(line)) };
  }

  /** The frames of a capture that it drops, by number from 1; throws if it does not start. */
  droppedFrames(capture: Uint8Array): ReadonlySet<number> {
    return new Set(this.#ofCapture(capture).flatMap((event) => (event.event_type === 'drop' && event.pcap_cnt !== undefined ? [event.pcap_cnt] : [])));
  }

  /** Which rules matched in a capture: their messages, by the port of the client. */
  matches(capture: Uint8Array): ReadonlyMap<number, ReadonlySet<string>> {
    const found = new Map<number, Set<string>>();
    for (const { src_port: port = 0, alert } of this.#ofCapture(capture))
      if (alert !== undefined) found.set(port, (found.get(port) ?? new Set()).add(alert.signature));
    return found;
  }

  /** Brings the rules of a gateway into force by its own script. */
  async load(gateway: KernelGateway, files: readonly EmittedFile[]): Promise<void> {
    for (const { name, text } of files) writeFileSync(join(this.folder, name), text);
    await gateway.run('sh', [join(this.folder, 'load.sh')]);
  }

  /** Takes packets from the queue of a gateway; ready when it says so. */
  async start(gateway: KernelGateway, queue: number): Promise<StationProgram> {
    const program = new StationProgram(gateway.topology.gateway, [...this.#arguments, '-q', String(queue), ...everyDrop], { command: 'suricata' });
    await program.line(/Engine started/u, 20_000);
    return program;
  }

  /** Messages of the rules that fired so far. */
  messages(): readonly string[] {
    return this.#events().flatMap((event) => (event.event_type === 'alert' ? [event.alert?.signature ?? ''] : []));
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(more: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync('suricata', [...this.#arguments, ...more], { encoding: 'utf8', env: environment });
  }

  #ofCapture(capture: Uint8Array): readonly Event[] {
    const path = join(this.folder, 'capture.pcap');
    writeFileSync(path, capture);
    const { status, stderr } = this.#run(['-r', path, '--simulate-ips', '-k', 'none', ...everyDrop]);
    if (status !== 0) throw new Error(`suricata ended with ${status}: ${stderr}`);
    const events = this.#events();
    rmSync(join(this.folder, 'eve.json'));
    return events;
  }

  #events(): readonly Event[] {
    const lines = readFileSync(join(this.folder, 'eve.json'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Event);
  }
}

/** `C` and bytes in hexadecimal that the client says, `S` and what the server says; a third says how many bytes were sent before already. */
export type Said = readonly [who: 'C' | 'S', hex: string, again?: number];

/** The first client has the one above it. */
const firstPort = 20_000;

interface Ends {
  readonly client: string;
  readonly server: string;
  readonly port: number;
}

/** Conversations of TCP as a capture: every one is opened, talks, and each side acknowledges what the other said. */
export class Conversations {
  readonly #frames: Uint8Array[] = [];
  readonly #said: { readonly at: number; readonly conversation: number; readonly bytes: string }[] = [];
  #count = 0;

  /** Adds a conversation and gives its number; `opened`: whether its handshake is in the capture. */
  add({ client, server, port }: Ends, said: readonly Said[], opened = true): number {
    this.#count += 1;
    const own = firstPort + this.#count;
    const next = { C: 1000, S: 90_000 };
    const frame = (who: 'C' | 'S', flags: string, hex = ''): void => {
      const payload = Uint8Array.from(Buffer.from(hex, 'hex'));
      const [source, destination, sourcePort, destinationPort] = who === 'C' ? [client, server, own, port] : [server, client, port, own];
      const acknowledgement = flags === 'S' ? 0 : next[who === 'C' ? 'S' : 'C'];
      const transport = { kind: 'tcp' as const, sourcePort, destinationPort, flags, sequence: next[who], acknowledgement, payload };
      for (const packet of encodePacket({ source, destination, transport }))
        this.#frames.push(ethernetFrame(packet, Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 2)));
      next[who] += payload.length + (flags.includes('S') ? 1 : 0);
    };
    if (opened) {
      frame('C', 'S');
      frame('S', 'SA');
      frame('C', 'A');
    }
    for (const [who, hex, again = 0] of said) {
      next[who] -= again;
      frame(who, 'PA', hex);
      if (who === 'C') this.#said.push({ at: this.#frames.length, conversation: this.#count, bytes: hex });
      frame(who === 'C' ? 'S' : 'C', 'A');
    }
    return this.#count;
  }

  /** Messages of the rules that match in each conversation. */
  matched(engine: Engine): ReadonlyMap<number, ReadonlySet<string>> {
    const found = engine.matches(writePcap(this.#frames));
    return new Map(Array.from({ length: this.#count }, (_, index) => [index + 1, found.get(firstPort + index + 1) ?? new Set()]));
  }

  /** What the server of each conversation gets of what its client says. */
  delivered(engine: Engine): ReadonlyMap<number, string> {
    const dropped = engine.droppedFrames(writePcap(this.#frames));
    const streams = new Map(Array.from({ length: this.#count }, (_, index) => [index + 1, '']));
    for (const { at, conversation, bytes } of this.#said) if (!dropped.has(at)) streams.set(conversation, (streams.get(conversation) ?? '') + bytes);
    return streams;
  }
}
