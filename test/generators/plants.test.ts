/** The generators themselves: what share compiles, and that what is asked for does occur. */
import { expect, it } from 'vitest';
import { compileText, rulesetOf } from './compile.ts';
import { plantOf, zoneFile } from './plants.ts';

it('gives plants that compile', () => {
  const failures = new Map<string, number>();
  let good = 0;
  let t0 = performance.now(), tc = 0, te = 0, worst = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const text = zoneFile(plantOf(seed));
    const a = performance.now();
    const compiled = compileText(text);
    const b = performance.now();
    tc += b - a;
    if (compiled.errors.length === 0) { good += 1; rulesetOf(compiled); const d = performance.now() - b; te += d; if (d > worst) { worst = d; console.log(seed, d); } }
    else for (const error of new Set(compiled.errors.slice(0, 1).map((error) => error + ' #' + seed))) failures.set(error, (failures.get(error) ?? 0) + 1);
  }
  console.log(good, performance.now() - t0, tc, te, failures);
  expect(good).toBeGreaterThan(270);
});
