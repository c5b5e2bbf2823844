/** Reach and its rows: exact sets in few words. */
import { describe, expect, it } from 'vitest';
import { reach } from '../../src/analysis/reach.ts';
import { productsOf } from '../../src/analysis/rows.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { ask } from '../../src/pipeline/ask.ts';
import { plantOf, zoneFile } from '../generators/plants.ts';
import { day, mill, millGateway, placed, plantSets } from './plant.ts';

function rows(flows: string, from = 'any', to = 'any', base = mill + millGateway): string[] {
  const asked = ask('plant.zone', { date: day, targets: capabilitiesByName, read: () => Buffer.from(base + flows) }, from, to);
  if (asked.question === undefined) throw new Error(asked.diagnostics.map((one) => one.message).join('\n'));
  return reach(asked.question.plant, asked.question.from, asked.question.to).rows.map(
    (row) => `${row.from} -> ${row.to} : ${row.service} [${row.family}] ${row.gateways.join()} by ${row.flows.map((flow) => flow.name).join()}`,
  );
}

describe('reach', () => {
  it('names zones, groups, hosts and protocols', () => {
    expect(rows('flow a { from hist  to machines  allow modbus }')).toEqual(['hist -> hmi : modbus [6] gw by a', 'hist -> machines : modbus [4] gw by a']);
    expect(rows('flow a { from office  to jump  allow ssh, rdp, tcp 8000-8010 }')).toEqual(['office -> jump : rdp, ssh, tcp 8000-8010 [4] gw by a']);
    expect(rows('flow a { from office  to dmz  allow any }')).toEqual(['office -> dmz : any [both] gw by a']);
    expect(rows('flow a { from any  to cell  allow ping }')).toEqual([
      'dmz, office -> cell : icmp echo-request [4] gw by a',
      'dmz, office -> cell : icmpv6 echo-request [6] gw by a',
    ]);
  });

  it('says exceptions instead of ranges', () => {
    expect(rows('flow a { from office except 10.4.3.4  to plc  allow smb }')).toEqual(['office except 10.4.3.4 -> plc : smb [4] gw by a']);
    expect(rows('flow a { from office  to plc  allow any }\nflow b { from office  to plc  deny smb }')).toEqual(['office -> plc : any except smb [4] gw by a']);
    expect(rows('flow a { from 10.4.7.0/24  to plc  allow tcp except telnet }')).toEqual(['10.4.7.0/24 -> plc : tcp except telnet [4] gw by a']);
  });

  it('says once what several sources may do alike', () => {
    expect(rows('flow a { from office  to jump  allow https }\nflow b { from 10.4.0.9  to jump  allow ssh }')).toEqual([
      '10.4.0.9 -> jump : ssh [4] gw by b',
      'office -> jump : https [4] gw by a',
    ]);
  });

  it('names the service that the policy itself uses where several share a port', () => {
    const base = mill + millGateway;
    expect(rows('flow a { from jump  to plc  allow s7comm }', 'any', 'any', base)).toEqual(['jump -> plc : s7comm [4] gw by a']);
    expect(rows('service push { tcp 102, udp 6000 }\nflow a { from jump  to plc  allow push }')).toEqual(['jump -> plc : push [4] gw by a']);
  });

  it('keeps to the question, and knows the gateway as an end', () => {
    expect(rows('flow a { from office  to dmz  allow https }', '10.4.0.9', 'jump')).toEqual(['10.4.0.9 -> jump : https [4] gw by a']);
    expect(rows('', 'hist', 'gw').filter((row) => row.includes('ssh'))).toEqual(['hist -> gw : ssh [both] gw by manage from hist allow ssh']);
    expect(rows('', 'gw', 'hist').filter((row) => row.includes('ntp'))).toEqual(['gw -> hist : ntp [both] gw by send to hist allow ntp']);
    expect(rows('flow a { from office  to dmz  allow https }', 'cell', 'office')).toEqual([]);
  });

  it('says what no gateway sees', () => {
    const asked = ask('p', { date: day, targets: capabilitiesByName, read: () => Buffer.from(mill + millGateway) }, 'office', 'office');
    if (asked.question === undefined) throw new Error('no question');
    expect(reach(asked.question.plant, asked.question.from, asked.question.to)).toMatchObject({
      rows: [],
      freely: [{ from: 'office', to: 'office' }],
      unjoined: [],
    });
  });

  it('refuses a question that cannot be read, with a place', () => {
    const wrong = (from: string): (string | undefined)[] =>
      ask('p', { date: day, targets: capabilitiesByName, read: () => Buffer.from(mill + millGateway) }, from, 'cell').diagnostics.map((one) => one.code);
    expect(wrong('nosuch')).toEqual(['ZW2002']);
    expect(wrong('level >= 7')).toEqual(['ZW2012']);
    expect(wrong('192.0.2.1')).toEqual(['ZW4006']);
    expect(wrong('cell -> cell : any }\nflow x { from any to any allow any')).not.toEqual([]);
  });
});

describe('rows', () => {
  it('are exactly the set, on random plants', () => {
    let found = 0;
    for (let seed = 300; seed < 340; seed++) {
      const text = zoneFile(plantOf(seed));
      if (placed(text).errors.length > 0) continue;
      const plant = plantSets(text);
      for (const policy of plant.gateways) {
        const set = plant.passing(policy);
        const products = productsOf(plant.space, set);
        expect(plant.space.diagram.unionAll(products.map((product) => product.set))).toBe(set);
        found += products.length;
      }
    }
    expect(found).toBeGreaterThan(100);
  });
});
