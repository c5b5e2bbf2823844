/** `zonewright targets`. */
import { targets } from '../../../targets/index.ts';
import { formatOf, print, printJson } from '../io.ts';

export async function run(_args: readonly string[], options: Record<string, unknown>): Promise<number> {
  if (formatOf(options['format'] as string | undefined) === 'json') {
    printJson('targets', {
      targets: targets.map(({ capabilities }) => ({
        ...capabilities,
        companions: Object.fromEntries(capabilities.companions?.engines ?? []),
        options: capabilities.options.map((option) => ({ name: option.name, title: option.title, type: option.type.kind, default: option.default })),
      })),
    });
    return Promise.resolve(0);
  }
  for (const { capabilities } of targets) {
    print(`${capabilities.name}: ${capabilities.title}`);
    print(`  files: ${capabilities.files.join(', ')}; tried on ${capabilities.versions}`);
    print(`  inspection of functions: ${capabilities.grades.default}`);
    for (const [engine, { grades, files }] of capabilities.companions?.engines ?? []) {
      const given = Object.entries(grades).map(([protocol, grade]) => `${protocol} ${grade}`);
      print(`  with ${capabilities.companions?.option} ${engine}: ${given.join(', ')}; files: ${files.join(', ')}`);
    }
    for (const option of capabilities.options) print(`  option ${option.name} (default ${option.default}): ${option.title}`);
  }
  return Promise.resolve(0);
}
