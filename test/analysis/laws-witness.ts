/**
 * Whether what a finding shows is a real counterexample.
 *
 * Takes a finding's data (a packet or a chain of packets) and the question, gives what is wrong with it, undefined if nothing is: the
 * packet lies within the question, and the gateway that is named judges it as the finding says.
 */
import type { Assert, Flow, Gateway, TestLine } from '../../src/model/model.ts';
import { parseAddress } from '../../src/net/address.ts';
import { containsAddress } from '../../src/net/address-set.ts';
import { familyServices, type ServiceSet } from '../../src/packets/service-set.ts';
import { fewestSteps, HostGraph } from './laws-chains.ts';
import { enters, holds, type Message, type Place, type Universe } from './laws-universe.ts';
import { alike, everyFlow, hostsOf, inForce, isOwn, leaks, outside, ownConversations, type Sides } from './laws-verdicts.ts';

interface Shown {
  readonly source: string;
  readonly destination: string;
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly value: number;
}

interface Data {
  readonly witness?: Shown | readonly Shown[] | null;
  readonly gateway?: string;
  readonly gateways?: readonly (readonly string[])[];
  readonly flows?: readonly (string | { readonly name: string })[];
}

/** Judges one packet; `open`: the finding says that it passes, else that it does not, or only as far as a rate allows. */
export function wrongPacket(
  universe: Universe,
  question: Sides & { readonly services: { readonly set: ServiceSet } },
  data: unknown,
  open: boolean,
  wires: boolean,
): string | undefined {
  const { witness, gateway: name, flows } = data as Data;
  if (witness === null) return !open && outside(universe, question) ? undefined : 'there is no packet, though all lies in zones';
  if (witness === undefined || Array.isArray(witness)) return 'there is no packet';
  const shown = witness as Shown;
  const [source, destination] = [parseAddress(shown.source), parseAddress(shown.destination)];
  const gateway = universe.model.gateways.find((one) => one.name === name);
  if (source === undefined || destination === undefined || gateway === undefined) return 'its packet has no addresses or gateway';
  if (source.family !== destination.family || source.family !== shown.family) return 'its packet mixes families';
  const messages = universe.variants(shown.family, shown.protocol, shown.value).filter((one) => holds(question.services.set, one));
  if (messages.length === 0) return 'its message is not one that was asked for';
  const [from, to] = [universe.place(source), universe.place(destination)];
  const within = containsAddress(question.from.addresses, source) && containsAddress(question.to.addresses, destination);
  const taken = open && wires && from !== undefined && neighbour(universe, question, from) && containsAddress(question.to.addresses, destination);
  if (from !== undefined && to !== undefined && (within || taken) && universe.ways(gateway, from.zone, to.zone).length > 0) {
    const judged = messages.map((message) => ({ message, judged: universe.judge(gateway, from, to, message) }));
    const fitting = judged.filter(({ judged: one }) => (open ? one.accepted : !one.accepted || one.limited));
    const found = fitting.map(({ message }) => message);
    if (found.length > 0) return open ? undefined : wrongFlows(universe, flows, from, to, found);
  }
  // Another gateway's address that lies in no zone is no place to try, and nothing is open to it.
  const ends = [source, destination];
  if (!open && within && ends.some((end) => isOwn(gateway, end)) && ends.some((end) => !isOwn(gateway, end) && universe.place(end) === undefined))
    return undefined;
  const own = ownConversations(universe, question, open && wires).some(
    (one) =>
      one.gateway === gateway &&
      messages.some((message) => {
        const [a, b] = one.hook === 'input' ? [one.peer, one.self] : [one.self, one.peer];
        const same = (x: typeof a, y: typeof a, other: boolean): boolean => x.family === y.family && (x.value === y.value || (other && Number(y.value) === 0));
        if (!same(a, source, one.hook === 'output') || !same(b, destination, one.hook === 'input')) return false;
        const judged = one.faces.map((face) => universe.judgeOwn(gateway, face, one.hook, one.peer, one.self, message));
        return open ? judged.some((found) => found.accepted) : !judged.some((found) => found.accepted && !found.limited);
      }),
  );
  return own ? undefined : `its packet is not ${open ? 'accepted' : 'denied'} by ${gateway.name}, or not asked for`;
}

function neighbour(universe: Universe, question: Sides, from: Place): boolean {
  return universe.in(question.from.addresses).some((place) => alike(universe, place.zone).some((other) => other.zone === from.zone));
}

/** Every deny that is named holds one of the messages between the two ends. */
function wrongFlows(universe: Universe, names: Data['flows'], from: Place, to: Place, messages: readonly Message[]): string | undefined {
  for (const one of names ?? []) {
    const flow = universe.model.flows.find((other) => other.name === one);
    if (flow?.effect !== 'deny') return `its flow ${JSON.stringify(one)} is no deny`;
    if (!containsAddress(flow.from.addresses, from.address) || !containsAddress(flow.to.addresses, to.address))
      return `flow ${flow.name} is not about its packet`;
    if (!messages.some((message) => holds(flow.services.set, message))) return `flow ${flow.name} does not name its message`;
  }
  return undefined;
}

