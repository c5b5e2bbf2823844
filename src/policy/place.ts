/**
 * Place: the model → what each gateway has to enforce.
 *
 * Takes the model, the capabilities of the targets and the date; gives one `GatewayPolicy` a gateway, and says what no
 * gateway carries, what a target cannot give, and what opens nothing. Decides the achieved grades, and with them the
 * enforced sets.
 */
import { nearest } from '../base/nearest.ts';
import { lintCodes } from '../diagnostics/codes/lint.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { targetCodes } from '../diagnostics/codes/target.ts';
import { type Diagnostic, diagnostic, type Outcome } from '../diagnostics/diagnostic.ts';
import { interfaceServices } from '../model/interface-services.ts';
import { type Flow, type Gateway, type GatewayTraffic, grades, type Model } from '../model/model.ts';
import { ZoneIndex } from '../model/zone-index.ts';
import { type Address, families } from '../net/address.ts';
import {
  allAddresses,
  addressSetOf,
  type AddressSet,
  intersectAddresses,
  isEmpty,
  neverDynamic,
  noAddresses,
  subtractAddresses,
  unionAddresses,
} from '../net/address-set.ts';
import { hasServices, inspectedServices, isNoService, type ServiceSet, subtractServices, unionServices, widenFunctions } from '../packets/service-set.ts';
import { baseline } from './baseline.ts';
import type { TargetCapabilities } from './capabilities.ts';
import { inForce } from './dates.ts';
import type { DeclaredAddresses, DeniedLog, Entry, GatewayPolicy, Pass, PlacedInterface, PlacedZone } from './gateway-policy.ts';
import { gradeEnforces, gradeIn, type ProtocolGrade } from './grades.ts';
import { Joins } from './joins.ts';
import { equippedFor, settleOptions } from './options.ts';
import { reportDates, reportFlow, reportZones } from './place-reports.ts';

export interface Placement {
  readonly date: string;
  readonly gateways: readonly GatewayPolicy[];
  readonly joins: Joins;
}

export function place(model: Model, targets: ReadonlyMap<string, TargetCapabilities>, date: string): Outcome<Placement> {
  const diagnostics: Diagnostic[] = [];
  const joins = new Joins(model);
  reportZones(model, joins, diagnostics);
  const index = new ZoneIndex(model.zones);
  const inZones = unionAddresses(...model.zones.map((zone) => zone.addresses));
  const zoned = within(inZones);
  for (const flow of model.flows) reportFlow(flow, index, zoned, joins, date, diagnostics);
  const gateways: GatewayPolicy[] = [];
  for (const gateway of model.gateways) {
    const target = targets.get(gateway.target.value);
    if (target === undefined) {
      const suggestion = nearest(gateway.target.value, targets.keys());
      diagnostics.push(
        diagnostic(
          modelCodes.unknownTarget,
          gateway.target.span,
          { name: gateway.target.value },
          {
            help: [suggestion === undefined ? `known: ${[...targets.keys()].join(', ')}` : `did you mean \`${suggestion}\`?`],
          },
        ),
      );
      continue;
    }
    gateways.push(placeGateway(model, gateway, equippedFor(gateway, target), date, diagnostics));
  }
  reportUnplaced(model, gateways, date, diagnostics);
  return { value: { date, gateways, joins }, diagnostics };
}

/** The parts of sets that lie in another; a policy names few sets, and each of them often. */
function within(whole: AddressSet): (set: AddressSet) => AddressSet {
  const known = new Map<AddressSet, AddressSet>();
  return (set) => {
    let part = known.get(set);
    if (part === undefined) known.set(set, (part = intersectAddresses(set, whole)));
    return part;
  };
}

/** A flow that runs between zones and yet reaches no gateway's forward path: it is about a gateway's own addresses. */
function reportUnplaced(model: Model, gateways: readonly GatewayPolicy[], date: string, diagnostics: Diagnostic[]): void {
  const placed = new Set(gateways.flatMap((policy) => policy.entries.filter((entry) => entry.hook === 'forward').map((entry) => entry.origin.name)));
  const said = new Set(diagnostics.map((one) => one.span));
  for (const flow of model.flows) {
    if (placed.has(flow.name) || !inForce(flow, date) || isNoService(flow.services.set) || gateways.length < model.gateways.length) continue;
    if (said.has(flow.span)) continue;
    diagnostics.push(
      diagnostic(
        lintCodes.opensNothing,
        flow.span,
        { flow: flow.name, why: 'one of its ends is only the gateway itself' },
        { help: ['what is for a gateway is said by `manage` and `receive`, what it starts by `send`'] },
      ),
    );
  }
}

