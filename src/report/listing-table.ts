/** Rows of the listing as a table: the columns, and how each field reads as text. */
import type { ListingRow } from './listing-row.ts';
import type { Table } from './table.ts';

type Cell = (row: ListingRow) => string;

const list = (words: readonly string[]): string => words.join(', ');
const yes = (flag: boolean): string => (flag ? 'yes' : 'no');

/** What was not said is an empty cell. */
const columns: readonly (readonly [heading: string, cell: Cell])[] = [
  ['gateway', (row) => row.gateway ?? ''],
  ['direction', (row) => row.direction],
  ['name', (row) => row.name],
  ['label', (row) => row.label ?? ''],
  ['conduit', (row) => row.conduit ?? ''],
  ['effect', (row) => row.effect],
  ['state', (row) => row.state],
  ['in', (row) => list(row.in)],
  ['out', (row) => list(row.out)],
  ['from zones', (row) => list(row.from.zones)],
  ['to zones', (row) => list(row.to.zones)],
  ['from', (row) => row.from.text],
  ['from addresses', (row) => list(row.from.addresses)],
  ['to', (row) => row.to.text],
  ['to addresses', (row) => list(row.to.addresses)],
  ['services', (row) => row.services],
  ['grade', (row) => row.grade ?? ''],
  ['widened', (row) => yes(row.widened)],
  ['accepts weaker', (row) => row.acceptsWeaker ?? ''],
  ['log', (row) => yes(row.log)],
  ['count', (row) => yes(row.count)],
  ['rate', (row) => row.rate ?? ''],
  ['owner', (row) => row.owner ?? ''],
  ['ticket', (row) => row.ticket ?? ''],
  ['reason', (row) => row.reason ?? ''],
  ['expires', (row) => row.expires ?? ''],
  ['essential', (row) => yes(row.essential)],
  ['place', (row) => row.place],
];

export function listingTable(rows: readonly ListingRow[]): Table {
  return { columns: columns.map(([heading]) => heading), rows: rows.map((row) => columns.map(([, cell]) => cell(row))) };
}
