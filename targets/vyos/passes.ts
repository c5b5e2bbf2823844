/** The baseline and what interfaces run, as rules: few, fixed, and asked before the source and the state. */
import { type AddressSet, builtInNetworks } from '../../src/net/address-set.ts';
import type { Family } from '../../src/net/address.ts';
import type { GatewayPolicy, Pass, PlacedInterface, Where } from '../../src/policy/gateway-policy.ts';
import type { Match, Objects } from './objects.ts';
import type { Rule } from './rule-set.ts';
import type { ServiceMatch } from './services.ts';
import { keyword, number, portList, protocolWord } from './tokens.ts';

/** `faced`: what the rule sets call that which the interface faces. */
export function passRules(policy: GatewayPolicy, face: PlacedInterface, hook: 'input' | 'output', family: Family, objects: Objects, faced: string): Rule[] {
  const passes = policy.passes.filter((pass) => pass.interface === face.name && pass.hook === hook && pass.family === family);
  return passes.flatMap((pass) => {
    const ends = (end: 'source' | 'destination'): (Match | undefined)[] => pass[end].flatMap((where) => endOf(policy, face, pass, where, end, objects, faced));
    return ends('source').flatMap((source) =>
      ends('destination').flatMap((destination) =>
        messages(pass, family).map((service): Rule => ({ note: pass.name, action: 'accept', source, destination, service, hopLimit: pass.hopLimit })),
      ),
    );
  });
}

/** One match, one that asks nothing, or none where nothing lies there. */
function endOf(policy: GatewayPolicy, face: PlacedInterface, pass: Pass, where: Where, end: string, objects: Objects, faced: string): (Match | undefined)[] {
  const of = (set: AddressSet, wanted: string): Match[] => {
    const ranges = pass.family === 4 ? set.v4 : set.v6;
    return ranges.length === 0 ? [] : [objects.addresses(pass.family, ranges, wanted)];
  };
  if (where === 'own') {
    const [own, wanted] = pass.hook === 'input' ? [face.reached, `${policy.gateway}.${face.name}`] : [policy.sending, policy.gateway];
    return own === undefined ? [] : of(own, wanted);
  }
  if (where === 'faced') return of(face.faced, faced);
  if (where.networks.includes('::/0') || where.networks.includes('0.0.0.0/0')) return [undefined];
  return of(builtInNetworks(...where.networks), `${pass.name}.${end}`);
}

function messages(pass: Pass, family: Family): ServiceMatch[] {
  const protocol = protocolWord(family, pass.protocol);
  const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
  if (pass.protocol === (family === 4 ? 1 : 58)) return sorted(pass.values ?? []).map((type) => ({ protocol, icmp: { type: number(type), code: undefined } }));
  const list = (ports: readonly number[] | undefined): Match | undefined =>
    ports === undefined ? undefined : { leaf: keyword('port'), value: portList(sorted(ports).map((port) => ({ first: port, last: port }))) };
  const [port, sourcePort] = [list(pass.values), list(pass.sourcePorts)];
  return [{ protocol, ...(port === undefined ? {} : { port }), ...(sourcePort === undefined ? {} : { sourcePort }) }];
}
