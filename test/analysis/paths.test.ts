/** Attack paths, and what stands around them: chains through hosts that can be entered, with their weakest link. */
import { describe, expect, it } from 'vitest';
import { attackPaths } from '../../src/analysis/paths.ts';
import { entryMessages, entryServices } from '../../src/analysis/entry-services.ts';
import { functionsOfClass } from '../../src/catalogue/functions.ts';
import { functionTable } from '../../src/model/functions.ts';
import { catalogue } from '../../src/catalogue/catalogue.ts';
import { SourceMap } from '../../src/base/source.ts';
import { containsService } from '../../src/packets/service-set.ts';
import { ask } from '../../src/pipeline/ask.ts';
import { pathsJson, renderDot, renderMermaid, renderPathsText } from '../../src/report/paths.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { day, mill, millGateway, placed } from './plant.ts';

function question(
  flows: string,
  from: string,
  to: string,
  base = mill + millGateway,
): NonNullable<ReturnType<typeof ask>['question']> & { sources: SourceMap } {
  const asked = ask('plant.zone', { date: day, targets: capabilitiesByName, read: () => Buffer.from(base + flows) }, from, to);
  if (asked.question === undefined) throw new Error(asked.diagnostics.map((one) => one.message).join('\n'));
  return { ...asked.question, sources: asked.loaded.sources };
}

function paths(flows: string, from = 'office', to = 'cell', hops = 4, base?: string): string[] {
  const { plant, from: start, to: end } = question(flows, from, to, base);
  return attackPaths(plant, start, end, hops).paths.map((path) => {
    const steps = path.links.map((link) => `${link.from.zones.join('+')} -> ${link.to.zones.join('+')} by ${link.flows.map((flow) => flow.name).join()}`);
    return `${steps.join('; ')}; weakest ${path.weakest + 1}`;
  });
}

const shells = 'flow in { from office  to jump  allow ssh }\nflow on { from jump  to plc  allow modbus }\n';

