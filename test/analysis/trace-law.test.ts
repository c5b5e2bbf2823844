/**
 * Trace on random plants: its verdict is that of evaluate, and the flow that it calls nearest fails in exactly the fields
 * that it says; both told here in plain steps of their own.
 */
import { describe, expect, it } from 'vitest';
import { trace } from '../../src/analysis/trace.ts';
import type { Flow, Model } from '../../src/model/model.ts';
import { containsAddress } from '../../src/net/address-set.ts';
import type { Packet } from '../../src/packets/packet.ts';
import { containsService, familyServices, type ServiceSet } from '../../src/packets/service-set.ts';
import { inForce } from '../../src/policy/dates.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { gradeEnforces } from '../../src/policy/grades.ts';
import { Joins } from '../../src/policy/joins.ts';
import { capabilities } from '../../targets/nftables/target.ts';
import { judgementDay, rulesetOf } from '../generators/compile.ts';
import { edgePackets } from '../generators/edge-packets.ts';
import { compilingPlant } from '../generators/plants.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { told } from './told.ts';

// -- laws -------------------------------------------------------------------------------------------------------

/** The fewest service fields that must change for the message to be allowed, found without the tracer's code. */
function serviceFields(services: ServiceSet, { source: { family }, protocol, value, functionNumber }: Packet): string[] {
  if (containsService(services, family, protocol, value, functionNumber)) return [];
  const holds = (one: number, at: number): boolean =>
    (familyServices(services, family).values.get(one) ?? []).some((segment) => segment.first <= at && at <= segment.last && segment.functions.length > 0);
  const ports = protocol === 6 || protocol === 17;
  const icmp = protocol === (family === 4 ? 1 : 58);
  if (!ports && !icmp) return ['protocol'];
  if (holds(protocol, value)) return ['function'];
  if (ports && holds(23 - protocol, value)) return ['protocol or port'];
  if ((familyServices(services, family).values.get(protocol) ?? []).length > 0) return [ports ? 'port' : 'message'];
  return ['protocol', ports ? 'port' : 'message'];
}

function same(reported: readonly string[], expected: readonly string[]): boolean {
  const fits = (want: string): boolean => (want === 'protocol or port' ? reported.includes('protocol') !== reported.includes('port') : reported.includes(want));
  return reported.length === expected.length && expected.every(fits);
}

/** The value of the message that this one would answer: echo, timestamp, information, mask, IPv6 echo and node information. */
function answeredValue({ source, protocol, sourcePort, value }: Packet): number | undefined {
  if (protocol === 6 || protocol === 17) return sourcePort;
  if (protocol !== (source.family === 4 ? 1 : 58)) return undefined;
  const requests = new Map(
    source.family === 4
      ? [
          [0, 8],
          [14, 13],
          [16, 15],
          [18, 17],
        ]
      : [
          [129, 128],
          [140, 139],
        ],
  );
  const request = requests.get(value >> 8);
  return request === undefined ? undefined : request * 256 + (value & 0xff);
}

/** The fields in which a flow fails the packet as it stands, or with the two ends changed; undefined if it is no such flow. */
function failing(flow: Flow, packet: Packet, services: ServiceSet, date: string): { straight: string[]; turned: string[] | undefined } {
  const standing = [
    ...(flow.expires !== undefined && flow.expires.value < date ? ['expired'] : []),
    ...(flow.disabled === undefined ? [] : ['disabled']),
    ...(packet.state === 'new' ? [] : ['state']),
  ];
  const ends = [
    ...(containsAddress(flow.from.addresses, packet.source) ? [] : ['source']),
    ...(containsAddress(flow.to.addresses, packet.destination) ? [] : ['destination']),
  ];
  const back = ends.length > 0 && containsAddress(flow.from.addresses, packet.destination) && containsAddress(flow.to.addresses, packet.source);
  const asked = answeredValue(packet);
  const answered = asked === undefined ? ['none'] : serviceFields(services, { ...packet, value: asked });
  const isAnswer = answered.length === 0 || answered[0] === 'function';
  const fields = serviceFields(services, packet);
  return { straight: [...ends, ...fields, ...standing], turned: back ? ['direction', ...(isAnswer ? [] : fields), ...standing] : undefined };
}

