/**
 * A zone file as text, placed and ready to be asked: what the tests of analyses start from.
 */
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { bordersOf, PlantSets } from '../../src/analysis/plant-sets.ts';
import type { SourceMap } from '../../src/base/source.ts';
import type { Model } from '../../src/model/model.ts';
import { resolve } from '../../src/model/resolve.ts';
import type { AddressSet } from '../../src/net/address-set.ts';
import { AddressLine } from '../../src/packets/address-line.ts';
import { ConversationSpace } from '../../src/packets/conversation-space.ts';
import { load } from '../../src/pipeline/load.ts';
import { place, type Placement } from '../../src/policy/place.ts';
import { capabilitiesByName } from '../../targets/index.ts';

export const day = '2026-11-22';

export interface Placed {
  readonly model: Model;
  readonly placement: Placement;
  readonly sources: SourceMap;
  readonly errors: readonly Diagnostic[];
}

export function placed(text: string): Placed {
  const loaded = load('plant.zone', () => Buffer.from(text));
  const resolved = resolve(loaded.declarations, loaded.sources);
  const { value, diagnostics } = place(resolved.value, capabilitiesByName, day);
  const errors = [...loaded.diagnostics, ...resolved.diagnostics, ...diagnostics].filter((one) => one.severity === 'error');
  return { model: resolved.value, placement: value, sources: loaded.sources, errors };
}

/** One space in which all of them can be asked. */
export function sharedSpace(models: readonly Model[], more: readonly AddressSet[] = []): ConversationSpace {
  return new ConversationSpace(new AddressLine([...models.flatMap(bordersOf), ...more]));
}

export function plantSets(text: string): PlantSets {
  const { model, placement, errors } = placed(text);
  if (errors.length > 0) throw new Error(errors.map((one) => `${one.code} ${one.message}`).join('\n'));
  return new PlantSets(model, placement);
}

/** Three zones around one gateway, both families; the plant that hand-written cases add to. */
export const mill = `policy "Mill" { revision 1 }
zone office { level 4  networks 10.4.0.0/16, 2001:db8:4::/64 }
zone dmz    { level 3.5  kind dmz  networks 10.35.0.0/24, 2001:db8:35::/64 }
zone cell   { level 1  networks 10.1.0.0/24, 2001:db8:1::/64 }
host hist in dmz  { address 10.35.0.5, 2001:db8:35::5 }
host jump in dmz  { address 10.35.0.7 }
host plc  in cell { address 10.1.0.11  traits legacy }
host hmi  in cell { address 10.1.0.12, 2001:db8:1::12 }
host pump in cell { address 10.1.0.13 }
group machines { plc, hmi, pump }
`;
export const millGateway = `gateway gw {
  target nftables
  interface eth0 { faces office  address 10.4.0.1/16, 2001:db8:4::1/64 }
  interface eth1 { faces dmz     address 10.35.0.1/24, 2001:db8:35::1/64 }
  interface eth2 { faces cell    address 10.1.0.1/24, 2001:db8:1::1/64 }
  manage from hist allow ssh
  send to hist allow ntp
}
`;
