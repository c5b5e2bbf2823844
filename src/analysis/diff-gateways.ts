/** What differs about a gateway beside the conversations that it lets start. */
import { addressesWithin, formatAddresses, isEmpty, unionAddresses } from '../net/address-set.ts';
import type { GatewayPolicy, Pass, PlacedInterface } from '../policy/gateway-policy.ts';
import type { PlantSets } from './plant-sets.ts';

export interface GatewayChange {
  readonly gateway: string;
  readonly state: 'identical' | 'changed' | 'new' | 'gone';
  /** In words; empty where it is identical. */
  readonly what: readonly string[];
  /** True if more than what conversations may start differs and changes which packets pass. */
  readonly meaning: boolean;
}

export function gatewayChange(old: PlantSets, now: PlantSets, name: string, conversations: boolean): GatewayChange {
  const [before, after] = [old.gateway(name), now.gateway(name)];
  if (before === undefined) return { gateway: name, state: 'new', what: ['the gateway is new'], meaning: true };
  if (after === undefined) return { gateway: name, state: 'gone', what: ['the gateway is gone'], meaning: true };
  const edges = [...answerChanges(old, now, before, after), ...interfaceChanges(before, after), ...passChanges(before, after)];
  const what = [...(conversations ? ['what it lets pass'] : []), ...edges, ...optionChanges(before, after)];
  return { gateway: name, state: what.length === 0 ? 'identical' : 'changed', what, meaning: edges.length > 0 };
}

function answerChanges(old: PlantSets, now: PlantSets, before: GatewayPolicy, after: GatewayPolicy): string[] {
  const asks = old.asksBack(before) || now.asksBack(after);
  return asks && old.answers(before) !== now.answers(after) ? ['what called sides may ask (`requests backward`)'] : [];
}

function interfaceChanges(before: GatewayPolicy, after: GatewayPolicy): string[] {
  const what: string[] = [];
  const names = [...new Set([...before.interfaces, ...after.interfaces].map((face) => face.name))].sort();
  for (const name of names) {
    const [a, b] = [before, after].map((policy) => policy.interfaces.find((face) => face.name === name));
    if (a === undefined || b === undefined) {
      what.push(`interface ${name} is ${a === undefined ? 'new' : 'gone'}`);
      continue;
    }
    const addresses = (face: PlacedInterface): string => (face.dynamic ? 'dynamic' : isEmpty(face.own) ? 'none' : formatAddresses(face.own));
    if (addresses(a) !== addresses(b)) what.push(`address of ${name}: ${addresses(a)} → ${addresses(b)}`);
    // A gateway's own addresses lie in no zone there, so moving one moves that hole; it has been said.
    const own = unionAddresses(before.own, after.own);
    const [left, right] = [a, b].map((face) => unionAddresses(face.faced, own));
    if (left !== undefined && right !== undefined && (!addressesWithin(left, right) || !addressesWithin(right, left)))
      what.push(zones(a) === zones(b) ? `the addresses of ${zones(a)}, behind ${name}` : `what ${name} faces: ${zones(a)} → ${zones(b)}`);
    if (a.sharedWire !== b.sharedWire) what.push(`${name} ${b.sharedWire ? 'is now' : 'is no longer'} a shared wire`);
  }
  return what;
}

function zones(face: PlacedInterface): string {
  return face.zones.map((zone) => zone.name).join(', ') || 'nothing';
}

function passChanges(before: GatewayPolicy, after: GatewayPolicy): string[] {
  // An interface that came or went says so itself.
  const common = new Set(before.interfaces.map((face) => face.name).filter((name) => after.interfaces.some((face) => face.name === name)));
  const runs = (policy: GatewayPolicy): Map<string, Pass> =>
    new Map(policy.passes.filter((pass) => common.has(pass.interface)).map((pass) => [`${pass.interface} ${pass.name}`, pass]));
  const [a, b] = [runs(before), runs(after)];
  const only = (one: Map<string, Pass>, other: Map<string, Pass>, word: string): string[] =>
    [...one].filter(([key]) => !other.has(key)).map(([, pass]) => `${pass.interface} ${word} ${pass.name}`);
  return [...only(b, a, 'now runs'), ...only(a, b, 'no longer runs')];
}

function optionChanges(before: GatewayPolicy, after: GatewayPolicy): string[] {
  const what = before.target === after.target ? [] : [`target: ${before.target} → ${after.target}`];
  for (const name of [...new Set([...before.options.keys(), ...after.options.keys()])].sort()) {
    const [a, b] = [before.options.get(name), after.options.get(name)];
    if (before.target === after.target && a !== b) what.push(`${name}: ${a ?? 'unset'} → ${b ?? 'unset'}`);
  }
  const logs = (policy: GatewayPolicy): string =>
    policy.deniedLogs
      .map((log) => `${log.conduit} ${log.from} ${log.to}`)
      .sort()
      .join();
  if (logs(before) !== logs(after)) what.push('which denied conversations conduits log');
  return what;
}
