/** Asserts, essential flows and test blocks on hand-written plants: what is proved, violated, or seen by no gateway. */
import { describe, expect, it } from 'vitest';
import { check, type Checked, exitStatus } from '../../src/pipeline/check.ts';
import { capabilitiesByName } from '../../targets/index.ts';

const base = `policy "p" { revision 1 }
zone office { level 4  networks 10.4.0.0/16, 2001:db8:4::/64 }
zone dmz    { level 3.5  kind dmz  networks 10.35.0.0/24, 2001:db8:35::/64 }
zone cell   { level 1  networks 10.1.0.0/24, 2001:db8:1::/64 }
host hist in dmz  { address 10.35.0.5, 2001:db8:35::5 }
host plc  in cell { address 10.1.0.11 }
host hmi  in cell { address 10.1.0.12, 2001:db8:1::12 }
`;
const gateway = `gateway gw {
  target nftables
  interface eth0 { faces office  address 10.4.0.1/16, 2001:db8:4::1/64 }
  interface eth1 { faces dmz     address 10.35.0.1/24, 2001:db8:35::1/64 }
  interface eth2 { faces cell    address 10.1.0.1/24, 2001:db8:1::1/64 }
  manage from hist allow ssh
}
`;

function run(text: string, whole = base + gateway): Checked {
  return check('plant.zone', { date: '2026-11-22', targets: capabilitiesByName, read: () => Buffer.from(whole + text) });
}

function outcome(text: string, whole?: string): { status: string; codes: string[]; exit: number; messages: string[] } {
  const checked = run(text, whole);
  const found = checked.diagnostics.filter((one) => one.code.startsWith('ZW4'));
  return {
    status: checked.asserts.map((one) => one.status).join(','),
    codes: found.map((one) => one.code),
    exit: exitStatus(checked.diagnostics),
    messages: checked.diagnostics.filter((one) => one.severity === 'error').map((one) => one.message),
  };
}

