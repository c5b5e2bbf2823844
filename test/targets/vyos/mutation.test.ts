/**
 * The proof bites: mutants of emitted commands that change the meaning are caught with a packet that shows it, those that do not are accepted.
 *
 * Two judges who know nothing of the reader's packet sets decide which is which: a plain interpreter walks the mutant packet by packet, and
 * `evaluate` says what the policy wants.
 */
import { describe, expect, it } from 'vitest';
import type { Packet } from '../../../src/packets/packet.ts';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { policySets, policySpace, possible } from '../../../src/policy/sets.ts';
import { vyos } from '../../../targets/vyos/index.ts';
import { compileText, type Ruleset, rulesetOf } from '../../generators/compile.ts';
import { edgePackets } from '../../generators/edge-packets.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
import { forVyos, onVyosInterfaces } from './dress.ts';
import { parse, passes } from './interpreter.ts';
import { kinds, type Mutant, mutantsOf } from './mutants.ts';

const plant = `policy "mutants" { revision 1 }
zone a { level 4  networks 10.0.1.0/24, 10.0.9.0/28, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
zone c { level 3  networks 10.0.3.0/24 }
host x in a { address 10.0.1.5, 2001:db8:1::5 }
host y in b { address 10.0.2.5, 2001:db8:2::5 }
group cabinets { 10.0.2.64/26, 10.0.2.160/27 }
service viewer { tcp 5900-5910 }
flow poll { from x  to y  allow tcp 502, tcp 102, udp 161 }
flow wide { from a  to b  allow tcp 8000-8999, icmp echo-request }
flow look { from a  to cabinets  allow viewer }
flow not_there { from a except x  to y  deny tcp 8080  log }
flow back { from y  to c  allow udp 514, icmp type 13 code 0 }
flow most { from x  to c  allow any except telnet }
gateway g {
  target vyos
  interface eth0 { faces a  address 10.0.1.1/24, 2001:db8:1::1/64  runs echo }
  interface eth1 { faces b, c  routed  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage from x allow ssh
  send to y allow ntp
}
`;

interface Count {
  caught: number;
  accepted: number;
  refused: number;
}

type Tally = Map<string, Count>;

function judge(ruleset: Ruleset, mutants: readonly Mutant[], samples: readonly Packet[], tally: Tally): void {
  const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
  for (const mutant of mutants) {
    const count = tally.get(mutant.kind) ?? { caught: 0, accepted: 0, refused: 0 };
    tally.set(mutant.kind, count);
    const text = mutant.text();
    const where = `${mutant.kind}, line ${mutant.line}: ${text.split('\n')[mutant.line - 1] ?? ''}`;
    const proof = proveFiles(ruleset.policy, sets, vyos, [{ name: 'firewall.commands', text }], undefined);
    if (proof.kind === 'refused') {
      count.refused++;
      continue;
    }
    const commands = parse(text);
    if (proof.kind === 'equal') {
      count.accepted++;
      for (const packet of samples) expect(passes(commands, packet), `${where} was accepted`).toBe(evaluate(ruleset.house, packet).accepted);
      continue;
    }
    count.caught++;
    expect(proof.packet, `${where} was caught without a packet`).toBeDefined();
    if (proof.packet === undefined) continue;
    expect(passes(commands, proof.packet), `${where}: the packet shows no difference`).not.toBe(evaluate(ruleset.house, proof.packet).accepted);
  }
}

function samplesOf(ruleset: Ruleset, seed: number, count: number): Packet[] {
  const sets = policySets(ruleset.policy);
  const universe = possible(sets.space);
  return [...edgePackets(ruleset.house, ruleset.policy, seed, count)].filter((packet) => sets.space.contains(universe, packet));
}

/** At most so many of one kind, spread over the text. */
const mostOfKind = Number(process.env['ZW_MUTANTS_OF_KIND'] ?? 14);

function someOfEach(mutants: readonly Mutant[]): Mutant[] {
  return kinds.flatMap((kind) => {
    const all = mutants.filter((mutant) => mutant.kind === kind);
    const step = Math.max(1, Math.ceil(all.length / mostOfKind));
    return all.filter((_, index) => index % step === 0);
  });
}

describe('translation validation', () => {
  it('catches every mutant of a hand-written plant that changes the meaning, and no other', () => {
    const ruleset = rulesetOf(compileText(plant));
    const samples = samplesOf(ruleset, 7, 60);
    // The judges agree on the commands as emitted, or they could not judge their mutants.
    const commands = parse(ruleset.text);
    for (const packet of samplesOf(ruleset, 8, 4000)) expect([packet, passes(commands, packet)]).toEqual([packet, evaluate(ruleset.house, packet).accepted]);
    const tally: Tally = new Map();
    judge(ruleset, someOfEach(mutantsOf(ruleset.text)), samples, tally);
    console.log([...tally].map(([kind, { caught, accepted, refused }]) => `${kind}: ${caught} caught, ${accepted} accepted, ${refused} refused`).join('\n'));
    const neutral = ['change a description', 'forget a log'];
    for (const kind of kinds) {
      const count = tally.get(kind);
      if (neutral.includes(kind)) {
        expect(count, kind).toMatchObject({ caught: 0, refused: 0 });
        expect(count?.accepted, kind).toBeGreaterThan(0);
      } else {
        // A rule without an action or with ports of no protocol is none; VyOS refuses it too.
        expect((count?.caught ?? 0) + (count?.refused ?? 0), kind).toBeGreaterThan(0);
      }
    }
    for (const kind of ['accept invalid', 'drop established', 'forget a state policy', 'open a default', 'forget an interface', 'accept becomes drop'])
      expect(tally.get(kind)?.accepted, kind).toBe(0);
  });

  const plants = Number(process.env['ZW_MUTATION_PLANTS'] ?? 2);
  it(`does so for mutants of ${plants} random plants`, () => {
    const tally: Tally = new Map();
    for (let index = 0; index < plants; index++) {
      const ruleset = rulesetOf(compileText(forVyos(zoneFile(onVyosInterfaces(compilingPlant(9000 + index * 100).plant)))));
      const all = mutantsOf(ruleset.text);
      // An even share of all kinds and places keeps the run short.
      const step = Math.max(1, Math.floor(all.length / 100));
      judge(
        ruleset,
        all.filter((_, at) => at % step === index % step),
        samplesOf(ruleset, index, 80),
        tally,
      );
    }
    const caught = [...tally.values()].reduce((sum, count) => sum + count.caught, 0);
    console.log(`${caught} mutants of random plants caught`);
    expect(caught).toBeGreaterThan(plants * 20);
  });
});
