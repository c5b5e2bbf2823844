/**
 * Ports on which one message could be understood in two ways.
 *
 * Takes flows, the gateways' own lines, asserts and test lines, reports functions that are named where a look-alike of their protocol has the same port between the
 * same ends: what the one allows may be, byte for byte, what the other does not. The ports that a protocol has by its standard are always its own.
 */
import { catalogue } from '../catalogue/catalogue.ts';
import { lookAlikes, lookAlikesOf } from '../catalogue/look-alikes.ts';
import type { TransportProtocol } from '../catalogue/protocol.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { type AddressSet, addressesMeet } from '../net/address-set.ts';
import { canonical, intersectRanges, type Ranges, unionRanges } from '../net/ranges.ts';
import { familyServices, protocolNumber } from '../packets/service-set.ts';
import type { Context } from './context.ts';
import type { Flow, Gateway, NamedFunctions, ResolvedSelector, TestLine } from './model.ts';

/** Functions named between two ends; for a gateway's own line one of them is the gateway, by the way the line runs. */
interface Naming {
  readonly named: NamedFunctions;
  readonly ports: Ranges<number>;
  readonly from: AddressSet | string;
  readonly to: AddressSet | string;
}

/** What an assert or a test line asks about. */
export type Question = Pick<TestLine, 'from' | 'to' | 'services'>;

const known = new Set(lookAlikes.flatMap((one) => one.protocols));

export function reportLookAlikes(context: Context, flows: readonly Flow[], gateways: readonly Gateway[], asked: readonly Question[]): void {
  for (const transport of ['tcp', 'udp'] as const) {
    const byProtocol = new Map<string, Naming[]>();
    const add = (functions: readonly NamedFunctions[], from: Naming['from'], to: Naming['to']): void => {
      for (const named of functions) {
        const ports = known.has(named.protocol) ? portsOf(named, transport) : [];
        if (ports.length === 0) continue;
        const namings = byProtocol.get(named.protocol) ?? [];
        byProtocol.set(named.protocol, namings);
        namings.push({ named, ports, from, to });
      }
    };
    for (const flow of flows) if (flow.effect === 'allow') add(flow.services.functions, flow.from.addresses, flow.to.addresses);
    for (const { name, traffic } of gateways)
      for (const { kind, peer, services } of traffic) {
        const inwards = kind !== 'send';
        add(services.functions, inwards ? peer.addresses : name, inwards ? name : peer.addresses);
      }
    reportOn(context, transport, byProtocol);
    reportQuestions(context, transport, byProtocol, asked);
  }
}

/** A question about functions would be answered for bytes that a flow of the look-alike lets pass. */
function reportQuestions(context: Context, transport: TransportProtocol, byProtocol: ReadonlyMap<string, readonly Naming[]>, asked: readonly Question[]): void {
  for (const { from, to, services } of asked) {
    for (const named of services.functions) {
      const ports = known.has(named.protocol) ? portsOf(named, transport) : [];
      for (const other of ports.length === 0 ? [] : lookAlikesOf(named.protocol, transport)) {
        const twin = byProtocol.get(other)?.find((one) => intersectRanges(one.ports, ports).length > 0 && asksAbout(from, one.from) && asksAbout(to, one.to));
        const [port] = twin === undefined ? [] : intersectRanges(twin.ports, ports);
        if (twin === undefined || port === undefined) continue;
        const words = { protocol: named.protocol, other, port: `${transport} ${port.first}`, whose: 'is also named for' };
        context.report(modelCodes.lookAlikes, named.span, words, {
          secondary: [{ span: twin.named.span, label: `${other} on the same port, between the same ends` }],
          help: [`ask about all that is said on ${words.port}: \`${transport} ${port.first}\``],
        });
      }
    }
  }
}

function reportOn(context: Context, transport: TransportProtocol, byProtocol: ReadonlyMap<string, readonly Naming[]>): void {
  for (const [protocol, namings] of byProtocol)
    for (const other of lookAlikesOf(protocol, transport)) {
      const standard = canonical((catalogue.get(other)?.transports ?? []).filter((ports) => ports.protocol === transport));
      // The later of the two in the table is told, once.
      const others = lookAlikes.some(({ protocols: [first] }) => first === protocol) ? [] : (byProtocol.get(other) ?? []);
      const theirs = unionRanges(standard, ...others.map(({ ports }) => ports));
      for (const naming of namings) {
        const shared = intersectRanges(naming.ports, theirs);
        if (shared.length === 0) continue;
        const twin = others.find((one) => intersectRanges(one.ports, shared).length > 0 && meet(one.from, naming.from) && meet(one.to, naming.to));
        const [port] = intersectRanges(shared, twin?.ports ?? standard);
        if (port === undefined) continue;
        context.report(
          modelCodes.lookAlikes,
          naming.named.span,
          { protocol, other, port: `${transport} ${port.first}`, whose: twin === undefined ? 'is the port of' : 'is also named for' },
          {
            secondary: twin === undefined ? [] : [{ span: twin.named.span, label: `${other} on the same port, between the same ends` }],
            help: [`give ${protocol} a port of its own, or allow all that is said on ${transport} ${port.first}`],
          },
        );
      }
    }
}

function meet(one: Naming['from'], other: Naming['from']): boolean {
  return typeof one === 'string' || typeof other === 'string' ? one === other : addressesMeet(one, other);
}

/** A gateway is asked about by its name or its addresses, never by a network that holds one. */
function asksAbout(asked: ResolvedSelector, end: Naming['from']): boolean {
  if (typeof end !== 'string') return addressesMeet(asked.addresses, end);
  return asked.gateways.includes(end) || asked.gatewayAddresses.includes(end);
}

function portsOf({ where }: NamedFunctions, transport: TransportProtocol): Ranges<number> {
  const ranges = ([4, 6] as const).map((family) =>
    canonical((familyServices(where, family).values.get(protocolNumber[transport]) ?? []).map(({ first, last }) => ({ first, last }))),
  );
  return unionRanges(...ranges);
}
