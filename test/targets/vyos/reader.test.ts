/**
 * The reader of VyOS by hand: what the platform does by itself, what it refuses to know, and what other hands write.
 *
 * Expectations come from the platform's templates and documentation (targets/vyos/README.md), none from the reader.
 */
import { describe, expect, it } from 'vitest';
import type { Packet } from '../../../src/packets/packet.ts';
import { empty, PacketSpace } from '../../../src/packets/packet-space.ts';
import type { ReadResult } from '../../../src/target/target.ts';
import { read, readRunning } from '../../../targets/vyos/reader.ts';
import { compileText, rulesetOf } from '../../generators/compile.ts';

const ruleset = rulesetOf(
  compileText(`policy "reader" {}
zone a { level 4  networks 10.0.1.0/24, 2001:db8:1::/64 }
zone b { level 1  networks 10.0.2.0/24, 2001:db8:2::/64 }
flow f { from a  to b  allow tcp 502 }
gateway g {
  target vyos
  interface eth0 { faces a  address 10.0.1.1/24, 2001:db8:1::1/64 }
  interface eth1 { faces b  address 10.0.2.1/24, 2001:db8:2::1/64 }
  manage none "console"
}
`),
);
const space = new PacketSpace(['eth0', 'eth1']);
const context = { space, mark: undefined };

function running(...lines: readonly string[]): ReadResult {
  return readRunning([{ name: 'running', text: `${lines.map((line) => `set ${line}`).join('\n')}\n` }], context);
}

const base: Packet = {
  hook: 'forward',
  inInterface: 'eth0',
  outInterface: 'eth1',
  source: { family: 4, value: 0x0a00_0105 },
  destination: { family: 4, value: 0x0a00_0205 },
  protocol: 6,
  sourcePort: 40_000,
  value: 502,
  functionNumber: 0,
  hopLimit: 63,
  state: 'new',
  direction: 'original',
  markCurrent: false,
  local: false,
};

function passes(result: ReadResult, change: Partial<Packet> = {}): boolean {
  expect(result.refusals).toEqual([]);
  return space.contains(result.accepted, { ...base, ...change });
}

const zones = ['firewall zone a member interface eth0', 'firewall zone b member interface eth1'];

