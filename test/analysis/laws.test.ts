/**
 * Law: what asserts, tests and essential flows come to = what trying every conversation comes to, and what a finding shows is a real one.
 *
 * Small random plants with several gateways, half of them on a pretended target that tells functions apart. The expectation is in loops
 * over addresses and messages, judged by `evaluate`; it shares no set, diagram or graph with the analysis.
 */
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import type { Assert, Flow } from '../../src/model/model.ts';
import { judgementDay } from '../generators/compile.ts';
import { type CheckedPlant, checkedPlant, checkSmall, multiPlantOf, smallZoneFile } from '../generators/multi-plants.ts';
import { HostGraph, hopsStatus, onlyViaStatus } from './laws-chains.ts';
import { Universe } from './laws-universe.ts';
import { alwaysStatus, everyFlowStatus, neverStatus, permittedWhole, testOutcome } from './laws-verdicts.ts';
import { wrongChain, wrongFlowList, wrongLeak, wrongPacket, wrongTest } from './laws-witness.ts';

const plants = Number(process.env['ZW_LAWS_PLANTS'] ?? 60);
const firstSeed = Number(process.env['ZW_LAWS_SEED'] ?? 1);

/** What was judged, by kind and outcome. */
class Tally {
  readonly judged = new Map<string, number>();

  count(key: string): void {
    this.judged.set(key, (this.judged.get(key) ?? 0) + 1);
  }

  /** The outcomes of one kind that occurred. */
  outcomes(kind: string): string[] {
    return [...this.judged.keys()]
      .filter((key) => key.startsWith(`${kind}: `))
      .map((key) => key.slice(kind.length + 2))
      .toSorted();
  }
}

function expected(universe: Universe, graph: HostGraph, assert: Assert, grade: 'ports' | 'pdu'): string {
  switch (assert.kind) {
    case 'never':
      return neverStatus(universe, assert);
    case 'always':
      return alwaysStatus(universe, assert);
    case 'hops':
      return hopsStatus(universe, graph, assert);
    case 'only-via':
      return onlyViaStatus(universe, assert);
    case 'every-flow':
      return everyFlowStatus(universe, assert, judgementDay, grade);
  }
}

function wrongWitness(universe: Universe, assert: Assert, data: unknown, grade: 'ports' | 'pdu'): string | undefined {
  switch (assert.kind) {
    case 'never':
      return wrongPacket(universe, assert, data, true, true) ?? wrongLeak(universe, assert, data, judgementDay, grade);
    case 'always':
      return wrongPacket(universe, assert, data, false, true);
    case 'hops':
    case 'only-via':
      return wrongChain(universe, assert, data);
    case 'every-flow':
      return wrongFlowList(universe, assert, data, judgementDay, grade);
  }
}

function judgePlant(plant: CheckedPlant, tally: Tally): void {
  const { checked, target, grade } = plant;
  const universe = new Universe(checked.model, target, judgementDay);
  const graph = new HostGraph(universe);
  const fail: (what: string) => never = (what) => {
    throw new Error(`seed ${plant.seed}, grade ${grade}: ${what}\n\n${plant.text}`);
  };
  const findings = checked.diagnostics.filter((one) => one.code.startsWith('ZW4'));
  const said = (about: { readonly span: Diagnostic['span'] }): Diagnostic | undefined => findings.find((one) => one.span === about.span);
  for (const assert of checked.model.asserts) {
    const found = checked.asserts.find((one) => one.name === assert.name)?.status;
    const wanted = expected(universe, graph, assert, grade);
    if (found !== wanted) fail(`${assert.kind} ${assert.name} is ${found}, by trying all it is ${wanted}`);
    tally.count(`${assert.kind}: ${wanted}`);
    if (wanted !== 'violated') continue;
    const wrong = wrongWitness(universe, assert, said(assert)?.data, grade);
    if (wrong !== undefined) fail(`${assert.name}: ${wrong}\n${said(assert)?.message} ${JSON.stringify(said(assert)?.data)}`);
  }
  const lines = checked.model.tests.flatMap((test) => test.lines);
  for (const [index, line] of lines.entries()) {
    const found = checked.tests[index] ?? fail('a line of a test has no result');
    const wanted = testOutcome(universe, line);
    if (found.passed !== wanted.passed) fail(`test ${found.line} passes: ${found.passed}, by trying all: ${wanted.passed}`);
    if (found.passed && found.enforced !== wanted.enforced) fail(`test ${found.line} is enforced: ${found.enforced}, by trying all: ${wanted.enforced}`);
    tally.count(`${line.expect}: ${wanted.passed}`);
    const wrong = wanted.passed ? undefined : wrongTest(universe, line, said(line)?.data);
    if (wrong !== undefined) fail(`test ${found.line}: ${wrong}\n${said(line)?.message}`);
  }
  for (const flow of checked.model.flows.filter((one) => one.essential)) judgeEssential(universe, flow, said(flow), fail, tally);
}

