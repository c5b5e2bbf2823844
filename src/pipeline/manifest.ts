/**
 * The manifest: what a compile wrote, from what, and what was proved. `manifest.json` in the output folder.
 */
import { createHash } from 'node:crypto';
import type { SourceMap } from '../base/source.ts';
import type { Grade } from '../model/model.ts';
import type { Conversations, GatewayPolicy } from '../policy/gateway-policy.ts';
import type { ManifestEssential } from './essential-manifest.ts';

/** 2: essential flows with their messages written out. */
export const manifestSchema = 2;

interface WrittenFile {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** A configuration and the reader that proved it, or a script that loads configurations and holds no rule. */
export type ManifestFile = (WrittenFile & { readonly proved: true; readonly reader: string }) | (WrittenFile & { readonly loader: true });

export interface ManifestFlow {
  readonly name: string;
  /** `plant.zone:41`. */
  readonly place: string;
  readonly effect: 'allow' | 'deny';
  /** The grade achieved, for flows that ask for inspection. */
  readonly grade: Grade | null;
  /** True if what is enforced is more than what was written (`accept-weaker`). */
  readonly widened: boolean;
}

export interface ManifestGateway {
  readonly target: string;
  readonly options: Readonly<Record<string, string>>;
  /** Whether the policy judges packets of known conversations, or the platform keeps all that it knows. */
  readonly conversations: Conversations;
  /** Conntrack mark of conversations judged by this policy, hexadecimal; null where they are kept. */
  readonly policyNumber: string | null;
  readonly files: readonly ManifestFile[];
  readonly flows: readonly ManifestFlow[];
  /** Emitted name → name in the zone file, for names that had to be shortened. */
  readonly shortened: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly generator: 'zonewright';
  readonly schema: number;
  readonly compiler: string;
  readonly policy: { readonly title: string; readonly revision: number | null };
  readonly date: string;
  readonly sourceDigest: string;
  readonly sources: readonly { readonly name: string; readonly sha256: string }[];
  readonly gateways: Readonly<Record<string, ManifestGateway>>;
  readonly essential: readonly ManifestEssential[];
  /** Over `essential` as it stands here: a list that lost a line would lose a promise unseen. */
  readonly essentialDigest: string;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

export function essentialDigest(essential: unknown): string {
  return sha256(JSON.stringify(essential ?? null));
}

/** Over names and contents, sorted by name, so neither the order of includes nor the machine matters. */
export function sourceDigest(sources: SourceMap): string {
  const files = sources.files.map((file) => `${sha256(file.text)}  ${file.name}\n`).sort();
  return sha256(files.join(''));
}

export function manifestFlows(policy: GatewayPolicy, place: (span: GatewayPolicy['entries'][number]['origin']['span']) => string): ManifestFlow[] {
  return policy.entries.map((entry) => ({
    name: entry.origin.name,
    place: place(entry.origin.span),
    effect: entry.effect,
    grade: entry.grade ?? null,
    widened: (entry.heard ?? entry.enforced) !== entry.written,
  }));
}
