// Suricata in the queue of a gateway that runs. Takes the files of a gateway, gives the gateway between a client and a server, with the engine on its
// queue. The idea: rules of iptables and of Suricata may come from different files, so that rules that nobody emits are tried behind a real queue.

import type { EmittedFile } from '../../src/target/target.ts';
import { KernelGateway } from './gateway.ts';
import { startInStation, type StationProgram } from './real.ts';
import { program } from './suricata-plant.ts';
import { Engine } from './suricata.ts';

const interfaces = [
  { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'], station: { addresses: ['10.0.1.5/24', '2001:db8:1::5/64'] } },
  { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], station: { addresses: ['10.0.2.7/24', '2001:db8:2::7/64'] } },
];

export class Queue {
  readonly gateway: KernelGateway;
  readonly engine: Engine;
  #running: StationProgram;

  private constructor(gateway: KernelGateway, engine: Engine, running: StationProgram) {
    this.gateway = gateway;
    this.engine = engine;
    this.#running = running;
  }

  /** `ofEngine`: files whose rules and settings Suricata gets, if not those of the gateway. */
  static async create(files: readonly EmittedFile[], ofEngine = files): Promise<Queue> {
    const gateway = await KernelGateway.create({ interfaces });
    const engine = new Engine(ofEngine);
    await engine.load(
      gateway,
      files.filter(({ name }) => !name.startsWith('suricata.')),
    );
    return new Queue(gateway, engine, await engine.start(gateway, 0));
  }

  /** Ends Suricata as a fault would; nothing takes packets from the queue then. */
  async stop(): Promise<void> {
    await this.#running.stop('SIGKILL');
  }

  async restart(): Promise<void> {
    this.#running = await this.engine.start(this.gateway, 0);
  }

  /** A server in the press shop; it tells what it gets. `silent`: it answers nothing. */
  async serve(address: string, port: string, ...more: readonly 'silent'[]): Promise<StationProgram> {
    const serving = startInStation(this.gateway, 'eth1', [program('stream-server.mjs'), port, address, ...more]);
    await serving.line(/^listening/);
    return serving;
  }

  /** A client in the office, which writes what it is told segment by segment. */
  talk(address: string, port: string): StationProgram {
    return startInStation(this.gateway, 'eth0', [program('segment-client.mjs'), address, port]);
  }

  async dispose(): Promise<void> {
    await this.stop();
    this.engine.dispose();
    await this.gateway.dispose();
  }
}

/** What a server has got from a port of the client. */
export function streamFrom(serving: StationProgram, port: number): string {
  return serving.lines.findLast((line) => line.startsWith(`got ${port} `))?.split(' ')[2] ?? '';
}
