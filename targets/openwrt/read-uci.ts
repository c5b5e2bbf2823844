/**
 * UCI text → sections with their options.
 *
 * Takes the file or what `uci export firewall` prints, gives its sections in order. It knows quotes and comments and nothing of firewalls.
 */

/** What the reader does not model, with its place. */
export class Refusal extends Error {
  readonly line: number | undefined;

  constructor(line: number | undefined, message: string) {
    super(message);
    this.line = line;
  }
}

export interface Setting {
  readonly list: boolean;
  readonly values: readonly string[];
  readonly line: number;
}

export interface Section {
  readonly type: string;
  readonly line: number;
  /** An option given twice counts as UCI takes it: the last one stands, lists grow. */
  readonly settings: ReadonlyMap<string, Setting>;
}

export function parseUci(text: string): Section[] {
  const sections: { type: string; line: number; settings: Map<string, Setting> }[] = [];
  for (const [index, source] of text.split('\n').entries()) {
    const line = index + 1;
    const words = wordsOf(source, line);
    const [first, name, content] = words;
    if (first === undefined) continue;
    if (first === 'package' && words.length === 2 && name === 'firewall') continue;
    if (first === 'config' && name !== undefined && words.length <= 3) {
      sections.push({ type: name, line, settings: new Map() });
      continue;
    }
    const section = sections.at(-1);
    if ((first !== 'option' && first !== 'list') || name === undefined || content === undefined || words.length > 3 || section === undefined)
      throw new Refusal(line, `not a line of UCI: ${source.trim()}`);
    const before = section.settings.get(name);
    if (before !== undefined && (before.list !== (first === 'list') || first === 'option')) throw new Refusal(line, `option ${name} is given twice`);
    section.settings.set(name, { list: first === 'list', values: [...(before?.values ?? []), content], line: before?.line ?? line });
  }
  return sections;
}

/** Words of a line: bare, in single quotes, in double quotes; pieces that touch are one. */
function wordsOf(source: string, line: number): string[] {
  const words: string[] = [];
  let rest = source.replace(/^\s+/u, '');
  while (rest !== '' && !rest.startsWith('#')) {
    let word = '';
    for (;;) {
      const piece = /^(?:'(?<single>[^']*)'|"(?<double>[^"\\]*)"|\\(?<escaped>')|(?<bare>[^\s'"\\#;]+))/u.exec(rest);
      if (piece === null) break;
      const { single, double, escaped, bare } = piece.groups ?? {};
      word += single ?? double ?? escaped ?? bare ?? '';
      rest = rest.slice(piece[0].length);
    }
    if (rest !== '' && !/^\s/u.test(rest)) throw new Refusal(line, `not a line of UCI: ${source.trim()}`);
    words.push(word);
    rest = rest.replace(/^\s+/u, '');
  }
  return words;
}
