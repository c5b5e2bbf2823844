/**
 * The last line of a test run: `N passed, N failed`.
 *
 * Takes vitest's JSON report and the counts of the other steps; exits 1 when anything failed, when no test ran, and
 * with CI=true also when a test was skipped.
 */
import { readFileSync } from 'node:fs';

const [file, passedBefore, failedBefore] = process.argv.slice(2);

function read() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    console.log('the test runner left no report');
    return { success: false, numPassedTests: 0, testResults: [] };
  }
}

const report = read();
const tests = report.testResults.flatMap((suite) => suite.assertionResults);
const count = (...states) => tests.filter((test) => states.includes(test.status)).length;

let passed = count('passed');
let failed = count('failed');
// A file that could not be loaded has no failed test in it.
failed += report.testResults.filter((suite) => suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed')).length;
if (passed + failed === 0) {
  console.log('no test ran');
  failed += 1;
}
const skipped = count('pending', 'skipped', 'todo', 'disabled');
if (skipped > 0) {
  console.log(`${skipped} skipped`);
  if (process.env['CI'] === 'true') failed += skipped;
}
if (!report.success && failed === 0) {
  console.log('the test runner reports an error outside of the tests');
  failed += 1;
}
passed += Number(passedBefore ?? 0);
failed += Number(failedBefore ?? 0);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
