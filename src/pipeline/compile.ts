/**
 * Compile: check, emit, read back, compare, write.
 *
 * Nothing is written unless every file of every gateway is proved equal to the policy and the policy has no findings.
 */
import { version } from '../base/version.ts';
import { fileCodes } from '../diagnostics/codes/files.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { internalCodes } from '../diagnostics/codes/internal.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { nearest } from '../base/nearest.ts';
import { essentialLosses, essentialRecords } from '../analysis/essential-history.ts';
import { packetWords, stateWords } from '../analysis/words.ts';
import type { GatewayPolicy } from '../policy/gateway-policy.ts';
import { policyNumber, policySets, policySpace } from '../policy/sets.ts';
import type { PlanRow } from '../target/plan-row.ts';
import type { EmittedFile, Target } from '../target/target.ts';
import { type Checked, check, type CheckOptions, exitStatus } from './check.ts';
import { readEssential, writeEssential } from './essential-manifest.ts';
import { essentialDigest, type Manifest, type ManifestGateway, manifestFlows, manifestSchema, sha256, sourceDigest } from './manifest.ts';
import { manifestName, type OutputFiles, readManifest, recover, refusal, replaceOutput } from './output.ts';
import { proveFiles } from './prove.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CompileOptions extends CheckOptions {
  readonly output: string;
  /** Only these gateways; all if undefined. */
  readonly gateways: readonly string[] | undefined;
  /** Essential flows of the earlier output that may go. */
  readonly acceptLoss?: readonly string[] | undefined;
  readonly loadTarget: (name: string) => Promise<Target>;
  /** Told what comes next, for runs that take long. */
  readonly progress?: (stage: string) => void;
}

export interface Compiled {
  readonly checked: Checked;
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined if nothing was written. */
  readonly manifest: Manifest | undefined;
  /** How the lookups of each gateway that was compiled were planned. */
  readonly plans: ReadonlyMap<string, readonly PlanRow[]>;
}

