/** Workflow commands: one line each, and nothing from a zone file is a command of its own. */
import { describe, expect, test } from 'vitest';
import { renderGithub } from '../../src/report/github.ts';
import { hostile, read, say } from './reports.ts';

/** As the runner reads a line (`ActionCommand.TryParseV2`). */
function readCommand(line: string): { command: string; properties: Record<string, string>; data: string } {
  const match = /^::(?<command>[a-z-]+)(?: (?<properties>.*?))?::(?<data>.*)$/su.exec(line);
  if (match?.groups === undefined) throw new Error(`no command: ${line}`);
  const unescape = (text: string): string =>
    text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%25', '%');
  const pairs = (match.groups['properties'] ?? '').split(',').map((pair) => pair.split('='));
  return {
    command: match.groups['command'] ?? '',
    properties: Object.fromEntries(pairs.map(([name = '', ...value]) => [name, unescape(value.join('='))])),
    data: unescape(match.groups['data'] ?? ''),
  };
}

describe('github', () => {
  test('says place, title and message, with notes and help below', () => {
    const { sources, spans } = read(['plant.zone', 'zone a {\n  networks «10.0.0.0/8»\n}\nzone «b {\n}»\n']);
    const text = renderGithub(
      [
        say('said', 'spans: two, lines', spans[1]),
        say('said', 'both hold 100%', spans[0], { notes: ['a cause'], help: ['a way out', 'two\nlines'] }),
        say('vacuous', 'no place'),
      ],
      sources,
    );
    expect(text.split('\n')).toEqual([
      '::error file=plant.zone,line=2,endLine=2,col=12,endColumn=22,title=ZW2006 zone-overlap::both hold 100%25%0Anote: a cause%0Ahelp: a way out%0Ahelp: two%0Alines',
      '::error file=plant.zone,line=4,endLine=5,title=ZW2006 zone-overlap::spans: two, lines',
      '::warning title=ZW4004 vacuous::no place',
      '',
    ]);
  });

  test('names the file from where the command ran', () => {
    const { sources, spans } = read(['a,b:c%.zone', '«x»'], ['../up.zone', '«x»'], ['<stdin>', '«x»']);
    const files = renderGithub(
      spans.map((span) => say('said', 'x', span)),
      sources,
      'plants/one',
    )
      .trimEnd()
      .split('\n');
    expect(files.map((line) => readCommand(line).properties['file'])).toEqual(['plants/one/a,b:c%.zone', 'plants/up.zone', '<stdin>']);
    expect(files[0]).toContain('file=plants/one/a%2Cb%3Ac%25.zone,');
  });

  test.each(hostile)('%j stays text', (text) => {
    const { sources, spans } = read([`${text.replaceAll(/[\0/]/gu, '')}.zone`, '«x»']);
    const item = say('said', `label ${text}`, spans[0], { notes: [text], help: [text], label: text });
    const lines = renderGithub([item], sources).split(/\r\n|\r|\n/u);
    expect(lines).toHaveLength(2);
    const { command, properties, data } = readCommand(lines[0] ?? '');
    expect(command).toBe('error');
    expect(Object.keys(properties)).toEqual(['file', 'line', 'endLine', 'col', 'endColumn', 'title']);
    expect(data.startsWith('label ')).toBe(true);
    if (!/[^\P{Cc}\n\r]|[\p{Cs}\p{Cf}\p{Zl}\ufffe\uffff]/u.test(text)) expect(data).toBe(`label ${text}\nnote: ${text}\nhelp: ${text}`);
  });

  test('says nothing of nothing', () => {
    expect(renderGithub([], read().sources)).toBe('');
  });
});
