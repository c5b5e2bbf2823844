/**
 * Laws of the policy as a whole, on small random plants: what its sets hold, what another flow can change, and what its order cannot.
 */
import { describe, expect, it } from 'vitest';
import { bordersOf, PlantSets } from '../../src/analysis/plant-sets.ts';
import type { AssertResult } from '../../src/analysis/asserts/proof.ts';
import { AddressLine } from '../../src/packets/address-line.ts';
import { ConversationSpace } from '../../src/packets/conversation-space.ts';
import { empty } from '../../src/packets/diagram.ts';
import type { Checked } from '../../src/pipeline/check.ts';
import { judgementDay } from '../generators/compile.ts';
import { Draw } from '../generators/draw.ts';
import { type CheckedPlant, checkedPlant, checkSmall, type SmallPiece, smallZoneFile } from '../generators/multi-plants.ts';
import { complementFlows, sharesWires, turnedRound } from './laws-complement.ts';
import { Universe } from './laws-universe.ts';
import { asksTooMuch, namesGateway } from './laws-verdicts.ts';

const plants = Number(process.env['ZW_LAWS_PLANTS'] ?? 90);
const firstSeed = Number(process.env['ZW_LAWS_SEED'] ?? 1);

/** Runs a law on plants of their own, `share` of a hundred of all. */
function each(share: number, law: (plant: CheckedPlant, draw: Draw, fail: (what: string) => never) => void): void {
  for (let index = 0; index < (plants * share) / 100; index++) {
    const plant = checkedPlant(firstSeed + index * 10 + 5);
    law(plant, Draw.seeded(plant.seed), (what) => {
      throw new Error(`seed ${plant.seed}, grade ${plant.grade}: ${what}\n\n${plant.text}`);
    });
  }
}

/** Sets of several policies in one space. */
function together(...all: readonly Checked[]): { readonly space: ConversationSpace; readonly sets: PlantSets[] } {
  const space = new ConversationSpace(new AddressLine(all.flatMap((one) => bordersOf(one.model))));
  return { space, sets: all.map((one) => new PlantSets(one.model, one.placement, space)) };
}

function statuses(checked: Checked): ReadonlyMap<string, AssertResult['status']> {
  return new Map(checked.asserts.map((one) => [one.name, one.status]));
}

/** Of two flows that cover each other this lint names the later one in the file, so there order is part of the answer. */
const byOrder = 'ZW3009';

/** Results and diagnostics as lines, sorted, but for where they stand. */
function withoutPlaces(checked: Checked): string[] {
  const line = (value: unknown): string => JSON.stringify(value, (key, inner: unknown) => (key === 'span' || key === 'secondary' ? undefined : inner));
  return [...checked.asserts, ...checked.tests, ...checked.diagnostics.filter((one) => one.code !== byOrder)].map(line).toSorted();
}

describe('the sets of a plant', () => {
  it('hold exactly the conversations that evaluate lets start, gateway by gateway', () => {
    let [permitted, denied] = [0, 0];
    each(10, ({ checked, target }, _, fail) => {
      const universe = new Universe(checked.model, target, judgementDay);
      const sets = new PlantSets(checked.model, checked.placement);
      for (const policy of sets.gateways) {
        const gateway = checked.model.gateways.find((one) => one.name === policy.gateway);
        if (gateway === undefined) return fail(`no gateway ${policy.gateway}`);
        const [all, unlimited, passing] = [sets.permitted(policy, false), sets.permitted(policy, true), sets.passing(policy)];
        for (const from of universe.places) {
          for (const to of universe.places) {
            if (from.address.family !== to.address.family) continue;
            const stands = universe.ways(gateway, from.zone, to.zone).length > 0;
            for (const message of universe.messages(from.address.family)) {
              const one = { source: from.address, destination: to.address, ...message };
              const judged = stands ? universe.judge(gateway, from, to, message) : { accepted: false, limited: false };
              const found = [sets.space.contains(passing, one), stands && sets.space.contains(all, one), stands && sets.space.contains(unlimited, one)];
              const wanted = [judged.accepted, judged.accepted, judged.accepted && !judged.limited];
              if (found.join() !== wanted.join())
                fail(`on ${policy.gateway} the sets say ${found.join()}, evaluate ${wanted.join()} of ${from.at} -> ${to.at} ${JSON.stringify(message)}`);
              if (judged.accepted) permitted++;
              else denied++;
            }
          }
        }
      }
    });
    console.log(`sets of plants and evaluate agree on ${permitted + denied} conversations, ${permitted} of them permitted`);
    expect(permitted).toBeGreaterThan(plants * 10);
    expect(denied).toBeGreaterThan(plants * 10);
  }, 3_600_000);
});

