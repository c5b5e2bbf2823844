/** `zonewright targets [NAME]`. */
import { targets } from '../../../targets/index.ts';
import type { Conversations } from '../../policy/capabilities.ts';
import { nearest } from '../../base/nearest.ts';
import { formatOf, print, printJson, UsageError } from '../io.ts';

const conversationWords: Readonly<Record<Conversations, string>> = {
  judged: 'judged by the policy in force; a reload cuts what it no longer allows',
  kept: 'kept by the platform, whatever the policy in force says; a reload cuts none',
};

export async function run([name]: readonly string[], options: Record<string, unknown>): Promise<number> {
  const chosen = targets.filter(({ capabilities }) => name === undefined || capabilities.name === name);
  if (name !== undefined && chosen.length === 0) {
    const suggestion = nearest(
      name,
      targets.map(({ capabilities }) => capabilities.name),
    );
    throw new UsageError(
      'targets',
      `no target is called \`${name}\``,
      suggestion === undefined ? '`zonewright targets` lists them all' : `did you mean \`${suggestion}\`?`,
    );
  }
  if (formatOf(options['format'] as string | undefined) === 'json') {
    printJson('targets', {
      targets: chosen.map(({ capabilities }) => ({
        ...capabilities,
        companions: Object.fromEntries(capabilities.companions?.engines ?? []),
        options: capabilities.options.map((option) => ({ name: option.name, title: option.title, type: option.type.kind, default: option.default })),
      })),
    });
    return Promise.resolve(0);
  }
  for (const { capabilities } of chosen) {
    print(`${capabilities.name}: ${capabilities.title}`);
    print(`  files: ${capabilities.files.join(', ')}; tried on ${capabilities.versions}`);
    const { default: usual, ...others } = capabilities.grades;
    const better = Object.entries(others).map(([protocol, grade]) => `${protocol} ${grade}`);
    print(`  inspection of functions: ${[...better, better.length === 0 ? usual : `others ${usual}`].join(', ')}`);
    for (const [engine, { grades, files }] of capabilities.companions?.engines ?? []) {
      const given = Object.entries(grades).map(([protocol, grade]) => `${protocol} ${grade}`);
      print(`  with ${capabilities.companions?.option} ${engine}: ${given.join(', ')}; files: ${files.join(', ')}`);
    }
    print(`  conversations: ${conversationWords[capabilities.conversations]}`);
    for (const option of capabilities.options) print(`  option ${option.name} (default ${option.default}): ${option.title}`);
  }
  return Promise.resolve(0);
}
