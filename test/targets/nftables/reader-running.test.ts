/**
 * The reader of running gateways: what the real nft lists after loading a text means what the text means.
 *
 * nft normalises what it is given (names, prefixes, merged and dropped matches), so this is where its JSON is met in full.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketSpace } from '../../../src/packets/packet-space.ts';
import { prove } from '../../../src/pipeline/prove.ts';
import { policySets, possible } from '../../../src/policy/sets.ts';
import type { ReadContext, ReadResult } from '../../../src/target/target.ts';
import { read, readRunning } from '../../../targets/nftables/reader.ts';
import { compileText, type Ruleset, rulesetOf as emit } from '../../generators/compile.ts';
import { accepting, constructs, interfaces, mark, rulesetOf } from './constructs.ts';
import { describeNft, runningJson } from './nft.ts';
import { interfaces as randomInterfaces, mark as randomMark, ruleset } from './random-rulesets.ts';

const space = new PacketSpace(interfaces);
const context: ReadContext = { space, mark };

function readJson(text: string, where: ReadContext = context): ReadResult {
  return readRunning([{ name: 'running.json', text }], where);
}

function readText(text: string, where: ReadContext = context): ReadResult {
  return read([{ name: 'ruleset.nft', text }], where);
}

/** JSON of a whole machine with the given objects behind the version. */
function listing(...objects: readonly unknown[]): string {
  return JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6', json_schema_version: 1 } }, ...objects] });
}

const table = { table: { family: 'inet', name: 'zonewright', handle: 1 } };
const chain = { chain: { family: 'inet', table: 'zonewright', name: 'forward', handle: 1, type: 'filter', hook: 'forward', prio: 0, policy: 'drop' } };
const rule = (...expr: readonly unknown[]): unknown => ({ rule: { family: 'inet', table: 'zonewright', chain: 'forward', handle: 2, expr } });
const dport = { payload: { protocol: 'tcp', field: 'dport' } };

function emitted4and6(flows: string): Ruleset {
  return emit(
    compileText(`policy "Messages" { revision 1 }
zone a { level 3  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
${flows}
gateway gw {
  target nftables
  interface eth0 { faces a  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces b  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage none "x"
}`),
  );
}

