/** `zonewright trace`: what it prints, kernel log lines of every shape, and the questions that no packet can ask. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/io.ts';
import { questions } from '../../src/cli/question.ts';
import { resolve } from '../../src/model/resolve.ts';
import { load } from '../../src/pipeline/load.ts';
import { day, folder, pressShop, waterWorks, zonewright } from './cli.ts';

/** Two gateways in a row, and a third whose interfaces bear the names of the first. */
const plant = `policy "p" { revision 1 }
zone office { level 4  networks 10.0.3.0/24, 2001:db8:3::/64 }
zone dmz    { level 3.5  kind dmz  networks 10.0.5.0/24, 2001:db8:5::/64 }
zone press  { level 1  networks 10.0.9.0/24, 2001:db8:9::/64 }
zone depot  { level 4  networks 10.7.0.0/24 }
zone yard   { level 2  networks 10.8.0.0/24 }
host clerk in office { address 10.0.3.5, 2001:db8:3::5 }
host relay in dmz    { address 10.0.5.8, 2001:db8:5::8 }
host plc   in press  { address 10.0.9.11, 2001:db8:9::11 }
group everyone { clerk, relay }
service recipes { tcp 5010-5013, udp 6000 }
conduit "C IN=eth9 OUT=eth8 SRC=9.9.9.9 DST=9.9.9.9 zw back x" office -> dmz { log denied }

flow poll { from clerk, relay  to plc  allow modbus read  accept-weaker ports "inspection follows"  owner "ot"  ticket "T-1"  reason "counters"  expires 2027-01-31 }
flow ping { from office  to dmz  allow icmp echo-request }
flow web  { from office  to dmz  allow tcp 443  disabled "till the audit" }
flow shut { from clerk  to relay  allow tcp 8080 }
flow stop { from office  to relay  deny tcp 8080 }

gateway front {
  target nftables
  interface eth0 { faces office  address 10.0.3.1/24, 2001:db8:3::1/64 }
  interface eth1 { faces dmz     address 10.0.5.1/24, 2001:db8:5::1/64 }
  interface eth2 { faces press   address 10.1.0.1/30 }
  manage from clerk allow ssh { owner "it" }
  send to relay allow ntp
}
gateway back {
  target nftables
  interface lan0 { faces office  address 10.1.0.2/30 }
  interface lan1 { faces press  address 10.0.9.1/24, 2001:db8:9::1/64 }
  manage none "console only"
}
gateway spare {
  target nftables
  interface eth0 { faces depot  address 10.7.0.1/24 }
  interface eth2 { faces yard   address 10.8.0.1/24 }
  manage none "console only"
}
`;

function run(args: readonly string[], input = plant): ReturnType<typeof zonewright> {
  return zonewright(['trace', '-', '--date', day, ...args], { input });
}

