/** `diff`, `reach`, `paths`, `test` and `compile --accept-loss` as a user runs them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mill, millGateway } from '../analysis/plant.ts';
import { contents, day, folder, zonewright } from './cli.ts';

const plant = mill + millGateway;
const poll = 'flow poll { from hist  to machines  allow modbus  essential }\n';
const remote = 'flow remote { from office  to jump  allow ssh }\n';

function git(cwd: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  });
  if (status !== 0) throw new Error(stderr);
}

/** Files in a fresh folder. */
function files(named: Record<string, string>): string {
  const at = folder();
  for (const [name, text] of Object.entries(named)) {
    mkdirSync(join(at, name, '..'), { recursive: true });
    writeFileSync(join(at, name), text);
  }
  return at;
}

describe('diff', () => {
  const diff = (cwd: string, ...args: string[]): ReturnType<typeof zonewright> => zonewright(['diff', '--date', day, ...args], { cwd });

  it('says nothing of equal policies, and exits 0', () => {
    const at = files({ 'a.zone': plant + poll + remote, 'b.zone': remote + plant + poll });
    const { status, stdout } = diff(at, 'a.zone', 'b.zone');
    expect(status).toBe(0);
    expect(stdout).toContain('identical: the same conversations, said the same');
  });

  it('has every list at the top level of its JSON document', () => {
    const at = files({ 'a.zone': plant + poll, 'b.zone': plant.replace('manage from hist', 'manage from jump') + remote });
    const { status, stdout } = diff(at, 'a.zone', 'b.zone', '--format', 'json');
    expect(status).toBe(1);
    const document = JSON.parse(stdout) as Record<
      string,
      { from: string; to: string; flows: { name: string; span: { line: number } }[]; example: { service: string } }[]
    >;
    expect(Object.keys(document)).toEqual(expect.arrayContaining(['allowed', 'denied', 'essentialLost', 'managementLost', 'changed', 'gateways']));
    expect(document['managementLost']).toMatchObject([{ from: 'hist', to: 'gw', service: 'ssh', family: 'both', gateways: ['gw'] }]);
    expect(document['essentialLost']).toMatchObject([{ flow: 'poll', why: 'the flow is gone' }]);
    expect(document['allowed']?.map((row) => [row.from, row.to, row.flows.map((flow) => flow.name), row.example.service])).toEqual([
      ['jump', 'gw', ['manage from jump allow ssh'], 'tcp 22 (ssh)'],
      ['office', 'jump', ['remote'], 'tcp 22 (ssh)'],
    ]);
  });

  it('is a page to approve, with the digest that compile reproduces', () => {
    const at = files({ 'a.zone': plant + poll, 'b.zone': `${plant.replace('"Mill" { revision 1', '"Mill | <b>2</b>" { revision 2')}${poll}${remote}` });
    const { stdout } = diff(at, 'a.zone', 'b.zone', '--format', 'md');
    const digest = /"sourceDigest": "([0-9a-f]{64})"/u.exec(stdout)?.[1];
    expect(zonewright(['compile', 'b.zone', '--date', day], { cwd: at }).status).toBe(0);
    expect(JSON.parse(readFileSync(join(at, 'out', 'manifest.json'), 'utf8'))).toMatchObject({ sourceDigest: digest });
    expect(stdout).not.toContain('<b>');
    expect(stdout).toContain('## Newly allowed (1)');
  });

  it('gives SARIF, JUnit and workflow commands', () => {
    const at = files({ 'a.zone': plant, 'b.zone': plant + remote });
    expect(JSON.parse(diff(at, 'a.zone', 'b.zone', '--format', 'sarif').stdout)).toMatchObject({
      runs: [{ results: [{ ruleId: 'ZW4014' }, { ruleId: 'ZW4017' }, { ruleId: 'ZW3013' }] }],
    });
    expect(diff(at, 'a.zone', 'b.zone', '--format', 'junit').stdout).toContain('newly allowed: office -&gt; jump : ssh, on gw');
    expect(diff(at, 'a.zone', 'b.zone', '--format', 'github').stdout).toMatch(/^::error file=b\.zone,line=19,.*newly allowed/mu);
    expect(diff(at, 'a.zone', 'a.zone', '--format', 'junit').status).toBe(0);
  });

  it('reads revisions of git, their includes too, and never a working file in their place', () => {
    const at = files({ 'plants/mill.zone': `include "shared/flows.zone"\n${plant}`, 'plants/shared/flows.zone': poll });
    git(at, 'init', '-q');
    git(at, 'add', '.');
    git(at, 'commit', '-qm', 'one');
    writeFileSync(join(at, 'plants/shared/flows.zone'), poll + remote);
    const inside = join(at, 'plants');
    expect(diff(at, 'HEAD:plants/mill.zone', 'HEAD:plants/mill.zone').status).toBe(0);
    expect(JSON.parse(diff(at, 'HEAD:plants/mill.zone', 'plants/mill.zone', '--format', 'json').stdout)).toMatchObject({
      allowed: [{ from: 'office', to: 'jump' }],
      denied: [],
    });
    expect(diff(inside, 'HEAD:./mill.zone', 'mill.zone').status).toBe(1);
    expect(diff(at, 'HEAD:plants', 'plants').status).toBe(1);
    for (const [old, code] of [
      ['HEAD:mill.zone', 'ZW6012'],
      ['nosuch:plants/mill.zone', 'ZW6012'],
      ['--output=x:plants/mill.zone', undefined],
      ['HEAD:../mill.zone', 'ZW6012'],
      ['HEAD:plants/shared/nosuch.zone', 'ZW6012'],
    ] as const) {
      const { status, stderr } = diff(at, old, 'plants/mill.zone');
      expect(status).toBe(2);
      if (code !== undefined) expect(stderr).toContain(`error[${code}]`);
    }
    expect(diff(folder(), 'main:x.zone', 'main:x.zone').stderr).toContain('ZW6012');
    // An include of a revision stays in the repository.
    writeFileSync(join(at, 'plants/mill.zone'), `include "../../../etc/hostname"\n${plant}`);
    git(at, 'add', '.');
    git(at, 'commit', '-qm', 'two');
    expect(diff(at, 'HEAD:plants/mill.zone', 'HEAD~1:plants/mill.zone').stderr).toContain('outside the repository');
  });

  it('takes folders with one policy, and says which files make it unclear', () => {
    const at = files({
      'old/mill.zone': plant + poll,
      'new/mill.zone': plant + poll,
      'new/part.zone': 'host spare in cell { address 10.1.0.99 }',
      'two/a.zone': plant,
      'two/b.zone': plant,
      'none/readme.txt': '',
    });
    expect(diff(at, 'old', 'new').status).toBe(0);
    expect(diff(at, 'old', 'two').stderr).toContain('several zone files in it declare a `policy`: a.zone, b.zone');
    expect(diff(at, 'none', 'old').stderr).toContain('no file in it ends in .zone');
  });

  it('says what is wrong with either side, exit 2', () => {
    const at = files({ 'a.zone': plant, 'b.zone': `${plant}flow x { from nosuch  to plc  allow ssh }` });
    const { status, stderr, stdout } = diff(at, 'a.zone', 'b.zone');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('b.zone:19');
    expect(diff(at, 'b.zone', 'a.zone', '--format', 'json').status).toBe(2);
    expect(diff(at, 'nosuch.zone', 'a.zone').status).toBe(2);
  });
});

