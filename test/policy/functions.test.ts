/**
 * Functions where a target tells them apart, with capabilities of our own: widening goes by protocol, and `evaluate` says
 * what the packet sets say.
 */
import { describe, expect, it } from 'vitest';
import type { Model } from '../../src/model/model.ts';
import { classMessages, functionTable } from '../../src/model/functions.ts';
import { resolve } from '../../src/model/resolve.ts';
import { load } from '../../src/pipeline/load.ts';
import { capabilities as iptables } from '../../targets/iptables/target.ts';
import { isEveryFunction } from '../../src/packets/function-set.ts';
import { noFunction, otherFunction } from '../../src/packets/functions.ts';
import { containsService, familyServices } from '../../src/packets/service-set.ts';
import { type TargetCapabilities, withEngine } from '../../src/policy/capabilities.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { gradeEnforces, gradeIn } from '../../src/policy/grades.ts';
import { place, type Placement } from '../../src/policy/place.ts';
import { policySets, possible } from '../../src/policy/sets.ts';
import { capabilities } from '../../targets/nftables/target.ts';
import { judgementDay } from '../generators/compile.ts';
import { Draw } from '../generators/draw.ts';
import { edgePackets } from '../generators/edge-packets.ts';
import { drawPlant, zoneFile } from '../generators/plants.ts';

const mixed: TargetCapabilities = { ...capabilities, grades: { default: 'ports', modbus: 'pdu', cip: 'stream', fins: 'function' }, details: {} };
const inspecting: TargetCapabilities = { ...capabilities, grades: { default: 'pdu' }, details: { modbus: ['unit', 'address'] } };
/** The same, but for what the called side says. */
const oneWay: TargetCapabilities = { ...inspecting, looksIntoReplies: false };
const ports: TargetCapabilities = { ...capabilities, grades: { default: 'ports' } };

function placedOn(target: TargetCapabilities, text: string): { readonly model: Model; readonly placement: Placement; readonly errors: readonly string[] } {
  const loaded = load('plant.zone', () => Buffer.from(text));
  const { value: model, diagnostics } = resolve(loaded.declarations, loaded.sources);
  const { value: placement, diagnostics: gaps } = place(model, new Map([[target.name, target]]), judgementDay);
  const errors = [...loaded.diagnostics, ...diagnostics, ...gaps].filter((one) => one.severity === 'error').map((one) => `${one.code} ${one.message}`);
  return { model, placement, errors };
}

function mill(flow: string): string {
  return `policy "P" { revision 1 }
zone a { level 4  networks 10.0.0.0/24 }
zone b { level 1  networks 10.0.1.0/24 }
flow x { from a  to b  ${flow} }
gateway gw {
  target nftables
  interface e0 { faces a  address 10.0.0.1/24 }
  interface e1 { faces b  address 10.0.1.1/24 }
  manage none "test"
}
`;
}

/** `tcp 102 all, tcp 502 some`: ports with their functions, all or some. */
function enforced(target: TargetCapabilities, flow: string): string {
  const { model } = placedOn(target, mill(flow));
  const [one] = model.flows;
  if (one === undefined) throw new Error('nothing came of it');
  return [...familyServices(gradeEnforces(target, one), 4).values]
    .flatMap(([protocol, map]) =>
      map.map(({ first, last, functions }) => {
        const whole = isEveryFunction(functions);
        return `${protocol === 6 ? 'tcp' : 'udp'} ${first === last ? first : `${first}-${last}`} ${whole ? 'all' : 'some'}`;
      }),
    )
    .join(', ');
}

describe('what is enforced', () => {
  it.each([
    ['allow modbus read, s7comm read', 'tcp 102 all, tcp 502 some'],
    ['allow modbus read', 'tcp 502 some'],
    ['allow s7comm read', 'tcp 102 all'],
    // Where two protocols share a port, the weaker one opens it.
    ['allow modbus read, s7comm read on tcp 502', 'tcp 502 all'],
    ['allow fins read, dnp3 { read, function 3 }  requests forward', 'tcp 9600 some, tcp 20000 all, udp 9600 some, udp 20000 all'],
    // What an exception takes out is opened, too, but only there.
    // What is not recognised would pass, a write cut in two among it: nothing is stopped, and nothing is promised.
    ['allow tcp 100-600 except { modbus write, s7comm write }', 'tcp 100-600 all'],
    ['allow tcp 102, modbus function 3', 'tcp 102 all, tcp 502 some'],
    ['allow dnp3 read  requests backward', 'tcp 20000 all, udp 20000 all'],
  ])('%s: %s', (flow, expected) => {
    expect(enforced(mixed, flow)).toBe(expected);
    expect(enforced(ports, flow)).not.toContain('some');
  });

  it('is as written on a target that tells all apart, requests that run backward only where it looks into replies', () => {
    expect(enforced(inspecting, 'allow modbus read, s7comm read')).toBe('tcp 102 some, tcp 502 some');
    expect(enforced(inspecting, 'allow dnp3 read  requests forward')).toBe('tcp 20000 some, udp 20000 some');
    expect(enforced(inspecting, 'allow dnp3 read  requests backward')).toBe('tcp 20000 some, udp 20000 some');
    expect(enforced(oneWay, 'allow dnp3 read  requests backward')).toBe('tcp 20000 all, udp 20000 all');
  });
});

