import { expect, it } from 'vitest';
import { iptables } from '../../../targets/iptables/index.ts';
import { policySets, policySpace } from '../../../src/policy/sets.ts';
import { proveFiles } from '../../../src/pipeline/prove.ts';
import { compileText, rulesetOf } from '../../generators/compile.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
it('p', () => {
  const n = Number(process.env['N'] ?? 40);
  let bad = 0; let ok = 0; const why = new Map<string, number>();
  for (let i = 0; i < n; i++) {
    const { plant } = compilingPlant(5000 + i * 10);
    for (const sets of ['yes', 'no']) {
      const text = zoneFile(plant).replaceAll(/target nftables \{[^}]*\}/gu, `target iptables { sets ${sets} }`).replaceAll('target nftables', `target iptables { sets ${sets} }`);
      const compiled = compileText(text);
      if (compiled.errors.length > 0) { why.set(compiled.errors[0]!, 1); continue; }
      const ruleset = rulesetOf(compiled);
      const files = (ruleset as any).files.filter((f: any) => f.loader !== true);
      const d = iptables.emit(ruleset.policy, { policyTitle: '', revision: 1, sourceDigest: '', date: '', compilerVersion: '', policyNumber: 1, place: () => '' }).diagnostics; if (d.length > 0) { why.set(d[0]!.message.slice(0, 80), 1); continue; }
      const s = policySets(ruleset.policy, policySpace(ruleset.policy));
      const proof = proveFiles(ruleset.policy, s, iptables, files, ruleset.mark);
      if (proof.kind === 'equal') ok++;
      else { bad++; if (bad < 6) console.log(plant.seed, sets, JSON.stringify(proof, (_, v) => typeof v === 'bigint' ? '0x' + v.toString(16) : v).slice(0, 600)); }
    }
  }
  console.log('equal', ok, 'bad', bad, [...why.keys()].slice(0, 3));
}, 300000);