const plants = Number(process.env['ZW_TRACE_PLANTS'] ?? 40);
const firstSeed = Number(process.env['ZW_TRACE_SEED'] ?? 9000);

describe('on random plants', () => {
  it(`trace = evaluate, and the nearest flow fails in exactly what is reported: ${plants} plants from seed ${firstSeed}`, () => {
    const seen = { allowed: 0, denied: 0, near: 0, none: 0, would: 0 };
    for (let index = 0; index < plants; index++) {
      const { compiled } = compilingPlant(firstSeed + index * 100);
      const { house, policy } = rulesetOf(compiled);
      const model: Model = compiled.model;
      const plant = { model, placement: { date: judgementDay, gateways: compiled.policies, joins: new Joins(model) }, targets: capabilitiesByName };
      const allows = model.flows.filter((flow) => flow.effect === 'allow');
      for (const edge of edgePackets(house, policy, firstSeed + index, 400)) {
        const { source, destination, protocol, sourcePort, value, functionNumber, hopLimit, inInterface, outInterface } = edge;
        const badState = edge.state === 'invalid' || edge.state === 'untracked';
        const question = { source, destination, protocol, sourcePort, value, functionNumber, hopLimit, inInterface, outInterface, badState };
        const result = trace(plant, [{ ...question, gateway: 'gw' }]);
        const [step] = result.steps;
        if (step === undefined) throw new Error('no step');
        const shown = (): string =>
          `seed ${firstSeed + index * 100}: ${told(result)}\n${JSON.stringify(step.packet, (_, one: unknown) => (typeof one === 'bigint' ? `0x${one.toString(16)}` : one))}`;
        const verdict = evaluate(house, step.packet);
        expect(step.packet, shown()).toMatchObject({ hook: edge.hook, source, destination, protocol, value, inInterface, outInterface });
        expect([step.verdict.accepted, step.verdict.limited, step.verdict.reason.kind], shown()).toEqual([
          verdict.accepted,
          verdict.limited,
          verdict.reason.kind,
        ]);
        expect(result.allowed, shown()).toBe(verdict.accepted);
        seen[verdict.accepted ? 'allowed' : 'denied']++;
        if (verdict.reason.kind === 'flow' && !verdict.accepted) {
          const alone = allows.filter((flow) => evaluate({ ...house, model: { ...model, flows: [flow] } }, step.packet).accepted);
          expect(
            result.wouldAllow.map((flow) => flow.name),
            shown(),
          ).toEqual(alone.map((flow) => flow.name));
          seen.would += alone.length;
        }
        if (edge.hook !== 'forward' || (verdict.reason.kind !== 'default' && verdict.reason.kind !== 'state')) continue;
        const all = allows.map((flow) => ({ flow, ...failing(flow, step.packet, gradeEnforces(capabilities, flow), judgementDay) }));
        const counts = all.flatMap(({ straight, turned }) => [straight.length, ...(turned === undefined ? [] : [turned.length])]);
        const fewest = Math.min(3, ...counts.filter((count) => count > 0));
        const { nearest } = result;
        if (nearest === undefined) {
          expect(fewest, shown()).toBe(3);
          seen.none++;
          continue;
        }
        const found = all.find(({ flow }) => flow.name === nearest.flow.name);
        const reported = nearest.differences.map((one) => one.field);
        expect(found, shown()).toBeDefined();
        expect(reported.length, shown()).toBe(fewest);
        expect(nearest.says.length, shown()).toBeGreaterThan(0);
        const expected = reported.includes('direction') ? found?.turned : found?.straight;
        if (expected === undefined || !same(reported, expected)) throw new Error(`${shown()}\n${reported.join(',')} but ${expected?.join(',') ?? 'no'}`);
        expect(inForce(found?.flow as Flow, judgementDay), shown()).toBe(!reported.some((field) => field === 'expired' || field === 'disabled'));
        seen.near++;
      }
    }
    console.log(`traces: ${JSON.stringify(seen)}`);
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(plants);
  }, 120_000);
});
