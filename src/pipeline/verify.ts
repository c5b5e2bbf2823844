/**
 * Verify: what a gateway runs, against its policy.
 *
 * Takes a path, a gateway and the dumps taken from it, gives equal, or what differs, or what cannot be told; it judges the gateway's
 * part of the policy alone and proves no assert. Never "equal" while something that the reader does not model could decide a packet.
 */
import { readFileSync } from 'node:fs';
import { type Drift, drift } from '../analysis/drift.ts';
import { stateWords } from '../analysis/words.ts';
import { nearest } from '../base/nearest.ts';
import { fileCodes } from '../diagnostics/codes/files.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import type { Model } from '../model/model.ts';
import { resolve } from '../model/resolve.ts';
import { empty } from '../packets/packet-space.ts';
import { today } from '../policy/dates.ts';
import type { GatewayPolicy } from '../policy/gateway-policy.ts';
import { place } from '../policy/place.ts';
import { policyNumber, policySets, policySpace, spaceWith } from '../policy/sets.ts';
import type { ConntrackMark, EmittedFile, ReadResult, Target } from '../target/target.ts';
import { type CheckOptions, exitStatus } from './check.ts';
import { load, type Loaded, reasonOf } from './load.ts';
import { prove } from './prove.ts';

export interface VerifyOptions extends CheckOptions {
  /** Undefined: the only gateway of the policy. */
  readonly gateway: string | undefined;
  /** Paths of what was taken from the gateway. */
  readonly running: readonly string[];
  /** What else hooks traffic there and is known: words that the name of each such thing contains. */
  readonly beside: readonly string[];
  readonly loadTarget: (name: string) => Promise<Target>;
  readonly progress?: (stage: string) => void;
}

export interface Verification {
  readonly gateway: string;
  readonly verdict: 'equal' | 'differs' | 'unknown';
  readonly drift: Drift;
  /** What differs though the same packets pass: rates, the mark, what the gateway lacks. */
  readonly remarks: readonly string[];
  /** What the reader does not model, with its place. */
  readonly unmodelled: ReadResult['refusals'];
  /** A packet whose fate is unknown, in words. */
  readonly unknown: string | undefined;
  /** What else hooks the same traffic and was not accepted. */
  readonly others: readonly string[];
}

export interface Verified {
  readonly loaded: Loaded;
  readonly model: Model;
  readonly date: string;
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined if the policy or the dumps cannot be read. */
  readonly verification: Verification | undefined;
}

export async function verify(path: string, options: VerifyOptions): Promise<Verified> {
  const loaded = load(path, options.read);
  const resolved = resolve(loaded.declarations, loaded.sources);
  const model = resolved.value;
  const date = options.date ?? today(model.timezone);
  const placed = place(model, options.targets, date);
  const diagnostics = [...loaded.diagnostics, ...resolved.diagnostics, ...placed.diagnostics].filter((one) => one.severity === 'error');
  const result = (verification?: Verification): Verified => ({ loaded, model, date, diagnostics, verification });
  if (exitStatus(diagnostics) !== 0) return result();
  const policy = chosen(placed.value.gateways, options.gateway, diagnostics);
  const files = options.running.flatMap((name) => readDump(name, diagnostics) ?? []);
  if (policy === undefined || exitStatus(diagnostics) !== 0) return result();
  const stranger = otherGateway(policy.gateway, files);
  if (stranger !== undefined) {
    const help = [`give \`--gateway ${stranger.name}\`, or the dump of ${policy.gateway}`];
    diagnostics.push(diagnostic(fileCodes.otherGateway, undefined, { path: stranger.file, found: stranger.name, gateway: policy.gateway }, { help }));
    return result();
  }
  options.progress?.(`reading what ${policy.gateway} runs`);
  const target = await options.loadTarget(policy.target);
  const mine = target.mark(policy, policyNumber(policySets(policy, policySpace(policy))));
  // Interfaces that the policy does not have are told apart here: a rule about one of them is no mystery.
  const space = spaceWith(policy, target.runningInterfaces(files), target.runningBorders(files));
  const sets = policySets(policy, space);
  const theirs = target.runningMark(files) ?? mine;
  const read = target.readRunning(files, { space, mark: theirs });
  if (read.unreadable !== undefined) {
    const help = [`take it again, whole: the README of the target says how (this gateway has \`target ${policy.target}\`)`];
    diagnostics.push(diagnostic(fileCodes.unreadableDump, undefined, { path: options.running.join(', '), why: read.unreadable }, { help }));
    return result();
  }
  const { diagram } = space;
  const question = { model, policy, target: target.capabilities, date, sets };
  const found = drift(question, { passing: diagram.union(read.accepted, read.maybe), unknown: read.unknown });
  const others = read.others.filter((other) => !options.beside.some((word) => other.includes(word)));
  const remarks = [...(read.missing === undefined ? [] : [read.missing]), ...markRemark(mine, theirs)];
  const cannotTell = read.unknown !== empty || read.refusals.length > 0 || others.length > 0;
  if (found.rows.length === 0 && !cannotTell && remarks.length === 0) {
    const proof = prove(sets, read);
    if (proof.kind === 'differs') remarks.push(`${proof.packet === undefined ? 'some packet' : stateWords(model, proof.packet)} ${proof.how}`);
  }
  const example = space.pick(read.unknown);
  return result({
    gateway: policy.gateway,
    verdict: found.rows.length > 0 || remarks.length > 0 ? 'differs' : cannotTell ? 'unknown' : 'equal',
    drift: found,
    remarks,
    unmodelled: read.refusals,
    unknown: example === undefined ? undefined : stateWords(model, example),
    others,
  });
}