function ask(args: readonly string[]): Record<string, unknown> {
  const { stdout, status, stderr } = run(['--format', 'json', ...args]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const loaded = load('plant.zone', () => Buffer.from(plant));
const { value: model } = resolve(loaded.declarations, loaded.sources);

/** How a question is refused, as `option: why`; in this process, since a table of them asks it. */
function refusal(args: readonly string[]): string {
  const options = Object.fromEntries(args.flatMap((word, at) => (at % 2 === 0 ? [[word.slice(2), args[at + 1] ?? '']] : [])));
  try {
    questions(model, loaded, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.diagnostic.code).toBe('ZW6008');
    return error.diagnostic.message;
  }
  throw new Error('the question was taken');
}

describe('the verdict', () => {
  it('comes first, then each gateway with owner, ticket, expiry, grade and source line', () => {
    const { stdout, status } = run(['--from', 'clerk', '--to', 'plc', '--service', 'modbus write', '--dport', '1']);
    expect([status, stdout]).toEqual([2, '']);
    expect(run(['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', 'modbus read']).stdout).toBe(`allow
back: lan0 → lan1, office -> press
  clerk 10.0.3.5 -> plc 10.0.9.11 on tcp 502 (modbus read-coils)
  allowed by flow \`poll\`, <stdin>:14
  owner ot, ticket T-1, reason "counters", expires 2027-01-31
  grade pdu; accepted: "inspection follows"
  an open conversation passes in both directions
front: eth0 → eth2, office -> press
  clerk 10.0.3.5 -> plc 10.0.9.11 on tcp 502 (modbus read-coils)
  allowed by flow \`poll\`, <stdin>:14
  owner ot, ticket T-1, reason "counters", expires 2027-01-31
  grade pdu; accepted: "inspection follows"
  an open conversation passes in both directions
`);
  });

  it('takes a single function, by name or by code, and a class that the policy nowhere takes apart', () => {
    const service = (words: string): unknown => ask(['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', words])['gateways'];
    const asked = (name: string): unknown =>
      expect.arrayContaining([expect.objectContaining({ packet: expect.objectContaining({ service: `tcp 502 (${name})` }) as unknown })]);
    expect(service('modbus function 16')).toEqual(asked('modbus write-multiple-registers'));
    expect(service('modbus write-multiple-registers')).toEqual(asked('modbus write-multiple-registers'));
    expect(service('modbus "Write Multiple Registers"')).toEqual(asked('modbus write-multiple-registers'));
    expect(service('modbus control')).toEqual(asked('modbus restart-communications'));
    // Where flows take the class apart, one of its functions has to be named.
    const apart = plant.replace('allow modbus read', 'allow modbus { function 3, function 4 }');
    expect(apart).not.toBe(plant);
    const { stderr, status } = run(['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', 'modbus read'], apart);
    expect(status).toBe(2);
    expect(stderr).toContain('is more than one conversation: tcp 502 with several functions');
    expect(stderr).toContain('name one function, for example "modbus read-coils"');
    expect(run(['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', 'modbus function 3'], apart).stdout).toMatch(/^allow\n/u);
  });

  it('takes units and addresses, and asks for them where flows tell them apart', () => {
    const narrow = plant.replace('allow modbus read', 'allow modbus read unit 3 address 100-199');
    expect(narrow).not.toBe(plant);
    const service = (words: string): ReturnType<typeof run> => run(['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', words], narrow);
    const inside = service('modbus read-coils unit 3 address 110-119');
    expect(inside.stdout).toMatch(/^allow\n/u);
    expect(inside.stdout).toContain('on tcp 502 (modbus read-coils unit 3 address 110-119)');
    expect(service('modbus read unit 3 address 150').stdout).toMatch(/^allow\n/u);
    for (const words of ['modbus read-coils unit 3 address 190-200', 'modbus read-coils unit 3 address 99', 'modbus function 3 unit 4 address 100'])
      expect(service(words).stdout, words).toMatch(/^deny\n/u);
    expect(service('modbus function 3 unit 4 address 100').stdout).toContain('this is modbus read-holding-registers unit 4 address 100; it allows');
    const unsaid = service('modbus function 3');
    expect(unsaid.status).toBe(2);
    expect(unsaid.stderr).toContain('is more than one conversation: tcp 502 with several units or addresses');
    expect(unsaid.stderr).toContain('name one unit and address, for example "modbus read-holding-registers unit 3 address 100-199"');
    expect(service('modbus read unit 300').stderr).toContain('unit `300` is not between 0 and 255');
    // What was asked stays in the example, whatever the flows tell apart.
    const example = (words: string, allowed: string): string => {
      const { stderr } = run(['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', words], plant.replace('allow modbus read', `allow ${allowed}`));
      return /for example "(.*)"/u.exec(stderr)?.[1] ?? stderr;
    };
    for (const allowed of ['modbus read unit 3 address 100-199', 'modbus write', 'modbus read unit 4'])
      expect(example('modbus unit 4 address 120', allowed), allowed).toBe('modbus read-coils unit 4 address 120');
    expect(example('modbus unit 4', 'modbus write')).toBe('modbus read-coils unit 4');
    expect(example('modbus', 'modbus write')).not.toContain('unit');
  });

  it('names the nearest flow, or two things that differ', () => {
    const said = (...args: string[]): string[] =>
      run(args)
        .stdout.split('\n')
        .filter((line) => line !== '')
        .slice(-3);
    expect(said('--from', 'clerk', '--to', 'relay', '--proto', 'tcp', '--dport', '443')).toEqual([
      '  denied: no flow allows it',
      '  an open conversation of it is cut at its next packet',
      'nearest: flow `web`, <stdin>:16: it is disabled: "till the audit"',
    ]);
    expect(said('--from', '10.0.3.4', '--to', 'plc', '--proto', 'tcp', '--dport', '503')).toEqual([
      'nearest: flow `poll`, <stdin>:14: two things differ',
      '  the source is office 10.0.3.4, one bit off clerk 10.0.3.5 of `clerk, relay`, which it allows',
      '  tcp 503 is one off 502, which it allows',
    ]);
    expect(said('--from', 'clerk', '--to', 'relay', '--proto', 'tcp', '--dport', '8080')).toEqual([
      '  denied by flow `stop`, <stdin>:18',
      '  an open conversation of it is cut at its next packet',
      'would be allowed by flow `shut`, <stdin>:17, but for this deny',
    ]);
    expect(said('--from', '10.0.3.9', '--to', 'relay', '--proto', 'tcp', '--dport', '8080')).toEqual([
      '  denied by flow `stop`, <stdin>:18',
      '  an open conversation of it is cut at its next packet',
      'without this deny no flow would allow it either',
    ]);
    expect(said('--from', '10.0.3.4', '--to', 'front', '--service', 'ssh')).toEqual([
      '  denied: no flow allows it',
      '  an open conversation of it is cut at its next packet',
      'nearest: `manage from clerk allow ssh`, <stdin>:25: the source is office 10.0.3.4, one bit off clerk 10.0.3.5, which it allows',
    ]);
  });

  it('is machine-readable in every field', () => {
    expect(ask(['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', 'modbus read'])).toMatchObject({
      kind: 'zonewright.trace',
      verdict: 'allow',
      enforced: true,
      date: day,
      exitStatus: 0,
      flow: 'poll',
      span: { file: '<stdin>', line: 14, column: 6 },
      note: null,
      gateways: [
        {
          gateway: 'back',
          verdict: 'allow',
          hook: 'forward',
          in: 'lan0',
          out: 'lan1',
          from: 'office',
          to: 'press',
          reason: 'flow',
          limited: false,
          flow: 'poll',
          span: { line: 14 },
          owner: 'ot',
          ticket: 'T-1',
          expires: '2027-01-31',
          essential: false,
          grade: 'pdu',
          widened: false,
          openConversation: 'passes',
          wayOut: null,
          packet: { source: '10.0.3.5', destination: '10.0.9.11', service: 'tcp 502 (modbus read-coils)' },
        },
        { gateway: 'front', in: 'eth0', out: 'eth2' },
      ],
      nearest: null,
      wouldAllow: [],
    });
    expect(ask(['--from', '10.0.3.4', '--to', '10.0.9.11', '--proto', 'udp', '--dport', '502'])).toMatchObject({
      verdict: 'deny',
      flow: null,
      span: null,
      gateways: [{ flow: null, owner: null, ticket: null, expires: null, essential: false, grade: null, openConversation: 'cut' }, { gateway: 'front' }],
      nearest: {
        flow: 'poll',
        span: { line: 14 },
        differs: 'the source is office 10.0.3.4, one bit off clerk 10.0.3.5 of `clerk, relay`, which it allows; and this is udp 502; it allows tcp 502',
        differences: [
          { field: 'source', got: '10.0.3.4', allows: 'clerk, relay' },
          { field: 'protocol', got: 'udp', allows: 'tcp' },
        ],
      },
    });
    expect(ask(['--from', 'clerk', '--to', 'relay', '--proto', 'tcp', '--dport', '8080'])).toMatchObject({
      verdict: 'deny',
      flow: 'stop',
      nearest: null,
      wouldAllow: ['shut'],
    });
  });

  it('asks every address that two names have in common, and answers by the first that is denied', () => {
    const { gateways } = ask(['--from', 'everyone', '--to', 'plc', '--proto', 'tcp', '--dport', '502']) as { gateways: { packet: { source: string } }[] };
    expect(gateways[0]?.packet.source).toBe('10.0.3.5');
    expect(ask(['--from', 'everyone', '--to', 'relay', '--proto', 'icmp', '--type', '8'])).toMatchObject({ verdict: 'allow' });
    expect(ask(['--from', 'clerk', '--to', 'relay', '--service', 'icmp echo-request'])).toMatchObject({ verdict: 'allow' });
    expect(ask(['--from', 'clerk', '--to', 'relay', '--proto', 'icmpv6', '--type', '128'])).toMatchObject({
      verdict: 'allow',
      gateways: [{ gateway: 'front', packet: { family: 6, service: 'icmpv6 echo-request' } }],
    });
  });

  it('meets a gateway at the address of the interface that faces the other end', () => {
    expect(ask(['--from', 'clerk', '--to', 'front', '--service', 'ssh'])).toMatchObject({
      verdict: 'allow',
      gateways: [{ gateway: 'front', hook: 'input', packet: { destination: '10.0.3.1' }, flow: 'manage from clerk allow ssh', owner: 'it' }],
    });
    expect(ask(['--from', 'front', '--to', 'relay', '--service', 'ntp'])).toMatchObject({
      verdict: 'allow',
      gateways: [{ hook: 'output', packet: { source: '10.0.5.1' } }],
    });
    const dynamic = plant
      .replace('address 10.0.3.1/24, 2001:db8:3::1/64', 'address 10.0.3.1/24')
      .replace('address 10.7.0.1/24 }', 'address dynamic }')
      .replace('address 10.8.0.1/24 }\n  manage none "console only"', 'address 10.8.0.1/24 }\n  manage from depot, yard allow ssh');
    const told = (from: string): string[] => run(['--from', from, '--to', 'spare', '--service', 'ssh'], dynamic).stdout.split('\n').slice(0, 3);
    expect(told('depot')).toEqual([
      'allow',
      'spare: eth0 → the gateway, depot -> spare',
      '  depot 10.7.0.10 -> the gateway at its dynamic address on tcp 22 (ssh)',
    ]);
    expect(told('yard')).toEqual(['allow', 'spare: eth2 → the gateway, yard -> spare', '  yard 10.8.0.10 -> spare 10.8.0.1 on tcp 22 (ssh)']);
    // No interface faces the clerk there, so what is known of the gateway's addresses is asked.
    expect(told('10.0.3.5')).toEqual(['deny', '  no gateway joins zones office and yard', '']);
    // The clerk has IPv6 too, the interface that faces it has not.
    expect(run(['--from', 'clerk', '--to', 'front', '--service', 'ssh', '--expect', 'allow'], dynamic).status).toBe(0);
    const only = dynamic.replace('interface eth2 { faces yard   address 10.8.0.1/24 }', 'interface eth2 { faces yard   address none }');
    expect(run(['--from', 'clerk', '--to', 'spare', '--service', 'ssh'], only).stderr).toContain('`clerk` and `spare` meet at no address that is known');
  });

  it('has exit status 0 either way, and 1 when another was expected', () => {
    const args = ['--from', 'clerk', '--to', 'plc', '--service', 'modbus'];
    expect(run(args).status).toBe(0);
    expect(run([...args, '--expect', 'allow']).status).toBe(0);
    const wrong = run([...args, '--expect', 'deny']);
    expect([wrong.status, wrong.stderr]).toEqual([1, 'expected deny, but the verdict is allow\n']);
    expect(JSON.parse(run([...args, '--expect', 'deny', '--format', 'json']).stdout)).toMatchObject({ verdict: 'allow', exitStatus: 1 });
    expect(run(['--from', 'plc', '--to', 'clerk', '--service', 'modbus', '--expect', 'deny']).status).toBe(0);
  });

  it('stops at a file that is wrong, with the words of `check`', () => {
    const broken = plant.replace('zone depot  { level 4', 'zone depot  { level 9');
    const args = ['--from', 'clerk', '--to', 'plc', '--service', 'modbus'];
    const { status, stderr, stdout } = run(args, broken);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(zonewright(['check', '-', '--date', day], { input: broken }).stderr.split('policy "p"')[0]);
  });
});

describe('a kernel log line', () => {
  const fields = 'LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=40000 DPT=502 WINDOW=64240 RES=0x00 SYN URGP=0';
  const mac = 'MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00';
  const ends = `${mac} SRC=10.0.3.5 DST=10.0.9.11`;
  const forward = `IN=eth0 OUT=eth2 ${ends} ${fields}`;
  const v6 = 'SRC=2001:0db8:0003:0000:0000:0000:0000:0005 DST=2001:0db8:0009:0000:0000:0000:0000:0011 LEN=80 TC=0 HOPLIMIT=63 FLOWLBL=0';
  const tcp = 'PROTO=TCP SPT=40000 DPT=502 WINDOW=64240 RES=0x00 SYN URGP=0';
  const allowed = { verdict: 'allow', gateways: [{ gateway: 'front', in: 'eth0', out: 'eth2', flow: 'poll' }] };

  it.each<[shape: string, line: string, expected: Record<string, unknown>]>([
    ['our own', `zw front office>press poll: ${forward}`, allowed],
    ['of dmesg', `[12345.678901] zw front office>press poll: ${forward}`, allowed],
    ['of dmesg with facility', `kern  :warn  : [12345.678901] zw front office>press poll: ${forward}`, allowed],
    ['of syslog', `Nov 22 02:13:14 spare kernel: [12345.678] zw front office>press poll: ${forward}`, allowed],
    ['of syslog by priority and ISO date', `<4>2026-11-22T02:13:14.123+09:00 loghost kernel: zw front office>press poll: ${forward}`, allowed],
    ['of journald', `Nov 22 02:13:14 loghost kernel: zw front office>press poll: ${forward}`, allowed],
    ['of a host whose name is our prefix', `Nov 22 02:13:14 zw kernel: zw front office>press poll: ${forward}`, allowed],
    ['with the name of a gateway cut', `zw fron~0a1b2 office>press poll: ${forward}`, allowed],
    ['without our prefix, by its host', `Nov 22 02:13:14 front kernel: ${forward}`, allowed],
    ['without our prefix, by its interfaces and zones', `DROP: ${forward}`, allowed],
    ['with a prefix that touches the fields', `DROP${forward}`, allowed],
    [
      'with decoded MAC fields',
      `zw front office>press poll: ${forward.replace(mac, 'MACSRC=02:00:00:00:00:01 MACDST=02:00:00:00:00:02 MACPROTO=0800')}`,
      allowed,
    ],
    ['with TCP options and a user', `zw front office>press poll: ${forward} OPT (020405B40402080A) UID=0 GID=0 MARK=0x7`, allowed],
    ['of a bridge', `zw front office>press poll: ${forward.replace('OUT=eth2', 'OUT=eth2 PHYSIN=port7 PHYSOUT=port8')}`, allowed],
    ['of IPv6', `zw front office>press poll: IN=eth0 OUT=eth2 ${v6} ${tcp}`, { ...allowed, gateways: [{ packet: { family: 6, source: '2001:db8:3::5' } }] }],
    [
      'of IPv6 with extension headers',
      `zw front office>press poll: IN=eth0 OUT=eth2 ${v6} OPT ( ) FRAG:0 INCOMPLETE ID:00000001 ${tcp}`,
      { verdict: 'allow', flow: 'poll' },
    ],
    [
      'of ICMP',
      'zw front office>dmz ping: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.5.8 LEN=84 TTL=63 ID=0 DF PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1',
      { verdict: 'allow', flow: 'ping' },
    ],
    [
      'of ICMPv6',
      `zw front office>dmz ping: IN=eth0 OUT=eth1 ${v6.replace('0009', '0005')} PROTO=ICMPv6 TYPE=128 CODE=0 ID=7 SEQ=1`,
      { verdict: 'allow', flow: 'ping' },
    ],
    [
      'of an ICMP error that quotes what it is about',
      `zw front state: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.5.8 LEN=88 TTL=64 PROTO=ICMP TYPE=3 CODE=1 [SRC=10.0.5.8 DST=10.0.3.5 LEN=60 PROTO=UDP SPT=53 DPT=4000 LEN=40 ]`,
      { verdict: 'deny', gateways: [{ reason: 'state', packet: { service: 'icmp host-unreachable', source: '10.0.3.5' } }] },
    ],
    [
      'of a protocol by number',
      'zw front office>dmz default: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.5.8 LEN=40 TTL=63 PROTO=47',
      { verdict: 'deny', gateways: [{ reason: 'default', packet: { service: 'ip protocol 47' } }] },
    ],
    [
      'of a protocol by another name',
      'zw front office>dmz default: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.5.8 LEN=40 TTL=63 PROTO=ESP SPI=0x1',
      { verdict: 'deny', gateways: [{ packet: { service: 'ip protocol 50' } }] },
    ],
    [
      'of a spoofed source',
      `zw front spoof: IN=eth1 OUT=eth1 ${ends} ${fields}`,
      { verdict: 'deny', gateways: [{ reason: 'spoofed', wayOut: '10.0.3.5 lies in zone office, which eth0 faces; it came in by eth1' }] },
    ],
    [
      'of a destination without a zone',
      `zw front unrouted: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=8.8.8.8 ${fields}`,
      { verdict: 'deny', gateways: [{ reason: 'unrouted', wayOut: '8.8.8.8 lies in no zone' }] },
    ],
    [
      'of a bad state',
      `zw front state: IN=eth0 OUT=eth2 ${ends} ${fields}`,
      {
        verdict: 'deny',
        gateways: [{ reason: 'state', openConversation: 'passes' }],
        nearest: { flow: 'poll', differences: [{ field: 'state', got: 'invalid', allows: 'new' }] },
      },
    ],
    [
      'for the gateway',
      `zw front office>front default: IN=eth0 OUT= ${mac} SRC=10.0.3.5 DST=10.0.3.1 ${fields.replace('DPT=502', 'DPT=22')}`,
      { verdict: 'allow', gateways: [{ hook: 'input', out: null, flow: 'manage from clerk allow ssh' }] },
    ],
    [
      'from the gateway',
      `zw front front>dmz default: IN= OUT=eth1 SRC=10.0.5.1 DST=10.0.5.8 LEN=76 TTL=64 PROTO=UDP SPT=123 DPT=123 LEN=56`,
      { verdict: 'allow', gateways: [{ hook: 'output', in: null, flow: 'send to relay allow ntp' }] },
    ],
    ['with a prefix that looks like fields', `zw front office>dmz C IN=eth9 OUT=eth8 SRC=9.9.9.9 DST=9.9.9.9 PROTO=UDP zw back x default: ${forward}`, allowed],
    ['with a prefix that ends in half a field', `zw front office>dmz C SRC=9.9.9.9 IN=${forward}`, allowed],
  ])('%s', (_, line, expected) => {
    expect(ask(['--log', line])).toMatchObject(expected);
  });

  it('is read from standard input, the last of several', () => {
    const path = join(folder(), 'plant.zone');
    writeFileSync(path, plant);
    const input = `zw front spoof: IN=eth1 OUT=eth1 ${ends} ${fields}\nzw front office>press poll: ${forward}\n\n`;
    expect(zonewright(['trace', path, '--date', day, '--log', '-', '--expect', 'allow'], { input }).status).toBe(0);
  });

  it.each<[line: string, why: string]>([
    ['', 'the line has no IN= and OUT='],
    ['nonsense', 'the line has no IN= and OUT='],
    ['zw front spoof: IN=eth0 OUT=eth1 DST=10.0.9.11 PROTO=TCP', 'the line has no SRC= address'],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9 PROTO=TCP', 'the line has no DST= address'],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=2001:db8::1 PROTO=TCP', 'SRC= and DST= are of different families'],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9.11 LEN=60 FRAG:185', 'the line has no PROTO='],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9.11 PROTO=BOGUS', 'PROTO=BOGUS is no protocol'],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9.11 PROTO=256', 'PROTO=256 is no protocol'],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9.11 FRAG:185 PROTO=TCP', 'the line has no SPT='],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9.11 PROTO=TCP SPT=1 DPT=65536', 'DPT=65536 is not a number between 0 and 65535'],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9.11 PROTO=ICMP INCOMPLETE [4 bytes]', 'the line has no TYPE='],
    ['zw front spoof: IN=eth0 OUT=eth1 SRC=2001:db8:3::5 DST=2001:db8:9::11 PROTO=ICMP TYPE=8 CODE=0', 'IPv6 has no PROTO=ICMP'],
    [`zw front spoof: IN= OUT= ${ends} ${fields}`, 'the line names no interface'],
    [`zw frontt spoof: ${forward}`, 'gateway `frontt` wrote the line, and the zone file has none of that name'],
    [`DROP: ${forward.replace('eth2', 'eth7')}`, 'no gateway has the interfaces eth0 and eth7'],
    [`DROP: ${forward.replace('10.0.3.5', '10.9.9.9')}`, 'it does not say which gateway wrote it: front, spare'],
  ])('%s is refused: %s', (line, why) => {
    expect(refusal(['--log', line]).startsWith(`option \`--log\`: ${why}`)).toBe(true);
  });
});

