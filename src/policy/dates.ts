/** Days of the calendar: which flows are in force on the date of evaluation (rule 9). */
import type { FlowProperties } from '../model/model.ts';

/** Today in a time zone (the machine's own if undefined), as `YYYY-MM-DD`. */
export function today(timezone: string | undefined, now: Date = new Date()): string {
  // A formatter of `Intl` takes longer to make than a small plant to check.
  if (timezone === undefined) return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    calendar: 'gregory',
    numberingSystem: 'latn',
  }).formatToParts(now);
  const part = (type: string): string => parts.find((found) => found.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

/** Days from one date to another; negative if `to` lies before `from`. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

/** A flow lasts through the end of its last day. */
export function isExpired(flow: FlowProperties, date: string): boolean {
  return flow.expires !== undefined && flow.expires.value < date;
}

export function inForce(flow: FlowProperties, date: string): boolean {
  return flow.disabled === undefined && !isExpired(flow, date);
}
