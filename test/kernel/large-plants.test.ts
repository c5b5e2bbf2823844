// Plants of hundreds of flows on iptables, where lookups are sets of thousands of elements and trees of many cuts: the kernel against `evaluate`,
// on packets at and beside the ends of what flows name. Random plants of the differential test are small.

import { expect, it } from 'vitest';
import { formatAddress } from '../../src/net/address.ts';
import type { Gateway } from '../../src/model/model.ts';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { Draw } from '../generators/draw.ts';
import { PacketMaker } from '../generators/packets.ts';
import type { Plant } from '../generators/plants.ts';
import { iptablesBackends } from './backends.ts';
import { KernelGateway, type Probe } from './gateway.ts';
import { describeKernel } from './requirements.ts';
import { judge } from './trial.ts';

const packets = 3000;
/** Kinds of the bench's second plant, with so many flows. */
const mixes: readonly (readonly [mix: string, flows: number])[] = [
  ['mixed', 250],
  ['groups', 8],
  ['ranges', 400],
  ['deny', 60],
  ['any', 300],
];

describeKernel('large plants on iptables', () => {
  for (const backend of iptablesBackends) {
    // Trees without sets take iptables-nft-restore many seconds to load.
    const chosen = backend.name === 'iptables-nft without sets' ? mixes.filter(([mix]) => mix === 'ranges') : mixes;
    it.each(chosen)(`${backend.name} judges as evaluate does: %s, %i flows`, async (mix, flows) => {
      const { mixed } = (await import(new URL('../bench/mixed.mjs', import.meta.url).href)) as {
        mixed: (options: { flows: number; seed: number; mix: string }) => string;
      };
      const ruleset = rulesetOf(compileText(backend.dress(mixed({ flows, seed: 7, mix }).replace('target nftables', 'target nftables {}'))));
      const plant = standIn(ruleset.house.gateway);
      const gateway = await KernelGateway.create({ interfaces: plant.interfaces.map(({ name, addresses, routes }) => ({ name, addresses, routes })) });
      try {
        await backend.load(gateway, ruleset);
        const maker = new PacketMaker(
          Draw.seeded(flows),
          plant,
          ruleset.house,
          new Map(gateway.topology.links.map((link) => [link.spec.name, link.linkLocal])),
        );
        const samples = Array.from({ length: packets }, () => maker.sample());
        const seen = await gateway.send(samples.map(({ entry, packet }, index): Probe => ({ id: String(index), entry, packet })));
        const tally = { accepted: 0, dropped: 0 };
        for (const [index, sample] of samples.entries()) {
          for (const passage of seen.get(String(index))?.passages ?? []) {
            const judged = judge(gateway, ruleset, sample.facts, passage);
            if (judged === undefined || judged.verdict.limited) continue;
            expect(
              passage.accepted,
              `packet ${index}: ${JSON.stringify(sample.packet)} ${passage.hook} ${passage.in} -> ${passage.out} ${judged.verdict.reason.kind}`,
            ).toBe(judged.verdict.accepted);
            tally[passage.accepted ? 'accepted' : 'dropped'] += 1;
          }
        }
        expect(tally.accepted).toBeGreaterThan(packets / 40);
        expect(tally.dropped).toBeGreaterThan(packets / 10);
      } finally {
        await gateway.dispose();
      }
    });
  }
});

/** What the packet maker asks of a plant, for one that is not of its own making: interfaces with addresses and the routes to their zones. */
function standIn(gateway: Gateway): Plant {
  const second: Readonly<Record<string, readonly string[]>> = {
    internet: ['0.0.0.0/0', '::/0'],
    cell_b: ['172.16.128.0/17', '2001:db8:1b::/64'],
    cell_d: ['172.17.128.0/17', '2001:db8:1d::/64'],
  };
  const interfaces = gateway.interfaces.map((face) => ({
    name: face.name,
    zones: face.faces,
    routed: true,
    addresses: face.addresses.map(({ address, length }) => `${formatAddress(address)}/${length}`),
    own: face.addresses.map(({ address, length, network }) => ({
      family: address.family,
      value: BigInt(address.value),
      block: { family: address.family, length, first: BigInt(network.first), last: BigInt(network.last) },
    })),
    routes: face.faces.flatMap((zone) => second[zone] ?? []),
    text: '',
  }));
  return { seed: 0, pieces: [], zones: [], hosts: [], interfaces };
}