describe('a question that no packet can ask', () => {
  const [from, to] = [
    ['--from', 'clerk'],
    ['--to', 'plc'],
  ];
  it.each<[args: readonly string[], option: string, why: string]>([
    [[], '--from', 'is missing'],
    [[...from, '--proto', 'tcp', '--dport', '1'], '--to', 'is missing'],
    [[...from, ...to], '--proto', 'give either --proto or --service'],
    [[...from, ...to, '--proto', 'tcp', '--dport', '1', '--service', 'modbus'], '--proto', 'give either --proto or --service'],
    [[...from, ...to, '--proto', 'tpc', '--dport', '1'], '--proto', '`tpc` is not a protocol'],
    [[...from, ...to, '--proto', '256'], '--proto', '`256` is not a protocol'],
    [[...from, ...to, '--proto', 'constructor', '--dport', '1'], '--proto', '`constructor` is not a protocol'],
    [[...from, ...to, '--proto', 'tcp'], '--dport', 'is missing'],
    [[...from, ...to, '--proto', 'tcp', '--dport', '65536'], '--dport', '`65536` is not a number between 0 and 65535'],
    [[...from, ...to, '--proto', 'tcp', '--dport', '-1'], '--dport', '`-1` is not a number between 0 and 65535'],
    [[...from, ...to, '--proto', 'tcp', '--dport', '0x50'], '--dport', '`0x50` is not a number between 0 and 65535'],
    [[...from, ...to, '--proto', 'tcp', '--dport', '1', '--sport', '70000'], '--sport', '`70000` is not a number between 0 and 65535'],
    [[...from, ...to, '--proto', 'tcp', '--dport', '1', '--type', '8'], '--type', 'tcp has no ICMP type'],
    [[...from, ...to, '--proto', 'udp', '--dport', '1', '--code', '0'], '--code', 'udp has no ICMP type'],
    [[...from, ...to, '--proto', 'icmp', '--dport', '1'], '--dport', 'icmp has no ports'],
    [[...from, ...to, '--proto', 'icmp', '--type', '8', '--sport', '1'], '--sport', 'icmp has no ports'],
    [[...from, ...to, '--proto', 'icmp'], '--type', 'is missing'],
    [[...from, ...to, '--proto', 'icmp', '--type', '256'], '--type', '`256` is not a number between 0 and 255'],
    [[...from, ...to, '--proto', '47', '--type', '8'], '--type', 'protocol 47 has no ICMP type'],
    [[...from, ...to, '--proto', '47', '--dport', '8'], '--dport', '47 has no ports'],
    [[...from, ...to, '--service', 'modbus', '--type', '8'], '--type', 'goes with --proto, not with --service'],
    [[...from, ...to, '--service', 'modbus', '--dport', '502'], '--dport', 'goes with --proto, not with --service'],
    [[...from, ...to, '--service', 'icmp echo-request', '--sport', '502'], '--sport', '`icmp echo-request` has no ports'],
    [[...from, ...to, '--service', 'goose'], '--service', 'no routed gateway sees `goose`: it exists on layer 2 only'],
    [[...from, ...to, '--service', 'ethertype 0x88b8'], '--service', 'no routed gateway sees `ethertype 0x88b8`'],
    [[...from, ...to, '--service', 'recipes'], '--service', '`recipes` is more than one conversation: tcp 5010-5013, udp 6000'],
    [[...from, ...to, '--service', 'any'], '--service', '`any` is more than one conversation'],
    [[...from, ...to, '--service', 'modbus, ssh'], '--service', '`modbus, ssh` is more than one conversation: tcp 22, tcp 502'],
    [
      [...from, ...to, '--service', 'modbus { read, write }'],
      '--service',
      '`modbus { read, write }` is more than one conversation: tcp 502 with several functions',
    ],
    [[...from, ...to, '--service', 'modbus reed'], '--service', '`modbus reed` is not a service: '],
    [[...from, ...to, '--service', 'modbus function 77'], '--service', '`modbus function 77` is not a service: protocol `modbus` has no function 77'],
    [[...from, ...to, '--service', 'modbus function 8'], '--service', '`modbus function 8` is more than one conversation: tcp 502 with several functions'],
    [[...from, ...to, '--service', ''], '--service', '`` is not a service'],
    [[...from, ...to, '--service', 'tcp 1 } zone q { level 4'], '--service', '`tcp 1 } zone q { level 4` is not a service'],
    [['--from', '10.0.3.5', '--to', '2001:db8:9::11', '--proto', 'tcp', '--dport', '1'], '--to', '`10.0.3.5` and `2001:db8:9::11` share no address family'],
    [['--from', '10.0.3.5', '--to', '10.0.9.11', '--proto', 'icmpv6', '--type', '128'], '--proto', 'there is no icmpv6 in IPv4'],
    [['--from', '2001:db8:3::5', '--to', 'plc', '--proto', 'icmp', '--type', '8'], '--proto', 'there is no icmp in IPv6'],
    [['--from', '10.0.3.5', '--to', '10.0.9.11', '--service', 'icmpv6 type 135'], '--service', 'there is no icmpv6 type 135 in IPv4'],
    [['--from', '10.0.3.0/24', ...to, '--proto', 'tcp', '--dport', '1'], '--from', '`10.0.3.0/24` is a network'],
    [['--from', '10.0.3.256', ...to, '--proto', 'tcp', '--dport', '1'], '--from', '`10.0.3.256` is neither an address nor a zone, host, group or gateway'],
    [[...from, '--log', 'x'], '--log', 'stands alone, without --from'],
    [['--log', 'x', '--service', 'modbus'], '--log', 'stands alone, without --service'],
  ])('%j', (args, option, why) => {
    expect(refusal(args)).toContain(`option \`${option}\`: ${why}`);
  });

  it.each([
    [[...from, ...to, '--proto', 'icmp', '--dport', '1'], 'option `--dport`: icmp has no ports'],
    [['--log', '-'], 'option `--log`: only one of FILE and --log can be standard input'],
    [['--log', 'nonsense'], 'option `--log`: the line has no IN= and OUT='],
    [[...from, ...to, '--service', 'modbus', '--expect', 'maybe'], 'option `--expect`: takes allow or deny'],
  ])('%j has exit status 2 and one line about it', (args, why) => {
    const { status, stderr, stdout } = run(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.startsWith(`error[ZW6008]: ${why}\n`)).toBe(true);
    expect(stderr).toMatch(/\n1 error\n$/u);
  });

  it('is answered with the nearest name', () => {
    const help = (args: readonly string[]): string | undefined => /= help: (.*)/u.exec(run(args).stderr)?.[1];
    expect(help(['--from', 'clark', '--to', 'plc', '--service', 'modbus'])).toBe('did you mean `clerk`?');
    expect(help(['--from', 'clerk', '--to', 'fornt', '--service', 'modbus'])).toBe('did you mean `front`?');
    expect(help(['--from', 'clerk', '--to', 'plc', '--service', 'modbuss'])).toBe('did you mean `modbus`?');
    expect(help(['--from', 'clerk', '--to', 'plc', '--service', 'modbus reed'])).toBe('did you mean `read`?');
    expect(help(['--log', 'zw frontt spoof: IN=eth0 OUT=eth1 SRC=10.0.3.5 DST=10.0.9.11 PROTO=TCP SPT=1 DPT=1'])).toBe('did you mean `front`?');
  });
});

describe('the examples', () => {
  it('answer as their READMEs say', () => {
    const json = (file: string, ...args: string[]): unknown => JSON.parse(zonewright(['trace', file, '--date', day, '--format', 'json', ...args]).stdout);
    expect(json(pressShop, '--from', '10.20.0.4', '--to', 'plc_press', '--proto', 'tcp', '--dport', '502')).toMatchObject({
      nearest: { differs: 'the source is dmz 10.20.0.4, one bit off historian 10.20.0.5, which it allows' },
    });
    expect(json(pressShop, '--from', 'internet', '--to', 'gw12', '--service', 'ssh')).toMatchObject({
      verdict: 'deny',
      gateways: [{ hook: 'input', in: 'eth0' }],
      nearest: { flow: 'manage from jump allow ssh' },
    });
    expect(json(waterWorks, '--from', 'scada_a', '--to', 'rtu_1', '--service', 'dnp3')).toMatchObject({
      verdict: 'allow',
      gateways: [{ gateway: 'gw_centre' }, { gateway: 'gw_pump_1' }],
    });
  });
});