describe('never', () => {
  it('is proved where nothing is allowed', () => {
    expect(outcome('assert a { never office -> cell }')).toEqual({ status: 'proved', codes: [], exit: 0, messages: [] });
  });

  it('shows one packet, the flow, and the gateway', () => {
    const { status, messages, exit } = outcome('flow leak { from office  to plc  allow tcp 445 }\nassert a { never level >= 4 -> level <= 2 : smb }');
    expect(status).toBe('violated');
    expect(exit).toBe(1);
    expect(messages).toEqual(['assert `a` is violated: office 10.4.0.0 reaches plc 10.1.0.11 on tcp 445 (smb) through flow `leak`, on gw eth0 → eth2']);
  });

  it('finds a hole of one address in a group, and one that is open in IPv6 alone', () => {
    expect(
      outcome('group some { 10.4.0.0/30 }\nflow leak { from some  to plc  allow tcp 445 }\nassert a { never office except 10.4.0.0-10.4.0.2 -> cell }')
        .messages[0],
    ).toContain('office 10.4.0.3 reaches plc 10.1.0.11');
    expect(outcome('flow leak { from 2001:db8:4::/64  to hmi  allow ssh }\nassert a { never office -> cell }').messages[0]).toContain('2001:db8:4::');
    expect(outcome('flow leak { from 2001:db8:4::/64  to plc  allow ssh }\nassert a { never office -> cell }').status).toBe('proved');
  });

  it('says on which grade a proof about a gateway itself rests, where its lines name functions', () => {
    const open = base + gateway.replace('manage from hist allow ssh', 'manage from hist allow modbus read\n  send to plc allow modbus read unit 3');
    const grades = (assert: string): unknown => run(`assert a { ${assert} }`, open).asserts.map((one) => [one.status, one.grades]);
    expect(grades('never dmz -> gw : modbus write')).toEqual([['proved', { gw: 'pdu' }]]);
    expect(grades('never gw -> cell : modbus read unit 4')).toEqual([['proved', { gw: 'pdu' }]]);
    expect(grades('never office -> gw : modbus')).toEqual([['proved', {}]]);
    expect(grades('never dmz -> gw : s7comm')).toEqual([['proved', {}]]);
  });

  it('takes denies away, wherever they stand', () => {
    expect(outcome('flow no { from any  to cell  deny any }\nflow leak { from office  to plc  allow tcp 445 }\nassert a { never office -> cell }').status).toBe(
      'proved',
    );
  });

  it('leaves out hosts of one zone and says so', () => {
    const [result] = run('assert a { never any -> cell }').asserts;
    expect(result).toMatchObject({ status: 'proved', over: ['dmz -> cell', 'office -> cell'], leftOut: ['cell -> cell'] });
  });

  it('speaks of what is enforced, not of what was written', () => {
    expect(outcome('flow r { from hist  to plc  allow mms read  accept-weaker ports "x" }\nassert a { never any -> cell : mms write }').status).toBe(
      'violated',
    );
  });

  it('does not count a disabled or expired flow', () => {
    expect(
      outcome(
        'flow l1 { from office  to plc  allow ssh  disabled "x" }\nflow l2 { from office  to plc  allow ssh  expires 2026-11-21 }\nassert a { never office -> cell }',
      ).status,
    ).toBe('proved');
    expect(outcome('flow l3 { from office  to plc  allow ssh  expires 2026-11-22 }\nassert a { never office -> cell }').status).toBe('violated');
  });

  it('asks what reaches a gateway, if it names one', () => {
    expect(outcome('assert a { never any -> gw : ssh }').status).toBe('violated');
    expect(outcome('assert a { never office -> gw }').status).toBe('proved');
  });

  it('is a warning about nothing if its selectors select nothing', () => {
    const { status, codes, exit } = outcome('assert a { never office -> trait legacy }');
    expect([status, codes, exit]).toEqual(['vacuous', ['ZW4004'], 0]);
    expect(outcome('assert a { never office -> cell : goose }').status).toBe('vacuous');
  });
});

describe('what no gateway sees', () => {
  const shared = base + gateway.replace('interface eth0 { faces office', 'interface eth0 { faces office, guest').replace('manage', 'manage none "x"  #');
  const guest = 'zone guest { level 5  networks 10.5.0.0/24 }\n';

  it('is not enforceable between zones on one wire', () => {
    const { status, exit, codes } = outcome('assert a { never guest -> office }', shared + guest);
    expect([status, exit, codes]).toEqual(['not enforceable here', 1, ['ZW4003']]);
    expect(
      outcome(
        'assert a { never guest -> office } ',
        shared.replace('address 10.4.0.1/16, 2001:db8:4::1/64', 'routed  address 10.4.0.1/16, 2001:db8:4::1/64') + guest,
      ).status,
    ).toBe('proved');
  });

  it('counts what a zone on the same wire may do, since a host of one can take an address of the other', () => {
    expect(outcome('flow f { from office  to plc  allow ssh }\nassert a { never guest -> cell }', shared + guest).status).toBe('violated');
  });

  it('is not enforceable towards a zone that no gateway faces, save `where enforced`', () => {
    const lonely = 'zone lonely { level 1  networks 10.99.0.0/24 }\n';
    expect(outcome(`${lonely}assert a { never office -> level <= 1 }`).status).toBe('not enforceable here');
    expect(outcome(`${lonely}assert a { never office -> level <= 1 where enforced }`)).toMatchObject({ status: 'proved', exit: 0 });
    // A leak is a leak, whatever else cannot be enforced.
    expect(outcome(`${lonely}flow f { from office  to plc  allow ssh }\nassert a { never office -> level <= 1 }`).status).toBe('violated');
  });
});