describe('what VyOS does by itself', () => {
  it('passes everything where nothing is configured', () => {
    expect(passes(running("system host-name 'g'"))).toBe(true);
    expect(running("system host-name 'g'").missing).toBeDefined();
  });

  it('drops between zones what no rule set is named for, and passes inside a zone', () => {
    const result = running(...zones);
    expect(passes(result)).toBe(false);
    expect(passes(result, { outInterface: 'eth0' })).toBe(true);
    expect(passes(result, { state: 'established' })).toBe(false);
  });

  it('sees neither what leaves by an interface of no zone, nor what is for the gateway without a local zone', () => {
    const result = running('firewall zone b member interface eth1');
    expect(passes(result, { inInterface: 'eth1', outInterface: 'eth0' })).toBe(true);
    expect(passes(result)).toBe(false);
    expect(passes(result, { hook: 'input', outInterface: undefined })).toBe(true);
    const local = running(...zones, 'firewall zone me local-zone');
    expect(passes(local, { hook: 'input', outInterface: undefined })).toBe(false);
    expect(passes(local, { hook: 'input', outInterface: undefined, inInterface: 'lo' })).toBe(true);
    expect(passes(local, { hook: 'output', inInterface: undefined })).toBe(false);
    expect(passes(local, { hook: 'output', inInterface: undefined, outInterface: 'lo' })).toBe(true);
  });

  it('asks the state policy before zones and loopback', () => {
    const state = ['established action accept', 'related action accept', 'invalid action drop'].map((one) => `firewall global-options state-policy ${one}`);
    const result = running(...zones, ...state);
    expect(passes(result, { state: 'established' })).toBe(true);
    expect(passes(result, { state: 'related' })).toBe(true);
    expect(passes(result, { outInterface: 'eth0', state: 'invalid' })).toBe(false);
    expect(passes(result, { hook: 'input', inInterface: 'lo', outInterface: undefined, state: 'invalid' })).toBe(false);
  });

  it('goes by the numbers of rules, not by the order in which they stand', () => {
    const result = running(
      ...zones,
      "firewall zone b from a firewall name 'x'",
      "firewall ipv4 name x rule 20 action 'accept'",
      "firewall ipv4 name x rule 9 action 'drop'",
      "firewall ipv4 name x rule 9 protocol 'tcp'",
      'firewall ipv4 name x rule 8 disable',
      "firewall ipv4 name x rule 8 action 'accept'",
    );
    expect(passes(result)).toBe(false);
    expect(passes(result, { protocol: 17 })).toBe(true);
  });

  it('keeps IPv4 and IPv6 apart', () => {
    const six: Partial<Packet> = {
      source: { family: 6, value: (0x2001_0db8_0001n << 80n) + 5n },
      destination: { family: 6, value: (0x2001_0db8_0002n << 80n) + 5n },
    };
    const result = running(...zones, "firewall zone b from a firewall ipv6-name 'x'", "firewall ipv6 name x default-action 'accept'");
    expect(passes(result)).toBe(false);
    expect(passes(result, six)).toBe(true);
  });

  it('lets a base chain decide first, and zones after what it accepts', () => {
    const result = running(...zones, "firewall ipv4 forward filter default-action 'accept'");
    expect(passes(result)).toBe(false);
    const closed = running("firewall ipv4 forward filter default-action 'drop'");
    expect(passes(closed)).toBe(false);
    expect(passes(closed, { hook: 'input', outInterface: undefined })).toBe(true);
  });

  it('comes back from a rule set into the chain that jumped', () => {
    const result = running(
      ...zones,
      "firewall zone b from a firewall name 'x'",
      "firewall ipv4 name x rule 1 action 'jump'",
      "firewall ipv4 name x rule 1 jump-target 'y'",
      "firewall ipv4 name x rule 2 action 'accept'",
      "firewall ipv4 name x rule 2 protocol 'udp'",
      "firewall ipv4 name y default-action 'return'",
      "firewall ipv4 name y rule 1 action 'accept'",
      "firewall ipv4 name y rule 1 destination port '!502,!80-90'",
      "firewall ipv4 name y rule 1 protocol 'tcp'",
    );
    expect(passes(result)).toBe(false);
    expect(passes(result, { value: 85 })).toBe(false);
    expect(passes(result, { value: 0 })).toBe(true);
    expect(passes(result, { protocol: 17 })).toBe(true);
    expect(passes(result, { protocol: 47 })).toBe(false);
  });
});