function judgeEssential(universe: Universe, flow: Flow, said: Diagnostic | undefined, fail: (what: string) => never, tally: Tally): void {
  const wanted = permittedWhole(universe, flow, judgementDay);
  if ((said === undefined) !== wanted) fail(`essential flow ${flow.name} is permitted whole: ${said === undefined}, by trying all: ${wanted}`);
  tally.count(`essential: ${wanted}`);
  const wrong = said?.data === undefined ? undefined : wrongPacket(universe, flow, said.data, false, false);
  if (wrong !== undefined) fail(`essential flow ${flow.name}: ${wrong}\n${said?.message}`);
}

describe('small plants', () => {
  it('compile nearly always, and say everything that is asked about', () => {
    const seeds = Array.from({ length: 150 }, (_, index) => firstSeed + index);
    const texts = seeds.map((seed) => smallZoneFile(multiPlantOf(seed).pieces));
    const broken = texts.filter((text) => checkSmall(text, 'ports').errors.length > 0);
    expect(broken.length, broken[0]).toBeLessThan(seeds.length / 6);
    const all = texts.join('\n');
    const shapes = [
      'networks rest',
      'kind dmz',
      'kind safety',
      'role \\S',
      'traits \\S',
      'group \\w',
      'service \\w',
      'gateway gw3',
      'shared-wire "',
      '   routed',
      'address dynamic',
      'address none',
    ];
    const flows = [
      'deny ',
      'any except',
      'except \\w',
      'tcp \\{',
      'udp \\d+-',
      'icmpv6 type',
      'ip protocol',
      's7comm \\{',
      'rate ',
      'disabled "',
      'expires 2020',
      '\\n  essential',
      'inspect pdu',
    ];
    const asked = ['never \\S', 'always \\S', 'only via', 'at least \\d hops', 'every flow', 'where enforced', '-> gw1', '(never|always) gw\\d'];
    expect([...shapes, ...flows, ...asked].filter((word) => !new RegExp(word, 'u').test(all))).toEqual([]);
  });
});

describe('asserts, tests and essential flows', () => {
  it(`come to what trying every conversation comes to, on ${plants} small plants from seed ${firstSeed}`, () => {
    const tally = new Tally();
    for (let index = 0; index < plants; index++) judgePlant(checkedPlant(firstSeed + index * 10), tally);
    const rows = [...tally.judged].toSorted();
    const sum = rows.reduce((total, [, count]) => total + count, 0);
    console.log(`${sum} questions answered as by trying every conversation:\n${rows.map(([key, count]) => `  ${key}: ${count}`).join('\n')}`);
    if (plants < 100) return;
    for (const kind of ['never', 'always', 'hops', 'only-via']) expect(tally.outcomes(kind)).toEqual(['not enforceable here', 'proved', 'vacuous', 'violated']);
    expect(tally.outcomes('every-flow')).toEqual(['proved', 'vacuous', 'violated']);
    for (const kind of ['allow', 'deny', 'essential']) expect(tally.outcomes(kind)).toEqual(['false', 'true']);
  }, 3_600_000);
});