describe('units and addresses on a target that tells functions alone', () => {
  it('open the ports where that is accepted, and the reason says why', () => {
    expect(enforced(mixed, 'allow modbus read unit 3  accept-weaker ports "why"')).toBe('tcp 502 all');
    expect(enforced(mixed, 'allow modbus read, modbus write address 5  accept-weaker ports "why"')).toBe('tcp 502 all');
    expect(enforced(inspecting, 'allow modbus read unit 3')).toBe('tcp 502 some');
    const reasonOn = (target: TargetCapabilities, services: string): string | undefined => {
      const [flow] = placedOn(inspecting, mill(`allow ${services}`)).model.flows;
      if (flow === undefined) throw new Error('no flow');
      return gradeIn(flow, target, 'modbus').reason;
    };
    expect(reasonOn(mixed, 'modbus read unit 3')).toBe('its rules tell functions of modbus, but no units');
    expect(reasonOn(mixed, 'modbus read address 3')).toBe('its rules tell functions of modbus, but no addresses');
    expect(reasonOn(withEngine(iptables, 'suricata'), 'modbus function 3 address 3')).toMatch(
      /^Suricata tells functions and units of modbus, but no addresses: .* rules of iptables without it .* and of nftables/u,
    );
    expect(reasonOn(withEngine(iptables, 'suricata'), 'modbus function 3 unit 3')).toBeUndefined();
    expect(reasonOn(withEngine(iptables, 'suricata'), 'modbus function 3')).toBeUndefined();
    // An engine that tells no units takes the place of rules that do.
    const engines = new Map([['looker', { grades: { modbus: 'stream' as const }, files: [] }]]);
    expect(reasonOn(withEngine({ ...capabilities, companions: { option: 'engine', engines } }, 'looker'), 'modbus read unit 3')).toBe(
      'its rules tell functions of modbus, but no units',
    );
    expect(reasonOn(inspecting, 'modbus read-coils address 1-100 except modbus read-coils address 5')).toBe(
      'of `modbus read-coils`, a range of addresses is left out of another one',
    );
  });
});

describe('gaps', () => {
  it.each([
    [mixed, 'allow modbus function 3', []],
    [mixed, 'allow s7comm read-variables', ['ZW5001']],
    [mixed, 'allow s7comm read-variables  accept-weaker ports "why"', []],
    [mixed, 'deny modbus write-single-coil', []],
    [mixed, 'deny s7comm write-variables', ['ZW5002']],
    [ports, 'deny modbus write-single-coil  accept-weaker ports "why"', ['ZW5002']],
    [inspecting, 'allow dnp3 read  requests backward', []],
    [oneWay, 'allow dnp3 read  requests backward', ['ZW5001']],
    [inspecting, 'deny dnp3 write  requests backward', ['ZW5002']],
    [inspecting, 'allow modbus read unit 3 address 1', []],
    [inspecting, 'deny modbus write unit 3 address 1-5, modbus write address 9', []],
    [inspecting, 'allow modbus read address 1-100 except modbus read address 5', ['ZW5001']],
    [mixed, 'allow modbus read unit 3', ['ZW5001']],
    [mixed, 'allow modbus function 3, modbus function 6 address 5', ['ZW5001']],
    [mixed, 'allow modbus read address 1-5  accept-weaker ports "why"', []],
    [mixed, 'deny modbus write unit 3', ['ZW5002']],
  ] as const)('%#: %s', (target, flow, codes) => {
    expect(placedOn(target, mill(flow)).errors.map((one) => one.split(' ')[0])).toEqual(codes);
  });
});

