/**
 * Law: `evaluate` = packet sets.
 *
 * Random plants, and for each thousands of packets whose every field is a boundary of the plant or beside one. The two
 * share no code: one is a few plain steps on the model, the other a decision diagram built from the Ir.
 */
import { describe, expect, it } from 'vitest';
import { classMessages } from '../../src/model/functions.ts';
import { otherFunction } from '../../src/packets/functions.ts';
import type { Packet } from '../../src/packets/packet.ts';
import { empty } from '../../src/packets/packet-space.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { policyNumber, policySets, policySpace, possible } from '../../src/policy/sets.ts';
import { capabilities } from '../../targets/nftables/target.ts';
import { edgePackets } from '../generators/edge-packets.ts';
import { compileText, judgementDay, judgeOf, rulesetOf } from '../generators/compile.ts';
import { compilingPlant, zoneFile } from '../generators/plants.ts';

const plants = Number(process.env['ZW_SETS_PLANTS'] ?? 24);
const firstSeed = Number(process.env['ZW_SETS_SEED'] ?? 1000);

describe('the number of a policy', () => {
  it('depends on what may start alone, not on the borders that the space was cut at', () => {
    const numbers = new Set<number>();
    for (let index = 0; index < 25; index++) {
      const { plant } = compilingPlant(firstSeed + index * 100);
      const { policy } = rulesetOf(compileText(zoneFile(plant)));
      const more = { v4: [{ first: 0x0a00_0003, last: 0xc000_0207 }], v6: [{ first: 7n, last: 0x2001_0db8n << 96n }] };
      const spaces = [undefined, policySpace(policy), policySpace(policy, more)];
      const found = new Set(spaces.map((space) => policyNumber(policySets(policy, space))));
      expect(found.size).toBe(1);
      for (const number of found) numbers.add(number);
    }
    expect(numbers.size).toBeGreaterThan(20);
  });
});

/** The same target, if it looked into messages: what a policy with functions means then. */
const inspecting = { ...capabilities, grades: { default: 'pdu' }, details: { modbus: ['unit', 'address'] } } as const;

/** The same target, if its platform kept conversations and could be asked for little else. */
const keeping = { ...capabilities, conversations: 'kept', hopLimits: false, wholeTypes: false, asksLocal: false } as const;

/** One that asks for the state first of all, and for the state new in its rules. */
const asking = { ...capabilities, conversations: 'kept', keeps: { stateBeforeLoopback: true, deniesUntracked: true } } as const;

