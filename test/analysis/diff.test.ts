/** Diff: what a change opens, closes and says differently; and that its rows, applied to the old policy, give the new one. */
import { describe, expect, it } from 'vitest';
import { diff, type Difference, type DiffRow } from '../../src/analysis/diff.ts';
import { ownConversations, PlantSets } from '../../src/analysis/plant-sets.ts';
import { intersectAddresses, unionAddresses, unspecified } from '../../src/net/address-set.ts';
import { empty, type Node } from '../../src/packets/diagram.ts';
import { Draw } from '../generators/draw.ts';
import { changed, plantOf, reordered, zoneFile } from '../generators/plants.ts';
import { mill, millGateway, placed, type Placed, sharedSpace } from './plant.ts';

function compare(before: string, after: string): Difference {
  const [old, now] = [placed(before), placed(after)];
  for (const side of [old, now]) expect(side.errors.map((one) => one.message)).toEqual([]);
  return diff(old, now);
}

const words = (row: DiffRow): string => `${row.from} -> ${row.to} : ${row.service} [${row.family}] ${row.gateways.join()}`;

function differences(before: string, after: string): Record<string, readonly string[]> {
  const found = compare(before, after);
  const result: Record<string, readonly string[]> = {
    managementLost: found.managementLost.map(words),
    essentialLost: found.essentialLost.map((loss) => `${loss.flow}: ${loss.why}`),
    allowed: found.allowed.map(words),
    denied: found.denied.map(words),
    changed: found.changed.map((one) => `${one.kind} ${one.name} ${one.what}: ${one.before} → ${one.after}${one.weaker ? ' (weaker)' : ''}`),
    gateways: found.gateways.filter((one) => one.state !== 'identical').map((one) => `${one.gateway} ${one.state}: ${one.what.join('; ')}`),
  };
  return Object.fromEntries(Object.entries(result).filter(([, list]) => list.length > 0));
}

const plant = mill + millGateway;

describe('equal but differently written', () => {
  it('policies are identical', () => {
    expect(
      differences(
        `${plant}flow a { from hist  to plc, hmi  allow modbus }\nflow b { from office  to jump  allow ssh, rdp }`,
        `${plant}group both { hmi, plc }\nflow r { from office  to jump  allow tcp 3389, udp 3389 }\nflow s { from office  to jump  allow tcp 22 }\nflow t { from hist  to both  allow tcp 502 }`,
      ),
    ).toEqual({});
    expect(
      differences(
        `${plant}flow a { from office  to jump  allow tcp 1-65535 }\nflow b { from office  to jump  deny smb }`,
        `${plant}flow a { from 10.4.0.0/17, 10.4.128.0/17  to jump  allow tcp { 1-444, 446-65535 } }`,
      ),
    ).toEqual({});
  });

  it('random plants in another order are identical', () => {
    for (let seed = 500; seed < 515; seed++) {
      const drawn = plantOf(seed);
      if (placed(zoneFile(drawn)).errors.length === 0) expect(differences(zoneFile(drawn), zoneFile(reordered(drawn, Draw.seeded(seed))))).toEqual({});
    }
  });
});

