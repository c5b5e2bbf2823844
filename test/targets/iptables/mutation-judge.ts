/**
 * Who judges mutants of emitted iptables files: a plain interpreter says what the mutant does with a packet, `evaluate` what the policy wants.
 *
 * Takes mutants and packets; whatever is accepted must do with every packet what is wanted, whatever is caught must show a packet on which the two
 * differ. Nothing of the reader's packet sets is asked.
 */
import { expect } from 'vitest';
import type { Family } from '../../../src/net/address.ts';
import { noFunction } from '../../../src/packets/functions.ts';
import type { Packet } from '../../../src/packets/packet.ts';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { policySets, policySpace, possible } from '../../../src/policy/sets.ts';
import type { EmittedFile } from '../../../src/target/target.ts';
import { iptables } from '../../../targets/iptables/index.ts';
import { parseIpsets } from '../../../targets/iptables/read-ipset.ts';
import { parseRestore } from '../../../targets/iptables/read-restore.ts';
import type { Dump, IpSet } from '../../../targets/iptables/read-tree.ts';
import type { Ruleset } from '../../generators/compile.ts';
import { edgePackets } from '../../generators/edge-packets.ts';
import { isSayable } from './example-messages.ts';
import { courses, type Surrounding } from './interpreter.ts';
import type { Mutant } from './mutants.ts';

/** Parsed once for all packets. */
interface Parsed {
  readonly dumps: Readonly<Record<Family, Dump>>;
  readonly sets: ReadonlyMap<string, IpSet>;
  readonly around: Surrounding;
}

interface Fate {
  readonly passes: 'never' | 'always' | 'maybe';
  readonly marked: boolean;
  /** With a reset. */
  readonly answered: boolean;
}

export function parsed(files: readonly EmittedFile[], { mark, policy }: Ruleset): Parsed {
  const text = (name: string): string => files.find((file) => file.name === name)?.text ?? '';
  return {
    dumps: { 4: parseRestore(text('iptables.rules')), 6: parseRestore(text('ip6tables.rules')) },
    sets: parseIpsets(text('ipset.rules')),
    around: { mark, interfaces: ['lo', ...policy.interfaces.map(({ name }) => name)] },
  };
}

/** What the files do with a packet, by the interpreter: certainly or perhaps passes, is marked. */
export function interpreted({ dumps, sets, around }: Parsed, packet: Packet, where = 'as emitted'): Fate {
  const all = courses(dumps[packet.source.family], sets, packet, around);
  for (const { lost, doubted } of all) if (lost || doubted) throw new Error(`${where}: a fate that nobody can tell was not refused`);
  const passing = all.filter((course) => course.passes).length;
  return {
    passes: passing === 0 ? 'never' : passing === all.length ? 'always' : 'maybe',
    marked: all.some((course) => course.marked),
    answered: all.some((course) => course.answered),
  };
}

export function wanted(ruleset: Ruleset, packet: Packet): Fate {
  const verdict = evaluate(ruleset.house, packet);
  return { passes: !verdict.accepted ? 'never' : verdict.limited ? 'maybe' : 'always', marked: verdict.marks, answered: isAnswered(ruleset, packet) };
}

/** Whether a policy that answers does so: a segment of a known conversation that does not pass, where the same one without payload would. */
export function isAnswered({ house, policy }: Ruleset, packet: Packet): boolean {
  const known = packet.state === 'established' || (packet.state === 'new' && packet.markCurrent);
  if (!policy.resetsDenied || packet.protocol !== 6 || !known) return false;
  return !evaluate(house, packet).accepted && evaluate(house, { ...packet, functionNumber: noFunction }).accepted;
}

interface Count {
  caught: number;
  accepted: number;
  refused: number;
}

export type Tally = Map<string, Count>;

export function total(tally: Tally): Count {
  const sum: Count = { caught: 0, accepted: 0, refused: 0 };
  for (const count of tally.values()) for (const what of ['caught', 'accepted', 'refused'] as const) sum[what] += count[what];
  return sum;
}

export function judge(ruleset: Ruleset, mutants: readonly Mutant[], samples: readonly Packet[], tally: Tally): void {
  const sets = policySets(ruleset.policy, policySpace(ruleset.policy));
  const right = samples.map((packet) => wanted(ruleset, packet));
  for (const mutant of mutants) {
    const kind = tally.get(mutant.kind) ?? { caught: 0, accepted: 0, refused: 0 };
    tally.set(mutant.kind, kind);
    const files = mutant.files();
    const text = files.find(({ name }) => name === mutant.file)?.text ?? '';
    const where = `${mutant.kind}, ${mutant.file} line ${mutant.line}: ${text.split('\n')[mutant.line - 1] ?? ''}`;
    const proof = proveFiles(ruleset.policy, sets, iptables, files, ruleset.mark);
    if (proof.kind === 'refused') {
      kind.refused++;
      continue;
    }
    const tables = parsed(files, ruleset);
    if (proof.kind === 'equal') {
      kind.accepted++;
      expect(
        samples.map((packet) => interpreted(tables, packet, where)),
        `${where} was accepted`,
      ).toEqual(right);
      continue;
    }
    kind.caught++;
    expect(proof.packet, `${where} was caught without a packet`).toBeDefined();
    // A changed rate shows in no single packet, nor what becomes of a reset, and no message says some addresses; everything else must.
    if (/^(?:passes|is dropped) if it is a reset/u.test(proof.how)) continue;
    if (proof.packet === undefined || !isSayable(proof.packet) || proof.how.startsWith('is limited to') || proof.how.startsWith('is not limited to')) continue;
    expect(interpreted(tables, proof.packet, where), `${where}: the packet shows no difference`).not.toEqual(wanted(ruleset, proof.packet));
  }
}

export function emitted(ruleset: Ruleset): EmittedFile[] {
  return ruleset.files.filter((file) => file.loader !== true).map(({ name, text }) => ({ name, text }));
}

export function samplesOf({ house, policy }: Ruleset, seed: number, count: number): Packet[] {
  const sets = policySets(policy);
  const universe = possible(sets.space);
  return [...edgePackets(house, policy, seed, count)].filter((packet) => isSayable(packet) && sets.space.contains(universe, packet));
}