describe('evaluate and the packet sets', () => {
  it.each([
    ['a target that knows ports', capabilities],
    ['a target that looks into messages', inspecting],
    ['a target that keeps conversations', keeping],
    ['a target that keeps conversations and asks for the state in its rules', asking],
  ] as const)(
    `agree for %s on ${plants} random plants from seed ${firstSeed}`,
    (_, target) => {
      let accepted = 0;
      let denied = 0;
      let looked = 0;
      for (let index = 0; index < plants; index++) {
        const { plant } = compilingPlant(firstSeed + index * 100);
        const text = zoneFile(plant);
        const { house, policy } = judgeOf(compileText(text, judgementDay, target), undefined, judgementDay, target);
        // Every bit of an address, and segments between the borders of the policy, in turn.
        const sets = index % 2 === 0 ? policySets(policy) : policySets(policy, policySpace(policy));
        const universe = possible(sets.space);
        const marked = sets.marked;
        for (const packet of edgePackets(house, policy, firstSeed + index, 1500)) {
          if (!sets.space.contains(universe, packet)) continue;
          const verdict = evaluate(house, packet);
          const found = {
            accepted: sets.space.contains(sets.accepted, packet) || sets.space.contains(sets.maybe, packet),
            limited: sets.space.contains(sets.maybe, packet),
            marks: sets.space.contains(marked, packet),
          };
          const wanted = { accepted: verdict.accepted, limited: verdict.accepted && verdict.limited, marks: verdict.marks };
          if (JSON.stringify(found) !== JSON.stringify(wanted)) {
            const shown = JSON.stringify(packet, (_key, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
            throw new Error(
              `seed ${plant.seed}: sets say ${JSON.stringify(found)}, evaluate says ${JSON.stringify(wanted)} (${verdict.reason.kind})\n${shown}\n${text}`,
            );
          }
          if (verdict.reason.kind === 'function') looked++;
          if (verdict.accepted) accepted++;
          else denied++;
        }
      }
      console.log(`evaluate and packet sets agree on ${accepted + denied} packets, ${accepted} of them accepted, ${looked} denied for what they say`);
      expect(accepted).toBeGreaterThan(plants * 50);
      expect(denied).toBeGreaterThan(plants * 50);
      if (target === inspecting) expect(looked).toBeGreaterThan(plants);
    },
    120_000,
  );

  it('look into a judged conversation only where some flow tells functions apart, and none allows them all', () => {
    const text = `policy "p" {}
zone office { networks 10.0.0.0/16 }
zone cell { networks 192.168.1.0/24 }
flow reads { from office to cell allow modbus read }
flow all { from 10.0.0.7 to cell allow tcp 502 }
gateway g { target nftables {} interface eth0 { address 10.0.0.1/16 faces office } interface eth1 { address 192.168.1.1/24 faces cell } manage none "console" }
`;
    const { house, policy } = judgeOf(compileText(text, judgementDay, inspecting), undefined, judgementDay, inspecting);
    const sets = policySets(policy);
    const [read = 0, write = 0] = (['read', 'write'] as const).map((name) => classMessages('modbus', name)[0]?.low);
    const base: Packet = {
      hook: 'forward',
      inInterface: 'eth0',
      outInterface: 'eth1',
      source: { family: 4, value: 0x0a00_0005 },
      destination: { family: 4, value: 0xc0a8_0102 },
      protocol: 6,
      sourcePort: 40000,
      value: 502,
      functionNumber: 0,
      hopLimit: 63,
      state: 'established',
      direction: 'original',
      markCurrent: true,
      local: false,
    };
    const answer: Partial<Packet> = {
      direction: 'reply',
      inInterface: 'eth1',
      outInterface: 'eth0',
      source: base.destination,
      destination: base.source,
      sourcePort: 502,
      value: 40000,
    };
    const expected: readonly (readonly [Partial<Packet>, boolean])[] = [
      [{}, true],
      [{ functionNumber: read }, true],
      [{ functionNumber: write }, false],
      [{ functionNumber: otherFunction }, false],
      [{ functionNumber: write, state: 'new', markCurrent: false }, false],
      [{ functionNumber: write, state: 'new' }, false],
      [{ functionNumber: write, markCurrent: false }, false],
      [{ functionNumber: read, markCurrent: false }, true],
      [{ ...answer, functionNumber: write }, true],
      [{ ...answer, functionNumber: write, markCurrent: false }, true],
      [{ functionNumber: write, source: { family: 4, value: 0x0a00_0007 } }, true],
      // Nobody tells functions apart on another port: what was judged goes on.
      [{ functionNumber: write, value: 503 }, true],
    ];
    for (const [change, accepted] of expected) {
      const packet = { ...base, ...change };
      expect([change, evaluate(house, packet).accepted]).toEqual([change, accepted]);
      expect([change, sets.space.contains(sets.accepted, packet)]).toEqual([change, accepted]);
    }
  });

  it('say of a platform that keeps conversations what it passes by itself, and that nothing is marked', () => {
    const text = `policy "p" {}
zone office { networks 10.0.0.0/16 }
zone cell { networks 192.168.1.0/24, 2001:db8:1::/64 }
flow web { from office to cell allow tcp 443 }
gateway g { target nftables {} interface eth0 { address 10.0.0.1/16 faces office } interface eth1 { address 192.168.1.1/24, 2001:db8:1::1/64 faces cell } manage none "console" }
`;
    const { house, policy } = judgeOf(compileText(text, judgementDay, keeping), undefined, judgementDay, keeping);
    const sets = policySets(policy);
    const base: Packet = {
      hook: 'forward',
      inInterface: 'eth0',
      outInterface: 'eth1',
      source: { family: 4, value: 0x0a00_0005 },
      destination: { family: 4, value: 0xc0a8_0102 },
      protocol: 6,
      sourcePort: 40000,
      value: 443,
      functionNumber: 0,
      hopLimit: 63,
      state: 'new',
      direction: 'original',
      markCurrent: false,
      local: false,
    };
    const solicitation: Partial<Packet> = {
      hook: 'input',
      inInterface: 'eth1',
      outInterface: undefined,
      source: { family: 6, value: (0xfe80n << 112n) + 5n },
      destination: { family: 6, value: (0xff02n << 112n) + 1n },
      protocol: 58,
      sourcePort: 0,
      value: 135 * 256,
      state: 'untracked',
    };
    const expected: readonly (readonly [Partial<Packet>, boolean])[] = [
      [{}, true],
      [{ value: 80 }, false],
      // No mark lets a packet pass that starts nothing.
      [{ value: 80, markCurrent: true }, false],
      [{ value: 80, state: 'established' }, true],
      [{ state: 'established', direction: 'reply', inInterface: 'eth1', outInterface: 'eth0' }, true],
      // Not even the wrong side is asked for.
      [{ state: 'established', inInterface: 'eth1', outInterface: 'eth1' }, true],
      [{ state: 'related' }, true],
      [{ state: 'invalid' }, false],
      // What conntrack was told not to look at is taken for new.
      [{ state: 'untracked' }, true],
      [{ state: 'untracked', value: 80 }, false],
      [{ inInterface: 'eth1' }, false],
      [{ ...solicitation, hopLimit: 255 }, true],
      [{ ...solicitation, hopLimit: 64 }, true],
      [{ ...solicitation, hopLimit: 255, state: 'invalid' }, false],
      [{ ...solicitation, value: 143 * 256 }, true],
      [{ ...solicitation, value: 143 * 256 + 1 }, false],
      [{ hook: 'input', inInterface: 'lo', outInterface: undefined, state: 'invalid' }, true],
    ];
    for (const [change, accepted] of expected) {
      const packet = { ...base, ...change };
      expect([change, evaluate(house, packet).accepted]).toEqual([change, accepted]);
      expect([change, sets.space.contains(sets.accepted, packet)]).toEqual([change, accepted]);
    }
    expect(sets.marked).toBe(empty);

    // The same on a platform whose rules ask for the state.
    const other = judgeOf(compileText(text, judgementDay, asking), undefined, judgementDay, asking);
    const otherSets = policySets(other.policy);
    const otherwise: readonly (readonly [Partial<Packet>, boolean])[] = [
      [{}, true],
      [{ state: 'established', inInterface: 'eth1', outInterface: 'eth1' }, true],
      [{ state: 'untracked' }, false],
      [{ ...solicitation, hopLimit: 255 }, true],
      [{ ...solicitation, hopLimit: 64 }, false],
      [{ ...solicitation, hopLimit: 255, state: 'invalid' }, false],
      [{ hook: 'input', inInterface: 'lo', outInterface: undefined, state: 'invalid' }, false],
      [{ hook: 'input', inInterface: 'lo', outInterface: undefined, state: 'untracked' }, true],
    ];
    for (const [change, accepted] of otherwise) {
      const packet = { ...base, ...change };
      expect([change, evaluate(other.house, packet).accepted]).toEqual([change, accepted]);
      expect([change, otherSets.space.contains(otherSets.accepted, packet)]).toEqual([change, accepted]);
    }
  });
});