describe('always and essential', () => {
  it('hold if every packet of each common family passes', () => {
    expect(outcome('flow f { from hist  to cell  allow tcp 502  essential }\nassert a { always hist -> plc, hmi : tcp 502 }')).toMatchObject({
      status: 'proved',
      exit: 0,
    });
    expect(outcome('flow f { from hist  to plc, 10.1.0.12  allow tcp 502 }\nassert a { always hist -> hmi : tcp 502 }').messages).toEqual([
      'assert `a` is violated: hist 2001:db8:35::5 cannot reach hmi 2001:db8:1::12 on tcp 502 (modbus), on gw eth1 → eth2',
    ]);
  });

  it('do not hold for a flow with a rate', () => {
    expect(outcome('flow f { from hist  to plc  allow tcp 502  rate 1/second burst 1 }\nassert a { always hist -> plc : tcp 502 }').status).toBe('violated');
  });

  it('say that it is only a rate', () => {
    expect(outcome('flow f { from hist  to plc  allow tcp 502  rate 1/second burst 1 }\nassert a { always hist -> plc : tcp 502 }').messages[0]).toContain(
      'only as far as a rate allows',
    );
  });

  it.each([
    [
      'it is only about an address of the gateway',
      'host odd in office { address 10.4.255.255 }\nflow f { from odd  to plc  allow tcp 502  essential }',
      'holds only addresses of gateway `gw` itself',
    ],
    ['a deny takes a part', 'flow f { from hist  to plc  allow tcp 502  essential }\nflow d { from any  to cell  deny tcp 500-510 }', 'denied by flow `d`'],
    ['it is disabled', 'flow f { from hist  to plc  allow tcp 502  essential  disabled "x" }', 'it is disabled'],
    ['it has expired', 'flow f { from hist  to plc  allow tcp 502  essential  expires 2026-11-21 }', 'it expired on 2026-11-21'],
    ['its ends share no family', 'flow f { from 2001:db8:35::5  to plc  allow tcp 502  essential }', 'share no address family'],
    [
      'a part lies behind no gateway',
      'zone lonely { level 1  networks 10.99.0.0/24 }\nflow f { from hist  to plc, lonely  allow tcp 502  essential }',
      'no gateway joins dmz and lonely',
    ],
  ])('an essential flow is a finding if %s', (_, text, why) => {
    const { exit, messages } = outcome(text);
    expect(exit).toBe(1);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(why);
  });
});

describe('tests', () => {
  const flow = 'flow f { from hist  to plc  allow tcp 502 }\n';

  it('`allow` means every member, `deny` none', () => {
    expect(outcome(`${flow}test "t" { allow hist -> plc : tcp 502  deny office -> cell : any }`.replace('  deny', '\n deny'))).toMatchObject({
      codes: [],
      exit: 0,
    });
    expect(outcome(`${flow}test "t" { allow hist -> plc : tcp 502-503 }`).messages[0]).toContain(
      'test expects allow, but it is denied: hist 10.35.0.5 -> plc 10.1.0.11 on tcp 503',
    );
    expect(outcome(`${flow}test "t" { deny dmz -> cell : tcp }`).messages[0]).toContain(
      'test expects deny, but it is allowed: hist 10.35.0.5 -> plc 10.1.0.11 on tcp 502 (modbus)',
    );
  });

  it('knows that hosts of one zone talk without a gateway', () => {
    expect(run('test "t" { allow plc -> hmi : ssh }').tests).toMatchObject([{ passed: true, enforced: false }]);
    expect(outcome('test "t" { deny plc -> hmi : ssh }').exit).toBe(1);
  });

  it('refuses addresses that lie in no zone', () => {
    expect(outcome('test "t" { deny 192.0.2.1 -> plc : ssh }')).toMatchObject({ codes: ['ZW4006'], exit: 2 });
  });
});

