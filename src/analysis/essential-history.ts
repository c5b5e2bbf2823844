/**
 * Essential flows across compiles (rule 10): what an earlier policy called essential must still be essential.
 *
 * Takes the earlier policy's essential conversations, gives a finding for each that is gone or smaller. A flow may be
 * renamed, split or joined: what counts is that essential flows in force still hold all of it. That these are permitted
 * whole is `essential.ts`'s business.
 */
import { assertCodes } from '../diagnostics/codes/asserts.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import type { FlowProperties, Gateway, GatewayTraffic, Interface, Model } from '../model/model.ts';
import { type AddressSet, intersectAddresses, unionAddresses } from '../net/address-set.ts';
import { AddressLine } from '../packets/address-line.ts';
import { ConversationSpace } from '../packets/conversation-space.ts';
import { empty } from '../packets/diagram.ts';
import { inspectedServices, isNoService, type ServiceSet } from '../packets/service-set.ts';
import { inForce } from '../policy/dates.ts';
import { bordersOf, dynamicAddress } from './plant-sets.ts';
import { rowsOf } from './rows.ts';

/** What was essential; `gateway` is set for a gateway's own traffic, of which one side is then left out. */
export interface EssentialRecord {
  readonly name: string;
  readonly gateway: { readonly name: string; readonly direction: 'to' | 'from' } | undefined;
  readonly from: AddressSet;
  readonly to: AddressSet;
  readonly services: ServiceSet;
  /** The called side asks, so that the services are what it may say; absent: the side that opens the conversation does. */
  readonly backward?: true;
}

export function essentialRecords(model: Model): EssentialRecord[] {
  const flows = model.flows
    .filter((flow) => flow.essential && flow.effect === 'allow')
    .map((flow): EssentialRecord => {
      const asksBack = flow.requests === 'backward' && !isNoService(inspectedServices(flow.services.set));
      const { name, from, to, services } = flow;
      return { name, gateway: undefined, from: from.addresses, to: to.addresses, services: services.set, ...(asksBack ? { backward: true as const } : {}) };
    });
  const own = model.gateways.flatMap((gateway) =>
    gateway.traffic
      .filter((line) => line.essential)
      .map((line): EssentialRecord => {
        const sends = line.kind === 'send';
        return {
          name: `${gateway.name}: ${line.name}`,
          gateway: { name: gateway.name, direction: sends ? 'from' : 'to' },
          from: sends ? dynamicAddress : metPeers(model, gateway, line),
          to: sends ? metPeers(model, gateway, line) : dynamicAddress,
          services: line.services.set,
        };
      }),
  );
  return [...flows, ...own];
}

/** The peers of a line in the families in which the gateway has an address for them; one that it gives up is a loss. */
function metPeers(model: Model, gateway: Gateway, line: GatewayTraffic): AddressSet {
  const has = (faces: readonly Interface[], family: 4 | 6): boolean =>
    faces.some((face) => face.dynamic || face.addresses.some((own) => own.address.family === family));
  const parts = gateway.interfaces.map((face) => {
    const faces = line.kind === 'send' ? gateway.interfaces : [face];
    const zones = model.zones.filter((zone) => face.faces.includes(zone.name)).map((zone) => zone.addresses);
    const here = intersectAddresses(line.peer.addresses, unionAddresses(...zones));
    return { v4: has(faces, 4) ? here.v4 : [], v6: has(faces, 6) ? here.v6 : [] };
  });
  return unionAddresses(...parts);
}

export interface Loss {
  readonly name: string;
  readonly diagnostic: Diagnostic;
}

/** What of the earlier policy's essential conversations no essential flow in force holds now. */
export function essentialLosses(before: readonly EssentialRecord[], model: Model, date: string): Loss[] {
  if (before.length === 0) return [];
  const space = new ConversationSpace(new AddressLine([...bordersOf(model), ...before.flatMap((record) => [record.from, record.to])]));
  const { diagram } = space;
  const here = (record: EssentialRecord): string => (record.gateway === undefined ? '' : `${record.gateway.name} ${record.gateway.direction}`);
  const standing = new Set([...model.flows, ...model.gateways.flatMap((gateway) => gateway.traffic)].filter((one) => inForce(one, date)).map(nameIn(model)));
  const now = essentialRecords(model).filter((record) => standing.has(record.name));
  return before.flatMap((record): Loss[] => {
    // Whoever may say only some things stands in for nobody of the other direction; a flow that tells nothing apart lets both sides say all.
    const standsIn = (one: EssentialRecord): boolean =>
      one.backward === record.backward || (one.backward === undefined && isNoService(inspectedServices(one.services)));
    const held = diagram.unionAll(now.filter((one) => here(one) === here(record) && standsIn(one)).map((one) => space.product(one.from, one.to, one.services)));
    const lost = diagram.subtract(space.product(record.from, record.to, record.services), held);
    if (lost === empty) return [];
    const self = record.gateway === undefined ? undefined : record.gateway.direction === 'to' ? ('destination' as const) : ('source' as const);
    const share = { gateway: record.gateway?.name ?? '', view: { zones: model.zones }, set: lost, self };
    const rows = rowsOf(model, space, [share]).map((row) => `${row.from} -> ${row.to} : ${row.service}`);
    const found = diagnostic(
      assertCodes.essentialGone,
      undefined,
      { flow: record.name, why: reason(record, model, date) },
      {
        notes: [`no essential flow holds ${rows.slice(0, 4).join('; ')}${rows.length > 4 ? ` and ${rows.length - 4} rows more` : ''}`],
        help: [`put it back, or compile with \`--accept-loss '${record.name}'\` if the plant no longer needs it`],
        data: { flow: record.name, lost: rows },
      },
    );
    return [{ name: record.name, diagnostic: found }];
  });
}

function nameIn(model: Model): (one: FlowProperties & { readonly name: string }) => string {
  const owner = new Map(model.gateways.flatMap((gateway) => gateway.traffic.map((line) => [line as FlowProperties, gateway.name] as const)));
  return (one) => {
    const gateway = owner.get(one);
    return gateway === undefined ? one.name : `${gateway}: ${one.name}`;
  };
}

function reason(record: EssentialRecord, model: Model, date: string): string {
  if (record.gateway !== undefined) return 'the gateway has no such essential line any more';
  const flow = model.flows.find((one) => one.name === record.name);
  if (flow === undefined) return 'there is no such flow any more';
  if (!inForce(flow, date)) return 'it is not in force';
  if (!flow.essential) return 'it is no longer marked `essential`';
  return 'a part of what it held is gone';
}
