/**
 * Law: a `never` or `always` is violated ⇔ z3 finds a packet that breaks it.
 *
 * An outside judge: the question goes to the solver as a formula made of the declarations. What z3 finds must be a member of our sets, and
 * what a finding shows must satisfy the formula. Small plants with several gateways, and the larger ones with one.
 */
import { afterAll, expect, it } from 'vitest';
import { PlantSets } from '../../src/analysis/plant-sets.ts';
import type { Conversation } from '../../src/packets/conversation-space.ts';
import type { Checked } from '../../src/pipeline/check.ts';
import { judgementDay } from '../generators/compile.ts';
import { Draw } from '../generators/draw.ts';
import { checkedPlant, checkSmall } from '../generators/multi-plants.ts';
import { plantOf, zoneFile } from '../generators/plants.ts';
import { portPool, selector, services } from '../generators/plant-words.ts';
import { describeUnless } from '../described.ts';
import { namesGateway } from './laws-verdicts.ts';
import { Formulas, isShown, type PacketAssert, packetOf } from './z3-formula.ts';
import { loadSolver, type Solver } from './z3.ts';

const plants = Number(process.env['ZW_Z3_PLANTS'] ?? 50);
const firstSeed = Number(process.env['ZW_Z3_SEED'] ?? 1);

const loaded = await loadSolver();
const solver = typeof loaded === 'string' ? undefined : loaded;
afterAll(async () => solver?.close());

interface Asked {
  readonly seed: number;
  readonly text: string;
  readonly checked: Checked;
  readonly grade: 'ports' | 'pdu';
  readonly asserts: readonly PacketAssert[];
}

function isPacketAssert(assert: Checked['model']['asserts'][number]): assert is PacketAssert {
  return assert.kind === 'never' || assert.kind === 'always';
}

/** A small plant with its own asserts, but for questions about gateways themselves. */
function smallOne(seed: number): Asked {
  const { seed: at, text, checked, grade } = checkedPlant(seed);
  const asserts = checked.model.asserts.filter(isPacketAssert).filter((assert) => !namesGateway(assert));
  return { seed: at, text, checked, grade, asserts };
}

/** A larger plant with one gateway, and asserts in the words that its flows are made of. */
function largeOne(seed: number): Asked {
  for (let at = seed; at < seed + 50; at += 1) {
    const plant = plantOf(at);
    const draw = Draw.seeded(at);
    const pool = portPool(draw);
    const groups = plant.pieces.filter((piece) => piece.kind === 'group').map((piece) => ({ name: piece.name, zone: draw.pick(plant.zones).name }));
    const side = (): string => selector(draw, { zones: plant.zones, hosts: plant.hosts, groups }, draw.pick(plant.zones), undefined);
    const lines = Array.from({ length: 5 }, (_, index) => {
      const enforced = draw.chance(30) ? ' where enforced' : '';
      return `assert z3_${index} { ${draw.pick(['never', 'always'])} ${side()} -> ${side()} : ${services(draw, pool, [], draw.chance(50)).text}${enforced} }`;
    });
    const text = `${zoneFile(plant)}${lines.join('\n')}\n`;
    const { checked, errors } = checkSmall(text, 'ports');
    if (errors.length > 0) continue;
    return { seed: at, text, checked, grade: 'ports', asserts: checked.model.asserts.filter(isPacketAssert).filter((assert) => !namesGateway(assert)) };
  }
  throw new Error(`no plant compiles near seed ${seed}`);
}

async function judge(z3: Solver, asked: Asked, count: (key: string) => void): Promise<void> {
  const { checked, grade } = asked;
  if (asked.asserts.length === 0) return;
  const formulas = new Formulas(checked.model, grade, judgementDay);
  const sets = new PlantSets(checked.model, checked.placement);
  const preamble = formulas.preamble();
  for (const assert of asked.asserts) {
    const fail = (what: string): never => {
      throw new Error(`seed ${asked.seed}, grade ${grade}, ${assert.kind} ${assert.name}: ${what}\n\n${asked.text}`);
    };
    const status = checked.asserts.find((one) => one.name === assert.name)?.status;
    const question = `${preamble}\n(assert ${formulas.broken(assert)})`;
    const model = await z3.solve(question);
    if ((status === 'violated') !== (model !== undefined)) fail(`we say ${status}, z3 says ${model === undefined ? 'unsat' : `sat: ${[...model].join(' ')}`}`);
    count(`${assert.kind} ${status}`);
    if (model === undefined) continue;
    const packet = packetOf(model);
    if (!breaks(sets, assert, packet)) fail(`z3's packet is none of ours: ${[...model].join(' ')}`);
    const shown = witnessOf(checked, assert);
    if (shown === null) continue;
    const ours = await z3.solve(`${question}\n(assert ${isShown(shown)})`);
    if (ours === undefined) fail(`our packet does not break it, says z3: ${JSON.stringify(shown)}`);
  }
}

function breaks(sets: PlantSets, assert: PacketAssert, packet: Conversation): boolean {
  const { space } = sets;
  if (assert.kind === 'never') return space.contains(sets.open, packet);
  return sets.gateways.some((policy) => !space.contains(sets.permitted(policy, true), packet));
}

function witnessOf(checked: Checked, assert: PacketAssert): Parameters<typeof isShown>[0] | null {
  const data = checked.diagnostics.find((one) => one.span === assert.span)?.data as { witness?: Parameters<typeof isShown>[0] | null } | undefined;
  if (data?.witness === undefined) throw new Error(`assert ${assert.name} shows nothing`);
  return data.witness;
}

describeUnless(typeof loaded === 'string' ? loaded : undefined, 'z3', () => {
  it(`agrees on every never and always of ${plants} plants from seed ${firstSeed}`, async () => {
    if (solver === undefined) throw new Error('z3 is gone');
    const seen = new Map<string, number>();
    const count = (key: string): void => void seen.set(key, (seen.get(key) ?? 0) + 1);
    for (let index = 0; index < plants; index++) {
      const seed = firstSeed + index * 10;
      await judge(solver, index % 3 === 2 ? largeOne(seed) : smallOne(seed), count);
    }
    const rows = [...seen].toSorted().map(([key, times]) => `${key} ${times}`);
    console.log(`z3 agrees on ${[...seen.values()].reduce((a, b) => a + b, 0)} asserts: ${rows.join(', ')}`);
    if (plants >= 50) for (const key of ['never violated', 'never proved', 'always violated', 'always proved']) expect(seen.get(key) ?? 0).toBeGreaterThan(0);
  }, 3_600_000);
});
