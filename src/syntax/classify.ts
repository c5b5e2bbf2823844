/**
 * Says of each word of a piece whether it is a keyword there or a name.
 *
 * Takes the tokens of one piece and the rule that will read it; marks the tokens in place. The one idea: where a value
 * is due (after `from`, `->`, a comma, `{` …) a word is a name, even `to` or `log`; where one has just ended it is a
 * keyword; reserved words are keywords always.
 */
import { RESERVED, SERVICE_WORDS } from '../../grammar/tokens.ts';
import type { Start } from './read.ts';
import { isPunctuation, isWord, type Token } from './token.ts';

/** After these words a name is due. */
const NAME_DUE: ReadonlySet<string> = new Set(['from', 'to', 'in', 'via', 'except', 'never', 'always', 'faces', 'networks', 'or', 'has']);
/** Before a number, words of a function: `function 3`, `stream 2 function 41`. */
const FUNCTION_WORDS: ReadonlySet<string> = new Set(['function', 'stream', 'group']);
/** After these words a name is due, even one that is reserved. */
const MARKS: ReadonlySet<string> = new Set(['kind', 'trait', 'role']);

export function classify(start: Start, tokens: readonly Token[]): void {
  const [keyword] = tokens;
  if (keyword === undefined) return;
  switch (start) {
    case 'titled_head':
    case 'flag_property':
    case 'text_property':
    case 'number_property':
    case 'level_property':
    case 'date_property':
      markKeywords(tokens);
      return;
    case 'log_property':
    case 'rate_property':
    case 'addresses_property':
      markKeywords(tokens);
      return;
    case 'name_property':
    case 'names_property':
    case 'accept_weaker_property':
    case 'target_head':
    case 'interface_head':
      markKeyword(keyword);
      return;
    case 'option':
      return;
    case 'named_head':
    case 'conduit_head':
      markKeyword(keyword);
      for (const token of tokens.slice(1)) if (isWord(token) && RESERVED.has(token.value)) markKeyword(token);
      return;
    case 'host_head':
    case 'selector_property':
    case 'test_line_property':
    case 'traffic_head':
      markKeyword(keyword);
      markStatement(tokens, 1, start !== 'traffic_head', start);
      return;
    case 'services_property':
      markKeyword(keyword);
      markServices(tokens, 1, start);
      return;
    case 'members':
      markStatement(tokens, 0, true, start);
      return;
    case 'service_members':
      markServices(tokens, 0, start);
      return;
    case 'assert_body':
      markAssert(tokens);
      return;
  }
}

function markKeyword(token: Token): void {
  token.type = 'keyword';
  token.text = token.value;
}

function markKeywords(tokens: readonly Token[]): void {
  for (const token of tokens) if (token.type === 'name') markKeyword(token);
}

function markAssert(tokens: readonly Token[]): void {
  const [first, next] = tokens;
  if (first === undefined) return;
  const opens =
    first.value === 'every'
      ? isWord(next) && next.value === 'flow'
      : (first.value === 'never' || first.value === 'always') && !isPunctuation(next, '->') && !isPunctuation(next, ',');
  if (!isWord(first) || !opens) {
    markStatement(tokens, 0, true, 'assert_body');
    return;
  }
  markKeyword(first);
  if (first.value === 'every' && next !== undefined) {
    markKeyword(next);
    markStatement(tokens, 2, false, 'assert_body');
  } else markStatement(tokens, 1, true, 'assert_body');
}

/** Selectors and the words between them; goes over to services behind `:` and `allow`. */
function markStatement(tokens: readonly Token[], from: number, nameDue: boolean, start: Start): void {
  let due = nameDue;
  for (let index = from; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === undefined) return;
    if (token.type === 'punctuation') {
      if (token.text === ':') {
        markServices(tokens, index + 1, start);
        return;
      }
      due = token.text !== '}';
    } else if (!isWord(token)) due = false;
    else {
      const before = tokens[index - 1];
      const marked = before?.type === 'keyword' && MARKS.has(before.value) && start !== 'host_head';
      if (marked) due = false;
      else if (RESERVED.has(token.value)) {
        markKeyword(token);
        due = token.value === 'except';
      } else if (due) due = false;
      else {
        markKeyword(token);
        if (token.value === 'allow' && start === 'traffic_head') {
          markServices(tokens, index + 1, start);
          return;
        }
        if (token.value === 'has' && start === 'assert_body') {
          markRequirements(tokens, index + 1);
          return;
        }
        due = NAME_DUE.has(token.value);
      }
    }
  }
}

function markServices(tokens: readonly Token[], from: number, start: Start): void {
  let due = true;
  // For each open brace, whether it holds functions.
  const open: boolean[] = [];
  for (let index = from; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === undefined) return;
    if (token.type === 'punctuation') {
      if (token.text === '{') open.push(tokens[index - 1]?.type === 'name');
      else if (token.text === '}') open.pop();
      due = token.text !== '}';
    } else if (!isWord(token)) due = false;
    else if (open.at(-1) === true) {
      const next = tokens[index + 1];
      if (FUNCTION_WORDS.has(token.value) && next !== undefined && (next.type === 'number' || next.type === 'hex')) markKeyword(token);
      due = false;
    } else if (RESERVED.has(token.value) || (!due && SERVICE_WORDS.has(token.value))) {
      markKeyword(token);
      due = token.value === 'except';
    } else if (due) due = false;
    else if (start === 'assert_body' && token.value === 'where' && tokens[index + 1]?.value === 'enforced') {
      markKeywords(tokens.slice(index));
      return;
    }
  }
}

function markRequirements(tokens: readonly Token[], from: number): void {
  let due = true;
  for (let index = from; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === undefined) return;
    if (token.type === 'punctuation') due = true;
    else if (!isWord(token)) due = false;
    else if (due) {
      if (token.value === 'expires' || token.value === 'inspect') markKeyword(token);
      due = false;
    } else {
      const before = tokens[index - 1];
      const grade = before?.type === 'keyword' && before.value === 'inspect' && token.value !== 'or' && token.value !== 'where';
      if (grade) continue;
      markKeyword(token);
      due = token.value === 'or';
    }
  }
}
