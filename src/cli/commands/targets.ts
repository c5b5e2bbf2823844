/** `zonewright targets`. */
import { targets } from '../../../targets/index.ts';
import type { Conversations } from '../../policy/capabilities.ts';
import { formatOf, print, printJson } from '../io.ts';

const conversationWords: Readonly<Record<Conversations, string>> = {
  judged: 'judged by the policy in force; a reload cuts what it no longer allows',
  kept: 'kept by the platform, whatever the policy in force says; a reload cuts none',
};

export async function run(_args: readonly string[], options: Record<string, unknown>): Promise<number> {
  if (formatOf(options['format'] as string | undefined) === 'json') {
    printJson('targets', {
      targets: targets.map(({ capabilities }) => ({
        ...capabilities,
        options: capabilities.options.map((option) => ({ name: option.name, title: option.title, type: option.type.kind, default: option.default })),
      })),
    });
    return Promise.resolve(0);
  }
  for (const { capabilities } of targets) {
    print(`${capabilities.name}: ${capabilities.title}`);
    print(`  files: ${capabilities.files.join(', ')}; tried on ${capabilities.versions}`);
    print(`  inspection of functions: ${capabilities.grades.default}`);
    print(`  conversations: ${conversationWords[capabilities.conversations]}`);
    for (const option of capabilities.options) print(`  option ${option.name} (default ${option.default}): ${option.title}`);
  }
  return Promise.resolve(0);
}
