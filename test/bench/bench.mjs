/**
 * Everything that is measured, in one run: packets on the kernel, `compile`, `check`; prints tables, writes `bench.json` and `cost.svg`.
 *
 *     npm run build && npm run bench -- [--quick] [--flows 10,1000,10000] [--mix mixed] [--only packets|compile|check] [--out FOLDER]
 *         [--rounds 5] [--largest 64] [--limit 600] [--rulesets empty,linear,nftables,…]
 *
 * `--quick` takes 10 and 1000 flows and fewer rounds, under five minutes. Without root or a tool the part with packets says why it is left
 * out. A measurement, never a test: no number makes it fail, only packets that did not go where they should.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { options } from './common.mjs';
import * as compile from './compile.mjs';
import * as packets from './packets.mjs';
import { plot } from './plot.mjs';
import { rulesets, targets } from './rulesets.mjs';

const defaults = { quick: false, flows: [], mix: ['mixed'], only: '', out: '', seed: 1, rounds: 0, largest: 64, limit: 600, rulesets };
const asked = options(process.argv.slice(2), { ...defaults, flows: [0] });
const { quick, mix, only, out, seed, largest, limit, rulesets: wanted } = asked;
const flows = asked.flows[0] > 0 ? asked.flows : quick ? [10, 1000] : [10, 100, 1000, 10_000];
const rounds = asked.rounds || (quick ? 2 : 5);
const result = { command: ['node test/bench/bench.mjs', ...process.argv.slice(2)].join(' '), flows, mix, seed, rounds };
const say = (line) => console.error(`  ${line}`);

if (only === '' || only === 'packets') {
  const reason = packets.missing(wanted);
  if (reason === undefined) {
    result.packets = [];
    for (const one of mix) {
      const measured = await packets.measure({ ...packets.defaults, flows, mix: one, seed, rounds, largest, rulesets: wanted, millis: quick ? 120 : 250 }, say);
      result.packets.push(measured);
      console.log(`${packets.told(measured)}\n`);
    }
  } else console.log(`packets are not measured: ${reason}\n`);
}
if (only === '' || only === 'compile') {
  const compiled = Object.keys(targets).filter((name) => wanted.includes(name) && !name.startsWith('nf_tables'));
  result.compile = compile.measure({ flows, mix, runs: quick ? 1 : 3, seed, limit, targets: compiled }, say);
  console.log(`compile\n\n${compile.told(result.compile)}\n`);
}
if (only === '' || only === 'check') {
  const size = String(quick ? 1000 : Math.max(...flows));
  const { stdout } = spawnSync(process.execPath, [fileURLToPath(new URL('check.mjs', import.meta.url)), '--flows', size, '--runs', quick ? '1' : '3'], {
    encoding: 'utf8',
  });
  result.check = stdout.trim().split('\n');
  console.log(`check, on the plants of plant.mjs\n\n${stdout}`);
}
if (out !== '') {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'bench.json'), `${JSON.stringify(result, null, 2)}\n`);
  const drawable = result.packets?.filter(({ sizes }) => sizes.length > 0) ?? [];
  // One picture a mix: they cannot be compared in one.
  for (const measured of drawable) writeFileSync(join(out, drawable.length === 1 ? 'cost.svg' : `cost-${measured.mix}.svg`), plot(measured, packets.classes));
}
