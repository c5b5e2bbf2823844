/** Every lint of the whole plant, in the order in which they are run. */
import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { PlantSets } from '../plant-sets.ts';
import { covered } from './covered.ts';
import { deniesNothing, whollyDenied } from './denied.ts';
import type { Lint } from './lint.ts';
import { unused } from './unused.ts';

const lints: readonly Lint[] = [covered, whollyDenied, deniesNothing, unused];

export function lint(plant: PlantSets): Diagnostic[] {
  return lints.flatMap((one) => one(plant));
}
