/**
 * One policy, many targets: the same random plants on every target of the table have the same packet sets, wherever none refuses.
 *
 * The readers' sets are held against each other in one space, without the policy in between: packets that would start a conversation. What
 * every gateway passes without being asked, and dynamic addresses, differ by what a platform can ask for; they are left out here and proved
 * against each target's own policy elsewhere.
 */
import { describe, expect, it } from 'vitest';
import { isEmpty } from '../../src/net/address-set.ts';
import { noFunction } from '../../src/packets/functions.ts';
import { empty, fields, type Node } from '../../src/packets/packet-space.ts';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import { policyNumber, policySets, policySpace, possible } from '../../src/policy/sets.ts';
import type { EmittedFile, Target } from '../../src/target/target.ts';
import { targets } from '../../targets/index.ts';
import { compileText } from '../generators/compile.ts';
import { compilingPlant, zoneFile } from '../generators/plants.ts';
import { onVyosInterfaces, withoutRates } from './vyos/dress.ts';

const plants = Number(process.env['ZW_TARGETS_PLANTS'] ?? 8);
const firstSeed = Number(process.env['ZW_TARGETS_SEED'] ?? 40_000);

interface Emitted {
  readonly target: Target;
  readonly policy: GatewayPolicy;
  readonly files: readonly EmittedFile[];
}

/** Undefined if the target has no words for the plant. */
async function emitted(load: () => Promise<Target>, text: string): Promise<Emitted | undefined> {
  const target = await load();
  const { name } = target.capabilities;
  const compiled = compileText(text.replace(/target nftables(?: \{[^}]*\})?/u, `target ${name}`));
  const [policy] = compiled.policies;
  if (compiled.errors.length > 0 || policy === undefined) {
    for (const error of compiled.errors) expect(error, name).toMatch(/^ZW5/u);
    return undefined;
  }
  const { emission, diagnostics } = target.emit(policy, {
    policyTitle: compiled.model.title,
    revision: undefined,
    sourceDigest: '',
    date: '',
    compilerVersion: '',
    policyNumber: policyNumber(policySets(policy)),
    place: () => '',
  });
  if (diagnostics.length > 0) {
    for (const { code } of diagnostics) expect(code, name).toMatch(/^ZW5/u);
    return undefined;
  }
  return { target, policy, files: emission.files.filter((file) => file.loader !== true) };
}

describe('one policy on every target', () => {
  it(`lets the same conversations start, over ${plants} random plants from seed ${firstSeed}`, async () => {
    expect(targets.length).toBeGreaterThan(2);
    const took = new Map(targets.map(({ capabilities }) => [capabilities.name, 0]));
    let started = 0;
    for (let index = 0; index < plants; index++) {
      const { plant } = compilingPlant(firstSeed + index * 10);
      const text = withoutRates(zoneFile(onVyosInterfaces(plant)));
      const all = (await Promise.all(targets.map(({ load }) => emitted(load, text)))).filter((one) => one !== undefined);
      const [first] = all;
      if (first === undefined) continue;
      const space = policySpace(first.policy, ...all.flatMap(({ target, files, policy }) => [...target.borders(files), policy.sending ?? policy.own]));
      const { diagram } = space;
      // What passes though no flow says so.
      const unasked = diagram.unionAll(all.map(({ policy }) => policySets({ ...policy, entries: [] }, space).accepted));
      const ways = first.policy.anyDynamic ? space.hook('forward') : possible(space);
      // Some targets look into messages: what starts without one is the same for all.
      const silent = space.among(fields.function, [noFunction]);
      const isNew = diagram.intersect(space.state('new', space.markCurrent(false)), silent);
      const starting = diagram.intersect(diagram.intersect(possible(space), ways), isNew);
      const asked = diagram.subtract(starting, unasked);
      const sets = all.map(({ target, policy, files }): readonly [string, Node] => {
        const mark = target.mark(policy, policyNumber(policySets(policy)));
        const { accepted, refusals } = target.read(files, { space, mark });
        expect(refusals, `seed ${plant.seed}, ${target.capabilities.name}`).toEqual([]);
        return [target.capabilities.name, diagram.intersect(accepted, asked)];
      });
      for (const [name, set] of sets) {
        took.set(name, (took.get(name) ?? 0) + 1);
        const [one = '', wanted = empty] = sets[0] ?? [];
        const [more, less] = [diagram.subtract(set, wanted), diagram.subtract(wanted, set)];
        const shown = space.pick(more === empty ? less : more);
        expect(
          more === empty && less === empty,
          `seed ${plant.seed}: ${name} ${more === empty ? 'drops' : 'passes'} what ${one} does not: ${JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value))}\n${text}`,
        ).toBe(true);
        if (set !== empty) started += 1;
      }
      expect(first.policy.zones.every(({ addresses }) => isEmpty(addresses))).toBe(false);
    }
    console.log(`${[...took].map(([name, count]) => `${name}: ${count}`).join(', ')} plants, ${started} sets that are not empty`);
    for (const [name, count] of took) expect(count, name).toBeGreaterThan(plants / 2);
    expect(started).toBeGreaterThan(plants);
  }, 300_000);
});
