/** Finds of a hostile reading: each was once taken for something else than it says. */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/pipeline/check.ts';
import { prove } from '../../src/pipeline/prove.ts';
import { policySets } from '../../src/policy/sets.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { read } from '../../targets/nftables/reader.ts';
import { compileText, rulesetOf } from '../generators/compile.ts';

const base = `policy "p" { revision 1 }
zone a { level 4  networks 10.0.0.0/16 }
zone b { level 1  networks 192.168.10.0/24 }
host x in a { address 10.0.1.5 }
host y in b { address 192.168.10.5 }
`;
const gateway = (more = ''): string => `gateway gw {
  target nftables ${more}
  interface eth1 { faces a  address 10.0.0.1/16 }
  interface eth2 { faces b  address 192.168.10.1/24 }
  manage none "x"
}
`;

function codes(text: string): string[] {
  return check('plant.zone', { date: '2026-11-22', targets: capabilitiesByName, read: () => Buffer.from(text) }).diagnostics.map((one) => one.code);
}

function proved(text: string): string {
  const ruleset = rulesetOf(compileText(text));
  const sets = policySets(ruleset.policy);
  const proof = prove(sets, read([{ name: 'ruleset.nft', text: ruleset.text }], { space: sets.space, mark: ruleset.mark }));
  return proof.kind === 'equal' ? ruleset.text : JSON.stringify(proof.kind);
}

describe('a floor of inspection', () => {
  it.each(['tcp 502', 'tcp 1-65535', 'tcp', 'any', 'ip protocol 6', 'any except smb'])('binds %s', (service) => {
    expect(codes(`${base}conduit c a -> b { inspect pdu  flow f { from x  to y  allow ${service} } }\n${gateway()}`)).toContain('ZW5001');
  });

  it('is not waived for a flow that asks for more itself', () => {
    expect(codes(`${base}conduit c a -> b { accept-weaker ports "x"  flow f { from x  to y  allow modbus  inspect stream } }\n${gateway()}`)).toContain(
      'ZW5001',
    );
  });

  it('is not escaped by asking for ports beside functions', () => {
    expect(codes(`${base}flow f { from x  to y  allow iec104 read  inspect ports }\n${gateway()}`)).toContain('ZW5001');
    expect(codes(`${base}flow f { from x  to y  allow iec104 }\nflow g { from x  to y  deny iec104 write  inspect ports }\n${gateway()}`)).toContain('ZW5002');
  });
});

describe('a service on other ports', () => {
  it.each([
    ['goose on tcp 102', 'ZW2030'],
    ['fl-net on udp 4444', 'ZW2030'],
    ['opc-classic on tcp 135', 'ZW2018'],
    ['ftp on tcp 2121', 'ZW2018'],
  ])('%s is refused as without them', (service, code) => {
    expect(codes(`${base}flow f { from x  to y  allow ${service} }\n${gateway()}`)).toContain(code);
  });

  it('keeps its passive ports', () => {
    const text = proved(`${base}flow f { from x  to y  allow ftp on tcp 2121 passive 50000-50002 }\n${gateway()}`);
    for (const port of [2121, 50000, 50002]) expect(text).toContain(`. 6 . ${port} `);
  });
});

describe('names', () => {
  it.each([
    [
      'a zone called self',
      `${base.replaceAll('zone a', 'zone self').replaceAll('in a', 'in self')}${gateway().replace('faces a', 'faces self').replace('manage none "x"', 'manage from x allow ssh\n  send to y allow ntp')}`,
    ],
    [
      'interfaces named after each other',
      `${base}${gateway().replace('eth1', 'eth0').replace('eth2', '"out.eth0"').replace('manage none "x"', 'manage from x allow ssh\n  send to y allow ntp')}`,
    ],
    ['a conduit with a dollar sign', `${base}conduit "50 $/h line" a -> b { log denied }\n${gateway()}`],
  ])('%s gives a ruleset that is proved', (_, text) => {
    const emitted = proved(text);
    expect(emitted).toContain('table inet zonewright');
    expect(emitted).not.toContain('$');
  });

  it('of groups may be patterns, in any order, and a cycle through them is said', () => {
    const members = 'group a_one { x, b_* }\n';
    const others = 'group b_two { y, a_* }\n';
    for (const text of [members + others, others + members]) expect(codes(`${base}${text}${gateway()}`)).toContain('ZW2016');
    expect(codes(`${base}group a_all { x, a_* }\n${gateway()}`)).not.toContain('ZW2016');
  });
});

describe('numbers', () => {
  it('keep a burst within what the kernel can count, and a mask wide enough for the policy’s number', () => {
    expect(codes(`${base}flow f { from x  to y  allow ssh  rate 1/day burst 213504 }\n${gateway()}`)).toContain('ZW2009');
    expect(codes(`${base}${gateway('{ mark-mask 1 }')}`)).toContain('ZW2039');
    expect(codes(`${base}${gateway('{ mark-mask 0xffff0000 }')}`)).not.toContain('ZW2039');
  });
});
