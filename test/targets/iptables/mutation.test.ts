/**
 * The proof of iptables bites: mutants of emitted files that change the meaning are caught with a packet that shows it, those that do not are
 * accepted.
 *
 * Two judges who know nothing of the reader's packet sets decide which is which (`mutation-judge.ts`).
 */
import { describe, expect, it } from 'vitest';
import { compileText, rulesetOf } from '../../generators/compile.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { emitted, interpreted, judge, parsed, samplesOf, type Tally, total, wanted } from './mutation-judge.ts';

// The rate is of one family: over both it would be two.
const plant = (sets: string): string => `policy "mutants" { revision 1 }
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
  target iptables { sets ${sets} }
  interface eth0 { faces a  address 10.0.1.1/24, 2001:db8:1::1/64  runs echo }
  interface eth1 { faces b, c  routed  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage from x allow ssh
  send to y allow ntp
}
`;

const given = process.env['ZW_MUTATION_PLANTS'];
const plants = Number(given ?? 2);
/** Mutants of one kind in one file of the hand-written plant, spread evenly; a longer run takes them all. */
const most = given === undefined ? 3 : Number.POSITIVE_INFINITY;

/** At most so many of each kind in each file. */
function spread(mutants: readonly Mutant[]): Mutant[] {
  const groups = new Map<string, Mutant[]>();
  for (const mutant of mutants) {
    const key = `${mutant.kind} in ${mutant.file}`;
    groups.set(key, [...(groups.get(key) ?? []), mutant]);
  }
  return [...groups.values()].flatMap((group) => {
    const step = Math.max(1, group.length / most);
    return group.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
  });
}

const oftenCaught = [
  'drop a rule',
  'lose a target',
  'swap an end',
  'turn an address around',
  'lose an address',
  'narrow a network',
  'swap the end of a port',
  'turn a port around',
  'change a port',
  'any port from 1024',
  'lose a port',
  'lose a protocol and its port',
  'widen a network',
  'change a protocol',
  'change an address',
  'change an IPv6 address',
  'widen a range',
  'turn a range around',
  'a jump becomes a goto',
];
const oftenCaughtInSets = [
  'swap the flags of a set',
  'turn a set around',
  'lose a set',
  'ask another set',
  'drop an element',
  'move an element',
  'move an IPv6 element',
  'widen an element',
  'widen an element far',
  'narrow an element',
  'an element that is none',
  'change the port of an element',
  'change the protocol of an element',
];
const alwaysCaught = [
  'accept becomes drop',
  'drop becomes accept',
  'a goto becomes accept',
  'a goto becomes return',
  'permit at once',
  'permit without a mark',
  'turn an interface around',
  'any interface',
  'another interface',
  'swap the ends of an interface',
  'turn a state around',
  'let related in',
  'accept what is related',
  'accept what is untracked',
  'forget the state',
  'forget what is new',
  'forget what is established',
  'replies become requests',
  'forget the direction',
  'forget the mark',
  'turn the mark around',
  'ask any mark',
  'set no mark',
  'raise a rate',
  'change the unit of a rate',
  'raise a burst',
  'forget a rate',
  'change an ICMP type',
  'turn an ICMP type around',
  'one code of an ICMP type',
  'any ICMP type',
  'forget the hop limit',
  'change the hop limit',
  'another builtin chain',
  'a jump to another chain',
  'a jump for one interface',
  'accept before us',
];
/** Not for the reader to say, or not for the tools to load. */
const neverAccepted = [
  'a strange interface',
  'many interfaces',
  'a chain that is not there',
  'ask another mark',
  'ask a part of the mark',
  'set another mark',
  'set a part of the mark',
  'lose the end',
];
const harmless = ['change a comment', 'change a log prefix', 'change the limit of a log', 'forget a log', 'accept behind us', 'a goto becomes a jump'];

describe('translation validation of iptables', () => {
  it.each(['yes', 'no'])('catches every mutant of a hand-written plant that changes the meaning, and no other, sets %s', (sets) => {
    const ruleset = rulesetOf(compileText(plant(sets)));
    const samples = samplesOf(ruleset, 7, 300);
    // The judges agree on the files as emitted, or they could not judge their mutants.
    const files = emitted(ruleset);
    const tables = parsed(files, ruleset);
    for (const packet of samples) expect(interpreted(tables, packet)).toEqual(wanted(ruleset, packet));
    const tally: Tally = new Map();
    judge(ruleset, spread(mutantsOf(files)), samples, tally);
    const { caught, accepted, refused } = total(tally);
    console.log(`sets ${sets}: ${caught} mutants caught, ${accepted} without a change of meaning accepted, ${refused} refused`);
    if (process.env['ZW_MUTATION_TABLE'] !== undefined) console.table(Object.fromEntries(tally));
    // A rule may lead to where another one leads, or say what another one has said.
    for (const kind of [...oftenCaught, ...(sets === 'yes' ? oftenCaughtInSets : [])]) {
      expect(tally.get(kind)?.caught ?? 0, kind).toBeGreaterThan(0);
    }
    for (const kind of alwaysCaught) {
      expect([kind, tally.get(kind)]).toMatchObject([kind, { accepted: 0, refused: 0 }]);
      expect(tally.get(kind)?.caught, kind).toBeGreaterThan(0);
    }
    for (const kind of neverAccepted) expect([kind, tally.get(kind)]).toMatchObject([kind, { caught: 0, accepted: 0 }]);
    for (const kind of harmless) expect([kind, tally.get(kind)]).toMatchObject([kind, { caught: 0, refused: 0 }]);
  });

  it(`does so for mutants of ${plants} random plants`, () => {
    const tally: Tally = new Map();
    for (let index = 0; index < plants; index++) {
      const text = zoneFile(compilingPlant(9000 + index * 100).plant).replaceAll(
        /target nftables(?: \{[^}]*\})?/gu,
        `target iptables { sets ${index % 2 === 0 ? 'yes' : 'no'} }`,
      );
      const ruleset = rulesetOf(compileText(text));
      const files = emitted(ruleset);
      if (files.length === 0) continue;
      const all = mutantsOf(files);
      // An even share of all kinds and places keeps the run short.
      const step = Math.max(1, Math.floor(all.length / 120));
      judge(
        ruleset,
        all.filter((_, at) => at % step === index % step),
        samplesOf(ruleset, index, 80),
        tally,
      );
    }
    const { caught, accepted, refused } = total(tally);
    console.log(`${caught} mutants of random plants caught, ${accepted} accepted, ${refused} refused`);
    expect(caught).toBeGreaterThan(plants * 20);
  });
});
