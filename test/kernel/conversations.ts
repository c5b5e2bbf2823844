// Conversations by raw frames. Takes the two ends of a conversation through the gateway (or with it), gives the packets of either side
// with the numbers that conntrack expects: sequence, acknowledgement, ports, echo identifier. The idea: each call gives a part, a probe
// without its id, and moves the conversation on, so a state test reads like the exchange that it is about.

import { familyOf } from './address.ts';
import { encodePacket, icmpError, type Packet, type Transport } from './frames.ts';
import type { Entry, Probe } from './observation.ts';

export type Part = Omit<Probe, 'id'> & { readonly packet: Packet };

export interface End {
  readonly address: string;
  readonly port: number;
  /** An interface's name: the end stands behind it. `local`: it is the gateway itself. */
  readonly behind: string;
}

export interface Ends {
  readonly client: End;
  readonly server: End;
}

/** Gives parts their ids: `name-0`, `name-1`, … or the names given. */
export function named(parts: readonly Part[], ...names: readonly string[]): readonly Probe[] {
  return parts.map((part, index) => ({ ...part, id: names[index] ?? `${names[0] ?? 'part'}-${index}` }));
}

export class TcpConversation {
  readonly #ends: Ends;
  readonly #next: { client: number; server: number };

  constructor(ends: Ends, first: { readonly client: number; readonly server: number } = { client: 1000, server: 9000 }) {
    this.#ends = ends;
    this.#next = { ...first };
  }

  /** The three packets that open it. */
  handshake(): readonly [Part, Part, Part] {
    return [this.client('S'), this.server('SA'), this.client('A')];
  }

  client(flags: string, payload?: Uint8Array): Part {
    return this.#segment('client', flags, payload);
  }

  server(flags: string, payload?: Uint8Array): Part {
    return this.#segment('server', flags, payload);
  }

  /** Both sides close in order. */
  close(): readonly Part[] {
    return [this.client('FA'), this.server('FA'), this.client('A')];
  }

  #segment(side: 'client' | 'server', flags: string, payload?: Uint8Array): Part {
    const other = side === 'client' ? 'server' : 'client';
    const acknowledgement = flags.includes('A') ? this.#next[other] : 0;
    const part = partOf(this.#ends, side, (from, to) => ({
      kind: 'tcp',
      sourcePort: from.port,
      destinationPort: to.port,
      flags,
      sequence: this.#next[side],
      acknowledgement,
      ...(payload === undefined ? {} : { payload }),
    }));
    const used = (payload?.length ?? 0) + (flags.includes('S') ? 1 : 0) + (flags.includes('F') ? 1 : 0);
    this.#next[side] = (this.#next[side] + used) >>> 0;
    return part;
  }
}

export function udpAsk(ends: Ends, payload?: Uint8Array): Part {
  return datagram(ends, 'client', payload);
}

export function udpAnswer(ends: Ends, payload?: Uint8Array): Part {
  return datagram(ends, 'server', payload);
}

/** Echo and its reply; the client's port is the identifier, the server's the sequence number. */
export function echoRequest(ends: Ends): Part {
  return echo(ends, 'client');
}

export function echoReply(ends: Ends): Part {
  return echo(ends, 'server');
}

/** An error about `part`, sent back to where it came from by `from`, a router or host behind the interface named. */
export function errorAbout(part: Part, from: { readonly address: string; readonly behind: string }, type: number, code: number): Part {
  const [original = new Uint8Array(0)] = encodePacket(part.packet);
  return {
    entry: entryOf(from.behind),
    packet: { source: from.address, destination: part.packet.source, transport: icmpError(type, code, original) },
  };
}

function datagram(ends: Ends, side: 'client' | 'server', payload: Uint8Array | undefined): Part {
  return partOf(ends, side, (from, to) => ({
    kind: 'udp',
    sourcePort: from.port,
    destinationPort: to.port,
    ...(payload === undefined ? {} : { payload }),
  }));
}

function echo(ends: Ends, side: 'client' | 'server'): Part {
  const types = familyOf(ends.client.address) === 4 ? { client: 8, server: 0 } : { client: 128, server: 129 };
  const rest = ((ends.client.port << 16) | ends.server.port) >>> 0;
  return partOf(ends, side, () => ({ kind: 'icmp', type: types[side], rest }));
}

function partOf(ends: Ends, side: 'client' | 'server', transport: (from: End, to: End) => Transport): Part {
  const from = ends[side];
  const to = ends[side === 'client' ? 'server' : 'client'];
  return { entry: entryOf(from.behind), packet: { source: from.address, destination: to.address, transport: transport(from, to) } };
}

function entryOf(behind: string): Entry {
  return behind === 'local' ? { kind: 'local' } : { kind: 'wire', interface: behind };
}