describeNft('what the real nft lists', () => {
  it.each(constructs.map((construct) => [construct.rule, construct] as const))('%s', (_, construct) => {
    const text = accepting(construct);
    expect(readJson(runningJson(text))).toEqual(readText(text));
  });

  it('of lookups of units and addresses, whose neighbours of one value it joins', () => {
    const flows = ['modbus { read, write } unit 3 address 100-299', 'modbus function 6 unit 9 address 7', 'modbus { function 22, function 23 } address 65535'];
    const emitted = emitted4and6(flows.map((services, at) => `flow f${at} { from a  to b  allow ${services}, ${services} on udp 502 }`).join('\n'));
    const sets = policySets(emitted.policy);
    const running = runningJson(emitted.text);
    // A unit, a code and an address, each of one value, become one number.
    expect(running).toContain('"offset": 48, "len": 32');
    const where: ReadContext = { space: sets.space, mark: emitted.mark };
    const [written, listed] = [readText(emitted.text, where), readJson(running, where)];
    expect(listed.refusals).toEqual([]);
    expect(listed.accepted).toBe(written.accepted);
    expect([prove(sets, written).kind, prove(sets, listed).kind]).toEqual(['equal', 'equal']);
  });

  it('of verdicts, limits, marks and comments', () => {
    const text = rulesetOf(`
  comment "plant"
  counter c { comment "a flow" }
  limit l { rate 10/minute burst 3 packets; }
  map m { type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.0.0.1 . 10.0.0.2 . tcp . 502 comment "a/b plant.zone:41" : goto permit, 10.0.0.1 . 10.0.0.2 . udp . 53 : jump other } }
  map n { type ipv6_addr : verdict; flags interval; elements = { 2001:db8::/64 : drop, fe80::1-fe80::9 comment "x" : return } }
  chain permit {
    ct mark set 0x00071234 counter accept
  }
  chain other {
    ct mark set ct mark & 0x0000ffff | 0x00070000
    counter name "c" limit name "l" accept comment "limited"
    limit rate 5/second burst 10 packets log prefix "zw: " level info
    return
  }
  chain forward {
    type filter hook forward priority filter + 7; policy drop;
    ip saddr . ip daddr . meta l4proto . th dport vmap @m
    ip6 saddr vmap @n
    ct state vmap { new : continue, established : goto permit, related : jump other }
    ct mark set (ct mark & 0x0000ffff) ^ 0x00070000 limit rate over_
    ct direction vmap { original : accept, reply : drop }
  }
  chain input {
    type filter hook input priority -10; policy accept;
    icmp type 3-12 limit rate 1/day accept
    drop
  }`).replace(' limit rate over_', '');
    const read2 = readText(text);
    expect(read2.refusals).toEqual([]);
    expect(read2.limits.map((limit) => limit.identity)).toEqual(['input, rule 1, 1', 'l']);
    expect(readJson(runningJson(text))).toEqual(read2);
  });

  it('of golden rulesets', () => {
    const folder = join(import.meta.dirname, 'golden');
    const files = readdirSync(folder).filter((name) => name.endsWith('.nft') && !name.includes('.elements.'));
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const text = readFileSync(join(folder, file), 'utf8');
      const names = [...text.matchAll(/"([\w.-]{1,15})"/gu)].map((match) => match[1] ?? '');
      const [, maskText = '0xffffffff', valueText = '0'] = /ct mark (?:& (\S+) == )?(0x[\da-f]+) accept/u.exec(text) ?? [];
      const where = { space: new PacketSpace(names), mark: { mask: Number(maskText), value: Number(valueText) } };
      const written = readText(text, where);
      expect(written.refusals, file).toEqual([]);
      expect(readJson(runningJson(text), where), file).toEqual(written);
    }
  });

  it('of random rulesets', () => {
    let loaded = 0;
    fc.assert(
      fc.property(ruleset, (text) => {
        const where = { space: new PacketSpace(randomInterfaces), mark: randomMark };
        const written = readText(text, where);
        if (written.refusals.length > 0) return;
        let json: string;
        try {
          json = runningJson(text);
        } catch {
          // What contradicts itself, nft does not load.
          return;
        }
        loaded++;
        expect(readJson(json, where)).toEqual(written);
      }),
      { numRuns: 80, seed: 11 },
    );
    expect(loaded).toBeGreaterThan(15);
  });

  it('of a machine with more on it', () => {
    const more =
      'table ip filter {\n chain FORWARD {\n type filter hook forward priority 0; policy accept;\n }\n chain nat {\n type nat hook postrouting priority 100;\n }\n chain plain {\n }\n}\n';
    const text = accepting({ rule: 'tcp dport 1' });
    const result = readJson(runningJson(text + more));
    expect(result).toEqual({ ...readText(text), others: ['table ip filter, chain FORWARD hooks forward', 'table ip filter, chain nat hooks postrouting'] });
  });

  it('of a table that sleeps, or is not there', () => {
    const text = rulesetOf('  flags dormant\n  chain forward {\n type filter hook forward priority 0; policy drop;\n }');
    expect(readJson(runningJson(text)).refusals).toHaveLength(1);
    const none = readJson(runningJson('table inet other {\n}\n'));
    expect(none.missing).toBe('the gateway runs no table inet zonewright');
    // What no table of ours hooks, the kernel passes.
    expect(none.accepted).toBe(possible(space));
    expect(none.refusals).toEqual([]);
  });

  it('cut off anywhere: refused', () => {
    const json = runningJson(accepting({ rule: 'tcp dport 1' })).trimEnd();
    expect(readJson(json).refusals).toEqual([]);
    for (let length = 0; length < json.length; length += 7) expect(readJson(json.slice(0, length)).refusals).toHaveLength(1);
  });
});

