/**
 * What the scripts of this folder share: options, seeded random numbers, middle values, the compiler as a process, plain tables.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `ZW_MAIN` names the compiler of another build, so that two can be compared. */
const main = process.env.ZW_MAIN ?? fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** The day that every plant is judged for, so that a run of tomorrow measures the same. */
export const date = '2026-11-23';

/** A child that reports its own peak, so that no other tool is needed. */
const wrapper = `process.on('exit', () => process.stderr.write('\\nPEAK ' + process.resourceUsage().maxRSS)); await import(process.env.ZW_MAIN);`;

/** Numbers in [0, 1), mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * `--flows 10,100 --quick` → `{ flows: [10, 100], quick: true }`: an option has the type of its default, and an unknown one is an
 * error, since a misspelt option would measure something else than was asked for.
 */
export function options(argv, defaults) {
  const result = { ...defaults };
  for (let index = 0; index < argv.length; index++) {
    const name = argv[index].replace(/^--/u, '');
    if (!argv[index].startsWith('--') || !(name in defaults)) {
      console.error(
        `unknown option ${argv[index]}; there are: ${Object.keys(defaults)
          .map((one) => `--${one}`)
          .join(' ')}`,
      );
      process.exit(2);
    }
    const preset = defaults[name];
    if (preset === false || preset === true) {
      result[name] = true;
      continue;
    }
    index += 1;
    const value = argv[index] ?? '';
    if (Array.isArray(preset)) result[name] = value.split(',').map((one) => (typeof preset[0] === 'number' ? Number(one) : one));
    else result[name] = typeof preset === 'number' ? Number(value) : value;
  }
  return result;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** One whole process of the compiler: `{ seconds, peak (MiB), status, stdout, stderr }`; past `limit` seconds it is ended, without a status. */
export function zonewright(args, limit = 600) {
  const began = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', wrapper, 'zonewright', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 29,
    timeout: limit * 1000,
    killSignal: 'SIGKILL',
    env: { ...process.env, ZW_MAIN: main },
  });
  const seconds = (performance.now() - began) / 1000;
  return { seconds, peak: Number(/PEAK (\d+)/u.exec(stderr)?.[1] ?? 0) / 1024, status, stdout, stderr };
}

/** Columns of text, right-aligned save the first. */
export function table(head, rows) {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
