/**
 * Zone files as text, compiled in one call.
 *
 * Takes the text of a zone file, gives what every stage made of it, and for each gateway its ruleset with the mark that it sets. The idea:
 * tests that judge meanings run the whole compiler, from the first character on.
 */
import { load } from '../../src/pipeline/load.ts';
import type { SourceMap } from '../../src/base/source.ts';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { resolve } from '../../src/model/resolve.ts';
import type { Model } from '../../src/model/model.ts';
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';
import type { Gatehouse } from '../../src/policy/evaluate.ts';
import type { GatewayPolicy } from '../../src/policy/gateway-policy.ts';
import { place } from '../../src/policy/place.ts';
import { policyNumber, policySets } from '../../src/policy/sets.ts';
import type { EmittedFile } from '../../src/target/target.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { emit as emitIptables } from '../../targets/iptables/emit.ts';
import { emit as emitNftables } from '../../targets/nftables/emit.ts';
import { emit as emitOpenwrt } from '../../targets/openwrt/emit.ts';
import { markOf } from '../../targets/nftables/target.ts';
import { emit as emitVyos } from '../../targets/vyos/emit.ts';

/** The day on which generated plants are judged. */
export const judgementDay = '2026-11-22';

export interface Compiled {
  readonly text: string;
  readonly sources: SourceMap;
  readonly model: Model;
  readonly policies: readonly GatewayPolicy[];
  readonly diagnostics: readonly Diagnostic[];
  /** Codes and messages of the errors, one a line; empty if it compiles. */
  readonly errors: readonly string[];
}

/** `target`: what the gateways' target can do; tests of grades that no target gives yet bring their own. */
export function compileText(text: string, date = judgementDay, target?: TargetCapabilities): Compiled {
  const loaded = load('plant.zone', () => Buffer.from(text));
  const resolved = resolve(loaded.declarations, loaded.sources);
  const placed = place(resolved.value, new Map([...capabilitiesByName, ...(target === undefined ? [] : [[target.name, target] as const])]), date);
  const diagnostics = [...loaded.diagnostics, ...resolved.diagnostics, ...placed.diagnostics];
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ code, message }) => `${code} ${message}`);
  return { text, sources: loaded.sources, model: resolved.value, policies: placed.value.gateways, diagnostics, errors };
}

const emitters: ReadonlyMap<string, typeof emitNftables> = new Map([
  ['nftables', emitNftables],
  ['iptables', emitIptables],
  ['openwrt', emitOpenwrt],
  ['vyos', emitVyos],
]);

/** A mark that nothing gives, for targets that keep conversations. */
const noMark = { mask: 0xffff_ffff, value: 0xffff_ffff } as const;

export interface Ruleset {
  /** The first file. */
  readonly text: string;
  readonly files: readonly EmittedFile[];
  readonly mark: { readonly mask: number; readonly value: number };
  readonly house: Gatehouse;
  readonly policy: GatewayPolicy;
}

/** What judges packets of a gateway, the only one unless named; throws with the errors if the zone file has any. */
export function judgeOf(compiled: Compiled, name?: string, date = judgementDay, given?: TargetCapabilities): Pick<Ruleset, 'house' | 'policy'> {
  if (compiled.errors.length > 0) throw new Error(`${compiled.errors.join('\n')}\n\n${compiled.text}`);
  const policy = compiled.policies.find((candidate) => name === undefined || candidate.gateway === name);
  const gateway = compiled.model.gateways.find((candidate) => candidate.name === policy?.gateway);
  if (policy === undefined || gateway === undefined) throw new Error('no such gateway');
  const target = given ?? capabilitiesByName.get(policy.target);
  if (target === undefined) throw new Error(`no target ${policy.target}`);
  return { policy, house: { model: compiled.model, gateway, target, date } };
}

/** The ruleset of a gateway, as `judgeOf`. */
export function rulesetOf(compiled: Compiled, name?: string, date = judgementDay): Ruleset {
  const { policy, house } = judgeOf(compiled, name, date);
  const number = policyNumber(policySets(policy));
  const emit = emitters.get(policy.target);
  if (emit === undefined) throw new Error(`no emitter for ${policy.target}`);
  const { files } = emit(policy, {
    policyTitle: compiled.model.title,
    revision: compiled.model.revision,
    sourceDigest: 'test',
    date,
    compilerVersion: 'test',
    policyNumber: number,
    place: (span) => compiled.sources.place(span),
  });
  return {
    text: files[0]?.text ?? '',
    files,
    mark: policy.conversations === 'kept' ? noMark : markOf(Number(policy.options.get('mark-mask')), number),
    house,
    policy,
  };
}
