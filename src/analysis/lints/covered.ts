/**
 * Flows that change nothing, since others of the same effect hold every conversation of theirs.
 *
 * Exact over unions: a flow that no other covers alone is found too. A limited flow is covered by unlimited ones; an
 * unlimited one only by such. Of several equal flows the first in the file stays.
 */
import { lintCodes } from '../../diagnostics/codes/lint.ts';
import { type Diagnostic, diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Flow } from '../../model/model.ts';
import { addressesMeet } from '../../net/address-set.ts';
import { empty, type Node } from '../../packets/diagram.ts';
import type { Entry } from '../../policy/gateway-policy.ts';
import type { PlantSets } from '../plant-sets.ts';
import { heldBy } from './held.ts';
import { flowWords, type Lint, type PlacedFlow, placedFlows } from './lint.ts';

/** Of so many the culprits are searched and named; the rest of a policy full of them is as well served by mending these. */
const mostNamed = 200;

export const covered: Lint = (plant) => [...find(plant, 'allow'), ...find(plant, 'deny')];

function find(plant: PlantSets, effect: Flow['effect']): Diagnostic[] {
  const candidates = placedFlows(plant, effect).filter(({ places }) =>
    places.every(({ entry, policy }) => {
      const held = heldBy(plant, policy);
      // An allow of which denies leave nothing is said to be that.
      if (effect === 'allow') return held.isAllowed(entry, entry.rate === undefined && entry.heard === undefined ? 2 : 1) && !held.isDenied(entry, 1);
      return held.isDenied(entry, 2);
    }),
  );
  const gone = new Set<string>();
  const said: Diagnostic[] = [];
  // Later flows give way first, so that what is said of all of them together still holds when all of them go.
  for (const placed of candidates.toSorted((a, b) => later(a.flow, b.flow))) {
    if (said.length === mostNamed) break;
    const culprits = culpritsOf(plant, placed, effect, gone);
    if (culprits === undefined) continue;
    gone.add(placed.flow.name);
    said.push(report(placed.flow, culprits));
  }
  return said.toReversed();
}

function later(a: Flow, b: Flow): number {
  return b.span.file - a.span.file || b.span.start - a.span.start;
}

/** The fewest flows found that together cover it everywhere; undefined if none do once those that are gone are left out. */
function culpritsOf(plant: PlantSets, { flow, places }: PlacedFlow, effect: Flow['effect'], gone: ReadonlySet<string>): Flow[] | undefined {
  const { diagram } = plant.space;
  const found = new Set<string>();
  for (const { entry, policy } of places) {
    const set = plant.entrySet(entry);
    const entries =
      effect === 'allow' ? plant.carriersOf(policy, entry.from, entry.to) : policy.entries.filter((one) => one.hook === 'forward' && one.effect === 'deny');
    const others = entries
      .filter((one) => one.origin.name !== flow.name && !gone.has(one.origin.name))
      .filter((one) => effect === 'deny' || (one.rate === undefined && one.heard === undefined && lastsAsLong(plant, one, flow)))
      .filter((one) => addressesMeet(one.to, entry.to) && addressesMeet(one.from, entry.from))
      .map((one) => ({ name: one.origin.name, part: diagram.intersect(plant.entrySet(one), set) }))
      .filter(({ part }) => part !== empty);
    const whole = others.find(({ part }) => part === set);
    const chosen = whole === undefined ? fewest(plant, set, others) : [whole.name];
    if (chosen === undefined) return undefined;
    for (const name of chosen) found.add(name);
  }
  return plant.flowsNamed(found);
}

/** Whether it is in force as long as the flow is: else the day after tells the two apart. */
function lastsAsLong(plant: PlantSets, entry: Entry, flow: Flow): boolean {
  const end = plant.flowsNamed([entry.origin.name])[0]?.expires?.value;
  return end === undefined || (flow.expires !== undefined && flow.expires.value <= end);
}

function fewest(plant: PlantSets, set: Node, others: readonly { readonly name: string; readonly part: Node }[]): string[] | undefined {
  const { diagram } = plant.space;
  let left = set;
  const chosen: { name: string; part: Node }[] = [];
  for (const other of others) {
    const rest = diagram.subtract(left, other.part);
    if (rest === left) continue;
    chosen.push(other);
    left = rest;
    if (left === empty) break;
  }
  if (left !== empty) return undefined;
  // What later ones made unneeded goes again.
  let kept = chosen;
  for (const one of chosen) {
    const without = kept.filter((other) => other !== one);
    if (diagram.subtract(set, diagram.unionAll(without.map((other) => other.part))) === empty) kept = without;
  }
  return kept.map((one) => one.name);
}

function report(flow: Flow, culprits: readonly Flow[]): Diagnostic {
  const does = flow.effect === 'allow' ? 'allows' : 'denies';
  const by =
    culprits.length === 1
      ? `${flowWords(culprits)} ${does} all of it`
      : `${flowWords(culprits)} together ${does.slice(0, -1).replace('denie', 'deny')} all of it`;
  const only = (has: (one: Flow) => boolean): boolean => has(flow) && !culprits.every(has);
  const notes = [
    only((one) => one.essential) ? 'it is essential, and they are not all: mark them so before it goes' : undefined,
    only((one) => one.log) ? 'it logs, and they do not all' : undefined,
    only((one) => one.asked !== undefined) ? 'it asks for inspection, and they do not all: what they allow is not inspected (rule 7)' : undefined,
  ].filter((note) => note !== undefined);
  return diagnostic(
    lintCodes.covered,
    flow.span,
    { flow: flow.name, by },
    {
      notes,
      secondary: culprits.slice(0, 4).map((one) => ({ span: one.span, label: `${does} it too` })),
      help: ['remove it, or narrow the others if they are wider than was meant'],
      data: { flows: culprits.map((one) => one.name) },
    },
  );
}