describe('what is for a gateway', () => {
  const managed = 'host far in office { address 10.4.9.9 }\n';

  it('is asked also where a single address of it is named', () => {
    // `manage from hist allow ssh`: hist is met at 10.35.0.1 and nowhere else (rule 5).
    expect(outcome('assert a { never hist -> 10.35.0.1 : ssh }').status).toBe('violated');
    expect(outcome('assert a { never hist -> 10.4.0.1 : ssh }').status).toBe('proved');
    expect(outcome('assert a { always hist -> 10.4.0.1 : ssh }').status).toBe('violated');
    expect(outcome('assert a { always hist -> gw : ssh }').status).toBe('proved');
    expect(outcome(`${managed}test "t" { allow far -> 10.35.0.1 : tcp 4444 }`).exit).toBe(1);
    expect(outcome('test "t" { deny hist -> 10.35.0.1 : ssh }').exit).toBe(1);
  });

  it('counts what its interfaces run, and a dynamic address', () => {
    const running = (base + gateway).replace('interface eth2 { faces cell', 'interface eth2 { runs echo  faces cell');
    expect(outcome('assert a { never cell -> gw : icmp echo-request }', running).status).toBe('violated');
    expect(outcome('assert a { never cell -> gw : icmp echo-request }').status).toBe('proved');
    const dynamic = (base + gateway).replace('address 10.4.0.1/16, 2001:db8:4::1/64', 'address dynamic').replace('manage from hist', 'manage from office');
    expect(outcome('test "t" { deny office -> gw : ssh }', dynamic).exit).toBe(1);
    expect(outcome('test "t" { deny office -> gw : telnet }', dynamic).exit).toBe(0);
  });

  it.each([
    ['manage from hist allow ssh { expires 2026-01-01 }', 'ZW3005'],
    ['manage from hist allow ssh { essential  expires 2026-12-01 }', 'ZW3008'],
    ['manage from 2001:db8:4::9 allow ssh { essential }', 'ZW4007'],
  ])('%s is said', (line, code) => {
    const text = (base + gateway).replace('manage from hist allow ssh', line).replace('10.4.0.1/16, 2001:db8:4::1/64', '10.4.0.1/16');
    expect(run('', text).diagnostics.map((one) => one.code)).toContain(code);
  });
});

describe('what would prove nothing', () => {
  it.each([
    ['an always that is partly about no zone', 'flow f { from hist  to cell  allow tcp 502 }\nassert a { always hist -> 10.1.0.0/23 : tcp 502 }', 1],
    ['a test that is partly about no zone', 'flow f { from hist  to cell  allow tcp 502 }\ntest "t" { allow hist -> 10.1.0.0/23 : tcp 502 }', 1],
    ['a test of a service that no gateway passes', 'test "t" { allow office -> cell : goose }', 1],
    ['a deny between zones that no gateway joins', 'zone lonely { level 1  networks 10.99.0.0/24 }\ntest "t" { deny office -> lonely : any }', 1],
  ])('%s fails', (_, text, exit) => {
    expect(outcome(text).exit).toBe(exit);
  });

  it('is never called proved', () => {
    const lonely = 'zone lonely { level 1  networks 10.99.0.0/24 }\n';
    expect(outcome(`${lonely}assert a { never office -> lonely where enforced }`).status).toBe('vacuous');
    expect(outcome('test "t" { deny trait legacy -> cell : any }')).toMatchObject({ codes: ['ZW4004'], exit: 0 });
  });
});