describe('a change', () => {
  it('names what opens and what closes, by flow', () => {
    const found = compare(
      `${plant}flow a { from hist  to machines  allow modbus }`,
      `${plant}flow a { from hist  to plc, hmi  allow modbus }\nflow b { from office  to jump  allow ssh }`,
    );
    expect(found.allowed.map((row) => [words(row), row.flows.map((flow) => flow.name), row.into])).toEqual([['office -> jump : ssh [4] gw', ['b'], []]]);
    expect(found.denied.map((row) => [words(row), row.flows.map((flow) => flow.name)])).toEqual([['hist -> pump : modbus [4] gw', ['a']]]);
    expect(found.allowed[0]?.example).toMatchObject({ to: 'jump', service: 'tcp 22 (ssh)' });
  });

  it('puts what leads into level 2 and below, safety or legacy first', () => {
    const found = compare(plant, `${plant}flow a { from cell  to hist  allow https }\nflow z { from jump  to plc  allow ssh }`);
    expect(found.allowed.map((row) => [row.to, row.into])).toEqual([
      ['plc', ['cell (level 1)', 'plc (legacy)']],
      ['hist', []],
    ]);
  });

  it('finds a hole of one address, and one in IPv6 alone', () => {
    const before = `${plant}flow a { from office except 10.4.3.4  to jump  allow ssh }`;
    expect(differences(before, `${plant}flow a { from office  to jump  allow ssh }`)).toEqual({
      allowed: ['10.4.3.4 -> jump : ssh [4] gw'],
      gateways: ['gw changed: what it lets pass'],
    });
    expect(differences(`${plant}flow a { from 10.4.0.0/16  to hmi  allow ssh }`, `${plant}flow a { from office  to hmi  allow ssh }`)).toEqual({
      allowed: ['office -> hmi : ssh [6] gw'],
      gateways: ['gw changed: what it lets pass'],
    });
  });

  it('names the deny that cuts, and the essential flow that loses', () => {
    const before = `${plant}flow poll { from hist  to machines  allow modbus  essential }`;
    const found = compare(before, `${before}\nflow shut { from any  to plc  deny modbus }`);
    expect(found.essentialLost.map((loss) => [loss.flow, loss.why, loss.rows.map(words)])).toEqual([
      ['poll', 'a part of it is no longer permitted', ['hist -> plc : modbus [4] gw']],
    ]);
    expect(found.denied.map((row) => row.deniedBy.map((flow) => flow.name))).toEqual([['shut']]);
    expect(differences(before, plant)['essentialLost']).toEqual(['poll: the flow is gone']);
    expect(differences(before, before.replace('essential', 'disabled "no"'))['essentialLost']).toEqual(['poll: it is disabled: no']);
    expect(differences(before, before.replace('modbus  essential', 'modbus  rate 5/second'))['essentialLost']).toEqual(['poll: it is limited by a rate']);
    // Under another name it is still permitted.
    expect(differences(before, before.replace('poll', 'polling'))['essentialLost']).toBeUndefined();
  });

  it('says first that management is lost', () => {
    const without = plant.replace('manage from hist allow ssh', 'manage from jump allow ssh');
    expect(differences(plant, without)).toEqual({
      managementLost: ['hist -> gw : ssh [both] gw'],
      allowed: ['jump -> gw : ssh [4] gw'],
      denied: ['hist -> gw : ssh [both] gw'],
      gateways: ['gw changed: what it lets pass'],
    });
  });

  it('compares gateways: interfaces, what they run, options, and whether they exist', () => {
    expect(differences(plant, plant.replace('address 10.1.0.1/24', 'address 10.1.0.254/24'))['gateways']).toEqual([
      'gw changed: address of eth2: 10.1.0.1, 2001:db8:1::1 → 10.1.0.254, 2001:db8:1::1',
    ]);
    expect(differences(plant, plant.replace('2001:db8:1::1/64 }', '2001:db8:1::1/64  runs vrrp }'))['gateways']).toEqual(['gw changed: eth2 now runs vrrp']);
    expect(differences(plant, plant.replace('target nftables', 'target nftables { mark-mask 0xffff0000 }'))['gateways']).toEqual([
      'gw changed: mark-mask: 4294967295 → 4294901760',
    ]);
    const renamed = plant.replace('gateway gw', 'gateway gw2');
    expect(differences(plant, renamed)['gateways']).toEqual(['gw gone: the gateway is gone', 'gw2 new: the gateway is new']);
  });
});

