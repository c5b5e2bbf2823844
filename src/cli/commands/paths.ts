/** `zonewright paths`: chains of conversations through hosts that can be entered. */
import { capabilitiesByName } from '../../../targets/index.ts';
import { attackPaths, defaultHops } from '../../analysis/paths.ts';
import { namesGateway } from '../../analysis/questions.ts';
import { ask } from '../../pipeline/ask.ts';
import { pathsJson, renderDot, renderMermaid, renderPathsText } from '../../report/paths.ts';
import { complain, dateOf, formatOf, print, printJson, UsageError } from '../io.ts';

const largestHops = 16;

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined, ['text', 'json', 'dot', 'mermaid']);
  const side = (name: string): string => {
    const text = options[name];
    if (typeof text === 'string' && text.trim() !== '') return text;
    throw new UsageError(`--${name}`, 'is missing', 'give a selector of the zone language, such as `level >= 4`, a zone, a host or an address');
  };
  const hopsText = options['maxHops'] as string | undefined;
  const hops = hopsText === undefined ? defaultHops : /^\d{1,2}$/u.test(hopsText) ? Number(hopsText) : 0;
  if (hops < 1 || hops > largestHops) throw new UsageError('--max-hops', `\`${hopsText ?? ''}\` is not a number between 1 and ${largestHops}`);
  const asked = ask(args[0] ?? '', { date: dateOf(options['date'] as string | undefined), targets: capabilitiesByName }, side('from'), side('to'));
  const { sources } = asked.loaded;
  if (asked.question === undefined) {
    if (asked.diagnostics.length === 0)
      throw new UsageError('--from', 'the two selectors cannot be read', 'write each as in a zone file, for example `kind dmz, jump`');
    if (format === 'json') printJson('paths', { exitStatus: 2 }, asked.diagnostics, sources);
    else complain(asked.diagnostics, sources);
    return Promise.resolve(2);
  }
  const { plant, from, to } = asked.question;
  if (namesGateway({ from, to }))
    throw new UsageError('--to', 'a gateway is no end of a path', '`zonewright reach` says what is open to a gateway itself; name zones or hosts here');
  const { paths, more } = attackPaths(plant, from, to, hops);
  switch (format) {
    case 'json':
      printJson('paths', { date: asked.date, exitStatus: 0, from: from.text, to: to.text, maxHops: hops, more, paths: pathsJson(plant, paths, sources) });
      break;
    case 'dot':
      print(renderDot(plant, paths));
      break;
    case 'mermaid':
      print(renderMermaid(plant, paths));
      break;
    case 'text':
      print(
        paths.length === 0 ? `no path from ${from.text} to ${to.text} within ${hops} hops, judged for ${asked.date}` : renderPathsText(plant, paths, sources),
      );
      if (more) print(`there are more paths, or longer ones: raise --max-hops (now ${hops}) or narrow the ends`);
  }
  return Promise.resolve(0);
}
