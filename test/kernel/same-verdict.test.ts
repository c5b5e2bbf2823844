// One plant, every platform: the same packets get the same verdicts from nftables, from iptables on both back ends, with and without sets,
// and from VyOS; there packets that start conversations, since the platform keeps those that it knows.
// Takes random plants, gives zero differences. The idea: no `evaluate` in between; two rulesets that share no lowering are held against each other.

import { expect, it } from 'vitest';
import type { Address } from '../../src/net/address.ts';
import { compileText, type Ruleset, rulesetOf } from '../generators/compile.ts';
import { Draw } from '../generators/draw.ts';
import { PacketMaker } from '../generators/packets.ts';
import { compilingPlant, zoneFile } from '../generators/plants.ts';
import { noFunction } from '../../src/packets/functions.ts';
import { onVyosInterfaces } from '../targets/vyos/dress.ts';
import { type Backend, iptablesBackends, isRefusal, nftables, vyos } from './backends.ts';
import { KernelGateway, type Observation, type Probe } from './gateway.ts';
import { describeKernel } from './requirements.ts';
import { judge } from './trial.ts';

const plants = Number(process.env['ZW_KERNEL_PLANTS'] ?? 4);
const firstSeed = 60_000;
const packets = 300;

describeKernel('the same plant on every platform', () => {
  it(`gives the same verdict for every packet, over ${plants} plants`, async () => {
    let compared = 0;
    let accepted = 0;
    for (let index = 0; index < plants; index++) {
      const plant = onVyosInterfaces(compilingPlant(firstSeed + index * 100).plant);
      const told = new Map<string, ReadonlyMap<string, string>>();
      for (const backend of [nftables, ...iptablesBackends, vyos]) {
        const verdicts = await verdictsOf(backend, plant);
        if (verdicts !== undefined) told.set(backend.name, verdicts);
      }
      const [first, ...others] = [...told];
      expect(others.length).toBeGreaterThan(0);
      for (const [name, verdicts] of others) {
        for (const [id, verdict] of first?.[1] ?? []) {
          if (name === vyos.name && !verdicts.has(id)) continue;
          expect(`${id}: ${verdicts.get(id) ?? 'nothing'}`, `seed ${plant.seed}, ${name}`).toBe(`${id}: ${verdict}`);
          compared += 1;
          if (verdict.includes('passes')) accepted += 1;
        }
      }
    }
    expect(compared).toBeGreaterThan(plants * packets);
    expect(accepted).toBeGreaterThan(compared / 20);
  }, 300_000);
});

/** How each packet fared, by its number; undefined if the platform has no words for the plant. */
async function verdictsOf(backend: Backend, plant: ReturnType<typeof compilingPlant>['plant']): Promise<ReadonlyMap<string, string> | undefined> {
  let ruleset: Ruleset;
  try {
    ruleset = rulesetOf(compileText(backend.dress(zoneFile(plant))));
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
  const gateway = await KernelGateway.create({
    interfaces: plant.interfaces.map((face) => ({ name: face.name, addresses: face.addresses, routes: face.routes })),
    ...(backend.window === undefined ? {} : { window: backend.window }),
  });
  try {
    await backend.load(gateway, ruleset);
    const maker = new PacketMaker(
      Draw.seeded(plant.seed),
      plant,
      ruleset.house,
      new Map(gateway.topology.links.map((link) => [link.spec.name, link.linkLocal])),
    );
    const samples = Array.from({ length: packets }, () => maker.sample());
    const seen = await gateway.send(samples.map(({ entry, packet }, index): Probe => ({ id: String(index), entry, packet })));
    const words = ({ hook, in: into, out, state, accepted }: Observation['passages'][number]): string =>
      `${hook} ${into ?? ''} ${out ?? ''} ${state ?? ''} ${accepted ? 'passes' : 'dies'}`;
    return new Map(
      samples.flatMap(({ facts, entry }, index) => {
        const observation = seen.get(String(index));
        // What a rate may deny, what one platform looks into, and what the old tools take for another protocol is not the same on purpose.
        const apart =
          facts.protocol === 51 ||
          observation?.passages.some((passage) => {
            const verdict = judge(gateway, ruleset, facts, passage)?.verdict;
            return (
              verdict?.limited === true || verdict?.accepted !== judge(gateway, ruleset, { ...facts, functionNumber: noFunction }, passage)?.verdict.accepted
            );
          }) === true;
        // VyOS takes more for a dynamic address than it is.
        const dynamic = ruleset.policy.anyDynamic && observation?.reached !== 'forward';
        const kept = ruleset.policy.conversations === 'kept' && (dynamic || observation?.passages.some(({ state }) => state !== 'new') !== false);
        // By which interface the gateway itself sends to multicast is the kernel's choice, and another one in another namespace.
        const adrift = entry.kind === 'local' && entry.interface === undefined && isOnEveryLink(facts.destination);
        return observation === undefined || apart || kept || adrift ? [] : [[String(index), observation.passages.map(words).join(', ')] as const];
      }),
    );
  } finally {
    await gateway.dispose();
  }
}

/** ff00::/8 and fe80::/10: the destination does not say where. */
function isOnEveryLink({ family, value }: Address): boolean {
  return family === 6 && (value >> 120n === 0xffn || value >> 118n === 0x3fan);
}