describe('what is said differently', () => {
  it('owner, reason, expiry, essential', () => {
    const before = `${plant}flow a { from hist  to plc  allow modbus  owner "ot"  reason "counters"  expires 2027-01-31  essential }`;
    const after = `${plant}flow a { from hist  to plc  allow modbus  owner "it"  expires 2028-01-31 }`;
    expect(differences(before, after)).toEqual({
      changed: [
        'flow a expires: 2027-01-31 → 2028-01-31 (weaker)',
        'flow a essential: yes → none (weaker)',
        'flow a owner: ot → it',
        'flow a reason: counters → none (weaker)',
      ],
    });
  });

  it('which way requests run', () => {
    const flow = (more: string): string => `${plant}flow a { from plc  to hist  allow dnp3 ${more} }`;
    expect(differences(flow(''), flow('requests backward'))).toEqual({ changed: ['flow a requests: forward → backward (weaker)'] });
    expect(differences(flow('requests backward'), flow('requests forward'))).toEqual({ changed: ['flow a requests: backward → forward'] });
    expect(differences(flow(''), flow('requests forward'))).toEqual({});
  });

  it('a log that goes, under whatever name', () => {
    const before = `${plant}flow a { from hist  to plc, hmi  allow modbus  log }`;
    expect(differences(before, `${plant}flow b { from hist  to hmi  allow modbus  log }\nflow c { from hist  to plc  allow modbus }`)).toEqual({
      changed: ['flow hist -> plc : modbus, on gw log: logged → not logged (weaker)'],
    });
    expect(differences(before, before.replace('flow a', 'flow b'))).toEqual({});
  });

  it('a rate, a grade, an assert, a test', () => {
    const flow = (more: string): string => `${plant}flow a { from hist  to plc  allow modbus ${more} }`;
    expect(differences(flow('rate 5/second'), flow(''))).toEqual({ changed: ['flow hist -> plc : modbus, on gw rate: limited → not limited (weaker)'] });
    expect(differences(flow('rate 5/second burst 5'), flow('rate 9/second burst 5'))['changed']).toEqual(['flow a rate: 5/second burst 5 → 9/second burst 5']);
    expect(
      differences(
        `${plant}assert a { never office -> cell }\nassert b { never cell -> office }`,
        `${plant}assert c { never office -> cell }\nassert b { never cell -> office : smb }`,
      ),
    ).toEqual({
      changed: ['assert b changed: stated → stated otherwise (weaker)'],
    });
    expect(differences(`${plant}test "t" { deny office -> cell : smb }`, plant)).toEqual({
      changed: ['test deny office -> cell : smb removed: stated → none (weaker)'],
    });
  });
});

describe('what a second look found', () => {
  it('hairpin traffic, logs of denies and of own lines, limits of own lines', () => {
    const wide = (to: string): string => `${plant}flow a { from cell  to ${to}  allow https }`;
    expect(Object.keys(differences(wide('cell, dmz'), wide('dmz')))).toContain('denied');
    const deny = (more: string): string => `${plant}flow a { from office  to dmz  allow any }\nflow x { from office  to dmz  deny smb ${more} }`;
    expect(differences(deny('log'), deny(''))).toEqual({ changed: ['flow office -> dmz : smb, on gw (denied) log: logged → not logged (weaker)'] });
    const manage = (more: string): string => plant.replace('allow ssh', `allow ssh ${more}`);
    expect(differences(manage('{ log }'), manage(''))).toEqual({ changed: ['flow hist -> gw : ssh, on gw log: logged → not logged (weaker)'] });
    expect(differences(manage(''), manage('{ rate 1/day burst 1 }'))).toEqual({ changed: ['flow hist -> gw : ssh, on gw rate: not limited → limited'] });
  });

  it('what another name says of the same conversations', () => {
    const flow = (name: string, more: string): string => `flow ${name} { from hist  to plc  allow modbus ${more} }\n`;
    expect(differences(plant + flow('a', 'expires 2026-12-24'), plant + flow('a', 'expires 2026-12-24') + flow('b', ''))).toEqual({
      changed: ['flow hist -> plc : modbus, on gw expires: by 2026-12-24 → after 2026-12-24 (weaker)'],
    });
    expect(differences(plant + flow('a', 'owner "ot"  essential'), plant + flow('b', ''))).toEqual({
      changed: ['flow hist -> plc : modbus, on gw essential: yes → none (weaker)', 'flow hist -> plc : modbus, on gw owner: stated → none (weaker)'],
    });
    expect(differences(plant + flow('a', 'owner "ot"  essential'), plant + flow('b', 'owner "it"  essential'))).toEqual({});
  });

  it('essential lines of a gateway, and what was a level before', () => {
    const line = plant.replace('send to hist allow ntp', 'send to hist allow ntp { essential }');
    expect(differences(line, plant.replace('  send to hist allow ntp\n', ''))['essentialLost']).toEqual([
      'gw: send to hist allow ntp: nothing of it is permitted any more',
    ]);
    const found = compare(plant, `${plant.replace('level 1 ', 'level 3 ').replace('  traits legacy', '')}flow a { from office  to plc  allow telnet }`);
    expect(found.allowed.map((row) => row.into)).toEqual([['cell (level 1)', 'plc (legacy)']]);
    expect(found.changed.map((one) => `${one.kind} ${one.name} ${one.what}`)).toEqual(['zone cell level', 'host plc traits']);
  });
});

