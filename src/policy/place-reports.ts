/**
 * What is said of flows and zones before any gateway's rules are made.
 *
 * Takes resolved flows and which gateways join which zones, gives diagnostics: zones that no gateway faces, flows that open nothing or run where no
 * gateway stands (rules 4 and 11), dates that are over or near (rule 9).
 */
import { lintCodes } from '../diagnostics/codes/lint.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import { commonFamilies, type Flow, type FlowProperties, type Model } from '../model/model.ts';
import { ZoneIndex } from '../model/zone-index.ts';
import { type AddressSet, isEmpty } from '../net/address-set.ts';
import { hasServices } from '../packets/service-set.ts';
import { daysBetween, isExpired } from './dates.ts';
import { Joins } from './joins.ts';

/** Days before its end from which an essential flow's expiry is said loudly (rule 9). */
const loudDays = 60;

export function reportZones(model: Model, joins: Joins, diagnostics: Diagnostic[]): void {
  for (const zone of model.zones) {
    if (!joins.faced(zone.name)) {
      diagnostics.push(
        diagnostic(
          lintCodes.unfacedZone,
          zone.span,
          { zone: zone.name },
          { help: ['add it to the `faces` of the interface it lies behind, also through other routers'] },
        ),
      );
    }
  }
}

/** Expiry (rule 9) of a flow or of a line of a gateway's own traffic; true if it has expired. */
export function reportDates(flow: FlowProperties, name: string, date: string, diagnostics: Diagnostic[]): boolean {
  const end = flow.expires;
  if (end === undefined) return false;
  if (isExpired(flow, date)) {
    // An essential one is a finding of its own.
    if (!flow.essential)
      diagnostics.push(diagnostic(lintCodes.expired, end.span, { flow: name, date: end.value }, { help: ['remove the flow, or set a later date'] }));
    return true;
  }
  if (flow.essential) {
    const days = daysBetween(date, end.value);
    const help = ['take `expires` out, or agree a later date before production stops'];
    if (days <= loudDays) {
      diagnostics.push(
        diagnostic(lintCodes.essentialExpiresSoon, end.span, { flow: name, date: end.value, days: days === 1 ? '1 day' : `${days} days` }, { help }),
      );
    } else {
      diagnostics.push(diagnostic(lintCodes.essentialExpires, end.span, { flow: name, date: end.value }, { help }));
    }
  }
  return false;
}

/** Coverage (rule 11), emptiness (rule 4) and dates (rule 9) of one flow. */
export function reportFlow(flow: Flow, index: ZoneIndex, zoned: (set: AddressSet) => AddressSet, joins: Joins, date: string, diagnostics: Diagnostic[]): void {
  if (reportDates(flow, flow.name, date, diagnostics)) return;
  const nothing = (why: string, help: string): void => {
    diagnostics.push(diagnostic(lintCodes.opensNothing, flow.span, { flow: flow.name, why }, { help: [help] }));
  };
  const from = zoned(flow.from.addresses);
  const to = zoned(flow.to.addresses);
  if (isEmpty(from) || isEmpty(to)) {
    nothing(`no zone holds \`${(isEmpty(from) ? flow.from : flow.to).text}\``, 'name a zone, a host or an address that lies in a zone');
    return;
  }
  const common = commonFamilies(from, to);
  if (common.length === 0) {
    nothing('its two sides share no address family', 'give both sides an IPv4 or both an IPv6 address');
    return;
  }
  if (!common.some((family) => hasServices(flow.services.set, family))) {
    nothing('its services do not exist in the address family that its two sides share', 'an `icmpv6` message needs IPv6 on both sides, an `icmp type` IPv4');
    return;
  }
  let joined = false;
  const unjoined: string[] = [];
  const targets = index.parts(to);
  for (const source of index.parts(from)) {
    for (const target of targets) {
      if (commonFamilies(source.part, target.part).length === 0) continue;
      if (joins.gateways(source.zone.name, target.zone.name).length > 0) joined = true;
      else if (source.zone !== target.zone && joins.sharedInterface(source.zone.name, target.zone.name) === undefined)
        unjoined.push(`${source.zone.name} -> ${target.zone.name}`);
    }
  }
  if (!joined) {
    diagnostics.push(
      diagnostic(
        modelCodes.notJoined,
        flow.span,
        { flow: flow.name },
        {
          secondary: [
            { span: flow.from.span, label: 'from here' },
            { span: flow.to.span, label: 'to here' },
          ],
          notes: unjoined.slice(0, 5).map((pair) => `no gateway has an interface that faces each side of ${pair}`),
          help: ['declare the gateway between them, or add the zone to the `faces` of the interface it lies behind'],
        },
      ),
    );
  } else if (unjoined.length > 0 && flow.effect === 'allow') {
    const shown = unjoined.slice(0, 4).join(', ') + (unjoined.length > 4 ? ` and ${unjoined.length - 4} more` : '');
    diagnostics.push(
      diagnostic(
        lintCodes.partlyJoined,
        flow.span,
        { flow: flow.name, pairs: shown },
        { help: ['name only zones that a gateway joins, or declare the gateway between them'] },
      ),
    );
  }
}