describe('paths', () => {
  it('go through hosts that can be entered', () => {
    expect(paths(shells)).toEqual(['office -> dmz by in; dmz -> cell by on; weakest 2']);
    // A web server is reached, and not entered.
    expect(paths(shells.replace('ssh', 'https'))).toEqual([]);
    // The last step needs no entry service.
    expect(paths('flow in { from office  to jump  allow ssh }\nflow on { from jump  to plc  allow tcp 9999 }')).toEqual([
      'office -> dmz by in; dmz -> cell by on; weakest 1',
    ]);
    // Inside a zone any host reaches any other.
    expect(paths('flow in { from office  to hist  allow ssh }\nflow on { from jump  to plc  allow modbus }')).toHaveLength(1);
  });

  it('come shortest first, within the hops asked for', () => {
    const more = `${shells}flow direct { from 10.4.0.9  to pump  allow https }\n`;
    expect(paths(more)).toEqual(['office -> cell by direct; weakest 1', 'office -> dmz by in; dmz -> cell by on; weakest 2']);
    expect(paths(more, 'office', 'cell', 1)).toEqual(['office -> cell by direct; weakest 1']);
    const { plant, from, to } = question(more, 'office', 'cell');
    expect(attackPaths(plant, from, to, 1).more).toBe(true);
    expect(attackPaths(plant, from, to, 4).more).toBe(false);
  });

  it('know an entry service on a port of the site', () => {
    expect(paths(shells.replace('allow ssh', 'allow ssh on tcp 22022'))).toEqual(['office -> dmz by in; dmz -> cell by on; weakest 2']);
    expect(paths(shells.replace('allow ssh', 'allow tcp 22022'))).toEqual([]);
  });

  it('find none where a deny cuts the only entry', () => {
    expect(paths(`${shells}flow no { from any  to dmz  deny ssh }`)).toEqual([]);
  });

  it('name the link that asks the least', () => {
    const { plant, from, to } = question('flow in { from office  to jump  allow telnet }\nflow on { from jump  to pump  allow ssh }', 'office', 'cell');
    const [path] = attackPaths(plant, from, to, 4).paths;
    expect(path?.weakest).toBe(0);
    expect(path?.links[0]?.weakness).toContain('telnet: a shell whose passwords cross the network in the clear');
  });

  it('treat zones that share a wire as one', () => {
    const base = `${mill}zone lab { level 4  networks 10.5.0.0/24 }\n${millGateway.replace('faces office  address 10.4.0.1/16,', 'faces office, lab  shared-wire "one switch"  address 10.4.0.1/16, 10.5.0.1/24,')}`;
    expect(paths('flow in { from office  to jump  allow ssh }\nflow on { from jump  to plc  allow modbus }', 'lab', 'cell', 4, base)).toEqual([
      'lab+office -> dmz by in; dmz -> cell by on; weakest 2',
    ]);
  });

  it('are shown as text, data and graphs in which no word becomes syntax', () => {
    const { plant, from, to, sources } = question(shells, 'office', 'cell');
    const found = attackPaths(plant, from, to, 4).paths;
    expect(renderPathsText(plant, found, sources)).toBe(
      [
        'path 1: office → dmz → cell, 2 hops',
        '  1. office 10.4.0.0 -> jump 10.35.0.7 on tcp 22 (ssh), on gw eth0 → eth1, by in (plant.zone:19)',
        '     like it: sources office; targets jump; services ssh',
        '  2. jump 10.35.0.7 -> plc 10.1.0.11 on tcp 502 (modbus), on gw eth1 → eth2, by on (plant.zone:20)',
        '     like it: sources jump; targets plc; services modbus',
        '  weakest link: step 2: by modbus: its programming functions change what the controller runs; among its targets legacy hosts (plc)',
        '',
      ].join('\n'),
    );
    expect(renderDot(plant, found)).toBe(
      'digraph paths {\n  rankdir=LR;\n  n0 [shape=box, label="office"];\n  n1 [shape=box, label="dmz"];\n  n2 [shape=box, label="cell"];\n  n0 -> n1 [label="tcp 22 (ssh) by in"];\n  n1 -> n2 [label="tcp 502 (modbus) by on", style=bold];\n}\n',
    );
    expect(renderMermaid(plant, found)).toBe(
      'flowchart LR\n  n0["office"]\n  n1["dmz"]\n  n2["cell"]\n  n0 -->|"tcp 22 (ssh) by in"| n1\n  n1 ==>|"tcp 502 (modbus) by on"| n2\n',
    );
    expect(pathsJson(plant, found, sources)).toMatchObject([
      { hops: 2, weakest: 1, zones: [['office'], ['dmz'], ['cell']], links: [{ from: 'office', to: 'jump', gateways: ['gw'] }, { to: 'plc' }] },
    ]);
  });
});

describe('entry services', () => {
  it('are protocols of the catalogue with messages of their own', () => {
    expect(entryServices.length).toBeGreaterThan(20);
    const { model } = placed(mill + millGateway);
    for (const row of entryServices) {
      const protocol = catalogue.get(row.protocol);
      expect(protocol?.name).toBe(row.protocol);
      for (const { protocol: transport, first } of protocol?.transports ?? []) {
        const functions = Array.from({ length: 1 << 12 }, (_, number) => number).filter((number) =>
          containsService(entryMessages(row, model), 4, transport === 'tcp' ? 6 : 17, first, number),
        );
        expect(functions.length).toBeGreaterThan(0);
        // Of protocols whose functions are told apart only those that program.
        if (protocol?.functions.includes('program') === true)
          expect(functions.map((number) => functionTable.message(number))).toEqual(
            functionsOfClass(row.protocol, 'program').map((one) => ({ kind: 'function', function: one })),
          );
      }
    }
    expect(entryServices.map((row) => row.protocol)).toEqual(expect.arrayContaining(['ssh', 'telnet', 'rdp', 'vnc', 'smb', 'winrm', 's7comm', 'modbus']));
    expect(entryServices.map((row) => row.protocol)).not.toEqual(expect.arrayContaining(['https']));
  });
});
