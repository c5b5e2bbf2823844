/** Requests that run backward: whose messages have the functions, by hand, for the plain evaluation and the packet sets alike. */
import { describe, expect, it } from 'vitest';
import { functionsNamed } from '../../src/catalogue/functions.ts';
import { functionTable } from '../../src/model/functions.ts';
import { resolve } from '../../src/model/resolve.ts';
import { noFunction, otherFunction } from '../../src/packets/functions.ts';
import type { Packet } from '../../src/packets/packet.ts';
import { load } from '../../src/pipeline/load.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { place } from '../../src/policy/place.ts';
import { policySets } from '../../src/policy/sets.ts';
import { capabilities } from '../../targets/nftables/target.ts';

const date = '2026-11-22';

function judges(flows: string): (packet: Packet) => { readonly plain: boolean; readonly marks: boolean; readonly set: boolean; readonly markedSet: boolean } {
  const text = `policy "Back" { revision 1 }
zone station { level 3  networks 10.0.1.0/24 }
zone field { level 1  networks 10.0.2.0/24 }
host master in station { address 10.0.1.5 }
host outstation in field { address 10.0.2.7 }
${flows}
gateway gw {
  target nftables
  interface eth0 { faces station  address 10.0.1.1/24 }
  interface eth1 { faces field  address 10.0.2.1/24 }
  manage none "x"
}`;
  const loaded = load('plant.zone', () => Buffer.from(text));
  const { value: model, diagnostics } = resolve(loaded.declarations, loaded.sources);
  const { value: placement, diagnostics: gaps } = place(model, new Map([['nftables', capabilities]]), date);
  expect([...loaded.diagnostics, ...diagnostics, ...gaps].filter((one) => one.severity === 'error')).toEqual([]);
  const [policy] = placement.gateways;
  const [gateway] = model.gateways;
  if (policy === undefined || gateway === undefined) throw new Error('no gateway');
  const sets = policySets(policy);
  return (packet) => {
    const verdict = evaluate({ model, gateway, target: capabilities, date }, packet);
    return {
      plain: verdict.accepted,
      marks: verdict.marks,
      set: sets.space.contains(sets.accepted, packet) || sets.space.contains(sets.maybe, packet),
      markedSet: sets.space.contains(sets.marked, packet),
    };
  };
}

function functionOf(name: string): number {
  const found = functionsNamed('dnp3').find((one) => one.name === name);
  if (found === undefined) throw new Error(`DNP3 has no ${name}`);
  return functionTable.number(found);
}

const said = { nothing: noFunction, read: functionOf('read-objects'), write: functionOf('write-objects'), unknown: otherFunction } as const;
type Said = keyof typeof said;

/** What the outstation, which opens the conversation, or the master says in it. */
function packet(who: 'outstation' | 'master', what: Said, state: 'new' | 'established', markCurrent: boolean): Packet {
  const opens = who === 'outstation';
  const [field, station] = [
    { family: 4, value: 0x0a000207 },
    { family: 4, value: 0x0a000105 },
  ] as const;
  return {
    hook: 'forward',
    inInterface: opens ? 'eth1' : 'eth0',
    outInterface: opens ? 'eth0' : 'eth1',
    source: opens ? field : station,
    destination: opens ? station : field,
    protocol: 6,
    sourcePort: opens ? 40_000 : 20_000,
    value: opens ? 20_000 : 40_000,
    functionNumber: said[what],
    hopLimit: 64,
    state,
    direction: opens ? 'original' : 'reply',
    markCurrent,
    local: false,
  };
}

const everything: readonly Said[] = ['nothing', 'read', 'write', 'unknown'];

describe.each<[name: string, flows: string, outstation: readonly Said[], master: readonly Said[]]>([
  ['the called side asks', 'flow f { from outstation  to master  allow dnp3 read  requests backward }', everything, ['nothing', 'read']],
  ['the calling side asks', 'flow f { from outstation  to master  allow dnp3 read  requests forward }', ['nothing', 'read'], everything],
  [
    'one flow says what the called side may ask, another allows whatever is said',
    'flow f { from outstation  to master  allow dnp3 read  requests backward }\nflow g { from field  to station  allow tcp 20000 }',
    everything,
    everything,
  ],
  [
    'either side may ask something',
    'flow f { from outstation  to master  allow dnp3 read  requests backward }\nflow g { from field  to master  allow dnp3 write  requests forward }',
    // As answers to the one flow the outstation may say anything, and as answers to the other the master.
    everything,
    everything,
  ],
  [
    'two flows say what the called side may ask',
    'flow f { from outstation  to master  allow dnp3 read  requests backward }\nflow g { from field  to station  allow dnp3 write  requests backward }',
    everything,
    ['nothing', 'read', 'write'],
  ],
])('%s', (_, flows, outstation, master) => {
  const judge = judges(flows);
  // Before the server has answered, the same holds for what the outstation says first.
  const cases = everything.flatMap((what) =>
    [
      { who: 'outstation' as const, state: 'new' as const, mark: false },
      { who: 'outstation' as const, state: 'new' as const, mark: true },
      { who: 'outstation' as const, state: 'established' as const, mark: true },
      { who: 'outstation' as const, state: 'established' as const, mark: false },
      { who: 'master' as const, state: 'established' as const, mark: true },
      { who: 'master' as const, state: 'established' as const, mark: false },
    ].map((one) => ({ ...one, what })),
  );

  it.each(cases)('$who says $what: $state, judged by this policy $mark', ({ who, what, state, mark }) => {
    const may = (who === 'outstation' ? outstation : master).includes(what);
    const verdict = judge(packet(who, what, state, mark));
    expect([verdict.plain, verdict.set]).toEqual([may, may]);
    expect([verdict.marks, verdict.markedSet]).toEqual([may && !mark, may && !mark]);
  });
});