describe('what other hands write', () => {
  it('resolves groups, those that they include, and their negation', () => {
    const group = [
      "firewall group address-group inner address '10.0.1.5'",
      "firewall group address-group outer include 'inner'",
      "firewall group address-group outer address '10.0.1.7-10.0.1.9'",
      "firewall group port-group p port '500-502'",
      ...zones,
      "firewall zone b from a firewall name 'x'",
      "firewall ipv4 name x rule 1 action 'accept'",
      "firewall ipv4 name x rule 1 protocol 'tcp'",
      "firewall ipv4 name x rule 1 destination group port-group 'p'",
    ];
    const result = running(...group, "firewall ipv4 name x rule 1 source group address-group 'outer'");
    expect(passes(result)).toBe(true);
    expect(passes(result, { source: { family: 4, value: 0x0a00_0106 } })).toBe(false);
    expect(passes(running(...group, "firewall ipv4 name x rule 1 source group address-group '!outer'"))).toBe(false);
    expect(passes(result, { value: 503 })).toBe(false);
  });

  it('takes a rate for what it is: some pass, some do not', () => {
    const result = running(
      ...zones,
      "firewall zone b from a firewall name 'x'",
      "firewall ipv4 name x rule 1 action 'accept'",
      "firewall ipv4 name x rule 1 limit rate '5/minute'",
    );
    expect(space.contains(result.maybe, base)).toBe(true);
    expect(space.contains(result.accepted, base)).toBe(false);
    expect(result.limits.map(({ rate }) => rate)).toEqual([{ amount: 5, unit: 'minute', burst: 5 }]);
  });

  it('knows nothing of a packet whose fate hangs on what is not modelled, and everything of others', () => {
    const result = running(
      ...zones,
      "firewall zone b from a firewall name 'x'",
      "firewall ipv4 name x rule 1 action 'accept'",
      "firewall ipv4 name x rule 1 protocol 'tcp'",
      "firewall ipv4 name x rule 1 source geoip country-code 'jp'",
    );
    expect(result.refusals).toHaveLength(1);
    expect(space.contains(result.unknown, base)).toBe(true);
    expect(space.contains(result.unknown, { ...base, protocol: 17 })).toBe(false);
  });

  it('says what else touches packets', () => {
    const result = running(...zones, "nat source rule 10 outbound-interface name 'eth0'", "firewall bridge forward filter default-action 'drop'");
    expect(result.others).toHaveLength(2);
  });

  it.each([
    ['a rule without an action', ["firewall ipv4 name x rule 1 protocol 'tcp'"]],
    ['a rule set that is not there', ["firewall zone b from a firewall name 'y'"]],
    ['a group that is not there', ["firewall ipv4 name x rule 1 action 'accept'", "firewall ipv4 name x rule 1 source group address-group 'y'"]],
    ['a group that holds itself', ["firewall group address-group y include 'y'"]],
    ['ports without tcp or udp', ["firewall ipv4 name x rule 1 action 'accept'", "firewall ipv4 name x rule 1 destination port '502'"]],
    ['the state untracked', ["firewall ipv4 name x rule 1 action 'accept'", "firewall ipv4 name x rule 1 state 'untracked'"]],
    ['an interface in two zones', ['firewall zone c member interface eth1']],
    ['a zone without interfaces', ["firewall zone c default-action 'drop'"]],
    ['interfaces by pattern', ["firewall zone c member interface 'wg*'"]],
    ['a prerouting chain', ["firewall ipv4 prerouting raw rule 1 action 'drop'"]],
    ['validation by routes', ["firewall global-options source-validation 'strict'"]],
    ['a rule that rejects', ["firewall ipv4 name x rule 1 action 'reject'"]],
    ['a rule set that rejects what is left', ["firewall zone a from b firewall name 'y'", "firewall ipv4 name y default-action 'reject'"]],
    ['a zone that rejects what is left', ["firewall zone b default-action 'reject'"]],
    ['a state policy that rejects', ["firewall global-options state-policy invalid action 'reject'"]],
    ['an offload', ["firewall ipv4 name x rule 1 action 'offload'"]],
  ])('refuses %s', (_, lines) => {
    const result = running(...zones, "firewall zone b from a firewall name 'x'", "firewall ipv4 name x default-action 'drop'", ...lines);
    expect(result.refusals.length).toBeGreaterThan(0);
    expect(result.unknown).not.toBe(empty);
  });
});

describe('texts', () => {
  it.each([
    ['nothing', ''],
    ['another language', 'firewall {\n}\n'],
    ['a word that a shell would expand', 'set firewall zone a description $(reboot)\n'],
    ['a quote that does not end', "set firewall zone a description 'x\n"],
  ])('takes %s for no dump', (_, text) => {
    expect(readRunning([{ name: 'running', text }], context).unreadable).toBeDefined();
  });

  it('takes no other file for its own, and no other part of the configuration', () => {
    expect(read([{ name: 'ruleset.nft', text: '' }], context).refusals).not.toEqual([]);
    expect(read([{ name: 'firewall.commands', text: "set nat source rule 1 translation address 'masquerade'\n" }], context).refusals).not.toEqual([]);
  });

  it('reads quoted words of other parts without minding what they hold', () => {
    const text = `${ruleset.text}set interfaces ethernet eth0 description "the engineer's \\"own\\""\nset system login banner pre-login 'a; b $(c)'\n`;
    expect(readRunning([{ name: 'running', text }], context).refusals).toEqual([]);
  });
});