describe('diff ∘ apply', () => {
  /** The rows' words, read back as flows of the policy that they were written for. */
  function read(side: Placed, text: string, rows: readonly DiffRow[]): { row: DiffRow; placed: Placed; name: string }[] {
    const through = rows.filter((row) => !row.gateways.includes(row.from) && !row.gateways.includes(row.to));
    const more = through.map(
      (row, index) => `flow zz_row_${index} { from ${row.from}  to ${row.to}  allow ${row.service}  requests forward  accept-weaker ports "read back" }`,
    );
    const again = placed(`${text}\n${more.join('\n')}\n`);
    expect(
      again.errors.filter((one) => one.blame === 'input' && !one.message.startsWith('no gateway joins')).map((one) => `${one.message}\n${more.join('\n')}`),
    ).toEqual([]);
    expect(again.model.flows.filter((flow) => flow.name.startsWith('zz_row_'))).toHaveLength(through.length);
    return through.map((row, index) => ({ row, placed: again, name: `zz_row_${index}` }));
  }

  it('gives the new policy, on random plants and their neighbours', () => {
    let rows = 0;
    for (let seed = 700; seed < 760; seed++) {
      const drawn = plantOf(seed);
      const neighbour = changed(drawn, Draw.seeded(seed));
      const [before, after] = seed % 2 === 0 ? [zoneFile(drawn), zoneFile(neighbour)] : [zoneFile(neighbour), zoneFile(drawn)];
      const [old, now] = [placed(before), placed(after)];
      if (old.errors.length + now.errors.length > 0) continue;
      const found = diff(old, now);
      const allowed = read(now, after, found.allowed);
      const denied = read(old, before, found.denied);
      rows += allowed.length + denied.length;
      const space = sharedSpace([
        old.model,
        now.model,
        ...[...allowed, ...denied].slice(0, 1).map((one) => one.placed.model),
        ...denied.slice(0, 1).map((one) => one.placed.model),
      ]);
      const [a, b] = [new PlantSets(old.model, old.placement, space), new PlantSets(now.model, now.placement, space)];
      for (const policy of b.gateways) {
        const earlier = a.gateway(policy.gateway);
        const sum = (list: typeof allowed): Node =>
          space.diagram.unionAll(
            list
              .filter(({ row }) => row.gateways.includes(policy.gateway))
              .map(({ row, placed: side, name }) => {
                const flow = side.model.flows.find((one) => one.name === name);
                const view = side.placement.gateways.find((one) => one.gateway === policy.gateway);
                if (flow === undefined || view === undefined) throw new Error('a row was not read back');
                const faced = unionAddresses(...view.zones.map((zone) => zone.addresses));
                const of = (set: typeof faced): typeof faced => {
                  const here = intersectAddresses(set, faced);
                  return { v4: row.family === 6 ? [] : here.v4, v6: row.family === 4 ? [] : here.v6 };
                };
                return space.product(of(flow.from.addresses), of(flow.to.addresses), flow.services.set);
              }),
          );
        const was = earlier === undefined ? empty : a.permitted(earlier, false);
        expect(space.diagram.subtract(space.diagram.union(was, sum(allowed)), sum(denied))).toBe(b.permitted(policy, false));
      }
    }
    expect(rows).toBeGreaterThan(60);
  });
});

describe('own traffic', () => {
  it('is met at the gateway, whatever its addresses are', () => {
    const side = placed(plant);
    const sets = new PlantSets(side.model, side.placement);
    const policy = sets.gateway('gw');
    if (policy === undefined) throw new Error('no gateway');
    const set = ownConversations(sets, policy, 'input', () => true);
    expect(sets.space.project('destination', set)).toEqual(unspecified);
  });
});
