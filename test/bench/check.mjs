/**
 * How long `zonewright check` takes and how much memory it needs, on generated plants of growing size.
 *
 *     npm run build && node test/bench/check.mjs [--flows 10000] [--runs 5] [--doublings 1] [--asserts 60] [--gateways 4]
 *
 * Prints for each size the best and the median wall time of whole processes and the largest resident set, and by how
 * much doubling the flows multiplies the time. A measurement, never a test: nothing fails here.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { numbers, plant } from './plant.mjs';

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const { flows = 10_000, runs = 5, doublings = 1, asserts = 60, gateways = 4 } = numbers(process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), 'zonewright-bench-'));

/** A child that reports its own peak, so that no other tool is needed. */
const wrapper = `process.on('exit', () => process.stderr.write('\\nPEAK ' + process.resourceUsage().maxRSS)); await import(process.env.ZW_MAIN);`;

function measure(file) {
  const times = [];
  let peak = 0;
  let said = '';
  for (let run = 0; run < runs; run++) {
    const began = process.hrtime.bigint();
    const { stderr, stdout, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', wrapper, 'zonewright', 'check', file, '--date', '2026-11-22'],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        env: { ...process.env, ZW_MAIN: main },
      },
    );
    times.push(Number(process.hrtime.bigint() - began) / 1e9);
    peak = Math.max(peak, Number(/PEAK (\d+)/u.exec(stderr)?.[1] ?? 0) / 1024);
    const proved = stdout.match(/^assert .*: proved/gmu)?.length ?? 0;
    said = `exit ${status}, ${proved} asserts proved, ${stderr.match(/^warning\[/gmu)?.length ?? 0} warnings`;
  }
  times.sort((a, b) => a - b);
  return { best: times[0], median: times[times.length >> 1], peak, said };
}

try {
  let before;
  for (let step = 0; step <= doublings; step++) {
    const size = flows * 2 ** step;
    const file = join(folder, `plant-${size}.zone`);
    const text = plant({ flows: size, asserts, gateways });
    writeFileSync(file, text);
    const { best, median, peak, said } = measure(file);
    const factor = before === undefined ? '' : `, ${(median / before).toFixed(2)} times the half`;
    console.log(
      `${size} flows, ${(text.length / 1024).toFixed(0)} KiB: best ${best.toFixed(2)} s, median ${median.toFixed(2)} s, ${peak.toFixed(0)} MiB${factor}; ${said}`,
    );
    before = median;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
