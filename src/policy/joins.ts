/**
 * Which gateways stand between which zones (rules 11 and 12).
 *
 * Takes the gateways' interfaces, answers for pairs of zones: the gateways on the path, and whether the two reach each
 * other without one.
 */
import type { Gateway, Model } from '../model/model.ts';

export class Joins {
  readonly #onPath = new Map<string, string[]>();
  readonly #sharing = new Map<string, string>();
  readonly #faced = new Set<string>();

  constructor(model: Pick<Model, 'gateways'>) {
    for (const gateway of model.gateways) this.#enter(gateway);
    this.#closeWires();
  }

  /** Who shares a wire with one that shares a wire with a third reaches that one too. */
  #closeWires(): void {
    const wires = [...this.#sharing].map(([pair, wire]) => ({ ends: pair.split('\n'), wire }));
    const areas: Set<string>[] = [];
    for (const { ends } of wires) {
      const touched = areas.filter((area) => ends.some((zone) => area.has(zone)));
      const joined = new Set([...ends, ...touched.flatMap((area) => [...area])]);
      areas.splice(0, areas.length, ...areas.filter((area) => !touched.includes(area)), joined);
    }
    for (const area of areas) {
      for (const a of area) {
        for (const b of area) {
          if (a === b || this.#sharing.has(key(a, b))) continue;
          const first = wires.find(({ ends }) => ends[0] === a);
          this.#sharing.set(key(a, b), first?.wire ?? '');
        }
      }
    }
  }

  /** Names of the gateways on the path from one zone to another (or within one), sorted. */
  gateways(from: string, to: string): readonly string[] {
    return this.#onPath.get(key(from, to)) ?? [];
  }

  /** `gateway interface` that both zones share unseparated, if any: then they reach each other freely. */
  sharedInterface(a: string, b: string): string | undefined {
    return this.#sharing.get(key(a, b));
  }

  /** Whether a gateway stands between them and nothing lets them bypass it. */
  separated(from: string, to: string): boolean {
    return from !== to && this.sharedInterface(from, to) === undefined && this.gateways(from, to).length > 0;
  }

  faced(zone: string): boolean {
    return this.#faced.has(zone);
  }

  #enter(gateway: Gateway): void {
    for (const left of gateway.interfaces) {
      for (const from of left.faces) {
        this.#faced.add(from);
        for (const right of gateway.interfaces) {
          for (const to of right.faces) {
            if (left !== right || left.routed) {
              const list = this.#onPath.get(key(from, to)) ?? [];
              if (!list.includes(gateway.name)) list.push(gateway.name);
              this.#onPath.set(key(from, to), list);
            } else if (from !== to) {
              this.#sharing.set(key(from, to), `${gateway.name} ${left.name}`);
            }
          }
        }
      }
    }
  }
}

function key(from: string, to: string): string {
  return `${from}\n${to}`;
}
