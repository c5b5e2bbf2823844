/**
 * A list of `set` commands as a tree of words.
 *
 * Takes what we emit, or what `show configuration commands` prints; gives nodes, each with its line. The one idea: VyOS keeps its
 * configuration as a tree, and every command is one path down to a leaf, so nothing has to be known of a word to find its place.
 */

/** Thrown inside the reader where it meets what it does not model; never leaves it. */
export class Refusal extends Error {
  readonly line: number | undefined;

  constructor(line: number | undefined, what: string) {
    super(what);
    this.line = line;
  }
}

export interface TreeNode {
  /** Of the first command that names it. */
  readonly line: number;
  /** In the order in which they are first named. */
  readonly children: Map<string, TreeNode>;
}

/**
 * Comments and empty lines are skipped; anything that is no `set` command is refused. Of commands of other parts than the firewall only the
 * words before the first quote are taken: what stands behind it may be anything.
 */
export function parseCommands(text: string): TreeNode {
  const root: TreeNode = { line: 1, children: new Map() };
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const content = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (content.trim() === '' || content.startsWith('#')) continue;
    const [verb, ...path] = content.startsWith('set ') && !/^set\s+firewall\s/u.test(content) ? bareWords(content) : wordsOf(content, line);
    if (verb !== 'set' || path.length === 0) throw new Refusal(line, `${JSON.stringify(content.slice(0, 60))} is no set command`);
    let at = root;
    for (const word of path) {
      const known = at.children.get(word) ?? { line, children: new Map<string, TreeNode>() };
      at.children.set(word, known);
      at = known;
    }
  }
  return root;
}

function bareWords(text: string): string[] {
  const words = text.trim().split(/\s+/u);
  const end = words.findIndex((word) => /['"]/u.test(word));
  return end < 0 ? words : words.slice(0, end);
}

/** Words between blanks; a quoted one may hold blanks. What a shell would expand is refused. */
function wordsOf(text: string, line: number): string[] {
  const words: string[] = [];
  const pattern = /\s*(?:'([^']*)'|"([^"\\$`]*)"|([^\s'"\\$`;|&<>()]+))(?=\s|$)/uy;
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (found === null) throw new Refusal(line, `${JSON.stringify(text.slice(at, at + 60).trim())} cannot be read as words`);
    words.push(found[1] ?? found[2] ?? found[3] ?? '');
  }
  return words;
}

export function child(node: TreeNode | undefined, ...path: readonly string[]): TreeNode | undefined {
  let at = node;
  for (const word of path) at = at?.children.get(word);
  return at;
}

/** The only value of a leaf; undefined if the leaf is absent. */
export function valueOf(node: TreeNode | undefined, name: string): string | undefined {
  const leaf = node?.children.get(name);
  if (leaf === undefined) return undefined;
  const [value, ...more] = leaf.children.keys();
  if (value === undefined || more.length > 0) throw new Refusal(leaf.line, `${name} has ${value === undefined ? 'no value' : 'several values'}`);
  return value;
}

/** All values of a leaf that may have several. */
export function valuesOf(node: TreeNode | undefined, name: string): string[] {
  return [...(node?.children.get(name)?.children.keys() ?? [])];
}

/** What stands in a node besides these names. */
export function strangers(node: TreeNode | undefined, known: ReadonlySet<string>): { readonly name: string; readonly line: number }[] {
  return [...(node?.children ?? [])].filter(([name]) => !known.has(name)).map(([name, { line }]) => ({ name, line }));
}
