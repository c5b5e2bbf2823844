/**
 * Rates of `limit` and `hashlimit`.
 *
 * Takes the options of a match, gives the rate and what tells its bucket from others. The one idea: every `limit` has a bucket of its own,
 * a `hashlimit` without a mode has one for all rules of a family that use its name; what the kernel would round away from what is
 * written is refused.
 */
import type { Rate } from '../../src/policy/gateway-policy.ts';
import { shown } from './read-restore.ts';
import type { Option } from './read-rule.ts';
import { Refusal } from './read-tree.ts';

const units = ['second', 'minute', 'hour', 'day'] as const;
const seconds = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;

/** xt_limit counts time in steps of a ten-thousandth of a second, and holds a full bucket in 32 bits. */
const scale = 10_000;
const mostCredit = 2 ** 32;
const mostDeviation = 0.01;
const defaultBurst = 5;

/** `-m limit`: 3/hour with burst 5 where nothing is said. */
export function limitRate(options: readonly Option[], line: number): Rate {
  const rate = readRate(valueOf(options, 'limit', line) ?? '3/hour', valueOf(options, 'limit-burst', line), line);
  const period = Math.floor((scale * seconds[rate.unit]) / rate.amount);
  const kept = period === 0 ? Infinity : (scale * seconds[rate.unit]) / period;
  if (Math.abs(kept / rate.amount - 1) > mostDeviation) throw new Refusal(line, `the kernel does not keep the rate ${rate.amount}/${rate.unit} exactly`);
  if (period * rate.burst >= mostCredit) throw new Refusal(line, `the kernel has no room for the burst ${rate.burst} of ${rate.amount}/${rate.unit}`);
  return rate;
}

/** `-m hashlimit` as one bucket with a name; undefined where it is anything else. */
export function sharedRate(options: readonly Option[], line: number): { readonly name: string; readonly rate: Rate } | undefined {
  const known = ['hashlimit-upto', 'hashlimit', 'hashlimit-burst', 'hashlimit-name', 'hashlimit-htable-size', 'hashlimit-htable-max'];
  if (options.some((option) => !known.includes(option.name))) return undefined;
  const name = valueOf(options, 'hashlimit-name', line);
  const text = valueOf(options, 'hashlimit-upto', line) ?? valueOf(options, 'hashlimit', line);
  if (name === undefined || text === undefined || !/^\d+\/[a-z]+$/iu.test(text)) return undefined;
  const rate = readRate(text, valueOf(options, 'hashlimit-burst', line), line);
  // An idle bucket is thrown away after one unit of its rate, and the next one is full.
  return rate.burst > rate.amount ? undefined : { name, rate };
}

function readRate(text: string, burstText: string | undefined, line: number): Rate {
  const match = /^(\d{1,9})(?:\/([a-z]+))?$/iu.exec(text);
  const word = match?.[2]?.toLowerCase() ?? 'second';
  const unit = units.find((candidate) => candidate.startsWith(word)) ?? (word === 'sec' ? 'second' : word === 'min' ? 'minute' : undefined);
  const amount = Number(match?.[1] ?? 0);
  const burst = burstText === undefined ? defaultBurst : /^\d{1,9}$/u.test(burstText) ? Number(burstText) : 0;
  if (unit === undefined || amount === 0 || burst === 0) throw new Refusal(line, `${shown(text)} with burst ${burst} is no rate`);
  return { amount, unit, burst };
}

function valueOf(options: readonly Option[], name: string, line: number): string | undefined {
  const option = options.find((candidate) => candidate.name === name);
  if (option?.negated === true) throw new Refusal(line, `--${name} cannot be negated`);
  return option?.values[0];
}