/** The flows that a leak names are those that have a part in it: each holds some conversation that passes and must not. */
export function wrongLeak(
  universe: Universe,
  assert: Extract<Assert, { kind: 'never' }>,
  data: unknown,
  date: string,
  grade: 'ports' | 'pdu',
): string | undefined {
  const allows = universe.model.flows.filter((flow) => flow.effect === 'allow' && inForce(flow, date));
  const wanted = new Set<string>();
  for (const { from, to, message } of leaks(universe, assert))
    for (const flow of allows)
      if (containsAddress(flow.from.addresses, from.address) && containsAddress(flow.to.addresses, to.address) && enforces(flow, message, grade))
        wanted.add(flow.name);
  const named = ((data as Data).flows ?? []).filter((name) => universe.model.flows.some((flow) => flow.name === name)).map(String);
  const [found, all] = [named.toSorted().join(', '), [...wanted].toSorted().join(', ')];
  return found === all ? undefined : `it names ${found}, and ${all} have a part in it`;
}

/** A flow that names functions lets all of its ports through where the gateway cannot tell them apart. */
function enforces(flow: Flow, message: Message, grade: 'ports' | 'pdu'): boolean {
  if (grade === 'pdu' || flow.services.functions.length === 0) return holds(flow.services.set, message);
  const valued = familyServices(flow.services.set, message.family).values.get(message.protocol) ?? [];
  return holds(flow.services.set, message) || valued.some(({ first, last }) => first <= message.value && message.value <= last);
}

/** Judges a chain: every step passes, begins where the one before it ended, and enters its end unless that is what was asked for. */
export function wrongChain(universe: Universe, assert: Extract<Assert, { kind: 'hops' | 'only-via' }>, data: unknown): string | undefined {
  const { witness, gateways } = data as Data;
  if (!Array.isArray(witness) || gateways?.length !== witness.length || witness.length === 0) return 'there is no chain';
  const steps = witness as readonly Shown[];
  const without = assert.kind === 'only-via' ? assert.via.gateways : [];
  const graph = new HostGraph(universe, without);
  const avoided = (place: Place): boolean => assert.kind === 'only-via' && containsAddress(assert.via.addresses, place.address);
  const [starts, goals] = [hostsOf(universe, assert.from), hostsOf(universe, assert.to)].map((side) => side.filter((place) => !avoided(place)));
  if (starts === undefined || goals === undefined) return 'it has no ends';
  let held: readonly Place[] = starts;
  for (const [index, shown] of steps.entries()) {
    const ends = [parseAddress(shown.source), parseAddress(shown.destination)].map((address) => (address === undefined ? undefined : universe.place(address)));
    const [from, to] = ends;
    if (from === undefined || to === undefined) return `step ${index + 1} leaves the zones`;
    if (avoided(from) || avoided(to)) return `step ${index + 1} steps on what it is said to avoid`;
    if (!held.some((place) => graph.freely(place, from))) return `step ${index + 1} does not begin where the one before it ended`;
    const named = gateways[index]?.map((name) => universe.model.gateways.find((gateway): gateway is Gateway => gateway.name === name));
    if (named === undefined || named.length === 0) return `step ${index + 1} has no gateway`;
    if (named.some((gateway) => gateway !== undefined && without.includes(gateway.name))) return `step ${index + 1} crosses what it is said to avoid`;
    const last = index === steps.length - 1;
    const arrived = last && containsAddress(assert.to.addresses, to.address);
    const passing = universe
      .variants(shown.family, shown.protocol, shown.value)
      .filter((message) =>
        named.every(
          (gateway) => gateway !== undefined && universe.ways(gateway, from.zone, to.zone).length > 0 && universe.judge(gateway, from, to, message).accepted,
        ),
      );
    if (passing.length === 0) return `step ${index + 1} is not permitted`;
    if (!arrived && !passing.some((message) => enters(message))) return `step ${index + 1} does not enter`;
    held = [to];
  }
  if (!held.some((place) => goals.some((goal) => graph.freely(place, goal)))) return 'it does not arrive';
  const fewest = fewestSteps(universe, graph, starts, goals, avoided);
  return fewest === steps.length ? undefined : `it has ${steps.length} steps, the shortest has ${fewest}`;
}

export function wrongFlowList(
  universe: Universe,
  assert: Extract<Assert, { kind: 'every-flow' }>,
  data: unknown,
  date: string,
  grade: 'ports' | 'pdu',
): string | undefined {
  const named = (data as Data).flows?.map((one) => (typeof one === 'string' ? one : one.name)) ?? [];
  const { lacking } = everyFlow(universe, assert, date, grade);
  return JSON.stringify(named.toSorted()) === JSON.stringify(lacking.toSorted())
    ? undefined
    : `it names ${named.join(', ')}, and ${lacking.join(', ')} lack something`;
}

export function wrongTest(universe: Universe, line: TestLine, data: unknown): string | undefined {
  return data === undefined ? undefined : wrongPacket(universe, line, data, line.expect === 'deny', false);
}