describe('compile over an older output', () => {
  const compile = (at: string, ...more: string[]): ReturnType<typeof zonewright> => zonewright(['compile', 'plant.zone', '--date', day, ...more], { cwd: at });

  it('misses an essential flow, and goes on only when its loss is accepted by name', () => {
    const at = files({ 'plant.zone': plant + poll });
    expect(compile(at).status).toBe(0);
    const before = contents(join(at, 'out'));
    writeFileSync(join(at, 'plant.zone'), plant + remote);
    const refused = compile(at);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('error[ZW4011]: essential flow `poll` of the earlier compile is lost: there is no such flow any more');
    expect(contents(join(at, 'out'))).toEqual(before);
    expect(compile(at, '--accept-loss', 'pol').status).toBe(1);
    expect(compile(at, '--accept-loss', 'poll').status).toBe(0);
    // Said once it is gone: the option would hide the next loss.
    const again = compile(at, '--accept-loss', 'poll');
    expect([again.status, again.stderr.includes('warning[ZW6014]')]).toEqual([0, true]);
  });

  it('refuses an output whose promises it cannot read', () => {
    const at = files({ 'plant.zone': plant + poll });
    expect(compile(at).status).toBe(0);
    const path = join(at, 'out', 'manifest.json');
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), essential: [{ name: 'poll' }] }));
    expect(compile(at).stderr).toContain('ZW6015');
    rmSync(join(at, 'out'), { recursive: true });
    expect(compile(at).status).toBe(0);
  });
});

describe('reach, paths and test', () => {
  it('answer in text and JSON', () => {
    const at = files({ 'plant.zone': `${plant}${poll}${remote}test "night" { allow hist -> plc : modbus  deny office -> cell : any }\n` });
    const run = (...args: string[]): ReturnType<typeof zonewright> => zonewright([...args, '--date', day], { cwd: at });
    expect(run('reach', 'plant.zone', '--from', 'level >= 3', '--to', 'level <= 2').stdout).toContain('hist  machines  modbus');
    expect(JSON.parse(run('reach', 'plant.zone', '--from', 'any', '--to', 'plc', '--format', 'json').stdout)).toMatchObject({
      rows: [{ from: 'hist', to: 'plc', flows: [{ name: 'poll', span: { line: 19 } }] }],
    });
    expect(run('reach', 'plant.zone', '--from', 'any').status).toBe(2);
    expect(run('reach', 'plant.zone', '--from', 'nosuch', '--to', 'any').stderr).toContain('nosuch');
    expect(run('paths', 'plant.zone', '--from', 'office', '--to', 'cell').stdout).toContain('weakest link: step');
    expect(run('paths', 'plant.zone', '--from', 'office', '--to', 'cell', '--max-hops', '0').status).toBe(2);
    expect(run('paths', 'plant.zone', '--from', 'cell', '--to', 'office').stdout).toContain('no path');
    expect(run('test', 'plant.zone').stdout).toBe(
      `night\n  holds   allow hist -> plc : modbus\n  holds   deny office -> cell : any\n2 of 2 test lines hold, judged for ${day}\ntests touch 1 of 2 flows in force; untested: remote\n`,
    );
    expect(JSON.parse(run('test', 'plant.zone', '--format', 'json').stdout)).toMatchObject({
      tests: [{ passed: true }, { passed: true }],
      coverage: { tested: ['poll'], untested: ['remote'] },
    });
    writeFileSync(join(at, 'plant.zone'), `${plant}${remote}test "night" { deny office -> jump : ssh }\nassert broken { never office -> dmz }\n`);
    const failing = run('test', 'plant.zone');
    expect(failing.status).toBe(1);
    expect(failing.stderr).toContain('error[ZW4005]');
    expect(failing.stderr).not.toContain('ZW4001');
    expect(run('test', 'plant.zone', '--format', 'junit').stdout).toContain('<failure');
  });
});
