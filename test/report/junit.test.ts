/** JUnit: well-formed whatever a zone file says, and every error somewhere in it. */
import { describe, expect, test } from 'vitest';
import { type AssertOutcome, renderJunit, type TestOutcome } from '../../src/report/junit.ts';
import { hostile, read, say } from './reports.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

/** Reads the XML that JUnit needs, with its own rules for what is well-formed (XML 1.0, fifth edition). */
function readXml(text: string): Element {
  if (/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(text)) throw new Error('a character that XML forbids');
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  const decode = (raw: string): string => {
    if (raw.includes('<') || raw.includes(']]>')) throw new Error(`markup in text: ${raw}`);
    return raw.replaceAll(/&([^;]*);?/gu, (whole, name: string) => {
      const character = /^#\d+$/u.test(name) ? String.fromCodePoint(Number(name.slice(1))) : entities[name];
      if (character === undefined || !whole.endsWith(';')) throw new Error(`a bare ampersand: ${whole}`);
      return character;
    });
  };
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (!text.startsWith(declaration)) throw new Error('no declaration');
  let at = declaration.length;
  const match = (pattern: RegExp): string | undefined => {
    const found = new RegExp(pattern, 'uy');
    found.lastIndex = at;
    const [whole] = found.exec(text) ?? [];
    at += whole?.length ?? 0;
    return whole;
  };
  const element = (): Element => {
    const name = match(/<[a-z-]+/)?.slice(1);
    if (name === undefined) throw new Error(`no element at ${text.slice(at, at + 40)}`);
    const attributes: Record<string, string> = {};
    for (let one = match(/ [a-z]+="[^"<]*"/); one !== undefined; one = match(/ [a-z]+="[^"<]*"/)) {
      const [key = '', ...rest] = one.slice(1, -1).split('="');
      if (key in attributes) throw new Error(`${key} twice`);
      // A bare line end or tab would come out as a space (3.3.3).
      attributes[key] = decode(rest.join('="').replaceAll(/[\t\n\r]/gu, ' '));
    }
    if (match(/\/>/) !== undefined) return { name, attributes, children: [], text: '' };
    if (match(/>/) === undefined) throw new Error(`a tag does not end: ${text.slice(at, at + 40)}`);
    const children: Element[] = [];
    let inside = decode(match(/[^<]*/) ?? '');
    while (!text.startsWith('</', at)) {
      children.push(element());
      inside += decode(match(/[^<]*/) ?? '');
    }
    if (match(new RegExp(`</${name}>`)) === undefined) throw new Error(`${name} is not closed`);
    return { name, attributes, children, text: inside };
  };
  const root = element();
  if (text.slice(at) !== '\n') throw new Error('something after the end');
  return root;
}

function suites(root: Element): Record<string, Element> {
  return Object.fromEntries(root.children.map((suite) => [suite.attributes['name'] ?? '', suite]));
}

function outcomes(suite: Element | undefined): string[] {
  return (suite?.children ?? [])
    .filter((one) => one.name === 'testcase')
    .map((one) => [one.attributes['name'], one.children[0]?.name ?? 'passed', one.children[0]?.attributes['type'] ?? ''].join(' | '));
}