/** The gateway's own addresses, and those at which the kernel takes packets for its subnets (rule 5). */
export function gatewayOnlyAddresses(gateway: Gateway): AddressSet {
  const sets: AddressSet[] = [];
  for (const face of gateway.interfaces) {
    for (const own of face.addresses) {
      sets.push(addressSetOf(own.address));
      // RFC 3021: no broadcast on /31; RFC 6164: no anycast on /127.
      if (own.network.family === 4 && own.length < 31) sets.push(addressSetOf({ family: 4, value: own.network.last }));
      if (own.network.family === 6 && own.length < 127) sets.push(addressSetOf({ family: 6, value: own.network.first }));
    }
  }
  return unionAddresses(...sets);
}

/** The static addresses alone. */
function staticAddresses(addresses: readonly { readonly address: Address }[]): AddressSet {
  return unionAddresses(...addresses.map((own) => addressSetOf(own.address)));
}

/** What counts as the address of an interface; undefined if the platform has to be asked. */
function reachedAddresses(gateway: Gateway, face: Gateway['interfaces'][number], target: TargetCapabilities): AddressSet | undefined {
  const own = staticAddresses(face.addresses);
  if (!face.dynamic) return own;
  if (target.asksLocal) return undefined;
  const others = gateway.interfaces.filter((other) => other !== face).map((other) => staticAddresses(other.addresses));
  return unionAddresses(own, subtractAddresses(allAddresses, unionAddresses(neverDynamic, ...others)));
}

