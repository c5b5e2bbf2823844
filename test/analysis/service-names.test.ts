/**
 * Sets of messages in the words of a zone file: by hand, and the law read ∘ print = id.
 *
 * What a flow may allow is printed as items that an `allow` reads as the same set; functions by classes where they fit,
 * else one by one.
 */
import { describe, expect, it } from 'vitest';
import { joined } from '../../src/analysis/item-list.ts';
import { ServiceNames } from '../../src/analysis/service-names.ts';
import type { Model } from '../../src/model/model.ts';
import { families } from '../../src/net/address.ts';
import { familyServices, isNoService, type ServiceSet, servicesEqual, subtractServices, unionServices } from '../../src/packets/service-set.ts';
import { Draw } from '../generators/draw.ts';
import { functionWords, portPool, services } from '../generators/plant-words.ts';
import { catalogue } from '../../src/catalogue/catalogue.ts';
import { placed } from './plant.ts';

const head = `policy "P" { revision 1 }
zone a { level 4  networks 10.0.0.0/24, 2001:db8::/64 }
zone b { level 1  networks 10.0.1.0/24, 2001:db8:1::/64 }
gateway gw {
  target nftables
  interface e0 { faces a  address 10.0.0.1/24 }
  interface e1 { faces b  address 10.0.1.1/24 }
  manage none "test"
}
`;

function modelOf(...allows: readonly string[]): Model {
  const flows = allows.map((words, index) => `flow f${index} { from a  to b  allow ${words}  requests forward  accept-weaker ports "test" }\n`);
  const { model, errors } = placed(head + flows.join(''));
  if (errors.length > 0) throw new Error(`${errors.map((one) => one.message).join('\n')}\n${allows.join('\n')}`);
  return model;
}

function allowed(words: string): ServiceSet {
  const set = modelOf(words).flows[0]?.services.set;
  if (set === undefined) throw new Error('nothing came of it');
  return set;
}

function printed(set: ServiceSet, family: 4 | 6 = 4, model: Model = modelOf('ssh')): string {
  return joined(new ServiceNames(model).items(set, family));
}

describe('functions', () => {
  it.each([
    ['modbus read', 'modbus read'],
    ['modbus function 3', 'modbus read-holding-registers'],
    ['modbus { function 6, read }', 'modbus { read, write-single-register }'],
    // All of a class is the class.
    ['modbus { function 19, restart-communications, force-listen-only-mode }', 'modbus control'],
    ['s7comm { read, program }, mms read', 'mms read, s7comm { read, program }'],
    ['fins read', 'fins read'],
    ['cip read', 'cip read'],
    ['enip { list-identity, register-session }', 'enip list-identity'],
    ['enip register-session', 'enip { nop, list-services, register-session, unregister-session }'],
    ['hsms S2F41 on tcp 5001', 'hsms host-command-send on tcp 5001'],
    ['modbus read on { tcp 502, tcp 1502, udp 502 }', 'modbus read on { tcp { 502, 1502 }, udp 502 }'],
    ['dnp3 read on tcp 20000', 'dnp3 read on tcp 20000'],
    ['any except modbus read', 'any except modbus read'],
    ['tcp 500-510 except { modbus { read, function 6 } }', 'tcp { 500-501, 503-510 }, tcp 502 except modbus { read, write-single-register }'],
    ['tcp 502 except { modbus read }, ssh', 'ssh, tcp 502 except modbus read'],
  ])('%s: %s', (words, expected) => {
    expect(printed(allowed(words))).toBe(expected);
  });

  it('are said in brackets where no allow means them', () => {
    const read = allowed('modbus read');
    const start = allowed('modbus read-coils');
    expect(printed(subtractServices(read, start))).toBe(
      'modbus { read-discrete-inputs, read-holding-registers, read-input-registers, read-file-record, read-fifo-queue, read-device-identification }',
    );
    // What touches addresses below and lies not within them, and what lies in no range.
    const without = (words: string, less: string): string => printed(subtractServices(allowed(words), allowed(less)));
    expect(without('modbus read-coils address 150-300', 'modbus read-coils address 100-200')).toBe(
      'modbus read-coils address 150-300 except modbus read-coils address 150-200',
    );
    expect(without('modbus function 3 address 100-200', 'modbus function 3 address 150-300')).toBe(
      'modbus read-holding-registers address 100-200 except modbus read-holding-registers address 150-200',
    );
    expect(without('modbus function 3', 'modbus function 3 address 150-300')).toBe(
      'modbus read-holding-registers except modbus read-holding-registers address 150-300',
    );
    expect(without('modbus function 3 unit 1-5', 'modbus function 3 unit 4')).toBe(
      'modbus read-holding-registers unit 1-3, modbus read-holding-registers unit 5',
    );
    const { model } = placed(`${head}assert x { never a -> b : modbus write }\n`);
    const write = model.asserts[0];
    if (write?.kind !== 'never') throw new Error('no assert');
    expect(printed(subtractServices(allowed('modbus'), write.services.set))).toBe('tcp 502 (all but modbus write)');
    expect(printed(unionServices(write.services.set, allowed('s7comm read')))).toBe('s7comm read, modbus write');
  });
});

describe('read ∘ print = id', () => {
  const seeds = Array.from({ length: 120 }, (_, index) => 400 + index);
  const classed = [...catalogue.values()].filter((row) => row.functions.length > 0);

  it('for lists of services with functions in them', () => {
    let withFunctions = 0;
    for (const seed of seeds) {
      const draw = Draw.seeded(seed);
      const row = draw.pick(classed);
      const ports =
        row.transports.length > 0 && draw.chance(60)
          ? ''
          : ` on ${row.transports[0]?.protocol ?? row.customary[0]?.protocol ?? 'tcp'} ${draw.integer(1, 65535)}`;
      const item = `${functionWords(draw, row.name)}${ports}`;
      const other = services(draw, portPool(draw), [], true).text;
      const list = draw.weighted([
        [4, item],
        [3, other.includes('except') ? `${item}, { ${other} }` : `${item}, ${other}`],
        [1, `any except { ${item} }`],
        [1, `tcp except { ${item} }`],
      ]);
      const set = allowed(list);
      const names = new ServiceNames(modelOf(list));
      for (const family of families) {
        const items = names.items(set, family);
        if (items.length === 0) continue;
        const again = items.join(', ').includes('(') ? undefined : allowed(joined(items));
        const only = (one: ServiceSet): ServiceSet => ({
          v4: family === 4 ? one.v4 : familyServices(none, 4),
          v6: family === 6 ? one.v6 : familyServices(none, 6),
        });
        expect(again !== undefined && servicesEqual(only(again), only(set)), `${seed}: ${list}\nprinted ${joined(items)}`).toBe(true);
        if (/read|write|function|program|control/u.test(joined(items))) withFunctions++;
      }
    }
    expect(withFunctions).toBeGreaterThan(100);
  }, 120_000);
});

const none: ServiceSet = subtractServices(allowed('ssh'), allowed('ssh'));
if (!isNoService(none)) throw new Error('not empty');
