import { it } from 'vitest';
import { writeFileSync, mkdirSync } from 'node:fs';
import { compileText, rulesetOf } from '../../generators/compile.ts';
import { compilingPlant, zoneFile } from '../../generators/plants.ts';
it('d', () => {
  const seed = Number(process.env['S']); const sets = process.env['SETS'] ?? 'yes';
  const { plant } = compilingPlant(seed);
  const text = zoneFile(plant).replaceAll(/target nftables \{[^}]*\}/gu, `target iptables { sets ${sets} }`).replaceAll('target nftables', `target iptables { sets ${sets} }`);
  const r: any = rulesetOf(compileText(text));
  mkdirSync('/tmp/x/d', { recursive: true });
  writeFileSync('/tmp/x/d/plant.zone', text);
  for (const f of r.files) writeFileSync('/tmp/x/d/' + f.name, f.text);
});