describe('chains', () => {
  const shells = 'flow in { from office  to hist  allow ssh }\nflow on { from hist  to plc  allow modbus }\n';

  it('are cut by what the assert leads them through, a gateway included', () => {
    expect(outcome(`${shells}assert a { office -> cell only via kind dmz }`)).toMatchObject({ status: 'proved', exit: 0 });
    expect(outcome(`${shells}assert a { office -> cell only via hist }`).status).toBe('proved');
    expect(outcome(`${shells}assert a { office -> cell only via hmi }`).status).toBe('violated');
    expect(outcome(`${shells}assert a { office -> cell only via gw }`).status).toBe('proved');
    expect(outcome(`${shells}flow direct { from office  to hmi  allow https }\nassert a { office -> cell only via kind dmz }`).messages).toEqual([
      'assert `a` is violated: office → hmi in 1 hop',
    ]);
  });

  it('count the gateways that they cross', () => {
    expect(outcome(`${shells}assert a { office -> cell at least 2 hops }`).status).toBe('proved');
    expect(outcome(`${shells}assert a { office -> cell at least 3 hops }`).messages).toEqual(['assert `a` is violated: office → hist → plc in 2 hops']);
    expect(outcome('assert a { office -> cell at least 99 hops }').status).toBe('proved');
  });

  it('are shown though no gateway joins the two ends, and prove nothing of a gateway', () => {
    const two = `${base}gateway gw_it {
  target nftables
  interface eth0 { faces office  address 10.4.0.1/16 }
  interface eth1 { faces dmz  address 10.35.0.1/24 }
  manage none "console"
}
gateway gw_ot {
  target nftables
  interface eth0 { faces dmz  address 10.35.0.2/24 }
  interface eth1 { faces cell  address 10.1.0.1/24 }
  manage none "console"
}
`;
    expect(outcome(`${shells}assert a { office -> cell at least 3 hops where enforced }`, two)).toMatchObject({ status: 'violated', exit: 1 });
    expect(outcome(`${shells}assert a { office -> cell at least 2 hops }`, two).status).toBe('not enforceable here');
    expect(outcome(`${shells}assert a { office -> gw only via hist }`).status).toBe('vacuous');
  });
});

describe('limits', () => {
  it('are no promise, for a gateway’s own lines either', () => {
    const limited = base + gateway.replace('allow ssh', 'allow ssh { rate 5/minute }');
    expect(outcome('assert a { always hist -> gw : ssh }').status).toBe('proved');
    expect(outcome('assert a { always hist -> gw : ssh }', limited).status).toBe('violated');
    expect(outcome('assert a { never hist -> gw : ssh }', limited).status).toBe('violated');
    expect(outcome('test "t" { allow hist -> gw : ssh }', limited).codes).toEqual(['ZW4005']);
  });
});

describe('every flow', () => {
  const flows = `flow a { from office  to hist  allow ssh  owner "it"  expires 2026-12-24 }
flow b { from hist  to any  allow ping  owner "ot"  essential }
flow old { from office  to plc  allow ssh  expires 2026-11-21 }
`;

  it('asks those in force that reach the side, through a zone or `any` too', () => {
    expect(outcome(`${flows}assert a { every flow has owner, expires within 32 days or essential }`).status).toBe('proved');
    expect(outcome(`${flows}assert a { every flow has owner, expires within 31 days or essential }`).messages).toEqual([
      'assert `a` is violated: flow `a` lacks: expires within 31 days or essential',
    ]);
    expect(outcome(`${flows}assert a { every flow to plc has ticket }`).messages).toEqual(['assert `a` is violated: flow `b` lacks: ticket']);
    expect(outcome(`${flows}assert a { every flow from cell has ticket }`).status).toBe('vacuous');
    expect(outcome(`${flows}assert a { every flow to cell has inspect ports }`).status).toBe('proved');
    expect(outcome(`${flows}assert a { every flow to cell has inspect pdu or log }`).messages).toEqual([
      'assert `a` is violated: flow `b` lacks: inspect pdu or log (grade achieved: ports)',
    ]);
  });
});