function placeGateway(model: Model, gateway: Gateway, target: TargetCapabilities, date: string, diagnostics: Diagnostic[]): GatewayPolicy {
  const excluded = gatewayOnlyAddresses(gateway);
  const zoneHere = new Map<string, PlacedZone>();
  for (const face of gateway.interfaces) {
    for (const name of face.faces) {
      const zone = model.zones.find((candidate) => candidate.name === name);
      if (zone !== undefined && !zoneHere.has(name)) zoneHere.set(name, { name, addresses: subtractAddresses(zone.addresses, excluded) });
    }
  }
  const interfaces: PlacedInterface[] = gateway.interfaces.map((face) => {
    const zones = face.faces.flatMap((name) => zoneHere.get(name) ?? []);
    if (face.dynamic && !target.dynamicAddresses) {
      diagnostics.push(
        diagnostic(
          targetCodes.inexpressible,
          face.span,
          { what: 'an interface with a dynamic address', gateway: gateway.name, target: target.name },
          { help: ['give the interface a static address'] },
        ),
      );
    }
    return {
      name: face.name,
      zones,
      faced: unionAddresses(...zones.map((zone) => zone.addresses)),
      own: staticAddresses(face.addresses),
      dynamic: face.dynamic,
      reached: reachedAddresses(gateway, face, target),
      sharedWire: face.sharedWire !== undefined,
    };
  });
  const zones = [...zoneHere.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const faced = unionAddresses(...zones.map((zone) => zone.addresses));
  const entries: Entry[] = [];
  const here = within(faced);
  for (const flow of model.flows) {
    const from = here(flow.from.addresses);
    const to = here(flow.to.addresses);
    if (!inForce(flow, date)) continue;
    if (isEmpty(from) || isEmpty(to) || isNoService(flow.services.set)) continue;
    entries.push(forwardEntry(flow, from, to, gateway.name, target, diagnostics));
  }
  for (const line of gateway.traffic) {
    reportDates(line, line.name, date, diagnostics);
    if (!inForce(line, date)) continue;
    const peer = intersectAddresses(line.peer.addresses, faced);
    if (!isEmpty(peer) && !meetsOwn(line.kind === 'send', peer, line.services.set, interfaces)) {
      diagnostics.push(
        diagnostic(
          lintCodes.opensNothing,
          line.span,
          { flow: line.name, why: `\`${gateway.name}\` has no address of a family that the other side has, on an interface that faces it` },
          { help: ['give the interface an address of that family, or name another peer'] },
        ),
      );
    }
    if (isEmpty(peer)) {
      diagnostics.push(
        diagnostic(
          lintCodes.opensNothing,
          line.peer.span,
          { flow: line.name, why: `no interface of \`${gateway.name}\` faces the other side` },
          { help: ['name a host of a zone that the gateway faces'] },
        ),
      );
      continue;
    }
    reportOwnFunctions(line, gateway.name, target, diagnostics);
    entries.push(ownEntry(line, peer));
  }
  const forbidden: readonly [boolean, (entry: Entry) => boolean, string, string][] = [
    [target.rateLimits, (entry) => entry.rate !== undefined, 'a limited rate', 'rate'],
    [target.counting, (entry) => entry.count, 'counters', 'count'],
    [target.logging, (entry) => entry.log, 'logs', 'log'],
  ];
  for (const [can, uses, what, word] of forbidden) {
    const entry = can ? undefined : entries.find(uses);
    if (entry !== undefined)
      diagnostics.push(
        diagnostic(
          targetCodes.inexpressible,
          entry.origin.span,
          { what, gateway: gateway.name, target: target.name },
          { help: [`leave \`${word}\` out, there and in its conduit, or use a target that has it (the README has a table of targets)`] },
        ),
      );
  }
  const options = settleOptions(gateway, target, diagnostics);
  const { resets } = target;
  const resetsDenied = resets !== undefined && options.get(resets.option) === resets.value;
  if (resetsDenied) {
    const forwarded = new Set(entries.filter(({ hook }) => hook === 'forward').map(({ origin }) => origin.name));
    reportResets(
      gateway,
      target,
      `${resets.option} ${resets.value}`,
      model.flows.filter(({ name }) => forwarded.has(name)),
      diagnostics,
    );
  }
  return {
    gateway: gateway.name,
    target: target.name,
    options,
    resetsDenied,
    conversations: target.conversations,
    keeps: target.keeps ?? { stateBeforeLoopback: false, deniesUntracked: false },
    interfaces,
    zones,
    own: unionAddresses(...interfaces.map((face) => face.own)),
    anyDynamic: interfaces.some((face) => face.dynamic),
    sending: interfaces.reduce<AddressSet | undefined>((all, { reached }) => all && reached && unionAddresses(all, reached), noAddresses),
    entries: entries.toSorted((a, b) =>
      a.hook !== b.hook ? (a.hook < b.hook ? -1 : 1) : a.origin.name < b.origin.name ? -1 : a.origin.name > b.origin.name ? 1 : 0,
    ),
    passes: gateway.interfaces.flatMap((face) => passesOf(face.name, face.runs, target)),
    deniedLogs: deniedLogs(model, zones),
    declaredAddresses: declaredAddresses(model, zones, faced),
    declaredServices: model.services.map(({ name, set }) => ({ name, set })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Resets that nobody would send: where the rules look into no messages, and of flows that an engine looks into, which drops for itself. */
function reportResets(gateway: Gateway, target: TargetCapabilities, option: string, flows: readonly Flow[], diagnostics: Diagnostic[]): void {
  const setting = gateway.options.find(({ name }) => name.value === target.resets?.option);
  const refuse = (what: string, help: string, flow?: Flow): void => {
    const secondary = flow === undefined ? [] : [{ span: flow.services.span, label: 'looked into by the engine' }];
    diagnostics.push(
      diagnostic(targetCodes.inexpressible, setting?.name.span, { what, gateway: gateway.name, target: target.name }, { secondary, help: [help] }),
    );
  };
  if (target.without !== undefined) {
    const { option: blinded } = target.without;
    refuse(`\`${option}\` with \`${blinded}\`: where nothing looks into messages, none is denied for what it says`, `take one of the two out`);
    return;
  }
  const { engine } = target;
  const inspected = flows.find((flow) => flow.services.functions.some(({ protocol }) => gradeIn(flow, target, protocol).grade === 'stream'));
  if (engine !== undefined && inspected !== undefined)
    refuse(
      `\`${option}\` for flow \`${inspected.name}\`, into which ${engine} looks: what it drops it does not answer`,
      `take \`${option}\` out, or \`${target.companions?.option ?? ''} ${engine}\`: then the rules themselves look into messages, at \`pdu\``,
      inspected,
    );
}

/** Whether the gateway has an address by which the peer can talk with it. */
export function meetsOwn(sends: boolean, peer: AddressSet, services: ServiceSet, interfaces: readonly PlacedInterface[]): boolean {
  const all = unionAddresses(...interfaces.map((face) => face.own));
  const anyDynamic = interfaces.some((face) => face.dynamic);
  return interfaces.some((face) => {
    const here = intersectAddresses(peer, face.faced);
    if (isEmpty(here)) return false;
    const own = sends ? all : face.own;
    const dynamic = sends ? anyDynamic : face.dynamic;
    return families.some(
      (family) => hasServices(services, family) && (family === 4 ? here.v4 : here.v6).length > 0 && (dynamic || (family === 4 ? own.v4 : own.v6).length > 0),
    );
  });
}

/** The weakest grade that the target gives for what the flow names, and why; where it names no functions there is nothing to look for. */
function gradeGiven(target: TargetCapabilities, flow: Flow): ProtocolGrade {
  const { services } = flow;
  const protocols = [...new Set([...services.functions.map((named) => named.protocol), ...services.otProtocols])];
  if (protocols.length === 0) return { grade: target.grades.default, reason: undefined };
  const looked = inspectedServices(services.set);
  const gives = (protocol: string): ProtocolGrade => {
    const where = services.functions.filter((named) => named.protocol === protocol).map((named) => named.where);
    const told = where.length > 0 && isNoService(subtractServices(unionServices(...where), looked));
    const why = services.functions.length === 0 ? 'the flow names no functions' : `the flow allows all of \`${protocol}\``;
    return told ? gradeIn(flow, target, protocol) : { grade: 'ports', reason: `${why}, so that there is nothing to look for` };
  };
  return protocols.map(gives).reduce((a, b) => (grades.indexOf(a.grade) <= grades.indexOf(b.grade) ? a : b));
}

function forwardEntry(flow: Flow, from: AddressSet, to: AddressSet, gateway: string, target: TargetCapabilities, diagnostics: Diagnostic[]): Entry {
  const { grade, reason, help }: Partial<ProtocolGrade> = flow.asked === undefined ? {} : gradeGiven(target, flow);
  const enforced = flow.effect === 'allow' ? gradeEnforces(target, flow) : flow.services.set;
  if (flow.asked !== undefined && grade !== undefined && grades.indexOf(grade) < grades.indexOf(flow.asked.value)) {
    const accepted = flow.acceptWeaker !== undefined && grades.indexOf(grade) >= grades.indexOf(flow.acceptWeaker.grade);
    if (flow.effect === 'deny') {
      diagnostics.push(
        diagnostic(
          targetCodes.denyOfFunctions,
          flow.services.span,
          { flow: flow.name, gateway, target: target.name },
          {
            notes: [
              ...(reason === undefined ? [] : [reason]),
              'a deny that were widened would cut what the policy allows; one that were narrowed would let through what it forbids',
            ],
            help: [help, 'deny the whole protocol, or allow only the functions that are needed'],
          },
        ),
      );
    } else if (!accepted) {
      diagnostics.push(
        diagnostic(
          targetCodes.gradeNotReached,
          flow.asked.span,
          { flow: flow.name, gateway, target: target.name, asked: flow.asked.value, given: grade },
          {
            notes: [...(flow.services.functions.length > 0 ? ['naming functions asks for `pdu`'] : []), ...(reason === undefined ? [] : [reason])],
            help: [
              `accept it with \`accept-weaker ${grade} "why"\`, or ${help !== undefined ? help : reason === undefined || flow.asked.value === 'stream' ? `use a target that gives \`${flow.asked.value}\`` : 'name functions that can be told apart'}`,
            ],
          },
        ),
      );
    }
  }
  const heard = flow.requests === 'backward' && !isNoService(inspectedServices(enforced)) ? enforced : undefined;
  return {
    hook: 'forward',
    origin: { name: flow.name, conduit: flow.conduit?.name, span: flow.span },
    effect: flow.effect,
    from,
    to,
    written: flow.services.set,
    enforced: heard === undefined ? enforced : widenFunctions(enforced),
    heard,
    grade,
    log: flow.log,
    count: flow.count,
    rate: flow.rate,
  };
}

/** Of a gateway's own lines nothing weaker can be accepted: functions are told apart, or refused. */
function reportOwnFunctions(line: GatewayTraffic, gateway: string, target: TargetCapabilities, diagnostics: Diagnostic[]): void {
  const said = { services: line.services, requests: 'forward', effect: 'allow' } as const;
  for (const { protocol, span } of line.services.functions) {
    const { grade, reason } = target.looksIntoOwn === true ? gradeIn(said, target, protocol) : { grade: 'ports', reason: undefined };
    if (grade === 'pdu') continue;
    const why =
      grade === 'stream'
        ? `${target.engine ?? 'the engine'} looks into what is forwarded alone; without it the rules tell functions of ${protocol} here`
        : reason;
    diagnostics.push(
      diagnostic(
        targetCodes.inexpressible,
        span,
        { what: `functions of ${protocol} in lines of the gateway itself`, gateway, target: target.name },
        {
          notes: why === undefined ? [] : [why],
          help: ['name the protocol alone, or use a target that looks into such messages (the README has a table of targets)'],
        },
      ),
    );
    return;
  }
}

function ownEntry(line: GatewayTraffic, peer: AddressSet): Entry {
  const send = line.kind === 'send';
  return {
    hook: send ? 'output' : 'input',
    origin: { name: line.name, conduit: undefined, span: line.span },
    effect: 'allow',
    from: send ? noAddresses : peer,
    to: send ? peer : noAddresses,
    written: line.services.set,
    enforced: line.services.set,
    heard: undefined,
    // What is less is refused.
    grade: line.services.functions.length > 0 ? 'pdu' : undefined,
    log: line.log,
    count: line.count,
    rate: line.rate,
  };
}

function passesOf(face: string, runs: readonly string[], target: TargetCapabilities): Pass[] {
  const services = [...baseline, ...interfaceServices.filter((service) => runs.includes(service.name))];
  return services.flatMap((service) =>
    service.rows.map((row) => ({
      name: service.name,
      hook: row.hook,
      interface: face,
      family: row.family,
      protocol: row.protocol,
      sourcePorts: row.sourcePorts,
      values: row.values,
      codeZero: row.codeZero === true && !target.wholeTypes,
      source: row.source,
      destination: row.destination,
      hopLimit: target.hopLimits ? row.hopLimit : undefined,
    })),
  );
}

/** Zones without the gateway's own addresses, as everywhere in the Ir. */
function declaredAddresses(model: Model, zones: readonly PlacedZone[], faced: AddressSet): DeclaredAddresses[] {
  const part = (kind: 'host' | 'group', all: readonly { name: string; addresses: AddressSet }[]): DeclaredAddresses[] =>
    all
      .map(({ name, addresses }) => ({ kind, name, addresses: intersectAddresses(addresses, faced) }))
      .filter(({ addresses }) => !isEmpty(addresses))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const whole = zones.filter(({ addresses }) => !isEmpty(addresses)).map((zone): DeclaredAddresses => ({ kind: 'zone', ...zone }));
  return [...part('host', model.hosts), ...part('group', model.groups), ...whole];
}

function deniedLogs(model: Model, zones: readonly PlacedZone[]): DeniedLog[] {
  const here = new Set(zones.map((zone) => zone.name));
  const logs: DeniedLog[] = [];
  for (const conduit of model.conduits) {
    if (!conduit.logDenied || !here.has(conduit.left.name) || !here.has(conduit.right.name)) continue;
    logs.push({ conduit: conduit.name, from: conduit.left.name, to: conduit.right.name });
    if (conduit.bothWays) logs.push({ conduit: conduit.name, from: conduit.right.name, to: conduit.left.name });
  }
  return logs;
}
