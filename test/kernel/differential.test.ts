// The kernel against `evaluate`: random plants, packets at and beside every boundary, conversations that live through reloads; on every
// platform that rules are written for.
//
// Takes ZW_KERNEL_VERDICTS (how many on nftables; half of it on iptables, a quarter on each of the others) and ZW_KERNEL_SEED (a number, or `random`);
// gives zero mismatches, or the smallest plant and packet found, to be made a named test.

import { expect, it } from 'vitest';
import { compilingPlant } from '../generators/plants.ts';
import { type Backend, iptablesBackends, isRefusal, nftables, openwrt, openwrtFw3, vyos } from './backends.ts';
import { describeKernel } from './requirements.ts';
import { Trial } from './trial.ts';

const wanted = Number(process.env['ZW_KERNEL_VERDICTS'] ?? 20_000);
const asked = process.env['ZW_KERNEL_SEED'] ?? '1000';
const start = asked === 'random' ? Math.floor(Math.random() * 1_000_000_000) : Number(asked);

/** Each platform sees other plants. */
const runs: readonly (readonly [name: string, backend: Backend, wanted: number, start: number])[] = [
  nftables,
  ...iptablesBackends,
  openwrt,
  openwrtFw3,
  vyos,
].map((backend, index) => [backend.name, backend, index === 0 ? wanted : Math.ceil((wanted * (backend.keeps === true ? 5 : 10)) / 20), start + index * 10_000]);

describeKernel('the kernel decides as evaluate does', () => {
  it.each(runs)(
    'on %s',
    async (name, backend, wanted, start) => {
      const began = performance.now();
      const counts = new Map<string, number>();
      let verdicts = 0;
      let plants = 0;
      let limited = 0;
      let foreseen = 0;
      for (let seed = start; verdicts < wanted; plants += 1) {
        const { plant } = compilingPlant(seed);
        seed = plant.seed + 1;
        const trial = await trialOf(() => Trial.create(plant, plant.seed, backend));
        if (trial === undefined) continue;
        try {
          const result = await trial.run(400);
          const [first] = result.mismatches;
          if (first !== undefined) expect.fail(`${result.mismatches.length} mismatches; ${await trial.explain(first)}`);
          verdicts += result.verdicts;
          limited += result.limited;
          foreseen += result.foreseen;
          for (const [key, count] of result.counts) counts.set(key, (counts.get(key) ?? 0) + count);
        } finally {
          await trial.dispose();
        }
      }
      const seconds = (performance.now() - began) / 1000;
      const lines = [...counts].sort().map(([key, count]) => `  ${key}: ${count}`);
      console.log(
        `${name}: ${verdicts} verdicts of the kernel equal evaluate's (${plants} plants from seed ${start}, ${foreseen} routes and states foreseen, ${limited} left to a rate, ${seconds.toFixed(1)} s)\n${lines.join('\n')}`,
      );
      expect(verdicts).toBeGreaterThanOrEqual(wanted);
      expect(foreseen).toBeGreaterThan(verdicts / 10);
      for (const hook of ['forward', 'input', 'output']) {
        for (const family of ['IPv4', 'IPv6']) {
          for (const end of ['accepted', 'dropped']) {
            const total = [...counts].filter(([key]) => key.startsWith(`${hook} ${family}`) && key.endsWith(end)).reduce((sum, [, count]) => sum + count, 0);
            expect(total, `${hook} ${family} ${end}`).toBeGreaterThan(verdicts / 200);
          }
        }
      }
    },
    3_600_000,
  );
});

/** Undefined for a plant that the platform has no words for. */
async function trialOf(create: () => Promise<Trial>): Promise<Trial | undefined> {
  try {
    return await create();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}
