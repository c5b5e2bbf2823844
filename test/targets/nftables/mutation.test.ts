/**
 * The proof bites: mutants of emitted rulesets that change the meaning are caught with a packet that shows it, those that
 * do not are accepted.
 *
 * Two judges who know nothing of the reader's packet sets decide which is which: a plain interpreter walks the mutant
 * packet by packet, and `evaluate` says what the policy wants.
 */
import { describe, expect, it } from 'vitest';
import type { Packet } from '../../../src/packets/packet.ts';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { policySets, policySpace, possible } from '../../../src/policy/sets.ts';
import { nftables } from '../../../targets/nftables/index.ts';
import { parseText } from '../../../targets/nftables/read-text.ts';
import { compileText, type Ruleset, rulesetOf } from '../../generators/compile.ts';
import { edgePackets } from '../../generators/edge-packets.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
import { courses } from './interpreter.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

const plant = `policy "mutants" { revision 1 }
zone a { level 4  networks 10.0.1.0/24, 10.0.9.0/28, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
zone c { level 3  networks 10.0.3.0/24 }
host x in a { address 10.0.1.5, 2001:db8:1::5 }
host y in b { address 10.0.2.5, 2001:db8:2::5 }
flow poll { from x  to y  allow tcp 502, tcp 102, udp 161 }
flow wide { from a  to b  allow tcp 8000-8999, icmp echo-request }
flow not_there { from a except x  to y  deny tcp 8080  log  count }
flow slow { from c  to b  allow tcp 22  rate 10/minute burst 3 }
flow back { from y  to c  allow udp 514  count }
gateway g {
  target nftables
  interface eth0 { faces a  address 10.0.1.1/24, 2001:db8:1::1/64  runs echo }
  interface eth1 { faces b, c  routed  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage from x allow ssh
  send to y allow ntp
}
`;

/** What a ruleset does with a packet, by the interpreter: certainly or perhaps passes, is marked. */
function interpreted(tree: ReturnType<typeof parseText>, packet: Packet): { passes: string; marked: boolean } {
  if (tree instanceof Error) throw tree;
  const all = courses(tree, packet);
  const passing = all.filter((course) => course.passes).length;
  return { passes: passing === 0 ? 'never' : passing === all.length ? 'always' : 'maybe', marked: all.some((course) => course.marked) };
}

function wanted(ruleset: Ruleset, packet: Packet): { passes: string; marked: boolean } {
  const verdict = evaluate(ruleset.house, packet);
  return { passes: !verdict.accepted ? 'never' : verdict.limited ? 'maybe' : 'always', marked: verdict.marks };
}

interface Tally {
  caught: number;
  accepted: number;
  refused: number;
  readonly kinds: Map<string, { caught: number; accepted: number; refused: number }>;
}

function judge(ruleset: Ruleset, mutants: readonly Mutant[], samples: readonly Packet[], tally: Tally): void {
  const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
  for (const mutant of mutants) {
    const kind = tally.kinds.get(mutant.kind) ?? { caught: 0, accepted: 0, refused: 0 };
    tally.kinds.set(mutant.kind, kind);
    const text = mutant.text();
    const where = `${mutant.kind}, line ${mutant.line}: ${text.split('\n')[mutant.line - 1]?.trim() ?? ''}`;
    const proof = proveFiles(ruleset.policy, sets, nftables, [{ name: 'ruleset.nft', text }], ruleset.mark);
    if (proof.kind === 'refused') {
      tally.refused++;
      kind.refused++;
      continue;
    }
    if (proof.kind === 'equal') {
      tally.accepted++;
      kind.accepted++;
      const tree = parseText(text);
      for (const packet of samples) expect(interpreted(tree, packet), `${where} was accepted`).toEqual(wanted(ruleset, packet));
      continue;
    }
    tally.caught++;
    kind.caught++;
    expect(proof.packet, `${where} was caught without a packet`).toBeDefined();
    // A changed rate shows in no single packet; everything else must.
    if (proof.packet === undefined || proof.how.startsWith('is limited to') || proof.how.startsWith('is not limited to')) continue;
    expect(interpreted(parseText(text), proof.packet), `${where}: the packet shows no difference`).not.toEqual(wanted(ruleset, proof.packet));
  }
}

