/** `zonewright check` in the formats of other programs: one document on standard output, whatever is wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { day, folder, pressShop, type Ran, zonewright } from './cli.ts';

const small = (extra = ''): string => `policy "p" { revision 1 }
zone a { level 4  networks 10.0.1.0/24 }
zone b { level 1  networks 10.0.2.0/24 }
host x in a { address 10.0.1.5 }
host y in b { address 10.0.2.5 }
flow f "<f> ]]> & %0A::error::" { from x  to y  allow tcp 502 }
gateway g {
  target nftables
  interface eth0 { faces a  address 10.0.1.1/24 }
  interface eth1 { faces b  address 10.0.2.1/24 }
  manage none "console only"
}
${extra}`;

const findings = small(`assert open { never a -> b }
assert fine { never b -> a }
test "night \\"<shift>\\" ]]> ::error::" { allow x -> y : tcp 502
  deny  x -> y : tcp 502 }
`);

function check(format: string, input: string): Ran {
  return zonewright(['check', '-', '--format', format, '--date', day], { input });
}

interface Sarif {
  readonly runs: readonly { readonly results: readonly { readonly ruleId: string; readonly locations?: readonly unknown[] }[] }[];
}

function sarif(text: string): Sarif['runs'][number]['results'] {
  return (JSON.parse(text) as Sarif).runs[0]?.results ?? [];
}

describe('findings', () => {
  it('are results of SARIF', () => {
    const { status, stdout, stderr } = check('sarif', findings);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(sarif(stdout).map((result) => result.ruleId)).toEqual(['ZW4001', 'ZW4005']);
  });

  it('are failures of JUnit, each at its assert or line', () => {
    const { status, stdout, stderr } = check('junit', findings);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toMatch(/<testsuites name="zonewright" tests="5" failures="2" errors="0" skipped="0">/u);
    expect(stdout).toContain('<testcase classname="asserts" name="fine"/>');
    expect(stdout).toMatch(/<testcase classname="asserts" name="open">\n {6}<failure message="assert `open` is violated: /u);
    expect(stdout).toContain('<testsuite name="test: night &quot;&lt;shift&gt;&quot; ]]&gt; ::error::" tests="2" failures="1" errors="0" skipped="0">');
    expect(stdout).toMatch(/name="deny x -&gt; y : tcp 502">\n {6}<failure message="test expects deny, but it is allowed: [^"]*" type="ZW4005">/u);
  });

  it('carry no bare offsets in JSON', () => {
    const { asserts, tests } = JSON.parse(check('json', findings).stdout) as Record<'asserts' | 'tests', { span?: unknown }[]>;
    expect(asserts).toHaveLength(2);
    expect(tests).toHaveLength(2);
    // Whatever result has a span says it as diagnostics do.
    for (const { span } of [...asserts, ...tests]) if (span !== undefined) expect(span).toMatchObject({ file: '<stdin>', line: expect.any(Number) as number });
  });

  it('are commands of a workflow', () => {
    const { status, stdout, stderr } = check('github', findings);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^::error file=<stdin>,line=13,endLine=13,col=8,endColumn=12,title=ZW4001 never-violated::assert `open` is violated: /u);
  });
});

describe('wrong input', () => {
  it.each([
    ['syntax', 'zone'],
    ['names', small('flow g { from nobody  to y  allow ssh }')],
    ['bytes', 'zone "\u0001\u001b\u0000'],
  ])('(%s) is a whole document in each format', (_, input) => {
    for (const format of ['sarif', 'junit', 'github']) {
      const { status, stdout, stderr } = check(format, input);
      expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
      if (format === 'sarif') expect(sarif(stdout).length).toBeGreaterThan(0);
      if (format === 'junit') expect(stdout).toMatch(/^<\?xml [^]*<testsuite name="policy" [^]*<failure [^]*<\/testsuites>\n$/u);
      if (format === 'github') for (const line of stdout.trimEnd().split('\n')) expect(line).toMatch(/^::(?:error|warning) /u);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }
  });

  it('without a place is said without one', () => {
    const ran = (format: string): Ran => zonewright(['check', 'no/such.zone', '--format', format]);
    expect(sarif(ran('sarif').stdout)).toEqual([expect.not.objectContaining({ locations: expect.anything() as unknown })]);
    expect(ran('github').stdout).toMatch(/^::error title=ZW6001 unreadable::cannot read `no\/such\.zone`/u);
    expect(ran('junit').stdout).toContain('name="ZW6001 unreadable"');
  });

  it('of options is said in words', () => {
    const { status, stdout, stderr } = zonewright(['check', pressShop, '--format', 'sarif', '--date', 'never']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('ZW6008');
    expect(zonewright(['check', pressShop, '--format', 'xml']).stderr).toContain('one of text, json, sarif, junit, github');
    expect(zonewright(['compile', pressShop, '--format', 'junit']).stderr).toContain('one of text, json');
  });
});

it('a policy without mistakes is a document too', () => {
  expect(check('github', small())).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(sarif(check('sarif', small()).stdout)).toEqual([]);
  expect(check('junit', small()).stdout).toContain('tests="1" failures="0"');
  for (const format of ['sarif', 'junit', 'github']) expect(zonewright(['check', '--help']).stdout).toContain(format);
});

it('names files from where the command runs', () => {
  const path = folder();
  mkdirSync(join(path, 'plants', 'one'), { recursive: true });
  writeFileSync(join(path, 'plants', 'one', 'plant.zone'), 'include "../shared zones.zone"\nzone\n');
  writeFileSync(join(path, 'plants', 'shared zones.zone'), 'zone\n');
  const places = (cwd: string, file: string): string[] =>
    Array.from(zonewright(['check', file, '--format', 'github'], { cwd }).stdout.matchAll(/^::error file=([^,]*)/gmu), ([, name = '']) => name);
  expect(places(path, 'plants/one/plant.zone')).toEqual(['plants/one/plant.zone', 'plants/shared zones.zone']);
  expect(places(join(path, 'plants'), join(path, 'plants', 'one', 'plant.zone'))).toEqual(['one/plant.zone', 'shared zones.zone']);
});
