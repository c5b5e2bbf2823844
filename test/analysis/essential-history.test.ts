/** Essential flows across compiles: what was promised once is missed when it goes, under whatever name it went. */
import { describe, expect, it } from 'vitest';
import { essentialLosses, essentialRecords } from '../../src/analysis/essential-history.ts';
import { readEssential, writeEssential } from '../../src/pipeline/essential-manifest.ts';
import { plantOf, zoneFile } from '../generators/plants.ts';
import { day, mill, millGateway, placed } from './plant.ts';

const plant = mill + millGateway;

function losses(before: string, after: string): string[] {
  const [old, now] = [placed(plant + before), placed(plant + after)];
  // Through the manifest, as `compile` does.
  const records = readEssential(JSON.parse(JSON.stringify(essentialRecords(old.model).map(writeEssential))));
  if (records === undefined) throw new Error('the manifest cannot be read back');
  return essentialLosses(records, now.model, day).map((loss) => `${loss.diagnostic.message}; ${loss.diagnostic.notes.join()}`);
}

const poll = 'flow poll { from hist  to machines  allow modbus  essential }';

describe('an essential flow', () => {
  it('is missed when it goes, shrinks, expires or is no longer promised', () => {
    const lost = (why: string, rows: string): string => `essential flow \`poll\` of the earlier compile is lost: ${why}; no essential flow holds ${rows}`;
    const all = 'hist -> hmi : modbus; hist -> machines : modbus';
    expect(losses(poll, '')).toEqual([lost('there is no such flow any more', all)]);
    expect(losses(poll, poll.replace('essential', ''))).toEqual([lost('it is no longer marked `essential`', all)]);
    expect(losses(poll, poll.replace('machines', 'plc, hmi'))).toEqual([lost('a part of what it held is gone', 'hist -> pump : modbus')]);
    expect(losses(poll, poll.replace('hist ', '10.35.0.5 '))).toEqual([lost('a part of what it held is gone', 'hist -> hmi : modbus')]);
    expect(losses(poll, poll.replace('essential', 'essential  expires 2026-11-21'))).toEqual([lost('it is not in force', all)]);
    expect(losses(poll.replace('modbus', 'tcp 502-510'), poll.replace('modbus', 'tcp 502-509'))).toEqual([
      lost('a part of what it held is gone', 'hist -> hmi : tcp 510; hist -> machines : tcp 510'),
    ]);
  });

  it('may be renamed, split, joined and widened', () => {
    expect(losses(poll, poll.replace('poll', 'polling'))).toEqual([]);
    expect(losses(poll, 'flow a { from hist  to plc, pump  allow modbus  essential }\nflow b { from hist  to hmi  allow modbus  essential }')).toEqual([]);
    expect(losses(poll, poll.replace('modbus', 'modbus, ntp').replace('machines', 'cell'))).toEqual([]);
  });

  it('keeps its promise though the name that it used changes its meaning', () => {
    const service = (ports: string): string => `service push { tcp ${ports} }\nflow poll { from hist  to plc  allow push  essential }`;
    expect(losses(service('{ 9, 10 }'), service('9'))).toEqual([
      'essential flow `poll` of the earlier compile is lost: a part of what it held is gone; no essential flow holds hist -> plc : tcp 10',
    ]);
  });

  it("counts a gateway's own traffic too", () => {
    const before = { replace: (text: string) => placed(plant.replace('allow ssh', 'allow ssh { essential }') + text) };
    const records = essentialRecords(before.replace('').model);
    expect(records.map((record) => record.name)).toEqual(['gw: manage from hist allow ssh']);
    expect(essentialLosses(records, placed(plant).model, day).map((loss) => loss.name)).toEqual(['gw: manage from hist allow ssh']);
    expect(essentialLosses(records, before.replace('').model, day)).toEqual([]);
  });
});

describe('the manifest', () => {
  it('gives back what was written, on random plants', () => {
    let records = 0;
    for (let seed = 1200; seed < 1240; seed++) {
      const { model } = placed(zoneFile(plantOf(seed)));
      // Every allow, essential or not: the more kinds of sets the better.
      const written = essentialRecords({ ...model, flows: model.flows.map((flow) => ({ ...flow, essential: true })) });
      expect(readEssential(JSON.parse(JSON.stringify(written.map(writeEssential))))).toEqual(written);
      records += written.length;
    }
    expect(records).toBeGreaterThan(100);
  });

  it('names functions one by one, and reads classes as older versions wrote them', () => {
    const flow = (words: string): string => `flow poll { from hist  to plc  allow ${words}  essential  accept-weaker ports "later" }`;
    const written = (words: string): unknown => essentialRecords(placed(plant + flow(words)).model).map(writeEssential)[0]?.messages[0]?.functions;
    expect(written('modbus { function 3, umas }')).toEqual({ only: ['none', 'modbus read-holding-registers', 'modbus umas'] });
    expect(written('modbus { function 3, function 6 } unit 3-5 address 100-199, modbus function 11 unit 9')).toEqual({
      only: [
        'none',
        'modbus read-holding-registers unit 3-5 first 100-199 last 0-199',
        'modbus get-event-counter unit 9-9',
        'modbus write-single-register unit 3-5 first 100-199',
      ],
    });
    expect(written('s7comm plc-stop')).toEqual({
      only: ['none', 'cotp connect-request', 'cotp disconnect-request', 'cotp empty-data', 's7comm setup-communication', 's7comm plc-stop'],
    });
    expect(written('tcp 502 except modbus function 6')).toEqual({ except: ['none', 'modbus write-single-register'] });
    const [now] = essentialRecords(placed(plant + flow('mms read')).model);
    if (now === undefined) throw new Error('no record');
    const [message] = writeEssential(now).messages;
    const older = {
      ...writeEssential(now),
      messages: [4, 6].map((family) => ({ ...message, family, functions: { only: ['none', 'mms read', 'mms session'] } })),
    };
    expect(readEssential([older])).toEqual([now]);
  });

  it('is not believed when it was edited', () => {
    const [good] = essentialRecords(placed(plant + poll).model).map(writeEssential);
    expect(readEssential([good])).toHaveLength(1);
    for (const bad of [
      undefined,
      {},
      [null],
      [{ ...good, from: ['10.0.0.0/33'] }],
      [{ ...good, from: ['x-y'] }],
      [{ ...good, messages: [{ family: 5 }] }],
      [{ ...good, messages: [{ family: 4, protocol: 6, first: 9, last: 3 }] }],
      [{ ...good, gateway: {} }],
      [{ ...good, messages: [{ family: 4, protocol: 6, first: 1, last: 2, functions: { only: ['nosuch read'] } }] }],
      [{ ...good, messages: [{ family: 4, protocol: 6, first: 1, last: 2, functions: { only: ['modbus reed'] } }] }],
      ...['unit 3', 'unit 5-3', 'unit 0-256', 'last 0-131072', 'unit 1-2 unit 3-4', 'first 1-2 3-4', 'unit'].map((details) => [
        { ...good, messages: [{ family: 4, protocol: 6, first: 1, last: 2, functions: { only: [`modbus read-coils ${details}`] } }] },
      ]),
      [{ ...good, messages: [{ family: 4, protocol: 6, first: 1, last: 2, functions: { only: ['modbus read unit 1-2'] } }] }],
    ])
      expect(readEssential(bad)).toBeUndefined();
  });
});
