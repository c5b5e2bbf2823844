/** A row of `zonewright list`: what its fields mean, and the order in which rows stand. */
import type { Grade } from '../model/model.ts';

export const directions = ['through', 'to the gateway', 'from the gateway'] as const;
export type Direction = (typeof directions)[number];

/** One side of a row. */
export interface ListingEnd {
  /** As written; the gateway's name on its own side. */
  readonly text: string;
  /** Zones of the addresses, sorted; none on the gateway's own side. */
  readonly zones: readonly string[];
  /** What of it this gateway carries: addresses, networks and ranges; `dynamic` for an address that only the gateway knows. */
  readonly addresses: readonly string[];
}

/** In JSON as it stands here (`zonewright.list`); what was not said is null. */
export interface ListingRow {
  /** Null for a flow that no gateway carries. */
  readonly gateway: string | null;
  readonly direction: Direction;
  /** Name of the flow, the words of a `manage`, `receive` or `send` line, or what an interface passes or runs. */
  readonly name: string;
  readonly label: string | null;
  readonly conduit: string | null;
  readonly effect: 'allow' | 'deny';
  /**
   * `in force`, `disabled: why` or `expired 2026-01-31`; `on no gateway` of a flow that no gateway carries, `on no
   * interface` of a gateway's own line that none of its interfaces carries; `baseline` of what passes unasked.
   */
  readonly state: string;
  /** Names of the interfaces by which its packets come and go, sorted; none on the gateway's own side. */
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly from: ListingEnd;
  readonly to: ListingEnd;
  /** As written. */
  readonly services: string;
  /** Achieved here, of a flow that asks for inspection. */
  readonly grade: Grade | null;
  /** Whether more is enforced than was written. */
  readonly widened: boolean;
  /** The lowest grade that its author accepts, and why: `ports: the session is recorded`. */
  readonly acceptsWeaker: string | null;
  readonly log: boolean;
  readonly count: boolean;
  /** `5/minute burst 10`. */
  readonly rate: string | null;
  readonly owner: string | null;
  readonly ticket: string | null;
  readonly reason: string | null;
  readonly expires: string | null;
  readonly essential: boolean;
  /** `plant.zone:41`. */
  readonly place: string;
}

/** By gateway (no gateway last), direction, name, then interfaces. */
export function inListingOrder(a: ListingRow, b: ListingRow): number {
  return (
    Number(a.gateway === null) - Number(b.gateway === null) ||
    compare(a.gateway ?? '', b.gateway ?? '') ||
    directions.indexOf(a.direction) - directions.indexOf(b.direction) ||
    compare(a.name, b.name) ||
    compare([...a.in, ...a.out].join(' '), [...b.in, ...b.out].join(' '))
  );
}

/** By code units, whatever the locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
