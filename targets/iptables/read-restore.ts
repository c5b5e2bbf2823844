/**
 * The text of iptables-save, and for iptables-restore, to tables, chains and rules.
 *
 * Takes one text, gives the chains as they stand after the last `COMMIT`, loaded where nothing was before. The one idea: what builds rules
 * (`-A`, `-I` and chain declarations) is done as the tool does it; every other command is refused.
 */
import { builtins, type Chain, type Dump, Refusal, type Rule, type Table, type Word } from './read-tree.ts';

/** Bytes of a line that iptables-restore takes at once. */
const longestLine = 10_239;
const longestChainName = 28;

interface OpenChain extends Chain {
  readonly rules: Rule[];
}

interface OpenTable extends Table {
  readonly chains: Map<string, OpenChain>;
}

export function parseRestore(text: string): Dump {
  const tables = new Map<string, OpenTable>();
  const leftOut: { line: number; what: string; filters: boolean }[] = [];
  let open: OpenTable | undefined;
  const lines = text.split('\n');
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    if (content === '') continue;
    if (content.startsWith('#')) {
      const what = leftOutBy(content);
      if (what !== undefined) leftOut.push({ line, ...what });
      continue;
    }
    if (content.length > longestLine) throw new Refusal(line, `a line of more than ${longestLine} characters is cut by iptables-restore`);
    if (content.includes('\0')) throw new Refusal(line, 'a NUL byte ends the line for iptables-restore');
    if (content.startsWith('*')) {
      if (open !== undefined) throw new Refusal(line, `the table ${open.name} is still open: its COMMIT is missing`);
      open = openTable(tables, content.slice(1), line);
    } else if (open === undefined) {
      throw new Refusal(line, `${shown(content)} stands outside of a table`);
    } else if (content === 'COMMIT') {
      open = undefined;
    } else if (content.startsWith(':')) {
      declare(open, content.slice(1), line);
    } else {
      command(open, content, line);
    }
  }
  if (open !== undefined) throw new Refusal(lines.length, `the text ends within the table ${open.name}: its COMMIT is missing`);
  return { tables, leftOut };
}

/** What iptables-nft-save says of rules that it does not print. */
function leftOutBy(comment: string): { what: string; filters: boolean } | undefined {
  if (/^# Table .* is incompatible/u.test(comment)) return { what: comment.slice(2), filters: true };
  if (/^# Warning: .* tables present/u.test(comment)) return { what: comment.slice(2), filters: false };
  return undefined;
}

function openTable(tables: Map<string, OpenTable>, name: string, line: number): OpenTable {
  const chains = builtins.get(name);
  if (chains === undefined) throw new Refusal(line, `the table ${shown(name)} is not modelled`);
  if (tables.has(name)) throw new Refusal(line, `the table ${name} stands here twice`);
  const table: OpenTable = { name, chains: new Map(chains.map((chain) => [chain, { name: chain, line: undefined, policy: 'accept', rules: [] }])) };
  tables.set(name, table);
  return table;
}

/** `:CHAIN POLICY [packets:bytes]` */
function declare(table: OpenTable, text: string, line: number): void {
  const [name = '', policy, counters, ...more] = text.split(' ').filter((word) => word !== '');
  if (name === '' || policy === undefined || more.length > 0 || (counters !== undefined && !/^\[\d+:\d+\]$/u.test(counters)))
    throw new Refusal(line, `the chain declaration ${shown(text)} cannot be read`);
  const known = table.chains.get(name);
  if (builtins.get(table.name)?.includes(name) !== true) {
    if (known !== undefined) throw new Refusal(line, `the chain ${name} is declared twice`);
    if (policy !== '-') throw new Refusal(line, `the chain ${name} cannot have a policy`);
    if (name.length > longestChainName) throw new Refusal(line, `the name ${name} has more than ${longestChainName} characters`);
    if (name.startsWith('-') || name.startsWith('!')) throw new Refusal(line, `${name} is no name of a chain`);
    table.chains.set(name, { name, line, policy: undefined, rules: [] });
    return;
  }
  if (known?.line !== undefined) throw new Refusal(line, `the chain ${name} is declared twice`);
  if (policy !== 'ACCEPT' && policy !== 'DROP' && policy !== '-') throw new Refusal(line, `the policy ${shown(policy)} is not modelled`);
  table.chains.set(name, { name, line, policy: policy === 'DROP' ? 'drop' : 'accept', rules: known?.rules ?? [] });
}

/** `[packets:bytes] -A CHAIN …` or `-I CHAIN [number] …` */
function command(table: OpenTable, text: string, line: number): void {
  const words = wordsOf(text, line);
  let at = 0;
  if (/^\[\d+:\d+\]$/u.test(words[0]?.text ?? '')) at++;
  const verb = words[at++]?.text ?? '';
  if (verb !== '-A' && verb !== '-I') throw new Refusal(line, `${shown(verb)} is not modelled: only -A and -I are`);
  const name = words[at++]?.text ?? '';
  const chain = table.chains.get(name);
  if (chain === undefined) throw new Refusal(line, `the chain ${shown(name)} does not exist`);
  let place = verb === '-A' ? chain.rules.length : 0;
  const number = words[at];
  if (verb === '-I' && number !== undefined && /^\d+$/u.test(number.text)) {
    at++;
    place = Number(number.text) - 1;
    if (place < 0 || place > chain.rules.length) throw new Refusal(line, `there is no place ${number.text} in the chain ${name}`);
  }
  chain.rules.splice(place, 0, { line, words: words.slice(at) });
}

/** The words of a line: blanks part them, double quotes hold them together, a backslash escapes within quotes alone. */
function wordsOf(text: string, line: number): Word[] {
  const words: Word[] = [];
  let word = '';
  let begun = false;
  let quoted = false;
  let within = false;
  const end = (): void => {
    if (begun) words.push({ text: word, quoted });
    word = '';
    begun = false;
    quoted = false;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (within && character === '\\') {
      at++;
      word += text[at] ?? '';
    } else if (character === '"') {
      within = !within;
      begun = true;
      quoted = true;
    } else if (!within && (character === ' ' || character === '\t')) {
      end();
    } else {
      word += character;
      begun = true;
    }
  }
  if (within) throw new Refusal(line, 'a quote is not closed');
  end();
  return words;
}

export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