export async function compile(path: string, options: CompileOptions): Promise<Compiled> {
  options.progress?.('checking');
  const checked = check(path, options);
  const diagnostics: Diagnostic[] = [...checked.diagnostics];
  const plans = new Map<string, readonly PlanRow[]>();
  const stop = (): Compiled => ({ checked, diagnostics, manifest: undefined, plans });
  const names = checked.model.gateways.map((gateway) => gateway.name);
  for (const name of options.gateways ?? []) {
    if (names.includes(name)) continue;
    const suggestion = nearest(name, names);
    diagnostics.push(
      diagnostic(
        fileCodes.unknownGateway,
        undefined,
        { name },
        { help: [suggestion === undefined ? `gateways of this policy: ${names.join(', ') || 'none'}` : `did you mean \`${suggestion}\`?`] },
      ),
    );
  }
  // An empty file would otherwise replace the rulesets of a whole plant by nothing.
  if (exitStatus(diagnostics) === 0 && names.length === 0)
    diagnostics.push(diagnostic(modelCodes.noGateway, undefined, {}, { help: ['declare a `gateway`, or compile the file that includes this one'] }));
  if (exitStatus(diagnostics) !== 0) return stop();
  const refused = recover(options.output) ?? refusal(options.output);
  if (refused !== undefined) {
    diagnostics.push(refused);
    return stop();
  }
  diagnostics.push(...essentialHistory(options, checked));
  if (exitStatus(diagnostics) !== 0) return stop();
  const digest = sourceDigest(checked.loaded.sources);
  const files = new Map<string, string>();
  const gateways = new Map<string, ManifestGateway>();
  for (const policy of checked.placement.gateways) {
    const wanted = options.gateways === undefined || options.gateways.includes(policy.gateway);
    if (!wanted) {
      const target = await options.loadTarget(policy.target);
      const kept = keep(options.output, policy, target, digest, checked.date, files);
      if (typeof kept === 'string') {
        diagnostics.push(
          diagnostic(
            fileCodes.staleOutput,
            undefined,
            { path: options.output, why: kept },
            { help: ['compile all gateways (without `--gateway`), or into another folder'] },
          ),
        );
        return stop();
      }
      if (kept !== undefined) gateways.set(policy.gateway, kept);
      continue;
    }
    options.progress?.(`emitting and proving ${policy.gateway}`);
    const target = await options.loadTarget(policy.target);
    const built = build(checked, policy, target, digest, diagnostics);
    if (built === undefined) return stop();
    for (const file of built.files) files.set(`${policy.gateway}/${file.name}`, file.text);
    gateways.set(policy.gateway, built.entry);
    plans.set(policy.gateway, built.plan);
  }
  const essential = essentialRecords(checked.model).map(writeEssential);
  const manifest: Manifest = {
    generator: 'zonewright',
    schema: manifestSchema,
    compiler: version,
    policy: { title: checked.model.title, revision: checked.model.revision ?? null },
    date: checked.date,
    sourceDigest: digest,
    sources: checked.loaded.sources.files.map((file) => ({ name: file.name, sha256: sha256(file.text) })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    gateways: Object.fromEntries([...gateways].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    essential,
    essentialDigest: essentialDigest(essential),
  };
  const output: OutputFiles = new Map([...files, [manifestName, `${JSON.stringify(manifest, undefined, 2)}\n`]]);
  const failed = replaceOutput(options.output, output);
  if (failed !== undefined) {
    diagnostics.push(failed);
    return stop();
  }
  return { checked, diagnostics, manifest, plans };
}

/** What the policy of the earlier output called essential and this one does not (rule 10). */
function essentialHistory(options: CompileOptions, checked: Checked): Diagnostic[] {
  const earlier = readManifest(options.output);
  if (earlier === undefined) return [];
  const records = earlier.essentialDigest === essentialDigest(earlier.essential) ? readEssential(earlier.essential) : undefined;
  const accepted = new Set(options.acceptLoss);
  if (records === undefined) {
    const help = ['compare the two policies with `zonewright diff`, then compile into a new folder'];
    return [diagnostic(fileCodes.unknownEssential, undefined, { path: options.output }, { help })];
  }
  const losses = essentialLosses(records, checked.model, checked.date);
  const lost = new Set(losses.map((loss) => loss.name));
  return [
    ...losses.filter((loss) => !accepted.has(loss.name)).map((loss) => loss.diagnostic),
    ...[...accepted]
      .filter((name) => !lost.has(name))
      .map((name) => {
        const suggestion = nearest(name, lost);
        const help = [suggestion === undefined ? 'take the option out, so that a later loss is not accepted unseen' : `did you mean \`${suggestion}\`?`];
        return diagnostic(fileCodes.acceptedNothing, undefined, { name }, { help });
      }),
  ];
}

/** Emits one gateway and proves it; undefined (and a diagnostic) if the proof fails. */
function build(
  checked: Checked,
  policy: GatewayPolicy,
  target: Target,
  digest: string,
  diagnostics: Diagnostic[],
): { files: readonly EmittedFile[]; entry: ManifestGateway; plan: readonly PlanRow[] } | undefined {
  const sets = policySets(policy, policySpace(policy));
  const number = policyNumber(sets);
  const place = checked.loaded.sources.place.bind(checked.loaded.sources);
  const { emission, diagnostics: said } = target.emit(policy, {
    policyTitle: checked.model.title,
    revision: checked.model.revision,
    sourceDigest: digest,
    date: checked.date,
    compilerVersion: version,
    policyNumber: number,
    place,
  });
  diagnostics.push(...said);
  if (exitStatus(said) !== 0) return undefined;
  const configuration = emission.files.filter((file) => file.loader !== true);
  const names = configuration.map((file) => file.name).join(', ');
  const mark = target.mark(policy, number);
  const proof = proveFiles(policy, sets, target, configuration, mark);
  if (proof.kind === 'refused') {
    const [first] = proof.refusals;
    diagnostics.push(
      diagnostic(
        internalCodes.readerRefused,
        undefined,
        { gateway: policy.gateway, file: names, what: first?.what ?? 'nothing said why' },
        { notes: proof.refusals.slice(0, 5).map((one) => `line ${one.line ?? '?'}: ${one.what}`) },
      ),
    );
    return undefined;
  }
  if (proof.kind === 'differs') {
    diagnostics.push(
      diagnostic(
        internalCodes.proofFailed,
        undefined,
        { gateway: policy.gateway, file: names },
        {
          notes: [`${proof.packet === undefined ? 'some packet' : stateWords(checked.model, proof.packet)} ${proof.how}`],
          help: ['this is a bug of zonewright; nothing was written'],
          data: proof.packet === undefined ? undefined : { witness: packetWords(checked.model, proof.packet) },
        },
      ),
    );
    return undefined;
  }
  return {
    files: emission.files,
    plan: emission.plan,
    entry: {
      target: policy.target,
      options: Object.fromEntries(policy.options),
      conversations: policy.conversations,
      policyNumber: mark === undefined ? null : `0x${mark.value.toString(16).padStart(8, '0')}`,
      files: emission.files.map((file) => ({
        name: file.name,
        sha256: sha256(file.text),
        bytes: Buffer.byteLength(file.text),
        ...(file.loader === true ? { loader: true as const } : { proved: true as const, reader: target.capabilities.name }),
      })),
      flows: manifestFlows(policy, place),
      shortened: Object.fromEntries([...emission.shortened].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

/** Takes over a gateway's files from the earlier output, proved again; a string says why that cannot be. */
function keep(
  output: string,
  policy: GatewayPolicy,
  target: Target,
  digest: string,
  date: string,
  files: Map<string, string>,
): ManifestGateway | string | undefined {
  const manifest = readManifest(output);
  const entry = manifest?.gateways[policy.gateway];
  if (manifest === undefined || entry === undefined) return undefined;
  if (manifest.compiler !== version) return `they were compiled by zonewright ${manifest.compiler}`;
  if (manifest.sourceDigest !== digest) return 'they come from other sources';
  if (manifest.date !== date) return `they were compiled for ${manifest.date}`;
  const found: EmittedFile[] = [];
  for (const file of entry.files) {
    let text: string;
    try {
      text = readFileSync(join(output, policy.gateway, file.name), 'utf8');
    } catch {
      return `${policy.gateway}/${file.name} is missing`;
    }
    if (sha256(text) !== file.sha256) return `${policy.gateway}/${file.name} was edited`;
    found.push('loader' in file ? { name: file.name, text, loader: true } : { name: file.name, text });
  }
  const sets = policySets(policy, policySpace(policy));
  const configuration = found.filter((file) => file.loader !== true);
  if (proveFiles(policy, sets, target, configuration, target.mark(policy, policyNumber(sets))).kind !== 'equal')
    return `what ${policy.gateway} has does not equal the policy`;
  for (const file of found) files.set(`${policy.gateway}/${file.name}`, file.text);
  return entry;
}
