/**
 * Law: whatever `evaluate` lets a conversation start by stands in the listing, with its interfaces and both addresses.
 *
 * Random plants, and packets at and beside every boundary. The listing is judged by its words alone: addresses are read
 * back from the text of its cells.
 */
import { expect, test } from 'vitest';
import { type Address, parseAddress, parsePrefix } from '../../src/net/address.ts';
import type { Packet } from '../../src/packets/packet.ts';
import { evaluate, type Verdict } from '../../src/policy/evaluate.ts';
import { Joins } from '../../src/policy/joins.ts';
import { listing } from '../../src/report/listing.ts';
import type { ListingRow } from '../../src/report/listing-row.ts';
import { compileText, judgementDay, rulesetOf } from '../generators/compile.ts';
import { edgePackets } from '../generators/edge-packets.ts';
import { compilingPlant, zoneFile } from '../generators/plants.ts';

/** Whether the words of a cell hold the address: `10.0.0.0/16`, `10.0.0.5-10.0.0.9`, `dynamic` where the platform says so. */
function holds(words: readonly string[], address: Address, local: boolean): boolean {
  return words.some((word) => {
    if (word === 'dynamic') return local;
    const prefix = parsePrefix(word)?.network;
    const [first, last] = prefix === undefined ? word.split('-').map((end) => parseAddress(end)?.value) : [prefix.first, prefix.last];
    if (first === undefined || word.includes(':') !== (address.family === 6)) return false;
    return first <= address.value && address.value <= (last ?? first);
  });
}

function nameOf({ reason }: Verdict): string | undefined {
  if (reason.kind === 'flow') return reason.flow.name;
  if (reason.kind === 'traffic') return reason.line.name;
  return reason.kind === 'pass' ? reason.name : undefined;
}

const states = { flow: 'in force', traffic: 'in force', pass: 'baseline' } as const;

function covers(row: ListingRow, packet: Packet, verdict: Verdict): boolean {
  const { kind } = verdict.reason;
  return (
    row.name === nameOf(verdict) &&
    row.state === (kind === 'flow' || kind === 'traffic' || kind === 'pass' ? states[kind] : '') &&
    row.direction === (packet.hook === 'forward' ? 'through' : packet.hook === 'input' ? 'to the gateway' : 'from the gateway') &&
    (packet.inInterface === undefined || row.in.includes(packet.inInterface)) &&
    (packet.outInterface === undefined || row.out.includes(packet.outInterface)) &&
    holds(row.from.addresses, packet.source, packet.hook === 'output' && packet.local) &&
    holds(row.to.addresses, packet.destination, packet.hook === 'input' && packet.local)
  );
}

const plants = 25;

test(`every conversation that ${plants} random plants let start stands in their listing`, () => {
  const seen = { flow: 0, traffic: 0, pass: 0 };
  for (let index = 0; index < plants; index++) {
    const { plant } = compilingPlant(7000 + index * 100);
    const compiled = compileText(zoneFile(plant));
    const { house, policy } = rulesetOf(compiled);
    const placement = { date: judgementDay, gateways: compiled.policies, joins: new Joins(compiled.model) };
    const rows = listing(compiled.model, placement, compiled.sources).filter((row) => row.gateway === policy.gateway);
    for (const packet of edgePackets(house, policy, 7000 + index, 3000)) {
      const verdict = evaluate(house, packet);
      const { kind } = verdict.reason;
      if (!(kind === 'pass' || ((kind === 'flow' || kind === 'traffic') && packet.state === 'new'))) continue;
      if (!rows.some((row) => covers(row, packet, verdict))) {
        const shown = JSON.stringify(packet, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
        throw new Error(`seed ${plant.seed}: ${nameOf(verdict) ?? ''} has no row for\n${shown}\n${compiled.text}`);
      }
      seen[kind]++;
    }
  }
  console.log(`every one of ${seen.flow + seen.traffic + seen.pass} conversations stands in a row`);
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(plants);
});
