/** What `protocols NAME` prints, as golden files, and the same as data. */
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/catalogue/catalogue.ts';
import { functionTables } from '../../src/catalogue/functions.ts';
import type { Protocol } from '../../src/catalogue/protocol.ts';
import { protocolData, protocolText } from '../../src/report/protocol.ts';
import { capabilities } from '../../targets/nftables/target.ts';

const targets = [capabilities, { ...capabilities, name: 'inspector', grades: { default: 'pdu', s7comm: 'function' } } as const];

function row(name: string): Protocol {
  const found = catalogue.get(name);
  if (found === undefined) throw new Error(`no protocol ${name}`);
  return found;
}

describe('as text', () => {
  it.each(['modbus', 's7comm', 'fins', 'hsms', 'cip', 'bacnet', 'ssh', 'goose'])('%s', async (name) => {
    await expect(`${protocolText(row(name), targets).join('\n')}\n`).toMatchFileSnapshot(`protocols/${name}.txt`);
  });

  it('names every function of every protocol once, and its codes', () => {
    for (const protocol of catalogue.values()) {
      const lines = protocolText(protocol, targets);
      for (const one of functionTables.get(protocol.name)?.functions ?? []) {
        const its = lines.filter((line) => line.startsWith(`    ${one.name} `));
        expect(its, `${protocol.name} ${one.name}`).toHaveLength(1);
      }
    }
  });
});

describe('as data', () => {
  it('has functions, session messages by transport, and grades', () => {
    const data = protocolData(row('fins'), targets);
    expect(data.functions).toEqual(['read', 'write', 'control', 'program', 'diagnostics']);
    expect(data.messages).toContainEqual({
      name: 'memory-area-read',
      class: 'read',
      container: false,
      codes: ['0x0101'],
      layer: 'command',
      addresses: null,
      also: null,
      note: null,
      source: 'tshark 4.0.17 -G values: omron.command',
      verified: true,
    });
    expect(data.messages).toContainEqual(expect.objectContaining({ name: 'frame', class: null, container: true }));
    expect(data.session).toEqual({ tcp: ['fins node-address'], udp: [] });
    expect(data.grades).toEqual({ nftables: 'pdu', inspector: 'pdu' });
    expect(protocolData(row('s7comm'), targets).session.tcp).toEqual([
      's7comm setup-communication',
      'cotp connect-request',
      'cotp disconnect-request',
      'cotp empty-data',
    ]);
    expect(protocolData(row('ssh'), targets)).toMatchObject({ messages: [], session: { tcp: [], udp: [] }, grades: {} });
  });

  it('says which functions name addresses, and who tells them', () => {
    const data = protocolData(row('modbus'), targets);
    const named = (which: string): string[] => data.messages.filter(({ addresses }) => addresses === which).map(({ codes }) => codes.join());
    expect(named('one')).toEqual(['5', '6', '22']);
    expect(named('many')).toEqual(['1', '2', '3', '4', '15', '16', '23']);
    expect([data.units, data.details]).toEqual([true, { nftables: ['unit', 'address'], inspector: ['unit', 'address'] }]);
    expect([protocolData(row('fins'), targets).units, protocolData(row('fins'), targets).details]).toEqual([false, {}]);
  });
});
