/** Allows of which denies leave nothing, and denies that take nothing from any allow. */
import { lintCodes } from '../../diagnostics/codes/lint.ts';
import { diagnostic } from '../../diagnostics/diagnostic.ts';
import { addressesMeet } from '../../net/address-set.ts';
import { empty } from '../../packets/diagram.ts';
import { heldBy } from './held.ts';
import { flowWords, type Lint, placedFlows } from './lint.ts';

export const whollyDenied: Lint = (plant) => {
  const { diagram } = plant.space;
  // An essential one is a finding of its own.
  return placedFlows(plant, 'allow')
    .filter(({ flow, places }) => !flow.essential && places.every(({ entry, policy }) => heldBy(plant, policy).isDenied(entry, 1)))
    .map(({ flow, places }) => {
      const names = new Set(
        places.flatMap(({ entry, policy }) =>
          policy.entries
            .filter((one) => one.hook === 'forward' && one.effect === 'deny' && addressesMeet(one.to, entry.to) && addressesMeet(one.from, entry.from))
            .filter((one) => diagram.intersect(plant.entrySet(one), plant.entrySet(entry)) !== empty)
            .map((one) => one.origin.name),
        ),
      );
      const denies = plant.flowsNamed(names);
      return diagnostic(
        lintCodes.whollyDenied,
        flow.span,
        { flow: flow.name, by: flowWords(denies) },
        {
          secondary: denies.slice(0, 4).map((one) => ({ span: one.span, label: 'denies it' })),
          help: ['remove it, or narrow the deny; the order of flows never matters'],
          data: { flows: denies.map((one) => one.name) },
        },
      );
    });
};

export const deniesNothing: Lint = (plant) => {
  return placedFlows(plant, 'deny')
    .filter(({ places }) => places.every(({ entry, policy }) => !heldBy(plant, policy).meetsAllow(entry)))
    .map(({ flow }) =>
      diagnostic(
        lintCodes.deniesNothing,
        flow.span,
        { flow: flow.name },
        {
          notes: ['what no flow allows is denied anyway'],
          help: [`to keep it that way, say it as an assert: \`never ${flow.from.text} -> ${flow.to.text} : ${flow.services.text}\``],
        },
      ),
    );
};
