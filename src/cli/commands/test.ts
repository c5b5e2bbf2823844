/** `zonewright test`: the test blocks alone, and which flows they touch. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { check, exitStatus } from '../../pipeline/check.ts';
import { renderGithub } from '../../report/github.ts';
import { renderJunit } from '../../report/junit.ts';
import { renderSarif } from '../../report/sarif.ts';
import { complain, dateOf, folderOf, formatOf, print, printJson, withPlaces } from '../io.ts';

/** Untested flows that the text names; `--format json` has all. */
const mostNamed = 10;

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined, ['text', 'json', 'junit', 'sarif', 'github']);
  const path = args[0] ?? '';
  const checked = check(path, { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName, testsOnly: true });
  const { tests, coverage, date } = checked;
  const { sources } = checked.loaded;
  const failed = tests.filter((test) => !test.passed);
  // Only what stops the tests or comes of them; the rest is what `check` is for.
  const diagnostics = checked.diagnostics.filter((one) => (one.severity === 'error' && one.blame === 'input') || one.code.startsWith('ZW40'));
  const status = exitStatus(diagnostics);
  switch (format) {
    case 'json':
      printJson('test', { date, exitStatus: status, tests: withPlaces(tests, sources), coverage: coverage ?? null }, diagnostics, sources);
      break;
    case 'junit':
      print(renderJunit({ asserts: [], tests, diagnostics }, sources));
      break;
    case 'sarif':
      print(renderSarif(diagnostics, sources, folderOf(path)));
      break;
    case 'github':
      process.stdout.write(renderGithub(diagnostics, sources, folderOf(path)));
      break;
    case 'text': {
      complain(diagnostics, sources);
      if (coverage === undefined) break;
      let title: string | undefined;
      for (const test of tests) {
        if (test.title !== title) print(test.title);
        ({ title } = test);
        print(`  ${test.passed ? 'holds ' : 'FAILED'}  ${test.line}${test.passed && !test.enforced ? '  (no gateway sees all of it)' : ''}`);
      }
      const { tested, untested } = coverage;
      const shown = untested.slice(0, mostNamed).join(', ') + (untested.length > mostNamed ? ` and ${untested.length - mostNamed} more` : '');
      print(`${tests.length - failed.length} of ${tests.length} test lines hold, judged for ${date}`);
      print(`tests touch ${tested.length} of ${tested.length + untested.length} flows in force${untested.length > 0 ? `; untested: ${shown}` : ''}`);
    }
  }
  return Promise.resolve(status);
}