describe('what a hostile reading found', () => {
  const wires = `policy "w" { revision 1 }
zone x { level 4  networks 10.1.0.0/24 }
zone y { level 4  networks 10.2.0.0/24 }
zone z { level 3  networks 10.3.0.0/24 }
zone w { level 1  networks 10.4.0.0/24 }
gateway g1 { target nftables; interface a { faces x, y  address none  shared-wire "one switch" }  interface b { faces w  address none }  manage none "console" }
gateway g2 { target nftables; interface a { faces y, z  address none  shared-wire "one switch" }  interface b { faces w  address none }  manage none "console" }
gateway g3 { target nftables; interface a { faces x  address none }  interface b { faces z  address none }  manage none "console" }
`;

  it('a wire that goes on over a second gateway is one wire', () => {
    const open = 'flow f { from x  to z  allow ssh }\nflow t { from z  to w  allow telnet }\n';
    expect(outcome(`${open}assert a { x -> z at least 5 hops }`, wires).status).toBe('not enforceable here');
    expect(outcome(`${open}assert a { never x -> z : smb }`, wires).status).toBe('not enforceable here');
    // What z may, x may: nothing tells them apart.
    expect(outcome(`${open}assert a { never x -> w : telnet }`, wires).status).toBe('violated');
  });

  it('who shares a wire with an administrator may what that one may', () => {
    const manage = wires
      .replace('interface b { faces w  address none }  manage none "console" }', 'interface b { faces w  address none }  manage from y allow ssh }')
      .replace('faces x, y  address none', 'faces x, y  address 10.1.0.1/24, 10.2.0.1/24');
    expect(outcome('assert a { never x -> g1 : ssh }', manage).status).toBe('violated');
    expect(outcome('assert a { never x -> 10.1.0.1 : ssh }', manage).status).toBe('violated');
  });

  it('a gateway that cannot be met is not open to anyone', () => {
    const far = 'zone vendor { level 5  networks 203.0.113.0/24 }\n';
    expect(outcome(`${far}assert a { always vendor -> gw : ssh }`).status).toBe('violated');
    expect(outcome(`${far}test "t" { allow vendor -> gw : ssh }`).codes).toEqual(['ZW4005']);
    const bare = base + gateway.replace('address 10.4.0.1/16, 2001:db8:4::1/64', 'address none').replace('manage from hist', 'manage from hist, office');
    expect(outcome('assert a { always office -> gw : ssh }', bare).status).toBe('violated');
    const dynamic = base + gateway.replace(/address [^}]*\}/gu, 'address dynamic }').replace('manage from hist', 'manage from office');
    expect(outcome('assert a { never office -> gw : ssh }', dynamic).status).toBe('violated');
  });

  it('own addresses are asked however they are written, and broadcasts are reached by nobody', () => {
    const open = base + gateway.replace('manage from hist', 'manage from office');
    for (const own of ['10.4.0.1', '10.4.0.1/32', '10.4.0.1-10.4.0.1', '10.4.0.1/32, plc'])
      expect(outcome(`assert a { never office -> ${own} : ssh }`, open).status).toBe('violated');
    expect(outcome('flow f { from office  to dmz  allow telnet }\nassert a { always office -> 10.35.0.255 : telnet }').status).toBe('violated');
    expect(
      outcome('host last in dmz { address 10.35.0.255 }\ngroup both { hist, last }\nflow f { from office  to both  allow telnet  essential }').codes,
    ).toContain('ZW4007');
  });

  it('a gateway is no peer of its own', () => {
    const open = base + gateway.replace('manage from hist', 'manage from office');
    expect(outcome('assert a { always office -> gw : ssh }', open).status).toBe('proved');
    expect(outcome('test "t" { allow office -> gw : ssh }', open).codes).toEqual([]);
    expect(outcome('assert a { always office -> 10.4.0.1 : ssh }', open).status).toBe('proved');
  });

  it('what an interface runs is open in its own family alone', () => {
    const dhcp = base + gateway.replace('2001:db8:4::1/64 }', '2001:db8:4::1/64  runs dhcp-server }');
    expect(outcome('assert a { never 2001:db8:4::/64 -> gw : udp 67 }', dhcp).status).toBe('proved');
    expect(outcome('test "t" { allow 2001:db8:4::5 -> gw : udp 67 }', dhcp).codes).toEqual(['ZW4005']);
  });

  describe('an end that is only the gateway itself in the family that both have', () => {
    const six = base.replace('10.4.0.0/16, ', '').replace('2001:db8:1::/64', '2001:db8:1::1/128').replace('2001:db8:1::12', '2001:db8:35::12');
    const ends = (six + gateway.replace('10.4.0.1/16, ', '')).replace('host hmi  in cell { address 10.1.0.12, 2001:db8:35::12 }\n', '');

    it('leaves nothing that an invariant could be about', () => {
      expect(outcome('assert a { never office -> cell : ssh }', ends).status).toBe('vacuous');
      expect(outcome('assert a { always office -> cell : ssh }', ends).status).toBe('vacuous');
    });

    it('loses an essential flow', () => {
      const { codes, messages } = outcome('flow f { from office  to cell  allow ssh  essential }', ends);
      expect(codes).toEqual(['ZW4007']);
      expect(messages).toEqual([
        'essential flow `f` is not permitted whole: in the families that its sides share, it names with `cell` in IPv6 only addresses of gateway `gw` itself',
      ]);
    });

    it('is no test that something passes', () => {
      expect(outcome('test "t" { allow office -> cell : ssh }', ends).codes).toEqual(['ZW4005']);
    });
  });

  it('an essential flow without a message in a family that its sides share opens nothing', () => {
    expect(outcome('flow f { from office  to plc  allow icmpv6 type 128  essential }').codes).toEqual(['ZW4007']);
  });

  it('no chain starts or ends at a gateway, whatever zone its address lies in', () => {
    const open = 'flow f { from office  to dmz  allow ssh }\nflow g { from dmz  to cell  allow ssh }\n';
    for (const sentence of ['office -> gw at least 3 hops', 'gw -> cell at least 3 hops', 'office -> 10.1.0.1 at least 3 hops', 'office -> gw only via cell'])
      expect(outcome(`${open}assert a { ${sentence} }`).status, sentence).toBe('vacuous');
    expect(outcome(`${open}assert a { office -> cell at least 3 hops }`).status).toBe('violated');
  });

  it('neighbour discovery breaks a `never` that is about nothing else', () => {
    expect(outcome('assert a { never office -> gw }').status).toBe('proved');
    expect(outcome('assert a { never office -> gw : icmpv6 }').status).toBe('proved');
    expect(outcome('assert a { never office -> gw : icmpv6 type 135 }').status).toBe('violated');
    expect(outcome('assert a { always office -> gw : icmpv6 type 135 }').status).toBe('proved');
    expect(outcome('test "t" { deny office -> gw : any }').codes).toEqual([]);
    expect(outcome('test "t" { deny office -> gw : icmpv6 type 136 }').codes).toEqual(['ZW4005']);
  });

  it('a host on a broadcast is asked about as a peer of the gateway', () => {
    const last = 'host last in dmz { address 10.35.0.255 }\n';
    expect(outcome(`${last}assert a { never last -> gw : ssh }`).status).toBe('proved');
    expect(outcome(`${last}assert a { always hist, last -> gw : ssh }`).status).toBe('violated');
  });

  it('messages of a family that the sides do not share prove nothing', () => {
    expect(outcome('assert a { never office -> plc : icmpv6 type 128 }').status).toBe('vacuous');
    expect(outcome('assert a { always office -> plc : icmpv6 type 128 }').status).toBe('vacuous');
    expect(outcome('test "t" { allow office -> plc : icmpv6 type 128 }').codes).toEqual(['ZW4005']);
  });

  it('an essential line of a gateway must meet every part of its peer', () => {
    const line = (more: string): string =>
      base +
      gateway.replace('manage from hist allow ssh', `manage from hist, office allow ssh { essential }`).replace('address 10.4.0.1/16, 2001:db8:4::1/64', more);
    expect(outcome('', line('address 10.4.0.1/16, 2001:db8:4::1/64')).codes).toEqual([]);
    expect(outcome('', line('address none')).codes).toEqual(['ZW4007']);
  });
});
