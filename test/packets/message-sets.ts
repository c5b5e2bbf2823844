/** Sets of messages for laws: whole functions, and functions of which only some units and addresses are meant. */
import { functionBox, functionRanges, type FunctionSet, subtractFunctions, unionFunctions } from '../../src/packets/function-set.ts';

const range = (first: number, last: number): { first: number; last: number } => ({ first, last });
const unit = functionBox(5, { units: range(2, 3) });
const within = functionBox(5, { first: range(1, 3), last: range(0, 3) });

export const messageSets: readonly FunctionSet[] = [
  functionRanges([range(2, 2)]),
  functionRanges([range(0, 3)]),
  functionRanges([range(3, 5)]),
  unit,
  within,
  unionFunctions(unit, within, functionRanges([range(0, 0)])),
  subtractFunctions(functionRanges([range(4, 6)]), within),
  functionBox(1, { units: range(0, 0), first: range(2, 2) }),
];