describe('the JSON of a running gateway', () => {
  it('is read from objects', () => {
    const accepted = readJson(
      listing(table, chain, rule({ match: { op: '==', left: dport, right: { set: [1, { range: [5, 9] }] } } }, { counter: null }, { accept: null })),
    );
    expect(accepted).toEqual(readText(rulesetOf('chain forward {\n type filter hook forward priority 0; policy drop;\n tcp dport { 1, 5-9 } accept\n }')));
  });

  const refused: readonly (readonly [string, readonly unknown[], RegExp])[] = [
    ['a flowtable', [table, { flowtable: { family: 'inet', table: 'zonewright', name: 'f', hook: 'ingress' } }], /flowtable/u],
    ['a chain elsewhere', [table, { chain: { ...chain.chain, hook: 'prerouting' } }], /prerouting/u],
    ['another type of chain', [table, { chain: { ...chain.chain, type: 'nat' } }], /nat/u],
    ['a sleeping table', [{ table: { ...table.table, flags: 'zonewright' } }], /flags/u],
    ['reject', [table, chain, rule({ reject: { type: 'icmp', expr: 'host-prohibited' } })], /forward, rule 1: the statement reject with "?icmp"? is/u],
    ['a reset of anything', [table, chain, rule({ reject: { type: 'tcp reset' } })], /a reset answers something else than a segment of TCP/u],
    ['a reset with more', [table, chain, rule({ reject: { type: 'tcp reset', expr: 'x' } })], /expr of a reject/u],
    [
      'an unknown match',
      [table, chain, rule({ match: { op: '==', left: { payload: { base: 'th', offset: 0, len: 8 } }, right: 5 } }, { accept: null })],
      /@th,0,8 is not modelled/u,
    ],
    ['an unknown comparison', [table, chain, rule({ match: { op: '<', left: dport, right: 5 } }, { accept: null })], /</u],
    ['a named set that is not there', [table, chain, rule({ match: { op: '==', left: dport, right: '@x' } }, { accept: null })], /x does not exist/u],
    ['bytes', [table, chain, rule({ limit: { rate: 5, burst: 0, per: 'second', rate_unit: 'bytes' } }, { accept: null })], /rate_unit/u],
    ['over', [table, { limit: { family: 'inet', table: 'zonewright', name: 'l', handle: 1, rate: 5, per: 'second', burst: 5, inv: true } }], /inv/u],
    ['a week', [table, chain, rule({ limit: { rate: 5, burst: 5, per: 'week' } }, { accept: null })], /week/u],
    ['an element that ends', [table, { set: { family: 'inet', table: 'zonewright', name: 's', type: 'ipv4_addr', flags: ['timeout'], elem: [] } }], /timeout/u],
    ['a map to marks', [table, { map: { family: 'inet', table: 'zonewright', name: 's', type: 'ipv4_addr', map: 'mark', elem: [] } }], /verdict/u],
    ['any other element', [table, chain, rule({ vmap: { key: dport, data: { set: [['*', { drop: null }]] } } })], /\*/u],
    ['a mark made of another', [table, chain, rule({ mangle: { key: { ct: { key: 'mark' } }, value: { meta: { key: 'mark' } } } })], /mark/u],
    ['another mangle', [table, chain, rule({ mangle: { key: { meta: { key: 'mark' } }, value: 5 } })], /mark/u],
    ['a statement behind a verdict', [table, chain, rule({ accept: null }, { counter: null })], /behind a verdict/u],
    ['a rule of no chain', [table, rule({ accept: null })], /not listed/u],
    ['another version', [{ metainfo: { json_schema_version: 2 } }, table, chain], /version 2/u],
    ['no objects', [table, 5], /no object/u],
    ['a verdict without a target', [table, chain, rule({ jump: null })], /verdict/u],
    ['a set of nothing known', [table, { set: { family: 'inet', table: 'zonewright', name: 's' } }], /type/u],
  ];
  it.each(refused)('%s is refused', (_, objects, what) => {
    const { refusals } = readJson(listing(...objects));
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals.map((refusal) => refusal.what).join()).toMatch(what);
  });

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('match', 'vmap', 'limit', 'mangle', 'jump', 'chain', 'set', 'map', 'rule', 'table', 'counter'),
        (value, kind) => {
          for (const text of [
            JSON.stringify(value),
            listing(value),
            listing(table, chain, { [kind]: value }),
            listing(table, chain, rule({ [kind]: value })),
          ]) {
            readJson(text);
          }
          for (const [name, content] of Object.entries(chain.chain)) readJson(listing(table, { chain: { ...chain.chain, [name]: value, more: content } }));
        },
      ),
    );
    expect(readRunning([], context).refusals).toHaveLength(1);
  });
});
