/**
 * Law: a mutant of an emitted file is accepted ⇔ a plain interpreter finds the policy's meaning unchanged; a caught one shows a packet on
 * which they differ. So the reader sees every change that matters, and no other.
 */
import { describe, expect, it } from 'vitest';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { policySets, policySpace, possible } from '../../../src/policy/sets.ts';
import type { Packet } from '../../../src/packets/packet.ts';
import { openwrt } from '../../../targets/openwrt/index.ts';
import { edgePackets } from '../../generators/edge-packets.ts';
import { type Emitted, emitted } from './dress.ts';
import { judgeOfText } from './interpreter.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

/** Of each kind, spread over the file. */
const mutantsOfAKind = Number(process.env['ZW_OPENWRT_MUTANTS'] ?? 12);

const plant = `policy "mutants" {}
zone a { level 4  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
zone net { kind untrusted  networks rest }
host x in a { address 10.0.1.5, 2001:db8:1::5 }
host y in b { address 10.0.2.5, 2001:db8:2::5 }
host z in b { address 10.0.2.77 }
group plcs { y, z }
flow web { from a  to b  allow tcp 80-8080 }
flow poll { from x  to plcs  allow tcp 502, udp 502, icmp echo-request, icmp type 3 code 4, ip protocol 47 }
flow back { from plcs  to x  allow udp 514 }
flow not_here { from a except x  to y  deny tcp { 81, 8000-8010 }  log }
flow out { from b  to 198.51.100.0/24  allow any }
gateway g {
  target openwrt
  interface eth0 { faces a  address 10.0.1.1/24, 2001:db8:1::1/64  runs dhcp-server }
  interface eth1 { faces b  address 10.0.2.1/24, 2001:db8:2::1/64 }
  interface eth2 { faces net  address dynamic  runs dhcp-client }
  manage from x allow ssh
  send to y allow ntp
}
`;

interface Tally {
  caught: number;
  accepted: number;
  refused: number;
}

function judged(ruleset: Emitted, mutants: readonly Mutant[], samples: readonly Packet[]): ReadonlyMap<string, Tally> {
  const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
  const tallies = new Map<string, Tally>();
  for (const { kind, line, text } of mutants) {
    const tally = tallies.get(kind) ?? { caught: 0, accepted: 0, refused: 0 };
    tallies.set(kind, tally);
    const where = `${kind}, ${line}`;
    const proof = proveFiles(ruleset.policy, sets, openwrt, [{ name: 'firewall', text }], undefined);
    if (proof.kind === 'refused') {
      tally.refused++;
      continue;
    }
    const judge = judgeOfText(text);
    if (proof.kind === 'equal') {
      tally.accepted++;
      for (const packet of samples) expect(judge(packet), `${where} was accepted`).toBe(evaluate(ruleset.house, packet).accepted);
      continue;
    }
    tally.caught++;
    if (proof.packet === undefined) throw new Error(`${where} was caught without a packet`);
    expect(judge(proof.packet), `${where}: the packet shows no difference`).not.toBe(evaluate(ruleset.house, proof.packet).accepted);
  }
  return tallies;
}

/** At most so many of each kind. */
function spread(mutants: readonly Mutant[]): Mutant[] {
  const kinds = [...new Set(mutants.map(({ kind }) => kind))].map((kind) => mutants.filter((mutant) => mutant.kind === kind));
  return kinds.flatMap((all) => {
    const step = Math.max(1, all.length / mutantsOfAKind);
    return all.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
  });
}

describe('translation validation', () => {
  it('catches every mutant that changes the meaning, and no other', () => {
    const ruleset = emitted(plant);
    if (typeof ruleset === 'string') throw new Error(ruleset);
    const { text } = ruleset.firewall;
    const sets = policySets(ruleset.policy);
    const universe = possible(sets.space);
    const samples = [...edgePackets(ruleset.house, ruleset.policy, 7, 200)].filter((packet) => sets.space.contains(universe, packet));
    // The judges agree on the file as emitted, or they could not judge its mutants.
    const judge = judgeOfText(text);
    for (const packet of samples) expect(judge(packet)).toBe(evaluate(ruleset.house, packet).accepted);
    const tallies = judged(ruleset, spread(mutantsOf(text)), samples);
    const sum = (of: keyof Tally): number => [...tallies.values()].reduce((total, tally) => total + tally[of], 0);
    console.log(`${sum('caught')} mutants caught, ${sum('accepted')} without a change of meaning accepted, ${sum('refused')} refused`);
    console.log(JSON.stringify(Object.fromEntries(tallies)));
    for (const kind of [
      'accept becomes drop',
      'drop becomes accept',
      'let invalid in',
      'lose a condition',
      'lose an end',
      'any end',
      'every protocol',
      'change a port',
      'change a message',
      'every code',
      'change an address',
      'drop an element',
      'turn a set',
      'switch a rule off',
      'lose a rule',
      'swap two rules',
    ])
      expect(tallies.get(kind)?.caught ?? 0, kind).toBeGreaterThan(0);
    for (const kind of ['another device', 'offload', 'load what others bring', 'an option of its own', 'a limit', 'a forwarding'])
      expect(tallies.get(kind), kind).toMatchObject({ caught: 0, accepted: 0 });
    for (const kind of ['change a log', 'change a limit of logs', 'change a comment', 'rename a rule']) {
      expect(tallies.get(kind), kind).toMatchObject({ caught: 0, refused: 0 });
      expect(tallies.get(kind)?.accepted).toBeGreaterThan(0);
    }
  }, 240_000);
});