describe('a gap names its reason and its way out', () => {
  const gap = (flow: string, options: string): { notes: string; help: string } => {
    const text = mill(flow).replace('target nftables', `target iptables { ${options} }`);
    const loaded = load('plant.zone', () => Buffer.from(text));
    const { value: model } = resolve(loaded.declarations, loaded.sources);
    const [one, ...more] = place(model, new Map([[iptables.name, iptables]]), judgementDay).diagnostics.filter(({ code }) => /^ZW500[12]$/u.test(code));
    expect(more).toEqual([]);
    return { notes: one?.notes.join('\n') ?? '', help: one?.help.join('\n') ?? '' };
  };

  it.each(['allow modbus read', 'deny modbus write', 'allow dnp3 read  requests backward'])('`messages none`: %s', (flow) => {
    const { notes, help } = gap(flow, 'messages none');
    expect(notes).toContain('with `messages none` its rules look into no messages');
    expect(help).toContain("take `messages none` out of the gateway's target");
    expect(gap(flow.replace(/(modbus|dnp3) (read|write)/u, 'iec104 $2').replace('requests backward', ''), 'messages none').notes).not.toContain(
      'messages none',
    );
  });

  it('is not that option where an engine looks, or where it is not set', () => {
    expect(gap('allow modbus function 3', 'messages none  inspect-with suricata')).toEqual({ notes: '', help: '' });
    expect(gap('allow modbus read', 'messages bpf')).toEqual({ notes: '', help: '' });
    expect(gap('allow dnp3 read  requests forward', 'messages none  inspect-with suricata').help).toContain('take `messages none` out');
  });

  it('a deny on a port that another protocol uses, too', () => {
    expect(gap('deny s7comm write', 'messages bpf').notes).toContain(
      'other protocols use its ports, and the rest of these has to be told, too: MMS is written in BER',
    );
    // Of a protocol that is not told itself nothing else is to blame.
    expect(gap('deny mms write', 'messages bpf').notes).not.toContain('other protocols');
  });

  it('a deny of requests that run backward', () => {
    const loaded = load('plant.zone', () => Buffer.from(mill('deny dnp3 read  requests backward')));
    const { value: model } = resolve(loaded.declarations, loaded.sources);
    const [one] = place(model, new Map([[capabilities.name, capabilities]]), judgementDay).diagnostics;
    expect(one?.help[0]).toBe('with `requests forward` it denies what the side that opens the conversation asks');
  });
});

describe('a deny of functions', () => {
  it('takes what is not recognised with it, and leaves the rest', () => {
    const { model } = placedOn(inspecting, mill('deny modbus write'));
    const set = model.flows[0]?.services.set;
    if (set === undefined) throw new Error('no flow');
    const denied = (number: number): boolean => containsService(set, 4, 6, 502, number);
    expect(denied(otherFunction)).toBe(true);
    expect(denied(functionTable.other[0]?.low ?? 0)).toBe(true);
    expect(denied(classMessages('modbus', 'write')[0]?.low ?? 0)).toBe(true);
    expect(denied(classMessages('modbus', 'read')[0]?.low ?? 0)).toBe(false);
    expect(denied(noFunction)).toBe(false);
    expect(containsService(set, 4, 6, 503, otherFunction)).toBe(false);
  });
});

describe('evaluate and the packet sets, with functions told apart', () => {
  const plants = Number(process.env['ZW_FUNCTION_PLANTS'] ?? 24);

  it.each([
    ['all', inspecting],
    ['some', mixed],
  ])(
    `%s of them: agree on ${plants} random plants`,
    (_, target) => {
      const seen = { compiled: 0, accepted: 0, denied: 0, byFunction: 0 };
      for (let seed = 5000; seen.compiled < plants; seed++) {
        if (seed > 5000 + plants * 40) throw new Error('too few plants compile');
        const text = zoneFile(drawPlant(Draw.seeded(seed), seed, 'flows'));
        const { model, placement, errors } = placedOn(target, text);
        const policy = placement.gateways[0];
        const gateway = model.gateways[0];
        const named = model.flows.some((flow) => flow.services.functions.length > 0);
        if (errors.length > 0 || !named || policy === undefined || gateway === undefined) continue;
        seen.compiled++;
        const house = { model, gateway, target, date: judgementDay };
        const sets = policySets(policy);
        const universe = possible(sets.space);
        for (const packet of edgePackets(house, policy, seed, 1500)) {
          if (!sets.space.contains(universe, packet)) continue;
          const verdict = evaluate(house, packet);
          const accepted = sets.space.contains(sets.accepted, packet) || sets.space.contains(sets.maybe, packet);
          if (verdict.accepted !== accepted || verdict.marks !== sets.space.contains(sets.marked, packet))
            throw new Error(
              `seed ${seed}: evaluate says ${verdict.accepted} (${verdict.reason.kind}), the sets ${accepted}\n${JSON.stringify(packet, (__, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n${text}`,
            );
          if (accepted) seen.accepted++;
          else seen.denied++;
          const swapped = { ...packet, functionNumber: packet.functionNumber === otherFunction ? noFunction : otherFunction };
          if (evaluate(house, swapped).accepted !== accepted) seen.byFunction++;
        }
      }
      expect(seen.accepted).toBeGreaterThan(plants * 50);
      expect(seen.denied).toBeGreaterThan(plants * 50);
      expect(seen.byFunction).toBeGreaterThan(20);
    },
    120_000,
  );
});
