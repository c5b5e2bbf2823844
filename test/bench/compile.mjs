/**
 * Time and memory of `zonewright compile`, and the size of what it writes, by size and mix of the plant.
 *
 *     npm run build && node test/bench/compile.mjs [--flows 10,100,1000,10000] [--mix mixed,hosts,groups] [--runs 3] [--seed 1] [--limit 600]
 *         [--targets nftables,legacy,legacy-trees]
 *
 * Whole processes, as in `check.mjs`: the best and the median wall time, the largest resident set, and by how much the step from the size before
 * multiplies the time, told as a factor for each doubling. Beside the output stand the rules of the linear ruleset and the elements of
 * a set that holds one for each source × destination × port. The back ends of iptables have the same rules, so one is enough. A measurement, never a test.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { date, median, options, table, zonewright } from './common.mjs';
import { naive } from './linear.mjs';
import { plan, written } from './mixed.mjs';
import { targets as words } from './rulesets.mjs';

export const defaults = { flows: [10, 100, 1000, 10_000], mix: ['mixed'], runs: 3, seed: 1, limit: 600, targets: ['nftables', 'legacy', 'legacy-trees'] };

/** `[{ target, mix, flows, best, median, peak, bytes, elements, naive, doubling }]`; a size that does not compile has `failed`. */
export function measure({ flows, mix, runs, seed, limit, targets }, say = () => undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'zonewright-bench-'));
  const rows = [];
  try {
    for (const target of targets)
      for (const one of mix) {
        let before;
        for (const number of flows) {
          const plant = plan({ flows: number, seed, mix: one });
          const file = join(folder, 'plant.zone');
          writeFileSync(file, written(plant, words[target]));
          const row = { target, mix: one, flows: number, naive: naive(plant), ...compiled(file, join(folder, 'out'), runs, limit) };
          if (before?.failed === undefined && before !== undefined && row.failed === undefined)
            row.doubling = (row.median / before.median) ** (1 / Math.log2(number / before.flows));
          before = row;
          rows.push(row);
          say(`${target}, ${one}, ${number} flows: ${row.failed ?? `${row.best.toFixed(2)} s`}`);
        }
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

export function told(rows) {
  const good = rows.filter(({ failed }) => failed === undefined);
  const columns = [
    'target',
    'mix',
    'flows',
    'best s',
    'median s',
    'a doubling',
    'peak MiB',
    'output KiB',
    'elements',
    'rules',
    'naive elements',
    'linear rules',
  ];
  const lines = good.map((row) => [
    row.target,
    row.mix,
    row.flows,
    row.best.toFixed(2),
    row.median.toFixed(2),
    row.doubling?.toFixed(2) ?? '',
    row.peak.toFixed(0),
    (row.bytes / 1024).toFixed(0),
    row.elements,
    row.rules ?? '',
    row.naive.elements,
    row.naive.rules,
  ]);
  const bad = rows
    .filter(({ failed }) => failed !== undefined)
    .map((row) => `${row.target}, ${row.mix}, ${row.flows} flows (${row.naive.elements} naive elements): ${row.failed}`);
  return [table(columns, lines), ...bad].join('\n');
}

function compiled(file, out, runs, limit) {
  const times = [];
  let peak = 0;
  for (let run = 0; run < runs; run++) {
    rmSync(out, { recursive: true, force: true });
    const done = zonewright(['compile', file, '--date', date, '-o', out], limit);
    if (done.status !== 0) return { failed: failure(done, limit) };
    times.push(done.seconds);
    peak = Math.max(peak, done.peak);
    // What takes this long is not a matter of some noise.
    if (done.seconds > 60) break;
  }
  return { best: Math.min(...times), median: median(times), peak, ...sizes(join(out, 'gw')) };
}

function failure({ status, stderr, seconds }, limit) {
  if (status === null)
    return seconds > limit ? `ended after ${limit} s` : `died after ${seconds.toFixed(0)} s${stderr.includes('heap') ? ': out of memory' : ''}`;
  return `exit ${status}: ${(/^(?:error|finding).*$/mu.exec(stderr)?.[0] ?? stderr).slice(0, 80)}`;
}

/** Of the files that hold rules and sets. Rules are counted where a line is one, in the larger family. */
function sizes(gateway) {
  const texts = new Map(
    readdirSync(gateway)
      .filter((name) => name !== 'load.sh')
      .map((name) => [name, readFileSync(join(gateway, name))]),
  );
  const bytes = [...texts.values()].reduce((sum, text) => sum + text.length, 0);
  const lines = (name, start) =>
    texts
      .get(name)
      ?.toString('latin1')
      .match(new RegExp(`^${start} `, 'gmu'))?.length ?? 0;
  const ruleset = texts.get('ruleset.nft');
  if (ruleset !== undefined) return { bytes, elements: elements(ruleset) };
  return { bytes, elements: lines('ipset.rules', 'add'), rules: Math.max(lines('iptables.rules', '-A'), lines('ip6tables.rules', '-A')) };
}

/** Lines inside `elements = { … }`; counted in bytes, since a ruleset may be longer than a string. */
function elements(bytes) {
  const newline = 10;
  const open = Buffer.from('elements = {\n');
  const close = Buffer.from('}\n');
  let count = 0;
  for (let at = bytes.indexOf(open); at >= 0; at = bytes.indexOf(open, at)) {
    at += open.length;
    for (let end = bytes.indexOf(newline, at); end >= 0; end = bytes.indexOf(newline, at)) {
      const last =
        bytes
          .subarray(at, end + 1)
          .toString('latin1')
          .trimStart() === close.toString('latin1');
      at = end + 1;
      if (last) break;
      count += 1;
    }
  }
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(told(measure(options(process.argv.slice(2), defaults), (line) => console.error(line))));
}
