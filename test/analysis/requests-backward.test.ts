/** Where the called side asks, the side that opens the conversation may say anything: what is proved, compared and advised knows both. */
import { describe, expect, it } from 'vitest';
import { diff } from '../../src/analysis/diff.ts';
import { essentialLosses, essentialRecords } from '../../src/analysis/essential-history.ts';
import { lint } from '../../src/analysis/lints/lints.ts';
import { PlantSets } from '../../src/analysis/plant-sets.ts';
import { check } from '../../src/pipeline/check.ts';
import { readEssential, writeEssential } from '../../src/pipeline/essential-manifest.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { day, placed } from './plant.ts';

const plant = `policy "Back" { revision 1 }
zone station { level 3  networks 10.0.1.0/24 }
zone field   { level 1  networks 10.0.2.0/24 }
host master in station { address 10.0.1.5 }
host rtu in field { address 10.0.2.7 }
gateway gw {
  target nftables
  interface eth0 { faces station  address 10.0.1.1/24 }
  interface eth1 { faces field    address 10.0.2.1/24 }
  manage none "x"
}
test "names" { deny rtu -> master : telnet }
`;
const polls = 'flow f { from rtu  to master  allow dnp3 read  requests backward }\n';

function codes(text: string): string[] {
  const found = check('plant.zone', { date: day, targets: capabilitiesByName, read: () => Buffer.from(plant + text) });
  return found.diagnostics.filter((one) => one.severity === 'error').map((one) => one.code);
}

function compared(before: string, after: string): { readonly meaning: boolean; readonly gateways: readonly string[] } {
  const found = diff(placed(plant + before), placed(plant + after));
  return { meaning: found.meaning, gateways: found.gateways.flatMap((one) => one.what) };
}

function advice(text: string): string[] {
  const { model, placement } = placed(plant + text);
  return lint(new PlantSets(model, placement)).map((one) => one.code);
}

describe('what the side that opens the conversation may say', () => {
  it('is everything, so that nothing of it is proved', () => {
    expect(codes(`${polls}assert a { never rtu -> master : dnp3 operate }`)).toEqual(['ZW4001']);
    expect(codes(`${polls.replace('backward', 'forward')}assert a { never rtu -> master : dnp3 operate }`)).toEqual([]);
    expect(codes(`${polls}test "t" { deny rtu -> master : dnp3 write }`)).toEqual(['ZW4005']);
    expect(codes(`${polls}assert a { always rtu -> master : dnp3 }`)).toEqual([]);
  });

  it('is cut by a deny of functions, which an essential flow does not bear', () => {
    const essential = polls.replace('backward', 'backward  essential');
    expect(codes(essential)).toEqual([]);
    expect(codes(`${essential}flow d { from rtu  to master  deny dnp3 write  requests forward }`)).toEqual(['ZW4007']);
    expect(advice(`${polls}flow d { from rtu  to master  deny dnp3 write  requests forward }`)).not.toContain('ZW3011');
  });
});

describe('what the called side may ask', () => {
  const asks = 'what called sides may ask (`requests backward`)';

  it('is a difference of its own', () => {
    expect(compared(polls, polls)).toEqual({ meaning: false, gateways: [] });
    expect(compared(polls, polls.replace('read', 'write'))).toEqual({ meaning: true, gateways: [asks] });
    // Both sides may say anything then.
    expect(compared(polls, `${polls}flow g { from rtu  to master  allow dnp3 read  requests forward }`)).toEqual({ meaning: true, gateways: [asks] });
    expect(compared(polls, `${polls}flow d { from rtu  to master  deny dnp3 write  requests forward }`).meaning).toBe(true);
  });

  it('makes neither of two flows needless', () => {
    expect(advice(`${polls}flow g { from rtu  to master  allow dnp3 { read, write }  requests forward }`)).toEqual([]);
    expect(advice(`${polls}flow g { from rtu  to master  allow dnp3 read  requests forward }`)).toEqual([]);
    expect(advice(`${polls}flow g { from rtu  to master  allow dnp3 { read, write }  requests backward }`)).toEqual([]);
    // Here it is: whatever either side says passes by the other one.
    expect(advice(`${polls}flow g { from field  to master  allow tcp 20000, udp 20000 }`)).toEqual(['ZW3009']);
  });

  it('is missed across compiles, in its direction', () => {
    const losses = (before: string, after: string): number => {
      const [old, now] = [placed(plant + before), placed(plant + after)];
      const records = readEssential(JSON.parse(JSON.stringify(essentialRecords(old.model).map(writeEssential))));
      if (records === undefined) throw new Error('the manifest cannot be read back');
      return essentialLosses(records, now.model, day).length;
    };
    const essential = polls.replace('backward', 'backward  essential');
    expect(losses(essential, essential)).toBe(0);
    expect(losses(essential, essential.replace('read', '{ read, write }'))).toBe(0);
    expect(losses(essential, essential.replace('read', 'write'))).toBe(1);
    expect(losses(essential, essential.replace('backward', 'forward'))).toBe(1);
    expect(losses(essential.replace('backward', 'forward'), essential)).toBe(1);
    expect(losses(essential, 'flow f { from rtu  to master  allow tcp 20000, udp 20000  essential }')).toBe(0);
  });
});

describe('a flow of several protocols', () => {
  it('has requests that run backward only if a server may open the conversation in all whose functions it names', () => {
    expect(codes('flow f { from rtu  to master  allow dnp3 read, modbus read  requests backward }')).toEqual(['ZW2046']);
    expect(codes('flow f { from rtu  to master  allow dnp3 read, hsms read on tcp 5001  requests backward }')).toEqual([]);
  });
});
