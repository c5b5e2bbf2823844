/** Plants for nftables as plants for OpenWrt: the target line alone changes, and what the platform refuses is taken out. */
import { compileText, judgementDay, judgeOf, type Ruleset } from '../../generators/compile.ts';
import type { EmittedFile, Emission } from '../../../src/target/target.ts';
import { openwrt } from '../../../targets/openwrt/index.ts';

export type Dialect = 'fw4' | 'fw3';

/** The same plant without rates, which the target refuses, and for fw3 without logs that stand on a line of their own. */
export function forOpenwrt(text: string, dialect: Dialect): string {
  const result = text
    .replaceAll(/target nftables(?: *\{[^}]*\})?/gu, `target openwrt { dialect ${dialect} }`)
    .replaceAll(/\brate \d+\/\w+(?: burst \d+)?/gu, '');
  if (!result.includes('target openwrt')) throw new Error('no target to change');
  return dialect === 'fw3' ? result.replaceAll(/^\s*log$/gmu, '') : result;
}

export interface Emitted extends Pick<Ruleset, 'house' | 'policy'> {
  readonly emission: Emission;
  readonly firewall: EmittedFile;
}

/** What the gateway gets; a string is the target's refusal. */
export function emitted(text: string, gateway?: string): Emitted | string {
  const compiled = compileText(text);
  const { house, policy } = judgeOf(compiled, gateway);
  const { emission, diagnostics } = openwrt.emit(policy, {
    policyTitle: compiled.model.title,
    revision: compiled.model.revision,
    sourceDigest: '0'.repeat(64),
    date: judgementDay,
    compilerVersion: 'golden',
    policyNumber: 0,
    place: (span) => compiled.sources.place(span),
  });
  const [refused] = diagnostics;
  if (refused !== undefined) return refused.message.replace(/^.* cannot express /u, '');
  const firewall = emission.files.find((file) => file.name === 'firewall');
  if (firewall === undefined) throw new Error('no file');
  return { house, policy, emission, firewall };
}
