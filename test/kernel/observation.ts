// What a test asks and what it is told. Takes the copies and frames that came back while a flight of probes was under way, gives for
// each probe where it got to. The idea: a flight is matched by stamp and by both addresses; what matches no probe is kept apart as a
// stray, because the gateway's own errors and resets are worth asserting as well.

import type { Packet } from './frames.ts';
import { sameEnds, stampOf, summarize, type Summary } from './stamp.ts';
import type { Copy, Direction, Hook, State } from './watch.ts';

export type ProbeId = number | string;

export type Entry =
  /** Comes in by this interface. The Ethernet destination is the gateway's unless the packet is multicast or this link's broadcast, or told. */
  | { readonly kind: 'wire'; readonly interface: string; readonly mac?: Uint8Array }
  /** Sent by the gateway itself; routing picks the way out unless an interface is named. */
  | { readonly kind: 'local'; readonly interface?: string };

export interface Probe {
  readonly id: ProbeId;
  readonly entry: Entry;
  /** A description, or the bytes of the packet (several: its fragments). */
  readonly packet: Packet | readonly Uint8Array[];
}

/** One pass through one hook. */
export interface Passage {
  readonly hook: Hook;
  readonly in: string | undefined;
  readonly out: string | undefined;
  readonly state: State | undefined;
  readonly direction: Direction | undefined;
  /** The conntrack mark before the ruleset saw the packet, and after it (undefined: dropped). */
  readonly mark: number;
  readonly accepted: boolean;
  readonly markAfter: number | undefined;
}

export interface Observation {
  /** The kernel took it as an IP packet (prerouting); false for local probes. */
  readonly arrived: boolean;
  /** The hook of the first passage; undefined if the kernel answered or dropped it without asking the ruleset. */
  readonly reached: Hook | undefined;
  readonly state: State | undefined;
  readonly direction: Direction | undefined;
  readonly mark: number;
  readonly markAfter: number | undefined;
  readonly in: string | undefined;
  readonly out: string | undefined;
  /** The ruleset let it through at the first hook that it reached. */
  readonly accepted: boolean;
  /** The interface on whose far end it was seen, and how often (fragments count each). */
  readonly wire: string | undefined;
  readonly frames: number;
  /** Every hook in order: a packet to the gateway's own address that it sends itself passes output, then input. */
  readonly passages: readonly Passage[];
  /** What the ruleset itself logged about it, to one of the `logGroups`, in order. */
  readonly logs: readonly LogLine[];
  /** The errno that the kernel gave the sender: 1 (EPERM) is a drop in output, 101 no route, 22 a malformed packet. */
  readonly errno: number | undefined;
}

export interface LogLine {
  readonly group: number;
  readonly prefix: string;
  readonly hook: Hook;
}

export interface Stray {
  /** At a hook of the gateway, or on the far end of an interface. */
  readonly at: 'hook' | 'wire';
  readonly moment: Copy['moment'] | undefined;
  readonly hook: Hook | undefined;
  readonly state: State | undefined;
  readonly in: string | undefined;
  readonly out: string | undefined;
  readonly packet: Summary;
}

export interface Names {
  near(index: number | undefined): string | undefined;
  far(index: number): string | undefined;
}

interface Tracked {
  readonly id: ProbeId;
  readonly first: Uint8Array;
  readonly fromWire: boolean;
  arrived: boolean;
  passages: Passage[];
  logs: LogLine[];
  wire: string | undefined;
  frames: number;
  errno: number | undefined;
}

/** Enough to see what went wrong, and a bound for a station that talks all the time. */
const mostStrays = 10_000;

export class Flight {
  readonly strays: Stray[] = [];
  readonly #names: Names;
  readonly #byStamp = new Map<number, Tracked>();

  constructor(names: Names) {
    this.#names = names;
  }

  /** Expects a probe; `first` are its bytes as sent, with the stamp (of a fragmented one, the first fragment). */
  expect(stamp: number, id: ProbeId, first: Uint8Array, fromWire: boolean): void {
    this.#byStamp.set(stamp, { id, first, fromWire, arrived: false, passages: [], logs: [], wire: undefined, frames: 0, errno: undefined });
  }

  sendFailed(stamp: number, errno: number): void {
    const tracked = this.#byStamp.get(stamp);
    if (tracked !== undefined) tracked.errno ??= errno;
  }

  copied(copy: Copy): void {
    if (copy.moment === 'sync') return;
    const into = this.#names.near(copy.in);
    const out = this.#names.near(copy.out);
    const found = this.#find(copy.packet);
    // What came by a wire never passes output: that is the gateway itself, with a stamp by chance.
    const tracked = found?.fromWire === true && copy.hook === 'output' ? undefined : found;
    if (tracked === undefined) {
      this.#stray({ at: 'hook', moment: copy.moment, hook: copy.hook, state: copy.state, in: into, out }, copy.packet);
    } else if (copy.moment === 'arrived') {
      tracked.arrived = true;
    } else if (copy.moment === 'logged') {
      tracked.logs.push({ group: copy.group, prefix: copy.prefix, hook: copy.hook });
    } else if (copy.moment === 'before') {
      const { hook, state, direction, mark } = copy;
      tracked.passages.push({ hook, in: into, out, state, direction, mark, accepted: false, markAfter: undefined });
    } else {
      const index = tracked.passages.findLastIndex((passage) => passage.hook === copy.hook && !passage.accepted);
      const passage = tracked.passages[index];
      if (passage !== undefined) tracked.passages[index] = { ...passage, accepted: true, markAfter: copy.mark };
    }
  }

  onWire(farIndex: number, packet: Uint8Array): void {
    const name = this.#names.far(farIndex);
    if (name === undefined) return;
    const tracked = this.#find(packet);
    if (tracked === undefined) {
      this.#stray({ at: 'wire', moment: undefined, hook: undefined, state: undefined, in: undefined, out: name }, packet);
    } else {
      tracked.wire ??= name;
      tracked.frames += 1;
    }
  }

  result(into: Map<ProbeId, Observation>): void {
    for (const tracked of this.#byStamp.values()) {
      const first = tracked.passages[0];
      into.set(tracked.id, {
        arrived: tracked.arrived,
        reached: first?.hook,
        state: first?.state,
        direction: first?.direction,
        mark: first?.mark ?? 0,
        markAfter: first?.markAfter,
        in: first?.in,
        out: first?.out,
        accepted: first?.accepted ?? false,
        wire: tracked.wire,
        frames: tracked.frames,
        passages: tracked.passages,
        logs: tracked.logs,
        errno: tracked.errno,
      });
    }
  }

  /** Probes whose copies cannot all be there: judged without having come in, or on a wire without having been let through. */
  contradictions(): readonly ProbeId[] {
    return [...this.#byStamp.values()]
      .filter(({ fromWire, arrived, passages, wire }) => {
        const judgedUnseen = fromWire && !arrived && passages.length > 0;
        const leftUnjudged = wire !== undefined && !passages.some((passage) => passage.accepted);
        return judgedUnseen || leftUnjudged;
      })
      .map((tracked) => tracked.id);
  }

  #find(packet: Uint8Array): Tracked | undefined {
    const stamp = stampOf(packet);
    const tracked = stamp === undefined ? undefined : this.#byStamp.get(stamp);
    return tracked !== undefined && sameEnds(tracked.first, packet) ? tracked : undefined;
  }

  #stray(where: Omit<Stray, 'packet'>, bytes: Uint8Array): void {
    const packet = summarize(bytes);
    if (packet !== undefined && this.strays.length < mostStrays) this.strays.push({ ...where, packet });
  }
}