describe('one more flow', () => {
  it('takes nothing away if it allows, and opens nothing if it denies', () => {
    const changed = { allow: 0, deny: 0 };
    each(100, (plant, draw, fail) => {
      const flows = plant.pieces.filter((piece) => piece.kind === 'flow');
      if (flows.length === 0) return;
      const added = draw.pick(flows);
      const effect = /\n {2}deny /u.test(added.text) ? 'deny' : 'allow';
      const fewer = checkSmall(smallZoneFile(plant.pieces.filter((piece) => piece !== added)), plant.grade);
      if (fewer.errors.length > 0) fail(`without ${added.name} it does not compile: ${fewer.errors.join('; ')}`);
      const { space, sets } = together(fewer.checked, plant.checked);
      const [without, whole] = sets;
      if (without === undefined || whole === undefined) return;
      let grows = false;
      for (const policy of whole.gateways) {
        const before = without.gateway(policy.gateway);
        if (before === undefined) return fail(`gateway ${policy.gateway} is gone`);
        for (const unlimited of [false, true]) {
          const [less, more] = [without.permitted(before, unlimited), whole.permitted(policy, unlimited)];
          const [small, large] = effect === 'allow' ? [less, more] : [more, less];
          if (space.diagram.subtract(small, large) !== empty)
            fail(`${added.name} (${effect}) changes the wrong way what ${policy.gateway} permits${unlimited ? ' without a rate' : ''}`);
          if (small !== large) grows = true;
        }
      }
      if (grows) changed[effect]++;
      const [open, shut] = effect === 'allow' ? [whole, without] : [without, whole];
      const found = new Map([
        [whole, statuses(plant.checked)],
        [without, statuses(fewer.checked)],
      ]);
      for (const assert of plant.checked.model.asserts) {
        const [wide, narrow] = [found.get(open)?.get(assert.name), found.get(shut)?.get(assert.name)];
        if (assert.kind === 'every-flow') continue;
        const wrong = assert.kind === 'always' ? wide === 'violated' && narrow !== 'violated' : narrow === 'violated' && wide !== 'violated';
        if (wrong) fail(`${assert.kind} ${assert.name} is ${wide} with more open, ${narrow} with less`);
      }
    });
    expect(changed.allow).toBeGreaterThan(plants / 10);
    expect(changed.deny).toBeGreaterThan(plants / 60);
  }, 3_600_000);
});

describe('the order of declarations', () => {
  it('changes no result and no word of a diagnostic', () => {
    let results = 0;
    each(100, (plant, draw, fail) => {
      const other = checkSmall(smallZoneFile(draw.shuffled(plant.pieces)), plant.grade).checked;
      const [one, two] = [plant.checked, other].map((checked) => withoutPlaces(checked));
      const differing = one?.find((line, at) => line !== two?.[at]);
      if (one?.length !== two?.length || differing !== undefined) fail(`in another order it no longer says\n${differing}`);
      results += plant.checked.asserts.length;
    });
    expect(results).toBeGreaterThan(plants * 3);
  }, 3_600_000);
});

describe('the complemented policy', () => {
  it('permits exactly what the policy denies, and `never` of one is `always` of the other', () => {
    const seen = new Map<string, number>();
    each(100, (plant, _, fail) => {
      // A rate has no complement, functions need a grade to be told apart, and wires make `never` ask more.
      if (plant.grade !== 'ports' || sharesWires(plant.checked.model)) return;
      const bare = plant.pieces
        .filter((piece) => piece.kind !== 'test')
        .map((piece): SmallPiece => (piece.kind === 'flow' ? { ...piece, text: piece.text.replace(/\n {2}(rate .*|essential)/gu, '') } : piece));
      const policy = checkSmall(smallZoneFile(bare), plant.grade);
      const flows = complementFlows(new PlantSets(policy.checked.model, policy.checked.placement));
      const kept = bare.filter((piece) => piece.kind !== 'flow' && piece.kind !== 'assert');
      const text = smallZoneFile([...kept, ...flows, ...turnedRound(bare)]);
      const turned = checkSmall(text, plant.grade);
      if (turned.errors.length > 0) fail(`its complement does not compile: ${turned.errors.join('; ')}\n${text}`);
      const { space, sets } = together(policy.checked, turned.checked);
      const [straight, opposite] = sets;
      for (const gateway of straight?.gateways ?? []) {
        const other = opposite?.gateway(gateway.gateway);
        if (straight === undefined || opposite === undefined || other === undefined) return fail('a gateway is gone');
        const wanted = space.diagram.subtract(straight.between(gateway), straight.passing(gateway));
        if (opposite.passing(other) !== wanted) fail(`on ${gateway.gateway} the complement is not what is denied\n${text}`);
      }
      const answers = statuses(turned.checked);
      const universe = new Universe(policy.checked.model, policy.target, judgementDay);
      for (const assert of policy.checked.model.asserts) {
        if (assert.kind !== 'never' && assert.kind !== 'always') continue;
        if (namesGateway(assert) || asksTooMuch(universe, assert)) continue;
        const [one, two] = [statuses(policy.checked).get(assert.name), answers.get(assert.name)];
        if (one !== two) fail(`${assert.kind} ${assert.name} is ${one}, its opposite on the complement ${two}\n${text}`);
        seen.set(`${assert.kind}: ${one}`, (seen.get(`${assert.kind}: ${one}`) ?? 0) + 1);
      }
    });
    console.log(
      `never and always are each other on the complement: ${[...seen]
        .map(([key, count]) => `${key} ${count}`)
        .toSorted()
        .join(', ')}`,
    );
    // Few plants have one that has an opposite.
    if (plants >= 500)
      for (const key of ['never: proved', 'never: violated', 'always: proved', 'always: violated']) expect(seen.get(key) ?? 0).toBeGreaterThan(0);
  }, 3_600_000);
});