function chosen(policies: readonly GatewayPolicy[], name: string | undefined, diagnostics: Diagnostic[]): GatewayPolicy | undefined {
  const [only] = policies;
  if (name === undefined && policies.length === 1) return only;
  const found = policies.find((policy) => policy.gateway === name);
  if (found !== undefined) return found;
  const names = policies.map((policy) => policy.gateway);
  const suggestion = name === undefined ? undefined : nearest(name, names);
  const help = [suggestion === undefined ? `gateways of this policy: ${names.join(', ') || 'none'}` : `did you mean \`${suggestion}\`?`];
  diagnostics.push(
    name === undefined
      ? diagnostic(fileCodes.badOption, undefined, { option: '--gateway', why: 'is missing, and the policy does not have exactly one gateway' }, { help })
      : diagnostic(fileCodes.unknownGateway, undefined, { name }, { help }),
  );
  return undefined;
}

function readDump(path: string, diagnostics: Diagnostic[]): EmittedFile | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path === '-' ? 0 : path);
  } catch (error) {
    const help = ['give the path of what was taken from the gateway, or `-` for standard input'];
    diagnostics.push(diagnostic(fileCodes.unreadable, undefined, { path, why: reasonOf(error) }, { help }));
    return undefined;
  }
  // Comments of other tools may be in any encoding; they never decide a packet.
  return { name: path, text: new TextDecoder('utf-8').decode(bytes) };
}

/** The gateway that the log prefixes of a dump name, if it is another one. Long names are cut there, and say nothing. */
function otherGateway(gateway: string, files: readonly EmittedFile[]): { readonly file: string; readonly name: string } | undefined {
  for (const { name: file, text } of files) {
    const named = new Set(Array.from(text.matchAll(/["']zw ([A-Za-z0-9_.-]+) /gu), ([, name = '']) => name));
    const [first] = named;
    if (first !== undefined && named.size === 1 && first !== gateway) return { file, name: first };
  }
  return undefined;
}

function markRemark(mine: ConntrackMark | undefined, theirs: ConntrackMark | undefined): string[] {
  if (mine === undefined || theirs === undefined) return [];
  if (mine.mask === theirs.mask && mine.value === theirs.value) return [];
  const shown = ({ mask, value }: ConntrackMark): string =>
    `0x${value.toString(16).padStart(8, '0')}${mask === 0xffff_ffff ? '' : ` under mask 0x${mask.toString(16)}`}`;
  return [`it marks judged conversations with ${shown(theirs)}, the number of another policy than this one's ${shown(mine)}`];
}