describe('junit', () => {
  test('is this document for a small plant', () => {
    const { sources, spans } = read(['plant.zone', 'assert «fine» { never a -> b }\nassert «open» { never b -> a }\n«allow a -> b : ssh»\n']);
    const [fine, open, line] = spans;
    const text = renderJunit(
      {
        asserts: [
          { name: 'fine', status: 'proved', ...(fine === undefined ? {} : { span: fine }) },
          { name: 'open', status: 'violated', ...(open === undefined ? {} : { span: open }) },
        ],
        tests: [{ title: 'night "shift"', line: 'allow a -> b : ssh', passed: true, enforced: true, ...(line === undefined ? {} : { span: line }) }],
        diagnostics: [say('violated', 'assert `open` is violated: b reaches a <on> "ssh" & more', open, { help: ["narrow 'it'"] })],
      },
      sources,
    );
    expect(text).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="zonewright" tests="4" failures="1" errors="0" skipped="0">
  <testsuite name="policy" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="policy" name="nothing else is wrong"/>
  </testsuite>
  <testsuite name="asserts" tests="2" failures="1" errors="0" skipped="0">
    <testcase classname="asserts" name="fine"/>
    <testcase classname="asserts" name="open">
      <failure message="assert \`open\` is violated: b reaches a &lt;on&gt; &quot;ssh&quot; &amp; more" type="ZW4001">error[ZW4001]: assert \`open\` is violated: b reaches a &lt;on&gt; &quot;ssh&quot; &amp; more
 --&gt; plant.zone:2:8
  |
2 | assert open { never b -&gt; a }
  |        ^^^^
  |
  = help: narrow &apos;it&apos;</failure>
    </testcase>
  </testsuite>
  <testsuite name="test: night &quot;shift&quot;" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="test: night &quot;shift&quot;" name="allow a -&gt; b : ssh"/>
  </testsuite>
</testsuites>
`);
    expect(readXml(text).children).toHaveLength(3);
  });

  test('ties a result to the diagnostics with its span, and without one to those that name it', () => {
    const { sources, spans } = read(['plant.zone', '«a» «b» «c» «d»']);
    const named = (name: string, status: AssertOutcome['status'], index?: number): AssertOutcome => {
      const span = index === undefined ? undefined : spans[index];
      return { name, status, ...(span === undefined ? {} : { span }) };
    };
    const line = (words: string, passed: boolean, index?: number): TestOutcome => {
      const span = index === undefined ? undefined : spans[index];
      return { title: 't', line: words, passed, enforced: true, ...(span === undefined ? {} : { span }) };
    };
    const root = readXml(
      renderJunit(
        {
          asserts: [named('by_span', 'violated', 0), named('by_name', 'not enforceable here'), named('empty', 'vacuous'), named('other', 'proved')],
          tests: [line('allow x -> y : ssh', false), line('deny x -> y : ssh', false, 2), line('allow y -> x : ssh', false)],
          diagnostics: [
            say('failed', 'test expects allow, but it is denied: first', spans[3]),
            say('failed', 'test expects deny, but it is allowed: second', spans[2]),
            say('violated', 'whatever it says', spans[0]),
            // It names another assert in the words of its packet, as a flow.
            say('violated', 'assert `by_name` is not enforceable here: through flow `other`', spans[1]),
            say('vacuous', '`empty` proves nothing: it selects nothing'),
            say('vacuous', '`t` proves nothing: a warning that no result has'),
          ],
        },
        sources,
      ),
    );
    const found = suites(root);
    expect(outcomes(found['asserts'])).toEqual(['by_span | failure | ZW4001', 'by_name | failure | ZW4001', 'empty | skipped | ', 'other | passed | ']);
    expect(outcomes(found['test: t'])).toEqual([
      'allow x -> y : ssh | failure | ZW4005',
      'deny x -> y : ssh | failure | ZW4005',
      // Nothing is left for it, and yet it failed.
      'allow y -> x : ssh | failure | test',
    ]);
    expect(found['test: t']?.children.map((one) => one.children[0]?.attributes['message'])).toEqual([
      'test expects allow, but it is denied: first',
      'test expects deny, but it is allowed: second',
      'test failed: allow y -> x : ssh',
    ]);
    expect(outcomes(found['policy'])).toEqual(['nothing else is wrong | passed | ']);
    expect(found['policy']?.children[1]?.text).toContain('a warning that no result has');
    expect(root.attributes).toMatchObject({ tests: '8', failures: '5', skipped: '1' });
  });

  test('lists as failures of the policy what belongs to no result', () => {
    const { sources, spans } = read(['plant.zone', 'zone «a»\n zone «b»']);
    const document = renderJunit(
      { asserts: [], tests: [], diagnostics: [say('said', 'no place'), say('said', 'later', spans[1]), say('said', 'x', spans[0])] },
      sources,
    );
    const found = suites(readXml(document));
    expect(Object.keys(found)).toEqual(['policy']);
    expect(outcomes(found['policy'])).toEqual([
      'ZW2006 zone-overlap at plant.zone:1 | failure | ZW2006',
      'ZW2006 zone-overlap at plant.zone:2 | failure | ZW2006',
      'ZW2006 zone-overlap | failure | ZW2006',
    ]);
  });

  test('keeps apart blocks and lines of equal names, and a block that is called like a suite', () => {
    const line = (title: string, words: string, enforced = true): TestOutcome => ({ title, line: words, passed: true, enforced });
    const root = readXml(
      renderJunit(
        { asserts: [], tests: [line('policy', 'x'), line('policy', 'x'), line('b', 'y', false), line('policy', 'z')], diagnostics: [] },
        read().sources,
      ),
    );
    expect(root.children.map((suite) => `${suite.attributes['name']} ${suite.attributes['tests']}`)).toEqual([
      'policy 1',
      'test: policy 2',
      'test: b 1',
      'test: policy 1',
    ]);
    expect(root.children[2]?.children[0]?.children[0]).toMatchObject({ name: 'system-out', text: 'part of it is seen by no gateway' });
  });

  test.each(hostile)('%j stays text', (text) => {
    const { sources, spans } = read([`${text}.zone`, `"${text}" «x»`]);
    const root = readXml(
      renderJunit(
        {
          asserts: [{ name: text, status: 'vacuous' }],
          tests: [{ title: text, line: text, passed: false, enforced: true }],
          diagnostics: [say('said', text, spans[0], { notes: [text], help: [text], label: text }), say('vacuous', `\`${text}\` proves nothing`)],
        },
        sources,
      ),
    );
    const allowed = text.replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd');
    expect(root.children.map((suite) => suite.attributes['name'])).toEqual(['policy', 'asserts', `test: ${allowed}`]);
    const [policy, asserts, tests] = root.children;
    expect(policy?.children[0]?.children[0]?.attributes['message']).toBe(allowed);
    expect(asserts?.children[0]?.attributes['name']).toBe(allowed);
    expect(tests?.children[0]?.attributes['name']).toBe(allowed);
  });
});
