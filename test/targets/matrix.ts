/**
 * What each target can do, as the table of the project's README.
 *
 * Takes the capabilities, gives Markdown. Nothing stands in the table that is not data of a target.
 */
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';

const yes = (can: boolean): string => (can ? 'yes' : 'refused');

const rows: readonly (readonly [title: string, of: (target: TargetCapabilities) => string])[] = [
  ['writes', ({ files }) => files.map((file) => `\`${file}\``).join(', ')],
  ['tried on', ({ versions }) => versions],
  [
    'inspection of functions',
    ({ grades, companions }) => {
      const { default: usual, ...others } = grades;
      const better = [...new Set(Object.values(others))].map((grade) => {
        const protocols = Object.entries(others).filter(([, one]) => one === grade);
        return `\`${grade}\`: ${protocols.map(([protocol]) => protocol).join(', ')}; others `;
      });
      const engines = [...(companions?.engines ?? [])].map(([engine, { grades: given }]) => {
        const protocols = Object.entries(given).map(([protocol, grade]) => `${protocol} \`${grade}\``);
        return `; with ${engine} beside it ${protocols.join(', ')}`;
      });
      return `${better.join('')}\`${usual}\`${engines.join('')}`;
    },
  ],
  ['requests that run backward', ({ looksIntoReplies }) => (looksIntoReplies === true ? 'looked into, too' : 'at `ports`')],
  ["functions in a gateway's own lines", ({ looksIntoOwn }) => yes(looksIntoOwn === true)],
  [
    'conversations at a reload',
    ({ conversations }) => (conversations === 'judged' ? 'judged: what is no longer allowed is cut' : 'kept by the platform: none is cut'),
  ],
  [
    'packets that conntrack does not track',
    ({ conversations, keeps }) => (conversations === 'judged' || keeps?.deniesUntracked === true ? 'denied' : 'taken for new ones'),
  ],
  [
    'dynamic addresses',
    ({ dynamicAddresses, asksLocal }) => (!dynamicAddresses ? 'refused' : asksLocal ? 'the platform is asked' : 'any unicast address counts as one'),
  ],
  ['hop limit of the baseline', ({ hopLimits }) => (hopLimits ? 'checked' : 'not checked')],
  ['logs', ({ logging }) => yes(logging)],
  ['counters', ({ counting }) => yes(counting)],
  ['rates', ({ rateLimits }) => yes(rateLimits)],
  ['options', ({ options }) => (options.length === 0 ? 'none' : options.map(({ name }) => `\`${name}\``).join(', '))],
];

export function matrix(targets: readonly TargetCapabilities[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...targets.map(({ name }) => `[${name}](targets/${name}/README.md)`)]),
    line(['', ...targets].map(() => '---')),
    ...rows.map(([title, of]) => line([title, ...targets.map(of)])),
  ].join('\n');
}