const mostOfKind = Number(process.env['ZW_MUTANTS_OF_KIND'] ?? 16);

/** An even share of each kind keeps the run short. */
function someOfEach(mutants: readonly Mutant[]): readonly Mutant[] {
  return [...new Set(mutants.map(({ kind }) => kind))].flatMap((kind) => {
    const all = mutants.filter((mutant) => mutant.kind === kind);
    return all.filter((_, at) => at % Math.ceil(all.length / mostOfKind) === 0);
  });
}

/** One that reads no bytes of messages: packets of the interpreter have none. What reads bytes has mutants of its own (`message-mutants.test.ts`). */
function plainRuleset(seed: number): Ruleset {
  for (let at = seed; at < seed + 100; at += 1) {
    const ruleset = rulesetOf(compileText(zoneFile(compilingPlant(at).plant)));
    if (!ruleset.text.includes('@ih')) return ruleset;
  }
  throw new Error(`no plant near seed ${seed} does without inspection`);
}

describe('translation validation', () => {
  it('catches every mutant of a hand-written plant that changes the meaning, and no other', () => {
    const ruleset = rulesetOf(compileText(plant));
    const sets = policySets(ruleset.policy);
    const universe = possible(sets.space);
    const samples = [...edgePackets(ruleset.house, ruleset.policy, 7, 200)].filter((packet) => sets.space.contains(universe, packet));
    // The judges agree on the ruleset as emitted, or they could not judge its mutants.
    const tree = parseText(ruleset.text);
    for (const packet of samples) expect(interpreted(tree, packet)).toEqual(wanted(ruleset, packet));
    const tally: Tally = { caught: 0, accepted: 0, refused: 0, kinds: new Map() };
    judge(ruleset, someOfEach(mutantsOf(ruleset.text)), samples, tally);
    console.log(`${tally.caught} mutants caught, ${tally.accepted} without a change of meaning accepted, ${tally.refused} refused`);
    for (const kind of [
      'drop becomes accept',
      'accept what is new',
      'turn a check around',
      'forget the mark',
      'let invalid in',
      'let untracked in',
      'widen related',
      'widen related to all',
      'set no mark',
      'any interface',
      'raise a rate',
      'forget a rate',
      'change a port',
      'change a protocol',
      'change an address of a rule',
      'drop an element',
      'swap a family',
      'lose a port',
      'widen a prefix',
      'widen an IPv6 range',
      'forget the hop limit',
    ]) {
      expect(tally.kinds.get(kind)?.caught ?? 0, kind).toBeGreaterThan(0);
    }
    for (const kind of ['change a comment', 'change a log']) {
      expect(tally.kinds.get(kind), kind).toMatchObject({ caught: 0, refused: 0 });
      expect(tally.kinds.get(kind)?.accepted).toBeGreaterThan(0);
    }
    for (const kind of ['let invalid in', 'let untracked in', 'forget the mark', 'widen related', 'set no mark', 'any interface'])
      expect(tally.kinds.get(kind)?.accepted, kind).toBe(0);
  });

  const plants = Number(process.env['ZW_MUTATION_PLANTS'] ?? 2);
  it(`does so for mutants of ${plants} random plants`, () => {
    const tally: Tally = { caught: 0, accepted: 0, refused: 0, kinds: new Map() };
    for (let index = 0; index < plants; index++) {
      const ruleset = plainRuleset(9000 + index * 100);
      const sets = policySets(ruleset.policy);
      const universe = possible(sets.space);
      const samples = [...edgePackets(ruleset.house, ruleset.policy, index, 80)].filter((packet) => sets.space.contains(universe, packet));
      const all = mutantsOf(ruleset.text);
      // An even share of all kinds and places keeps the run short.
      const step = Math.max(1, Math.floor(all.length / 120));
      judge(
        ruleset,
        all.filter((_, at) => at % step === index % step),
        samples,
        tally,
      );
    }
    console.log(`${tally.caught} mutants of random plants caught, ${tally.accepted} accepted, ${tally.refused} refused`);
    expect(tally.caught).toBeGreaterThan(plants * 20);
  });
});
