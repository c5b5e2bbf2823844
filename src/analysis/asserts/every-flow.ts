/**
 * `every flow [from A] [to B] has …`: each allow flow in force that touches the sides has what is asked.
 *
 * A flow is asked if one packet of it goes from A to B; a host counts also through its zone, a group or `any`.
 */
import { assertCodes } from '../../diagnostics/codes/asserts.ts';
import { commonFamilies, type Flow, grades, type Grade, type Requirement } from '../../model/model.ts';
import { addressesMeet, type AddressSet, allAddresses, intersectAddresses, isEmpty } from '../../net/address-set.ts';
import { empty } from '../../packets/diagram.ts';
import { daysBetween } from '../../policy/dates.ts';
import type { PlantSets } from '../plant-sets.ts';
import { witness } from '../witness.ts';
import { packetWords } from '../words.ts';
import type { Prover, Violation } from './proof.ts';

/** Flows named in a diagnostic; the rest are counted. */
const mostShown = 5;

export const proveEveryFlow: Prover<'every-flow'> = (plant, assert) => {
  const nothing = [assert.from, assert.to].find((side) => side !== undefined && isEmpty(side.addresses));
  const from = assert.from?.addresses ?? allAddresses;
  const to = assert.to?.addresses ?? allAddresses;
  const asked = plant.allowsTo(to).filter((flow) => meets(flow, from, to));
  const achieved = assert.requirements.flat().some((one) => one.kind === 'inspect') ? achievedGrades(plant) : new Map<string, Grade>();
  const failing = asked.flatMap((flow) => {
    const lacks = assert.requirements.filter((alternatives) => !alternatives.some((one) => has(flow, one, plant.date, achieved)));
    return lacks.length === 0 ? [] : [{ flow, lacks }];
  });
  return {
    over: asked.map((flow) => flow.name),
    leftOut: [],
    unseen: [],
    vacuous: nothing !== undefined ? `\`${nothing.text}\` selects nothing` : asked.length === 0 ? 'no allow flow in force is of this kind' : undefined,
    violation: failing.length === 0 ? undefined : violation(plant, failing, achieved),
  };
};

/** Whether a packet of the flow goes from one side to the other; both ends of it are of one family. */
function meets(flow: Flow, from: AddressSet, to: AddressSet): boolean {
  return (
    addressesMeet(flow.from.addresses, from) &&
    commonFamilies(intersectAddresses(flow.from.addresses, from), intersectAddresses(flow.to.addresses, to)).length > 0
  );
}

/** The weakest grade that any gateway achieves for each flow; flows that nothing inspects are absent. */
function achievedGrades(plant: PlantSets): ReadonlyMap<string, Grade> {
  const result = new Map<string, Grade>();
  for (const policy of plant.gateways) {
    for (const entry of policy.entries) {
      if (entry.hook !== 'forward') continue;
      const grade = entry.grade ?? 'ports';
      const before = result.get(entry.origin.name);
      if (before === undefined || grades.indexOf(grade) < grades.indexOf(before)) result.set(entry.origin.name, grade);
    }
  }
  return result;
}

function has(flow: Flow, asked: Requirement, date: string, achieved: ReadonlyMap<string, Grade>): boolean {
  switch (asked.kind) {
    case 'expires-within':
      return flow.expires !== undefined && daysBetween(date, flow.expires.value) <= asked.days;
    case 'inspect':
      return grades.indexOf(achieved.get(flow.name) ?? 'ports') >= grades.indexOf(asked.grade);
    case 'property': {
      const value = flow[asked.name];
      return value !== undefined && value !== false && value !== '';
    }
  }
}

function violation(
  plant: PlantSets,
  failing: readonly { readonly flow: Flow; readonly lacks: readonly (readonly Requirement[])[] }[],
  achieved: ReadonlyMap<string, Grade>,
): Violation {
  const wants = (lacks: readonly (readonly Requirement[])[]): string =>
    lacks.map((alternatives) => alternatives.map((one) => one.text).join(' or ')).join('; ');
  const first = failing[0];
  if (first === undefined) throw new Error('a violated assert has no flow');
  const more = failing.length > 1 ? `, and ${failing.length - 1} more` : '';
  const graded = (flow: Flow, lacks: readonly (readonly Requirement[])[]): string =>
    lacks.flat().some((one) => one.kind === 'inspect') ? ` (grade achieved: ${achieved.get(flow.name) ?? 'ports'})` : '';
  return {
    code: assertCodes.everyFlowViolated,
    words: `flow \`${first.flow.name}\` lacks: ${wants(first.lacks)}${graded(first.flow, first.lacks)}${more}`,
    notes: [],
    help: ['give the flow what the assert asks for, or narrow the assert'],
    secondary: failing.slice(0, mostShown).map(({ flow, lacks }) => ({ span: flow.span, label: `lacks: ${wants(lacks)}${graded(flow, lacks)}` })),
    data: {
      witness: packetOf(plant, first.flow),
      flows: failing.map(({ flow, lacks }) => ({ name: flow.name, lacks: lacks.map((alternatives) => alternatives.map((one) => one.text)) })),
    },
  };
}

/** A packet that the flow lets start, if any gateway carries it. */
function packetOf(plant: PlantSets, flow: Flow): unknown {
  for (const policy of plant.gateways) {
    const entry = policy.entries.find((one) => one.hook === 'forward' && one.origin.name === flow.name);
    const set = entry === undefined ? empty : plant.entrySet(entry);
    const packet = set === empty ? undefined : witness(plant.model, plant.space, set);
    if (packet !== undefined) return packetWords(plant.model, packet);
  }
  return null;
}
